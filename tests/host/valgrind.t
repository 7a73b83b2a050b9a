#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The unit tests under valgrind: nothing is read that was not written, nothing is left behind.
use strict;
use warnings;
use lib 'tests/host';
use Unit;

# Where a test runs for thousands of rounds, fewer do here.
$ENV{KS_SLOW} = 1;
Unit::run('plain', 'valgrind', '-q', '--error-exitcode=9', '--leak-check=full',
	'--errors-for-leak-kinds=definite,indirect');
