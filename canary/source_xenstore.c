// SPDX-License-Identifier: MIT
/*
 * source_xenstore.c - what a toolstack wrote down of domains.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/io/xs_wire.h>
#include <xenstore.h>
#include <xenstore_lib.h>

#include "sources.h"
#include "xenstore.h"

struct xenstore {
	struct xs_handle *xs;
	int timeout_ms;
};

static void *store_open(const struct canary_options *options)
{
	struct xenstore *store = calloc(1, sizeof(*store));

	if (store)
		store->timeout_ms = options->timeout_ms;
	return store;
}

static void store_close(void *state)
{
	struct xenstore *store = state;

	if (store->xs)
		xs_close(store->xs);
	free(store);
}

/* Of a domain, as JSON; null: it has none.  NULL: it could not be read, with errno. */
static json_t *value_of(struct xs_handle *xs, const char *domain, const char *name)
{
	unsigned int bytes;
	char path[128], *text;
	json_t *value;

	snprintf(path, sizeof(path), "/local/domain/%s/%s", domain, name);
	text = xs_read(xs, XBT_NULL, path, &bytes);
	if (!text && errno != ENOENT)
		return NULL;
	value = string_as_sensors(text);
	errno = ENOMEM;
	free(text);
	return value;
}

static int ask_daemon(int fd, int timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static const struct {
		struct xsd_sockmsg head;
		char path[4];
	} request = { .head = { .type = XS_READ, .len = sizeof("/") }, .path = "/" };
	const ssize_t bytes = sizeof(request.head) + sizeof("/");
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	int ready;

	/* The one that libxenstore asks. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", xs_daemon_socket());
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    send(fd, &request, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
		if (errno == EAGAIN)
			errno = ETIMEDOUT;
		return -1;
	}
	ready = poll(&answer, 1, timeout_ms);
	if (!ready)
		errno = ETIMEDOUT;
	return ready > 0 ? 0 : -1;
}

/* Whether the daemon answers in time.  0, or -1 with errno. */
static int daemon_answers(int timeout_ms)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), status, why;

	if (fd < 0)
		return -1;
	status = ask_daemon(fd, timeout_ms);
	why = errno;
	close(fd);
	errno = why;
	return status;
}

/*
 * Xenstore by its daemon's socket, once that has given an answer; or NULL with errno, ETIMEDOUT if
 * there was none in time.  libxenstore would wait for as long as who asks is left alone: for a
 * daemon that stands still, and, without one, for the kernel's device.
 */
static struct xs_handle *open_in_time(int timeout_ms)
{
	return daemon_answers(timeout_ms) ? NULL : xs_open(0);
}

static bool failed(struct xenstore *store, struct blindness *blind)
{
	const char *reason = errno == EACCES || errno == EPERM ? "denied"
			     : errno == ETIMEDOUT	       ? "timeout"
			     : errno == ENOMEM		       ? "no-memory"
							       : "unreadable";

	if (errno == ENOENT && !store->xs)
		blind->absent = "xenstore";
	blind_for(blind, reason, blind->absent ? "there is no xenstored here: %s" : "xenstored: %s", strerror(errno));
	if (store->xs)
		xs_close(store->xs);
	store->xs = NULL;
	return false;
}

static bool store_there(void *state, struct blindness *blind)
{
	struct xenstore *store = state;

	store->xs = open_in_time(store->timeout_ms);
	return store->xs || failed(store, blind);
}

/* "7x" and "07" are no domain's, though they begin like one's, or count the same. */
static bool is_domid(const char *text)
{
	unsigned long number = strtoul(text, NULL, 10);
	char is[24];

	snprintf(is, sizeof(is), "%lu", number);
	return number < DOMID_FIRST_RESERVED && !strcmp(is, text);
}

/* False: it could not be read, or taken; with errno. */
static bool add_item(struct xs_handle *xs, const char *domain, struct sample *sample)
{
	json_t *name = value_of(xs, domain, "name"), *vm = name ? value_of(xs, domain, "vm") : NULL, *item;

	if (!vm) {
		json_decref(name);
		return false;
	}
	item = json_pack("{sIsoso}", "domid", (json_int_t)strtoul(domain, NULL, 10), "name", name, "vm", vm);
	errno = sample_add(sample, item);
	return !errno;
}

static bool store_take(void *state, struct sample *sample, struct blindness *blind)
{
	struct xenstore *store = state;
	unsigned int count = 0, at = 0;
	char **domains;
	int why;

	if (!store_there(state, blind))
		return false;
	domains = xs_directory(store->xs, XBT_NULL, "/local/domain", &count);
	if (!domains)
		return failed(store, blind);
	sample->records = json_array();
	while (at < count && (!is_domid(domains[at]) || add_item(store->xs, domains[at], sample)))
		at++;
	why = errno;
	free(domains);
	errno = why;
	return at == count || failed(store, blind);
}

const struct source_type source_xenstore = {
	.name = "xenstore", .is_apart = true, .open = store_open, .close = store_close,
	.there = store_there, .take = store_take,
};

/* === Names ============================================================== */

int xenstore_find(const struct canary_options *options, const char *name, uint32_t *domid, char *why, size_t size)
{
	struct source source = { .type = &source_xenstore, .state = store_open(options) };
	struct canary canary = { .options = options };
	json_t *wanted = string_as_sensors(name), *item;
	struct blindness blind = { 0 };
	struct sample sample = { 0 };
	int found = 0;
	size_t i;

	if (!source.state || !wanted)
		blind_for(&blind, "no-memory", "there is no memory");
	else
		take_apart(&canary, &source, &sample, &blind);
	json_array_foreach(sample.records, i, item) {
		if (!json_equal(json_object_get(item, "name"), wanted))
			continue;
		*domid = (uint32_t)number_of(item, "domid");
		found++;
	}
	json_decref(sample.records);
	json_decref(wanted);
	if (source.state)
		store_close(source.state);
	/* Of some it is not known whether there are more. */
	if (!blind.reason)
		return found;
	snprintf(why, size, "%s", blind.words);
	return -1;
}
