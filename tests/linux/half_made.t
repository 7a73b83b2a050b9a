#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A process that is being made has its page tables before any list has it.
#
# Wrong in the world if this fails: a user without any rights has the judge say that a process is
# hidden in Dom0, as often as he likes: sixty processes of his that make others, each with a
# network namespace, were enough.  Who is told so every day does not look any more.  Or such a
# process is taken for an answer, and a hidden one is passed over beside it.
#
# The user's program (tests/linux/nets.c) wants one such namespace, and a test module
# (tests/linux/slow) has it wait there for as long as the test likes.  Then, as root, a process is
# hidden beside it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @options = ('--timeout', 900, map { ('--add', $_) } $KS::module, "$KS::test_modules/hide/ks_hide.ko",
	"$KS::test_modules/slow/ks_slow.ko", map { "$build/tests/$_" } qw(become nets));
my $steps = boot(<<'SH', @options);
M=/run/ksense/kernel.sock
P=/sys/module/ks_slow/parameters
compare() { ksense compare --json; }
# Of a fresh sample, without those of samples before.
making() {
	ksense --socket $M records processes >/dev/null
	ksense --socket $M --json records processes --run --filter kind=making
}
chmod 755 /root
insmod ksense.ko
insmod ks_slow.ko
insmod ks_hide.ko
step before compare
echo 1 >$P/hold
become 1000 1000 1000 none /root/nets >nets.out 2>&1 & nets=$!
step waits until_true grep -q '^[1-9]' $P/waiting
step nets pidof nets
step making making
step half compare
sleep 1000 & hidden=$!
until_true grep -q sleep /proc/$hidden/comm
echo $hidden >/sys/module/ks_hide/parameters/table
step beside compare
echo 0 >/sys/module/ks_hide/parameters/table
echo 0 >$P/hold
step made until_true grep -q nets nets.out
step none making
step after compare
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(waits making made none);

# The records of a comparison: its findings by name, and what it says of the check.
sub compared {
	my ($step) = @_;
	my @lines = json($steps->{$step});
	my ($coverage) = grep { $_->{checks} } @lines;
	my ($check) = grep { $_->{check} eq 'processes' } @{$coverage->{checks} // []};
	return ($check // {}, map { $_->{finding} } grep { $_->{finding} } @lines);
}

my ($check, @findings) = compared('before');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'nothing differs at first') or diag $steps->{before}{out};

# Some may have vanished since the sample before.
sub making { return grep { $_->{kind} eq 'making' && $_->{event} eq 'present' } json($steps->{$_[0]}) }
my @making = making('making');
is(scalar(@making), 1, 'one process is being made') or diag $steps->{making}{out};
is_deeply([map { $making[0]{$_} } qw(uid comm)], [1000, 'nets'], 'by whom');
is($making[0]{ppid}, $steps->{nets}{out} + 0, 'by which process');
($check, @findings) = compared('half');
is_deeply(\@findings, [], 'it is no finding') or diag $steps->{half}{out};
is($check->{verdict}, 'unconfirmed', 'nor an agreement');
like($check->{words}, qr/^a process is being made/, 'and why');
is($steps->{half}{status}, 3, 'which the exit status says');

($check, @findings) = compared('beside');
is($check->{verdict}, 'differs', 'who is hidden beside it');
is(scalar(grep { $_ eq 'hidden-process' } @findings), 1, 'is found') or diag $steps->{beside}{out};
is($steps->{beside}{status}, 1, 'and that is the exit status');

is_deeply([making('none')], [], 'once it is made, it is being made no more');
($check, @findings) = compared('after');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'and nothing differs') or diag $steps->{after}{out};

done_testing;
