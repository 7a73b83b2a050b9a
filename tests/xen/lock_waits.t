#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The sensor is handed over while somebody's call is under way.
#
# Wrong in the world if this fails: the lock is said to hold, and whoever had Dom0 then turns
# probes off, by a call that was let in before.
#
# A CPU is kept in the midst of such a call, behind the moment at which it was asked what the
# caller may: through the emulator's debugger port the function that serves it becomes a jump to
# itself. The lock, on another CPU, has to wait for it.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

my %symbol = xen_symbols();
ok($symbol{ks_serve}, 'there are symbols of this Xen') or BAIL_OUT('no xen-syms');

my $dir = File::Temp->newdir;
my $socket = "$dir/gdb";

sub at_ks_serve {
	my ($do) = @_;
	return sub {
		my $gdb = gdb_open($socket);
		my $ok = eval { $do->($gdb, $symbol{ks_serve}); 1 };
		my $why = $@;
		gdb_close($gdb);
		die $why unless $ok;
	};
}

my $code;
my $hooks = {
	hold => at_ks_serve(sub { $code = gdb_read(@_, 2); gdb_write(@_, "\xeb\xfe") }),
	'let-go' => at_ks_serve(sub { gdb_write(@_, $code) }),
};
my $steps = boot(<<'SH', '--smp', 2, '--gdb', $socket, '--add', "$build/tests/access", $hooks);
step hold sleep 3
ksense --timeout 300 off xen-idt >off 2>&1 &
sleep 3
./access lock 0x7ff4 >lock 2>&1 &
lock=$!
sleep 3
step waits kill -0 $lock
step let-go sleep 1
wait
step off cat off
step lock cat lock
step late ksense on xen-idt
step records ksense --json records xen-idt --peek --filter kind=command
SH

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it') or diag $steps->{''}{err};
is($steps->{waits}{status}, 0, 'as long as a call is under way that was let in before, the lock does not hold');
unlike($steps->{off}{out}, qr/denied/, 'the call is served to its end') or diag $steps->{off}{out};
is($steps->{lock}{out}, "lock: ok\n", 'and the lock holds');
like($steps->{late}{err}, qr/denied/, 'a call that comes later is refused');
my ($off) = json($steps->{records});
is($off && "$off->{command} $off->{state}", 'off off', 'what the former did is told') or diag $steps->{records}{out};

done_testing;
