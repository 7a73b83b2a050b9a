// SPDX-License-Identifier: GPL-2.0-only
/*
 * roots.c - the probe dom0-roots: every page-table root that Dom0 uses.  A paravirtual kernel
 * cannot run a process without giving Xen the root of its page tables, so a process that is hidden
 * from every list of Dom0's is here.
 *
 * Of a 64-bit paravirtual Dom0 this is a census: all L4 tables that it owns and has pinned.  A
 * Linux pins them as a process gets its memory, one for the kernel and one for user space, and
 * unpins them as that ends (arch/x86/xen/mmu_pv.c).  What a vCPU has loaded without its being
 * pinned is reported, too.  Of any other Dom0 only what its vCPUs have loaded is known, at the
 * moment of the sample; of a PVH or HVM one that is looked at all the time (running.h).
 *
 * Which frames are looked at.  Xen's list of Dom0's pages holds just the right ones, but there is
 * no safe place in it between two steps: the page at hand may leave it or move to its end, which
 * skips the rest, and Dom0 decides when; to hold it by a reference would make Dom0's own
 * XENMEM_exchange fail.  The frame table has a place that stays, its index, needs no lock, and
 * shows each frame once; but it is as large as the machine, and Dom0 has a small part of that.  So
 * the table is walked by chunks, and those in which Dom0 had a page the last time come first.  Its
 * pages are counted on the way: when all that Xen says it has were seen, the others hold nothing
 * of it.  When not, as after memory came to it (balloon) and in the first pass, the others are
 * walked as well, until they are.  Who goes to great lengths can deceive a count that is taken
 * while he moves pages about; at "adversarial" all frames are looked at, always.
 *
 * Dom0 changes its page tables meanwhile.  A frame's words are read once each, without a lock.
 * What then looks like a root is taken by a reference before anything is said of it or in it, so
 * that it still is Dom0's.
 */
#include <xen/domain_page.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <asm/uaccess.h>

#include "../set.h"
#include "domains.h"
#include "running.h"
#include "x86.h"

/* === Data === */

struct ks_roots_dom0 {
	uint16_t domid;
	char type[4];
	uint8_t complete;
	char frames[8];
	uint32_t pages, roots, samples;
	uint64_t looked;
};

static const struct ks_field ks_dom0_fields[] = {
	KS_FIELD(struct ks_roots_dom0, domid, KS_U16, "the domain that owns the hardware"),
	KS_FIELD(struct ks_roots_dom0, type, KS_STRING, "`PV`, `PVH`, `HVM`"),
	KS_GUARD(struct ks_roots_dom0, complete, KS_BOOL,
		 "the records of kind `root` are all there are; `false`: Dom0 is not 64-bit paravirtual, Xen does not "
		 "know its roots, and what "
		 "is loaded is only sampled"),
	KS_FIELD(struct ks_roots_dom0, frames, KS_STRING,
		 "whose frame numbers these are: of the `machine`, or of the `guest`"),
	KS_LIVE(struct ks_roots_dom0, roots, KS_U32, "pinned roots seen in this pass"),
	KS_LIVE(struct ks_roots_dom0, pages, KS_U32,
		"[pages of 4 KiB] Dom0's, that were looked at in this pass: as many as Dom0 has, unless it gives and "
		"takes memory just then"),
	KS_LIVE(struct ks_roots_dom0, looked, KS_COUNT, "frames of the machine that were looked at to find them"),
	KS_LIVE(struct ks_roots_dom0, samples, KS_U32,
		"of a PVH or HVM Dom0: how often a CPU was found to run it, since boot; begins again at 0 after 2^32"),
};

struct ks_root {
	uint64_t frame;
	uint64_t first_seen_ns, last_seen_ns;
	char role[8];
	char loaded[15];
	uint8_t pinned;
};

static const struct ks_field ks_root_fields[] = {
	KS_FIELD(struct ks_root, frame, KS_HEX, "[frame number] the machine's page frame that holds the table"),
	KS_FIELD(struct ks_root, role, KS_STRING,
		 "`kernel` or `user`: the kernel's half of the table has more than one entry, or at most one"),
	KS_FIELD(struct ks_root, pinned, KS_BOOL,
		 "Dom0's kernel has told Xen that this stays a root; `false`: a vCPU has loaded it, and it is not "
		 "pinned, or no more. A Linux "
		 "does not do that"),
	KS_LIVE(struct ks_root, loaded, KS_STRING,
		"vCPUs of Dom0 that have it loaded as the census comes to it, as `0-2,5`, or empty; ends in `+` when "
		"it is too long for 13 characters, or Dom0 has more than 512, which are the ones that are asked. A "
		"vCPU has two loaded, the kernel's and the user's of the same process; one that changes them "
		"meanwhile may be at no root of a census"),
	KS_LIVE(struct ks_root, first_seen_ns, KS_NS, "[ns] when it was first seen, since boot"),
	KS_LIVE(struct ks_root, last_seen_ns, KS_NS,
		"[ns] when it was last seen, since boot: in a `vanished` record, the last moment at which it surely "
		"was there"),
};

/*
 * Where there is no census: what a vCPU has loaded.  It changes all the time, so that is no event.
 */
struct ks_sample {
	uint16_t vcpu;
	uint64_t frame;
};

static const struct ks_field ks_sample_fields[] = {
	KS_FIELD(struct ks_sample, vcpu, KS_U16, "which"),
	KS_LIVE(struct ks_sample, frame, KS_HEX,
		"[frame number] PVH, HVM: the guest's page frame in its CR3, at its last exit to Xen; 32-bit PV: the "
		"machine's frame of the L3 "
		"table; `0x0`: none yet"),
};

static const struct ks_field ks_running_fields[] = {
	KS_FIELD(struct ks_running, frame, KS_HEX, "[frame number] the guest's page frame in CR3"),
	KS_FIELD(struct ks_running, domid, KS_U16, "Dom0's"),
	KS_LIVE(struct ks_running, first_seen_ns, KS_NS, "[ns] when it was first seen, since boot"),
	KS_LIVE(struct ks_running, last_seen_ns, KS_NS, "[ns] when it was last seen, since boot"),
	KS_LIVE(struct ks_running, samples, KS_U32, "how often in between"),
};

enum { KS_KIND_DOM0, KS_KIND_ROOT, KS_KIND_SAMPLE, KS_KIND_RUNNING };

static const struct ks_set_kind ks_kinds[] = {
	[KS_KIND_DOM0] = KS_KIND("dom0", struct ks_roots_dom0, ks_dom0_fields, domid,
				 "One, the last of a pass: how complete it was."),
	[KS_KIND_ROOT] = KS_KIND("root", struct ks_root, ks_root_fields, frame,
		"A root of a 64-bit paravirtual Dom0."),
	[KS_KIND_SAMPLE] = KS_KIND("sample", struct ks_sample, ks_sample_fields, vcpu,
				   "Of any other Dom0: what a vCPU has loaded."),
	[KS_KIND_RUNNING] = KS_KIND_BY("running", struct ks_running, ks_running_fields, frame, domid,
		"Of a PVH or HVM Dom0: a root that was found running in the last second, and before that."),
};

/*
 * Where a walk stands: in progress->at[].  The place is a frame's index in the frame table; then a
 * vCPU's number, twice as many for two roots each.
 */
enum { AT_STAGE, AT_PLACE };
/*
 * BEGIN; then ALL, or HOME and as much of REST as is needed, or neither where there is no census;
 * then the others, but RUNNING of an HVM Dom0 alone.
 */
enum { STAGE_BEGIN, STAGE_ALL, STAGE_HOME, STAGE_REST, STAGE_VCPUS, STAGE_RUNNING, STAGE_DOM0, STAGE_END };

/*
 * A chunk is 16 MiB of memory: small enough that little is looked at in vain where Dom0's memory
 * lies among that of others, and 8 KiB of bits a TiB. What of it is looked at in one call takes
 * about 5,000 instructions; the search for the next chunk no more.
 */
#define CHUNK_FRAMES 4096
#define FRAMES_AT_ONCE 512
#define CHUNKS_AT_ONCE 32768

/* vCPUs that are asked for one root: some 15,000 instructions. */
#define VCPUS_ASKED 512U

/* What the probe has of its own. */
struct ks_census {
	unsigned long *home;    /* a bit for each chunk: Dom0 has a page in it */
	unsigned long chunks;   /* as many; those of memory added later are always looked at */
	struct {
		uint32_t pages, roots;
		uint64_t looked;
	} pass;
};

/* === Items === */

static bool ks_has_census(const struct domain *d)
{
	return is_pv_domain(d) && !is_pv_32bit_domain(d);
}

/*
 * Which vCPUs of @d have it loaded: for their kernel, or for their user space.  These may change
 * it at any time.  All are asked for each root: of a @d that has very many only the first, and it
 * is said that there may be more.
 */
static void ks_list_loaded(const struct domain *d, uint64_t frame, char *out, size_t size)
{
	const unsigned int asked = min(d->max_vcpus, VCPUS_ASKED);
	unsigned int in_row = 0, i;
	size_t length = 0;

	for (i = 0; i <= asked; i++) {
		const struct vcpu *v = i < asked ? d->vcpu[i] : NULL;
		char text[24];
		size_t bytes;

		if (v && (pagetable_get_pfn(v->arch.guest_table) == frame ||
			  pagetable_get_pfn(v->arch.guest_table_user) == frame)) {
			in_row++;
			continue;
		}
		if (!in_row)
			continue;
		bytes = snprintf(text, sizeof(text), "%s%u", length ? "," : "", i - in_row);
		if (in_row > 1)
			bytes += snprintf(text + bytes, sizeof(text) - bytes, "-%u", i - 1);
		in_row = 0;
		/* A number that was cut off would be another number. */
		if (length + bytes > size - 2)
			break;
		memcpy(out + length, text, bytes);
		length += bytes;
	}
	if (i <= asked || asked < d->max_vcpus)
		out[length] = '+';
}

/*
 * Slots behind Xen's own are the guest kernel's half.  Its own root has there its text, its view
 * of all memory and more (69 slots of a Linux 6.1); that of user space has the vsyscall page at
 * most, which is one slot (xen_init_mmu_ops(), arch/x86/xen/mmu_pv.c).  Most of the kernel's are
 * found at the end, so from there.
 */
static const char *ks_role_of(const struct page_info *page)
{
	const l4_pgentry_t *table = __map_domain_page(page);
	unsigned int present = 0;

	for (unsigned int i = L4_PAGETABLE_ENTRIES; --i > ROOT_PAGETABLE_LAST_XEN_SLOT && present < 2;)
		present += !!(l4e_get_flags((l4_pgentry_t){ ACCESS_ONCE(table[i].l4) }) & _PAGE_PRESENT);
	unmap_domain_page(table);
	return present < 2 ? "user" : "kernel";
}

/* An item of what may be a root of @d's; false: it is none, or no more. */
static bool ks_copy_root(const struct ks_probe *probe, const struct domain *d, struct page_info *page,
			 struct ks_root *item)
{
	const struct domain *owner;
	const struct ks_root *kept;
	unsigned long type;
	bool found = false;

	/* get_page() is this, with a line on the console where the owner is another. */
	if (page_get_owner(page) != d)
		return false;
	owner = page_get_owner_and_reference(page);
	if (!owner)
		return false;
	type = ACCESS_ONCE(page->u.inuse.type_info);
	if (owner == d && (type & PGT_type_mask) == PGT_root_page_table) {
		item->frame = mfn_x(page_to_mfn(page));
		item->pinned = !!(type & PGT_pinned);
		ks_list_loaded(d, item->frame, item->loaded, sizeof(item->loaded));
		/* With neither it has had its time, and Xen is about to take it apart. */
		found = item->pinned || item->loaded[0];
	}
	if (found) {
		strlcpy(item->role, ks_role_of(page), sizeof(item->role));
		item->first_seen_ns = item->last_seen_ns = ks_port_time_ns();
		kept = ks_set_kept(probe, KS_KIND_ROOT, item);
		/* In another role the same frame is another root. */
		if (kept && !memcmp(kept->role, item->role, sizeof(item->role)))
			item->first_seen_ns = kept->first_seen_ns;
	}
	put_page(page);
	return found;
}

/*
 * Of a Dom0 without a census: the frame of the root that @v has loaded, or had when Xen last ran
 * in its place.
 */
static uint64_t ks_sampled_root(const struct vcpu *v)
{
	uint64_t frame = 0;

	if (is_pv_32bit_vcpu(v)) {
		/*
		 * Its L4 table is Xen's, as long as the vCPU is there, and leads to the guest's
		 * root, an L3 (setup_compat_l4()).
		 */
		mfn_t mfn = pagetable_get_mfn(v->arch.guest_table);
		const l4_pgentry_t *table;

		if (mfn_eq(mfn, _mfn(0)))
			return 0;
		table = map_domain_page(mfn);
		frame = l4e_get_pfn((l4_pgentry_t){ ACCESS_ONCE(table->l4) });
		unmap_domain_page(table);
	}
#ifdef CONFIG_HVM
	else if (is_hvm_vcpu(v))
		frame = (ACCESS_ONCE(v->arch.hvm.guest_cr[3]) & PADDR_MASK) >> PAGE_SHIFT;
#endif
	return frame;
}

static int ks_copy_dom0(struct ks_probe *probe, const struct domain *d, struct ks_roots_dom0 *item)
{
	const struct ks_census *census = probe->own;

	item->domid = d->domain_id;
	strlcpy(item->type, ks_domain_type(d), sizeof(item->type));
	item->complete = ks_has_census(d);
	strlcpy(item->frames, is_pv_domain(d) ? "machine" : "guest", sizeof(item->frames));
	item->pages = census->pass.pages;
	item->roots = census->pass.roots;
	item->looked = census->pass.looked;
	if (is_hvm_domain(d))
		item->samples = ks_running_outcome(probe);
	return KS_KIND_DOM0;
}

/* === The walk === */

static void ks_go_to(struct ks_set_progress *progress, unsigned int stage)
{
	progress->at[AT_STAGE] = stage;
	progress->at[AT_PLACE] = 0;
}

/*
 * The first frame from @frame on that this stage looks at, both where a chunk begins; with @found
 * false, where to search on from.
 */
static unsigned long ks_next_chunk(const struct ks_census *census, unsigned int stage, unsigned long frame,
				   bool *found)
{
	unsigned long chunk = frame / CHUNK_FRAMES, end = min(chunk + CHUNKS_AT_ONCE, census->chunks);

	*found = false;
	if (chunk >= census->chunks) {
		if (stage == STAGE_REST)
			return max_pdx;
		end = chunk + 1;
	} else if (stage != STAGE_ALL) {
		chunk = stage == STAGE_HOME ? find_next_bit(census->home, end, chunk) :
					      find_next_zero_bit(census->home, end, chunk);
	}
	frame = chunk * CHUNK_FRAMES;
	if (chunk >= end || frame >= max_pdx)
		return frame;
	/*
	 * Where the machine has no memory there is no frame table either; that goes by groups of
	 * many chunks (pdx_group_valid).
	 */
	if (!mfn_valid(pdx_to_mfn(frame)))
		return ROUNDUP(frame + 1, PDX_GROUP_COUNT);
	*found = true;
	return frame;
}

static void ks_note_home(struct ks_census *census, unsigned long frame, bool home)
{
	unsigned long chunk = frame / CHUNK_FRAMES;

	if (chunk >= census->chunks)
		return;
	if (home)
		__set_bit(chunk, census->home);
	else
		__clear_bit(chunk, census->home);
}

/*
 * Frames from @frame on, but not from @end on, and not beyond a root: then that is the item.
 * *@frame moves.
 */
static int ks_look_at_frames(const struct ks_probe *probe, const struct domain *d, unsigned long *frame,
			     unsigned long end, void *item)
{
	/*
	 * Nearly all of a pass's time is spent here, so what is compared is prepared: the owner as
	 * a frame has it (page_set_owner()).
	 */
	const unsigned long domain = virt_to_pdx(d);
	struct ks_census *census = probe->own;
	struct page_info *page = pdx_to_page(*frame), *stop = page + (end - *frame);
	const bool added = *frame / CHUNK_FRAMES >= census->chunks;
	unsigned long start = *frame, count, type, owner;
	unsigned int pages = 0;
	int kind = KS_SET_SKIP;

	for (; page < stop && kind == KS_SET_SKIP; page++) {
		/*
		 * The frame table is there for ever, but for memory that is being added: if that
		 * fails in the end, its part goes away again (memory_add()).  Before that, nobody
		 * owns a page of it.
		 */
		if (!added)
			owner = ACCESS_ONCE(page->v.inuse._domain);
		else if (get_unsafe(owner, &page->v.inuse._domain))
			break;
		if (owner != domain)
			continue;
		count = ACCESS_ONCE(page->count_info);
		type = ACCESS_ONCE(page->u.inuse.type_info);
		/*
		 * What is not counted as Dom0's memory is Xen's own that Dom0 may use
		 * (domain_tot_pages()).
		 */
		if (count & (PGC_xen_heap | PGC_extra))
			continue;
		pages++;
		if ((type & (PGT_type_mask | PGT_pinned)) == (PGT_root_page_table | PGT_pinned) &&
		    ks_copy_root(probe, d, page, item)) {
			census->pass.roots++;
			kind = KS_KIND_ROOT;
		}
	}
	/* What is not there any more counts as looked at. */
	*frame = kind == KS_SET_SKIP ? end : page_to_pdx(page);
	census->pass.looked += *frame - start;
	census->pass.pages += pages;
	if (pages)
		ks_note_home(census, start, true);
	return kind;
}

static int ks_next_of_frames(const struct ks_probe *probe, const struct domain *d, struct ks_set_progress *progress,
			     void *item)
{
	struct ks_census *census = probe->own;
	unsigned int stage = progress->at[AT_STAGE];
	unsigned long frame = progress->at[AT_PLACE];
	bool found = true, all_seen = stage == STAGE_REST && census->pass.pages >= ks_domain_pages(d);
	int kind;

	if (!(frame % CHUNK_FRAMES)) {
		frame = all_seen ? max_pdx : ks_next_chunk(census, stage, frame, &found);
		/* Until one is seen, Dom0 has no page there. */
		if (frame < max_pdx && found)
			ks_note_home(census, frame, false);
	}
	progress->at[AT_PLACE] = frame;
	if (frame >= max_pdx) {
		ks_go_to(progress, stage == STAGE_HOME ? STAGE_REST : STAGE_VCPUS);
		return KS_SET_SKIP;
	}
	if (!found)
		return KS_SET_SKIP;
	kind = ks_look_at_frames(probe, d, &frame, min(ROUNDUP(frame + 1, FRAMES_AT_ONCE), max_pdx), item);
	progress->at[AT_PLACE] = frame;
	return kind;
}

/*
 * What a vCPU has loaded: with a census, each of two roots that may not be pinned; the engine
 * drops those that it has seen.
 */
static int ks_next_of_vcpus(const struct ks_probe *probe, const struct domain *d, struct ks_set_progress *progress,
			    void *item)
{
	uint64_t place = progress->at[AT_PLACE]++, root = 0, user_root = 0;
	const struct vcpu *v = domain_vcpu(d, place / 2);
	struct ks_sample *sample = item;
	mfn_t mfn;

	if (!v) {
		ks_go_to(progress, is_hvm_domain(d) ? STAGE_RUNNING : STAGE_DOM0);
		return KS_SET_SKIP;
	}
	if (ks_has_census(d)) {
		ks_vcpu_roots(v, &root, &user_root);
		mfn = _mfn(place % 2 ? user_root : root);
		if (mfn_eq(mfn, _mfn(0)) || !mfn_valid(mfn) || !ks_copy_root(probe, d, mfn_to_page(mfn), item))
			return KS_SET_SKIP;
		return KS_KIND_ROOT;
	}
	if (place % 2)
		return KS_SET_SKIP;
	sample->vcpu = v->vcpu_id;
	sample->frame = ks_sampled_root(v);
	return KS_KIND_SAMPLE;
}

static int ks_next_running(struct ks_set_progress *progress, void *item)
{
	int found = IS_ENABLED(CONFIG_HVM) ? ks_running_at(progress->at[AT_PLACE]++, item) : -1;

	if (found < 0)
		ks_go_to(progress, STAGE_DOM0);
	return found > 0 ? KS_KIND_RUNNING : KS_SET_SKIP;
}

static int ks_next_of(struct ks_probe *probe, const struct domain *d, struct ks_set_progress *progress,
		      void *item)
{
	struct ks_census *census = probe->own;

	switch (progress->at[AT_STAGE]) {
	case STAGE_BEGIN:
		memset(&census->pass, 0, sizeof(census->pass));
		if (is_hvm_domain(d))
			ks_running_go_on(probe);
		if (!ks_has_census(d))
			ks_go_to(progress, STAGE_VCPUS);
		else
			ks_go_to(progress, probe->level >= KS_ADVERSARIAL ? STAGE_ALL : STAGE_HOME);
		return KS_SET_SKIP;
	case STAGE_ALL:
	case STAGE_HOME:
	case STAGE_REST:
		return ks_next_of_frames(probe, d, progress, item);
	case STAGE_VCPUS:
		return ks_next_of_vcpus(probe, d, progress, item);
	case STAGE_RUNNING:
		return ks_next_running(progress, item);
	case STAGE_DOM0:
		ks_go_to(progress, STAGE_END);
		return ks_copy_dom0(probe, d, item);
	default:
		return KS_SET_END;
	}
}

static KS_CB int ks_roots_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct domain *d = ks_lock_hardware_domain();
	int kind;

	if (!d) {
		ks_probe_failed(probe, "no domain owns the hardware at the moment");
		return KS_SET_FAILED;
	}
	kind = ks_next_of(probe, d, progress, item);
	rcu_unlock_domain(d);
	return kind;
}

/* === Start and end === */

static KS_CB void ks_roots_exit(struct ks_probe *probe)
{
	struct ks_census *census = probe->own;

	if (IS_ENABLED(CONFIG_HVM))
		ks_running_exit();
	ks_port_free(census->home);
}

static KS_CB int ks_roots_init(struct ks_probe *probe)
{
	struct ks_census *census = probe->own;

	census->chunks = DIV_ROUND_UP(max_pdx, CHUNK_FRAMES);
	census->home = ks_probe_alloc(probe, BITS_TO_LONGS(census->chunks) * sizeof(*census->home));
	if ((!IS_ENABLED(CONFIG_HVM) || !ks_running_init(probe)) && census->home)
		return 0;
	ks_roots_exit(probe);
	return -1;
}

/* === Interface === */

/* Room for 3,000 processes, or for one in every 2 MiB of the machine: each has two roots. */
#define PROCESS_PAGES (1UL << (21 - PAGE_SHIFT))
#define ITEMS_MIN 6144

static KS_CB uint32_t ks_roots_items(void)
{
	return max_t(uint32_t, min_t(unsigned long, 2 * (total_pages / PROCESS_PAGES), UINT32_MAX / 2), ITEMS_MIN);
}

/* Some hundred processes. */
static KS_CB uint32_t ks_roots_first(void)
{
	return 256;
}

static const struct ks_set_type ks_roots_set = {
	.kinds = ks_kinds,
	.kinds_count = ARRAY_SIZE(ks_kinds),
	.items = ks_roots_items,
	.first_items = ks_roots_first,
	.init = ks_roots_init,
	.exit = ks_roots_exit,
	.next = ks_roots_next,
};

/*
 * A pass of 8 GiB is some 700 steps: with these pauses it is over within a quarter of a second at
 * "default".
 */
const struct ks_probe_type ks_xen_roots = {
	.name = "dom0-roots",
	.interval_ns = {
		[KS_LOW] = SECONDS(10),
		[KS_DEFAULT] = SECONDS(2),
		[KS_HIGH] = MILLISECS(400),
		[KS_ADVERSARIAL] = MILLISECS(100),
	},
	.pause_ns = {
		[KS_LOW] = MICROSECS(500),
		[KS_DEFAULT] = MICROSECS(250),
		[KS_HIGH] = MICROSECS(100),
		[KS_ADVERSARIAL] = 0,
	},
	.own_bytes = sizeof(struct ks_census),
	KS_SET_ENGINE(&ks_roots_set),
};
