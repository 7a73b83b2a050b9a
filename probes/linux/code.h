/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * code.h - where the kernel's code is, and where its memory is executable, by its page tables, and
 * who took it.  x86.
 *
 * Read as walk.h says: whoever can write page tables can make them lead anywhere.
 */
#ifndef KS_PROBES_LINUX_CODE_H
#define KS_PROBES_LINUX_CODE_H

#include <linux/types.h>
#include <linux/vmalloc.h>

/*
 * Finds what the other functions need; without it they say so.  May sleep; to be called when a
 * probe starts that uses one, any number of times.
 */
void ks_code_init(void);

/* Where the kernel's own code is; false of all addresses: that is not known. */
bool ks_text_known(void);
bool ks_in_text(uintptr_t address);
/* Where modules are loaded. */
bool ks_in_module_area(uintptr_t address);
/* Whether there is a function of the kernel's, or memory of its modules, at @function. */
bool ks_is_code(const void *function);

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
