// SPDX-License-Identifier: MIT
/*
 * writer.c - writing JSON into a buffer of fixed size.
 */
#include "writer.h"

static const char hex_digits[] = "0123456789abcdef";

void ks_write_put(struct ks_writer *text, const char *bytes, size_t len)
{
	if (len > text->size - text->len) {
		text->full = true;
		return;
	}
	memcpy(text->buf + text->len, bytes, len);
	text->len += len;
}

void ks_write_u64(struct ks_writer *text, uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char digits[20];
	unsigned int at = sizeof(digits);

	while (value >= 100) {
		const char *pair = pairs + 2 * (value % 100);

		value /= 100;
		digits[--at] = pair[1];
		digits[--at] = pair[0];
	}
	if (value >= 10) {
		digits[--at] = pairs[2 * value + 1];
		digits[--at] = pairs[2 * value];
	} else {
		digits[--at] = (char)('0' + value);
	}
	ks_write_put(text, digits + at, sizeof(digits) - at);
}

void ks_write_s64(struct ks_writer *text, int64_t value)
{
	if (value >= 0) {
		ks_write_u64(text, (uint64_t)value);
		return;
	}
	ks_write_lit(text, "-");
	ks_write_u64(text, 0 - (uint64_t)value);
}

static inline void put_hex(struct ks_writer *text, uint64_t value, bool negative)
{
	char digits[21]; /* "-0x, 16 digits, " */
	unsigned int at = sizeof(digits);

	digits[--at] = '"';
	do {
		digits[--at] = hex_digits[value & 15];
		value >>= 4;
	} while (value);
	digits[--at] = 'x';
	digits[--at] = '0';
	if (negative)
		digits[--at] = '-';
	digits[--at] = '"';
	ks_write_put(text, digits + at, sizeof(digits) - at);
}

void ks_write_hex(struct ks_writer *text, uint64_t value)
{
	put_hex(text, value, false);
}

void ks_write_signed_hex(struct ks_writer *text, int64_t value)
{
	put_hex(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void ks_write_bytes(struct ks_writer *text, const void *bytes, size_t len)
{
	const uint8_t *byte = bytes;
	size_t room = text->size - text->len;
	char *out = text->buf + text->len;

	if (room < 2 || len > (room - 2) / 2) {
		text->full = true;
		return;
	}
	*out++ = '"';
	for (size_t i = 0; i < len; i++) {
		*out++ = hex_digits[byte[i] >> 4];
		*out++ = hex_digits[byte[i] & 15];
	}
	*out = '"';
	text->len += 2 + 2 * len;
}

size_t ks_utf8_len(const char *s, size_t len)
{
	const uint8_t *b = (const uint8_t *)s;
	size_t want;

	if (!len)
		return 0;
	if (b[0] < 0x80)
		return 1;
	/*
	 * The second byte's limits keep out overlong forms, surrogates and what is beyond
	 * U+10FFFF: RFC 3629, section 4.
	 */
	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		want = 2;
	else if ((b[0] & 0xf0) == 0xe0)
		want = 3;
	else if (b[0] >= 0xf0 && b[0] <= 0xf4)
		want = 4;
	else
		return 0;
	if (want > len)
		return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
	    (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

/* Of eight bytes that are all below 0x80: the top bit of each is set that is not below @limit. */
#define NOT_BELOW(word, limit) ((word) + KS_EIGHT * (0x80 - (limit)))

size_t ks_plain_len(const char *s, size_t len)
{
	size_t at = 0;

	for (; len - at >= 8; at += 8) {
		uint64_t word, plain, special;

		memcpy(&word, s + at, 8);
		/*
		 * Of one that is not below 0x80 the sums reach the bytes above it only; the first
		 * special byte is right.
		 */
		plain = NOT_BELOW(word, 0x20) & KS_EIGHT_OTHERS(word, '"') & KS_EIGHT_OTHERS(word, '\\') &
			KS_EIGHT_OTHERS(word, 0x7f);
		special = (~plain | word) & KS_EIGHT * 0x80;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		if (special)
			return at + (size_t)__builtin_ctzll(special) / 8;
#else
		if (special)
			break;
#endif
	}
	while (at < len && (uint8_t)s[at] >= 0x20 && (uint8_t)s[at] < 0x7f && s[at] != '"' && s[at] != '\\')
		at++;
	return at;
}

static void put_escaped(struct ks_writer *text, uint8_t code)
{
	char out[6] = { '\\', 'u', '0', '0', hex_digits[code >> 4], hex_digits[code & 15] };

	ks_write_put(text, out, sizeof(out));
}

void ks_write_string(struct ks_writer *text, const char *bytes, size_t len)
{
	const char *end = bytes + len;

	ks_write_lit(text, "\"");
	for (;;) {
		size_t plain = ks_plain_len(bytes, (size_t)(end - bytes)), special;

		ks_write_put(text, bytes, plain);
		bytes += plain;
		if (bytes == end)
			break;
		special = ks_utf8_len(bytes, (size_t)(end - bytes));
		if (*bytes == '"') {
			ks_write_lit(text, "\\\"");
		} else if (*bytes == '\\') {
			ks_write_lit(text, "\\\\");
		} else if (special < 2) {
			/* A control character, or a byte that is no UTF-8. */
			special = 1;
			put_escaped(text, (uint8_t)*bytes);
		} else if (special == 2 && (uint8_t)bytes[0] == 0xc2 && (uint8_t)bytes[1] < 0xa0) {
			/* U+0080..U+009F: control characters as well */
			put_escaped(text, (uint8_t)bytes[1]);
		} else {
			ks_write_put(text, bytes, special);
		}
		bytes += special;
	}
	ks_write_lit(text, "\"");
}

void ks_uuid_text(char out[KS_UUID_TEXT], const uint8_t uuid[16])
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = hex_digits[uuid[i] >> 4];
		out[at++] = hex_digits[uuid[i] & 15];
	}
	out[at] = '\0';
}
