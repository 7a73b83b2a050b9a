// SPDX-License-Identifier: MIT
/*
 * doubts.c - sockets that come and go in step with the looks.
 *
 * Any user sees when somebody looks: /proc shows him each process of ours, and the sensor's
 * threads.  So he can have a socket of his own listen while the sensor looks, and not while /proc
 * is read, at each look; then it looks like one that somebody hides.  But he does not see what a
 * process does from one microsecond to the next.  So before it is a finding, one process of ours
 * does both at once: it reads what Dom0's programs are told, several times, and keeps asking the
 * socket itself, by a descriptor of its own for it, whether it is as it was said to be.  One that
 * somebody hides is so all the time, and never listed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "judge.h"
#include "lines.h"

/* How often what programs are told is read, and the longest pause before that. */
#define READS 8
#define PAUSE_MAX_US 4000
/* Who gives his socket another descriptor all the time is followed so often. */
#define TRIES 16

struct doubt {
	int fd;                 /* ours; -1: it is not to be had, and nothing is known of it */
	bool is_tcp, is_bound;  /* what it has to be: not closed; bound to a port */
	atomic_bool changes;
	char *key;
};

struct doubts {
	struct doubt *doubt;
	size_t count;
	atomic_bool over;
};

/* === A descriptor of ours =============================================== */

/* -1: it is no socket with this inode. */
static int copy_of_descriptor(int process, int fd, ino_t inode)
{
	int own = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	struct stat stat_of;

	if (own < 0 || (!fstat(own, &stat_of) && S_ISSOCK(stat_of.st_mode) && stat_of.st_ino == inode))
		return own;
	close(own);
	return -1;
}

/* Under whatever number the process has it now. */
static int search_socket(int process, const char *path, ino_t inode)
{
	char wanted[64], is[64];
	unsigned int entries = 0;
	DIR *folder = opendir(path);
	struct dirent *entry;
	int own = -1;

	snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)inode);
	while (folder && own < 0 && (entry = read_entry(folder, &entries))) {
		ssize_t bytes = readlinkat(dirfd(folder), entry->d_name, is, sizeof(is) - 1);

		if (bytes <= 0)
			continue;
		is[bytes] = '\0';
		if (!strcmp(is, wanted))
			own = copy_of_descriptor(process, atoi(entry->d_name), inode);
	}
	if (folder)
		closedir(folder);
	return own;
}

static int socket_of(const json_t *item)
{
	const ino_t inode = (ino_t)strtoull(string_of(item, "inode"), NULL, 16);
	const int pid = (int)number_of(item, "pid");
	int process = (int)syscall(SYS_pidfd_open, pid, 0), own;
	char path[64];

	if (process < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	own = copy_of_descriptor(process, (int)number_of(item, "fd"), inode);
	for (unsigned int i = 0; own < 0 && i < TRIES; i++)
		own = search_socket(process, path, inode);
	close(process);
	return own;
}

/* === What it says of itself ============================================= */

/* Whether it is as the sensor says, and so has to be listed. */
static bool is_up(const struct doubt *doubt)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = { .any.sa_family = AF_UNSPEC };
	struct tcp_info info = { .tcpi_state = TCP_CLOSE };
	socklen_t bytes = doubt->is_tcp ? sizeof(info) : sizeof(address);

	if (doubt->is_tcp)
		return getsockopt(doubt->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) || info.tcpi_state != TCP_CLOSE;
	if (!doubt->is_bound || getsockname(doubt->fd, &address.any, &bytes))
		return true;
	return address.any.sa_family == AF_INET6 ? address.in6.sin6_port != 0 : address.in.sin_port != 0;
}

static void ask_each(struct doubts *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->doubt[i].fd >= 0 && !is_up(&all->doubt[i]))
			all->doubt[i].changes = true;
}

static void *keep_asking(void *context)
{
	struct doubts *all = context;

	while (!all->over) {
		ask_each(all);
		sched_yield();
	}
	return NULL;
}

/* === What programs are told ============================================= */

static bool is_listed(const json_t *records, const char *key, const char *const *names)
{
	bool listed = false;
	json_t *record;
	size_t i;

	json_array_foreach((json_t *)records, i, record) {
		char *is = match_text(record, names);

		listed = is && !strcmp(is, key);
		free(is);
		if (listed)
			break;
	}
	return listed;
}

/* False: it cannot be read, with why. */
static bool read_once(const struct source *source, const char *const *names, struct doubts *all,
		      struct blindness *blind)
{
	struct sample sample = { 0 };
	bool taken;

	/* Where there is one CPU, or none to spare, the thread that asks may have had no turn. */
	ask_each(all);
	taken = source->type->take(source->state, &sample, blind);
	ask_each(all);
	for (size_t i = 0; taken && i < all->count; i++)
		if (all->doubt[i].fd >= 0 && !all->doubt[i].changes &&
		    is_listed(sample.records, all->doubt[i].key, names))
			all->doubt[i].changes = true;
	json_decref(sample.records);
	return taken;
}

static void pause_at_random(void)
{
	struct timespec moment = { 0 };
	unsigned int random;

	if (getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random))
		moment.tv_nsec = random % (PAUSE_MAX_US * 1000);
	nanosleep(&moment, NULL);
}

static bool read_often(const struct source *source, const char *const *names, struct doubts *all,
		       struct blindness *blind)
{
	pthread_t thread;
	bool taken = true;
	int wrong = pthread_create(&thread, NULL, keep_asking, all);

	if (wrong) {
		blind_for(blind, "unreadable", "a thread: %s", strerror(wrong));
		return false;
	}
	for (unsigned int i = 0; taken && i < READS; i++) {
		pause_at_random();
		taken = read_once(source, names, all, blind);
	}
	all->over = true;
	pthread_join(thread, NULL);
	return taken;
}

/* === Interface ========================================================== */

/* As many descriptors as we may have. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool begin(const json_t *items, const char *const *names, struct doubts *all)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)items, i, item) {
		struct doubt *doubt = &all->doubt[i];
		const char *family = string_of(item, "family");

		doubt->is_tcp = !strcmp(string_of(item, "protocol"), "tcp");
		doubt->is_bound = !strcmp(family, "inet") || !strcmp(family, "inet6");
		doubt->is_bound = doubt->is_bound && strcmp(string_of(item, "type"), "raw");
		doubt->fd = socket_of(item);
		doubt->key = match_text(item, names);
		all->count++;
		if (!doubt->key)
			return false;
	}
	return true;
}

json_t *changing_of(const struct source *source, const json_t *items, const char *const *names,
		    struct blindness *blind)
{
	struct doubts all = { .doubt = calloc(json_array_size(items) + 1, sizeof(*all.doubt)) };
	json_t *changing = json_array();
	bool failed = !all.doubt || !changing;

	raise_limit();
	if (!failed && begin(items, names, &all))
		failed = !read_often(source, names, &all, blind);
	else
		blind_for(blind, "no-memory", "there is no memory");
	for (size_t i = 0; i < all.count; i++) {
		if (!failed && all.doubt[i].changes)
			failed = json_array_append_new(changing, json_integer((json_int_t)i));
		if (all.doubt[i].fd >= 0)
			close(all.doubt[i].fd);
		free(all.doubt[i].key);
	}
	free(all.doubt);
	return changing;
}
