// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - what is done to the policy of XSM, and what may no longer be done to it.
 *
 * With FLASK, the policy is what keeps Dom0 from the memory of a sensing domain.  Dom0 could turn
 * the enforcing of it off, load another one, or set a boolean on which a rule depends; so, once it
 * has named a sensing domain, nobody may until the host reboots.  It is this file that refuses,
 * not the policy: that could be written so as to, but not by who has to leave it as the host's
 * owner wrote it, and a boolean that the lock sets could be set back.
 *
 * What may still be done is what takes rights away: to have the policy enforced, and to load the
 * first one.  Whoever controls Dom0 at the moment of the lock could have changed the policy before
 * it, too, so there is no lock that holds both; all of it is on record.
 */
#include <xen/init.h>
#include <xen/sched.h>
#include <xen/sense.h>
#include <xen/spinlock.h>
#include <xsm/xsm.h>

#include "access.h"

/* === Data === */

static const char *__read_mostly ks_module = "dummy";

static DEFINE_SPINLOCK(ks_policy_lock);
static struct ks_policy_state ks_policy = { .by = -1 };

/* === Interface === */

const char ks_policy_names[4][10] = {
	[SENSE_POLICY_ENFORCE] = "enforce",
	[SENSE_POLICY_PERMIT] = "permit",
	[SENSE_POLICY_LOAD] = "load",
	[SENSE_POLICY_SET_BOOLEANS] = "booleans",
};

int sense_policy_check(enum sense_policy what)
{
	struct ks_lock_state lock;

	ks_lock_get(&lock);
	if (lock.sensing < 0)
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

void ks_policy_get(struct ks_policy_state *state)
{
	struct ks_lock_state lock;

	ks_lock_get(&lock);
	spin_lock(&ks_policy_lock);
	*state = ks_policy;
	spin_unlock(&ks_policy_lock);
	state->module = ks_module;
	state->frozen = lock.sensing >= 0;
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
