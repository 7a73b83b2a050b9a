// SPDX-License-Identifier: MIT
/*
 * headless.c - a process that lives on in the last of many threads, as any user may have one.
 *
 * Usage: headless THREADS.  So many threads of a process end, its first one among them, and are
 * kept in its list, as nobody waits for those that are traced; one more lives.  Says
 * "headless PID" when it is so, and waits.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_child[2], to_parent[2];

static void *ends(void *unused)
{
	pid_t tid = gettid();
	char byte;

	if (write(to_parent[1], &tid, sizeof(tid)) != sizeof(tid) || read(to_child[0], &byte, 1) != 1)
		_exit(1);
	return unused;
}

static void *lives(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void be_headless(unsigned long threads)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned long i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, ends, NULL))
			_exit(1);
	if (pthread_create(&thread, NULL, lives, NULL))
		_exit(1);
	ends(NULL);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	unsigned long threads = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	pid_t pid, tid;

	if (!threads || pipe(to_child) || pipe(to_parent)) {
		fputs("usage: headless THREADS\n", stderr);
		return 2;
	}
	pid = fork();
	if (!pid)
		be_headless(threads);
	for (unsigned long i = 0; i < threads; i++) {
		if (read(to_parent[0], &tid, sizeof(tid)) != sizeof(tid) || ptrace(PTRACE_SEIZE, tid, NULL, NULL)) {
			perror("headless");
			return 1;
		}
	}
	for (unsigned long i = 0; i < threads; i++)
		if (write(to_child[1], "", 1) != 1)
			return 1;
	sleep(1);
	printf("headless %d\n", pid);
	fflush(stdout);
	for (;;)
		pause();
}
