# SPDX-License-Identifier: MIT
# The first guest behind Dom0 in Xen's list, which is in the order of their ids.
my $set = sub {
	my ($gdb, $symbol, $value) = @_;
	my ($next, $privileged) = xen_offsets('domain', 'next_in_list', 'is_privileged');
	my $domain = unpack('Q<', gdb_read($gdb, $symbol->('domain_list'), 8));

	$domain = unpack('Q<', gdb_read($gdb, $domain + $next, 8)) while $domain && !unpack('S<', gdb_read($gdb, $domain, 2));
	die "there is no guest\n" if !$domain;
	gdb_write($gdb, $domain + $privileged, chr($value));
};
{
	attack => sub { $set->(@_, 1) },
	undo => sub { $set->(@_, 0) },
};
