# SPDX-License-Identifier: MIT
# A byte well within of a function that runs only when somebody presses a key on Xen's console.
my $old;
{
	attack => sub {
		my ($gdb, $symbol) = @_;
		my $at = $symbol->('dump_registers') + 32;

		$old //= gdb_read($gdb, $at, 1);
		gdb_write($gdb, $at, $old ^ "\x40");
	},
	undo => sub {
		my ($gdb, $symbol) = @_;

		gdb_write($gdb, $symbol->('dump_registers') + 32, $old);
	},
};
