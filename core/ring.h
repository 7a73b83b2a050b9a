/* SPDX-License-Identifier: MIT */
/*
 * ring.h - records in a fixed piece of memory, where the new push out the old.
 *
 * Records are kept as the JSON text that will be sent, in order of their seq.  One is given up
 * when it was consumed, or when room is needed; then it is counted as lost.  Whose room that is:
 *
 *   - Each class of records (probe.h) has a share of the memory and pushes out none
 *     but its own, so that
 *     whoever makes many samples or events cannot make an alarm disappear.
 *   - Within a class, the source that holds most gives up its oldest record: a source
 *     that floods pushes
 *     out what is its own, and what the others hold stays.  Domains and users beyond
 *     KS_RING_OWNERS share one
 *     place.
 *   - Of the samples, those that are over give way first, the oldest of their records before the
 *     others, whoever's they are: a sample that fits is kept whole, however many came before it.
 *
 * The memory is cut into cells, and a record is a chain of them, so that any record can be given
 * up without moving another.  The caller holds the lock.
 */
#ifndef KS_RING_H
#define KS_RING_H

#include "port.h"

/*
 * What a record is to its reader.  Each class has a share of the probe's ring of its own, so that
 * what there is much of never pushes out what must not be missed.
 */
enum ks_class {
	KS_SAMPLE,  /* how things are: somebody asked, or the first pass */
	KS_EVENT,   /* something came, went or changed, as things do */
	KS_ALARM,   /* what must not be, or what could not be seen */
	KS_CLASSES
};

/*
 * Who can make records of this kind appear: a domain, a user.  KS_NO_SOURCE: nobody in particular,
 * the sensor itself.  KS_KIND_SOURCE(i): likewise, and they are of the probe's i-th kind of
 * things, so that what is made to happen to one kind does not push out what is told of another,
 * nor of the sensor.  KS_OUTCOME_SOURCE: how a pass ended that failed or did not see all, which is
 * told again to each who asks for a pass, whatever he may.  These have places of their own, which
 * no number of domains and users takes.
 */
#define KS_NO_SOURCE UINT32_MAX
#define KS_RING_KINDS 12U
#define KS_KIND_SOURCE(i) (KS_NO_SOURCE - 1 - (i) % KS_RING_KINDS)
#define KS_OUTCOME_SOURCE (KS_NO_SOURCE - 1 - KS_RING_KINDS)
/*
 * Domains and users are sources by their own numbers; those with higher ones are this one.  0 has
 * a place of its own as well.
 */
#define KS_OWNER_LAST (KS_OUTCOME_SOURCE - 1)
#define KS_RING_OWNERS 30U
#define KS_RING_SOURCES (4 + KS_RING_KINDS + KS_RING_OWNERS)

/* As many as are sent in one go (reply_records.c). */
#define KS_SENT_LOST 64

/* No record is longer, raw bytes included. */
#define KS_RECORD_MAX 2048
/* The least memory with which a ring works: each class has room for the longest record. */
#define KS_RING_MIN 16384U

/* No record: the end of a walk, or a place that is not known. */
#define KS_NOWHERE UINT32_MAX

/*
 * From so many records ks_ring_seek() looks for the next: a call's time does not go with the size
 * of the ring.
 */
#define KS_RING_WALK_MAX 128

/* What is known of a record beside its bytes. */
struct ks_entry {
	uint64_t seq;
	uint16_t text_bytes;  /* of the JSON object */
	uint16_t raw_bytes;   /* of the raw bytes that follow the text */
	uint16_t raw_at;      /* where in the text the value for the raw bytes goes */
	uint8_t class;        /* enum ks_class */
	bool for_readers;     /* nobody takes it, so nobody loses it when it is pushed out */
	/*
	 * It says how this pass ended, by the low half of its number, which is never 0 here:
	 * whoever asked for the pass gets it, whatever the filter.  0: it does not.
	 */
	uint32_t outcome;
};

/* The records of one source in one class, the oldest first. */
struct ks_queue {
	uint32_t source;
	uint32_t oldest, newest;  /* KS_NOWHERE: none */
	uint32_t cells;
};

struct ks_share {
	uint32_t cells, cells_max;
	uint64_t lost;
	/* a bit for each queue that has had a record since all were emptied */
	uint64_t used;
	struct ks_queue queue[KS_RING_SOURCES];
};

struct ks_ring {
	char *mem;              /* the open record, then the cells */
	uint32_t size;          /* of mem, in bytes */
	uint32_t free;          /* the first cell that was given back */
	uint32_t unused;        /* cells from this one on were not used since the ring was empty */
	uint32_t oldest, newest;
	uint32_t held;          /* records, without those for readers */
	uint32_t used_bytes;
	uint64_t next_seq;
	uint64_t sample_seq;    /* with which the newest sample begins */
	struct ks_share share[KS_CLASSES];
	/*
	 * What was pushed out and has not been told yet: so many, and none of them outside first
	 * to last. seen counts all, told or not, and tells one telling from another; recent_* is
	 * what was lost since the last telling, which is all that is left to tell once that is
	 * confirmed.
	 */
	uint64_t lost_first, lost_last, lost_count;
	uint64_t recent_first, recent_last;
	uint32_t lost_seen, told_seen;
	uint64_t lost_total;    /* without those that turned out to have been delivered */
	/*
	 * Seqs of records that were sent to somebody who takes them, and were pushed out before he
	 * said that they arrived, with their classes: the last so many.  Each is here once, so
	 * that who says it twice does not make another loss undone.
	 */
	uint64_t sent_lost[KS_SENT_LOST];
	uint8_t sent_lost_at;
};

/* @ring is all zeros before. */
void ks_ring_init(struct ks_ring *ring, void *mem, uint32_t size);

/* Forgets everything; seq starts at 0 again. */
void ks_ring_clear(struct ks_ring *ring);

/* KS_RECORD_MAX bytes for the text and the raw bytes of the next record. */
static inline char *ks_ring_open(struct ks_ring *ring)
{
	return ring->mem;
}

/*
 * A sample begins, which somebody asked for, or the first: samples before it are over.  Until the
 * next begins, their records make room for those that come, and only then its own.
 */
void ks_ring_begin_sample(struct ks_ring *ring);

/*
 * Keeps the open record, as @entry describes it but for its seq, as one of @source's.  What has to
 * make room for it, gives way.
 */
void ks_ring_commit(struct ks_ring *ring, struct ks_entry *entry, uint32_t source);

/* A record of @class that could not be written: takes a seq and counts as lost. */
void ks_ring_drop(struct ks_ring *ring, enum ks_class class);

/*
 * The place of the first record with seq @seq or a later one, or KS_NOWHERE.  @hint: a place where
 * such a walk was before, which saves the search, or KS_NOWHERE; it may be of any age.
 */
uint32_t ks_ring_find(const struct ks_ring *ring, uint64_t seq, uint32_t hint);

/*
 * The same in pieces, for who holds a lock: *@place is the hint, and then where the walk has come
 * to.  False: it is not at its end after KS_RING_WALK_MAX records; call again, with this place.
 */
bool ks_ring_seek(const struct ks_ring *ring, uint64_t seq, uint32_t *place);

/*
 * What is at a place that ks_ring_find() gave; its bytes too, KS_RECORD_MAX at most, if @bytes is
 * not NULL.
 */
void ks_ring_read(const struct ks_ring *ring, uint32_t at, struct ks_entry *entry, char *bytes);

/* The record at this place is on its way to somebody who takes it. */
void ks_ring_sent(struct ks_ring *ring, uint32_t at);

/*
 * The record @seq was delivered: it is given up, or was pushed out in the meantime, and then it is
 * not lost.  False: somebody else got it, or it was lost long ago.  *@place: a hint, and then one
 * for the seqs behind this one.
 */
bool ks_ring_deliver(struct ks_ring *ring, uint64_t seq, uint32_t *place);

/*
 * Telling losses: ks_ring_telling() says that they are being told now and returns a mark; when
 * that has arrived, ks_ring_told() takes them, and what somebody else was told since, out of what
 * is to be told.
 */
uint32_t ks_ring_telling(struct ks_ring *ring);
void ks_ring_told(struct ks_ring *ring, uint32_t mark);

#endif /* KS_RING_H */
