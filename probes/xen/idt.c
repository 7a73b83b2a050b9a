// SPDX-License-Identifier: GPL-2.0-only
/*
 * idt.c - the probe xen-idt: what each CPU itself enters Xen by: its IDT, GDT and TSS, the
 * registers of SYSCALL and SYSENTER, and those that decide how it runs.
 *
 * Each CPU is looked at on itself, from the probe's work: a tasklet of its idle vCPU.  Before a
 * tasklet, Xen puts away what it left loaded of the last guest (do_tasklet_work():
 * sync_local_execstate()), so that the CPU is in Xen's own state then, and all that is read here
 * holds still:
 *
 *   IDT       SVM takes the ISTs off four gates while an HVM guest's TSS is loaded
 *             (svm_ctxt_switch_to()), and _from() sets them again: an IPI would see either.  Xen
 *             writes gates while it boots, and in a crash.
 *   GDT       a PV guest's GDTR is its own (load_full_gdt()), with Xen's page in it;
 *             __context_switch() to idle loads the CPU's.
 *   TSS       never written after load_system_tables().
 *   CR4       a PV guest's PGE, PCIDE, TSD, PKE and FSGSBASE follow the guest (pv_make_cr4());
 *             write_ptbase() for idle makes it mmu_cr4_features.
 *   LSTAR...  a guest's by SVM (vmload, vmsave) and VMX (vmx_restore_guest_msrs());
 *   ctxt_switch_from() brings Xen's back.  VMX does so with STAR,
 *             LSTAR and SYSCALL_MASK: of CSTAR, which Intel's CPUs do not use,
 *             Xen's is always there.
 *   SYSENTER  as LSTAR with SVM; with VMX each exit to Xen loads the host's.
 *   EFER      a guest's is in its VMCB or VMCS, and the CPU's is Xen's after each exit.
 *   FRED      where Xen has it on (CR4), from 4.22 on: then the IDT and the registers of SYSCALL
 *             are not the way in.  Its MSRs are written as the CPU starts (init_fred()).  Untried:
 *             the emulator has no such CPU.
 *
 * What may change there nevertheless is left out:
 *
 *   CR0.TS                        the FPU is switched lazily
 *   LDTR, and its descriptor      load_LDT() for PV guests; nothing unloads it, and nothing in Xen
 *                                 uses it
 *   busy bit of the TSS           written by ltr, as the CPU starts
 *   limits, with VMX              an exit sets those of IDTR and GDTR to 0xffff (SDM, "Loading
 *                                 Host Segment and Descriptor-Table Registers"), and Xen leaves it
 *                                 so: at least Xen's own counts as Xen's own
 *   the low half of the GDT       below Xen's page lies what is beside that page in memory: 28 KiB
 *                                 of selectors that are nobody's
 *
 * Every CPU's gates and descriptors are copies of the boot CPU's (cpu_smpboot_alloc()), but for a
 * few descriptors that are treated apart.  So one copy of both tables, of the CPU that the first
 * sample began on, stands for all: 8 KiB instead of 256 items a CPU, which would be a megabyte
 * with 64 CPUs, and more records in a first sample than any ring holds.  Gates of a CPU become
 * items when they differ from the copy.  What is left is four items a CPU at most, and the table
 * has room for as many CPUs as there can be.
 */
#include <xen/bitmap.h>
#include <xen/cpumask.h>
#include <xen/smp.h>
#include <xen/time.h>
#include <asm/desc.h>
#include <asm/uaccess.h>

#include "../set.h"
#include "../../xen/works.h"
#include "place.h"
#include "x86.h"

/* === Items === */

#define KS_NAME 48

/* Begins each item of a CPU.  A CPU that came up again is another: its stacks and tables are. */
struct ks_which {
	uint32_t cpu, instance;
};

struct ks_cpu {
	uint32_t cpu, instance;
	uint64_t cr0, cr4, efer;
	uint64_t idt, gdt;
	uint16_t idt_limit, gdt_limit, task_register;
	uint16_t gates, gates_unlike;
	uint16_t descriptors, descriptors_unlike;
};

static const struct ks_field ks_cpu_fields[] = {
	KS_FIELD(struct ks_cpu, cpu, KS_U32, "the CPU's number"),
	KS_FIELD(struct ks_cpu, instance, KS_U32, "another each time that it comes up"),
	KS_FIELD(struct ks_cpu, cr0, KS_HEX, "CR0, without TS, which follows the lazy switching of the FPU"),
	KS_FIELD(struct ks_cpu, cr4, KS_HEX, "CR4"),
	KS_FIELD(struct ks_cpu, efer, KS_HEX, "EFER"),
	KS_FIELD(struct ks_cpu, idt, KS_HEX, "IDTR: where the IDT is"),
	KS_FIELD(struct ks_cpu, idt_limit, KS_HEX, "[bytes less one] IDTR: its length"),
	KS_FIELD(struct ks_cpu, gdt, KS_HEX, "GDTR: where the GDT is; Xen's own descriptors are from 0xe000 on"),
	KS_FIELD(struct ks_cpu, gdt_limit, KS_HEX, "[bytes less one] GDTR: its length"),
	KS_FIELD(struct ks_cpu, task_register, KS_HEX, "the selector of its TSS"),
	/* a change of a gate is a record already */
	KS_LIVE(struct ks_cpu, gates, KS_U16, "gates that are present"),
	KS_LIVE(struct ks_cpu, gates_unlike, KS_U16, "gates that are not as the common ones"),
	KS_LIVE(struct ks_cpu, descriptors, KS_U16,
		"descriptors that are present, without those that are the CPU's own"),
	KS_LIVE(struct ks_cpu, descriptors_unlike, KS_U16,
		"descriptors that are not as the common ones, without those that are the CPU's own"),
};

struct ks_syscall {
	uint32_t cpu, instance;
	uint64_t lstar, cstar, star, mask;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint8_t own_stub;
	char lstar_symbol[32], cstar_symbol[32], sysenter_symbol[32];
};

static const struct ks_field ks_syscall_fields[] = {
	KS_FIELD(struct ks_syscall, cpu, KS_U32, "the CPU's number"),
	KS_FIELD(struct ks_syscall, instance, KS_U32, "another each time that it comes up"),
	KS_FIELD(struct ks_syscall, lstar, KS_HEX, "where `SYSCALL` leads from 64-bit code"),
	KS_FIELD(struct ks_syscall, lstar_symbol, KS_STRING,
		 "that by name: `stub-cpu1+0x0` is CPU 1's entry stub, whose bytes `xen-text` watches"),
	KS_FIELD(struct ks_syscall, cstar, KS_HEX, "where `SYSCALL` leads from 32-bit code"),
	KS_FIELD(struct ks_syscall, cstar_symbol, KS_STRING, "that by name"),
	KS_FIELD(struct ks_syscall, own_stub, KS_BOOL, "both lead into this CPU's own stub"),
	KS_FIELD(struct ks_syscall, star, KS_HEX, "the selectors of `SYSCALL` and `SYSRET`"),
	KS_FIELD(struct ks_syscall, mask, KS_HEX, "the flags that `SYSCALL` clears"),
	KS_FIELD(struct ks_syscall, sysenter_cs, KS_HEX,
		 "the code segment of `SYSENTER`; 0 where Xen does not use it (AMD)"),
	KS_FIELD(struct ks_syscall, sysenter_esp, KS_HEX, "the stack of `SYSENTER`; 0 where Xen does not use it"),
	KS_FIELD(struct ks_syscall, sysenter_eip, KS_HEX, "where `SYSENTER` leads; 0 where Xen does not use it"),
	KS_FIELD(struct ks_syscall, sysenter_symbol, KS_STRING, "that by name"),
};

struct ks_tss {
	uint32_t cpu, instance;
	/* as its descriptor says; the stacks are read from where Xen has the TSS */
	uint64_t address;
	uint32_t limit, type;
	uint64_t rsp0, rsp1, rsp2;
	uint64_t ist1, ist2, ist3, ist4, ist5, ist6, ist7;
	uint16_t io_bitmap;
};

static const struct ks_field ks_tss_fields[] = {
	KS_FIELD(struct ks_tss, cpu, KS_U32, "the CPU's number"),
	KS_FIELD(struct ks_tss, instance, KS_U32, "another each time that it comes up"),
	KS_FIELD(struct ks_tss, address, KS_HEX, "where it is, as the GDT's descriptor has it"),
	KS_FIELD(struct ks_tss, limit, KS_HEX, "[bytes less one] its length, as the descriptor has it"),
	KS_FIELD(struct ks_tss, type, KS_U32, "of the descriptor: 9, whether it is busy or not"),
	KS_FIELD(struct ks_tss, rsp0, KS_HEX, "the stack on which Xen is entered from a guest"),
	KS_FIELD(struct ks_tss, rsp1, KS_HEX, "not used by Xen: poisoned (0x8600111111111111)"),
	KS_FIELD(struct ks_tss, rsp2, KS_HEX, "not used by Xen: poisoned"),
	KS_FIELD(struct ks_tss, ist1, KS_HEX, "the stack for a machine check"),
	KS_FIELD(struct ks_tss, ist2, KS_HEX, "the stack for an NMI"),
	KS_FIELD(struct ks_tss, ist3, KS_HEX, "the stack for debug exceptions"),
	KS_FIELD(struct ks_tss, ist4, KS_HEX, "the stack for a double fault"),
	KS_FIELD(struct ks_tss, ist5, KS_HEX, "not used by Xen: poisoned"),
	KS_FIELD(struct ks_tss, ist6, KS_HEX, "not used by Xen: poisoned"),
	KS_FIELD(struct ks_tss, ist7, KS_HEX, "not used by Xen: poisoned"),
	KS_FIELD(struct ks_tss, io_bitmap, KS_HEX,
		 "[bytes] where in it the bitmap of I/O ports is; 0x8000: there is none"),
};

struct ks_fred {
	uint32_t cpu, instance;
	uint64_t config;
	char symbol[KS_NAME];
	uint64_t levels;
	uint64_t rsp0, rsp1, rsp2, rsp3;
	uint64_t ssp1, ssp2, ssp3;
};

static const struct ks_field ks_fred_fields[] = {
	KS_FIELD(struct ks_fred, cpu, KS_U32, "the CPU's number"),
	KS_FIELD(struct ks_fred, instance, KS_U32, "another each time that it comes up"),
	KS_FIELD(struct ks_fred, config, KS_HEX, "the page that it leads to, for every event, and how"),
	KS_FIELD(struct ks_fred, symbol, KS_STRING, "that page by its name in Xen; no name: not Xen's code"),
	KS_FIELD(struct ks_fred, levels, KS_HEX, "which exception is handled on which level of stacks"),
	KS_FIELD(struct ks_fred, rsp0, KS_HEX, "the stack of level 0"),
	KS_FIELD(struct ks_fred, rsp1, KS_HEX, "the stack of level 1"),
	KS_FIELD(struct ks_fred, rsp2, KS_HEX, "the stack of level 2"),
	KS_FIELD(struct ks_fred, rsp3, KS_HEX, "the stack of level 3"),
	KS_FIELD(struct ks_fred, ssp1, KS_HEX, "the shadow stack of level 1"),
	KS_FIELD(struct ks_fred, ssp2, KS_HEX, "the shadow stack of level 2"),
	KS_FIELD(struct ks_fred, ssp3, KS_HEX, "the shadow stack of level 3"),
};

struct ks_gate {
	uint32_t cpu, instance, vector;
	uint16_t selector;
	uint8_t type, dpl, ist, present;
	uint64_t handler;
	char symbol[KS_NAME];
};

static const struct ks_field ks_gate_fields[] = {
	KS_FIELD(struct ks_gate, cpu, KS_U32, "the CPU's number"),
	KS_FIELD(struct ks_gate, instance, KS_U32, "another each time that it comes up"),
	KS_FIELD(struct ks_gate, vector, KS_U32, "0 to 255"),
	KS_FIELD(struct ks_gate, handler, KS_HEX, "where it leads"),
	KS_FIELD(struct ks_gate, symbol, KS_STRING, "that by its name in Xen; no name: not Xen's code"),
	KS_FIELD(struct ks_gate, selector, KS_HEX, "the code segment; 0xe008 is Xen's"),
	KS_FIELD(struct ks_gate, type, KS_U8, "14: an interrupt gate, as all of Xen's are"),
	KS_FIELD(struct ks_gate, dpl, KS_U8, "3: programs may raise it by an instruction (`int`)"),
	KS_FIELD(struct ks_gate, ist, KS_U8, "the stack that it is handled on; 0: the one that is in use, or `rsp0`"),
	KS_FIELD(struct ks_gate, present, KS_BOOL, "the CPU uses it"),
};

struct ks_descriptor {
	uint32_t cpu, instance, selector;
	char table[8];
	char type[12];
	uint8_t dpl, present;
	uint64_t value;
};

static const struct ks_field ks_descriptor_fields[] = {
	KS_FIELD(struct ks_descriptor, cpu, KS_U32, "the CPU's number"),
	KS_FIELD(struct ks_descriptor, instance, KS_U32, "another each time that it comes up"),
	KS_FIELD(struct ks_descriptor, table, KS_STRING,
		 "`gdt`; `compat`: the one that 32-bit PV guests have beneath theirs (`CONFIG_PV32`)"),
	KS_FIELD(struct ks_descriptor, selector, KS_HEX, "without the bits of the privilege level"),
	KS_FIELD(struct ks_descriptor, value, KS_HEX, "the eight bytes"),
	KS_FIELD(struct ks_descriptor, type, KS_STRING,
		 "`code64`, `code32`, `code16`, `data`, `tss`, `ldt`, `call-gate`, `system` (any other of the "
		 "system's), `empty`"),
	KS_FIELD(struct ks_descriptor, dpl, KS_U8, "the privilege level from which on it may be used"),
	KS_FIELD(struct ks_descriptor, present, KS_BOOL, "the CPU uses it"),
};

struct ks_common_gates {
	uint32_t vector, last;
	uint32_t stride;
	struct ks_gate gate;
};

#define KS_GATES_FIELD(name, type, ...) \
	{ KS_MEMBER(#name), sizeof(KS_MEMBER(#name)) - 1, type, 0, offsetof(struct ks_common_gates, gate.name), \
	  sizeof(((struct ks_common_gates *)0)->gate.name) }

static const struct ks_field ks_common_gates_fields[] = {
	KS_FIELD(struct ks_common_gates, vector, KS_U32, "the first of the run"),
	KS_FIELD(struct ks_common_gates, last, KS_U32, "the last of the run"),
	KS_GATES_FIELD(handler, KS_HEX, "where the first leads"),
	KS_GATES_FIELD(symbol, KS_STRING, "that by its name in Xen; no name: not Xen's code"),
	KS_FIELD(struct ks_common_gates, stride, KS_U32,
		 "[bytes] each handler is so far behind that of the vector before; 0 for one gate"),
	KS_GATES_FIELD(selector, KS_HEX, "the code segment; 0xe008 is Xen's"),
	KS_GATES_FIELD(type, KS_U8, "14: an interrupt gate, as all of Xen's are"),
	KS_GATES_FIELD(dpl, KS_U8, "3: programs may raise it by an instruction (`int`)"),
	KS_GATES_FIELD(ist, KS_U8, "the stack that it is handled on; 0: the one that is in use, or `rsp0`"),
	KS_GATES_FIELD(present, KS_BOOL, "the CPU uses it"),
};

/* And one descriptor: cpu and instance are 0, and not shown. */
static const struct ks_field ks_common_descriptor_fields[] = {
	KS_FIELD(struct ks_descriptor, table, KS_STRING,
		 "`gdt`; `compat`: the one that 32-bit PV guests have beneath theirs (`CONFIG_PV32`)"),
	KS_FIELD(struct ks_descriptor, selector, KS_HEX, "without the bits of the privilege level"),
	KS_FIELD(struct ks_descriptor, value, KS_HEX, "the eight bytes"),
	KS_FIELD(struct ks_descriptor, type, KS_STRING, "as in `descriptor`"),
	KS_FIELD(struct ks_descriptor, dpl, KS_U8, "the privilege level from which on it may be used"),
	KS_FIELD(struct ks_descriptor, present, KS_BOOL, "the CPU uses it"),
};

enum {
	KS_KIND_CPU, KS_KIND_SYSCALL, KS_KIND_TSS, KS_KIND_FRED, KS_KIND_GATE, KS_KIND_DESCRIPTOR,
	KS_KIND_COMMON_GATES, KS_KIND_COMMON_DESCRIPTOR,
};

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_CPU] = KS_STILL("cpu", struct ks_cpu, ks_cpu_fields, instance,
				 "A CPU's control registers, and where its tables are."),
	[KS_KIND_SYSCALL] = KS_STILL("syscall", struct ks_syscall, ks_syscall_fields, instance,
				     "The registers by which a CPU is entered from a guest."),
	[KS_KIND_TSS] = KS_STILL("tss", struct ks_tss, ks_tss_fields, instance,
				 "A CPU's TSS: the stacks on which it is entered."),
	[KS_KIND_FRED] = KS_STILL("fred", struct ks_fred, ks_fred_fields, instance,
				  "Where Xen uses FRED, from 4.22 on: what a CPU is entered by instead of its IDT."),
	[KS_KIND_GATE] = KS_STILL("idt-gate", struct ks_gate, ks_gate_fields, vector,
				  "A gate of one CPU that is not as the common one, or was not since the last reset."),
	[KS_KIND_DESCRIPTOR] = KS_STILL("descriptor", struct ks_descriptor, ks_descriptor_fields, table,
					"A descriptor of Xen's page of one CPU's GDT that is not as the common one, "
					"or was not since the last reset."),
	[KS_KIND_COMMON_GATES] = KS_STILL("common-gates", struct ks_common_gates, ks_common_gates_fields, vector,
		"What all CPUs have: one exception, or a run of interrupts whose handlers have the same "
		"distance."),
	[KS_KIND_COMMON_DESCRIPTOR] = KS_STILL("common-descriptor", struct ks_descriptor, ks_common_descriptor_fields,
		table, "A descriptor that all CPUs have."),
};

/* === Data === */

#ifdef CONFIG_PV32
#define KS_GDTS 2
#else
#define KS_GDTS 1
#endif
#define KS_DESCRIPTORS (KS_GDTS * NR_RESERVED_GDT_ENTRIES)

/* The tables of one CPU, without what is its own. */
struct ks_tables {
	idt_entry_t gates[X86_IDT_VECTORS];
	/* of Xen's page: from FIRST_RESERVED_GDT_ENTRY on */
	uint64_t descriptors[KS_DESCRIPTORS];
};

/*
 * A CPU as it was at one moment: read in one go on that CPU, made into items wherever the next
 * steps are.
 */
struct ks_look {
	struct ks_cpu cpu;
	struct ks_syscall syscall;
	struct ks_tss tss;
	struct ks_fred fred;    /* config 0: it is not used */
	struct ks_tables tables;
};

/*
 * Why a CPU is passed by: "sense=cpus=" keeps the probe from it, or somebody keeps it to himself.
 */
enum { KS_BARRED, KS_HELD_BY_OTHERS, KS_REASONS };

/* What the probe has of its own. */
struct ks_idt {
	bool has_common;
	bool passes_by;                           /* the CPU at hand */
	unsigned int passed_by[KS_REASONS];       /* CPUs, in this sample so far */
	unsigned int told_passed_by[KS_REASONS];  /* and in the last */
	/* of the CPU that the first sample began on; only a reset takes another */
	struct ks_tables common;
	struct ks_look look;
	/*
	 * Which were ever unlike the common ones: they may be items, though they are alike again.
	 */
	DECLARE_BITMAP(gates_touched, X86_IDT_VECTORS);
	DECLARE_BITMAP(descriptors_touched, KS_DESCRIPTORS);
};

/* === A look at this CPU === */

/* From where the CPU reads it; what is not mapped is zero. */
static void ks_copy_table(void *to, uint64_t from, unsigned int limit, unsigned int first, unsigned int bytes)
{
	unsigned int there = limit < first ? 0 : min(limit + 1 - first, bytes);

	memset(to + there, 0, bytes - there);
	if (there && copy_from_unsafe(to, (const void *)(unsigned long)(from + first), there))
		ks_port_log("a CPU's descriptor table is not mapped");
}

static uint16_t ks_limit(uint16_t limit, uint16_t xens)
{
	return cpu_has_vmx && limit > xens ? xens : limit;
}

static uint64_t ks_msr(unsigned int msr)
{
	uint64_t value;

	return ks_read_msr(msr, &value) ? value : 0;
}

static void ks_look_at_tss(struct ks_tss *item, uint64_t low, uint64_t high)
{
	const struct tss64 *tss = &this_cpu(tss_page).tss;

	item->address = (low >> 16 & 0xffffff) | (low >> 32 & 0xff000000) | high << 32;
	item->limit = (low & 0xffff) | (low >> 32 & 0xf0000);
	item->type = low >> 40 & 0x1f & ~(SYS_DESC_tss_busy ^ SYS_DESC_tss_avail);
	item->rsp0 = tss->rsp0;
	item->rsp1 = tss->rsp1;
	item->rsp2 = tss->rsp2;
	item->ist1 = tss->ist[0];
	item->ist2 = tss->ist[1];
	item->ist3 = tss->ist[2];
	item->ist4 = tss->ist[3];
	item->ist5 = tss->ist[4];
	item->ist6 = tss->ist[5];
	item->ist7 = tss->ist[6];
	item->io_bitmap = tss->bitmap;
}

/* Takes out of @descriptors what is the CPU's own, or the last PV guest's. */
static void ks_make_common(uint64_t *descriptors, unsigned int cpu)
{
	uint64_t *from_tss = descriptors + TSS_ENTRY - FIRST_RESERVED_GDT_ENTRY;

	from_tss[0] = from_tss[1] = 0;
	memset(from_tss + LDT_ENTRY - TSS_ENTRY, 0, 2 * sizeof(*from_tss));
	from_tss[PER_CPU_GDT_ENTRY - TSS_ENTRY] ^= cpu; /* its limit is the CPU's number */
}

static void ks_look_at_tables(struct ks_look *look, unsigned int cpu)
{
	struct ks_tables *tables = &look->tables;
	const uint64_t *tss = tables->descriptors + TSS_ENTRY - FIRST_RESERVED_GDT_ENTRY;
	struct desc_ptr idtr, gdtr;

	asm volatile ("sidt %0" : "=m" (idtr));
	asm volatile ("sgdt %0" : "=m" (gdtr));
	look->cpu.idt = idtr.base;
	look->cpu.idt_limit = ks_limit(idtr.limit, X86_IDT_VECTORS * sizeof(idt_entry_t) - 1);
	look->cpu.gdt = gdtr.base;
	look->cpu.gdt_limit = ks_limit(gdtr.limit, LAST_RESERVED_GDT_BYTE);
	look->cpu.task_register = ks_task_register();

	ks_copy_table(tables->gates, idtr.base, idtr.limit, 0, sizeof(tables->gates));
	ks_copy_table(tables->descriptors, gdtr.base, gdtr.limit, FIRST_RESERVED_GDT_BYTE, NR_RESERVED_GDT_BYTES);
	ks_look_at_tss(&look->tss, tss[0], tss[1]);
	ks_make_common(tables->descriptors, cpu);
#ifdef CONFIG_PV32
	/*
	 * No register leads to it, but a 32-bit PV guest's GDT has it where that of others has
	 * Xen's page.
	 */
	ks_copy_table(tables->descriptors + NR_RESERVED_GDT_ENTRIES, (unsigned long)this_cpu(compat_gdt),
		      NR_RESERVED_GDT_BYTES - 1, 0, NR_RESERVED_GDT_BYTES);
	ks_make_common(tables->descriptors + NR_RESERVED_GDT_ENTRIES, cpu);
#endif
}

static void ks_look_at_fred(struct ks_fred *item, uint64_t cr4)
{
#ifdef MSR_FRED_CONFIG
	if (!(cr4 & X86_CR4_FRED))
		return;
	item->config = ks_msr(MSR_FRED_CONFIG);
	item->levels = ks_msr(MSR_FRED_STK_LVLS);
	item->rsp0 = ks_msr(MSR_FRED_RSP_SL0);
	item->rsp1 = ks_msr(MSR_FRED_RSP_SL1);
	item->rsp2 = ks_msr(MSR_FRED_RSP_SL2);
	item->rsp3 = ks_msr(MSR_FRED_RSP_SL3);
	item->ssp1 = ks_msr(MSR_FRED_SSP_SL1);
	item->ssp2 = ks_msr(MSR_FRED_SSP_SL2);
	item->ssp3 = ks_msr(MSR_FRED_SSP_SL3);
#endif
}

static bool ks_in_stub(unsigned int cpu, uint64_t address)
{
	return address - ks_stub_address(cpu) < KS_STUB_BYTES;
}

static void ks_look_at_cpu(struct ks_look *look, unsigned int cpu)
{
	struct ks_which which = { .cpu = cpu, .instance = ks_cpu_instance(cpu) };
	struct ks_syscall *syscall = &look->syscall;

	memset(&look->cpu, 0, sizeof(look->cpu));
	memset(syscall, 0, sizeof(*syscall));
	memset(&look->tss, 0, sizeof(look->tss));
	memset(&look->fred, 0, sizeof(look->fred));
	memcpy(&look->cpu, &which, sizeof(which));
	memcpy(syscall, &which, sizeof(which));
	memcpy(&look->tss, &which, sizeof(which));
	memcpy(&look->fred, &which, sizeof(which));

	look->cpu.cr0 = read_cr0() & ~X86_CR0_TS;
	/* read_cr4() is what Xen believes it is */
	asm volatile ("mov %%cr4, %0" : "=r" (look->cpu.cr4));
	look->cpu.efer = ks_msr(MSR_EFER);
	syscall->lstar = ks_msr(MSR_LSTAR);
	syscall->cstar = ks_msr(MSR_CSTAR);
	syscall->star = ks_msr(MSR_STAR);
	syscall->mask = ks_msr(MSR_SYSCALL_MASK);
	if (cpu_has_sep) {
		syscall->sysenter_cs = ks_msr(MSR_IA32_SYSENTER_CS);
		syscall->sysenter_esp = ks_msr(MSR_IA32_SYSENTER_ESP);
		syscall->sysenter_eip = ks_msr(MSR_IA32_SYSENTER_EIP);
	}
	syscall->own_stub = ks_in_stub(cpu, syscall->lstar) && ks_in_stub(cpu, syscall->cstar);
	ks_look_at_fred(&look->fred, look->cpu.cr4);
	ks_look_at_tables(look, cpu);
}

/* === Like or unlike === */

/* Without the bits that the CPU does not look at. */
static bool ks_same_gate(const idt_entry_t *a, const idt_entry_t *b)
{
	return !((a->a ^ b->a) & ~(0xf8ULL << 32)) && !((a->b ^ b->b) & 0xffffffff);
}

static bool ks_gate_unlike(const struct ks_idt *idt, unsigned int vector)
{
	return !ks_same_gate(&idt->look.tables.gates[vector], &idt->common.gates[vector]);
}

static bool ks_descriptor_unlike(const struct ks_idt *idt, unsigned int i)
{
	return idt->look.tables.descriptors[i] != idt->common.descriptors[i];
}

static void ks_count_unlike(struct ks_idt *idt)
{
	struct ks_look *look = &idt->look;

	for (unsigned int i = 0; i < X86_IDT_VECTORS; i++) {
		look->cpu.gates += look->tables.gates[i].p;
		if (ks_gate_unlike(idt, i)) {
			look->cpu.gates_unlike++;
			__set_bit(i, idt->gates_touched);
		}
	}
	for (unsigned int i = 0; i < KS_DESCRIPTORS; i++) {
		look->cpu.descriptors += !!look->tables.descriptors[i];
		if (ks_descriptor_unlike(idt, i)) {
			look->cpu.descriptors_unlike++;
			__set_bit(i, idt->descriptors_touched);
		}
	}
}

/* === Items of a look === */

/* The places of a CPU: first it is looked at; then they are in the order of the kinds. */
enum { PLACE_LOOK, PLACE_CPU, PLACE_SYSCALL, PLACE_TSS, PLACE_FRED, PLACE_GATES };
#define PLACE_DESCRIPTORS (PLACE_GATES + X86_IDT_VECTORS)
#define PLACES (PLACE_DESCRIPTORS + KS_DESCRIPTORS)

static uint64_t ks_handler(const idt_entry_t *entry)
{
	return entry->addr0 | (uint64_t)entry->addr1 << 16 | (uint64_t)entry->addr2 << 32;
}

static void ks_decode_gate(const idt_entry_t *entry, struct ks_gate *gate)
{
	gate->handler = ks_handler(entry);
	gate->selector = entry->cs;
	gate->type = entry->type;
	gate->dpl = entry->dpl;
	gate->ist = entry->ist & 7;
	gate->present = entry->p;
}

static const char *ks_descriptor_type(uint64_t value)
{
	static const char *const system[] = {
		[SYS_DESC_ldt] = "ldt", [SYS_DESC_tss_avail] = "tss", [SYS_DESC_tss_busy] = "tss",
		[SYS_DESC_call_gate] = "call-gate",
	};
	uint32_t high = value >> 32;
	unsigned int type = (high & _SEGMENT_TYPE) >> 8;

	if (!value)
		return "empty";
	if (high & _SEGMENT_S)
		return !(high & _SEGMENT_CODE) ? "data"
		       : high & _SEGMENT_L     ? "code64"
		       : high & _SEGMENT_DB    ? "code32"
					       : "code16";
	return type < ARRAY_SIZE(system) && system[type] ? system[type] : "system";
}

static void ks_decode_descriptor(unsigned int i, uint64_t value, struct ks_descriptor *item)
{
	uint32_t high = value >> 32;

	item->selector = (FIRST_RESERVED_GDT_ENTRY + i % NR_RESERVED_GDT_ENTRIES) << 3;
	strlcpy(item->table, i < NR_RESERVED_GDT_ENTRIES ? "gdt" : "compat", sizeof(item->table));
	item->value = value;
	strlcpy(item->type, ks_descriptor_type(value), sizeof(item->type));
	item->dpl = (high & _SEGMENT_DPL) >> 13;
	item->present = !!(high & _SEGMENT_P);
}

/*
 * The key of what is at @place of the CPU at hand; its kind.  An item of any kind has room for it.
 */
static int ks_key_at(const struct ks_idt *idt, unsigned int place, void *item)
{
	struct ks_gate *gate = item;

	memcpy(item, &idt->look.cpu, sizeof(struct ks_which));
	if (place < PLACE_GATES)
		return place - PLACE_CPU + KS_KIND_CPU;
	if (place < PLACE_DESCRIPTORS) {
		gate->vector = place - PLACE_GATES;
		return KS_KIND_GATE;
	}
	ks_decode_descriptor(place - PLACE_DESCRIPTORS, 0, item);
	return KS_KIND_DESCRIPTOR;
}

static int ks_gate_item(const struct ks_probe *probe, unsigned int vector, struct ks_gate *item)
{
	const struct ks_idt *idt = probe->own;
	const struct ks_gate *kept;

	ks_key_at(idt, PLACE_GATES + vector, item);
	kept = ks_set_kept(probe, KS_KIND_GATE, item);
	if (!kept && !ks_gate_unlike(idt, vector))
		return KS_SET_SKIP;
	ks_decode_gate(&idt->look.tables.gates[vector], item);
	if (kept && kept->handler == item->handler)
		memcpy(item->symbol, kept->symbol, sizeof(item->symbol));
	else
		ks_place(item->handler, item->symbol, sizeof(item->symbol));
	return KS_KIND_GATE;
}

static int ks_descriptor_item(const struct ks_probe *probe, unsigned int i, struct ks_descriptor *item)
{
	const struct ks_idt *idt = probe->own;

	memcpy(item, &idt->look.cpu, sizeof(struct ks_which));
	ks_decode_descriptor(i, idt->look.tables.descriptors[i], item);
	return ks_descriptor_unlike(idt, i) || ks_set_kept(probe, KS_KIND_DESCRIPTOR, item) ?
	       KS_KIND_DESCRIPTOR : KS_SET_SKIP;
}

static int ks_syscall_item(const struct ks_probe *probe, struct ks_syscall *item)
{
	const struct ks_idt *idt = probe->own;
	const struct ks_syscall *kept;

	*item = idt->look.syscall;
	kept = ks_set_kept(probe, KS_KIND_SYSCALL, item);
	if (kept && kept->lstar == item->lstar && kept->cstar == item->cstar &&
	    kept->sysenter_eip == item->sysenter_eip) {
		memcpy(item->lstar_symbol, kept->lstar_symbol, sizeof(item->lstar_symbol));
		memcpy(item->cstar_symbol, kept->cstar_symbol, sizeof(item->cstar_symbol));
		memcpy(item->sysenter_symbol, kept->sysenter_symbol, sizeof(item->sysenter_symbol));
		return KS_KIND_SYSCALL;
	}
	ks_place(item->lstar, item->lstar_symbol, sizeof(item->lstar_symbol));
	ks_place(item->cstar, item->cstar_symbol, sizeof(item->cstar_symbol));
	ks_place(item->sysenter_eip, item->sysenter_symbol, sizeof(item->sysenter_symbol));
	return KS_KIND_SYSCALL;
}

static int ks_fred_item(const struct ks_probe *probe, struct ks_fred *item)
{
	const struct ks_idt *idt = probe->own;

	*item = idt->look.fred;
#ifdef MSR_FRED_CONFIG
	if (item->config) {
		ks_place(item->config & PAGE_MASK, item->symbol, sizeof(item->symbol));
		return KS_KIND_FRED;
	}
#endif
	return KS_SET_SKIP;
}

/* === Items of what is common === */

/* The last vector of the run of @gates that begins at @vector: exceptions each stand alone. */
static unsigned int ks_run_of(const idt_entry_t *gates, unsigned int vector)
{
	const idt_entry_t *first = &gates[vector];
	uint64_t stride;
	unsigned int last;

	if (vector < X86_EXC_NUM)
		return vector;
	stride = vector + 1 < X86_IDT_VECTORS ? ks_handler(&gates[vector + 1]) - ks_handler(first) : 0;
	for (last = vector; last + 1 < X86_IDT_VECTORS; last++) {
		const idt_entry_t *next = &gates[last + 1];

		if (next->cs != first->cs || next->ist != first->ist || next->type != first->type ||
		    next->s != first->s || next->dpl != first->dpl || next->p != first->p ||
		    ks_handler(next) - ks_handler(&gates[last]) != stride)
			break;
	}
	return last;
}

static int ks_common_gates_item(const struct ks_probe *probe, unsigned int vector, struct ks_common_gates *item)
{
	const struct ks_idt *idt = probe->own;
	const idt_entry_t *gates = idt->common.gates;
	const struct ks_common_gates *kept;

	item->vector = vector;
	kept = ks_set_kept(probe, KS_KIND_COMMON_GATES, item);
	if (kept) {
		*item = *kept;
		return KS_KIND_COMMON_GATES;
	}
	item->last = ks_run_of(gates, vector);
	if (item->last > vector)
		item->stride = ks_handler(&gates[vector + 1]) - ks_handler(&gates[vector]);
	ks_decode_gate(&gates[vector], &item->gate);
	ks_place(item->gate.handler, item->gate.symbol, sizeof(item->gate.symbol));
	return KS_KIND_COMMON_GATES;
}

static int ks_common_descriptor_item(const struct ks_idt *idt, unsigned int i, struct ks_descriptor *item)
{
	if (!idt->common.descriptors[i])
		return KS_SET_SKIP;
	ks_decode_descriptor(i, idt->common.descriptors[i], item);
	return KS_KIND_COMMON_DESCRIPTOR;
}

/* What a gate or a descriptor of one CPU is, as long as it is like the other CPUs'. */
static KS_CB bool ks_idt_usual(struct ks_probe *probe, unsigned int kind, void *item)
{
	const struct ks_idt *idt = probe->own;
	struct ks_descriptor *descriptor = item;
	struct ks_gate *gate = item;
	unsigned int i;

	switch (kind) {
	case KS_KIND_GATE:
		ks_decode_gate(&idt->common.gates[gate->vector], gate);
		ks_place(gate->handler, gate->symbol, sizeof(gate->symbol));
		return true;
	case KS_KIND_DESCRIPTOR:
		i = (descriptor->selector >> 3) - FIRST_RESERVED_GDT_ENTRY;
		if (descriptor->table[0] == 'c')
			i += NR_RESERVED_GDT_ENTRIES;
		ks_decode_descriptor(i, idt->common.descriptors[i], descriptor);
		return true;
	}
	return false;
}

/* === The walk === */

/* Where it stands: in progress->at[]. */
enum { AT_STAGE, AT_CPU, AT_PLACE };
enum { STAGE_COMMON, STAGE_CPUS };

/* How many descriptors are looked at in one call; most are empty. */
#define PLACES_AT_ONCE 256

static int ks_common_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct ks_idt *idt = probe->own;
	uint64_t *place = &progress->at[AT_PLACE];
	int kind = KS_SET_SKIP;

	if (!idt->has_common) {
		ks_look_at_cpu(&idt->look, smp_processor_id());
		idt->common = idt->look.tables;
		idt->has_common = true;
		return KS_SET_SKIP;
	}
	if (*place < X86_IDT_VECTORS) {
		kind = ks_common_gates_item(probe, *place, item);
		*place = ((struct ks_common_gates *)item)->last + 1;
		return kind;
	}
	for (unsigned int i = 0; i < PLACES_AT_ONCE && kind == KS_SET_SKIP; i++) {
		if (*place == X86_IDT_VECTORS + KS_DESCRIPTORS) {
			*place = PLACE_LOOK;
			progress->at[AT_STAGE] = STAGE_CPUS;
			memset(idt->passed_by, 0, sizeof(idt->passed_by));
			ks_work_next_cpu(&probe->work, cpumask_first(&cpu_online_map));
			/* a look is half of a step: not at the end of one */
			return KS_SET_ELSEWHERE;
		}
		kind = ks_common_descriptor_item(idt, (*place)++ - X86_IDT_VECTORS, item);
	}
	return kind;
}

/*
 * CPUs that were passed by: in each sample that was asked for, and when there are more or fewer of
 * them than in the last.
 */
static void ks_tell_passed_by(struct ks_probe *probe)
{
	static const char *const why[] = { [KS_BARRED] = "cpus", [KS_HELD_BY_OTHERS] = "held" };
	struct ks_idt *idt = probe->own;
	unsigned int online = num_online_cpus();

	for (unsigned int i = 0; i < KS_REASONS; i++) {
		unsigned int count = idt->passed_by[i];

		if (count != idt->told_passed_by[i] || (count && probe->announce)) {
			struct ks_writer *text = ks_record_begin(probe, KS_ALARM, KS_OUTCOME_SOURCE, "incomplete");

			ks_write_member_count(text, "looked", online > count ? online - count : 0);
			ks_write_member_count(text, "of", online);
			ks_write_member_str(text, "why", why[i], 4);
			if (count)
				ks_record_outcome(probe);
			ks_record_end(probe);
		}
		if (count)
			ks_pass_incomplete(probe);
		idt->told_passed_by[i] = count;
	}
}

static int ks_look_next(struct ks_probe *probe, struct ks_set_progress *progress)
{
	struct ks_idt *idt = probe->own;
	unsigned int cpu = progress->at[AT_CPU];
	bool is_barred;

	if (cpu >= nr_cpu_ids) {
		ks_tell_passed_by(probe);
		return KS_SET_END;
	}
	/* Or it went away, as we were on our way to it. */
	if (!cpu_online(cpu)) {
		progress->at[AT_CPU]++;
		return KS_SET_SKIP;
	}
	/* Nobody but the CPU itself can look. */
	is_barred = !ks_work_may_be_on(cpu);
	idt->passes_by = is_barred || (cpu != smp_processor_id() && ks_cpu_is_held(cpu));
	if (idt->passes_by) {
		idt->passed_by[is_barred ? KS_BARRED : KS_HELD_BY_OTHERS]++;
		idt->look.cpu.cpu = cpu;
		idt->look.cpu.instance = ks_cpu_instance(cpu);
	} else if (cpu != smp_processor_id()) {
		ks_work_next_cpu(&probe->work, cpu);
		return KS_SET_ELSEWHERE;
	} else {
		ks_look_at_cpu(&idt->look, cpu);
		ks_count_unlike(idt);
	}
	progress->at[AT_PLACE] = PLACE_CPU;
	return KS_SET_SKIP;
}

/* From @place on, the next where there may be an item. */
static unsigned int ks_next_place(const struct ks_idt *idt, unsigned int place)
{
	if (place >= PLACE_GATES && place < PLACE_DESCRIPTORS)
		place = PLACE_GATES + find_next_bit(idt->gates_touched, X86_IDT_VECTORS, place - PLACE_GATES);
	if (place >= PLACE_DESCRIPTORS)
		place = PLACE_DESCRIPTORS +
			find_next_bit(idt->descriptors_touched, KS_DESCRIPTORS, place - PLACE_DESCRIPTORS);
	return place;
}

static int ks_place_item(const struct ks_probe *probe, unsigned int place, void *item)
{
	const struct ks_idt *idt = probe->own;

	if (idt->passes_by)
		return KS_SET_UNSEEN + ks_key_at(idt, place, item);
	switch (place) {
	case PLACE_CPU:
		*(struct ks_cpu *)item = idt->look.cpu;
		return KS_KIND_CPU;
	case PLACE_SYSCALL:
		return ks_syscall_item(probe, item);
	case PLACE_TSS:
		*(struct ks_tss *)item = idt->look.tss;
		return KS_KIND_TSS;
	case PLACE_FRED:
		return ks_fred_item(probe, item);
	}
	if (place < PLACE_DESCRIPTORS)
		return ks_gate_item(probe, place - PLACE_GATES, item);
	return ks_descriptor_item(probe, place - PLACE_DESCRIPTORS, item);
}

static KS_CB int ks_idt_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	unsigned int place = progress->at[AT_PLACE];

	if (progress->at[AT_STAGE] == STAGE_COMMON)
		return ks_common_next(probe, progress, item);
	if (place == PLACE_LOOK)
		return ks_look_next(probe, progress);
	place = ks_next_place(probe->own, place);
	if (place >= PLACES) {
		progress->at[AT_PLACE] = PLACE_LOOK;
		progress->at[AT_CPU]++;
		return KS_SET_SKIP;
	}
	progress->at[AT_PLACE] = place + 1;
	return ks_place_item(probe, place, item);
}

/* === Interface === */

/*
 * Four a CPU; what is common; and the gates and descriptors of some CPUs, should all of theirs
 * become others.
 */
static KS_CB uint32_t ks_idt_items(void)
{
	return 4 * nr_cpu_ids + 4 * (X86_IDT_VECTORS + KS_DESCRIPTORS);
}

static KS_CB void ks_idt_reset(struct ks_probe *probe)
{
	struct ks_idt *idt = probe->own;

	idt->has_common = false;
	memset(idt->told_passed_by, 0, sizeof(idt->told_passed_by));
	bitmap_zero(idt->gates_touched, X86_IDT_VECTORS);
	bitmap_zero(idt->descriptors_touched, KS_DESCRIPTORS);
	ks_set_reset(probe);
}

static KS_CB uint32_t ks_idt_first(void)
{
	return 3 * nr_cpu_ids + X86_EXC_NUM + KS_DESCRIPTORS;
}

static const struct ks_set_type ks_idt_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items = ks_idt_items,
	.first_items = ks_idt_first,
	.next = ks_idt_next,
	.usual = ks_idt_usual,
};

const struct ks_probe_type ks_xen_idt = {
	.name = "xen-idt",
	.interval_ns = {
		[KS_LOW] = SECONDS(10),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(400),
		[KS_ADVERSARIAL] = MILLISECS(50),
	},
	.pause_ns = {
		[KS_LOW] = MICROSECS(500),
		[KS_DEFAULT] = MICROSECS(250),
		[KS_HIGH] = MICROSECS(100),
		[KS_ADVERSARIAL] = 0,
	},
	.in_work = true,
	.own_bytes = sizeof(struct ks_idt),
	.size = ks_set_size,
	.init = ks_set_init,
	.exit = ks_set_exit,
	.reset = ks_idt_reset,
	.baselines = ks_set_baselines,
	.step = ks_set_step,
	.engine = &ks_idt_set,
};
