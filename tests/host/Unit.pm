# SPDX-License-Identifier: MIT
#
# Unit.pm - runs the cmocka programs that make built, and passes their tests on as tests of ours.
# It builds nothing: a program that is missing, ends early, or ends in another way than its tests
# say, is a failure.
package Unit;
use strict;
use warnings;
use Test::More;

# run($folder, @prefix): every tests/unit/test_*.c and tests/canary/test_*.c as built in $folder
# below build/tests/, each command after @prefix.
sub run {
	my ($folder, @prefix) = @_;
	my $build = $ENV{KS_B} || 'build';
	my @names = sort map { m{/(test_\w+)\.c$} } glob 'tests/{unit,canary}/test_*.c';
	local $ENV{CMOCKA_MESSAGE_OUTPUT} = 'TAP';

	die "no tests/unit/test_*.c: run this from the top folder\n" unless @names;
	for my $name (@names) {
		my $program = "$build/tests/$folder/$name";
		my ($plan, $seen) = (0, 0);

		if (!-x $program) {
			fail("$name: $program is not there: run make check");
			next;
		}
		open my $pipe, '-|', @prefix, $program or die "$program: $!\n";
		while (my $line = <$pipe>) {
			if ($line =~ /^1\.\.(\d+)/) {
				$plan = $1;
			} elsif ($line =~ /^(not )?ok \d+ - (.*)/) {
				$seen++;
				ok(!$1, "$name: $2");
			} elsif ($line =~ /^#\s*(.*)/) {
				diag("$name: $1") unless $1 =~ /^ok\b/;
			} else {
				chomp $line;
				diag("$name: $line");
			}
		}
		close $pipe;
		is($?, 0, "$name: ends with status 0");
		ok($plan && $plan == $seen, "$name: all $plan of its tests ran");
	}
	done_testing();
}

1;
