// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_domain.c - leaves one domain out of the lists that Xen gives to Dom0's programs.
 *
 *	echo DOMID >/sys/module/ks_domain/parameters/domid      (0: none)
 *	echo DOMID >/sys/module/ks_domain/parameters/kernel     (0: none)
 *	echo 1 >/sys/module/ks_domain/parameters/refuse         (0: no more)
 *
 * The first leaves it out for Dom0's programs, the second for the module ksense, which asks from
 * within the kernel; that one ends with the module, and is ordered again once it is back.  With
 * the third, programs are told what Xen tells those that were made for another release of it.
 *
 * Never load it on a machine that matters.  The structures are Xen's (public/sysctl.h, domctl.h,
 * interface version 0x15).
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
static bool refuse;
module_param(refuse, bool, 0600);

struct call {
	struct sysctl __user *sysctl;
};

static int on_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct privcmd_hypercall hypercall;
	struct call *call = (struct call *)instance->data;

	call->sysctl = NULL;
	if ((domid || refuse) && regs->si == IOCTL_PRIVCMD_HYPERCALL &&
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

	if (!call->sysctl || copy_from_user_nofault(&sysctl, call->sysctl, sizeof(sysctl)) ||
	    sysctl.cmd != GETDOMAININFOLIST)
		return 0;
	if (refuse)
		regs->ax = (unsigned long)-EACCES;
	else if (!regs_return_value(regs))
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

/* === For the module ksense ============================================== */

/* What probes/linux/domains.c and probes/set.h have for a domain, and for the end. */
#define DOMAIN 1
#define SET_END (-1L)

static int kernel_domid;

struct step {
	const uint16_t *domid;  /* of the item that is filled in */
};

static int on_step(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	((struct step *)instance->data)->domid = (const uint16_t *)regs->dx;
	return 0;
}

/* Those with higher ids are gone with it. */
static int on_stepped(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct step *step = (struct step *)instance->data;

	if ((int)regs->ax == DOMAIN && *step->domid == kernel_domid)
		regs->ax = SET_END;
	return 0;
}

static struct kretprobe steps;

static int set_kernel(const char *text, const struct kernel_param *param)
{
	static bool there;
	int error = kstrtoint(text, 0, &kernel_domid);

	if (there)
		unregister_kretprobe(&steps);
	there = false;
	if (error || !kernel_domid)
		return error;
	steps = (struct kretprobe){
		.kp.symbol_name = "ksense:domains_next",
		.entry_handler = on_step, .handler = on_stepped, .data_size = sizeof(struct step), .maxactive = 16,
	};
	error = register_kretprobe(&steps);
	there = !error;
	return error;
}

static const struct kernel_param_ops kernel_ops = { .set = set_kernel, .get = param_get_int };
module_param_cb(kernel, &kernel_ops, &kernel_domid, 0600);

static int __init ks_domain_start(void)
{
	return register_kretprobe(&probe);
}

static void __exit ks_domain_stop(void)
{
	set_kernel("0", NULL);
	unregister_kretprobe(&probe);
}

module_init(ks_domain_start);
module_exit(ks_domain_stop);

MODULE_DESCRIPTION("lab of ksense: a domain that no list shows");
MODULE_LICENSE("GPL");
