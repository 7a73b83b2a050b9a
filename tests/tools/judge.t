#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare with a sensor that is there: the server of the host port in the module's place,
# with its probe "folder".
#
# Wrong in the world if this fails: what is read of a record in order to compare it is not what the
# sensor told, or a finding shows less of it; one deed is told as several, or what becomes of it is
# not told.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Test::More;
use ToolTest;

# Any bytes may be in a file's name.
my @names = ('plain', 'with "quotes"', "not UTF-8: \xff", "two\nlines", "\xc3\xbc");
for my $name (@names) {
	open(my $file, '>:raw', "$folder/$name") or die "$folder: $!";
	print $file 'x' x 300;
	close $file;
}
my $server = start_server("$dir/socket");

my $entry = { source => 'module', probe => 'folder', kind => 'entry', key => ['name'] };
my %told = (severity => 'low', why => 'y', next => 'n');
sub compare {
	my ($checks, @options) = @_;
	open(my $file, '>', "$dir/checks") or die "$dir/checks: $!";
	print $file JSON::PP->new->encode({ checks => $checks });
	close $file;
	return run('--socket', "$dir/socket", 'compare', '--checks', "$dir/checks", @options);
}

# --- One side: the finding has all that the sensor told of the item
my $alone = compare([{ check => 'c', looks => 1, xen => $entry, dom0 => [],
	only_xen => { %told, finding => 'entry', what => '{name} of {type}' } }]);
my ($coverage) = grep { $_->{checks} } json_of($alone);
my %found = map { $_->{where}{name} => $_ } grep { $_->{finding} } json_of($alone);
is($alone->{status}, 1, 'what is found is in the status') or diag $alone->{err};
is(scalar(keys %found), scalar(@names), 'each entry of the folder is found');
my $records = run('--socket', "$dir/socket", 'records', 'folder', '--run', '--peek', '--json',
	'--filter', 'kind=entry');
my %record = map { $_->{name} => $_ } json_of($records);
delete @$_{qw(seq time probe kind class epoch pass event)} for values %record;
is_deeply({ map { $_ => $found{$_}{module} } keys %found }, \%record, 'with all that the sensor tells of it');
is($found{plain}{what}, 'plain of file', 'and in a sentence');
like(run('--socket', "$dir/socket", '--table', 'compare', '--checks', "$dir/checks")->{out},
	qr/^  first seen \S+, in one look$/m, 'and a person reads in how many looks');

# --- Two sides
my $both = compare([{ check => 'c', looks => 2, xen => $entry, dom0 => [$entry],
	only_xen => { %told, finding => 'more', what => 'w' },
	only_dom0 => { %told, finding => 'less', what => 'w' } }]);
($coverage) = grep { $_->{checks} } json_of($both);
is_deeply([@{$coverage->{checks}[0]}{qw(verdict xen_items dom0_items)}], ['agrees', (scalar @names) x 2],
	'two views of the same agree');
is($both->{status}, 0, 'which is the status');
my $part = compare([{ check => 'c', looks => 2, pause_ms => 1, xen => $entry,
	dom0 => [{ %$entry, where => { name => { not => 'plain' } } }],
	only_xen => { %told, finding => 'more', what => '{name}, {size}' } }]);
my ($more) = grep { $_->{finding} } json_of($part);
is($more->{what}, 'plain, 0x12c', 'what one side has not is found, with members that were not compared');
is_deeply([$more->{dom0}, $more->{times}], [undef, { module => {}, dom0 => {} }],
	'and the other side has nothing to say');

# --- One deed
my @deed = map { { check => $_->[0], looks => 1, xen => { %$entry, where => { name => 'plain' } }, dom0 => [],
	only_xen => { %told, severity => $_->[1], finding => "in-$_->[0]", what => "$_->[0] has {name}",
		deed => { file => ['inode'] } } } }
	['first', 'low'], ['second', 'critical'];
my $one = compare(\@deed);
my ($finding, @others) = grep { $_->{finding} } json_of($one);
is_deeply(\@others, [], 'what two checks report is one finding');
is_deeply([$finding->{finding}, $finding->{severity}, map { $_->{what} } @{$finding->{also}}],
	['in-first', 'critical', 'second has plain'],
	'with what the other says, and as bad as the worst');
like(run('--socket', "$dir/socket", 'compare', '--table', '--checks', "$dir/checks")->{out},
	qr/^FINDING \w+ in-first \(critical\)\n  what +first has plain\n.*^  also +second has plain\n.*^1 finding, /ms,
	'for a person as well');

# --- What becomes of it
chmod 0100, "$folder/plain" or die "$folder/plain: $!";
my $watcher = fork // die "fork: $!";
if (!$watcher) {
	open(STDOUT, '>', "$dir/watch") or die "$dir/watch: $!";
	$deed[$_]{only_xen}{what} = "$_ has {name} with {mode}" for 0, 1;
	$deed[1]{xen}{where}{mode} = '400';
	open(my $file, '>', "$dir/watched") or die "$dir/watched: $!";
	print $file JSON::PP->new->encode({ checks => \@deed });
	close $file;
	exec $ksense, '--socket', "$dir/socket", '--json', 'compare', '--watch', '--interval', '0.05',
		'--checks', "$dir/watched" or die "exec: $!";
}
sub watched { return json_of({ out => slurp("$dir/watch") =~ s/[^\n]*\z//r }) }
ok(wait_until { grep { $_->{checks} } watched() }, 'it is watched');
chmod 0400, "$folder/plain" or die "$folder/plain: $!";
ok(wait_until { grep { $_->{changed} } watched() }, 'that another check reports it, too, is told');
unlink "$folder/plain" or die "$folder/plain: $!";
ok(wait_until { grep { $_->{gone} } watched() }, 'and that it is gone');
kill 'INT', $watcher;
waitpid($watcher, 0);
is($? >> 8, 1, 'there was a finding');
my @lines = grep { !$_->{checks} } watched();
is_deeply([map { (grep { /^(finding|changed|gone)$/ } keys %$_)[0] } @lines], [qw(finding changed gone)],
	'each once') or diag slurp("$dir/watch");
is_deeply([map { $_->{id} } @lines], [($lines[0]{id}) x 3], 'under one id');
is_deeply([map { $_->{what} } $lines[1]{now}, @{$lines[1]{now}{also}}],
	['0 has plain with 100', '1 has plain with 400'], 'with what both say');

stop_server($server);
done_testing;
