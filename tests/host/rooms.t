#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Which room includes what: lib/ nothing of the command or of the canary, the canary nothing of the
# command, and both of these nothing of the library but its public header.
#
# Wrong in the world if this fails: whoever takes the library has to take the command, too, and
# nothing can be understood alone.
use strict;
use warnings;
use Cwd 'realpath';
use File::Basename;
use FindBin;
use Test::More;

my $root = realpath("$FindBin::Bin/../..");

# The files that a room's files include with quotes, as [by whom, what], by their
# names from the top.
sub included {
	my ($room) = @_;
	my @included;
	for my $file (glob "$root/$room/*.[ch]") {
		open(my $in, '<', $file) or die "$file: $!";
		while (<$in>) {
			/^\s*#\s*include\s*"([^"]+)"/ or next;
			my $found = realpath(dirname($file) . "/$1") // "$root/host/$1";
			push @included, [basename($file), $found =~ s{^\Q$root\E/}{}r];
		}
	}
	return @included;
}

# room => what must not be included.
my @rules = (
	[lib => qr{^(?:cli|canary)/}],
	[canary => qr{^cli/|^lib/(?!libksense\.h$)}],
	[cli => qr{^lib/(?!libksense\.h$)}],
);

for (@rules) {
	my ($room, $not) = @$_;
	my @included = included($room);
	is_deeply([map { "$_->[0] includes $_->[1]" } grep { $_->[1] =~ $not } @included], [],
		"$room/ keeps to itself");
	ok(@included > 3, 'and was looked at') if -d "$root/$room";
}
ok(!-e "$root/tools", 'tools/ is no more');

done_testing;
