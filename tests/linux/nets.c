// SPDX-License-Identifier: MIT
/*
 * nets.c - a process that is to have a network namespace of its own, as any user may make one.
 *
 * Usage: nets.  The kernel gives a new process its memory first, then its namespaces, and at last
 * its pid.  It ends at once when it is made; then this says "nets", and waits.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	long pid = syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER | CLONE_NEWNET, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid((pid_t)pid, NULL, 0) != pid) {
		perror("nets: clone");
		return 1;
	}
	puts("nets");
	fflush(stdout);
	for (;;)
		pause();
}
