#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: a script that speaks the protocol through "ksense raw" loses a
# reply, gets other bytes than the sensor sent, or does not learn of an error.
#
# Lines of all sorts go to the real server of the host port; replies are compared with what the
# protocol promises.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use IPC::Open2;
use JSON::PP;
use Test::More;
use Time::HiRes 'sleep';

for my $i (1 .. 300) {
	open(my $file, '>', sprintf("$folder/file-%03d", $i)) or die;
}
my $socket = "$dir/socket";
start_server($socket, '--ring', 1 << 20);
my @raw = ('--socket', $socket, 'raw');
my ($got, @json);

# --- several lines, an error in between
$got = run_with(request('low', 'folder') . "{bad\n" . request('high', 'folder'), @raw);
is($got->{status}, 1, 'an error among the replies: 1');
@json = json_of($got);
is_deeply([map { $_->{reply}[1] } @json], ['low', 'error', 'high'], 'each line has its reply, in order');
is($json[0]{reply}[0], $nonce, 'with its nonce');
is($got->{err}, '', 'the error is told in the reply, not on stderr');

$got = run_with(request('low', 'folder') . request('discovery', '*'), @raw);
is($got->{status}, 0, 'no error: 0');

# --- forms of lines
for my $case (['without newline', request('low', 'folder') =~ s/\n//r, 1],
	['with CR LF', request('low', 'folder') =~ s/\n/\r\n/r, 1],
	      ['with CR', request('low', 'folder') =~ s/\n/\r/r x 2, 2],
	      ['with NUL', request('low', 'folder') =~ s/\n/\0\n/r, 1],
	      ['with empty lines', "\n\n  \n" . request('low', 'folder') . "\n\r\n", 1], ['empty', '', 0],
	      ['only newlines', "\n\n\n", 0],
	      ['relaxed', "{Virtue-protocol-version: 0.1, request: [$nonce, low, folder]}\n", 1],
	      ['with white space', '  ' . request('low', 'folder'), 1]) {
	my ($name, $input, $replies) = @$case;
	$got = run_with($input, @raw);
	is($got->{status}, 0, "input $name");
	is(scalar(lines($got)), $replies, "has $replies replies") or diag($got->{out});
}

# --- the session
$got = run_with(qq({"Virtue-protocol-version": 0.2}\n{"request": ["$nonce", "status", "*"]}\n), @raw);
is($got->{status}, 0, 'a session line');
@json = json_of($got);
is_deeply($json[0], { 'Virtue-protocol-version' => 0.2 }, 'is answered');
is($json[1]{reply}[1], 'status', 'and holds for what follows');
$got = run_with(qq({"Virtue-protocol-version": 0.0}\n), @raw);
is($got->{out}, "{}\n", 'a refused session');
is($got->{status}, 1, 'is an error');

# --- long lines
$got = run_with('{"' . 'x' x 100000 . "\"}\n" . request('low', 'folder'), @raw);
is($got->{status}, 1, 'a line of 100 kB');
@json = json_of($got);
is($json[0]{reply}[2]{code}, 'too-long', 'is told to be too long');
is($json[1]{reply}[1], 'low', 'and the next is served');

# --- any bytes
my $noise = join '', map { chr } grep { $_ != 10 && $_ != 13 } 0 .. 255;
$got = run_with("$noise\n" . request('low', 'folder'), @raw);
is(scalar(lines($got)), 2, 'any bytes are passed on, and answered');

# --- replies of many lines
my $run = request('records', 'folder', { run => JSON::PP::true, peek => JSON::PP::true });
$got = run_with($run . request('low', 'folder'), @raw);
@json = json_of($got);
cmp_ok(scalar(@json), '>=', 302, 'hundreds of records come through');
is_deeply($json[-2], { 'Virtue-protocol-version' => 0.1, reply => [$nonce, 'folder'] }, 'the reply has its end');
is_deeply($json[-1]{reply}, [$nonce, 'low'], 'and the next comes behind it');

# --- many requests ahead of their replies: neither side may wait for the other
$got = run_with($run x 50, @raw);
is($got->{signal}, 0, 'fifty big replies');
is(scalar(grep { /"reply":\["$nonce","folder"\]/ } lines($got)), 50, 'all come to their ends');
$got = run_with(request('discovery', '*') x 5000, @raw);
is(scalar(lines($got)), 5000, 'five thousand small ones');

# --- a conversation: each reply is there before the next request
{
	my $pid = open2(my $from, my $to, $ksense, @raw);
	for my $level (qw(low high low)) {
		print $to request($level, 'folder');
		$to->flush;
		local $SIG{ALRM} = sub { die "no reply\n" };
		alarm 10;
		like(scalar(<$from>), qr/"$level"/, "a reply while the input stays open: $level");
		alarm 0;
	}
	close $to;
	waitpid($pid, 0);
	is($? >> 8, 0, 'the end of the input ends it');
}

# --- raw bytes pass as they are, newlines and all
my $bytes = join('', map { chr } 0 .. 255) x 2;
my $fake = fake_server(sub {
	my ($client) = @_;
	my $record = '{"seq":0,"time":1,"probe":"p","kind":"k","bytes":{"type":"raw","length":512}}';
	syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","p",$record]}\n) . $bytes);
	sleep 0.2;
	syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","p"]}\n));
	my $rest = <$client>;
});
$got = run_with(request('records', 'p', { raw => JSON::PP::true }), '--socket', $fake, 'raw');
is($got->{status}, 0, 'raw bytes');
is($got->{out}, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","p",{"seq":0,"time":1,"probe":"p","kind":"k",)
   . qq("bytes":{"type":"raw","length":512}}]}\n$bytes) . qq({"Virtue-protocol-version":0.1,"reply":["$nonce","p"]}\n),
   'come through unchanged');

# --- a server that leaves before it answered
$fake = fake_server(sub { });
$got = run_with(request('low', 'p'), '--socket', $fake, 'raw');
is($got->{status}, 3, 'a server that leaves');
like($got->{err}, qr/closed the connection/, 'is told of');

# --- one that does not answer
$fake = fake_server(sub { sleep 5 });
$got = run_with(request('low', 'p'), '--timeout', '0.3', '--socket', $fake, 'raw');
is($got->{status}, 3, 'a server that does not answer');
like($got->{err}, qr/did not answer within 0\.3 s/, 'is told of');

# --- in this process
$got = run_with(request('discovery', '*') . request('off', 'nobody'), '--host', 'raw');
is($got->{status}, 1, '--host raw');
is(scalar(lines($got)), 2, 'answers');

done_testing;
