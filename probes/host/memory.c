// SPDX-License-Identifier: MIT
/*
 * memory.c - the host port's probe "memory": the read-only memory of this process's own program,
 * code and constants.
 *
 * Levels: how often it sweeps, at random moments from high on; adversarial shows the changed
 * bytes.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>

#include "../../host/host.h"
#include "../region.h"

#define RANGES_MAX 8

/* What the probe has of its own. */
struct memory {
	struct ks_range ranges[RANGES_MAX];
	unsigned int count;
};

/* The program comes first; its segments that are loaded and not writable are the ranges. */
static int note_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct memory *memory = arg;

	(void)size;
	for (unsigned int i = 0; i < info->dlpi_phnum && memory->count < RANGES_MAX; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		struct ks_range *range = &memory->ranges[memory->count];

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W || segment->p_filesz < 8)
			continue;
		range->address = info->dlpi_addr + segment->p_vaddr;
		range->bytes = segment->p_filesz & ~(uint64_t)7;
		snprintf(range->name, sizeof(range->name), "%s%u", segment->p_flags & PF_X ? "text" : "rodata",
			 memory->count);
		memory->count++;
	}
	return 1;
}

static unsigned int count_ranges(struct ks_probe *probe)
{
	struct memory *memory = probe->own;

	dl_iterate_phdr(note_segments, memory);
	return memory->count;
}

static uint64_t bytes_max(struct ks_probe *probe, unsigned int i)
{
	const struct memory *memory = probe->own;

	return memory->ranges[i].bytes;
}

static bool get_range(struct ks_probe *probe, unsigned int i, struct ks_range *range)
{
	const struct memory *memory = probe->own;

	*range = memory->ranges[i];
	return true;
}

/*
 * Also what lies between two constants, which no valid C reads: so the address sanitizer has to
 * look away, and memcpy() is its own.
 */
__attribute__((no_sanitize("address"))) static bool read_range(struct ks_probe *probe, unsigned int i, uint64_t offset,
							       void *out, size_t bytes)
{
	const struct memory *memory = probe->own;
	const volatile uint8_t *from = (const uint8_t *)(uintptr_t)(memory->ranges[i].address + offset);
	uint8_t *to = out;

	while (bytes--)
		*to++ = *from++;
	return true;
}

static void symbol(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL])
{
	Dl_info info;

	(void)probe;
	if (dladdr((const void *)(uintptr_t)address, &info) && info.dli_sname)
		snprintf(out, KS_REGION_SYMBOL, "%s+0x%lx", info.dli_sname,
			 (unsigned long)(address - (uint64_t)(uintptr_t)info.dli_saddr));
}

static const struct ks_region_type region = {
	.ranges = count_ranges,
	.bytes_max = bytes_max,
	.range = get_range,
	.read = read_range,
	.symbol = symbol,
};

const struct ks_probe_type ks_host_memory = {
	.name = "memory",
	.interval_ns = { 60000000000U, 2000000000U, 500000000U, 50000000U },
	.pause_ns = { 2000000U, 500000U, 100000U, 0 },
	.own_bytes = sizeof(struct memory),
	KS_REGION_ENGINE(&region),
};
