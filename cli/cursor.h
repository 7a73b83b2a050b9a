/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - how far --follow has come, of each probe.
 */
#ifndef KSENSE_CURSOR_H
#define KSENSE_CURSOR_H

#include "ksense.h"

struct cursors {
	const struct ksense_request *request;   /* as the user made it */
	json_t *at;       /* by probe: epoch, seq and time of the last record that was shown */
	json_t *lost;     /* by probe: the last loss that was shown */
	json_t *resumed;  /* probes of which nothing has come since the connection was made anew */
	json_t *began;    /* by probe: the epoch when --since was first asked for; NULL: not yet */
};

/* False: no memory.  cursors_free() them in any case. */
bool cursors_init(struct cursors *c, const struct ksense_request *request);
void cursors_free(struct cursors *c);

/* Whether a record was not shown before; for those who peek, and are given all each time. */
bool cursor_is_new(struct cursors *c, const json_t *record);

/* That it is shown now.  Says on stderr what is missing before it, where no record says so. */
void cursor_note(struct cursors *c, const json_t *record);

/* There is a new connection. */
void cursors_resume(struct cursors *c);

/*
 * With --since: these probes are there, as the status tells; the first time says which count is
 * meant.
 */
void cursors_begin(struct cursors *c, const json_t *probes);

/* Makes @request, a copy of the user's, go on where this probe's records were shown last. */
void cursor_ask(const struct cursors *c, const char *probe, struct ksense_request *request);

#endif /* KSENSE_CURSOR_H */
