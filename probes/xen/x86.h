/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86.h - what Xen's probes need to know of x86.  A port to another architecture has a header with
 * the same functions.
 */
#ifndef KS_PROBES_XEN_X86_H
#define KS_PROBES_XEN_X86_H

#include <xen/mm.h>
#include <xen/percpu.h>
#include <xen/sched.h>
#include <asm/processor.h>
#include <asm/setup.h>

#include "../../xen/compat.h"

/*
 * How the domain was built.  Xen has no type "PVH": what tells it from HVM is that none of a PC's
 * legacy devices is emulated for it.
 */
static inline const char *ks_domain_type(const struct domain *d)
{
	if (!is_hvm_domain(d))
		return "PV";
#ifdef CONFIG_HVM
	if (!(d->arch.emulation_flags & (XEN_X86_EMU_PIT | XEN_X86_EMU_PIC | XEN_X86_EMU_RTC | XEN_X86_EMU_VGA)))
		return "PVH";
#endif
	return "HVM";
}

/*
 * Page frames of the page-table roots that Xen holds for a PV vCPU: of its kernel, and of its user
 * space (0: none, or a 32-bit guest, which has but one).  An HVM guest's CR3 is in the CPU, not in
 * Xen: 0.
 */
static inline void ks_vcpu_roots(const struct vcpu *v, uint64_t *root, uint64_t *user_root)
{
	if (!is_pv_vcpu(v))
		return;
	*root = pagetable_get_pfn(v->arch.guest_table);
	*user_root = pagetable_get_pfn(v->arch.guest_table_user);
}

/*
 * Where what Xen maps as code, and as constants, ends: with its last page, not with the last byte
 * that the linker put there.  In a build that is aligned for large pages (EFI) these are of 2 MiB.
 */
static inline unsigned long ks_text_end(void)
{
	return (unsigned long)__2M_text_end;
}

static inline unsigned long ks_rodata_end(void)
{
	return (unsigned long)__2M_rodata_end;
}

/*
 * An online CPU's entry stub: the code that SYSCALL enters by LSTAR and CSTAR.  The other half of
 * each stub's buffer is where the instruction emulator writes the instruction that it is about to
 * run, so it changes all the time.
 *
 * Each CPU has an address for a page of its own, that can be executed, but several have the same
 * page of memory there: each its buffer in it, at an offset by its number, with those of its
 * neighbours beside it (cpu_smpboot_alloc()).  What is nobody's is filled.
 */
#define KS_STUB_BYTES (STUB_BUF_SIZE / 2)
#define KS_STUB_FILL 0xcc

static inline uint64_t ks_stub_address(unsigned int cpu)
{
	return per_cpu(stubs.addr, cpu);
}

/* Of two online CPUs. */
static inline bool ks_stubs_share_page(unsigned int cpu, unsigned int other)
{
	return per_cpu(stubs.mfn, cpu) == per_cpu(stubs.mfn, other);
}

/*
 * The code that a CPU begins with as it comes up, and at the end of suspend: below 1 MiB, where
 * its address is that of the memory (zap_low_mappings()).  Its first part stays in use; a byte at
 * the end of that is written as each CPU comes up.  Of the rest, which only the boot CPU ran, the
 * end of the first page is the stack at the end of suspend.
 */
static inline unsigned long ks_trampoline(void)
{
	return trampoline_phys;
}

static inline unsigned long ks_trampoline_started(void)
{
	return (unsigned long)&trampoline_cpu_started - (unsigned long)trampoline_start;
}

static inline unsigned long ks_trampoline_bytes(void)
{
	return PAGE_ALIGN((unsigned long)trampoline_end - (unsigned long)trampoline_start);
}

#endif /* KS_PROBES_XEN_X86_H */
