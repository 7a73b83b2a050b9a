// SPDX-License-Identifier: MIT
/*
 * test_json.c - the JSON reader, strict and relaxed.
 *
 * What could be wrong in the world: a client sends what is no JSON and is understood as something else than it meant, or sends JSON and
 * is refused.  The strict reader is compared with jansson, text by text; the relaxed one with what PROTOCOL.md says.
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads the whole text, in an allocation of just its size.  Whether it was complete. */
static bool reads_bytes(const char *text, size_t len, bool relaxed)
{
	char *copy = malloc(len + !len);
	enum ks_json_token token;
	struct ks_json json;

	memcpy(copy, text, len);
	ks_json_init(&json, copy, len, relaxed);
	do {
		token = ks_json_next(&json);
	} while (token != KS_JSON_END && token != KS_JSON_ERROR);
	assert_int_equal(token, ks_json_next(&json)); /* it stays so */
	if (token == KS_JSON_ERROR)
		assert_non_null(json.error);
	free(copy);
	return token == KS_JSON_END;
}

static bool reads(const char *text, bool relaxed)
{
	return reads_bytes(text, strlen(text), relaxed);
}

static bool jansson_reads(const char *text, size_t len)
{
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);

	json_decref(json);
	return json != NULL;
}

/* Texts on which readers are known to differ; jansson says which are JSON. */
static const char *const tricky[] = {
	"", " ", "{}", "[]", "[[]]", "{\"a\":{}}", "[1,2]", "[1,]", "[,1]", "[1 2]", "[", "]", "{", "}", "{\"a\"}", "{\"a\":}",
	"{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{1:2}", "{a:1}", "{'a':1}", "[}", "{]", "[1]]", "{}{}", "[] []", "[]x",
	"true", "false", "null", "tru", "True", "TRUE", "nul", "truex", "[true]", "[truefalse]", "undefined", "NaN", "Infinity",
	"0", "-0", "00", "01", "-01", "-", "+1", "1.", ".1", "1.0", "1.0e", "1e5", "1E+5", "1e-5", "1e+", "1e5.5", "0x10", "1_000", "1,",
	"--1", "1-1", "-1.5e-10", "0.0", "0e0", "0e", "9007199254740993", "123456789012345678901234567890", "[1.2.3]", "[-]",
	"\"\"", "\"", "\"a", "\"a\"b", "\"a\"\"b\"", "\"\\\"", "\"\\\\\"", "\"\\/\"", "\"\\b\\f\\n\\r\\t\"", "\"\\a\"", "\"\\v\"",
	"\"\\x41\"", "\"\\'\"", "\"\\u\"", "\"\\u00\"", "\"\\u0041\"", "\"\\u00g1\"", "\"\\U0041\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"",
	"\"\\ud83d\"", "\"\\ude00\"", "\"\\ude00\\ud83d\"", "\"\\ud83d\\ud83d\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"", "\"\\uD83D\\uDE00\"",
	"\"\\uffff\"", "\"a\tb\"", "\"a\nb\"", "\"\x7f\"", "\"\xc3\xa4\"", "\"\xc3\"", "\"\xc3\xc3\"", "\"\xff\"", "\"\xc0\x80\"",
	"\"\xe2\x82\"", "\"\xe2\x82\xac\"", "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"",
	"\xef\xbb\xbf{}", "\xc3\xa4", "[\xc3\xa4]", "/* */ {}", "// x\n{}", "# x\n{}", "{\"a\":1}//", "[1]\n", "\n[1]\r\n\t ", "\v[1]",
	"\f[]", "[1]\xc2\xa0", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"a\":1,\"b\":{\"a\":1}}", "{\"a\":{\"b\":1},\"b\":1}",
	"[{\"a\":1},{\"a\":1}]", "{\"\":1}", "{\"\":1,\"\":2}", "{\"a\":[1,{\"b\":[]}]}", "{\"a\\\"b\":1,\"a\\u0022b\":2}",
	"{\"\xc3\xa4\":1,\"\\u00e4\":2}", "{null:1}", "{\"a\":b}", "[a]", "[\"a\",]", "[\"a\":1]", "{\"a\",1}", "(1)", "[1;2]", "\\", "[\\]",
};

static void strict_agrees_with_jansson(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tricky) / sizeof(*tricky); i++)
		if (reads(tricky[i], false) != jansson_reads(tricky[i], strlen(tricky[i])))
			fail_msg("ours %d, jansson's the other: %s", reads(tricky[i], false), tricky[i]);
	assert_false(reads_bytes("[1]\0", 4, false));
	assert_false(reads_bytes("\0[1]", 4, false));
	assert_false(reads_bytes("[\"a\0b\"]", 7, false));
}

/*
 * Mutations of JSON: a byte changed, taken out, put in, or two texts joined.  Known differences, which are meant: depth and members beyond our
 * limits (not reached here), and numbers beyond a double's range, which jansson refuses and RFC 8259 allows.
 */
static void strict_agrees_on_mutations(void **state)
{
	static const char bytes[] = "{}[]\",:\\ut0123456789eE+-. \t\n\xc3\xa4\x80\xff/x";
	const size_t count = sizeof(tricky) / sizeof(*tricky);
	unsigned int read = 0;
	char text[1024];

	(void)state;
	port_reset();
	for (int round = 0; round < port_rounds(300000); round++) {
		const char *a = tricky[port_random_below(count)], *b = tricky[port_random_below(count)];
		size_t len = strlen(a), at;
		bool ours, theirs;

		memcpy(text, a, len);
		switch (port_random_below(3)) {
		case 0: /* [a,b] */
			text[0] = '[';
			memcpy(text + 1, a, len++);
			text[len++] = ',';
			memcpy(text + len, b, strlen(b));
			len += strlen(b);
			text[len++] = ']';
			break;
		case 1: /* {"k":a} */
			memcpy(text, "{\"k\":", 5);
			memcpy(text + 5, a, len);
			len += 5;
			text[len++] = '}';
			break;
		}
		for (uint64_t n = port_random_below(3); n && len; n--) {
			at = port_random_below(len);
			switch (port_random_below(3)) {
			case 0:
				text[at] = bytes[port_random_below(sizeof(bytes) - 1)];
				break;
			case 1:
				memmove(text + at, text + at + 1, --len - at);
				break;
			case 2:
				memmove(text + at + 1, text + at, len++ - at);
				text[at] = bytes[port_random_below(sizeof(bytes) - 1)];
				break;
			}
		}
		ours = reads_bytes(text, len, false);
		theirs = jansson_reads(text, len);
		read += ours;
		/* 1e999: jansson's doubles end. */
		if (ours && !theirs && (memchr(text, 'e', len) || memchr(text, 'E', len)))
			continue;
		if (ours != theirs)
			fail_msg("ours %d, jansson's %d: %.*s", ours, theirs, (int)len, text);
		/* What is strict is relaxed as well. */
		if (ours)
			assert_true(reads_bytes(text, len, true));
	}
	assert_true(read > (unsigned int)port_rounds(300000) / 30);
}

static void relaxed_reads_bare_words(void **state)
{
	static const char *const good[] = {
		"{Virtue-protocol-version: 0.1, request: [4f1c0e6a9d2b4c58a7e3, discovery, *]}",
		"{a:b}", "{a: b, c: [d, e, {f: g}]}", "[*]", "[0x10, 1.2.3, -, +1, 01, tru, NaN]", "{\xc3\xa4: \xe2\x82\xac}", "[a-b_c/d\\e'f]",
		"{true: 1, null: 2, 5: 3}", "[ a ]", "word",
	};
	static const char *const bad[] = {
		"{a:b,}", "[a,]", "[,a]", "[a b]", "{a b}", "{a:b c:d}", "{a:1, a:2}", "{a:1, \"a\":2}", "{a:1, \"\\u0061\":2}", "[a\"b\"]",
		"[\"a\"b]", "[a\x01" "b]", "[a\x7f" "b]", "{:1}", "{a::b}", "{a:b}x", "{a:b}{}", "[\xff]", "[a\xc3]", "{[]:1}", "{a:b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!reads(good[i], true))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (reads(bad[i], true))
			fail_msg("accepted: %s", bad[i]);
}

static enum ks_json_token type_of(const char *text)
{
	struct ks_json json;

	ks_json_init(&json, text, strlen(text), true);
	return ks_json_next(&json);
}

/* true, false, null and numbers keep their meaning; what only looks like one is a word. */
static void relaxed_keeps_json_meaning(void **state)
{
	(void)state;
	assert_int_equal(type_of("true"), KS_JSON_TRUE);
	assert_int_equal(type_of("false"), KS_JSON_FALSE);
	assert_int_equal(type_of("null"), KS_JSON_NULL);
	assert_int_equal(type_of("17"), KS_JSON_NUMBER);
	assert_int_equal(type_of("-1.5e3"), KS_JSON_NUMBER);
	assert_int_equal(type_of("True"), KS_JSON_STRING);
	assert_int_equal(type_of("017"), KS_JSON_STRING);
	assert_int_equal(type_of("4f1c"), KS_JSON_STRING);
	assert_int_equal(type_of("\"17\""), KS_JSON_STRING);
}

/* Depth and members are bounded, so that a text costs no memory: 32 deep, 64 members open at one time. */
static void limits(void **state)
{
	char text[4096], *p = text;

	(void)state;
	memset(text, '[', 32);
	memset(text + 32, ']', 32);
	assert_true(reads_bytes(text, 64, false));
	memset(text, '[', 33);
	memset(text + 33, ']', 33);
	assert_false(reads_bytes(text, 66, false));
	for (int members = 63; members <= 65; members++) {
		p = text;
		*p++ = '{';
		for (int i = 0; i < members; i++)
			p += sprintf(p, "%s\"k%d\":{}", i ? "," : "", i);
		*p++ = '}';
		assert_int_equal(reads_bytes(text, (size_t)(p - text), false), members <= 64);
	}
	/* Members of objects that are closed do not count. */
	p = text;
	*p++ = '[';
	for (int i = 0; i < 200; i++)
		p += sprintf(p, "%s{\"a\":{\"b\":1}}", i ? "," : "");
	*p++ = ']';
	assert_true(reads_bytes(text, (size_t)(p - text), false));
}

/* Keys have up to 32 bytes, 64 with their escapes, and numbers up to 64: nothing that the sensor knows has more. */
static void limits_of_length(void **state)
{
	char key[256], text[512];

	(void)state;
	for (unsigned int bytes = 31; bytes <= 33; bytes++) {
		memset(key, 'k', bytes);
		key[bytes] = '\0';
		sprintf(text, "{\"%s\":1}", key);
		assert_int_equal(reads(text, false), bytes <= KS_JSON_KEY_MAX);
		sprintf(text, "{%s:1}", key);
		assert_int_equal(reads(text, true), bytes <= KS_JSON_KEY_MAX);
		for (unsigned int i = 0; i < bytes; i++)
			memcpy(key + 2 * i, "\\n", 3);
		sprintf(text, "{\"%s\":1}", key);
		assert_int_equal(reads(text, false), bytes <= KS_JSON_KEY_MAX);
	}
	for (unsigned int escapes = 10; escapes <= 11; escapes++) {
		for (unsigned int i = 0; i < escapes; i++)
			memcpy(key + 6 * i, "\\u006b", 7);
		sprintf(text, "{\"%s\":1}", key);
		assert_int_equal(reads(text, false), escapes == 10);
	}
	for (unsigned int bytes = 63; bytes <= 65; bytes++) {
		memset(text, '7', bytes);
		text[bytes] = '\0';
		assert_int_equal(reads(text, false), bytes <= KS_JSON_NUMBER_MAX);
		assert_int_equal(reads(text, true), bytes <= KS_JSON_NUMBER_MAX);
		/* What only begins like a number may be as long as any word. */
		text[bytes - 1] = 'x';
		assert_true(reads(text, true));
	}
}

/* The hash by which the reader tells keys apart. */
static uint64_t mixed(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* A key of 24 bytes that has the same hash as every other one made here.  The hash is as it was after the second word; that is found by trying. */
static void look_alike(char key[25])
{
	for (;;) {
		uint64_t words[3], hash;
		bool printable = true;

		for (int i = 0; i < 16; i++)
			((char *)words)[i] = (char)('a' + port_random_below(26));
		hash = mixed(mixed(0, words[0]), words[1]);
		/* The word that brings every hash to one and the same. */
		words[2] = hash ^ 0x3132333431323334ULL ^ mixed(mixed(0, 0x6161616161616161ULL), 0x6161616161616161ULL);
		for (int i = 16; i < 24; i++) {
			unsigned char c = ((unsigned char *)words)[i];

			printable &= c > ' ' && c < 0x7f && c != '"' && c != '\\';
		}
		if (!printable)
			continue;
		memcpy(key, words, 24);
		key[24] = '\0';
		return;
	}
}

/*
 * Somebody makes many keys of one hash, so that each is compared with all others, byte by byte (4.2 million instructions in one line of 3.4 KB).
 * The third such pair ends the text; two may happen to an honest one, though nobody will see it.
 */
static void keys_that_look_alike(void **state)
{
	struct ks_json json;
	char key[25], text[1024];
	size_t len = 0;

	(void)state;
	port_reset();
	text[len++] = '{';
	for (int keys = 1; keys <= 8; keys++) {
		enum ks_json_token token;

		look_alike(key);
		len += (size_t)sprintf(text + len, "%s\"%s\":1", keys > 1 ? "," : "", key);
		text[len] = '}';
		ks_json_init(&json, text, len + 1, false);
		do {
			token = ks_json_next(&json);
		} while (token != KS_JSON_END && token != KS_JSON_ERROR);
		assert_int_equal(token, keys <= 2 ? KS_JSON_END : KS_JSON_ERROR);
	}
	assert_string_equal(json.error, "keys that were made to look alike");
}

/* Whoever wants to bound what a text costs says how many tokens there may be. */
static void bounded_tokens(void **state)
{
	static const char text[] = "{\"a\":[1,{}]}"; /* eight, and its end */

	(void)state;
	for (uint32_t most = 0; most <= 10; most++) {
		enum ks_json_token token;
		struct ks_json json;
		uint32_t read = 0;

		ks_json_init(&json, text, strlen(text), false);
		json.tokens_left = most;
		while ((token = ks_json_next(&json)) != KS_JSON_END && token != KS_JSON_ERROR)
			read++;
		assert_int_equal(read, most < 8 ? most : 8);
		assert_int_equal(token, most < 8 ? KS_JSON_ERROR : KS_JSON_END);
	}
}

static struct ks_json_value value_of(const char *text)
{
	struct ks_json json;

	ks_json_init(&json, text, strlen(text), true);
	ks_json_next(&json);
	return json.value;
}

/* Strings are compared and copied by what they stand for. */
static void strings_by_meaning(void **state)
{
	struct ks_json_value plain = value_of("\"domain\xe2\x82\xac\xf0\x9f\x98\x80\"");
	struct ks_json_value escaped = value_of("\"d\\u006fmain\\u20ac\\ud83d\\uDE00\"");
	char out[32];

	(void)state;
	assert_true(ks_json_same(&plain, &escaped));
	assert_true(ks_json_same(&escaped, &plain));
	assert_int_equal(ks_json_string(&escaped, out, sizeof(out)), 13);
	assert_memory_equal(out, "domain\xe2\x82\xac\xf0\x9f\x98\x80", 13);
	assert_int_equal(ks_json_string(&escaped, out, 12), -1);
	assert_int_equal(ks_json_string(&escaped, out, 13), 13);
	assert_true(ks_json_is(&escaped, "domain\xe2\x82\xac\xf0\x9f\x98\x80", 13));
	assert_false(ks_json_is(&escaped, "domain", 6));
	escaped = value_of("\"\\u0000\\n\\\\\\/\"");
	assert_int_equal(ks_json_string(&escaped, out, sizeof(out)), 4);
	assert_memory_equal(out, "\0\n\\/", 4);
	/* A backslash in a bare word is a backslash. */
	plain = value_of("a\\u0041");
	assert_true(ks_json_is(&plain, "a\\u0041", 7));
}

static void whole_numbers(void **state)
{
	struct ks_json_value value;
	uint64_t number;

	(void)state;
	value = value_of("18446744073709551615");
	assert_true(ks_json_u64(&value, &number) && number == UINT64_MAX);
	value = value_of("0");
	assert_true(ks_json_u64(&value, &number) && number == 0);
	for (int i = 0; i < 7; i++) {
		static const char *const none[] = { "18446744073709551616", "99999999999999999999", "-1", "1.0", "1e2", "\"1\"", "true" };

		value = value_of(none[i]);
		assert_false(ks_json_u64(&value, &number));
	}
}

/* The rest of a value can be passed over, whatever is in it. */
static void skipping(void **state)
{
	static const char text[] = "{\"a\": [1, {\"b\": [[]]}, 2], \"c\": 3}";
	struct ks_json json;

	(void)state;
	ks_json_init(&json, text, strlen(text), false);
	assert_int_equal(ks_json_next(&json), KS_JSON_OBJECT);
	assert_int_equal(ks_json_next(&json), KS_JSON_KEY);
	assert_true(ks_json_skip(&json, ks_json_next(&json)));
	assert_int_equal(ks_json_next(&json), KS_JSON_KEY);
	assert_true(ks_json_is(&json.value, "c", 1));
	assert_true(ks_json_skip(&json, ks_json_next(&json)));
	assert_int_equal(ks_json_next(&json), KS_JSON_OBJECT_END);
	assert_int_equal(ks_json_next(&json), KS_JSON_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_agrees_with_jansson),
		cmocka_unit_test(strict_agrees_on_mutations),
		cmocka_unit_test(relaxed_reads_bare_words),
		cmocka_unit_test(relaxed_keeps_json_meaning),
		cmocka_unit_test(limits),
		cmocka_unit_test(limits_of_length),
		cmocka_unit_test(keys_that_look_alike),
		cmocka_unit_test(bounded_tokens),
		cmocka_unit_test(strings_by_meaning),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(skipping),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
