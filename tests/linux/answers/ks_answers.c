// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_answers.c - answers in Xen's place when the module ksense asks it for a domain, for
 * tests/linux/domains.t.
 *
 *	echo ANSWER >/sys/module/ks_answers/parameters/answer
 *
 * back: for each domain behind the first, that there is one, and it is domain 0 again.
 * many: two domains, where one was asked for.
 * last: behind domain 0 there is one whose id is the highest of all.
 * 0x15, 0x16, 0xff: what Xen says, as if its interface were of that version.
 * Any other: what Xen says.  It has to be asked so once, first.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

/* As Xen's sysctl.h has it, up to what is of use here; a domain begins with its id. */
struct sysctl {
	uint32_t cmd, interface_version;
	uint16_t first_domain;
	uint32_t max_domains;
	uint64_t buffer;
	uint32_t num_domains;
};

static char answer[8] = "xen";
module_param_string(answer, answer, sizeof(answer), 0600);

/* Of Xen's interface: the one that it has, and one that no Xen has. */
static uint32_t version;
#define NO_VERSION 0

struct call {
	struct sysctl *sysctl;
	uint32_t version;
	uint16_t first;
};

static int on_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct call *call = (struct call *)instance->data;
	unsigned int wanted;

	call->sysctl = (struct sysctl *)regs->di;
	call->first = call->sysctl->first_domain;
	call->version = call->sysctl->interface_version;
	if (!kstrtouint(answer, 0, &wanted))
		call->sysctl->interface_version = wanted == call->version ? version : NO_VERSION;
	return 0;
}

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct call *call = (struct call *)instance->data;
	uint16_t *domid = (uint16_t *)(unsigned long)call->sysctl->buffer;

	if (sysfs_streq(answer, "xen") && !regs->ax)
		version = call->version;
	if (sysfs_streq(answer, "many"))
		call->sysctl->num_domains = 2;
	if (!call->first)
		return 0;
	if (sysfs_streq(answer, "back") || sysfs_streq(answer, "last")) {
		*domid = sysfs_streq(answer, "back") ? 0 : 0xffff;
		call->sysctl->num_domains = 1;
		regs->ax = 0;
	}
	return 0;
}

static struct kretprobe asked = {
	.kp.symbol_name = "ksense:ks_ask_xen",
	.entry_handler = on_entry,
	.handler = on_return,
	.data_size = sizeof(struct call),
	.maxactive = 4,
};

static int __init ks_answers_start(void)
{
	return register_kretprobe(&asked);
}

static void __exit ks_answers_stop(void)
{
	unregister_kretprobe(&asked);
}

module_init(ks_answers_start);
module_exit(ks_answers_stop);

MODULE_DESCRIPTION("tests of ksense: a Xen whose list of domains is none");
MODULE_LICENSE("GPL");
