#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# ksense compare as far as it goes without Xen: its command line, and files of checks.
#
# Wrong in the world if this fails: a typing error in a file of checks is a rule that never holds,
# and nobody is told; or somebody reads "clean" in what cannot say that.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp;
use IO::Socket::UNIX;
use JSON::PP;
use KS;
use Schema;
use Test::More;

my $dir = File::Temp->newdir;
sub compare {
	my @arguments = @_;
	my $out = `'$build/cli/ksense' compare @arguments 2>&1 </dev/null`;
	return { out => $out, status => $? >> 8 };
}
sub checks {
	my ($text) = @_;
	open(my $file, '>', "$dir/checks") or die;
	print $file ref $text ? JSON::PP->new->encode($text) : $text;
	close $file;
	return compare('--checks', "$dir/checks");
}
my $rule = { finding => 'x', severity => 'low', what => 'w', why => 'y', next => 'n' };
my $view = { probe => 'xen-domains', kind => 'domain', key => ['domid'] };
sub slurp { local (@ARGV, $/) = $_[0]; return <> }
sub check { return { checks => [{ check => 'p', xen => $view, dom0 => [], only_xen => $rule, @_ }] } }

SKIP: {
	skip 'this is a Xen host', 16 if -e '/dev/xen/privcmd';
	my $none = compare("--socket $dir/none");
	my ($coverage) = decoded(split /\n/, $none->{out});
	my %of = map { $_->{check} => $_ } @{$coverage->{checks}};

	is($none->{status}, 3, 'without Xen it could not look');
	is_deeply([grep { $of{$_}{verdict} ne 'blind' && $of{$_}{verdict} ne 'not-here' } keys %of], [],
		'and no check says anything else');
	is($of{'xen-text'}{reason}, 'no-sensor', 'for want of the sensor in Xen');
	is($of{'processes-in-proc'}{reason}, 'no-module', 'and of the module');
	like($of{'processes-in-proc'}{words}, qr{\Q$dir\E/none}, 'with where it is not');
	like($coverage->{verdict}, qr/^0 findings, \d+ checks blind, 0 agree/, 'in a line');
	is(checks(check())->{status}, 3, 'a file of checks is taken');
	my $accepted = compare("--checks $dir/checks --accept no-sensor");
	is($accepted->{status}, 0, 'a reason that is accepted does not count');
	like($accepted->{out}, qr/"verdict":"blind","reason":"no-sensor".*"accepted":true/,
		'and is told all the same');
	unlike($accepted->{out}, qr/no effect/, 'a reason is known');
	my $slip = compare("--checks $dir/checks --accept no-sensr --accept p");
	like($slip->{out}, qr/^ksense: --accept no-sensr: there is no check and no reason of that name/m,
		'a slip in the name is told');
	unlike($slip->{out}, qr/--accept p:/, 'a check is known');
	is($slip->{status}, 0, 'and it goes on');
	my $no_proc = `unshare -rm sh -c 'mount -t tmpfs none /proc && exec "$build/cli/ksense" --json compare' 2>&1`;
	like($no_proc, qr/"check":"processes-in-proc","verdict":"blind","reason":"unreadable"/,
		'what is no /proc is not taken for one without processes');
	my $mute = IO::Socket::UNIX->new(Local => "$dir/mute", Listen => 1) or die "$dir/mute: $!";
	my $waited = `unshare -rm sh -c 'mount -t tmpfs none /run && mkdir /run/xenstored &&
		ln -s $dir/mute /run/xenstored/socket &&
		timeout 60 "$build/cli/ksense" --timeout 0.2 compare --require xenstore' 2>&1`;
	like($waited, qr/^ksense: --require xenstore: .*timed out/,
		'a xenstored that does not answer is not waited for for ever');
	my $required = compare("--require xen");
	is($required->{status}, 3, 'without what is required it ends');
	like($required->{out}, qr/^ksense: --require xen: .*privcmd/, 'and says why, alone');
}

# --- Usage
for my $case (['--once --watch', 'exclude each other'], ['--interval 2', 'goes with --watch'],
	['--heartbeat 2', 'goes with --watch'], ['--require xl', "not 'xl'"], ['--wait 0', 'seconds'],
	['--peek', 'goes with the command records'],
	      ['--xen', 'no --xen'], ['--host', 'no --host'], ['xen-domains', 'takes no target'],
	          ["--checks $dir/none", "ksense: unable to open $dir/none: No such file"]) {
	my ($arguments, $says) = @$case;
	my $got = compare($arguments);

	is($got->{status}, 2, "compare $arguments: usage");
	like($got->{out}, qr/\Q$says\E/, 'and what is wrong');
}

# --- Files of checks
my %wrong = (
	'no JSON' => ['{', 'line 1'],
	'no checks' => [{}, '"checks"'],
	'an empty array' => [{ checks => [] }, '"checks" is empty'],
	'no array' => [{ checks => {} }, '"checks", an array'],
	'a check without a name' => [{ checks => [{}] }, 'needs "check"'],
	'an unknown member' => [check(lokks => 3), '"lokks"'],
	'no Dom0' => [check(dom0 => undef), '"dom0"'],
	'a source there is not' => [check(dom0 => [{ source => 'xl', key => ['domid'] }]), 'toolstack'],
	'a probe for xenstore' => [check(dom0 => [{ source => 'xenstore', probe => 'x', key => ['domid'] }]),
		'for sensors'],
	'no key' => [check(xen => { probe => 'a', kind => 'b' }), '"key"'],
	'two probes' => [check(xen => [$view, { %$view, probe => 'xen-text' }]), 'one probe'],
	'a condition that is an empty array' => [check(xen => { %$view, where => { domid => [] } }), '"domid"'],
	'a condition of an object' => [check(xen => { %$view, where => { domid => { not => [{}] } } }), '"domid"'],
	'a rule for numbers that is for some items' => [check(more => { %$rule, where => { domid => 1 } }), '"more"'],
	'too many rules' => [check(only_xen => [($rule) x 10]), 'up to 8'],
	'members that may have changed' => [check(changed => { %$rule, members => { pages => 'x' } }), '"pages"'],
	'a severity there is not' => [check(only_xen => { %$rule, severity => 'bad' }), 'critical'],
	'a rule without a reason' => [check(only_xen => { %$rule, why => '' }), '"why"'],
	'a deed that is known by nothing' => [check(only_xen => { %$rule, deed => {} }), '"deed"'],
	'a deed that is known by the n-th part of nothing' =>
		[check(only_xen => { %$rule, deed => { page => ['address/0'] } }), '"address/0"'],
	'a deed that is known by a part without a number' =>
		[check(only_xen => { %$rule, deed => { page => ['address/x'] } }), '"address/x"'],
	'a baseline that is a word' => [check(baseline => 'yes'), '"baseline"'],
	'a deed that is known by a word' => [check(only_xen => { %$rule, deed => { domain => 'domid' } }), '"domain"'],
	'no rule' => [{ checks => [{ check => 'p', xen => $view, dom0 => [] }] }, 'only_xen'],
	'members that are none' => [check(differs => $rule), '"members"'],
	'a condition without a word' => [check(only_if => { where => {}, otherwise => 'blind' }), '"words"'],
	'a condition with another end' => [check(only_if => { where => {}, otherwise => 'bad', words => 'w' }),
		'not-here or blind'],
	'patience without a word' => [check(waits => { where => { kind => 'view' } }), '"words"'],
	'patience with nothing' => [check(waits => { words => 'w' }), '"where"'],
	'a condition of the old form' => [check(only_if => { kind => 'dom0' }), '"kind"'],
	'an absent source there is not' => [check(not_here => [{ source => 'xl', words => 'w' }]), 'not known'],
	'where what is to be compared has to be, without a word' => [check(among => { members => ['domid'] }),
		'"words"'],
	'where what is to be compared has to be, without members' => [check(among => { words => 'w' }), '"members"'],
	'too many passes' => [check(xen => { %$view, passes => 9 }), '"passes"'],
	'passes of no sensor' => [check(dom0 => [{ source => 'proc', key => ['pid'], passes => 2 }]), 'for sensors'],
	'a view of Xen that is not settled' => [check(xen => { %$view, unsettled => 'w' }), '"unsettled"'],
	'a view of no sensor that is not settled' =>
		[check(dom0 => [{ source => 'proc', key => ['pid'], unsettled => 'w' }]), '"unsettled"'],
	'a sensor there is not' => [{ checks => [{ check => 'p', sensor => 'linux', off => $rule }] },
		'no sensor "linux"'],
	'a sensor and nothing done to it' => [{ checks => [{ check => 'p', sensor => 'xen' }] }, '"restarted"'],
	'a sensor and a view' => [{ checks => [{ check => 'p', sensor => 'xen', off => $rule, xen => $view }] },
		'"xen"'],
	'a view and what is done to sensors' => [check(off => $rule), '"off"'],
	'no looks' => [check(looks => 0), '"looks"'],
	'in the place of a check there is not' => [check(instead_of => 'q'), '"q"'],
	'two by one name' => [{ checks => [(check()->{checks}[0]) x 2] }, 'two by this name'],
);
for my $what (sort keys %wrong) {
	my ($text, $says) = @{$wrong{$what}};
	my $got = checks($text);

	is($got->{status}, 2, "$what is an error");
	like($got->{out}, qr/^ksense: \Q$dir\E\/checks.*\Q$says\E/, 'that says where and what') or diag $got->{out};
}

# --- Times: each member in ns is known to be a moment, told as a time of day, or to be none
my ($moments) = slurp("$root/canary/findings.c") =~ /moments\[\] = \{(.*?)\}/s;
my %moment = map { $_ => 1 } $moments =~ /"(\w+)"/g;
my %duration = map { $_ => 1 } qw(cpu_ns runtime_ns mtime_ns ctime_ns);
my %told = map { $_ => 1 } map { slurp($_) =~ /^\| `(\w+)` \| number, ns/mg } glob "$root/docs/probes/*.md";
cmp_ok(scalar(keys %told), '>', 8, 'records have members in ns');
is_deeply([grep { !$moment{$_} && !$duration{$_} } sort keys %told], [],
	'the judge knows of each whether it is a moment');
is_deeply([grep { !$told{$_} && $_ ne 'since_ns' } sort keys %moment], [], 'and of no others');

# --- What it says
my $built_in = JSON::PP->new->decode(do { local (@ARGV, $/) = "$root/canary/checks.json"; <> });
for my $check (@{$built_in->{checks}}) {
	for my $rule (grep { ref eq 'HASH' && $_->{finding} } map { ref eq 'ARRAY' ? @$_ : $_ } values %$check) {
		ok(length $rule->{why} > 60 && length $rule->{next} > 20,
			"$check->{check}: $rule->{finding} says why it matters and what to look at");
	}
}
unlike(do { local (@ARGV, $/) = "$build/cli/ksense"; <> }, qr/\bclean\b/i, 'the word "clean" does not appear');

done_testing;
