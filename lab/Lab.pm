# SPDX-License-Identifier: MIT
#
# Lab.pm - what lab/run and lab/blind/run share: how attacks are read, and those that the
# emulator's debugger port makes.
package Lab;

use strict;
use warnings;
use Exporter 'import';
use Cwd 'realpath';
use File::Basename;
use File::Temp;
use KS;

our @EXPORT = qw($lab slurp variables debugger_socket debugger_hooks module_files xen_offsets);

our $lab = dirname(realpath(__FILE__));

sub slurp { open(my $in, '<', $_[0]) or die "$_[0]: $!\n"; local $/; return <$in> }

# The variables at the top of an attack.sh or blind.sh.
sub variables { return map { /^(\w+)=(?|'([^']*)'|(\S+))$/ ? ($1 => $2) : () } split /\n/, slurp($_[0]) }

my ($dir, %symbols);

# Where a machine is to have its debugger port.
sub debugger_socket { $dir //= File::Temp->newdir; return "$dir/gdb" }

# debugger_hooks(socket, name, level...): what boot() calls here when the machine begins the attack
# of that name, or undoes it.
sub debugger_hooks {
	my ($socket, $name, @levels) = @_;
	my $file = "$lab/$name/debugger.pl";
	my $does = do $file or die "$file: ", $@ || $!, "\n";

	%symbols = xen_symbols() if !%symbols;
	return map {
		my ($level, $what) = @$_;

		("$name-$level-$what" => sub {
			my $gdb = gdb_open($socket);
			$does->{$what}->($gdb, sub { $symbols{$_[0]} // die "Xen has no symbol $_[0]\n" });
			gdb_close($gdb);
		});
	} map { ([$_, 'attack'], [$_, 'undo']) } @levels;
}

# xen_offsets(struct, member...): where these are, in the Xen under test; its compiler's answer,
# with the options that one of its files was built with.
sub xen_offsets {
	my ($struct, @members) = @_;
	my ($folder) = $KS::xen =~ /(.*)xen$/;
	my ($command) = slurp("$folder/obj/common/sense/probes/xen/.domains.o.cmd") =~ /:= (.*?) -c /
		or die "$folder: how Xen was built is not known\n";
	my $source = File::Temp->new(SUFFIX => '.c');

	print $source "#include <xen/sched.h>\nvoid tell(void)\n{\n";
	print $source qq{asm volatile("\\n.ascii \\"->%c0\\"" :: "i" (offsetof(struct $struct, $_)));\n} for @members;
	print $source "}\n";
	close $source;
	$command =~ s/-MMD -MP -MF \S+//;
	my @offsets = `cd \Q$folder\Eobj && $command -S -o - $source` =~ /"->(\d+)"/g;
	@offsets == @members or die "struct $struct of this Xen is not known\n";
	return @offsets;
}

# The files of modules, as "hide/ks_hide".
sub module_files {
	return map {
		my $module = $_;
		my ($file) = grep { -e } map { "$build/$_/$module.ko" } qw(lab tests);

		$file // die "lab: there is no $module.ko: make lab builds it\n";
	} @_;
}

1;
