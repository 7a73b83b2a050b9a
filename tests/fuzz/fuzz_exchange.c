// SPDX-License-Identifier: MIT
/*
 * fuzz_exchange.c - a stream of any bytes from a client, through line reader, request and server,
 * to reply lines.
 *
 * The first bytes of the input say how much room each call has, in what pieces the stream comes,
 * how many records there are, and whether the medium is a stream, with subscriptions; the rest is
 * what the client sends.  Without a stream, where a reply stands goes out and comes back as a
 * cookie, as in Xen.  Holds always: every reply line is one that the protocol allows (judge.c:
 * jansson); no record is delivered twice or counted wrongly; no cookie but the one that went out
 * is taken back; the sensor stops and gives everything back.
 */
#include "../../core/client.h"
#include "../../core/cookie.h"
#include "../unit/judge.h"
#include "../unit/port.h"
#include "fuzz.h"

#define UUID_ALPHA "11111111-1111-4111-8111-111111111111"

static int quiet_init(struct ks_probe *probe)
{
	(void)probe;
	return 0;
}

static void quiet(struct ks_probe *probe)
{
	(void)probe;
}

static enum ks_step step(struct ks_probe *probe, uint64_t deadline_ns)
{
	(void)deadline_ns;
	if (port_random_below(4) == 0)
		return KS_STEP_MORE;
	if (probe->announce) {
		struct ks_writer *text = ks_record_begin(probe, KS_EVENT, KS_NO_SOURCE, "fresh");

		ks_write_member_count(text, "n", probe->ring.next_seq);
		ks_record_raw(probe, "bytes", "\0\n\"}\xff", 5);
		ks_record_end(probe);
	}
	return port_random_below(8) ? KS_STEP_DONE : KS_STEP_FAILED;
}

/* A list that takes or refuses what it likes. */
static enum ks_edit edit(struct ks_probe *probe, bool add, const char *item, size_t bytes)
{
	static char kept[KS_ITEM_MAX];

	(void)probe;
	CHECK(bytes && bytes <= sizeof(kept));
	memcpy(kept, item, bytes);
	return add && port_random_below(2) ? KS_EDIT_FULL : port_random_below(2) ? KS_EDIT_BAD : KS_EDIT_DONE;
}

#define PROBE(probe_name, probe_edit)                                                            \
	{                                                                                        \
		.name = probe_name, .interval_ns = { 80000000, 40000000, 20000000, 10000000 },   \
		.init = quiet_init, .exit = quiet, .reset = quiet, .step = step,                    \
		.edit = probe_edit, .edit_takes = "the probe takes that",                        \
	}

static const struct ks_probe_type alpha = PROBE("alpha", edit), beta = PROBE("beta", NULL);
static const struct ks_probe_type *const types[] = { &alpha, &beta };

static struct ks_sensor sensor;
static struct ks_caller caller;

#define SEQS_MAX 4096
static uint8_t delivered[2][SEQS_MAX]; /* by probe and seq, since the last reset */
static uint32_t epochs[2];

static void notice_resets(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (epochs[i] != sensor.probes[i].epoch)
			memset(delivered[i], 0, sizeof(delivered[i]));
		epochs[i] = sensor.probes[i].epoch;
	}
}

static void make_records(unsigned int count)
{
	for (unsigned int n = 0; n < count; n++) {
		struct ks_probe *probe = &sensor.probes[port_random_below(2)];
		struct ks_writer *text =
			ks_record_begin(probe, KS_EVENT, KS_NO_SOURCE, port_random_below(2) ? "domain" : "vcpu");
		char name[15];

		ks_port_random(name, sizeof(name));
		ks_write_member_count(text, "domid", port_random_below(4));
		ks_write_member_str(text, "name", name, sizeof(name));
		if (port_random_below(4) == 0)
			ks_record_raw(probe, "bytes", name, sizeof(name));
		ks_record_end(probe);
	}
}

/* A record in a reply that takes it: for the first time. */
static void note(const struct ks_request *request, const json_t *line)
{
	const json_t *record = json_array_get(json_object_get(line, "reply"), 2);
	const char *probe = json_string_value(json_object_get(record, "probe"));
	json_int_t seq = json_integer_value(json_object_get(record, "seq"));

	if (!probe || request->peek || request->has_record ||
	    !strcmp(json_string_value(json_object_get(record, "kind")), "lost"))
		return;
	CHECK(seq >= 0 && seq < SEQS_MAX);
	CHECK(!delivered[!strcmp(probe, "beta")][seq]++);
}

static void take(const struct ks_request *request, const char *text, size_t len)
{
	notice_resets();
	while (len) {
		const char *end = memchr(text, '\n', len), *why;
		size_t bytes = end ? (size_t)(end - text) + 1 : len;
		json_t *line = judge_line(text, bytes, &why);

		if (!line)
			fprintf(stderr, "%s: %.*s\n", why, (int)bytes, text);
		CHECK(line);
		note(request, line);
		bytes += judge_raw_bytes(line);
		json_decref(line);
		CHECK(bytes <= len);
		text += bytes;
		len -= bytes;
	}
}

/* Out to the client, who tries a change of one bit or another request, and back. */
static void send_and_return(const char *line, size_t bytes, struct ks_cursor *cursor)
{
	static const struct ks_cookie_caller self = { .id = 1, .instance = 2 };
	static const uint64_t key[2] = { 3, 4 };
	uint64_t cookie[KS_COOKIE_WORDS], bit = port_random_below(64 * KS_COOKIE_WORDS);
	struct ks_siphash bond, other;
	struct ks_cursor sent = *cursor;

	ks_cookie_bind(&bond, key, &self, line, bytes);
	ks_cookie_seal(&bond, cursor, cookie);
	memset(cursor, 0, sizeof(*cursor));
	cookie[bit / 64] ^= 1ULL << bit % 64;
	CHECK(!ks_cookie_open(&bond, cookie, cursor));
	cookie[bit / 64] ^= 1ULL << bit % 64;
	ks_cookie_bind(&other, key, &self, line, bytes - 1);
	CHECK(!ks_cookie_open(&other, cookie, cursor));
	CHECK(ks_cookie_open(&bond, cookie, cursor) && !memcmp(cursor, &sent, sizeof(sent)));
}

static void serve(const struct ks_request *request, const struct ks_line *line, enum ks_version *session, size_t room)
{
	/* A call's bytes end with a line: only this reply may go on within its line. */
	static char status[KS_STATUS_MAX];
	bool is_status =
		request->line == KS_LINE_REQUEST && request->error == KS_OK && request->command == KS_CMD_STATUS;
	struct ks_cursor cursor = { 0 };
	char *buf = malloc(KS_OUT_BYTES);
	unsigned int calls = 0;
	size_t status_bytes = 0;
	enum ks_served more;
	struct ks_writer out;

	do {
		if (cursor.stage)
			send_and_return(line->buf, line->len, &cursor);
		ks_writer_init(&out, buf, room);
		more = ks_serve(&sensor, &caller, request, &cursor, &out);
		if (more == KS_SERVED_NO_ROOM) {
			CHECK(room < KS_LINE_MAX && out.len == KS_LINE_MAX);
			room = out.len;
			more = KS_SERVED_MORE;
			continue;
		}
		CHECK(more != KS_SERVED_CURSOR);
		if (is_status) {
			CHECK(out.len <= sizeof(status) - status_bytes);
			memcpy(status + status_bytes, buf, out.len);
			status_bytes += out.len;
		} else {
			take(request, buf, out.len);
		}
		CHECK(calls++ < 5000);
	} while (more != KS_SERVED_DONE);
	take(request, status, status_bytes);
	ks_confirm(&sensor, request, &cursor);
	free(buf);
	if (request->line == KS_LINE_SESSION && request->error == KS_OK)
		*session = request->version;
}

static void check_counts(void)
{
	notice_resets();
	for (unsigned int i = 0; i < 2; i++) {
		const struct ks_probe *probe = &sensor.probes[i];
		uint64_t count = 0;

		for (unsigned int seq = 0; seq < SEQS_MAX; seq++)
			count += delivered[i][seq];
		CHECK(count == probe->delivered);
		CHECK(probe->delivered + probe->ring.lost_total + probe->ring.held == probe->ring.next_seq);
	}
}

/* === A medium without a stream ========================================== */

static void serve_lines(const uint8_t *data, size_t size, size_t room, size_t piece)
{
	enum ks_version session = KS_VERSION_NONE;
	static struct ks_line line;
	struct ks_request request;
	unsigned int served = 0;

	ks_line_init(&line);
	while (size && served < 40) {
		size_t took = ks_line_feed(&line, (const char *)data, size < piece ? size : piece);

		CHECK(took && took <= size);
		data += took;
		size -= took;
		if (!line.ready && !line.too_long && (size || !ks_line_complete(&line)))
			continue;
		if (line.too_long)
			ks_request_too_long(&request, session);
		else
			ks_request_parse(&request, line.buf, line.len, session);
		serve(&request, &line, &session, room);
		ks_line_next(&line);
		check_counts();
		make_records(served++ % 8);
	}
}

/* === A stream =========================================================== */

static struct ks_client client;
static unsigned int sends_left;
static bool line_is_due;   /* without its newline */
static bool left;          /* the client is gone */

static bool send_to_client(struct ks_client *c, const char *bytes, size_t len)
{
	bool replies = c->line.ready || c->line.too_long || (line_is_due && ks_line_complete(&c->line));

	CHECK(replies || c->subscription.active);
	left = !sends_left--;
	if (left)
		return false;
	take(replies ? &c->request : &c->subscription.request, bytes, len);
	return true;
}

/* It took all that it was sent until it left, and then no byte more. */
static bool is_gone(struct ks_client *c)
{
	CHECK(c == &client);
	return left;
}

static bool wait_for_client(void)
{
	uint64_t patience = ks_client_patience_ns(&client);

	if (patience == UINT64_MAX)
		return true;
	CHECK(patience <= KS_LINE_PATIENCE_NS);
	port_advance(patience);
	line_is_due = !client.subscription.active || ks_port_time_ns() - client.heard_ns >= KS_LINE_PATIENCE_NS;
	return ks_client_quiet(&client);
}

static void serve_stream(const uint8_t *data, size_t size, unsigned int sends, size_t piece)
{
	unsigned int turns = 0;
	bool go_on = true;

	sends_left = sends;
	left = false;
	ks_client_init(&client, &sensor, caller.control, send_to_client, is_gone);
	while (go_on && size && turns < 40) {
		size_t some = size < piece ? size : piece;

		line_is_due = false;
		go_on = ks_client_bytes(&client, (const char *)data, some);
		data += some;
		size -= some;
		make_records(turns++ % 8);
		if (go_on && turns % 3)
			go_on = wait_for_client();
		check_counts();
	}
	for (turns = 0; go_on && client.behind; turns++) {
		CHECK(turns < 1000);
		go_on = wait_for_client();
	}
	line_is_due = true;
	if (go_on)
		ks_client_end(&client);
	check_counts();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ks_sensor_config config = {
		.name = "test", .types = types, .types_count = 2, .ring_bytes = KS_RING_MIN,
		.levels = { KS_DEFAULT, KS_HIGH },
	};
	bool stream;

	if (size < 4)
		return 0;
	stream = data[3] & 64;
	port_reset();
	port_random_seed(data[3]);
	port_look_ns = data[3] % 2 ? 10000 : 0;
	memset(delivered, 0, sizeof(delivered));
	memset(epochs, 0, sizeof(epochs));
	caller.control = data[3] % 8 != 0;
	CHECK(!ks_sensor_start(&sensor, &config));
	/* A uuid that a fuzzer can learn. */
	memcpy(sensor.probes[0].uuid, UUID_ALPHA, sizeof(UUID_ALPHA));
	make_records(data[2]);
	if (stream)
		serve_stream(data + 4, size - 4, data[0] < 128 ? data[0] : UINT32_MAX, 1U + data[1] * 4U);
	else
		serve_lines(data + 4, size - 4, 1 + data[0] * 32U, 1U + data[1]);
	ks_sensor_stop(&sensor);
	CHECK(!port_allocated);
	return 0;
}
