// SPDX-License-Identifier: MIT
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

struct ks_sensor kit_sensor;
struct ks_sensor_config kit_config;
struct ks_caller kit_caller;
size_t kit_out_bytes;
unsigned int kit_calls;
enum ks_version kit_session;
char kit_raw[65536];
size_t kit_raw_bytes;

/* === A sensor =========================================================== */

static int quiet_init(struct ks_probe *probe)
{
	probe->data = ks_probe_alloc(probe, 16);
	return probe->data ? 0 : -1;
}

static void quiet_exit(struct ks_probe *probe)
{
	ks_port_free(probe->data);
}

static void quiet_reset(struct ks_probe *probe)
{
	(void)probe;
}

static enum ks_step quiet_step(struct ks_probe *probe, uint64_t deadline_ns)
{
	(void)probe;
	(void)deadline_ns;
	return KS_STEP_DONE;
}

#define QUIET(probe_name)                                                               \
	{                                                                               \
		.name = probe_name,                                                     \
		.interval_ns = { 8 * SECOND, 4 * SECOND, 2 * SECOND, 1 * SECOND },      \
		.init = quiet_init, .exit = quiet_exit, .reset = quiet_reset, .step = quiet_step, \
	}

const struct ks_probe_type kit_alpha = QUIET("alpha"), kit_beta = QUIET("beta");

void kit_prepare(const struct ks_probe_type *const *types, unsigned int count)
{
	port_reset();
	memset(&kit_sensor, 0xee, sizeof(kit_sensor)); /* nothing of the sensor before may stay */
	kit_config = (struct ks_sensor_config){
		.name = "test", .types = types, .types_count = count, .ring_bytes = 256 * 1024, .ring_fixed = true,
	};
	for (unsigned int i = 0; i < count; i++)
		kit_config.levels[i] = KS_DEFAULT;
	kit_caller = (struct ks_caller){ .control = true };
	kit_out_bytes = KS_LINE_MAX;
	kit_session = KS_VERSION_NONE;
}

void kit_start(const struct ks_probe_type *const *types, unsigned int count)
{
	kit_prepare(types, count);
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
}

void kit_forget_began(void)
{
	for (unsigned int i = 0; i < kit_sensor.count; i++)
		if (kit_sensor.probes[i].equipped)
			ks_ring_clear(&kit_sensor.probes[i].ring);
}

static json_t *answer;

void kit_stop(void)
{
	ks_sensor_stop(&kit_sensor);
	assert_int_equal(port_allocated, 0);
	assert_int_equal(port_works(), 0);
	assert_int_equal(kit_sensor.count, 0);
	assert_null(kit_sensor.probes);
	json_decref(answer);
	answer = NULL;
}

int kit_setup(void **state)
{
	static const struct ks_probe_type *const types[] = { &kit_alpha, &kit_beta };

	(void)state;
	kit_start(types, 2);
	kit_forget_began();
	return 0;
}

int kit_teardown(void **state)
{
	(void)state;
	kit_stop();
	return 0;
}

void kit_records(unsigned int i, unsigned int count, const char *kind)
{
	struct ks_probe *probe = &kit_sensor.probes[i];

	while (count--) {
		struct ks_writer *text = ks_record_begin(probe, KS_EVENT, KS_NO_SOURCE, kind);

		ks_write_member_count(text, "n", probe->ring.next_seq);
		ks_record_end(probe);
	}
}

uint64_t kit_first_held(unsigned int i)
{
	const struct ks_ring *ring = &kit_sensor.probes[i].ring;
	struct ks_entry entry;

	ks_ring_read(ring, ks_ring_find(ring, 0, KS_NOWHERE), &entry, NULL);
	return entry.seq;
}

/* === A client =========================================================== */

/* Judges whole lines, and what raw bytes follow them. */
static void take(const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len), *why;
		size_t line_len = end ? (size_t)(end - text) + 1 : len;
		json_t *line = judge_line(text, line_len, &why);
		size_t raw;

		if (!line)
			fail_msg("%s: %.*s", why, (int)line_len, text);
		raw = judge_raw_bytes(line);
		json_array_append_new(answer, line);
		text += line_len;
		len -= line_len;
		assert_true(raw <= len && kit_raw_bytes + raw <= sizeof(kit_raw));
		memcpy(kit_raw + kit_raw_bytes, text, raw);
		kit_raw_bytes += raw;
		text += raw;
		len -= raw;
	}
}

static void forget_answer(void)
{
	json_decref(answer);
	answer = json_array();
	kit_raw_bytes = 0;
}

/*
 * What no line has in it: between the room for lines and that for the record at hand, it must
 * stay.
 */
#define UNTOUCHED '\n'

char *kit_out(size_t bytes)
{
	/* An allocation of just this size, so that a sanitizer sees a byte too much. */
	char *buf = malloc(KS_OUT_BYTES);

	memset(buf + bytes, UNTOUCHED, KS_LINE_MAX - bytes);
	return buf;
}

void kit_out_check(const char *buf, size_t bytes)
{
	for (size_t i = bytes; i < KS_LINE_MAX; i++)
		assert_int_equal(buf[i], UNTOUCHED);
}

static void serve(const struct ks_request *request)
{
	/* A call's bytes end with a line: only this reply may go on within its line. */
	static char status[KS_STATUS_MAX];
	bool is_status =
		request->line == KS_LINE_REQUEST && request->error == KS_OK && request->command == KS_CMD_STATUS;
	size_t status_bytes = 0;
	char *buf = kit_out(kit_out_bytes);
	struct ks_cursor cursor = { 0 };
	struct ks_writer out;
	enum ks_served more;
	unsigned int calls = 0;

	do {
		ks_writer_init(&out, buf, kit_out_bytes);
		more = ks_serve(&kit_sensor, &kit_caller, request, &cursor, &out);
		assert_true(more == KS_SERVED_DONE || more == KS_SERVED_MORE || more == KS_SERVED_WAIT);
		kit_out_check(buf, kit_out_bytes);
		if (is_status) {
			assert_true(status_bytes + out.len <= sizeof(status));
			memcpy(status + status_bytes, buf, out.len);
			status_bytes += out.len;
		} else {
			take(buf, out.len);
		}
		assert_true(calls++ < 100000); /* a reply comes to an end */
	} while (more != KS_SERVED_DONE);
	kit_calls = calls;
	take(status, status_bytes);
	ks_confirm(&kit_sensor, request, &cursor);
	if (request->line == KS_LINE_SESSION && request->error == KS_OK)
		kit_session = request->version;
	free(buf);
}

json_t *kit_ask_bytes(const char *text, size_t len)
{
	struct ks_request request;
	char *line = malloc(len + !len);

	memcpy(line, text, len);
	forget_answer();
	ks_request_parse(&request, line, len, kit_session);
	serve(&request);
	free(line);
	return answer;
}

json_t *kit_ask(const char *text)
{
	return kit_ask_bytes(text, strlen(text));
}

json_t *kit_stream(const char *text, size_t len, size_t piece)
{
	struct ks_request request;
	struct ks_line line;

	forget_answer();
	ks_line_init(&line);
	for (size_t at = 0; at < len;) {
		size_t n = len - at < piece ? len - at : piece;
		size_t took = ks_line_feed(&line, text + at, n);

		assert_true(took > 0 && took <= n);
		at += took;
		if (!line.ready && !line.too_long)
			continue;
		if (line.too_long)
			ks_request_too_long(&request, kit_session);
		else
			ks_request_parse(&request, line.buf, line.len, kit_session);
		serve(&request);
		ks_line_next(&line);
	}
	if (ks_line_complete(&line)) {
		ks_request_parse(&request, line.buf, line.len, kit_session);
		serve(&request);
	}
	return answer;
}

static json_t *ask_version(const char *version, const char *command, const char *target, const char *options)
{
	char line[1024];

	snprintf(line, sizeof(line), "{\"Virtue-protocol-version\": %s, \"request\": [\"%s\", \"%s\", \"%s\"%s%s]}\n",
		 version, NONCE, command, target, options ? ", " : "", options ? options : "");
	return kit_ask(line);
}

json_t *kit_command(const char *command, const char *target, const char *options)
{
	return ask_version("0.1", command, target, options);
}

json_t *kit_command_0_2(const char *command, const char *target)
{
	return ask_version("0.2", command, target, NULL);
}

static const json_t *reply_of(const json_t *lines, size_t i)
{
	return json_object_get(json_array_get(lines, i), "reply");
}

const char *kit_word(const json_t *lines)
{
	static char word[64];
	const json_t *reply = reply_of(lines, 0);
	const char *text = json_string_value(json_array_get(reply, 1));
	const json_t *error = json_object_get(json_array_get(reply, 2), "code");

	assert_int_equal(json_array_size(lines), 1);
	assert_non_null(text);
	if (!strcmp(text, "error"))
		snprintf(word, sizeof(word), "error:%s", json_string_value(error));
	else
		snprintf(word, sizeof(word), "%s", text);
	return word;
}

size_t kit_count(const json_t *lines)
{
	size_t count = json_array_size(lines);

	/* The last line closes: [nonce, id]. */
	assert_true(count >= 1);
	assert_int_equal(json_array_size(reply_of(lines, count - 1)), 2);
	for (size_t i = 0; i + 1 < count; i++)
		assert_int_equal(json_array_size(reply_of(lines, i)), 3);
	return count - 1;
}

const json_t *kit_record(const json_t *lines, size_t i)
{
	assert_true(i < kit_count(lines));
	return json_array_get(reply_of(lines, i), 2);
}

const char *kit_text(const json_t *lines, size_t i, const char *member)
{
	const json_t *value = json_object_get(kit_record(lines, i), member);

	if (!json_is_string(value))
		return "(no string)";
	/* A NUL in it would hide what comes behind. */
	assert_int_equal(strlen(json_string_value(value)), json_string_length(value));
	return json_string_value(value);
}

uint64_t kit_number(const json_t *lines, size_t i, const char *member)
{
	const json_t *value = json_object_get(kit_record(lines, i), member);

	assert_true(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

const char *kit_seqs(const json_t *lines)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < kit_count(lines); i++) {
		if (len)
			text[len++] = ' ';
		if (!strcmp(kit_text(lines, i, "kind"), "lost"))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "lost(%llu-%llu:%llu)",
						(unsigned long long)kit_number(lines, i, "first"),
						(unsigned long long)kit_number(lines, i, "last"),
						(unsigned long long)kit_number(lines, i, "count"));
		else
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%llu",
						(unsigned long long)kit_number(lines, i, "seq"));
		assert_true(len < sizeof(text) - 64);
	}
	return text;
}
