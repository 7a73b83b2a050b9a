#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A debug build of Xen, with its assertions, UBSAN and XSM, passes the same tests: each of them
# also fails when Xen's console shows a complaint.  Its FLASK is left out, as a distribution's is
# that no policy is given to.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

$KS::xen = "$build/xen-checked/xen";
@KS::xen_args = ('xsm=dummy');
# Everything is slower there.
$ENV{KS_ROUNDS} //= 5;
# The others take long: make check-long (KS_LONG=1).
for my $test (qw(abi overrun), $ENV{KS_LONG} ? qw(commands text hotplug idt roots pagetables entries compare) : ()) {
	subtest $test => sub {
		do "$FindBin::Bin/$test.t";
		die $@ if $@;
	};
}

done_testing;
