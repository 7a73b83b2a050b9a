#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Who may do what on the module's socket, and that no client keeps the module from going.
#
# Wrong in the world if this fails: root in a container, stripped of its capabilities, turns the
# sensor off; a member of the group that may read cannot, or can do more; somebody is refused and
# not told why; those who only read keep out who controls, or, when they are gone, others who read;
# or the module does not go because of a client that does not read, that is gone, or that waits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $socket = '/run/ksense/kernel.sock';
my $steps = boot(<<"SH", '--linux', map { ('--add', $_) } $KS::module, "$build/tests/become", "$build/tests/crowd");
S=$socket
ksense() { /root/ksense --socket \$S "\$@"; }
as() { who="\$1"; shift; become \$who /root/ksense --socket \$S "\$@"; }
# Who: the uid, the gid, one more group, and the capabilities (tests/linux/become.c).
chmod 755 /root
load() { insmod ksense.ko "\$@"; }
# How many clients the module has taken on.
clients() { cat /proc/[0-9]*/comm 2>/dev/null | grep -c ksense/client; }

# --- Who may do what.
step load load group=77 socket=\@ks
S=\@ks
step root ksense reset '*'
step root-stripped as "0 0 0 none" off '*'
step capable as "1000 1000 1000 all" low
step nobody as "1000 1000 1000 none" discovery
step namespace as "1000 1000 1000 namespace" off '*'
for how in "1000 77 77" "1000 1000 77"; do
	label=member-\$(echo \$how | tr ' ' -)
	for what in discovery status "records processes --peek" "records processes" \\
		"records processes --peek --run" "off ksense"; do
		step "\$label-\$(echo \$what | tr -d ' ')" as "\$how none" \$what
	done
done
step after ksense status
rmmod ksense

# --- A file, and its folder.
S=$socket
step file-load load group=77
step file-mode stat -c '%a %u %g' \$S \$(dirname \$S)
step file-member as "1000 77 77 none" discovery
step file-nobody as "1000 1000 1000 none" discovery
step file-root-stripped as "0 0 0 none" discovery
step file-among become 1000 77 77 none crowd \$S idle 300 /root/ksense --socket \$S discovery
among_many() {
	setsid become 1000 77 77 none crowd \$S idle 300 sleep 1000 &
	until [ \$(clients) -ge 100 ]; do sleep 0.2; done
	ksense discovery; status=\$?
	kill -- -\$!
	return \$status
}
step file-root-among among_many
# Those who read nothing, of connections that are nobody's any more.
ksense records '*' --run --peek >/dev/null
step nobody-there become 1000 77 77 none crowd \$S nobody 128 true
step nobody-left clients
sleep 32
step nobody-next as "1001 77 77 none" discovery
rmmod ksense
step again load
step again-mode stat -c '%a %u %g' \$S \$(dirname \$S)
rmmod ksense

# --- The module goes, whatever its clients do.
ends() {
	begin=\$(tr -d . </proc/uptime | cut -d' ' -f1)
	rmmod ksense || return 1
	took=\$((\$(tr -d . </proc/uptime | cut -d' ' -f1) - begin))
	printf '%d.%02d\n' \$((took / 100)) \$((took % 100))
}
for how in idle unread half waiting mixed; do
	load
	number=250
	[ \$how = mixed ] && number=256 && ksense adversarial >/dev/null
	crowd \$S \$how \$number sh -c 'echo there; sleep 1000' >said & crowd=\$!
	until grep -q there said; do sleep 0.2; done
	# Connected, they still have to be taken on.
	until [ \$(clients) -ge 100 ]; do sleep 0.2; done
	step clients-\$how clients
	step ends-\$how ends
	kill \$crowd; wait \$crowd
done

# --- A client that is gone takes its thread with it.
load
ksense adversarial modules >/dev/null
crowd \$S waiting 20 sh -c 'echo there; sleep 1000' >said & crowd=\$!
until grep -q there said; do sleep 0.2; done
step waiting clients
kill -9 \$crowd; wait \$crowd
gone() { [ \$(clients) -eq 0 ]; }
tries=120 until_true gone
step left clients
step end ends
SH

# === Who may do what =========================================================

my $denied = qr/denied: you may neither control this sensor nor read from it/;

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
is($steps->{root}{status}, 0, 'root may do everything');
is($steps->{'root-stripped'}{status}, 1, 'but not because of its number: without capabilities it is refused');
like($steps->{'root-stripped'}{err}, $denied, 'and told so');
is($steps->{capable}{status}, 0, 'who has the capability may, whatever his number') or diag $steps->{capable}{err};
is($steps->{nobody}{status}, 1, 'another user is refused');
like($steps->{nobody}{err}, $denied, 'and told so');
is($steps->{namespace}{status}, 1, 'as is the root of a user namespace that anybody can make');
like($steps->{namespace}{err}, $denied, 'who is told so');
for my $member ('member-1000-77-77', 'member-1000-1000-77') {
	is($steps->{"$member-$_"}{status}, 0, "$member: $_") or diag $steps->{"$member-$_"}{err}
		for qw(discovery status recordsprocesses--peek);
	for my $refused (qw(recordsprocesses recordsprocesses--peek--run offksense)) {
		is($steps->{"$member-$refused"}{status}, 1, "$member: not $refused");
		like($steps->{"$member-$refused"}{err}, qr/denied: /, 'and told why');
	}
}
unlike($steps->{after}{out}, qr/\boff\b/, 'nobody has turned anything off');

is($steps->{'file-load'}{status}, 0, 'it loads with a file') or diag $steps->{'file-load'}{err};
is($steps->{'file-mode'}{out}, "660 0 77\n750 0 77\n", 'the file and its folder are for the group');
is($steps->{'file-member'}{status}, 0, 'whose members get in') or diag $steps->{'file-member'}{err};
is($steps->{'file-nobody'}{status}, 3, 'nobody else does');
is($steps->{'file-root-stripped'}{status}, 1, 'root without capabilities owns the file, and gets no further');
like($steps->{'file-root-stripped'}{err}, $denied, 'as it is told');
like($steps->{'file-among'}{err}, qr/busy/, 'where too many read, one more is told that it is busy');
is($steps->{'file-root-among'}{status}, 0, 'and who controls still gets in') or diag $steps->{'file-root-among'}{err};
is($steps->{'nobody-there'}{status}, 0, 'readers send their own ends of the connections through these')
	or diag $steps->{'nobody-there'}{err};
is($steps->{'nobody-left'}{out}, "128\n", 'where these stay, and are nobody\'s any more');
is($steps->{'nobody-next'}{status}, 0, 'which keeps no place from who comes next')
	or diag $steps->{'nobody-next'}{err};
is($steps->{'again-mode'}{out}, "700 0 0\n700 0 0\n", 'without a group both are for root alone');

# === The end =================================================================

for my $how (qw(idle unread half waiting mixed)) {
	cmp_ok($steps->{"clients-$how"}{out}, '>=', 100, "$how: there are many clients")
		or diag explain $steps->{"clients-$how"};
	is($steps->{"ends-$how"}{status}, 0, "$how: the module goes") or diag explain $steps->{"ends-$how"};
	cmp_ok($steps->{"ends-$how"}{out}, '<=', 30, "$how: it waits for none of them");
	diag "$how: it went in " . ($steps->{"ends-$how"}{out} =~ s/\s+$//r) . ' s';
}
is($steps->{waiting}{out}, "20\n", 'clients wait for a sample');
is($steps->{left}{out}, "0\n", 'those that are gone leave no thread behind');
is($steps->{end}{status}, 0, 'and the module goes');
is($steps->{''}{status}, 0, 'the machine came through it');

done_testing;
