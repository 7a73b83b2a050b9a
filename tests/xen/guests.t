#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Guests, paravirtual and PVH: what they may, whether they are seen, and that the probe xen-idt is
# not misled by them.
#
# Wrong in the world if this fails: any guest can see, or stop, what watches the host; a guest is
# hidden, or told as what it is not; or whoever has guests with virtualisation is told of changed
# gates and registers, some each second, and does not look any more.
#
# A guest's Linux refuses hypercalls of its programs by itself, with the very same error; so its
# privcmd is told not to, and the neighbour's number 46, which Xen does not know, shows that calls
# arrive: ENOSYS is Xen's answer.  The PVH guest then computes: its registers and its TSS are in
# the CPU, and Xen takes the ISTs off four gates.  That it did run is shown by its CPU time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $seconds = $ENV{KS_IDT_SECONDS} // 10;
my @options = ('--domu', '--svm', '--timeout', 600 + $seconds,
	map { ('--add', $_) } $KS::module, "$build/tests/access", "$build/lab/keep");
my $steps = boot(<<"SH", @options);
step pvh domu-start --pvh --keep --add abi busy -- './abi denied; sh -c "while :; do :; done" >/dev/null 2>&1 & true'
ksense adversarial xen-idt >/dev/null
ksense --json records xen-idt >/dev/null
step before ksense --json records xen-domains --run --filter kind=vcpu
step status-before ksense --json status xen-idt
sleep $seconds
step records ksense --json records xen-idt
step after ksense --json records xen-domains --run --filter kind=vcpu
# Fresh samples, too, many in a row: those are asked for by Dom0, and never in the state that Dom0
# has left in the CPU.
i=0
while [ \$i -lt 300 ]; do
	echo '@{[request('records', 'xen-idt', { run => JSON::PP::true })]}'
	i=\$((i + 1))
done >asked
step asked sh -c 'ksense raw <asked'
step status-idt ksense --json status xen-idt
xl destroy busy
ksense reset '*' >/dev/null
ksense records '*' >/dev/null

step pv domu-start --keep --add abi kept -- ./abi denied
step domains ksense --xen --json records xen-domains --run --filter event=present
insmod ksense.ko
step told ksense --socket /run/ksense/kernel.sock --json records domains --run --filter kind=domain
step compare ksense --json compare
# One of its pages is held, by Dom0 here; another guest can do the same, for ever.
./keep \$(xl domid kept) >keep.out & keep=\$!
until_true grep kept keep.out
step destroy xl destroy kept
until_true sh -c 'ksense --xen --json records xen-domains --run --filter kind=domain | grep dying'
ksense --xen records xen-domains >/dev/null
step dying ksense --xen --json records xen-domains --run --filter event=present
step compare-dying ksense --json compare
kill \$keep
until_true sh -c '! xl list | grep null'
step gone ksense --xen --json records xen-domains --run
# A domain as it is at first, in the middle of being created.
step new access create
step compare-new ksense --json compare
step dom0 ksense --xen discovery
SH

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it') or diag $steps->{''}{err};

# === What a guest may ========================================================

for my $kind (qw(pv pvh)) {
	my %got = map { split /: /, $_, 2 } grep { /^denied/ } map { s/\r//r } split /\n/, $steps->{$kind}{out};
	is($got{'denied-unknown-hypercall'}, 'ENOSYS', "$kind: hypercalls of a guest's program reach Xen")
		or diag explain $steps->{$kind};
	is($got{$_}, 'EPERM', "$kind: $_") for qw(denied-version denied-exchange denied-null denied-unknown-op);
}

# === Whether it is seen ======================================================

# With a guest there, it is seen, and by all who tell of domains; and that it went.
my @domains = grep { $_->{kind} eq 'domain' && $_->{domid} != 0 } json($steps->{domains});
is(scalar(@domains), 1, 'the guest that runs is seen') or diag $steps->{domains}{out};
is($domains[0]{type}, 'PV', 'as what it is');
is_deeply([sort keys %{{ map { ("$_->{domid} $_->{uuid}" => 1) } json($steps->{told}) }}],
	["0 00000000-0000-0000-0000-000000000000", "$domains[0]{domid} $domains[0]{uuid}"],
	  "Dom0's kernel is told of it as well, from within") or diag explain $steps->{told};
my ($compared) = grep { $_->{checks} } json($steps->{compare});
my %checks = map { $_->{check} => $_ } @{$compared->{checks} // []};
is_deeply([map { [@{$checks{$_}}{qw(xen_items dom0_items findings)}] }
	qw(domains-toolstack domains-module domains-xenstore)], [([2, 2, 0]) x 3],
	  'and whoever lists domains lists these two') or diag $steps->{compare}{out};
# Both have called the sensor, each of whose ops was refused; that any guest can
# do so is no finding.
my @refused = grep { ($_->{finding} // '') eq 'access-refused' } json($steps->{compare});
is_deeply([sort map { $_->{where}{op} } grep { $_->{where}{domid} == ($domains[0]{domid} // -1) } @refused],
	[qw(exchange other version)],
	  'that the guest asked the sensor, and was refused, is told') or diag $steps->{compare}{out};
is_deeply([grep { $_->{severity} ne 'notice' || $_->{what} !~ /, [1-9]\d* times: / } @refused], [],
	'as a notice, with how often');

# Destroyed, and kept: it is told as what it is, in one row, whatever vCPUs it had; and that
# nobody has written it down is no finding.
my @dying = grep { ($_->{domid} // 0) == ($domains[0]{domid} // -1) } json($steps->{dying});
is_deeply([map { "$_->{kind} $_->{state}" } @dying], ['domain dying'], 'a guest that is kept is one that is dying')
	or diag $steps->{dying}{out}, $steps->{dying}{err};
my @of_dying = json($steps->{'compare-dying'});
my ($with_dying) = grep { $_->{checks} } @of_dying;
is_deeply([map { $_->{verdict} } grep { $_->{check} =~ /^domains-/ } @{$with_dying->{checks} // []}], [('agrees') x 3],
	'on which all agree') or diag $steps->{'compare-dying'}{out};
is_deeply([grep { $_->{finding} && $_->{severity} ne 'notice' } @of_dying], [], 'and nothing is found');

my ($gone) = grep { $_->{kind} eq 'domain' && $_->{event} eq 'vanished' && $_->{domid} == ($domains[0]{domid} // -1) }
	json($steps->{gone});
ok($gone, 'and that it vanished is a record');
like($steps->{new}{out}, qr/^create: \d+$/, 'a domain that has no vCPU yet');
my ($with_new) = grep { $_->{checks} } json($steps->{'compare-new'});
my %with_new = map { $_->{check} => $_ } @{$with_new->{checks} // []};
is_deeply([map { [@{$with_new{$_}}{qw(xen_items dom0_items findings)}] } qw(domains-toolstack domains-module)],
	[([2, 2, 0]) x 2],
	  'is to all the same domain') or diag $steps->{'compare-new'}{out};
is($steps->{dom0}{status}, 0, 'Dom0 is served all the while');

# === What it leaves in the CPU ===============================================

is($steps->{pvh}{status}, 0, 'a PVH guest computes') or diag $steps->{pvh}{err};
my ($ran, $before) = map {
	my ($step) = $_;
	(map { $_->{runtime_ns} } grep { $_->{domid} > 0 && $_->{domid} < 0x7ff0 } json($steps->{$step}))[-1] // 0
} qw(after before);
cmp_ok($ran - $before, '>', 2e9, 'and had the CPU for seconds') or diag $steps->{after}{out};
my ($start) = json($steps->{'status-before'});
my ($end) = json($steps->{'status-idt'});
cmp_ok($end->{runs} - $start->{runs}, '>', 300 + 5 * $seconds, 'while the probe looked')
	or diag $steps->{'status-idt'}{out};
diag(($end->{runs} - $start->{runs}) . ' samples, ' . int(($ran - $before) / 1e6) . ' ms of the guest')
	if $ENV{KS_IDT_SECONDS};
is_deeply([grep { $_->{event} ne 'present' } json($steps->{records})], [], 'nothing is told of it');
# That the ring let go of what nobody took is told as lost: so the samples are taken whole,
# each by its request.
my @asked = records($steps->{asked});
cmp_ok(scalar(@asked), '>', 300 * 40, 'fresh samples were given');
is_deeply([grep { ($_->{event} // '') ne 'present' } @asked], [], 'and nothing is told there');
is($end->{failures} + $end->{restarts}, 0, 'the probe had no trouble');

done_testing;
