// SPDX-License-Identifier: GPL-2.0-only
/*
 * path.c - a path in a record: see path.h.
 */
#include "path.h"

#define CUT "..."
#define CUT_BYTES (sizeof(CUT) - 1)

/* How many bytes the next character has, and how many ks_write_string() makes of it at most. */
static size_t character(const char *s, size_t len, size_t *json_bytes)
{
	size_t bytes = ks_utf8_len(s, len);

	if (bytes < 1)
		bytes = 1;
	if (bytes == 1)
		*json_bytes = ks_plain_len(s, 1) ? 1 : 6;
	else
		*json_bytes = bytes == 2 ? 6 : bytes; /* U+0080..U+009F are escaped */
	return bytes;
}

void ks_path_copy(char *out, size_t bytes, size_t json_bytes, const char *path)
{
	size_t len = strlen(path), cost = 0, each;
	const char *end = path + len, *at;
	bool cut = len >= bytes;

	if (cut)
		path = end - (bytes - 1 - CUT_BYTES);
	if (ks_plain_len(path, (size_t)(end - path)) == (size_t)(end - path)) {
		cost = (size_t)(end - path);
	} else {
		for (at = path; at < end; cost += each)
			at += character(at, (size_t)(end - at), &each);
	}
	/* From the first character on that leaves few enough. */
	while (cost + (cut ? CUT_BYTES : 0) > json_bytes) {
		if (!cut) {
			cut = true;
			while ((size_t)(end - path) + CUT_BYTES >= bytes) {
				path += character(path, (size_t)(end - path), &each);
				cost -= each;
			}
			continue;
		}
		path += character(path, (size_t)(end - path), &each);
		cost -= each;
	}
	len = (size_t)(end - path);
	if (cut)
		memcpy(out, CUT, CUT_BYTES);
	memcpy(out + (cut ? CUT_BYTES : 0), path, len);
	len += cut ? CUT_BYTES : 0;
	memset(out + len, 0, bytes - len);
}
