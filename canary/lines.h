/* SPDX-License-Identifier: MIT */
/*
 * lines.h - files of /proc, read to their ends or not at all.
 */
#ifndef CANARY_LINES_H
#define CANARY_LINES_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Files and folders may be such as never end.  Of a file so many bytes are read, in lines of so
 * many at most, and of a folder so many entries: more than there are of any that the kernel makes.
 */
#define LINE_BYTES_MAX (1U << 20)
#define FILE_BYTES_MAX (64U << 20)
#define ENTRIES_MAX (1U << 23)

/*
 * Calls @take for each line of @file, without its newline; what is in it, @take may change.  It
 * returns 0, or what is wrong, as errno has it: ENOMEM, EBADMSG for a line that is not as it
 * should be, or E2BIG for one more than there may be.  0, or the first that @take said, or why not
 * all of the file could be read: E2BIG if that is more than is read.
 */
int read_lines(FILE *file, int (*take)(void *context, char *line), void *context);

/*
 * The next entry of a folder, of which @count have been read.  NULL behind the last, with errno 0,
 * or with what is wrong: E2BIG if there are more than are read.
 */
struct dirent *read_entry(DIR *folder, unsigned int *count);

/*
 * All of a small file of @folder, a descriptor, with a NUL behind it.  The number of bytes, or -1
 * with errno: EMSGSIZE where there is no room for all of it, EXDEV where something is mounted on
 * it or on its way from there, so that it is another's.
 */
ssize_t read_small(int folder, const char *path, char *text, size_t size);

#endif /* CANARY_LINES_H */
