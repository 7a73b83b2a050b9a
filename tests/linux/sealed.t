#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# No function of the kernel's that was looked up by its name is called through a pointer.
#
# Wrong in the world if this fails: where the CPU checks indirect branches (IBT), loading the
# module is an oops. A function that is called through a pointer has to begin with ENDBR there,
# and since Linux 6.2 the kernel takes that away ("seals") from all whose address it does not
# itself take.
#
# The emulator has no such CPU, so this is tested by reading: of the module as it was built for
# the emulated machine, and for Debian's Linux 6.12, the objects that look up symbols may have no
# indirect branch at all. Which functions are sealed then does not matter. One by way of pv_ops is
# the kernel's own inline code: its targets are made to be called so.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

# The indirect branches of an object, as lines; but for those by way of pv_ops.
sub indirect {
	my ($object) = @_;
	my @lines = split /\n/, `objdump -dr --no-show-raw-insn \Q$object\E`;
	my @found;
	for my $i (0 .. $#lines) {
		push @found, $lines[$i] if $lines[$i] =~ /__x86_indirect_\w*thunk_|\b(?:call|jmp)\w*\s+\*/ &&
			($lines[$i + 1] // '') !~ /\spv_ops\b/ && $lines[$i] !~ /\bpv_ops\b/;
	}
	return @found;
}

sub check {
	my ($kernel, $folder) = @_;
	my @objects = grep { !/\.mod\.o$/ } glob "$folder/{core,probes,probes/linux,linux}/*.o";
	my @looks_up = grep { `nm \Q$_\E` =~ /\bks_symbol$/m } @objects;

	cmp_ok(scalar @looks_up, '>=', 5, "$kernel: objects that look up symbols");
	for my $object (@looks_up) {
		my @found = indirect($object);
		is(scalar @found, 0, "$kernel: " . ($object =~ s{^\Q$folder\E/}{}r) .
			' calls nothing through a pointer') or diag join "\n", @found;
	}
	cmp_ok(scalar(map { indirect($_) } grep { m{/core/(?:client|sensor)\.o$} } @objects), '>', 0,
		"$kernel: (where there are such calls, they are seen)");
}

check('the emulated machine', "$build/linux-guest");

SKIP: {
	my $said = `\Q$root/scripts/fetch-headers\E 6.12 2>&1`;
	skip "the headers of Linux 6.12 cannot be fetched, so nothing was read of it: $said", 1 if $?;
	my $config = do { open my $in, '<', "$root/build/headers-6.12/kdir/.config" or die; local $/; <$in> };
	like($config, qr/^CONFIG_X86_KERNEL_IBT=y$/m, '6.12: this kernel has such functions');
	like($config, qr/^CONFIG_HAVE_STATIC_CALL_INLINE=y$/m,
		'6.12: and calls a fixed address where a static call stands');
	$said = `make -C \Q$root\E --no-print-directory build/linux-6.12/ksense.ko 2>&1`;
	is($?, 0, '6.12: the module is built for it') or diag $said;
	check('6.12', "$root/build/linux-6.12") unless $?;
}

done_testing;
