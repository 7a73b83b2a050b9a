#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Prose and comments end before column 100, code before column 120, in every file.
#
# Wrong in the world if this fails: somebody reads half of a sentence in his editor, and a script
# that ought to say so looks away.
use strict;
use warnings;
use File::Path 'make_path';
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;

sub prose {
	my $said = qx{'$root/scripts/prose' @_ 2>&1};
	return ($? >> 8, $said);
}

my ($status, $said) = prose();
is($status, 0, 'no line is too long where none is to be') or diag($said);

# === It sees what it says that it sees ===

sub file {
	my ($path, $text) = @_;
	make_path("$dir/tree/" . $path =~ s{/[^/]*$}{}r) if $path =~ m{/};
	open(my $out, '>', "$dir/tree/$path") or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
}

my $words = 'word ' x 30;
sub lines_named {
	my ($path, $text) = @_;
	file($path, $text);
	($status, $said) = prose("$dir/tree");
	my @named = $said =~ /^\Q$path\E:(\d+):/mg;
	is($status, @named ? 1 : 0, "$path: the status says the same");
	file($path, "\n");
	return "@named";
}

make_path("$dir/tree");
is(lines_named('README.md', 'x ' x 49 . "y\n" . 'x ' x 50 . "\n"), '2',
	'prose with 100 columns is too long, with 99 it is not');
is(lines_named('README.md', "| $words |\n\n    $words\n\n```\n$words\n```\n" . 'x' x 150 . "\n$words\n"), '9',
	'a table, what is typed, and one long word are no prose');
is(lines_named('README.md', "# $words\n### f(): `$words`\n"), '1', 'nor is a heading that quotes code');
is(lines_named('docs/a.1', ".Bd -literal\n$words\n.Ed\n.Em $words\n$words\n"), '4 5',
	'in a man page: text, but not what is literal');
is(lines_named('docs/b.md', "\xc3\xa9 " x 49 . "\n"), '', 'characters count, not bytes');
my $call = 'f(' . '1, ' x 35;
is(lines_named('scripts/prose', "#!/usr/bin/perl\n# $words\n$call$call);\n$call);  # x\n$call'# ');\n"), '2 3 4',
	'in a script: comments, beside code too, but not what is quoted');
for my $path (glob "$dir/tree/docs/* $dir/tree/scripts/* $dir/tree/README.md") {
	unlink $path or die "$path: $!";
}
($status, $said) = prose("$dir/tree");
isnt($status, 0, 'where there is nothing to look at, it does not say that all is well');
like($said, qr/^prose: there is none of the files/, 'but why');

my @c = ('/*', " * $words", ' */', "int a;\t\t/* $words */", 'int b = ' . '1 + ' x 30 . '1;', 'char *c = "/*";');
file('core/a.c', join('', map { "$_\n" } @c, 'int d;' . "\t" x 13 . 'e;', 'int f;' . "\t" x 14 . '1234567; int g;'));
file('README.md', "short\n");
($status, $said) = prose("$dir/tree");
is($status, 1, 'C is looked at as well');
is(join(' ', $said =~ m{^core/a\.c:(\d+): a line of prose}mg), '2 4', 'of its comments');
is(join(' ', $said =~ m{^core/a\.c:(\d+): a line of code}mg), '5 8', 'and of its code, a tab for 8 columns');

done_testing;
