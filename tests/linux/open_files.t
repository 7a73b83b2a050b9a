#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe "open-files" of the Linux module, beside lsof.
#
# Wrong in the world if this fails: an open file or a socket's end is told wrongly, or not at all,
# or a process with very many of them breaks the sensor.
#
# A process opens something of everything (tests/linux/open.c).  What the sensor says of each
# descriptor of each process is what lsof says, in the sensor's words; what lsof does not know
# (whose peer a socket is, a thread's own descriptors) is held against what the process said
# itself.  Nothing depends on how long anything takes: each sample is asked for.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

chomp(my $lsof = `command -v lsof || echo /usr/bin/lsof`);
my @options = (@KS::probes_machine, '--smp', 2, '--one-thread', map { ('--add', $_) } $KS::module, "$build/tests/open",
	"$build/tests/sharers", $lsof);
my $steps = boot(<<'SH', @options);
S=/run/ksense/kernel.sock
k() { ksense --timeout 300 --socket $S --json "$@"; }
# Starts open with these arguments, and waits until it has everything open, or failed.
start_open() {
	rm -f open.out # what the last one said
	./open "$@" > open.out 2>&1 &
	until grep -q '^pid' open.out || ! kill -0 $!; do sleep 0.1; done 2>/dev/null
	cat open.out
}
ip link set lo up
step load insmod ksense.ko
step open start_open things
step sample k records open-files --run
step lsof ./lsof -n -P -F pKfatDrinPT
mv things/old-name things/new-name
step renamed k records open-files --run --filter event=changed
sleep 1000 9< things/regular &
pid=$!
until [ -e /proc/$pid/fd/9 ]; do sleep 0.1; done
step opened sh -c "echo $pid; ksense --timeout 300 --socket $S --json records open-files --run --filter fd=9"
step high k high open-files
step at_high k records open-files --run --filter event=present
kill $(sed -n 's/^pid //p' open.out)
while kill -0 $(sed -n 's/^pid //p' open.out); do sleep 0.1; done
# What the release of the last reference leaves to others is over before the next sample sees it.
step vanished k records open-files --run --filter event=vanished
step default k default open-files
rmmod ksense
# One pass as things are, so that there is a usual time for one.
insmod ksense.ko
k records open-files --run >/dev/null
./sharers 1000 4096 1000 >sharers.out </dev/null &
until [ -s sharers.out ]; do sleep 0.1; done
step shared cat sharers.out
step sharers k records open-files --run --filter kind=sharer
step shared_by k records open-files --run --filter fd=4095
sleep 1000 9< things/regular &
pid=$!
until [ -e /proc/$pid/fd/9 ]; do sleep 0.1; done
step beside sh -c "echo $pid; ksense --timeout 300 --socket $S --json records open-files --run --filter pid=$pid"
step crowd_status k status
kill -KILL $(cat sharers.out)
kill $pid
rmmod ksense
insmod ksense.ko sense=memory=256K
step many start_open --many 10000
step incomplete k records open-files --run --filter kind=incomplete
kill $(sed -n 's/^pid //p' open.out)
while kill -0 $(sed -n 's/^pid //p' open.out); do sleep 0.1; done
step again k records open-files --run --filter event=present
step again_all k records open-files --run --filter event=present
step status k status
step unload rmmod ksense
step kernel dmesg
SH

# === What the process says ===================================================

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
my (%fd, $pid, $tid, $thread_fd);
for (split /\n/, $steps->{open}{out}) {
	($thread_fd, $tid) = ($1, $2) if /^thread (\d+) (\d+)$/;
	$pid = $1 if /^pid (\d+)$/;
	$fd{$1} = $2 if /^(\S+) (\d+)$/;
}
ok($pid && $tid, 'a process has something of everything open') or diag $steps->{open}{out};

sub by_fd {
	return map { ("$_->{pid} $_->{fd}" => $_) } grep { defined $_->{fd} } @_;
}

# Also what was just being opened as the first pass saw it, and so has changed.
my %seen = by_fd(grep { ($_->{event} // '') ne 'vanished' } json($steps->{sample}));

sub seen_as {
	return $seen{"$pid $fd{$_[0]}"} || {};
}

# === The same as lsof's =====================================================

my %type = (REG => 'regular', DIR => 'directory', CHR => 'character', BLK => 'block', a_inode => 'anonymous',
	LINK => 'symlink');

sub device {
	my ($number) = @_;
	$number = hex($number // 0);
	return (($number >> 8) & 0xfff) . ':' . (($number & 0xff) | (($number >> 12) & 0xfff00));
}

# A line for a descriptor, of what both know.
sub of_lsof {
	my ($file) = @_;
	my ($t, $name) = @$file{qw(t n)};
	my $mode = { r => 'r', w => 'w', u => 'rw' }->{$file->{a}} // '';

	if ($t =~ /^IPv([46])$/) {
		my ($local, $remote) = split /->/, $name;
		return join ' ', $1 == 4 ? 'inet' : 'inet6', lc $file->{P}, $local, $remote // '-',
			lc($file->{ST} // '-');
	}
	return join ' ', 'unix', $name =~ /^(.*?) ?type=(\w+)/ ? (length $1 ? $1 : '-', lc $2) : $name, lc $file->{ST},
		$file->{i} if $t eq 'unix';
	return join ' ', 'netlink', lc($name =~ tr/_/-/r), $file->{i} if $t eq 'netlink';
	return 'packet' if $t eq 'pack';
	return "raw $file->{i}" if $t eq 'raw';
	return "socket $file->{i}" if $t eq 'sock';
	return "pipe $mode $file->{i}" if $t eq 'FIFO' && $name eq 'pipe';
	$name =~ s/^(\[\w+):\d+\]$/$1]/; # of an eventfd lsof tells the number as well
	# As lsof writes what cannot be printed.
	return join ' ', $type{$t} // ($t eq 'FIFO' ? 'fifo' : $t), $mode, device($file->{D}), device($file->{r}),
	$file->{i}, $name;
}

sub of_sensor {
	my ($record) = @_;
	no warnings 'portable'; # inodes have 64 bits
	my $inode = hex $record->{inode};

	if ($record->{kind} eq 'socket') {
		my ($family, $local, $remote) = @$record{qw(family local remote)};
		# not bound: in no table of the kernel
		return "socket $inode" if $record->{state} eq 'closed' && !length $local;
		return "raw $inode" if $record->{type} eq 'raw' && $family =~ /^inet/;
		return 'packet' if $family eq 'packet';
		return "netlink $record->{protocol} $inode" if $family eq 'netlink';
		return join ' ', 'unix', length $local ? $local : '-', @$record{qw(type state)}, $inode
			if $family eq 'unix';
		s/^(0\.0\.0\.0|\[::\]):/*:/ for $local, $remote;
		return join ' ', $family, $record->{protocol}, $local, length $remote ? $remote : '-',
			$record->{type} eq 'stream' ? $record->{state} : '-';
	}
	return "pipe $record->{mode} $inode" if $record->{type} eq 'pipe';
	my $path = $record->{path};
	$path =~ s/^anon_inode://;
	$path =~ s/\\/\\\\/g;
	$path =~ s/\n/\\n/g;
	$path =~ s/([\x80-\xff])/sprintf '\\x%02x', ord $1/ge;
	return join ' ', $record->{type}, $record->{mode}, "$record->{major}:$record->{minor}",
		"$record->{device_major}:$record->{device_minor}", $inode, $path;
}

my (%lsof, $of, $file, %comm);
for (split /\n/, $steps->{lsof}{out}) {
	my ($what, $value) = /^(.)(.*)$/ or next;
	if ($what eq 'p' || $what eq 'K') { # a process, or a thread of it
		$of = $value;
	} elsif ($what eq 'f') {
		$file = $value =~ /^\d+$/ ? $lsof{"$of $value"} = {} : {};
	} elsif ($what eq 'T') {
		my ($name, $is) = split /=/, $value;
		$file->{$name} = $is;
	} else {
		$file->{$what} = $value;
	}
}
# The one that asked, and lsof itself, are not the same in both.
my %both = map { $_ => 1 } grep { $seen{$_} } keys %lsof;
my @only_lsof = grep { my ($p) = split / /; !$both{$_} && grep { /^$p / } keys %both } keys %lsof;
cmp_ok(scalar(grep { /^$pid / } keys %both), '>=', 30, 'lsof and the sensor know the same descriptors of it');
is("@only_lsof", '', 'and of every other process that both have seen')
	or diag explain map { ($_, $lsof{$_}) } @only_lsof;
my (@lsof_says, @sensor_says);
for my $key (sort keys %both) {
	# A path with O_PATH is neither readable nor writable; lsof takes it for both.  What is
	# longer than a record is told as cut.
	next if $key =~ /^($pid|$tid) ($fd{path}|$fd{long})$/ || $seen{$key}{comm} eq 'ksense';
	push @lsof_says, "$key: " . of_lsof($lsof{$key});
	push @sensor_says, "$key: " . of_sensor($seen{$key});
}
is_deeply(\@sensor_says, \@lsof_says, 'the sensor says of each what lsof says');

# === What lsof does not say ==================================================

is(seen_as('path')->{mode}, 'path', 'what is open as a path is told as that');
is(seen_as('hostile')->{path}, "/root/things/a\n\"\x{ff}\\ b", 'a name of any bytes is told as it is');
ok(seen_as('append')->{append} && !seen_as('regular')->{append}, 'appending is told');
ok(seen_as('deleted')->{deleted} && !seen_as('regular')->{deleted}, 'and that a file has no name any more');
my $long = seen_as('long');
ok($long->{path_cut} && length($long->{path}) == 255 && $long->{path} =~ m{^/root/things/l+/l+$},
	'a long path is cut, and said to be');
is(seen_as('far')->{position}, '0xfffffffffff79000', 'a place in a file that no double could hold');
is(seen_as('regular')->{position}, '0x0', 'and one that it could, in the same form');
is(seen_as('unix-client')->{peer_inode}, seen_as('unix-accepted')->{inode}, 'a socket has the peer that it has');
is(seen_as('unix-accepted')->{peer_inode}, seen_as('unix-client')->{inode}, 'and that has it');
is(seen_as('unix-client')->{remote}, '/root/named', "the peer's name");
is(seen_as('unix-abstract')->{local}, '@ab@stract', 'an abstract name');
is(seen_as('sniffer')->{family}, 'packet', 'a socket that sees every frame');
is_deeply([@{seen_as('old-sniffer')}{qw(family type local)}], [qw(packet packet lo)],
	'one of the old kind, by the name of its interface');
is($seen{"$tid $thread_fd"}{path}, '/root/things/only-of-the-thread',
	'a thread with descriptors of its own has a place of its own');
my %threads = map { $_->{pid} => 1 } grep { $_->{comm} eq 'open' } values %seen;
is(join(' ', sort keys %threads), join(' ', sort $pid, $tid), 'one that shares them has not');
my %kernel = map { $_->{pid} => 1 } grep { $_->{comm} =~ /^(kthreadd|ksense\/)/ } values %seen;
is(join(' ', keys %kernel), '', 'threads of the kernel have no files');

# === Time goes on ============================================================

my ($renamed) = grep { $_->{pid} == $pid && $_->{fd} == $fd{renamed} } json($steps->{renamed});
is($renamed->{path}, '/root/things/new-name', 'a file that is renamed while it is open has its new name');
is($renamed->{old}{path}, '/root/things/old-name', 'and the old one');
is(join(' ', sort keys %{$renamed->{old} || {}}), 'path', 'and nothing else has changed');
my ($sleep_pid, @opened) = split /\n/, $steps->{opened}{out};
my ($nine) = grep { $_->{pid} == $sleep_pid && $_->{fd} == 9 } map { json({ out => $_ }) } @opened;
is($nine->{path}, '/root/things/regular', 'what is opened is there');
my %high = by_fd(json($steps->{at_high}));
is_deeply({ map { $_ => $high{$_}{path} } grep { /^$pid / && $_ ne "$pid $fd{renamed}" } keys %high },
	  { map { $_ => $seen{$_}{path} } grep { /^$pid / && $_ ne "$pid $fd{renamed}" } keys %seen },
	  'at high, where each path is made anew, they are the same');
my %vanished = by_fd(json($steps->{vanished}));
is(scalar(grep { /^$pid / } keys %vanished), scalar(grep { /^$pid / } keys %seen),
	'when the process ends all that it had vanishes');

# === One table, many processes ===============================================
#
# A user gives one table of 4,096 descriptors to 1,000 processes. It is walked once, so that
# what others have is still seen: each of the 4,000,000 made the pass so long that it was cut
# off, again and again.

my $owner = $steps->{shared}{out} + 0;
my @sharers = grep { $_->{kind} eq 'sharer' && $_->{uid} == 1000 } json($steps->{sharers});
my %of = map { $_->{pid} => $_->{of_pid} } @sharers;
is_deeply([grep { ($_->{of_pid} // 0) == 2 } json($steps->{sharers})], [],
	"threads of the kernel, which all have one table, are no sharers");
is(scalar(keys %of), 999, 'each process that has its descriptors in common with another is told');
is_deeply([grep { $_ != $owner } values %of], [], 'and with which');
# A pass while the crowd was being made may have met the table before it was shared; what is so now
# is the last that is told.
my %last = map { $_->{pid} => $_->{event} } grep { ($_->{fd} // -1) == 4095 } json($steps->{shared_by});
is_deeply([grep { $last{$_} ne 'vanished' } keys %last], [$owner], 'the descriptors are told once');
my ($beside, @of_beside) = split /\n/, $steps->{beside}{out};
is((grep { ($_->{fd} // -1) == 9 } map { json({ out => $_ }) } @of_beside)[0]{path}, '/root/things/regular',
	'what another opens meanwhile is seen');
my ($crowded) = grep { $_->{name} eq 'open-files' } map { @{$_->{probes}} } json($steps->{crowd_status});
is($crowded->{state}, 'on', 'and the probe goes on');
is_deeply([troubles($crowded)], [], 'without trouble');

# === Too many ================================================================

like($steps->{many}{out}, qr/^pid/m, 'a process has 10,000 files open') or diag $steps->{many}{out};
my $incomplete = (grep { $_->{kind} eq 'incomplete' && !$_->{so_far} } json($steps->{incomplete}))[-1];
ok($incomplete && $incomplete->{looked} <= 8192 && $incomplete->{of} > 10000,
	'with little memory for them, more than fit are said to be more')
	or diag explain $steps->{incomplete};
my %again = by_fd(json($steps->{again_all}));
is($again{"1 0"}{path}, $seen{"1 0"}{path}, 'and it goes on when they are gone');
my ($status) = json($steps->{status});
my ($probe) = grep { $_->{name} eq 'open-files' } @{$status->{probes}};
is($probe->{failures}, 0, 'nothing failed');
is($steps->{unload}{status}, 0, 'it goes');
unlike($steps->{kernel}{out}, qr/BUG|Oops|WARNING|Call Trace/, 'the kernel has nothing to complain about');

done_testing;
