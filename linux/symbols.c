// SPDX-License-Identifier: GPL-2.0-only
/*
 * symbols.c - addresses of what the kernel has but does not export to modules.
 *
 * kallsyms_lookup_name() knows them all and is itself no longer exported (since 5.7).  A kprobe
 * may be given a function's name, though, and has its address once it is registered.  It is
 * registered disabled: then nothing is written into the function.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "../probes/linux/code.h"
#include "../probes/linux/names.h"
#include "compat.h"
#include "symbols.h"

#define LOOKUP "kallsyms_lookup_name"

KS_KERNEL_CALL(kallsyms_lookup_name);
KS_KERNEL_CALL(kallsyms_on_each_match_symbol);

static DEFINE_MUTEX(lookup_mutex);
/* All constant once `found` is true. */
static bool found;
static bool matches;                    /* this kernel has the second of the two */
/* Where the kernel itself is, of which it knows the names without asking anybody. */
static unsigned long image, image_end;
static const struct latch_tree_root *module_tree;
static const struct list_head *bpf_programs;

/*
 * The probe may stand behind the ENDBR that begins the function: so what says where the function
 * begins is the symbol that the address belongs to.  That it is the right one is seen by its
 * name.
 */
static unsigned long start_of_lookup(unsigned long address)
{
	char symbol[KSYM_SYMBOL_LEN];
	unsigned long offset;

	sprint_symbol(symbol, address);
	if (sscanf(symbol, LOOKUP "+%lx/", &offset) != 1 || offset > 4 || strchr(symbol, '['))
		return 0;
	return address - offset;
}

static bool find_lookup(void)
{
	struct kprobe probe = { .symbol_name = LOOKUP, .flags = KPROBE_FLAG_DISABLED };
	unsigned long address;

	if (register_kprobe(&probe))
		return false;
	address = start_of_lookup((unsigned long)probe.addr);
	unregister_kprobe(&probe);
	if (!address)
		return false;
	ks_set_kernel_call(kallsyms_lookup_name, address);
	address = ks_kernel_call(kallsyms_lookup_name)("kallsyms_on_each_match_symbol");
	matches = address && !ks_in_module_area(address);
	if (matches)
		ks_set_kernel_call(kallsyms_on_each_match_symbol, address);
	return true;
}

static int take(void *address, unsigned long found_at)
{
	*(unsigned long *)address = found_at;
	return 1;
}

/*
 * What the kernel does not have itself, kallsyms_lookup_name() looks for in modules, which have
 * symbols by any name, and tables of them that lead anywhere (probes/linux/names.h).  Where there
 * is another function for that, modules are not asked.
 */
static unsigned long look_up(const char *name)
{
	unsigned long address = 0;

	if (matches)
		ks_kernel_call(kallsyms_on_each_match_symbol)(take, name, &address);
	else
		address = ks_kernel_call(kallsyms_lookup_name)(name);
	return ks_in_module_area(address) ? 0 : address;
}

static void find_places(void)
{
	image = look_up("_stext");
	image_end = look_up(IS_ENABLED(CONFIG_KALLSYMS_ALL) ? "_end" : "_etext") ?: look_up("_etext");
	module_tree = (const void *)look_up("mod_tree"); /* begins with the tree */
	bpf_programs = (const void *)look_up("bpf_kallsyms");
}

unsigned long ks_symbol(const char *name)
{
	unsigned long address = 0;

	mutex_lock(&lookup_mutex);
	/* What failed once, for want of memory or because kprobes were off, is tried again. */
	if (!found && find_lookup()) {
		find_places();
		smp_store_release(&found, true);
	}
	if (found)
		address = look_up(name);
	mutex_unlock(&lookup_mutex);
	return address;
}

struct module *ks_module_of(unsigned long address)
{
	return smp_load_acquire(&found) ? ks_module_at(module_tree, address) : NULL;
}

bool ks_module_tree_known(void)
{
	return smp_load_acquire(&found) && module_tree;
}

/* Once the places are found.  False: it has no name. */
static bool put_name(unsigned long address, bool offset, char *out, size_t bytes)
{
	char symbol[KSYM_SYMBOL_LEN];
	const struct module *module;

	if (address < image || address >= image_end) {
		module = ks_module_at(module_tree, address);
		return module ? ks_module_name(module, address, offset, out, bytes) :
				ks_bpf_name(bpf_programs, address, offset, out, bytes);
	}
	if (offset)
		sprint_symbol(symbol, address);
	else
		sprint_symbol_no_offset(symbol, address);
	/* The kernel adds to the offset the symbol's size. */
	symbol[strcspn(symbol, "/")] = '\0';
	strscpy_pad(out, symbol, bytes);
	return !strstarts(symbol, "0x");
}

/* With "+0x...", if @offset. */
static bool put_symbol(unsigned long address, bool offset, char *out, size_t bytes)
{
	char number[sizeof("0x0123456789abcdef")];

	if (smp_load_acquire(&found) && put_name(address, offset, out, bytes))
		return true;
	snprintf(number, sizeof(number), "0x%lx", address);
	strscpy_pad(out, number, bytes);
	return false;
}

bool ks_symbol_at(unsigned long address, char *out, size_t bytes)
{
	return put_symbol(address, true, out, bytes);
}

bool ks_name_at(unsigned long address, char *out, size_t bytes)
{
	return put_symbol(address, false, out, bytes);
}
