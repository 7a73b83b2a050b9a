// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_text.c - the probe kernel-text: the kernel's code and constants, and the tables by which
 * it is entered.
 *
 * All is read at the address at which the kernel executes or uses it, through the page tables that
 * are in use, and as memory that may not be there: what is hashed is what runs.  The code changes
 * under the kernel's own hand, too; see patches.h for how that is told.
 */
#include <linux/cpumask.h>
#include <linux/kallsyms.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/uaccess.h>
#include <asm/desc.h>
#include <xen/xen.h>

#include "../../linux/symbols.h"
#include "../region.h"
#include "patches.h"

/* === Data === */

#define CELL 8UL            /* ranges are multiples of this */
#define TABLE_MAX 65536UL   /* no table of entries is longer */

/*
 * What is told first is what is small and most often aimed at.  The tables of system calls lie
 * within rodata, so that a change in them is told as both; a table whose end has no name ends
 * where the next symbol begins.
 *
 * Behind them, from FIRST_CPU on, one for each CPU: its IDT register, that is, where its IDT is.
 * All CPUs have the kernel's one table; another is somebody's own.  Not where the kernel is a
 * paravirtual guest of Xen: there the CPUs' IDT is Xen's, and Xen's own probes look after it. Only
 * the register's address: its limit is another after each exit from a virtual machine.
 *
 * So what is right is known before a CPU comes, and its baseline is that, whatever it has: its
 * first read is answered by where this module found the IDT when the probe started.  If it has
 * another one, the next sweep tells, and to turn a CPU off and on launders nothing.  What it
 * really has becomes its baseline by "reset" alone.
 *
 * Not here: .init, which is freed; data, which changes; the code of modules.
 */
static const struct {
	const char *name, *start, *end;
} described[] = {
	{ "idt", "idt_table", NULL },
	{ "sys_call_table", "sys_call_table", NULL },
	{ "ia32_sys_call_table", "ia32_sys_call_table", NULL },
	{ "x32_sys_call_table", "x32_sys_call_table", NULL },
	{ "text", "_stext", "_etext" },
	{ "rodata", "__start_rodata", "__end_rodata" },
};
#define IDT 0
#define TEXT 4
#define RODATA 5
#define FIRST_CPU ARRAY_SIZE(described)
#define REGISTER_BYTES sizeof(uint64_t)

/* The CPUs whose registers have been read since they came. */
static cpumask_t registers_read;

/* Where they are, constant from init on; 0 bytes: this kernel has none. */
static struct {
	unsigned long address, bytes;
} found[ARRAY_SIZE(described)];

/* === Internals === */

/* From the symbol at @address to the next. */
static unsigned long symbol_bytes(unsigned long address)
{
	char symbol[KSYM_SYMBOL_LEN];
	const char *size;
	unsigned long bytes;

	sprint_symbol(symbol, address);
	size = strstr(symbol, "+0x0/");
	if (!size || sscanf(size, "+0x0/%lx", &bytes) != 1)
		return 0;
	return min(bytes, TABLE_MAX);
}

static void find(unsigned int i)
{
	unsigned long start = ks_symbol(described[i].start), end;

	found[i].address = found[i].bytes = 0;
	if (!start)
		return;
	if (described[i].end)
		end = ks_symbol(described[i].end);
	else
		end = start + symbol_bytes(start);
	/*
	 * The kernel's own parts go to the end of a page: what lies there behind the end is
	 * executable, or constant, as well.
	 */
	start = ALIGN_DOWN(start, CELL);
	end = described[i].end ? PAGE_ALIGN(end) : ALIGN(end, CELL);
	if (start < end) {
		found[i].address = start;
		found[i].bytes = end - start;
	}
	/* The CPUs use the IDT through another mapping of its page. */
	if (i == IDT && found[i].bytes && !xen_pv_domain()) {
		struct desc_ptr idtr;

		store_idt(&idtr);
		found[i].address = idtr.address;
	}
}

static bool has_register(unsigned int cpu)
{
	return !xen_pv_domain() && cpu < nr_cpu_ids && cpu_online(cpu);
}

static void store_register(void *out)
{
	struct desc_ptr idtr;

	store_idt(&idtr);
	*(uint64_t *)out = idtr.address;
}

/* Waits for that CPU, which is interrupted for a moment. */
static bool read_register(unsigned int cpu, void *out)
{
	return has_register(cpu) && !smp_call_function_single(cpu, store_register, out, 1);
}

/* === Callbacks of the engine === */

static unsigned int text_ranges(struct ks_probe *probe)
{
	(void)probe;
	return FIRST_CPU + nr_cpu_ids;
}

static uint64_t text_bytes_max(struct ks_probe *probe, unsigned int i)
{
	(void)probe;
	return i < FIRST_CPU ? found[i].bytes : REGISTER_BYTES;
}

/*
 * A register has no address: its place in a table by CPUs stands for it, lower than any address of
 * the kernel.
 */
static bool text_range(struct ks_probe *probe, unsigned int i, struct ks_range *range)
{
	(void)probe;
	range->instance = 0;
	if (i >= FIRST_CPU) {
		range->address = (i - FIRST_CPU) * REGISTER_BYTES;
		range->bytes = REGISTER_BYTES;
		snprintf(range->name, sizeof(range->name), "idtr-cpu%zu", i - FIRST_CPU);
		if (has_register(i - FIRST_CPU))
			return true;
		cpumask_clear_cpu(i - FIRST_CPU, &registers_read);
		return false;
	}
	range->address = found[i].address;
	range->bytes = found[i].bytes;
	strscpy_pad(range->name, described[i].name, sizeof(range->name));
	return range->bytes;
}

static bool text_read(struct ks_probe *probe, unsigned int i, uint64_t offset, void *out, size_t bytes)
{
	uint64_t value;

	(void)probe;
	if (i >= FIRST_CPU) {
		if (!read_register(i - FIRST_CPU, &value))
			return false;
		if (!cpumask_test_and_set_cpu(i - FIRST_CPU, &registers_read) && found[IDT].bytes)
			value = found[IDT].address;
		memcpy(out, (const char *)&value + offset, bytes);
		return true;
	}
	return !copy_from_kernel_nofault(out, (const void *)(found[i].address + offset), bytes);
}

/* Of a register, what it points to. */
static void text_symbol(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL])
{
	(void)probe;
	if (address < nr_cpu_ids * REGISTER_BYTES && !read_register(address / REGISTER_BYTES, &address))
		return;
	if (address - found[IDT].address < found[IDT].bytes) {
		snprintf(out, KS_REGION_SYMBOL, "%s+0x%lx", described[IDT].start,
			 (unsigned long)address - found[IDT].address);
		return;
	}
	if (!ks_symbol_at(address, out, KS_REGION_SYMBOL) && address - found[RODATA].address < found[RODATA].bytes)
		snprintf(out, KS_REGION_SYMBOL, "__start_rodata+0x%lx",
			 (unsigned long)address - found[RODATA].address);
}

static void text_keep(struct ks_probe *probe, uint64_t address, void *bytes, size_t count)
{
	(void)probe;
	ks_patches_keep(address, bytes, count);
}

static const char *text_undo(struct ks_probe *probe, uint64_t address, uint8_t cell[KS_REGION_CELL])
{
	(void)probe;
	return ks_patches_undo(address, cell);
}

/* A breakpoint that the kernel puts where it rewrites what is behind. */
static bool text_is_momentary(const char *site)
{
	return site == ks_patching;
}

static const struct ks_region_type text_region = {
	.ranges = text_ranges,
	.bytes_max = text_bytes_max,
	.range = text_range,
	.read = text_read,
	.symbol = text_symbol,
	.keep = text_keep,
	.undo = text_undo,
	.is_momentary = text_is_momentary,
	.is_usual = ks_patches_usual,
};

/* === Interface === */

static int text_init(struct ks_probe *probe)
{
	cpumask_clear(&registers_read);
	for (unsigned int i = 0; i < ARRAY_SIZE(described); i++)
		find(i);
	if (ks_patches_init(found[TEXT].address, found[TEXT].address + found[TEXT].bytes))
		return -1;
	if (ks_region_init(probe)) {
		ks_patches_exit();
		return -1;
	}
	probe->memory_bytes += ks_patches_memory_bytes();
	return 0;
}

static void text_exit(struct ks_probe *probe)
{
	ks_region_exit(probe);
	ks_patches_exit();
}

static enum ks_step text_step(struct ks_probe *probe, uint64_t deadline_ns)
{
	if (!found[TEXT].bytes || !found[RODATA].bytes) {
		ks_probe_failed(probe, "the kernel does not say where its code is");
		return KS_STEP_FAILED;
	}
	return ks_region_step(probe, deadline_ns);
}

const struct ks_probe_type ks_linux_kernel_text = {
	.name = "kernel-text",
	.interval_ns = {
		[KS_LOW] = 600 * NSEC_PER_SEC,
		[KS_DEFAULT] = 60 * NSEC_PER_SEC,
		[KS_HIGH] = 20 * NSEC_PER_SEC,
		[KS_ADVERSARIAL] = 100 * NSEC_PER_MSEC,
	},
	.pause_ns = {
		[KS_LOW] = 5 * NSEC_PER_MSEC,
		[KS_DEFAULT] = NSEC_PER_MSEC,
		[KS_HIGH] = NSEC_PER_MSEC,
		[KS_ADVERSARIAL] = 100 * NSEC_PER_USEC,
	},
	.init = text_init,
	.exit = text_exit,
	.reset = ks_region_reset,
	.baselines = ks_region_baselines,
	.step = text_step,
	.engine = &text_region,
};
