#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A debug build of Xen, with its assertions and UBSAN, passes the same tests: each of them also fails when Xen's console shows a complaint.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

$KS::xen = "$build/xen-debug/xen";
for my $test (qw(commands abi overrun text hotplug)) {
	subtest $test => sub {
		do "$FindBin::Bin/$test.t";
		die $@ if $@;
	};
}

done_testing;
