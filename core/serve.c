// SPDX-License-Identifier: MIT
/*
 * serve.c - from a request line to reply lines.
 */
#include "serve.h"
#include "version.h"

/* An envelope up to the nonce's comma: each byte of a nonce may need six. */
#define HEAD_MAX (64 + 6 * KS_NONCE_MAX)

/* Where a reply stands; only "records" gets beyond the first. */
enum {
	STAGE_START,
	STAGE_RUN,     /* the probe at hand makes a fresh sample */
	STAGE_BEGIN,   /* its records come next */
	STAGE_SEND,    /* some of them were looked at */
	STAGE_CLOSE,   /* only the closing line is left */
	STAGES
};

_Static_assert(sizeof(struct ks_cursor) == 64, "the cursor is part of the hypercall's ABI");

/* === Targets ============================================================ */

static bool names(const struct ks_request *request, const char *name, size_t len)
{
	return len == request->target_bytes && !memcmp(name, request->target, len);
}

static bool names_all(const struct ks_sensor *sensor, const struct ks_request *request)
{
	return names(request, "*", 1) || names(request, sensor->config.name, sensor->name_bytes) ||
	       names(request, sensor->uuid, KS_UUID_TEXT - 1);
}

static bool names_uuid(struct ks_probe *probe, const struct ks_request *request)
{
	bool same;

	if (request->target_bytes != KS_UUID_TEXT - 1)
		return false;
	ks_lock(&probe->lock);
	same = names(request, probe->uuid, KS_UUID_TEXT - 1);
	ks_unlock(&probe->lock);
	return same;
}

/* The first probe from index @at on that the request is for; sensor->count if there is none. */
static unsigned int next_target(const struct ks_sensor *sensor, const struct ks_request *request, unsigned int at)
{
	if (names_all(sensor, request))
		return at;
	for (; at < sensor->count; at++) {
		struct ks_probe *probe = &sensor->probes[at];

		if (names(request, probe->type->name, probe->name_bytes) || names_uuid(probe, request))
			break;
	}
	return at;
}

#define for_each_target(i, sensor, request)                                            \
	for ((i) = next_target(sensor, request, 0); (i) < (sensor)->count;             \
	     (i) = next_target(sensor, request, (i) + 1))

/* === Lines ============================================================== */

/* {"Virtue-protocol-version":0.1,"reply":["nonce" */
static void put_head(struct ks_text *out, const struct ks_request *request)
{
	if (request->version == KS_VERSION_0_2)
		ks_text_lit(out, "{\"Virtue-protocol-version\":0.2,\"reply\":[");
	else
		ks_text_lit(out, "{\"Virtue-protocol-version\":0.1,\"reply\":[");
	ks_text_string(out, request->nonce, request->nonce_bytes);
}

static void put_end(struct ks_text *out)
{
	ks_text_lit(out, "]}\n");
}

/* The reply that is complete with one word. */
static enum ks_serve reply_word(struct ks_text *out, const struct ks_request *request, const char *word)
{
	put_head(out, request);
	ks_text_lit(out, ",");
	ks_text_string(out, word, strlen(word));
	put_end(out);
	return KS_SERVE_DONE;
}

static enum ks_serve reply_error(struct ks_text *out, const struct ks_request *request, enum ks_error error,
				 const char *message)
{
	const char *code = ks_error_names[error];

	put_head(out, request);
	ks_text_lit(out, ",\"error\",{\"code\":");
	ks_text_string(out, code, strlen(code));
	ks_text_member_str(out, "message", message, strlen(message));
	ks_text_lit(out, "}");
	put_end(out);
	return KS_SERVE_DONE;
}

static enum ks_serve reply_session(struct ks_text *out, const struct ks_request *request)
{
	if (request->version == KS_VERSION_NONE)
		ks_text_lit(out, "{}\n");
	else if (request->version == KS_VERSION_0_2)
		ks_text_lit(out, "{\"Virtue-protocol-version\":0.2}\n");
	else
		ks_text_lit(out, "{\"Virtue-protocol-version\":0.1}\n");
	return KS_SERVE_DONE;
}

/* === discovery, status ================================================== */

static void put_pair(struct ks_text *out, const char *name, size_t name_bytes, const char *uuid)
{
	ks_text_lit(out, "[\"");
	ks_text_put(out, name, name_bytes);
	ks_text_lit(out, "\",\"");
	ks_text_const(out, uuid, KS_UUID_TEXT - 1);
	ks_text_lit(out, "\"]");
}

static enum ks_serve serve_discovery(struct ks_sensor *sensor, const struct ks_request *request, struct ks_text *out)
{
	put_head(out, request);
	ks_text_lit(out, ",\"discovery\",[");
	put_pair(out, sensor->config.name, sensor->name_bytes, sensor->uuid);
	for (unsigned int i = 0; i < sensor->count; i++) {
		struct ks_probe *probe = &sensor->probes[i];

		ks_text_lit(out, ",");
		ks_lock(&probe->lock);
		put_pair(out, probe->type->name, probe->name_bytes, probe->uuid);
		ks_unlock(&probe->lock);
	}
	ks_text_lit(out, "]");
	put_end(out);
	return KS_SERVE_DONE;
}

static void put_state(struct ks_text *out, bool on)
{
	if (on)
		ks_text_lit(out, ",\"state\":\"on\"");
	else
		ks_text_lit(out, ",\"state\":\"off\"");
}

static void put_probe_status(struct ks_text *out, struct ks_probe *probe)
{
	const char *level;

	ks_lock(&probe->lock);
	level = ks_level_names[probe->level];
	ks_text_lit(out, "{\"name\":");
	ks_text_string(out, probe->type->name, probe->name_bytes);
	ks_text_member_str(out, "uuid", probe->uuid, KS_UUID_TEXT - 1);
	put_state(out, probe->on);
	ks_text_member_str(out, "level", level, strlen(level));
	ks_text_member_u64(out, "interval_ns", probe->type->interval_ns[probe->level]);
	ks_text_member_u64(out, "runs", probe->passes);
	ks_text_member_u64(out, "last_run_ns", probe->last_pass_ns);
	ks_text_member_u64(out, "longest_run_ns", probe->longest_pass_ns);
	ks_text_member_u64(out, "steps", probe->steps);
	ks_text_member_u64(out, "longest_step_ns", probe->longest_step_ns);
	ks_text_member_u64(out, "held", probe->ring.held);
	ks_text_member_u64(out, "delivered", probe->delivered);
	ks_text_member_u64(out, "lost", probe->ring.lost_total);
	ks_text_member_u64(out, "bytes_held", probe->ring.used_bytes);
	ks_text_member_u64(out, "bytes", probe->ring.size);
	ks_text_member_u64(out, "memory_bytes", probe->memory_bytes);
	ks_text_member_u64(out, "failures", probe->failures);
	ks_text_member_u64(out, "restarts", probe->restarts);
	if (probe->last_error)
		ks_text_member_str(out, "last_error", probe->last_error, strlen(probe->last_error));
	else
		ks_text_lit(out, ",\"last_error\":null");
	ks_text_lit(out, "}");
	ks_unlock(&probe->lock);
}

/* What all targets have in common: a level, a state, or "mixed". */
static const char *common_word(struct ks_sensor *sensor, const struct ks_request *request, bool level)
{
	const char *word = NULL;
	unsigned int i;

	for_each_target(i, sensor, request) {
		struct ks_probe *probe = &sensor->probes[i];
		const char *mine;

		ks_lock(&probe->lock);
		mine = level ? ks_level_names[probe->level] : probe->on ? "on" : "off";
		ks_unlock(&probe->lock);
		if (word && strcmp(word, mine))
			return "mixed";
		word = mine;
	}
	return word ? word : "mixed";
}

static void put_sensor_status(struct ks_text *out, struct ks_sensor *sensor, const struct ks_request *request)
{
	const char *state = common_word(sensor, request, false), *level = common_word(sensor, request, true);
	size_t memory_bytes = sensor->count * sizeof(*sensor->probes);

	for (unsigned int i = 0; i < sensor->count; i++)
		memory_bytes += sensor->probes[i].memory_bytes;
	ks_text_lit(out, "{\"name\":");
	ks_text_string(out, sensor->config.name, strlen(sensor->config.name));
	ks_text_member_str(out, "uuid", sensor->uuid, KS_UUID_TEXT - 1);
	ks_text_lit(out, ",\"version\":\"" KS_VERSION "\"");
	ks_text_member_u64(out, "time", ks_port_time_ns());
	ks_text_member_str(out, "state", state, strlen(state));
	ks_text_member_str(out, "level", level, strlen(level));
	ks_text_member_u64(out, "supervised", sensor->supervised);
	ks_text_member_u64(out, "memory_bytes", memory_bytes);
	ks_text_lit(out, ",\"probes\":[");
	for (unsigned int i = 0; i < sensor->count; i++) {
		if (i)
			ks_text_lit(out, ",");
		put_probe_status(out, &sensor->probes[i]);
	}
	ks_text_lit(out, "]}");
}

static enum ks_serve serve_status(struct ks_sensor *sensor, const struct ks_request *request, struct ks_text *out)
{
	unsigned int first = next_target(sensor, request, 0);
	unsigned int second = first < sensor->count ? next_target(sensor, request, first + 1) : first;

	put_head(out, request);
	ks_text_lit(out, ",\"status\",");
	/* A name that several probes share gets what "*" gets: all, in one line. */
	if (names_all(sensor, request) || second < sensor->count)
		put_sensor_status(out, sensor, request);
	else
		put_probe_status(out, &sensor->probes[first]);
	put_end(out);
	return KS_SERVE_DONE;
}

/* === off, on, levels, reset ============================================= */

static enum ks_serve serve_control(struct ks_sensor *sensor, const struct ks_request *request, struct ks_text *out)
{
	enum ks_done done, worst = KS_DONE;
	unsigned int i;

	/* Before anything is done: would the longest reply fit? */
	reply_word(out, request, "adversarial");
	if (out->full)
		return KS_SERVE_ROOM;
	out->len = 0;
	for_each_target(i, sensor, request) {
		/* By uuid there is one, and turning it on gives it another. */
		done = ks_probe_command(&sensor->probes[i], request->command);
		if (done != KS_DONE)
			worst = done;
	}
	if (worst == KS_NO_MEMORY)
		return reply_error(out, request, KS_ERR_NO_MEMORY, "no memory for a probe; it stays off");
	if (worst == KS_BUSY)
		return reply_error(out, request, KS_ERR_BUSY, "a probe is being started by another request; ask again");
	switch (request->command) {
	case KS_CMD_OFF:
	case KS_CMD_ON:
	case KS_CMD_RESET:
		return reply_word(out, request, ks_command_names[request->command]);
	default:
		return reply_word(out, request, common_word(sensor, request, true));
	}
}

/* === records ============================================================ */

/* One "records" call: what does not fit in a cursor because it is made anew each time. */
struct sending {
	struct ks_sensor *sensor;
	const struct ks_request *request;
	struct ks_cursor *cursor;
	struct ks_text *out;
	struct ks_text head;       /* the envelope up to the nonce */
	char head_bytes[HEAD_MAX];
	bool by_uuid;              /* the id in the replies is the uuid */
	uint64_t deadline_ns;
};

enum sent {
	SENT_ALL,
	SENT_FULL,   /* the next line does not fit */
	SENT_LATE,   /* the time for this call is over */
};

static bool consumes(const struct ks_request *request)
{
	return request->line == KS_LINE_REQUEST && request->error == KS_OK && request->command == KS_CMD_RECORDS &&
	       !request->peek && !request->has_record;
}

static void put_record_head(struct sending *sending, const struct ks_probe *probe)
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

static bool put_entry(struct sending *sending, const struct ks_probe *probe, const struct ks_entry *entry)
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
	put_end(out);
	if (as_raw)
		ks_text_put(out, raw, entry->raw_bytes);
	return fits(out, line_start);
}

static bool put_lost(struct sending *sending, const struct ks_probe *probe)
{
	struct ks_text *out = sending->out;
	const struct ks_ring *ring = &probe->ring;
	size_t line_start = out->len;

	put_record_head(sending, probe);
	ks_text_lit(out, "{\"seq\":");
	ks_text_u64(out, ring->lost_last);
	ks_text_member_u64(out, "time", ks_port_time_ns());
	ks_text_member_str(out, "probe", probe->type->name, probe->name_bytes);
	ks_text_lit(out, ",\"kind\":\"lost\"");
	ks_text_member_u64(out, "first", ring->lost_first);
	ks_text_member_u64(out, "last", ring->lost_last);
	ks_text_member_u64(out, "count", ring->lost_count);
	ks_text_lit(out, "}");
	put_end(out);
	return fits(out, line_start);
}

/* Starts on the records of the probe at hand: how far they go is settled now, so that a reply ends while others come in. */
static enum sent begin_probe(struct sending *sending, struct ks_probe *probe)
{
	const struct ks_request *request = sending->request;
	struct ks_cursor *cursor = sending->cursor;
	const struct ks_ring *ring = &probe->ring;
	bool tell = ring->lost_count && !request->has_record && !(request->has_since && request->since > ring->lost_last);

	cursor->epoch = probe->epoch;
	cursor->next = request->has_record ? request->record : request->has_since ? request->since : 0;
	cursor->end = ring->next_seq;
	if (request->has_record && request->record < cursor->end)
		cursor->end = request->record + 1;
	cursor->from = cursor->next;
	if (tell) {
		if (!put_lost(sending, probe))
			return SENT_FULL;
		cursor->lost_last = ring->lost_last;
		cursor->lost_count = ring->lost_count > UINT32_MAX ? UINT32_MAX : (uint32_t)ring->lost_count;
	}
	cursor->stage = STAGE_SEND;
	return SENT_ALL;
}

static enum sent send_records(struct sending *sending, struct ks_probe *probe)
{
	const struct ks_request *request = sending->request;
	struct ks_cursor *cursor = sending->cursor;
	struct ks_entry *entry;
	bool looked = false;

	if (cursor->epoch != probe->epoch)
		return SENT_ALL; /* reset since: there is nothing left of what this reply was about */
	for (entry = ks_ring_from(&probe->ring, cursor->next); entry && entry->seq < cursor->end;
	     entry = ks_ring_after(&probe->ring, entry)) {
		if (request->has_max && cursor->sent >= request->max)
			return SENT_ALL;
		/* At least one in each call, or a reply would never end where time is short. */
		if (looked && ks_port_time_ns() >= sending->deadline_ns)
			return SENT_LATE;
		looked = true;
		cursor->next = entry->seq;
		if (!entry->consumed && ks_request_matches(request, entry->text, entry->text_bytes)) {
			if (!put_entry(sending, probe, entry))
				return SENT_FULL;
			cursor->unconfirmed++;
			cursor->sent++;
		}
		cursor->next = entry->seq + 1;
	}
	return SENT_ALL;
}

/* The probe at hand from BEGIN on. */
static enum sent serve_probe(struct sending *sending, struct ks_probe *probe)
{
	enum sent sent = SENT_ALL;

	ks_lock(&probe->lock);
	if (sending->cursor->stage == STAGE_BEGIN)
		sent = begin_probe(sending, probe);
	if (sent == SENT_ALL)
		sent = send_records(sending, probe);
	ks_unlock(&probe->lock);
	return sent;
}

static void go_to(struct sending *sending, unsigned int target)
{
	struct ks_cursor *cursor = sending->cursor;
	const struct ks_request *request = sending->request;

	if (target >= sending->sensor->count || (request->has_max && cursor->sent >= request->max)) {
		cursor->stage = STAGE_CLOSE; /* and the probe at hand stays: its lines are not confirmed yet */
		return;
	}
	cursor->probe = target;
	cursor->stage = STAGE_BEGIN;
	if (request->run && sending->sensor->probes[target].on) {
		cursor->stage = STAGE_RUN;
		cursor->pass = ks_probe_want_pass(&sending->sensor->probes[target]);
	}
}

static enum ks_serve close_records(struct sending *sending)
{
	struct ks_text *out = sending->out;
	size_t line_start = out->len;

	ks_text_put(out, sending->head_bytes, sending->head.len);
	ks_text_lit(out, ",");
	ks_text_string(out, sending->request->target, sending->request->target_bytes);
	put_end(out);
	if (fits(out, line_start))
		return KS_SERVE_DONE;
	return line_start ? KS_SERVE_MORE : KS_SERVE_ROOM;
}

static enum ks_serve go_on(struct sending *sending)
{
	struct ks_sensor *sensor = sending->sensor;
	struct ks_cursor *cursor = sending->cursor;

	while (cursor->stage != STAGE_CLOSE) {
		struct ks_probe *probe = &sensor->probes[cursor->probe];
		unsigned int target;

		if (cursor->stage == STAGE_RUN) {
			if (probe->on && !ks_probe_drive(probe, cursor->pass) && !ks_probe_stuck(probe))
				return KS_SERVE_MORE;
			cursor->stage = STAGE_BEGIN;
		}
		switch (serve_probe(sending, probe)) {
		case SENT_FULL:
			return sending->out->len ? KS_SERVE_MORE : KS_SERVE_ROOM;
		case SENT_LATE:
			return KS_SERVE_MORE;
		case SENT_ALL:
			break;
		}
		target = next_target(sensor, sending->request, cursor->probe + 1);
		/* The cursor holds what is unconfirmed of one probe only. */
		if (target < sensor->count && (cursor->unconfirmed || cursor->lost_count)) {
			cursor->stage = STAGE_SEND;
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

	for_each_target(i, sensor, request) {
		*error = KS_ERR_BUSY;
		if (sensor->probes[i].on && ks_probe_stuck(&sensor->probes[i]))
			return "a step of the probe does not end; ask without \"run\"";
		on |= sensor->probes[i].on;
	}
	*error = KS_ERR_ARGUMENT;
	return on ? NULL : "no fresh sample from a probe that is off: send \"on\" first";
}

static enum ks_serve serve_records(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor,
				   struct ks_text *out)
{
	struct sending sending = {
		.sensor = sensor,
		.request = request,
		.cursor = cursor,
		.out = out,
		.deadline_ns = ks_port_time_ns() + KS_STEP_BUDGET_NS,
	};
	unsigned int first;

	ks_text_init(&sending.head, sending.head_bytes, sizeof(sending.head_bytes));
	put_head(&sending.head, request);
	if (cursor->stage == STAGE_START) {
		enum ks_error error;
		const char *why = request->run ? no_run(sensor, request, &error) : NULL;

		if (why)
			return reply_error(out, request, error, why);
		first = next_target(sensor, request, 0);
		go_to(&sending, first);
	}
	first = next_target(sensor, request, 0);
	sending.by_uuid = names(request, sensor->uuid, KS_UUID_TEXT - 1) ||
			  (first < sensor->count && names_uuid(&sensor->probes[first], request));
	return go_on(&sending);
}

void ks_confirm(struct ks_sensor *sensor, const struct ks_request *request, struct ks_cursor *cursor)
{
	struct ks_probe *probe;
	struct ks_entry *entry;
	uint64_t consumed = 0, missing;

	if (cursor->stage < STAGE_SEND || cursor->probe >= sensor->count)
		return;
	probe = &sensor->probes[cursor->probe];
	ks_lock(&probe->lock);
	if (consumes(request) && cursor->epoch == probe->epoch) {
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

/* === Interface ========================================================== */

static bool changes_state(enum ks_command command)
{
	return command >= KS_CMD_OFF && command <= KS_CMD_RESET;
}

static enum ks_serve serve_request(struct ks_sensor *sensor, const struct ks_caller *caller,
				   const struct ks_request *request, struct ks_cursor *cursor, struct ks_text *out)
{
	bool at_start = cursor->stage == STAGE_START;

	if (request->command == KS_CMD_DISCOVERY)
		return serve_discovery(sensor, request, out);
	if (at_start && next_target(sensor, request, 0) >= sensor->count)
		return reply_error(out, request, KS_ERR_TARGET, "no probe or sensor of that name or uuid");
	if (!caller->control && changes_state(request->command))
		return reply_error(out, request, KS_ERR_DENIED, "this caller may not change the state of a probe");
	if (!caller->control && consumes(request))
		return reply_error(out, request, KS_ERR_DENIED, "this caller may not take records: peek only");
	switch (request->command) {
	case KS_CMD_RECORDS:
		return serve_records(sensor, request, cursor, out);
	case KS_CMD_STATUS:
		return serve_status(sensor, request, out);
	default:
		return serve_control(sensor, request, out);
	}
}

/* Only a reply to "records" goes on in a second call, and only to one to whom the first was not denied. */
static bool may_go_on(const struct ks_sensor *sensor, const struct ks_caller *caller, const struct ks_request *request,
		      const struct ks_cursor *cursor)
{
	return cursor->stage < STAGES && cursor->probe < sensor->count && request->line == KS_LINE_REQUEST &&
	       request->error == KS_OK && request->command == KS_CMD_RECORDS && (caller->control || !consumes(request));
}

enum ks_serve ks_serve(struct ks_sensor *sensor, const struct ks_caller *caller, const struct ks_request *request,
		       struct ks_cursor *cursor, struct ks_text *out)
{
	enum ks_serve result;

	if (cursor->stage != STAGE_START && !may_go_on(sensor, caller, request, cursor))
		return KS_SERVE_CURSOR;
	if (request->line == KS_LINE_EMPTY)
		return KS_SERVE_DONE;
	ks_confirm(sensor, request, cursor);
	if (request->error != KS_OK)
		result = reply_error(out, request, request->error, request->message);
	else if (request->line == KS_LINE_SESSION)
		result = reply_session(out, request);
	else
		result = serve_request(sensor, caller, request, cursor, out);
	if (out->full)
		result = KS_SERVE_ROOM;
	if (result == KS_SERVE_ROOM) {
		out->full = false;
		out->len = KS_LINE_MAX;
	}
	return result;
}
