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
#include "x86.h"

/*
 * Reads what may be no memory at all; false if it is not: @out is then as it was, or, if it is
 * larger than eight bytes, anything.  A pointer into user space is refused as well.
 */
#define KS_GET(out, from) ks_read(&(out), (from), sizeof(out))

/* More is not worth the code at each place. */
#define KS_READ_HERE_MAX 16

/* The same of any size and any address, by way of the kernel's own function. */
bool ks_read_any(void *out, const void *from, size_t bytes);

/*
 * Mostly a pointer or a number is to be read, at an address of the kernel's: that is one load
 * whose fault ends here, for which the kernel's own function takes some 60 instructions.  (A fault
 * at such an address takes no lock and does not sleep, so nothing has to be turned off around it.)
 */
static __always_inline bool ks_read(void *out, const void *from, size_t bytes)
{
	/* A load that faults may leave anything in what it loads to. */
	u64 eight;
	u32 four;
	u16 two;
	u8 one;

	if (bytes > KS_READ_HERE_MAX || !ks_is_kernel_address(from))
		return ks_read_any(out, from, bytes);
	for (; bytes >= sizeof(eight); bytes -= sizeof(eight), out += sizeof(eight), from += sizeof(eight)) {
		__get_kernel_nofault(&eight, from, u64, fault);
		memcpy(out, &eight, sizeof(eight));
	}
	if (bytes & sizeof(four)) {
		__get_kernel_nofault(&four, from, u32, fault);
		memcpy(out, &four, sizeof(four));
		out += sizeof(four);
		from += sizeof(four);
	}
	if (bytes & sizeof(two)) {
		__get_kernel_nofault(&two, from, u16, fault);
		memcpy(out, &two, sizeof(two));
		out += sizeof(two);
		from += sizeof(two);
	}
	if (bytes & sizeof(one)) {
		__get_kernel_nofault(&one, from, u8, fault);
		memcpy(out, &one, sizeof(one));
	}
	return true;
fault:
	return false;
}

/*
 * Whether there is memory of the kernel's allocators at @at, and all of @bytes of it are to be
 * read.  Then an object of that size may be used as one, if RCU or a reference keeps it; that one
 * field of it can be read says nothing of the next, which may be behind the end of a page.
 */
bool ks_is_object(const void *at, size_t bytes);

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
