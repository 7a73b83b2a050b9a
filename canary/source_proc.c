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

#include "../core/writer.h"
#include "lines.h"
#include "sources.h"

/* Of the first namespace of process ids; include/linux/proc_ns.h has the number. */
#define INITIAL_NAMESPACE "pid:[4026531836]"

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

void cannot_read(const char *path, int wrong, struct blindness *blind)
{
	if (wrong == ENOMEM)
		blind_for(blind, "no-memory", "%s: %s", path, strerror(wrong));
	else if (wrong == EACCES || wrong == EPERM)
		blind_for(blind, "denied", "%s: %s", path, strerror(wrong));
	else if (wrong == E2BIG)
		blind_for(blind, "incomplete", "%s: there is no end to it, or more than is looked at", path);
	else if (wrong == EBADMSG)
		blind_for(blind, "unreadable", "%s: what stands there is not what should", path);
	else if (wrong)
		blind_for(blind, "unreadable", "%s: %s", path, strerror(wrong));
}

int sample_add(struct sample *sample, json_t *item)
{
	if (item && json_array_size(sample->records) >= ITEMS_MAX) {
		json_decref(item);
		return E2BIG;
	}
	return json_array_append_new(sample->records, item) ? ENOMEM : 0;
}

json_t *string_as_sensors(const char *text)
{
	/* each may need an escape */
	size_t bytes = text ? strlen(text) : 0, size = 6 * bytes + sizeof("\"\"");
	char *buffer = text ? malloc(size) : NULL;
	struct ks_writer json;
	json_t *string;

	if (!buffer)
		return text ? NULL : json_null();
	ks_writer_init(&json, buffer, size);
	ks_write_string(&json, text, bytes);
	string = json_loadb(json.buf, json.len, JSON_DECODE_ANY, NULL);
	free(buffer);
	return string;
}

/* Of a file below /proc, whose descriptor is @proc. */
static ssize_t read_of(int proc, const char *path, char *text, size_t size)
{
	return read_small(proc, path + strlen("/proc/"), text, size);
}

/*
 * A process that has ended meanwhile is none, nor is one upon which something is mounted: ps is
 * told of that in its place.  For all else there is a reason.
 */
static void cannot_read_process(const char *path, struct blindness *blind)
{
	if (errno != ENOENT && errno != ESRCH && errno != EXDEV)
		cannot_read(path, errno, blind);
}

/* The lines of how much memory there is are not there where a thread has none. */
static int take_status(void *context, char *line)
{
	*(bool *)context |= !strncmp(line, "VmSize:", strlen("VmSize:"));
	return 0;
}

/*
 * Whether a thread has memory.  Mostly there is something in it; but any user can have nothing
 * left in a process of his, and stop it there.  Then there still are the lines that tell how much
 * there is.  A name has no line end in that file.
 */
static bool thread_has_memory(int proc, const char *pid, const char *tid, struct blindness *blind)
{
	char path[600], text[128];
	unsigned long pages = 0;
	bool has = false;
	FILE *file;
	int wrong;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/statm", pid, tid);
	if (read_of(proc, path, text, sizeof(text)) < 0) {
		cannot_read_process(path, blind);
		return false;
	}
	if (sscanf(text, "%lu", &pages) != 1)
		cannot_read(path, EBADMSG, blind);
	if (pages)
		return true;
	snprintf(path, sizeof(path), "/proc/%s/task/%s/status", pid, tid);
	file = fopen(path, "re");
	wrong = file ? read_lines(file, take_status, &has) : errno;
	if (file)
		fclose(file);
	if (wrong && wrong != ENOENT && wrong != ESRCH)
		cannot_read(path, wrong, blind);
	return has;
}

/* Whether a process has memory of its own; where its first thread has ended, its others tell. */
static bool has_memory(int proc, const char *pid, struct blindness *blind)
{
	unsigned int entries = 0;
	struct dirent *entry;
	char path[300];
	bool has = false;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	threads = opendir(path);
	if (!threads) {
		cannot_read_process(path, blind);
		return false;
	}
	while (!has && (entry = read_entry(threads, &entries)))
		has = isdigit((unsigned char)*entry->d_name) && thread_has_memory(proc, pid, entry->d_name, blind);
	if (!has && errno)
		cannot_read_process(path, blind);
	closedir(threads);
	return has;
}

/*
 * A process that is not the kernel's own thread, by what tells it from a later one with its pid.
 */
static json_t *proc_item(int proc, const char *pid, struct blindness *blind)
{
	char path[64], line[1024], *name, *end, *field = NULL;
	json_t *item;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if (read_of(proc, path, line, sizeof(line)) < 0) {
		cannot_read_process(path, blind);
		return NULL;
	}
	/* The name in it is any bytes, line ends and brackets among them. */
	name = strchr(line, '(');
	end = strrchr(line, ')');
	if (!name || !end) {
		cannot_read(path, EBADMSG, blind);
		return NULL;
	}
	if (!has_memory(proc, pid, blind))
		return NULL;
	*end++ = '\0';
	/* Behind the name stand the fields from the third on; the start is the 22nd. */
	for (int i = 3; i <= 22; i++)
		field = strtok(i == 3 ? end : NULL, " ");
	if (!field) {
		cannot_read(path, EBADMSG, blind);
		return NULL;
	}
	item = json_pack("{sIsosI}", "pid", (json_int_t)strtoul(pid, NULL, 10), "comm", string_as_sensors(name + 1),
			 "start_ticks", (json_int_t)strtoull(field, NULL, 10));
	if (!item)
		blind_for(blind, "no-memory", "no memory");
	return item;
}

static bool proc_take(void *state, struct sample *sample, struct blindness *blind)
{
	/* Who looks is there for no longer than that, and answers for nobody. */
	const pid_t own = getpid();
	unsigned int entries = 0;
	struct dirent *entry;
	int wrong = 0;
	json_t *item;
	DIR *proc;

	if (!proc_there(state, blind))
		return false;
	proc = opendir("/proc");
	if (!proc) {
		cannot_read("/proc", errno, blind);
		return false;
	}
	sample->records = json_array();
	while (!wrong && (entry = read_entry(proc, &entries))) {
		if (!isdigit((unsigned char)*entry->d_name) || atoi(entry->d_name) == own)
			continue;
		item = proc_item(dirfd(proc), entry->d_name, blind);
		wrong = item ? sample_add(sample, item) : 0;
	}
	cannot_read("/proc", wrong ? wrong : errno, blind);
	closedir(proc);
	return true;
}

const struct source_type source_proc = {
	.name = "proc", .is_apart = true, .there = proc_there, .take = proc_take,
};
