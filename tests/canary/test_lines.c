// SPDX-License-Identifier: MIT
/*
 * How the judge reads files of /proc: to their ends, or it says why not.
 *
 * Wrong in the world if this fails: the rest of a file of which a read failed half-way is taken
 * for what Dom0 does not have, and each process or function in it for hidden; or a long name is
 * cut, and is none that the other side has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../canary/lines.h"

/* Of a file that does not end, each line has so many bytes. */
#define ENDLESS_LINE 1024U

/*
 * A file that has these bytes, and then ends, or cannot be read for this reason; text NULL: one
 * that does not end.
 */
struct played {
	const char *text;
	size_t bytes;
	int wrong;
};

static ssize_t read_played(void *cookie, char *to, size_t room)
{
	struct played *file = cookie;
	size_t bytes = file->bytes < room ? file->bytes : room;

	if (!bytes && file->wrong) {
		errno = file->wrong;
		return -1;
	}
	if (file->text) {
		memcpy(to, file->text, bytes);
		file->text += bytes;
	} else {
		size_t at = (SIZE_MAX - file->bytes) % ENDLESS_LINE;

		memset(to, 'x', bytes);
		for (size_t i = ENDLESS_LINE - 1 - at; i < bytes; i += ENDLESS_LINE)
			to[i] = '\n';
	}
	file->bytes -= bytes;
	return (ssize_t)bytes;
}

static struct {
	unsigned int lines;
	size_t longest;
	char last[64];
	unsigned int wrong_at;  /* this line, the first is 1; 0: none */
} seen;

static int take(void *context, char *line)
{
	assert_ptr_equal(context, &seen);
	seen.lines++;
	if (strlen(line) > seen.longest)
		seen.longest = strlen(line);
	strncpy(seen.last, line, sizeof(seen.last) - 1);
	return seen.lines == seen.wrong_at ? EBADMSG : 0;
}

static int read_text(const char *text, size_t bytes, int wrong, unsigned int wrong_at)
{
	struct played played = { text, bytes, wrong };
	FILE *file = fopencookie(&played, "r", (cookie_io_functions_t){ .read = read_played });
	int got;

	memset(&seen, 0, sizeof(seen));
	seen.wrong_at = wrong_at;
	assert_non_null(file);
	got = read_lines(file, take, &seen);
	fclose(file);
	return got;
}

static void whole(void **state)
{
	(void)state;
	assert_int_equal(read_text("", 0, 0, 0), 0);
	assert_int_equal(seen.lines, 0);
	assert_int_equal(read_text("one\ntwo\n", 8, 0, 0), 0);
	assert_int_equal(seen.lines, 2);
	assert_string_equal(seen.last, "two");
	/* What ends without a newline has ended. */
	assert_int_equal(read_text("one\n\nthree", 10, 0, 0), 0);
	assert_int_equal(seen.lines, 3);
	assert_string_equal(seen.last, "three");
}

static void long_line(void **state)
{
	char text[9000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	assert_int_equal(read_text(text, sizeof(text), 0, 0), 0);
	assert_int_equal(seen.lines, 1);
	assert_int_equal(seen.longest, sizeof(text) - 1);
}

static void not_to_its_end(void **state)
{
	(void)state;
	assert_int_equal(read_text("one\ntwo\n", 8, EIO, 0), EIO);
	assert_int_equal(read_text("one\ntw", 6, ESRCH, 0), ESRCH);
	assert_int_equal(seen.lines, 1);
	assert_int_equal(read_text("", 0, EACCES, 0), EACCES);
	/* Nor what has a line that is none. */
	assert_int_equal(read_text("one\nt\0o\nthree\n", 14, 0, 0), EBADMSG);
	assert_int_equal(seen.lines, 1);
	assert_int_equal(read_text("one\ntwo\nthree\n", 14, 0, 2), EBADMSG);
	assert_int_equal(seen.lines, 2);
}

static void too_much(void **state)
{
	char *text = malloc(LINE_BYTES_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', LINE_BYTES_MAX + 1);
	text[LINE_BYTES_MAX - 1] = '\n';
	assert_int_equal(read_text(text, LINE_BYTES_MAX, 0, 0), 0);
	assert_int_equal(seen.longest, LINE_BYTES_MAX - 1);
	/* A line without an end, */
	text[LINE_BYTES_MAX - 1] = 'x';
	assert_int_equal(read_text(text, LINE_BYTES_MAX + 1, 0, 0), E2BIG);
	assert_int_equal(seen.lines, 0);
	/* also where just that is the end of the file, */
	assert_int_equal(read_text(text, LINE_BYTES_MAX, 0, 0), E2BIG);
	free(text);
	/* and a file without one. */
	assert_int_equal(read_text(NULL, SIZE_MAX, 0, 0), E2BIG);
	assert_int_equal(seen.lines, FILE_BYTES_MAX / ENDLESS_LINE);
}

static unsigned int entries_left;
static int then_wrong;

/* In the place of the library's: a folder of so many entries, and then it cannot be read. */
struct dirent *readdir(DIR *folder)
{
	static struct dirent entry;

	(void)folder;
	if (entries_left) {
		entries_left--;
		return &entry;
	}
	if (then_wrong)
		errno = then_wrong;
	return NULL;
}

/* How many entries are read of a folder of @entries; errno is what read_entry() leaves. */
static unsigned int read_folder(unsigned int entries, int wrong)
{
	unsigned int count = 0, got = 0;
	/* Nobody looks into it. */
	DIR *folder = (DIR *)&count;

	entries_left = entries;
	then_wrong = wrong;
	errno = EBADF;
	while (read_entry(folder, &count)) {
		got++;
		errno = EBADF;
	}
	return got;
}

static void folder(void **state)
{
	(void)state;
	assert_int_equal(read_folder(3, 0), 3);
	assert_int_equal(errno, 0);
	assert_int_equal(read_folder(3, EIO), 3);
	assert_int_equal(errno, EIO);
	assert_int_equal(read_folder(ENTRIES_MAX, 0), ENTRIES_MAX);
	assert_int_equal(errno, 0);
	/* Of one without an end, no more are read. */
	assert_int_equal(read_folder(UINT_MAX, 0), ENTRIES_MAX);
	assert_int_equal(errno, E2BIG);
}

static void small_file(void **state)
{
	char path[] = "/tmp/lines-XXXXXX", text[8];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1234567", 7), 7);
	assert_int_equal(read_small(AT_FDCWD, path, text, sizeof(text)), 7);
	assert_string_equal(text, "1234567");
	/* It is not cut. */
	assert_int_equal(read_small(AT_FDCWD, path, text, 7), -1);
	assert_int_equal(errno, EMSGSIZE);
	close(fd);
	unlink(path);
	assert_int_equal(read_small(AT_FDCWD, path, text, sizeof(text)), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(read_small(AT_FDCWD, "/", text, sizeof(text)), -1);
	assert_int_equal(errno, EISDIR);
	/* Of what is mounted somewhere, it is not told from there. */
	assert_int_equal(read_small(AT_FDCWD, "/proc/self/statm", text, sizeof(text)), -1);
	assert_int_equal(errno, EXDEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(long_line),
		cmocka_unit_test(not_to_its_end),
		cmocka_unit_test(too_much),
		cmocka_unit_test(folder),
		cmocka_unit_test(small_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
