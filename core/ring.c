// SPDX-License-Identifier: MIT
/*
 * ring.c - records in a fixed piece of memory, where the new push out the old.
 */
#include "ring.h"

/* === Data ================================================================ */

#define CELL_BYTES 128U

/*
 * In a cell's link, beside the number of the record's next cell: a record begins here.  It says
 * whether a place that somebody remembered still is one.
 */
#define BEGINS 0x80000000U
#define NO_CELL 0x7fffffffU

/* The first cell of a record; its bytes follow. */
struct head {
	uint32_t link;
	uint32_t newer, older;      /* in the order of seq */
	uint32_t after, before;     /* of the same source */
	uint16_t cells;
	uint8_t queue;
	bool sent;                  /* ks_ring_sent() */
	struct ks_entry entry;
};

/* Any other, or a free one. */
struct cell {
	uint32_t link;
	char bytes[CELL_BYTES - 4];
};

#define FIRST_ROOM (CELL_BYTES - (uint32_t)sizeof(struct head))
#define NEXT_ROOM (CELL_BYTES - (uint32_t)offsetof(struct cell, bytes))
#define CELLS_OF(bytes) ((bytes) <= FIRST_ROOM ? 1 : 1 + ((bytes) - FIRST_ROOM + NEXT_ROOM - 1) / NEXT_ROOM)

_Static_assert(sizeof(struct cell) == CELL_BYTES && offsetof(struct head, link) == offsetof(struct cell, link),
	       "cells lie one behind the other, and each begins with its link");
_Static_assert(KS_RING_SOURCES < 64, "a share has a bit for each queue");
_Static_assert((KS_RING_MIN - KS_RECORD_MAX) / CELL_BYTES / 4 >= CELLS_OF(KS_RECORD_MAX),
	       "each class can hold the longest record");

/*
 * Places in a share's table of sources: of all that have none of their own, of KS_NO_SOURCE, of
 * the kinds, of how passes ended, of source 0 (root, Dom0), and the rest.
 */
enum { OTHERS, KERNEL, FIRST_KIND, OUTCOMES = FIRST_KIND + KS_RING_KINDS, OWNER_0, FIRST_OWNER };

/* What stands for a record in sent_lost: this, and its class.  0 is none. */
#define SENT_LOST(seq) ((seq) * KS_CLASSES + 1)

/* How much of the cells each class may use. */
static const uint8_t share_eighths[KS_CLASSES] = { [KS_SAMPLE] = 3, [KS_EVENT] = 3, [KS_ALARM] = 2 };

static struct cell *cell_at(const struct ks_ring *ring, uint32_t at)
{
	return (struct cell *)(void *)(ring->mem + KS_RECORD_MAX) + at;
}

static struct head *head_at(const struct ks_ring *ring, uint32_t at)
{
	return (struct head *)(void *)cell_at(ring, at);
}

/* === Losses ============================================================== */

static void widen(uint64_t *first, uint64_t *last, bool none, uint64_t seq)
{
	if (none || seq < *first)
		*first = seq;
	if (none || seq > *last)
		*last = seq;
}

static void count_lost(struct ks_ring *ring, enum ks_class class, uint64_t seq)
{
	widen(&ring->lost_first, &ring->lost_last, !ring->lost_count, seq);
	widen(&ring->recent_first, &ring->recent_last, ring->lost_seen == ring->told_seen, seq);
	ring->lost_seen++;
	ring->lost_count++;
	ring->lost_total++;
	ring->share[class].lost++;
}

uint32_t ks_ring_telling(struct ks_ring *ring)
{
	ring->told_seen = ring->lost_seen;
	return ring->lost_seen;
}

void ks_ring_told(struct ks_ring *ring, uint32_t mark)
{
	uint32_t since = ring->lost_seen - mark;

	if (since >= ring->lost_count)
		return; /* told to somebody else already; what is counted now came later */
	ring->lost_count = since;
	/* If there was a telling after this one, the range stays wider than it need be. */
	if (since && mark == ring->told_seen) {
		ring->lost_first = ring->recent_first;
		ring->lost_last = ring->recent_last;
	}
}

/* === Lists =============================================================== */

static void link_entry(struct ks_ring *ring, uint32_t at, struct ks_queue *queue)
{
	struct head *head = head_at(ring, at);

	head->newer = KS_NOWHERE;
	head->older = ring->newest;
	if (ring->newest != KS_NOWHERE)
		head_at(ring, ring->newest)->newer = at;
	else
		ring->oldest = at;
	ring->newest = at;

	head->after = KS_NOWHERE;
	head->before = queue->newest;
	if (queue->newest != KS_NOWHERE)
		head_at(ring, queue->newest)->after = at;
	else
		queue->oldest = at;
	queue->newest = at;
}

static void unlink_entry(struct ks_ring *ring, const struct head *head, struct ks_queue *queue)
{
	if (head->newer != KS_NOWHERE)
		head_at(ring, head->newer)->older = head->older;
	else
		ring->newest = head->older;
	if (head->older != KS_NOWHERE)
		head_at(ring, head->older)->newer = head->newer;
	else
		ring->oldest = head->newer;

	if (head->after != KS_NOWHERE)
		head_at(ring, head->after)->before = head->before;
	else
		queue->newest = head->before;
	if (head->before != KS_NOWHERE)
		head_at(ring, head->before)->after = head->after;
	else
		queue->oldest = head->after;
}

/* Gives up a record; its cells are free. */
static void give_up(struct ks_ring *ring, uint32_t at)
{
	struct head *head = head_at(ring, at);
	struct ks_share *share = &ring->share[head->entry.class];
	struct ks_queue *queue = &share->queue[head->queue];
	uint32_t cell = at, next;

	unlink_entry(ring, head, queue);
	queue->cells -= head->cells;
	share->cells -= head->cells;
	ring->held -= !head->entry.for_readers;
	ring->used_bytes -= head->cells * CELL_BYTES;
	head->link &= ~BEGINS;
	while ((next = cell_at(ring, cell)->link) != NO_CELL)
		cell = next;
	cell_at(ring, cell)->link = ring->free;
	ring->free = at;
}

/* === Making room ========================================================= */

/* Where the records of @source go: a place that is free, if it has none yet. */
static uint8_t queue_of(struct ks_share *share, uint32_t source)
{
	unsigned int vacant = OTHERS;

	if (source >= KS_OUTCOME_SOURCE)
		return (uint8_t)(KERNEL + (KS_NO_SOURCE - source));
	if (!source)
		return OWNER_0;
	for (unsigned int i = FIRST_OWNER; i < KS_RING_SOURCES; i++) {
		if (share->queue[i].oldest == KS_NOWHERE)
			vacant = vacant ? vacant : i;
		else if (share->queue[i].source == source)
			return (uint8_t)i;
	}
	if (vacant)
		share->queue[vacant].source = source;
	return (uint8_t)vacant;
}

/*
 * The oldest record of whoever holds most, counting what @mine is about to get: that gives way.
 * Of those who hold as much as each other, the one whose record is oldest, and the kernel itself
 * last.
 */
static uint32_t victim(const struct ks_ring *ring, const struct ks_share *share, unsigned int mine, uint32_t cells)
{
	uint32_t found = KS_NOWHERE, most = 0;

	for (unsigned int i = 0; i < KS_RING_SOURCES; i++) {
		const struct ks_queue *queue = &share->queue[i];
		uint32_t has = 2 * (queue->cells + (i == mine ? cells : 0)) + (i != KERNEL);

		if (queue->oldest == KS_NOWHERE || has < most)
			continue;
		if (has == most && head_at(ring, queue->oldest)->entry.seq > head_at(ring, found)->entry.seq)
			continue;
		found = queue->oldest;
		most = has;
	}
	return found;
}

/* The oldest record of samples that are over, or KS_NOWHERE. */
static uint32_t outdated(const struct ks_ring *ring, const struct ks_share *share)
{
	uint64_t before = share == &ring->share[KS_SAMPLE] ? ring->sample_seq : 0;
	uint32_t found = KS_NOWHERE;

	for (unsigned int i = 0; i < KS_RING_SOURCES; i++) {
		uint32_t oldest = share->queue[i].oldest;

		if (oldest == KS_NOWHERE || head_at(ring, oldest)->entry.seq >= before)
			continue;
		found = oldest;
		before = head_at(ring, oldest)->entry.seq;
	}
	return found;
}

static void push_out(struct ks_ring *ring, uint32_t at)
{
	const struct head *head = head_at(ring, at);

	if (head->entry.for_readers) {
		give_up(ring, at);
		return;
	}
	count_lost(ring, (enum ks_class)head->entry.class, head->entry.seq);
	if (head->sent) {
		ring->sent_lost[ring->sent_lost_at] = SENT_LOST(head->entry.seq) + head->entry.class;
		ring->sent_lost_at = (uint8_t)((ring->sent_lost_at + 1) % KS_SENT_LOST);
	}
	give_up(ring, at);
}

/* Copies @bytes into the cells from @at on, behind the head. */
static void fill(struct ks_ring *ring, uint32_t at, const char *bytes, uint32_t left)
{
	struct cell *cell = cell_at(ring, at);
	char *to = (char *)cell + sizeof(struct head);
	uint32_t room = FIRST_ROOM;

	for (;;) {
		uint32_t n = left < room ? left : room;

		memcpy(to, bytes, n);
		bytes += n;
		left -= n;
		if (!left)
			return;
		cell = cell_at(ring, cell->link & ~BEGINS);
		to = cell->bytes;
		room = NEXT_ROOM;
	}
}

/* A free cell: one that was given back, or one that was not used since the ring was empty. */
static uint32_t take_cell(struct ks_ring *ring)
{
	uint32_t at = ring->free;

	if (at == NO_CELL)
		return ring->unused++;
	ring->free = cell_at(ring, at)->link;
	return at;
}

/* A chain of @count cells, of which there are enough. */
static uint32_t take_cells(struct ks_ring *ring, uint32_t count)
{
	uint32_t first = take_cell(ring), at = first;

	while (--count) {
		uint32_t next = take_cell(ring);

		cell_at(ring, at)->link = next;
		at = next;
	}
	cell_at(ring, at)->link = NO_CELL;
	return first;
}

/* === Interface =========================================================== */

static void empty_share(struct ks_share *share)
{
	for (; share->used; share->used &= share->used - 1)
		share->queue[__builtin_ctzll(share->used)] =
			(struct ks_queue){ .oldest = KS_NOWHERE, .newest = KS_NOWHERE };
	share->cells = 0;
}

void ks_ring_init(struct ks_ring *ring, void *mem, uint32_t size)
{
	uint32_t cells = (size - KS_RECORD_MAX) / CELL_BYTES;

	ring->mem = mem;
	ring->size = size;
	for (unsigned int i = 0; i < KS_CLASSES; i++) {
		ring->share[i].cells_max = (uint32_t)((uint64_t)cells * share_eighths[i] / 8);
		ring->share[i].used = (1ULL << KS_RING_SOURCES) - 1;
	}
	ks_ring_clear(ring);
}

void ks_ring_clear(struct ks_ring *ring)
{
	ring->free = NO_CELL;
	ring->unused = 0;
	ring->oldest = ring->newest = KS_NOWHERE;
	ring->held = ring->used_bytes = 0;
	ring->next_seq = ring->sample_seq = 0;
	ring->lost_first = ring->lost_last = ring->lost_count = 0;
	ring->recent_first = ring->recent_last = 0;
	ring->lost_seen = ring->told_seen = 0;
	/* A reset is a part of a call: what is empty is left alone. */
	for (unsigned int i = 0; i < KS_CLASSES; i++) {
		empty_share(&ring->share[i]);
		ring->share[i].lost = 0;
	}
	if (ring->lost_total)
		memset(ring->sent_lost, 0, sizeof(ring->sent_lost));
	ring->sent_lost_at = 0;
	ring->lost_total = 0;
}

void ks_ring_begin_sample(struct ks_ring *ring)
{
	ring->sample_seq = ring->next_seq;
}

void ks_ring_commit(struct ks_ring *ring, struct ks_entry *entry, uint32_t source)
{
	struct ks_share *share = &ring->share[entry->class];
	uint32_t bytes = (uint32_t)entry->text_bytes + entry->raw_bytes, cells = CELLS_OF(bytes), at;
	unsigned int queue = queue_of(share, source);
	struct head *head;

	share->used |= 1ULL << queue;
	while (share->cells + cells > share->cells_max) {
		at = outdated(ring, share);
		push_out(ring, at != KS_NOWHERE ? at : victim(ring, share, queue, cells));
	}
	at = take_cells(ring, cells);
	fill(ring, at, ring->mem, bytes);
	head = head_at(ring, at);
	entry->seq = ring->next_seq++;
	head->link |= BEGINS;
	head->entry = *entry;
	head->cells = (uint16_t)cells;
	head->queue = (uint8_t)queue;
	head->sent = false;
	link_entry(ring, at, &share->queue[queue]);
	share->queue[queue].cells += cells;
	share->cells += cells;
	ring->held += !entry->for_readers;
	ring->used_bytes += cells * CELL_BYTES;
}

void ks_ring_drop(struct ks_ring *ring, enum ks_class class)
{
	count_lost(ring, class, ring->next_seq++);
}

/* Whether a record begins at @at, which may be anything. */
static bool is_place(const struct ks_ring *ring, uint32_t at)
{
	return at < ring->unused && cell_at(ring, at)->link & BEGINS;
}

static uint64_t seq_at(const struct ks_ring *ring, uint32_t at)
{
	return head_at(ring, at)->entry.seq;
}

/* A place from which it is not far to @seq, or KS_NOWHERE if there is no record from @seq on. */
static uint32_t start_of_walk(const struct ks_ring *ring, uint64_t seq, uint32_t hint)
{
	uint64_t first, last;

	/* One that got no memory has none. */
	if (!ring->used_bytes)
		return KS_NOWHERE;
	if (is_place(ring, hint))
		return hint;
	first = seq_at(ring, ring->oldest);
	last = seq_at(ring, ring->newest);
	if (seq > last)
		return KS_NOWHERE;
	return seq < first || seq - first < last - seq ? ring->oldest : ring->newest;
}

bool ks_ring_seek(const struct ks_ring *ring, uint64_t seq, uint32_t *place)
{
	uint32_t at = start_of_walk(ring, seq, *place), older;
	unsigned int left = KS_RING_WALK_MAX;

	for (; at != KS_NOWHERE && seq_at(ring, at) < seq && left; left--)
		at = head_at(ring, at)->newer;
	*place = at;
	if (at == KS_NOWHERE)
		return true;
	if (seq_at(ring, at) < seq)
		return false;
	for (; (older = head_at(ring, at)->older) != KS_NOWHERE && seq_at(ring, older) >= seq; left--) {
		if (!left)
			return false;
		*place = at = older;
	}
	return true;
}

uint32_t ks_ring_find(const struct ks_ring *ring, uint64_t seq, uint32_t hint)
{
	while (!ks_ring_seek(ring, seq, &hint))
		;
	return hint;
}

void ks_ring_read(const struct ks_ring *ring, uint32_t at, struct ks_entry *entry, char *bytes)
{
	const struct head *head = head_at(ring, at);
	const char *from = (const char *)head + sizeof(*head);
	uint32_t left, room = FIRST_ROOM, link = head->link & ~BEGINS;

	*entry = head->entry;
	left = bytes ? (uint32_t)entry->text_bytes + entry->raw_bytes : 0;
	while (left) {
		uint32_t n = left < room ? left : room;

		memcpy(bytes, from, n);
		bytes += n;
		left -= n;
		if (!left)
			break;
		from = cell_at(ring, link)->bytes;
		link = cell_at(ring, link)->link;
		room = NEXT_ROOM;
	}
}

void ks_ring_sent(struct ks_ring *ring, uint32_t at)
{
	head_at(ring, at)->sent = true;
}

/* It was counted as lost, and is not; if that was told meanwhile, it stays told. */
static void undo_loss(struct ks_ring *ring, enum ks_class class, uint64_t seq)
{
	ring->lost_total--;
	ring->share[class].lost--;
	if (!ring->lost_count || seq < ring->lost_first || seq > ring->lost_last)
		return;
	ring->lost_count--;
	ring->lost_first += seq == ring->lost_first;
	ring->lost_last -= seq == ring->lost_last && ring->lost_count;
}

bool ks_ring_deliver(struct ks_ring *ring, uint64_t seq, uint32_t *place)
{
	uint32_t at = ks_ring_find(ring, seq, *place);

	*place = at;
	if (at != KS_NOWHERE && seq_at(ring, at) == seq) {
		*place = head_at(ring, at)->newer;
		give_up(ring, at);
		return true;
	}
	for (unsigned int i = 0; i < KS_SENT_LOST; i++) {
		uint64_t class = ring->sent_lost[i] - SENT_LOST(seq);

		if (class >= KS_CLASSES)
			continue;
		ring->sent_lost[i] = 0;
		undo_loss(ring, (enum ks_class)class, seq);
		return true;
	}
	return false;
}
