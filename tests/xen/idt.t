#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe xen-idt: what each CPU enters Xen by.  Gates, a descriptor and a register of one CPU
# change under Xen, from outside, through the emulator's debugger port.
#
# Wrong in the world if this fails: somebody takes each page fault of one CPU before Xen does, and
# nobody says so; or a fork load, or a CPU that is turned off and on, is reported as that.  That a
# guest's state is not mistaken for it either, when it is an HVM guest's, is in guests.t.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

my %symbol = xen_symbols();
ok($symbol{xen_entry('PF')}, 'there are symbols of this Xen') or BAIL_OUT('no xen-syms');

# Nothing in this machine raises these two vectors; LMSLE is a bit of EFER that the emulator's
# CPU has no use for.
my ($overflow, $bounds, $lmsle) = (4, 5, 0x2000);
# One of the 500 places in Xen's page of the GDT that are empty, and a gate that would let user
# space call into Xen through it.
my ($selector, $call_gate) = (0xe100, 0x0000ec00e0080000);

my $dir = File::Temp->newdir;
my $socket = "$dir/gdb";
my $seconds = $ENV{KS_IDT_SECONDS} // 10;
my @options = ('--smp', 2, '--one-thread', '--add', $hptool, '--gdb', $socket, '--add', "$build/tests/forks",
	'--timeout', 600 + $seconds, hooks());
my $steps = boot(<<"SH", @options);
taken() { ksense --json records xen-idt; }
wait_for() {
	i=0
	until ksense --json records xen-idt --peek | grep -q "\$1"; do
		i=\$((i + 1))
		[ \$i -lt 150 ] || return 1
		sleep 0.2
	done
}
step sample ksense --json records xen-idt --run
ksense adversarial xen-idt >/dev/null
step load ./forks $seconds
step after-load taken
step load-status ksense --json status xen-idt

for what in gate gate-back descriptor descriptor-back efer efer-back; do
	step wait-\$what wait_for '"event":"changed"'
	step \$what taken
done
step again ksense --json records xen-idt --run

step hotplug sh -c '
	for i in 1 2 3 4 5; do
		xen-hptool cpu-offline 1 && sleep 0.3 && xen-hptool cpu-online 1 && sleep 0.3 || exit 1
	done'
step after-hotplug taken
xen-hptool cpu-offline 1
step one-cpu ksense --json records xen-idt --run
xen-hptool cpu-online 1
step two-cpus ksense --json records xen-idt --run
step status ksense --json status xen-idt
SH

# What is done to the machine, as each of the waits begins.
my (%table, $old_gate, $new_gate, $efer);
sub hooks {
	my $with_gdb = sub {
		my ($do) = @_;
		return sub {
			my $gdb = gdb_open($socket);
			my $ok = eval { $do->($gdb); 1 };
			my $why = $@;
			gdb_close($gdb);
			die $why unless $ok;
		};
	};
	my $qword = sub { my ($gdb, $address) = @_; unpack 'Q<', gdb_read($gdb, $address, 8) };
	my $gdt = sub {
		my ($gdb) = @_;
		$qword->($gdb, $symbol{per_cpu__gdt} + $qword->($gdb, $symbol{__per_cpu_offset} + 8));
	};
	return {
		'wait-gate' => $with_gdb->(sub {
			my ($gdb) = @_;
			$table{$_} = xen_idt($gdb, $_) for 0, 1;
			$old_gate = gdb_read($gdb, $table{1} + 16 * $overflow, 16);
			$new_gate = gdb_read($gdb, $table{1} + 16 * $bounds, 16);
			gdb_write($gdb, $table{1} + 16 * $overflow, $new_gate);
		}),
		'wait-gate-back' => $with_gdb->(sub { gdb_write($_[0], $table{1} + 16 * $overflow, $old_gate) }),
		# The pointer is to the first of Xen's own descriptors, 0xe000.
		'wait-descriptor' => $with_gdb->(
			sub { gdb_write($_[0], $gdt->($_[0]) + $selector - 0xe000, pack('Q<', $call_gate)) }),
		'wait-descriptor-back' => $with_gdb->(
			sub { gdb_write($_[0], $gdt->($_[0]) + $selector - 0xe000, pack('Q<', 0)) }),
		'wait-efer' => $with_gdb->(sub { $efer = gdb_efer($_[0], 1); gdb_efer($_[0], 1, $efer | $lmsle) }),
		'wait-efer-back' => $with_gdb->(sub { gdb_efer($_[0], 1, $efer) }),
	};
}

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it') or diag $steps->{''}{err};

# --- What there is, against Xen's symbols
my @sample = json($steps->{sample});
my %covered;
for my $gates (grep { $_->{kind} eq 'common-gates' } @sample) {
	$covered{$_} = { %$gates, handler => hex($gates->{handler}) + $gates->{stride} * ($_ - $gates->{vector}) }
		for $gates->{vector} .. $gates->{last};
}
is_deeply([grep { !$covered{$_}{present} } 0 .. 255], [], 'each of the 256 vectors has a gate');
my %leads = (0 => 'DE', 2 => 'NMI', 8 => 'DF', 13 => 'GP', 14 => 'PF', 18 => 'MC');
$_ = xen_entry($_) for values %leads;
is($covered{$_}{handler}, $symbol{$leads{$_}}, "vector $_ leads to $leads{$_}") for sort { $a <=> $b } keys %leads;
is($covered{14}{symbol}, "$leads{14}+0x0", 'and says so');
cmp_ok($covered{$_}{ist}, '>', 0, "vector $_ has a stack of its own") for 2, 8, 18;
is($covered{3}{dpl}, 3, 'a breakpoint may be raised by anybody');

my %of; # of each kind, by CPU: the newest
$of{$_->{kind}}{$_->{cpu}} = $_ for grep { defined $_->{cpu} } @sample;
for my $cpu (0, 1) {
	my ($is, $syscall, $tss) = map { $of{$_}{$cpu} // {} } qw(cpu syscall tss);
	is_deeply([@$is{qw(gates gates_unlike descriptors_unlike)}], [256, 0, 0],
		"CPU $cpu: all of its gates are these, and its descriptors");
	is(hex($is->{idt} // 0), $table{$cpu}, "CPU $cpu: its IDT is where Xen has it");
	is($is->{task_register}, '0xe040', "CPU $cpu: its TSS is Xen's");
	is($syscall->{lstar_symbol}, "stub-cpu$cpu+0x0", "CPU $cpu: a system call enters by its own stub");
	is($syscall->{own_stub}, JSON::PP::true, "CPU $cpu: so does one of a 32-bit program");
	is(hex($tss->{ist2} // 0) >> 15, hex($tss->{rsp0} // 0) >> 15,
		"CPU $cpu: an NMI's stack is beside the CPU's own");
}
isnt($of{tss}{0}{address}, $of{tss}{1}{address}, 'each CPU has a TSS of its own');
is_deeply([grep { $_->{kind} =~ /^(idt-gate|descriptor)$/ } @sample], [],
	'no gate or descriptor is unlike the others');

# --- Harmless
my ($load) = $steps->{load}{out} =~ /^(\d+) processes/;
my ($runs) = json($steps->{'load-status'});
cmp_ok($load // 0, '>', 0, 'there was a load');
cmp_ok($runs->{runs}, '>', 5 * $seconds, 'while the probe looked') or diag $steps->{'load-status'}{out};
my $untold = sub { [grep { ($_->{event} // 'present') ne 'present' } json($steps->{$_[0]})] };
is_deeply($untold->('after-load'), [], 'nothing is told of it');

# --- Attacks
my $only = sub {
	my ($step) = @_;
	my @all = json($steps->{$step});
	is(scalar(@all), 1, "$step: one record") or diag explain \@all;
	return $all[0] // {}
};
my $handler = sub {
	my ($low, $middle, $high) = unpack 'S< x4 S< L<', $_[0];
	return sprintf '0x%x', $low | $middle << 16 | $high << 32;
};
my ($to_overflow, $to_bounds) = map { xen_entry($_) . '+0x0' } qw(OF BR);
my $gate = $only->('gate');
is_deeply([@$gate{qw(kind event cpu vector handler symbol)}],
	['idt-gate', 'changed', 1, $overflow, $handler->($new_gate), $to_bounds],
	  'a gate leads elsewhere: which CPU, which vector, and where') or diag explain $gate;
is_deeply([@{$gate->{old} // {}}{qw(handler symbol)}], [$handler->($old_gate), $to_overflow],
	'and where it led before');
my $back = $only->('gate-back');
is_deeply([@$back{qw(event cpu vector symbol)}, $back->{old}{symbol}],
	['changed', 1, $overflow, $to_overflow, $to_bounds], 'and that it was put back');
is_deeply([exists $gate->{first}, $gate->{changes}, exists $back->{first}, $back->{changes}], [1, 1, '', 2],
	'which does not undo that it was another');
my $descriptor = $only->('descriptor');
is_deeply([@$descriptor{qw(kind event cpu table selector type dpl)}, $descriptor->{old}{type}],
	  ['descriptor', 'changed', 1, 'gdt', sprintf('0x%x', $selector), 'call-gate', 3, 'empty'],
	      'a call gate where there was nothing') or diag explain $descriptor;
is($only->('descriptor-back')->{type}, 'empty', 'and that it is gone');
my $register = $only->('efer');
is_deeply([@$register{qw(kind event cpu efer)}, $register->{old}],
	['cpu', 'changed', 1, sprintf('0x%x', $efer | $lmsle), { efer => sprintf('0x%x', $efer) }],
	  'a bit of a register, with the old value') or diag explain $register;
is($only->('efer-back')->{efer}, sprintf('0x%x', $efer), 'and that it was put back');
my ($again) = grep { $_->{kind} eq 'cpu' && $_->{cpu} == 1 } json($steps->{again});
is_deeply([@$again{qw(event gates_unlike descriptors_unlike)}], ['present', 0, 0],
	'a fresh sample has nothing unlike any more');

# --- A CPU that goes and comes
is($steps->{hotplug}{status}, 0, 'Xen turns CPU 1 off and on, five times') or diag $steps->{hotplug}{err};
my @hotplug = map { json($steps->{$_}) } qw(after-hotplug one-cpu two-cpus);
is_deeply([grep { $_->{event} eq 'changed' } @hotplug], [], 'nothing is told as changed');
my @events = map { $_->{event} } grep { $_->{kind} eq 'cpu' && $_->{cpu} == 1 } @hotplug;
ok((grep { $_ eq 'vanished' } @events) && (grep { $_ eq 'appeared' } @events), 'the CPU is told as gone, and come')
	or diag "@events";
my $last = sub {
	my ($cpu, @steps) = @_;
	(map { $_->{event} } grep { $_->{kind} eq 'cpu' && $_->{cpu} == $cpu }
		map { json($steps->{$_}) } @steps)[-1] // '';
};
is($last->(1, qw(after-hotplug one-cpu)), 'vanished', 'without it, a fresh sample has it no more');
is($last->(0, 'one-cpu'), 'present', 'but the other');
like($last->(1, 'two-cpus'), qr/present|appeared/, 'and with it, both');
my ($status) = json($steps->{status});
is($status->{failures} + $status->{restarts}, 0, 'the probe had no trouble');

done_testing;
