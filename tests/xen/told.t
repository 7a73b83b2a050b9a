#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What programs of a Dom0 are told of its modules, its sockets and its files, and what "ksense
# compare" says where that is not so.
#
# Wrong in the world if this fails: lsmod or netstat leaves out what an intruder hides, or a file
# of accounts is another, and the judge says that all is well; or what comes and goes all day, as
# modules and sockets do, is called an attack.
#
# Only the checks that are about these are made, each as it is built in.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

my $rounds = $ENV{KS_ROUNDS} // 12;
my $dir = File::Temp->newdir;
my %told = map { $_ => 1 } qw(hidden-modules modules-in-proc modules-in-sysfs sockets files);
my $built_in = JSON::PP->new->decode(do { local (@ARGV, $/) = "$root/canary/checks.json"; <> });
open(my $file, '>', "$dir/told") or die "$dir/told: $!";
print $file JSON::PP->new->encode({ checks => [grep { $told{$_->{check}} } @{$built_in->{checks}}] });
close $file;

my @options = ('--timeout', 900, map { ('--add', $_) } "$dir/told", $KS::module, "$build/tests/open",
	map { "$KS::test_modules/$_.ko" } qw(hide/ks_hide code/ks_code torn/ks_torn entries/ks_entries));
my $steps = boot(<<"SH", @options);
socket=/run/ksense/kernel.sock
compare() { ksense --json compare --checks told "\$@"; }
start_open() {
	rm -f open.out
	./open things >open.out 2>&1 &
	until grep -q '^pid' open.out || ! kill -0 \$!; do sleep 0.1; done 2>/dev/null
}
ip link set lo up
insmod ksense.ko
insmod ks_hide.ko
hide=/sys/module/ks_hide/parameters
start_open
step opened cat open.out
# In a network namespace of its own.
unshare -n nc -l -p 7777 &
step quiet compare

# Modules: one is left out of what programs are told, one is made up; the folder of one goes, and
# one takes another's name, or says that it is none yet.
grep -v '^ks_hide ' /proc/modules >left-out
(cat /proc/modules; echo 'innocent 16384 0 - Live 0x0000000000000000') >made-up
mkdir empty
mount --bind left-out /proc/modules
step module-left-out compare
umount /proc/modules
mount --bind made-up /proc/modules
step module-made-up compare
umount /proc/modules
mount --bind empty /sys/module/ks_hide
step module-folder compare
umount /sys/module/ks_hide
echo -n ksense >\$hide/alias
step module-alias compare
echo -n ks_hide >\$hide/alias
echo 1 >\$hide/unformed
step module-unformed compare
echo 0 >\$hide/unformed
echo 1 >\$hide/self
step module-unlisted compare
echo 0 >\$hide/self
step modules-back compare

# Sockets: those of one port.
listens='^ *[0-9]*: [0-9A-F]*:\\([0-9A-F]*\\) [0-9A-F]*:[0-9A-F]* 0A .*'
port=\$((0x\$(sed -n "s/\$listens/\\\\1/p" /proc/net/tcp | head -n 1)))
step port echo \$port
echo \$port >\$hide/port
step port-hidden cat /proc/net/tcp
step socket compare
# That one of them says that it is of another type changes nothing.
fd=\$(sed -n 's/^tcp-listen //p' open.out)
echo \$(sed -n 's/^pid //p' open.out):\$fd >\$hide/type
step socket-bent compare
echo 0 >\$hide/port
step socket-back compare
# One that receives, and says that it has no port, to whoever asks it as well.  A thread with
# descriptors of its own has it, too, and cannot be asked.
fd=\$(sed -n 's/^udp //p' open.out)
inode=\$(readlink /proc/\$(sed -n 's/^pid //p' open.out)/fd/\$fd | tr -dc 0-9)
echo \$(sed -n 's/^pid //p' open.out):\$fd >\$hide/udp
step udp-hidden sh -c "! grep -q ' \$inode ' /proc/net/udp"
step udp compare
echo 0 >\$hide/udp
step udp-back compare
# One that listens, and says that it is of another family.
fd=\$(sed -n 's/^tcp-listen //p' open.out)
echo \$(sed -n 's/^pid //p' open.out):\$fd >\$hide/family
step family-hidden cat /proc/net/tcp
step family compare
echo 0 >\$hide/family
step family-back compare

# Files: in place; as a package upgrade does it, and the same with the old one's time; one that was
# not there; what makes root of who starts it.
for file in in-place replaced backdated mode; do
	echo \$file >\$file
	touch -d '2001-02-03 04:05:06' \$file
	ksense --socket \$socket add files /root/\$file >/dev/null
done
ksense --socket \$socket add files /root/comes >/dev/null
step files-quiet compare
echo other words >in-place
# Whoever takes the record of it.
ksense --socket \$socket records files --run >/dev/null
step file-in-place compare
echo other words >new
mv new replaced
echo other words >new
touch -d '2001-02-03 04:05:06' new
mv new backdated
chmod 4755 mode
echo words >comes
step files compare
ksense --socket \$socket reset files >/dev/null
step files-reset compare

# Modules, sockets and processes come and go.
ksense --json compare --checks told --watch --interval 0.1 >storm.out &
watcher=\$!
until grep -q '"checks"' storm.out; do sleep 0.1; done
opened=\$(sed -n 's/^pid //p' open.out)
rmmod ks_hide
step storm sh -c 'i=0
	while [ \$i -lt $rounds ]; do
		for module in hide code torn entries; do insmod ks_\$module.ko || exit 1; done
		for module in entries torn code hide; do rmmod ks_\$module || exit 1; done
		unshare -n nc -l -p 7778 & nc -l -p 7779 & sleep 0.1; kill %1 %2; wait
		i=\$((i + 1))
	done 2>/dev/null'
kill -INT \$watcher
wait \$watcher
echo \$? >watch.status
step watch cat storm.out watch.status
kill \$opened
step end compare --accept new-baseline
SH

is($steps->{''}{status}, 0, 'Dom0 came through it') or diag $steps->{''}{err};
sub findings { return grep { $_->{finding} }
	json({ out => join('', grep { /^\{/ } split(/^/, $steps->{$_[0]}{out} // '')) }) }
sub kinds { my ($step) = @_; my %is = map { $_->{finding} => 1 } findings($step); return join(' ', sort keys %is) }
sub checks {
	my ($last) = grep { $_->{checks} } reverse json($steps->{$_[0]});
	return { map { $_->{check} => $_ } @{$last->{checks} // []} }
}

like($steps->{opened}{out}, qr/^pid \d+$/m, 'a process has a socket of each kind open') or diag $steps->{opened}{out};
for my $case (
	['quiet', 0, '', 'nothing was done'],
	['module-left-out', 1, 'module-not-in-proc', 'a module that /proc/modules leaves out'],
	['module-made-up', 1, 'module-only-in-proc', 'a module that /proc/modules makes up'],
	['module-folder', 1, 'module-not-in-sysfs', 'a module that has no folder in /sys/module'],
	['module-alias', 1, 'module-only-in-sysfs', 'a module that took another one\'s name'],
	['module-unformed', 1, 'module-only-in-sysfs', 'a module that says that it is not formed yet'],
	['module-unlisted', 1, 'hidden-module', 'a module that took itself out of the list is one finding'],
	['modules-back', 0, '', 'all put back'],
	['socket', 1, 'socket-not-in-proc', 'sockets that /proc/net/tcp leaves out'],
	['socket-bent', 1, 'socket-not-in-proc', 'one of which says that it is of another type'],
	['socket-back', 0, '', 'and shows again'],
	['udp', 1, 'socket-not-in-proc', 'a socket that is in no list that is shown, and says that it has no port'],
	['udp-back', 0, '', 'and is in the list again'],
	['family', 1, 'socket-not-in-proc', 'a socket that says that it is of another family'],
	['family-back', 0, '', 'and of its own again'],
	['files-quiet', 0, '', 'files that are as they were'],
	['file-in-place', 1, 'file-overwritten',
		'a file that was written in place, of which somebody took the record'],
	['files', 1, 'file-appeared file-backdated file-overwritten file-replaced file-rights-changed',
		'all that can be done to a file'],
	['files-reset', 3, '', 'files that are taken for right as they are now'],
	['end', 0, '', 'and at the end'],
) {
	my ($step, $status, $kinds, $what) = @$case;

	is($steps->{$step}{status}, $status, "$what: the status is $status")
		or diag $steps->{$step}{out}, $steps->{$step}{err};
	is(kinds($step), $kinds, $kinds ? "and it is named: $kinds" : 'and there is no finding');
}
my $quiet = checks('quiet');
is($quiet->{$_}{verdict}, 'agrees', "$_ was looked at") for sort keys %told;
cmp_ok($quiet->{sockets}{xen_items}, '>=', 15, 'and there were sockets to look at');
chomp(my $port = $steps->{port}{out});
unlike($steps->{'port-hidden'}{out}, qr/^ *\d+: \w+:@{[sprintf '%04X', $port]} /m,
	'who reads /proc/net/tcp is not told of the port');
unlike($steps->{'family-hidden'}{out}, qr/^ *\d+: \w+:@{[sprintf '%04X', $port]} \w+:0000 0A /m,
	'nor of one that says that it is of another family');
for my $step (qw(socket socket-bent family)) {
	my @sockets = findings($step);
	ok((grep { $_->{what} =~ /\(open\) .*:$port .*listen,/ } @sockets),
		"$step: the finding says whose socket it is, and where it listens")
		or diag map { "$_->{what}\n" } @sockets;
}
is($steps->{'udp-hidden'}{status}, 0, 'who reads /proc/net/udp is not told of one that still receives');
my ($in_place) = findings('file-in-place');
is($in_place->{where}{path}, '/root/in-place', 'a finding names the file');
isnt($in_place->{old}{sha256} // '', $in_place->{new}{sha256} // '', 'and what it was');

is($steps->{storm}{status}, 0, 'modules came and went') or diag $steps->{storm}{err};
is_deeply([map { "$_->{finding} $_->{what}" } findings('watch')], [], 'and sockets, and nothing was found');
like($steps->{watch}{out}, qr/^[03]$/m, 'the status is 0, or that of what was not seen whole');

done_testing;
