// SPDX-License-Identifier: MIT
/*
 * actor.c - a process that becomes what a test tells it to, word by word.
 *
 * Usage: actor < FIFO.  Each line is one word and its argument:
 *
 *   thread           one more thread, that waits; prints its id, too
 *   uid NUMBER       this user, in all of the three
 *   unshare          a UTS namespace of its own
 *   spin CPU         computes on that CPU from now on, in a thread of its own
 *   rest             and no more
 *   exec FILE        becomes FILE, an actor as well
 *
 * and after each it prints the word.  It ends with its input.
 *
 * Usage: actor race NUMBER.  So many times, a thread that is not the first takes the process over
 * by executing the program anew: the kernel then puts it in the first one's place, in every list.
 *
 * Usage: actor again MILLISECONDS.  So often it executes itself anew.
 *
 * Usage: actor headless.  The first thread ends; another lives on.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *wait_for_ever(void *unused)
{
	printf("thread %d\n", gettid());
	fflush(stdout);
	for (;;)
		pause();
	return unused;
}

static volatile int resting;

static void *spin(void *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
	while (!resting)
		;
	return NULL;
}

static void *race_on(void *left)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)(size_t)left);
	execl("/proc/self/exe", "actor", "race", number, (char *)NULL);
	perror("execl");
	exit(1);
}

static void begin(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, argument))
		perror("pthread_create");
}

/* A byte at a time: what comes behind belongs to whom exec makes of it. */
static int read_line(char *line, size_t bytes)
{
	size_t len = 0;

	while (len < bytes - 1 && read(0, line + len, 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return 1;
		}
		len++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char line[512];

	if (argc == 2 && !strcmp(argv[1], "headless")) {
		begin(wait_for_ever, NULL);
		pthread_exit(NULL);
	}
	if (argc == 3 && !strcmp(argv[1], "again")) {
		usleep((useconds_t)atoi(argv[2]) * 1000);
		execlp(argv[0], argv[0], argv[1], argv[2], (char *)NULL);
		perror("execl");
		return 1;
	}
	if (argc == 3 && !strcmp(argv[1], "race")) {
		if (atoi(argv[2]) <= 0)
			return 0;
		begin(race_on, (void *)(size_t)(atoi(argv[2]) - 1));
		for (;;)
			pause();
	}
	while (read_line(line, sizeof(line))) {
		char *argument = strchr(line, ' ');

		if (argument)
			*argument++ = '\0';
		if (!strcmp(line, "thread")) {
			begin(wait_for_ever, NULL);
			continue;
		}
		if (!strcmp(line, "uid") && argument &&
		    setresuid((uid_t)atoi(argument), (uid_t)atoi(argument), (uid_t)atoi(argument)))
			perror("setresuid");
		else if (!strcmp(line, "unshare") && unshare(CLONE_NEWUTS))
			perror("unshare");
		else if (!strcmp(line, "spin") && argument)
			begin(spin, (void *)(size_t)atoi(argument));
		else if (!strcmp(line, "rest"))
			resting = 1;
		else if (!strcmp(line, "exec") && argument)
			execl(argument, argument, (char *)NULL);
		printf("%s\n", line);
		fflush(stdout);
	}
	return 0;
}
