#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What `make install` gives to whoever writes a program with the library: a shared library that
# exports what its header declares and nothing else, one to link in, what pkg-config tells, a man
# page whose example works; and what `make uninstall` leaves: nothing.
#
# Nothing is built here, as other tests run beside this one: `make host tools` was before.
#
# Wrong in the world if this fails: a program does not link, or finds a function of its own
# inside our library; a new library breaks old programs; or files that nobody knows stay on
# somebody's machine.
use strict;
use warnings;
use File::Find;
use File::Path 'make_path';
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;

my $b = $ENV{KS_B} // 'build';
my ($dest, $prefix) = ("$dir/dest", '/opt/k');
my $at = "$dest$prefix";

# What a make that runs us hands down is not meant for these.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES B DESTDIR PREFIX)};

# What a program says, errors too, and its status.
sub said {
	open(my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @_) or die "$_[0]: $!";
	my $said = do { local $/; <$pipe> } // '';
	close $pipe;
	return ($said, $? >> 8);
}

sub make {
	return said('make', '-C', $root, '--no-print-directory', "B=$b", "DESTDIR=$dest", "PREFIX=$prefix", @_);
}

# Everything below a folder, folders with a / behind them.
sub all_below {
	my ($top) = @_;
	my @all;
	find({ no_chdir => 1, wanted => sub { push @all, substr($_, length($top) + 1) . (-d $_ && !-l $_ ? '/' : '')
		if $_ ne $top } }, $top);
	return sort @all;
}

sub write_file {
	my ($file, $text) = @_;
	open(my $out, '>', $file) or die "$file: $!";
	print $out $text;
	close $out or die "$file: $!";
}

my ($text, $status) = make('-q', 'host', 'tools');
die "what is in $b is not what would be installed: make host tools\n" if $status;

# === Installed ===

# Somebody else's, that has to stay.
make_path("$at/include/ksense", "$at/lib/pkgconfig");
write_file("$at/lib/pkgconfig/other.pc", "other\n");
my @before = grep { !m{^include/} } all_below($at);

($text, $status) = make('install');
is($status, 0, 'make install') or diag($text);
unlike($text, qr/\b-c -o\b/, 'builds nothing');
my %mode = (
	'bin/ksense' => '755', 'bin/ksense-host' => '755', 'lib/libksense.a' => '644', 'lib/libksense.so.0' => '644',
	'lib/pkgconfig/ksense.pc' => '644',
	'include/ksense/libksense.h' => '644', 'include/ksense/sense.h' => '644', 'share/ksense/checks.json' => '644',
	'share/bash-completion/completions/ksense' => '644',
	'share/man/man1/ksense.1' => '644', 'share/man/man3/ksense.3' => '644',
	'share/man/man5/ksense-checks.5' => '644',
	'share/man/man8/ksense-host.8' => '644',
	map { s{^\Q$root\E/docs}{share/doc/ksense}r => '644' }
		map { glob "$root/docs/$_" } qw(*.md findings/*.md probes/*.md schema/*.json),
);
is_deeply([grep { !m{/$} } all_below($at)], [sort keys %mode, 'lib/libksense.so', 'lib/pkgconfig/other.pc'],
	'just these files');
is_deeply({ map { $_ => sprintf '%o', (stat "$at/$_")[2] & 07777 } keys %mode }, \%mode, 'with these modes');
is(readlink "$at/lib/libksense.so", 'libksense.so.0', 'a linker finds the shared library');
ok(-e "$at/" . JSON::PP->new->decode(slurp("$at/share/ksense/checks.json"))->{pages} . '/hidden-process.md',
	'the page to which a finding points is there');
my @astray;
for my $page (grep { /\.md$/ } sort keys %mode) {
	my $folder = "$at/$page" =~ s{/[^/]*$}{}r;
	push @astray, map { "$page: $_" } grep { !m{^\w+://} && !-e "$folder/" . s/#.*//r }
		grep { !/^#/ } slurp("$at/$page") =~ /\]\(([^)\s]+)\)/g;
}
is_deeply(\@astray, [], 'no page has a link to what is not installed');
($text, $status) = said("$at/bin/ksense", '--version');
my ($version) = $text =~ /^ksense (\S+)$/;
ok($version, 'the command runs');

# === The libraries ===

my %declared = map { $_ => 1 } slurp("$at/include/ksense/libksense.h") =~ /^\w[\w ]*[ *](ksense_\w+)\(.*\);$/mg;
cmp_ok(scalar keys %declared, '>', 15, 'the header declares functions');

my $so = "$at/lib/libksense.so.0";
my %exported = map { /^\S* ?([A-Zi]) (\S+)/ ? ($2 => $1) : () } split /\n/,
	(said('nm', '-D', '--defined-only', $so))[0];
is(delete $exported{LIBKSENSE_0}, 'A', 'the shared library has a version');
is_deeply([sort keys %exported], [map { "$_\@\@LIBKSENSE_0" } sort keys %declared],
	'in which it exports what the header declares, and nothing else');
like((said('readelf', '-dW', $so))[0], qr/\(SONAME\)\s.*\[libksense\.so\.0\]/, 'its soname');
like((said('readelf', '-dW', $so))[0], qr/\(NEEDED\)\s.*\[libxencall\.so\.1\]/, 'it brings what it needs');

my @global = map { /^\S* [A-Z] (\S+)/ ? $1 : () } split /\n/,
	(said('nm', '-g', '--defined-only', "$at/lib/libksense.a"))[0];
is_deeply([sort @global], [sort keys %declared], 'the other library has the same');

# === pkg-config, and programs ===

$ENV{PKG_CONFIG_LIBDIR} = "$at/lib/pkgconfig";
delete @ENV{qw(PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR)};
sub flags {
	my ($text, $status) = said('pkg-config', @_, 'ksense');
	is($status, 0, "pkg-config @_") or diag($text);
	return split ' ', $text;
}

is_deeply([flags('--cflags')], ["-I$prefix/include"], 'says where the header is');
is_deeply([flags('--libs')], ["-L$prefix/lib", '-lksense'], 'and the library');
is_deeply([flags('--modversion')], [$version], 'and which version');

# As whoever installs below a DESTDIR does it.
my @prefix = ("--define-variable=prefix=$at");
# It has names of ours, which must not meet ours.
write_file("$dir/program.c", <<'C');
#include <ksense/libksense.h>
#include <stdio.h>

int ks_json_next(void);
int ksense_fail(void);
int ks_json_next(void) { return 1; }
int ksense_fail(void) { return 2; }

int main(void)
{
	struct ksense_filter filter = { "name", "\"a\"" };
	struct ksense_request request = { .command = "records", .filters = &filter, .filters_count = 1 };
	struct ksense *k = ksense_new();
	char line[KSENSE_REQUEST_MAX];
	int bytes = ksense_build(k, &request, line, sizeof(line));

	printf("%d %.*s", ks_json_next() + ksense_fail(), bytes, line);
	filter.value = "a";
	ksense_build(k, &request, line, sizeof(line));
	puts(ksense_error_name(ksense_error(k)));
	ksense_free(k);
	return 0;
}
C

sub works {
	my ($name, @libs) = @_;
	($text, $status) = said('cc', '-Wall', '-Wextra', '-Werror', flags(@prefix, '--cflags'), '-o', "$dir/$name",
		"$dir/program.c", @libs);
	is($status, 0, "a program is linked, $name") or diag($text);
	local $ENV{LD_LIBRARY_PATH} = "$at/lib";
	($text, $status) = said("$dir/$name");
	like($text, qr/^3 \{.*"records".*"name": "a".*\}\nmisuse\n$/, 'and runs');
	return (said('readelf', '-dW', "$dir/$name"))[0];
}

like(works('shared', flags(@prefix, '--libs')), qr/libksense\.so\.0/, 'with the shared library');
unlike(works('static', map { $_ eq '-lksense' ? '-l:libksense.a' : $_ } flags(@prefix, '--static', '--libs')),
	qr/libksense/, 'with the other');

# === The man page ===

my $page = "$at/share/man/man3/ksense.3";
my $man = slurp($page);
like($man, qr/^\.Os ksense \Q$version\E$/m, 'the man page is of this version');
is_deeply([sort map { split / , | ,$/ } $man =~ /^\.Nm (ksense_.*)$/mg], [sort keys %declared], 'names all functions');

# A prototype with one space between two words, and none elsewhere.
sub plain {
	return $_[0] =~ s/\s+/ /gr =~ s/ ?([*(),;]) ?/$1/gr;
}
my $header = slurp("$at/include/ksense/libksense.h");
my @paged;
while ($man =~ /^\.Ft (.*)\n\.Fn (\w+) (.*)$/mg) {
	my ($type, $name, $args) = ($1, $2, $3);
	push @paged, plain("$type $name(" . join(', ', $args =~ /"/ ? $args =~ /"([^"]*)"/g : $args) . ');');
}
is_deeply([sort @paged], [sort map { plain($_) } $header =~ /^(\w[\w ]*[ *]ksense_\w+\(.*\);)$/mg],
	'and says how they are called as the header does');
like($man, qr/\b$_\b/, "and has $_") for $header =~ /^\t(KSENSE_(?!OK\b)\w+),/mg;
SKIP: {
	skip 'no man', 1 unless grep { -x "$_/man" } split /:/, $ENV{PATH};
	is((said('sh', '-c', 'man --warnings -l "$1" 2>&1 >/dev/null', 'sh', $page))[0], '',
		'man has nothing to complain about');
}

my ($example) = $man =~ /^\.Sh EXAMPLES\n.*?^\.Bd -literal.*?\n(.*?)^\.Ed$/ms;
write_file("$dir/example.c", $example =~ s/\\e/\\/gr);
($text, $status) = said('cc', '-Wall', '-Wextra', '-Werror', flags(@prefix, '--cflags'), '-o', "$dir/example",
	"$dir/example.c", flags(@prefix, '--libs'));
is($status, 0, 'its example is a program') or diag($text);
sub example {
	local $ENV{LD_LIBRARY_PATH} = "$at/lib";
	return said("$dir/example", @_);
}
is((example())[1], 2, 'which wants arguments');
($text, $status) = example("$dir/none", 'folder');
is($status, 1, 'fails without a sensor');
like($text, qr{\Ano-sensor: no sensor listens at \Q$dir\E/none: .*\n\z}, 'and says so');
write_file("$folder/a file", '');
my $server = start_server("$dir/socket");
ok(wait_until {
	($text, $status) = example("$dir/socket", 'folder');
	$text =~ /^\{.*"name": ?"a file".*\}$/m
}, 'with one it prints records') or diag($text);
is($status, 0, 'and goes through');
($text, $status) = example("$dir/socket", 'none');
is($status, 1, 'a refusal is a failure');
like($text, qr/\Atarget: .+\n\z/, 'and is told');
stop_server($server);

# === Uninstalled ===

write_file("$at/share/ksense/mine", "mine\n");
($text, $status) = make('uninstall');
is($status, 0, 'make uninstall') or diag($text);
is_deeply([grep { !m{/$} } all_below($at)], ['lib/pkgconfig/other.pc', 'share/ksense/mine'],
	"leaves no file but others'");
ok(!-e "$at/include/ksense" && !-e "$at/share/doc/ksense", 'and no folder of ours');
unlink "$at/share/ksense/mine" or die "mine: $!";
($text, $status) = make('uninstall');
is($status, 0, 'where there is nothing, it is fine') or diag($text);
ok(!-e "$at/share/ksense", 'and what is empty by now goes, too');
is_deeply([grep { $_ eq 'lib/' || m{^lib/} } all_below($at)], \@before, "others' folders stay");

done_testing;
