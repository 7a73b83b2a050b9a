/* SPDX-License-Identifier: MIT */
/*
 * judge.h - inside the canary: checks, sources, views, differences, findings.
 *
 * A *check* says which items of Xen's have to be the same as which of Dom0's.  A *source* is where
 * items come from; a *view* is what one side says at one moment.  What differs between two views
 * is a *difference*; one that is there at each of several looks is a check's *report*.  Reports of
 * one *deed*, of however many checks, are a *finding*: that is what is told.
 *
 * Where there is no memory, a function that makes something returns NULL, false or -1, as it says,
 * and the check at hand is blind for that reason.
 */
#ifndef CANARY_JUDGE_H
#define CANARY_JUDGE_H

#include <stdint.h>
#include <sys/types.h>

#include "canary.h"

/* === checks.c: the data ================================================= */

#define KEY_MEMBERS_MAX 5
#define MEMBERS_MAX 8
#define SPECS_MAX 8
#define NOT_HERE_MAX 4
#define CONDITIONS_MAX 2
#define ALTERNATIVES_MAX 8
#define WORDS_BYTES 256

/* Of which items a view is made.  All strings are the check's JSON's. */
struct spec {
	const char *source;             /* "xen", "module", "toolstack", "xenstore", "proc" ... */
	const char *probe, *kind;       /* of the sensors' sources */
	/* what an item is matched by; NULL behind the last */
	const char *key[KEY_MEMBERS_MAX + 1];
	/* what tells an item from others of this view; the key where none is given */
	const char *id[KEY_MEMBERS_MAX + 1];
	/* with another value here it is another item, though the id is the same */
	const char *same[KEY_MEMBERS_MAX + 1];
	/* what a finding is known by from look to look; id and same where none is given */
	const char *known_by[KEY_MEMBERS_MAX + 1];
	json_t *where;                  /* only items with these members; NULL: all */
	/*
	 * Of Dom0's: its items answer for none of Xen's, but one of Xen's that is of this view at
	 * the last look, too, is no finding yet; why, in words.  NULL: they answer for it.
	 */
	const char *unsettled;
	/* so many fresh samples are asked for; the last one counts */
	unsigned int passes;
	unsigned int pass_pause_ms;     /* between two of them */
};

/* What is said of a difference.  finding NULL: it is none. */
struct rule {
	const char *finding, *severity, *what, *why, *next;
	json_t *where;                  /* only of items with these members; NULL: of all */
	/* It is no finding, and no agreement: why, a string; NULL: it is one. */
	json_t *unsettled;
	/* For "changed": which of the item's must have changed, and which must not; NULL: any. */
	json_t *members;
	struct rule *otherwise;         /* where this one is not for the item; or NULL */
	/*
	 * Which deed it is: {"name": [members]}; a member with "/N" behind it is divided by N.
	 * Reports that have one of these in common, under the same name, are of one.  NULL: each
	 * is of its own.
	 */
	json_t *deed;
};

/* What a sample must have, or there is nothing to compare. */
struct condition {
	json_t *where;
	/* otherwise: nothing of the kind is here; else it is there and cannot be seen */
	bool not_here;
	const char *words;
};

struct check {
	const char *name;
	const char *instead_of;         /* looked at where that check is blind; or NULL */
	/* the folder with a page for each kind of finding, NAME.md; or NULL */
	const char *pages;
	struct condition only_if[CONDITIONS_MAX];       /* the first that does not hold counts */
	unsigned int only_if_count;
	/*
	 * With this, the sensor has seen something that it does not tell yet; so many more looks
	 * are taken until it does.  where NULL: it tells all at once.
	 */
	struct {
		json_t *where;
		const char *words;
		unsigned int looks;
	} waits;
	struct {
		const char *source, *words;
		/* but for where an item of Xen's has these members; NULL: wherever */
		json_t *unless;
	} not_here[NOT_HERE_MAX];       /* without this source there is nothing of the kind here */
	unsigned int not_here_count;
	/*
	 * of one probe; of the module where Dom0's programs are told something else
	 * than its kernel knows
	 */
	struct spec xen[SPECS_MAX];
	struct spec dom0[SPECS_MAX];
	/* dom0_count 0: each of Xen's items is a finding */
	unsigned int xen_count, dom0_count;
	/*
	 * Only items of Xen's can be compared where Dom0 has any with the same of these; for the
	 * others the check is blind, in these words.
	 */
	const char *among[KEY_MEMBERS_MAX + 1], *among_words;
	/* Each of Dom0's items answers for one of Xen's with its key, and not for several. */
	bool one_each;
	/*
	 * which of Dom0's items to show beside one of Xen's that it has not: the one
	 * with the same of these
	 */
	const char *near[KEY_MEMBERS_MAX + 1];
	unsigned int looks, pause_ms;
	struct rule only_xen, only_dom0, differs, more, changed;
	struct rule alternatives[ALTERNATIVES_MAX];     /* to these, as their "otherwise" says */
	unsigned int alternatives_count;
	/* for "changed": what was not there at first is one, too */
	bool appeared;
	/* It compares with what Xen's probe saw first, which is worth nothing if that is new. */
	bool baseline;
	const char *members[MEMBERS_MAX][2];    /* that have to be equal: Xen's, Dom0's */
	unsigned int members_count;
	/* for "more": how many items Xen may have more than Dom0 */
	json_int_t extra;
	/* Instead of views: the source whose sensor this is about, and what was done to that. */
	const char *sensor;
	struct rule off, lowered, reset, removed, probe_restarted, restarted, gone;

	/* What became of it, from round to round. */
	enum canary_verdict verdict;
	const char *reason;             /* if it is blind, or why it is unconfirmed; else NULL */
	char words[WORDS_BYTES];        /* the same, or why it is not here, for a person */
	bool spare;                     /* it stands in for a check that can look */
	bool accepted;                  /* it is blind, and that does not count */
	const char *absent;             /* if it is blind for want of this source; else NULL */
	json_t *reports;                /* by identity */
	json_t *blinded;                /* the report that it is blind since a while, or NULL */
	unsigned int blind_rounds;      /* in a row */
	unsigned int baseline_rounds;   /* the last of these, for a new baseline */
	unsigned int doubt_rounds;      /* that it was unconfirmed, in a row */
	char blind_since[32], doubt_since[32], last_whole[32];  /* "": never */
	/* the first record of Xen's probe that was not seen yet, and of which count it is */
	json_int_t since, epoch;
	json_t *status;                 /* the sensor's, when it was looked at last; NULL: never */
	/* what was done to it, though it may be as before; as of differences() */
	json_t *deeds;
	/*
	 * Of a check of a sensor, the highest level that each probe had; of all others see
	 * view_xen().
	 */
	/*
	 * by kind and id, what members of Xen's items were before all changes that
	 * the records tell of
	 */
	json_t *first;
	uint64_t went;                  /* differences that were not there at each look */
	unsigned int looked;            /* in the last round */
	unsigned int waited;            /* of these, only for what the sensor does not tell yet */
	size_t xen_items, dom0_items;   /* at the last look */
};

/* The worst first; NULL behind the last. */
extern const char *const check_severities[];

struct checks {
	json_t *json;
	/* by probe, an object with the names of the members by which its records are compared */
	json_t *members;
	struct check *check;
	size_t count;
};

/*
 * Reads @json, which is then theirs.  False: what is wrong with it is in @error, behind @file; or
 * errno is ENOMEM.  checks_free() them in any case.
 */
bool checks_read(struct checks *checks, json_t *json, const char *file, char *error, size_t size);
void checks_free(struct checks *checks);

/* === built_in.c ========================================================= */

/*
 * The built-in checks, canary/checks.json; what they say to type has @socket, the module's, in the
 * place of the usual one.  One that could not be typed as it stands, and NULL, leave that there.
 * The caller's.  NULL: no memory.
 */
json_t *built_in_checks(const char *socket);

/* === known.c ============================================================ */

/*
 * Whether all that the check names is there in @probes, as canary_records() gives them; what is of
 * another source than a sensor, or of a probe that is not in there, counts as there.  False: the
 * first that is not is in @error, of @size bytes; or errno is ENOMEM.
 */
bool check_is_known(json_t *probes, const struct check *check, char *error, size_t size);

/* === view.c ============================================================= */

/* Why something could not be seen, or not as a whole. */
struct blindness {
	const char *reason;     /* one of canary_reasons; NULL: nothing is wrong */
	const char *absent;     /* the source that is not there at all; or NULL */
	bool not_here;          /* by the check's own condition there is nothing of the kind */
	char words[WORDS_BYTES];
};

/* As much of @text as there is room for, and nothing but UTF-8, or it could not be told at all. */
void put_words(char words[WORDS_BYTES], const char *text);

/* The first reason counts. */
__attribute__((format(printf, 3, 4)))
void blind_for(struct blindness *blind, const char *reason, const char *format, ...);

struct sample {
	json_t *records;        /* of a sensor, older ones too; of another source: its items */
	json_int_t from;        /* sensors: records with an earlier time are not of this sample */
	/* sensors: these records alone, and how the sample ended; NULL: all */
	const char *kind;
	/*
	 * What the sensor's status says of it behind it: the last pass that saw all began then,
	 */
	json_int_t whole_ns;
	/* it has no record before this seq; */
	json_int_t first;
	/* the one before this seq is its last; 0: not known */
	json_int_t end;
	bool is_taken;          /* somebody else took records of the probe meanwhile */
	/* Where the next question goes on, and of which count that is; 0: not known. */
	json_int_t next, epoch;
};

/* What is asked of a sensor's records, of which none is taken from anybody. */
struct asking {
	const char *probe;      /* NULL: all of them */
	const char *kind;       /* NULL: each */
	/* from this record on, of this count; an epoch of 0: of whichever there is */
	json_int_t since, epoch;
	/* an object with the names of those that have to be read (body.h); NULL: all */
	const json_t *members;
	enum {
		ASK_HELD,       /* those that there are */
		ASK_FRESH,      /* behind a fresh sample */
		ASK_ANNOUNCE,   /* none: that one of the next passes records all it sees */
	} how;
};

/*
 * All of an answer may take so many times as long as a sensor's next line, and so many items of it
 * are taken: who goes on for ever keeps nobody for ever, and fills no memory.
 */
#define REPLY_TIMES 12
#define ITEMS_MAX (1U << 18)

/* Where items come from.  Tests have some of their own. */
struct source_type {
	const char *name;
	/* it may take for ever, and a process of its own asks it: its state stays as it is */
	bool is_apart;
	/* it has probes and kinds of records, and tells itself if they are not all */
	bool is_sensor;
	bool is_fixed;          /* what it says is read once */
	/*
	 * Its state; NULL: no memory.  A source without any has neither of the two, and is given
	 * NULL.
	 */
	void *(*open)(const struct canary_options *options);
	void (*close)(void *state);
	/* Connects, if it is not connected.  One that is always there does not have this. */
	bool (*there)(void *state, struct blindness *blind);
	/* Its items are sockets, which come and go as whoever has them likes (doubts.c). */
	bool is_of_sockets;
	/* What it says now; no sensor has this.  False: nothing, with why. */
	bool (*take)(void *state, struct sample *sample, struct blindness *blind);
	/* Sensors alone: its status, the caller's.  NULL: none, with why. */
	json_t *(*status)(void *state, struct blindness *blind);
	/* And its records, as it tells them, to @records.  False: none, with why. */
	bool (*records)(void *state, const struct asking *asking, json_t *records, struct blindness *blind);
};

enum view_state {
	VIEW_WHOLE,
	/*
	 * some items may be missing: what is there can be compared, what is not there says nothing
	 */
	VIEW_PARTIAL,
	VIEW_NONE,
};

struct view {
	enum view_state state;
	struct blindness blind; /* if it is not whole */
	json_t *items;          /* array of objects */
	json_t *by_key;         /* key: item */
	json_t *unsettled;      /* of Dom0's: key: why it does not count yet, in words */
	json_t *near;           /* of Dom0's: the first item by the check's "near"; or NULL */
	json_t *places;         /* of Dom0's: what the items have of the check's "among" */
	bool waits;             /* of Xen's: there is something the sensor does not tell yet */
};

struct source {
	const struct source_type *type;
	void *state;
	struct sample sample;   /* the last one: several specs of a view may be of one probe */
	const char *sample_of;  /* its probe, if it is whole; else NULL */
	uint64_t sample_round;  /* canary.begun when it was taken */
	bool is_refused;        /* sensors: it gives us no fresh samples */
	const char *vain_of;    /* the probe whose pass was waited for in vain, */
	uint64_t vain_round;    /* then, */
	struct blindness vain;  /* and what came of it */
	/* sensors: the time of day when their clock began, as of the last status; 0: not known */
	json_int_t boot_ns;
	/* sensors, by probe: [the first record that no view of Dom0's has seen, its epoch] */
	json_t *since;
	/* sensors: the one that answered first, and whether it is another one now */
	char uuid[40];
	bool is_other;
	json_t *status;         /* sensors: the last */
	/* sensors, by probe: [how often it was reset, who did it the last time] */
	json_t *resets;
	pid_t left;             /* apart: who went to look and did not come back; 0: nobody */
	uint64_t late_round;    /* when it was waited for in vain, and why that was */
	struct blindness late;
	struct view fixed;      /* of a fixed source, as fixed_for asked for it */
	const struct spec *fixed_for;
};

#define SOURCES_MAX 12

struct canary {
	const struct canary_options *options;
	struct checks checks;
	struct source sources[SOURCES_MAX];
	size_t sources_count;
	uint64_t rounds;        /* that were not broken off */
	uint64_t begun;         /* rounds, all of them */
	bool interrupted;
	json_t *deeds;          /* by name: see deeds.c */
	/* the deed's name, by the identity of a report, and by what they have in common */
	json_t *deed_of;
};

struct source *source_called(struct canary *c, const char *name);

/* === apart.c ============================================================ */

/*
 * The type's take() and there(), by a process of its own, which is given up behind so long: the
 * options' timeout_ms, REPLY_TIMES times.
 */
bool take_apart(struct canary *c, struct source *source, struct sample *sample, struct blindness *blind);
bool there_apart(struct canary *c, struct source *source, struct blindness *blind);
/*
 * changing_of() likewise: an array, the caller's; NULL: nobody knows, with why.
 */
json_t *changing_apart(struct canary *c, struct source *source, const json_t *items, const char *const *names,
		       struct blindness *blind);

/*
 * For a child: it has nothing of the caller's but @kept, @count descriptors, from then on those
 * behind standard error.  What it would hold open if it stays, a pipe to a pager or the module's
 * socket, does not end.  Who writes where standard output was, gets an error, as @dead is one of
 * which is read.  It ends if it cannot be so, or when the caller does.
 */
void become_apart(int dead, const int *kept, int count);

/* Whether a child is none any more; it is not waited for. */
bool is_over(pid_t child);
/* Ends a child.  False: it is in a call that does not return, and stays until that does. */
bool end_apart(pid_t child);

/* === doubts.c =========================================================== */

/*
 * Which of @items, sockets as a sensor tells of them, are in what @source says now and then, or
 * are not always as they were said to be: an array of their numbers, the caller's.  @names: by
 * what the source's items and these are matched.  For a child: it takes descriptors, and some
 * time.  NULL: no memory; in @blind: it may be not all of them, and why.
 */
json_t *changing_of(const struct source *source, const json_t *items, const char *const *names,
		    struct blindness *blind);

/* === sample.c =========================================================== */

/*
 * All records of a sensor's probe from @since on, with a sample of a pass that began after this
 * call; it may wait for that long.  @wanted: the probe; a kind, where others are not needed and
 * are left out if the sensor can do that; since; and members.  False: none, with why.
 */
bool sample_take(struct canary *c, struct source *source, const struct asking *wanted, struct sample *sample,
		 struct blindness *blind);

/* Whether a record of the sample's is not older than that. */
bool is_fresh(const struct sample *sample, const json_t *record);

/* Whether it says how the sample ended, or what went wrong with it, and is not of its items. */
bool is_outcome(const json_t *record);

/* Where the sample begins, in its probe's count; INT64_MAX: there is none. */
json_int_t first_seq(const struct sample *sample);

/* Whether records of it were lost, as one of them tells; what was lost before it were others. */
bool has_lost(const struct sample *sample);

/* Whether records of it may be missing that nothing tells of: somebody else took them. */
bool has_gaps(const struct sample *sample);

/*
 * A sensor's status, by which its clock is known from then on: the caller's.  NULL: none, with
 * why.
 */
json_t *source_status(struct source *source, struct blindness *blind);

/* What a sensor's status says of its probe of this name, or NULL. */
json_t *probe_in(const json_t *status, const char *name);

/*
 * Why what the sensor's probe saw first is not how things were at first: it was reset, something
 * was taken out of its list, or it is another sensor's.  Nothing if that is not so, as of the last
 * status.
 */
void see_baseline(struct source *source, const char *probe, struct blindness *blind);

/* Pauses about so long; false if the round is to be broken off. */
bool pause_about(struct canary *c, unsigned int ms);

/*
 * What one side of the check says now; of Xen, check->first is kept up with it.  -1: no memory.
 * view_free() it in any case.
 */
int view_xen(struct canary *c, struct check *check, struct view *view);
int view_dom0(struct canary *c, const struct check *check, struct view *view);
void view_free(struct view *view);

/* What was read for other checks, and is of no use to this one: it may be many MiB. */
void drop_samples(struct canary *c, const struct check *check);

/* Which of the check's specs of Xen an item comes from. */
const struct spec *spec_of(const struct check *check, const json_t *item);

/* The item's place in check->first, for the caller to free; NULL: no memory. */
char *first_key(const struct spec *spec, const json_t *item);

/*
 * A string as it stands; one that has a NUL, begins with a quotation mark or is "-", and all
 * else as JSON; NULL as "-".  For the caller to free; NULL: no memory.
 */
char *value_text(const json_t *value);

/* A member of @object; "" or 0 if it has none of that name, or another kind of one. */
const char *string_of(const json_t *object, const char *name);
json_int_t number_of(const json_t *object, const char *name);

/*
 * @text, which is taken, with a backslash before each blank and each backslash: a blank that has
 * none stands between two texts.  For the caller to free; NULL: no memory.
 */
char *escaped(char *text);

/*
 * The members of @item called @names as one text, which no others have, for the caller to free;
 * NULL: no memory.
 */
char *key_text(const json_t *item, const char *const *names);

/*
 * The same for the two sides' items to be matched by: a number is in hex, as it
 * may be in a record.
 */
char *match_text(const json_t *item, const char *const *names);

/* As json_copy(), which leaves out what there is no memory for.  NULL: no memory. */
json_t *copy_of(json_t *object);

/* Whether the item has members such as "where" wants, which may be NULL. */
bool meets(const json_t *item, json_t *where);

/* === differences.c ====================================================== */

/*
 * What differs, by identity: {"rule": number, "xen": item or null, "dom0": item or null}.  @after
 * may be @before.  NULL: no memory.
 */
json_t *differences(const struct check *check, const struct view *xen, const struct view *before,
		    const struct view *after);

enum rule_number {
	ONLY_XEN, ONLY_DOM0, DIFFERS, MORE, CHANGED,
	SENSOR_OFF, SENSOR_LOWERED, SENSOR_RESET, SENSOR_REMOVED, SENSOR_PROBE_RESTARTED,
	SENSOR_RESTARTED, SENSOR_GONE,
};

/* The rule that such a number is of. */
const struct rule *rule_of(const struct check *check, json_int_t number);

/* Why @difference, or NULL, is no finding yet, in words; NULL: it is one. */
const char *unsettled_words(const json_t *difference);
/* Whether it is none, but an item of where Dom0 says nothing of, so that it cannot be compared. */
bool is_elsewhere(const json_t *difference);

/* === sensors.c ========================================================== */

/*
 * What was done to the check's sensor, and how it is, as of differences(); @blind says why it
 * could not be seen, or not all of it.  NULL: no memory.
 */
json_t *sensor_deeds(struct canary *c, struct check *check, struct blindness *blind);

/* Who did what a record tells; NULL: it does not say.  The caller's. */
json_t *by_of(const json_t *record);

/* === findings.c ========================================================= */

/* A moment since the boot of the sensor's kernel as time of day; false: it is not known. */
bool moment_of(const struct source *source, json_int_t since_boot_ns, char text[32]);

/* A new report: a finding as documented in ksense(1), but for "also".  NULL: no memory. */
json_t *report_new(struct canary *c, const struct check *check, const char *identity, const json_t *difference,
		   const char *first_seen);

/*
 * A sentence, "domain {domid} is not in ...", with the members of whichever item has them.  NULL:
 * no memory.
 */
json_t *fill_in(const char *template, const json_t *xen, const json_t *dom0);

/* That a check which could look cannot do so any more. */
json_t *report_blinded(const struct check *check, const char *identity);

/* Whether a number that the report's sentence tells is twice as high by now. */
bool report_grew(const struct check *check, const json_t *report, const json_t *difference);

/* By what a difference's deed is known: an array of strings, perhaps empty.  NULL: no memory. */
json_t *deed_keys(const struct check *check, const json_t *difference);

/* That a source is not there is one deed, whatever is missing for want of it. */
json_t *deed_keys_of_absence(const char *source);

/* And so is that a baseline is new: of a sensor's probe, or of all of another sensor (NULL). */
json_t *deed_keys_of_baseline(const char *source, const char *probe);

/*
 * The same finding has the same id each time, on each host; and no other one, though what is found
 * may be named by somebody who looks for two that have the same: the first 64 bits of SHA-256.
 */
#define ID_TEXT 17
void id_of(const char *identity, char id[ID_TEXT]);

/* === deeds.c ============================================================ */

/* -1: no memory.  deeds_free() them in any case. */
int deeds_init(struct canary *c);
void deeds_free(struct canary *c);

/*
 * A check reports something that is new, or has grown.  It is told at once; but in the first
 * round, where other checks may report the same deed, at the round's end.  @report and @keys are
 * taken.  -1: no memory.
 */
int deed_report(struct canary *c, const char *identity, json_t *keys, json_t *report);

/* It does not any more.  A deed that nobody reports when the round is over is gone. */
void deed_withdraw(struct canary *c, const char *identity);

/* The round is over: tells what was held back, what is not as it was told, and what is gone. */
void deeds_tell(struct canary *c);

/* How many there are: of severity "notice", and others. */
size_t deeds_count(const struct canary *c, bool notices, bool others);

/* === rounds.c =========================================================== */

/*
 * canary_open() with other sources; NULL behind the last of @types.  @json: the checks of @file.
 */
struct canary *canary_open_with(const struct canary_options *options, const struct source_type *const *types,
				json_t *json, const char *file, char *error, size_t size);

#endif /* CANARY_JUDGE_H */
