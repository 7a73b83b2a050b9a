#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Who may what: Dom0, an ordinary guest, the sensing domain; before the sensor is
# handed over, and after.
#
# Wrong in the world if this fails: who has taken Dom0 over turns off what would tell of it, or a
# guest does; or the domain whose purpose it is to read the sensor is refused.
#
# The table is that of docs/sensing-domain.md.  tests/access.c tries each of its rows, in real
# domains, with XSM off, with FLASK enforcing, and in make check-long with XSM and no policy.  In
# each of the three the long boot has two guests that wait for Dom0's word; the short ones see what
# "sense=dom0=" leaves to Dom0.  KS_ACCESS: those of the three only whose name has this in it.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

my $flood = 2000;

# Each XSM: the Xen, its command line, a policy, and what makes a guest the sensing domain's type.
my @kinds = (
	{ name => 'XSM off', xen => "$build/xen/xen", args => '' },
	{ name => 'XSM without a policy', xen => "$build/xen-checked/xen", args => 'xsm=dummy', long => 1 },
	{ name => 'FLASK enforcing', xen => "$build/xen-checked/xen", args => 'flask=enforcing loglvl=all',
		module => "$build/flask/allow", flask => 1 },
);

# === The table ===============================================================

# $want{column}{row}
my (%want, @rows);
open(my $page, '<', "$root/docs/sensing-domain.md") or die "docs/sensing-domain.md: $!";
my ($heads, undef, @lines) = map {
	chomp;
	[map { s/^\s+|\s+$//gr } split /\|/, substr($_, 1)]
} grep { /^\|.*\|$/ } <$page>;
for my $line (@lines) {
	push @rows, $line->[0];
	$want{$heads->[$_]}{$line->[0]} = $line->[$_] for 1 .. $#$heads;
}
is(scalar(@rows), 23, 'the table has 23 rows');
is(scalar(keys %want), 9, 'and 9 columns');

# What a domain was told, in the output of tests/access.c, must be that column.
sub holds {
	my ($out, $column, $who) = @_;
	my %got = map { /^([a-z][a-z ]*): (\S+)/ ? ($1 => $2) : () } split /\r?\n/, $out;

	is($got{$_}, $want{$column}{$_}, "$who: $_") for @rows;
	is(scalar(keys %got), scalar(@rows), "$who: no line but these");
	return \%got;
}

# === What Dom0 keeps =========================================================

# Locked for a domain that is just made, or for none; there can be more before that, and after it,
# before the table is tried.
sub short_boot {
	my ($kind, $dom0, $column, $named, $more, @options) = @_;
	$more //= {};
	my $who = "$kind->{name}, dom0=$dom0, $column";
	my $steps = boot(<<"SH", '--xen-args', "$kind->{args} sense=dom0=$dom0", machine($kind), @options);
@{[$more->{before} // '']}
step lock ksense lock @{[$named ? '$(access create | sed "s/create: //")' : '--nobody']}
@{[$more->{after} // '']}
step dom0 sh -c 'access table; access lock 1'
SH
	is($steps->{lock}{status}, 0, "$who: locked") or diag $steps->{lock}{err};
	like($steps->{''}{console}, qr/sense: locked by d0/, "$who: Xen's log says so");
	holds($steps->{dom0}{out}, $column, $who);
	return $steps;
}

# More who ask than the probe has rows for.  A guest under one uuid after another: each has four
# rows, until they are the least and others need them, and are counted with those that have none;
# and when they are gone there is room for others.  And Dom0 under as many: it has one for each
# thing that it was refused. While the guest asks, the probe is off: how often it looks, and what
# it gives up then, depends on how fast the machine is.
sub rows_boot {
	my ($identities, $ordinary, $full) = (60, 64, 48);
	my $steps = short_boot(@_, { before => <<"SH", after => <<'SH' }, '--domu');
log=/var/log/xen/console/guest-many.log
ksense off xen-access >/dev/null
step guest domu-start --detach --add access many -- '
	(./access wait stop; touch stop) &
	while [ ! -e stop ]; do ./access flood 25; done
	echo \@end'
step asks until_true grep -q '^flood' \$log
domid=\$(xl domid many)
step domid echo \$domid
step identities access identities \$domid $identities \$log
xenstore-write /local/domain/\$domid/ks-phase stop
step over until_true grep -q '^\@end' \$log
step says cat \$log
# So that all that is there is told, as at first.
ksense reset xen-access >/dev/null
ksense on xen-access >/dev/null
# One tells of them, and the next gives up the rows of those that are gone; one may be under way.
wait_passes 3 xen-access
step taken ksense --json records xen-access
step left ksense --json records xen-access --run
SH
step again sh -c 'access lock 1; access lock-wrong'
step many access rows 1 100
told() { ksense --json records xen-access --peek | grep -q '"op":"exchange","command":"low",.*"count":100,'; }
tries=100 step told until_true told
step dom0-rows ksense --json records xen-access --peek
SH
	is($steps->{$_}{status}, 0, $_) or diag $steps->{$_}{out}, $steps->{$_}{err} for qw(guest asks over);
	like($steps->{identities}{out}, qr/^identities: $identities$/, 'a guest has been many')
		or diag $steps->{identities}{err};
	my $refused = 0;
	$refused += $1 while ($steps->{says}{out} // '') =~ /^flood: (\d+)\r?$/mg;
	my @taken = json($steps->{taken});
	my @rows = grep { $_->{kind} eq 'denied' && $_->{event} eq 'present' } @taken;
	my ($others) = grep { $_->{kind} eq 'denied-others' && $_->{event} eq 'present' } @taken;
	is(scalar(@rows), $ordinary, "there are $ordinary rows for ordinary domains");
	is_deeply([grep { $_->{domid} != $steps->{domid}{out} || $_->{control} } @rows], [],
		'all of them are the guest\'s');
	cmp_ok($others->{count} // 0, '>', 0, 'what gave way to others is told');
	my $counted = $others->{count} // 0;
	$counted += $_->{count} for @rows;
	is($counted, $refused, 'and with them it is all that was refused') or diag $steps->{taken}{out};
	my $left = grep { $_->{kind} eq 'denied' && $_->{event} eq 'present' } json($steps->{left});
	cmp_ok($left, '<', $full, 'there is room again, when they are gone');

	like($steps->{many}{out}, qr/^rows: 100$/, 'Dom0 is refused a hundred times, under as many uuids')
		or diag $steps->{many}{err};
	my @later = json($steps->{'dom0-rows'});
	my %dom0 = map { ("$_->{op} $_->{command}" => $_) }
		grep { $_->{kind} eq 'denied' && $_->{domid} == 0 && $_->{event} ne 'vanished' } @later;
	is_deeply([sort keys %dom0], ['exchange low', 'lock '], 'and has a row for each thing that it was refused')
		or diag $steps->{'dom0-rows'}{out};
	my $again = () = $steps->{again}{out} =~ /^lock\S*: EBUSY$/mg;
	is(scalar(grep { /^lock/ } split /\n/, $steps->{again}{out}), $again,
		'a second lock is refused, whatever else is wrong with it') or diag $steps->{again}{out};
	my $zeros = '00000000-0000-0000-0000-000000000000';
	is_deeply([map { [@{$dom0{$_}}{qw(uuid count control)}] } 'exchange low', 'lock '],
		[[$zeros =~ s/^00/01/r, 100, JSON::PP::true], [$zeros, $again, JSON::PP::true]],
		  'with the uuid that it had then, and all that it was refused');
	is_deeply([grep { $_->{kind} eq 'denied' && $_->{domid} == 0 &&
		($_->{event} eq 'vanished' || $_->{class} ne 'alarm') || $_->{kind} eq 'denied-others' } @later], [],
		  'which are alarms, and nothing gave way');
	my ($policy) = grep { $_->{kind} eq 'policy' } @taken;
	is_deeply([@$policy{qw(module enforcing loaded by)}], ['dummy', JSON::PP::false, JSON::PP::false, -1],
		'without XSM there is no policy, and that is told');
}

sub machine {
	my ($kind) = @_;
	return ('--add', "$build/tests/access", $kind->{module} ? ('--module', $kind->{module}) : ());
}

# === A whole life ============================================================

# In a guest: at each word of Dom0's, do something.  The guest's console is where it
# says what came of it.
my $both = './access wait 1; ./access table; ./access lock 0x7ff4; echo @end 1; ' .
	'./access wait 2; ./access table; ./access lock 0x7ff4; echo @end 2; ';
my $plain = "$both./access wait 3; ./access flood $flood; echo \@end 3";
my $candidate = "$both./access wait 3; ./ksense --json records xen-access --run; echo \@end 3";

sub long_boot {
	my ($kind) = @_;
	my $dir = File::Temp->newdir;
	my $who = $kind->{name};
	my $label = $kind->{flask} ? q{--config 'init_seclabel="system_u:system_r:sensing_t_building"' } .
		q{--config 'seclabel="system_u:system_r:sensing_t"'} : '';

	# The next domain that is created gets the first free id from 1 on.  Xen counts up, from
	# here; it would take 32750 domains to come round.
	(my $syms = $kind->{xen}) =~ s/xen$/xen-syms/;
	# It has the second name up to 4.21.
	my ($rover) = map { /^([0-9a-f]+) b (?:domid_last|rover)\.\d+$/ ? hex $1 : () } split /\n/, `nm $syms`;
	my $again = sub {
		my $gdb = gdb_open("$dir/gdb");
		gdb_write($gdb, $rover, "\0\0");
		gdb_close($gdb);
	};
	ok($rover, "$who: Xen's count of domain ids is in xen-syms");

	# Who comes after it: the lock alone refuses him, or with FLASK the lock in
	# spite of the policy.
	my $heir = $kind->{args} && !$kind->{flask} ? '' : <<"SH";
step none-left until_true none_left
step rover until_true again
step heir domu-start --keep --timeout 500 --add access $label candidate -- './access table; ./access lock 0x7ff4'
step heir-domid xl domid candidate
SH
	# Its only vCPU is taken down: it stands still as if it were paused.  With FLASK the
	# policy refuses that.
	my $halt = $kind->{flask} ? 'step halt access halt 2' : <<'SH';
step halt access halt 2
twice() { until_true sh -c '[ $(ksense --json records xen-access --peek | grep -c "$0") = 2 ]' "$1"; }
step halted twice '"event":"changed".*"alive":true,"paused":true'
step go access go 2
step going twice '"old":{"paused":true}'
SH
	my @options = ('--smp', 2, '--one-thread', '--domu', '--gdb', "$dir/gdb", '--xen-args', $kind->{args},
		machine($kind), { rover => $again });
	my $steps = boot(<<"SH", @options);
tries=2000
log() { echo /var/log/xen/console/guest-\$1.log; }
# A destroyed domain keeps its id until xenconsoled and xenstored have let go of its memory.
none_left() { xl list | awk '\$2 == 1 || \$2 == 2 { left = 1 } END { exit left }'; }
# phase WORD GUEST...: they do what they do at that word, one after the other.
phase() {
	word=\$1; shift
	for guest in "\$@"; do
		xenstore-write /local/domain/\$(xl domid \$guest)/ks-phase \$word
		until_true grep -q "^\@end \$word" \$(log \$guest) && continue
		echo "\$guest does not come to the end of \$word" >&2
		tail -n 20 \$(log \$guest) >&2
		return 1
	done
}
fresh() { ksense --json records xen-access --peek; }

xl create -q -p domu-pv.cfg
step candidate domu-start --detach --add access --add ksense $label candidate -- '$candidate'
step plain domu-start --detach --add access plain -- '$plain'
step dom0-before access table
step before phase 1 plain candidate
step wrong access lock-wrong
# So that there are many more looks during the flood than a row may have records.
step often ksense adversarial xen-access

step lock ksense lock candidate
step second ksense lock plain
step dom0-after access table
step dom0-lock access lock \$(xl domid plain)
step after phase 2 plain candidate
step status ksense --json status
step domains ksense --json records xen-domains --peek
@{[$kind->{flask} ? 'step weaken access policy permit' : '']}
step map access map 2 \$(ksense --json records xen-domains --peek |
	sed -n 's/.*"kind":"vcpu".*"domid":2,.*"root":"\\([^"]*\\)".*/\\1/p' | tail -n 1)

xl pause candidate
step paused until_true sh -c 'ksense --json records xen-access --peek | grep -q "\\"paused\\":true"'
step paused-status ksense --json status
step paused-table ksense --table status
xl unpause candidate
step unpaused until_true sh -c 'ksense --json records xen-access --peek | grep -q "\\"old\\":{\\"paused\\":true}"'
$halt
step flood phase 3 plain
sleep 3
step ring fresh
step taken phase 3 candidate
step plain-says cat \$(log plain)
step candidate-says cat \$(log candidate)

step held ksense --json status xen-domains
xl destroy candidate; xl destroy domu-pv
step gone until_true sh -c 'ksense --json records xen-access --peek | grep -q "\\"alive\\":false"'
step gone-status ksense --json status
step gone-table ksense --table status
step gone-ring fresh
step gone-dom0 sh -c 'access table; access lock 1'
# The toolstack would not take an id again within a minute.
export LIBXL_DOMID_REUSE_TIMEOUT=0
again() { xl create -q -p domu-pv.cfg; [ "\$(xl domid domu-pv)" = 1 ] || { xl destroy domu-pv; return 1; }; }
$heir
SH

	is($steps->{$_}{status}, 0, "$who: $_") or diag $steps->{$_}{out}, $steps->{$_}{err},
		substr($steps->{''}{err}, -1000)
		for qw(candidate plain before often lock after flood taken gone gone-status),
		$heir ? qw(none-left rover heir heir-domid) : ();

	# --- Before
	my %says = map { my $name = $_; my $all = $steps->{"$name-says"}{out} // ''; $all =~ s/\r//g;
			 my @parts = $all =~ /<<<vm-begin>>>\n(.*?)\@end 1\n(.*?)\@end 2\n(.*?)\@end 3\n/s; (
			     $name => \@parts) } qw(plain candidate);
	holds("$steps->{'dom0-before'}{out}\n$steps->{lock}{out}\nlock: ok", 'Dom0', "$who: Dom0 before");
	holds($says{plain}[0] // '', 'domU', "$who: a guest before");
	holds($says{candidate}[0] // '', $kind->{flask} ? "FLASK's" : 'domU', "$who: the sensing domain before");
	my %wrong = map { /^(\S+): (\S+)/ ? ($1 => $2) : () } split /\n/, $steps->{wrong}{out};
	is($wrong{$_}, 'EINVAL', "$who: $_") for qw(lock-caller lock-self lock-version lock-flags lock-pad);
	is($wrong{$_}, 'ESRCH', "$who: $_") for grep { /^lock-none/ } sort keys %wrong;
	is($wrong{'lock-null'}, 'EFAULT', "$who: lock-null");

	# --- After
	my ($candidate) = $steps->{lock}{out} =~ /"domid":(\d+)/;
	is($candidate, 2, "$who: handed over, by name, to domain 2");
	is($steps->{second}{status}, 1, "$who: a second time it is refused");
	like($steps->{second}{err},
		qr/^ksense: busy: .*locked already\nksense: it is locked by domain 0 at \S+, for domain 2 \(/m,
		"$who: in words");
	holds("$steps->{'dom0-after'}{out}\n$steps->{'dom0-lock'}{out}", 'Dom0, `read`', "$who: Dom0 after");
	holds($says{plain}[1] // '', 'domU', "$who: a guest after");
	holds($says{candidate}[1] // '', 'sensing', "$who: the sensing domain after");
	my ($status) = json($steps->{status});
	my %domain = map { $_->{domid} => $_ } grep { $_->{kind} eq 'domain' } json($steps->{domains});
	is_deeply([@{$status->{lock}}{qw(locked by sensing uuid alive dom0)}],
		[JSON::PP::true, 0, 2, $domain{2}{uuid}, JSON::PP::true, 'read'],
		  "$who: status tells the lock");
	is_deeply([map { $domain{$_}{sensing} } 0, 2, 3], [JSON::PP::false, JSON::PP::true, JSON::PP::false],
		"$who: and xen-domains the sensing domain");
	like($steps->{map}{out}, $kind->{flask} ? qr/^map: EACCES$/ : qr/^map: ok$/,
		"$who: Dom0 may map the sensing domain's memory, or not, as the page says");

	is($steps->{weaken}{out}, "policy permit: EPERM\n", "$who: nor may it turn that off before") if $kind->{flask};

	# --- What was refused
	my @taken = $says{candidate}[2] ? json({ out => $says{candidate}[2] }) : ();
	my %denied = map { ("$_->{domid} $_->{op} $_->{command}" => $_) } grep { $_->{kind} eq 'denied' } @taken;
	my $exchanges = grep { !/^(version|other op|lock)$/ } @rows;
	my %count = (version => 2 + $flood, exchange => 2 * $exchanges + $flood, lock => 2 + $flood,
		other => 2 + $flood);
	is($denied{"3 $_ "}{count}, $count{$_}, "$who: each of the guest's calls to $_ was counted")
		for sort keys %count;
	is_deeply([map { $denied{"3 $_ "}{uuid} } sort keys %count], [($domain{3}{uuid}) x 4],
		"$who: as what the guest is");
	is($denied{"0 exchange $_"}{count}, $_ eq 'records' ? 2 : 1, "$who: that Dom0 was denied $_ is told")
		for grep { $want{'Dom0, `read`'}{$_} eq 'denied' && !/ / } @rows;
	is($denied{'0 lock '}{count}, 2, "$who: and that it was to be locked again");
	is($denied{'0 policy permit'}{count}, 1, "$who: and to turn FLASK off") if $kind->{flask};
	my $first = $denied{'3 version '};
	ok($first && $first->{first_ns} < $status->{lock}{locked_ns} && $first->{last_ns} > $status->{lock}{locked_ns},
		"$who: with the times");
	if (!$kind->{flask}) {
		is($denied{'2 version '}{count}, 1, "$who: the sensing domain was refused before, and not since");
	}
	my @ring = json($steps->{ring});
	my %records;
	$records{"$_->{domid} $_->{op} $_->{command}"}++ for grep { $_->{kind} eq 'denied' } @ring;
	is(scalar(grep { $records{$_} > 8 } keys %records), 0, "$who: a flood of calls is no flood of records")
		or diag explain \%records;
	my ($locked) = grep { $_->{kind} eq 'lock' && $_->{locked} } @ring;
	is_deeply([@$locked{qw(event by sensing uuid dom0)}], ['changed', 0, 2, $domain{2}{uuid}, 'read'],
		"$who: the record of the lock is still there");

	# --- The sensing domain is paused
	is($steps->{$_}{status}, 0, "$who: that it is $_ is a record") for qw(paused unpaused);
	if ($kind->{flask}) {
		like($steps->{halt}{out}, qr/^halt: E/m, "$who: its vCPU is not Dom0's to take down")
			or diag $steps->{halt}{out};
	} else {
		is($steps->{$_}{status}, 0, "$who: that none of its vCPUs can run is a record, too ($_)")
			or diag $steps->{halt}{out} for qw(halted going);
	}
	is_deeply([@{((json($steps->{'paused-status'}))[0] // {})->{lock}}{qw(alive paused)}],
		[JSON::PP::true, JSON::PP::true], "$who: and in status");
	like($steps->{'paused-table'}{out}, qr/^lock: .*for domain 2 .*PAUSED; Dom0 may: read$/m,
		"$who: in words too");
	my ($pause) = grep { $_->{kind} eq 'lock' && $_->{event} eq 'changed' && $_->{paused} }
		json($steps->{ring});
	is_deeply([@{$pause // {}}{qw(class old)}], ['alarm', { paused => JSON::PP::false }],
		"$who: which is an alarm") or diag explain $pause;

	# --- The end of the sensing domain
	my ($held) = json($steps->{held});
	my ($gone) = json($steps->{'gone-status'});
	my ($domains) = grep { $_->{name} eq 'xen-domains' } @{$gone->{probes}};
	cmp_ok($domains->{held}, '>=', $held->{held}, "$who: its end costs no record");
	is_deeply([@{$gone->{lock}}{qw(locked sensing uuid alive)}],
		[JSON::PP::true, 2, $domain{2}{uuid}, JSON::PP::false], "$who: status tells that it is gone");
	like($steps->{'gone-table'}{out}, qr/^lock: by domain 0 at .*for domain 2 .*GONE; Dom0 may: read$/m,
		"$who: in words too");
	my ($end) = grep { $_->{kind} eq 'lock' && $_->{event} eq 'changed' && !$_->{alive} }
		json($steps->{'gone-ring'});
	# xl pauses it first, and there may have been a look in between.
	delete $end->{old}{paused};
	is_deeply([@$end{qw(sensing uuid)}, $end->{old}], [2, $domain{2}{uuid}, { alive => JSON::PP::true }],
		"$who: it is a record");
	holds($steps->{'gone-dom0'}{out}, 'Dom0, `read`', "$who: Dom0 when it is gone");
	if ($heir) {
		like($steps->{'heir-domid'}{out}, qr/^2$/, "$who: another domain has its id, and its name");
		holds($steps->{heir}{out}, 'domU', "$who: which is no sensing domain");
	}
	like($steps->{''}{console}, qr/avc:\s+denied\s+\{ sense_read \}[^\n]*domU_t/,
		"$who: what the policy refuses the avc names") if $kind->{flask};
}

# A domain to which a policy gives all, after a lock for nobody.
sub guests_boot {
	my ($kind, @what) = @_;
	my $steps = short_boot({ %$kind, module => "$build/flask/guests" }, @what, { after => <<'SH' }, '--domu');
step guest domu-start --timeout 500 --add access guest -- './access table; ./access lock 1'
SH
	holds($steps->{guest}{out}, "FLASK's, no domain",
		"$kind->{name}: a guest that the policy allows, after a lock for nobody");
}

for my $kind (grep { $_->{name} =~ ($ENV{KS_ACCESS} // '') } @kinds) {
	my @nobody = ($kind, 'all', 'Dom0, no domain', 0);

	next if $kind->{long} && !$ENV{KS_LONG} && !$ENV{KS_ACCESS};
	local $KS::xen = $kind->{xen};
	long_boot($kind);
	short_boot($kind, 'all', 'Dom0, `all`', 1);
	short_boot($kind, 'nothing', 'Dom0, `nothing`', 1);
	if ($kind->{flask}) {
		guests_boot(@nobody);
	} elsif ($kind->{args}) {
		short_boot(@nobody);
	} else {
		rows_boot(@nobody);
	}
}

done_testing;
