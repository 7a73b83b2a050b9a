// SPDX-License-Identifier: MIT
/*
 * set.c - the engine for things that exist.
 *
 * The last sample is a table of slots: a hash of the key leads to a chain of slots, each with the item as it was last seen.  A pass
 * walks the probe's items, marks each in the table with the number of the pass, and then walks the table for those that have not
 * been marked.
 */
#include "set.h"

#define NO_SLOT UINT32_MAX

struct slot {
	uint32_t next;      /* in the chain, or among the free */
	uint32_t pass;      /* in which it was seen last; 0: free */
	uint8_t kind;
	uint8_t item[] __attribute__((aligned(8)));
};

enum stage { WALK, SWEEP };

struct set {
	uint32_t *chains;       /* chains_count, a power of two */
	uint32_t chains_count;
	char *slots;            /* items_max of slot_bytes */
	uint32_t slot_bytes;
	uint32_t free;
	uint32_t used;
	uint32_t forgotten;     /* chains, and slots, that are empty since the last reset: all, or no pass has begun to walk */
	uint32_t pass;          /* number of the pass under way, from 1 on */
	bool first;             /* no pass was completed since start or reset */
	enum stage stage;
	struct ks_set_cursor cursor;
	uint32_t sweep_at;
	uint32_t seen;          /* items in this pass */
	uint32_t unkept;        /* of them, those for which there was no slot */
	uint32_t told_unkept;   /* as it was told last */
	void *item;             /* the one at hand */
	void *usual;            /* and as it usually is, if the type knows that */
};

static const struct ks_set_type *type_of(const struct ks_probe *probe)
{
	return probe->type->engine;
}

static struct slot *slot_at(const struct set *set, uint32_t i)
{
	return (struct slot *)(void *)(set->slots + (size_t)i * set->slot_bytes);
}

/* === The table ========================================================== */

static uint32_t *chain_of(const struct set *set, uint8_t kind, const uint8_t *key, unsigned int bytes)
{
	uint32_t hash = (2166136261U ^ kind) * 16777619U; /* FNV-1a */

	for (unsigned int i = 0; i < bytes; i++)
		hash = (hash ^ key[i]) * 16777619U;
	return &set->chains[(hash ^ hash >> 16) & (set->chains_count - 1)];
}

static struct slot *find(const struct set *set, uint32_t chain, uint8_t kind, const void *key, unsigned int bytes)
{
	for (uint32_t i = chain; i != NO_SLOT; i = slot_at(set, i)->next) {
		struct slot *slot = slot_at(set, i);

		if (slot->kind == kind && !memcmp(slot->item, key, bytes))
			return slot;
	}
	return NULL;
}

const void *ks_set_kept(const struct ks_probe *probe, unsigned int kind, const void *item)
{
	const struct set *set = probe->data;
	unsigned int bytes = type_of(probe)->kinds[kind].key_bytes;
	const struct slot *slot = find(set, *chain_of(set, (uint8_t)kind, item, bytes), (uint8_t)kind, item, bytes);

	return slot ? slot->item : NULL;
}

static struct slot *keep(struct set *set, uint32_t *chain, uint8_t kind, unsigned int item_bytes)
{
	uint32_t i = set->free;
	struct slot *slot;

	if (i == NO_SLOT)
		return NULL;
	slot = slot_at(set, i);
	set->free = slot->next;
	set->used++;
	slot->next = *chain;
	slot->kind = kind;
	memcpy(slot->item, set->item, item_bytes);
	*chain = i;
	return slot;
}

static void forget(struct set *set, uint32_t i, uint32_t *chain)
{
	struct slot *slot = slot_at(set, i);

	while (*chain != i)
		chain = &slot_at(set, *chain)->next;
	*chain = slot->next;
	slot->next = set->free;
	slot->pass = 0;
	set->free = i;
	set->used--;
}

static void begin_to_forget(struct set *set)
{
	set->forgotten = 0;
	set->free = 0;
	set->used = 0;
	set->pass = 0;
	set->first = true;
	set->told_unkept = 0;
}

/* How many chains and slots are emptied between two looks at the clock. */
#define FORGET_AT_ONCE 256

/* A part of what is there to be forgotten; there are at least as many chains as slots. */
static void forget_some(struct set *set, uint32_t items_max)
{
	uint32_t i = set->forgotten, left = set->chains_count - i, end = i + (left < FORGET_AT_ONCE ? left : FORGET_AT_ONCE);

	for (; i < end; i++) {
		set->chains[i] = NO_SLOT;
		if (i >= items_max)
			continue;
		slot_at(set, i)->next = i + 1 < items_max ? i + 1 : NO_SLOT;
		slot_at(set, i)->pass = 0;
	}
	set->forgotten = end;
}

/* === Records ============================================================ */

static void put_field(struct ks_text *text, const struct ks_field *field, const void *item)
{
	const uint8_t *at = (const uint8_t *)item + field->offset;
	char uuid[KS_UUID_TEXT];
	const void *end;
	uint64_t number = 0;

	ks_text_put(text, field->member, field->member_bytes);
	switch (field->type) {
	case KS_STRING:
		end = memchr(at, '\0', field->size);
		ks_text_string(text, (const char *)at, end ? (size_t)((const uint8_t *)end - at) : field->size);
		return;
	case KS_UUID:
		ks_uuid_text(uuid, at);
		ks_text_string(text, uuid, KS_UUID_TEXT - 1);
		return;
	case KS_BOOL:
		ks_text_bool(text, *at);
		return;
	default:
		break;
	}
	switch (field->size) {
	case 1:
		number = *at;
		break;
	case 2:
		number = *(const uint16_t *)(const void *)at;
		break;
	case 4:
		number = *(const uint32_t *)(const void *)at;
		break;
	case 8:
		number = *(const uint64_t *)(const void *)at;
		break;
	}
	if (field->type == KS_HEX)
		ks_text_hex(text, number);
	else if (field->type == KS_S64)
		ks_text_s64(text, (int64_t)number);
	else
		ks_text_u64(text, number);
}

static bool same_field(const struct ks_field *field, const void *a, const void *b)
{
	const char *left = (const char *)a + field->offset, *right = (const char *)b + field->offset;

	/* Sizes that are known cost a load and a compare. */
	switch (field->size) {
	case 1:
		return *left == *right;
	case 4:
		return !memcmp(left, right, 4);
	case 8:
		return !memcmp(left, right, 8);
	case 16:
		return !memcmp(left, right, 16);
	default:
		return !memcmp(left, right, field->size);
	}
}

static bool same_item(const struct ks_set_kind *kind, const void *a, const void *b)
{
	for (unsigned int i = 0; i < kind->fields_count; i++)
		if (!kind->fields[i].live && !same_field(&kind->fields[i], a, b))
			return false;
	return true;
}

enum event { PRESENT, APPEARED, VANISHED, CHANGED };

#define EVENT(name) { KS_MEMBER("event") "\"" name "\"", sizeof(KS_MEMBER("event") "\"" name "\"") - 1 }
static const struct {
	const char *text;
	size_t bytes;
} event_members[] = {
	[PRESENT] = EVENT("present"),
	[APPEARED] = EVENT("appeared"),
	[VANISHED] = EVENT("vanished"),
	[CHANGED] = EVENT("changed"),
};

/* @old: the item as it was, for a change; else NULL. */
static void record(struct ks_probe *probe, const struct ks_set_kind *kind, enum event event, const void *item,
		   const void *old)
{
	struct ks_text *text = ks_record_begin(probe, event == PRESENT ? KS_SAMPLE : KS_EVENT, KS_NO_SOURCE, kind->name);
	size_t old_start;

	ks_text_put(text, event_members[event].text, event_members[event].bytes);
	for (unsigned int i = 0; i < kind->fields_count; i++)
		put_field(text, &kind->fields[i], item);
	if (old) {
		ks_text_lit(text, ",\"old\":{");
		old_start = text->len;
		for (unsigned int i = 0; i < kind->fields_count; i++)
			if (!kind->fields[i].live && !same_field(&kind->fields[i], item, old))
				put_field(text, &kind->fields[i], old);
		/* Each member begins with a comma; the first has none before it. */
		if (text->len > old_start && !text->full) {
			memmove(text->buf + old_start, text->buf + old_start + 1, text->len - old_start - 1);
			text->len--;
		}
		ks_text_lit(text, "}");
	}
	ks_record_end(probe);
}

static void record_incomplete(struct ks_probe *probe, const struct set *set)
{
	struct ks_text *text = ks_record_begin(probe, KS_ALARM, KS_NO_SOURCE, "incomplete");

	ks_text_member_u64(text, "looked", set->seen - set->unkept);
	ks_text_member_u64(text, "of", set->seen);
	ks_record_end(probe);
}

/* === A pass ============================================================= */

/* Of an item that is not in the table: whether it is known how it was. */
static bool was_usual(struct ks_probe *probe, struct set *set, uint8_t kind_index)
{
	if (!set->usual)
		return false;
	memcpy(set->usual, set->item, type_of(probe)->kinds[kind_index].item_bytes);
	return type_of(probe)->usual(probe, kind_index, set->usual);
}

static void record_new(struct ks_probe *probe, struct set *set, uint8_t kind_index, bool kept)
{
	const struct ks_set_kind *kind = &type_of(probe)->kinds[kind_index];

	/* After a sample that could not keep everything, a new one may be one of those. */
	if (!set->first && kept && was_usual(probe, set, kind_index))
		record(probe, kind, CHANGED, set->item, set->usual);
	else if (set->first || probe->announce || (kept && set->told_unkept))
		record(probe, kind, PRESENT, set->item, NULL);
	else if (kept)
		record(probe, kind, APPEARED, set->item, NULL);
}

static void look_at(struct ks_probe *probe, struct set *set, uint8_t kind_index)
{
	const struct ks_set_kind *kind = &type_of(probe)->kinds[kind_index];
	uint32_t *chain = chain_of(set, kind_index, set->item, kind->key_bytes);
	struct slot *slot = find(set, *chain, kind_index, set->item, kind->key_bytes);

	if (slot && slot->pass == set->pass)
		return; /* seen twice: it moved while we walked */
	set->seen++;
	if (!slot) {
		slot = keep(set, chain, kind_index, kind->item_bytes);
		if (!slot)
			set->unkept++;
		record_new(probe, set, kind_index, slot);
	} else if (!same_item(kind, slot->item, set->item)) {
		record(probe, kind, CHANGED, set->item, slot->item);
		memcpy(slot->item, set->item, kind->item_bytes);
	} else {
		memcpy(slot->item, set->item, kind->item_bytes); /* the live fields */
		if (probe->announce)
			record(probe, kind, PRESENT, set->item, NULL);
	}
	if (slot)
		slot->pass = set->pass;
}

/* By words: a memset() of unknown length goes by bytes in Xen. */
static void clear_item(struct set *set)
{
	volatile uint64_t *word = set->item;

	for (size_t left = set->slot_bytes - sizeof(struct slot); left; left -= 8)
		*word++ = 0;
}

static void begin_pass(struct set *set)
{
	set->pass++;
	set->pass += !set->pass; /* 0 is for free slots */
	set->stage = WALK;
	set->cursor = (struct ks_set_cursor){ { 0 } };
	set->sweep_at = 0;
	set->seen = set->unkept = 0;
}

/* What was not seen in this pass is gone. */
static void sweep_slot(struct ks_probe *probe, struct set *set, uint32_t i)
{
	struct slot *slot = slot_at(set, i);
	const struct ks_set_kind *kind;

	if (!slot->pass || slot->pass == set->pass)
		return;
	kind = &type_of(probe)->kinds[slot->kind];
	record(probe, kind, VANISHED, slot->item, NULL);
	forget(set, i, chain_of(set, slot->kind, slot->item, kind->key_bytes));
}

static enum ks_step end_pass(struct ks_probe *probe, struct set *set)
{
	if (set->unkept != set->told_unkept || (set->unkept && probe->announce))
		record_incomplete(probe, set);
	set->told_unkept = set->unkept;
	set->first = false;
	return KS_STEP_DONE;
}

/* How many slots of the sweep are looked at between two looks at the clock. */
#define SWEEP_SLOTS 64

enum ks_step KS_CB ks_set_step(struct ks_probe *probe, uint64_t deadline_ns)
{
	const struct ks_set_type *type = type_of(probe);
	struct set *set = probe->data;

	if (probe->first_step)
		begin_pass(set);
	while (set->forgotten < set->chains_count) {
		forget_some(set, type->items_max);
		if (ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	while (set->stage == WALK) {
		int kind;

		clear_item(set);
		kind = type->next(probe, &set->cursor, set->item);
		if (kind == KS_SET_FAILED)
			return KS_STEP_FAILED;
		if (kind == KS_SET_ELSEWHERE)
			return KS_STEP_MORE;
		if (kind == KS_SET_END)
			set->stage = SWEEP;
		else if (kind >= 0)
			look_at(probe, set, (uint8_t)kind);
		if (ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	/* Every item had a slot and was seen, so nothing else is in the table. */
	if (set->used == set->seen - set->unkept)
		return end_pass(probe, set);
	while (set->sweep_at < type->items_max) {
		for (unsigned int i = 0; i < SWEEP_SLOTS && set->sweep_at < type->items_max; i++) {
			uint32_t used = set->used;

			sweep_slot(probe, set, set->sweep_at++);
			if (used != set->used)
				break; /* a record was made: that took its time */
		}
		if (ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	return end_pass(probe, set);
}

/* === Start and stop ===================================================== */

static void free_memory(struct ks_probe *probe)
{
	struct set *set = probe->data;

	ks_port_free(set->usual);
	ks_port_free(set->item);
	ks_port_free(set->slots);
	ks_port_free(set->chains);
	ks_port_free(set);
	probe->data = NULL;
}

int KS_CB ks_set_init(struct ks_probe *probe)
{
	const struct ks_set_type *type = type_of(probe);
	struct set *set = ks_probe_alloc(probe, sizeof(*set));
	size_t item_bytes = 0;

	if (!set)
		return -1;
	for (unsigned int i = 0; i < type->kinds_count; i++)
		if (type->kinds[i].item_bytes > item_bytes)
			item_bytes = type->kinds[i].item_bytes;
	set->slot_bytes = (uint32_t)((sizeof(struct slot) + item_bytes + 7) & ~(size_t)7);
	for (set->chains_count = 16; set->chains_count < type->items_max; set->chains_count *= 2)
		;
	probe->data = set;
	set->chains = ks_probe_alloc(probe, set->chains_count * sizeof(*set->chains));
	set->slots = ks_probe_alloc(probe, (size_t)type->items_max * set->slot_bytes);
	set->item = ks_probe_alloc(probe, set->slot_bytes);
	if (type->usual)
		set->usual = ks_probe_alloc(probe, set->slot_bytes);
	if (!set->chains || !set->slots || !set->item || (type->usual && !set->usual) || (type->init && type->init(probe))) {
		free_memory(probe);
		return -1;
	}
	begin_to_forget(set);
	while (set->forgotten < set->chains_count)
		forget_some(set, type->items_max);
	return 0;
}

void KS_CB ks_set_exit(struct ks_probe *probe)
{
	if (type_of(probe)->exit)
		type_of(probe)->exit(probe);
	free_memory(probe);
}

/* The table may be large: it is emptied in the steps that follow, before they walk. */
void KS_CB ks_set_reset(struct ks_probe *probe)
{
	begin_to_forget(probe->data);
}
