// SPDX-License-Identifier: MIT
/*
 * compare.c - "ksense compare": looks at both sides of each pair, and again where they differ.
 *
 * Xen's view is taken between two of Dom0's.  What Xen has and Dom0 has not counts only where Dom0
 * had it neither before nor after; what Dom0 has and Xen has not, where Dom0 had it both times;
 * members that differ, where Dom0 said the same both times.  What is left of that at each of the
 * pair's looks is a finding: so processes that come and go, of which each look may catch one, do
 * not make any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "compare.h"

/* === One look =========================================================== */

/* A difference is {"rule": ..., "xen": item or null, "dom0": item or null}, by its identity. */
enum rule_number { ONLY_XEN, ONLY_DOM0, DIFFERS, MORE, CHANGED };

static const struct rule *rule_of(const struct pair *pair, json_int_t number)
{
	switch (number) {
	case ONLY_XEN:
		return &pair->only_xen;
	case ONLY_DOM0:
		return &pair->only_dom0;
	case DIFFERS:
		return &pair->differs;
	case MORE:
		return &pair->more;
	default:
		return &pair->changed;
	}
}

static void add_difference(json_t *differences, const struct pair *pair, enum rule_number number, const struct view_spec *spec, json_t *xen,
			   json_t *dom0)
{
	json_t *item = xen ? xen : dom0;
	char *id = key_text(item, spec->id), *same = key_text(item, spec->same), identity[512];

	snprintf(identity, sizeof(identity), "%s/%s/%s/%s", pair->name, rule_of(pair, number)->finding, id, same);
	json_object_set_new(differences, identity, json_pack("{sisO?sO?}", "rule", (int)number, "xen", xen, "dom0", dom0));
	free(id);
	free(same);
}

enum { XENS, DOM0S };

/*
 * Whether @item, which has the pair's members by the names that @side has for them, says the same
 * of them as @dom0.
 */
static bool same_members(const struct pair *pair, const json_t *item, int side, const json_t *dom0)
{
	for (unsigned int i = 0; i < pair->members_count; i++)
		if (!json_equal(json_object_get(item, pair->members[i][side]), json_object_get(dom0, pair->members[i][DOM0S])))
			return false;
	return true;
}

/* What Dom0 has in the place of one of Xen's items; NULL: nothing, or it cannot be told. */
static json_t *near(const struct pair *pair, const struct view *dom0, const json_t *xen)
{
	json_t *item;
	char *wanted;
	bool is = false;
	size_t i;

	if (!pair->near[0])
		return NULL;
	wanted = key_text(xen, pair->near);
	json_array_foreach(dom0->items, i, item) {
		char *key = key_text(item, pair->near);

		is = !strcmp(key, wanted);
		free(key);
		if (is)
			break;
	}
	free(wanted);
	return is ? item : NULL;
}

/* Whether the item is not as it was before its first change: one that was put back is. */
static bool has_changed(const struct pair *pair, const struct view_spec *spec, const json_t *item)
{
	char *key = first_key(spec, item);
	json_t *was = json_object_get(pair->first, key), *value;
	bool changed = false;
	const char *member;

	free(key);
	json_object_foreach(was, member, value)
		changed |= strcmp(member, "event") ? !json_equal(value, json_object_get(item, member)) : pair->appeared;
	return changed;
}

static void compare_xen(const struct pair *pair, const struct view *xen, const struct view *before, const struct view *after, json_t *found)
{
	bool whole = before->state == VIEW_WHOLE && after->state == VIEW_WHOLE;
	json_t *item;
	size_t i;

	json_array_foreach(xen->items, i, item) {
		const struct view_spec *spec = spec_of(pair, item);
		char *key = key_text(item, spec->key);
		json_t *was = json_object_get(before->by_key, key), *is = json_object_get(after->by_key, key);

		if (!was && !is && pair->only_xen.finding && whole)
			add_difference(found, pair, ONLY_XEN, spec, item, near(pair, after, item));
		if (was && is && pair->differs.finding && same_members(pair, was, DOM0S, is) && !same_members(pair, item, XENS, is))
			add_difference(found, pair, DIFFERS, spec, item, is);
		if (pair->changed.finding && has_changed(pair, spec, item))
			add_difference(found, pair, CHANGED, spec, item, NULL);
		free(key);
	}
}

static void compare_dom0(const struct pair *pair, const struct view *xen, const struct view *before, const struct view *after, json_t *found)
{
	const char *key;
	json_t *item;

	if (!pair->only_dom0.finding || xen->state != VIEW_WHOLE)
		return;
	json_object_foreach(after->by_key, key, item)
		if (json_object_get(before->by_key, key) && !json_object_get(xen->by_key, key))
			add_difference(found, pair, ONLY_DOM0, &pair->dom0[0], NULL, item);
}

/*
 * Numbers alone, where the items of the two sides have nothing in common by which they could be
 * paired.
 */
static void compare_numbers(const struct pair *pair, const struct view *xen, const struct view *before, const struct view *after, json_t *found)
{
	size_t dom0 = json_array_size(before->items) > json_array_size(after->items) ? json_array_size(before->items) : json_array_size(after->items);
	json_int_t more = (json_int_t)json_array_size(xen->items) - (json_int_t)dom0 - pair->extra;
	char identity[512];

	if (!pair->more.finding || more <= 0 || before->state != VIEW_WHOLE || after->state != VIEW_WHOLE)
		return;
	snprintf(identity, sizeof(identity), "%s/%s", pair->name, pair->more.finding);
	json_object_set_new(found, identity,
			    json_pack("{sis{sIsI}s{sI}}", "rule", (int)MORE, "xen", "number", (json_int_t)json_array_size(xen->items), "more", more, "dom0",
				      "number", (json_int_t)dom0));
}

/* What differs; @after may be @before. */
static json_t *differences(const struct pair *pair, const struct view *xen, const struct view *before, const struct view *after)
{
	json_t *found = json_object();

	compare_xen(pair, xen, before, after, found);
	compare_dom0(pair, xen, before, after, found);
	compare_numbers(pair, xen, before, after, found);
	return found;
}

/* What is wrong with a view.  Whether it can be compared at all. */
static bool usable(struct pair *pair, const struct view *view)
{
	if (view->state == VIEW_WHOLE)
		return true;
	memcpy(pair->note, view->why, sizeof(pair->note));
	pair->failed |= view->state != VIEW_ABSENT;
	return view->state == VIEW_PARTIAL;
}

struct look {
	struct view before, xen, after;
	json_t *found;
};

static void look_free(struct look *look)
{
	view_free(&look->before);
	view_free(&look->xen);
	view_free(&look->after);
	json_decref(look->found);
	memset(look, 0, sizeof(*look));
}

/*
 * Dom0's second view is taken only where there is a difference to be confirmed; in the next look
 * it is the first one, @before, if it has items.  False: it could not be compared.
 */
static bool look_at(struct sources *sources, struct pair *pair, struct look *look, struct view *before)
{
	memset(look, 0, sizeof(*look));
	look->before = *before;
	memset(before, 0, sizeof(*before));
	if (!look->before.items)
		view_dom0(sources, pair, &look->before);
	if (!usable(pair, &look->before))
		return false;
	view_xen(sources, pair, &look->xen);
	if (!usable(pair, &look->xen))
		return false;
	pair->looked++;
	pair->xen_items = json_array_size(look->xen.items);
	pair->dom0_items = json_array_size(look->before.items);
	look->found = differences(pair, &look->xen, &look->before, &look->before);
	if (!json_object_size(look->found))
		return true;
	view_dom0(sources, pair, &look->after);
	if (!usable(pair, &look->after))
		return false;
	json_decref(look->found);
	look->found = differences(pair, &look->xen, &look->before, &look->after);
	return true;
}

/* === Rounds ============================================================= */

/*
 * Half to one and a half times @ms: a pause of always the same length may fall into step with what
 * it should be independent of.
 */
static void pause_about(unsigned int ms)
{
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = 0;
	pause_for((ms / 2 + (ms ? random % ms : 0)) / 1000.0, -1);
}

/* Drops from @pending what is not in @found; how many. */
static size_t keep_common(json_t *pending, const json_t *found)
{
	size_t before = json_object_size(pending);
	const char *identity;
	json_t *difference;
	void *next;

	json_object_foreach_safe(pending, next, identity, difference)
		if (!json_object_get(found, identity))
			json_object_del(pending, identity);
	return before - json_object_size(pending);
}

/* Those that were found before and are not any more. */
static void drop_gone(struct pair *pair, const json_t *pending, bool table)
{
	const char *identity;
	json_t *finding;
	void *next;

	json_object_foreach_safe(pair->findings, next, identity, finding) {
		if (json_object_get(pending, identity))
			continue;
		finding_show(finding, true, table);
		json_object_del(pair->findings, identity);
	}
}

static void raise_new(struct pair *pair, const json_t *pending, const char *since, bool table)
{
	const char *identity;
	json_t *difference;

	json_object_foreach((json_t *)pending, identity, difference) {
		const struct rule *rule = rule_of(pair, json_integer_value(json_object_get(difference, "rule")));
		json_t *finding;

		if (json_object_get(pair->findings, identity))
			continue;
		finding = finding_new(pair, rule, identity, json_object_get(difference, "xen"), json_object_get(difference, "dom0"), since);
		finding_show(finding, false, table);
		json_object_set_new(pair->findings, identity, finding);
	}
}

/*
 * Looks until nothing is left that differed at each look, or there were as many looks as the pair
 * wants.  Where it cannot be compared, what was found before stays.
 */
static void round_of(struct sources *sources, struct pair *pair, bool table)
{
	struct view before = { 0 };
	json_t *pending = NULL;
	struct look look;
	char since[32];
	bool compared;

	pair->looked = 0;
	pair->note[0] = '\0';
	pair->failed = false;
	time_text(since);
	do {
		if (pending)
			pause_about(pair->pause_ms);
		compared = look_at(sources, pair, &look, &before);
		if (compared && !pending)
			pending = json_incref(look.found);
		else if (compared)
			pair->went += keep_common(pending, look.found);
		if (compared && (pair->looked >= pair->looks || !json_object_size(pending))) {
			drop_gone(pair, pending, table);
			raise_new(pair, pending, since, table);
			look_free(&look);
			break;
		}
		before = look.after;
		memset(&look.after, 0, sizeof(look.after));
		look_free(&look);
	} while (compared && !was_interrupted());
	view_free(&before);
	if (!compared)
		pair->looked = 0;
	json_decref(pending);
}

/*
 * A pair that stands in for another is looked at only where that one cannot be, for want of a
 * source.
 */
static bool wanted(const struct pairs *pairs, const struct pair *pair)
{
	for (size_t i = 0; pair->instead_of && i < pairs->count; i++)
		if (!strcmp(pairs->pair[i].name, pair->instead_of))
			return !pairs->pair[i].looked && !pairs->pair[i].failed;
	return true;
}

static void round_of_all(struct sources *sources, struct pairs *pairs, bool table)
{
	for (size_t i = 0; i < pairs->count && !was_interrupted(); i++) {
		struct pair *pair = &pairs->pair[i];

		if (wanted(pairs, pair)) {
			round_of(sources, pair, table);
			continue;
		}
		drop_gone(pair, NULL, table);
		pair->looked = 0;
		pair->note[0] = '\0';
	}
}

/* === Interface ========================================================== */

static int status_of(const struct pairs *pairs, bool found)
{
	bool looked = false, failed = false;

	for (size_t i = 0; i < pairs->count; i++) {
		looked |= pairs->pair[i].looked > 0;
		failed |= pairs->pair[i].failed;
		found |= json_object_size(pairs->pair[i].findings) > 0;
	}
	return found ? EXIT_SAID_ERROR : !looked || failed ? EXIT_NO_SENSOR : EXIT_DONE;
}

int run_compare(const struct options *o)
{
	struct ksense *xen = ksense_new();
	struct sources *sources;
	struct pairs pairs = { 0 };
	bool found = false, first = true;
	int status;

	pairs_read(&pairs, o->pairs);
	/* Without Xen there is nothing to compare with. */
	status = xen && !ksense_open_xen(xen) ? EXIT_DONE : xen ? report_with(xen, "; compare needs the sensor in Xen") : EXIT_NO_SENSOR;
	ksense_free(xen);
	if (status)
		return EXIT_NO_SENSOR;
	sources = sources_open(o);
	if (!sources) {
		fputs("ksense: no memory\n", stderr);
		return EXIT_NO_SENSOR;
	}
	catch_signals();
	do {
		round_of_all(sources, &pairs, o->table);
		/* A later round that was cut short does not speak for the pairs it did not come to. */
		if (first || !was_interrupted())
			status = status_of(&pairs, found);
		found |= status == EXIT_SAID_ERROR;
		/* Who watches wants to know at once what is compared, and what is not. */
		if (first && o->watch && !was_interrupted())
			summary_show(&pairs, o->table);
		first = false;
		if (flush_output(0))
			return EXIT_NO_SENSOR;
	} while (o->watch && pause_for(o->interval_s, -1));
	summary_show(&pairs, o->table);
	sources_close(sources);
	pairs_free(&pairs);
	return flush_output(0) ? EXIT_NO_SENSOR : status;
}
