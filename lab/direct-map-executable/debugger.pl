# SPDX-License-Identifier: MIT
# The highest bit of an entry is NX.
my $set = sub {
	my ($gdb, $symbol, $bits) = @_;
	my $at = $symbol->('idle_pg_table') + 262 * 8 + 7;

	gdb_write($gdb, $at, chr(ord(gdb_read($gdb, $at, 1)) & 0x7f | $bits));
};
{
	attack => sub { $set->(@_, 0) },
	undo => sub { $set->(@_, 0x80) },
};
