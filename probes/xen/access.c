// SPDX-License-Identifier: GPL-2.0-only
/*
 * access.c - the probe xen-access: to whom the sensor was handed over, and who has asked it for what he may not have.
 *
 * Each refused call is counted in a table: a row for each domain and what it wanted.  That is done in the context of whoever was refused, who may
 * mean harm and come again as fast as he can: so it is a short walk over a table of fixed size, under a lock that is fair and is held for nothing
 * else.  A domain that may not even read has four rows at most, one for each op.  What found no row is counted together.
 *
 * The probe shows the rows as items of a set.  A row's count is shown anew only so often (TOLD_AT_ONCE, TOLD_EVERY), or a flood of calls would be
 * a flood of records, and push those of others out of the ring; but always when a fresh sample was asked for.  The row itself is exact.
 */
#include <xen/nospec.h>
#include <xen/sched.h>
#include <xen/spinlock.h>
#include <public/sense.h>

#include "../set.h"
#include "access.h"

/* === Data === */

struct ks_lock_item {
	uint8_t locked, alive;
	uint8_t uuid[16];
	char dom0[8];
	int64_t by, sensing;
	uint64_t locked_ns;
};

static const struct ks_field ks_lock_fields[] = {
	KS_FIELD(struct ks_lock_item, locked, KS_BOOL, "it was handed over"),
	KS_FIELD(struct ks_lock_item, by, KS_S64, "the domain that locked; -1: not locked"),
	KS_FIELD(struct ks_lock_item, sensing, KS_S64, "the sensing domain; -1: none"),
	KS_FIELD(struct ks_lock_item, uuid, KS_UUID, "of the sensing domain as it was named; zeros: none"),
	KS_FIELD(struct ks_lock_item, alive, KS_BOOL, "the sensing domain is neither destroyed nor shut down"),
	KS_FIELD(struct ks_lock_item, dom0, KS_STRING, "what a control domain may now: `all`, `read` or `nothing`"),
	KS_FIELD(struct ks_lock_item, locked_ns, KS_U64, "[ns] when, since boot; 0: not locked"),
};

struct ks_denied_item {
	uint16_t domid;
	uint8_t uuid[16];
	char op[10];
	char command[12];
	uint64_t count, first_ns, last_ns;
};

_Static_assert(offsetof(struct ks_denied_item, count) == 2 + 16 + 10 + 12, "no padding in the key");

static const struct ks_field ks_denied_fields[] = {
	KS_FIELD(struct ks_denied_item, domid, KS_U16, "who"),
	KS_FIELD(struct ks_denied_item, uuid, KS_UUID, "who, by the uuid that it had at the first attempt"),
	KS_FIELD(struct ks_denied_item, op, KS_STRING, "of the hypercall: `version`, `exchange`, `lock`, `other`"),
	KS_FIELD(struct ks_denied_item, command, KS_STRING,
		 "of the protocol, where `op` is `exchange` and the domain may at least read; else empty: the request was not looked at"),
	KS_FIELD(struct ks_denied_item, count, KS_U64, "how often since boot, as counted when the record was made"),
	KS_LIVE(struct ks_denied_item, first_ns, KS_U64, "[ns] when for the first time, since boot"),
	KS_LIVE(struct ks_denied_item, last_ns, KS_U64, "[ns] when for the last time, since boot"),
};

struct ks_others_item {
	uint64_t count, last_ns;
};

static const struct ks_field ks_others_fields[] = {
	KS_FIELD(struct ks_others_item, count, KS_U64, "how often since boot"),
	KS_LIVE(struct ks_others_item, last_ns, KS_U64, "[ns] when for the last time, since boot"),
};

enum { KS_KIND_LOCK, KS_KIND_DENIED, KS_KIND_OTHERS };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_LOCK] = KS_ONE("lock", struct ks_lock_item, ks_lock_fields,
		 "One. It changes when the sensor is locked (`locked`), and when the sensing domain goes (`alive`)."),
	[KS_KIND_DENIED] = KS_KIND("denied", struct ks_denied_item, ks_denied_fields, command,
		 "A row for each domain and each thing that it was refused."),
	[KS_KIND_OTHERS] = KS_ONE("denied-others", struct ks_others_item, ks_others_fields, "What found no row, of whichever domains."),
};

#define ROWS 64
/* From so many on, the rows of domains that are gone are given up. */
#define ROWS_FULL (ROWS - ROWS / 4)

/* So many records can come of one row at once, and then one every so often. */
#define TOLD_AT_ONCE 8
#define TOLD_EVERY SECONDS(600)

enum { OP_VERSION, OP_EXCHANGE, OP_LOCK, OP_OTHER };

/* Free while count is 0. */
struct ks_row {
	domid_t domid;
	uint8_t op, command;
	xen_domain_handle_t uuid;
	uint64_t count;
	s_time_t first, last;
	/* As it is shown. */
	uint64_t shown;
	s_time_t shown_last;
	uint8_t left;           /* records that may be made of it now */
	s_time_t refilled;
};

static DEFINE_SPINLOCK(ks_rows_lock);
static struct ks_row ks_rows[ROWS];
static unsigned int ks_rows_used;
static struct ks_row ks_others = { .left = TOLD_AT_ONCE };

/* === Counting, in the context of who was refused === */

static bool ks_row_is(const struct ks_row *row, const struct domain *d, unsigned int op, unsigned int command)
{
	return row->count && row->domid == d->domain_id && row->op == op && row->command == command &&
	       !memcmp(row->uuid, d->handle, sizeof(row->uuid));
}

/* A row of this kind, or a free one for it, or NULL. */
static struct ks_row *ks_find_row(const struct domain *d, unsigned int op, unsigned int command)
{
	struct ks_row *free = NULL;

	for (unsigned int i = 0; i < ROWS; i++) {
		if (ks_row_is(&ks_rows[i], d, op, command))
			return &ks_rows[i];
		if (!free && !ks_rows[i].count)
			free = &ks_rows[i];
	}
	return free;
}

static void ks_begin_row(struct ks_row *row, const struct domain *d, unsigned int op, unsigned int command, s_time_t now)
{
	*row = (struct ks_row){
		.domid = d->domain_id, .op = op, .command = command, .first = now, .left = TOLD_AT_ONCE, .refilled = now,
	};
	memcpy(row->uuid, d->handle, sizeof(row->uuid));
	ks_rows_used++;
}

void ks_access_denied(unsigned int op, unsigned int command)
{
	const struct domain *d = current->domain;
	s_time_t now = NOW();
	struct ks_row *row;

	op = op == XEN_SENSE_OP_version ? OP_VERSION : op == XEN_SENSE_OP_exchange ? OP_EXCHANGE : op == XEN_SENSE_OP_lock ? OP_LOCK : OP_OTHER;
	spin_lock(&ks_rows_lock);
	row = ks_find_row(d, op, command);
	if (!row)
		row = &ks_others;
	else if (!row->count)
		ks_begin_row(row, d, op, command, now);
	row->count++;
	row->last = now;
	spin_unlock(&ks_rows_lock);
}

void KS_CB ks_access_denied_request(const struct ks_caller *caller, const struct ks_request *request)
{
	ks_access_denied(XEN_SENSE_OP_exchange, request->command);
}

/* === Showing === */

/* With the lock held.  Shows what has been counted since, if a record may be made of it. */
static void ks_row_show(struct ks_row *row, bool asked_for)
{
	while (row->left < TOLD_AT_ONCE && NOW() - row->refilled >= TOLD_EVERY) {
		row->left++;
		row->refilled += TOLD_EVERY;
	}
	if (row->shown == row->count || (!row->left && !asked_for))
		return;
	if (row->left == TOLD_AT_ONCE)
		row->refilled = NOW();
	row->left -= !!row->left;
	row->shown = row->count;
	row->shown_last = row->last;
}

/* With the lock held. */
static bool ks_row_is_gone(const struct ks_row *row)
{
	struct domain *d = rcu_lock_domain_by_id(row->domid);
	bool gone = true;

	if (d) {
		gone = memcmp(row->uuid, d->handle, sizeof(row->uuid));
		rcu_unlock_domain(d);
	}
	return gone;
}

static int ks_next_row(struct ks_row *row, bool asked_for, struct ks_denied_item *item)
{
	static const char ops[][sizeof(item->op)] = { "version", "exchange", "lock", "other" };
	int kind = KS_SET_SKIP;

	spin_lock(&ks_rows_lock);
	if (row->count && row->shown == row->count && ks_rows_used >= ROWS_FULL && ks_row_is_gone(row)) {
		row->count = 0;
		ks_rows_used--;
	}
	if (row->count) {
		ks_row_show(row, asked_for);
		item->domid = row->domid;
		memcpy(item->uuid, row->uuid, sizeof(item->uuid));
		memcpy(item->op, ops[row->op], sizeof(item->op));
		/* What the refused domain asked for: an index of its choice. */
		if (row->command < KS_COMMANDS)
			strlcpy(item->command, ks_command_names[array_index_nospec(row->command, KS_COMMANDS)], sizeof(item->command));
		item->count = row->shown;
		item->first_ns = row->first;
		item->last_ns = row->shown_last;
		kind = KS_KIND_DENIED;
	}
	spin_unlock(&ks_rows_lock);
	return kind;
}

static int ks_next_others(bool asked_for, struct ks_others_item *item)
{
	spin_lock(&ks_rows_lock);
	ks_row_show(&ks_others, asked_for);
	item->count = ks_others.shown;
	item->last_ns = ks_others.shown_last;
	spin_unlock(&ks_rows_lock);
	return item->count ? KS_KIND_OTHERS : KS_SET_SKIP;
}

static int ks_next_lock(struct ks_lock_item *item)
{
	struct ks_lock_state state;

	ks_lock_get(&state);
	item->locked = state.locked;
	item->by = state.by;
	item->sensing = state.sensing;
	memcpy(item->uuid, state.uuid, sizeof(item->uuid));
	item->alive = state.alive;
	strlcpy(item->dom0, ks_right_names[state.dom0], sizeof(item->dom0));
	item->locked_ns = state.locked_ns;
	return KS_KIND_LOCK;
}

/* at[0]: 0 for the lock, then the rows, then the others. */
static KS_CB int ks_access_next(struct ks_probe *probe, struct ks_set_cursor *cursor, void *item)
{
	uint64_t at = cursor->at[0]++;

	if (!at)
		return ks_next_lock(item);
	if (at <= ROWS)
		return ks_next_row(&ks_rows[at - 1], probe->announce, item);
	return at == ROWS + 1 ? ks_next_others(probe->announce, item) : KS_SET_END;
}

/* === Interface === */

static const struct ks_set_type ks_access_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items_max = ROWS + 2,
	.next = ks_access_next,
};

const struct ks_probe_type ks_xen_access = {
	.name = "xen-access",
	.interval_ns = {
		[KS_LOW] = SECONDS(10),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(500),
		[KS_ADVERSARIAL] = MILLISECS(100),
	},
	.pause_ns = {
		[KS_LOW] = MICROSECS(500),
		[KS_DEFAULT] = MICROSECS(500),
		[KS_HIGH] = MICROSECS(250),
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&ks_access_set),
};
