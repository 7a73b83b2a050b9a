// SPDX-License-Identifier: MIT
/*
 * abi.c - the hypercall itself, called as no good client would.
 *
 * A program for Dom0 (and for guests).  Each line of its output is "NAME: RESULT", RESULT being
 * "ok", an error's name, or what is said with it; tests/xen/abi.t knows what must stand there.
 * Usage: abi [NAME...]; without names, all but "denied" and "hammer" are done.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xencall.h>

#include "../include/sense.h"

#define SENSE_OP 47
#define PAGE 4096UL

static xencall_handle *xen;

static const char discovery[] =
	"{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"discovery\",\"*\"]}";
static const char peek_all[] =
	"{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"records\",\"*\",{\"peek\":true}]}";
/*
 * Of one probe, as what comes meanwhile is behind what was there; of all, it is somewhere in the
 * middle.
 */
static const char peek_domains[] = "{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\","
				   "\"records\",\"xen-domains\",{\"peek\":true}]}";
static const char take_domains[] = "{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\","
				   "\"records\",\"xen-domains\"]}";
static const char run_domains[] = "{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\","
				  "\"records\",\"xen-domains\",{\"run\":true,\"peek\":true}]}";

/* All that Xen reads or writes lies in here: locked memory that the hypercall can reach. */
static struct {
	struct xen_sense_exchange exchange __attribute__((aligned(4096)));
	char request[2 * 4096] __attribute__((aligned(4096)));
	char reply[1 << 20] __attribute__((aligned(4096)));
} *area;

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int call(unsigned int op, uint64_t arg)
{
	errno = 0;
	return xencall2(xen, SENSE_OP, op, arg) < 0 ? -errno : 0;
}

static void prepare(const char *request, uint32_t reply_bytes)
{
	struct xen_sense_exchange *exchange = &area->exchange;

	memset(exchange, 0, sizeof(*exchange));
	exchange->version = XEN_SENSE_VERSION;
	exchange->request_bytes = (uint32_t)strlen(request);
	memcpy(area->request, request, exchange->request_bytes);
	exchange->request = address(area->request);
	exchange->reply = address(area->reply);
	exchange->reply_bytes = reply_bytes;
}

static int exchange_now(void)
{
	return call(XEN_SENSE_OP_exchange, address(&area->exchange));
}

static const char *name_of(int result)
{
	static char number[32];

	switch (-result) {
	case 0: return "ok";
	case EPERM: return "EPERM";
	case EINVAL: return "EINVAL";
	case EFAULT: return "EFAULT";
	case EMSGSIZE: return "EMSGSIZE";
	case ENOBUFS: return "ENOBUFS";
	case ENODEV: return "ENODEV";
	case ENOSYS: return "ENOSYS";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	}
	snprintf(number, sizeof(number), "errno %d", -result);
	return number;
}

static void say(const char *name, int result)
{
	printf("%s: %s\n", name, name_of(result));
}

/*
 * A whole exchange with a buffer of @size; how many bytes and lines came, into area->reply one
 * behind the other.
 */
static int whole(const char *request, uint32_t size, size_t *total, unsigned int *calls)
{
	static char part[1 << 20] __attribute__((aligned(4096)));
	int result;

	*total = 0;
	*calls = 0;
	prepare(request, size);
	mlock(part, sizeof(part));
	area->exchange.reply = address(part);
	do {
		area->exchange.reply_bytes = size;
		result = exchange_now();
		++*calls;
		if (result)
			return result;
		if (area->exchange.reply_bytes > size || *total + area->exchange.reply_bytes > sizeof(area->reply))
			return -E2BIG;
		memcpy(area->reply + *total, part, area->exchange.reply_bytes);
		*total += area->exchange.reply_bytes;
	} while (area->exchange.flags & XEN_SENSE_MORE);
	return 0;
}

/* === What is done ======================================================= */

static void do_version(void)
{
	int result = xencall2(xen, SENSE_OP, XEN_SENSE_OP_version, 0);

	printf("version: %d\n", result);
	say("version-arg", call(XEN_SENSE_OP_version, address(area)));
	say("unknown-op", call(1000, 0));
}

static void do_fields(void)
{
	prepare(discovery, 65536);
	area->exchange.version = 99;
	say("other-version", exchange_now());
	prepare(discovery, 65536);
	area->exchange.flags = 0x80;
	say("unknown-flag", exchange_now());
	prepare(discovery, 65536);
	area->exchange.cookie[3] = 1;
	say("cookie-at-start", exchange_now());
	prepare(peek_all, 65536);
	area->exchange.flags = XEN_SENSE_MORE;
	memset(area->exchange.cookie, 0xff, sizeof(area->exchange.cookie));
	say("forged-cookie", exchange_now());
	prepare(discovery, 65536);
	area->exchange.request_bytes = 0;
	say("empty-request", exchange_now());
	prepare(discovery, 65536);
	area->exchange.request_bytes = XEN_SENSE_REQUEST_MAX + 1;
	say("long-request", exchange_now());
}

/*
 * Cookies that Xen did not make: each is refused, and nothing is done for it.  Random ones, and
 * such as would be a cursor if they were believed: one beyond the last record has all of them
 * looked through in one call, one that says that much was sent takes losses out of the count.
 */
static void do_cookies(void)
{
	unsigned int refused = 0;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		prepare(i & 1 ? run_domains : peek_all, 65536);
		area->exchange.flags = XEN_SENSE_MORE;
		for (size_t at = 0; at < sizeof(area->exchange.cookie); at++)
			((uint8_t *)area->exchange.cookie)[at] = (uint8_t)(rand() % 4 ? 0 : rand());
		/* The first bytes are the stage and the probe: more often ones that there are. */
		area->exchange.cookie[0] = (uint64_t)(rand() % 6) | (uint64_t)(rand() % 3) << 8;
		refused += exchange_now() == -EINVAL;
	}
	printf("random-cookies: %u\n", refused);
	for (unsigned int stage = 0; stage < 5; stage++) {
		prepare(take_domains, 65536);
		area->exchange.flags = XEN_SENSE_MORE;
		area->exchange.cookie[0] = stage;
		area->exchange.cookie[2] = area->exchange.cookie[3] = UINT64_MAX;
		area->exchange.cookie[6] = UINT32_MAX;
		printf("cursor-%u: ", stage);
		puts(name_of(exchange_now()));
	}
}

/* A cookie that Xen did make: for this request and as it is, as often as one likes. */
static void do_own_cookie(void)
{
	struct xen_sense_exchange kept;
	unsigned int taken = 0;
	size_t total;
	unsigned int calls;

	whole(run_domains, 1 << 19, &total, &calls);
	prepare(peek_domains, 600);
	say("own-cookie-first", exchange_now());
	kept = area->exchange;
	for (size_t at = 0; at < 8 * sizeof(kept.cookie); at++) {
		area->exchange = kept;
		area->exchange.reply_bytes = 600;
		area->exchange.cookie[at / 64] ^= 1ULL << at % 64;
		taken += exchange_now() != -EINVAL;
	}
	printf("own-cookie-changed: %u taken\n", taken);
	/*
	 * The same length, the same records, but not the same filter's end: one blank that was
	 * none.
	 */
	area->exchange = kept;
	area->exchange.reply_bytes = 600;
	area->request[kept.request_bytes - 1] = ' ';
	say("own-cookie-other-request", exchange_now());
	area->request[kept.request_bytes - 1] = '}';
	for (int i = 0; i < 2; i++) {
		area->exchange = kept;
		area->exchange.reply_bytes = 600;
		say(i ? "own-cookie-again" : "own-cookie", exchange_now());
	}
}

static void do_buffers(void)
{
	char *hole;
	unsigned int calls;
	size_t total, small_total;
	char *all;

	prepare(discovery, 0);
	say("no-buffer", exchange_now());
	prepare(discovery, 1);
	say("one-byte", exchange_now());
	printf("one-byte-enough: %s\n", area->exchange.reply_bytes > 1 ? "ok" : "no size told");

	/* The reply ends at a page's end, and begins in one page and ends in the next. */
	prepare(discovery, 65536);
	area->exchange.reply = address(area->reply + PAGE - 100);
	say("page-crossing-reply", exchange_now());
	prepare(discovery, 65536);
	memmove(area->request + PAGE - 20, area->request, area->exchange.request_bytes);
	area->exchange.request = address(area->request + PAGE - 20);
	say("page-crossing-request", exchange_now());

	/* Two pages, the second of them taken away. */
	hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	munmap(hole + PAGE, PAGE);
	prepare(discovery, 65536);
	area->exchange.reply = address(hole + PAGE - 50);
	say("reply-into-hole", exchange_now());
	prepare(discovery, 65536);
	area->exchange.request = address(hole + PAGE - 20);
	say("request-from-hole", exchange_now());
	say("struct-in-hole", call(XEN_SENSE_OP_exchange, address(hole + PAGE)));
	say("struct-across-hole", call(XEN_SENSE_OP_exchange, address(hole + PAGE - 40)));
	say("struct-null", call(XEN_SENSE_OP_exchange, 0));
	/* Into Xen's own memory, and into none. */
	prepare(discovery, 65536);
	area->exchange.reply = 0xffff82d040200000ULL;
	say("reply-into-xen", exchange_now());
	prepare(discovery, 65536);
	area->exchange.request = 0xffff82d040200000ULL;
	say("request-from-xen", exchange_now());
	prepare(discovery, 65536);
	area->exchange.reply = 0xfffffffffffffff0ULL;
	say("reply-at-the-end", exchange_now());
	prepare(discovery, 65536);
	area->exchange.reply = 0x0000900000000000ULL;
	say("reply-not-canonical", exchange_now());
	/* The caller's own buffers, but for bits that no page table looks at. */
	prepare(discovery, 65536);
	area->exchange.reply |= 1ULL << 48;
	say("reply-upper-bits", exchange_now());
	prepare(discovery, 65536);
	area->exchange.request |= 1ULL << 62;
	say("request-upper-bits", exchange_now());
	/* A size that is not true: what comes is no more than there is to say. */
	prepare(discovery, 0xffffffff);
	say("enormous-size", exchange_now());

	/* Small buffers give the same bytes as a big one. */
	say("whole-big", whole(peek_domains, 1 << 19, &total, &calls));
	all = malloc(total);
	memcpy(all, area->reply, total);
	say("whole-small", whole(peek_domains, 1000, &small_total, &calls));
	/* A call may end before its buffer is full, so how many the big one took says nothing. */
	printf("whole-calls: %s\n", calls > 1 ? "ok" : "all in one call");
	/*
	 * What came meanwhile is behind what both have; the closing line is not part of the
	 * comparison.
	 */
	printf("whole-same: %s\n",
	       total > 1000 && small_total >= total - 100 && !memcmp(all, area->reply, total - 100) ?
	       "ok" : "they differ");
	free(all);
}

/* What is refused for the caller's memory is not done. */
static const char *member_of(const char *probe, const char *member)
{
	static char value[32];
	char request[256];
	size_t total;
	unsigned int calls;
	const char *at;

	snprintf(request, sizeof(request),
		 "{\"Virtue-protocol-version\":0.2,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"status\",\"%s\"]}", probe);
	if (whole(request, 65536, &total, &calls))
		return "no status";
	area->reply[total] = '\0';
	snprintf(request, sizeof(request), "\"name\":\"%s\"", probe);
	at = strstr(area->reply, request);
	at = at ? strstr(at, member) : NULL;
	return at && sscanf(at + strlen(member), "%31[^,}]", value) == 1 ? value : "no such member";
}

static void do_undone(void)
{
	static const char off[] =
		"{\"Virtue-protocol-version\":0.2,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"off\",\"xen-text\"]}";
	static const char reset[] =
		"{\"Virtue-protocol-version\":0.2,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"reset\",\"xen-domains\"]}";
	struct xen_sense_exchange *still;
	char *hole = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	munmap(hole + PAGE, PAGE);
	prepare(off, PAGE);
	area->exchange.reply = address(hole + PAGE - 20);
	say("off-into-hole", exchange_now());
	printf("off-into-hole-state: %s\n", member_of("xen-text", "\"state\":"));
	prepare(off, PAGE);
	still = memcpy(hole, &area->exchange, sizeof(*still));
	mprotect(hole, PAGE, PROT_READ);
	say("off-struct-read-only", call(XEN_SENSE_OP_exchange, address(still)));
	printf("off-struct-read-only-state: %s\n", member_of("xen-text", "\"state\":"));
	prepare(reset, PAGE);
	area->exchange.reply = 0xffff82d040200000ULL;
	say("reset-into-xen", exchange_now());
	printf("reset-into-xen-resets: %s\n", member_of("xen-domains", "\"resets\":"));
	/* And what can be answered is done. */
	prepare(reset, PAGE);
	say("reset", exchange_now());
	printf("reset-resets: %s\n", member_of("xen-domains", "\"resets\":"));
}

/* Another thread changes request, sizes and cookie while calls are under way. */
static volatile int flipping = 1;

static void *flip(void *arg)
{
	struct xen_sense_exchange *exchange = &area->exchange;
	unsigned int seed = 1;

	(void)arg;
	while (flipping) {
		area->request[(unsigned int)rand_r(&seed) % 128] ^= (char)(1 << (rand_r(&seed) % 8));
		exchange->request_bytes = (uint32_t)rand_r(&seed) % 5000;
		exchange->reply_bytes = (uint32_t)rand_r(&seed);
		/*
		 * Where it hurts nobody but Xen, if anybody: within the area, in no man's land, in
		 * Xen.
		 */
		exchange->reply = rand_r(&seed) % 2 ? address(area->reply) + (uint64_t)rand_r(&seed) % (1 << 19) :
						      (uint64_t)rand_r(&seed) << 33 | 1ULL << 63;
		exchange->cookie[rand_r(&seed) % 8] ^= (uint64_t)rand_r(&seed);
		exchange->flags = (uint32_t)rand_r(&seed) % 4;
	}
	return NULL;
}

static void do_changing(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, flip, NULL);
	for (int i = 0; i < 20000; i++) {
		if (i % 100 == 0)
			prepare(i & 1 ? discovery : peek_all, 65536);
		exchange_now();
	}
	flipping = 0;
	pthread_join(thread, NULL);
	prepare(discovery, 65536);
	say("after-changing", exchange_now());
}

/* === Callers beside each other ========================================== */

/* Each has a structure and buffers of its own. */
struct crowd_area {
	struct xen_sense_exchange exchange __attribute__((aligned(4096)));
	char request[4096] __attribute__((aligned(4096)));
	char reply[65536] __attribute__((aligned(4096)));
};

#define CROWD 4
static unsigned int crowd_rounds;

/* One whole exchange, in small chunks; the bytes that came, or an error. */
static long crowd_exchange(struct crowd_area *own, const char *request)
{
	struct xen_sense_exchange *exchange = &own->exchange;
	long total = 0;

	memset(exchange, 0, sizeof(*exchange));
	exchange->version = XEN_SENSE_VERSION;
	exchange->request_bytes = (uint32_t)strlen(request);
	memcpy(own->request, request, exchange->request_bytes);
	exchange->request = address(own->request);
	do {
		int result;

		exchange->reply = address(own->reply + total % 4096);
		exchange->reply_bytes = 2000;
		errno = 0;
		result = xencall2(xen, SENSE_OP, XEN_SENSE_OP_exchange, address(exchange));
		if (result)
			return result < 0 ? -errno : -result;
		total += exchange->reply_bytes;
	} while (exchange->flags & XEN_SENSE_MORE);
	return total;
}

/* NULL, or what came of it. */
static void *crowd_one(void *arg)
{
	struct crowd_area *own =
		mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	long first = 0;

	(void)arg;
	if (own == MAP_FAILED || mlock(own, sizeof(*own)))
		return "no memory";
	for (unsigned int i = 0; i < crowd_rounds; i++) {
		long bytes = crowd_exchange(own, i & 1 ? discovery : peek_domains);

		if (bytes < 100)
			return bytes < 0 ? (void *)(uintptr_t)name_of((int)bytes) : "cut short";
		if (!(i & 1))
			continue;
		if (first && first != bytes)
			return "another discovery";
		first = bytes;
	}
	return NULL;
}

/*
 * More callers than Xen has buffers (where it is built so): each is answered as if he were alone.
 */
static void do_crowd(void)
{
	pthread_t threads[CROWD];
	const char *said = NULL;

	crowd_rounds = 100;
	for (int i = 0; i < CROWD; i++)
		pthread_create(&threads[i], NULL, crowd_one, NULL);
	for (int i = 0; i < CROWD; i++) {
		void *result;

		pthread_join(threads[i], &result);
		said = result ? result : said;
	}
	printf("crowd: %s\n", said ? said : "ok");
}

/* For ever: so that others, in other guests, meet somebody. */
static void do_hammer(void)
{
	crowd_rounds = UINT32_MAX;
	printf("hammer: %s\n", (const char *)crowd_one(NULL));
}

/*
 * Until there is something in the buffer: where time is short, a call brings nothing but the word
 * that there is more.
 */
static int first_lines(const char *text, uint32_t room)
{
	int result;

	prepare(text, room);
	do {
		area->exchange.reply_bytes = room;
		result = exchange_now();
	} while (!result && !area->exchange.reply_bytes && area->exchange.flags & XEN_SENSE_MORE);
	return result;
}

/* A reply that is broken off: nothing of it is lost. */
static void do_broken(void)
{
	size_t total;
	unsigned int calls, lines = 0, again = 0;

	/* Records to take: a fresh sample first. */
	whole(run_domains, 1 << 19, &total, &calls);
	say("broken-first", first_lines(take_domains, 600));
	printf("broken-more: %s\n", area->exchange.flags & XEN_SENSE_MORE ? "ok" : "all in one call");
	for (uint32_t i = 0; i < area->exchange.reply_bytes; i++)
		lines += area->reply[i] == '\n';
	/* What came back is 64 bits of a tag as well, of which no half may be cut off. */
	{
		struct xen_sense_exchange kept = area->exchange;

		area->exchange.reply_bytes = 600;
		area->exchange.reply = address(area->reply + 4096);
		area->exchange.cookie[7] ^= 1ULL << 63;
		say("broken-cookie", exchange_now());
		area->exchange = kept;
	}
	/* The caller dies here.  The next one begins anew, and gets the same first lines. */
	{
		static char first[600];
		uint32_t bytes = area->exchange.reply_bytes;

		memcpy(first, area->reply, bytes);
		first_lines(take_domains, 600);
		/* Perhaps not as many. */
		if (area->exchange.reply_bytes < bytes)
			bytes = area->exchange.reply_bytes;
		again = bytes && !memcmp(first, area->reply, bytes);
	}
	printf("broken-again: %s\n", lines && again ? "ok" : "lines are missing");
}

static void do_denied(void)
{
	printf("denied-unknown-hypercall: %s\n", xencall2(xen, 46, 0, 0) < 0 ? strerrorname_np(errno) : "ok");
	printf("denied-version: %s\n", xencall2(xen, SENSE_OP, 0, 0) < 0 ? strerrorname_np(errno) : "ok");
	prepare(discovery, 65536);
	say("denied-exchange", exchange_now());
	say("denied-null", call(XEN_SENSE_OP_exchange, 0));
	say("denied-unknown-op", call(1000, 0));
}

static const struct {
	const char *name;
	void (*run)(void);
	int by_default;
} parts[] = {
	{ "version", do_version, 1 }, { "fields", do_fields, 1 },   { "buffers", do_buffers, 1 },
	{ "broken", do_broken, 1 },   { "cookies", do_cookies, 1 },
	{ "own-cookie", do_own_cookie, 1 }, { "undone", do_undone, 1 },
	{ "changing", do_changing, 1 },
	{ "crowd", do_crowd, 1 },     { "denied", do_denied, 0 },   { "hammer", do_hammer, 0 },
};

int main(int argc, char **argv)
{
	xen = xencall_open(NULL, 0);
	if (!xen) {
		perror("abi: /dev/xen/privcmd");
		return 3;
	}
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED || mlock(area, sizeof(*area))) {
		perror("abi: memory");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int wanted = argc == 1 && parts[i].by_default;

		for (int arg = 1; arg < argc; arg++)
			wanted |= !strcmp(argv[arg], parts[i].name);
		if (wanted)
			parts[i].run();
	}
	return 0;
}
