/* SPDX-License-Identifier: MIT */
/*
 * set.h - the engine for things that exist: domains, vCPUs, processes, files in a folder.
 *
 * A probe supplies a way to walk its items, and a table of their fields.  The engine walks in steps, compares with
 * the last sample, and makes a record of each item that is
 *
 *   present    in the first sample, when a fresh sample was asked for, or new after a sample that was incomplete
 *   appeared   new since the last sample
 *   vanished   gone since the last sample; the record shows it as it was last seen
 *   changed    one of its watched fields is not as before; the record shows it as it is, and in "old" the former values
 *
 * Record: {common members, "event": one of these, the item's fields..., "old": {...}}; the common member "kind" is the item's.
 * When the table of the last sample is full, a record of kind "incomplete" says how many items were looked at, and of how
 * many; the others are reported as "present" only when asked for.
 */
#ifndef KS_SET_H
#define KS_SET_H

#include "../core/probe.h"

enum ks_field_type {
	KS_U8, KS_U16, KS_U32, KS_U64,  /* decimal */
	KS_S64,
	KS_HEX,                         /* uint64_t, as "0x..." */
	KS_BOOL,                        /* uint8_t */
	KS_STRING,                      /* char[size], ended by NUL or by the size */
	KS_UUID,                        /* uint8_t[16] */
};

struct ks_field {
	const char *member;             /* KS_MEMBER(name) */
	uint8_t member_bytes;
	uint8_t type;                   /* enum ks_field_type */
	uint8_t live;                   /* shown, but a change of it is no event: run time, momentary state */
	uint16_t offset, size;          /* within the item */
};

#define KS_FIELD_(item, name, type, live) \
	{ KS_MEMBER(#name), sizeof(KS_MEMBER(#name)) - 1, type, live, offsetof(item, name), sizeof(((item *)0)->name) }
/*
 * A field that is watched, and one that is only shown.  The JSON member has the name of the C member.
 *
 * What follows the type is for people, and the compiler drops it: what the member means, behind "[unit] " where it has one.  The probe's page has it
 * from here (scripts/probe-pages).
 */
#define KS_FIELD(item, name, type, ...) KS_FIELD_(item, name, type, 0)
#define KS_LIVE(item, name, type, ...) KS_FIELD_(item, name, type, 1)

struct ks_set_kind {
	const char *name;               /* the record's "kind" */
	const struct ks_field *fields;
	uint8_t fields_count;
	uint16_t key_bytes;             /* the first bytes of the item, that tell it from others of its kind; no padding in them */
	uint16_t item_bytes;
};

#define KS_KIND_(kind, item, table, key) \
	{ .name = kind, .fields = table, .fields_count = sizeof(table) / sizeof(*(table)), .key_bytes = key, .item_bytes = sizeof(item) }
/*
 * A kind by its name, the item's type, the table of its fields, and the last member of its key, which is all of the item from its begin to there.
 * Then, for the probe's page, what an item of this kind is.
 */
#define KS_KIND(kind, item, table, last, ...) KS_KIND_(kind, item, table, offsetof(item, last) + sizeof(((item *)0)->last))
/* A kind of which there is one item, without a key. */
#define KS_ONE(kind, item, table, ...) KS_KIND_(kind, item, table, 0)

struct ks_set_cursor {
	uint64_t at[4];                 /* the probe's, zero at the start of a pass */
};

#define KS_SET_END (-1)
#define KS_SET_FAILED (-2)              /* after ks_probe_failed() */
#define KS_SET_SKIP (-3)                /* no item this time, go on: for a walk over what may be empty */
#define KS_SET_ELSEWHERE (-4)           /* the next item is not to be had here: the step ends, the walk goes on in the next */

struct ks_set_type {
	const struct ks_set_kind *kinds;
	uint8_t kinds_count;
	uint32_t items_max;             /* how many the table of the last sample holds */
	/* Optional: 0, or -1 for no memory. */
	int (*init)(struct ks_probe *probe);
	void (*exit)(struct ks_probe *probe);
	/*
	 * Copies the next item to @item (zeroed, room for the largest kind) and moves @cursor.  The index of its kind, or KS_SET_*.
	 * Bounded time; what it walks may change between two calls.
	 */
	int (*next)(struct ks_probe *probe, struct ks_set_cursor *cursor, void *item);
	/*
	 * Optional, for items that are too many to keep and are all alike: next() gives those that are not as usual, and those that the last sample
	 * has (ks_set_kept()).  One that the last sample has not is then "changed" from what this makes of @item, a copy of it: the same item as it
	 * usually is.  False: its kind has nothing usual.
	 */
	bool (*usual)(struct ks_probe *probe, unsigned int kind, void *item);
};

/*
 * For next(): the item of kind @kind with @item's key, as the last sample that had one shows it, or NULL.  So what costs much to find out
 * and has not changed need not be found out again.  It is the engine's, valid until next() returns.
 */
const void *ks_set_kept(const struct ks_probe *probe, unsigned int kind, const void *item);

/* For struct ks_probe_type: .init = ks_set_init, ... with .engine = the struct ks_set_type. */
int ks_set_init(struct ks_probe *probe);
void ks_set_exit(struct ks_probe *probe);
void ks_set_reset(struct ks_probe *probe);
enum ks_step ks_set_step(struct ks_probe *probe, uint64_t deadline_ns);

#define KS_SET_ENGINE(set_type) \
	.init = ks_set_init, .exit = ks_set_exit, .reset = ks_set_reset, .step = ks_set_step, .engine = (set_type)

#endif /* KS_SET_H */
