#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What bash completes of a command line of ksense.
#
# Wrong in the world if this fails: Tab offers what ksense does not take, hangs because a sensor
# does not answer, or runs what somebody has named a probe.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;
use Time::HiRes 'time';

my ($bash) = grep { -x } map { "$_/bash" } split /:/, $ENV{PATH};
plan skip_all => 'no bash' unless $bash;
my $file = "$build/cli/completion/ksense";
ok(-f $file, 'make tools has made it') or BAIL_OUT("$file: make tools");

# What is offered for the last of these words; bash splits at equals signs by itself.
sub offered {
	my @words = @_;
	my $script = "$dir/complete";
	open(my $out, '>', $script) or die "$script: $!";
	print $out <<'BASH';
cd "$1" && source "$2" && shift 2 || exit 9
[[ $(complete -p ksense) == 'complete -F _ksense ksense' ]] || exit 8
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ksense
printf '%s\n' "${COMPREPLY[@]}"
BASH
	close $out;
	open(my $pipe, '-|', 'timeout', 20, $bash, '--norc', $script, $folder, $file, $ksense, @words)
		or die "bash: $!";
	my @offered = grep { length } map { chomp; $_ } <$pipe>;
	close $pipe;
	is($? >> 8, 0, "bash goes through: @words");
	return [sort @offered];
}

my @commands = qw(add adversarial compare decrease default discovery help high increase lock low off on raw records
	remove reset status);
my $socket = "$dir/socket";
start_server($socket);
open(my $in, '>', "$folder/a file") or die;
mkdir "$folder/folder" or die;

# --- commands and options
is_deeply(offered(''), \@commands, 'commands');
is_deeply(offered('re'), ['records', 'remove', 'reset'], 'that begin so');
is_deeply(offered('help', 're'), ['records', 'remove', 'reset'], 'and behind help');
is_deeply(offered('--json', '--timeout', '3', 'st'), ['status'], 'behind options and their values');
is_deeply(offered('--timeout', '=', '3', 'st'), ['status'], 'with an equals sign, too');
is_deeply(offered('--timeout', ''), [], 'no command in the place of a value');
for my $command (grep { $_ ne 'help' } @commands) {
	my %of_help = map { $_ => 1 } map { /--[a-z]+/g } run('help', $command)->{out} =~ /^ +(-.*?)(?:  |$)/mg;

	is_deeply(offered($command, '--'), [sort keys %of_help], "the options of $command");
}
is_deeply(offered('records', '--fo'), ['--folder', '--follow'], 'that begin so');
is_deeply([grep { $_ eq '--watch' || $_ eq '--peek' } @{offered('--')}], ['--peek', '--watch'],
	'without a command all');
is_deeply(offered('records', '--bash'), [], 'and none that is not there');

# --- values
is_deeply(offered('compare', '--require', 'x'), ['xen', 'xenstore'], 'sources');
is_deeply(offered('compare', '--accept', 'xen-e'), ['xen-entry-points'], 'checks');
is_deeply(offered('compare', '--accept', 'no-m'), ['no-memory', 'no-module'], 'and reasons why one is blind');
is(scalar(@{offered('compare', '--accept', '')}),
	scalar(() = slurp("$root/canary/checks.json") =~ /^ +"check":/mg) +
	scalar(() = slurp("$root/canary/canary.h") =~ /for which a check is blind: (.*?)\./s ? split(/,/, $1) : ()),
	'all of them');
is_deeply(offered('compare', '--checks', ''), ['a file', 'folder'], 'files');
is_deeply(offered('--socket', '=', 'a'), ['a file'], 'behind an equals sign');
is_deeply(offered('--host', '--folder', ''), ['folder'], 'folders');
is_deeply(offered('add', 'files', 'a'), ['a file'], 'an item may be a file');
is_deeply(offered('status', 'files', ''), [], 'there is one target');

# --- probes
is_deeply(offered('--socket', $socket, 'records', ''), ['folder', 'memory'], 'of the sensor that is asked');
is_deeply(offered('records', '--socket', '=', $socket, 'm'), ['memory'], 'that begin so');
{
	local $ENV{KSENSE_SOCKET} = $socket;
	is_deeply(offered('records', ''), ['folder', 'memory'], 'of the one in the environment');
}
is_deeply(offered('--host', 'records', ''), ['folder', 'memory'], 'of one in the process');
sub names { return [sort map { slurp($_) =~ /^\t\.name = "([\w-]+)",/mg } glob "$root/probes/$_[0]/*.c"] }
is_deeply(offered('--socket', "$dir/none", 'status', ''), names('linux'), "where none answers, the module's");
SKIP: {
	skip 'this is a Xen host', 2 if -e '/dev/xen/privcmd';
	is_deeply(offered('status', ''), names('xen'), "or Xen's");
}
is_deeply(offered($_, ''), [], "$_ has no target") for qw(discovery raw compare lock);
my $start = time;
is_deeply(offered('--socket', fake_server(sub { sleep 15 }), 'status', ''), names('linux'),
	'one that does not answer');
cmp_ok(time - $start, '<', 5, 'is not waited for');

# --- names that are no names
my @bad = ('$(touch pwned)', '`touch pwned`', 'a b', '*', '-x;y', 'x$IFS', "x\\u001b[31m", 'x;touch pwned');
my $path = fake_server(sub {
	my ($client, $line, $nonce) = @_;
	my $list = join ',', '["s","u"]', map { qq(["$_","u"]) } @bad, 'good';
	syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","discovery",[$list]]}\n));
});
is_deeply(offered('--socket', $path, 'status', ''), ['good'], 'are not offered');
ok(!-e "$folder/pwned", 'and nothing is run');

done_testing;
