#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a user without any rights can have the judge say.
#
# Wrong in the world if this fails: he has it say that a process is hidden in Dom0, as often as he
# likes, and who is told so every day does not look any more.  Six ways were found.  A process has
# its page tables before any list has it, and sixty processes of his that made others, each with a
# network namespace, had some wait there for long; a process may have a name with a line end in it,
# as which it stands in /proc; one may be stopped when there is nothing left in its memory; and one
# may live in the last of very many threads, of which all others have ended.  The page tables of
# one that has ended stay for as long as somebody reads its memory, whose read does not end.  And
# some sockets stand in no list of the kernel's: a netlink socket says that it has the port that
# another has; a raw one was connected to nobody.  Or a process that is half made, or has ended, is
# taken for an answer, and a hidden one is passed over beside it.  Or he sees when somebody looks,
# and has a socket listen while the sensor is asked, and not while /proc is read; and one that
# somebody hides is passed over as if it were such a one.
#
# The user's program (tests/linux/nets.c) wants one such namespace, and a test module
# (tests/linux/slow) has it wait there for as long as the test likes; and the module reads another
# process's memory.  Then, as root, a process is hidden beside it.
use strict;
use warnings;
use File::Temp;
use FindBin;
use JSON::PP;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @options = ('--timeout', 900, map { ('--add', $_) } $KS::module, "$KS::test_modules/hide/ks_hide.ko",
	"$KS::test_modules/slow/ks_slow.ko", map { "$build/tests/$_" } qw(become empty headless nets unlisted));
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
left() {
	ksense --socket $M records processes >/dev/null
	ksense --socket $M --json records processes --run --filter kind=left
}
become 1000 1000 1000 none /bin/sleep 1000 & ended=$!
until_true grep -q sleep /proc/$ended/comm
step nothing-left left
echo $ended >$P/reading
step read-alive left
kill $ended
wait $ended
step left left
step kept compare
echo $hidden >/sys/module/ks_hide/parameters/table
step beside-kept compare
echo 0 >/sys/module/ks_hide/parameters/table
echo 0 >$P/reading
step not-left left
step given-back compare
become 1000 1000 1000 none /bin/sh -c 'printf "a) b\nc" >/proc/$$/comm; sleep 1000; true' & named=$!
step named until_true grep -q '^c) S' /proc/$named/stat
step names compare
become 1000 1000 1000 none /root/empty >empty.out 2>&1 & empty=$!
step emptied until_true grep -q '^empty [0-9]' empty.out
step statm sh -c 'cat /proc/$(sed "s/empty //" empty.out)/statm'
step empty compare
become 1000 1000 1000 none /root/headless 200 >headless.out 2>&1 &
step beheaded until_true grep -q '^headless [0-9]' headless.out
step threads sh -c 'cat /proc/$(sed "s/headless //" headless.out)/task/*/stat'
step headless compare
become 1000 1000 1000 none /root/unlisted >unlisted.out 2>&1 & unlisted=$!
step sockets until_true grep -q '^unlisted [0-9]' unlisted.out
step lists sh -c "cat unlisted.out /proc/$unlisted/net/netlink /proc/$unlisted/net/raw"
step open ksense --socket $M --json records open-files --run --peek --filter kind=socket --filter comm=unlisted
step unlisted compare
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err}
	for qw(waits making made none named emptied beheaded sockets);

# Of a comparison: what it says of the check, and its findings by name.
sub compared {
	my ($step, $name) = @_;
	my @lines = json($steps->{$step});
	my ($coverage) = grep { $_->{checks} } @lines;
	my ($check) = grep { $_->{check} eq ($name // 'processes') } @{$coverage->{checks} // []};
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

sub left { return grep { $_->{kind} eq 'left' && $_->{event} eq 'present' } json($steps->{$_[0]}) }
is_deeply([map { scalar(left($_)) } qw(nothing-left read-alive left not-left)], [0, 0, 1, 0],
	'the memory of one that has ended is told of for as long as it is read')
	or diag map { $steps->{$_}{out} } qw(nothing-left read-alive left not-left);
($check, @findings) = compared('kept');
is_deeply([$check->{verdict}, @findings], ['unconfirmed'], 'it is no finding, nor an agreement')
	or diag $steps->{kept}{out};
like($check->{words}, qr/^a process has ended, and somebody uses its memory still/, 'and why');
is($steps->{kept}{status}, 3, 'which the exit status says');
($check, @findings) = compared('beside-kept');
is_deeply([$check->{verdict}, scalar(grep { $_ eq 'hidden-process' } @findings)], ['differs', 1],
	'who is hidden beside it is found') or diag $steps->{'beside-kept'}{out};
($check, @findings) = compared('given-back');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'when nobody reads it any more, nothing differs')
	or diag $steps->{'given-back'}{out};

($check, @findings) = compared('names', 'processes-in-proc');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'a name of two lines is a name') or diag $steps->{names}{out};

like($steps->{statm}{out}, qr/^0 /, 'one has nothing left in its memory') or diag $steps->{emptied}{err};
($check, @findings) = compared('empty', 'processes-in-proc');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'which it still has') or diag $steps->{empty}{out};

my @states = $steps->{threads}{out} =~ /^\d+ \(headless\) (\S)/mg;
is_deeply([scalar(grep { $_ eq 'Z' } @states), scalar(@states)], [200, 201], 'the last of many threads lives')
	or diag $steps->{threads}{out}, $steps->{beheaded}{err};
($check, @findings) = compared('headless');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'and is asked for the memory that it has')
	or diag $steps->{headless}{out};

my ($listed, @unlisted) = $steps->{lists}{out} =~ /^unlisted (\d+) (\d+) (\d+)$/m;
my %open = map { hex($_->{inode}) => $_ } json($steps->{open});
is(scalar(grep { $open{$_} } $listed // 0, @unlisted), 3, 'a user has three sockets') or diag $steps->{open}{out};
is($open{$unlisted[0] // 0}{local}, $open{$listed // 0}{local}, 'two of which say that they have one port');
my $lists = $steps->{lists}{out} =~ s/^unlisted .*//r;
is_deeply([map { $lists =~ /\b$_\b/ ? 1 : 0 } $listed // 0, @unlisted], [1, 0, 0],
	'the kernel lists the first of them') or diag $steps->{lists}{out};
($check, @findings) = compared('unlisted', 'sockets');
is_deeply([$check->{verdict}, @findings], ['agrees'], 'and nobody says that the others are hidden')
	or diag $steps->{unlisted}{out};

# In step with the looks he has to be as fast as they are, so there are two CPUs; and even so he is
# with one comparison of three at all eight looks.  Then the socket is hidden by a module.
my $all = JSON::PP->new->decode(scalar `cat \Q$root\E/canary/checks.json`);
my $sockets = JSON::PP->new->encode({ checks => [grep { $_->{check} eq 'sockets' } @{$all->{checks}}] });
my $file = File::Temp->new;
print $file $sockets;
close $file;
@options = ('--linux', '--smp', 2, '--timeout', 900, '--add', "$file:sockets.json",
	map { ('--add', $_) } $KS::module, "$KS::test_modules/hide/ks_hide.ko",
	map { "$build/tests/$_" } qw(become in_step));
$steps = boot(<<'SH', @options);
compare() { ksense compare --json --checks sockets.json; }
chmod 755 /root
ip link set lo up
insmod ksense.ko
insmod ks_hide.ko
become 1000 1000 1000 none /root/in_step >in_step.out 2>&1 & in_step=$!
step begun until_true grep -q '^in_step [0-9]' in_step.out
for i in 1 2 3 4 5 6 7 8; do step in-step-$i compare; done
busybox httpd -f -p 127.0.0.1:7777 -h /tmp & listener=$!
step listens until_true grep -q ':1E61 ' /proc/net/tcp
echo 7777 >/sys/module/ks_hide/parameters/port
step hidden compare
echo 0 >/sys/module/ks_hide/parameters/port
SH
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(begun listens);
my %said;
for my $i (1 .. 8) {
	($check, @findings) = compared("in-step-$i", 'sockets');
	$said{$check->{verdict} // 'nothing'}++;
	is_deeply(\@findings, [], "in step with the looks nothing is hidden ($i)") or diag $steps->{"in-step-$i"}{out};
}
diag join ', ', map { "$_: $said{$_}" } sort keys %said;
($check, @findings) = compared('hidden', 'sockets');
is_deeply([$check->{verdict}, @findings], ['differs', 'socket-not-in-proc'], 'what is hidden is found')
	or diag $steps->{hidden}{out};

done_testing;
