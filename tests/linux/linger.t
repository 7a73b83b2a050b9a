#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The kernel releases no file for its threads any more.
#
# Wrong in the world if this fails: any user has a socket of his released by the one work that does
# so for all threads of the kernel's, and that never ends.  Then every file of which a thread of the
# sensor's has the last reference is never released: the machine runs out of files, or whoever waits
# for the end of a pipe waits for ever.
#
# A program does that (tests/linux/linger.c).  That the work stands still is seen from its stack, at
# the beginning and at the end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $samples = 100;
my $steps = boot(<<"SH", '--linux', '--timeout', 300, map { ('--add', $_) } $KS::module, map { "$build/tests/$_" } qw(become linger));
S=/run/ksense/kernel.sock
k() { ksense --timeout 100 --socket \$S --json "\$@"; }
# Whether a work of the kernel's waits for a socket to be empty.
stands() { grep -l delayed_fput /proc/[0-9]*/stack 2>/dev/null | sed 's/stack\$/comm/' | xargs cat; }
open_files() { cut -f1 /proc/sys/fs/file-nr; }
ip link set lo up
chmod 755 /root
step load insmod ksense.ko sense=modules=off,kernel-text=off
become 1000 1000 1000 none /root/linger >lingers 2>&1 & pid=\$!
until grep -qs "^pid" lingers || ! kill -0 \$pid; do sleep 0.1; done 2>/dev/null
step lingers cat lingers
for i in \$(seq 100); do stands | grep -q . && break; sleep 0.2; done
step stands stands
k records files --run >/dev/null
step before open_files
for i in \$(seq $samples); do k records files --run >/dev/null; done
step after open_files
step still stands
kill \$pid
step end rmmod ksense
step kernel dmesg
SH

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
like($steps->{lingers}{out}, qr/^pid \d+$/, 'a socket lingers');
like($steps->{$_}{out}, qr/^kworker/, "the work that releases files stands still ($_)") for qw(stands still);
# Each sample opens some nine files; what else is open may differ by some.
cmp_ok($steps->{after}{out} - $steps->{before}{out}, '<', $samples, 'the files that the sensor opened it has closed')
	or diag "$steps->{before}{out}$steps->{after}{out}";
is($steps->{end}{status}, 0, 'it goes');
unlike($steps->{kernel}{out}, qr/BUG|Oops|WARNING|Call Trace/, 'the kernel has nothing to complain about');

done_testing;
