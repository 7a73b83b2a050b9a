#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The kernel releases no file for its threads any more.
#
# Wrong in the world if this fails: any user has a socket of his released by the one work that does
# so for all threads of the kernel's, and that never ends.  Then every file of which a thread of
# the sensor's has the last reference is never released: the machine runs out of files, or whoever
# waits for the end of a pipe waits for ever.
#
# A program does that (tests/linux/linger.c).  That the work stands still is seen from its stack,
# at the beginning and at the end.  Whether the sensor is the last who has a file is a matter of
# luck; so it is counted how many it gives back at all: none should be a pipe, a socket, or a file
# that is in a folder.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $samples = 100;
my @options = ('--linux', map { ('--add', $_) } $KS::module, map { "$build/tests/$_" } qw(become linger watch));
my $steps = boot(<<"SH", @options);
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
T=/sys/kernel/tracing
mount -t tracefs none \$T
echo 'p:put fput file=%di:x64' >\$T/kprobe_events
echo 'comm ~ "ksense/*"' >\$T/events/kprobes/put/filter
echo 1 >\$T/events/kprobes/put/enable
# How many files the sensor puts in a sample of each, and what it saw.
puts() {
	echo >\$T/trace
	k records open-files --run >of-files
	k records processes --run >of-processes
	sed -n 's/.* put: .*file=//p' \$T/trace | sort -u | wc -l
}
sleep 1000 </bin/busybox | sleep 1000 & pipe=\$!
until grep -q '^sleep' /proc/\$pipe/comm; do sleep 0.1; done
step puts puts
step files cat of-files
step processes cat of-processes
mkfifo watch.in
./watch /bin/busybox <watch.in >watched & watch=\$!
exec 3>watch.in
until grep -qs watching watched; do sleep 0.1; done
step puts-anonymous puts
step files-anonymous cat of-files
exec 3>&-
wait \$watch
echo 0 >\$T/events/kprobes/put/enable
echo >\$T/kprobe_events
kill \$pid \$pipe
step end rmmod ksense
step kernel dmesg
SH

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
like($steps->{lingers}{out}, qr/^pid \d+$/, 'a socket lingers');
like($steps->{$_}{out}, qr/^kworker/, "the work that releases files stands still ($_)") for qw(stands still);
# Each sample opens some nine files; what else is open may differ by some.
cmp_ok($steps->{after}{out} - $steps->{before}{out}, '<', $samples, 'the files that the sensor opened it has closed')
	or diag "$steps->{before}{out}$steps->{after}{out}";
my @files = grep { defined $_->{fd} } json($steps->{files});
ok((grep { ($_->{path} // '') eq 'pipe:[' . hex($_->{inode} // 0) . ']' } @files), 'it saw a pipe');
ok((grep { ($_->{state} // '') eq 'listen' && $_->{local} =~ /^127\.0\.0\.1:\d+$/ } @files), 'a socket of TCP');
ok((grep { ($_->{remote} // '') eq '/run/ksense/kernel.sock' } @files), 'one with a name');
ok((grep { ($_->{path} // '') eq '/bin/busybox' } @files), 'a file');
ok((grep { ($_->{exe} // '') eq '/root/linger' } json($steps->{processes})), 'and a program');
# (The first process has one, a signalfd.)
sub anonymous {
	my %at = map { ("$_->{pid} $_->{fd}" => 1) } grep { ($_->{type} // '') eq 'anonymous' } json($steps->{$_[0]});
	return scalar keys %at;
}
is($steps->{puts}{out} + 0, anonymous('files'), 'and held none of them, but only what is in no folder');
is($steps->{'puts-anonymous'}{out} + 0, anonymous('files-anonymous'), 'of that, each');
cmp_ok(anonymous('files-anonymous'), '>', anonymous('files'), 'one that came, too');
is($steps->{end}{status}, 0, 'it goes');
unlike($steps->{kernel}{out}, qr/BUG|Oops|WARNING|Call Trace/, 'the kernel has nothing to complain about');

done_testing;
