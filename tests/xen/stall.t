#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Somebody keeps a CPU to himself, inside Xen: some of Xen's calls last as long as a control domain likes.
#
# Wrong in the world if this fails: who has taken Dom0 over makes the sensor stand still while he does what it would have told of, and nothing tells
# of either.
#
# tests/access.c makes such calls: XEN_SYSCTL_debug_keys with millions of keys that do nothing, and KEXEC_CMD_kexec_load of an image of millions of pages.  Where there is another CPU, what the sensor has to
# do goes on there: a domain that lives in the midst of the call is seen.  Where there is none, the sensor says that it stood still.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @machine = ('--mem', 1536, '--add', "$build/tests/access", '--timeout', 400);
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
step before ksense --json status
step stall access stall 7000 3000 $two
step domains ksense --json records xen-domains
step after ksense --json status
SH
	is($steps->{$_}{status}, 0, "$cpus CPUs: $_") or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(adversarial before stall domains after);
	my @held = $steps->{stall}{out} =~ /^stall: (\d+)$/mg;
	is(scalar(grep { $_ >= 5000 } @held), $cpus - 1, "$cpus CPUs: all but one were held for five seconds and more") or diag $steps->{stall}{out};
	my ($domid) = $steps->{stall}{out} =~ /^domain: (\d+)$/m;
	ok($domid, "$cpus CPUs: meanwhile a domain was made") or diag $steps->{stall}{out};
	my @events = map { $_->{event} } grep { $_->{kind} eq 'domain' && $_->{domid} == ($domid // -1) } json($steps->{domains});
	is_deeply(\@events, ['appeared', 'vanished'], "$cpus CPUs: it came and went, and that was seen") or diag $steps->{domains}{out};
	my ($before, $after) = map { json($steps->{$_}) } qw(before after);
	cmp_ok($after->{stalled_ns} - $before->{stalled_ns}, '<', 2 * $seconds, "$cpus CPUs: as the sensor did not stand still");
	# xen-idt looks at each CPU on that CPU itself, and cannot on one that is held.
	for my $probe (@{$after->{probes}}) {
		$probe->{name} eq 'xen-idt' ? cmp_ok($probe->{restarts}, '>', 0, "$cpus CPUs: but for xen-idt, which was late and says so")
					    : is($probe->{restarts}, 0, "$cpus CPUs: $probe->{name} did not have to be restarted");
	}
}

# === There is none ===========================================================

my $steps = boot(<<'SH', '--smp', 1, @machine);
step off ksense off xen-idt
step stall access stall 8000
sleep 2
step status ksense --json status
step table ksense --table status
step records ksense --json records
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(off stall status records);
my $held_ns = held_ns($steps->{stall});
cmp_ok($held_ns, '>=', 6 * $seconds, 'the only CPU was held for six seconds and more') or diag $steps->{stall}{out};
my ($status) = json($steps->{status});
cmp_ok($status->{stalls}, '>=', 1, 'the status says that the sensor stood still');
cmp_ok($status->{stalled_ns}, '>=', $held_ns - 2 * $seconds, 'and for how long');
like($steps->{table}{out}, qr/^sensor: .* stalls=\d+ stalled=\d+\.\d{3}s$/m, 'for eyes, too');
my %stalled;
push @{$stalled{$_->{probe}}}, $_ for grep { $_->{kind} eq 'stalled' } json($steps->{records});
for my $probe (@{$status->{probes}}) {
	my $told = $stalled{$probe->{name}};

	if ($probe->{state} eq 'off') {
		is($told, undef, "$probe->{name}: it is off and missed nothing");
		next;
	}
	my $told_ns = 0;
	$told_ns += $_->{stalled_ns} for @{$told // []};
	cmp_ok($told_ns, '>=', $held_ns - 2 * $seconds, "$probe->{name}: records tell of it");
	is_deeply([grep { $_->{class} ne 'alarm' } @{$told // []}], [], "$probe->{name}: which are alarms");
}

done_testing;
