#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The module under load, in a Linux without Xen: many clients, clients that behave badly, more
# events than the ring holds, and being loaded and unloaded under all of that.
#
# Wrong in the world if this fails: one client gets another's answer, or none; one that does not
# read stalls the rest; what was forgotten is not told; or the kernel is left with less memory, or
# a thread, or a socket, than before the module was there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use JSON::PP;
use Test::More;

my $probe = 'processes';
my $socket = '/run/ksense/kernel.sock';
my ($clients, $requests, $rounds) = split ' ', $ENV{KS_LOAD} // '64 1000 100';
my $take = request('records', $probe);
my $status = request('status', $probe, undef, 0.2);

my @options = ('--linux', '--smp', 2, '--timeout', 900, map { ('--add', $_) } $KS::module, "$build/tests/load",
	"$build/tests/forks");
my $steps = boot(<<"SH", @options);
export KSENSE_SOCKET=$socket
load="load $socket $probe"
ls /proc >/dev/null
step load insmod ksense.ko
step many sh -c '
	begin=\$(cut -d. -f1 /proc/uptime)
	\$0 many $clients $requests
	status=\$?
	echo \$((\$(cut -d. -f1 /proc/uptime) - begin)) s
	exit \$status' "\$load"

# One that never reads, and others that go on.
ksense adversarial >/dev/null
\$load mute >mute.out & mute=\$!
until grep -q full mute.out; do sleep 0.1; done
step mute-before raw '$status'
step mute-many \$load many 4 50
ksense records $probe --run --peek >/dev/null
step mute-after raw '$status'
kill \$mute
step die \$load die 60
step die-status raw '$status'
step die-discovery ksense discovery
step die-run ksense --json records $probe --run

# Many processes, of which the ring holds few; somebody takes what there is, again and again.
rmmod ksense; insmod ksense.ko sense=ring=16K,level=adversarial
step forks sh -c '
	forks 5 >/dev/null &
	while kill -0 \$! 2>/dev/null; do echo "\$0" | ksense raw; done
	ksense off "*" >/dev/null
	echo "\$0" | ksense raw
	echo "\$0" | ksense raw' '$take'
step forks-status raw '$status'
rmmod ksense

# Loading and unloading, with clients connected and in the middle of replies all the time.
measure() {
	sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1
	# Pages that the kernel keeps at hand for a CPU are free, too, and not counted among them.
	awk '\$1 == "MemFree:" { kb += \$2 } \$1 == "count:" { kb += 4 * \$2 } END { print "Free: " kb " kB" }' \\
		/proc/meminfo /proc/zoneinfo
	grep -E 'KernelStack|VmallocUsed' /proc/meminfo
	threads=\$(cat /proc/[0-9]*/comm | grep -c ksense)
	echo "unix \$(awk '\$1 == "UNIX" { print \$3 }' /proc/net/protocols) threads \$threads"
}
rounds() {
	i=0
	while [ \$i -lt \$1 ]; do
		insmod ksense.ko sense=processes=adversarial || return 1
		ksense discovery >/dev/null || return 2
		rmmod ksense || return 3
		i=\$((i + 1))
	done
}
\$load churn 8 & churn=\$!
# The first rounds fill caches of the kernel; the others are compared.
step rounds-first rounds $rounds
kill -STOP \$churn
step memory-first measure
kill -CONT \$churn
step rounds-second rounds $rounds
kill \$churn; sleep 1
step memory-second measure
step left sh -c 'ls /run/ksense; grep ksense /proc/net/unix; cat /proc/[0-9]*/comm | grep ksense; lsmod | grep ksense'
[ ! -e /sys/kernel/debug/kmemleak ] || {
	insmod ksense.ko; ksense discovery >/dev/null; rmmod ksense
	sleep 6 # what is younger than five seconds is not looked at
	echo scan >/sys/kernel/debug/kmemleak; echo scan >/sys/kernel/debug/kmemleak
	step kmemleak cat /sys/kernel/debug/kmemleak
}
SH

is($steps->{''}{status}, 0, 'Linux came through it') or diag substr($steps->{''}{out}, -2000), $steps->{''}{err};
is($steps->{load}{status}, 0, 'it loads');

# --- Many
is($steps->{many}{status}, 0, "$clients clients, $requests requests each: each line came, to whom had asked")
	or diag $steps->{many}{err};
diag $steps->{many}{out};

# --- Bad behaviour
my $of = sub { my ($reply) = reply($steps->{$_[0]}); return $reply->[2] };
is($steps->{'mute-many'}{status}, 0, 'a client that never reads does not stall another')
	or diag $steps->{'mute-many'}{err};
cmp_ok($of->('mute-after')->{runs}, '>', $of->('mute-before')->{runs}, 'nor the probes');
is($steps->{die}{status}, 0, 'clients that die in the middle of a reply');
is($steps->{'die-discovery'}{status}, 0, 'leave others alone');
my $after = $of->('die-status');
is_deeply([troubles($after)], [], 'and the probe');
ok((grep { $_->{kind} eq 'process' } json($steps->{'die-run'})), 'which tells of processes when it is asked')
	or diag $steps->{'die-run'}{out}, $steps->{'die-run'}{err};

# --- The storm
# A loss while a reply is under way is told by the next reply, so in order they need not be.  A
# record that was pushed out after it had been sent, and before that was confirmed, is delivered
# and not lost; it may lie between those that one loss tells of, from first to last.
my ($lost, $got, $wrong, @told, @delivered) = (0, 0, 0);
for my $record (records({ out => join "\n", grep { /^\{/ } split /\n/, $steps->{forks}{out} })) {
	if ($record->{kind} eq 'lost') {
		$wrong++ if $record->{count} > $record->{last} - $record->{first} + 1;
		$told[$_]++ for $record->{first} .. $record->{last};
		$lost += $record->{count};
	} else {
		$told[$record->{seq}] //= 0;
		$delivered[$record->{seq}]++;
		$got++;
	}
}
$wrong += grep { ($delivered[$_] // 0) > 1 || !($delivered[$_] || $told[$_]) } 0 .. $#told;
is($lost, scalar(grep { !$delivered[$_] } 0 .. $#told), 'what was not delivered is what was told as lost');
diag "$got records were delivered, $lost were lost";
is($steps->{forks}{status}, 0, 'a storm of processes');
cmp_ok($lost, '>', 0, 'overruns the smallest ring');
is($wrong, 0, 'and every seq is either delivered or told as lost, once');
my $end = $of->('forks-status');
is($end->{lost}, $lost, 'status counts the lost as they were told');
is($end->{delivered}, $got, 'and the delivered as they came');

# --- Loading and unloading
is($steps->{"rounds-$_"}{status}, 0, "$rounds times loaded and unloaded under clients ($_)")
	or diag $steps->{"rounds-$_"}{err} for qw(first second);
my ($first, $second) = map { { $steps->{"memory-$_"}{out} =~ /^(\w+):\s+(\d+) kB$/mg,
	$steps->{"memory-$_"}{out} =~ /(unix|threads) (\d+)/g } } qw(first second);
# A ring that stays is 64 KiB a round, a thread 16, a client 16.  What is smaller than 10 KiB is
# not to be told from the noise of the kernel's caches, and is left to kmemleak in the debug
# kernel: there KASAN holds back what was freed, and 2 MiB are noise.
my $limit = 10 * $rounds + ($steps->{kmemleak} ? 2048 : 0);
cmp_ok($first->{Free} - $second->{Free}, '<', $limit, "memory: less than $limit kB went in $rounds rounds")
	or diag $steps->{'memory-first'}{out}, $steps->{'memory-second'}{out};
cmp_ok($second->{VmallocUsed} - $first->{VmallocUsed}, '<', $rounds, 'none of it address space');
cmp_ok($second->{unix}, '<=', $first->{unix}, 'no socket stays');
is($second->{threads}, 0, 'no thread');
is($steps->{left}{out}, '', 'and nothing of its name');
if ($steps->{kmemleak}) {
	is($steps->{kmemleak}{out}, '', 'kmemleak knows of nothing');
}

done_testing;
