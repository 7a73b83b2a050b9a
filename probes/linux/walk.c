// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - how probes go through the kernel's lists: see walk.h.
 */
#include <linux/ktime.h>
#include <linux/mm.h>

#include "walk.h"

/* In so many looks at one link, somebody who changes it on another CPU is done. */
#define LINK_LOOKS 3

bool ks_read_any(void *out, const void *from, size_t bytes)
{
	u8 read[KS_READ_HERE_MAX];

	if (bytes > sizeof(read))
		return !copy_from_kernel_nofault(out, from, bytes);
	if (copy_from_kernel_nofault(read, from, bytes))
		return false;
	memcpy(out, read, bytes);
	return true;
}

bool ks_is_object(const void *at, size_t bytes)
{
	const u8 *byte = at, *last = byte + bytes - 1;
	u8 read;

	if (!virt_addr_valid(at))
		return false;
	for (; byte < last; byte += PAGE_SIZE)
		if (!KS_GET(read, byte))
			return false;
	return KS_GET(read, last);
}

struct list_head *ks_list_next(const struct list_head *node)
{
	struct list_head *next, *back;

	for (unsigned int i = 0; i < LINK_LOOKS; i++)
		if (KS_GET(next, &node->next) && KS_GET(back, &next->prev) && back == node)
			return next;
	return NULL;
}

bool ks_list_linked(const struct list_head *node)
{
	struct list_head *before, *next;

	for (unsigned int i = 0; i < LINK_LOOKS; i++)
		if (ks_list_next(node) && KS_GET(before, &node->prev) && before != node &&
		    KS_GET(next, &before->next) && next == node)
			return true;
	return false;
}

const struct list_head *ks_round_next(struct ks_round *round)
{
	const struct list_head *next = round->left ? ks_list_next(round->at) : NULL;

	if (!next)
		return NULL;
	if (next == round->head) {
		round->whole = true;
		return NULL;
	}
	round->left--;
	round->at = next;
	return next;
}

bool ks_is_torn(struct ks_torn *torn, bool whole)
{
	uint64_t now_ns = ktime_get_ns();

	if (whole) {
		torn->looks = 0;
		return false;
	}
	if (!torn->looks)
		torn->since_ns = now_ns;
	torn->looks++;
	return torn->looks >= KS_TORN_LOOKS && now_ns - torn->since_ns >= KS_TORN_NS;
}

bool ks_is_passing(struct ks_patience *patience, uint64_t place)
{
	if (place != patience->place)
		ks_is_torn(&patience->looks, true);
	patience->place = place;
	patience->used_up |= ks_is_torn(&patience->looks, false);
	return !patience->used_up;
}

void ks_tell_shortfall(struct ks_probe *probe, struct ks_shortfall *shortfall)
{
	bool incomplete = shortfall->looked != shortfall->of, told = shortfall->told_in == probe->epoch;
	struct ks_writer *text;

	if (incomplete)
		ks_pass_incomplete(probe);
	if (incomplete == told && !(incomplete && probe->announce))
		return;
	shortfall->told_in = incomplete ? probe->epoch : 0;
	text = ks_record_begin(probe, KS_ALARM, KS_OUTCOME_SOURCE, "incomplete");
	if (incomplete)
		ks_record_outcome(probe);
	ks_write_member_str(text, "view", shortfall->view, strlen(shortfall->view));
	ks_write_member_count(text, "looked", shortfall->looked);
	ks_write_member_count(text, "of", shortfall->of);
	ks_record_end(probe);
}
