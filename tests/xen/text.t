#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# One byte of Xen's code changes under it.
#
# The change comes from outside, through the emulator's debugger port, so that Xen holds no test code: a byte well within
# of a function that nobody calls.  The sensor must say which range, which symbol, and when it is put back, that.  No record
# of either kind may come before.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

# keyhandler's "dump_registers" runs only when somebody presses a key on Xen's console.
my $function = 'dump_registers';
my $address = {xen_symbols()}->{$function};
ok($address, "$function is in xen-syms") or BAIL_OUT('no such symbol');

my $dir = File::Temp->newdir;
my $socket = "$dir/gdb";
my $ask = 'raw \'' . request('records', 'xen-text') . "'";

# In the machine: wait until a record has this word.  Here: when it begins to wait, do what it waits for.
my $script = <<"SH";
wait_for() { i=0; until raw '@{[request('records', 'xen-text', { peek => JSON::PP::true })]}' | grep -q ":\\"\$1\\""; do i=\$((i + 1)); [ \$i -lt 900 ] || return 1; sleep 0.2; done; }
raw '@{[request('high', 'xen-text')]}' >/dev/null
# The last of the baselines.
wait_for stub-cpu1
step before $ask
raw '@{[request('adversarial', 'xen-text')]}' >/dev/null
step wait-modified wait_for modified
step modified $ask
step raw raw '@{[request('records', 'xen-text', { record => 0 })]}'
step wait-restored wait_for restored
step restored $ask
step run raw '@{[request('records', 'xen-text', { run => JSON::PP::true })]}'
SH

my $old;
my $debugger = sub {
	my ($change) = @_;
	my $gdb = gdb_open($socket);
	$old //= gdb_read($gdb, $address + 32, 1);
	gdb_write($gdb, $address + 32, $change ? $old ^ "\x40" : $old);
	gdb_close($gdb);
};
my $steps = boot($script, '--smp', 2, '--one-thread', '--gdb', $socket, '--timeout', 600, {
	'wait-modified' => sub { $debugger->(1) },
	'wait-restored' => sub { $debugger->(0) },
});

my @before = records($steps->{before});
my %baseline = map { $_->{range} => $_ } grep { $_->{kind} eq 'baseline' } @before;
ok($baseline{text} && $baseline{rodata}, 'baselines of text and rodata');
ok((grep { /stub-cpu/ } keys %baseline) == 2, "and of each CPU's entry stub");
like($baseline{text}{sha256}, qr/^[0-9a-f]{64}$/, 'with the SHA-256 of the range');
is((grep { $_->{kind} eq 'modified' } @before), 0, 'nothing was modified before');

my @modified = grep { $_->{kind} eq 'modified' } records($steps->{modified});
is(scalar(@modified), 1, 'the change is reported once') or diag $steps->{modified}{out};
is($modified[0]{range}, 'text', 'in the text');
like($modified[0]{symbol} // '', qr{(^|#)\Q$function\E\+}, 'by the name of the function');
my $start = hex $modified[0]{address};
ok($start <= $address + 32 && $address + 32 < $start + $modified[0]{length}, 'the place is within what is reported');
cmp_ok($modified[0]{length}, '<=', 16, 'which is no longer than a cell');
like($modified[0]{sha256}, qr/^[0-9a-f]{64}$/, 'with the SHA-256 of the page as it is now');
like($modified[0]{bytes} // '', qr/^([0-9a-f]{2})+$/, 'and at adversarial the bytes');

my @restored = grep { $_->{kind} =~ /modified|restored/ } records($steps->{restored});
is(scalar(@restored), 1, 'putting it back is reported once');
is($restored[0]{kind}, 'restored', 'as restored');
is($restored[0]{symbol}, $modified[0]{symbol}, 'by the same name');
my ($sweep) = grep { $_->{kind} eq 'sweep' && $_->{range} eq 'text' } records($steps->{run});
is($sweep->{modified}, 0, 'a fresh sweep finds nothing modified');

done_testing;
