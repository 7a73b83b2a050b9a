/* SPDX-License-Identifier: MIT */
/*
 * siphash.h - SipHash-2-4 and SipHash-1-3 with 128 bits of result (Aumasson, Bernstein: "SipHash:
 * a fast short-input PRF", and the 128-bit form of their reference code), over whole 64-bit words,
 * piece by piece.
 */
#ifndef KS_SIPHASH_H
#define KS_SIPHASH_H

#include "port.h"

struct ks_hash {
	uint64_t low, high;
};

struct ks_siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t bytes;
};

/* @key is random and never leaves the kernel: who does not know it cannot aim at a collision. */
void ks_siphash_init(struct ks_siphash *state, const uint64_t key[2]);

/* @bytes is a multiple of 8; @data is read as little-endian words and may lie anywhere. */
void ks_siphash_update(struct ks_siphash *state, const void *data, size_t bytes);

struct ks_hash ks_siphash_final(struct ks_siphash *state);

/*
 * SipHash-1-3, for half the price: for what nobody can try but by asking, while he waits for it,
 * or by changing what must not change, and being told of.  What others write all day, and is
 * compared with what they wrote before, is hashed with the other.
 */
void ks_siphash13_update(struct ks_siphash *state, const void *data, size_t bytes);
struct ks_hash ks_siphash13_final(struct ks_siphash *state);

static inline bool ks_hash_equal(const struct ks_hash *a, const struct ks_hash *b)
{
	return a->low == b->low && a->high == b->high;
}

#endif /* KS_SIPHASH_H */
