/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domains.h - what a Linux that is Xen's Dom0 asks of Xen: the list of domains.
 */
#ifndef KS_PROBES_LINUX_DOMAINS_H
#define KS_PROBES_LINUX_DOMAINS_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#ifdef CONFIG_XEN
#include <xen/xen.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>
#endif

struct ks_listed_domain {
	uint16_t domid;
	uint8_t uuid[16];
	uint32_t pages, max_pages, vcpus;
	uint64_t cpu_ns;
};

#if defined(CONFIG_XEN_DOM0) && defined(CONFIG_X86_64)

/*
 * XEN_SYSCTL_getdomaininfolist, as Xen's public sysctl.h and domctl.h have it in these versions of
 * the interface: 0x15 is Xen 4.17 to 4.20, 0x16 is Xen 4.21 to 4.23; Linux has no headers for it.
 * Xen refuses another version than its own with -EACCES, and a version that nobody has read may
 * have another list.
 */
#define KS_SYSCTL_FIRST 0x15
#define KS_SYSCTL_LAST 0x16
#define KS_SYSCTL_GETDOMAININFOLIST 6

struct ks_domaininfo {
	uint16_t domid, pad1;
	uint32_t flags;
	uint64_t tot_pages, max_pages, outstanding_pages, shr_pages, paged_pages, shared_info_frame, cpu_time;
	uint32_t nr_online_vcpus, max_vcpu_id, ssidref;
	uint8_t handle[16];
	uint32_t cpupool;
	uint8_t gpaddr_bits, pad2[7];
	uint32_t emulation_flags, misc_flags;
};

struct ks_sysctl {
	uint32_t cmd, interface_version;
	uint16_t first_domain;
	uint32_t max_domains;
	uint64_t buffer;
	uint32_t num_domains;
	/* the union that begins at first_domain has 128 bytes, and Xen writes all of it */
	uint8_t rest[128 - 20];
};
_Static_assert(sizeof(struct ks_sysctl) == 8 + 128, "Xen's struct xen_sysctl");
_Static_assert(sizeof(struct ks_domaininfo) == 112, "Xen's struct xen_domctl_getdomaininfo");

static inline bool ks_may_list_domains(void)
{
	return xen_initial_domain();
}

/* A function of its own, for tests that answer in Xen's place. */
static noinline __noclone long ks_ask_xen(struct ks_sysctl *sysctl)
{
	return privcmd_call(__HYPERVISOR_sysctl, (unsigned long)sysctl, 0, 0, 0, 0);
}

/* Asks in the version that this Xen has.  -EACCES: it has none of those. */
static inline long ks_ask_in_its_version(struct ks_sysctl *sysctl)
{
	static uint32_t version = KS_SYSCTL_LAST;
	long error = -EACCES;

	for (unsigned int i = KS_SYSCTL_FIRST; i <= KS_SYSCTL_LAST && error == -EACCES; i++) {
		sysctl->interface_version = version;
		error = ks_ask_xen(sysctl);
		if (error == -EACCES)
			version = version == KS_SYSCTL_FIRST ? KS_SYSCTL_LAST : version - 1;
	}
	return error;
}

/*
 * The first domain whose id is @from or more: 1 and *@item, or 0: there is none, or what Xen says
 * is wrong, negative; -EPROTO: it is no answer to that.  One caller at a time: what Xen writes to
 * is static, as a paravirtual kernel's stack may be no place for it.
 */
static inline int ks_list_domain(uint16_t from, struct ks_listed_domain *item)
{
	static struct ks_domaininfo info;
	static struct ks_sysctl sysctl;
	long error;

	memset(&info, 0, sizeof(info));
	memset(&sysctl, 0, sizeof(sysctl));
	sysctl.cmd = KS_SYSCTL_GETDOMAININFOLIST;
	sysctl.first_domain = from;
	sysctl.max_domains = 1;
	sysctl.buffer = (unsigned long)&info;
	error = ks_ask_in_its_version(&sysctl);
	if (error)
		return IS_ERR_VALUE(error) ? (int)error : -EPROTO;
	if (!sysctl.num_domains)
		return 0;
	if (sysctl.num_domains > 1 || info.domid < from)
		return -EPROTO;
	item->domid = info.domid;
	memcpy(item->uuid, info.handle, sizeof(item->uuid));
	item->pages = info.tot_pages;
	item->max_pages = info.max_pages;
	item->vcpus = info.max_vcpu_id + 1;
	item->cpu_ns = info.cpu_time;
	return 1;
}

#else

static inline bool ks_may_list_domains(void)
{
	return false;
}

static inline int ks_list_domain(uint16_t from, struct ks_listed_domain *item)
{
	return -ENODEV;
}

#endif

#endif /* KS_PROBES_LINUX_DOMAINS_H */
