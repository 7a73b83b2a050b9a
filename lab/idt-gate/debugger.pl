# SPDX-License-Identifier: MIT
# A gate has 16 bytes and begins with the low 16 bits of its handler's address; idt_tables[] has a pointer for each CPU.
my $old;
my $gate = sub { my ($gdb, $symbol) = @_; return unpack('Q<', gdb_read($gdb, $symbol->('idt_tables'), 8)) + 6 * 16 };
{
	attack => sub {
		my $at = $gate->(@_);

		$old //= gdb_read($_[0], $at, 2);
		gdb_write($_[0], $at, pack('S<', unpack('S<', $old) + 1));
	},
	undo => sub { gdb_write($_[0], $gate->(@_), $old) },
};
