#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# On Linux without Xen: a CPU that is told to use another IDT, and functions that are called at
# each system call, and where the kernel patches its code for whoever asks.
#
# Wrong in the world if this fails: the kernel's table holds still, and is watched, while a CPU has
# long been using a rootkit's; or somebody sees and stops whatever programs ask of the kernel, by
# the kernel's own means, and nobody is told.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $socket = '/run/ksense/kernel.sock';
my $build = $ENV{KS_BUILD} || 'build';
my @options = ('--linux', '--smp', 2, '--one-thread', '--add', $KS::module, '--add', "$KS::test_modules/idt/ks_idt.ko",
	'--add', "$KS::test_modules/code/ks_code.ko");
my $steps = boot(<<"SH", @options);
# Sweeps until one has told of CPU 1: where its table is, is asked on that CPU, and a slow one
# answers for the next sweep.
sweep() {
	: >told
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ksense --timeout 300 --socket $socket --json records kernel-text --run >>told
		! grep -q '"range":"idtr-cpu1"' told || break
	done
	cat told
}
insmod ksense.ko
step first sweep
step redirect insmod ks_idt.ko cpu=1
step redirected sweep
rmmod ks_idt
step back sweep
step offline sh -c 'echo 0 >/sys/devices/system/cpu/cpu1/online'
step without sweep
echo 1 >/sys/devices/system/cpu/cpu1/online
step with sweep
insmod ks_idt.ko cpu=1 again=1
echo 0 >/sys/devices/system/cpu/cpu1/online
sweep >/dev/null
step again sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online'
step other_at_first sweep
step other sweep
rmmod ks_idt
entries() { ksense --timeout 300 --socket $socket --json records kernel-entries --run; }
step deaf entries
step listen insmod ks_code.ko listen=1
step listening entries
rmmod ks_code
step listened entries
step fprobes grep -w fprobe_handler /proc/kallsyms
step hook insmod ks_code.ko hook=all
step hooked entries
rmmod ks_code
step unhooked entries
step end rmmod ksense
SH

# The records of a step that say that something is not as it was; what a sample says of it
# again is left out.
sub events {
	my ($step) = @_;
	return join(' ', map { "$_->{kind}:$_->{range}" . ($_->{symbol} ? ":$_->{symbol}" : '') }
		    grep { $_->{kind} !~ /^(sweep|differs)$/ && !$_->{site} && ($_->{range} // '') =~ /^idt/ }
		        json($steps->{$step}));
}

is(events('first'), 'baseline:idt baseline:idtr-cpu0 baseline:idtr-cpu1', "the table, and where each CPU's is");
is($steps->{redirect}{status}, 0, 'one CPU gets another') or diag $steps->{redirect}{err};
is(events('redirected'), 'modified:idtr-cpu1:ks_other_table+0x0 [ks_idt]', 'which is told, with whose it is');
is(events('back'), 'restored:idtr-cpu1:idt_table+0x0', 'and that it is put back');
is($steps->{offline}{status}, 0, 'a CPU goes');
is(events('without'), 'removed:idtr-cpu1', 'its register is gone');
is(events('with'), 'baseline:idtr-cpu1', 'and when it is back, has a baseline of its own');
is($steps->{again}{status}, 0, 'it goes and comes once more, and takes another table then')
	or diag $steps->{again}{err};
like(join(' ', map { events($_) } qw(other_at_first other)), qr/modified:idtr-cpu1:ks_other_table\+0x0 \[ks_idt\]$/,
	'which is told like any other change');
my @unexplained = grep { $_->{kind} eq 'modified' && !$_->{site} && $_->{range} !~ /^idt/ }
	map { json($steps->{$_}) } qw(back without with);
is(scalar(@unexplained), 0, 'what the kernel patches when CPUs go and come is told as its own doing')
	or diag explain \@unexplained;

# The first record of each that is there (or not any more), with its class: a pass of the probe's
# own may have come before the one that is asked for, in which it is no news.
sub told {
	my ($step, $kind, $over, @members) = @_;
	my %first;
	for (grep { $_->{kind} eq $kind && ($_->{event} eq 'vanished') == !!$over } json($steps->{$step})) {
		$first{join ' ', @$_{@members}} //= $_->{class};
	}
	return [map { "$first{$_} $_" } sort keys %first];
}

sub listeners { return join ' ', @{told($_[0], 'listener', $_[1], qw(tracepoint symbol))} }

SKIP: {
	my ($kernel) = grep { $_->{kind} eq 'kernel' } json($steps->{deaf});
	skip 'this kernel has no trace events', 5 if @KS::probes_machine && !$kernel->{tracepoints};
	diag "$kernel->{tracepoints} trace events";
	cmp_ok($kernel->{tracepoints}, '>', 100, 'the kernel has trace events') or diag explain $steps->{deaf};
	is(listeners('deaf'), '', 'at which nobody listens');
	is($steps->{listen}{status}, 0, 'two functions are called at each system call') or diag $steps->{listen}{err};
	is(listeners('listening'), 'alarm sys_enter ks_listener [ks_code] alarm sys_enter ks_other_listener [ks_code]',
		'which is told of each');
	like(listeners('listened', 'over'), qr/ks_listener .*ks_other_listener/, 'and when it is over');
}

# --- Who is called where the code is patched: kernel-text tells where, this tells who
# Behind the ENDBR that begins a function, where the kernel has such.
sub hooks { return [map { s/\+0x4 /+0x0 /r } @{told($_[0], 'hook', $_[1], qw(by symbol handler_symbol))}] }

SKIP: {
	my ($kernel) = grep { $_->{kind} eq 'kernel' } json($steps->{deaf});
	skip 'this kernel has neither ftrace nor kprobes', 5
		if @KS::probes_machine && !($kernel->{kprobes} && $kernel->{tracers});
	ok($kernel->{kprobes} && $kernel->{tracers}, 'the tables of kprobes and of who traces are found');
	is_deeply(hooks('deaf'), [], 'nobody is called');
	is($steps->{hook}{status}, 0, 'a module hooks by each means') or diag $steps->{hook}{err};
	# Debian's 6.1 has no fprobes, its 6.12 has.
	my @fprobe = $steps->{fprobes}{status} ? () :
		'alarm fprobe vfs_fsync+0x0 ks_fprobe_exit+0x0 [ks_code]';
	is_deeply(hooks('hooked'), [
		@fprobe,
		'alarm ftrace __x64_sys_getdents64+0x0 ks_tracer+0x0 [ks_code]',
		'alarm kprobe __x64_sys_kill+0x0 ks_also+0x0 [ks_code]',
		'alarm kprobe __x64_sys_kill+0x0 ks_before+0x0 [ks_code]',
		'alarm kretprobe vfs_statx+0x0 ks_at_return+0x0 [ks_code]',
	], 'which is told of each: by what, where, and who is called') or diag $steps->{hooked}{out};
	is(scalar(@{hooks('unhooked', 'over')}), 4 + @fprobe, 'and when it is over')
		or diag $steps->{unhooked}{out};
}
is($steps->{end}{status}, 0, 'it goes');

done_testing;
