#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Each kind of record that a probe can make is judged by a check, or is named in canary/checks.json
# with the reason why none judges it.
#
# Wrong in the world if this fails: a probe sees an attack and says so, and ksense compare ends
# with "nothing differs", as nobody thought of that kind.
#
# The kinds are taken from the probes' own tables, as scripts/probe-pages takes them: for they
# compile in their kernels alone.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../../scripts";
use Tables qw(probes_of kinds_of);
use ToolTest;
use Test::More;

# The probes' records that the engines make of any kind of item, and the sensor of itself, are
# no kinds of theirs.
my %kinds;
my $region = join '', map { slurp("$root/probes/$_") } qw(region.c region.h);
my @of_region = $region =~ /(?:ks_record_begin\(probe, \w+, [^";]+, |record_page\(probe, region, )"(\w+)"/g;
chdir $root or die "$root: $!";
for my $kernel (qw(xen linux)) {
	my $of = $kernel eq 'xen' ? 'xen' : 'module';

	for my $probe (probes_of($kernel)) {
		my @own = $probe->{is_set} ? map { $_->{kind} } kinds_of($probe) : @of_region;

		$kinds{"$of $probe->{name} $_"} = 1 for @own;
	}
}
cmp_ok(scalar(keys %kinds), '>', 50, 'the probes have kinds');

my $data = JSON::PP->new->decode(slurp("$root/canary/checks.json"));
my (%judged, %context);
for my $check (grep { !$_->{sensor} } @{$data->{checks}}) {
	for my $view (ref $check->{xen} eq 'ARRAY' ? @{$check->{xen}} : $check->{xen}, @{$check->{dom0}}) {
		$judged{($view->{source} // 'xen') . " $view->{probe} $view->{kind}"} = $check->{check}
			if $view->{probe};
	}
}
# A probe's name says which sensor has it.
my %sensor = map { (split / /)[1, 0] } keys %kinds;
for my $one (@{$data->{context}}) {
	my $kind = ($sensor{$one->{probe}} // 'no sensor') . " $one->{probe} $one->{kind}";

	ok(!$context{$kind}++, "$kind stands once in the context");
	cmp_ok(length($one->{why} // ''), '>', 15, "$kind: it says why no check judges it");
}
for my $kind (sort keys %kinds) {
	ok($judged{$kind} || $context{$kind}, "$kind is judged, or named with a reason");
	ok(!($judged{$kind} && $context{$kind}), "$kind is not both");
}
is_deeply([grep { !$kinds{$_} } sort keys %judged, keys %context], [], 'and no kind is named that no probe has');

done_testing;
