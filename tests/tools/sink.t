#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: who names a process or a file, or makes the sensor lie, writes
# to the terminal of the person who looks for him: hides a line, turns one around, changes a
# finding that says who he is.
#
# One hostile name goes through all that ksense says: tables, lines, JSON, findings, messages.
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Encode;
use JSON::PP;
use Test::More;

# Of each kind one: C0, DEL, C1 (raw in UTF-8), marks and overrides of direction, what is not seen,
# tags (beyond U+FFFF).
my @harmful = map { chr } 0x1b, 0x07, 0x09, 0x0a, 0x7f, 0x9b, 0xad, 0x61c, 0x200b, 0x200d, 0x200f, 0x202e, 0x2028,
	0x2066, 0x2069, 0xfe0f, 0xfeff, 0xe0041;
my $hostile = join '', 'é', map { "$_]" } @harmful;
my $harm = join '|', map { quotemeta encode('UTF-8', $_) } grep { $_ ne "\n" } @harmful;
my $key = "\x{202e}m\x9b\e"; # the name of a member has no more than 32 bytes
my $json = JSON::PP->new->canonical;

# As a sensor may send it: strict JSON, in which only C0 has to be escaped.
sub as_sent {
	return encode('UTF-8', $json->encode($_[0]));
}

sub harmless {
	my ($got, $what) = @_;
	unlike($got->{out}, qr/$harm|[\x80-\x9f](?<![\xc2-\xf4][\x80-\xbf])(?<![\xe0-\xf4][\x80-\xbf]{2})/,
		"$what: nothing harmful on standard output");
	unlike($got->{err}, qr/$harm/, 'nor in messages');
}

# The name as it is shown: JSON's short escapes, or all four digits, in whichever case; of the word
# that ends a reply with their backslash escaped.
sub escaped {
	my ($utf8) = @_;
	my $pattern = join '', map {
		my $code = ord;
		$code > 0xffff ? sprintf '\\\\u%04x\\\\u%04x', 0xd800 + ($code - 0x10000 >> 10),
			0xdc00 + ($code - 0x10000 & 0x3ff) :
		$_ eq "\n" ? '\\\\+(n|u000a)' : $_ eq "\t" ? '\\\\+(t|u0009)' : $code == 0xe9 &&
			$utf8 ? encode('UTF-8', $_) :
		$code < 0x7f && $code >= 0x20 ? quotemeta : sprintf '\\\\+u%04x', $code;
	} split //, $hostile;
	return qr/$pattern/i;
}

# A server with hostile words in all its answers.
sub hostile_server {
	my ($answer) = @_;
	return fake_server(sub {
		my ($client, $line, $nonce) = @_;
		do {
			($nonce) = $line =~ /"request": \["([0-9a-f]+)"/ or return;
			my ($command) = $line =~ /", "(\w+)"/;
			my @replies = $answer->($command, $line);
			syswrite($client, qq({"Virtue-protocol-version":0.2,"reply":["$nonce",$_]}\n)) for @replies;
		} while ($line = <$client>);
	});
}
my $record = { seq => 3, time => 1_500_000_000, probe => $hostile, kind => $hostile, epoch => 7, name => $hostile,
	$key => $hostile,
	       old => { $key => $hostile, name => $hostile }, list => [$hostile, { $key => $hostile }] };
my $word = as_sent([$hostile]) =~ s/^\[(.*)\]$/$1/sr;
my $lost = { seq => 2, kind => 'lost', probe => $hostile, first => $hostile, last => $hostile, count => $hostile };
my %says = (
	records => [qq("p",) . as_sent($record), qq("p",) . as_sent($lost), '"p"'],
	status => ['"status",' . as_sent({ name => $hostile, uuid => $hostile, state => $hostile, level => $hostile,
		version => $hostile,
		lock => { locked => JSON::PP::true, sensing => 3, dom0 => $hostile, uuid => $hostile },
		probes => [{ name => $hostile, state => $hostile, level => $hostile, runs => $hostile,
			last_error => $hostile }] })],
	discovery => ['"discovery",' . as_sent([[$hostile, $hostile]])],
	low => [$word],
	high => ['"error",' . as_sent({ code => 'target', message => $hostile })],
	on => ['"error",' . as_sent({ code => $hostile, message => $hostile })],
);
sub says { return @{$says{$_[0]}} }

for my $locale ('C', 'C.UTF-8') {
	local $ENV{LC_ALL} = $locale;
	my $escaped = escaped($locale ne 'C');

	for my $form ('--table', '--json') {
		for my $command (sort keys %says) {
			my $got = run('--socket', hostile_server(\&says), $form, $command);

			harmless($got, "$locale, $form $command");
			like($got->{out} . $got->{err}, $form eq '--json' ? qr/\\u202e/ : $escaped,
				'and nothing is left out') or diag("$got->{out}$got->{err}");
		}
	}
	my $got = run('--socket', hostile_server(\&says),
		      '--table', 'records', '--follow', '--max', 1);
	is($got->{status}, 0, '--follow ends when there was enough, and more than was asked for');
	harmless($got, "$locale, --follow");
	like($got->{out}, $escaped, 'which shows it in a line');
	harmless(
		run('--socket', fake_server(sub { my ($client) = @_; syswrite($client,
		encode('UTF-8', "$hostile\xff\n")) }), 'low'), "$locale, garbage");
}

# --- JSON stays JSON, and says the same
my $got = run('--socket', hostile_server(\&says), 'records');
is_deeply([map { JSON::PP->new->utf8->decode($_) } lines($got)], [$record, $lost],
	'a record in JSON has lost nothing');
like($got->{out}, qr/"\xc3\xa9/, 'and what is harmless is as it was');
is_deeply([map { JSON::PP->new->utf8->decode($_) } lines(run('--socket', hostile_server(\&says), 'discovery'))],
	[{ name => $hostile, uuid => $hostile }], 'nor has a line of our own');
$got = run('--socket', hostile_server(sub { qq("p",{"seq":0,\t"name" :\t"x\x7f"}), '"p"' }), 'records');
is($got->{out}, qq({"seq":0, "name" : "x\\u007f"}\n), 'a tab between two tokens is white space');

# --- what is escaped looks like nothing that is not
my @pairs = (['a', "a\x{200b}"], ["\x{202e}", '\\u202e'], ["\x{202e}", '"\\u202e"'], ["\x7f", '\\u007f'],
	['a', '"a"']);
for my $pair (@pairs) {
	my @shown = map {
		my $name = $_;
		my $table = run('--socket', hostile_server(sub { '"p",' .
			as_sent({ probe => 'p', kind => 'k', name => $name }), '"p"' }), '--table', 'records');
		(lines($table))[2];
	} @$pair;
	isnt($shown[0], $shown[1], "not alike in a table: $shown[0]");
}
$got = run('--socket', hostile_server(sub { '"p",' . as_sent({ probe => 'p', kind => 'k', old => { a => 'x b=y' } }),
	'"p"' }), '--table', 'records');
like($got->{out}, qr/a="x b=y"/, 'nor does a value make two members of "was"');

# --- findings and their evidence: the module's word against nobody's
my $checks = "$dir/checks";
open(my $file, '>', $checks) or die "$checks: $!";
print $file encode('UTF-8', $json->encode({ checks => [{
	check => 'names', xen => { source => 'module', probe => 'p', kind => 'thing', key => ['name'] }, dom0 => [],
		looks => 1, pause_ms => 1,
	only_xen => { finding => 'thing', severity => 'high', what => "there is {name} $hostile",
		why => "because $hostile", next => "look at {name} $hostile" },
}] }));
close $file;
my $thing = { seq => 1, time => 20, probe => 'p', kind => 'thing', class => 'sample', epoch => 7, pass => 2,
	name => $hostile, $key => $hostile };
sub module {
	my ($command) = @_;
	return '"status",' . as_sent({ name => 'linux', uuid => 'u', time => 10,
		probes => [{ name => 'p', state => 'on' }] }) if $command eq 'status';
	return ('"p",' . as_sent($thing), '"p"');
}
for my $locale ('C', 'C.UTF-8') {
	local $ENV{LC_ALL} = $locale;
	my $escaped = escaped($locale ne 'C');

	$got = run('--socket', hostile_server(\&module), '--table', 'compare', '--checks', $checks);
	is($got->{status}, 1, 'compare finds it') or diag("$got->{out}$got->{err}");
	harmless($got, "$locale, a finding");
	my $what = qr/^  what +there is\s+$escaped\s+$escaped\n/m;
	my $then = qr/^  why +because\s+$escaped\n  next +look at\s+$escaped\s+$escaped\n/m;
	like($got->{out}, qr/$what(?s:.*)$then/, 'which says what it has to');
	cmp_ok(scalar(() = $got->{out} =~ /202e/g), '>=', 7, 'with the name wherever it belongs') or diag($got->{out});
	$got = run('--socket', hostile_server(\&module), '--json', 'compare', '--checks', $checks);
	harmless($got, "$locale, a finding in JSON");
	is((json_of($got))[0]{module}{name} // '', $hostile, 'in which nothing is lost') or diag($got->{out});
}
$got = run('--socket', hostile_server(sub { '"error",' . as_sent({ code => 'busy', message => $hostile x 2 }) }),
	'--table', 'compare', '--checks', $checks);
harmless($got, 'why a check is blind');
like($got->{out}, qr/blind .*unreadable: .*\\u202e/, 'is told') or diag($got->{out});
$got = run('--socket', hostile_server(sub { '"error",' . as_sent({ code => 'busy', message => $hostile x 2 }) }),
	'compare', '--checks', $checks);
is(scalar(json_of($got)), 1, 'in JSON, too');

# --- a terminal
SKIP: {
	skip 'no script(1)', 4 unless grep { -x "$_/script" } split /:/, $ENV{PATH};
	my $raw = encode('UTF-8', $hostile) . "\xff\x9b";
	for my $command ('--json records', '--json records --raw', 'raw') {
		my $path = fake_server(sub {
			my ($client, $line, $nonce) = @_;
			($nonce) //= $line =~ /(4f1c0e6a9d2b4c58a7e3)/;
			my $body = as_sent({ seq => 0, name => $hostile,
				data => { type => 'raw', length => length $raw } });
			syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","p",$body]}\n$raw));
			syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","p"]}\n));
		});
		open(my $in, '>', "$dir/request") or die;
		print $in qq({"Virtue-protocol-version": 0.1, "request": ["4f1c0e6a9d2b4c58a7e3", "records", "p"]}\n);
		close $in;
		my $typed = "timeout 20 $ksense --socket $path $command <$dir/request";
		my $out = qx{script -qec "$typed" /dev/null </dev/null 2>&1};
		$out =~ s/\r\n/\n/g;
		harmless({ out => $out, err => '' }, "at a terminal: $command");
		like($out, qr/\\u202e/, 'which shows it');
	}
}

# --- the library's own
my $source = "$dir/harmless.c";
open($file, '>', $source) or die "$source: $!";
print $file <<'C';
#include <stdio.h>
#include <string.h>
#include "libksense.h"

/* With each size of the buffer: what is written is the beginning, whole characters, and ends. */
int main(int argc, char **argv)
{
	char all[4096], part[4096], again[4096];
	size_t len = ksense_harmless(all, sizeof(all), argv[1], strlen(argv[1]), 0);

	if (argc != 2 || strlen(all) != len)
		return 1;
	if (ksense_harmless(again, sizeof(again), all, len, 0) != len || strcmp(all, again))
		return 2;
	for (size_t size = 0; size <= len + 1; size++) {
		memset(part, 'X', sizeof(part));
		if (ksense_harmless(part, size, argv[1], strlen(argv[1]), 0) != len || part[size] != 'X')
			return 3;
		if (size && (strlen(part) >= size || strlen(part) + 12 < size || strncmp(part, all, strlen(part))))
			return 4;
		if (size && *part && (part[strlen(part) - 1] & 0xc0) == 0xc0)
			return 5;
	}
	puts(all);
	return 0;
}
C
close $file;
my $cc = $ENV{CC} // 'cc';
my $said = qx{$cc -o $dir/harmless -I$root/lib $source $build/lib/libksense.a -lxencall 2>&1};
is($?, 0, 'a program with the library is built') or diag($said);
my $text = encode('UTF-8', $hostile) . "\xff \xe2\x80 \xc0\x80 \xed\xa0\x80 \xf5 plain ";
open(my $out, '-|:raw', "$dir/harmless", $text) or die "harmless: $!";
my $shown = do { local $/; <$out> };
close $out;
is($? >> 8, 0, 'what does not fit is cut between characters, and nothing is escaped twice');
like($shown, qr/\\u00ff \\u00e2\\u0080 \\u00c0\\u0080 \\u00ed\\u00a0\\u0080 \\u00f5 plain /,
	'a byte that is no UTF-8 is shown, too');
harmless({ out => $shown =~ s/[^\n]*plain //r, err => '' }, 'the library');

done_testing;
