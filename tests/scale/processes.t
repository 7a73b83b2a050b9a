#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# 50,000 processes with 550,000 descriptors: every one is tracked, and costs little.
#
# Wrong in the world if this fails: on a machine with very much on it the sensor sees a part of it,
# or takes a CPU for itself.
#
# KS_SCALE="PROCESSES DESCRIPTORS-OF-EACH MB" makes it another crowd (tests/linux/many.c) in
# another machine.  Too long for make check: make check-scale. A fresh sample must not be
# incomplete; that one process ends, and that another closes one descriptor, must be records; and
# in the minutes that follow, no thread of the sensor may have more than a twentieth of a CPU.  The
# clock is one that counts instructions: else a thread is charged for what this machine does for
# others meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my ($processes, $descriptors, $mb) = split ' ', $ENV{KS_SCALE} // '50000 8 8192';
my @options = ('--linux', '--icount', '--mem', $mb, '--timeout', 7200,
	map { ('--add', $_) } $KS::module, "$build/tests/many");
my $steps = boot(<<"SH", @options);
export KSENSE_SOCKET=/run/ksense/kernel.sock
k() { ksense --timeout 3000 --json "\$@"; }
echo 4000000 >/proc/sys/kernel/pid_max
echo 4000000 >/proc/sys/kernel/threads-max
echo 2000000 >/proc/sys/fs/file-max
mkfifo many.in
./many 1000 $processes $descriptors <many.in >many.out &
exec 3>many.in
until grep -q many many.out; do sleep 1; done
step crowd cat many.out
insmod ksense.ko
for p in files modules kernel-text kernel-entries domains; do ksense off \$p >/dev/null; done
step processes k records processes --run --filter kind=incomplete
step files k records open-files --run --filter kind=incomplete
ksense --json records '*' >/dev/null
# One of the crowd: the last of all would be of these very commands.
pid=\$(pidof many | tr ' ' '\\n' | sort -n | tail -n 1)
step pid echo \$pid
kill \$pid
: >/etc/shadow
sleep 1000 </etc/shadow &
step gone k records processes --run --filter event=vanished
step shut k records open-files --run --filter pid=\$pid
step opened sh -c '
	ksense --timeout 3000 --json records open-files --run --peek --filter event=present | grep -c /etc/shadow'
# The sensor's threads came behind the crowd.
ticks() {
	for p in \$(ls /proc | grep '^[0-9]' | sort -n | tail -n 300); do
		case "\$(cat /proc/\$p/comm 2>/dev/null)" in
		ksense/*) cut -d' ' -f2,15 /proc/\$p/stat ;;
		esac
	done
}
step before sh -c 'cat /proc/uptime'
ticks >ticks.before
sleep 600
ticks >ticks.after
step after cat /proc/uptime
step ticks cat ticks.before ticks.after
step status ksense --json status
SH

is($steps->{''}{status}, 0, 'the machine came through it') or diag substr($steps->{''}{console}, -2000);
is($steps->{crowd}{out}, "many $processes\n", 'they are there');
for (qw(processes files)) {
	is($steps->{$_}{status}, 0, "a fresh sample of $_");
	is_deeply([grep { $_->{kind} eq 'incomplete' } json($steps->{$_})], [], 'has a place for each')
		or diag $steps->{$_}{out};
}
my $pid = $steps->{pid}{out} + 0;
ok((grep { $_->{kind} eq 'process' && $_->{event} eq 'vanished' && $_->{pid} == $pid } json($steps->{gone})),
	'one that ends is seen') or diag $steps->{gone}{out};
cmp_ok(scalar(grep { $_->{event} eq 'vanished' && $_->{pid} == $pid } json($steps->{shut})), '>=', $descriptors,
	'and each descriptor that it had');
cmp_ok($steps->{opened}{out}, '>=', 1, 'what is opened is there');
my ($begin, $end) = map { (split ' ', $steps->{$_}{out})[0] } qw(before after);
my (%ticks, %share);
push @{$ticks{$1}}, $2 while $steps->{ticks}{out} =~ /^\((.*?)\) (\d+)$/mg;
$share{$_} = ($ticks{$_}[1] - $ticks{$_}[0]) / ($end - $begin) for keys %ticks;
diag join ', ', map { sprintf '%s %.2f %%', $_, $share{$_} } sort keys %share;
my ($status) = json($steps->{status});
diag join ', ', map { "$_->{name}: $_->{runs} passes, the last " . $_->{last_run_ns} / 1e9 . ' s' }
	grep { $_->{last_run_ns} } @{$status->{probes}};
is_deeply([grep { !exists $share{"ksense/$_"} } qw(processes open-files)], [], 'the threads that do it are known')
	or diag $steps->{ticks}{out};
is_deeply([grep { $share{$_} > 6 } keys %share], [],
	'and none takes more than a twentieth of a CPU, as far as ticks tell');

done_testing;
