/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * running.h - which page tables an HVM Dom0 is found running on, at random moments.
 *
 * Such a Dom0 keeps its page tables to itself, and Xen has no list of them.  But what runs has its
 * root in the CPU, and whatever it does it is interrupted: by a timer that goes round over the
 * CPUs, at moments that nobody can know beforehand.  Then Xen has the root at hand.
 */
#ifndef KS_PROBES_XEN_RUNNING_H
#define KS_PROBES_XEN_RUNNING_H

#include <xen/types.h>

#include "../../core/probe.h"

struct ks_running {
	uint64_t frame;
	uint64_t first_seen_ns, last_seen_ns;
	uint32_t samples;
	uint16_t domid;
};

/* Once, in the probe's init(): its memory.  -1: there is none. */
int ks_running_init(struct ks_probe *probe);
void ks_running_exit(void);

/*
 * As a pass begins: looks at what runs for a while longer, and more often for some seconds if
 * somebody has asked for the pass.
 */
void ks_running_go_on(struct ks_probe *probe);

/*
 * The root at @place, from 0 on, if it was seen in the last second, and before that second, too:
 * so one that lives for a moment is none.  1: @item is it; 0: there is none in this place; -1: nor
 * in any behind it.
 */
int ks_running_at(uint64_t place, struct ks_running *item);

/*
 * As a pass ends: how often Dom0 was found running, in all.  If not all of the last second was
 * looked at, as there was no room for what runs, or somebody kept a CPU from the timer, the pass
 * is incomplete, and whoever asked for it is told so.
 */
uint32_t ks_running_outcome(struct ks_probe *probe);

#endif /* KS_PROBES_XEN_RUNNING_H */
