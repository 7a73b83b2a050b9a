// SPDX-License-Identifier: MIT
/*
 * findings.c - a difference that persisted, told so that a person understands it; and what was
 * looked at.
 */
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare.h"

void time_text(char text[32])
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, 32 - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* === Making one ========================================================= */

/*
 * The members of a record that say what it is, without those that say where it stood among
 * records.
 */
static json_t *item_copy(json_t *item)
{
	static const char *const common[] = { "seq", "time", "probe", "kind", "class", "epoch", "pass", "event", "old" };
	json_t *copy = item ? json_copy(item) : NULL;

	for (size_t i = 0; copy && i < sizeof(common) / sizeof(common[0]); i++)
		json_object_del(copy, common[i]);
	return copy;
}

/* "domain {domid} is not in ..." with the members of the item. */
static json_t *fill_in(const char *template, const json_t *item)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *string;

	while (out && *template) {
		size_t plain = strcspn(template, "{"), name = template[plain] ? strcspn(template + plain, "}") : 0;

		fwrite(template, 1, plain, out);
		template += plain;
		if (name && template[name]) {
			char member[64];
			const char *const names[] = { member, NULL };
			char *value;

			snprintf(member, sizeof(member), "%.*s", (int)name - 1, template + 1);
			value = key_text(item, names);
			fputs(value, out);
			free(value);
			template += name + 1;
		} else if (*template) {
			fputc(*template++, out);
		}
	}
	if (!out || fclose(out))
		return json_string("");
	string = json_string(text);
	free(text);
	return string;
}

/* FNV-1a, 32 bits: the same finding has the same id each time, on each host. */
static uint32_t id_of(const char *identity)
{
	uint32_t hash = 2166136261U;

	for (const unsigned char *p = (const unsigned char *)identity; *p; p++)
		hash = (hash ^ *p) * 16777619U;
	return hash;
}

/* Of the members by which an item is known: where it is. */
static json_t *where_of(const json_t *item, const struct view_spec *spec)
{
	json_t *where = json_object();

	for (size_t i = 0; spec->id[i]; i++)
		json_object_set(where, spec->id[i], json_object_get(item, spec->id[i]));
	return where;
}

json_t *finding_new(const struct pair *pair, const struct rule *rule, const char *identity, json_t *xen, json_t *dom0, const char *first_seen)
{
	const struct view_spec *spec = xen ? spec_of(pair, xen) : &pair->dom0[0];
	const json_t *item = xen ? xen : dom0;
	json_t *old = NULL, *new = NULL, *value;
	const char *name;
	char id[9], *key = first_key(spec, item);

	snprintf(id, sizeof(id), "%08x", id_of(identity));
	/* What Xen saw change, as far as its records still tell. */
	json_object_foreach(xen ? json_object_get(pair->first, key) : NULL, name, value) {
		if (!strcmp(name, "event") || json_equal(value, json_object_get(xen, name)))
			continue;
		if (!old) {
			old = json_object();
			new = json_object();
		}
		json_object_set(old, name, value);
		json_object_set(new, name, json_object_get(xen, name));
	}
	free(key);
	return json_pack("{ssssssss sosososo so?so? sssi ssso}", "finding", rule->finding, "id", id, "severity", rule->severity, "pair", pair->name,
			 "what", fill_in(rule->what, item), "where", where_of(item, spec), pair->xen[0].source, xen ? item_copy(xen) : json_null(), "dom0",
			 dom0 ? item_copy(dom0) : json_null(), "old", old, "new", new, "first_seen",
			 first_seen, "looks", (int)pair->looked, "why", rule->why,
			 "next", fill_in(rule->next, item));
}

/* === Showing it ========================================================= */

static void print_members(const char *name, const json_t *object)
{
	const char *member;
	json_t *value;

	printf("  %-10s", name);
	if (!json_object_size(object))
		fputs(" nothing", stdout);
	json_object_foreach((json_t *)object, member, value) {
		printf(" %s=", member);
		print_plain(value);
	}
	putchar('\n');
}

/* A sentence of a pair, in lines of at most @width characters. */
static void print_wrapped(const char *name, const char *text, unsigned int width)
{
	unsigned int column = 13;

	printf("  %-10s", name);
	while (*text) {
		size_t word = strcspn(text, " ");

		if (column + word + 1 > width && column > 13) {
			printf("\n  %-10s", "");
			column = 13;
		}
		printf(" %.*s", (int)word, text);
		column += (unsigned int)word + 1;
		text += word + strspn(text + word, " ");
	}
	putchar('\n');
}

static const char *string_of(const json_t *finding, const char *name)
{
	return json_string_value(json_object_get(finding, name));
}

/* Why it matters and what to do is said once for all findings of a kind. */
static void print_advice(const json_t *finding)
{
	static json_t *told;    /* id of the first, by finding */
	const char *name = string_of(finding, "finding"), *first;

	if (!told)
		told = json_object();
	first = string_of(told, name);
	if (first) {
		printf("  %-10s as with FINDING %s\n\n", "why, next", first);
		return;
	}
	json_object_set(told, name, json_object_get(finding, "id"));
	print_wrapped("why", string_of(finding, "why"), 100);
	print_wrapped("next", string_of(finding, "next"), 100);
	putchar('\n');
}

static void print_table(const json_t *finding)
{
	const json_t *old = json_object_get(finding, "old");

	printf("FINDING %s %s (%s)\n", string_of(finding, "id"), string_of(finding, "finding"), string_of(finding, "severity"));
	printf("  %-10s ", "what");
	print_text(string_of(finding, "what"));
	putchar('\n');
	if (json_object_get(finding, "module"))
		print_members("kernel has", json_object_get(finding, "module"));
	else
		print_members("Xen says", json_object_get(finding, "xen"));
	print_members("Dom0 says", json_object_get(finding, "dom0"));
	if (json_is_object(old)) {
		print_members("before", old);
		print_members("now", json_object_get(finding, "new"));
	}
	printf("  %-10s %s, in each of %" JSON_INTEGER_FORMAT " look%s\n", "first seen", string_of(finding, "first_seen"),
	       json_integer_value(json_object_get(finding, "looks")), json_integer_value(json_object_get(finding, "looks")) == 1 ? "" : "s");
	print_advice(finding);
}

void finding_show(const json_t *finding, bool gone, bool table)
{
	char now[32];
	json_t *json;

	if (!gone && table) {
		print_table(finding);
	} else if (!gone) {
		json_dumpf(finding, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (table) {
		time_text(now);
		printf("GONE    %s %s: it was not there any more at %s\n\n", string_of(finding, "id"), string_of(finding, "finding"), now);
	} else {
		time_text(now);
		json = json_pack("{ssssss}", "gone", string_of(finding, "finding"), "id", string_of(finding, "id"), "time", now);
		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
	}
	fflush(stdout);
}

/* === The summary ======================================================== */

static void number_cell(struct libscols_line *line, size_t column, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	scols_line_set_data(line, column, text);
}

/* A pair that was neither looked at nor missed: another did. */
static bool is_spare(const struct pair *pair)
{
	return pair->instead_of && !pair->looked && !pair->note[0];
}

static void print_summary(const struct pairs *pairs)
{
	static const char *const columns[] = { "PAIR", "IN XEN", "IN DOM0", "LOOKS", "FINDINGS", "CAME AND WENT", "NOTE" };
	struct libscols_table *table = scols_new_table();
	char now[32];

	time_text(now);
	printf("Looked at, until %s:\n", now);
	for (size_t i = 0; table && i < sizeof(columns) / sizeof(columns[0]); i++)
		scols_table_new_column(table, columns[i], 0, i > 0 && i < 6 ? SCOLS_FL_RIGHT : 0);
	for (size_t i = 0; table && i < pairs->count; i++) {
		const struct pair *pair = &pairs->pair[i];
		struct libscols_line *line;

		if (is_spare(pair))
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line)
			break;
		scols_line_set_data(line, 0, pair->name);
		if (pair->looked) {
			number_cell(line, 1, pair->xen_items);
			number_cell(line, 2, pair->dom0_items);
			number_cell(line, 3, pair->looked);
			number_cell(line, 4, json_object_size(pair->findings));
			number_cell(line, 5, pair->went);
		}
		if (pair->note[0] || !pair->looked) {
			char note[300];

			snprintf(note, sizeof(note), "%s%s", pair->looked ? "" : "not compared: ", pair->note[0] ? pair->note : "interrupted");
			scols_line_set_data(line, 6, note);
		}
	}
	if (table) {
		scols_table_enable_minout(table, 1);
		scols_print_table(table);
		scols_unref_table(table);
	}
}

void summary_show(const struct pairs *pairs, bool table)
{
	json_t *list = json_array(), *json;
	char now[32];

	if (table) {
		json_decref(list);
		print_summary(pairs);
		return;
	}
	time_text(now);
	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->pair[i];

		if (is_spare(pair))
			continue;
		json_array_append_new(list, json_pack("{sssbsIsIsIsIsIss?}", "pair", pair->name, "compared", pair->looked > 0, "xen_items",
						      (json_int_t)pair->xen_items, "dom0_items", (json_int_t)pair->dom0_items, "looks",
						      (json_int_t)pair->looked, "findings", (json_int_t)json_object_size(pair->findings),
						      "came_and_went", (json_int_t)pair->went, "note", pair->note[0] ? pair->note : NULL));
	}
	json = json_pack("{ssso}", "looked", now, "pairs", list);
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}
