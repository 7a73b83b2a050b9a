/* SPDX-License-Identifier: MIT */
/*
 * set_table.h - inside the set engine: what it remembers of the last sample.
 *
 * The table is slots: a keyed hash of an item's key leads to a chain of them.  A slot has the item
 * as it was last seen, or its fingerprint.  Its memory is blocks: one holds a whole item, or as
 * many fingerprints as fit in its place.  At first all are for whole items; when there is no more
 * room, the oldest item becomes a fingerprint, and a block one for these, if none has room for it.
 * Up to one of WHOLE_PART of the blocks stays for whole items.  A block whose fingerprints have
 * all gone is one for an item again. Alarms have blocks of their own, so that nothing else takes
 * their place.
 *
 * What has to leave the table is noted in a filter, so that in the next pass it is not taken for
 * something new.
 */
#ifndef KS_SET_TABLE_H
#define KS_SET_TABLE_H

#include "set.h"

#define KS_NO_SLOT UINT32_MAX

struct ks_slot {
	uint32_t next;          /* in the chain, or among the free */
	uint16_t pass;          /* in which it was seen last; 0: free */
	uint8_t kind;           /* and KS_GONE */
	uint8_t source;         /* which of sources[] counts it */
};

/*
 * It vanished, and is kept for its first value, should it come back; until anybody else needs the
 * slot, who gets it before one is taken from what is there.
 */
#define KS_GONE 0x80

struct ks_whole {
	struct ks_slot slot;
	/* when it was first seen not to be as at first; 0: it has always been */
	uint64_t changed_ns;
	uint8_t item[] __attribute__((aligned(8)));
	/*
	 * Behind it, of kinds that hold still, if there is a changed_ns: as it was at first, and
	 * how often it was seen to change.
	 */
};

struct ks_print {
	struct ks_slot slot;
	/* keyed hash of what is watched; of a free one, the slot before it among the free */
	uint64_t content;
	uint8_t key[] __attribute__((aligned(8)));
};

/*
 * A block, outside of its memory.  It is in one list: of the free, of those with a whole item, of
 * those with one that is gone, of those for fingerprints; all but the last for alarms apart.
 */
struct ks_block {
	uint32_t older, newer;
	uint8_t use;            /* KS_BLOCK_..., or how many fingerprints are in it */
};

#define KS_BLOCK_FREE 0xff
#define KS_BLOCK_WHOLE 0xfe

struct ks_list {
	uint32_t oldest, newest; /* blocks, or KS_NO_BLOCK */
};

#define KS_NO_BLOCK UINT32_MAX

/* A slot is known by its block's number and its place in it. */
#define KS_PLACES 32
#define KS_SLOT(block, place) ((block) * KS_PLACES + (place))

enum { KS_ALARMS_PART, KS_COMMON_PART, KS_PARTS };

#define KS_SET_SOURCES 256

struct ks_table {
	const struct ks_set_kind *kinds;
	uint64_t key[2];        /* of all hashes; of this start of the probe */
	uint32_t *chains;       /* chains_count, a power of two */
	uint32_t chains_count;
	struct ks_block *blocks;
	uint32_t alarm_blocks;  /* so many, the first of all */
	uint32_t blocks_count;  /* of both parts */
	char *mem[KS_PARTS];
	uint32_t block_bytes[KS_PARTS];
	uint32_t print_bytes;
	uint8_t prints;         /* in a block; 0: not worth it */
	/* so many blocks of the common part are not made ones of fingerprints */
	uint32_t wholes_min;
	uint32_t wholes;        /* which are not, free ones among them */
	struct ks_list free[KS_PARTS], used_whole[KS_PARTS], gone_whole[KS_PARTS], used_prints;
	uint32_t free_print;    /* slot; others follow.  KS_NO_SLOT: none */
	/* slot of a fingerprint that is asked first to give way, or KS_NO_SLOT */
	uint32_t print_hand;
	/*
	 * of the largest; the first value is so far behind the item, and the number of
	 * changes behind that
	 */
	uint32_t item_bytes;
	uint32_t used;          /* slots whose item is there */
	uint32_t sources[KS_SET_SOURCES]; /* slots by who made the item, by a keyed hash of that */
	uint16_t pass;          /* the pass under way */
	uint32_t unkept;        /* items that were seen in this pass and have no slot */
	/* items that had to leave the table: filter_bits of them, a power of two */
	uint64_t *filter;
	uint32_t filter_bits, filter_set;
	/* What a reset leaves to be emptied in steps: all is, before a pass begins to walk. */
	uint32_t forgotten, filter_forgotten;
};

/* 0, or -1 for no memory; what was taken is given back by ks_table_exit() in either case. */
int ks_table_init(struct ks_table *table, struct ks_probe *probe);
void ks_table_exit(struct ks_table *table);

/*
 * Forgets everything; it is a part of it that ks_table_forget() does, in little time.  True: that
 * was the last.
 */
void ks_table_reset(struct ks_table *table);
bool ks_table_forget(struct ks_table *table);

static inline bool ks_table_is_print(const struct ks_table *table, uint32_t slot)
{
	return table->blocks[slot / KS_PLACES].use < KS_PLACES + 1;
}

static inline struct ks_slot *ks_table_slot(const struct ks_table *table, uint32_t slot)
{
	uint32_t block = slot / KS_PLACES, place = slot % KS_PLACES;

	if (block < table->alarm_blocks)
		return (struct ks_slot *)(void *)(table->mem[KS_ALARMS_PART] +
						  (size_t)block * table->block_bytes[KS_ALARMS_PART]);
	block -= table->alarm_blocks;
	return (struct ks_slot *)(void *)(table->mem[KS_COMMON_PART] +
					  (size_t)block * table->block_bytes[KS_COMMON_PART] +
					  place * table->print_bytes);
}

/*
 * For a walk over all slots from 0 on, in use or not: the one behind @slot; the end is
 * table->blocks_count * KS_PLACES.
 */
static inline uint32_t ks_table_after(const struct ks_table *table, uint32_t slot)
{
	return ks_table_is_print(table, slot) && slot % KS_PLACES + 1 < table->prints
		       ? slot + 1
		       : (slot / KS_PLACES + 1) * KS_PLACES;
}

static inline struct ks_whole *ks_whole_of(struct ks_slot *slot)
{
	return container_of(slot, struct ks_whole, slot);
}

static inline struct ks_print *ks_print_of(struct ks_slot *slot)
{
	return container_of(slot, struct ks_print, slot);
}

static inline void *ks_table_first(const struct ks_table *table, struct ks_whole *whole)
{
	return whole->item + table->item_bytes;
}

static inline uint64_t *ks_table_changes(const struct ks_table *table, struct ks_whole *whole)
{
	return (uint64_t *)(void *)(whole->item + 2 * table->item_bytes);
}

/* The key of the item in slot @i: the item's first bytes, or all there is of it. */
static inline const uint8_t *ks_table_key(const struct ks_table *table, uint32_t i)
{
	struct ks_slot *slot = ks_table_slot(table, i);

	return ks_table_is_print(table, i) ? ks_print_of(slot)->key : ks_whole_of(slot)->item;
}

/* Of the key of an item; nobody outside can aim at one. */
uint64_t ks_table_hash(const struct ks_table *table, uint8_t kind, const void *item);

/* Of all that is watched in an item: what a fingerprint has. */
uint64_t ks_table_content(const struct ks_table *table, const struct ks_set_kind *kind, const void *item);

/* The slot of the item with @item's key, or KS_NO_SLOT. */
uint32_t ks_table_find(const struct ks_table *table, uint64_t hash, uint8_t kind, const void *item);

/*
 * Whether an item that has no slot is one that had to leave the table, so that nothing is known of
 * it.  Rarely so of one that has not.
 */
bool ks_table_has_left(const struct ks_table *table, uint64_t hash);

/* Whether to keep one item more of this kind, another has to leave the table. */
bool ks_table_is_full(const struct ks_table *table, const struct ks_set_kind *kind);

/* A slot for @item, which was seen in this pass and had none: the newest always gets one. */
struct ks_whole *ks_table_keep(struct ks_table *table, uint8_t kind, const void *item, uint64_t hash);

/*
 * @whole was @value, and is no more: that is what it was at first, unless it is known to have been
 * something else.  Of kinds that hold still.
 */
void ks_table_changed(const struct ks_table *table, struct ks_whole *whole, const void *value);

/* The item in slot @i is gone, or has a place elsewhere now. */
void ks_table_drop(struct ks_table *table, uint32_t i);

/* The same of a whole item whose first value is kept, should it come back; and that it has. */
void ks_table_gone(struct ks_table *table, uint32_t i);
void ks_table_back(struct ks_table *table, uint32_t i);

/*
 * Nobody has left the table who is still there; so much has left it that the filter says it of
 * everybody: it is emptied.
 */
void ks_table_forget_left(struct ks_table *table);
bool ks_table_left_too_many(const struct ks_table *table);

/*
 * Who makes items like this come and go: a domid, a uid (KS_OWNER_LAST at most), what stands for a
 * uuid in this table (0: the one of zeros), or KS_NO_SOURCE.
 */
uint32_t ks_set_source(const struct ks_table *table, const struct ks_set_kind *kind, const void *item);

#endif /* KS_SET_TABLE_H */
