#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: a program hands a word of somebody else's to libksense as the
# value of a filter, and a second request goes out with it, or a broken one.
#
# A program of our own asks the library for request lines, as any program may: the command ksense
# cleans up what it hands over.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;

my $source = "$dir/filter.c";
open(my $file, '>', $source) or die "$source: $!";
print $file <<'C';
#include <stdio.h>
#include "libksense.h"

int main(int argc, char **argv)
{
	struct ksense_filter filter = { .member = "a", .value = argv[argc - 1] };
	struct ksense_request request = { .command = "records", .filters = &filter, .filters_count = 1 };
	struct ksense *k = ksense_new();
	char line[KSENSE_REQUEST_MAX];
	int bytes = ksense_build(k, &request, line, sizeof(line));

	if (bytes < 0)
		printf("%s: %s", ksense_error_name(ksense_error(k)), ksense_message(k));
	else
		fwrite(line, 1, (size_t)bytes, stdout);
	ksense_free(k);
	return 0;
}
C
close $file;
my $cc = $ENV{CC} // 'cc';
my $said = qx{$cc -o $dir/filter -I$root/lib $source $build/lib/libksense.a -lxencall 2>&1};
is($?, 0, 'a program with the library is built') or BAIL_OUT($said);

sub built {
	my ($value) = @_;
	open(my $out, '-|:raw', "$dir/filter", $value) or die "filter: $!";
	local $/;
	return <$out>;
}

for my $value ('1', '-0.5e3', '18446744073709551615', 'true', 'false', 'null', '""', '" "', '"x\\n\\""', '"\\u0000"') {
	like(built($value), qr/"filter": \{"a": \Q$value\E\}\}\]\}\n\z/, "$value stands in the line as it is");
}
for my $value ('', ' ', "\n", ' 1', '1 ', "1\n", "\n1", "\ttrue", "null\r", ' "x"', "\"x\"\n", "\"x\ny\"", '1 2', '1,',
	"1\n2", '"x" "y"', '"x""y"',
	       "\"x\"}}]}\n{", 'x', "'x'", '[1]', '{}', '[', ']', '"', '"x', "\"\xff\"", "\"\x01\"", '01', '+1', '1.',
	           'nul') {
	like(built($value), qr/^misuse: a filter's value is/, ($value =~ s/[^!-~]/_/gr) . ' is refused');
}

done_testing;
