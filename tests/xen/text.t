#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Single bytes of Xen's code change under it: within a function, and at the very ends of what the
# CPU would execute.
#
# The changes come from outside, through the emulator's debugger port, so that Xen holds no test
# code.  First a byte well within a function that nobody calls: the sensor must say which range,
# which symbol, and when it is put back, that.  No record of either kind may come before.
#
# Wrong in the world if the rest fails: the last bytes of Xen's code, or what lies behind it in its
# last page, beside a CPU's stub, or in the code that starts a CPU, is executable, and watched by
# nobody; so that is where somebody puts his own.  Xen's own page tables, as xen-pagetables tells
# them, say what there is to watch.
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
my %symbol = xen_symbols();
my $address = $symbol{$function};
ok($address, "$function is in xen-syms") or BAIL_OUT('no such symbol');

my $dir = File::Temp->newdir;
my $socket = "$dir/gdb";
my $ask = 'raw \'' . request('records', 'xen-text') . "'";

# In the machine: wait until a record has this word.  Here: when it begins to wait, do
# what it waits for.
my $script = <<"SH";
peek() { raw '@{[request('records', 'xen-text', { peek => JSON::PP::true })]}'; }
wait_for() {
	i=0
	until peek | grep -q ":\\"\$1\\""; do
		i=\$((i + 1)); [ \$i -lt 900 ] || return 1; sleep 0.2
	done
}
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
step pagetables ksense --json records xen-pagetables --run --filter kind=image
wait_count() {
	i=0
	until [ "\$(peek | grep -c ":.\$1")" -ge \$2 ]; do
		i=\$((i + 1)); [ \$i -lt 900 ] || return 1; sleep 0.2
	done
}
# The stubs of both CPUs are in one page of memory, which each has at an address of its own: both
# are told of.
step wait-ends wait_count modified 6
step ends $ask
step wait-ends-back wait_count restored 6
step ends-back $ask
step wait-last wait_count modified 1
step last $ask
step wait-last-back wait_count restored 1
SH

my $old;
my $debugger = sub {
	my ($change) = @_;
	my $gdb = gdb_open($socket);
	$old //= gdb_read($gdb, $address + 32, 1);
	gdb_write($gdb, $address + 32, $change ? $old ^ "\x40" : $old);
	gdb_close($gdb);
};

# What is told of: its range, its symbol, and where it is.  The trampoline is at its address in
# idle vCPUs' tables only, so it is written by the direct map; the stubs' page has an address that
# the record of its baseline tells.
my (@ends, @old);
my $direct_map = 0xffff830000000000;
sub find_ends {
	my ($gdb, $out) = @_;
	my ($stubs) = $out =~ /"range":"stub-cpu1","address":"0x([0-9a-f]+)"/ or die 'no stub-cpu1';
	my $trampoline = unpack 'Q<', gdb_read($gdb, $symbol{trampoline_phys}, 8);
	my $started = $symbol{trampoline_cpu_started} - $symbol{trampoline_start};
	return (
		['text', $symbol{_etext} % 4096 ? qr/^_etext\+0x/ : qr/./, $symbol{__2M_text_end} - 1],
		['rodata', qr/^_srodata\+0x/, $symbol{__2M_rodata_end} - 1],
		['trampoline', qr/^trampoline\+0x/, $direct_map + $trampoline + $started - 1,
			$trampoline + $started - 1],
		['trampoline-boot', qr/^trampoline\+0x/, $direct_map + $trampoline + 0xfff, $trampoline + 0xfff],
		['stub-cpu1', qr/^stub-page-cpu1\+0xf80/, hex($stubs) + 0xf8f],
	);
}
my $at_ends = sub {
	my ($change, $out) = @_;
	my $gdb = gdb_open($socket);
	@ends = find_ends($gdb, $out) if $change;
	@old = map { gdb_read($gdb, $_->[2], 1) } @ends if $change;
	gdb_write($gdb, $ends[$_][2], $change ? $old[$_] ^ "\x40" : $old[$_]) for 0 .. $#ends;
	gdb_close($gdb);
};
# The last byte of code is in the same page as what lies behind, and what changes in one page is
# told as one.
my $last = $symbol{_etext} - 1;
my $at_last = sub {
	my $gdb = gdb_open($socket);
	gdb_write($gdb, $last, gdb_read($gdb, $last, 1) ^ "\x40");
	gdb_close($gdb);
};
my $steps = boot($script, '--smp', 2, '--one-thread', '--gdb', $socket, {
	'wait-modified' => sub { $debugger->(1) },
	'wait-restored' => sub { $debugger->(0) },
	'wait-ends' => sub { $at_ends->(1, @_) },
	'wait-ends-back' => sub { $at_ends->(0, @_) },
	'wait-last' => $at_last,
	'wait-last-back' => $at_last,
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

# === To the ends =============================================================

my @image = json($steps->{pagetables});
cmp_ok(scalar(grep { $_->{allows} =~ /x/ } @image), '>', 0, 'something of Xen can be executed')
	or diag $steps->{pagetables}{out};
my $covered = sub {
	my ($range, $of) = @_;
	hex($of->{address}) >= hex($range->{address}) &&
		hex($of->{address}) + $of->{bytes} <= hex($range->{address}) + $range->{length}
};
is_deeply([grep { !$covered->($baseline{text}, $_) } grep { $_->{allows} =~ /x/ } @image], [],
	'and all of that is watched as text');
is_deeply([grep { !$covered->($baseline{rodata}, $_) } grep { $_->{is} eq 'rodata' } @image], [],
	'and all constants as rodata');
is(scalar(grep { $_->{length} != 4096 } map { $baseline{$_} } grep { /stub-cpu/ } keys %baseline), 0,
	'and the whole page of each CPU with its stub');

my @told = records($steps->{ends});
is(scalar(@ends), 5, 'bytes were changed at five ends');
for my $end (@ends) {
	my ($range, $symbol, $where, $shown) = @$end;
	$shown //= $where;
	my @of = grep { $_->{kind} eq 'modified' && hex($_->{address}) <= $shown &&
		$shown < hex($_->{address}) + $_->{length} } @told;
	is(scalar(@of), 1, sprintf('a byte at %x is told, once', $shown)) or diag $steps->{ends}{out};
	is($of[0]{range}, $range, "in $range");
	like($of[0]{symbol} // '', $symbol, 'with where it is by name');
}
my $places = sub { join ' ', sort map { "$_->{range}:$_->{address}" } grep { $_->{kind} eq $_[0] } @{$_[1]} };
is($places->('restored', [records($steps->{'ends-back'})]), $places->('modified', \@told),
	'and that they were put back') or diag $steps->{ends}{out}, $steps->{'ends-back'}{out};
my @of_last = grep { $_->{kind} eq 'modified' } records($steps->{last});
is(scalar(@of_last), 1, 'the last byte of all code changes: one record');
ok(hex($of_last[0]{address} // 0) <= $last && $last < hex($of_last[0]{address} // 0) + ($of_last[0]{length} // 0),
	'of that place') or diag explain \@of_last;
is($steps->{'wait-last-back'}{status}, 0, 'and that it was put back');

done_testing;
