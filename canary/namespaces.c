// SPDX-License-Identifier: MIT
/*
 * namespaces.c - goes to each network namespace, by way of a thread that is in it or, where none
 * is, of a file that it is mounted on.  One that somebody has but a descriptor of, or a socket, is
 * not found.
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
#include <stdlib.h>
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

/* The inode of the namespace of a process, or of "PID/task/TID"; 0: there is none to be had. */
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

static void visit_one(struct visits *visits, const char *pid)
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

/*
 * Each thread may be in another.  Mostly there is but one, as the number of links of the folder
 * tells.
 */
static void visit_process(struct visits *visits, const char *pid)
{
	char folder[64], path[64];
	unsigned int entries = 0;
	struct dirent *entry;
	struct stat stat_of;
	DIR *threads;

	visit_one(visits, pid);
	snprintf(folder, sizeof(folder), "/proc/%.20s/task", pid);
	if (visits->blind->reason || stat(folder, &stat_of) || stat_of.st_nlink <= 3)
		return;
	threads = opendir(folder);
	while (threads && !visits->blind->reason && (entry = read_entry(threads, &entries))) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%.20s/task/%.10s", pid, entry->d_name);
		visit_one(visits, path);
	}
	if (!is_none(errno))
		cannot_read(folder, errno, visits->blind);
	if (threads)
		closedir(threads);
}

/* As mountinfo has it: a blank and its like are "\\" and three octal digits. */
static void undo_escapes(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		bool is_escape = from[0] == '\\' && from[1] && from[2] && from[3];

		*to = is_escape ? (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0')) : *from;
		from += is_escape ? 4 : 1;
	}
	*to = '\0';
}

/* Another mount may hide it, of whatever: no device is woken, and nobody waited for. */
static void visit_mount(struct visits *visits, json_int_t space, const char *path)
{
	struct stat stat_of;

	if (was_seen(visits, space))
		return;
	visits->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (visits->fd < 0) {
		if (!is_none(errno))
			cannot_read(path, errno, visits->blind);
		return;
	}
	if (!fstat(visits->fd, &stat_of) && S_ISREG(stat_of.st_mode) && (json_int_t)stat_of.st_ino == space)
		visit_by(visits);
	close(visits->fd);
}

/* "ID PARENT DEVICE net:[INODE] PATH ..." */
static int take_mount(void *context, char *line)
{
	struct visits *visits = context;
	char *rest, *word = strtok_r(line, " ", &rest), *path;

	for (int i = 0; word && i < 3; i++)
		word = strtok_r(NULL, " ", &rest);
	path = strtok_r(NULL, " ", &rest);
	if (!path)
		return EBADMSG;
	if (strncmp(word, "net:[", strlen("net:[")) != 0)
		return 0;
	undo_escapes(path);
	visit_mount(visits, (json_int_t)strtoull(word + strlen("net:["), NULL, 10), path);
	return 0;
}

/* Those of the mounts that we see. */
static void visit_mounts(struct visits *visits)
{
	FILE *file = fopen("/proc/thread-self/mountinfo", "re");

	cannot_read("/proc/thread-self/mountinfo", file ? read_lines(file, take_mount, visits) : errno, visits->blind);
	if (file)
		fclose(file);
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
	if (!blind->reason)
		visit_mounts(&visits);
	json_decref(visits.seen);
}
