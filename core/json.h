/* SPDX-License-Identifier: MIT */
/*
 * json.h - a reader for one JSON text in memory, strict (RFC 8259) or relaxed (PROTOCOL: bare
 * words need no quotes).
 *
 * A pull reader: each call returns the next token, in an order that is known to be right, or
 * KS_JSON_ERROR for good.  It allocates nothing, does not recurse, copies nothing but keys that
 * have escapes: tokens point into the text.
 *
 * Texts come from whoever may ask, so their worst bytes count: some eight instructions a byte, and
 * some hundred a token, are the most that any text costs (make bench searches for worse).
 */
#ifndef KS_JSON_H
#define KS_JSON_H

#include "port.h"

#define KS_JSON_DEPTH_MAX 32     /* arrays and objects within each other */
/* members of the objects that are open at one time, for the check of duplicates */
#define KS_JSON_KEYS_MAX 64
#define KS_JSON_BYTES_MAX 65535  /* of the text */
#define KS_JSON_KEY_MAX 32       /* bytes of a key, without its escapes */
#define KS_JSON_KEY_TEXT_MAX 64  /* bytes of a key as it stands in the text */
#define KS_JSON_NUMBER_MAX 64    /* bytes of a number */
#define KS_JSON_ALIKE_MAX 2      /* pairs of keys that differ and have the same hash */

enum ks_json_token {
	KS_JSON_ERROR,
	KS_JSON_END,           /* the text was complete, and nothing follows it */
	KS_JSON_OBJECT,
	KS_JSON_OBJECT_END,
	KS_JSON_ARRAY,
	KS_JSON_ARRAY_END,
	KS_JSON_KEY,           /* of a member; its value is the next token */
	KS_JSON_STRING,
	KS_JSON_NUMBER,
	KS_JSON_TRUE,
	KS_JSON_FALSE,
	KS_JSON_NULL,
};

struct ks_json_value {
	enum ks_json_token type;
	/*
	 * a string's without its quotes, escapes as they stand; a scalar's own text; a
	 * key without escapes
	 */
	const char *text;
	uint32_t len;
	bool escaped;          /* there may be escapes in it */
};

struct ks_json {
	const char *start, *pos, *end;
	bool relaxed;
	uint8_t depth;
	uint8_t expect;        /* what may come next, see json.c */
	uint32_t is_object;    /* bit d: what is open at depth d is an object */
	const char *error;     /* after KS_JSON_ERROR: what is wrong; static text */
	/* the last token's; of a key that had escapes it points into plain_key, until the next */
	struct ks_json_value value;
	/* so many more are read; whoever wants a bound sets it after ks_json_init() */
	uint32_t tokens_left;
	char plain_key[KS_JSON_KEY_MAX];
	uint8_t alike;         /* KS_JSON_ALIKE_MAX */
	uint8_t keys;
	uint8_t keys_below[KS_JSON_DEPTH_MAX + 1];
	struct ks_json_key {
		uint32_t hash;
		uint16_t at, len;
	} key[KS_JSON_KEYS_MAX];
};

/* How long @text is without the white space and the NULs at its end. */
size_t ks_json_trim(const char *text, size_t bytes);

void ks_json_init(struct ks_json *json, const char *text, size_t bytes, bool relaxed);
enum ks_json_token ks_json_next(struct ks_json *json);

/* Skips the rest of the value whose first token was @token.  False after an error. */
bool ks_json_skip(struct ks_json *json, enum ks_json_token token);

/* A string's bytes without escapes, into @out.  The length, or -1 when @size is too small. */
int ks_json_string(const struct ks_json_value *value, char *out, size_t size);

/*
 * Whether two strings, or a string and plain bytes, are the same when their escapes are resolved.
 */
bool ks_json_same(const struct ks_json_value *a, const struct ks_json_value *b);
static inline bool ks_json_is(const struct ks_json_value *value, const char *bytes, size_t len)
{
	struct ks_json_value plain = { .type = KS_JSON_STRING, .text = bytes, .len = (uint32_t)len };

	if (value->escaped)
		return ks_json_same(value, &plain);
	return value->len == len && !memcmp(value->text, bytes, len);
}

/* A number that is an integer of 64 bits without sign.  False for every other. */
bool ks_json_u64(const struct ks_json_value *value, uint64_t *out);

#endif /* KS_JSON_H */
