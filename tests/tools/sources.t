#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare where Dom0's own sources can be read in part only, or change while they are read:
# a sensor of ours tells of just the processes and sockets that there are.
#
# Wrong in the world if this fails: somebody is told that each process of his host is hidden by a
# rootkit, as ksense ran out of file descriptors, or may not see the processes of others; or that a
# socket is, as its owner goes from one network namespace to another and back.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Socket::UNIX;
use JSON::PP;
use Socket;
use Test::More;
use ToolTest;

# Answers with what $records gives of the probe, as often as somebody asks.
sub answer {
	my ($client, $probe, $records) = @_;
	while (my $line = <$client>) {
		my ($nonce, $command) = @{decode_json($line)->{request}};
		my $say = sub { print $client encode_json({ 'Virtue-protocol-version' => 0.2,
			reply => [$nonce, @_] }), "\n" };
		if ($command eq 'status') {
			$say->('status', { name => 'fake', uuid => 'u', time => 100, control => JSON::PP::true,
				probes => [{ name => $probe, epoch => 1, whole_start_ns => 200 }] });
			next;
		}
		my $seq = 0;
		for ($records->()) {
			my %record = (seq => $seq++, time => 200, probe => $probe, event => 'present');
			# The members as text, where there are very many.
			my $text = encode_json({ %record, ref $_ ? %$_ : () });
			$text =~ s/\}$/,$_}/ if !ref $_;
			print $client qq({"Virtue-protocol-version":0.2,"reply":["$nonce","$probe",$text]}\n) or last;
		}
		$say->($probe);
	}
}

# A sensor with that probe alone: the path of its socket, and its pid.
sub sensor {
	my ($probe, $records) = @_;
	my $path = "$dir/$probe";
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!";
	chmod 0777, $path, $dir or die "$path: $!";
	my $server = fork // die "fork: $!";
	return ($path, $server) if $server;
	alarm 600;
	local $SIG{PIPE} = 'IGNORE';
	while (my $client = $listener->accept) {
		$client->autoflush(1);
		answer($client, $probe, $records);
	}
	require POSIX;
	POSIX::_exit(0);
}

# Those with memory of their own.
my ($path, $server) = sensor('processes', sub {
	return map { { kind => 'process', pid => 0 + $_ } } map { m{(\d+)} }
		grep { slurp("$_/statm") =~ /^[1-9]/ } glob '/proc/[0-9]*';
});

my %told = (severity => 'low', what => 'w', why => 'y', next => 'n');
open(my $file, '>', "$dir/checks") or die "$dir/checks: $!";
print $file encode_json({ checks => [{ check => 'c', looks => 4, pause_ms => 10,
	xen => { source => 'module', probe => 'processes', kind => 'process', key => ['pid'] },
	dom0 => [{ source => 'proc', key => ['pid'] }],
	only_xen => { %told, finding => 'hidden' } }] });
close $file;
chmod 0644, "$dir/checks";

# What ksense says when a shell runs it by this: its exit status, and the check's reason.
sub compare_by {
	my ($shell) = @_;
	my $out = qx($shell $ksense --socket $path compare --json --checks $dir/checks 2>&1);
	return ($? >> 8, ($out =~ /"reason":"([\w-]+)"/)[0] // '');
}

for my $descriptors (4 .. 8) {
	my ($status, $reason) = compare_by("ulimit -n $descriptors && exec");
	isnt($status, 1, "with $descriptors file descriptors nobody hides") or diag $reason;
}

SKIP: {
	my $mounts = 'mount -t proc -o hidepid=2 none /proc';
	skip 'no mounts of its own, or no other user', 2
		if $> || system("unshare -m sh -c '$mounts && setpriv --reuid 65534 true' 2>/dev/null");
	my ($status, $reason) = compare_by(
		"unshare -m sh -c '$mounts && exec setpriv --reuid 65534 --regid 65534 --clear-groups \"\$@\"' sh");
	is($status, 3, 'nor where /proc does not show the processes of others');
	like($reason, qr/^(denied|foreign-namespace)$/, 'which is the reason');
}

# What ps reads of a process is another's, where that is mounted upon it: the process is hidden.
SKIP: {
	skip 'no mounts of its own', 2 if $> || system('unshare -m true 2>/dev/null');
	my $sleeps = fork // die "fork: $!";
	exec 'sleep', '300' or die "exec: $!" if !$sleeps;
	for my $what ("$sleeps", "$sleeps/stat") {
		my $other = $what =~ s/^\d+/1/r;
		my $mount = "mount --bind /proc/$other /proc/$what";
		my ($status) = compare_by("unshare -m sh -c '$mount && exec \"\$@\"' sh");
		is($status, 1, "another's is mounted upon " . $what =~ s/^\d+/PID/r . ': that process is hidden');
	}
	kill 'KILL', $sleeps;
	waitpid($sleeps, 0);
}

kill 'TERM', $server;
waitpid($server, 0);

# --- Who always has one more record keeps nobody for ever
my $endless = fake_server(sub {
	my ($client, $line, $nonce) = @_;
	my $say = sub { print $client encode_json({ 'Virtue-protocol-version' => 0.2, reply => [@_] }), "\n" };
	$say->($nonce, 'status', { name => 'fake', uuid => 'u', time => 100, control => JSON::PP::true,
		probes => [{ name => 'processes', epoch => 1 }] });
	($nonce) = @{decode_json(scalar <$client>)->{request}};
	local $SIG{PIPE} = 'IGNORE';
	for (my $seq = 0; $say->($nonce, 'processes', { seq => $seq, time => 200, probe => 'processes',
		kind => 'process', event => 'present', pid => 1000000 + $seq }); $seq++) {
		select(undef, undef, undef, 0.05);
	}
});
my $began = time;
my $told = run('--socket', $endless, '--timeout', '0.5', 'compare', '--json', '--checks', "$dir/checks");
is($told->{status}, 3, 'a reply without an end makes the check blind') or diag $told->{out};
like($told->{out}, qr/"reason":"timeout","words":"[^"]*its reply does not end"/, 'which it says');
cmp_ok(time - $began, '<', 20, 'in a time that can be told in advance');

# --- Sockets: in which network namespace, and which is told of in which way
my ($built_in) = decode_json(slurp("$root/canary/checks.json"));
my @of_sockets = grep { $_->{check} =~ /^sockets/ } @{$built_in->{checks}};
is(scalar(@of_sockets), 2, 'two checks are of sockets');
$_->{pause_ms} = 1 for @of_sockets;

sub inode_of { return (stat("/proc/self/fd/" . fileno($_[0])))[1] }
sub namespace { return (stat('/proc/self/ns/net'))[1] }
sub socket_record {
	my ($socket, $family, %more) = @_;
	return { kind => 'socket', pid => $$, fd => fileno($socket), family => $family, type => 'stream', port => 9,
		protocol => '', state => 'listen', netns => namespace(), inode => sprintf('0x%x', inode_of($socket)),
		%more };
}

# The checks with that sensor: what it says, by their names, and all findings.
sub sockets_compared {
	my ($sensor, $looks) = @_;
	open(my $out, '>', "$dir/sockets.json") or die "$dir/sockets.json: $!";
	print $out encode_json({ checks => [map { { %$_, looks => $looks } } @of_sockets] });
	close $out;
	my $got = run('--socket', $sensor, 'compare', '--json', '--checks', "$dir/sockets.json");
	my ($coverage) = grep { $_->{checks} } json_of($got);
	return { map { $_->{check} => $_ } @{$coverage->{checks}} }, grep { $_->{finding} } json_of($got);
}

my $unix = IO::Socket::UNIX->new(Local => "$dir/listens", Listen => 1) or die "$dir/listens: $!";
my @tcp = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die "socket: $!" } 1 .. 2;
my $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "socket: $!";
my @there = (socket_record($unix, 'unix'), map({ socket_record($_, 'inet', protocol => 'tcp') } @tcp),
	socket_record($udp, 'inet', type => 'dgram', protocol => 'udp', state => 'unconnected'));
my ($said, @found);
my @others = sensor('open-files', sub { return @there });
($said, @found) = sockets_compared($others[0], 2);
is_deeply([map { $said->{$_}{verdict} } sort keys %$said], ['agrees', 'agrees'], 'sockets that there are')
	or diag explain $said, @found;
kill 'TERM', $others[1];
waitpid($others[1], 0);
unlink $others[0];

# The number of a process's pipe is no socket's.
pipe(my $reads, my $writes) or die "pipe: $!";
@others = sensor('open-files', sub { return (@there, { %{$there[1]}, fd => 99,
	inode => sprintf('0x%x', (stat($reads))[1]) }) });
($said, @found) = sockets_compared($others[0], 2);
is_deeply([map { $_->{finding}, map { $_->{finding} } @{$_->{also}} } @found],
	['socket-not-in-proc', 'socket-not-by-netlink'], 'one that programs are not told of, in either way')
	or diag explain $said, @found;
kill 'TERM', $others[1];
waitpid($others[1], 0);
unlink $others[0];

# A user has half a million sockets: more than are compared.  None of them is found, and the judge
# does not take all of the machine's memory to say so.
my $listed = $there[1]{inode};
my $members = encode_json($there[1]) =~ s/^\{|\}$//gr;
@others = sensor('open-files', sub {
	return map { my $inode = sprintf('0x%x', 1 << 40 | $_); $members =~ s/\Q$listed\E/$inode/r } 0 .. 140000
});
my $arguments = "--timeout 20 --socket $others[0] compare --json --checks $dir/sockets.json";
my $crowded = qx(bash -c 'ulimit -v 700000; exec $ksense $arguments');
is($? >> 8, 3, 'where there are more sockets than are compared, the check is blind');
($said) = grep { $_->{checks} } map { decode_json($_) } split /\n/, $crowded;
is_deeply([map { @$_{qw(verdict reason)} } @{$said->{checks}}], [('blind', 'incomplete') x 2], 'and says so')
	or diag $crowded;
like($said->{checks}[0]{words}, qr/open-files tells of more than 131072 items of kind socket/,
	'with how many there are');
kill 'TERM', $others[1];
waitpid($others[1], 0);
unlink $others[0];

# A network namespace in which nobody lives, with a socket of it: mounted somewhere, as by
# "ip netns add", it can be looked into; where only a descriptor keeps it, that is told, and whose.
SKIP: {
	my ($setns, $unshare, $net) = (308, 272, 0x40000000);
	skip 'no namespaces of our own, or another machine than the numbers of these calls are for', 4
		if $> || `uname -m` ne "x86_64\n" || system('unshare -n true 2>/dev/null');
	open(my $home, '<', '/proc/self/ns/net') or die "namespace: $!";
	my $namespace = sub {
		my ($mounted_on) = @_;
		syscall($unshare, $net) and die "unshare: $!";
		if ($mounted_on) {
			system("touch '$mounted_on' && mount --bind /proc/$$/ns/net '$mounted_on'") and die 'mount';
		}
		my $socket = IO::Socket::UNIX->new(Local => "$dir/lonely" . rand, Listen => 1) or die "socket: $!";
		my $record = socket_record($socket, 'unix', comm => 'holds');
		syscall($setns, fileno($home), $net) and die "setns: $!";
		return ($record, $socket);
	};
	for my $file ("$dir/net ns", undef) {
		my ($record, $socket) = $namespace->($file);
		@others = sensor('open-files', sub { return $record });
		($said, @found) = sockets_compared($others[0], 2);
		is_deeply([map { $_->{finding} } @found], [],
			'a socket of a namespace without a process: nothing is found');
		my @is = map { $said->{$_}{verdict} } sort keys %$said;
		is_deeply(\@is, [('agrees') x 2], 'and it is looked at by its mount') or diag explain $said if $file;
		my $whose = "process $$ (holds) has a socket of the network namespace $record->{netns},";
		like("@is $said->{sockets}{words}", qr/^blind blind \Q$whose\E/,
			'or not, as without one there is no way there') if !$file;
		kill 'TERM', $others[1];
		waitpid($others[1], 0);
		unlink $others[0];
		system("umount '$file'") if $file;
	}
}

# A process goes from one namespace to another and back, as fast as it can: what is read of the one
# is not taken for the other.
SKIP: {
	my ($setns, $unshare, $net) = (308, 272, 0x40000000);
	skip 'no namespaces of our own, or another machine than the numbers of these calls are for', 2
		if $> || `uname -m` ne "x86_64\n" || system('unshare -n true 2>/dev/null');
	pipe(my $from, my $to) or die "pipe: $!";
	my $first = fork // die "fork: $!";
	if (!$first) {
		setpgrp;
		syscall($unshare, $net) and die "unshare: $!";
		open(my $other, '<', '/proc/self/ns/net') or die "namespace: $!";
		syscall($unshare, $net) and die "unshare: $!";
		open(my $own, '<', '/proc/self/ns/net') or die "namespace: $!";
		my $listens = IO::Socket::UNIX->new(Local => "$dir/moves", Listen => 1) or die "$dir/moves: $!";
		syswrite($to, encode_json(socket_record($listens, 'unix')) . "\n");
		fork // die "fork: $!" for 1 .. 3;
		alarm 60;
		while (1) {
			for ($other, $own) {
				syscall($setns, fileno($_), $net);
				select(undef, undef, undef, rand(0.001));
			}
		}
	}
	close $to;
	my $moves = decode_json(scalar <$from>);
	@others = sensor('open-files', sub { return $moves });
	my %verdicts;
	for (1 .. 30) {
		($said, @found) = sockets_compared($others[0], 1);
		$verdicts{"$_ $said->{$_}{verdict}"}++ for keys %$said;
	}
	kill 'TERM', $others[1], -$first;
	waitpid($_, 0) for $others[1], $first;
	unlink $others[0];
	ok(!$verdicts{'sockets differs'} && !$verdicts{'sockets-by-netlink differs'},
		'nobody who jumps from one network namespace to another hides') or diag explain \%verdicts;
	ok($verdicts{'sockets agrees'}, 'and now and then he is met there') or diag explain \%verdicts;
}

# Who rules a network namespace may send to any netlink socket there, and each has its process's
# number: here he says to whoever asks for ksense that the answer is over before it has begun.
SKIP: {
	my ($unshare, $net, $netlink, $sock_diag, $done) = (272, 0x40000000, 16, 4, 3);
	skip 'no namespaces of our own, or another machine than the number of this call is for', 1
		if $> || `uname -m` ne "x86_64\n" || system('unshare -n true 2>/dev/null');
	pipe(my $from, my $to) or die "pipe: $!";
	my $forger = fork // die "fork: $!";
	if (!$forger) {
		syscall($unshare, $net) and die "unshare: $!";
		my $listens = IO::Socket::UNIX->new(Local => "$dir/forged", Listen => 1) or die "$dir/forged: $!";
		socket(my $forges, $netlink, SOCK_RAW, $sock_diag) or die "socket: $!";
		syswrite($to, encode_json(socket_record($listens, 'unix')) . "\n");
		alarm 60;
		while (1) {
			my $pid = slurp("$dir/pid") =~ s/\n//r || 0;
			for my $child (split ' ', slurp("/proc/$pid/task/$pid/children")) {
				my $to = pack('SSLL', $netlink, 0, $child, 0);
				send($forges, pack('LSSLLl', 20, $done, 2, 0, 0, 0), 0, $to) for 1 .. 100;
			}
		}
	}
	close $to;
	my $hidden = decode_json(scalar <$from>);
	@others = sensor('open-files', sub { return $hidden });
	my %verdicts;
	for (1 .. 20) {
		my $out = qx(sh -c 'echo \$\$ >$dir/pid && exec $ksense --socket $others[0] compare --json \\
			--checks $dir/sockets.json');
		unlink "$dir/pid";
		my ($coverage) = grep { $_->{checks} } map { decode_json($_) } split /\n/, $out;
		$verdicts{$_->{verdict}}++ for grep { $_->{check} eq 'sockets-by-netlink' } @{$coverage->{checks}};
	}
	kill 'TERM', $others[1], $forger;
	waitpid($_, 0) for $others[1], $forger;
	unlink $others[0];
	is_deeply([keys %verdicts], ['agrees'], 'who answers in the kernel\'s place is not heard')
		or diag explain \%verdicts;
}
done_testing;
