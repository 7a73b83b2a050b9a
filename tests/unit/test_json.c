// SPDX-License-Identifier: MIT
/*
 * test_json.c - the JSON reader, strict and relaxed.
 *
 * What could be wrong in the world: a client sends what is no JSON and is understood as something
 * else than it meant, or sends JSON and is refused.  The strict reader is compared with jansson,
 * text by text; the relaxed one with what PROTOCOL.md says.
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
	json_t *json = json_loadb(
		text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);

	json_decref(json);
	return json != NULL;
}

/* Texts on which readers are known to differ; jansson says which are JSON. */
static const char *const tricky[] = {
	"", " ", "{}", "[]", "[[]]", "{\"a\":{}}", "[1,2]", "[1,]", "[,1]", "[1 2]", "[", "]", "{", "}", "{\"a\"}",
	"{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{1:2}", "{a:1}", "{'a':1}", "[}", "{]",
	"[1]]", "{}{}", "[] []", "[]x", "true", "false", "null", "tru", "True", "TRUE", "nul", "truex", "[true]",
	"[truefalse]", "undefined", "NaN", "Infinity", "0", "-0", "00", "01", "-01", "-", "+1", "1.", ".1", "1.0",
	"1.0e", "1e5", "1E+5", "1e-5", "1e+", "1e5.5", "0x10", "1_000", "1,", "--1", "1-1", "-1.5e-10", "0.0", "0e0",
	"0e", "9007199254740993", "123456789012345678901234567890", "[1.2.3]", "[-]", "\"\"", "\"", "\"a", "\"a\"b",
	"\"a\"\"b\"", "\"\\\"", "\"\\\\\"", "\"\\/\"", "\"\\b\\f\\n\\r\\t\"", "\"\\a\"", "\"\\v\"", "\"\\x41\"",
	"\"\\'\"", "\"\\u\"", "\"\\u00\"", "\"\\u0041\"", "\"\\u00g1\"", "\"\\U0041\"", "\"\\u0000\"",
	"\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ude00\\ud83d\"", "\"\\ud83d\\ud83d\"", "\"\\ud83dx\"",
	"\"\\ud83d\\n\"", "\"\\uD83D\\uDE00\"", "\"\\uffff\"", "\"a\tb\"", "\"a\nb\"", "\"\x7f\"", "\"\xc3\xa4\"",
	"\"\xc3\"", "\"\xc3\xc3\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xe2\x82\"", "\"\xe2\x82\xac\"", "\"\xed\xa0\x80\"",
	"\"\xf0\x9f\x98\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"", "\xef\xbb\xbf{}", "\xc3\xa4",
	"[\xc3\xa4]", "/* */ {}", "// x\n{}", "# x\n{}", "{\"a\":1}//", "[1]\n", "\n[1]\r\n\t ", "\v[1]", "\f[]",
	"[1]\xc2\xa0", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"a\":1,\"b\":{\"a\":1}}",
	"{\"a\":{\"b\":1},\"b\":1}", "[{\"a\":1},{\"a\":1}]", "{\"\":1}", "{\"\":1,\"\":2}", "{\"a\":[1,{\"b\":[]}]}",
	"{\"a\\\"b\":1,\"a\\u0022b\":2}", "{\"\xc3\xa4\":1,\"\\u00e4\":2}", "{null:1}", "{\"a\":b}", "[a]", "[\"a\",]",
	"[\"a\":1]", "{\"a\",1}", "(1)", "[1;2]", "\\", "[\\]",
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
 * Mutations of JSON: a byte changed, taken out, put in, or two texts joined.  Known differences,
 * which are meant: depth and members beyond our limits (not reached here), and numbers beyond a
 * double's range, which jansson refuses and RFC 8259 allows.
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

/*
 * Both readers judge the text alike; where it is a string, and both take it, it stands for the
 * same bytes.
 */
static void agrees(const char *text, size_t len)
{
	json_t *theirs = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
	struct ks_json json;
	char out[64];
	int out_bytes;

	if (reads_bytes(text, len, false) != (theirs != NULL))
		fail_msg("ours %d, jansson's %d: %.*s", reads_bytes(text, len, false), theirs != NULL, (int)len, text);
	if (json_is_string(theirs)) {
		ks_json_init(&json, text, len, false);
		assert_int_equal(ks_json_next(&json), KS_JSON_STRING);
		out_bytes = ks_json_string(&json.value, out, sizeof(out));
		assert_int_equal(out_bytes, json_string_length(theirs));
		assert_memory_equal(out, json_string_value(theirs), (size_t)out_bytes);
	}
	json_decref(theirs);
}

/*
 * Every byte where a value, a number's digit, a string's character, an escape's letter or a hex
 * digit stands.
 */
static void every_byte_in_every_place(void **state)
{
	static const char *const places[] = {
		"[ 1]", "[1 ]", "[1 2]", "[1. ]", "[1e ]", "[- ]", " 7", "7 ", "\" \"", "\"a b\"", "\"\\ \"",
		"\"\\ 0041\"", "\"\\u 0a1\"", "\"\\u0 a1\"", "\"\\u00 1\"", "\"\\u004 \"", "{ }", "{\"a\" 1}",
		"{\"a\":1 }", "{ \"a\":1}", "[[] []]", "\"\xc3 \"", "\"\xe2 \xac\"", "\"\xe2\x82 \"",
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		size_t len = strlen(places[i]);

		for (unsigned int byte = 0; byte < 256; byte++) {
			memcpy(text, places[i], len + 1);
			*strchr(text, ' ') = (char)byte;
			if (byte)
				agrees(text, len);
			else
				/* jansson takes some of these */
				assert_false(reads_bytes(text, len, false));
		}
	}
}

/*
 * "\\u" with every number, and two of them at the borders of the surrogates: read by jansson, each
 * is the same character.
 */
static void every_escaped_character(void **state)
{
	static const unsigned int borders[] = { 0,	0x7f,	0x80,	0x7ff,	0x800,	0xd7ff, 0xd800, 0xd801,
						0xd83d, 0xdbff, 0xdc00, 0xde00, 0xdfff, 0xe000, 0xffff };
	const size_t count = sizeof(borders) / sizeof(*borders);
	char text[32];

	(void)state;
	for (unsigned int code = 0; code < 0x10000; code += getenv("KS_SLOW") ? 61 : 1) {
		snprintf(text, sizeof(text), code & 1 ? "\"\\u%04x\"" : "\"\\u%04X\"", code);
		agrees(text, strlen(text));
	}
	for (size_t i = 0; i < count * count; i++) {
		snprintf(text, sizeof(text), "\"\\u%04x\"", borders[i % count]);
		agrees(text, strlen(text));
		snprintf(text, sizeof(text), "\"\\u%04x\\u%04x\"", borders[i % count], borders[i / count]);
		agrees(text, strlen(text));
		/* What is no second half: cut off, or another escape. */
		for (size_t len = 8; len < 13; len++) {
			memcpy(text + len, "\"", 2);
			agrees(text, len + 1);
		}
		snprintf(text, sizeof(text), "\"\\u%04x\\n%04x\"", borders[i % count], borders[i / count]);
		agrees(text, strlen(text));
		snprintf(text, sizeof(text), "\"\\u%04xu%05x\"", borders[i % count], borders[i / count]);
		agrees(text, strlen(text));
	}
}

/*
 * A bare word ends where PROTOCOL says: at white space, control characters and punctuation; all
 * other characters belong to it.
 */
static void every_byte_in_a_bare_word(void **state)
{
	char text[] = "[a b]", key[] = "{a b:1}", alone[] = "[ ]";

	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		bool in_word = byte > 0x20 && byte < 0x7f && !strchr(",:[]{}\"", (int)byte);
		bool space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';

		text[2] = key[2] = alone[1] = (char)byte;
		assert_int_equal(reads_bytes(text, 5, true), in_word || byte == ',');
		assert_int_equal(reads_bytes(key, 7, true), in_word);
		assert_int_equal(reads_bytes(alone, 3, true), in_word || space);
	}
}

/* What is told of a text that is none, and where that begins: a client's author reads it. */
static void what_is_wrong_is_told(void **state)
{
	static const struct {
		const char *text;
		bool relaxed;
		const char *error;
	} some[] = {
		{ "\"a", false, "a string does not end" },
		{ "\"\\", false, "a string does not end" },
		{ "\"\\x\"", false, "a string has an escape that is none" },
		{ "\"\\u12", false, "a string does not end" },
		{ "\"\x1f\"", false, "a string has a control character" },
		{ "\"\xff\"", false, "a string is not valid UTF-8" },
		{ "\"\x80\"", false, "a string is not valid UTF-8" },
		{ "[a\xff]", true, "a word is not valid UTF-8" },
		{ "[\x01]", true, "a control character between values" },
		{ "{\x01:1}", true, "a control character between values" },
		{ "{1:2}", false, "a key was expected" },
		{ "{[:2}", true, "a key was expected" },
		{ "{\"a\" 1}", false, "a colon was expected" },
		{ "{\"a\"", false, "a colon was expected" },
		{ "[1}", false, "a bracket that does not match" },
		{ "{\"a\":1]", false, "a bracket that does not match" },
		{ "[,]", false, "a value was expected" },
		{ "[1 2]", false, "a comma was expected" },
		{ "[1]]", false, "something follows the end" },
		{ "[1", false, "the line ends too early" },
		{ "[1,", false, "the line ends too early" },
		{ "{\"a\":1,\"a\":2}", false, "a key stands twice" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", false, "nested too deeply" },
		{ "[tru]", false, "a word that is no value" },
		{ "[77777777777777777777777777777777777777777777777777777777777777777]", false,
		  "a number is too long" },
		{ "{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\":1}", false, "a key is too long" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		struct ks_json json;
		enum ks_json_token token;

		ks_json_init(&json, some[i].text, strlen(some[i].text), some[i].relaxed);
		do {
			token = ks_json_next(&json);
		} while (token != KS_JSON_ERROR && token != KS_JSON_END);
		assert_int_equal(token, KS_JSON_ERROR);
		assert_string_equal(json.error, some[i].error);
		assert_int_equal(json.value.type, KS_JSON_ERROR);
		assert_ptr_equal(json.value.text, json.pos);
		/* For good, and the first fault is the one that is told. */
		for (int n = 0; n < 3; n++)
			assert_int_equal(ks_json_next(&json), KS_JSON_ERROR);
		assert_string_equal(json.error, some[i].error);
	}
}

static void relaxed_reads_bare_words(void **state)
{
	static const char *const good[] = {
		"{Virtue-protocol-version: 0.1, request: [4f1c0e6a9d2b4c58a7e3, discovery, *]}",
		"{a:b}", "{a: b, c: [d, e, {f: g}]}", "[*]", "[0x10, 1.2.3, -, +1, 01, tru, NaN]",
		"{\xc3\xa4: \xe2\x82\xac}", "[a-b_c/d\\e'f]", "{true: 1, null: 2, 5: 3}", "[ a ]", "word",
		"{a\\u0062: 1, ab: 2}", "{ab: 1, a\\u0062: 2}", "{a\\u0062: 1, \"ab\": 2}",
	};
	static const char *const bad[] = {
		"{a:b,}", "[a,]", "[,a]", "[a b]", "{a b}", "{a:b c:d}", "{a:1, a:2}", "{a:1, \"a\":2}",
		"{a:1, \"\\u0061\":2}", "[a\"b\"]", "{a\\: 1, \"a\\\\\": 2}", "{\"a\\\\\": 1, a\\: 2}", "[\"a\"b]",
		"[a\x01" "b]", "[a\x7f" "b]", "{:1}", "{a::b}", "{a:b}x", "{a:b}{}", "[\xff]", "[a\xc3]", "{[]:1}",
		"{a:b",
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

/*
 * Depth and members are bounded, so that a text costs no memory: 32 deep, 64 members open at one
 * time.
 */
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
	/*
	 * Objects as deep, each with its own key; and in turn with arrays, so that every depth has
	 * been both.
	 */
	for (int depth = 31; depth <= 33; depth++) {
		p = text;
		for (int i = 0; i < depth; i++)
			p += sprintf(p, "{\"k\":");
		p += sprintf(p, "1");
		for (int i = 0; i < depth; i++)
			p += sprintf(p, "}");
		assert_int_equal(reads(text, false), depth <= 32);
	}
	p = text;
	*p++ = '[';
	for (int first = 0; first < 2; first++) {
		for (int i = 0; i < 31; i++)
			p += sprintf(p, (i + first) % 2 ? "{\"k\":" : "[");
		p += sprintf(p, "1");
		for (int i = 30; i >= 0; i--)
			p += sprintf(p, (i + first) % 2 ? "}" : "]");
		p += sprintf(p, first ? "]" : ",");
	}
	assert_true(reads(text, false));
	for (char *at = text; *at; at++) {
		char was = *at;

		if (was != '}' && was != ']')
			continue;
		*at = was == '}' ? ']' : '}';
		assert_false(reads(text, false));
		*at = was;
	}
	/* Members of objects that are closed do not count. */
	p = text;
	*p++ = '[';
	for (int i = 0; i < 200; i++)
		p += sprintf(p, "%s{\"a\":{\"b\":1}}", i ? "," : "");
	*p++ = ']';
	assert_true(reads_bytes(text, (size_t)(p - text), false));
}

/*
 * Keys have up to 32 bytes, 64 with their escapes, and numbers up to 64: nothing that the sensor
 * knows has more.
 */
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
	/* One byte that is in no number makes a word of it, but not behind so many that are. */
	for (unsigned int byte = '!'; byte < 0x7f; byte++) {
		bool in_number = strchr("0123456789.-+eE", (int)byte);

		if (strchr("\",:[]{}", (int)byte))
			continue;
		memset(text, '7', 100);
		text[100] = '\0';
		for (unsigned int at = 0; at <= 65; at++) {
			text[at] = (char)byte;
			assert_int_equal(reads(text, true), !in_number && at < 65);
			text[at] = '7';
		}
	}
}

/* The hash by which the reader tells keys apart. */
static uint64_t mixed(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/*
 * A key of 24 bytes that has the same hash as every other one made here.  The hash is as it was
 * after the second word; that is found by trying.
 */
static void look_alike(char key[25])
{
	for (;;) {
		uint64_t words[3], hash;
		bool printable = true;

		for (int i = 0; i < 16; i++)
			((char *)words)[i] = (char)('a' + port_random_below(26));
		hash = mixed(mixed(0, words[0]), words[1]);
		/* The word that brings every hash to one and the same. */
		words[2] =
			hash ^ 0x3132333431323334ULL ^ mixed(mixed(0, 0x6161616161616161ULL), 0x6161616161616161ULL);
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
 * Somebody makes many keys of one hash, so that each is compared with all others, byte by byte
 * (4.2 million instructions in one line of 3.4 KB). The third such pair ends the text; two may
 * happen to an honest one, though nobody will see it.
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
	/* A pair in each of a few objects: two of them, and no more. */
	len = 0;
	text[len++] = '[';
	for (int pairs = 1; pairs <= 3; pairs++) {
		char other[25];

		look_alike(key);
		look_alike(other);
		len += (size_t)sprintf(text + len, "%s{\"%s\":1,\"%s\":2}", pairs > 1 ? "," : "", key, other);
		text[len] = ']';
		assert_int_equal(reads_bytes(text, len + 1, false), pairs <= 2);
	}
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

/* A text has at most 65,535 bytes. */
static void longest_text(void **state)
{
	char *text = malloc(65537);

	(void)state;
	memset(text, ' ', 65537);
	memcpy(text, "[]", 2);
	assert_true(reads_bytes(text, 65535, false));
	assert_false(reads_bytes(text, 65536, false));
	assert_false(reads_bytes(text, 65537, true));
	free(text);
}

/*
 * A key is the same however it is spelt, of whatever length; and another one, of which one byte
 * differs, is not.
 */
static void duplicate_keys_of_every_length(void **state)
{
	char key[64], spelt[300], text[1024];

	(void)state;
	for (unsigned int len = 0; len <= KS_JSON_KEY_MAX; len++) {
		for (unsigned int i = 0; i < len; i++)
			key[i] = (char)('a' + i % 26);
		key[len] = '\0';
		for (unsigned int escaped = 0; escaped <= len; escaped++) {
			size_t at = 0;

			/* One of its letters escaped, or none. */
			for (unsigned int i = 0; i < len; i++)
				at += (size_t)sprintf(spelt + at, i == escaped ? "\\u%04x" : "%c", key[i]);
			spelt[at] = '\0';
			snprintf(text, sizeof(text), "{\"%s\":1,\"x0\":{\"%s\":2,\"x1\":3},\"%s\":4}", key, key,
				 spelt);
			assert_false(reads(text, false));
			snprintf(text, sizeof(text), "{\"%s\":1,\"x0\":{\"%s\":2,\"x1\":3},\"%s\":4}", spelt, key,
				 key);
			assert_false(reads(text, false));
			/* Within another object it is another member. */
			snprintf(text, sizeof(text), "{\"%s\":1,\"x0\":{\"%s\":2},\"x1\":{\"%s\":3}}", key, spelt,
				 spelt);
			assert_true(reads(text, false));
			if (escaped == len)
				break;
			/* One of its letters another one, or one fewer. */
			snprintf(text, sizeof(text), "{\"%s\":1,\"%s\":2,\"%.*s\":3}", key, spelt, (int)escaped, key);
			assert_false(reads(text, false));
			spelt[escaped + 4] -= 2; /* 'A' for 'a' */
			snprintf(text, sizeof(text), "{\"%s\":1,\"%s\":2,\"%.*s\":3}", key, spelt, (int)escaped, key);
			assert_true(reads(text, false));
		}
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
	struct ks_json json;
	char out[32];

	(void)state;
	assert_false(value_of("\"domain\"").escaped);
	assert_true(value_of("\"d\\u006fmain\"").escaped);
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
	/* Each of its short escapes; characters of one to four bytes. */
	escaped = value_of("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uffff\\udbff\\udfff\"");
	assert_int_equal(ks_json_string(&escaped, out, sizeof(out)), 17);
	assert_memory_equal(out, "\"\\/\b\f\n\r\t\xc3\xa4\xef\xbf\xbf\xf4\x8f\xbf\xbf", 17);
	/* One that begins like the other is another, escapes or not. */
	for (int i = 0; i < 4; i++) {
		struct ks_json_value longer = value_of(i & 1 ? "\"d\\u006fmains\"" : "\"domains\"");
		struct ks_json_value shorter = value_of(i & 2 ? "\"d\\u006fmain\"" : "\"domain\"");
		struct ks_json_value other = value_of(i & 2 ? "\"d\\u006fmaim\"" : "\"domaim\"");

		assert_false(ks_json_same(&longer, &shorter));
		assert_false(ks_json_same(&shorter, &longer));
		assert_false(ks_json_same(&shorter, &other));
		assert_true(ks_json_same(&shorter, &shorter));
		assert_int_equal(ks_json_string(&shorter, out, 5), -1);
		assert_int_equal(ks_json_string(&shorter, out, 6), 6);
		assert_memory_equal(out, "domain", 6);
	}
	/* Escapes on one side alone, also where both are as long. */
	plain = value_of("\"domain\"");
	escaped = value_of("\"d\\u006fmain\"");
	assert_true(ks_json_same(&plain, &escaped));
	assert_true(ks_json_same(&escaped, &plain));
	plain = value_of("\"d--u006fmain\"");
	assert_false(ks_json_same(&plain, &escaped));
	assert_false(ks_json_same(&escaped, &plain));
	/* A backslash in a bare word is a backslash. */
	plain = value_of("a\\u0041");
	assert_true(ks_json_is(&plain, "a\\u0041", 7));
	assert_int_equal(ks_json_string(&plain, out, sizeof(out)), 7);
	assert_memory_equal(out, "a\\u0041", 7);
	/* Also where a string before it had escapes. */
	ks_json_init(&json, "[\"\\n\",a\\u0041]", 14, true);
	ks_json_next(&json);
	ks_json_next(&json);
	assert_true(json.value.escaped);
	ks_json_next(&json);
	assert_true(ks_json_is(&json.value, "a\\u0041", 7));
	/* What comes behind a NUL counts as well. */
	plain = value_of("\"a\\u0000b\"");
	assert_true(ks_json_is(&plain, "a\0b", 3));
	assert_false(ks_json_is(&plain, "a\0c", 3));
	assert_false(ks_json_is(&plain, "a", 1));
	/* The last character of one byte, and the first of two. */
	plain = value_of("\"\\u007f\\u0080\"");
	assert_true(ks_json_is(&plain, "\x7f\xc2\x80", 3));
}

/* Nothing of what was read before, or of what is in memory, stays. */
static void begins_anew(void **state)
{
	static const char text[] = "[{\"a\":[{}]},2]";
	struct ks_json json;

	(void)state;
	for (int fill = 0; fill < 256; fill += 51) {
		enum ks_json_token token;

		memset(&json, fill, sizeof(json));
		ks_json_init(&json, text, strlen(text), false);
		assert_int_equal(json.value.type, KS_JSON_ERROR);
		assert_ptr_equal(json.value.text, text);
		do {
			token = ks_json_next(&json);
		} while (token != KS_JSON_END && token != KS_JSON_ERROR);
		assert_int_equal(token, KS_JSON_END);
	}
}

/*
 * White space is skipped eight bytes at a time, and nothing else with it: neither what follows nor
 * a byte that is none.
 */
static void white_space_of_all_lengths(void **state)
{
	static const char blanks[] = " \t\n\r", others[] = { 1, 8, 11, 12, 14, 31, 33, 127, (char)0x80, (char)0xa0 };
	struct ks_json json;
	char text[64];

	(void)state;
	for (size_t n = 0; n < 30; n++) {
		for (size_t i = 0; i < n; i++)
			text[i] = text[n + 1 + i] = blanks[i % 4];
		text[n] = '5';
		ks_json_init(&json, text, 2 * n + 1, false);
		assert_int_equal(ks_json_next(&json), KS_JSON_NUMBER);
		assert_int_equal(json.value.len, 1);
		assert_int_equal(ks_json_next(&json), KS_JSON_END);
		assert_int_equal(ks_json_trim(text, 2 * n + 1), n + 1);
		/* A NUL is nothing at the end, and wrong before that. */
		for (size_t at = 0; at < n; at++) {
			text[n + 1 + at] = '\0';
			assert_int_equal(ks_json_trim(text, 2 * n + 1), n + 1);
			text[at] = '\0';
			ks_json_init(&json, text, n + 1, false);
			assert_int_equal(ks_json_next(&json), KS_JSON_ERROR);
			for (size_t i = 0; i < sizeof(others); i++) {
				text[n + 1 + at] = text[at] = others[i];
				assert_int_equal(ks_json_trim(text, 2 * n + 1), n + 2 + at);
				ks_json_init(&json, text, n + 1, false);
				assert_int_equal(ks_json_next(&json), KS_JSON_ERROR);
			}
			text[n + 1 + at] = text[at] = ' ';
		}
	}
}

/* Where all the white space is of one kind, what stands in it is none, either. */
static void white_space_of_one_kind(void **state)
{
	static const char blanks[] = " \t\n\r";
	char text[17];

	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			bool blank = byte && strchr(blanks, (int)byte);
			struct ks_json json;

			memset(text, blanks[kind], 16);
			text[16] = '5';
			text[3] = (char)byte;
			assert_int_equal(ks_json_trim(text, 16), blank || !byte ? 0 : 4);
			ks_json_init(&json, text, 17, false);
			assert_true(blank == (ks_json_next(&json) == KS_JSON_NUMBER && json.value.text == text + 16));
		}
	}
}

/*
 * Strings and words are read sixteen bytes at a time: each of them counts, wherever it stands.  A
 * DEL in front keeps a string from being all plain.
 */
static void every_place_of_sixteen(void **state)
{
	static const char bad[] = { 1, (char)0xff, (char)0xc3 };
	char text[64];

	(void)state;
	for (size_t first = 0; first < 2; first++) {
		for (size_t at = 0; at < 40; at++) {
			memset(text, 'a', 42);
			text[0] = text[41] = '"';
			if (first)
				text[1] = 0x7f;
			assert_true(reads_bytes(text, 42, false));
			for (size_t i = 0; i < sizeof(bad); i++) {
				text[1 + at] = bad[i];
				assert_false(reads_bytes(text, 42, false));
				assert_false(reads_bytes(text + 1, 40, true));
			}
			text[1 + at] = '\\';
			/* a, or the quotation mark, is not escaped so */
			assert_false(reads_bytes(text, 42, false));
			text[1 + at] = '"';
			assert_false(reads_bytes(text, 42, false));
		}
	}
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
	value = value_of("18446744073709551609");
	assert_true(ks_json_u64(&value, &number) && number == UINT64_MAX - 6);
	value = value_of("1234567890");
	assert_true(ks_json_u64(&value, &number) && number == 1234567890);
	/* The characters on either side of the digits, and nothing at all, are no number. */
	for (int i = 0; i < 3; i++) {
		value = (struct ks_json_value){ .type = KS_JSON_NUMBER,
						.text = i ? "1:" : "1/",
						.len = i == 2 ? 0 : 2 };
		assert_false(ks_json_u64(&value, &number));
	}
	for (int i = 0; i < 9; i++) {
		static const char *const none[] = {
			"18446744073709551616", "99999999999999999999", "-1", "1.0", "1e2", "\"1\"", "true",
			"18446744073709551620", "184467440737095516150"
		};

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
	assert_int_equal(json.value.type, KS_JSON_END);
	/*
	 * What is wrong in it is not passed over, nor is an error a value; it is told where it is.
	 */
	ks_json_init(&json, "[[1, {\"a\" 2}], 3]", 18, false);
	ks_json_next(&json);
	assert_false(ks_json_skip(&json, ks_json_next(&json)));
	assert_false(ks_json_skip(&json, ks_json_next(&json)));
	assert_int_equal(json.value.type, KS_JSON_ERROR);
	assert_ptr_equal(json.value.text, json.pos);
	assert_string_equal(json.error, "a colon was expected");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_agrees_with_jansson),
		cmocka_unit_test(strict_agrees_on_mutations),
		cmocka_unit_test(relaxed_reads_bare_words),
		cmocka_unit_test(relaxed_keeps_json_meaning),
		cmocka_unit_test(every_byte_in_every_place),
		cmocka_unit_test(every_escaped_character),
		cmocka_unit_test(every_byte_in_a_bare_word),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(limits),
		cmocka_unit_test(limits_of_length),
		cmocka_unit_test(keys_that_look_alike),
		cmocka_unit_test(bounded_tokens),
		cmocka_unit_test(longest_text),
		cmocka_unit_test(duplicate_keys_of_every_length),
		cmocka_unit_test(strings_by_meaning),
		cmocka_unit_test(begins_anew),
		cmocka_unit_test(white_space_of_all_lengths),
		cmocka_unit_test(white_space_of_one_kind),
		cmocka_unit_test(every_place_of_sixteen),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(skipping),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
