// SPDX-License-Identifier: MIT
/*
 * gap.c - wants to run all the time, and says for how long it was not let at most.
 *
 * Usage: gap
 *
 * Says "running" when that begins, and "gap N ms" at the end of standard input.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(void)
{
	uint64_t last = now_ns(), longest = 0;
	char byte;

	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	printf("running\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) != 0) {
		uint64_t now = now_ns();

		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	printf("gap %llu ms\n", (unsigned long long)(longest / 1000000));
	return 0;
}
