// SPDX-License-Identifier: MIT
/*
 * lock.c - the command lock: which domain is meant, and who was first if somebody was.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../include/sense.h"
#include "../canary/canary.h"
#include "../canary/xenstore.h"
#include "ksense.h"

_Static_assert(KSENSE_NO_DOMAIN == XEN_SENSE_NO_DOMAIN, "the library has the hypercall's number");

/* === Which domain ======================================================= */

/* As in "12" and nothing else.  What is too large for a domain's id is XEN_SENSE_NO_DOMAIN. */
static bool read_domid(const char *text, uint32_t *domid)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end)
		return false;
	*domid = errno || number > XEN_SENSE_NO_DOMAIN ? XEN_SENSE_NO_DOMAIN : (uint32_t)number;
	return true;
}

/* Nothing is to be broken off: a signal ends us. */
static bool go_on(void *context, double seconds)
{
	(void)context;
	(void)seconds;
	return true;
}

/* EXIT_DONE, or the exit status after it was said what is wrong. */
static int find_domain(const char *name, int timeout_ms, uint32_t *domid)
{
	struct canary_options options = { .timeout_ms = timeout_ms, .pause = go_on };
	char why[256];
	int found;

	if (read_domid(name, domid)) {
		if (*domid < XEN_SENSE_NO_DOMAIN)
			return EXIT_DONE;
		say("target: there is no domain %s", name);
		return EXIT_SAID_ERROR;
	}
	found = xenstore_find(&options, name, domid, why, sizeof(why));
	if (found < 0) {
		say("cannot look up the name '%s' (%s): give the domain's id", name, why);
		return EXIT_NO_SENSOR;
	}
	if (found == 1)
		return EXIT_DONE;
	if (found)
		say("target: several domains have the name '%s': give an id", name);
	else
		say("target: there is no domain '%s'", name);
	return EXIT_SAID_ERROR;
}

/* === Interface ========================================================== */

/*
 * Behind the message that it is locked already: by whom, and for whom, if this domain may still
 * read that.
 */
static void tell_lock(struct ksense *k)
{
	static const struct ksense_request request = { .command = "status" };
	struct ksense_line line;
	json_t *status;
	char *text;

	if (ksense_ask(k, &request) || ksense_next(k, &line) <= 0 || line.kind != KSENSE_ANSWER)
		return;
	status = parse_body(&line);
	text = lock_text(json_object_get(status, "lock"));
	say("it is locked %s", text ? text : "");
	free(text);
	json_decref(status);
}

int run_lock(struct ksense *k, const struct options *o)
{
	const char *name = o->request.target;
	uint32_t domid = KSENSE_NO_DOMAIN;
	int status = o->nobody ? EXIT_DONE : find_domain(name, o->timeout_ms, &domid);
	json_t *done = NULL;

	if (status != EXIT_DONE)
		return status;
	if (ksense_lock(k, domid)) {
		bool busy = ksense_error(k) == KSENSE_BUSY;

		status = report(k);
		if (busy)
			tell_lock(k);
		return status;
	}
	if (!o->table && !o->nobody)
		print_json(done = json_pack("{sssi}", "command", "lock", "domid", (int)domid));
	else if (!o->table)
		print_json(done = json_pack("{sssn}", "command", "lock", "domid"));
	else if (!o->nobody)
		printf("locked: domain %u is the sensing domain until this host reboots\n", domid);
	else
		puts("locked: nobody changes anything until this host reboots");
	json_decref(done);
	return flush_output(0) ? EXIT_SAID_ERROR : EXIT_DONE;
}
