#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Every command of the protocol, against the sensor inside a real Xen, from a real Dom0; and what
# it sees, beside what Dom0 knows for sure.
#
# Wrong in the world if this fails: an operator who asks Xen something gets no
# answer, or a wrong one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Suite;
use Test::More;

suite('xen', 'commands', { script => <<'SH', check => \&check });
step dom0 raw '{Virtue-protocol-version: 0.1, request: [4f1c0e6a9d2b4c58a7e3, records, xen-domains, {run: true}]}'
step uptime cat /proc/uptime
step cpus sh -c 'grep -c ^processor /proc/cpuinfo'
SH

sub check {
	my (undef, $steps) = @_;
	my @records = records($steps->{dom0});
	my ($dom0) = grep { $_->{kind} eq 'domain' && $_->{domid} == 0 } reverse @records;

	ok($dom0, 'Dom0 is seen');
	is($dom0->{type}, 'PV', 'it is paravirtual');
	my %vcpus = map { $_->{vcpu} => $_ } grep { $_->{kind} eq 'vcpu' && $_->{domid} == 0 } @records;
	is(scalar(keys %vcpus), $steps->{cpus}{out} + 0, 'it has as many vCPUs as its kernel counts processors');
	my ($uptime) = split ' ', $steps->{uptime}{out};
	my $age = $records[-1]{time} / 1e9;
	ok($age > 0.5 && $age < $uptime + 60, "time is ns since Xen booted ($age s; Dom0 is up $uptime s)");
	ok((grep { $_->{kind} eq 'idle' } @records) > 0, "Xen's own idle threads are among them");
	ok((grep { $_->{kind} eq 'work' } @records) > 0, 'and its works');
}

done_testing;
