# SPDX-License-Identifier: MIT
#
# Suite.pm - the end-to-end tests of the protocol, the same for every sensor: in Xen, in Dom0's
# Linux, in a Linux without Xen, in a process.
#
# What differs between the sensors is in one table.  A part of the suite is a script that is run
# where the sensor is, and what is to be seen in its output.  In Xen, where the sensor's options
# are given at boot, a part has a boot of its own; elsewhere they all share one.
package Suite;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use KS;
use Test::More;

our @EXPORT = qw(suite);

# How often each of two clients asks for a whole fresh sample.
my $rounds = $ENV{KS_ROUNDS} // 10;

# === The sensors ============================================================
#
#   name     of the sensor
#   probes   all of them, in the order of discovery
#   set      the one that the commands are tried on: a set of things
#   some     a filter that is met by something in each of its samples; none: that is never met
#   busy     shell: makes more for it to record than the smallest ring holds, in some samples
#   make     shell: makes something that this probe sees, and `unmake` takes it away again
#   made     a filter that is met by that something alone
#   machine  options of vm/run, or nothing: on this machine

my %module = (
	name => 'ksense',
	probes => [probes_of('linux')],
	set => 'processes',
	some => { kind => 'process', pid => 1 },
	none => { kind => 'process', pid => 99999999 },
	busy => ':',
	make => 'tail -f /dev/null & made=$!',
	unmake => 'kill $made',
	made => { comm => 'tail' },
);

my %sensors = (
	xen => {
		name => 'xen',
		probes => [probes_of('xen')],
		set => 'xen-domains',
		some => { kind => 'domain', domid => 0 },
		none => { kind => 'domain', domid => 77 },
		busy => ':',
		machine => ['--smp', 2, '--one-thread'], # two clients at the same time
	},
	dom0 => { %module, machine => ['--add', $KS::module] },
	linux => { %module, machine => ['--linux', '--add', $KS::module] },
	host => {
		name => 'host',
		probes => [probes_of('host')],
		set => 'folder',
		some => { kind => 'entry', name => 'some' },
		none => { kind => 'entry', name => 'none' },
		busy => 'i=0; while [ $i -lt 20 ]; do : >"busy-$i"; i=$((i + 1)); done',
		make => ': >made',
		unmake => 'rm made',
		made => { name => 'made' },
	},
);

# sensor_start LEVEL RING: starts the sensor, or ends it and starts it again.
# Xen's is there already.
my %start = (
	xen => '',
	module => <<'SH',
export KSENSE_SOCKET=/run/ksense/kernel.sock
sensor_start() {
	[ ! -e /sys/module/ksense ] || rmmod ksense
	insmod ksense.ko "sense=level=$1,ring=$2"
}
SH
	host => <<'SH',
export KSENSE_SOCKET="$DIR/socket"
: >some
# Not a child of this shell's, so that it is not waited for.
sensor_start() {
	sensor_end
	ring=$(($(echo "$2" | tr -d K) * 1024))
	(ksense-host --socket "$KSENSE_SOCKET" --folder . --ring $ring & echo $! >"$DIR/.pid")
	i=0; until ksense discovery >/dev/null 2>&1; do [ $i -lt 3000 ] || exit 1; sleep 0.02; i=$((i + 1)); done
	ksense "$1"
}
sensor_end() { [ ! -s "$DIR/.pid" ] || kill "$(cat "$DIR/.pid")"; }
trap sensor_end EXIT
SH
);

# === The parts ==============================================================

my %parts = (
	commands => { level => 'default', ring => '512K', script => \&commands_script, check => \&commands_check },
	overrun => { level => 'low', ring => '16K', script => \&overrun_script, check => \&overrun_check },
	subscribe => { level => 'adversarial', ring => '512K', script => \&subscribe_script,
		check => \&subscribe_check },
	dialect => { level => 'default', ring => '512K', script => \&dialect_script, check => \&dialect_check,
		add => ["$build/tests/dialect"] },
);

# suite(sensor, part...): runs these parts against it.  A hash reference among the parts is one
# more, of the caller's own; its keys: script (shell), check (given the steps).
sub suite {
	my ($kind, @names) = @_;
	my $sensor = $sensors{$kind};
	my @parts = map { ref ? { %$_, script => do { my $script = $_->{script}; sub { $script } } } : $parts{$_} }
		@names;
	my $how = $sensor->{name} eq 'ksense' ? 'module' : $kind;
	my $script = $start{$how};
	my @options = ('--timeout', 600);

	for my $part (@parts) {
		if ($kind eq 'xen') {
			push @options, '--xen-args', "sense=ring=$part->{ring},level=$part->{level}" if $part->{ring};
		} elsif ($part->{ring}) {
			$script .= "step started sensor_start $part->{level} $part->{ring} >/dev/null\n";
		}
		push @options, map { ('--add', $_) } @{$part->{add} // []};
		$script .= $part->{script}->($sensor) . "\n";
	}
	my $steps = $sensor->{machine} ? boot($script, @options, @{$sensor->{machine}}) : here($script);
	is($steps->{''}{status}, 0, 'it came through it') or diag $steps->{''}{err}, substr($steps->{''}{out}, -2000);
	$_->{check}->($sensor, $steps) for @parts;
}

sub want { return request('records', @_) }

# --- Every command ----------------------------------------------------------

sub commands_script {
	my ($sensor) = @_;
	my $set = $sensor->{set};
	my ($other) = grep { $_ ne $set } @{$sensor->{probes}};
	my $levels = join "\n", map { "step level-$_ raw '" . request($_, $set) . "'" }
		qw(low default high adversarial);
	my $words = join "\n", map { "step word-$_ ksense $_" . (/^(off|reset)$/ ? " '*'" : '') }
		qw(discovery low increase decrease default high adversarial off on reset);
	my $mixed = $other ? "step mixed raw '" . request('low', $other) . "' '" . request('increase', '*') . "' '" .
		request('default', '*') . "'\n" : '';

	return <<"SH";
step discovery raw '@{[request('discovery', '*')]}'
step relaxed raw '{Virtue-protocol-version: 0.1, request: [$nonce, discovery, *]}'
step misspelt raw '{Virtue-protocol-verion: 0.1, request: [$nonce, discovery, *]}'
step session raw '{"Virtue-protocol-version": 0.2}' '{"Virtue-protocol-version": 7}' '{"Virtue-protocol-version": 0}'
step domains raw '@{[request('records', $set, { run => JSON::PP::true })]}'
step again raw '@{[request('records', $set)]}'

# Read once, peek, one record, filters.
step run-a raw '@{[request('records', $set, { run => JSON::PP::true, peek => JSON::PP::true })]}'
step peek-b raw '@{[request('records', $set, { peek => JSON::PP::true })]}'
seq=\$(ksense --json records $set --peek --max 1 | grep -o '"seq":[0-9]*' | grep -o '[0-9]*')
step one raw '{Virtue-protocol-version: 0.1, request: [$nonce, records, $set, {record: '\$seq'}]}' '[' \\
	'{Virtue-protocol-version: 0.1, request: [$nonce, $set, "record '\$seq'"]}'
step filter raw '@{[request('records', $set, { filter => $sensor->{some}, peek => JSON::PP::true })]}'
step nothing raw '@{[request('records', $set, { filter => $sensor->{none} })]}'
step max raw '@{[request('records', $set, { max => 2, peek => JSON::PP::true })]}'
step take raw '@{[request('records', $set)]}'
step take-b raw '@{[request('records', $set, { filter => { event => 'present' } })]}'

# Levels change the rate.
$levels
raw '@{[request('reset', '*')]}' '@{[request('low', '*')]}' >/dev/null
step low-before raw '@{[request('status', $set, undef, 0.2)]}'
sleep 3
step low-after raw '@{[request('status', $set, undef, 0.2)]}'
raw '@{[request('adversarial', $set)]}' >/dev/null
step adversarial-before raw '@{[request('status', $set, undef, 0.2)]}'
sleep 3
step adversarial-after raw '@{[request('status', $set, undef, 0.2)]}'
$mixed
# Stop, start.
step off raw '@{[request('off', $set)]}' '@{[request('off', $set)]}'
step off-before raw '@{[request('status', $set, undef, 0.2)]}'
sleep 1
step off-after raw '@{[request('status', $set, undef, 0.2)]}'
step off-discovery raw '@{[request('discovery', '*')]}'
step off-run raw '@{[request('records', $set, { run => JSON::PP::true })]}'
step on raw '@{[request('on', $set)]}'
sleep 1
step on-after raw '@{[request('status', $set, undef, 0.2)]}'
step on-discovery raw '@{[request('discovery', '*')]}'
step reset raw '@{[request('reset', '*')]}'
sleep 1
step reset-records raw '@{[request('records', $set)]}'
step status raw '@{[request('status', '*', undef, 0.2)]}'

# Errors.
step errors raw '{' '{"Virtue-protocol-version": 3, "request": ["$nonce", "discovery", "*"]}' \\
	'@{[do { my $r = request('discovery', '*'); $r =~ s/$nonce/short/; $r }]}' \\
	'@{[request('discover', '*')]}' '@{[request('off', 'nobody')]}' \\
	'@{[request('records', '*', { max => -1 })]}' '@{[request('status', '*')]}'
head -c 5000 /dev/zero | tr '\\0' x >long
step long sh -c '{ echo "{\\"\$(cat long)\\"}"; echo "\$0"; } | ksense raw' '@{[request('discovery', '*')]}'

# Two clients at once, each with its own words.
cat >client <<'X'
i=0
while [ \$i -lt $rounds ]; do
	printf '%s\\n' '{"Virtue-protocol-version":0.1,"request":["'\$1'","records","*",{"run":true,"peek":true}]}'
	i=\$((i + 1))
done | ksense raw --timeout 300 >"\$1".out
X
sh client client-one-aaaaaaaaaa & sh client client-two-bbbbbbbbbb & wait
step two-one cat client-one-aaaaaaaaaa.out
step two-two cat client-two-bbbbbbbbbb.out

# The tool's own words.
$words
step unknown-word ksense discoverx
step unknown-target ksense off nobody
step json ksense --json records $set --run --filter kind=$sensor->{some}{kind}
step table ksense --table records $set --run --filter kind=$sensor->{some}{kind}
SH
}

# Whether a record has these members.
sub meets {
	my ($record, $filter) = @_;
	return !grep { !defined $record->{$_} || $record->{$_} ne $filter->{$_} } keys %$filter;
}

sub commands_check {
	my ($sensor, $steps) = @_;
	my $set = $sensor->{set};

	# --- Discovery
	my ($discovery) = reply($steps->{discovery});
	is($discovery->[0], $nonce, 'the nonce comes back');
	is($discovery->[1], 'discovery', 'the command comes back');
	is_deeply([map { $_->[0] } @{$discovery->[2]}], [$sensor->{name}, @{$sensor->{probes}}],
		'the sensor first, then its probes');
	like($_->[1], qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "$_->[0] has a uuid") for @{$discovery->[2]};
	is($steps->{relaxed}{out}, $steps->{discovery}{out}, 'the published relaxed form gets the same');
	is($steps->{misspelt}{out}, $steps->{discovery}{out}, 'with the published misspelling too');
	is_deeply([json($steps->{session})], [{ 'Virtue-protocol-version' => 0.2 },
		{ 'Virtue-protocol-version' => 0.2 }, {}],
		  'a session line is answered with the lower version, or {}');

	# --- Records
	my @records = records($steps->{domains});
	for my $record (@records) {
		ok(exists $record->{$_}, "seq $record->{seq} has $_") for qw(seq time probe kind class epoch pass);
		last if $record->{seq} > 3;
	}
	is_deeply([map { $_->{seq} } @records], [$records[0]{seq} .. $records[0]{seq} + $#records], 'seq never skips');
	my @closing = reply($steps->{domains});
	is_deeply($closing[-1], [$nonce, $set], 'the closing line has the target');

	# --- Read once
	my %first = map { $_->{seq} => 1 } @records;
	is((grep { $first{$_->{seq}} } records($steps->{again})), 0, 'no record comes twice');
	my @peeked = records($steps->{'run-a'});
	my @peeked_again = records($steps->{'peek-b'});
	is_deeply([map { $_->{seq} } @peeked], [map { $_->{seq} } @peeked_again[0 .. $#peeked]],
		'what was peeked at is still there');
	my @taken = records($steps->{take});
	is_deeply([map { $_->{seq} } @peeked], [map { $_->{seq} } @taken[0 .. $#peeked]], 'and is then taken');
	is(scalar(records($steps->{'take-b'})), 0, 'once');
	my @one = reply($steps->{one});
	my @found = grep { ref $_->[2] eq 'HASH' && exists $_->[2]{seq} } @one;
	is_deeply([map { $_->[2]{seq} } @found], [$peeked[0]{seq}, $peeked[0]{seq}],
		'one record by its number, in both forms') or diag $steps->{one}{out};
	is(scalar(grep { !meets($_, $sensor->{some}) } records($steps->{filter})), 0,
		'a filter lets nothing else through');
	ok(scalar(records($steps->{filter})) >= 1, 'and what is asked for');
	is_deeply([reply($steps->{nothing})], [[$nonce, $set]], 'where there is nothing, the closing line is alone');
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
	SKIP: {
		skip "$sensor->{name} has one probe only, which cannot differ from itself", 1
			if @{$sensor->{probes}} < 2;
		is_deeply([map { $_->[1] } reply($steps->{mixed})], ['low', 'mixed', 'default'],
			'one up for all: they differ, and it is said');
	}

	# --- Stop and start
	is_deeply([map { $_->[1] } reply($steps->{off})], ['off', 'off'], 'off, and off again');
	is($runs->('off-before'), $runs->('off-after'), 'a probe that is off does not run');
	my ($off) = reply($steps->{'off-run'});
	is($off->[1], 'error', 'a fresh sample of it is refused');
	is($off->[2]{code}, 'argument', 'as an argument that cannot be met');
	is_deeply([map { $_->[1] } reply($steps->{on})], ['on'], 'on');
	cmp_ok($runs->('on-after'), '>', $runs->('off-after'), 'it runs again');
	my $uuid = sub { my ($reply) = reply($steps->{$_[0]}); my %of = map { @$_ } @{$reply->[2]}; return $of{$set} };
	isnt($uuid->('on-discovery'), $uuid->('off-discovery'), 'as another instance: its uuid is a new one');
	is_deeply([map { $_->[1] } reply($steps->{reset})], ['reset'], 'reset');
	my @fresh = records($steps->{'reset-records'});
	is($fresh[0]{seq}, 0, 'seq begins at 0 again');
	is($fresh[0]{kind}, 'began', 'with who reset it,');
	is($fresh[0]{why}, 'reset', 'that it was a reset,');
	ok(ref $fresh[0]{by} eq 'HASH' && (exists $fresh[0]{by}{domain} || exists $fresh[0]{by}{uid}),
		'by a domain, or a user');
	is($fresh[1]{event}, 'present', 'and with a first sample');

	# --- Status
	my ($status) = reply($steps->{status});
	is($status->[2]{name}, $sensor->{name}, "the sensor's status");
	is_deeply([map { $_->{name} } @{$status->[2]{probes}}], $sensor->{probes}, 'with that of its probes');
	for my $member (qw(state level interval_ns runs last_run_ns longest_run_ns held delivered lost bytes_held
			last_error)) {
		ok(exists $status->[2]{probes}[0]{$member}, "status tells $member");
	}
	is($_->{restarts}, 0, "$_->{name} did not have to be restarted") for @{$status->[2]{probes}};

	# --- Errors
	is_deeply([map { $_->[2]{code} } reply($steps->{errors})],
		  [qw(syntax version nonce command target argument command)], 'each error has its code');
	is_deeply([map { ref $_->[2] eq 'HASH' ? $_->[2]{code} : $_->[1] } reply($steps->{long})],
		['too-long', 'discovery'],
		  'a line too long is told, and the next one is served') or diag $steps->{long}{out},
		  $steps->{long}{err};

	# --- Two clients
	for my $client ('client-one-aaaaaaaaaa', 'client-two-bbbbbbbbbb') {
		my $step = $client =~ /one/ ? 'two-one' : 'two-two';
		my @replies = reply($steps->{$step});
		is((grep { $_->[0] ne $client } @replies), 0, "$client got no line of the other's");
		is((grep { $_->[1] eq '*' } @replies), $rounds, "and each of its $rounds answers to the end");
	}

	# --- The tool
	is($steps->{"word-$_"}{status}, 0, "ksense $_")
		for qw(discovery low increase decrease default high adversarial off on reset);
	is($steps->{'unknown-word'}{status}, 2, 'an unknown command: status 2');
	is($steps->{'unknown-target'}{status}, 1, 'an unknown target: status 1');
	like($steps->{'unknown-target'}{err}, qr/target/, 'with the reason');
	ok((grep { meets($_, $sensor->{some}) } json($steps->{json})) >= 1, '--json gives the bare records');
	like($steps->{table}{out}, qr/^seq\s.*\btime\b/m, '--table gives columns');
}

# --- More records than the ring holds ---------------------------------------
#
# The ring is as small as it may be; fresh samples that nobody takes fill it again and again.  Then
# every seq must be either delivered or told as lost, exactly.

sub overrun_script {
	my ($sensor) = @_;
	my $set = $sensor->{set};
	my $run = want($set, { run => JSON::PP::true, peek => JSON::PP::true, filter => { kind => 'none' } });
	my $take = want($set);

	return <<"SH";
$sensor->{busy}
i=0; while [ \$i -lt 30 ]; do echo '$run'; i=\$((i + 1)); done | ksense raw >/dev/null
step overrun-take raw '$take'
step overrun-again raw '$take'
i=0; while [ \$i -lt 30 ]; do echo '$run'; i=\$((i + 1)); done | ksense raw >/dev/null
seq=\$(ksense --json records $set --peek | tail -n 1 | grep -o '"seq":[0-9]*' | grep -o '[0-9]*')
step overrun-since ksense --json records $set --peek --since \$seq
step overrun-peek raw '@{[want($set, { peek => JSON::PP::true })]}'
step overrun-second raw '$take'
step overrun-status raw '@{[request('status', $set, undef, 0.2)]}'
SH
}

sub overrun_check {
	my ($sensor, $steps) = @_;
	my ($lost, %seen, @told) = 0;
	for my $name (qw(take again second)) {
		my $before = -1;
		for my $record (records($steps->{"overrun-$name"})) {
			if ($record->{kind} eq 'lost') {
				push @told, $record;
				$lost += $record->{count};
				next;
			}
			$seen{$record->{seq}}++ and fail("$name: seq $record->{seq} comes twice");
			$record->{seq} > $before or fail("$name: seq $record->{seq} comes behind $before");
			$before = $record->{seq};
		}
	}
	cmp_ok($lost, '>', 100, "there was something to lose ($lost records)");
	# Samples push out samples only, so what is lost may lie between what was delivered.
	my $next = (sort { $b <=> $a } keys %seen)[0] + 1;
	my @missing = grep { !$seen{$_} } 0 .. $next - 1;
	is(scalar(@missing), $lost, 'what was not delivered is told as lost, exactly');
	my @untold = grep { my $seq = $_; !grep { $_->{first} <= $seq && $seq <= $_->{last} } @told } @missing;
	is("@untold", '', 'and lies between the first and the last that were told');
	ok(!(grep { $_->{kind} eq 'lost' } records($steps->{'overrun-again'})), 'a loss is told once');
	ok((grep { $_->{kind} eq 'lost' } records($steps->{'overrun-peek'})), 'a peek tells the loss');
	ok(!(grep { $_->{kind} eq 'lost' } json($steps->{'overrun-since'})), 'a cursor beyond it is not bothered');
	my ($end) = reply($steps->{'overrun-status'});
	is($end->[2]{lost}, $lost, 'status counts the same');
	is($end->[2]{delivered} + $end->[2]{lost} + $end->[2]{held}, $next + $end->[2]{held},
		'and every record is accounted for');
}

# --- Records that are pushed ------------------------------------------------
#
# One follower looks on and takes nothing.  Another takes, and stays when the sensor goes, and goes
# on when it is back.

sub subscribe_script {
	my ($sensor) = @_;
	my $set = $sensor->{set};
	my ($made) = map { "--filter $_=$sensor->{made}{$_}" } keys %{$sensor->{made}};
	my $subscribe = request('subscribe', $set, { filter => $sensor->{none} }, 0.2);
	my $unsubscribe = request('unsubscribe', $set, undef, 0.2);

	return <<"SH";
# Waits until a command is met; not for ever.
soon() { i=0; until "\$@"; do [ \$i -lt 600 ] || return 1; sleep 0.1; i=\$((i + 1)); done; }

ksense --json records $set $made --follow --peek >looked-on & looks_on=\$!
$sensor->{make}
step push-peeked soon grep -q '"kind"' looked-on
kill -INT \$looks_on
step push-peek-end wait \$looks_on
step push-looked-on cat looked-on
step push-left ksense --json records $set $made --peek

ksense --json records $set $made --follow >taken 2>taken-says & takes=\$!
step push-first soon grep -q '"kind"' taken
step push-untaken ksense --json records $set $made --peek
$sensor->{unmake}
step push-vanished soon grep -q '"vanished"' taken

# The sensor is stopped under it.
step push-restarted sensor_start adversarial 512K
step push-noticed soon grep -q 'waiting for it to come back' taken-says
step push-back soon grep -q 'the sensor is back' taken-says
$sensor->{make}
step push-again soon sh -c 'sed "1,/vanished/d" taken | grep -q kind'
kill -INT \$takes
step push-end wait \$takes
step push-taken cat taken
$sensor->{unmake}

# A connection has one, until it gives it up.
step push-words raw '$subscribe' '$subscribe' '$unsubscribe' '$unsubscribe' '$subscribe'
SH
}

sub subscribe_check {
	my ($sensor, $steps) = @_;
	my $is_made = sub { !grep { !meets($_, $sensor->{made}) } @_ };

	is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{err}
		for qw(push-peeked push-peek-end push-first push-vanished push-noticed push-back push-again push-end);
	my @looked_on = json($steps->{'push-looked-on'});
	my %left = map { $_->{seq} => 1 } json($steps->{'push-left'});
	ok(@looked_on && $is_made->(@looked_on), 'who looks on is pushed what passes the filter');
	is(scalar(grep { !$left{$_->{seq}} } @looked_on), 0, 'and all of it stays');
	my @taken = json($steps->{'push-taken'});
	my %taken = map { $_->{seq} => 1 } @taken;
	ok($is_made->(@taken), 'who takes is pushed what passes the filter');
	is(scalar(grep { !$taken{$_} } keys %left), 0, 'what was held before it came, too');
	is(scalar(grep { $taken{$_->{seq}} } json($steps->{'push-untaken'})), 0,
		'and of that nothing is left for others');
	my ($gone) = grep { $taken[$_]{event} eq 'vanished' } 0 .. $#taken;
	ok(defined $gone && $gone < $#taken,
		'it is still there when the sensor has been away, and is pushed what is new');
	is(scalar(grep { $taken[$_]{seq} <= $taken[$_ - 1]{seq} } 1 .. $gone // 0), 0, 'each record once, in order');
	is_deeply([map { $_->[1] eq 'error' ? $_->[2]{code} : $_->[1] } reply($steps->{'push-words'})],
		  [qw(subscribe busy unsubscribe argument subscribe)],
		      'a connection has one subscription, until it gives it up');
}

# --- The clients of the time ------------------------------------------------

sub dialect_script {
	my ($sensor) = @_;
	return "step dialect dialect \$KSENSE_SOCKET $sensor->{set}";
}

sub dialect_check {
	my ($sensor, $steps) = @_;
	my ($one, @ways) = ('{"Virtue-protocol-version":0.1,"reply":["' . $nonce . '","on"]}');
	my %expected = map { ($_ => 1) }
		qw(newline no-newline nul-behind nul-instead return unquoted unquoted-no-newline misspelt byte-by-byte
					    pauses-within);
	my %came;

	$expected{$_} = 5 for qw(several several-no-newline several-nul);
	push @{$came{(split)[0]}}, (split ' ', $_, 2)[1] for split /\n/, $steps->{dialect}{out};
	is($steps->{dialect}{status}, 0, 'each way of asking was answered') or diag $steps->{dialect}{err};
	is_deeply($came{$_}, [($one) x $expected{$_}, 'end'], "$_: so often, and no more") for sort keys %expected;
	is_deeply([sort keys %came], [sort keys %expected], 'all ways were tried');
}

1;
