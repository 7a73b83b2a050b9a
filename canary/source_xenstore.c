// SPDX-License-Identifier: MIT
/*
 * source_xenstore.c - what a toolstack wrote down of domains.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "sources.h"
#include "xenstore.h"

struct xenstore {
	struct xs_handle *xs;
};

static void *store_open(const struct canary_options *options)
{
	(void)options;
	return calloc(1, sizeof(struct xenstore));
}

static void store_close(void *state)
{
	struct xenstore *store = state;

	if (store->xs)
		xs_close(store->xs);
	free(store);
}

static char *xenstore_value(struct xs_handle *xs, const char *domain, const char *name)
{
	char path[128];
	unsigned int bytes;

	snprintf(path, sizeof(path), "/local/domain/%s/%s", domain, name);
	return xs_read(xs, XBT_NULL, path, &bytes);
}

struct xs_handle *xenstore_open(void)
{
	return access("/run/xenstored/socket", R_OK | W_OK) ? NULL : xs_open(0);
}

static bool store_there(void *state, struct blindness *blind)
{
	struct xenstore *store = state;

	if (store->xs)
		return true;
	store->xs = xenstore_open();
	if (store->xs)
		return true;
	if (errno == ENOENT)
		blind->absent = "xenstore";
	blind_for(blind, errno == EACCES || errno == EPERM ? "denied" : "unreadable", "there is no xenstored here: %s", strerror(errno));
	return false;
}

static json_t *item_of(struct xs_handle *xs, const char *domain)
{
	char *name = xenstore_value(xs, domain, "name"), *vm = xenstore_value(xs, domain, "vm");
	json_t *item = json_pack("{sIsoso}", "domid", (json_int_t)strtoul(domain, NULL, 10), "name", string_as_sensors(name), "vm", string_as_sensors(vm));

	free(name);
	free(vm);
	return item;
}

static bool store_take(void *state, const char *probe, json_int_t since, struct sample *sample, struct blindness *blind)
{
	struct xenstore *store = state;
	unsigned int count = 0;
	char **domains;

	(void)probe;
	(void)since;
	if (!store_there(state, blind))
		return false;
	domains = xs_directory(store->xs, XBT_NULL, "/local/domain", &count);
	if (!domains) {
		blind_for(blind, errno == EACCES ? "denied" : "unreadable", "xenstore: %s", strerror(errno));
		xs_close(store->xs);
		store->xs = NULL;
		return false;
	}
	sample->records = json_array();
	for (unsigned int i = 0; i < count; i++)
		if (json_array_append_new(sample->records, item_of(store->xs, domains[i])))
			blind_for(blind, "no-memory", "no memory");
	free(domains);
	return true;
}

const struct source_type source_xenstore = {
	.name = "xenstore", .open = store_open, .close = store_close, .there = store_there, .take = store_take,
};
