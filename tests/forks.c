// SPDX-License-Identifier: MIT
/*
 * forks.c - fork load: for so many seconds, children that use the FPU and memory and end at once.
 *
 * Usage: forks SECONDS.  Prints how many ran and how many died of a signal; status 1 if any did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 4

/* What a preempted process could lose: its floating-point registers, and its memory. */
static int child(unsigned int seed)
{
	volatile double sum = 0;
	static char memory[64 * 1024];
	double expected = 0;

	for (int i = 1; i < 2000; i++)
		sum += (double)i * seed;
	expected = (double)seed * (2000.0 * 1999 / 2);
	memset(memory, (int)seed, sizeof(memory));
	for (size_t i = 0; i < sizeof(memory); i += 4096)
		if (memory[i] != (char)seed)
			return 2;
	return sum == expected ? 0 : 3;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	unsigned long ran = 0, killed = 0, wrong = 0;

	while (time(NULL) < end) {
		int status;

		for (unsigned int i = 0; i < AT_ONCE; i++) {
			if (!fork())
				_exit(child((unsigned int)ran + i));
		}
		while (wait(&status) > 0) {
			ran++;
			killed += WIFSIGNALED(status);
			wrong += WIFEXITED(status) && WEXITSTATUS(status);
		}
	}
	printf("%lu processes, %lu killed, %lu wrong\n", ran, killed, wrong);
	return killed || wrong;
}
