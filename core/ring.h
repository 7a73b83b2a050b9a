/* SPDX-License-Identifier: MIT */
/*
 * ring.h - records in a fixed piece of memory.
 *
 * Records are kept as the JSON text that will be sent, in order of their seq.  One is given up when it was consumed, or
 * when room is needed and it is the oldest; in the second case it is counted as lost.  The caller holds the lock.
 */
#ifndef KS_RING_H
#define KS_RING_H

#include "port.h"

/* No record is longer, raw bytes included. */
#define KS_RECORD_MAX 2048
/* The least memory with which a ring works. */
#define KS_RING_MIN (4 * KS_RECORD_MAX)

struct ks_entry {
	uint32_t size;        /* of the whole entry, header and padding included; a multiple of 8 */
	uint16_t text_bytes;  /* of the JSON object */
	uint16_t raw_bytes;   /* of the raw bytes that follow the text */
	uint64_t seq;
	uint16_t raw_at;      /* where in the text the value for the raw bytes goes */
	uint8_t consumed;
	uint8_t pad[5];
	char text[];
};

struct ks_ring {
	char *mem;
	uint32_t size;          /* of mem */
	uint32_t head;          /* where the next entry goes */
	uint32_t tail;          /* the oldest entry */
	uint32_t wrap;          /* where the entries end at the top of mem, if head is below tail */
	uint32_t count;         /* entries between tail and head, consumed ones among them */
	uint32_t held;          /* those that are not consumed */
	uint32_t used_bytes;    /* by the held ones */
	uint64_t next_seq;
	/* What was pushed out and has not been told yet. */
	uint64_t lost_first, lost_last, lost_count;
	uint64_t lost_total;
};

void ks_ring_init(struct ks_ring *ring, void *mem, uint32_t size);

/* Forgets everything; seq starts at 0 again. */
void ks_ring_clear(struct ks_ring *ring);

/* Room for an entry of the greatest size, pushing out the oldest; then fill in text, text_bytes, raw_*, and commit. */
struct ks_entry *ks_ring_reserve(struct ks_ring *ring);
void ks_ring_commit(struct ks_ring *ring, struct ks_entry *entry);

/* A record that could not be written: takes a seq and counts as lost. */
void ks_ring_drop(struct ks_ring *ring);

/* Walking: the first entry with this seq or a later one, and the one behind; NULL at the end. */
struct ks_entry *ks_ring_from(const struct ks_ring *ring, uint64_t seq);
struct ks_entry *ks_ring_after(const struct ks_ring *ring, const struct ks_entry *entry);

/*
 * The record was delivered.  It stays in its place, so that a walk can go on from it, until ks_ring_trim() gives up what is consumed
 * at the old end.
 */
void ks_ring_consume(struct ks_ring *ring, struct ks_entry *entry);
void ks_ring_trim(struct ks_ring *ring);

/* The first @count losses up to seq @last were told. */
void ks_ring_lost_told(struct ks_ring *ring, uint64_t last, uint64_t count);

/*
 * @count records from seq @from on and before @before were delivered, and pushed out before that was confirmed: they are not lost.
 * Returns how many of them were counted as lost until now.
 */
uint64_t ks_ring_not_lost(struct ks_ring *ring, uint64_t from, uint64_t before, uint64_t count);

#endif /* KS_RING_H */
