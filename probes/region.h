/* SPDX-License-Identifier: MIT */
/*
 * region.h - the engine for memory that must not change.
 *
 * A probe names ranges and says where to read them.  The engine sweeps page by page, in steps, with a keyed hash, and
 * makes records of kind
 *
 *   baseline   of a range, at the first sweep: "range", "address", "length", "pages", "sha256"
 *   modified   of a page: "range", "address", "length", "symbol" (name+offset), "page", "sha256" of the page now;
 *              address and length say what changed, in cells of KS_REGION_CELL bytes; at level adversarial "bytes" as well.
 *              "site": all that changed is what the kernel itself rewrites at a place of this kind; see undo() below
 *   restored   of a page that has its first content again: as the "modified" before it, without "sha256" and "bytes"
 *   removed    of a range that is no longer there (a CPU went away); its next baseline is a new one, and a record
 *   sweep      when a fresh sample was asked for: "range", "address", "length", "pages" looked at, "modified" pages now
 *
 * A baseline is replaced by nothing but "reset" and "removed".
 */
#ifndef KS_REGION_H
#define KS_REGION_H

#include "../core/probe.h"

#define KS_REGION_PAGE 4096
#define KS_REGION_CELL 16
#define KS_REGION_NAME 32
#define KS_REGION_SYMBOL 128

struct ks_range {
	char name[KS_REGION_NAME];
	uint64_t address;        /* as the kernel sees it, for records */
	uint64_t bytes;          /* > 0; a multiple of 8 */
	uint64_t instance;       /* another number when it is another thing by the same name: a CPU that was off in between */
};

struct ks_region_type {
	/* How many ranges there may be, at most; fixed from init on. */
	unsigned int (*ranges)(struct ks_probe *probe);
	/* The most bytes that range @i may ever have, for the memory taken at start. */
	uint64_t (*bytes_max)(struct ks_probe *probe, unsigned int i);
	/* Describes range @i as it is now; false if it is not there at present. */
	bool (*range)(struct ks_probe *probe, unsigned int i, struct ks_range *range);
	/*
	 * Copies @bytes at @offset of range @i, at most a page's worth within one page of the range, to @out.  False: it went
	 * away since range() was asked.  Called within one step after range() said true.
	 */
	bool (*read)(struct ks_probe *probe, unsigned int i, uint64_t offset, void *out, size_t bytes);
	/* Optional: writes the symbol and offset of @address to @out, NUL-terminated, "" if there is none. */
	void (*symbol)(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL]);
	/*
	 * Optional, a pair, for code that its kernel patches while it runs.  keep() is shown all that a baseline is taken of, piece by piece,
	 * each of at most a page and within one.  undo() gets a cell that differs from its baseline, as it is now, and puts back what keep() saw
	 * wherever the kernel patches it and what is there now is what the kernel writes there.  It returns what such places are called,
	 * a static text, or NULL: there is none in this cell.  Whether that makes it the cell of the baseline, so that nothing else was
	 * changed, is for the engine to see.  Both take bounded time, at most some 10 us.
	 */
	void (*keep)(struct ks_probe *probe, uint64_t address, const void *bytes, size_t count);
	const char *(*undo)(struct ks_probe *probe, uint64_t address, uint8_t cell[KS_REGION_CELL]);
};

int ks_region_init(struct ks_probe *probe);
void ks_region_exit(struct ks_probe *probe);
void ks_region_reset(struct ks_probe *probe);
enum ks_step ks_region_step(struct ks_probe *probe, uint64_t deadline_ns);

#define KS_REGION_ENGINE(region_type) \
	.init = ks_region_init, .exit = ks_region_exit, .reset = ks_region_reset, .step = ks_region_step, .engine = (region_type)

#endif /* KS_REGION_H */
