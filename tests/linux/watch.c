// SPDX-License-Identifier: MIT
/*
 * watch.c - counts what inotify tells of a file.
 *
 * Usage: watch PATH
 *
 * Says "watching" when that begins, and "events N" when there is no more standard input.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char events[1 << 16] __attribute__((aligned(__alignof__(struct inotify_event))));
	int watch = inotify_init1(IN_NONBLOCK), count = 0;
	ssize_t bytes;
	char byte;

	if (argc != 2 || inotify_add_watch(watch, argv[1], IN_ALL_EVENTS) < 0) {
		perror("watch");
		return 1;
	}
	printf("watching\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	while ((bytes = read(watch, events, sizeof(events))) > 0)
		for (ssize_t at = 0; at < bytes; count++)
			at += (ssize_t)sizeof(struct inotify_event) +
			      ((struct inotify_event *)(void *)(events + at))->len;
	printf("events %d\n", count);
	return 0;
}
