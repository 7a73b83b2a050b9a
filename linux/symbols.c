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

#include "symbols.h"

#define LOOKUP "kallsyms_lookup_name"

KS_KERNEL_CALL(kallsyms_lookup_name);

static DEFINE_MUTEX(lookup_mutex);
static bool found;

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
	if (address)
		ks_set_kernel_call(kallsyms_lookup_name, address);
	return address;
}

unsigned long ks_symbol(const char *name)
{
	char symbol[KSYM_SYMBOL_LEN];
	unsigned long address = 0;

	mutex_lock(&lookup_mutex);
	/* What failed once, for want of memory or because kprobes were off, is tried again. */
	if (!found)
		found = find_lookup();
	if (found)
		address = ks_kernel_call(kallsyms_lookup_name)(name);
	mutex_unlock(&lookup_mutex);
	if (!address)
		return 0;
	/*
	 * What the kernel does not have itself is looked for in modules, and a module may call its
	 * symbols what it likes.
	 */
	sprint_symbol(symbol, address);
	return strchr(symbol, '[') ? 0 : address;
}

/* The kernel adds the symbol's size. */
bool ks_symbol_at(unsigned long address, char *out, size_t bytes)
{
	char symbol[KSYM_SYMBOL_LEN];
	char *size, *module;

	sprint_symbol(symbol, address);
	size = strchr(symbol, '/');
	if (size) {
		module = strchrnul(size, ' ');
		memmove(size, module, strlen(module) + 1);
	}
	strscpy_pad(out, symbol, bytes);
	return size;
}
