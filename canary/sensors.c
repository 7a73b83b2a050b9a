// SPDX-License-Identifier: MIT
/*
 * sensors.c - what was done to the sensors themselves: a probe turned off, a level lowered, a
 * reset, another sensor in the place of one.
 *
 * The status shows it from one round to the next.  What was done before the first, the records
 * tell that the probes make of it, for as long as nobody has taken them: who takes them knows.
 * The canary itself does none of this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

struct deeds {
	struct check *check;
	struct source *source;
	/* the sensor's status in the last round; NULL: none, or of another */
	const json_t *before;
	json_t *status;
	json_t *records;        /* of what was done; empty if nothing was since the last round */
	json_t *pending;        /* what is a finding, as of differences() */
};

static bool is_new(const struct deeds *d, const json_t *own, const json_t *before, const char *name)
{
	return !d->before || !before || !json_equal(json_object_get(own, name), json_object_get(before, name));
}

/* === What the records tell ============================================== */

/* The last record of @probe that is of @kind, and whose @member is @value; NULL: none is held. */
static json_t *record_of(const struct deeds *d, const char *probe, const char *kind, const char *member,
			 const char *value)
{
	json_t *record, *found = NULL;
	size_t i;

	json_array_foreach(d->records, i, record)
		if (!strcmp(string_of(record, "probe"), probe) && !strcmp(string_of(record, "kind"), kind) &&
		    !strcmp(string_of(record, member), value))
			found = record;
	return found;
}

json_t *by_of(const json_t *record)
{
	const json_t *by = json_object_get(record, "by");

	if (json_object_get(by, "domain"))
		return json_sprintf("domain %" JSON_INTEGER_FORMAT, number_of(by, "domain"));
	if (by)
		return json_sprintf("process %" JSON_INTEGER_FORMAT " of user %" JSON_INTEGER_FORMAT,
				    number_of(by, "pid"), number_of(by, "uid"));
	if (!strcmp(string_of(record, "kind"), "stopped"))
		return json_sprintf("the sensor itself (%s)", string_of(record, "why"));
	return NULL;
}

/* Only where something was done: they are searched for in all that is held. */
static bool read_records(struct deeds *d, struct blindness *blind)
{
	static const char *const kinds[] = { "command", "began", "stopped", "restarted" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct asking asking = { .kind = kinds[i], .how = ASK_HELD };

		if (!d->source->type->records(d->source->state, &asking, d->records, blind))
			return false;
	}
	return true;
}

/* === Deeds ============================================================== */

/*
 * Of what is done to a probe again and again, so many are kept of each kind.  Each is told, and
 * the oldest are gone.
 */
#define DEEDS_KEPT 8

static void forget_oldest(json_t *deeds, const char *identity)
{
	size_t bytes = (size_t)(strrchr(identity, '/') - identity) + 1, count = 0;
	const char *name;
	json_t *deed;
	void *next;

	json_object_foreach(deeds, name, deed)
		count += !strncmp(name, identity, bytes);
	json_object_foreach_safe(deeds, next, name, deed)
		if (count > DEEDS_KEPT && !strncmp(name, identity, bytes)) {
			json_object_del(deeds, name);
			count--;
		}
}

/* @item is taken.  -1: no memory. */
static int add(struct deeds *d, json_t *to, enum rule_number number, const char *probe, json_int_t which, json_t *item)
{
	const struct rule *rule = rule_of(d->check, number);
	char *identity;
	int failed;

	if (!rule->finding || !item) {
		json_decref(item);
		return item ? 0 : -1;
	}
	if (asprintf(&identity, "%s/%s/%s/%" JSON_INTEGER_FORMAT, d->check->name, rule->finding, probe, which) < 0) {
		json_decref(item);
		return -1;
	}
	failed = json_object_set_new(to, identity, json_pack("{sisosn}", "rule", (int)number, "xen", item, "dom0"));
	if (!failed && to == d->check->deeds)
		forget_oldest(to, identity);
	free(identity);
	return failed;
}

/* What was done stays done, for as long as we look. */
static int see_off(struct deeds *d, const char *name, const json_t *own, const json_t *before)
{
	bool is_off = !strcmp(string_of(own, "state"), "off");
	json_t *record = record_of(d, name, "command", "command", "off");
	json_t *back = record_of(d, name, "command", "command", "on");
	json_int_t offs = number_of(own, "offs");

	if (!record)
		record = record_of(d, name, "stopped", "probe", name);
	/* One that was off from the start was turned off by nobody. */
	if (!offs || !is_new(d, own, before, "offs") || (!before && !is_off && !record && !back))
		return 0;
	return add(d, d->check->deeds, SENSOR_OFF, name, offs,
		   json_pack("{sssssIso*}", "probe", name, "state", string_of(own, "state"), "offs", offs, "by",
			     by_of(record)));
}

/*
 * How often it was done by now, as the status counts it in @member; 0: not again since @before.
 * In the first look it is news only if there still is a record of it.
 */
static json_int_t new_count(const struct deeds *d, const json_t *own, const json_t *before, const char *member,
			    const json_t *record)
{
	return is_new(d, own, before, member) && (before || record) ? number_of(own, member) : 0;
}

static int see_reset(struct deeds *d, const char *name, const json_t *own, const json_t *before)
{
	json_t *record = record_of(d, name, "began", "why", "reset");
	json_int_t resets = new_count(d, own, before, "resets", record);

	if (!resets)
		return 0;
	return add(d, d->check->deeds, SENSOR_RESET, name, resets,
		   json_pack("{sssIsO*so*}", "probe", name, "resets", resets, "baselines",
			     json_object_get(json_object_get(record, "before"), "baselines"), "by", by_of(record)));
}

/* What is not in a probe's list any more, it does not look at. */
static int see_removed(struct deeds *d, const char *name, const json_t *own, const json_t *before)
{
	json_t *record = record_of(d, name, "command", "command", "remove");
	json_int_t removes = new_count(d, own, before, "removes", record);

	if (!removes)
		return 0;
	return add(d, d->check->deeds, SENSOR_REMOVED, name, removes,
		   json_pack("{sssIsIsO*so*}", "probe", name, "removes", removes, "number",
			     removes - number_of(before, "removes"), "item", json_object_get(record, "item"), "by",
			     by_of(record)));
}

/* By the supervisor: what came and went meanwhile nobody saw. */
static int see_restarts(struct deeds *d, const char *name, const json_t *own, const json_t *before)
{
	json_t *record = record_of(d, name, "restarted", "probe", name);
	/* A reset has them counted anew. */
	json_int_t restarts = new_count(d, own, before, "restarts", record);

	if (!restarts)
		return 0;
	return add(d, d->check->deeds, SENSOR_PROBE_RESTARTED, name, restarts,
		   json_pack("{sssIsO*}", "probe", name, "restarts", restarts, "why", json_object_get(record, "why")));
}

/* A probe of the same sensor whose records are counted anew, and not by a reset. */
static int see_epoch(struct deeds *d, const char *name, const json_t *own, const json_t *before)
{
	/* One that had no memory had no count. */
	if (!number_of(before, "epoch") || !is_new(d, own, before, "epoch") || is_new(d, own, before, "resets"))
		return 0;
	return add(d, d->check->deeds, SENSOR_RESTARTED, name, number_of(own, "epoch"),
		   json_pack("{ssssss}", "probe", name, "uuid", string_of(own, "uuid"), "was",
			     string_of(before, "uuid")));
}

static const char *const levels[] = { "low", "default", "high", "adversarial", NULL };

static json_int_t level_of(const char *name)
{
	for (json_int_t i = 0; levels[i]; i++)
		if (!strcmp(levels[i], name))
			return i;
	return 0;
}

/* The highest level that the probe had, as far as its records tell. */
static json_int_t highest_told(const struct deeds *d, const char *name)
{
	json_int_t highest = 0;
	json_t *record;
	size_t i;

	json_array_foreach(d->records, i, record) {
		json_int_t level = level_of(string_of(record, "level"));
		const char *command = string_of(record, "command");

		if (strcmp(string_of(record, "probe"), name) || strcmp(string_of(record, "kind"), "command"))
			continue;
		/* A command that changes nothing makes no record. */
		level += !strcmp(command, "decrease") || !strcmp(command, "low");
		if (level > highest)
			highest = level;
	}
	return highest;
}

/* That it is lower than it was lasts until it is raised again; a reset has told of it already. */
static int see_level(struct deeds *d, const char *name, const json_t *own, const json_t *before)
{
	json_int_t level = level_of(string_of(own, "level")), told = highest_told(d, name);
	json_int_t highest = json_integer_value(json_object_get(d->check->first, name));
	json_t *record;

	if (before && is_new(d, own, before, "resets"))
		highest = told = level;
	if (told > highest)
		highest = told;
	if (level > highest)
		highest = level;
	if (json_object_set_new(d->check->first, name, json_integer(highest)))
		return -1;
	if (level == highest)
		return 0;
	record = record_of(d, name, "command", "level", levels[level]);
	return add(d, d->pending, SENSOR_LOWERED, name, level,
		   json_pack("{sssssss o*}", "probe", name, "level", levels[level], "was", levels[highest], "by",
			     by_of(record)));
}

static int see_probe(struct deeds *d, const json_t *own)
{
	const char *name = string_of(own, "name");
	const json_t *before = probe_in(d->before, name);

	if (see_off(d, name, own, before) || see_reset(d, name, own, before) ||
	    see_removed(d, name, own, before) || see_restarts(d, name, own, before) ||
	    see_epoch(d, name, own, before))
		return -1;
	return see_level(d, name, own, before);
}

/* Another sensor under the same name: all that the old one knew is gone. */
static int see_restart(struct deeds *d)
{
	const char *was = string_of(d->check->status, "uuid"), *is = string_of(d->status, "uuid");

	if (!d->check->status || !strcmp(was, is))
		return 0;
	d->before = NULL;
	json_object_clear(d->check->first);
	return add(d, d->check->deeds, SENSOR_RESTARTED, is, 0,
		   json_pack("{ssssss}", "sensor", string_of(d->status, "name"), "uuid", is, "was", was));
}

/* Whether the status says that something was done since the last round. */
static bool is_anything_new(const struct deeds *d)
{
	static const char *const members[] = { "state", "level", "resets", "removes", "restarts", "offs", "epoch" };
	json_t *own;
	size_t i;

	json_array_foreach(json_object_get(d->status, "probes"), i, own)
		for (size_t j = 0; j < sizeof(members) / sizeof(members[0]); j++)
			if (is_new(d, own, probe_in(d->before, string_of(own, "name")), members[j]))
				return true;
	return false;
}

static int see_all(struct deeds *d, struct blindness *blind)
{
	json_t *own;
	size_t i;

	if (see_restart(d))
		return -1;
	/* What cannot be read now is new in the next round still. */
	if (is_anything_new(d) && !read_records(d, blind))
		return 0;
	json_array_foreach(json_object_get(d->status, "probes"), i, own)
		if (see_probe(d, own))
			return -1;
	d->check->xen_items = json_array_size(json_object_get(d->status, "probes"));
	json_decref(d->check->status);
	d->check->status = json_incref(d->status);
	return 0;
}

/*
 * Whether the sensor has none of the probes that the checks ask of this source: then it is another
 * one, and that nothing was done to it says nothing.
 */
static bool is_another(const struct canary *c, const struct check *check, const json_t *status)
{
	bool asked = false;

	for (size_t i = 0; i < c->checks.count; i++) {
		const struct check *other = &c->checks.check[i];

		for (unsigned int j = 0; j < other->xen_count + other->dom0_count; j++) {
			const struct spec *spec = j < other->xen_count ? &other->xen[j] :
									 &other->dom0[j - other->xen_count];

			if (!spec->probe || strcmp(spec->source, check->sensor))
				continue;
			if (probe_in(status, spec->probe))
				return false;
			asked = true;
		}
	}
	return asked;
}

/* === Interface ========================================================== */

json_t *sensor_deeds(struct canary *c, struct check *check, struct blindness *blind)
{
	struct source *source = source_called(c, check->sensor);
	struct deeds d = {
		.check = check, .source = source, .before = check->status,
		.status = source_status(source, blind), .records = json_array(), .pending = json_object(),
	};
	int failed = !d.records || !d.pending;

	if (!failed && d.status && !json_is_array(json_object_get(d.status, "probes")))
		blind_for(blind, "unreadable", "the status of the sensor %s tells of no probes", check->sensor);
	else if (!failed && d.status)
		failed = see_all(&d, blind);
	else if (!failed && check->status && blind->absent)
		failed = add(&d, d.pending, SENSOR_GONE, string_of(check->status, "uuid"), 0,
			     json_pack("{ssss}", "sensor", string_of(check->status, "name"), "uuid",
				       string_of(check->status, "uuid")));
	if (!failed)
		failed = json_object_update(d.pending, check->deeds);
	if (!failed && d.status && !blind->reason && is_another(c, check, d.status))
		blind_for(blind, "no-probe",
			  "the sensor %s has none of the probes that are asked for: it is another one", check->sensor);
	json_decref(d.status);
	json_decref(d.records);
	if (!failed)
		return d.pending;
	json_decref(d.pending);
	return NULL;
}
