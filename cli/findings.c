// SPDX-License-Identifier: MIT
/*
 * findings.c - findings, blindness and coverage, in a line of JSON or for a person.
 */
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../canary/canary.h"
#include "compare.h"
#include "ksense.h"

void line_show(const json_t *line)
{
	print_json(line);
	fflush(stdout);
}

/* === Findings =========================================================== */

static void print_members(const char *name, const json_t *object)
{
	const char *member;
	json_t *value;

	printf("  %-10s", name);
	if (!json_object_size(object))
		fputs(" nothing", stdout);
	json_object_foreach((json_t *)object, member, value) {
		putchar(' ');
		print_name(member);
		putchar('=');
		print_plain(value);
	}
	putchar('\n');
}

/* A sentence, in lines of at most @width characters. */
static void print_wrapped(const char *name, const char *sentence, unsigned int width)
{
	char *shown = sentence ? harmless(sentence, strlen(sentence)) : NULL;
	const char *text = shown ? shown : "?";
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
	free(shown);
}

static const char *string_of(const json_t *finding, const char *name)
{
	return json_string_value(json_object_get(finding, name));
}

/*
 * What a line says, as a sentence; each {member} of @template stands for that member of @line.
 */
static void print_filled(const char *template, const json_t *line)
{
	while (*template) {
		size_t plain = strcspn(template, "{"), bytes;
		const char *text;
		char name[32];

		fwrite(template, 1, plain, stdout);
		template += plain;
		if (!*template)
			break;
		bytes = strcspn(template, "}") - 1;
		snprintf(name, sizeof(name), "%.*s", (int)bytes, template + 1);
		text = string_of(line, name);
		put_text(stdout, text ? text : "?");
		template += bytes + 2;
	}
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
		fputs("  why, next  as with FINDING ", stdout);
		put_text(stdout, first);
		fputs("\n\n", stdout);
		return;
	}
	json_object_set(told, name, json_object_get(finding, "id"));
	print_wrapped("why", string_of(finding, "why"), 100);
	print_wrapped("next", string_of(finding, "next"), 100);
	putchar('\n');
}

/* What an item says of moments, which is since its kernel's boot, as times of day. */
static void print_times(const json_t *report, const char *side)
{
	const json_t *times = json_object_get(json_object_get(report, "times"), side);

	if (json_object_size(times))
		print_members("that is", times);
}

/* What one check says. */
static void print_report(const char *name, const json_t *report)
{
	const json_t *old = json_object_get(report, "old"), *xen = json_object_get(report, "xen"),
		     *dom0 = json_object_get(report, "dom0");
	json_int_t looks = json_integer_value(json_object_get(report, "looks"));

	print_wrapped(name, string_of(report, "what"), 100);
	/* That a check is blind is about no item. */
	if (json_object_get(report, "times")) {
		if (json_object_get(report, "module"))
			print_members("kernel has", json_object_get(report, "module"));
		else
			print_members("Xen says", xen);
		print_times(report, "module");
		print_times(report, "xen");
		print_members("Dom0 says", dom0);
		print_times(report, "dom0");
	}
	if (json_is_object(old)) {
		print_members("before", old);
		print_members("now", json_object_get(report, "new"));
	}
	print_filled("  first seen {first_seen}", report);
	if (looks == 1)
		puts(", in one look");
	else
		printf(", in each of %" JSON_INTEGER_FORMAT " looks\n", looks);
}

static void print_reports(const json_t *finding)
{
	json_t *report;
	size_t i;

	print_report("what", finding);
	json_array_foreach(json_object_get(finding, "also"), i, report)
		print_report("also", report);
}

static void print_table(const json_t *finding)
{
	print_filled("FINDING {id} {finding} ({severity})\n", finding);
	print_reports(finding);
	print_advice(finding);
}

void finding_show(const json_t *finding, bool table)
{
	if (!table) {
		line_show(finding);
		return;
	}
	print_table(finding);
	fflush(stdout);
}

void changed_show(const json_t *line, bool table)
{
	if (!table) {
		line_show(line);
		return;
	}
	print_filled("CHANGED {id} {changed} at {time}\n", line);
	print_reports(json_object_get(line, "now"));
	putchar('\n');
	fflush(stdout);
}

/* A line as it is, or what it says, by @form. */
static void news_show(const json_t *line, bool table, const char *form)
{
	if (!table) {
		line_show(line);
		return;
	}
	print_filled(form, line);
	fflush(stdout);
}

void gone_show(const json_t *gone, bool table)
{
	news_show(gone, table,
		  json_object_get(gone, "joined")
			  ? "GONE    {id} {gone}: it is a part of {joined}, as was seen at {time}\n\n"
			  : "GONE    {id} {gone}: it was not there any more at {time}\n\n");
}

/* === Blindness ========================================================== */

void blind_show(const json_t *line, bool table)
{
	news_show(line, table, "BLIND   {blind} ({reason}) since {time}: {words}\n\n");
}

void unconfirmed_show(const json_t *line, bool table)
{
	news_show(line, table, "UNCONFIRMED {unconfirmed} since {time}: {words}\n\n");
}

void sees_show(const json_t *line, bool table)
{
	news_show(line, table, "SEES    {sees} again at {time}; it was blind or unconfirmed since {since}\n\n");
}

/* === Coverage =========================================================== */

static void number_cell(struct libscols_line *line, size_t column, const json_t *check, const char *name)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(json_object_get(check, name)));
	scols_line_set_data(line, column, text);
}

static void note_cell(struct libscols_line *line, const json_t *check)
{
	const char *reason = string_of(check, "reason"), *words = string_of(check, "words");
	char note[400];

	if (!words)
		return;
	snprintf(note, sizeof(note), "%s%s%s%s", reason ? reason : "", reason ? ": " : "", words,
		 json_is_true(json_object_get(check, "accepted")) ? " (accepted)" : "");
	cell_set(line, 7, note);
}

static void print_check(struct libscols_table *table, const json_t *check)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return;
	cell_set(line, 0, string_of(check, "check"));
	cell_set(line, 1, string_of(check, "verdict"));
	if (json_integer_value(json_object_get(check, "looks"))) {
		number_cell(line, 2, check, "xen_items");
		number_cell(line, 3, check, "dom0_items");
		number_cell(line, 4, check, "looks");
		number_cell(line, 5, check, "findings");
		number_cell(line, 6, check, "came_and_went");
	}
	note_cell(line, check);
}

void coverage_show(const json_t *coverage, bool table)
{
	static const char *const columns[] = {
		"CHECK", "VERDICT", "IN XEN", "IN DOM0", "LOOKS", "FINDINGS", "CAME AND WENT", "NOTE",
	};
	struct libscols_table *lines;
	json_t *check;
	size_t i;

	if (!table) {
		line_show(coverage);
		return;
	}
	lines = scols_new_table();
	print_filled("Looked at, until {looked}:\n", coverage);
	for (i = 0; lines && i < sizeof(columns) / sizeof(columns[0]); i++)
		scols_table_new_column(lines, columns[i], 0, i > 1 && i < 7 ? SCOLS_FL_RIGHT : 0);
	if (lines) {
		json_array_foreach(json_object_get(coverage, "checks"), i, check)
			print_check(lines, check);
		scols_table_enable_minout(lines, 1);
		scols_table_enable_noencoding(lines, 1);
		scols_print_table(lines);
		scols_unref_table(lines);
	}
	print_filled("{verdict}\n", coverage);
	fflush(stdout);
}
