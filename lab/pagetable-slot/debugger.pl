# SPDX-License-Identifier: MIT
{
	attack => sub {
		my ($gdb, $symbol) = @_;
		my $table = $symbol->('idle_pg_table');

		gdb_write($gdb, $table + 511 * 8, gdb_read($gdb, $table + 262 * 8, 8));
	},
	undo => sub {
		my ($gdb, $symbol) = @_;

		gdb_write($gdb, $symbol->('idle_pg_table') + 511 * 8, "\0" x 8);
	},
};
