#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The probe dom0-roots: every page-table root that Dom0 uses, against what Dom0's kernel
# says of its processes.
#
# Wrong in the world if this fails: a process that hides in Dom0 has no root in Xen's census,
# so nothing is left that shows it; or the census has roots that no process has, and
# everybody is suspected.
#
# The judge is the module's probe "processes".  Both are asked by a `ksense raw` that was started
# before, through FIFOs, and the shell starts nothing between the two questions: so the processes
# are the same for both.  An awk, started before as well, keeps the replies and tells the shell of
# each one's end: the shell itself would read them byte by byte.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my $storm = $ENV{KS_STORM_SECONDS} // 5;
my $run = { run => JSON::PP::true };
my $roots = request('records', 'dom0-roots', $run);
my $processes = request('records', 'processes', { run => JSON::PP::true, filter => { kind => 'process' } });
my $common = <<"SH";
module=/run/ksense/kernel.sock
insmod ksense.ko sense=ring=1M
# ask NUMBER REQUEST: puts it to that client, and waits until the line that closes the reply is in
# its file, got4 or got6.  Starts no process.
ask() {
	echo "\$2" >&\$1
	read -r line <&\$((\$1 + 1))
}
# client NUMBER OPTION...: it is asked by the descriptor NUMBER, and its answers' ends are on the
# next.
client() {
	number=\$1; shift
	mkfifo in\$number raw\$number end\$number
	ksense "\$@" raw <in\$number >raw\$number &
	client=\$!
	awk '{ print >>"got'\$number'" }
		/"reply":\\["$nonce","[^"]*"\\]}\$/ { fflush("got'\$number'"); print "end"; fflush() }' \\
		<raw\$number >end\$number &
}
client 4 --xen; xen=\$client
exec 4>in4 5<end4
client 6 --socket \$module; linux=\$client
exec 6>in6 7<end6
replies() { cat got4 got6; : >got4; : >got6; }
both() {
	ask 4 '$roots'
	ask 6 '$processes'
	replies
}
SH
my @options = ('--timeout', 900, '--smp', 2, '--one-thread', map { ('--add', $_) } $KS::module,
	"$KS::test_modules/hide/ks_hide.ko", "$build/tests/forks");
my $steps = boot(<<"SH", @options);
$common
hide=/sys/module/ks_hide/parameters
i=0; while [ \$i -lt 40 ]; do sleep 10000 & i=\$((i + 1)); done
hidden=\$!
sleep 10000 & victim=\$!
sleep 1
insmod ks_hide.ko
step ids echo \$hidden \$victim
both >/dev/null
step census both
step again both

echo \$hidden >\$hide/table
step hidden both
step proc ls -d /proc/\$hidden
echo 0 >\$hide/table

# The shell's own, and reaped: its memory is given back.
end() { kill \$victim; wait \$victim; both; }
step exit end

ask 4 '@{[request('adversarial', 'dom0-roots')]}'
replies >/dev/null
./forks $storm >forks.out & forks=\$!
during() { while kill -0 \$forks 2>/dev/null; do ask 4 '$roots'; done; replies; }
step during during
step storm wait \$forks
step after both
step status ksense --json status dom0-roots

# More than have room in the ring.  Where the probe makes passes all the time, it goes on with the
# one that a reader waits for: what he is too slow to read is pushed out, and told as lost.  At
# "low" it rests, and the reader alone makes the steps.
ksense low dom0-roots >/dev/null
i=0; while [ \$i -lt 160 ]; do sleep 10000 & i=\$((i + 1)); done
ksense --json records dom0-roots --run >/dev/null
step many ksense --json records dom0-roots --run
SH

is($steps->{''}{status}, 0, 'Dom0 and Xen came through it') or diag $steps->{''}{err};
my ($hidden, $victim) = split ' ', $steps->{ids}{out};

# Of a step: Xen's roots, those of processes, and Dom0's record.
sub views {
	my ($step) = @_;
	my @records = records($steps->{$step});
	my %xen = map { $_->{frame} => $_ } grep { $_->{kind} eq 'root' && $_->{event} eq 'present' } @records;
	my %linux;
	for my $process (grep { $_->{kind} eq 'process' && $_->{event} eq 'present' && $_->{root} ne '0x0' }
			@records) {
		$linux{$process->{root}} = [$process->{pid}, 'kernel'];
		$linux{$process->{user_root}} = [$process->{pid}, 'user'];
	}
	my ($dom0) = grep { $_->{kind} eq 'dom0' } @records;
	my @vanished = grep { $_->{kind} eq 'root' && $_->{event} eq 'vanished' } @records;
	return { xen => \%xen, linux => \%linux, dom0 => $dom0 // {}, vanished => \@vanished };
}

sub only_in {
	my ($left, $right) = @_;
	return sort grep { !$right->{$_} } keys %$left;
}

# --- The same as the kernel's, but for the three that are the kernel's own
my $census = views('census');
is_deeply([@{$census->{dom0}}{qw(domid type complete frames)}], [0, 'PV', JSON::PP::true, 'machine'],
	'of a 64-bit paravirtual Dom0 it is complete');
is($census->{dom0}{pages}, 131072, "all of Dom0's 512 MiB were looked at");
cmp_ok(scalar(keys %{$census->{linux}}), '>', 80, 'there are processes to be found');
my @own = only_in($census->{xen}, $census->{linux});
is_deeply([only_in($census->{linux}, $census->{xen})], [], 'every root that a process has is one of these');
is(scalar(@own), 3, 'three more are there, which no process has') or diag "@own";
is(scalar(grep { !$census->{xen}{$_}{pinned} } keys %{$census->{xen}}), 0, 'all are pinned');
is($census->{dom0}{roots}, scalar(keys %{$census->{xen}}), 'and as many as are counted');
for my $step (qw(again exit after)) {
	my $view = views($step);
	is_deeply([only_in($view->{xen}, $view->{linux})], \@own, "$step: those three again, and no other");
	is_deeply([only_in($view->{linux}, $view->{xen})], [], "$step: none is missing");
}
is_deeply([grep { $census->{xen}{$_}{role} ne $census->{linux}{$_}[1] } sort keys %{$census->{linux}}], [],
	'the kernel root and the user root of each are told apart');
diag join ', ', map { "$_ ($census->{xen}{$_}{role})" } @own;

# --- Which vCPU has them loaded: at least those that run this
#
# Each root tells of the moment at which the census comes to it.  A vCPU that goes to another
# process meanwhile may be at none of them, so one census does not tell of each vCPU; all that
# were taken here do.
my %loaded = map { $_->{frame} . $_->{loaded} => $_ } grep { $_->{kind} eq 'root' && $_->{loaded} ne '' }
	map { records($steps->{$_}) } qw(census again hidden exit during after);
my %on = map { $_ => 1 } map { /-/ ? (0, 1) : split /,/ } map { $_->{loaded} } values %loaded;
is_deeply([sort keys %on], [0, 1], 'each vCPU has one loaded');
my @loaded = grep { $_->{loaded} ne '' } values %{$census->{xen}};
my ($seen) = grep { $_->{first_seen_ns} < $_->{last_seen_ns} } values %{$census->{xen}};
ok($seen && $seen->{last_seen_ns} <= $seen->{time}, 'and since when it is seen is told');

# --- A hidden process
sub roots_of { my ($view, $pid) = @_; return sort grep { $view->{linux}{$_}[0] == $pid } keys %{$view->{linux}} }
my @hidden = roots_of($census, $hidden);
is(scalar(@hidden), 2, 'a process has two roots');
my $view = views('hidden');
isnt($steps->{proc}{status}, 0, 'as it hides, /proc does not have it');
is_deeply([only_in($view->{xen}, $view->{linux})], [sort @own, @hidden], 'but its roots are there, and stand alone');

# --- One that ends
my @victim = roots_of($census, $victim);
my %vanished = map { $_->{frame} => $_ } @{views('exit')->{vanished}};
is_deeply([grep { $vanished{$_} } @victim], \@victim, 'the roots of one that ends vanish');
is_deeply([map { ($vanished{$_}{first_seen_ns} // 0) < ($vanished{$_}{last_seen_ns} // 0) } @victim], [1, 1],
	"with the time they were seen");

# --- Many that come and go
is($steps->{storm}{status}, 0, 'no process was harmed by the census');
my @during = records($steps->{during});
my %before = map { $_ => 1 } keys %{$census->{xen}};
cmp_ok(scalar(grep { $_->{kind} eq 'root' && !$before{$_->{frame}} } @during), '>=', 1,
	'a storm of processes was seen');
is(scalar(grep { $_->{kind} eq 'dom0' && !$_->{complete} } @during), 0, 'by whole censuses');
my ($status) = json($steps->{status});
is($status->{failures} + $status->{restarts}, 0, 'and the probe had no trouble');
is($status->{level}, 'adversarial', 'at the highest level');

# --- More than the ring holds: a fresh census is whole all the same
my @many = json($steps->{many});
cmp_ok(scalar(grep { $_->{kind} eq 'root' && $_->{event} eq 'present' } @many), '>', 400,
	'a fresh census of more than the ring holds comes whole');
is(scalar(grep { $_->{kind} eq 'lost' } @many), 0, 'and nothing of it is lost');

# --- A Dom0 that is not paravirtual
#
# It keeps its page tables to itself.  The client's own root is what its vCPU has loaded as it
# asks, unless something else came in between.
$steps = boot(<<"SH", '--pvh', '--timeout', 900, '--add', $KS::module);
$common
step clients echo \$xen \$linux
both >/dev/null
often() { for i in 1 2 3 4 5 6 7 8 9 10; do both; done; }
step sampled often
SH
is($steps->{''}{status}, 0, 'a PVH Dom0 came through it') or diag $steps->{''}{err};
my @sampled = records($steps->{sampled});
my ($dom0) = grep { $_->{kind} eq 'dom0' } @sampled;
is_deeply([@$dom0{qw(domid type complete frames)}], [0, 'PVH', JSON::PP::false, 'guest'],
	'of a PVH Dom0 it says that it only samples');
is(scalar(grep { $_->{kind} eq 'root' } @sampled), 0, 'and claims no root');
my ($client) = split ' ', $steps->{clients}{out};
my ($process) = grep { $_->{kind} eq 'process' && $_->{pid} == $client } @sampled;
my @samples = grep { $_->{kind} eq 'sample' } @sampled;
is(scalar(grep { $_->{event} ne 'present' || $_->{vcpu} != 0 } @samples), 0,
	'a sample of its vCPU, which is no event');
ok((grep { $_->{frame} eq $process->{root} } @samples) >= 1, 'as it asks, the root of the process that asks')
	or diag explain $process->{root}, [map { $_->{frame} } @samples];

done_testing;
