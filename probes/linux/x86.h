/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86.h - what Linux's probes need to know of x86.  A port to another architecture has a header
 * with the same functions.
 */
#ifndef KS_PROBES_LINUX_X86_H
#define KS_PROBES_LINUX_X86_H

#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <asm/vsyscall.h>
#ifdef CONFIG_XEN_PV
#include <xen/xen.h>
#include <asm/xen/page.h>
#endif

/*
 * Whether a load from @address may fault and be caught at once: it is the kernel's, and so is the
 * fault (above the vsyscall page nothing is of interest, and that itself counts as user space).
 */
static inline bool ks_is_kernel_address(const void *address)
{
	return (unsigned long)address >= PAGE_OFFSET && (unsigned long)address < VSYSCALL_ADDR - PAGE_SIZE;
}

/*
 * Page frames of an mm's page-table roots: of the kernel, and of user space where that has one of
 * its own (else 0).  In a PV guest of Xen they are machine frames, as Xen counts them, and the
 * user root's page is told by ->private of the other's (arch/x86/xen/mmu_pv.c); elsewhere they are
 * physical frames, and with page-table isolation the user root is the page behind the other
 * (asm/pgtable.h).  @pgd is a valid address.
 */
static inline void ks_mm_roots(pgd_t *pgd, uint64_t *root, uint64_t *user_root)
{
#ifdef CONFIG_XEN_PV
	if (xen_pv_domain()) {
		void *user_pgd = (void *)virt_to_page(pgd)->private;

		*root = virt_to_mfn(pgd);
		*user_root = user_pgd && virt_addr_valid(user_pgd) ? virt_to_mfn(user_pgd) : 0;
		return;
	}
#endif
	*root = __pa(pgd) >> PAGE_SHIFT;
	*user_root = boot_cpu_has(X86_FEATURE_PTI) ? *root + 1 : 0;
}

#endif /* KS_PROBES_LINUX_X86_H */
