// SPDX-License-Identifier: MIT
/*
 * linux.c - what the sensor in Linux costs, measured in Dom0 on the emulator's repeatable clock:
 * rdtsc counts instructions there.
 *
 * Usage: linux ask SOCKET           a request's round trip, beside a bare read of a file of the
 *                                   same size in /proc
 *        linux pass SOCKET          a whole pass of the probe "processes", beside reading each
 *                                   /proc/PID/stat
 *        linux load NAME N STATE    how long N times a fixed amount of work takes; NAME is fork
 *                                   or syscall, and STATE goes into the line's name
 *
 * Prints lines "name<TAB>value<TAB>unit".  Single calls are the smallest of many.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define ROUNDS 100
#define SLEEPERS 100

static char reply[65536];
static int sensor = -1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say(const char *name, uint64_t value, const char *unit)
{
	printf("%s\t%llu\t%s\n", name, (unsigned long long)value, unit);
}

static void connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	sensor = socket(AF_UNIX, SOCK_STREAM, 0);
	if (sensor < 0 || connect(sensor, (struct sockaddr *)&address, sizeof(address)))
		die(path);
}

/* A request and its reply, whose last line ends with @end.  Its length. */
static size_t ask_until(const char *request, const char *end)
{
	size_t len = 0, end_bytes = strlen(end);

	if (write(sensor, request, strlen(request)) < 0)
		die("write");
	do {
		ssize_t n = read(sensor, reply + len, sizeof(reply) - 1 - len);

		if (n <= 0)
			die("read");
		len += (size_t)n;
	} while (len < end_bytes || memcmp(reply + len - end_bytes, end, end_bytes));
	reply[len] = '\0';
	return len;
}

/* With a reply of one line. */
static size_t ask(const char *request)
{
	return ask_until(request, "\n");
}

static const char status[] =
	"{\"Virtue-protocol-version\":0.2,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"status\",\"processes\"]}\n";
static const char discovery[] =
	"{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"discovery\",\"*\"]}\n";
/* Makes a pass with a record of every process, and has none of them sent. */
static const char run[] =
	"{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"records\",\"processes\","
	"{\"run\":true,\"peek\":true,\"filter\":{\"kind\":\"none\"}}]}\n";

static uint64_t status_of(const char *member)
{
	char name[64], *at;

	ask(status);
	snprintf(name, sizeof(name), "\"%s\":", member);
	at = strstr(reply, name);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* One read of a whole file, opened before and read from its start. */
static size_t read_open(int fd)
{
	static char file[65536];
	ssize_t n = pread(fd, file, sizeof(file), 0);

	return n < 0 ? 0 : (size_t)n;
}

static void bench_ask(void)
{
	uint64_t ask_best = UINT64_MAX, status_best = UINT64_MAX, read_best = UINT64_MAX, start, took;
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	size_t status_bytes = 0, read_bytes = 0;

	for (int i = 0; i < ROUNDS; i++) {
		start = __rdtsc();
		ask(discovery);
		took = __rdtsc() - start;
		ask_best = took < ask_best ? took : ask_best;
		start = __rdtsc();
		status_bytes = ask(status);
		took = __rdtsc() - start;
		status_best = took < status_best ? took : status_best;
		start = __rdtsc();
		read_bytes = read_open(fd);
		took = __rdtsc() - start;
		read_best = took < read_best ? took : read_best;
	}
	if (!read_bytes)
		die("/proc/self/mountinfo");
	say("linux: discovery, round trip", ask_best, "instructions");
	say("linux: status of one probe, round trip", status_best, "instructions");
	say("linux: bare read of /proc/self/mountinfo", read_best, "instructions");
	say("linux: status of one probe, length", status_bytes, "bytes");
	say("linux: bare read of /proc/self/mountinfo, length", read_bytes, "bytes");
}

/* What ps does: open, read and close the stat of every process. */
static unsigned int walk_proc(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int count = 0;

	if (!proc)
		die("/proc");
	while ((entry = readdir(proc))) {
		char path[64], text[1024];
		int fd;

		if (*entry->d_name < '0' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/stat", entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		count += read(fd, text, sizeof(text)) > 0;
		close(fd);
	}
	closedir(proc);
	return count;
}

static void bench_pass(void)
{
	uint64_t pass_best = UINT64_MAX, told_best = UINT64_MAX, walk_best = UINT64_MAX, start, took, runs;
	unsigned int processes = 0;
	pid_t sleeper[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++) {
		sleeper[i] = fork();
		if (!sleeper[i]) {
			pause();
			_exit(0);
		}
	}
	for (int i = 0; i < 5; i++) {
		/* One of its own accord. */
		for (runs = status_of("runs"); status_of("runs") == runs;)
			usleep(100000);
		took = status_of("last_run_ns");
		pass_best = took < pass_best ? took : pass_best;
		ask_until(run, ",\"processes\"]}\n");
		took = status_of("last_run_ns");
		told_best = took < told_best ? took : told_best;
		start = __rdtsc();
		processes = walk_proc();
		took = __rdtsc() - start;
		walk_best = took < walk_best ? took : walk_best;
	}
	for (int i = 0; i < SLEEPERS; i++)
		kill(sleeper[i], 9);
	while (wait(NULL) > 0)
		;
	say("linux: processes in a pass", processes, "processes");
	say("linux: pass of processes", pass_best, "instructions");
	say("linux: pass of processes, with a record of each", told_best, "instructions");
	say("linux: reading all of /proc/*/stat", walk_best, "instructions");
}

static void load_fork(void)
{
	for (int i = 0; i < 4000; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void load_syscall(void)
{
	for (int i = 0; i < 3000000; i++)
		syscall(SYS_getppid);
}

static void bench_load(const char *name, int times, const char *state)
{
	uint64_t start = __rdtsc();
	char text[64];

	while (times--) {
		if (strcmp(name, "fork"))
			load_syscall();
		else
			load_fork();
	}
	snprintf(text, sizeof(text), "linux: %s load, %s", name, state);
	say(text, __rdtsc() - start, "instructions");
}

/*
 * Begins anew with an address space that is laid out the same in each run, and without an
 * environment.  How many pages and page tables a fork has to copy depends on the layout: a stack
 * that begins just above the border of a page costs each fork a page more, 3.7 %; one that lies
 * across a border of 2 MiB a page table, a heap in the second GiB two, 8 %.
 */
static void fix_layout(char **argv)
{
	char *environment[] = { NULL };
	int now = personality(0xffffffff);

	if (now < 0)
		die("personality");
	if (now & ADDR_NO_RANDOMIZE)
		return;
	if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) < 0)
		die("personality");
	execve("/proc/self/exe", argv, environment);
	die("/proc/self/exe");
}

int main(int argc, char **argv)
{
	fix_layout(argv);
	if (argc == 5 && !strcmp(argv[1], "load")) {
		bench_load(argv[2], atoi(argv[3]), argv[4]);
	} else if (argc == 3 && (!strcmp(argv[1], "ask") || !strcmp(argv[1], "pass"))) {
		connect_to(argv[2]);
		if (strcmp(argv[1], "ask"))
			bench_pass();
		else
			bench_ask();
	} else {
		fputs("usage: linux ask|pass SOCKET, or linux load fork|syscall N STATE\n", stderr);
		return 2;
	}
	return 0;
}
