// SPDX-License-Identifier: MIT
/*
 * known.c - whether there is what a check names.  By a kind that no record is of, or a member that
 * none has, it would agree for ever, with nothing seen.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "judge.h"

/* canary/records.json, put into the program by the linker: {probe: {kind: {member: words}}}. */
extern const char table[] __asm__("_binary_records_json_start");
extern const char table_end[] __asm__("_binary_records_json_end");

/* What may be named of some items. */
struct known {
	json_t *members;        /* what they have, each with the words that it can be, or null */
	bool all;               /* of some there is no list: whatever is named may be there */
	char *error;
	size_t size;
};

/* === Errors ============================================================= */

__attribute__((format(printf, 3, 4)))
static void append(char *error, size_t size, const char *format, ...)
{
	size_t at = strlen(error);
	va_list args;

	va_start(args, format);
	vsnprintf(error + at, size - at, format, args);
	va_end(args);
}

static void append_names(char *error, size_t size, json_t *names)
{
	const char *before = "";
	const char *name;
	json_t *value;

	json_object_foreach(names, name, value) {
		append(error, size, "%s%s", before, name);
		before = ", ";
	}
}

static void append_words(char *error, size_t size, const json_t *words)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
		append(error, size, "%s%s", i ? ", " : "", json_string_value(word));
}

/* === Names ============================================================== */

static bool is_known(const struct known *k, const char *what, const char *name)
{
	if (k->all || json_object_get(k->members, name))
		return true;
	append(k->error, k->size, "%s: no such record has a member \"%s\"; there are ", what, name);
	append_names(k->error, k->size, k->members);
	return false;
}

static bool are_known(const struct known *k, const char *what, const char *const *names)
{
	for (; *names; names++)
		if (!is_known(k, what, *names))
			return false;
	return true;
}

/* What may be is a string that is none of @words, an array. */
static bool is_word(const json_t *words, const json_t *value)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
		if (json_equal(word, (json_t *)value))
			return true;
	return !json_is_string(value);
}

static bool is_possible(const struct known *k, const char *what, const char *name, json_t *value)
{
	const json_t *words = json_object_get(k->members, name);
	json_t *not = json_object_get(value, "not"), *one;
	size_t i;

	if (not)
		value = not;
	if (!json_is_array(words))
		return true;
	for (i = 0; i < (json_is_array(value) ? json_array_size(value) : 1); i++) {
		one = json_is_array(value) ? json_array_get(value, i) : value;
		if (is_word(words, one))
			continue;
		append(k->error, k->size, "%s: \"%s\" is never \"%s\"; it is one of ", what, name,
		       json_string_value(one));
		append_words(k->error, k->size, words);
		return false;
	}
	return true;
}

static bool is_where_known(const struct known *k, const char *what, json_t *where)
{
	const char *name;
	json_t *value;

	json_object_foreach(where, name, value)
		if (!is_known(k, what, name) || (!k->all && !is_possible(k, what, name, value)))
			return false;
	return true;
}

/* Of a rule, and of those behind it. */
static bool is_rule_known(const struct known *k, const char *what, const struct rule *rule)
{
	for (; rule; rule = rule->otherwise)
		if (!is_where_known(k, what, rule->where) || !is_where_known(k, what, rule->members))
			return false;
	return true;
}

/* === Records ============================================================ */

/* Adds the members of one kind; what is one of some words in one kind alone may be anything. */
static bool add_kind(struct known *k, json_t *kind)
{
	const char *name;
	json_t *words;

	json_object_foreach(kind, name, words) {
		json_t *there = json_object_get(k->members, name);

		if (there && json_equal(there, words))
			continue;
		if (json_object_set(k->members, name, there ? json_null() : words))
			return false;
	}
	return true;
}

/* Adds what the records of a view have; of another source, and of a probe that is new, no list. */
static bool add_view(struct known *k, json_t *probes, const char *what, const struct spec *spec)
{
	json_t *kinds = spec->probe ? json_object_get(probes, spec->probe) : NULL, *kind;

	if (!json_is_object(kinds)) {
		k->all = true;
		return true;
	}
	kind = json_object_get(kinds, spec->kind);
	if (kind)
		return add_kind(k, kind);
	append(k->error, k->size, "%s: %s has no records of the kind \"%s\"; there are ", what, spec->probe,
	       spec->kind);
	append_names(k->error, k->size, kinds);
	return false;
}

/* A condition is on a record of the probe's, of whichever kind it names. */
static bool is_condition_known(const struct known *of, json_t *probes, const char *what, const struct check *check,
			       json_t *where)
{
	struct known k = { .members = json_object(), .error = of->error, .size = of->size };
	struct spec spec = { .probe = check->xen[0].probe, .kind = json_string_value(json_object_get(where, "kind")) };
	json_t *kinds = json_object_get(probes, spec.probe), *kind;
	bool is = k.members != NULL;
	const char *name;

	if (is && spec.kind)
		is = add_view(&k, probes, what, &spec);
	else
		json_object_foreach(kinds, name, kind)
			is = is && add_kind(&k, kind);
	k.all |= !json_is_object(kinds);
	is = is && is_where_known(&k, what, where);
	json_decref(k.members);
	return is;
}

/* One view's own names; what its records have is added to @side. */
static bool is_view_known(struct known *side, json_t *probes, const char *what, const struct spec *spec)
{
	struct known k = { .members = json_object(), .error = side->error, .size = side->size };
	bool is = k.members && add_view(&k, probes, what, spec) && are_known(&k, what, spec->key) &&
		  are_known(&k, what, spec->id) && are_known(&k, what, spec->same) &&
		  are_known(&k, what, spec->known_by) && is_where_known(&k, what, spec->where);

	json_decref(k.members);
	return is && add_view(side, probes, what, spec);
}

/* The names in the rules: @xen has what Xen's items have, @dom0 what Dom0's have. */
static bool are_rules_known(const struct known *xen, const struct known *dom0, const struct check *check)
{
	for (unsigned int i = 0; i < check->members_count; i++)
		if (!is_known(xen, "\"differs\"", check->members[i][0]) ||
		    !is_known(dom0, "\"differs\"", check->members[i][1]))
			return false;
	return are_known(xen, "\"among\"", check->among) && are_known(xen, "\"near\"", check->near) &&
	       is_rule_known(xen, "\"only_xen\"", &check->only_xen) &&
	       is_rule_known(dom0, "\"only_dom0\"", &check->only_dom0) &&
	       is_rule_known(xen, "\"differs\"", &check->differs) &&
	       is_rule_known(xen, "\"changed\"", &check->changed);
}

static bool is_check_known(struct known *xen, struct known *dom0, json_t *probes, const struct check *check)
{
	for (unsigned int i = 0; i < check->xen_count; i++)
		if (!is_view_known(xen, probes, "\"xen\"", &check->xen[i]))
			return false;
	for (unsigned int i = 0; i < check->dom0_count; i++)
		if (!is_view_known(dom0, probes, "a view of \"dom0\"", &check->dom0[i]))
			return false;
	for (unsigned int i = 0; i < check->not_here_count; i++)
		if (!is_where_known(xen, "\"not_here\"", check->not_here[i].unless))
			return false;
	for (unsigned int i = 0; i < check->only_if_count; i++)
		if (!is_condition_known(xen, probes, "\"only_if\"", check, check->only_if[i].where))
			return false;
	return are_rules_known(xen, dom0, check) &&
	       is_condition_known(xen, probes, "\"waits\"", check, check->waits.where);
}

/* === Interface ========================================================== */

json_t *canary_records(void)
{
	return json_loadb(table, (size_t)(table_end - table), 0, NULL);
}

bool check_is_known(json_t *probes, const struct check *check, char *error, size_t size)
{
	struct known xen = { .members = json_object(), .error = error, .size = size };
	struct known dom0 = { .members = json_object(), .error = error, .size = size };
	bool is;

	*error = '\0';
	is = xen.members && dom0.members && is_check_known(&xen, &dom0, probes, check);
	if (!is)
		errno = *error ? EINVAL : ENOMEM;
	json_decref(xen.members);
	json_decref(dom0.members);
	return is;
}
