#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Two minutes of fork load in Dom0 with all probes at adversarial.
#
# Wrong in the world if this fails: what watches the host harms it.  Each child computes with the FPU and fills memory, and says if either is
# not as it left it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $seconds = $ENV{KS_LOAD_SECONDS} // 120;
my $status = request('status', '*', undef, 0.2);
my $steps = boot(<<"SH", '--smp', 2, '--timeout', $seconds + 480, '--add', "$build/tests/forks");
raw '@{[request('adversarial', '*')]}' >/dev/null
step before raw '$status'
step load ./forks $seconds
step after raw '$status'
step records raw '@{[request('records', 'xen-text')]}'
SH

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it');
is($steps->{load}{status}, 0, 'no process was killed, none lost its registers or memory');
diag $steps->{load}{out};
my ($forks) = $steps->{load}{out} =~ /^(\d+) processes/;
cmp_ok($forks // 0, '>', 1000 * $seconds / 120, 'there was a load');
my ($before) = reply($steps->{before});
my ($after) = reply($steps->{after});
for my $probe (0, 1) {
	my ($old, $new) = map { $_->[2]{probes}[$probe] } $before, $after;
	cmp_ok($new->{runs} - $old->{runs}, '>', 1 * $seconds, "$new->{name} went on ($old->{runs} to $new->{runs} runs)");
	is($new->{restarts} + $new->{failures}, 0, 'without a restart or a failure');
}
is((grep { $_->{kind} eq 'modified' } records($steps->{records})), 0, "Xen's text held still");

done_testing;
