#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The machine is suspended, and resumes.
#
# Wrong in the world if this fails: time in which the machine slept counts as time in which a
# probe was late, so that each suspend restarts probes, as if they had failed; or the time of a
# record is not that since the boot, by which other things of the kernel are dated.
#
# The kernel's own test of suspending stops the clocks, waits, and resumes (pm_test, core). How
# long the machine slept is what the clock since boot went on and the processes' clock did not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--linux', '--add', $KS::module);
k() { ksense --timeout 300 --socket /run/ksense/kernel.sock --json "$@"; }
step load insmod ksense.ko
sleep 5
k discovery >before
echo core >/sys/power/pm_test
echo 30 >/sys/module/suspend/parameters/pm_test_delay
step up cat /proc/uptime
step suspend sh -c 'echo mem >/sys/power/state'
step resumed cat /proc/uptime
sleep 5
k discovery >after
step instances diff before after
step restarted k records '*' --filter kind=restarted --peek
step status k status
step fresh k records processes --run --filter pid=1
step sleeper sh -c '
	sleep 1
	sleep 100 &
	ksense --socket /run/ksense/kernel.sock --json records processes --run --filter pid=$!'
step end rmmod ksense
step log dmesg
SH

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
my ($slept) = $steps->{log}{out} =~ /suspend debug: Waiting for (\d+) second/;
SKIP: {
	skip "this machine cannot be suspended: $steps->{suspend}{err}", 9 if $steps->{suspend}{status} || !$slept;
	my ($before) = split ' ', $steps->{up}{out};
	my ($after) = split ' ', $steps->{resumed}{out};
	cmp_ok($after - $before, '>=', 25, 'the machine has slept');
	is($steps->{instances}{out}, '', 'each probe is the instance that it was');
	is($steps->{restarted}{out}, '', 'none was restarted');
	my ($status) = json($steps->{status});
	is(join(' ', map { $_->{name} } grep { $_->{restarts} || $_->{failures} } @{$status->{probes}}), '',
		'nor has any failed');
	cmp_ok($status->{time} / 1e9, '>=', $after, 'the time is that since the boot');
	cmp_ok($status->{time} / 1e9, '<', $after + 300, 'and no other');
	my ($fresh) = reverse json($steps->{fresh});
	cmp_ok($fresh->{time} / 1e9, '>=', $after, 'so is that of records');
	my ($sleeper) = grep { $_->{event} eq 'present' || $_->{event} eq 'appeared' } json($steps->{sleeper});
	cmp_ok($sleeper->{start_ns}, '<=', $sleeper->{time}, 'a process began before it was seen, by the same clock');
	cmp_ok($sleeper->{start_ns} / 1e9, '>=', $after, 'and after the machine had slept');
}
is($steps->{end}{status}, 0, 'it goes');
unlike($steps->{log}{out}, qr/BUG|Oops|Call Trace/, 'the kernel has nothing to complain about');

done_testing;
