#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: somebody mistypes, and is not told what, or something else is
# done than what he asked for.
#
# Each wrong command line must end with 2, a message that names what is wrong, a hint at --help,
# and nothing on standard output.  None of them needs a sensor.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;

my @wrong = (
	[[], qr/a command is missing/],
	[['recrods'], qr/no command 'recrods'; did you mean 'records'\?/],
	[['statsu'], qr/did you mean 'status'\?/],
	[['zzzzzzzz'], qr/no command 'zzzzzzzz'$/m],
	[['x' x 1000], qr/no command 'x/],
	[[''], qr/no command ''/],
	[['Records'], qr/did you mean 'records'/],
	[['discover'], qr/did you mean 'discovery'/],
	[['status', 'a', 'b'], qr/one target.*'b'/],
	[['subscribe'], qr/'subscribe' is for programs; did you mean 'records --follow'\?/],
	[['unsubscribe', 'a'], qr/did you mean 'records --follow'/],
	[['removed', 'a', 'b'], qr/did you mean 'remove'\?/],
	(map { my $command = $_; ([[$command], qr/$command takes a target and an item/],
		[[$command, 'a'], qr/$command takes a target and an item/],
				  [[$command, 'a', ''], qr/$command takes a target and an item/],
				  [[$command, 'a', "\xff"], qr/not valid UTF-8/],
				  [[$command, 'a', 'b', 'c'], qr/'c' is one too many/],
				      [[$command, 'a', 'b', '--peek'], qr/--peek goes with/]) }
	 qw(add remove)),
	[['raw', 'folder'], qr/raw takes no target/],
	[['raw', '--json'], qr/no --table, --json/],
	[['raw', '--stamp'], qr/no --table, --json, --wide or --stamp/],
	[['status', '--table', '--stamp'], qr/--stamp goes with --json/],
	[['leves'], qr/no command 'leves'$/m],
	[['lw'], qr/did you mean 'low'\?/],
	[['hlep'], qr/did you mean 'help'\?/],
	[['help', 'recrods'], qr/no command 'recrods'; did you mean 'records'\?/],
	[['recrods', '-h'], qr/no command 'recrods'; did you mean 'records'\?/],
	[['help', 'subscribe'], qr/'subscribe' is for programs/],
	[['help', 'records', 'status'], qr/help takes one command: 'status' is one too many/],
	# What takes something away for good is proposed to nobody.
	(map { [[$_], qr/no command '$_'$/m] }
		qw(lokk locks unlock look block rest resett of offf exit level peek disc run stop diff info
		list show)),
	[['lock', 'a', 'b'], qr/one target.*'b'/],
	[['lock'], qr/lock takes a domain; to hand the sensor to nobody, write: lock --nobody$/m],
	[['lock', ''], qr/lock takes a domain; .*write: lock --nobody$/m],
	[['lock', '--json'], qr/lock takes a domain/],
	(map { [['lock', '--nobody', $_], qr/lock takes a domain or --nobody, not both/] } 'a', '0', ''),
	(map { my $command = $_; map { [[$command, @$_],
		qr/$command takes a target; for all probes, write: $command '\*'$/m] }
	       [], [''], ['--host'], ['--json', ''], ['--socket', 'x'] } qw(reset off)),
	(map { [[@$_, '--nobody'], qr/--nobody goes with the command lock/] } ['status'], ['reset', '*'], ['off'],
		['compare'], ['raw']),
	[['lock', '--nobody', '--host'], qr/lock is for the sensor in Xen/],
	[['lock', '--host'], qr/lock is for the sensor in Xen/],
	[['lock', 'a', '--socket', 'x'], qr/lock is for the sensor in Xen/],
	[['lock', '-1'], qr/no option '-1', and no number here is negative/],
	[['lock', '--peek'], qr/--peek goes with the command records/],
	[['--nonsense', 'status'], qr/\Aksense: unrecognized option '--nonsense'\nTry/],
	[['--sokcet', 'x', 'status'], qr/option '--sokcet'\nksense: did you mean '--socket'\?\nTry/],
	[['records', '--fliter=a=b'], qr/did you mean '--filter'\?/],
	[['lock', '--nobdy'], qr/\Aksense: unrecognized option '--nobdy'\nTry/],
	[['records', '--peek=1'], qr/\Aksense: option '--peek' doesn't allow an argument\nTry/],
	[['-x', 'status'], qr/invalid option/],
	[['status', '--f'], qr/ambiguous/],
	[['status', '--socket'], qr/\Aksense: option '--socket' requires an argument\nTry/],
	[['status', '--socket', ''], qr/--socket takes a path/],
	[['status', '--xen', '--host'], qr/exclude each other/],
	[['status', '--host', '--socket', 'x'], qr/exclude each other/],
	[['status', '--table', '--json'], qr/exclude each other/],
	[['status', '--folder', '.'], qr/--folder goes with --host/],
	[['status', '--ring', '19000', '--socket', 'x'], qr/--ring goes with --host/],
	[['status', '--host', '--ring', '100'], qr/--ring takes a whole number from 16384 /],
	(map { my $option = $_; [['low', $option], qr/$option goes with the command records/] }
		qw(--peek --run --announce --raw --follow)),
	[['low', '--max', '1'], qr/--max goes with the command records/],
	(map { my $bad = $_; [['records', "--max=$bad"], qr/--max takes a whole number/] }
	 '', '-1', '1x', ' 1', '+1', '1.5', '0x10', '18446744073709551616', 'x'),
	[['records', '--epoch', '1'], qr/--epoch goes with --since/],
	[['records', '--since', '1', '--epoch', '4294967296'], qr/--epoch takes a whole number/],
	[['records', '--since', 'now'], qr/--since takes a whole number/],
	[['records', '--record', '-3'], qr/--record takes a whole number/],
	[['records', '--record', '3', '--run'], qr/--run does not go with --record/],
	[['records', '--record', '3', '--peek', '--announce'], qr/--announce does not go with --record/],
	[['records', '--announce'], qr/--announce goes with --peek/],
	[['records', '--record', '3', '--follow'], qr/--follow does not go with --record/],
	[['records', '--interval', '1'], qr/--interval goes with --follow/],
	(map { my $bad = $_; [['records', '--follow', "--interval=$bad"], qr/--interval takes seconds/] }
	 '', '0', '-1', 'nan', 'inf', '1s', '1e9'),
	[['status', '--timeout', 'never'], qr/--timeout takes seconds/],
	[['records', '--filter', 'kind'], qr/--filter takes MEMBER=VALUE, not 'kind'/],
	[['records', '--filter', '=x'], qr/--filter takes MEMBER=VALUE/],
	[['records', '--filter', 'a=[1]'], qr/a value is a string, a number/],
	[['records', '--filter', "a= [1]\n"], qr/a value is a string, a number/],
	[['records', '--filter', 'a={}'], qr/a value is a string, a number/],
	[['records', '--filter', "a=\xff"], qr/not valid UTF-8/],
	[['records', map { ('--filter', "a$_=1") } 1 .. 65], qr/more than 64 filters/],
	[['records', '--filter', 'a=1', '--filter', 'b=1', '--filter', 'a=2'], qr/two filters for the member 'a'/],
	[['records', '--host', '--filter', 'a=' . 'x' x 5000], qr/the request is longer than 4096 bytes/],
);

for my $case (@wrong) {
	my ($args, $message) = @$case;
	my $got = run(@$args);
	my $name = substr(join(' ', map { s/[^ -~]/?/gr } @$args), 0, 60);
	is($got->{status}, 2, "ksense $name: usage") or diag($got->{err});
	like($got->{err}, $message, 'it says what is wrong');
	like($got->{err}, qr/--help/, 'and where to look') unless $got->{err} =~ /longer than/;
	is($got->{out}, '', 'and does nothing');
}

# --- help and version, which need no sensor and no command
my $help = run('--help');
is($help->{status}, 0, '--help');
like($help->{out}, qr/^Usage: ksense /, 'starts with the usage');
is($help->{err}, '', 'and is no error');
is_deeply(run($_), $help, "$_ is the same") for qw(-h help);
is((grep { length > 80 } lines($help)), 0, 'fits a terminal');
like(run('--version')->{out}, qr/^ksense \d+\.\d+\.\d+\n$/, '--version');
is(run('--vers')->{status}, 0, 'options may be shortened');

# --- of each command, and from anywhere
my %of = map { $_ => run('help', $_) }
	qw(discovery status records off on low default high adversarial increase decrease reset add remove raw
	compare lock);
my %needs = map { $_ => 1 }
	qw(socket folder ring timeout filter since epoch max record interval checks accept require heartbeat);
my %value = (filter => 'a=1', require => 'xen', socket => "$dir/none", checks => "$dir/none", ring => 16384);
# The options that a help text has, as what the line begins with.
sub options_of {
	my ($text) = @_;
	return sort grep { !/^(?:help|version)$/ } map { /--([a-z]+)/g } $text =~ /^ +(-.*?)(?:  |$)/mg;
}
my @options = options_of($help->{out});
for my $command (sort keys %of) {
	my $text = $of{$command}{out};
	my %has = map { $_ => 1 } options_of($text);

	is($of{$command}{status}, 0, "help $command");
	like($text, qr/\AUsage: ksense \[OPTION\]\.\.\. $command\b.*\n[A-Z]/,
		'says how it is called, and what it does');
	like($text, qr/^Example:\n  (?:.*\n? *)ksense $command\b|^Example:\n(?s:.*)\| ksense $command$/m,
		'has an example');
	like($text, qr/^Exit status: /m, 'and what its status means');
	is((grep { length > 82 } lines($of{$command})), 0, 'and fits a terminal') or diag($text);
	is_deeply(run(@$_), $of{$command}, "@$_ is the same")
		for [$command, '-h'], ['--help', $command], [$command, 'x', '--max', 'y', '--nonsense', '-h'];
	like(run($command, '--nonsense')->{err}, qr/^Try 'ksense $command --help'\.$/m, 'and a mistake leads there');

	# What it does not name it does not take.
	my @args = ($command, $command =~ /^(?:off|reset|lock)$/ ? 'a' : $command =~ /^(?:add|remove)$/
		? ('a', 'b') : ());
	# Checks that are not there are looked for when all else is right.
	push @args, '--checks', "$dir/none" if $command eq 'compare';
	for my $option (@options) {
		my @medium = $option =~ /^(?:xen|socket|host|folder|ring)$/ ||
			$command =~ /^(?:compare|lock)$/ ? () : ('--socket', "$dir/none");
		my $got = run(@args, @medium, "--$option", $needs{$option} ? $value{$option} // 1 : ());

		unlike($got->{err}, qr/goes with the command/, "$command takes --$option") if $has{$option};
		is($got->{status} == 2 && $got->{err} !~ /ksense-checks/, 1, "$command takes no --$option")
			if !$has{$option};
	}
}

# --- the man page tells the same
my $man = slurp("$root/docs/ksense.1");
for my $option ($help->{out} =~ /--([a-z]+)/g) {
	like($man, qr/^\.(?:It|Op).*\bFl Fl \Q$option\E\b/m, "the man page has --$option");
}
for my $option ($man =~ /^\.It Fl Fl ([a-z]+)/mg) {
	like($help->{out}, qr/--$option\b/, "--help has --$option");
}
like($man, qr/\b$_\b/, "the man page has $_")
	for qw(discovery status records off on low default high adversarial increase decrease reset add remove
	lock raw);
my ($version) = run('--version')->{out} =~ /(\S+)$/;
like($man, qr/^\.Os ksense \Q$version\E$/m, 'and the version');
SKIP: {
	skip 'no man', 1 unless grep { -x "$_/man" } split /:/, $ENV{PATH};
	is(`man --warnings -l $root/docs/ksense.1 2>&1 >/dev/null`, '', 'man has nothing to complain about');
}

done_testing;
