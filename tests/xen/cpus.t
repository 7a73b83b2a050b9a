#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# On which CPUs the sensor works.
#
# Wrong in the world if this fails: an operator has put CPUs aside for guests that must not be
# disturbed, with a CPU pool or with "sense=cpus=", and the sensor takes time from them all the
# same; or it keeps away from a CPU, and does not say that nobody looked at that one.
#
# Where a work ran last, xen-domains says, in its records of kind "work"; which CPUs were looked
# at, xen-idt. Each machine has four CPUs. In the first two of them are named; in the second none
# is, and Dom0's pool loses one in the middle.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use List::Util 'uniq';
use Test::More;

my $fresh_works = request('records', 'xen-domains', { run => JSON::PP::true, filter => { kind => 'work' } });
my $fresh_idt = request('records', 'xen-idt', { run => JSON::PP::true, peek => JSON::PP::true });
# 20 looks, and between them time for each probe to run several times.  Each takes what it saw, so
# that no later one shows what was before.
my $looks = <<"SH";
looks() {
	i=0
	while [ \$i -lt 20 ]; do
		raw '$fresh_works'
		usleep 100000
		i=\$((i + 1))
	done
}
ksense --xen adversarial >/dev/null
SH

# The CPUs on which works were seen, of which probe xen-idt sees that it goes from one to
# the other by itself.
sub cpus_of {
	my ($step) = @_;
	my @works = grep { $_->{kind} eq 'work' && $_->{runs} && $_->{name} ne 'xen-idt' } records($step);
	cmp_ok(scalar(@works), '>=', 100, scalar(@works) . ' works were looked at') or diag $step->{err};
	return join ' ', sort { $a <=> $b } uniq(map { $_->{cpu} } @works);
}

sub looked_at {
	my ($step) = @_;
	return join ' ', sort { $a <=> $b } uniq map { $_->{cpu} } grep { $_->{kind} eq 'cpu' } records($step);
}

# The CPUs that have a timer of the sensor's, as Xen's own list of all timers says.
sub cpus_of_timers {
	my ($console) = @_;
	my ($cpu, @cpus);

	for (split /\n/, $console =~ s/.*Dumping timer queues//sr) {
		$cpu = $1 + 0 if /\bCPU(\d+):/;
		push @cpus, $cpu if /\bcb=\S*\bks_\w+/;
	}
	return join ' ', sort { $a <=> $b } uniq(@cpus);
}

my $named = boot("${looks}step works looks\nstep idt raw '$fresh_idt'\nstep timers xl debug-keys a\nsleep 2\n",
	'--domu', '--smp', 4, '--one-thread', '--timeout', 900,
		 '--xen-args', 'sense=cpus=1,cpus=3-3,cpus=7');
is(cpus_of($named->{works}), '1 3', 'works keep to the CPUs that are named');
unlike($named->{''}{console}, qr/given more than once/, 'of which each "cpus=" counts, and none is a mistake');
is(looked_at($named->{idt}), '1 3', 'xen-idt does so as well');
is(cpus_of_timers($named->{''}{console}), '1 3', 'and so do timers')
	or diag $named->{timers}{err}, substr($named->{''}{console}, -3000);
my ($incomplete) = grep { $_->{kind} eq 'incomplete' } records($named->{idt});
is_deeply([map { $incomplete->{$_} } qw(looked of why)], [2, 4, 'cpus'], 'and says what it could not look at')
	or diag $named->{idt}{out};

my $pool = boot(<<"SH", '--domu', '--smp', 4, '--one-thread', '--timeout', 900);
${looks}step all looks
step remove xl cpupool-cpu-remove Pool-0 3
sleep 1
raw '$fresh_works' >/dev/null
step works looks
step idt raw '$fresh_idt'
SH
is(cpus_of($pool->{all}), '0 1 2 3', 'works go round all CPUs of the pool that Dom0 is in');
is($pool->{remove}{status}, 0, 'a CPU leaves the pool') or diag $pool->{remove}{err};
is(cpus_of($pool->{works}), '0 1 2', 'and no work is there any more');
is(looked_at($pool->{idt}), '0 1 2 3', 'but xen-idt looks at what only that CPU can show');
is(scalar(grep { $_->{kind} eq 'incomplete' } records($pool->{idt})), 0, 'and has nothing to add');

done_testing;
