// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - the probe xen-text: Xen's code and constants, which nothing but a live patch changes
 * once Xen has booted.
 *
 * What can be executed is watched whole, up to the end of its last page: what lies behind the last
 * function can be jumped to like any other.
 *
 * Every range is read at the address at which it executes or is used, through Xen's own page
 * tables, which all CPUs share for these addresses: what is hashed is what runs, whatever else may
 * map the same memory.  But for the trampoline: its address is a guest's while a guest's tables
 * are loaded, so it is read through the direct map.
 *
 * What keeps them: the image is there for ever.  A CPU's stubs are there while it is online, see
 * ks_stub_cpu().
 */
#include <xen/cpu.h>
#include <xen/cpumask.h>
#include <xen/kernel.h>
#include <xen/smp.h>
#include <xen/time.h>

#include "../region.h"
#include "place.h"
#include "x86.h"

/* === Data === */

/*
 * text             from _stext on: all code, the entry points and the compiled hypercall dispatch
 *                  among it.
 * rodata           from _srodata on: constants, tables of functions, the exception and bug tables,
 *                  and what Xen fixes while it boots (__ro_after_init); read-only from then on.
 * trampoline       what a CPU runs as it comes up.
 * trampoline-boot  the rest of its pages, which can be executed as well.
 * stubs            a page for each CPU that there can be, from KS_FIRST_STUB on.
 *
 * Not here: .init, which is freed; data, which changes; live patches' own code, which comes and
 * goes; pages of hypercalls, which are the guests'.
 */
enum { KS_TEXT, KS_RODATA, KS_TRAMPOLINE, KS_TRAMPOLINE_BOOT, KS_FIRST_STUB };

#define KS_CELL 8  /* ranges are multiples of this */

/* === Internals === */

/*
 * A stub is there while its CPU is online.  CPUs leave the online map in stop_machine only, which
 * cannot come between two statements of a step: neither in a tasklet nor in a hypercall.  So what
 * is online at the start of a step is, with its stub and its per-CPU data, until the step returns.
 */
static bool ks_stub_cpu(unsigned int i, unsigned int *cpu)
{
	*cpu = i - KS_FIRST_STUB;
	return *cpu < nr_cpu_ids && cpu_online(*cpu) && ks_stub_address(*cpu);
}

static uint64_t ks_trampoline_part(void)
{
	return ROUNDUP(ks_trampoline_started() + 1, KS_CELL);
}

static uint64_t ks_address(unsigned int i)
{
	unsigned int cpu;

	switch (i) {
	case KS_TEXT:
		return (unsigned long)_stext;
	case KS_RODATA:
		return (unsigned long)_srodata;
	case KS_TRAMPOLINE:
		return ks_trampoline();
	case KS_TRAMPOLINE_BOOT:
		return ks_trampoline() + ks_trampoline_part();
	}
	return ks_stub_cpu(i, &cpu) ? ks_stub_address(cpu) & PAGE_MASK : 0;
}

/*
 * Puts the filling in place of those of the bytes @from to @to of a page that are among the @bytes
 * at @offset.
 */
static void ks_fill(uint8_t *out, unsigned int offset, unsigned int bytes, unsigned int from, unsigned int to)
{
	unsigned int start = max(from, offset), end = min(to, offset + bytes);

	if (start < end)
		memset(out + start - offset, KS_STUB_FILL, end - start);
}

/*
 * Of the page with @cpu's stub, what is to hold still: its stub, and what is nobody's.  An online
 * neighbour's buffer is read at that one's own address, the emulator's halves not at all; both
 * read as the filling, which is what Xen leaves there when a CPU goes.  Between the two, while a
 * CPU comes or goes, any buffer may be either: then they are all read as that.  Who could have it
 * always so would have to turn CPUs off and on all the time.
 */
static void ks_read_stubs(unsigned int cpu, unsigned int offset, uint8_t *out, unsigned int bytes)
{
	bool settled = get_cpu_maps();

	memcpy(out, (const void *)(unsigned long)((ks_stub_address(cpu) & PAGE_MASK) + offset), bytes);
	for (unsigned int at = 0; at < STUBS_PER_PAGE; at++) {
		unsigned int other = (cpu & ~(STUBS_PER_PAGE - 1)) + at, start = at * STUB_BUF_SIZE;

		if (other == cpu)
			ks_fill(out, offset, bytes, start + KS_STUB_BYTES, start + STUB_BUF_SIZE);
		else if (other < nr_cpu_ids && (!settled || (cpu_online(other) && ks_stubs_share_page(cpu, other))))
			ks_fill(out, offset, bytes, start, start + STUB_BUF_SIZE);
	}
	if (settled)
		put_cpu_maps();
}

static void ks_read_trampoline(uint64_t address, uint8_t *out, unsigned int bytes)
{
	uint64_t started = ks_trampoline() + ks_trampoline_started();

	memcpy(out, maddr_to_virt(address), bytes);
	if (started - address < bytes)
		out[started - address] = 0;
}

/* === Callbacks of the engine === */

static KS_CB unsigned int ks_xen_text_ranges(struct ks_probe *probe)
{
	return KS_FIRST_STUB + nr_cpu_ids;
}

static KS_CB uint64_t ks_xen_text_bytes_max(struct ks_probe *probe, unsigned int i)
{
	switch (i) {
	case KS_TEXT:
		return ks_text_end() - (unsigned long)_stext;
	case KS_RODATA:
		return ks_rodata_end() - (unsigned long)_srodata;
	case KS_TRAMPOLINE:
		return ks_trampoline_part();
	case KS_TRAMPOLINE_BOOT:
		return ks_trampoline_bytes() - ks_trampoline_part();
	}
	return PAGE_SIZE;
}

static KS_CB bool ks_xen_text_range(struct ks_probe *probe, unsigned int i, struct ks_range *range)
{
	range->address = ks_address(i);
	if (!range->address)
		return false;
	range->bytes = ks_xen_text_bytes_max(probe, i);
	range->instance = 0;
	switch (i) {
	case KS_TEXT:
		strlcpy(range->name, "text", sizeof(range->name));
		break;
	case KS_RODATA:
		strlcpy(range->name, "rodata", sizeof(range->name));
		break;
	case KS_TRAMPOLINE:
		strlcpy(range->name, "trampoline", sizeof(range->name));
		break;
	case KS_TRAMPOLINE_BOOT:
		strlcpy(range->name, "trampoline-boot", sizeof(range->name));
		break;
	default:
		snprintf(range->name, sizeof(range->name), "stub-cpu%u", i - KS_FIRST_STUB);
		/* The stub is written anew then, for stacks that may be elsewhere. */
		range->instance = ks_cpu_instance(i - KS_FIRST_STUB);
	}
	return true;
}

static KS_CB bool ks_xen_text_read(struct ks_probe *probe, unsigned int i, uint64_t offset, void *out, size_t bytes)
{
	uint64_t address = ks_address(i);

	if (!address)
		return false;
	switch (i) {
	case KS_TEXT:
	case KS_RODATA:
		memcpy(out, (const void *)(unsigned long)(address + offset), bytes);
		break;
	case KS_TRAMPOLINE:
	case KS_TRAMPOLINE_BOOT:
		ks_read_trampoline(address + offset, out, bytes);
		break;
	default:
		ks_read_stubs(i - KS_FIRST_STUB, offset, out, bytes);
	}
	return true;
}

static KS_CB void ks_xen_text_symbol(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL])
{
	ks_place(address, out, KS_REGION_SYMBOL);
}

/* === Interface === */

static const struct ks_region_type ks_xen_text_region = {
	.ranges = ks_xen_text_ranges,
	.bytes_max = ks_xen_text_bytes_max,
	.range = ks_xen_text_range,
	.read = ks_xen_text_read,
	.symbol = ks_xen_text_symbol,
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
	KS_REGION_ENGINE(&ks_xen_text_region),
};
