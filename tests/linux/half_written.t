#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What is written to a file is seen, though its attributes changed long before the contents did, or
# not at all, where another than this kernel says what they are.
#
# Wrong in the world if this fails: whoever may write to a file that is looked at begins a write
# and lets it wait.  The sensor sees the new times, takes the SHA-256 of the old contents, and at
# "low" and "default" goes on to say that the file has it, whatever is written then.  Or so does
# who has the server that the file is on.
#
# A program of the tests (tests/linux/half_written.c) does that, in a file system that passes for
# one on a disk (tests/linux/disk); the same module has one whose times stay.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @options = map { ('--add', $_) } $KS::module, "$KS::test_modules/disk/ks_disk.ko", "$build/tests/half_written";
my $steps = boot(<<'SH', '--linux', @options);
k() { ksense --timeout 200 --socket /run/ksense/kernel.sock --json "$@"; }
facts() { stat -c '%s %Y %Z' /mnt/file; sha256sum </mnt/file; }
insmod ks_disk.ko
mkdir -p /mnt
step mount mount -t ks_disk none /mnt
echo honest >/mnt/file
mkdir -p /served
step mount-served mount -t ks_server none /served
echo honest >/served/file
# Or its times would be too young to be trusted; so below.
sleep 3
step load insmod ksense.ko files=/mnt/file,/served/file sense=processes=off,open-files=off,modules=off,kernel-text=off
step before k records files --run
mkfifo in
./half_written /mnt/file forged <in >out & writer=$!
exec 3>in
until grep -qs begun out || ! kill -0 $writer; do sleep 0.1; done
sleep 3
step begun k records files --run
step facts-begun facts
echo >&3
exec 3>&-
wait $writer
step out cat out
step written k records files --run
step facts-written facts
step quiet k records files --run
served() { stat -c '%s %Y %Z' /served/file; sha256sum </served/file; }
step facts-served-before served
printf "forged\\n" | dd of=/served/file conv=notrunc 2>/dev/null
step served k records files --run
step facts-served served
step end rmmod ksense
umount /mnt /served
step disk-end rmmod ks_disk
SH

# The last record of the file.
sub of_file {
	my ($name, $path) = (@_, '/mnt/file');
	my @records = grep { ($_->{path} // '') eq $path } json($steps->{$name});

	return (sort { $a->{seq} <=> $b->{seq} } @records)[-1];
}
my %facts = map { $_ => [split ' ', $steps->{"facts-$_"}{out}] } qw(begun written served-before served);

is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{err} for qw(mount mount-served load);
is($steps->{out}{out}, "begun\nwritten\n", 'a write was begun, and went on');
is("@{$facts{written}}[0 .. 2]", "@{$facts{begun}}[0 .. 2]", 'size and times are as they were in the middle of it');
isnt($facts{written}[3], $facts{begun}[3], 'and what is in the file is not');
is(of_file('begun')->{event}, 'changed', 'that it was begun is told');
is(of_file('begun')->{sha256}, $facts{begun}[3], 'with what was in it');
is(of_file('written')->{sha256}, $facts{written}[3], 'and what is in it now') or diag $steps->{written}{out};
is(of_file('written')->{event}, 'changed', 'which is a change');
is(of_file('quiet')->{event}, 'present', 'and once only');
is("@{$facts{served}}[0 .. 2]", "@{$facts{'served-before'}}[0 .. 2]", 'a server says that nothing has changed');
isnt($facts{served}[3], $facts{'served-before'}[3], 'where something has');
is(of_file('quiet', '/served/file')->{sha256}, $facts{'served-before'}[3], 'what was there is told');
is(of_file('served', '/served/file')->{sha256}, $facts{served}[3], 'and what is there')
	or diag $steps->{served}{out};
is($steps->{end}{status}, 0, 'it goes');
is($steps->{'disk-end'}{status}, 0, 'and keeps no file');

done_testing;
