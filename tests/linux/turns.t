#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Whoever asks the sensor for much does not keep a CPU from everybody else.
#
# Wrong in the world if this fails: in a kernel that takes no CPU from its own threads (without
# preemption, as servers have it, or with preempt=none), a fresh sample of many descriptors is one
# stretch in which a CPU runs nothing else; from 20 s on the kernel calls that a soft lockup.
#
# On one CPU, with a clock that counts instructions, a program (tests/linux/gap.c) wants to run all
# the time while a sample is taken of 20,000 descriptors.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @options = ('--linux', '--icount', '--linux-args', 'preempt=none', '--timeout', 600,
	map { ('--add', $_) } $KS::module, map { "$build/tests/$_" } qw(many gap));
my $steps = boot(<<'SH', @options);
export KSENSE_SOCKET=/run/ksense/kernel.sock
# The line that begins with $2 in the file $1.
await() { until grep "^$2" $1; do usleep 10000; done 2>/dev/null; }
mkfifo many.in gap.in
./many 1000 20 1000 <many.in >many.out & many=$!
exec 3>many.in
step crowd await many.out many
step load insmod ksense.ko sense=processes=off,files=off,kernel-text=off,modules=off,kernel-entries=off
wait_passes 1 open-files
ksense low open-files >/dev/null
./gap <gap.in >gap.out & gap=$!
exec 4>gap.in
await gap.out running
step sample ksense --json records open-files --peek --run --filter kind=incomplete
exec 4>&-
wait $gap
step gap cat gap.out
step status ksense --json status open-files
exec 3>&-
wait $many
SH

is($steps->{crowd}{out}, "many 20\n", 'there are 20,000 descriptors') or diag $steps->{''}{console};
is($steps->{load}{status}, 0, 'the sensor is loaded') or diag $steps->{load}{err};
is($steps->{sample}{status}, 0, 'there is a sample of them') or diag $steps->{sample}{err};
my ($gap) = $steps->{gap}{out} =~ /gap (\d+) ms/;
my ($probe) = map { @{$_->{probes} // []} } json($steps->{status});
cmp_ok($gap // 1e9, '<', 40, 'while it was taken, another had his turn again and again')
	or diag explain $probe;

done_testing;
