// SPDX-License-Identifier: MIT
#include "judge.h"

#include <string.h>

static const char *judge_error(const json_t *error)
{
	static const char *const codes[] = { "syntax",   "version",  "nonce",  "command", "target",
					     "argument", "too-long", "denied", "busy",    "no-memory" };
	const json_t *code = json_object_get(error, "code"), *message = json_object_get(error, "message");

	if (json_object_size(error) != 2 || !json_is_string(code) || !json_is_string(message))
		return "an error is {code, message}";
	if (!json_string_length(message))
		return "an error without a message";
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (!strcmp(codes[i], json_string_value(code)))
			return NULL;
	return "an error code that is none of the protocol's";
}

static const char *judge_record(const json_t *record)
{
	static const char *const first[] = { "seq", "time", "probe", "kind" };
	void *it = json_object_iter((json_t *)record);

	for (int i = 0; i < 4; i++, it = json_object_iter_next((json_t *)record, it)) {
		const json_t *value = it ? json_object_iter_value(it) : NULL;

		/* jansson keeps the order of members. */
		if (!it || strcmp(json_object_iter_key(it), first[i]))
			return "a record begins with seq, time, probe, kind";
		if (i < 2 ? !json_is_integer(value) : !json_is_string(value))
			return "seq and time are numbers, probe and kind are strings";
	}
	return NULL;
}

static const char *judge_reply(const json_t *reply)
{
	const json_t *nonce = json_array_get(reply, 0), *word = json_array_get(reply, 1),
		     *what = json_array_get(reply, 2);
	size_t nonce_bytes = json_string_length(nonce), size = json_array_size(reply);

	if (!json_is_array(reply) || size < 2 || size > 3 || !json_is_string(nonce) || !json_is_string(word))
		return "a reply is [nonce, word] or [nonce, word, what]";
	if (size == 3 && !strcmp(json_string_value(word), "error"))
		return nonce_bytes && (nonce_bytes < 16 || nonce_bytes > 40) ? "the nonce's length"
									     : judge_error(what);
	if (nonce_bytes < 16 || nonce_bytes > 40)
		return "a nonce has 16 to 40 bytes";
	if (size == 2)
		return NULL;
	if (!strcmp(json_string_value(word), "discovery"))
		return json_is_array(what) ? NULL : "discovery gives a list";
	if (!json_is_object(what))
		return "the third element is an object";
	return strcmp(json_string_value(word), "status") ? judge_record(what) : NULL;
}

static const char *judge_envelope(const json_t *line)
{
	const json_t *version = json_object_get(line, "Virtue-protocol-version"),
		     *reply = json_object_get(line, "reply");
	double number = json_number_value(version);

	if (!json_is_object(line))
		return "a line is an object";
	if (!json_object_size(line))
		return NULL; /* a session refused */
	if (!json_is_real(version) || (number != 0.1 && number != 0.2))
		return "the version is 0.1 or 0.2";
	if (json_object_size(line) != 1 + (reply != NULL))
		return "a member that is neither version nor reply";
	return reply ? judge_reply(reply) : NULL;
}

json_t *judge_line(const char *text, size_t len, const char **why)
{
	json_error_t error;
	json_t *line;

	*why = NULL;
	if (!len || memchr(text, '\n', len) != text + len - 1)
		*why = "a line has one newline, at its end";
	else if (memchr(text, '\r', len) || memchr(text, '\0', len))
		*why = "a control character";
	else if (len > 32768)
		*why = "no line has more than 32768 bytes";
	if (*why)
		return NULL;
	/* ALLOW_NUL: "\u0000" is JSON, and a client may send it in a nonce. */
	line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!line) {
		static char text_of_error[JSON_ERROR_TEXT_LENGTH];

		memcpy(text_of_error, error.text, sizeof(text_of_error));
		*why = text_of_error;
		return NULL;
	}
	*why = judge_envelope(line);
	if (!*why && len > 8192 &&
	    strcmp(json_string_value(json_array_get(json_object_get(line, "reply"), 1)) ?: "", "status"))
		*why = "a line that is no status has at most 8192 bytes";
	if (!*why)
		return line;
	json_decref(line);
	return NULL;
}

size_t judge_raw_bytes(const json_t *line)
{
	const json_t *record = json_array_get(json_object_get(line, "reply"), 2), *value;
	const char *key;

	json_object_foreach((json_t *)record, key, value) {
		const json_t *type = json_object_get(value, "type");

		if (json_is_string(type) && !strcmp(json_string_value(type), "raw"))
			return (size_t)json_integer_value(json_object_get(value, "length"));
	}
	return 0;
}
