#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What the administrator says on Xen's command line.
#
# Wrong in the world if this fails: a probe that was to be off runs, one that was to be watchful is
# not, or a typing error in the boot loader's configuration passes unseen.  Two "sense=" are one
# list; the status of each probe says what came of it, Xen's log the rest.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# Xen keeps 127 bytes of an option and drops the rest without a word: what is left of "ring=64K" is
# "ring=6".  16 more of the same length are more than the sensor keeps of all of them.
my $long = 'sense=' . substr('xen-domains=default,' x 10, 0, 114) . ',ring=6';
is(length($long), 127, 'an option as long as Xen keeps');

my @options = ('xen-domains=low,level=high,dom0=some,rign=64K', 'xen-text=off,ring=4K,xen-idt=of',
	'level=low,level=high',
	# Too large for 32 and for 64 bits, in which these would be a CPU's.
	'cpus=0-,cpus=1-0,cpus=65536,cpus=4294967296,cpus=18446744073709551617,cpus=0-18446744073709551616');
my $steps = boot("step status ksense --xen --json status\nstep on ksense --xen on xen-text\n",
	'--xen-args', join(' ', map { "sense=$_" } @options));

my ($status) = json($steps->{status});
my %probe = map { $_->{name} => $_ } @{$status->{probes}};
is($probe{'xen-domains'}{level}, 'low', 'a level for one probe counts, wherever it stands');
is($probe{'xen-domains'}{state}, 'on', 'it runs');
is($probe{'xen-text'}{level}, 'high', 'a level for all counts for the others');
is($probe{'xen-text'}{state}, 'off', 'what is to be off, in a second list, is off');
is($probe{$_}{bytes}, 16384, "$_: too small a ring is the smallest") for sort keys %probe;
my $log = $steps->{''}{console};
sub told {
	my ($console) = @_;
	return join "\n", $console =~ /sense: ((?:not understood|out of bounds|given more|too long)[^\r\n]*)/g;
}
is(told($log), <<'LOG' =~ s/\n\z//r, 'every mistake is told, each with its word');
not understood: dom0=some
not understood: rign=64K
out of bounds, taking 16K: ring=4K
not understood: xen-idt=of
given more than once, the last counts: level=low
given more than once, the last counts: level=high
not understood: cpus=0-
not understood: cpus=1-0
not understood: cpus=65536
not understood: cpus=4294967296
not understood: cpus=18446744073709551617
not understood: cpus=0-18446744073709551616
LOG
is($steps->{on}{status}, 0, 'what was off at the start can be turned on');

my $cut = boot("step status ksense --xen --json status\n", '--xen-args', "${long}4K,level=low sense=xen-text=low");
like(told($cut->{''}{console}), qr/^not understood: ring=6\.\.\.$/m,
	'the rest of a word that Xen has cut is not taken for another word');
like($cut->{''}{console}, qr/sense: too long, and cut at "\.\.\.": use several of 126 bytes at most/,
	'and how to say it is told');
($status) = json($cut->{status});
%probe = map { $_->{name} => $_ } @{$status->{probes}};
is($probe{'xen-text'}{bytes}, 131072, 'the ring is as it is by default');
is($probe{'xen-text'}{level}, 'low', 'what follows in another option counts');

my $full = boot("step status ksense --xen --json status\n", '--xen-args',
	join(' ', 'sense=xen-text=low', ($long =~ s/ring=6$/ring=8/r) x 16, 'sense=xen-idt=low'));
like(told($full->{''}{console}), qr/\.\.\.$/m, 'where all together are too long, the last word that was kept is told');
like($full->{''}{console}, qr/sense: too long, and cut/, 'and that it is so');
is($full->{status}{status}, 0, 'the sensor runs all the same');

my $off = boot("step version abi version\nstep tool ksense --xen discovery\n", '--xen-args', 'sense=off');
like($off->{version}{out}, qr/^version: 1$/m, 'with sense=off the hypercall is still there');
is($off->{tool}{status}, 3, 'and the tool says that there is no sensor');
like($off->{tool}{err}, qr/sense=off|sensor/, 'with a hint');

done_testing;
