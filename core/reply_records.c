// SPDX-License-Identifier: MIT
/*
 * reply_records.c - the reply to "records", in as many calls as it takes, and the confirmation
 * that its lines have arrived.
 *
 * The probe's lock is taken for one record at a time: it is copied behind the lines of the reply,
 * and what else there is to do with it, filters above all, is done without the lock.
 */
#include "reply.h"

/*
 * So many seqs at most, from the first record on that is not confirmed, are sent in one go:
 * sent_bits has a bit for each.
 */
#define SPAN_MAX 64

bool ks_takes_records(const struct ks_request *request)
{
	return request->line == KS_LINE_REQUEST && request->error == KS_OK && request->command == KS_CMD_RECORDS &&
	       !request->peek && !request->has_record;
}

static void put_record_head(struct ks_sending *sending, const struct ks_probe *probe)
{
	struct ks_writer *out = sending->out;
	const char *id = sending->by_uuid ? sending->uuid : probe->type->name;
	size_t id_bytes = sending->by_uuid ? KS_UUID_TEXT - 1 : probe->name_bytes;

	ks_write_put(out, sending->head_bytes, sending->head.len);
	ks_write_lit(out, ",\"");
	ks_write_put(out, id, id_bytes);
	ks_write_lit(out, "\",");
}

static bool is_unconfirmed(const struct ks_cursor *cursor)
{
	return cursor->sent_bits || cursor->flags & KS_LOSS_SENT;
}

/* Behind the lines. */
static char *record_room(const struct ks_sending *sending)
{
	return sending->out->buf + KS_LINE_MAX;
}

/* The record that was copied to record_room(), as a line. */
static bool put_entry(struct ks_sending *sending, const struct ks_probe *probe, const struct ks_entry *entry)
{
	struct ks_writer *out = sending->out;
	const char *text = record_room(sending), *raw = text + entry->text_bytes;
	bool as_raw = entry->raw_at && sending->request->raw;
	size_t line_start = out->len;

	put_record_head(sending, probe);
	if (!entry->raw_at) {
		ks_write_put(out, text, entry->text_bytes);
	} else {
		ks_write_put(out, text, entry->raw_at);
		if (as_raw) {
			ks_write_lit(out, "{\"type\":\"raw\",\"length\":");
			ks_write_u64(out, entry->raw_bytes);
			ks_write_lit(out, "}");
		} else {
			ks_write_bytes(out, raw, entry->raw_bytes);
		}
		ks_write_put(out, text + entry->raw_at, (size_t)entry->text_bytes - entry->raw_at);
	}
	ks_put_end(out);
	if (as_raw)
		ks_write_put(out, raw, entry->raw_bytes);
	return ks_writer_fits(out, line_start);
}

/*
 * The alarms that no ring has, made as they are told; each begins as every record does.  But of a
 * pass that is under way they tell nothing: whoever may ask could otherwise ask for these all the
 * time, and hide while it lasts.  With the lock held.
 */
static void put_own_head(struct ks_sending *sending, const struct ks_probe *probe, uint64_t seq, const char *kind)
{
	struct ks_writer *out = sending->out;

	put_record_head(sending, probe);
	ks_write_lit(out, "{\"seq\":");
	ks_write_u64(out, seq);
	ks_write_member_ns(out, "time", ks_port_boot_time_ns());
	ks_write_member_str(out, "probe", probe->type->name, probe->name_bytes);
	ks_write_member_str(out, "kind", kind, strlen(kind));
	ks_write_member_str(out, "class", "alarm", 5);
	ks_write_member_count(out, "epoch", probe->epoch);
	ks_write_member_count(out, "pass", probe->ended);
}

static bool put_lost(struct ks_sending *sending, const struct ks_probe *probe)
{
	struct ks_writer *out = sending->out;
	const struct ks_ring *ring = &probe->ring;
	size_t line_start = out->len;

	put_own_head(sending, probe, ring->lost_last, "lost");
	ks_write_member_count(out, "first", ring->lost_first);
	ks_write_member_count(out, "last", ring->lost_last);
	ks_write_member_count(out, "count", ring->lost_count);
	ks_write_lit(out, "}");
	ks_put_end(out);
	return ks_writer_fits(out, line_start);
}

/* There is no sample, and no ring that could keep a record of it. */
static bool put_no_memory(struct ks_sending *sending, const struct ks_probe *probe)
{
	static const char why[] = "there was no memory for the probe";
	struct ks_writer *out = sending->out;
	size_t line_start = out->len;

	put_own_head(sending, probe, 0, "failed");
	ks_write_member_str(out, "why", why, sizeof(why) - 1);
	ks_write_member_count(out, "in_row", probe->failed_in_row);
	ks_write_lit(out, "}");
	ks_put_end(out);
	return ks_writer_fits(out, line_start);
}

/*
 * Tells what was lost since the mark, if any of it may be of seq @from or later; with the lock
 * held.
 */
static enum ks_sent tell_lost(struct ks_sending *sending, struct ks_probe *probe, uint64_t from)
{
	struct ks_cursor *cursor = sending->cursor;
	const struct ks_ring *ring = &probe->ring;

	ks_assert_locked(&probe->lock);
	if (!ring->lost_count || ring->lost_last < from ||
	    (sending->lost_known && ring->lost_seen == cursor->lost_mark))
		return KS_SENT_ALL;
	if (!put_lost(sending, probe))
		return KS_SENT_FULL;
	cursor->lost_mark = ks_ring_telling(&probe->ring);
	cursor->flags |= KS_LOSS_SENT;
	return KS_SENT_ALL;
}

/*
 * Starts on the records of the probe at hand: how far they go is settled now, so that a reply ends
 * while others come in; where a fresh sample was asked for, when that is complete.  A "since" that
 * is of another count, or ahead of this one, is of a count that is over: all of this one is new.
 */
static enum ks_sent begin_probe(struct ks_sending *sending, struct ks_probe *probe)
{
	const struct ks_request *request = sending->request;
	struct ks_cursor *cursor = sending->cursor;
	uint64_t end = probe->ring.next_seq;
	bool other =
		request->has_since && (request->since > end || (request->has_epoch && request->epoch != probe->epoch));

	cursor->epoch = probe->epoch;
	cursor->next = request->has_record ? request->record : request->has_since && !other ? request->since : 0;
	cursor->end = end;
	if (request->has_record && request->record < end)
		cursor->end = request->record + 1;
	if (request->run && !probe->equipped && !put_no_memory(sending, probe))
		return KS_SENT_FULL;
	if (!request->has_record && tell_lost(sending, probe, cursor->next) == KS_SENT_FULL)
		return KS_SENT_FULL;
	cursor->lost_mark = probe->ring.lost_seen;
	sending->lost_known = true;
	cursor->stage = KS_STAGE_SEND;
	return KS_SENT_ALL;
}

/*
 * What there is to be done with the lock held: the next record, to where put_entry() has it from.
 * KS_SENT_ALL: there is none, or it is still looked for.
 */
static enum ks_sent fetch(struct ks_sending *sending, struct ks_probe *probe, struct ks_entry *entry, bool *found,
			  bool *seeking)
{
	struct ks_cursor *cursor = sending->cursor;

	ks_assert_locked(&probe->lock);
	*found = *seeking = false;
	memcpy(sending->uuid, probe->uuid, sizeof(sending->uuid));
	if (cursor->stage == KS_STAGE_BEGIN && begin_probe(sending, probe) == KS_SENT_FULL)
		return KS_SENT_FULL;
	/*
	 * Reset since: what this reply was about is gone, and the new count's first record says by
	 * whom.
	 */
	if (cursor->epoch != probe->epoch) {
		if (is_unconfirmed(cursor))
			return KS_SENT_LATE;
		if (sending->request->has_record)
			return KS_SENT_ALL;
		cursor->flags |= KS_RESET_SEEN;
		cursor->epoch = probe->epoch;
		cursor->next = 0;
		cursor->end = probe->ring.next_seq;
		cursor->lost_mark = 0;
	}
	/*
	 * Where the reply goes on for as long as a sample takes: what was pushed out before it
	 * could be sent.
	 */
	if (sending->request->run && tell_lost(sending, probe, cursor->next) == KS_SENT_FULL)
		return KS_SENT_FULL;
	*seeking = !ks_ring_seek(&probe->ring, cursor->next, &cursor->at);
	if (*seeking)
		return KS_SENT_ALL;
	if (cursor->at == KS_NOWHERE)
		return KS_SENT_ALL;
	ks_ring_read(&probe->ring, cursor->at, entry, record_room(sending));
	*found = entry->seq < cursor->end;
	if (*found && ks_takes_records(sending->request))
		ks_ring_sent(&probe->ring, cursor->at);
	return KS_SENT_ALL;
}

/*
 * Whether the record that was copied is one that was asked for; how a sample ended belongs to it,
 * whatever is filtered by.
 */
static bool is_wanted(const struct ks_sending *sending, const struct ks_entry *entry)
{
	const struct ks_cursor *cursor = sending->cursor;

	if (entry->for_readers && ks_takes_records(sending->request))
		return false;
	if (sending->request->run && entry->outcome && ks_pass_reached(entry->outcome, cursor->pass))
		return true;
	if (cursor->flags & KS_RESET_SEEN && !entry->seq)
		return true;
	return ks_request_matches(sending->request, record_room(sending), entry->text_bytes);
}

enum ks_sent ks_send_probe(struct ks_sending *sending, struct ks_probe *probe)
{
	const struct ks_request *request = sending->request;
	struct ks_cursor *cursor = sending->cursor;
	bool found, seeking;
	struct ks_entry entry;
	enum ks_sent sent;

	for (;;) {
		uint64_t offset;

		if (request->has_max && cursor->sent >= request->max)
			return KS_SENT_ALL;
		/*
		 * At least one in each call, or a reply would never end where time is short; but
		 * for the first, in which the request alone may have taken all of it.
		 */
		if (sending->got_on && ks_port_time_ns() >= sending->deadline_ns)
			return KS_SENT_LATE;
		sending->got_on = true;
		ks_lock(&probe->lock);
		sent = fetch(sending, probe, &entry, &found, &seeking);
		ks_unlock(&probe->lock);
		if (seeking)
			continue;
		if (sent != KS_SENT_ALL || !found)
			return sent;
		/* From the first one on that is not confirmed. */
		offset = cursor->sent_bits ? entry.seq - (cursor->next - cursor->span) : 0;
		if (offset >= SPAN_MAX)
			return KS_SENT_LATE;
		if (is_wanted(sending, &entry)) {
			if (!put_entry(sending, probe, &entry))
				return KS_SENT_FULL;
			cursor->sent_bits |= 1ULL << offset;
			cursor->sent++;
		}
		cursor->next = entry.seq + 1;
		cursor->span = (uint8_t)(offset + 1);
	}
}

static void go_to(struct ks_sending *sending, unsigned int target)
{
	struct ks_cursor *cursor = sending->cursor;
	const struct ks_request *request = sending->request;
	struct ks_probe *probe;

	if (target >= sending->sensor->count || (request->has_max && cursor->sent >= request->max)) {
		/* and the probe at hand stays: its lines are not confirmed yet */
		cursor->stage = KS_STAGE_CLOSE;
		return;
	}
	probe = &sending->sensor->probes[target];
	cursor->probe = (uint8_t)target;
	cursor->stage = KS_STAGE_BEGIN;
	cursor->flags = 0;
	cursor->at = KS_NOWHERE;
	sending->lost_known = false;
	if (request->announce)
		ks_probe_announce_own(probe);
	if (!request->run)
		return;
	if (probe->on) {
		cursor->pass = ks_probe_want_pass(probe);
		cursor->flags |= KS_PASS_WAITED;
	} else if (probe->equipped) {
		cursor->pass = ks_probe_no_pass(probe, "the probe is off");
	}
}

/*
 * A step of the fresh sample, for which no records are left to send at the moment.  They are sent
 * as they are made: a sample may be more than a ring holds.
 */
static enum ks_drive make_sample(struct ks_sending *sending, struct ks_probe *probe)
{
	struct ks_cursor *cursor = sending->cursor;
	enum ks_drive drive = ks_probe_drive(probe, cursor->pass, sending->deadline_ns);
	const char *why = NULL;

	if (drive == KS_DRIVE_NOT && !probe->on)
		why = "the probe was turned off";
	else if (drive == KS_DRIVE_NOT && ks_probe_stuck(probe))
		why = "a step of the probe does not end";
	if (why) {
		cursor->pass = ks_probe_no_pass(probe, why);
		drive = KS_DRIVE_REACHED;
	}
	ks_lock(&probe->lock);
	if (cursor->epoch == probe->epoch)
		cursor->end = probe->ring.next_seq;
	ks_unlock(&probe->lock);
	return drive;
}

static enum ks_served close_records(struct ks_sending *sending)
{
	struct ks_writer *out = sending->out;
	size_t line_start = out->len;

	ks_write_put(out, sending->head_bytes, sending->head.len);
	ks_write_lit(out, ",");
	ks_write_string(out, sending->request->target, sending->request->target_bytes);
	ks_put_end(out);
	if (ks_writer_fits(out, line_start))
		return KS_SERVED_DONE;
	return line_start ? KS_SERVED_MORE : KS_SERVED_NO_ROOM;
}

static enum ks_served go_on(struct ks_sending *sending)
{
	struct ks_sensor *sensor = sending->sensor;
	struct ks_cursor *cursor = sending->cursor;

	while (cursor->stage != KS_STAGE_CLOSE) {
		struct ks_probe *probe = &sensor->probes[cursor->probe];
		enum ks_sent sent;
		unsigned int target;

		sent = ks_send_probe(sending, probe);
		switch (sent) {
		case KS_SENT_FULL:
			return sending->out->len ? KS_SERVED_MORE : KS_SERVED_NO_ROOM;
		case KS_SENT_LATE:
			return KS_SERVED_MORE;
		case KS_SENT_ALL:
			break;
		}
		if (cursor->flags & KS_PASS_WAITED) {
			/* One step in a call, and what it recorded as far as there is time. */
			if (sending->stepped || sending->out->len)
				return KS_SERVED_MORE;
			sending->stepped = true;
			switch (make_sample(sending, probe)) {
			case KS_DRIVE_MORE:
				break;
			case KS_DRIVE_NOT:
				return KS_SERVED_WAIT;
			case KS_DRIVE_REACHED:
				cursor->flags &= (uint8_t)~KS_PASS_WAITED;
				break;
			}
			continue;
		}
		target = ks_target_next(sensor, sending->request, cursor->probe + 1);
		/* The cursor holds what is unconfirmed of one probe only. */
		if (target < sensor->count && is_unconfirmed(cursor)) {
			cursor->stage = KS_STAGE_SEND;
			return KS_SERVED_MORE;
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
		     uint64_t began_ns, struct ks_cursor *cursor, struct ks_writer *out)
{
	sending->sensor = sensor;
	sending->request = request;
	sending->cursor = cursor;
	sending->out = out;
	sending->lost_known = cursor->stage > KS_STAGE_BEGIN;
	sending->got_on = cursor->stage == KS_STAGE_START;
	sending->stepped = false;
	sending->deadline_ns = ks_deadline_ns(began_ns);
	ks_writer_init(&sending->head, sending->head_bytes, sizeof(sending->head_bytes));
	ks_put_head(&sending->head, request);
}

enum ks_served ks_serve_records(struct ks_sensor *sensor, const struct ks_caller *caller,
				const struct ks_request *request, struct ks_cursor *cursor, struct ks_writer *out)
{
	struct ks_sending sending;

	ks_sending_init(&sending, sensor, request, caller->began_ns, cursor, out);
	if (cursor->stage == KS_STAGE_START) {
		unsigned int first = ks_target_next(sensor, request, 0);
		enum ks_error error;
		const char *why;

		/* It was there when the request was looked at, as in ks_serve_status(). */
		if (first >= sensor->count)
			return ks_reply_no_target(out, request);
		why = request->run ? no_run(sensor, request, &error) : NULL;
		if (why)
			return ks_reply_error(out, request, error, why);
		go_to(&sending, first);
	}
	sending.by_uuid = ks_target_is_uuid(sensor, request);
	return go_on(&sending);
}

/*
 * With the lock held: the record @seq has arrived.  False: where it would be is farther than one
 * look goes, as it can be from the place in a cursor that comes back late; ask again.
 */
static bool confirm_record(struct ks_probe *probe, struct ks_cursor *cursor, uint64_t seq)
{
	if (!ks_ring_seek(&probe->ring, seq, &cursor->at))
		return false;
	probe->delivered += ks_ring_deliver(&probe->ring, seq, &cursor->at);
	return true;
}

bool ks_confirm_until(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor,
		      uint64_t deadline_ns)
{
	uint64_t seq = cursor->next - cursor->span, bit = 1;
	struct ks_probe *probe;

	if (cursor->stage < KS_STAGE_SEND || cursor->probe >= sensor->count)
		return true;
	if (!ks_takes_records(request)) {
		cursor->sent_bits = 0;
		cursor->flags &= (uint8_t)~KS_LOSS_SENT;
	}
	probe = &sensor->probes[cursor->probe];
	while (is_unconfirmed(cursor)) {
		bool confirmed = true;

		if (!(cursor->sent_bits & bit) && !(cursor->flags & KS_LOSS_SENT)) {
			seq++;
			bit <<= 1;
			continue;
		}
		ks_lock(&probe->lock);
		if (cursor->epoch == probe->epoch) {
			if (cursor->flags & KS_LOSS_SENT)
				ks_ring_told(&probe->ring, cursor->lost_mark);
			if (cursor->sent_bits & bit)
				confirmed = confirm_record(probe, cursor, seq);
		}
		ks_unlock(&probe->lock);
		cursor->flags &= (uint8_t)~KS_LOSS_SENT;
		if (confirmed)
			cursor->sent_bits &= ~bit;
		if (ks_port_time_ns() >= deadline_ns)
			return false;
	}
	return true;
}

void ks_confirm(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor)
{
	ks_confirm_until(sensor, request, cursor, UINT64_MAX);
}
