// SPDX-License-Identifier: MIT
/*
 * half_written.c - a write to a file that takes as long as somebody likes.
 *
 *	half_written FILE TEXT
 *
 * Writes the text and a newline to the begin of the file, by one system call, which waits for what
 * it is to write: the kernel has by then said in the file's attributes that it was changed.  Says
 * "begun"; with the next line of its input the text comes, and it says "written".
 */
#include <err.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BYTES 4096

static char *page;      /* nothing is there before somebody copies it there */
static size_t bytes;
static int fd;

static volatile int writer;

static void *write_it(void *unused)
{
	(void)unused;
	writer = (int)syscall(SYS_gettid);
	if (pwrite(fd, page, bytes, 0) != (ssize_t)bytes)
		err(1, "pwrite");
	return NULL;
}

/* Until it is in its system call, asleep. */
static void wait_for_writer(void)
{
	char path[64], state = 0;
	FILE *stat;

	while (!writer)
		usleep(10000);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", writer);
	while (state != 'S' && state != 'D') {
		stat = fopen(path, "r");
		if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			errx(1, "no state in %s", path);
		fclose(stat);
		usleep(10000);
	}
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char text[BYTES] __attribute__((aligned(BYTES)));
	struct uffdio_register missing = { .mode = UFFDIO_REGISTER_MODE_MISSING, .range.len = BYTES };
	struct uffdio_copy copy = { .src = (unsigned long)text, .len = BYTES };
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t thread;
	char line[16];
	int faults;

	if (argc != 3 || strlen(argv[2]) > BYTES - 2)
		errx(2, "usage: half_written FILE TEXT");
	bytes = (size_t)snprintf(text, sizeof(text), "%s\n", argv[2]);
	fd = open(argv[1], O_WRONLY);
	if (fd < 0)
		err(1, "%s", argv[1]);
	page = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		err(1, "mmap");
	missing.range.start = copy.dst = (unsigned long)page;
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &missing))
		err(1, "userfaultfd");
	if (pthread_create(&thread, NULL, write_it, NULL))
		errx(1, "no thread");
	wait_for_writer();
	say("begun");
	if (fgets(line, sizeof(line), stdin) && ioctl(faults, UFFDIO_COPY, &copy))
		err(1, "UFFDIO_COPY");
	pthread_join(thread, NULL);
	say("written");
	return 0;
}
