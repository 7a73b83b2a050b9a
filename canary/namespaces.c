// SPDX-License-Identifier: MIT
/*
 * namespaces.c - goes to each network namespace, by way of a process that is in it.
 *
 * /proc/PID/net is of the namespace in which that process is at the moment, and any user can have
 * a process of his go from one to another and back, as fast as he likes: what is read there, file
 * after file, may be of several.  A thread of ours that went there stays.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"
#include "namespaces.h"

struct visits {
	void (*see)(void *context, json_int_t space, struct blindness *blind);
	void *context;
	struct blindness *blind;
	json_t *seen;           /* an object with the inodes of those that were visited */
	json_int_t space;       /* the one at hand, */
	int fd;                 /* by which one goes there; -1: we are there */
};

/* It is gone, or not ours to see. */
static bool is_none(int wrong)
{
	return wrong == ENOENT || wrong == ESRCH || wrong == EACCES || wrong == EPERM;
}

/* The inode of the process's namespace; 0: there is none to be had. */
static json_int_t space_of(const char *pid, struct blindness *blind)
{
	struct stat stat_of;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.32s/ns/net", pid);
	if (!stat(path, &stat_of))
		return (json_int_t)stat_of.st_ino;
	if (!is_none(errno))
		cannot_read(path, errno, blind);
	return 0;
}

static bool was_seen(const struct visits *visits, json_int_t space)
{
	char key[32];

	snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT, space);
	return json_object_get(visits->seen, key);
}

static void note_seen(const struct visits *visits)
{
	char key[32];

	snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT, visits->space);
	if (json_object_set_new(visits->seen, key, json_true()))
		blind_for(visits->blind, "no-memory", "no memory");
}

/* What is mounted at /proc has to know the thread that looks: else it shows another's. */
static void *visit(void *at)
{
	const struct visits *visits = at;

	if (visits->fd >= 0 && setns(visits->fd, CLONE_NEWNET)) {
		if (!is_none(errno))
			cannot_read("setns", errno, visits->blind);
		return NULL;
	}
	if (space_of("thread-self", visits->blind) != visits->space)
		return NULL;
	note_seen(visits);
	if (!visits->blind->reason)
		visits->see(visits->context, visits->space, visits->blind);
	return NULL;
}

/* The inode is the one of what was opened, wherever the process is by now. */
static void visit_by(struct visits *visits)
{
	struct stat stat_of;
	pthread_t thread;
	int wrong;

	if (fstat(visits->fd, &stat_of)) {
		cannot_read("a network namespace", errno, visits->blind);
		return;
	}
	visits->space = (json_int_t)stat_of.st_ino;
	if (was_seen(visits, visits->space))
		return;
	wrong = pthread_create(&thread, NULL, visit, visits);
	if (wrong)
		cannot_read("a thread", wrong, visits->blind);
	else
		pthread_join(thread, NULL);
}

static void visit_process(struct visits *visits, const char *pid)
{
	json_int_t space = space_of(pid, visits->blind);
	char path[64];

	if (!space || was_seen(visits, space))
		return;
	snprintf(path, sizeof(path), "/proc/%.32s/ns/net", pid);
	visits->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (visits->fd >= 0) {
		visit_by(visits);
		close(visits->fd);
	} else if (!is_none(errno)) {
		cannot_read(path, errno, visits->blind);
	}
}

void see_namespaces(void (*see)(void *context, json_int_t space, struct blindness *blind), void *context,
		    struct blindness *blind)
{
	struct visits visits = { .see = see, .context = context, .blind = blind, .seen = json_object(), .fd = -1 };
	DIR *proc = opendir("/proc");
	unsigned int entries = 0;
	struct dirent *entry;

	if (!proc)
		cannot_read("/proc", errno, blind);
	else if (!visits.seen)
		blind_for(blind, "no-memory", "no memory");
	if (!blind->reason)
		visits.space = space_of("thread-self", blind);
	if (visits.space && !blind->reason)
		visit(&visits);
	while (!blind->reason && (entry = read_entry(proc, &entries)))
		if (isdigit((unsigned char)*entry->d_name))
			visit_process(&visits, entry->d_name);
	cannot_read("/proc", errno, blind);
	if (proc)
		closedir(proc);
	json_decref(visits.seen);
}
