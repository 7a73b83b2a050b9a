// SPDX-License-Identifier: GPL-2.0-only
/*
 * domains.c - the probe xen-domains: what runs on this machine as Xen sees it.  Domains, their vCPUs, and what is Xen's own:
 * the idle vCPUs and the works of the sensor.
 *
 * One item is copied at a time, under RCU, so domains may come and go between two.  The place is kept as numbers, not as
 * pointers: the next domain id in Xen's list, which is in order of ids, and the next vCPU in it.
 */
#include <xen/cpumask.h>
#include <xen/rcupdate.h>
#include <xen/sched.h>
#include <public/sched.h>

#include "../../xen/works.h"
#include "../set.h"
#include "domains.h"
#ifdef CONFIG_X86
#include "x86.h"
#endif

/* === Data === */

#define KS_AFFINITY 32

struct ks_domain {
	uint16_t domid;
	uint8_t uuid[16];
	char type[4];
	char state[9];
	uint8_t control, hardware, xenstore, sensing;
	int64_t target;
	uint32_t pages, max_pages, vcpus;
};

static const struct ks_field ks_domain_fields[] = {
	KS_FIELD(struct ks_domain, domid, KS_U16, "its id"),
	KS_FIELD(struct ks_domain, uuid, KS_UUID,
		 "the handle given by the toolstack; Dom0's is all zero. Another uuid under the same id: another domain"),
	KS_FIELD(struct ks_domain, type, KS_STRING, "`PV`, `HVM`, or `PVH`: hardware-virtualised, and none of a PC's legacy devices emulated"),
	KS_FIELD(struct ks_domain, state, KS_STRING, "`running`, `paused` (by the toolstack), `shutdown`, `crashed`, `dying`"),
	KS_FIELD(struct ks_domain, control, KS_BOOL, "may make privileged hypercalls"),
	KS_FIELD(struct ks_domain, hardware, KS_BOOL, "owns the hardware"),
	KS_FIELD(struct ks_domain, xenstore, KS_BOOL, "runs xenstore"),
	KS_FIELD(struct ks_domain, sensing, KS_BOOL, "is [the sensing domain](../sensing-domain.md)"),
	KS_FIELD(struct ks_domain, target, KS_S64,
		 "id of the domain that it has all rights over, as a device model in a domain of its own does; -1: none"),
	KS_FIELD(struct ks_domain, pages, KS_U32, "[pages of 4 KiB] memory that it has"),
	KS_FIELD(struct ks_domain, max_pages, KS_U32, "[pages of 4 KiB] memory that it may have; 4294967295: without limit"),
	KS_FIELD(struct ks_domain, vcpus, KS_U32, "vCPUs that exist, online or not"),
};

struct ks_vcpu {
	uint16_t domid, vcpu;
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
	KS_FIELD(struct ks_vcpu, online, KS_BOOL, "brought up by the guest"),
	KS_LIVE(struct ks_vcpu, state, KS_STRING, "`running`, `runnable` (waits for a CPU), `blocked` (waits for an event), `paused`, `offline`"),
	KS_LIVE(struct ks_vcpu, cpu, KS_U32, "physical CPU on which it is, or was last"),
	KS_LIVE(struct ks_vcpu, runtime_ns, KS_U64, "[ns] time that it ran"),
	KS_FIELD(struct ks_vcpu, affinity, KS_STRING,
		 "physical CPUs on which it may run: `all`, or a list as `0-2,5`; ends in `+` when it is too long for 31 characters. While Xen "
		 "has moved a vCPU for a time (a CPU goes away), the list to which it will return"),
	KS_LIVE(struct ks_vcpu, root, KS_HEX, "[frame number] PV: the page-table root of the guest's kernel; `0x0` for HVM and PVH"),
	KS_LIVE(struct ks_vcpu, user_root, KS_HEX, "[frame number] PV, 64 bit: the page-table root of its user space; `0x0`: none loaded yet"),
};

struct ks_idle {
	uint16_t cpu;
	uint64_t runtime_ns;
};

static const struct ks_field ks_idle_fields[] = {
	KS_FIELD(struct ks_idle, cpu, KS_U16, "which CPU; one that goes offline is `vanished`"),
	KS_LIVE(struct ks_idle, runtime_ns, KS_U64, "[ns] time in which no vCPU of a guest ran there"),
};

struct ks_work_item {
	char name[KS_WORK_NAME];
	uint64_t runs;
	uint32_t cpu;
};

static const struct ks_field ks_work_fields[] = {
	KS_FIELD(struct ks_work_item, name, KS_STRING, "a probe's; the supervisor has the sensor's"),
	KS_LIVE(struct ks_work_item, runs, KS_U64, "how often it ran"),
	KS_LIVE(struct ks_work_item, cpu, KS_U32, "where last: they go round over the CPUs on which they may run"),
};

enum { KS_KIND_DOMAIN, KS_KIND_VCPU, KS_KIND_IDLE, KS_KIND_WORK };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_DOMAIN] = KS_KIND("domain", struct ks_domain, ks_domain_fields, domid, "A domain."),
	[KS_KIND_VCPU] = KS_KIND("vcpu", struct ks_vcpu, ks_vcpu_fields, vcpu, "A vCPU of a domain."),
	[KS_KIND_IDLE] = KS_KIND("idle", struct ks_idle, ks_idle_fields, cpu,
		 "Xen's own thread on each online physical CPU: it runs tasklets, and halts when there are none."),
	[KS_KIND_WORK] = KS_KIND("work", struct ks_work_item, ks_work_fields, name, "The threads of the sensor itself."),
};

/* Where a walk stands: in cursor->at[]. */
enum { AT_STAGE, AT_INDEX, AT_VCPU };
enum { STAGE_DOMAINS, STAGE_IDLE, STAGE_WORKS };

/* === Internals === */

static const char *ks_domain_state(const struct domain *d)
{
	if (d->is_dying)
		return "dying";
	if (d->is_shut_down)
		return d->shutdown_code == SHUTDOWN_crash ? "crashed" : "shutdown";
	if (d->controller_pause_count > 0)
		return "paused";
	return "running";
}

static void ks_copy_domain(const struct domain *d, struct ks_domain *item)
{
	const struct domain *target = read_atomic(&d->target);
	unsigned int i;

	item->domid = d->domain_id;
	memcpy(item->uuid, d->handle, sizeof(item->uuid));
	strlcpy(item->type, ks_domain_type(d), sizeof(item->type));
	strlcpy(item->state, ks_domain_state(d), sizeof(item->state));
	item->control = d->is_privileged;
	item->hardware = is_hardware_domain(d);
	item->xenstore = is_xenstore_domain(d);
	item->sensing = is_sensing_domain(d);
	/* A domain holds a reference on its target until its own end. */
	item->target = target ? target->domain_id : -1;
	item->pages = domain_tot_pages(d);
	item->max_pages = d->max_pages;
	for (i = 0; i < d->max_vcpus && d->vcpu[i]; i++)
		;
	item->vcpus = i;
}

/*
 * The CPUs of @mask as "all" or "0-2,5"; what does not fit ends in "+".  All means all that this machine could ever have, so that
 * the text stays the same when one comes or goes.
 */
static void ks_cpu_list(const cpumask_t *mask, char *out, size_t size)
{
	if (find_first_zero_bit(cpumask_bits(mask), nr_cpu_ids) >= nr_cpu_ids) {
		strlcpy(out, "all", size);
		return;
	}
	if (snprintf(out, size, "%*pbl", nr_cpu_ids, cpumask_bits(mask)) < size)
		return;
	/* A number that was cut off would be another number. */
	for (size--; size && out[size - 1] != ','; size--)
		;
	if (size)
		out[size - 1] = '+';
	out[size] = '\0';
}

static void ks_copy_vcpu(const struct vcpu *v, struct ks_vcpu *item)
{
	static const char states[][9] = {
		[RUNSTATE_running] = "running",
		[RUNSTATE_runnable] = "runnable",
		[RUNSTATE_blocked] = "blocked",
		[RUNSTATE_offline] = "paused",
	};
	const struct sched_unit *unit = v->sched_unit;
	struct vcpu_runstate_info runstate;

	vcpu_runstate_get(v, &runstate);
	item->domid = v->domain->domain_id;
	item->vcpu = v->vcpu_id;
	item->online = is_vcpu_online(v);
	memcpy(item->state, item->online ? states[runstate.state] : "offline", sizeof("offline"));
	item->cpu = v->processor;
	item->runtime_ns = runstate.time[RUNSTATE_running];
	/* While Xen itself has moved it, for an NMI or off a CPU that goes away, what counts is where it will return to. */
	ks_cpu_list(v->affinity_broken ? unit->cpu_hard_affinity_saved : unit->cpu_hard_affinity, item->affinity,
		    sizeof(item->affinity));
	ks_vcpu_roots(v, &item->root, &item->user_root);
}

/* Both the domain itself and its vCPUs; the index of the item's kind, or KS_SET_END behind the last domain. */
static int ks_next_of_domains(struct ks_set_cursor *cursor, void *item)
{
	struct domain *d;
	int kind = KS_SET_END;

	rcu_read_lock(&domlist_read_lock);
	d = ks_domain_from(cursor->at[AT_INDEX]);
	if (d && d->domain_id != cursor->at[AT_INDEX])
		cursor->at[AT_VCPU] = 0;
	while (d) {
		/* 0 stands for the domain; a vCPU that does not exist (yet) is the end of them. */
		uint64_t at = cursor->at[AT_VCPU]++;
		const struct vcpu *v = at ? domain_vcpu(d, at - 1) : NULL;

		cursor->at[AT_INDEX] = d->domain_id;
		if (!at) {
			ks_copy_domain(d, item);
			kind = KS_KIND_DOMAIN;
			break;
		}
		if (v) {
			ks_copy_vcpu(v, item);
			kind = KS_KIND_VCPU;
			break;
		}
		d = rcu_dereference(d->next_in_list);
		cursor->at[AT_VCPU] = 0;
	}
	rcu_read_unlock(&domlist_read_lock);
	return kind;
}

static int ks_next_idle(struct ks_set_cursor *cursor, struct ks_idle *item)
{
	unsigned int cpu = cpumask_next((int)cursor->at[AT_INDEX] - 1, &cpu_online_map);

	if (cpu >= nr_cpu_ids)
		return KS_SET_END;
	cursor->at[AT_INDEX] = cpu + 1;
	item->cpu = cpu;
	item->runtime_ns = get_cpu_idle_time(cpu);
	return KS_KIND_IDLE;
}

static int ks_next_work(struct ks_set_cursor *cursor, struct ks_work_item *item)
{
	struct ks_work_info info;

	if (!ks_work_info(cursor->at[AT_INDEX]++, &info))
		return KS_SET_END;
	memcpy(item->name, info.name, sizeof(item->name));
	item->runs = info.runs;
	item->cpu = info.cpu;
	return KS_KIND_WORK;
}

static KS_CB int ks_domains_next(struct ks_probe *probe, struct ks_set_cursor *cursor, void *item)
{
	for (;;) {
		int kind = KS_SET_END;

		switch (cursor->at[AT_STAGE]) {
		case STAGE_DOMAINS:
			kind = ks_next_of_domains(cursor, item);
			break;
		case STAGE_IDLE:
			kind = ks_next_idle(cursor, item);
			break;
		case STAGE_WORKS:
			kind = ks_next_work(cursor, item);
			break;
		default:
			return KS_SET_END;
		}
		if (kind != KS_SET_END)
			return kind;
		cursor->at[AT_STAGE]++;
		cursor->at[AT_INDEX] = cursor->at[AT_VCPU] = 0;
	}
}

/* === Interface === */

static const struct ks_set_type ks_domains_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items_max = 1024,
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
