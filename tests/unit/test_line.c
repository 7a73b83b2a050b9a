// SPDX-License-Identifier: MIT
/*
 * test_line.c - request lines out of a stream of bytes.
 *
 * What could be wrong in the world: clients of the published protocol send no newline, a NUL, or
 * several requests at once; a hostile one sends a line without end.  Each test sends a stream, in
 * pieces of every size, and looks at the answers.
 */
#include "kit.h"

#include <stdlib.h>

#define ON_ALPHA "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"on\", \"alpha\"]}"
#define HIGH_BETA "{\"Virtue-protocol-version\": 0.1, \"request\": [\"" NONCE "\", \"high\", \"beta\"]}"

/* The words of the answers, the same for every size of the pieces. */
static void check_bytes(const char *stream, size_t len, const char *want)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 100000 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		json_t *lines = kit_stream(stream, len, pieces[i]), *line;
		char words[256] = "";
		size_t at;

		json_array_foreach(lines, at, line) {
			const json_t *reply = json_object_get(line, "reply");
			const char *word = json_string_value(json_array_get(reply, 1));
			const char *code = json_string_value(json_object_get(json_array_get(reply, 2), "code"));

			strcat(words, at ? " " : "");
			strcat(words, code ? code : word ? word : "?");
		}
		assert_string_equal(words, want);
	}
}

static void check(const char *stream, const char *want)
{
	check_bytes(stream, strlen(stream), want);
}

static void ends_of_line(void **state)
{
	(void)state;
	check(ON_ALPHA "\n", "on");
	check(ON_ALPHA "\r\n", "on");
	check(ON_ALPHA "\r", "on");
	check(ON_ALPHA, "on"); /* no newline: complete */
	check_bytes(ON_ALPHA "\0", sizeof(ON_ALPHA), "on");
	check_bytes(ON_ALPHA "\0\n", sizeof(ON_ALPHA) + 1, "on");
	check_bytes(ON_ALPHA "\n\0", sizeof(ON_ALPHA) + 1, "on");
	check_bytes("\0\0" ON_ALPHA "\n", sizeof(ON_ALPHA) + 2, "on");
	check("\n\n" ON_ALPHA "\n\r\n\n", "on");
	check("  \t " ON_ALPHA "  \t\n", "on");
}

static void several_requests_at_once(void **state)
{
	(void)state;
	check(ON_ALPHA "\n" HIGH_BETA "\n" ON_ALPHA "\n", "on high on");
	check(ON_ALPHA "\n" HIGH_BETA, "on high");
	check_bytes(ON_ALPHA "\0" HIGH_BETA "\0",
		    2 + 2 * (sizeof(ON_ALPHA) - 1) + sizeof(HIGH_BETA) - sizeof(ON_ALPHA), "on high");
	/* Something behind the brace on the same line is an error, and one error. */
	check(ON_ALPHA HIGH_BETA "\n", "syntax");
	check(ON_ALPHA "x\n" HIGH_BETA "\n", "syntax high");
}

/*
 * 4096 bytes with the newline pass; one more does not, is told once, and what follows its newline
 * is served.
 */
static void too_long(void **state)
{
	char *stream = malloc(20000);
	size_t len = sizeof(ON_ALPHA) - 1;

	(void)state;
	for (size_t total = 4094; total <= 4099; total++) {
		memset(stream, ' ', total);
		memcpy(stream, ON_ALPHA, len);
		stream[total - 1] = '\n';
		memcpy(stream + total, HIGH_BETA "\n", sizeof(HIGH_BETA));
		check_bytes(stream, total + sizeof(HIGH_BETA), total <= 4096 ? "on high" : "too-long high");
	}
	memset(stream, '[', 12000);
	memcpy(stream + 12000, "\n" HIGH_BETA "\n", sizeof(HIGH_BETA) + 1);
	check_bytes(stream, 12000 + sizeof(HIGH_BETA) + 1, "too-long high");
	/* Two of them are told twice. */
	memset(stream, 'x', 10000);
	stream[4999] = '\n';
	stream[9999] = '\n';
	memcpy(stream + 10000, ON_ALPHA, len);
	check_bytes(stream, 10000 + len, "too-long too-long on");
	free(stream);
}

/*
 * A request that is not complete is not served, however long nothing comes; strings and escapes
 * hide brackets.
 */
static void complete_is_known(void **state)
{
	static const struct {
		const char *text;
		bool complete;
	} some[] = {
		{ "{\"a\": \"]\"}", true },
		{ "{\"a\": \"\\\"}", false },
		{ "{}", true }, { "{", false }, { "{\"a\": \"}\"", false }, { "{\"a\": \"}\"}", true },
		{ "{\"a\": \"\\\"}\"", false }, { "{\"a\": \"\\\\\"}", true }, { "{\"a\": [1, 2]", false },
		{ "{\"a\": [1, 2]}", true }, { "{} ", true }, { "{} x", false }, { "word", false }, { "{a: b}", true },
		{ "", false }, { "{}{", false }, { "[1]", true }, { "{\"a\": [}", false }, { "{}\t", true },
		{ "{}}", false }, { "{}]", false }, { "}", false }, { "]", false }, { "{} \"", false },
		{ "{a: {b: c}", false }, { "\"}\"", false }, { "{\"\\n\"}", true }, { "{\"\\n\\\"}\"", false },
		{ "{\"{\"}", true }, { "{\"[\": 1}", true }, { "{a: }}", false },
	};
	struct ks_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		ks_line_init(&line);
		if (*some[i].text)
			ks_line_feed(&line, some[i].text, strlen(some[i].text));
		if (ks_line_complete(&line) != some[i].complete)
			fail_msg("complete is %d: %s", !some[i].complete, some[i].text);
		assert_false(line.ready);
	}
}

/*
 * Of the rest of a line that was too long nothing is served, not even what looks like a request.
 */
static void nothing_within_a_long_line(void **state)
{
	char *stream = malloc(6000);

	(void)state;
	memset(stream, 'x', 5000);
	memcpy(stream + 5000, ON_ALPHA, sizeof(ON_ALPHA));
	check_bytes(stream, 5000 + sizeof(ON_ALPHA) - 1, "too-long");
	free(stream);
}

/* What one line left open, a string or a bracket, is forgotten with the line. */
static void each_line_begins_anew(void **state)
{
	(void)state;
	check("{\"a\n" ON_ALPHA, "syntax on");
	check("{\"a\\\n" ON_ALPHA, "syntax on");
	check("{[{\n" ON_ALPHA, "syntax on");
	/*
	 * A NUL ends what is complete; within what is not, it is a byte of the line, and a wrong
	 * one.
	 */
	check_bytes("{\0" ON_ALPHA "\n" HIGH_BETA, sizeof("{\0" ON_ALPHA "\n" HIGH_BETA) - 1, "syntax high");
	/* Nor does it end a line that is too long. */
	check_bytes(ON_ALPHA "\n\0\0" HIGH_BETA "\0\0", sizeof(ON_ALPHA "\n\0\0" HIGH_BETA "\0\0") - 1, "on high");
}

/*
 * A feed takes no byte of the next line; a line that is too long is no request, however it began.
 */
static void feeds_end_with_the_line(void **state)
{
	struct ks_line line;
	char *bytes = malloc(KS_REQUEST_MAX + 1);

	(void)state;
	ks_line_init(&line);
	assert_int_equal(ks_line_feed(&line, "{}\n{}\n", 6), 3);
	assert_true(line.ready && !line.too_long && line.len == 2);
	assert_int_equal(ks_line_feed(&line, "{}\n", 3), 0);
	ks_line_next(&line);
	assert_false(line.ready);
	assert_int_equal(line.len, 0);
	assert_false(ks_line_complete(&line));
	memset(bytes, ' ', KS_REQUEST_MAX + 1);
	memcpy(bytes, "{}", 2);
	assert_int_equal(ks_line_feed(&line, bytes, KS_REQUEST_MAX + 1), KS_REQUEST_MAX);
	assert_true(line.too_long && !line.ready);
	assert_false(ks_line_complete(&line));
	ks_line_next(&line);
	assert_false(line.too_long);
	/* Still in the line that was too long, until its end. */
	assert_int_equal(ks_line_feed(&line, "{}", 2), 2);
	assert_false(ks_line_complete(&line) || line.ready || line.len);
	assert_int_equal(ks_line_feed(&line, "\r{}", 3), 3);
	assert_true(ks_line_complete(&line));
	/* Begun anew, also in the middle of such a line. */
	ks_line_next(&line);
	ks_line_feed(&line, bytes, KS_REQUEST_MAX);
	ks_line_init(&line);
	assert_int_equal(ks_line_feed(&line, "{}\n", 3), 3);
	assert_true(line.ready);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ends_of_line, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(several_requests_at_once, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(too_long, kit_setup, kit_teardown),
		cmocka_unit_test(complete_is_known),
		cmocka_unit_test_setup_teardown(each_line_begins_anew, kit_setup, kit_teardown),
		cmocka_unit_test(feeds_end_with_the_line),
		cmocka_unit_test_setup_teardown(nothing_within_a_long_line, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
