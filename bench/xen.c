// SPDX-License-Identifier: MIT
/*
 * xen.c - what the sensor in Xen costs, measured in Dom0 on the emulator's repeatable clock: rdtsc
 * counts instructions there.
 *
 * Each figure is the smallest of many calls, which is the same in every boot; sums would drift.
 * Prints lines "name<TAB>value<TAB>unit". Calls go through libxencall, as those of every client
 * do, so that the way through Dom0's kernel is part of each, the null hypercall's as well.
 *
 * Of each probe that "discovery" names: what a sample of it costs in all its steps, and its
 * longest step.
 *
 *	xen                  all of that
 *	xen worst [--after COMMAND] FILE...   the dearest call of each of these requests, which
 *	                     bench/search.c has found and kept; each asked right after that
 *	                     command to all probes
 *	xen crowd SECONDS    two readers at once, each probe at adversarial: the longest call
 *	                     and the longest steps, in ns
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xen/sysctl.h>

#include "../include/sense.h"

#define SENSE_OP 47
#define ROUNDS 200
#define SAMPLES 5
#define PROBES_MAX 32

static xencall_handle *xen;
static xc_interface *xc;
static uint64_t dom0_pages;     /* Dom0's memory, as the last sample of dom0-roots has it */

static struct {
	struct xen_sense_exchange exchange;
	char request[4096];
	char reply[4 * 65536]; /* of records: of several probes' rings */
	struct xen_sysctl sysctl;
	xen_domctl_getdomaininfo_t info[64];
} *area;

#define REQUEST(version, command, target, options) \
	"{\"Virtue-protocol-version\":" version ",\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"" command "\",\"" target \
	"\"" options "]}"

static const char discovery[] = REQUEST("0.1", "discovery", "*", "");
static const char status_all[] = REQUEST("0.2", "status", "*", "");
static const char status_one[] = REQUEST("0.2", "status", "xen-domains", "");
static const char domains[] = REQUEST("0.1", "records", "xen-domains", ",{\"run\":true}");
static const char one_record[] = REQUEST("0.1", "records", "xen-domains", ",{\"max\":1,\"peek\":true}");
static const char adversarial[] = REQUEST("0.1", "adversarial", "*", "");
static const char usual[] = REQUEST("0.1", "default", "*", "");
static const char low[] = REQUEST("0.1", "low", "*", "");
static const char reset[] = REQUEST("0.1", "reset", "*", "");
static const char take_all[] = REQUEST("0.1", "records", "*", "");
/* Of the probe named. */
static const char sample[] = REQUEST("0.1", "records", "%s", ",{\"run\":true}");

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
		if (to + XEN_SENSE_LINE_MAX > area->reply + sizeof(area->reply)) {
			fputs("bench: a reply does not fit\n", stderr);
			exit(1);
		}
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
	/* __HYPERVISOR_xen_version, XENVER_version: no argument, a number back */
	xencall2(xen, 17, 0, 0);
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

	snprintf(name, sizeof(name), "\"name\":\"%.40s\"", probe);
	return number_behind(name, member);
}

/* === The probes ========================================================= */

static struct probe {
	char name[32];
	/* the smallest sample of its own accord, and of those that were asked for */
	uint64_t own, asked;
	uint64_t longest_step;
	uint64_t runs;          /* at the last look */
} probes[PROBES_MAX];
static unsigned int probes_count;

/* From a discovery: [["xen","UUID"],["xen-domains","UUID"],...], the sensor first. */
static void find_probes(void)
{
	char *at;

	ask(discovery);
	at = strstr(area->reply, "[[\"");
	while (at && (at = strstr(at, ",[\"")) && probes_count < PROBES_MAX) {
		at += strlen(",[\"");
		snprintf(probes[probes_count++].name, sizeof(probes->name), "%.*s", (int)strcspn(at, "\""), at);
	}
}

static void keep_smaller(uint64_t *best, uint64_t value)
{
	if (!*best || value < *best)
		*best = value;
}

/* Until each probe has made @runs samples since its last reset. */
static void await_runs(uint64_t runs)
{
	for (unsigned int i = 0; i < probes_count;) {
		ask(status_all);
		if (status_of(probes[i].name, "runs") >= runs)
			i++;
		else
			usleep(100000);
	}
}

/*
 * A fresh sample: what it took in all its steps.  Its records are taken, and are in @area->reply
 * only until the next request.
 */
static void ask_for_sample(struct probe *probe)
{
	char request[sizeof(sample) + sizeof(probe->name)];

	snprintf(request, sizeof(request), sample, probe->name);
	ask(request);
	if (!strcmp(probe->name, "dom0-roots"))
		dom0_pages = number_behind("\"kind\":\"dom0\"", "pages");
	ask(status_all);
	keep_smaller(&probe->asked, status_of(probe->name, "last_run_ns"));
}

/* Nobody asks: a probe's own samples, as they come, until there were enough of each. */
static void await_samples(void)
{
	unsigned int left[PROBES_MAX], waiting = probes_count;

	ask(status_all);
	for (unsigned int i = 0; i < probes_count; i++) {
		probes[i].runs = status_of(probes[i].name, "runs");
		left[i] = SAMPLES;
	}
	while (waiting) {
		usleep(100000);
		ask(status_all);
		for (unsigned int i = 0; i < probes_count; i++) {
			uint64_t runs = status_of(probes[i].name, "runs");

			if (runs == probes[i].runs)
				continue;
			probes[i].runs = runs;
			keep_smaller(&probes[i].own, status_of(probes[i].name, "last_run_ns"));
			if (left[i] && !--left[i])
				waiting--;
		}
	}
}

/* Of all steps since the last reset. */
static void note_longest_steps(void)
{
	ask(status_all);
	for (unsigned int i = 0; i < probes_count; i++) {
		uint64_t longest = status_of(probes[i].name, "longest_step_ns");

		if (longest > probes[i].longest_step)
			probes[i].longest_step = longest;
	}
}

static void say_of(const char *what, const struct probe *probe, const char *more, uint64_t value)
{
	printf("%s of %s%s\t%llu\tinstructions\n", what, probe->name, more, (unsigned long long)value);
}

static void bench_probes(void)
{
	for (unsigned int i = 0; i < probes_count; i++)
		for (unsigned int j = 0; j < SAMPLES; j++)
			ask_for_sample(&probes[i]);
	ask(usual);
	await_samples();
	ask(adversarial);
	sleep(3);
	note_longest_steps();
	/* The steps that follow a reset have more to do. */
	ask(reset);
	await_runs(2);
	note_longest_steps();

	for (unsigned int i = 0; i < probes_count; i++) {
		const struct probe *probe = &probes[i];

		say_of("longest step", probe, "", probe->longest_step);
		say_of("whole sample", probe, "", probe->own);
		say_of("whole sample", probe, ", asked for", probe->asked);
		/* A census: its cost goes with Dom0's memory, of which there is half a GiB. */
		if (!strcmp(probe->name, "dom0-roots") && dom0_pages)
			say("census of dom0-roots, for a GiB of Dom0", probe->asked * (1 << 18) / dom0_pages,
			    "instructions");
	}
}

/* === The worst requests ================================================= */

#define WORST_ROUNDS 7
/* Where a reply goes on for longer, it does so with what was there before. */
#define WORST_CALLS 40

/* Rings with much in them, from probes whose samples are small. */
static void fill_rings(void)
{
	static const char *const fill[] = { "xen-domains", "xen-idt", "dom0-entries" };
	char request[256];

	for (int i = 0; i < 4; i++) {
		for (size_t j = 0; j < sizeof(fill) / sizeof(*fill); j++) {
			snprintf(request, sizeof(request),
				 REQUEST("0.1", "records", "%s", ",{\"run\":true,\"peek\":true}"), fill[j]);
			ask(request);
		}
	}
}

/* A request that the search has kept, as it writes it: see others_do() in search.c. */
struct kept {
	unsigned int room;
	/* the cookie of this call is brought back when its reply is over; 0: none */
	unsigned int late;
	enum { AFTER_NOTHING, AFTER_TAKEN, AFTER_PUSHED_OUT, AFTER_RESET } after;
	uint32_t bytes;
	char line[XEN_SENSE_REQUEST_MAX];
};

/* A command to all probes that goes before each exchange; NULL: none does. */
static const char *before;

static void do_before(void)
{
	char request[256];

	if (!before)
		return;
	snprintf(request, sizeof(request), REQUEST("0.1", "%s", "*", ""), before);
	ask(request);
	/* What it has queued is over then, or in pauses that are longer than a call. */
	usleep(50000);
}

static void set_exchange(const struct kept *kept)
{
	struct xen_sense_exchange *exchange = &area->exchange;

	memset(exchange, 0, sizeof(*exchange));
	exchange->version = XEN_SENSE_VERSION;
	exchange->request_bytes = kept->bytes;
	memcpy(area->request, kept->line, kept->bytes);
	exchange->request = (uintptr_t)area->request;
	exchange->reply = (uintptr_t)area->reply;
}

static void others_do(const struct kept *kept)
{
	switch (kept->after) {
	case AFTER_TAKEN:
		ask(take_all);
		break;
	case AFTER_PUSHED_OUT:
		fill_rings();
		break;
	case AFTER_RESET:
		ask(reset);
		break;
	default:
		break;
	}
}

/*
 * One exchange: what each of its calls took, where it is less than in the exchanges before.  How
 * many calls there were.  @pause_us behind each: what a call has queued for later, a probe's step
 * as a rule, is to run there, and not on the way out of the next call.
 */
static int time_calls(const struct kept *kept, unsigned int pause_us, uint64_t least[WORST_CALLS])
{
	struct xen_sense_exchange *exchange = &area->exchange, late = { 0 };
	int calls = 0;
	bool goes_on;

	set_exchange(kept);
	do {
		uint64_t start, took;

		exchange->reply_bytes = kept->room;
		start = __rdtsc();
		xencall2(xen, SENSE_OP, XEN_SENSE_OP_exchange, (uintptr_t)exchange);
		took = __rdtsc() - start;
		if (took < least[calls])
			least[calls] = took;
		usleep(pause_us);
		calls++;
		goes_on = exchange->flags & XEN_SENSE_MORE;
		if (goes_on && calls == (int)kept->late)
			late = *exchange;
		if (!goes_on && late.flags) {
			others_do(kept);
			set_exchange(kept);
			exchange->flags = late.flags;
			memcpy(exchange->cookie, late.cookie, sizeof(late.cookie));
			late.flags = 0;
			goes_on = true;
		}
	} while (goes_on && calls < WORST_CALLS);
	return calls;
}

/* A call with a cookie that Xen did not make, and the longest line. */
static void do_forged(void)
{
	struct xen_sense_exchange *exchange = &area->exchange;

	memset(exchange, 0, sizeof(*exchange));
	exchange->version = XEN_SENSE_VERSION;
	exchange->flags = XEN_SENSE_MORE;
	exchange->cookie[0] = 2;
	exchange->request_bytes = sizeof(area->request);
	exchange->request = (uintptr_t)area->request;
	exchange->reply = (uintptr_t)area->reply;
	exchange->reply_bytes = XEN_SENSE_LINE_MAX;
	xencall2(xen, SENSE_OP, XEN_SENSE_OP_exchange, (uintptr_t)exchange);
}

static int bench_worst(char **files)
{
	for (; *files; files++) {
		uint64_t least[WORST_CALLS], dearest = 0;
		int calls = WORST_CALLS;
		static struct kept kept;
		unsigned int control, after;
		FILE *file = fopen(*files, "rb");

		if (!file ||
		    fscanf(file, "room %u control %u late %u after %u", &kept.room, &control, &kept.late,
			   &after) != 4 ||
		    after > AFTER_RESET || fgetc(file) != '\n') {
			fprintf(stderr, "bench: %s: not what search.c writes\n", *files);
			return 1;
		}
		kept.after = after;
		kept.bytes = (uint32_t)fread(kept.line, 1, sizeof(kept.line), file);
		fclose(file);
		/*
		 * On the one CPU there is, Xen or a probe now and then has something to do between
		 * two looks at the clock: so it is the least that each call took, the first in all
		 * exchanges, the second, and so on.
		 */
		memset(least, 0xff, sizeof(least));
		for (int round = 0; round < WORST_ROUNDS; round++) {
			int done;

			fill_rings();
			ask(low);
			/* until what that has queued is over: it would be a part of every round */
			usleep(200000);
			do_before();
			done = time_calls(&kept, 300 * (unsigned int)round, least);
			calls = done < calls ? done : calls;
		}
		for (int i = 0; i < calls; i++)
			dearest = least[i] > dearest ? least[i] : dearest;
		printf("worst call found: %s%s%s\t%llu\tinstructions\n", *files, before ? ", after " : "",
		       before ? before : "", (unsigned long long)dearest);
	}
	say("forged cookie, with the longest line", smallest(do_forged), "instructions");
	return 0;
}

/* === Many at once ======================================================= */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t crowd_end;

/* A reader: looks at all records again and again.  The longest of its calls. */
static void *read_on(void *arg)
{
	static const char peek_all[] = REQUEST("0.1", "records", "*", ",{\"peek\":true}");
	struct { struct xen_sense_exchange exchange; char request[4096]; char reply[65536]; } *own;
	uint64_t *longest = arg;

	own = xencall_alloc_buffer(xen, sizeof(*own));
	if (!own)
		return NULL;
	memset(own, 0, sizeof(*own));
	strcpy(own->request, peek_all);
	while (now_ns() < crowd_end) {
		struct xen_sense_exchange *exchange = &own->exchange;

		memset(exchange, 0, sizeof(*exchange));
		exchange->version = XEN_SENSE_VERSION;
		exchange->request_bytes = sizeof(peek_all) - 1;
		exchange->request = (uintptr_t)own->request;
		exchange->reply = (uintptr_t)own->reply;
		do {
			uint64_t start, took;

			exchange->reply_bytes = sizeof(own->reply);
			start = now_ns();
			if (xencall2(xen, SENSE_OP, XEN_SENSE_OP_exchange, (uintptr_t)exchange) < 0)
				return NULL;
			took = now_ns() - start;
			if (took > *longest)
				*longest = took;
		} while (exchange->flags & XEN_SENSE_MORE);
	}
	return arg;
}

static int bench_crowd(int seconds)
{
	pthread_t threads[2];
	uint64_t longest[2] = { 0 }, step = 0;
	void *result;
	bool whole = true;

	find_probes();
	await_runs(1);
	ask(adversarial);
	ask(reset);
	ask(adversarial);
	crowd_end = now_ns() + (uint64_t)seconds * 1000000000;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_on, &longest[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		whole &= result != NULL;
	}
	if (!whole) {
		fputs("bench: a reader failed\n", stderr);
		return 1;
	}
	note_longest_steps();
	for (unsigned int i = 0; i < probes_count; i++)
		step = probes[i].longest_step > step ? probes[i].longest_step : step;
	say("longest call, 4 CPUs, 2 readers", longest[0] > longest[1] ? longest[0] : longest[1], "ns");
	say("longest step, 4 CPUs, 2 readers", step, "ns");
	return 0;
}

/* === All ================================================================ */

/* Average length of the records in the reply, without their envelopes. */
static void record_sizes(uint64_t *records, uint64_t *bytes)
{
	static const char start[] = ",{\"seq\":";

	for (char *at = area->reply; (at = strstr(at, start)); at++) {
		char *end = strchr(at, '\n');

		++*records;
		/* the comma before, the "]}" and "}" of the envelope behind */
		*bytes += (uint64_t)(end - at) - 1 - 3;
		*bytes += 1;
	}
}

static uint64_t memory_without_rings(void)
{
	uint64_t bytes = status_of("xen", "memory_bytes");

	for (unsigned int i = 0; i < probes_count; i++)
		bytes -= status_of(probes[i].name, "bytes");
	return bytes;
}

int main(int argc, char **argv)
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
	if (argc > 3 && !strcmp(argv[1], "worst") && !strcmp(argv[2], "--after")) {
		before = argv[3];
		return bench_worst(argv + 4);
	}
	if (argc > 1 && !strcmp(argv[1], "worst"))
		return bench_worst(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "crowd"))
		return bench_crowd(atoi(argv[2]));

	find_probes();
	await_runs(1); /* the baseline of Xen's text takes its time */
	ask(status_all);
	say("memory at start", status_of("xen", "memory_bytes"), "bytes");
	say("memory at start, rings aside", memory_without_rings(), "bytes");
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

	say("average record", records ? bytes / records : 0, "bytes");
	bench_probes();
	return 0;
}
