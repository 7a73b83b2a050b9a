#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# All that can go away in Xen goes away, all the time, while the probes look at it, and two
# samplers ask: a minute here, ten in "make check-stress".
#
# Wrong in the world if this fails: whoever moves a guest to another CPU pool, makes or ends one,
# takes a CPU or memory away, or applies a live patch, at the moment at which the sensor looks at
# it, takes the whole host down; or the sensor, and what it says, stands still for as long as he
# goes on.
#
# It runs on the debug build, whose assertions and poisoned memory make of a use after the end a
# panic; and that, as any other complaint of Xen's or Linux's, fails the test in boot().  Probes
# are at adversarial, in ten minutes all of them.  The program churn does it, see there: one
# process for each kind of churn, and the samplers.  Of each kind some must have been done; some
# may fail, as they are in each other's way.  Of the samplers' questions none may fail.
#
# Not here: suspend (S3), which is suspend.t's; kexec, which is reasoned about in
# docs/xen-lifetimes.md; and memory that is added.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @probes = probes_of('xen');
my $seconds = $ENV{KS_STRESS_SECONDS} // 60;
$KS::xen = $ENV{KS_XEN} // "$build/xen-checked/xen";
# Its default scheduler does not bear that CPUs leave a pool while it balances their load, see
# docs/xen-lifetimes.md; the other pool has it.
@KS::xen_args = ('xsm=dummy', 'sched=credit');
# All of them take a machine of four CPUs for themselves while they take their baselines, and in a
# minute little else would be done.
my @adversarial = $seconds > 60 ? ('*') : qw(xen-domains dom0-entries);

# In ten minutes the CPUs run at the same moment; in one they take turns, which is a third of the
# work, and still puts any of them aside anywhere.
my @machine = ('--smp', 4, $seconds > 60 ? () : '--one-thread', '--timeout', 600 + 10 * $seconds);

my $steps = boot(<<"SH", @machine, '--add', "$build/tests/churn", '--add', "$build/tests/checked.livepatch:livepatch");
raw @{[map { "'" . request('adversarial', $_) . "'" } @adversarial]} >/dev/null
step before ksense --json status
step churn churn $seconds livepatch
step after ksense --json status
step domains ksense --json records xen-domains --run --filter kind=vcpu
SH

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it') or diag $steps->{''}{err};
is($steps->{churn}{status}, 0, 'so did what made it') or diag $steps->{churn}{err};
diag($steps->{churn}{out}) if $seconds > 60;
my %tally = map { /^(\S+): (\d+) done, (\d+) failed, last error (.*)$/
	? ($1 => { done => $2, failed => $3, last => $4 }) : () } split /\n/, $steps->{churn}{out} // '';
for my $kind (qw(pool-moves domains cpus vcpus exchanges balloon page-tables livepatches)) {
	cmp_ok($tally{$kind}{done} // 0, '>', 0, "$kind: it happened") or diag $steps->{churn}{out};
}
for my $sampler (qw(sampler-domains sampler-all)) {
	cmp_ok($tally{$sampler}{done} // 0, '>', 0, "$sampler got answers");
	is($tally{$sampler}{failed}, 0, 'and always') or diag $tally{$sampler}{last};
}

# Of a machine that did not come through it, there is no status.
my ($before, $after) = map { my ($status) = json($steps->{$_}); $status->{probes} // [] } qw(before after);
is(scalar(@$after), scalar(@probes), 'all probes are there') or diag $steps->{after}{out};
for my $i (0 .. $#probes) {
	my ($old, $new) = map { $_->[$i] // { name => $probes[$i], runs => 0, restarts => -1, failures => 0 } }
		$before, $after;
	cmp_ok($new->{runs}, '>', $old->{runs}, "$new->{name}: it went on");
	is($new->{restarts} + $new->{failures}, 0, 'by itself, and without failing') or diag explain $new;
}
my @vcpus = grep { $_->{event} eq 'present' } json($steps->{domains});
cmp_ok(scalar(grep { $_->{domid} == 0 } @vcpus), '>=', 4, 'and what is said is whole: the vCPUs of Dom0')
	or diag $steps->{domains}{out};
is(scalar(grep { $_->{domid} != 0 } @vcpus), 4, 'and those of the domain that was moved');

done_testing;
