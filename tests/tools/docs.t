#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Each kind of finding has a page, and each page a kind; the pages have one form, and what they
# tell to type exists.  The README is short, man does not complain, and no link leads nowhere.
#
# Wrong in the world if this fails: somebody reads the name of a finding at night, and what it
# means is nowhere, or the command that the page tells is none.
use strict;
use warnings;
use File::Basename;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;

# === Kinds and pages ===

# Those of the built-in checks; and what the judge finds by itself, which its sources make with
# "finding", "NAME", "id".
my $data = JSON::PP->new->decode(slurp("$root/canary/checks.json"));
my %rules;      # by kind: of which checks, and its severities
for my $check (@{$data->{checks}}) {
	# Whatever a rule is for, it has "finding"; in the place of one there may be an array.
	for my $rule (grep { ref eq 'HASH' && $_->{finding} } map { ref eq 'ARRAY' ? @$_ : $_ } values %$check) {
		$rules{$rule->{finding}}{checks}{$check->{check}} = 1;
		$rules{$rule->{finding}}{severities}{$rule->{severity}} = 1;
	}
}
cmp_ok(scalar keys %rules, '>', 25, 'the checks have kinds of findings');
my %own = map { $_ => 1 } map { slurp($_) =~ /"finding", "([\w-]+)", "id"/g } glob "$root/canary/*.c";
ok($own{blinded}, 'the judge has some of its own');

my $folder = "$root/docs/findings";
my %pages = map { basename($_, '.md') => slurp($_) } glob "$folder/*.md";
my $index = delete $pages{README};
delete $pages{evidence};
# A verdict that is asked about as a finding is.
ok(delete $pages{unconfirmed}, 'unconfirmed has a page');
my @kinds = sort keys %{{ %rules, %own }};
is_deeply([sort keys %pages], \@kinds, 'each kind of finding has a page, and each page is of a kind');

my @headings = ('What it means', 'Harmless causes, and how to tell', 'Keep the evidence', 'What to do next');
for my $kind (sort(keys %pages), 'unconfirmed') {
	my $page = $pages{$kind} // slurp("$folder/$kind.md");

	is_deeply([$page =~ /^## (.*)$/mg], \@headings, "$kind: its page has the four headings");
	like($page, qr/^# \Q$kind\E$/m, "$kind: and its name");
	cmp_ok($page =~ tr/\n//, '<=', 60, "$kind: and is short");
	like($page, qr/\(evidence\.md\)/, "$kind: and leads to how evidence is kept");
	like($index, qr/^\| \[\Q$kind\E\]\(\Q$kind\E\.md\) \|/m, "$kind: the index has it");
	my ($severity) = $index =~ /^\| \[\Q$kind\E\]\(\S+\) \| (\w*) \|/m;
	for my $said ($rules{$kind} ? keys %{$rules{$kind}{severities}} : ()) {
		is($severity, $said, "$kind: the index has its severity");
		like($page, qr/^\u$said\b/m, "$kind: and so has its page");
	}
	for my $check ($rules{$kind} ? keys %{$rules{$kind}{checks}} : ()) {
		like($page, qr/`\Q$check\E`/, "$kind: its page names the check $check");
	}
}

# === What they tell to type ===

# Their commands, with options that there are, are of probes that there are.
my %probes = map { basename($_, '.md') => 1 } glob "$root/docs/probes/*.md";
my $commands = 0;
for my $kind (sort keys %pages) {
	for my $line ($pages{$kind} =~ /^ {4,}(.*)$/mg) {
		for my $command (grep { /^ksense / } map { s/ \|.*//r } split / *; */, $line) {
			my @words = grep { !/^\$M$/ } split / +/, $command =~ s/^ksense //r =~ s/--socket \$M//r;
			my ($probe) = $command =~ /\brecords ([a-z][\w-]*)/;

			$commands++;
			ok(!$probe || $probes{$probe}, "$kind: there is a probe $probe") if $probe;
			# Without a sensor 3, and 1 where one says no; 2 is a command that is none.
			isnt(run('--socket', "$dir/none", grep { length } @words)->{status}, 2, "$kind: $command");
		}
	}
}
cmp_ok($commands, '>', 40, 'the pages have commands');

# Who reads a finding has evidence to lose: what is read without --peek is gone.  The record of
# what he has done himself may be taken, and no other.
my $reads = 0;
sub leaves_records
{
	my ($where, @told) = @_;

	for my $command (map { s/\s+/ /gr } @told) {
		$reads++;
		like($command, qr/ --peek\b| --filter kind=(?:command|began|restarted)$/,
			"$where: it leaves the records: $command");
	}
}
for my $kind (sort(keys %pages), 'unconfirmed') {
	my $page = $pages{$kind} // slurp("$folder/$kind.md");

	leaves_records($kind, grep { /\brecords / } $page =~ /`([^`]+)`/g);
	leaves_records($kind, grep { /\brecords / } map { split / *; */ } $page =~ /^ {4,}(ksense .*)$/mg);
}
leaves_records('checks.json', slurp("$root/canary/checks.json") =~ /'((?:ksense [^']*)?records [a-z{][^']*)'/g);
cmp_ok($reads, '>', 80, 'pages and findings tell which records to read');

# === README, links, man pages ===

my $words = () = slurp("$root/README.md") =~ /\S+/g;
cmp_ok($words, '<=', 900, "the README is short ($words words)");

my @nowhere;
for my $file ("$root/README.md", glob "$root/docs/*.md $root/docs/*/*.md") {
	my $text = slurp($file);

	for my $link ($text =~ /\]\(([^)#\s]+)[^)]*\)/g) {
		push @nowhere, "$file: $link" unless $link =~ /^https?:/ || -e dirname($file) . "/$link";
	}
}
is_deeply(\@nowhere, [], 'no link of the documentation leads nowhere');
my $tasks = slurp("$root/docs/README.md");
for my $file (glob "$root/docs/*.md") {
	my $name = basename($file);
	like($tasks, qr/\(\Q$name\E\)/, "the index of the documentation has $name") unless $name eq 'README.md';
}

my ($version) = slurp("$root/core/version.h") =~ /KS_VERSION "(.*)"/;
for my $page (glob "$root/docs/*.[1-9]") {
	my $name = basename($page);

	like(slurp($page), qr/^\.Os ksense \Q$version\E$/m, "$name is of this version");
	SKIP: {
		skip 'no man', 1 unless grep { -x "$_/man" } split /:/, $ENV{PATH};
		is(`man --warnings -l $page 2>&1 >/dev/null`, '', "man has nothing to complain about in $name");
	}
}

done_testing;
