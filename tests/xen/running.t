#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A PVH Dom0 keeps its page tables to itself, and Xen has no list of them; but what runs has its
# root in the CPU, and Xen looks there at random moments.  What is found there, and belongs to no
# process, is hidden.
#
# Wrong in the world if this fails: in a PVH Dom0 a process that was taken off every list runs on
# and the judge says that nothing differs; or what is there for a moment, as processes come and go,
# is told as hidden.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# tests/linux/hide/ks_hide.c: "tree" takes it out of all lists, and only the CPU that runs it
# knows it.
my @options = ('--pvh', '--timeout', 1500, map { ('--add', $_) } $KS::module, "$build/tests/hide/ks_hide.ko");
my $steps = boot(<<'SH', @options);
hide=/sys/module/ks_hide/parameters/tree
insmod ksense.ko
insmod ks_hide.ko
compare() { ksense --json compare; }
ask() { ksense --json records dom0-roots --run --peek --filter kind=running; }
# About a tenth of the CPU.
sh -c 'while :; do i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; usleep 50000; done' &
victim=$!
step victim echo $victim
step quiet compare
while :; do /bin/true; done &
storm=$!
step storm compare
kill $storm
wait $storm
step process ksense --socket /run/ksense/kernel.sock --json records processes --run --peek --filter pid=$victim
echo $victim >$hide
step hidden compare
step running ask
echo 0 >$hide
step shown compare
# Frame 0 is one like any other.
echo $victim >/sys/module/ks_hide/parameters/lowest
# It has to be found in the second before a look, which a busy machine may leave it no turn in.
lowest() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		ask >asked
		! grep -q '"frame":"0x0"' asked || break
		sleep 1
	done
	cat asked
}
step lowest lowest
echo 0 >/sys/module/ks_hide/parameters/lowest
# Each side blinded: nobody agrees.
ksense off dom0-roots >/dev/null
step off compare
ksense on dom0-roots >/dev/null
rmmod ks_hide
rmmod ksense
step gone compare
step status ksense --json status dom0-roots
SH
is($steps->{''}{status}, 0, 'the machine came through it') or diag $steps->{''}{err};

sub verdicts {
	my ($step) = @_;
	my ($coverage) = grep { $_->{checks} } json($steps->{$step});
	return { map { $_->{check} => $_ } @{$coverage->{checks} // []} };
}
sub found { return grep { $_->{finding} && $_->{severity} ne 'notice' } json($steps->{$_[0]}) }

for my $step (qw(quiet storm shown)) {
	my $check = verdicts($step)->{'running-processes'};

	is_deeply([found($step)], [], "$step: nothing is found where nothing hides") or diag explain found($step);
	# The victim's pauses are short processes, which may get the same page each time.
	like($check->{verdict}, qr/^(agrees|unconfirmed)$/, "$step: it could look") or diag explain $check;
	cmp_ok($check->{xen_items} // 0, '>=', 1, "$step: something was found running");
}
is(verdicts('quiet')->{processes}{verdict}, 'not-here', 'there is no list of page tables to compare with');
my ($process) = grep { ($_->{kind} // '') eq 'process' } json($steps->{process});
# Short processes that get the same page one after the other look like that, too: so it is no
# finding by itself.
is(verdicts('hidden')->{'running-processes'}{verdict}, 'unconfirmed', 'with one that hides nobody agrees')
	or diag $steps->{hidden}{out};
isnt($steps->{hidden}{status}, 0, 'nor does the status');
ok((grep { ($_->{frame} // '') eq $process->{root} } json($steps->{running})), 'its page tables are found running');
ok((grep { ($_->{frame} // '') eq '0x0' } json($steps->{lowest})), 'nor does it help to begin in frame 0') or
	diag $steps->{lowest}{out};
my %reasons = (off => 'probe-off', gone => 'no-module');
for my $step (sort keys %reasons) {
	my $check = verdicts($step)->{'running-processes'};

	is_deeply([@$check{qw(verdict reason)}], ['blind', $reasons{$step}], "$step: it could not look, and says so");
	isnt($steps->{$step}{status}, 0, "$step: nor is the status that of agreement");
}
my ($status) = json($steps->{status});
is($status->{failures} + $status->{restarts}, 0, 'and the probe had no trouble');

done_testing;
