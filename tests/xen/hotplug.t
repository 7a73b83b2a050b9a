#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A physical CPU goes away, and comes back, while the probes are at work on it.
#
# Wrong in the world if this fails: a probe whose work was queued on that CPU is heard of no more,
# or its entry stub, made anew, is reported as an attack.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $status = request('status', '*', undef, 0.2);
my $steps = boot(<<"SH", '--smp', 2, '--add', $hptool, '--timeout', 900);
# The first may have begun before what it should see.
passes() { wait_passes 2 xen-domains; wait_passes 2 xen-text; }
raw '@{[request('adversarial', '*')]}' >/dev/null
passes
raw '@{[request('records', '*')]}' >/dev/null
i=0
step cycles sh -c '
	for i in 1 2 3 4 5; do
		xen-hptool cpu-offline 1 && sleep 0.3 && xen-hptool cpu-online 1 && sleep 0.3 || exit 1
	done'
step off xen-hptool cpu-offline 1
step before raw '$status'
passes
step after raw '$status'
step records-off raw '@{[request('records', 'xen-text')]}'
step on xen-hptool cpu-online 1
passes
step records-on raw '@{[request('records', 'xen-text')]}'
step end raw '$status'
SH

is($steps->{cycles}{status}, 0, 'five times off and on') or diag $steps->{cycles}{err};
is($steps->{off}{status}, 0, 'off');
my ($before) = reply($steps->{before});
my ($after) = reply($steps->{after});
for my $probe (0, 1) {
	my ($old, $new) = map { $_->[2]{probes}[$probe] } $before, $after;
	cmp_ok($new->{runs}, '>', $old->{runs}, "$new->{name} goes on with one CPU less");
	is($new->{restarts}, 0, 'by itself: the supervisor had nothing to do');
}
my @records = (records($steps->{'records-off'}), records($steps->{'records-on'}));
is((grep { $_->{kind} eq 'modified' } @records), 0, 'no stub is reported as modified');
my @stub = map { $_->{kind} } grep { ($_->{range} // '') eq 'stub-cpu1' } @records;
is($stub[-1], 'baseline', 'in the end the stub of the CPU that came back has a new baseline') or diag "@stub";
ok((grep { $_ eq 'removed' } @stub), 'and it was told that the old one was gone');
my ($end) = reply($steps->{end});
is($end->[2]{state}, 'on', 'all probes are on');

done_testing;
