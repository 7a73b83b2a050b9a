// SPDX-License-Identifier: MIT
/*
 * compare.c - "ksense compare": the canary on the command line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../canary/canary.h"
#include "compare.h"
#include "ksense.h"

struct compare {
	const struct options *o;
	struct canary *canary;
	uint64_t rounds;
	double next_beat_s;     /* on the monotonic clock */
	bool found;             /* at any time */
};

/* === What the canary tells ============================================== */

static void raised(void *context, const json_t *finding)
{
	struct compare *compare = context;

	finding_show(finding, compare->o->table);
}

static void changed(void *context, const json_t *line)
{
	struct compare *compare = context;

	changed_show(line, compare->o->table);
}

static void gone(void *context, const json_t *line, const json_t *finding)
{
	struct compare *compare = context;

	(void)finding;
	gone_show(line, compare->o->table);
}

static void blind(void *context, const json_t *line)
{
	struct compare *compare = context;

	blind_show(line, compare->o->table);
}

static void unconfirmed(void *context, const json_t *line)
{
	struct compare *compare = context;

	unconfirmed_show(line, compare->o->table);
}

static void sees(void *context, const json_t *line)
{
	struct compare *compare = context;

	sees_show(line, compare->o->table);
}

/* One line that is written over itself, for whoever sits at a terminal. */
static void waiting(void *context, const char *source, const char *probe, double waited_s, double most_s)
{
	(void)context;
	if (!isatty(STDERR_FILENO))
		return;
	if (probe)
		fprintf(stderr, "\r\033[Kksense: reading only, so waiting for a pass of %s (%s): %.0f s, at most %.0f",
			probe, source, waited_s, most_s);
	else
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

static bool pause_between(void *context, double seconds)
{
	(void)context;
	return pause_for(seconds, -1);
}

static void show_coverage(const struct compare *compare)
{
	json_t *coverage = canary_coverage(compare->canary);

	if (coverage)
		coverage_show(coverage, compare->o->table);
	else
		say("no memory");
	json_decref(coverage);
}

/* === Heartbeat ========================================================== */

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void beat(struct compare *compare)
{
	json_t *coverage = canary_coverage(compare->canary), *line;
	char now[32];

	canary_time(now);
	line = json_pack("{sssIsO}", "alive", now, "rounds", (json_int_t)compare->rounds, "verdict",
			 json_object_get(coverage, "verdict"));
	if (line && compare->o->table)
		printf("ALIVE   %s, round %llu: %s\n\n", now, (unsigned long long)compare->rounds,
		       json_string_value(json_object_get(coverage, "verdict")));
	else if (line)
		line_show(line);
	fflush(stdout);
	json_decref(line);
	json_decref(coverage);
	while (compare->next_beat_s <= now_s())
		compare->next_beat_s += compare->o->heartbeat_s;
}

/* Until the next round is due; false when interrupted. */
static bool wait_for_round(struct compare *compare)
{
	double next_s = now_s() + compare->o->interval_s;
	bool go_on = true;

	if (!compare->o->heartbeat_s)
		return pause_for(compare->o->interval_s, -1);
	while (go_on && now_s() < next_s) {
		double until_s = compare->next_beat_s < next_s ? compare->next_beat_s : next_s,
		       left_s = until_s - now_s();

		go_on = pause_for(left_s > 0 ? left_s : 0, -1);
		if (go_on && compare->next_beat_s <= now_s())
			beat(compare);
	}
	return go_on;
}

/* === Interface ========================================================== */

/* What --require asks for. */
static bool has_required(const struct compare *compare)
{
	char why[512];

	for (uint32_t i = 0; sources_required[i]; i++) {
		if (!(compare->o->require & 1U << i) ||
		    canary_source_is_there(compare->canary, sources_required[i], why, sizeof(why)))
			continue;
		say("--require %s: %s", sources_required[i], why);
		return false;
	}
	return true;
}

/*
 * A slip in --accept is told, and no more: a host whose unit still names a check that is gone has
 * to be watched.
 */
static void tell_unknown(const struct compare *compare)
{
	for (size_t i = 0; i < compare->o->accept_count; i++)
		if (!canary_has_name(compare->canary, compare->o->accept[i]))
			say("--accept %s: there is no check and no reason of that name, so it has no effect; "
			    "the summary names both", compare->o->accept[i]);
}

static int status_of(const struct compare *compare)
{
	if (compare->found)
		return EXIT_SAID_ERROR;
	return canary_is_blind(compare->canary) ? EXIT_NO_SENSOR : EXIT_DONE;
}

/* Round after round; the exit status. */
static int go_round(struct compare *compare)
{
	const struct options *o = compare->o;

	compare->next_beat_s = now_s() + o->heartbeat_s;
	do {
		bool whole = canary_round(compare->canary);

		compare->found |= canary_findings(compare->canary, o->strict) > 0;
		/* Nothing speaks for what was never looked at. */
		if (!whole && !compare->rounds) {
			show_coverage(compare);
			return flush_output(0) ? EXIT_NO_SENSOR : 128 + interrupted_by();
		}
		compare->rounds += whole;
		/* Who watches wants to know at once what is compared, and what is not. */
		if (compare->rounds == 1 && whole && o->watch)
			show_coverage(compare);
		if (flush_output(0))
			return EXIT_NO_SENSOR;
	} while (o->watch && wait_for_round(compare));
	show_coverage(compare);
	return flush_output(0) ? EXIT_NO_SENSOR : status_of(compare);
}

int run_compare(const struct options *o)
{
	struct compare compare = { .o = o };
	struct canary_options options = {
		.checks = o->checks, .socket = o->socket, .timeout_ms = o->timeout_ms, .wait_ms = o->wait_ms,
		.accept = o->accept, .accept_count = o->accept_count, .context = &compare,
		.raised = raised, .changed = changed, .gone = gone, .blind = blind, .unconfirmed = unconfirmed,
		.sees = sees, .waiting = waiting, .pause = pause_between,
	};
	char error[512];
	int status;

	compare.canary = canary_open(&options, error, sizeof(error));
	if (!compare.canary && errno == ENOMEM) {
		say("no memory");
		return EXIT_NO_SENSOR;
	}
	if (!compare.canary) {
		say("%s", error);
		say("the form of such a file is in ksense-checks(5)");
		return EXIT_USAGE;
	}
	if (o->stamp) {
		json_t *xen = canary_status(compare.canary, "xen");

		stamp_host(xen);
		json_decref(xen);
	}
	tell_unknown(&compare);
	catch_signals();
	status = has_required(&compare) ? go_round(&compare) : EXIT_NO_SENSOR;
	canary_close(compare.canary);
	return status;
}
