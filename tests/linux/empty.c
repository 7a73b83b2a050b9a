// SPDX-License-Identifier: MIT
/*
 * empty.c - a process that has nothing left in its memory, as any user may have one.
 *
 * Usage: empty.  It gives all of its memory back, and is stopped before it misses it.  Says
 * "empty PID" when it is so, and waits.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVERYTHING 0x7ffffffff000UL

/* The next time that it enters a system call, or leaves one. */
static int next_stop(pid_t pid)
{
	int status;

	return ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status);
}

int main(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		syscall(SYS_munmap, 0, EVERYTHING);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || next_stop(pid) || next_stop(pid)) {
		perror("empty");
		return 1;
	}
	printf("empty %d\n", pid);
	fflush(stdout);
	for (;;)
		pause();
}
