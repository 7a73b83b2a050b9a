// SPDX-License-Identifier: MIT
/*
 * test_text.c - writing JSON into a buffer of fixed size.
 *
 * What could be wrong in the world: a process calls itself by bytes that break the line (quotes, newlines, half a character), or a
 * number does not fit.  Each test writes and compares with the text that should be there, or asks jansson what it stands for.
 */
#include "kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static char buf[4096];
static struct ks_text text;

static void start(size_t size)
{
	ks_text_init(&text, buf, size);
}

static const char *written(void)
{
	buf[text.len] = '\0';
	return buf;
}

static void numbers(void **state)
{
	static const uint64_t some[] = { 0, 1, 9, 10, 11, 99, 100, 101, 12345, 999999, 1000000, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };
	char want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		start(sizeof(buf));
		ks_text_u64(&text, some[i]);
		snprintf(want, sizeof(want), "%" PRIu64, some[i]);
		assert_string_equal(written(), want);
		start(sizeof(buf));
		ks_text_s64(&text, (int64_t)some[i]);
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)some[i]);
		assert_string_equal(written(), want);
		start(sizeof(buf));
		ks_text_hex(&text, some[i]);
		snprintf(want, sizeof(want), "\"0x%" PRIx64 "\"", some[i]);
		assert_string_equal(written(), want);
	}
	start(sizeof(buf));
	ks_text_s64(&text, INT64_MIN);
	assert_string_equal(written(), "-9223372036854775808");
}

static void strings(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *want;
	} some[] = {
		{ "", 0, "\"\"" },
		{ "init", 4, "\"init\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "a\nb\rc\td", 7, "\"a\\u000ab\\u000dc\\u0009d\"" },
		{ "\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff\xfe", 2, "\"\\u00ff\\u00fe\"" },
		{ "\xc3", 1, "\"\\u00c3\"" },                              /* half a character at the end */
		{ "\xc0\x80", 2, "\"\\u00c0\\u0080\"" },                   /* overlong */
		{ "\xe0\x80\x80", 3, "\"\\u00e0\\u0080\\u0080\"" },        /* overlong */
		{ "\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\"" },        /* a surrogate */
		{ "\xf4\x90\x80\x80", 4, "\"\\u00f4\\u0090\\u0080\\u0080\"" }, /* beyond U+10FFFF */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		start(sizeof(buf));
		ks_text_string(&text, some[i].bytes, some[i].len);
		assert_false(text.full);
		assert_string_equal(written(), some[i].want);
	}
}

/* Any 1 to 15 bytes, as in a process name: strict JSON, and valid UTF-8 comes back as it was. */
static void any_bytes_make_strict_json(void **state)
{
	(void)state;
	port_reset();
	for (int round = 0; round < 20000; round++) {
		char name[15];
		size_t len = port_random_below(sizeof(name) + 1), at = 0;
		json_t *json;

		ks_port_random(name, len);
		for (size_t i = 0; i < len && round % 2; i++)
			name[i] = "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\"\\\n"[port_random_below(15)];
		start(sizeof(buf));
		ks_text_string(&text, name, len);
		json = json_loadb(buf, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(json);
		while (at < len && ks_utf8_len(name + at, len - at))
			at += ks_utf8_len(name + at, len - at);
		if (at == len) {
			assert_int_equal(json_string_length(json), len);
			assert_memory_equal(json_string_value(json), name, len);
		}
		json_decref(json);
	}
}

static void bytes_and_uuids(void **state)
{
	static const uint8_t uuid[16] = { 0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x42, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00 };
	char out[KS_UUID_TEXT];

	(void)state;
	start(sizeof(buf));
	ks_text_bytes(&text, "\x00\x7f\xff", 3);
	assert_string_equal(written(), "\"007fff\"");
	ks_uuid_text(out, uuid);
	assert_string_equal(out, "123e4567-e89b-42d3-a456-426614174000");
}

/* A buffer that is too small, by however much: nothing beyond it is written, and `full` says so. */
static void small_buffers(void **state)
{
	(void)state;
	for (size_t size = 0; size < 200; size++) {
		char *small = malloc(size + !size);

		ks_text_init(&text, small, size);
		ks_text_lit(&text, "{\"a\":");
		ks_text_string(&text, "x\n\xff\"y\xe2\x82\xac", 8);
		ks_text_member_u64(&text, "n", INT64_MAX); /* more is too much for jansson */
		ks_text_member_hex(&text, "h", UINT64_MAX);
		ks_text_member_str(&text, "s", "abc", 3);
		ks_text_member_bool(&text, "b", true);
		ks_text_lit(&text, ",\"x\":");
		ks_text_bytes(&text, "12345678", 8);
		ks_text_lit(&text, "}");
		assert_true(text.len <= size);
		if (!text.full) {
			json_t *json = json_loadb(small, text.len, JSON_REJECT_DUPLICATES, NULL);

			assert_non_null(json);
			json_decref(json);
		} else {
			assert_true(size < 130);
		}
		free(small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(any_bytes_make_strict_json),
		cmocka_unit_test(bytes_and_uuids),
		cmocka_unit_test(small_buffers),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
