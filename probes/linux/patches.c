// SPDX-License-Identifier: GPL-2.0-only
/*
 * patches.c - the places at which this kernel rewrites its own code while it runs.
 *
 * Static keys and static calls have tables, which are sorted by key; an index of their own here is
 * sorted by address, and keeps the bytes that were there at the baseline.  The places of ftrace
 * (40,000) and the kprobes (hooks.c) are looked for one by one, where the kernel itself has them:
 * its own functions for that are not for modules, and follow lists wherever they lead.
 */
#include <linux/ctype.h>
#include <linux/ftrace.h>
#include <linux/jump_label.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sort.h>
#include <linux/static_call_types.h>
#include <linux/string.h>

#include "../../linux/symbols.h"
#include "hooks.h"
#include "patches.h"
#include "walk.h"

/* === Data === */

/* the longest that is patched: a jump or call with 32 bits of distance */
#define SITE_BYTES 5
#define TRAMPOLINE_BYTES 8 /* a jump of 5 bytes, and 3 by which it is known */

#define INT3 0xcc
#define JMP8 0xeb
#define JMP32 0xe9
#define CALL32 0xe8
#define RET 0xc3

static const uint8_t nop2[] = { 0x66, 0x90 };
static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
/*
 * "xor %eax, %eax", drawn out to the length of a call: stands for a call of a function that
 * returns 0.
 */
static const uint8_t return0[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };

enum kind { JUMP_LABEL, STATIC_CALL, TRAMPOLINE, TRACER };

static const char *const names[] = {
	[JUMP_LABEL] = "jump-label",
	[STATIC_CALL] = "static-call",
	[TRAMPOLINE] = "static-call",
	[TRACER] = "ftrace",
};

/* Where ftrace's own entries call what traces. */
static const char *const tracer_calls[] = { "ftrace_call", "ftrace_regs_call" };

#ifndef CONFIG_JUMP_LABEL
/* A kernel whose static keys are plain tests has no table of them. */
struct jump_entry {
	unsigned long code, target;
};

static unsigned long jump_entry_code(const struct jump_entry *entry)
{
	return entry->code;
}

static unsigned long jump_entry_target(const struct jump_entry *entry)
{
	return entry->target;
}
#endif

struct site {
	uint32_t offset;          /* from `start` */
	uint8_t kind;
	uint8_t base[SITE_BYTES]; /* at the baseline */
	const void *entry;        /* of its table, NULL: it has none */
};

/* Constant from ks_patches_init() on, but for what belongs to a baseline. */
static struct {
	unsigned long start, end;
	struct site *sites;       /* in order of their offsets */
	size_t count, room;
	const struct static_call_site *calls, *calls_end;
	unsigned long static_call_return0, return_thunk;
	unsigned long ftrace_caller, ftrace_regs_caller, ftrace_stub;
	const unsigned long *ftrace_trace_function;
	const struct ftrace_page *const *ftrace_pages;
	/* While a baseline is taken: ftrace's first place from there on. */
	uint64_t searched_from, traced;
} patches;

/* === Places === */

static void add(unsigned long address, enum kind kind, const void *entry)
{
	/* Others are in code that was freed when the boot was over. */
	if (address < patches.start || address + SITE_BYTES > patches.end || patches.count == patches.room)
		return;
	patches.sites[patches.count++] =
		(struct site){ .offset = address - patches.start, .kind = kind, .entry = entry };
}

static int by_offset(const void *a, const void *b)
{
	uint32_t left = ((const struct site *)a)->offset, right = ((const struct site *)b)->offset;

	return left < right ? -1 : left > right;
}

/* The first site that does not end before @address. */
static size_t first_site(unsigned long address)
{
	size_t low = 0, high = patches.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (patches.start + patches.sites[middle].offset + SITE_BYTES > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/*
 * Copies what of [@from, @from + @from_bytes) lies within [@to, @to + @to_bytes), two ranges of
 * addresses, between the buffers.
 */
static void copy_common(uint8_t *out, unsigned long to, size_t to_bytes, const uint8_t *in, unsigned long from,
			size_t from_bytes)
{
	unsigned long start = max(to, from), end = min(to + to_bytes, from + from_bytes);

	if (start < end)
		memcpy(out + (start - to), in + (start - from), end - start);
}

/* === What is there now === */

/* Where the jump or call at @address, with 32 bits of distance, leads. */
static unsigned long target32(unsigned long address, const uint8_t *code)
{
	int32_t distance;

	memcpy(&distance, code + 1, sizeof(distance));
	return address + 5 + distance;
}

/* Returns may be jumps to code that returns in a safer way. */
static bool is_return(unsigned long address, const uint8_t *now)
{
	return now[0] == RET || (now[0] == JMP32 && target32(address, now) == patches.return_thunk);
}

/*
 * How many bytes the kernel writes at @site, which it goes by from the start on: at a static key's
 * place two or five, as is seen from what was there at the baseline.  0: a breakpoint was.
 */
static size_t bytes_of(const struct site *site)
{
	if (site->kind != JUMP_LABEL)
		return SITE_BYTES;
	if (site->base[0] == INT3)
		return 0;
	return site->base[0] == JMP8 || site->base[0] == nop2[0] ? 2 : SITE_BYTES;
}

/* How many bytes the static key's place has, if it is in order; else 0. */
static size_t label_in_order(const struct site *site, unsigned long address, const uint8_t *now)
{
	unsigned long target = jump_entry_target(site->entry);
	size_t bytes = bytes_of(site);

	if (bytes != 5 &&
	    (!memcmp(now, nop2, sizeof(nop2)) || (now[0] == JMP8 && address + 2 + (int8_t)now[1] == target)))
		return 2;
	if (bytes != 2 && (!memcmp(now, nop5, sizeof(nop5)) || (now[0] == JMP32 && target32(address, now) == target)))
		return 5;
	return 0;
}

/* Where its key points; 0: nowhere. */
static unsigned long call_target(const struct static_call_site *site)
{
	const struct static_call_key *key =
		(const void *)(((long)&site->key + site->key) & ~(long)STATIC_CALL_SITE_FLAGS);
	unsigned long target;

	return KS_GET(target, &key->func) ? target : 0;
}

static bool call_in_order(const struct static_call_site *site, unsigned long address, const uint8_t *now)
{
	unsigned long target = call_target(site);

	if ((now[0] == CALL32 || now[0] == JMP32) && target && target32(address, now) == target)
		return true;
	if (target && target != patches.static_call_return0)
		return false;
	return is_return(address, now) || !memcmp(now, nop5, sizeof(nop5)) || !memcmp(now, return0, sizeof(return0));
}

/* A trampoline has no entry that leads to its key: so it must lead to where some key points. */
static bool trampoline_in_order(unsigned long address, const uint8_t *now)
{
	unsigned long target = target32(address, now);

	if (is_return(address, now))
		return true;
	if (now[0] != JMP32)
		return false;
	for (const struct static_call_site *site = patches.calls; site < patches.calls_end; site++)
		if (call_target(site) == target)
			return true;
	return false;
}

/* A call of the function that traces at present. */
static bool tracer_in_order(unsigned long address, const uint8_t *now)
{
	unsigned long target = target32(address, now);

	return now[0] == CALL32 &&
	       (target == patches.ftrace_stub ||
		(patches.ftrace_trace_function && target == READ_ONCE(*patches.ftrace_trace_function)));
}

/*
 * How many bytes of the site are the kernel's own work as they are now; 0: none, something else is
 * there.
 */
static size_t in_order(const struct site *site, unsigned long address, const uint8_t *now)
{
	switch (site->kind) {
	case JUMP_LABEL:
		return label_in_order(site, address, now);
	case STATIC_CALL:
		return call_in_order(site->entry, address, now) ? SITE_BYTES : 0;
	case TRAMPOLINE:
		return trampoline_in_order(address, now) ? SITE_BYTES : 0;
	case TRACER:
		return tracer_in_order(address, now) ? SITE_BYTES : 0;
	}
	return 0;
}

/*
 * Whether a static call is one of what is not the kernel's own code: a module's, or BPF's.  Keys
 * are data, and whoever can write that has whatever he likes called by way of them.
 */
static bool leads_away(const struct site *site, unsigned long address, const uint8_t *now)
{
	unsigned long target = target32(address, now);

	return (site->kind == STATIC_CALL || site->kind == TRAMPOLINE) && (now[0] == CALL32 || now[0] == JMP32) &&
	       (target < patches.start || target >= patches.end) && target != patches.return_thunk;
}

/* === Undoing === */

const char ks_patching[] = "patching";

/* More than one kind, each of them usual: told by its address from others of that name. */
static const char usual_several[] = "several";

bool ks_patches_usual(const char *site)
{
	return site == ks_patching || site == usual_several || !strcmp(site, names[JUMP_LABEL]) ||
	       !strcmp(site, names[STATIC_CALL]);
}

/*
 * What was undone as @kind in @cell, which was as in @before, and in @before what it is now.  A
 * place at which nothing was to be undone does not count: many lie beside one that the kernel has
 * rewritten.  What should be gone in a moment is told before all else.
 */
static void note(const char **name, const char *kind, const uint8_t *cell, uint8_t *before)
{
	if (!kind || !memcmp(cell, before, KS_REGION_CELL))
		return;
	memcpy(before, cell, KS_REGION_CELL);
	if (*name == ks_patching)
		return;
	if (!*name || kind == ks_patching || !strcmp(*name, kind))
		*name = kind;
	else
		*name = ks_patches_usual(*name) && ks_patches_usual(kind) ? usual_several : "several";
}

static const char *undo_site(const struct site *site, uint64_t cell_address, uint8_t *cell)
{
	unsigned long address = patches.start + site->offset;
	bool unfinished;
	uint8_t now[SITE_BYTES];
	size_t bytes;

	if (copy_from_kernel_nofault(now, (const void *)address, sizeof(now)))
		return NULL;
	unfinished = now[0] == INT3;
	if (unfinished)
		bytes = bytes_of(site) ?: SITE_BYTES;
	else
		bytes = in_order(site, address, now);
	if (!bytes)
		return NULL;
	copy_common(cell, cell_address, KS_REGION_CELL, site->base, address, bytes);
	if (unfinished)
		return ks_patching;
	return leads_away(site, address, now) ? "static-call-away" : names[site->kind];
}

/* === ftrace === */

/*
 * As kernel/trace/ftrace.c has it: groups of places, each in order of addresses.  That it is so
 * in this kernel is seen when the first group is looked at (are_pages_known()).
 */
struct ftrace_page {
	const struct ftrace_page *next;
	const struct dyn_ftrace *records;
	int index;                /* so many of them */
	int order;
};

#define BPF_TRAMPOLINE "bpf_trampoline_"
#define PAGES_MAX 4096

static bool are_pages_known(void)
{
	const struct ftrace_page *first;
	struct ftrace_page page;
	struct dyn_ftrace record;

	return patches.ftrace_pages && KS_GET(first, patches.ftrace_pages) && KS_GET(page, first) && page.index > 0 &&
	       KS_GET(record, page.records) && record.ip >= patches.start && record.ip < patches.end &&
	       KS_GET(record, page.records + page.index - 1) && record.ip >= patches.start && record.ip < patches.end;
}

/*
 * Whether place @i of @page ends before @start, or where it is could not be read; else *@address
 * is where it begins.
 */
static bool is_before(const struct ftrace_page *page, int i, unsigned long start, unsigned long *address)
{
	return !KS_GET(*address, &page->records[i].ip) || *address + MCOUNT_INSN_SIZE <= start;
}

/* The first place in @page that does not end before @start; ULONG_MAX: none. */
static unsigned long first_in_page(const struct ftrace_page *page, unsigned long start)
{
	int low = 0, high = page->index - 1;
	unsigned long address;

	/* Of the groups all but one are before, or behind. */
	if (high < 0 || is_before(page, high, start, &address))
		return ULONG_MAX;
	if (!is_before(page, low, start, &address))
		return address;
	while (low < high) {
		int middle = low + (high - low) / 2;

		if (is_before(page, middle, start, &address))
			low = middle + 1;
		else
			high = middle;
	}
	/* Whoever has put them out of order gets no endless search for it. */
	return is_before(page, low, start, &address) ? ULONG_MAX : address;
}

/* The first place of all that does not end before @start; ULONG_MAX: none. */
static unsigned long first_traced(unsigned long start)
{
	unsigned long first = ULONG_MAX;
	const struct ftrace_page *at;
	struct ftrace_page page;

	if (!patches.ftrace_pages || !KS_GET(at, patches.ftrace_pages))
		return first;
	for (unsigned int i = 0; i < PAGES_MAX && at && KS_GET(page, at); i++, at = page.next)
		first = min(first, first_in_page(&page, start));
	return first;
}

/*
 * Code by which a traced function is entered: ftrace's two entries, or copies of them, or BPF's,
 * which kallsyms knows by their numbers.  A module may call its functions what it likes, but then
 * its own name stands behind.
 */
static bool is_tracer(unsigned long target)
{
	char symbol[KSYM_SYMBOL_LEN];

	if (target == patches.ftrace_caller || target == patches.ftrace_regs_caller || ks_in_tracer_code(target))
		return true;
	return ks_symbol_at(target, symbol, sizeof(symbol)) && strstarts(symbol, BPF_TRAMPOLINE) &&
	       isdigit(symbol[sizeof(BPF_TRAMPOLINE) - 1]) && !strchr(symbol, '[');
}

/* === Undoing them === */

static const char *undo_ftrace(uint64_t cell_address, uint8_t *cell)
{
	unsigned long address;
	uint8_t now[SITE_BYTES];
	struct kprobe kprobe;

	address = first_traced(cell_address);
	if (address >= cell_address + KS_REGION_CELL ||
	    copy_from_kernel_nofault(now, (const void *)address, sizeof(now)))
		return NULL;
	if (now[0] == INT3) {
		copy_common(cell, cell_address, KS_REGION_CELL, nop5, address, sizeof(nop5));
		return ks_patching;
	}
	if (now[0] != CALL32 || !is_tracer(target32(address, now)))
		return NULL;
	copy_common(cell, cell_address, KS_REGION_CELL, nop5, address, sizeof(nop5));
	return ks_kprobe_at(address, &kprobe) ? "kprobe" : "ftrace";
}

/* In the @count bytes of @code, which are those of @start. */
static bool undo_kprobe(const struct kprobe *at, const struct kprobe *kprobe, unsigned long address,
			uint64_t start, uint8_t *code, size_t count)
{
	uint8_t was[SITE_BYTES], now[SITE_BYTES];
	size_t bytes = 1;

	if (kprobe->flags & KPROBE_FLAG_FTRACE || copy_from_kernel_nofault(now, (const void *)address, sizeof(now)))
		return false;
	was[0] = kprobe->opcode;
#ifdef CONFIG_OPTPROBES
	if (kprobe->flags & KPROBE_FLAG_OPTIMIZED) {
		struct arch_optimized_insn detour;

		if (KS_GET(detour, &container_of(at, struct optimized_kprobe, kp)->optinsn) && now[0] == JMP32 &&
		    target32(address, now) == (unsigned long)detour.insn) {
			memcpy(was + 1, detour.copied_insn, SITE_BYTES - 1);
			bytes = SITE_BYTES;
		}
	}
#endif
	if (bytes == 1 && now[0] != INT3)
		return false;
	copy_common(code, start, count, was, address, bytes);
	return true;
}

static const char *undo_kprobes(uint64_t start, uint8_t *code, size_t count)
{
	const char *name = NULL;

	/* Breakpoints alone say little: the kernel fills the room behind returns with them. */
	if (!ks_have_kprobes())
		return NULL;
	for (unsigned long address = start - (SITE_BYTES - 1); address < start + count; address++) {
		const struct kprobe *at;
		struct kprobe kprobe;
		uint8_t now;

		if (address >= start)
			now = code[address - start];
		else if (!KS_GET(now, (const uint8_t *)address))
			continue;
		if (now != INT3 && now != JMP32)
			continue;
		at = ks_kprobe_at(address, &kprobe);
		if (at && undo_kprobe(at, &kprobe, address, start, code, count))
			name = "kprobe";
	}
	return name;
}

/* === Interface === */

void ks_patches_keep(uint64_t address, void *bytes, size_t count)
{
	if (address < patches.start || address >= patches.end)
		return;
	/*
	 * At a place of ftrace's is nothing, unless somebody has put something there since the
	 * boot.  Pieces come in order, and only some have such a place.
	 */
	if (address < patches.searched_from || address >= patches.traced + sizeof(nop5))
		patches.traced = first_traced(address);
	patches.searched_from = address;
	while (patches.traced < address + count) {
		copy_common(bytes, address, count, nop5, patches.traced, sizeof(nop5));
		if (patches.traced + sizeof(nop5) > address + count)
			break;
		patches.traced = first_traced(patches.traced + sizeof(nop5));
	}
	undo_kprobes(address, bytes, count);
	for (size_t i = first_site(address); i < patches.count; i++) {
		struct site *site = &patches.sites[i];

		if (patches.start + site->offset >= address + count)
			break;
		copy_common(site->base, patches.start + site->offset, SITE_BYTES, bytes, address, count);
	}
}

const char *ks_patches_undo(uint64_t address, uint8_t cell[KS_REGION_CELL])
{
	const char *name = NULL;
	uint8_t before[KS_REGION_CELL];

	if (address < patches.start || address >= patches.end)
		return NULL;
	memcpy(before, cell, sizeof(before));
	/* One that is not in order stays as it is, and then the cell is not what it was. */
	for (size_t i = first_site(address); i < patches.count; i++) {
		if (patches.start + patches.sites[i].offset >= address + KS_REGION_CELL)
			break;
		note(&name, undo_site(&patches.sites[i], address, cell), cell, before);
	}
	note(&name, undo_ftrace(address, cell), cell, before);
	note(&name, undo_kprobes(address, cell, KS_REGION_CELL), cell, before);
	return name;
}

size_t ks_patches_memory_bytes(void)
{
	return patches.room * sizeof(*patches.sites);
}

void ks_patches_exit(void)
{
	kvfree(patches.sites);
	memset(&patches, 0, sizeof(patches));
}

int ks_patches_init(unsigned long start, unsigned long end)
{
	const struct jump_entry *label = (const void *)ks_symbol("__start___jump_table");
	const struct jump_entry *labels_end = (const void *)ks_symbol("__stop___jump_table");
	unsigned long trampoline = ks_symbol("__static_call_text_start"),
		      trampolines_end = ks_symbol("__static_call_text_end");
	unsigned long thunk = ks_symbol("x86_return_thunk");

	ks_hooks_init();
	memset(&patches, 0, sizeof(patches));
	patches.start = start;
	patches.end = end;
	patches.calls = (const void *)ks_symbol("__start_static_call_sites");
	patches.calls_end = (const void *)ks_symbol("__stop_static_call_sites");
	patches.static_call_return0 = ks_symbol("__static_call_return0");
	patches.ftrace_caller = ks_symbol("ftrace_caller");
	patches.ftrace_regs_caller = ks_symbol("ftrace_regs_caller");
	patches.ftrace_stub = ks_symbol("ftrace_stub");
	patches.ftrace_trace_function = (const void *)ks_symbol("ftrace_trace_function");
	patches.ftrace_pages = (const void *)ks_symbol("ftrace_pages_start");
	if (!are_pages_known())
		patches.ftrace_pages = NULL;
	/* A variable since this is chosen at boot; before, there was but one. */
	if (!thunk ||
	    copy_from_kernel_nofault(&patches.return_thunk, (const void *)thunk, sizeof(patches.return_thunk)))
		patches.return_thunk = ks_symbol("__x86_return_thunk");

	/* A table of which one end is not known is none. */
	if (!label || !labels_end)
		label = labels_end = NULL;
	if (!patches.calls || !patches.calls_end)
		patches.calls = patches.calls_end = NULL;
	if (!trampoline || !trampolines_end)
		trampoline = trampolines_end = 0;
	patches.room = (labels_end - label) + (patches.calls_end - patches.calls) +
		       (trampolines_end - trampoline) / TRAMPOLINE_BYTES + ARRAY_SIZE(tracer_calls);
	patches.sites = kvcalloc(patches.room, sizeof(*patches.sites), GFP_KERNEL);
	if (!patches.sites)
		return -1;
	for (; label < labels_end; label++)
		add(jump_entry_code(label), JUMP_LABEL, label);
	for (const struct static_call_site *call = patches.calls; call < patches.calls_end; call++)
		add((unsigned long)&call->addr + call->addr, STATIC_CALL, call);
	for (; trampoline + TRAMPOLINE_BYTES <= trampolines_end; trampoline += TRAMPOLINE_BYTES)
		add(trampoline, TRAMPOLINE, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(tracer_calls); i++)
		add(ks_symbol(tracer_calls[i]), TRACER, NULL);
	sort(patches.sites, patches.count, sizeof(*patches.sites), by_offset, NULL);
	return 0;
}
