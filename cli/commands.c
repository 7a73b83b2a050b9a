// SPDX-License-Identifier: MIT
/*
 * commands.c - one request, its reply, and how it is shown.
 */
#include <stdio.h>
#include <string.h>

#include "../canary/body.h"
#include "../canary/canary.h"
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

/* Adds the names of an object's members, each in an array of its own. */
static void add_names(json_t *names, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
		json_array_append_new(names, json_pack("[s]", name));
}

static bool has_name(const json_t *names, const char *name)
{
	json_t *pair;
	size_t i;

	json_array_foreach(names, i, pair)
		if (!strcmp(json_string_value(json_array_get(pair, 0)), name))
			return true;
	return false;
}

/*
 * No record fitted: perhaps none can, as there is no such kind, or none has that member.  Of a
 * probe that we do not know nothing is said.
 */
static void say_filters(const struct options *o)
{
	json_t *probes = canary_records(), *kinds = json_array(), *members = json_array(), *of, *kind;
	const char *target = o->request.target ? o->request.target : "*", *probe, *name;
	bool all = !strcmp(target, "*");

	json_object_foreach(probes, probe, of) {
		if (!json_is_object(of) || (!all && strcmp(probe, target)))
			continue;
		add_names(kinds, of);
		json_object_foreach(of, name, kind)
			add_names(members, kind);
	}
	for (size_t i = 0; json_array_size(kinds) && i < o->request.filters_count; i++) {
		const struct ksense_filter *filter = &o->request.filters[i];
		json_t *value = json_loads(filter->value, JSON_DECODE_ANY, NULL);
		bool of_kind = !strcmp(filter->member, "kind") && json_is_string(value);
		const json_t *names = of_kind ? kinds : members;
		const char *word = of_kind ? json_string_value(value) : filter->member;
		const char *nearest = nearest_name(names, word);

		if (!has_name(names, word))
			say("no record%s%s %s '%s'%s%s%s", all ? "" : " of ", all ? "" : target,
			    of_kind ? "is of the kind" : "has a member", word, nearest ? "; did you mean '" : "",
			    nearest ? nearest : "", nearest ? "'?" : "");
		json_decref(value);
	}
	json_decref(members);
	json_decref(kinds);
	json_decref(probes);
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
		say_filters(o);
	return status;
}
