#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Live patches are told of: each step with one is counted, and on Xen's console, before it is done.
#
# Wrong in the world if this fails: whoever controls Dom0 runs code of his own in Xen, and nothing
# says who it was, or that it was a live patch; or, by uploads that fail, he pushes the records of
# other alarms out of the ring.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my ($livepatch) = glob "$build/vm/xen-utils/usr/lib/xen-*/bin/xen-livepatch";
local $KS::xen = "$build/xen-checked/xen";

my @options = ('--xen-args', 'xsm=dummy', '--add', $livepatch, '--add', "$build/tests/checked.livepatch:livepatch",
	       '--add', "$build/tests/access");
my $steps = boot(<<'SH', @options);
step first ksense --json records xen-access --run
step upload xen-livepatch upload mine livepatch
step uploaded ksense --json records xen-access --run
step rest sh -c 'xen-livepatch apply mine && xen-livepatch revert mine && xen-livepatch unload mine'
step done ksense --json records xen-access --run
step none sh -c 'xen-livepatch upload mine livepatch; for n in 0 5 4294967295; do access livepatch mine $n; done
	xen-livepatch unload mine'
step nothing ksense --json records xen-access --run
step other sh -c 'xen-livepatch upload other livepatch && xen-livepatch replace other'
step replaced ksense --json records xen-access --run
# Twelve samples, each with something new; none of them asked for.  And the log turned off, all but
# ten lines in five seconds.
step quiet xl debug-keys -- -----
ksense adversarial xen-access >/dev/null
step flood sh -c '
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do xen-livepatch upload other livepatch; sleep 0.5; done 2>/dev/null
	true'
step flooded ksense --json records xen-access --peek
step now ksense --json records xen-access --run
# A name that clears the screen, and writes a line that looks like Xen's own.
xen-livepatch upload "$(printf 'x\033[2J\n(XEN)')" livepatch
SH
my @members = qw(class event uploads applies reverts replaces unloads name by);

# What a step has of live patches, record for record.
sub told {
	my ($step) = @_;
	return [map { [@{$_}{@members}] } grep { $_->{kind} eq 'livepatch' } json($step)];
}

is_deeply(told($steps->{first})->[-1], ['sample', 'present', 0, 0, 0, 0, 0, '', -1], 'none yet')
	or diag $steps->{first}{out};
is($steps->{upload}{status}, 0, 'one is uploaded') or diag $steps->{upload}{err};
is_deeply(told($steps->{uploaded})->[0], ['alarm', 'changed', 1, 0, 0, 0, 0, 'mine', 0],
	'which is told before it is applied') or diag $steps->{uploaded}{out};
is($steps->{rest}{status}, 0, 'it is applied, reverted and unloaded') or diag $steps->{rest}{out}, $steps->{rest}{err};
is_deeply([@{told($steps->{done})->[-1]}[2 .. 8]], [1, 1, 1, 0, 1, 'mine', 0], 'each is counted')
	or diag $steps->{done}{out};
is_deeply([$steps->{none}{out} =~ /^livepatch: (\S+)$/mg], [('EOPNOTSUPP') x 3], 'what is no action is refused')
	or diag $steps->{none}{out}, $steps->{none}{err};
is_deeply([@{told($steps->{nothing})->[-1]}[2 .. 8]], [2, 1, 1, 0, 2, 'mine', 0],
	'and counted as none: not even 0 as an upload') or diag $steps->{nothing}{out};
is($steps->{other}{status}, 0, 'another is applied in place of all')
	or diag $steps->{other}{out}, $steps->{other}{err};
is_deeply([@{told($steps->{replaced})->[-1]}[2 .. 8]], [3, 1, 1, 1, 2, 'other', 0], 'as replaced')
	or diag $steps->{replaced}{out};
my @told = @{told($steps->{flooded})};
cmp_ok(scalar(@told), '>', 0, 'failed uploads are told, too') or diag $steps->{flooded}{out};
cmp_ok(scalar(@told), '<=', 8, 'but not each: that would push others out of the ring') or diag $steps->{flooded}{out};
is(told($steps->{now})->[-1][2], 3 + 12, 'none is lost') or diag $steps->{now}{out};
ok($steps->{''}{console} =~ /sense: d0: livepatch upload: x\?\[2J\?\(XEN\)/, 'a name does nothing to the console');
my @console = $steps->{''}{console} =~ /sense: (d0: livepatch \S+: \S+)/g;
is_deeply([@console[0 .. 7]], ['d0: livepatch upload: mine', 'd0: livepatch apply: mine', 'd0: livepatch revert: mine',
	'd0: livepatch unload: mine', 'd0: livepatch upload: mine', 'd0: livepatch unload: mine',
	'd0: livepatch upload: other', 'd0: livepatch replace: other'], 'all of it is on the console');
is(scalar(grep { $_ eq 'd0: livepatch upload: other' } @console), 1 + 12,
	'also what is done when the log is turned off') or diag explain \@console;
ok($steps->{''}{console} =~ /livepatch: mine: Applying/ && $` =~ /sense: d0: livepatch apply: mine/,
	'before it is done');

done_testing;
