/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbols.h - addresses of what the kernel has but does not export to modules.
 */
#ifndef KS_LINUX_SYMBOLS_H
#define KS_LINUX_SYMBOLS_H

#include <linux/module.h>
#include <linux/static_call.h>
#include <linux/types.h>

/*
 * The address of the kernel's own (not a module's) function or variable @name, or 0: there is none
 * by that name, or this kernel does not say.  Whoever asks does without then, and says so in its
 * records.  Of several by one name, the first.
 *
 * May sleep, and in Linux before 6.2 takes milliseconds, for it goes through all symbols: to be
 * called when a probe starts, not while sensing.
 *
 * Data is read where it is.  A function must not be called through a pointer: where the CPU
 * checks indirect branches (IBT), that traps unless the function begins with ENDBR, and since 6.2
 * the kernel takes that away from every function whose address it does not itself take.  A direct
 * call is not checked: see KS_KERNEL_CALL().  What can be read is better read than asked for,
 * anyway (probes/linux/walk.h).
 */
unsigned long ks_symbol(const char *name);

/*
 * "name+0x...", and the module that it is in, if it is not the kernel's own or BPF's; the number,
 * if there is no symbol: false.  At most @bytes bytes, with the NUL, and the rest of @out zero.
 *
 * To be asked of any address, where sprint_symbol() and %pS are not: outside of the kernel's own
 * image these read what modules say of themselves, wherever that leads (probes/linux/names.h).
 */
bool ks_symbol_at(unsigned long address, char *out, size_t bytes);
/* The same without "+0x...". */
bool ks_name_at(unsigned long address, char *out, size_t bytes);

/*
 * The module that has @address, code or data, as the kernel's tree of modules says; NULL: none, or
 * somebody changed the tree just then, or it is not known where that is.
 */
struct module *ks_module_of(unsigned long address);
bool ks_module_tree_known(void);

/*
 * A function of the kernel's that is declared in its headers and not exported:
 *
 *	KS_KERNEL_CALL(find_vm_area);                         in a file, outside of functions
 *	if (ks_find_kernel_call(find_vm_area)) ...            once; false: this kernel has none
 *	area = ks_kernel_call(find_vm_area)(address);         only if it was found
 *
 * A static call: its places are calls of a fixed address, which the kernel writes there when it
 * is told the address.
 */
#define KS_KERNEL_CALL(function) DEFINE_STATIC_CALL_NULL(ks_call_##function, function)
#define ks_kernel_call(function) static_call(ks_call_##function)
#define ks_set_kernel_call(function, address) \
	static_call_update(ks_call_##function, (typeof(&function))(address))
#define ks_find_kernel_call(function) \
	({ \
		unsigned long address_ = ks_symbol(#function); \
\
		if (address_) \
			ks_set_kernel_call(function, address_); \
		address_ != 0; \
	})

#endif /* KS_LINUX_SYMBOLS_H */
