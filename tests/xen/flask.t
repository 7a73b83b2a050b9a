#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Xen with FLASK, enforcing: the policy decides who may ask the sensor.
#
# With the example policy as the patch leaves it Dom0 may: access.t tries all of it.  Without the permission it gets EPERM like anybody, and an avc line
# says why.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

local $KS::xen = "$build/xen-checked/xen";
my @common = ('--xen-args', 'flask=enforcing loglvl=all');

my $denied = boot("step ask ksense --xen discovery\nstep abi abi denied\n", @common, '--module', "$build/flask/deny");
like($denied->{''}{console}, qr/Flask:\s+Starting in enforcing mode/i, 'FLASK enforces');
is($denied->{ask}{status}, 3, 'without the permission Dom0 is not served');
like($denied->{abi}{out}, qr/^denied-exchange: EPERM$/m, 'but gets EPERM');
like($denied->{''}{console}, qr/avc:\s+denied\s+\{ sense_read \}/, 'and the avc line names the permission');

done_testing;
