// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_slow.c - a network namespace takes as long to be made as somebody likes, as it does while
 * very many are made; a process that is to have one is half made until then.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <net/net_namespace.h>

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "as long as this is true, no namespace is ready");
static int waiting;
module_param(waiting, int, 0444);
MODULE_PARM_DESC(waiting, "for how many namespaces somebody waits");

static int __net_init wait_for_it(struct net *net)
{
	waiting++;
	while (READ_ONCE(hold))
		msleep(20);
	waiting--;
	return 0;
}

static struct pernet_operations slow = { .init = wait_for_it };

static int __init ks_slow_start(void)
{
	return register_pernet_subsys(&slow);
}

static void __exit ks_slow_end(void)
{
	unregister_pernet_subsys(&slow);
}

module_init(ks_slow_start);
module_exit(ks_slow_end);
MODULE_DESCRIPTION("makes network namespaces slowly, for the tests of ksense");
MODULE_LICENSE("GPL");
