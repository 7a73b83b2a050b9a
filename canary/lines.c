// SPDX-License-Identifier: MIT
/*
 * lines.c - files of /proc, read to their ends or not at all: what could not be read is not what
 * is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "lines.h"

struct text {
	char *line;
	size_t bytes, size;
};

/* 0, ENOMEM, or E2BIG if it is too long. */
static int add_byte(struct text *text, char c)
{
	size_t size = text->size ? 2 * text->size : 256;
	char *larger;

	if (text->bytes == text->size) {
		if (size > LINE_BYTES_MAX)
			return E2BIG;
		larger = realloc(text->line, size);
		if (!larger)
			return ENOMEM;
		text->line = larger;
		text->size = size;
	}
	text->line[text->bytes++] = c;
	return 0;
}

/*
 * The next line, with a NUL in the newline's place; no bytes where there is none.  0, or what is
 * wrong.
 */
static int next_line(FILE *file, struct text *text)
{
	int c, wrong = 0;

	text->bytes = 0;
	errno = 0;
	while (!wrong && (c = getc_unlocked(file)) != EOF && c != '\n')
		wrong = add_byte(text, (char)c);
	if (wrong)
		return wrong;
	/* What came before it failed is no line. */
	if (ferror(file))
		return errno ? errno : EIO;
	return c == EOF && !text->bytes ? 0 : add_byte(text, '\0');
}

int read_lines(FILE *file, int (*take)(void *context, char *line), void *context)
{
	struct text text = { 0 };
	size_t bytes = 0;
	int wrong;

	while (!(wrong = next_line(file, &text)) && text.bytes) {
		bytes += text.bytes;
		/* What stands behind a NUL would be cut. */
		if (strlen(text.line) + 1 < text.bytes)
			wrong = EBADMSG;
		else
			wrong = bytes > FILE_BYTES_MAX ? E2BIG : take(context, text.line);
		if (wrong)
			break;
	}
	free(text.line);
	return wrong;
}

struct dirent *read_entry(DIR *folder, unsigned int *count)
{
	struct dirent *entry;

	errno = 0;
	entry = readdir(folder);
	if (!entry || (*count)++ < ENTRIES_MAX)
		return entry;
	errno = E2BIG;
	return NULL;
}

ssize_t read_small(int folder, const char *path, char *text, size_t size)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };
	int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how)), why;
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
