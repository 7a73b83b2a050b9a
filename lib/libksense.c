// SPDX-License-Identifier: MIT
/*
 * libksense.c - requests and replies, whatever the medium.
 */
#include "libksense.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../core/json.h"
#include "../core/request.h"
#include "../core/writer.h"
#include "ks_clock.h"
#include "medium.h"

static_assert((int)KSENSE_NO_MEMORY == (int)KS_ERR_NO_MEMORY, "the codes are in the order of enum ks_error");
static_assert(KSENSE_LINE_MAX - 1 <= KS_JSON_BYTES_MAX, "the reader takes a whole line");

/* === Errors ============================================================= */

int ksense_fail(struct ksense *k, enum ksense_error error, const char *format, ...)
{
	char message[sizeof(k->message)];
	va_list args;

	k->error = error;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	/* It may quote a server. */
	ksense_harmless(k->message, sizeof(k->message), message, strlen(message), 0);
	return -1;
}

static void forget_error(struct ksense *k)
{
	k->error = KSENSE_OK;
	k->message[0] = '\0';
}

enum ksense_error ksense_error(const struct ksense *k)
{
	return k->error;
}

const char *ksense_message(const struct ksense *k)
{
	return k->message;
}

const char *ksense_error_name(enum ksense_error error)
{
	static const char *const names[] = {
		[KSENSE_OTHER] = "error", [KSENSE_NO_SENSOR] = "no-sensor", [KSENSE_NOT_ALLOWED] = "not-allowed",
		[KSENSE_TIMEOUT] = "time-out",    [KSENSE_GONE] = "gone",           [KSENSE_GARBLED] = "garbled",
		[KSENSE_MISUSE] = "misuse",       [KSENSE_SYSTEM] = "system",
	};

	if (error <= KSENSE_NO_MEMORY)
		return ks_error_names[error];
	return error <= KSENSE_SYSTEM ? names[error] : "error";
}

/* === Handle ============================================================= */

struct ksense *ksense_new(void)
{
	struct ksense *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->fd = -1;
	k->timeout_ms = KSENSE_TIMEOUT_MS;
	return k;
}

void ksense_close(struct ksense *k)
{
	if (k->medium)
		k->medium->close(k);
	k->medium = NULL;
	k->private = NULL;
	k->fd = -1;
	k->in = NULL;
	k->in_start = k->in_end = k->in_size = 0;
	k->in_reply = false;
	k->subscription[0] = '\0';
}

void ksense_free(struct ksense *k)
{
	if (!k)
		return;
	ksense_close(k);
	free(k);
}

void ksense_set_timeout(struct ksense *k, int ms)
{
	k->timeout_ms = ms;
}

int ksense_fd(const struct ksense *k)
{
	return k->fd;
}

/* === Requests =========================================================== */

static int make_nonce(struct ksense *k, char nonce[33])
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return ksense_fail(k, KSENSE_SYSTEM, "no random bytes: %s", strerror(errno));
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/*
 * Whether it is one scalar and nothing else: white space around it might be a newline, which would
 * end the request line.
 */
static bool is_scalar(const char *text)
{
	size_t bytes = strlen(text), quotes;
	struct ks_json_value value;
	struct ks_json json;

	ks_json_init(&json, text, bytes, false);
	if (ks_json_next(&json) < KS_JSON_STRING)
		return false;
	value = json.value;
	quotes = value.type == KS_JSON_STRING ? 2 : 0;
	return value.text == text + quotes / 2 && value.len + quotes == bytes;
}

static bool has_options(const struct ksense_request *r)
{
	return r->filters_count || r->has_since || r->has_epoch || r->has_max || r->has_record || r->peek ||
	       r->run || r->announce || r->raw;
}

static int put_options(struct ksense *k, struct ks_writer *out, const struct ksense_request *r)
{
	ks_write_lit(out, ", {\"peek\": ");
	ks_write_bool(out, r->peek);
	if (r->run)
		ks_write_lit(out, ", \"run\": true");
	if (r->announce)
		ks_write_lit(out, ", \"announce\": true");
	if (r->raw)
		ks_write_lit(out, ", \"raw\": true");
	if (r->has_since)
		ks_write_member_count(out, "since", r->since);
	if (r->has_epoch)
		ks_write_member_count(out, "epoch", r->epoch);
	if (r->has_max)
		ks_write_member_count(out, "max", r->max);
	if (r->has_record)
		ks_write_member_count(out, "record", r->record);
	if (r->filters_count)
		ks_write_lit(out, ", \"filter\": {");
	for (size_t i = 0; i < r->filters_count; i++) {
		const struct ksense_filter *filter = &r->filters[i];

		if (!is_scalar(filter->value))
			return ksense_fail(k, KSENSE_MISUSE,
					   "a filter's value is a JSON string, number, true, false or null");
		if (i)
			ks_write_lit(out, ", ");
		ks_write_string(out, filter->member, strlen(filter->member));
		ks_write_lit(out, ": ");
		ks_write_put(out, filter->value, strlen(filter->value));
	}
	if (r->filters_count)
		ks_write_lit(out, "}");
	ks_write_lit(out, "}");
	return 0;
}

static bool is_0_2(const char *command)
{
	for (int i = KS_CMD_STATUS; i < KS_COMMANDS; i++)
		if (!strcmp(command, ks_command_names[i]))
			return true;
	return false;
}

/* As ksense_build(), with the nonce given back. */
static int build(struct ksense *k, const struct ksense_request *r, char *line, size_t size, char nonce[33])
{
	const char *target = r->target ? r->target : "*";
	struct ks_writer out;

	if (make_nonce(k, nonce))
		return -1;
	ks_writer_init(&out, line, size < KSENSE_REQUEST_MAX ? size : KSENSE_REQUEST_MAX);
	/* What 0.1 knows is asked in 0.1, which every server speaks. */
	if (is_0_2(r->command))
		ks_write_lit(&out, "{\"Virtue-protocol-version\": 0.2, \"request\": [\"");
	else
		ks_write_lit(&out, "{\"Virtue-protocol-version\": 0.1, \"request\": [\"");
	ks_write_put(&out, nonce, 32);
	ks_write_lit(&out, "\", ");
	ks_write_string(&out, r->command, strlen(r->command));
	ks_write_lit(&out, ", ");
	ks_write_string(&out, target, strlen(target));
	if (r->item) {
		ks_write_lit(&out, ", ");
		ks_write_string(&out, r->item, strlen(r->item));
	}
	if (has_options(r) && put_options(k, &out, r))
		return -1;
	ks_write_lit(&out, "]}\n");
	if (out.full)
		return ksense_fail(k, KSENSE_MISUSE, "the request is longer than %d bytes", KSENSE_REQUEST_MAX);
	return (int)out.len;
}

int ksense_build(struct ksense *k, const struct ksense_request *request, char *line, size_t size)
{
	char nonce[33];

	forget_error(k);
	return build(k, request, line, size, nonce);
}

static int send_line(struct ksense *k, const char *line, size_t bytes, const char *nonce)
{
	if (!k->medium)
		return ksense_fail(k, KSENSE_MISUSE, "not connected");
	if (k->in_reply)
		return ksense_fail(k, KSENSE_MISUSE, "the reply to the last request was not read to its end");
	if (k->medium->send(k, line, bytes))
		return -1;
	k->in_reply = true;
	k->subscribing = k->unsubscribing = false;
	strcpy(k->nonce, nonce);
	return 0;
}

int ksense_ask(struct ksense *k, const struct ksense_request *request)
{
	char line[KSENSE_REQUEST_MAX], nonce[33];
	int bytes;

	forget_error(k);
	bytes = build(k, request, line, sizeof(line), nonce);
	if (bytes < 0 || send_line(k, line, (size_t)bytes, nonce))
		return -1;
	k->subscribing = !strcmp(request->command, "subscribe");
	k->unsubscribing = !strcmp(request->command, "unsubscribe");
	return 0;
}

int ksense_send(struct ksense *k, const char *line, size_t bytes)
{
	forget_error(k);
	return send_line(k, line, bytes, "");
}

int ksense_lock(struct ksense *k, uint32_t domid)
{
	forget_error(k);
	if (!k->medium)
		return ksense_fail(k, KSENSE_MISUSE, "not connected");
	if (!k->medium->lock)
		return ksense_fail(k, KSENSE_MISUSE, "only the sensor in Xen has a lock");
	if (k->in_reply)
		return ksense_fail(k, KSENSE_MISUSE, "the reply to the last request was not read to its end");
	return k->medium->lock(k, domid);
}

/* === Replies ============================================================ */

#define is(value, literal) ks_json_is(value, literal, sizeof(literal) - 1)

/* What a walk over the third element finds. */
struct found {
	bool raw;
	uint64_t raw_bytes;
	struct ks_json_value code, message;  /* members of an error */
};

/*
 * Walks over the value that starts with @token, looking for {"type": "raw", "length": n}.  False:
 * no JSON.
 */
static bool walk_body(struct ks_json *json, enum ks_json_token token, struct found *found)
{
	/* bit d: the object open at depth d has this member */
	uint32_t is_raw = 0, has_length = 0;
	uint64_t length[KS_JSON_DEPTH_MAX + 1];
	unsigned int top = json->depth;
	struct ks_json_value key = { .type = KS_JSON_ERROR };

	while (token != KS_JSON_ERROR) {
		uint32_t bit = 1U << (json->depth - 1);

		if (token == KS_JSON_OBJECT) {
			is_raw &= ~bit;
			has_length &= ~bit;
		} else if (token == KS_JSON_OBJECT_END) {
			/* The reader has left the object's depth already. */
			bit = 1U << json->depth;
			if (is_raw & has_length & bit) {
				found->raw = true;
				found->raw_bytes = length[json->depth];
			}
		} else if (key.type == KS_JSON_KEY && token == KS_JSON_STRING) {
			if (is(&key, "type") && is(&json->value, "raw"))
				is_raw |= bit;
			if (is(&key, "code") && json->depth == top)
				found->code = json->value;
			if (is(&key, "message") && json->depth == top)
				found->message = json->value;
		} else if (key.type == KS_JSON_KEY && token == KS_JSON_NUMBER) {
			if (is(&key, "length") && ks_json_u64(&json->value, &length[json->depth - 1]))
				has_length |= bit;
		}
		if (json->depth < top)
			return true;
		key = json->value;
		key.type = token;
		token = ks_json_next(json);
	}
	return false;
}

static void take_refusal(struct ksense *k, const struct found *found)
{
	char message[400], code[64];
	int message_len = ks_json_string(&found->message, message, sizeof(message));
	int code_len = ks_json_string(&found->code, code, sizeof(code));

	if (message_len < 0)
		message_len = snprintf(message, sizeof(message), "(a message that is too long)");
	for (int i = KS_OK + 1; i < KS_ERRORS; i++) {
		if (ks_json_is(&found->code, ks_error_names[i], strlen(ks_error_names[i]))) {
			ksense_fail(k, (enum ksense_error)i, "%.*s", message_len, message);
			return;
		}
	}
	ksense_fail(k, KSENSE_OTHER, "%.*s: %.*s", code_len < 0 ? 0 : code_len, code, message_len, message);
}

/* Reads [nonce, word] or [nonce, word, body], behind the "[". */
static bool read_reply(struct ksense *k, struct ks_json *json, struct ksense_line *line)
{
	struct found found = { .raw = false };
	enum ks_json_token token;
	struct ks_json_value word;
	bool pushed;

	if (ks_json_next(json) != KS_JSON_STRING)
		return false;
	pushed = k->subscription[0] && ks_json_is(&json->value, k->subscription, strlen(k->subscription));
	if (k->nonce[0] && json->value.len && !pushed && !ks_json_is(&json->value, k->nonce, strlen(k->nonce)))
		return false;
	if (ks_json_next(json) != KS_JSON_STRING)
		return false;
	word = json->value;
	line->word = word.text;
	line->word_bytes = word.len;
	token = ks_json_next(json);
	if (token == KS_JSON_ARRAY_END) {
		line->kind = KSENSE_DONE;
		return !pushed;
	}
	if (token != KS_JSON_OBJECT && token != KS_JSON_ARRAY)
		return false;
	line->body = json->pos - 1;
	if (!walk_body(json, token, &found))
		return false;
	line->body_bytes = (size_t)(json->pos - line->body);
	line->has_raw = found.raw;
	line->raw_bytes = found.raw_bytes;
	if (token == KS_JSON_OBJECT && is(&word, "error") && found.code.text) {
		line->kind = KSENSE_REFUSED;
		take_refusal(k, &found);
	} else if (token == KS_JSON_ARRAY || is(&word, "status")) {
		line->kind = KSENSE_ANSWER;
	} else {
		line->kind = pushed ? KSENSE_PUSHED : KSENSE_RECORD;
	}
	if (pushed != (line->kind == KSENSE_PUSHED))
		return false;
	return ks_json_next(json) == KS_JSON_ARRAY_END;
}

/* Sorts out a whole line; its raw bytes are not looked at yet. */
static bool read_line(struct ksense *k, struct ksense_line *line)
{
	struct ks_json json;
	enum ks_json_token token;
	bool reply = false, empty = true;

	line->kind = KSENSE_SESSION;
	ks_json_init(&json, line->text, line->bytes, false);
	if (ks_json_next(&json) != KS_JSON_OBJECT)
		return false;
	while ((token = ks_json_next(&json)) == KS_JSON_KEY) {
		bool here = is(&json.value, "reply");

		reply |= here;
		empty = false;
		token = ks_json_next(&json);
		if (here && token == KS_JSON_ARRAY) {
			if (!read_reply(k, &json, line))
				return false;
		} else if (here || !ks_json_skip(&json, token)) {
			return false;
		}
	}
	if (token != KS_JSON_OBJECT_END || ks_json_next(&json) != KS_JSON_END)
		return false;
	if (empty) {
		line->kind = KSENSE_REFUSED;
		ksense_fail(k, KSENSE_VERSION, "the server speaks none of the versions asked for, and closes");
	}
	/* A request of ours was no session line. */
	return reply || empty || !k->nonce[0];
}

/*
 * Waits until in[] holds @bytes bytes from in_start on, or with @bytes 0 a newline.  1, 0 when
 * nothing more will come, -1. *@line_bytes is the length of the line without its newline.
 */
static int gather(struct ksense *k, size_t bytes, size_t *line_bytes, int64_t deadline)
{
	size_t seen = 0;

	for (;;) {
		size_t have = k->in_end - k->in_start;
		const char *start = k->in + k->in_start;
		int got;

		if (bytes) {
			if (have >= bytes)
				return 1;
		} else {
			const char *end = have > seen ? memchr(start + seen, '\n', have - seen) : NULL;

			if (end) {
				*line_bytes = (size_t)(end - start);
				return 1;
			}
			seen = have;
			if (have >= KSENSE_LINE_MAX)
				return ksense_fail(k, KSENSE_GARBLED, "the server sent a line longer than %d bytes",
						   KSENSE_LINE_MAX);
		}
		got = k->medium->fill(k, deadline);
		if (got <= 0)
			return got;
	}
}

static int garbled(struct ksense *k, const struct ksense_line *line)
{
	int shown = line->bytes > 80 ? 80 : (int)line->bytes;

	return ksense_fail(k, KSENSE_GARBLED, "what came is no reply to this request: %.*s%s", shown, line->text,
			   line->bytes > 80 ? "..." : "");
}

/* The next line with its raw bytes, taken out of in[] only when it is complete.  1, 0, -1. */
static int next_line(struct ksense *k, struct ksense_line *line)
{
	int64_t deadline = ks_deadline_ms(k->timeout_ms);
	size_t bytes, all;
	int got;

	memset(line, 0, sizeof(*line));
	got = gather(k, 0, &bytes, deadline);
	if (got < 0)
		return -1;
	if (!got && k->in_end > k->in_start)
		return ksense_fail(k, KSENSE_GONE, "the connection was closed in the middle of a line");
	if (!got)
		return 0;
	line->text = k->in + k->in_start;
	line->bytes = bytes;
	if (!read_line(k, line))
		return garbled(k, line);
	if (line->raw_bytes > KSENSE_RAW_MAX)
		return ksense_fail(k, KSENSE_GARBLED,
				   "a record is said to have %llu raw bytes: more than %d are too many",
				   (unsigned long long)line->raw_bytes, KSENSE_RAW_MAX);
	all = bytes + 1 + line->raw_bytes;
	if (line->raw_bytes) {
		size_t at = k->in_start;
		const char *was = line->text;

		got = gather(k, all, NULL, deadline);
		if (got < 0)
			return -1;
		if (!got)
			return ksense_fail(k, KSENSE_GONE, "the connection was closed in the middle of raw bytes");
		/* The medium may have moved what is in in[]. */
		if (at != k->in_start) {
			line->text = k->in + k->in_start;
			line->word = line->text + (line->word - was);
			line->body = line->text + (line->body - was);
		}
	}
	if (line->has_raw)
		line->raw = line->text + bytes + 1;
	k->in_start += all;
	return 1;
}

static int check_open(struct ksense *k)
{
	return k->medium ? 0 : ksense_fail(k, KSENSE_MISUSE, "not connected");
}

/* The end of a reply: to subscribe or unsubscribe, perhaps. */
static void note_end(struct ksense *k, const struct ksense_line *line)
{
	k->in_reply = false;
	if (line->kind != KSENSE_DONE)
		return;
	if (k->subscribing)
		strcpy(k->subscription, k->nonce);
	if (k->unsubscribing)
		k->subscription[0] = '\0';
}

bool ksense_subscribed(const struct ksense *k)
{
	return k->subscription[0];
}

int ksense_next(struct ksense *k, struct ksense_line *line)
{
	int got;

	if (!k->in_reply && !ksense_subscribed(k))
		return k->medium ? 0 : check_open(k);
	forget_error(k);
	got = next_line(k, line);
	if (got > 0 && !k->in_reply && line->kind != KSENSE_PUSHED)
		return garbled(k, line);
	if (got > 0) {
		if (line->kind != KSENSE_RECORD && line->kind != KSENSE_PUSHED)
			note_end(k, line);
	} else if (!got && (k->fd >= 0 || k->nonce[0])) {
		got = ksense_fail(k, KSENSE_GONE,
				  !k->in_reply ? "the server closed the connection"
				  : k->fd >= 0 ? "the server closed the connection before the end of its reply"
					       : "Xen's reply has no end");
	} else if (!got) {
		k->in_reply = false;
	}
	return got;
}

int ksense_next_any(struct ksense *k, struct ksense_line *line)
{
	forget_error(k);
	if (check_open(k))
		return -1;
	if (k->fd < 0)
		return ksense_fail(k, KSENSE_MISUSE, "only on a socket");
	k->nonce[0] = '\0';
	return next_line(k, line);
}

bool ksense_buffered(const struct ksense *k)
{
	return (!k->in_reply && !ksense_subscribed(k)) ||
	       (k->in_end > k->in_start && memchr(k->in + k->in_start, '\n', k->in_end - k->in_start));
}
