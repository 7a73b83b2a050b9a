// SPDX-License-Identifier: MIT
/*
 * status.c - the reply to "status".
 *
 * One line, however many probes there are.  Of a sensor it is written in pieces, as many in a call
 * as fit and as there is time for.
 */
#include "reply.h"
#include "version.h"

static void put_text(struct ks_writer *out, const char *text)
{
	ks_write_string(out, text, strlen(text));
}

/* === One probe ========================================================== */

/* The probe's members that are plain numbers, in the order in which they are told. */
static const struct number {
	const char *prefix;
	uint8_t prefix_bytes;
	bool wide;              /* 64 bits, else 32 */
	uint16_t at;            /* in struct ks_probe */
} numbers[] = {
#define NUMBER(name, member) \
	{ \
		KS_MEMBER(name), sizeof(KS_MEMBER(name)) - 1, \
			sizeof(((struct ks_probe *)0)->member) == sizeof(uint64_t), offsetof(struct ks_probe, member) \
	}
	NUMBER("runs", passes),
	NUMBER("pass_start_ns", ended_start_ns),
	NUMBER("whole_pass", whole),
	NUMBER("whole_start_ns", whole_start_ns),
	NUMBER("sample_pass", sample),
	NUMBER("sample_start_ns", sample_start_ns),
	NUMBER("sample_seq", sample_seq),
	NUMBER("sample_end", sample_end),
	NUMBER("last_run_ns", last_pass_ns),
	NUMBER("longest_run_ns", longest_pass_ns),
	NUMBER("steps", ended_steps),
	NUMBER("longest_step_ns", longest_step_ns),
	NUMBER("held", ring.held),
	NUMBER("delivered", delivered),
	NUMBER("lost", ring.lost_total),
	NUMBER("lost_alarms", ring.share[KS_ALARM].lost),
	NUMBER("bytes_held", ring.used_bytes),
	NUMBER("bytes", ring.size),
	NUMBER("memory_bytes", memory_bytes),
	NUMBER("failures", failures),
	NUMBER("restarts", restarts),
	NUMBER("resets", resets),
	NUMBER("reset_ns", reset_ns),
	NUMBER("removes", removes),
	NUMBER("offs", offs),
	NUMBER("off_ns", off_ns),
	NUMBER("lates", lates),
	NUMBER("late_ns", late_ns),
};

static uint64_t value_of(const struct ks_probe *probe, const struct number *number)
{
	const char *at = (const char *)probe + number->at;
	uint64_t wide;
	uint32_t narrow;

	if (number->wide) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static void put_probe(struct ks_writer *out, struct ks_probe *probe)
{
	ks_lock(&probe->lock);
	ks_write_lit(out, "{\"name\":");
	ks_write_string(out, probe->type->name, probe->name_bytes);
	ks_write_member_str(out, "uuid", probe->uuid, KS_UUID_TEXT - 1);
	ks_write_lit(out, KS_MEMBER("state"));
	put_text(out, probe->on ? "on" : "off");
	ks_write_lit(out, KS_MEMBER("level"));
	put_text(out, ks_level_names[probe->level]);
	ks_write_member_ns(out, "interval_ns", probe->type->interval_ns[probe->level]);
	ks_write_member_count(out, "epoch", probe->epoch);
	ks_write_member_count(out, "pass", probe->ended);
	for (const struct number *number = numbers; number < numbers + sizeof(numbers) / sizeof(*numbers); number++) {
		ks_write_put(out, number->prefix, number->prefix_bytes);
		ks_write_u64(out, value_of(probe, number));
	}
	ks_write_lit(out, KS_MEMBER("last_error"));
	if (probe->last_error)
		put_text(out, probe->last_error);
	else
		ks_write_lit(out, "null");
	ks_write_lit(out, "}");
	ks_unlock(&probe->lock);
}

/* === The sensor ========================================================= */

static void put_sensor(struct ks_writer *out, struct ks_sensor *sensor, const struct ks_caller *caller,
		       const struct ks_request *request)
{
	size_t memory_bytes = sensor->count * sizeof(*sensor->probes);

	for (unsigned int i = 0; i < sensor->count; i++)
		memory_bytes += sensor->probes[i].memory_bytes;
	ks_write_lit(out, "{\"name\":");
	put_text(out, sensor->config.name);
	ks_write_member_str(out, "uuid", sensor->uuid, KS_UUID_TEXT - 1);
	ks_write_lit(out, ",\"version\":\"" KS_VERSION "\"");
	ks_write_member_ns(out, "time", ks_port_boot_time_ns());
	ks_write_lit(out, KS_MEMBER("state"));
	put_text(out, ks_target_word(sensor, request, false));
	ks_write_lit(out, KS_MEMBER("level"));
	put_text(out, ks_target_word(sensor, request, true));
	ks_write_member_count(out, "supervised", sensor->supervised);
	ks_write_member_size(out, "memory_bytes", memory_bytes);
	ks_write_member_bool(out, "control", caller->control);
	if (sensor->config.put_status)
		sensor->config.put_status(out);
	ks_write_lit(out, ",\"probes\":[");
}

/*
 * The piece that begins with the probe at hand, or that with which the line begins; false: it does
 * not fit.
 */
static bool put_piece(struct ks_writer *out, struct ks_sensor *sensor, const struct ks_caller *caller,
		      const struct ks_request *request, const struct ks_cursor *cursor)
{
	size_t start = out->len;

	if (cursor->stage == KS_STAGE_START) {
		ks_put_head(out, request);
		ks_write_lit(out, ",\"status\",");
		put_sensor(out, sensor, caller, request);
	} else {
		if (cursor->probe)
			ks_write_lit(out, ",");
		put_probe(out, &sensor->probes[cursor->probe]);
		if (cursor->probe + 1U == sensor->count) {
			ks_write_lit(out, "]}");
			ks_put_end(out);
		}
	}
	return ks_writer_fits(out, start);
}

static enum ks_served serve_all(struct ks_sensor *sensor, const struct ks_caller *caller,
				const struct ks_request *request, struct ks_cursor *cursor, struct ks_writer *out)
{
	uint64_t deadline_ns = ks_deadline_ns(caller->began_ns);

	for (;;) {
		if (!put_piece(out, sensor, caller, request, cursor))
			return out->len ? KS_SERVED_MORE : KS_SERVED_NO_ROOM;
		if (cursor->stage == KS_STAGE_START) {
			cursor->stage = KS_STAGE_STATUS;
		} else if (cursor->probe + 1U == sensor->count) {
			return KS_SERVED_DONE;
		} else {
			cursor->probe++;
		}
		if (ks_port_time_ns() >= deadline_ns)
			return KS_SERVED_MORE;
	}
}

/* === Interface ========================================================== */

enum ks_served ks_serve_status(struct ks_sensor *sensor, const struct ks_caller *caller,
			       const struct ks_request *request, struct ks_cursor *cursor, struct ks_writer *out)
{
	unsigned int first = ks_target_next(sensor, request, 0);

	if (cursor->stage == KS_STAGE_STATUS)
		return serve_all(sensor, caller, request, cursor, out);
	/* It was there when the request was looked at, but "on" gives a probe another uuid. */
	if (first >= sensor->count)
		return ks_reply_no_target(out, request);
	/* A name that several probes share gets what "*" gets: all, in one line. */
	if (ks_target_is_all(sensor, request) || ks_target_next(sensor, request, first + 1) < sensor->count)
		return serve_all(sensor, caller, request, cursor, out);
	ks_put_head(out, request);
	ks_write_lit(out, ",\"status\",");
	put_probe(out, &sensor->probes[first]);
	ks_put_end(out);
	return KS_SERVED_DONE;
}
