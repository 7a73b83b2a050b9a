#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The sensor's threads have another root directory than the machine's programs.
#
# Wrong in the world if this fails: the sensor says that /etc/passwd is absent, or looks at
# another file of that name, because "/" is elsewhere for it; or it shows paths as they are seen
# from there, and does not say so.
#
# A module of the tests (tests/linux/astray) leads them to /proc. A client's own thread, which
# makes a fresh sample, is not led astray.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--linux', '--add', $KS::module, '--add', "$KS::test_modules/astray/ks_astray.ko");
k() { ksense --timeout 200 --socket /run/ksense/kernel.sock --json "$@"; }
off=modules=off,kernel-text=off,kernel-entries=off,domains=off
step load insmod ksense.ko sense=$off files=/etc/passwd,/proc/version
step before k records files --run
k records '*' >/dev/null
for name in files processes open-files; do
	insmod ks_astray.ko comm=$(echo ksense/$name | cut -c-15) root=/proc && rmmod ks_astray ||
		echo "$name is not led astray"
done
# Something that the next sample has to see.
chmod 640 /etc/passwd
for name in files processes open-files; do k adversarial $name >/dev/null; done
seen() {
	k records files --peek | grep '"event":"changed"' | grep -q 640 &&
		k status processes | grep -q 'paths seen from here' &&
		k status open-files | grep -q 'paths seen from here'
}
tries=200 until_true seen
step changed k records files --peek
step status-processes k status processes
step status-open-files k status open-files
step fresh k records open-files --run --filter pid=1
step end rmmod ksense
SH

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
my %before = map { $_->{path} => $_ } grep { $_->{path} } json($steps->{before});
is("$before{'/etc/passwd'}{state} $before{'/proc/version'}{state}", 'file file', 'both files are there');
unlike($steps->{''}{out}, qr/not led astray/, 'the threads are led astray') or diag $steps->{''}{out};
my @changed = json($steps->{changed});
is(scalar(grep { ($_->{state} // '') eq 'absent' } @changed), 0, 'none of the files is absent for that')
	or diag $steps->{changed}{out};
my ($passwd) = grep { ($_->{path} // '') eq '/etc/passwd' && $_->{event} eq 'changed' } @changed;
is($passwd && $passwd->{mode}, '640', 'and what is seen is the one that was changed') or diag $steps->{changed}{out};
for my $probe (qw(processes open-files)) {
	my ($status) = json($steps->{"status-$probe"});
	$status = (grep { $_->{name} eq $probe } @{$status->{probes}})[0] if $status->{probes};
	is($status->{last_error}, 'paths seen from here are not those of process 1',
		"$probe says that it cannot see paths");
	cmp_ok($status->{failures}, '>', 0, 'and fails');
}
is($steps->{fresh}{status}, 0, 'who has not been led astray sees them');
is($steps->{end}{status}, 0, 'it goes');

done_testing;
