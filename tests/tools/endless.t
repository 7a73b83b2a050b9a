#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare where Dom0's own sources never end, or never answer: a file system of ours is
# mounted in the place of /sys/module or /proc/kallsyms, as whoever rules the kernel can have any
# file there behave, and a daemon of ours is in xenstored's.
#
# Wrong in the world if this fails: the command hangs, for as long as somebody likes who has
# something to hide, and whoever waits for its exit status is told nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes 'time';
use ToolTest;

plan skip_all => 'root and /dev/fuse are needed, and the numbers of calls are for x86-64'
	if $> || !-r '/dev/fuse' || `uname -m` ne "x86_64\n" || system('unshare -m true 2>/dev/null');

my ($mount, $unshare, $mounts) = (165, 272, 0x20000);
my %told = (severity => 'low', what => 'w', why => 'y', next => 'n');

# A file of so many checks of what this source says; the sensor, which is not there, comes behind.
my $count = 2;
sub checks {
	my ($source) = @_;
	open(my $file, '>', "$dir/$source") or die "$dir/$source: $!";
	print $file encode_json({ checks => [map { { check => "c$_", looks => 2, pause_ms => 10,
		xen => { source => 'module', probe => 'p', kind => 'k', key => ['name'] },
		dom0 => [{ source => $source, key => ['name'] }],
		only_xen => { %told, finding => 'hidden' } } } 1 .. $count] });
	close $file;
	return "$dir/$source";
}

# In the child that compares: who serves, and whom it waits for then.
my (@servers, $stays);
sub leave { kill 'KILL', map { (-$_, $_) } @servers; waitpid($_, 0) for @servers; @servers = () }

# What ksense compare says of that source, once $arrange was called in mounts of our own:
# { status, signal, seconds, reason, words }.
sub compared {
	my ($source, $arrange, @options) = @_;
	my $checks = checks($source);
	pipe(my $from, my $to) or die "pipe: $!";
	my $child = fork // die "fork: $!";
	if (!$child) {
		syscall($unshare, $mounts) and die "unshare: $!";
		system('mount --make-rprivate /') and die 'mount';
		$arrange->();
		my $began = time;
		my $got = run('--socket', "$dir/none", '--timeout', '0.2', 'compare', '--json', '--checks', $checks,
			@options);
		my ($coverage) = grep { $_->{checks} } json_of($got);
		my $seconds = time - $began;
		waitpid($stays, 0) if $stays;
		leave();
		print $to encode_json({ %$got, seconds => $seconds,
			map { ($_ => $coverage->{checks}[0]{$_}) } qw(verdict reason words) });
		close $to;
		POSIX::_exit(0);
	}
	close $to;
	my $got = decode_json(join '', <$from>);
	waitpid($child, 0);
	return $got;
}

# --- A file system with nothing but its root
my %fuse = (lookup => 1, getattr => 3, open => 14, read => 15, release => 18, flush => 25, init => 26,
	opendir => 27, readdir => 28, releasedir => 29);
my %called = reverse %fuse;
my ($enosys, $enoent, $direct_io) = (38, 2, 1);

# Mounted at $at by who calls; a child answers what is read of it with what $says gives, as
# ($offset, $size), and nothing at all once that is undef.
sub serve {
	my ($at, $says) = @_;
	my $mode = -d $at ? 0040755 : 0100444;
	sysopen(my $fuse, '/dev/fuse', POSIX::O_RDWR()) or die "/dev/fuse: $!";
	my $options = sprintf("fd=%d,rootmode=%o,user_id=0,group_id=0", fileno($fuse), $mode);
	my $name = 'fuse';
	syscall($mount, $name, $at, $name, 0, $options) and die "$at: $!";
	my $server = fork // die "fork: $!";
	return $server if $server;
	setpgrp;
	alarm 60;
	while (sysread($fuse, my $request, 1 << 20)) {
		my (undef, $opcode, $unique) = unpack('LLQ', $request);
		my $body = substr($request, 40);
		my $call = $called{$opcode} // '';
		my $answer;
		my $wrong = 0;
		if ($call eq 'init') {
			my ($major, $minor) = unpack('LL', $body);
			$answer = pack('LLLLSSLLSSL7', 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, (0) x 7);
		} elsif ($call eq 'getattr') {
			# inode, size, blocks, times and their ns; mode, links, owner, ...
			$answer = pack('QLLQ6L3L7', 0, 0, 0, 1, (0) x 8, $mode, 1, 0, 0, 0, 4096, 0);
		} elsif ($call eq 'open' || $call eq 'opendir') {
			$answer = pack('QLL', 1, $call eq 'open' ? $direct_io : 0, 0);
		} elsif ($call eq 'read' || $call eq 'readdir') {
			my (undef, $offset, $size) = unpack('QQL', $body);
			$answer = $says->($offset, $size);
			next if !defined $answer;
		} elsif ($call =~ /^release|flush/) {
			$answer = '';
		} else {
			($answer, $wrong) = ('', $call eq 'lookup' ? $enoent : $enosys);
		}
		# To what nobody waits for any more there is no answer, nor to some that want none.
		syswrite($fuse, pack('LlQ', 16 + length $answer, -$wrong, $unique) . $answer);
	}
	POSIX::_exit(0);
}
sub is_blind {
	my ($got, $reason, $words, $what) = @_;
	is_deeply([@$got{qw(signal status verdict reason)}], [0, 3, 'blind', $reason], "$what: blind, and says so")
		or diag explain $got;
	like($got->{words}, $words, 'with why');
	cmp_ok($got->{seconds}, '<', 15, 'in a time that can be told in advance');
	return;
}

# A folder in which there is always one more.
is_blind(compared('sys-module', sub {
	push @servers, serve('/sys/module', sub {
		my ($offset, $size) = @_;
		my $entries = '';
		for (1 .. $size / 40) {
			my $name = sprintf('m%09d', $offset + $_);
			$entries .= pack('QQLLa16', 2, $offset + $_, length $name, 4, $name);
		}
		return $entries;
	});
}), 'timeout', qr/looking at sys-module took more than 2\.4 s, and was given up/, 'a folder without an end');

# A file that always has one more line, of items or of none, and one whose line does not end.
my $no_end = qr{/proc/kallsyms: there is no end to it, or more than is looked at};
is_blind(compared('kallsyms', sub {
	push @servers, serve('/proc/kallsyms', sub { return "ffffffff81000000 d not_taken\n" x ($_[1] / 29) });
}, '--timeout', 5), 'incomplete', $no_end, 'a file without an end');
$count = 1;
is_blind(compared('kallsyms', sub {
	push @servers, serve('/proc/kallsyms', sub { return "ffffffff81000000 T symbol\n" x ($_[1] / 26) });
}, '--timeout', 5), 'incomplete', $no_end, 'items without an end');
$count = 2;
is_blind(compared('kallsyms', sub { push @servers, serve('/proc/kallsyms', sub { return 'x' x $_[1] }) },
	'--timeout', 5), 'incomplete', $no_end, 'a line without an end');

# A call that no signal ends: the request was taken, and the kernel waits for its answer whatever
# comes.  Who went to read is left behind, and the second check does not send another.
my $hung = compared('kallsyms', sub {
	push @servers, serve('/proc/kallsyms', sub { return undef });
	$stays = fork // die "fork: $!";
	if (!$stays) {
		# Whoever reads it by then stays until the file system is gone.
		sleep 8;
		my @stuck = grep { (slurp("$_/stat") =~ /\((ksense)\) D/) } glob '/proc/[0-9]*';
		open(my $out, '>', "$dir/stuck") or die "$dir/stuck: $!";
		print $out scalar @stuck;
		close $out;
		kill 'KILL', @servers;
		POSIX::_exit(0);
	}
});
is_blind($hung, 'timeout', qr/looking at kallsyms took more than 2\.4 s, and was given up/,
	'a read that never returns');
cmp_ok($hung->{seconds}, '<', 7, 'and nobody waits for who stays there');
is(wait_until { slurp("$dir/stuck") }, 1, 'which is one');

# A file whose open waits for somebody who never comes.
is_blind(compared('kallsyms', sub {
	POSIX::mkfifo("$dir/fifo", 0600) or die "$dir/fifo: $!";
	system("mount --bind $dir/fifo /proc/kallsyms") and die 'mount';
}), 'timeout', qr/looking at kallsyms/, 'an open that never returns');

# --- xenstored answers, and then no more, in the middle of the list
is_blind(compared('xenstore', sub {
	system('mount -t tmpfs none /run && mkdir /run/xenstored') and die 'mount';
	my $listener = IO::Socket::UNIX->new(Local => '/run/xenstored/socket', Listen => 5) or die "socket: $!";
	my $daemon = fork // die "fork: $!";
	push @servers, $daemon;
	return if $daemon;
	setpgrp;
	alarm 60;
	my $directory = 1;
	while (my $client = $listener->accept) {
		next if fork;
		while (sysread($client, my $head, 16)) {
			my ($type, $id, $transaction, $bytes) = unpack('L4', $head);
			sysread($client, my $path, $bytes);
			# Of domain 1 it says nothing.
			next if $path =~ m{/1/};
			my $answer = $type == $directory ? "0\0001\000" : 'x';
			syswrite($client, pack('L4', $type, $id, $transaction, length $answer) . $answer);
		}
		POSIX::_exit(0);
	}
}), 'timeout', qr/looking at xenstore took more than 2\.4 s/, 'xenstored in the middle of its list');

done_testing;
