/* SPDX-License-Identifier: MIT */
/*
 * set.h - the engine for things that exist: domains, vCPUs, processes, files in a folder.
 *
 * A probe supplies a way to walk its items, and a table of their fields.  The engine walks in
 * steps, compares with the last sample, and makes a record of each item that is
 *
 *   present    in the first sample, when a fresh sample was asked for, or new after a sample that
 *              was incomplete
 *   appeared   new since the last sample
 *   vanished   gone since the last sample; the record shows it as it was last seen
 *   changed    one of its watched fields is not as before; the record shows it as it is, and in
 *              "old" the former values
 *
 * Record: {common members, "event": one of these, the item's fields..., "old": {...}}; the common
 * member "kind" is the item's, and "class" is the highest that the tables below give to what
 * happened.
 *
 * What must not change keeps its first value, from its first sample on or since it appeared, until
 * the probe is reset. Where an item is not as at first, each of its records ends in "first": {the
 * fields that differ, as they were} (null: too long to stand beside "old"; a fresh sample shows
 * it).  From its first change on, also when it is as at first again, in "changed_ns", when that
 * was, and "changes", how often it was seen to change.
 *
 * The table is as large as the probe's share of the sensor's memory allows.  Of items for which it
 * has no room as a whole it has a fingerprint, where two of these take less than one item: the
 * key, and a keyed hash of what is watched.  So their coming, changing and going is seen as well,
 * but "vanished" then shows the key alone, "changed" has no "old", and both have "fingerprint":
 * true. It is the oldest items of whoever has the most that become fingerprints, and at last have
 * no place at all.  A record of kind "incomplete" says so when the first has none ("so_far":
 * true), and at the end of the sample: looked at so many, of so many.
 *
 * Nobody can make a record of each change for ever: of what one source (a domain, a user) changes
 * in one kind, so many are recorded in a while, and a record of kind "limited" says how many more
 * there were.  Of very many sources those that change most are limited (KS_LIMITS).  Alarms are
 * never left out.
 */
#ifndef KS_SET_H
#define KS_SET_H

#include "../core/probe.h"

/*
 * How a field is told, and how wide it is, which the compiler holds against its C type.  A number
 * that may pass 2^53 is a string (PROTOCOL), for many readers keep numbers as doubles: whatever
 * somebody outside the kernel can set at will, and whatever is an address, is KS_HEX.  What has 64
 * bits and is a plain number is one of the three that say why it may be.
 */
enum ks_field_type {
	KS_U8, KS_U16, KS_U32, KS_S32,  /* decimal */
	/*
	 * 64 bits, decimal.  Of what is counted one by one: it takes centuries to come to 2^53.
	 * Bytes of the kernel's own memory: no machine has so many.  Nanoseconds since boot, or of
	 * a duration: PROTOCOL has times as numbers; from 104 days on a double is some ns off.
	 */
	KS_COUNT, KS_SIZE, KS_NS,
	KS_HEX,                         /* unsigned, as "0x..." */
	KS_SIGNED_HEX,                  /* int64_t, as "0x..." or "-0x..." */
	KS_BOOL,                        /* uint8_t */
	KS_STRING,                      /* char[size], ended by NUL or by the size */
	KS_UUID,                        /* uint8_t[16] */
};

#define KS_IS_WIDTH(type, bytes) \
	((type) == KS_U8 || (type) == KS_BOOL ? (bytes) == 1 : \
	 (type) == KS_U16 ? (bytes) == 2 : \
	 (type) == KS_U32 || (type) == KS_S32 ? (bytes) == 4 : \
	 (type) == KS_COUNT || (type) == KS_SIZE || (type) == KS_NS || (type) == KS_SIGNED_HEX ? (bytes) == 8 : \
	 (type) == KS_HEX ? (bytes) == 1 || (bytes) == 2 || (bytes) == 4 || (bytes) == 8 : \
	 (type) == KS_UUID ? (bytes) == 16 : (bytes) > 0)

enum ks_field_role {
	KS_WATCHED,                     /* a change of it is an event */
	KS_SHOWN,                       /* a change of it is nothing: run time, momentary state */
	/* a change of it is an alarm; so is it when an item appears for which a KS_BOOL is true */
	KS_GUARDED,
	/* KS_BOOL, watched: what happens to an item for which it is true is an alarm */
	KS_RAISING,
};

struct ks_field {
	const char *member;             /* KS_MEMBER(name) */
	uint8_t member_bytes;
	uint8_t type;                   /* enum ks_field_type */
	uint8_t role;                   /* enum ks_field_role */
	uint16_t offset, size;          /* within the item */
};

#define KS_FIELD_BYTES(item, name) sizeof(((item *)0)->name)
#define KS_FIELD_(item, name, type, role) \
	{ KS_MEMBER(#name), sizeof(KS_MEMBER(#name)) - 1, type, role, offsetof(item, name), \
	  KS_FIELD_BYTES(item, name) + 0 * sizeof(char[KS_IS_WIDTH(type, KS_FIELD_BYTES(item, name)) ? 1 : -1]) }
/*
 * A field by its role.  The JSON member has the name of the C member.
 *
 * What follows the type is for people, and the compiler drops it: what the member means, behind
 * "[unit] " where it has one.  The probe's page has it from here (scripts/probe-pages).
 */
#define KS_FIELD(item, name, type, ...) KS_FIELD_(item, name, type, KS_WATCHED)
#define KS_LIVE(item, name, type, ...) KS_FIELD_(item, name, type, KS_SHOWN)
#define KS_GUARD(item, name, type, ...) KS_FIELD_(item, name, type, KS_GUARDED)
#define KS_RAISE(item, name, type, ...) KS_FIELD_(item, name, type, KS_RAISING)

/* What a kind is, beside its fields. */
/* that there is such an item at all is an alarm, and so is all that happens to it */
#define KS_IS_ALARM 1U
#define KS_HOLDS_STILL 2U       /* a change is an alarm, and the first value is kept */
#define KS_NONE_COMES 4U        /* so is one that appears or vanishes */

struct ks_set_kind {
	const char *name;               /* the record's "kind" */
	const struct ks_field *fields;
	uint8_t fields_count;
	uint8_t flags;                  /* KS_IS_ALARM... */
	/* the first bytes of the item, that tell it from others of its kind; no padding in them */
	uint16_t key_bytes;
	uint16_t item_bytes;
	/*
	 * where in the item it says who makes such items come and go; 0 bytes:
	 * nobody in particular
	 */
	uint16_t source_at, source_bytes;
	/*
	 * Optional: where it has a uint64_t that nobody can give himself.  Changes are limited by
	 * that, not by the source.
	 */
	bool has_self;
	uint16_t self_at;
};

#define KS_KIND_(kind, item, table, key, is, ...) \
	{ \
		.name = kind, .fields = table, .fields_count = sizeof(table) / sizeof(*(table)), .flags = is, \
		.key_bytes = key, .item_bytes = sizeof(item), __VA_ARGS__ \
	}
#define KS_KEY_(item, last) (offsetof(item, last) + sizeof(((item *)0)->last))
#define KS_SOURCE_(item, by) .source_at = offsetof(item, by), .source_bytes = sizeof(((item *)0)->by)
/*
 * A kind by its name, the item's type, the table of its fields, and the last member of its key,
 * which is all of the item from its begin to there. Then, for the probe's page, what an item of
 * this kind is.
 */
#define KS_KIND(kind, item, table, last, ...) KS_KIND_(kind, item, table, KS_KEY_(item, last), 0, )
/* A kind of which there is one item, without a key. */
#define KS_ONE(kind, item, table, ...) KS_KIND_(kind, item, table, 0, 0, )
/*
 * A kind whose items come and go as somebody likes; @by: the member that says who, a domid, a uid,
 * or a uuid, which a guest keeps when it reboots and need not be one of the fields.
 */
#define KS_KIND_BY(kind, item, table, last, by, ...) \
	KS_KIND_(kind, item, table, KS_KEY_(item, last), 0, KS_SOURCE_(item, by))
/*
 * The same of a uuid that can be changed at any time: so changes are limited by @self, a member
 * whose number stays.
 */
#define KS_KIND_BY_SELF(kind, item, table, last, by, self, ...) \
	KS_KIND_(kind, item, table, KS_KEY_(item, last), 0, KS_SOURCE_(item, by), .has_self = true, \
		 .self_at = offsetof(item, self) + 0 * sizeof(char[sizeof(((item *)0)->self) == 8 ? 1 : -1]))
/* A kind of which there must not be any; the second, where somebody makes them. */
#define KS_ALARMS(kind, item, table, last, ...) KS_KIND_(kind, item, table, KS_KEY_(item, last), KS_IS_ALARM, )
#define KS_ALARMS_BY(kind, item, table, last, by, ...) \
	KS_KIND_(kind, item, table, KS_KEY_(item, last), KS_IS_ALARM, KS_SOURCE_(item, by))
/*
 * A kind whose items must not change while they are there; and one of which none may come or go,
 * either.
 */
#define KS_STILL(kind, item, table, last, ...) KS_KIND_(kind, item, table, KS_KEY_(item, last), KS_HOLDS_STILL, )
#define KS_SEALED(kind, item, table, last, ...) \
	KS_KIND_(kind, item, table, KS_KEY_(item, last), KS_HOLDS_STILL | KS_NONE_COMES, )

struct ks_set_progress {
	uint64_t at[4];                 /* the probe's, zero at the start of a pass */
};

#define KS_SET_END (-1)
#define KS_SET_FAILED (-2)              /* after ks_probe_failed() */
/* no item this time, go on: for a walk over what may be empty */
#define KS_SET_SKIP (-3)
/* the next item is not to be had here: the step ends, the walk goes on in the next */
#define KS_SET_ELSEWHERE (-4)

/*
 * Added to the index of a kind: of @item no more than the key is known now.  What the last sample
 * has of it stays, and nothing is told, for it is neither seen nor gone; that there are such makes
 * the pass incomplete, which is the probe's to say.
 */
#define KS_SET_UNSEEN 0x100

struct ks_set_type {
	const struct ks_set_kind *kinds;
	uint8_t kinds_count;
	uint32_t items_max;             /* how many items there can be */
	/*
	 * Optional, instead: the same, of this machine.  Before the probe's init(), and once and
	 * for all.
	 */
	uint32_t (*items)(void);
	/* Optional: 0, or -1 for no memory. */
	int (*init)(struct ks_probe *probe);
	void (*exit)(struct ks_probe *probe);
	/*
	 * Optional: how many of them a first sample usually has.  The probe's ring is made for
	 * that.
	 */
	uint32_t (*first_items)(void);
	/*
	 * So long after boot what it looks at is still being set up: until then, what holds still
	 * is first as it is in the end, and that it was another is no alarm.
	 */
	uint64_t settled_ns;
	/*
	 * How many changes of one kind by one source are recorded in five minutes; 0: 32.  Others
	 * are counted.
	 */
	uint8_t changes_max;
	/*
	 * Copies the next item to @item (zeroed, room for the largest kind) and moves @progress.
	 * The index of its kind, or KS_SET_*.  Bounded time; what it walks may change between two
	 * calls.
	 */
	int (*next)(struct ks_probe *probe, struct ks_set_progress *progress, void *item);
	/*
	 * Optional, for items that are too many to keep and are all alike: next() gives those that
	 * are not as usual, and those that the last sample has (ks_set_kept()).  One that the last
	 * sample has not is then "changed" from what this makes of @item, a copy of it: the same
	 * item as it usually is, which is its first value, too.  False: its kind has nothing
	 * usual.
	 */
	bool (*usual)(struct ks_probe *probe, unsigned int kind, void *item);
};

/*
 * For next(): the item of kind @kind with @item's key, as the last sample that had one shows it,
 * or NULL (or it is a fingerprint).  So what costs much to find out and has not changed need not
 * be found out again.  It is the engine's, valid until next() returns.
 */
const void *ks_set_kept(const struct ks_probe *probe, unsigned int kind, const void *item);

/* For struct ks_probe_type: .init = ks_set_init, ... with .engine = the struct ks_set_type. */
void ks_set_size(const struct ks_probe_type *type, struct ks_size *size);
int ks_set_init(struct ks_probe *probe);
void ks_set_exit(struct ks_probe *probe);
void ks_set_reset(struct ks_probe *probe);
uint32_t ks_set_baselines(const struct ks_probe *probe);
enum ks_step ks_set_step(struct ks_probe *probe, uint64_t deadline_ns);

#define KS_SET_ENGINE(set_type) \
	.size = ks_set_size, .init = ks_set_init, .exit = ks_set_exit, .reset = ks_set_reset, \
	.baselines = ks_set_baselines, .step = ks_set_step, .engine = (set_type)

#endif /* KS_SET_H */
