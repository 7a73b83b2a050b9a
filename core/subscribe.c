// SPDX-License-Identifier: MIT
/*
 * subscribe.c - records that are pushed to a client as they appear.
 */
#include "subscribe.h"

#include "reply.h"

_Static_assert(KS_PROBES_MAX <= 32, "a bit for each probe");

bool ks_request_subscribes(const struct ks_request *request)
{
	return request->line == KS_LINE_REQUEST && request->error == KS_OK &&
	       (request->command == KS_CMD_SUBSCRIBE || request->command == KS_CMD_UNSUBSCRIBE);
}

/*
 * A value that points into the request's line: from now on into our own text, which has room for
 * the whole line.
 */
static void keep(struct ks_writer *text, struct ks_json_value *value)
{
	const char *kept = text->buf + text->len;

	ks_write_put(text, value->text, value->len);
	value->text = kept;
}

static void begin(struct ks_subscription *s, struct ks_sensor *sensor, const struct ks_request *request)
{
	struct ks_writer text;
	unsigned int i;

	s->request = *request;
	s->request.command = KS_CMD_RECORDS;
	s->request.has_since = true;
	s->request.has_epoch = false;
	ks_writer_init(&text, s->text, sizeof(s->text));
	for (i = 0; i < request->filters; i++)
		keep(&text, &s->request.filter[i].value);
	s->by_uuid = ks_target_is_uuid(sensor, request);
	s->targets = 0;
	ks_for_each_target(i, sensor, request) {
		struct ks_probe *probe = &sensor->probes[i];

		s->targets |= 1U << i;
		/* What is of another count, or ahead of this one: all of this one is new. */
		ks_lock(&probe->lock);
		s->at[i] = (struct ks_position){ .epoch = probe->epoch };
		if (request->has_since && request->since <= probe->ring.next_seq &&
		    (!request->has_epoch || request->epoch == probe->epoch))
			s->at[i].next = request->since;
		ks_unlock(&probe->lock);
	}
	s->active = true;
}

void ks_subscribe(struct ks_subscription *s, struct ks_sensor *sensor, const struct ks_caller *caller,
		  const struct ks_request *request, struct ks_writer *out)
{
	bool wanted = request->command == KS_CMD_SUBSCRIBE;
	const char *denied = ks_denied(caller, request);

	if (wanted && ks_target_next(sensor, request, 0) >= sensor->count) {
		ks_reply_no_target(out, request);
	} else if (denied) {
		ks_reply_denied(sensor, caller, request, out, denied);
	} else if (wanted && s->active) {
		ks_reply_error(out, request, KS_ERR_BUSY,
			       "this connection has a subscription: unsubscribe first, or open another connection");
	} else if (!wanted && !s->active) {
		ks_reply_error(out, request, KS_ERR_ARGUMENT, "this connection has no subscription");
	} else {
		if (wanted)
			begin(s, sensor, request);
		s->active = wanted;
		ks_reply_word(out, request, ks_command_names[request->command]);
	}
}

bool ks_push(struct ks_subscription *s, struct ks_sensor *sensor, unsigned int i, struct ks_writer *out)
{
	struct ks_probe *probe = &sensor->probes[i];
	struct ks_position *at = &s->at[i];
	struct ks_sending sending;
	enum ks_sent sent;
	bool news;

	s->cursor = (struct ks_cursor){ .stage = KS_STAGE_BEGIN, .probe = (uint8_t)i, .at = at->place };
	if (!(s->targets & 1U << i))
		return false;
	ks_lock(&probe->lock);
	if (at->epoch != probe->epoch)
		*at = (struct ks_position){ .epoch = probe->epoch };
	news = at->next < probe->ring.next_seq || (at->lost_known && at->lost_mark != probe->ring.lost_seen);
	ks_unlock(&probe->lock);
	if (!news)
		return false;
	s->request.since = at->next;
	ks_sending_init(&sending, sensor, &s->request, 0, &s->cursor, out);
	sending.by_uuid = s->by_uuid;
	sending.lost_known = at->lost_known;
	s->cursor.lost_mark = at->lost_mark;
	sent = ks_send_probe(&sending, probe);
	at->next = sent == KS_SENT_ALL && at->epoch == s->cursor.epoch ? s->cursor.end : s->cursor.next;
	at->place = s->cursor.at;
	at->epoch = s->cursor.epoch;
	at->lost_mark = s->cursor.lost_mark;
	at->lost_known = sending.lost_known;
	return sent != KS_SENT_ALL;
}
