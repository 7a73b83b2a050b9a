// SPDX-License-Identifier: MIT
/*
 * region.c - the engine for memory that must not change.
 *
 * Two hashes.  Of each page a keyed one of 128 bits, which says whether it is what it was.  Of
 * each cell of 16 bytes a small keyed one of 16 bits, which is looked at only when a page differs,
 * and says where: in a release build functions begin at multiples of 16, so that a changed cell
 * belongs to one symbol; elsewhere the symbol is that of the cell's first byte.  SHA-256, twenty
 * times dearer, is taken of what leaves the kernel to be compared elsewhere: a range at its
 * baseline, a page when it was modified.
 */
#include "region.h"
#include "../core/siphash.h"

/*
 * How much is read between two looks at the clock: with SHA-256 about 9,000 instructions, without
 * about 3,800.
 */
#define UNIT_SHA 128
#define UNIT_BARE 1024
#define CELLS_IN_PAGE (KS_REGION_PAGE / KS_REGION_CELL)

_Static_assert(KS_REGION_PAGE % UNIT_BARE == 0 && KS_REGION_PAGE % UNIT_SHA == 0 && UNIT_SHA % KS_REGION_CELL == 0,
	       "a unit lies within a page and has whole cells");

/* Cells of a page, from first to last; none: first is CELLS_IN_PAGE. */
struct span {
	uint16_t first, last;
};

struct page {
	struct ks_hash base, now;
	struct span changed;     /* what differed when it was modified */
	uint8_t moments;         /* sweeps in a row that found what should be there for a moment */
	/* and is the kernel's own doing: region.sites[site - 1]; 0: it is not */
	uint8_t site;
	bool usual;              /* and that is what happens all day */
};

struct watched {
	struct ks_range range;   /* as it was at its baseline */
	bool known;              /* has a baseline */
	uint64_t bytes_max;
	struct page *pages;
	uint16_t *cells;
	uint32_t modified;       /* pages */
};

/* Kinds of places, "several" among them, that a probe's undo() may return. */
#define SITES_MAX 16

enum stage { RANGE, PAGE, LOCATE };

struct region {
	uint64_t page_key[2], cell_key[4];
	unsigned int count;
	struct watched *watched;
	const char *sites[SITES_MAX];   /* those that were seen; the texts are undo()'s */
	/* Where the pass is. */
	enum stage stage;
	unsigned int at;
	struct ks_range range;
	uint32_t page;
	uint32_t offset;         /* within the page */
	struct span changed;     /* what differs, but for */
	struct span patched;     /* what differs and is the kernel's own doing, */
	const char *site;        /* at places of this kind, */
	bool momentary;          /* one of which should be gone in a moment; */
	bool again;              /* which the last sweep found as well */
	bool usual;              /* all of which are rewritten all day */
	struct ks_hash found;    /* of the page, as it differed */
	struct ks_siphash hash;
	struct ks_sha256 sha;
	uint64_t unit[UNIT_BARE / 8];
};

static const struct ks_region_type *type_of(const struct ks_probe *probe)
{
	return probe->type->engine;
}

/* === Hashes ============================================================= */

static uint16_t cell_hash(const struct region *region, const uint64_t *cell)
{
	uint64_t sum = (cell[0] ^ region->cell_key[0]) * (region->cell_key[1] | 1) +
		       (cell[1] ^ region->cell_key[2]) * (region->cell_key[3] | 1);

	return (uint16_t)(sum >> 48 ^ sum >> 32);
}

/* Of the cells in the unit at hand; the last may be half a cell. */
static unsigned int unit_cells(struct region *region, size_t bytes, uint16_t out[UNIT_SHA / KS_REGION_CELL])
{
	unsigned int count = 0;

	if (bytes % KS_REGION_CELL)
		region->unit[bytes / 8] = 0;
	for (size_t i = 0; i < bytes; i += KS_REGION_CELL)
		out[count++] = cell_hash(region, &region->unit[i / 8]);
	return count;
}

/* === Records ============================================================ */

static void put_place(struct ks_writer *text, const struct ks_range *range, uint64_t address, uint64_t length)
{
	ks_write_member_str(text, "range", range->name, strlen(range->name));
	ks_write_member_hex(text, "address", address);
	ks_write_member_size(text, "length", length);
}

static void put_sha256(struct ks_writer *text, struct ks_sha256 *sha)
{
	uint8_t digest[32];

	ks_sha256_final(sha, digest);
	ks_write_lit(text, KS_MEMBER("sha256"));
	ks_write_bytes(text, digest, sizeof(digest));
}

static uint32_t pages_of(const struct ks_range *range)
{
	return (uint32_t)((range->bytes + KS_REGION_PAGE - 1) / KS_REGION_PAGE);
}

static void record_baseline(struct ks_probe *probe, struct region *region)
{
	struct ks_writer *text = ks_record_begin(probe, KS_EVENT, KS_NO_SOURCE, "baseline");

	put_place(text, &region->range, region->range.address, region->range.bytes);
	ks_write_member_count(text, "pages", pages_of(&region->range));
	put_sha256(text, &region->sha);
	ks_record_end(probe);
}

static void record_removed(struct ks_probe *probe, const struct watched *watched)
{
	struct ks_writer *text = ks_record_begin(probe, KS_EVENT, KS_NO_SOURCE, "removed");

	put_place(text, &watched->range, watched->range.address, watched->range.bytes);
	ks_record_end(probe);
}

static void record_sweep(struct ks_probe *probe, const struct watched *watched)
{
	struct ks_writer *text = ks_record_begin(probe, KS_SAMPLE, KS_NO_SOURCE, "sweep");

	put_place(text, &watched->range, watched->range.address, watched->range.bytes);
	ks_write_member_count(text, "pages", pages_of(&watched->range));
	ks_write_member_count(text, "modified", watched->modified);
	ks_record_end(probe);
}

/* What of the page at hand differs from its baseline, from the start of the range on. */
static void changed_part(const struct region *region, const struct page *page, uint64_t *start, uint64_t *length)
{
	uint64_t end;

	*start = (uint64_t)region->page * KS_REGION_PAGE + (uint64_t)page->changed.first * KS_REGION_CELL;
	end = (uint64_t)region->page * KS_REGION_PAGE + ((uint64_t)page->changed.last + 1) * KS_REGION_CELL;
	if (end > region->range.bytes)
		end = region->range.bytes;
	*length = end - *start;
}

/*
 * "modified" or "restored"; @sha256 of the page as it is now goes with the first, and @site if it
 * is known.
 */
static void record_page(struct ks_probe *probe, struct region *region, const char *kind, const struct page *page,
			struct ks_sha256 *sha256, const char *site)
{
	const struct ks_region_type *type = type_of(probe);
	char symbol[KS_REGION_SYMBOL] = "";
	uint64_t start, length, raw_bytes;
	struct ks_writer *text;
	bool raw = false;

	changed_part(region, page, &start, &length);
	raw_bytes = length < KS_RAW_MAX ? length : KS_RAW_MAX;
	if (type->symbol)
		type->symbol(probe, region->range.address + start, symbol);
	if (sha256 && probe->level == KS_ADVERSARIAL)
		raw = type->read(probe, region->at, start, region->unit, raw_bytes);
	text = ks_record_begin(probe, page->usual ? KS_EVENT : KS_ALARM, KS_KIND_SOURCE(region->at), kind);
	put_place(text, &region->range, region->range.address + start, length);
	if (symbol[0])
		ks_write_member_str(text, "symbol", symbol, strlen(symbol));
	ks_write_member_count(text, "page", region->page);
	if (site)
		ks_write_member_str(text, "site", site, strlen(site));
	if (sha256)
		put_sha256(text, sha256);
	if (raw)
		ks_record_raw(probe, "bytes", region->unit, raw_bytes);
	ks_record_end(probe);
}

/* That the page at hand is, at this moment, not what it was at its baseline. */
static void record_differs(struct ks_probe *probe, const struct region *region, const struct page *page)
{
	const struct ks_region_type *type = type_of(probe);
	char symbol[KS_REGION_SYMBOL] = "";
	uint64_t start, length;
	struct ks_writer *text;

	changed_part(region, page, &start, &length);
	if (type->symbol)
		type->symbol(probe, region->range.address + start, symbol);
	text = ks_record_begin(probe, KS_SAMPLE, KS_KIND_SOURCE(region->at), "differs");
	put_place(text, &region->range, region->range.address + start, length);
	if (symbol[0])
		ks_write_member_str(text, "symbol", symbol, strlen(symbol));
	ks_write_member_count(text, "page", region->page);
	if (page->site)
		ks_write_member_str(text, "site", region->sites[page->site - 1],
				    strlen(region->sites[page->site - 1]));
	ks_record_end(probe);
}

/* === A pass ============================================================= */

static bool same_range(const struct ks_range *a, const struct ks_range *b)
{
	return a->address == b->address && a->bytes == b->bytes && a->instance == b->instance;
}

static void begin_page(struct region *region)
{
	region->offset = 0;
	region->stage = PAGE;
	ks_siphash_init(&region->hash, region->page_key);
}

static void enter_range(struct ks_probe *probe, struct region *region)
{
	struct watched *watched = &region->watched[region->at];
	bool present;

	memset(&region->range, 0, sizeof(region->range));
	present = type_of(probe)->range(probe, region->at, &region->range) && region->range.bytes &&
		  region->range.bytes <= watched->bytes_max;
	if (watched->known && (!present || !same_range(&watched->range, &region->range))) {
		record_removed(probe, watched);
		watched->known = false;
	}
	if (!present) {
		region->at++;
		return;
	}
	region->page = 0;
	begin_page(region);
	if (!watched->known)
		ks_sha256_init(&region->sha);
}

static void leave_range(struct ks_probe *probe, struct region *region)
{
	struct watched *watched = &region->watched[region->at];

	if (!watched->known) {
		watched->range = region->range;
		watched->known = true;
		watched->modified = 0;
		record_baseline(probe, region);
	} else if (probe->announce) {
		record_sweep(probe, watched);
	}
	region->at++;
	region->stage = RANGE;
}

static void next_page(struct ks_probe *probe, struct region *region)
{
	const struct watched *watched = &region->watched[region->at];
	const struct page *page = &watched->pages[region->page];

	if (probe->announce && watched->known && !page->usual && !ks_hash_equal(&page->now, &page->base))
		record_differs(probe, region, page);
	region->page++;
	if (region->page == pages_of(&region->range))
		leave_range(probe, region);
	else
		begin_page(region);
}

/*
 * The number by which a page remembers @site.  With more kinds than places, what is left is
 * no site: an alarm.
 */
static uint8_t site_number(struct region *region, const char *site)
{
	for (unsigned int i = 0; site && i < SITES_MAX; i++) {
		if (!region->sites[i])
			region->sites[i] = site;
		if (!strcmp(region->sites[i], site))
			return (uint8_t)(i + 1);
	}
	return 0;
}

/* Goes through the page at hand once more, for where it differs. */
static void begin_locate(struct region *region, bool again)
{
	region->stage = LOCATE;
	region->offset = 0;
	region->changed.first = region->patched.first = CELLS_IN_PAGE;
	region->site = NULL;
	region->momentary = false;
	region->usual = true;
	region->again = again;
	ks_siphash_init(&region->hash, region->page_key);
	ks_sha256_init(&region->sha);
}

/*
 * Whether a page that is as in the last sweep is to be looked at again: one that the kernel was
 * just rewriting; and, for whoever asks, one that nothing explained, as who patches may be between
 * two steps of that (ftrace forgets a tracer before it takes back the call of it), and may have
 * done the same once more since.
 */
static bool is_open(const struct ks_probe *probe, const struct page *page)
{
	if (ks_hash_equal(&page->now, &page->base) || page->moments >= KS_REGION_MOMENTS)
		return false;
	return page->moments || (probe->announce && !page->site);
}

static void end_hash(struct ks_probe *probe, struct region *region)
{
	struct watched *watched = &region->watched[region->at];
	struct page *page = &watched->pages[region->page];
	struct ks_hash hash = ks_siphash13_final(&region->hash);

	if (!watched->known) {
		page->base = page->now = hash;
		page->moments = 0;
	} else if (!ks_hash_equal(&hash, &page->now)) {
		if (!ks_hash_equal(&hash, &page->base)) {
			region->found = hash;
			begin_locate(region, false);
			return;
		}
		page->now = hash;
		watched->modified--;
		page->moments = 0;
		record_page(probe, region, "restored", page, NULL, NULL);
	} else if (is_open(probe, page)) {
		begin_locate(region, true);
		return;
	}
	next_page(probe, region);
}

static void end_locate(struct ks_probe *probe, struct region *region)
{
	struct watched *watched = &region->watched[region->at];
	struct page *page = &watched->pages[region->page];
	struct ks_hash undone = ks_siphash13_final(&region->hash);
	struct span changed = region->changed;
	const char *site = NULL;
	bool lasting = false, usual = false;

	/*
	 * Not before: of a search that ends early nothing is told, so the next
	 * sweep begins it anew.
	 */
	if (!region->again) {
		watched->modified += ks_hash_equal(&page->now, &page->base);
		page->now = region->found;
	}
	/* One cell that nothing explains is what counts, whatever the kernel patched beside it. */
	if (region->patched.first != CELLS_IN_PAGE && ks_hash_equal(&undone, &page->base)) {
		changed = region->patched;
		site = region->site;
		usual = region->usual;
	} else if (changed.first == CELLS_IN_PAGE) {
		/*
		 * Changed back already, or the small hashes are the same by chance: it is the page
		 * that differed.
		 */
		changed = (struct span){ 0, CELLS_IN_PAGE - 1 };
		/*
		 * Where a kernel rewrites its code all day, that is how it looks at such a moment.
		 */
		usual = type_of(probe)->is_usual && ks_hash_equal(&undone, &page->base);
	}
	if (site && region->momentary) {
		if (page->moments < KS_REGION_MOMENTS)
			page->moments++;
		lasting = page->moments == KS_REGION_MOMENTS;
	} else if (!region->again) {
		page->moments = 0;
	}
	/* Else it was told already; or it is just changing, and the next sweep tells. */
	if (!region->again || lasting) {
		page->changed = changed;
		page->usual = usual && !lasting;
		page->site = site_number(region, lasting ? NULL : site);
		record_page(probe, region, "modified", page, &region->sha, lasting ? NULL : site);
	} else if (site && !page->site) {
		page->changed = changed;
		page->usual = usual;
		page->site = site_number(region, site);
	}
	next_page(probe, region);
}

static void extend(struct span *span, unsigned int cell)
{
	if (span->first == CELLS_IN_PAGE)
		span->first = (uint16_t)cell;
	span->last = (uint16_t)cell;
}

/*
 * A cell, @now, whose hash is not @base as it was.  If the kernel patched it, and nobody else, it
 * becomes what it was: the hash of the page with all such cells undone says in the end whether
 * they were all that changed.
 */
static void differing_cell(struct ks_probe *probe, struct region *region, unsigned int cell, uint64_t *now,
			   uint16_t base)
{
	uint64_t address =
		region->range.address + (uint64_t)region->page * KS_REGION_PAGE + (uint64_t)cell * KS_REGION_CELL;
	uint64_t undone[KS_REGION_CELL / 8] = { now[0], now[1] };
	const char *site = NULL;

	if (type_of(probe)->undo)
		site = type_of(probe)->undo(probe, address, (uint8_t *)undone);
	if (!site || cell_hash(region, undone) != base) {
		extend(&region->changed, cell);
		return;
	}
	memcpy(now, undone, sizeof(undone));
	extend(&region->patched, cell);
	region->site = region->site && strcmp(region->site, site) ? "several" : site;
	region->momentary |= type_of(probe)->is_momentary && type_of(probe)->is_momentary(site);
	region->usual &= type_of(probe)->is_usual && type_of(probe)->is_usual(site);
}

/* Notes (at the baseline) or compares the cells of the unit at hand. */
static void do_cells(struct ks_probe *probe, struct region *region, struct watched *watched, size_t bytes)
{
	unsigned int first = region->offset / KS_REGION_CELL;
	uint16_t *base = watched->cells + (size_t)region->page * CELLS_IN_PAGE + first;
	uint16_t now[UNIT_SHA / KS_REGION_CELL];
	unsigned int count = unit_cells(region, bytes, now);

	for (unsigned int i = 0; i < count; i++) {
		if (region->stage == PAGE)
			base[i] = now[i];
		else if (base[i] != now[i])
			differing_cell(probe, region, first + i, &region->unit[(size_t)i * KS_REGION_CELL / 8],
				       base[i]);
	}
}

/* One unit of a page.  False: it could not be read. */
static bool do_unit(struct ks_probe *probe, struct region *region)
{
	struct watched *watched = &region->watched[region->at];
	uint64_t start = (uint64_t)region->page * KS_REGION_PAGE;
	uint64_t page_bytes =
		region->range.bytes - start < KS_REGION_PAGE ? region->range.bytes - start : KS_REGION_PAGE;
	bool thorough = region->stage == LOCATE || !watched->known;
	size_t bytes = thorough ? UNIT_SHA : UNIT_BARE;

	if (bytes > page_bytes - region->offset)
		bytes = page_bytes - region->offset;
	if (!type_of(probe)->read(probe, region->at, start + region->offset, region->unit, bytes))
		return false;
	if (thorough)
		ks_sha256_update(&region->sha, region->unit, bytes);
	if (!watched->known && type_of(probe)->keep)
		type_of(probe)->keep(probe, region->range.address + start + region->offset, region->unit, bytes);
	if (thorough)
		do_cells(probe, region, watched, bytes);
	ks_siphash13_update(&region->hash, region->unit, bytes);
	region->offset += (uint32_t)bytes;
	if (region->offset < page_bytes)
		return true;
	if (region->stage == PAGE)
		end_hash(probe, region);
	else
		end_locate(probe, region);
	return true;
}

enum ks_step KS_CB ks_region_step(struct ks_probe *probe, uint64_t deadline_ns)
{
	struct region *region = probe->data;
	struct ks_range now = { .instance = 0 };

	if (probe->first_step) {
		region->at = 0;
		region->stage = RANGE;
	} else if (region->stage != RANGE && (!type_of(probe)->range(probe, region->at, &now) ||
					      !same_range(&now, &region->range))) {
		region->stage = RANGE; /* it went away between two steps: look at it anew */
	}
	do {
		if (region->stage != RANGE) {
			if (!do_unit(probe, region)) {
				ks_probe_failed(probe, "a range could not be read");
				return KS_STEP_FAILED;
			}
		} else if (region->at < region->count) {
			enter_range(probe, region);
		} else {
			return KS_STEP_DONE;
		}
	} while (ks_port_time_ns() < deadline_ns);
	return KS_STEP_MORE;
}

/* === Start and stop ===================================================== */

uint32_t KS_CB ks_region_baselines(const struct ks_probe *probe)
{
	const struct region *region = probe->data;
	uint32_t known = 0;

	for (unsigned int i = 0; i < region->count; i++)
		known += region->watched[i].known;
	return known;
}

void KS_CB ks_region_reset(struct ks_probe *probe)
{
	struct region *region = probe->data;

	for (unsigned int i = 0; i < region->count; i++)
		region->watched[i].known = false;
}

void KS_CB ks_region_exit(struct ks_probe *probe)
{
	struct region *region = probe->data;

	for (unsigned int i = 0; region->watched && i < region->count; i++) {
		ks_port_free(region->watched[i].pages);
		ks_port_free(region->watched[i].cells);
	}
	ks_port_free(region->watched);
	ks_port_free(region);
	probe->data = NULL;
}

int KS_CB ks_region_init(struct ks_probe *probe)
{
	const struct ks_region_type *type = type_of(probe);
	struct region *region = ks_probe_alloc(probe, sizeof(*region));

	if (!region)
		return -1;
	probe->data = region;
	ks_port_random(region->page_key, sizeof(region->page_key));
	ks_port_random(region->cell_key, sizeof(region->cell_key));
	region->count = type->ranges(probe);
	region->watched = ks_probe_alloc(probe, region->count * sizeof(*region->watched));
	for (unsigned int i = 0; region->watched && i < region->count; i++) {
		struct watched *watched = &region->watched[i];
		uint64_t bytes = type->bytes_max(probe, i);

		watched->bytes_max = bytes;
		watched->pages =
			ks_probe_alloc(probe, (bytes + KS_REGION_PAGE - 1) / KS_REGION_PAGE * sizeof(struct page));
		watched->cells =
			ks_probe_alloc(probe, (bytes + KS_REGION_CELL - 1) / KS_REGION_CELL * sizeof(uint16_t));
		if (!watched->pages || !watched->cells)
			goto no_memory;
	}
	if (region->watched)
		return 0;

no_memory:
	ks_region_exit(probe);
	return -1;
}
