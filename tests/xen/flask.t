#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Xen with FLASK, enforcing: the policy decides who may ask the sensor.
#
# With the example policy as the patch leaves it Dom0 may: access.t tries all of it.  Without the
# permission it gets EPERM like anybody, and an avc line says why.
#
# The policy is also what keeps Dom0 from the sensing domain's memory.  Wrong in the world if this
# fails: whoever controls Dom0 has the policy no longer enforced, loads one of his own, or sets a
# boolean, and reads and writes the sensing domain as he likes; or he does so before there is one,
# and nobody is told.  Or he calls memory a device's, and has a guest of his own map it; or reads
# and writes it as gdbsx does, by page tables of his making.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

local $KS::xen = "$build/xen-checked/xen";
my @common = ('--xen-args', 'flask=enforcing loglvl=all');
my @allow = ('--module', "$build/flask/allow", '--add', "$build/flask/allow", '--add', "$build/tests/access");
my ($no, $yes) = (JSON::PP::false, JSON::PP::true);

my $denied = boot("step ask ksense --xen discovery\nstep abi abi denied\n", @common, '--module', "$build/flask/deny");
like($denied->{''}{console}, qr/Flask:\s+Starting in enforcing mode/i, 'FLASK enforces');
is($denied->{ask}{status}, 3, 'without the permission Dom0 is not served');
like($denied->{abi}{out}, qr/^denied-exchange: EPERM$/m, 'but gets EPERM');
like($denied->{''}{console}, qr/avc:\s+denied\s+\{ sense_read \}/, 'and the avc line names the permission');

# --- Dom0 may read, and no more: its status says so, and asking for that is not refused.

my $reads = boot(<<'SH', @common, '--module', "$build/flask/read");
step status ksense --xen --json status
step run ksense --xen --json records xen-domains --run
step off ksense --xen off xen-domains
step peek ksense --xen --json records xen-domains --peek
SH
my ($status) = json($reads->{status});
is($status->{control}, $no, 'who may only read is told so') or diag $reads->{status}{out}, $reads->{status}{err};
like($reads->{$_}{err}, qr/denied/, "$_ needs more") for qw(run off);
is(scalar(() = $reads->{''}{console} =~ /avc:\s+denied\s+\{ sense_control \}/g), 2,
	'and each of the two is logged, as the status is not') or diag $reads->{''}{console};
is($reads->{peek}{status}, 0, 'what is there can be read') or diag $reads->{peek}{err};

# The members named of the last record of the policy that a step shows.
sub policy {
	my ($step, @members) = @_;
	my ($last) = grep { $_->{kind} eq 'policy' } reverse json($step);
	return [@{$last // {}}{@members}];
}

# A domain that is just made, and handed the sensor.
my $lock = 'step lock ksense lock $(access create | sed "s/create: //")';

# In Dom0: whether the ring has a record like this.  The probe looks every other second.
my $told = 'told() { ksense --json records xen-access --peek | grep -q "$1"; }' . "\n";

# === Before the lock, and after =================================================

my $steps = boot($told . <<"SH", @common, @allow);
step first ksense --json records xen-access --run
step permit access policy permit
step permitted ksense --json records xen-access --run
step before access policy enforce junk load boolean commit label unlabel
step changed ksense --json records xen-access --run
$lock
step after access policy permit load boolean commit label unlabel enforce
tries=200 until_true told '"op":"policy","command":"booleans",.*"count":2,'
tries=200 until_true told '"op":"policy","command":"label",.*"count":2,'
step ring ksense --json records xen-access --peek
SH
my @told = qw(module enforcing loaded frozen enforcing_off enforcing_on loads boolean_sets label_sets by);

is_deeply(policy($steps->{first}, @told), ['flask', $yes, $yes, $no, 0, 0, 0, 0, 0, -1], 'the policy is told')
	or diag $steps->{first}{out};
is($steps->{permit}{out}, "policy permit: ok\n", 'before the lock Dom0 turns enforcing off');
is_deeply(policy($steps->{permitted}, @told), ['flask', $no, $yes, $no, 1, 0, 0, 0, 0, 0],
	'which is told, with who it was') or diag $steps->{permitted}{out};
my ($off) = grep { $_->{kind} eq 'policy' && $_->{event} eq 'changed' } json($steps->{permitted});
is($off->{old}{enforcing}, $yes, 'as a change') or diag $steps->{permitted}{out};
is($steps->{before}{out}, <<'OUT', 'and does the rest');
policy enforce: ok
policy junk: EINVAL
policy load: ok
policy boolean: ok
policy commit: ok
policy label: ok
policy unlabel: ok
OUT
is_deeply(policy($steps->{changed}, @told), ['flask', $yes, $yes, $no, 1, 1, 1, 1, 2, 0],
	'each that was done is counted') or diag $steps->{changed}{out};
is($steps->{lock}{status}, 0, 'a sensing domain is named') or diag $steps->{lock}{err};
is($steps->{after}{out}, <<'OUT', 'then nobody may change the policy, but have it enforced');
policy permit: EPERM
policy load: EPERM
policy boolean: EPERM
policy commit: EPERM
policy label: EPERM
policy unlabel: EPERM
policy enforce: ok
OUT
is_deeply(policy($steps->{ring}, @told), ['flask', $yes, $yes, $yes, 1, 1, 1, 1, 2, 0], 'nothing was done')
	or diag $steps->{ring}{out};
my %refused = map { $_->{op} eq 'policy' ? ($_->{command} => $_) : () }
	grep { $_->{kind} eq 'denied' } json($steps->{ring});
is_deeply({ map { ($_ => [@{$refused{$_}}{qw(domid count)}]) } keys %refused },
	{ permit => [0, 1], load => [0, 1], booleans => [0, 2], label => [0, 2] },
	'and what was refused is told') or diag $steps->{ring}{out};

# === Memory is not to be had as if it were a device's ==============================

# Of a machine of 1 GiB: frames in the midst of it are RAM, and those from 0xfc000 on, below the
# chipset's, nobody's.
my $frames = boot($told . <<"SH", @common, @allow);
# Xen has 64 KiB below 640 KiB to bring up a CPU with.
step low sh -c 'for frame in \$(seq 128 159); do access map 0x7ff1 \$frame; done'
step video access map 0x7ff1 0xa0
guest=\$(access create | sed "s/create: //")
step label access policy label
step before sh -c "
	for what in permit map unmap forbid permit; do access frames \\\$what \$guest 0x10000 16; done
	access debug"
step lock ksense lock \$(access create | sed "s/create: //")
step ram sh -c "for what in permit map unmap forbid; do access frames \\\$what \$guest 0x10000 16; done"
step partly access frames permit \$guest 0x1000 0xfc000
step edge access frames permit \$guest 0xff 2
step device sh -c "
	for what in permit map; do
		access frames \\\$what \$guest 0xfc000 16
		access frames \\\$what \$guest 0xa0 32
	done"
step debug access debug
tries=200 until_true told '"op":"frames","command":"permit",.*"count":3,'
tries=200 until_true told '"op":"frames","command":"debug",.*"count":1,'
step told ksense --json records xen-access --peek
SH
my %low;
$low{$_}++ for split /\n/, $frames->{low}{out};
is_deeply(\%low, { 'map: EPERM' => 16, 'map: ok' => 16 }, 'what a CPU that comes up runs first is not Dom0\'s')
	or diag $frames->{low}{out};
is($frames->{video}{out}, "map: ok\n", 'as other memory below 1 MiB is');
is($frames->{label}{out}, "policy label: ok\n", 'Dom0 labels memory as a device\'s');
is($frames->{before}{out}, <<'OUT', 'before the lock it gives memory to a guest, and reads as gdbsx does');
frames permit: ok
frames map: ok
frames unmap: ok
frames forbid: ok
frames permit: ok
debug: here
OUT
is($frames->{lock}{status}, 0, 'a sensing domain is named') or diag $frames->{lock}{err};
is($frames->{ram}{out}, <<'OUT', 'then it can only take it away, whatever it had allowed before');
frames permit: EPERM
frames map: EPERM
frames unmap: ok
frames forbid: ok
OUT
is($frames->{partly}{out}, "frames permit: EPERM\n", 'nor a range with memory in it');
is($frames->{edge}{out}, "frames permit: EPERM\n", 'nor one that ends in the first frame of it');
is($frames->{device}{out}, "frames permit: ok\n" x 2 . "frames map: ok\n" x 2, 'a device\'s it may as before')
	or diag $frames->{device}{err};
is($frames->{debug}{out}, "debug: EPERM\n", 'and a guest is not debugged');
%refused = map { $_->{op} eq 'frames' ? ($_->{command} => [@{$_}{qw(domid control count)}]) : () }
	grep { $_->{kind} eq 'denied' } json($frames->{told});
is_deeply(\%refused, { permit => [0, $yes, 3], map => [0, $yes, 1], debug => [0, $yes, 1] },
	'what was refused is told') or diag $frames->{told}{out};

# === What takes rights away may be done after the lock =============================

my $permissive = boot(<<"SH", '--xen-args', 'flask=permissive loglvl=all', @allow);
step first ksense --json records xen-access --run
$lock
step after access policy enforce permit
SH
is_deeply(policy($permissive->{first}, qw(module enforcing loaded)), ['flask', $no, $yes],
	'a policy that only logs is told');
is($permissive->{lock}{status}, 0, 'there, too, a sensing domain is named');
is($permissive->{after}{out}, "policy enforce: ok\npolicy permit: EPERM\n",
	'afterwards the policy can be enforced, and then for good');

my @options = ('--xen-args', 'flask=late loglvl=all', '--add', "$build/flask/allow", '--add', "$build/tests/access");
my $late = boot(<<"SH", @options);
step first ksense --json records xen-access --run
$lock
step after access policy load load
SH
is_deeply(policy($late->{first}, qw(module enforcing loaded)), ['flask', $yes, $no],
	'a policy that is not there is told');
is($late->{after}{out}, "policy load: ok\npolicy load: EPERM\n",
	'the first can be loaded after the lock, and no other');

# === Without FLASK ================================================================

# There is more memory at 4 GiB, of which Xen is told later, and which is not in the map that it
# had at boot.  (FLASK's example policy lets nobody do that.)
my $silo = boot(<<"SH", '--xen-args', 'xsm=silo', '--add', "$build/tests/access", '--more-mem', 1024);
step first ksense --json records xen-access --run
step policy access policy permit
step added access add-memory 0x100000 0x11ffff
guest=\$(access create | sed "s/create: //")
step lock ksense lock \$(access create | sed "s/create: //")
step more sh -c "
	access frames permit \$guest 0x120000 16
	access add-memory 0x120000 0x13ffff
	for frame in 0x100000 0x11fff8 0x12fff0 0x13ffff 0x140000; do access frames permit \$guest \\\$frame 16; done
	access frames map \$guest 0x110000 16"
SH
is_deeply(policy($silo->{first}, qw(module enforcing loaded frozen by)), ['silo', $no, $no, $no, -1],
	'another module of XSM is told');
is($silo->{policy}{out}, "policy permit: ENOSYS\n", 'which has no policy to be changed');
is($silo->{added}{out}, "add-memory: ok\n", 'memory is added before the lock');
is($silo->{lock}{status}, 0, 'then a sensing domain is named') or diag $silo->{lock}{err};
is($silo->{more}{out}, <<'OUT', 'and some more: all of it is memory as other is') or diag $silo->{more}{err};
frames permit: ok
add-memory: ok
frames permit: EPERM
frames permit: EPERM
frames permit: EPERM
frames permit: EPERM
frames permit: ok
frames map: EPERM
OUT

done_testing;
