// SPDX-License-Identifier: MIT
/*
 * test_serve.c - from a request line to reply lines.
 *
 * What could be wrong in the world: a record is given twice, or to nobody; a client dies in the
 * middle of a reply; a hostile one brings a cursor that was never ours; the transport has little
 * room.  Each test makes records, asks, and compares the seqs that came back.
 */
#include "kit.h"
#include "../../core/reply.h"
#include "../../core/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const char *records(const char *target, const char *options)
{
	return kit_seqs(kit_command("records", target, options));
}

static struct ks_probe *alpha(void)
{
	return &kit_sensor.probes[0];
}

/* === discovery, target, id ============================================== */

/* The sensor first, then each probe; names and uuids of the running instances. */
static void discovery(void **state)
{
	json_t *lines = kit_command("discovery", "whatever", NULL), *list;

	(void)state;
	assert_int_equal(json_array_size(lines), 1);
	list = json_array_get(json_object_get(json_array_get(lines, 0), "reply"), 2);
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(json_string_value(json_array_get(json_array_get(list, 0), 0)), "test");
	assert_string_equal(json_string_value(json_array_get(json_array_get(list, 0), 1)), kit_sensor.uuid);
	assert_string_equal(json_string_value(json_array_get(json_array_get(list, 1), 0)), "alpha");
	assert_string_equal(json_string_value(json_array_get(json_array_get(list, 1), 1)), alpha()->uuid);
}

static const char *element(const json_t *lines, size_t line, size_t i)
{
	return json_string_value(json_array_get(json_object_get(json_array_get(lines, line), "reply"), i));
}

/*
 * By name the replies have the name, by uuid the uuid; the closing line has the target as it was
 * given.
 */
static void id_is_what_was_asked_by(void **state)
{
	char uuid[KS_UUID_TEXT];
	json_t *lines;

	(void)state;
	memcpy(uuid, alpha()->uuid, sizeof(uuid));
	kit_records(0, 3, "x");
	lines = kit_command("records", "alpha", "{\"peek\": true}");
	assert_int_equal(kit_count(lines), 3);
	assert_string_equal(element(lines, 0, 0), NONCE);
	assert_string_equal(element(lines, 0, 1), "alpha");
	assert_string_equal(element(lines, 3, 1), "alpha");
	lines = kit_command("records", uuid, "{\"peek\": true}");
	assert_int_equal(kit_count(lines), 3);
	assert_string_equal(element(lines, 0, 1), uuid);
	assert_string_equal(element(lines, 3, 1), uuid);
	lines = kit_command("records", "*", "{\"peek\": true}");
	assert_string_equal(element(lines, 0, 1), "alpha");
	assert_string_equal(element(lines, 3, 1), "*");
	lines = kit_command("records", kit_sensor.uuid, "{\"peek\": true}");
	assert_string_equal(element(lines, 0, 1), alpha()->uuid);
	assert_string_equal(element(lines, 3, 1), kit_sensor.uuid);
}

/* === Every error code ==================================================== */

static void error_codes(void **state)
{
	struct ks_request request;
	struct ks_cursor cursor = { 0 };
	struct ks_writer out;
	char buf[KS_OUT_BYTES];

	(void)state;
	kit_records(0, 5, "x");
	assert_string_equal(kit_word(kit_ask("{\"Virtue")), "error:syntax");
	assert_string_equal(
		kit_word(kit_ask("{\"Virtue-protocol-version\": 0.9, \"request\": [\"" NONCE "\", \"on\", \"a\"]}")),
		"error:version");
	assert_string_equal(
		kit_word(kit_ask("{\"Virtue-protocol-version\": 0.1, \"request\": [\"a\", \"on\", \"a\"]}")),
		"error:nonce");
	assert_string_equal(kit_word(kit_command("onn", "alpha", NULL)), "error:command");
	assert_string_equal(kit_word(kit_command("on", "gamma", NULL)), "error:target");
	assert_string_equal(kit_word(kit_command("records", "gamma", NULL)), "error:target");
	assert_string_equal(kit_word(kit_command("on", "", NULL)), "error:target");
	assert_string_equal(kit_word(kit_command("on", "Alpha", NULL)), "error:target");
	assert_string_equal(kit_word(kit_command("records", "alpha", "{\"maximum\": 1}")), "error:argument");
	assert_string_equal(kit_word(kit_command("status", "alpha", NULL)), "error:command");
	ks_request_too_long(&request, KS_VERSION_NONE);
	ks_writer_init(&out, buf, KS_LINE_MAX);
	assert_int_equal(ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out), KS_SERVED_DONE);
	assert_non_null(memmem(buf, out.len, "\"too-long\"", 10));
	/* An error changes no state and loses no record. */
	assert_string_equal(records("alpha", NULL), "0 1 2 3 4");
}

/* Who may not change states may look, and nothing more. */
static void denied(void **state)
{
	static const char *const commands[] = {
		"on", "off", "low", "default", "high", "adversarial", "increase", "decrease", "reset", "records",
	};

	(void)state;
	kit_records(0, 3, "x");
	kit_caller.control = false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		assert_string_equal(kit_word(kit_command(commands[i], "alpha", NULL)), "error:denied");
	assert_int_equal(alpha()->level, KS_DEFAULT);
	assert_true(alpha()->on);
	/*
	 * A fresh sample announces all that is there: enough of them, and what was recorded before
	 * is pushed out.
	 */
	assert_string_equal(kit_word(kit_command("records", "alpha", "{\"peek\": true, \"run\": true}")),
			    "error:denied");
	assert_int_equal(alpha()->ended, 0);
	assert_string_equal(records("alpha", "{\"peek\": true}"), "0 1 2");
	assert_string_equal(records("alpha", "{\"record\": 1}"), "1");
	assert_string_equal(kit_word(kit_command("discovery", "*", NULL)), "discovery");
	assert_string_equal(kit_word(kit_command_0_2("status", "alpha")), "status");
	kit_caller.control = true;
	assert_string_equal(records("alpha", NULL), "0 1 2");
}

/* A port that wants to know is told of each request that was denied, and of no other. */
static enum ks_command denied_command;
static unsigned int denied_count;

static void note_denied(const struct ks_caller *caller, const struct ks_request *request)
{
	assert_ptr_equal(caller, &kit_caller);
	denied_command = request->command;
	denied_count++;
}

static void denied_is_told(void **state)
{
	(void)state;
	kit_sensor.config.denied = note_denied;
	denied_count = 0;
	kit_command("off", "alpha", NULL);
	kit_command("on", "alpha", NULL);
	kit_caller.control = false;
	kit_command("records", "alpha", "{\"peek\": true}");
	kit_command("off", "nobody", NULL);
	kit_command("offf", "alpha", NULL);
	assert_int_equal(denied_count, 0);
	kit_command("off", "alpha", NULL);
	assert_int_equal(denied_count, 1);
	assert_int_equal(denied_command, KS_CMD_OFF);
	kit_command("records", "alpha", NULL);
	assert_int_equal(denied_count, 2);
	assert_int_equal(denied_command, KS_CMD_RECORDS);
}

/*
 * A probe for which there was no memory as the sensor started stays off: it could not get its
 * tables in a call, which has no time for that.
 */
static void no_memory(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha, &kit_beta };
	static const char *const zero[] = { "seq", "epoch", "pass", "in_row" };
	json_t *lines;

	(void)state;
	kit_prepare(types, 2);
	/* the probes' table, alpha's own, alpha's ring: beta gets none */
	port_allocations_left = 3;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	assert_true(strlen(port_logged) > 0);
	assert_string_equal(kit_word(kit_command("on", "beta", NULL)), "error:no-memory");
	assert_string_equal(kit_word(kit_command("reset", "beta", NULL)), "error:no-memory");
	assert_string_equal(kit_word(kit_command("on", "*", NULL)), "error:no-memory");
	assert_string_equal(kit_word(kit_command("high", "beta", NULL)), "high");
	assert_string_equal(records("beta", NULL), "");
	/*
	 * There is no sample of beta's, and nothing to keep a record in: the reply says so all the
	 * same.
	 */
	lines = kit_command("records", "beta", "{\"run\": true}");
	assert_string_equal(kit_word(lines), "error:argument");
	kit_forget_began();
	lines = kit_command("records", "*", "{\"run\": true, \"filter\": {\"kind\": \"none\"}}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "failed");
	assert_string_equal(kit_text(lines, 0, "probe"), "beta");
	assert_string_equal(kit_text(lines, 0, "class"), "alarm");
	assert_string_equal(kit_text(lines, 0, "why"), "there was no memory for the probe");
	for (size_t i = 0; i < sizeof(zero) / sizeof(*zero); i++)
		assert_true(json_is_integer(json_object_get(kit_record(lines, 0), zero[i])) &&
			    !json_integer_value(json_object_get(kit_record(lines, 0), zero[i])));
	assert_string_equal(kit_word(kit_command_0_2("status", "*")), "status");
	/* However much there is by now. */
	port_allocations_left = -1;
	assert_string_equal(kit_word(kit_command("on", "beta", NULL)), "error:no-memory");
	assert_string_equal(kit_word(kit_command("off", "*", NULL)), "off");
	assert_string_equal(kit_word(kit_command("on", "*", NULL)), "error:no-memory");
	assert_string_equal(kit_word(kit_command("on", "alpha", NULL)), "on");
	assert_true(kit_sensor.probes[0].on);
	assert_false(kit_sensor.probes[1].on);
	kit_stop();
}

/* Wherever memory ends at the start, the sensor starts or does not, and gives everything back. */
static void no_memory_anywhere(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha, &kit_beta };

	(void)state;
	for (long left = 0; left < 8; left++) {
		kit_prepare(types, 2);
		port_allocations_left = left;
		if (!ks_sensor_start(&kit_sensor, &kit_config))
			assert_string_equal(kit_word(kit_command("discovery", "*", NULL)), "discovery");
		kit_stop();
	}
}

/* === Reading ============================================================= */

/* Two requests in a row never give the same record twice, and none is left out. */
static void read_once(void **state)
{
	(void)state;
	kit_records(0, 3, "x");
	assert_string_equal(records("alpha", NULL), "0 1 2");
	assert_string_equal(records("alpha", NULL), "");
	kit_records(0, 2, "x");
	assert_string_equal(records("alpha", NULL), "3 4");
	assert_int_equal(alpha()->delivered, 5);
}

static void peek_takes_nothing(void **state)
{
	(void)state;
	kit_records(0, 3, "x");
	assert_string_equal(records("alpha", "{\"peek\": true}"), "0 1 2");
	assert_string_equal(records("alpha", "{\"peek\": true}"), "0 1 2");
	assert_string_equal(records("alpha", NULL), "0 1 2");
	assert_int_equal(alpha()->delivered, 3);
}

static void one_record(void **state)
{
	(void)state;
	kit_records(0, 5, "x");
	assert_string_equal(records("alpha", "{\"record\": 3}"), "3");
	assert_string_equal(records("alpha", "{\"record\": 3}"), "3");
	assert_string_equal(records("alpha", "{\"record\": 9}"), "");
	assert_string_equal(records("alpha", "{\"record\": 18446744073709551615}"), "");
	/* As published. */
	assert_string_equal(
		kit_seqs(kit_ask("{Virtue-protocol-version: 0.1, request: [" NONCE ", alpha, \"record 2\"]}")), "2");
	assert_string_equal(records("alpha", NULL), "0 1 2 3 4");
	assert_string_equal(records("alpha", "{\"record\": 3}"), ""); /* no longer held */
}

static void since_and_max(void **state)
{
	(void)state;
	kit_records(0, 6, "x");
	assert_string_equal(records("alpha", "{\"since\": 4, \"peek\": true}"), "4 5");
	assert_string_equal(records("alpha", "{\"since\": 6, \"peek\": true}"), "");
	assert_string_equal(records("alpha", "{\"max\": 0}"), "");
	assert_string_equal(records("alpha", "{\"max\": 2}"), "0 1");
	assert_string_equal(records("alpha", "{\"max\": 2}"), "2 3");
	assert_string_equal(records("alpha", "{\"since\": 5}"), "5");
	assert_string_equal(records("alpha", "{\"max\": 18446744073709551615}"), "4");
	/* max is of the reply, not of each probe. */
	kit_records(0, 2, "x");
	kit_records(1, 2, "x");
	assert_string_equal(records("*", "{\"max\": 3}"), "6 7 0");
	assert_string_equal(records("*", NULL), "1");
}

/* What a filter leaves out stays for another request, in order. */
static void filter_leaves_the_rest(void **state)
{
	(void)state;
	kit_records(0, 2, "x");
	kit_records(0, 2, "y");
	kit_records(0, 2, "x");
	assert_string_equal(records("alpha", "{\"filter\": {\"kind\": \"y\"}}"), "2 3");
	assert_string_equal(records("alpha", "{\"filter\": {\"kind\": \"y\"}}"), "");
	assert_string_equal(records("alpha", "{\"filter\": {\"kind\": \"x\", \"n\": 4}}"), "4");
	assert_string_equal(records("alpha", NULL), "0 1 5");
}

/*
 * A filter takes some records, then a request without one takes the others, wherever the seam of
 * the ring lies between them.  (Found by fuzz_exchange: the walk went on from a record that had
 * been given up, and ran out of the ring.)
 */
static void filtered_then_all(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 400; round++) {
		for (unsigned int n = 0; n < (round ? 40 : 200); n++)
			kit_records(0, 1, n % 2 ? "odd" : "even");
		assert_int_equal(
			kit_count(kit_command("records", "alpha", "{\"max\": 20, \"filter\": {\"kind\": \"odd\"}}")),
			20);
		assert_int_equal(kit_count(kit_command("records", "alpha", "{\"max\": 20}")), 20);
		assert_int_equal(alpha()->ring.held, 160);
	}
	assert_int_equal(alpha()->ring.lost_total, 0);
}

/* === Losses ============================================================== */

/*
 * What was pushed out is told once, exactly, before the records that are left; a peek tells it and
 * does not count as told.
 */
static void losses_are_told(void **state)
{
	uint64_t first_held;
	const char *seqs;
	char want[64];

	(void)state;
	kit_records(0, 2000, "x");
	first_held = kit_first_held(0);
	assert_true(first_held > 100);
	snprintf(want, sizeof(want), "lost(0-%u:%u) %u", (unsigned int)first_held - 1, (unsigned int)first_held,
		 (unsigned int)first_held);
	for (int i = 0; i < 2; i++) {
		seqs = records("alpha", "{\"peek\": true, \"max\": 1}");
		assert_string_equal(seqs, want);
	}
	assert_string_equal(records("alpha", "{\"max\": 1}"), want);
	snprintf(want, sizeof(want), "%u", (unsigned int)first_held + 1);
	assert_string_equal(records("alpha", "{\"max\": 1}"), want);
}

/*
 * Delivered, lost and held are all that ever was: 20 rounds of making and taking, the seqs told
 * account for every one.
 */
static void nothing_is_unaccounted(void **state)
{
	uint64_t next = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		json_t *lines;

		kit_records(0, (unsigned int)port_random_below(1200), "x");
		lines = kit_command("records", "alpha", NULL);
		for (size_t i = 0; i < kit_count(lines); i++) {
			if (!strcmp(kit_text(lines, i, "kind"), "lost")) {
				assert_int_equal(kit_number(lines, i, "first"), next);
				next = kit_number(lines, i, "last") + 1;
				assert_int_equal(kit_number(lines, i, "count"), next - kit_number(lines, i, "first"));
			} else {
				assert_int_equal(kit_number(lines, i, "seq"), next++);
			}
		}
		assert_int_equal(next, alpha()->ring.next_seq);
	}
	assert_int_equal(alpha()->delivered + alpha()->ring.lost_total, next);
}

/*
 * Two probes lost as many records as each other: each loss is told, however the records are asked
 * for.
 */
static void losses_of_both(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int n = 0; n < 3; n++)
			ks_ring_drop(&kit_sensor.probes[i].ring, KS_EVENT);
	assert_string_equal(records("*", "{\"peek\": true}"), "lost(0-2:3) lost(0-2:3)");
	assert_string_equal(records("*", NULL), "lost(0-2:3) lost(0-2:3)");
	assert_string_equal(records("*", NULL), "");
}

/* A record that is too long to keep is a loss that is told, not silence. */
static void too_long_to_keep(void **state)
{
	struct ks_writer *text;
	char name[2000];

	(void)state;
	memset(name, 'x', sizeof(name));
	kit_records(0, 1, "x");
	text = ks_record_begin(alpha(), KS_EVENT, KS_NO_SOURCE, "x");
	ks_write_member_str(text, "name", name, sizeof(name));
	ks_record_end(alpha());
	kit_records(0, 1, "x");
	assert_string_equal(alpha()->last_error, "a record was too long to keep");
	assert_string_equal(records("alpha", NULL), "lost(1-1:1) 0 2");
}

/*
 * Who asks for records since a moment is told of the losses since then, and no others; those stay
 * to be told.
 */
static void losses_since(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 3; n++)
		ks_ring_drop(&alpha()->ring, KS_EVENT);
	kit_records(0, 2, "x");
	assert_string_equal(records("alpha", "{\"since\": 2, \"peek\": true}"), "lost(0-2:3) 3 4");
	assert_string_equal(records("alpha", "{\"since\": 3, \"peek\": true}"), "3 4");
	assert_string_equal(records("alpha", "{\"record\": 3}"), "3");
	assert_string_equal(records("alpha", "{\"since\": 3}"), "3 4");
	assert_string_equal(records("alpha", NULL), "lost(0-2:3)");
	assert_string_equal(records("alpha", NULL), "");
}

/*
 * A loss for which there is no room is not told by that: the reply has to wait for more room, and
 * so it has where a probe without memory is told of.
 */
static void loss_needs_room(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha, &kit_beta };
	static const char *const lines[] = {
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"records\", \"alpha\"]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE
		"\", \"records\", \"*\", {\"run\": true, \"filter\": {\"n\": 77}}]}",
	};
	static const char *const want[] = { "\"kind\":\"lost\"", "\"why\":\"there was no memory for the probe\"" };

	(void)state;
	kit_prepare(types, 2);
	/* the probes' table, alpha's own, alpha's ring: beta gets none */
	port_allocations_left = 3;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	kit_forget_began();
	for (size_t i = 0; i < 2; i++) {
		struct ks_cursor cursor = { 0 };
		enum ks_served more = KS_SERVED_MORE;
		struct ks_request request;
		unsigned int told = 0;
		size_t room = 0;

		if (i == 0)
			ks_ring_drop(&alpha()->ring, KS_EVENT);
		ks_request_parse(&request, lines[i], strlen(lines[i]), KS_VERSION_NONE);
		while (more != KS_SERVED_DONE && room < KS_LINE_MAX) {
			char *buf = kit_out(room);
			struct ks_writer out;

			ks_writer_init(&out, buf, room);
			more = ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out);
			kit_out_check(buf, room);
			if (more != KS_SERVED_NO_ROOM)
				told += memmem(buf, out.len, want[i], strlen(want[i])) != NULL;
			free(buf);
			room += more == KS_SERVED_NO_ROOM;
		}
		ks_confirm(&kit_sensor, &request, &cursor);
		assert_int_equal(told, 1);
		assert_true(room > 100 && room < KS_LINE_MAX);
		assert_int_equal(alpha()->ring.lost_count, 0);
	}
	kit_stop();
}

/* === Cursors: replies in many calls ====================================== */

struct client {
	struct ks_request request;
	struct ks_cursor cursor;
	char line[512], buf[KS_OUT_BYTES];
	char seqs[4096];
	enum ks_served more;
};

static void begin(struct client *client, const char *target, const char *options)
{
	snprintf(client->line, sizeof(client->line),
		 "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"records\", \"%s\", %s]}", target,
		 options);
	ks_request_parse(&client->request, client->line, strlen(client->line), KS_VERSION_NONE);
	client->cursor = (struct ks_cursor){ 0 };
	client->seqs[0] = '\0';
	client->more = KS_SERVED_MORE;
}

/* One call, with room for @room bytes; notes the seqs that came. */
static void step(struct client *client, size_t room)
{
	struct ks_writer out;
	const char *at, *end;

	ks_writer_init(&out, client->buf, room);
	client->more = ks_serve(&kit_sensor, &kit_caller, &client->request, &client->cursor, &out);
	/* none of the tests with it asks for a fresh sample */
	assert_true(client->more == KS_SERVED_MORE || client->more == KS_SERVED_DONE);
	for (at = client->buf, end = at + out.len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *why;
		json_t *line = judge_line(at, (size_t)(newline - at) + 1, &why), *record;

		if (!line)
			fail_msg("%s", why);
		record = json_array_get(json_object_get(line, "reply"), 2);
		if (record)
			snprintf(client->seqs + strlen(client->seqs), sizeof(client->seqs) - strlen(client->seqs),
				 "%s%s%lld", *client->seqs ? " " : "",
				 strcmp(json_string_value(json_object_get(record, "kind")), "lost") ? "" : "lost",
				 (long long)json_integer_value(json_object_get(record, "seq")));
		json_decref(line);
		at = newline + 1;
	}
	if (client->more == KS_SERVED_DONE)
		ks_confirm(&kit_sensor, &client->request, &client->cursor);
}

/*
 * A client that goes away in the middle of a reply, after @calls calls: what it did not confirm is
 * given to the next.
 */
static void died_in_the_middle(void **state)
{
	(void)state;
	for (int calls = 1; calls < 12; calls++) {
		struct client client;
		json_t *lines;
		uint64_t next;

		assert_string_equal(kit_word(kit_command("reset", "alpha", NULL)), "reset");
		port_advance(1);
		kit_forget_began();
		kit_records(0, 10, "x");
		begin(&client, "alpha", "{}");
		for (int i = 0; i < calls; i++)
			step(&client, 220); /* room for one record */
		assert_int_equal(client.more, calls < 11 ? KS_SERVED_MORE : KS_SERVED_DONE);
		/*
		 * The last call's record was not confirmed: it is still there; those before are
		 * not.
		 */
		lines = kit_command("records", "alpha", NULL);
		next = calls < 11 ? (uint64_t)calls - 1 : 10;
		assert_int_equal(kit_count(lines), 10 - next);
		for (size_t i = 0; i < kit_count(lines); i++)
			assert_int_equal(kit_number(lines, i, "seq"), next + i);
	}
}

/* A reply for which there is room and time is one call. */
static void in_one_call(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 3, "x");
	begin(&a, "alpha", "{}");
	step(&a, KS_LINE_MAX);
	assert_int_equal(a.more, KS_SERVED_DONE);
	assert_string_equal(a.seqs, "0 1 2");
}

/*
 * A call ends when its time is over: to the nanosecond, from when it began, which the port may
 * say.  One record is looked at in any case, but in the first call: reading the request may have
 * taken all of that time.  Here a look at the clock takes as long as a call may.
 */
static void time_of_a_call(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 3, "x");
	port_look_ns = KS_STEP_BUDGET_NS;
	begin(&a, "alpha", "{\"peek\": true}");
	step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "");
	step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "0");
	port_look_ns = KS_STEP_BUDGET_NS / 2;
	step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "0 1 2");

	port_look_ns = 0;
	kit_caller.began_ns = ks_port_time_ns() - KS_STEP_BUDGET_NS;
	begin(&a, "alpha", "{\"peek\": true}");
	step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "");
	step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "0");
	kit_caller.began_ns++;
	step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "0 1 2");
	assert_int_equal(a.more, KS_SERVED_DONE);
}

/*
 * Records that lie far apart in the same reply are each confirmed: a call goes as far as 64 seqs
 * from the first, and the next goes on.
 */
static void far_apart(void **state)
{
	static const unsigned int second[] = { 1, 62, 63, 64, 65, 200 };

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(*second); i++) {
		struct client a;
		char want[32];

		kit_command("reset", "alpha", NULL);
		port_advance(1);
		kit_forget_began();
		kit_records(0, 1, "asked for");
		kit_records(0, second[i] - 1, "x");
		kit_records(0, 1, "asked for");
		kit_records(0, 100, "x");
		begin(&a, "alpha", "{\"filter\": {\"kind\": \"asked for\"}}");
		step(&a, KS_LINE_MAX);
		snprintf(want, sizeof(want), second[i] < 64 ? "0 %u" : "0", second[i]);
		assert_string_equal(a.seqs, want);
		while (a.more == KS_SERVED_MORE)
			step(&a, KS_LINE_MAX);
		snprintf(want, sizeof(want), "0 %u", second[i]);
		assert_string_equal(a.seqs, want);
		assert_int_equal(alpha()->delivered, 2);
		assert_int_equal(alpha()->ring.held, second[i] - 1 + 100);
		assert_int_equal(kit_count(kit_command("records", "alpha",
						       "{\"peek\": true, \"filter\": {\"kind\": \"asked for\"}}")),
				 0);
	}
}

/*
 * Both probes lost as many records, and for what the second lost there is no room at first: it is
 * told when there is.
 */
static void room_for_the_second_loss(void **state)
{
	struct ks_writer out;
	struct client a;

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int n = 0; n < 3; n++)
			ks_ring_drop(&kit_sensor.probes[i].ring, KS_EVENT);
	begin(&a, "*", "{}");
	step(&a, KS_LINE_MAX);
	assert_int_equal(a.more, KS_SERVED_MORE);
	assert_string_equal(a.seqs, "lost2");
	ks_writer_init(&out, a.buf, 50);
	assert_int_equal(ks_serve(&kit_sensor, &kit_caller, &a.request, &a.cursor, &out), KS_SERVED_NO_ROOM);
	while (a.more == KS_SERVED_MORE)
		step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "lost2 lost2");
	assert_int_equal(kit_sensor.probes[1].ring.lost_count, 0);
}

/*
 * Its probe becomes another instance in the middle of a reply that was asked for by uuid: what is
 * left of it still comes, and nothing beside.
 */
static void another_uuid_in_the_middle(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 4, "x");
	kit_records(1, 4, "x");
	begin(&a, kit_sensor.probes[1].uuid, "{}");
	step(&a, 250);
	assert_string_equal(a.seqs, "0");
	ks_uuid_new(kit_sensor.probes[1].uuid);
	while (a.more == KS_SERVED_MORE)
		step(&a, 250);
	assert_string_equal(a.seqs, "0 1 2 3");
	assert_int_equal(alpha()->ring.held, 4);
}

/* Two replies at the same time, line by line in turn: each is whole and in order. */
static void two_at_once(void **state)
{
	struct client a, b;

	(void)state;
	kit_records(0, 4, "x");
	kit_records(1, 4, "y");
	begin(&a, "alpha", "{}");
	begin(&b, "*", "{\"peek\": true, \"filter\": {\"kind\": \"y\"}}");
	while (a.more == KS_SERVED_MORE || b.more == KS_SERVED_MORE) {
		if (a.more == KS_SERVED_MORE)
			step(&a, 220);
		if (b.more == KS_SERVED_MORE)
			step(&b, 220);
	}
	assert_string_equal(a.seqs, "0 1 2 3");
	assert_string_equal(b.seqs, "0 1 2 3");
	assert_string_equal(records("*", NULL), "0 1 2 3");
}

/*
 * Two who take from the same probe at once: between them nothing is missing, and each record is
 * delivered once in the count.
 */
static void two_takers(void **state)
{
	struct client a, b;

	(void)state;
	kit_records(0, 6, "x");
	begin(&a, "alpha", "{}");
	begin(&b, "alpha", "{}");
	step(&a, 220);
	step(&b, 220);
	while (a.more == KS_SERVED_MORE)
		step(&a, 220);
	while (b.more == KS_SERVED_MORE)
		step(&b, 220);
	assert_string_equal(a.seqs, "0 1 2 3 4 5");
	assert_string_equal(b.seqs, "0"); /* that one at the same moment */
	assert_int_equal(alpha()->delivered, 6);
	assert_int_equal(alpha()->ring.lost_total, 0);
}

/*
 * Records pushed out between their delivery and its confirmation are not lost; those pushed out
 * before their delivery are.
 */
static void pushed_out_after_delivery(void **state)
{
	struct client a;
	json_t *lines;

	(void)state;
	kit_records(0, 4, "x");
	begin(&a, "alpha", "{}");
	step(&a, 400); /* two of them */
	assert_string_equal(a.seqs, "0 1");
	kit_records(0, 2000, "x");
	while (a.more == KS_SERVED_MORE)
		step(&a, KS_LINE_MAX);
	assert_string_equal(a.seqs, "0 1");
	lines = kit_command("records", "alpha", "{\"max\": 0}");
	assert_int_equal(kit_count(lines), 0);
	lines = kit_command("records", "alpha", "{\"max\": 1}");
	assert_string_equal(kit_text(lines, 0, "kind"), "lost");
	assert_int_equal(kit_number(lines, 0, "first"), 2);
	assert_int_equal(kit_number(lines, 0, "count"), kit_number(lines, 0, "last") - 1);
	assert_int_equal(kit_number(lines, 1, "seq"), kit_number(lines, 0, "last") + 1);
	assert_int_equal(alpha()->delivered, 3);
}

/*
 * Who only looks at records takes no place among those that were sent: of these, 64 are
 * remembered.
 */
static void looked_at_is_not_sent(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 200, "x");
	begin(&a, "alpha", "{}");
	step(&a, 250);
	assert_string_equal(a.seqs, "0");
	assert_int_equal(kit_count(kit_command("records", "alpha", "{\"peek\": true}")), 200);
	kit_records(0, 2000, "x");
	assert_true(kit_first_held(0) > 200);
	while (a.more == KS_SERVED_MORE)
		step(&a, 250);
	assert_int_equal(alpha()->delivered, 1);
	assert_int_equal(alpha()->ring.lost_count, kit_first_held(0) - 1);
}

/* Records that come during a reply are not part of it: a reply ends, however fast they come. */
static void ends_while_more_come(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 5, "x");
	begin(&a, "alpha", "{}");
	while (a.more == KS_SERVED_MORE) {
		step(&a, 220);
		kit_records(0, 3, "x");
	}
	assert_string_equal(a.seqs, "0 1 2 3 4");
}

/*
 * A reset in the middle of a reply: what is left of it is about records that are gone; those of
 * the new life stay.
 */
static void reset_in_the_middle(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 5, "x");
	begin(&a, "alpha", "{}");
	step(&a, 400);
	assert_string_equal(kit_word(kit_command("reset", "alpha", NULL)), "reset");
	port_advance(1);
	kit_records(0, 5, "y");
	while (a.more == KS_SERVED_MORE)
		step(&a, 400);
	/* What it was about is gone; the new count begins with who reset it. */
	assert_string_equal(a.seqs, "0 1 0 1 2 3 4 5");
	assert_string_equal(records("alpha", NULL), "");
}

/*
 * A buffer too small for a line: KS_SERVED_NO_ROOM, the size that is enough, and no effect; of
 * every kind of reply.
 */
static void no_room_no_effect(void **state)
{
	static const char *const lines[] = {
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"increase\", \"alpha\"]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"records\", \"alpha\"]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"discovery\", \"*\"]}",
		"{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"status\", \"*\"]}",
		"{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"add\", \"alpha\", \"/a\"]}",
		"{\"Virtue-protocol-version\": 0.1}", "x",
	};

	uint32_t held = 1;

	(void)state;
	kit_records(0, 1, "x");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct ks_request request;
		size_t room;

		ks_request_parse(&request, lines[i], strlen(lines[i]), KS_VERSION_NONE);
		for (room = 0; room < KS_LINE_MAX; room++) {
			struct ks_cursor cursor = { 0 };
			char *buf = kit_out(room);
			struct ks_writer out;
			enum ks_served more;

			ks_writer_init(&out, buf, room);
			more = ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out);
			kit_out_check(buf, room);
			free(buf);
			if (more != KS_SERVED_NO_ROOM)
				break;
			assert_int_equal(out.len, KS_LINE_MAX);
			assert_int_equal(alpha()->level, KS_DEFAULT);
			assert_int_equal(alpha()->ring.held, held);
		}
		held = alpha()->ring.held;
		assert_true(room > 2 && room < KS_LINE_MAX);
		if (i == 0) {
			assert_string_equal(kit_word(kit_command("default", "alpha", NULL)), "default");
			held = alpha()->ring.held;
		}
	}
}

/* However little room there is for each call, the same lines come. */
static void any_room_gives_the_same(void **state)
{
	(void)state;
	kit_records(0, 20, "x");
	kit_records(1, 20, "y");
	for (kit_out_bytes = 200; kit_out_bytes < 1500; kit_out_bytes += 97)
		assert_string_equal(records("*", "{\"peek\": true}"),
				    "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 0 1 2 3 4 5 6 7 8 9 10 11 12 "
				    "13 14 15 16 17 18 19");
}

/* The reply, but for the time in it; free() it. */
static char *status_of_all(void)
{
	json_t *line = json_array_get(kit_command_0_2("status", "*"), 0);
	json_t *sensor = json_array_get(json_object_get(line, "reply"), 2);

	assert_int_equal(json_object_del(sensor, "time"), 0);
	assert_int_equal(json_array_size(json_object_get(sensor, "probes")), 2);
	return json_dumps(line, JSON_COMPACT);
}

static void assert_same_text(const char *expected, char *text)
{
	assert_string_equal(text, expected);
	free(text);
}

/* Whether a reply to @command for all goes on from @stage. */
static bool goes_on(const char *command, uint8_t stage)
{
	struct ks_cursor cursor = { .stage = stage, .probe = 1 };
	struct client client;
	struct ks_writer out;

	snprintf(client.line, sizeof(client.line),
		 "{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"%s\", \"*\"]}", command);
	ks_request_parse(&client.request, client.line, strlen(client.line), KS_VERSION_NONE);
	ks_writer_init(&out, client.buf, KS_LINE_MAX);
	return ks_serve(&kit_sensor, &kit_caller, &client.request, &cursor, &out) != KS_SERVED_CURSOR;
}

/*
 * The status of a sensor is one line, written in as many calls as fit or as there is time for: the
 * longest line that may be sent to Xen costs as much to read as a call may cost, and then one
 * piece comes in each.
 */
static void status_in_pieces(void **state)
{
	char *whole;

	(void)state;
	kit_records(0, 3, "x");
	whole = status_of_all();
	assert_int_equal(kit_calls, 1);
	/* Room for one piece, to all of them. */
	for (kit_out_bytes = 1000; kit_out_bytes < 2500; kit_out_bytes += 97) {
		assert_same_text(whole, status_of_all());
		assert_in_range(kit_calls, 1, kit_out_bytes < 1200 ? 3 : 2);
	}
	/* Time for all of them, to one piece. */
	kit_out_bytes = KS_LINE_MAX;
	for (port_look_ns = KS_STEP_BUDGET_NS / 8; port_look_ns <= KS_STEP_BUDGET_NS; port_look_ns *= 2)
		assert_same_text(whole, status_of_all());
	assert_int_equal(kit_calls, 3);
	port_look_ns = 0;
	/* A cursor in the middle of it is none for another request. */
	assert_false(goes_on("records", KS_STAGE_STATUS));
	assert_false(goes_on("off", KS_STAGE_STATUS));
	assert_true(goes_on("status", KS_STAGE_STATUS));
	assert_false(goes_on("status", KS_STAGE_SEND));
	free(whole);
}

/*
 * More records than one call has time for: the reply goes on in the next, and comes to its end,
 * however slow the machine is. Here each look at the clock costs 20 us, and then more than a
 * call's whole time.
 */
static void slow_machine(void **state)
{
	json_t *lines;

	(void)state;
	kit_records(0, 50, "x");
	for (port_look_ns = 20000; port_look_ns <= 2000000; port_look_ns *= 10) {
		lines = kit_command("records", "*", "{\"peek\": true}");
		assert_int_equal(kit_count(lines), 50);
		lines = kit_command("records", "*", "{\"peek\": true, \"filter\": {\"n\": 49}}");
		assert_int_equal(kit_count(lines), 1);
	}
}

/*
 * A cursor that was never ours, of any bytes: an answer or KS_SERVED_CURSOR, within bounded calls.
 */
static void forged_cursors(void **state)
{
	static const char *const options[] = {
		"{}", "{\"peek\": true}", "{\"run\": true}", "{\"record\": 3}", "{\"filter\": {\"n\": 3}}",
		"{\"max\": 5}",
	};

	(void)state;
	kit_records(0, 50, "x");
	for (int round = 0; round < port_rounds(20000); round++) {
		struct client client;
		struct ks_writer out;

		begin(&client, "*", options[port_random_below(6)]);
		ks_port_random(&client.cursor, sizeof(client.cursor));
		if (round % 2) { /* nearer to a true one */
			client.cursor.stage %= KS_STAGES;
			client.cursor.probe %= 3;
			client.cursor.span %= 65;
			client.cursor.next %= 60;
			client.cursor.end %= 60;
			client.cursor.pass = client.cursor.pass % 4 + 1;
			client.cursor.epoch = alpha()->epoch + client.cursor.epoch % 2;
		}
		for (int calls = 0; client.more == KS_SERVED_MORE; calls++) {
			ks_writer_init(&out, client.buf, KS_LINE_MAX);
			client.more = ks_serve(&kit_sensor, &kit_caller, &client.request, &client.cursor, &out);
			if (client.cursor.flags & KS_PASS_WAITED && calls > 100)
				break; /* waits for a pass that the cursor invented */
			assert_true(calls < 1000);
		}
		if (client.more == KS_SERVED_DONE)
			ks_confirm(&kit_sensor, &client.request, &client.cursor);
		if (round % 100 == 0)
			kit_records(0, 20, "x");
	}
	/* What the cursors took, they took once. */
	assert_int_equal(alpha()->ring.held + alpha()->delivered + alpha()->ring.lost_total, alpha()->ring.next_seq);
}

/*
 * A reply goes on only where one of that request can stand; a cursor that says other is none of
 * ours.
 */
static void cursors_of_no_reply(void **state)
{
	static const struct {
		const char *command, *options;
		struct ks_cursor cursor;
		bool ours;
	} cases[] = {
		{ "records", "{\"peek\": true}", { .stage = KS_STAGE_BEGIN }, true },
		{ "records", "{\"peek\": true}", { .stage = KS_STAGE_CLOSE, .probe = 1 }, true },
		{ "records", "{\"peek\": true}", { .stage = KS_STAGES }, false },
		{ "records", "{\"peek\": true}", { .stage = 255 }, false },
		{ "records", "{\"peek\": true}", { .stage = KS_STAGE_SEND, .probe = 2 }, false },
		{ "records", "{\"peek\": true}", { .stage = KS_STAGE_SEND, .flags = KS_PASS_WAITED }, false },
		{ "records",
		  "{\"peek\": true, \"run\": true}",
		  { .stage = KS_STAGE_SEND, .flags = KS_PASS_WAITED, .pass = 1 },
		  true },
		{ "records", "{\"peek\": true, \"run\": true}", { .stage = KS_STAGE_SEND }, true },
		{ "records", "{\"peek\": 5}", { .stage = KS_STAGE_SEND }, false },
		{ "discovery", NULL, { .stage = KS_STAGE_SEND }, false },
		{ "high", NULL, { .stage = KS_STAGE_BEGIN }, false },
		{ NULL, NULL, { .stage = KS_STAGE_BEGIN }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ks_cursor cursor = cases[i].cursor;
		struct ks_request request;
		char buf[KS_OUT_BYTES], line[512] = "{\"Virtue-protocol-version\": 0.1}";
		enum ks_served more;
		struct ks_writer out;

		if (cases[i].command)
			snprintf(line, sizeof(line),
				 "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"%s\", \"*\"%s%s]}",
				 cases[i].command, cases[i].options ? ", " : "",
				 cases[i].options ? cases[i].options : "");
		ks_request_parse(&request, line, strlen(line), KS_VERSION_NONE);
		ks_writer_init(&out, buf, KS_LINE_MAX);
		more = ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out);
		if (cases[i].ours)
			assert_int_not_equal(more, KS_SERVED_CURSOR);
		else
			assert_int_equal(more, KS_SERVED_CURSOR);
	}
	assert_int_equal(alpha()->level, KS_DEFAULT);
}

/* What was not sent yet is not confirmed, whatever a cursor says. */
static void confirmed_before_it_is_sent(void **state)
{
	struct client a;

	(void)state;
	kit_records(0, 5, "x");
	begin(&a, "alpha", "{}");
	for (uint8_t stage = KS_STAGE_START; stage <= KS_STAGE_BEGIN; stage++) {
		struct ks_cursor cursor = {
			.stage = stage, .next = 5, .span = 5, .sent_bits = 31, .epoch = alpha()->epoch,
		};

		ks_confirm(&kit_sensor, &a.request, &cursor);
		assert_int_equal(alpha()->delivered, 0);
	}
	/* Nor of a probe that there is not. */
	for (unsigned int i = 2; i < 256; i++) {
		struct ks_cursor cursor = {
			.stage = KS_STAGE_SEND, .probe = (uint8_t)i, .next = 5, .span = 5, .sent_bits = 31,
		};

		ks_confirm(&kit_sensor, &a.request, &cursor);
		assert_int_equal(cursor.sent_bits, 31);
	}
}

/*
 * A cursor comes back late: its records have gone, or are far from the place that it has, which is
 * another record's by now.  A call whose time is over looks no farther than one look goes, and
 * goes on in the next; in the end all that is still there is taken, and nothing else.
 */
static void confirmed_late(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha, &kit_beta };
	struct client a;

	(void)state;
	for (unsigned int gone = 0; gone <= 64; gone += 64) {
		unsigned int calls = 0;

		kit_stop();
		kit_prepare(types, 2);
		kit_config.ring_bytes = KS_RING_MAX;
		assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
		kit_forget_began();
		kit_records(0, 1400, "x"); /* not within ten looks */
		for (uint32_t seq = 0; seq < gone; seq++) {
			uint32_t place = KS_NOWHERE;

			ks_ring_deliver(&alpha()->ring, seq, &place);
		}
		begin(&a, "alpha", "{}");
		a.cursor = (struct ks_cursor){
			.stage = KS_STAGE_SEND, .next = 64, .span = 64, .end = 64, .sent_bits = ~0ULL,
			.epoch = alpha()->epoch, .at = alpha()->ring.newest,
		};
		kit_caller.began_ns = 1;
		for (; a.cursor.sent_bits; calls++) {
			uint64_t before = a.cursor.sent_bits;

			step(&a, KS_LINE_MAX);
			assert_int_equal(a.more, KS_SERVED_MORE);
			assert_true(__builtin_popcountll(before ^ a.cursor.sent_bits) ==
				    (calls >= 1335 / KS_RING_WALK_MAX));
		}
		assert_int_equal(alpha()->delivered, 64 - gone);
		assert_int_equal(alpha()->ring.held, 1400 - 64);
		step(&a, KS_LINE_MAX);
		assert_int_equal(a.more, KS_SERVED_DONE);
		assert_string_equal(a.seqs, "");
	}
}

/*
 * A probe is known by a uuid, which it loses as it is started anew, while a request with it is on
 * its way: that names nothing then, and nothing is not the answer.
 */
static unsigned int looks_left;

static void new_uuid(void)
{
	if (looks_left && !--looks_left)
		ks_uuid_new(alpha()->uuid);
}

static void renamed_on_the_way(void **state)
{
	char uuid[KS_UUID_TEXT];

	(void)state;
	kit_records(0, 3, "x");
	for (unsigned int look = 1; look <= 4; look++) {
		json_t *lines;

		memcpy(uuid, alpha()->uuid, sizeof(uuid));
		looks_left = look;
		port_on_look = new_uuid;
		lines = kit_command("records", uuid, "{\"peek\": true}");
		port_on_look = NULL;
		if (json_array_size(lines) == 1)
			assert_string_equal(kit_word(lines), "error:target");
		else
			assert_int_equal(kit_count(lines), 3);
	}
}

/* Who may only look cannot take records with a forged cursor either, whatever the request says. */
static void forged_cursor_of_a_reader(void **state)
{
	static const char *const lines[] = {
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"records\", \"alpha\"]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"discovery\", \"alpha\"]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"records\", \"alpha\", {\"x\": 1}]}",
		"{\"Virtue-protocol-version\": 0.1}",
		"x",
	};

	(void)state;
	kit_records(0, 5, "x");
	kit_caller.control = false;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		for (uint32_t stage = 0; stage < 6; stage++) {
			struct ks_cursor cursor = { .stage = (uint8_t)stage,
						    .end = 100,
						    .next = 5,
						    .span = 5,
						    .sent_bits = ~0ULL,
						    .epoch = alpha()->epoch,
						    .flags = KS_LOSS_SENT };
			struct ks_request request;
			char buf[KS_OUT_BYTES];
			struct ks_writer out;

			ks_request_parse(&request, lines[i], strlen(lines[i]), KS_VERSION_NONE);
			ks_writer_init(&out, buf, KS_LINE_MAX);
			if (ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out) == KS_SERVED_DONE)
				ks_confirm(&kit_sensor, &request, &cursor);
			assert_int_equal(alpha()->ring.held, 5);
			assert_int_equal(alpha()->delivered, 0);
		}
	}
	/* Nor does somebody's discovery with a cursor take anything. */
	kit_caller.control = true;
	assert_string_equal(records("alpha", NULL), "0 1 2 3 4");
}

/*
 * Who loses the right in the middle of a reply is told so there, and what came last stays: for
 * whom it is now, he may not have had it.
 */
static void denied_in_the_middle(void **state)
{
	struct ks_writer out;
	struct client a;

	(void)state;
	kit_records(0, 5, "x");
	begin(&a, "alpha", "{}");
	step(&a, 220);
	assert_int_equal(a.more, KS_SERVED_MORE);
	kit_caller.control = false;
	ks_writer_init(&out, a.buf, KS_LINE_MAX);
	assert_int_equal(ks_serve(&kit_sensor, &kit_caller, &a.request, &a.cursor, &out), KS_SERVED_DONE);
	assert_non_null(memmem(a.buf, out.len, "\"denied\"", 8));
	ks_confirm(&kit_sensor, &a.request, &a.cursor);
	assert_int_equal(alpha()->delivered, 0);
	assert_int_equal(alpha()->ring.held, 5);
	/* here the reply ends */
	assert_memory_equal(&a.cursor, &(struct ks_cursor){ 0 }, sizeof(a.cursor));
}

/* Nor does a reader get a fresh sample with a cursor that is in the middle of waiting for one. */
static void forged_run(void **state)
{
	struct ks_cursor cursor = { .stage = KS_STAGE_BEGIN, .pass = 100, .flags = KS_PASS_WAITED };
	struct ks_writer out;
	struct client a;

	(void)state;
	kit_caller.control = false;
	begin(&a, "alpha", "{\"peek\": true}");
	ks_writer_init(&out, a.buf, KS_LINE_MAX);
	assert_int_equal(ks_serve(&kit_sensor, &kit_caller, &a.request, &cursor, &out), KS_SERVED_CURSOR);
	assert_int_equal(alpha()->ended, 0);
}

/*
 * A ring with far more records than one call can walk over: a reply to peek, and one that begins
 * late, still end.
 */
static void large_ring(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha };
	json_t *lines;

	(void)state;
	kit_prepare(types, 1);
	kit_config.ring_bytes = 64 * 1024 * 1024;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	kit_forget_began();
	kit_records(0, 60000, "x");
	lines = kit_command("records", "alpha", "{\"peek\": true, \"since\": 59990}");
	assert_int_equal(kit_count(lines), 10);
	lines = kit_command("records", "alpha", "{\"record\": 55555}");
	assert_int_equal(kit_count(lines), 1);
	kit_stop();
}

/*
 * Nor is the probe's lock held for as long as a walk over all of them takes: a reply begins at the
 * end that is nearer, and goes on from where it was. What is in the way cannot be read here.
 */
static void no_walk_over_all(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha };
	const size_t part = 1 << 20;
	struct client a;
	uintptr_t cells, used;

	(void)state;
	kit_prepare(types, 1);
	kit_config.ring_bytes = 64 * 1024 * 1024;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	kit_forget_began();
	kit_records(0, 30000, "x");
	cells = ((uintptr_t)alpha()->ring.mem + 4096) & ~4095UL;
	used = alpha()->ring.used_bytes & ~4095UL;
	assert_true(used > 4 * part && alpha()->ring.held == 30000);

	/* To the middle in pieces, one in a call whose time is over; the first has none. */
	begin(&a, "alpha", "{\"peek\": true, \"since\": 15000}");
	kit_caller.began_ns = 1;
	for (int calls = 0; calls < 1 + 15000 / KS_RING_WALK_MAX; calls++)
		step(&a, 250);
	assert_string_equal(a.seqs, "");
	step(&a, 250);
	assert_string_equal(a.seqs, "15000");
	kit_caller.began_ns = 0;
	assert_int_equal(mprotect((void *)cells, used / 2 - part, PROT_NONE), 0);
	assert_int_equal(mprotect((void *)(cells + ((used / 2 + part) & ~4095UL)), used / 2 - part, PROT_NONE), 0);
	step(&a, 250);
	assert_string_equal(a.seqs, "15000 15001");
	assert_int_equal(mprotect((void *)cells, used, PROT_READ | PROT_WRITE), 0);

	assert_int_equal(mprotect((void *)(cells + part), used - 2 * part, PROT_NONE), 0);
	assert_string_equal(records("alpha", "{\"peek\": true, \"since\": 29998}"), "29998 29999");
	assert_string_equal(records("alpha", "{\"peek\": true, \"max\": 2}"), "0 1");
	assert_int_equal(mprotect((void *)cells, used, PROT_READ | PROT_WRITE), 0);
	kit_stop();
}

/* === Raw bytes =========================================================== */

static void make_raw(size_t len)
{
	struct ks_writer *text = ks_record_begin(alpha(), KS_EVENT, KS_NO_SOURCE, "x");
	uint8_t bytes[KS_RAW_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + '\n');
	ks_write_member_count(text, "n", len);
	ks_record_raw(alpha(), "bytes", bytes, len);
	ks_record_end(alpha());
}

/* As hex in the line, or behind it as they are: any bytes, newlines among them, of any length. */
static void raw_bytes(void **state)
{
	static const size_t lengths[] = { 0, 1, 2, 15, 255, 256 };
	json_t *lines;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		make_raw(lengths[i]);
	lines = kit_command("records", "alpha", "{\"peek\": true}");
	assert_int_equal(kit_count(lines), 6);
	assert_string_equal(kit_text(lines, 0, "bytes"), "");
	assert_string_equal(kit_text(lines, 2, "bytes"), "0a11");
	assert_int_equal(strlen(kit_text(lines, 5, "bytes")), 512);
	assert_int_equal(kit_raw_bytes, 0);
	lines = kit_command("records", "alpha", "{\"raw\": true}");
	assert_int_equal(kit_count(lines), 6);
	assert_int_equal(kit_raw_bytes, 0 + 1 + 2 + 15 + 255 + 256);
	for (size_t i = 0; i < 255; i++)
		assert_int_equal((uint8_t)kit_raw[18 + i], (uint8_t)(i * 7 + '\n'));
}

/* Too many raw bytes make the record a loss, and nothing worse. */
static void too_many_raw_bytes(void **state)
{
	static uint8_t bytes[1000];

	(void)state;
	kit_records(0, 3, "x");
	ks_record_begin(alpha(), KS_EVENT, KS_NO_SOURCE, "x");
	ks_record_raw(alpha(), "bytes", bytes, sizeof(bytes));
	ks_record_end(alpha());
	assert_string_equal(records("alpha", NULL), "lost(3-3:1) 0 1 2");
}

/* === Version 0.2 ========================================================= */

/* A probe with a list of one item. */
static char list[KS_ITEM_MAX];
static size_t list_bytes;

static enum ks_edit edit_list(struct ks_probe *probe, bool add, const char *item, size_t bytes)
{
	assert_non_null(probe->data);
	if (add && *item != '/')
		return KS_EDIT_BAD;
	if (!add && (bytes != list_bytes || memcmp(item, list, bytes)))
		return KS_EDIT_BAD;
	if (add && list_bytes)
		return KS_EDIT_FULL;
	memcpy(list, item, bytes);
	list_bytes = add ? bytes : 0;
	return KS_EDIT_DONE;
}

static void start_with_lists(unsigned int lists)
{
	static struct ks_probe_type files[2];
	static const struct ks_probe_type *const types[] = { &kit_alpha, &files[0], &files[1] };

	files[0] = files[1] = kit_alpha;
	files[0].edit = files[1].edit = edit_list;
	files[0].edit_takes = files[1].edit_takes = "the probe takes words";
	files[0].name = "files";
	files[1].name = "more-files";
	list_bytes = 0;
	kit_start(types, 1 + lists);
}

static const char *edit(const char *command, const char *target, const char *item)
{
	char line[8192];

	snprintf(line, sizeof(line),
		 "{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"%s\", \"%s\", %s]}", command,
		 target, item);
	return kit_word(kit_ask(line));
}

/*
 * An item goes into the probe's list as it is without its escapes, and out of it; what the probe
 * does not want is an error.
 */
static void add_and_remove(void **state)
{
	char longest[KS_ITEM_MAX + 3];

	(void)state;
	start_with_lists(1);
	assert_string_equal(edit("add", "files", "\"/\\u0000\\\"a\""), "add");
	assert_int_equal(list_bytes, 4);
	assert_memory_equal(list, "/\0\"a", 4);
	assert_string_equal(edit("add", "files", "\"/b\""), "error:no-memory");
	assert_string_equal(edit("add", "files", "\"b\""), "error:argument");
	assert_string_equal(edit("remove", "files", "\"/b\""), "error:argument");
	assert_int_equal(list_bytes, 4);
	assert_int_equal(kit_sensor.probes[1].removes, 0);
	assert_string_equal(edit("remove", "files", "\"/\\u0000\\u0022\\u0061\""), "remove");
	assert_int_equal(list_bytes, 0);
	assert_string_equal(edit("add", kit_sensor.probes[1].uuid, "\"/b\""), "add");
	/* of all probes, one has a list */
	assert_string_equal(edit("remove", "*", "\"/b\""), "remove");
	assert_int_equal(kit_sensor.probes[1].removes, 2);
	memset(longest, '/', sizeof(longest));
	longest[0] = longest[KS_ITEM_MAX + 1] = '"';
	longest[KS_ITEM_MAX + 2] = '\0';
	assert_string_equal(edit("add", "files", longest), "add");
	assert_int_equal(list_bytes, KS_ITEM_MAX);
	kit_stop();
}

static void add_and_remove_errors(void **state)
{
	(void)state;
	start_with_lists(2);
	for (int add = 0; add < 2; add++) {
		const char *command = add ? "add" : "remove";

		/* has no list */
		assert_string_equal(edit(command, "alpha", "\"/a\""), "error:argument");
		/* more than one has */
		assert_string_equal(edit(command, "*", "\"/a\""), "error:argument");
		assert_string_equal(edit(command, "nobody", "\"/a\""), "error:target");
		assert_string_equal(edit(command, "files", "5"), "error:argument");
		/* 0.1 */
		assert_string_equal(kit_word(kit_command(command, "files", "\"/a\"")), "error:command");
		kit_caller.control = false;
		assert_string_equal(edit(command, "files", "\"/a\""), "error:denied");
		kit_caller.control = true;
		/* One for which there was no memory at its start has no list yet. */
		kit_sensor.probes[1].equipped = false;
		assert_string_equal(edit(command, "files", "\"/a\""), "error:no-memory");
		kit_sensor.probes[1].equipped = true;
	}
	assert_int_equal(list_bytes, 0);
	kit_stop();
}

/* What is wrong is said so that who reads it knows what to do. */
static void messages(void **state)
{
	static const struct {
		bool control;
		const char *command, *target, *rest, *message;
	} cases[] = {
		{ false, "off", "alpha", "", "this caller may not change the state of a probe" },
		{ false, "reset", "alpha", "", "this caller may not change the state of a probe" },
		{ false, "add", "files", ", \"/a\"", "this caller may not change the state of a probe" },
		{ false, "records", "alpha", "", "this caller may not take records: peek only" },
		{ false, "records", "alpha", ", {\"run\": true}", "this caller may not take records: peek only" },
		{ false, "records", "alpha", ", {\"run\": true, \"peek\": true}",
		  "this caller may not have a fresh sample taken: ask without \"run\", or for \"announce\" instead" },
		{ true, "add", "alpha", ", \"/a\"", "this probe has no list that could be changed" },
		{ true, "add", "*", ", \"/a\"", "more than one probe here has a list: name the probe" },
		{ true, "add", "files", ", \"a\"", "the probe takes words" },
		{ true, "remove", "files", ", \"/a\"", "that is not in the probe's list" },
		{ true, "add", "more-files", ", \"/a\"", "there was no memory for the probe" },
		{ true, "on", "more-files", "",
		  "there was no memory for a probe as the sensor started; nothing was changed" },
		{ true, "subscribe", "alpha", "", "no records are pushed here: poll with \"records\"" },
		{ true, "off", "nobody", "", "no probe or sensor of that name or uuid" },
	};
	char line[256];

	(void)state;
	start_with_lists(2);
	kit_sensor.probes[2].equipped = false;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const json_t *error;

		kit_caller.control = cases[i].control;
		snprintf(line, sizeof(line),
			 "{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"%s\", \"%s\"%s]}",
			 cases[i].command, cases[i].target, cases[i].rest);
		error = json_array_get(json_object_get(json_array_get(kit_ask(line), 0), "reply"), 2);
		assert_string_equal(json_string_value(json_object_get(error, "message")), cases[i].message);
	}
	assert_string_equal(edit("add", "files", "\"/a\""), "add");
	snprintf(line, sizeof(line),
		 "{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"add\", \"files\", \"/b\"]}");
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(json_array_get(kit_ask(line), 0), "reply"), 2), "message")),
		"the probe's list is full");
	kit_sensor.probes[2].equipped = true;
	kit_stop();
}

/* A line that is none needs no right: it is answered with what is wrong in it. */
static void errors_need_no_right(void **state)
{
	static const char *const lines[] = {
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"off\", \"alpha\", {}]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"short\", \"off\", \"alpha\"]}",
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE
		"\", \"records\", \"alpha\", {\"run\": true, \"x\": 1}]}",
	};
	struct ks_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		ks_request_parse(&request, lines[i], strlen(lines[i]), KS_VERSION_NONE);
		assert_int_not_equal(request.error, KS_OK);
		assert_false(ks_needs_control(&request));
	}
}

/*
 * Where there is no stream, as in a hypercall, nothing can be pushed; that is said, and how to do
 * without.
 */
static void no_stream(void **state)
{
	(void)state;
	kit_records(0, 3, "x");
	assert_string_equal(kit_word(kit_command_0_2("subscribe", "alpha")), "error:argument");
	assert_string_equal(kit_word(kit_command_0_2("unsubscribe", "alpha")), "error:argument");
	assert_string_equal(kit_word(kit_command("subscribe", "alpha", NULL)), "error:command");
	assert_string_equal(kit_word(kit_command("unsubscribe", "alpha", NULL)), "error:command");
	assert_string_equal(records("alpha", NULL), "0 1 2");
}

static void status(void **state)
{
	json_t *lines, *what;

	(void)state;
	port_advance(1); /* the first pass */
	kit_records(0, 5, "x");
	assert_string_equal(records("alpha", "{\"max\": 2}"), "0 1");
	lines = kit_command_0_2("status", "alpha");
	what = json_array_get(json_object_get(json_array_get(lines, 0), "reply"), 2);
	assert_string_equal(json_string_value(json_object_get(what, "name")), "alpha");
	assert_string_equal(json_string_value(json_object_get(what, "state")), "on");
	assert_string_equal(json_string_value(json_object_get(what, "level")), "default");
	assert_int_equal(json_integer_value(json_object_get(what, "interval_ns")), 4 * SECOND);
	assert_int_equal(json_integer_value(json_object_get(what, "runs")), 1);
	assert_int_equal(json_integer_value(json_object_get(what, "held")), 3);
	assert_int_equal(json_integer_value(json_object_get(what, "delivered")), 2);
	assert_int_equal(json_integer_value(json_object_get(what, "lost")), 0);
	assert_true(json_is_null(json_object_get(what, "last_error")));
	lines = kit_command_0_2("status", "*");
	what = json_array_get(json_object_get(json_array_get(lines, 0), "reply"), 2);
	assert_int_equal(json_array_size(json_object_get(what, "probes")), 2);
}

/*
 * Each member of the status is the number that it is called, and no other's: here all of them are
 * different.
 */
static void status_members(void **state)
{
	const struct {
		const char *name;
		uint64_t value;
	} want[] = {
		{ "interval_ns", 4 * SECOND }, { "epoch", 101 }, { "pass", 102 }, { "runs", 104 },
		{ "pass_start_ns", 105 }, { "whole_pass", 106 },
		{ "whole_start_ns", 107 }, { "sample_pass", 126 }, { "sample_start_ns", 127 }, { "sample_seq", 128 },
		{ "sample_end", 129 }, { "last_run_ns", 1ULL << 40 }, { "longest_run_ns", 109 }, { "steps", 110 },
		{ "longest_step_ns", 111 }, { "held", 112 }, { "delivered", 113 }, { "lost", 114 },
		{ "lost_alarms", 115 }, { "bytes_held", 116 }, { "bytes", 117 }, { "memory_bytes", 118 },
		{ "failures", 119 }, { "restarts", 120 }, { "resets", 121 }, { "reset_ns", 130 },
		{ "removes", 131 }, { "offs", 122 }, { "off_ns", 123 },
		{ "lates", 124 }, { "late_ns", 125 },
	};
	struct ks_probe *probe = alpha();
	const json_t *all, *one;

	(void)state;
	probe->epoch = 101;
	probe->ended = 102;
	probe->in_pass = true;
	probe->passes = 104;
	probe->pass_boot_ns = 1;
	probe->ended_start_ns = 105;
	probe->whole = 106;
	probe->whole_start_ns = 107;
	probe->sample = 126;
	probe->sample_start_ns = 127;
	probe->sample_seq = 128;
	probe->sample_end = 129;
	probe->last_pass_ns = 1ULL << 40;
	probe->longest_pass_ns = 109;
	probe->steps = 1;
	probe->ended_steps = 110;
	probe->longest_step_ns = 111;
	probe->ring.held = 112;
	probe->delivered = 113;
	probe->ring.lost_total = 114;
	probe->ring.share[KS_ALARM].lost = 115;
	probe->ring.used_bytes = 116;
	probe->ring.size = 117;
	probe->memory_bytes = 118;
	probe->failures = 119;
	probe->restarts = 120;
	probe->resets = 121;
	probe->reset_ns = 130;
	probe->removes = 131;
	probe->offs = 122;
	probe->off_ns = 123;
	probe->lates = 124;
	probe->late_ns = 125;
	probe->last_error = "an error";
	probe->on = false;
	kit_sensor.probes[1].memory_bytes = 1000;
	kit_sensor.supervised = 55;
	all = json_array_get(json_object_get(json_array_get(kit_command_0_2("status", "*"), 0), "reply"), 2);
	one = json_array_get(json_object_get(all, "probes"), 0);
	assert_int_equal(json_object_size(one), 5 + sizeof(want) / sizeof(*want));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_true(json_is_integer(json_object_get(one, want[i].name)));
		assert_int_equal(json_integer_value(json_object_get(one, want[i].name)), want[i].value);
	}
	assert_string_equal(json_string_value(json_object_get(one, "uuid")), probe->uuid);
	assert_int_equal(json_string_length(json_object_get(one, "uuid")), 36);
	assert_string_equal(json_string_value(json_object_get(one, "state")), "off");
	assert_string_equal(json_string_value(json_object_get(one, "last_error")), "an error");

	assert_string_equal(json_string_value(json_object_get(all, "name")), "test");
	assert_string_equal(json_string_value(json_object_get(all, "version")), KS_VERSION);
	assert_string_equal(json_string_value(json_object_get(all, "uuid")), kit_sensor.uuid);
	assert_int_equal(json_string_length(json_object_get(all, "uuid")), 36);
	assert_string_equal(json_string_value(json_object_get(all, "state")), "mixed");
	assert_string_equal(json_string_value(json_object_get(all, "level")), "default");
	assert_int_equal(json_integer_value(json_object_get(all, "supervised")), 55);
	assert_int_equal(json_integer_value(json_object_get(all, "memory_bytes")), 1118 + 2 * sizeof(struct ks_probe));
	assert_int_equal(json_integer_value(json_object_get(all, "time")), ks_port_boot_time_ns());
	assert_int_equal(json_array_size(json_object_get(all, "probes")), 2);
}

/* Who asks is told whether he may do everything, or only look. */
static void status_says_who_may_control(void **state)
{
	(void)state;
	for (int control = 0; control < 2; control++) {
		const json_t *reply, *told;

		kit_caller.control = control;
		reply = json_object_get(json_array_get(kit_command_0_2("status", "*"), 0), "reply");
		told = json_object_get(json_array_get(reply, 2), "control");
		assert_true(control ? json_is_true(told) : json_is_false(told));
	}
	assert_null(json_object_get(
		json_array_get(json_object_get(json_array_get(kit_command_0_2("status", "alpha"), 0), "reply"), 2),
		"control"));
}

/* A name that two probes share is a name of both: its status is that of all in one line. */
static void status_of_two_by_one_name(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_beta, &kit_alpha, &kit_alpha };
	const json_t *what;

	(void)state;
	kit_start(types, 3);
	what = json_array_get(json_object_get(json_array_get(kit_command_0_2("status", "alpha"), 0), "reply"), 2);
	assert_int_equal(json_array_size(json_object_get(what, "probes")), 3);
	what = json_array_get(json_object_get(json_array_get(kit_command_0_2("status", "beta"), 0), "reply"), 2);
	assert_null(json_object_get(what, "probes"));
	kit_stop();
}

/*
 * A probe is asked for by its uuid, and another client turns it on in the meantime: it has another
 * uuid then.  That it was there when the request was looked at does not help.
 */
static void status_of_a_uuid_that_is_gone(void **state)
{
	struct ks_cursor cursor = { 0 };
	struct client client;
	struct ks_writer out;

	(void)state;
	snprintf(client.line, sizeof(client.line),
		 "{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", \"status\", \"%s\"]}",
		 alpha()->uuid);
	ks_request_parse(&client.request, client.line, strlen(client.line), KS_VERSION_NONE);
	kit_command("off", "alpha", NULL);
	kit_command("on", "alpha", NULL);
	ks_writer_init(&out, client.buf, KS_LINE_MAX);
	assert_int_equal(ks_serve_status(&kit_sensor, &kit_caller, &client.request, &cursor, &out), KS_SERVED_DONE);
	assert_non_null(memmem(client.buf, out.len, "\"code\":\"target\"", 15));
}

/* === What is the same in all records ===================================== */

/*
 * The clocks of two CPUs differ a little: the time of records does not go back all the same, and
 * goes on as soon as there is a later one.
 */
static void time_does_not_go_back(void **state)
{
	uint64_t now;

	(void)state;
	now = ks_port_boot_time_ns();
	alpha()->last_record_ns = now + 1000;
	kit_records(0, 1, "x");
	port_suspend(999);
	kit_records(0, 1, "x");
	port_suspend(2);
	kit_records(0, 1, "x");
	assert_int_equal(kit_number(kit_command("records", "alpha", "{\"peek\": true}"), 0, "time"), now + 1000);
	assert_int_equal(kit_number(kit_command("records", "alpha", "{\"peek\": true}"), 1, "time"), now + 1000);
	assert_int_equal(kit_number(kit_command("records", "alpha", "{\"peek\": true}"), 2, "time"), now + 1001);
}

/* A record says which probe made it, of which class it is, of which count and of which pass. */
static void common_members(void **state)
{
	static const char *const classes[] = { "sample", "event", "alarm" };
	json_t *lines;

	(void)state;
	alpha()->ended = 7;
	for (unsigned int i = 0; i < 3; i++) {
		alpha()->in_pass = i;
		ks_record_begin(alpha(), (enum ks_class)i, KS_NO_SOURCE, "kind");
		ks_record_end(alpha());
	}
	lines = kit_command("records", "alpha", NULL);
	for (unsigned int i = 0; i < 3; i++) {
		assert_string_equal(kit_text(lines, i, "probe"), "alpha");
		assert_string_equal(kit_text(lines, i, "kind"), "kind");
		assert_string_equal(kit_text(lines, i, "class"), classes[i]);
		assert_int_equal(kit_number(lines, i, "epoch"), alpha()->epoch);
		assert_int_equal(kit_number(lines, i, "pass"), 7 + !!i);
	}
}

/*
 * What a client put into a list stands in the record of it; a long item as far as it fits, and the
 * record says that there is more.
 */
static void item_of_a_command(void **state)
{
	char item[225];

	(void)state;
	memset(item, 'i', sizeof(item));
	for (size_t bytes = 223; bytes <= 225; bytes++)
		ks_record_command(alpha(), KS_CMD_ADD, &kit_caller, item, bytes);
	for (size_t i = 0; i < 3; i++) {
		json_t *lines = kit_command("records", "alpha", "{\"peek\": true}");

		assert_string_equal(kit_text(lines, i, "command"), "add");
		assert_int_equal(strlen(kit_text(lines, i, "item")), i ? 224 : 223);
		assert_int_equal(json_is_true(json_object_get(kit_record(lines, i), "cut")), i == 2);
	}
	ks_record_command(alpha(), KS_CMD_OFF, &kit_caller, NULL, 0);
	assert_null(json_object_get(kit_record(kit_command("records", "alpha", "{\"since\": 3}"), 0), "item"));
}

static void put_own(struct ks_writer *out)
{
	ks_write_lit(out, ",\"own\":\"");
	for (int i = 0; i < KS_STATUS_OWN_MAX - 10; i++)
		ks_write_lit(out, "x");
	ks_write_lit(out, "\"");
}

/*
 * The longest status there can be, of KS_PROBES_MAX probes with the longest numbers and texts, is
 * still one line; each of its pieces fits in a call.
 */
static void longest_status(void **state)
{
	struct ks_probe_type type = kit_alpha;
	const struct ks_probe_type *types[KS_PROBES_MAX];
	char nonce[6 * KS_NONCE_MAX + 1] = "", line[1024];
	json_t *lines;

	(void)state;
	type.name = "dom0-page-tables"; /* threads have names of up to 15 bytes; one more */
	for (int i = 0; i < KS_PROBES_MAX; i++)
		types[i] = &type;
	kit_start(types, KS_PROBES_MAX);
	kit_sensor.config.put_status = put_own;
	for (int i = 0; i < KS_PROBES_MAX; i++) {
		struct ks_probe *probe = &kit_sensor.probes[i];
		uint64_t many = INT64_MAX; /* 19 digits; jansson reads no more */

		for (int level = 0; level < KS_LEVELS; level++)
			type.interval_ns[level] = many;
		probe->level = KS_ADVERSARIAL;
		probe->passes = probe->last_pass_ns = probe->longest_pass_ns = probe->steps = probe->longest_step_ns =
			many;
		probe->delivered = probe->failures = probe->restarts = probe->ring.lost_total = many;
		probe->ring.held = probe->ring.used_bytes = probe->ring.size = UINT32_MAX;
		probe->memory_bytes = UINT32_MAX;
		probe->on = i;
		probe->last_error = "sixty-four bytes are the longest text that says why a step fails";
		assert_int_equal(strlen(probe->last_error), 64);
	}
	kit_sensor.supervised = INT64_MAX;
	for (int i = 0; i < KS_NONCE_MAX; i++)
		strcat(nonce, "\\u0001");
	snprintf(line, sizeof(line), "{\"Virtue-protocol-version\": 0.2, \"request\": [\"%s\", \"status\", \"*\"]}",
		 nonce);
	lines = kit_ask(line);
	assert_int_equal(json_array_size(lines), 1);
	assert_string_equal(kit_word(lines), "status");
	lines = json_array_get(json_object_get(json_array_get(lines, 0), "reply"), 2);
	assert_int_equal(strlen(json_string_value(json_object_get(lines, "own"))), KS_STATUS_OWN_MAX - 10);
	kit_stop();
}

/* === Sessions ============================================================ */

static void session(void **state)
{
	json_t *lines = kit_ask("{\"Virtue-protocol-version\": 0.9}");

	(void)state;
	assert_true(json_number_value(json_object_get(json_array_get(lines, 0), "Virtue-protocol-version")) == 0.2);
	lines = kit_ask("{\"request\": [\"" NONCE "\", \"status\", \"*\"]}");
	assert_string_equal(kit_word(lines), "status");
	assert_true(json_number_value(json_object_get(json_array_get(lines, 0), "Virtue-protocol-version")) == 0.2);
	lines = kit_ask("{\"Virtue-protocol-version\": 0.1}");
	assert_true(json_number_value(json_object_get(json_array_get(lines, 0), "Virtue-protocol-version")) == 0.1);
	assert_string_equal(kit_word(kit_ask("{\"request\": [\"" NONCE "\", \"status\", \"*\"]}")), "error:command");
	lines = kit_ask("{\"Virtue-protocol-version\": 0.01}");
	assert_int_equal(json_object_size(json_array_get(lines, 0)), 0);
}

/* The nonce comes back as it was, whatever bytes are in it. */
static void nonce_is_echoed(void **state)
{
	json_t *lines = kit_ask("{\"Virtue-protocol-version\": 0.1, \"request\": "
				"[\"\\u0000\\n\\\"\\\\\xc3\xa4\xe2\x82\xac\\ud83d\\ude00 abcd\", \"on\", \"*\"]}");
	json_t *nonce = json_array_get(json_object_get(json_array_get(lines, 0), "reply"), 0);

	(void)state;
	assert_int_equal(json_string_length(nonce), 18);
	assert_memory_equal(json_string_value(nonce), "\0\n\"\\\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 abcd", 18);
}

#define with_kit(test) cmocka_unit_test_setup_teardown(test, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_kit(discovery),
		with_kit(id_is_what_was_asked_by),
		with_kit(error_codes),
		with_kit(denied),
		with_kit(denied_is_told),
		with_kit(denied_in_the_middle),
		with_kit(forged_run),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(no_memory_anywhere),
		with_kit(read_once),
		with_kit(peek_takes_nothing),
		with_kit(one_record),
		with_kit(since_and_max),
		with_kit(filter_leaves_the_rest),
		with_kit(filtered_then_all),
		with_kit(losses_are_told),
		with_kit(nothing_is_unaccounted),
		with_kit(losses_of_both),
		with_kit(too_long_to_keep),
		with_kit(losses_since),
		cmocka_unit_test(loss_needs_room),
		with_kit(died_in_the_middle),
		with_kit(in_one_call),
		with_kit(time_of_a_call),
		with_kit(far_apart),
		with_kit(room_for_the_second_loss),
		with_kit(another_uuid_in_the_middle),
		with_kit(two_at_once),
		with_kit(two_takers),
		with_kit(pushed_out_after_delivery),
		with_kit(looked_at_is_not_sent),
		with_kit(ends_while_more_come),
		with_kit(reset_in_the_middle),
		with_kit(no_room_no_effect),
		with_kit(any_room_gives_the_same),
		with_kit(status_in_pieces),
		with_kit(slow_machine),
		with_kit(forged_cursors),
		with_kit(cursors_of_no_reply),
		with_kit(confirmed_before_it_is_sent),
		with_kit(confirmed_late),
		with_kit(renamed_on_the_way),
		with_kit(forged_cursor_of_a_reader),
		cmocka_unit_test(large_ring),
		cmocka_unit_test(no_walk_over_all),
		with_kit(raw_bytes),
		with_kit(too_many_raw_bytes),
		cmocka_unit_test(add_and_remove),
		cmocka_unit_test(add_and_remove_errors),
		cmocka_unit_test(messages),
		with_kit(errors_need_no_right),
		with_kit(no_stream),
		with_kit(status),
		with_kit(status_members),
		with_kit(status_says_who_may_control),
		cmocka_unit_test(status_of_two_by_one_name),
		with_kit(status_of_a_uuid_that_is_gone),
		with_kit(time_does_not_go_back),
		with_kit(common_members),
		with_kit(item_of_a_command),
		cmocka_unit_test(longest_status),
		with_kit(session),
		with_kit(nonce_is_echoed),
	};

	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
