// SPDX-License-Identifier: GPL-2.0-only
/*
 * entries.c - the probe dom0-entries: where Xen enters Dom0's kernel, as that kernel has
 * registered it: its trap table, its callbacks, and the frames of its GDT.
 *
 * A paravirtual kernel has no IDT and no LSTAR of its own: each exception, event and system call
 * goes through what is here.  It registers all of it as a vCPU starts, and a Linux never changes
 * it afterwards.  A kernel that is not paravirtual registers nothing: then there is one item,
 * which says so.
 *
 * A Linux that starts has one table after the other within its first seconds.  Until a minute
 * after boot that is no alarm, and what is there then is what must not change.
 *
 * Dom0's vCPUs are there for as long as Dom0 is, and with them their tables (pv_vcpu_initialise(),
 * x86); Dom0 is kept by ks_lock_hardware_domain().  Frames of its GDT are told by number and not
 * looked into.  An entry is read while the guest may write it: then one sample may have its old
 * address with its new flags.
 */
#include <xen/sched.h>
#include <asm/x86-defns.h>

#include "../set.h"
#include "domains.h"
#include "x86.h"

/* === Data === */

struct ks_dom0 {
	uint16_t domid;
	char type[4];
	uint8_t registers;
	uint32_t vcpus;
};

static const struct ks_field ks_dom0_fields[] = {
	KS_FIELD(struct ks_dom0, domid, KS_U16, "the domain that owns the hardware"),
	KS_FIELD(struct ks_dom0, type, KS_STRING, "`PV`, `PVH`, `HVM`"),
	KS_FIELD(struct ks_dom0, registers, KS_BOOL,
		 "its kernel registers its entry points with Xen; `false`: it has an IDT of its own, Xen knows "
		 "nothing of it, and this is the "
		 "only record"),
	KS_FIELD(struct ks_dom0, vcpus, KS_U32, "vCPUs that it may have"),
};

struct ks_trap {
	uint16_t vcpu, vector;
	uint16_t cs;
	uint8_t dpl;
	uint8_t masks_events;
	uint64_t address;
};

static const struct ks_field ks_trap_fields[] = {
	KS_FIELD(struct ks_trap, vcpu, KS_U16, "whose"),
	KS_FIELD(struct ks_trap, vector, KS_U16, "0 to 255, as in an IDT"),
	KS_FIELD(struct ks_trap, address, KS_HEX, "where it leads"),
	KS_FIELD(struct ks_trap, cs, KS_U16, "the code segment that it is run in"),
	KS_FIELD(struct ks_trap, dpl, KS_U8,
		 "the privilege level from which on it can be raised by an instruction (`int`); 3: programs may"),
	KS_FIELD(struct ks_trap, masks_events, KS_BOOL, "events are masked as it is entered"),
};

struct ks_traps {
	uint16_t vcpu;
	char vectors[X86_IDT_VECTORS / 4];
};

static const struct ks_field ks_traps_fields[] = {
	KS_FIELD(struct ks_traps, vcpu, KS_U16, "whose"),
	KS_FIELD(struct ks_traps, vectors, KS_STRING,
		 "a bit for each vector that leads anywhere, as 64 hex digits: vector 0 is the last digit's lowest"),
};

struct ks_callback {
	uint16_t vcpu;
	char name[10];
	uint16_t cs;
	uint8_t masks_events;
	uint64_t address;
};

static const struct ks_field ks_callback_fields[] = {
	KS_FIELD(struct ks_callback, vcpu, KS_U16, "whose"),
	KS_FIELD(struct ks_callback, name, KS_STRING,
		 "`event` (events, as a device's interrupt), `failsafe` (a selector that could not be loaded), "
		 "`syscall`, `syscall32`, `sysenter`"),
	KS_FIELD(struct ks_callback, address, KS_HEX, "where it leads"),
	KS_FIELD(struct ks_callback, cs, KS_U16, "the code segment; 0: Xen's flat one"),
	KS_FIELD(struct ks_callback, masks_events, KS_BOOL, "events are masked as it is entered"),
};

struct ks_gdt {
	uint16_t vcpu, page;
	uint32_t entries;
	uint64_t frame;
};

static const struct ks_field ks_gdt_fields[] = {
	KS_FIELD(struct ks_gdt, vcpu, KS_U16, "whose"),
	KS_FIELD(struct ks_gdt, page, KS_U16, "which, 0 to 13"),
	KS_FIELD(struct ks_gdt, frame, KS_HEX, "[frame number] the machine's page frame"),
	KS_FIELD(struct ks_gdt, entries, KS_U32, "descriptors in the whole GDT"),
};

enum { KS_KIND_DOM0, KS_KIND_TRAP, KS_KIND_TRAPS, KS_KIND_CALLBACK, KS_KIND_GDT };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_DOM0] = KS_KIND("dom0", struct ks_dom0, ks_dom0_fields, domid,
				 "One: the domain whose entry points these are."),
	[KS_KIND_TRAP] = KS_STILL("trap", struct ks_trap, ks_trap_fields, vector,
				  "An entry of a vCPU's trap table. One without an address is none."),
	[KS_KIND_TRAPS] = KS_STILL("traps", struct ks_traps, ks_traps_fields, vcpu,
		"Which entries a vCPU's trap table has: none comes or goes after its kernel has made the table."),
	[KS_KIND_CALLBACK] = KS_STILL("callback", struct ks_callback, ks_callback_fields, name,
				      "Another entry point that a vCPU has."),
	[KS_KIND_GDT] = KS_STILL("gdt", struct ks_gdt, ks_gdt_fields, page, "A page of a vCPU's GDT."),
};

/*
 * Where a walk stands: in progress->at[].  A vCPU's places are its vectors, then its callbacks,
 * then its GDT's pages, then which vectors there are.
 */
enum { AT_STAGE, AT_VCPU, AT_PLACE };
enum { STAGE_DOM0, STAGE_VCPUS };

enum { EVENT, FAILSAFE, SYSCALL, SYSCALL32, SYSENTER, CALLBACKS };
#define CALLBACK_PLACE X86_IDT_VECTORS
#define GDT_PLACE (CALLBACK_PLACE + CALLBACKS)
#define TRAPS_PLACE (GDT_PLACE + FIRST_RESERVED_GDT_PAGE)
#define PLACES (TRAPS_PLACE + 1)

/* How many places are looked at in one call; most are empty. */
#define PLACES_AT_ONCE 32

/* === Items === */

static int ks_copy_trap(const struct vcpu *v, unsigned int vector, struct ks_trap *item)
{
	const struct trap_info *trap = &v->arch.pv.trap_ctxt[vector];

	item->address = ACCESS_ONCE(trap->address);
	if (!item->address)
		return KS_SET_SKIP;
	item->vcpu = v->vcpu_id;
	item->vector = vector;
	item->cs = trap->cs;
	item->dpl = TI_GET_DPL(trap);
	item->masks_events = !!TI_GET_IF(trap);
	return KS_KIND_TRAP;
}

static int ks_copy_callback(const struct vcpu *v, unsigned int callback, struct ks_callback *item)
{
	static const char names[CALLBACKS][sizeof(item->name)] = {
		"event", "failsafe", "syscall", "syscall32", "sysenter",
	};
	const struct pv_vcpu *pv = &v->arch.pv;
	bool compat = is_pv_32bit_vcpu(v);
	struct ks_callback found = { .vcpu = v->vcpu_id };

	switch (callback) {
	case EVENT:
		found.address = pv->event_callback_eip;
		found.cs = compat ? pv->event_callback_cs : 0;
		found.masks_events = 1; /* by what it is */
		break;
	case FAILSAFE:
		found.address = pv->failsafe_callback_eip;
		found.cs = compat ? pv->failsafe_callback_cs : 0;
		found.masks_events = !!(pv->vgc_flags & VGCF_failsafe_disables_events);
		break;
	case SYSCALL:
		/* A 32-bit guest has its selectors in this place, and no such callback. */
		found.address = compat ? 0 : pv->syscall_callback_eip;
		found.masks_events = !!(pv->vgc_flags & VGCF_syscall_disables_events);
		break;
	case SYSCALL32:
		found.address = pv->syscall32_callback_eip;
		found.cs = pv->syscall32_callback_cs;
		found.masks_events = pv->syscall32_disables_events;
		break;
	case SYSENTER:
		found.address = pv->sysenter_callback_eip;
		found.cs = pv->sysenter_callback_cs;
		found.masks_events = pv->sysenter_disables_events;
		break;
	}
	if (!found.address)
		return KS_SET_SKIP;
	memcpy(found.name, names[callback], sizeof(found.name));
	*item = found;
	return KS_KIND_CALLBACK;
}

static int ks_copy_gdt(const struct vcpu *v, unsigned int page, struct ks_gdt *item)
{
	item->frame = ACCESS_ONCE(v->arch.pv.gdt_frames[page]);
	if (!item->frame)
		return KS_SET_SKIP;
	item->vcpu = v->vcpu_id;
	item->page = page;
	item->entries = v->arch.pv.gdt_ents;
	return KS_KIND_GDT;
}

/* A vCPU has a table as a whole, from its kernel, before it is initialised. */
static int ks_copy_traps(const struct vcpu *v, struct ks_traps *item)
{
	static const char digits[] = "0123456789abcdef";
	bool any = false;

	if (!v->is_initialised)
		return KS_SET_SKIP;
	for (unsigned int i = 0; i < ARRAY_SIZE(item->vectors); i++) {
		const struct trap_info *trap = &v->arch.pv.trap_ctxt[X86_IDT_VECTORS - 4 * (i + 1)];
		unsigned int digit = 0;

		for (unsigned int bit = 0; bit < 4; bit++)
			digit |= ACCESS_ONCE(trap[bit].address) ? 1U << bit : 0;
		item->vectors[i] = digits[digit];
		any |= digit;
	}
	item->vcpu = v->vcpu_id;
	return any ? KS_KIND_TRAPS : KS_SET_SKIP;
}

static int ks_copy_place(const struct vcpu *v, unsigned int place, void *item)
{
	if (place < CALLBACK_PLACE)
		return ks_copy_trap(v, place, item);
	if (place < GDT_PLACE)
		return ks_copy_callback(v, place - CALLBACK_PLACE, item);
	if (place < TRAPS_PLACE)
		return ks_copy_gdt(v, place - GDT_PLACE, item);
	return ks_copy_traps(v, item);
}

static int ks_copy_dom0(const struct domain *d, struct ks_dom0 *item)
{
	item->domid = d->domain_id;
	strlcpy(item->type, ks_domain_type(d), sizeof(item->type));
	item->registers = is_pv_domain(d);
	item->vcpus = d->max_vcpus;
	return KS_KIND_DOM0;
}

/* === The walk === */

static int ks_next_of(const struct domain *d, struct ks_set_progress *progress, void *item)
{
	const struct vcpu *v;

	if (progress->at[AT_STAGE] == STAGE_DOM0) {
		progress->at[AT_STAGE] = STAGE_VCPUS;
		return ks_copy_dom0(d, item);
	}
	v = is_pv_domain(d) ? domain_vcpu(d, progress->at[AT_VCPU]) : NULL;
	if (!v)
		return KS_SET_END;
	for (unsigned int i = 0; i < PLACES_AT_ONCE; i++) {
		int kind = ks_copy_place(v, progress->at[AT_PLACE], item);

		if (++progress->at[AT_PLACE] == PLACES) {
			progress->at[AT_PLACE] = 0;
			progress->at[AT_VCPU]++;
			return kind;
		}
		if (kind != KS_SET_SKIP)
			return kind;
	}
	return KS_SET_SKIP;
}

static KS_CB int ks_entries_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct domain *d = ks_lock_hardware_domain();
	int kind;

	if (!d) {
		ks_probe_failed(probe, "no domain owns the hardware at the moment");
		return KS_SET_FAILED;
	}
	kind = ks_next_of(d, progress, item);
	rcu_unlock_domain(d);
	return kind;
}

/* === Interface === */

/*
 * Dom0 is not there yet when this is asked: it has as many vCPUs as the machine CPUs, or a few on
 * a small one.
 */
#define VCPUS_MIN 16

static KS_CB uint32_t ks_entries_items(void)
{
	return 1 + max_t(uint32_t, nr_cpu_ids, VCPUS_MIN) * PLACES;
}

/* Of a Linux: a vCPU has some 39. */
static KS_CB uint32_t ks_entries_first(void)
{
	return 1 + nr_cpu_ids * 40;
}

static const struct ks_set_type ks_entries_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items = ks_entries_items,
	.first_items = ks_entries_first,
	.settled_ns = SECONDS(60),
	.next = ks_entries_next,
};

const struct ks_probe_type ks_xen_entries = {
	.name = "dom0-entries",
	.interval_ns = {
		[KS_LOW] = SECONDS(10),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(400),
		[KS_ADVERSARIAL] = MILLISECS(100),
	},
	.pause_ns = {
		[KS_LOW] = MICROSECS(500),
		[KS_DEFAULT] = MICROSECS(500),
		[KS_HIGH] = MICROSECS(250),
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&ks_entries_set),
};
