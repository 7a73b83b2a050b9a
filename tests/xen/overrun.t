#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# More records than the ring holds.
#
# Wrong in the world if this fails: the sensor forgets what it saw and does not say so.  The ring is made as small as it may be; fresh samples
# that nobody takes fill it again and again.  Then every seq must be either delivered or told as lost, exactly.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use JSON::PP;
use Test::More;

my $run = request('records', 'xen-domains', { run => JSON::PP::true, peek => JSON::PP::true, filter => { kind => 'none' } });
my $take = request('records', 'xen-domains');
my $status = request('status', 'xen-domains', undef, 0.2);
my $steps = boot(<<"SH", '--xen-args', 'sense=ring=8K,level=low', '--timeout', 600);
i=0; while [ \$i -lt 30 ]; do echo '$run'; i=\$((i + 1)); done | ksense --xen raw >/dev/null
step take raw '$take'
step again raw '$take'
i=0; while [ \$i -lt 30 ]; do echo '$run'; i=\$((i + 1)); done | ksense --xen raw >/dev/null
step since raw '@{[request('records', 'xen-domains', { since => 100000, peek => JSON::PP::true })]}'
step peek raw '@{[request('records', 'xen-domains', { peek => JSON::PP::true })]}'
step second raw '$take'
step status raw '$status'
SH

my $next = 0;
my $lost = 0;
for my $name (qw(take again second)) {
	my @records = records($steps->{$name});
	my ($told) = grep { $_->{kind} eq 'lost' } @records;
	if ($told) {
		is($records[0]{kind}, 'lost', "$name: the loss is told first");
		is($told->{first}, $next, "$name: from where the last reply ended");
		is($told->{count}, $told->{last} - $told->{first} + 1, "$name: counted");
		$next = $told->{last} + 1;
		$lost += $told->{count};
	}
	for my $record (grep { $_->{kind} ne 'lost' } @records) {
		$record->{seq} == $next or fail("$name: seq $record->{seq} comes where $next should");
		$next = $record->{seq} + 1;
	}
}
cmp_ok($lost, '>', 100, "there was something to lose ($lost records)");
ok(!(grep { $_->{kind} eq 'lost' } records($steps->{again})), 'a loss is told once');
ok((grep { $_->{kind} eq 'lost' } records($steps->{peek})), 'a peek tells the loss');
ok(!(grep { $_->{kind} eq 'lost' } records($steps->{since})), 'a cursor beyond it is not bothered');
my ($end) = reply($steps->{status});
is($end->[2]{lost}, $lost, 'status counts the same');
is($end->[2]{delivered} + $end->[2]{lost} + $end->[2]{held}, $next + $end->[2]{held}, 'and every record is accounted for');

done_testing;
