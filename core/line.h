/* SPDX-License-Identifier: MIT */
/*
 * line.h - request lines out of a stream of bytes.
 *
 * A line ends with \n or \r.  A NUL ends it too where the request is complete, and is skipped
 * where none has begun.  On a stream a complete request is also served when nothing more comes for
 * a while: see ks_line_complete().
 */
#ifndef KS_LINE_H
#define KS_LINE_H

#include "serve.h"

/* How long a complete request waits for a newline. */
#define KS_LINE_PATIENCE_NS 50000000ULL

struct ks_line {
	char buf[KS_REQUEST_MAX];
	uint32_t len;
	bool ready;        /* buf holds a line, without what ended it */
	/* a line was too long: answer so, once; the rest of it is being skipped */
	bool too_long;
	bool skipping;
	/* where in the JSON text the line ends so far */
	uint32_t depth;
	bool in_string, escaped, complete;
};

void ks_line_init(struct ks_line *line);

/*
 * Takes bytes up to the end of a line, at most.  Returns how many it took.  Then, if line->ready
 * or line->too_long, serve that and call ks_line_next() before the next feed.
 */
size_t ks_line_feed(struct ks_line *line, const char *bytes, size_t len);
void ks_line_next(struct ks_line *line);

/* Whether what has come so far is a whole object, so that it may be served without its newline. */
static inline bool ks_line_complete(const struct ks_line *line)
{
	return line->complete && !line->skipping;
}

#endif /* KS_LINE_H */
