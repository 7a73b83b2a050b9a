#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# tests/lib/Trial.pm, by which tests are run on another kernel, and their results kept.
#
# Wrong in the world if this fails: docs/kernels.md says that something passed which failed, was
# skipped, or was never looked at.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp;
use Test::More;
use Trial;

my $dir = File::Temp->newdir;

# A test with that text, and what comes of it.
sub trial {
	my ($name, $text) = @_;
	open(my $test, '>', "$dir/$name.t") or die;
	print $test $text;
	close $test;
	my $results = results($dir);

	$results->{tests}{$name} = run_test("$dir/$name.t", "$dir/logs/$name", KS_TRIAL => $name);
	save($dir, $results);
	return results($dir)->{tests}{$name};
}

is_deeply(results($dir), {}, 'what was never tried has no results');
my $got = trial('good', 'print "1..2\nok 1 - a\nok 2 - $ENV{KS_TRIAL}\n"');
is_deeply([@$got{qw(passed failed names)}], [2, 0, []], 'what passes');
like(slurp("$dir/logs/good"), qr/^ok 2 - good$/m, 'knows what it is told by the environment, and is kept');
like($got->{date}, qr/^\d{4}-\d\d-\d\d$/, 'with the day');
$got = trial('bad', 'print "1..2\nnot ok 1 - it holds\nok 2\n"; exit 1');
is_deeply([@$got{qw(passed failed names)}], [1, 1, ['it holds']], 'what fails, by its name');

# Nothing of these says "not ok".
$got = trial('short', 'print "1..2\nok 1\n"; exit 1');
is_deeply([@$got{qw(failed names)}], [1, ['it ended early']], 'what ends early has failed');
$got = trial('dies', 'die "no machine"');
is_deeply([@$got{qw(failed names)}], [1, ['it ended early']], 'and what never begins');
$got = trial('silent', 'exit 0');
is_deeply([@$got{qw(failed names)}], [1, ['it ended early']], 'and what looks at nothing');
$got = trial('elsewhere', 'print "1..0 # SKIP no Xen here\n"');
is($got->{skip}, 'no Xen here', 'what skips itself, with why');

$got = trial('part', 'print "1..2\nok 1\nok 2 # SKIP no BPF here\n"');
is_deeply([@$got{qw(passed failed skipped)}], [1, 0, ['no BPF here']], 'what skips a part, likewise');

my ($passed, $failed, $out) = sorted(results($dir));
is_deeply($passed, ['good', 'part'], 'only what passed has passed');
is_deeply($failed, ['bad', 'dies', 'short', 'silent'], 'what failed has failed');
is_deeply($out, { 'no Xen here' => ['elsewhere'] }, 'and what was left out is neither');
is(join("\n", details(results($dir))), <<'END' =~ s/\n\z//r, 'in a page');
Passed: good, part.
- `bad` failed: "it holds".
- `dies` failed: "it ended early".
- `short` failed: "it ended early".
- `silent` failed: "it ended early".
- a part of `part` left out: no BPF here.
- left out, as no Xen here: elsewhere.
END

done_testing;
