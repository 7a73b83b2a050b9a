// SPDX-License-Identifier: MIT
/*
 * test_sensor.c - the sensor as parent of its probes.
 *
 * What could be wrong in the world: a probe's thread is lost, a probe fails again and again or
 * never ends a pass, an attacker hides between two moments that he can foretell.  Time is the
 * test's own (port.h): each test lets it go on and looks what ran, and when.
 */
#include "kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* === A probe to order ==================================================== */

static struct {
	enum ks_step result;        /* of each step */
	unsigned int steps_of_pass; /* a pass takes so many */
	const char *why;            /* it fails; NULL: "told to fail" */
	unsigned int steps, passes, resets;
	uint64_t began[4096];       /* when each pass began */
	uint64_t takes_ns;          /* each step takes so long */
	void (*meanwhile)(struct ks_probe *p); /* called once, in the middle of a step */
} probe;

static int ordered_init(struct ks_probe *p)
{
	(void)p;
	return 0;
}

static void ordered_exit(struct ks_probe *p)
{
	(void)p;
}

static void ordered_reset(struct ks_probe *p)
{
	(void)p;
	probe.resets++;
}

static enum ks_step ordered_step(struct ks_probe *p, uint64_t deadline_ns)
{
	static unsigned int left;
	void (*meanwhile)(struct ks_probe *) = probe.meanwhile;

	(void)deadline_ns;
	probe.steps++;
	port_suspend(probe.takes_ns);
	probe.meanwhile = NULL;
	if (meanwhile)
		meanwhile(p);
	if (p->first_step) {
		left = probe.steps_of_pass;
		probe.began[probe.passes++ % 4096] = ks_port_time_ns();
	}
	if (probe.result == KS_STEP_FAILED) {
		ks_probe_failed(p, probe.why ? probe.why : "told to fail");
		return KS_STEP_FAILED;
	}
	if (--left)
		return KS_STEP_MORE;
	if (p->announce) {
		ks_record_begin(p, KS_EVENT, KS_NO_SOURCE, "announced");
		ks_record_end(p);
	}
	return KS_STEP_DONE;
}

static const struct ks_probe_type ordered = {
	.name = "ordered",
	.interval_ns = { 8 * SECOND, 4 * SECOND, 2 * SECOND, 1 * SECOND },
	.pause_ns = { 1000000, 1000000, 1000000, 0 },
	.init = ordered_init, .exit = ordered_exit, .reset = ordered_reset, .step = ordered_step,
};

static const struct ks_probe_type *const types[] = { &ordered, &kit_beta };

/* Where a test changes something of that type: a sensor with such a probe alone. */
static struct ks_probe_type changed;
static const struct ks_probe_type *const changed_only[] = { &changed };

static void start_changed(void)
{
	kit_stop();
	kit_start(changed_only, 1);
}

static int setup(void **state)
{
	(void)state;
	memset(&probe, 0, sizeof(probe));
	probe.result = KS_STEP_DONE;
	probe.steps_of_pass = 1;
	kit_start(types, 2);
	kit_forget_began();
	return 0;
}

static const char *word(const char *command, const char *target)
{
	return kit_word(kit_command(command, target, NULL));
}

static struct ks_probe *first(void)
{
	return &kit_sensor.probes[0];
}

static const char *records(const char *options)
{
	return kit_seqs(kit_command("records", "ordered", options));
}

/* === States ============================================================== */

/*
 * Every command from every one of the eight states, to one probe: the answer and the state after
 * it.
 */
static void every_state_every_command(void **state)
{
	static const char *const commands[] = {
		"off", "on", "increase", "decrease", "low", "default", "high", "adversarial", "reset",
	};
	static const char *const levels[] = { "low", "default", "high", "adversarial" };

	(void)state;
	for (int on = 0; on < 2; on++) {
		for (int level = 0; level < 4; level++) {
			for (size_t c = 0; c < 9; c++) {
				int want_on = on, want_level = level;
				const char *want = commands[c];

				assert_string_equal(word(levels[level], "ordered"), levels[level]);
				assert_string_equal(word(on ? "on" : "off", "ordered"), on ? "on" : "off");
				if (c < 2)
					want_on = (int)c;
				else if (c == 2)
					want_level += level < 3;
				else if (c == 3)
					want_level -= level > 0;
				else if (c < 8)
					want_level = (int)c - 4;
				else
					want_on = 1, want_level = KS_DEFAULT;
				if (c >= 2 && c < 8)
					want = levels[want_level];
				assert_string_equal(word(commands[c], "ordered"), want);
				assert_int_equal(first()->on, want_on);
				assert_int_equal(first()->level, want_level);
			}
		}
	}
}

/*
 * To the sensor or to "*" a command goes to each probe and is answered once: what all have, or
 * "mixed".
 */
static void to_all(void **state)
{
	(void)state;
	assert_string_equal(word("high", "*"), "high");
	assert_string_equal(word("low", "ordered"), "low");
	assert_string_equal(word("increase", "*"), "mixed");
	assert_int_equal(first()->level, KS_DEFAULT);
	assert_int_equal(kit_sensor.probes[1].level, KS_ADVERSARIAL);
	assert_string_equal(word("increase", "test"), "mixed");
	assert_string_equal(word("increase", kit_sensor.uuid), "adversarial");
	assert_string_equal(word("increase", "*"), "adversarial");
	assert_string_equal(word("off", "*"), "off");
	assert_false(first()->on || kit_sensor.probes[1].on);
	assert_string_equal(word("on", "test"), "on");
	assert_true(first()->on && kit_sensor.probes[1].on);
	assert_string_equal(word("reset", "*"), "reset");
	assert_int_equal(first()->level, KS_DEFAULT);
}

/* A stopped probe does nothing and keeps its records; started again it goes on at once. */
static void off_and_on(void **state)
{
	unsigned int steps;

	(void)state;
	port_advance(10 * SECOND);
	kit_records(0, 3, "x");
	assert_string_equal(word("off", "ordered"), "off");
	steps = probe.steps;
	assert_true(steps > 0);
	port_advance(3600 * SECOND);
	assert_int_equal(probe.steps, steps);
	assert_int_equal(first()->restarts, 0); /* being off is no trouble */
	assert_string_equal(records("{\"peek\": true}"), "0 1 2 3");
	assert_string_equal(word("on", "ordered"), "on");
	port_advance(1);
	assert_int_equal(probe.steps, steps + 1);
	/* 3 and 4: that it was turned off, and on */
	assert_string_equal(records("{}"), "0 1 2 3 4");
}

/*
 * Each start is another instance: the uuid of before names nothing any more.  "on" for what is on
 * is no start.
 */
static void new_uuid_at_each_start(void **state)
{
	char before[KS_UUID_TEXT];

	(void)state;
	memcpy(before, first()->uuid, sizeof(before));
	assert_string_equal(word("on", "ordered"), "on");
	assert_string_equal(first()->uuid, before);
	assert_string_equal(word("off", before), "off");
	assert_string_equal(word("on", before), "on");
	assert_string_not_equal(first()->uuid, before);
	assert_string_equal(word("off", before), "error:target");
	assert_int_equal(before[14], '4'); /* RFC 4122, version 4 */
	assert_non_null(strchr("89ab", before[19]));
}

/* Reset: as after start, with nothing kept: records, counters, level, and what the probe knew. */
static void reset(void **state)
{
	(void)state;
	port_advance(10 * SECOND);
	kit_records(0, 2000, "x");
	assert_string_equal(word("adversarial", "ordered"), "adversarial");
	assert_string_equal(word("off", "ordered"), "off");
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_int_equal(first()->level, KS_DEFAULT);
	assert_true(first()->on);
	assert_int_equal(first()->passes + first()->steps + first()->delivered + first()->ring.lost_total, 0);
	assert_string_equal(records("{}"), "0");
	port_advance(1);
	assert_int_equal(probe.resets, 1);
	kit_records(0, 1, "x");
	assert_string_equal(records("{}"), "1");
}

/* The level at start and the off switch of the configuration hold. */
static void configured_states(void **state)
{
	(void)state;
	kit_prepare(types, 2);
	kit_config.levels[0] = KS_HIGH;
	kit_config.off[1] = true;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	assert_int_equal(first()->level, KS_HIGH);
	assert_false(kit_sensor.probes[1].on);
	assert_string_equal(word("low", "ordered"), "low");
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_int_equal(first()->level, KS_HIGH);
	kit_stop();
}

/* === Moments ============================================================= */

/* Below `high` a pass begins one interval after the end of the last. */
static void regular_below_high(void **state)
{
	(void)state;
	port_advance(100 * SECOND);
	assert_in_range(probe.passes, 25, 26);
	for (unsigned int i = 1; i < probe.passes; i++)
		assert_in_range(probe.began[i] - probe.began[i - 1], 4 * SECOND, 4 * SECOND + 100000);
	assert_string_equal(word("low", "ordered"), "low");
	probe.passes = 0;
	port_advance(100 * SECOND);
	assert_in_range(probe.passes, 12, 13);
}

/*
 * From `high` on nobody can tell: anything from nothing to twice the mean, the mean as it should
 * be, hardly two alike.
 */
static void random_from_high_on(void **state)
{
	static const char *const levels[] = { "high", "adversarial" };

	(void)state;
	for (uint64_t l = 0; l < 2; l++) {
		uint64_t mean = (l ? 1 : 2) * SECOND, sum = 0;
		unsigned int below = 0, alike = 0, n;

		assert_string_equal(word(levels[l], "ordered"), levels[l]);
		port_advance(10 * SECOND);
		probe.passes = 0;
		port_advance(1000 * mean);
		n = probe.passes - 1;
		assert_in_range(n, 900, 1100);
		for (unsigned int i = 1; i <= n; i++) {
			uint64_t gap = probe.began[i] - probe.began[i - 1];

			assert_true(gap <= 2 * mean + 100000);
			below += gap < mean;
			alike += i > 1 && gap == probe.began[i - 1] - probe.began[i - 2];
			sum += gap;
		}
		assert_in_range(sum / n, mean * 9 / 10, mean * 11 / 10);
		assert_in_range(below, n * 4 / 10, n * 6 / 10);
		assert_true(alike < 3);
	}
}

/* A higher level takes effect at once, not only after a long interval of the old one. */
static void level_counts_at_once(void **state)
{
	(void)state;
	assert_string_equal(word("low", "ordered"), "low");
	port_advance(SECOND);
	probe.passes = 0;
	assert_string_equal(word("adversarial", "ordered"), "adversarial");
	port_advance(2 * SECOND + 1);
	assert_true(probe.passes >= 1);
}

/* A pass of many steps pauses between them: what it leaves to others. */
static void steps_with_pauses(void **state)
{
	uint64_t before;

	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 50;
	before = probe.steps;
	port_advance(3 * SECOND + 20 * 1000000);
	assert_in_range(probe.steps - before, 18, 22);
	port_advance(SECOND);
	assert_int_equal(probe.steps - before, 50);
	assert_int_equal(first()->passes, 2);
}

/* === The supervisor ====================================================== */

/*
 * A probe whose work no longer runs is started anew within some seconds, as another instance, and
 * a record says so.
 */
static void overdue_is_restarted(void **state)
{
	char before[KS_UUID_TEXT];
	json_t *lines;
	unsigned int passes;

	(void)state;
	port_advance(SECOND);
	memcpy(before, first()->uuid, sizeof(before));
	passes = probe.passes;
	port_lose(&first()->work);
	port_advance(15 * SECOND);
	assert_true(probe.passes > passes);
	assert_int_equal(first()->restarts, 1);
	assert_string_not_equal(first()->uuid, before);
	lines = kit_command("records", "ordered", NULL);
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "restarted");
	assert_string_equal(kit_text(lines, 0, "was"), before);
	assert_string_equal(kit_text(lines, 0, "uuid"), first()->uuid);
	assert_true(strlen(kit_text(lines, 0, "why")) > 0);
	assert_int_equal(kit_sensor.probes[1].restarts, 0);
}

/* A probe that fails again and again is started anew; its status says why. */
static void failing_is_restarted(void **state)
{
	(void)state;
	port_advance(SECOND);
	probe.result = KS_STEP_FAILED;
	port_advance(30 * SECOND);
	assert_true(first()->restarts >= 1);
	assert_true(first()->failures >= 3);
	assert_string_equal(first()->last_error, "told to fail");
	probe.result = KS_STEP_DONE;
	port_advance(30 * SECOND);
	assert_int_equal(first()->failed_in_row, 0);
}

/* One failure is no reason. */
static void one_failure_is_nothing(void **state)
{
	(void)state;
	port_advance(SECOND);
	probe.result = KS_STEP_FAILED;
	port_advance(4 * SECOND);
	probe.result = KS_STEP_DONE;
	port_advance(60 * SECOND);
	assert_int_equal(first()->failures, 1);
	assert_int_equal(first()->restarts, 0);
}

/* === A fresh sample on request =========================================== */

/*
 * "run" gives what a pass that began after the request saw, though the next regular one is far
 * away.
 */
static void run_takes_a_fresh_sample(void **state)
{
	json_t *lines;

	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 7;
	lines = kit_command("records", "ordered", "{\"run\": true}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "announced");
	assert_int_equal(first()->passes, 2);
	assert_string_equal(records("{\"run\": true}"), "1");
	assert_string_equal(records("{}"), "");
}

/* In the middle of a pass: that one is not fresh, the next is. */
static void run_in_the_middle_of_a_pass(void **state)
{
	(void)state;
	probe.steps_of_pass = 10;
	port_advance(5 * 1000000);
	assert_true(first()->in_pass);
	assert_string_equal(records("{\"run\": true}"), "0");
	assert_int_equal(first()->passes, 2);
}

/* A probe that is off has no fresh sample; among several, the others have. */
static void run_of_what_is_off(void **state)
{
	(void)state;
	port_advance(SECOND);
	assert_string_equal(word("off", "ordered"), "off");
	assert_string_equal(kit_word(kit_command("records", "ordered", "{\"run\": true}")), "error:argument");
	/* 0: that it was turned off; 1: that this sample is not to be had. */
	assert_string_equal(kit_seqs(kit_command("records", "*", "{\"run\": true}")), "0 1");
	assert_int_equal(kit_sensor.probes[1].passes, 2);
}

/*
 * A probe that cannot complete a pass: "run" gives what records there are, and ends with one that
 * says so.
 */
static void run_of_what_fails(void **state)
{
	(void)state;
	port_advance(SECOND);
	kit_records(0, 2, "x");
	probe.result = KS_STEP_FAILED;
	assert_string_equal(records("{\"run\": true}"), "0 1 2");
}

/*
 * A reset in the middle of a reply that waits for a fresh sample: it ends soon, not after as many
 * passes as there were before.
 */
static void reset_during_run(void **state)
{
	char line[] = "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE
		      "\", \"records\", \"ordered\", {\"run\": true}]}";
	struct ks_cursor cursor = { 0 };
	struct ks_request request;
	char buf[KS_OUT_BYTES];
	struct ks_writer out;
	enum ks_served more = KS_SERVED_MORE;
	unsigned int passes;

	(void)state;
	port_advance(400 * SECOND);
	probe.steps_of_pass = 3;
	ks_request_parse(&request, line, strlen(line), KS_VERSION_NONE);
	ks_writer_init(&out, buf, KS_LINE_MAX);
	assert_int_equal(ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out), KS_SERVED_MORE);
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_true(cursor.pass);
	passes = probe.passes;
	for (int i = 0; i < 100 && more == KS_SERVED_MORE; i++) {
		ks_writer_init(&out, buf, KS_LINE_MAX);
		more = ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out);
	}
	assert_int_equal(more, KS_SERVED_DONE);
	assert_true(probe.passes <= passes + 2);
}

/* A step that never ends, in another thread: "run" does not wait for it for ever. */
static void run_of_what_hangs(void **state)
{
	(void)state;
	port_advance(SECOND);
	first()->busy = true;
	first()->step_start_ns = ks_port_time_ns();
	port_advance(20 * SECOND);
	assert_string_equal(kit_word(kit_command("records", "ordered", "{\"run\": true}")), "error:busy");
	assert_string_equal(first()->last_error, "a step does not end");
	kit_records(0, 2, "x");
	assert_string_equal(records("{}"), "0 1 2");
	first()->busy = false;
	port_advance(20 * SECOND);
	assert_true(first()->passes > 1);
}

/*
 * A probe whose steps only its own work may make: who asks for a fresh sample waits for it, and it
 * is made now, not when the next regular one is due.
 */
static void run_in_its_work(void **state)
{
	static struct ks_probe_type in_work;
	static const struct ks_probe_type *const only[] = { &in_work };
	unsigned int steps;
	uint32_t pass;

	(void)state;
	in_work = ordered;
	in_work.in_work = true;
	memset(&probe, 0, sizeof(probe));
	probe.steps_of_pass = 3;
	probe.result = KS_STEP_DONE;
	kit_start(only, 1);
	kit_forget_began();
	port_advance(SECOND);
	steps = probe.steps;
	pass = ks_probe_want_pass(first());
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(ks_probe_drive(first(), pass, UINT64_MAX), KS_DRIVE_NOT);
	assert_int_equal(probe.steps, steps);
	port_advance(5 * 1000000);
	assert_int_equal(probe.steps, steps + 3);
	assert_int_equal(ks_probe_drive(first(), pass, UINT64_MAX), KS_DRIVE_REACHED);
	assert_int_equal(kit_count(kit_command("records", "ordered", NULL)), 1);
	/* And nothing of it is left: the next pass is a regular one again. */
	port_advance(SECOND);
	assert_int_equal(probe.steps, steps + 3);
}

/*
 * A call whose time is over before it comes to the step, as a line that takes long to read can see
 * to, makes none: the probe's own work does, now and not when the next regular one is due.
 */
static void run_without_time(void **state)
{
	unsigned int steps;
	uint32_t pass;

	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 3;
	steps = probe.steps;
	pass = ks_probe_want_pass(first());
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(ks_probe_drive(first(), pass, ks_port_time_ns()), KS_DRIVE_NOT);
	assert_int_equal(probe.steps, steps);
	port_advance(5 * 1000000);
	assert_int_equal(probe.steps, steps + 3);
	assert_int_equal(ks_probe_drive(first(), pass, ks_port_time_ns()), KS_DRIVE_REACHED);
	pass = ks_probe_want_pass(first());
	assert_int_equal(ks_probe_drive(first(), pass, ks_port_time_ns() + 1), KS_DRIVE_MORE);
	assert_int_equal(probe.steps, steps + 4);
}

/*
 * A reset while a step is under way: what that step still records is of the time before, and is
 * not kept.
 */
static void records_of_before_a_reset(void **state)
{
	(void)state;
	port_advance(SECOND);
	assert_string_equal(word("reset", "ordered"), "reset");
	kit_records(0, 3, "x");
	port_advance(1);
	assert_string_equal(records("{}"), "0"); /* that it was reset */
	kit_records(0, 1, "x");
	assert_string_equal(records("{}"), "1");
}

/* === What the sensor says of itself ====================================== */

static const json_t *last_of(const json_t *lines)
{
	return kit_record(lines, kit_count(lines) - 1);
}

static const char *member(const json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text ? text : "(no string)";
}

static uint64_t count_of(const json_t *record, const char *name)
{
	assert_true(json_is_integer(json_object_get(record, name)));
	return (uint64_t)json_integer_value(json_object_get(record, name));
}

static json_t *all(const char *options)
{
	return kit_command("records", "ordered", options);
}

/*
 * Record 0 of a count says how it began: the first one with the sensor, each other one by whose
 * hand, and what that hand took away.
 */
static void counts_begin_with_a_record(void **state)
{
	const json_t *record, *before;
	uint64_t epoch;

	(void)state;
	kit_stop();
	kit_start(types, 2);
	record = kit_record(all("{\"peek\": true}"), 0);
	assert_int_equal(count_of(record, "seq"), 0);
	assert_string_equal(member(record, "kind"), "began");
	assert_string_equal(member(record, "why"), "start");
	assert_null(json_object_get(record, "by"));
	epoch = count_of(record, "epoch");
	assert_int_equal(epoch, first()->epoch);
	assert_int_equal(first()->reset_ns, 0);

	kit_records(0, 4, "x");
	port_advance(SECOND);
	kit_caller.id = 1000;
	kit_caller.pid = 77;
	assert_string_equal(word("reset", "ordered"), "reset");
	record = kit_record(all("{}"), 0);
	assert_int_equal(count_of(record, "seq"), 0);
	assert_string_equal(member(record, "class"), "alarm");
	assert_string_equal(member(record, "why"), "reset");
	assert_int_equal(count_of(json_object_get(record, "by"), "uid"), 1000);
	assert_int_equal(count_of(json_object_get(record, "by"), "pid"), 77);
	assert_int_not_equal(count_of(record, "epoch"), epoch);
	assert_int_equal(count_of(record, "resets"), 1);
	before = json_object_get(record, "before");
	assert_int_equal(count_of(before, "epoch"), epoch);
	assert_int_equal(count_of(before, "next_seq"), 5);
	assert_int_equal(count_of(before, "unread"), 5);
	assert_int_equal(count_of(before, "lost"), 0);
	/* And so does the status, for as long as the sensor runs: it has the time. */
	assert_int_equal(first()->reset_ns, ks_port_boot_time_ns());

	/* A domain resets it again, from Xen's side. */
	kit_caller = (struct ks_caller){ .control = true, .is_domain = true, .id = 3 };
	assert_string_equal(word("reset", "ordered"), "reset");
	record = kit_record(all("{}"), 0);
	assert_int_equal(count_of(json_object_get(record, "by"), "domain"), 3);
	assert_int_equal(count_of(record, "resets"), 2);
}

/*
 * A cursor of before a reset is seen to be old, by its epoch or as it is ahead: the reply begins
 * with record 0.
 */
static void cursors_of_another_count(void **state)
{
	char options[64];

	(void)state;
	kit_records(0, 4, "x");
	snprintf(options, sizeof(options), "{\"peek\": true, \"since\": 2, \"epoch\": %u}", first()->epoch);
	assert_string_equal(records(options), "2 3");
	assert_string_equal(records("{\"peek\": true, \"since\": 4}"), "");
	assert_string_equal(records("{\"peek\": true, \"since\": 5}"), "0 1 2 3");
	word("reset", "ordered");
	port_advance(1);
	kit_records(0, 4, "x");
	assert_string_equal(records(options), "0 1 2 3 4");
	assert_string_equal(kit_word(all("{\"epoch\": 5}")), "error:argument");
}

/* What a client changes is a record, and by whom; what was so already is none. */
static void commands_are_recorded(void **state)
{
	const json_t *record;

	(void)state;
	kit_caller.id = 5;
	assert_string_equal(word("on", "ordered"), "on");
	assert_string_equal(word("default", "ordered"), "default");
	assert_string_equal(records("{}"), "");
	assert_string_equal(word("decrease", "*"), "low");
	record = last_of(all("{}"));
	assert_string_equal(member(record, "kind"), "command");
	assert_string_equal(member(record, "command"), "decrease");
	assert_string_equal(member(record, "level"), "low");
	assert_string_equal(member(record, "state"), "on");
	assert_int_equal(count_of(json_object_get(record, "by"), "uid"), 5);
	assert_string_equal(word("decrease", "ordered"), "low");
	assert_string_equal(word("off", "ordered"), "off");
	record = last_of(all("{}"));
	assert_string_equal(member(record, "state"), "off");
	assert_string_equal(records("{}"), "");
}

/*
 * An error has changed nothing: one of two probes has no memory, so "reset" and "on" of both leave
 * the other as it is (case core/nomem).
 */
static void error_changes_nothing(void **state)
{
	(void)state;
	kit_stop();
	kit_prepare(types, 2);
	/* the probes' table, the first probe's ring; "ordered" needs nothing else */
	port_allocations_left = 2;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	assert_true(first()->equipped && !kit_sensor.probes[1].equipped);
	kit_forget_began();
	kit_records(0, 3, "x");
	assert_string_equal(word("high", "ordered"), "high");
	assert_string_equal(word("off", "ordered"), "off");
	assert_string_equal(word("reset", "*"), "error:no-memory");
	assert_string_equal(word("on", "*"), "error:no-memory");
	assert_int_equal(first()->level, KS_HIGH);
	assert_false(first()->on);
	assert_string_equal(records("{\"peek\": true}"), "0 1 2 3 4");
	assert_int_equal(first()->resets, 0);
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_true(first()->on);
}

/*
 * A pass that fails by itself is told once, not each time; that it works again is told; another
 * reason is another record.
 */
static void failures_are_news_once(void **state)
{
	const json_t *record;
	json_t *lines;

	(void)state;
	port_advance(SECOND);
	probe.result = KS_STEP_FAILED;
	port_advance(9 * SECOND);
	assert_int_equal(first()->failures, 2);
	lines = all("{}");
	assert_int_equal(kit_count(lines), 1);
	record = last_of(lines);
	assert_string_equal(member(record, "kind"), "failed");
	assert_string_equal(member(record, "class"), "alarm");
	assert_string_equal(member(record, "why"), "told to fail");
	probe.result = KS_STEP_DONE;
	port_advance(4 * SECOND);
	assert_string_equal(member(last_of(all("{}")), "kind"), "recovered");
	probe.why = "another reason";
	probe.result = KS_STEP_FAILED;
	port_advance(4 * SECOND);
	assert_string_equal(member(last_of(all("{}")), "why"), "another reason");
}

/*
 * Whoever asks for a sample that fails is told in the same reply, whatever he filters by, and each
 * time.
 */
static void failure_is_told_to_who_asked(void **state)
{
	json_t *lines;

	(void)state;
	port_advance(SECOND);
	probe.result = KS_STEP_FAILED;
	for (int i = 0; i < 2; i++) {
		lines = all("{\"run\": true, \"filter\": {\"kind\": \"announced\"}}");
		assert_int_equal(kit_count(lines), 1);
		assert_string_equal(member(kit_record(lines, 0), "kind"), "failed");
	}
	/*
	 * It is of the pass that was asked for; what failed before that is not part of the answer.
	 */
	kit_command("records", "ordered", "{}");
	ks_probe_no_pass(first(), "long ago");
	probe.result = KS_STEP_DONE;
	lines = all("{\"run\": true, \"filter\": {\"kind\": \"announced\"}}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(member(kit_record(lines, 0), "kind"), "announced");
}

/*
 * What was lost while the sample that was asked for was made is told in the same reply (case
 * core/lost2).
 */
static enum ks_step flood_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)deadline_ns;
	for (int i = 0; i < 200 && p->announce; i++) {
		ks_record_begin(p, KS_SAMPLE, KS_NO_SOURCE, "x");
		ks_record_end(p);
	}
	return KS_STEP_DONE;
}

static void loss_during_run_is_told(void **state)
{
	static struct ks_probe_type flood;
	static const struct ks_probe_type *const only[] = { &flood };

	(void)state;
	flood = ordered;
	flood.step = flood_step;
	for (int peek = 0; peek < 2; peek++) {
		uint64_t next = 0;
		json_t *lines;

		kit_prepare(only, 1);
		kit_config.ring_bytes = KS_RING_MIN;
		assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
		kit_forget_began();
		lines = all(peek ? "{\"run\": true, \"peek\": true}" : "{\"run\": true}");
		for (size_t i = 0; i < kit_count(lines); i++) {
			const json_t *record = kit_record(lines, i);

			if (!strcmp(member(record, "kind"), "lost")) {
				assert_int_equal(count_of(record, "first"), next);
				next = count_of(record, "last") + 1;
			} else {
				assert_int_equal(count_of(record, "seq"), next++);
			}
		}
		assert_int_equal(next, 200);
		kit_stop();
	}
	kit_setup(state);
}

/* A sample of five kinds, most of the last. */
static enum ks_step kinds_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)deadline_ns;
	for (unsigned int i = 0; i < 30 && (p->announce || !probe.passes); i++) {
		ks_record_begin(p, KS_SAMPLE, KS_KIND_SOURCE(i < 4 ? i : 4), "x");
		ks_record_end(p);
	}
	if (p->announce) {
		ks_record_begin(p, KS_EVENT, KS_NO_SOURCE, "event");
		ks_record_end(p);
	}
	probe.passes++;
	return KS_STEP_DONE;
}

/*
 * Somebody asks for fresh samples and lets the records stay, from where he was: each sample is
 * whole, and nothing is told as lost, though older samples are.  What the probe finds by itself in
 * between begins no sample: the one that was asked for stays.
 */
static void fresh_samples_stay_whole(void **state)
{
	static struct ks_probe_type kinds;
	static const struct ks_probe_type *const only[] = { &kinds };
	uint64_t since = 0;

	(void)state;
	memset(&probe, 0, sizeof(probe));
	kinds = ordered;
	kinds.step = kinds_step;
	kit_prepare(only, 1);
	kit_config.ring_bytes = 2 * KS_RING_MIN;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	for (int round = 0; round < 60; round++) {
		char options[96], want[32 * 6] = "";
		uint64_t next = first()->ring.next_seq;

		for (uint64_t seq = since; seq < next + 31; seq++)
			snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%llu", seq > since ? " " : "",
				 (unsigned long long)seq);
		snprintf(options, sizeof(options), "{\"run\": true, \"peek\": true, \"since\": %llu}",
			 (unsigned long long)since);
		assert_string_equal(records(options), want);
		since = next + 31;
		port_advance(10 * SECOND);
		assert_int_equal(first()->ring.sample_seq, next);
	}
	assert_true(first()->ring.share[KS_SAMPLE].lost > 1000);
	assert_int_equal(first()->ring.share[KS_ALARM].lost, 0);
	kit_stop();
	kit_setup(state);
}

static const json_t *status_of_first(void)
{
	return json_array_get(json_object_get(json_array_get(kit_command_0_2("status", "ordered"), 0), "reply"), 2);
}

/*
 * A pass has a number, in its records and in the status: who may not ask for one waits until one
 * began after his question, and is whole.
 */
static void passes_have_numbers(void **state)
{
	const json_t *status;
	uint64_t asked_ns, pass;

	(void)state;
	port_advance(SECOND);
	asked_ns = ks_port_time_ns();
	port_advance(5 * SECOND);
	status = status_of_first();
	assert_true(count_of(status, "whole_start_ns") > asked_ns);
	pass = count_of(status, "whole_pass");
	assert_int_equal(pass, 2);
	assert_int_equal(count_of(status, "pass"), 2);
	assert_int_equal(count_of(status, "epoch"), first()->epoch);
	kit_records(0, 1, "x");
	assert_int_equal(kit_number(all("{}"), 0, "pass"), 2);
	/* One that failed has a number, but is not whole. */
	probe.result = KS_STEP_FAILED;
	port_advance(4 * SECOND);
	status = status_of_first();
	assert_int_equal(count_of(status, "pass"), 3);
	assert_int_equal(count_of(status, "whole_pass"), 2);
}

/*
 * Of a pass that is under way nothing is told before its own records are there: it would say when
 * to hide.  Not by a loss either, which is told anew to each who may only look.
 */
static void a_loss_tells_no_pass_under_way(void **state)
{
	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 50;
	ks_ring_drop(&first()->ring, KS_EVENT);
	kit_caller.control = false;
	for (unsigned int i = 0; i < 2; i++) {
		json_t *lines = all("{\"peek\": true}");

		assert_string_equal(kit_text(lines, 0, "kind"), "lost");
		assert_int_equal(kit_number(lines, 0, "pass"), 1);
		assert_int_equal(first()->in_pass, i);
		if (!i)
			port_advance(3 * SECOND + 20000000);
	}
	assert_int_equal(count_of(status_of_first(), "pass"), 1);
}

/*
 * Whoever may only read asks for a pass that records everything, and waits: the probe makes it
 * when it would have made one anyhow.
 */
static void announces_for_readers(void **state)
{
	uint64_t asked_ns, passes;

	(void)state;
	port_advance(SECOND);
	asked_ns = ks_port_boot_time_ns();
	kit_caller.control = false;
	passes = probe.passes;
	assert_string_equal(records("{\"peek\": true, \"announce\": true}"), "");
	assert_int_equal(probe.passes, passes);
	assert_int_equal(count_of(status_of_first(), "sample_pass"), 0);
	kit_records(0, 1, "before");
	port_advance(4 * SECOND);
	assert_int_equal(probe.passes, passes + 1);
	kit_records(0, 1, "behind");
	assert_string_equal(records("{\"peek\": true, \"filter\": {\"kind\": \"announced\"}}"), "1");
	assert_int_equal(count_of(status_of_first(), "sample_pass"), passes + 1);
	assert_true(count_of(status_of_first(), "sample_start_ns") > asked_ns);
	/* Its one record, and none of those before or behind it. */
	assert_int_equal(count_of(status_of_first(), "sample_seq"), 1);
	assert_int_equal(count_of(status_of_first(), "sample_end"), 2);
	/* Once. */
	port_advance(8 * SECOND);
	assert_int_equal(kit_count(all("{\"peek\": true}")), 3);
	assert_int_equal(count_of(status_of_first(), "sample_pass"), passes + 1);
	/* One that failed is none, and the next has to be asked for. */
	probe.result = KS_STEP_FAILED;
	all("{\"peek\": true, \"announce\": true}");
	port_advance(4 * SECOND);
	assert_int_equal(count_of(status_of_first(), "sample_pass"), passes + 1);
	probe.result = KS_STEP_DONE;
	/* A reset forgets who waited, and which pass it was. */
	all("{\"peek\": true, \"announce\": true}");
	kit_caller.control = true;
	word("reset", "ordered");
	port_advance(8 * SECOND);
	assert_int_equal(count_of(status_of_first(), "sample_pass"), 0);
	assert_int_equal(count_of(status_of_first(), "sample_seq"), 0);
	assert_int_equal(count_of(status_of_first(), "sample_end"), 0);
}

/*
 * Readers push nothing out that somebody has asked for a moment ago, and make no work without end:
 * a pass that records everything is one second behind any other, if they alone ask for it.
 */
static void readers_come_second(void **state)
{
	(void)state;
	changed = ordered;
	changed.interval_ns[KS_DEFAULT] = SECOND / 10;
	start_changed();
	port_advance(SECOND);
	kit_command("records", "ordered", "{\"run\": true}");
	kit_command("records", "ordered", NULL);
	kit_command("records", "ordered", "{\"peek\": true, \"announce\": true}");
	port_advance(8 * SECOND / 10);
	assert_string_equal(records("{\"peek\": true}"), "");
	port_advance(4 * SECOND / 10);
	assert_int_equal(kit_count(all("{}")), 1);
	/* What is asked for by who may is had at once, and serves the readers as well. */
	kit_command("records", "ordered", "{\"peek\": true, \"announce\": true}");
	assert_int_equal(kit_count(all("{\"run\": true}")), 1);
	port_advance(3 * SECOND);
	assert_string_equal(records("{}"), "");
}

/*
 * How things are, in a pass that readers alone have asked for, is told to them alone; what is
 * news, to all.  Whoever takes records does not find it, and loses nothing when it is pushed out.
 */
static enum ks_step present_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)deadline_ns;
	for (unsigned int i = 0; p->announce && i < probe.steps_of_pass; i++) {
		ks_record_begin(p, KS_SAMPLE, KS_NO_SOURCE, "present");
		ks_record_end(p);
	}
	ks_record_begin(p, KS_EVENT, KS_NO_SOURCE, "news");
	ks_record_end(p);
	return KS_STEP_DONE;
}

static void samples_for_readers(void **state)
{
	json_t *lines;

	(void)state;
	changed = ordered;
	changed.step = present_step;
	start_changed();
	port_advance(SECOND);
	kit_command("records", "ordered", NULL);
	kit_command("records", "ordered", "{\"peek\": true, \"announce\": true}");
	port_advance(4 * SECOND);
	assert_int_equal(kit_count(kit_command("records", "ordered", "{\"peek\": true}")), 2);
	assert_int_equal(count_of(status_of_first(), "held"), 1);
	lines = kit_command("records", "ordered", NULL);
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "news");
	lines = kit_command("records", "ordered", "{\"peek\": true}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "present");
	/* More than the ring holds. */
	probe.steps_of_pass = 2000;
	for (int i = 0; i < 2; i++) {
		kit_command("records", "ordered", "{\"peek\": true, \"announce\": true}");
		port_advance(4 * SECOND);
	}
	assert_int_equal(count_of(status_of_first(), "lost"), 0);
	assert_int_equal(count_of(status_of_first(), "held"), 2);
	/* Those that somebody asked for who takes them are his. */
	probe.steps_of_pass = 1;
	port_advance(SECOND);
	kit_command("records", "ordered", "{\"peek\": true, \"announce\": true}");
	lines = kit_command("records", "ordered", "{\"run\": true, \"filter\": {\"kind\": \"present\"}}");
	assert_int_equal(kit_count(lines), 1);
	/* And the first sample is everybody's. */
	port_advance(SECOND);
	word("reset", "ordered");
	kit_command("records", "ordered", "{\"peek\": true, \"announce\": true}");
	port_advance(SECOND);
	assert_int_equal(kit_count(kit_command("records", "ordered", "{\"filter\": {\"kind\": \"present\"}}")), 1);
}

/*
 * A pass that could not see all is complete, but not whole; the record that says so passes every
 * filter of who asked.
 */
static enum ks_step incomplete_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)deadline_ns;
	ks_record_begin(p, KS_ALARM, KS_OUTCOME_SOURCE, "incomplete");
	ks_record_outcome(p);
	ks_record_end(p);
	return KS_STEP_DONE;
}

static void incomplete_is_not_whole(void **state)
{
	json_t *lines;

	(void)state;
	changed = ordered;
	changed.step = incomplete_step;
	start_changed();
	port_advance(SECOND);
	lines = all("{\"run\": true, \"filter\": {\"kind\": \"other\"}}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(member(kit_record(lines, 0), "kind"), "incomplete");
	assert_int_equal(first()->passes, 2);
	assert_int_equal(first()->whole, 0);
}

/*
 * Whoever may only read asks for passes, and none sees all: each says so, in an alarm.  However
 * often he asks, nobody loses what else the sensor says of itself by that: who reset the probe.
 */
static void asking_pushes_out_no_alarm(void **state)
{
	(void)state;
	changed = ordered;
	changed.step = incomplete_step;
	kit_stop();
	kit_prepare(changed_only, 1);
	kit_config.ring_bytes = KS_RING_MIN;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	assert_string_equal(word("reset", "ordered"), "reset");
	kit_caller.control = false;
	for (unsigned int i = 0; i < 200; i++) {
		all("{\"peek\": true, \"announce\": true, \"max\": 1}");
		port_advance(4 * SECOND + 1000);
	}
	assert_true(first()->ring.share[KS_ALARM].lost > 100);
	assert_int_equal(kit_count(all("{\"peek\": true, \"filter\": {\"kind\": \"began\"}}")), 1 + 1);
}

/* === Supervision ========================================================= */

/*
 * A pass that goes on and on makes steps, and no progress: after 100 times the usual time it is
 * told and restarted.
 */
static void pass_without_end(void **state)
{
	(void)state;
	port_advance(60 * SECOND);
	assert_true(first()->usual_pass_ns > 0 && first()->usual_pass_ns < SECOND / 10);
	kit_forget_began();
	probe.steps_of_pass = UINT32_MAX;
	port_advance(9 * SECOND);
	assert_int_equal(first()->restarts, 0);
	port_advance(10 * SECOND);
	assert_int_equal(first()->restarts, 1);
	assert_string_equal(member(last_of(all("{}")), "why"), "a pass does not end");
	assert_string_equal(first()->last_error, "a pass does not end");
}

/*
 * What does not heal is tried with growing pauses, and then stays off with its reason; "on" gives
 * it another chance.
 */
static void what_does_not_heal(void **state)
{
	uint64_t pause_ns = 0;
	json_t *lines;
	size_t restarts;

	(void)state;
	probe.result = KS_STEP_FAILED;
	port_advance(3600 * SECOND);
	assert_false(first()->on);
	assert_string_equal(first()->last_error, "told to fail");
	lines = kit_command("records", "ordered", "{\"filter\": {\"kind\": \"restarted\"}}");
	restarts = kit_count(lines);
	assert_int_equal(restarts, 8);
	for (size_t i = 0; i < restarts; i++) {
		assert_int_equal(kit_number(lines, i, "pause_ns"), pause_ns);
		pause_ns = pause_ns ? 2 * pause_ns : SECOND;
	}
	assert_string_equal(member(last_of(all("{}")), "kind"), "stopped");
	assert_int_equal(first()->restarts, 8);
	probe.result = KS_STEP_DONE;
	assert_string_equal(word("on", "ordered"), "on");
	port_advance(4 * SECOND);
	assert_true(first()->passes > 0);
	/* It is well again: the next trouble is the first of its row. */
	probe.result = KS_STEP_FAILED;
	port_advance(60 * SECOND);
	assert_int_equal(
		kit_number(kit_command("records", "ordered", "{\"filter\": {\"kind\": \"restarted\"}}"), 0, "in_row"),
		1);
}

/*
 * The machine was suspended for an hour, in the middle of a pass: nobody was late, and nothing is
 * restarted (case linux/t6).
 */
static void suspended(void **state)
{
	(void)state;
	probe.steps_of_pass = 100;
	port_advance(20 * SECOND + 5 * 1000000);
	port_suspend(3600 * SECOND);
	port_advance(60 * SECOND);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(kit_sensor.probes[i].restarts, 0);
	assert_null(first()->last_error);
}

/* === Classes ============================================================= */

/* Who floods a probe with events pushes out no alarm, and is filtered by class. */
static void alarms_stay(void **state)
{
	(void)state;
	ks_record_begin(first(), KS_ALARM, 7, "hidden");
	ks_record_end(first());
	kit_records(0, 5000, "x");
	assert_true(first()->ring.lost_total > 1000);
	assert_string_equal(records("{\"peek\": true, \"filter\": {\"class\": \"alarm\"}, \"max\": 1}"),
			    "lost(1-4619:4619) 0");
}

/* === In the middle of a step ============================================= */

/*
 * A caller who wants a fresh sample comes while the probe's work is in a step, and so does the
 * work while a caller is: one of them waits.
 */
static void others_during_a_step(struct ks_probe *p)
{
	unsigned int steps = probe.steps;
	uint32_t pass = ks_probe_want_pass(p);

	assert_true(p->busy);
	assert_int_equal(ks_probe_drive(p, pass, UINT64_MAX), KS_DRIVE_NOT);
	assert_int_equal(p->work.run(&p->work), 100000);
	assert_int_equal(p->expected_ns, ks_port_time_ns() + 100000);
	assert_int_equal(probe.steps, steps);
}

static void one_step_at_a_time(void **state)
{
	uint32_t pass;

	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 2;
	probe.meanwhile = others_during_a_step;
	port_advance(4 * SECOND);
	assert_null(probe.meanwhile);
	assert_false(first()->busy);

	probe.meanwhile = others_during_a_step;
	pass = ks_probe_want_pass(first());
	assert_int_equal(ks_probe_drive(first(), pass, UINT64_MAX), KS_DRIVE_MORE);
	assert_null(probe.meanwhile);
	assert_false(first()->busy);
	assert_true(first()->in_pass);
	assert_int_equal(ks_probe_drive(first(), pass, UINT64_MAX), KS_DRIVE_REACHED);
}

/*
 * A step has taken five seconds: it may still end.  A moment more, and nobody waits for it; the
 * supervisor says so, and takes nothing from it.
 */
static void five_seconds(struct ks_probe *p)
{
	unsigned int supervised = (unsigned int)kit_sensor.supervised;

	port_suspend(5 * SECOND);
	assert_false(ks_probe_stuck(p));
	port_suspend(1);
	assert_true(ks_probe_stuck(p));
	kit_sensor.supervised_ns = ks_port_time_ns() - SECOND;
	kit_sensor.work.run(&kit_sensor.work);
	assert_int_equal(kit_sensor.supervised, supervised + 1);
	assert_string_equal(p->last_error, "a step does not end");
}

static void stuck_after_five_seconds(void **state)
{
	(void)state;
	probe.meanwhile = five_seconds;
	port_advance(SECOND);
	assert_null(probe.meanwhile);
	assert_false(ks_probe_stuck(first()));
	assert_int_equal(first()->restarts, 0);
	assert_int_equal(first()->passes, 1);
	assert_int_equal(first()->longest_step_ns, 5 * SECOND + 1);
}

/*
 * A reset comes while a step is under way: that pass is over without an end, what the step
 * recorded is dropped, and the next step is the first of another.
 */
static void reset_in_the_middle(struct ks_probe *p)
{
	ks_probe_command(p, KS_CMD_RESET, &kit_caller);
	assert_int_equal(probe.resets, 0); /* not beside the step */
	kit_records(0, 3, "x");
}

static void reset_during_a_step(void **state)
{
	(void)state;
	port_advance(SECOND);
	assert_int_equal(first()->ended, 1);
	probe.steps_of_pass = 3;
	probe.meanwhile = reset_in_the_middle;
	port_advance(4 * SECOND);
	assert_null(probe.meanwhile);
	assert_int_equal(probe.resets, 1);
	assert_int_equal(first()->ended, 3);
	assert_int_equal(first()->passes, 1);
	assert_int_equal(first()->failures, 0);
	assert_int_equal(probe.passes, 3);
	assert_string_equal(records("{}"), "0");
}

/* A reset between two steps of a pass: the next one is the first of another pass. */
static void reset_between_steps(void **state)
{
	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 3;
	first()->due_ns = 0;
	first()->work.run(&first()->work);
	assert_true(first()->in_pass);
	assert_int_equal(first()->ended, 1);
	assert_int_equal(probe.passes, 2);
	ks_probe_command(first(), KS_CMD_RESET, &kit_caller);
	first()->work.run(&first()->work);
	assert_int_equal(first()->ended, 2);
	assert_int_equal(probe.passes, 3);
	assert_int_equal(first()->passes, 0);
}

/* Turned off while its work is in a step: no step follows, and nobody expects one. */
static void off_in_the_middle(struct ks_probe *p)
{
	ks_probe_command(p, KS_CMD_OFF, &kit_caller);
}

static void off_during_a_step(void **state)
{
	(void)state;
	probe.steps_of_pass = 3;
	probe.meanwhile = off_in_the_middle;
	port_advance(SECOND);
	assert_int_equal(probe.steps, 1);
	assert_int_equal(first()->expected_ns, UINT64_MAX);
	assert_int_equal(first()->work.port.due_ns, UINT64_MAX);
}

/*
 * Started anew while its work is in a step, by whoever turns it off and on, or by the supervisor:
 * that pass is over without an end.  What the step comes to is not taken for the end of the pass
 * that follows, which has not begun yet: whoever waits for that one would be told of what was
 * seen before he asked.
 */
static void off_and_on_in_the_middle(struct ks_probe *p)
{
	ks_probe_command(p, KS_CMD_OFF, &kit_caller);
	ks_probe_command(p, KS_CMD_ON, &kit_caller);
}

static void restarted_in_the_middle(struct ks_probe *p)
{
	p->failed_in_row = 3;
	kit_sensor.work.run(&kit_sensor.work);
	assert_int_equal(p->restarts, 1);
}

static void started_anew_during_a_step(void **state)
{
	static void (*const ways[])(struct ks_probe *) = { off_and_on_in_the_middle, restarted_in_the_middle };
	static const enum ks_step results[] = { KS_STEP_DONE, KS_STEP_FAILED };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t ended, passes;

		changed = ordered;
		start_changed();
		port_advance(SECOND);
		ended = first()->ended;
		passes = first()->passes;
		first()->due_ns = 0;
		probe.meanwhile = ways[i % 2];
		probe.result = results[i / 2];
		assert_int_equal(first()->work.run(&first()->work), 0);
		assert_null(probe.meanwhile);
		assert_int_equal(first()->ended, ended + 1);
		assert_int_equal(first()->whole, ended);
		assert_int_equal(first()->passes, passes);
		assert_int_equal(first()->failures, 0);
		/* The next begins at once, and that is the one. */
		probe.result = KS_STEP_DONE;
		first()->work.run(&first()->work);
		assert_int_equal(first()->ended, ended + 2);
		assert_int_equal(first()->whole, ended + 2);
	}
}

/*
 * However late a caller wants his step to end, it gets no more than the budget of a step; and no
 * more than he has.
 */
static uint64_t deadline_given_ns;

static enum ks_step deadline_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)p;
	deadline_given_ns = deadline_ns;
	return KS_STEP_DONE;
}

static void deadlines(void **state)
{
	uint64_t now;

	(void)state;
	changed = ordered;
	changed.step = deadline_step;
	start_changed();
	port_advance(SECOND);
	now = ks_port_time_ns();
	ks_probe_drive(first(), ks_probe_want_pass(first()), UINT64_MAX);
	assert_int_equal(deadline_given_ns, now + KS_STEP_BUDGET_NS);
	ks_probe_drive(first(), ks_probe_want_pass(first()), now + KS_STEP_BUDGET_NS + 1);
	assert_int_equal(deadline_given_ns, now + KS_STEP_BUDGET_NS);
	ks_probe_drive(first(), ks_probe_want_pass(first()), now + KS_STEP_BUDGET_NS - 1);
	assert_int_equal(deadline_given_ns, now + KS_STEP_BUDGET_NS - 1);
}

/* === What is counted ===================================================== */

/*
 * Passes of different lengths: how many, the last, the longest, and what is usual, an eighth of
 * which is the newest.
 */
static void counters(void **state)
{
	uint64_t start;

	(void)state;
	probe.takes_ns = 8000;
	port_advance(SECOND);
	assert_int_equal(first()->passes, 1);
	assert_int_equal(first()->steps, 1);
	assert_int_equal(first()->last_pass_ns, 8000);
	assert_int_equal(first()->usual_pass_ns, 8000);
	start = first()->pass_boot_ns;
	probe.takes_ns = 16000;
	port_advance(4 * SECOND);
	assert_int_equal(first()->passes, 2);
	assert_int_equal(first()->longest_pass_ns, 16000);
	assert_int_equal(first()->longest_step_ns, 16000);
	assert_int_equal(first()->usual_pass_ns, 9000);
	assert_int_equal(first()->whole, 2);
	assert_in_range(first()->whole_start_ns - start, 4 * SECOND, 4 * SECOND + 100000);
	probe.takes_ns = 800;
	probe.steps_of_pass = 2;
	port_advance(4 * SECOND);
	assert_int_equal(first()->passes, 3);
	assert_int_equal(first()->steps, 4);
	assert_int_equal(first()->last_pass_ns, 1600);
	assert_int_equal(first()->longest_pass_ns, 16000);
	assert_int_equal(first()->longest_step_ns, 16000);
	/* From start to end, so with the pause between the two. */
	assert_in_range(first()->usual_pass_ns, (7 * 9000 + 1000000 + 1600) / 8, (7 * 9000 + 1000000 + 1700) / 8);
}

/*
 * A pass that takes no time at all has a usual time nevertheless: it is known that one got to its
 * end.
 */
static void no_time_at_all(void **state)
{
	(void)state;
	port_advance(1);
	assert_int_equal(first()->passes, 1);
	assert_int_equal(first()->usual_pass_ns, 1);
}

/*
 * A reset takes all of that back, and what the supervisor knew of troubles; how often there was
 * one, it does not.
 */
static void reset_takes_back(void **state)
{
	uint64_t ended;

	(void)state;
	probe.takes_ns = 1000;
	port_advance(20 * SECOND);
	assert_true(first()->usual_pass_ns && first()->longest_step_ns && first()->whole && first()->whole_start_ns);
	ended = first()->ended;
	kit_records(0, 3, "x");
	assert_string_equal(records("{}"), "0 1 2");
	probe.result = KS_STEP_FAILED;
	port_advance(40 * SECOND);
	assert_true(first()->restarts && first()->restarts_in_row && first()->failures && first()->delivered &&
		    first()->last_error);
	ks_probe_want_pass(first());
	probe.result = KS_STEP_DONE;
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_int_equal(first()->passes, 0);
	assert_int_equal(first()->steps, 0);
	assert_int_equal(first()->last_pass_ns, 0);
	assert_int_equal(first()->longest_pass_ns, 0);
	assert_int_equal(first()->longest_step_ns, 0);
	assert_int_equal(first()->usual_pass_ns, 0);
	assert_int_equal(first()->whole, 0);
	assert_int_equal(first()->whole_start_ns, 0);
	assert_int_equal(first()->delivered, 0);
	assert_int_equal(first()->failures, 0);
	assert_int_equal(first()->restarts, 0);
	assert_int_equal(first()->failed_in_row, 0);
	assert_int_equal(first()->restarts_in_row, 0);
	assert_null(first()->last_error);
	assert_null(first()->failed_why);
	assert_int_equal(first()->resets, 1);
	assert_true(first()->ended > ended);
	port_advance(1);
	assert_int_equal(first()->passes, 1); /* at once */
	/* and announced to nobody: who asked for it asked the count of before */
	assert_string_equal(records("{}"), "0");
}

/*
 * At `low` a probe takes one part of 100 of a CPU at most, at `default` of 20; from `high` on it
 * takes what it needs.
 */
static void rests_by_level(void **state)
{
	static const struct {
		const char *level;
		uint64_t rest_s;
	} cases[] = { { "low", 99 }, { "default", 19 } };

	(void)state;
	probe.steps_of_pass = 2000;
	probe.takes_ns = 500000;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t passes;

		assert_string_equal(word("reset", "ordered"), "reset");
		assert_string_equal(word(cases[i].level, "ordered"), cases[i].level);
		passes = first()->passes;
		while (first()->passes == passes)
			first()->work.run(&first()->work);
		assert_int_equal(first()->last_pass_ns, SECOND);
		assert_int_equal(first()->due_ns - ks_port_time_ns(), cases[i].rest_s * SECOND);
	}
}

/*
 * A step that took seconds has not worked for so long: somebody kept it waiting, for a lock or its
 * CPU.  He must not have the probe rest for it, or four seconds of his would be more than a minute
 * in which nobody looks, and no record says so.
 */
static void no_rest_for_having_waited(void **state)
{
	(void)state;
	port_advance(SECOND);
	probe.takes_ns = 4 * SECOND;
	first()->due_ns = 0;
	assert_in_range(first()->work.run(&first()->work), 1, 4 * SECOND);
	assert_int_equal(first()->last_pass_ns, 4 * SECOND);
}

/* A pass took no time, and the next is due at once: its step is made without a pause. */
static void due_at_once(void **state)
{
	(void)state;
	changed = ordered;
	memset(changed.interval_ns, 0, sizeof(changed.interval_ns));
	start_changed();
	assert_int_equal(first()->work.run(&first()->work), 0);
	assert_int_equal(first()->expected_ns, ks_port_time_ns());
	assert_int_equal(first()->passes, 1);
}

/*
 * The reply that waits for a fresh sample has told of as many losses as there are of the new
 * count, after a reset: those are told all the same.
 */
static void check_losses_of_a_new_count(unsigned int losses)
{
	char line[] = "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE
		      "\", \"records\", \"ordered\", {\"run\": true, \"peek\": true}]}";
	enum ks_served more = KS_SERVED_MORE;
	struct ks_cursor cursor = { 0 };
	struct ks_request request;
	char buf[KS_OUT_BYTES];
	struct ks_writer out;
	unsigned int told = 0;

	port_advance(SECOND);
	kit_forget_began();
	probe.steps_of_pass = 3;
	for (unsigned int i = 0; i < losses; i++)
		ks_ring_drop(&first()->ring, KS_EVENT);
	ks_request_parse(&request, line, strlen(line), KS_VERSION_NONE);
	for (int calls = 0; calls < 100 && more == KS_SERVED_MORE; calls++) {
		ks_writer_init(&out, buf, KS_LINE_MAX);
		more = ks_serve(&kit_sensor, &kit_caller, &request, &cursor, &out);
		told += memmem(buf, out.len, "\"kind\":\"lost\"", 13) != NULL;
		if (calls)
			continue;
		assert_int_equal(told, 1);
		ks_probe_command(first(), KS_CMD_RESET, &kit_caller);
		for (unsigned int i = 0; i < losses; i++)
			ks_ring_drop(&first()->ring, KS_EVENT);
	}
	assert_int_equal(more, KS_SERVED_DONE);
	assert_int_equal(told, 2);
}

static void losses_of_a_new_count(void **state)
{
	(void)state;
	for (unsigned int losses = 1; losses <= 3; losses++)
		check_losses_of_a_new_count(losses);
}

/* === Its records, member by member ======================================= */

/*
 * A record as text, without what is another each time: seq, time, uuids, and the epoch, which is
 * the probe's.
 */
static const char *rest_of(const json_t *record)
{
	static char text[2048];
	json_t *copy = json_deep_copy(record);
	char *dump;

	assert_int_equal(count_of(record, "epoch"), first()->epoch);
	json_object_del(copy, "seq");
	json_object_del(copy, "time");
	json_object_del(copy, "epoch");
	json_object_del(copy, "was");
	json_object_del(copy, "uuid");
	json_object_del(json_object_get(copy, "before"), "epoch");
	dump = json_dumps(copy, JSON_COMPACT);
	snprintf(text, sizeof(text), "%s", dump);
	free(dump);
	json_decref(copy);
	return text;
}

static const char *last_record(void)
{
	return rest_of(last_of(all("{\"peek\": true}")));
}

/* The supervisor looks, as it does each second. */
static void supervised(void)
{
	kit_sensor.supervised_ns = ks_port_time_ns() - SECOND;
	assert_int_equal(kit_sensor.work.run(&kit_sensor.work), SECOND);
	assert_int_equal(kit_sensor.supervised_ns, ks_port_time_ns());
}

#define COMMON(kind, class, pass) \
	"{\"probe\":\"ordered\",\"kind\":\"" kind "\",\"class\":\"" class "\",\"pass\":" #pass ","

static void own_records(void **state)
{
	(void)state;
	port_advance(SECOND);
	kit_caller.id = 1000;
	kit_caller.pid = 77;
	ks_ring_drop(&first()->ring, KS_EVENT);
	kit_records(0, 2, "x");
	ks_ring_drop(&first()->ring, KS_EVENT);
	assert_string_equal(rest_of(kit_record(all("{\"peek\": true}"), 0)),
			    COMMON("lost", "alarm", 1) "\"first\":0,\"last\":3,\"count\":2}");
	first()->in_pass = true;
	assert_string_equal(rest_of(kit_record(all("{\"peek\": true}"), 0)),
			    COMMON("lost", "alarm", 1) "\"first\":0,\"last\":3,\"count\":2}");
	first()->in_pass = false;
	assert_string_equal(word("off", "ordered"), "off");
	assert_string_equal(last_record(),
			    COMMON("command", "alarm", 1) "\"command\":\"off\",\"by\":{\"pid\":77,\"uid\":1000},"
							  "\"state\":\"off\",\"level\":\"default\"}");
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_string_equal(
		last_record(),
		COMMON("began", "alarm",
		       1) "\"why\":\"reset\",\"by\":{\"pid\":77,\"uid\":1000},"
			  "\"before\":{\"next_seq\":5,\"unread\":3,\"lost\":2,\"baselines\":0},\"resets\":1}");
	probe.result = KS_STEP_FAILED;
	port_advance(SECOND);
	assert_string_equal(last_record(), COMMON("failed", "alarm", 2) "\"why\":\"told to fail\",\"in_row\":1}");
	port_advance(4 * SECOND);
	probe.result = KS_STEP_DONE;
	port_advance(4 * SECOND);
	assert_string_equal(last_record(), COMMON("recovered", "event", 4) "\"failed\":2}");
	first()->expected_ns = 0;
	supervised();
	assert_string_equal(last_record(),
			    COMMON("restarted", "alarm", 4) "\"why\":\"it is overdue\",\"in_row\":1,\"pause_ns\":0}");
	first()->restarts_in_row = 8;
	first()->failed_in_row = 3;
	supervised();
	assert_string_equal(last_record(),
			    COMMON("stopped", "alarm", 4) "\"why\":\"its passes fail\",\"in_row\":8,\"pause_ns\":0}");
}

/* It worked again in between: that it fails as before is news again. */
static void same_failure_is_news_again(void **state)
{
	(void)state;
	port_advance(SECOND);
	for (unsigned int turn = 0; turn < 2; turn++) {
		probe.result = KS_STEP_FAILED;
		port_advance(4 * SECOND);
		assert_string_equal(member(last_of(all("{}")), "kind"), "failed");
		probe.result = KS_STEP_DONE;
		port_advance(4 * SECOND);
		assert_string_equal(member(last_of(all("{}")), "kind"), "recovered");
	}
}

/* A probe that fails without a word has failed all the same. */
static enum ks_step silent_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)p;
	(void)deadline_ns;
	return KS_STEP_FAILED;
}

static void no_reason_is_given(void **state)
{
	(void)state;
	changed = ordered;
	changed.step = silent_step;
	start_changed();
	port_advance(SECOND);
	assert_string_equal(member(last_of(all("{}")), "why"), "no reason was given");
}

/* What one pass could not see says nothing of the next. */
static bool sees_all;

static enum ks_step sometimes_step(struct ks_probe *p, uint64_t deadline_ns)
{
	(void)deadline_ns;
	if (!sees_all)
		ks_pass_incomplete(p);
	return KS_STEP_DONE;
}

static void whole_again(void **state)
{
	(void)state;
	changed = ordered;
	changed.step = sometimes_step;
	start_changed();
	for (sees_all = false; ; sees_all = true) {
		port_advance(first()->due_ns - ks_port_time_ns());
		assert_int_equal(first()->whole, sees_all ? first()->ended : 0);
		if (sees_all)
			break;
	}
}

/* === The supervisor's measures =========================================== */

/* A look each second, the first one second after the start. */
static void each_second(void **state)
{
	(void)state;
	assert_int_equal(kit_sensor.supervised_ns, ks_port_time_ns());
	assert_int_equal(kit_sensor.work.port.due_ns, ks_port_time_ns() + SECOND);
	assert_string_equal(kit_sensor.work.name, "test");
	assert_string_equal(first()->work.name, "ordered");
	port_advance(10 * SECOND + 100);
	assert_int_equal(kit_sensor.supervised, 10);
}

/*
 * Five seconds late, a step may still come; a moment more, and the probe is another instance,
 * which begins at once.
 */
static void late_by_five_seconds(void **state)
{
	static const uint64_t fine[] = { 0, 1, SECOND, 5 * SECOND };
	uint64_t now, due_ns;

	(void)state;
	port_advance(2 * SECOND);
	now = ks_port_time_ns();
	due_ns = first()->work.port.due_ns;
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		first()->expected_ns = now - fine[i];
		supervised();
		assert_int_equal(first()->restarts, 0);
		/* who is well is left alone */
		assert_int_equal(first()->work.port.due_ns, due_ns);
	}
	first()->expected_ns = UINT64_MAX;
	supervised();
	assert_int_equal(first()->restarts, 0);
	first()->expected_ns = now - 5 * SECOND - 1;
	first()->failed_in_row = 2;
	supervised();
	assert_int_equal(first()->restarts, 1);
	assert_string_equal(member(last_of(all("{}")), "why"), "it is overdue");
	assert_int_equal(first()->failed_in_row, 0);
	assert_int_equal(first()->due_ns, now);
	assert_int_equal(first()->expected_ns, now);
	assert_int_equal(first()->work.port.due_ns, now);
	/* The same for one that is off, or in the middle of a step: nothing is done. */
	first()->expected_ns = 0;
	first()->busy = true;
	first()->step_start_ns = now;
	supervised();
	first()->busy = false;
	first()->on = false;
	supervised();
	assert_int_equal(first()->restarts, 1);
	/* Each probe is looked after. */
	kit_sensor.probes[1].expected_ns = now - 5 * SECOND - 1;
	supervised();
	assert_int_equal(kit_sensor.probes[1].restarts, 1);
}

/*
 * A pass may take 100 times as long as usual, and ten seconds in any case; the first one ten
 * minutes.
 */
static void patience_with_a_pass(void **state)
{
	static const struct {
		uint64_t usual_ns, patience_ns;
	} cases[] = {
		{ 0, 600 * SECOND }, { 1, 10 * SECOND }, { SECOND / 10, 10 * SECOND },
		{ SECOND / 10 + 1, 10 * SECOND + 100 },
		{ 5 * SECOND, 500 * SECOND },
	};
	uint64_t now, ended;

	(void)state;
	port_advance(SECOND);
	now = ks_port_time_ns();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		first()->restarts = first()->restarts_in_row = first()->cut_in_row = 0;
		first()->expected_ns = UINT64_MAX;
		first()->usual_pass_ns = cases[i].usual_ns;
		first()->in_pass = true;
		first()->pass_start_ns = now - cases[i].patience_ns;
		supervised();
		first()->in_pass = false;
		first()->pass_start_ns = now - 900 * SECOND;
		supervised();
		assert_int_equal(first()->restarts, 0);
		first()->in_pass = true;
		first()->pass_start_ns = now + 1; /* clocks of two CPUs differ a little */
		supervised();
		assert_int_equal(first()->restarts, 0);
		first()->pass_start_ns = now - cases[i].patience_ns - 1;
		ended = first()->ended;
		supervised();
		assert_int_equal(first()->restarts, 1);
		/* The pass is given up. */
		assert_false(first()->in_pass);
		assert_int_equal(first()->ended, ended + 1);
		assert_string_equal(member(last_of(all("{}")), "why"), "a pass does not end");
	}
}

/*
 * There may be just more to look at than there ever was: each pass that is cut off gives the next
 * twice as long, so that one of them gets through, and from then on that is what is usual.
 */
static void patience_grows(void **state)
{
	uint64_t now;

	(void)state;
	port_suspend(1000000 * SECOND);
	now = ks_port_time_ns();
	for (uint32_t cut = 0; cut < 20; cut++) {
		uint32_t doublings = cut < 16 ? cut : 16;
		uint64_t patience_ns = 10 * SECOND << doublings;

		first()->expected_ns = UINT64_MAX;
		first()->usual_pass_ns = 1;
		first()->in_pass = true;
		first()->pass_start_ns = now - patience_ns;
		supervised();
		assert_int_equal(first()->cut_in_row, cut);
		first()->pass_start_ns = now - patience_ns - (1ULL << doublings);
		supervised();
		assert_int_equal(first()->cut_in_row, cut + 1);
		assert_true(first()->on);
	}
}

/*
 * A pass that takes a minute where it took no time: a user's crowd of open files, say.  Some are
 * cut off and told, then one gets through; nothing is off, and the next are not cut off.
 */
static void crowd(void **state)
{
	uint64_t restarts;

	(void)state;
	port_advance(60 * SECOND);
	probe.steps_of_pass = 60000;
	port_advance(1200 * SECOND);
	restarts = first()->restarts;
	assert_in_range(restarts, 2, 4);
	assert_int_equal(first()->cut_in_row, 0);
	port_advance(1200 * SECOND);
	assert_int_equal(first()->restarts, restarts);
	assert_true(first()->on);
}

/* A step that does not end is told once, in a record, and that it ended after all. */
static void step_without_end(void **state)
{
	json_t *lines;

	(void)state;
	port_advance(SECOND);
	kit_forget_began();
	first()->busy = true;
	first()->step_start_ns = ks_port_time_ns() - 5 * SECOND;
	supervised();
	assert_false(first()->stuck);
	assert_int_equal(first()->failures, 0);
	first()->step_start_ns--;
	for (unsigned int i = 0; i < 3; i++) {
		supervised();
		assert_true(first()->stuck);
		assert_int_equal(first()->failures, 1);
	}
	lines = all("{}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "failed");
	assert_string_equal(kit_text(lines, 0, "why"), "a step does not end");
	/* A new count is no new start: that it still does not end is told again. */
	for (unsigned int i = 0; i < 2; i++) {
		ks_probe_command(first(), i ? KS_CMD_OFF : KS_CMD_RESET, &kit_caller);
		ks_probe_command(first(), KS_CMD_ON, &kit_caller);
		assert_int_equal(first()->failures, i);
		supervised();
		assert_int_equal(first()->failures, i + 1);
		assert_string_equal(first()->last_error, "a step does not end");
		lines = all("{}");
		assert_string_equal(member(last_of(lines), "why"), "a step does not end");
	}
	first()->busy = false;
	first()->due_ns = 0;
	first()->work.run(&first()->work);
	assert_false(first()->stuck);
	lines = all("{}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "recovered");
}

/*
 * Whoever hides from a pass asks when it begins, and until when it lasts: of one under way the
 * status tells nothing.
 */
static void pass_under_way_is_not_told(void **state)
{
	static const char *const told[] = { "pass", "pass_start_ns", "steps", "runs", "last_run_ns" };
	uint64_t before[5];
	const json_t *status;

	(void)state;
	port_advance(10 * SECOND);
	probe.steps_of_pass = 100;
	probe.takes_ns = 10;
	status = status_of_first();
	for (size_t i = 0; i < 5; i++)
		before[i] = count_of(status, told[i]);
	first()->due_ns = ks_port_time_ns();
	for (unsigned int step = 0; step < 99; step++) {
		first()->work.run(&first()->work);
		port_suspend(1000);
		assert_true(first()->in_pass);
		status = status_of_first();
		for (size_t i = 0; i < 5; i++)
			assert_int_equal(count_of(status, told[i]), before[i]);
	}
	first()->work.run(&first()->work);
	status = status_of_first();
	for (size_t i = 0; i < 5; i++)
		assert_true(count_of(status, told[i]) > before[i]);
	assert_int_equal(count_of(status, "steps"), before[2] + 100);
}

/*
 * How often it was off, and for how long, is known when the records of it have gone: in the
 * status, and in the record of "on".
 */
static void how_often_it_was_off(void **state)
{
	(void)state;
	port_advance(SECOND);
	for (unsigned int i = 1; i <= 3; i++) {
		assert_string_equal(word("off", "ordered"), "off");
		assert_string_equal(word("off", "ordered"), "off");
		assert_int_equal(first()->offs, i);
		port_suspend(7 * SECOND);
		assert_string_equal(word("on", "ordered"), "on");
		assert_string_equal(word("on", "ordered"), "on");
		assert_in_range(first()->off_ns, i * 7 * SECOND, i * 7 * SECOND + 100);
	}
	assert_non_null(strstr(last_record(), "\"command\":\"on\""));
	assert_non_null(strstr(last_record(), "\"class\":\"alarm\""));
	assert_non_null(strstr(last_record(), "\"offs\":3,\"off_ns\":21000"));
	/* A reset forgets what the sensor saw, not that it was blind. */
	assert_string_equal(word("off", "ordered"), "off");
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_int_equal(first()->offs, 4);
	assert_string_equal(word("high", "ordered"), "high");
	assert_non_null(strstr(last_record(), "\"class\":\"event\""));
	assert_null(strstr(last_record(), "offs"));
}

/* Three passes that fail in a row make a restart; the new instance has three again. */
static void three_failures(void **state)
{
	(void)state;
	port_advance(SECOND);
	first()->failed_in_row = 2;
	supervised();
	assert_int_equal(first()->restarts, 0);
	first()->failed_in_row = 3;
	supervised();
	assert_int_equal(first()->restarts, 1);
	assert_int_equal(first()->failed_in_row, 0);
	assert_string_equal(member(last_of(all("{}")), "why"), "its passes fail");
}

/*
 * From the second restart in a row on, the new instance begins after a pause, and is not late
 * before that; the ninth is none: it stays off.
 */
static void pauses_and_the_end(void **state)
{
	uint64_t now, ended;

	(void)state;
	port_advance(SECOND);
	now = ks_port_time_ns();
	for (uint32_t row = 0; row < 8; row++) {
		uint64_t pause_ns = row ? SECOND << (row - 1) : 0;

		first()->expected_ns = 0;
		first()->restarts_in_row = row;
		supervised();
		assert_int_equal(first()->restarts_in_row, row + 1);
		assert_int_equal(first()->due_ns, now + pause_ns);
		assert_int_equal(first()->expected_ns, now + pause_ns);
	}
	/* Late it is on a machine that is full: somebody fills it. That is tried for ever. */
	for (unsigned int i = 0; i < 3; i++) {
		first()->expected_ns = 0;
		supervised();
		assert_true(first()->on);
		assert_int_equal(first()->restarts_in_row, 8);
		assert_int_equal(first()->due_ns, now + 128 * SECOND);
	}
	first()->failed_in_row = 3;
	first()->in_pass = true;
	ended = first()->ended;
	supervised();
	assert_false(first()->on);
	assert_false(first()->in_pass);
	assert_int_equal(first()->ended, ended + 1);
	assert_int_equal(first()->restarts, 11);
	/* Somebody gives it another chance, and that is a new row. */
	assert_string_equal(word("on", "ordered"), "on");
	assert_int_equal(first()->restarts_in_row, 0);
}

/*
 * Whoever waits for the pass that is given up is told that it failed; where nobody waits, that it
 * was restarted is enough.
 */
static void restart_of_what_is_waited_for(void **state)
{
	(void)state;
	port_advance(SECOND);
	for (unsigned int waited = 0; waited < 2; waited++) {
		json_t *lines;

		first()->expected_ns = 0;
		first()->in_pass = true;
		first()->announce = waited;
		supervised();
		lines = all("{}");
		assert_int_equal(kit_count(lines), 1 + waited);
		assert_string_equal(kit_text(lines, 0, "kind"), waited ? "failed" : "restarted");
		assert_string_equal(kit_text(lines, 0, "why"), "it is overdue");
		assert_string_equal(kit_text(lines, waited, "kind"), "restarted");
	}
	/* There was none under way. */
	first()->expected_ns = 0;
	first()->announce = true;
	supervised();
	assert_int_equal(kit_count(all("{}")), 1);
}

/* The supervisor looks @gap_ns after it should have: for so long nobody ran. */
static void supervised_late(uint64_t gap_ns)
{
	kit_sensor.supervised_ns = ks_port_time_ns() - SECOND - gap_ns;
	kit_sensor.work.run(&kit_sensor.work);
}

/*
 * Who did nothing while nobody ran is not late, a step under way begins anew to be late, and a
 * pass took that much less; a second of it is not counted as such.
 */
static void while_nobody_ran(void **state)
{
	uint64_t now;

	(void)state;
	port_advance(SECOND);
	now = ks_port_time_ns();
	first()->expected_ns = now - 6 * SECOND;
	supervised_late(SECOND + 1);
	assert_int_equal(first()->restarts, 0);
	assert_int_equal(first()->expected_ns, now);
	first()->expected_ns = now + 5;
	supervised_late(700 * SECOND);
	assert_int_equal(first()->expected_ns, now + 5);

	first()->busy = true;
	first()->step_start_ns = now - 700 * SECOND;
	supervised_late(700 * SECOND);
	assert_int_equal(first()->step_start_ns, now);
	assert_null(first()->last_error);
	first()->busy = false;
	first()->step_start_ns = 5;
	supervised_late(700 * SECOND);
	assert_int_equal(first()->step_start_ns, 5);

	first()->in_pass = true;
	first()->pass_start_ns = now - 10; /* after all of that */
	supervised_late(700 * SECOND);
	assert_int_equal(first()->pass_start_ns, now - 10);
	first()->pass_start_ns = now - 700 * SECOND; /* as it began */
	supervised_late(700 * SECOND);
	assert_int_equal(first()->pass_start_ns, now);
	first()->pass_start_ns = now - 705 * SECOND;
	supervised_late(700 * SECOND);
	assert_int_equal(first()->pass_start_ns, now - 5 * SECOND);
	first()->in_pass = false;
	assert_int_equal(first()->restarts, 0);

	first()->expected_ns = now - 5 * SECOND - 1;
	supervised_late(SECOND);
	assert_int_equal(first()->restarts, 1);
}

/*
 * Steps that ran late are an alarm once that comes to five seconds, whoever saw to it first; the
 * sums are in the status, too, which nothing pushes out.
 */
static void late_steps(void **state)
{
	static const uint64_t fine[] = { 0, 1, SECOND }, late[] = { SECOND + 1, 2 * SECOND, 2 * SECOND - 2 };
	json_t *lines;
	uint64_t now;

	(void)state;
	port_advance(SECOND);
	now = ks_port_time_ns();
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		first()->expected_ns = now - fine[i];
		first()->work.run(&first()->work);
	}
	assert_int_equal(first()->lates, 0);
	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
		first()->expected_ns = now - late[i];
		first()->work.run(&first()->work);
	}
	assert_int_equal(first()->lates, 3);
	assert_int_equal(kit_count(all("{\"filter\": {\"kind\": \"late\"}}")), 0);
	/* One nanosecond is missing; the supervisor comes first. */
	first()->expected_ns = now - SECOND - 1;
	supervised_late(2 * SECOND);
	first()->work.run(&first()->work);
	lines = all("{\"filter\": {\"kind\": \"late\"}}");
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(member(kit_record(lines, 0), "class"), "alarm");
	assert_int_equal(count_of(kit_record(lines, 0), "late_ns"), 6 * SECOND);
	assert_int_equal(count_of(kit_record(lines, 0), "lates"), 4);
	assert_int_equal(count_of(kit_record(lines, 0), "in_all_ns"), 6 * SECOND);
	/* A restart tells of it by itself; it is counted. */
	first()->expected_ns = now - 7 * SECOND;
	supervised();
	assert_int_equal(first()->restarts, 1);
	assert_int_equal(first()->lates, 5);
	assert_int_equal(first()->late_ns, 13 * SECOND);
	assert_int_equal(first()->late_untold_ns, 0);
	assert_int_equal(kit_count(all("{\"filter\": {\"kind\": \"late\"}}")), 0);
	/* Who is off is not late, nor is who has not begun yet. */
	first()->expected_ns = 0;
	first()->on = false;
	first()->work.run(&first()->work);
	first()->on = true;
	first()->steps = 0;
	first()->expected_ns = 0;
	first()->work.run(&first()->work);
	assert_int_equal(first()->lates, 5);
}

/* === Moments of steps ==================================================== */

/*
 * A pass begins at its moment, not a moment after it, and not before; and what asks for it wakes
 * the work now.
 */
static void at_the_moment(void **state)
{
	unsigned int steps;
	uint64_t now;

	(void)state;
	port_advance(SECOND);
	now = ks_port_time_ns();
	steps = probe.steps;
	first()->due_ns = now + 1;
	assert_int_equal(first()->work.run(&first()->work), 1);
	assert_int_equal(first()->expected_ns, now + 1);
	assert_int_equal(probe.steps, steps);
	first()->due_ns = now;
	assert_int_equal(first()->work.run(&first()->work), 4 * SECOND);
	assert_int_equal(first()->expected_ns, now + 4 * SECOND);
	assert_int_equal(probe.steps, steps + 1);
	assert_string_equal(word("low", "ordered"), "low");
	assert_int_equal(first()->work.port.due_ns, now);
	/* From the end of the step on. */
	probe.takes_ns = SECOND;
	first()->due_ns = now;
	assert_int_equal(first()->work.run(&first()->work), 8 * SECOND);
	assert_int_equal(first()->expected_ns, now + 9 * SECOND);
}

/* The new level counts from the moment of the change on, where that is sooner. */
static void moments_of_a_new_level(void **state)
{
	uint64_t now, due_ns;

	(void)state;
	port_advance(SECOND);
	now = ks_port_time_ns();
	due_ns = first()->due_ns;
	assert_true(due_ns > now && due_ns < now + 4 * SECOND);
	assert_string_equal(word("low", "ordered"), "low");
	assert_int_equal(first()->due_ns, due_ns);
	first()->due_ns = now + 8 * SECOND;
	port_suspend(SECOND);
	assert_string_equal(word("default", "ordered"), "default");
	assert_int_equal(first()->due_ns, now + 5 * SECOND);
	/* "on" for what is on changes nothing of that, also where moments are drawn. */
	assert_string_equal(word("adversarial", "ordered"), "adversarial");
	first()->due_ns = now + 4 * SECOND;
	for (unsigned int i = 0; i < 20; i++)
		assert_string_equal(word("on", "ordered"), "on");
	assert_int_equal(first()->due_ns, now + 4 * SECOND);
}

/*
 * Anything from next to nothing to twice the mean, both ends with it: of a mean of 1 ns, 0 to 2.
 */
static void ends_of_what_is_drawn(void **state)
{
	unsigned int drawn[3] = { 0 };

	(void)state;
	changed = ordered;
	changed.interval_ns[KS_HIGH] = 1;
	kit_stop();
	kit_prepare(changed_only, 1);
	kit_config.levels[0] = KS_HIGH;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	for (unsigned int i = 0; i < 300; i++) {
		first()->due_ns = ks_port_time_ns();
		first()->work.run(&first()->work);
		assert_true(first()->due_ns - ks_port_time_ns() <= 2);
		drawn[first()->due_ns - ks_port_time_ns()]++;
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(drawn[i], 60, 140);
}

/*
 * A caller's step does not make the probe's work run sooner; where the work alone may make it,
 * that is woken at once.
 */
static void who_is_woken(void **state)
{
	uint64_t due_ns;

	(void)state;
	port_advance(SECOND);
	due_ns = first()->work.port.due_ns;
	assert_true(due_ns > ks_port_time_ns());
	assert_int_equal(ks_probe_drive(first(), ks_probe_want_pass(first()), UINT64_MAX), KS_DRIVE_REACHED);
	assert_int_equal(first()->work.port.due_ns, due_ns);
	changed = ordered;
	changed.in_work = true;
	start_changed();
	port_advance(SECOND);
	assert_int_equal(ks_probe_drive(first(), ks_probe_want_pass(first()), UINT64_MAX), KS_DRIVE_NOT);
	assert_int_equal(first()->work.port.due_ns, ks_port_time_ns());
}

/* === What is drawn ======================================================= */

/* A uuid is 122 bits of the port's, version 4 of RFC 4122. */
static void uuids(void **state)
{
	static const struct {
		uint8_t bytes[16];
		const char *uuid;
	} cases[] = {
		{ { 0 }, "00000000-0000-4000-8000-000000000000" },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		  "ffffffff-ffff-4fff-bfff-ffffffffffff" },
		{ { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0 },
		  "01234567-89ab-4def-9234-56789abcdef0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char uuid[KS_UUID_TEXT];

		port_random_give(cases[i].bytes, 16);
		ks_uuid_new(uuid);
		assert_string_equal(uuid, cases[i].uuid);
	}
}

/* An epoch is not that of the count before, and never 0, which stands for none. */
static void epochs(void **state)
{
	uint32_t next[3];

	(void)state;
	assert_true(first()->epoch && kit_sensor.probes[1].epoch && first()->epoch != kit_sensor.probes[1].epoch);
	next[0] = 0;
	next[1] = first()->epoch;
	next[2] = 7;
	port_random_give(next, sizeof(next));
	assert_string_equal(word("reset", "ordered"), "reset");
	assert_int_equal(first()->epoch, 7);
}

/* === Memory and threads ================================================== */

static uint32_t items;

static void size_of_items(const struct ks_probe_type *type, struct ks_size *size)
{
	(void)type;
	size->items = items;
}

/*
 * A ring is made for a first sample, 1 KiB for each of its records and the open one, within
 * bounds; unless somebody said how large it is.
 */
static void sizes_of_rings(void **state)
{
	static const struct {
		uint32_t items, ring_bytes, bytes;
		bool fixed;
	} cases[] = {
		{ 0, 16384, 16384, false }, { 14, 16384, 16384, false }, { 15, 16384, 17408, false },
		{ 15, 16384, 16384, true },
		{ 15, 17409, 17409, false },     { 1021, 16384, 1047552, false },  { 1022, 16384, 1U << 20, false },
		{ 1023, 16384, 1U << 20, false }, { UINT32_MAX, 16384, 1U << 20, false },
	};

	(void)state;
	kit_stop();
	changed = ordered;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		changed.size = i ? size_of_items : NULL;
		items = cases[i].items;
		kit_prepare(changed_only, 1);
		kit_config.ring_bytes = cases[i].ring_bytes;
		kit_config.ring_fixed = cases[i].fixed;
		assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
		assert_int_equal(first()->ring.size, cases[i].bytes);
		assert_int_equal(first()->memory_bytes, cases[i].bytes);
		kit_stop();
	}
	kit_start(types, 2);
}

/*
 * A probe that could not get all of its memory has none of it, and none is said to be its.
 */
static void memory_of_none(void **state)
{
	static const struct ks_probe_type *const quiet[] = { &kit_alpha };

	(void)state;
	kit_stop();
	kit_prepare(quiet, 1);
	port_allocations_left = 2; /* the table of probes, and the probe's own; not its ring */
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	assert_string_equal(first()->last_error, "no memory");
	assert_false(first()->on || first()->equipped);
	assert_int_equal(first()->memory_bytes, 0);
	assert_int_equal(port_allocated, 1);
	kit_stop();
	kit_start(quiet, 1);
	assert_null(first()->last_error);
	assert_true(first()->on && first()->equipped && first()->epoch);
	assert_int_equal(first()->memory_bytes, 16 + 256 * 1024);
	assert_int_equal(port_allocated, 3);
}

/*
 * Where its type says so, a probe has memory of its own: zero at init(), there until after exit(),
 * counted, and given back with the rest also where that cannot be had.
 */
static int init_own(struct ks_probe *p)
{
	static const uint8_t zero[48];

	assert_memory_equal(p->own, zero, sizeof(zero));
	memset(p->own, 0x55, sizeof(zero));
	return probe.result == KS_STEP_FAILED ? -1 : 0;
}

static void exit_own(struct ks_probe *p)
{
	assert_int_equal(*(uint8_t *)p->own, 0x55);
	probe.steps = 77;
}

/* Starts with its probe alone, which has memory for so many blocks, and not for the next. */
static void start_own(long blocks)
{
	kit_prepare(changed_only, 1);
	port_allocations_left = 1 + blocks; /* and the table of probes */
	probe.steps = 0;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	port_allocations_left = -1;
}

static void own_memory(void **state)
{
	(void)state;
	kit_stop();
	changed = ordered;
	changed.own_bytes = 48;
	changed.init = init_own;
	changed.exit = exit_own;
	for (long blocks = 0; blocks < 2; blocks++) {
		start_own(blocks);
		assert_false(first()->equipped);
		assert_int_equal(probe.steps, blocks ? 77 : 0);
		assert_int_equal(port_allocated, 1);
		kit_stop();
	}
	probe.result = KS_STEP_FAILED;
	start_own(2);
	assert_false(first()->equipped);
	assert_int_equal(port_allocated, 1);
	kit_stop();
	probe.result = KS_STEP_DONE;
	start_own(2);
	assert_true(first()->equipped);
	assert_int_equal(first()->memory_bytes, 48 + 256 * 1024);
	assert_int_equal(port_allocated, 3);
	kit_stop();
	assert_int_equal(probe.steps, 77);
	kit_start(types, 2);
	assert_null(first()->own);
}

/*
 * Without a thread a probe stays off, as without memory; and without one of its own there is no
 * sensor.
 */
static void no_threads(void **state)
{
	(void)state;
	kit_stop();
	for (long left = 0; left < 4; left++) {
		kit_prepare(types, 2);
		port_threads_left = left;
		assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), left < 3 ? -1 : 0);
		assert_int_equal(port_works(), left);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(kit_sensor.probes[i].on, i < left);
			assert_int_equal(kit_sensor.probes[i].equipped, i < left);
		}
		/*
		 * The table of probes, and two blocks of each that has its thread; "ordered" has
		 * but its ring.
		 */
		assert_int_equal(port_allocated, left < 1 ? 1 : left < 2 ? 2 : 4);
		port_threads_left = -1;
		kit_stop();
	}
	kit_prepare(types, 2);
	port_allocations_left = 0;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), -1);
	kit_stop();
	kit_start(types, 2);
}

/* At the end, a probe is off before it is taken down, so that no client makes a step of it. */
static void exit_when_off(struct ks_probe *p)
{
	assert_false(p->on);
	probe.steps = 77;
}

static void off_at_the_end(void **state)
{
	(void)state;
	changed = ordered;
	changed.exit = exit_when_off;
	start_changed();
	assert_true(first()->on);
	kit_stop();
	assert_int_equal(probe.steps, 77);
	kit_start(types, 2);
}

/*
 * The lock of each probe is one that its port made: here one that notices who releases what he has
 * not taken.
 */
static void locks_are_made(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_mutex_unlock(&kit_sensor.probes[i].lock.mutex), EPERM);
}

/* === A fresh sample, call by call ======================================== */

static struct {
	char line[256], buf[KS_OUT_BYTES], told[1024];
	struct ks_request request;
	struct ks_cursor cursor;
} asked;

static void ask(const char *target, const char *options)
{
	snprintf(asked.line, sizeof(asked.line),
		 "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"records\", \"%s\", %s]}", target,
		 options);
	ks_request_parse(&asked.request, asked.line, strlen(asked.line), KS_VERSION_NONE);
	assert_int_equal(asked.request.error, KS_OK);
	asked.cursor = (struct ks_cursor){ 0 };
	asked.told[0] = '\0';
}

/* One call, with room for @room bytes; told has "kind:seq" of all that came since ask(). */
static enum ks_served call(size_t room)
{
	struct ks_writer out;
	enum ks_served more;

	ks_writer_init(&out, asked.buf, room);
	more = ks_serve(&kit_sensor, &kit_caller, &asked.request, &asked.cursor, &out);
	for (size_t at = 0; at < out.len && more != KS_SERVED_NO_ROOM;) {
		const char *newline = memchr(asked.buf + at, '\n', out.len - at), *why;
		size_t bytes = (size_t)(newline + 1 - asked.buf) - at, len = strlen(asked.told);
		json_t *line = judge_line(asked.buf + at, bytes, &why);
		const json_t *record = json_array_get(json_object_get(line, "reply"), 2);

		assert_non_null(line);
		if (record)
			snprintf(asked.told + len, sizeof(asked.told) - len, "%s%s:%u", len ? " " : "",
				 member(record, "kind"), (unsigned int)count_of(record, "seq"));
		json_decref(line);
		at += bytes;
	}
	if (more == KS_SERVED_DONE)
		ks_confirm(&kit_sensor, &asked.request, &asked.cursor);
	return more;
}

static const char *told(void)
{
	for (int calls = 0; call(KS_LINE_MAX) != KS_SERVED_DONE; calls++)
		assert_true(calls < 100);
	return asked.told;
}

/*
 * A call makes one step at most, and none where it had lines to give: so long does it take, and no
 * longer.
 */
static void one_step_a_call(void **state)
{
	unsigned int steps;

	(void)state;
	port_advance(SECOND);
	steps = probe.steps;
	probe.steps_of_pass = 4;
	kit_records(0, 1, "x");
	ask("ordered", "{\"run\": true}");
	assert_int_equal(call(KS_LINE_MAX), KS_SERVED_MORE);
	assert_string_equal(asked.told, "x:0");
	assert_int_equal(probe.steps, steps);
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(call(KS_LINE_MAX), KS_SERVED_MORE);
		assert_int_equal(probe.steps, steps + i);
	}
	assert_string_equal(told(), "x:0 announced:1");
	assert_int_equal(probe.steps, steps + 4);
}

/*
 * It is turned off while somebody waits for its sample: there is none, and the reply ends with
 * that.
 */
static void off_while_waited_for(void **state)
{
	json_t *lines;

	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 4;
	ask("ordered", "{\"run\": true, \"peek\": true, \"filter\": {\"kind\": \"none\"}}");
	assert_int_equal(call(KS_LINE_MAX), KS_SERVED_MORE);
	assert_string_equal(word("off", "ordered"), "off");
	assert_string_equal(told(), "failed:1");
	lines = all("{}");
	assert_string_equal(member(last_of(lines), "why"), "the probe was turned off");
	/* Turned off in the very step with which the pass is complete: there is a sample. */
	assert_string_equal(word("on", "ordered"), "on");
	port_advance(SECOND);
	all("{}");
	probe.steps_of_pass = 1;
	probe.meanwhile = off_in_the_middle;
	assert_int_equal(kit_count(all("{\"run\": true, \"filter\": {\"kind\": \"failed\"}}")), 0);
	assert_false(first()->on);
}

/*
 * The sample that is waited for is there, and somebody else is stuck in a step by now: that is not
 * its failure.
 */
static void stuck_after_it_was_reached(void **state)
{
	(void)state;
	port_advance(SECOND);
	probe.steps_of_pass = 2;
	ask("ordered", "{\"run\": true, \"filter\": {\"kind\": \"failed\"}}");
	assert_int_equal(call(KS_LINE_MAX), KS_SERVED_MORE);
	assert_true(first()->in_pass);
	while (first()->in_pass)
		port_advance(SECOND); /* its work went on with it */
	first()->busy = true;
	first()->step_start_ns = ks_port_time_ns() - 6 * SECOND;
	assert_string_equal(told(), "");
	first()->busy = false;
}

/*
 * Turned off in the middle of a pass: what failed before is no part of the answer to who asks for
 * a sample then.
 */
static void off_in_a_pass(void **state)
{
	(void)state;
	probe.result = KS_STEP_FAILED;
	port_advance(SECOND);
	probe.result = KS_STEP_DONE;
	probe.steps_of_pass = UINT32_MAX;
	port_advance(4 * SECOND);
	assert_true(first()->in_pass);
	assert_string_equal(word("off", "ordered"), "off");
	assert_int_equal(kit_count(all("{\"filter\": {\"kind\": \"failed\"}, \"peek\": true}")), 1);
	ask("*", "{\"run\": true, \"filter\": {\"kind\": \"none\"}}");
	assert_string_equal(told(), "failed:2");
}

/*
 * As many records as were asked for are there: no sample is made for the next probe, nor for the
 * first where none were.
 */
static void no_sample_for_nothing(void **state)
{
	(void)state;
	port_advance(SECOND);
	ask("*", "{\"run\": true, \"max\": 1}");
	assert_string_equal(told(), "announced:0");
	assert_int_equal(first()->passes, 2);
	assert_int_equal(kit_sensor.probes[1].passes, 1);
	assert_false(kit_sensor.probes[1].announce_next);
	ask("*", "{\"run\": true, \"max\": 0}");
	assert_string_equal(told(), "");
	assert_int_equal(first()->passes, 2);
	assert_false(first()->announce_next);
}

/*
 * A reset in the middle of a reply: whatever is filtered by, its first record comes, and no other
 * that was not asked for.
 */
static void reset_passes_filters(void **state)
{
	(void)state;
	port_advance(SECOND);
	kit_records(0, 3, "x");
	kit_records(1, 1, "y"); /* the first of another probe, which was not reset */
	ask("*", "{\"filter\": {\"kind\": \"x\"}}");
	assert_int_equal(call(250), KS_SERVED_MORE);
	assert_string_equal(asked.told, "x:0");
	assert_string_equal(word("reset", "ordered"), "reset");
	port_advance(1);
	kit_records(0, 2, "y");
	kit_records(0, 1, "x");
	assert_string_equal(told(), "x:0 began:0 x:3");
	/* One record was asked for by its number: that of another count is not meant. */
	kit_forget_began();
	kit_records(0, 3, "x");
	ask("ordered", "{\"record\": 1}");
	assert_int_equal(call(20), KS_SERVED_NO_ROOM);
	assert_string_equal(word("reset", "ordered"), "reset");
	port_advance(1);
	kit_records(0, 3, "x");
	assert_string_equal(told(), "");
}

#define with_sensor(test) cmocka_unit_test_setup_teardown(test, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_sensor(counts_begin_with_a_record),
		with_sensor(cursors_of_another_count),
		with_sensor(commands_are_recorded),
		with_sensor(error_changes_nothing),
		with_sensor(failures_are_news_once),
		with_sensor(failure_is_told_to_who_asked),
		with_sensor(passes_have_numbers),
		with_sensor(a_loss_tells_no_pass_under_way),
		with_sensor(announces_for_readers),
		with_sensor(readers_come_second),
		with_sensor(samples_for_readers),
		with_sensor(incomplete_is_not_whole),
		with_sensor(asking_pushes_out_no_alarm),
		with_sensor(pass_without_end),
		with_sensor(what_does_not_heal),
		with_sensor(suspended),
		with_sensor(alarms_stay),
		with_sensor(one_step_at_a_time),
		with_sensor(stuck_after_five_seconds),
		with_sensor(reset_during_a_step),
		with_sensor(reset_between_steps),
		with_sensor(off_during_a_step),
		with_sensor(started_anew_during_a_step),
		with_sensor(deadlines),
		with_sensor(counters),
		with_sensor(no_time_at_all),
		with_sensor(reset_takes_back),
		with_sensor(rests_by_level),
		with_sensor(no_rest_for_having_waited),
		with_sensor(due_at_once),
		with_sensor(losses_of_a_new_count),
		with_sensor(own_records),
		with_sensor(same_failure_is_news_again),
		with_sensor(no_reason_is_given),
		with_sensor(whole_again),
		with_sensor(each_second),
		with_sensor(late_by_five_seconds),
		with_sensor(patience_with_a_pass),
		with_sensor(patience_grows),
		with_sensor(crowd),
		with_sensor(step_without_end),
		with_sensor(pass_under_way_is_not_told),
		with_sensor(how_often_it_was_off),
		with_sensor(three_failures),
		with_sensor(pauses_and_the_end),
		with_sensor(restart_of_what_is_waited_for),
		with_sensor(while_nobody_ran),
		with_sensor(late_steps),
		with_sensor(at_the_moment),
		with_sensor(moments_of_a_new_level),
		with_sensor(ends_of_what_is_drawn),
		with_sensor(who_is_woken),
		with_sensor(uuids),
		with_sensor(epochs),
		with_sensor(sizes_of_rings),
		with_sensor(memory_of_none),
		with_sensor(own_memory),
		with_sensor(no_threads),
		with_sensor(off_at_the_end),
		with_sensor(locks_are_made),
		with_sensor(one_step_a_call),
		with_sensor(off_while_waited_for),
		with_sensor(stuck_after_it_was_reached),
		with_sensor(off_in_a_pass),
		with_sensor(no_sample_for_nothing),
		with_sensor(reset_passes_filters),
		cmocka_unit_test_teardown(loss_during_run_is_told, kit_teardown),
		cmocka_unit_test_teardown(fresh_samples_stay_whole, kit_teardown),
		with_sensor(every_state_every_command),
		with_sensor(to_all),
		with_sensor(off_and_on),
		with_sensor(new_uuid_at_each_start),
		with_sensor(reset),
		cmocka_unit_test(configured_states),
		with_sensor(regular_below_high),
		with_sensor(random_from_high_on),
		with_sensor(level_counts_at_once),
		with_sensor(steps_with_pauses),
		with_sensor(overdue_is_restarted),
		with_sensor(failing_is_restarted),
		with_sensor(one_failure_is_nothing),
		with_sensor(run_takes_a_fresh_sample),
		with_sensor(run_in_the_middle_of_a_pass),
		with_sensor(run_of_what_is_off),
		with_sensor(run_of_what_fails),
		with_sensor(reset_during_run),
		with_sensor(run_of_what_hangs),
		cmocka_unit_test_teardown(run_in_its_work, kit_teardown),
		with_sensor(run_without_time),
		with_sensor(records_of_before_a_reset),
	};

	return cmocka_run_group_tests_name("sensor", tests, NULL, NULL);
}
