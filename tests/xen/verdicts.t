#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What is done to a Dom0, and what "ksense compare" says of it: found, or not seen; never "nothing differs".
#
# Wrong in the world if this fails: somebody changes Dom0's kernel, or takes the sensors' sight, and
# whoever asks the judge is told that all is well.
#
# Each step is one thing done, and one look.  The status says the verdict: 0, nothing differs and
# all was seen; 1, a finding; 3, something could not be seen.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

# Runs when somebody asks for a crash, and not before; a system call that nobody makes any more.
my $victim = 'sysrq_handle_crash';
my $unused_call = 212 * 8;

# A check that differs at each look and is never through: there is always a moment at which to interrupt it.
my $slow = '{"checks": [{"check": "slow", "looks": 1000, "pause_ms": 60000, "xen": {"probe": "xen-domains", "kind": "domain", "key": ["domid"]}, "dom0": [],' .
	'"only_xen": {"finding": "a-domain", "severity": "low", "what": "{domid}", "why": "because", "next": "-"}},' .
	'{"check": "behind", "xen": {"probe": "xen-domains", "kind": "vcpu", "key": ["domid", "vcpu"]}, "dom0": [],' .
	'"only_xen": {"finding": "a-vcpu", "severity": "low", "what": "{domid}", "why": "because", "next": "-"}}]}';

# A gate of one CPU in Xen, as the lab's attack moves it, through the emulator's debugger port.
my $dir = File::Temp->newdir;
my %symbol = xen_symbols();
my $gate = do "$root/lab/idt-gate/debugger.pl" or die "lab/idt-gate: ", $@ || $!;
sub with_gate {
	my ($what) = @_;
	return sub {
		my $gdb = gdb_open("$dir/gdb");
		$gate->{$what}->($gdb, sub { $symbol{$_[0]} });
		gdb_close($gdb);
	};
}
my %debugger = (gate => with_gate('attack'), 'gate-back' => with_gate('undo'));
my $steps = boot(<<"SH", \%debugger, '--gdb', "$dir/gdb", map { ('--add', $_) } $KS::module, map { "$KS::test_modules/$_.ko" } qw(code/ks_code torn/ks_torn));
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
poke \$call \$(at $victim | sed 's/\\(..\\)\\(..\\)\\(..\\)\\(..\\)\\(..\\)\\(..\\)\\(..\\)\\(..\\)/\\8\\7\\6\\5\\4\\3\\2\\1/')
step table compare
poke 0
step restored compare
echo vfs_statx >\$trace/set_ftrace_filter
echo function >\$trace/current_tracer
step traced compare
step traced-strict compare --strict
echo nop >\$trace/current_tracer

# Xen's: and a collector takes the record of the change.
step gate true
step gate-1 compare
ksense records xen-idt >/dev/null
step gate-2 compare
step gate-back true
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
kill -INT \$watcher
wait \$watcher
echo \$? >watch.status
step watch cat watch.out watch.status

# A module that hid a moment ago; code that no module owns.  Neither can be undone.
# (The probe has patience with code that is there for less than some seconds.)
rmmod ks_code
insmod ks_code.ko orphan=1
ksense --socket \$socket records modules --run --peek >/dev/null
sleep 5
insmod ks_code.ko deep=1
step deep compare
ksense lock --nobody >/dev/null
step locked compare
SH

is($steps->{''}{status}, 0, 'Dom0 came through it') or diag $steps->{''}{err};
sub findings { return grep { $_->{finding} && $_->{severity} ne 'notice' } json($steps->{$_[0]}) }
sub kinds { my ($step) = @_; my %is = map { $_->{finding} => 1 } findings($step); return join(' ', sort keys %is) }
sub checks { my ($last) = grep { $_->{checks} } reverse json($steps->{$_[0]}); return { map { $_->{check} => $_ } @{$last->{checks} // []} } }
sub verdict { my ($step, $check) = @_; my $is = checks($step)->{$check}; return join(' ', grep { defined } @{$is // {}}{qw(verdict reason)}) }

# What each look says: its status, and the findings.  Blind is only what is not here: there is no xenstored in this Dom0.
for my $case (
	['quiet', 0, '', 'nothing was done'],
	['inline', 1, 'kernel-modified', 'a jump at the begin of a function of Dom0\'s kernel'],
	['inline-again', 1, 'kernel-modified', 'and again, though somebody took the record of it'],
	['table', 1, 'kernel-modified', 'an entry of the table of system calls'],
	['restored', 0, '', 'all put back'],
	['traced', 0, '', 'a function that is traced is a notice'],
	['traced-strict', 1, '', 'which counts for whoever wants it to'],
	['gate-1', 1, 'xen-entry-changed', 'a gate of Xen\'s IDT'],
	['gate-2', 1, 'xen-entry-changed', 'and again, though somebody took the record of it'],
	['gate-3', 0, '', 'the gate put back'],
	['ring', 3, '', 'the list of modules made a ring'],
	['ring-again', 3, '', 'and again'],
	['socket', 3, '', 'a wrong name for the module\'s socket'],
	['deep', 1, 'hidden-module unowned-code', 'a module that hid just now, and code that is nobody\'s'],
	['locked', 1, 'hidden-module unowned-code', 'the same, when Xen\'s sensor was handed over and gives no fresh samples'],
) {
	my ($step, $status, $kinds, $what) = @$case;

	is($steps->{$step}{status}, $status, "$what: the status is $status") or diag $steps->{$step}{out}, $steps->{$step}{err};
	is(kinds($step), $kinds, $kinds ? "and it is named: $kinds" : 'and there is no finding');
}
my ($jump) = findings('inline');
like($jump->{what}, qr/\Q$victim\E\+0x0/, 'the function is named');
ok((grep { ($_->{where}{range} // '') eq 'sys_call_table' } findings('table')), 'and so is the table');
my ($traced) = grep { ($_->{finding} // '') eq 'kernel-hooked' && $_->{what} =~ /vfs_statx/ } json($steps->{traced});
like($traced->{what} // '', qr/\(ftrace\)/, 'that it is ftrace\'s doing is told');
is(verdict('ring', 'hidden-modules') =~ s/ .*//r, 'blind', 'where the list goes round, there is no sight of modules');
is(verdict('socket', 'hidden-modules'), 'blind no-module', 'a wrong name is no module');
like(checks('socket')->{'hidden-modules'}{words} // '', qr/kernal\.sock/, 'and the name is told');
like(verdict('locked', 'xen-text'), qr/^blind denied$/, 'who may not ask is blind, and is told why');

# --- Interrupted
like($steps->{interrupted}{out}, qr/^143$/m, 'interrupted, the status says by what');
my ($slow_checks) = grep { $_->{checks} } json({ out => join('', grep { /^\{/ } split(/^/, $steps->{interrupted}{out})) });
my %slow = map { $_->{check} => $_->{verdict} . ' ' . ($_->{reason} // '') } @{$slow_checks->{checks} // []};
is_deeply(\%slow, { slow => 'unconfirmed interrupted', behind => 'blind interrupted' }, 'what differed had no second look, and what is behind it had none')
	or diag $steps->{interrupted}{out};

# --- The module goes, and comes back
my @watch = json({ out => join('', grep { /^\{/ } split(/^/, $steps->{watch}{out})) });
ok((grep { ($_->{blind} // '') eq 'hidden-modules' && $_->{reason} eq 'no-module' } @watch), 'that sight is lost is told when it begins');
ok((grep { ($_->{finding} // '') eq 'blinded' } @watch), 'and is a finding when it lasts');
ok((grep { ($_->{sees} // '') eq 'hidden-modules' } @watch), 'and that it is back is told');
like($steps->{watch}{out}, qr/^1$/m, 'and the status says that there was something');

done_testing;
