// SPDX-License-Identifier: MIT
/*
 * view.c - what one side says at one moment: of a sensor its fresh sample, of another source what
 * it has.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/libksense.h"
#include "judge.h"

void put_words(char words[WORDS_BYTES], const char *text)
{
	ksense_harmless(words, WORDS_BYTES, text, strlen(text), 0);
}

void blind_for(struct blindness *blind, const char *reason, const char *format, ...)
{
	char *words;
	va_list args;
	int bytes;

	if (blind->reason)
		return;
	blind->reason = reason;
	va_start(args, format);
	bytes = vasprintf(&words, format, args);
	va_end(args);
	put_words(blind->words, bytes < 0 ? reason : words);
	if (bytes >= 0)
		free(words);
}

/* === Items ============================================================== */

json_t *copy_of(json_t *object)
{
	json_t *copy = json_object();

	if (copy && !json_object_update(copy, object))
		return copy;
	json_decref(copy);
	return NULL;
}

const char *string_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

char *value_text(const json_t *value)
{
	const char *text = json_string_value(value);

	if (!value)
		return strdup("-");
	/* As JSON where it would be cut, and what looks like that, or like nothing. */
	if (text && *text != '"' && strcmp(text, "-") && strlen(text) == json_string_length(value))
		return strdup(text);
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

/* A number that may pass 2^53 is a string in a record, and the same one may be none elsewhere. */
static char *match_value(const json_t *value)
{
	char *text;

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return value_text(value);
	return asprintf(&text, "0x%llx", (unsigned long long)json_integer_value(value)) < 0 ? NULL : text;
}

char *escaped(char *text)
{
	size_t extra = 0, at = 0;
	char *out;

	for (const char *c = text; c && *c; c++)
		extra += *c == ' ' || *c == '\\';
	if (!extra)
		return text;
	out = malloc(strlen(text) + extra + 1);
	for (const char *c = text; out && *c; c++) {
		if (*c == ' ' || *c == '\\')
			out[at++] = '\\';
		out[at++] = *c;
	}
	if (out)
		out[at] = '\0';
	free(text);
	return out;
}

/* With a blank between each two. */
static char *joined(const json_t *item, const char *const *names, char *(*text_of)(const json_t *value))
{
	char *text = NULL;
	size_t bytes = 0;

	for (size_t i = 0; names[i]; i++) {
		char *one = escaped(text_of(json_object_get(item, names[i])));
		size_t more = one ? strlen(one) : 0;
		char *longer = one ? realloc(text, bytes + more + sizeof(" ")) : NULL;

		if (!longer) {
			free(one);
			free(text);
			return NULL;
		}
		text = longer;
		if (i)
			text[bytes++] = ' ';
		memcpy(text + bytes, one, more + 1);
		bytes += more;
		free(one);
	}
	return text;
}

char *key_text(const json_t *item, const char *const *names)
{
	return joined(item, names, value_text);
}

char *match_text(const json_t *item, const char *const *names)
{
	return joined(item, names, match_value);
}

const struct spec *spec_of(const struct check *check, const json_t *item)
{
	const char *kind = json_string_value(json_object_get(item, "kind"));

	for (unsigned int i = 1; kind && i < check->xen_count; i++)
		if (!strcmp(check->xen[i].kind, kind))
			return &check->xen[i];
	return &check->xen[0];
}

char *first_key(const struct spec *spec, const json_t *item)
{
	char *id = key_text(item, spec->id), *key = NULL;

	if (id && asprintf(&key, "%s %s", spec->kind, id) < 0)
		key = NULL;
	free(id);
	return key;
}

/* A member that is absent counts as null. */
static bool has_value(const json_t *item, const char *member, const json_t *value)
{
	const json_t *is = json_object_get(item, member);

	return json_is_null(value) ? !is || json_is_null(is) : json_equal((json_t *)is, (json_t *)value);
}

/* Or one of several. */
static bool has_one_of(const json_t *item, const char *member, const json_t *values)
{
	json_t *value;
	size_t i;

	if (!json_is_array(values))
		return has_value(item, member, values);
	json_array_foreach(values, i, value)
		if (has_value(item, member, value))
			return true;
	return false;
}

bool meets(const json_t *item, json_t *where)
{
	const char *member;
	json_t *value;

	json_object_foreach(where, member, value) {
		json_t *not = json_object_get(value, "not");

		if (has_one_of(item, member, not ? not : value) != !not)
			return false;
	}
	return true;
}

static int add_item(struct view *view, const struct spec *spec, json_t *item)
{
	char *key;
	int failed;

	if (!meets(item, spec->where))
		return 0;
	key = match_text(item, spec->key);
	if (key && spec->unsettled)
		failed = json_object_set_new(view->unsettled, key, json_string(spec->unsettled));
	else
		failed = !key || json_object_set(view->by_key, key, item) || json_array_append(view->items, item);
	free(key);
	return failed ? -1 : 0;
}

static int view_init(struct view *view)
{
	*view = (struct view){
		.items = json_array(), .by_key = json_object(), .unsettled = json_object(), .places = json_object(),
	};
	return view->items && view->by_key && view->unsettled && view->places ? 0 : -1;
}

void view_free(struct view *view)
{
	json_decref(view->items);
	json_decref(view->by_key);
	json_decref(view->unsettled);
	json_decref(view->places);
	json_decref(view->near);
	memset(view, 0, sizeof(*view));
}

/* === Samples of sensors ================================================= */

static void blind_by(struct blindness *blind, const char *probe, const json_t *record)
{
	const char *kind = string_of(record, "kind"), *why = string_of(record, "why");
	json_int_t looked = number_of(record, "looked"), of = number_of(record, "of");

	/* Whether what was lost is of the sample, has_lost() says. */
	if (!strcmp(kind, "lost"))
		return;
	/* With all of them it says that the probe sees all again. */
	if (!strcmp(kind, "incomplete") && looked && looked == of)
		return;
	if (!strcmp(kind, "incomplete"))
		blind_for(blind, "incomplete", "%s saw %lld of %lld", probe, (long long)looked, (long long)of);
	else if (!strcmp(kind, "began"))
		blind_for(blind, "incomplete", "%s was reset while it looked", probe);
	else
		blind_for(blind,
			  strstr(why, "probe is off") || strstr(why, "turned off") ? "probe-off" : "probe-failing",
			  "%s: %s", probe, *why ? why : "its pass failed");
}

/* Whether records of the sample are missing. */
static void see_whether_whole(const struct sample *sample, const char *probe, struct blindness *blind)
{
	json_t *record;
	size_t i;

	json_array_foreach(sample->records, i, record)
		if (is_fresh(sample, record) && is_outcome(record))
			blind_by(blind, probe, record);
	/* Of one kind there may be none: that the sample failed would have been told. */
	if (first_seq(sample) == INT64_MAX)
		blind_for(blind, "incomplete", "%s gave no sample", probe);
	else if (has_lost(sample))
		blind_for(blind, "lost", "records of %s were lost while its sample was read", probe);
	else if (sample->whole_ns < sample->from)
		blind_for(blind, "incomplete", "%s has made no pass that saw all since it was asked", probe);
	else if (has_gaps(sample))
		blind_for(blind, "lost", "somebody else took records of %s while its sample was read", probe);
}

/* What the sample has of the items of @spec: the last that it says of each. */
static int sort_records(const struct sample *sample, const struct spec *spec, json_t *present)
{
	json_t *record;
	size_t i;

	json_array_foreach(sample->records, i, record) {
		char *id;
		int failed = 0;

		if (strcmp(string_of(record, "kind"), spec->kind) || !is_fresh(sample, record))
			continue;
		id = key_text(record, spec->id);
		if (id && !strcmp(string_of(record, "event"), "vanished"))
			json_object_del(present, id);
		else
			failed = !id || json_object_set(present, id, record);
		free(id);
		if (failed)
			return -1;
	}
	return 0;
}

static int add_sample(const struct sample *sample, const struct spec *spec, struct view *view)
{
	json_t *present = json_object(), *item;
	const char *id;
	int status = present ? sort_records(sample, spec, present) : -1;

	json_object_foreach(present, id, item)
		if (!status)
			status = add_item(view, spec, item);
	json_decref(present);
	return status;
}

/*
 * Keeps what one record says of how its item was first.  Where the sensor itself keeps that, "old"
 * need not be it: the record of an earlier change may be gone, taken by somebody else.
 */
static int keep_one(const struct spec *spec, json_t *record, bool again, bool all, json_t *first)
{
	const char *event = string_of(record, "event");
	json_t *old = json_object_get(record, "old"), *known;
	char *key;
	int failed;

	if (!all && !old && strcmp(event, "vanished"))
		return 0;
	key = first_key(spec, record);
	failed = !key;
	known = key ? json_object_get(first, key) : NULL;
	if (key && !strcmp(event, "vanished")) {
		json_object_del(first, key);
	} else if (key && (!strcmp(event, "appeared") || (!known && again && !old))) {
		failed = json_object_set_new(first, key, json_pack("{ss}", "event", "appeared"));
	} else if (key) {
		if (!known)
			failed = json_object_set_new(first, key, known = json_object());
		if (!failed && old && !json_object_get(record, "changed_ns"))
			failed = json_object_update_missing(known, old);
	}
	free(key);
	return failed ? -1 : 0;
}

/*
 * What the records, old ones too, say of how things were before they changed: of one that is told
 * for the first time as well, as of a gate that was like all CPUs' until now.  One that has
 * appeared has "event" there: told by the probe, or in a sample that was asked for by us, where
 * all is "present", but not in our first.  Not @all: of one that never changed nothing is kept,
 * nor whether it has appeared.
 */
static int keep_first(const struct sample *sample, const struct spec *spec, bool all, json_t *first)
{
	bool again = json_object_get(first, spec->kind);
	json_t *record;
	size_t i;

	json_array_foreach(sample->records, i, record)
		if (!strcmp(string_of(record, "kind"), spec->kind) && *string_of(record, "event") &&
		    keep_one(spec, record, again, all, first))
			return -1;
	return json_object_set_new(first, spec->kind, json_true());
}

/*
 * What is not there any more is forgotten, though nothing was told of its end: so what is kept
 * goes with what there is, and not with how long we look.  If it comes again, it has appeared.
 */
static int forget_absent(const struct sample *sample, const struct check *check, json_t *first)
{
	json_t *present = json_object(), *record, *known;
	int failed = !present;
	const char *name;
	void *next;
	size_t i;

	for (i = 0; i < check->xen_count; i++)
		failed |= json_object_set_new(present, check->xen[i].kind, json_true());
	json_array_foreach(sample->records, i, record) {
		const struct spec *spec = spec_of(check, record);
		char *key = NULL;

		if (!is_fresh(sample, record) || strcmp(string_of(record, "kind"), spec->kind))
			continue;
		key = first_key(spec, record);
		failed |= !key || json_object_set_new(present, key, json_true());
		free(key);
	}
	json_object_foreach_safe(first, next, name, known)
		if (!failed && !json_object_get(present, name))
			json_object_del(first, name);
	json_decref(present);
	return failed ? -1 : 0;
}

/* Whether the fresh sample has a record with these members. */
static bool sample_has(const struct sample *sample, json_t *members)
{
	json_t *record;
	size_t i;

	json_array_foreach(sample->records, i, record)
		if (is_fresh(sample, record) && meets(record, members))
			return true;
	return false;
}

/* === Asking ============================================================= */

struct source *source_called(struct canary *c, const char *name)
{
	for (size_t i = 0; i < c->sources_count; i++)
		if (!strcmp(c->sources[i].type->name, name))
			return &c->sources[i];
	return NULL;
}

static void sample_drop(struct source *source)
{
	json_decref(source->sample.records);
	source->sample = (struct sample){ 0 };
	source->sample_of = NULL;
}

/* @wanted: of the spec's probe; of another source nothing of it counts. */
static bool take(struct canary *c, struct source *source, const struct spec *spec, const struct asking *wanted,
		 struct view *view)
{
	bool taken;

	sample_drop(source);
	if (source->type->is_sensor)
		taken = sample_take(c, source, wanted, &source->sample, &view->blind);
	else if (source->type->is_apart)
		taken = take_apart(c, source, &source->sample, &view->blind);
	else
		taken = source->type->take(source->state, &source->sample, &view->blind);
	if (taken && source->type->is_sensor)
		see_whether_whole(&source->sample, spec->probe, &view->blind);
	if (view->blind.reason)
		view->state = taken ? VIEW_PARTIAL : VIEW_NONE;
	else
		source->sample_of = spec->probe;
	source->sample_round = c->begun;
	return taken;
}

static bool is_of_kind(const struct spec *specs, unsigned int count, const char *kind)
{
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(specs[i].kind, kind))
			return false;
	return true;
}

/*
 * Where Dom0 has nothing to say, any whole pass that began in this round will do for the first
 * look: checks of one probe that follow each other share it.  What has changed is kept up with
 * from record to record, and needs its own.
 */
static bool may_share(const struct canary *c, const struct source *source, const struct check *check)
{
	return !check->dom0_count && !check->looked && !check->waited && !check->changed.finding &&
	       check->xen[0].passes == 1 && source->sample_of && source->sample_round == c->begun &&
	       !strcmp(source->sample_of, check->xen[0].probe) &&
	       (!source->sample.kind || (is_of_kind(check->xen, check->xen_count, source->sample.kind) &&
					 !check->only_if_count && !check->waits.where));
}

/*
 * The one kind of records that the check wants of Xen's probe, if it is one.  Where a check that
 * follows may share the sample, all are asked for.
 */
static const char *only_kind(const struct check *check)
{
	const char *kind = check->xen[0].kind;
	bool own = check->dom0_count || check->xen[0].passes > 1;

	if (!own || check->only_if_count || check->waits.where || !is_of_kind(check->xen, check->xen_count, kind))
		return NULL;
	return kind;
}

/*
 * As many fresh samples as the specs want, of which the last one counts; what they tell of former
 * values goes to @first, if that is there.  1, 0: there is none, or -1.
 */
static int take_passes(struct canary *c, struct source *source, const struct spec *specs, unsigned int count,
		       struct asking *wanted, json_t *first, struct view *view)
{
	wanted->probe = specs->probe;
	for (unsigned int pass = 0; pass < specs->passes; pass++) {
		if (pass && !pause_about(c, specs->pass_pause_ms)) {
			view->blind.reason = NULL;
			blind_for(&view->blind, "interrupted", "interrupted");
			view->state = VIEW_NONE;
			return 0;
		}
		view->blind = (struct blindness){ 0 };
		view->state = VIEW_WHOLE;
		if (!take(c, source, specs, wanted, view))
			return 0;
		/* Of a count that is over, nothing is known of this one. */
		if (first && (!source->sample.next || (wanted->epoch && source->sample.epoch != wanted->epoch)))
			json_object_clear(first);
		wanted->since = source->sample.next;
		wanted->epoch = source->sample.epoch;
		for (unsigned int i = 0; first && i < count; i++)
			if (keep_first(&source->sample, &specs[i], !wanted->members, first))
				return -1;
	}
	return 1;
}

/* The condition that the sample does not meet; NULL: it meets all. */
static const struct condition *unmet(const struct check *check, const struct sample *sample)
{
	for (unsigned int i = 0; i < check->only_if_count; i++)
		if (!sample_has(sample, check->only_if[i].where))
			return &check->only_if[i];
	return NULL;
}

static void judge_condition(const struct condition *condition, struct view *view)
{
	view->state = VIEW_NONE;
	/* What could not be seen as a whole may have had it. */
	if (view->blind.reason)
		return;
	view->blind.not_here = condition->not_here;
	blind_for(&view->blind, "incomplete", "%s", condition->words);
}

void drop_samples(struct canary *c, const struct check *check)
{
	for (size_t i = 0; i < c->sources_count; i++)
		if (strcmp(c->sources[i].type->name, check->xen[0].source) || !may_share(c, &c->sources[i], check))
			sample_drop(&c->sources[i]);
}

/* What differs from it, differs; that nothing does, says nothing. */
static void doubt_baseline(struct source *source, const struct check *check, struct view *view)
{
	see_baseline(source, check->xen[0].probe, &view->blind);
	if (view->blind.reason && view->state == VIEW_WHOLE)
		view->state = VIEW_PARTIAL;
}

int view_xen(struct canary *c, struct check *check, struct view *view)
{
	struct source *source = source_called(c, check->xen[0].source);
	const json_t *compared = json_object_get(c->checks.members, check->xen[0].probe);
	/* Of what has changed, any member may be the one. */
	const json_t *members = check->changed.finding ? NULL : compared;
	struct asking wanted = {
		.kind = only_kind(check), .since = check->since, .epoch = check->epoch, .members = members,
	};
	const struct condition *condition;
	int taken;

	if (view_init(view))
		return -1;
	if (!may_share(c, source, check)) {
		taken = take_passes(c, source, check->xen, check->xen_count, &wanted, check->first, view);
		check->since = wanted.since;
		check->epoch = wanted.epoch;
		if (taken <= 0)
			return taken;
	}
	condition = unmet(check, &source->sample);
	if (condition) {
		judge_condition(condition, view);
		return 0;
	}
	view->waits = check->waits.where && sample_has(&source->sample, check->waits.where);
	for (unsigned int i = 0; i < check->xen_count; i++)
		if (add_sample(&source->sample, &check->xen[i], view))
			return -1;
	/* But for the kinds, there is nothing to forget as a rule. */
	if (view->state == VIEW_WHOLE && json_object_size(check->first) > check->xen_count &&
	    forget_absent(&source->sample, check, check->first))
		return -1;
	if (check->baseline)
		doubt_baseline(source, check, view);
	return 0;
}

static int add_sensor(struct canary *c, struct source *source, const struct spec *spec, const char *kind, bool again,
		      struct view *view)
{
	const json_t *since = json_object_get(source->since, spec->probe);
	struct asking wanted = {
		.kind = kind,
		.since = json_integer_value(json_array_get(since, 0)),
		.epoch = json_integer_value(json_array_get(since, 1)),
		.members = json_object_get(c->checks.members, spec->probe),
	};
	struct view one = { 0 };
	int taken = 1;

	if (!again) {
		taken = take_passes(c, source, spec, 1, &wanted, NULL, &one);
		if (json_object_set_new(source->since, spec->probe,
					json_pack("[II]", wanted.since, wanted.epoch)))
			return -1;
	}
	if (one.state > view->state) {
		view->state = one.state;
		view->blind = one.blind;
	}
	return taken > 0 ? add_sample(&source->sample, spec, view) : taken;
}

static bool same_items(const struct spec *a, const struct spec *b)
{
	size_t i = 0;

	while (a->key[i] && b->key[i] && !strcmp(a->key[i], b->key[i]))
		i++;
	return !a->key[i] && !b->key[i] && (a->where == b->where || json_equal(a->where, b->where));
}

static int add_all(const struct sample *sample, const struct spec *spec, struct view *view)
{
	json_t *item;
	size_t i;

	json_array_foreach(sample->records, i, item)
		if (add_item(view, spec, item))
			return -1;
	return 0;
}

/*
 * What is read once is a hundred thousand items: where nothing else is in the view, it has the
 * very arrays that are kept.
 */
static int add_fixed(struct canary *c, struct source *source, const struct spec *spec, bool alone, struct view *view)
{
	if (!source->fixed_for || !same_items(source->fixed_for, spec)) {
		source->fixed_for = NULL;
		view_free(&source->fixed);
		if (view_init(&source->fixed))
			return -1;
		if (!take(c, source, spec, NULL, view))
			return 0;
		if (add_all(&source->sample, spec, &source->fixed))
			return -1;
		sample_drop(source);
		source->fixed_for = spec;
	}
	if (!alone) {
		if (json_array_extend(view->items, source->fixed.items))
			return -1;
		return json_object_update(view->by_key, source->fixed.by_key);
	}
	json_decref(view->items);
	json_decref(view->by_key);
	view->items = json_incref(source->fixed.items);
	view->by_key = json_incref(source->fixed.by_key);
	return 0;
}

/* Where Dom0's items are from: what it has none from was not looked at. */
static int add_places(const struct check *check, struct view *view)
{
	json_t *item;
	size_t i;

	if (!check->among[0])
		return 0;
	json_array_foreach(view->items, i, item) {
		char *place = match_text(item, check->among);
		int failed = !place || json_object_set_new(view->places, place, json_true());

		free(place);
		if (failed)
			return -1;
	}
	return 0;
}

/* Which item is near to what: a search through all of them, for each of Xen's, takes too long. */
static int add_near(const struct check *check, struct view *view)
{
	json_t *item;
	size_t i;

	if (!check->near[0])
		return 0;
	view->near = json_object();
	if (!view->near)
		return -1;
	json_array_foreach(view->items, i, item) {
		char *key = key_text(item, check->near);
		int failed = !key || (!json_object_get(view->near, key) && json_object_set(view->near, key, item));

		free(key);
		if (failed)
			return -1;
	}
	return 0;
}

int view_dom0(struct canary *c, const struct check *check, struct view *view)
{
	const struct spec *before = NULL;
	/* Several specs may be of one probe, and of different kinds. */
	bool is_alone = check->dom0_count == 1;

	if (view_init(view))
		return -1;
	for (unsigned int i = 0; i < check->dom0_count && view->state != VIEW_NONE; i++) {
		const struct spec *spec = &check->dom0[i];
		struct source *source = source_called(c, spec->source);
		bool again = before && !strcmp(before->source, spec->source) && spec->probe &&
			     !strcmp(before->probe, spec->probe);
		int status = 0;

		before = spec;
		if (source->type->is_sensor)
			status = add_sensor(c, source, spec, is_alone ? spec->kind : NULL, again, view);
		else if (source->type->is_fixed)
			status = add_fixed(c, source, spec, check->dom0_count == 1, view);
		else if (take(c, source, spec, NULL, view))
			status = add_all(&source->sample, spec, view);
		if (!source->type->is_sensor)
			sample_drop(source);
		if (status)
			return status;
	}
	return add_places(check, view) || add_near(check, view) ? -1 : 0;
}
