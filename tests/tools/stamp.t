#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: the lines of twenty machines come together in one place, and
# one of them cannot be told from the others', or says that it is somebody else's.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes 'time';

my $socket = "$dir/socket";
my @s = ('--socket', $socket);
my $server = start_server($socket);
my $host = (POSIX::uname())[1];
my %sensor = map { $_->{name} => $_->{uuid} } json_of(run(@s, 'discovery'));

sub touch {
	open(my $file, '>', "$folder/$_[0]") or die "$_[0]: $!";
}

# Each line begins with a stamp of this host and of that uuid, and is else as without.
sub stamped {
	my ($got, $uuid, $what) = @_;
	my @lines = lines($got);

	cmp_ok(scalar(@lines), '>', 0, "$what: lines") or diag($got->{err});
	for my $line (@lines) {
		my $time = qr/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3}Z/;
		my $rest = qr/"host":"\Q$host\E","sensor":"host","uuid":"\Q$uuid\E"/;
		my $start = qr/^\{"stamp":\{"time":"$time",$rest\}[,}]/;

		like($line, $start, 'with a stamp') or return;
		my $object = JSON::PP->new->utf8->decode($line);
		my ($now, $then) = (POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime), $line =~ $start);
		ok($then le $now && $then ge POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime(time - 60)), 'of now')
			or diag("$then, $now");
	}
}

touch('one');
for my $command (['discovery'], ['status'], ['status', 'folder'], ['records', '--run', '--peek', '--max', 3], ['low'],
		['on', 'folder'], ['reset', '*']) {
	stamped(run(@s, '--stamp', @$command), $sensor{host}, "@$command");
}
my ($plain, $stamped) = map { run(@s, 'records', 'folder', '--peek', '--max', 1, @$_) } [], ['--stamp'];
my ($one) = json_of($stamped);
delete $one->{stamp};
is_deeply($one, (json_of($plain))[0], 'else a record is as it was');

# --- at a terminal, too
SKIP: {
	skip 'no script(1)', 1 unless grep { -x "$_/script" } split /:/, $ENV{PATH};
	like(qx{script -qec "$ksense --socket $socket --stamp discovery" /dev/null </dev/null},
		qr/^\{"stamp":\{"time"/, '--stamp means JSON');
}

# --- following: another instance is another uuid
for my $how (['--interval', '0.1'], []) {
	my ($out, $err) = ("$dir/out@$how", "$dir/err@$how");
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open(STDOUT, '>', $out) && open(STDERR, '>', $err) or die;
		alarm 60;
		exec $ksense, @s, '--stamp', 'records', 'folder', '--follow', @$how or die;
	}
	run(@s, 'records', 'folder', '--run', '--peek');
	wait_until { slurp($out) =~ /"name":"one"/ };
	my ($before) = json_of(run(@s, 'discovery'));
	stop_server($server);
	wait_until { slurp($err) =~ /waiting/ };
	my $length = -s $out;
	stamped({ out => slurp($out), err => slurp($err) }, $before->{uuid}, '--follow');
	$server = start_server($socket);
	wait_until { -s $out > $length };
	kill 'TERM', $pid;
	waitpid($pid, 0);
	my ($after) = json_of(run(@s, 'discovery'));
	isnt($after->{uuid}, $before->{uuid}, 'the sensor was started again');
	stamped({ out => substr(slurp($out), $length), err => '' }, $after->{uuid}, 'and --follow says so');
}

# --- a sensor that lies cannot give itself another stamp
sub answered {
	my ($body) = @_;
	my $path = fake_server(sub {
		my ($client, $line, $nonce) = @_;
		do {
			($nonce) = $line =~ /"request": \["([0-9a-f]+)"/;
			my $reply = sub { syswrite($client,
				qq({"Virtue-protocol-version":0.1,"reply":["$nonce",$_[0]]}\n)) };
			if ($line =~ /"discovery"/) {
				$reply->(qq("discovery",[["a\\"b\xc2\x9b","u"],["p","v"]]));
			} else {
				$reply->(qq("p",$body));
				$reply->('"p"');
			}
		} while ($line = <$client>);
	});
	return run('--socket', $path, '--stamp', 'records');
}
for my $key ('stamp', 'st\\u0061mp') {
	my $got = answered(qq({"seq":1, "$key" : {"host":"other","stamp":1},"a":{"stamp":2},"b":[{"stamp":3}]}));

	is(scalar(() = $got->{out} =~ /"(?:stamp|st\\u0061mp)":\{"time"/g), 1,
		"a record with a member $key has one stamp");
	my ($record) = map { JSON::PP->new->utf8->decode($_) } lines($got);
	is($record->{stamp}{sensor}, "a\"b\x{9b}", 'ours');
	is_deeply($record->{'(stamp)'}, { host => 'other', stamp => 1 }, 'and its own under another name');
	is_deeply([$record->{a}, $record->{b}, $record->{seq}], [{ stamp => 2 }, [{ stamp => 3 }], 1],
		'what is deeper stays');
}
like(answered('{ }')->{out}, qr/^\{"stamp":\{[^}]*\} *\}\n$/, 'a record without a member');
unlike(answered('{}')->{out}, qr/\xc2\x9b/, 'the name of a sensor does the terminal no harm');

# --- compare: of this host, and of the sensor in Xen, if any
SKIP: {
	skip 'this is a Xen host', 3 if -e '/dev/xen/privcmd';
	my ($coverage) = json_of(run('--socket', "$dir/none", 'compare', '--stamp'));
	is($coverage->{stamp}{host}, $host, 'compare: this host');
	is($coverage->{stamp}{sensor}, undef, 'and no sensor in Xen');
	ok(exists $coverage->{verdict}, 'with all that it says');
}

# --- our own lines and records have no such member
for my $file (glob "$root/{core,probes,probes/*,canary}/*.c") {
	unlike(slurp($file), qr/"stamp"/, 'no member is called stamp in ' . substr($file, length "$root/"));
}

done_testing;
