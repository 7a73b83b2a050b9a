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

/* A value that points into the request's line: from now on into our own text, which has room for the whole line. */
static void keep(struct ks_text *text, struct ks_json_value *value)
{
	const char *kept = text->buf + text->len;

	ks_text_put(text, value->text, value->len);
	value->text = kept;
}

static void begin(struct ks_subscription *s, struct ks_sensor *sensor, const struct ks_request *request)
{
	struct ks_text text;
	unsigned int i;

	s->request = *request;
	s->request.command = KS_CMD_RECORDS;
	s->request.has_since = true;
	ks_text_init(&text, s->text, sizeof(s->text));
	for (i = 0; i < request->filters; i++)
		keep(&text, &s->request.filter[i].value);
	s->by_uuid = ks_target_is_uuid(sensor, request);
	s->targets = 0;
	ks_for_each_target(i, sensor, request) {
		struct ks_probe *probe = &sensor->probes[i];

		s->targets |= 1U << i;
		ks_lock(&probe->lock);
		s->at[i] = (struct ks_position){ .next = request->has_since ? request->since : 0, .epoch = probe->epoch };
		ks_unlock(&probe->lock);
	}
	s->active = true;
}

void ks_subscribe(struct ks_subscription *s, struct ks_sensor *sensor, const struct ks_caller *caller,
		  const struct ks_request *request, struct ks_text *out)
{
	bool wanted = request->command == KS_CMD_SUBSCRIBE;
	const char *denied = ks_denied(caller, request);

	if (wanted && ks_target_next(sensor, request, 0) >= sensor->count) {
		ks_reply_error(out, request, KS_ERR_TARGET, "no probe or sensor of that name or uuid");
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

bool ks_push(struct ks_subscription *s, struct ks_sensor *sensor, unsigned int i, struct ks_text *out)
{
	struct ks_probe *probe = &sensor->probes[i];
	struct ks_position *at = &s->at[i];
	enum ks_sent sent = KS_SENT_ALL;
	struct ks_sending sending;

	s->cursor = (struct ks_cursor){ .stage = KS_STAGE_BEGIN, .probe = i };
	if (!(s->targets & 1U << i))
		return false;
	ks_lock(&probe->lock);
	if (at->epoch != probe->epoch)
		*at = (struct ks_position){ .epoch = probe->epoch };
	if (at->next < probe->ring.next_seq) {
		s->request.since = at->next;
		ks_sending_init(&sending, sensor, &s->request, &s->cursor, out);
		sending.by_uuid = s->by_uuid;
		sending.lost_told = at->lost_told;
		sent = ks_send_probe(&sending, probe);
		at->next = sent == KS_SENT_ALL ? s->cursor.end : s->cursor.next;
		if (s->cursor.lost_count)
			at->lost_told = s->cursor.lost_last + 1;
	}
	ks_unlock(&probe->lock);
	return sent != KS_SENT_ALL;
}
