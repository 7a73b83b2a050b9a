#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The whole host is suspended (S3) and resumes, several times, while all probes are at adversarial.
#
# Wrong in the world if this fails: a host that sleeps does not wake up again, as a probe follows
# what a CPU has not got back yet; or all of its probes stand still from then on; or what Xen makes
# anew in the resume is told as an attack.
#
# It runs on the debug build, whose assertions make of such a mistake a panic.  In the first
# machine CPU 1 goes and comes back.  In the second two of four CPUs are parked: in the resume each
# of these is up for a moment, without a scheduler, and goes again by an interrupt
# (docs/xen-lifetimes.md).  In the third Xen calls the BIOS as it resumes: that uses a stack which
# the probe xen-text watches.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @probes = probes_of('xen');
$KS::xen = $ENV{KS_XEN} // "$build/xen-checked/xen";
my $suspends = 3;

sub suspended {
	my ($name, $cpus, $xen_args, @options) = @_;
	@KS::xen_args = ('xsm=dummy', $xen_args);
	my $steps = boot(<<"SH", '--one-thread', '--wake', @options);
passes() { for probe in @probes; do wait_passes 2 \$probe; done }
raw '@{[request('adversarial', '*')]}' >/dev/null
passes
step before raw '@{[request('records', '*')]}'
step suspend sh -c '
	for i in \$(seq $suspends); do
		echo mem >/sys/power/state && sleep 0.3 || exit 1
	done'
passes
step records raw '@{[request('records', '*')]}'
step idt ksense --json records xen-idt --run --filter kind=cpu
step status raw '@{[request('status', '*', undef, 0.2)]}'
SH
	subtest $name => sub {
		is($steps->{suspend}{status}, 0, "suspended $suspends times") or diag $steps->{suspend}{err};
		is(scalar(() = $steps->{''}{console} =~ /Entering ACPI S3 state/g), $suspends, 'and Xen did it');
		my ($status) = reply($steps->{status});
		my @status = @{$status->[2]{probes} // []};
		is_deeply([map { $_->{name} } grep { $_->{state} eq 'on' } @status], \@probes, 'all probes are on');
		is_deeply([troubles(@status)], [], 'and went on by themselves, without failing');
		# Of CPUs that are up: the boot CPU is the same, each other has come up so often.
		my @present = grep { $_->{event} eq 'present' } json($steps->{idt});
		my %instance = map { $_->{cpu} => $_->{instance} } @present;
		my ($old) = grep { $_->{kind} eq 'cpu' && !$_->{cpu} } records($steps->{before});
		is(scalar(keys %instance), $cpus, "$cpus CPUs are up") or diag $steps->{idt}{out};
		is($instance{0}, $old->{instance}, 'the boot CPU is the one that it was');
	};
	return $steps;
}

# What came of it, without what says that something took long: Xen waits for a clock that tells
# seconds, twice in each of them.
sub alarms {
	return grep { $_->{class} eq 'alarm' && $_->{kind} !~ /^(late|lost)$/ } records($_[0]->{records});
}

my $steps = suspended('a CPU that goes and comes back', 2, '', '--smp', 2);
is_deeply([alarms($steps)], [], 'no alarm comes of that');
my @stub = map { $_->{kind} } grep { ($_->{range} // '') eq 'stub-cpu1' } records($steps->{records});
is($stub[-1], 'baseline', 'the stub of the CPU that came back has a new baseline') or diag "@stub";

$steps = suspended('CPUs that are parked', 2, 'smt=0', '--smp', 4, '--smt');
like($steps->{''}{console}, qr/Parked 2 CPUs/, 'two CPUs are parked');
is_deeply([alarms($steps)], [], 'no alarm comes of that, either');

$steps = suspended('a resume that calls the BIOS', 2, 'acpi_sleep=s3_mode', '--smp', 2);
my @alarms = alarms($steps);
cmp_ok(scalar(@alarms), '>', 0, 'it leaves something behind in the trampoline');
is_deeply([grep { $_->{kind} ne 'modified' || ($_->{symbol} // '') ne 'trampoline+0xff0' } @alarms], [],
	'16 bytes, at the end of its first page');

done_testing;
