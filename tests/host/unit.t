#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The unit tests, under the address and the undefined behaviour sanitizer.
use strict;
use warnings;
use lib 'tests/host';
use Unit;

Unit::run('asan');
