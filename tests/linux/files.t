#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe "files" says of each path what sha256sum and stat say, and what became of it.
#
# Wrong in the world if this fails: somebody changes /etc/passwd, or the program behind
# /bin/login, and nobody is told; or the probe can be made to hang, or to touch what it should
# not, by what lies at a path.
#
# The oracle is busybox, which asks the kernel by system calls where the probe looks from inside.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $socket = '/run/ksense/kernel.sock';
my $long = '/tmp/w/' . 'x' x 136;   # 143 bytes: the longest
my $worst = "/tmp/w/\x01" . "\x01" x 135;
my @odd = ("/tmp/w/back\\slash", "/tmp/w/\xff\xfe\xc3", "/tmp/w/bell\x07\x1b[31m", "/tmp/w/\xc3\xa9", $long, $worst);
my @kinds = qw(fifo directory device socket link dangling loop absent);
my @ours = (qw(changed touched mode vanishes appears big), @kinds);
my @pseudo = qw(/proc/sys/kernel/hostname /proc/self/maps /proc/version /sys/kernel/fscaps /sys/kernel/notes
		/proc/modules);
my $list = join(',', map({ "/tmp/w/$_" } @ours), @odd, @pseudo, 'relative/path', "${long}y");
my @more = map { "/tmp/w/more$_" } 1 .. 3;

sub hex_of { return unpack('H*', shift) }

# A request of version 0.2 that changes the list.
sub edit {
	my ($command, $item) = @_;
	return JSON::PP->new->canonical->encode({ 'Virtue-protocol-version' => 0.2,
		request => [$nonce, $command, 'files', $item] });
}

# What busybox knows of a path whose name comes as hex digits: links are followed,
# as the probe does.
my $script = <<"SH";
ask() { ksense --timeout 300 --socket $socket --json "\$@"; }
fresh() { ask records files --run; }
send() { printf '%s\\n' "\$1" | ksense --socket $socket raw; }
unhex() { printf "\$(printf %s "\$1" | sed 's/../\\\\x&/g')"; }
facts() {
	for hex; do
		path=\$(unhex \$hex)
		echo "\$hex|\$(stat -L -c '%s|%a|%u|%g|%i|%Y|%Z' "\$path")|\$(sha256sum <"\$path" | cut -d' ' -f1)"
	done
}

step load insmod ksense.ko
ask records files --run >defaults
step defaults cat defaults
step default-facts facts \$(sed -n 's/.*"path":"\\([^"]*\\)","state":"file".*/\\1/p' defaults | sort -u |
	while read path; do printf %s "\$path" | od -An -v -tx1 | tr -d ' \\n'; echo; done)
rmmod ksense

mkdir -p /tmp/w/directory
cd /tmp/w
echo one >changed; echo one >touched; echo one >mode; echo one >vanishes
chown 12:34 mode
touch -d '2001-02-03 04:05:06' changed
# Before 1970.
touch -d '1965-04-03 02:01:00' mode
truncate -s 65M big
mkfifo fifo; mknod device c 1 3; ln -s changed link; ln -s nowhere dangling; ln -s loop loop
@{[join "\n", map { 'echo odd >"$(unhex ' . hex_of($_) . ')"' } @odd]}
cd /root
insmod ksense.ko "files=\$(unhex @{[hex_of($list)]})"
ln -s $socket /tmp/w/socket
step first fresh
step first-facts facts \\
	@{[map { hex_of("/tmp/w/$_") } qw(changed touched mode vanishes link)]} \\
	@{[map { hex_of($_) } @odd, @pseudo[0, 2, 3, 4]]}
step big sh -c 'head -c 67108864 /tmp/w/big | sha256sum'
step quiet fresh

# Attributes are not trusted from high on; below, a time of change that moved is enough.
ask high files >/dev/null
watch_while() {
	rm -f watch.in watched; mkfifo watch.in
	./watch /tmp/w/changed <watch.in >watched & watch=\$!
	exec 3>watch.in
	until grep -qs watching watched; do sleep 0.1; done
	"\$@"
	exec 3>&-
	wait \$watch
	tail -n 1 watched
}
step watched-cat watch_while cat /tmp/w/changed
unnoticed() { fresh >unnoticed; }
step watched-sample watch_while unnoticed
step unnoticed cat unnoticed
echo two >/tmp/w/changed; touch -d '2001-02-03 04:05:06' /tmp/w/changed
touch /tmp/w/touched
chmod 4755 /tmp/w/mode
rm /tmp/w/vanishes
worst="\$(unhex @{[hex_of($worst)]})"; echo other >"\$worst"; chmod 4711 "\$worst"; chown 65535:65535 "\$worst"
echo here >/tmp/w/appears
rm /tmp/w/fifo; echo file >/tmp/w/fifo
echo ksense-test >/proc/sys/kernel/hostname
step changes fresh
step changes-facts facts \\
	@{[map { hex_of("/tmp/w/$_") } qw(changed touched mode appears)]} @{[hex_of('/proc/sys/kernel/hostname')]}
ask default files >/dev/null
echo abc >/tmp/w/changed; touch -d '2001-02-03 04:05:06' /tmp/w/changed
step default-level fresh

# The list at run time.
echo more >/tmp/w/more1
step add send '@{[edit('add', $more[0])]}'
step add-absent send '@{[edit('add', $more[1])]}'
step add-twice send '@{[edit('add', $more[0])]}'
step add-bad send '@{[edit('add', 'etc/passwd')]}'
step added fresh
step remove send '@{[edit('remove', $more[0])]}'
step remove-other send '@{[edit('remove', $more[2])]}'
step removed fresh
step status ask status
step end rmmod ksense
step log dmesg
SH

my $steps = boot($script, '--linux', map { ('--add', $_) } $KS::module, "$build/tests/watch");

# path => the last record about it; a path's bytes come as they were made, but for those that are
# no UTF-8 (U+0080.. by their number).
sub by_path {
	my ($name) = @_;
	my %by;

	for my $record (json($steps->{$name})) {
		my $path = $record->{path} // next;
		utf8::encode($path);
		$by{$path} = $record;
	}
	return \%by;
}

# Bytes that are no UTF-8 are told as the character of their number.
sub as_told {
	my ($bytes) = @_;
	my $text = $bytes;

	return $bytes if utf8::decode($text);
	$text = join '', map { chr } unpack('C*', $bytes);
	utf8::encode($text);
	return $text;
}

sub as_hex { return $_[0] < 0 ? sprintf('-0x%x', -$_[0]) : sprintf('0x%x', $_[0]) }

sub agrees {
	my ($name, $facts) = @_;
	my $told = by_path($name);
	my $count = 0;

	for my $line (split /\n/, $steps->{$facts}{out}) {
		my ($hex, $size, $mode, $uid, $gid, $inode, $mtime, $ctime, $sha256) = split /\|/, $line;
		my $path = pack('H*', $hex);
		my $record = $told->{as_told($path)};
		my $shown = $path =~ s/[^ -~]/?/gr;

		$count++;
		my @want = ($sha256, as_hex($size), $mode, $uid, $gid);
		my @have = $record ? @$record{qw(sha256 size mode uid gid)} : ('nothing');
		if ($path !~ m{^/(proc|sys)/}) {
			push @want, map { as_hex($_) } $inode, $mtime, $ctime;
			push @have, @$record{qw(inode mtime ctime)} if $record;
		} elsif ($record) {
			ok($record->{pseudo}, "$shown is told to be of a file system without contents of its own");
		}
		is("@have", "@want", "$shown is as sha256sum and stat have it");
	}
	return $count;
}

is($steps->{load}{status}, 0, 'it loads') or diag $steps->{load}{err};
my $defaults = by_path('defaults');
ok($defaults->{$_}, "by default, $_ is looked at")
	for qw(/etc/passwd /etc/shadow /bin/sh /proc/version /sys/kernel/notes);
cmp_ok(agrees('defaults', 'default-facts'), '>=', 10, 'several of the defaults are there');
is($defaults->{'/etc/shadow'}{state}, 'absent', 'what is not there is told as absent');

my $first = by_path('first');
is(agrees('first', 'first-facts'), 15, 'all of our own were asked for');
is($first->{"/tmp/w/$_"}{state}, $_, "a $_ is told as such, not opened") for qw(fifo directory device socket);
like($first->{'/tmp/w/mode'}{mtime}, qr/^-0x[0-9a-f]+$/, 'a date before 1970 comes through');
is($first->{'/tmp/w/link'}{sha256}, $first->{'/tmp/w/changed'}{sha256}, 'a link is followed');
is($first->{'/tmp/w/dangling'}{state}, 'absent', 'to nowhere, if it leads there');
is("@{$first->{'/tmp/w/loop'}}{qw(state error)}", 'error 40', 'and round in circles until the kernel gives up');
is("@{$first->{'/proc/self/maps'}}{qw(state error)}", 'error 95',
	'what cannot be read from inside the kernel is told as that');
unlike($steps->{log}{out}, qr/kernel_read not supported/, 'and not tried');
my $big = $first->{'/tmp/w/big'};
is($big->{hashed_bytes}, 64 << 20, 'of a large file the first 64 MB are read');
ok($big->{cut}, 'and that is told');
is($big->{sha256}, (split ' ', $steps->{big}{out})[0], 'with the hash of these');
is(scalar(keys %$first), @ours + @odd + @pseudo, 'nothing else is in the list');
like($steps->{log}{out}, qr/ksense: files=: not absolute, too long, or too many: relative\/path/,
	'a relative path is refused');
like($steps->{log}{out}, qr/ksense: files=: not absolute, too long, or too many: \Q${long}y\E/,
	'and one that is too long');
is((grep { $_->{event} ne 'present' && $_->{path} ne '/proc/modules' } json($steps->{quiet})), 0,
   'what holds still is present, and no more');

# Who hears when a file is read, or knows when one is read by what happens to another, has his own
# file in its place meanwhile.
like($steps->{'watched-cat'}{out}, qr/^events [1-9]/m, 'who watches a file hears that somebody reads it');
is(by_path('unnoticed')->{'/tmp/w/changed'}{event}, 'present', 'the probe reads it');
is($steps->{'watched-sample'}{out}, "events 0\n", 'and nobody hears of that');
my @orders = map { join "\n", map { $_->{path} } grep { ($_->{event} // '') eq 'present' }
	json($steps->{$_}) } qw(quiet unnoticed);
isnt($orders[0], $orders[1], 'another sample goes through the list in another order');
is(join("\n", sort split /\n/, $orders[0]), join("\n", sort split /\n/, $orders[1]), 'of the same files');

my $changes = by_path('changes');
my %event = map { $_ => $changes->{$_}{event} } keys %$changes;
agrees('changes', 'changes-facts');
my $changed = $changes->{'/tmp/w/changed'};
is($changed->{event}, 'changed', 'new content is a change');
ok($changed->{old}{sha256} && !exists $changed->{old}{mtime}, 'also when size and time of modification are as before');
is($changed->{old}{sha256}, $first->{'/tmp/w/changed'}{sha256}, 'and the old hash is told');
ok(!$changes->{'/tmp/w/touched'}{old}{sha256} && $changes->{'/tmp/w/touched'}{old}{mtime},
	'a new time alone is told as that');
is($changes->{'/tmp/w/mode'}{mode}, '4755', 'a new mode');
is($changes->{'/tmp/w/mode'}{old}{mode}, '644', 'beside the old one');
is("@{$changes->{'/tmp/w/vanishes'}}{qw(event state)}", 'changed absent', 'a file that went is absent');
is($changes->{'/tmp/w/vanishes'}{old}{state}, 'file', 'and was not before');
is($changes->{'/tmp/w/appears'}{old}{state}, 'absent', 'a file that came was absent');
is("@{$changes->{'/tmp/w/fifo'}}{qw(event state)}", 'changed file', 'another kind of thing is a change');
is($changes->{'/proc/sys/kernel/hostname'}{event}, 'changed', 'a setting of the kernel that changed is told');
is($changes->{$worst}{event}, 'changed', 'the record of a change has room for the longest name in its longest form');
my $default = by_path('default-level')->{'/tmp/w/changed'};
ok($default->{old}{sha256} && $default->{sha256} ne $changed->{sha256},
	'at default new content is seen by the time of the change');

SKIP: {
	skip('this sensor does not know the command "add" yet', 7)
		if $steps->{add}{out} =~ /"error"/ && $steps->{add}{out} !~ /argument/;
	is((reply($steps->{add}))[0][1], 'add', 'a path is added at run time');
	is((reply($steps->{'add-twice'}))[0][1], 'add', 'twice is no harm');
	is((reply($steps->{'add-bad'}))[0][2]{code}, 'argument', 'one that is not absolute is refused');
	my $added = by_path('added');
	is("@{$added->{$more[0]}}{qw(event state)}", 'present file', 'what was added is in the next sample');
	is("@{$added->{$more[1]}}{qw(event state)}", 'present absent', 'as absent, if it is');
	is((reply($steps->{'remove-other'}))[0][2]{code}, 'argument', 'what is not in the list cannot be removed');
	is(by_path('removed')->{$more[0]}{event}, 'vanished', 'what was removed has vanished from the list');
}
my ($status) = json($steps->{status});
my ($probe) = grep { $_->{name} eq 'files' } @{$status->{probes}};
is($probe->{last_error} // '', '', 'no record was too long, and no pass failed');
is($steps->{end}{status}, 0, 'it goes');
unlike($steps->{log}{out}, qr/BUG|WARNING|Call Trace/, 'and the kernel has nothing to complain about');

done_testing;
