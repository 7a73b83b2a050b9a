// SPDX-License-Identifier: MIT
/*
 * many.c - very many processes of one user, with very many descriptors each.
 *
 * Usage: many UID PROCESSES DESCRIPTORS < FIFO.  Makes so many processes, each with so many
 * descriptors more than three, which all lead to where its own output goes; prints "many" with how
 * many there are, and waits.  All end when its input does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <signal.h>

/* What a user may have is not what this is about. */
static void lift_limits(unsigned long descriptors)
{
	struct rlimit files = { descriptors + 16, descriptors + 16 }, processes = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_NPROC, &processes)) {
		perror("many: setrlimit");
		exit(1);
	}
}

static void one(unsigned long descriptors)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned long i = 0; i < descriptors; i++) {
		if (dup(STDOUT_FILENO) < 0) {
			perror("many: dup");
			_exit(1);
		}
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	unsigned long processes, made;
	char byte;

	if (argc != 4) {
		fputs("usage: many UID PROCESSES DESCRIPTORS\n", stderr);
		return 2;
	}
	processes = strtoul(argv[2], NULL, 10);
	lift_limits(strtoul(argv[3], NULL, 10));
	/* One that ends is gone, and no zombie. */
	signal(SIGCHLD, SIG_IGN);
	if (setuid((uid_t)strtoul(argv[1], NULL, 10))) {
		perror("many: setuid");
		return 1;
	}
	for (made = 0; made < processes; made++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (!pid)
			one(strtoul(argv[3], NULL, 10));
	}
	printf("many %lu%s%s\n", made, made < processes ? ": " : "", made < processes ? strerror(errno) : "");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}
