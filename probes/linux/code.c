// SPDX-License-Identifier: GPL-2.0-only
/*
 * code.c - where the kernel's memory is executable: see code.h.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "../../linux/compat.h"
#include "../../linux/symbols.h"
#include "code.h"
#include "walk.h"

/* Constant from init on, NULL: not known; but for what is counted in a pass. */
static struct {
	const pgd_t *pgd;
	unsigned long text, text_end;
	const struct rb_root *areas;
	bool areas_asked;
	unsigned long tables;           /* looked at in this pass */
	bool endless;
} code;

/* === Code =============================================================== */

bool ks_text_known(void)
{
	return code.text && code.text_end;
}

bool ks_in_text(uintptr_t address)
{
	return ks_text_known() && address >= code.text && address < code.text_end;
}

bool ks_in_module_area(uintptr_t address)
{
	return address >= MODULES_VADDR && address < MODULES_END;
}

bool ks_is_code(const void *function)
{
	uintptr_t address = (uintptr_t)function;
	u8 first;

	return (ks_in_text(address) || ks_in_module_area(address)) && KS_GET(first, (const u8 *)function);
}

/* === Page tables ======================================================== */

#define LEVEL_SHIFT 9
#define TOP_SHIFT_4 39
#define TOP_SHIFT_5 48

static bool is_table(unsigned long entry, unsigned int shift)
{
	return shift > PAGE_SHIFT && (entry & _PAGE_PRESENT) && (shift >= TOP_SHIFT_4 || !(entry & _PAGE_PSE));
}

/* What an entry of any level points to; in a PV guest of Xen the entry has the machine's frame. */
static const unsigned long *table_of(unsigned long entry)
{
	return __va(PFN_PHYS(pte_pfn(native_make_pte(entry))));
}

static bool is_executable(unsigned long entry)
{
	return (entry & _PAGE_PRESENT) && !(entry & _PAGE_NX);
}

bool ks_page_tables_known(void)
{
	return code.pgd;
}

void ks_page_tables_begin(void)
{
	code.tables = 0;
	code.endless = false;
}

bool ks_page_tables_endless(void)
{
	return code.endless;
}

bool ks_next_executable(uintptr_t *address, uintptr_t end, uintptr_t *bytes)
{
	static unsigned long entries[PTRS_PER_PTE]; /* there is one walk at a time */
	const unsigned long *table = (const void *)code.pgd;
	unsigned int shift = pgtable_l5_enabled() ? TOP_SHIFT_5 : TOP_SHIFT_4, index, count;
	uintptr_t at = *address, next;

	if (code.tables++ > totalram_pages()) {
		code.endless = true;
		*address = end;
		return false;
	}
	for (;; shift -= LEVEL_SHIFT) {
		index = (at >> shift) % PTRS_PER_PTE;
		if (!KS_GET(entries[0], table + index) || !is_table(entries[0], shift))
			break;
		table = table_of(entries[0]);
	}
	/* What cannot be read maps nothing. */
	count = PTRS_PER_PTE - index;
	if (copy_from_kernel_nofault(entries, table + index, count * sizeof(*entries)))
		memset(entries, 0, sizeof(entries));
	for (unsigned int i = 0; i < count && at < end && !is_table(entries[i], shift); i++, at = next) {
		next = (at | ((1UL << shift) - 1)) + 1;
		if (is_executable(entries[i])) {
			*address = at;
			*bytes = min(next, end) - at;
			return true;
		}
		if (!next) /* the end of all addresses */
			next = end;
	}
	*address = at;
	return false;
}

/* === Areas ============================================================== */

bool ks_vm_areas_known(void)
{
	return code.areas || code.areas_asked;
}

#if KS_VMAP_IN_ONE_TREE
/*
 * Nobody keeps the tree as it is: what is not found was perhaps just turned away, so more than
 * one look is taken.
 */
#define AREA_LOOKS 4

static bool look_for_area(uintptr_t address, struct vm_struct *area)
{
	struct rb_node *node;

	if (!KS_GET(node, &code.areas->rb_node))
		return false;
	for (unsigned int depth = 0; node && depth < KS_TREE_DEPTH_MAX; depth++) {
		struct vmap_area at;

		if (!KS_GET(at, rb_entry(node, struct vmap_area, rb_node)))
			return false;
		if (address >= at.va_start && address < at.va_end)
			return at.vm && KS_GET(*area, at.vm);
		node = address < at.va_start ? at.rb_node.rb_left : at.rb_node.rb_right;
	}
	return false;
}

static bool find_area(uintptr_t address, struct vm_struct *area)
{
	for (unsigned int i = 0; i < AREA_LOOKS; i++)
		if (look_for_area(address, area))
			return true;
	return false;
}

static void init_areas(void)
{
	code.areas = (const void *)ks_symbol("vmap_area_root");
}
#else
/*
 * The areas are in several trees, of a form that is private to mm/vmalloc.c: so the kernel is
 * asked, which takes a lock that spins and goes through one of them as it finds it.
 */
KS_KERNEL_CALL(find_vm_area);

static bool find_area(uintptr_t address, struct vm_struct *area)
{
	const struct vm_struct *found = ks_kernel_call(find_vm_area)((const void *)address);

	return found && KS_GET(*area, found);
}

static void init_areas(void)
{
	code.areas_asked = ks_find_kernel_call(find_vm_area);
}
#endif

/* It may be freed meanwhile: then it is nonsense, once, and no finding. */
bool ks_vm_area(uintptr_t address, struct vm_struct *area)
{
	return ks_vm_areas_known() && find_area(address, area) && address >= (uintptr_t)area->addr &&
	       address - (uintptr_t)area->addr < get_vm_area_size(area);
}

void ks_code_init(void)
{
	const struct mm_struct *mm = (const void *)ks_symbol("init_mm");

	if (!mm || !KS_GET(code.pgd, &mm->pgd))
		code.pgd = NULL;
	code.text = ks_symbol("_stext");
	code.text_end = ks_symbol("_etext");
	init_areas();
}
