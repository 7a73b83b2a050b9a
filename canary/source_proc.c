// SPDX-License-Identifier: MIT
/*
 * source_proc.c - the processes that Dom0's programs are told of.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sources.h"

/* Of the first namespace of process ids; include/linux/proc_ns.h has the number. */
#define INITIAL_NAMESPACE "pid:[4026531836]"

static void *proc_open(const struct canary_options *options)
{
	static int nothing;

	(void)options;
	return &nothing;
}

static void proc_close(void *state)
{
	(void)state;
}

/*
 * In another namespace, and where it is another's, /proc has but a few of the
 * processes that there are.
 */
static bool proc_there(void *state, struct blindness *blind)
{
	char space[64];
	ssize_t bytes = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);

	(void)state;
	if (bytes <= 0) {
		blind_for(blind, "unreadable",
			  "what is mounted at /proc does not have this process: /proc/self/ns/pid: %s",
			  strerror(errno));
		return false;
	}
	space[bytes] = '\0';
	if (access("/proc/1/task/1/statm", R_OK)) {
		blind_for(blind, errno == ENOENT || errno == EACCES || errno == EPERM ? "denied" : "unreadable",
			  "/proc does not show who asks the processes of others, as with the option hidepid: "
			  "/proc/1: %s", strerror(errno));
		return false;
	}
	if (strcmp(space, INITIAL_NAMESPACE)) {
		blind_for(blind, "foreign-namespace",
			  "ksense runs in a namespace of processes of its own (%s): /proc has no others", space);
		return false;
	}
	return true;
}

/* A process that has ended meanwhile is none; for all else there is a reason. */
static void cannot_read(const char *path, struct blindness *blind)
{
	if (errno != ENOENT && errno != ESRCH)
		blind_for(blind, errno == ENOMEM ? "no-memory" : errno == EACCES || errno == EPERM ? "denied"
			  : "unreadable", "%s: %s", path, strerror(errno));
}

/* A file of a thread's; NULL: it cannot be read. */
static FILE *open_of_thread(const char *pid, const char *tid, const char *name, struct blindness *blind)
{
	char path[600];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/%s", pid, tid, name);
	file = fopen(path, "re");
	if (!file)
		cannot_read(path, blind);
	return file;
}

/*
 * Whether a thread has memory.  Mostly there is something in it; but any user can have nothing
 * left in a process of his, and stop it there.  Then there still are the lines that tell how much
 * there is, which are not there where it has none.  A name has no line end in that file.
 */
static bool thread_has_memory(const char *pid, const char *tid, struct blindness *blind)
{
	FILE *file = open_of_thread(pid, tid, "statm", blind);
	unsigned long pages = 0;
	bool has = false;
	char line[256];

	if (file) {
		has = fscanf(file, "%lu", &pages) == 1 && pages;
		fclose(file);
	}
	file = has ? NULL : open_of_thread(pid, tid, "status", blind);
	while (file && !has && fgets(line, sizeof(line), file))
		has = !strncmp(line, "VmSize:", strlen("VmSize:"));
	if (file)
		fclose(file);
	return has;
}

/* Whether a process has memory of its own; where its first thread has ended, its others tell. */
static bool has_memory(const char *pid, struct blindness *blind)
{
	struct dirent *entry;
	char path[300];
	bool has = false;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	threads = opendir(path);
	if (!threads) {
		cannot_read(path, blind);
		return false;
	}
	while (!has && (entry = readdir(threads)))
		has = isdigit((unsigned char)*entry->d_name) && thread_has_memory(pid, entry->d_name, blind);
	closedir(threads);
	return has;
}

/*
 * A process that is not the kernel's own thread, by what tells it from a later one with its pid.
 */
static json_t *proc_item(const char *pid, struct blindness *blind)
{
	char path[64], line[1024], *end, *field = NULL;
	json_t *item;
	size_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file) {
		cannot_read(path, blind);
		return NULL;
	}
	/* All of it: the name in it is any bytes, line ends and brackets among them. */
	errno = 0;
	bytes = fread(line, 1, sizeof(line) - 1, file);
	line[bytes] = '\0';
	end = strrchr(line, ')');
	if (!end && errno)
		cannot_read(path, blind);
	else if (!end)
		blind_for(blind, "unreadable", "%s has no name in it", path);
	fclose(file);
	if (!end || !has_memory(pid, blind))
		return NULL;
	*end++ = '\0';
	/* Behind the name stand the fields from the third on; the start is the 22nd. */
	for (int i = 3; i <= 22; i++)
		field = strtok(i == 3 ? end : NULL, " ");
	end = strchr(line, '(');
	item = json_pack("{sIsosI}", "pid", (json_int_t)strtoul(pid, NULL, 10), "comm",
			 string_as_sensors(end ? end + 1 : NULL), "start_ticks",
			 (json_int_t)strtoull(field ? field : "0", NULL, 10));
	if (!item)
		blind_for(blind, "no-memory", "no memory");
	return item;
}

static bool proc_take(void *state, const char *probe, json_int_t since, struct sample *sample, struct blindness *blind)
{
	struct dirent *entry;
	json_t *item;
	DIR *proc;

	(void)probe;
	(void)since;
	if (!proc_there(state, blind))
		return false;
	proc = opendir("/proc");
	if (!proc) {
		blind_for(blind, "unreadable", "/proc: %s", strerror(errno));
		return false;
	}
	sample->records = json_array();
	while (errno = 0, (entry = readdir(proc))) {
		item = isdigit((unsigned char)*entry->d_name) ? proc_item(entry->d_name, blind) : NULL;
		if (item && json_array_append_new(sample->records, item))
			blind_for(blind, "no-memory", "no memory");
	}
	if (errno)
		blind_for(blind, "unreadable", "/proc: %s", strerror(errno));
	closedir(proc);
	return true;
}

const struct source_type source_proc = {
	.name = "proc", .open = proc_open, .close = proc_close, .there = proc_there, .take = proc_take,
};
