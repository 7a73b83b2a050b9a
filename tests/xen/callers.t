#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Callers of every kind: 64-bit and 32-bit, in paravirtual and in HVM guests.
#
# Wrong in the world if this fails: the structure or an address means to Xen something else than to
# the caller that has it: a sensing domain that is not Dom0's like is refused, gets half a reply,
# or, worse, gets Xen to read or write where that caller has no memory.
#
# A FLASK policy lets ordinary guests ask.  Two Linux guests, PV and PVH, do in tests/abi.c what
# abi.t has Dom0 do.  As there is no 32-bit Linux to be had, tests/guest32.c is a guest by itself,
# started once as PV and once as PVH; its lines are on Xen's console, and each must read as here.
# That a guest has really been answered by this sensor shows in the reply: it is Dom0's, byte by
# byte, and the guest, whose uuid is set here, finds itself in its records, as what it is.  A third
# one has a label to which the policy gives nothing: if that one is served as well, Xen asks
# nobody, and the others show nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

local $KS::xen = "$build/xen-checked/xen";

my %uuid = (pv => '6b1f0d1c-32aa-4e0b-9c55-0000000000a1', pvh => '6b1f0d1c-32aa-4e0b-9c55-0000000000a2',
	    isolated => '6b1f0d1c-32aa-4e0b-9c55-0000000000a3');
my $discovery = request('discovery', '*');
my $parts = './abi version fields buffers broken';

my @options = ('--domu', '--svm', '--smp', 2, '--timeout', 900, '--add', "$build/tests/guest32",
	'--module', "$build/flask/guests", '--xen-args', 'flask=enforcing loglvl=all guest_loglvl=all');
my $steps = boot(<<"SH", @options);
# guest32 NAME TYPE UUID [LINE of configuration]: until it has turned itself off.
guest32() {
	printf '%s\\n' "name = '\$1'" "type = '\$2'" "uuid = '\$3'" "kernel = '/root/guest32'" 'memory = 32' \\
		'vcpus = 1' "on_crash = 'destroy'" "on_reboot = 'destroy'" "\${4-}" >\$1.cfg
	xl create -q -p \$1.cfg && xl domid \$1 && xl unpause \$1 || return
	left=300
	while xl domid \$1 >/dev/null 2>&1; do
		[ \$left -gt 0 ] || { xl list >&2; xl destroy \$1; echo 'it does not end' >&2; return 1; }
		left=\$((left - 1))
		usleep 100000
	done
}
# Somebody in Dom0 who asks all the time, on another CPU: this Xen has one buffer for all calls, so
# that the guests' are made again and again.
abi hammer >/dev/null &
# Something to read, before anybody does: more than fits a small buffer.
raw '@{[request('records', 'xen-domains', { run => JSON::PP::true, peek => JSON::PP::true })]}' >/dev/null
step pv32 guest32 pv32 pv $uuid{pv}
step pvh32 guest32 pvh32 pvh $uuid{pvh}
step isolated32 guest32 isolated32 pvh $uuid{isolated} "seclabel = 'system_u:system_r:isolated_domU_t'"
step pv64 domu-start --add abi pv64 -- $parts
step pvh64 domu-start --pvh --add abi pvh64 -- $parts
step discovery raw '$discovery'
SH

like($steps->{''}{console}, qr/Flask:\s+Starting in enforcing mode/i, 'FLASK enforces');
is($steps->{discovery}{status}, 0, 'Dom0 asks') or diag $steps->{discovery}{err};

# Why a guest died, if it did.
sub xen_says {
	return join '', map { "$_\n" } grep { /\(XEN\)/ && !/guest32 / }
		(split /\r?\n/, $steps->{''}{console})[-60 .. -1];
}

# === 64 bits =================================================================

my @everywhere = (
	[version => '1'],
	['version-arg' => 'EINVAL'],
	['unknown-op' => 'EOPNOTSUPP'],
	['other-version' => 'EINVAL'],
	['unknown-flag' => 'EINVAL'],
	['cookie-at-start' => 'EINVAL'],
	['forged-cookie' => 'EINVAL'],
	['empty-request' => 'EMSGSIZE'],
	['long-request' => 'EMSGSIZE'],
	['no-buffer' => 'ENOBUFS'],
	['one-byte' => 'ENOBUFS'],
	['one-byte-enough' => 'ok'],
	['page-crossing-reply' => 'ok'],
	['page-crossing-request' => 'ok'],
	['reply-into-hole' => 'EFAULT'],
	['request-from-hole' => 'EFAULT'],
	['struct-in-hole' => 'EFAULT'],
	['struct-across-hole' => 'EFAULT'],
	['reply-into-xen' => 'EFAULT'],
	['request-from-xen' => 'EFAULT'],
	['reply-at-the-end' => 'EFAULT'],
	['whole-big' => 'ok'],
	['whole-small' => 'ok'],
	['whole-same' => 'ok'],
	['broken-first' => 'ok'],
	['broken-cookie' => 'EINVAL'],
	['broken-more' => 'ok'],
	['broken-again' => 'ok'],
);
my @bits64 = (
	@everywhere,
	['struct-null' => 'EFAULT'],
	['reply-not-canonical' => 'EFAULT'],
	['reply-upper-bits' => 'EFAULT'],
	['request-upper-bits' => 'EFAULT'],
	['enormous-size' => 'ok'],
	['whole-calls' => 'ok'],
);

for my $name (qw(pv64 pvh64)) {
	my %got = map { split /: /, $_, 2 } grep { /^[a-z0-9-]+: / } map { s/\r//r } split /\n/, $steps->{$name}{out};
	is($steps->{$name}{status}, 0, "$name: the program came to its end")
		or diag explain $steps->{$name}, xen_says();
	is($got{$_->[0]}, $_->[1], "$name: $_->[0]") for @bits64;
	is(scalar(keys %got), scalar(@bits64), "$name: no line but these");
}

# === 32 bits =================================================================

my @bits32 = (
	@everywhere,
	['unknown-hypercall' => 'ENOSYS'],
	[lock => 'EPERM'],
	[discovery => 'ok'],
	['cookie-upper-half' => 'EINVAL'],
	['struct-at-4' => 'ok'],
	['page-crossing-struct' => 'ok'],
	['reply-above-4g' => 'EFAULT'],
	['request-above-4g' => 'EFAULT'],
	['reply-into-scratch' => 'EFAULT'],
	['request-from-scratch' => 'EFAULT'],
	['reply-into-descriptors' => 'EFAULT'],
	['reply-across-4g' => 'EFAULT'],
	['enormous-size' => 'ok'],
	[fresh => 'ok'],
	['fresh-chunks' => 'ok'],
	['whole-chunks' => 'ok'],
	[end => 'ok'],
);
my %only = (
	pv => [[hole => 'ok'], ['reply-into-frame-table' => 'EFAULT']],
	pvh => [
		['unpaged-discovery' => 'ok'],
		['unpaged-above-4g' => 'EFAULT'],
		['legacy-mode' => 'ok'],
		['reply-up-to-4g' => 'ok'],
		['struct-up-to-4g' => 'ok'],
	],
);

# What each guest has said, by its number: { its kind, what is behind each name }, and its replies
# by their name.  Dom0's kernel writes to the same console, so that a line of Xen's need not begin
# one; but it is whole.
my (%said, %replies);
while ($steps->{''}{console} =~ /\(d(\d+)\) guest32 (pvh?) ([a-z0-9-]+): ([^\r\n]*)/g) {
	my ($domid, $kind, $name, $what) = ($1, $2, $3, $4);
	$said{$domid}{kind} = $kind;
	if ($name !~ /-line$/) {
		push @{$said{$domid}{lines}{$name}}, $what;
	} elsif ($what eq 'end') {
		$replies{$domid}{$name} .= "\n";
	} else {
		$replies{$domid}{$name} .= $what =~ /^<(.*)>$/ ? $1 : "\0$what";
	}
}
for my $kind (qw(pv pvh)) {
	my $name = $kind . '32';
	my $domid = $steps->{$name}{out} =~ /^(\d+)$/ ? $1 : -1;
	my $guest = $said{$domid} // { kind => 'none', lines => {} };
	my %got = map { $_ => join ' and ', @{$guest->{lines}{$_}} } keys %{$guest->{lines}};
	my @expected = (@bits32, @{$only{$kind}});

	is($steps->{$name}{status}, 0, "$name: started, and turned itself off")
		or diag $steps->{$name}{err}, xen_says();
	is($guest->{kind}, $kind, "$name: as what it was to start");
	is($got{$_->[0]}, $_->[1], "$name: $_->[0]") for @expected;
	is(scalar(keys %got), scalar(@expected), "$name: no line but these");

	my $reply = $replies{$domid} // {};
	is($reply->{'discovery-line'}, $steps->{discovery}{out},
		"$name: the sensor that it found is Dom0's, byte by byte");
	my @records = eval { records({ out => $reply->{'fresh-line'} }) };
	diag $@, $reply->{'fresh-line'} if $@;
	my ($self) = grep { ($_->{uuid} // '') eq $uuid{$kind} } @records;
	is_deeply([map { $self->{$_} } qw(probe kind domid type)], ['xen-domains', 'domain', $domid, uc $kind],
		  "$name: it finds itself in a reply that came in chunks") or diag $reply->{'fresh-line'};
	my @lines = $reply->{'fresh-line'} ? reply({ out => $reply->{'fresh-line'} }) : ();
	is_deeply($lines[-1], [$nonce, 'xen-domains'], "$name: which came to its end");
}

# Refused in all that it asked; what it says of its own is not the sensor's.
is($steps->{isolated32}{status}, 0, "isolated32: started, and turned itself off") or diag $steps->{isolated32}{err};
my $isolated = $steps->{isolated32}{out} =~ /^(\d+)$/ ? $1 : -1;
my %got = %{$said{$isolated}{lines} // {}};
is($got{$_}[0], 'EPERM', "isolated32: $_")
	for qw(version-arg unknown-op unpaged-discovery unpaged-above-4g discovery other-version empty-request
		one-byte struct-in-hole reply-into-hole reply-above-4g reply-into-xen fresh whole-big whole-small
		broken-first struct-up-to-4g);
is($got{version}[0], 'EPERM', 'isolated32: version');
is($got{'unknown-hypercall'}[0], 'ENOSYS', 'isolated32: by Xen');
is($got{end}[0], 'ok', 'isolated32: to the end');
is_deeply($replies{$isolated}, undef, 'isolated32: not a line was told');
like($steps->{''}{console}, qr/avc:\s+denied\s+\{ sense_read \}[^\n]*isolated_domU_t/, 'and the avc line names it');

done_testing;
