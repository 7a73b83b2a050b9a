/* SPDX-License-Identifier: MIT */
/*
 * subscribe.h - records that are pushed to a client as they appear, on a medium with a stream.
 *
 * A connection has at most one subscription.  It is all in here, of fixed size: what was asked
 * for, and for each probe how far its records were looked at.  What is not sent in time stays in
 * the probes' rings, under the same rules as for "records".
 */
#ifndef KS_SUBSCRIBE_H
#define KS_SUBSCRIBE_H

#include "serve.h"

/* How far the records of one probe were looked at. */
struct ks_position {
	uint64_t next;        /* the next seq to look at */
	uint32_t epoch;       /* of the probe: after a reset all starts anew */
	/* in the ring, where the last look ended: the next goes on from there */
	uint32_t place;
	uint32_t lost_mark;   /* losses up to it were told, */
	bool lost_known;      /* if this is set */
};

struct ks_subscription {
	bool active;
	bool by_uuid;                /* the id in the replies is the uuid */
	uint32_t targets;            /* bit i: of probe i, also when it has another uuid by now */
	struct ks_request request;   /* as for "records"; its filters point into text */
	struct ks_cursor cursor;     /* of the records that were written last */
	struct ks_position at[KS_PROBES_MAX];
	char text[KS_REQUEST_MAX];
};

/* Whether it is a request for ks_subscribe(); without a stream ks_serve() refuses those. */
bool ks_request_subscribes(const struct ks_request *request);

/*
 * Does what a request to subscribe or unsubscribe says, and writes the reply into @out, which has
 * room for KS_LINE_MAX bytes.
 */
void ks_subscribe(struct ks_subscription *subscription, struct ks_sensor *sensor, const struct ks_caller *caller,
		  const struct ks_request *request, struct ks_writer *out);

/*
 * Writes the records of probe @i that are new to the subscription into @out, as many as fit and as
 * there is time for, of the order of KS_STEP_BUDGET_NS.  True: there are more.  When @out was
 * sent, ks_confirm(sensor, &subscription->request, &subscription->cursor) says so, before the next
 * push.
 */
bool ks_push(struct ks_subscription *subscription, struct ks_sensor *sensor, unsigned int i, struct ks_writer *out);

#endif /* KS_SUBSCRIBE_H */
