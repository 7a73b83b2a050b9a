/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * making.h - processes that are being made: they have their memory, and no pid yet.
 *
 * A new process gets its memory first, then its namespaces, and at last its pid (copy_process()).
 * Whoever makes many that want a network namespace of their own has each of them wait in the
 * middle of that for seconds, as any user may.  Xen has their page tables then, and no list of
 * tasks has them.  So they are looked for in the kernel's list of page tables, in which the newest
 * come first.
 */
#ifndef KS_PROBES_LINUX_MAKING_H
#define KS_PROBES_LINUX_MAKING_H

#include "../set.h"

/* One that is being made. */
struct ks_making {
	uint64_t root, user_root;
	uint32_t ppid, uid;
	char comm[16];
};

#define KS_MAKING_FIELDS 5
extern const struct ks_field ks_making_fields[KS_MAKING_FIELDS];

/* A walk through the list. */
struct ks_making_walk {
	const struct list_head *at;
	unsigned int looked, restarts;
};

void ks_making_init(void);
void ks_making_begin(struct ks_making_walk *walk);
/* Goes on: @item is one; none yet, call again; that was all, or as far as it could be followed. */
enum ks_made { KS_MADE_ONE, KS_MADE_ON, KS_MADE_END, KS_MADE_LOST };
enum ks_made ks_making_next(struct ks_making_walk *walk, struct ks_making *item);

#endif /* KS_PROBES_LINUX_MAKING_H */
