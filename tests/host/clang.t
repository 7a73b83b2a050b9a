#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The unit tests, as clang builds them.
use strict;
use warnings;
use lib 'tests/host';
use Unit;

Unit::run('clang');
