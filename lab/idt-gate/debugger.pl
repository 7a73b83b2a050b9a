# SPDX-License-Identifier: MIT
# A gate has 16 bytes and begins with the low 16 bits of its handler's address.
my $old;
my $gate = sub { my ($gdb) = @_; return xen_idt($gdb, 0) + 6 * 16 };
{
	attack => sub {
		my $at = $gate->(@_);

		$old //= gdb_read($_[0], $at, 2);
		gdb_write($_[0], $at, pack('S<', unpack('S<', $old) + 1));
	},
	undo => sub { gdb_write($_[0], $gate->(@_), $old) },
};
