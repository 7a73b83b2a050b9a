// SPDX-License-Identifier: MIT
/*
 * keep.c - in Dom0: has a page of a guest's mapped.
 *
 * Usage: keep DOMID [leave]
 *
 * Maps the page that the guest has in common with xenconsoled, by the grant that it has for that,
 * says "kept", and waits for ever.  With "leave" it ends, and says "left PID" of a child of its
 * own, which has the device open still: so the driver keeps what it knows of this process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xengnttab.h>

#define CONSOLE 0       /* GNTTAB_RESERVED_CONSOLE */

int main(int argc, char **argv)
{
	xengnttab_handle *grants = xengnttab_open(NULL, 0);
	uint32_t domid = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	pid_t child;

	if (!domid || (argc > 2 && strcmp(argv[2], "leave")))
		return 2;
	if (!grants || !xengnttab_map_grant_ref(grants, domid, CONSOLE, PROT_READ)) {
		perror("keep");
		return 1;
	}
	if (argc == 2) {
		puts("kept");
		fflush(stdout);
		for (;;)
			pause();
	}
	child = fork();
	if (child < 0) {
		perror("keep: fork");
		return 1;
	}
	if (!child)
		for (;;)
			pause();
	printf("left %d\n", (int)child);
	return 0;
}
