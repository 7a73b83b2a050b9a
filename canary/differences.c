// SPDX-License-Identifier: MIT
/*
 * differences.c - what differs between Xen's view and two of Dom0's, between which it was taken.
 *
 * What Xen has and Dom0 has not counts only where Dom0 had it neither before nor after; what Dom0
 * has and Xen has not, where Dom0 had it both times; members that differ, where Dom0 said the same
 * both times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "judge.h"

static const struct rule *first_rule(const struct check *check, json_int_t number)
{
	switch (number) {
	case ONLY_XEN:
		return &check->only_xen;
	case ONLY_DOM0:
		return &check->only_dom0;
	case DIFFERS:
		return &check->differs;
	case MORE:
		return &check->more;
	case SENSOR_OFF:
		return &check->off;
	case SENSOR_LOWERED:
		return &check->lowered;
	case SENSOR_RESET:
		return &check->reset;
	case SENSOR_REMOVED:
		return &check->removed;
	case SENSOR_PROBE_RESTARTED:
		return &check->probe_restarted;
	case SENSOR_RESTARTED:
		return &check->restarted;
	case SENSOR_GONE:
		return &check->gone;
	default:
		return &check->changed;
	}
}

/*
 * A difference's number is that of the first rule of its kind, and this much more for each that is
 * not for the item.
 */
#define ALTERNATIVE 64

const struct rule *rule_of(const struct check *check, json_int_t number)
{
	const struct rule *rule = first_rule(check, number % ALTERNATIVE);

	for (; number >= ALTERNATIVE; number -= ALTERNATIVE)
		rule = rule->otherwise;
	return rule;
}

/* Of an item that no rule is for, as it cannot be compared. */
#define ELSEWHERE (-1)

bool is_elsewhere(const json_t *difference)
{
	return json_integer_value(json_object_get(difference, "rule")) == ELSEWHERE;
}

/*
 * @first: what is said of how the item was first.  Where that was too long to be told, nobody
 * knows what has changed: that is the last rule's.
 */
static bool is_for(const struct rule *rule, const json_t *item, const json_t *first)
{
	const char *member;
	json_t *value;

	if (rule->members && json_is_null(first))
		return !rule->otherwise;
	json_object_foreach(rule->members, member, value) {
		json_t *was = json_object_get(first, member);
		bool changed = was && !json_equal(was, json_object_get(item, member));

		if (changed != json_is_true(value))
			return false;
	}
	return meets(item, rule->where);
}

/* The members by which a difference is known to be the same at another look. */
static void known_by(const struct spec *spec, const char *names[2 * KEY_MEMBERS_MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; spec->known_by[i]; i++)
		names[count++] = spec->known_by[i];
	for (size_t i = 0; spec->id[i] && !spec->known_by[0]; i++)
		names[count++] = spec->id[i];
	for (size_t i = 0; spec->same[i] && !spec->known_by[0]; i++)
		names[count++] = spec->same[i];
}

/* @unsettled: why it is no finding yet, a string; or NULL. */
static int add_difference(json_t *found, const struct check *check, enum rule_number number, const struct spec *spec,
			  json_t *xen, json_t *dom0, const json_t *first, json_t *unsettled)
{
	const struct rule *rule = first_rule(check, number);
	json_t *item = xen ? xen : dom0;
	const char *names[2 * KEY_MEMBERS_MAX + 1] = { NULL };
	char *which, *identity;
	int at = (int)number, failed;

	for (; rule && !is_for(rule, item, first); rule = rule->otherwise)
		at += ALTERNATIVE;
	if (!rule)
		return 0;
	known_by(spec, names);
	which = key_text(item, names);
	failed = !which || asprintf(&identity, "%s/%s/%s", check->name, rule->finding, which) < 0;
	if (!failed) {
		failed = json_object_set_new(
			found, identity,
			json_pack("{siso?so?sO*}", "rule", at, "xen", canary_whole(xen), "dom0", canary_whole(dom0),
				  "unsettled", unsettled ? unsettled : rule->unsettled));
		free(identity);
	}
	free(which);
	return failed ? -1 : 0;
}

enum { XENS, DOM0S };

/*
 * Whether @item, which has the check's members by the names that @side has for them, says the same
 * of them as @dom0.
 */
static bool same_members(const struct check *check, const json_t *item, int side, const json_t *dom0)
{
	for (unsigned int i = 0; i < check->members_count; i++)
		if (!json_equal(json_object_get(item, check->members[i][side]),
				json_object_get(dom0, check->members[i][DOM0S])))
			return false;
	return true;
}

/* What Dom0 has in the place of one of Xen's items; NULL: nothing, or it cannot be told. */
static json_t *near(const struct check *check, const struct view *dom0, const json_t *xen)
{
	json_t *found;
	char *wanted;

	if (!check->near[0])
		return NULL;
	wanted = key_text(xen, check->near);
	found = wanted ? json_object_get(dom0->near, wanted) : NULL;
	free(wanted);
	return found;
}

/*
 * Whether the item is not as it was first: the sensor says so itself by "first", whoever took the
 * records; or by what its records told us.  One that was put back is as it was.  *@first: what is
 * said of it.
 */
static int has_changed(const struct check *check, const struct spec *spec, const json_t *item, const json_t **first)
{
	char *key = first_key(spec, item);
	json_t *was, *value, *own = json_object_get(item, "first");
	bool changed = own;
	const char *member;

	if (!key)
		return -1;
	was = json_object_get(check->first, key);
	*first = own ? own : was;
	free(key);
	json_object_foreach(was, member, value)
		changed |=
			strcmp(member, "event") ? !json_equal(value, json_object_get(item, member)) : check->appeared;
	return changed;
}

const char *unsettled_words(const json_t *difference)
{
	return json_string_value(json_object_get(difference, "unsettled"));
}

struct views {
	const struct check *check;
	const struct view *xen, *before, *after;
};

/*
 * 1: the item is from where Dom0 had nothing, neither before nor after, which is noted.  -1: no
 * memory.
 */
static int note_elsewhere(const struct views *v, json_t *item, json_t *found)
{
	char *place = v->check->among[0] ? match_text(item, v->check->among) : NULL, *identity;
	int failed;
	bool known;

	if (!place)
		return v->check->among[0] ? -1 : 0;
	known = json_object_get(v->before->places, place) || json_object_get(v->after->places, place);
	failed = known || asprintf(&identity, "%s/elsewhere/%s", v->check->name, place) < 0;
	free(place);
	if (failed)
		return known ? 0 : -1;
	failed = json_object_set_new(found, identity,
				     json_pack("{siso?}", "rule", ELSEWHERE, "xen", canary_whole(item)));
	free(identity);
	return failed ? -1 : 1;
}

/* How many of @items have this key; -1: no memory. */
static int count_with(const json_t *items, const char *const *names, const char *key)
{
	json_t *item;
	int count = 0;
	size_t i;

	json_array_foreach((json_t *)items, i, item) {
		char *text = match_text(item, names);

		if (!text)
			return -1;
		count += !strcmp(text, key);
		free(text);
	}
	return count;
}

/*
 * 1: another item of Xen's has the same key, is the one that Dom0 answers for, and Dom0 has fewer
 * of them, before and after.  -1: no memory.
 */
static int is_one_too_many(const struct views *v, const json_t *item, const char *key)
{
	const struct check *check = v->check;
	int xen, before, after;

	if (!check->one_each || json_object_get(v->xen->by_key, key) == item)
		return 0;
	xen = count_with(v->xen->items, check->xen[0].key, key);
	before = count_with(v->before->items, check->dom0[0].key, key);
	after = count_with(v->after->items, check->dom0[0].key, key);
	return xen < 0 || before < 0 || after < 0 ? -1 : before < xen && after < xen;
}

static int compare_item(const struct views *v, json_t *item, json_t *found)
{
	const struct check *check = v->check;
	const struct spec *spec = spec_of(check, item);
	const json_t *first = NULL;
	json_t *was, *is, *unsettled;
	int changed = check->changed.finding ? has_changed(check, spec, item, &first) : 0, failed = 0, too_many;
	char *key = match_text(item, spec->key);

	too_many = key ? is_one_too_many(v, item, key) : -1;
	if (too_many < 0 || changed < 0) {
		free(key);
		return -1;
	}
	was = too_many ? NULL : json_object_get(v->before->by_key, key);
	is = too_many ? NULL : json_object_get(v->after->by_key, key);
	unsettled = json_object_get(v->after->unsettled, key);
	if (!unsettled)
		unsettled = json_object_get(v->before->unsettled, key);
	free(key);
	if (!was && !is)
		failed = note_elsewhere(v, item, found);
	if (failed)
		return failed < 0 ? -1 : 0;
	if (!was && !is && check->only_xen.finding && v->before->state == VIEW_WHOLE && v->after->state == VIEW_WHOLE)
		failed |= add_difference(found, check, ONLY_XEN, spec, item, near(check, v->after, item), NULL,
					 unsettled);
	if (was && is && check->differs.finding && same_members(check, was, DOM0S, is) &&
	    !same_members(check, item, XENS, is))
		failed |= add_difference(found, check, DIFFERS, spec, item, is, NULL, NULL);
	if (changed)
		failed |= add_difference(found, check, CHANGED, spec, item, NULL, first, NULL);
	return failed;
}

static int compare_xen(const struct views *v, json_t *found)
{
	json_t *item;
	size_t i;

	json_array_foreach(v->xen->items, i, item)
		if (compare_item(v, item, found))
			return -1;
	return 0;
}

static int compare_dom0(const struct views *v, json_t *found)
{
	const char *key;
	json_t *item;

	if (!v->check->only_dom0.finding || v->xen->state != VIEW_WHOLE)
		return 0;
	json_object_foreach(v->after->by_key, key, item)
		if (json_object_get(v->before->by_key, key) && !json_object_get(v->xen->by_key, key) &&
		    add_difference(found, v->check, ONLY_DOM0, &v->check->dom0[0], NULL, item, NULL, NULL))
			return -1;
	return 0;
}

/*
 * Numbers alone, where the items of the two sides have nothing in common by which they could be
 * matched.
 */
static int compare_numbers(const struct views *v, json_t *found)
{
	const struct check *check = v->check;
	json_int_t xen = (json_int_t)json_array_size(v->xen->items),
		   dom0 = (json_int_t)json_array_size(v->before->items);
	json_int_t after = (json_int_t)json_array_size(v->after->items), more;
	char *identity;
	int failed;

	if (after > dom0)
		dom0 = after;
	more = xen - dom0 - check->extra;
	if (!check->more.finding || more <= 0 || v->before->state != VIEW_WHOLE || v->after->state != VIEW_WHOLE)
		return 0;
	if (asprintf(&identity, "%s/%s", check->name, check->more.finding) < 0)
		return -1;
	failed = json_object_set_new(found, identity,
				     json_pack("{sis{sIsI}s{sI}}", "rule", (int)MORE, "xen", "number", xen, "more",
					       more, "dom0", "number", dom0));
	free(identity);
	return failed;
}

json_t *differences(const struct check *check, const struct view *xen, const struct view *before,
		    const struct view *after)
{
	struct views v = { check, xen, before, after };
	json_t *found = json_object();

	if (found && !compare_xen(&v, found) && !compare_dom0(&v, found) && !compare_numbers(&v, found))
		return found;
	json_decref(found);
	return NULL;
}
