// SPDX-License-Identifier: MIT
/*
 * pairs.c - which of Xen's items have to be the same as which of Dom0's: read from JSON, checked,
 * and kept.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* cli/pairs.json, put into the program by the linker. */
extern const char built_in[] __asm__("_binary_pairs_json_start");
extern const char built_in_end[] __asm__("_binary_pairs_json_end");

#define LOOKS_MAX 1000
#define PAUSE_MS_MAX 60000

/* === Errors ============================================================= */

static const char *file;        /* that is read */
static const char *at;          /* the pair's name */

__attribute__((format(printf, 1, 2)))
static _Noreturn void wrong(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "ksense: %s", file);
	if (at)
		fprintf(stderr, ": pair \"%s\"", at);
	fputs(": ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nksense: the form of such a file is in ksense-pairs(5)\n", stderr);
	exit(EXIT_USAGE);
}

/* === Members ============================================================ */

/* That @object has no members but these, so that a typing error is not a rule that never holds. */
static void only_members(const json_t *object, const char *what, const char *const *names)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		wrong("%s is no object", what);
	json_object_foreach((json_t *)object, name, value) {
		const char *const *known = names;

		(void)value;
		while (*known && strcmp(*known, name))
			known++;
		if (!*known)
			wrong("%s has a member \"%s\", which is not known", what, name);
	}
}

static const char *text(const json_t *object, const char *what, const char *name, bool needed)
{
	const json_t *value = json_object_get(object, name);

	if (!value && !needed)
		return NULL;
	if (!json_is_string(value) || !json_string_length(value))
		wrong("%s needs \"%s\", a string", what, name);
	return json_string_value(value);
}

static json_int_t number(const json_t *object, const char *name, json_int_t usual, json_int_t min, json_int_t max)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return usual;
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		wrong("\"%s\" is a whole number from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT, name, min, max);
	return json_integer_value(value);
}

/* An array of names of members; false if there is none. */
static bool names(const json_t *object, const char *what, const char *name, const char *out[KEY_MEMBERS_MAX + 1])
{
	const json_t *array = json_object_get(object, name), *value;
	size_t i;

	if (!array)
		return false;
	if (!json_array_size(array) || json_array_size(array) > KEY_MEMBERS_MAX)
		wrong("\"%s\" of %s is an array of 1 to %d names of members", name, what, KEY_MEMBERS_MAX);
	json_array_foreach(array, i, value) {
		if (!json_is_string(value))
			wrong("\"%s\" of %s is an array of names", name, what);
		out[i] = json_string_value(value);
	}
	return true;
}

static json_t *conditions(json_t *object, const char *what, const char *name)
{
	json_t *where = json_object_get(object, name), *value;
	const char *member;

	if (where && !json_is_object(where))
		wrong("\"%s\" of %s is an object", name, what);
	json_object_foreach(where, member, value) {
		if (json_is_array(value) || json_is_null(value) ||
		    (json_is_object(value) && (json_object_size(value) != 1 || !json_object_get(value, "not"))))
			wrong("\"%s\" of %s: \"%s\" needs a value, or {\"not\": value}", name, what, member);
	}
	return where;
}

/* === A pair ============================================================= */

static void read_spec(json_t *json, const char *what, bool is_xen, struct view_spec *spec)
{
	static const char *const known[] = { "source", "probe", "kind", "key", "id", "same", "where", NULL };
	static const char *const of_dom0[] = { "module", "toolstack", "xenstore", "proc", "kallsyms", NULL };
	const char *const *source = of_dom0;

	only_members(json, what, known);
	spec->source = text(json, what, "source", !is_xen);
	if (is_xen && !spec->source)
		spec->source = "xen";
	if (is_xen && strcmp(spec->source, "xen") && strcmp(spec->source, "module"))
		wrong("%s has a source \"%s\"; there are xen and module", what, spec->source);
	while (!is_xen && *source && strcmp(*source, spec->source))
		source++;
	if (!*source)
		wrong("%s has a source \"%s\"; there are module, toolstack, xenstore, proc, kallsyms", what, spec->source);
	if (is_xen || !strcmp(spec->source, "module")) {
		spec->probe = text(json, what, "probe", true);
		spec->kind = text(json, what, "kind", true);
	} else if (json_object_get(json, "probe") || json_object_get(json, "kind")) {
		wrong("%s: \"probe\" and \"kind\" are for sensors", what);
	}
	if (!names(json, what, "key", spec->key))
		wrong("%s needs \"key\", an array of names of members", what);
	if (!names(json, what, "id", spec->id))
		memcpy(spec->id, spec->key, sizeof(spec->id));
	names(json, what, "same", spec->same);
	spec->where = conditions(json, what, "where");
}

static bool read_rule(const json_t *pair, const char *name, struct rule *rule)
{
	static const char *const known[] = { "finding", "severity", "what", "why", "next", "members", "extra", "appeared", NULL };
	static const char *const severities[] = { "critical", "high", "medium", "low", NULL };
	const json_t *json = json_object_get(pair, name);
	const char *const *severity = severities;

	if (!json)
		return false;
	only_members(json, name, known);
	*rule = (struct rule){
		.finding = text(json, name, "finding", true),
		.severity = text(json, name, "severity", true),
		.what = text(json, name, "what", true),
		.why = text(json, name, "why", true),
		.next = text(json, name, "next", true),
	};
	while (*severity && strcmp(*severity, rule->severity))
		severity++;
	if (!*severity)
		wrong("%s: a severity is critical, high, medium or low, not \"%s\"", name, rule->severity);
	return true;
}

static void read_differs(struct pair *pair, json_t *json)
{
	json_t *members = json_object_get(json_object_get(json, "differs"), "members"), *value;
	const char *name;

	if (!read_rule(json, "differs", &pair->differs))
		return;
	if (!json_object_size(members) || json_object_size(members) > MEMBERS_MAX)
		wrong("\"differs\" needs \"members\": an object of 1 to %d of Xen's members and of Dom0's", MEMBERS_MAX);
	json_object_foreach(members, name, value) {
		if (!json_is_string(value))
			wrong("\"members\" has the names of Dom0's members as strings");
		pair->members[pair->members_count][0] = name;
		pair->members[pair->members_count++][1] = json_string_value(value);
	}
}

static void read_pair(struct pair *pair, json_t *json)
{
	static const char *const known[] = { "pair", "instead_of", "only_if", "xen", "dom0", "near", "looks", "pause_ms", "only_xen", "only_dom0",
					     "differs", "more", "changed", NULL };
	json_t *xen = json_object_get(json, "xen"), *dom0, *spec;
	size_t i;

	pair->name = text(json, "a pair", "pair", true);
	at = pair->name;
	only_members(json, "it", known);
	pair->instead_of = text(json, "it", "instead_of", false);
	pair->only_if = conditions(json, "it", "only_if");
	pair->looks = (unsigned int)number(json, "looks", 3, 1, LOOKS_MAX);
	pair->pause_ms = (unsigned int)number(json, "pause_ms", 100, 0, PAUSE_MS_MAX);
	if (json_is_array(xen) && (!json_array_size(xen) || json_array_size(xen) > SPECS_MAX))
		wrong("\"xen\" is a view, or an array of 1 to %d", SPECS_MAX);
	for (i = 0; i < (json_is_array(xen) ? json_array_size(xen) : 1); i++) {
		read_spec(json_is_array(xen) ? json_array_get(xen, i) : xen, "\"xen\"", true, &pair->xen[i]);
		if (strcmp(pair->xen[i].probe, pair->xen[0].probe) || strcmp(pair->xen[i].source, pair->xen[0].source))
			wrong("all views of \"xen\" are of one probe");
		pair->xen_count++;
	}
	dom0 = json_object_get(json, "dom0");
	if (!json_is_array(dom0) || json_array_size(dom0) > SPECS_MAX)
		wrong("it needs \"dom0\", an array of at most %d views", SPECS_MAX);
	json_array_foreach(dom0, i, spec)
		read_spec(spec, "a view of \"dom0\"", false, &pair->dom0[pair->dom0_count++]);
	names(json, "it", "near", pair->near);
	read_rule(json, "only_xen", &pair->only_xen);
	read_rule(json, "only_dom0", &pair->only_dom0);
	read_differs(pair, json);
	if (read_rule(json, "more", &pair->more))
		pair->extra = number(json_object_get(json, "more"), "extra", 0, 0, 1000000);
	if (read_rule(json, "changed", &pair->changed))
		pair->appeared = json_is_true(json_object_get(json_object_get(json, "changed"), "appeared"));
	if (!pair->only_xen.finding && !pair->only_dom0.finding && !pair->differs.finding && !pair->more.finding && !pair->changed.finding)
		wrong("it needs one of \"only_xen\", \"only_dom0\", \"differs\", \"more\", \"changed\": what a difference means");
	at = NULL;
}

static void check_names(const struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->pair[i];
		bool there = !pair->instead_of;

		at = pair->name;
		for (size_t j = 0; j < pairs->count; j++) {
			if (j < i && !strcmp(pairs->pair[j].name, pair->name))
				wrong("there are two by this name");
			there |= j < i && pair->instead_of && !strcmp(pairs->pair[j].name, pair->instead_of);
		}
		if (!there)
			wrong("\"instead_of\": there is no pair \"%s\" before it", pair->instead_of);
	}
	at = NULL;
}

/* === Interface ========================================================== */

void pairs_read(struct pairs *pairs, const char *path)
{
	json_error_t error;
	json_t *list, *pair;
	size_t i;

	file = path ? path : "the built-in pairs";
	if (path)
		pairs->json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	else
		pairs->json = json_loadb(built_in, (size_t)(built_in_end - built_in), JSON_REJECT_DUPLICATES, &error);
	if (!pairs->json && error.line > 0)
		wrong("line %d: %s", error.line, error.text);
	if (!pairs->json)
		wrong("%s", error.text);
	list = json_object_get(pairs->json, "pairs");
	if (!json_is_array(list))
		wrong("it is to be an object with \"pairs\", an array");
	if (!json_array_size(list))
		wrong("\"pairs\" is empty: there is nothing to compare");
	pairs->pair = calloc(json_array_size(list), sizeof(*pairs->pair));
	if (!pairs->pair)
		wrong("no memory");
	json_array_foreach(list, i, pair) {
		read_pair(&pairs->pair[i], pair);
		pairs->pair[i].findings = json_object();
		pairs->pair[i].first = json_object();
		pairs->count++;
	}
	check_names(pairs);
}

void pairs_free(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		json_decref(pairs->pair[i].findings);
		json_decref(pairs->pair[i].first);
	}
	free(pairs->pair);
	json_decref(pairs->json);
}
