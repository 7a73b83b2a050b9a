// SPDX-License-Identifier: GPL-2.0-only
/*
 * pagetables.c - the probe xen-pagetables: Xen's own page tables, as far as they must hold still
 * once Xen has booted, and whatever in them may be written and executed, too.
 *
 * What is walked is idle_pg_table and all that hangs on it.  The names of the parts are those of
 * Xen's memory layout (asm-x86/config.h).  Levels are counted as the CPU does: 4 is the first that
 * it looks at, whose 512 entries Xen calls slots, 1 is that of 4 KiB pages.
 *
 * What holds still, and is watched (4.17):
 *
 *   slot     every entry of level 4.  Xen never clears one after boot, and never changes one that
 *            is there (virt_to_xen_l3e() fills empty ones). One may appear: 257, when Dom0 tells
 *            Xen of another PCI configuration space, and one of the direct map's when memory is
 *            added.
 *   table    the entries of level 3 in Xen's slot (261), but for vmap()'s.  They may appear when
 *            memory is added (M2P, frame table).
 *   image    what is mapped in Xen's own gigabyte: text, constants and data, each at its frames,
 *            with its permissions.  Nothing changes there but by live patches, which have their
 *            place behind the data.
 *
 * What changes rightly, and is only searched for what may be written and executed:
 *
 *   vmap     mappings of devices, of frames that a guest registers, of larger allocations: they
 *            come and go with domains and devices.  Its end, the fixmap, has ACPI tables and the
 *            MSI-X tables of devices.
 *   stubs    a page for each CPU, from the top of Xen's gigabyte downwards, which comes and goes
 *            with it.  What stands there is xen-text's matter.
 *   direct map, frame table, M2P   their superpages are split and put together again as a page
 *            gets another cache attribute or becomes a shadow stack (map_pages_to_xen()), and
 *            memory may be added.  That each address leads to its own frame is not checked.
 *   slot 260 a domain's own mappings (GDT, LDT, map cache).  It is empty in idle_pg_table.
 *
 *   copies   each guest has Xen's slots in its own roots, where Xen put them as these were made,
 *            and runs on those: so does Xen while it serves a paravirtual guest.  What a vCPU has
 *            loaded is compared with what Xen puts there (init_xen_l4_slots()); only what differs
 *            is an item. Empty ones are let pass: a root that is older than a slot does not have
 *            it, and 256 is taken from a guest that does not want it (zap_ro_mpt()).  A page was a
 *            root while it was read if the vCPU has it loaded before and after each of a few
 *            looks.
 *
 * The bits "accessed" and "dirty" are the CPU's own, and are ignored everywhere.
 *
 * Xen frees tables of level 1 and 2 as their last entry goes, or as they become a superpage, under
 * locks of arch/x86/mm.c that are not ours to take (map_pgdir_lock and a lock in the page of level
 * 3).  So nothing of a table counts that was not reached by entries that are still the same after
 * it was read (ks_still()): a table is unlinked before it is freed.  Reading a page that has been
 * freed is harmless by itself: it is RAM, and mapped.  Tables of level 3 are never freed.  While a
 * live patch is applied Xen's text may be written for a moment (relax_virtual_region_perms()), but
 * then all CPUs stand still for it, and no step runs.
 */
#include <xen/domain_page.h>
#include <xen/kernel.h>
#include <xen/mm.h>
#include <xen/pfn.h>
#include <xen/symbols.h>
#include <xen/time.h>
#include <asm/fixmap.h>
#include <asm/page.h>
#include <asm/setup.h>
#include <asm/uaccess.h>

#include "../set.h"
#include "domains.h"

/* === Data === */

#define KS_IS 16        /* "ro-m2p", "frame-table": bytes with the NUL */
#define KS_ALLOWS 5     /* "rwxu" */

struct ks_root {
	uint64_t frame;
	uint8_t nx, complete;
	uint64_t entries;
};

static const struct ks_field ks_root_fields[] = {
	KS_FIELD(struct ks_root, frame, KS_HEX, "[frame number] of `idle_pg_table`"),
	KS_GUARD(struct ks_root, nx, KS_BOOL,
		 "the CPU knows memory that cannot be executed; `false`: nothing was searched for "
		 "`writable-executable`, as all that can be "
		 "written is"),
	KS_GUARD(struct ks_root, complete, KS_BOOL,
		 "the walks came to their ends; `false`: they were ended after 33 million entries, as tables that "
		 "lead to each other would keep "
		 "them busy for ever"),
	KS_LIVE(struct ks_root, entries, KS_COUNT, "entries looked at in this sample"),
};

struct ks_slot {
	uint16_t slot;
	char is[KS_IS];
	char allows[KS_ALLOWS];
	uint64_t entry, frame;
};

static const struct ks_field ks_slot_fields[] = {
	KS_FIELD(struct ks_slot, slot, KS_U16,
		 "0 to 511; from 256 on Xen's range, 261 Xen itself; 0 the code that starts a CPU"),
	KS_FIELD(struct ks_slot, is, KS_STRING, "part of the layout"),
	KS_FIELD(struct ks_slot, allows, KS_STRING, "the most that anything below it can have"),
	KS_FIELD(struct ks_slot, frame, KS_HEX, "[frame number] where it leads"),
	KS_FIELD(struct ks_slot, entry, KS_HEX, "the entry"),
};

struct ks_table {
	uint64_t address;
	char is[KS_IS];
	char allows[KS_ALLOWS];
	uint64_t entry, frame;
};

static const struct ks_field ks_table_fields[] = {
	KS_FIELD(struct ks_table, address, KS_HEX, "first address that it is for"),
	KS_FIELD(struct ks_table, is, KS_STRING, "part of the layout"),
	KS_FIELD(struct ks_table, allows, KS_STRING, "what this entry allows"),
	KS_FIELD(struct ks_table, frame, KS_HEX, "[frame number] where it leads"),
	KS_FIELD(struct ks_table, entry, KS_HEX, "the entry"),
};

struct ks_image {
	uint64_t address, bytes, frame;
	char is[KS_IS];
	char allows[KS_ALLOWS];
};

static const struct ks_field ks_image_fields[] = {
	KS_FIELD(struct ks_image, address, KS_HEX, "where it begins"),
	KS_FIELD(struct ks_image, is, KS_STRING,
		 "part of the layout: `text` (`r-x-`), `rodata` (`r---`), `data` (`rw--`), `live-patch`"),
	KS_FIELD(struct ks_image, allows, KS_STRING, "what all levels together allow"),
	KS_FIELD(struct ks_image, bytes, KS_SIZE, "[bytes] how long it is"),
	KS_FIELD(struct ks_image, frame, KS_HEX, "[frame number] of its first page"),
};

struct ks_both {
	uint64_t address, bytes, frame;
	uint32_t page_bytes;
	uint8_t level;
	char is[KS_IS];
	char allows[KS_ALLOWS];
	char symbol[48];
};

static const struct ks_field ks_both_fields[] = {
	KS_FIELD(struct ks_both, address, KS_HEX, "where it begins"),
	KS_FIELD(struct ks_both, is, KS_STRING, "part of the layout"),
	KS_FIELD(struct ks_both, symbol, KS_STRING, "function and offset, or part and offset"),
	KS_FIELD(struct ks_both, allows, KS_STRING, "what all levels together allow"),
	KS_FIELD(struct ks_both, bytes, KS_SIZE, "[bytes] how long it is"),
	KS_FIELD(struct ks_both, page_bytes, KS_U32, "[bytes] size of its pages: 4096, 2097152 or 1073741824"),
	KS_FIELD(struct ks_both, level, KS_U8,
		 "of the table that maps it: 1, 2, 3; 4: the linear map, which is all page tables"),
	KS_FIELD(struct ks_both, frame, KS_HEX, "[frame number] of its first page"),
};

struct ks_copy {
	uint16_t domid, vcpu, slot;
	uint8_t user;
	char is[KS_IS];
	char allows[KS_ALLOWS];
	uint64_t root, entry, expected, frame;
};

static const struct ks_field ks_copy_fields[] = {
	KS_FIELD(struct ks_copy, domid, KS_U16, "whose"),
	KS_FIELD(struct ks_copy, vcpu, KS_U16, "which of its vCPUs"),
	KS_FIELD(struct ks_copy, user, KS_BOOL, "in the root of its user space, not of its kernel"),
	KS_FIELD(struct ks_copy, slot, KS_U16, "256 to 271"),
	KS_FIELD(struct ks_copy, is, KS_STRING, "part of the layout"),
	KS_FIELD(struct ks_copy, allows, KS_STRING, "what the copy allows"),
	KS_LIVE(struct ks_copy, root, KS_HEX, "[frame number] the root in which the copy was found"),
	KS_FIELD(struct ks_copy, frame, KS_HEX, "[frame number] where the copy leads"),
	KS_FIELD(struct ks_copy, entry, KS_HEX, "the copy"),
	KS_FIELD(struct ks_copy, expected, KS_HEX,
		 "what Xen puts there: its own entry, or for 258 the root itself, for 260 the domain's own tables"),
};

struct ks_unreadable {
	uint64_t address;
	uint8_t level;
	char is[KS_IS];
	uint64_t entry;
};

static const struct ks_field ks_unreadable_fields[] = {
	KS_FIELD(struct ks_unreadable, address, KS_HEX, "first address that it is for"),
	KS_FIELD(struct ks_unreadable, is, KS_STRING, "part of the layout"),
	KS_FIELD(struct ks_unreadable, level, KS_U8, "of the entry"),
	KS_FIELD(struct ks_unreadable, entry, KS_HEX, "the entry"),
};

enum { KS_KIND_ROOT, KS_KIND_SLOT, KS_KIND_TABLE, KS_KIND_IMAGE, KS_KIND_BOTH, KS_KIND_COPY, KS_KIND_UNREADABLE };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_ROOT] = KS_KIND("root", struct ks_root, ks_root_fields, frame,
				 "One, at the end of each sample: what was looked at."),
	[KS_KIND_SLOT] = KS_SEALED("slot", struct ks_slot, ks_slot_fields, slot,
				   "An entry of the first level that the CPU looks at (level 4) that is not empty: "
				   "512 GiB of addresses."),
	[KS_KIND_TABLE] = KS_SEALED("table", struct ks_table, ks_table_fields, address,
				    "An entry of level 3 in Xen's slot: 1 GiB of addresses. All but those of `vmap`."),
	[KS_KIND_IMAGE] = KS_SEALED("image", struct ks_image, ks_image_fields, address,
				    "A run of pages in Xen's own gigabyte that are mapped to frames side by side and "
				    "allow the same; it ends at each 2 MiB and "
				    "where a part of the layout ends."),
	[KS_KIND_BOTH] = KS_ALARMS("writable-executable", struct ks_both, ks_both_fields, address,
		"A run of pages of one table that may be both written and executed, anywhere in Xen's tables."),
	[KS_KIND_COPY] = KS_ALARMS_BY("copy", struct ks_copy, ks_copy_fields, user, domid,
				      "A slot of Xen's in a root that a 64-bit paravirtual vCPU has loaded, Dom0's "
				      "among them, which is not as Xen put it there."),
	[KS_KIND_UNREADABLE] = KS_ALARMS("unreadable", struct ks_unreadable, ks_unreadable_fields, level,
		"An entry that leads to no memory, so not to a table: nothing that Xen does."),
};

/* Where a pass stands: in progress->at[]. */
/* the place: number of an entry, address, domain; entries: looked at so far */
enum { AT_STAGE, AT_PLACE, AT_ENTRIES, AT_COPY };
enum { STAGE_BOOT, STAGE_SLOTS, STAGE_TABLES, STAGE_IMAGE, STAGE_EVERYWHERE, STAGE_COPIES, STAGE_ROOT };

/* After how many entries a call ends; up to a table more. */
#define ENTRIES_AT_ONCE 256

/*
 * A pass looks at no more than these: twice what all of vmap()'s 64 GiB needs with pages of 4 KiB.
 * Tables that lead to each other could keep a walk busy for days.
 */
#define ENTRIES_MAX (1UL << 25)

/* Xen's own slot, 261. */
#define XEN_SLOT l4_table_offset(XEN_VIRT_START)
#define XEN_SLOT_START (XEN_VIRT_START & ~(PML4_ENTRY_BYTES - 1))

/* Xen's layout: each part begins at its address and ends where the next begins. */
static const struct ks_part {
	unsigned long start;
	char name[KS_IS];
} ks_parts[] = {
	/* guests'; Xen's own table has just the code that starts a CPU there */
	{ 0, "low" },
	{ RO_MPT_VIRT_START, "ro-m2p" },
	{ PCI_MCFG_VIRT_START, "mmcfg" },
	{ LINEAR_PT_VIRT_START, "linear" },
	{ SH_LINEAR_PT_VIRT_START, "shadow-linear" },
	{ PERDOMAIN_VIRT_START, "per-domain" },
	{ RDWR_MPT_VIRT_START, "m2p" },
	{ VMAP_VIRT_START, "vmap" },
	{ FIXADDR_START, "fixmap" },
	{ RDWR_COMPAT_MPT_VIRT_START, "compat-m2p" },
	{ XEN_VIRT_START, "below-text" },
	{ (unsigned long)_stext, "text" },
	{ (unsigned long)__2M_rodata_start, "rodata" },
	{ (unsigned long)__2M_init_start, "init" },
	{ (unsigned long)__2M_rwdata_start, "data" },
	{ (unsigned long)__2M_rwdata_end, "live-patch" },
	{ XEN_VIRT_END - FIXADDR_X_SIZE - NR_CPUS * PAGE_SIZE, "stubs" },  /* alloc_stub_page() */
	/* not FIXADDR_X_START, which is the first stub's */
	{ XEN_VIRT_END - FIXADDR_X_SIZE, "fixmap-x" },
	{ XEN_VIRT_END, "unused" },
	{ FRAMETABLE_VIRT_START, "frame-table" },
	{ DIRECTMAP_VIRT_START, "direct-map" },
	{ DIRECTMAP_VIRT_END, "unused" },
};

/* What an entry allows, and all that are above it. */
enum { KS_R = 1, KS_W = 2, KS_X = 4, KS_U = 8, KS_ALL = 15 };

/* === One entry === */

static const struct ks_part *ks_part(uint64_t address)
{
	const struct ks_part *part = ks_parts;

	while (part + 1 < ks_parts + ARRAY_SIZE(ks_parts) && part[1].start <= address)
		part++;
	return part;
}

static uint64_t ks_part_last(const struct ks_part *part)
{
	return part + 1 < ks_parts + ARRAY_SIZE(ks_parts) ? part[1].start - 1 : UINT64_MAX;
}

/* How much an entry of @level covers. */
static uint64_t ks_covers(unsigned int level)
{
	return 1UL << (PAGE_SHIFT + PAGETABLE_ORDER * (level - 1));
}

static unsigned int ks_index(uint64_t address, unsigned int level)
{
	return (address >> (PAGE_SHIFT + PAGETABLE_ORDER * (level - 1))) & ((1U << PAGETABLE_ORDER) - 1);
}

static intpte_t ks_without_cpus_bits(intpte_t entry)
{
	return entry & ~(intpte_t)(_PAGE_ACCESSED | _PAGE_DIRTY);
}

static unsigned int ks_allows(intpte_t entry)
{
	return (entry & _PAGE_PRESENT ? KS_R : 0) | (entry & _PAGE_RW ? KS_W : 0) | (entry & _PAGE_USER ? KS_U : 0) |
	       (entry & put_pte_flags(_PAGE_NX_BIT) ? 0 : KS_X);
}

static void ks_allows_text(unsigned int allows, char out[KS_ALLOWS])
{
	out[0] = allows & KS_R ? 'r' : '-';
	out[1] = allows & KS_R && allows & KS_W ? 'w' : '-';
	out[2] = allows & KS_R && allows & KS_X ? 'x' : '-';
	out[3] = allows & KS_R && allows & KS_U ? 'u' : '-';
	out[4] = '\0';
}

/* A large page has an attribute where a small one has the last bits of its frame. */
static uint64_t ks_frame(unsigned int level, intpte_t entry)
{
	uint64_t frame = (entry & PADDR_MASK & PAGE_MASK) >> PAGE_SHIFT;

	if ((level == 2 || level == 3) && entry & _PAGE_PSE)
		frame &= ~((ks_covers(level) >> PAGE_SHIFT) - 1);
	return frame;
}

/*
 * Whether an entry maps memory itself and leads to no table.  The linear map leads to the root
 * again, as to a table of level 3: all of it is page tables as data, and to walk them a second
 * time as that says nothing more.
 */
static bool ks_is_leaf(unsigned int level, intpte_t entry)
{
	if (level == 4)
		return ks_frame(4, entry) == virt_to_mfn(idle_pg_table);
	return level == 1 || entry & _PAGE_PSE;
}

/*
 * The page at @frame as a table, or NULL: there is no memory there, or it is a device's.  Whatever
 * somebody wrote into an entry must not make us fault, so the first read of a table is one that
 * may; so is that of its place in the frame table, which memory_add() takes away again when it
 * fails.
 */
static const intpte_t *ks_map_table(uint64_t frame)
{
	mfn_t mfn = _mfn(frame);
	const intpte_t *table;
	intpte_t first;
	unsigned long owner;

	/* The owner as a frame has it (page_set_owner()). */
	if (!mfn_valid(mfn) || get_unsafe(owner, &mfn_to_page(mfn)->v.inuse._domain) || owner == virt_to_pdx(dom_io))
		return NULL;
	table = map_domain_page(mfn);
	if (!get_unsafe(first, table))
		return table;
	unmap_domain_page(table);
	return NULL;
}

/* === The walk === */

enum ks_found {
	KS_FOUND,       /* walk->at is mapped and allows what was asked for */
	KS_NOTHING,     /* up to the end */
	KS_BROKEN,      /* the entry at walk->at leads to no table */
	KS_LATER,       /* enough for one call, or tables changed meanwhile: go on at walk->at */
};

struct ks_walk {
	uint64_t at;
	unsigned int level;             /* of the table at hand */
	unsigned int entries;           /* looked at */
	/*
	 * By level, from the one at hand upwards: the tables, the entries that were taken in them,
	 * what these allow together.
	 */
	const intpte_t *table[5];
	intpte_t entry[5];
	unsigned int allows[6];
};

static void ks_walk_begin(struct ks_walk *walk, uint64_t at)
{
	walk->at = at;
	walk->level = 4;
	walk->entries = 0;
	walk->table[4] = (const intpte_t *)idle_pg_table;
	walk->allows[5] = KS_ALL;
}

static void ks_walk_up(struct ks_walk *walk)
{
	unmap_domain_page(walk->table[walk->level]);
	walk->level++;
}

static void ks_walk_end(struct ks_walk *walk)
{
	while (walk->level < 4)
		ks_walk_up(walk);
}

/* Whether the entries above the table at hand still lead to it, for what was read at @at. */
static bool ks_still(const struct ks_walk *walk, uint64_t at)
{
	for (unsigned int level = 4; level > walk->level; level--) {
		intpte_t now = read_atomic(&walk->table[level][ks_index(at, level)]);

		if (ks_without_cpus_bits(now ^ walk->entry[level]))
			return false;
	}
	return true;
}

/* Where a walk is behind the end of all addresses.  No entry begins there. */
#define BEHIND_ALL UINT64_MAX

/* So many entries on in the table at hand, to its end at most. */
static void ks_walk_by(struct ks_walk *walk, unsigned int entries)
{
	uint64_t covers = ks_covers(walk->level);

	if (!entries)
		return;
	walk->at = canonicalise_addr((walk->at & ~(covers - 1)) + entries * covers);
	while (walk->level < 4 && !ks_index(walk->at, walk->level))
		ks_walk_up(walk);
	if (!walk->at)
		walk->at = BEHIND_ALL;
}

/*
 * The first of @count entries that allows all of @need, or @count.  Most entries are empty, so
 * this loop is what a walk costs.
 */
static unsigned int ks_search(const intpte_t *entry, unsigned int count, unsigned int need)
{
	intpte_t want = (need & KS_R ? _PAGE_PRESENT : 0) | (need & KS_W ? _PAGE_RW : 0);
	intpte_t mask = want | (need & KS_X ? put_pte_flags(_PAGE_NX_BIT) : 0);

	for (unsigned int i = 0; i < count; i++)
		if ((read_atomic(&entry[i]) & mask) == want)
			return i;
	return count;
}

/* On to the next mapping from walk->at to @last that allows all of @need. */
static enum ks_found ks_walk_to(struct ks_walk *walk, uint64_t last, unsigned int need)
{
	while (walk->entries < ENTRIES_AT_ONCE) {
		unsigned int level = walk->level, i = ks_index(walk->at, level), count, skip;
		intpte_t entry;

		if (walk->at > last || walk->at == BEHIND_ALL)
			return KS_NOTHING;
		count = min_t(uint64_t, (1U << PAGETABLE_ORDER) - i,
			      (last - (walk->at & ~(ks_covers(level) - 1))) / ks_covers(level) + 1);
		skip = ks_search(&walk->table[level][i], count, need);
		walk->entries += skip + 1;
		ks_walk_by(walk, skip);
		if (skip == count)
			continue;
		entry = read_atomic(&walk->table[level][i + skip]);
		walk->entry[level] = entry;
		walk->allows[level] = walk->allows[level + 1] & ks_allows(entry);
		if (!ks_still(walk, walk->at) || (walk->allows[level] & need) != need)
			return KS_LATER;
		if (ks_is_leaf(level, entry))
			return KS_FOUND;
		walk->table[level - 1] = ks_map_table(ks_frame(level, entry));
		if (!walk->table[level - 1])
			return KS_BROKEN;
		walk->level--;
	}
	return KS_LATER;
}

struct ks_run {
	uint64_t address, bytes, frame, page_bytes;
	unsigned int allows, level;
};

/*
 * Takes the mapping at walk->at, and those behind it in the same table, up to @last, that allow
 * the same; @contiguous: and that lead to the frames behind it.  walk->at is then behind them.
 * False: tables changed meanwhile.
 */
static bool ks_walk_take(struct ks_walk *walk, uint64_t last, bool contiguous, struct ks_run *run)
{
	unsigned int level = walk->level, i = ks_index(walk->at, level);
	intpte_t next = ks_without_cpus_bits(walk->entry[level]) + ks_covers(level);

	run->page_bytes = ks_covers(level);
	run->address = walk->at & ~(run->page_bytes - 1);
	run->frame = ks_frame(level, walk->entry[level]);
	run->allows = walk->allows[level];
	run->level = level;
	run->bytes = run->page_bytes;
	while (level < 4 && ++i < 1U << PAGETABLE_ORDER && run->address + run->bytes <= last) {
		intpte_t entry = ks_without_cpus_bits(read_atomic(&walk->table[level][i]));

		walk->entries++;
		/* Mostly it is the one before, a page on: then it belongs to these. */
		if (entry != next) {
			if ((walk->allows[level + 1] & ks_allows(entry)) != run->allows || !ks_is_leaf(level, entry))
				break;
			if (contiguous && ks_frame(level, entry) != run->frame + (run->bytes >> PAGE_SHIFT))
				break;
		}
		run->bytes += run->page_bytes;
		next = entry + run->page_bytes;
	}
	if (!ks_still(walk, run->address))
		return false;
	ks_walk_by(walk, run->bytes / run->page_bytes);
	return true;
}

/* === Items === */

static const char *ks_slot_is(unsigned int slot)
{
	return slot == XEN_SLOT ? "xen" : ks_part(canonicalise_addr((uint64_t)slot << PML4_ENTRY_BITS))->name;
}

static int ks_copy_slot(unsigned int slot, struct ks_slot *item)
{
	intpte_t entry = read_atomic(&idle_pg_table[slot].l4);

	if (!entry)
		return KS_SET_SKIP;
	item->slot = slot;
	item->entry = ks_without_cpus_bits(entry);
	item->frame = ks_frame(4, entry);
	ks_allows_text(ks_allows(entry), item->allows);
	strlcpy(item->is, ks_slot_is(slot), sizeof(item->is));
	return KS_KIND_SLOT;
}

static int ks_copy_table(const intpte_t *tables, unsigned int i, struct ks_table *item)
{
	uint64_t address = XEN_SLOT_START + i * ks_covers(3);
	intpte_t entry = read_atomic(&tables[i]);

	/*
	 * vmap() takes a table more when it needs one.  The last is the fixmap's, and has always
	 * been there.
	 */
	if (!entry || (address >= VMAP_VIRT_START && address < VMAP_VIRT_END - ks_covers(3)))
		return KS_SET_SKIP;
	item->address = address;
	item->entry = ks_without_cpus_bits(entry);
	item->frame = ks_frame(3, entry);
	ks_allows_text(ks_allows(entry), item->allows);
	/* Of a table with several parts, the one at its end is the one that it is for. */
	strlcpy(item->is, address == XEN_VIRT_START ? "xen" : ks_part(address + ks_covers(3) - PAGE_SIZE)->name,
		sizeof(item->is));
	return KS_KIND_TABLE;
}

static int ks_copy_unreadable(const struct ks_walk *walk, struct ks_unreadable *item)
{
	item->address = walk->at & ~(ks_covers(walk->level) - 1);
	item->level = walk->level;
	item->entry = ks_without_cpus_bits(walk->entry[walk->level]);
	strlcpy(item->is, ks_part(item->address)->name, sizeof(item->is));
	return KS_KIND_UNREADABLE;
}

static int ks_copy_image(const struct ks_run *run, struct ks_image *item)
{
	item->address = run->address;
	item->bytes = run->bytes;
	item->frame = run->frame;
	ks_allows_text(run->allows, item->allows);
	strlcpy(item->is, ks_part(run->address)->name, sizeof(item->is));
	return KS_KIND_IMAGE;
}

/* Xen names its code; of the rest the part of the layout and the distance from its start. */
static void ks_symbol(uint64_t address, char *out, size_t size)
{
	const struct ks_part *part = ks_part(address);
	char name[KSYM_NAME_LEN + 1];
	unsigned long bytes, offset;

	if (symbols_lookup(address, &bytes, &offset, name))
		snprintf(out, size, "%s+0x%lx", name, offset);
	else
		snprintf(out, size, "%s+0x%lx", part->name, (unsigned long)address - part->start);
}

static int ks_copy_both(const struct ks_run *run, struct ks_both *item)
{
	item->address = run->address;
	item->bytes = run->bytes;
	/* the linear map is of tables */
	item->page_bytes = run->level < 4 ? run->page_bytes : PAGE_SIZE;
	item->level = run->level;
	item->frame = run->frame;
	ks_allows_text(run->allows, item->allows);
	ks_symbol(run->address, item->symbol, sizeof(item->symbol));
	strlcpy(item->is, ks_part(run->address)->name, sizeof(item->is));
	return KS_KIND_BOTH;
}

/* === A pass === */

/*
 * Xen is "active" before the last of its boot CPU's boot is done: that unmaps .init, which may be
 * written and executed, and then takes the right to write from what is constant after boot
 * (init_done(), setup.c).  So that neither is reported, the first pass waits for it, but no longer
 * than a second after the first look: after that it is a finding.
 */
static bool ks_boot_is_over(void)
{
	static s_time_t first;
	static bool over;
	unsigned long start = (unsigned long)__2M_rodata_start;
	struct ks_walk walk;

	if (over)
		return true;
	if (!first)
		first = NOW();
	ks_walk_begin(&walk, start);
	over = ks_walk_to(&walk, start, KS_R | KS_W) == KS_NOTHING || NOW() > first + SECONDS(1);
	ks_walk_end(&walk);
	return over;
}

static int ks_next_slot(struct ks_set_progress *progress, struct ks_slot *item)
{
	for (unsigned int i = 0; i < 64; i++) {
		int kind;

		if (progress->at[AT_PLACE] == 1U << PAGETABLE_ORDER)
			return KS_SET_END;
		kind = ks_copy_slot(progress->at[AT_PLACE]++, item);
		if (kind != KS_SET_SKIP)
			return kind;
	}
	return KS_SET_SKIP;
}

static int ks_next_table(struct ks_set_progress *progress, struct ks_table *item)
{
	intpte_t slot = read_atomic(&idle_pg_table[XEN_SLOT].l4);
	const intpte_t *tables = slot & _PAGE_PRESENT ? ks_map_table(ks_frame(4, slot)) : NULL;
	int kind = KS_SET_SKIP;

	if (!tables)
		return KS_SET_END;
	for (unsigned int i = 0; i < 64 && kind == KS_SET_SKIP; i++) {
		if (progress->at[AT_PLACE] == 1U << PAGETABLE_ORDER)
			kind = KS_SET_END;
		else
			kind = ks_copy_table(tables, progress->at[AT_PLACE]++, item);
	}
	unmap_domain_page(tables);
	return kind;
}

static bool ks_complete(const struct ks_set_progress *progress)
{
	return progress->at[AT_ENTRIES] < ENTRIES_MAX;
}

/* The next of the mappings that this stage is about; the progress goes on behind it. */
static int ks_next_mapping(struct ks_set_progress *progress, void *item)
{
	bool image = progress->at[AT_STAGE] == STAGE_IMAGE;
	uint64_t last = image ? XEN_VIRT_END - 1 : UINT64_MAX;
	struct ks_walk walk;
	struct ks_run run;
	int kind = KS_SET_SKIP;

	if (!ks_complete(progress))
		return KS_SET_END;
	ks_walk_begin(&walk, progress->at[AT_PLACE]);
	switch (ks_walk_to(&walk, last, image ? KS_R : KS_R | KS_W | KS_X)) {
	case KS_FOUND:
		if (!ks_walk_take(&walk, image ? ks_part_last(ks_part(walk.at)) : last, image, &run))
			break;
		if (!image)
			kind = ks_copy_both(&run, item);
		else if (strcmp(ks_part(run.address)->name, "stubs"))
			kind = ks_copy_image(&run, item);
		break;
	case KS_BROKEN:
		kind = ks_copy_unreadable(&walk, item);
		ks_walk_by(&walk, 1);
		break;
	case KS_NOTHING:
		kind = KS_SET_END;
		break;
	case KS_LATER:
		break;
	}
	progress->at[AT_PLACE] = walk.at;
	progress->at[AT_ENTRIES] += walk.entries;
	ks_walk_end(&walk);
	return kind;
}

/* What Xen puts into a slot of its own in @root, a paravirtual guest's (init_xen_l4_slots()). */
static intpte_t ks_expected(const struct domain *d, uint64_t root, unsigned int slot)
{
	const struct page_info *per_domain = ACCESS_ONCE(d->arch.perdomain_l3_pg);

	if (slot == l4_table_offset(LINEAR_PT_VIRT_START))
		return l4e_from_pfn(root, __PAGE_HYPERVISOR_RW).l4;
	if (slot == l4_table_offset(SH_LINEAR_PT_VIRT_START))
		return 0;
	if (slot == l4_table_offset(PERDOMAIN_VIRT_START))
		return per_domain ? l4e_from_page(per_domain, __PAGE_HYPERVISOR_RW).l4 : 0;
	return read_atomic(&idle_pg_table[slot].l4);
}

static uint64_t ks_loaded_root(const struct vcpu *v, bool user)
{
	return ACCESS_ONCE((user ? &v->arch.guest_table_user : &v->arch.guest_table)->pfn);
}

/*
 * A guest can give a root back, fill the page with what it likes, and load it again, between two
 * looks: what is wrong in a root is so at each of a few.
 */
#define KS_LOOKS 4

static bool ks_stays(const struct vcpu *v, bool user, uint64_t root, const intpte_t *slot, intpte_t entry)
{
	for (unsigned int i = 0; i < KS_LOOKS; i++)
		if (ks_loaded_root(v, user) != root || ks_without_cpus_bits(read_atomic(slot) ^ entry))
			return false;
	return ks_loaded_root(v, user) == root;
}

/* In AT_COPY: which vCPU, which of its roots, which slot. */
#define COPY_SLOTS ROOT_PAGETABLE_PV_XEN_SLOTS
#define COPIES_OF_VCPU (2 * COPY_SLOTS)

/*
 * The next slot from the progress's place on, in the same root, that is not as it should be.  The
 * progress goes on behind it, or to the next root.
 */
static int ks_next_copy_of(const struct vcpu *v, struct ks_set_progress *progress, struct ks_copy *item)
{
	const struct domain *d = v->domain;
	bool user = progress->at[AT_COPY] % COPIES_OF_VCPU >= COPY_SLOTS;
	uint64_t root = ks_loaded_root(v, user);
	const intpte_t *slots = root ? ks_map_table(root) : NULL;
	intpte_t entry, expected;
	unsigned int slot;
	bool wrong;

	do {
		slot = ROOT_PAGETABLE_FIRST_XEN_SLOT + progress->at[AT_COPY] % COPY_SLOTS;
		entry = slots ? read_atomic(&slots[slot]) : 0;
		expected = ks_expected(d, root, slot);
		progress->at[AT_COPY]++;
		progress->at[AT_ENTRIES]++;
		if (entry && ks_without_cpus_bits(entry ^ expected))
			break;
	} while (progress->at[AT_COPY] % COPY_SLOTS);
	wrong = entry && ks_without_cpus_bits(entry ^ expected) && ks_stays(v, user, root, &slots[slot], entry);
	if (slots)
		unmap_domain_page(slots);
	if (!wrong)
		return KS_SET_SKIP;
	item->domid = d->domain_id;
	item->vcpu = v->vcpu_id;
	item->user = user;
	item->slot = slot;
	item->root = root;
	item->entry = ks_without_cpus_bits(entry);
	item->expected = ks_without_cpus_bits(expected);
	item->frame = ks_frame(4, entry);
	ks_allows_text(ks_allows(entry), item->allows);
	strlcpy(item->is, ks_slot_is(slot), sizeof(item->is));
	return KS_KIND_COPY;
}

static int ks_next_copy(struct ks_set_progress *progress, struct ks_copy *item)
{
	struct domain *d;
	int kind;

	rcu_read_lock(&domlist_read_lock);
	d = ks_domain_from(&progress->at[AT_PLACE], &progress->at[AT_COPY]);
	kind = progress->at[AT_PLACE] < KS_NO_DOMAIN_FROM ? KS_SET_SKIP : KS_SET_END;
	if (d) {
		const struct vcpu *v;

		/* A 32-bit guest has but a part of such a root, and HVM guests none. */
		v = is_pv_64bit_domain(d) ? domain_vcpu(d, progress->at[AT_COPY] / COPIES_OF_VCPU) : NULL;
		if (v) {
			kind = ks_next_copy_of(v, progress, item);
		} else {
			d = rcu_dereference(d->next_in_list);
			kind = d ? KS_SET_SKIP : KS_SET_END;
			progress->at[AT_PLACE] = d ? d->domain_id : KS_NO_DOMAIN_FROM;
			progress->at[AT_COPY] = 0;
		}
	}
	rcu_read_unlock(&domlist_read_lock);
	return kind;
}

static int ks_next_root(struct ks_set_progress *progress, struct ks_root *item)
{
	if (progress->at[AT_PLACE]++)
		return KS_SET_END;
	item->frame = virt_to_mfn(idle_pg_table);
	item->nx = !!cpu_has_nx;
	item->complete = ks_complete(progress);
	item->entries = progress->at[AT_ENTRIES];
	return KS_KIND_ROOT;
}

static int ks_next_of_stage(struct ks_set_progress *progress, void *item)
{
	switch (progress->at[AT_STAGE]) {
	case STAGE_BOOT:
		return ks_boot_is_over() ? KS_SET_END : KS_SET_SKIP;
	case STAGE_SLOTS:
		return ks_next_slot(progress, item);
	case STAGE_TABLES:
		return ks_next_table(progress, item);
	case STAGE_IMAGE:
		return ks_next_mapping(progress, item);
	case STAGE_COPIES:
		return ks_next_copy(progress, item);
	case STAGE_EVERYWHERE:
		/*
		 * Without NX all that can be written can be executed: that is told once, by the
		 * root.
		 */
		return cpu_has_nx ? ks_next_mapping(progress, item) : KS_SET_END;
	}
	return ks_next_root(progress, item);
}

static KS_CB int ks_pagetables_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	int kind;

	while ((kind = ks_next_of_stage(progress, item)) == KS_SET_END && progress->at[AT_STAGE] != STAGE_ROOT) {
		progress->at[AT_STAGE]++;
		progress->at[AT_PLACE] = progress->at[AT_STAGE] == STAGE_IMAGE ? XEN_VIRT_START : 0;
	}
	return kind;
}

/* === Interface === */

/* Slots, tables, and what text, constants and data of Xen are mapped in. */
static KS_CB uint32_t ks_pagetables_first(void)
{
	return 256;
}

static const struct ks_set_type ks_pagetables_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items_max = 768,
	.first_items = ks_pagetables_first,
	.next = ks_pagetables_next,
};

const struct ks_probe_type ks_xen_pagetables = {
	.name = "xen-pagetables",
	.interval_ns = {
		[KS_LOW] = SECONDS(10),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(400),
		[KS_ADVERSARIAL] = MILLISECS(100),
	},
	.pause_ns = {
		[KS_LOW] = MICROSECS(500),
		[KS_DEFAULT] = MICROSECS(500),
		[KS_HIGH] = MICROSECS(250),
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&ks_pagetables_set),
};
