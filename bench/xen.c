// SPDX-License-Identifier: MIT
/*
 * xen.c - what the sensor in Xen costs, measured in Dom0 on the emulator's repeatable clock: rdtsc counts instructions there.
 *
 * Each figure is the smallest of many calls, which is the same in every boot; sums would drift.  Prints lines "name<TAB>value<TAB>unit".
 * Calls go through libxencall, as those of every client do, so that the way through Dom0's kernel is part of each, the null
 * hypercall's as well.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xen/sysctl.h>

#include "../include/sense.h"

#define SENSE_OP 47
#define ROUNDS 200

static xencall_handle *xen;
static xc_interface *xc;

static struct {
	struct xen_sense_exchange exchange;
	char request[4096];
	char reply[65536];
	struct xen_sysctl sysctl;
	xen_domctl_getdomaininfo_t info[64];
} *area;

#define REQUEST(version, command, target, options) \
	"{\"Virtue-protocol-version\":" version ",\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"" command "\",\"" target "\"" options "]}"

static const char discovery[] = REQUEST("0.1", "discovery", "*", "");
static const char status_all[] = REQUEST("0.2", "status", "*", "");
static const char status_one[] = REQUEST("0.2", "status", "xen-domains", "");
static const char domains[] = REQUEST("0.1", "records", "xen-domains", ",{\"run\":true}");
static const char one_record[] = REQUEST("0.1", "records", "xen-domains", ",{\"max\":1,\"peek\":true}");
static const char high[] = REQUEST("0.1", "adversarial", "*", "");
static const char low[] = REQUEST("0.1", "low", "*", "");
static const char take_all[] = REQUEST("0.1", "records", "*", "");
static const char sweep[] = REQUEST("0.1", "records", "xen-text", ",{\"run\":true}");
static const char census[] = REQUEST("0.1", "records", "dom0-roots", ",{\"run\":true}");

/* A whole exchange; how many hypercalls it took. */
static unsigned int ask(const char *request)
{
	struct xen_sense_exchange *exchange = &area->exchange;
	unsigned int calls = 0;
	char *to = area->reply;

	memset(exchange, 0, sizeof(*exchange));
	exchange->version = XEN_SENSE_VERSION;
	exchange->request_bytes = (uint32_t)strlen(request);
	memcpy(area->request, request, exchange->request_bytes);
	exchange->request = (uintptr_t)area->request;
	do {
		exchange->reply = (uintptr_t)to;
		exchange->reply_bytes = (uint32_t)(sizeof(area->reply) - 1 - (size_t)(to - area->reply));
		if (xencall2(xen, SENSE_OP, XEN_SENSE_OP_exchange, (uintptr_t)exchange) < 0) {
			perror("bench: sense_op");
			exit(1);
		}
		calls++;
		to += exchange->reply_bytes;
	} while (exchange->flags & XEN_SENSE_MORE);
	*to = '\0';
	return calls;
}

static void say(const char *name, uint64_t value, const char *unit)
{
	printf("%s\t%llu\t%s\n", name, (unsigned long long)value, unit);
}

static void do_null(void)
{
	xencall2(xen, SENSE_OP, XEN_SENSE_OP_version, 0);
}

static void do_xen_version(void)
{
	xencall2(xen, 17, 0, 0); /* __HYPERVISOR_xen_version, XENVER_version: no argument, a number back */
}

static void do_discovery(void)
{
	ask(discovery);
}

static void do_status_all(void)
{
	ask(status_all);
}

static void do_status_one(void)
{
	ask(status_one);
}

static void do_domains(void)
{
	ask(domains);
}

static void do_one_record(void)
{
	ask(one_record);
}

/* As the toolstack asks, and the bare hypercall with its buffers ready, as the sensor's are. */
static void do_getdomaininfolist_xc(void)
{
	static xc_domaininfo_t info[64];

	xc_domain_getinfolist(xc, 0, 64, info);
}

static void do_getdomaininfolist(void)
{
	struct xen_sysctl *sysctl = &area->sysctl;

	memset(sysctl, 0, sizeof(*sysctl));
	sysctl->cmd = XEN_SYSCTL_getdomaininfolist;
	sysctl->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sysctl->u.getdomaininfolist.max_domains = 64;
	set_xen_guest_handle_raw(sysctl->u.getdomaininfolist.buffer, area->info);
	if (xencall1(xen, __HYPERVISOR_sysctl, (uintptr_t)sysctl) < 0) {
		perror("bench: getdomaininfolist");
		exit(1);
	}
}

static uint64_t smallest(void (*run)(void))
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = __rdtsc(), took;

		run();
		took = __rdtsc() - start;
		if (took < best)
			best = took;
	}
	return best;
}

/* A number of the last reply: the first member of this name behind that other one. */
static uint64_t number_behind(const char *other, const char *member)
{
	char name[64], *at = strstr(area->reply, other);

	snprintf(name, sizeof(name), "\"%s\":", member);
	at = at ? strstr(at, name) : NULL;
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* Of a status reply, of the probe named. */
static uint64_t status_of(const char *probe, const char *member)
{
	char name[64];

	snprintf(name, sizeof(name), "\"name\":\"%s\"", probe);
	return number_behind(name, member);
}

/* A census of Dom0's page-table roots, for a GiB of Dom0's memory.  Dom0 has half of the machine's; the census before has found where. */
static uint64_t census_per_gib(void)
{
	uint64_t pages, took;

	ask(census);
	ask(census);
	pages = number_behind("\"kind\":\"dom0\"", "pages");
	ask(status_all);
	took = status_of("dom0-roots", "last_run_ns");
	return pages ? took * (1 << 18) / pages : 0;
}

/* Average length of the records in the reply, without their envelopes. */
static void record_sizes(uint64_t *records, uint64_t *bytes)
{
	static const char start[] = ",{\"seq\":";

	for (char *at = area->reply; (at = strstr(at, start)); at++) {
		char *end = strchr(at, '\n');

		++*records;
		*bytes += (uint64_t)(end - at) - 1 - 3; /* the comma before, the "]}" and "}" of the envelope behind */
		*bytes += 1;
	}
}

int main(void)
{
	uint64_t records = 0, bytes = 0;
	unsigned int calls;

	xen = xencall_open(NULL, 0);
	xc = xc_interface_open(NULL, NULL, 0);
	area = xen ? xencall_alloc_buffer(xen, sizeof(*area)) : NULL;
	if (!area || !xc) {
		perror("bench: /dev/xen/privcmd");
		return 1;
	}
	memset(area, 0, sizeof(*area));

	/* Until the baseline of Xen's text stands. */
	do {
		usleep(100000);
		ask(status_all);
	} while (!status_of("xen-text", "runs"));
	ask(status_all);
	say("memory at start", status_of("xen", "memory_bytes"), "bytes");
	ask(take_all);
	record_sizes(&records, &bytes);
	ask(low);

	say("null hypercall (sense_op version)", smallest(do_null), "instructions");
	say("xen_version", smallest(do_xen_version), "instructions");
	say("discovery", smallest(do_discovery), "instructions");
	say("status of one probe", smallest(do_status_one), "instructions");
	say("status of all", smallest(do_status_all), "instructions");
	ask(domains);
	say("one record", smallest(do_one_record), "instructions");
	ask(take_all);
	say("getdomaininfolist", smallest(do_getdomaininfolist), "instructions");
	say("getdomaininfolist through libxenctrl", smallest(do_getdomaininfolist_xc), "instructions");
	calls = ask(domains);
	record_sizes(&records, &bytes);
	say("full domain list", smallest(do_domains), "instructions");
	say("full domain list: hypercalls", calls, "calls");

	ask(sweep);
	ask(status_all);
	say("whole sweep of xen-text", status_of("xen-text", "last_run_ns"), "instructions");
	say("census of dom0-roots, for a GiB of Dom0", census_per_gib(), "instructions");
	ask(high);
	sleep(3);
	ask(status_all);
	say("longest step of xen-domains", status_of("xen-domains", "longest_step_ns"), "instructions");
	say("longest step of xen-text", status_of("xen-text", "longest_step_ns"), "instructions");
	say("longest step of dom0-roots", status_of("dom0-roots", "longest_step_ns"), "instructions");
	say("average record", records ? bytes / records : 0, "bytes");
	return 0;
}
