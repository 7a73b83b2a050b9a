// SPDX-License-Identifier: MIT
/*
 * set.c - the engine for things that exist.
 *
 * A pass walks the probe's items, marks each in the table of the last sample (set_table.h) with
 * the number of the pass, and then walks the table for those that have not been marked.
 */
#include "set_record.h"

enum stage { WALK, SWEEP };

struct set {
	struct ks_table table;
	struct ks_limit limits[KS_LIMITS];
	bool first;             /* no pass was completed since start or reset */
	bool empty;             /* the table has nothing left of the time before the reset */
	/* so many left the table that they are forgotten: who is new in this pass is not known */
	bool who_left_lost;
	bool is_settling;       /* in this pass, what it looks at is still being set up */
	enum stage stage;
	struct ks_set_progress progress;
	uint32_t sweep_at;
	uint32_t limit_at;
	uint32_t seen;          /* items in this pass */
	uint32_t told_unkept;   /* items without a slot, as it was told last */
	bool told_now;          /* in this pass, that it cannot be complete */
	void *item;             /* the one at hand */
	void *usual;            /* and as it usually is, if the type knows that */
};

static const struct ks_set_type *type_of(const struct ks_probe *probe)
{
	return probe->type->engine;
}

const void *ks_set_kept(const struct ks_probe *probe, unsigned int kind, const void *item)
{
	const struct set *set = probe->data;
	const struct ks_table *table = &set->table;
	uint32_t i = ks_table_find(table, ks_table_hash(table, (uint8_t)kind, item), (uint8_t)kind, item);

	if (i == KS_NO_SLOT || ks_table_is_print(table, i) || ks_table_slot(table, i)->kind & KS_GONE)
		return NULL;
	return ks_whole_of(ks_table_slot(table, i))->item;
}

/* === A pass ============================================================= */

/* Of an item that is not in the table: whether it is known how it was. */
static bool was_usual(struct ks_probe *probe, struct set *set, uint8_t kind)
{
	if (!set->usual)
		return false;
	memcpy(set->usual, set->item, type_of(probe)->kinds[kind].item_bytes);
	return type_of(probe)->usual(probe, kind, set->usual);
}

static void look_at_new(struct ks_probe *probe, struct set *set, uint8_t kind, uint64_t hash)
{
	bool is_alarm = type_of(probe)->kinds[kind].flags & KS_IS_ALARM;
	/*
	 * Whether it was there, and had to leave the table: so it may be as before, or not.  Of an
	 * alarm that is never supposed.
	 */
	bool had_left = !is_alarm && ks_table_has_left(&set->table, hash);
	bool is_new = !had_left && (is_alarm || !set->who_left_lost);
	struct ks_happening what = {
		.event = KS_APPEARED, .kind = kind, .in_first_sample = set->first, .is_settling = set->is_settling,
		.is_new = is_new,
		.item = set->item,
	};

	if (had_left && ks_table_is_full(&set->table, &type_of(probe)->kinds[kind])) {
		what.event = KS_PRESENT;
		set->table.unkept++;
		if (probe->announce)
			ks_set_record(probe, &set->table, set->limits, what);
		return;
	}
	what.whole = ks_table_keep(&set->table, kind, set->item, hash);
	if (set->first || probe->announce || !is_new)
		what.event = KS_PRESENT;
	if (!set->first && is_new && was_usual(probe, set, kind)) {
		what.event = KS_CHANGED;
		what.old = set->usual;
		ks_table_changed(&set->table, what.whole, set->usual);
	}
	ks_set_record(probe, &set->table, set->limits, what);
}

static void look_at_print(struct ks_probe *probe, struct set *set, uint8_t kind, uint32_t i, uint64_t hash)
{
	struct ks_happening what = { .event = KS_PRESENT, .kind = kind, .item = set->item };

	/* What has changed once is kept as a whole from now on. */
	if (ks_print_of(ks_table_slot(&set->table, i))->content !=
	    ks_table_content(&set->table, &type_of(probe)->kinds[kind], set->item)) {
		ks_table_drop(&set->table, i);
		what.event = KS_CHANGED;
		what.is_print = true;
		what.whole = ks_table_keep(&set->table, kind, set->item, hash);
	}
	if (what.event == KS_CHANGED || probe->announce)
		ks_set_record(probe, &set->table, set->limits, what);
}

static void look_at_whole(struct ks_probe *probe, struct set *set, uint8_t kind, uint32_t i)
{
	struct ks_whole *whole = ks_whole_of(ks_table_slot(&set->table, i));
	struct ks_happening what = {
		.event = KS_PRESENT, .kind = kind, .is_settling = set->is_settling, .item = set->item, .whole = whole,
	};

	if (whole->slot.kind & KS_GONE) {
		ks_table_back(&set->table, i);
		what.is_new = true;
		what.event = probe->announce ? KS_PRESENT : KS_APPEARED;
	} else if (!ks_set_same(&type_of(probe)->kinds[kind], whole->item, set->item)) {
		if (!what.is_settling)
			ks_table_changed(&set->table, whole, whole->item);
		what.event = KS_CHANGED;
		what.old = whole->item;
	}
	if (what.event != KS_PRESENT || probe->announce)
		ks_set_record(probe, &set->table, set->limits, what);
	/* the live fields, too */
	memcpy(whole->item, set->item, type_of(probe)->kinds[kind].item_bytes);
}

static void look_at(struct ks_probe *probe, struct set *set, uint8_t kind)
{
	struct ks_table *table = &set->table;
	uint64_t hash = ks_table_hash(table, kind, set->item);
	uint32_t i = ks_table_find(table, hash, kind, set->item);

	if (i != KS_NO_SLOT && ks_table_slot(table, i)->pass == table->pass)
		return; /* seen twice: it moved while we walked */
	set->seen++;
	if (i == KS_NO_SLOT) {
		look_at_new(probe, set, kind, hash);
	} else {
		ks_table_slot(table, i)->pass = table->pass;
		if (ks_table_is_print(table, i))
			look_at_print(probe, set, kind, i, hash);
		else
			look_at_whole(probe, set, kind, i);
	}
	if (table->unkept && !set->told_now && (!set->told_unkept || probe->announce)) {
		set->told_now = true;
		ks_set_record_incomplete(probe, set->seen - table->unkept, set->seen, true);
	}
}

static void pass_by(struct set *set, uint8_t kind)
{
	struct ks_table *table = &set->table;
	uint32_t i = ks_table_find(table, ks_table_hash(table, kind, set->item), kind, set->item);
	struct ks_slot *slot = i == KS_NO_SLOT ? NULL : ks_table_slot(table, i);

	if (!slot || slot->pass == table->pass || slot->kind & KS_GONE)
		return;
	slot->pass = table->pass;
	set->seen++;
}

/* By words: a memset() of unknown length goes by bytes in Xen. */
static void clear_item(struct set *set)
{
	volatile uint64_t *word = set->item;

	for (size_t left = set->table.item_bytes; left; left -= 8)
		*word++ = 0;
}

static void begin_pass(const struct ks_probe *probe, struct set *set)
{
	uint64_t settled_ns = type_of(probe)->settled_ns;

	set->table.pass++;
	set->table.pass += !set->table.pass; /* 0 is for free slots */
	set->table.unkept = 0;
	set->stage = WALK;
	set->progress = (struct ks_set_progress){ { 0 } };
	set->sweep_at = 0;
	set->limit_at = 0;
	set->seen = 0;
	set->told_now = false;
	set->is_settling = settled_ns && ks_port_time_ns() < settled_ns;
}

/* What was not seen in this pass is gone. */
static void sweep_slot(struct ks_probe *probe, struct set *set, uint32_t i)
{
	struct ks_table *table = &set->table;
	struct ks_slot *slot = ks_table_slot(table, i);
	struct ks_happening what = { .event = KS_VANISHED };

	if (table->blocks[i / KS_PLACES].use == KS_BLOCK_FREE || !slot->pass || slot->pass == table->pass ||
	    slot->kind & KS_GONE)
		return;
	what.kind = slot->kind;
	what.is_print = ks_table_is_print(table, i);
	what.item = ks_table_key(table, i);
	what.whole = what.is_print ? NULL : ks_whole_of(slot);
	what.is_settling = set->is_settling;
	ks_set_record(probe, table, set->limits, what);
	if (what.whole && !what.is_settling && type_of(probe)->kinds[what.kind].flags & KS_HOLDS_STILL) {
		ks_table_changed(table, what.whole, what.item);
		ks_table_gone(table, i);
	} else {
		ks_table_drop(table, i);
	}
}

static enum ks_step end_pass(struct ks_probe *probe, struct set *set)
{
	uint32_t unkept = set->table.unkept;

	if (unkept != set->told_unkept || (unkept && probe->announce))
		ks_set_record_incomplete(probe, set->seen - unkept, set->seen, false);
	/* It is not told each time, but it is so. */
	if (unkept)
		ks_pass_incomplete(probe);
	set->told_unkept = unkept;
	set->first = false;
	set->who_left_lost = ks_table_left_too_many(&set->table);
	if (!unkept || set->who_left_lost) {
		ks_table_forget_left(&set->table);
		set->empty = false;
	}
	return KS_STEP_DONE;
}

/* How many slots of the sweep are looked at between two looks at the clock. */
#define SWEEP_SLOTS 64

enum ks_step KS_CB ks_set_step(struct ks_probe *probe, uint64_t deadline_ns)
{
	const struct ks_set_type *type = type_of(probe);
	struct set *set = probe->data;
	struct ks_table *table = &set->table;

	if (probe->first_step)
		begin_pass(probe, set);
	while (!set->empty) {
		set->empty = ks_table_forget(table);
		if (ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	while (set->stage == WALK) {
		int kind;

		clear_item(set);
		kind = type->next(probe, &set->progress, set->item);
		if (kind == KS_SET_FAILED)
			return KS_STEP_FAILED;
		if (kind == KS_SET_ELSEWHERE)
			return KS_STEP_MORE;
		if (kind == KS_SET_END)
			set->stage = SWEEP;
		else if (kind >= KS_SET_UNSEEN)
			pass_by(set, (uint8_t)(kind - KS_SET_UNSEEN));
		else if (kind >= 0)
			look_at(probe, set, (uint8_t)kind);
		if (ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	/* Every item had a slot and was seen, so nothing else is in the table. */
	if (table->used == set->seen - table->unkept)
		set->sweep_at = table->blocks_count * KS_PLACES;
	while (set->sweep_at < table->blocks_count * KS_PLACES) {
		for (unsigned int i = 0; i < SWEEP_SLOTS && set->sweep_at < table->blocks_count * KS_PLACES; i++) {
			uint32_t used = table->used;

			sweep_slot(probe, set, set->sweep_at);
			set->sweep_at = ks_table_after(table, set->sweep_at);
			if (used != table->used)
				break; /* a record was made: that took its time */
		}
		if (ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	while (set->limit_at < KS_LIMITS) {
		struct ks_limit *limit = &set->limits[set->limit_at++];

		if (ks_set_tell_limit(probe, table, limit) && ks_port_time_ns() >= deadline_ns)
			return KS_STEP_MORE;
	}
	return end_pass(probe, set);
}

/* === Start and stop ===================================================== */

uint32_t KS_CB ks_set_baselines(const struct ks_probe *probe)
{
	const struct set *set = probe->data;

	return set->table.used;
}

/* The table may be large: it is emptied in the steps that follow, before they walk. */
void KS_CB ks_set_reset(struct ks_probe *probe)
{
	struct set *set = probe->data;

	ks_table_reset(&set->table);
	memset(set->limits, 0, sizeof(set->limits));
	set->first = true;
	set->empty = false;
	set->who_left_lost = false;
	set->told_unkept = 0;
}

static void free_memory(struct ks_probe *probe)
{
	struct set *set = probe->data;

	ks_port_free(set->usual);
	ks_port_free(set->item);
	ks_table_exit(&set->table);
	ks_port_free(set);
	probe->data = NULL;
}

static int get_memory(struct ks_probe *probe, struct set *set)
{
	const struct ks_set_type *type = type_of(probe);

	if (ks_table_init(&set->table, probe))
		return -1;
	set->item = ks_probe_alloc(probe, set->table.item_bytes);
	if (type->usual)
		set->usual = ks_probe_alloc(probe, set->table.item_bytes);
	if (!set->item || (type->usual && !set->usual))
		return -1;
	return type->init ? type->init(probe) : 0;
}

int KS_CB ks_set_init(struct ks_probe *probe)
{
	struct set *set = ks_probe_alloc(probe, sizeof(*set));

	if (!set)
		return -1;
	probe->data = set;
	if (get_memory(probe, set)) {
		free_memory(probe);
		return -1;
	}
	set->first = true;
	set->empty = true;
	return 0;
}

void KS_CB ks_set_exit(struct ks_probe *probe)
{
	if (type_of(probe)->exit)
		type_of(probe)->exit(probe);
	free_memory(probe);
}
