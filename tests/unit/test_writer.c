// SPDX-License-Identifier: MIT
/*
 * test_writer.c - writing JSON into a buffer of fixed size.
 *
 * What could be wrong in the world: a process calls itself by bytes that break the line (quotes,
 * newlines, half a character), or a number does not fit.  Each test writes and compares with the
 * text that should be there, or asks jansson what it stands for.
 */
#include "kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static char buf[4096];
static struct ks_writer text;

static void start(size_t size)
{
	ks_writer_init(&text, buf, size);
}

static const char *written(void)
{
	buf[text.len] = '\0';
	return buf;
}

static void numbers(void **state)
{
	static const uint64_t some[] = {
		0, 1, 9, 10, 11, 99, 100, 101, 12345, 999999, 1000000, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX,
	};
	char want[32];
	bool negative;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		start(sizeof(buf));
		ks_write_u64(&text, some[i]);
		snprintf(want, sizeof(want), "%" PRIu64, some[i]);
		assert_string_equal(written(), want);
		start(sizeof(buf));
		ks_write_s64(&text, (int64_t)some[i]);
		snprintf(want, sizeof(want), "%" PRId64, (int64_t)some[i]);
		assert_string_equal(written(), want);
		start(sizeof(buf));
		ks_write_hex(&text, some[i]);
		snprintf(want, sizeof(want), "\"0x%" PRIx64 "\"", some[i]);
		assert_string_equal(written(), want);
		start(sizeof(buf));
		ks_write_signed_hex(&text, (int64_t)some[i]);
		negative = (int64_t)some[i] < 0;
		snprintf(want, sizeof(want), "\"%s0x%" PRIx64 "\"", negative ? "-" : "",
			 negative ? 0 - some[i] : some[i]);
		assert_string_equal(written(), want);
	}
	start(sizeof(buf));
	ks_write_s64(&text, INT64_MIN);
	assert_string_equal(written(), "-9223372036854775808");
	start(sizeof(buf));
	ks_write_signed_hex(&text, INT64_MIN);
	assert_string_equal(written(), "\"-0x8000000000000000\"");
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
		/* half a character at the end */
		{ "\xc3", 1, "\"\\u00c3\"" },
		{ "\xc0\x80", 2, "\"\\u00c0\\u0080\"" },                   /* overlong */
		{ "\xe0\x80\x80", 3, "\"\\u00e0\\u0080\\u0080\"" },        /* overlong */
		{ "\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\"" },        /* a surrogate */
		/* beyond U+10FFFF */
		{ "\xf4\x90\x80\x80", 4, "\"\\u00f4\\u0090\\u0080\\u0080\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		start(sizeof(buf));
		ks_write_string(&text, some[i].bytes, some[i].len);
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
		ks_write_string(&text, name, len);
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

/*
 * What RFC 3629, section 4, allows, written as it stands there: one row for each form, from and to
 * of each byte.  The length of the sequence that @b begins with, or 0.
 */
static size_t rfc3629_len(const uint8_t *b, size_t len)
{
	static const struct {
		size_t len;
		uint8_t first[2], second[2];
	} forms[] = {
		{ 1, { 0x00, 0x7f }, { 0 } }, { 2, { 0xc2, 0xdf }, { 0x80, 0xbf } },
		{ 3, { 0xe0, 0xe0 }, { 0xa0, 0xbf } }, { 3, { 0xe1, 0xec }, { 0x80, 0xbf } },
		{ 3, { 0xed, 0xed }, { 0x80, 0x9f } }, { 3, { 0xee, 0xef }, { 0x80, 0xbf } },
		{ 4, { 0xf0, 0xf0 }, { 0x90, 0xbf } }, { 4, { 0xf1, 0xf3 }, { 0x80, 0xbf } },
		{ 4, { 0xf4, 0xf4 }, { 0x80, 0x8f } },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t at = 2;

		if (len < forms[i].len || b[0] < forms[i].first[0] || b[0] > forms[i].first[1])
			continue;
		if (forms[i].len > 1 && (b[1] < forms[i].second[0] || b[1] > forms[i].second[1]))
			continue;
		while (at < forms[i].len && b[at] >= 0x80 && b[at] <= 0xbf)
			at++;
		if (at >= forms[i].len)
			return forms[i].len;
	}
	return 0;
}

/*
 * Four bytes of all that lie on a border of RFC 3629, whole and cut off: overlong forms,
 * surrogates, beyond U+10FFFF, and their neighbours.
 */
static void utf8_at_its_borders(void **state)
{
	static const uint8_t borders[] = {
		0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
		0xee, 0xef, 0xf0,
		0xf1, 0xf3, 0xf4, 0xf5, 0xff,
	};
	const unsigned int count = sizeof(borders);

	(void)state;
	assert_int_equal(ks_utf8_len("", 0), 0);
	for (unsigned int i = 0; i < count * count * count * count; i++) {
		uint8_t bytes[4] = { borders[i % count], borders[i / count % count],
				     borders[i / count / count % count], borders[i / count / count / count] };

		for (size_t len = 1; len <= 4; len++)
			if (ks_utf8_len((const char *)bytes, len) != rfc3629_len(bytes, len))
				fail_msg("%02x %02x %02x %02x, %zu of them: %zu", bytes[0], bytes[1], bytes[2],
					 bytes[3], len, ks_utf8_len((const char *)bytes, len));
	}
}

/*
 * What stands for itself in a string ends at the same byte wherever in a word of eight it lies,
 * and whatever the neighbours are.
 */
static void plain_bytes_end_where_they_end(void **state)
{
	static const char around[] = { 'a', ' ', '!', '#', '[', ']', '~' };

	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';

		for (size_t len = 1; len <= 24; len++) {
			for (size_t at = 0; at < len; at++) {
				char *bytes = malloc(len);

				memset(bytes, around[(at + byte) % sizeof(around)], len);
				bytes[at] = (char)byte;
				assert_int_equal(ks_plain_len(bytes, len), plain ? len : at);
				free(bytes);
			}
		}
	}
	assert_int_equal(ks_plain_len("", 0), 0);
}

/*
 * Control characters of one byte (C0, DEL) and of two (C1, U+0080 to U+009F) are escaped; what
 * follows them, U+00A0, stands for itself.
 */
static void control_characters(void **state)
{
	(void)state;
	for (unsigned int code = 0; code < 0x100; code++) {
		bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
		char bytes[3] = { (char)code }, want[16];
		size_t len = 1;

		if (code >= 0x80) {
			bytes[0] = (char)(0xc0 | code >> 6);
			bytes[1] = (char)(0x80 | (code & 0x3f));
			len = 2;
		}
		if (control)
			snprintf(want, sizeof(want), "\"\\u%04x\"", code);
		else
			snprintf(want, sizeof(want), "\"%s%s\"", code == '"' || code == '\\' ? "\\" : "", bytes);
		start(sizeof(buf));
		ks_write_string(&text, bytes, len);
		assert_string_equal(written(), want);
	}
	/* A second byte below 0xa0 makes a control character of 0xc2 alone. */
	start(sizeof(buf));
	ks_write_string(&text, "\xc3\x80\xc3\x9f\xe0\xa0\x80", 7);
	assert_string_equal(written(), "\"\xc3\x80\xc3\x9f\xe0\xa0\x80\"");
}

static void bytes_and_uuids(void **state)
{
	static const uint8_t uuid[16] = {
		0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x42, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00,
	};
	char out[KS_UUID_TEXT];

	(void)state;
	start(sizeof(buf));
	ks_write_bytes(&text, "\x00\x7f\xff", 3);
	assert_string_equal(written(), "\"007fff\"");
	ks_uuid_text(out, uuid);
	assert_string_equal(out, "123e4567-e89b-42d3-a456-426614174000");
}

/*
 * Every writer fits where its text just fits, and says so where one byte is missing, without a
 * byte of it.
 */
static void just_fits(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 24; size++) {
		start(size);
		ks_write_put(&text, "abcde", 5);
		assert_int_equal(text.full, size < 5);
		assert_int_equal(text.len, size < 5 ? 0 : 5);
		start(size);
		ks_write_bytes(&text, "\x01\x23\x45", 3);
		assert_int_equal(text.full, size < 8);
		assert_int_equal(text.len, size < 8 ? 0 : 8);
		start(size);
		ks_write_bytes(&text, "", 0);
		assert_int_equal(text.full, size < 2);
		assert_int_equal(text.len, size < 2 ? 0 : 2);
		start(size);
		ks_write_u64(&text, UINT64_MAX);
		assert_int_equal(text.full, size < 20);
		start(size);
		ks_write_hex(&text, UINT64_MAX);
		assert_int_equal(text.full, size < 20);
		assert_int_equal(text.len, size < 20 ? 0 : 20);
		start(size);
		ks_write_string(&text, "abc", 3);
		assert_int_equal(text.full, size < 5);
	}
}

/*
 * A buffer that is too small, by however much: nothing beyond it is written, and `full` says so.
 */
static void small_buffers(void **state)
{
	(void)state;
	for (size_t size = 0; size < 200; size++) {
		char *small = malloc(size + !size);

		ks_writer_init(&text, small, size);
		ks_write_lit(&text, "{\"a\":");
		ks_write_string(&text, "x\n\xff\"y\xe2\x82\xac", 8);
		ks_write_member_count(&text, "n", INT64_MAX); /* more is too much for jansson */
		ks_write_member_hex(&text, "h", UINT64_MAX);
		ks_write_member_str(&text, "s", "abc", 3);
		ks_write_member_bool(&text, "b", true);
		ks_write_lit(&text, ",\"x\":");
		ks_write_bytes(&text, "12345678", 8);
		ks_write_lit(&text, "}");
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
		cmocka_unit_test(utf8_at_its_borders),
		cmocka_unit_test(plain_bytes_end_where_they_end),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(bytes_and_uuids),
		cmocka_unit_test(just_fits),
		cmocka_unit_test(small_buffers),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
