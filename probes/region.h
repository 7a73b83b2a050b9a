/* SPDX-License-Identifier: MIT */
/*
 * region.h - the engine for memory that must not change.
 *
 * A probe names ranges and says where to read them.  The engine sweeps page by page, in steps,
 * with a keyed hash, and makes records of kind
 *
 *   baseline   at the first sweep of a range; again after "reset", and after "removed"
 *   modified   a page is not what it was
 *   restored   a page has its first content again; what is told is the part that was modified
 *   removed    a range is no longer there, as its CPU went offline; its next baseline is a new
 *              one, and a record
 *   differs    in a fresh sample that was asked for: a page that is not what it was, but for what
 *              is_usual() names
 *   sweep      at the end of a range, when a fresh sample was asked for
 *
 * of which "modified" and "restored" are alarms, but for what is_usual() names below; those of
 * each range have a place of their own in the ring.  They have these members.  The probes' pages
 * have both lists from here (scripts/probe-pages).
 *
 *   range      string            all                          the name of the range
 *   address    hex               all                          where it begins; of a page: where
 *              what changed begins
 *   length     number, bytes     all                          how long it is; of a page: what
 *              changed, in cells of 16
 *   symbol     string, optional  modified, restored, differs  name and offset of that address,
 *              where it has a name
 *   page       number            modified, restored, differs  which page of the range, from 0 on
 *   site       string, optional  modified, differs            all that changed is what the kernel
 *              rewrites at such places
 *   pages      number            baseline, sweep              how many pages the range has
 *   modified   number            sweep                        how many of them are not what they
 *              were
 *   sha256     string            baseline, modified           of the range; of the page as it is
 *              now
 *   bytes      string, optional  modified                     at level "adversarial": now, in hex,
 *              at most 256 bytes
 *
 * A baseline is replaced by nothing but "reset" and "removed".  For "site" see undo() below.
 */
#ifndef KS_REGION_H
#define KS_REGION_H

#include "../core/probe.h"

#define KS_REGION_PAGE 4096
#define KS_REGION_CELL 16
#define KS_REGION_NAME 32
#define KS_REGION_MOMENTS 8
#define KS_REGION_SYMBOL 128

struct ks_range {
	char name[KS_REGION_NAME];
	uint64_t address;        /* as the kernel sees it, for records */
	uint64_t bytes;          /* > 0; a multiple of 8 */
	/* another number for another thing by the same name: a CPU that was off in between */
	uint64_t instance;
};

struct ks_region_type {
	/* How many ranges there may be, at most; fixed from init on. */
	unsigned int (*ranges)(struct ks_probe *probe);
	/* The most bytes that range @i may ever have, for the memory taken at start. */
	uint64_t (*bytes_max)(struct ks_probe *probe, unsigned int i);
	/* Describes range @i as it is now; false if it is not there at present. */
	bool (*range)(struct ks_probe *probe, unsigned int i, struct ks_range *range);
	/*
	 * Copies @bytes at @offset of range @i, at most a page's worth within one page of the
	 * range, to @out.  False: it went away since range() was asked.  Called within one step
	 * after range() said true.
	 */
	bool (*read)(struct ks_probe *probe, unsigned int i, uint64_t offset, void *out, size_t bytes);
	/*
	 * Optional: writes the symbol and offset of @address to @out, NUL-terminated, "" if there
	 * is none.
	 */
	void (*symbol)(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL]);
	/*
	 * Optional, a pair, for code that its kernel patches while it runs.  keep() is shown all
	 * that a baseline is taken of, piece by piece, each of at most a page and within one; it
	 * puts back what was there before somebody had the kernel patch it, so that this is the
	 * baseline, and the next sweep tells what is there instead.
	 * undo() gets a cell that differs from its baseline, as it is now, and puts back what
	 * keep() saw wherever the kernel patches it and what is there now is what the kernel
	 * writes there.  It returns what such places are called, a static text, or NULL: there is
	 * none in this cell.  Whether that makes it the cell of the baseline, so that nothing else
	 * was changed, is for the engine to see.  Both take bounded time, at most some 10 us.
	 */
	void (*keep)(struct ks_probe *probe, uint64_t address, void *bytes, size_t count);
	const char *(*undo)(struct ks_probe *probe, uint64_t address, uint8_t cell[KS_REGION_CELL]);
	/*
	 * Optional: places of this kind (what undo() returned) are there for a moment only.  A
	 * page that has one in KS_REGION_MOMENTS sweeps in a row is told once more, without
	 * "site".
	 */
	bool (*is_momentary)(const char *site);
	/*
	 * Optional: places of this kind (what undo() returned) are rewritten as anybody likes, so
	 * that a page in which nothing else differs is an event, and no alarm.
	 */
	bool (*is_usual)(const char *site);
};

int ks_region_init(struct ks_probe *probe);
void ks_region_exit(struct ks_probe *probe);
void ks_region_reset(struct ks_probe *probe);
uint32_t ks_region_baselines(const struct ks_probe *probe);
enum ks_step ks_region_step(struct ks_probe *probe, uint64_t deadline_ns);

#define KS_REGION_ENGINE(region_type) \
	.init = ks_region_init, .exit = ks_region_exit, .reset = ks_region_reset, .baselines = ks_region_baselines, \
	.step = ks_region_step, .engine = (region_type)

#endif /* KS_REGION_H */
