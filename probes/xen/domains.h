/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domains.h - how Xen's probes walk over the domains: the place is kept as a number, so that they may come and go meanwhile.
 */
#ifndef KS_PROBES_XEN_DOMAINS_H
#define KS_PROBES_XEN_DOMAINS_H

#include <xen/rcupdate.h>
#include <xen/sched.h>

/* The domain with id @at, or the next one there is.  Under RCU (domlist_read_lock). */
static inline struct domain *ks_domain_from(domid_t at)
{
	struct domain *d = rcu_lock_domain_by_id(at);

	if (d) {
		/* The caller's own RCU section keeps it. */
		rcu_unlock_domain(d);
		return d;
	}
	/* Gone since the last item, or there never was one with this id. */
	for_each_domain (d)
		if (d->domain_id > at)
			break;
	return d;
}

#endif /* KS_PROBES_XEN_DOMAINS_H */
