#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A user without any rights has more processes and descriptors than the sensor had places for.
#
# Wrong in the world if this fails: whoever may start programs decides what the sensor does not
# see: behind 4,300 processes that do nothing another is hidden, or behind 9,000 descriptors
# somebody reads /etc/shadow; or with 120,000 he has it blind, for what a machine of 2 GiB easily
# holds is more than the sensor has places for.
#
# The crowd (tests/linux/many.c) is there before anything happens.  Then a process is hidden
# (tests/linux/hide), as root; and root opens /etc/shadow. Each must be a record; and nothing may
# be told as something that could not be looked at.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @options = ('--linux', '--mem', 2048, '--timeout', 900, map { ('--add', $_) } $KS::module,
	"$KS::test_modules/hide/ks_hide.ko", map { "$build/tests/$_" } qw(actor many));
my $steps = boot(<<'SH', @options);
export KSENSE_SOCKET=/run/ksense/kernel.sock
# The records of a probe as they come, until there is one with this.
await() {
	i=0
	: >await.out
	until grep "$2" await.out; do
		[ $i -lt 300 ] || return 1
		i=$((i + 1))
		ksense --json records $1 >await.out
		sleep 0.2
	done
}
crowd() {
	rm -f many.out; mkfifo many.in
	./many 1000 $1 $2 <many.in >many.out &
	many=$!
	exec 3>many.in
	until grep -q many many.out; do sleep 0.2; done
	cat many.out
}
disperse() { exec 3>&-; wait $many; rm many.in; }

insmod ksense.ko
ksense high processes >/dev/null
step crowd crowd 4300 0
wait_passes 2 processes
ksense --json records processes >/dev/null
insmod ks_hide.ko
mkfifo actor.in
./actor <actor.in >/dev/null &
actor=$!
exec 4>actor.in
wait_passes 2 processes
echo $actor >/sys/module/ks_hide/parameters/table
step hidden await processes '"kind":"hidden"'
step actor echo $actor
echo 0 >/sys/module/ks_hide/parameters/table
exec 4>&-
wait $actor
step incomplete ksense --json records processes --peek --run --filter kind=incomplete
disperse
step status ksense --json status
rmmod ks_hide ksense

insmod ksense.ko
step descriptors crowd 9 1000
wait_passes 2 open-files
ksense --json records open-files >/dev/null
: >/etc/shadow
sleep 1000 </etc/shadow &
reader=$!
step shadow await open-files /etc/shadow
step incomplete2 ksense --json records open-files --peek --run --filter kind=incomplete
kill $reader
wait $reader
# What the release of the last reference leaves to others is over before the next sample sees it.
sleep 1
step shut ksense --json records open-files --run --filter event=vanished
disperse
rmmod ksense

step descriptors3 crowd 120 1000
insmod ksense.ko
step incomplete3 ksense --timeout 600 --json records open-files --peek --run --filter kind=incomplete
rmmod ksense
disperse
SH

is($steps->{''}{status}, 0, 'the machine came through it');
is($steps->{crowd}{out}, "many 4300\n", 'there is a crowd');
my ($hidden) = json($steps->{hidden});
is_deeply([@{$hidden // {}}{qw(class event tid)}], ['alarm', 'appeared', $steps->{actor}{out} + 0],
	'the process that is hidden behind it is found')
	or diag $steps->{hidden}{out}, $steps->{hidden}{err};
is_deeply([grep { $_->{kind} eq 'incomplete' } json($steps->{incomplete})], [],
	'and there was a place for each of the others');
is($steps->{descriptors}{out}, "many 9\n", 'there are nine thousand descriptors');
my ($shadow) = grep { ($_->{path} // '') eq '/etc/shadow' } json($steps->{shadow});
is_deeply([@{$shadow // {}}{qw(event mode uid)}], ['appeared', 'r', 0], 'and who opens /etc/shadow is seen')
	or diag $steps->{shadow}{out}, $steps->{shadow}{err};
is_deeply([grep { $_->{kind} eq 'incomplete' } json($steps->{incomplete2})], [],
	'here, too, there was a place for each');
ok((grep { ($_->{path} // '') eq '/etc/shadow' } json($steps->{shut})),
	'and that it is closed, with its path: what is new is kept as a whole');
is($steps->{descriptors3}{out}, "many 120\n", 'there are 120,000 descriptors');
is($steps->{incomplete3}{status}, 0, 'there is a sample of them') or diag $steps->{incomplete3}{err};
is_deeply([grep { $_->{kind} eq 'incomplete' } json($steps->{incomplete3})], [],
	'with a place for each');

done_testing;
