#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense-host over its real socket: what clients do to it that a test within its process cannot.
#
# What could be wrong in the world: clients that send no newline, or never read, or die in the
# middle of a reply; many at once; a socket file that was left over; a signal.  Each part starts a
# server of its own, and every line that comes back is read by JSON::PP.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Schema;
use Test::More;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

my $server = ($ENV{KS_B} || 'build') . '/host/ksense-host';
my $dir = tempdir(CLEANUP => 1);
my $nonce = '4f1c0e6a9d2b4c58a7e3';
# What start() starts.
our @server = ($server);
my %pids;

$SIG{PIPE} = 'IGNORE';
BAIL_OUT("$server is not there: run make host") unless -x $server;

# === Helpers ===================================================================

# Starts a server; its pid and its socket's path.
sub start {
	my ($name, @options) = @_;
	my $path = "$dir/$name";
	my $pid = fork();

	die "fork: $!\n" unless defined $pid;
	if (!$pid) {
		open STDERR, '>', "$dir/$name.err";
		exec @server, '--socket', $path, @options or exit 127;
	}
	$pids{$pid} = 1;
	for (1 .. 500) {
		last if -S $path && IO::Socket::UNIX->new(Peer => $path);
		sleep 0.02;
	}
	return ($pid, $path);
}

# Ends a server with SIGTERM; its status, or -1 when it does not end within 10 s.
sub stop {
	my ($pid) = @_;

	kill TERM => $pid;
	for (1 .. 500) {
		if (waitpid($pid, WNOHANG) == $pid) {
			delete $pids{$pid};
			return $?;
		}
		sleep 0.02;
	}
	return -1;
}

END {
	my $status = $?;
	kill KILL => $_ for keys %pids;
	$? = $status;
}

sub client {
	my ($path) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\n";

	return { socket => $socket, buf => '' };
}

sub say_to {
	my ($client, $bytes) = @_;

	while (length $bytes) {
		my $n = syswrite $client->{socket}, $bytes;

		return unless $n;
		substr($bytes, 0, $n) = '';
	}
}

# The next line as a value; undef when none comes in time, or the server closed.
sub hear {
	my ($client, $seconds) = @_;
	my $until = time + ($seconds // 20);

	while ($client->{buf} !~ /\n/) {
		my $left = $until - time;

		return undef if $left <= 0 || !IO::Select->new($client->{socket})->can_read($left);
		return undef unless sysread $client->{socket}, $client->{buf}, 65536, length $client->{buf};
	}
	$client->{buf} =~ s/^(.*)\n// or die;
	return (decoded($1))[0];
}

sub request {
	my ($command, $target, $options, $own_nonce) = @_;

	return JSON::PP->new->utf8->encode({
		'Virtue-protocol-version' => 0.1 + 0,
		request => [ $own_nonce // $nonce, $command, $target, $options ? $options : () ],
	});
}

# The word of the answer, or "error:CODE".
sub word {
	my ($line) = @_;
	my $reply = $line && $line->{reply} or return 'nothing';

	return $reply->[1] eq 'error' ? "error:$reply->[2]{code}" : $reply->[1];
}

sub ask {
	my ($client, @request) = @_;

	say_to($client, request(@request) . "\n");
	return word(hear($client));
}

# All records of an answer to "records".
sub records {
	my ($client, $target, $options) = @_;
	my @records;

	say_to($client, request('records', $target, $options) . "\n");
	while (my $line = hear($client)) {
		return \@records if @{$line->{reply}} == 2;
		push @records, $line->{reply}[2];
	}
	return undef;
}

sub closed {
	my ($client) = @_;

	return IO::Select->new($client->{socket})->can_read(10) && !sysread $client->{socket}, my $byte, 1;
}

# === Streams ====================================================================

my ($pid, $path) = start('a', '--folder', $dir);
my $one = request('on', 'folder');
my $client = client($path);

is(ask($client, 'discovery', '*'), 'discovery', 'a request with its newline is answered');
my $before = time;
say_to($client, $one);
is(word(hear($client)), 'on', 'without a newline as well');
cmp_ok(time - $before, '>=', 0.045, 'after 50 ms in which nothing more came');
cmp_ok(time - $before, '<', 2, 'and not much later');
say_to($client, "$one\0");
is(word(hear($client)), 'on', 'with a NUL instead');
say_to($client, "\0\r\n\n$one\r\n\0");
is(word(hear($client)), 'on', 'NULs and empty lines around are ignored');
is(hear($client, 0.2), undef, 'and not answered');
for my $byte (split //, "$one\n") {
	say_to($client, $byte);
	sleep 0.001;
}
is(word(hear($client)), 'on', 'one byte at a time');
say_to($client, join "\n", map { request($_, 'folder') } qw(low high default increase decrease));
is(join(' ', map { word(hear($client)) } 1 .. 5), 'low high default high default',
	'five requests in one write, the last without newline');
say_to($client, "$one$one\n");
is(word(hear($client)), 'error:syntax', 'two on one line are an error');
say_to($client, substr $one, 0, 30);
sleep 0.2;
say_to($client, substr($one, 30) . "\n");
is(word(hear($client)), 'on', 'a request that pauses in its middle is not served before its end');
say_to($client, '[' x 10000);
is(word(hear($client)), 'error:too-long', 'a line too long is told before it ends');
say_to($client, '[' x 100000 . "\n$one\n");
is(word(hear($client)), 'on', 'and the connection goes on behind its newline');
say_to($client, join '', map { chr int rand 256 } 1 .. 3000);
say_to($client, "\n");
1 while hear($client, 0.3);
is(ask($client, 'on', 'folder'), 'on', 'after 3000 bytes of noise too');
shutdown $client->{socket}, 1;
ok(closed($client), 'who closes its end is let go');
$client = client($path);
say_to($client, $one);
shutdown $client->{socket}, 1;
is(word(hear($client)), 'on', 'but gets the answer to its last line, newline or not');

# === Sessions ===================================================================

$client = client($path);
say_to($client, '{"Virtue-protocol-version": 0.9}');
is_deeply(hear($client), { 'Virtue-protocol-version' => 0.2 }, 'a session: the lower of the two versions');
say_to($client, "{\"request\": [\"$nonce\", \"status\", \"*\"]}\n");
is(word(hear($client)), 'status', 'holds for requests that name none');
$client = client($path);
say_to($client, "{\"Virtue-protocol-version\": 0.01}\n$one\n");
is_deeply(hear($client), {}, 'a session that is refused');
ok(closed($client), 'is closed');

# === Clients that behave badly ==================================================

my $silent = client($path);
$silent->{socket}->blocking(0);
for (1 .. 20000) {
	last unless syswrite $silent->{socket}, request('discovery', '*') . "\n";
}
$client = client($path);
is(ask($client, 'discovery', '*'), 'discovery', 'a client that never reads does not stall another');
close $silent->{socket};
is(ask($client, 'reset', '*'), 'reset', 'nor when it goes away');
is(stop($pid), 0, 'SIGTERM ends the server with status 0');
ok(!-e $path, 'and removes the socket');

# A folder with many entries makes many records; a client takes some and is gone.
mkdir "$dir/many";
for (1 .. 1000) {
	open my $file, '>', "$dir/many/file$_" . "x" x 100 or die;
}
($pid, $path) = start('b', '--folder', "$dir/many", '--ring', 4 << 20);
$client = client($path);
records($client, 'folder', { peek => JSON::PP::true, run => JSON::PP::true });
is(ask($client, 'off', 'folder'), 'off', 'turned off: the records stay as they are');
my $held = @{ records($client, 'folder', { peek => JSON::PP::true }) };
cmp_ok($held, ">=", 1000, "$held records are there");
my %got;
# How many of the server's threads are clients'; one may end while they are counted.
my $clients = sub {
	my $count = 0;

	for (glob "/proc/$pid/task/*/comm") {
		open my $comm, '<', $_ or next;
		$count += (readline($comm) // '') eq "client\n";
	}
	return $count;
};
for my $round (1 .. 10) {
	my $dies = client($path);
	my $want = $round * 3; # lines

	say_to($dies, request('records', 'folder', { max => 200 }) . "\n");
	for (1 .. $want) {
		my $line = hear($dies) or last;
		last if @{$line->{reply}} == 2; # the earlier ones left nothing
		$got{$line->{reply}[2]{seq}}++;
	}
	close $dies->{socket};
	# Its thread notes what had arrived, and is over: who asks before that may
	# get the same records.
	for (1 .. 1000) {
		last if $clients->() == 1;
		sleep 0.02;
	}
}
my $rest = records($client, 'folder');
$got{$_->{seq}}++ for @$rest;
# What was sent whole into the socket of one who died is delivered; what was not is here.  None
# came twice to those who read.
my @twice = grep { $got{$_} > 1 } keys %got;
is(scalar @twice, 0, 'readers that die in mid-reply: no record comes twice');
is_deeply(records($client, 'folder'), [], 'and none is left');

# The same with a client that dies before it read anything of a reply larger than
# the socket's buffer.
is(ask($client, 'on', 'folder'), 'on', 'on again');
records($client, 'folder', { run => JSON::PP::true, peek => JSON::PP::true });
is(ask($client, 'off', 'folder'), 'off', 'and off');
$held = @{ records($client, 'folder', { peek => JSON::PP::true }) };
{
	my $dies = client($path);

	setsockopt $dies->{socket}, SOL_SOCKET, SO_RCVBUF, 1024;
	say_to($dies, request('records', 'folder') . "\n");
	sleep 0.3;
	close $dies->{socket};
}
sleep 0.3;
$rest = records($client, 'folder');
cmp_ok(scalar @$rest, '>', 0, scalar(@$rest) .
	" of $held records did not fit into a dead client's socket and are still there");
my @seqs = map { $_->{seq} } @$rest;
is_deeply(\@seqs, [ $seqs[0] .. $seqs[-1] ], 'all of them, to the last') if @seqs;
is(stop($pid), 0, 'status 0');

# === Many at once ===============================================================

($pid, $path) = start('c', '--folder', "$dir/many", '--ring', 4 << 20);
my ($many, $requests) = (64, 200);
my @children;
for my $c (1 .. $many) {
	my $child = fork();

	die "fork: $!\n" unless defined $child;
	if ($child) {
		push @children, $child;
		next;
	}
	my $own = client($path);
	my $bad = 0;

	for my $n (1 .. $requests) {
		my $my_nonce = sprintf 'client-%04d-request-%06d', $c, $n;
		my $kind = $n % 4;
		my ($word, $options) = $kind == 0 ? ('records', { peek => JSON::PP::true, max => 5 }) : $kind == 1
			? ('on') : ('discovery');

		say_to($own, request($word, 'folder', $options, $my_nonce) . "\n");
		for (;;) {
			my $line = hear($own, 60);

			$bad++ if !$line || $line->{reply}[0] ne $my_nonce;
			last if !$line || $kind || @{$line->{reply}} == 2;
		}
		last if $bad;
	}
	POSIX::_exit($bad ? 1 : 0);
}
my $failed = 0;
for my $child (@children) {
	waitpid $child, 0;
	$failed++ if $?;
}
is($failed, 0, "$many clients, $requests requests each: every answer came, to whom had asked");

# Two who take at once: what one got whole the other need not, but nothing is missing.
$client = client($path);
records($client, 'folder', { run => JSON::PP::true, peek => JSON::PP::true });
is(ask($client, 'off', 'folder'), 'off', 'off');
$held = records($client, 'folder', { peek => JSON::PP::true });
my @pipes;
for my $c (1 .. 4) {
	pipe my $read, my $write or die;
	my $child = fork();

	die "fork: $!\n" unless defined $child;
	if (!$child) {
		my $own = client($path);
		my @mine;

		for (1 .. 200) {
			my $some = records($own, 'folder', { max => 3 }) or POSIX::_exit(1);
			push @mine, map { $_->{seq} } @$some;
		}
		syswrite $write, join(' ', @mine) . "\n";
		POSIX::_exit(0);
	}
	close $write;
	push @pipes, $read;
}
%got = ();
for my $pipe (@pipes) {
	my $line = <$pipe> // '';
	$got{$_}++ for split ' ', $line;
}

is_deeply([ sort { $a <=> $b } keys %got ], [ sort { $a <=> $b } map { $_->{seq} } @$held ],
	'four who take at once: no record is missing');
is(stop($pid), 0, 'status 0');

# === Overrun ====================================================================

mkdir "$dir/few";
($pid, $path) = start('d', '--folder', "$dir/few", '--ring', 16384);
$client = client($path);
records($client, 'folder', { run => JSON::PP::true });
for (1 .. 200) {
	open my $file, '>', "$dir/few/file$_" or die;
}
records($client, 'folder', { run => JSON::PP::true, peek => JSON::PP::true });
is(ask($client, 'off', 'folder'), 'off', 'off');
my $left = records($client, 'folder');
is($left->[0]{kind}, 'lost', 'a ring that ran over: the first record says so');
# Samples push out samples, events events: what is left lies among what is lost.
my $seqs = () = grep { $_->{kind} ne 'lost' && $_->{seq} <= $left->[0]{last} && $_->{seq} >= $left->[0]{first} }
	@$left;
is($left->[0]{last} - $left->[0]{first} + 1 - $seqs, $left->[0]{count},
	'how many, between the first and the last of them');
is($left->[-1]{kind}, 'command', 'and the newest is there: who turned it off');
isnt((records($client, 'folder')->[0] || {})->{kind}, 'lost', 'told once');
is(stop($pid), 0, 'status 0');

# === Subscriptions ==============================================================

($pid, $path) = start('s', '--folder', "$dir/few", '--ring', 16384);
my $subscriber = client($path);
my $in_0_2 = sub { "{Virtue-protocol-version: 0.2, request: [$nonce, $_[0], folder]}\n" };
my ($next, $lost, $pushed) = (0, 0, 0);

# Whether the line is of a record that did not come yet, behind the last one; losses are counted.
my (%came, @told);
sub accounts {
	my $record = $_[0]{reply}[2];

	if ($record->{kind} eq 'lost') {
		push @told, $record;
		$lost += $record->{count};
		return 1;
	}
	my $as_it_should = $record->{seq} >= $next && !$came{$record->{seq}}++;
	$next = $record->{seq} + 1;
	$pushed++;
	return $as_it_should;
}

say_to($subscriber, $in_0_2->('subscribe'));
is(word(hear($subscriber)), 'subscribe', 'subscribed');
ok(accounts(hear($subscriber)), 'and a record comes unasked');
# It stops reading.  Each fresh sample makes 200 records; more than a socket holds.
$client = client($path);
records($client, 'folder', { run => JSON::PP::true, peek => JSON::PP::true, max => 1 }) for 1 .. 20;
is(ask($client, 'discovery', '*'), 'discovery', 'a subscriber that does not read does not stall another');
is(ask($client, 'off', 'folder'), 'off', 'nor the probe');
say_to($subscriber, $in_0_2->('unsubscribe'));
my $out_of_order = 0;
my $last;
while (($last = hear($subscriber)) && @{$last->{reply}} == 3) {
	$out_of_order++ unless accounts($last);
}
is(word($last), 'unsubscribe', 'it goes on reading, up to the answer to unsubscribe');
is($out_of_order, 0, "each record came, or was told as lost, once and in order: $pushed came, $lost lost");
cmp_ok($lost, '>', 0, 'and some were lost');
# What the ring held at the end was not pushed, or was; with it, all is accounted for.
$left = records($client, 'folder');
$next = 0; # samples that the subscriber got may be behind events that it did not get yet
accounts({ reply => [0, 0, $_] }) || $out_of_order++ for @$left;
is($out_of_order, 0, 'what comes after it is there for another');
my ($newest) = sort { $b <=> $a } keys %came;
my @missing = grep { !$came{$_} } 0 .. $newest;
is(scalar(@missing), $lost, 'and with it all is accounted for: what did not come was told, exactly');
is(scalar(grep { my $seq = $_; !grep { $_->{first} <= $seq && $seq <= $_->{last} } @told } @missing), 0,
	'as lying where it lay');

# One that dies, and one that is there when the server ends.
say_to($subscriber, $in_0_2->('subscribe'));
is(word(hear($subscriber)), 'subscribe', 'subscribed again');
my $dies = client($path);
say_to($dies, $in_0_2->('subscribe'));
is(word(hear($dies)), 'subscribe', 'and somebody else');
close $dies->{socket};
is(ask($client, 'on', 'folder'), 'on', 'a subscriber that dies does no harm');
ok(records($client, 'folder', { run => JSON::PP::true, peek => JSON::PP::true }), 'to anybody');
is(stop($pid), 0, 'status 0, with a subscriber');

# === Who may only look ==========================================================

($pid, $path) = start('e', '--folder', $dir, '--read-only');
$client = client($path);
is(ask($client, $_, 'folder'), 'error:denied', "--read-only: $_ is denied")
	for qw(off on low high increase reset records);
is(ask($client, 'discovery', '*'), 'discovery', 'discovery is not');
ok(records($client, 'folder', { peek => JSON::PP::true }), 'nor is peek');
is(ask($client, 'records', 'folder', { peek => JSON::PP::true, run => JSON::PP::true }), 'error:denied',
	'a fresh sample is: its records push out others');

# === Sockets ====================================================================

sub run_server {
	my (@options) = @_;
	my $out = `timeout 20 $server @options 2>&1 </dev/null`;

	return ($? >> 8, $out);
}

my ($status, $out) = run_server('--socket', $path);
is($status, 1, 'a socket that a live server listens on is refused');
like($out, qr/in use/, 'with the reason');
is(ask($client, 'discovery', '*'), 'discovery', 'and the live one goes on');
kill KILL => $pid;
waitpid $pid, 0;
delete $pids{$pid};
ok(-S $path, 'a server that was killed leaves its socket');
($pid, $path) = start('e', '--folder', $dir);
is(ask(client($path), 'discovery', '*'), 'discovery', 'the next one replaces it');
is((stat $path)[2] & 0777, 0600, 'only its owner may connect');
is(stop($pid), 0, 'status 0');
open my $file, '>', "$dir/plain" or die;
close $file;
($status, $out) = run_server('--socket', "$dir/plain");
is($status, 1, 'a plain file in its place is refused');
like($out, qr/plain: File exists/, 'as what it is');
ok(-f "$dir/plain", 'and not removed');
($status, $out) = run_server('--socket', 'x' x 200);
is($status, 1, 'a path that is too long is refused');

# === No descriptors ============================================================

# Wrong in the world if this fails: whoever may connect often enough makes the server deaf, for
# good, and not even a signal ends it.
{
	local @server = ('sh', '-c', 'ulimit -n 24 && exec "$@"', 'sh', $server);
	($pid, $path) = start('scarce', '--folder', $dir);
	my @crowd = map { client($path) } 1 .. 40;
	sleep 0.5;
	is(scalar(grep { !-e "/proc/$pid/fd/$_" } 0 .. 23), 0, 'clients have taken all descriptors that it may have');
	@crowd = ();
	is(ask(client($path), 'discovery', '*'), 'discovery', 'when they are gone, others are served');
	@crowd = map { client($path) } 1 .. 40;
	sleep 0.5;
	is(stop($pid), 0, 'SIGTERM ends it while there are none');
}

# === Options ====================================================================

for my $wrong ('', '--socket', '--nonsense', '--socket x --ring 100', '--socket x --ring 16384x',
		'--socket x --ring -1', '--socket x more') {
	($status, $out) = run_server($wrong);
	is($status, 2, "usage error: '$wrong'");
	like($out, qr/--help/, 'with a hint');
}
($status, $out) = run_server('--ring 100 --folder . more --ring 16384x and more');
is_deeply([$out =~ /(not \S+|no option: \w+|is missing)/g],
	['not 100', 'not 16384x', 'no option: more', 'no option: and', 'no option: more', 'is missing'],
	'each mistake is told, not only the first') or diag $out;
($status, $out) = run_server('--nonsense --ring 100');
is_deeply([$out =~ /(--nonsense|not \S+|is missing)/g], ['--nonsense', 'not 100'],
	'but not that what may have been misspelt is missing') or diag $out;
($status, $out) = run_server("--socket $dir/g --folder $dir/none");
is($status, 1, 'a folder that is not there is refused');
like($out, qr{folder \Q$dir\E/none: No such file}, 'with the reason');
ok(!-e "$dir/g", 'before anybody connects');
for my $option ('--help', '--version') {
	($status, $out) = run_server($option);
	is($status, 0, $option);
	like($out, qr/ksense-host/, 'says what it is');
}

# SIGTERM at any moment, many times: it always ends.
my $ended = 0;
for my $round (1 .. 30) {
	($pid, $path) = start('f', '--folder', $dir);
	my @some = map { client($path) } 1 .. $round % 4;
	say_to($_, $one) for @some;
	sleep 0.001 * $round;
	$ended++ if stop($pid) == 0;
}
is($ended, 30, 'SIGTERM at any moment ends it with status 0');

done_testing();
