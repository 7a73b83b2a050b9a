// SPDX-License-Identifier: MIT
/*
 * unlisted.c - sockets that the kernel lists nowhere, as any user may have some.
 *
 * Usage: unlisted.  A netlink socket that wants the port of another says that it has it, and does
 * not.  A raw socket, in a network namespace of ours, was told to be connected to nobody.  Says
 * "unlisted LISTED NETLINK RAW", the inodes of the one that has the port, and of these, and waits.
 */
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(const char *what, int status)
{
	if (status < 0) {
		perror(what);
		exit(1);
	}
	return status;
}

static unsigned long inode_of(int fd)
{
	struct stat stat_of;

	check("fstat", fstat(fd, &stat_of));
	return stat_of.st_ino;
}

int main(void)
{
	struct sockaddr_nl port = { .nl_family = AF_NETLINK };
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	socklen_t bytes = sizeof(port);
	int has, has_not, raw;

	check("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNET));
	has = check("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	has_not = check("netlink", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	check("bind", bind(has, (struct sockaddr *)&port, sizeof(port)));
	check("getsockname", getsockname(has, (struct sockaddr *)&port, &bytes));
	if (!bind(has_not, (struct sockaddr *)&port, sizeof(port))) {
		fputs("unlisted: two have one port\n", stderr);
		return 1;
	}
	raw = check("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	check("connect", connect(raw, &nobody, sizeof(nobody)));
	printf("unlisted %lu %lu %lu\n", inode_of(has), inode_of(has_not), inode_of(raw));
	fflush(stdout);
	for (;;)
		pause();
}
