#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The kernel turns thousands of its static calls, and that is its own affair.
#
# Wrong in the world if this fails: what is usual is told as an alarm, and as a finding of
# "kernel-hooked", where it lies beside another place that the kernel could have rewritten, and has
# not.  So each sample has dozens of them as soon as the mode of preemption is another than at
# first: the calls that it turns are in most pages, and many lie beside a static key's branch.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--linux', '--add', $KS::module);
S=/run/ksense/kernel.sock
mode=/sys/kernel/debug/sched/preempt
k() { ksense --timeout 300 --socket $S --json records kernel-text --run; }
mount -t debugfs none /sys/kernel/debug
step modes cat $mode
insmod ksense.ko sense=processes=off,open-files=off,files=off,modules=off,kernel-entries=off
step baseline k
# No sweep of its own in the middle of that.
ksense --socket $S low kernel-text >/dev/null
step switch sh -c "echo full >$mode"
step switched cat $mode
step sample k
step back sh -c "echo voluntary >$mode"
step restored k
step end rmmod ksense
SH

# A real-time kernel has other modes, between which few calls are turned.
plan(skip_all => 'this kernel has no two modes of preemption between which it turns its calls')
	if $steps->{modes}{status} || $steps->{modes}{out} !~ /voluntary/;

sub of_kind { my ($kind, $step) = @_; return grep { $_->{kind} eq $kind } json($steps->{$step}) }
like($steps->{modes}{out}, qr/\(voluntary\)/, 'the kernel starts in one mode of preemption');
like($steps->{switched}{out}, qr/\(full\)/, 'and is then in another') or diag $steps->{switch}{err};
my @modified = of_kind('modified', 'sample');
cmp_ok(scalar(@modified), '>', 100, 'that is told of more than a hundred pages') or diag $steps->{sample}{out};
is_deeply([grep { $_->{class} ne 'event' } @modified], [], 'none of which is an alarm');
is_deeply([grep { !defined $_->{site} } @modified], [], 'or unexplained');
is_deeply([of_kind('differs', 'sample')], [], 'and none a finding');
my ($sweep) = grep { $_->{range} eq 'text' } of_kind('sweep', 'restored');
is($sweep->{modified}, 0, 'back in the first mode, all is as it was') or diag $steps->{restored}{out};
is($steps->{end}{status}, 0, 'the module goes');

done_testing;
