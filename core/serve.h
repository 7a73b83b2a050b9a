/* SPDX-License-Identifier: MIT */
/*
 * serve.h - from a request line to reply lines.
 *
 * The server keeps no state between two calls but what is in the caller's cursor: the transport
 * reads a line, parses it once or each time, and calls ks_serve() until it says KS_SERVED_DONE,
 * passing on what it wrote each time.
 *
 *	struct ks_cursor cursor = { 0 };
 *	ks_request_parse(&request, line, bytes, session);
 *	do {
 *		ks_writer_init(&out, buf, sizeof(buf));
 *		more = ks_serve(sensor, &caller, &request, &cursor, &out);
 *		write all of out to the client, or give up
 *	} while (more == KS_SERVED_MORE || more == KS_SERVED_WAIT);
 *	ks_confirm(sensor, &request, &cursor);
 */
#ifndef KS_SERVE_H
#define KS_SERVE_H

#include "request.h"
#include "sensor.h"

/*
 * No reply line is longer, its newline included, but the status of a sensor.  None of that line's
 * pieces is longer: what is the sensor's own, and each probe's.
 */
#define KS_LINE_MAX 8192
#define KS_STATUS_MAX 32768
/*
 * What ks_serve() writes into: the lines, and behind them room of its own for the record at hand.
 */
#define KS_OUT_BYTES (KS_LINE_MAX + KS_RECORD_MAX)
/* A request line, its newline included. */
#define KS_REQUEST_MAX 4096

/*
 * Whether @request is for those only who may control the sensor: it changes the state of a probe,
 * consumes records, or has a fresh sample taken ("run"), whose records could push others out of
 * the ring before they were read.
 */
bool ks_needs_control(const struct ks_request *request);

/* Whether the reply to @request may take more than one call. */
bool ks_may_go_on(const struct ks_request *request);

/*
 * Where a reply stands: all zero at its start.  A transport that keeps no state for its callers
 * sends it out and gets it back as a cookie (cookie.h), which has room for so much.  No padding.
 */
struct ks_cursor {
	uint8_t stage;         /* enum in reply.h */
	uint8_t probe;         /* index of the probe that the next lines are about */
	uint8_t span;          /* sent_bits begins so far below next */
	uint8_t flags;         /* enum in reply.h */
	uint32_t epoch;        /* of the probe, when its part began */
	uint64_t next;         /* the next seq to look at */
	uint64_t end;          /* seq at which this probe's part of the reply ends */
	uint64_t sent_bits;    /* bit i: record next - span + i was sent and is not confirmed */
	/* place of the record that was looked at last, or any other number */
	uint32_t at;
	uint32_t pass;         /* mark of the pass that was asked for ("run") */
	uint32_t sent;         /* records sent in the whole reply ("max") */
	uint32_t lost_mark;    /* losses up to it need not be told any more in this reply */
};

enum ks_served {
	KS_SERVED_DONE,   /* the reply is complete with what is in out; then ks_confirm() */
	/* take what is in out (perhaps nothing) and call again; the call confirms it */
	KS_SERVED_MORE,
	KS_SERVED_WAIT,   /* the same, but a little later: it waits for what another thread does */
	/*
	 * nothing was done: out has no room for what comes next; out->len is the
	 * size that is enough
	 */
	KS_SERVED_NO_ROOM,
	KS_SERVED_CURSOR, /* nothing was done: no cursor of ours */
};

/*
 * Answers every request but "subscribe" and "unsubscribe", which it refuses: those are for
 * subscribe.h, where the medium has a stream.
 *
 * Writes into @out and moves @cursor: whole lines, but of "status", which may go on within its
 * line.  One call takes bounded time, of the order of KS_STEP_BUDGET_NS, however much there is to
 * say.  @out must be empty, with up to KS_LINE_MAX bytes of use; its memory has KS_OUT_BYTES.
 */
enum ks_served ks_serve(struct ks_sensor *sensor, const struct ks_caller *caller, const struct ks_request *request,
		       struct ks_cursor *cursor, struct ks_writer *out);

/* What ks_serve() wrote last has arrived: records in it are consumed now. */
void ks_confirm(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor);

#endif /* KS_SERVE_H */
