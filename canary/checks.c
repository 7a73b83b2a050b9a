// SPDX-License-Identifier: MIT
/*
 * checks.c - which of Xen's items have to be the same as which of Dom0's: read from JSON, checked,
 * and kept.  What is wrong with a file is told as text, the first thing that is.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define LOOKS_MAX 1000
#define PAUSE_MS_MAX 60000
#define PASSES_MAX 8

/* === Errors ============================================================= */

struct reader {
	const char *file;       /* that is read */
	const char *at;         /* the check's name; or NULL */
	char *error;
	size_t size;
};

/* Always false, for whoever says so as well. */
__attribute__((format(printf, 2, 3)))
static bool wrong(struct reader *r, const char *format, ...)
{
	int at = snprintf(r->error, r->size, "%s%s%s%s: ", r->file, r->at ? ": check \"" : "", r->at ? r->at : "",
			  r->at ? "\"" : "");
	va_list args;

	errno = EINVAL;
	va_start(args, format);
	if (at >= 0 && (size_t)at < r->size)
		vsnprintf(r->error + at, r->size - (size_t)at, format, args);
	va_end(args);
	return false;
}

/* === Members ============================================================ */

/* That @object has no members but these, so that a typing error is not a rule that never holds. */
static bool only_members(struct reader *r, const json_t *object, const char *what, const char *const *names)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return wrong(r, "%s is no object", what);
	json_object_foreach((json_t *)object, name, value) {
		const char *const *known = names;

		(void)value;
		while (*known && strcmp(*known, name))
			known++;
		if (!*known)
			return wrong(r, "%s has a member \"%s\", which is not known", what, name);
	}
	return true;
}

static bool text(struct reader *r, const json_t *object, const char *what, const char *name, bool needed,
		 const char **out)
{
	const json_t *value = json_object_get(object, name);

	*out = NULL;
	if (!value && !needed)
		return true;
	if (!json_is_string(value) || !json_string_length(value))
		return wrong(r, "%s needs \"%s\", a string", what, name);
	*out = json_string_value(value);
	return true;
}

/* *@out is what counts where there is none. */
static bool number(struct reader *r, const json_t *object, const char *name, json_int_t min, json_int_t max,
		   json_int_t *out)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return wrong(r, "\"%s\" is a whole number from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT,
			     name, min, max);
	*out = json_integer_value(value);
	return true;
}

static bool boolean(struct reader *r, const json_t *object, const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return !value || json_is_boolean(value) || wrong(r, "\"%s\" is true or false", name);
}

/* An array of names of members, if there is one. */
static bool names(struct reader *r, const json_t *object, const char *what, const char *name,
		  const char *out[KEY_MEMBERS_MAX + 1])
{
	const json_t *array = json_object_get(object, name), *value;
	size_t i;

	if (!array)
		return true;
	if (!json_array_size(array) || json_array_size(array) > KEY_MEMBERS_MAX)
		return wrong(r, "\"%s\" of %s is an array of 1 to %d names of members", name, what, KEY_MEMBERS_MAX);
	json_array_foreach(array, i, value) {
		if (!json_is_string(value))
			return wrong(r, "\"%s\" of %s is an array of names", name, what);
		out[i] = json_string_value(value);
	}
	return true;
}

/* One that a record's member can have, or an array of such. */
static bool is_value(const json_t *value)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(value))
		return !json_is_object(value);
	json_array_foreach(value, i, one)
		if (json_is_array(one) || json_is_object(one))
			return false;
	return json_array_size(value);
}

static bool conditions(struct reader *r, json_t *object, const char *what, const char *name, json_t **out)
{
	json_t *where = json_object_get(object, name), *value;
	const char *member;

	if (where && !json_is_object(where))
		return wrong(r, "\"%s\" of %s is an object", name, what);
	json_object_foreach(where, member, value) {
		json_t *not = json_object_get(value, "not");

		if (json_is_object(value) && (json_object_size(value) != 1 || !not))
			return wrong(r, "\"%s\" of %s: \"%s\" needs a value, or {\"not\": value}", name, what, member);
		if (!is_value(not ? not : value))
			return wrong(r,
				     "\"%s\" of %s: \"%s\" needs a string, a number, true, false or null, or an array "
				     "of such",
				     name, what, member);
	}
	*out = where;
	return true;
}

/* === A check ============================================================ */

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

const char *const check_severities[] = { "critical", "high", "medium", "low", "notice", NULL };

static const char *const of_xen[] = { "xen", "module", NULL };
static const char *const of_dom0[] = {
	"module", "toolstack", "xenstore", "proc", "kallsyms", "proc-modules", "sys-module", "proc-net",
	"sock-diag", NULL,
};

static bool read_source(struct reader *r, json_t *json, const char *what, bool is_xen, struct spec *spec)
{
	if (!text(r, json, what, "source", !is_xen, &spec->source))
		return false;
	if (!spec->source)
		spec->source = "xen";
	if (is_xen && !is_one_of(spec->source, of_xen))
		return wrong(r, "%s has a source \"%s\"; there are xen and module", what, spec->source);
	if (!is_xen && !is_one_of(spec->source, of_dom0))
		return wrong(r,
			     "%s has a source \"%s\"; there are module, toolstack, xenstore, proc, kallsyms, "
			     "proc-modules, sys-module, "
			     "proc-net, sock-diag",
			     what, spec->source);
	if (is_one_of(spec->source, of_xen))
		return text(r, json, what, "probe", true, &spec->probe) &&
		       text(r, json, what, "kind", true, &spec->kind);
	if (json_object_get(json, "probe") || json_object_get(json, "kind") || json_object_get(json, "passes"))
		return wrong(r, "%s: \"probe\", \"kind\" and \"passes\" are for sensors", what);
	return true;
}

static bool read_spec(struct reader *r, json_t *json, const char *what, bool is_xen, struct spec *spec)
{
	static const char *const known[] = {
		"source", "probe", "kind", "key", "id", "same", "known_by", "where", "passes", "pass_pause_ms",
		"unsettled", NULL,
	};
	json_int_t passes = 1, pause_ms = 100;

	if (!only_members(r, json, what, known) || !read_source(r, json, what, is_xen, spec))
		return false;
	if (!json_object_get(json, "key"))
		return wrong(r, "%s needs \"key\", an array of names of members", what);
	if (!names(r, json, what, "key", spec->key) || !text(r, json, what, "unsettled", false, &spec->unsettled))
		return false;
	if (spec->unsettled && (is_xen || !is_one_of(spec->source, of_xen)))
		return wrong(r, "%s: \"unsettled\" is for a sensor's view of \"dom0\"", what);
	memcpy(spec->id, spec->key, sizeof(spec->id));
	if (json_object_get(json, "id"))
		memset(spec->id, 0, sizeof(spec->id));
	if (!names(r, json, what, "id", spec->id) || !names(r, json, what, "same", spec->same) ||
	    !names(r, json, what, "known_by", spec->known_by) ||
	    !conditions(r, json, what, "where", &spec->where) || !number(r, json, "passes", 1, PASSES_MAX, &passes) ||
	    !number(r, json, "pass_pause_ms", 0, PAUSE_MS_MAX, &pause_ms))
		return false;
	spec->passes = (unsigned int)passes;
	spec->pass_pause_ms = (unsigned int)pause_ms;
	return true;
}

/* "member", or "member/N". */
static bool is_deed_member(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *end;

	return *name && *name != '/' && (!slash || (strtoull(slash + 1, &end, 0) && !*end && slash[1] != '-'));
}

/* Which deed it is. */
static bool read_deed_of(struct reader *r, const json_t *json, const char *name, struct rule *rule)
{
	json_t *members;
	const char *what;

	rule->deed = json_object_get(json, "deed");
	if (rule->deed && !json_object_size(rule->deed))
		return wrong(r, "\"deed\" of %s is an object: what, and by which members it is known", name);
	json_object_foreach(rule->deed, what, members) {
		const char *known[KEY_MEMBERS_MAX + 1] = { NULL };

		if (!json_is_array(members) || !names(r, rule->deed, "\"deed\"", what, known))
			return wrong(r, "\"deed\" of %s: \"%s\" is an array of 1 to %d names of members", name, what,
				     KEY_MEMBERS_MAX);
		for (size_t i = 0; known[i]; i++)
			if (!is_deed_member(known[i]))
				return wrong(r,
					     "\"deed\" of %s: \"%s\" is a member, or one divided by a number above 0, "
					     "as \"address/0x1000\"", name, known[i]);
	}
	return true;
}

static bool read_one_rule(struct reader *r, json_t *json, const char *name, struct rule *rule)
{
	static const char *const known[] = { "finding", "severity", "what", "why", "next", "deed", "where",
					     "members", "extra", "appeared", "unsettled", NULL };
	const char *unsettled;

	if (!only_members(r, json, name, known) || !text(r, json, name, "finding", true, &rule->finding) ||
	    !text(r, json, name, "severity", true, &rule->severity) ||
	    !text(r, json, name, "what", true, &rule->what) || !text(r, json, name, "why", true, &rule->why) ||
	    !text(r, json, name, "next", true, &rule->next) ||
	    !text(r, json, name, "unsettled", false, &unsettled))
		return false;
	rule->unsettled = json_object_get(json, "unsettled");
	if (!is_one_of(rule->severity, check_severities))
		return wrong(r, "%s: a severity is critical, high, medium, low or notice, not \"%s\"", name,
			     rule->severity);
	if (!read_deed_of(r, json, name, rule))
		return false;
	return conditions(r, json, name, "where", &rule->where);
}

/* If there is one, or an array of such, of which the first counts that is for an item. */
static bool read_rule(struct reader *r, struct check *check, json_t *json, const char *name, struct rule *rule)
{
	json_t *rules = json_object_get(json, name), *one;
	struct rule *next;
	size_t i;

	if (!rules)
		return true;
	if (!json_is_array(rules))
		return read_one_rule(r, rules, name, rule);
	if (!json_array_size(rules) || json_array_size(rules) > ALTERNATIVES_MAX + 1 - check->alternatives_count)
		return wrong(r, "\"%s\" is a rule, or an array of some, of which a check has up to %d behind another",
			     name, ALTERNATIVES_MAX);
	json_array_foreach(rules, i, one) {
		next = i ? &check->alternatives[check->alternatives_count++] : rule;
		if (!read_one_rule(r, one, name, next))
			return false;
		if (i)
			rule->otherwise = next;
		rule = next;
	}
	return true;
}

/* Which members have changed, and which have not. */
static bool read_changed(struct reader *r, struct check *check, json_t *json)
{
	json_t *rules = json_object_get(json, "changed"), *value;
	struct rule *rule = &check->changed;
	const char *member;

	if (!read_rule(r, check, json, "changed", rule))
		return false;
	for (size_t i = 0; rules && rule; rule = rule->otherwise, i++) {
		json_t *one = json_is_array(rules) ? json_array_get(rules, i) : rules;

		check->appeared |= json_is_true(json_object_get(one, "appeared"));
		rule->members = json_object_get(one, "members");
		if (rule->members && !json_is_object(rule->members))
			return wrong(r, "\"members\" of \"changed\" is an object");
		json_object_foreach(rule->members, member, value)
			if (!json_is_boolean(value))
				return wrong(r,
					     "\"members\" of \"changed\": \"%s\" is true, it has changed, or false, "
					     "it has not",
					     member);
	}
	return true;
}

static bool read_differs(struct reader *r, struct check *check, json_t *json)
{
	json_t *members = json_object_get(json_object_get(json, "differs"), "members"), *value;
	const char *name;

	if (!read_rule(r, check, json, "differs", &check->differs))
		return false;
	if (!check->differs.finding)
		return true;
	if (!json_object_size(members) || json_object_size(members) > MEMBERS_MAX)
		return wrong(r, "\"differs\" needs \"members\": an object of 1 to %d of Xen's members and of Dom0's",
			     MEMBERS_MAX);
	json_object_foreach(members, name, value) {
		if (!json_is_string(value))
			return wrong(r, "\"members\" has the names of Dom0's members as strings");
		check->members[check->members_count][0] = name;
		check->members[check->members_count++][1] = json_string_value(value);
	}
	return true;
}

static bool read_rules(struct reader *r, struct check *check, json_t *json)
{
	if (!read_rule(r, check, json, "only_xen", &check->only_xen) ||
	    !read_rule(r, check, json, "only_dom0", &check->only_dom0) || !read_differs(r, check, json) ||
	    !read_rule(r, check, json, "more", &check->more) || !read_changed(r, check, json) ||
	    !number(r, json_object_get(json, "more"), "extra", 0, 1000000, &check->extra))
		return false;
	if (check->more.where || check->more.otherwise)
		return wrong(r, "\"more\" is one rule, of no item: it has no \"where\"");
	if (!check->only_xen.finding && !check->only_dom0.finding && !check->differs.finding && !check->more.finding &&
	    !check->changed.finding)
		return wrong(r, "it needs one of \"only_xen\", \"only_dom0\", \"differs\", \"more\", \"changed\": "
				"what a difference means");
	return true;
}

static bool read_views(struct reader *r, struct check *check, json_t *json)
{
	json_t *xen = json_object_get(json, "xen"), *dom0 = json_object_get(json, "dom0"), *spec;
	size_t i;

	if (json_is_array(xen) && (!json_array_size(xen) || json_array_size(xen) > SPECS_MAX))
		return wrong(r, "\"xen\" is a view, or an array of 1 to %d", SPECS_MAX);
	for (i = 0; i < (json_is_array(xen) ? json_array_size(xen) : 1); i++) {
		if (!read_spec(r, json_is_array(xen) ? json_array_get(xen, i) : xen, "\"xen\"", true, &check->xen[i]))
			return false;
		if (strcmp(check->xen[i].probe, check->xen[0].probe) ||
		    strcmp(check->xen[i].source, check->xen[0].source))
			return wrong(r, "all views of \"xen\" are of one probe");
		check->xen_count++;
	}
	if (!json_is_array(dom0) || json_array_size(dom0) > SPECS_MAX)
		return wrong(r, "it needs \"dom0\", an array of at most %d views", SPECS_MAX);
	json_array_foreach(dom0, i, spec)
		if (!read_spec(r, spec, "a view of \"dom0\"", false, &check->dom0[check->dom0_count++]))
			return false;
	return true;
}

static bool read_condition(struct reader *r, const json_t *json, struct condition *condition)
{
	static const char *const known[] = { "where", "otherwise", "words", NULL };
	const char *otherwise;

	if (!only_members(r, json, "\"only_if\"", known) ||
	    !conditions(r, (json_t *)json, "\"only_if\"", "where", &condition->where) ||
	    !text(r, json, "\"only_if\"", "otherwise", true, &otherwise) ||
	    !text(r, json, "\"only_if\"", "words", true, &condition->words))
		return false;
	if (!condition->where)
		return wrong(r, "\"only_if\" needs \"where\", an object");
	condition->not_here = !strcmp(otherwise, "not-here");
	if (!condition->not_here && strcmp(otherwise, "blind"))
		return wrong(r, "\"only_if\": \"otherwise\" is not-here or blind, not \"%s\"", otherwise);
	return true;
}

static bool read_only_if(struct reader *r, struct check *check, json_t *json)
{
	json_t *only_if = json_object_get(json, "only_if"), *one;
	size_t i;

	if (!json_is_array(only_if)) {
		check->only_if_count = only_if != NULL;
		return !only_if || read_condition(r, only_if, &check->only_if[0]);
	}
	if (!json_array_size(only_if) || json_array_size(only_if) > CONDITIONS_MAX)
		return wrong(r, "\"only_if\" is an object, or an array of 1 to %d", CONDITIONS_MAX);
	json_array_foreach(only_if, i, one)
		if (!read_condition(r, one, &check->only_if[check->only_if_count++]))
			return false;
	return true;
}

static bool read_waits(struct reader *r, struct check *check, json_t *json)
{
	static const char *const known[] = { "where", "words", "looks", NULL };
	json_t *waits = json_object_get(json, "waits");
	json_int_t looks = 0;

	if (!waits)
		return true;
	if (!only_members(r, waits, "\"waits\"", known) ||
	    !conditions(r, waits, "\"waits\"", "where", &check->waits.where) ||
	    !text(r, waits, "\"waits\"", "words", true, &check->waits.words) ||
	    !number(r, waits, "looks", 0, LOOKS_MAX, &looks))
		return false;
	check->waits.looks = (unsigned int)looks;
	return check->waits.where || wrong(r, "\"waits\" needs \"where\", an object");
}

static bool read_among(struct reader *r, struct check *check, json_t *json)
{
	static const char *const known[] = { "members", "words", NULL };
	json_t *among = json_object_get(json, "among");

	if (!among)
		return true;
	if (!only_members(r, among, "\"among\"", known) || !names(r, among, "\"among\"", "members", check->among) ||
	    !text(r, among, "\"among\"", "words", true, &check->among_words))
		return false;
	return check->among[0] || wrong(r, "\"among\" needs \"members\", an array of names of members");
}

static bool read_not_here(struct reader *r, struct check *check, json_t *json)
{
	static const char *const known[] = { "source", "words", "unless", NULL };
	json_t *list = json_object_get(json, "not_here"), *one;
	size_t i;

	if (!list)
		return true;
	if (!json_array_size(list) || json_array_size(list) > NOT_HERE_MAX)
		return wrong(r, "\"not_here\" is an array of 1 to %d objects", NOT_HERE_MAX);
	json_array_foreach(list, i, one) {
		const char **source = &check->not_here[check->not_here_count].source;

		if (!only_members(r, one, "\"not_here\"", known) ||
		    !text(r, one, "\"not_here\"", "source", true, source) ||
		    !text(r, one, "\"not_here\"", "words", true, &check->not_here[check->not_here_count].words) ||
		    !conditions(r, one, "\"not_here\"", "unless", &check->not_here[check->not_here_count].unless))
			return false;
		if (!is_one_of(*source, of_xen) && !is_one_of(*source, of_dom0))
			return wrong(r, "\"not_here\" has a source \"%s\", which is not known", *source);
		check->not_here_count++;
	}
	return true;
}

/* One rule for all probes that it was done to. */
static bool read_deed(struct reader *r, struct check *check, json_t *json, const char *name, struct rule *rule)
{
	return read_rule(r, check, json, name, rule) &&
	       ((!rule->where && !rule->otherwise) ||
		wrong(r, "\"%s\" of a sensor is one rule, without \"where\"", name));
}

/* A check of a sensor itself. */
static bool read_sensor(struct reader *r, struct check *check, json_t *json)
{
	static const char *const known[] = { "check", "sensor", "off", "lowered", "reset", "removed",
					     "probe_restarted", "restarted", "gone", NULL };

	if (!only_members(r, json, "a check of a sensor", known) ||
	    !text(r, json, "it", "sensor", true, &check->sensor))
		return false;
	if (!is_one_of(check->sensor, of_xen))
		return wrong(r, "there is no sensor \"%s\"; there are xen and module", check->sensor);
	check->xen[0].source = check->sensor;
	check->xen[0].kind = "";
	check->xen[0].id[0] = "probe";
	check->looks = 1;
	if (!read_deed(r, check, json, "off", &check->off) || !read_deed(r, check, json, "lowered", &check->lowered) ||
	    !read_deed(r, check, json, "reset", &check->reset) ||
	    !read_deed(r, check, json, "removed", &check->removed) ||
	    !read_deed(r, check, json, "probe_restarted", &check->probe_restarted) ||
	    !read_deed(r, check, json, "restarted", &check->restarted) ||
	    !read_deed(r, check, json, "gone", &check->gone))
		return false;
	if (!check->off.finding && !check->lowered.finding && !check->reset.finding && !check->removed.finding &&
	    !check->probe_restarted.finding && !check->restarted.finding && !check->gone.finding)
		return wrong(r, "it needs one of \"off\", \"lowered\", \"reset\", \"removed\", \"probe_restarted\", "
			     "\"restarted\", \"gone\": what was done to the sensor");
	return true;
}

static bool read_check(struct reader *r, struct check *check, json_t *json)
{
	static const char *const known[] = { "check", "instead_of", "only_if", "waits", "not_here", "xen", "dom0",
					     "among", "one_each", "near", "looks", "pause_ms", "only_xen", "only_dom0",
					     "differs", "more", "changed", "baseline", NULL };
	json_int_t looks = 3, pause_ms = 100;

	r->at = NULL;
	if (!text(r, json, "a check", "check", true, &check->name))
		return false;
	r->at = check->name;
	if (json_object_get(json, "sensor"))
		return read_sensor(r, check, json);
	if (!only_members(r, json, "it", known) || !text(r, json, "it", "instead_of", false, &check->instead_of) ||
	    !read_only_if(r, check, json) || !read_waits(r, check, json) || !read_not_here(r, check, json) ||
	    !read_among(r, check, json) || !number(r, json, "looks", 1, LOOKS_MAX, &looks) ||
	    !number(r, json, "pause_ms", 0, PAUSE_MS_MAX, &pause_ms) || !read_views(r, check, json) ||
	    !names(r, json, "it", "near", check->near) || !read_rules(r, check, json))
		return false;
	if (!boolean(r, json, "baseline", &check->baseline) || !boolean(r, json, "one_each", &check->one_each))
		return false;
	check->baseline |= check->changed.finding != NULL;
	check->looks = (unsigned int)looks;
	check->pause_ms = (unsigned int)pause_ms;
	r->at = NULL;
	return true;
}

static bool check_names(struct reader *r, const struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->check[i];
		bool there = !check->instead_of;

		r->at = check->name;
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(checks->check[j].name, check->name))
				return wrong(r, "there are two by this name");
			there |= check->instead_of && !strcmp(checks->check[j].name, check->instead_of);
		}
		if (!there)
			return wrong(r, "\"instead_of\": there is no check \"%s\" before it", check->instead_of);
	}
	r->at = NULL;
	return true;
}

/* That each names what there is. */
static bool check_known(struct reader *r, const struct checks *checks)
{
	json_t *probes = canary_records();
	bool is = probes != NULL;
	char words[512] = "";

	for (size_t i = 0; is && i < checks->count; i++) {
		r->at = checks->check[i].name;
		is = checks->check[i].sensor || check_is_known(probes, &checks->check[i], words, sizeof(words));
	}
	json_decref(probes);
	if (is)
		r->at = NULL;
	else if (*words)
		return wrong(r, "%s", words);
	else
		errno = ENOMEM;
	return is;
}

/* === What is read of records ============================================ */

/* Those by which records are sorted, whatever the check. */
static const char *const of_all[] = {
	"seq", "time", "probe", "kind", "event", "first", "old", "changed_ns", "last", "looked", "of", "why", NULL,
};

static int add_names(json_t *to, const char *const *names)
{
	for (; *names; names++)
		if (json_object_set_new(to, *names, json_true()))
			return -1;
	return 0;
}

/* As json_object_update(), of one that may be NULL. */
static int add_conditions(json_t *to, json_t *where)
{
	return where ? json_object_update(to, where) : 0;
}

static int add_rule(json_t *to, const struct rule *rule)
{
	int failed = 0;

	for (; rule; rule = rule->otherwise)
		failed |= add_conditions(to, rule->where) | add_conditions(to, rule->members);
	return failed;
}

/* What the check wants to know of each of its records. */
static int add_check(json_t *to, const struct check *check)
{
	int failed = add_names(to, of_all) | add_names(to, check->among) | add_names(to, check->near) |
		     add_conditions(to, check->waits.where) | add_rule(to, &check->only_xen) |
		     add_rule(to, &check->only_dom0) | add_rule(to, &check->differs) | add_rule(to, &check->changed);

	for (unsigned int i = 0; i < check->only_if_count; i++)
		failed |= add_conditions(to, check->only_if[i].where);
	for (unsigned int i = 0; i < check->not_here_count; i++)
		failed |= add_conditions(to, check->not_here[i].unless);
	for (unsigned int i = 0; i < check->members_count; i++)
		failed |= add_names(to, (const char *const[]){ check->members[i][0], check->members[i][1], NULL });
	return failed;
}

static int add_spec(const struct checks *checks, const struct check *check, const struct spec *spec)
{
	json_t *members;

	/* Not of a sensor. */
	if (!spec->probe)
		return 0;
	members = json_object_get(checks->members, spec->probe);
	if (!members && json_object_set_new(checks->members, spec->probe, members = json_object()))
		return -1;
	return add_check(members, check) | add_names(members, spec->key) | add_names(members, spec->id) |
	       add_names(members, spec->same) | add_names(members, spec->known_by) |
	       add_conditions(members, spec->where);
}

/* By which members the records of each probe are compared. */
static bool list_members(struct checks *checks)
{
	int failed = 0;

	checks->members = json_object();
	for (size_t i = 0; i < checks->count && checks->members; i++) {
		const struct check *check = &checks->check[i];

		for (unsigned int j = 0; j < check->xen_count; j++)
			failed |= add_spec(checks, check, &check->xen[j]);
		for (unsigned int j = 0; j < check->dom0_count; j++)
			failed |= add_spec(checks, check, &check->dom0[j]);
	}
	if (checks->members && !failed)
		return true;
	errno = ENOMEM;
	return false;
}

/* === Interface ========================================================== */

bool checks_read(struct checks *checks, json_t *json, const char *file, char *error, size_t size)
{
	struct reader r = { .file = file, .error = error, .size = size };
	json_t *list = json_object_get(json, "checks"), *check;
	const char *pages;
	size_t i;

	*checks = (struct checks){ .json = json };
	if (!json_is_array(list))
		return wrong(&r, "it is to be an object with \"checks\", an array");
	if (!json_array_size(list))
		return wrong(&r, "\"checks\" is empty: there is nothing to compare");
	if (!text(&r, json, "it", "pages", false, &pages))
		return false;
	checks->check = calloc(json_array_size(list), sizeof(*checks->check));
	if (!checks->check)
		return false;
	json_array_foreach(list, i, check) {
		struct check *this = &checks->check[checks->count++];

		if (!read_check(&r, this, check))
			return false;
		this->pages = pages;
		this->reports = json_object();
		this->first = json_object();
		this->deeds = json_object();
		if (!this->reports || !this->first || !this->deeds) {
			errno = ENOMEM;
			return false;
		}
	}
	return check_names(&r, checks) && check_known(&r, checks) && list_members(checks);
}

void checks_free(struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		json_decref(checks->check[i].reports);
		json_decref(checks->check[i].blinded);
		json_decref(checks->check[i].first);
		json_decref(checks->check[i].deeds);
		json_decref(checks->check[i].status);
	}
	free(checks->check);
	json_decref(checks->members);
	json_decref(checks->json);
}
