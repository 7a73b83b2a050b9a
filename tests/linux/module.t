#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The module in Dom0, beside the sensor in Xen.
#
# Wrong in the world if this fails: the sensor cannot be loaded, serves somebody who is not root,
# leaves its socket behind or does not go.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $socket = '/run/ksense/kernel.sock';
my $steps = boot(<<"SH", '--add', $KS::module);
step load insmod ksense.ko
step mode stat -c '%a %F' $socket
step twice insmod ksense.ko
step discovery ksense --socket $socket --json discovery
step processes ksense --socket $socket --json records processes --run --filter event=present
step proc sh -c 'sleep 100 & echo \$!; ksense --socket $socket --json records processes --run --filter comm=sleep'
step unknown ksense --socket $socket records nothing
step xen ksense --xen --json discovery
step threads sh -c 'cat /proc/[0-9]*/comm | grep ksense'
step unload rmmod ksense
step gone sh -c 'ls /run/ksense; cat /proc/[0-9]*/comm | grep ksense'
step stale sh -c 'insmod ksense.ko sense=level=nonsense,ring=1,rign=8K'
step group insmod ksense.ko group=-5
step no-group insmod ksense.ko group=4294967295
step told dmesg
step large insmod ksense.ko group=4294967294
step large-mode stat -c '%g' $socket
rmmod ksense
step again sh -c '
	insmod ksense.ko sense=processes=off socket=\@ksense-test && ksense --socket \@ksense-test --json status'
step end rmmod ksense
SH

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
is($steps->{mode}{out}, "700 socket\n", 'its socket is for root alone');
isnt($steps->{twice}{status}, 0, 'it does not load twice');
is_deeply([map { $_->{name} } json($steps->{discovery})], ['ksense', probes_of('linux')], 'it tells what it has');

my %process = map { $_->{pid} => $_ } grep { $_->{kind} eq 'process' } json($steps->{processes});
is($process{2}{comm}, 'kthreadd', 'a thread of the kernel');
ok($process{2}{kernel}, 'is told as such');
ok($process{1} && !$process{1}{kernel}, 'and an ordinary process as that');
my ($pid, @lines) = split /\n/, $steps->{proc}{out};
my ($sleep) = grep { $_->{pid} == $pid } json({ %{$steps->{proc}}, out => join("\n", @lines) });
is($sleep->{comm}, 'sleep', 'a process that was just made is in a fresh sample') or diag $steps->{proc}{out};

is($steps->{unknown}{status}, 1, 'an error is answered');
is($steps->{xen}{status}, 0, "Xen's sensor answers beside it");
like($steps->{threads}{out}, qr{^ksense$}m, 'the sensor is a thread');
like($steps->{threads}{out}, qr{^ksense/processes$}m, 'and each probe one of its own, by name');
is($steps->{unload}{status}, 0, 'it goes');
is($steps->{gone}{out}, '', 'and leaves neither socket nor thread behind');
isnt($steps->{stale}{status}, 0, 'it does not load with a parameter that it does not understand');
my @mistakes = ('not understood: level=nonsense', 'out of bounds, taking 16K: ring=1', 'not understood: rign=8K');
my $mistakes = join '\n.*', map { "sense=: $_" } @mistakes;
like($steps->{told}{out}, qr/ksense: $mistakes$/m, 'and tells each mistake, not only the first')
	or diag $steps->{told}{out};
isnt($steps->{group}{status}, 0, 'nor for a group that there cannot be');
like($steps->{told}{out}, qr/ksense: group=-5: no group has that number$/m, 'which it tells');
isnt($steps->{'no-group'}{status}, 0, 'nor for the number that stands for none');
is($steps->{large}{status}, 0, 'of the others it takes each') or diag $steps->{large}{err};
is($steps->{'large-mode'}{out}, "4294967294\n", 'and the socket is that group\'s');
my ($status) = json($steps->{again});
is($status->{probes}[0]{state}, 'off', 'a probe may be off, and the socket abstract') or diag explain $steps->{again};
is($steps->{end}{status}, 0, 'it goes again');

done_testing;
