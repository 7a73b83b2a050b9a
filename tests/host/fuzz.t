#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The fuzzers, each for FUZZ_SECONDS (60), and again where that was too short for a thousand
# inputs, side by side: from the corpus in the repository on.  What they find anew stays in
# build/fuzz/NAME/, an input that breaks something in build/fuzz/NAME-crash-*.
use strict;
use warnings;
use Test::More;
use File::Path qw(make_path);
use POSIX 'nice';

my $build = $ENV{KS_B} || 'build';
my $seconds = $ENV{FUZZ_SECONDS} || 60;
my @names = map { m{/fuzz_(\w+)\.c$} } glob 'tests/fuzz/fuzz_*.c';
my (%running, %status, %runs);

BAIL_OUT('no tests/fuzz/fuzz_*.c: run this from the top folder') unless @names;

sub start {
	my ($name) = @_;
	my $program = "$build/tests/fuzz/fuzz_$name";
	my $out = "$build/fuzz";

	make_path("$out/$name");
	my $pid = fork();
	die "fork: $!\n" unless defined $pid;
	if (!$pid) {
		open STDOUT, '>', "$out/$name.log" or exit 126;
		open STDERR, '>&', \*STDOUT;
		nice(10); # tests beside it need not wait for it
		exec $program, "-max_total_time=$seconds", '-timeout=10', '-max_len=4200',
		'-dict=tests/fuzz/words.dict',
		     "-artifact_prefix=$out/$name-", "$out/$name", "tests/fuzz/corpus/$name" or exit 127;
	}
	$running{$pid} = $name;
}

sub log_of {
	local (@ARGV, $/) = ("$build/fuzz/$_[0].log");
	return <> // '';
}

sub wait_for_one {
	my $pid = wait;
	my $name = delete $running{$pid} or return;

	$status{$name} = $?;
	my ($runs) = log_of($name) =~ /^Done (\d+) runs/m;
	$runs{$name} += $runs // 0;
	# How fast this machine is, which runs others, decides nothing.
	start($name) if $runs && $status{$name} == 0 && $runs{$name} <= 1000;
}

start($_) for @names;
wait_for_one() while %running;

for my $name (@names) {
	my ($bad) = log_of($name) =~ /((?:^.*not so:.*\n)|(?:^.*ERROR:.*\n))/m;

	is($status{$name}, 0, "fuzz_$name: nothing found")
		or diag($bad // "status $status{$name}; see $build/fuzz/$name.log");
	cmp_ok($runs{$name}, '>', 1000, "fuzz_$name: $runs{$name} inputs tried");
}
done_testing();
