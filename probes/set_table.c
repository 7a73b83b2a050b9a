// SPDX-License-Identifier: MIT
/*
 * set_table.c - inside the set engine: what it remembers of the last sample.
 */
#include "set_table.h"

#include "../core/siphash.h"

/* Slots of alarms that every probe has which may make one. */
#define ALARM_SLOTS 128
#define BLOCKS_MIN 16
#define CHAINS_MIN 16
#define FILTER_BITS_MIN 512
/* What a slot needs beside its own bytes, for chains and filter, at most. */
#define SLOT_EXTRA 3
/* One block of so many stays for a whole item. */
#define WHOLE_PART 16
/* A kind with a longer key has no fingerprints, which would save little. */
#define KEY_MAX 64

/* === Hashes ============================================================= */

/* Bytes of any number, filled up with zeros. */
static void hash_bytes(struct ks_siphash *hash, const void *bytes, size_t count)
{
	size_t whole = count & ~(size_t)7;
	uint64_t last = 0;

	ks_siphash_update(hash, bytes, whole);
	if (count == whole)
		return;
	memcpy(&last, (const char *)bytes + whole, count - whole);
	ks_siphash_update(hash, &last, sizeof(last));
}

uint64_t ks_table_hash(const struct ks_table *table, uint8_t kind, const void *item)
{
	uint64_t first = kind;
	struct ks_siphash hash;

	ks_siphash_init(&hash, table->key);
	ks_siphash_update(&hash, &first, sizeof(first));
	hash_bytes(&hash, item, table->kinds[kind].key_bytes);
	return ks_siphash_final(&hash).low;
}

/* A string up to its NUL, which ends it: no two items make the same row of words. */
uint64_t ks_table_content(const struct ks_table *table, const struct ks_set_kind *kind, const void *item)
{
	struct ks_siphash hash;

	ks_siphash_init(&hash, table->key);
	for (unsigned int i = 0; i < kind->fields_count; i++) {
		const struct ks_field *field = &kind->fields[i];
		const char *at = (const char *)item + field->offset, *end;

		if (field->role == KS_SHOWN || field->offset + field->size <= kind->key_bytes)
			continue;
		end = field->type == KS_STRING ? memchr(at, '\0', field->size) : NULL;
		hash_bytes(&hash, at, end ? (size_t)(end - at) + 1 : field->size);
	}
	return ks_siphash_final(&hash).low;
}

static uint32_t *chain_of(const struct ks_table *table, uint64_t hash)
{
	return &table->chains[hash & (table->chains_count - 1)];
}

/*
 * A Bloom filter.  At the most that is let into it, one of 256 that were not noted seems to be:
 * that one is not told to be new while the table is full.
 */
#define FILTER_HASHES 8

static uint32_t filter_bit(const struct ks_table *table, uint64_t hash, unsigned int n)
{
	return ((uint32_t)(hash >> 32) + n * ((uint32_t)hash | 1)) & (table->filter_bits - 1);
}

bool ks_table_has_left(const struct ks_table *table, uint64_t hash)
{
	unsigned int n = table->filter_set ? FILTER_HASHES : 0;

	if (!n)
		return false;
	while (n) {
		uint32_t bit = filter_bit(table, hash, --n);

		if (!(table->filter[bit / 64] >> (bit % 64) & 1))
			return false;
	}
	return true;
}

static void note_left(struct ks_table *table, uint64_t hash)
{
	for (unsigned int n = 0; n < FILTER_HASHES; n++) {
		uint32_t bit = filter_bit(table, hash, n);

		table->filter_set += !(table->filter[bit / 64] >> (bit % 64) & 1);
		table->filter[bit / 64] |= 1ULL << (bit % 64);
	}
}

void ks_table_forget_left(struct ks_table *table)
{
	if (table->filter_set)
		table->filter_forgotten = 0;
	table->filter_set = 0;
}

bool ks_table_left_too_many(const struct ks_table *table)
{
	return table->filter_set > table->filter_bits / 2;
}

/* === The table ========================================================== */

uint32_t ks_table_find(const struct ks_table *table, uint64_t hash, uint8_t kind, const void *item)
{
	uint32_t i;

	for (i = *chain_of(table, hash); i != KS_NO_SLOT; i = ks_table_slot(table, i)->next)
		if ((ks_table_slot(table, i)->kind & ~KS_GONE) == kind &&
		    !memcmp(ks_table_key(table, i), item, table->kinds[kind].key_bytes))
			break;
	return i;
}

/* Nobody can know whose uuids are the same number. */
static uint32_t number_of_uuid(const struct ks_table *table, const void *uuid)
{
	struct ks_siphash hash;
	uint64_t words[2];

	memcpy(words, uuid, sizeof(words));
	if (!(words[0] | words[1]))
		return 0;
	ks_siphash_init(&hash, table->key);
	ks_siphash13_update(&hash, words, sizeof(words));
	return (uint32_t)ks_siphash13_final(&hash).low;
}

uint32_t ks_set_source(const struct ks_table *table, const struct ks_set_kind *kind, const void *item)
{
	const char *at = (const char *)item + kind->source_at;
	uint32_t number;

	switch (kind->source_bytes) {
	case 2:
		return *(const uint16_t *)(const void *)at;
	case 4:
		number = *(const uint32_t *)(const void *)at;
		break;
	case 16:
		number = number_of_uuid(table, at);
		break;
	default:
		return KS_NO_SOURCE;
	}
	return number < KS_OWNER_LAST ? number : KS_OWNER_LAST;
}

/* Place 0 is for what nobody in particular has made. */
static uint8_t place_of_source(const struct ks_table *table, uint32_t source)
{
	return source == KS_NO_SOURCE ? 0 :
	       (uint8_t)(1 + ((source + 1) * (table->key[0] | 1) >> 40) % (KS_SET_SOURCES - 1));
}

static void link_slot(struct ks_table *table, uint32_t i, uint64_t hash)
{
	uint32_t *chain = chain_of(table, hash);

	ks_table_slot(table, i)->next = *chain;
	*chain = i;
	table->sources[ks_table_slot(table, i)->source]++;
}

/* Out of its chain; it is nobody's then, and not among the free. */
static void unlink_slot(struct ks_table *table, uint32_t i, uint64_t hash)
{
	uint32_t *chain = chain_of(table, hash);

	while (*chain != i)
		chain = &ks_table_slot(table, *chain)->next;
	*chain = ks_table_slot(table, i)->next;
	table->sources[ks_table_slot(table, i)->source]--;
}

static uint64_t hash_of_slot(const struct ks_table *table, uint32_t i)
{
	return ks_table_hash(table, ks_table_slot(table, i)->kind & (uint8_t)~KS_GONE, ks_table_key(table, i));
}

/* === Blocks ============================================================= */

static void append(struct ks_table *table, struct ks_list *list, uint32_t i)
{
	struct ks_block *block = &table->blocks[i];

	block->older = list->newest;
	block->newer = KS_NO_BLOCK;
	if (list->newest == KS_NO_BLOCK)
		list->oldest = i;
	else
		table->blocks[list->newest].newer = i;
	list->newest = i;
}

static void take_out(struct ks_table *table, struct ks_list *list, uint32_t i)
{
	struct ks_block *block = &table->blocks[i];

	if (block->older == KS_NO_BLOCK)
		list->oldest = block->newer;
	else
		table->blocks[block->older].newer = block->newer;
	if (block->newer == KS_NO_BLOCK)
		list->newest = block->older;
	else
		table->blocks[block->newer].older = block->older;
}

static unsigned int part_of(const struct ks_table *table, uint32_t block)
{
	return block < table->alarm_blocks ? KS_ALARMS_PART : KS_COMMON_PART;
}

/* From one list into another: its item has come, or gone. */
static void use_whole(struct ks_table *table, uint32_t block)
{
	take_out(table, &table->free[part_of(table, block)], block);
	append(table, &table->used_whole[part_of(table, block)], block);
	table->blocks[block].use = KS_BLOCK_WHOLE;
}

static void free_whole(struct ks_table *table, uint32_t block)
{
	take_out(table, &table->used_whole[part_of(table, block)], block);
	append(table, &table->free[part_of(table, block)], block);
	table->blocks[block].use = KS_BLOCK_FREE;
}

static void put_free_print(struct ks_table *table, uint32_t slot)
{
	struct ks_print *print = ks_print_of(ks_table_slot(table, slot));

	print->slot.pass = 0;
	print->slot.next = table->free_print;
	print->content = KS_NO_SLOT;
	if (table->free_print != KS_NO_SLOT)
		ks_print_of(ks_table_slot(table, table->free_print))->content = slot;
	table->free_print = slot;
}

static void take_free_print(struct ks_table *table, uint32_t slot)
{
	const struct ks_print *print = ks_print_of(ks_table_slot(table, slot));
	uint32_t next = print->slot.next, before = (uint32_t)print->content;

	if (before == KS_NO_SLOT)
		table->free_print = next;
	else
		ks_table_slot(table, before)->next = next;
	if (next != KS_NO_SLOT)
		ks_print_of(ks_table_slot(table, next))->content = before;
}

/* A free block of the common part is one for fingerprints from now on. */
static void make_print_block(struct ks_table *table, uint32_t block)
{
	take_out(table, &table->free[KS_COMMON_PART], block);
	append(table, &table->used_prints, block);
	table->blocks[block].use = 0;
	table->wholes--;
	for (uint32_t place = table->prints; place; place--)
		put_free_print(table, KS_SLOT(block, place - 1));
}

/* It has none any more. */
static void free_print_block(struct ks_table *table, uint32_t block)
{
	for (uint32_t place = 0; place < table->prints; place++)
		take_free_print(table, KS_SLOT(block, place));
	if (table->print_hand != KS_NO_SLOT && table->print_hand / KS_PLACES == block)
		table->print_hand = KS_NO_SLOT;
	take_out(table, &table->used_prints, block);
	append(table, &table->free[KS_COMMON_PART], block);
	table->blocks[block].use = KS_BLOCK_FREE;
	table->wholes++;
}

/* === Who gives way ====================================================== */

/* How many slots are asked which of them gives way: of those whose turn it is, and of any. */
#define ASKED 16

/*
 * The higher, the sooner it gives way: of whoever has the most first.  At last an alarm, and a
 * first value that would be lost.
 */
static uint32_t readiness(const struct ks_table *table, uint32_t i)
{
	struct ks_slot *slot = ks_table_slot(table, i);

	if (ks_table_is_print(table, i) ? table->kinds[slot->kind].flags & KS_IS_ALARM : ks_whole_of(slot)->changed_ns)
		return 0;
	return 1 + (slot->source ? table->sources[slot->source] : 0);
}

/*
 * Among those whose turn it is, @chosen is the readiest.  But these may all be of others, who came
 * before whoever has the most: so some of the same sort are asked as well, wherever they are, by
 * @hash, which is keyed.
 */
static uint32_t readiest(const struct ks_table *table, uint32_t chosen, uint64_t hash)
{
	bool is_alarm = part_of(table, chosen / KS_PLACES) == KS_ALARMS_PART;
	uint32_t first = is_alarm ? 0 : table->alarm_blocks;
	uint32_t count = (is_alarm ? table->alarm_blocks : table->blocks_count) - first;
	uint32_t best = readiness(table, chosen);
	bool is_print = ks_table_is_print(table, chosen);

	for (unsigned int n = 0; n < ASKED; n++, hash = hash << 4 | hash >> 60) {
		uint32_t block = first + (uint32_t)((hash >> 32) * count >> 32);
		uint32_t i = KS_SLOT(block, is_print ? (uint32_t)hash % table->prints : 0), ready;

		if (table->blocks[block].use == KS_BLOCK_FREE || ks_table_is_print(table, i) != is_print)
			continue;
		ready = readiness(table, i);
		if (ready > best) {
			best = ready;
			chosen = i;
		}
	}
	return chosen;
}

/* Of a part without a free block: who gives way, the oldest among equals. */
static uint32_t whole_to_give_way(const struct ks_table *table, unsigned int part, uint64_t hash)
{
	uint32_t best = 0, chosen = KS_NO_SLOT, block = table->used_whole[part].oldest;

	for (unsigned int n = 0; n < ASKED && block != KS_NO_BLOCK; n++) {
		uint32_t i = KS_SLOT(block, 0), ready = readiness(table, i);

		if (chosen == KS_NO_SLOT || ready > best) {
			best = ready;
			chosen = i;
		}
		block = table->blocks[block].newer;
	}
	return readiest(table, chosen, hash);
}

/* The next fingerprint, round and round over the blocks. */
static uint32_t print_after(const struct ks_table *table, uint32_t slot)
{
	uint32_t block = slot / KS_PLACES;

	if (slot % KS_PLACES + 1U < table->prints)
		return slot + 1;
	block = table->blocks[block].newer;
	return KS_SLOT(block == KS_NO_BLOCK ? table->used_prints.oldest : block, 0);
}

/* The same of fingerprints, none of which is free; KS_NO_SLOT: there are none. */
static uint32_t print_to_give_way(struct ks_table *table, uint64_t hash)
{
	uint32_t best = 0, chosen = KS_NO_SLOT, i = table->print_hand;

	if (table->used_prints.oldest == KS_NO_BLOCK)
		return KS_NO_SLOT;
	if (i == KS_NO_SLOT)
		i = KS_SLOT(table->used_prints.oldest, 0);
	for (unsigned int n = 0; n < ASKED; n++) {
		uint32_t ready = readiness(table, i);

		if (chosen == KS_NO_SLOT || ready > best) {
			best = ready;
			chosen = i;
		}
		i = print_after(table, i);
	}
	chosen = readiest(table, chosen, hash);
	table->print_hand = print_after(table, chosen);
	return chosen;
}

/* What was in slot @i has no place any more. */
static void leave(struct ks_table *table, uint32_t i, uint64_t hash)
{
	note_left(table, hash);
	table->used--;
	table->unkept += ks_table_slot(table, i)->pass == table->pass;
}

/* A slot for the fingerprint of what has this hash, or KS_NO_SLOT. */
static uint32_t take_print(struct ks_table *table, uint64_t hash)
{
	uint32_t i = table->free_print;

	if (i != KS_NO_SLOT) {
		take_free_print(table, i);
		table->blocks[i / KS_PLACES].use++;
		return i;
	}
	i = print_to_give_way(table, hash);
	if (i == KS_NO_SLOT)
		return i;
	hash = hash_of_slot(table, i);
	unlink_slot(table, i, hash);
	leave(table, i, hash);
	return i;
}

/* @i is no whole item any more: its block is free. */
static void make_print(struct ks_table *table, uint32_t i)
{
	uint64_t hash = hash_of_slot(table, i);
	const struct ks_whole *whole = ks_whole_of(ks_table_slot(table, i));
	struct ks_slot slot = whole->slot;
	uint64_t content = ks_table_content(table, &table->kinds[slot.kind], whole->item);
	uint8_t key[KEY_MAX];
	uint32_t to;

	if (table->prints)
		memcpy(key, whole->item, table->kinds[slot.kind].key_bytes);
	unlink_slot(table, i, hash);
	free_whole(table, i / KS_PLACES);
	/* The block itself, where there is no room for it in another. */
	if (table->free_print == KS_NO_SLOT && table->prints && part_of(table, i / KS_PLACES) == KS_COMMON_PART &&
	    table->wholes > table->wholes_min)
		make_print_block(table, i / KS_PLACES);
	to = take_print(table, hash);
	if (to == KS_NO_SLOT) {
		leave(table, i, hash);
		return;
	}
	ks_print_of(ks_table_slot(table, to))->slot = slot;
	ks_print_of(ks_table_slot(table, to))->content = content;
	memcpy(ks_print_of(ks_table_slot(table, to))->key, key, table->kinds[slot.kind].key_bytes);
	link_slot(table, to, hash);
}

/* What has been gone for longest is forgotten: its block is free. */
static void forget_gone(struct ks_table *table, unsigned int part)
{
	uint32_t block = table->gone_whole[part].oldest, i = KS_SLOT(block, 0);

	unlink_slot(table, i, hash_of_slot(table, i));
	take_out(table, &table->gone_whole[part], block);
	append(table, &table->free[part], block);
	table->blocks[block].use = KS_BLOCK_FREE;
}

/* === Keeping ============================================================ */

static unsigned int part_of_kind(const struct ks_set_kind *kind)
{
	return kind->flags & KS_IS_ALARM ? KS_ALARMS_PART : KS_COMMON_PART;
}

bool ks_table_is_full(const struct ks_table *table, const struct ks_set_kind *kind)
{
	unsigned int part = part_of_kind(kind);

	return table->free[part].oldest == KS_NO_BLOCK && table->gone_whole[part].oldest == KS_NO_BLOCK &&
	       table->free_print == KS_NO_SLOT && (!table->prints || table->wholes <= table->wholes_min);
}

struct ks_whole *ks_table_keep(struct ks_table *table, uint8_t kind_index, const void *item, uint64_t hash)
{
	const struct ks_set_kind *kind = &table->kinds[kind_index];
	unsigned int part = part_of_kind(kind);
	struct ks_whole *whole;
	uint32_t block;

	if (table->free[part].oldest == KS_NO_BLOCK && table->gone_whole[part].oldest != KS_NO_BLOCK)
		forget_gone(table, part);
	/* Twice, where the first became a block for fingerprints. */
	while (table->free[part].oldest == KS_NO_BLOCK)
		make_print(table, whole_to_give_way(table, part, hash));
	block = table->free[part].oldest;
	use_whole(table, block);
	whole = ks_whole_of(ks_table_slot(table, KS_SLOT(block, 0)));
	whole->slot.pass = table->pass;
	whole->slot.kind = kind_index;
	whole->slot.source = place_of_source(table, ks_set_source(table, kind, item));
	whole->changed_ns = 0;
	memcpy(whole->item, item, kind->item_bytes);
	link_slot(table, KS_SLOT(block, 0), hash);
	table->used++;
	return whole;
}

void ks_table_changed(const struct ks_table *table, struct ks_whole *whole, const void *value)
{
	const struct ks_set_kind *kind = &table->kinds[whole->slot.kind & ~KS_GONE];

	if (!(kind->flags & KS_HOLDS_STILL))
		return;
	if (!whole->changed_ns) {
		memcpy(ks_table_first(table, whole), value, kind->item_bytes);
		whole->changed_ns = ks_port_time_ns();
		*ks_table_changes(table, whole) = 0;
	}
	++*ks_table_changes(table, whole);
}

void ks_table_drop(struct ks_table *table, uint32_t i)
{
	uint32_t block = i / KS_PLACES;

	unlink_slot(table, i, hash_of_slot(table, i));
	table->used--;
	if (!ks_table_is_print(table, i)) {
		free_whole(table, block);
		return;
	}
	put_free_print(table, i);
	if (!--table->blocks[block].use)
		free_print_block(table, block);
}

void ks_table_gone(struct ks_table *table, uint32_t i)
{
	uint32_t block = i / KS_PLACES;

	ks_table_slot(table, i)->kind |= KS_GONE;
	/* Numbers of passes come again, and it was not seen in any. */
	ks_table_slot(table, i)->pass = 0;
	take_out(table, &table->used_whole[part_of(table, block)], block);
	append(table, &table->gone_whole[part_of(table, block)], block);
	table->used--;
}

void ks_table_back(struct ks_table *table, uint32_t i)
{
	uint32_t block = i / KS_PLACES;

	ks_table_slot(table, i)->kind &= (uint8_t)~KS_GONE;
	take_out(table, &table->gone_whole[part_of(table, block)], block);
	append(table, &table->used_whole[part_of(table, block)], block);
	table->used++;
}

/* === Forgetting ========================================================= */

static const struct ks_list empty_list = { KS_NO_BLOCK, KS_NO_BLOCK };

void ks_table_reset(struct ks_table *table)
{
	table->forgotten = 0;
	table->filter_forgotten = 0;
	table->filter_set = 0;
	table->used = 0;
	table->pass = 0;
	memset(table->sources, 0, sizeof(table->sources));
	for (unsigned int part = 0; part < KS_PARTS; part++)
		table->free[part] = table->used_whole[part] = table->gone_whole[part] = empty_list;
	table->used_prints = empty_list;
	table->free_print = table->print_hand = KS_NO_SLOT;
	table->wholes = table->blocks_count - table->alarm_blocks;
}

/* How many chains, blocks and words are emptied between two looks at the clock. */
#define FORGET_AT_ONCE 256

static uint32_t next_end(uint32_t at, uint32_t end)
{
	return end - at < FORGET_AT_ONCE ? end : at + FORGET_AT_ONCE;
}

bool ks_table_forget(struct ks_table *table)
{
	uint32_t all = table->chains_count > table->blocks_count ? table->chains_count : table->blocks_count;
	uint32_t end = next_end(table->forgotten, all);

	for (uint32_t i = table->forgotten; i < end; i++) {
		if (i < table->chains_count)
			table->chains[i] = KS_NO_SLOT;
		if (i >= table->blocks_count)
			continue;
		append(table, &table->free[part_of(table, i)], i);
		table->blocks[i].use = KS_BLOCK_FREE;
	}
	table->forgotten = end;
	end = next_end(table->filter_forgotten, table->filter_bits / 64);
	for (uint32_t i = table->filter_forgotten; i < end; i++)
		table->filter[i] = 0;
	table->filter_forgotten = end;
	return table->forgotten == all && end == table->filter_bits / 64;
}

/* === Memory ============================================================= */

/* The bytes of a block of each part and of a fingerprint, and how many items there can be. */
struct shape {
	uint32_t block_bytes[KS_PARTS];
	uint32_t print_bytes;
	uint32_t item_bytes;    /* of the largest */
	uint32_t items;
	uint8_t prints;
	bool has_alarms;
};

static uint32_t rounded(size_t bytes)
{
	return (uint32_t)((bytes + 7) & ~(size_t)7);
}

static void get_shape(const struct ks_set_type *type, struct shape *shape)
{
	uint32_t bytes[KS_PARTS] = { 0 }, key_bytes = 0, prints;
	bool holds_still = false;

	*shape = (struct shape){ .items = type->items ? type->items() : type->items_max };
	for (unsigned int i = 0; i < type->kinds_count; i++) {
		const struct ks_set_kind *kind = &type->kinds[i];
		unsigned int part = part_of_kind(kind);

		if (kind->item_bytes > bytes[part])
			bytes[part] = kind->item_bytes;
		if (kind->key_bytes > key_bytes)
			key_bytes = kind->key_bytes;
		shape->has_alarms |= !!(kind->flags & KS_IS_ALARM);
		holds_still |= !!(kind->flags & KS_HOLDS_STILL);
	}
	shape->item_bytes =
		rounded(bytes[KS_ALARMS_PART] > bytes[KS_COMMON_PART] ? bytes[KS_ALARMS_PART] : bytes[KS_COMMON_PART]);
	shape->block_bytes[KS_ALARMS_PART] = (uint32_t)sizeof(struct ks_whole) + rounded(bytes[KS_ALARMS_PART]);
	shape->block_bytes[KS_COMMON_PART] =
		(uint32_t)sizeof(struct ks_whole) +
		(holds_still ? 2 * shape->item_bytes + sizeof(uint64_t) : rounded(bytes[KS_COMMON_PART]));
	shape->print_bytes = (uint32_t)sizeof(struct ks_print) + rounded(key_bytes);
	prints = shape->block_bytes[KS_COMMON_PART] / shape->print_bytes;
	shape->prints = prints < 2 || key_bytes > KEY_MAX ? 0 : prints < KS_PLACES ? (uint8_t)prints : KS_PLACES;
}

/* What a block of the common part takes, with what belongs to its slots. */
static uint32_t cost_of_block(const struct shape *shape)
{
	return shape->block_bytes[KS_COMMON_PART] + (uint32_t)sizeof(struct ks_block) +
	       SLOT_EXTRA * (shape->prints ? shape->prints : 1);
}

static uint32_t alarm_blocks(const struct shape *shape)
{
	return !shape->has_alarms ? 0 : shape->items < ALARM_SLOTS ? shape->items : ALARM_SLOTS;
}

static uint64_t alarm_bytes(const struct shape *shape)
{
	return (uint64_t)alarm_blocks(shape) *
	       (shape->block_bytes[KS_ALARMS_PART] + sizeof(struct ks_block) + SLOT_EXTRA);
}

void KS_CB ks_set_size(const struct ks_probe_type *type, struct ks_size *size)
{
	const struct ks_set_type *set_type = type->engine;
	struct shape shape;

	get_shape(set_type, &shape);
	size->items = set_type->first_items ? set_type->first_items() : shape.items;
	size->most_bytes = alarm_bytes(&shape) + (uint64_t)shape.items * cost_of_block(&shape);
	size->least_bytes = size->most_bytes;
	if (shape.prints)
		size->least_bytes = alarm_bytes(&shape) +
				    ((uint64_t)shape.items * WHOLE_PART / (WHOLE_PART - 1) / shape.prints + 1) *
					    cost_of_block(&shape);
}

static int get_blocks(struct ks_table *table, struct ks_probe *probe, const struct shape *shape)
{
	uint64_t share = ks_memory_share(probe), alarms = alarm_bytes(shape), blocks = 0;

	if (share > alarms)
		blocks = (share - alarms) / cost_of_block(shape);
	if (blocks > shape->items)
		blocks = shape->items;
	if (blocks < BLOCKS_MIN)
		blocks = shape->items < BLOCKS_MIN ? shape->items : BLOCKS_MIN;
	table->alarm_blocks = alarm_blocks(shape);
	table->blocks_count = table->alarm_blocks + (uint32_t)blocks;
	table->wholes_min = (uint32_t)(blocks + WHOLE_PART - 1) / WHOLE_PART;
	table->prints = blocks < shape->items ? shape->prints : 0;
	table->print_bytes = shape->print_bytes;
	table->blocks = ks_probe_alloc(probe, table->blocks_count * sizeof(*table->blocks));
	for (unsigned int part = 0; part < KS_PARTS; part++) {
		uint32_t count = part == KS_ALARMS_PART ? table->alarm_blocks : (uint32_t)blocks;

		table->block_bytes[part] = shape->block_bytes[part];
		if (!count)
			continue;
		table->mem[part] = ks_probe_alloc(probe, (size_t)count * table->block_bytes[part]);
		if (!table->mem[part])
			return -1;
	}
	return table->blocks ? 0 : -1;
}

int ks_table_init(struct ks_table *table, struct ks_probe *probe)
{
	const struct ks_set_type *type = probe->type->engine;
	struct shape shape;
	uint32_t slots;

	get_shape(type, &shape);
	table->kinds = type->kinds;
	table->item_bytes = shape.item_bytes;
	ks_port_random(table->key, sizeof(table->key));
	if (get_blocks(table, probe, &shape))
		return -1;
	slots = table->blocks_count * (table->prints ? table->prints : 1);
	for (table->chains_count = CHAINS_MIN; table->chains_count < slots / 4; table->chains_count *= 2)
		;
	for (table->filter_bits = FILTER_BITS_MIN; table->filter_bits < slots * 4; table->filter_bits *= 2)
		;
	table->chains = ks_probe_alloc(probe, table->chains_count * sizeof(*table->chains));
	table->filter = ks_probe_alloc(probe, table->filter_bits / 8);
	if (!table->chains || !table->filter)
		return -1;
	ks_table_reset(table);
	while (!ks_table_forget(table))
		;
	return 0;
}

void ks_table_exit(struct ks_table *table)
{
	ks_port_free(table->filter);
	ks_port_free(table->chains);
	ks_port_free(table->blocks);
	for (unsigned int part = 0; part < KS_PARTS; part++)
		ks_port_free(table->mem[part]);
}
