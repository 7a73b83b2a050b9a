/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256.h - SHA-256, piece by piece: as core/port.h asks for it.
 */
#ifndef KS_XEN_SHA256_H
#define KS_XEN_SHA256_H

#ifdef __XEN__
#include <xen/string.h>
#include <xen/types.h>
#else /* its unit test */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#endif

struct ks_sha256 {
    uint32_t hash[8];
    uint8_t block[64];      /* what is left of the message for the next block */
    uint64_t bytes;         /* of the message, so far */
};

void ks_sha256_init(struct ks_sha256 *sha);
void ks_sha256_update(struct ks_sha256 *sha, const void *data, size_t bytes);
void ks_sha256_final(struct ks_sha256 *sha, uint8_t digest[32]);

#endif /* KS_XEN_SHA256_H */
