// SPDX-License-Identifier: GPL-2.0-only
/*
 * place.c - a name for an address, and a number for a CPU's time online.
 */
#include <xen/cpumask.h>
#include <xen/kernel.h>
#include <xen/percpu.h>
#include <xen/smp.h>
#include <xen/symbols.h>

#include "place.h"
#ifdef CONFIG_X86
#include "x86.h"
#endif

static DEFINE_PER_CPU(uint32_t, ks_instance);

/* Per-CPU data is zeroed as a CPU comes up, or kept together with what else Xen made for it (parked CPUs). */
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

/* Xen names its code; for the rest, where it is within its range says as much. */
void ks_place(uint64_t address, char *out, size_t bytes)
{
	char name[KSYM_NAME_LEN + 1];
	unsigned long size, offset;
	unsigned int cpu;

	if (symbols_lookup(address, &size, &offset, name)) {
		snprintf(out, bytes, "%s+0x%lx", name, offset);
		return;
	}
	if (address >= (unsigned long)_srodata && address < (unsigned long)_erodata) {
		snprintf(out, bytes, "_srodata+0x%lx", (unsigned long)address - (unsigned long)_srodata);
		return;
	}
	out[0] = '\0';
	for_each_online_cpu (cpu)
		if (address - ks_stub_address(cpu) < KS_STUB_BYTES)
			snprintf(out, bytes, "stub-cpu%u+0x%lx", cpu, (unsigned long)(address - ks_stub_address(cpu)));
}
