// SPDX-License-Identifier: MIT
/*
 * What is read of a record where only some of its members are compared, and the whole of it again.
 *
 * Wrong in the world if this fails: two items are taken for the same, or a finding shows another
 * item than the sensor told of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../canary/body.h"
#include "json_of.h"

static json_t *part_of(const char *body, const char *members, const json_t *previous)
{
	struct ksense_line line = { .kind = KSENSE_RECORD, .body = body, .body_bytes = strlen(body) };
	json_t *names = members ? json_of(members) : NULL, *part = canary_part(&line, names, previous);

	json_decref(names);
	assert_non_null(part);
	return part;
}

static json_t *body_of(const char *body)
{
	struct ksense_line line = { .kind = KSENSE_RECORD, .body = body, .body_bytes = strlen(body) };

	return canary_body(&line);
}

/* The members asked for are as jansson reads them, and the whole is the whole. */
static void part_and_whole(void **state)
{
	static const char *const bodies[] = {
		"{\"a\":1,\"b\":\"x\",\"c\":[1,{\"a\":2}],\"d\":{\"a\":3}}",
		"{\"a\":-1,\"b\":\"\\u00fc\\\"\\\\ \\u0000\",\"c\":null,\"d\":1.5}",
		"{\"a\":9223372036854775807,\"b\":\"\\ud83d\\ude00\",\"c\":true,\"d\":false}",
		"{\"a\":18446744073709551615,\"b\":\"\",\"d\":1e300}",
		"{\"d\":0}",
		"{}",
	};
	const char *name;
	json_t *value;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		json_t *body = body_of(bodies[i]), *part = part_of(bodies[i], "{'a': 1, 'b': 1, 'c': 1}", NULL),
		       *whole = canary_whole(part);

		assert_null(json_object_get(part, "d"));
		json_object_foreach(body, name, value)
			if (strcmp(name, "d"))
				assert_true(json_equal(json_object_get(part, name), value));
		assert_true(json_equal(whole, body));
		json_decref(whole);
		json_decref(part);
		json_decref(body);
	}
}

/* What is the same as in the record before is there once. */
static void shares_strings(void **state)
{
	json_t *one = part_of("{\"kind\":\"root\",\"a\":\"x\",\"n\":5}", "{'kind': 1, 'a': 1, 'n': 1}", NULL);
	json_t *two = part_of("{\"kind\":\"root\",\"a\":\"y\",\"n\":\"5\"}", "{'kind': 1, 'a': 1, 'n': 1}", one);

	(void)state;
	assert_ptr_equal(json_object_get(one, "kind"), json_object_get(two, "kind"));
	assert_string_equal(json_string_value(json_object_get(two, "a")), "y");
	assert_string_equal(json_string_value(json_object_get(two, "n")), "5");
	json_decref(one);
	json_decref(two);
}

/* Without a list, with raw bytes, and where it cannot be read so: all of it. */
static void all_of_it(void **state)
{
	const char *body = "{\"a\":{\"type\":\"raw\",\"length\":2},\"b\":1}";
	struct ksense_line line = { .kind = KSENSE_RECORD,
				    .body = body,
				    .body_bytes = strlen(body),
				    .has_raw = true,
				    .raw = "\x01\xff",
				    .raw_bytes = 2 };
	json_t *names = json_of("{'b': 1}"), *part = part_of("{\"a\":1}", NULL, NULL), *whole = canary_whole(part);

	(void)state;
	assert_ptr_equal(whole, part);
	json_decref(whole);
	json_decref(part);
	part = canary_part(&line, names, NULL);
	assert_string_equal(json_string_value(json_object_get(part, "a")), "01ff");
	json_decref(part);
	json_decref(names);
	part = part_of("[1]", "{'b': 1}", NULL);
	assert_true(json_is_array(part));
	json_decref(part);
	assert_null(canary_whole(NULL));
}

/*
 * jansson takes neither an integer of 64 bits nor a NUL in a name.  All the rest of such a line is
 * there, at each depth; and of one that is torn, what comes before.
 */
static void what_jansson_does_not_take(void **state)
{
	static const struct {
		const char *body, *is;
	} cases[] = {
		{ "{\"n\":18446744073709551615,\"z\":1}", "{'n': '18446744073709551615', 'z': 1}" },
		{ "{\"a\":{\"l\":[[1,2],[],{\"q\":18446744073709551615,\"r\":{}}]},\"z\":\"\\u0000\"}",
		  "{'a': {'l': [[1, 2], [], {'q': '18446744073709551615', 'r': {}}]}, 'z': '\\u0000'}" },
		{ "{\"a\":{\"x\\u0000y\":{\"b\":[1]},\"c\":2},\"z\":1}",
		  "{'a': {'(not shown)': 'a member with a NUL in its name', 'c': 2}, 'z': 1}" },
	};
	json_t *body, *is;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		body = body_of(cases[i].body);
		is = json_of(cases[i].is);
		assert_true(json_equal(body, is));
		json_decref(is);
		json_decref(body);
	}
	body = body_of("{\"a\":{\"b\":[1,{\"c\":2");
	assert_int_equal(json_array_size(json_object_get(json_object_get(body, "a"), "b")), 2);
	assert_non_null(json_object_get(body, "(not shown)"));
	json_decref(body);
	/* No deeper than the reader goes. */
	body = body_of("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
	assert_string_equal(json_string_value(json_object_get(body, "(not shown)")), "nested too deeply");
	json_decref(body);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_and_whole),
		cmocka_unit_test(shares_strings),
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(what_jansson_does_not_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
