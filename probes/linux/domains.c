// SPDX-License-Identifier: GPL-2.0-only
/*
 * domains.c - the probe domains: the domains that Xen tells Dom0's kernel of, asked for from
 * within the kernel, beside the way that a toolstack's hypercalls take.  What somebody filters out
 * on that way is here still.
 *
 * In a kernel that is not Dom0 there is one item, which says so.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "../set.h"
#include "domains.h"

struct ks_dom0_kernel {
	uint8_t lists;
};

static const struct ks_field dom0_fields[] = {
	KS_FIELD(struct ks_dom0_kernel, lists, KS_BOOL,
		 "this kernel is Dom0's and may list domains; `false`: there are no other records"),
};

static const struct ks_field domain_fields[] = {
	KS_FIELD(struct ks_listed_domain, domid, KS_U16, "its id"),
	KS_FIELD(struct ks_listed_domain, uuid, KS_UUID, "as the toolstack set it"),
	KS_LIVE(struct ks_listed_domain, pages, KS_U32, "[pages of 4 KiB] memory that it has"),
	KS_FIELD(struct ks_listed_domain, max_pages, KS_U32, "[pages of 4 KiB] memory that it may have"),
	KS_FIELD(struct ks_listed_domain, vcpus, KS_U32, "vCPUs that it may have"),
	KS_LIVE(struct ks_listed_domain, cpu_ns, KS_NS, "[ns] time that its vCPUs ran"),
};

enum { KERNEL, DOMAIN };

static const struct ks_set_kind kinds[] = {
	[KERNEL] = KS_KIND("kernel", struct ks_dom0_kernel, dom0_fields, lists, "One: whether there is more to tell."),
	[DOMAIN] = KS_KIND_BY("domain", struct ks_listed_domain, domain_fields, domid, uuid, "A domain."),
};

/* progress->at[0]: whether the kernel was told of itself; at[1]: the next domain's id at least */
static int domains_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct ks_dom0_kernel *kernel = item;
	int got;

	if (!progress->at[0]) {
		progress->at[0] = 1;
		kernel->lists = ks_may_list_domains();
		return KERNEL;
	}
	if (!ks_may_list_domains() || progress->at[1] > U16_MAX)
		return KS_SET_END;
	got = ks_list_domain((uint16_t)progress->at[1], item);
	if (got > 0) {
		progress->at[1] = ((struct ks_listed_domain *)item)->domid + 1;
		return DOMAIN;
	}
	if (!got)
		return KS_SET_END;
	ks_probe_failed(probe, got == -EACCES ? "the version of this Xen's interface is not known here"
			       : got == -EPROTO ? "Xen's list of domains goes back, or has more than was asked"
						: "Xen refuses its list of domains");
	return KS_SET_FAILED;
}

static const struct ks_set_type domains_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items_max = 1024,
	.next = domains_next,
};

const struct ks_probe_type ks_linux_domains = {
	.name = "domains",
	.interval_ns = {
		[KS_LOW] = 10 * NSEC_PER_SEC,
		[KS_DEFAULT] = 2 * NSEC_PER_SEC,
		[KS_HIGH] = 500 * NSEC_PER_MSEC,
		[KS_ADVERSARIAL] = 100 * NSEC_PER_MSEC,
	},
	.pause_ns = {
		[KS_LOW] = 500 * NSEC_PER_USEC,
		[KS_DEFAULT] = 500 * NSEC_PER_USEC,
		[KS_HIGH] = 250 * NSEC_PER_USEC,
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&domains_set),
};
