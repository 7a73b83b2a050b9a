#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Where the module listens, and to whom.
#
# Wrong in the world if this fails: after a crash it does not start again, because its old socket
# is in the way; it leaves its socket behind when it goes; it takes the place of somebody who
# listens there, or removes a file that is no socket; or somebody who is not root is served.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $folder = '/run/ksense';
my $steps = boot(<<"SH", "--linux", map { ('--add', $_) } $KS::module, "$build/host/ksense-host");
echo user:x:1000:1000::/:/bin/sh >>/etc/passwd
cp /root/ksense /tmp; chmod 755 /tmp/ksense
as_user() { su -s /bin/sh user -c "\$*"; }
load() { insmod /root/ksense.ko socket=\$1; }

# A second name of a socket: after the end of the module nobody listens there.
step load load $folder/kernel.sock
step served ksense --socket $folder/kernel.sock discovery
ln $folder/kernel.sock $folder/stale
rmmod ksense
step stale-before sh -c 'stat -c %F $folder/stale; ksense --socket $folder/stale discovery'
step stale load $folder/stale
step stale-served ksense --socket $folder/stale discovery
step stale-mode stat -c '%a %u' $folder/stale
rmmod ksense
step stale-after ls $folder

# Who unloads stands elsewhere than who loaded, by another folder or another root directory.
cd /tmp
step elsewhere load here.sock
step elsewhere-there stat -c %F /tmp/here.sock
cd /
rmmod ksense
step elsewhere-after stat /tmp/here.sock
mkdir -p /tmp/jail/run && cp /root/ksense.ko /bin/busybox /tmp/jail
step jail chroot /tmp/jail /busybox insmod ksense.ko socket=/run/jailed.sock
step jail-there stat -c %F /tmp/jail/run/jailed.sock
rmmod ksense
step jail-after stat /tmp/jail/run/jailed.sock
cd /root

ksense-host --socket $folder/live & host=\$!
until ksense --socket $folder/live discovery >/dev/null 2>&1; do sleep 0.1; done
step live load $folder/live
step live-served ksense --socket $folder/live discovery
kill \$host
echo content >$folder/file
step file load $folder/file
step file-after cat $folder/file
mkdir $folder/fixed; mount -t tmpfs none $folder/fixed
load $folder/fixed/old; ln $folder/fixed/old $folder/fixed/stale; rmmod ksense
mount -o remount,ro $folder/fixed
step fixed load $folder/fixed/stale
umount $folder/fixed; rmdir $folder/fixed
step long load /\$(head -c 200 /dev/zero | tr '\\0' x)
step nowhere load /no/such/folder/socket
step nothing-loaded sh -c 'grep ksense /proc/modules; cat /proc/[0-9]*/comm | grep ksense'
step log dmesg

# Not root: by the mode of a file, and, where there is none, by who it is.
step by-mode load $folder/kernel.sock
step by-mode-user as_user /tmp/ksense --socket $folder/kernel.sock discovery
rmmod ksense
step abstract load \@ksense-test
step abstract-user as_user /tmp/ksense --socket \@ksense-test discovery
step abstract-root ksense --socket \@ksense-test discovery
rmmod ksense
SH

is($steps->{load}{status}, 0, 'it loads, and makes its folder') or diag $steps->{load}{err};
is($steps->{served}{status}, 0, 'and serves');
like($steps->{'stale-before'}{out}, qr/^socket/, 'a socket on which nobody listens any more');
is($steps->{'stale-before'}{status}, 3, '(nobody answers there)');
is($steps->{stale}{status}, 0, 'is replaced') or diag $steps->{stale}{err};
is($steps->{'stale-served'}{status}, 0, 'by one that answers');
is($steps->{'stale-mode'}{out}, "700 0\n", 'for root alone');
is($steps->{'stale-after'}{out}, '', 'and that is gone when the module is');

for my $place (qw(elsewhere jail)) {
	is($steps->{$place}{status}, 0, "$place: it loads") or diag $steps->{$place}{err};
	is($steps->{"$place-there"}{out}, "socket\n", "$place: its socket is there");
	isnt($steps->{"$place-after"}{status}, 0, "$place: and gone with the module, whoever unloads it");
}
isnt($steps->{live}{status}, 0, 'a socket on which somebody listens is not taken');
like($steps->{'live-served'}{out}, qr/host/, 'who goes on to serve there');
isnt($steps->{file}{status}, 0, 'a file that is no socket is not taken either');
is($steps->{'file-after'}{out}, "content\n", 'and stays as it is');
isnt($steps->{long}{status}, 0, 'nor a path that no socket can have');
isnt($steps->{nowhere}{status}, 0, 'nor one in a folder that is not there');
is($steps->{'nothing-loaded'}{out}, '', 'and nothing of the module stays');
like($steps->{log}{out}, qr/ksense: cannot listen on $folder\/live: error -98, somebody does already/,
	'the log says why');
like($steps->{log}{out}, qr/ksense: cannot listen on $folder\/file: error -88$/m, 'and, of what is no socket, that');
isnt($steps->{fixed}{status}, 0, 'a socket of nobody\'s that cannot be removed is not replaced');
like($steps->{log}{out}, qr/ksense: cannot listen on $folder\/fixed\/stale: error -30$/m,
	'and why, not that somebody listens there');

is($steps->{'by-mode'}{status}, 0, 'it loads again');
is($steps->{'by-mode-user'}{status}, 3, 'who is not root does not get to the socket');
is($steps->{abstract}{status}, 0, 'an abstract socket has no mode');
is($steps->{'abstract-user'}{status}, 1, 'who is not root is not served there');
like($steps->{'abstract-user'}{err}, qr/denied: /, 'and told why');
is($steps->{'abstract-root'}{status}, 0, 'root is');

done_testing;
