#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe "processes" in Dom0: against /proc, against Xen, against changes made on purpose, and
# against a rootkit's tricks.
#
# Wrong in the world if this fails: the sensor says of a process what is not so; it misses one that
# is hidden from the kernel's own lists; or it cries wolf when processes merely come and go.
#
# Each process that is hidden is an actor (tests/linux/actor.c), hidden by ks_hide
# (tests/linux/hide), and put back before it ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $storm = $ENV{KS_STORM_SECONDS} // 10;
# A path of control characters: six bytes in JSON for each, more than a record holds.
my $hostile = '\\001' x 200;
my %missing = (list => 'task-list', ring => 'task-list', table => 'pid-table,task-list',
	tree => 'pid-table,task-list,tree',
	       future => 'task-list', as_thread => 'pid-table');
my $vcpu = request('records', 'xen-domains', { run => JSON::PP::true,
	filter => { kind => 'vcpu', domid => 0, vcpu => 1 } });
my @options = (@KS::probes_machine, '--smp', 2, '--timeout', 900, map { ('--add', $_) } $KS::module,
	"$KS::test_modules/hide/ks_hide.ko", map { "$build/tests/$_" } qw(actor forks));
my $steps = boot(<<"SH", @options);
export KSENSE_SOCKET=/run/ksense/kernel.sock
hide=/sys/module/ks_hide/parameters
# What /proc says of all processes.
proc() {
	grep -a . /proc/[0-9]*/stat
	grep -aE '^(Uid|CapEff):' /proc/[0-9]*/status
	ls -l /proc/[0-9]*/exe
	ls -l /proc/[0-9]*/ns | grep -E '^/|->'
} 2>/dev/null
# Tells the actor, and waits until it has done it.
tell() {
	n=\$(wc -l <actor.out)
	echo "\$*" >&3
	until [ \$(wc -l <actor.out) -gt \$n ]; do sleep 0.1; done
}
of() { ksense --json records processes --run --filter pid=\$1; }
hidden() { ksense --json records processes --filter kind=hidden; }
# The same, until there is one with this.
await_hidden() {
	i=0
	hidden >await.out
	until grep -q "\$1" await.out || [ \$i -gt 300 ]; do
		i=\$((i + 1))
		sleep 0.2
		hidden >>await.out
	done
	cat await.out
}
insmod ksense.ko
mkfifo actor.in
: >actor.out
./actor <actor.in >actor.out &
actor=\$!
exec 3>actor.in
tell thread
thread=\$(sed -n 's/^thread //p' actor.out)
sh -c 'while :; do :; done' &
busy=\$!
# It does nothing until it is its turn to be hidden: with a CPU taken, all of this takes long.
until grep -q while /proc/\$busy/cmdline; do sleep 0.1; done
kill -STOP \$busy
step ids echo \$actor \$thread \$busy

step before proc
step sample ksense --json records processes --run
step after proc

step first of \$actor
tell unshare
step unshare of \$actor
tell uid 1234
step uid of \$actor
(exec ./actor <actor.in) & sleep 0.1; kill \$!
path=/root/\$(printf '$hostile')
mkdir "\$path"
cp forks "\$path"/f
"\$path"/f 10000 >/dev/null &
odd=\$!
step odd of \$odd
kill \$odd; wait \$odd
step vanished of \$odd
cp actor actor2
sh -c 'echo \$\$; read x; exec ./actor2 <actor.in' >exec.out <<X &
go
X
exec_pid=\$!
until [ "\$(readlink /proc/\$exec_pid/exe)" = /root/actor2 ]; do sleep 0.1; done
step exec of \$exec_pid
rm actor2
step deleted of \$exec_pid
kill \$exec_pid; wait \$exec_pid

tell spin 1
step spinning of \$actor
raw_vcpu() { (unset KSENSE_SOCKET; for i in 1 2 3 4 5 6 7 8 9 10; do raw '$vcpu'; done); }
step vcpu raw_vcpu
tell rest
ksense records processes >/dev/null

ksense adversarial >/dev/null
insmod ks_hide.ko
wait_passes 8 processes
step quiet hidden
for trick in @{[map { "$_:$missing{$_}" } qw(list ring future as_thread table tree)]}; do
	missing=\${trick#*:} trick=\${trick%%:*} pid=\$actor
	[ \$trick = tree ] && pid=\$busy && kill -CONT \$busy
	echo \$pid >\$hide/\$trick
	step \$trick await_hidden 'missing":"'\$missing'"'
	[ \$trick = table ] && step proc_table ls -d /proc/\$actor
	if [ \$trick = as_thread ]; then
		step listed sh -c "ls /proc | grep -x \$actor"
		step as_process of \$actor
		step as_files ksense --json records open-files --run --filter pid=\$actor
	fi
	echo 0 >\$hide/\$trick
	step un\$trick await_hidden event.:.vanished
done
until grep -q while /proc/\$busy/cmdline; do sleep 0.1; done
# On the CPU that the probe's thread looks from, where that finds itself.
sensor=\$(grep -l '^ksense/process' /proc/[0-9]*/comm | cut -d/ -f3)
step bind sh -c "uname -v; taskset -p 1 \$sensor && taskset -p 1 \$busy"
echo \$busy >\$hide/tree
step bound await_hidden event.:.appeared
echo 0 >\$hide/tree
step unbound await_hidden event.:.vanished
until grep -q while /proc/\$busy/cmdline; do sleep 0.1; done
taskset -p 3 \$sensor
kill -STOP \$busy
echo 1 >\$hide/ended
step ended_tid cat \$hide/ended
step ended await_hidden event.:.appeared
echo 0 >\$hide/ended
step unended await_hidden event.:.vanished
echo \$thread >\$hide/thread
step thread await_hidden event.:.appeared
step thread_again ksense --json records processes --run --filter kind=hidden
echo 0 >\$hide/thread
step unthread await_hidden event.:.vanished
step release uname -r
case \$(uname -r) in 6.[0-6].*) ring=group:threads ;; *) ring= ;; esac
for trick in \$ring node:threads both:threads child:tree; do
	missing=\${trick#*:} trick=\${trick%%:*} tid=\$thread
	[ \$trick = child ] && tid=\$busy
	echo \$tid >\$hide/\$trick
	step \$trick await_hidden event.:.appeared
	step gone_\$trick sh -c "ls /proc/\$actor/task; cat /proc/\$\$/task/\$\$/children"
	echo 0 >\$hide/\$trick
	step un\$trick await_hidden event.:.vanished
done
echo \$actor >\$hide/table
await_hidden event.:.appeared >/dev/null
ksense reset processes >/dev/null
ksense adversarial >/dev/null
step reset await_hidden event.:.appeared
echo 0 >\$hide/table
rmmod ks_hide
ksense records processes >/dev/null

exec 3>&-
kill \$actor; kill -KILL \$busy
(until [ -e storm.end ]; do sleep 0.5; ksense --json records processes; done) >storm.out 2>&1 &
follow=\$!
before=\$(passes_of processes)
./actor race 1000000 &
race=\$!
step race cat /proc/\$race/stat
step storm ./forks $storm
step still cat /proc/\$race/stat
kill \$race
# Not in the middle of a line.
touch storm.end; wait \$follow
ksense --json records processes >>storm.out
step storm_passes echo \$((\$(passes_of processes) - before))
step storm_kinds sh -c '
	sed -n "s/.*\\"kind\\":\\"\\([a-z]*\\)\\",\\"event\\":\\"\\([a-z]*\\)\\".*/\\1 \\2/p" storm.out |
		sort | uniq -c'
step storm_others grep -vE '"kind":"(process|making|left)"' storm.out
step status ksense --json status
step unload rmmod ksense
SH

is($steps->{''}{status}, 0, 'the machine came through it');
unlike($steps->{''}{console}, qr/BUG:|WARNING:|Oops|general protection|list_(add|del) corruption|rcu.*stall/,
	"and its kernel has nothing to complain about");
my ($actor, $thread, $busy) = split ' ', $steps->{ids}{out};

# === Against /proc ===========================================================
#
# A process is compared when /proc says the same of it before and after the sample.

# One that has ended and waits for its parent has no memory any more.
my %ended;
sub proc {
	my ($text) = @_;
	my %proc;
	my $ns;

	for (split /\n/, $text) {
		if (m{^/proc/(\d+)/stat:\d+ \((.*)\) (\S) (.*)}s) {
			my @stat = split ' ', $4;
			@{$proc{$1}}{qw(comm ppid threads start)} = ($2, @stat[0, 16, 18]);
			$ended{$1} = 1 if $3 =~ /[ZX]/;
		} elsif (m{^/proc/(\d+)/status:Uid:\s+(\d+)\s+(\d+)}) {
			@{$proc{$1}}{qw(uid euid)} = ($2, $3);
		} elsif (m{^/proc/(\d+)/status:CapEff:\s+0*([0-9a-f]+)}) {
			$proc{$1}{caps} = "0x$2";
		} elsif (m{/proc/(\d+)/exe -> (.*)$}) {
			$proc{$1}{exe} = $2;
		} elsif (m{^/proc/(\d+)/ns:$}) {
			$ns = $1;
		} elsif (m{ (pid|mnt|net|user|uts|ipc|cgroup|time) -> \w+:\[(\d+)\]$}) {
			$proc{$ns}{"$1_ns"} = $2;
		}
	}
	return \%proc;
}

my ($before, $after) = map { proc($steps->{$_}{out}) } qw(before after);
# The events of earlier passes are in the same reply, so the last record of each counts; it is a
# change for one of which the first pass saw how it was being made.
my %sample = map { $_->{pid} => $_ } grep { $_->{kind} eq 'process' } json($steps->{sample});
my ($compared, %wrong, %fields, %roots) = (0);
for my $pid (sort { $a <=> $b } keys %$before) {
	my ($old, $new, $seen) = ($before->{$pid}, $after->{$pid}, $sample{$pid});
	next if !$old->{comm} || !$new->{comm} || $old->{start} != $new->{start};
	$compared++;
	if (!$seen) {
		$wrong{$pid} = 'not in the sample';
		next;
	}
	my %mine = (%$seen, start => int($seen->{start_ns} / 1e7));
	for my $field (keys %$old) {
		next if ($new->{$field} // '') ne $old->{$field};
		# /proc adds to a worker's name what it works on.
		next if $field eq 'comm' && $seen->{kernel} && index($old->{comm}, $seen->{comm}) == 0;
		$fields{$field}++;
		$wrong{"$pid $field"} = "$mine{$field}, but in /proc $old->{$field}"
			if "$mine{$field}" ne "$old->{$field}";
	}
	if ($seen->{kernel}) {
		$wrong{"$pid root"} = 'a thread of the kernel with a page-table root'
			if $seen->{root} ne '0x0' || $seen->{exe} ne '';
	} elsif (!$ended{$pid}) {
		push @{$roots{$_}}, "$pid $seen->{comm}" for @$seen{qw(root user_root)};
	}
}
is_deeply(\%wrong, {}, "each of $compared processes is what /proc says");
cmp_ok($compared, '>', 20, 'and they were many');
is(join(' ', sort grep { $fields{$_} > 2 } keys %fields),
	'caps cgroup_ns comm euid exe ipc_ns mnt_ns net_ns pid_ns ppid start threads time_ns uid user_ns uts_ns',
   'in all of these') or diag explain \%fields;
# The debug kernel has one table for kernel and user space: it is neither Xen's guest nor built
# with page-table isolation.
delete $roots{'0x0'} if @KS::probes_machine;
is_deeply({map { ($_ => $roots{$_}) } grep { @{$roots{$_}} > 1 || $_ eq '0x0' } keys %roots}, {},
	'each has two page-table roots, and no other has them');

# === Against changes =========================================================

# What is asked for with a fresh sample comes after what a pass of the probe's own may have
# recorded just before.
sub changed { return (grep { $_->{event} eq 'changed' } json($steps->{$_[0]}))[-1] // {} }
sub last_of { return (grep { $_->{kind} eq 'process' } json($steps->{$_[0]}))[-1] // {} }

my $first = last_of('first');
my $unshare = changed('unshare');
is($unshare->{event}, 'changed', 'a namespace of its own is a change');
is_deeply($unshare->{old}, { uts_ns => $first->{uts_ns} }, 'of that one alone, and tells the old one');
my $uid = changed('uid');
is_deeply([@$uid{qw(event uid euid caps)}], ['changed', 1234, 1234, '0x0'], 'so is another user');
is_deeply($uid->{old}, { uid => 0, euid => 0, caps => $first->{caps} }, 'which root was before');
my $odd = last_of('odd');
like($odd->{exe}, qr{^\.\.\.\001+/f$}, 'a program with an impossible path is in a record, by the end of its path')
	or diag explain $steps->{odd};
is(last_of('vanished')->{event}, 'vanished', 'and gone when it is');
my $exec = last_of('exec');
is($exec->{exe}, '/root/actor2', 'a process that executes another program has that one');
is($exec->{comm}, 'actor2', 'and its name');
my $deleted = changed('deleted');
is_deeply([@$deleted{qw(event exe old)}], ['changed', '/root/actor2 (deleted)', { exe => '/root/actor2' }],
	'a program that is deleted is a change');

# === Against Xen =============================================================
#
# The spinning thread has CPU 1 to itself, but for moments.

my $spinning = last_of('spinning');
my %xen = map { ("$_->{root} $_->{user_root}" => 1) } grep { $_->{kind} eq 'vcpu' } records($steps->{vcpu});
SKIP: {
	skip 'there is no Xen below this kernel', 1 if @KS::probes_machine;
	ok($xen{"$spinning->{root} $spinning->{user_root}"},
		'the page-table roots of a process that runs are those that Xen has for the CPU')
		or diag explain [$spinning, \%xen];
}

# === Against hiding ==========================================================

sub hidden { return grep { $_->{kind} eq 'hidden' } json($steps->{$_[0]}) }

is_deeply([hidden('quiet')], [], 'nothing is hidden where nothing hides');
# One that hides while a pass is under way may at first be missed in fewer views.
for my $trick (qw(list ring future as_thread table tree)) {
	my @found = hidden($trick);
	my ($pid, $comm, $exe) = $trick eq 'tree' ? ($busy, 'sh', 'busybox') : ($actor, 'actor', 'actor');
	like(join(' ', map { $_->{event} } @found), qr/^appeared( changed)?$/, "$trick: the hidden process is found")
		or diag explain $steps->{$trick};
	is(scalar(grep { $_->{tid} != $pid } @found), 0, "$trick: alone");
	is_deeply([@{$found[-1] // {}}{qw(tid pid comm exe missing)}], [$pid, $pid, $comm, $exe, $missing{$trick}],
		"$trick: and it is told where it is missing");
	my $known = $trick eq 'tree' ? $sample{$busy} : $spinning;
	$known = { %$known, start_ns => $known->{start_ns} + 24 * 3600 * 1e9 } if $trick eq 'future';
	is_deeply([@{$found[0] // {}}{qw(start_ns root user_root uid)}], [@$known{qw(start_ns root user_root uid)}],
		"$trick: as what it is");
	is_deeply([map { [@$_{qw(event tid)}] } (hidden("un$trick"))[-1]], [['vanished', $pid]],
		"$trick: and no more when it does not hide");
}
isnt($steps->{proc_table}{status}, 0, 'while /proc did not have it');
isnt($steps->{listed}{status}, 0, 'nor did it list one that looks like a thread');
is(last_of('as_process')->{event}, 'present', 'which is a process all the same') or diag explain $steps->{as_process};
ok((grep { ($_->{fd} // -1) == 0 } json($steps->{as_files})), 'with files') or diag explain $steps->{as_files};
like((hidden('tree'))[0]{seen} // '', qr/running/, 'a process that nothing but its CPU knows is seen there');
is($steps->{bind}{status}, 0, 'a process is bound to the CPU of the thread that looks for it')
	or diag $steps->{bind}{err};
SKIP: {
	skip 'a real-time kernel interrupts nobody for a timer', 2 if $steps->{bind}{out} =~ /PREEMPT_RT/;
	my @bound = grep { $_->{pid} == $busy } hidden('bound');
	is($bound[-1] && "$bound[-1]{seen} $bound[-1]{missing}", 'threads,running pid-table,task-list,tree',
		'and found there')
		or diag explain $steps->{bound};
	is_deeply([map { [@$_{qw(event pid)}] } (hidden('unbound'))[-1]], [['vanished', $busy]],
		'and no more when it does not hide');
}
my $ended = $steps->{ended_tid}{out} + 0;
my ($found) = hidden('ended');
is_deeply([@{$found // {}}{qw(event tid missing)}], ['appeared', $ended, 'pid-table,task-list,tree'],
	'a thread of the kernel that runs and says that it has ended is found')
	or diag explain $steps->{ended};
is_deeply([map { [@$_{qw(event tid)}] } (hidden('unended'))[-1]], [['vanished', $ended]],
	'and no more when it does not hide');
is_deeply([map { [@$_{qw(event tid pid missing)}] } hidden('thread')], [['appeared', $thread, $actor, 'pid-table']],
	'thread: a hidden thread is found')
	or diag explain $steps->{thread};
is_deeply([map { [@$_{qw(event tid)}] } hidden('thread_again')], [['present', $thread]],
	'and told again to whom asks for a fresh sample');
is_deeply([map { [@$_{qw(event tid)}] } (hidden('unthread'))[-1]], [['vanished', $thread]],
	'and no more when it does not hide');
# Out of lists of which its neighbours say nothing.
for ([group => $thread, 'threads'], [node => $thread, 'threads'], [both => $thread, 'threads'],
		[child => $busy, 'tree']) {
	my ($trick, $tid, $missing) = @$_;
	my $pid = $trick eq 'child' ? $busy : $actor;
	if ($trick eq 'group' && $steps->{release}{out} !~ /^6\.[0-6]\./) {
		SKIP: { skip 'Linux has no ring of threads since 6.7, only a list', 1 }
		next;
	}
	is_deeply([map { [@$_{qw(event tid pid missing)}] } hidden($trick)], [['appeared', $tid, $pid, $missing]],
		"$trick: it is found")
		or diag explain $steps->{$trick};
	is_deeply([map { [@$_{qw(event tid)}] } (hidden("un$trick"))[-1]], [['vanished', $tid]],
		"$trick: and no more when it does not hide");
	unlike($steps->{"gone_$trick"}{out}, qr/\b$tid\b/, "$trick: while /proc did not have it") if $trick ne 'node';
}
ok((grep { $_->{tid} == $actor } hidden('reset')), 'after a reset what is hidden is found again');

# === Against a storm =========================================================

is($steps->{storm}{status}, 0, 'a storm of forks');
diag $steps->{storm}{out}, $steps->{storm_kinds}{out}, "$steps->{storm_passes}{out} passes";
isnt((split ' ', $steps->{race}{out} || '0')[0], 0, 'and of threads that take their process over');
is((split ' ', $steps->{still}{out} || '0')[0], (split ' ', $steps->{race}{out} || '1')[0], 'all the time');
cmp_ok($steps->{storm_passes}{out}, '>', 5, 'looked at again and again');
is_deeply([map { "$_->{kind} $_->{event}" } hidden('storm_others')], [],
	'nothing that comes and goes is called hidden');
is($steps->{storm_others}{out}, '', 'no record was lost, and no walk incomplete');
my ($status) = json($steps->{status});
my ($probe) = grep { $_->{name} eq 'processes' } @{$status->{probes}};
is_deeply([@$probe{qw(failures restarts last_error)}], [0, 0, undef], 'the probe did not fail');
is($steps->{unload}{status}, 0, 'it goes');

done_testing;
