// SPDX-License-Identifier: MIT
/*
 * source_proc_net.c - the sockets that Dom0's programs are told of: by /proc/net, of which each
 * network namespace has its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "namespaces.h"
#include "sources.h"

/*
 * Each file by the family of its sockets, and the place of the socket's inode in its lines; of
 * some it is the last.  The names of UNIX sockets are any bytes, line ends among them: whoever has
 * one can make up lines of that file, but none of another family's.
 *
 * Of netlink sockets the kernel does not tell all: one whose bind() was refused, as another has
 * that port, says that it has it from then on, and stands in no list.  Any user can have such.
 */
#define LAST (-1)
static const struct net_file {
	const char *name, *family;
	int place;
} files[] = {
	{ "tcp", "inet", 9 }, { "tcp6", "inet6", 9 }, { "udp", "inet", 9 }, { "udp6", "inet6", 9 },
	{ "udplite", "inet", 9 }, { "udplite6", "inet6", 9 }, { "raw", "inet", 9 }, { "raw6", "inet6", 9 },
	{ "icmp", "inet", 9 }, { "icmp6", "inet6", 9 }, { "unix", "unix", 6 }, { "packet", "packet", LAST },
};

struct reading {
	const struct net_file *is;
	json_int_t space;
	struct sample *sample;
	bool has_paths;         /* in which anybody may put a newline: not each line is one */
	bool begun;             /* the first line has the names of the columns */
};

/* An inode of 0 is that of what no program has any more. */
static int take_line(void *context, char *line)
{
	struct reading *reading = context;
	char *rest, *word = strtok_r(line, " ", &rest), *last = word, *end = NULL;
	json_int_t inode;

	if (!reading->begun) {
		reading->begun = true;
		return 0;
	}
	for (int i = 0; word && i != reading->is->place; i++) {
		last = word;
		word = strtok_r(NULL, " ", &rest);
	}
	word = reading->is->place == LAST ? last : word;
	inode = word ? (json_int_t)strtoull(word, &end, 10) : 0;
	if (!end || *end)
		return reading->has_paths ? 0 : EBADMSG;
	if (!inode)
		return 0;
	return sample_add(reading->sample, json_pack("{sIsIss}", "netns", reading->space, "inode", inode, "family",
						     reading->is->family));
}

/* Of the namespace in which this thread is. */
static void read_file(size_t which, json_int_t space, struct sample *sample, struct blindness *blind)
{
	struct reading reading = {
		.is = &files[which], .space = space, .sample = sample,
		.has_paths = !strcmp(files[which].name, "unix"),
	};
	char path[64];
	FILE *file;
	int wrong;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", files[which].name);
	file = fopen(path, "re");
	wrong = file ? read_lines(file, take_line, &reading) : errno;
	if (file)
		fclose(file);
	/* What the kernel has no such sockets for has no file. */
	if (file || wrong != ENOENT)
		cannot_read(path, wrong, blind);
}

/* The namespace itself is an item as well: one without a socket has been seen, too. */
static void read_space(void *sample, json_int_t space, struct blindness *blind)
{
	cannot_read("a network namespace", sample_add(sample, json_pack("{sI}", "netns", space)), blind);
	for (size_t i = 0; !blind->reason && i < sizeof(files) / sizeof(files[0]); i++)
		read_file(i, space, sample, blind);
}

static bool net_take(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state;
	sample->records = json_array();
	if (!sample->records)
		blind_for(blind, "no-memory", "no memory");
	else
		see_namespaces(read_space, sample, blind);
	return !blind->reason;
}

const struct source_type source_proc_net = {
	.name = "proc-net", .is_apart = true, .is_of_sockets = true, .take = net_take,
};
