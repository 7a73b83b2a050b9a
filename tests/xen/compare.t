#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare on a real Xen with a real Dom0: what it finds, and what it must
# not call a finding.
#
# Wrong in the world if this fails: a process or an entry point that is hidden in Dom0 is not
# named, or processes that merely come and go are; or somebody takes "could not look" for
# "nothing differs".
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../../lab";
use KS;
use Lab;
use Test::More;

my $storm = $ENV{KS_STORM_SECONDS} // 10;
my $checks = '{"checks": [{"check": "mine", "dom0": [],' .
	'"xen": {"probe": "xen-domains", "kind": "domain", "key": ["domid"]},' .
	'"only_xen": {"finding": "a-domain", "severity": "low", "what": "{domid} of {type}", "why": "because",' .
	'"next": "{uuid}"}}]}';

# A gate of one CPU in Xen, as the lab's attack moves it, through the emulator's debugger port.
my $socket = debugger_socket();
my %debugger = debugger_hooks($socket, 'idt-gate', 'seen');
my @options = (\%debugger, '--gdb', $socket, '--smp', 2, '--one-thread', '--timeout', 1800,
	map { ('--add', $_) } $KS::module, "$build/tests/hide/ks_hide.ko", "$build/tests/entries/ks_entries.ko",
	map { "$build/tests/$_" } qw(actor forks));
my $steps = boot(<<"SH", @options);
hide=/sys/module/ks_hide/parameters
socket=/run/ksense/kernel.sock
./actor headless >headless.out &
until grep -q thread headless.out; do sleep 0.1; done
sleep 1000 &
victim=\$!
until [ "\$(cat /proc/\$victim/comm)" = sleep ]; do sleep 0.1; done

# Without the module.
step bare ksense --json compare --accept no-module
step blind ksense --json compare
step required ksense --json compare --require module
insmod ks_hide.ko
echo \$victim >\$hide/table
step bare-hidden ksense --json compare
echo 0 >\$hide/table

insmod ksense.ko
step quiet ksense --json compare
step table ksense --table compare
step roots ksense --socket \$socket --json records processes --run --peek --filter pid=\$victim
echo \$victim >\$hide/table
step hidden ksense --json compare
step hidden-table ksense --table compare
step again ksense --json compare
# And one that nothing has, which sleeps, and whose page tables are said to be the kernel's own.
echo 0 >\$hide/table
echo \$victim >\$hide/owned
echo \$victim >\$hide/tree
step owned ksense --json compare
echo 0 >\$hide/tree
echo 0 >\$hide/owned
echo \$victim >\$hide/table
ksense --json compare --watch --interval 0.2 >watch.out &
watcher=\$!
until grep -q '"finding":"hidden-process"' watch.out; do sleep 0.1; done
until grep -q '"finding":"hidden-task"' watch.out; do sleep 0.1; done
echo 0 >\$hide/table
until tail -n 1 watch.out | grep -q '"gone":"hidden-'; do sleep 0.1; done
kill -INT \$watcher
wait \$watcher
step watch sh -c "cat watch.out; exit \$?"
rmmod ks_hide

insmod ks_entries.ko
at() { sed -n "s/^\\([0-9a-f]*\\) [Tt] \$1\\\$/\\1/p" /proc/kallsyms; }
entries=/sys/module/ks_entries/parameters
ksense records dom0-entries >/dev/null
step addresses echo \$(at xen_asm_exc_overflow) \$(at xen_asm_exc_bounds) \$(at xen_entry_SYSCALL_compat)
echo "1 4 7 \$(at xen_asm_exc_bounds)" >\$entries/trap
step trap ksense --json compare
echo "1 4 7 \$(at xen_asm_exc_overflow)" >\$entries/trap
step trap-back ksense --json compare

echo "0 7 1 \$(at xen_asm_exc_bounds)" >\$entries/callback
step callback ksense --json compare
echo "0 7 1 \$(at xen_entry_SYSCALL_compat)" >\$entries/callback
step callback-back ksense --json compare

echo '$checks' >mine
step mine ksense --json compare --checks mine
ksense off dom0-roots >/dev/null
step off ksense --json compare
ksense on dom0-roots >/dev/null
ksense records dom0-roots >/dev/null
step on ksense --json compare

ksense --json compare --watch --interval 0.2 >gates.out &
watcher=\$!
until grep -q '"checks"' gates.out; do sleep 0.1; done
step idt-gate-seen-attack true
until grep -q '"finding"' gates.out; do sleep 0.1; done
step idt-gate-seen-undo true
until grep -q '"gone"' gates.out; do sleep 0.1; done
kill -INT \$watcher
wait \$watcher
step gates sh -c "cat gates.out; exit \$?"
ksense records xen-idt >/dev/null

# Short processes, one after another: the page tables of one are the next one's.  They begin when
# all was looked at once: a first round that is cut short has another status.
ksense --json compare --watch --interval 0.1 --heartbeat 0.1 >storm.out &
watcher=\$!
until grep -q '"checks"' storm.out; do sleep 0.1; done
(while :; do /bin/true; done) &
loop=\$!
./forks $storm >/dev/null &
forks=\$!
wait \$forks
kill \$loop
# The round at hand is of the storm still; the next one is not.
rounds() { grep -o '"rounds":[0-9]*' storm.out | tail -n 1 | cut -d: -f2; }
over=\$((\$(rounds) + 2))
until [ \$(rounds) -ge \$over ]; do sleep 0.1; done
kill -INT \$watcher
wait \$watcher
step storm sh -c "cat storm.out; exit \$?"
step end ksense --json compare
SH

is($steps->{''}{status}, 0, 'Dom0 came through it') or diag $steps->{''}{err};
sub findings { return grep { $_->{finding} } json($steps->{$_[0]}) }
sub summary { my ($last) = (json($steps->{$_[0]}))[-1]; return { map { $_->{check} => $_ } @{$last->{checks} // []} } }

# --- Nothing hides
for my $step (qw(bare quiet trap-back callback-back on end)) {
	is_deeply([map { "$_->{finding} $_->{what}" } findings($step)], [],
		"$step: nothing is found where nothing hides");
	is($steps->{$step}{status}, 0, "$step: and the status is 0") or diag explain $steps->{$step};
}
my ($bare, $quiet) = map { summary($_) } qw(bare quiet);
is_deeply([@{$bare->{processes}}{qw(verdict reason accepted)}], ['blind', 'no-module', JSON::PP::true],
	  'without the module processes cannot be compared one by one, and it says why');
like($bare->{processes}{words}, qr/the module is not there/, 'in words, too');
is($steps->{blind}{status}, 3, 'blindness that was not accepted is in the status');
is($steps->{required}{status}, 3, 'without the module that is required it ends');
is($steps->{required}{out}, '', 'at once');
is($bare->{$_}{verdict}, 'agrees', "so it compares $_ instead")
	for qw(processes-by-number entry-points-by-symbol callbacks-by-symbol);
is($quiet->{$_}{verdict}, 'agrees', "with the module: $_")
	for qw(processes processes-in-proc domains-toolstack domains-module entry-points callbacks xen-text
		xen-entry-points xen-page-tables xen-writable-code sensor-xen sensor-module);
ok(!exists $quiet->{'processes-by-number'}, 'and nothing instead of it');
# init, shell, actor, sleep, ksense; and the kernel's three
cmp_ok($quiet->{processes}{xen_items}, '>=', 11, 'they were many page-table roots');
is($quiet->{'domains-toolstack'}{xen_items}, 1, 'and one domain');
is($quiet->{'domains-xenstore'}{verdict}, 'not-here', 'and no xenstore');
like($quiet->{'domains-xenstore'}{words}, qr/no xenstored/, 'that there is no xenstore here is told');
is($quiet->{'sockets-by-netlink'}{verdict}, 'not-here', 'nor a kernel that tells of sockets by netlink');
like($steps->{table}{out}, qr/^processes +agrees +\d+ +\d+ +1 /m, 'the table for a person has it, too');
like($steps->{table}{out}, qr/^0 findings, \d+ checks? blind, \d+ agrees?, 3 not here$/m, 'and ends in the verdict');

# --- A process hides
my ($process) = grep { $_->{kind} eq 'process' } reverse json($steps->{roots});
my @roots = sort @$process{qw(root user_root)};
# One deed: both roots, and the task, which the module says is in some lists and not in others.
my ($hidden, @more) = findings('hidden');
is_deeply([map { $_->{finding} } @more], [], 'nothing else is found');
is($steps->{hidden}{status}, 1, 'a process that hides: the status is 1');
my @reports = ($hidden, @{$hidden->{also} // []});
is_deeply([sort map { $_->{finding} } @reports], [qw(hidden-process hidden-process hidden-task)],
	'it is one finding, of all that see it')
	or diag $steps->{hidden}{out};
my @found = grep { $_->{finding} eq 'hidden-process' } @reports;
my ($task) = grep { $_->{finding} eq 'hidden-task' } @reports;
like($task->{what} // '', qr/a task $process->{pid} \(sleep\)/, 'which names the process');
is_deeply([sort map { $_->{where}{frame} } @found], \@roots,
	'and both of its page-table roots are named, and no other');
is_deeply([sort map { $_->{xen}{role} } @found], [qw(kernel user)], 'by their roles');
my @members = qw(finding id severity check what where xen dom0 old new times first_seen looks why next also);
is_deeply([sort keys %$hidden], [sort @members], 'a finding has all its members');
for my $finding (@found) {
	is($finding->{dom0}, undef, 'Dom0 says nothing of it');
	is($finding->{looks}, 8, 'it was there in each look');
	like($finding->{first_seen}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'and since when');
}
# Xen is looked at first, and Linux later, which booted later: as each counts since its own boot,
# that may be less.
cmp_ok($task->{times}{module}{looked_ns} // '', 'gt', $_->{times}{xen}{last_seen_ns} // '~',
	'both kernels\' times are of one clock') for @found;
is_deeply([map { $_->{id} } findings('again')], [$hidden->{id}], 'another look gives the same id');
is_deeply([sort map { $_->{where}{frame} } grep { $_->{finding} eq 'hidden-process' } map { ($_, @{$_->{also} // []}) }
	findings('owned')], \@roots, "it is found as well where its page tables are said to be the kernel's own")
	or diag $steps->{owned}{out};
like($steps->{'hidden-table'}{out},
	qr/^FINDING [0-9a-f]{16} hidden-process \(critical\)\n  what +Dom0 uses a page-table root/m,
	'for a person as well');
like($steps->{'hidden-table'}{out}, qr/^  (?:what|also) +Dom0 uses a page-table root, frame $_ /m, "with $_")
	for @roots;
like($steps->{'hidden-table'}{out}, qr/^  also +Dom0's kernel runs a task $process->{pid} \(sleep\)/m, 'and its task');
is_deeply([map { [@{$_}{qw(finding)}, @{$_->{xen}}{qw(more)}] } findings('bare-hidden')],
	  [['more-processes-than-listed', 1]],
	  'without the module: that there is one more') or diag explain $steps->{'bare-hidden'};
my @watch = json($steps->{watch});
is(scalar(grep { $_->{checks} } @watch), 2, 'a summary comes when all was looked at once, and at the end');
my @raised = map { $_->{id} } grep { $_->{finding} } @watch;
is_deeply(\@raised, [$hidden->{id}], 'watching, it is told once') or diag $steps->{watch}{out};
is_deeply([map { $_->{id} } grep { $_->{gone} } @watch], \@raised, 'and once that it is gone');
is($steps->{watch}{status}, 1, 'and the status says that there was something');

# --- An entry point is moved
my ($overflow, $bounds, $compat) = map { "0x$_" } split ' ', $steps->{addresses}{out};
my @trap = findings('trap');
is(scalar(@trap), 1, 'an entry point that leads elsewhere is found, alone') or diag explain \@trap;
is_deeply([$trap[0]{finding}, $trap[0]{where}, $trap[0]{xen}{address}],
	['entry-point-redirected', { vcpu => 1, vector => 4 }, $bounds], 'where, and where to');
is($trap[0]{dom0}{address}, $overflow, 'and where Dom0 has it');
is_deeply([$trap[0]{old}, $trap[0]{new}], [{ address => $overflow }, { address => $bounds }],
	'and what Xen saw change');

# Another check asks the same probe just before: what it was told is told to this one as well.
my @callback = findings('callback');
is_deeply([map { [@$_{qw(finding where old new)}] } @callback],
	  [['callback-redirected', { vcpu => 0, name => 'syscall32' }, { address => $compat },
	      { address => $bounds }]],
	  'a callback that leads elsewhere, and where it led before') or diag explain \@callback;

# --- A gate of Xen's is moved: no gate was told of before that was as all CPUs' are
my @gates = findings('gates');
is_deeply([map { [$_->{finding}, @{$_->{where}}{qw(kind cpu vector)}, $_->{xen}{symbol}, $_->{old}{symbol}] } @gates],
	  [['xen-entry-changed', 'idt-gate', 0, 6, map { xen_entry('UD') . $_ } '+0x1', '+0x0']],
	      "a gate of one of Xen's CPUs that leads elsewhere, and where it led before")
	or diag $steps->{gates}{out};
is(scalar(grep { $_->{gone} } json($steps->{gates})), 1, 'and that it was put back');

# --- Checks of one's own, and what cannot be looked at
is_deeply([map { [@$_{qw(finding what next)}] } findings('mine')],
	[['a-domain', '0 of PV', '00000000-0000-0000-0000-000000000000']], 'a check from a file');
is_deeply([map { [$_->{finding}, $_->{where}{probe}, $_->{xen}{by}] } findings('off')],
	[['probe-turned-off', 'dom0-roots', 'domain 0']],
	  'a probe that is off was turned off by somebody, until the record of it is taken')
	      or diag $steps->{off}{out};
is($steps->{off}{status}, 1, 'which is a finding');
is_deeply([@{summary('off')->{processes}}{qw(verdict reason)}], ['blind', 'probe-off'], 'and says so')
	or diag explain summary('off');

# --- Processes come and go
is_deeply([map { "$_->{finding} $_->{what}" } findings('storm')], [],
	'in a storm of short processes, nothing is found');
my $went = summary('storm');
is($went->{processes}{verdict}, 'agrees', 'and when it is over, all agrees');
my @beats = map { $_->{verdict} } grep { $_->{alive} } json($steps->{storm});
diag 'in the storm, ', scalar(grep { /unconfirmed/ } @beats), ' of ', scalar(@beats), ' rounds had no quiet look';
diag "in the storm, $went->{processes}{came_and_went} differences came and went";
# On a slow machine the last look at something may not have been whole: then it
# says so, and of what.
my @partial = grep { $_->{verdict} =~ /^(blind|unconfirmed)$/ } values %$went;
is($steps->{storm}{status}, @partial ? 3 : 0, 'the status is 0, or that of what was not seen whole')
	or diag explain $went;
diag "in the storm, $_->{check} at last: $_->{words}" for @partial;

done_testing;
