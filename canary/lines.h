/* SPDX-License-Identifier: MIT */
/*
 * lines.h - files of /proc, read to their ends or not at all.
 */
#ifndef CANARY_LINES_H
#define CANARY_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Calls @take for each line of @file, however long, without its newline; what is in it, @take may
 * change.  It returns 0, or what is wrong, as errno has it: ENOMEM, or EBADMSG for a line that is
 * not as it should be.  0, or the first that @take said, or why not all of the file could be read.
 */
int read_lines(FILE *file, int (*take)(void *context, char *line), void *context);

/*
 * All of a small file, with a NUL behind it.  The number of bytes, or -1 with errno: EMSGSIZE
 * where there is no room for all of it.
 */
ssize_t read_small(const char *path, char *text, size_t size);

#endif /* CANARY_LINES_H */
