// SPDX-License-Identifier: MIT
/*
 * fuzz_json.c - the JSON reader on any bytes.
 *
 * Holds always: the strict reader accepts what jansson accepts, but for what is meant to differ
 * (below); what is strict is relaxed as well; every string that was read can be unescaped, and is
 * itself; a value can be skipped from its first token.
 */
#include <jansson.h>
#include <stdlib.h>

#include "../../core/json.h"
#include "fuzz.h"

/* Reads to the end; the error, or NULL. */
static const char *read_all(const char *text, size_t len, bool relaxed, bool *skipped_same)
{
	enum ks_json_token token;
	unsigned int tokens = 0;
	struct ks_json json, copy;

	ks_json_init(&json, text, len, relaxed);
	for (;;) {
		char out[512];
		int n;

		token = ks_json_next(&json);
		if (token == KS_JSON_END)
			return NULL;
		if (token == KS_JSON_ERROR) {
			CHECK(json.error && ks_json_next(&json) == KS_JSON_ERROR);
			return json.error;
		}
		CHECK(tokens++ <= len);
		CHECK(json.pos > text && json.pos <= text + len && json.depth <= KS_JSON_DEPTH_MAX);
		if (token == KS_JSON_STRING || token == KS_JSON_KEY || token == KS_JSON_NUMBER) {
			if (token != KS_JSON_KEY || json.value.text != json.plain_key)
				CHECK(json.value.text >= text && json.value.text + json.value.len <= text + len);
			if (token == KS_JSON_KEY)
				CHECK(json.value.len <= KS_JSON_KEY_MAX && !json.value.escaped);
			n = ks_json_string(&json.value, out, sizeof(out));
			CHECK(n <= (int)sizeof(out) && (n >= 0 || json.value.len > sizeof(out)));
			CHECK(ks_json_same(&json.value, &json.value));
			CHECK(n < 0 || ks_json_is(&json.value, out, (size_t)n));
		}
		if (tokens == 1 && skipped_same && token != KS_JSON_KEY) {
			copy = json;
			*skipped_same = ks_json_skip(&copy, token) && ks_json_next(&copy) == KS_JSON_END;
		}
	}
}

/*
 * What our reader refuses and RFC 8259 allows: its limits.  What it accepts and jansson refuses:
 * numbers beyond a double.
 */
static bool meant(const char *error, const char *text, size_t len)
{
	/* jansson reads "8" and a NUL as the number 8. */
	if (error)
		return memchr(text, '\0', len) || !strcmp(error, "nested too deeply") ||
		       !strcmp(error, "too many members") || !strcmp(error, "the text is too long") ||
		       !strcmp(error, "a key is too long") || !strcmp(error, "a number is too long") ||
		       !strcmp(error, "keys that were made to look alike");
	for (size_t i = 0; i < len; i++)
		if (text[i] == 'e' || text[i] == 'E')
			return true;
	return len > 300;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *error;
	bool skipped = false;
	json_t *theirs;

	error = read_all(text, size, false, &skipped);
	CHECK(error || skipped);
	if (!error)
		CHECK(!read_all(text, size, true, NULL));
	else
		read_all(text, size, true, NULL);
	theirs = json_loadb(text, size,
			    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	if (!theirs != (error != NULL))
		CHECK(meant(error, text, size));
	json_decref(theirs);
	return 0;
}
