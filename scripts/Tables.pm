# SPDX-License-Identifier: MIT
#
# Tables.pm - what the sources say of the records that they make: kinds, members, types.
#
# Of a probe on the set engine these are its kinds and their members (KS_KIND, KS_FIELD and their
# like: probes/set.h); of one on the region engine, and of the sensor itself, the lists at the top
# of probes/region.h and core/record.h.  The sources are read as text, for they compile in their
# kernels alone.
package Tables;

use strict;
use warnings;
use Exporter 'import';
use File::Basename;

our @EXPORT = qw(slurp without_comments sources_of probes_of kinds_of lists_of complain complaints);

my @complaints;
sub complain { push @complaints, join('', @_) }
sub complaints { return @complaints }

sub fail { die basename($0) . ': ', @_, "\n" }

sub slurp {
	my ($path) = @_;
	open(my $in, '<', $path) or fail("$path: $!");
	local $/;
	return scalar <$in>;
}

# === C =======================================================================

my $literal = qr/"(?:[^"\\]|\\.)*"/;
my $literals = qr/$literal(?:\s*$literal)*/;

sub without_comments {
	my ($source) = @_;
	$source =~ s{($literal)|/\*.*?\*/|//[^\n]*}{$1 // ' '}gse;
	return $source;
}

# The text of "one" "after the other".
sub text_of {
	my $text = join '', map { substr $_, 1, -1 } ($_[0] // '') =~ /$literal/g;
	$text =~ s/\\(.)/$1/g;
	return $text;
}

# A probe's own file, and with it those beside it whose headers it includes: they may have a
# struct of its items, and the table of that.
sub sources_of {
	my ($file) = @_;
	my $own = slurp($file);
	my @beside = map { my $path = dirname($file) . "/$_"; ($path,
		$path =~ s/h$/c/r) } $own =~ /^#include "([\w.]+)"/mg;
	return map { without_comments($_) } $own, join '', $own, map { slurp($_) } grep { -e && $_ ne $file } @beside;
}

# The members of a struct, in their order, to and with $last.
sub members_to {
	my ($source, $struct, $last) = @_;
	my ($body) = $source =~ /^struct \Q$struct\E \{\n(.*?)^\};/ms or fail("there is no struct $struct");
	my @members;
	for my $declaration (split /;/, $body) {
		push @members, map { /(\w+)\s*(?:\[[^]]*\]\s*)*$/ ? $1 : () } split /,/, $declaration;
		my ($i) = grep { $members[$_] eq $last } 0 .. $#members;
		return @members[0 .. $i] if defined $i;
	}
	fail("struct $struct has no $last");
}

# === Probes ==================================================================

# The probes of a kernel, in the order of its table: { name, file, own, with_others, is_set }.
sub probes_of {
	my ($kernel) = @_;
	my $table = "probes/$kernel/probes.h";
	my %files = map { $_ => 1 } grep { slurp($_) =~ /^const struct ks_probe_type /m } glob "probes/$kernel/*.c";
	my @probes;
	for my $stem (slurp($table) =~ /^KS_PROBE\((\w+)\)$/mg) {
		my $file = "probes/$kernel/$stem.c";
		my $symbol = "ks_${kernel}_$stem";
		my ($name) = slurp($file) =~ /^const struct ks_probe_type $symbol = \{\n\t\.name = "([\w-]+)"/m
			or fail("$file: there is no $symbol, which $table has");
		my ($own, $with_others) = sources_of($file);
		push @probes, { name => $name, file => $file, own => $own, with_others => $with_others,
			is_set => scalar($own =~ /ks_set_step|KS_SET_ENGINE/) };
		complain("$file: it has probe->own, and its type no own_bytes")
			if $own =~ /\bprobe->own\b/ && $own !~ /\.own_bytes = /;
		complain("$file: it forgets at a reset, and its type has no baselines() to say how much")
			if $own =~ /^\t\.reset = /m && $own !~ /^\t\.baselines = /m;
		delete $files{$file};
	}
	complain("$_: its probe is not in $table") for sort keys %files;
	return @probes;
}

# The fields of a table: { macro, member, type, unit, meaning }.
sub fields_of {
	my ($probe, $table) = @_;
	my ($body) = $probe->{with_others} =~ /^(?:static )?const struct ks_field \Q$table\E\[\w*\] = \{(.*?)^\};/ms
		or fail("$probe->{file}: there is no $table");
	my @fields;
	my $field = qr/\bKS_(?:\w+_)?(FIELD|LIVE|GUARD|RAISE)\((?:struct \w+, )?(\w+), KS_(\w+)(?:,\s*($literals))?\)/;
	while ($body =~ /$field/g) {
		my ($macro, $member, $type, $meaning) = ($1, $2, $3, text_of($4));
		my $unit = $meaning =~ s/^\[(.*?)\] // ? $1 : '';

		push @fields, { macro => $macro, member => $member, type => $type, unit => $unit,
			meaning => $meaning };
	}
	my $count = () = $body =~ /\bKS_\w*(?:FIELD|LIVE|GUARD|RAISE)\(/g;
	$count == @fields or fail("$probe->{file}: $table has a line that is not understood");
	return @fields;
}

# The kinds of a probe on the set engine:
# { macro, kind, by, self, what, key: { member => 1 }, fields }.
# A source that is none of the fields is a uuid, and told as that (probes/set_record.c).
sub kinds_of {
	my ($probe) = @_;
	my $macros = qr/KIND|ONE|KIND_BY|KIND_BY_SELF|ALARMS|ALARMS_BY|STILL|SEALED/;
	my @kinds;
	my $names = '(?:,\s*(\w+))?' x 3;
	my $args = qr{"([\w-]+)", struct (\w+), (\w+)$names(?:,\s*($literals))?};
	while ($probe->{own} =~ /\bKS_($macros)\($args\)/g) {
		my ($macro, $kind, $struct, $table, $last, $by, $self) = ($1, $2, $3, $4, $5, $6, $7);
		my $what = text_of($8);
		my %key = map { $_ => 1 } defined $last ? members_to($probe->{with_others}, $struct, $last) : ();

		my @fields = fields_of($probe, $table);

		$by = 'uuid' if defined $by && !grep { $_->{member} eq $by } @fields;
		push @kinds, { macro => $macro, kind => $kind, by => $by, self => $self, what => $what, key => \%key,
			fields => \@fields };
	}
	my $count = () = $probe->{own} =~ /\bKS_(?:$macros)\(/g;
	$count && $count == @kinds or fail("$probe->{file}: it has a kind that is not understood");
	return @kinds;
}

# === Lists in comments =======================================================

# What a comment lists in columns: of two, a kind and when there is one; of four, a member, its
# type, the kinds that have it, and its meaning.  As two references: [kind, when], { member, type,
# kinds, meaning }.
sub lists_of {
	my ($path) = @_;
	my (@kinds, @members);
	# What is indented further goes on with the line before.
	my $text = slurp($path) =~ s/\n \* {8,}(?=\S)/ /gr;
	for ($text =~ /^ \*   (\S.*)$/mg) {
		my @columns = split / {2,}/, s/"([\w-]+)"/`$1`/gr;
		push @kinds, [@columns] if @columns == 2;
		push @members, { member => $columns[0], type => $columns[1], kinds => $columns[2],
			meaning => $columns[3] } if @columns == 4;
	}
	return (\@kinds, \@members);
}

1;
