/* SPDX-License-Identifier: MIT */
/*
 * writer.h - writing JSON into a buffer of fixed size.
 *
 * All that the sensor says goes through here.  Nothing is written past the end: a write that does
 * not fit leaves the text as it was and sets `full`, and whoever started the line drops it whole.
 */
#ifndef KS_WRITER_H
#define KS_WRITER_H

#include "port.h"

struct ks_writer {
	char *buf;       /* not terminated */
	size_t size;     /* of buf, in bytes */
	size_t len;      /* bytes written */
	bool full;       /* something did not fit */
};

static inline void ks_writer_init(struct ks_writer *text, void *buf, size_t size)
{
	text->buf = buf;
	text->size = size;
	text->len = 0;
	text->full = false;
}

/* Takes back what was written from @start on, if it did not fit: then false. */
static inline bool ks_writer_fits(struct ks_writer *text, size_t start)
{
	if (!text->full)
		return true;
	text->len = start;
	text->full = false;
	return false;
}

/* Bytes as they are. */
void ks_write_put(struct ks_writer *text, const char *bytes, size_t len);

/*
 * A C string literal as it is: the length is known to the compiler, and the copy is a few stores.
 */
#define ks_write_lit(text, literal) ks_write_const(text, "" literal, sizeof(literal) - 1)

static inline void ks_write_const(struct ks_writer *text, const char *bytes, size_t len)
{
	if (len > text->size - text->len) {
		text->full = true;
		return;
	}
	memcpy(text->buf + text->len, bytes, len);
	text->len += len;
}

/* A number, decimal. */
void ks_write_u64(struct ks_writer *text, uint64_t value);
void ks_write_s64(struct ks_writer *text, int64_t value);

/* A JSON string "0x...", without leading zeros: for what may pass 2^53 or is an address. */
void ks_write_hex(struct ks_writer *text, uint64_t value);
/* The same, of a number that may be below 0: "-0x...". */
void ks_write_signed_hex(struct ks_writer *text, int64_t value);

/* A JSON string of lower-case hex digits, two for each byte. */
void ks_write_bytes(struct ks_writer *text, const void *bytes, size_t len);

/*
 * A JSON string with its quotes, for any bytes: control characters, quotes and backslashes are
 * escaped, and a byte that is no valid UTF-8 becomes the character U+0080..U+00FF of the same
 * number, escaped.
 */
void ks_write_string(struct ks_writer *text, const char *bytes, size_t len);

/*
 * One member of an object that has members before it: ,"name":value.  The literal
 * made by KS_MEMBER() has all before the value, so that it costs one copy.
 *
 * A plain number of 64 bits is a count, a size or ns: why these cannot pass 2^53, or may, is said
 * at KS_COUNT and after it in probes/set.h.  All else that may pass it is hex (PROTOCOL).
 */
#define KS_MEMBER(name) ",\"" name "\":"
#define ks_write_member_count(text, name, value) (ks_write_lit(text, KS_MEMBER(name)), ks_write_u64(text, value))
#define ks_write_member_size ks_write_member_count
#define ks_write_member_ns ks_write_member_count
#define ks_write_member_hex(text, name, value) (ks_write_lit(text, KS_MEMBER(name)), ks_write_hex(text, value))
#define ks_write_member_str(text, name, bytes, len) \
	(ks_write_lit(text, KS_MEMBER(name)), ks_write_string(text, bytes, len))
#define ks_write_member_bool(text, name, value) (ks_write_lit(text, KS_MEMBER(name)), ks_write_bool(text, value))

static inline void ks_write_bool(struct ks_writer *text, bool value)
{
	if (value)
		ks_write_lit(text, "true");
	else
		ks_write_lit(text, "false");
}

/* The 36 characters of a uuid, and a terminating NUL, from 16 bytes. */
#define KS_UUID_TEXT 37
void ks_uuid_text(char out[KS_UUID_TEXT], const uint8_t uuid[16]);

/*
 * Eight bytes at a time, in a word: the top bit of each is set that is not @byte.  All of them and
 * @byte are below 0x80; where one is not, its own top bit in the word tells, and what is said of
 * those above it is worth nothing.
 */
#define KS_EIGHT 0x0101010101010101ULL
#define KS_EIGHT_OTHERS(word, byte) (((word) ^ KS_EIGHT * (byte)) + KS_EIGHT * 0x7f)

/*
 * How many bytes at @s stand for themselves in a JSON string, and in a terminal: ASCII, but no
 * control character, quote or backslash.
 */
size_t ks_plain_len(const char *s, size_t len);

/*
 * How many bytes the UTF-8 sequence at @s has (1 to 4), or 0 if there is no valid one within @len
 * bytes (surrogates, overlong forms and what lies beyond U+10FFFF are not valid: RFC 3629).
 */
size_t ks_utf8_len(const char *s, size_t len);

#endif /* KS_WRITER_H */
