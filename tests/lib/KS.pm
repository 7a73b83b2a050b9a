# SPDX-License-Identifier: MIT
#
# KS.pm - what the end-to-end tests share: boot the emulated machine once, run a number of steps
# in its Dom0 (or in its Linux without Xen, or in a shell of this machine), and look at what
# each of them printed.
package KS;

use strict;
use warnings;
use Exporter 'import';
use Cwd 'realpath';
use File::Basename;
use File::Temp;
use JSON::PP;
use lib dirname(__FILE__);
use Schema;
use Time::HiRes 'time';
use Test::More;

our @EXPORT = qw(boot probes_of here records json reply request troubles only_late xen_symbols xen_entry
	xen_idt $root $build $nonce $hptool gdb_open gdb_read gdb_write gdb_close gdb_efer);

our $root = realpath(dirname(__FILE__) . '/../..');
our $build = $ENV{KS_BUILD} // "$root/build";
our $module = $ENV{KS_MODULE} // "$build/linux-guest/ksense.ko";
# Xen's program that takes CPUs away and gives them back; --domu has it as well, with
# much that takes time.
our ($hptool) = glob "$build/vm/xen-utils/usr/lib/xen-*/bin/xen-hptool";
our $nonce = '4f1c0e6a9d2b4c58a7e3';

# The Xen under test, and what each boot of it has on its command line; the checked build
# passes the same tests.
our $xen = $ENV{KS_XEN} // "$build/xen/xen";
# And the release that it is of, if that is not the one that the project is built with; KS_BUILD is
# then what vm/build-release made.
our $release = $ENV{KS_RELEASE};
our @xen_args;

# Another kernel, with what it needs, for each boot without Xen (make check-debug-kernel); the
# probes' tests, too, are then without Xen, with modules that were built for it.
our @linux_options = split ' ', $ENV{KS_LINUX_OPTIONS} // '';
our @probes_machine = @linux_options ? ('--linux') : ();
our $test_modules = $ENV{KS_TEST_MODULES} // "$build/tests";

# What each test's machine has in Dom0's /root.
my @tools = ("$build/cli/ksense", "$build/tests/abi");
my @linux_tools = ("$build/cli/ksense");

# What Xen complains of on its console, and what is none of the sensor's doing: Xen's own FLASK
# shifts a bit into the sign of an int.
my $complaint = qr/UBSAN: Undefined|Assertion .* failed|Xen BUG|Xen WARN|Panic on CPU|FATAL TRAP/i;
my $known = qr{UBSAN: Undefined behaviour in \S*/xsm/flask/avc\.c:184:};
# As it resets the machine, a debug build of Xen may find its boot CPU's idle loop "in an
# interrupt".  That is Xen's own race, from 4.5 (its commit 415738e2f6) to today: machine_restart()
# sets CPU 0's count of interrupts to 0 before it asks which CPU it runs on.  Where Dom0 shuts down
# on another CPU while CPU 0 is in an interrupt, the end of that interrupt takes the count to -1,
# and the idle loop's next do_softirq() finds it unless the IPI to reset comes first.  A debugger
# that lets the two CPUs go on in that order shows it without the sensor; interrupts of the
# sensor's timers can make it likelier.  Everywhere but behind the reset it fails the test.
my $known_at_reset = qr{Assertion '!in_irq\(\)' failed at \S*/preempt\.c:};
my $reset = 'Hardware Dom0 shutdown: rebooting machine';

# What Linux complains of.  Not that something took long: how fast this machine is decides nothing.
# Nor that a program got a fault: "traps: ...".
my $splat = qr/KASAN:|UBSAN:|BUG:\ (?!soft\ lockup|workqueue\ lockup)|BUG\ kmalloc|WARNING:\ |Oops:\ |
	general\ protection\ fault[,:]|kernel\ BUG\ at|unreferenced\ object|ODEBUG:|
	list_(?:add|del)\ corruption|refcount_t:|DEBUG_LOCKS_WARN_ON/x;

# The lines of a console in which Linux complains.
sub splats { return grep { !/\(XEN\)/ } $_[0] =~ /^.*(?:$splat).*$/mg }

# The probes of a kernel (xen, linux, host), in the order of discovery.
sub probes_of {
	my ($kernel) = @_;
	my @names = split /\n/, `\Q$root\E/scripts/probes $kernel`;
	@names or die "scripts/probes $kernel failed";
	return @names;
}

# Before the steps, an answer is waited for longer than a user would: a first look at all of a
# kernel's text takes an emulated machine seconds, and one that has half a CPU with them tens of
# them.  (A test that is about giving up says --timeout.)  Then, `step NAME
# COMMAND...` runs one, its output and its status are kept apart from the others'.
my $prelude = <<'SH';
: ${DIR:=/root}
export KSENSE_TIMEOUT=100
step() {
	name=$1; shift
	echo "@@begin $name"
	"$@" 2>"$DIR/.stderr"
	status=$?
	echo
	echo "@@stderr"
	cat "$DIR/.stderr"
	echo
	echo "@@end $status"
}
# Waits until a command succeeds: tries= so many times (1000), half a second apart.
until_true() {
	tried=0
	until "$@" >/dev/null 2>&1; do
		[ $tried -lt ${tries:-1000} ] || return 1
		tried=$((tried + 1))
		usleep 500000
	done
}
# passes_of PROBE [OPTION...]: how many it has made.
passes_of() {
	probe=$1; shift
	ksense --json "$@" status "$probe" | sed -n 's/.*"runs":\([0-9]*\).*/\1/p'
}
# wait_passes NUMBER PROBE [OPTION...]: until the probe has made so many more by itself; the first
# of them may have begun before.
wait_passes() {
	wanted=$1; shift
	wanted=$(($(passes_of "$@") + wanted))
	until [ "$(passes_of "$@")" -ge $wanted ] 2>/dev/null; do usleep 200000; done
}
# One request line, or several, as the protocol has them.
raw() { printf '%s\n' "$@" | ksense raw; }
PATH=$DIR:$PATH
SH

# Without KSENSE_SOCKET, ksense asks Xen.
#
# boot(script, vm/run's options...): { step's name => { out, err, status } }, and under '' the
# whole: { out, err, status, console }. A reference to a hash among the options has functions by
# the names of steps: called here when that step begins there, with all that was printed before;
# the one under '' is called for each line, with it.
#
# A machine has one CPU: where two tests run side by side, two CPUs of one machine wait for each
# other most of the time, and a test takes three times as long. What is about more than one says
# --smp 2, and --one-thread with it where nothing has to happen at the very same moment.
#
# It is ended after ten minutes: that is for one that hangs, and none that a test decides by.
#
# KS_TIMES in the environment: each step is told as it begins, with the time since the boot.
#
# The emulator itself has crashed once (SIGSEGV of QEMU's).  That says nothing of what is in it:
# the machine is then booted once more, and the test's output tells.
our $crashed = 0;
sub boot {
	my @call = @_;
	my ($script, @options) = @_;
	my ($hooks) = grep { ref } @options;
	@options = grep { !ref } @options;
	my $linux = grep { $_ eq '--linux' } @options;
	unshift @options, '--smp', 1 unless grep { $_ eq '--smp' } @options;
	unshift @options, '--timeout', 600 unless grep { $_ eq '--timeout' } @options;
	my $console = File::Temp->new;
	my $err = File::Temp->new;
	my $begin = time;
	my @command = ("$root/vm/run", '--console', "$console", map({ ('--add', $_) } $linux ? @linux_tools : @tools));

	push @command, '--xen', $xen unless $linux || grep { $_ eq '--xen' || $_ eq '--stock' } @options;
	push @command, '--release', $release if $release && !$linux;
	push @command, $linux ? @linux_options : map({ ('--xen-args', $_) } @xen_args);
	push @options, '--timeout', $ENV{KS_TIMEOUT} if $ENV{KS_TIMEOUT};
	push @command, @options, '--', $prelude . $script;
	open(my $old_err, '>&', \*STDERR);
	open(STDERR, '>', "$err");
	open(my $pipe, '-|', @command) or die "vm/run: $!";
	open(STDERR, '>&', $old_err);
	my ($out, @failed) = ('');
	while (my $line = <$pipe>) {
		$out .= $line;
		diag(sprintf('%.1f s', time - $begin), ": $1") if $ENV{KS_TIMES} && $line =~ /^\@\@begin (\S+)$/;
		$hooks->{''}->($line) if $hooks && $hooks->{''};
		next unless $hooks && $line =~ /^\@\@begin (\S+)$/ && $hooks->{$1};
		eval { $hooks->{$1}->($out); 1 } or push @failed, "at the step $1: $@";
	}
	close $pipe;
	my $status = $? >> 8;

	if (!$crashed && $status == 125 && slurp("$err") =~ /QEMU ended with status 139/) {
		diag('QEMU itself crashed: once more, from the boot on');
		local $crashed = 1;
		return boot(@call);
	}
	my %steps = (steps_of($out), '' => { out => $out, err => slurp("$err"), status => $status,
		console => slurp("$console") });
	fail($_) for @failed;
	if ($status >= 124) {
		diag("the machine failed ($status):\n$steps{''}{err}");
		diag(substr($steps{''}{console}, -3000));
	}
	my ($life, $end) = split /\Q$reset\E/, $steps{''}{console}, 2;
	my @complaints = grep { !/$known/ } $life =~ /^.*(?:$complaint).*$/img;
	push @complaints, grep { !/$known|$known_at_reset/ } ($end // '') =~ /^.*(?:$complaint).*$/img;
	is_deeply(\@complaints, [], 'Xen has nothing to complain about') or diag(substr($steps{''}{console}, -3000))
		unless $linux;
	my @splats = splats($steps{''}{console});
	is_deeply(\@splats, [], 'nor has Linux') or diag(substr($steps{''}{console}, -6000));
	return \%steps;
}

# Of a probe that was started anew, that it had to wait for a CPU: that says only how fast this
# machine is, which runs two others.
sub is_late { return $_[0] =~ /^(a step does not end|a pass does not end|it is overdue)$/ }

# That is all that a finding of the judge's says; it is named in the test's output.
sub only_late {
	my ($finding) = @_;

	return 0 unless $finding->{finding} eq 'probe-restarted' &&
		is_late(($finding->{module} // $finding->{xen})->{why});
	diag "too slow a machine: $finding->{what}";
	return 1;
}

# troubles(probe...): of these probes, as status has them, those that failed or were started anew,
# each with why.  Those that were late are left out, and named in the test's output.
sub troubles {
	my @others;

	for my $probe (grep { $_->{failures} || $_->{restarts} } @_) {
		my $trouble = "$probe->{name}: $probe->{last_error}";
		if (is_late($probe->{last_error})) {
			diag "$trouble ($probe->{failures} failures, $probe->{restarts} restarts)";
		} else {
			push @others, $trouble;
		}
	}
	return @others;
}

# here(script): the same, with the script in a shell of this machine, in a folder of its own
# that is then gone.
sub here {
	my ($script) = @_;
	my $dir = File::Temp->newdir;
	local %ENV = (%ENV, DIR => "$dir", PATH => "$build/cli:$build/host:$build/tests:$ENV{PATH}");
	open(my $pipe, '-|', 'sh', '-c', "cd \"\$DIR\"\n$prelude$script") or die "sh: $!";
	my $out = do { local $/; <$pipe> } // '';
	close $pipe;
	return { steps_of($out), '' => { out => $out, err => '', status => $? >> 8, console => '' } };
}

sub steps_of {
	my ($out) = @_;
	my %steps;
	while ($out =~ /^\@\@begin (\S+)\n(.*?)\n?^\@\@stderr\n(.*?)\n?^\@\@end (\d+)$/msg) {
		$steps{$1} = { out => $2, err => $3, status => $4 };
	}
	return %steps;
}

sub slurp {
	my ($file) = @_;
	open(my $in, '<:raw', $file) or return '';
	local $/;
	return <$in> // '';
}

# The JSON values of a step's lines, each of which has to be as docs/schema says.
sub json {
	my ($step) = @_;
	return decoded(grep { /\S/ } split /\n/, $step->{out} // '');
}

# Of a step that printed protocol replies: the arrays behind "reply".
sub reply {
	return map { $_->{reply} } json(@_);
}

# Of a step that printed protocol replies or bare records: the records.
sub records {
	return map { ref $_->{reply} ? (@{$_->{reply}} == 3 ? $_->{reply}[2] : ()) : $_ } json(@_);
}

# A request line.
sub request {
	my ($command, $target, $options, $version) = @_;
	my @elements = ($nonce, $command, $target);

	push @elements, $options if $options;
	return JSON::PP->new->canonical->encode({ 'Virtue-protocol-version' => $version // 0.1,
		request => \@elements });
}

# Of the Xen under test: name => address.
sub xen_symbols {
	no warnings 'portable'; # addresses have 64 bits
	my ($folder) = $xen =~ /(.*)xen$/;
	return map { /^([0-9a-f]+) \w (\S+)$/ ? ($2 => hex $1) : () } split /\n/, `nm \Q$folder\Exen-syms`;
}

# Where Xen goes at an exception, which has its short name, as PF: the symbol.
my %before_4_18 = (DE => 'divide_error', NMI => 'nmi', OF => 'overflow', BR => 'bounds', UD => 'invalid_op',
	DF => 'double_fault', GP => 'general_protection', PF => 'page_fault', MC => 'machine_check');
sub xen_entry {
	my ($exception) = @_;
	my %symbol = xen_symbols();
	return $symbol{"entry_$exception"} ? "entry_$exception" : $before_4_18{$exception};
}

# Where the IDT of a CPU of Xen's is, which a debugger sees.
sub xen_idt {
	my ($gdb, $cpu) = @_;
	my %symbol = xen_symbols();
	my $qword = sub { unpack 'Q<', gdb_read($gdb, $_[0], 8) };
	return $qword->($symbol{idt_tables} + 8 * $cpu) if $symbol{idt_tables}; # up to 4.20
	return $qword->($symbol{per_cpu__idt} + $qword->($symbol{__per_cpu_offset} + 8 * $cpu));
}

# === The emulator's debugger port ============================================
#
# Just so much of gdb's remote protocol as reads and writes memory.  Addresses are
# Xen's virtual ones.

sub gdb_open {
	my ($path) = @_;
	require IO::Socket::UNIX;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
	return $socket;
}

sub gdb_ask {
	my ($socket, $command) = @_;
	my $sum = 0;
	$sum += ord for split //, $command;
	print $socket sprintf('$%s#%02x', $command, $sum & 255);
	$socket->flush;
	# Before the answer there may be the word that the machine has stopped, T..: a debugger
	# that connects stops it.
	my $bytes = '';
	for (;;) {
		while ($bytes =~ s/^[^\$]*\$([^#]*)#..//) {
			my $answer = $1;
			print $socket '+';
			$socket->flush;
			return $answer unless $answer =~ /^T/;
		}
		sysread($socket, $bytes, 65536, length $bytes) or die 'the debugger port closed';
	}
}

sub gdb_read {
	my ($socket, $address, $length) = @_;
	my $out = '';
	while (length($out) < $length) {
		my $part = $length - length($out) > 1024 ? 1024 : $length - length($out);
		my $hex = gdb_ask($socket, sprintf('m%x,%x', $address + length($out), $part));
		die "cannot read Xen's memory: $hex" unless length($hex) == 2 * $part;
		$out .= pack('H*', $hex);
	}
	return $out;
}

sub gdb_write {
	my ($socket, $address, $bytes) = @_;
	my $answer = gdb_ask($socket, sprintf('M%x,%x:%s', $address, length($bytes), unpack('H*', $bytes)));
	die "cannot write Xen's memory: $answer" unless $answer eq 'OK';
}

# The register EFER of a CPU, from 0 on: read, or with a value written.  By the number that the
# emulator's description of the CPU gives it: 16 general ones, rip, eflags, 6 selectors, 3 bases,
# cr0, cr2, cr3, cr4, cr8, efer.
sub gdb_efer {
	my ($socket, $cpu, $value) = @_;
	my $number = sprintf '%x', 32;
	# without having been asked for it, it gives no single register
	gdb_ask($socket, 'qXfer:features:read:target.xml:0,ff0');
	my $answer = gdb_ask($socket, sprintf('Hg%x', $cpu + 1));
	die "cannot choose CPU $cpu: $answer" unless $answer eq 'OK';
	$answer = gdb_ask($socket, "p$number") if !defined $value;
	$answer = gdb_ask($socket, "P$number=" . unpack('H*', pack('Q<', $value))) if defined $value;
	gdb_ask($socket, 'Hg1');
	die "cannot write a register: $answer" if defined $value && $answer ne 'OK';
	return defined $value ? $value : unpack('Q<', pack('H*', $answer));
}

# The machine, which stood still, runs on.
sub gdb_close {
	my ($socket) = @_;
	gdb_ask($socket, 'D');
	close $socket;
}

1;
