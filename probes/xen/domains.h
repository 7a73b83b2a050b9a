/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domains.h - how Xen's probes come to domains, and what keeps these alive.
 *
 * They walk over them by numbers, not pointers, so that domains may come and go meanwhile.
 */
#ifndef KS_PROBES_XEN_DOMAINS_H
#define KS_PROBES_XEN_DOMAINS_H

#include <xen/rcupdate.h>
#include <xen/sched.h>

/* Where a walk is behind the last domain. */
#define KS_NO_DOMAIN_FROM DOMID_FIRST_RESERVED

/*
 * The domain with id *@at, or one of the next few ids, where *@at is then, and *@within, the place
 * within the domain, is 0.  NULL: none of them is a domain's; *@at is behind them, and so is what
 * follows, if it is below KS_NO_DOMAIN_FROM.  Under RCU (domlist_read_lock).
 *
 * Who has a domain goes on to the next by the list.  This is for the start, and for when it has
 * gone meanwhile: the list would have to be gone through from its head then, and may be as long as
 * a control domain likes.
 */
static inline struct domain *ks_domain_from(uint64_t *at, uint64_t *within)
{
	struct domain *d = NULL;

	for (unsigned int tries = 0; !d && tries < 16 && *at < KS_NO_DOMAIN_FROM; tries++) {
		d = rcu_lock_domain_by_id(*at);
		if (!d) {
			++*at;
			*within = 0;
		}
	}
	/* The caller's own RCU section keeps it. */
	if (d)
		rcu_unlock_domain(d);
	return d;
}

/*
 * Neither its id nor its uuid tells a domain from one that was there before it.  What does is a
 * number that each gets as it is looked at for the first time, or makes its first call.
 */
uint64_t ks_domain_instance(struct domain *d);

/*
 * domain_tot_pages(), of whichever domain: that is for who holds its page_alloc_lock, as it
 * asserts what is true only under it.
 */
static inline unsigned int ks_domain_pages(const struct domain *d)
{
	unsigned int pages = ACCESS_ONCE(d->tot_pages), extra = ACCESS_ONCE(d->extra_pages);

	return pages - min(pages, extra);
}

/*
 * The domain that owns the hardware, or NULL; to be given back with rcu_unlock_domain(), which
 * keeps it until then, and its vCPUs.
 *
 * The pointer `hardware_domain` keeps nothing: domain_create() sets it before there is more than a
 * few members of the domain, and frees the domain at once if it cannot make the rest; and it still
 * points to a domain that has been destroyed.  So the domain is taken from Xen's list, which has
 * just those that are whole, by the two ids that it can have (domain_create()): then it is
 * compared, and the pointer never followed.  NULL for the moment in which a late hardware domain
 * is made: Dom0 is none any more, and the other not yet.
 */
static inline struct domain *ks_lock_hardware_domain(void)
{
	struct domain *d = rcu_lock_domain_by_id(hardware_domid);

	if (d && is_hardware_domain(d))
		return d;
	if (d)
		rcu_unlock_domain(d);
	d = rcu_lock_domain_by_id(0);
	if (d && is_hardware_domain(d))
		return d;
	if (d)
		rcu_unlock_domain(d);
	return NULL;
}

#endif /* KS_PROBES_XEN_DOMAINS_H */
