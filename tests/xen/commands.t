#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Every command of the protocol, against the sensor inside a real Xen, from a real Dom0.
#
# Wrong in the world if this fails: an operator who asks Xen something gets no answer, or a wrong one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use JSON::PP;
use Test::More;

my $levels = join "\n", map { "step level-$_ raw '" . request($_, 'xen-domains') . "'" } qw(low default high adversarial);
my $words = join "\n", map { "step word-$_ ksense $_" } qw(discovery low increase decrease default high adversarial off on reset);

my $steps = boot(<<"SH", '--timeout', 600);
step discovery raw '@{[request('discovery', '*')]}'
step relaxed raw '{Virtue-protocol-version: 0.1, request: [$nonce, discovery, *]}'
step misspelt raw '{Virtue-protocol-verion: 0.1, request: [$nonce, discovery, *]}'
step session raw '{"Virtue-protocol-version": 0.2}' '{"Virtue-protocol-version": 7}' '{"Virtue-protocol-version": 0}'
step domains raw '@{[request('records', 'xen-domains', { run => JSON::PP::true })]}'
step again raw '@{[request('records', 'xen-domains')]}'
step uptime cat /proc/uptime
step cpus sh -c 'grep -c ^processor /proc/cpuinfo'
step privcmd cat /sys/hypervisor/uuid

# Read once, peek, one record, filters.
step run-a raw '@{[request('records', 'xen-domains', { run => JSON::PP::true, peek => JSON::PP::true })]}'
step peek-b raw '@{[request('records', 'xen-domains', { peek => JSON::PP::true })]}'
step one raw '@{[request('records', 'xen-domains', { record => 20 })]}' '[' '{Virtue-protocol-version: 0.1, request: [$nonce, xen-domains, "record 20"]}'
step filter raw '@{[request('records', 'xen-domains', { filter => { kind => 'domain', domid => 0 }, peek => JSON::PP::true })]}'
step nothing raw '@{[request('records', 'xen-domains', { filter => { kind => 'domain', domid => 77 } })]}'
step max raw '@{[request('records', 'xen-domains', { max => 2, peek => JSON::PP::true })]}'
step take raw '@{[request('records', 'xen-domains')]}'
step take-b raw '@{[request('records', 'xen-domains', { filter => { event => 'present' } })]}'

# Levels change the rate.
$levels
raw '@{[request('reset', '*')]}' '@{[request('low', '*')]}' >/dev/null
step low-before raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
sleep 3
step low-after raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
raw '@{[request('adversarial', '*')]}' >/dev/null
step adversarial-before raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
sleep 3
step adversarial-after raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
step mixed raw '@{[request('low', 'xen-text')]}' '@{[request('increase', '*')]}' '@{[request('default', '*')]}'

# Stop, start.
step off raw '@{[request('off', 'xen-domains')]}' '@{[request('off', 'xen-domains')]}'
step off-before raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
sleep 1
step off-after raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
step off-discovery raw '@{[request('discovery', '*')]}'
step off-run raw '@{[request('records', 'xen-domains', { run => JSON::PP::true })]}'
step on raw '@{[request('on', 'xen-domains')]}'
sleep 1
step on-after raw '@{[request('status', 'xen-domains', undef, 0.2)]}'
step on-discovery raw '@{[request('discovery', '*')]}'
step reset raw '@{[request('reset', '*')]}'
sleep 1
step reset-records raw '@{[request('records', 'xen-domains')]}'
step status raw '@{[request('status', '*', undef, 0.2)]}'

# Errors.
step errors raw '{' '{"Virtue-protocol-version": 3, "request": ["$nonce", "discovery", "*"]}' \\
	'@{[do { my $r = request('discovery', '*'); $r =~ s/$nonce/short/; $r }]}' \\
	'@{[request('discover', '*')]}' '@{[request('off', 'nobody')]}' '@{[request('records', '*', { max => -1 })]}' \\
	'@{[request('status', '*')]}'
head -c 5000 /dev/zero | tr '\\0' x >long
step long sh -c '{ echo "{\\"\$(cat long)\\"}"; echo "\$0"; } | ksense --xen raw' '@{[request('discovery', '*')]}'

# Two clients at once, each with its own words.
cat >client <<'X'
i=0
while [ \$i -lt 40 ]; do
	printf '%s\\n' '{"Virtue-protocol-version":0.1,"request":["'\$1'","records","*",{"run":true,"peek":true}]}'
	i=\$((i + 1))
done | ksense --xen raw >"\$1".out
X
sh client client-one-aaaaaaaaaa & sh client client-two-bbbbbbbbbb & wait
step two-one cat client-one-aaaaaaaaaa.out
step two-two cat client-two-bbbbbbbbbb.out

# The tool's own words.
$words
step unknown-word ksense discoverx
step unknown-target ksense off nobody
step json ksense --json records xen-domains --run --filter kind=domain
step table ksense --table records xen-domains --run --filter kind=domain
SH

is($steps->{''}{status}, 0, 'Dom0 came through it');

# --- Discovery
my ($discovery) = reply($steps->{discovery});
is($discovery->[0], $nonce, 'the nonce comes back');
is($discovery->[1], 'discovery', 'the command comes back');
is_deeply([map { $_->[0] } @{$discovery->[2]}], ['xen', 'xen-domains', 'xen-text'], 'the sensor first, then its probes');
like($_->[1], qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "$_->[0] has a uuid") for @{$discovery->[2]};
is($steps->{relaxed}{out}, $steps->{discovery}{out}, 'the published relaxed form gets the same');
is($steps->{misspelt}{out}, $steps->{discovery}{out}, 'with the published misspelling too');
is_deeply([json($steps->{session})], [{ 'Virtue-protocol-version' => 0.2 }, { 'Virtue-protocol-version' => 0.2 }, {}],
	  'a session line is answered with the lower version, or {}');

# --- What Xen sees, beside what Dom0 knows for sure
my @records = records($steps->{domains});
my ($dom0) = grep { $_->{kind} eq 'domain' && $_->{domid} == 0 } reverse @records;
ok($dom0, 'Dom0 is seen');
is($dom0->{type}, 'PV', 'it is paravirtual');
my @vcpus = grep { $_->{kind} eq 'vcpu' && $_->{domid} == 0 } @records;
my %vcpus = map { $_->{vcpu} => $_ } @vcpus;
is(scalar(keys %vcpus), $steps->{cpus}{out} + 0, 'it has as many vCPUs as its kernel counts processors');
my ($uptime) = split ' ', $steps->{uptime}{out};
my $age = $records[-1]{time} / 1e9;
ok($age > 0.5 && $age < $uptime + 60, "time is ns since Xen booted ($age s; Dom0 is up $uptime s)");
for my $record (@records) {
	ok(exists $record->{$_}, "seq $record->{seq} has $_") for qw(seq time probe kind);
	last if $record->{seq} > 3;
}
is_deeply([map { $_->{seq} } @records], [$records[0]{seq} .. $records[0]{seq} + $#records], 'seq never skips');
ok((grep { $_->{kind} eq 'idle' } @records) > 0, "Xen's own idle threads are among them");
ok((grep { $_->{kind} eq 'work' } @records) > 0, "and its works");
my @closing = reply($steps->{domains});
is_deeply($closing[-1], [$nonce, 'xen-domains'], 'the closing line has the target');

# --- Read once
my %first = map { $_->{seq} => 1 } @records;
is((grep { $first{$_->{seq}} } records($steps->{again})), 0, 'no record comes twice');
my @peeked = records($steps->{'run-a'});
my @peeked_again = records($steps->{'peek-b'});
is_deeply([map { $_->{seq} } @peeked], [map { $_->{seq} } @peeked_again[0 .. $#peeked]], 'what was peeked at is still there');
my @taken = records($steps->{take});
is_deeply([map { $_->{seq} } @peeked], [map { $_->{seq} } @taken[0 .. $#peeked]], 'and is then taken');
is(scalar(records($steps->{'take-b'})), 0, 'once');
my @one = reply($steps->{one});
my @found = grep { ref $_->[2] eq 'HASH' && exists $_->[2]{seq} } @one;
is_deeply([map { $_->[2]{seq} } @found], [20, 20], 'one record by its number, in both forms') or diag $steps->{one}{out};
is(scalar(grep { ($_->{kind} ne 'domain' || $_->{domid} != 0) } records($steps->{filter})), 0, 'a filter lets nothing else through');
ok(scalar(records($steps->{filter})) >= 1, 'and what is asked for');
is_deeply([reply($steps->{nothing})], [[$nonce, 'xen-domains']], 'where there is nothing, the closing line is alone');
is(scalar(records($steps->{max})), 2, 'max');

# --- Levels
for my $level (qw(low default high adversarial)) {
	is_deeply([reply($steps->{"level-$level"})], [[$nonce, $level]], "level $level");
}
my $runs = sub { my ($reply) = reply($steps->{$_[0]}); return $reply->[2]{runs} };
my $slow = $runs->('low-after') - $runs->('low-before');
my $fast = $runs->('adversarial-after') - $runs->('adversarial-before');
cmp_ok($slow, '<=', 1, "at low there was hardly a run in 3 s ($slow)");
cmp_ok($fast, '>', 3 * ($slow + 1), "at adversarial there were many ($fast)");
is_deeply([map { $_->[1] } reply($steps->{mixed})], ['low', 'mixed', 'default'], 'one up for all: they differ, and it is said');

# --- Stop and start
is_deeply([map { $_->[1] } reply($steps->{off})], ['off', 'off'], 'off, and off again');
is($runs->('off-before'), $runs->('off-after'), 'a probe that is off does not run');
my ($off) = reply($steps->{'off-run'});
is($off->[1], 'error', 'a fresh sample of it is refused');
is($off->[2]{code}, 'argument', 'as an argument that cannot be met');
is_deeply([map { $_->[1] } reply($steps->{on})], ['on'], 'on');
cmp_ok($runs->('on-after'), '>', $runs->('off-after'), 'it runs again');
my $uuid = sub { my ($reply) = reply($steps->{$_[0]}); my %of = map { @$_ } @{$reply->[2]}; return $of{'xen-domains'} };
isnt($uuid->('on-discovery'), $uuid->('off-discovery'), 'as another instance: its uuid is a new one');
is_deeply([map { $_->[1] } reply($steps->{reset})], ['reset'], 'reset');
my @fresh = records($steps->{'reset-records'});
is($fresh[0]{seq}, 0, 'seq begins at 0 again');
is($fresh[0]{event}, 'present', 'with a first sample');

# --- Status
my ($status) = reply($steps->{status});
is($status->[2]{name}, 'xen', "the sensor's status");
is_deeply([map { $_->{name} } @{$status->[2]{probes}}], ['xen-domains', 'xen-text'], 'with that of its probes');
for my $member (qw(state level interval_ns runs last_run_ns longest_run_ns held delivered lost bytes_held last_error)) {
	ok(exists $status->[2]{probes}[0]{$member}, "status tells $member");
}
is($status->[2]{probes}[0]{restarts}, 0, 'no probe had to be restarted');
is($status->[2]{probes}[1]{restarts}, 0, 'nor the other');

# --- Errors
is_deeply([map { $_->[2]{code} } reply($steps->{errors})],
	  [qw(syntax version nonce command target argument command)], 'each error has its code');
is_deeply([map { ref $_->[2] eq 'HASH' ? $_->[2]{code} : $_->[1] } reply($steps->{long})], ['too-long', 'discovery'],
	  'a line too long is told, and the next one is served') or diag $steps->{long}{out}, $steps->{long}{err};

# --- Two clients
for my $client ('client-one-aaaaaaaaaa', 'client-two-bbbbbbbbbb') {
	my $step = $client =~ /one/ ? 'two-one' : 'two-two';
	my @replies = reply($steps->{$step});
	is((grep { $_->[0] ne $client } @replies), 0, "$client got no line of the other's");
	is((grep { $_->[1] eq '*' } @replies), 40, 'and each of its 40 answers to the end');
}

# --- The tool
is($steps->{"word-$_"}{status}, 0, "ksense $_") for qw(discovery low increase decrease default high adversarial off on reset);
is($steps->{'unknown-word'}{status}, 2, 'an unknown command: status 2');
is($steps->{'unknown-target'}{status}, 1, 'an unknown target: status 1');
like($steps->{'unknown-target'}{err}, qr/target/, 'with the reason');
ok((grep { $_->{kind} eq 'domain' && $_->{domid} == 0 } json($steps->{json})) >= 1, '--json gives the bare records');
like($steps->{table}{out}, qr/domid/i, '--table gives columns');

done_testing;
