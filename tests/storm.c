// SPDX-License-Identifier: MIT
/*
 * storm.c - in a paravirtual guest: all at once, what its programs can ask of Xen and of the CPU.
 *
 * Usage: storm SECONDS [KIND...].  Each kind, or each of these, goes on in a process of its own,
 * as fast as it can.  At the end there is a line for each, "storm KIND: N", how often it was done;
 * and then "storm over".  None of it needs a right that a guest does not have, or changes what the
 * guest's kernel relies on.
 */
#define __XEN_TOOLS__ 1
#include <asm/ldt.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xencall.h>

#define SENSE_OP 47
#define FRAMES 16
#define CALLS 512

static xencall_handle *xen;

/* What Xen reads and writes: each process has its own. */
static struct {
	union {
		struct evtchn_alloc_unbound alloc;
		struct evtchn_bind_ipi ipi;
		struct evtchn_close close;
		struct gnttab_copy copy;
		struct gnttab_map_grant_ref map;
		struct xen_memory_reservation reservation;
		struct mmuext_op mmuext[2];
		struct mmu_update update[8];
		multicall_entry_t calls[CALLS];
		char text[2048];
		uint64_t words[256];
	} arg;
	xen_pfn_t frames[FRAMES];
} *area;

static uint64_t random_word(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* === Of Xen ============================================================= */

/* Each op, each pointer, each structure. */
static bool sense(void)
{
	uint64_t at = (uintptr_t)&area->arg;
	uint64_t where[] = { 0, at, at + random_word() % 2048, random_word(), ~0ULL - random_word() % 256 };

	for (size_t i = 0; i < 16; i++)
		area->arg.words[i] = random_word() % 4 ? random_word() % 4 : random_word();
	return xencall5(xen, SENSE_OP, random_word() % 8 ? random_word() % 4 : random_word(), where[random_word() % 5],
			random_word(), random_word(), random_word()) < 0;
}

static bool sense_in_multicalls(void)
{
	for (size_t i = 0; i < CALLS; i++)
		area->arg.calls[i] = (multicall_entry_t){ .op = SENSE_OP, .args = { i % 4, random_word() } };
	return !xencall2(xen, __HYPERVISOR_multicall, (uintptr_t)area->arg.calls, CALLS);
}

static bool event_channels(void)
{
	unsigned int port;

	area->arg.alloc = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	if (xencall2(xen, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (uintptr_t)&area->arg))
		return false;
	port = area->arg.alloc.port;
	area->arg.close = (struct evtchn_close){ .port = port };
	return !xencall2(xen, __HYPERVISOR_event_channel_op, EVTCHNOP_close, (uintptr_t)&area->arg);
}

static bool grants(void)
{
	area->arg.map = (struct gnttab_map_grant_ref){
		.ref = (uint32_t)random_word(), .dom = (domid_t)(random_word() % 3), .flags = GNTMAP_host_map,
		.host_addr = random_word(),
	};
	return !xencall3(xen, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (uintptr_t)&area->arg, 1);
}

static bool console(void)
{
	memset(area->arg.text, '\n', sizeof(area->arg.text));
	memcpy(area->arg.text, "(XEN) \033[2J sense: storm", 24);
	return xencall3(xen, __HYPERVISOR_console_io, 0, sizeof(area->arg.text), (uintptr_t)&area->arg) >= 0;
}

static bool yields(void)
{
	return !xencall2(xen, __HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/*
 * One that is nothing to a 64-bit guest.  Who turns m2p_strict off and on takes the table of
 * machine frames away under his own kernel, which dies of that.
 */
static bool assists(void)
{
	return !xencall2(xen, __HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_4gb_segments) &&
	       !xencall2(xen, __HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_4gb_segments);
}

/* What it may not: whoever has a right of Dom0's alone is asked for it, too. */
static bool refused(void)
{
	static const unsigned int calls[] = { __HYPERVISOR_domctl, __HYPERVISOR_sysctl, __HYPERVISOR_platform_op,
					      __HYPERVISOR_xsm_op, __HYPERVISOR_kexec_op, __HYPERVISOR_physdev_op };

	for (size_t i = 0; i < 64; i++)
		area->arg.words[i] = random_word() % 64;
	return xencall2(xen, calls[random_word() % 6], (uintptr_t)&area->arg, (uintptr_t)&area->arg) < 0;
}

/* === Memory and page tables ============================================= */

/* How many frames came or went; they are in area->frames. */
static unsigned long reserve(unsigned int op, unsigned long count)
{
	int done;

	area->arg.reservation = (struct xen_memory_reservation){ .nr_extents = count, .domid = DOMID_SELF };
	set_xen_guest_handle(area->arg.reservation.extent_start, area->frames);
	done = xencall2(xen, __HYPERVISOR_memory_op, op, (uintptr_t)&area->arg);
	return done > 0 ? (unsigned long)done : 0;
}

static bool balloon(void)
{
	unsigned long came = reserve(XENMEM_increase_reservation, FRAMES);

	return came && reserve(XENMEM_decrease_reservation, came) == came;
}

static bool mmuext(unsigned int cmd, xen_pfn_t frame)
{
	area->arg.mmuext[0] = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = frame };
	return !xencall4(xen, __HYPERVISOR_mmuext_op, (uintptr_t)&area->arg, 1, 0, DOMID_SELF);
}

/* Frames of its own become page tables of each level, are written to, and are none any more. */
static bool page_tables(void)
{
	static const unsigned int pin[] = { MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
					    MMUEXT_PIN_L4_TABLE };
	unsigned long came = reserve(XENMEM_increase_reservation, 4);
	bool ok = came == 4;

	for (unsigned int i = 0; ok && i < 4; i++)
		ok = mmuext(pin[i], area->frames[i]);
	for (unsigned int i = 0; ok && i < 8; i++)
		area->arg.update[i] = (struct mmu_update){ .ptr = (area->frames[3] << 12) + 8 * i, .val = 0 };
	ok = ok && !xencall4(xen, __HYPERVISOR_mmu_update, (uintptr_t)&area->arg, 8, 0, DOMID_SELF);
	for (unsigned int i = 0; ok && i < 4; i++)
		ok = mmuext(MMUEXT_UNPIN_TABLE, area->frames[i]);
	return came && reserve(XENMEM_decrease_reservation, came) == came && ok;
}

/* === The CPU ============================================================ */

/* CR4.TSD follows whoever runs. */
static bool time_stamps(void)
{
	return !prctl(PR_SET_TSC, PR_TSC_SIGSEGV) && !sched_yield() && !prctl(PR_SET_TSC, PR_TSC_ENABLE);
}

/* LDTR, and a descriptor of it in the GDT. */
static bool local_descriptors(void)
{
	struct user_desc desc = { .entry_number = (unsigned int)(random_word() % 512), .limit = 1, .seg_32bit = 1 };

	return !syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)) && !sched_yield();
}

/* DR7 and its like. */
static bool debug_registers(void)
{
	static pid_t child;

	if (!child) {
		child = fork();
		if (!child) {
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			raise(SIGSTOP);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	return !ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[0]), &area->arg) &&
	       !ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[7]), random_word() % 2 ? 1 : 0);
}

/* === All of it ========================================================== */

static const struct {
	const char *name;
	bool (*once)(void);
} kinds[] = {
	{ "sense", sense },
	{ "multicalls", sense_in_multicalls },
	{ "events", event_channels },
	{ "grants", grants },
	{ "console", console },
	{ "yields", yields },
	{ "assists", assists },
	{ "refused", refused },
	{ "balloon", balloon },
	{ "page-tables", page_tables },
	{ "time-stamps", time_stamps },
	{ "ldt", local_descriptors },
	{ "debug-registers", debug_registers },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static int storm(size_t kind, time_t end)
{
	unsigned long done = 0, failed = 0;
	int error = 0;

	/* What a child may touch after a fork is its own. */
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	xen = xencall_open(NULL, 0);
	if (area == MAP_FAILED || mlock(area, sizeof(*area)) || !xen)
		return 1;
	while (time(NULL) < end) {
		errno = 0;
		if (kinds[kind].once()) {
			done++;
		} else {
			failed++;
			error = errno;
		}
	}
	printf("storm %s: %lu, not done %lu (error %d)\n", kinds[kind].name, done, failed, error);
	fflush(stdout);
	return 0;
}

static bool is_chosen(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc <= 2;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);

	for (size_t i = 0; i < KINDS; i++)
		if (is_chosen(kinds[i].name, argc, argv) && !fork())
			_exit(storm(i, end));
	while (wait(NULL) > 0)
		;
	puts("storm over");
	return 0;
}
