// SPDX-License-Identifier: MIT
/*
 * source_kallsyms.c - where the functions of Dom0's kernel begin, as it says itself.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sources.h"

static void *symbols_open(const struct canary_options *options)
{
	static int nothing;

	(void)options;
	return &nothing;
}

static void symbols_close(void *state)
{
	(void)state;
}

static bool symbols_there(void *state, struct blindness *blind)
{
	(void)state;
	(void)blind;
	return true;
}

/*
 * Of Linux's handlers while it starts, one for each of the first vectors: those that have no other
 * later stay registered, on all vCPUs.
 */
#define EARLY_HANDLERS "xen_early_idt_handler_array"
#define EARLY_HANDLERS_COUNT 32
#define EARLY_HANDLER_BYTES 8

static int add_symbol(json_t *items, unsigned long long at, const char *name)
{
	char address[20];

	snprintf(address, sizeof(address), "0x%llx", at);
	return json_array_append_new(items, json_pack("{ssss}", "address", address, "symbol", name));
}

/* Modules' are left out. */
static int read_line(const char *line, json_t *items)
{
	char address[20], type, name[256], module[64];
	unsigned long long at;
	int failed;

	if (sscanf(line, "%19s %c %255s %63s", address, &type, name, module) != 3 ||
	    tolower((unsigned char)type) != 't')
		return 0;
	at = strtoull(address, NULL, 16);
	if (!at)
		return 0;
	failed = add_symbol(items, at, name);
	for (int i = 1; i < EARLY_HANDLERS_COUNT && !strcmp(name, EARLY_HANDLERS); i++)
		failed |= add_symbol(items, at + (unsigned int)i * EARLY_HANDLER_BYTES, name);
	return failed;
}

static bool symbols_take(void *state, const char *probe, json_int_t since, struct sample *sample,
			 struct blindness *blind)
{
	char line[512];
	FILE *file = fopen("/proc/kallsyms", "re");

	(void)state;
	(void)probe;
	(void)since;
	if (!file) {
		blind_for(blind, "unreadable", "/proc/kallsyms: %s", strerror(errno));
		return false;
	}
	sample->records = json_array();
	while (fgets(line, sizeof(line), file) && !blind->reason)
		if (read_line(line, sample->records))
			blind_for(blind, "no-memory", "no memory");
	fclose(file);
	if (!json_array_size(sample->records))
		blind_for(blind, "unreadable", "/proc/kallsyms shows no addresses");
	return !blind->reason;
}

const struct source_type source_kallsyms = {
	.name = "kallsyms", .is_fixed = true, .open = symbols_open, .close = symbols_close, .there = symbols_there,
	.take = symbols_take,
};
