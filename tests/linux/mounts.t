#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Paths that lead through very many mounts.
#
# Wrong in the world if this fails: any user stacks tens of thousands of mounts on one folder, in
# namespaces of his own, and opens a file there some hundred times, or executes it: the sensor
# goes through all of them for each path, with the locks that every path of the machine needs; or
# mounts that were made to lead in a circle keep it there for ever.
#
# A program stacks them (tests/linux/mounts.c).  That d_path() is not asked for such a path is seen
# from what is told: it would know the path, however long it takes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @options = ('--linux', map { ('--add', $_) } $KS::module, "$KS::test_modules/torn/ks_torn.ko",
	map { "$build/tests/$_" } qw(become mounts));
my $steps = boot(<<'SH', @options);
S=/run/ksense/kernel.sock
k() { ksense --timeout 100 --socket $S --json "$@"; }
chmod 755 /root
mkdir -p /tmp && chmod 1777 /tmp
# Stacks so many, and waits until they are there.
stack() {
	rm -f stacked # what the last one said
	become 1000 1000 1000 none /root/mounts $1 /tmp >stacked 2>&1 & pid=$!
	until grep -qs "^pid" stacked || ! kill -0 $pid; do sleep 0.1; done 2>/dev/null
}
both() {
	step $1-files k records open-files --run --filter pid=$pid
	step $1-process k records processes --run --filter pid=$pid
}
step load sh -c 'insmod ksense.ko sense=files=off,modules=off,kernel-text=off && insmod ks_torn.ko'
for mounts in 16 4096; do
	stack $mounts
	step stacked$mounts cat stacked
	both $mounts
	# At the levels at which a path is made anew each time.
	k high '*' >/dev/null
	both high$mounts
	k default '*' >/dev/null
	kill $pid
done
stack 2
both two
echo "$pid 9" >/sys/module/ks_torn/parameters/loop
k high '*' >/dev/null
both loop
echo 0 >/sys/module/ks_torn/parameters/loop
both mended
step end sh -c 'rmmod ksense && rmmod ks_torn'
step kernel dmesg
SH

# What is said of descriptor 9, and of the program.
sub told {
	my ($step) = @_;
	# Also what a pass has just seen change.
	my ($file) = reverse grep { $_->{event} ne 'vanished' && ($_->{fd} // -1) == 9 } json($steps->{"$step-files"});
	my ($process) = reverse grep { $_->{event} ne 'vanished' } json($steps->{"$step-process"});

	return [$file->{path}, $file->{path_cut} ? 'cut' : 'whole', $process->{exe}];
}

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
for my $mounts (16, 4096) {
	my $expected = $mounts == 16 ? ['/tmp/program', 'whole', '/tmp/program'] : ['', 'cut', '.../program'];

	like($steps->{"stacked$mounts"}{out}, qr/^pid \d+$/, "$mounts mounts are stacked");
	is_deeply(told($_), $expected, $mounts == 16 ? "$_: the path leads through them"
		: "$_: the path is told as one that is too long")
		or diag explain @$steps{"$_-files", "$_-process"} for $mounts, "high$mounts";
}
is_deeply(told('two'), ['/tmp/program', 'whole', '/tmp/program'], 'with two, the path is there');
is_deeply(told('loop'), ['', 'cut', '.../program'], 'with a circle of them it is too long');
is_deeply(told('mended'), ['/tmp/program', 'whole', '/tmp/program'], 'and is there again when that is mended');
is($steps->{end}{status}, 0, 'it goes');
unlike($steps->{kernel}{out}, qr/BUG|Oops|WARNING|Call Trace|stall/, 'the kernel has nothing to complain about');

done_testing;
