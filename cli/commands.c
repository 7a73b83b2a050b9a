// SPDX-License-Identifier: MIT
/*
 * commands.c - one request, its reply, and how it is shown.
 */
#include <stdio.h>
#include <string.h>

#include "../canary/body.h"
#include "ksense.h"

json_t *parse_body(const struct ksense_line *line)
{
	json_t *body = canary_body(line);

	if (!body)
		say("no memory for what the sensor sent");
	return body;
}

/* === Answers ============================================================ */

static int show_discovery(const json_t *list, bool table)
{
	const json_t *pair;
	size_t i;

	if (table) {
		print_discovery(list);
		return 0;
	}
	json_array_foreach(list, i, pair) {
		json_t *object = json_pack("{sOsO}", "name", json_array_get(pair, 0), "uuid", json_array_get(pair, 1));

		if (!object) {
			say("the sensor's discovery is no list of names and uuids");
			return -1;
		}
		print_json(object);
		json_decref(object);
	}
	return 0;
}

static int show_answer(const struct options *o, const struct ksense_line *line)
{
	json_t *body;
	int got = 0;

	if (o->command == KS_CMD_STATUS && !o->table) {
		print_record_json(line);
		return 0;
	}
	body = parse_body(line);
	if (!body)
		return -1;
	if (o->command == KS_CMD_STATUS)
		print_status(body);
	else
		got = show_discovery(body, o->table);
	json_decref(body);
	return got;
}

/*
 * The word that ends the reply: a new state, a new level, or that a reset or a change of a list
 * was done.
 */
static void show_word(const struct options *o, const struct ksense_line *line)
{
	const char *target = o->request.target ? o->request.target : "*";
	bool state = o->command == KS_CMD_ON || o->command == KS_CMD_OFF;
	bool plain = o->command == KS_CMD_RESET || o->request.item;
	json_t *word = json_stringn(line->word, line->word_bytes), *object;

	if (o->table) {
		put_text(stdout, strcmp(target, "*") ? target : "all probes");
		fputs(state || plain ? ": " : ": level ", stdout);
		print_plain(word);
		if (o->request.item) {
			json_t *item = json_string(o->request.item);

			putchar(' ');
			print_plain(item);
			json_decref(item);
		}
		putchar('\n');
		json_decref(word);
		return;
	}
	object = json_pack("{ssss}", "target", target, "command", o->request.command);
	if (o->request.item)
		json_object_set_new(object, "item", json_string(o->request.item));
	if (plain)
		json_decref(word);
	else
		json_object_set_new(object, state ? "state" : "level", word);
	print_json(object);
	json_decref(object);
}

/* === Refusals =========================================================== */

/* Which of the sensor's names is like the one that it does not know; NULL: none is. */
static const char *nearest_name(const json_t *list, const char *target)
{
	unsigned int best = strlen(target) < 6 ? 2 : 4;
	const char *nearest = NULL;
	const json_t *pair;
	size_t i;

	json_array_foreach(list, i, pair) {
		const char *name = json_string_value(json_array_get(pair, 0));
		unsigned int d = name ? distance(target, name) : best;

		if (d < best) {
			best = d;
			nearest = name;
		}
	}
	return nearest;
}

/* Says which names there are. */
static void say_names(struct ksense *k, const char *target)
{
	struct ksense_request request = { .command = "discovery" };
	struct ksense_line line;
	json_t *list = NULL;
	const char *name;

	if (ksense_ask(k, &request))
		return;
	while (ksense_next(k, &line) > 0)
		if (line.kind == KSENSE_ANSWER && !list)
			list = canary_body(&line);
	name = nearest_name(list, target);
	if (name)
		say("did you mean '%s'?", name);
	else if (list)
		say("'ksense discovery' lists the names");
	json_decref(list);
}

/* Of the records that are held, the names of their members: an array of arrays of one name. */
static json_t *member_names(struct ksense *k, const char *target)
{
	struct ksense_request request = { .command = "records", .target = target, .peek = true };
	json_t *names = json_array(), *seen = json_object();
	struct ksense_line line;

	if (ksense_ask(k, &request))
		goto end;
	while (ksense_next(k, &line) > 0) {
		json_t *record = line.kind == KSENSE_RECORD ? canary_body(&line) : NULL, *value;
		const char *member;

		json_object_foreach(record, member, value)
			if (!json_object_get(seen, member) && !json_object_set(seen, member, value))
				json_array_append_new(names, json_pack("[s]", member));
		json_decref(record);
	}
end:
	json_decref(seen);
	return names;
}

/* No record fitted: perhaps none can, as none has that member. */
static void say_members(struct ksense *k, const struct options *o)
{
	json_t *names = member_names(k, o->request.target);
	size_t i, j;
	json_t *pair;

	for (i = 0; json_array_size(names) && i < o->request.filters_count; i++) {
		const char *member = o->request.filters[i].member, *nearest = nearest_name(names, member);
		bool there = false;

		json_array_foreach(names, j, pair)
			there |= !strcmp(json_string_value(json_array_get(pair, 0)), member);
		if (!there)
			say("none of the records that are held has a member '%s'%s%s%s", member,
			    nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
	}
	json_decref(names);
}

int report_reply(struct ksense *k, const struct options *o)
{
	int status = report(k);

	if (ksense_error(k) == KSENSE_TARGET && o->request.target)
		say_names(k, o->request.target);
	return status;
}

/* === Interface ========================================================== */

/*
 * One line of the reply.  The exit status so far; @records: where a table is to be made of them.
 */
static int show_line(const struct ksense *k, const struct options *o, const struct ksense_line *line, json_t *records,
		     uint64_t taken)
{
	json_t *record;

	switch (line->kind) {
	case KSENSE_RECORD:
		if (o->table) {
			record = parse_body(line);
			return record && !json_array_append_new(records, record) ? EXIT_DONE : EXIT_NO_SENSOR;
		}
		print_record_json(line);
		/* Where the medium leaves it to us, what is not written is not confirmed. */
		return !ksense_buffered(k) && flush_output(taken) ? EXIT_SAID_ERROR : EXIT_DONE;
	case KSENSE_ANSWER:
		return show_answer(o, line) ? EXIT_NO_SENSOR : EXIT_DONE;
	case KSENSE_DONE:
		if (o->command != KS_CMD_RECORDS)
			show_word(o, line);
		return EXIT_DONE;
	default:
		return EXIT_DONE; /* a refusal: report() tells it */
	}
}

int run_command(struct ksense *k, const struct options *o)
{
	bool consumes = o->command == KS_CMD_RECORDS && !o->request.peek && !o->request.has_record;
	json_t *records = json_array();
	struct ksense_line line;
	uint64_t taken = 0, shown = 0;
	int got = -1, status = EXIT_DONE;

	if (!ksense_ask(k, &o->request)) {
		while (!status && (got = ksense_next(k, &line)) > 0) {
			shown += line.kind == KSENSE_RECORD;
			taken += consumes && line.kind == KSENSE_RECORD;
			status = show_line(k, o, &line, records, taken);
		}
	}
	/* What was taken is shown, also when the reply broke off. */
	if (o->table && o->command == KS_CMD_RECORDS && (json_array_size(records) || (!got && !ksense_error(k))))
		print_records(records, o->wide);
	json_decref(records);
	if (status == EXIT_SAID_ERROR)
		return status; /* the output failed, and that was said */
	if (flush_output(taken))
		return EXIT_SAID_ERROR;
	if (!status)
		status = report_reply(k, o);
	if (!status && !shown && o->request.filters_count)
		say_members(k, o);
	return status;
}
