// SPDX-License-Identifier: MIT
/*
 * guest32.c - a guest by itself, without an operating system: 32-bit code that calls the sensor as
 * a 32-bit kernel does.
 *
 * One file for two kinds of guests.  As "pvh" it starts in protected mode, asks CPUID and an MSR
 * for its hypercall page, and turns its own paging on; as "pv" it runs in ring 1 on page tables
 * that Xen watches over, its hypercall page filled before it starts.  The rest is the same code.
 *
 * Each line that it writes is "guest32 KIND NAME: RESULT", RESULT being "ok", an error's name, or
 * what is said with it, as with tests/abi.c; Xen puts it on its console behind the guest's number
 * (guest_loglvl=all).  tests/xen/callers.t knows what must stand there.
 *
 * As "pvh" with "flap" as its command line it does nothing but take its other vCPUs down and up,
 * for ever, for tests/xen/noise.t: an operating system would stand still once what it waits for is
 * on one that is down.
 */
#include <stddef.h>
#include <stdint.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/vcpu.h>

#include "../include/sense.h"

#define HYPERCALL_update_va_mapping 14
#define HYPERCALL_console_io 18
#define HYPERCALL_vcpu_op 24
#define HYPERCALL_sched_op 29
#define HYPERCALL_sense_op 47

#define SCHEDOP_yield 0
#define SCHEDOP_shutdown 2
#define CONSOLEIO_write 0

#define EPERM 1
#define EFAULT 14
#define EINVAL 22
#define ENODEV 19
#define ENOSYS 38
#define EMSGSIZE 90
#define EOPNOTSUPP 95
#define ENOBUFS 105

#define PAGE 4096U

/* A 32-bit kernel aligns its 64-bit members to 4 bytes; the layout is the same all the same. */
_Static_assert(sizeof(void *) == 4 && _Alignof(struct xen_sense_exchange) == 4, "this is 32-bit code");
_Static_assert(sizeof(struct xen_sense_exchange) == 96, "as for 64-bit callers");
_Static_assert(offsetof(struct xen_sense_exchange, request) == 8, "as for 64-bit callers");
_Static_assert(offsetof(struct xen_sense_exchange, reply) == 16, "as for 64-bit callers");
_Static_assert(offsetof(struct xen_sense_exchange, reply_bytes) == 28, "as for 64-bit callers");
_Static_assert(offsetof(struct xen_sense_exchange, cookie) == 32, "as for 64-bit callers");
_Static_assert(sizeof(struct xen_sense_lock) == 16, "as for 64-bit callers");

/* === Start ============================================================= */

#define NOTE(type, desc) ".long 4, 2f - 1f, " #type "\n.asciz \"Xen\"\n1: " desc "\n2: .balign 4\n"

__asm__(".pushsection .note.Xen, \"a\", @note\n"
	NOTE(1, ".long start_pv")                  /* ENTRY */
	NOTE(2, ".long hypercall_page_pv")         /* HYPERCALL_PAGE, of PV */
	NOTE(3, ".long 0")                         /* VIRT_BASE */
	NOTE(5, ".asciz \"xen-3.0\"")              /* XEN_VERSION */
	NOTE(8, ".asciz \"generic\"")              /* LOADER */
	NOTE(9, ".asciz \"yes\"")                  /* PAE_MODE */
	NOTE(18, ".long start_pvh")                /* PHYS32_ENTRY */
	".popsection\n"
	".pushsection .text\n"
	".globl start_pv, start_pvh\n"
	"start_pv:\n"
	"	movl $stack_end, %esp\n"
	"	cld\n"
	"	call main_pv\n"
	"	ud2\n"
	"start_pvh:\n"
	"	movl $stack_end, %esp\n"
	"	cld\n"
	"	pushl %ebx\n"
	"	call main_pvh\n"
	"	ud2\n"
	"flapping:\n"
	"	hlt\n"
	"	jmp flapping\n"
	".popsection\n"
	".pushsection .bss\n"
	".balign 4096\n"
	".skip 16384\n"
	"stack_end:\n"
	".globl hypercall_page_pv\n"
	"hypercall_page_pv: .skip 4096\n"
	".popsection\n");

extern char hypercall_page_pv[], flapping[];
static char hypercall_page_pvh[PAGE] __attribute__((aligned(4096)));
static char *hypercall_page;
static const char *kind;

/* The compiler calls these by itself. */
void *memcpy(void *to, const void *from, size_t bytes)
{
	void *result = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	return result;
}

void *memset(void *to, int value, size_t bytes)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
	return result;
}

static size_t length_of(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static int same(const char *a, const char *b, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (a[i] != b[i])
			return 0;
	}
	return 1;
}

/* === Hypercalls ======================================================== */

static int32_t hypercall(unsigned int number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t result = (uint32_t)(hypercall_page + number * 32);

	__asm__ volatile("call *%%eax" : "+a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d) : : "memory");
	return (int32_t)result;
}

static uint32_t address(const volatile void *p)
{
	return (uint32_t)p;
}

static const struct xen_sense_lock lock = { .version = XEN_SENSE_VERSION, .domid = XEN_SENSE_NO_DOMAIN };

static int32_t call(unsigned int op, uint32_t arg)
{
	return hypercall(HYPERCALL_sense_op, op, arg, 0, 0);
}

static _Noreturn void shutdown(void)
{
	uint32_t reason = 0;

	for (;;)
		hypercall(HYPERCALL_sched_op, SCHEDOP_shutdown, address(&reason), 0, 0);
}

/* === What is said ====================================================== */

static char line[128];
static size_t line_length;

static void put(const char *s, size_t bytes)
{
	for (size_t i = 0; i < bytes && line_length < sizeof(line) - 1; i++)
		line[line_length++] = s[i];
}

static void put_string(const char *s)
{
	put(s, length_of(s));
}

static void put_number(uint32_t n)
{
	char digits[10];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	put(digits + at, sizeof(digits) - at);
}

static void begin(const char *name)
{
	line_length = 0;
	put_string("guest32 ");
	put_string(kind);
	put_string(" ");
	put_string(name);
	put_string(": ");
}

/* In one call: what Xen gets without its end, it may cut. */
static void end(void)
{
	line[line_length++] = '\n';
	hypercall(HYPERCALL_console_io, CONSOLEIO_write, (uint32_t)line_length, address(line), 0);
}

static void tell(const char *name, const char *what)
{
	begin(name);
	put_string(what);
	end();
}

static void say(const char *name, int32_t result)
{
	begin(name);
	switch (-result) {
	case 0: put_string("ok"); break;
	case EPERM: put_string("EPERM"); break;
	case EINVAL: put_string("EINVAL"); break;
	case EFAULT: put_string("EFAULT"); break;
	case EMSGSIZE: put_string("EMSGSIZE"); break;
	case ENOBUFS: put_string("ENOBUFS"); break;
	case ENODEV: put_string("ENODEV"); break;
	case ENOSYS: put_string("ENOSYS"); break;
	case EOPNOTSUPP: put_string("EOPNOTSUPP"); break;
	default:
		if (result < 0)
			put_string("-");
		put_number((uint32_t)(result < 0 ? -result : result));
	}
	end();
}

/* Reply lines, in pieces that fit a line of Xen's console: a "NAME-end" behind each. */
static void tell_reply(const char *name, const char *reply, uint32_t bytes)
{
	uint32_t from = 0;

	while (from < bytes) {
		uint32_t n = 0;

		while (n < 80 && from + n < bytes && reply[from + n] != '\n')
			n++;
		begin(name);
		/* A piece may begin or end with blanks: it has edges of its own. */
		put_string("<");
		put(reply + from, n);
		put_string(">");
		end();
		from += n;
		if (from < bytes && reply[from] == '\n') {
			from++;
			begin(name);
			put_string("end");
			end();
		}
	}
}

/* === Exchanges ========================================================= */

#define NONCE "\"4f1c0e6a9d2b4c58a7e3\""
#define REQUEST(rest) "{\"Virtue-protocol-version\":0.1,\"request\":[" NONCE "," rest "]}"

static const char discovery[] = REQUEST("\"discovery\",\"*\"");
static const char peek_all[] = REQUEST("\"records\",\"*\",{\"peek\":true}");
/* Of one probe: see tests/abi.c. */
static const char peek_domains[] = REQUEST("\"records\",\"xen-domains\",{\"peek\":true}");
static const char take_domains[] = REQUEST("\"records\",\"xen-domains\"");
static const char run_domains[] =
	REQUEST("\"records\",\"xen-domains\",{\"run\":true,\"peek\":true,\"filter\":{\"kind\":\"domain\"}}");

#define BIG 65536U
#define SMALL 600U

static struct xen_sense_exchange exchange __attribute__((aligned(4096)));
static char request[3 * PAGE] __attribute__((aligned(4096)));
static char reply[BIG] __attribute__((aligned(4096)));
static char whole_reply[BIG] __attribute__((aligned(4096)));
static char kept[BIG];

/* Two pages, of which the second is taken away. */
static char edge[2 * PAGE] __attribute__((aligned(4096)));

static void prepare(const char *text, uint32_t reply_bytes)
{
	memset(&exchange, 0, sizeof(exchange));
	exchange.version = XEN_SENSE_VERSION;
	exchange.request_bytes = (uint32_t)length_of(text);
	memcpy(request, text, exchange.request_bytes);
	exchange.request = address(request);
	exchange.reply = address(reply);
	exchange.reply_bytes = reply_bytes;
}

static int32_t exchange_now(void)
{
	return call(XEN_SENSE_OP_exchange, address(&exchange));
}

/*
 * A whole exchange with a buffer of @size, into whole_reply one chunk behind the other; how many
 * chunks brought lines.
 */
static int32_t whole(const char *text, uint32_t size, uint32_t *total, uint32_t *chunks)
{
	int32_t result;

	*total = 0;
	*chunks = 0;
	prepare(text, size);
	do {
		exchange.reply_bytes = size;
		result = exchange_now();
		if (result)
			return result;
		if (exchange.reply_bytes > size || *total + exchange.reply_bytes > sizeof(whole_reply))
			return -7;
		memcpy(whole_reply + *total, reply, exchange.reply_bytes);
		*total += exchange.reply_bytes;
		if (exchange.reply_bytes)
			++*chunks;
		else
			hypercall(HYPERCALL_sched_op, SCHEDOP_yield, 0, 0, 0);
	} while (exchange.flags & XEN_SENSE_MORE);
	return 0;
}

/* === What is done, in both kinds ======================================= */

static void do_version(void)
{
	say("version", call(XEN_SENSE_OP_version, 0));
	say("version-arg", call(XEN_SENSE_OP_version, address(&exchange)));
	say("unknown-op", call(1000, 0));
	say("unknown-hypercall", hypercall(46, 0, 0, 0, 0));
	/* No policy makes a guest a control domain. */
	say("lock", call(XEN_SENSE_OP_lock, address(&lock)));
}

static void do_discovery(void)
{
	int32_t result;

	prepare(discovery, BIG);
	result = exchange_now();
	say("discovery", result);
	if (!result)
		tell_reply("discovery-line", reply, exchange.reply_bytes);
}

static void do_fields(void)
{
	prepare(discovery, BIG);
	exchange.version = 99;
	say("other-version", exchange_now());
	prepare(discovery, BIG);
	exchange.flags = 0x80;
	say("unknown-flag", exchange_now());
	prepare(discovery, BIG);
	exchange.cookie[3] = 1;
	say("cookie-at-start", exchange_now());
	/* The upper half alone: nobody may have cut it off. */
	prepare(discovery, BIG);
	exchange.cookie[7] = 1ULL << 63;
	say("cookie-upper-half", exchange_now());
	prepare(peek_all, BIG);
	exchange.flags = XEN_SENSE_MORE;
	memset(exchange.cookie, 0xff, sizeof(exchange.cookie));
	say("forged-cookie", exchange_now());
	prepare(discovery, BIG);
	exchange.request_bytes = 0;
	say("empty-request", exchange_now());
	prepare(discovery, BIG);
	exchange.request_bytes = XEN_SENSE_REQUEST_MAX + 1;
	say("long-request", exchange_now());
}

static void do_buffers(void)
{
	prepare(discovery, 0);
	say("no-buffer", exchange_now());
	prepare(discovery, 1);
	say("one-byte", exchange_now());
	{
		uint32_t enough = exchange.reply_bytes;

		prepare(discovery, enough);
		say("one-byte-enough", enough > 1 ? exchange_now() : -ENOBUFS);
	}

	/*
	 * Across two pages that are there, and the structure where 64-bit callers would not have
	 * it.
	 */
	prepare(discovery, BIG);
	exchange.reply = address(reply + PAGE - 100);
	say("page-crossing-reply", exchange_now());
	prepare(discovery, BIG);
	memcpy(request + 2 * PAGE - 20, discovery, sizeof(discovery));
	exchange.request = address(request + 2 * PAGE - 20);
	say("page-crossing-request", exchange_now());
	prepare(discovery, BIG);
	memcpy(reply + 4, &exchange, sizeof(exchange));
	((struct xen_sense_exchange *)(void *)(reply + 4))->reply = address(reply + PAGE);
	say("struct-at-4", call(XEN_SENSE_OP_exchange, address(reply + 4)));
	memcpy(reply + PAGE - 48, &exchange, sizeof(exchange));
	((struct xen_sense_exchange *)(void *)(reply + PAGE - 48))->reply = address(reply + 2 * PAGE);
	say("page-crossing-struct", call(XEN_SENSE_OP_exchange, address(reply + PAGE - 48)));

	/* Where there is nothing. */
	prepare(discovery, BIG);
	exchange.reply = address(edge + PAGE - 50);
	say("reply-into-hole", exchange_now());
	prepare(discovery, BIG);
	exchange.request = address(edge + PAGE - 20);
	say("request-from-hole", exchange_now());
	say("struct-in-hole", call(XEN_SENSE_OP_exchange, address(edge + PAGE)));
	prepare(discovery, BIG);
	memcpy(edge + PAGE - 40, &exchange, 40);
	say("struct-across-hole", call(XEN_SENSE_OP_exchange, address(edge + PAGE - 40)));

	/*
	 * Above 4 GiB, where these callers have no addresses: their own buffers, if the upper half
	 * is cut off; then what Xen has up there while it serves a paravirtual one, to translate
	 * arguments of other calls; and a range that begins below.
	 */
	prepare(discovery, BIG);
	exchange.reply |= 1ULL << 32;
	say("reply-above-4g", exchange_now());
	prepare(discovery, BIG);
	exchange.request |= 1ULL << 32;
	say("request-above-4g", exchange_now());
	prepare(discovery, BIG);
	exchange.reply = 0x20080000000ULL;
	say("reply-into-scratch", exchange_now());
	prepare(discovery, BIG);
	exchange.request = 0x20080000000ULL;
	say("request-from-scratch", exchange_now());
	prepare(discovery, BIG);
	exchange.reply = 0x20000000000ULL;
	say("reply-into-descriptors", exchange_now());
	prepare(discovery, BIG);
	exchange.reply = 0xffff82d040200000ULL;
	say("reply-into-xen", exchange_now());
	prepare(discovery, BIG);
	exchange.request = 0xffff82d040200000ULL;
	say("request-from-xen", exchange_now());
	prepare(discovery, BIG);
	exchange.reply = 0xfffffffffffffff0ULL;
	say("reply-at-the-end", exchange_now());
	prepare(discovery, BIG);
	exchange.reply_bytes = 0U - address(reply) + 1;
	say("reply-across-4g", exchange_now());
	/* A size that is not true, but could be. */
	prepare(discovery, 0U - address(reply));
	say("enormous-size", exchange_now());
}

static void do_whole(void)
{
	uint32_t total = 0, small_total = 0, chunks = 0, small_chunks = 0;

	/* A fresh sample, in small chunks: this guest itself is in it. */
	say("fresh", whole(run_domains, SMALL, &total, &chunks));
	tell("fresh-chunks", chunks > 1 ? "ok" : "all in one");
	tell_reply("fresh-line", whole_reply, total);

	/*
	 * Small buffers give the same bytes as a big one, but for the closing line, before which
	 * more may have come.
	 */
	say("whole-big", whole(peek_domains, BIG, &total, &chunks));
	memcpy(kept, whole_reply, total);
	say("whole-small", whole(peek_domains, SMALL, &small_total, &small_chunks));
	/* How many fit in a big one goes with the time that a call has. */
	tell("whole-chunks", chunks && small_chunks > 1 ? "ok" : "all in one");
	tell("whole-same", total > 1000 && small_total >= total - 100 && same(kept, whole_reply, total - 100)
				   ? "ok"
				   : "they differ");
}

/*
 * Until there is something in the buffer: where time is short, a call brings nothing but the word
 * that there is more.
 */
static int32_t first_lines(const char *text, uint32_t room)
{
	int32_t result;

	prepare(text, room);
	do {
		exchange.reply_bytes = room;
		result = exchange_now();
	} while (!result && !exchange.reply_bytes && exchange.flags & XEN_SENSE_MORE);
	return result;
}

/* A reply that is broken off: nothing of it is lost. */
static void do_broken(void)
{
	uint32_t bytes;

	say("broken-first", first_lines(take_domains, SMALL));
	tell("broken-more", exchange.flags & XEN_SENSE_MORE ? "ok" : "all in one call");
	bytes = exchange.reply_bytes;
	memcpy(kept, reply, bytes);
	/*
	 * What came back is 64 bits of a tag as well, of which no half may be cut off, and it is
	 * good for nobody else.
	 */
	exchange.reply_bytes = SMALL;
	exchange.cookie[7] ^= 1ULL << 63;
	say("broken-cookie", exchange_now());
	first_lines(take_domains, SMALL);
	/* Perhaps not as many. */
	if (exchange.reply_bytes < bytes)
		bytes = exchange.reply_bytes;
	tell("broken-again", bytes && same(kept, reply, bytes) ? "ok" : "lines are missing");
}

static void do_all(void)
{
	do_version();
	do_discovery();
	do_fields();
	do_buffers();
	do_whole();
	do_broken();
}

/* === As PV ============================================================= */

void main_pv(void)
{
	kind = "pv";
	hypercall_page = hypercall_page_pv;
	/* To no page, and flush that (UVMF_INVLPG). */
	say("hole", hypercall(HYPERCALL_update_va_mapping, address(edge + PAGE), 0, 0, 2));
	do_all();

	/* Xen's table of all frames: 32-bit guests have it below 4 GiB, and may read it. */
	prepare(discovery, BIG);
	exchange.reply = 0xf5800000;
	say("reply-into-frame-table", exchange_now());
	tell("end", "ok");
	shutdown();
}

/* === As PVH ============================================================ */

/*
 * One directory: 4 MiB by 4 MiB the memory as it is, but for the first and the last, which have
 * tables.
 */
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t first[1024] __attribute__((aligned(4096)));
static uint32_t last[1024] __attribute__((aligned(4096)));
static char top[PAGE] __attribute__((aligned(4096)));

#define PRESENT 3U /* and writable */
#define LARGE 0x80U

static void paging_on(void)
{
	uint32_t value;

	for (uint32_t i = 0; i < 1024; i++)
		first[i] = i * PAGE | PRESENT;
	first[address(edge + PAGE) / PAGE] = 0;
	last[1023] = address(top) | PRESENT;
	directory[0] = address(first) | PRESENT;
	for (uint32_t i = 1; i < 4; i++)
		directory[i] = i << 22 | PRESENT | LARGE;
	directory[1023] = address(last) | PRESENT;

	__asm__ volatile("mov %%cr4, %0\n\tor $0x10, %0\n\tmov %0, %%cr4" : "=r"(value)); /* PSE */
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory) : "memory");
	/* PG, WP */
	__asm__ volatile("mov %%cr0, %0\n\tor $0x80010000, %0\n\tmov %0, %%cr0\n\tjmp 1f\n1:"
			 : "=r"(value) : : "memory");
}

static void cpuid(uint32_t leaf, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	__asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "0"(leaf), "2"(0));
}

static int find_hypercalls(void)
{
	uint32_t a, b, c, d;

	for (uint32_t leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
		cpuid(leaf, &a, &b, &c, &d);
		/* "XenVMMXenVMM" */
		if (b != 0x566e6558 || c != 0x65584d4d || d != 0x4d4d566e)
			continue;
		cpuid(leaf + 2, &a, &b, &c, &d);
		__asm__ volatile("wrmsr" : : "c"(b), "a"(hypercall_page_pvh), "d"(0) : "memory");
		hypercall_page = hypercall_page_pvh;
		return 1;
	}
	return 0;
}

static uint64_t cycles(void)
{
	uint64_t now;

	__asm__ volatile("rdtsc" : "=A"(now));
	return now;
}

/* The other vCPUs sleep at "flapping", and are down or up as this one says. */
static void flap(void)
{
	static struct vcpu_hvm_context context = {
		.mode = VCPU_HVM_MODE_32B,
		.cpu_regs.x86_32 = {
			.eflags = 1 << 9, /* IF: a vCPU that halts without it goes down */
			.cr0 = 0x11,      /* PE, ET */
			.cs_limit = ~0U, .ds_limit = ~0U, .ss_limit = ~0U, .es_limit = ~0U, .tr_limit = 0x67,
			.cs_ar = 0xc9b, .ds_ar = 0xc93, .ss_ar = 0xc93, .es_ar = 0xc93, .tr_ar = 0x8b,
		},
	};
	uint32_t vcpus = 1;

	context.cpu_regs.x86_32.eip = address(flapping);
	while (!hypercall(HYPERCALL_vcpu_op, VCPUOP_initialise, vcpus, address(&context), 0))
		vcpus++;
	say("flap", (int32_t)vcpus);
	for (uint32_t round = 0;; round++) {
		uint64_t since = cycles();

		/* Not all at once, nor always the same. */
		for (uint32_t vcpu = 1; vcpu < vcpus; vcpu++)
			hypercall(HYPERCALL_vcpu_op, round % (vcpu + 1) ? VCPUOP_up : VCPUOP_down, vcpu, 0, 0);
		while (cycles() - since < 20000000)
			hypercall(HYPERCALL_sched_op, SCHEDOP_yield, 0, 0, 0);
	}
}

void main_pvh(const struct hvm_start_info *start)
{
	const char *command_line = (const char *)(uint32_t)start->cmdline_paddr;
	uint32_t efer, upper;

	kind = "pvh";
	if (!find_hypercalls())
		return;
	if (command_line && same(command_line, "flap", sizeof("flap")))
		flap();

	/* Before there is paging, and without any later. */
	prepare(discovery, BIG);
	say("unpaged-discovery", exchange_now());
	prepare(discovery, BIG);
	exchange.reply |= 1ULL << 32;
	say("unpaged-above-4g", exchange_now());

	paging_on();
	__asm__ volatile("rdmsr" : "=a"(efer), "=d"(upper) : "c"(0xc0000080));
	tell("legacy-mode", efer & 1U << 10 ? "long mode is on" : "ok");
	do_all();

	/* Up to the last byte that there is. */
	prepare(discovery, PAGE);
	exchange.reply = address((void *)0xfffff000);
	say("reply-up-to-4g", exchange_now());
	prepare(discovery, BIG);
	memcpy((void *)(0U - sizeof(exchange)), &exchange, sizeof(exchange));
	say("struct-up-to-4g", call(XEN_SENSE_OP_exchange, 0U - sizeof(exchange)));
	tell("end", "ok");
	shutdown();
}
