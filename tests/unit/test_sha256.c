// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_sha256.c - SHA-256 for trees of Xen that have none (xen/sha256.c).
 *
 * What could be wrong in the world: the SHA-256 that Xen's sensor tells of a page is none, and
 * whoever compares it with one that he trusts believes that Xen was changed.
 */
#include "../../xen/sha256.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <nettle/sha2.h>

static void digest_of(const char *message, size_t bytes, size_t times, char hex[65])
{
	struct ks_sha256 sha;
	uint8_t digest[32];

	ks_sha256_init(&sha);
	for (size_t i = 0; i < times; i++)
		ks_sha256_update(&sha, message, bytes);
	ks_sha256_final(&sha, digest);
	for (unsigned int i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* FIPS 180-4's examples, and the empty message. */
static void test_of_the_standard(void **state)
{
	static const struct {
		const char *message, *digest;
		size_t times;
	} of[] = {
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1 },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", 1 },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
		  "mnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1", 1 },
		{ "a", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", 1000000 },
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 1 },
	};
	char hex[65];

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		digest_of(of[i].message, strlen(of[i].message), of[i].times, hex);
		assert_string_equal(hex, of[i].digest);
	}
}

/* Messages of each length up to some blocks, in two pieces, cut at each place. */
static void test_in_pieces(void **state)
{
	uint8_t message[200];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7 + 1);
	for (size_t bytes = 0; bytes <= sizeof(message); bytes++) {
		struct sha256_ctx other;
		uint8_t expected[32], digest[32];

		sha256_init(&other);
		sha256_update(&other, bytes, message);
		sha256_digest(&other, sizeof(expected), expected);
		for (size_t cut = 0; cut <= bytes; cut++) {
			struct ks_sha256 sha;

			ks_sha256_init(&sha);
			ks_sha256_update(&sha, message, cut);
			ks_sha256_update(&sha, message + cut, bytes - cut);
			ks_sha256_final(&sha, digest);
			assert_memory_equal(digest, expected, sizeof(digest));
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_the_standard),
		cmocka_unit_test(test_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
