// SPDX-License-Identifier: MIT
/*
 * rounds.c - looks at both sides of each check, again where they differ, and says what came of it.
 *
 * What differs at each of a check's looks is a finding: so processes that come and go, of which
 * each look may catch one, do not make any.  But only a look without a difference is agreement.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "judge.h"

const char *const canary_reasons[] = {
	"no-sensor", "no-module", "no-probe", "probe-off", "probe-failing", "incomplete", "lost", "denied", "timeout",
	"interrupted", "unreadable", "new-baseline",
	"old-toolstack", "foreign-namespace", "no-memory", NULL,
};

/* So many rounds in a row without sight are a finding. */
#define BLIND_ROUNDS 2
/* And so many in which it is unconfirmed are told: one may well be by chance. */
#define DOUBT_ROUNDS 2

/*
 * Half to one and a half times @ms: a pause of always the same length may fall into step with what
 * it should be independent of.
 */
bool pause_about(struct canary *c, unsigned int ms)
{
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = 0;
	if (!c->options->pause(c->options->context, (ms / 2 + (ms ? random % ms : 0)) / 1000.0))
		c->interrupted = true;
	return !c->interrupted;
}

/* === One look =========================================================== */

struct look {
	struct view before, xen, after;
	json_t *found;
	bool compared, whole;
	struct blindness blind; /* if it is not whole */
};

static void look_free(struct look *look)
{
	view_free(&look->before);
	view_free(&look->xen);
	view_free(&look->after);
	json_decref(look->found);
	look->found = NULL;
}

/* Whether a view can be compared at all. */
static bool usable(struct look *look, const struct view *view)
{
	if (view->state == VIEW_WHOLE)
		return true;
	if (look->whole)
		look->blind = view->blind;
	look->whole = false;
	return view->state == VIEW_PARTIAL;
}

/*
 * Dom0's second view is taken only where there is a difference to be confirmed; in the next look
 * it is the first one, @before, if it has items.  -1: no memory.
 */
static int look_at(struct canary *c, struct check *check, struct look *look, struct view *before)
{
	*look = (struct look){ .before = *before, .whole = true };
	memset(before, 0, sizeof(*before));
	if (!look->before.items && view_dom0(c, check, &look->before))
		return -1;
	if (!usable(look, &look->before))
		return 0;
	if (view_xen(c, check, &look->xen))
		return -1;
	if (!usable(look, &look->xen))
		return 0;
	check->looked++;
	check->xen_items = json_array_size(look->xen.items);
	check->dom0_items = json_array_size(look->before.items);
	look->found = differences(check, &look->xen, &look->before, &look->before);
	look->compared = true;
	if (!look->found)
		return -1;
	if (!json_object_size(look->found))
		return 0;
	look->compared = false;
	if (view_dom0(c, check, &look->after))
		return -1;
	if (!usable(look, &look->after))
		return 0;
	json_decref(look->found);
	look->found = differences(check, &look->xen, &look->before, &look->after);
	look->compared = true;
	return look->found ? 0 : -1;
}

/* === Reports ============================================================ */

/* Drops from @pending what is not in @found; how many. */
static size_t keep_common(json_t *pending, const json_t *found)
{
	size_t before = json_object_size(pending);
	const char *identity;
	json_t *difference;
	void *next;

	json_object_foreach_safe(pending, next, identity, difference)
		if (!json_object_get(found, identity))
			json_object_del(pending, identity);
	return before - json_object_size(pending);
}

/* Those that were reported before and are not any more. */
static void drop_gone(struct canary *c, struct check *check, const json_t *pending)
{
	const char *identity;
	json_t *report;
	void *next;

	json_object_foreach_safe(check->reports, next, identity, report) {
		if (json_object_get(pending, identity))
			continue;
		deed_withdraw(c, identity);
		json_object_del(check->reports, identity);
	}
}

/* What could not be told is reported in the next round.  @old: as it was told; or NULL. */
static void take_back(struct canary *c, struct check *check, const char *identity, json_t *old)
{
	if (old) {
		json_object_set(check->reports, identity, old);
		return;
	}
	deed_withdraw(c, identity);
	json_object_del(check->reports, identity);
}

/* What is new, and what has grown. */
static int report_all(struct canary *c, struct check *check, const json_t *pending, const char *since)
{
	const char *identity;
	json_t *difference;

	json_object_foreach((json_t *)pending, identity, difference) {
		json_t *old = json_object_get(check->reports, identity), *report;
		const char *first_seen = old ? json_string_value(json_object_get(old, "first_seen")) : since;
		int failed;

		if (old && !report_grew(check, old, difference))
			continue;
		report = report_new(c, check, identity, difference, first_seen);
		json_incref(old);
		failed = !report || json_object_set(check->reports, identity, report);
		if (failed)
			json_decref(report);
		else if (deed_report(c, identity, deed_keys(check, difference), report))
			failed = -1;
		if (failed)
			take_back(c, check, identity, old);
		json_decref(old);
		if (failed)
			return -1;
	}
	return 0;
}

/* === Verdicts =========================================================== */

static void set_verdict(struct check *check, enum canary_verdict verdict, const char *reason, const char *words)
{
	check->verdict = verdict;
	check->reason = reason;
	check->absent = NULL;
	put_words(check->words, words);
}

/* The check's words, if for want of that source there is nothing of the kind here. */
static const char *words_not_here(const struct check *check, const struct blindness *blind)
{
	if (blind->not_here)
		return blind->words;
	for (unsigned int i = 0; blind->absent && i < check->not_here_count; i++)
		if (!strcmp(check->not_here[i].source, blind->absent))
			return check->not_here[i].words;
	return NULL;
}

/* Whether an item of Xen's has these members, as far as is known; -1: no memory. */
static int xen_has(struct canary *c, struct check *check, json_t *members)
{
	struct view view = { 0 };
	int has = view_xen(c, check, &view);
	json_t *item;
	size_t i;

	if (!has) {
		has = view.state != VIEW_WHOLE;
		json_array_foreach(view.items, i, item)
			has |= meets(item, members);
	}
	view_free(&view);
	return has;
}

/*
 * Where a source is absent, and Xen has what cannot be without it, it is not absent but hidden.
 * -1: no memory.
 */
static int doubt_absence(struct canary *c, struct check *check, struct blindness *blind)
{
	for (unsigned int i = 0; blind->absent && i < check->not_here_count; i++) {
		int has;

		if (strcmp(check->not_here[i].source, blind->absent) || !check->not_here[i].unless)
			continue;
		has = xen_has(c, check, check->not_here[i].unless);
		if (has < 0)
			return -1;
		if (has)
			blind->absent = NULL;
	}
	return 0;
}

/*
 * What cannot be seen is not here, or the check is blind.  What was here once can only have been
 * taken away.
 */
static void set_blind(struct check *check, const struct blindness *blind)
{
	const char *words = words_not_here(check, blind);

	if (words && !check->last_whole[0])
		set_verdict(check, CANARY_NOT_HERE, NULL, words);
	else
		set_verdict(check, CANARY_BLIND, blind->reason, blind->words);
	if (check->verdict == CANARY_BLIND)
		check->absent = blind->absent;
}

/* Takes what could not be compared out of @pending, and says so. */
static void leave_elsewhere(const struct check *check, struct look *look, json_t *pending)
{
	const char *identity;
	json_t *difference, *words;
	void *next;

	json_object_foreach_safe(pending, next, identity, difference) {
		if (!is_elsewhere(difference))
			continue;
		words = fill_in(check->among_words, json_object_get(difference, "xen"), NULL);
		blind_for(&look->blind, "foreign-namespace", "%s", words ? json_string_value(words) : "no memory");
		json_decref(words);
		json_object_del(pending, identity);
		look->whole = false;
	}
}

/* Takes what is no finding yet out of @pending; why, in words, or NULL: there was nothing. */
static const char *leave_unsettled(const struct look *look, json_t *pending)
{
	const char *identity, *words = NULL, *why;
	json_t *difference;
	void *next;

	json_object_foreach_safe(pending, next, identity, difference) {
		/* As of the last look. */
		why = unsettled_words(json_object_get(look->found, identity));
		if (!why)
			continue;
		words = why;
		json_object_del(pending, identity);
	}
	return words;
}

/* Of @pending, what Xen has and Dom0 has not: the items, and under which names. */
static int list_missing(const json_t *pending, json_t *items, json_t *identities)
{
	const char *identity;
	json_t *difference;

	json_object_foreach((json_t *)pending, identity, difference) {
		json_t *item = json_object_get(difference, "xen");

		if (!json_is_object(item) || json_is_object(json_object_get(difference, "dom0")))
			continue;
		if (json_array_append(items, item) || json_array_append_new(identities, json_string(identity)))
			return -1;
	}
	return 0;
}

/*
 * Takes out of @pending what comes and goes in step with our looks; why, in words, or NULL: there
 * was nothing, or nobody knows, and then it stays.
 */
static const char *leave_changing(struct canary *c, const struct check *check, json_t *pending)
{
	static const char in_step[] =
		"a socket is listed and is not, or is open and is not, from one moment to the next: any user can "
		"have one of his own do that in step with each look";
	struct source *of = check->dom0_count ? source_called(c, check->dom0[0].source) : NULL;
	json_t *items = json_array(), *identities = json_array(), *changing = NULL, *number;
	struct blindness blind = { 0 };
	const char *words = NULL;
	size_t i;

	if (of && of->type->is_of_sockets && items && identities && !list_missing(pending, items, identities) &&
	    json_array_size(items))
		changing = changing_apart(c, of, items, check->dom0[0].key, &blind);
	json_array_foreach(changing, i, number) {
		const json_t *identity = json_array_get(identities, (size_t)json_integer_value(number));

		if (identity)
			json_object_del(pending, json_string_value(identity));
		words = in_step;
	}
	json_decref(changing);
	json_decref(items);
	json_decref(identities);
	return words;
}

/* Whether the last look saw what was not there at each. */
static bool saw_more(const struct look *look, const json_t *pending)
{
	const char *identity;
	json_t *difference;

	json_object_foreach(look->found, identity, difference)
		if (!is_elsewhere(difference) && !json_object_get(pending, identity))
			return true;
	return false;
}

/* After the last look of a round: @pending was there at each. */
static int conclude(struct canary *c, struct check *check, struct look *look, json_t *pending, const char *since)
{
	static const char never_the_same[] =
		"something differed at each look, and each time something else: a very busy machine, a sensor whose "
		"tables are full, or one who hides by being another process, or the like, all the time";
	const char *words = leave_unsettled(look, pending), *changing;

	if (!words && look->xen.waits)
		words = check->waits.words;
	leave_elsewhere(check, look, pending);
	changing = leave_changing(c, check, pending);
	if (!words)
		words = changing;
	/* What a part has not says nothing; what the sensor does not tell yet may be just that. */
	if (look->whole && !words)
		drop_gone(c, check, pending);
	if (!words && saw_more(look, pending))
		words = never_the_same;
	if (report_all(c, check, pending, since))
		return -1;
	if (json_object_size(pending))
		set_verdict(check, CANARY_DIFFERS, NULL, "");
	else if (!look->whole)
		set_blind(check, &look->blind);
	else if (words)
		set_verdict(check, CANARY_UNCONFIRMED, NULL, words);
	else
		set_verdict(check, CANARY_AGREES, NULL, "");
	if (look->whole)
		canary_time(check->last_whole);
	return 0;
}

/* === A round of one check =============================================== */

/* A difference was seen, and not again: by @reason there was no other look. */
static void leave_unconfirmed(struct check *check, const json_t *pending, const char *reason, const char *words)
{
	if (json_object_size(pending))
		set_verdict(check, CANARY_UNCONFIRMED, reason, words);
	else
		set_verdict(check, CANARY_BLIND, reason, words);
}

/*
 * Nothing differs, and the sensor has something that it will tell if it stays so: the looks at
 * that begin when it does.
 */
static bool wait_for_sensor(struct check *check, const struct look *look, json_t **pending)
{
	if (json_object_size(*pending) || !look->xen.waits || check->waited >= check->waits.looks)
		return false;
	check->waited++;
	check->looked = 0;
	json_decref(*pending);
	*pending = NULL;
	return true;
}

/* What @look leaves of @pending, which is NULL before the first. */
static void confirm(struct check *check, const struct look *look, json_t **pending)
{
	if (!*pending)
		*pending = json_incref(look->found);
	else
		check->went += keep_common(*pending, look->found);
}

/*
 * Looks until nothing differs, or there were as many looks as the check wants.  Where it cannot be
 * compared, what was found before stays.  1: another look is due.
 */
static int next_look(struct canary *c, struct check *check, struct view *before, json_t **pending, const char *since)
{
	struct look look = { 0 };
	int status = look_at(c, check, &look, before);

	if (!status && look.compared) {
		confirm(check, &look, pending);
		if ((check->looked < check->looks && json_object_size(look.found)) ||
		    wait_for_sensor(check, &look, pending))
			status = 1;
		else
			status = conclude(c, check, &look, *pending, since);
	} else if (!status && json_object_size(*pending)) {
		leave_unconfirmed(check, *pending, look.blind.reason, look.blind.words);
	} else if (!status && json_object_size(look.found)) {
		leave_unconfirmed(check, look.found, look.blind.reason, look.blind.words);
	} else if (!status) {
		status = doubt_absence(c, check, &look.blind);
		set_blind(check, &look.blind);
	}
	if (status == 1) {
		*before = look.after;
		memset(&look.after, 0, sizeof(look.after));
	}
	look_free(&look);
	return status;
}

/* Where @pending is NULL nothing differed, and it waited for what the sensor may tell. */
static void leave_interrupted(struct check *check, const json_t *pending)
{
	if (pending)
		set_verdict(check, CANARY_UNCONFIRMED, "interrupted",
			    "interrupted before what differs was looked at again");
	else
		set_verdict(check, CANARY_UNCONFIRMED, "interrupted", check->waits.words);
}

/* What was done to a sensor is seen at one look, and may never be again. */
static void round_of_sensor(struct canary *c, struct check *check)
{
	struct look look = { 0 };
	json_t *pending;
	char since[32];

	canary_time(since);
	pending = sensor_deeds(c, check, &look.blind);
	look.whole = !look.blind.reason;
	check->looked = 1;
	if (!pending || conclude(c, check, &look, pending, since))
		set_verdict(check, CANARY_BLIND, "no-memory", "there is no memory");
	json_decref(pending);
}

/* False: it was interrupted, and what it has is no whole round. */
static bool round_of(struct canary *c, struct check *check)
{
	struct view before = { 0 };
	json_t *pending = NULL;
	char since[32];
	int status;

	check->looked = check->waited = 0;
	if (check->sensor) {
		round_of_sensor(c, check);
		return true;
	}
	drop_samples(c, check);
	canary_time(since);
	do
		status = next_look(c, check, &before, &pending, since);
	while (status == 1 && pause_about(c, check->pause_ms));
	if (status == 1)
		leave_interrupted(check, pending);
	if (status < 0)
		set_verdict(check, CANARY_BLIND, "no-memory", "there is no memory");
	view_free(&before);
	json_decref(pending);
	return !c->interrupted;
}

/* === Blindness, from round to round ===================================== */

static bool is_accepted(const struct canary *c, const struct check *check)
{
	for (size_t i = 0; i < c->options->accept_count; i++)
		if (!strcmp(c->options->accept[i], check->name) ||
		    (check->reason && !strcmp(c->options->accept[i], check->reason)))
			return true;
	return false;
}

static void tell_line(struct canary *c, void (*tell)(void *context, const json_t *line), json_t *line)
{
	if (tell && line)
		tell(c->options->context, line);
	json_decref(line);
}

static char *blinded_identity(const struct check *check)
{
	char *identity;

	return asprintf(&identity, "%s/blinded", check->name) < 0 ? NULL : identity;
}

static void drop_blinded(struct canary *c, struct check *check)
{
	char *identity = check->blinded ? blinded_identity(check) : NULL;

	if (!identity)
		return;
	deed_withdraw(c, identity);
	free(identity);
	json_decref(check->blinded);
	check->blinded = NULL;
}

static json_t *keys_of_blindness(struct canary *c, const struct check *check)
{
	const struct spec *spec = &check->xen[0];

	if (strcmp(check->reason, "new-baseline"))
		return deed_keys_of_absence(check->absent);
	return deed_keys_of_baseline(spec->source, source_called(c, spec->source)->is_other ? NULL : spec->probe);
}

static void report_blindness(struct canary *c, struct check *check)
{
	char *identity = blinded_identity(check);

	check->blinded = identity ? report_blinded(check, identity) : NULL;
	if (check->blinded)
		deed_report(c, identity, keys_of_blindness(c, check), json_incref(check->blinded));
	free(identity);
}

/* The report says the same, or there is none. */
static bool is_blinded_as_before(const struct check *check)
{
	const char *reason = json_string_value(json_object_get(json_object_get(check->blinded, "where"), "reason"));

	return !reason || !strcmp(reason, check->reason);
}

static void note_sight(struct canary *c, struct check *check)
{
	char now[32];

	canary_time(now);
	if ((check->blind_rounds || check->doubt_rounds >= DOUBT_ROUNDS) && c->rounds && !check->spare)
		tell_line(c, c->options->sees,
			  json_pack("{ssssss}", "sees", check->name, "time", now, "since",
				    check->blind_rounds ? check->blind_since : check->doubt_since));
	check->blind_rounds = check->baseline_rounds = check->doubt_rounds = 0;
	check->accepted = false;
	drop_blinded(c, check);
}

/* Whoever makes it so, round after round, is told of.  What was blind does not see yet. */
static void note_doubt(struct canary *c, struct check *check)
{
	check->accepted = false;
	if (!check->doubt_rounds++)
		canary_time(check->doubt_since);
	if (check->doubt_rounds == DOUBT_ROUNDS)
		tell_line(c, c->options->unconfirmed,
			  json_pack("{ssssss}", "unconfirmed", check->name, "words", check->words, "time",
				    check->doubt_since));
}

static void note_blindness(struct canary *c, struct check *check)
{
	check->doubt_rounds = 0;
	check->accepted = is_accepted(c, check);
	if (!check->blind_rounds++) {
		canary_time(check->blind_since);
		if (c->rounds)
			tell_line(c, c->options->blind,
				  json_pack("{ssssssss}", "blind", check->name, "reason", check->reason, "words",
					    check->words, "time", check->blind_since));
	}
	check->baseline_rounds = strcmp(check->reason, "new-baseline") ? 0 : check->baseline_rounds + 1;
	/* For another reason it is another deed. */
	if (!is_blinded_as_before(check))
		drop_blinded(c, check);
}

/*
 * Once all checks were looked at: what was done to a sensor comes first, and not what is for want
 * of it.  It may have been done behind the look at the sensor, and before that of the check; then
 * it is known in the next round.
 */
static void report_all_blindness(struct canary *c)
{
	for (size_t i = 0; i < c->checks.count; i++) {
		struct check *check = &c->checks.check[i];

		/* What never could look has not lost its sight. */
		if (check->verdict == CANARY_BLIND && check->blind_rounds >= BLIND_ROUNDS && check->last_whole[0] &&
		    !check->accepted && !check->blinded && check->baseline_rounds != 1)
			report_blindness(c, check);
	}
}

/* === All checks ========================================================= */

/* A check that stands in for another is looked at only where that one is blind. */
static bool is_spare(const struct canary *c, const struct check *check)
{
	for (size_t i = 0; check->instead_of && i < c->checks.count; i++)
		if (!strcmp(c->checks.check[i].name, check->instead_of))
			return c->checks.check[i].verdict != CANARY_BLIND;
	return false;
}

/* In a later round, what it was stays. */
static void cut_short(struct canary *c, struct check *check)
{
	if (c->rounds)
		return;
	check->looked = 0;
	check->spare = is_spare(c, check);
	set_verdict(check, CANARY_BLIND, "interrupted", "interrupted before it was looked at");
	check->accepted = is_accepted(c, check);
}

static void look_again(struct canary *c, struct check *check)
{
	struct check before = *check;

	check->spare = is_spare(c, check);
	if (check->spare) {
		drop_gone(c, check, NULL);
		check->looked = 0;
		note_sight(c, check);
		return;
	}
	if (!round_of(c, check) && c->rounds && check->verdict != CANARY_AGREES && check->verdict != CANARY_DIFFERS) {
		set_verdict(check, before.verdict, before.reason, before.words);
		return;
	}
	if (check->verdict == CANARY_BLIND)
		note_blindness(c, check);
	else if (check->verdict == CANARY_UNCONFIRMED)
		note_doubt(c, check);
	else
		note_sight(c, check);
}

bool canary_round(struct canary *c)
{
	c->interrupted = false;
	c->begun++;
	for (size_t i = 0; i < c->checks.count; i++) {
		if (c->interrupted || !c->options->pause(c->options->context, 0)) {
			c->interrupted = true;
			cut_short(c, &c->checks.check[i]);
		} else {
			look_again(c, &c->checks.check[i]);
		}
	}
	report_all_blindness(c);
	deeds_tell(c);
	if (!c->interrupted)
		c->rounds++;
	return !c->interrupted;
}

/* === What came of it ==================================================== */

size_t canary_findings(const struct canary *c, bool strict)
{
	return deeds_count(c, strict, true);
}

static size_t count_verdict(const struct canary *c, enum canary_verdict verdict, bool accepted_alone)
{
	size_t count = 0;

	for (size_t i = 0; i < c->checks.count; i++) {
		const struct check *check = &c->checks.check[i];

		count += !check->spare && check->verdict == verdict && (!accepted_alone || check->accepted);
	}
	return count;
}

bool canary_is_blind(const struct canary *c)
{
	return count_verdict(c, CANARY_UNCONFIRMED, false) ||
	       count_verdict(c, CANARY_BLIND, false) > count_verdict(c, CANARY_BLIND, true);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* The line that says it all; what there is none of is left out, but for findings and blindness. */
static void verdict_line(const struct canary *c, char line[256])
{
	size_t findings = deeds_count(c, false, true), notices = deeds_count(c, true, false),
	       blind = count_verdict(c, CANARY_BLIND, false);
	size_t accepted = count_verdict(c, CANARY_BLIND, true);
	size_t unconfirmed = count_verdict(c, CANARY_UNCONFIRMED, false);
	size_t agree = count_verdict(c, CANARY_AGREES, false), not_here = count_verdict(c, CANARY_NOT_HERE, false), at;

	at = (size_t)snprintf(line, 256, "%zu finding%s", findings, plural(findings));
	if (notices)
		at += (size_t)snprintf(line + at, 256 - at, ", %zu notice%s", notices, plural(notices));
	at += (size_t)snprintf(line + at, 256 - at, ", %zu check%s blind", blind, plural(blind));
	if (accepted)
		at += (size_t)snprintf(line + at, 256 - at, " (%zu accepted)", accepted);
	if (unconfirmed)
		at += (size_t)snprintf(line + at, 256 - at, ", %zu unconfirmed", unconfirmed);
	at += (size_t)snprintf(line + at, 256 - at, ", %zu agree%s", agree, agree == 1 ? "s" : "");
	if (not_here)
		snprintf(line + at, 256 - at, ", %zu not here", not_here);
}

static json_t *check_coverage(const struct check *check)
{
	static const char *const verdicts[] = { "agrees", "differs", "unconfirmed", "blind", "not-here" };
	json_int_t findings = (json_int_t)json_object_size(check->reports) + (check->blinded ? 1 : 0);

	return json_pack("{ssssss?ss? sIsIsIsIsIsb}", "check", check->name, "verdict", verdicts[check->verdict],
			 "reason", check->reason, "words", check->words[0] ? check->words : NULL, "looks",
			 (json_int_t)check->looked, "findings", findings, "xen_items", (json_int_t)check->xen_items,
			 "dom0_items", (json_int_t)check->dom0_items, "came_and_went", (json_int_t)check->went,
			 "accepted", check->accepted);
}

json_t *canary_coverage(const struct canary *c)
{
	json_t *list = json_array();
	char now[32], line[256];

	canary_time(now);
	verdict_line(c, line);
	for (size_t i = 0; i < c->checks.count; i++) {
		if (c->checks.check[i].spare)
			continue;
		if (json_array_append_new(list, check_coverage(&c->checks.check[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{sssoss}", "looked", now, "checks", list, "verdict", line);
}

/* === Interface ========================================================== */

bool canary_has_name(const struct canary *c, const char *name)
{
	for (size_t i = 0; canary_reasons[i]; i++)
		if (!strcmp(canary_reasons[i], name))
			return true;
	for (size_t i = 0; i < c->checks.count; i++)
		if (!strcmp(c->checks.check[i].name, name))
			return true;
	return false;
}

static bool is_there(struct canary *c, struct source *source, struct blindness *blind)
{
	if (source->type->is_apart)
		return there_apart(c, source, blind);
	return !source->type->there || source->type->there(source->state, blind);
}

bool canary_source_is_there(struct canary *c, const char *name, char *why, size_t size)
{
	struct source *source = source_called(c, name);
	struct blindness blind = { 0 };

	if (source && is_there(c, source, &blind))
		return true;
	snprintf(why, size, "%s", source ? blind.words : "there is no such source");
	return false;
}

json_t *canary_status(struct canary *c, const char *name)
{
	struct source *source = source_called(c, name);
	struct blindness blind = { 0 };

	return source && source->type->is_sensor ? source_status(source, &blind) : NULL;
}

static bool open_sources(struct canary *c, const struct source_type *const *types)
{
	for (; *types && c->sources_count < SOURCES_MAX; types++) {
		struct source *source = &c->sources[c->sources_count];

		source->type = *types;
		if (source->type->open) {
			source->state = source->type->open(c->options);
			if (!source->state)
				return false;
		}
		c->sources_count++;
		source->since = json_object();
		source->resets = json_object();
		if (!source->since || !source->resets)
			return false;
	}
	return true;
}

struct canary *canary_open_with(const struct canary_options *options, const struct source_type *const *types,
				json_t *json, const char *file, char *error, size_t size)
{
	struct canary *c = calloc(1, sizeof(*c));
	int why;

	snprintf(error, size, "no memory");
	if (!c) {
		json_decref(json);
		return NULL;
	}
	c->options = options;
	if (checks_read(&c->checks, json, file, error, size) && !deeds_init(c) && open_sources(c, types))
		return c;
	why = errno;
	canary_close(c);
	errno = why;
	return NULL;
}

void canary_close(struct canary *c)
{
	if (!c)
		return;
	checks_free(&c->checks);
	deeds_free(c);
	for (size_t i = 0; i < c->sources_count; i++) {
		struct source *source = &c->sources[i];

		if (source->type->close)
			source->type->close(source->state);
		json_decref(source->sample.records);
		json_decref(source->since);
		json_decref(source->resets);
		json_decref(source->status);
		view_free(&source->fixed);
	}
	free(c);
}
