#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Each probe's page says what the probe's tables say, and what a reader has to know beside:
# scripts/probe-pages.
#
# Wrong in the world if this fails: somebody judges a record by a page that is
# about another sensor.
use strict;
use warnings;
use Cwd 'realpath';
use File::Basename;
use File::Path 'remove_tree';
use File::Temp;
use Test::More;

my $root = realpath(dirname(__FILE__) . '/../..');
my $scratch = File::Temp->newdir;

sub run {
	my $out = `$root/scripts/probe-pages @_ 2>&1`;
	return ($? >> 8, $out);
}

# A copy of probes and pages, to be spoiled.
sub fresh {
	remove_tree("$scratch/probes", "$scratch/docs");
	mkdir "$scratch/docs";
	for my $folder ('probes', 'docs/probes') {
		system('cp', '-r', "$root/$folder", "$scratch/$folder") and die "cannot copy $folder\n";
	}
	system('cp', "$root/docs/limits.md", "$scratch/docs/") and die "cannot copy docs/limits.md\n";
}

sub slurp {
	my ($path) = @_;
	open(my $in, '<', "$scratch/$path") or die "$path: $!\n";
	local $/;
	return scalar <$in>;
}

sub spoil {
	my ($path, $from, $to) = @_;
	my $text = slurp($path);
	$text =~ s/$from/$to/ or die "$path has no $from\n";
	open(my $out, '>', "$scratch/$path") or die "$path: $!\n";
	print $out $text;
	close $out or die "$path: $!\n";
}

my ($status, $out) = run('--check');
is($status, 0, 'each page is what the tables of its probe say') or diag $out;

# --- the records that the pages show are as the pages say
my ($examples, @wrong) = (0);
for my $path (glob "$root/docs/probes/*.md $root/docs/*.md $root/README.md") {
	open(my $in, '<', $path) or die "$path: $!\n";
	my $text = do { local $/; <$in> };
	for my $record ($text =~ /^ {4}.*?(\{"seq":.*\})/mg) {
		my ($kind) = $record =~ /^\{"seq":\d+,"time":\d+,"probe":"[^"]+","kind":"([^"]+)",
			"class":"(?:alarm|event|sample)","epoch":\d+,"pass":\d+,/x;

		$examples++;
		push @wrong, "$path: it does not begin as each record does: $record" unless $kind;
		my ($members) = defined $kind ? $text =~ /^### kind `\Q$kind\E`\n.*?\n\|---.*?\n(.*?)\n(?!\|)/ms : ();
		next unless $members && $record !~ /,\.\.\./;
		my @lacking = grep { $record !~ /"$_":/ } $members =~ /^\| `(\w+)`/mg;
		push @wrong, "$path: it lacks @lacking: $record" if @lacking;
	}
}
cmp_ok($examples, '>', 30, 'the pages show records');
is(join("\n", @wrong), '', 'which begin as each record does, and have all the members of their kind');

# --- a page or a table that lacks something is named: what is spoiled, how, and
# what has to be said
my $entries = 'probes/xen/entries.c';
my $page = 'docs/probes/dom0-entries.md';
my @spoiled = (
	['a member means something else', $entries, qr/"where it leads"/, '"where it ends"',
		qr/^probe-pages: \Q$page\E: it is not what/m],
	['a member is of another type', $entries, qr/cs, KS_U16/, 'cs, KS_HEX', qr/\Q$page\E: it is not what/],
	['a member is no longer watched', $entries, qr/KS_\KFIELD(?=\(struct ks_trap, cs)/, 'LIVE',
		qr/\Q$page\E: it is not what/],
	['a member has another name', $entries, qr/ks_trap, \Kmasks_events/, 'masks', qr/\Q$page\E: it is not what/],
	['the key is another', $entries, qr/ks_callback_fields, name/, 'ks_callback_fields, vcpu',
		qr/\Q$page\E: it is not what/],
	['its members are in another order', $entries, qr/uint16_t vcpu, vector;/, 'uint16_t vector, vcpu;',
		qr/\Q$page\E: it is not what/],
	['a level is slower', $entries, qr/MILLISECS\(400\)/, 'MILLISECS(900)', qr/\Q$page\E: it is not what/],
	['a pause is shorter', $entries, qr/MICROSECS\(250\)/, 'MICROSECS(10)', qr/\Q$page\E: it is not what/],
	['what must hold still', $entries, qr/KS_STILL\("trap"/, 'KS_SEALED("trap"', qr/\Q$page\E: it is not what/],
	['the page was edited in a wrong place', $page, qr/where it leads/, 'where it goes',
		qr/\Q$page\E: it is not what/],
	['a member has no meaning', $entries, qr/ks_trap, cs, KS_U16\K, "[^"]*"/, '',
		qr/\Q$entries\E: kind trap, member cs: what does it mean/],
	['or an empty one', $entries, qr/ks_trap, cs, KS_U16, \K"[^"]*"/, '""',
		qr/\Q$entries\E: kind trap, member cs: what does it mean/],
	['a kind is not told', $entries, qr/, "A page of a vCPU's GDT\."/, '', qr/\Q$entries\E: kind gdt: what is it/],
	['a time has no unit', 'probes/xen/roots.c', qr/"\[ns\] /, '"', qr/kind root, member first_seen_ns: its unit/],
	['a kind went, and its table stayed', $page, qr/(?=<!-- levels)/,
		"<!-- kind ghost: made from x -->\n<!-- end -->\n",
	 qr/\Q$page\E: kind ghost: no table has it/],
	['what it cannot see is left out', $page, qr/^## What it cannot see\n.*?(?=^##|\z)/ms, '',
	 qr/\Q$page\E: there is nothing in a section "What it cannot see"/],
	['the cost is left empty', $page, qr/^## Cost\n.*?(?=^##|\z)/ms, "## Cost\n\n",
	 qr/\Q$page\E: there is nothing in a section "Cost"/],
	['what it sees is left out', $page, qr/^# dom0-entries\n\n\K.*?\n(?=\n)/ms, '',
		qr/\Q$page\E: what does it see\?/],
	['the list of probes was edited', 'docs/limits.md', qr/Where Xen enters/, 'How Xen enters',
		qr/docs\/limits\.md: its list of probes is not/],
	['a probe is not in the table of its kernel', 'probes/xen/probes.h', qr/^KS_PROBE\(entries\)\n/m, '',
	 qr/\Q$entries\E: its probe is not in probes\/xen\/probes\.h.*\Q$page\E: no probe has this name/s],
	['the table has a probe that there is not', 'probes/xen/probes.h', qr/(?=^KS_PROBE\(entries\))/m,
		"KS_PROBE(place)\n",
	 qr/probes\/xen\/place\.c: there is no ks_xen_place, which probes\/xen\/probes\.h has/],
	['a probe has memory of its own that its type does not ask for', 'probes/linux/processes.c',
		qr/^\t\.own_bytes = .*\n/m, '',
	 qr/probes\/linux\/processes\.c: it has probe->own, and its type no own_bytes/],
	['a reset of it does not say how much was forgotten', 'probes/linux/processes.c',
		qr/^\t\.baselines = .*\n/m, '',
	 qr/probes\/linux\/processes\.c: it forgets at a reset, and its type has no baselines\(\)/],
	['a probe has another name', $entries, qr/\.name = "dom0-entries"/, '.name = "dom0-gates"',
	 qr/docs\/probes\/dom0-gates\.md: the probe of \Q$entries\E has no page.*\Q$page\E: no probe has this name/s],
	['the region engine tells of one thing more', 'probes/region.c',
		qr/(?=\tks_write_member_count\(text, "modified")/,
	 "\tks_write_member_count(text, \"held\", 0);\n",
	 qr/the member held is not in the list; in probes\/region\.c it is number/],
	['or in another form', 'probes/region.c', qr/member_\Khex(?=\(text, "address")/, 'count',
	 qr/the member address is hex; in probes\/region\.c it is number/],
	['or makes records of another kind', 'probes/region.c', qr/"sweep"/, '"swept"',
		qr/region\.h: its kinds are not those of .*`swept`/],
	['its lists name what is not there', 'probes/region.h', qr/(?= \*   site )/,
		" *   colour     string          all                  which\n",
	 qr/the member colour is string; in probes\/region\.c it is not written/],
	['a table is written as nobody understands', $entries, qr/KS_FIELD\(struct ks_trap, cs, KS_U16/,
		'KS_FIELD(TRAP, cs, KS_U16',
	 qr/a line that is not understood/],
);
for my $case (@spoiled) {
	my ($what, $path, $from, $to, $said) = @$case;
	fresh();
	spoil($path, $from, $to);
	($status, $out) = run('--check', $scratch);
	isnt($status, 0, "seen: $what");
	like($out, $said, 'and named');
}

# --- a page that is not there is begun, and what is written by hand stays
fresh();
spoil($page, qr/which then jumps/, 'which then leaps');
spoil($entries, qr/"where it leads"/, '"where it ends"');
unlink "$scratch/docs/probes/xen-idt.md" or die;
($status, $out) = run($scratch);
is($status, 1, 'pages are written, and what is to be written by hand is asked for');
like($out, qr/^docs\/probes\/xen-idt\.md$/m, 'one was not there');
like($out, qr/xen-idt\.md: there is nothing in a section "Cost"/, 'and lacks what no table has');
like($out, qr/xen-idt\.md: what does it see\? There is no sentence below the title/,
	'and what stands in the list of all');
my $new = slurp($page);
like($new, qr/which then leaps/, 'what stands outside of the markers stays');
like($new, qr/where it ends/, 'what stands between them is what the table says');
is(index(slurp('docs/probes/xen-idt.md'), '<!-- SPDX-License-Identifier: MIT -->'), 0, 'the new page has its licence');

done_testing;
