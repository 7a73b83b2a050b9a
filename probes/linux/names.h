/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - whose an address in the modules' area is, and by what name.
 *
 * What the kernel has for that (sprint_symbol(), %pS) goes by what a module says of itself: where
 * its symbols are, and how many.  One that says what is not so makes whoever asks read where no
 * memory is, with preemption off; and so does a tree that was made to run in a circle.  So all of
 * it is read as walk.h says.
 */
#ifndef KS_PROBES_LINUX_NAMES_H
#define KS_PROBES_LINUX_NAMES_H

#include <linux/module.h>
#include <linux/rbtree_latch.h>

/*
 * The module that has @address, code or data, by @tree, which is the kernel's mod_tree; NULL:
 * none, or somebody changed the tree just then, or there is no @tree.
 */
struct module *ks_module_at(const struct latch_tree_root *tree, uintptr_t address);

/*
 * "name+0x... [module]" of an address that @module has, or "name [module]" without @offset; the
 * number in place of the name where no symbol is found.  At most @bytes bytes, with the NUL, and
 * the rest of @out zero.  False: @module cannot be read.
 */
bool ks_module_name(const struct module *module, uintptr_t address, bool offset, char *out, size_t bytes);

/*
 * The same of code that BPF made, by @programs, which is the kernel's bpf_kallsyms, or NULL:
 * "name" or "name+0x...", with no module behind it.  False: it is none, or cannot be read.
 */
bool ks_bpf_name(const struct list_head *programs, uintptr_t address, bool offset, char *out, size_t bytes);

#endif /* KS_PROBES_LINUX_NAMES_H */
