#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# xen/apply puts the hooks where they should be, in each release that it knows, or changes nothing.
#
# Wrong in the world if this fails: somebody builds a Xen in which a hook stands in another
# function, and so a permission is asked for nothing, or a right is taken from nobody; or a tree of
# his is left in half.  The trees here are made of what the patches say of their surroundings, each
# function of its first line and the lines of context; `make xen` shows that a real one fits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", $FindBin::Bin;
use File::Basename;
use File::Path 'make_path';
use File::Temp;
use Test::More;
use ToolTest;

my $root = "$FindBin::Bin/../..";
my $dir = File::Temp->newdir;
my $trees = 0;

sub put {
	my ($path, $text) = @_;

	make_path(dirname($path));
	open(my $file, '>', $path) or die "$path: $!\n";
	print $file $text;
	close $file or die "$path: $!\n";
}

# What the patches find: { file => text }, each place at its line.
sub surroundings {
	my (%places, %text, $file, $place);

	for (map { split /\n/, slurp("$root/xen/patches/$_.patch") } @_) {
		$file = $1 if m{^\+\+\+ b/(\S+)};
		next if /^(--- a|\+)/;
		push @{$places{$file}}, $place = { line => $1, head => $2, lines => [] }
			if /^@@ -(\d+)\S* \S+ @@ ?(.*)/;
		push @{$place->{lines}}, "$1\n" if $place && /^[ -](.*)/;
	}
	for $file (keys %places) {
		my ($head, @lines) = '';

		for (sort { $a->{line} <=> $b->{line} } @{$places{$file}}) {
			push @lines, "\n" while @lines < $_->{line} - 2;
			push @lines, $_->{head} eq $head ? "\n" : "$_->{head}\n";
			$head = $_->{head};
			push @lines, @{$_->{lines}};
		}
		$text{$file} = join '', @lines;
	}
	return %text;
}

sub tree {
	my ($release, %text) = @_;
	my $tree = "$dir/" . ++$trees;

	put("$tree/xen/Makefile", "export XEN_VERSION = 4\nexport XEN_SUBVERSION = $release\n");
	put("$tree/$_", $text{$_}) for keys %text;
	return $tree;
}

sub apply {
	my $out = `'$root/xen/apply' @_ 2>&1`;
	return { status => $? >> 8, out => $out };
}

# All that is in it: "path contents" by path.
sub contents {
	my ($tree) = @_;
	return { map { chomp; ($_ => slurp("$tree/$_")) } `cd '$tree' && find . -type f` };
}

sub refused {
	my ($tree, $why, $name) = @_;
	my $before = contents($tree);
	my $got = apply($tree);

	is($got->{status}, 1, "$name: it is refused");
	like($got->{out}, $why, 'which is said');
	is_deeply(contents($tree), $before, 'and nothing is changed');
}

# === Each release ============================================================

my %groups = (17 => [qw(hooks xsm-1 frames-1 policy-1 sha2)], 20 => [qw(hooks xsm-1 frames-2 policy-2)],
	      23 => [qw(hooks xsm-2 frames-2 policy-2)]);
for my $release (sort keys %groups) {
	my $tree = tree($release, surroundings(@{$groups{$release}}));
	my $before = contents($tree);
	my $got = apply($tree);

	is($got->{status}, 0, "4.$release: the hooks fit") or diag $got->{out};
	my $after = contents($tree);
	for my $patch (@{$groups{$release}}) {
		my $text = slurp("$root/xen/patches/$patch.patch");

		for my $hunk ($text =~ /^\@\@.*\n((?:[- +].*\n)+?)(?=\@\@|---|\z)/mg) {
			my $wanted = join '', map { /^-/ ? () : s/^[ +]//r . "\n" } split /\n/, $hunk;
			my @in = grep { index($after->{$_}, $wanted) >= 0 } keys %$after;

			is(scalar @in, 1, "$patch: a hook is there, once") if $wanted !~ /\@PROBES\@/;
		}
	}
	like(apply($tree)->{out}, qr/up to date/, 'again: there is nothing to do');
	is(apply('--reverse', $tree)->{status}, 0, 'they come out');
	is_deeply(contents($tree), $before, 'and nothing is left of them');
}

# === What does not fit =======================================================

my @shape = @{$groups{20}};
my %text = surroundings(@shape);
my $place = "        ret = xsm_iomem_mapping(XSM_DM_PRIV, d, mfn, mfn_end, add);\n" .
	"        if ( ret || !paging_mode_translate(d) )\n";
my ($domctl, $flask) = ('xen/common/domctl.c', 'xen/xsm/flask/flask_op.c');
like($text{$domctl}, qr/\Q$place\E/, 'one of the places, of which the next are made');

refused(tree(20, %text, $domctl => $text{$domctl} =~ s/\Q$place\E/static int other(void)\n$place/r),
	qr/elsewhere.*do_domctl/s, 'the lines of a place are in another function');
refused(tree(20, %text, $domctl => $text{$domctl} =~ s/if \( ret \|\|/if ( unlikely(ret) ||/r), qr/frames-2/,
	'a line beside a place is another');
refused(tree(20, %text, $domctl => $text{$domctl} . {surroundings('frames-1')}->{$domctl}), qr/several.*frames-1/s,
	'two kinds of hooks fit');
refused(tree(20, map { ($_ => $text{$_}) } grep { $_ ne $flask } keys %text), qr/flask_op\.c/, 'a file is not there');
refused(tree($_, %text), qr/no hooks for that.*4\.17.*4\.23/s, "4.$_ is not known") for 16, 24;
refused(tree(20, %text, 'xen/include/public/xen.h' => "#define __HYPERVISOR_sense_op 47\n"),
	qr/has a sense_op already/, 'somebody put the hooks in by hand');

my $tree = tree(20, %text);
is(apply($tree)->{status}, 0, 'a tree with the hooks');
put("$tree/$flask", slurp("$tree/$flask") =~ s/sense_policy_check\(SENSE_POLICY_LOAD\)/0/r);
refused($tree, qr/have been changed since/, 'in which somebody changed one');
is(apply('--reverse', $tree)->{status}, 1, 'nor are they taken out');

done_testing;
