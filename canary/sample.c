// SPDX-License-Identifier: MIT
/*
 * sample.c - what a sensor's probe sees now: asked for or, by whoever may only read, waited for.
 *
 * A sample is of one pass that began after the question.  Whoever may control the sensor has one
 * made.  Whoever may not asks that one of the passes which the probe makes anyhow records all that
 * it sees (docs/protocol.md), and sleeps until the status tells of one.  A pass that failed, did
 * not see all, or of which a record is missing, is none.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "body.h"
#include "judge.h"

/* Between two looks at the status: a pause, the next one longer. */
#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS 500
/* So many samples are asked for, at most, to have one of which nobody else takes a part. */
#define TRIES 3
/* Without an option, nobody waits longer. */
#define WAIT_MS 120000

json_t *probe_in(const json_t *status, const char *name)
{
	json_t *probe;
	size_t i;

	json_array_foreach(json_object_get(status, "probes"), i, probe) {
		const char *is = json_string_value(json_object_get(probe, "name"));

		if (is && !strcmp(is, name))
			return probe;
	}
	return NULL;
}

static json_int_t time_of_day_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

json_t *source_status(struct source *source, struct blindness *blind)
{
	json_int_t before_ns = time_of_day_ns();
	json_t *status = source->type->status(source->state, blind);
	json_int_t time_ns = number_of(status, "time");
	const char *uuid = string_of(status, "uuid");

	/* Of the answer it is known that it is from between the two; and clocks are set. */
	if (time_ns > 0)
		source->boot_ns = before_ns + (time_of_day_ns() - before_ns) / 2 - time_ns;
	if (*uuid && !source->uuid[0])
		snprintf(source->uuid, sizeof(source->uuid), "%.39s", uuid);
	if (*uuid)
		source->is_other = strncmp(source->uuid, uuid, sizeof(source->uuid) - 1);
	if (status) {
		json_decref(source->status);
		source->status = json_incref(status);
	}
	return status;
}

bool is_fresh(const struct sample *sample, const json_t *record)
{
	return number_of(record, "time") >= sample->from && json_object_get(record, "kind");
}

static bool is_kind(const json_t *record, const char *kind)
{
	return !strcmp(string_of(record, "kind"), kind);
}

bool is_outcome(const json_t *record)
{
	return is_kind(record, "failed") || is_kind(record, "incomplete") || is_kind(record, "lost") ||
	       is_kind(record, "began");
}

/* Whether it is a record of what was asked for, probe and kind, or of how that ended. */
static bool is_asked_for(const struct asking *asking, const json_t *record)
{
	if (!json_is_integer(json_object_get(record, "seq")) || !json_is_integer(json_object_get(record, "time")) ||
	    !*string_of(record, "kind") || strcmp(string_of(record, "probe"), asking->probe))
		return false;
	return !asking->kind || is_kind(record, asking->kind) || is_outcome(record);
}

/* All that it says, or nothing: what is not the answer to the question is of no view. */
static bool ask(const struct source *source, const struct asking *asking, json_t **records, struct blindness *blind)
{
	json_t *record;
	size_t i;

	*records = json_array();
	if (!*records)
		blind_for(blind, "no-memory", "there is no memory");
	if (!*records || !source->type->records(source->state, asking, *records, blind))
		return false;
	json_array_foreach(*records, i, record) {
		if (!is_asked_for(asking, record)) {
			blind_for(blind, "unreadable", "the sensor %s was asked for records of %s, and told others",
				  source->type->name, asking->probe);
			return false;
		}
	}
	return true;
}

/* === Asked for ========================================================== */

/*
 * Holds the sample against what the status says of the probe now, and said @before it was asked:
 * a sensor that told nothing, or a part, is seen by that.
 *
 * Where only some of its records were asked for, these do not tell where the sample began, and so
 * not whether what was lost was of it.  It was not before the last sample ended that was there
 * when it was asked for.  If no pass but this one has ended since, the status says where it began.
 *
 * @last: the last of its records, or NULL.
 */
static void hold_against(const json_t *before, const json_t *own, const json_t *last, struct sample *sample)
{
	json_int_t pass = number_of(own, "sample_pass");
	bool alone = pass && pass == number_of(own, "pass") && pass == number_of(before, "pass") + 1;

	sample->whole_ns = number_of(own, "whole_start_ns");
	sample->is_taken = number_of(own, "delivered") != number_of(before, "delivered");
	sample->first = alone ? number_of(own, "sample_seq") : number_of(before, "sample_end");
	sample->end = 0;
	/* By its pass it is known to be this one, and no other that somebody else asked for. */
	if (!sample->kind && pass && number_of(last, "pass") == pass) {
		sample->first = number_of(own, "sample_seq");
		sample->end = number_of(own, "sample_end");
	}
}

bool has_gaps(const struct sample *sample)
{
	json_int_t next = -1, first = -1;
	const json_t *record;
	size_t i;

	if (sample->kind)
		return sample->is_taken;
	json_array_foreach(sample->records, i, record) {
		json_int_t seq = number_of(record, "seq");

		if (!is_fresh(sample, record) || is_kind(record, "lost"))
			continue;
		if (next >= 0 && seq != next)
			return true;
		if (first < 0)
			first = seq;
		next = seq + 1;
	}
	return sample->end && (first < 0 || first > sample->first || next < sample->end);
}

json_int_t first_seq(const struct sample *sample)
{
	json_int_t first = sample->kind ? sample->first : INT64_MAX;
	const json_t *record;
	size_t i;

	json_array_foreach(sample->records, i, record) {
		json_int_t seq = number_of(record, "seq");

		if (!sample->kind && is_fresh(sample, record) && !is_outcome(record) && seq < first)
			first = seq;
	}
	return first;
}

bool has_lost(const struct sample *sample)
{
	json_int_t first = first_seq(sample);
	const json_t *record;
	size_t i;

	json_array_foreach(sample->records, i, record)
		if (is_fresh(sample, record) && is_kind(record, "lost") && number_of(record, "last") >= first)
			return true;
	return false;
}

/*
 * *@status: the sensor's, of before it is asked, and then of behind it.  False: there is no
 * sample, with why.
 */
static bool ask_for(struct source *source, const struct asking *wanted, json_t **status, struct sample *sample,
		    struct blindness *blind)
{
	json_t *before = *status, *last;
	struct asking asking = *wanted;

	asking.how = ASK_FRESH;
	*sample = (struct sample){ .kind = wanted->kind, .from = number_of(before, "time") };
	if (!ask(source, &asking, &sample->records, blind))
		return false;
	/*
	 * None: the probe was reset, and counts from 0 again; or it has none of this kind.  What
	 * all records have in common is read of one alone.
	 */
	last = canary_whole(json_array_get(sample->records, json_array_size(sample->records) - 1));
	if (!last && json_array_size(sample->records)) {
		blind_for(blind, "no-memory", "there is no memory");
		return false;
	}
	sample->next = last ? number_of(last, "seq") + 1 : wanted->kind ? wanted->since : 0;
	sample->epoch = last ? number_of(last, "epoch") : wanted->kind ? wanted->epoch : 0;
	*status = source_status(source, blind);
	if (*status)
		hold_against(probe_in(before, wanted->probe), probe_in(*status, wanted->probe), last, sample);
	json_decref(last);
	json_decref(before);
	return *status;
}

/*
 * What somebody else took while it was on its way is missing, and nothing says so; with another
 * sample he may be slower.  And of all records it can be seen whether any is.  What was pushed out
 * before it was read is told: on a host that is so busy, the next sample may be whole.
 */
static bool ask_until_whole(struct source *source, const struct asking *wanted, json_t **status,
			    struct sample *sample, struct blindness *blind)
{
	struct asking asking = *wanted;

	for (unsigned int tries = 1;; tries++) {
		if (!ask_for(source, &asking, status, sample, blind))
			return false;
		if (tries == TRIES || (!has_gaps(sample) && !has_lost(sample)))
			return true;
		json_decref(sample->records);
		asking.kind = NULL;
	}
}

/* === Waited for ========================================================= */

struct wait {
	struct canary *c;
	struct source *source;
	const char *probe;
	const json_t *members;
	struct blindness *blind;
	json_t *status;         /* the newest; */
	const json_t *own;      /* of it, the probe's */
	json_int_t from;        /* a sample is of a pass that began later, since boot */
	json_int_t failures;    /* of the probe's, at first */
	json_int_t asked_pass;  /* the last that was over when one was asked for; -1: none was */
	bool missed;            /* there was one, and records of it were missing */
	double waited_ms, most_ms;
};

static bool is_off(const json_t *own)
{
	return !strcmp(string_of(own, "state"), "off");
}

/* The status once more, and the probe in it. */
static bool look(struct wait *w)
{
	json_decref(w->status);
	w->own = NULL;
	w->status = source_status(w->source, w->blind);
	if (!w->status)
		return false;
	w->own = probe_in(w->status, w->probe);
	if (!w->own)
		blind_for(w->blind, "no-probe", "the sensor %s has no probe %s", w->source->type->name, w->probe);
	else if (is_off(w->own))
		blind_for(w->blind, "probe-off", "%s is off, and you may only read: have it turned on by who may",
			  w->probe);
	return !w->blind->reason;
}

/*
 * Up to twice the interval from one pass to the next, which is random at some levels and longer
 * at others where passes take long, and the pass itself.
 */
static double patience_ms(const struct canary *c, const json_t *own)
{
	double most = c->options->wait_ms > 0 ? c->options->wait_ms : WAIT_MS;
	double interval_ms = (double)number_of(own, "interval_ns") / 1e6,
	       pass_ms = (double)number_of(own, "last_run_ns") / 1e6;
	double likely = 3 * interval_ms + 100 * pass_ms + 10000;

	return likely < most ? likely : most;
}

/* Once for each pass that is over: one that failed may have been the one that was asked for. */
static bool ask_to_announce(struct wait *w)
{
	struct asking asking = { .probe = w->probe, .how = ASK_ANNOUNCE };
	json_int_t pass = number_of(w->own, "pass");
	json_t *records;
	bool asked;

	if (pass == w->asked_pass)
		return true;
	asked = ask(w->source, &asking, &records, w->blind);
	json_decref(records);
	w->asked_pass = pass;
	return asked;
}

/*
 * Leaves of the records those up to the end of the sample; whether the sample is there, each of
 * its records.
 */
static bool keep_sample(json_t *records, json_int_t first, json_int_t end)
{
	json_int_t there = 0;

	for (size_t i = 0; i < json_array_size(records);) {
		const json_t *record = json_array_get(records, i);
		json_int_t seq = number_of(record, "seq");

		/* What was lost and does not leave a gap, is none of it. */
		if (seq >= end || is_kind(record, "lost")) {
			json_array_remove(records, i);
			continue;
		}
		there += seq >= first;
		i++;
	}
	return there == end - first;
}

/* 1: there is a sample; 0: not yet; -1: it cannot be had. */
static int read_sample(struct wait *w, json_int_t since, struct sample *sample)
{
	json_int_t first = number_of(w->own, "sample_seq"), end = number_of(w->own, "sample_end");
	struct asking asking = {
		.probe = w->probe,
		.since = since < first ? since : first,
		.epoch = number_of(w->own, "epoch"),
		.members = w->members,
		.how = ASK_HELD,
	};

	if (number_of(w->own, "sample_start_ns") <= w->from)
		return 0;
	if (!ask(w->source, &asking, &sample->records, w->blind))
		return -1;
	sample->from = sample->whole_ns = number_of(w->own, "sample_start_ns");
	sample->next = end;
	sample->epoch = number_of(w->own, "epoch");
	if (keep_sample(sample->records, first, end))
		return 1;
	json_decref(sample->records);
	sample->records = NULL;
	/* The next will do. */
	w->missed = true;
	w->from = sample->from;
	w->asked_pass = -1;
	return 0;
}

static void give_up(struct wait *w)
{
	double interval_s = (double)number_of(w->own, "interval_ns") / 1e9;
	const char *error = json_string_value(json_object_get(w->own, "last_error"));

	if (number_of(w->own, "failures") > w->failures)
		blind_for(w->blind, "probe-failing", "the passes of %s fail: %s", w->probe,
			  error ? error : "it does not say why");
	else if (w->missed)
		blind_for(w->blind, "lost",
			  "you may only read, and records of each pass of %s were taken by somebody else, or lost, "
			  "before you had them", w->probe);
	else if (number_of(w->own, "pass_start_ns") > w->from)
		blind_for(w->blind, "incomplete", "%s made passes, and none saw all and told all", w->probe);
	else
		blind_for(
			w->blind, "timeout",
			"you may only read, and %s, which makes a pass by itself about every %g s, ended none within "
			"%.0f s: wait longer (--wait), or have its level raised by who may",
			w->probe, interval_s, w->most_ms / 1000);
}

static void tell_waiting(const struct wait *w, bool over)
{
	const struct canary_options *options = w->c->options;

	if (options->waiting)
		options->waiting(options->context, w->source->type->name, over ? NULL : w->probe, w->waited_ms / 1000,
				 w->most_ms / 1000);
}

static bool wait_on(struct wait *w, json_int_t since, struct sample *sample)
{
	unsigned int pause_ms = PAUSE_FIRST_MS;

	for (;;) {
		int got = read_sample(w, since, sample);

		if (got)
			return got > 0;
		if (w->waited_ms >= w->most_ms) {
			give_up(w);
			return false;
		}
		if (!ask_to_announce(w))
			return false;
		tell_waiting(w, false);
		if (!pause_about(w->c, pause_ms)) {
			blind_for(w->blind, "interrupted", "interrupted while it waited for a pass of %s", w->probe);
			return false;
		}
		w->waited_ms += pause_ms;
		pause_ms = 2 * pause_ms < PAUSE_MAX_MS ? 2 * pause_ms : PAUSE_MAX_MS;
		if (!look(w))
			return false;
	}
}

/* Of a probe for which somebody waited in vain in this round, nobody waits again. */
static bool waited_in_vain(const struct canary *c, const struct source *source, const char *probe,
			   struct blindness *blind)
{
	if (!source->vain_of || source->vain_round != c->begun || strcmp(source->vain_of, probe))
		return false;
	*blind = source->vain;
	return true;
}

static bool wait_for(struct canary *c, struct source *source, const struct asking *wanted, struct sample *sample,
		     struct blindness *blind)
{
	const char *probe = wanted->probe;
	struct wait w = {
		.c = c,
		.source = source,
		.probe = probe,
		.members = wanted->members,
		.blind = blind,
		.asked_pass = -1,
	};
	bool got = false;

	if (waited_in_vain(c, source, probe, blind))
		return false;
	if (look(&w)) {
		w.from = number_of(w.status, "time");
		w.failures = number_of(w.own, "failures");
		w.most_ms = patience_ms(c, w.own);
		if (w.from <= 0)
			blind_for(blind, "unreadable", "%s does not tell its time", source->type->name);
		else
			got = wait_on(&w, wanted->since, sample);
		tell_waiting(&w, true);
	}
	json_decref(w.status);
	if (!got && w.waited_ms >= w.most_ms) {
		source->vain_of = probe;
		source->vain_round = c->begun;
		source->vain = *blind;
	}
	return got;
}

/* === Interface ========================================================== */

bool sample_take(struct canary *c, struct source *source, const struct asking *wanted, struct sample *sample,
		 struct blindness *blind)
{
	json_t *status = source_status(source, blind);
	bool may_ask = !source->is_refused && !json_is_false(json_object_get(status, "control")), got;

	if (!status)
		return false;
	got = may_ask && ask_until_whole(source, wanted, &status, sample, blind);
	json_decref(status);
	/* What is found is found; but all records may be old. */
	if (got && sample->from <= 0)
		blind_for(blind, "unreadable", "%s does not tell its time", source->type->name);
	if (got)
		return true;
	if (may_ask && (!blind->reason || strcmp(blind->reason, "denied")))
		return false;
	/* A policy may refuse what the status allows, and note who asks: it is not asked again. */
	source->is_refused |= may_ask;
	json_decref(sample->records);
	*sample = (struct sample){ 0 };
	*blind = (struct blindness){ 0 };
	return wait_for(c, source, wanted, sample, blind);
}

/* Who reset the probe last, as far as a record is left that tells it.  The caller's. */
static json_t *who_reset(struct source *source, const char *probe)
{
	struct asking asking = { .probe = probe, .kind = "began", .how = ASK_HELD };
	struct blindness blind = { 0 };
	json_t *records, *record, *by = NULL;
	size_t i;

	if (ask(source, &asking, &records, &blind)) {
		json_array_foreach(records, i, record) {
			if (strcmp(string_of(record, "why"), "reset"))
				continue;
			json_decref(by);
			by = by_of(record);
		}
	}
	json_decref(records);
	return by ? by : json_string("somebody of whom no record is left");
}

/* The same, as it was once seen: the record may have been taken since.  NULL: no memory. */
static const char *known_reset(struct source *source, const char *probe, json_int_t resets)
{
	const json_t *known = json_object_get(source->resets, probe);

	if (!known || json_integer_value(json_array_get(known, 0)) != resets) {
		json_object_set_new(source->resets, probe, json_pack("[Io]", resets, who_reset(source, probe)));
		known = json_object_get(source->resets, probe);
	}
	return json_string_value(json_array_get(known, 1));
}

void see_baseline(struct source *source, const char *probe, struct blindness *blind)
{
	static const char unseen[] = "what it is compared with was taken anew, and what had been changed before is "
				     "not seen";
	const json_t *own = probe_in(source->status, probe);
	json_int_t resets = number_of(own, "resets"), removes = number_of(own, "removes");
	const char *by = resets && !blind->reason ? known_reset(source, probe, resets) : NULL;
	char at[32];

	if (source->is_other)
		blind_for(blind, "new-baseline", "another sensor %s answers than at first: %s", source->type->name,
			  unseen);
	if (removes)
		blind_for(blind, "new-baseline", "%lld were taken out of the list of %s: what became of them since is "
			  "not seen, nor what they were at first, if they are back", (long long)removes, probe);
	if (!resets)
		return;
	if (!moment_of(source, number_of(own, "reset_ns"), at))
		snprintf(at, sizeof(at), "a moment that it does not tell");
	blind_for(blind, "new-baseline", "%s was reset at %s by %s: %s", probe, at, by ? by : "somebody", unseen);
}
