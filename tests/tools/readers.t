#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare by whoever may only read, and of what was done to a sensor: here on the server of
# the host port, whose sensor stands for the module's.
#
# Wrong in the world if this fails: who may not ask for a fresh sample is told that all agrees,
# though nothing was looked at; or hears nothing for a minute and thinks that it hangs; or a probe
# is turned off, and nobody is told.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use JSON::PP;
use Test::More;

for my $name (qw(one two)) {
	open(my $file, '>', "$folder/$name") or die "$name: $!";
}
sub rule { return { finding => $_[0], severity => 'low', what => 'w {name} {by}', why => 'y', next => 'n' } }
sub checks {
	my ($name, @checks) = @_;
	open(my $file, '>', "$dir/$name") or die "$name: $!";
	print $file JSON::PP->new->encode({ checks => \@checks });
	close $file;
	return "$dir/$name";
}
sub files { return { check => 'files', xen => { source => 'module', probe => 'folder', kind => 'entry',
	key => ['name'], @_ }, dom0 => [], only_xen => rule('file') } }
my $all = checks('all', files());
my $none = checks('none', files(where => { name => 'three' }));
my $deeds = checks('deeds', { check => 'sensor', sensor => 'module',
	map { ($_ => rule($_)) } qw(off lowered reset restarted gone) });

sub compare {
	my ($socket, $checks, @more) = @_;
	return run('--socket', $socket, '--json', 'compare', '--checks', $checks, @more);
}
sub coverage { return (grep { $_->{checks} } json_of($_[0]))[-1]{checks}[0] }
sub found { return join(' ', sort map { $_->{what} } grep { $_->{finding} } json_of($_[0])) }

# --- Who may only read
my $shy = "$dir/shy";
start_server($shy, '--read-only');
my $got = compare($shy, $all);
is($got->{status}, 1, 'who may only read sees') or diag $got->{out}, $got->{err};
is(found($got), 'w one - w two -', 'all that is there');
is($got->{err}, '', 'and on no terminal nothing is said of waiting');
is(compare($shy, $none)->{status}, 0, 'and where there is nothing, it agrees');
$got = compare($shy, $none, '--wait', 0.001);
is($got->{status}, 3, 'who does not wait has not seen');
is(coverage($got)->{reason}, 'timeout', 'and is told so');
like(coverage($got)->{words}, qr/folder, which makes a pass by itself about every 1 s.*--wait/, 'with what to do');
my $terminal = `script -qec "$ksense --socket $shy --json compare --checks $none" /dev/null </dev/null`;
like($terminal, qr/waiting for a pass of folder \(module\): 0 s, at most \d+/,
	'on a terminal it says what it waits for');
like($terminal, qr/\r\e\[K\{/, 'and takes that away again');

# --- What is done to a sensor
my $socket = "$dir/socket";
my @s = ('--socket', $socket);
start_server($socket);
is(compare($socket, $deeds)->{status}, 0, 'nothing was done to a sensor');
run(@s, 'off', 'folder');
run(@s, 'on', 'folder');
$got = compare($socket, $deeds);
is($got->{status}, 1, 'a probe was off: a finding');
like(found($got), qr/^w - process \d+ of user $>$/, 'by whom');
run(@s, 'records', 'folder');
is(compare($socket, $deeds)->{status}, 0, 'until somebody has read of it');
run(@s, 'high', 'folder');
is(compare($socket, $deeds)->{status}, 0, 'a level that is raised is none');
run(@s, 'default', 'folder');
like(compare($socket, $deeds)->{out}, qr/"finding":"lowered"/, 'one that is lowered is');
run(@s, 'reset', 'folder');
like(compare($socket, $deeds)->{out}, qr/"finding":"reset"/, 'and a reset');

done_testing;
