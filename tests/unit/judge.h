/* SPDX-License-Identifier: MIT */
/*
 * judge.h - is this a line that the protocol allows?  Told by jansson, which knows nothing of
 * ours, and by PROTOCOL.md.
 */
#ifndef TESTS_JUDGE_H
#define TESTS_JUDGE_H

#include <jansson.h>
#include <stddef.h>

/*
 * The reply line at @text, its newline included, as a JSON value that the caller gives back; NULL,
 * and @why, when it is none: no strict JSON, no newline at its end or one before, a wrong
 * envelope, an unknown error code, a nonce of a wrong length.
 */
json_t *judge_line(const char *text, size_t len, const char **why);

/*
 * How many raw bytes follow the line: 0, or what the record's {"type": "raw", "length": n} says.
 */
size_t judge_raw_bytes(const json_t *line);

#endif /* TESTS_JUDGE_H */
