#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# vm/build-release finds the source of a release of Xen, in trees or in a clone, or says what to
# do.
#
# Wrong in the world if this fails: somebody boots, tests and reports on another release of Xen
# than the one that he named.
use strict;
use warnings;
use FindBin;
use File::Basename;
use File::Copy;
use File::Path 'make_path';
use File::Temp;
use Test::More;

# A folder with what the script needs, as it works in the one where it lies.
my $root = "$FindBin::Bin/../..";
my $dir = File::Temp->newdir;
for my $file (qw(vm/build-release scripts/lib.sh)) {
	make_path(dirname("$dir/own/$file"));
	copy("$root/$file", "$dir/own/$file") or die "$file: $!\n";
}

sub put {
	my ($path, $text) = @_;
	make_path(dirname($path));
	open(my $file, '>', $path) or die "$path: $!\n";
	print $file $text;
	close $file;
}

# A tree of a release, and what tells it from others.
sub tree {
	my ($tree, $minor, $mark) = @_;
	my $export = $minor < 30 ? 'export ' : '';
	put("$tree/xen/Makefile", "${export}XEN_VERSION = 4\n${export}XEN_SUBVERSION := $minor\n" .
		"${export}XEN_EXTRAVERSION ?= .2\$(XEN_VENDORVERSION)\n");
	put("$tree/mark", $mark);
}

# source(release, environment...): { status, says, mark: of the source that was taken }
sub source {
	my ($release, %environment) = @_;
	local %ENV = (%ENV, XEN_SRC => '', XEN_GIT => '', %environment);
	my $says = `bash '$dir/own/vm/build-release' --source $release 2>&1`;
	my $status = $? >> 8;
	open(my $file, '<', "$dir/own/build/releases/$release/source/mark") or
		return { status => $status, says => $says };
	return { status => $status, says => $says, mark => scalar <$file> };
}

for my $wrong ('', '4', '4.20.1', '4.20 4.21', '--so 4.20') {
	my $got = source($wrong);
	is($got->{status}, 2, "'$wrong' is no release");
	like($got->{says}, qr/needs a release, as 4\.20 .*--help/, 'and the usage is where to look');
}

my $none = source('4.20');
is($none->{status}, 1, 'without a source there is none');
like($none->{says}, qr/no source of Xen 4\.20.*XEN_SRC=.*XEN_GIT=/s, 'and it says what to give');

# --- Trees
tree("$dir/a", 20, 'a');
tree("$dir/b", 21, 'b');
tree("$dir/c", 31, 'c');
my $trees = "$dir/a:$dir/b:$dir/c";
is(source("4.$_->[0]", XEN_SRC => $trees)->{mark}, $_->[1], "of several trees, the one of 4.$_->[0]")
	for [20, 'a'], [21, 'b'], [31, 'c'];
my $other = source('4.22', XEN_SRC => $trees);
is($other->{status}, 1, 'of none of them is 4.22');
like($other->{says}, qr/neither .* has Xen 4\.22/, 'which it says');
like(source('4.20', XEN_SRC => "$dir/own")->{says}, qr/no Xen source tree in/, 'and what is no tree');
is(source('4.20')->{mark}, 'a', 'what was taken once stays');
put("$dir/a/mark", 'a, later');
is(source('4.20', XEN_SRC => $trees)->{mark}, 'a, later', 'and is renewed by the tree');

# --- A clone
sub git {
	system('git', '-C', "$dir/clone", '-c', 'user.name=x', '-c', 'user.email=x', '-c', 'init.defaultBranch=master',
		'-c', 'commit.gpgsign=false', @_) == 0 or die "git @_ failed\n";
}
make_path("$dir/clone");
git('init', '-q');
for ([22, 'stable-4.22'], [23, 'master']) {
	my ($minor, $branch) = @$_;
	git('checkout', '-q', '-b', "made-$branch");
	tree("$dir/clone", $minor, $branch);
	git('add', '.');
	git('commit', '-q', '-m', $branch);
	git('branch', '-q', '-f', $branch);
}
# A branch whose name lies.
git('branch', '-q', 'stable-4.19', 'master');

is(source('4.22', XEN_GIT => "$dir/clone")->{mark}, 'stable-4.22', 'of a clone, the branch of that release');
is(source('4.23', XEN_GIT => "$dir/clone")->{mark}, 'master', 'or master, where that is of it');
is(source('4.19', XEN_GIT => "$dir/clone")->{status}, 1, 'and no branch that is of another');
is(source('4.20', XEN_SRC => $trees, XEN_GIT => "$dir/clone")->{mark}, 'a, later', 'a tree comes first');
like(source('4.20', XEN_GIT => "$dir/a")->{says}, qr/is no git repository/, 'a folder is no clone');

done_testing;
