// SPDX-License-Identifier: MIT
/*
 * test_siphash.c - SipHash-2-4 with 128 bits.
 *
 * The numbers: key 00 01 .. 0f, input 00 01 .. of 0, 8, 16 ... bytes.  They were made with OpenSSL 3.0 (`openssl mac -macopt size:16
 * SIPHASH`), an implementation of other authors; the first is also the first of the reference code's vectors_sip128.
 */
#include "kit.h"

#include "../../core/siphash.h"

static const uint8_t vectors[][16] = {
	{ 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 },
	{ 0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14, 0x97, 0xb4 },
	{ 0x6e, 0xe2, 0xa4, 0xca, 0x67, 0xb0, 0x54, 0xbb, 0xfd, 0x33, 0x15, 0xbf, 0x85, 0x23, 0x05, 0x77 },
	{ 0x2d, 0xb4, 0x79, 0xae, 0x78, 0xbd, 0x50, 0xd8, 0x88, 0x2a, 0x8a, 0x17, 0x8a, 0x61, 0x32, 0xad },
	{ 0x7c, 0x39, 0x56, 0xca, 0x5e, 0xea, 0xfc, 0x3e, 0x36, 0x3e, 0x9d, 0x55, 0x65, 0x46, 0xeb, 0x68 },
	{ 0xdf, 0x6a, 0x30, 0x1e, 0x95, 0xc9, 0x5d, 0xad, 0x97, 0xae, 0x0c, 0xc8, 0xc6, 0x91, 0x3b, 0xd8 },
	{ 0xf7, 0xe5, 0xae, 0xf5, 0x49, 0xf7, 0x82, 0xcf, 0x37, 0x90, 0x55, 0xa6, 0x08, 0x26, 0x9b, 0x16 },
	{ 0x19, 0x38, 0xf2, 0xcf, 0x72, 0xd5, 0x4e, 0xe9, 0x7e, 0x94, 0x16, 0x6f, 0xa9, 0x1d, 0x2a, 0x36 },
};

static uint64_t word(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

/* @at: how far the input lies from an aligned address; @piece: how much is passed at a time. */
static void check(size_t at, size_t piece)
{
	uint8_t bytes[128], key[16];
	uint64_t words[2];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	words[0] = word(key);
	words[1] = word(key + 8);
	for (size_t i = 0; i + at < sizeof(bytes); i++)
		bytes[at + i] = (uint8_t)i;
	for (size_t v = 0; v < sizeof(vectors) / sizeof(*vectors); v++) {
		struct ks_siphash state;
		struct ks_hash hash;

		ks_siphash_init(&state, words);
		for (size_t done = 0; done < 8 * v; done += piece)
			ks_siphash_update(&state, bytes + at + done, 8 * v - done < piece ? 8 * v - done : piece);
		hash = ks_siphash_final(&state);
		assert_int_equal(hash.low, word(vectors[v]));
		assert_int_equal(hash.high, word(vectors[v] + 8));
	}
}

static void vectors_whole(void **state)
{
	(void)state;
	check(0, 64);
}

static void vectors_in_pieces(void **state)
{
	(void)state;
	check(0, 8);
	check(0, 24);
}

static void vectors_unaligned(void **state)
{
	(void)state;
	for (size_t at = 1; at < 8; at++)
		check(at, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_whole),
		cmocka_unit_test(vectors_in_pieces),
		cmocka_unit_test(vectors_unaligned),
	};

	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
