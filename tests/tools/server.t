#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Wrong in the world if this fails: a server that crashes, hangs or lies makes ksense hang, crash,
# or report something as true that nobody said.
#
# Servers of our own do what a real one never does.  Each case must end with 3 and a message, and
# with what came before it shown.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use ToolTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $record = '{"seq":0,"time":1500000000,"probe":"p","kind":"k","value":1}';

sub reply {
	my ($nonce, @elements) = @_;
	return qq({"Virtue-protocol-version":0.1,"reply":[) . join(',', "\"$nonce\"", @elements) . "]}\n";
}

# What ksense does with a server that answers with these bytes, and then closes.
sub answered {
	my ($answer, @args) = @_;
	my $path = fake_server(sub {
		my ($client, $line, $nonce) = @_;
		syswrite($client, ref $answer ? $answer->($nonce) : $answer);
	});
	return run('--socket', $path, @args);
}

my $got;

# --- gone
for my $case (['before its reply', sub { '' }, 0], ['in a line', sub { reply($_[0], '"p"', $record) . '{"Virtue' }, 1],
	      ['between two lines', sub { reply($_[0], '"p"', $record) }, 1],
	      ['in raw bytes', sub { reply($_[0], '"p"', '{"seq":0,"b":{"type":"raw","length":10}}') . '123' }, 0]) {
	my ($when, $answer, $records) = @$case;
	$got = answered($answer, 'records');
	is($got->{status}, 3, "the server is gone $when");
	like($got->{err}, qr/^ksense: .*connection/, 'that is told');
	is(scalar(lines($got)), $records, 'and what had come is shown');
	is(answered($answer, '--table', 'records')->{out} =~ /^k of p: 1 record$/m ? 1 : 0, $records,
		'in a table too');
}

# --- lies
for my $case (['no JSON', "hello\n"], ['JSON that is no object', "[1]\n"],
	['an object that is no reply', "{\"a\":1}\n"],
	      ['an empty line', "\n"], ['a reply that is no array', "{\"reply\":1}\n"],
	      ['an empty reply', "{\"reply\":[]}\n"],
	      ['a nonce alone', sub { reply($_[0]) }], ['no strict JSON', sub { reply($_[0], 'p') }],
	      ['another nonce', sub { reply('ffffffffffffffffffffffffffffffff', '"p"') }],
	      ['no nonce', sub { "{\"reply\":[1,\"p\"]}\n" }],
	      ['four elements', sub { reply($_[0], '"p"', $record, '1') }],
	      ['a record that is a number', sub { reply($_[0], '"p"', '1') }],
	      ['something behind it', sub { reply($_[0], '"p"') =~ s/\n/ x\n/r }],
	      ['a line of 100 kB', '{"' . 'x' x 100000 . "\":1}\n"], ['a line without end', '[' x 200000],
	      ['deep nesting', sub { reply($_[0], '"p"', '{"a":' . '[' x 40 . ']' x 40 . '}') }],
	      ['2^62 raw bytes', sub { reply($_[0], '"p"', '{"b":{"type":"raw","length":4611686018427387904}}') }],
	      ['a key twice', sub { reply($_[0], '"p"', '{"a":1,"a":2}') }],
	          ['invalid UTF-8', sub { reply($_[0], "\"\xff\"") }]) {
	my ($what, $answer) = @$case;
	for my $form ('--json', '--table') {
		$got = answered($answer, $form, 'records');
		is($got->{status}, 3, "$what ($form): no answer");
		is($got->{signal}, 0, 'no crash');
		like($got->{err}, qr/^ksense: [^\n]+\n$/, 'a message');
	}
}
for my $command (qw(status discovery low)) {
	is(answered("{}\n", $command)->{status}, 1, "a session that is refused ($command)");
	is(answered("\0\n", $command)->{status}, 3, "a NUL ($command)");
	isnt(answered(sub { reply($_[0], '"discovery"', '[1,[2],[],["a"]]') }, '--table', $command)->{signal}, 11,
	     "a wrong list ($command)");
	isnt(answered(sub { reply($_[0], '"status"', '{"probes":[1,{"level":[]}],"uuid":null}') }, '--table',
		$command)->{signal}, 11,
	     "a wrong status ($command)");
}

# --- records that do not fit: each is a row, and the others are there
my @odd = (
	'{"seq":0,"time":1500000000,"probe":"p","kind":"k","position":18446744073708998656,"mtime":-86400,"name":"a"}',
	'{"seq":1,"time":1500000000,"probe":"p","kind":"k","position":5,"mtime":-9223372036854775808,' .
		'"name":"18446744073708998656","old":{"position":18446744073709551615,"mtime":-1}}',
	'{"seq":2,"time":-1500000000,"probe":"p","kind":"k","position":-9223372036854775809,"mtime":1e999,' .
		'"name":"\"position\":18446744073708998656,\\\\"}',
	'{"seq":3,"time":18446744073709551615,"probe":"p","kind":"k","position":[1,18446744073709551615,null],' .
		'"mtime":0,"name":"c"}',
	'{"seq":4,"time":1500000000,"probe":"p","kind":"k","a\u0000b":1,"position":7,"mtime":0,"name":"d\u0000"}',
	'{"seq":5,"time":1500000000,"probe":"p","kind":"k","position":8,"mtime":0,"name":"last"}',
	'{"seq":6,"time":1500000000,"probe":"p","kind":"lost","first":1,"last":18446744073709551615,' .
		'"count":18446744073709551615}');
my $odd = sub { join('', map { reply($_[0], '"p"', $_) } @odd) . reply($_[0], '"p"') };
$got = answered($odd, '--table', 'records');
is($got->{status}, 0, 'numbers that are large, negative or none, and a NUL in a name: all are shown');
is($got->{err}, '', 'and nothing is complained of');
like($got->{out}, qr/^k of p: 6 records$/m, 'each has its row');
my @rows = $got->{out} =~ /^ +(\d .*)$/mg;
is(scalar(@rows), 6, 'none is left out') or diag $got->{out};
like($rows[0], qr/^0 +1\.500 +18446744073708998656 +-86400 +a$/, 'beyond 63 bits, and a date before 1970');
like($rows[1], qr/^1 +1\.500 +5 +-9223372036854775808 +18446744073708998656 .*position=18446744073709551615 mtime=-1$/,
	'the least, and in what was');
like($rows[2], qr/^2 +-1\.500 +-9223372036854775809 +1e999 +"\\"position\\":18446744073708998656,\\\\"$/,
	'below 63 bits, and a string that begins with a quote is in quotes');
like($rows[3], qr/^3 +18446744073709551615 +\[1,"18446744073709551615",null\] +0 +c$/, 'in a list');
like($rows[4], qr/^4 +1\.500 +7 +0 +"d\\u0000" +a member with a NUL in its name$/, 'what cannot be shown says so')
	or diag $got->{out};
like($rows[5], qr/^5 +1\.500 +8 +0 +last$/, 'and what comes behind it is there');
like($got->{out}, qr/^LOST: 18446744073709551615 records of p \(seq 1 to 18446744073709551615\)/m, 'a loss, too');
$got = answered($odd, '--table', 'records', '--follow', '--max', 7);
is($got->{status}, 0, 'following, too') or diag $got->{err};
is(scalar(lines($got)), 7, 'each is a line');
like($got->{out}, qr/^1\.500 p k seq=0 position=18446744073708998656 mtime=-86400 name=a$/m, 'with the number');
like($got->{out}, qr/^18446744073709551615 p k seq=3/m, 'and the time');
is(answered($odd, 'records')->{out}, join('', map { "$_\n" } @odd), 'for scripts they are what the sensor wrote');
my $many = '{"name":"p","state":"on","runs":18446744073709551615,"last_run_ns":18446744073709551615}';
$got = answered(sub { reply($_[0], '"status"', $many) }, '--table', 'status', 'p');
is($got->{status}, 0, 'a status');
like($got->{out}, qr/^p +on .* 18446744073709551615 +9223372037s /m, 'with such numbers');

# --- more members than a table has columns: none is dropped without a word
sub members { return '{"probe":"p","kind":"k","class":"event","epoch":1,"pass":1,"old":{"a":1},' .
	join(',', map { qq("m$_":$_) } $_[0] .. $_[1]) . '}' }
$got = answered(sub { reply($_[0], '"p"', members(1, 55)) . reply($_[0], '"p"') }, '--table', 'records');
like($got->{out}, qr/^k of p: 1 record\n *m1 .* m55 was\n *1 .* 55 a=1$/m,
	'a record with all the members that one can have: each is a column');
unlike($got->{out}, qr/more/, 'and there are no more');
$got = answered(sub {
	my $n = shift;
	join('', map { reply($n, '"p"', members(50 * $_ + 1, 50 * $_ + 50)) } 0 .. 5) . reply($n, '"p"');
}, '--table', 'records');
my @cells = map { [split] } lines($got);
is($cells[1][255], 'm256', 'up to 256 columns');
is_deeply([@{$cells[1]}[256 .. $#{$cells[1]}]], ['was', '(more)'], 'and two that say what has none');
like((lines($got))[6], qr/ 201 .* 250 +a=1$/, 'a row that has all');
like((lines($got))[7], qr/ a=1 44 members: --json shows all$/, 'and one that has not') or diag((lines($got))[7]);

# --- escape sequences of a terminal in what the server says
$got = answered(sub { reply($_[0], '"error"', '{"code":"target","message":"\\u001b[31mred"}') }, 'low');
is($got->{status}, 1, 'an error with a message');
unlike($got->{err}, qr/\e/, 'that does the terminal no harm');
unlike(answered("\e[31m\n", 'low')->{err}, qr/\e/, 'nor does garbage');
$got = answered(sub { reply($_[0], '"\\u001b[31m"') }, '--table', 'low');
unlike($got->{out}, qr/\e/, 'nor a level');
for my $command ('records', 'status', 'discovery') {
	$got = answered(sub {
		my ($nonce) = @_;
		my ($e, $c) = ('\\u001b[31m', "\xc2\x9b31m");
		my %body = (
			records => qq({"seq":0,"kind":"k$e$c","probe":"$c$e","n$e$c":"$c$e","old":{"a$e$c":"$e$c"}}),
			status => qq({"name":"$e","state":"$c","uuid":"$e",) .
				qq("probes":[{"name":"$c$e","last_error":"$c$e"}]}),
			discovery => qq([["$c$e","$c$e"]]),
		);
		return reply($nonce, "\"$command\"", $body{$command}) .
			($command eq 'records' ? reply($nonce, '"*"') : '');
	}, '--table', $command);
	is($got->{status}, 0, "escape sequences in $command");
	unlike($got->{out}, qr/\e|\xc2\x9b/, 'do not reach the terminal');
}
$got = answered(sub { reply($_[0], '"error"', '{"code":"new-code","message":"m"}') }, 'low');
is($got->{status}, 1, 'an error whose code is unknown is an error');
is($got->{err}, "ksense: new-code: m\n", 'with its code and message');

# --- slow
my $path = fake_server(sub { sleep 5 });
my $start = time;
$got = run('--socket', $path, '--timeout', '0.3', 'status');
is($got->{status}, 3, 'no answer in time');
like($got->{err}, qr/did not answer within 0\.3 s; --timeout waits longer$/m, 'is told');
cmp_ok(time - $start, '<', 3, 'in time');
{
	local $ENV{KSENSE_TIMEOUT} = '0.3';
	$got = run('--socket', $path, 'status');
	like($got->{err}, qr/did not answer within 0\.3 s/, 'KSENSE_TIMEOUT is the default');
	$got = run('--socket', $path, '--timeout', '0.4', 'status');
	like($got->{err}, qr/did not answer within 0\.4 s/, 'but --timeout counts more');
	$ENV{KSENSE_TIMEOUT} = 'never';
	$got = run('--socket', $path, 'status');
	is($got->{status}, 2, 'what is no time is an error');
	like($got->{err}, qr/KSENSE_TIMEOUT takes seconds/, 'which is named');
}

$path = fake_server(sub {
	my ($client, $line, $nonce) = @_;
	for my $byte (split //, reply($nonce, '"p"', '{"seq":0,"b":{"type":"raw","length":3}}') . "\n\0\n" .
			reply($nonce, '"p"')) {
		syswrite($client, $byte);
		sleep 0.003;
	}
});
$got = run('--socket', $path, 'records', '--raw');
is($got->{status}, 0, 'an answer byte by byte');
is($got->{out}, "{\"seq\":0,\"b\":{\"type\":\"raw\",\"length\":3}}\n\n\0\n",
	'is put together, raw bytes behind their line');

# --- two records with raw bytes, in one piece; in a table they are hex digits
$got = answered(sub {
	join('', map { reply($_[0], '"p"', qq({"seq":$_,"kind":"k","b":{"length":2,"type":"raw"}})) . '{' . chr($_) }
		0, 255) . reply($_[0], '"p"')
}, '--table', 'records', '--raw');
like($got->{out}, qr/ 0 7b00\n *255 7bff\n/, 'raw bytes in a table');

# --- what is asked
my $log = "$dir/log";
$path = fake_server(sub {
	my ($client, $line, $nonce) = @_;
	open(my $out, '>', $log);
	print $out $line;
	close $out;
	syswrite($client, reply($nonce, '"x"'));
});
run('--socket', $path, 'records', "a\"b\\\xc3\xbc", '--run', '--announce', '--raw', '--peek',
    '--since', '18446744073709551615', '--max', 7,
    map { ('--filter', $_) } 'a=b=c', 'n=-1.5e3', 't=true', 'z=null', 's="1"', 'e=');
my $request = JSON::PP->new->utf8->allow_bignum->decode(slurp($log))->{request};
like($request->[0], qr/^[0-9a-f]{32}$/, 'a nonce');
is($request->[2], "a\"b\\\x{fc}", 'a target with everything in it');
my $options = $request->[3];
is("$options->{since}", '18446744073709551615', 'numbers of 64 bits');
is($options->{max}, 7, 'max');
ok($options->{$_}, $_) for qw(run announce raw peek);
like(slurp($log), qr/"filter": \{"a": "b=c", "n": -1\.5e3, "t": true, "z": null, "s": "1", "e": ""\}/, 'filters');
like(slurp($log), qr/^\{"Virtue-protocol-version": 0\.1,/, 'in the version that every server speaks');

done_testing;
