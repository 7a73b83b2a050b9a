// SPDX-License-Identifier: GPL-2.0-only
/*
 * livepatch.c - what is done with live patches.
 *
 * A live patch is code in Xen, and so may do anything to the sensor.  It is not refused, as kexec
 * is not: a host may need it.  But what is done is counted, and said on Xen's console, before any
 * of its code runs; its hooks run within the same call.
 */
#include <xen/console.h>
#include <xen/ctype.h>
#include <xen/nospec.h>
#include <xen/sched.h>
#include <xen/sense.h>
#include <xen/spinlock.h>
#include <public/sysctl.h>

#include "access.h"

static DEFINE_SPINLOCK(ks_livepatch_lock);
static struct ks_livepatch_state ks_livepatch = { .by = -1 };

void sense_livepatch(unsigned int action, const char *name)
{
	static const char names[KS_LIVEPATCH_ACTIONS][8] = {
		[0] = "upload",
		[LIVEPATCH_ACTION_UNLOAD] = "unload",
		[LIVEPATCH_ACTION_REVERT] = "revert",
		[LIVEPATCH_ACTION_APPLY] = "apply",
		[LIVEPATCH_ACTION_REPLACE] = "replace",
	};
	char shown[sizeof(ks_livepatch.name)];

	if (action >= KS_LIVEPATCH_ACTIONS)
		return;
	action = array_index_nospec(action, KS_LIVEPATCH_ACTIONS);
	spin_lock(&ks_livepatch_lock);
	ks_livepatch.times[action]++;
	strlcpy(ks_livepatch.name, name, sizeof(ks_livepatch.name));
	ks_livepatch.by = current->domain->domain_id;
	ks_livepatch.last_ns = NOW();
	spin_unlock(&ks_livepatch_lock);
	/* The console is a terminal, and the name the domain's. */
	strlcpy(shown, name, sizeof(shown));
	for (char *p = shown; *p; p++)
		if (!isprint((unsigned char)*p) || (unsigned char)*p > '~')
			*p = '?';
	/*
	 * Whatever the log levels are, which a control domain can lower by debug keys, and however
	 * many messages there were just before.
	 */
	console_start_log_everything();
	printk(XENLOG_WARNING "sense: d%d: livepatch %s: %s\n", current->domain->domain_id, names[action], shown);
	console_end_log_everything();
}

void ks_livepatch_get(struct ks_livepatch_state *state)
{
	spin_lock(&ks_livepatch_lock);
	*state = ks_livepatch;
	spin_unlock(&ks_livepatch_lock);
}
