#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Three minutes of the soak, two of them with all of Xen's probes at adversarial: see lab/soak.
use strict;
use warnings;
use FindBin;

$ENV{KS_SOAK_SECONDS} //= 180;
exec "$FindBin::Bin/../../lab/soak" or die "lab/soak: $!";
