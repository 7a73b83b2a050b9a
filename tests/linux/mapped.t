#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What is written to a file through its memory is seen, though the file's attributes do not change.
#
# Wrong in the world if this fails: whoever may write to a file that is looked at changes it, and
# at "low" and "default" the sensor goes on to say that it has the SHA-256 that it had.
#
# A program of the tests (tests/linux/mapped.c) does that, in tmpfs, which tells of no such write.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--linux', '--add', $KS::module, '--add', "$build/tests/mapped");
k() { ksense --timeout 200 --socket /run/ksense/kernel.sock --json "$@"; }
echo honest >file
./mapped file </dev/null >/dev/null
mkfifo in
./mapped file <in >out & mapped=$!
exec 3>in
until grep -qs mapped out; do sleep 0.1; done
# Or its times would be too young to be trusted.
sleep 3
step load insmod ksense.ko files=/root/file sense=processes=off,open-files=off,modules=off,kernel-text=off
step before k records files --run
facts() { stat -c '%s %Y %Z' file; sha256sum <file; }
step facts-before facts
echo forged >&3
until grep -q written out; do sleep 0.1; done
step after k records files --run
step facts-after facts
exec 3>&-
wait $mapped
step quiet k records files --run
step end rmmod ksense
SH

# The last record of it.
sub of_file {
	my ($name) = @_;
	my @records = grep { ($_->{path} // '') eq '/root/file' } json($steps->{$name});

	return (sort { $a->{seq} <=> $b->{seq} } @records)[-1];
}
my %facts = map { $_ => [split ' ', $steps->{"facts-$_"}{out}] } qw(before after);

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
is("@{$facts{after}}[0 .. 2]", "@{$facts{before}}[0 .. 2]", 'size and times are as they were');
isnt($facts{after}[3], $facts{before}[3], 'and what is in it is not');
is(of_file('before')->{sha256}, $facts{before}[3], 'what was in it is told');
is(of_file('after')->{sha256}, $facts{after}[3], 'and what is in it now') or diag $steps->{after}{out};
is(of_file('after')->{event}, 'changed', 'which is a change');
is(of_file('quiet')->{event}, 'present', 'and once only');
is($steps->{end}{status}, 0, 'it goes');

done_testing;
