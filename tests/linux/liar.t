#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a module or a thread says of itself does not keep the sensor from its work.
#
# Wrong in the world if this fails: a module that says that its symbols are where no memory is
# kills the thread of the sensor that is about to tell of it, with the probe that it had in hand,
# or the program that loads the sensor; or a thread of the kernel's hides by saying that it is
# idle; or a pid table that leads in a circle keeps the sensor, and with it the machine, for ever.
#
# A module of the tests (tests/linux/liar) does that.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--linux', '--add', $KS::module, '--add', "$KS::test_modules/liar/ks_liar.ko");
k() { ksense --timeout 200 --socket /run/ksense/kernel.sock --json "$@"; }
liar=/sys/module/ks_liar/parameters
insmod ks_liar.ko
echo 1 >$liar/symbols
step load insmod ksense.ko sense=kernel-text=off,processes=high
echo 1 >$liar/listen
step listener k records kernel-entries --run --filter kind=listener
echo 0 >$liar/symbols
step honest k records kernel-entries --run --filter kind=listener
echo 0 >$liar/listen
step modules k records modules --run
hidden() { k records processes --run --filter kind=hidden; }
step before hidden
echo 1 >$liar/idle
step pid cat $liar/idle
for i in $(seq 60); do hidden >found; grep -q ks_liar found && break; sleep 0.5; done
step hides cat found
echo 0 >$liar/idle
for i in $(seq 60); do hidden >found; grep -q '"event":"present".*ks_liar' found || break; sleep 0.5; done
step after cat found
echo 1 >$liar/table
step loop k records processes --run
step loop-files k records open-files --run
echo 0 >$liar/table
step straight k records processes --run
step status k status kernel-entries
step end rmmod ksense
SH

# json() has the records alone: those of the items that there are in a fresh sample.
sub items {
	my ($name) = @_;

	return grep { ($_->{event} // '') =~ /^(present|appeared|changed)$/ } json($steps->{$name});
}

is($steps->{load}{status}, 0, 'the sensor starts beside a module whose symbols lead nowhere')
	or diag $steps->{load}{err};
my ($listener) = items('listener');
is($listener && $listener->{tracepoint}, 'sys_enter', 'who listens at each system call is told')
	or diag $steps->{listener}{out}, $steps->{listener}{err};
is($listener && $listener->{symbol}, "$listener->{address} [ks_liar]",
   'by number and module, as there is no name to be read');
my ($honest) = items('honest');
is($honest && $honest->{symbol}, 'ks_liar_listener [ks_liar]', 'and by name, if there is');
ok((grep { $_->{kind} eq 'view' && $_->{name} eq 'module-tree' && $_->{available} } json($steps->{modules})),
   'the tree of modules is found');
is(scalar(items('before')), 0, 'nobody hides');
my ($hides) = grep { $_->{event} eq 'present' } items('hides');
is($hides && join(' ', @$hides{qw(comm pid missing)}),
   "ks_liar @{[$steps->{pid}{out} + 0]} pid-table,task-list",
   'a thread that only says that it is idle is told as hidden') or diag $steps->{hides}{out};
is(scalar(grep { $_->{event} ne 'vanished' } json($steps->{after})), 0,
   'and not any more when it is where all are') or diag $steps->{after}{out};

# --- The pid table leads in a circle
sub short {
	my ($name, $view) = @_;
	my @records = grep { $_->{kind} eq 'incomplete' && ($_->{view} // '') eq $view } json($steps->{$name});

	return join(' ', map { "$_->{class} $_->{looked} $_->{of}" } @records);
}

sub processes {
	my ($name) = @_;

	return scalar grep { $_->{kind} eq 'process' && $_->{event} eq 'present' } json($steps->{$name});
}

cmp_ok(processes('loop'), '>', 10, 'where the pid table leads in a circle, the processes before that are told');
like(short('loop', 'pids'), qr/^alarm \d+ \d+\b/, 'and that there may be more')
	or diag $steps->{loop}{out}, $steps->{loop}{err};
like(short('loop-files', 'tables'), qr/^alarm /, 'which open-files says, too');
like(short('straight', 'pids'), qr/alarm (\d+) \1$/, 'and that it is over');
my ($status) = json($steps->{status});
is($status->{last_error}, undef, 'no probe failed');
is($steps->{end}{status}, 0, 'it goes');

done_testing;
