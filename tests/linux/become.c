// SPDX-License-Identifier: MIT
/*
 * become.c - runs a command as somebody else.
 *
 * Usage: become UID GID GROUP all|none|namespace COMMAND...
 *
 * With that user, that group, one more group, and every capability or none; "namespace": none,
 * but all of them in a user namespace of its own, in which it is root.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64

static int fail(const char *what)
{
	perror(what);
	return 125;
}

/*
 * Keeps all that it may have, through exec too; or gives them up, in such a way that root does
 * not get them back by exec.
 */
static int set_capabilities(int all)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	for (int i = 0; i < 2; i++) {
		data[i].permitted = all ? data[i].permitted : 0;
		data[i].effective = data[i].inheritable = data[i].permitted;
	}
	if (syscall(SYS_capset, &header, data))
		return -1;
	for (int i = 0; all && i < CAPABILITIES_MAX; i++)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
	return 0;
}

static int enter_namespace(unsigned int uid)
{
	char map[32];
	int fd, bytes = snprintf(map, sizeof(map), "0 %u 1", uid);

	if (unshare(CLONE_NEWUSER))
		return -1;
	fd = open("/proc/self/uid_map", O_WRONLY);
	return fd < 0 || write(fd, map, (size_t)bytes) != bytes || close(fd) ? -1 : 0;
}

int main(int argc, char **argv)
{
	unsigned int uid, gid;
	gid_t group;
	int all;

	if (argc < 6) {
		fprintf(stderr, "usage: become UID GID GROUP all|none|namespace COMMAND...\n");
		return 125;
	}
	uid = (unsigned int)atoi(argv[1]);
	gid = (unsigned int)atoi(argv[2]);
	group = (gid_t)atoi(argv[3]);
	all = !strcmp(argv[4], "all");
	for (int i = 0; !strcmp(argv[4], "none") && i < CAPABILITIES_MAX; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (setgroups(1, &group) || setresgid(gid, gid, gid))
		return fail("groups");
	prctl(PR_SET_KEEPCAPS, all, 0, 0, 0);
	if (setresuid(uid, uid, uid))
		return fail("user");
	if (set_capabilities(all))
		return fail("capabilities");
	/* What ran as somebody else may not be traced, nor written to below /proc, by itself. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (!strcmp(argv[4], "namespace") && enter_namespace(uid))
		return fail("namespace");
	execvp(argv[5], argv + 5);
	return fail(argv[5]);
}
