// SPDX-License-Identifier: MIT
/*
 * mapped.c - writes to a file through its memory, of which its attributes tell nothing.
 *
 *	mapped FILE
 *
 * Maps the file, writes the first byte that is there once more, and says "mapped".  Each line that
 * comes then is written to the begin of the file, and answered with "written"; at the end of them
 * the program ends, and the mapping with it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES 4096

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	volatile char *at;
	char line[64];
	int fd;

	if (argc != 2)
		errx(2, "usage: mapped FILE");
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);
	at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		err(1, "%s: mmap", argv[1]);
	close(fd);
	/* The one write that its attributes tell of, where they tell of any. */
	*at = *at;
	say("mapped");
	while (fgets(line, sizeof(line), stdin)) {
		memcpy((char *)at, line, strlen(line));
		say("written");
	}
	return 0;
}
