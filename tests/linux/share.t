#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Xen's sensor and Linux's are mostly the same files: at least 85 % of the lines that are compiled
# into Xen, but for probes.
#
# Wrong in the world if this fails: there are two sensors to be looked after, and what is mended in
# one stays broken in the other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $out = `$root/scripts/share $build/xen $build/linux-guest 2>&1`;
is($?, 0, 'enough of it is shared') or diag $out;
my ($share) = $out =~ /^([\d.]+) % of the sensor in Xen is in both/m;
cmp_ok($share // 0, '>=', 85, 'and it says so');
like($out, qr/^ +\d+ core\/sensor\.c$/m, "counted from what the kernels' builds compiled");
diag "$share %";

done_testing;
