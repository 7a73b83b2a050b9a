# SPDX-License-Identifier: MIT
#
# ToolTest.pm - what the tests of the command line share: run ksense, run the real server of the
# host port, and play a server that does what a real one never does.
package ToolTest;

use strict;
use warnings;
use Exporter 'import';
use Cwd 'realpath';
use File::Basename;
use File::Temp;
use IO::Socket::UNIX;
use JSON::PP;
use lib dirname(__FILE__) . '/../lib';
use Schema;
use Test::More;
use Time::HiRes 'sleep';

our @EXPORT = qw(run run_with start_server stop_server fake_server lines json_of request wait_until slurp
		 $root $build $ksense $folder $dir $nonce);

our $root = realpath(dirname(__FILE__) . '/../..');
our $build = realpath($ENV{KS_BUILD} // "$root/build");
our $ksense = "$build/cli/ksense";
our $nonce = '4f1c0e6a9d2b4c58a7e3';

# A place for sockets and files, and a folder for the probe "folder" to look at.
our $dir = File::Temp->newdir;
our $folder = "$dir/folder";
mkdir $folder or die "$folder: $!";

BAIL_OUT("$ksense is missing: make tools") unless -x $ksense;

delete @ENV{qw(KSENSE_SOCKET KSENSE_TIMEOUT)};
$ENV{LC_ALL} = 'C';

my @children;

sub slurp {
	my ($file) = @_;
	open(my $in, '<:raw', $file) or return '';
	local $/;
	return <$in> // '';
}

# Runs ksense with these arguments and this input: { out, err, status, signal }.  After 30 s it
# is killed: signal 9.
sub run_with {
	my ($input, @args) = @_;
	my ($in, $out, $err) = map { "$dir/.run-$_" } qw(in out err);
	open(my $file, '>:raw', $in) or die "$in: $!";
	print $file $input;
	close $file;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open(STDIN, '<', $in) && open(STDOUT, '>', $out) && open(STDERR, '>', $err) or die "redirect: $!";
		alarm 30;
		exec $ksense, @args or die "exec: $!";
	}
	waitpid($pid, 0);
	return { out => slurp($out), err => slurp($err), status => $? >> 8, signal => $? & 127 };
}

sub run {
	return run_with('', @_);
}

sub lines {
	return split /\n/, $_[0]{out};
}

# Each line of the output, decoded; dies when one is no JSON.  Each has to be as docs/schema says.
sub json_of {
	return decoded(lines(@_));
}

sub request {
	my ($command, $target, $options, $version) = @_;
	my @elements = ($nonce, $command, $target, $options ? $options : ());
	return JSON::PP->new->canonical->encode({ 'Virtue-protocol-version' => $version // 0.1,
		request => \@elements }) . "\n";
}

# Until @$_[0] is true, at most 10 s; its value.
sub wait_until(&) {
	my ($condition) = @_;
	for (1 .. 500) {
		my $value = $condition->();
		return $value if $value;
		sleep 0.02;
	}
	return $condition->();
}

# The real server of the host port: its pid.  It listens at $socket when this returns.
sub start_server {
	my ($socket, @args) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		exec "$build/host/ksense-host", '--socket', $socket, '--folder', $folder, @args or die "exec: $!";
	}
	push @children, $pid;
	my $peer = $socket =~ s/^@/\0/r;
	wait_until { IO::Socket::UNIX->new(Peer => $peer) } or BAIL_OUT("ksense-host does not listen at $socket");
	return $pid;
}

sub stop_server {
	my ($pid) = @_;
	kill 'TERM', $pid;
	waitpid($pid, 0);
	@children = grep { $_ != $pid } @children;
}

# A server of ours: takes one connection, reads a request line, and gives the connection, the line
# and its nonce to $act; then closes. The path of its socket.
my $fakes = 0;
sub fake_server {
	my ($act) = @_;
	my $path = "$dir/fake" . $fakes++;
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die "$path: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		alarm 30;
		my $client = $listener->accept;
		my $line = <$client>;
		my ($nonce) = ($line // '') =~ /"request": \["([0-9a-f]+)"/;
		$client->autoflush(1);
		$act->($client, $line, $nonce);
		close $client;
		require POSIX;
		POSIX::_exit(0);
	}
	push @children, $pid;
	return $path;
}

END {
	my $status = $?;
	for my $pid (@children) {
		kill 'TERM', $pid;
		waitpid($pid, 0);
	}
	$? = $status;
}

1;
