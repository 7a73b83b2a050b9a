// SPDX-License-Identifier: GPL-2.0-only
/*
 * access.c - the probe xen-access: to whom the sensor was handed over, who has asked it for what
 * he may not have, and what was done to the policy that has a say in it, or to Xen's code.
 *
 * Each refused call is counted in a table: a row for each domain and what it wanted.  That is done
 * in the context of whoever was refused, who may mean harm and come again as fast as he can: so it
 * is a short walk over a table of fixed size, under a lock that is fair and is held for nothing
 * else.  A domain that may not even read has four rows at most, one for each op.  What has no row
 * is counted together.
 *
 * Who controls a domain can change its uuid, and so pass for many.  An ordinary domain is told
 * from one that had its id before by it nevertheless.  A control domain and the sensing domain are
 * known by their ids, which nobody else gets in their lives; and they have rows of their own, as
 * many as they can ever need.
 *
 * The probe shows the rows as items of a set.  A row's count is shown anew only so often
 * (TOLD_AT_ONCE, TOLD_EVERY), or a flood of calls would be a flood of records, and push those of
 * others out of the ring; but always when a fresh sample was asked for.  The row itself is exact.
 */
#include <xen/nospec.h>
#include <xen/sched.h>
#include <xen/spinlock.h>
#include <public/sense.h>
#include <public/sysctl.h>

#include "../set.h"
#include "access.h"

/* === Data === */

struct ks_lock_item {
	uint8_t locked, alive, paused;
	uint8_t uuid[16];
	char dom0[8];
	int32_t by, sensing;
	uint64_t locked_ns;
};

static const struct ks_field ks_lock_fields[] = {
	KS_GUARD(struct ks_lock_item, locked, KS_BOOL, "it was handed over"),
	KS_GUARD(struct ks_lock_item, by, KS_S32, "the domain that locked; -1: not locked"),
	KS_GUARD(struct ks_lock_item, sensing, KS_S32, "the sensing domain; -1: none"),
	KS_GUARD(struct ks_lock_item, uuid, KS_UUID, "of the sensing domain as it was named; zeros: none"),
	KS_GUARD(struct ks_lock_item, alive, KS_BOOL,
		 "the sensing domain is neither destroyed nor shut down; whether it gets a CPU, this does not say"),
	KS_GUARD(struct ks_lock_item, paused, KS_BOOL,
		 "it is alive, and a control domain has paused it (`xl pause`; or it is saved, or not begun yet), or "
		 "none of its vCPUs can run"),
	KS_GUARD(struct ks_lock_item, dom0, KS_STRING, "what a control domain may now: `all`, `read` or `nothing`"),
	KS_FIELD(struct ks_lock_item, locked_ns, KS_NS, "[ns] when, since boot; 0: not locked"),
};

struct ks_policy_item {
	char module[8];
	uint8_t enforcing, loaded, frozen;
	int32_t by;
	union {
		uint64_t times[SENSE_POLICY_ACTS]; /* which are, in their order: */
		struct {
			uint64_t enforcing_on, enforcing_off, loads, boolean_sets, label_sets;
		};
	};
	uint64_t changed_ns;
};

_Static_assert(SENSE_POLICY_ENFORCE == 0 && SENSE_POLICY_PERMIT == 1 && SENSE_POLICY_LOAD == 2 &&
	       SENSE_POLICY_SET_BOOLEANS == 3 && SENSE_POLICY_LABEL == 4 && SENSE_POLICY_ACTS == 5,
	       "the order of what is counted");

static const struct ks_field ks_policy_fields[] = {
	KS_GUARD(struct ks_policy_item, module, KS_STRING,
		 "of XSM, that decides: `dummy` (XSM is off, or has no policy), `silo` or `flask`"),
	KS_GUARD(struct ks_policy_item, enforcing, KS_BOOL,
		 "FLASK refuses what its policy does not allow; else it only logs it"),
	KS_GUARD(struct ks_policy_item, loaded, KS_BOOL, "FLASK has a policy; else it allows all"),
	KS_FIELD(struct ks_policy_item, frozen, KS_BOOL,
		 "there is a sensing domain: until the next boot nobody can do what the next four count"),
	KS_GUARD(struct ks_policy_item, enforcing_off, KS_COUNT, "how often enforcing was turned off since boot"),
	KS_GUARD(struct ks_policy_item, loads, KS_COUNT,
		 "how often a policy was loaded, but for that of the boot loader"),
	KS_GUARD(struct ks_policy_item, boolean_sets, KS_COUNT,
		 "how often the values of the policy's booleans were set"),
	KS_GUARD(struct ks_policy_item, label_sets, KS_COUNT,
		 "how often the label of a resource was changed: of I/O memory, a port, an interrupt, a device"),
	KS_FIELD(struct ks_policy_item, enforcing_on, KS_COUNT, "how often enforcing was turned on"),
	KS_FIELD(struct ks_policy_item, by, KS_S32, "the domain that did the last of these; -1: none"),
	KS_FIELD(struct ks_policy_item, changed_ns, KS_NS, "[ns] when that was, since boot; 0: never"),
};

struct ks_livepatch_item {
	union {
		uint64_t times[KS_LIVEPATCH_ACTIONS]; /* which are, in their order: */
		struct {
			uint64_t uploads, unloads, reverts, applies, replaces;
		};
	};
	char name[64];
	int32_t by;
	uint64_t last_ns;
};

_Static_assert(LIVEPATCH_ACTION_UNLOAD == 1 && LIVEPATCH_ACTION_REVERT == 2 && LIVEPATCH_ACTION_APPLY == 3 &&
	       LIVEPATCH_ACTION_REPLACE == 4 && KS_LIVEPATCH_ACTIONS == 5, "the order of what is counted");

static const struct ks_field ks_livepatch_fields[] = {
	KS_GUARD(struct ks_livepatch_item, uploads, KS_COUNT, "how often a patch was uploaded since boot"),
	KS_GUARD(struct ks_livepatch_item, applies, KS_COUNT, "how often one was told to be applied"),
	KS_GUARD(struct ks_livepatch_item, reverts, KS_COUNT, "reverted"),
	KS_GUARD(struct ks_livepatch_item, replaces, KS_COUNT, "applied in place of all others"),
	KS_GUARD(struct ks_livepatch_item, unloads, KS_COUNT, "unloaded"),
	KS_FIELD(struct ks_livepatch_item, name, KS_STRING,
		 "which patch the last of these was of, as its domain calls it: its first 63 bytes"),
	KS_FIELD(struct ks_livepatch_item, by, KS_S32, "the domain that did it; -1: none"),
	KS_FIELD(struct ks_livepatch_item, last_ns, KS_NS, "[ns] when, since boot; 0: never"),
};

struct ks_denied_item {
	uint16_t domid;
	uint8_t uuid[16];
	char op[10];
	char command[12];
	uint8_t control;
	uint64_t count, first_ns, last_ns;
};

/* of which it is the last */
_Static_assert(offsetof(struct ks_denied_item, control) == 2 + 16 + 10 + 12, "no padding in the key");

static const struct ks_field ks_denied_fields[] = {
	KS_FIELD(struct ks_denied_item, domid, KS_U16, "who"),
	KS_FIELD(struct ks_denied_item, uuid, KS_UUID, "who, by the uuid that it had at the first attempt"),
	KS_FIELD(struct ks_denied_item, op, KS_STRING,
		 "of the hypercall: `version`, `exchange`, `lock`, `other`; `policy`: it was FLASK's, to change the "
		 "policy; or `frames`: it was for memory by its frames' numbers"),
	KS_FIELD(struct ks_denied_item, command, KS_STRING,
		 "of the protocol, where `op` is `exchange` and the domain may at least read: else the request was "
		 "not looked at, and it is empty; "
		 "where `op` is `policy`, `permit` (turn enforcing off), `load`, `booleans` or `label`; where it is "
		 "`frames`, `permit` or `map` (RAM as a "
		 "device's memory) or `debug` (a guest's, by gdbsx)"),
	KS_RAISE(struct ks_denied_item, control, KS_BOOL,
		 "a control domain, or the sensing domain: what it was refused is an alarm"),
	KS_FIELD(struct ks_denied_item, count, KS_COUNT, "how often since boot, as counted when the record was made"),
	KS_LIVE(struct ks_denied_item, first_ns, KS_NS, "[ns] when for the first time, since boot"),
	KS_LIVE(struct ks_denied_item, last_ns, KS_NS, "[ns] when for the last time, since boot"),
};

struct ks_others_item {
	uint64_t count, last_ns;
};

static const struct ks_field ks_others_fields[] = {
	KS_FIELD(struct ks_others_item, count, KS_COUNT, "how often since boot"),
	KS_LIVE(struct ks_others_item, last_ns, KS_NS, "[ns] when for the last time, since boot"),
};

enum { KS_KIND_LOCK, KS_KIND_DENIED, KS_KIND_OTHERS, KS_KIND_POLICY, KS_KIND_LIVEPATCH };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_LOCK] = KS_ONE("lock", struct ks_lock_item, ks_lock_fields,
				"One. It changes when the sensor is locked (`locked`), and when the sensing domain "
				"goes (`alive`), or is paused (`paused`)."),
	[KS_KIND_DENIED] = KS_KIND_BY("denied", struct ks_denied_item, ks_denied_fields, control, uuid,
				      "A row for each domain and each thing that it was refused; a control domain has "
				      "one for each, whatever uuid it has."),
	[KS_KIND_OTHERS] = KS_ONE("denied-others", struct ks_others_item, ks_others_fields,
				  "What has no row, of whichever ordinary domains: it was the least, and its row was "
				  "needed; or too many were refused at once."),
	[KS_KIND_POLICY] = KS_ONE("policy", struct ks_policy_item, ks_policy_fields,
		"One: what has the last word on who may what in Xen, and what was done to it since boot."),
	[KS_KIND_LIVEPATCH] = KS_ONE("livepatch", struct ks_livepatch_item, ks_livepatch_fields,
		"One: what was done with live patches, which are code in Xen. It is counted before it is done."),
};

enum { OP_VERSION, OP_EXCHANGE, OP_LOCK, OP_OTHER, OP_POLICY, OP_FRAMES, OPS };

/*
 * The rows of ordinary domains. Where none is left, the one that was refused least, and
 * longest ago, gives way.
 */
#define ROWS_ORDINARY 64
/* From so many on, those of domains that are gone are given up. */
#define ROWS_FULL (ROWS_ORDINARY - ROWS_ORDINARY / 4)
/*
 * Behind them, those of whom ks_is_privileged() says so: none of these gives way, or is given up,
 * as there is one for each op, and each command of those that have some, of each domain that can
 * be one: Xen makes a single control domain, Dom0, and handover.c names a single sensing domain.
 */
#define PRIVILEGED 2
#define ROWS_EACH (3 + (KS_COMMANDS + 1) + SENSE_POLICY_ACTS + ARRAY_SIZE(ks_frames_names))
#define ROWS (ROWS_ORDINARY + PRIVILEGED * ROWS_EACH)

_Static_assert(OPS == 6, "ROWS_EACH has all that there are");

/* So many records can come of one row at once, and then one every so often. */
#define TOLD_AT_ONCE 8
#define TOLD_EVERY SECONDS(600)

/* Free while count is 0. */
struct ks_row {
	domid_t domid;
	uint8_t op, command;
	bool control;
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
static unsigned int ks_rows_used;               /* of the ordinary ones */
static struct ks_row ks_others = { .left = TOLD_AT_ONCE };
static atomic_t ks_uncounted = ATOMIC_INIT(0);     /* to be added to these */

/* === Counting, in the context of who was refused === */

static bool ks_is_privileged(const struct domain *d)
{
	return is_control_domain(d) || is_sensing_domain(d);
}

static bool ks_row_is(const struct ks_row *row, const struct domain *d, unsigned int op, unsigned int command)
{
	return row->count && row->domid == d->domain_id && row->op == op && row->command == command &&
	       (row->control || !memcmp(row->uuid, d->handle, sizeof(row->uuid)));
}

/* Whether @a rather than @b gives way to who has none. */
static bool ks_row_is_less(const struct ks_row *a, const struct ks_row *b)
{
	return a->count != b->count ? a->count < b->count : a->last < b->last;
}

/* The row of this kind; else the one for it: a free one, or the least. */
static struct ks_row *ks_find_row(const struct domain *d, bool control, unsigned int op, unsigned int command)
{
	struct ks_row *row = &ks_rows[control ? ROWS_ORDINARY : 0], *end = &ks_rows[control ? ROWS : ROWS_ORDINARY],
		      *least = row;

	for (; row < end; row++) {
		if (ks_row_is(row, d, op, command))
			return row;
		if (ks_row_is_less(row, least))
			least = row;
	}
	return least;
}

static void ks_begin_row(struct ks_row *row, const struct domain *d, bool control, unsigned int op,
			 unsigned int command, s_time_t now)
{
	/* What gave way is counted with the others. */
	if (row->count) {
		ks_others.count += row->count;
		ks_others.last = now;
	} else if (!control) {
		ks_rows_used++;
	}
	*row = (struct ks_row){
		.control = control,
		.domid = d->domain_id, .op = op, .command = command, .first = now, .left = TOLD_AT_ONCE,
		.refilled = now,
	};
	memcpy(row->uuid, d->handle, sizeof(row->uuid));
}

/*
 * Guests can ask from all CPUs at once, and each walks the rows: who finds others in his way for
 * long is counted with those who have no row.  Whom it matters to name waits, for one of them at
 * most.
 */
#define COUNT_TRIES 64

static bool ks_lock_rows(bool control)
{
	unsigned int tries;

	if (control) {
		spin_lock(&ks_rows_lock);
		return true;
	}
	for (tries = COUNT_TRIES; tries; tries--) {
		if (spin_trylock(&ks_rows_lock))
			return true;
		cpu_relax();
	}
	return false;
}

static void ks_count(unsigned int op, unsigned int command)
{
	const struct domain *d = current->domain;
	bool control = ks_is_privileged(d);
	s_time_t now = NOW();
	struct ks_row *row;

	if (!ks_lock_rows(control)) {
		atomic_inc(&ks_uncounted);
		return;
	}
	row = ks_find_row(d, control, op, command);
	if (!ks_row_is(row, d, op, command))
		ks_begin_row(row, d, control, op, command, now);
	row->count++;
	row->last = now;
	spin_unlock(&ks_rows_lock);
}

void ks_access_denied(unsigned int op, unsigned int command)
{
	op = op == XEN_SENSE_OP_version	   ? OP_VERSION
	     : op == XEN_SENSE_OP_exchange ? OP_EXCHANGE
	     : op == XEN_SENSE_OP_lock	   ? OP_LOCK
					   : OP_OTHER;
	ks_count(op, command);
}

void ks_access_denied_policy(enum sense_policy what)
{
	ks_count(OP_POLICY, what);
}

void ks_access_denied_frames(enum sense_frames what)
{
	ks_count(OP_FRAMES, what);
}

void KS_CB ks_access_denied_request(const struct ks_caller *caller, const struct ks_request *request)
{
	ks_access_denied(XEN_SENSE_OP_exchange, request->command);
}

/* === Showing === */

/*
 * With the lock of its counts held, if any.  Shows what has been counted since, if a record
 * may be made of it.
 */
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
	static const char ops[][sizeof(item->op)] = { "version", "exchange", "lock", "other", "policy", "frames" };
	int kind = KS_SET_SKIP;

	spin_lock(&ks_rows_lock);
	if (row->count && !row->control && row->shown == row->count && ks_rows_used >= ROWS_FULL &&
	    ks_row_is_gone(row)) {
		row->count = 0;
		ks_rows_used--;
	}
	if (row->count) {
		ks_row_show(row, asked_for);
		item->domid = row->domid;
		memcpy(item->uuid, row->uuid, sizeof(item->uuid));
		memcpy(item->op, ops[row->op], sizeof(item->op));
		if (row->op == OP_POLICY)
			strlcpy(item->command, ks_policy_names[row->command], sizeof(item->command));
		else if (row->op == OP_FRAMES)
			strlcpy(item->command, ks_frames_names[row->command], sizeof(item->command));
		/* what the refused domain asked for: an index of its choice */
		else if (row->command < KS_COMMANDS)
			strlcpy(item->command, ks_command_names[array_index_nospec(row->command, KS_COMMANDS)],
				sizeof(item->command));
		item->control = row->control;
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
	int uncounted;

	spin_lock(&ks_rows_lock);
	uncounted = atomic_read(&ks_uncounted);
	if (uncounted) {
		atomic_sub(uncounted, &ks_uncounted);
		ks_others.count += (unsigned int)uncounted;
		ks_others.last = NOW();
	}
	ks_row_show(&ks_others, asked_for);
	item->count = ks_others.shown;
	item->last_ns = ks_others.shown_last;
	spin_unlock(&ks_rows_lock);
	return item->count ? KS_KIND_OTHERS : KS_SET_SKIP;
}

static int ks_next_lock(struct ks_lock_item *item)
{
	struct ks_handover_state state;

	ks_handover_get(&state);
	item->locked = state.locked;
	item->by = state.by;
	item->sensing = state.sensing;
	memcpy(item->uuid, state.uuid, sizeof(item->uuid));
	item->alive = state.alive;
	item->paused = state.paused;
	strlcpy(item->dom0, ks_right_names[state.dom0], sizeof(item->dom0));
	item->locked_ns = state.locked_ns;
	return KS_KIND_LOCK;
}

static int ks_next_policy(struct ks_policy_item *item)
{
	struct ks_policy_state state;

	ks_policy_get(&state);
	strlcpy(item->module, state.module, sizeof(item->module));
	item->enforcing = state.enforcing;
	item->loaded = state.loaded;
	item->frozen = state.frozen;
	memcpy(item->times, state.times, sizeof(item->times));
	item->by = state.by;
	item->changed_ns = state.changed_ns;
	return KS_KIND_POLICY;
}

/* Whoever may do it may do it as fast as he can: it is shown as rows are. */
static int ks_next_livepatch(bool asked_for, struct ks_livepatch_item *item)
{
	static struct ks_livepatch_state state = { .by = -1 };
	static struct ks_row row = { .left = TOLD_AT_ONCE };
	struct ks_livepatch_state now;

	ks_livepatch_get(&now);
	row.count = 0;
	for (unsigned int i = 0; i < KS_LIVEPATCH_ACTIONS; i++)
		row.count += now.times[i];
	ks_row_show(&row, asked_for);
	if (row.shown == row.count)
		state = now;
	memcpy(item->times, state.times, sizeof(item->times));
	memcpy(item->name, state.name, sizeof(item->name));
	item->by = state.by;
	item->last_ns = state.last_ns;
	return KS_KIND_LIVEPATCH;
}

/* at[0]: 0 for the lock, then the rows, then the others, the policy, and live patches. */
static KS_CB int ks_access_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	uint64_t at = progress->at[0]++;

	if (!at)
		return ks_next_lock(item);
	if (at <= ROWS)
		return ks_next_row(&ks_rows[at - 1], probe->announce, item);
	if (at == ROWS + 1)
		return ks_next_others(probe->announce, item);
	if (at == ROWS + 2)
		return ks_next_policy(item);
	return at == ROWS + 3 ? ks_next_livepatch(probe->announce, item) : KS_SET_END;
}

/* === Interface === */

/*
 * The ring is made for as many samples; of alarms, which have less of it, it then holds each row's
 * first and last.
 */
static KS_CB uint32_t ks_access_first(void)
{
	return 3 * ROWS;
}

static const struct ks_set_type ks_access_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items_max = 2 * ROWS + 4, /* a row that was another's stays until the end of the sample */
	.first_items = ks_access_first,
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
