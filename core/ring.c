// SPDX-License-Identifier: MIT
/*
 * ring.c - records in a fixed piece of memory.
 *
 * Entries lie one behind the other from tail to head.  One is never split: when there is no room for the longest at the top, the
 * next goes to the bottom, and `wrap` says where the entries at the top end (0: none are above the head).
 */
#include "ring.h"

#define ENTRY_MAX ((uint32_t)sizeof(struct ks_entry) + KS_RECORD_MAX)

_Static_assert(sizeof(struct ks_entry) % 8 == 0 && KS_RECORD_MAX % 8 == 0, "entries stay aligned");
_Static_assert(KS_RING_MIN >= 3 * ENTRY_MAX, "a ring can hold a record while the longest is written");

static struct ks_entry *entry_at(const struct ks_ring *ring, uint32_t at)
{
	return (struct ks_entry *)(void *)(ring->mem + at);
}

void ks_ring_init(struct ks_ring *ring, void *mem, uint32_t size)
{
	ring->mem = mem;
	ring->size = size & ~7U;
	ks_ring_clear(ring);
}

void ks_ring_clear(struct ks_ring *ring)
{
	ring->head = ring->tail = ring->wrap = 0;
	ring->count = ring->held = ring->used_bytes = 0;
	ring->next_seq = 0;
	ring->lost_first = ring->lost_last = ring->lost_count = 0;
	ring->lost_total = 0;
}

static void count_lost(struct ks_ring *ring, uint64_t seq)
{
	if (!ring->lost_count || seq < ring->lost_first)
		ring->lost_first = seq;
	if (!ring->lost_count || seq > ring->lost_last)
		ring->lost_last = seq;
	ring->lost_count++;
	ring->lost_total++;
}

static void let_go(struct ks_ring *ring, struct ks_entry *entry)
{
	entry->consumed = 1;
	ring->held--;
	ring->used_bytes -= entry->size;
}

/* Takes the oldest entry out. */
static void pop(struct ks_ring *ring)
{
	struct ks_entry *entry = entry_at(ring, ring->tail);

	if (!entry->consumed) {
		let_go(ring, entry);
		count_lost(ring, entry->seq);
	}
	ring->tail += entry->size;
	if (ring->wrap && ring->tail == ring->wrap)
		ring->tail = ring->wrap = 0;
	ring->count--;
}

struct ks_entry *ks_ring_reserve(struct ks_ring *ring)
{
	if (!ring->count)
		ring->head = ring->tail = ring->wrap = 0;
	if (!ring->wrap && ring->size - ring->head < ENTRY_MAX) {
		/* The entries from tail to head are the upper ones from now on. */
		ring->wrap = ring->head;
		ring->head = 0;
	}
	while (ring->wrap && ring->tail - ring->head < ENTRY_MAX)
		pop(ring);
	return entry_at(ring, ring->head);
}

void ks_ring_commit(struct ks_ring *ring, struct ks_entry *entry)
{
	entry->size = ((uint32_t)sizeof(*entry) + entry->text_bytes + entry->raw_bytes + 7U) & ~7U;
	entry->seq = ring->next_seq++;
	entry->consumed = 0;
	ring->head += entry->size;
	ring->count++;
	ring->held++;
	ring->used_bytes += entry->size;
}

void ks_ring_drop(struct ks_ring *ring)
{
	count_lost(ring, ring->next_seq++);
}

struct ks_entry *ks_ring_after(const struct ks_ring *ring, const struct ks_entry *entry)
{
	uint32_t at = (uint32_t)((const char *)entry - ring->mem) + entry->size;

	if (ring->wrap && at == ring->wrap)
		at = 0;
	return at == ring->head ? NULL : entry_at(ring, at);
}

struct ks_entry *ks_ring_from(const struct ks_ring *ring, uint64_t seq)
{
	struct ks_entry *entry = ring->count ? entry_at(ring, ring->tail) : NULL;

	while (entry && entry->seq < seq)
		entry = ks_ring_after(ring, entry);
	return entry;
}

void ks_ring_consume(struct ks_ring *ring, struct ks_entry *entry)
{
	if (!entry->consumed)
		let_go(ring, entry);
}

void ks_ring_trim(struct ks_ring *ring)
{
	while (ring->count && entry_at(ring, ring->tail)->consumed)
		pop(ring);
}

void ks_ring_lost_told(struct ks_ring *ring, uint64_t last, uint64_t count)
{
	if (last < ring->lost_first)
		return; /* told to somebody else already; what is counted now came later */
	if (last >= ring->lost_last || count >= ring->lost_count) {
		ring->lost_count = 0;
		return;
	}
	ring->lost_count -= count;
	if (ring->lost_first <= last)
		ring->lost_first = last + 1;
}

uint64_t ks_ring_not_lost(struct ks_ring *ring, uint64_t from, uint64_t before, uint64_t count)
{
	uint64_t first = from > ring->lost_first ? from : ring->lost_first;
	uint64_t last = before && before - 1 < ring->lost_last ? before - 1 : ring->lost_last;

	if (!ring->lost_count || !before || first > last)
		return 0;
	if (count > last - first + 1)
		count = last - first + 1;
	if (count > ring->lost_count)
		count = ring->lost_count;
	ring->lost_count -= count;
	ring->lost_total -= count;
	/* Where only some in the range were delivered (a filter), it is not known which are lost: first and last stay around them. */
	if (count < last - first + 1)
		return count;
	if (first == ring->lost_first && last < ring->lost_last)
		ring->lost_first = last + 1;
	else if (last == ring->lost_last && first > ring->lost_first)
		ring->lost_last = first - 1;
	return count;
}
