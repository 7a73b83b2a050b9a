# SPDX-License-Identifier: MIT
#
# Schema.pm - every line of JSON that a test looks at is as docs/schema says.
#
# The lines go to one process beside the test, tests/lib/validate, which says at the end of the
# test which were not: then the test fails, by its exit status, whatever else it found.  So no
# test has to ask for it, and none is slower.
package Schema;

use strict;
use warnings;
use Exporter 'import';
use Cwd 'realpath';
use Fcntl ':flock';
use File::Basename;
use File::Temp;
use JSON::PP;
use Test::More;

our @EXPORT = qw(decoded);

my $root = realpath(dirname(__FILE__) . '/../..');
my ($validator, $said, $owner, $lock, $locked_by, %seen);

sub begin {
	$said = File::Temp->new;
	$owner = $$;
	open($validator, '|-', "$root/tests/lib/validate", "$root/docs/schema", "$said") or die "validate: $!";
	binmode $validator, ':raw';
}

# Whole lines, also where a test has forked, and its processes do so side by side.
sub feed {
	my ($bytes) = @_;

	begin() unless $validator;
	if (!$lock || $locked_by != $$) {
		open($lock, '<', "$said") or die "$said: $!";
		$locked_by = $$;
	}
	# The validator says at the end why it went away.
	local $SIG{PIPE} = 'IGNORE';
	flock $lock, LOCK_EX;
	for (my $at = 0; $at < length $bytes;) {
		my $written = syswrite($validator, $bytes, length($bytes) - $at, $at);

		last unless defined $written || $!{EINTR};
		$at += $written // 0;
	}
	flock $lock, LOCK_UN;
}

# The values of these lines, which come from a sensor or from ksense: bytes as they came.  Dies
# when one is no JSON.
sub decoded {
	my @values = map { JSON::PP->new->utf8->decode($_) } @_;

	feed(join '', map { "$_\n" } grep { !$seen{$_}++ } map { s/[\r\n]//gr } @_);
	return @values;
}

END {
	my $status = $?;
	if ($validator && $$ == $owner) {
		if (!close $validator) {
			open(my $in, '<', "$said");
			diag('Lines that are not as docs/schema says:', "\n", do { local $/; <$in> } // '');
			$status ||= 1;
		}
		$? = $status;
	}
}

1;
