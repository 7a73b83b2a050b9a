#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What is done to a Dom0, and what "ksense compare" says of it: found, or not seen; never
# "nothing differs".
#
# Wrong in the world if this fails: somebody changes Dom0's kernel, or takes the sensors' sight,
# and whoever asks the judge is told that all is well.
#
# Each step is one thing done, and one look.  The status says the verdict: 0, nothing differs and
# all was seen; 1, a finding; 3, something could not be seen.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../../lab";
use KS;
use Lab;
use Test::More;

# Runs when somebody asks for a crash, and not before; a system call that nobody makes any more.
my $victim = 'sysrq_handle_crash';
my $unused_call = 212 * 8;

# A check that differs at each look and is never through: there is always a moment at
# which to interrupt it.
my $slow = '{"checks": [{"check": "slow", "looks": 1000, "pause_ms": 60000, "dom0": [],' .
	'"xen": {"probe": "xen-domains", "kind": "domain", "key": ["domid"]},' .
	'"only_xen": {"finding": "a-domain", "severity": "low", "what": "{domid}", "why": "because", "next": "-"}},' .
	'{"check": "behind", "xen": {"probe": "xen-domains", "kind": "vcpu", "key": ["domid", "vcpu"]}, "dom0": [],' .
	'"only_xen": {"finding": "a-vcpu", "severity": "low", "what": "{domid}", "why": "because", "next": "-"}}]}';

# A gate of one CPU in Xen, as the lab's attack moves it, through the emulator's debugger port.
my $socket = debugger_socket();
my %debugger = debugger_hooks($socket, 'idt-gate', qw(seen locked));
my @modules = ($KS::module, "$build/tests/hide/ks_hide.ko",
	map { "$KS::test_modules/$_.ko" } qw(code/ks_code torn/ks_torn));
my $steps = boot(<<"SH", \%debugger, '--gdb', $socket, '--timeout', 1500, map { ('--add', $_) } @modules);
socket=/run/ksense/kernel.sock
at() { sed -n "s/^\\([0-9a-f]*\\) [a-zA-Z] \$1\\\$/\\1/p" /proc/kallsyms; }
poke() { echo "\$*" >/sys/module/ks_code/parameters/poke; }
compare() { ksense --json compare "\$@"; }
trace=/sys/kernel/tracing
grep -q \$trace /proc/mounts || mount -t tracefs none \$trace
insmod ksense.ko
insmod ks_code.ko
insmod ks_torn.ko
step quiet compare

# Dom0's kernel: a jump at the begin of a function; an entry of the table of system calls.
poke \$(at $victim) e900000000
step inline compare
ksense --socket \$socket records kernel-text >/dev/null
step inline-again compare
poke 0
call=\$(printf '%x' \$((0x\$(at sys_call_table) + $unused_call)))
# The address as it lies in memory: its last byte first.
poke \$call \$(at $victim | fold -w 2 | tac | tr -d '\\n')
step table compare
poke 0
step restored compare
echo vfs_statx >\$trace/set_ftrace_filter
echo function >\$trace/current_tracer
step traced compare
step traced-strict compare --strict
echo nop >\$trace/current_tracer
rmmod ks_code
insmod ks_code.ko hook=all
step hooked compare
rmmod ks_code
insmod ks_code.ko

# Xen's: and a collector takes the record of the change.
step idt-gate-seen-attack true
step gate-1 compare
ksense records xen-idt >/dev/null
step gate-2 compare
step idt-gate-seen-undo true
ksense records xen-idt >/dev/null
step gate-3 compare

# No sight: the list of modules goes round; a wrong socket; interrupted; the module goes.
echo 1 >/sys/module/ks_torn/parameters/ring
step ring compare
step ring-again compare
echo 0 >/sys/module/ks_torn/parameters/ring
step socket env KSENSE_SOCKET=/run/ksense/kernal.sock ksense --json compare
echo '$slow' >slow
ksense --json compare --checks slow >slow.out &
slow=\$!
# It waits for its second look once it has used no CPU time for some seconds.
idle=0
until [ \$idle -ge 6 ]; do
	sleep 1
	is=\$(cut -d' ' -f14,15 /proc/\$slow/stat)
	if [ "\$is" = "\$was" ]; then idle=\$((idle + 1)); else idle=0; fi
	was=\$is
done
kill -TERM \$slow
wait \$slow
echo \$? >slow.status
step interrupted cat slow.out slow.status
rmmod ks_torn
ksense --json compare --watch --interval 0.2 >watch.out &
watcher=\$!
until grep -q '"checks"' watch.out; do sleep 0.1; done
step gone rmmod ksense
until grep -q '"finding":"blinded"' watch.out; do sleep 0.1; done
step back insmod ksense.ko
until grep -q '"sees":"hidden-modules"' watch.out; do sleep 0.1; done
until grep -q '"finding":"sensor-restarted"' watch.out; do sleep 0.1; done
kill -INT \$watcher
wait \$watcher
echo \$? >watch.status
step watch cat watch.out watch.status

# What is done to the sensors: seen from one round to the next, and told by records until somebody
# takes them.
ksense --json compare --watch --interval 0.2 >deeds.out &
watcher=\$!
await() { until grep -q "\$1" deeds.out; do sleep 0.1; done; }
await '"checks"'
ksense off xen-text >/dev/null
await '"finding":"probe-turned-off"'
ksense on xen-text >/dev/null
ksense reset xen-domains >/dev/null
await '"finding":"probe-reset"'
ksense --socket \$socket low modules >/dev/null
await '"finding":"probe-level-lowered"'
ksense --socket \$socket default modules >/dev/null
await '"gone":"probe-level-lowered"'
kill -INT \$watcher
wait \$watcher
echo \$? >deeds.status
step deeds cat deeds.out deeds.status
step deeds-told compare
ksense records xen-text >/dev/null
ksense records xen-domains >/dev/null
ksense --socket \$socket records modules >/dev/null
step deeds-read compare

# Dom0 locks the sensor, and may only read from now on: it waits for what the probes do by
# themselves.
rmmod ks_code
insmod ks_hide.ko
sleep 1000 &
victim=\$!
ksense lock --nobody >/dev/null
step locked compare
step idt-gate-locked-attack true
step locked-gate-1 compare
step idt-gate-locked-undo true
step locked-gate-2 compare
echo \$victim >/sys/module/ks_hide/parameters/table
step locked-hidden compare
echo 0 >/sys/module/ks_hide/parameters/table
step locked-short compare --wait 0.001
rmmod ks_hide

# A module that hid a moment ago; code that no module owns since a moment.  Neither can be undone.
# (The probe has patience with both, and says so.)
insmod ks_code.ko orphan=1
step patient ksense --socket \$socket --json records modules --run --peek --filter kind=view
insmod ks_code.ko deep=1
step deep compare
SH

is($steps->{''}{status}, 0, 'Dom0 came through it') or diag $steps->{''}{err};
sub findings { return grep { $_->{finding} && $_->{severity} ne 'notice' } json($steps->{$_[0]}) }
sub kinds { my ($step) = @_; my %is = map { $_->{finding} => 1 } findings($step); return join(' ', sort keys %is) }
sub checks {
	my ($last) = grep { $_->{checks} } reverse json($steps->{$_[0]});
	return { map { $_->{check} => $_ } @{$last->{checks} // []} }
}
sub verdict {
	my ($step, $check) = @_;
	my $is = checks($step)->{$check};
	return join(' ', grep { defined } @{$is // {}}{qw(verdict reason)});
}

# What each look says: its status, and the findings.  Blind is only what is not here: there is no
# xenstored in this Dom0.
for my $case (
	['quiet', 0, '', 'nothing was done'],
	['inline', 1, 'kernel-modified', 'a jump at the begin of a function of Dom0\'s kernel'],
	['inline-again', 1, 'kernel-modified', 'and again, though somebody took the record of it'],
	['table', 1, 'kernel-modified', 'an entry of the table of system calls'],
	['restored', 0, '', 'all put back'],
	['traced', 0, '', 'a function that is traced is a notice'],
	['traced-strict', 1, '', 'which counts for whoever wants it to'],
	['hooked', 0, '', 'a module that hooks by the kernel\'s own means is a notice'],
	['gate-1', 1, 'xen-entry-changed', 'a gate of Xen\'s IDT'],
	['gate-2', 1, 'xen-entry-changed', 'and again, though somebody took the record of it'],
	['gate-3', 0, '', 'the gate put back'],
	['ring', 1, 'probe-restarted', 'the list of modules made a ring'],
	['ring-again', 1, 'probe-restarted', 'and again'],
	['socket', 3, '', 'a wrong name for the module\'s socket'],
	['deep', 1, 'hidden-module unowned-code', 'a module that hid just now, and code that is nobody\'s'],
	['deeds-told', 1, 'probe-reset probe-turned-off', 'a probe that was off, and one that was reset'],
	['deeds-read', 0, '', 'when the records of it were taken'],
	['locked', 0, '', 'when Xen\'s sensor was handed over and gives no fresh samples'],
	['locked-gate-1', 1, 'xen-entry-changed', 'a gate of Xen\'s IDT, for who may only read'],
	['locked-gate-2', 0, '', 'the gate put back'],
	['locked-hidden', 1, 'hidden-process', 'a process that hides, for who may only read'],
	['locked-short', 3, '', 'without the patience to wait'],
) {
	my ($step, $status, $kinds, $what) = @$case;

	is($steps->{$step}{status}, $status, "$what: the status is $status")
		or diag $steps->{$step}{out}, $steps->{$step}{err};
	is(kinds($step), $kinds, $kinds ? "and it is named: $kinds" : 'and there is no finding');
}
my ($jump) = findings('inline');
like($jump->{what}, qr/\Q$victim\E\+0x0/, 'the function is named');
ok((grep { ($_->{where}{range} // '') eq 'sys_call_table' } findings('table')), 'and so is the table');
sub parts { return map { ($_, @{$_->{also} // []}) } json($steps->{$_[0]}) }
my ($traced) = grep { ($_->{finding} // '') eq 'kernel-hooked' && $_->{what} =~ /vfs_statx/ } parts('traced');
like($traced->{what} // '', qr/\(ftrace\)/, 'that it is ftrace\'s doing is told');
my %hooked = map { $_->{what} =~ /^(ks_\S+) \[ks_code\] at .* is called at (\S+) of Dom0's kernel, by (\w+),/
	? ("$1 $2" => $3) : () }
	grep { ($_->{finding} // '') eq 'kernel-hook' } parts('hooked');
is_deeply(\%hooked, {
	'ks_tracer+0x0 __x64_sys_getdents64+0x0' => 'ftrace', 'ks_before+0x0 __x64_sys_kill+0x0' => 'kprobe',
		'ks_also+0x0 __x64_sys_kill+0x0' => 'kprobe',
	'ks_at_return+0x0 vfs_statx+0x0' => 'kretprobe',
}, 'that says who is called, where, and by which means') or diag $steps->{hooked}{out};
is(verdict('ring', 'hidden-modules') =~ s/ .*//r, 'blind', 'where the list goes round, there is no sight of modules');
is(verdict('socket', 'hidden-modules'), 'blind no-module', 'a wrong name is no module');
like(checks('socket')->{'hidden-modules'}{words} // '', qr/kernal\.sock/, 'and the name is told');
my @of_xen = grep { /^xen-|^domain-privileges$|^processes$/ } sort keys %{checks('locked')};
is_deeply([map { verdict('locked', $_) } @of_xen], [('agrees') x 7],
	'who may only read sees all the same: ' . join(' ', @of_xen));
is(verdict('locked-short', 'xen-text'), 'blind timeout', 'who does not wait is blind');
like(checks('locked-short')->{'xen-text'}{words} // '', qr/by itself about every 2 s.*--wait/,
	'and is told what to do');

my ($areas) = grep { $_->{name} eq 'vm-areas' && $_->{event} eq 'present' } reverse json($steps->{patient});
ok($areas->{waits}, 'code that is nobody\'s since a moment is not told, and that there is such is')
	or diag $steps->{patient}{out};

# --- What is done to the sensors
my @deeds = json({ out => join('', grep { /^\{/ } split(/^/, $steps->{deeds}{out})) });
for my $deed (['probe-turned-off', 'xen-text'], ['probe-reset', 'xen-domains'], ['probe-level-lowered', 'modules']) {
	my @found = grep { ($_->{finding} // '') eq $deed->[0] } @deeds;

	is_deeply([map { $_->{where}{probe} } @found], [$deed->[1]], "$deed->[0] of $deed->[1] is told once");
}
like((grep { ($_->{finding} // '') eq 'probe-turned-off' } @deeds)[0]{what} // '', qr/turned off by domain 0/,
	'and by whom');
like($steps->{deeds}{out}, qr/^1$/m, 'and is in the status');

# --- Interrupted
like($steps->{interrupted}{out}, qr/^143$/m, 'interrupted, the status says by what');
my ($slow_checks) = grep { $_->{checks} }
	json({ out => join('', grep { /^\{/ } split(/^/, $steps->{interrupted}{out})) });
my %slow = map { $_->{check} => $_->{verdict} . ' ' . ($_->{reason} // '') } @{$slow_checks->{checks} // []};
is_deeply(\%slow, { slow => 'unconfirmed interrupted', behind => 'blind interrupted' },
	'what differed had no second look, and what is behind it had none')
	or diag $steps->{interrupted}{out};

# --- The module goes, and comes back
my @watch = json({ out => join('', grep { /^\{/ } split(/^/, $steps->{watch}{out})) });
ok((grep { ($_->{blind} // '') eq 'hidden-modules' && $_->{reason} eq 'no-module' } @watch),
	'that sight is lost is told when it begins');
my ($lost) = grep { ($_->{changed} // '') eq 'sensor-gone' } @watch;
ok((grep { $_->{finding} eq 'blinded' && $_->{check} eq 'hidden-modules' } @{$lost->{now}{also} // []}),
	'and is a part of what it is for want of, when it lasts');
is_deeply([grep { ($_->{finding} // '') eq 'blinded' } @watch], [], 'and no finding of its own')
	or diag $steps->{watch}{out};
is(scalar(grep { ($_->{finding} // '') eq 'sensor-gone' && $_->{check} eq 'sensor-module' } @watch), 1,
	'that the module is gone is told at once');
is(scalar(grep { ($_->{finding} // '') eq 'sensor-restarted' } @watch), 1,
	'and that another came in its place, which knows nothing from before');
ok((grep { ($_->{sees} // '') eq 'hidden-modules' } @watch), 'and that it is back is told');
like($steps->{watch}{out}, qr/^1$/m, 'and the status says that there was something');

done_testing;
