// SPDX-License-Identifier: MIT
/*
 * in_step.c - what any user can do who sees that somebody looks: a socket that listens only while
 * nobody reads /proc.
 *
 * Usage: in_step
 *
 * Says "in_step INODE".  Whenever a ksense has a child that reads what programs are told, the
 * socket does not listen; when there is none, as while the sensor is asked, it does.  To be used
 * where ksense has no other children, as it has one more with Xen.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a file below /proc; the kernel's own threads have no command line. */
static bool reads(const char *pid, const char *name, const char *text)
{
	char path[300], is[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, is, sizeof(is) - 1) < 0)
		is[0] = '\0';
	close(fd);
	return text ? !strcmp(is, text) : is[0] != '\0';
}

/* The list of a ksense's children, of the first that there is, which has @path; -1: none. */
static int children_of_judge(char path[600])
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int fd = -1;

	while (proc && fd < 0 && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)*entry->d_name) || !reads(entry->d_name, "comm", "ksense\n") ||
		    !reads(entry->d_name, "cmdline", NULL))
			continue;
		snprintf(path, 600, "/proc/%s/task/%s/children", entry->d_name, entry->d_name);
		fd = open(path, O_RDONLY);
	}
	if (proc)
		closedir(proc);
	return fd;
}

/* Of a process that has ended it is empty. */
static void keep_in_step(int children, const char *path, int fd)
{
	bool listens = true;
	ssize_t bytes;
	char list[256];

	while ((bytes = pread(children, list, sizeof(list), 0)) > 0 || (!bytes && !access(path, F_OK))) {
		if (bytes && listens)
			shutdown(fd, SHUT_RDWR);
		else if (!bytes && !listens)
			listen(fd, 1);
		listens = !bytes;
	}
	if (!listens)
		listen(fd, 1);
}

int main(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), children;
	struct stat stat_of;
	char path[600];

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 1) || fstat(fd, &stat_of)) {
		perror("in_step");
		return 1;
	}
	printf("in_step %lu\n", (unsigned long)stat_of.st_ino);
	fflush(stdout);
	for (;;) {
		children = children_of_judge(path);
		if (children < 0) {
			usleep(1000);
			continue;
		}
		keep_in_step(children, path, fd);
		close(children);
	}
}
