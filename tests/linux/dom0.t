#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The suite of the protocol against the module in Dom0: every command, more records than the ring
# holds, records that are pushed, the clients of the time.
#
# Wrong in the world if this fails: a client that knows one sensor is not understood by another.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Suite;
use Test::More;

suite('dom0', qw(commands overrun subscribe dialect));

done_testing;
