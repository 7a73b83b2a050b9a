#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: records were taken from the sensor, and then vanished
# because a disk was full or a reader had gone, and nobody was told; or a script gets a table,
# or a person gets JSON.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;

for my $i (1 .. 400) {
	open(my $file, '>', sprintf("$folder/a-file-with-a-long-name-%03d", $i)) or die;
}
my $socket = "$dir/socket";
start_server($socket, '--ring', 1 << 20);

sub sh {
	my ($script) = @_;
	local $ENV{KSENSE_SOCKET} = $socket;
	local $ENV{KSENSE} = "timeout 20 $ksense";
	my $out = qx{exec 2>&1; $script};
	return ($out, $? >> 8);
}

my ($out, $status);

# --- a full disk
SKIP: {
	skip 'no /dev/full', 9 unless -c '/dev/full';
	for my $args ('discovery', 'status', 'low', 'records --run', '--table discovery', '--table records --run',
			'--help', '--version') {
		($out, $status) = sh("\$KSENSE $args >/dev/full");
		is($status, 1, "$args onto a full disk: 1") or diag($out);
		like($out, qr/^ksense: cannot write the output: No space left on device/, 'is told') or diag($out);
	}
	($out, $status) = sh('$KSENSE records --run >/dev/full');
	like($out, qr/; \d+ records were taken from the sensor and may not have been written$/,
		'and how many records it may have cost');
	($out, $status) = sh('$KSENSE records --run --peek >/dev/full');
	unlike($out, qr/taken/, 'none with --peek');
	($out, $status) = sh("printf '%s' '" . request('low', '*') . "' | \$KSENSE raw >/dev/full");
	is($status, 1, 'raw too');
	($out, $status) = sh('$KSENSE records --follow --run --interval 0.1 >/dev/full');
	is($status, 1, 'and --follow');
}

# --- a reader that leaves
($out, $status) = sh('{ $KSENSE records --run --peek; echo "status $?" >&2; } | head -n 1');
like($out, qr/^\{"seq":\d+/, 'head gets its line');
unlike($out, qr/cannot write/, 'and ksense is quiet about it');
($out, $status) = sh('trap "" PIPE; { $KSENSE records --run --peek; echo "status $?" >&2; } | head -n 1');
like($out, qr/cannot write the output: Broken pipe/, 'who ignores SIGPIPE is told') if $out !~ /status 0/;

# --- no standard output at all
($out, $status) = sh('$KSENSE discovery >&-');
is($status, 1, 'a closed standard output');
($out, $status) = sh('$KSENSE raw <&-');
is($status, 1, 'a closed standard input');

# --- a terminal
SKIP: {
	skip 'no script(1)', 4 unless grep { -x "$_/script" } split /:/, $ENV{PATH};
	($out, $status) = sh('script -qec "$KSENSE discovery" /dev/null </dev/null');
	like($out, qr/^NAME +UUID +IS/m, 'at a terminal: a table');
	($out, $status) = sh('script -qec "$KSENSE --json discovery" /dev/null </dev/null');
	like($out, qr/^\{"name":"host"/m, '--json at a terminal');
	($out, $status) = sh('script -qec "$KSENSE off nobody" /dev/null </dev/null');
	is($status, 1, 'the status at a terminal');
	sh(q{$KSENSE reset '*'});
	my $command = 'LC_ALL=C.UTF-8 $KSENSE records memory --run --peek --filter kind=baseline';
	($out, $status) = sh(qq{script -qec "$command" /dev/null </dev/null});
	like($out, qr/ [0-9a-f]{16}\xe2\x80\xa6/, 'a shortened hash, where dots can be one character');
}
($out, $status) = sh('$KSENSE discovery | cat');
like($out, qr/^\{"name":"host"/, 'in a pipe: JSON');

done_testing;
