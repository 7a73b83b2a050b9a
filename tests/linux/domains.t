#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The module's own list of domains, of a Xen that does not answer what it was asked.
#
# Wrong in the world if this fails: a Xen that somebody has changed names a domain again and again,
# and a pass never ends; or the list is taken for all domains, and is none; or a Xen of another
# release is asked in the wrong version of its interface, and tells of no domain.
#
# A module of the tests (tests/linux/answers) answers in Xen's place.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $steps = boot(<<'SH', '--add', $KS::module, '--add', "$build/tests/answers/ks_answers.ko");
k() { ksense --timeout 20 --socket /run/ksense/kernel.sock --json "$@"; }
insmod ksense.ko sense=level=low
# Its own first pass.
k records domains --run >/dev/null
step xen k records domains --run
step load insmod ks_answers.ko
k records domains --run >/dev/null
# Between two that fail one that does not: a probe that fails all the time is started anew.
for answer in 0xff 0x15 back 0x16 many last xen; do
	echo $answer >/sys/module/ks_answers/parameters/answer
	[ $answer = xen ] || step $answer k records domains --run
done
step again k records domains --run
rmmod ks_answers
step end rmmod ksense
SH

# "KIND", and of a domain its id, of each record that is no command.
sub told {
	my ($step) = @_;
	return join ' ', sort map { defined $_->{domid} ? "$_->{kind}:$_->{domid}" : $_->{kind} }
		grep { $_->{kind} !~ /^(?:began|kernel)$/ } json($steps->{$step});
}

is(told('xen'), 'domain:0', 'Xen has one domain') or diag $steps->{xen}{out}, $steps->{xen}{err};
is($steps->{load}{status}, 0, 'another answers in its place') or diag $steps->{load}{err};
for my $version ('0x15', '0x16') {
	is(told($version), 'domain:0 recovered', "a Xen whose interface has the version $version is asked in that")
		or diag $steps->{$version}{out};
}
is(told('0xff'), 'failed', 'one of a version that nobody has read is not asked') or diag $steps->{'0xff'}{out};
my ($unknown) = grep { $_->{kind} eq 'failed' } json($steps->{'0xff'});
is($unknown->{why}, 'the version of this Xen\'s interface is not known here', 'and why is told');
is(told('back'), 'domain:0 failed', 'a list that goes back is no list') or diag $steps->{back}{err};
is(told('many'), 'failed', 'nor is one of more domains than were asked for') or diag $steps->{many}{err};
for my $step (qw(back many)) {
	my ($failed) = grep { $_->{kind} eq 'failed' } json($steps->{$step});
	is($failed->{why}, 'Xen\'s list of domains goes back, or has more than was asked', "$step: and why is told");
}
is(told('last'), 'domain:0 domain:65535 recovered', 'behind the highest id is the end');
is(told('again'), 'domain:0 domain:65535', 'Xen is believed again') or diag $steps->{again}{out};
is($steps->{end}{status}, 0, 'the module goes') or diag $steps->{end}{err};

done_testing;
