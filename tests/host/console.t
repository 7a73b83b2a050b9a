#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What the tests see on a machine's console.
#
# Wrong in the world if this fails: a kernel oopses in a test, the test says that Linux had nothing
# to complain about, and so does everybody who reads it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use KS;
use Test::More;

my @complaints = (
	'[   12.3] general protection fault, probably for non-canonical address 0xdead4ead00000000: 0000 [#1] SMP',
	'[   12.3] kernel BUG at mm/slub.c:448!',
	'[   12.3] BUG kmalloc-64 (Tainted: G           OE     ): Redzone overwritten',
	'[   12.3] BUG: kernel NULL pointer dereference, address: 0000000000000008',
	'[   12.3] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:283',
	'[   12.3] WARNING: CPU: 0 PID: 71 at kernel/kthread.c:659 kthread_park+0x7c/0x90',
	'[   12.3] Oops: 0002 [#1] PREEMPT SMP NOPTI',
	'[   12.3] BUG: KASAN: use-after-free in ks_copy_process+0x3f/0x200',
	'[   12.3] UBSAN: array-index-out-of-bounds in core/ring.c:1:1',
	'[   12.3] list_del corruption. prev->next should be ffff888003a5c000',
	'[   12.3] refcount_t: underflow; use-after-free.',
);
my @others = (
	'[   12.3] watchdog: BUG: soft lockup - CPU#0 stuck for 26s!',
	'[   12.3] BUG: workqueue lockup - pool cpus=0 node=0',
	'[   12.3] traps: a.out[71] general protection fault ip:401000 sp:7ffe error:0',
	'(XEN) [   12.3] general protection fault, of a guest',
	'[   12.3] ksense: a module that is no complaint',
);
is_deeply([KS::splats(join "\n", @complaints, @others)], \@complaints, 'each complaint is seen, and nothing else');

done_testing;
