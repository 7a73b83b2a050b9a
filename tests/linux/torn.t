#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Lists of the kernel's that somebody has torn, tasks' pointers that lead nowhere, and locks that
# nobody gives back.
#
# Wrong in the world if this fails: whoever can write the kernel's memory makes the sensor go
# round in a list for ever, or wait, with a lock held or preemption off, so that the kernel stands
# still; or the sensor reports a failure from where it may not, and the kernel stumbles over that;
# or a torn list keeps it from seeing what else is wrong; or what it could not read looks as if it
# had been read.
#
# A module of the tests (tests/linux/torn) tears them.  A machine that stands still is ended after
# some minutes, and the steps behind are missing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# Each of a task's pointers; what is there to be read without it is 0.
my @pointers = qw(real_parent real_cred nsproxy files signal mm link);

# Of a socket.
my @families = qw(inet unix netlink packet);

my $others_off = join ',', map { "$_=off" } grep { $_ ne 'modules' } probes_of('linux');

my $names = "POINTERS='@pointers'\nFAMILIES='@families'\nOTHERS_OFF=$others_off\n";
my @modules = map { "$KS::test_modules/$_.ko" } qw(torn/ks_torn code/ks_code hide/ks_hide);
my @added = map { ('--add', $_) } $KS::module, "$build/tests/actor", "$build/tests/open", @modules;
my $steps = boot($names . <<'SH', '--linux', @added);
S=/run/ksense/kernel.sock
torn() { echo $2 > /sys/module/ks_torn/parameters/$1; }
k() { ksense --timeout 300 --socket $S --json "$@"; }
# Three looks, with more than the probe's patience with code between them.
looks() { k records modules --run; sleep 3; k records modules --run; k records modules --run; }
# Who asks for the status wants the probe's lock, again and again.
storm() { for i in 1 2 3; do ( n=0; while [ $n -lt 60 ]; do k status >/dev/null; n=$((n + 1)); done ) & done; wait; }

# It goes through all tasks, also through those whose pointers lead nowhere.
echo 0 >/proc/sys/kernel/hung_task_timeout_secs
step load sh -c "insmod ksense.ko sense=$OTHERS_OFF && insmod ks_torn.ko"
# Fewer looks than make it told whatever comes and goes.
k default modules >/dev/null
insmod ks_code.ko orphan=1
torn late 1
step late looks
torn late 0
k adversarial modules >/dev/null
step whole looks

# Nor may the kernel print which modules there are, as it does where this machine stood still.
watchdog() { echo $1 >/proc/sys/kernel/soft_watchdog; }
watchdog 0
torn ring 1
step ring storm
sleep 1
step ring-status k status modules
torn ring 0
watchdog 1
step mended looks

torn kset 1
step kset looks
sleep 1
step kset-status k status modules
torn kset 0
step kset-mended k status modules

torn hold 1
step hold looks
torn hold 0

k off modules >/dev/null
k on processes >/dev/null
k adversarial processes >/dev/null
mkfifo words; actor <words >said & exec 3>words
echo thread >&3; until grep -q '^thread ' said; do sleep 0.1; done
victim=$(pidof actor)
torn threads $victim
step threads k records processes --run --filter comm=actor
torn threads 0
torn pages 1
step pages k records processes --run --filter kind=incomplete
torn pages 0
step pages-after k records processes --run --filter kind=incomplete

k on open-files >/dev/null
k adversarial open-files >/dev/null
sh -c 'exec 9</etc/passwd; exec sleep 1000' & victim=$!
until [ "$(cat /proc/$victim/comm)" = sleep ]; do sleep 0.1; done
k records processes --run >/dev/null; k records open-files --run >/dev/null
both() {
	step $1-process k records processes --run --filter pid=$victim
	step $1-files k records open-files --run --filter pid=$victim
}
both before
for pointer in $POINTERS; do
	for how in nowhere hole; do
		torn bend "$victim $pointer $how"
		both $pointer-$how
		torn bend 0
	done
done
both after
torn alloc 1
step root k records processes --run --filter pid=$victim
torn alloc 0
torn alloc $victim
both held
# The number of a session whose first process is gone, and a process behind it.
setsid sh -c 'sleep 1000 & echo $! >behind' &
session=$!
wait $session
behind=$(cat behind)
step numbers echo $session $behind
for other in $behind 4000000 1 0 -1; do
	torn number "$session $other"
	step number$other-process k records processes --run --filter pid=$behind
	step number$other-files k records open-files --run --filter pid=$behind
	torn number 0
done
kill $behind
k records open-files --run >/dev/null
torn stub 30000
both stub
torn stub 0
# A hidden process that becomes another program between any two looks.
# hidden_in FILE: waits a while until one that is hidden is told of there.
hidden_in() {
	await=0
	until k records processes --filter kind=hidden >>$1; grep -q appeared $1 || [ $await -gt 40 ]; do
		await=$((await + 1))
		sleep 0.2
	done
}
insmod ks_hide.ko
actor again 10 & again=$!
sleep 1
k records processes >/dev/null
echo $again >/sys/module/ks_hide/parameters/table
hidden_in again.out
step again cat again.out
echo 0 >/sys/module/ks_hide/parameters/table
kill -KILL $again
# Only its parent has it, of which somebody says that it is ending.
sh -c 'sleep 1000 & echo $! >child; wait' & parent=$!
until [ -s child ]; do sleep 0.1; done
sleep 1
torn flags "$parent 4"
# What was before; not later, or it may have been found by then.
k records processes >/dev/null
echo $(cat child) >/sys/module/ks_hide/parameters/table
hidden_in child.out
step child cat child.out
echo 0 >/sys/module/ks_hide/parameters/table
torn flags 0
kill $(cat child)
# It is said to be a thread of the kernel's own.
k records open-files --run >/dev/null
torn flags "$victim 0x200000"
both kthread
torn flags 0
kill $(cat child)
rmmod ks_hide
# No pass but those that are asked for.
k low open-files >/dev/null
k records open-files --run >/dev/null
torn table "$victim 9"
step replaced k records open-files --run --filter pid=$victim
torn table 0
step replaced-after k records open-files --run --filter pid=$victim
torn table "$victim 9 again"
step tables-files k records open-files --run --filter pid=$victim
torn table 0
torn flip "$victim 9 0"
step flipped-files k records open-files --run --filter pid=$victim
torn flip 0
torn count "$victim 9"
step dead-files k records open-files --run --filter pid=$victim
torn count 0
step alive-files k records open-files --run --filter pid=$victim
k adversarial open-files >/dev/null

k on kernel-entries >/dev/null
called() { k records kernel-entries --run; }
step called called
torn event hole
step event-hole called
torn event 0
insmod ks_code.ko listen=1
torn event flip
step event-flip called
torn event 0
step event-after called
k on modules >/dev/null
torn object 1
step object looks
torn object 0
k off modules >/dev/null
rmmod ks_code
torn crowd 1
step crowd k records kernel-entries --run --filter kind=incomplete
torn crowd 0
step crowd-after called
k off kernel-entries >/dev/null

ip link set lo up
open things >opened 2>&1 & socket=$!
until grep -q "^pid " opened || ! kill -0 $socket; do sleep 0.1; done
step opened cat opened
fd=$(sed -n 's/^unix-client //p' opened)
torn socket "$socket $fd lock"
step locked k records open-files --run --filter pid=$socket
torn socket "$socket $fd peer"
step peer k records open-files --run --filter pid=$socket
for family in $FAMILIES; do
	torn socket 0
	torn socket "$socket $fd $family"
	step $family k records open-files --run --filter pid=$socket
done
torn socket 0
torn socket "$socket $fd peer"
# Two whole passes more, and nobody asks for one.
later() { wait_passes 2 open-files --socket /run/ksense/kernel.sock; }
later
k records open-files >/dev/null
torn bend "$victim files"
later
torn bend 0
later
step beside k records open-files --filter kind=incomplete
torn socket 0
step socket-after k records open-files --run --filter pid=$socket
step unload rmmod ksense
torn alloc 0
step untorn rmmod ks_torn
step kernel dmesg
SH

sub status {
	my ($status) = json($steps->{$_[0]});
	return { %$status, %{$status->{probes} ? (grep { $_->{name} eq 'modules' } @{$status->{probes}})[0] : {}} };
}

sub of_kind {
	my ($step, $kind) = @_;
	return grep { $_->{kind} eq $kind } json($steps->{$step});
}

is($steps->{load}{status}, 0, 'both are loaded') or diag $steps->{load}{err};
is(scalar of_kind('late', 'unowned-code'), 0,
	'code at whose place a module came in the very moment of each look is not told at once')
	or diag explain $steps->{late};
my ($orphan) = of_kind('whole', 'unowned-code');
ok($orphan, 'code that belongs to no module is a finding') or diag explain $steps->{whole};

is($steps->{ring}{status}, 0, 'a list of modules that never ends is come through');
is(status('ring-status')->{last_error}, 'the list of modules is no ring', 'and is told as that');
is($steps->{mended}{status}, 0, 'once it is mended, there are samples again');
cmp_ok(scalar of_kind('mended', 'module'), '>', 1, 'of modules');
is(scalar of_kind('mended', 'hidden'), 0, 'none of which is hidden');

is(status('kset-status')->{last_error}, 'the objects of /sys/module are no ring', 'objects that are no ring are told');
my %seen = map { $_->{start} => 1 } of_kind('kset', 'unowned-code');
ok($seen{$orphan->{start}}, 'and keep nobody from seeing what else is wrong') or diag explain $steps->{kset};

is($steps->{hold}{status}, 0, 'nobody waits for a lock that nobody gives back');
%seen = map { $_->{start} => 1 } of_kind('hold', 'unowned-code');
ok($seen{$orphan->{start}}, 'and what was wrong still is');

my ($actor) = grep { $_->{event} eq 'present' } of_kind('threads', 'process');
is($actor && $actor->{threads}, 2, 'nor follows threads to where there is no memory')
	or diag explain $steps->{threads};

sub making { return join ' ', map { $_->{of} - $_->{looked} }
	(grep { $_->{view} eq 'making' } of_kind($_[0], 'incomplete'))[-1] // () }
is(making('pages'), 1, 'a list of page tables that never ends is told as one in which who is being made may be missed')
	or diag explain $steps->{pages};
is(making('pages-after'), 0, 'and that it is over');

# === Of one task =============================================================

sub process { return (grep { $_->{kind} eq 'process' } json($steps->{"$_[0]-process"}))[-1] // {} }
sub descriptors { return join ' ', sort map { $_->{fd} }
	grep { $_->{event} eq 'present' } of_kind("$_[0]-files", 'file') }
# What a fresh sample says that it could not see.
sub unseen {
	my %last = map { ($_->{view} => $_->{of} - $_->{looked}) } map { of_kind($_, 'incomplete') }
		grep { $steps->{$_} } @_, "$_[0]-process", "$_[0]-files";
	return join ' ', map { "$_ $last{$_}" } sort grep { $last{$_} } keys %last;
}

my $victim = process('before');
is($victim->{comm}, 'sleep', 'a process like others') or diag explain $steps->{'before-process'};
like(descriptors('before'), qr/\b9\b/, 'with files');
is(unseen('before'), '', 'and nothing that cannot be read');
# What each leads to, and what is not there to be seen without it.
my %behind = (
	real_parent => ['processes 1', { ppid => 0 }],
	real_cred => ['descriptors ' . (split ' ', descriptors('before')), { map { ($_ => 0) } qw(uid euid user_ns) }],
	nsproxy => ['processes 1', { map { ("${_}_ns" => 0) } qw(mnt net uts ipc cgroup time) }],
	files => ['tables 1', {}],
	signal => ['processes 1', { threads => 0, cpu_ns => 0 }],
	mm => ['processes 1', { exe => '', root => '0x0', user_root => '0x0' }],
	link => ['pids 1 tables 1', undef],
);
$behind{real_cred}[0] .= ' processes 1';
my @told = qw(pid start_ns ppid uid euid comm exe kernel threads root user_root pid_ns mnt_ns net_ns user_ns uts_ns
	ipc_ns cgroup_ns time_ns);
for my $bent (map { ("$_-nowhere", "$_-hole") } @pointers) {
	my ($pointer) = $bent =~ /^(\w+)/;
	my ($unseen, $zero) = @{$behind{$pointer}};

	is($steps->{"$bent-process"}{status}, 0, "$bent, and there is a sample");
	like(unseen($bent), qr/(?:^| )\Q$unseen\E(?: |$)/, "which says that it is not whole")
		or diag explain [@$steps{"$bent-process", "$bent-files"}];
	next if !$zero;
	my $seen = process($bent);
	is_deeply({ map { ($_ => $seen->{$_}) } @told, keys %$zero },
		{ (map { ($_ => $victim->{$_}) } @told), %$zero }, 'what else there is, is told');
	is(descriptors($bent), $pointer eq 'files' ? '' : descriptors('before'), "$bent: and so are descriptors");
}
is_deeply({ map { ($_ => process('after')->{$_}) } qw(ppid uid uts_ns threads exe root) },
	{ map { ($_ => $victim->{$_}) } qw(ppid uid uts_ns threads exe root) },
	  'once they are mended, all is as before');
is(unseen('after'), '', 'and nothing is missing');

my ($session, $behind) = split ' ', $steps->{numbers}{out};
is($behind, $session + 1, 'the number of a session whose first process is gone, and a process right behind it');
for my $other ($behind, 4000000, 1, 0, -1) {
	my $step = "number$other";

	is(unseen($step), 'pids 1 tables 1',
		"a pid that says that it is $other is told as one that cannot be followed")
		or diag explain $steps->{"$step-process"};
	like(process($step)->{event}, qr/^(present|appeared|changed)$/, 'and hides no process behind it');
	like(descriptors($step), qr/\b0\b/, 'nor its files');
}

is(unseen('stub'), 'pids 1 tables 1',
	'a task of which no more than the begin is memory is told as one that cannot be followed')
	or diag explain $steps->{'stub-process'};
is(descriptors('stub'), descriptors('after'), 'and the others are told');

my ($again) = of_kind('again', 'hidden');
is_deeply([@{$again // {}}{qw(event comm missing)}], ['appeared', 'actor', 'pid-table,task-list'],
	'a hidden process that executes a program between any two looks is found')
	or diag explain $steps->{again};

is_deeply([map { [@$_{qw(comm missing)}] } grep { $_->{event} eq 'appeared' } of_kind('child', 'hidden')],
	[['sleep', 'pid-table,task-list']],
	  'and one whose parent is said to be ending') or diag explain $steps->{child};

ok(process('kthread')->{kernel}, 'a process that is said to be a thread of the kernel is told as one');
is(descriptors('kthread'), descriptors('before'), 'and has its descriptors') or diag explain $steps->{'kthread-files'};

is_deeply([grep { $_->{kind} =~ /^(failed|incomplete)$/ } json($steps->{root})], [],
	'where the lock of process 1 is held, which any user can bring about, there is a sample')
	or diag explain $steps->{root};
is_deeply([map { process('held')->{$_} } qw(exe root uts_ns)], [map { $victim->{$_} } qw(exe root uts_ns)],
	'a lock of a task that is held hides nothing of it')
	or diag explain $steps->{'held-process'};
is(descriptors('held'), descriptors('before'), 'nor of its files');
is(unseen('held'), '', 'and nothing is missing');
is(join(' ', sort map { $_->{fd} } grep { $_->{event} eq 'present' } of_kind('replaced', 'file')),
	join(' ', grep { $_ != 9 } split ' ', descriptors('before')),
	  'what was closed in the table that took the place of the one at hand is not told as open')
	      or diag explain $steps->{replaced};
is(unseen('replaced'), '', 'and nothing is missing');
ok((grep { $_->{event} ne 'vanished' && $_->{fd} == 9 } of_kind('replaced-after', 'file')),
	'with the first one, it is open') or diag explain $steps->{'replaced-after'};

my $others = join ' ', grep { $_ != 9 } split ' ', descriptors('before');
for my $changing (qw(tables flipped)) {
	is(unseen($changing), 'changing descriptors 1',
		"$changing: a descriptor that is another at each look is told as that, which any user can bring about")
		or diag explain $steps->{"$changing-files"};
	is(descriptors($changing), $others, 'and the others are told');
}
is(unseen('dead'), 'descriptors 1', 'one whose file is said to be nobody\'s cannot be read')
	or diag explain $steps->{'dead-files'};
is(descriptors('dead'), $others, 'and the others are told');
is(unseen('alive'), '', 'once that is mended, nothing is missing');
is(descriptors('alive'), descriptors('before'), 'and all are there');

# === Who is called ===========================================================

# What the last sample says of each view that is, or was, not whole.
sub uncalled {
	my %last = map { ($_->{view} => $_->{of} - $_->{looked}) }
		grep { $_->{view} } of_kind($_[0], 'incomplete');
	return join ' ', map { "$_ $last{$_}" } sort keys %last;
}

my ($stray) = of_kind('object', 'hidden');
is_deeply([@{$stray // {}}{qw(class name seen)}], ['alarm', '', 'sysfs'],
	'an object of a module that is no memory, and so in no list, is told as that of one that hides')
	or diag explain $steps->{object};

my ($kernel) = of_kind('called', 'kernel');
SKIP: {
	skip 'this kernel has no trace events', 5 if @KS::probes_machine && !$kernel->{tracepoints};
	is(uncalled('called'), '', 'of who is called at trace events and by ftrace, nothing is missing');
	is(uncalled('event-hole'), 'listeners 1', 'that the list of one event leads to where no memory is, is told')
		or diag explain $steps->{'event-hole'};
	is(uncalled('event-flip'), 'listeners 1', 'and that one is another each time that it was read')
		or diag explain $steps->{'event-flip'};
	is(join(' ', sort map { $_->{symbol} } grep { $_->{event} eq 'present' } of_kind('event-flip', 'listener')),
		'ks_listener [ks_code] ks_other_listener [ks_code]', 'with both who are in it');
	is(uncalled('event-after'), 'listeners 0', 'once it is mended, nothing is missing');
}
SKIP: {
	skip 'this kernel has no ftrace', 3 if @KS::probes_machine && !$kernel->{tracers};
	is($steps->{crowd}{status}, 0, 'who traces more functions than he says keeps nobody waiting')
		or diag explain $steps->{crowd};
	is(uncalled('crowd'), 'tracers 1', 'and is told as that') or diag explain $steps->{crowd};
	is(uncalled('crowd-after'), 'tracers 0', 'until it is over');
}

# === Of a socket =============================================================

my %opened = map { /^(\S+) (\d+)$/ } split /\n/, $steps->{opened}{out};
sub end { return (grep { ($_->{fd} // -1) == $opened{'unix-client'} && $_->{event} ne 'vanished' }
	of_kind($_[0], 'socket'))[-1] // {} }
my @ends = qw(remote peer_inode peer_unknown);
my ($accepted) = grep { ($_->{fd} // -1) == $opened{'unix-accepted'} } of_kind('locked', 'socket');
is_deeply([@{end('locked')}{@ends}], ['/root/named', $accepted->{inode}, JSON::PP::false],
	"a socket's lock that is held, which any user can bring about, hides nothing of its peer")
	or diag explain $steps->{locked};
is(unseen('locked'), '', 'and nothing is missing');
is_deeply([@{end('peer')}{@ends}], ['', '0x0', JSON::PP::false], 'a peer that is none is not told');
# A thread of it that has a table of its own has the socket as well.
is(unseen('peer'), 'descriptors 2', 'and the sample says so') or diag explain $steps->{peer};
for my $family (@families) {
	is(unseen($family), 'descriptors 2',
		"$family: a socket of which no more than the begin is memory cannot be read")
		or diag explain $steps->{$family};
	is_deeply([@{end($family)}{qw(type inode family local)}], ['stream', end('locked')->{inode}, '', ''],
		'and what is left of it is told');
}
is(join(' ', map { "$_->{view} " . ($_->{of} - $_->{looked}) } of_kind('beside', 'incomplete')), 'tables 1 tables 0',
	'nor does it keep from being told what else cannot be seen, when that begins and when it is over')
	or diag explain $steps->{beside};
is(unseen('socket-after'), '', 'once it is mended, nothing is missing') or diag explain $steps->{'socket-after'};
is(end('socket-after')->{remote}, '/root/named', 'nor is the peer');

is($steps->{unload}{status}, 0, 'while it is held, the module goes') or diag $steps->{unload}{err};
is($steps->{untorn}{status}, 0, 'and then the other one');
unlike($steps->{kernel}{out}, qr/BUG|Oops|WARNING|Call Trace|soft lockup/, 'the kernel has nothing to complain about');
is($steps->{''}{status}, 0, 'the machine came through it');

done_testing;
