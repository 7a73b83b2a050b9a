// SPDX-License-Identifier: MIT
/*
 * test_cookie.c - a cursor that is handed to the caller, and comes back.
 *
 * What could be wrong in the world: a caller makes a cursor of his own, and so has Xen look
 * through all records in one call, or take losses out of the count that nobody was told of; or he
 * goes on with a reply that was another's, or with another request.  Each test changes one thing
 * between the sealing and the opening: what was sealed comes back, anything else is refused.
 */
#include "kit.h"

#include "../../core/cookie.h"

#include <stdlib.h>

static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static const struct ks_cookie_caller caller = { .id = 0, .instance = 1 };
static const char line[] = "{Virtue-protocol-version: 0.1, request: [" NONCE ", records, *]}";
static const struct ks_cursor cursor = {
	.stage = 2, .probe = 3, .span = 5, .flags = 1, .epoch = 10, .next = 1ULL << 63, .end = UINT64_MAX,
	.sent_bits = 0x15, .at = 7,
	.pass = 4, .sent = 12, .lost_mark = 9,
};

static struct ks_siphash bound_to(const struct ks_cookie_caller *who, const char *text, size_t bytes)
{
	struct ks_siphash bond;

	ks_cookie_bind(&bond, key, who, text, bytes);
	return bond;
}

static bool opens(const struct ks_siphash *bond, const uint64_t cookie[KS_COOKIE_WORDS])
{
	struct ks_cursor before, out;
	bool opened;

	memset(&out, 0x5a, sizeof(out));
	before = out;
	opened = ks_cookie_open(bond, cookie, &out);
	assert_memory_equal(&out, opened ? &cursor : &before, sizeof(out));
	return opened;
}

static void what_was_sealed_comes_back(void **state)
{
	struct ks_siphash bond = bound_to(&caller, line, strlen(line));
	uint64_t cookie[KS_COOKIE_WORDS];

	(void)state;
	ks_cookie_seal(&bond, &cursor, cookie);
	assert_true(opens(&bond, cookie));
	assert_true(opens(&bond, cookie)); /* and again: a call that failed is made anew */
}

/*
 * The tag is SipHash-1-3 over caller, length, line and cursor: written out here once, word by
 * word.
 */
static void tag_is_siphash(void **state)
{
	struct ks_siphash bond = bound_to(&caller, "0123456789", 10), whole;
	uint64_t head[3] = { 0, 1, 10 }, cookie[KS_COOKIE_WORDS];
	char padded[16] = "0123456789", sealed[8 * (KS_COOKIE_WORDS - 1)] = "";

	(void)state;
	ks_cookie_seal(&bond, &cursor, cookie);
	ks_siphash_init(&whole, key);
	ks_siphash13_update(&whole, head, sizeof(head));
	ks_siphash13_update(&whole, padded, sizeof(padded));
	memcpy(sealed, &cursor, sizeof(cursor));
	ks_siphash13_update(&whole, sealed, sizeof(sealed));
	assert_true(cookie[KS_COOKIE_WORDS - 1] == ks_siphash13_final(&whole).low);
}

static void any_other_bit_is_refused(void **state)
{
	struct ks_siphash bond = bound_to(&caller, line, strlen(line));
	uint64_t cookie[KS_COOKIE_WORDS], zero[KS_COOKIE_WORDS] = { 0 };

	(void)state;
	ks_cookie_seal(&bond, &cursor, cookie);
	for (unsigned int bit = 0; bit < 64 * KS_COOKIE_WORDS; bit++) {
		cookie[bit / 64] ^= 1ULL << bit % 64;
		assert_false(opens(&bond, cookie));
		cookie[bit / 64] ^= 1ULL << bit % 64;
	}
	assert_true(opens(&bond, cookie));
	assert_false(opens(&bond, zero));
}

/*
 * Another domain, one that has the id of one that is gone, and the same request of either in
 * another line.
 */
static void others_are_refused(void **state)
{
	static const struct ks_cookie_caller other_id = { .id = 1, .instance = 1 };
	static const struct ks_cookie_caller other_instance = { .id = 0, .instance = 2 };
	struct ks_siphash bond = bound_to(&caller, line, strlen(line));
	uint64_t cookie[KS_COOKIE_WORDS];
	static const uint64_t other_key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0909 };

	(void)state;
	ks_cookie_seal(&bond, &cursor, cookie);
	bond = bound_to(&other_id, line, strlen(line));
	assert_false(opens(&bond, cookie));
	bond = bound_to(&other_instance, line, strlen(line));
	assert_false(opens(&bond, cookie));
	ks_cookie_bind(&bond, other_key, &caller, line, strlen(line));
	assert_false(opens(&bond, cookie));
	for (size_t at = 0; at < strlen(line); at++) {
		char changed[sizeof(line)];

		memcpy(changed, line, sizeof(line));
		changed[at] ^= 1;
		bond = bound_to(&caller, changed, strlen(line));
		assert_false(opens(&bond, cookie));
	}
}

/*
 * How long the line is counts, too: the bytes that fill up its last word are none of it.  Nothing
 * behind its end is read.
 */
static void the_length_counts(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes <= 17; bytes++) {
		char *text = calloc(1, bytes + !bytes);
		struct ks_siphash bond = bound_to(&caller, text, bytes);
		uint64_t cookie[KS_COOKIE_WORDS];

		ks_cookie_seal(&bond, &cursor, cookie);
		for (size_t other = 0; other <= 17; other++) {
			char *longer = calloc(1, other + !other);

			bond = bound_to(&caller, longer, other);
			assert_int_equal(opens(&bond, cookie), other == bytes);
			free(longer);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_comes_back), cmocka_unit_test(tag_is_siphash),
		cmocka_unit_test(any_other_bit_is_refused),
		cmocka_unit_test(others_are_refused),         cmocka_unit_test(the_length_counts),
	};

	return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
