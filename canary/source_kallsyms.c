// SPDX-License-Identifier: MIT
/*
 * source_kallsyms.c - where the functions of Dom0's kernel begin, as it says itself.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "sources.h"

/*
 * Of Linux's handlers while it starts, one for each of the first vectors: those that have no other
 * later stay registered, on all vCPUs.
 */
#define EARLY_HANDLERS "xen_early_idt_handler_array"
#define EARLY_HANDLERS_COUNT 32
#define EARLY_HANDLER_BYTES 8

/* 0, or what is wrong, as of sample_add(). */
static int add_symbol(struct sample *sample, unsigned long long at, const char *name)
{
	char address[20];

	snprintf(address, sizeof(address), "0x%llx", at);
	return sample_add(sample, json_pack("{ssss}", "address", address, "symbol", name));
}

/* Modules' are left out. */
static int take_line(void *sample, char *line)
{
	char *rest, *end, *address = strtok_r(line, " \t", &rest), *type = strtok_r(NULL, " \t", &rest),
			  *name = strtok_r(NULL, " \t", &rest), *module = strtok_r(NULL, " \t", &rest);
	unsigned long long at = address ? strtoull(address, &end, 16) : 0;
	int wrong;

	if (!name || end == address || *end || strlen(type) != 1)
		return EBADMSG;
	if (!at || module || tolower((unsigned char)*type) != 't')
		return 0;
	wrong = add_symbol(sample, at, name);
	for (int i = 1; !wrong && i < EARLY_HANDLERS_COUNT && !strcmp(name, EARLY_HANDLERS); i++)
		wrong = add_symbol(sample, at + (unsigned int)i * EARLY_HANDLER_BYTES, name);
	return wrong;
}

static bool symbols_take(void *state, struct sample *sample, struct blindness *blind)
{
	FILE *file = fopen("/proc/kallsyms", "re");

	(void)state;
	if (!file) {
		cannot_read("/proc/kallsyms", errno, blind);
		return false;
	}
	sample->records = json_array();
	cannot_read("/proc/kallsyms", read_lines(file, take_line, sample), blind);
	fclose(file);
	if (!json_array_size(sample->records))
		blind_for(blind, "unreadable", "/proc/kallsyms shows no addresses");
	return !blind->reason;
}

const struct source_type source_kallsyms = {
	.name = "kallsyms", .is_apart = true, .is_fixed = true, .take = symbols_take,
};
