#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe dom0-entries: where Xen enters Dom0's kernel.  A module of the tests registers other
# entry points, as a rootkit in Dom0 does.
#
# Wrong in the world if this fails: somebody in Dom0's kernel gets every page fault or system call
# before the kernel does, and Xen, which takes them there, says nothing; or a CPU that Dom0 turns
# off and on is reported as that.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# Xen's numbers: CALLBACKTYPE_syscall32, and CALLBACKF_mask_events.
my ($syscall32, $masks) = (7, 1);
my $steps = boot(<<"SH", '--smp', 2, '--one-thread', '--add', "$build/tests/entries/ks_entries.ko");
fresh() { ksense --json records dom0-entries --run; }
# Where something leads now, by members of its record that stand side by side.
now() { fresh | grep '"event":"present"' | grep "\$1" | sed 's/.*"address":"\\([^"]*\\)".*/\\1/'; }
fresh >/dev/null
step sample fresh
exceptions='page_fault|divide_error|xen_hypervisor_callback'
step kallsyms grep -E " (xen_asm_exc_(\$exceptions)|xen_failsafe_callback|xen_entry_SYSCALL_64)\\\$" /proc/kallsyms
ksense adversarial dom0-entries >/dev/null
step other-level fresh
sleep 2
step quiet ksense --json records dom0-entries

cd /sys/devices/system/cpu/cpu1
step hotplug sh -c 'for i in 1 2 3; do echo 0 >online; echo 1 >online; done'
step hotplug-events fresh

insmod /root/ks_entries.ko
cd /sys/module/ks_entries/parameters
overflow=\$(now '"vcpu":1,"vector":4,')
bound=\$(now '"vcpu":1,"vector":5,')
compat=\$(now '"vcpu":0,"name":"syscall32",')
step addresses echo \$overflow \$bound \$compat
echo "1 4 7 \$bound" >trap
step trap fresh
echo "1 4 7 \$overflow" >trap
step trap-back fresh
# Within a minute of boot, what comes is no alarm.
until [ \$(cut -d. -f1 /proc/uptime) -gt 60 ]; do sleep 1; done
echo "0 144 4 \$bound" >trap
step trap-new fresh
step trap-news ksense --json records dom0-entries --peek --filter kind=traps
echo "0 $syscall32 $masks \$bound" >callback
step callback fresh
echo "0 $syscall32 $masks \$compat" >callback
step callback-back fresh
step status ksense --json status dom0-entries
SH

is($steps->{''}{status}, 0, 'Dom0 came through it') or diag $steps->{''}{err};
my @sample = json($steps->{sample});
my ($dom0) = grep { $_->{kind} eq 'dom0' && $_->{event} eq 'present' } @sample;
is_deeply([@$dom0{qw(domid type registers vcpus)}], [0, 'PV', JSON::PP::true, 2],
	'Dom0 is paravirtual and registers its entry points');

# --- What Dom0's kernel says of itself
my %address = map { /^0*([0-9a-f]+) \S (\S+)/ ? ($2 => "0x$1") : () } split /\n/, $steps->{kallsyms}{out};
my %found;
$found{"$_->{vcpu} " . ($_->{vector} // $_->{name})} = $_
	for grep { $_->{event} eq 'present' && $_->{kind} =~ /^(trap|callback)$/ } @sample;
for my $vcpu (0, 1) {
	my %is = (0 => 'xen_asm_exc_divide_error', 14 => 'xen_asm_exc_page_fault',
		event => 'xen_asm_exc_xen_hypervisor_callback',
		  failsafe => 'xen_failsafe_callback', syscall => 'xen_entry_SYSCALL_64');
	ok($address{$is{$_}} && $found{"$vcpu $_"}{address} eq $address{$is{$_}}, "vCPU $vcpu: $_ leads to $is{$_}")
		for sort keys %is;
}
is(join(' ', sort map { $_->{vcpu} } grep { $_->{kind} eq 'gdt' && $_->{event} eq 'present' } @sample), '0 1',
	'and each has a GDT of a page');

# --- Harmless
my @unquiet = grep { $_->{event} ne 'present' } json($steps->{quiet});
is_deeply(\@unquiet, [], 'where nobody changes anything nothing is told');
is($steps->{hotplug}{status}, 0, 'Dom0 turns its CPU 1 off and on') or diag $steps->{hotplug}{err};
is_deeply([grep { $_->{event} eq 'changed' && $_->{kind} =~ /^(trap|callback)$/ } json($steps->{'hotplug-events'})],
	[], 'no entry point is another then');

# --- Attacks
my ($overflow, $bound, $compat) = split ' ', $steps->{addresses}{out};
my $only = sub {
	my @all = grep { $_->{event} eq 'changed' } json($steps->{$_[0]});
	is(scalar(@all), 1, "$_[0]: one change") or diag explain \@all;
	return $all[0] // {}
};
my $trap = $only->('trap');
is_deeply([@$trap{qw(vcpu vector address)}, $trap->{old}{address}], [1, 4, $bound, $overflow],
	'a vector that leads elsewhere, with both addresses');
my $back = $only->('trap-back');
is_deeply([@$back{qw(vcpu vector address)}, $back->{old}{address}], [1, 4, $overflow, $bound],
	'and that it was put back');
# found by its own pass it has appeared, by the one asked for it is present
my ($new) = grep { ($_->{vector} // 0) == 144 } json($steps->{'trap-new'});
is_deeply([@$new{qw(vcpu vector address dpl)}], [0, 144, $bound, 0], 'a vector that was not there');
my ($news) = grep { $_->{event} eq 'changed' } json($steps->{'trap-news'}),
	grep { $_->{kind} eq 'traps' } json($steps->{'trap-new'});
is_deeply([@{$news // {}}{qw(vcpu class)}], [0, 'alarm'], 'which is an alarm')
	or diag $steps->{'trap-new'}{out}, $steps->{'trap-news'}{out};
my ($was, $is) = map { [map { hex } split //, $_ // ''] } $news->{old}{vectors}, $news->{vectors};
$was->[-1 - 144 / 4] |= 1 << 144 % 4 if @$was;
is_deeply($is, $was, 'for that vector and no other');
my $callback = $only->('callback');
is_deeply([@$callback{qw(vcpu name address)}, $callback->{old}{address}], [0, 'syscall32', $bound, $compat],
	'a callback that was moved');
is($only->('callback-back')->{address}, $compat, 'and that it was put back');
my ($status) = json($steps->{status});
is($status->{failures} + $status->{restarts}, 0, 'the probe had no trouble');

done_testing;
