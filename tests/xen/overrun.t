#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# More records than the ring holds, in Xen.
#
# Wrong in the world if this fails: the sensor forgets what it saw and does not say so.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Suite;
use Test::More;

suite('xen', 'overrun');

done_testing;
