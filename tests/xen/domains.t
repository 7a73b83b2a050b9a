#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A domain is destroyed, and another one has its id and its uuid, between two samples of xen-domains.
#
# Wrong in the world if this fails: whoever controls Dom0 puts a domain of his in the place of
# another, and it passes for the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--add', "$build/tests/access");
ksense low xen-domains >/dev/null
guest=$(access create | sed "s/create: //")
step domid echo $guest
step before ksense --json records xen-domains --run --filter kind=domain
step replace access replace $guest
step after ksense --json records xen-domains --run --filter kind=domain
SH

is($steps->{replace}{out}, "replace: ok\n", 'a domain is replaced') or diag $steps->{replace}{err};
my ($before, $after) = map { [grep { $_->{domid} == $steps->{domid}{out} } json($steps->{$_})] } qw(before after);
my ($old) = grep { $_->{event} eq 'present' } @$before;
my ($new) = grep { $_->{event} eq 'present' } @$after;
is_deeply([map { $new->{$_} } qw(domid uuid)], [map { $old->{$_} } qw(domid uuid)], 'the other has its id and its uuid') or diag $steps->{after}{out};
cmp_ok($new->{instance} // 0, '>', $old->{instance} // 0, 'and is another');
is_deeply([map { $_->{instance} } grep { $_->{event} eq 'vanished' } @$after], [$old->{instance}], 'that the first is gone is told') or diag $steps->{after}{out};
# Found by its own pass it has appeared, by the one asked for it is present.
ok((grep { $_->{class} eq 'event' && $_->{event} ne 'vanished' && $_->{instance} == $new->{instance} } @$after), 'and that the other came') or diag $steps->{after}{out};
my %seen;
my @twice = grep { $seen{$_->{instance} // 0}++ } grep { $_->{event} eq 'present' } json($steps->{after});
is_deeply(\@twice, [], 'no two have the same number');

done_testing;
