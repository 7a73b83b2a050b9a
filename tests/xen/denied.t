#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A guest asks the sensor.
#
# Wrong in the world if this fails: any guest can see, or stop, what watches the host.  A guest's Linux refuses hypercalls of its programs by
# itself, with the very same error; so its privcmd is told not to, and the neighbour's number 46, which Xen does not know, shows
# that calls arrive: ENOSYS is Xen's answer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--domu', '--svm', '--timeout', 600, '--add', $KS::module, '--add', "$build/tests/access");
step pv domu-start --add abi pv -- ./abi denied
step pvh domu-start --pvh --add abi pvh -- ./abi denied
step keep domu-start --keep kept -- true
step domains ksense --xen --json records xen-domains --run --filter event=present
insmod ksense.ko
step told ksense --socket /run/ksense/kernel.sock --json records domains --run --filter kind=domain
step compare ksense --json compare
step destroy xl destroy kept
step gone ksense --xen --json records xen-domains --run
# A domain as it is at first, in the middle of being created.
step new access create
step compare-new ksense --json compare
step dom0 ksense --xen discovery
SH

for my $kind (qw(pv pvh)) {
	my %got = map { split /: /, $_, 2 } grep { /^denied/ } map { s/\r//r } split /\n/, $steps->{$kind}{out};
	is($got{'denied-unknown-hypercall'}, 'ENOSYS', "$kind: hypercalls of a guest's program reach Xen") or diag explain $steps->{$kind};
	is($got{$_}, 'EPERM', "$kind: $_") for qw(denied-version denied-exchange denied-null denied-unknown-op);
}

# With a guest there, it is seen, and by all who tell of domains; and that it went.
my @domains = grep { $_->{kind} eq 'domain' && $_->{domid} != 0 } json($steps->{domains});
is(scalar(@domains), 1, 'the guest that runs is seen') or diag $steps->{domains}{out};
is($domains[0]{type}, 'PV', 'as what it is');
is_deeply([sort keys %{{ map { ("$_->{domid} $_->{uuid}" => 1) } json($steps->{told}) }}], ["0 00000000-0000-0000-0000-000000000000", "$domains[0]{domid} $domains[0]{uuid}"],
	  "Dom0's kernel is told of it as well, from within") or diag explain $steps->{told};
my ($compared) = json($steps->{compare});
my %pairs = map { $_->{pair} => $_ } @{$compared->{pairs} // []};
is_deeply([map { [@{$pairs{$_}}{qw(xen_items dom0_items findings)}] } qw(domains-toolstack domains-module domains-xenstore)], [([2, 2, 0]) x 3],
	  'and whoever lists domains lists these two') or diag $steps->{compare}{out};
my ($gone) = grep { $_->{kind} eq 'domain' && $_->{event} eq 'vanished' && $_->{domid} == ($domains[0]{domid} // -1) } json($steps->{gone});
ok($gone, 'and that it vanished is a record');
like($steps->{new}{out}, qr/^create: \d+$/, 'a domain that has no vCPU yet');
my ($with_new) = grep { $_->{pairs} } json($steps->{'compare-new'});
my %with_new = map { $_->{pair} => $_ } @{$with_new->{pairs} // []};
is_deeply([map { [@{$with_new{$_}}{qw(xen_items dom0_items findings)}] } qw(domains-toolstack domains-module)], [([2, 2, 0]) x 2],
	  'is to all the same domain') or diag $steps->{'compare-new'}{out};
is($steps->{dom0}{status}, 0, 'Dom0 is served all the while');

done_testing;
