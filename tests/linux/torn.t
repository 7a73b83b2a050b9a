#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Lists of the kernel's that somebody has torn, and locks that nobody gives back.
#
# Wrong in the world if this fails: whoever can write the kernel's memory makes the sensor go
# round in a list for ever, or wait, with a lock held or preemption off, so that the kernel stands
# still; or the sensor reports a failure from where it may not, and the kernel stumbles over that;
# or a torn list keeps it from seeing what else is wrong.
#
# A module of the tests (tests/linux/torn) tears them.  A machine that stands still is ended after
# some minutes, and the steps behind are missing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--linux', '--timeout', 240, map { ('--add', $_) } $KS::module, "$build/tests/actor", map { "$KS::test_modules/$_.ko" } qw(torn/ks_torn code/ks_code));
S=/run/ksense/kernel.sock
torn() { echo $2 > /sys/module/ks_torn/parameters/$1; }
k() { ksense --timeout 300 --socket $S --json "$@"; }
# Three looks, with more than the probe's patience with code between them.
looks() { k records modules --run; sleep 3; k records modules --run; k records modules --run; }
# Who asks for the status wants the probe's lock, again and again.
storm() { for i in 1 2 3; do ( n=0; while [ $n -lt 60 ]; do k status >/dev/null; n=$((n + 1)); done ) & done; wait; }

step load sh -c 'insmod ksense.ko sense=processes=off,open-files=off,files=off,kernel-text=off,kernel-entries=off,domains=off && insmod ks_torn.ko'
insmod ks_code.ko orphan=1
k adversarial modules >/dev/null
step whole looks

torn ring 1
step ring storm
sleep 1
step ring-status k status modules
torn ring 0
step mended looks

torn kset 1
step kset looks
sleep 1
step kset-status k status modules
torn kset 0
step kset-mended k status modules

torn hold 1
step hold looks
torn hold 0

k off modules >/dev/null
k on processes >/dev/null
k adversarial processes >/dev/null
mkfifo words; actor <words >said & exec 3>words
echo thread >&3; until grep -q '^thread ' said; do sleep 0.1; done
victim=$(pidof actor)
torn threads $victim
step threads k records processes --run --filter comm=actor
torn threads 0
step unload sh -c 'rmmod ks_torn && rmmod ksense'
step kernel dmesg
SH

sub status {
	my ($status) = json($steps->{$_[0]});
	return { %$status, %{$status->{probes} ? (grep { $_->{name} eq 'modules' } @{$status->{probes}})[0] : {}} };
}

sub of_kind {
	my ($step, $kind) = @_;
	return grep { $_->{kind} eq $kind } json($steps->{$step});
}

is($steps->{load}{status}, 0, 'both are loaded') or diag $steps->{load}{err};
my ($orphan) = of_kind('whole', 'unowned-code');
ok($orphan, 'code that belongs to no module is a finding') or diag explain $steps->{whole};

is($steps->{ring}{status}, 0, 'a list of modules that never ends is come through');
is(status('ring-status')->{last_error}, 'the list of modules is no ring', 'and is told as that');
is($steps->{mended}{status}, 0, 'once it is mended, there are samples again');
cmp_ok(scalar of_kind('mended', 'module'), '>', 1, 'of modules');
is(scalar of_kind('mended', 'hidden'), 0, 'none of which is hidden');

is(status('kset-status')->{last_error}, 'the objects of /sys/module are no ring', 'objects that are no ring are told');
my %seen = map { $_->{start} => 1 } of_kind('kset', 'unowned-code');
ok($seen{$orphan->{start}}, 'and keep nobody from seeing what else is wrong') or diag explain $steps->{kset};

is($steps->{hold}{status}, 0, 'nobody waits for a lock that nobody gives back');
%seen = map { $_->{start} => 1 } of_kind('hold', 'unowned-code');
ok($seen{$orphan->{start}}, 'and what was wrong still is');

my ($actor) = grep { $_->{event} eq 'present' } of_kind('threads', 'process');
is($actor && $actor->{threads}, 2, 'nor follows threads to where there is no memory') or diag explain $steps->{threads};
is($steps->{unload}{status}, 0, 'both go') or diag $steps->{unload}{err};
unlike($steps->{kernel}{out}, qr/BUG|Oops|WARNING|Call Trace|soft lockup/, 'the kernel has nothing to complain about');
is($steps->{''}{status}, 0, 'the machine came through it');

done_testing;
