/* SPDX-License-Identifier: MIT */
/*
 * serve.h - from a request line to reply lines.
 *
 * The server keeps no state between two calls but what is in the caller's cursor: the transport reads a line, parses it once or
 * each time, and calls ks_serve() until it says KS_SERVE_DONE, passing on what it wrote each time.
 *
 *	struct ks_cursor cursor = { 0 };
 *	ks_request_parse(&request, line, bytes, session);
 *	do {
 *		ks_text_init(&out, buf, sizeof(buf));
 *		more = ks_serve(sensor, &caller, &request, &cursor, &out);
 *		write all of out to the client, or give up
 *	} while (more == KS_SERVE_MORE || more == KS_SERVE_WAIT);
 *	ks_confirm(sensor, &request, &cursor);
 */
#ifndef KS_SERVE_H
#define KS_SERVE_H

#include "request.h"
#include "sensor.h"

/* No reply line is longer, its newline included. */
#define KS_LINE_MAX 8192
/* A request line, its newline included. */
#define KS_REQUEST_MAX 4096

/* What the caller may do; the transport knows. */
struct ks_caller {
	bool control;   /* may do what ks_needs_control() names; else such a request is "denied" */
};

/*
 * Whether @request is for those only who may control the sensor: it changes the state of a probe, consumes records, or has a fresh sample taken
 * ("run"), whose records could push others out of the ring before they were read.
 */
bool ks_needs_control(const struct ks_request *request);

/*
 * Where a reply stands: all zero at its start.  A transport that keeps no state for its callers sends it out and gets it back as a cookie
 * (cookie.h), which has room for so much.  No padding.
 */
struct ks_cursor {
	uint8_t stage;         /* enum in reply.h */
	uint8_t probe;         /* index of the probe that the next lines are about */
	uint16_t zero;
	uint32_t pass;         /* of this probe, that is waited for ("run"); 0: none */
	uint64_t from;         /* records of this probe from this seq on were sent and are not confirmed */
	uint64_t next;         /* the next seq to look at */
	uint64_t end;          /* seq at which this probe's part of the reply ends */
	uint64_t lost_last;    /* losses up to this seq were sent and are not confirmed, */
	uint32_t lost_count;   /* so many, 0: none; never more than UINT32_MAX at once */
	uint32_t epoch;        /* of the probe, when its part began */
	uint32_t unconfirmed;  /* records sent since `from` */
	uint32_t sent;         /* records sent in the whole reply ("max") */
};

_Static_assert(sizeof(struct ks_cursor) == 56, "a cookie of 64 bytes has a tag of 64 bits, too");

enum ks_serve {
	KS_SERVE_DONE,   /* the reply is complete with what is in out; then ks_confirm() */
	KS_SERVE_MORE,   /* take what is in out (perhaps nothing) and call again; the call confirms it */
	KS_SERVE_WAIT,   /* the same, but a little later: it waits for what another thread does */
	KS_SERVE_ROOM,   /* nothing was done: out has no room for the next line; out->len is the size that is enough */
	KS_SERVE_CURSOR, /* nothing was done: no cursor of ours */
};

/*
 * Answers every request but "subscribe" and "unsubscribe", which it refuses: those are for subscribe.h, where the medium has a stream.
 *
 * Writes whole lines into @out and moves @cursor.  One call takes bounded time, of the order of KS_STEP_BUDGET_NS, however much
 * there is to say.  @out must be empty, with up to KS_LINE_MAX bytes of use.
 */
enum ks_serve ks_serve(struct ks_sensor *sensor, const struct ks_caller *caller, const struct ks_request *request,
		       struct ks_cursor *cursor, struct ks_text *out);

/* What ks_serve() wrote last has arrived: records in it are consumed now. */
void ks_confirm(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor);

#endif /* KS_SERVE_H */
