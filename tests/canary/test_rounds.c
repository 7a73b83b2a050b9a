// SPDX-License-Identifier: MIT
/*
 * The canary's rounds on recorded samples: which verdict each ends with, and what is told.
 *
 * Wrong in the world if this fails: somebody reads "agrees" of what was not seen, or a finding is
 * raised of what merely came and went.
 *
 * Every source is played: what it says is set by the test, and may change between two questions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../canary/judge.h"

/* === The world ========================================================== */

enum { XEN, MODULE, XENSTORE, SOURCES };

struct world {
	const char *says[SOURCES];      /* records, as JSON with ' for "; NULL: the source is absent */
	const char *reason[SOURCES];    /* why it does not answer; NULL: it does, or is absent */
	unsigned int takes[SOURCES];    /* how often it was asked */
	void (*asked)(int source);      /* before each answer */
	unsigned int pauses, pauses_left;       /* interrupted in the last one, and from then on */
	json_t *told;                   /* all lines */
};

static struct world world;

/* JSON is easier to read in C with single quotes. */
static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *json;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(copy, 0, &error);
	if (!json)
		fail_msg("%s: %s", error.text, copy);
	free(copy);
	return json;
}

static int numbers[SOURCES] = { XEN, MODULE, XENSTORE };

static void *xen_open(const struct canary_options *options)
{
	(void)options;
	return &numbers[XEN];
}

static void *module_open(const struct canary_options *options)
{
	(void)options;
	return &numbers[MODULE];
}

static void *store_open(const struct canary_options *options)
{
	(void)options;
	return &numbers[XENSTORE];
}

static void nothing_to_close(void *state)
{
	(void)state;
}

static bool there(void *state, struct blindness *blind)
{
	static const char *const names[] = { "xen", "module", "xenstore" }, *const reasons[] = { "no-sensor", "no-module", "unreadable" };
	int source = *(int *)state;

	if (world.reason[source]) {
		blind_for(blind, world.reason[source], "it does not answer");
		return false;
	}
	if (world.says[source])
		return true;
	blind->absent = names[source];
	blind_for(blind, reasons[source], "there is no %s", names[source]);
	return false;
}

static bool take(void *state, const char *probe, json_int_t since, struct sample *sample, struct blindness *blind)
{
	int source = *(int *)state;

	(void)probe;
	(void)since;
	world.takes[source]++;
	if (world.asked)
		world.asked(source);
	if (!there(state, blind))
		return false;
	*sample = (struct sample){ .records = json_of(world.says[source]), .from = 100, .next = 1000 };
	return true;
}

static const struct source_type xen = { .name = "xen", .is_sensor = true, .open = xen_open, .close = nothing_to_close, .there = there, .take = take };
static const struct source_type module = {
	.name = "module", .is_sensor = true, .open = module_open, .close = nothing_to_close, .there = there, .take = take,
};
static const struct source_type xenstore = { .name = "xenstore", .open = store_open, .close = nothing_to_close, .there = there, .take = take };
static const struct source_type *const types[] = { &xen, &module, &xenstore, NULL };

/* === The canary's user ================================================== */

static void tell(void *context, const json_t *line)
{
	(void)context;
	json_array_append_new(world.told, json_deep_copy(line));
}

static void tell_gone(void *context, const json_t *line, const json_t *finding)
{
	(void)finding;
	tell(context, line);
}

static bool pauses(void *context, double seconds)
{
	(void)context;
	if (seconds > 0) {
		world.pauses++;
		world.pauses_left--;
	}
	return world.pauses_left > 0;
}

static struct canary_options options = { .raised = tell, .gone = tell_gone, .blind = tell, .sees = tell, .pause = pauses };

static struct canary *open_with(const char *checks)
{
	char error[256];
	struct canary *c;

	json_decref(world.told);
	world = (struct world){ .pauses_left = 1000, .told = json_array() };
	options.accept_count = 0;
	c = canary_open_with(&options, types, json_of(checks), "test", error, sizeof(error));
	if (!c)
		fail_msg("%s", error);
	return c;
}

/*
 * A member of what the coverage says of the check of this name, as text; "null": none, "-": no such
 * check.
 */
static const char *coverage_of(const struct canary *c, const char *name, const char *member)
{
	static char text[512];
	json_t *coverage = canary_coverage(c), *check, *value;
	size_t i;

	strcpy(text, "-");
	json_array_foreach(json_object_get(coverage, "checks"), i, check) {
		if (strcmp(json_string_value(json_object_get(check, "check")), name))
			continue;
		value = json_object_get(check, member);
		if (json_is_string(value))
			snprintf(text, sizeof(text), "%s", json_string_value(value));
		else
			snprintf(text, sizeof(text), "%s", json_is_true(value) ? "true" : json_is_null(value) ? "null" : "false");
		if (json_is_integer(value))
			snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	}
	json_decref(coverage);
	return text;
}

static void verdict_is(const struct canary *c, const char *name, const char *verdict, const char *reason)
{
	assert_string_equal(coverage_of(c, name, "verdict"), verdict);
	assert_string_equal(coverage_of(c, name, "reason"), reason);
}

/* How many lines were told that have a member @name with this value. */
static size_t told(const char *name, const char *value)
{
	size_t count = 0, i;
	json_t *line;

	json_array_foreach(world.told, i, line) {
		const char *is = json_string_value(json_object_get(line, name));

		count += is && !strcmp(is, value);
	}
	return count;
}

static json_t *finding(const char *name)
{
	json_t *line;
	size_t i;

	json_array_foreach(world.told, i, line) {
		const char *is = json_string_value(json_object_get(line, "finding"));

		if (is && !strcmp(is, name))
			return line;
	}
	fail_msg("there is no finding %s", name);
	return NULL;
}

#define RULE(name) "{'finding': '" name "', 'severity': 'critical', 'what': 'item {a} {b|without b}', 'why': 'w', 'next': 'n'}"
#define BOTH(name) "{'check': '" name "', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, " \
	"'dom0': [{'source': 'module', 'probe': 'p', 'kind': 'k', 'key': ['a']}], 'only_xen': " RULE("more") ", 'only_dom0': " RULE("less") "}"
#define ALONE(name, view) "{'check': '" name "', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']" view "}, 'dom0': [], 'looks': 2, 'only_xen': " \
	RULE("there") "}"
#define CHECKS(list) "{'checks': [" list "]}"
#define ITEM(seq, a) "{'seq': " #seq ", 'time': 100, 'kind': 'k', 'event': 'present', 'a': " #a "}"
#define OTHER "{'seq': 9, 'time': 100, 'kind': 'other'}"

/* === Verdicts =========================================================== */

static void agrees(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c")));

	(void)state;
	world.says[XEN] = world.says[MODULE] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_int_equal(world.pauses, 0);
	assert_int_equal(canary_findings(c, true), 0);
	assert_false(canary_is_blind(c));
	canary_close(c);
}

static void differs(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c")));
	json_t *coverage;

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "more"), 1);
	assert_string_equal(json_string_value(json_object_get(finding("more"), "what")), "item 6 without b");
	coverage = canary_coverage(c);
	assert_string_equal(json_string_value(json_object_get(coverage, "verdict")), "1 finding, 0 checks blind, 0 agree");
	json_decref(coverage);
	assert_int_equal(canary_findings(c, false), 1);
	/* Once told, it is not told again; and when it is gone, that is. */
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "more"), 1);
	world.says[XEN] = world.says[MODULE];
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_int_equal(told("gone", "more"), 1);
	canary_close(c);
}

static void goes_after_one_look(int source)
{
	if (source == XEN && world.takes[XEN] > 1)
		world.says[XEN] = world.says[MODULE];
}

static void came_and_went(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	world.asked = goes_after_one_look;
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_string_equal(coverage_of(c, "c", "came_and_went"), "1");
	canary_close(c);
}

static void fails_after_one_look(int source)
{
	if (source == XEN && world.takes[XEN] > 1)
		world.reason[XEN] = "timeout";
}

static void unconfirmed(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "]";
	world.asked = fails_after_one_look;
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "timeout");
	assert_int_equal(canary_findings(c, true), 0);
	assert_true(canary_is_blind(c));
	canary_close(c);
	/* Interrupted before the second look; what was not come to is blind. */
	c = open_with(CHECKS(ALONE("c", "") "," ALONE("d", "")));
	world.says[XEN] = "[" ITEM(1, 5) "]";
	world.pauses_left = 1;
	assert_false(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "interrupted");
	verdict_is(c, "d", "blind", "interrupted");
	canary_close(c);
}

static void interrupted_later(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "") "," ALONE("d", "")));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	world.pauses_left = 0;
	assert_false(canary_round(c));
	verdict_is(c, "d", "agrees", "null");
	canary_close(c);
}

static void blind_by_records(void **state)
{
	static const struct {
		const char *says, *reason;
	} cases[] = {
		{ "[]", "incomplete" },
		{ "[{'seq': 1, 'time': 100, 'kind': 'failed', 'why': 'the probe is off'}]", "probe-off" },
		{ "[{'seq': 1, 'time': 100, 'kind': 'failed', 'why': 'the probe was turned off'}]", "probe-off" },
		{ "[" OTHER ", {'seq': 1, 'time': 100, 'kind': 'failed', 'why': 'it cannot read'}]", "probe-failing" },
		{ "[" OTHER ", {'seq': 1, 'time': 100, 'kind': 'incomplete', 'looked': 1, 'of': 2}]", "incomplete" },
		{ "[" OTHER ", {'seq': 10, 'time': 100, 'kind': 'lost', 'first': 9, 'last': 9}]", "lost" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_with(CHECKS(ALONE("c", "")));

		world.says[XEN] = cases[i].says;
		assert_true(canary_round(c));
		verdict_is(c, "c", "blind", cases[i].reason);
		assert_true(canary_is_blind(c));
		canary_close(c);
	}
}

/* What was lost before the sample, or failed then, is nothing. */
static void old_troubles(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[{'seq': 1, 'time': 99, 'kind': 'failed', 'why': 'x'}, {'seq': 2, 'time': 99, 'kind': 'k', 'a': 1},"
			  "{'seq': 8, 'time': 100, 'kind': 'lost', 'last': 7}, " OTHER "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	canary_close(c);
}

static void partial_with_finding(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) ", {'seq': 2, 'time': 100, 'kind': 'incomplete', 'looked': 1, 'of': 2}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(canary_findings(c, false), 1);
	/* What a part has not, is not gone. */
	world.says[XEN] = "[" OTHER ", {'seq': 2, 'time': 100, 'kind': 'incomplete', 'looked': 1, 'of': 2}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "incomplete");
	assert_int_equal(told("gone", "there"), 0);
	assert_int_equal(canary_findings(c, false), 1);
	canary_close(c);
}

#define ONLY_IF(name, otherwise) "{'check': '" name "', 'only_if': {'where': {'kind': 'dom0', 'pv': true}, 'otherwise': '" otherwise "', " \
	"'words': 'no PV'}, 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'only_xen': " RULE("there") "}"

static void only_if(void **state)
{
	struct canary *c = open_with(CHECKS(ONLY_IF("n", "not-here") "," ONLY_IF("b", "blind")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) ", {'seq': 2, 'time': 100, 'kind': 'dom0', 'pv': false}]";
	assert_true(canary_round(c));
	verdict_is(c, "n", "not-here", "null");
	assert_string_equal(coverage_of(c, "n", "words"), "no PV");
	verdict_is(c, "b", "blind", "incomplete");
	assert_int_equal(canary_findings(c, true), 0);
	world.says[XEN] = "[{'seq': 2, 'time': 100, 'kind': 'dom0', 'pv': true}]";
	assert_true(canary_round(c));
	verdict_is(c, "n", "agrees", "null");
	verdict_is(c, "b", "agrees", "null");
	/* A pass that failed does not say that there is none. */
	world.says[XEN] = "[{'seq': 2, 'time': 100, 'kind': 'failed', 'why': 'the probe is off'}]";
	assert_true(canary_round(c));
	verdict_is(c, "n", "blind", "probe-off");
	canary_close(c);
}

#define STORE(not_here) "{'check': 'c', " not_here "'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, " \
	"'dom0': [{'source': 'xenstore', 'key': ['a']}], 'only_xen': " RULE("more") "}"

static void not_here(void **state)
{
	struct canary *c = open_with(CHECKS(STORE("'not_here': [{'source': 'xenstore', 'words': 'none here'}], ")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "not-here", "null");
	assert_string_equal(coverage_of(c, "c", "words"), "none here");
	assert_false(canary_is_blind(c));
	/* What was there was taken away. */
	world.says[XENSTORE] = "[{'a': 5}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	world.says[XENSTORE] = NULL;
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "unreadable");
	canary_close(c);
	/* Xen has what could not be without it: it was taken away before anybody looked. */
	c = open_with(CHECKS(STORE("'not_here': [{'source': 'xenstore', 'words': 'none here', 'unless': {'a': {'not': 5}}}], ")));
	world.says[XEN] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "not-here", "null");
	world.says[XEN] = "[" ITEM(1, 6) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "unreadable");
	assert_true(canary_is_blind(c));
	canary_close(c);
	/* Nothing says that it need not be here. */
	c = open_with(CHECKS(STORE("")));
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "unreadable");
	canary_close(c);
}

static void instead_of(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c") ",{'check': 'd', 'instead_of': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], "
					    "'only_xen': " RULE("there") "}"));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "no-module");
	verdict_is(c, "d", "differs", "null");
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_string_equal(coverage_of(c, "d", "verdict"), "-");
	assert_int_equal(canary_findings(c, true), 0);
	canary_close(c);
}

/* === Blindness in time ================================================== */

static void blinded(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	world.reason[XEN] = "timeout";
	assert_true(canary_round(c));
	assert_int_equal(told("blind", "c"), 1);
	assert_int_equal(told("finding", "blinded"), 0);
	assert_true(canary_round(c));
	assert_true(canary_round(c));
	assert_int_equal(told("blind", "c"), 1);
	assert_int_equal(told("finding", "blinded"), 1);
	assert_int_equal(canary_findings(c, false), 1);
	assert_string_equal(json_string_value(json_object_get(finding("blinded"), "severity")), "high");
	world.reason[XEN] = NULL;
	assert_true(canary_round(c));
	assert_int_equal(told("sees", "c"), 1);
	assert_int_equal(told("gone", "blinded"), 1);
	assert_int_equal(canary_findings(c, false), 0);
	canary_close(c);
}

static void blind_from_the_start(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "no-sensor");
	assert_int_equal(told("blind", "c") + told("finding", "blinded"), 0);
	canary_close(c);
}

static void accepted(void **state)
{
	static const char *const lists[][1] = { { "c" }, { "no-sensor" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct canary *c = open_with(CHECKS(ALONE("c", "")));

		options.accept = lists[i];
		options.accept_count = 1;
		world.says[XEN] = "[" OTHER "]";
		assert_true(canary_round(c));
		world.says[XEN] = NULL;
		for (int round = 0; round < 3; round++)
			assert_true(canary_round(c));
		verdict_is(c, "c", "blind", "no-sensor");
		assert_string_equal(coverage_of(c, "c", "accepted"), "true");
		assert_false(canary_is_blind(c));
		assert_int_equal(told("finding", "blinded"), 0);
		canary_close(c);
	}
}

/* === Rules ============================================================== */

static void where_null(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("n", ", 'where': {'site': null}") "," ALONE("p", ", 'where': {'site': {'not': null}}")));

	(void)state;
	world.says[XEN] = "[{'seq': 1, 'time': 100, 'kind': 'k', 'a': 1}, {'seq': 2, 'time': 100, 'kind': 'k', 'a': 2, 'site': null},"
			  "{'seq': 3, 'time': 100, 'kind': 'k', 'a': 3, 'site': 'x'}]";
	assert_true(canary_round(c));
	assert_string_equal(coverage_of(c, "n", "findings"), "2");
	assert_string_equal(coverage_of(c, "p", "findings"), "1");
	canary_close(c);
}

#define CHANGED "{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 2, 'changed': " RULE("changed") "}"

static void changed_by_first(void **state)
{
	struct canary *c = open_with(CHECKS(CHANGED));
	json_t *old;

	(void)state;
	/* The record of the change was taken by somebody else. */
	world.says[XEN] = "[{'seq': 7, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 2, 'first': {'b': 1}, 'changes': 1},"
			  "{'seq': 8, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 2, 'b': 2, 'changes': 2}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "changed"), 1);
	old = json_object_get(finding("changed"), "old");
	assert_int_equal(json_integer_value(json_object_get(old, "b")), 1);
	canary_close(c);
	/* Too long to be told: it is not as at first all the same. */
	c = open_with(CHECKS(CHANGED));
	world.says[XEN] = "[{'seq': 7, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 2, 'first': null}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	canary_close(c);
	/* Put back, and only the record of that is left: what it was before is not what it was first. */
	c = open_with(CHECKS(CHANGED));
	world.says[XEN] = "[{'seq': 6, 'time': 50, 'kind': 'k', 'event': 'changed', 'a': 1, 'b': 1, 'old': {'b': 2}, 'changed_ns': 9, 'changes': 2},"
			  "{'seq': 7, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 1, 'changed_ns': 9, 'changes': 2}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	canary_close(c);
	/* By the records alone. */
	c = open_with(CHECKS(CHANGED));
	world.says[XEN] = "[{'seq': 1, 'time': 50, 'kind': 'k', 'event': 'changed', 'a': 1, 'b': 2, 'old': {'b': 1}},"
			  "{'seq': 7, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 2}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	canary_close(c);
}

static void passes(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", ", 'passes': 3")));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	assert_int_equal(world.takes[XEN], 3);
	assert_int_equal(world.pauses, 2);
	canary_close(c);
}

static void notices(void **state)
{
	struct canary *c = open_with(CHECKS("{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 1, 'only_xen': "
					    "{'finding': 'f', 'severity': 'notice', 'what': 'w', 'why': 'w', 'next': 'n'}}"));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "f"), 1);
	assert_int_equal(canary_findings(c, false), 0);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

static void source_is_there(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));
	char why[64];

	(void)state;
	world.says[XEN] = "[]";
	assert_true(canary_source_is_there(c, "xen", why, sizeof(why)));
	assert_false(canary_source_is_there(c, "module", why, sizeof(why)));
	assert_string_equal(why, "there is no module");
	canary_close(c);
}

static int end(void **state)
{
	(void)state;
	json_decref(world.told);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees),
		cmocka_unit_test(differs),
		cmocka_unit_test(came_and_went),
		cmocka_unit_test(unconfirmed),
		cmocka_unit_test(interrupted_later),
		cmocka_unit_test(blind_by_records),
		cmocka_unit_test(old_troubles),
		cmocka_unit_test(partial_with_finding),
		cmocka_unit_test(only_if),
		cmocka_unit_test(not_here),
		cmocka_unit_test(instead_of),
		cmocka_unit_test(blinded),
		cmocka_unit_test(blind_from_the_start),
		cmocka_unit_test(accepted),
		cmocka_unit_test(where_null),
		cmocka_unit_test(changed_by_first),
		cmocka_unit_test(passes),
		cmocka_unit_test(notices),
		cmocka_unit_test(source_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
