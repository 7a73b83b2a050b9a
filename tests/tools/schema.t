#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The JSON Schemas in docs/schema are made from the tables in the sources (scripts/schemas), what
# ksense and its sensors say is as they say, and no number of theirs may pass 2^53 unless it says
# why.
#
# Wrong in the world if this fails: a program that reads records by their schema meets one that is
# not like it, or takes a file position for another, as its numbers are doubles.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use File::Path 'remove_tree';
use File::Temp;
use JSON::PP;
use Schema;
use Test::More;
use ToolTest;

my $scratch = File::Temp->newdir;

# === Made from the tables ====================================================

sub schemas {
	my $out = `$root/scripts/schemas @_ 2>&1`;
	return ($? >> 8, $out);
}

# A copy of what they are made from, to be spoiled.
sub fresh {
	remove_tree(map { "$scratch/$_" } qw(probes core canary docs));
	mkdir "$scratch/docs";
	for my $folder (qw(probes core canary docs/schema)) {
		system('cp', '-r', "$root/$folder", "$scratch/$folder") and die "cannot copy $folder\n";
	}
}

sub spoil {
	my ($path, $from, $to) = @_;
	my $text = slurp("$scratch/$path");
	$text =~ s/$from/$to/ or die "$path has no $from\n";
	open(my $out, '>', "$scratch/$path") or die "$path: $!\n";
	print $out $text;
	close $out or die "$path: $!\n";
}

my ($status, $out) = schemas('--check');
is($status, 0, 'each schema is what the tables say') or diag $out;

my $stale = sub { qr/^schemas: docs\/schema\/\Q$_[0]\E\.json: it is not what the tables say/m };
my @spoiled = (
	['a member has another name', 'probes/xen/entries.c', qr/ks_trap, \Kmasks_events/, 'masks',
		$stale->('record')],
	['a member is of another type', 'probes/xen/entries.c', qr/cs, KS_U16/, 'cs, KS_HEX', $stale->('record')],
	['a kind has another name', 'probes/linux/files.c', qr/\("file"/, '("path"', $stale->('record')],
	['a probe has another name', 'probes/linux/files.c', qr/\.name = "files"/, '.name = "paths"',
		$stale->('record')],
	['the region engine has one member more', 'probes/region.h', qr/(?= \*   site )/,
		" *   colour     string            all   which\n", $stale->('record')],
	['the sensor tells more than is listed', 'core/record.c', qr/"resets", probe->resets/,
		'"starts", probe->resets',
	 qr/core\/record\.h: the member starts is not in the list.*the member resets is in the list/s],
	['so does the set engine', 'probes/set_record.c', qr/"looked", looked/, '"seen", looked',
		qr/set_record\.h: the member seen is not in the list/],
	['status tells more', 'core/status.c', qr/NUMBER\("runs"/, 'NUMBER("passes"', $stale->('status')],
	['or of the lock', 'probes/xen/handover.c', qr/"alive", state/, '"there", state', $stale->('status')],
	['there is one error more', 'core/request.c', qr/"too-long", /, '"too-long", "late", ', $stale->('error')],
	['the judge has another reason', 'canary/rounds.c', qr/"old-toolstack"/, '"toolstack"', $stale->('finding')],
	['or another verdict', 'canary/rounds.c', qr/"unconfirmed", "blind"/, '"unsure", "blind"',
		$stale->('finding')],
	['or another source', 'canary/checks.c', qr/"kallsyms", /, '"symbols", ', $stale->('checks')],
	['or takes more', 'canary/checks.c', qr/#define LOOKS_MAX \K\d+/, '7', $stale->('checks')],
	['its schema is no JSON', 'canary/finding.schema.json', qr/\A\{/, '',
		qr/schemas: canary\/finding\.schema\.json: /],
	['a schema was edited', 'docs/schema/error.json', qr/too-long/, 'long', $stale->('error')],
	['a schema is of nothing', 'docs/schema/error.json', qr/\z/, '', undef, 'docs/schema/old.json'],
);
for my $case (@spoiled) {
	my ($what, $path, $from, $to, $said, $copy) = @$case;
	fresh();
	spoil($path, $from, $to);
	system('cp', "$scratch/$path", "$scratch/$copy") if $copy;
	($status, $out) = schemas('--check', $scratch);
	isnt($status, 0, "seen: $what");
	like($out, $said // qr/\Q$copy\E: nothing makes it/, 'and named');
}

# === Numbers =================================================================

# In the schemas: whole numbers have a bound that a double holds, or are nanoseconds, which say
# what they are.
my @beyond;
my @open = map { [$_, JSON::PP->new->decode(slurp($_))] }
	glob "$root/docs/schema/{record,status,error,reply,answer}.json";
my $numbers = 0;
while (my $one = shift @open) {
	my ($at, $schema) = @$one;
	push @open, map { ["$at/$_", $schema->{$_}] } sort keys %$schema if ref $schema eq 'HASH';
	push @open, map { ["$at/$_", $schema->[$_]] } 0 .. $#$schema if ref $schema eq 'ARRAY';
	next unless ref $schema eq 'HASH' && !ref $schema->{type} && ($schema->{type} // '') =~ /^(integer|number)$/;
	$numbers++;
	push @beyond, $at unless defined $schema->{maximum} && $schema->{maximum} < 2**53 &&
		($schema->{minimum} // -2**53) > -2**53 ||
		$at =~ m{/\$defs/NS$} && $schema->{description} =~ /104 days/;
}
cmp_ok($numbers, '>', 5, 'the schemas have numbers');
is("@beyond", '', 'none may pass 2^53, but for those that say why');

# In the tables: there is no type for 64 bits without a reason, and none that is narrower than its
# member.
sub compiles {
	my ($c_type, $type) = @_;
	open(my $cc, '|-', "cc -std=c11 -D_GNU_SOURCE -fsyntax-only -I$root/host -I$root/probes -x c - 2>$scratch/cc")
		or die "cc: $!";
	print $cc qq{#include "set.h"\nstruct item { $c_type member; };\nextern const struct ks_field field;\n} .
		qq{const struct ks_field field = KS_FIELD(struct item, member, $type, "x");\n};
	return close $cc;
}
for my $fits (['uint64_t', 'KS_HEX'], ['uint64_t', 'KS_COUNT'], ['int64_t', 'KS_SIGNED_HEX'], ['uint32_t',
	'KS_U32'], ['uint32_t', 'KS_HEX']) {
	ok(compiles(@$fits), "@$fits") or diag slurp("$scratch/cc");
}
for my $wrong (['uint64_t', 'KS_U32'], ['int64_t', 'KS_S32'], ['uint64_t', 'KS_U8'], ['uint64_t', 'KS_U64'],
	['int64_t', 'KS_S64'], ['uint32_t', 'KS_COUNT']) {
	ok(!compiles(@$wrong), "not @$wrong");
	like(slurp("$scratch/cc"), qr/error: (?:size of (?:unnamed )?array .*is negative|.*KS_[US]64.* undeclared)/,
		'as it does not fit') or diag slurp("$scratch/cc");
}

# In what writes records by hand: a plain number is a count, a size or nanoseconds by its name,
# but for these.
my %plain = (
	'core/writer.c' => 4, 'core/writer.h' => 3, # where they are made
	'core/options.c' => 1,                  # the log, which is no JSON
	'core/record.c' => 4,                   # first members: seq, a domain or a pid, the epoch
	'core/reply_records.c' => 2,                  # first members: bytes of raw data, seq
	'core/status.c' => 1,                   # counts, sizes and nanoseconds of its table
	'probes/set_record.c' => 3,             # fields by their type, and a source, of 32 bits
);
my %used;
for my $path (glob "$root/{core,probes,probes/*,xen,linux,host}/*.[ch]") {
	my $count = () = slurp($path) =~ /\bks_write_[us]64\(/g;
	$used{substr $path, length($root) + 1} = $count if $count;
}
is_deeply(\%used, \%plain, 'no other place writes 64 bits as a plain number');

# === What is said ============================================================

# The pages' examples, and the built-in checks.
my @examples;
for my $page (glob "$root/docs/probes/*.md $root/docs/protocol.md") {
	push @examples, grep { !/,\.\.\./ } slurp($page) =~ /^ {4}(\{"seq":.*\})$/mg;
}
cmp_ok(scalar(decoded(@examples)), '>', 25, 'the pages show records, which the validator is asked of');
my $checks = JSON::PP->new->canonical->decode(slurp("$root/canary/checks.json"));
decoded(JSON::PP->new->encode($checks));

my $record = '"time":5,"probe":"folder","kind":"entry","class":"sample","epoch":1,"pass":1,"event":"present",' .
	'"name":"n","type":"file"';
my $rest = '"mode":"644","uid":0,"size":"0x4","mtime_ns":"-0x1"';
my $by = '"time":5,"probe":"folder","kind":"command","class":"event","epoch":1,"pass":1,' .
	'"command":"low","state":"on","level":"low"';
my $head = '"Virtue-protocol-version":0.1,"reply":["4f1c0e6a9d2b4c58a7e3"';
decoded("{\"seq\":1,$record,\"inode\":\"0x35d\",$rest}", "{\"seq\":1,$by,\"by\":{\"pid\":1,\"uid\":0}}",
	"{$head,\"folder\"]}", '{}',
	"{$head,\"error\",{\"code\":\"busy\",\"message\":\"m\"}]}",
		'{"target":"folder","command":"low","level":"low"}',
	'{"gone":"hidden-domain","id":"0123abcd01234567","time":"2026-01-01T00:00:00.000Z"}',
	"{$head,\"folder\",{\"seq\":1,$record,\"inode\":\"0x35d\",$rest}]}");

# The right record with another word in the place of one.
sub other { my ($word, $other) = @_; return "{\"seq\":1,$record,\"inode\":\"0x35d\",$rest}" =~ s{"$word"}{"$other"}r }
my @wrong = (
	['a number where it is to be hex', "{\"seq\":1,$record,\"inode\":861,$rest}",
		qr/\$\.inode: 861 is not of type 'string'/],
	['hex with zeros before it', "{\"seq\":1,$record,\"inode\":\"0x0035d\",$rest}",
		qr/\$\.inode: '0x0035d' does not match/],
	['a number beyond 2^53', "{\"seq\":9007199254740993,$record,\"inode\":\"0x35d\",$rest}",
		qr/\$\.seq: 9007199254740993 is greater than/],
	['a member too many', "{\"seq\":1,$record,\"inode\":\"0x35d\",$rest,\"colour\":1}",
		qr/'colour' was unexpected/],
	['one that is missing', "{\"seq\":1,$record,$rest}", qr/'inode' is a required property/],
	['another event', other('present', 'seen'), qr/\$\.event: 'seen' is not one of/],
	['a change that does not say of what', other('present', 'changed'), qr/'(old|fingerprint)' is a required/],
	['a kind that there is not', other('entry', 'door'), qr/there is no kind 'door' of probe 'folder'/],
	['a kind of another probe', other('folder', 'files'), qr/there is no kind 'entry' of probe 'files'/],
	['a probe that there is not', '{"seq":1,' . $by =~ s{folder}{cellar}r . '}',
		qr/\$\.probe: 'cellar' is not one of/],
	['a level that there is not', '{"seq":1,' . $by =~ s{"low"\z}{"lower"}r . '}',
		qr/\$\.level: 'lower' is not one of/],
	['a wrong record in a reply', "{$head,\"folder\",{\"seq\":1,$record,\"inode\":1,$rest}]}",
		qr/\$\.inode: 1 is not of type/],
	['an error that there is not', "{$head,\"error\",{\"code\":\"tired\",\"message\":\"m\"}]}",
		qr/'tired' is not one of/],
	['a finding without words', '{"finding":"x","id":"0123abcd01234567","severity":"low"}',
		qr/is a required property/],
	['a blindness for no known reason',
		'{"blind":"x","reason":"dark","words":"w","time":"2026-01-01T00:00:00.000Z"}',
		qr/'dark' is not one of/],
	['a line of nobody', '{"hello":"world"}', qr/'name' is a required property/],
);
# So many at a time as the validator shows.
for (my $at = 0; $at < @wrong; $at += 8) {
	my @some = grep { defined } @wrong[$at .. $at + 7];
	open(my $to, '|-', "$root/tests/lib/validate", "$root/docs/schema", "$scratch/said") or die "validate: $!";
	print $to map { "$_->[1]\n" } @some;
	ok(!close $to, 'wrong lines are told by the status');
	my $said = slurp("$scratch/said");
	for my $case (@some) {
		my ($what, $line, $why) = @$case;
		my ($told) = $said =~ /^(.*)\n  in \Q$line\E$/m;
		like($told // '', $why, $what) or diag $said;
	}
	like($said, qr/^${\scalar @some} of ${\scalar @some} lines$/m, 'each of them');
}

# === A test that sees a wrong line ===========================================

# The status of a test that looks at this line, and what it prints.
sub test_of {
	my ($line) = @_;
	open(my $test, '|-', "$^X -I$root/tests/lib -MTest::More -MSchema - >$scratch/said 2>&1") or die "perl: $!";
	print $test "is(ref((decoded(<<'LINE'))[0]), 'HASH', 'it is looked at');\n$line\nLINE\ndone_testing;\n";
	close $test;
	return ($? >> 8, slurp("$scratch/said"));
}

($status, $out) = test_of('{}');
is($status, 0, 'a test that sees a right line passes') or diag $out;
($status, $out) = test_of($wrong[0][1]);
like($out, qr/^ok 1 - it is looked at\n1\.\.1$/m, 'one that sees a wrong line asks nothing of it itself');
isnt($status, 0, 'and fails');
like($out, qr/inode: 861 is not of type 'string'\n#\s+in \Q$wrong[0][1]\E\n# 1 of 1 lines/,
	'which it says') or diag $out;
{
	local $ENV{PYTHONHOME} = '/nonexistent';
	($status, $out) = test_of('{}');
	isnt($status, 0, 'without the validator it fails, too');
}

done_testing;
