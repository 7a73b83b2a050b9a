// SPDX-License-Identifier: MIT
/*
 * lines.c - files of /proc, read to their ends or not at all: what could not be read is not what
 * is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"

int read_lines(FILE *file, int (*take)(void *context, char *line), void *context)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t bytes;
	int wrong = 0;

	while (!wrong && (errno = 0, bytes = getline(&line, &size, file)) > 0) {
		/* It gives out what it had before it failed, too. */
		if (ferror(file))
			break;
		if (line[bytes - 1] == '\n')
			line[--bytes] = '\0';
		/* What stands behind a NUL would be cut. */
		wrong = strlen(line) == (size_t)bytes ? take(context, line) : EBADMSG;
	}
	if (!wrong && !feof(file))
		wrong = errno ? errno : EIO;
	free(line);
	return wrong;
}

ssize_t read_small(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), why;
	ssize_t got = 0;
	size_t at = 0;

	if (fd < 0)
		return -1;
	do {
		got = read(fd, text + at, size - at);
		at += got > 0 ? (size_t)got : 0;
	} while (got > 0 && at < size);
	why = at == size ? EMSGSIZE : errno;
	close(fd);
	if (got < 0 || at == size) {
		errno = why;
		return -1;
	}
	text[at] = '\0';
	return (ssize_t)at;
}
