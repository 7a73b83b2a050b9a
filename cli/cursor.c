// SPDX-License-Identifier: MIT
/*
 * cursor.c - how far --follow has come, of each probe.
 *
 * A probe's seq starts again with a reset or a restart of the sensor, and a number alone then
 * means something else.  The epoch that each record bears says of which count it is; the two
 * together are a cursor.  What could not be shown is said: here, where no record of the sensor
 * says it.
 */
#include <inttypes.h>
#include <string.h>

#include "cursor.h"

static json_t *member(const json_t *record, const char *name)
{
	return json_object_get(record, name);
}

bool cursors_init(struct cursors *c, const struct ksense_request *request)
{
	*c = (struct cursors){ .request = request };
	c->at = json_object();
	c->lost = json_object();
	c->resumed = json_object();
	return c->at && c->lost && c->resumed;
}

void cursors_free(struct cursors *c)
{
	json_decref(c->at);
	json_decref(c->lost);
	json_decref(c->resumed);
	json_decref(c->began);
}

/* === What comes ========================================================= */

static bool is_lost(const json_t *record)
{
	const char *kind = json_string_value(member(record, "kind"));

	return kind && !strcmp(kind, "lost");
}

/* What says that there was no memory for a probe's records is of no count: its epoch is 0. */
static bool is_counted(const json_t *record)
{
	const json_t *epoch = member(record, "epoch");

	return !is_lost(record) && !(json_is_integer(epoch) && !json_integer_value(epoch));
}

static bool is_new_loss(struct cursors *c, const char *probe, const json_t *record)
{
	json_t *now = json_pack("[O?O?O?]", member(record, "epoch"), member(record, "first"), member(record, "last"));
	bool same = json_equal(json_object_get(c->lost, probe), now);

	json_object_set_new(c->lost, probe, now);
	json_object_del(c->resumed, probe); /* what is missing is told */
	return !same;
}

static bool same_count(const json_t *cursor, const json_t *record)
{
	const json_t *one = member(cursor, "epoch"), *other = member(record, "epoch");

	return one == other || json_equal(one, other);
}

/* Where records tell no epoch: after a reset seq starts again, but time does not. */
static bool is_later(const json_t *cursor, const json_t *record)
{
	json_int_t seen = json_integer_value(member(cursor, "time"));
	json_int_t time = json_integer_value(member(record, "time"));
	json_int_t last = json_integer_value(member(cursor, "seq")), seq = json_integer_value(member(record, "seq"));

	return time > seen || (time == seen && seq > last);
}

bool cursor_is_new(struct cursors *c, const json_t *record)
{
	const char *probe = json_string_value(member(record, "probe"));
	const json_t *cursor = probe ? json_object_get(c->at, probe) : NULL;

	if (probe && is_lost(record))
		return is_new_loss(c, probe, record);
	if (!cursor || !is_counted(record) || !same_count(cursor, record))
		return true;
	if (!member(cursor, "epoch"))
		return is_later(cursor, record);
	return json_integer_value(member(record, "seq")) > json_integer_value(member(cursor, "seq"));
}

/*
 * Of the first record behind a new connection: what was handed over to the old one and never came,
 * or was taken by others, is missing.  A filter leaves gaps of its own.
 */
static void tell_gap(const char *probe, const json_t *cursor, const json_t *record)
{
	json_int_t last = json_integer_value(member(cursor, "seq")), seq = json_integer_value(member(record, "seq"));

	if (member(cursor, "epoch") && seq > last + 1)
		say("%s: seq %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT " did not come: "
		    "they were on their way when the connection ended, or somebody else took them",
		    probe, last + 1, seq - 1);
}

void cursor_note(struct cursors *c, const json_t *record)
{
	const char *probe = json_string_value(member(record, "probe"));
	const char *kind = json_string_value(member(record, "kind"));
	const json_t *cursor = probe ? json_object_get(c->at, probe) : NULL;

	if (probe && is_lost(record))
		json_object_del(c->resumed, probe); /* what is missing is told */
	if (!probe || !is_counted(record))
		return;
	if (cursor && !same_count(cursor, record) && (!kind || strcmp(kind, "began")))
		say("%s counts from 0 again, as it was reset or the sensor started anew: "
		    "what it recorded before that and is not shown is gone", probe);
	if (cursor && same_count(cursor, record) && json_object_get(c->resumed, probe) && !c->request->filters_count)
		tell_gap(probe, cursor, record);
	json_object_del(c->resumed, probe);
	json_object_set_new(c->at, probe, json_pack("{sO*sO*sO*}", "epoch", member(record, "epoch"),
						    "seq", member(record, "seq"), "time", member(record, "time")));
}

/* === What is asked for ================================================== */

void cursors_resume(struct cursors *c)
{
	json_object_update(c->resumed, c->at);
}

void cursors_begin(struct cursors *c, const json_t *probes)
{
	const json_t *probe;
	size_t i;

	if (c->began)
		return;
	c->began = json_object();
	json_array_foreach(probes, i, probe) {
		const char *name = json_string_value(member(probe, "name"));

		if (name)
			json_object_set(c->began, name, member(probe, "epoch") ? member(probe, "epoch") : json_null());
	}
}

static void set_epoch(struct ksense_request *request, const json_t *epoch)
{
	json_int_t value = json_is_integer(epoch) ? json_integer_value(epoch) : -1;

	request->has_epoch = value >= 0 && value <= UINT32_MAX;
	request->epoch = request->has_epoch ? (uint32_t)value : 0;
}

void cursor_ask(const struct cursors *c, const char *probe, struct ksense_request *request)
{
	const json_t *cursor = json_object_get(c->at, probe), *epoch = json_object_get(c->began, probe);

	if (cursor) {
		request->since = (uint64_t)json_integer_value(member(cursor, "seq")) + 1;
		set_epoch(request, member(cursor, "epoch"));
	} else if (!epoch) {
		/* Of a probe that came later, all is new. */
		request->has_since = request->has_epoch = false;
	} else if (!c->request->has_epoch) {
		set_epoch(request, epoch);
	}
}
