#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# scripts/new-probe makes a probe that compiles in its kernel, with its page and its test, and
# nothing else has to be edited for its name to be known.
#
# Wrong in the world if this fails: who adds a probe has to find out by himself where else its name
# stands, and a place that he missed tells for ever of the probes that there were.
#
# In a copy of the tree.  Its objects are compiled as the two kernels' builds compiled those beside
# them, by the commands that these noted.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Find;
use ToolTest;
use Test::More;

my $tree = "$dir/tree";
system('rsync', '-a', '--exclude=/build', '--exclude=/.git', "$root/", "$tree/") and BAIL_OUT('cannot copy the tree');

sub in_tree {
	my ($command) = @_;
	my $out = `cd '$tree' && $command 2>&1`;
	return ($? >> 8, $out);
}

sub new_probe { return in_tree("scripts/new-probe @_") }

# Each file's contents by its path.
sub contents {
	my %of;
	find(sub { $of{$File::Find::name =~ s{^\Q$tree\E/}{}r} = slurp($_) if -f }, $tree);
	return \%of;
}

# The paths that are not as they were, and those that are new.
sub differing {
	my ($before, $after) = @_;
	return [sort grep { ($before->{$_} // '') ne $after->{$_} } keys %$after];
}

# === What it refuses =========================================================

my $before = contents();
my $long = 'a' x 25;
for my $case (
	['', 2, qr/name the probe/],
	['one', 2, qr/say in which kernel: --xen or --linux/],
	['one two --xen', 2, qr/one name: 'one' or 'two'/],
	['one --xen --linux', 2, qr/one kernel at a time/],
	['one --xen --engine=list', 2, qr/there is no engine 'list': set or region/],
	['one --windows', 2, qr/unknown option '--windows'/],
	(map { ["'$_' --linux", 1, qr/'\Q$_\E' cannot be a probe's name: small letters/] }
		'Files', 'my_probe', '1st', 'a--b', 'a-', '../x', 'a b', $long),
	(map { ["$_ --linux", 1, qr/the name '$_' is taken; these are: .*files.*xen-idt/] }
		qw(files xen-idt folder ksense level)),
	['place --xen', 1, qr{probes/xen/place\.c is there already}],
	['xen-place --xen', 1, qr{probes/xen/place\.c is there already}],
	['walk --linux', 1, qr{probes/linux/walk\.c is there already}],
	['x86 --linux', 1, qr{probes/linux/x86\.h is there already}],
	['xen-roots --xen', 1, qr{probes/xen/roots\.c is there already}],
	['xen-compare --xen', 1, qr{tests/xen/compare\.t is there already}],
) {
	my ($arguments, $want, $said) = @$case;
	my ($status, $out) = new_probe($arguments);

	is($status, $want, "new-probe $arguments");
	like($out, qr/^new-probe: $said/, 'and says why');
}
is_deeply(differing($before, contents()), [], 'it has written nothing then');
my ($status, $out) = new_probe('--help');
is($status, 0, 'it has a help');
like($out, qr{^usage: scripts/new-probe NAME --xen\|--linux \[--engine=set\|region\]$}m,
	'which says how it is called');

# === What it makes ===========================================================

# As the file beside it was compiled for $kernel; with -fsyntax-only, and from the copy.
sub compiles {
	my ($kernel, $path) = @_;
	my $headers = '/usr/src/linux-headers-' . slurp("$build/vm/kernel/release") =~ s/\n//r;
	my ($noted, $at) = $kernel eq 'xen' ?
		("$build/xen/obj/common/sense/probes/xen/.idt.o.cmd", "$build/xen/obj") :
		("$build/linux-guest/probes/linux/.domains.o.cmd", $headers);
	my ($command) = slurp($noted) =~ /^cmd_\S+ := +([^;\n]*)/
		or return 'no object of the sensor is built: make xen build/linux-guest/ksense.ko';

	$command =~ s/ -c (?:-o )?\S+\.[co] .*/ /;
	$command =~ s/ -(?:Wp,-MMD,\S+|MF \S+|MMD|MP)(?= )//g;
	$command =~ s{ -I\S+(?:/common/sense/xen|/linux-guest/linux)(?= )}{ -I$tree/$kernel};
	return `cd '$at' && $command -fsyntax-only '$tree/$path' 2>&1`;
}

# The objects that a makefile of a kernel has in its list.
sub objects_of {
	my ($list, $file, @set) = @_;
	my (undef, $out) = in_tree("make -s -f $file --eval 'print-list: ; \@echo \$($list)' @set print-list");
	return map { $_ => 1 } split ' ', $out;
}

sub labels { return [sort $_[0] =~ /^not ok \d+ - (.*)$/mg] }

mkdir "$dir/common" or die "$dir/common: $!";
symlink $tree, "$dir/common/sense" or die "$dir/common/sense: $!";

for my $case (
	['xen-sample', 'xen', 'sample', 'set', 'cpu'],
	['gate-pages', 'xen', 'gate_pages', 'region'],
	['cpu-list', 'linux', 'cpu_list', 'set', 'cpu'],
	['constants', 'linux', 'constants', 'region'],
) {
	my ($name, $kernel, $stem, $engine, @kinds) = @$case;
	my ($file, $page, $test) = ("probes/$kernel/$stem.c", "docs/probes/$name.md", "tests/$kernel/$stem.t");

	$before = contents();
	($status, $out) = new_probe($name, "--$kernel", $engine eq 'set' ? () : "--engine=$engine");
	is($status, 0, "a probe $name on the engine $engine") or diag $out;
	like($out, qr/What is left:.*\Q$_\E/s, "it tells of $_") for $file, $page, $test, 'canary/checks.json';
	is_deeply(differing($before, contents()),
		[sort 'canary/records.json', 'docs/limits.md', 'docs/schema/record.json', $file,
			"probes/$kernel/probes.h", $page, $test],
		'what it writes');

	is(`cd '$tree' && awk 'length > 110 { print FILENAME ": " \$0 }' $file $test`, '',
		'in lines that scripts/prose lets stand, and would with a longer name');
	is(compiles($kernel, $file), '', "$file compiles");
	my ($with_table, @makefile) = $kernel eq 'xen' ?
		('xen/start.c', 'obj-y', 'xen/Makefile.sense', "srctree=$dir") :
		('linux/module.c', 'ksense-y', 'linux/Kbuild', qw(src=. SRCARCH=x86 VERSION=6 PATCHLEVEL=1));
	is(compiles($kernel, $with_table), '', 'and so does what has the table');
	my %objects = objects_of(@makefile);
	ok($objects{"probes/$kernel/$stem.o"}, 'the kernel builds it');

	# --- each place that has the probes' names has this one's
	is((in_tree("scripts/probes $kernel"))[1] =~ s/.*\n(?=.)//sr, "$name\n", 'it is the last of its kernel');
	is((in_tree("perl -Itests/lib -MKS -e 'print +(probes_of(q($kernel)))[-1]'"))[1], $name,
		'the tests have it');
	is((in_tree("perl -c $test"))[1], "$test syntax OK\n", 'it has a test');
	in_tree("make -s B=$dir/b $dir/b/cli/completion/ksense");
	like(slurp("$dir/b/cli/completion/ksense"), qr/\b\Q$name\E\b/, 'the completion has it');
	like(slurp("$tree/docs/limits.md"), qr{^\| `\Q$name\E` \|.*\(probes/\Q$name\E\.md\)}m,
		'the list of all probes has it');
	is((in_tree('scripts/schemas --check'))[1], '', 'the schemas have it');

	# --- and what is asked for is what nobody but its author knows
	my @lacking = map { s/^probe-pages: \Q$page\E: //r } grep { /\Q$name\E/ }
		split /\n/, (in_tree('scripts/probe-pages --check'))[1];
	is_deeply([sort @lacking], [sort 'what does it see? There is no sentence below the title',
		map { "there is nothing in a section \"$_\"" } 'What it is for', 'Cost', 'What it cannot see'],
		'its page lacks what it is for');
	my $of = ($kernel eq 'xen' ? 'xen' : 'module') . " $name";
	@kinds = qw(baseline differs modified removed restored sweep) unless @kinds;
	is_deeply([grep { /\Q$of\E/ } @{labels((in_tree("KS_BUILD='$build' perl tests/tools/kinds.t"))[1])}],
		[map { "$of $_ is judged, or named with a reason" } @kinds], 'and its kinds are to be judged');
}
like(slurp("$tree/docs/probes/xen-sample.md"), qr/^### kind `cpu`$/m, 'a page has what the table says');

# === The document of Xen's command line ======================================

my $patch = slurp("$tree/xen/patches/hooks.patch");
like($patch, qr/^\+    \@PROBES\@\.$/m, "the probes' names come into it as the patch is applied");
unlike($patch =~ s/.*?(?=^\+### sense)//msr, qr/`xen-domains`/, 'and stand nowhere in it');
SKIP: {
	skip 'no tree of Xen: make xen', 1 unless -d "$build/xen-src-4.17/xen";
	system('rsync', '-a', "$build/xen-src-4.17/", "$dir/xen-tree/") and BAIL_OUT('cannot copy the tree of Xen');
	in_tree("xen/apply '$dir/xen-tree'");
	like(slurp("$dir/xen-tree/docs/misc/xen-command-line.pandoc"),
		qr/^    `xen-domains`, .*`xen-sample`, `gate-pages`\.$/m, 'there it names them');
}

# === One that was copied by hand =============================================

open(my $table, '>>', "$tree/probes/xen/probes.h") or die;
print $table "KS_PROBE(idle)\n";
close $table;
($status, $out) = in_tree('scripts/probes xen');
isnt($status, 0, 'a line for a file that is not there is an error');
like($out, qr{^probes: probes/xen/idle\.c: }, 'which names it');

done_testing;
