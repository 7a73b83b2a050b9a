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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../canary/judge.h"
#include "json_of.h"

/* The status of one who lets us ask, and made a pass since. */
#define WILLING "{'time': 100, 'control': true, 'probes': [{'name': 'p', 'state': 'on', 'whole_start_ns': 100}]}"

/* === The world ========================================================== */

enum { XEN, MODULE, XENSTORE, SOURCES };

struct world {
	const char *says[SOURCES];      /* records: JSON with ' for "; NULL: no such source */
	const char *reason[SOURCES];    /* why it does not answer; NULL: it does, or is absent */
	unsigned int takes[SOURCES];    /* how often it was asked */
	const char *status[SOURCES];    /* likewise; NULL: one that lets us ask, at time 100 */
	const char *held[SOURCES];      /* its records without a fresh sample; NULL: as says */
	const char *kind[SOURCES];      /* asked for with the last fresh sample; NULL: all */
	json_int_t since, epoch;        /* and where that went on */
	bool tells_all;                 /* its records, whatever was asked for */
	bool refuses;                   /* fresh samples, whatever the status says */
	unsigned int announces;         /* how often a pass with all records was asked for */
	void (*slept)(void);            /* behind each pause */
	double slept_s;
	bool no_records;                /* a sensor tells its status alone */
	unsigned int waits, waits_over; /* how often a wait was told, and the end of one */
	void (*asked)(int source);      /* before each answer */
	unsigned int pauses, pauses_left;       /* interrupted in the last one, and from then on */
	json_t *told;                   /* all lines */
};

static struct world world;
static size_t allocations_left;         /* until one of jansson's fails; 0: none does */

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
	static const char *const names[] = { "xen", "module", "xenstore" };
	static const char *const reasons[] = { "no-sensor", "no-module", "unreadable" };
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

static bool take(void *state, struct sample *sample, struct blindness *blind)
{
	int source = *(int *)state;

	world.takes[source]++;
	if (world.asked)
		world.asked(source);
	if (!there(state, blind))
		return false;
	*sample = (struct sample){ .records = json_of(world.says[source]), .from = 100, .next = 1000 };
	return true;
}

static json_t *status(void *state, struct blindness *blind)
{
	int source = *(int *)state;
	size_t left;
	json_t *said;

	if (!there(state, blind))
		return NULL;
	left = allocations_left;
	allocations_left = 0;
	said = json_of(world.status[source] ? world.status[source] : WILLING);
	allocations_left = left;
	return said;
}

/* Of a kind, or of a probe: records that name none are of the one that was asked. */
static bool is_asked(const json_t *record, const char *member, const char *wanted)
{
	const char *is = json_string_value(json_object_get(record, member));

	return !wanted || !is || !strcmp(is, wanted);
}

/* How a sample ended is told whatever kind was asked for. */
static bool is_its_end(const struct asking *asking, const json_t *record)
{
	return asking->how == ASK_FRESH &&
	       (is_asked(record, "kind", "failed") || is_asked(record, "kind", "incomplete") ||
		is_asked(record, "kind", "lost"));
}

static bool records(void *state, const struct asking *asking, json_t *records, struct blindness *blind)
{
	int source = *(int *)state;
	size_t left = allocations_left, i;
	json_t *says, *record;

	if (asking->how == ASK_FRESH && world.refuses) {
		blind_for(blind, "denied", "it refuses");
		return false;
	}
	if (world.no_records) {
		blind_for(blind, "timeout", "they do not come");
		return false;
	}
	world.announces += asking->how == ASK_ANNOUNCE;
	if (asking->how == ASK_FRESH) {
		world.takes[source]++;
		world.kind[source] = asking->kind;
		world.since = asking->since;
		world.epoch = asking->epoch;
	}
	if (asking->how == ASK_FRESH && world.asked)
		world.asked(source);
	if (!there(state, blind))
		return false;
	allocations_left = 0;
	says = json_of(asking->how != ASK_FRESH && world.held[source] ? world.held[source] : world.says[source]);
	json_array_foreach(says, i, record)
		if (world.tells_all || ((is_asked(record, "kind", asking->kind) || is_its_end(asking, record)) &&
					is_asked(record, "probe", asking->probe))) {
			if (asking->probe && !json_object_get(record, "probe"))
				json_object_set_new(record, "probe", json_string(asking->probe));
			json_array_append(records, record);
		}
	json_decref(says);
	allocations_left = left;
	return true;
}

static const struct source_type xen = {
	.name = "xen", .is_sensor = true, .open = xen_open, .close = nothing_to_close, .there = there,
	.status = status, .records = records,
};
static const struct source_type module = {
	.name = "module", .is_sensor = true, .open = module_open, .close = nothing_to_close, .there = there,
	.status = status, .records = records,
};
static const struct source_type xenstore = {
	.name = "xenstore", .open = store_open, .close = nothing_to_close, .there = there, .take = take,
};

/* Of sockets it lists none, ever. */
static bool list_nothing(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state;
	(void)blind;
	sample->records = json_array();
	return sample->records;
}

static const struct source_type proc_net = { .name = "proc-net", .is_of_sockets = true, .take = list_nothing };
static const struct source_type *const types[] = { &xen, &module, &xenstore, &proc_net, NULL };

/* === The canary's user ================================================== */

static void tell(void *context, const json_t *line)
{
	size_t left = allocations_left;

	(void)context;
	allocations_left = 0;
	json_array_append_new(world.told, json_deep_copy(line));
	allocations_left = left;
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
		world.slept_s += seconds;
		if (world.slept)
			world.slept();
	}
	return world.pauses_left > 0;
}

static void waiting(void *context, const char *source, const char *probe, double waited_s, double most_s)
{
	(void)context;
	assert_string_equal(source, "xen");
	assert_true(!probe || waited_s <= most_s);
	if (probe)
		world.waits++;
	else
		world.waits_over++;
}

static struct canary_options options = {
	.raised = tell,
	.changed = tell,
	.gone = tell_gone,
	.blind = tell,
	.unconfirmed = tell,
	.sees = tell,
	.waiting = waiting,
	.pause = pauses,
};

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
 * A member of what the coverage says of the check of this name, as text; "null": none,
 * "-": no such check.
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
			snprintf(text, sizeof(text), "%s",
				 json_is_true(value) ? "true" : json_is_null(value) ? "null" : "false");
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

#define RULE(name) \
	"{'finding': '" name "', 'severity': 'critical', 'what': 'item {a} {b|without b}', 'why': 'w', 'next': 'n'}"
#define BOTH(name) "{'check': '" name "', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, " \
	"'dom0': [{'source': 'module', 'probe': 'p', 'kind': 'k', 'key': ['a']}], 'only_xen': " RULE("more") \
	", 'only_dom0': " RULE("less") "}"
#define ALONE(name, view) \
	"{'check': '" name "', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']" view \
	"}, 'dom0': [], 'looks': 2, 'only_xen': " \
	RULE("there") "}"
#define CHECKS(list) "{'checks': [" list "]}"
#define ITEM(seq, a) "{'seq': " #seq ", 'time': 100, 'kind': 'k', 'event': 'present', 'a': " #a "}"
#define OTHER "{'seq': 2, 'time': 100, 'kind': 'other'}"

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
	assert_string_equal(json_string_value(json_object_get(coverage, "verdict")),
			    "1 finding, 0 checks blind, 0 agree");
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

/* What to do next ends with where more is said, if the file of checks says where. */
static void names_its_page(void **state)
{
	struct canary *c = open_with("{'pages': 'doc/findings', 'checks': [" BOTH("c") "]}");

	(void)state;
	world.says[XEN] = "[" ITEM(2, 6) "]";
	world.says[MODULE] = "[" OTHER "]";
	assert_true(canary_round(c));
	assert_string_equal(json_string_value(json_object_get(finding("more"), "next")),
			    "n See doc/findings/more.md.");
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

static void is_another_at_each_look(int source)
{
	static char text[128];

	snprintf(text, sizeof(text), "[" ITEM(1, 5) ", {'seq': 2, 'time': 100, 'kind': 'k', 'a': %u}]",
		 100 + world.takes[XEN]);
	if (source == XEN)
		world.says[XEN] = text;
}

static void is_gone_at_the_last_look(int source)
{
	is_another_at_each_look(source);
	if (world.takes[XEN] == 3)
		world.says[XEN] = world.says[MODULE];
}

/*
 * A process that hides, and goes on as a new one all the time, is never the same one at two looks.
 * Neither are those of a machine that starts very many; but of them, some look meets none.
 */
static void never_the_same(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	world.asked = is_another_at_each_look;
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_string_equal(coverage_of(c, "c", "looks"), "3");
	assert_non_null(strstr(coverage_of(c, "c", "words"), "at each look"));
	assert_int_equal(canary_findings(c, true), 0);
	assert_true(canary_is_blind(c));
	world.takes[XEN] = 0;
	world.asked = is_gone_at_the_last_look;
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_false(canary_is_blind(c));
	canary_close(c);
	/* Interrupted behind the second look, when nothing is left of the first. */
	c = open_with(CHECKS(BOTH("c")));
	world.says[XEN] = "[" ITEM(1, 5) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	world.asked = is_another_at_each_look;
	world.pauses_left = 2;
	assert_false(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "interrupted");
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

/* What was lost before the sample, or failed then, is nothing; nor is that all is seen again. */
static void old_troubles(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[{'seq': 1, 'time': 99, 'kind': 'failed', 'why': 'x'}, {'seq': 2, 'time': 99, 'kind': 'k', "
			  "'a': 1},"
			  "{'seq': 8, 'time': 100, 'kind': 'lost', 'last': 7}, "
			  "{'seq': 9, 'time': 100, 'kind': 'other'}, "
			  "{'seq': 10, 'time': 100, 'kind': 'incomplete', 'looked': 4, 'of': 4}]";
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

#define ONLY_IF(name, otherwise) \
	"{'check': '" name "', 'only_if': {'where': {'kind': 'dom0', 'pv': true}, 'otherwise': '" otherwise "', " \
	"'words': 'no PV'}, 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'only_xen': " RULE("there") \
	"}"

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

#define ONE_OF(member, otherwise) \
	"{'where': {'kind': 'dom0', '" member "': true}, 'otherwise': '" otherwise "', 'words': 'no " member "'}"

/* Of two conditions the first that does not hold counts. */
static void only_if_both(void **state)
{
	static const char check[] = "{'check': 'c', 'only_if': [" ONE_OF("pv", "not-here") "," ONE_OF("whole", "blind")
				    "], 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'only_xen': "
				    RULE("there") "}";
	char text[sizeof(check) + 32], error[256];
	struct checks checks;
	struct canary *c;

	(void)state;
	snprintf(text, sizeof(text), "{'checks': [%s]}", check);
	c = open_with(text);
	world.says[XEN] = "[{'seq': 2, 'time': 100, 'kind': 'dom0', 'pv': false, 'whole': false}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "not-here", "null");
	assert_string_equal(coverage_of(c, "c", "words"), "no pv");
	world.says[XEN] = "[{'seq': 2, 'time': 100, 'kind': 'dom0', 'pv': true, 'whole': false}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "incomplete");
	assert_string_equal(coverage_of(c, "c", "words"), "no whole");
	world.says[XEN] = "[{'seq': 2, 'time': 100, 'kind': 'dom0', 'pv': true, 'whole': true}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	canary_close(c);
	/* There are one or two. */
	assert_false(checks_read(&checks, json_of("{'checks': [{'check': 'c', 'only_if': []}]}"), "f", error,
				 sizeof(error)));
	assert_string_equal(error, "f: check \"c\": \"only_if\" is an object, or an array of 1 to 2");
	checks_free(&checks);
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
	c = open_with(CHECKS(STORE("'not_here': [{'source': 'xenstore', 'words': 'none here', "
				   "'unless': {'a': {'not': 5}}}], ")));
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
	struct canary *c = open_with(CHECKS(BOTH("c") ",{'check': 'd', 'instead_of': 'c', 'xen': {'probe': 'p', "
					    "'kind': 'k', 'key': ['a']}, 'dom0': [], "
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

/*
 * One round in which nothing was confirmed may be by chance; of more, a line tells.  It is no
 * sight: who is blind in between does not see again by that, and cannot evade what he is.
 */
static void unconfirmed_for_long(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	for (unsigned int round = 0; round < 4; round++) {
		world.says[XEN] = "[" ITEM(1, 5) "]";
		world.reason[XEN] = NULL;
		world.takes[XEN] = 0;
		world.asked = fails_after_one_look;
		assert_true(canary_round(c));
		verdict_is(c, "c", "unconfirmed", "timeout");
		assert_int_equal(told("unconfirmed", "c"), round > 0);
	}
	world.says[XEN] = "[" OTHER "]";
	world.reason[XEN] = NULL;
	world.asked = NULL;
	assert_true(canary_round(c));
	assert_int_equal(told("sees", "c"), 1);
	/* Blind, unconfirmed, and blind: two rounds without sight. */
	world.reason[XEN] = "timeout";
	assert_true(canary_round(c));
	world.says[XEN] = "[" ITEM(1, 5) "]";
	world.reason[XEN] = NULL;
	world.takes[XEN] = 0;
	world.asked = fails_after_one_look;
	assert_true(canary_round(c));
	assert_int_equal(told("sees", "c"), 1);
	assert_int_equal(told("finding", "blinded"), 0);
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "blinded"), 1);
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

/* === One deed, one finding ============================================== */

#define DEED(name, severity, deed) \
	"{'finding': '" name "', 'severity': '" severity "', 'what': 'item {a} {n|}', 'why': 'w', 'next': 'n', " \
	"'deed': " deed "}"
#define REPORTS(name, kind, rule) \
	"{'check': '" name "', 'xen': {'probe': 'p', 'kind': '" kind "', 'key': ['a']}, 'dom0': [], 'looks': 2, " \
	"'only_xen': " rule "}"
#define RECORD(seq, kind, members) "{'seq': " #seq ", 'time': 100, 'kind': '" kind "', " members "}"

/* Two page-table roots, and the task that has both: what a process that hides is seen by. */
#define ROOTS_AND_TASK \
	CHECKS(REPORTS("roots", "root", DEED("hidden-root", "high", "{'root': ['a']}")) "," \
	       REPORTS("tasks", "task", DEED("hidden-task", "critical", "{'root': ['b', 'c'], 'task': ['a']}")))
#define ROOT_1 RECORD(1, "root", "'a': '0x1'")
#define ROOT_2 RECORD(2, "root", "'a': '0x2'")
#define TASK RECORD(3, "task", "'a': 7, 'b': '0x1', 'c': '0x2'")

static json_t *line_with(const char *name)
{
	json_t *line, *found = NULL;
	size_t i;

	json_array_foreach(world.told, i, line)
		if (json_object_get(line, name))
			found = line;
	assert_non_null(found);
	return found;
}

/* Which findings stand in "also", with blanks between them. */
static const char *also_of(const json_t *finding)
{
	static char names[256];
	json_t *part;
	size_t i;

	names[0] = '\0';
	json_array_foreach(json_object_get(finding, "also"), i, part) {
		strcat(names, i ? " " : "");
		strcat(names, json_string_value(json_object_get(part, "finding")));
		assert_null(json_object_get(part, "why"));
		assert_non_null(json_object_get(part, "what"));
		assert_non_null(json_object_get(part, "check"));
	}
	return names;
}

static void one_deed(void **state)
{
	struct canary *c = open_with(ROOTS_AND_TASK);
	json_t *coverage;

	(void)state;
	world.says[XEN] = "[" ROOT_1 "," ROOT_2 "," TASK "]";
	assert_true(canary_round(c));
	assert_int_equal(json_array_size(world.told), 1);
	assert_string_equal(also_of(finding("hidden-root")), "hidden-root hidden-task");
	/* It is as bad as the worst of them. */
	assert_string_equal(json_string_value(json_object_get(finding("hidden-root"), "severity")), "critical");
	assert_int_equal(canary_findings(c, true), 1);
	/* Each check says what it says all the same. */
	verdict_is(c, "roots", "differs", "null");
	verdict_is(c, "tasks", "differs", "null");
	assert_string_equal(coverage_of(c, "roots", "findings"), "2");
	assert_string_equal(coverage_of(c, "tasks", "findings"), "1");
	coverage = canary_coverage(c);
	assert_string_equal(json_string_value(json_object_get(coverage, "verdict")),
			    "1 finding, 0 checks blind, 0 agree");
	json_decref(coverage);
	/* It is not over before no check reports it. */
	world.says[XEN] = "[" OTHER "," TASK "]";
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "hidden-root"), 0);
	assert_int_equal(told("changed", "hidden-task"), 1);
	assert_string_equal(also_of(json_object_get(line_with("changed"), "now")), "");
	assert_int_equal(canary_findings(c, true), 1);
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "hidden-task"), 1);
	assert_int_equal(canary_findings(c, true), 0);
	assert_int_equal(json_array_size(world.told), 3);
	canary_close(c);
}

/* Later, the first that sees it tells it at once; it keeps its id. */
static void deed_is_seen_by_and_by(void **state)
{
	struct canary *c = open_with(ROOTS_AND_TASK);
	json_t *first, *changed;

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	world.says[XEN] = "[" TASK "]";
	assert_true(canary_round(c));
	first = finding("hidden-task");
	assert_string_equal(also_of(first), "");
	world.says[XEN] = "[" ROOT_1 "," ROOT_2 "," TASK "]";
	assert_true(canary_round(c));
	assert_int_equal(json_array_size(world.told), 2);
	changed = line_with("changed");
	assert_string_equal(json_string_value(json_object_get(changed, "id")),
			    json_string_value(json_object_get(first, "id")));
	assert_string_equal(also_of(json_object_get(changed, "now")), "hidden-root hidden-root");
	/* Nothing is news twice. */
	assert_true(canary_round(c));
	assert_int_equal(json_array_size(world.told), 2);
	canary_close(c);
}

/* Two findings turn out to be of one deed. */
static void deeds_are_joined(void **state)
{
	struct canary *c = open_with(ROOTS_AND_TASK);
	json_t *gone;

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	world.says[XEN] = "[" ROOT_1 "," ROOT_2 "]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "hidden-root"), 2);
	assert_int_equal(canary_findings(c, true), 2);
	world.says[XEN] = "[" ROOT_1 "," ROOT_2 "," TASK "]";
	assert_true(canary_round(c));
	assert_int_equal(canary_findings(c, true), 1);
	gone = line_with("gone");
	assert_string_equal(json_string_value(json_object_get(gone, "joined")),
			    json_string_value(json_object_get(line_with("changed"), "id")));
	assert_string_equal(also_of(json_object_get(line_with("changed"), "now")), "hidden-root hidden-task");
	canary_close(c);
}

/* Another check sees it in each round, and none for two: it goes on, and is not told as gone. */
static void deed_flips(void **state)
{
	static const char *const says[] = { "[" ROOT_1 "]", "[" OTHER "," TASK "]" };
	struct canary *c = open_with(ROOTS_AND_TASK);
	const char *id;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		world.says[XEN] = says[i % 2];
		assert_true(canary_round(c));
		assert_int_equal(canary_findings(c, true), 1);
	}
	assert_int_equal(json_array_size(world.told), 7);
	id = json_string_value(json_object_get(finding("hidden-root"), "id"));
	assert_int_equal(told("id", id), 7);
	assert_int_equal(told("changed", "hidden-task"), 3);
	assert_int_equal(told("changed", "hidden-root"), 3);
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "hidden-root"), 1);
	canary_close(c);
}

/* The next round says RECORDS, made of @i. */
static void say(const char *format, unsigned int i)
{
	static char text[512];

	snprintf(text, sizeof(text), format, i, i, i, i);
	world.says[XEN] = text;
}

#define ROUNDS 3000

/*
 * Whoever looks for weeks keeps no more than there is at a time: neither of items that changed and
 * are gone, though nothing tells of their end, nor of what a deed that lasts once had in common.
 */
static void looks_for_weeks(void **state)
{
	struct canary *c = open_with(CHECKS("{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, "
					    "'dom0': [], 'looks': 1, 'changed': " RULE("changed") "}"));

	(void)state;
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		say("[{'seq': 1, 'time': 100, 'kind': 'k', 'event': 'changed', 'a': %u, 'b': 0, "
		    "'old': {'b': %u}}]", i);
		assert_true(canary_round(c));
		assert_int_equal(canary_findings(c, true), 1);
	}
	assert_in_range(json_object_size(c->checks.check[0].first), 1, 3);
	assert_int_equal(json_object_size(c->checks.check[0].reports), 1);
	assert_int_equal(json_object_size(c->deeds), 1);
	canary_close(c);

	/* A root that stays, with another task upon it each time. */
	c = open_with(ROOTS_AND_TASK);
	world.pauses_left = UINT32_MAX;
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		say("[" ROOT_1 ", {'seq': 2, 'time': 100, 'kind': 'task', 'a': %u, 'b': '0x1', 'c': '0xf%u'}]", i);
		assert_true(canary_round(c));
		assert_int_equal(canary_findings(c, true), 1);
	}
	assert_in_range(json_object_size(c->deed_of), 4, 50);
	canary_close(c);
}

/* Who has next week what a deed had once is of another one. */
static void what_a_deed_had_is_forgotten(void **state)
{
	static const unsigned int rounds[] = { 3, 30 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct canary *c = open_with(ROOTS_AND_TASK);

		world.says[XEN] = "[" ROOT_1 "," ROOT_2 "," TASK "]";
		assert_true(canary_round(c));
		world.says[XEN] = "[" ROOT_1 "]";
		for (unsigned int round = 0; round < rounds[i]; round++)
			assert_true(canary_round(c));
		assert_int_equal(canary_findings(c, true), 1);
		world.says[XEN] = "[" ROOT_1 "," ROOT_2 "]";
		assert_true(canary_round(c));
		assert_int_equal(canary_findings(c, true), i ? 2 : 1);
		canary_close(c);
	}
}

/* That two threads of the kernel's have no page tables does not make them one. */
static void nothing_in_common(void **state)
{
	struct canary *c = open_with(ROOTS_AND_TASK);

	(void)state;
	world.says[XEN] = "[" RECORD(1, "task", "'a': 7, 'b': '0x0', 'c': '0x0'") "," RECORD(
		2, "task", "'a': 8, 'b': '0x0', 'c': null") "]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "hidden-task"), 2);
	canary_close(c);
}

/* === No memory ========================================================== */

static size_t allocations;

static void *allocate(size_t bytes)
{
	allocations++;
	return allocations_left && !--allocations_left ? NULL : malloc(bytes);
}

/*
 * Whichever of the library's allocations fails in a round: what was found is told by the next one,
 * and neither round ends as if nothing was.
 */
static void no_memory_once(void **state)
{
	size_t nth = 0;
	bool failed;

	(void)state;
	do {
		struct canary *c = open_with(ROOTS_AND_TASK);

		world.says[XEN] = "[" ROOT_1 "," ROOT_2 "," TASK "]";
		json_set_alloc_funcs(allocate, free);
		allocations_left = ++nth;
		canary_round(c);
		failed = !allocations_left;
		allocations_left = 0;
		json_set_alloc_funcs(malloc, free);
		if (!canary_findings(c, true) && !canary_is_blind(c))
			fail_msg("allocation %zu failed, and nothing was found", nth);
		assert_true(canary_round(c));
		if (!told("finding", "hidden-root") && !told("finding", "hidden-task"))
			fail_msg("allocation %zu failed, and what was found is never told", nth);
		assert_int_equal(canary_findings(c, true), 1);
		world.says[XEN] = "[" OTHER "]";
		assert_true(canary_round(c));
		if (canary_findings(c, true))
			fail_msg("allocation %zu failed, and what was found is never gone", nth);
		verdict_is(c, "roots", "agrees", "null");
		canary_close(c);
	} while (failed);
}

/* How often jansson allocates where one check sees @count roots, and another that they are one. */
static size_t allocations_of_joins(unsigned int count)
{
	struct canary *c = open_with(CHECKS(
		REPORTS("roots", "root", DEED("hidden-root", "high", "{'root': ['a']}")) ","
		REPORTS("tasks", "task", DEED("hidden-task", "high", "{'root': ['b'], 'group': ['g']}"))));
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	fputs("[" OTHER, out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, ", {'seq': 1, 'time': 100, 'kind': 'root', 'a': %u}, "
			"{'seq': 1, 'time': 100, 'kind': 'task', 'a': %u, 'b': %u, 'g': 1}", i, i, i);
	fputs("]", out);
	fclose(out);
	world.says[XEN] = text;
	allocations = 0;
	json_set_alloc_funcs(allocate, free);
	assert_true(canary_round(c));
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
	free(text);
	return allocations;
}

/* With four times the reports, there is about four times as much to do. */
static void many_are_joined(void **state)
{
	(void)state;
	assert_in_range(allocations_of_joins(800) / allocations_of_joins(200), 3, 6);
}

/* The first round is cut short: what was seen until then is told. */
static void deed_is_told_when_interrupted(void **state)
{
	struct canary *c = open_with(ROOTS_AND_TASK);

	(void)state;
	world.says[XEN] = "[" ROOT_1 "," TASK "]";
	world.pauses_left = 2;
	assert_false(canary_round(c));
	verdict_is(c, "tasks", "unconfirmed", "interrupted");
	assert_int_equal(told("finding", "hidden-root"), 1);
	canary_close(c);
}

/* What is counted goes up all the time: it is told when it has doubled. */
static void finding_grows(void **state)
{
	static const struct {
		const char *says;
		size_t changed;
	} rounds[] = {
		{ "[" RECORD(1, "k", "'a': 1, 'n': 3") "]", 0 },    { "[" RECORD(1, "k", "'a': 1, 'n': 5") "]", 0 },
		{ "[" RECORD(1, "k", "'a': 1, 'n': 6") "]", 1 },    { "[" RECORD(1, "k", "'a': 1, 'n': 6") "]", 1 },
		{ "[" RECORD(1, "k", "'a': 1, 'n': 5000") "]", 2 }, { "[" RECORD(1, "k", "'a': 1, 'n': 2") "]", 2 },
	};
	struct canary *c = open_with(CHECKS(REPORTS("c", "k", DEED("refused", "high", "{'a': ['a']}"))));
	const char *first_seen;

	(void)state;
	for (size_t i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		world.says[XEN] = rounds[i].says;
		assert_true(canary_round(c));
		assert_int_equal(told("changed", "refused"), rounds[i].changed);
	}
	first_seen = json_string_value(json_object_get(finding("refused"), "first_seen"));
	assert_string_equal(json_string_value(json_object_get(json_object_get(line_with("changed"), "now"), "what")),
			    "item 1 5000");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(line_with("changed"), "now"), "first_seen")),
		first_seen);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

/* A sensor is gone: what is blind for want of it is no finding of its own. */
static void blinded_by_one_deed(void **state)
{
	struct canary *c = open_with(
		CHECKS(ALONE("c", "") "," ALONE("d", "") ","
							 "{'check': 's', 'sensor': 'xen', 'gone': " RULE("went") "}"));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	world.says[XEN] = NULL;
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "went"), 1);
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "blinded"), 0);
	assert_string_equal(also_of(json_object_get(line_with("changed"), "now")), "blinded blinded");
	assert_int_equal(canary_findings(c, true), 1);
	assert_string_equal(coverage_of(c, "c", "findings"), "1");
	/* It is back, and the checks are blind for another reason: another deed, of each. */
	world.says[XEN] = "[]";
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "blinded") + told("gone", "went"), 1);
	assert_int_equal(told("finding", "blinded"), 2);
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	assert_int_equal(canary_findings(c, true), 0);
	canary_close(c);
}

/* === Times ============================================================== */

/* By the canary's time of day, in ms. */
static json_int_t ms_of(const char *text)
{
	struct tm tm = { 0 };
	int ms;

	assert_non_null(text);
	assert_int_equal(sscanf(text, "%d-%d-%dT%d:%d:%d.%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
				&tm.tm_min, &tm.tm_sec, &ms),
			 7);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (json_int_t)timegm(&tm) * 1000 + ms;
}

/* One kernel is up for 50 s, the other for 20: what is 10 s ago in both is the same moment. */
static void one_clock(void **state)
{
	struct canary *c = open_with(CHECKS(
		"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'looks': 1, "
		"'dom0': [{'source': 'module', 'probe': 'p', 'kind': 'k', 'key': ['a']}], 'differs': "
		"{'finding': 'f', 'severity': 'low', 'what': 'w', 'why': 'w', 'next': 'n', 'members': {'b': 'b'}}}"));
	json_int_t xens, dom0s, now;
	const json_t *times;
	char text[32];

	(void)state;
	world.status[XEN] = "{'time': 50000000000, 'control': true}";
	world.status[MODULE] = "{'time': 20000000000, 'control': true}";
	world.says[XEN] = "[{'seq': 1, 'time': 50000000000, 'kind': 'k', 'a': 1, 'b': 1, "
			  "'first_seen_ns': 40000000000, 'last_ns': 0, 'cpu_ns': 5}]";
	world.says[MODULE] = "[{'seq': 1, 'time': 20000000000, 'kind': 'k', 'a': 1, 'b': 2, 'start_ns': 10000000000, "
			     "'since_ns': -1}]";
	assert_true(canary_round(c));
	times = json_object_get(finding("f"), "times");
	assert_int_equal(json_object_size(json_object_get(times, "xen")), 1);
	assert_int_equal(json_object_size(json_object_get(times, "dom0")), 1);
	xens = ms_of(json_string_value(json_object_get(json_object_get(times, "xen"), "first_seen_ns")));
	dom0s = ms_of(json_string_value(json_object_get(json_object_get(times, "dom0"), "start_ns")));
	canary_time(text);
	now = ms_of(text);
	assert_in_range(dom0s - xens + 2000, 0, 4000);
	assert_in_range(now - xens, 10000, 14000);
	canary_close(c);
}

/* A clock that nobody can have gives no times. */
static void no_clock(void **state)
{
	static const char *const statuses[] = {
		"{'control': true}",
		"{'time': -9223372036854775807, 'control': true}",
		"{'time': 9223372036854775807, 'control': true}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct canary *c = open_with(CHECKS(ALONE("c", "")));

		world.status[XEN] = statuses[i];
		world.says[XEN] = "[{'seq': 1, 'time': 9223372036854775807, 'kind': 'k', 'a': 1, 'start_ns': 1000}]";
		assert_true(canary_round(c));
		assert_int_equal(json_object_size(json_object_get(json_object_get(finding("there"), "times"), "xen")),
				 0);
		canary_close(c);
	}
}

/* === A sensor that has patience ========================================= */

#define WAITS(looks) \
	"{'check': 'c', 'waits': {'where': {'kind': 'view', 'waits': true}, 'words': 'it waits', 'looks': " #looks \
	"}, 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 2, 'pause_ms': 10, " \
	"'only_xen': " RULE("there") "}"
#define VIEW_WAITS RECORD(2, "view", "'waits': true")
#define VIEW_QUIET RECORD(2, "view", "'waits': false")

/* What it waits with is no agreement. */
static void sensor_waits(void **state)
{
	struct canary *c = open_with(CHECKS(WAITS(3)));

	(void)state;
	world.says[XEN] = "[" VIEW_WAITS "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_string_equal(coverage_of(c, "c", "words"), "it waits");
	assert_true(canary_is_blind(c));
	/* Each look has a sample of its own. */
	assert_int_equal(world.takes[XEN], 4);
	assert_int_equal(world.pauses, 3);
	world.says[XEN] = "[" VIEW_QUIET "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	canary_close(c);
	c = open_with(CHECKS(WAITS(0)));
	world.says[XEN] = "[" VIEW_WAITS "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_int_equal(world.takes[XEN], 1);
	canary_close(c);
}

static void tells_in_third_look(int source)
{
	(void)source;
	if (world.takes[XEN] == 3)
		world.says[XEN] = "[" ITEM(1, 5) "," VIEW_QUIET "]";
}

/* What it tells at last is looked at as often as anything. */
static void sensor_tells_at_last(void **state)
{
	struct canary *c = open_with(CHECKS(WAITS(20)));

	(void)state;
	world.says[XEN] = "[" VIEW_WAITS "]";
	world.asked = tells_in_third_look;
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(world.takes[XEN], 4);
	assert_int_equal(json_integer_value(json_object_get(finding("there"), "looks")), 2);
	/* One that it waits with again is not gone. */
	world.asked = NULL;
	world.says[XEN] = "[" VIEW_WAITS "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_int_equal(told("gone", "there"), 0);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

/* === What is not settled yet ============================================ */

#define UNSETTLED \
	"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [" \
	"{'source': 'module', 'probe': 'p', 'kind': 'k', 'key': ['a']}, " \
	"{'source': 'module', 'probe': 'p', 'kind': 'half', 'key': ['a'], 'unsettled': 'it is half made'}], " \
	"'only_xen': " RULE("more") ", 'only_dom0': " RULE("less") "}"
#define HALF(seq, a) "{'seq': " #seq ", 'time': 100, 'kind': 'half', 'event': 'present', 'a': " #a "}"

/* A round in which the check takes all its looks, and has neither agreement nor a finding. */
static void stays_unsettled(struct canary *c, const char *words)
{
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_string_equal(coverage_of(c, "c", "words"), words);
	assert_string_equal(coverage_of(c, "c", "looks"), "3");
	assert_int_equal(canary_findings(c, true), 0);
	assert_true(canary_is_blind(c));
}

/* That Dom0 has it in such a view alone is neither agreement nor a finding. */
static void is_unsettled(void **state)
{
	struct canary *c = open_with(CHECKS(UNSETTLED));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "," HALF(2, 6) "]";
	stays_unsettled(c, "it is half made");
	/* Once it is made, they agree; and if it is never seen again, it was hidden. */
	world.says[MODULE] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "more"), 1);
	/* What was a finding is not taken back for that it is unsettled now. */
	world.says[MODULE] = "[" ITEM(1, 5) "," HALF(2, 6) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_int_equal(told("gone", "more"), 0);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

/* What differs by a rule that says so is no finding, whatever Dom0 says; and is no agreement. */
static void is_unsettled_rule(void **state)
{
	struct canary *c = open_with(CHECKS(
		"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': ["
		"{'source': 'module', 'probe': 'p', 'kind': 'k', 'key': ['a']}], 'only_xen': {'finding': 'more', "
		"'severity': 'high', 'what': 'w', 'why': 'w', 'next': 'n', 'unsettled': 'nobody can tell'}}"));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	stays_unsettled(c, "nobody can tell");
	world.says[MODULE] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	canary_close(c);
}

/* Such a view answers for its own items alone, and is itself not compared with Xen. */
static void is_unsettled_beside_others(void **state)
{
	struct canary *c = open_with(CHECKS(UNSETTLED));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(2, 6) "," ITEM(3, 7) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "," HALF(2, 6) "," HALF(3, 8) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "more"), 1);
	assert_string_equal(json_string_value(json_object_get(finding("more"), "what")), "item 7 without b");
	assert_int_equal(told("finding", "less"), 0);
	canary_close(c);
}

/* === What comes and goes in step with the looks ========================= */

#define SOCKETS \
	"{'check': 'c', 'xen': {'source': 'module', 'probe': 'p', 'kind': 'k', 'key': ['inode'], 'id': ['pid']}, " \
	"'dom0': [{'source': 'proc-net', 'key': ['inode']}], 'only_xen': " RULE("more") "}"

/* One of ours, which listens, and is said to. */
static int have_socket(void)
{
	static char says[256];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct stat stat_of;

	assert_int_equal(fstat(fd, &stat_of), 0);
	assert_int_equal(listen(fd, 1), 0);
	snprintf(says, sizeof(says), "[{'seq': 1, 'time': 100, 'kind': 'k', 'event': 'present', 'pid': %d, 'fd': %d, "
		 "'inode': '0x%lx', 'family': 'inet', 'type': 'stream', 'protocol': 'tcp'}]", (int)getpid(), fd,
		 (unsigned long)stat_of.st_ino);
	world.says[MODULE] = says;
	return fd;
}

static void comes_and_goes(void **state)
{
	struct canary *c = open_with(CHECKS(SOCKETS));
	int fd = have_socket();

	(void)state;
	options.timeout_ms = 10000;
	/* It stays as it is, and nobody lists it. */
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "more"), 1);
	canary_close(c);
	/* Whenever the sensor looks it listens; by now it does not. */
	c = open_with(CHECKS(SOCKETS));
	close(fd);
	fd = have_socket();
	shutdown(fd, SHUT_RDWR);
	assert_true(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "null");
	assert_string_equal(coverage_of(c, "c", "looks"), "3");
	assert_non_null(strstr(coverage_of(c, "c", "words"), "in step with each look"));
	assert_int_equal(told("finding", "more"), 0);
	assert_int_equal(canary_findings(c, true), 0);
	assert_true(canary_is_blind(c));
	canary_close(c);
	close(fd);
	options.timeout_ms = 0;
}

static void settles_after_two_looks(int source)
{
	if (source == MODULE && world.takes[XEN] == 2)
		world.says[MODULE] = "[" ITEM(1, 5) "]";
}

/* What counts is what the last look has. */
static void is_hidden_after_all(void **state)
{
	struct canary *c = open_with(CHECKS(UNSETTLED));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(2, 6) "]";
	world.says[MODULE] = "[" ITEM(1, 5) "," HALF(2, 6) "]";
	world.asked = settles_after_two_looks;
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	canary_close(c);
}

static void waits_no_more(int source)
{
	(void)source;
	if (world.takes[XEN] == 2)
		world.says[XEN] = "[" VIEW_QUIET "]";
}

static void sensor_waited_for_nothing(void **state)
{
	struct canary *c = open_with(CHECKS(WAITS(20)));

	(void)state;
	world.says[XEN] = "[" VIEW_WAITS "]";
	world.asked = waits_no_more;
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_int_equal(world.takes[XEN], 2);
	canary_close(c);
}

static void interrupted_while_sensor_waits(void **state)
{
	struct canary *c = open_with(CHECKS(WAITS(20)));

	(void)state;
	world.says[XEN] = "[" VIEW_WAITS "]";
	world.pauses_left = 2;
	assert_false(canary_round(c));
	verdict_is(c, "c", "unconfirmed", "interrupted");
	canary_close(c);
}

/* === Rules ============================================================== */

static void where_null(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("n", ", 'where': {'site': null}") ","
					    ALONE("p", ", 'where': {'site': {'not': null}}")));

	(void)state;
	world.says[XEN] = "[{'seq': 1, 'time': 100, 'kind': 'k', 'a': 1}, {'seq': 2, 'time': 100, 'kind': 'k', "
			  "'a': 2, 'site': null},"
			  "{'seq': 3, 'time': 100, 'kind': 'k', 'a': 3, 'site': 'x'}]";
	assert_true(canary_round(c));
	assert_string_equal(coverage_of(c, "n", "findings"), "2");
	assert_string_equal(coverage_of(c, "p", "findings"), "1");
	canary_close(c);
}

#define CHANGED \
	"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 2, 'changed': " \
	RULE("changed") "}"

static void changed_by_first(void **state)
{
	struct canary *c = open_with(CHECKS(CHANGED));
	json_t *old;

	(void)state;
	/* The record of the change was taken by somebody else. */
	world.says[XEN] = "[{'seq': 7, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 2, "
			  "'first': {'b': 1}, 'changes': 1},"
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
	/*
	 * Put back, and only the record of that is left: what it was before is not
	 * what it was first.
	 */
	c = open_with(CHECKS(CHANGED));
	world.says[XEN] = "[{'seq': 6, 'time': 50, 'kind': 'k', 'event': 'changed', 'a': 1, 'b': 1, 'old': {'b': 2},"
			  " 'changed_ns': 9, 'changes': 2},"
			  "{'seq': 7, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 1, 'changed_ns': 9, "
			  "'changes': 2}]";
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

#define RULE_FOR(name, more) \
	"{'finding': '" name "', 'severity': 'low', 'what': 'w', 'why': 'w', 'next': 'n', " more "}"

static void where_several(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("o", ", 'where': {'a': [1, 3]}") ","
					    ALONE("n", ", 'where': {'a': {'not': [1, 3]}}")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 1) "," ITEM(2, 2) "," ITEM(3, 3) "]";
	assert_true(canary_round(c));
	assert_string_equal(coverage_of(c, "o", "findings"), "2");
	assert_string_equal(coverage_of(c, "n", "findings"), "1");
	canary_close(c);
}

/* The first rule that is for an item counts; one that no rule is for is no finding. */
static void rules_for_some(void **state)
{
	struct canary *c = open_with(CHECKS("{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']},"
					    " 'dom0': [], 'looks': 2, 'only_xen': ["
					    RULE_FOR("one", "'where': {'a': 1}") ","
					    RULE_FOR("few", "'where': {'a': [1, 2]}") ","
					    RULE_FOR("big", "'where': {'a': 9}") "]}"));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 1) "," ITEM(2, 2) "," ITEM(3, 3) "," ITEM(4, 9) "]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "one"), 1);
	assert_int_equal(told("finding", "few"), 1);
	assert_int_equal(told("finding", "big"), 1);
	assert_string_equal(coverage_of(c, "c", "findings"), "3");
	canary_close(c);
}

#define MEMBERS(rules) \
	"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 2, 'changed': [" rules \
	"]}"

/* A rule for what has changed says of which members, and of which it must not be. */
static void changed_members(void **state)
{
	struct canary *c = open_with(CHECKS(MEMBERS(RULE_FOR("both", "'members': {'b': true, 'c': true}") ","
						    RULE_FOR("b", "'members': {'b': true, 'c': false}") ","
						    RULE_FOR("c", "'members': {'c': true}"))));

	(void)state;
	world.says[XEN] = "[{'seq': 1, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 2, 'c': 2, "
			  "'first': {'b': 1, 'c': 1}},"
			  "{'seq': 2, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 2, 'b': 2, 'c': 2, "
			  "'first': {'b': 1}},"
			  "{'seq': 3, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 3, 'b': 2, 'c': 2, 'd': 2, "
			  "'first': {'d': 1}},"
			  "{'seq': 4, 'time': 50, 'kind': 'k', 'event': 'changed', 'a': 4, 'b': 2, 'c': 2, "
			  "'old': {'c': 1}},"
			  "{'seq': 5, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 4, 'b': 2, 'c': 2}]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "both"), 1);
	assert_int_equal(told("finding", "b"), 1);
	assert_int_equal(told("finding", "c"), 1);
	canary_close(c);
	/* What it was is too long to be told: then it is the last rule's. */
	c = open_with(CHECKS(MEMBERS(RULE_FOR("b", "'members': {'b': true, 'c': false}") ","
					      RULE_FOR("any", "'members': {'c': true}"))));
	world.says[XEN] = "[{'seq': 1, 'time': 100, 'kind': 'k', 'event': 'present', 'a': 1, 'b': 2, 'c': 2, "
			  "'first': null}]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "b"), 0);
	assert_int_equal(told("finding", "any"), 1);
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

/* Where no other check can have the sample, a sensor is asked for what is compared alone. */
static void asks_for_one_kind(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c") "," ALONE("d", "")));

	(void)state;
	world.says[XEN] = world.says[MODULE] = "[" OTHER "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_string_equal(world.kind[MODULE], "k");
	/* Another check of the same kind has it of the one before. */
	assert_string_equal(world.kind[XEN], "k");
	assert_int_equal(world.takes[XEN], 1);
	canary_close(c);
	c = open_with(CHECKS(BOTH("c") "," REPORTS("d", "other", RULE("there"))));
	world.says[XEN] = world.says[MODULE] = "[" OTHER "]";
	assert_true(canary_round(c));
	verdict_is(c, "d", "differs", "null");
	assert_null(world.kind[XEN]);
	canary_close(c);
}

#define SAMPLED(pass, sample, seq, end) \
	"{'time': 100, 'control': true, 'probes': [{'name': 'p', 'whole_start_ns': 100, " \
	"'pass': " #pass ", 'sample_pass': " #sample ", " \
	"'sample_seq': " #seq ", 'sample_end': " #end "}]}"

static const char *status_behind;

static void status_changes(int source)
{
	if (source == XEN)
		world.status[XEN] = status_behind;
}

/*
 * What was lost before such a sample is none of it; where that began, the status says.  If it does
 * not, all records are asked for, and here these have one from before the loss.
 */
static void lost_of_one_kind(void **state)
{
	static const struct {
		const char *before, *behind, *verdict, *reason;
	} cases[] = {
		{ SAMPLED(7, 5, 10, 20), SAMPLED(8, 8, 51, 70), "agrees", "null" },
		{ SAMPLED(7, 5, 10, 20), SAMPLED(8, 8, 50, 70), "blind", "lost" },
		/* Another's pass has ended since: the last sample is not the one. */
		{ SAMPLED(7, 5, 10, 20), SAMPLED(9, 9, 51, 70), "blind", "lost" },
		{ SAMPLED(7, 5, 10, 20), SAMPLED(8, 5, 10, 20), "blind", "lost" },
		/* It was of a sample that was over before. */
		{ SAMPLED(7, 5, 10, 51), SAMPLED(9, 9, 60, 70), "agrees", "null" },
		{ "{'time': 100, 'control': true}", "{'time': 100, 'control': true}", "blind", "lost" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_with(CHECKS(BOTH("c")));

		world.says[MODULE] = "[" ITEM(60, 5) "]";
		world.says[XEN] = "[{'seq': 45, 'time': 100, 'kind': 'other'},"
				  "{'seq': 50, 'time': 100, 'kind': 'lost', 'last': 50}," ITEM(60, 5) "]";
		world.status[XEN] = cases[i].before;
		status_behind = cases[i].behind;
		world.asked = status_changes;
		assert_true(canary_round(c));
		verdict_is(c, "c", cases[i].verdict, cases[i].reason);
		canary_close(c);
	}
}

static void status_flips(int source)
{
	world.status[source] = status_behind;
}

static void tells_the_gap(int source)
{
	if (world.takes[source] == 2)
		world.says[source] = "[" ITEM(4, 5) "," ITEM(5, 6) "," ITEM(6, 7) "]";
}

static void notices(void **state)
{
	struct canary *c = open_with(CHECKS("{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']},"
					    " 'dom0': [], 'looks': 1, 'only_xen': "
					    "{'finding': 'f', 'severity': 'notice', 'what': 'w', 'why': 'w', "
					    "'next': 'n'}}"));

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
	json_t *status;
	char why[64];

	(void)state;
	world.says[XEN] = "[]";
	assert_true(canary_source_is_there(c, "xen", why, sizeof(why)));
	assert_false(canary_source_is_there(c, "module", why, sizeof(why)));
	assert_string_equal(why, "there is no module");
	status = canary_status(c, "xen");
	assert_int_equal(number_of(status, "time"), 100);
	json_decref(status);
	assert_null(canary_status(c, "module"));
	assert_null(canary_status(c, "xenstore"));
	canary_close(c);
}

/* === What a sensor says of its samples ==================================== */

/* The status of the probe, of one who lets us ask. */
#define PROBE(members) "{'time': 100, 'control': true, 'probes': [{'name': 'p', 'state': 'on', " members "}]}"

/*
 * Held against what the status says of the probe behind it: a reply that has no sample, or a part
 * of one, is no reason to say that all agrees; and what is no answer to the question is no record.
 */
static void held_against_the_status(void **state)
{
	static const char before[] = PROBE("'pass': 4, 'whole_pass': 4, 'whole_start_ns': 90, 'sample_pass': 4, "
					   "'sample_seq': 0, 'sample_end': 10, 'delivered': 3");
#define BEHIND(whole, sample, end, delivered) PROBE("'pass': 5, 'whole_pass': 5, 'whole_start_ns': " #whole ", " \
	"'sample_pass': " #sample ", 'sample_seq': 10, 'sample_end': " #end ", 'delivered': " #delivered)
#define VIEW(dom0) \
	"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [" dom0 "], " \
	"'only_xen': " RULE("there") "}"
#define TOLD(seq, members) "{'seq': " #seq ", 'time': 101, 'pass': 5, " members "}"
	static const struct {
		const char *behind, *says, *verdict, *reason;
		bool of_one_kind;
	} cases[] = {
		{ BEHIND(101, 5, 12, 3), "[" TOLD(10, "'kind': 'x'") "," TOLD(11, "'kind': 'x'") "]", "agrees", "null",
		  false },
		{ BEHIND(101, 5, 12, 3), "[]", "agrees", "null", true },
		/* Nothing, and no pass that could have seen anything. */
		{ BEHIND(90, 4, 10, 3), "[]", "blind", "incomplete", true },
		{ BEHIND(90, 4, 10, 3), "[" TOLD(10, "'kind': 'x'") "]", "blind", "incomplete", false },
		{ "{'time': 100, 'control': true, 'probes': []}", "[]", "blind", "incomplete", true },
		/* The sample has more, at its begin, in its midst, at its end. */
		{ BEHIND(101, 5, 12, 3), "[" TOLD(11, "'kind': 'x'") "]", "blind", "lost", false },
		{ BEHIND(101, 5, 13, 3), "[" TOLD(10, "'kind': 'x'") "," TOLD(12, "'kind': 'x'") "]", "blind", "lost",
		  false },
		{ BEHIND(101, 5, 12, 3), "[" TOLD(10, "'kind': 'x'") "]", "blind", "lost", false },
		/* Of one kind it cannot be seen; if records were taken, all are asked for. */
		{ BEHIND(101, 5, 12, 4), "[" TOLD(10, "'kind': 'x'") "]", "blind", "lost", true },
		{ BEHIND(101, 5, 12, 4), "[" TOLD(10, "'kind': 'x'") "," TOLD(11, "'kind': 'x'") "]", "agrees", "null",
		  true },
		/* Another's sample has come since: where this one ended, nobody says. */
		{ BEHIND(101, 7, 40, 3), "[" TOLD(10, "'kind': 'x'") "]", "agrees", "null", false },
		{ BEHIND(101, 5, 11, 3), "[{'time': 101, 'kind': 'x'}]", "blind", "unreadable", false },
		{ BEHIND(101, 5, 11, 3), "[{'seq': 10, 'kind': 'x'}]", "blind", "unreadable", false },
		{ BEHIND(101, 5, 11, 3), "[" TOLD(10, "'a': 5") "]", "blind", "unreadable", false },
		{ BEHIND(101, 5, 11, 3), "[" TOLD(10, "'kind': 7, 'a': 5") "]", "blind", "unreadable", false },
		{ BEHIND(101, 5, 11, 3), "[" TOLD(10, "'kind': 'x', 'probe': 'other'") "]", "blind", "unreadable",
		  false },
		{ BEHIND(101, 5, 11, 3), "[7]", "blind", "unreadable", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char two_sides[] = CHECKS(VIEW("{'source': 'xenstore', 'key': ['a']}")),
				  one[] = CHECKS(VIEW(""));
		struct canary *c = open_with(cases[i].of_one_kind ? two_sides : one);

		world.says[XENSTORE] = "[]";
		world.says[XEN] = cases[i].says;
		world.tells_all = strcmp(cases[i].reason, "unreadable") == 0;
		world.status[XEN] = before;
		status_behind = cases[i].behind;
		world.asked = status_flips;
		assert_true(canary_round(c));
		if (strcmp(coverage_of(c, "c", "verdict"), cases[i].verdict))
			fail_msg("case %zu: %s", i, coverage_of(c, "c", "words"));
		verdict_is(c, "c", cases[i].verdict, cases[i].reason);
		canary_close(c);
	}
}

/* Where it goes on it says of which count, and what it knows of that is of no other. */
static void goes_on_in_its_count(void **state)
{
#define OF_EPOCH(epoch, members) \
	"[{'seq': 7, 'time': 100, 'kind': 'k', 'epoch': " #epoch ", 'a': 1, 'b': 2, " members "}]"
	struct canary *c = open_with(CHECKS("{'check': 'f', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, "
					    "'dom0': [], 'looks': 1, 'changed': " RULE("changed") "}"));

	(void)state;
	world.says[XEN] = OF_EPOCH(5, "'event': 'changed', 'old': {'b': 1}");
	assert_true(canary_round(c));
	assert_int_equal(world.since, 0);
	assert_int_equal(world.epoch, 0);
	verdict_is(c, "f", "differs", "null");
	world.says[XEN] = OF_EPOCH(5, "'event': 'present'");
	assert_true(canary_round(c));
	assert_int_equal(world.since, 8);
	assert_int_equal(world.epoch, 5);
	verdict_is(c, "f", "differs", "null");
	world.says[XEN] = OF_EPOCH(6, "'event': 'present'");
	assert_true(canary_round(c));
	verdict_is(c, "f", "agrees", "null");
	assert_true(canary_round(c));
	assert_int_equal(world.epoch, 6);
	canary_close(c);
}

/* With a sample that nobody takes a part of, all is well: it is asked for once more. */
static void taken_once(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) "," ITEM(3, 6) "]";
	world.asked = tells_the_gap;
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "there"), 3);
	assert_int_equal(world.takes[XEN], 3);
	canary_close(c);
}

/* A host so busy that a part of the sample is pushed out before it is read: the next is whole. */
static void lost_once(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[" ITEM(1, 5) ",{'seq': 3, 'time': 100, 'kind': 'lost', 'last': 3}," ITEM(4, 6) "]";
	world.asked = tells_the_gap;
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_in_range(world.takes[XEN], 2, 3);
	canary_close(c);
}

#define COMPARED(name) \
	"{'check': '" name "', 'baseline': true, 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], " \
	"'looks': 1, 'only_xen': " RULE("there") "}"
#define AS_FIRST \
	"{'check': 'f', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 1, 'changed': " \
	RULE("changed") "}"
#define RESET(times, ns, uuid) "{'time': 100, 'control': true, 'uuid': '" uuid "', 'probes': [{'name': 'p', " \
	"'state': 'on', 'whole_start_ns': 100, 'resets': " #times ", 'reset_ns': " #ns "}]}"
#define BEGAN "{'seq': 0, 'time': 50, 'kind': 'began', 'why': 'reset', 'by': {'domain': 3}}"

/*
 * Behind a reset, that nothing differs from how things were at first says nothing: the attack may
 * be in what was taken for that.  What does not compare with it sees as well as before.
 */
static void baseline_is_new(void **state)
{
	static const char *const names[] = { "f" };
	struct canary *c = open_with(CHECKS(COMPARED("c") "," AS_FIRST "," ALONE("other", "")));

	(void)state;
	world.says[XEN] = "[" BEGAN "," OTHER "]";
	world.status[XEN] = RESET(1, 60, "a");
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "new-baseline");
	verdict_is(c, "f", "blind", "new-baseline");
	verdict_is(c, "other", "agrees", "null");
	assert_non_null(strstr(coverage_of(c, "c", "words"), "p was reset at "));
	assert_non_null(strstr(coverage_of(c, "c", "words"), " by domain 3: "));
	assert_true(canary_is_blind(c));
	/* What differs even so, differs. */
	world.says[XEN] = "[" ITEM(1, 5) "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	/* And is not gone for being a part of what was taken anew since. */
	world.status[XEN] = RESET(2, 70, "a");
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "new-baseline");
	assert_int_equal(told("gone", "there"), 1); /* of the check that looks for itself */
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);

	/* Who knows of it accepts it. */
	c = open_with(CHECKS(AS_FIRST));
	options.accept = names;
	options.accept_count = 1;
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = RESET(1, 60, "a");
	assert_true(canary_round(c));
	verdict_is(c, "f", "blind", "new-baseline");
	assert_non_null(strstr(coverage_of(c, "f", "words"), "somebody of whom no record is left"));
	assert_false(canary_is_blind(c));
	canary_close(c);
}

/* And so it is where something was taken out of the list, and may be back. */
static void item_left_the_list(void **state)
{
	struct canary *c = open_with(CHECKS(AS_FIRST "," ALONE("other", "")));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = PROBE("'whole_start_ns': 100, 'removes': 2");
	assert_true(canary_round(c));
	verdict_is(c, "f", "blind", "new-baseline");
	verdict_is(c, "other", "agrees", "null");
	assert_non_null(strstr(coverage_of(c, "f", "words"), "2 were taken out of the list of p"));
	canary_close(c);
}

/*
 * A sensor that went, and came back as another: that is what is told, with what is blind by it,
 * though these were blind before.
 */
static void another_comes_back(void **state)
{
	struct canary *c = open_with(CHECKS(
		AS_FIRST ",{'check': 's', 'sensor': 'xen', 'restarted': " RULE("restarted") ", "
		"'gone': " RULE("went") "}"));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = RESET(0, 0, "a");
	assert_true(canary_round(c));
	world.says[XEN] = NULL;
	for (size_t i = 0; i < 3; i++)
		assert_true(canary_round(c));
	assert_int_equal(told("finding", "went"), 1);
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = RESET(0, 0, "b");
	for (size_t i = 0; i < 3; i++)
		assert_true(canary_round(c));
	verdict_is(c, "f", "blind", "new-baseline");
	assert_int_equal(told("gone", "went"), 1);
	assert_int_equal(told("finding", "restarted"), 1);
	assert_int_equal(told("finding", "blinded"), 0);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

static void another_comes_meanwhile(int source)
{
	(void)source;
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = RESET(0, 0, "b");
}

/*
 * It comes behind the look at the sensor, and before that of a check which could not look for
 * another reason: what the check is blind by is told in the next round, with the sensor.
 */
static void another_comes_in_a_round(void **state)
{
	struct canary *c = open_with(CHECKS("{'check': 's', 'sensor': 'xen', 'restarted': " RULE("restarted") "},"
					    AS_FIRST));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = RESET(0, 0, "a");
	assert_true(canary_round(c));
	world.says[XEN] = "[" OTHER ", {'seq': 3, 'time': 100, 'kind': 'incomplete', 'looked': 1, 'of': 2}]";
	for (size_t i = 0; i < 3; i++)
		assert_true(canary_round(c));
	assert_int_equal(told("finding", "blinded"), 1);
	world.asked = another_comes_meanwhile;
	for (size_t i = 0; i < 3; i++)
		assert_true(canary_round(c));
	verdict_is(c, "f", "blind", "new-baseline");
	assert_int_equal(told("finding", "blinded"), 1);
	assert_int_equal(told("gone", "blinded"), 1);
	assert_int_equal(told("finding", "restarted"), 1);
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

/* A reset while we look is one finding, with each check that it takes the sight of. */
static void baseline_is_new_by_one_deed(void **state)
{
	(void)state;
	for (size_t other = 0; other < 2; other++) {
		struct canary *c = open_with(
			CHECKS(COMPARED("c") "," AS_FIRST ","
			       "{'check': 's', 'sensor': 'xen', 'reset': " RULE("reset") ", "
			       "'restarted': " RULE("restarted") "}"));

		world.says[XEN] = "[" OTHER "]";
		world.status[XEN] = RESET(0, 0, "a");
		assert_true(canary_round(c));
		verdict_is(c, "c", "agrees", "null");
		assert_int_equal(canary_findings(c, true), 0);
		world.status[XEN] = other ? RESET(0, 0, "b") : RESET(1, 60, "a");
		for (size_t i = 0; i < 3; i++) {
			assert_true(canary_round(c));
			verdict_is(c, "c", "blind", "new-baseline");
			verdict_is(c, "f", "blind", "new-baseline");
			assert_int_equal(canary_findings(c, true), 1);
		}
		assert_int_equal(told("finding", other ? "restarted" : "reset"), 1);
		canary_close(c);
	}
}

/* === Who may only read ================================================== */

/*
 * The probe's part of the status, of somebody who may not ask: the last pass, and the last that
 * recorded everything.
 */
#define READER(time, pass, start, sample_start, seq, end, more) \
	"{'time': " #time ", 'control': false, 'probes': [{'name': 'p', 'state': 'on', 'level': 'default', " \
	"'interval_ns': 2000000000, 'last_run_ns': 1000000, 'pass': " #pass ", " \
	"'pass_start_ns': " #start ", 'sample_start_ns': " #sample_start ", " \
	"'sample_seq': " #seq ", 'sample_end': " #end more "}]}"
#define OLD(seq, a) "{'seq': " #seq ", 'time': 90, 'kind': 'k', 'event': 'present', 'a': " #a "}"

/* After the second pause the sample is there. */
static void sample_comes(void)
{
	if (world.pauses >= 2)
		world.status[XEN] = READER(300, 6, 200, 200, 11, 13, "");
}

/* What was seen before the look, and what came behind the sample, says nothing. */
static void reads_what_began_later(void **state)
{
	struct canary *c = open_with(CHECKS(BOTH("c")));

	(void)state;
	world.status[XEN] = READER(100, 5, 90, 90, 5, 6, "");
	world.slept = sample_comes;
	world.says[MODULE] = "[" ITEM(1, 5) "]";
	world.says[XEN] = "[]";
	world.held[XEN] = "[" OLD(5, 7) ", {'seq': 11, 'time': 201, 'kind': 'k', 'event': 'present', 'a': 5},"
			  "{'seq': 12, 'time': 202, 'kind': 'other'}, {'seq': 13, 'time': 250, 'kind': 'k', "
			  "'event': 'present', 'a': 8}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_int_equal(world.takes[XEN], 0);
	assert_int_equal(world.announces, 1);
	assert_int_equal(world.pauses, 2);
	assert_int_equal(world.waits, 2);
	assert_int_equal(world.waits_over, 1);
	canary_close(c);
}

static void sample_comes_again(void)
{
	world.status[XEN] =
		world.announces < 2 ? READER(300, 6, 200, 200, 11, 12, "") : READER(500, 7, 400, 400, 12, 13, "");
}

/* Each look has a sample of its own; a check that wants two passes has two. */
static void reader_finds(void **state)
{
	static const char *const checks[] = {
		CHECKS(ALONE("c", "")),
		CHECKS("{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a'], 'passes': 2}, 'dom0': [], "
							"'looks': 1, 'only_xen': " RULE("there") "}"),
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct canary *c = open_with(checks[i]);

		world.status[XEN] = READER(100, 5, 90, 90, 5, 6, "");
		world.slept = sample_comes_again;
		world.says[XEN] = "[]";
		world.held[XEN] = "[{'seq': 11, 'time': 201, 'kind': 'k', 'event': 'present', 'a': 5},"
				  "{'seq': 12, 'time': 402, 'kind': 'k', 'event': 'present', 'a': 5}]";
		assert_true(canary_round(c));
		verdict_is(c, "c", "differs", "null");
		assert_int_equal(told("finding", "there"), 1);
		assert_int_equal(world.announces, 2);
		canary_close(c);
	}
}

/* A policy that refuses what the status allows is asked once. */
static void refused(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.refuses = true;
	world.status[XEN] = "{'time': 100, 'control': true, 'probes': [{'name': 'p', 'state': 'on', 'interval_ns': 1, "
			    "'pass': 5}]}";
	world.slept = sample_comes;
	world.says[XEN] = "[]";
	world.held[XEN] = "[{'seq': 11, 'time': 201, 'kind': 'other'}, {'seq': 12, 'time': 202, 'kind': 'other'}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	canary_close(c);
}

static void fails_once(void)
{
	world.status[XEN] = world.pauses < 3 ? READER(300, 6, 200, 90, 5, 6, ", 'failures': 1")
					     : READER(500, 7, 400, 400, 11, 12, "");
}

/* A pass that failed is none; the next has to be asked for again. */
static void failed_pass_is_none(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	world.status[XEN] = READER(100, 5, 90, 90, 5, 6, "");
	world.slept = fails_once;
	world.says[XEN] = "[]";
	world.held[XEN] = "[{'seq': 11, 'time': 401, 'kind': 'other'}]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "agrees", "null");
	assert_int_equal(world.announces, 2);
	canary_close(c);
}

static void never_whole(void)
{
	world.status[XEN] = READER(300, 6, 200, 90, 5, 6, "");
}

static void always_fails(void)
{
	world.status[XEN] = READER(300, 6, 200, 90, 5, 6, ", 'failures': 1, 'last_error': 'it cannot read'");
}

static void always_taken(void)
{
	world.status[XEN] = READER(300, 6, 200, 200, 11, 13, "");
}

static void turned_off_meanwhile(void)
{
	world.status[XEN] = "{'time': 200, 'control': false, 'probes': [{'name': 'p', 'state': 'off', 'pass': 5}]}";
}

/*
 * The wait has an end, and says why it was in vain; who waits for the same probe next
 * does not wait again.
 */
static void waits_in_vain(void **state)
{
	static const struct {
		void (*slept)(void);
		const char *reason, *words;
	} cases[] = {
		{ NULL, "timeout", "every 2 s" },
		{ never_whole, "incomplete", "none saw all" },
		{ always_fails, "probe-failing", "it cannot read" },
		{ always_taken, "lost", "taken by somebody else" },
		{ turned_off_meanwhile, "probe-off", "have it turned on" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_with(CHECKS(ALONE("c", "") "," ALONE("d", "")));

		world.status[XEN] = READER(100, 5, 90, 90, 5, 6, "");
		world.slept = cases[i].slept;
		world.says[XEN] = "[]";
		/* Of the sample, one record is there and the other is not. */
		world.held[XEN] = "[" OLD(5, 7) ", {'seq': 12, 'time': 202, 'kind': 'k', 'event': 'present', 'a': 5}]";
		assert_true(canary_round(c));
		verdict_is(c, "c", "blind", cases[i].reason);
		verdict_is(c, "d", "blind", cases[i].reason);
		assert_non_null(strstr(coverage_of(c, "c", "words"), cases[i].words));
		/* About 16 s, in pauses that grow. */
		assert_true(world.pauses < 50 && world.slept_s < 30);
		canary_close(c);
	}
}

static void wait_has_a_limit(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));

	(void)state;
	options.wait_ms = 1000;
	world.status[XEN] = READER(100, 5, 90, 90, 5, 6, "");
	world.says[XEN] = "[]";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "timeout");
	assert_non_null(strstr(coverage_of(c, "c", "words"), "within 1 s"));
	assert_true(world.slept_s < 3);
	options.wait_ms = 0;
	canary_close(c);
}

static void wait_is_interrupted(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "") "," ALONE("d", "")));

	(void)state;
	world.status[XEN] = READER(100, 5, 90, 90, 5, 6, "");
	world.says[XEN] = "[]";
	world.pauses_left = 2;
	assert_false(canary_round(c));
	verdict_is(c, "c", "blind", "interrupted");
	verdict_is(c, "d", "blind", "interrupted");
	canary_close(c);
}

/* === Texts that are long, or no text ==================================== */

#define TEN(text) text text text text text text text text text text
#define LONG TEN(TEN("\u00fc")) TEN(TEN("\u00fc")) TEN(TEN("\u00fc")) /* 600 bytes */

static void counts_both(const char *says)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));
	json_t *coverage;

	world.says[XEN] = says;
	assert_true(canary_round(c));
	verdict_is(c, "c", "differs", "null");
	assert_int_equal(told("finding", "there"), 2);
	coverage = canary_coverage(c);
	assert_non_null(coverage);
	json_decref(coverage);
	canary_close(c);
}

#define NAMED(seq, name) RECORD(seq, "k", "'a': '" name "'")

/* Two paths that differ far behind are two, and so are two names that differ behind a NUL. */
static void items_are_told_apart(void **state)
{
	(void)state;
	counts_both("[" NAMED(1, LONG "1") "," NAMED(2, LONG "2") "]");
	counts_both("[" NAMED(1, "x\\u0000y") "," NAMED(2, "x") "]");
	counts_both("[" NAMED(1, "x\\u0000y") "," NAMED(2, "x\\u0000z") "]");
	counts_both("[" NAMED(1, "x\\u0000y") "," NAMED(2, "\\\"x\\\\u0000y\\\"") "]");
}

/* Two members are two, wherever one ends and the next begins, and whatever stands for none. */
static void members_are_told_apart(void **state)
{
	static const char *const says[] = {
		"[" RECORD(1, "k", "'a': 'x y', 'b': 'z'") "," RECORD(2, "k", "'a': 'x', 'b': 'y z'") "]",
		"[" RECORD(1, "k", "'a': 'x\\\\', 'b': 'z'") "," RECORD(2, "k", "'a': 'x\\\\ z', 'b': ''") "]",
		"[" RECORD(1, "k", "'a': 'x', 'b': '-'") "," RECORD(2, "k", "'a': 'x'") "]",
		"[" RECORD(1, "k", "'a': 'x', 'b': '-'") "," RECORD(2, "k", "'a': 'x', 'b': '\\\"-\\\"'") "]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		struct canary *c = open_with(CHECKS(
			"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a', 'b']}, 'dom0': [], "
			"'looks': 1, 'only_xen': {'finding': 'there', 'severity': 'low', 'what': '{a}', 'why': 'w', "
			"'next': 'n', "
			"'deed': {'d': ['a', 'b']}}}"));

		world.says[XEN] = says[i];
		assert_true(canary_round(c));
		assert_string_equal(coverage_of(c, "c", "findings"), "2");
		canary_close(c);
	}
}

/* A name that has a blank is no other deed's, nor that a sensor is not there. */
static void deeds_are_told_apart(void **state)
{
	struct canary *c = open_with(CHECKS(
		REPORTS("c", "x", DEED("one", "low", "{'page': ['a']}")) ","
		REPORTS("d", "y", DEED("two", "low", "{'page tables': ['a']}")) ","
		REPORTS("e", "z", DEED("three", "low", "{'absent': ['a']}"))));

	(void)state;
	world.says[XEN] = "[" RECORD(1, "x", "'a': 'tables 5'") "," RECORD(2, "y", "'a': '5'") ","
			  RECORD(3, "z", "'a': 'module'") "]";
	assert_true(canary_round(c));
	assert_int_equal(canary_findings(c, true), 3);
	canary_close(c);
}

/* A place in a page, and the page, are one deed; as two in two pages are two. */
static void near_is_one_deed(void **state)
{
	static const struct {
		const char *says;
		size_t findings;
	} cases[] = {
		{ "[" RECORD(1, "x", "'a': '0xffffffff81234010'") ","
		  RECORD(2, "y", "'a': '0xffffffff81234ffc'") "]", 1 },
		{ "[" RECORD(1, "x", "'a': '0xffffffff81234010'") ","
		  RECORD(2, "y", "'a': '0xffffffff81235000'") "]", 2 },
		{ "[" RECORD(1, "x", "'a': 4096") "," RECORD(2, "y", "'a': '0x1fff'") "]", 1 },
		/* Of nowhere in particular. */
		{ "[" RECORD(1, "x", "'a': '0x0'") "," RECORD(2, "y", "'a': '0x0'") "]", 2 },
		{ "[" RECORD(1, "x", "'a': 'x'") "," RECORD(2, "y", "'a': 'y'") "]", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_with(CHECKS(
			REPORTS("c", "x", DEED("hooked", "low", "{'page': ['a/0x1000']}")) ","
			REPORTS("d", "y", DEED("hook", "low", "{'page': ['a/4096']}"))));

		world.says[XEN] = cases[i].says;
		assert_true(canary_round(c));
		assert_int_equal(canary_findings(c, true), cases[i].findings);
		canary_close(c);
	}
}

/* In 32 bits of FNV-1a, these two have the same id. */
static void ids_are_told_apart(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("c", "")));
	const char *id;

	(void)state;
	world.says[XEN] = "[" ITEM(1, 13873) "," ITEM(2, 566250) "]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "there"), 2);
	id = json_string_value(json_object_get(finding("there"), "id"));
	assert_int_equal(strlen(id), 16);
	assert_int_equal(told("id", id), 1);
	canary_close(c);
}

static void sentence_shows_all(void **state)
{
	struct canary *c = open_with(CHECKS(
		"{'check': 'c', 'xen': {'probe': 'p', 'kind': 'k', 'key': ['a']}, 'dom0': [], 'looks': 1, 'only_xen': "
		"{'finding': 'f', 'severity': 'low', 'what': '{a} {b" LONG "}', 'why': 'w', 'next': 'n'}}"));

	(void)state;
	world.says[XEN] = "[{'seq': 1, 'time': 100, 'kind': 'k', 'a': 'x\\u0000y', 'b" LONG "': '" LONG "'}]";
	assert_true(canary_round(c));
	assert_string_equal(json_string_value(json_object_get(finding("f"), "what")), "\"x\\u0000y\" " LONG);
	canary_close(c);
}

/* Words have room for so many bytes, and no character is cut: half a one could not be told. */
static void words_are_cut_whole(void **state)
{
	static const struct {
		const char *checks;
		size_t bytes;
	} cases[] = {
		{ CHECKS(STORE("'not_here': [{'source': 'xenstore', 'words': 'x" LONG "'}], ")), WORDS_BYTES - 1 },
		{ CHECKS(STORE("'not_here': [{'source': 'xenstore', 'words': '" LONG "'}], ")), WORDS_BYTES - 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_with(cases[i].checks);

		world.says[XEN] = "[" ITEM(1, 5) "]";
		assert_true(canary_round(c));
		verdict_is(c, "c", "not-here", "null");
		assert_int_equal(strlen(coverage_of(c, "c", "words")), cases[i].bytes);
		canary_close(c);
	}
}

static void fails_at_length(int source)
{
	(void)source;
	world.says[XEN] = "[" OTHER ", {'seq': 1, 'time': 100, 'kind': 'failed', 'why': '" LONG "'}]";
}

/* The words that a sensor gives are as long as it likes, and the name of a check is. */
static void blinded_at_length(void **state)
{
	struct canary *c = open_with(CHECKS(ALONE("" LONG LONG, "")));

	(void)state;
	world.says[XEN] = "[" OTHER "]";
	assert_true(canary_round(c));
	world.asked = fails_at_length;
	assert_true(canary_round(c));
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "blinded"), 1);
	assert_non_null(strstr(json_string_value(json_object_get(finding("blinded"), "what")),
			       "the check " LONG LONG " could"));
	canary_close(c);
}

/* === What is done to the sensors ======================================== */

#define SENSOR \
	"{'check': 's', 'sensor': 'xen', 'off': " RULE("off") ", 'lowered': " RULE("lowered") ", 'reset': " \
	RULE("reset") ", 'removed': " RULE("removed") ", 'probe_restarted': " RULE("again") ", " \
	"'restarted': " RULE("restarted") ", 'gone': " RULE("went") "}"
#define STATUS(uuid, state, level, offs, resets) STATUS_OF(uuid, state, level, offs, resets, 7)
#define STATUS_OF(uuid, state, level, offs, resets, epoch) \
	"{'name': 'xen', 'uuid': '" uuid "', 'time': 100, 'control': true, 'probes': [" \
	"{'name': 'p', 'state': '" state "', 'level': '" level "', 'offs': " #offs ", 'resets': " #resets ", " \
	"'epoch': " #epoch "}, " \
	"{'name': 'q', 'state': 'on', 'level': 'default', 'offs': 0, 'resets': 0}]}"
/* What a supervisor did, and what was taken out of a list. */
#define COUNTS(removes, restarts) \
	"{'uuid': 'a', 'time': 100, 'control': true, 'probes': [{'name': 'p', 'state': 'on', 'level': 'default', " \
	"'offs': 1, 'resets': 1, 'epoch': 7, 'removes': " #removes ", 'restarts': " #restarts "}]}"
#define BY "'by': {'domain': 0}"
#define COMMAND(command, level) \
	"{'probe': 'p', 'kind': 'command', 'command': '" command "', 'level': '" level "', " BY "}"

static struct canary *open_sensor(const char *status, const char *held)
{
	struct canary *c = open_with(CHECKS(SENSOR));

	world.status[XEN] = status;
	world.says[XEN] = "[]";
	world.held[XEN] = held;
	assert_true(canary_round(c));
	return c;
}

static void nothing_was_done(void **state)
{
	/* Off since the sensor started, and another probe raised: nobody took sight away. */
	struct canary *c = open_sensor(STATUS("a", "off", "high", 0, 0),
				       "[" COMMAND("high", "high") ","
				       "{'probe': 'p', 'kind': 'began', 'why': 'start'}]");

	(void)state;
	verdict_is(c, "s", "agrees", "null");
	assert_true(canary_round(c));
	verdict_is(c, "s", "agrees", "null");
	canary_close(c);
}

/* One look: what was done before is told by records that nobody has taken, or by how it is. */
static void done_before(void **state)
{
	static const struct {
		const char *status, *held, *finding;
	} cases[] = {
		{ STATUS("a", "off", "default", 1, 0), "[" COMMAND("off", "default") "]", "off" },
		{ STATUS("a", "off", "default", 1, 0), "[]", "off" },
		{ STATUS("a", "off", "default", 1, 0),
		  "[{'probe': 'p', 'kind': 'stopped', 'why': 'its passes fail'}]", "off" },
		{ STATUS("a", "on", "default", 1, 0), "[" COMMAND("on", "default") "]", "off" },
		{ STATUS("a", "on", "low", 0, 0), "[" COMMAND("low", "low") "]", "lowered" },
		{ STATUS("a", "on", "high", 0, 0), "[" COMMAND("decrease", "high") "]", "lowered" },
		{ STATUS("a", "on", "default", 0, 0),
		  "[" COMMAND("high", "high") "," COMMAND("default", "default") "]", "lowered" },
		{ STATUS("a", "on", "default", 0, 3),
		  "[{'probe': 'p', 'kind': 'began', 'why': 'reset', " BY ", 'before': {'baselines': 2}}]", "reset" },
		{ COUNTS(2, 0), "[" COMMAND("remove", "default") "]", "removed" },
		{ COUNTS(0, 2), "[{'probe': 'p', 'kind': 'restarted', 'why': 'it is overdue'}]", "again" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_sensor(cases[i].status, cases[i].held);

		verdict_is(c, "s", "differs", "null");
		assert_int_equal(json_array_size(world.told), 1);
		assert_int_equal(told("finding", cases[i].finding), 1);
		canary_close(c);
	}
}

/* What was undone and read is over: whoever took the records knows of it. */
static void done_and_read(void **state)
{
	struct canary *c = open_sensor(STATUS("a", "on", "low", 4, 3), "[]");

	(void)state;
	verdict_is(c, "s", "agrees", "null");
	canary_close(c);
	c = open_sensor(COUNTS(3, 3), "[]");
	verdict_is(c, "s", "agrees", "null");
	canary_close(c);
}

/* Between two rounds the status tells, whoever took the records. */
static void done_meanwhile(void **state)
{
	static const struct {
		const char *status, *finding;
	} cases[] = {
		{ STATUS("a", "off", "default", 2, 1), "off" },
		{ STATUS("a", "on", "default", 2, 1), "off" },
		{ STATUS("a", "on", "low", 1, 1), "lowered" },
		{ STATUS("a", "on", "default", 1, 2), "reset" },
		/* It goes back to the level at start; that is one deed. */
		{ STATUS("a", "on", "low", 1, 2), "reset" },
		{ STATUS("b", "on", "default", 0, 0), "restarted" },
		{ STATUS_OF("a", "on", "default", 1, 1, 8), "restarted" },
		{ COUNTS(1, 0), "removed" },
		{ COUNTS(0, 1), "again" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canary *c = open_sensor(STATUS("a", "on", "default", 1, 1), "[]");

		verdict_is(c, "s", "agrees", "null");
		world.status[XEN] = cases[i].status;
		assert_true(canary_round(c));
		verdict_is(c, "s", "differs", "null");
		assert_int_equal(json_array_size(world.told), 1);
		assert_int_equal(told("finding", cases[i].finding), 1);
		/* It stays one, and is told once. */
		assert_true(canary_round(c));
		verdict_is(c, "s", "differs", "null");
		assert_int_equal(json_array_size(world.told), 1);
		canary_close(c);
	}
}

/* A reset each second for an hour: each is told, and a few are kept. */
static void done_again_and_again(void **state)
{
	struct canary *c = open_sensor(STATUS("a", "on", "default", 1, 0), "[]");
	char status[512];

	(void)state;
	for (unsigned int i = 1; i <= 100; i++) {
		snprintf(status, sizeof(status),
			 "{'uuid': 'a', 'time': 100, 'control': true, 'probes': [{'name': 'p', 'state': 'on', "
			 "'level': 'default', 'offs': 1, 'resets': %u, 'epoch': 7}]}", i);
		world.status[XEN] = status;
		assert_true(canary_round(c));
	}
	assert_int_equal(told("finding", "reset"), 1);
	assert_int_equal(told("changed", "reset"), 99);
	assert_int_equal(json_object_size(c->checks.check[0].deeds), 8);
	/* They are one deed: the baseline is new. */
	assert_int_equal(canary_findings(c, true), 1);
	canary_close(c);
}

/* A level that is raised again is as it was; that a probe was off stays so. */
static void done_back(void **state)
{
	struct canary *c = open_sensor(STATUS("a", "on", "high", 0, 0), "[]");

	(void)state;
	world.status[XEN] = STATUS("a", "on", "low", 0, 0);
	world.held[XEN] = "[{'probe': 'p', 'kind': 'command', 'command': 'low', 'level': 'low', 'by': {'pid': 4711, "
			  "'uid': 0}}]";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "lowered"), 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(finding("lowered"), "xen"), "by")),
			    "process 4711 of user 0");
	assert_string_equal(json_string_value(json_object_get(json_object_get(finding("lowered"), "where"), "probe")),
			    "p");
	world.status[XEN] = STATUS("a", "on", "high", 0, 0);
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "lowered"), 1);
	world.status[XEN] = STATUS("a", "off", "high", 1, 0);
	assert_true(canary_round(c));
	world.status[XEN] = STATUS("a", "on", "high", 1, 0);
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "off"), 1);
	assert_int_equal(told("gone", "off"), 0);
	canary_close(c);
}

static void sensor_gone(void **state)
{
	struct canary *c = open_sensor(STATUS("a", "on", "default", 0, 0), "[]");

	(void)state;
	world.says[XEN] = NULL;
	assert_true(canary_round(c));
	verdict_is(c, "s", "differs", "null");
	assert_int_equal(told("finding", "went"), 1);
	world.says[XEN] = "[]";
	world.status[XEN] = STATUS("b", "on", "default", 0, 0);
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "went"), 1);
	assert_int_equal(told("finding", "restarted"), 1);
	/* One that cannot be asked is another thing: nothing is said of it. */
	world.reason[XEN] = "timeout";
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "went"), 1);
	canary_close(c);
	/* And one that never was there was not taken away. */
	c = open_with(CHECKS(SENSOR));
	assert_true(canary_round(c));
	verdict_is(c, "s", "blind", "no-sensor");
	canary_close(c);
}

/*
 * Another sensor answers, which has none of the probes that the checks ask: that nothing was done
 * to it says nothing of the one that was meant. One of them is enough, as releases differ.
 */
static void sensor_is_another(void **state)
{
	static const char other[] = "{'name': 'host', 'uuid': 'h', 'time': 100, 'control': true, 'probes': ["
				    "{'name': 'folder', 'state': 'on', 'level': 'default', 'offs': 0, 'resets': 0}]}";
	struct canary *c = open_with(CHECKS(SENSOR "," ALONE("c", "")));

	(void)state;
	world.says[XEN] = "[]";
	world.held[XEN] = "[]";
	world.status[XEN] = other;
	assert_true(canary_round(c));
	verdict_is(c, "s", "blind", "no-probe");
	world.status[XEN] = STATUS("a", "on", "default", 0, 0);
	assert_true(canary_round(c));
	verdict_is(c, "s", "differs", "null");
	assert_int_equal(told("finding", "restarted"), 1);
	/* That the other one had its place again is told with that, by the first whole look. */
	world.status[XEN] = other;
	assert_true(canary_round(c));
	assert_int_equal(told("gone", "restarted"), 0);
	world.status[XEN] = STATUS("a", "on", "default", 0, 0);
	assert_true(canary_round(c));
	assert_int_equal(told("changed", "restarted"), 1);
	canary_close(c);
	/* Where no check asks it for a probe, any sensor is the right one. */
	c = open_sensor(other, "[]");
	verdict_is(c, "s", "agrees", "null");
	canary_close(c);
}

/* Half a status is none. */
static void status_tells_too_little(void **state)
{
	static const char *const statuses[] = {
		"{}", "[1]", "{'time': 100}", "{'time': 100, 'probes': {}}",
	};
	struct canary *c;

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		c = open_sensor(STATUS("a", "on", "default", 0, 0), "[]");
		world.status[XEN] = statuses[i];
		assert_true(canary_round(c));
		verdict_is(c, "s", "blind", "unreadable");
		canary_close(c);
	}
	/* Whether a record is newer than the look, its time tells alone. */
	c = open_with(CHECKS(ALONE("c", "")));
	world.says[XEN] = "[" OTHER "]";
	world.status[XEN] = "{'control': true}";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "unreadable");
	world.status[XEN] = "{'time': -5, 'control': false, 'probes': [{'name': 'p', 'sample_start_ns': 1}]}";
	assert_true(canary_round(c));
	verdict_is(c, "c", "blind", "unreadable");
	canary_close(c);
}

/* Records that cannot be read now are asked for again. */
static void deeds_unread(void **state)
{
	struct canary *c = open_sensor(STATUS("a", "on", "default", 0, 0), "[]");

	(void)state;
	world.status[XEN] = STATUS("a", "off", "default", 1, 0);
	world.no_records = true;
	assert_true(canary_round(c));
	verdict_is(c, "s", "blind", "timeout");
	world.no_records = false;
	assert_true(canary_round(c));
	assert_int_equal(told("finding", "off"), 1);
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
		cmocka_unit_test(never_the_same),
		cmocka_unit_test(unconfirmed),
		cmocka_unit_test(interrupted_later),
		cmocka_unit_test(blind_by_records),
		cmocka_unit_test(old_troubles),
		cmocka_unit_test(partial_with_finding),
		cmocka_unit_test(only_if),
		cmocka_unit_test(only_if_both),
		cmocka_unit_test(not_here),
		cmocka_unit_test(instead_of),
		cmocka_unit_test(names_its_page),
		cmocka_unit_test(blinded),
		cmocka_unit_test(unconfirmed_for_long),
		cmocka_unit_test(blind_from_the_start),
		cmocka_unit_test(accepted),
		cmocka_unit_test(one_deed),
		cmocka_unit_test(deed_is_seen_by_and_by),
		cmocka_unit_test(deeds_are_joined),
		cmocka_unit_test(deed_flips),
		cmocka_unit_test(looks_for_weeks),
		cmocka_unit_test(what_a_deed_had_is_forgotten),
		cmocka_unit_test(nothing_in_common),
		cmocka_unit_test(no_memory_once),
		cmocka_unit_test(many_are_joined),
		cmocka_unit_test(deed_is_told_when_interrupted),
		cmocka_unit_test(finding_grows),
		cmocka_unit_test(blinded_by_one_deed),
		cmocka_unit_test(one_clock),
		cmocka_unit_test(no_clock),
		cmocka_unit_test(is_unsettled),
		cmocka_unit_test(is_unsettled_rule),
		cmocka_unit_test(is_unsettled_beside_others),
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(is_hidden_after_all),
		cmocka_unit_test(sensor_waits),
		cmocka_unit_test(sensor_tells_at_last),
		cmocka_unit_test(sensor_waited_for_nothing),
		cmocka_unit_test(interrupted_while_sensor_waits),
		cmocka_unit_test(where_null),
		cmocka_unit_test(changed_by_first),
		cmocka_unit_test(where_several),
		cmocka_unit_test(rules_for_some),
		cmocka_unit_test(changed_members),
		cmocka_unit_test(passes),
		cmocka_unit_test(asks_for_one_kind),
		cmocka_unit_test(lost_of_one_kind),
		cmocka_unit_test(notices),
		cmocka_unit_test(held_against_the_status),
		cmocka_unit_test(goes_on_in_its_count),
		cmocka_unit_test(taken_once),
		cmocka_unit_test(lost_once),
		cmocka_unit_test(baseline_is_new),
		cmocka_unit_test(item_left_the_list),
		cmocka_unit_test(baseline_is_new_by_one_deed),
		cmocka_unit_test(another_comes_back),
		cmocka_unit_test(another_comes_in_a_round),
		cmocka_unit_test(source_is_there),
		cmocka_unit_test(reads_what_began_later),
		cmocka_unit_test(reader_finds),
		cmocka_unit_test(refused),
		cmocka_unit_test(failed_pass_is_none),
		cmocka_unit_test(waits_in_vain),
		cmocka_unit_test(wait_has_a_limit),
		cmocka_unit_test(wait_is_interrupted),
		cmocka_unit_test(items_are_told_apart),
		cmocka_unit_test(members_are_told_apart),
		cmocka_unit_test(deeds_are_told_apart),
		cmocka_unit_test(near_is_one_deed),
		cmocka_unit_test(ids_are_told_apart),
		cmocka_unit_test(sentence_shows_all),
		cmocka_unit_test(words_are_cut_whole),
		cmocka_unit_test(blinded_at_length),
		cmocka_unit_test(nothing_was_done),
		cmocka_unit_test(done_before),
		cmocka_unit_test(done_and_read),
		cmocka_unit_test(done_meanwhile),
		cmocka_unit_test(done_again_and_again),
		cmocka_unit_test(done_back),
		cmocka_unit_test(sensor_gone),
		cmocka_unit_test(sensor_is_another),
		cmocka_unit_test(deeds_unread),
		cmocka_unit_test(status_tells_too_little),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
