#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe xen-pagetables: Xen's own page tables.  They are read and changed from outside, through
# the emulator's debugger port.  Each change is one that a running machine does not mind: more is
# allowed than before, or another frame has the same bytes.
#
# Wrong in the world if this fails: somebody gave themselves a way to write Xen's code, or put
# other memory where Xen has its own, and Xen says nothing; or what Xen itself does to its tables,
# as guests, processes and CPUs come and go, is reported as that.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

my $dir = File::Temp->newdir;
my $socket = "$dir/gdb";
my ($built) = $KS::xen =~ /(.*)xen$/;
my (%symbol, @code);
for (split /\n/, `nm -n ${built}xen-syms`) {
	my ($address, $type, $name) = split ' ';
	$symbol{$name} = hex $address;
	push @code, [hex $address, $name] if $type =~ /^t$/i;
}

# === Xen's tables, as the debugger port shows them ===========================

# asm-x86/config.h, page.h
my ($direct_map, $xen_start) = (0xffff830000000000, 0xffff82d040000000);
my ($accessed, $dirty, $rw, $user, $large, $nx) = (0x20, 0x40, 2, 4, 0x80, 1 << 63);
my $available = 0x400; # a bit that the CPU ignores
my $frame_mask = 0x000ffffffffff000;

sub entries { return unpack('Q<*', gdb_read($_[0], $_[1], 8 * $_[2])); }
sub table { my ($gdb, $entry) = @_; return $direct_map + ($entry & $frame_mask); }
sub allows {
	my ($entry) = @_;
	return $entry & 1 ? 'r' . ($entry & $rw ? 'w' : '-') . ($entry & $nx ? '-' : 'x') .
		($entry & $user ? 'u' : '-') : '----';
}
# An entry with what those above it leave of what it allows.
sub below { my ($above, $entry) = @_; return ($entry & ~$nx & ($above | ~($rw | $user))) | (($above | $entry) & $nx); }

# Where the entry stands that maps an address, and its level.
sub place_of {
	my ($gdb, $address) = @_;
	my $table = $symbol{idle_pg_table};
	for my $level (4, 3, 2, 1) {
		my $place = $table + 8 * ($address >> (12 + 9 * ($level - 1)) & 511);
		my ($entry) = entries($gdb, $place, 1);
		die sprintf("%#x is not mapped", $address) unless $entry & 1;
		return ($place, $level) if $level == 1 || ($level < 4 && $entry & $large);
		$table = table($gdb, $entry);
	}
}

# All of Xen's gigabyte: page => what it allows, its frame.
sub image {
	my ($gdb) = @_;
	my ($slot) = entries($gdb, $symbol{idle_pg_table} + 8 * 261, 1);
	my ($third) = entries($gdb, table($gdb, $slot) + 8 * ($xen_start >> 30 & 511), 1);
	my $above = below($slot, $third);
	my @second = entries($gdb, table($gdb, $third), 512);
	my %page;
	for my $i (grep { $second[$_] & 1 } 0 .. 511) {
		my $start = $xen_start + ($i << 21);
		my @first = $second[$i] & $large ? () : entries($gdb, table($gdb, $second[$i]), 512);
		for my $j (0 .. 511) {
			my $entry = below($above, @first ? below($second[$i], $first[$j]) : $second[$i]);
			my $frame = @first ? ($entry & $frame_mask) >> 12
				: (($entry & $frame_mask & ~0x1fffff) >> 12) + $j;
			$page{$start + 4096 * $j} = allows($entry) . sprintf(' 0x%x', $frame) if $entry & 1;
		}
	}
	return \%page;
}

my (%kept, %seen);

sub write_entry { my ($gdb, $place, $entry) = @_; gdb_write($gdb, $place, pack('Q<', $entry)); }
# What a step begins with: changes entries, and keeps them as they were under its name.
sub change {
	my ($name, $gdb, $place, $new) = @_;
	($kept{$name}{$place}) = entries($gdb, $place, 1);
	write_entry($gdb, $place, $new->($kept{$name}{$place}));
}
sub with_gdb {
	my ($do) = @_;
	return sub {
		my ($out) = @_;
		my $gdb = gdb_open($socket);
		eval { $do->($gdb, $out); 1 } or print STDERR "debugger: $@";
		gdb_close($gdb);
	};
}
sub back {
	my ($name) = @_;
	return with_gdb(sub { my ($gdb) = @_; write_entry($gdb, $_, $kept{$name}{$_}) for keys %{$kept{$name}}; });
}

my ($text_page, $data_page) = ($symbol{dump_registers} & ~4095, $symbol{__2M_rwdata_start} & ~4095);
my $constant_page = $symbol{_erodata} & ~4095;
my $slots = $symbol{idle_pg_table};
# Low memory that nobody uses while Xen runs.
my $low_frame = 0x10;
my %attack = (
	read => sub {
		my ($gdb) = @_;
		$seen{slots} = [entries($gdb, $slots, 512)];
		$seen{tables} = [entries($gdb, table($gdb, $seen{slots}[261]), 512)];
		$seen{image} = image($gdb);
	},
	# The CPU's own bits, as if it had used entries, or had not.
	cpu => sub {
		my ($gdb) = @_;
		change('cpu', $gdb, $slots + 8 * 262, sub { $_[0] ^ $accessed ^ $dirty });
		my ($place) = place_of($gdb, $text_page);
		change('cpu', $gdb, $place, sub { $_[0] ^ $accessed ^ $dirty });
	},
	'slot-new' => sub { my ($gdb) = @_; change('slot-new', $gdb, $slots + 8 * 300, sub { $seen{slots}[262] }); },
	'slot-other' => sub {
		my ($gdb) = @_;
		change('slot-other', $gdb, $slots + 8 * 262, sub { $_[0] | $available });
	},
	# The first 2 MiB of the direct map are mapped as executable (l1_directmap, x86_64.S); that
	# the slot is not is all that keeps it.
	'slot-executable' => sub {
		my ($gdb) = @_;
		change('slot-executable', $gdb, $slots + 8 * 262, sub { $_[0] & ~$nx });
	},
	# The linear map: all page tables.
	'slot-linear' => sub { my ($gdb) = @_; change('slot-linear', $gdb, $slots + 8 * 258, sub { $_[0] & ~$nx }); },
	# Xen's slot as a guest has it, in the root that its vCPU has loaded.
	copy => sub {
		my ($gdb, $out) = @_;
		# The last that was said of it.
		my ($vcpu) = reverse grep { $_->{domid} }
			map { /^(\{.*"kind":"vcpu".*\})$/ ? JSON::PP::decode_json($1) : () } split /\n/, $out;
		$seen{copy} = $vcpu;
		change('copy', $gdb, $direct_map + (hex($vcpu->{root}) << 12) + 8 * 261, sub { $_[0] | $available });
	},
	'slot-nowhere' => sub {
		my ($gdb) = @_;
		change('slot-nowhere', $gdb, $slots + 8 * 300, sub { 0x000000fffffff003 });
	},
	text => sub {
		my ($gdb) = @_;
		(my $place, $seen{text_level}) = place_of($gdb, $text_page);
		change('text', $gdb, $place, sub { $_[0] | $rw });
	},
	data => sub {
		my ($gdb) = @_;
		(my $place, $seen{data_level}) = place_of($gdb, $data_page);
		change('data', $gdb, $place, sub { $_[0] & ~$nx });
	},
	# The same bytes, but from a frame of somebody's own.
	frame => sub {
		my ($gdb) = @_;
		my ($place, $level) = place_of($gdb, $constant_page);
		die "the last page of constants is mapped by an entry of level $level" unless $level == 1;
		gdb_write($gdb, $direct_map + 4096 * $low_frame + $_, gdb_read($gdb, $constant_page + $_, 1024))
			for 0, 1024, 2048, 3072;
		change('frame', $gdb, $place, sub { ($_[0] & ~$frame_mask) | $low_frame << 12 });
	},
);

# === In the machine ==========================================================

# By what a step's last record is known, when it has been done and when it was put back.
my @attacks = (
	['slot-new', '"slot".*"appeared"', '"slot".*"vanished"'],
	['slot-other', '"slot".*"changed"', '"slot".*"changed"'],
	['slot-executable', '"writable-executable".*"appeared"', '"writable-executable".*"vanished"'],
	['slot-linear', '"writable-executable".*"appeared"', '"writable-executable".*"vanished"'],
	['slot-nowhere', '"unreadable".*"appeared"', '"unreadable".*"vanished"'],
	['text', '"writable-executable".*"appeared"', '"writable-executable".*"vanished"'],
	['data', '"writable-executable".*"appeared"', '"writable-executable".*"vanished"'],
	['frame', '"image".*"appeared"', '"image".*"vanished"'],
);
# What is done, and that it is put back.
sub steps_of_attack {
	my ($name, $done, $undone) = @_;
	return <<"STEP";
step $name wait_for '$done'
step $name-records fresh
step $name-back wait_for '$undone'
step $name-back-records fresh
STEP
}
my $copied = steps_of_attack('copy', '"copy".*"appeared"', '"copy".*"vanished"');
my $script = <<'SH' . $copied . <<'SH' . join '', map { steps_of_attack(@$_) } @attacks;
now() { ksense --json records xen-pagetables; }
fresh() { ksense --json records xen-pagetables --run; }
wait_for() {
	i=0
	until ksense --json records xen-pagetables --peek | grep -q "$1"; do
		i=$((i + 1))
		[ $i -lt 600 ] || return 1
		sleep 0.1
	done
}
step read true
step sample fresh
ksense adversarial xen-pagetables >/dev/null
step forks ./forks 5
step guest domu-start --keep kept -- true
step quiet-guest now
# The guest idles: what it has loaded it keeps.
step guest-roots ksense --json records xen-domains --run --peek --filter kind=vcpu
SH
step destroy xl destroy kept
step hotplug sh -c '
	for i in 1 2 3; do
		xen-hptool cpu-offline 1 && sleep 0.3 && xen-hptool cpu-online 1 && sleep 0.3 || exit 1
	done'
step quiet now
step cpu sleep 1
step cpu-records fresh
step cpu-back true
SH
$script .= "step end ksense --json status xen-pagetables\n";
my %hooks = map { ($_ => with_gdb($attack{$_}), "$_-back" => back($_)) } keys %attack;
delete $hooks{'read-back'};
my $steps = boot($script, '--smp', 2, '--one-thread', '--gdb', $socket, '--domu', '--add', "$build/tests/forks",
	\%hooks);

is($steps->{''}{status}, 0, 'Xen and Dom0 came through it') or diag $steps->{''}{err};

# === What is there ===========================================================

# The sample that was asked for: all since the last root but one, as each pass ends with that.
my @sample = json($steps->{sample});
my @ends = grep { $sample[$_]{kind} eq 'root' } 0 .. $#sample;
my %of;
push @{$of{$_->{kind}}}, $_ for @sample[(@ends > 1 ? $ends[-2] + 1 : 0) .. $#sample];

my $shown = sub {
	my ($entry) = @_;
	return sprintf('%s %s 0x%x', allows($entry), sprintf('0x%x', ($entry & $frame_mask) >> 12),
		$entry & ~($accessed | $dirty));
};
my %slots = map { $_ => $shown->($seen{slots}[$_]) } grep { $seen{slots}[$_] } 0 .. 511;
is_deeply({ map { $_->{slot} => "@$_{qw(allows frame entry)}" } @{$of{slot}} }, \%slots,
	"Xen's slots are what the debugger port reads");
my %is = map { $_->{slot} => $_->{is} } @{$of{slot}};
is_deeply([@is{256, 258, 261, 262}], [qw(ro-m2p linear xen direct-map)], 'and are named by what they are');

# All but vmap()'s, which are the 63 before the fixmap's.
my @tables = grep { $seen{tables}[$_] && ($_ < 256 || $_ > 318) } 0 .. 511;
is_deeply({ map { $_->{address} => "@$_{qw(allows frame entry)}" } @{$of{table}} },
	  { map { sprintf('0x%x', 0xffff828000000000 + ($_ << 30)) => $shown->($seen{tables}[$_]) } @tables },
	      "so are the tables of Xen's slot");

my %pages;
for my $run (@{$of{image}}) {
	$pages{hex($run->{address}) + 4096 * $_} = $run->{allows} . sprintf(' 0x%x', hex($run->{frame}) + $_)
		for 0 .. $run->{bytes} / 4096 - 1;
}
# The stubs come from the top of the gigabyte, one for each CPU.
my ($stub) = grep { $_ > $xen_start + (1 << 29) && $seen{image}{$_} =~ /^r-x/ } sort keys %{$seen{image}};
ok($stub, "the debugger port sees the CPUs' stubs");
is_deeply(\%pages, { map { $_ < $xen_start + (1 << 29) ? ($_ => $seen{image}{$_}) : () } keys %{$seen{image}} },
	  "and each page of Xen's image but the stubs, with its frame and what it allows");
my %allows;
$allows{$_->{is}}{$_->{allows}} = 1 for @{$of{image}};
is_deeply({ map { $_ => join(' ', keys %{$allows{$_}}) } qw(text rodata data) },
	{ text => 'r-x-', rodata => 'r---', data => 'rw--' },
	  'text can be executed, data can be written, neither can be both');
is_deeply($of{'writable-executable'} // [], [], 'nothing can');
is_deeply([@{$of{root}[0]}{qw(nx complete)}], [JSON::PP::true, JSON::PP::true], 'it was looked for everywhere');
is(scalar(@{$of{root}}), 1, 'in one set of tables');

# === What Xen does itself ====================================================

is($steps->{$_}{status}, 0, "$_: done") or diag $steps->{$_}{err} for qw(forks guest destroy hotplug);
my @unquiet = grep { ($_->{event} // 'present') ne 'present' } map { json($steps->{$_}) } qw(quiet-guest quiet);
is_deeply(\@unquiet, [], 'processes, guests and CPUs that come and go change nothing') or diag explain \@unquiet;
is_deeply([grep { $_->{event} ne 'present' } json($steps->{'cpu-records'})], [], "nor do the CPU's own bits");

# === Attacks =================================================================

# Of a step: its records of a kind but for what is present.
my $events = sub {
	my ($step, $kind) = @_;
	return grep { $_->{kind} eq $kind && $_->{event} ne 'present' } json($steps->{$step});
};
# The one of a kind and an event.
my $one = sub {
	my ($step, $kind, $event) = @_;
	my @all = grep { $_->{event} eq $event } $events->($step, $kind);
	is(scalar(@all), 1, "$step: one $kind $event")
		or diag explain [map { $_->{event} eq 'present' ? () : $_ } json($steps->{$step})];
	return $all[0] // {};
};
# A pattern of the names of what an address of code lies in; some begin at the same place.
my $in_text = sub {
	my ($address) = @_;
	my ($last) = grep { $_->[0] <= $address } reverse @code;
	return join '|', map { $_->[0] == $last->[0] ? quotemeta $_->[1] : () } @code;
};

my $slot = $one->('slot-new-records', 'slot', 'appeared');
is_deeply([@$slot{qw(slot allows frame)}], [300, 'rw--', sprintf('0x%x', ($seen{slots}[262] & $frame_mask) >> 12)],
	'a slot that was empty: which, what it allows, where it leads');
is($one->('slot-new-back-records', 'slot', 'vanished')->{slot}, 300, 'and that it was emptied');

my $entry = sub { sprintf('0x%x', $_[0] & ~($accessed | $dirty)) };
$slot = $one->('slot-other-records', 'slot', 'changed');
is_deeply([@$slot{qw(slot entry)}, $slot->{old}], [262, $entry->($seen{slots}[262] | $available),
	{ entry => $entry->($seen{slots}[262]) }], "one bit of a slot's entry, old and new");
is($one->('slot-other-back-records', 'slot', 'changed')->{entry}, $entry->($seen{slots}[262]),
	'and that it was put back');

$slot = $one->('slot-executable-records', 'slot', 'changed');
is_deeply([@$slot{qw(slot allows)}, $slot->{old}{allows}], [262, 'rwx-', 'rw--'],
	'a slot whose memory may be executed from now on');
my @low = grep { $_->{event} eq 'appeared' } $events->('slot-executable-records', 'writable-executable');
is($low[0]{address}, '0xffff830000000000', 'with it, memory at its start')
	or diag $steps->{'slot-executable-records'}{out};
is_deeply([@{$low[0]}{qw(is symbol level page_bytes)}], ['direct-map', 'direct-map+0x0', 1, 4096], 'by its place');
is(scalar(grep { $_->{event} eq 'vanished' } $events->('slot-executable-back-records', 'writable-executable')),
	scalar(@low), 'and all of it is told when it no longer is');

my $both = $one->('slot-linear-records', 'writable-executable', 'appeared');
is_deeply([@$both{qw(address is level)}, $both->{bytes}], ['0xffff810000000000', 'linear', 4, 1 << 39],
	'the linear map: all page tables at once');
$one->('slot-linear-back-records', 'writable-executable', 'vanished');

my @copies = grep { $_->{event} eq 'appeared' } $events->('copy-records', 'copy');
my $copy = $copies[0] // {};
is_deeply([@$copy{qw(domid vcpu user slot is root entry expected)}],
	  [@{$seen{copy}}{qw(domid vcpu)}, JSON::PP::false, 261, 'xen', $seen{copy}{root},
	      $entry->($seen{slots}[261] | $available), $entry->($seen{slots}[261])],
	  "Xen's slot in a guest's root is another than Xen's own: whose, which, and both entries")
	      or diag $steps->{'copy-records'}{out};
is($one->('copy-back-records', 'copy', 'vanished')->{slot}, 261, 'and that it was put back');

my $broken = $one->('slot-nowhere-records', 'unreadable', 'appeared');
is_deeply([@$broken{qw(address level entry)}], ['0xffff960000000000', 4, '0xfffffff003'],
	'a slot that leads to no memory does no harm and is told');
$one->('slot-nowhere-back-records', 'unreadable', 'vanished');

my %page_bytes = (1 => 4096, 2 => 1 << 21);
for (['text', $text_page, 'text_level', undef, 'r-x-'], ['data', $data_page, 'data_level', 'data', 'rw--']) {
	my ($name, $page, $level, $symbol, $was) = @$_;
	my $bytes = $page_bytes{$seen{$level}};
	my $start = sprintf('0x%x', $page & ~($bytes - 1));
	$both = $one->("$name-records", 'writable-executable', 'appeared');
	is_deeply([@$both{qw(address is bytes page_bytes level allows)}], [$start, $name, $bytes, $bytes,
		$seen{$level}, 'rwx-'], "$name that can be written and executed: address, size, level");
	$symbol = $in_text->(hex $start) if $name eq 'text';
	like($both->{symbol}, qr/(^|#)(?:$symbol)\+0x[0-9a-f]+$/, 'and symbol');
	# Had it changed between what a pass looks at first and last, the pass that was asked for
	# shows it as present.
	my ($image) = grep { $_->{kind} eq 'image' && $_->{address} eq $start }
		reverse json($steps->{"$name-records"});
	is($image->{allows}, 'rwx-', 'the record of the image says so, too');
	is($one->("$name-back-records", 'writable-executable', 'vanished')->{address}, $start,
		'and that it was put back');
	my ($whole) = grep { $_->{event} eq 'changed' && $_->{allows} eq $was }
		$events->("$name-back-records", 'image');
	ok($whole, 'the image is whole again') or diag $steps->{"$name-back-records"}{out};
}

my $frame = $one->('frame-records', 'image', 'appeared');
is_deeply([@$frame{qw(address is bytes frame allows)}], [sprintf('0x%x', $constant_page), 'rodata', 4096,
	sprintf('0x%x', $low_frame), 'r---'], 'a page that leads to another frame, whatever is in it');
$one->('frame-back-records', 'image', 'vanished');

my ($end) = json($steps->{end});
is($end->{failures} + $end->{restarts}, 0, 'the probe had no trouble');
is($end->{lost}, 0, 'and lost nothing');

done_testing;
