// SPDX-License-Identifier: MIT
/*
 * source_modules.c - the modules that Dom0's programs are told of: by /proc/modules, as lsmod
 * shows it, and by the folders of /sys/module.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "sources.h"

static bool begin(struct sample *sample, const void *opened, const char *path, struct blindness *blind)
{
	if (opened)
		sample->records = json_array();
	else
		cannot_read(path, errno, blind);
	return opened;
}

/* 0, or what is wrong, as of sample_add(). */
static int add_module(struct sample *sample, const char *name)
{
	return sample_add(sample, json_pack("{so}", "name", string_as_sensors(name)));
}

/* === /proc/modules ====================================================== */

/* Where the kernel's list was made to go round, the file does not end. */
#define MODULES_MAX 8192

static int take_line(void *context, char *line)
{
	struct sample *sample = context;

	line[strcspn(line, " ")] = '\0';
	if (!*line)
		return EBADMSG;
	if (json_array_size(sample->records) >= MODULES_MAX)
		return ELOOP;
	return add_module(sample, line);
}

static bool proc_take(void *state, struct sample *sample, struct blindness *blind)
{
	FILE *file = fopen("/proc/modules", "re");
	int wrong;

	(void)state;
	if (!begin(sample, file, "/proc/modules", blind))
		return false;
	wrong = read_lines(file, take_line, sample);
	if (wrong == ELOOP)
		blind_for(blind, "unreadable", "/proc/modules does not end");
	cannot_read("/proc/modules", wrong, blind);
	fclose(file);
	return true;
}

/* === /sys/module ======================================================== */

/*
 * What is built into the kernel has a folder, too, but no state; which is not read, only looked
 * for: the kernel ends whoever reads that of a module which is not formed.
 */
static bool is_loadable(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return *name != '.' && !access(path, F_OK);
}

static bool sys_take(void *state, struct sample *sample, struct blindness *blind)
{
	DIR *folder = opendir("/sys/module");
	unsigned int entries = 0;
	struct dirent *entry;
	int wrong = 0;

	(void)state;
	if (!begin(sample, folder, "/sys/module", blind))
		return false;
	while (!wrong && (entry = read_entry(folder, &entries)))
		wrong = is_loadable(entry->d_name) ? add_module(sample, entry->d_name) : 0;
	cannot_read("/sys/module", wrong ? wrong : errno, blind);
	closedir(folder);
	return true;
}

const struct source_type source_proc_modules = {
	.name = "proc-modules", .is_apart = true, .take = proc_take,
};
const struct source_type source_sys_module = {
	.name = "sys-module", .is_apart = true, .take = sys_take,
};
