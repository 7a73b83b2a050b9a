#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The sensing domain that "make sensing-domain" builds, on a host as docs/sensing-domain.md has it:
# Dom0 starts it, hands the sensor over, and keeps nothing ("sense=dom0=nothing").
#
# Wrong in the world if this fails: the sensor has been handed over to a domain that does not read
# it, and what happens on the host is told to nobody.
#
# It must wait until it is named; then what happens in Xen is on its console: that a domain
# comes and goes, and that Dom0 has asked for what it may not have any more.  How long that
# takes decides nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Schema;
use Test::More;

my $folder = "$build/sensing-domain";
my @options = ('--domu', '--xen-args', 'sense=dom0=nothing', '--add', "$folder/initrd", '--add',
	"$folder/sensing.cfg");
my $steps = boot(<<'SH', @options);
log=/var/log/xen/console/guest-sensing.log
tries=2000
mkdir -p /usr/lib/ksense/sensing-domain
mv initrd sensing.cfg /usr/lib/ksense/sensing-domain/
ln -s /root/domu/vmlinux /usr/lib/ksense/sensing-domain/vmlinux

step create xl create -q /usr/lib/ksense/sensing-domain/sensing.cfg
step waits until_true grep -q 'waiting to be named' $log
step before cat $log
step status ksense --json status
step lock ksense --table lock sensing
step named until_true grep -q '"sensing-domain":"named"' $log
step dom0 ksense off '*'
step again ksense lock --nobody
xl create -q -p domu-pv.cfg
step comes until_true grep -q '"kind":"domain",.*"event":"appeared","domid":2,' $log
xl destroy domu-pv
step goes until_true grep -q '"kind":"domain",.*"event":"vanished","domid":2,' $log
step denied until_true grep -q '"kind":"denied",.*"event":"[a-z]*","domid":0,[^}]*"op":"version"' $log
step says cat $log
SH

is($steps->{''}{status}, 0, 'the host came through it') or diag $steps->{''}{err};
is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err}, substr($steps->{says}{out} // '', -2000)
	for qw(create waits status lock named comes goes denied);
unlike($steps->{before}{out}, qr/"probe"|"named"/, 'before it is named it has nothing to say');
is($steps->{lock}{out}, "locked: domain 1 is the sensing domain until this host reboots\n",
	'the sensor is handed over');
is($steps->{dom0}{status}, 3, 'Dom0 keeps nothing');
is($steps->{again}{status}, 3, 'it cannot lock again either');

# What the console says behind "named" is JSON, line by line.
my ($all) = $steps->{says}{out} =~ /^(\{"sensing-domain":"named"\}\n.*)/ms;
my @lines = grep { /^\{/ } split /\n/, $all // '';
my @said = map { eval { /^\{"sensing-domain"/ ? JSON::PP->new->utf8->decode($_) : (decoded($_))[0] } // () } @lines;
is(scalar(@said), scalar(@lines), 'each line is whole');
my ($status) = grep { $_->{lock} } @said;
is_deeply([@{$status->{lock}}{qw(sensing alive dom0)}], [1, JSON::PP::true, 'nothing'],
	'it tells how the sensor is, and whose');
is(scalar(grep { $_->{state} ne 'on' } @{$status->{probes}}), 0, 'with every probe on');
my %probes = map { ($_->{probe} // '') => 1 } @said;
ok($probes{$_}, "the records of $_ are there") for qw(xen-domains xen-text dom0-entries xen-access);
my %seqs;
push @{$seqs{$_->{probe}}}, $_->{seq} for grep { exists $_->{seq} } @said;
for my $probe (sort keys %seqs) {
	is_deeply($seqs{$probe}, [0 .. $#{$seqs{$probe}}], "$probe: each record once, from the first on");
}

done_testing;
