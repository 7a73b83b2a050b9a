// SPDX-License-Identifier: MIT
/*
 * churn.c - all that can go away in Xen goes away and comes back, all the time, while the sensor
 * is asked about it.
 *
 * A program for Dom0, of a machine with four CPUs.  Usage: churn SECONDS [LIVEPATCH]
 *
 * Each kind of churn is a process of its own, and so are two samplers, who ask for fresh samples.
 * Its output, one line each, is
 *
 *	WHAT: DONE done, FAILED failed, last error LAST
 *
 * Much may fail rightly, as one kind of churn is in the way of another: what counts is that each
 * was done, and that no sampler's question failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define __XEN_TOOLS__ 1 /* has the domctls and sysctls */
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xencall.h>

#include "../include/sense.h"

#define SENSE_OP 47

#ifndef DOMID_ANY               /* up to Xen 4.21 */
#define DOMID_ANY 0
#endif

/* The last CPU is another pool's; this one is turned off and on.  Of Dom0's own, the last is. */
#define POOL_CPU 3
#define OFFLINE_CPU 2
#define DOM0_CPU 3

static xencall_handle *xen;
static const char *livepatch_file;

/* All that Xen reads or writes: memory that the hypercall can reach.  Each process has its own. */
static struct {
	union {
		struct xen_sysctl sysctl;
		struct xen_domctl domctl;
		struct xen_memory_exchange exchange;
		struct xen_memory_reservation reservation;
		struct xen_sense_exchange sense;
	} op __attribute__((aligned(4096)));
	xen_pfn_t frames[16], place[1];
	char name[XEN_LIVEPATCH_NAME_SIZE];
	char request[4096] __attribute__((aligned(4096)));
	char reply[65536] __attribute__((aligned(4096)));
} *area;

/* What the processes have done. */
static struct tally {
	unsigned long done, failed;
	char last[32];
} *tallies;

/*
 * What Xen itself (4.17) does not bear side by side, see docs/xen-lifetimes.md.
 *
 * @cpu_leaves: that a CPU goes away while a domain's last remains wait for their grace period.
 * cpu_disable_scheduler() does not find that domain any more, and its vCPUs stay with a CPU that
 * has no scheduler (a fault in csched2_unit_remove() under complete_domain_destroy()).  As it
 * begins to take a CPU away, it waits for all such remains: so it is enough that no domain is
 * ended meanwhile.  Nor does that function bear that a vCPU is made meanwhile: until it has a
 * place (sched_init_vcpu()) it is in its domain's list without one.
 *
 * @cpu_changes: two at a time of these: a CPU is taken away, or brought back; it leaves a pool; a
 * live patch is unloaded.  rcu_barrier() in one and what the other has a tasklet wait for can wait
 * for each other, and then the machine stands still for ever.
 *
 * Who takes both takes @cpu_changes first.
 */
static sem_t *cpu_leaves, *cpu_changes;

static bool begin(void)
{
	xen = xencall_open(NULL, 0);
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return xen && area != MAP_FAILED && !mlock(area, sizeof(*area));
}

/* === CPU pools, and CPUs ================================================ */

static struct xen_sysctl *new_sysctl(uint32_t cmd)
{
	memset(&area->op, 0, sizeof(area->op));
	area->op.sysctl.cmd = cmd;
	area->op.sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return &area->op.sysctl;
}

static bool do_sysctl(void)
{
	return xencall1(xen, __HYPERVISOR_sysctl, (uintptr_t)&area->op) >= 0;
}

static bool pool_op(uint32_t op, uint32_t pool, uint32_t cpu, uint32_t domid)
{
	struct xen_sysctl_cpupool_op *pool_op = &new_sysctl(XEN_SYSCTL_cpupool_op)->u.cpupool_op;

	pool_op->op = op;
	pool_op->cpupool_id = pool;
	pool_op->sched_id = XEN_SCHEDULER_CREDIT2;
	pool_op->cpu = cpu;
	pool_op->domid = domid;
	return do_sysctl();
}

static uint32_t other_pool;

static bool pool_loses_cpu(uint32_t pool)
{
	bool lost = false;

	/* It is busy while a vCPU leaves it. */
	for (int i = 0; i < 1000 && !lost; i++, usleep(10000)) {
		sem_wait(cpu_changes);
		sem_wait(cpu_leaves);
		lost = pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool, POOL_CPU, 0);
		sem_post(cpu_leaves);
		sem_post(cpu_changes);
	}
	return lost;
}

static bool make_pool(void)
{
	if (!pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, XEN_SYSCTL_CPUPOOL_PAR_ANY, 0, 0))
		return false;
	other_pool = area->op.sysctl.u.cpupool_op.cpupool_id;
	return pool_loses_cpu(0) && pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, other_pool, POOL_CPU, 0);
}

static bool end_pool(void)
{
	return pool_loses_cpu(other_pool) && pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, other_pool, 0, 0) &&
	       pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0, POOL_CPU, 0);
}

static bool cpu_hotplug(uint32_t cpu, uint32_t op)
{
	struct xen_sysctl_cpu_hotplug *hotplug = &new_sysctl(XEN_SYSCTL_cpu_hotplug)->u.cpu_hotplug;

	hotplug->cpu = cpu;
	hotplug->op = op;
	return do_sysctl();
}

static bool cpu_back(void)
{
	bool on;

	sem_wait(cpu_changes);
	on = cpu_hotplug(OFFLINE_CPU, XEN_SYSCTL_CPU_HOTPLUG_ONLINE);
	sem_post(cpu_changes);
	return on;
}

static bool cpu_off_and_on(void)
{
	bool off;
	int error;

	sem_wait(cpu_changes);
	sem_wait(cpu_leaves);
	off = cpu_hotplug(OFFLINE_CPU, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE);
	error = errno;
	sem_post(cpu_leaves);
	sem_post(cpu_changes);

	usleep(50000);
	/* Once off, it has to come back. */
	for (int i = 0; off && i < 1000 && !cpu_back(); i++)
		usleep(10000);
	usleep(50000);
	errno = error;
	return off;
}

/* === Domains ============================================================ */

static struct xen_domctl *new_domctl(uint32_t cmd, uint32_t domid)
{
	memset(&area->op, 0, sizeof(area->op));
	area->op.domctl.cmd = cmd;
	area->op.domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	area->op.domctl.domain = (domid_t)domid;
	return &area->op.domctl;
}

static bool do_domctl(void)
{
	return xencall1(xen, __HYPERVISOR_domctl, (uintptr_t)&area->op) >= 0;
}

/* A paravirtual domain with so many vCPUs, that never runs; 0: none. */
static uint32_t create_domain(uint32_t vcpus)
{
	struct xen_domctl_createdomain *new = &new_domctl(XEN_DOMCTL_createdomain, DOMID_ANY)->u.createdomain;
	uint32_t domid;
	bool made;

	/* FLASK's label of a domU, as the toolstack gives it: SECINITSID_DOMU */
	new->ssidref = 12;
	new->handle[0] = 0xc4;
	new->max_vcpus = vcpus;
	new->max_evtchn_port = 127;
	new->max_grant_frames = new->max_maptrack_frames = -1;
	new->grant_opts = XEN_DOMCTL_GRANT_version(1);
	if (!do_domctl())
		return 0;
	domid = area->op.domctl.domain;
	new_domctl(XEN_DOMCTL_max_vcpus, domid)->u.max_vcpus.max = vcpus;
	sem_wait(cpu_leaves);
	made = do_domctl();
	sem_post(cpu_leaves);
	return made ? domid : 0;
}

static bool destroy_domain(uint32_t domid)
{
	for (int i = 0; i < 1000; i++, usleep(10000)) {
		new_domctl(XEN_DOMCTL_destroydomain, domid);
		if (do_domctl())
			return true;
		if (errno != EAGAIN && errno != EBUSY)
			return false;
	}
	return false;
}

static bool domain_comes_and_goes(void)
{
	uint32_t domid = create_domain(3);
	bool destroyed;

	sem_wait(cpu_leaves);
	destroyed = domid && destroy_domain(domid);
	sem_post(cpu_leaves);
	return destroyed;
}

/* The vCPUs of a domain that is moved get new scheduling units, and the old ones are freed. */
static bool domain_changes_pool(void)
{
	static uint32_t domid;
	static unsigned long moves;
	bool there;

	if (!domid && (!make_pool() || !(domid = create_domain(4)))) {
		fprintf(stderr, "churn: pool or its domain: %s\n", strerror(errno));
		exit(1);
	}
	there = moves % 2;
	/* Its scheduler, with the locks, comes and goes too. */
	if (!there && moves % 512 == 510 && (!end_pool() || !make_pool())) {
		fprintf(stderr, "churn: pool: %s\n", strerror(errno));
		exit(1);
	}
	if (!pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, there ? 0 : other_pool, 0, domid))
		return false;
	moves++;
	return true;
}

/* === Memory ============================================================= */

static bool memory_op(unsigned int op, xen_pfn_t *frames)
{
	struct xen_memory_reservation *reservation = &area->op.reservation;

	memset(&area->op, 0, sizeof(area->op));
	set_xen_guest_handle(reservation->extent_start, frames);
	reservation->nr_extents = sizeof(area->frames) / sizeof(area->frames[0]);
	reservation->domid = DOMID_SELF;
	return xencall2(xen, __HYPERVISOR_memory_op, op, (uintptr_t)reservation) == (int)reservation->nr_extents;
}

/*
 * Frames that are Dom0's, though its kernel does not know of them, become others that lie side by
 * side, and are given back.
 */
static bool memory_is_exchanged(void)
{
	const unsigned int count = sizeof(area->frames) / sizeof(area->frames[0]);
	struct xen_memory_exchange *exchange = &area->op.exchange;
	bool exchanged;

	if (!memory_op(XENMEM_increase_reservation, area->frames))
		return false;
	memset(&area->op, 0, sizeof(area->op));
	set_xen_guest_handle(exchange->in.extent_start, area->frames);
	exchange->in.nr_extents = count;
	exchange->in.domid = exchange->out.domid = DOMID_SELF;
	area->place[0] = 0x700000; /* of no memory of Dom0's */
	set_xen_guest_handle(exchange->out.extent_start, area->place);
	exchange->out.nr_extents = 1;
	exchange->out.extent_order = 4;
	exchanged = xencall2(xen, __HYPERVISOR_memory_op, XENMEM_exchange, (uintptr_t)exchange) >= 0;
	for (unsigned int i = 0; exchanged && i < count; i++)
		area->frames[i] = area->place[0] + i;
	return memory_op(XENMEM_decrease_reservation, area->frames) && exchanged;
}

static long number_of(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	return strtol(text, NULL, 0);
}

static bool write_number(const char *path, long number)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld", number), fd = open(path, O_WRONLY);
	bool written = fd >= 0 && write(fd, text, (size_t)len) == len;

	if (fd >= 0)
		close(fd);
	return written;
}

#define BALLOON "/sys/devices/system/xen_memory/xen_memory0/"

static bool balloon_to(long kib)
{
	if (!write_number(BALLOON "target_kb", kib))
		return false;
	for (int i = 0; i < 2000; i++, usleep(5000))
		if (labs(number_of(BALLOON "info/current_kb") - kib) < 64)
			return true;
	errno = ETIME;
	return false;
}

static bool balloon_breathes(void)
{
	static long full;

	if (!full)
		full = number_of(BALLOON "info/current_kb");
	return full && balloon_to(full - 16384) && balloon_to(full);
}

/* Processes come and go, each with page-table roots that are pinned and unpinned. */
static bool page_tables(void)
{
	int status;

	for (unsigned int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return false;
		if (!pid) {
			char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			for (size_t at = 0; memory != MAP_FAILED && at < 1 << 20; at += 65536)
				memory[at] = 1;
			_exit(memory == MAP_FAILED);
		}
	}
	while (wait(&status) > 0)
		;
	return true;
}

/* === Dom0's own vCPUs =================================================== */

static bool vcpu_off_and_on(void)
{
	char path[64];
	bool off;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", DOM0_CPU);
	off = write_number(path, 0);
	usleep(50000);
	for (int i = 0; off && i < 1000 && !write_number(path, 1); i++)
		usleep(10000);
	usleep(50000);
	return off;
}

/* === A live patch ======================================================= */

static struct xen_sysctl_livepatch_op *new_livepatch(uint32_t cmd)
{
	struct xen_sysctl_livepatch_op *op = &new_sysctl(XEN_SYSCTL_livepatch_op)->u.livepatch;
	struct xen_livepatch_name *name = cmd == XEN_SYSCTL_LIVEPATCH_UPLOAD ? &op->u.upload.name :
					  cmd == XEN_SYSCTL_LIVEPATCH_GET ? &op->u.get.name : &op->u.action.name;

	op->cmd = cmd;
	strcpy(area->name, "churn");
	set_xen_guest_handle(name->name, area->name);
	name->size = sizeof("churn");
	return op;
}

static bool livepatch_is_applied(void)
{
	struct xen_sysctl_livepatch_op *op = new_livepatch(XEN_SYSCTL_LIVEPATCH_GET);

	return do_sysctl() && op->u.get.status.state == LIVEPATCH_STATE_APPLIED;
}

static bool livepatch_action(uint32_t action)
{
	struct xen_sysctl_livepatch_op *op = new_livepatch(XEN_SYSCTL_LIVEPATCH_ACTION);

	op->u.action.cmd = action;
	/* [ns] for all CPUs to come together; by default 30 ms, which is little for an emulator */
	op->u.action.timeout = 4000000000;
	if (!do_sysctl())
		return false;
	if (action == LIVEPATCH_ACTION_UNLOAD)
		return true;
	for (int i = 0; i < 6000; i++, usleep(5000)) {
		op = new_livepatch(XEN_SYSCTL_LIVEPATCH_GET);
		if (!do_sysctl())
			return false;
		if (op->u.get.status.rc != -EAGAIN) {
			errno = -op->u.get.status.rc;
			return !op->u.get.status.rc;
		}
	}
	errno = ETIME;
	return false;
}

/* Takes the place of a function that nobody calls now. */
static bool livepatch_comes_and_goes(void)
{
	struct xen_sysctl_livepatch_op *op = new_livepatch(XEN_SYSCTL_LIVEPATCH_UPLOAD);
	int fd = open(livepatch_file, O_RDONLY), error;
	ssize_t bytes = fd < 0 ? -1 : read(fd, area->reply, sizeof(area->reply));
	bool applied, reverted, unloaded;

	if (fd >= 0)
		close(fd);
	if (bytes <= 0)
		return false;
	op->u.upload.size = (uint64_t)bytes;
	set_xen_guest_handle(op->u.upload.payload, (uint8_t *)area->reply);
	if (!do_sysctl() && errno != EEXIST)
		return false;
	/*
	 * Where the CPUs did not come together in time to take it away again, it is still there.
	 */
	applied = livepatch_is_applied() || livepatch_action(LIVEPATCH_ACTION_APPLY);
	error = errno;
	reverted = !applied || livepatch_action(LIVEPATCH_ACTION_REVERT);
	if (applied && !reverted)
		error = errno;
	sem_wait(cpu_changes);
	unloaded = reverted && livepatch_action(LIVEPATCH_ACTION_UNLOAD);
	if (reverted && !unloaded)
		error = errno;
	sem_post(cpu_changes);
	errno = error;
	return applied && unloaded;
}

/* === Samplers =========================================================== */

/* Of the last question that failed. */
static char last_error[32];

/* One request, and all of its reply.  False with the error's name in @last, if it has one. */
static bool ask(const char *command, const char *target, const char *options, char last[32])
{
	struct xen_sense_exchange *x = &area->op.sense;
	bool ok = true;

	memset(x, 0, sizeof(*x));
	snprintf(area->request, sizeof(area->request),
		 "{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"%s\",\"%s\"%s]}", command,
		 target, options);
	x->version = XEN_SENSE_VERSION;
	x->request = (uintptr_t)area->request;
	x->request_bytes = (uint32_t)strlen(area->request);
	x->reply = (uintptr_t)area->reply;
	do {
		const char *error;

		x->reply_bytes = sizeof(area->reply) - 1;
		if (xencall2(xen, SENSE_OP, XEN_SENSE_OP_exchange, (uintptr_t)x) < 0) {
			snprintf(last, 32, "%s: errno %d", target, errno);
			return false;
		}
		area->reply[x->reply_bytes] = '\0';
		error = strstr(area->reply, "\"error\",{\"code\":\"");
		if (error) {
			snprintf(last, 32, "%s: %.12s", target, error + sizeof("\"error\",{\"code\":\"") - 1);
			ok = false;
		}
	} while (x->flags & XEN_SENSE_MORE);
	return ok;
}

static bool sample(const char *probe)
{
	return ask("records", probe, ",{\"run\":true}", last_error);
}

/* One asks for what changes most, as fast as it is answered; the other for all in turn. */
static bool sample_domains(void)
{
	return sample("xen-domains");
}

static bool sample_all(void)
{
	static unsigned int next;
	const char *first, *at;
	char probe[32];

	/* [["xen","UUID"],["xen-domains","UUID"],...]: the sensor, then the probes. */
	if (!ask("discovery", "*", "", last_error))
		return false;
	first = at = strstr(area->reply, ",[\"");
	for (unsigned int i = 0; at && i < next; i++)
		at = strstr(at + 1, ",[\"");
	if (!at) {
		next = 0;
		at = first;
	}
	if (!at)
		return false;
	next++;
	at += strlen(",[\"");
	snprintf(probe, sizeof(probe), "%.*s", (int)strcspn(at, "\""), at);
	return sample(probe);
}

/* === All of it ========================================================== */

/* With a pause behind each, or those that are slow would leave nothing to the others. */
static const struct {
	const char *what;
	bool (*once)(void);
	unsigned int pause_us;
} kinds[] = {
	{ "sampler-domains", sample_domains, 0 },
	{ "sampler-all", sample_all, 0 },
	{ "pool-moves", domain_changes_pool, 0 },
	{ "domains", domain_comes_and_goes, 50000 },
	{ "cpus", cpu_off_and_on, 500000 },
	{ "vcpus", vcpu_off_and_on, 500000 },
	{ "exchanges", memory_is_exchanged, 20000 },
	{ "balloon", balloon_breathes, 500000 },
	{ "page-tables", page_tables, 50000 },
	{ "livepatches", livepatch_comes_and_goes, 500000 },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void churn(size_t kind, time_t end)
{
	struct tally *tally = &tallies[kind];

	if (!begin()) {
		snprintf(tally->last, sizeof(tally->last), "cannot begin: errno %d", errno);
		return;
	}
	while (time(NULL) < end) {
		errno = 0;
		last_error[0] = '\0';
		if (kinds[kind].once()) {
			tally->done++;
		} else {
			int error = errno;

			tally->failed++;
			if (last_error[0])
				strcpy(tally->last, last_error);
			else
				snprintf(tally->last, sizeof(tally->last), "errno %d", error);
		}
		usleep(kinds[kind].pause_us);
	}
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	int status, failed = 0;
	pid_t pids[KINDS];

	livepatch_file = argc > 2 ? argv[2] : NULL;
	tallies = mmap(NULL, KINDS * sizeof(*tallies), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cpu_leaves = mmap(NULL, 2 * sizeof(*cpu_leaves), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cpu_changes = cpu_leaves + 1;
	if (tallies == MAP_FAILED || cpu_leaves == MAP_FAILED || sem_init(cpu_leaves, 1, 1) ||
	    sem_init(cpu_changes, 1, 1)) {
		perror("churn: memory");
		return 1;
	}
	for (size_t i = 0; i < KINDS; i++) {
		pids[i] = kinds[i].once == livepatch_comes_and_goes && !livepatch_file ? -1 : fork();
		if (!pids[i]) {
			churn(i, end);
			exit(0);
		}
	}
	for (size_t i = 0; i < KINDS; i++) {
		if (pids[i] < 0)
			continue;
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			failed = 1;
		printf("%s: %lu done, %lu failed, last error %s\n", kinds[i].what, tallies[i].done, tallies[i].failed,
		       tallies[i].last[0] ? tallies[i].last : "none");
	}
	return failed;
}
