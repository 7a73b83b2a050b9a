#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A domain is destroyed, and another one has its id and its uuid, between two samples of
# xen-domains; and one comes and goes between two.
#
# Wrong in the world if this fails: whoever controls Dom0 puts a domain of his in the place of
# another, and it passes for the same; or he has one do its work while nobody looks, and nothing
# tells that there ever was one.
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
step vcpu access vcpu $guest
step before ksense --json records xen-domains --run
step replace sh -c "access replace $guest; access vcpu $guest"
step after ksense --json records xen-domains --run

# What is destroyed is freed a little later, one after the other.
unseen() {
	i=0
	until ksense --json records xen-domains --run --peek --filter kind=unseen | grep -q '"count":'$1,; do
		[ $i -lt 60 ] || return 1
		i=$((i + 1)); usleep 500000
	done
}
brief() { access destroy $(access create | sed "s/create: //"); }
ksense reset xen-domains >/dev/null
step none ksense --json records xen-domains --run --filter kind=unseen
ksense off xen-domains >/dev/null
step brief brief
step half access half
ksense on xen-domains >/dev/null
step two unseen 2
step first ksense --json records xen-domains --filter kind=unseen
guest=$(access create | sed "s/create: //")
step guest echo $guest
step seen ksense --json records xen-domains --run --filter kind=domain
step destroy access destroy $guest
step gone ksense --json records xen-domains --run --filter kind=domain
ksense off xen-domains >/dev/null
step again brief
ksense on xen-domains >/dev/null
step three unseen 3
step second ksense --json records xen-domains --run --filter kind=unseen
SH

is($steps->{replace}{out}, "replace: ok\nvcpu: ok\n", 'a domain is replaced') or diag $steps->{replace}{err};
my ($before, $after) = map { [grep { $_->{kind} eq 'domain' && $_->{domid} == $steps->{domid}{out} }
	json($steps->{$_})] } qw(before after);
# If a pass of its own saw it first, before all of it was there, it has changed,
# else it is present.
my ($old, $new) = map { (grep { $_->{event} =~ /^(present|changed)$/ } @$_)[-1] } $before, $after;
is_deeply([map { $new->{$_} } qw(domid uuid)], [map { $old->{$_} } qw(domid uuid)],
	'the other has its id and its uuid') or diag $steps->{after}{out};
cmp_ok($new->{instance} // 0, '>', $old->{instance} // 0, 'and is another');
is_deeply([map { $_->{instance} } grep { $_->{event} eq 'vanished' } @$after], [$old->{instance}],
	'that the first is gone is told') or diag $steps->{after}{out};
# Found by its own pass it has appeared, by the one asked for it is present.
ok((grep { $_->{class} eq 'event' && $_->{event} ne 'vanished' && $_->{instance} == $new->{instance} } @$after),
	'and that the other came') or diag $steps->{after}{out};
my %seen;
my @twice = grep { $seen{$_->{instance} // 0}++ } grep { $_->{kind} eq 'domain' && $_->{event} eq 'present' }
	json($steps->{after});
is_deeply(\@twice, [], 'no two have the same number');
my ($vcpu) = grep { $_->{kind} eq 'vcpu' && $_->{domid} == $steps->{domid}{out} && $_->{event} eq 'changed' }
	json($steps->{after});
is_deeply([@{$vcpu // {}}{qw(class instance)}, ($vcpu // {})->{old}{instance}],
	['event', $new->{instance}, $old->{instance}], 'and its vCPU is another, too')
	or diag $steps->{after}{out};

is($steps->{none}{out}, '', 'no domain came and went unseen until now') or diag $steps->{none}{out};
like($steps->{$_}{out}, qr/^destroy: ok$/m, "a domain is made and destroyed ($_)")
	or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(brief destroy again);
like($steps->{half}{out}, qr/^half: EINVAL$/m, 'and one is made by half') or diag $steps->{half}{out};
is($steps->{two}{status}, 0, 'while the probe was off: two are counted') or diag $steps->{first}{out};
my @unseen = json($steps->{first});
my ($told) = grep { $_->{event} eq 'appeared' || $_->{event} eq 'changed' } @unseen;
is(($told // {})->{class}, 'event', 'which is an event') or diag $steps->{first}{out};
cmp_ok($unseen[-1]{last_ns}, '>', 0, 'with the time');
ok((grep { $_->{domid} == $steps->{guest}{out} && $_->{event} =~ /^(present|changed)$/ } json($steps->{seen})),
	'one that a sample has');
ok((grep { $_->{domid} == $steps->{guest}{out} && $_->{event} eq 'vanished' } json($steps->{gone})),
	'and that is gone in the next')
	or diag $steps->{gone}{out};
is($steps->{three}{status}, 0, 'is not counted, and the one after it is');
is((json($steps->{second}))[-1]{count}, 3, 'once') or diag $steps->{second}{out};

done_testing;
