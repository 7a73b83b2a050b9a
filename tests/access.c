// SPDX-License-Identifier: MIT
/*
 * access.c - what the hypercall lets its caller do: each op, and each command of the protocol.
 *
 * A program for Dom0 and for guests.  Each line of its output is "WHAT: RESULT", WHAT being a row
 * of the table in docs/sensing-domain.md, RESULT "ok", an error's name, or the code with which the
 * sensor answered; tests/xen/access.t holds the two side by side.
 *
 *	access table         all rows but the lock
 *	access lock DOMID    the lock, as "lock"
 *	access lock-wrong    the lock with arguments that are wrong
 *	access policy WHAT...  changes FLASK's policy: "permit" or "enforce" it; "boolean" sets
 *	                     one, and "commit" those that are pending; "load" loads the policy in
 *	                     the file "allow", and "junk" what is none; "label" has the resource
 *	                     "iomem" of the first 4 GiB be nic_dev_t, and "unlabel" takes that back
 *	access frames WHAT DOMID FIRST COUNT   gives the domain frames of the machine as if they
 *	                     were a device's: "permit" (iomem_permission), "map" (memory_mapping),
 *	                     or takes them: "forbid", "unmap"
 *	access add-memory FIRST LAST   has Xen take these frames for memory from now on:
 *	                     "add-memory"
 *	access debug         reads a byte of Dom0's own memory as gdbsx does, "debug"
 *	access map DOMID MFN maps this page of another domain's memory, "map"
 *	access create [N]    makes a domain that may have a vCPU, or N, and has none yet, and no
 *	                     memory; "create": its id
 *	access vcpu DOMID [N]  makes its one vCPU, or N, which do not run: "vcpu"
 *	access halt DOMID    takes its vCPU 0 down, between pausing it and letting it go on:
 *	                     "halt"; and back up: go, "go"
 *	access models NUMBER N   makes an HVM domain whose uuid is of that number, and for it N
 *	                     device models in domains of their own, each under another uuid, one
 *	                     after the other: each gets its rights after a while, and is
 *	                     destroyed a while after that.  "models": the id of the last
 *	access destroy DOMID destroys a domain, "destroy"
 *	access half          has Xen begin to make a domain that it then cannot, "half"
 *	access replace DOMID destroys that domain, and makes another one with its id and uuid:
 *	                     "replace"
 *	access rename FROM N NUMBER  gives each of the N domains from FROM on another uuid, by
 *	                     the NUMBER; "rename": how many
 *	access rows FROM N   N refused commands of Dom0, each under another uuid from FROM on:
 *	                     "rows" were refused
 *	access identities DOMID N LOG   gives a domain, which floods by 25 all the time and whose
 *	                     console goes to LOG, one uuid after the other, each until it has said
 *	                     twice more how often it was refused, and then its own again
 *	access stall MS LIFE [two]  holds the CPU that vCPU 1 is on inside Xen, for MS milliseconds
 *	                     at least, "stall": how long it was; in its midst a domain lives for
 *	                     LIFE of them, made on vCPU 0, "domain": its id; "two": vCPU 2's CPU as
 *	                     well, by another call.  LIFE 0: no domain, and any vCPU
 *	access livepatch NAME ACTION  asks for what is none of the actions with a live patch, by
 *	                     its number, "livepatch"
 *	access flood N       so many calls as fast as they go; how many were refused
 *	access wait WORD     waits until Dom0 has written WORD to ks-phase in this guest's place in
 *	                     xenstore
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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

#define __XEN_TOOLS__ 1 /* has the domctls */
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/kexec.h>
#include <xen/platform.h>
#include <xen/sysctl.h>
#include <xencall.h>
#include <xenforeignmemory.h>
#include <xen/io/xs_wire.h>
#include <xen/xsm/flask_op.h>

#include "../include/sense.h"

#define SENSE_OP 47
#define OTHER_OP 1000

#ifndef DOMID_ANY               /* up to Xen 4.21 */
#define DOMID_ANY 0
#endif

static xencall_handle *xen;

/* All that Xen reads or writes: memory that the hypercall can reach. */
static struct {
	struct xen_sense_exchange exchange __attribute__((aligned(4096)));
	struct xen_sense_lock lock;
	char request[4096] __attribute__((aligned(4096)));
	char reply[65536] __attribute__((aligned(4096)));
} *area;

static int call(unsigned int op, const void *arg)
{
	int result;

	errno = 0;
	result = xencall2(xen, SENSE_OP, op, (uintptr_t)arg);
	return result < 0 ? -errno : result;
}

static const char *name_of(int result)
{
	static char number[32];

	switch (-result) {
	case EPERM: return "EPERM";
	case EACCES: return "EACCES";
	case EINVAL: return "EINVAL";
	case EBUSY: return "EBUSY";
	case ESRCH: return "ESRCH";
	case EFAULT: return "EFAULT";
	case ENODEV: return "ENODEV";
	case ENOSYS: return "ENOSYS";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	}
	snprintf(number, sizeof(number), "errno %d", -result);
	return result < 0 ? number : "ok";
}

/* For this process: a child has its own. */
static void open_xen(void)
{
	xen = xencall_open(NULL, 0);
	if (!xen) {
		perror("access: /dev/xen/privcmd");
		exit(3);
	}
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED || mlock(area, sizeof(*area))) {
		perror("access: memory");
		exit(1);
	}
}

/* === Commands =========================================================== */

/* The reply to one request, all of it: "ok", the code of an error, or an error's name. */
static const char *ask(const char *request)
{
	static char code[32];
	struct xen_sense_exchange *x = &area->exchange;
	char *error = NULL;

	memset(x, 0, sizeof(*x));
	strcpy(area->request, request);
	x->version = XEN_SENSE_VERSION;
	x->request = (uintptr_t)area->request;
	x->request_bytes = (uint32_t)strlen(request);
	x->reply = (uintptr_t)area->reply;
	do {
		int result;

		x->reply_bytes = sizeof(area->reply) - 1;
		result = call(XEN_SENSE_OP_exchange, x);
		if (result)
			return name_of(result);
		area->reply[x->reply_bytes] = '\0';
		if (!error)
			error = strstr(area->reply, "\"error\",{\"code\":\"");
		if (error)
			sscanf(error, "\"error\",{\"code\":\"%31[^\"]", code);
	} while (x->flags & XEN_SENSE_MORE);
	return error ? code : "ok";
}

static void command(const char *name, const char *word, const char *target, const char *options)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "{\"Virtue-protocol-version\":0.2,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"%s\",\"%s\"%s]}", word,
		 target, options);
	printf("%s: %s\n", name, ask(request));
}

static void do_table(void)
{
	/* Those that change a state, in an order that ends where it began. */
	static const char *const states[] = {
		"off", "on", "low", "high", "adversarial", "increase", "decrease", "default", "reset",
	};

	printf("version: %s\n", name_of(call(XEN_SENSE_OP_version, NULL)));
	command("discovery", "discovery", "*", "");
	command("status", "status", "*", "");
	command("records with peek", "records", "xen-domains", ",{\"peek\":true}");
	command("records with record", "records", "xen-domains", ",{\"record\":0}");
	command("records", "records", "xen-domains", ",{\"max\":1}");
	command("records with peek and run", "records", "xen-domains", ",{\"peek\":true,\"run\":true}");
	command("records with peek and announce", "records", "xen-domains", ",{\"peek\":true,\"announce\":true}");
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		command(states[i], states[i], "dom0-entries", "");
	command("add", "add", "*", ",\"x\"");
	command("remove", "remove", "*", ",\"x\"");
	command("subscribe", "subscribe", "*", "");
	command("unsubscribe", "unsubscribe", "*", "");
	printf("other op: %s\n", name_of(call(OTHER_OP, NULL)));
}

/* === The lock =========================================================== */

static int lock(uint32_t domid)
{
	area->lock = (struct xen_sense_lock){ .version = XEN_SENSE_VERSION, .domid = domid };
	return call(XEN_SENSE_OP_lock, &area->lock);
}

static void do_lock_wrong(void)
{
	static const uint32_t none[] = {
		77, 0x7fef, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff5, 0xffff, 0x10001, 0x17ff4, 0xffffffff,
	};
	struct xen_sense_lock *l = &area->lock;

	printf("lock-caller: %s\n", name_of(lock(0)));
	printf("lock-self: %s\n", name_of(lock(0x7ff0)));
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		printf("lock-none-%x: %s\n", none[i], name_of(lock(none[i])));
	*l = (struct xen_sense_lock){ .version = 2, .domid = XEN_SENSE_NO_DOMAIN };
	printf("lock-version: %s\n", name_of(call(XEN_SENSE_OP_lock, l)));
	*l = (struct xen_sense_lock){ .version = 1, .domid = XEN_SENSE_NO_DOMAIN, .flags = 1 };
	printf("lock-flags: %s\n", name_of(call(XEN_SENSE_OP_lock, l)));
	*l = (struct xen_sense_lock){ .version = 1, .domid = XEN_SENSE_NO_DOMAIN, .pad = 1 };
	printf("lock-pad: %s\n", name_of(call(XEN_SENSE_OP_lock, l)));
	printf("lock-null: %s\n", name_of(call(XEN_SENSE_OP_lock, NULL)));
}

/* === What FLASK takes away =============================================== */

static void do_map(uint32_t domid, xen_pfn_t frame)
{
	xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
	int error = 0;
	void *page = memory ? xenforeignmemory_map(memory, domid, PROT_READ, 1, &frame, &error) : NULL;

	printf("map: %s\n", page && !error ? "ok" : name_of(error ? error : -errno));
}

static void read_policy(struct xen_flask_load *load)
{
	FILE *file = fopen("allow", "rb");

	set_xen_guest_handle(load->buffer, area->reply);
	load->size = file ? (uint32_t)fread(area->reply, 1, sizeof(area->reply), file) : 0;
	if (!file || !feof(file)) {
		fputs("access: no policy in the file \"allow\", or it is too large\n", stderr);
		exit(1);
	}
	fclose(file);
}

static uint32_t label_of(const char *context)
{
	struct xen_flask_op *op = (struct xen_flask_op *)(void *)area->reply;
	char *text = area->reply + sizeof(*op);

	memset(op, 0, sizeof(*op));
	strcpy(text, context);
	op->interface_version = XEN_FLASK_INTERFACE_VERSION;
	op->cmd = FLASK_CONTEXT_TO_SID;
	set_xen_guest_handle(op->u.sid_context.context, text);
	op->u.sid_context.size = (uint32_t)strlen(context);
	if (xencall1(xen, __HYPERVISOR_xsm_op, (uintptr_t)op) < 0) {
		fprintf(stderr, "access: no label %s\n", context);
		exit(1);
	}
	return op->u.sid_context.sid;
}

static void do_policy(const char *what)
{
	struct xen_flask_op *op = (struct xen_flask_op *)(void *)area->request;

	memset(op, 0, sizeof(*op));
	op->interface_version = XEN_FLASK_INTERFACE_VERSION;
	if (!strcmp(what, "enforce") || !strcmp(what, "permit")) {
		op->cmd = FLASK_SETENFORCE;
		op->u.enforce.enforcing = *what == 'e';
	} else if (!strcmp(what, "boolean")) {
		op->cmd = FLASK_SETBOOL;
		op->u.boolean.new_value = op->u.boolean.commit = 1;
	} else if (!strcmp(what, "commit")) {
		op->cmd = FLASK_COMMITBOOLS;
	} else if (!strcmp(what, "label") || !strcmp(what, "unlabel")) {
		op->cmd = *what == 'l' ? FLASK_ADD_OCONTEXT : FLASK_DEL_OCONTEXT;
		op->u.ocontext.ocon = 3; /* OCON_IOMEM of xen/xsm/flask/ss/policydb.h */
		op->u.ocontext.high = (1U << 20) - 1;
		op->u.ocontext.sid = label_of("system_u:object_r:nic_dev_t");
	} else {
		op->cmd = FLASK_LOAD;
		read_policy(&op->u.load);
		area->reply[0] ^= *what == 'j';
	}
	printf("policy %s: %s\n", what, name_of(xencall1(xen, __HYPERVISOR_xsm_op, (uintptr_t)op) < 0 ? -errno : 0));
}

/* === Domains, without a toolstack ======================================= */

static struct xen_domctl *new_domctl(uint32_t cmd, uint32_t domid)
{
	struct xen_domctl *op = (struct xen_domctl *)(void *)area->reply;

	memset(op, 0, sizeof(*op));
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)domid;
	return op;
}

/* 0, or an error. */
static int domctl(struct xen_domctl *op)
{
	return xencall1(xen, __HYPERVISOR_domctl, (uintptr_t)op) < 0 ? -errno : 0;
}

/*
 * Every domain begins like this; @domid may be DOMID_ANY.  Its id, or an error.  Without a
 * version of grants Xen gives up half-way.
 */
static int create_with(uint32_t domid, unsigned int grant_version, uint32_t vcpus, uint32_t flags)
{
	struct xen_domctl *op = new_domctl(XEN_DOMCTL_createdomain, domid);
	struct xen_domctl_createdomain *new = &op->u.createdomain;
	int error;

	/* FLASK's label of a domU, as the toolstack gives it: SECINITSID_DOMU */
	new->ssidref = 12;
	new->handle[0] = 0xa1;
	new->max_vcpus = vcpus;
	new->max_evtchn_port = 127;
	new->max_grant_frames = new->max_maptrack_frames = -1;
	new->grant_opts = XEN_DOMCTL_GRANT_version(grant_version);
	new->flags = flags;
	if (flags & XEN_DOMCTL_CDF_hvm)
		new->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	error = domctl(op);
	return error ? error : op->domain;
}

static int create(uint32_t domid, unsigned int grant_version, uint32_t vcpus)
{
	return create_with(domid, grant_version, vcpus, 0);
}

static void do_create(uint32_t vcpus)
{
	int domid = create(DOMID_ANY, 1, vcpus);

	if (domid < 0)
		printf("create: %s\n", name_of(domid));
	else
		printf("create: %d\n", domid);
}

static void do_vcpu(uint32_t domid, uint32_t vcpus)
{
	struct xen_domctl *op = new_domctl(XEN_DOMCTL_max_vcpus, domid);

	op->u.max_vcpus.max = vcpus;
	printf("vcpu: %s\n", name_of(domctl(op)));
}

static int set_online(uint32_t domid, bool online)
{
	vcpu_guest_context_t *context = (void *)(area->reply + sizeof(area->reply) / 2);
	struct xen_domctl *op = new_domctl(XEN_DOMCTL_getvcpucontext, domid);
	int error;

	set_xen_guest_handle_raw(op->u.vcpucontext.ctxt, context);
	error = domctl(op);
	if (error)
		return error;
	if (online)
		context->flags |= VGCF_online;
	else
		context->flags &= ~(unsigned long)VGCF_online;
	op = new_domctl(XEN_DOMCTL_setvcpucontext, domid);
	set_xen_guest_handle_raw(op->u.vcpucontext.ctxt, context);
	return domctl(op);
}

static void do_halt(const char *what, uint32_t domid)
{
	int error = domctl(new_domctl(XEN_DOMCTL_pausedomain, domid)), left;

	if (!error)
		error = set_online(domid, !strcmp(what, "go"));
	left = domctl(new_domctl(XEN_DOMCTL_unpausedomain, domid));
	printf("%s: %s\n", what, name_of(error ? error : left));
}

static int destroy(uint32_t domid)
{
	return domctl(new_domctl(XEN_DOMCTL_destroydomain, domid));
}

static void do_replace(uint32_t domid)
{
	int result = destroy(domid);

	if (!result)
		while ((result = create(domid, 1, 1)) == -EEXIST)
			;
	printf("replace: %s\n", name_of(result < 0 ? result : 0));
}

/* === Frames, whoever they belong to ===================================== */

static void do_frames(const char *what, uint32_t domid, uint64_t first, uint64_t count)
{
	bool add = !strcmp(what, "permit") || !strcmp(what, "map");
	struct xen_domctl *op;

	if (!strcmp(what, "permit") || !strcmp(what, "forbid")) {
		op = new_domctl(XEN_DOMCTL_iomem_permission, domid);
		op->u.iomem_permission.first_mfn = first;
		op->u.iomem_permission.nr_mfns = count;
		op->u.iomem_permission.allow_access = add;
	} else {
		op = new_domctl(XEN_DOMCTL_memory_mapping, domid);
		op->u.memory_mapping.first_gfn = op->u.memory_mapping.first_mfn = first;
		op->u.memory_mapping.nr_mfns = count;
		op->u.memory_mapping.add_mapping = add;
	}
	printf("frames %s: %s\n", what, name_of(domctl(op)));
}

static void do_add_memory(uint64_t first, uint64_t last)
{
	struct xen_platform_op *op = (void *)area->request;

	memset(op, 0, sizeof(*op));
	op->cmd = XENPF_mem_hotadd;
	op->interface_version = XENPF_INTERFACE_VERSION;
	op->u.mem_add.spfn = first;
	op->u.mem_add.epfn = last + 1;
	printf("add-memory: %s\n",
	       name_of(xencall1(xen, __HYPERVISOR_platform_op, (uintptr_t)op) < 0 ? -errno : 0));
}

static void do_debug(void)
{
	struct xen_domctl *op = new_domctl(XEN_DOMCTL_gdbsx_guestmemio, 0);
	int error;

	strcpy(area->request, "here");
	op->u.gdbsx_guest_memio.gva = (uintptr_t)area->request;
	op->u.gdbsx_guest_memio.uva = (uintptr_t)area->request + sizeof(area->request) / 2;
	op->u.gdbsx_guest_memio.len = sizeof("here");
	error = domctl(op);
	if (error)
		printf("debug: %s\n", name_of(error));
	else
		printf("debug: %s\n", area->request + sizeof(area->request) / 2);
}

/* === As many who ask ==================================================== */

/* Dom0 may change the uuid of every domain, its own too. */
static int set_uuid(uint32_t domid, unsigned long number)
{
	struct xen_domctl *op = new_domctl(XEN_DOMCTL_setdomainhandle, domid);

	memcpy(op->u.setdomainhandle.handle, &number, sizeof(number));
	return domctl(op);
}

static void do_rename(unsigned long from, unsigned long count, unsigned long number)
{
	unsigned long renamed = 0;

	while (renamed < count && !set_uuid((uint32_t)(from + renamed), (number << 16) + from + renamed))
		renamed++;
	printf("rename: %lu\n", renamed);
}

static void do_rows(unsigned long from, unsigned long count)
{
	unsigned long refused = 0;

	for (unsigned long i = from; i < from + count && !set_uuid(0, i); i++)
		refused += !strcmp(
			ask("{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"low\",\"*\"]}"),
			"denied");
	set_uuid(0, 0);
	printf("rows: %lu\n", refused);
}

/* So long something stays as it is, for the sensor to see it. */
#define SEEN_US 300000

static void do_models(unsigned long number, unsigned long count)
{
	int guest = create_with(DOMID_ANY, 1, 1, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap), model = 0, error = guest;

	if (guest > 0)
		error = set_uuid((uint32_t)guest, number << 32);
	for (unsigned long i = 0; i < count && !error; i++) {
		struct xen_domctl *op;

		model = create(DOMID_ANY, 1, 1);
		error = model < 0 ? model : set_uuid((uint32_t)model, number << 32 | (i + 1));
		usleep(SEEN_US);
		op = new_domctl(XEN_DOMCTL_set_target, (uint32_t)model);
		op->u.set_target.target = (uint32_t)guest;
		if (!error)
			error = domctl(op);
		usleep(SEEN_US);
		destroy((uint32_t)model);
	}
	if (guest > 0)
		destroy((uint32_t)guest);
	if (error < 0)
		printf("models: %s\n", name_of(error));
	else
		printf("models: %d\n", model);
}

/* Until a file has so many bytes, for a minute; whether it has. */
static bool has_grown(const char *path, off_t bytes)
{
	struct stat now;

	for (unsigned int tries = 0; tries < 1200; tries++) {
		if (!stat(path, &now) && now.st_size >= bytes)
			return true;
		usleep(50000);
	}
	return false;
}

static void do_identities(uint32_t domid, unsigned long count, const char *log)
{
	/* Of "access flood 25". */
	const off_t twice = 2 * (sizeof("flood: 100\r\n") - 1);
	struct xen_domctl *op = new_domctl(XEN_DOMCTL_getdomaininfo, domid);
	xen_domain_handle_t own;
	unsigned long given = 0;
	struct stat was;
	int error = domctl(op);

	if (error) {
		printf("identities: %s\n", name_of(error));
		return;
	}
	memcpy(own, op->u.getdomaininfo.handle, sizeof(own));
	while (given < count && !stat(log, &was) && !set_uuid(domid, given + 1) && has_grown(log, was.st_size + twice))
		given++;
	op = new_domctl(XEN_DOMCTL_setdomainhandle, domid);
	memcpy(op->u.setdomainhandle.handle, own, sizeof(own));
	domctl(op);
	printf("identities: %lu\n", given);
}

/* === A CPU held inside Xen ============================================== */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void stay_on(int vcpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(vcpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* So many debug keys, each of which does nothing, in one call; how long it took. */
static uint64_t press_keys(char *keys, size_t count)
{
	struct xen_sysctl *op = (struct xen_sysctl *)(void *)area->request;
	uint64_t began = now_ms();

	memset(op, 0, sizeof(*op));
	op->cmd = XEN_SYSCTL_debug_keys;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	set_xen_guest_handle(op->u.debug_keys.keys, keys);
	op->u.debug_keys.nr_keys = (uint32_t)count;
	if (xencall1(xen, __HYPERVISOR_sysctl, (uintptr_t)op) < 0) {
		printf("stall: %s\n", name_of(-errno));
		exit(1);
	}
	return now_ms() - began + 1;
}

/* An image for kexec, of so many pages, none of which is copied; loaded and taken back. */
static uint64_t load_image(char *unused, size_t pages)
{
	struct {
		xen_kexec_load_t load;
		xen_kexec_segment_t segment;
	} *image = (void *)area->request;
	uint64_t began = now_ms();

	(void)unused;
	memset(image, 0, sizeof(*image));
	image->load.type = KEXEC_TYPE_DEFAULT;
	image->load.arch = 62; /* EM_X86_64 of elf.h */
	image->load.nr_segments = 1;
	set_xen_guest_handle(image->load.segments.h, &image->segment);
	image->load.entry_maddr = image->segment.dest_maddr = 1ULL << 40;
	image->segment.dest_size = (uint64_t)pages << 12;
	if (xencall2(xen, __HYPERVISOR_kexec_op, KEXEC_CMD_kexec_load, (uintptr_t)image) < 0) {
		printf("stall: kexec_load: %s\n", name_of(-errno));
		exit(1);
	}
	memset(image, 0, sizeof(*image));
	xencall2(xen, __HYPERVISOR_kexec_op, KEXEC_CMD_kexec_unload, (uintptr_t)image);
	return now_ms() - began + 1;
}

/*
 * @call takes longer the more is asked of it.  Writes a byte to @ready when it is known how
 * much that has to be.
 */
static void hold(uint64_t (*call)(char *memory, size_t count), unsigned long ms, int ready)
{
	size_t most = 192UL << 20, count = 1 << 20;
	char *memory = mmap(NULL, most, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | (call == press_keys ? MAP_POPULATE : 0), -1, 0);
	uint64_t took;

	if (memory == MAP_FAILED) {
		perror("access");
		exit(1);
	}
	if (call == press_keys)
		memset(memory, 1, most);
	took = call(memory, count);
	/* A machine may be twice as fast as it has just been. */
	count = count * ms * 2 / took;
	if (write(ready, "", 1) != 1)
		exit(1);
	do {
		count = count < most ? count : most;
		took = call(memory, count);
		count *= 2;
	} while (took < ms && count < 2 * most);
	printf("stall: %lu\n", (unsigned long)took);
	fflush(stdout);
}

static void hold_beside(int vcpu, uint64_t (*call)(char *memory, size_t count), unsigned long ms)
{
	int ready[2];
	char byte;

	fflush(stdout);
	if (pipe(ready))
		exit(1);
	if (!fork()) {
		open_xen();
		stay_on(vcpu);
		hold(call, ms, ready[1]);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		exit(1);
}

static void do_stall(unsigned long ms, unsigned long life_ms, bool two)
{
	int domid;

	if (!life_ms) {
		hold(press_keys, ms, STDERR_FILENO);
		return;
	}
	stay_on(0);
	if (two)
		hold_beside(2, load_image, 2 * ms);
	hold_beside(1, press_keys, ms);
	usleep(1000000);
	domid = create(DOMID_ANY, 1, 1);
	printf("domain: %d\n", domid);
	usleep((useconds_t)(life_ms * 1000));
	while (domid > 0 && destroy((uint32_t)domid) == -EAGAIN)
		;
	puts("domain is gone");
	while (wait(NULL) > 0)
		;
}

/* === A live patch ======================================================= */

static void do_livepatch(char *name, unsigned long action)
{
	struct xen_sysctl *op = (struct xen_sysctl *)(void *)area->request;
	struct xen_sysctl_livepatch_action *asked = &op->u.livepatch.u.action;

	memset(op, 0, sizeof(*op));
	op->cmd = XEN_SYSCTL_livepatch_op;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	op->u.livepatch.cmd = XEN_SYSCTL_LIVEPATCH_ACTION;
	asked->cmd = (uint32_t)action;
	asked->name.size = (uint16_t)(strlen(name) + 1);
	set_xen_guest_handle(asked->name.name, strcpy((char *)(op + 1), name));
	printf("livepatch: %s\n",
	       name_of(xencall1(xen, __HYPERVISOR_sysctl, (uintptr_t)op) < 0 ? -errno : 0));
}

/* === A guest's life ===================================================== */

static void do_flood(unsigned long calls)
{
	unsigned long refused = 0;

	for (unsigned long i = 0; i < calls; i++) {
		refused += call(XEN_SENSE_OP_version, NULL) == -EPERM;
		refused += call(XEN_SENSE_OP_exchange, NULL) == -EPERM;
		refused += call(XEN_SENSE_OP_lock, NULL) == -EPERM;
		refused += call(OTHER_OP + (unsigned int)i, NULL) == -EPERM;
	}
	printf("flood: %lu\n", refused);
}

static bool phase_is(int xenbus, const char *word)
{
	static const char path[] = "ks-phase";
	struct {
		struct xsd_sockmsg head;
		char body[sizeof(path)];
	} message = { .head = { .type = XS_READ, .len = sizeof(path) } };
	char answer[4096];
	struct xsd_sockmsg head;

	memcpy(message.body, path, sizeof(path));
	/* The device takes no padding, and gives the head by itself. */
	if (write(xenbus, &message.head, sizeof(message.head)) < 0 || write(xenbus, message.body, sizeof(path)) < 0 ||
	    read(xenbus, &head, sizeof(head)) != sizeof(head) || head.len >= sizeof(answer)) {
		perror("access: xenbus");
		exit(1);
	}
	for (size_t got = 0; got < head.len;) {
		ssize_t n = read(xenbus, answer + got, head.len - got);

		if (n <= 0)
			exit(1);
		got += (size_t)n;
	}
	answer[head.len] = '\0';
	return head.type == XS_READ && !strcmp(answer, word);
}

static void do_wait(const char *word)
{
	int xenbus = open("/dev/xen/xenbus", O_RDWR);

	if (xenbus < 0) {
		perror("access: /dev/xen/xenbus");
		exit(1);
	}
	while (!phase_is(xenbus, word))
		usleep(300000);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "table", *argument = argc > 2 ? argv[2] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "wait")) {
		do_wait(argument);
		return 0;
	}
	open_xen();
	if (!strcmp(what, "lock"))
		printf("lock: %s\n", name_of(lock((uint32_t)strtoul(argument, NULL, 0))));
	else if (!strcmp(what, "lock-wrong"))
		do_lock_wrong();
	else if (!strcmp(what, "policy"))
		for (int i = 2; i < argc; i++)
			do_policy(argv[i]);
	else if (!strcmp(what, "map"))
		do_map((uint32_t)strtoul(argument, NULL, 0), strtoul(argc > 3 ? argv[3] : "", NULL, 0));
	else if (!strcmp(what, "frames") && argc > 5)
		do_frames(argument, (uint32_t)strtoul(argv[3], NULL, 0), strtoull(argv[4], NULL, 0),
			  strtoull(argv[5], NULL, 0));
	else if (!strcmp(what, "add-memory") && argc > 3)
		do_add_memory(strtoull(argument, NULL, 0), strtoull(argv[3], NULL, 0));
	else if (!strcmp(what, "debug"))
		do_debug();
	else if (!strcmp(what, "create"))
		do_create(argc > 2 ? (uint32_t)strtoul(argument, NULL, 0) : 1);
	else if (!strcmp(what, "vcpu"))
		do_vcpu((uint32_t)strtoul(argument, NULL, 0), argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 1);
	else if (!strcmp(what, "halt") || !strcmp(what, "go"))
		do_halt(what, (uint32_t)strtoul(argument, NULL, 0));
	else if (!strcmp(what, "models") && argc > 3)
		do_models(strtoul(argument, NULL, 0), strtoul(argv[3], NULL, 0));
	else if (!strcmp(what, "destroy"))
		printf("destroy: %s\n", name_of(destroy((uint32_t)strtoul(argument, NULL, 0))));
	else if (!strcmp(what, "half"))
		printf("half: %s\n", name_of(create(DOMID_ANY, 0, 1)));
	else if (!strcmp(what, "replace"))
		do_replace((uint32_t)strtoul(argument, NULL, 0));
	else if (!strcmp(what, "rename") && argc > 4)
		do_rename(strtoul(argument, NULL, 0), strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
	else if (!strcmp(what, "rows"))
		do_rows(strtoul(argument, NULL, 0), strtoul(argc > 3 ? argv[3] : "", NULL, 0));
	else if (!strcmp(what, "identities"))
		do_identities((uint32_t)strtoul(argument, NULL, 0), strtoul(argc > 3 ? argv[3] : "", NULL, 0),
			      argc > 4 ? argv[4] : "");
	else if (!strcmp(what, "stall"))
		do_stall(strtoul(argument, NULL, 0), strtoul(argc > 3 ? argv[3] : "", NULL, 0), argc > 4);
	else if (!strcmp(what, "livepatch") && argc > 3)
		do_livepatch(argv[2], strtoul(argv[3], NULL, 0));
	else if (!strcmp(what, "flood"))
		do_flood(strtoul(argument, NULL, 0));
	else
		do_table();
	return 0;
}
