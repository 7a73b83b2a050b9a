/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86.h - what Xen's probes need to know of x86.  A port to another architecture has a header with the same functions.
 */
#ifndef KS_PROBES_XEN_X86_H
#define KS_PROBES_XEN_X86_H

#include <xen/percpu.h>
#include <xen/sched.h>
#include <asm/processor.h>

/*
 * How the domain was built.  Xen has no type "PVH": what tells it from HVM is that none of a PC's legacy devices is
 * emulated for it.
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
 * Page frames of the page-table roots that Xen holds for a PV vCPU: of its kernel, and of its user space (0: none, or a
 * 32-bit guest, which has but one).  An HVM guest's CR3 is in the CPU, not in Xen: 0.
 */
static inline void ks_vcpu_roots(const struct vcpu *v, uint64_t *root, uint64_t *user_root)
{
	if (!is_pv_vcpu(v))
		return;
	*root = pagetable_get_pfn(v->arch.guest_table);
	*user_root = pagetable_get_pfn(v->arch.guest_table_user);
}

/*
 * An online CPU's entry stub: the code that SYSCALL enters by LSTAR and CSTAR.  The other half of each stub's buffer is where
 * the instruction emulator writes the instruction that it is about to run, so it changes all the time.
 */
#define KS_STUB_BYTES (STUB_BUF_SIZE / 2)

static inline uint64_t ks_stub_address(unsigned int cpu)
{
	return per_cpu(stubs.addr, cpu);
}

#endif /* KS_PROBES_XEN_X86_H */
