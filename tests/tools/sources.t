#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare where Dom0's own sources can be read in part only: a sensor of ours tells of just
# the processes that /proc has.
#
# Wrong in the world if this fails: somebody is told that each process of his host is hidden by a
# rootkit, as ksense ran out of file descriptors, or may not see the processes of others.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;
use ToolTest;

# Lists the processes with memory of their own, as often as somebody asks.
sub tell_processes {
	my ($client) = @_;
	while (my $line = <$client>) {
		my ($nonce, $command) = @{decode_json($line)->{request}};
		my $say = sub { print $client encode_json({ 'Virtue-protocol-version' => 0.2,
			reply => [$nonce, @_] }), "\n" };
		if ($command eq 'status') {
			$say->('status', { name => 'fake', uuid => 'u', time => 100, control => JSON::PP::true,
				probes => [{ name => 'processes', epoch => 1, whole_start_ns => 200 }] });
			next;
		}
		my $seq = 0;
		for my $pid (map { m{(\d+)} } grep { slurp("$_/statm") =~ /^[1-9]/ } glob '/proc/[0-9]*') {
			$say->('processes', { seq => $seq++, time => 200, probe => 'processes', kind => 'process',
				event => 'present', pid => 0 + $pid });
		}
		$say->('processes');
	}
}

my $path = "$dir/processes";
my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!";
chmod 0777, $path, $dir or die "$path: $!";
my $server = fork // die "fork: $!";
if (!$server) {
	alarm 120;
	while (my $client = $listener->accept) {
		$client->autoflush(1);
		tell_processes($client);
	}
	require POSIX;
	POSIX::_exit(0);
}
close $listener;

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
done_testing;
