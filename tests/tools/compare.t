#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare as far as it goes without Xen: its command line, and files of pairs.
#
# Wrong in the world if this fails: a typing error in a file of pairs is a rule that never holds, and nobody is told; or somebody reads "clean" in what cannot
# say that.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp;
use JSON::PP;
use KS;
use Test::More;

my $dir = File::Temp->newdir;
sub compare {
	my @arguments = @_;
	my $out = `'$build/cli/ksense' compare @arguments 2>&1 </dev/null`;
	return { out => $out, status => $? >> 8 };
}
sub pairs {
	my ($text) = @_;
	open(my $file, '>', "$dir/pairs") or die;
	print $file ref $text ? JSON::PP->new->encode($text) : $text;
	close $file;
	return compare('--pairs', "$dir/pairs");
}
my $rule = { finding => 'x', severity => 'low', what => 'w', why => 'y', next => 'n' };
my $view = { probe => 'xen-domains', kind => 'domain', key => ['domid'] };
sub pair { return { pairs => [{ pair => 'p', xen => $view, dom0 => [], only_xen => $rule, @_ }] } }

SKIP: {
	skip 'this is a Xen host', 4 if -e '/dev/xen/privcmd';
	my $none = compare('');
	is($none->{status}, 3, 'without Xen it could not look');
	like($none->{out}, qr/^ksense: there is no \S*privcmd.*compare needs the sensor in Xen$/m, 'and says why');
	unlike($none->{out}, qr/--socket/, 'with no advice that does not help');
	is(pairs(pair())->{status}, 3, 'a file of pairs is taken');
}

# --- Usage
for my $case (['--once --watch', 'exclude each other'], ['--interval 2', 'goes with --watch'], ['--peek', 'goes with the command records'],
	      ['--xen', 'no --xen'], ['--host', 'no --host'], ['xen-domains', 'takes no target'], ["--pairs $dir/none", 'none']) {
	my ($arguments, $says) = @$case;
	my $got = compare($arguments);

	is($got->{status}, 2, "compare $arguments: usage");
	like($got->{out}, qr/\Q$says\E/, 'and what is wrong');
}

# --- Files of pairs
my %wrong = (
	'no JSON' => ['{', 'line 1'],
	'no pairs' => [{}, '"pairs"'],
	'an empty array' => [{ pairs => [] }, '"pairs" is empty'],
	'no array' => [{ pairs => {} }, '"pairs", an array'],
	'a pair without a name' => [{ pairs => [{}] }, 'needs "pair"'],
	'an unknown member' => [pair(lokks => 3), '"lokks"'],
	'no Dom0' => [pair(dom0 => undef), '"dom0"'],
	'a source there is not' => [pair(dom0 => [{ source => 'xl', key => ['domid'] }]), 'toolstack'],
	'a probe for xenstore' => [pair(dom0 => [{ source => 'xenstore', probe => 'x', key => ['domid'] }]), 'for sensors'],
	'no key' => [pair(xen => { probe => 'a', kind => 'b' }), '"key"'],
	'two probes' => [pair(xen => [$view, { %$view, probe => 'xen-text' }]), 'one probe'],
	'a condition that is an array' => [pair(xen => { %$view, where => { domid => [1] } }), '"domid"'],
	'a severity there is not' => [pair(only_xen => { %$rule, severity => 'bad' }), 'critical'],
	'a rule without a reason' => [pair(only_xen => { %$rule, why => '' }), '"why"'],
	'no rule' => [{ pairs => [{ pair => 'p', xen => $view, dom0 => [] }] }, 'only_xen'],
	'members that are none' => [pair(differs => $rule), '"members"'],
	'no looks' => [pair(looks => 0), '"looks"'],
	'in the place of a pair there is not' => [pair(instead_of => 'q'), '"q"'],
	'two by one name' => [{ pairs => [(pair()->{pairs}[0]) x 2] }, 'two by this name'],
);
for my $what (sort keys %wrong) {
	my ($text, $says) = @{$wrong{$what}};
	my $got = pairs($text);

	is($got->{status}, 2, "$what is an error");
	like($got->{out}, qr/^ksense: \Q$dir\E\/pairs.*\Q$says\E/, 'that says where and what') or diag $got->{out};
}

# --- What it says
my $built_in = JSON::PP->new->decode(do { local (@ARGV, $/) = "$root/cli/pairs.json"; <> });
for my $pair (@{$built_in->{pairs}}) {
	for my $rule (grep { ref eq 'HASH' && $_->{finding} } values %$pair) {
		ok(length $rule->{why} > 60 && length $rule->{next} > 20, "$pair->{pair}: $rule->{finding} says why it matters and what to look at");
	}
}
unlike(do { local (@ARGV, $/) = "$build/cli/ksense"; <> }, qr/\bclean\b/i, 'the word "clean" does not appear');

done_testing;
