// SPDX-License-Identifier: MIT
/*
 * deeds.c - what is told: one finding for each deed, however many checks report it.
 *
 * A process that hides is missing in several places, and each check that looks at one of these
 * reports it.  Reports that have something in common, which their rules name ("deed"), are of one
 * deed: the first is the finding, and the others stand in its "also".
 *
 * A deed is an object:
 *	name      the identity of the report that it began with, from which the finding has its id
 *	keys      {key: round}: its reports' identities, and all that one of them has in common, or
 *	          had until some rounds ago; and in which round one had it last
 *	reports   {identity: report}, in the order in which they came
 *	common    {identity: keys}: what each of them has in common
 *	told      the finding as it was told; not there: it was not yet
 *	news      whether it is not as it was told
 */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

/*
 * So many rounds long what none of a deed's reports has any more still belongs to it: a report
 * that is missing in a round or two is of the same deed when it comes again.  Whoever has that pid
 * next week is not.
 */
#define KEY_ROUNDS 16

int deeds_init(struct canary *c)
{
	c->deeds = json_object();
	c->deed_of = json_object();
	return c->deeds && c->deed_of ? 0 : -1;
}

void deeds_free(struct canary *c)
{
	json_decref(c->deeds);
	json_decref(c->deed_of);
}

/* === A deed ============================================================= */

static json_t *deed_with(const struct canary *c, const char *key)
{
	const char *name = json_string_value(json_object_get(c->deed_of, key));

	return name ? json_object_get(c->deeds, name) : NULL;
}

static json_t *begin(struct canary *c, const char *name)
{
	json_t *deed = json_pack("{sss{}s{}s{}sb}", "name", name, "keys", "reports", "common", "news", 0);

	if (!deed || json_object_set_new(c->deeds, name, deed))
		return NULL;
	return deed;
}

static int add_key(struct canary *c, json_t *deed, const char *key)
{
	json_t *keys = json_object_get(deed, "keys"), *last = json_object_get(keys, key);

	if (last)
		json_integer_set(last, (json_int_t)c->begun);
	else if (json_object_set_new(keys, key, json_integer((json_int_t)c->begun)))
		return -1;
	return json_object_set(c->deed_of, key, json_object_get(deed, "name"));
}

static void end(struct canary *c, json_t *deed)
{
	const char *key;
	json_t *value;

	json_incref(deed);
	json_object_foreach(json_object_get(deed, "keys"), key, value) {
		(void)value;
		json_object_del(c->deed_of, key);
	}
	json_object_del(c->deeds, json_string_value(json_object_get(deed, "name")));
	json_decref(deed);
}

/* === Telling it ========================================================= */

/* The lower, the worse. */
static size_t rank_of(const json_t *report)
{
	const char *severity = json_string_value(json_object_get(report, "severity"));
	size_t rank = 0;

	while (severity && check_severities[rank] && strcmp(check_severities[rank], severity))
		rank++;
	return rank;
}

/* The report of the worst severity. */
static json_t *worst_of(const json_t *deed)
{
	json_t *report, *worst = NULL;
	const char *identity;

	json_object_foreach(json_object_get(deed, "reports"), identity, report)
		if (!worst || rank_of(report) < rank_of(worst))
			worst = report;
	return worst;
}

/* What another check reports: why it matters and what to do next is said once. */
static int add_also(json_t *also, json_t *report)
{
	json_t *part = copy_of(report);

	json_object_del(part, "why");
	json_object_del(part, "next");
	return json_array_append_new(also, part);
}

/* The finding.  NULL: no memory. */
static json_t *finding_of(const json_t *deed)
{
	json_t *report, *finding = NULL, *also = json_array();
	const char *identity;
	bool first = true;
	int failed = !also;
	char id[ID_TEXT];

	json_object_foreach(json_object_get(deed, "reports"), identity, report) {
		if (first)
			finding = copy_of(report);
		else
			failed |= add_also(also, report);
		first = false;
	}
	id_of(json_string_value(json_object_get(deed, "name")), id);
	failed |= json_object_set_new(finding, "id", json_string(id)) ||
		  json_object_set(finding, "severity", json_object_get(worst_of(deed), "severity")) ||
		  json_object_set(finding, "also", also);
	json_decref(also);
	if (!failed)
		return finding;
	json_decref(finding);
	return NULL;
}

static int tell_raised(struct canary *c, json_t *deed)
{
	json_t *finding = finding_of(deed);

	if (json_object_set_new(deed, "told", finding))
		return -1;
	if (c->options->raised)
		c->options->raised(c->options->context, finding);
	return 0;
}

/* The same line begins "gone" and "changed". */
static json_t *line_of(const char *what, const json_t *finding)
{
	char now[32];

	canary_time(now);
	return json_pack("{sOsOss}", what, json_object_get(finding, "finding"), "id", json_object_get(finding, "id"),
			 "time", now);
}

/* @into: the deed that it turned out to be a part of; or NULL. */
static void tell_gone(struct canary *c, const json_t *deed, const json_t *into)
{
	const json_t *finding = json_object_get(deed, "told");
	json_t *line = finding ? line_of("gone", finding) : NULL;

	if (line && into)
		json_object_set(line, "joined", json_object_get(json_object_get(into, "told"), "id"));
	if (line && c->options->gone)
		c->options->gone(c->options->context, line, finding);
	json_decref(line);
}

static void tell_changed(struct canary *c, json_t *deed)
{
	json_t *finding = finding_of(deed), *line = finding ? line_of("changed", finding) : NULL;

	if (line && !json_object_set(line, "now", finding) && c->options->changed)
		c->options->changed(c->options->context, line);
	json_decref(line);
	/* What could not be told is told in the next round. */
	if (line && !json_object_set(deed, "told", finding))
		json_object_set_new(deed, "news", json_false());
	json_decref(finding);
}

/* === Reports ============================================================ */

/* What a join that failed has done, so that the next round can do it. */
static void part(struct canary *c, json_t *deed, json_t *other)
{
	json_t *value;
	const char *key;

	json_object_foreach(json_object_get(other, "keys"), key, value) {
		(void)value;
		json_object_del(json_object_get(deed, "keys"), key);
		json_object_set(c->deed_of, key, json_object_get(other, "name"));
	}
	json_object_foreach(json_object_get(other, "reports"), key, value) {
		json_object_del(json_object_get(deed, "reports"), key);
		json_object_del(json_object_get(deed, "common"), key);
	}
}

/* @other is the same deed as @deed, as a third report shows. */
static int join(struct canary *c, json_t *deed, json_t *other)
{
	json_t *value;
	const char *key;
	int failed = 0;

	json_object_foreach(json_object_get(other, "keys"), key, value) {
		(void)value;
		failed |= add_key(c, deed, key);
	}
	if (failed || json_object_update(json_object_get(deed, "reports"), json_object_get(other, "reports")) ||
	    json_object_update(json_object_get(deed, "common"), json_object_get(other, "common"))) {
		part(c, deed, other);
		return -1;
	}
	tell_gone(c, other, deed);
	json_incref(other);
	json_object_del(c->deeds, json_string_value(json_object_get(other, "name")));
	json_decref(other);
	return 0;
}

/*
 * Whether of two that are joined @deed goes on: the one that was told, or else the larger, as it
 * stays where it is.
 */
static bool goes_on(const json_t *deed, const json_t *other)
{
	bool is_told = json_object_get(deed, "told"), other_is_told = json_object_get(other, "told");

	if (is_told != other_is_told)
		return is_told;
	return json_object_size(json_object_get(deed, "keys")) >= json_object_size(json_object_get(other, "keys"));
}

/* The deed that has one of @keys; all that have one are joined.  *@found NULL: there is none. */
static int find(struct canary *c, const char *identity, const json_t *keys, json_t **found)
{
	json_t *key;
	size_t i;

	*found = deed_with(c, identity);
	json_array_foreach(keys, i, key) {
		json_t *other = deed_with(c, json_string_value(key)), *deed = *found;

		if (!other || other == deed)
			continue;
		*found = other;
		if (!deed)
			continue;
		if (goes_on(deed, other)) {
			*found = deed;
			deed = other;
		}
		if (join(c, *found, deed))
			return -1;
	}
	return 0;
}

static int add_report(struct canary *c, const char *identity, json_t *keys, json_t *report)
{
	json_t *deed, *key;
	size_t i;

	if (find(c, identity, keys, &deed))
		return -1;
	/* It may have begun with this very report, which was of another deed in between. */
	if (!deed)
		deed = json_object_get(c->deeds, identity);
	if (!deed)
		deed = begin(c, identity);
	if (!deed || add_key(c, deed, identity))
		return -1;
	json_array_foreach(keys, i, key)
		if (add_key(c, deed, json_string_value(key)))
			return -1;
	if (json_object_set(json_object_get(deed, "common"), identity, keys) ||
	    json_object_set(json_object_get(deed, "reports"), identity, report))
		return -1;
	if (json_object_get(deed, "told"))
		return json_object_set_new(deed, "news", json_true());
	return c->rounds || !json_array_size(keys) ? tell_raised(c, deed) : 0;
}

/* One that began, and got no further. */
static void end_without_reports(struct canary *c)
{
	const char *name;
	json_t *deed;
	void *next;

	json_object_foreach_safe(c->deeds, next, name, deed)
		if (!json_object_size(json_object_get(deed, "reports")) && !json_object_get(deed, "told"))
			end(c, deed);
}

int deed_report(struct canary *c, const char *identity, json_t *keys, json_t *report)
{
	int failed = keys && report ? add_report(c, identity, keys, report) : -1;

	if (failed)
		end_without_reports(c);
	json_decref(keys);
	json_decref(report);
	return failed;
}

void deed_withdraw(struct canary *c, const char *identity)
{
	json_t *deed = deed_with(c, identity), *reports = json_object_get(deed, "reports");

	if (!deed || json_object_del(reports, identity))
		return;
	json_object_set_new(deed, "news", json_true());
	json_object_del(json_object_get(deed, "common"), identity);
	json_object_del(json_object_get(deed, "keys"), identity);
	json_object_del(c->deed_of, identity);
}

/* Notes what the reports have in common in this round, and forgets what none had for long. */
static void age_keys(struct canary *c, json_t *deed)
{
	json_t *keys = json_object_get(deed, "keys"), *has, *key, *last;
	const char *name;
	void *next;
	size_t i;

	json_object_foreach(json_object_get(deed, "common"), name, has) {
		json_integer_set(json_object_get(keys, name), (json_int_t)c->begun);
		json_array_foreach(has, i, key)
			json_integer_set(json_object_get(keys, json_string_value(key)), (json_int_t)c->begun);
	}
	json_object_foreach_safe(keys, next, name, last) {
		if ((json_int_t)c->begun - json_integer_value(last) <= KEY_ROUNDS)
			continue;
		json_object_del(c->deed_of, name);
		json_object_del(keys, name);
	}
}

void deeds_tell(struct canary *c)
{
	const char *name;
	json_t *deed;
	void *next;

	json_object_foreach_safe(c->deeds, next, name, deed) {
		if (!json_object_size(json_object_get(deed, "reports"))) {
			tell_gone(c, deed, NULL);
			end(c, deed);
			continue;
		}
		age_keys(c, deed);
		if (!json_object_get(deed, "told")) {
			tell_raised(c, deed);
		} else if (json_is_true(json_object_get(deed, "news"))) {
			tell_changed(c, deed);
		}
	}
}

size_t deeds_count(const struct canary *c, bool notices, bool others)
{
	const char *name;
	size_t count = 0;
	json_t *deed;

	json_object_foreach(c->deeds, name, deed) {
		const char *severity = json_string_value(json_object_get(worst_of(deed), "severity"));

		if (severity)
			count += !strcmp(severity, "notice") ? notices : others;
	}
	return count;
}
