#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The fuzzers, each for FUZZ_SECONDS (60), side by side: from the corpus in the repository on.
# What they find anew stays in build/fuzz/NAME/, an input that breaks something in
# build/fuzz/NAME-crash-*.
use strict;
use warnings;
use Test::More;
use File::Path qw(make_path);
use POSIX 'nice';

my $build = $ENV{KS_B} || 'build';
my $seconds = $ENV{FUZZ_SECONDS} || 60;
my @names = map { m{/fuzz_(\w+)\.c$} } glob 'tests/fuzz/fuzz_*.c';
my (%running, %status);

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

sub wait_for_one {
	my $pid = wait;
	my $name = delete $running{$pid} or return;

	$status{$name} = $?;
}

start($_) for @names;
wait_for_one() while %running;

for my $name (@names) {
	my $log = "$build/fuzz/$name.log";
	my $text = do { local (@ARGV, $/) = ($log); <> } // '';
	my ($runs) = $text =~ /^Done (\d+) runs/m;
	my ($bad) = $text =~ /((?:^.*not so:.*\n)|(?:^.*ERROR:.*\n))/m;

	is($status{$name}, 0, "fuzz_$name: nothing found") or diag($bad // "status $status{$name}; see $log");
	# How many more than those it began with is this machine's to say.
	my @corpus = glob "tests/fuzz/corpus/$name/*";
	cmp_ok($runs // 0, '>', scalar(@corpus), "fuzz_$name: " . ($runs // 0) . " inputs tried in $seconds s");
}
done_testing();
