// SPDX-License-Identifier: MIT
/*
 * sharers.c - a user's crowd of processes that all have one table of descriptors.
 *
 * Usage: sharers UID DESCRIPTORS PROCESSES
 *
 * Makes the table, and then processes without threads that share it, so that each of them "has"
 * all of it: to look at each of them costs the product of the two, and its owner only the sum.
 * Prints the pid of the first; all end when that one does.
 */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_BYTES 16384

static _Noreturn int sit(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: sharers UID DESCRIPTORS PROCESSES\n");
		return 2;
	}
	uid_t uid = (uid_t)atoi(argv[1]);
	int descriptors = atoi(argv[2]), processes = atoi(argv[3]);
	struct rlimit limit = { (rlim_t)descriptors, (rlim_t)descriptors };
	char *stacks = mmap(NULL, (size_t)processes * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		return fail("mmap");
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return fail("RLIMIT_NOFILE");
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return fail("setresuid");
	for (int fd = 3; fd < descriptors; fd++)
		if (dup2(0, fd) < 0)
			return fail("dup2");
	for (int i = 1; i < processes; i++)
		if (clone(sit, stacks + (size_t)(i + 1) * STACK_BYTES, CLONE_FILES | SIGCHLD, NULL) < 0)
			return fail("clone");
	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (;;)
		pause();
}
