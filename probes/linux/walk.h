/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - how probes go through the kernel's lists and trees.
 *
 * Whoever can write the kernel's memory can make a list lead anywhere: to memory that is none, to
 * itself, or round in a circle that its head is no part of.  And whoever takes a list's lock to
 * read it can be made to wait for it, or to make others wait.  So every list that a probe goes
 * through is read
 *
 *   - with reads that may fault, and a fault is an answer;
 *   - link by link in both directions: a node counts as the next one only if it says so itself.
 *     Then no circle can be entered but at its own head, short of somebody who changes it while
 *     it is read;
 *   - with a limit, for that somebody;
 *   - without the list's lock.  What is read may be freed and used again meanwhile: what comes of
 *     it is nonsense, once.
 *
 * A list that is just being changed looks torn for a moment, and the one who changes it may have
 * been put off in the middle.  So it is torn only if it has been for a while (struct ks_torn),
 * and between two looks others get their turn.
 */
#ifndef KS_PROBES_LINUX_WALK_H
#define KS_PROBES_LINUX_WALK_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/uaccess.h>

#include "../../core/probe.h"

/*
 * Reads what may be no memory at all; false if it is not.  A pointer into user space is refused
 * as well.
 */
#define KS_GET(out, from) (!copy_from_kernel_nofault(&(out), (from), sizeof(out)))

/*
 * The node behind @node, if that one says so too; else NULL.  A list changes while we look, so
 * more than one look is taken.
 */
struct list_head *ks_list_next(const struct list_head *node);

/* Whether @node is in a list: both neighbours say so, and it is not its own. */
bool ks_list_linked(const struct list_head *node);

/*
 * Once round a ring:
 *
 *	struct ks_round round = ks_round(head, max);
 *
 *	while ((node = ks_round_next(&round)))
 *		...
 *	if (!round.whole) ...
 */
struct ks_round {
	const struct list_head *head, *at;
	unsigned int left;
	bool whole;             /* the walk has come back to the head */
};

static inline struct ks_round ks_round(const struct list_head *head, unsigned int max)
{
	return (struct ks_round){ .head = head, .at = head, .left = max };
}

/*
 * The next node; NULL: that was the last, or the ring is torn there, or has more than max nodes.
 */
const struct list_head *ks_round_next(struct ks_round *round);

/* How often in a row, and since when, a list was found torn. */
struct ks_torn {
	unsigned int looks;
	uint64_t since_ns;
};

#define KS_TORN_LOOKS 16
#define KS_TORN_NS 200000000ULL

/* Takes note of a look; true: it has been torn for so long that nobody is just changing it. */
bool ks_is_torn(struct ks_torn *torn, bool whole);

/*
 * Patience with what is just being changed at one place of a walk: once in a pass,
 * which begins with one of zeros.
 */
struct ks_patience {
	struct ks_torn looks;
	uint64_t place;
	bool used_up;
};

/* Whether to look at @place again, in another step; false: it has been so for a while. */
bool ks_is_passing(struct ks_patience *patience, uint64_t place);

/*
 * What a pass did not see all of.  One for each thing that may fall short for reasons of its own:
 * as it is told when it begins, one that somebody can bring about would hide the other.
 */
struct ks_shortfall {
	const char *view;       /* of what: the member "view" of the record that says so */
	uint32_t looked, of;    /* in this pass */
	uint32_t told_in;       /* it has been told in this epoch; 0: not, or that it is over */
};

/*
 * The pass is over: makes the record of kind "incomplete" when that begins, when it is over
 * (looked is of, then), and for whom asks for a fresh sample while it lasts.  Not under RCU.
 */
void ks_tell_shortfall(struct ks_probe *probe, struct ks_shortfall *shortfall);

/* No tree of the kernel's that is in balance is deeper. */
#define KS_TREE_DEPTH_MAX 128

#endif /* KS_PROBES_LINUX_WALK_H */
