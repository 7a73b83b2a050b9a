#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe xen-idt while a guest with virtualisation runs: its registers and its TSS are in the CPU then, and Xen takes the ISTs off four gates.
#
# Wrong in the world if this fails: whoever has such guests is told of changed gates and registers, some each second, and does not look any more.
# That the guest did run is shown by its CPU time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $seconds = $ENV{KS_IDT_SECONDS} // 10;
my $steps = boot(<<"SH", '--domu', '--svm', '--timeout', 600 + $seconds);
step guest domu-start --pvh --keep busy -- 'sh -c "while :; do :; done" >/dev/null 2>&1 & true'
ksense adversarial xen-idt >/dev/null
ksense --json records xen-idt >/dev/null
step before ksense --json records xen-domains --run --filter kind=vcpu
step status-before ksense --json status xen-idt
sleep $seconds
step records ksense --json records xen-idt
step after ksense --json records xen-domains --run --filter kind=vcpu
# Fresh samples, too, many in a row: those are asked for by Dom0, and never in the state that Dom0 has left in the CPU.
i=0; while [ \$i -lt 300 ]; do echo '@{[request('records', 'xen-idt', { run => JSON::PP::true })]}'; i=\$((i + 1)); done >asked
step asked sh -c 'ksense raw <asked'
step status ksense --json status xen-idt
SH

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it') or diag $steps->{''}{err};
is($steps->{guest}{status}, 0, 'a PVH guest computes') or diag $steps->{guest}{err};
my ($ran, $before) = map { my ($step) = $_; (map { $_->{runtime_ns} } grep { $_->{domid} > 0 && $_->{domid} < 0x7ff0 } json($steps->{$step}))[-1] // 0 } qw(after before);
cmp_ok($ran - $before, '>', 2e9, 'and had the CPU for seconds') or diag $steps->{after}{out};
my ($start) = json($steps->{'status-before'});
my ($end) = json($steps->{status});
cmp_ok($end->{runs} - $start->{runs}, '>', 300 + 5 * $seconds, 'while the probe looked') or diag $steps->{status}{out};
diag(($end->{runs} - $start->{runs}) . ' samples, ' . int(($ran - $before) / 1e6) . ' ms of the guest') if $ENV{KS_IDT_SECONDS};
is_deeply([grep { $_->{event} ne 'present' } json($steps->{records})], [], 'nothing is told of it');
# That the ring let go of what nobody took is told as lost: so the samples are taken whole, each by its request.
my @asked = records($steps->{asked});
cmp_ok(scalar(@asked), '>', 300 * 40, 'fresh samples were given');
is_deeply([grep { ($_->{event} // '') ne 'present' } @asked], [], 'and nothing is told there');
is($end->{failures} + $end->{restarts}, 0, 'the probe had no trouble');

done_testing;
