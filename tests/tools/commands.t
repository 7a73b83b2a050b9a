#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: an operator gives a command, and gets a wrong answer, none, or
# one that his script cannot read.
#
# Every command goes to the real server of the host port, for scripts and for people, and to a
# sensor in ksense's own process. "not ok" names the command; what it printed stands below.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use IO::Select;
use JSON::PP;
use Test::More;

my $uuid = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

sub touch {
	open(my $file, '>', "$folder/$_[0]") or die "$_[0]: $!";
	print $file $_[1] // '';
}

touch('one');
touch('two words');
touch("esc\e[31m");
my $socket = "$dir/socket";
my $server = start_server($socket);
my @s = ('--socket', $socket);
my ($got, @json);

# --- discovery
$got = run(@s, 'discovery');
is($got->{status}, 0, 'discovery: done');
@json = json_of($got);
is_deeply([map { $_->{name} } @json], ['host', 'folder', 'memory'], 'the sensor first, then the probes');
like($_->{uuid}, qr/^$uuid$/, "$_->{name} has a uuid") for @json;
is_deeply([sort keys %{$json[0]}], ['name', 'uuid'], 'and nothing else is said');
my %uuid = map { $_->{name} => $_->{uuid} } @json;
$got = run(@s, '--table', 'discovery');
like($got->{out}, qr/^NAME +UUID +IS\nhost +$uuid sensor\nfolder +$uuid probe\nmemory +$uuid probe\n$/, 'as a table');

# --- add, remove: the host port's probes have no lists; a server that plays one that has shows
# what is asked, and what is shown
for my $command ('add', 'remove') {
	$got = run(@s, $command, 'folder', '/etc');
	is($got->{status}, 1, "$command where there is no list is an error");
	like($got->{err}, qr/^ksense: argument: .*list/, 'that says so');
	is(run(@s, $command, 'nobody', '/etc')->{err} =~ /^ksense: target:/, 1, 'as nobody is');
	for my $form ('--json', '--table') {
		my $asked = "$dir/asked";
		my $path = fake_server(sub {
			my ($client, $line, $nonce) = @_;
			open(my $out, '>', $asked) or die;
			print $out $line;
			close $out;
			syswrite($client, qq({"Virtue-protocol-version":0.2,"reply":["$nonce","$command"]}\n));
		});
		$got = run('--socket', $path, $form, $command, 'files', "/a \"b\" \xc3\xa4");
		is($got->{status}, 0, "$command $form: done");
		my $line = JSON::PP->new->utf8->decode(slurp($asked));
		is($line->{'Virtue-protocol-version'}, 0.2, 'asked in version 0.2');
		is_deeply([@{$line->{request}}[1 .. 3]], [$command, 'files', "/a \"b\" \x{e4}"],
			'with the item as it is');
		if ($form eq '--json') {
			is_deeply([json_of($got)],
				[{ target => 'files', command => $command, item => "/a \"b\" \x{e4}" }],
				'and so is the answer');
		} else {
			is($got->{out}, "files: $command \"/a \\\"b\\\" \\u00e4\"\n", 'and so is the answer');
		}
	}
}

# --- the socket from the environment
{
	local $ENV{KSENSE_SOCKET} = $socket;
	is(run('discovery')->{status}, 0, 'KSENSE_SOCKET is the default');
	is(run('--socket', "$dir/nobody", 'discovery')->{status}, 3, 'but --socket counts more');
}

# --- records, read once
$got = run(@s, 'records', 'folder', '--run', '--filter', 'event=present');
is($got->{status}, 0, 'records: done');
@json = json_of($got);
is_deeply([sort grep { $_ ne '' } do { my %h = map { $_->{name} => 1 } @json; keys %h }],
	  ["esc\e[31m", 'one', 'two words'], 'the entries of the folder');
like((lines($got))[0], qr/^\{"seq":\d+,"time":\d+,"probe":"folder","kind":"entry"/, 'as the sensor wrote them');
unlike(run(@s, 'records', 'folder')->{out}, qr/"event":"present"/, 'nothing is given twice');

# --- peek, since, max, record, filters
run(@s, 'reset', '*');
$got = run(@s, 'records', 'folder', '--run', '--peek');
@json = json_of($got);
cmp_ok(scalar(@json), '>=', 3, 'peek shows records');
my @again = json_of(run(@s, 'records', 'folder', '--peek'));
is_deeply([@again[0 .. $#json]], \@json, 'and leaves them there');
my $last = $again[-1]{seq};
is_deeply([map { $_->{seq} } json_of(run(@s, 'records', 'folder', '--peek', '--since', $last))], [$last], '--since');
is_deeply([map { $_->{seq} } json_of(run(@s, 'records', 'folder', '--peek', '--max', 2))], [0, 1], '--max');
is_deeply([json_of(run(@s, 'records', 'folder', '--record', 1))], [$json[1]], '--record');
is(run(@s, 'records', 'folder', '--record', 99999)->{out}, '', '--record of one that is not there');
is_deeply([map { $_->{name} } json_of(run(@s, 'records', '--peek', '--max', 1, '--filter', 'name=two words'))],
	['two words'],
	  'a filter with a blank');
is_deeply([map { $_->{seq} } json_of(run(@s, 'records', 'folder', '--peek', '--filter', 'seq=1'))], [1], 'a number');
for my $white (' 1', "1\n", "\n\t 1 \r\n") {
	$got = run(@s, 'records', 'folder', '--peek', '--filter', "seq=$white");
	is($got->{err}, '', 'white space around a number is one request all the same');
	is_deeply([map { $_->{seq} } json_of($got)], [1], 'and does not count');
}
is(run(@s, 'records', 'folder', '--peek', '--filter', "name=one\n")->{out}, '',
	'around a string without quotes it does');
for my $case (["a= \"x\"\n", '"x"'], ["a=\ntrue ", 'true'], ["a=\tnull\r", 'null'],
	['a=18446744073708998656', '18446744073708998656'],
	      ["a= x\ny", '" x\ny"'], ["a=\n", '"\n"'], ['a=', '""'], ["a=1\n2", '"1\n2"'], ['a=" "', '" "'],
	      ["a=1\n]}\n{\"x\":1", '"1\n]}\n{\"x\":1"']) {
	my ($filter, $sent) = @$case;
	my $asked = "$dir/asked-filter";
	$got = run('--socket', fake_server(sub {
		my ($client, $line, $nonce) = @_;
		open(my $out, '>', $asked) or die;
		print $out $line;
		# Nothing comes behind the line.
		my $select = IO::Select->new($client);
		print $out readline($client) // '' if $select->can_read(0.1);
		close $out;
		syswrite($client, qq({"Virtue-protocol-version":0.1,"reply":["$nonce","*"]}\n));
	}), 'records', '--filter', $filter);
	is($got->{status}, 0, 'one answer to a filter with ' . ($filter =~ s/\s/_/gr)) or diag $got->{err};
	my ($value) = slurp($asked) =~ /"filter": \{"a": (.*)\}\}\]\}\n\z/;
	is($value, $sent, 'which was asked for in one line') or diag slurp($asked);
}
is(run(@s, 'records', 'folder', '--peek', '--filter', 'seq="1"')->{out}, '', 'a string that looks like a number');
is(run(@s, 'records', 'folder', '--peek', '--filter', 'name=one', '--filter', 'seq=77777')->{out}, '',
	'both must hold');
is_deeply([map { $_->{name} } json_of(run(@s, 'records', '--peek', '--max', 1, '--filter', 'name="one"'))], ['one'],
	'quoted');
is_deeply([json_of(run('records', @s, '--peek', 'folder', '--since=1', '--max', '1'))], [$json[1]],
	'options anywhere');
is_deeply([map { $_->{probe} } json_of(run(@s, 'records', $uuid{memory}, '--peek', '--max', 1))], ['memory'],
	'by uuid');

# --- tables of records
$got = run(@s, '--table', 'records', 'folder', '--peek', '--max', 3, '--filter', 'kind=entry');
like($got->{out}, qr/^entry of folder: 3 records\nseq +time event +name +type .*\n +1 +\d+\.\d{3} present /,
	'a table');
is(scalar(lines($got)), 5, 'a title, a heading and a line for each');
unlike($got->{out}, qr/\e/, 'what a file name says does not reach the terminal');
like(run(@s, '--table', 'records', 'folder', '--peek')->{out}, qr/ "esc\\u001B\[31m" /, 'but is shown');
like(run(@s, '--table', 'records', 'folder', '--filter', 'name=nothing')->{out}, qr/^no records$/, 'none');
run(@s, 'records', 'memory', '--run', '--peek');
like(run(@s, '--table', 'records', 'memory', '--peek')->{out}, qr/^baseline of memory.*\n.*\n.* [0-9a-f]{16}\.\.\.$/m,
     'a long hash is shortened');
like(run(@s, '--table', '--wide', 'records', 'memory', '--peek')->{out},
	qr/^baseline of memory.*\n.*\n.* [0-9a-f]{64}$/m,
     '--wide: it is not');
my @tables = run(@s, '--table', 'records', '--peek')->{out} =~ /^(\w+) of \w+: \d+ records?$/mg;
is_deeply([sort @tables], ['baseline', 'entry', 'sweep'], 'a table for each kind');

# --- what changed shows its former value
run(@s, 'records', 'folder', '--run');
touch('one', 'more');
run(@s, 'records', 'folder', '--run', '--peek');
like(run(@s, '--table', 'records', 'folder', '--peek', '--filter', 'event=changed')->{out},
     qr/ was\n.* changed +one .* 0x4 .* size=0x0 mtime_ns=0x[0-9a-f]+\n$/, 'the column "was"');

# --- levels
for my $step (['low', 'low'], ['decrease', 'low'], ['increase', 'default'], ['increase', 'high'],
	['increase', 'adversarial'],
	      ['increase', 'adversarial'], ['decrease', 'high'], ['default', 'default'], ['high', 'high'],
	      ['adversarial', 'adversarial']) {
	my ($command, $level) = @$step;
	is_deeply([json_of(run(@s, $command, 'folder'))],
		[{ target => 'folder', command => $command, level => $level }],
		  "$command: $level");
	is((json_of(run(@s, 'status', 'folder')))[0]{level}, $level, 'and status says so');
}
is_deeply([json_of(run(@s, 'decrease'))], [{ target => '*', command => 'decrease', level => 'mixed' }], 'mixed');
is(run(@s, '--table', 'low')->{out}, "all probes: level low\n", 'for a person');
is(run(@s, '--table', 'low', 'memory')->{out}, "memory: level low\n", 'for a person, of one');

# --- off, on, reset
is_deeply([json_of(run(@s, 'off', 'folder'))], [{ target => 'folder', command => 'off', state => 'off' }], 'off');
is((json_of(run(@s, 'status', 'folder')))[0]{state}, 'off', 'it is');
is_deeply([json_of(run(@s, 'on', 'folder'))], [{ target => 'folder', command => 'on', state => 'on' }], 'on');
for my $target ([], ['']) {
	is(run(@s, $_, @$target)->{status}, 2, "$_ without a target: usage") for qw(off reset);
}
is_deeply([map { $_->{state} } @{(json_of(run(@s, 'status')))[0]{probes}}], ['on', 'on'], 'and nothing is done');
is(run(@s, '--table', 'off', '*')->{out}, "all probes: off\n", 'for a person');
is_deeply([json_of(run(@s, 'reset', '*'))], [{ target => '*', command => 'reset' }], 'reset');
is(run(@s, '--table', 'reset', '*')->{out}, "all probes: reset\n", 'for a person');

# --- status
my ($status) = json_of(run(@s, 'status'));
is($status->{name}, 'host', 'status: of the sensor');
is_deeply([map { $_->{name} } @{$status->{probes}}], ['folder', 'memory'], 'with its probes');
is_deeply([map { $_->{state} } @{$status->{probes}}], ['on', 'on'], 'which the reset has turned on');
($status) = json_of(run(@s, 'status', 'memory'));
is($status->{name}, 'memory', 'status of a probe');
my $table = join '\n', 'sensor: name=host .* state=on level=default .*\n', 'NAME +STATE +LEVEL +INTERVAL.*',
	'folder +on +default .*', 'memory +on .*\n';
like(run(@s, '--table', 'status')->{out}, qr/^$table$/, 'as a table');
like(run(@s, '--table', 'status', 'memory')->{out}, qr/^NAME .*\nmemory .*\n$/, 'a table of one probe');

# --- what the sensor refuses
$got = run(@s, 'off', 'nobody');
is($got->{status}, 1, 'an unknown target: the sensor says error');
is($got->{err}, "ksense: target: no probe or sensor of that name or uuid\n" .
   "ksense: 'ksense discovery' lists the names\n",
   'with its code and message, and where to look');
is($got->{out}, '', 'and nothing else');
for my $how (['--peek'], ['--follow'], ['--follow', '--interval', 1]) {
	$got = run(@s, 'records', 'foldr', @$how);
	is($got->{status}, 1, "a typing error in a name: error; with @$how");
	like($got->{err}, qr/^ksense: target: .*\nksense: did you mean 'folder'\?\n$/, 'with the name that is near');
}
# A filter by what no record has as a member, or is: nothing fits, and why is said.
for my $filter (['kidn=entry', qr/has a member 'kidn'; did you mean 'kind'\?/], ['zebra=1', qr/has a member 'zebra'/],
		['kind=entyr', qr/is of the kind 'entyr'; did you mean 'entry'\?/],
		['kind=nothing', qr/is of the kind 'nothing'/]) {
	$got = run(@s, 'records', 'folder', '--filter', $filter->[0]);
	is_deeply([@$got{qw(status out)}], [0, ''], "no record fits $filter->[0]");
	like($got->{err}, qr/^ksense: no record of folder $filter->[1]\n\z/, 'and none can');
}
$got = run(@s, 'records', '--filter', 'kind=rood');
like($got->{err}, qr/^ksense: no record is of the kind 'rood'; did you mean 'root'\?\n\z/, 'of whichever probe');
$got = run(@s, 'records', 'folder', '--filter', 'kind=late');
is($got->{err}, '', 'what no record is at the moment, one may be later');
$got = run(@s, 'records', map { ('--filter', "m$_=1") } 1 .. 9);
is($got->{status}, 1, 'nine filters');
like($got->{err}, qr/^ksense: argument: /, 'are too many for it');
run(@s, 'off', '*');
like(run(@s, 'records', '--run')->{err}, qr/^ksense: argument: /, 'no fresh sample when all is off');
run(@s, 'on');

# --- a server that lets others only look
my $shy = start_server("$dir/shy", '--read-only');
is(run('--socket', "$dir/shy", 'records', '--peek')->{status}, 0, 'looking is allowed');
like(run('--socket', "$dir/shy", $_, '*')->{err}, qr/^ksense: denied: /, "$_ is denied") for qw(records off reset low);
like(run('--socket', "$dir/shy", 'records', '--peek', '--run')->{err}, qr/^ksense: denied: /, 'and a fresh sample');
sub present {
	return grep { $_->{pass} > 1 && ($_->{event} // '') eq 'present' }
		json_of(run('--socket', "$dir/shy", 'records', 'folder', '--peek'));
}
is(scalar(present()), 0, 'what the probe sees by itself is told once');
is(run('--socket', "$dir/shy", 'records', 'folder', '--peek', '--announce')->{status}, 0, 'but it may be asked');
ok(wait_until { present() }, 'to tell it all in a pass of its own');

# --- an abstract socket
start_server("\@ksense-test-$$");
is(run('--socket', "\@ksense-test-$$", 'discovery')->{status}, 0, 'an abstract socket');

# --- --host: a sensor in this process
for my $command (qw(discovery status records off on increase decrease low default high adversarial reset)) {
	my @all = $command =~ /^(off|reset)$/ ? '*' : ();
	$got = run('--host', '--folder', $folder, $command, @all);
	is($got->{status}, 0, "--host $command");
	cmp_ok(scalar(json_of($got)), '>', 0, 'has an answer') or diag($got->{err});
	is(run('--host', '--folder', $folder, '--table', $command, @all)->{status}, 0, 'for a person too');
}
ok(scalar(grep { ($_->{name} // '') eq 'one' } json_of(run('--host', '--folder', $folder, 'records', 'folder'))),
   '--host records takes a fresh sample');
isnt(run('--host', '--folder', $folder, 'records', 'folder', '--ring', 16384)->{status}, 2, '--ring');
utime -86400, -86400, "$folder/one" or die "$folder/one: $!";
for my $form ('--json', '--table') {
	like(run('--host', '--folder', $folder, $form, 'records', 'folder', '--filter', 'name=one')->{out},
	     qr/ one .*-0x4e94914f0000\b|"name":"one",.*"mtime_ns":"-0x4e94914f0000"/,
	         "a date before 1970 comes through ($form)");
}

# --- no sensor
$got = run('--host', '--folder', "$dir/nothing", 'records');
is($got->{status}, 3, 'no folder to look at');
like($got->{err}, qr{^ksense: cannot look at the folder \S+/nothing: No such file}, 'is told');
$got = run('--socket', "$dir/nobody", 'status');
is($got->{status}, 3, 'nobody listens');
like($got->{err}, qr/^ksense: no sensor listens at .*ksense-host --socket/, 'and the message says what to do');
for my $no_socket ('/etc/passwd', '/etc') {
	my $told = run('--socket', $no_socket, 'status');
	is($told->{status}, 3, "$no_socket is no socket");
	like($told->{err}, qr/^ksense: \Q$no_socket\E is not a UNIX stream socket: give/, 'which is said');
	unlike($told->{err}, qr/ksense-host/, 'and nobody is told to make one there');
}
$got = run('--socket', $folder, 'status');
is($got->{status}, 3, 'no socket');
is(run('--socket', 'x' x 200, 'status')->{status}, 2, 'a path that is too long for a socket is usage');
SKIP: {
	skip 'this is a Xen host', 3 if -e '/dev/xen/privcmd';
	$got = run('status');
	is($got->{status}, 3, 'no Xen');
	like($got->{err}, qr/xen-privcmd.*--socket/, 'and the message says what to do');
	is(scalar(split /\n/, $got->{err}), 1, 'in one line');
}

done_testing;
