/* SPDX-License-Identifier: MIT */
/*
 * compare.h - inside "ksense compare": pairs, views, findings.
 *
 * A *pair* says which items of Xen's have to be the same as which of Dom0's; it is data
 * (pairs.json, ksense-pairs(5)).  A *view* is what one side says at one moment.  What differs
 * between two views is a *difference*; one that is there at each of several looks is a *finding*.
 */
#ifndef KSENSE_COMPARE_H
#define KSENSE_COMPARE_H

#include "ksense.h"

/* === pairs.c ============================================================ */

#define KEY_MEMBERS_MAX 4
#define MEMBERS_MAX 8
#define SPECS_MAX 8
#define WHY_BYTES 256

/* Of which items a view is made.  All strings are the pair's JSON's. */
struct view_spec {
	const char *source;             /* "xen", "module", "toolstack", "xenstore", "proc", "kallsyms" */
	const char *probe, *kind;       /* of the sensors' sources */
	const char *key[KEY_MEMBERS_MAX + 1];   /* what an item is paired by; NULL behind the last */
	const char *id[KEY_MEMBERS_MAX + 1];    /* what tells an item from others of this view; the key where none is given */
	const char *same[KEY_MEMBERS_MAX + 1];  /* with another value here it is another item, though the id is the same */
	json_t *where;                  /* only items with these members; NULL: all */
};

/* What is said of a difference.  finding NULL: it is none. */
struct rule {
	const char *finding, *severity, *what, *why, *next;
};

struct pair {
	const char *name;
	const char *instead_of;         /* looked at where a source of that pair's is not there; or NULL */
	json_t *only_if;                /* the Xen probe must have an item like this, or there is nothing to be compared; or NULL */
	struct view_spec xen[SPECS_MAX];        /* of one probe; of the module where Dom0's programs are told something else than its kernel knows */
	struct view_spec dom0[SPECS_MAX];
	unsigned int xen_count, dom0_count;     /* dom0_count 0: each of Xen's items is a finding */
	const char *near[KEY_MEMBERS_MAX + 1];  /* which of Dom0's items to show beside one of Xen's that it has not: the one with the same of these */
	unsigned int looks, pause_ms;
	struct rule only_xen, only_dom0, differs, more, changed;
	bool appeared;                  /* for "changed": what was not there at first is one, too */
	const char *members[MEMBERS_MAX][2];    /* that have to be equal: Xen's, Dom0's */
	unsigned int members_count;
	json_int_t extra;               /* for "more": how many items Xen may have more than Dom0 */

	/* What became of it, from round to round. */
	json_t *findings;               /* by identity */
	json_int_t since;               /* the first record of Xen's probe that was not seen yet */
	json_t *first;                  /* by kind and id, what members of Xen's items were before all changes that the records tell of */
	uint64_t went;                  /* differences that were not there at each look */
	unsigned int looked;            /* in the last round; 0: it could not be compared */
	size_t xen_items, dom0_items;   /* at the last look */
	char note[WHY_BYTES];           /* why not, or how incompletely; or "" */
	bool failed;                    /* it ought to have been possible */
};

struct pairs {
	json_t *json;
	struct pair *pair;
	size_t count;
};

/*
 * Reads the pairs of the file @path, or the built-in ones (NULL).  Exits with EXIT_USAGE and a
 * message for what is no such file.
 */
void pairs_read(struct pairs *pairs, const char *path);
void pairs_free(struct pairs *pairs);

/* === views.c ============================================================ */

enum view_state {
	VIEW_WHOLE,
	VIEW_PARTIAL,   /* some items may be missing: what is there can be compared, what is not there says nothing */
	VIEW_ABSENT,    /* there is no such source here */
	VIEW_FAILED,    /* there is, and it does not answer */
};

struct view {
	enum view_state state;
	char why[WHY_BYTES];    /* if it is not whole */
	json_t *items;          /* array of objects */
	json_t *by_key;         /* key: item */
};

struct sources;

struct sources *sources_open(const struct options *o);
void sources_close(struct sources *sources);

/*
 * What one side of the pair says now; of Xen, pair->first is kept up with it.  view_free() it in
 * any case.
 */
void view_xen(struct sources *sources, struct pair *pair, struct view *view);
void view_dom0(struct sources *sources, const struct pair *pair, struct view *view);
void view_free(struct view *view);

/* Which of the pair's specs of Xen an item comes from. */
const struct view_spec *spec_of(const struct pair *pair, const json_t *item);

/* The item's place in pair->first, for the caller to free. */
char *first_key(const struct view_spec *spec, const json_t *item);

/* The members of @item called @names as one text, for the caller to free. */
char *key_text(const json_t *item, const char *const *names);

/* === findings.c ========================================================= */

/* A new finding, as documented in ksense(1). */
json_t *finding_new(const struct pair *pair, const struct rule *rule, const char *identity, json_t *xen, json_t *dom0, const char *first_seen);

/* Shows a finding that is raised, or gone. */
void finding_show(const json_t *finding, bool gone, bool table);

/* What was looked at, and what could not be. */
void summary_show(const struct pairs *pairs, bool table);

/* RFC 3339 in UTC, with milliseconds. */
void time_text(char text[32]);

#endif /* KSENSE_COMPARE_H */
