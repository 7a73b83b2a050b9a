// SPDX-License-Identifier: MIT
/*
 * stamp.c - lines of JSON; with --stamp, each says when, on which host and from which sensor.
 *
 * All that is added is one member, the first of the line.  No sensor of ours has one of that name;
 * what another sensor, or one that lies, calls so stays under another name.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../canary/canary.h"
#include "../core/json.h"
#include "ksense.h"

#define STAMP "stamp"
#define OF_THE_RECORD "(stamp)"

/* {"host":...,"sensor":...,"uuid":...}; NULL: no stamps. */
static json_t *whose;

/* === Whose it is ======================================================== */

static json_t *host_name(void)
{
	char name[256] = "", *text;
	json_t *string;

	gethostname(name, sizeof(name) - 1);
	text = harmless(name, strlen(name)); /* the kernel takes any bytes */
	string = text ? json_string(text) : NULL;
	free(text);
	return string;
}

/* A line without a stamp is nobody's: rather none. */
static void whose_is(const json_t *sensor)
{
	json_t *name = json_array_get(sensor, 0), *uuid = json_array_get(sensor, 1);

	json_decref(whose);
	whose = json_pack("{so?sO?sO?}", "host", host_name(), "sensor", name ? name : json_null(),
			  "uuid", uuid ? uuid : json_null());
	if (!whose) {
		say("no memory");
		exit(EXIT_NO_SENSOR);
	}
}

int stamp_sensor(struct ksense *k)
{
	struct ksense_request request = { .command = "discovery" };
	struct ksense_line line;
	json_t *list = NULL;
	int got = ksense_ask(k, &request);

	while (!got && (got = ksense_next(k, &line)) > 0) {
		if (line.kind == KSENSE_ANSWER && !list)
			list = parse_body(&line);
		got = 0;
	}
	/* A name that is no text is left to who reads it, as it is. */
	if (got >= 0 && !ksense_error(k))
		whose_is(json_array_get(list, 0));
	json_decref(list);
	return got < 0 || ksense_error(k) ? -1 : 0;
}

void stamp_host(const json_t *status)
{
	json_t *sensor = json_pack("[O?O?]", json_object_get(status, "name"), json_object_get(status, "uuid"));

	whose_is(sensor);
	json_decref(sensor);
}

/* === Lines ============================================================== */

/* Behind the line's brace. */
static void put_stamp(bool more)
{
	char time[32];
	json_t *stamp;

	canary_time(time);
	stamp = json_pack("{ss}", "time", time);
	json_object_update(stamp, whose);
	fputs("\"" STAMP "\":", stdout);
	put_value(stdout, stamp);
	if (more)
		putchar(',');
	json_decref(stamp);
}

/* The rest of the object, a sensor's word, with its own member of the stamp's name renamed. */
static void put_members(const char *text, size_t bytes)
{
	const char *done = text + 1, *end = text + bytes;
	struct ks_json json;

	ks_json_init(&json, text, bytes, false);
	ks_json_next(&json);
	for (;;) {
		const char *before = json.pos, *quote;

		if (ks_json_next(&json) != KS_JSON_KEY)
			break;
		if (ks_json_is(&json.value, STAMP, strlen(STAMP))) {
			/* The reader may have the name elsewhere, with its escapes resolved. */
			quote = memchr(before, '"', (size_t)(json.pos - before));
			put_json(stdout, done, (size_t)(quote - done));
			fputs("\"" OF_THE_RECORD "\"", stdout);
			done = memchr(quote + 1, '"', (size_t)(end - quote - 1));
			done++;
		}
		if (!ks_json_skip(&json, ks_json_next(&json)))
			break;
	}
	put_json(stdout, done, (size_t)(end - done));
}

static void put_line(const char *text, size_t bytes)
{
	if (whose && *text == '{') {
		putchar('{');
		put_stamp(text[1 + strspn(text + 1, " \t\r")] != '}');
		put_members(text, bytes);
	} else {
		put_json(stdout, text, bytes);
	}
	putchar('\n');
}

/* === Interface ========================================================== */

void print_record_json(const struct ksense_line *line)
{
	put_line(line->body, line->body_bytes);
	if (line->raw_bytes)
		put_bytes(line->raw, line->raw_bytes);
}

void print_json(const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text)
		put_line(text, strlen(text));
	else
		say("no memory for a line");
	free(text);
}
