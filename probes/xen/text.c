// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - the probe xen-text: Xen's code and constants, which nothing but a live patch changes once Xen has booted.
 *
 * Every range is read at the address at which it executes or is used, through Xen's own page tables, which all CPUs share for
 * these addresses: what is hashed is what runs, whatever else may map the same memory.
 */
#include <xen/cpumask.h>
#include <xen/kernel.h>
#include <xen/smp.h>
#include <xen/time.h>

#include "../region.h"
#include "place.h"
#ifdef CONFIG_X86
#include "x86.h"
#endif

/* === Data === */

/*
 * text    [_stext, _etext): all code, the entry points and the compiled hypercall dispatch among it.
 * rodata  [_srodata, _erodata): constants, tables of functions, the exception and bug tables, and what Xen fixes while it boots
 *         (__ro_after_init); read-only from then on.
 * stubs   one for each CPU that there can be, from KS_FIRST_STUB on.
 *
 * Not here: .init, which is freed; data, which changes.
 */
enum { KS_TEXT, KS_RODATA, KS_FIRST_STUB };

#define KS_CELL 8  /* ranges are multiples of this */

/* === Internals === */

static uint64_t ks_start(const char *start)
{
	return ROUNDUP((unsigned long)start, KS_CELL);
}

static uint64_t ks_bytes(const char *start, const char *end)
{
	return ((unsigned long)end & ~(KS_CELL - 1UL)) - ks_start(start);
}

/*
 * A stub is there while its CPU is online.  CPUs leave the online map in stop_machine only, which cannot come between two
 * statements of a step: neither in a tasklet nor in a hypercall.  So what is online at the start of a step is, with its stub
 * and its per-CPU data, until the step returns.
 */
static bool ks_stub_cpu(unsigned int i, unsigned int *cpu)
{
	*cpu = i - KS_FIRST_STUB;
	return *cpu < nr_cpu_ids && cpu_online(*cpu) && ks_stub_address(*cpu);
}

static uint64_t ks_address(unsigned int i)
{
	unsigned int cpu;

	switch (i) {
	case KS_TEXT:
		return ks_start(_stext);
	case KS_RODATA:
		return ks_start(_srodata);
	}
	return ks_stub_cpu(i, &cpu) ? ks_stub_address(cpu) : 0;
}

/* === Callbacks of the engine === */

static KS_CB unsigned int ks_text_ranges(struct ks_probe *probe)
{
	return KS_FIRST_STUB + nr_cpu_ids;
}

static KS_CB uint64_t ks_text_bytes_max(struct ks_probe *probe, unsigned int i)
{
	switch (i) {
	case KS_TEXT:
		return ks_bytes(_stext, _etext);
	case KS_RODATA:
		return ks_bytes(_srodata, _erodata);
	}
	return KS_STUB_BYTES;
}

static KS_CB bool ks_text_range(struct ks_probe *probe, unsigned int i, struct ks_range *range)
{
	range->address = ks_address(i);
	if (!range->address)
		return false;
	range->bytes = ks_text_bytes_max(probe, i);
	range->instance = 0;
	switch (i) {
	case KS_TEXT:
		strlcpy(range->name, "text", sizeof(range->name));
		break;
	case KS_RODATA:
		strlcpy(range->name, "rodata", sizeof(range->name));
		break;
	default:
		snprintf(range->name, sizeof(range->name), "stub-cpu%u", i - KS_FIRST_STUB);
		/* The stub is written anew then, for stacks that may be elsewhere. */
		range->instance = ks_cpu_instance(i - KS_FIRST_STUB);
	}
	return true;
}

static KS_CB bool ks_text_read(struct ks_probe *probe, unsigned int i, uint64_t offset, void *out, size_t bytes)
{
	uint64_t address = ks_address(i);

	if (!address)
		return false;
	memcpy(out, (const void *)(unsigned long)(address + offset), bytes);
	return true;
}

static KS_CB void ks_text_symbol(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL])
{
	ks_place(address, out, KS_REGION_SYMBOL);
}

/* === Interface === */

static const struct ks_region_type ks_text_region = {
	.ranges = ks_text_ranges,
	.bytes_max = ks_text_bytes_max,
	.range = ks_text_range,
	.read = ks_text_read,
	.symbol = ks_text_symbol,
};

const struct ks_probe_type ks_xen_text = {
	.name = "xen-text",
	.interval_ns = {
		[KS_LOW] = SECONDS(60),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(500),
		[KS_ADVERSARIAL] = MILLISECS(50),
	},
	.pause_ns = {
		[KS_LOW] = MILLISECS(2),
		[KS_DEFAULT] = MICROSECS(250),
		[KS_HIGH] = MICROSECS(100),
		[KS_ADVERSARIAL] = 0,
	},
	KS_REGION_ENGINE(&ks_text_region),
};
