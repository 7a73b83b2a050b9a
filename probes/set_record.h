/* SPDX-License-Identifier: MIT */
/*
 * set_record.h - inside the set engine: the records that it makes, of which class each is, and how
 * many changes of whose.
 *
 * Beside the records of items there are two kinds, with these members; docs/schema has both lists
 * from here (scripts/schemas).
 *
 *   limited     changes that one source made in one kind were not recorded; a member says whose
 *   incomplete  a pass did not see all
 *
 *   of          string            limited     the kind
 *   count       number            limited     how many
 *   since_ns    number            limited     since when, since boot
 *   looked      number            incomplete  how many it saw
 *   of          number            incomplete  how many there were
 *   so_far      bool, optional    incomplete  the pass has just come to that, and is not at its
 *               end
 *   why         string, optional  incomplete  xen-idt: "cpus" of other pools, or "held" by
 *               somebody else
 *   view        string, optional  incomplete  Linux: which way of looking
 */

#ifndef KS_SET_RECORD_H
#define KS_SET_RECORD_H

#include "set_table.h"

/*
 * So many changes of one kind by one source are recorded in so long, unless the type says other,
 * and others counted.
 */
#define KS_CHANGES_MAX 32
#define KS_CHANGES_NS 300000000000ULL
/*
 * So many sources and kinds are counted at a time.  Where there are more, those that changed least
 * are not: a change of theirs is recorded.
 */
#define KS_LIMITS 32

struct ks_limit {
	uint64_t since_ns;
	uint64_t of;            /* whose changes these are: the source, or what stays the same */
	uint32_t source;        /* as which they are in the ring */
	uint8_t uuid[16];       /* whose, where @source stands for a uuid */
	uint32_t left_out, told;
	uint8_t kind;
	uint8_t made;           /* 0: free */
};

enum ks_set_event { KS_PRESENT, KS_APPEARED, KS_VANISHED, KS_CHANGED };

/* What happened to an item. */
struct ks_happening {
	enum ks_set_event event;
	uint8_t kind;
	bool in_first_sample;
	bool is_settling;       /* what it looks at is still being set up */
	bool is_new;            /* it was not in the table */
	/*
	 * of what it was, only a fingerprint was there; of one that vanished, the item is its key
	 */
	bool is_print;
	const void *item;
	const void *old;        /* for a change, as it was, or NULL */
	struct ks_whole *whole; /* where it is kept, or NULL */
};

/* Whether two items are the same in all that is watched. */
bool ks_set_same(const struct ks_set_kind *kind, const void *a, const void *b);

/* Makes the record, or counts a change that is one too many. */
void ks_set_record(struct ks_probe *probe, const struct ks_table *table, struct ks_limit limits[KS_LIMITS],
		   struct ks_happening what);

/*
 * At the end of a pass, of each row: tells of changes that were only counted, when that begins,
 * and when their time is over.  True: it made a record, of which all rows together make too many
 * for one step.
 */
bool ks_set_tell_limit(struct ks_probe *probe, const struct ks_table *table, struct ks_limit *limit);

/*
 * The sample cannot be complete: of @of items so many were looked at; @so_far: it is not at its
 * end.
 */
void ks_set_record_incomplete(struct ks_probe *probe, uint64_t looked, uint64_t of, bool so_far);

#endif /* KS_SET_RECORD_H */
