/* SPDX-License-Identifier: MIT */
/*
 * canary.h - holds what the sensors see against what Dom0 says, round after round.
 *
 *	struct canary *c = canary_open(&options, error, sizeof(error));
 *
 *	do
 *		canary_round(c);
 *	while (pause());
 *	coverage = canary_coverage(c);
 *	canary_close(c);
 *
 * What is held against what is a *check*; they are data (checks.json, ksense-checks(5)).  The
 * library prints nothing, never ends the process, installs no signal handlers and has no state but
 * the handle's.  A handle is for one thread.
 */
#ifndef CANARY_H
#define CANARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct canary;

/* What each check ends each round with. */
enum canary_verdict {
	/* all views were whole and newer than the look, and nothing differed */
	CANARY_AGREES,
	CANARY_DIFFERS,         /* there is a finding */
	/* something differed, and there was no second look yet; or at each look something else */
	CANARY_UNCONFIRMED,
	/* it applies here and could not look: why is a reason of the list below */
	CANARY_BLIND,
	CANARY_NOT_HERE,        /* there is nothing of the kind on this machine */
};

/*
 * The reasons for which a check is blind: no-sensor, no-module, no-probe, probe-off,
 * probe-failing, incomplete, lost, denied, timeout, interrupted, unreadable, new-baseline,
 * old-toolstack, foreign-namespace, no-memory.  NULL behind the last.
 */
extern const char *const canary_reasons[];

#define CANARY_SOCKET "/run/ksense/kernel.sock"        /* where the module listens as a rule */

struct canary_options {
	const char *checks;             /* the file; NULL: the built-in ones */
	const char *socket;             /* the module's */
	/* for the next line of a sensor's answer (all of it: 12 times that), and for xenstored */
	int timeout_ms;
	/* for a probe's own pass, where we may only read; 0: two minutes */
	int wait_ms;
	/* names of checks, or reasons: blindness that does not count */
	const char *const *accept;
	size_t accept_count;

	/*
	 * What happens in a round, told while it happens.  The objects are the library's.  Each
	 * may be NULL, but for pause().
	 */
	void *context;
	/* In the first round at its end: other checks may know something of the same deed. */
	void (*raised)(void *context, const json_t *finding);
	/*
	 * {"changed": finding, "id", "time", "now"}: it was reported by other checks as well, or
	 * by one not any more, or what it counts has doubled.  At most once in a round.
	 */
	void (*changed)(void *context, const json_t *line);
	/*
	 * {"gone": finding, "id", "time", "joined"}; joined, if it is there: the id that it goes
	 * on under.
	 */
	void (*gone)(void *context, const json_t *gone, const json_t *finding);
	/*
	 * {"blind": check, "reason", "words", "time"}; of what is blind in the first round the
	 * coverage tells.
	 */
	void (*blind)(void *context, const json_t *line);
	/* {"unconfirmed": check, "words", "time"}; once it is that for two rounds in a row */
	void (*unconfirmed)(void *context, const json_t *line);
	/* {"sees": check, "time", "since"}: neither of the two any more */
	void (*sees)(void *context, const json_t *line);
	/*
	 * It waits for a pass that @probe makes by itself, since @waited_s seconds, and for
	 * @most_s at most; told again and again.  @probe is NULL when that is over.
	 */
	void (*waiting)(void *context, const char *source, const char *probe, double waited_s, double most_s);
	/* Sleeps; false, without sleeping, once the round is to be broken off. */
	bool (*pause)(void *context, double seconds);
};

/*
 * Reads the checks.  The options, and what they point to, must stay.  NULL with a sentence in
 * @error; errno says whether the checks are wrong (EINVAL) or there is no memory (ENOMEM).
 */
struct canary *canary_open(const struct canary_options *options, char *error, size_t size);
void canary_close(struct canary *c);

/* Whether the source of this name is there; false with a sentence about why not in @why. */
bool canary_source_is_there(struct canary *c, const char *name, char *why, size_t size);

/* The status of the sensor of this name; the caller's.  NULL: it does not tell. */
json_t *canary_status(struct canary *c, const char *name);

/*
 * The records that there are: {probe: {kind: {member: words}}}, with the words that the member can
 * be, an array, or null; what is no object is no probe.  The caller's.  NULL: no memory.
 */
json_t *canary_records(void);

/*
 * Looks at every check, and again where something differs.  False if it was interrupted: the
 * checks it did not come to are blind in the first round, and stay as they were in a later one.
 */
bool canary_round(struct canary *c);

/*
 * {"looked": time, "checks": [{"check", "verdict", "reason", "words", "looks", "findings",
 * "xen_items", "dom0_items", "came_and_went", "accepted"}], "verdict": "2 findings, 1 check
 * blind, 12 agree"}, of the last round.  The caller's; NULL: no memory.
 */
json_t *canary_coverage(const struct canary *c);

/* How many findings there are; those of severity "notice" only if @strict. */
size_t canary_findings(const struct canary *c, bool strict);

/* Whether blindness can be accepted by this name: a check's, or a reason's. */
bool canary_has_name(const struct canary *c, const char *name);

/* Whether a check is unconfirmed, or blind and that was not accepted. */
bool canary_is_blind(const struct canary *c);

/* RFC 3339 in UTC, with milliseconds: as all times here. */
void canary_time(char text[32]);

#endif /* CANARY_H */
