#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What the administrator says on Xen's command line.
#
# Wrong in the world if this fails: a probe that was to be off runs, one that was to be watchful is not, or a typing error in the boot
# loader's configuration passes unseen.  Two "sense=" are one list; the status of each probe says what came of it, Xen's log the rest.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot("step status ksense --xen --json status\nstep on ksense --xen on xen-text\n",
	'--xen-args', 'sense=xen-domains=low,level=high,dom0=some sense=xen-text=off,ring=4K');

my ($status) = json($steps->{status});
my %probe = map { $_->{name} => $_ } @{$status->{probes}};
is($probe{'xen-domains'}{level}, 'low', 'a level for one probe counts, wherever it stands');
is($probe{'xen-domains'}{state}, 'on', 'it runs');
is($probe{'xen-text'}{level}, 'high', 'a level for all counts for the others');
is($probe{'xen-text'}{state}, 'off', 'what is to be off, in a second list, is off');
is($probe{$_}{bytes}, 8192, "$_: too small a ring is the smallest") for sort keys %probe;
my $log = $steps->{''}{console};
like($log, qr/sense: not understood on the command line: dom0=some\b/, 'a word that is none is told');
like($log, qr/sense: ring is out of bounds, taking 8K/, 'and a ring that is out of bounds');
is($steps->{on}{status}, 0, 'what was off at the start can be turned on');

my $off = boot("step version abi version\nstep tool ksense --xen discovery\n", '--xen-args', 'sense=off');
like($off->{version}{out}, qr/^version: 1$/m, 'with sense=off the hypercall is still there');
is($off->{tool}{status}, 3, 'and the tool says that there is no sensor');
like($off->{tool}{err}, qr/sense=off|sensor/, 'with a hint');

done_testing;
