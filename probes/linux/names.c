// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - whose an address in the modules' area is, and by what name: see names.h.
 */
#include <linux/bpf.h>
#include <linux/elf.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../../linux/compat.h"
#include "names.h"
#include "walk.h"

/* Of a module that has more, none is looked for: that takes some 10 instructions for each. */
#define SYMBOLS_MAX 4096
/* Nor among more programs of BPF's. */
#define PROGRAMS_MAX 1024
#define NAME_BYTES 64

/* === The tree =========================================================== */

#ifdef CONFIG_MODULES_TREE_LOOKUP
/*
 * As __module_address() finds it: a tree in two copies, of which one stands still
 * (linux/rbtree_latch.h).
 */
struct module *ks_module_at(const struct latch_tree_root *tree, uintptr_t address)
{
	unsigned int copy;
	struct rb_node *node;

	if (!tree || !KS_GET(copy, &tree->seq.seqcount.sequence) || !KS_GET(node, &tree->tree[copy & 1].rb_node))
		return NULL;
	for (unsigned int depth = 0; node && depth < KS_TREE_DEPTH_MAX; depth++) {
		const struct latch_tree_node *latch = container_of(node, struct latch_tree_node, node[copy & 1]);
		const ks_module_memory *at = container_of(latch, ks_module_memory, mtn.node);
		ks_module_memory memory;

		if (!KS_GET(memory, at))
			return NULL;
		if (address >= (uintptr_t)memory.base && address - (uintptr_t)memory.base < memory.size)
			return memory.mtn.mod;
		node = address < (uintptr_t)memory.base ? memory.mtn.node.node[copy & 1].rb_left :
							   memory.mtn.node.node[copy & 1].rb_right;
	}
	return NULL;
}
#else
struct module *ks_module_at(const struct latch_tree_root *tree, uintptr_t address)
{
	return NULL;
}
#endif

/* === Symbols ============================================================ */

/* False: it has no name, or none that can be read. */
static bool copy_name(const char *from, char name[NAME_BYTES])
{
	size_t i = 0;

	do {
		if (!KS_GET(name[i], from + i))
			return false;
	} while (name[i] && ++i < NAME_BYTES - 1);
	name[i] = '\0';
	return i && strncmp(name, ".L", 2);
}

#ifdef CONFIG_KALLSYMS
/* The symbol of @module's that is the next below @address, or at it; 0: none. */
static uintptr_t symbol_below(const struct module *module, uintptr_t address, char name[NAME_BYTES])
{
	const struct mod_kallsyms *at;
	struct mod_kallsyms symbols;
	char found[NAME_BYTES];
	uintptr_t below = 0;

	if (!KS_GET(at, (const struct mod_kallsyms *const *)&module->kallsyms) || !KS_GET(symbols, at) ||
	    symbols.num_symtab > SYMBOLS_MAX)
		return 0;
	for (unsigned int i = 1; i < symbols.num_symtab; i++) {
		const Elf_Sym *symbol = symbols.symtab + i;
		typeof_member(Elf_Sym, st_value) value;
		typeof_member(Elf_Sym, st_shndx) section;
		typeof_member(Elf_Sym, st_name) offset;

		if (!KS_GET(value, &symbol->st_value))
			return 0;
		if (value > address || value <= below)
			continue;
		if (!KS_GET(section, &symbol->st_shndx) || section == SHN_UNDEF || !KS_GET(offset, &symbol->st_name) ||
		    !copy_name(symbols.strtab + offset, found))
			continue;
		memcpy(name, found, sizeof(found));
		below = value;
	}
	return below;
}
#else
static uintptr_t symbol_below(const struct module *module, uintptr_t address, char name[NAME_BYTES])
{
	return 0;
}
#endif

bool ks_module_name(const struct module *module, uintptr_t address, bool offset, char *out, size_t bytes)
{
	char owner[MODULE_NAME_LEN], name[NAME_BYTES], text[KSYM_SYMBOL_LEN];
	uintptr_t below;

	if (!KS_GET(owner, &module->name))
		return false;
	owner[sizeof(owner) - 1] = '\0';
	below = symbol_below(module, address, name);
	if (!below)
		snprintf(text, sizeof(text), "0x%lx [%s]", address, owner);
	else if (offset)
		snprintf(text, sizeof(text), "%s+0x%lx [%s]", name, address - below, owner);
	else
		snprintf(text, sizeof(text), "%s [%s]", name, owner);
	strscpy_pad(out, text, bytes);
	return true;
}

#ifdef CONFIG_BPF_JIT
bool ks_bpf_name(const struct list_head *programs, uintptr_t address, bool offset, char *out, size_t bytes)
{
	struct ks_round round = ks_round(programs, PROGRAMS_MAX);
	char name[NAME_BYTES], text[KSYM_SYMBOL_LEN];
	const struct list_head *link;

	while (programs && (link = ks_round_next(&round))) {
		const struct bpf_ksym *at = container_of(link, struct bpf_ksym, lnode);
		typeof_member(struct bpf_ksym, start) start;
		typeof_member(struct bpf_ksym, end) end;

		if (!KS_GET(start, &at->start) || !KS_GET(end, &at->end))
			return false;
		if (address < start || address >= end)
			continue;
		if (!copy_name(at->name, name))
			return false;
		if (offset)
			snprintf(text, sizeof(text), "%s+0x%lx", name, address - (uintptr_t)start);
		else
			strscpy(text, name, sizeof(text));
		strscpy_pad(out, text, bytes);
		return true;
	}
	return false;
}
#else
bool ks_bpf_name(const struct list_head *programs, uintptr_t address, bool offset, char *out, size_t bytes)
{
	return false;
}
#endif
