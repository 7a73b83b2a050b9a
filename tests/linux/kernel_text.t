#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Dom0's code and tables change under it: by somebody's hand, and by its own.
#
# Wrong in the world if this fails: a rootkit patches the kernel, or an entry of one of its tables,
# and the sensor does not say so, or not where; or what the kernel patches itself, which it does
# all the time when somebody traces, cannot be told from that.
#
# What a rootkit would do is done from outside, through the emulator's debugger port: no code of
# ours and none of Dom0's has a part in it. The same port says what the memory holds, for the
# baseline's SHA-256.  Addresses are Dom0's; they can be reached when the machine stops while one
# of its CPUs has Dom0's page tables.  A "modified" that has "site" is the kernel's own doing,
# one without is not.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Digest::SHA 'sha256_hex';
use File::Temp;
use Test::More;
use Time::HiRes 'sleep';

my $victim = 'sysrq_handle_crash';  # runs when somebody asks for a crash, and not before
my $stays = 'sysrq_handle_showstate'; # likewise
my $traced = '__x64_sys_getdents64';
my $socket = '/run/ksense/kernel.sock';
my $gdb_socket = (my $dir = File::Temp->newdir) . '/gdb';

my $symbols = join '|', $victim, $stays, $traced, qw(__start___jump_table __stop___jump_table panic vfs_statx
	obj_cgroup_charge_zswap sys_call_table idt_table _stext _etext __start_rodata __end_rodata);
my $script = <<"SH";
ask() { ksense --timeout 300 --socket $socket --json "\$@"; }
sweep() { ask records kernel-text --run; }
# Sweeps until there are so many records of the kind; they stay.
wait_for() {
	i=0
	until [ \$(ask records kernel-text --run --peek | grep -c "\\"kind\\":\\"\$1\\"") -ge \$2 ]; do
		i=\$((i + 1))
		[ \$i -lt 200 ] || return 1
	done
}
trace=/sys/kernel/tracing
grep -q \$trace /proc/mounts || mount -t tracefs none \$trace
to() { echo "\$1" >\$trace/\$2; }

step symbols grep -E ' ($symbols)\$' /proc/kallsyms
step load insmod ksense.ko
step baseline sweep
step readout sleep 1
step quiet sweep
ask adversarial kernel-text >/dev/null
step wait-modified wait_for modified 5
step modified ask records kernel-text --filter kind=modified
step wait-restored wait_for restored 5
step restored ask records kernel-text
step wait-places wait_for modified 3
step places ask records kernel-text
step wait-places-back wait_for restored 2
ask records kernel-text >/dev/null
ask default kernel-text >/dev/null
step sweep sweep

step begin to 1 events/sched/sched_switch/enable
step events sweep
to 0 events/sched/sched_switch/enable
step events-off sweep
to $traced set_ftrace_filter
step begin to function current_tracer
step function sweep
to nop current_tracer
to '' set_ftrace_filter
step function-off sweep
to 'p:entry $traced' kprobe_events
to 1 events/kprobes/entry/enable
step probe-entry sweep
to 0 events/kprobes/entry/enable
to '' kprobe_events
step probe-entry-off sweep
to 'p:inside vfs_statx+5' kprobe_events
to 1 events/kprobes/inside/enable
step probe-inside sweep
to 0 events/kprobes/inside/enable
to '' kprobe_events
step probe-inside-off sweep
# All of it is there before the baseline.
to $traced set_ftrace_filter
to function current_tracer
to 'p:inside vfs_statx+5' kprobe_events
to 1 events/kprobes/inside/enable
step foreign ask reset kernel-text
ask records kernel-text --run --peek >/dev/null
step before ask records kernel-text --run --peek
to 0 events/kprobes/inside/enable
to '' kprobe_events
to nop current_tracer
to '' set_ftrace_filter
step foreign-back sweep
step before-off sweep
step status ask status
step end rmmod ksense
step log dmesg
SH

# Dom0's memory, as soon as one of the CPUs shows it.  @do gets the connection; the machine stands
# still in the meantime.
sub with_dom0 {
	my ($address, $do) = @_;

	for (1 .. 2000) {
		my $gdb = gdb_open($gdb_socket);
		for my $cpu (1, 2) {
			KS::gdb_ask($gdb, "Hg$cpu");
			next unless eval { gdb_read($gdb, $address, 16) };
			$do->($gdb);
			gdb_close($gdb);
			return;
		}
		gdb_close($gdb);
		sleep(rand(0.02));
	}
	die "Dom0's memory was not to be seen";
}

my (%symbol, %memory, %old);
my $learn = sub {
	my ($out) = @_;
	$symbol{$2} //= hex $1 while $out =~ /^([0-9a-f]{16}) \w (\S+)$/mg;
};

# What is changed, and what to: a call at the begin of a function, where ftrace would put one,
# which leads elsewhere; an entry of the table of system calls and one of the IDT, in which one
# byte is another; and the last byte that is executable, behind the end of the code.
my (%patch, $text_end);
my $change = sub {
	my ($out) = @_;
	$learn->($out);
	$text_end = ($symbol{_etext} + 4095) & ~4095;
	%patch = ($symbol{$victim} => undef, $symbol{sys_call_table} + 300 * 8 => undef,
		$symbol{idt_table} + 200 * 16 => undef, $text_end - 5 => undef);
	with_dom0($symbol{_stext}, sub {
		my ($gdb) = @_;
		for my $address (keys %patch) {
			$old{$address} = gdb_read($gdb, $address, 5);
			gdb_write($gdb, $address, $address == $symbol{$victim} ? "\xe8" .
				pack('l<', $symbol{panic} - $address - 5) :
				  $old{$address} ^ ($address == $text_end - 5 ? "\0\0\0\0\x40" : "\x40\0\0\0\0"));
		}
	});
};
# What looks like the kernel's own work where it does such work, and is not: a breakpoint that
# stays at the begin of a function that could be traced; and over the place of a static key that is
# two bytes long, in a function nobody calls here, the no-op that others have.
my (%place, $label);
my $change_places = sub {
	with_dom0($symbol{_stext}, sub {
		my ($gdb) = @_;
		my $start = $symbol{obj_cgroup_charge_zswap};
		my $table = gdb_read($gdb, $symbol{__start___jump_table},
			$symbol{__stop___jump_table} - $symbol{__start___jump_table});

		for (my $i = 0; $i < length $table; $i += 16) {
			my $at = $symbol{__start___jump_table} + $i + unpack('l<', substr($table, $i, 4));
			next unless $at >= $start && $at < $start + 64;
			next unless substr($memory{text}, $at - $symbol{_stext}, 2) =~ /^(\x66\x90|\xeb)/s;
			$label = $at;
			last;
		}
		return if !$label;
		$place{$_} = gdb_read($gdb, $_, 5) for $label, $symbol{$stays};
		gdb_write($gdb, $label, "\x0f\x1f\x44\x00\x00");
		gdb_write($gdb, $symbol{$stays}, "\xcc" . substr($place{$symbol{$stays}}, 1));
	});
};
my $put_places_back = sub {
	with_dom0($symbol{_stext}, sub {
		my ($gdb) = @_;
		gdb_write($gdb, $_, $place{$_}) for keys %place;
	});
};
# The first of them alone, where ftrace would put a call.
my $change_victim = sub {
	my $call = "\xe8" . pack('l<', $symbol{panic} - $symbol{$victim} - 5);
	with_dom0($symbol{_stext}, sub { gdb_write($_[0], $symbol{$victim}, $call) });
};
my $put_victim_back = sub {
	with_dom0($symbol{_stext}, sub { gdb_write($_[0], $symbol{$victim}, $old{$symbol{$victim}}) });
};
my $put_back = sub {
	with_dom0($symbol{_stext}, sub {
		my ($gdb) = @_;
		gdb_write($gdb, $_, $old{$_}) for keys %patch;
	});
};
my $read_all = sub {
	my ($out) = @_;
	$learn->($out);
	with_dom0($symbol{_stext}, sub {
		my ($gdb) = @_;
		$memory{text} = gdb_read($gdb, $symbol{_stext}, (($symbol{_etext} + 4095) & ~4095) - $symbol{_stext});
		$memory{rodata} = gdb_read($gdb, $symbol{__start_rodata},
			(($symbol{__end_rodata} + 4095) & ~4095) - $symbol{__start_rodata});
		$memory{idt} = gdb_read($gdb, $symbol{idt_table}, 4096);
	});
};

my $steps = boot($script, '--smp', 2, '--one-thread', '--add', $KS::module, '--gdb', $gdb_socket,
		 { readout => $read_all, 'wait-modified' => $change, 'wait-restored' => $put_back,
		   'wait-places' => $change_places, 'wait-places-back' => $put_places_back,
		   foreign => $change_victim, 'foreign-back' => $put_victim_back });

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
my @first = json($steps->{baseline});
my %baseline = map { $_->{range} => $_ } grep { $_->{kind} eq 'baseline' } @first;
for my $range (qw(text rodata idt)) {
	is($baseline{$range}{length}, length($memory{$range} // ''), "all of $range is in the baseline");
	is($baseline{$range}{sha256}, sha256_hex($memory{$range} // ''), 'and has the SHA-256 of what lies in memory');
}
my $table = $baseline{sys_call_table};
is(hex $table->{address}, $symbol{sys_call_table}, 'so is the table of system calls');
is($table->{sha256}, sha256_hex(substr($memory{rodata}, $symbol{sys_call_table} - $symbol{__start_rodata},
	$table->{length})),
   'which lies in rodata');
is((grep { $_->{kind} !~ /^(began|baseline|sweep)$/ } @first, json($steps->{quiet})), 0,
	'nothing was modified before') or
	diag $steps->{quiet}{out};

is($steps->{'wait-modified'}{status}, 0, 'what somebody changes is noticed');
my @modified = json($steps->{modified});
my ($last) = grep { hex $_->{address} == $text_end - 16 } @modified;
is($last && $last->{range}, 'text', 'up to the last byte that can be executed') or diag $steps->{modified}{out};
@modified = grep { $_ != ($last // 0) } @modified;
is(join(' ', sort map { "$_->{range}:" . ($_->{symbol} // '') } @modified),
   "idt:idt_table+0xc80 rodata:sys_call_table+0x960 sys_call_table:sys_call_table+0x960 text:$victim+0x0",
   'once each, by the range and the symbol; the table of system calls in both that it is part of');
is((grep { $_->{length} != 16 } @modified), 0, 'no more than a cell each');
is((grep { $_->{class} ne 'alarm' } @modified), 0, 'each is an alarm');
is((grep { exists $_->{site} } @modified), 0,
	'none of it passes for the kernel\'s own doing, though one lies where ftrace patches');
my ($text) = grep { $_->{range} eq 'text' } @modified;
my $page = ($symbol{$victim} - $symbol{_stext}) & ~4095;
my $now = substr($memory{text}, $page, 4096);
substr($now, $symbol{$victim} - $symbol{_stext} - $page, 5) = "\xe8" .
	pack('l<', $symbol{panic} - $symbol{$victim} - 5);
is($text->{sha256}, sha256_hex($now), 'the SHA-256 is that of the page as it is now');
is($text->{bytes}, unpack('H*', substr($now, ($symbol{$victim} & 4095), 16)),
	'and at adversarial the bytes are shown');

is($steps->{'wait-restored'}{status}, 0, 'putting it back is noticed');
is(join(' ', sort map { $_->{range} } grep { $_->{kind} eq 'restored' } json($steps->{restored})),
	'idt rodata sys_call_table text text',
   'once each');
is((grep { $_->{modified} } grep { $_->{kind} eq 'sweep' } json($steps->{sweep})), 0,
	'a fresh sweep finds nothing modified');

ok($label, 'there is a static key\'s place of two bytes');
my @places = grep { $_->{kind} eq 'modified' } json($steps->{places});
is_deeply([map { $_->{site} } grep { hex $_->{address} == (($label // 0) & ~15) } @places], [undef],
	'a no-op that is too long for its place is not the kernel\'s doing')
	or diag $steps->{places}{out};
is_deeply([map { $_->{site} // '' } grep { ($_->{symbol} // '') eq "$stays+0x0" } @places], ['patching', ''],
	'a breakpoint may be, for a moment, but not for good')
	or diag $steps->{places}{out};
is($steps->{'wait-places-back'}{status}, 0, 'and putting them back is noticed');

# What the kernel patches itself: what is done, how it must be told, and where.
for my $case (
	['events', 'several|jump-label', qr/./, 'an event that is switched on flips static keys'],
	['events', 'static-call', qr/^__SCT__tp_func_/, 'and leads a static call to who listens'],
	['function', 'ftrace', qr/^\Q$traced\E\+0x0$/, 'a function that is traced'],
	['probe-entry', 'kprobe', qr/^\Q$traced\E\+0x0$/, 'a kprobe at the begin of a function, by way of ftrace'],
	['probe-inside', 'kprobe', qr/^vfs_statx\+0x0$/, 'a kprobe within a function'],
) {
	my ($step, $site, $where, $what) = @$case;
	my @changes = grep { $_->{kind} eq 'modified' } json($steps->{$step});

	ok((grep { ($_->{site} // '') =~ /^($site)$/ && ($_->{symbol} // '') =~ $where } @changes),
		"$what is told as $site") or
		diag $steps->{$step}{out}, $steps->{$step}{err};
	is((grep { !exists $_->{site} } @changes), 0, 'and nothing in that sweep is told as anybody else\'s doing')
		or diag $steps->{$step}{out};
	is((grep { ($_->{class} eq 'event') != ($_->{site} =~ /^(jump-label|static-call|patching)$/) }
		grep { ($_->{site} // '') ne 'several' } @changes), 0,
	   'what any user can have the kernel turn is an event, all else an alarm') or diag $steps->{$step}{out};
	my ($sweep) = grep { $_->{kind} eq 'sweep' && $_->{range} eq 'text' } json($steps->{"$step-off"});
	is($sweep->{modified}, 0, 'when it is over, all is as it was');
}

# What was there before the baseline is no part of it: the first sweep after it tells.
sub of_kind { my ($kind, $step) = @_; return grep { $_->{kind} eq $kind } json($steps->{$step}) }
my ($began) = of_kind('began', 'before');
is($began->{before}{baselines}, scalar(keys %baseline), 'a reset says how many baselines were dropped')
	or diag explain $began;
my %site_of = map { ($_->{symbol} // '') => $_->{site} // '' } of_kind('modified', 'before');
is_deeply(\%site_of, { "$traced+0x0" => 'ftrace', 'vfs_statx+0x0' => 'kprobe', "$victim+0x0" => '' },
	  'a traced function, a kprobe, and a call that is nobody\'s doing, where ftrace has its place')
	or diag $steps->{before}{out};
my %restored = map { ($_->{symbol} // '') => 1 } of_kind('restored', 'foreign-back');
is_deeply([grep { !$restored{$_} } keys %site_of], [], 'which are restored when all that is put back')
	or diag $steps->{'foreign-back'}{out};
my @unexplained = grep { !exists $_->{site} } of_kind('differs', 'before-off');
is(@unexplained, 0, 'and all that differs then is the kernel\'s own doing')
	or diag $steps->{'before-off'}{out};

my ($status) = json($steps->{status});
my ($probe) = grep { $_->{name} eq 'kernel-text' } @{$status->{probes}};
is($probe->{last_error} // '', '', 'no sweep failed');
is($steps->{end}{status}, 0, 'it goes');
unlike($steps->{log}{out}, qr/BUG|WARNING|Call Trace/, 'and the kernel has nothing to complain about');

done_testing;
