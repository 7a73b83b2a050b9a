/* SPDX-License-Identifier: MIT */
/*
 * reply.h - inside the core: what the files that write replies (serve.c, reply_records.c,
 * subscribe.c) share.
 */
#ifndef KS_REPLY_H
#define KS_REPLY_H

#include "serve.h"

/* === Targets (serve.c) ================================================== */

/* The first probe from index @at on that the request is for; sensor->count if there is none. */
unsigned int ks_target_next(const struct ks_sensor *sensor, const struct ks_request *request, unsigned int at);

#define ks_for_each_target(i, sensor, request)                                            \
	for ((i) = ks_target_next(sensor, request, 0); (i) < (sensor)->count;             \
	     (i) = ks_target_next(sensor, request, (i) + 1))

/* Whether the request is for all: "*", or the sensor by its name or uuid. */
bool ks_target_is_all(const struct ks_sensor *sensor, const struct ks_request *request);

/* What all targets have in common: their level, or else their state; or "mixed". */
const char *ks_target_word(struct ks_sensor *sensor, const struct ks_request *request, bool level);

/*
 * Whether the target, which is there, was named by a uuid, the sensor's or a probe's: the id in
 * the replies is the uuid then.
 */
bool ks_target_is_uuid(const struct ks_sensor *sensor, const struct ks_request *request);

/* === Lines (serve.c) ==================================================== */

/* An envelope up to the nonce's comma: each byte of a nonce may need six. */
#define KS_HEAD_MAX (64 + 6 * KS_NONCE_MAX)

/* {"Virtue-protocol-version":0.1,"reply":["nonce" */
void ks_put_head(struct ks_writer *out, const struct ks_request *request);

static inline void ks_put_end(struct ks_writer *out)
{
	ks_write_lit(out, "]}\n");
}

/* The reply that is complete with one word, and the one that is an error. */
enum ks_served ks_reply_word(struct ks_writer *out, const struct ks_request *request, const char *word);
enum ks_served ks_reply_error(struct ks_writer *out, const struct ks_request *request, enum ks_error error,
			      const char *message);
enum ks_served ks_reply_no_target(struct ks_writer *out, const struct ks_request *request);

/* Why @caller may not have what @request asks for, or NULL. */
const char *ks_denied(const struct ks_caller *caller, const struct ks_request *request);

/* The error for that, and the port is told. */
enum ks_served ks_reply_denied(const struct ks_sensor *sensor, const struct ks_caller *caller,
			       const struct ks_request *request, struct ks_writer *out, const char *why);

/* === Time =============================================================== */

/* When the work of a call ends that began at @began_ns; 0: that begins now. */
static inline uint64_t ks_deadline_ns(uint64_t began_ns)
{
	return (began_ns ? began_ns : ks_port_time_ns()) + KS_STEP_BUDGET_NS;
}

/* === status (status.c) ================================================== */

/*
 * In as many calls as it takes, the sensor's part first and then probe by probe: a call may end
 * within the line.
 */
enum ks_served ks_serve_status(struct ks_sensor *sensor, const struct ks_caller *caller,
			       const struct ks_request *request, struct ks_cursor *cursor, struct ks_writer *out);

/* === Records (reply_records.c) ================================================ */

/* Where a reply stands, in a cursor. */
enum {
	KS_STAGE_START,
	/* of "status": the probe at hand comes next.  The others are of "records" */
	KS_STAGE_STATUS,
	KS_STAGE_BEGIN,   /* the records of the probe at hand come next */
	KS_STAGE_SEND,    /* some of them were looked at */
	KS_STAGE_CLOSE,   /* only the closing line is left */
	KS_STAGES
};

/* And what else is to be known of it. */
enum {
	KS_LOSS_SENT = 1,   /* losses up to the mark lost_mark were sent and are not confirmed */
	KS_PASS_WAITED = 2, /* for its end */
	/*
	 * the probe was reset meanwhile: the first record of its new count says so, and is sent
	 * whatever the filter
	 */
	KS_RESET_SEEN = 4,
};

/*
 * One call that sends records: what does not fit in a cursor because it is made anew each time.
 * by_uuid is the caller's to set.
 */
struct ks_sending {
	struct ks_sensor *sensor;
	const struct ks_request *request;
	struct ks_cursor *cursor;
	struct ks_writer *out;
	struct ks_writer head;       /* the envelope up to the nonce */
	char head_bytes[KS_HEAD_MAX];
	bool by_uuid;              /* the id in the replies is the uuid, */
	char uuid[KS_UUID_TEXT];   /* that of the probe at hand as the record was copied */
	bool lost_known;           /* losses up to cursor->lost_mark were told before this reply */
	/* this call has taken up a new request, or looked at a record: it may end, */
	bool got_on;
	bool stepped;              /* or made a step of a fresh sample */
	uint64_t deadline_ns;
};

enum ks_sent {
	KS_SENT_ALL,
	KS_SENT_FULL,   /* the next line does not fit */
	KS_SENT_LATE,   /* the time for this call is over */
};

/* @began_ns: as for ks_deadline_ns(). */
void ks_sending_init(struct ks_sending *sending, struct ks_sensor *sensor, const struct ks_request *request,
		     uint64_t began_ns, struct ks_cursor *cursor, struct ks_writer *out);

/* The probe at hand from KS_STAGE_BEGIN on.  Takes its lock for as long as one record takes. */
enum ks_sent ks_send_probe(struct ks_sending *sending, struct ks_probe *probe);

/* Whether the reply to the request, if it is one to "records", consumes what it gives. */
bool ks_takes_records(const struct ks_request *request);

/*
 * ks_confirm() in as many calls as it takes: false where the time is over, whether or not there is
 * more to confirm.
 */
bool ks_confirm_until(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor,
		      uint64_t deadline_ns);

enum ks_served ks_serve_records(struct ks_sensor *sensor, const struct ks_caller *caller,
				const struct ks_request *request, struct ks_cursor *cursor, struct ks_writer *out);

#endif /* KS_REPLY_H */
