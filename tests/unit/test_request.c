// SPDX-License-Identifier: MIT
/*
 * test_request.c - one request line, read and checked.
 *
 * What could be wrong in the world: a client speaks a little differently from what is written, or
 * wrongly.  Each case is a line and what is made of it: a command and its target, or an error's
 * code.  The lines of the published protocol's examples are among them.
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static struct ks_request request;

static void parse_in(const char *line, enum ks_version session)
{
	static char copy[KS_REQUEST_MAX];

	strcpy(copy, line);
	ks_request_parse(&request, copy, strlen(line), session);
}

static void parse(const char *line)
{
	parse_in(line, KS_VERSION_NONE);
}

static void assert_error(const char *line, enum ks_error error)
{
	parse(line);
	if (request.error != error)
		fail_msg("%s: error %s, not %s", line, ks_error_names[request.error], ks_error_names[error]);
	if (error)
		assert_non_null(request.message);
}

static void assert_request(const char *line, enum ks_command command, const char *target)
{
	assert_error(line, KS_OK);
	assert_int_equal(request.line, KS_LINE_REQUEST);
	assert_int_equal(request.command, command);
	assert_int_equal(request.target_bytes, strlen(target));
	assert_memory_equal(request.target, target, strlen(target));
}

#define V "\"Virtue-protocol-version\": 0.1"
#define R(rest) "{" V ", \"request\": [\"" NONCE "\", " rest "]}"
#define R_0_2(rest) "{\"Virtue-protocol-version\": 0.2, \"request\": [\"" NONCE "\", " rest "]}"

static void every_command(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KS_COMMANDS; i++) {
		char line[256];

		const char *item = i == KS_CMD_ADD || i == KS_CMD_REMOVE ? ", \"/etc/passwd\"" : "";

		snprintf(line, sizeof(line), R("\"%s\", \"xen-text\"%s"), ks_command_names[i], item);
		if (i >= KS_CMD_STATUS)
			assert_error(line, KS_ERR_COMMAND); /* 0.2 only */
		else
			assert_request(line, (enum ks_command)i, "xen-text");
		snprintf(line, sizeof(line), R_0_2("\"%s\", \"xen-text\"%s"), ks_command_names[i], item);
		assert_request(line, (enum ks_command)i, "xen-text");
		assert_int_equal(request.version, KS_VERSION_0_2);
	}
}

/*
 * What is added or removed: a string, of any bytes, up to 1024 of them when its escapes are
 * resolved.
 */
static void items(void **state)
{
	static const char *const wrong[] = {
		"5", "true", "null", "{}", "[\"a\"]", "\"\"", "\"a\", {}", "\"a\", \"b\"",
	};
	char line[4000], item[2000];

	(void)state;
	assert_request(R_0_2("\"add\", \"files\", \"/a\\u0000b \\\"\\ud83d\\ude00\""), KS_CMD_ADD, "files");
	assert_int_equal(request.item_bytes, 10);
	assert_memory_equal(request.item, "/a\0b \"\xf0\x9f\x98\x80", 10);
	assert_request("{Virtue-protocol-version: 0.2, request: [" NONCE ", remove, files, /etc/passwd]}",
		       KS_CMD_REMOVE, "files");
	assert_int_equal(request.item_bytes, 11);
	for (unsigned int len = 1023; len <= 1025; len++) {
		memset(item, 'x', len);
		item[len] = '\0';
		snprintf(line, sizeof(line), R_0_2("\"add\", \"files\", \"%s\""), item);
		assert_error(line, len <= KS_ITEM_MAX ? KS_OK : KS_ERR_ARGUMENT);
	}
	/* Three times as long as it stands in the line, and still 600 bytes. */
	for (unsigned int at = 0; at < 1800; at += 6)
		memcpy(item + at, "\\u00e4", 6);
	item[1800] = '\0';
	snprintf(line, sizeof(line), R_0_2("\"remove\", \"files\", \"%s\""), item);
	assert_error(line, KS_OK);
	assert_int_equal(request.item_bytes, 600);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(line, sizeof(line), R_0_2("\"add\", \"files\", %s"), wrong[i]);
		assert_error(line, KS_ERR_ARGUMENT);
	}
	assert_error(R_0_2("\"add\", \"files\""), KS_ERR_ARGUMENT);
	assert_error(R_0_2("\"add\""), KS_ERR_TARGET);
}

/*
 * A subscription has a filter, a start, and peek; the other options of records make no sense
 * there.
 */
static void subscriptions(void **state)
{
	static const char *const wrong[] = { "{\"max\": 1}",	"{\"record\": 1}", "{\"run\": true}",
					     "{\"raw\": true}", "{\"x\": 1}",	   "5",
					     "{\"since\": -1}" };
	char line[512];

	(void)state;
	assert_request(R_0_2("\"subscribe\", \"*\", {\"filter\": {\"kind\": \"x\"}, \"since\": 5, \"peek\": true}"),
		       KS_CMD_SUBSCRIBE, "*");
	assert_true(request.filters == 1 && request.has_since && request.since == 5 && request.peek);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(line, sizeof(line), R_0_2("\"subscribe\", \"*\", %s"), wrong[i]);
		assert_error(line, KS_ERR_ARGUMENT);
	}
	assert_error(R_0_2("\"unsubscribe\", \"*\", {}"), KS_ERR_ARGUMENT);
	assert_error(R_0_2("\"unsubscribe\""), KS_ERR_TARGET);
	assert_error(R_0_2("\"unsubscribe\", \"12345678901234567890123456789012345678901234567890123456789012345\""),
		     KS_OK);
}

/*
 * As PROTOCOL.md quotes them: bare words, the misspelt key, a number as the nonce, the other way
 * to ask for one record.
 */
static void published_examples(void **state)
{
	(void)state;
	assert_request("{Virtue-protocol-version: 0.1, request: [4f1c0e6a9d2b4c58a7e3, discovery, *]}",
		       KS_CMD_DISCOVERY, "*");
	assert_int_equal(request.nonce_bytes, 20);
	assert_memory_equal(request.nonce, NONCE, 20);
	assert_request("{Virtue-protocol-verion: 0.1, request: [4f1c0e6a9d2b4c58a7e3, discovery, *]}",
		       KS_CMD_DISCOVERY, "*");
	assert_request("{\"Virtue-protocol-verion\": 0.1, \"request\": [\"" NONCE "\", \"on\", \"a\"]}", KS_CMD_ON,
		       "a");
	assert_request("{Virtue-protocol-version: 0.1, request: [12345678901234567890, records, a]}", KS_CMD_RECORDS,
		       "a");
	assert_memory_equal(request.nonce, "12345678901234567890", 20);
	assert_request("{Virtue-protocol-version: 0.1, request: [-1.2345678901234e10, low, a]}", KS_CMD_LOW, "a");
	assert_memory_equal(request.nonce, "-1.2345678901234e10", 19);
	assert_request(R("\"f8fa1b2a-1b2c-4d3e-8f90-0123456789ab\", \"record 17\""), KS_CMD_RECORDS,
		       "f8fa1b2a-1b2c-4d3e-8f90-0123456789ab");
	assert_true(request.has_record && request.record == 17);
	assert_request("{Virtue-protocol-version: 0.1, request: [4f1c0e6a9d2b4c58a7e3, processes, \"record 0\"]}",
		       KS_CMD_RECORDS, "processes");
	assert_true(request.has_record && request.record == 0);
}

static void syntax(void **state)
{
	static const char *const lines[] = {
		"x", "[]", "17", "\"a\"", "null", "{", "{}", "{}x", "{" V, "{" V ",}", "{" V " \"request\": []}",
		R("\"on\", \"a\"") "x", R("\"on\", \"a\"") "{}", R("\"on\", \"a\",") , R("\"on\" \"a\""), "{'a': 1}",
		"{" V ", \"request\": [1,2,3}",
		"{" V ", " V ", \"request\": [\"" NONCE "\", \"on\", \"a\"]}",
		"{" V ", \"Virtue-protocol-verion\": 0.1, \"request\": [\"" NONCE "\", \"on\", \"a\"]}", "// hello",
		"{\"a\": 1}",
		"{" V ", \"request\": [\"" NONCE "\", \"on\", \"a\xff\"]}",
	};

	static const char whole[] = R("\"records\", \"a\", {\"since\": 1, \"filter\": {\"kind\": \"domain\"}, "
				      "\"peek\": true, \"raw\": true}");

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_error(lines[i], KS_ERR_SYNTAX);
	/*
	 * Cut off in a string, after a longer one.  (Found by fuzz_request: the length of the one
	 * before was still believed.)
	 */
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		char *cut = malloc(len + !len);

		memcpy(cut, whole, len);
		ks_request_parse(&request, cut, len, KS_VERSION_NONE);
		assert_int_equal(request.error, len ? KS_ERR_SYNTAX : KS_OK);
		free(cut);
	}
	/* The nonce is echoed where it could be read before the fault. */
	assert_error("{" V ", \"request\": [\"" NONCE "\", \"on\", }", KS_ERR_SYNTAX);
	assert_int_equal(request.nonce_bytes, 20);
	assert_error("{" V ", \"request\": [\"short\", \"on\", }", KS_ERR_SYNTAX);
	assert_int_equal(request.nonce_bytes, 0);
}

static void versions(void **state)
{
	static const char *const wrong[] = {
		"0.3", "1", "1.0", "2.1", "0.9", "0", "0.0", "0.01", "-0.1", "\"0.1\"", "null", "[0.1]", "1e-1",
		"0.1e0",
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(line, sizeof(line),
			 "{\"Virtue-protocol-version\": %s, \"request\": [\"" NONCE "\", \"on\", \"a\"]}", wrong[i]);
		assert_error(line, KS_ERR_VERSION);
		assert_int_equal(request.nonce_bytes, 20);
	}
	assert_error("{\"request\": [\"" NONCE "\", \"on\", \"a\"]}", KS_ERR_VERSION);
	assert_error("{\"Virtue-protocol-version\": 0.10, \"request\": [\"" NONCE "\", \"on\", \"a\"]}", KS_OK);
	assert_int_equal(request.version, KS_VERSION_0_1);
	assert_error("{\"Virtue-protocol-version\": 0.1999, \"request\": [\"" NONCE "\", \"on\", \"a\"]}", KS_OK);
	assert_int_equal(request.version, KS_VERSION_0_1);
	assert_error("{\"Virtue-protocol-version\": 0.2000, \"request\": [\"" NONCE "\", \"on\", \"a\"]}", KS_OK);
	assert_int_equal(request.version, KS_VERSION_0_2);
	assert_error("{\"Virtue-protocol-version\": 0.2001, \"request\": [\"" NONCE "\", \"on\", \"a\"]}",
		     KS_ERR_VERSION);
	/* In a session the line need not say it again. */
	parse_in("{\"request\": [\"" NONCE "\", \"on\", \"a\"]}", KS_VERSION_0_2);
	assert_int_equal(request.error, KS_OK);
	assert_int_equal(request.version, KS_VERSION_0_2);
	parse_in(R("\"on\", \"a\""), KS_VERSION_0_2);
	assert_int_equal(request.version, KS_VERSION_0_1);
}

static void nonces(void **state)
{
	static const struct {
		const char *nonce;
		int bytes;
	} some[] = {
		{ "\"123456789012345\"", 0 },
		{ "\"1234567890123456\"", 16 },
		{ "\"1234567890123456789012345678901234567890\"", 40 },
		{ "\"12345678901234567890123456789012345678901\"", 0 },
		{ "null", 0 },
		{ "[]", 0 },
		{ "{}", 0 },
		{ "17", 0 },
		{ "\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"
		  "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"", 16 },
		{ "\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"", 16 },
		{ "\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\"", 0 },
	};
	char line[512];

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		snprintf(line, sizeof(line), "{" V ", \"request\": [%s, \"on\", \"a\"]}", some[i].nonce);
		assert_error(line, some[i].bytes ? KS_OK : KS_ERR_NONCE);
		assert_int_equal(request.nonce_bytes, some[i].bytes);
	}
	assert_error("{" V ", \"request\": []}", KS_ERR_NONCE);
	assert_error("{" V ", \"request\": 5}", KS_ERR_NONCE);
}

/* No prefixes, no other case. */
static void commands(void **state)
{
	static const char *const wrong[] = {
		"\"of\"", "\"ON\"", "\"On\"", "\"\"", "\"discover\"", "\"records \"",  "\"record\"",
		"true",	  "null",   "5",      "[]",   "{}",	      "\"subscribe\"", "\"status\""
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(line, sizeof(line), R("%s, \"a\""), wrong[i]);
		assert_error(line, KS_ERR_COMMAND);
	}
	assert_error("{" V ", \"request\": [\"" NONCE "\"]}", KS_ERR_COMMAND);
	assert_error(R("\"a\", \"record x\""), KS_ERR_COMMAND);
	assert_error(R("\"a\", \"record -1\""), KS_ERR_COMMAND);
	assert_error(R("\"a\", \"record \""), KS_ERR_COMMAND);
	assert_error(R("\"a\", \"record 18446744073709551616\""), KS_ERR_COMMAND);
	assert_error(R("\"o\\u006e\", \"a\""), KS_OK);
	assert_error(R("\"\\u006fn\", \"a\""), KS_OK);
}

static void targets(void **state)
{
	(void)state;
	assert_error(R("\"on\""), KS_ERR_TARGET);
	assert_error(R("\"discovery\""), KS_ERR_TARGET); /* ignored, but must be there */
	assert_error(R("\"on\", 5"), KS_ERR_TARGET);
	assert_error(R("\"on\", null"), KS_ERR_TARGET);
	assert_error(R("\"on\", [\"a\"]"), KS_ERR_TARGET);
	assert_error(R("\"on\", \"12345678901234567890123456789012345678901234567890123456789012345\""),
		     KS_ERR_TARGET);
	assert_error(R("\"discovery\", \"12345678901234567890123456789012345678901234567890123456789012345\""), KS_OK);
}

static void arguments(void **state)
{
	static const char *const wrong[] = {
		"\"on\", \"a\", {}",
		"\"discovery\", \"*\", {}",
		"\"records\", \"a\", 5",
		"\"records\", \"a\", []",
		"\"records\", \"a\", {}, 5",
		"\"records\", \"a\", {\"max\": -1}",
		"\"records\", \"a\", {\"max\": 1.0}",
		"\"records\", \"a\", {\"max\": \"1\"}",
		"\"records\", \"a\", {\"since\": null}",
		"\"records\", \"a\", {\"record\": []}",
		"\"records\", \"a\", {\"peek\": 1}",
		"\"records\", \"a\", {\"run\": \"true\"}",
		"\"records\", \"a\", {\"raw\": null}",
		"\"records\", \"a\", {\"filter\": 5}",
		"\"records\", \"a\", {\"filter\": {\"a\": []}}",
		"\"records\", \"a\", {\"filter\": {\"a\": {}}}",
		"\"records\", \"a\", {\"x\": 1}",
		"\"records\", \"a\", {\"max\": 18446744073709551616}",
		"\"records\", \"a\", {\"Peek\": true}",
		"\"records\", \"a\", {\"record\": 1, \"max\": 1}",
		"\"records\", \"a\", {\"record\": 1, \"since\": 1}",
		"\"records\", \"a\", {\"record\": 1, \"run\": true}",
		"\"records\", \"a\", {\"record\": 1, \"filter\": {\"a\": 1}}",
		("\"records\", \"a\", {\"filter\": "
		 "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}"),
	};
	char line[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(line, sizeof(line), "{" V ", \"request\": [\"" NONCE "\", %s]}", wrong[i]);
		assert_error(line, KS_ERR_ARGUMENT);
		assert_int_equal(request.nonce_bytes, 20);
	}
	assert_error("{" V ", \"request\": [\"" NONCE "\", \"on\", \"a\"], \"more\": 1}", KS_ERR_ARGUMENT);
}

static void options(void **state)
{
	(void)state;
	assert_error(R("\"records\", \"a\", {}"), KS_OK);
	assert_error(R("\"records\", \"a\", {\"since\": 5, \"max\": 0, \"peek\": true, \"run\": false, \"raw\": true, "
		       "\"filter\": {}}"),
		     KS_OK);
	assert_true(request.has_since && request.has_max && request.peek && !request.run && request.raw &&
		    !request.has_record);
	assert_true(request.since == 5 && request.max == 0 && request.filters == 0);
	assert_error("{Virtue-protocol-version: 0.1, request: [" NONCE
		     ", records, a, {filter: {kind: domain, domid: 3, on: true}}]}",
		     KS_OK);
	assert_int_equal(request.filters, 3);
}

/*
 * A line costs time for each value in it, so there may be no more than in the longest request that
 * means something, and some; that one is read. Members that nobody knows are an argument error,
 * but not hundreds of them, each with a key that has to be told from all others.
 */
static void bounded_lines(void **state)
{
	char line[4096];
	size_t len;

	(void)state;
	assert_error(R("\"records\", \"a\", {\"since\": 5, \"max\": 1, \"peek\": true, \"run\": false, \"raw\": true, "
		       "\"filter\": {"
		       "\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1}}"),
		     KS_OK);
	assert_int_equal(request.filters, 8);
	for (int members = 10; members <= 60; members += 50) {
		len = (size_t)sprintf(line, "{" V ", \"request\": [\"" NONCE "\", \"on\", \"a\"]");
		for (int i = 0; i < members; i++)
			len += (size_t)sprintf(line + len, ",\"k%d\":1", i);
		strcpy(line + len, "}");
		assert_error(line, members == 10 ? KS_ERR_ARGUMENT : KS_ERR_SYNTAX);
		assert_int_equal(request.nonce_bytes, 20);
	}
}

static bool matches(const char *filter, const char *record)
{
	size_t bytes = strlen(record);
	/* It ends where it ends: a sanitizer sees who reads on. */
	char line[512], *copy = malloc(bytes);
	bool same;

	assert_non_null(copy);
	memcpy(copy, record, bytes);
	snprintf(line, sizeof(line), R("\"records\", \"a\", {\"filter\": {%s}}"), filter);
	assert_error(line, KS_OK);
	same = ks_request_matches(&request, copy, bytes);
	free(copy);
	return same;
}

/* Each member must be equal, by what it stands for; only those of the record itself count. */
static void filters(void **state)
{
	static const char record[] = "{\"seq\":7,\"kind\":\"domain\",\"domid\":3,\"up\":true,\"old\":{\"domid\":4},"
				     "\"name\":\"a\\\"b\",\"x\":null}";

	(void)state;
	assert_true(matches("", record));
	assert_true(matches("\"kind\": \"domain\"", record));
	assert_true(matches("\"kind\": \"domain\", \"domid\": 3", record));
	assert_true(matches("\"domid\": 3, \"kind\": \"domain\", \"up\": true, \"x\": null", record));
	assert_true(matches("kind: domain, domid: 3", record));
	assert_true(matches("\"k\\u0069nd\": \"d\\u006fmain\"", record));
	assert_true(matches("\"\\u0075p\": true, \"k\\u0069nd\": \"domain\"", record));
	assert_false(matches("\"k\\u0069n\": \"domain\"", record));
	assert_true(matches("\"name\": \"a\\u0022b\"", record));
	assert_false(matches("\"domid\": 4", record));
	assert_false(matches("\"domid\": \"3\"", record));
	assert_false(matches("\"domid\": 30", record));
	assert_false(matches("\"kind\": \"domain\", \"domid\": 4", record));
	assert_false(matches("\"none\": 1", record));
	assert_false(matches("\"up\": false", record));
	assert_false(matches("\"up\": \"true\"", record));
	assert_false(matches("\"old\": 4", record));
	/*
	 * Behind an object and an array, the last member, a number of a form that is no whole one.
	 */
	assert_true(matches("\"x\": 2", "{\"a\":{\"x\":1},\"b\":[{\"x\":1}],\"x\":2}"));
	/* Brackets, quotes and commas in strings are neither ends nor begins. */
	assert_true(matches("x: 2",
			    "{\"a\":[\"]\\\"\",{\"x\":\"}\"}],\"b\":\"\\\\\",\"c\":\"\\\",\\\"x\\\":1\",\"x\":2}"));
	assert_false(matches("x: 1", "{\"a\":[\"]\\\"\",{\"x\":1}],\"c\":\"\\\",\\\"x\\\":1\"}"));
	/*
	 * An object is no value that could be asked for, and where raw bytes will stand there is
	 * none yet.
	 */
	assert_false(matches("a: \"{\"", "{\"a\":{\"x\":1}}"));
	assert_true(matches("x: false, y: true, z: null", "{\"x\":false,\"y\":true,\"z\":null}"));
	/* Characters of two, three and four bytes end where they end. */
	assert_true(matches("x: 1", "{\"a\":\"\xc3\xa9\",\"b\":\"\xe2\x82\xac\",\"c\":\"\xf0\x9f\x90\xa7\",\"x\":1}"));
	assert_true(matches("b: \"\xe2\x82\xac\"", "{\"a\":\"\xe2\x82\xac\",\"b\":\"\xe2\x82\xac\"}"));
	assert_true(matches("x: -2", "{\"page\":,\"x\":-2,\"y\":null}"));
	assert_true(matches("x: -2, y: null", "{\"page\":,\"x\":-2,\"y\":null}"));
	assert_false(matches("page: 1", "{\"page\":,\"x\":-2}"));
	assert_false(matches("\"x\": 1", "{\"a\":{\"x\":1},\"b\":[{\"x\":1}],\"x\":2}"));
	assert_false(matches("\"x\": null", "{\"x\":[null]}"));
	assert_true(matches("\"x\": 18446744073709551616", "{\"x\":18446744073709551616}"));
	assert_false(matches("\"x\": 18446744073709551616", "{\"x\":18446744073709551615}"));
	assert_true(matches("\"x\": -1.5", "{\"x\":-1.5}"));
	assert_false(matches("\"x\": 1", "{\"x\":-1}"));
	assert_false(matches("\"x\": \"\"", "{\"x\":null}"));
	assert_false(matches("\"x\": 1", "{}"));
	/* All eight of them, and none of a record that ends before. */
	assert_true(matches("a:1, b:1, c:1, d:1, e:1, f:1, g:1, h:1",
			    "{\"h\":1,\"g\":1,\"f\":1,\"e\":1,\"d\":1,\"c\":1,\"b\":1,\"a\":1,\"z\":2}"));
	assert_false(matches("a:1, b:1, c:1, d:1, e:1, f:1, g:1, h:1",
			     "{\"h\":1,\"g\":1,\"f\":1,\"e\":1,\"d\":1,\"c\":1,\"b\":1,\"z\":1}"));
}

/*
 * What is told of several faults is the first in the order: syntax, version, nonce, command,
 * target, arguments from left to right.
 */
static void the_first_fault_is_told(void **state)
{
	static const struct {
		const char *line;
		enum ks_error error;
		const char *message;
	} some[] = {
		{ "\"on", KS_ERR_SYNTAX, "a string does not end" },
		{ "[]", KS_ERR_SYNTAX, "a request is an object" },
		{ "[}", KS_ERR_SYNTAX, "a request is an object" }, /* whatever is wrong in it */
		{ "{" V "}x", KS_ERR_SYNTAX, "something follows the end" },
		{ "{" V ", " V "}", KS_ERR_SYNTAX, "a key stands twice" },
		{ "{" V ", Virtue-protocol-verion: 0.1}", KS_ERR_SYNTAX, "the version stands twice" },
		{ "{" V ", \"request\": {]", KS_ERR_SYNTAX, "a key was expected" },
		{ "{}", KS_ERR_SYNTAX, "neither Virtue-protocol-version nor request in it" },
		{ "{\"more\": 1}", KS_ERR_SYNTAX, "neither Virtue-protocol-version nor request in it" },
		{ "{" V ", \"more\": [1]}", KS_ERR_ARGUMENT,
		  "a member that is neither Virtue-protocol-version nor request" },
		{ "{\"request\": [1]}", KS_ERR_VERSION, "Virtue-protocol-version is missing" },
		{ "{Virtue-protocol-version: 0.3, request: [1]}", KS_ERR_VERSION,
		  "versions spoken here: 0.1 and 0.2" },
		{ "{" V ", \"request\": []}", KS_ERR_NONCE, "the nonce is missing" },
		{ "{" V ", \"request\": [1]}", KS_ERR_NONCE, "the nonce is a string of 16 to 40 bytes" },
		{ "{" V ", \"request\": [\"" NONCE "\"]}", KS_ERR_COMMAND, "the command is missing" },
		{ R("1, 2, 3"), KS_ERR_COMMAND, "no such command" },
		{ R("\"on\""), KS_ERR_TARGET, "the target is missing" },
		{ R("\"on\", 2, 3"), KS_ERR_TARGET, "the target is a string: a name, a uuid, or *" },
		{ "{" V ", \"request\": [\"" NONCE "\", \"on\", \"a\", 3], \"more\": 1}", KS_ERR_ARGUMENT,
		  "a member that is neither Virtue-protocol-version nor request" },
		{ R("\"on\", \"a\", 3, 4"), KS_ERR_ARGUMENT, "a request has at most four elements" },
		{ R("\"on\", \"a\", 3"), KS_ERR_ARGUMENT, "only records and subscribe take options" },
		/* Whose name it is, is looked up when all of it can be understood. */
		{ R("\"on\", \"\", 3"), KS_ERR_ARGUMENT, "only records and subscribe take options" },
		{ R("\"records\", \"a\", 3"), KS_ERR_ARGUMENT, "the options are an object" },
		{ R("\"records\", \"a\", {\"max\": -1, \"x\": 1}"), KS_ERR_ARGUMENT,
		  "record, since, epoch and max are whole numbers from 0 on" },
		{ R("\"records\", \"a\", {\"x\": 1, \"max\": -1}"), KS_ERR_ARGUMENT,
		  "an option that is none: record, filter, since, epoch, max, peek, run, announce, raw" },
		{ R("\"records\", \"a\", {\"raw\": 1}"), KS_ERR_ARGUMENT,
		  "peek, run, announce and raw are true or false" },
		{ R("\"records\", \"a\", {\"filter\": [{\"a\": 1}]}"), KS_ERR_ARGUMENT, "filter is an object" },
		{ R("\"records\", \"a\", {\"filter\": {\"a\": [{}], \"b\": 1}}"), KS_ERR_ARGUMENT,
		  "a filter's value is a string, a number, true, false or null" },
		{ R("\"records\", \"a\", {\"record\": 1, \"max\": 1}"), KS_ERR_ARGUMENT,
		  "record goes with raw and peek only" },
		{ R_0_2("\"subscribe\", \"a\", {\"max\": 1}"), KS_ERR_ARGUMENT,
		  "subscribe takes filter, since, epoch and peek only" },
		{ R_0_2("\"add\", \"a\""), KS_ERR_ARGUMENT, "the item is missing: what to add or to remove" },
		{ R_0_2("\"add\", \"a\", 5, 6"), KS_ERR_ARGUMENT, "the item is a string of 1 to 1024 bytes" },
		{ R_0_2("\"add\", \"a\", \"b\", 6"), KS_ERR_ARGUMENT, "a request has at most four elements" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		memset(&request, 0xee, sizeof(request));
		assert_error(some[i].line, some[i].error);
		assert_string_equal(request.message, some[i].message);
		/* What cannot be read is answered as a request, whatever it begins with. */
		if (some[i].error == KS_ERR_SYNTAX)
			assert_int_equal(request.line, KS_LINE_REQUEST);
	}
}

/*
 * In which version an answer is written when the line does not say: the session's, else 0.1; the
 * line that was too long as well.
 */
static void versions_of_errors(void **state)
{
	(void)state;
	for (enum ks_version session = KS_VERSION_NONE; session <= KS_VERSION_0_2; session++) {
		enum ks_version want = session == KS_VERSION_0_2 ? KS_VERSION_0_2 : KS_VERSION_0_1;

		parse_in("x", session);
		assert_int_equal(request.version, want);
		parse_in("{Virtue-protocol-version: 0.3, request: []}", session);
		assert_int_equal(request.version, want);
		memset(&request, 0xee, sizeof(request));
		ks_request_too_long(&request, session);
		assert_int_equal(request.version, want);
		assert_int_equal(request.line, KS_LINE_REQUEST);
		assert_int_equal(request.error, KS_ERR_TOO_LONG);
		assert_string_equal(request.message, "a request line has at most 4096 bytes");
		assert_int_equal(request.nonce_bytes, 0);
	}
}

/* White space around a request is none of it, nor is a NUL behind it; one before it is. */
static void around_a_request(void **state)
{
	static const char spaces[] = " \t\r\n";
	char line[256];

	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		snprintf(line, sizeof(line), "%c%c" R("\"on\", \"a\"") "%c%c", spaces[i % 4], spaces[i / 4],
			 spaces[i / 4], spaces[i % 4]);
		assert_request(line, KS_CMD_ON, "a");
		assert_int_equal(request.line, KS_LINE_REQUEST);
		line[0] = spaces[i % 4];
		line[1] = spaces[i / 4];
		line[2] = '\0';
		parse(line);
		assert_int_equal(request.line, KS_LINE_EMPTY);
		assert_int_equal(request.error, KS_OK);
	}
	ks_request_parse(&request, R("\"on\", \"a\"") "\0\n\0", sizeof(R("\"on\", \"a\"")) + 2, KS_VERSION_NONE);
	assert_int_equal(request.error, KS_OK);
	ks_request_parse(&request, "\0" R("\"on\", \"a\""), sizeof(R("\"on\", \"a\"")), KS_VERSION_NONE);
	assert_int_equal(request.error, KS_ERR_SYNTAX);
	assert_error("\v" R("\"on\", \"a\""), KS_ERR_SYNTAX);
	assert_error("\f" R("\"on\", \"a\""), KS_ERR_SYNTAX);
}

/* How much there may be of each: a target of 64 bytes, 8 filters. */
static void as_much_as_there_may_be(void **state)
{
	static const char name[] = "1234567890123456789012345678901234567890123456789012345678901234";

	(void)state;
	assert_int_equal(strlen(name), KS_TARGET_MAX);
	assert_request(R("\"on\", \"1234567890123456789012345678901234567890123456789012345678901234\""), KS_CMD_ON,
		       name);
	assert_error(R("\"discovery\", \"12345678901234567890123456789012345678901234567890123456789012345\""), KS_OK);
	assert_int_equal(request.target_bytes, 0);
	assert_error(R("\"records\", \"a\", {\"filter\": "
		       "{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false,\"e\":null,\"f\":1.5,\"g\":-1,\"h\":\"\"}}"),
		     KS_OK);
	assert_int_equal(request.filters, KS_FILTERS_MAX);
	assert_int_equal(request.filter[7].key[0], 'h');
	assert_int_equal(request.filter[7].value.type, KS_JSON_STRING);
	assert_int_equal(request.filter[4].value.type, KS_JSON_NULL);
	/* One record may be asked for raw, and without taking it. */
	assert_error(R("\"records\", \"a\", {\"record\": 18446744073709551615, \"raw\": true, \"peek\": true, "
		       "\"run\": false}"),
		     KS_OK);
	assert_true(request.has_record && request.record == UINT64_MAX && request.raw && request.peek && !request.run);
	assert_false(request.has_since || request.has_max);
	/*
	 * The published form has three elements, the last a string that says "record" and a
	 * number.
	 */
	assert_error(R("\"a\", \"record 17\", {}"), KS_ERR_COMMAND);
	assert_error(R("\"a\", \"recorf 17\""), KS_ERR_COMMAND);
	assert_error(R("\"a\", \"record17\""), KS_ERR_COMMAND);
	assert_error(R("\"a\", 12345678"), KS_ERR_COMMAND);
	assert_error(R("5, \"record 17\""), KS_ERR_TARGET);
	assert_request(R("\"a\", \"record 7\""), KS_CMD_RECORDS, "a");
	assert_int_equal(request.record, 7);
}

static void sessions(void **state)
{
	static const struct {
		const char *line;
		enum ks_version version;
	} some[] = {
		{ "{\"Virtue-protocol-version\": 0.1}", KS_VERSION_0_1 },
		{ "{Virtue-protocol-version: 0.1}", KS_VERSION_0_1 },
		{ "{\"Virtue-protocol-verion\": 0.1}", KS_VERSION_0_1 },
		{ "{\"Virtue-protocol-version\": 0.2}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 0.3}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 7}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 0}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": 0.05}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": \"x\"}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": \"0.1\"}", KS_VERSION_NONE },
		/*
		 * Numbers are compared by value, whatever zeros they end with; what lies between
		 * 0.1 and 0.2 is 0.1.
		 */
		{ "{\"Virtue-protocol-version\": 0.100}", KS_VERSION_0_1 },
		{ "{\"Virtue-protocol-version\": 0.200}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 0.11}", KS_VERSION_0_1 },
		{ "{\"Virtue-protocol-version\": 0.1001}", KS_VERSION_0_1 },
		{ "{\"Virtue-protocol-version\": 0.19}", KS_VERSION_0_1 },
		{ "{\"Virtue-protocol-version\": 0.21}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 0.9}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 1.0}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 10}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 10.1}", KS_VERSION_0_2 },
		{ "{\"Virtue-protocol-version\": 0.0}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": 0.09}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": -0.1}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": -1}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": 0.1e0}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": 0.2E0}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": 1e0}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": null}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": {}}", KS_VERSION_NONE },
		{ "{\"Virtue-protocol-version\": [0.1]}", KS_VERSION_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		parse(some[i].line);
		assert_int_equal(request.line, KS_LINE_SESSION);
		assert_int_equal(request.error, KS_OK);
		assert_int_equal(request.version, some[i].version);
	}
	parse(" \r\n");
	assert_int_equal(request.line, KS_LINE_EMPTY);
	ks_request_parse(&request, "\0\0", 2, KS_VERSION_NONE);
	assert_int_equal(request.line, KS_LINE_EMPTY);
	/*
	 * Blanks and NULs at the end are none of it, however many and in whatever order; in the
	 * middle a NUL is.
	 */
	for (size_t blanks = 0; blanks < 40; blanks++) {
		static const char some[] = " \t\r\n\0", line[] = "{Virtue-protocol-version: 0.1}";
		char text[100];

		memcpy(text, line, strlen(line));
		for (size_t i = 0; i < blanks; i++)
			text[strlen(line) + i] = some[(i * 7 + blanks) % 5];
		ks_request_parse(&request, text, strlen(line) + blanks, KS_VERSION_NONE);
		assert_true(request.line == KS_LINE_SESSION && request.error == KS_OK);
		ks_request_parse(&request, text + strlen(line), blanks, KS_VERSION_NONE);
		assert_int_equal(request.line, KS_LINE_EMPTY);
		text[strlen(line) + blanks] = 'x';
		ks_request_parse(&request, text, strlen(line) + blanks + 1, KS_VERSION_NONE);
		assert_int_equal(request.error, KS_ERR_SYNTAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command), cmocka_unit_test(published_examples), cmocka_unit_test(syntax),
		cmocka_unit_test(versions),      cmocka_unit_test(nonces),             cmocka_unit_test(commands),
		cmocka_unit_test(targets),       cmocka_unit_test(arguments),          cmocka_unit_test(options),
		cmocka_unit_test(bounded_lines),
		cmocka_unit_test(filters),       cmocka_unit_test(sessions),           cmocka_unit_test(items),
		cmocka_unit_test(subscriptions), cmocka_unit_test(the_first_fault_is_told),
		cmocka_unit_test(versions_of_errors),
		cmocka_unit_test(around_a_request), cmocka_unit_test(as_much_as_there_may_be),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
