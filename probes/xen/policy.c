// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - what is done to the policy of XSM, and what may no longer be done to it; and memory
 * that is not to be had past it.
 *
 * With FLASK, the policy is what keeps Dom0 from the memory of a sensing domain.  Dom0 could turn
 * the enforcing of it off, load another one, set a boolean on which a rule depends, or give the
 * frames that hold the memory a label that it may map; so, once it has named a sensing domain,
 * nobody may until the host reboots.  It is this file that refuses,
 * not the policy: that could be written so as to, but not by who has to leave it as the host's
 * owner wrote it, and a boolean that the lock sets could be set back.
 *
 * What may still be done is what takes rights away: to have the policy enforced, and to load the
 * first one.  Whoever controls Dom0 at the moment of the lock could have changed the policy before
 * it, too, so there is no lock that holds both; all of it is on record.
 *
 * A policy knows frames by their numbers only, and a label may have been given before the lock.
 * So what would make RAM a domain's as if it were a device's memory is refused where it is done,
 * and not only where it is allowed.
 */
#include <xen/init.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <xen/sense.h>
#include <xen/spinlock.h>
#include <asm/e820.h>
#include <xsm/xsm.h>

#include "access.h"

/* === Data === */

static const char *__read_mostly ks_module = "dummy";

static DEFINE_SPINLOCK(ks_policy_lock);
static struct ks_policy_state ks_policy = { .by = -1 };

const char ks_policy_names[SENSE_POLICY_ACTS][10] = {
	[SENSE_POLICY_ENFORCE] = "enforce",
	[SENSE_POLICY_PERMIT] = "permit",
	[SENSE_POLICY_LOAD] = "load",
	[SENSE_POLICY_SET_BOOLEANS] = "booleans",
	[SENSE_POLICY_LABEL] = "label",
};

const char ks_frames_names[3][7] = {
	[SENSE_FRAMES_PERMIT] = "permit",
	[SENSE_FRAMES_MAP] = "map",
	[SENSE_FRAMES_DEBUG] = "debug",
};

/* === Internals === */

/*
 * Whether there was RAM among the frames at boot, by the same rule as arch_init_memory() has: all
 * of the first MiB is a device's to Xen, and so are frames that are RAM in part.
 */
static bool ks_had_ram(unsigned long first, unsigned long last)
{
	for (unsigned int i = 0; i < e820.nr_map; i++) {
		const struct e820entry *entry = &e820.map[i];
		unsigned long begin = max_t(unsigned long, PFN_UP(entry->addr), PFN_DOWN(MB(1)));
		unsigned long end = PFN_DOWN(entry->addr + entry->size);

		if ((entry->type == E820_RAM || entry->type == E820_UNUSABLE) && begin < end && first < end &&
		    last >= begin)
			return true;
	}
	return false;
}

/*
 * The same, now.  Memory that was added since (memory_add()) is in no map of RAM: that of a group
 * of frames all are, of which none was RAM at boot and which Xen has a place for by now.
 */
static bool ks_has_ram(unsigned long first, unsigned long last)
{
	if (ks_had_ram(first, last))
		return true;
	for (first &= ~(PDX_GROUP_COUNT - 1UL); first <= last && first < max_page; first += PDX_GROUP_COUNT)
		if (mfn_valid(_mfn(first)) && !ks_had_ram(first, first + PDX_GROUP_COUNT - 1))
			return true;
	return false;
}

/* === Interface === */

int sense_policy_check(enum sense_policy what)
{
	if (!ks_has_sensing_domain())
		return 0;
	ks_access_denied_policy(what);
	gprintk(XENLOG_WARNING, "sense: the policy of XSM stays as it is: there is a sensing domain\n");
	return -EPERM;
}

void sense_policy_changed(enum sense_policy what)
{
	spin_lock(&ks_policy_lock);
	ks_policy.times[what]++;
	ks_policy.by = current->domain->domain_id;
	ks_policy.changed_ns = NOW();
	spin_unlock(&ks_policy_lock);
}

int sense_frames_check(enum sense_frames what, unsigned long first, unsigned long last)
{
	if (!ks_has_sensing_domain() || !ks_has_ram(first, last))
		return 0;
	ks_access_denied_frames(what);
	gprintk(XENLOG_WARNING, "sense: memory is not given away by its frames: there is a sensing domain\n");
	return -EPERM;
}

void ks_policy_get(struct ks_policy_state *state)
{
	spin_lock(&ks_policy_lock);
	*state = ks_policy;
	spin_unlock(&ks_policy_lock);
	state->module = ks_module;
	state->frozen = ks_has_sensing_domain();
	state->enforcing = state->loaded = false;
#ifdef CONFIG_XSM_FLASK
	if (!strcmp(ks_module, "flask"))
		flask_policy_state(&state->enforcing, &state->loaded);
#endif
}

/* Xen knows it as long as it boots only. */
static int __init cf_check ks_policy_init(void)
{
	ks_module = xsm_module_name();
	return 0;
}
presmp_initcall(ks_policy_init);
