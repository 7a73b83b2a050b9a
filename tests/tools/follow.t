#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: an operator leaves "ksense records --follow" running, and it misses records, shows some twice,
# hides that some were lost, gives up when the sensor is off or away for a while, or does not end when told to.
#
# A follower runs beside the real server of the host port, while files come and go in the folder that is watched.  It can ask again and
# again (--interval), or be sent what is new (a subscription): what it shows is the same.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Schema;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $socket = "$dir/socket";
my @s = ('--socket', $socket);
my $server = start_server($socket);
run(@s, 'adversarial', 'folder'); # looks often

sub touch {
	open(my $file, '>', "$folder/$_[0]") or die "$_[0]: $!";
}

# A follower: { pid, out, err }, the latter two names of files.
my $count = 0;
my @how;
sub follow {
	my @args = @_;
	my $f = { out => "$dir/out" . $count, err => "$dir/err" . $count++ };
	$f->{pid} = fork // die "fork: $!";
	if (!$f->{pid}) {
		open(STDIN, '<', '/dev/null') && open(STDOUT, '>', $f->{out}) && open(STDERR, '>', $f->{err}) or die;
		alarm 60;
		exec $ksense, @args, '--follow', @how or die;
	}
	return $f;
}

# The exit status after a signal; -1 when it had to be killed.
sub end {
	my ($f, $signal) = @_;
	kill $signal, $f->{pid} if $signal;
	my $ended = wait_until { waitpid($f->{pid}, POSIX::WNOHANG) };
	my $status = $?;
	return $status & 127 ? "signal " . ($status & 127) : $status >> 8 if $ended;
	kill 'KILL', $f->{pid};
	waitpid($f->{pid}, 0);
	return -1;
}

sub shows {
	my ($f, $what) = @_;
	return wait_until { slurp($f->{out}) =~ $what };
}

sub events {
	my ($f, $name) = @_;
	return map { $_->{event} } grep { ($_->{name} // '') eq $name } decoded(split /\n/, slurp($f->{out}));
}

for my $how (['--interval', '0.1'], []) {
	@how = @$how;
	note(@how ? 'by asking again and again' : 'by a subscription');

	# --- as they come
	my $f = follow(@s, 'records', 'folder');
	touch('first');
	ok(shows($f, qr/"appeared","name":"first"/), 'a record is printed when it comes');
	touch('second');
	ok(shows($f, qr/"appeared","name":"second"/), 'and the next');
	unlink "$folder/first";
	ok(shows($f, qr/"vanished","name":"first"/), 'and the next');

	# --- while the sensor is off
	run(@s, 'off', '*');
	my $steps = -1;
	wait_until { my $before = $steps; ($steps) = run(@s, '--json', 'status', 'folder')->{out} =~ /"steps":(\d+)/; sleep 0.2; $steps == $before };
	touch('while-off'); # the step that was under way is over
	sleep 0.5;
	unlike(slurp($f->{out}), qr/while-off/, 'nothing comes while the sensor is off');
	is(waitpid($f->{pid}, POSIX::WNOHANG), 0, 'and the follower stays');
	run(@s, 'on');
	ok(shows($f, qr/while-off/), 'on again, it goes on');

	# --- while the server is away
	stop_server($server);
	ok(wait_until { slurp($f->{err}) =~ /waiting for it to come back/ }, 'the server goes: that is told');
	sleep 0.5;
	is(scalar(() = slurp($f->{err}) =~ /waiting/g), 1, 'once');
	$server = start_server($socket);
	ok(wait_until { slurp($f->{err}) =~ /the sensor is back/ }, 'it comes back: that is told');
	run(@s, 'adversarial', 'folder');
	wait_until { run(@s, '--json', 'status', 'folder')->{out} =~ /"runs":[1-9]/ };
	touch('after-return');
	ok(shows($f, qr/after-return/), 'and records come again');
	is(end($f, 'INT'), 0, 'SIGINT ends it with 0');
	is_deeply([events($f, 'second')], ['appeared', 'present'], 'nothing was shown twice, but by the new server as it began');
	is_deeply([grep { $_ eq 'appeared' } events($f, 'after-return')], ['appeared'], 'nothing was missed');

	# --- SIGTERM, and at any moment
	for my $i (1 .. 20) {
		my $g = follow(@s, 'records');
		wait_until { slurp("/proc/$g->{pid}/status") =~ /^SigCgt:\s*([0-9a-f]+)/m && hex($1) & 2 }; # it is ready for signals
		sleep 0.02 * ($i % 10);
		my $status = end($g, $i % 2 ? 'TERM' : 'INT');
		is($status, 0, 'a signal at some moment ends it with 0') or last;
	}

	# --- peek: nothing twice, and all stays
	run(@s, 'records');
	touch('peeked');
	$f = follow(@s, 'records', 'folder', '--peek');
	ok(shows($f, qr/"appeared","name":"peeked"/), 'peek: a record is printed');
	sleep 0.5;
	is_deeply([events($f, 'peeked')], ['appeared'], 'once');
	run(@s, 'reset', 'folder');
	run(@s, 'adversarial', 'folder');
	touch('after-reset');
	ok(shows($f, qr/after-reset/), 'after a reset too, though seq starts again');
	is(end($f, 'INT'), 0, 'SIGINT');
	like(run(@s, 'records', 'folder')->{out}, qr/after-reset/, 'and the records are still there for others');

	# --- for a person
	run(@s, 'records');
	$f = follow(@s, '--table', 'records', 'folder');
	touch('a b');
	ok(shows($f, qr/^\d+\.\d{3} folder entry seq=\d+ event=appeared name="a b" type=file /m), 'a line of text for a record');
	touch("\e[2J");
	ok(shows($f, qr/name="\\u001b\[2J"/i), 'whose strings do the terminal no harm');
	is(end($f, 'INT'), 0, 'SIGINT');

	# --- losses
	my $small = start_server("$dir/small", '--ring', 16384);
	run('--socket', "$dir/small", 'adversarial', 'folder');
	my $g = follow('--socket', "$dir/small", '--table', 'records', 'folder', '--peek');
	touch("lost-$_") for 1 .. 200;
	ok(shows($g, qr/^LOST: \d+ records of folder \(seq \d+ to \d+\)/m), 'a loss is a line for a person');
	$f = follow('--socket', "$dir/small", 'records', 'folder', '--filter', 'name=nothing');
	ok(shows($f, qr/"kind":"lost",.*"first":\d+,"last":\d+,"count":\d+/), 'and a record for a script, whatever the filter');
	is(end($f, 'INT'), 0, 'SIGINT');
	is(end($g, 'INT'), 0, 'SIGINT');
	stop_server($small);

	unlink $_ for glob("$folder/*");
	run(@s, 'records', '--run'); # so that they are seen to be gone
}

# --- a subscription
@how = ();
my $f = follow(@s, 'records', 'folder', '--filter', 'event=appeared');
touch('pushed');
ok(shows($f, qr/"appeared","name":"pushed"/), 'what is pushed has passed the filter');
unlink "$folder/pushed";
ok(wait_until { run(@s, 'records', 'folder', '--peek')->{out} =~ /"vanished","name":"pushed"/ }, 'and the rest stays');
unlike(slurp($f->{out}), qr/vanished/, 'unshown');
is(end($f, 'TERM'), 0, 'SIGTERM ends it with 0');
touch('afterwards');
ok(wait_until { run(@s, 'records', 'folder', '--peek')->{out} =~ /"appeared","name":"afterwards"/ }, 'and then nothing is taken any more');

# A server of 0.1, or one that has no subscriptions, is asked again and again.
for my $code ('command', 'version') {
	my $asked = 0;
	my $path = fake_server(sub {
		my ($client, $line, $nonce) = @_;
		my $reply = sub { syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce",$_[0]]}\n)) };
		$reply->(qq("error",{"code":"$code","message":"no"}));
		while (($line = <$client>)) {
			($nonce) = $line =~ /"request": \["([0-9a-f]+)", "records"/ or last;
			$reply->(qq("p",{"seq":$asked,"time":1,"probe":"p","kind":"k"}));
			$reply->('"p"');
			$asked++;
		}
	});
	$f = follow('--socket', $path, 'records', 'p', '--timeout', 5);
	ok(shows($f, qr/"seq":1,/), "a server that answers '$code' is asked again and again");
	is(end($f, 'INT'), 0, 'SIGINT');
}

# One that breaks its word is not believed.
for my $case (['a record of another subscription', '"ffffffffffffffffffffffffffffffff","p",{"seq":0}'], ['an answer to nothing', 'N,"p"'],
	      ['an error to nothing', 'N,"error",{"code":"busy","message":"no"}']) {
	my ($what, $reply) = @$case;
	my $path = fake_server(sub {
		my ($client, $line, $nonce) = @_;
		syswrite($client, qq({"Virtue-protocol-version":0.2,"reply":["$nonce","subscribe"]}\n));
		syswrite($client, qq({"Virtue-protocol-version":0.2,"reply":[) . ($reply =~ s/^N/"$nonce"/r) . "]}\n");
		sleep 5;
	});
	is(end(follow('--socket', $path, 'records', 'p')), 3, "$what ends it with 3");
}

# Output that cannot be written: what was taken is told.
touch("full-$_") for 1 .. 20;
SKIP: {
	skip 'no /dev/full', 2 unless -w '/dev/full';
	my $got = `$ksense --socket $socket --json records folder --follow 2>&1 >/dev/full`;
	is($? >> 8, 1, 'output that cannot be written ends it with 1');
	like($got, qr/cannot write the output: No space.*; \d+ records were taken/, 'and says how many records were taken');
}

# Who may only look is told, and may look.
my $reader = start_server("$dir/reader", '--read-only');
is(end(follow('--socket', "$dir/reader", 'records')), 1, 'who may not take records is told');
$f = follow('--socket', "$dir/reader", 'records', '--peek');
ok(shows($f, qr/"name":"full-1"/), 'with --peek they come');
is(end($f, 'INT'), 0, 'SIGINT');

# --- max
run(@s, 'records');
$f = follow(@s, 'records', 'folder', '--max', 2);
touch("max-$_") for 1 .. 3;
is(end($f), 0, 'after --max records it ends by itself');
is(scalar(split /\n/, slurp($f->{out})), 2, 'with so many lines');
wait_until { run(@s, 'records', 'folder', '--peek')->{out} =~ /"seq"/ };
like(run(@s, 'records', 'folder', '--max', 1)->{out}, qr/"max-\d"/, 'and leaves the rest');
is(end(follow(@s, 'records', '--max', 0)), 0, '--max 0 ends at once');

# --- errors end it
is(end(follow(@s, 'records', 'nobody')), 1, 'an error of the sensor ends it with 1');
is(end(follow('--socket', "$dir/never", 'records')), 3, 'a sensor that was never there with 3');

# --- in this process
touch('second');
$f = follow('--host', '--folder', $folder, 'records', 'folder');
ok(shows($f, qr/"name":"second"/), '--host');
is(end($f, 'INT'), 0, 'SIGINT');

done_testing;
