// SPDX-License-Identifier: MIT
/*
 * records.c - the reply to "records", in as many calls as it takes, and the confirmation that its lines have arrived.
 */
#include "reply.h"

_Static_assert(sizeof(struct ks_cursor) == 64, "the cursor is part of the hypercall's ABI");

bool ks_takes_records(const struct ks_request *request)
{
	return request->line == KS_LINE_REQUEST && request->error == KS_OK && request->command == KS_CMD_RECORDS &&
	       !request->peek && !request->has_record;
}

static void put_record_head(struct ks_sending *sending, const struct ks_probe *probe)
{
	struct ks_text *out = sending->out;
	const char *id = sending->by_uuid ? probe->uuid : probe->type->name;
	size_t id_bytes = sending->by_uuid ? KS_UUID_TEXT - 1 : probe->name_bytes;

	ks_text_put(out, sending->head_bytes, sending->head.len);
	ks_text_lit(out, ",\"");
	ks_text_put(out, id, id_bytes);
	ks_text_lit(out, "\",");
}

/* Takes back a line that did not fit. */
static bool fits(struct ks_text *out, size_t line_start)
{
	if (!out->full)
		return true;
	out->len = line_start;
	out->full = false;
	return false;
}

static bool put_entry(struct ks_sending *sending, const struct ks_probe *probe, const struct ks_entry *entry)
{
	struct ks_text *out = sending->out;
	const char *raw = entry->text + entry->text_bytes;
	bool as_raw = entry->raw_at && sending->request->raw;
	size_t line_start = out->len;

	put_record_head(sending, probe);
	if (!entry->raw_at) {
		ks_text_put(out, entry->text, entry->text_bytes);
	} else {
		ks_text_put(out, entry->text, entry->raw_at);
		if (as_raw) {
			ks_text_lit(out, "{\"type\":\"raw\",\"length\":");
			ks_text_u64(out, entry->raw_bytes);
			ks_text_lit(out, "}");
		} else {
			ks_text_bytes(out, raw, entry->raw_bytes);
		}
		ks_text_put(out, entry->text + entry->raw_at, (size_t)entry->text_bytes - entry->raw_at);
	}
	ks_put_end(out);
	if (as_raw)
		ks_text_put(out, raw, entry->raw_bytes);
	return fits(out, line_start);
}

static bool put_lost(struct ks_sending *sending, const struct ks_probe *probe)
{
	struct ks_text *out = sending->out;
	const struct ks_ring *ring = &probe->ring;
	size_t line_start = out->len;

	put_record_head(sending, probe);
	ks_text_lit(out, "{\"seq\":");
	ks_text_u64(out, ring->lost_last);
	ks_text_member_u64(out, "time", ks_port_boot_time_ns());
	ks_text_member_str(out, "probe", probe->type->name, probe->name_bytes);
	ks_text_lit(out, ",\"kind\":\"lost\"");
	ks_text_member_u64(out, "first", ring->lost_first);
	ks_text_member_u64(out, "last", ring->lost_last);
	ks_text_member_u64(out, "count", ring->lost_count);
	ks_text_lit(out, "}");
	ks_put_end(out);
	return fits(out, line_start);
}

/* Tells the losses from seq @from on, if there are any. */
static enum ks_sent tell_lost(struct ks_sending *sending, const struct ks_probe *probe, uint64_t from)
{
	struct ks_cursor *cursor = sending->cursor;
	const struct ks_ring *ring = &probe->ring;

	if (ring->lost_count && ring->lost_last >= from) {
		if (!put_lost(sending, probe))
			return KS_SENT_FULL;
		cursor->lost_count = ring->lost_count > UINT32_MAX ? UINT32_MAX : (uint32_t)ring->lost_count;
	}
	cursor->lost_last = ring->lost_last;
	return KS_SENT_ALL;
}

/*
 * Starts on the records of the probe at hand: how far they go is settled now, so that a reply ends while others come in; where a fresh sample was
 * asked for, when that is complete.
 */
static enum ks_sent begin_probe(struct ks_sending *sending, struct ks_probe *probe)
{
	const struct ks_request *request = sending->request;
	struct ks_cursor *cursor = sending->cursor;
	uint64_t told = request->has_since && request->since > sending->lost_told ? request->since : sending->lost_told;

	cursor->epoch = probe->epoch;
	cursor->next = request->has_record ? request->record : request->has_since ? request->since : 0;
	cursor->end = probe->ring.next_seq;
	if (request->has_record && request->record < cursor->end)
		cursor->end = request->record + 1;
	cursor->from = cursor->next;
	if (!request->has_record && tell_lost(sending, probe, told) == KS_SENT_FULL)
		return KS_SENT_FULL;
	cursor->stage = KS_STAGE_SEND;
	return KS_SENT_ALL;
}

static enum ks_sent send_records(struct ks_sending *sending, struct ks_probe *probe)
{
	const struct ks_request *request = sending->request;
	struct ks_cursor *cursor = sending->cursor;
	struct ks_entry *entry;
	bool looked = false;

	if (cursor->epoch != probe->epoch)
		return KS_SENT_ALL; /* reset since: there is nothing left of what this reply was about */
	/* Where the reply goes on for as long as a sample takes: what was pushed out before it could be sent. */
	if (request->run && cursor->next < cursor->end && cursor->next > cursor->lost_last &&
	    tell_lost(sending, probe, cursor->next) == KS_SENT_FULL)
		return KS_SENT_FULL;
	for (entry = ks_ring_from(&probe->ring, cursor->next); entry && entry->seq < cursor->end;
	     entry = ks_ring_after(&probe->ring, entry)) {
		if (request->has_max && cursor->sent >= request->max)
			return KS_SENT_ALL;
		/* At least one in each call, or a reply would never end where time is short. */
		if (looked && ks_port_time_ns() >= sending->deadline_ns)
			return KS_SENT_LATE;
		looked = true;
		cursor->next = entry->seq;
		if (!entry->consumed && ks_request_matches(request, entry->text, entry->text_bytes)) {
			if (!put_entry(sending, probe, entry))
				return KS_SENT_FULL;
			cursor->unconfirmed++;
			cursor->sent++;
		}
		cursor->next = entry->seq + 1;
	}
	return KS_SENT_ALL;
}

enum ks_sent ks_send_probe(struct ks_sending *sending, struct ks_probe *probe)
{
	enum ks_sent sent = KS_SENT_ALL;

	if (sending->cursor->stage == KS_STAGE_BEGIN)
		sent = begin_probe(sending, probe);
	if (sent == KS_SENT_ALL)
		sent = send_records(sending, probe);
	return sent;
}

static void go_to(struct ks_sending *sending, unsigned int target)
{
	struct ks_cursor *cursor = sending->cursor;
	const struct ks_request *request = sending->request;

	if (target >= sending->sensor->count || (request->has_max && cursor->sent >= request->max)) {
		cursor->stage = KS_STAGE_CLOSE; /* and the probe at hand stays: its lines are not confirmed yet */
		return;
	}
	cursor->probe = target;
	cursor->stage = KS_STAGE_BEGIN;
	cursor->pass = 0;
	if (request->run && sending->sensor->probes[target].on)
		cursor->pass = ks_probe_want_pass(&sending->sensor->probes[target]);
}

/*
 * A step of the fresh sample, for which no records are left to send at the moment.  They are sent as they are made: a sample may be more than a ring
 * holds.
 */
static enum ks_drive make_sample(struct ks_sending *sending, struct ks_probe *probe)
{
	struct ks_cursor *cursor = sending->cursor;
	enum ks_drive drive = probe->on ? ks_probe_drive(probe, cursor->pass) : KS_DRIVE_REACHED;

	if (drive == KS_DRIVE_NOT && ks_probe_stuck(probe))
		drive = KS_DRIVE_REACHED;
	ks_lock(&probe->lock);
	if (cursor->epoch == probe->epoch)
		cursor->end = probe->ring.next_seq;
	ks_unlock(&probe->lock);
	return drive;
}

static enum ks_serve close_records(struct ks_sending *sending)
{
	struct ks_text *out = sending->out;
	size_t line_start = out->len;

	ks_text_put(out, sending->head_bytes, sending->head.len);
	ks_text_lit(out, ",");
	ks_text_string(out, sending->request->target, sending->request->target_bytes);
	ks_put_end(out);
	if (fits(out, line_start))
		return KS_SERVE_DONE;
	return line_start ? KS_SERVE_MORE : KS_SERVE_ROOM;
}

static enum ks_serve go_on(struct ks_sending *sending)
{
	struct ks_sensor *sensor = sending->sensor;
	struct ks_cursor *cursor = sending->cursor;

	while (cursor->stage != KS_STAGE_CLOSE) {
		struct ks_probe *probe = &sensor->probes[cursor->probe];
		enum ks_sent sent;
		unsigned int target;

		ks_lock(&probe->lock);
		sent = ks_send_probe(sending, probe);
		ks_unlock(&probe->lock);
		switch (sent) {
		case KS_SENT_FULL:
			return sending->out->len ? KS_SERVE_MORE : KS_SERVE_ROOM;
		case KS_SENT_LATE:
			return KS_SERVE_MORE;
		case KS_SENT_ALL:
			break;
		}
		if (cursor->pass) {
			/* One step in a call, and what it recorded as far as there is time. */
			if (sending->stepped || sending->out->len)
				return KS_SERVE_MORE;
			sending->stepped = true;
			switch (make_sample(sending, probe)) {
			case KS_DRIVE_MORE:
				break;
			case KS_DRIVE_NOT:
				return KS_SERVE_WAIT;
			case KS_DRIVE_REACHED:
				cursor->pass = 0;
				break;
			}
			continue;
		}
		target = ks_target_next(sensor, sending->request, cursor->probe + 1);
		/* The cursor holds what is unconfirmed of one probe only. */
		if (target < sensor->count && (cursor->unconfirmed || cursor->lost_count)) {
			cursor->stage = KS_STAGE_SEND;
			return KS_SERVE_MORE;
		}
		go_to(sending, target);
	}
	return close_records(sending);
}

/* Why there can be no fresh sample, or NULL. */
static const char *no_run(struct ks_sensor *sensor, const struct ks_request *request, enum ks_error *error)
{
	bool on = false;
	unsigned int i;

	ks_for_each_target(i, sensor, request) {
		*error = KS_ERR_BUSY;
		if (sensor->probes[i].on && ks_probe_stuck(&sensor->probes[i]))
			return "a step of the probe does not end; ask without \"run\"";
		on |= sensor->probes[i].on;
	}
	*error = KS_ERR_ARGUMENT;
	return on ? NULL : "no fresh sample from a probe that is off: send \"on\" first";
}

void ks_sending_init(struct ks_sending *sending, struct ks_sensor *sensor, const struct ks_request *request,
		     struct ks_cursor *cursor, struct ks_text *out)
{
	sending->sensor = sensor;
	sending->request = request;
	sending->cursor = cursor;
	sending->out = out;
	sending->by_uuid = false;
	sending->lost_told = 0;
	sending->stepped = false;
	sending->deadline_ns = ks_port_time_ns() + KS_STEP_BUDGET_NS;
	ks_text_init(&sending->head, sending->head_bytes, sizeof(sending->head_bytes));
	ks_put_head(&sending->head, request);
}

enum ks_serve ks_serve_records(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor,
			       struct ks_text *out)
{
	struct ks_sending sending;

	ks_sending_init(&sending, sensor, request, cursor, out);
	if (cursor->stage == KS_STAGE_START) {
		enum ks_error error;
		const char *why = request->run ? no_run(sensor, request, &error) : NULL;

		if (why)
			return ks_reply_error(out, request, error, why);
		go_to(&sending, ks_target_next(sensor, request, 0));
	}
	sending.by_uuid = ks_target_is_uuid(sensor, request);
	return go_on(&sending);
}

void ks_confirm(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor)
{
	struct ks_probe *probe;
	struct ks_entry *entry;
	uint64_t consumed = 0, missing;

	if (cursor->stage < KS_STAGE_SEND || cursor->probe >= sensor->count)
		return;
	probe = &sensor->probes[cursor->probe];
	ks_lock(&probe->lock);
	if (ks_takes_records(request) && cursor->epoch == probe->epoch) {
		for (entry = ks_ring_from(&probe->ring, cursor->from); entry && entry->seq < cursor->next;
		     entry = ks_ring_after(&probe->ring, entry)) {
			if (entry->consumed || !ks_request_matches(request, entry->text, entry->text_bytes))
				continue;
			ks_ring_consume(&probe->ring, entry);
			consumed++;
		}
		ks_ring_trim(&probe->ring);
		missing = cursor->unconfirmed > consumed ? cursor->unconfirmed - consumed : 0;
		probe->delivered += consumed;
		probe->delivered += ks_ring_not_lost(&probe->ring, cursor->from, cursor->next, missing);
		if (cursor->lost_count)
			ks_ring_lost_told(&probe->ring, cursor->lost_last, cursor->lost_count);
	}
	ks_unlock(&probe->lock);
	cursor->from = cursor->next;
	cursor->unconfirmed = 0;
	cursor->lost_count = 0;
}
