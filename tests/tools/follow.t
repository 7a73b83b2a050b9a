#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: an operator leaves "ksense records --follow" running, and it
# misses records, shows some twice, hides that some were lost, gives up when the sensor is off or
# away for a while, or does not end when told to.
#
# A follower runs beside the real server of the host port, while files come and go in the folder
# that is watched.  It can ask again and again (--interval), or be sent what is new (a
# subscription): what it shows is the same.
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
	wait_until {
		my $before = $steps;
		($steps) = run(@s, '--json', 'status', 'folder')->{out} =~ /"steps":(\d+)/;
		sleep 0.2;
		$steps == $before
	};
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
	is_deeply([events($f, 'second')], ['appeared', 'present'],
		'nothing was shown twice, but by the new server as it began');
	is_deeply([grep { $_ eq 'appeared' } events($f, 'after-return')], ['appeared'], 'nothing was missed');

	# --- SIGTERM, and at any moment
	for my $i (1 .. 20) {
		my $g = follow(@s, 'records');
		# it is ready for signals
		wait_until { slurp("/proc/$g->{pid}/status") =~ /^SigCgt:\s*([0-9a-f]+)/m && hex($1) & 2 };
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
	ok(shows($f, qr/^\d+\.\d{3} folder entry seq=\d+ event=appeared name="a b" type=file /m),
		'a line of text for a record');
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
	ok(shows($f, qr/"kind":"lost",.*"first":\d+,"last":\d+,"count":\d+/),
		'and a record for a script, whatever the filter');
	is(end($f, 'INT'), 0, 'SIGINT');
	is(end($g, 'INT'), 0, 'SIGINT');
	stop_server($small);

	unlink $_ for glob("$folder/*");
	run(@s, 'records', '--run'); # so that they are seen to be gone
}

# === With --since: a cursor knows of which count it is ===

# What came of each probe's counts: "folder 0-12" is one count whole, in order and once.
sub counts {
	my ($f) = @_;
	my (%of, @order);
	for my $record (map { JSON::PP->new->utf8->decode($_) } split /\n/, slurp($f->{out})) {
		next if $record->{kind} eq 'lost';
		my $count = "$record->{probe} $record->{epoch}";
		push @order, $count unless $of{$count};
		push @{$of{$count}}, $record->{seq};
	}
	return map {
		my @seq = @{$of{$_}};
		(split / /)[0] . (join(' ', @seq) eq join(' ', $seq[0] .. $seq[-1]) ? " $seq[0]-"
			: " not whole: @seq");
	} @order;
}

# Whether all is shown that the sensor has of this probe by now.
sub has_all {
	my ($f, @probes) = @_;
	my %last = map { my ($last) = (json_of(run(@s, 'records', $_, '--peek')))[-1]; ($_ => $last) } @probes;
	return !grep {
		my $last = $last{$_};
		!shows($f, qr/"seq":$last->{seq},[^\n]*"probe":"$_"[^\n]*"epoch":$last->{epoch},/)
	} @probes;
}

# With rings in which there is room for all that happens here.
stop_server($server);
$server = start_server($socket, '--ring', 1 << 20);
touch("since-$_") for 1 .. 30;
for my $how (['--interval', '0.1'], []) {
	@how = @$how;
	for my $peek ([], ['--peek']) {
		for my $target ('folder', '*') {
			my @probes = $target eq '*' ? ('folder', 'memory') : 'folder';
			note("--since of $target, @how @$peek");
			run(@s, 'reset', '*');
			# A number that is not reached yet would be one of another count.
			for my $probe ('folder', 'memory') {
				wait_until { (json_of(run(@s, 'records', $probe, '--run', '--peek')))[-1]{seq} > 3 }
					or die "no records of $probe\n";
			}
			my $f = follow(@s, 'records', $target, '--since', 3, @$peek);
			touch('since-mark');
			ok(shows($f, qr/since-mark/), 'from there on');
			run(@s, 'reset', 'folder');
			touch('since-reset');
			ok(shows($f, qr/since-reset/), 'after a reset');
			run(@s, 'records', 'folder', '--run', '--peek') for 1 .. 2;
			stop_server($server);
			wait_until { slurp($f->{err}) =~ /waiting/ };
			$server = start_server($socket, '--ring', 1 << 20);
			ok(wait_until { slurp($f->{err}) =~ /is back/ }, 'after a restart');
			run(@s, 'adversarial', 'folder');
			run(@s, 'records', 'folder', '--run', '--peek');
			touch('since-restart');
			ok(shows($f, qr/since-restart/), 'it goes on');
			ok(has_all($f, @probes), 'to the end') if @$peek;
			is(end($f, 'INT'), 0, 'SIGINT');
			my @counts = counts($f);
			is_deeply([grep { /^folder/ } @counts], ['folder 3-', 'folder 0-', 'folder 0-'],
				'each count whole, in order, nothing twice') or
				diag(slurp($f->{err}));
			is_deeply([grep { /^memory/ } @counts], ['memory 3-', 'memory 0-'], 'of the other probe, too')
				if $target eq '*';
			unlike(slurp($f->{err}), qr/again|did not come/,
				'and the records say themselves where a count ends');
			unlink "$folder/since-$_" for qw(mark reset restart);
		}
	}

	# --- which count is meant can be said
	run(@s, 'reset', 'folder');
	my ($last) = (json_of(run(@s, 'records', 'folder', '--peek', '--run')))[-1];
	my $f = follow(@s, 'records', 'folder', '--peek', '--since', $last->{seq}, '--epoch', $last->{epoch});
	ok(shows($f, qr/"seq":$last->{seq},/), 'a cursor of this count');
	is(end($f, 'INT'), 0, 'SIGINT');
	is_deeply([counts($f)], ["folder $last->{seq}-"], 'is gone on from');
	$f = follow(@s, 'records', 'folder', '--peek', '--since', 1, '--epoch', $last->{epoch} ^ 1);
	ok(shows($f, qr/"seq":$last->{seq},/), 'one of another count');
	is(end($f, 'INT'), 0, 'SIGINT');
	is_deeply([counts($f)], ['folder 0-'], 'is one of nothing that is there any more');
	is((json_of(run(@s, 'records', 'folder', '--peek', '--since', 1, '--epoch', $last->{epoch} ^ 1)))[0]{seq}, 0,
		'without --follow, too');

	# --- where a filter leaves out the record that says so
	$f = follow(@s, 'records', 'folder', '--peek', '--since', 3, '--filter', 'name=since-filtered');
	touch('since-filtered');
	ok(shows($f, qr/since-filtered/), 'with a filter');
	my $length = -s $f->{out};
	run(@s, 'reset', 'folder');
	ok(wait_until { -s $f->{out} > $length }, 'it goes on after a reset');
	ok(wait_until { slurp($f->{err}) =~ /^ksense: folder counts from 0 again, as it was reset/m }, 'and says so');
	is(end($f, 'INT'), 0, 'SIGINT');
	unlink "$folder/since-filtered";
}

# --- a new connection to the same instance: it goes on where it was, and tells what is missing
my $asked = "$dir/asked";
sub pushed { my ($seq, $epoch) = @_; return qq("p",{"seq":$seq,"time":$seq,"probe":"p","kind":"k"$epoch}) }
# A server that closes each connection when it has nothing to say: to each in turn one of these
# gives the answers to a command.
sub fake_connections {
	my @acts = @_;
	my $path = "$dir/connections" . $count++;
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 4) or die "$path: $!";
	unlink $asked;
	my $pid = fork // die "fork: $!";
	return ($path, $pid) if $pid;
	alarm 30;
	for my $act (@acts) {
		my $client = $listener->accept or last;
		while (my $line = <$client>) {
			my ($nonce, $command) = $line =~ /"request": \["([0-9a-f]+)", "(\w+)"/;
			open(my $log, '>>', $asked) or die;
			syswrite($log, $line);
			my @replies = $act->($command) or last;
			syswrite($client, qq({"Virtue-protocol-version":0.2,"reply":["$nonce",$_]}\n)) for @replies;
			sleep 0.2;
			last if $command eq 'subscribe' && $act != $acts[-1];
		}
	}
	POSIX::_exit(0);
}
for my $case (['', qr/"since":7,"epoch":7\}/, qr/^ksense: p: seq 7 to 8 did not come: they were on their way/m,
	'what was on its way is told'],
	      [',"name":"x"', qr/"since":7,"epoch":7, "filter"/, qr/\A(?!.*did not come)/s,
	          'where a filter leaves gaps, nothing can be told']) {
	my ($member, $wants, $says, $what) = @$case;
	my $act = sub {
		my @seq = @_;
		return sub {
			return '"status",{"name":"p","uuid":"u","epoch":7}' if $_[0] eq 'status';
			return '"unsubscribe"' if $_[0] eq 'unsubscribe';
			# One that says why there are none is of no count.
			return ('"subscribe"', pushed(0, ',"epoch":0'),
				map { pushed($_, qq(,"epoch":7$member)), pushed(0, ',"epoch":0') } @seq);
		};
	};
	my ($path, $pid) = fake_connections($act->(5, 6), $act->(9, 10));
	@how = ();
	my $f = follow('--socket', $path, 'records', 'p', '--since', 5, $member ? ('--filter', 'name=x') : ());
	ok(shows($f, qr/"seq":10,/), 'a new connection');
	is(end($f, 'INT'), 0, 'SIGINT');
	my @asked = grep { /"subscribe"/ } split /\n/, slurp($asked);
	like($asked[0], qr/"since":5,"epoch":7/, 'asked for with the count that it is of');
	like($asked[1], $wants, 'and then from where it was');
	like(slurp($f->{err}), $says, $what);
	unlike(slurp($f->{err}), qr/counts from 0/, 'and no count is over');
	is(scalar(() = slurp($f->{out}) =~ /"epoch":0/g), 6, 'nothing is taken for what was shown') if !$member;
	waitpid($pid, 0);
}

# --- a server that tells no counts is asked for all, rather than that something is left out
{
	my $act = sub {
		my @seq = @_;
		my $asked = 0;
		return sub {
			return '"error",{"code":"command","message":"no"}' if $_[0] ne 'records';
			return $asked++ ? () : ((map { pushed($_, '') } @seq), '"p"');
		};
	};
	my ($path, $pid) = fake_connections($act->(5, 6), $act->(0, 1), sub { ('"p"') });
	my $f = follow('--socket', $path, 'records', 'p', '--since', 5);
	ok(shows($f, qr/"seq":1,/), 'a server of 0.1 is asked, too');
	is(end($f, 'INT'), 0, 'SIGINT');
	my @asked = grep { /"records"/ } split /\n/, slurp($asked);
	like($asked[0], qr/"since":5/, 'from there on');
	unlike($asked[-1], qr/since/, 'but not once it may be another one');
	like(slurp($f->{err}), qr/does not tell of which count its records are: from now on --since does not count/,
		'which is said');
	kill 'TERM', $pid;
	waitpid($pid, 0);
}

# --- and with --peek it goes by time, for seq starts again after a reset
{
	my $asked = 0;
	my ($path, $pid) = fake_connections(sub {
		return '"error",{"code":"command","message":"no"}' if $_[0] ne 'records';
		return (pushed(5, ''), pushed(6, ''), $asked++ ? qq("p",{"seq":0,"time":7,"probe":"p","kind":"k"})
			: (), '"p"');
	});
	my $f = follow('--socket', $path, 'records', 'p', '--peek', '--interval', '0.1');
	ok(shows($f, qr/"seq":0,/), 'a server of 0.1, peeked at');
	sleep 0.5;
	is(end($f, 'INT'), 0, 'SIGINT');
	is_deeply([slurp($f->{out}) =~ /"seq":(\d+)/g], [5, 6, 0], 'nothing twice');
	kill 'TERM', $pid;
	waitpid($pid, 0);
}

stop_server($server);
$server = start_server($socket);
run(@s, 'adversarial', 'folder');
unlink $_ for glob("$folder/*");
run(@s, 'records', '--run');

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
ok(wait_until { run(@s, 'records', 'folder', '--peek')->{out} =~ /"appeared","name":"afterwards"/ },
	'and then nothing is taken any more');

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
for my $case (['a record of another subscription', '"ffffffffffffffffffffffffffffffff","p",{"seq":0}'],
	['an answer to nothing', 'N,"p"'],
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
	like($got, qr/cannot write the output: No space.*; \d+ records were taken/,
		'and says how many records were taken');
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
