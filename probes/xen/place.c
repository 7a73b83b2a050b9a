// SPDX-License-Identifier: GPL-2.0-only
/*
 * place.c - a name for an address, and a number for a CPU's time online.
 */
#include <xen/cpu.h>
#include <xen/cpumask.h>
#include <xen/init.h>
#include <xen/kernel.h>
#include <xen/percpu.h>
#include <xen/smp.h>
#include <xen/symbols.h>

#include "place.h"
#include "x86.h"

static DEFINE_PER_CPU(uint32_t, ks_instance);

/*
 * Per-CPU data is zeroed as a CPU comes up, but not over a suspend, nor where CPUs that go off are
 * parked: then its stack and its stub may be new all the same.
 */
static int cf_check ks_cpu_event(struct notifier_block *block, unsigned long action, void *cpu)
{
	if (action == CPU_UP_PREPARE)
		write_atomic(&per_cpu(ks_instance, (unsigned long)cpu), 0);
	return NOTIFY_DONE;
}

static struct notifier_block ks_cpu_block = { .notifier_call = ks_cpu_event };

static int __init cf_check ks_place_init(void)
{
	register_cpu_notifier(&ks_cpu_block);
	return 0;
}
__initcall(ks_place_init);

uint32_t ks_cpu_instance(unsigned int cpu)
{
	static atomic_t last = ATOMIC_INIT(0);
	uint32_t *instance = &per_cpu(ks_instance, cpu);
	uint32_t is = read_atomic(instance), next;

	if (is)
		return is;
	/* Of two who ask at once, on two CPUs, one gives the number; the other's is left out. */
	next = atomic_inc_return(&last);
	is = cmpxchg(instance, 0, next);
	return is ? is : next;
}

/*
 * Writes @name and the distance of @address from @start; false: it is not between @start and @end.
 */
static bool ks_within(uint64_t address, const char *name, uint64_t start, uint64_t end, char *out, size_t bytes)
{
	if (address < start || address >= end)
		return false;
	snprintf(out, bytes, "%s+0x%lx", name, (unsigned long)(address - start));
	return true;
}

/*
 * Xen names its code; for the rest, where it is within its range says as much.
 *
 * A live patch's names are its own, and go with it.  symbols_lookup() lets go of RCU before it
 * looks them up, but a patch is reverted, and then freed, only once every CPU has left what it is
 * doing (check_for_livepatch_work()): no step sees the one it began with go.
 */
void ks_place(uint64_t address, char *out, size_t bytes)
{
	char name[KSYM_NAME_LEN + 1];
	unsigned long size, offset;
	unsigned int cpu;

	if (symbols_lookup(address, &size, &offset, name)) {
		snprintf(out, bytes, "%s+0x%lx", name, offset);
		return;
	}
	if (ks_within(address, "_etext", (unsigned long)_etext, ks_text_end(), out, bytes) ||
	    ks_within(address, "_srodata", (unsigned long)_srodata, ks_rodata_end(), out, bytes) ||
	    ks_within(address, "trampoline", ks_trampoline(), ks_trampoline() + ks_trampoline_bytes(), out, bytes))
		return;
	out[0] = '\0';
	for_each_online_cpu (cpu) {
		uint64_t stub = ks_stub_address(cpu), page = stub & PAGE_MASK;

		if (address - stub < KS_STUB_BYTES)
			snprintf(out, bytes, "stub-cpu%u+0x%lx", cpu, (unsigned long)(address - stub));
		else if (address - page < PAGE_SIZE)
			snprintf(out, bytes, "stub-page-cpu%u+0x%lx", cpu, (unsigned long)(address - page));
	}
}
