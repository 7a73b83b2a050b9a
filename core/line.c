// SPDX-License-Identifier: MIT
/*
 * line.c - request lines out of a stream of bytes.
 */
#include "line.h"

void ks_line_init(struct ks_line *line)
{
	line->skipping = false;
	ks_line_next(line);
}

void ks_line_next(struct ks_line *line)
{
	line->len = 0;
	line->ready = line->too_long = false;
	line->depth = 0;
	line->in_string = line->escaped = line->complete = false;
}

/*
 * Follows brackets and strings just so far that the end of the outermost object is seen; the
 * reader judges the rest.
 */
static void follow(struct ks_line *line, char c)
{
	if (line->in_string) {
		if (line->escaped)
			line->escaped = false;
		else if (c == '\\')
			line->escaped = true;
		else if (c == '"')
			line->in_string = false;
		return;
	}
	switch (c) {
	case ' ':
	case '\t':
		return;
	case '"':
		line->in_string = true;
		break;
	case '{':
	case '[':
		line->depth++;
		break;
	case '}':
	case ']':
		if (line->depth && !--line->depth) {
			line->complete = true;
			return;
		}
		break;
	}
	line->complete = false; /* something follows */
}

size_t ks_line_feed(struct ks_line *line, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && !line->ready && !line->too_long) {
		char c = bytes[at++];
		bool end = c == '\n' || c == '\r' || (c == '\0' && line->complete);

		if (line->skipping) {
			line->skipping = !end;
		} else if (end) {
			line->ready = line->len > 0;
			if (!line->ready)
				ks_line_next(line);
		} else if (c == '\0' && !line->len) {
			continue;
		} else if (line->len == sizeof(line->buf) - 1) {
			/* With its newline it would be too long. */
			line->too_long = line->skipping = true;
		} else {
			line->buf[line->len++] = c;
			follow(line, c);
		}
	}
	return at;
}
