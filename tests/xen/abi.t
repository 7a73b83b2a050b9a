#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The hypercall itself, with arguments that no good client has.
#
# Wrong in the world if this fails: a caller, by mistake or malice, gets Xen to write where it must
# not, to crash, to hang, or to lose records.  What is done stands in tests/abi.c; each of its
# lines must read as here.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @expected = (
	[version => '1'],
	['version-arg' => 'EINVAL'],
	['unknown-op' => 'EOPNOTSUPP'],
	['other-version' => 'EINVAL'],
	['unknown-flag' => 'EINVAL'],
	['cookie-at-start' => 'EINVAL'],
	['forged-cookie' => 'EINVAL'],
	['empty-request' => 'EMSGSIZE'],
	['long-request' => 'EMSGSIZE'],
	['no-buffer' => 'ENOBUFS'],
	['one-byte' => 'ENOBUFS'],
	['one-byte-enough' => 'ok'],
	['page-crossing-reply' => 'ok'],
	['page-crossing-request' => 'ok'],
	['reply-into-hole' => 'EFAULT'],
	['request-from-hole' => 'EFAULT'],
	['struct-in-hole' => 'EFAULT'],
	['struct-across-hole' => 'EFAULT'],
	['struct-null' => 'EFAULT'],
	['reply-into-xen' => 'EFAULT'],
	['request-from-xen' => 'EFAULT'],
	['reply-at-the-end' => 'EFAULT'],
	['reply-not-canonical' => 'EFAULT'],
	['reply-upper-bits' => 'EFAULT'],
	['request-upper-bits' => 'EFAULT'],
	['enormous-size' => 'ok'],
	['whole-big' => 'ok'],
	['whole-small' => 'ok'],
	['whole-calls' => 'ok'],
	['whole-same' => 'ok'],
	['broken-first' => 'ok'],
	['broken-cookie' => 'EINVAL'],
	['broken-more' => 'ok'],
	['broken-again' => 'ok'],
	['random-cookies' => '20000'],
	map({ ["cursor-$_" => 'EINVAL'] } 0 .. 4),
	['own-cookie-first' => 'ok'],
	['own-cookie-changed' => '0 taken'],
	['own-cookie-other-request' => 'EINVAL'],
	['own-cookie' => 'ok'],
	['own-cookie-again' => 'ok'],
	['off-into-hole' => 'EFAULT'],
	['off-into-hole-state' => '"on"'],
	['off-struct-read-only' => 'EFAULT'],
	['off-struct-read-only-state' => '"on"'],
	['reset-into-xen' => 'EFAULT'],
	['reset-into-xen-resets' => '0'],
	[reset => 'ok'],
	['reset-resets' => '1'],
	['after-changing' => 'ok'],
	[crowd => 'ok'],
);

my $steps = boot(<<'SH', '--smp', 2);
step abi abi
step alive ksense --xen discovery
step off true
SH
my %got = map { split /: /, $_, 2 } split /\n/, $steps->{abi}{out};
is($steps->{abi}{status}, 0, 'the program came to its end') or diag $steps->{abi}{err};
is($got{$_->[0]}, $_->[1], $_->[0]) for @expected;
is(scalar(keys %got), scalar(@expected), 'no line but these');
is($steps->{alive}{status}, 0, 'and the sensor answers as before');

done_testing;
