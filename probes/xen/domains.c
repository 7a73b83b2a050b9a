// SPDX-License-Identifier: GPL-2.0-only
/*
 * domains.c - the probe xen-domains: what runs on this machine as Xen sees it.  Domains, their
 * vCPUs, and what is Xen's own: the idle vCPUs and the works of the sensor.
 *
 * One item is copied at a time, under RCU, so domains may come and go between two.  The place is
 * kept as numbers, not as pointers: the next domain id in Xen's list, which is in order of ids,
 * and the next vCPU in it.
 *
 * What keeps what is read here alive (docs/xen-lifetimes.md has the same for all probes):
 *
 *   a domain, d->vcpu[], a vCPU   domlist_read_lock: complete_domain_destroy() frees them a grace
 *                                 period after the domain left the list
 *   d->target                     the reference that d holds until then
 *   v->sched_unit, its masks      not RCU: a move to another CPU pool frees them at once.  The
 *                                 lock of the CPU that the vCPU is on does, see
 *                                 ks_copy_scheduling()
 *   a CPU's scheduling resource   sched_res_rculock, and that its CPU is online: see xen/port.c
 *   idle_vcpu[cpu]                never freed; its unit is found through the CPU's resource, by
 *                                 get_cpu_idle_time()
 *   a work                        ks_work_info() copies it under the list's lock
 */
#include <xen/cpumask.h>
#include <xen/mm.h>
#include <xen/rcupdate.h>
#include <xen/sched.h>
#include <xen/sense.h>
#include <public/sched.h>

#include "../../../sched/private.h"
#include "../../xen/compat.h"
#include "../../xen/works.h"
#include "../set.h"
#include "domains.h"
#ifdef CONFIG_X86
#include "x86.h"
#endif

/* === Data === */

#define KS_AFFINITY 32

struct ks_domain {
	uint64_t instance;
	uint16_t domid;
	uint8_t uuid[16];
	/*
	 * Of its target, or its own: a device model in a domain of its own comes and goes with the
	 * guest that it is for, each time under another uuid.
	 */
	uint8_t by[16];
	char type[4];
	char state[9];
	uint8_t control, hardware, xenstore, sensing;
	int32_t target;
	uint32_t pages, max_pages, vcpus;
};

static const struct ks_field ks_domain_fields[] = {
	KS_FIELD(struct ks_domain, domid, KS_U16, "its id"),
	KS_FIELD(struct ks_domain, instance, KS_COUNT,
		 "tells it from others that had its id before: no two domains have the same, until the host reboots"),
	KS_FIELD(struct ks_domain, uuid, KS_UUID,
		 "the handle given by the toolstack, which can change it; Dom0's is all zero"),
	KS_FIELD(struct ks_domain, type, KS_STRING,
		 "`PV`, `HVM`, or `PVH`: hardware-virtualised, and none of a PC's legacy devices emulated"),
	KS_FIELD(struct ks_domain, state, KS_STRING,
		 "`running`, `paused` (by the toolstack), `shutdown`, `crashed`, `dying`"),
	KS_GUARD(struct ks_domain, control, KS_BOOL, "may make privileged hypercalls"),
	KS_GUARD(struct ks_domain, hardware, KS_BOOL, "owns the hardware"),
	KS_GUARD(struct ks_domain, xenstore, KS_BOOL, "runs xenstore"),
	KS_GUARD(struct ks_domain, sensing, KS_BOOL, "is [the sensing domain](../sensing-domain.md)"),
	KS_GUARD(struct ks_domain, target, KS_S32,
		 "id of the domain that it has all rights over, as a device model in a domain of its own does; -1: "
		 "none"),
	KS_LIVE(struct ks_domain, pages, KS_U32, "[pages of 4 KiB] memory that it has"),
	KS_FIELD(struct ks_domain, max_pages, KS_U32,
		 "[pages of 4 KiB] memory that it may have; 4294967295: without limit"),
	KS_FIELD(struct ks_domain, vcpus, KS_U32, "vCPUs that exist, online or not"),
};

struct ks_vcpu {
	uint16_t domid, vcpu;
	uint64_t instance;
	uint8_t uuid[16];       /* of its domain */
	uint8_t online;
	char state[9];
	uint32_t cpu;
	uint64_t runtime_ns;
	char affinity[KS_AFFINITY];
	uint64_t root, user_root;
};

static const struct ks_field ks_vcpu_fields[] = {
	KS_FIELD(struct ks_vcpu, domid, KS_U16, "whose"),
	KS_FIELD(struct ks_vcpu, vcpu, KS_U16, "which"),
	KS_FIELD(struct ks_vcpu, instance, KS_COUNT,
		 "of its domain: it changes where another domain has this id by now"),
	KS_FIELD(struct ks_vcpu, online, KS_BOOL, "brought up by the guest"),
	KS_LIVE(struct ks_vcpu, state, KS_STRING,
		"`running`, `runnable` (waits for a CPU), `blocked` (waits for an event), `paused`, `offline`"),
	KS_LIVE(struct ks_vcpu, cpu, KS_U32, "physical CPU on which it is, or was last"),
	KS_LIVE(struct ks_vcpu, runtime_ns, KS_NS, "[ns] time that it ran"),
	KS_FIELD(struct ks_vcpu, affinity, KS_STRING,
		 "physical CPUs on which it may run: `all`, or a list as `0-2,5`; ends in `+` when it is too long for "
		 "31 characters. While Xen "
		 "has moved a vCPU for a time (a CPU goes away), the list to which it will return"),
	KS_LIVE(struct ks_vcpu, root, KS_HEX,
		"[frame number] PV: the page-table root of the guest's kernel; `0x0` for HVM and PVH"),
	KS_LIVE(struct ks_vcpu, user_root, KS_HEX,
		"[frame number] PV, 64 bit: the page-table root of its user space; `0x0`: none loaded yet"),
};

struct ks_idle {
	uint16_t cpu;
	uint64_t runtime_ns;
};

static const struct ks_field ks_idle_fields[] = {
	KS_FIELD(struct ks_idle, cpu, KS_U16, "which CPU; one that goes offline is `vanished`"),
	KS_LIVE(struct ks_idle, runtime_ns, KS_NS, "[ns] time in which no vCPU of a guest ran there"),
};

struct ks_work_item {
	char name[KS_WORK_NAME];
	uint64_t runs;
	uint32_t cpu;
};

static const struct ks_field ks_work_fields[] = {
	KS_FIELD(struct ks_work_item, name, KS_STRING, "a probe's; the supervisor has the sensor's"),
	KS_LIVE(struct ks_work_item, runs, KS_COUNT, "how often it ran"),
	KS_LIVE(struct ks_work_item, cpu, KS_U32, "where last: they go round over the CPUs on which they may run"),
};

struct ks_unseen {
	uint64_t count, last_ns;
};

static const struct ks_field ks_unseen_fields[] = {
	KS_FIELD(struct ks_unseen, count, KS_COUNT, "how many since boot"),
	KS_LIVE(struct ks_unseen, last_ns, KS_NS, "[ns] when the last of them was gone, since boot"),
};

enum { KS_KIND_DOMAIN, KS_KIND_VCPU, KS_KIND_IDLE, KS_KIND_WORK, KS_KIND_UNSEEN };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_DOMAIN] = KS_KIND_BY_SELF("domain", struct ks_domain, ks_domain_fields, domid, by, instance,
		"A domain."),
	[KS_KIND_VCPU] = KS_KIND_BY_SELF("vcpu", struct ks_vcpu, ks_vcpu_fields, vcpu, uuid, instance,
		"A vCPU of a domain, unless that is `dying`: it never runs again."),
	[KS_KIND_IDLE] = KS_KIND("idle", struct ks_idle, ks_idle_fields, cpu,
		"Xen's own thread on each online physical CPU: it runs tasklets, and halts when there are none."),
	[KS_KIND_WORK] = KS_KIND("work", struct ks_work_item, ks_work_fields, name,
		"The threads of the sensor itself."),
	[KS_KIND_UNSEEN] = KS_ONE("unseen", struct ks_unseen, ks_unseen_fields,
				  "One, if there have been any: the domains that came and went, and no sample has "
				  "them. Those that Xen began to make and then could "
				  "not, as well."),
};

/* Where a walk stands: in progress->at[]. */
enum { AT_STAGE, AT_INDEX, AT_VCPU, AT_TRIES };
enum { STAGE_DOMAINS, STAGE_IDLE, STAGE_WORKS, STAGE_UNSEEN };

static DEFINE_SPINLOCK(ks_instances_lock);

static DEFINE_SPINLOCK(ks_unseen_lock);
static struct ks_unseen ks_unseen;

/* === Internals === */

static const char *ks_domain_state(const struct domain *d)
{
	if (d->is_dying)
		return "dying";
	if (domain_shutdown_completed(d))
		return d->shutdown_code == SHUTDOWN_crash ? "crashed" : "shutdown";
	if (d->controller_pause_count > 0)
		return "paused";
	return "running";
}

/* How many there are: they are made in their order, and are there until the domain is gone. */
static unsigned int ks_vcpus(const struct domain *d)
{
	unsigned int there = 0, none = d->max_vcpus;

	while (there < none) {
		unsigned int middle = there + (none - there) / 2;

		if (read_atomic(&d->vcpu[middle]))
			there = middle + 1;
		else
			none = middle;
	}
	return there;
}

static void ks_copy_domain(struct domain *d, struct ks_domain *item)
{
	const struct domain *target = read_atomic(&d->target);

	d->sense_seen = true;
	item->domid = d->domain_id;
	item->instance = ks_domain_instance(d);
	memcpy(item->uuid, d->handle, sizeof(item->uuid));
	memcpy(item->by, (target ? target : d)->handle, sizeof(item->by));
	strlcpy(item->type, ks_domain_type(d), sizeof(item->type));
	strlcpy(item->state, ks_domain_state(d), sizeof(item->state));
	item->control = d->is_privileged;
	item->hardware = is_hardware_domain(d);
	item->xenstore = is_xenstore_domain(d);
	item->sensing = is_sensing_domain(d);
	item->target = target ? target->domain_id : -1;
	item->pages = ks_domain_pages(d);
	item->max_pages = d->max_pages;
	item->vcpus = ks_vcpus(d);
}

/*
 * The CPUs of @mask as "all" or "0-2,5"; what does not fit ends in "+".  All means all that this
 * machine could ever have, so that the text stays the same when one comes or goes.
 */
static void ks_cpu_list(const cpumask_t *mask, char *out, size_t size)
{
	char part[sizeof(",4294967295-4294967295")];
	unsigned int first, last;
	size_t used = 0, len;

	if (find_first_zero_bit(cpumask_bits(mask), nr_cpu_ids) >= nr_cpu_ids) {
		strlcpy(out, "all", size);
		return;
	}
	for (first = cpumask_first(mask); first < nr_cpu_ids; first = cpumask_next(last, mask)) {
		last = find_next_zero_bit(cpumask_bits(mask), nr_cpu_ids, first + 1) - 1;
		len = snprintf(part, sizeof(part), first == last ? "%s%u" : "%s%u-%u", used ? "," : "", first, last);
		/* Room for it, and for the sign that there are more. */
		if (used + len + 1 + (cpumask_next(last, mask) < nr_cpu_ids) > size) {
			out[used++] = '+';
			break;
		}
		memcpy(out + used, part, len);
		used += len;
	}
	out[used] = '\0';
}

/* What a vCPU's scheduling looks like, all of one moment. */
struct ks_scheduling {
	struct vcpu_runstate_info runstate;
	unsigned int cpu;
	/*
	 * On the stack it would be too large with thousands of CPUs; there is one probe of this
	 * kind, and never two of its steps at once.
	 */
	cpumask_t *affinity;
};

/*
 * False: the vCPU is being moved just now, ask again.
 *
 * sched_move_domain() gives a domain's vCPUs new units, and frees the old ones with a plain
 * xfree().  vcpu_runstate_get() finds the lock through the unit, so it is for callers whom no move
 * can come across: those of sysctl, as moves are, and the vCPU itself, which a move pauses.  Here
 * the lock is found through v->processor.  The move takes the lock of each unit's CPU twice, and
 * keeps to this order:
 *
 *   1. old unit's lock: v->processor becomes the pool's first CPU
 *   2. v->sched_unit becomes the new unit, without a lock
 *   3. new unit's lock, still that CPU's: v->processor becomes one of the new pool
 *   4. the old units are freed
 *
 * Who holds the lock of the CPU that v->processor says keeps the move before step 1 or 3, and with
 * it the unit that he finds, whichever it is; and behind step 3 he finds the new one.  The
 * domain's end frees units, too, but after a grace period.
 */
static bool ks_copy_scheduling(const struct vcpu *v, struct ks_scheduling *to)
{
	unsigned int cpu = read_atomic(&v->processor);
	const struct sched_unit *unit;
	bool same = false;
	spinlock_t *lock;
	s_time_t delta;

	rcu_read_lock(&sched_res_rculock);
	/* While the machine resumes from suspend, a vCPU may be on one that is not up again. */
	if (cpu_online(cpu) && get_sched_res(cpu)) {
		lock = pcpu_schedule_lock_irq(cpu);
		same = read_atomic(&v->processor) == cpu;
		if (same) {
			smp_rmb(); /* v->processor before v->sched_unit: step 3 before step 2 */
			unit = read_atomic(&v->sched_unit);
			to->cpu = cpu;
			to->runstate = v->runstate;
			delta = NOW() - to->runstate.state_entry_time;
			if (delta > 0)
				to->runstate.time[to->runstate.state] += delta;
			/*
			 * While Xen itself has moved it, for an NMI or off a CPU that goes away,
			 * what counts is where it will return to.
			 */
			cpumask_copy(to->affinity, v->affinity_broken ? unit->cpu_hard_affinity_saved :
									unit->cpu_hard_affinity);
		}
		pcpu_schedule_unlock_irq(lock, cpu);
	}
	rcu_read_unlock(&sched_res_rculock);
	return same;
}

static bool ks_copy_vcpu(struct vcpu *v, struct ks_vcpu *item)
{
	static const char states[][9] = {
		[RUNSTATE_running] = "running",
		[RUNSTATE_runnable] = "runnable",
		[RUNSTATE_blocked] = "blocked",
		[RUNSTATE_offline] = "paused",
	};
	static cpumask_t affinity;
	struct ks_scheduling scheduling = { .affinity = &affinity };

	if (!ks_copy_scheduling(v, &scheduling))
		return false;
	item->domid = v->domain->domain_id;
	item->vcpu = v->vcpu_id;
	item->instance = ks_domain_instance(v->domain);
	memcpy(item->uuid, v->domain->handle, sizeof(item->uuid));
	item->online = is_vcpu_online(v);
	memcpy(item->state, item->online ? states[scheduling.runstate.state] : "offline", sizeof("offline"));
	item->cpu = scheduling.cpu;
	item->runtime_ns = scheduling.runstate.time[RUNSTATE_running];
	ks_cpu_list(&affinity, item->affinity, sizeof(item->affinity));
	ks_vcpu_roots(v, &item->root, &item->user_root);
	return true;
}

/*
 * So often a vCPU may be in the middle of a move when it is looked at, which takes microseconds.
 */
#define TRIES_MAX 10000

/*
 * Both the domain itself and its vCPUs; the index of the item's kind, or KS_SET_END behind the
 * last domain.
 */
static int ks_next_of_domains(struct ks_set_progress *progress, void *item)
{
	struct domain *d;
	int kind;

	rcu_read_lock(&domlist_read_lock);
	d = ks_domain_from(&progress->at[AT_INDEX], &progress->at[AT_VCPU]);
	kind = d || progress->at[AT_INDEX] >= KS_NO_DOMAIN_FROM ? KS_SET_END : KS_SET_SKIP;
	while (d) {
		/*
		 * 0 stands for the domain; a vCPU that does not exist (yet) is the end of them.
		 * None is told of a domain that is dying: two guests can keep as many of these
		 * as they like, by a page of each, and all their vCPUs would fill the table.
		 */
		uint64_t at = progress->at[AT_VCPU]++;
		struct vcpu *v = at && !d->is_dying ? domain_vcpu(d, at - 1) : NULL;

		progress->at[AT_INDEX] = d->domain_id;
		if (!at) {
			ks_copy_domain(d, item);
			kind = KS_KIND_DOMAIN;
			break;
		}
		if (v && !ks_copy_vcpu(v, item)) {
			progress->at[AT_VCPU] = at;
			kind = ++progress->at[AT_TRIES] < TRIES_MAX ? KS_SET_SKIP : KS_SET_FAILED;
			break;
		}
		if (v) {
			progress->at[AT_TRIES] = 0;
			kind = KS_KIND_VCPU;
			break;
		}
		d = rcu_dereference(d->next_in_list);
		progress->at[AT_VCPU] = 0;
	}
	rcu_read_unlock(&domlist_read_lock);
	return kind;
}

static int ks_next_idle(struct ks_set_progress *progress, struct ks_idle *item)
{
	unsigned int cpu = cpumask_next((int)progress->at[AT_INDEX] - 1, &cpu_online_map);

	if (cpu >= nr_cpu_ids)
		return KS_SET_END;
	progress->at[AT_INDEX] = cpu + 1;
	item->cpu = cpu;
	item->runtime_ns = get_cpu_idle_time(cpu);
	return KS_KIND_IDLE;
}

static int ks_next_work(struct ks_set_progress *progress, struct ks_work_item *item)
{
	struct ks_work_info info;

	if (!ks_work_info(progress->at[AT_INDEX]++, &info))
		return KS_SET_END;
	memcpy(item->name, info.name, sizeof(item->name));
	item->runs = info.runs;
	item->cpu = info.cpu;
	return KS_KIND_WORK;
}

static int ks_next_unseen(struct ks_set_progress *progress, struct ks_unseen *item)
{
	if (progress->at[AT_INDEX]++)
		return KS_SET_END;
	spin_lock(&ks_unseen_lock);
	*item = ks_unseen;
	spin_unlock(&ks_unseen_lock);
	return item->count ? KS_KIND_UNSEEN : KS_SET_END;
}

static KS_CB int ks_domains_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	for (;;) {
		int kind = KS_SET_END;

		switch (progress->at[AT_STAGE]) {
		case STAGE_DOMAINS:
			kind = ks_next_of_domains(progress, item);
			break;
		case STAGE_IDLE:
			kind = ks_next_idle(progress, item);
			break;
		case STAGE_WORKS:
			kind = ks_next_work(progress, item);
			break;
		case STAGE_UNSEEN:
			kind = ks_next_unseen(progress, item);
			break;
		default:
			return KS_SET_END;
		}
		if (kind == KS_SET_FAILED)
			ks_probe_failed(probe, "a vCPU stays on a CPU that is not there");
		if (kind != KS_SET_END)
			return kind;
		progress->at[AT_STAGE]++;
		progress->at[AT_INDEX] = progress->at[AT_VCPU] = 0;
	}
}

/* === Interface === */

/* The memory of a new struct domain is zeroed. */
uint64_t ks_domain_instance(struct domain *d)
{
	static uint64_t last;
	uint64_t instance;

	spin_lock(&ks_instances_lock);
	if (!d->sense_instance)
		d->sense_instance = ++last;
	instance = d->sense_instance;
	spin_unlock(&ks_instances_lock);
	return instance;
}

/*
 * A grace period after it left Xen's list, so no walk can still come to it: it has been seen by
 * now, or it never is.  Xen's own, which are no domains but by name, are in no list.
 */
void sense_domain_freed(const struct domain *d)
{
	if (is_system_domain(d) || d->sense_seen)
		return;
	spin_lock(&ks_unseen_lock);
	ks_unseen.count++;
	ks_unseen.last_ns = NOW();
	spin_unlock(&ks_unseen_lock);
}

/* As many domains of 16 MiB as the machine has memory for, with eight vCPUs each. */
#define DOMAIN_PAGES (1UL << (24 - PAGE_SHIFT))
#define ITEMS_OF_DOMAIN 9
#define ITEMS_MIN 1024

static KS_CB uint32_t ks_domains_items(void)
{
	uint32_t domains = min_t(unsigned long, total_pages / DOMAIN_PAGES, DOMID_FIRST_RESERVED);

	return max_t(uint32_t, domains * ITEMS_OF_DOMAIN + 2 * nr_cpu_ids + 1, ITEMS_MIN);
}

/* Xen's own threads, Dom0, and a few guests. */
static KS_CB uint32_t ks_domains_first(void)
{
	return 4 * nr_cpu_ids + 32;
}

static const struct ks_set_type ks_domains_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items = ks_domains_items,
	.first_items = ks_domains_first,
	.next = ks_domains_next,
};

const struct ks_probe_type ks_xen_domains = {
	.name = "xen-domains",
	.interval_ns = {
		[KS_LOW] = SECONDS(10),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(500),
		[KS_ADVERSARIAL] = MILLISECS(100),
	},
	.pause_ns = {
		[KS_LOW] = MICROSECS(500),
		[KS_DEFAULT] = MICROSECS(500),
		[KS_HIGH] = MICROSECS(250),
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&ks_domains_set),
};
