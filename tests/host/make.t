#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Which Xen tree and which kernel make builds for: in a build folder that looks as after a build,
# with trees that have just what the Makefile asks for.  Xen is not built: `make -n` tells what
# would be done.
#
# Wrong in the world if this fails: somebody boots a Xen, or loads a module, that is not the one
# that he had built.
use strict;
use warnings;
use Cwd 'realpath';
use File::Path 'make_path';
use File::Temp;
use FindBin;
use Test::More;

my $root = realpath("$FindBin::Bin/../..");
my $dir = File::Temp->newdir;
my $b = "$dir/b";
my ($fetched, $mine) = ("$b/xen-src-4.17", "$dir/mine");

# What a make that runs us hands down is not meant for these.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES B XEN_SRC KDIR)};

# make(arguments...): what it said, and its status.
sub make {
	open(my $pipe, '-|', 'sh', '-c', 'cd "$1" && shift && exec make --no-print-directory "$@" 2>&1', 'sh', $root,
		"B=$b", @_) or die "make: $!";
	my $said = do { local $/; <$pipe> } // '';
	close $pipe;
	return ($said, $? >> 8);
}

# File by file, each newer than what was made before.
sub write_file {
	my ($file, $text) = @_;
	make_path($file =~ m{(.*)/});
	open(my $out, '>', $file) or die "$file: $!";
	print $out $text // '';
	close $out or die "$file: $!";
	select(undef, undef, undef, 0.02);
}

# As after `make xen` and `make stock`.
sub built_of {
	my ($tree) = @_;
	(my $name = $tree) =~ tr{/}{_};
	unlink glob "$b/xen-*.of*";
	write_file("$b/$_") for "xen-sense.of$name", 'xen/xen', "xen-stock.of$name", 'xen-stock/xen';
}

write_file("$_/xen/Makefile") for $fetched, $mine;

# === A Xen tree ===

for my $target (qw(xen stock)) {
	my $build = $target eq 'xen' ? qr{^vm/build-xen \Q$b\E/xen-sense }m : qr{^vm/build-xen \Q$mine\E }m;
	my $copy = $target eq 'xen' ? qr{^rsync -a --delete \Q$mine\E/ }m : $build;

	built_of($fetched);
	my ($said, $status) = make('-n', $target);
	is($status, 0, "$target: make goes through");
	unlike($said, qr/rsync|build-xen/, 'what is built is not built again');

	($said, $status) = make('-n', $target, "XEN_SRC=$mine");
	like($said, $copy, 'another tree is taken');
	like($said, $build, 'and built');

	built_of($mine);
	($said, $status) = make('-n', $target, "XEN_SRC=$mine");
	like($said, $copy, 'and looked at again each time, as somebody may have changed it');
	($said, $status) = make('-n', $target);
	like($said, $target eq 'xen' ? qr{^rsync -a --delete \Q$fetched\E/ }m : qr{^vm/build-xen \Q$fetched\E }m,
		'without it, the fetched one is taken again');

	($said, $status) = make($target, "XEN_SRC=$dir/none");
	isnt($status, 0, 'one that is not there is an error');
	like($said, qr/^no Xen source tree in \Q$dir\E\/none/m, 'which says so');
}

# === The module's kernel ===

# A kernel's makefile that makes a module with the kernel's name in it.
write_file("$dir/$_/Makefile", "modules:\n\tset -C && echo $_ >\$(M)/ksense.ko\n") for qw(one other);

sub module_of {
	open(my $in, '<', "$b/linux/ksense.ko") or return "none: $!";
	return <$in> // '';
}

my ($said, $status) = make('module', "KDIR=$dir/one");
is($status, 0, 'a module is built') or diag($said);
is(module_of(), "one\n", 'for this kernel');
($said, $status) = make('module', "KDIR=$dir/one");
like($said, qr/Nothing to be done/, 'once');
($said, $status) = make('module', "KDIR=$dir/other");
is($status, 0, 'another kernel is noticed') or diag($said);
is(module_of(), "other\n", 'the module is for it, and nothing of the former is left');
($said, $status) = make('module', "KDIR=$dir/none");
isnt($status, 0, 'a kernel that is not there is an error');
like($said, qr/^no kernel headers in \Q$dir\E\/none/m, 'which says so');

done_testing;
