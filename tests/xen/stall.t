#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Somebody keeps a CPU to himself, inside Xen: some of Xen's calls last as long as a
# control domain likes.
#
# Wrong in the world if this fails: who has taken Dom0 over makes the sensor stand still while he
# does what it would have told of, and nothing tells of either.
#
# tests/access.c makes such calls: XEN_SYSCTL_debug_keys with millions of keys that do nothing, and
# KEXEC_CMD_kexec_load of an image of millions of pages.  Where there is another CPU, what the
# sensor has to do goes on there: a domain that lives in the midst of the call is seen.  Where
# there is none, each probe says that it was late.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @machine = ('--mem', 1536, '--add', "$build/tests/access");
my $seconds = 1_000_000_000;

sub held_ns {
	my ($step) = @_;
	return $step->{out} =~ /^stall: (\d+)$/m ? $1 * 1_000_000 : 0;
}

# === Another CPU is free =====================================================

# Of two one is held, of three two, by calls of two kinds.
for my $cpus (2, 3) {
	my $two = $cpus == 3 ? 'two' : '';
	my $steps = boot(<<"SH", '--smp', $cpus, @machine);
step adversarial ksense adversarial xen-domains
# It looks all the time, so that one of its passes meets the moment when all but one are held.
ksense adversarial xen-idt >/dev/null
step before ksense --json status
step stall access stall 7000 3000 $two
step domains ksense --json records xen-domains
# The CPU is no longer taken for one that is held.
sleep 4
step fresh ksense --json records xen-idt --run
step idt ksense --json records xen-idt
step after ksense --json status
SH
	is($steps->{$_}{status}, 0, "$cpus CPUs: $_") or diag $steps->{$_}{out}, $steps->{$_}{err}
		for qw(adversarial before stall domains fresh idt after);
	my @held = $steps->{stall}{out} =~ /^stall: (\d+)$/mg;
	is(scalar(grep { $_ >= 5000 } @held), $cpus - 1, "$cpus CPUs: all but one were held for five seconds and more")
		or diag $steps->{stall}{out};
	my ($domid) = $steps->{stall}{out} =~ /^domain: (\d+)$/m;
	ok($domid, "$cpus CPUs: meanwhile a domain was made") or diag $steps->{stall}{out};
	# It may have been seen while it was dying as well.
	my @events = grep { $_ ne 'changed' } map { $_->{event} }
		grep { $_->{kind} eq 'domain' && $_->{domid} == ($domid // -1) } json($steps->{domains});
	is_deeply(\@events, ['appeared', 'vanished'], "$cpus CPUs: it came and went, and that was seen")
		or diag $steps->{domains}{out};
	my ($before, $after) = map { json($steps->{$_}) } qw(before after);
	# xen-idt looks at each CPU on that CPU itself, and cannot on one that is
	# held: it passes it by.
	my @idt = map { json($steps->{$_}) } qw(fresh idt);
	my @incomplete = grep { $_->{kind} eq 'incomplete' } @idt;
	is_deeply([grep { $_->{why} ne 'held' || $_->{class} ne 'alarm' || $_->{of} != $cpus } @incomplete], [],
		"$cpus CPUs: xen-idt says that CPUs were held")
		or diag explain \@incomplete;
	is((sort { $a <=> $b } map { $_->{looked} } @incomplete)[0], 1, "$cpus CPUs: that it looked at one")
		or diag explain \@incomplete;
	is($incomplete[-1]{looked}, $cpus, "$cpus CPUs: and when it looked at all again");
	is_deeply([grep { ($_->{event} // '') =~ /vanished|appeared|changed/ } @idt], [],
		"$cpus CPUs: what it could not see is neither gone nor new") or diag explain \@idt;
	my ($last) = sort { $b <=> $a } map { $_->{pass} } json($steps->{fresh});
	is(scalar(grep { $_->{kind} eq 'cpu' && $_->{pass} == $last } json($steps->{fresh})), $cpus,
		"$cpus CPUs: and is there in a fresh sample");
	my %late_ns = map { $_->{name} => -$_->{late_ns} } @{$before->{probes}};
	# Who waits for a held CPU is late by all of that; a slow machine makes anybody late.
	my $most_ns = 0.8 * 1_000_000 * ((sort { $b <=> $a } @held)[0] // 0);
	$most_ns = 3 * $seconds if $most_ns < 3 * $seconds;
	for my $probe (@{$after->{probes}}) {
		my $late_ns = $late_ns{$probe->{name}} + $probe->{late_ns};

		cmp_ok($late_ns, '<', $most_ns, "$cpus CPUs: $probe->{name} was not late");
	}
}

# === All of Dom0's pool ======================================================

# Works keep to the CPUs of Dom0's pool, which is made one CPU of three here.  When that is held
# they go on on the others.
{
	my $steps = boot(<<'SH', '--domu', '--smp', 3, @machine);
step alone sh -c 'xl cpupool-cpu-remove Pool-0 1 && xl cpupool-cpu-remove Pool-0 2'
sleep 1
step before ksense --json status
step stall access stall 10000 0
step after ksense --json status
SH
	is($steps->{$_}{status}, 0, "a pool of one CPU: $_") or diag $steps->{$_}{out}, $steps->{$_}{err}
		for qw(alone before stall after);
	cmp_ok(held_ns($steps->{stall}), '>=', 8 * $seconds,
		'a pool of one CPU: it was held for eight seconds and more') or diag $steps->{stall}{out};
	my ($before, $after) = map { json($steps->{$_}) } qw(before after);
	my %late_ns = map { $_->{name} => $_->{late_ns} } @{$before->{probes}};
	# As above: who waits for it is late by all of that.
	cmp_ok($_->{late_ns} - $late_ns{$_->{name}}, '<', 0.8 * held_ns($steps->{stall}),
		"a pool of one CPU: $_->{name} went on elsewhere") for @{$after->{probes}};
}

# === There is none ===========================================================

my $steps = boot(<<'SH', '--smp', 1, @machine);
step off ksense off xen-idt
step stall access stall 12000
sleep 2
step status ksense --json status
step records ksense --json records
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(off stall status records);
my $held_ns = held_ns($steps->{stall});
cmp_ok($held_ns, '>=', 10 * $seconds, 'the only CPU was held for ten seconds and more') or diag $steps->{stall}{out};
my ($status) = json($steps->{status});
my %late;
push @{$late{$_->{probe}}}, $_ for grep { $_->{kind} eq 'late' } json($steps->{records});
for my $probe (@{$status->{probes}}) {
	my $told = $late{$probe->{name}};
	my $told_ns = 0;

	if ($probe->{state} eq 'off') {
		is($told, undef, "$probe->{name}: it is off and missed nothing");
		next;
	}
	# Two seconds is how often they look, and the rest is for a machine that is slow.
	cmp_ok($probe->{late_ns}, '>=', $held_ns - 4 * $seconds, "$probe->{name}: the status says how long it waited");
	$told_ns += $_->{late_ns} for @{$told // []};
	cmp_ok($told_ns, '>', 0, "$probe->{name}: and a record that it did");
	is_deeply([grep { $_->{class} ne 'alarm' } @{$told // []}], [], "$probe->{name}: which is an alarm");
}

done_testing;
