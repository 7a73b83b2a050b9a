/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * code.h - where the kernel's memory is executable, by its page tables, and who took it.  x86.
 *
 * Read as walk.h says: whoever can write page tables can make them lead anywhere.
 */
#ifndef KS_PROBES_LINUX_CODE_H
#define KS_PROBES_LINUX_CODE_H

#include <linux/types.h>
#include <linux/vmalloc.h>

/* Finds what the other functions need; without it they say so.  May sleep. */
void ks_code_init(void);
bool ks_page_tables_known(void);
bool ks_vm_areas_known(void);

/* A pass begins. */
void ks_page_tables_begin(void);

/*
 * Goes on from *@address within one page table.  True: code may run at *@address and the @bytes
 * that are mapped there together, up to @end; else *@address is behind what was looked at.  It
 * never goes back.
 */
bool ks_next_executable(uintptr_t *address, uintptr_t end, uintptr_t *bytes);

/*
 * In this pass there were more tables than the machine has pages: somebody made them lead in
 * circles, or shares one for many places.  There is no more executable memory for this pass then.
 */
bool ks_page_tables_endless(void);

/*
 * A copy of the area of vmalloc's that @address is in.  False: there is none, or it was just
 * being changed.
 */
bool ks_vm_area(uintptr_t address, struct vm_struct *area);

#endif /* KS_PROBES_LINUX_CODE_H */
