#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Whoever may only read asks for passes, as often as he likes, and none of them sees all: each
# says so, in an alarm.
#
# Wrong in the world if this fails: who has taken Dom0 over, and has no more than the right to read
# left, pushes out of the ring what is told of him there: that he reset the probe, or held its CPU.
#
# xen-idt may look at one CPU of two alone, so that no pass is whole; its ring is the smallest.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--smp', 2, '--one-thread', '--xen-args', 'sense=cpus=0,ring=16K');
ksense reset xen-idt >/dev/null
ksense high xen-idt >/dev/null
step lock ksense lock --nobody
asked=0
until [ $asked -eq 40 ]; do
	ksense records xen-idt --peek --announce >/dev/null
	usleep 1100000
	asked=$((asked + 1))
done
step began ksense --json records xen-idt --peek --filter kind=began
step incomplete ksense --json records xen-idt --peek --filter kind=incomplete
step status ksense --json status xen-idt
SH

is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(lock began incomplete status);
my ($status) = json($steps->{status});
cmp_ok($status->{lost_alarms}, '>', 10, 'more alarms were made than the ring holds') or diag $steps->{status}{out};
my @incomplete = grep { $_->{kind} eq 'incomplete' } json($steps->{incomplete});
cmp_ok(scalar(@incomplete), '>', 1, 'the last of them are there');
my ($began) = grep { $_->{kind} eq 'began' } json($steps->{began});
is_deeply([@{$began // {}}{qw(class why)}, ($began->{by} // {})->{domain}], ['alarm', 'reset', 0],
	'and so is who has reset the probe') or diag $steps->{began}{out};

done_testing;
