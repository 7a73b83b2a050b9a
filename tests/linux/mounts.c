// SPDX-License-Identifier: MIT
/*
 * mounts.c - stacks mounts on one folder, as any user may.
 *
 *     mounts N FOLDER    in user and mount namespaces of its own, stacks at least N mounts on
 *                        FOLDER, each on the one before; opens a file of the last one as
 *                        descriptor 9, and executes it, a copy of this program, which prints "pid
 *                        PID" and waits to be killed
 *
 * Each step puts a copy of all that are there on top, so that there are twice as many.  Exits with
 * 1, saying what, if something fails.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void done(const char *what, long result)
{
	if (result < 0)
		err(1, "%s", what);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	done(path, fd);
	done(path, write(fd, text, strlen(text)));
	close(fd);
}

/* In which this user is root. */
static void enter_namespaces(void)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", getuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getgid());
	done("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	write_to("/proc/self/setgroups", "deny");
	write_to("/proc/self/uid_map", uid_map);
	write_to("/proc/self/gid_map", gid_map);
}

/* The program itself, as the file "program" in the working directory. */
static void copy_program(void)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open("program", O_WRONLY | O_CREAT, 0755);
	struct stat stat;

	done("program", from);
	done("program", to);
	done("fstat", fstat(from, &stat));
	done("sendfile", sendfile(to, from, NULL, (size_t)stat.st_size));
	close(from);
	close(to);
}

int main(int argc, char **argv)
{
	int bottom;

	if (argc == 1) {
		printf("pid %d\n", getpid());
		fflush(stdout);
		for (;;)
			pause();
	}
	if (argc != 3)
		errx(2, "usage: mounts N FOLDER");
	enter_namespaces();
	done("mount", mount("none", argv[2], "tmpfs", 0, NULL));
	done("chdir", chdir(argv[2]));
	copy_program();
	bottom = open(argv[2], O_PATH);
	done("open", bottom);
	for (int mounts = 1; mounts < atoi(argv[1]); mounts *= 2) {
		int tree = (int)syscall(SYS_open_tree, bottom, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE);
		int top = open(argv[2], O_PATH);

		done("open_tree", tree);
		done("open", top);
		done("move_mount",
		     syscall(SYS_move_mount, tree, "", top, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
		close(tree);
		close(top);
	}
	/* By the path from the root: what is on top. */
	done("chdir", chdir(argv[2]));
	done("dup2", dup2(open("program", O_RDONLY), 9));
	execl("./program", "program", NULL);
	err(1, "program");
}
