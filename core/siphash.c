// SPDX-License-Identifier: MIT
/*
 * siphash.c - SipHash-2-4 and SipHash-1-3, 128 bits, over whole words.
 */
#include "siphash.h"

static inline uint64_t rotl(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

#define ROUND(v0, v1, v2, v3)                                          \
	do {                                                           \
		v0 += v1, v1 = rotl(v1, 13), v1 ^= v0, v0 = rotl(v0, 32); \
		v2 += v3, v3 = rotl(v3, 16), v3 ^= v2;                 \
		v0 += v3, v3 = rotl(v3, 21), v3 ^= v0;                 \
		v2 += v1, v1 = rotl(v1, 17), v1 ^= v2, v2 = rotl(v2, 32); \
	} while (0)

static inline uint64_t word_at(const uint8_t *p)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
#else
	uint64_t word = 0;

	for (int i = 7; i >= 0; i--)
		word = word << 8 | p[i];
	return word;
#endif
}

void ks_siphash_init(struct ks_siphash *state, const uint64_t key[2])
{
	state->v0 = key[0] ^ 0x736f6d6570736575ULL;
	state->v1 = key[1] ^ 0x646f72616e646f6dULL ^ 0xee; /* 0xee: 128 bits of result */
	state->v2 = key[0] ^ 0x6c7967656e657261ULL;
	state->v3 = key[1] ^ 0x7465646279746573ULL;
	state->bytes = 0;
}

#define WORD(p)                                         \
	do {                                            \
		uint64_t word = word_at(p);             \
							\
		v3 ^= word;                             \
		for (int i = 0; i < rounds; i++)        \
			ROUND(v0, v1, v2, v3);          \
		v0 ^= word;                             \
	} while (0)

/*
 * @rounds and @by_four are constants where this is called: the loops of rounds are none.  Four
 * words at once save a ninth of what a long text costs.
 */
static inline void update(struct ks_siphash *state, const uint8_t *p, size_t bytes, int rounds, bool by_four)
{
	const uint8_t *end = p + bytes;
	uint64_t v0 = state->v0, v1 = state->v1, v2 = state->v2, v3 = state->v3;

	for (; by_four && end - p >= 32; p += 32) {
		WORD(p);
		WORD(p + 8);
		WORD(p + 16);
		WORD(p + 24);
	}
	for (; p < end; p += 8)
		WORD(p);
	state->v0 = v0;
	state->v1 = v1;
	state->v2 = v2;
	state->v3 = v3;
	state->bytes += bytes;
}

static inline struct ks_hash final(struct ks_siphash *state, int rounds, int final_rounds)
{
	uint64_t v0 = state->v0, v1 = state->v1, v2 = state->v2, v3 = state->v3;
	uint64_t last = state->bytes << 56;
	struct ks_hash hash;

	v3 ^= last;
	for (int i = 0; i < rounds; i++)
		ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xee;
	for (int i = 0; i < final_rounds; i++)
		ROUND(v0, v1, v2, v3);
	hash.low = v0 ^ v1 ^ v2 ^ v3;
	v1 ^= 0xdd;
	for (int i = 0; i < final_rounds; i++)
		ROUND(v0, v1, v2, v3);
	hash.high = v0 ^ v1 ^ v2 ^ v3;
	return hash;
}

void ks_siphash_update(struct ks_siphash *state, const void *data, size_t bytes)
{
	update(state, data, bytes, 2, false);
}

struct ks_hash ks_siphash_final(struct ks_siphash *state)
{
	return final(state, 2, 4);
}

void ks_siphash13_update(struct ks_siphash *state, const void *data, size_t bytes)
{
	update(state, data, bytes, 1, true);
}

struct ks_hash ks_siphash13_final(struct ks_siphash *state)
{
	return final(state, 1, 3);
}
