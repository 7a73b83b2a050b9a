// SPDX-License-Identifier: MIT
/*
 * set_table.c - inside the set engine: what it remembers of the last sample.
 */
#include "set_table.h"

#include "../core/siphash.h"

/* Slots of alarms that every probe has which may make one. */
#define ALARM_SLOTS 128
#define SLOTS_MIN 16
#define FILTER_BITS_MIN 512
/* What a slot needs beside its own bytes, for chains and filter. */
#define SLOT_EXTRA 6
/* Of memory that is not enough for all as a whole, one part of so many is for whole items, and the others for fingerprints. */
#define WHOLE_PART 16

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
 * A Bloom filter.  At the most that is let into it, one of 256 that were not noted seems to be: that one is not told to be new while the table is full.
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
		if ((ks_table_slot(table, i)->kind & ~KS_GONE) == kind && !memcmp(ks_table_key(table, i), item, table->kinds[kind].key_bytes))
			break;
	return i;
}

uint32_t ks_set_source(const struct ks_set_kind *kind, const void *item)
{
	const char *at = (const char *)item + kind->source_at;

	switch (kind->source_bytes) {
	case 2:
		return *(const uint16_t *)(const void *)at;
	case 4:
		return *(const uint32_t *)(const void *)at;
	default:
		return KS_NO_SOURCE;
	}
}

/* Place 0 is for what nobody in particular has made. */
static uint8_t place_of_source(const struct ks_table *table, uint32_t source)
{
	return source == KS_NO_SOURCE ? 0 : (uint8_t)(1 + ((source + 1) * (table->key[0] | 1) >> 40) % (KS_SOURCES - 1));
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

/* How many slots are asked which of them gives way. */
#define ASKED 16

/* The higher, the sooner @slot gives way: what is gone; then of whoever has the most.  At last an alarm, and a first value that would be lost. */
static uint32_t readiness(const struct ks_table *table, unsigned int pool, struct ks_slot *slot)
{
	if (slot->kind & KS_GONE)
		return UINT32_MAX;
	if (pool == KS_PRINT_POOL ? table->kinds[slot->kind].flags & KS_IS_ALARM : ks_whole_of(slot)->changed_ns)
		return 0;
	return 1 + (slot->source ? table->sources[slot->source] : 0);
}

/* Of a pool that is full: who gives way, the oldest among equals. */
static uint32_t who_gives_way(struct ks_table *table, unsigned int number)
{
	struct ks_pool *pool = &table->pools[number];
	uint32_t best = 0, chosen = KS_NO_SLOT;

	for (uint32_t n = 0; n < ASKED && n < pool->count; n++) {
		uint32_t i = pool->first + (pool->hand + n) % pool->count;
		uint32_t ready = readiness(table, number, ks_table_slot(table, i));

		if (chosen == KS_NO_SLOT || ready > best) {
			best = ready;
			chosen = i;
		}
	}
	pool->hand = (chosen - pool->first + 1) % pool->count;
	return chosen;
}

/* A slot of the pool of fingerprints that nobody has, or KS_NO_SLOT.  Whoever had it is noted in the filter. */
static uint32_t take_print(struct ks_table *table)
{
	struct ks_pool *pool = &table->pools[KS_PRINT_POOL];
	uint32_t i = pool->free;
	uint64_t hash;

	if (!pool->count)
		return KS_NO_SLOT;
	if (i != KS_NO_SLOT) {
		pool->free = ks_table_slot(table, i)->next;
		return i;
	}
	i = who_gives_way(table, KS_PRINT_POOL);
	hash = hash_of_slot(table, i);
	unlink_slot(table, i, hash);
	note_left(table, hash);
	table->used--;
	table->unkept += ks_table_slot(table, i)->pass == table->pass;
	return i;
}

/* @i is no whole item any more: a fingerprint, or noted in the filter. */
static void make_print(struct ks_table *table, uint32_t i)
{
	uint64_t hash = hash_of_slot(table, i);
	struct ks_slot *slot = ks_table_slot(table, i);
	const struct ks_set_kind *kind = &table->kinds[slot->kind & ~KS_GONE];
	struct ks_print *print;
	uint32_t to;

	unlink_slot(table, i, hash);
	if (slot->kind & KS_GONE)
		return;
	to = take_print(table);
	if (to == KS_NO_SLOT) {
		note_left(table, hash);
		table->used--;
		table->unkept += slot->pass == table->pass;
		return;
	}
	print = ks_print_of(ks_table_slot(table, to));
	print->slot = *slot;
	print->content = ks_table_content(table, kind, ks_whole_of(slot)->item);
	memcpy(print->key, ks_whole_of(slot)->item, kind->key_bytes);
	link_slot(table, to, hash);
}

static unsigned int pool_of_kind(const struct ks_set_kind *kind)
{
	return kind->flags & KS_IS_ALARM ? KS_ALARM_POOL : KS_WHOLE_POOL;
}

bool ks_table_is_full(const struct ks_table *table, const struct ks_set_kind *kind)
{
	return table->pools[pool_of_kind(kind)].free == KS_NO_SLOT && table->pools[KS_PRINT_POOL].free == KS_NO_SLOT;
}

struct ks_whole *ks_table_keep(struct ks_table *table, uint8_t kind_index, const void *item, uint64_t hash)
{
	const struct ks_set_kind *kind = &table->kinds[kind_index];
	unsigned int number = pool_of_kind(kind);
	struct ks_pool *pool = &table->pools[number];
	uint32_t i = pool->free;
	struct ks_whole *whole;

	if (i != KS_NO_SLOT) {
		pool->free = ks_table_slot(table, i)->next;
	} else {
		i = who_gives_way(table, number);
		make_print(table, i);
	}
	whole = ks_whole_of(ks_table_slot(table, i));
	whole->slot.pass = table->pass;
	whole->slot.kind = kind_index;
	whole->slot.source = place_of_source(table, ks_set_source(kind, item));
	whole->changed_ns = 0;
	memcpy(whole->item, item, kind->item_bytes);
	link_slot(table, i, hash);
	table->used++;
	return whole;
}

void ks_table_keep_first(const struct ks_table *table, struct ks_whole *whole, const void *value)
{
	const struct ks_set_kind *kind = &table->kinds[whole->slot.kind & ~KS_GONE];

	if (!(kind->flags & KS_HOLDS_STILL) || whole->changed_ns)
		return;
	memcpy(ks_table_first(table, whole), value, kind->item_bytes);
	whole->changed_ns = ks_port_time_ns();
}

void ks_table_drop(struct ks_table *table, uint32_t i)
{
	struct ks_pool *pool = &table->pools[ks_table_pool(table, i)];
	struct ks_slot *slot = ks_table_slot(table, i);

	unlink_slot(table, i, hash_of_slot(table, i));
	slot->next = pool->free;
	slot->pass = 0;
	pool->free = i;
	table->used--;
}

/* === Forgetting ========================================================= */

void ks_table_reset(struct ks_table *table)
{
	table->forgotten = 0;
	table->filter_forgotten = 0;
	table->filter_set = 0;
	table->used = 0;
	table->pass = 0;
	memset(table->sources, 0, sizeof(table->sources));
	for (unsigned int i = 0; i < KS_POOLS; i++) {
		struct ks_pool *pool = &table->pools[i];

		pool->hand = 0;
		pool->free = pool->count ? pool->first : KS_NO_SLOT;
	}
}

/* How many chains, slots and words are emptied between two looks at the clock. */
#define FORGET_AT_ONCE 256

static uint32_t next_end(uint32_t at, uint32_t end)
{
	return end - at < FORGET_AT_ONCE ? end : at + FORGET_AT_ONCE;
}

bool ks_table_forget(struct ks_table *table)
{
	uint32_t all = table->chains_count > table->slots_count ? table->chains_count : table->slots_count;
	uint32_t end = next_end(table->forgotten, all);

	for (uint32_t i = table->forgotten; i < end; i++) {
		const struct ks_pool *pool;

		if (i < table->chains_count)
			table->chains[i] = KS_NO_SLOT;
		if (i >= table->slots_count)
			continue;
		pool = &table->pools[ks_table_pool(table, i)];
		ks_table_slot(table, i)->next = i + 1 < pool->first + pool->count ? i + 1 : KS_NO_SLOT;
		ks_table_slot(table, i)->pass = 0;
	}
	table->forgotten = end;
	end = next_end(table->filter_forgotten, table->filter_bits / 64);
	for (uint32_t i = table->filter_forgotten; i < end; i++)
		table->filter[i] = 0;
	table->filter_forgotten = end;
	return table->forgotten == all && end == table->filter_bits / 64;
}

/* === Memory ============================================================= */

/* The bytes of the slots of each pool, and how many items there can be. */
struct shape {
	uint32_t slot_bytes[KS_POOLS];
	uint32_t item_bytes;    /* of the largest */
	uint32_t items;
	bool has_alarms, holds_still;
};

static uint32_t rounded(size_t bytes)
{
	return (uint32_t)((bytes + 7) & ~(size_t)7);
}

static void get_shape(const struct ks_set_type *type, struct shape *shape)
{
	uint32_t items[KS_POOLS] = { 0 };

	*shape = (struct shape){ .items = type->items ? type->items() : type->items_max };
	for (unsigned int i = 0; i < type->kinds_count; i++) {
		const struct ks_set_kind *kind = &type->kinds[i];
		uint32_t *bytes = &items[pool_of_kind(kind)];

		if (kind->item_bytes > *bytes)
			*bytes = kind->item_bytes;
		if (kind->key_bytes > items[KS_PRINT_POOL])
			items[KS_PRINT_POOL] = kind->key_bytes;
		shape->has_alarms |= !!(kind->flags & KS_IS_ALARM);
		shape->holds_still |= !!(kind->flags & KS_HOLDS_STILL);
	}
	shape->item_bytes = rounded(items[KS_ALARM_POOL] > items[KS_WHOLE_POOL] ? items[KS_ALARM_POOL] : items[KS_WHOLE_POOL]);
	shape->slot_bytes[KS_ALARM_POOL] = (uint32_t)sizeof(struct ks_whole) + rounded(items[KS_ALARM_POOL]);
	shape->slot_bytes[KS_WHOLE_POOL] = (uint32_t)sizeof(struct ks_whole) + (shape->holds_still ? 2 * shape->item_bytes : rounded(items[KS_WHOLE_POOL]));
	shape->slot_bytes[KS_PRINT_POOL] = (uint32_t)sizeof(struct ks_print) + rounded(items[KS_PRINT_POOL]);
}

static uint64_t memory_for(const struct shape *shape, unsigned int pool, uint32_t slots)
{
	return (uint64_t)slots * (shape->slot_bytes[pool] + SLOT_EXTRA);
}

static uint32_t alarm_slots(const struct shape *shape)
{
	return !shape->has_alarms ? 0 : shape->items < ALARM_SLOTS ? shape->items : ALARM_SLOTS;
}

void KS_CB ks_set_size(const struct ks_probe_type *type, struct ks_size *size)
{
	uint64_t alarms, prints, wholes;
	struct shape shape;

	get_shape(type->engine, &shape);
	alarms = memory_for(&shape, KS_ALARM_POOL, alarm_slots(&shape));
	wholes = memory_for(&shape, KS_WHOLE_POOL, shape.items);
	prints = memory_for(&shape, KS_PRINT_POOL, shape.items);
	prints += prints / (WHOLE_PART - 1) + WHOLE_PART;
	size->items = shape.items;
	size->most_bytes = alarms + wholes;
	size->least_bytes = alarms + (prints < wholes ? prints : wholes);
}

static uint32_t at_least(uint64_t slots, uint32_t min)
{
	return slots < min ? min : (uint32_t)slots;
}

/* How many slots each pool has, with so much memory for all. */
static void share_out(const struct shape *shape, uint64_t bytes, uint32_t counts[KS_POOLS])
{
	uint64_t part;

	counts[KS_ALARM_POOL] = alarm_slots(shape);
	counts[KS_WHOLE_POOL] = shape->items;
	counts[KS_PRINT_POOL] = 0;
	if (memory_for(shape, KS_ALARM_POOL, counts[KS_ALARM_POOL]) + memory_for(shape, KS_WHOLE_POOL, shape->items) <= bytes)
		return;
	if (memory_for(shape, KS_ALARM_POOL, counts[KS_ALARM_POOL]) > bytes / 4)
		counts[KS_ALARM_POOL] = at_least(bytes / 4 / (shape->slot_bytes[KS_ALARM_POOL] + SLOT_EXTRA), SLOTS_MIN);
	part = memory_for(shape, KS_ALARM_POOL, counts[KS_ALARM_POOL]);
	bytes = bytes > part ? bytes - part : 0;
	part = (bytes - bytes / WHOLE_PART) / (shape->slot_bytes[KS_PRINT_POOL] + SLOT_EXTRA);
	counts[KS_PRINT_POOL] = part < shape->items ? (uint32_t)part : shape->items;
	bytes -= memory_for(shape, KS_PRINT_POOL, counts[KS_PRINT_POOL]);
	counts[KS_WHOLE_POOL] = at_least(bytes / (shape->slot_bytes[KS_WHOLE_POOL] + SLOT_EXTRA), SLOTS_MIN);
}

static int get_pools(struct ks_table *table, struct ks_probe *probe, const struct shape *shape)
{
	uint32_t counts[KS_POOLS];

	share_out(shape, ks_memory_share(probe), counts);
	for (unsigned int i = 0; i < KS_POOLS; i++) {
		struct ks_pool *pool = &table->pools[i];

		pool->first = table->slots_count;
		pool->count = counts[i];
		pool->slot_bytes = shape->slot_bytes[i];
		table->slots_count += pool->count;
		if (!pool->count)
			continue;
		pool->mem = ks_probe_alloc(probe, (size_t)pool->count * pool->slot_bytes);
		if (!pool->mem)
			return -1;
	}
	return 0;
}

int ks_table_init(struct ks_table *table, struct ks_probe *probe)
{
	const struct ks_set_type *type = probe->type->engine;
	struct shape shape;

	get_shape(type, &shape);
	table->kinds = type->kinds;
	table->item_bytes = shape.item_bytes;
	ks_port_random(table->key, sizeof(table->key));
	if (get_pools(table, probe, &shape))
		return -1;
	for (table->chains_count = SLOTS_MIN; table->chains_count <= table->slots_count / 2; table->chains_count *= 2)
		;
	for (table->filter_bits = FILTER_BITS_MIN; table->filter_bits <= table->slots_count * 8; table->filter_bits *= 2)
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
	for (unsigned int i = 0; i < KS_POOLS; i++)
		ks_port_free(table->pools[i].mem);
}
