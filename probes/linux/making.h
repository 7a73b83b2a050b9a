/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * making.h - memory that has page tables and whose process is in no list of tasks: it is being
 * made, and has no pid yet; or it has ended, and somebody uses its memory still.
 *
 * A new process gets its memory first, then its namespaces, and at last its pid (copy_process()).
 * Whoever makes many that want a network namespace of their own has each of them wait in the
 * middle of that for seconds, as any user may.  Xen has their page tables then, and no list of
 * tasks has them.  So they are looked for in the kernel's list of page tables, in which the newest
 * come first.
 *
 * Whoever reads another process's memory (/proc/PID/mem, process_vm_readv()) keeps it for as long
 * as the call takes, and any user decides how long that is: what he reads goes to a page of a file
 * that a program of his own answers for (FUSE).  If the other process ends meanwhile, or executes
 * something, its page tables stay, and nobody has them.
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

/* Memory of one that has ended.  It begins as the above does. */
struct ks_left {
	uint64_t root, user_root;
};

#define KS_LEFT_FIELDS 2
extern const struct ks_field ks_left_fields[KS_LEFT_FIELDS];

/* A walk through the list. */
struct ks_making_walk {
	const struct list_head *at;
	unsigned int looked, restarts;
};

void ks_making_init(void);
void ks_making_begin(struct ks_making_walk *walk);
/*
 * Goes on: @item is one, or begins as what is left of one; none yet, call again; that was all, or
 * as far as it could be followed.
 */
enum ks_made { KS_MADE_ONE, KS_MADE_LEFT, KS_MADE_ON, KS_MADE_END, KS_MADE_LOST };
enum ks_made ks_making_next(struct ks_making_walk *walk, struct ks_making *item);

#endif /* KS_PROBES_LINUX_MAKING_H */
