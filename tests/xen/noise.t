#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Guests make noise: one takes its vCPUs down and up for ever, another asks the sensor under one
# identity after the other for what it may not have.
#
# Wrong in the world if this fails: whoever has a guest decides what is recorded of others: that a
# domain came and went is pushed out by what the guest's vCPUs do, and that Dom0 was refused has no
# name among so many who were.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# === A guest whose vCPUs go down and up =======================================
#
# It is tests/guest32.c, which does nothing else: what a guest's operating system waits for may be
# on a vCPU that is down.

my $steps = boot(<<"SH", '--smp', 2, '--svm', '--domu', '--timeout', 900, '--add', "$build/tests/guest32");
tries=600
has() { ksense --json records xen-domains --peek --filter kind=\$1 | grep -q "\$2"; }
ksense high xen-domains >/dev/null
printf '%s\\n' "name = 'noisy'" "type = 'pvh'" "kernel = '/root/guest32'" "cmdline = 'flap'" 'memory = 32' \\
	'vcpus = 4' >noisy.cfg
# What xl leaves running would keep a step's pipe open.
xl create -q noisy.cfg
step domid xl domid noisy
step limited until_true has limited '"of":"vcpu"'
xl create -q -p domu-pv.cfg
until_true has domain '"appeared".*"state":"paused"'
step victim xl domid domu-pv
xl destroy domu-pv
until_true has domain '"vanished"'
sleep 30
step ring ksense --json records xen-domains --peek
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(domid limited victim ring);
my ($noisy, $victim) = map { $steps->{$_}{out} + 0 } qw(domid victim);
my @ring = json($steps->{ring});
my @changed = grep { $_->{kind} eq 'vcpu' && $_->{event} eq 'changed' && $_->{domid} == $noisy } @ring;
my ($first) = map { $_->{time} } @changed;
my $windows = 2 + int((($changed[-1]{time} // 0) - ($first // 0)) / 300e9);
cmp_ok(scalar(@changed), '<=', 32 * $windows, 'of what its vCPUs do, some is recorded') or diag scalar(@changed);
my ($its) = map { $_->{uuid} } grep { $_->{kind} eq 'domain' && $_->{domid} == $noisy } @ring;
my ($limited) = grep { $_->{kind} eq 'limited' && $_->{uuid} eq ($its // '') } @ring;
ok($limited && $limited->{of} eq 'vcpu' && $limited->{count} > 0, 'and the rest counted') or diag explain $limited;
is_deeply([map { $_->{event} } grep { $_->{kind} eq 'domain' && $_->{domid} == $victim && $_->{event} ne 'changed' }
	@ring], ['appeared', 'vanished'],
	  'that another domain came and went is still there') or diag explain [grep { $_->{kind} eq 'domain' } @ring];
is_deeply([grep { $_->{kind} eq 'lost' } @ring], [], 'and nothing was lost');

# === A guest that is very many ===============================================
#
# It asks by tests/access.c, and Dom0 gives it its identities.  The sensor is locked for nobody, so
# that Dom0, too, is refused what it asks for.

my $identities = 100;
$steps = boot(<<"SH", '--smp', 2, '--one-thread', '--domu', '--timeout', 900, '--add', "$build/tests/access");
log=/var/log/xen/console/guest-noisy.log
step noisy domu-start --detach --memory 220 --add access noisy -- 'while :; do ./access flood 25; done'
step domid xl domid noisy
# While the guest is many, nobody looks: a look gives up the rows of those that are gone.  The one
# after the reset tells of all that there are.
ksense off xen-access >/dev/null
step identities access identities \$(xl domid noisy) $identities \$log
ksense reset xen-access >/dev/null
ksense on xen-access >/dev/null
sleep 10
step access ksense --json records xen-access
ksense lock --nobody >/dev/null
step low ksense low xen-access
sleep 10
step access-all ksense --json records xen-access --peek
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(noisy domid);
$noisy = $steps->{domid}{out} + 0;
like($steps->{identities}{out}, qr/^identities: $identities$/m, 'one guest has been very many')
	or diag $steps->{identities}{err};
isnt($steps->{low}{status}, 0, 'Dom0 is refused');
my @denied = grep { $_->{kind} eq 'denied' && $_->{event} eq 'present' } json($steps->{access});
my ($dom0) = grep { $_->{kind} eq 'denied' && $_->{domid} == 0 && $_->{command} eq 'low' }
	json($steps->{'access-all'});
is_deeply([@{$dom0 // {}}{qw(control count)}], [JSON::PP::true, 1], 'and has a row of its own')
	or diag $steps->{'access-all'}{out};
my ($alarm) = grep { $_->{kind} eq 'denied' && $_->{domid} == 0 && $_->{class} eq 'alarm' }
	json($steps->{'access-all'});
ok($alarm, 'which is an alarm');
my ($others) = grep { $_->{kind} eq 'denied-others' } json($steps->{access});
cmp_ok($others->{count} // 0, '>', 0, 'what gave way is counted');
is(scalar(grep { $_->{domid} == $noisy } @denied), 64, 'and the guest has the rows that anybody may have');

# === A guest that reboots itself =============================================
#
# It is another domain each time, with the same uuid; tests/guest32.c turns itself off at once, and
# is started anew.

my $reboots = 36;
$steps = boot(<<"SH", '--smp', 2, '--svm', '--domu', '--timeout', 1500, '--add', "$build/tests/guest32");
tries=2000
has() { ksense --json records xen-domains --peek --filter kind=\$1 | grep -q "\$2"; }
printf '%s\\n' "name = 'again'" "uuid = '5e115e00-0000-4000-8000-000000000001'" "type = 'pvh'" \\
	"kernel = '/root/guest32'" 'memory = 32' 'vcpus = 1' "on_poweroff = 'destroy'" >again.cfg
ksense high xen-domains >/dev/null
victim() {
	xl create -q -p domu-pv.cfg
	victim=\$(xl domid domu-pv)
	until_true has domain 'appeared.*"domid":'\$victim,
	xl destroy domu-pv
	until_true has domain 'vanished.*"domid":'\$victim,
	echo \$victim
}
# It is there for a moment each time, in which nobody may look.
reached() { [ "\$(wc -l <reboots)" -ge \$1 ]; }
victim >before.out
step before cat before.out
: >reboots
# Where there is no memory for it at the moment, as another domain is made, it is not counted.
(until [ -e enough ]; do xl create -q -F again.cfg >>again.log 2>&1 && echo . >>reboots; done) &
step half until_true reached $reboots
victim >amidst.out
step amidst cat amidst.out
step all until_true reached @{[2 * $reboots]}
: >enough
wait
step ring ksense --json records xen-domains --peek
step log tail -n 5 again.log
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(before half amidst all ring);
my @records = json($steps->{ring});
for my $when (qw(before amidst)) {
	my $domid = $steps->{$when}{out} + 0;

	is_deeply([map { $_->{event} } grep { $_->{kind} eq 'domain' && $_->{domid} == $domid &&
		$_->{event} ne 'changed' } @records], ['appeared', 'vanished'],
		  "a domain that came and went $when is still there")
		      or diag explain [grep { ($_->{domid} // -1) == $domid } @records];
}

# === A guest with a device model in a domain of its own =======================
#
# Each time that it starts anew, which it can do as it likes, its model is another domain, under
# another uuid, and gets all rights over it, which is an alarm: that of another guest's stays.

$steps = boot(<<"SH", '--smp', 2, '--svm', '--timeout', 600, '--add', "$build/tests/access");
ksense adversarial xen-domains >/dev/null
step many access models 1 60
step other access models 2 1
step more access models 1 50
step ring ksense --json records xen-domains --peek --filter class=alarm
SH
like($steps->{$_}{out}, qr/^models: \d+$/, "device models: $_") or diag $steps->{$_}{out}, $steps->{$_}{err}
	for qw(many other more);
my ($model) = $steps->{other}{out} =~ /(\d+)/;
my ($last) = $steps->{more}{out} =~ /(\d+)/;
@records = grep { $_->{kind} eq 'domain' && defined $_->{old}{target} } json($steps->{ring});
for my $whose ([$last, "a guest's device model is told of"], [$model, "and another guest's still is"]) {
	my ($domid, $what) = @$whose;

	is(scalar(grep { $_->{domid} == $domid } @records), 1, $what) or diag explain [map { $_->{domid} } @records];
}

# === A guest that asks for all at once ========================================
#
# tests/storm.c: what its programs can ask of Xen and of the CPU.  None of it is an alarm, and
# nobody is kept from looking.

my @options = ('--domu', '--timeout', 1500, '--add', $KS::module, '--add', "$build/tests/storm");
$steps = boot(<<'SH', @options);
log=/var/log/xen/console/guest-noisy.log
insmod ksense.ko
ksense high '*' >/dev/null
ksense --json records '*' >/dev/null
step before ksense --json status
step noisy domu-start --detach --vcpus 2 --memory 200 --config 'maxmem = 240' --add storm noisy -- './storm 60'
# Seldom: the processes of whoever looks all the time would be Dom0's own noise.
over() { until grep -q '^storm over' $log; do xl domid noisy >/dev/null || return; sleep 5; done; }
step over over
step log grep '^storm ' $log
step domid xl domid noisy
step records ksense --json records '*'
step after ksense --json status
step compare ksense --json compare
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(noisy over log records after);
my @done = $steps->{log}{out} =~ /^storm \S+: (\d+), not done/mg;
cmp_ok(scalar(grep { $_ } @done), '>=', scalar(@done) - 1, 'the guest did all of it, but to write to the console')
	or diag $steps->{log}{out};
cmp_ok(scalar(@done), '>=', 10, 'which is much');
@records = json($steps->{records});
my @alarms = grep { ($_->{class} // '') eq 'alarm' || $_->{kind} eq 'lost' } @records;
is_deeply(\@alarms, [], 'none of it is an alarm, and nothing is lost') or diag explain \@alarms;
my ($was, $is) = map { (json($steps->{$_}))[0] } qw(before after);
is_deeply([troubles(@{$is->{probes}})], [], 'no probe had trouble');
is($is->{memory_bytes}, $was->{memory_bytes}, 'nor took more memory');
my %runs = map { $_->{name} => $_->{runs} } @{$was->{probes}};
is_deeply([grep { $_->{runs} < $runs{$_->{name}} + 20 } @{$is->{probes}}], [], 'and each went on looking');
my @lines = json($steps->{compare});
my ($coverage) = grep { $_->{checks} } @lines;
is_deeply([grep { $_->{finding} && $_->{severity} ne 'notice' } @lines], [], 'the judge makes nothing of it');
is_deeply([map { $_->{check} } grep { $_->{verdict} =~ /blind|unconfirmed/ } @{$coverage->{checks} // []}], [],
	'and sees as much as ever');

done_testing;
