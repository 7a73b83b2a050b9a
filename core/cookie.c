// SPDX-License-Identifier: MIT
/*
 * cookie.c - a cursor on its way out to the caller, and back.
 */
#include "cookie.h"

#define TAG (KS_COOKIE_WORDS - 1)

_Static_assert(sizeof(struct ks_cursor) <= TAG * sizeof(uint64_t), "a cookie has room for a cursor and the tag");

void ks_cookie_bind(struct ks_siphash *bond, const uint64_t key[2], const struct ks_cookie_caller *caller,
		    const char *line, size_t bytes)
{
	/*
	 * How long the line is comes first, so that what fills up its last word is no part of it.
	 */
	uint64_t head[3] = { caller->id, caller->instance, bytes }, tail = 0;
	size_t whole = bytes & ~(size_t)7;

	ks_siphash_init(bond, key);
	ks_siphash13_update(bond, head, sizeof(head));
	ks_siphash13_update(bond, line, whole);
	memcpy(&tail, line + whole, bytes - whole);
	ks_siphash13_update(bond, &tail, sizeof(tail));
}

static uint64_t tag_of(const struct ks_siphash *bond, const uint64_t cookie[KS_COOKIE_WORDS])
{
	struct ks_siphash state = *bond;

	ks_siphash13_update(&state, cookie, TAG * sizeof(*cookie));
	return ks_siphash13_final(&state).low;
}

void ks_cookie_seal(const struct ks_siphash *bond, const struct ks_cursor *cursor, uint64_t cookie[KS_COOKIE_WORDS])
{
	memset(cookie, 0, KS_COOKIE_WORDS * sizeof(*cookie));
	memcpy(cookie, cursor, sizeof(*cursor));
	cookie[TAG] = tag_of(bond, cookie);
}

bool ks_cookie_open(const struct ks_siphash *bond, const uint64_t cookie[KS_COOKIE_WORDS], struct ks_cursor *cursor)
{
	/* One comparison of one word: it takes the same time wherever they differ. */
	if (cookie[TAG] != tag_of(bond, cookie))
		return false;
	memcpy(cursor, cookie, sizeof(*cursor));
	return true;
}
