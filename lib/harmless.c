// SPDX-License-Identifier: MIT
/*
 * harmless.c - text from outside, as a terminal may have it.
 */
#include "libksense.h"

#include <stdio.h>
#include <string.h>

#include "../core/writer.h"

/*
 * What is not to be seen, or changes how other characters are seen, in ascending order: control
 * characters, Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 15:
 * soft hyphen, zero width space and joiners, marks and overrides of direction, variation
 * selectors, fillers, tags), separators of lines, and marks of annotations.
 */
static const struct {
	uint32_t first, last;
} harmful[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad }, { 0x034f, 0x034f },
	{ 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

static bool is_harmful(uint32_t code)
{
	size_t i = 0;

	while (i < sizeof(harmful) / sizeof(harmful[0]) && harmful[i].last < code)
		i++;
	return i < sizeof(harmful) / sizeof(harmful[0]) && harmful[i].first <= code;
}

/* Of a valid sequence of @bytes bytes. */
static uint32_t code_of(const char *text, size_t bytes)
{
	const unsigned char *b = (const unsigned char *)text;
	uint32_t code = bytes == 1 ? b[0] : b[0] & (0x7f >> bytes);

	for (size_t i = 1; i < bytes; i++)
		code = code << 6 | (b[i] & 0x3f);
	return code;
}

/* As JSON escapes it, in one piece or, beyond U+FFFF, in two. */
static int escape(char out[13], uint32_t code)
{
	if (code <= 0xffff)
		return snprintf(out, 13, "\\u%04x", (unsigned int)code);
	code -= 0x10000;
	return snprintf(out, 13, "\\u%04x\\u%04x", 0xd800U + (code >> 10), 0xdc00U + (code & 0x3ff));
}

size_t ksense_harmless(char *out, size_t size, const char *text, size_t bytes, unsigned int how)
{
	size_t written = 0, len = 0;
	bool fits = true;

	for (size_t at = 0; at < bytes;) {
		size_t count = ks_utf8_len(text + at, bytes - at), put;
		uint32_t code = count ? code_of(text + at, count) : (unsigned char)text[at];
		const char *from = text + at;
		char escaped[13];

		if ((how & KSENSE_HARMLESS_JSON) && (code == '\t' || code == '\r' || code == '\n')) {
			from = " ";
			put = 1;
		} else if (!count || is_harmful(code) || ((how & KSENSE_HARMLESS_ASCII) && code > 0x7f)) {
			from = escaped;
			put = (size_t)escape(escaped, code);
		} else {
			put = count;
		}
		fits = fits && len + put < size;
		if (fits) {
			memcpy(out + len, from, put);
			written = len + put;
		}
		len += put;
		at += count ? count : 1;
	}
	if (size)
		out[written] = '\0';
	return len;
}
