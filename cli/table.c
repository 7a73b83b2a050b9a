// SPDX-License-Identifier: MIT
/*
 * table.c - what a person at a terminal sees.
 *
 * Nothing that came from a sensor reaches the terminal but through the sink, harmless: what is
 * escaped there stands in quotes, as JSON, so that it looks like nothing else.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ksense.h"

/* === Cells ============================================================== */

/* All of a record's hash is rarely looked at. */
#define HASH_MIN 32
#define HASH_SHOWN 16

/* The largest number that jansson takes has so many. */
#define DIGITS_MAX 19

struct column {
	const char *name;   /* of the member; for a heading of its own: the heading */
	int flags;          /* SCOLS_FL_* */
};

/*
 * A string as it is; but as JSON, in quotes, where the sink changes it, where it begins as if it
 * were such, or where it has one of the characters @apart.  NULL: no memory.
 */
static char *string_text(const json_t *string, const char *apart)
{
	const char *value = json_string_value(string);
	size_t bytes = json_string_length(string);
	char *text = harmless(value, bytes);

	if (text && !strcmp(text, value) && strlen(value) == bytes && *value != '"' && !strpbrk(value, apart))
		return text;
	free(text);
	return quoted(string);
}

static char *name_text(const char *name, const char *apart)
{
	json_t *string = json_string(name);
	char *text = string ? string_text(string, apart) : NULL;

	json_decref(string);
	return text;
}

static struct libscols_table *table_new(const struct column *columns, size_t count)
{
	struct libscols_table *table = scols_new_table();

	for (size_t i = 0; table && i < count; i++) {
		char *heading = name_text(columns[i].name, "");

		if (!heading || !scols_table_new_column(table, heading, 0, columns[i].flags)) {
			scols_unref_table(table);
			table = NULL;
		}
		free(heading);
	}
	if (table)
		scols_table_enable_noencoding(table, 1); /* all cells went through the sink */
	else
		say("no memory for a table");
	return table;
}

static void table_done(struct libscols_table *table)
{
	scols_table_enable_minout(table, 1); /* no blanks at the ends of lines */
	scols_print_table(table);
	scols_unref_table(table);
}

/* @text is freed. */
static void set_cell(struct libscols_line *line, size_t column, char *text)
{
	if (text && scols_line_refer_data(line, column, text))
		free(text);
}

__attribute__((format(printf, 1, 2)))
static char *format(const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return len < 0 ? NULL : text;
}

static bool is_hash(const char *text, size_t len)
{
	return len >= HASH_MIN && strspn(text, "0123456789abcdef") == len;
}

static const char *dots(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") ? "..." : "\xe2\x80\xa6";
}

static char *seconds(json_int_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	return format("%s%" PRIu64 ".%03u", ns < 0 ? "-" : "", size / 1000000000,
		      (unsigned int)(size / 1000000 % 1000));
}

/* Digits that are too many for jansson are a number, too; see parse_body(). */
static bool is_number(const json_t *value)
{
	const char *digits = json_string_value(value);
	size_t sign = digits && *digits == '-', len = json_string_length(value);

	if (!digits)
		return json_is_number(value);
	return len >= DIGITS_MAX && strspn(digits + sign, "0123456789") == len - sign;
}

/* A value in a cell or, with blanks kept @apart, in "was"; a string for the caller to free. */
static char *value_text(const char *name, const json_t *value, bool wide, const char *apart)
{
	const char *string = json_string_value(value);

	if (!string) {
		if (!strcmp(name, "time") && json_is_integer(value))
			return seconds(json_integer_value(value));
		return quoted(value);
	}
	if (!wide && is_hash(string, json_string_length(value)))
		return format("%.*s%s", HASH_SHOWN, string, dots());
	return string_text(value, apart);
}

static char *cell_text(const char *name, const json_t *value, bool wide)
{
	return value_text(name, value, wide, "");
}

/* {"pages": 5, "state": "run"} as "pages=5 state=run". */
static char *was_text(json_t *old, bool wide)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *name, *space = "";
	json_t *value;

	if (!out)
		return NULL;
	json_object_foreach(old, name, value) {
		char *one = value_text(name, value, wide, " "), *member = name_text(name, " =");

		fprintf(out, "%s%s=%s", space, member ? member : "?", one ? one : "?");
		free(member);
		free(one);
		space = " ";
	}
	return fclose(out) ? NULL : text;
}

/* === Text that is no cell =============================================== */

void print_plain(const json_t *value)
{
	const char *string = json_string_value(value);
	char *text = string && *string ? string_text(value, " \"\\") : quoted(value);

	fputs(text ? text : "?", stdout);
	free(text);
}

void print_name(const char *name)
{
	json_t *string = json_string(name);

	print_plain(string);
	json_decref(string);
}

void cell_set(struct libscols_line *line, size_t column, const char *text)
{
	set_cell(line, column, text ? harmless(text, strlen(text)) : NULL);
}

static void print_member(const char *name, const json_t *value)
{
	putchar(' ');
	print_name(name);
	putchar('=');
	print_plain(value);
}

/* === Records ============================================================ */

/*
 * A record has 64 members at most, as the reader of JSON has no room for more: only records that
 * are all unlike each other come here.
 */
#define COLUMNS_MAX 256

/*
 * The kind's columns: each member that any of its records has, in the order of their first
 * appearance, "old" last.
 */
struct layout {
	struct column column[COLUMNS_MAX];
	size_t count;
	const char *probe;  /* of all records of the kind, or NULL if they are of several */
	bool has_old;
	bool has_more;      /* members for which there is no column */
};

static struct column *find_column(struct layout *layout, const char *name)
{
	for (size_t i = 0; i < layout->count; i++)
		if (!strcmp(layout->column[i].name, name))
			return &layout->column[i];
	return NULL;
}

/*
 * What all records have for programs: which count and pass they are of, and their class, which the
 * kind mostly tells.
 */
static bool is_in_json_only(const char *member)
{
	return !strcmp(member, "class") || !strcmp(member, "epoch") || !strcmp(member, "pass");
}

/* Whether a member has, or should have, a column of its own. */
static bool has_column(const struct layout *layout, const char *name, const json_t *value)
{
	return !is_in_json_only(name) && strcmp(name, "kind") && !(layout->probe && !strcmp(name, "probe")) &&
	       !(!strcmp(name, "old") && json_is_object(value));
}

static void lay_out(struct layout *layout, const json_t *records)
{
	const json_t *record;
	size_t i;

	memset(layout, 0, sizeof(*layout));
	layout->probe = json_string_value(json_object_get(json_array_get(records, 0), "probe"));
	json_array_foreach(records, i, record) {
		const char *probe = json_string_value(json_object_get(record, "probe"));

		if (!probe || !layout->probe || strcmp(probe, layout->probe))
			layout->probe = NULL;
	}
	json_array_foreach(records, i, record) {
		const char *name;
		json_t *value;

		json_object_foreach((json_t *)record, name, value) {
			struct column *column = find_column(layout, name);

			layout->has_old |= !strcmp(name, "old") && json_is_object(value);
			if (!has_column(layout, name, value))
				continue;
			if (!column && layout->count < COLUMNS_MAX) {
				column = &layout->column[layout->count++];
				*column = (struct column){ .name = name, .flags = SCOLS_FL_RIGHT };
			}
			if (column && !is_number(value))
				column->flags = 0;
			layout->has_more |= !column;
		}
	}
}

/* How many of a record's members have no column, in words; NULL: none. */
static char *more_text(struct layout *layout, json_t *record)
{
	unsigned int more = 0;
	const char *name;
	json_t *value;

	json_object_foreach(record, name, value)
		more += has_column(layout, name, value) && !find_column(layout, name);
	return more ? format("%u member%s: --json shows all", more, more == 1 ? "" : "s") : NULL;
}

static void print_kind(const char *kind, const json_t *records, bool wide)
{
	struct column columns[COLUMNS_MAX + 2];
	struct libscols_table *table;
	struct layout layout;
	json_t *record;
	size_t i, count = json_array_size(records);

	lay_out(&layout, records);
	memcpy(columns, layout.column, sizeof(layout.column));
	columns[layout.count] = (struct column){ .name = "was" };
	columns[layout.count + layout.has_old] = (struct column){ .name = "(more)" };
	table = table_new(columns, layout.count + layout.has_old + layout.has_more);
	if (!table)
		return;
	print_name(kind);
	if (layout.probe) {
		fputs(" of ", stdout);
		print_name(layout.probe);
	}
	printf(": %zu record%s\n", count, count == 1 ? "" : "s");
	json_array_foreach(records, i, record) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t c = 0; line && c < layout.count; c++) {
			const json_t *value = json_object_get(record, layout.column[c].name);

			if (value)
				set_cell(line, c, cell_text(layout.column[c].name, value, wide));
		}
		if (line && layout.has_old)
			set_cell(line, layout.count, was_text(json_object_get(record, "old"), wide));
		if (line && layout.has_more)
			set_cell(line, layout.count + layout.has_old, more_text(&layout, record));
	}
	table_done(table);
}

static const char *kind_of(const json_t *record)
{
	const char *kind = json_string_value(json_object_get(record, "kind"));

	return kind ? kind : "(no kind)";
}

static void print_lost(const json_t *record)
{
	const char *probe = json_string_value(json_object_get(record, "probe"));

	fputs("LOST: ", stdout);
	print_plain(json_object_get(record, "count"));
	fputs(" records of ", stdout);
	print_name(probe ? probe : "?");
	fputs(" (seq ", stdout);
	print_plain(json_object_get(record, "first"));
	fputs(" to ", stdout);
	print_plain(json_object_get(record, "last"));
	fputs(") were pushed out of the full ring before they were read\n", stdout);
}

void print_records(const json_t *records, bool wide)
{
	json_t *kinds = json_object(), *list;
	const char *kind, *blank = "";
	const json_t *record;
	size_t i;

	json_array_foreach(records, i, record) {
		if (!strcmp(kind_of(record), "lost")) {
			print_lost(record);
			continue;
		}
		list = json_object_get(kinds, kind_of(record));
		if (!list) {
			list = json_array();
			json_object_set_new(kinds, kind_of(record), list);
		}
		json_array_append(list, (json_t *)record);
	}
	json_object_foreach(kinds, kind, list) {
		fputs(blank, stdout);
		print_kind(kind, list, wide);
		blank = "\n";
	}
	if (!json_array_size(records))
		puts("no records");
	json_decref(kinds);
}

static void print_time(const json_t *time)
{
	char *text = seconds(json_integer_value(time));

	if (json_is_string(time))
		print_plain(time);
	else
		fputs(text ? text : "?", stdout);
	free(text);
}

void print_record_line(const json_t *record)
{
	const char *probe = json_string_value(json_object_get(record, "probe"));
	const char *name;
	json_t *value;

	if (!strcmp(kind_of(record), "lost")) {
		print_lost(record);
		return;
	}
	print_time(json_object_get(record, "time"));
	putchar(' ');
	print_name(probe ? probe : "?");
	putchar(' ');
	print_name(kind_of(record));
	json_object_foreach((json_t *)record, name, value)
		if (!is_in_json_only(name) && strcmp(name, "time") && strcmp(name, "probe") && strcmp(name, "kind"))
			print_member(name, value);
	putchar('\n');
}

/* === Discovery and status =============================================== */

void print_discovery(const json_t *list)
{
	static const struct column columns[] = { { .name = "NAME" }, { .name = "UUID" }, { .name = "IS" } };
	struct libscols_table *table = table_new(columns, 3);
	const json_t *pair;
	size_t i;

	if (!table)
		return;
	json_array_foreach(list, i, pair) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line)
			break;
		set_cell(line, 0, cell_text("", json_array_get(pair, 0), true));
		set_cell(line, 1, cell_text("", json_array_get(pair, 1), true));
		scols_line_set_data(line, 2, i ? "probe" : "sensor");
	}
	table_done(table);
}

/* Three digits and a unit. */
static char *duration(json_int_t ns)
{
	static const struct {
		double ns;
		const char *unit;
	} scale[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	size_t i = 0;

	while (i < 3 && (double)ns < scale[i].ns)
		i++;
	return format("%.*f%s", i == 3 || (double)ns >= 100 * scale[i].ns ? 0 : (double)ns >= 10 * scale[i].ns ? 1 : 2,
		      (double)ns / scale[i].ns, scale[i].unit);
}

static json_int_t number(const json_t *status, const char *name)
{
	const json_t *value = json_object_get(status, name);
	const char *digits = json_string_value(value);

	/* What is beyond 63 bits is as large as can be. */
	return digits ? strtoll(digits, NULL, 10) : json_integer_value(value);
}

static char *count_text(const json_t *status, const char *name)
{
	const json_t *value = json_object_get(status, name);

	return value && !json_is_null(value) ? cell_text("", value, true) : NULL;
}

enum {
	NAME,
	STATE,
	LEVEL,
	INTERVAL,
	RUNS,
	LAST,
	LONGEST,
	STEP,
	HELD,
	DELIVERED,
	LOST,
	BYTES,
	FAILED,
	ERROR,
	STATUS_COLUMNS
};

static const struct column status_columns[STATUS_COLUMNS] = {
	[NAME] = { "NAME", 0 },
	[STATE] = { "STATE", 0 },
	[LEVEL] = { "LEVEL", 0 },
	[INTERVAL] = { "INTERVAL", SCOLS_FL_RIGHT },
	[RUNS] = { "RUNS", SCOLS_FL_RIGHT },
	[LAST] = { "LAST-RUN", SCOLS_FL_RIGHT },
	[LONGEST] = { "LONGEST", SCOLS_FL_RIGHT },
	[STEP] = { "STEP", SCOLS_FL_RIGHT },
	[HELD] = { "HELD", SCOLS_FL_RIGHT },
	[DELIVERED] = { "DELIVERED", SCOLS_FL_RIGHT },
	[LOST] = { "LOST", SCOLS_FL_RIGHT },
	[BYTES] = { "BYTES", SCOLS_FL_RIGHT },
	[FAILED] = { "FAILED", SCOLS_FL_RIGHT },
	[ERROR] = { "ERROR", 0 },
};

static void add_probe(struct libscols_table *table, const json_t *status)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return;
	set_cell(line, NAME, count_text(status, "name"));
	set_cell(line, STATE, count_text(status, "state"));
	set_cell(line, LEVEL, count_text(status, "level"));
	set_cell(line, INTERVAL, duration(number(status, "interval_ns")));
	set_cell(line, RUNS, count_text(status, "runs"));
	set_cell(line, LAST, duration(number(status, "last_run_ns")));
	set_cell(line, LONGEST, duration(number(status, "longest_run_ns")));
	set_cell(line, STEP, duration(number(status, "longest_step_ns")));
	set_cell(line, HELD, count_text(status, "held"));
	set_cell(line, DELIVERED, count_text(status, "delivered"));
	set_cell(line, LOST, count_text(status, "lost"));
	set_cell(line, BYTES, format("%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, number(status, "bytes_held"),
				     number(status, "bytes")));
	set_cell(line, FAILED, count_text(status, "failures"));
	set_cell(line, ERROR, count_text(status, "last_error"));
}

char *lock_text(const json_t *lock)
{
	const json_t *sensing = json_object_get(lock, "sensing");
	const char *dom0 = json_string_value(json_object_get(lock, "dom0")),
		   *uuid = json_string_value(json_object_get(lock, "uuid"));
	char *time, *text;

	dom0 = dom0 ? dom0 : "?";
	if (!json_is_true(json_object_get(lock, "locked")))
		return strdup("none");
	time = seconds(number(lock, "locked_ns"));
	if (sensing)
		text = format("by domain %" JSON_INTEGER_FORMAT " at %ss, for domain %" JSON_INTEGER_FORMAT
			      " (%s)%s; Dom0 may: %s",
			      number(lock, "by"), time ? time : "?", json_integer_value(sensing), uuid ? uuid : "?",
			      !json_is_true(json_object_get(lock, "alive"))   ? ", WHICH IS GONE"
			      : json_is_true(json_object_get(lock, "paused")) ? ", WHICH IS PAUSED"
									      : "",
			      dom0);
	else
		text = format("by domain %" JSON_INTEGER_FORMAT " at %ss, for nobody; Dom0 may: %s",
			      number(lock, "by"), time ? time : "?", dom0);
	free(time);
	return text;
}

static void print_sensor(const json_t *status)
{
	const json_t *lock;
	char *time = seconds(number(status, "time")), *text;

	fputs("sensor:", stdout);
	print_member("name", json_object_get(status, "name"));
	print_member("uuid", json_object_get(status, "uuid"));
	print_member("version", json_object_get(status, "version"));
	print_member("state", json_object_get(status, "state"));
	print_member("level", json_object_get(status, "level"));
	printf(" time=%ss", time ? time : "?");
	print_member("supervised", json_object_get(status, "supervised"));
	print_member("memory_bytes", json_object_get(status, "memory_bytes"));
	putchar('\n');
	free(time);
	lock = json_object_get(status, "lock");
	if (lock) {
		text = lock_text(lock);
		fputs("lock: ", stdout);
		put_text(stdout, text ? text : "?");
		putchar('\n');
		free(text);
	}
	putchar('\n');
}

void print_status(const json_t *status)
{
	const json_t *probes = json_object_get(status, "probes"), *probe;
	struct libscols_table *table = table_new(status_columns, STATUS_COLUMNS);
	size_t i;

	if (!table)
		return;
	if (json_is_array(probes)) {
		print_sensor(status);
		json_array_foreach(probes, i, probe)
			add_probe(table, probe);
	} else {
		add_probe(table, status);
	}
	table_done(table);
}
