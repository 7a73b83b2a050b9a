#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What one call of the hypercall costs, at the worst that anybody has found; and one step of the
# probes, with the largest domain that Xen makes, and with as many domains as there are rows for
# sources that change too much, all of which do so in one pass.
#
# Wrong in the world if this fails: who may only read keeps a CPU from its guests for as long as he
# likes, with a line that takes long to read, or with a cookie that he made up.  A line of 3.4 KB
# whose keys had one hash took 4.2 million instructions, white space at the end of a line 97,000.
#
# The machine's clock counts instructions.  bench/xen sends each of the requests that the search of
# "make bench" has kept, one of each class, and says what the dearest call of its reply took,
# Dom0's kernel included; then a cookie that Xen did not make, with a line of 4096 bytes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# What the search does not do beforehand: that probes were off, which is more to reset, and that
# one takes its baselines, whose steps a reader makes.
my @classes = qw(syntax error discovery status control records peek run);
my $steps = boot(<<"SH", '--icount', '--timeout', 900, '--add', "$build/bench/xen",
step worst ./xen worst @classes
step off ./xen worst --after off control
step reset ./xen worst --after reset long-run
SH
		 '--add', "$root/tests/xen/long-run", map { ('--add', "$root/bench/worst/$_") } @classes);

is($steps->{$_}{status}, 0, 'each was sent') or diag $steps->{$_}{err} for qw(worst off reset);
my %took = map { /^(.*)\t(\d+)\tinstructions$/ ? ($1 => $2) : () }
	map { split /\n/, $steps->{$_}{out} } qw(worst off reset);
for my $what ('forged cookie, with the longest line',
	      map { "worst call found: $_" } @classes, 'control, after off', 'long-run, after reset') {
	cmp_ok($took{$what} // 'nothing', '<=', 50_000, "$what: " . ($took{$what} // 'nothing') . ' instructions');
	cmp_ok($took{$what} // 0, '>', 5_000, 'and it is one that costs something');
}

# --- A domain with as many vCPUs as Xen allows, of which Dom0 makes one in a second.
my $vcpus = 8192;
$steps = boot(<<"SH", '--icount', '--mem', 4096, '--add', "$build/tests/access");
step create access create $vcpus
step vcpus access vcpu \$(access create $vcpus | sed "s/create: //") $vcpus
for probe in \$(ksense --json discovery | grep -o '"[a-z]*-[a-z]*"' | tr -d '"'); do
	ksense --json records \$probe --run >/dev/null
done
step sample ksense --json records xen-domains --run --filter kind=domain
step status ksense --json status
SH
like($steps->{vcpus}{out}, qr/^vcpu: ok$/m, 'a domain with very many vCPUs')
	or diag $steps->{vcpus}{out}, $steps->{vcpus}{err};
ok((grep { ($_->{vcpus} // 0) == $vcpus } json($steps->{sample})), 'of which each is counted')
	or diag $steps->{sample}{out};
my ($status) = json($steps->{status});
cmp_ok($_->{longest_step_ns}, '<=', 50_000, "no step of $_->{name} took more") for @{$status->{probes}};
cmp_ok(scalar(@{$status->{probes}}), '>=', 7, 'of all probes');

# --- Whoever controls domains has all of them change at the same moment: there is much to tell.
my $domains = 32;
$steps = boot(<<"SH", '--icount', '--add', "$build/tests/access");
made=0
until [ \$made -eq $domains ]; do access create; made=\$((made + 1)); done >/dev/null
ksense records xen-domains --run >/dev/null
times=0
until [ \$times -eq 34 ]; do
	times=\$((times + 1))
	access rename 1 $domains \$times >renamed
	ksense --json records xen-domains --run --filter kind=limited >>limited
done
step renamed cat renamed
step limited grep -c '"kind":"limited"' limited
step status ksense --json status xen-domains
SH
like($steps->{renamed}{out}, qr/^rename: $domains$/m, 'domains that change their uuids')
	or diag $steps->{renamed}{err};
cmp_ok($steps->{limited}{out} || 0, '>=', $domains, 'too often') or diag $steps->{limited}{out};
($status) = json($steps->{status});
cmp_ok($status->{longest_step_ns}, '<=', 50_000, 'that all of them do so too often is not told in one step');

done_testing;
