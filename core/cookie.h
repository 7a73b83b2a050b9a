/* SPDX-License-Identifier: MIT */
/*
 * cookie.h - a cursor on its way: out to the caller of a medium that keeps no state for him, and
 * back.
 *
 * What comes back is what went out, or it is refused: a tag of 64 bits, SipHash-1-3 with a key of
 * this boot, binds the cursor to the request line and to the caller.  So a cursor needs no check
 * of its own, and one that was made up costs its maker no more than the tag.
 *
 * It may come back more than once, and late: a cookie says where a reply stood, not that nobody
 * went on from there.
 */
#ifndef KS_COOKIE_H
#define KS_COOKIE_H

#include "serve.h"
#include "siphash.h"

/* 64-bit words of a cookie: the cursor, and behind it the tag. */
#define KS_COOKIE_WORDS 8

/*
 * Who calls: two callers that must not have each other's cookies differ here, also if one came
 * after the other.
 */
struct ks_cookie_caller {
	uint64_t id;
	uint64_t instance;     /* what tells it from those that had its id before */
};

/*
 * What a cookie is bound to, @caller and the request line: for any number of cookies.  @key is
 * random, of this boot, and secret.
 */
void ks_cookie_bind(struct ks_siphash *bond, const uint64_t key[2], const struct ks_cookie_caller *caller,
		    const char *line, size_t bytes);

/* Makes the cookie for @cursor. */
void ks_cookie_seal(const struct ks_siphash *bond, const struct ks_cursor *cursor, uint64_t cookie[KS_COOKIE_WORDS]);

/*
 * Takes the cursor out of a cookie.  False: it is none of ours, or of another caller or request;
 * @cursor is as it was.
 */
bool ks_cookie_open(const struct ks_siphash *bond, const uint64_t cookie[KS_COOKIE_WORDS], struct ks_cursor *cursor);

#endif /* KS_COOKIE_H */
