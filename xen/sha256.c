/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256.c - SHA-256 (FIPS 180-4), piece by piece, for trees of Xen that have none: up to 4.17.4,
 * and the first of the releases up to 4.20.
 */
#include "sha256.h"

#define BLOCK_BYTES 64

/* Section 4.2.2: of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t x, unsigned int bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/*
 * Section 6.2.2, step 3: what d and h become.  The others stay, and all get the next letter, which
 * is left to the caller.
 */
#define STEP(a, b, c, d, e, f, g, h, t)                                    \
do {                                                                       \
    (h) += (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) +             \
           ((g) ^ ((e) & ((f) ^ (g)))) + constants[t] + w[(t) & 15];       \
    (d) += (h);                                                            \
    (h) += (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) +             \
           (((a) & (b)) | ((c) & ((a) | (b))));                            \
} while ( 0 )

/* Step 1, of a word from the 16th on. */
static void extend(uint32_t w[16], unsigned int t)
{
    uint32_t x = w[(t + 1) & 15], y = w[(t + 14) & 15];

    w[t & 15] += w[(t + 9) & 15] + (rotated(x, 7) ^ rotated(x, 18) ^ x >> 3) +
                 (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10);
}

/* Of the message schedule, the last 16 words are kept. */
static void take_block(uint32_t hash[8], const uint8_t *block)
{
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5];
    uint32_t g = hash[6], h = hash[7], w[16], x, y;

    for ( unsigned int t = 0; t < 64; t += 2 )
    {
        for ( unsigned int i = t; i < t + 2; i++ )
        {
            if ( i < 16 )
                w[i] = word_at(block + 4 * i);
            else
                extend(w, i);
        }
        STEP(a, b, c, d, e, f, g, h, t);
        STEP(h, a, b, c, d, e, f, g, t + 1);
        /* All go on by two. */
        x = g;
        y = h;
        h = f;
        g = e;
        f = d;
        e = c;
        d = b;
        c = a;
        b = y;
        a = x;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
}

void ks_sha256_init(struct ks_sha256 *sha)
{
    /* Section 5.3.3: of the square roots of the first eight primes. */
    *sha = (struct ks_sha256){
        .hash = {
            0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
        },
    };
}

void ks_sha256_update(struct ks_sha256 *sha, const void *data, size_t bytes)
{
    const uint8_t *from = data;

    while ( bytes )
    {
        size_t held = sha->bytes % BLOCK_BYTES, room = BLOCK_BYTES - held;
        size_t some = bytes < room ? bytes : room;

        memcpy(sha->block + held, from, some);
        sha->bytes += some;
        from += some;
        bytes -= some;
        if ( some == room )
            take_block(sha->hash, sha->block);
    }
}

void ks_sha256_final(struct ks_sha256 *sha, uint8_t digest[32])
{
    static const uint8_t end[BLOCK_BYTES] = { 0x80 };
    uint64_t bits = 8 * sha->bytes;
    /* Section 5.1.1: so that with the number of bits it is a whole block. */
    size_t pad = BLOCK_BYTES - (sha->bytes + 8) % BLOCK_BYTES;
    uint8_t length[8];

    for ( unsigned int i = 0; i < 8; i++ )
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    ks_sha256_update(sha, end, pad);
    ks_sha256_update(sha, length, sizeof(length));
    for ( unsigned int i = 0; i < 32; i++ )
        digest[i] = (uint8_t)(sha->hash[i / 4] >> (24 - 8 * (i % 4)));
}
