# SPDX-License-Identifier: MIT
#
# Trial: tests that are run on something other than what `make check` runs them on, and whose
# results are kept, so that a page tells of what was tried, and when.
package Trial;
use strict;
use warnings;
use Exporter 'import';
use File::Basename;
use File::Path 'make_path';
use JSON::PP;
use POSIX 'strftime';
use TAP::Parser;

our @EXPORT = qw(slurp results save run_test sorted details);
my $json = JSON::PP->new->canonical->pretty;

# What is in the file; '' if there is none.
sub slurp { my ($file) = @_; open(my $in, '<', $file) or return ''; local $/; return <$in> // '' }

# What is kept in DIR/results.json: { tests => { name => result }, ... }.
sub results { my ($dir) = @_; return -e "$dir/results.json" ? $json->decode(slurp("$dir/results.json")) : {} }

sub save {
	my ($dir, $results) = @_;
	make_path($dir);
	my $file = "$dir/results.json";
	open(my $out, '>', "$file.new") or die "$file: $!\n";
	print $out $json->encode($results);
	close $out or die "$file: $!\n";
	rename "$file.new", $file; # others may read it
}

# run_test(test, log, environment...): { passed, failed, names of what failed, date }, and why all
# of it was skipped (skip), or some (skipped, an array).
sub run_test {
	my ($test, $log, %environment) = @_;
	my %result = (passed => 0, failed => 0, names => []);

	make_path(dirname($log));
	local %ENV = (%ENV, %environment);
	open(my $all, '>', $log) or die "$log: $!\n";
	my $parser = TAP::Parser->new({ exec => ['sh', '-c', 'exec perl "$0" 2>&1', $test] });
	while (my $line = $parser->next) {
		print $all $line->as_string, "\n";
		$result{skip} = $line->explanation if $line->is_plan && $line->directive eq 'SKIP';
		next unless $line->is_test;
		if ($line->directive eq 'SKIP') {
			push @{$result{skipped}}, $line->explanation;
			next;
		}
		$result{$line->is_ok ? 'passed' : 'failed'}++;
		push @{$result{names}}, $line->description =~ s/^- //r unless $line->is_ok;
	}
	close $all;
	if (!$result{failed} && !$result{skip} && ($parser->exit || !$result{passed})) {
		$result{failed}++;
		push @{$result{names}}, 'it ended early';
	}
	$result{date} = strftime('%Y-%m-%d', gmtime);
	return \%result;
}

# sorted(results): names of the tests that passed; those that failed; and { why: those left out }.
sub sorted {
	my $tests = $_[0]{tests} // {};
	my (@passed, @failed, %out);

	for my $name (sort keys %$tests) {
		my $of = $tests->{$name};

		if (my $why = $of->{left_out} // $of->{skip}) {
			push @{$out{$why}}, $name;
		} elsif ($of->{failed}) {
			push @failed, $name;
		} else {
			push @passed, $name;
		}
	}
	return (\@passed, \@failed, \%out);
}

# As prose is: in less than 100 columns.
sub wrap {
	my ($text) = @_;
	my $indent = $text =~ /^- / ? '  ' : '';
	my @lines = ('');

	for my $word (split / /, $text) {
		push @lines, $indent if length($lines[-1]) + 1 + length $word > 98;
		$lines[-1] .= ($lines[-1] =~ /\S/ ? ' ' : '') . $word;
	}
	return join "\n", @lines;
}

# What a page says of results, as Markdown.
sub details {
	my ($results) = @_;
	my ($passed, $failed, $out) = sorted($results);
	my @lines;

	push @lines, wrap('Passed: ' . join(', ', @$passed) . '.') if @$passed;
	push @lines, map { wrap("- `$_` failed: \"" . join('"; "', @{$results->{tests}{$_}{names}}) . '".') } @$failed;
	for my $name (@$passed) {
		my %why = map { $_ => 1 } @{$results->{tests}{$name}{skipped} // []};

		push @lines, map { wrap("- a part of `$name` left out: $_.") } sort keys %why;
	}
	push @lines, map { wrap("- left out, as $_: " . join(', ', @{$out->{$_}}) . '.') } sort keys %$out;
	return @lines;
}

1;
