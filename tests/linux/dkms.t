#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The sources that `make install-dkms` installs are what DKMS builds the module from.
#
# Wrong in the world if this fails: after the next update of the kernel, or of the compiler, which
# may warn of what the one before did not, there is no sensor.  DKMS has trees of its own here, and
# does not sign.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use File::Temp;
use Test::More;

my $dir = File::Temp->newdir;
my ($version) = `cat $root/core/version.h` =~ /KS_VERSION "(.*)"/;
chomp(my $kernel = `cat $build/vm/kernel/release`);
local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
local $ENV{sign_file} = '/nonexistent';
local $ENV{MAKEFLAGS} = '';

my $installed = `make -s -C $root install-dkms DESTDIR=$dir 2>&1`;
is($?, 0, 'the sources are installed') or diag $installed;
# As a newer compiler might find something.
open my $source, '>>', "$dir/usr/src/ksense-$version/core/siphash.c" or die;
print $source "static void of_no_use(void) { }\n";
close $source;
mkdir "$dir/tree";
my $built = `dkms build ksense/$version -k $kernel --sourcetree $dir/usr/src --dkmstree $dir/tree --no-depmod 2>&1`;
is($?, 0, 'DKMS builds them, even if a compiler warns of something') or diag $built;
my ($log) = glob "$dir/tree/ksense/$version/$kernel/*/log/make.log";
like(`cat \Q$log\E`, qr/warning: .*of_no_use/, '(as it does)') if $log;
my ($module) = glob "$dir/tree/ksense/$version/$kernel/*/module/ksense.ko*";
ok($module, 'to a module') or diag $built;
like(`modinfo -F vermagic $module`, qr/^\Q$kernel\E /, 'for that kernel');
like(`modinfo -F version $module`, qr/^\Q$version\E$/, 'of that version');
my %described = map { /^(\w+):(\S.*)/ ? ($1 => $2) : () } split /\n/, `modinfo -F parm $module`;
ok($described{$_}, "modinfo tells what the parameter $_ is") for qw(sense socket);

# For other kernels there is one sentence, from DKMS and without it.
my ($headers, $sources) = ("/usr/src/linux-headers-$kernel", "$dir/usr/src/ksense-$version");
my %refused = (
	"make -C $headers M=$sources VERSION=5 PATCHLEVEL=10 modules" =>
		qr/\*\*\* ksense is for Linux 6\.1 and newer, and this kernel is 5\.10\./,
	"make -C $headers M=$sources CONFIG_X86_32=y modules" =>
		qr/\*\*\* ksense is for Linux on x86-64, and this kernel is for another machine\./,
	"dkms build ksense/$version -k 5.10.0-1-amd64 --kernelsourcedir $headers --sourcetree $dir/usr/src " .
		"--dkmstree $dir/tree --no-depmod" => qr/BUILD_EXCLUSIVE/,
);
for my $command (sort keys %refused) {
	my $said = `$command 2>&1`;

	isnt($?, 0, "refused: $command");
	like($said, $refused{$command}, 'with the reason');
	unlike($said, qr/error:/, 'and nothing was compiled');
}

done_testing;
