// SPDX-License-Identifier: MIT
/*
 * test_region.c - the engine for memory that must not change.
 *
 * What is wrong in the world: somebody writes to memory that ought to hold still, and writes it
 * back, or writes elsewhere.  The memory here is an array that the test changes.  Its sizes are
 * chosen to hurt: less than a cell, half a cell at the end, one word beyond a page.
 */
#include "kit.h"

#include <stdio.h>

#include "../../probes/region.h"

#define RANGES 5
#define BYTES_MAX (3 * KS_REGION_PAGE)
#define BASE 0xffff82d040200000ULL

static const uint64_t sizes[RANGES] = { 3 * KS_REGION_PAGE, KS_REGION_PAGE + 8, KS_REGION_PAGE - 24, 8, 136 };

static struct world {
	uint64_t words[RANGES][BYTES_MAX / 8]; /* read through bytes_of() */
	bool gone[RANGES];
	uint64_t instance[RANGES];
	uint64_t moved[RANGES];      /* by so much from BASE on */
	int64_t grown[RANGES];       /* by so many bytes */
	bool fails;
	void (*meanwhile)(void); /* called before each read */
	void (*after)(void);     /* called after it */
} world;

static uint8_t *bytes_of(unsigned int i)
{
	return (uint8_t *)world.words[i];
}

static unsigned int count_ranges(struct ks_probe *probe)
{
	(void)probe;
	return RANGES;
}

static uint64_t bytes_max(struct ks_probe *probe, unsigned int i)
{
	(void)probe;
	return sizes[i];
}

static bool get_range(struct ks_probe *probe, unsigned int i, struct ks_range *range)
{
	static const struct ks_range zero;

	(void)probe;
	assert_memory_equal(range, &zero, sizeof(zero));
	*range = (struct ks_range){ .address = BASE + i * 0x100000U + world.moved[i],
				    .bytes = sizes[i] + (uint64_t)world.grown[i],
				    .instance = world.instance[i] };
	snprintf(range->name, sizeof(range->name), "range%u", i);
	return !world.gone[i];
}

static bool read_range(struct ks_probe *probe, unsigned int i, uint64_t offset, void *out, size_t bytes)
{
	(void)probe;
	if (world.meanwhile)
		world.meanwhile();
	/* What the engine promises. */
	assert_true(!world.gone[i] && bytes && offset + bytes <= sizes[i]);
	assert_true(offset / KS_REGION_PAGE == (offset + bytes - 1) / KS_REGION_PAGE);
	memcpy(out, bytes_of(i) + offset, bytes);
	if (world.after)
		world.after();
	return !world.fails;
}

static void symbol(struct ks_probe *probe, uint64_t address, char out[KS_REGION_SYMBOL])
{
	(void)probe;
	if (address >= BASE && address < BASE + 0x100000)
		snprintf(out, KS_REGION_SYMBOL, "do_something+0x%llx", (unsigned long long)(address - BASE));
	if (address >= BASE + 0x200000 && address < BASE + 0x300000)
		snprintf(out, KS_REGION_SYMBOL, "f");
}

/*
 * Places in the first range that its "kernel" patches: 5 bytes each, which begin with 0x0f or with
 * 0xe9 where it wrote them itself.  One lies across two cells, one across two of the units in
 * which the engine reads, two share a cell.
 */
static struct {
	uint64_t at;
	uint8_t base[5];
	const char *kind;
} sites[] = {
	{ .at = 0x100c, .kind = "label" }, { .at = 0x107e, .kind = "label" }, { .at = 0x1200, .kind = "call" },
	{ .at = 0x1212, .kind = "label" },
	{ .at = 0x1217, .kind = "label" },
};
#define SITES (sizeof(sites) / sizeof(sites[0]))

/*
 * The third place: what was there before somebody had the "kernel" patch it, if that was before
 * the baseline; else all 0.
 */
static uint8_t before_patch[5];

static void keep(struct ks_probe *probe, uint64_t address, void *bytes, size_t count)
{
	uint64_t third = BASE + sites[2].at;

	(void)probe;
	assert_true(count && address / KS_REGION_PAGE == (address + count - 1) / KS_REGION_PAGE);
	if (before_patch[0] && third >= address && third < address + count)
		memcpy((uint8_t *)bytes + (third - address), before_patch, sizeof(before_patch));
	for (size_t i = 0; i < SITES; i++)
		for (size_t k = 0; k < 5; k++)
			if (BASE + sites[i].at + k >= address && BASE + sites[i].at + k < address + count)
				sites[i].base[k] = ((const uint8_t *)bytes)[BASE + sites[i].at + k - address];
}

static const char *undo(struct ks_probe *probe, uint64_t address, uint8_t cell[KS_REGION_CELL])
{
	const char *kind = NULL;

	(void)probe;
	assert_int_equal(address % KS_REGION_CELL, 0);
	for (size_t i = 0; i < SITES; i++) {
		uint8_t first = bytes_of(0)[sites[i].at];

		for (size_t k = 0; k < 5 && (first == 0x0f || first == 0xe9); k++) {
			if (BASE + sites[i].at + k < address || BASE + sites[i].at + k >= address + KS_REGION_CELL)
				continue;
			cell[BASE + sites[i].at + k - address] = sites[i].base[k];
			kind = sites[i].kind;
		}
	}
	return kind;
}

static bool is_momentary(const char *site)
{
	return !strcmp(site, "moment");
}

static bool is_usual(const char *site)
{
	return !strcmp(site, "label");
}

static const struct ks_region_type region = {
	.ranges = count_ranges,
	.bytes_max = bytes_max,
	.range = get_range,
	.read = read_range,
	.symbol = symbol,
	.keep = keep,
	.undo = undo,
	.is_momentary = is_momentary,
	.is_usual = is_usual,
};

static const struct ks_probe_type memory = {
	.name = "memory",
	.interval_ns = { 4 * SECOND, 4 * SECOND, SECOND, SECOND },
	KS_REGION_ENGINE(&region),
};

static const struct ks_probe_type *const types[] = { &memory };

static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	kit_start(types, 1);
	kit_forget_began();
	for (unsigned int i = 0; i < RANGES; i++)
		ks_port_random(world.words[i], sizes[i]);
	return 0;
}

/* Whole passes, one at least; records since the last look. */
static json_t *look(void)
{
	port_advance(9 * SECOND);
	while (kit_sensor.probes[0].in_pass)
		port_advance(1);
	return kit_command("records", "memory", NULL);
}

static const char *kinds(const json_t *lines)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < kit_count(lines); i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s:%s", i ? " " : "", kit_text(lines, i, "kind"),
			 kit_text(lines, i, "range"));
	}
	return text;
}

static const char *sha256_of(const void *bytes, size_t len)
{
	static char hex[65];
	struct sha256_ctx ctx;
	uint8_t digest[32];

	sha256_init(&ctx);
	sha256_update(&ctx, len, bytes);
	sha256_digest(&ctx, 32, digest);
	for (int i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	return hex;
}

#define BASELINES "baseline:range0 baseline:range1 baseline:range2 baseline:range3 baseline:range4"

/*
 * The first sweep: what there is, and the SHA-256 of each range, as nettle makes it in one piece.
 */
static void baseline(void **state)
{
	json_t *lines = look();

	(void)state;
	assert_string_equal(kinds(lines), BASELINES);
	for (unsigned int i = 0; i < RANGES; i++) {
		char address[32];

		snprintf(address, sizeof(address), "0x%llx", (unsigned long long)(BASE + i * 0x100000U));
		assert_string_equal(kit_text(lines, i, "address"), address);
		assert_int_equal(kit_number(lines, i, "length"), sizes[i]);
		assert_int_equal(kit_number(lines, i, "pages"), (sizes[i] + 4095) / 4096);
		assert_string_equal(kit_text(lines, i, "sha256"), sha256_of(bytes_of(i), sizes[i]));
	}
	assert_string_equal(kinds(look()), "");
}

/*
 * Every single byte of every range: changed it is found, in the cell where it lies; put back it is
 * told as restored.
 */
static void every_byte(void **state)
{
	(void)state;
	look();
	for (unsigned int i = 0; i < RANGES; i++) {
		for (uint64_t at = 0; at < sizes[i]; at += at < 64 || at + 64 > sizes[i] || sizes[i] < 200 ? 1 : 61) {
			uint64_t cell = at & ~15ULL, page = at / KS_REGION_PAGE;
			uint64_t page_bytes = sizes[i] - page * KS_REGION_PAGE;
			uint64_t length = sizes[i] - cell < 16 ? sizes[i] - cell : 16;
			char address[32], name[16];
			json_t *lines;

			snprintf(address, sizeof(address), "0x%llx",
				 (unsigned long long)(BASE + i * 0x100000U + cell));
			snprintf(name, sizeof(name), "range%u", i);
			bytes_of(i)[at] ^= 0x10;
			lines = look();
			assert_int_equal(kit_count(lines), 1);
			assert_string_equal(kit_text(lines, 0, "kind"), "modified");
			assert_string_equal(kit_text(lines, 0, "range"), name);
			assert_string_equal(kit_text(lines, 0, "address"), address);
			assert_int_equal(kit_number(lines, 0, "length"), length);
			assert_int_equal(kit_number(lines, 0, "page"), page);
			assert_string_equal(kit_text(lines, 0, "sha256"),
					    sha256_of(bytes_of(i) + page * KS_REGION_PAGE,
						      page_bytes < KS_REGION_PAGE ? page_bytes : KS_REGION_PAGE));
			bytes_of(i)[at] ^= 0x10;
			lines = look();
			assert_int_equal(kit_count(lines), 1);
			assert_string_equal(kit_text(lines, 0, "kind"), "restored");
			assert_string_equal(kit_text(lines, 0, "address"), address);
		}
	}
}

static void symbols(void **state)
{
	json_t *lines;

	(void)state;
	look();
	bytes_of(0)[0x1234]++;
	bytes_of(1)[0]++;
	bytes_of(2)[0]++;
	lines = look();
	assert_int_equal(kit_count(lines), 3);
	assert_string_equal(kit_text(lines, 0, "symbol"), "do_something+0x1230");
	assert_string_equal(kit_text(lines, 2, "symbol"), "f");
	assert_null(json_object_get(kit_record(lines, 1), "symbol"));
	/* A fresh sample says the same of what still differs. */
	lines = kit_command("records", "memory", "{\"run\": true, \"filter\": {\"kind\": \"differs\"}}");
	assert_int_equal(kit_count(lines), 3);
	assert_string_equal(kit_text(lines, 0, "symbol"), "do_something+0x1230");
	assert_string_equal(kit_text(lines, 2, "symbol"), "f");
	assert_null(json_object_get(kit_record(lines, 1), "symbol"));
}

/* Told once; another change in the page is told anew; only the first content is "restored". */
static void changes_upon_changes(void **state)
{
	json_t *lines;

	(void)state;
	look();
	bytes_of(0)[100]++;
	assert_string_equal(kinds(look()), "modified:range0");
	assert_string_equal(kinds(look()), "");
	bytes_of(0)[200]++;
	bytes_of(0)[300]++;
	lines = look();
	assert_string_equal(kinds(lines), "modified:range0");
	/* From the first cell that differs from the baseline to the last. */
	assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040200060");
	assert_int_equal(kit_number(lines, 0, "length"), 304 - 96);
	bytes_of(0)[100]--;
	assert_string_equal(kinds(look()), "modified:range0");
	bytes_of(0)[200]--;
	bytes_of(0)[300]--;
	assert_string_equal(kinds(look()), "restored:range0");
	assert_string_equal(kinds(look()), "");
	/* Two pages of one range are two changes. */
	bytes_of(0)[0]++;
	bytes_of(0)[2 * KS_REGION_PAGE]++;
	assert_string_equal(kinds(look()), "modified:range0 modified:range0");
}

/* Asked for a fresh sample it says what it swept, and how much of it is modified now. */
static void asked_for(void **state)
{
	json_t *lines;

	(void)state;
	look();
	bytes_of(0)[0]++;
	lines = kit_command("records", "memory", "{\"run\": true}");
	assert_string_equal(
		kinds(lines),
		"modified:range0 differs:range0 sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
	assert_int_equal(kit_number(lines, 2, "modified"), 1);
	assert_int_equal(kit_number(lines, 2, "pages"), 3);
	assert_int_equal(kit_number(lines, 3, "modified"), 0);
}

/*
 * Who asks is told what differs at that moment, however long ago it changed and whoever took the
 * record of that; a pass that nobody asked for says it once, as a change.
 */
static void differs_as_long_as_it_does(void **state)
{
	json_t *lines;

	(void)state;
	look();
	bytes_of(0)[KS_REGION_PAGE + 0x210]++;
	assert_string_equal(kinds(look()), "modified:range0");
	assert_string_equal(kinds(look()), "");
	for (int turn = 0; turn < 3; turn++) {
		lines = kit_command("records", "memory", "{\"run\": true}");
		assert_string_equal(kinds(lines),
				    "differs:range0 sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
		assert_string_equal(kit_text(lines, 0, "class"), "sample");
		assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201210");
		assert_int_equal(kit_number(lines, 0, "length"), KS_REGION_CELL);
		assert_int_equal(kit_number(lines, 0, "page"), 1);
		assert_null(json_object_get(kit_record(lines, 0), "site"));
	}
	/* Of several pages, each; of what is as at first again, none. */
	bytes_of(0)[0]++;
	look();
	lines = kit_command("records", "memory", "{\"run\": true, \"filter\": {\"kind\": \"differs\"}}");
	assert_string_equal(kinds(lines), "differs:range0 differs:range0");
	bytes_of(0)[0]--;
	bytes_of(0)[KS_REGION_PAGE + 0x210]--;
	look();
	lines = kit_command("records", "memory", "{\"run\": true, \"filter\": {\"kind\": \"differs\"}}");
	assert_string_equal(kinds(lines), "");
}

/*
 * A range that goes away says so; another by its name is another, and gets a baseline of its own.
 */
static void comes_and_goes(void **state)
{
	(void)state;
	look();
	world.gone[2] = true;
	assert_string_equal(kinds(look()), "removed:range2");
	assert_string_equal(kinds(look()), "");
	bytes_of(2)[7]++;
	world.gone[2] = false;
	world.instance[2]++;
	assert_string_equal(kinds(look()), "baseline:range2");
	/* Away and back between two sweeps. */
	world.instance[2]++;
	assert_string_equal(kinds(look()), "removed:range2 baseline:range2");
	bytes_of(2)[7]++;
	assert_string_equal(kinds(look()), "modified:range2");
}

/*
 * Another address, or another length, is another range; one without bytes, or with more than there
 * was room for at start, is none.
 */
static void moves_and_grows(void **state)
{
	(void)state;
	look();
	world.moved[2] = 0x1000;
	assert_string_equal(kinds(look()), "removed:range2 baseline:range2");
	world.grown[2] = -8;
	assert_string_equal(kinds(look()), "removed:range2 baseline:range2");
	assert_string_equal(kinds(look()), "");
	world.grown[2] = 0;
	assert_string_equal(kinds(look()), "removed:range2 baseline:range2");
	world.grown[2] = 8;
	assert_string_equal(kinds(look()), "removed:range2");
	assert_string_equal(kinds(look()), "");
	world.grown[2] = -(int64_t)sizes[2];
	assert_string_equal(kinds(look()), "");
	world.grown[2] = 0;
	assert_string_equal(kinds(look()), "baseline:range2");
	assert_string_equal(kinds(look()), "");
	/* The last one, too. */
	world.grown[RANGES - 1] = -(int64_t)sizes[RANGES - 1];
	assert_string_equal(kinds(look()), "removed:range4");
}

/*
 * How many pages of a range are modified: counted once each, until they are restored, or the range
 * is another.
 */
static void modified_pages_are_counted(void **state)
{
	static const struct {
		unsigned int at;
		int by;
		unsigned int modified;
	} turns[] = {
		{ 0, 1, 1 }, { 0, 1, 1 }, { KS_REGION_PAGE, 1, 2 }, { 3 * KS_REGION_PAGE - 1, 1, 3 }, { 0, -1, 3 },
		{ 0, -1, 2 },
		{ KS_REGION_PAGE, -1, 1 }, { KS_REGION_PAGE + 1, 1, 2 },
	};
	json_t *lines;

	(void)state;
	look();
	for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
		bytes_of(0)[turns[i].at] = (uint8_t)(bytes_of(0)[turns[i].at] + turns[i].by);
		lines = kit_command("records", "memory", "{\"run\": true, \"filter\": {\"kind\": \"sweep\"}}");
		assert_string_equal(kinds(lines), "sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
		assert_int_equal(kit_number(lines, 0, "modified"), turns[i].modified);
		assert_int_equal(kit_number(lines, 1, "modified"), 0);
		assert_string_equal(kit_text(lines, 1, "address"), "0xffff82d040300000");
		assert_int_equal(kit_number(lines, 1, "length"), KS_REGION_PAGE + 8);
		assert_int_equal(kit_number(lines, 1, "pages"), 2);
	}
	world.instance[0]++;
	kit_command("records", "memory", "{\"run\": true}");
	lines = kit_command("records", "memory", "{\"run\": true}");
	assert_int_equal(kit_number(lines, 0, "modified"), 0);
	assert_string_equal(kinds(lines), "sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
}

static unsigned int reads;

/*
 * Page 1 of range 0 is the fifth to eighth read at 1024 bytes each; what is read again then is its
 * search for the place.
 */
static void back_before_the_search(void)
{
	reads++;
	if (reads == 5)
		bytes_of(0)[KS_REGION_PAGE + 20]++;
	if (reads == 9)
		bytes_of(0)[KS_REGION_PAGE + 20]--;
}

/*
 * Changed while the page is hashed, and back before the place is looked for: it is the page that
 * was modified, and it is restored.
 */
static void changed_for_a_moment(void **state)
{
	json_t *lines;

	(void)state;
	look();
	reads = 0;
	world.meanwhile = back_before_the_search;
	lines = kit_command("records", "memory", "{\"run\": true, \"filter\": {\"kind\": \"modified\"}}");
	world.meanwhile = NULL;
	assert_string_equal(kinds(lines), "modified:range0");
	assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201000");
	assert_int_equal(kit_number(lines, 0, "length"), KS_REGION_PAGE);
	assert_string_equal(kit_text(lines, 0, "sha256"), sha256_of(bytes_of(0) + KS_REGION_PAGE, KS_REGION_PAGE));
	/*
	 * In code that its kernel rewrites all day: so it looks when it does, as
	 * any user may have it.
	 */
	assert_string_equal(kit_text(lines, 0, "class"), "event");
	lines = kit_command("records", "memory", "{\"run\": true, \"filter\": {\"kind\": \"restored\"}}");
	assert_string_equal(kinds(lines), "restored:range0");
	assert_string_equal(kit_text(lines, 0, "class"), "event");
	assert_int_equal(kit_number(lines, 0, "length"), KS_REGION_PAGE);
	assert_int_equal(kit_number(lines, 0, "page"), 1);
}

static void count_read(void)
{
	reads++;
}

/*
 * What is as it was is read once in each sweep, 1024 bytes at a time; only a page that is no
 * longer as it was is read again, once; for whoever asks, as long as nothing explains it.
 */
static void read_once(void **state)
{
	enum { ALL = 3 * 4 + (4 + 1) + 4 + 1 + 1 };

	(void)state;
	look();
	for (int turn = 0; turn < 4; turn++) {
		reads = 0;
		world.meanwhile = count_read;
		kit_command("records", "memory", "{\"run\": true}");
		world.meanwhile = NULL;
		assert_int_equal(reads, turn == 1 || turn == 2 ? ALL + KS_REGION_PAGE / 128 : ALL);
		if (!turn)
			bytes_of(0)[100]++;
		if (turn == 2)
			bytes_of(0)[100]--;
	}
}

static void gone_after_the_third(void)
{
	if (++reads == 3)
		world.gone[0] = true;
}

/*
 * A range that goes away in the middle of a sweep: without a baseline it was never there, with one
 * it is told that it went.
 */
static void goes_for_good_in_the_middle(void **state)
{
	(void)state;
	reads = 0;
	world.after = gone_after_the_third;
	port_look_ns = 100000; /* one unit a step */
	assert_string_equal(kinds(look()), "baseline:range1 baseline:range2 baseline:range3 baseline:range4");
	world.gone[0] = false;
	assert_string_equal(kinds(look()), "baseline:range0");
	bytes_of(0)[2 * KS_REGION_PAGE]++;
	reads = 0;
	assert_string_equal(kinds(look()), "removed:range0");
	assert_string_equal(kinds(look()), "");
}

static void goes_in_the_middle(void)
{
	if (++reads == 3) {
		world.instance[0]++;
		ks_port_random(world.words[0], sizes[0]);
	}
}

/*
 * A range that becomes another in the middle of its baseline: the baseline is of the new one
 * alone.
 */
static void other_in_the_middle(void **state)
{
	json_t *lines;

	(void)state;
	reads = 0;
	world.meanwhile = goes_in_the_middle;
	port_look_ns = 20000; /* two units a step */
	lines = look();
	assert_string_equal(kinds(lines), BASELINES);
	assert_string_equal(kit_text(lines, 0, "sha256"), sha256_of(bytes_of(0), sizes[0]));
	reads = 0;
	lines = look();
	assert_string_equal(kinds(lines), "removed:range0 baseline:range0");
	assert_string_equal(kit_text(lines, 1, "sha256"), sha256_of(bytes_of(0), sizes[0]));
}

/*
 * Memory that cannot be read is a failure that is told, not a change; afterwards the sweep goes on
 * with what it knew.
 */
static void read_failure(void **state)
{
	(void)state;
	look();
	world.fails = true;
	port_advance(5 * SECOND);
	assert_string_equal(kinds(kit_command("records", "memory", NULL)), "failed:(no string)");
	assert_int_equal(kit_sensor.probes[0].failures, 1);
	assert_string_equal(kit_sensor.probes[0].last_error, "a range could not be read");
	world.fails = false;
	bytes_of(3)[0]++;
	assert_string_equal(kinds(look()), "modified:range3 recovered:(no string)");
}

/* Twelve reads for the first range, four for the first page of the second, one for its last. */
static void fail_in_the_second(void)
{
	world.fails = ++reads == 17;
}

/* A sweep that failed is over: the next begins at the start, whatever the page where that was. */
static void failure_behind_the_first(void **state)
{
	(void)state;
	look();
	reads = 0;
	world.after = fail_in_the_second;
	assert_string_equal(kinds(look()), "failed:(no string) recovered:(no string)");
	assert_true(reads > 17);
	bytes_of(0)[0]++;
	assert_string_equal(kinds(look()), "modified:range0");
}

/* Twelve reads for three pages; the thirteenth is the first of a search in the last of them. */
static void fail_in_the_search(void)
{
	world.fails = ++reads == 14;
}

/* A search that ended early leaves nothing behind: the next is of its own page. */
static void failure_in_the_search(void **state)
{
	json_t *lines;

	(void)state;
	look();
	bytes_of(0)[2 * KS_REGION_PAGE]++;
	reads = 0;
	world.after = fail_in_the_search;
	port_advance(4 * SECOND);
	world.after = NULL;
	world.fails = false;
	assert_string_equal(kinds(look()), "failed:(no string) modified:range0 recovered:(no string)");
	assert_int_equal(kit_sensor.probes[0].failures, 1);
	bytes_of(3)[0]++;
	lines = kit_command("records", "memory",
			    "{\"run\": true, \"filter\": {\"range\": \"range3\", \"kind\": \"modified\"}}");
	assert_string_equal(kinds(lines), "modified:range3");
	assert_string_equal(kit_text(lines, 0, "sha256"), sha256_of(bytes_of(3), sizes[3]));
}

/* Only a reset takes new baselines, and they are records. */
static void reset(void **state)
{
	(void)state;
	look();
	bytes_of(4)[0]++;
	assert_string_equal(kinds(look()), "modified:range4");
	kit_command("off", "memory", NULL);
	kit_command("on", "memory", NULL);
	assert_string_equal(kinds(look()), "command:(no string) command:(no string)");
	kit_command("reset", "memory", NULL);
	assert_int_equal(
		json_integer_value(json_object_get(
			json_object_get(kit_record(kit_command("records", "memory", "{\"peek\": true}"), 0), "before"),
			"baselines")),
		RANGES);
	assert_string_equal(kinds(look()), "began:(no string) " BASELINES);
	assert_string_equal(kinds(look()), "");
}

/* At adversarial the bytes are shown as they are now: as hex, or raw. */
static void bytes_are_shown(void **state)
{
	json_t *lines;
	char hex[33];

	(void)state;
	look();
	bytes_of(0)[0x1238] = '\n';
	assert_true(json_object_get(kit_record(look(), 0), "bytes") == NULL);
	kit_command("adversarial", "memory", NULL);
	bytes_of(0)[0x1239] = '"';
	port_advance(9 * SECOND);
	kit_command("records", "memory", "{\"filter\": {\"kind\": \"command\"}}");
	lines = kit_command("records", "memory", "{\"peek\": true}");
	assert_string_equal(kinds(lines), "modified:range0");
	for (int i = 0; i < 16; i++)
		sprintf(hex + 2 * i, "%02x", bytes_of(0)[0x1230 + i]);
	assert_string_equal(kit_text(lines, 0, "bytes"), hex);
	lines = kit_command("records", "memory", "{\"raw\": true}");
	assert_string_equal(kinds(lines), "modified:range0");
	assert_int_equal(kit_raw_bytes, 16);
	assert_memory_equal(kit_raw, bytes_of(0) + 0x1230, 16);
	/* What is as at first again needs no bytes to show it. */
	memcpy(hex, bytes_of(3), 8);
	bytes_of(3)[0]++;
	port_advance(9 * SECOND);
	kit_command("records", "memory", "{\"filter\": {\"kind\": \"modified\"}}");
	memcpy(bytes_of(3), hex, 8);
	port_advance(9 * SECOND);
	lines = kit_command("records", "memory", NULL);
	assert_string_equal(kinds(lines), "restored:range3");
	assert_null(json_object_get(kit_record(lines, 0), "bytes"));
	assert_null(json_object_get(kit_record(lines, 0), "sha256"));
	/* More than fits: the first of them. */
	memset(bytes_of(0) + 0x2000, 0x90, 2000);
	memset(bytes_of(2) + 4056, 0x90, 16);
	port_advance(9 * SECOND);
	lines = kit_command("records", "memory", "{\"raw\": true}");
	assert_string_equal(kinds(lines), "modified:range0 modified:range2");
	assert_int_equal(kit_number(lines, 0, "length"), 2000);
	assert_int_equal(kit_raw_bytes, KS_RAW_MAX + 24);
}

static uint64_t look_ns;

/* Random changes, and the records about them in a text. */
static void history(char *text, size_t size)
{
	size_t len = 0;

	setup(NULL);
	port_look_ns = look_ns;
	for (int round = 0; round < 30; round++) {
		json_t *lines = look();

		len += (size_t)snprintf(text + len, size - len, "%s\n", kinds(lines));
		for (size_t i = 0; i < kit_count(lines); i++)
			len += (size_t)snprintf(text + len, size - len, "%s %llu %s\n", kit_text(lines, i, "address"),
						(unsigned long long)kit_number(lines, i, "length"),
						kit_text(lines, i, "sha256"));
		assert_true(len < size);
		port_random_seed((uint64_t)round);
		for (uint64_t n = port_random_below(4); n; n--) {
			unsigned int i = (unsigned int)port_random_below(RANGES);

			bytes_of(i)[port_random_below(sizes[i])] ^= 0x80;
		}
	}
	kit_stop();
}

static void patch(unsigned int site, uint8_t first)
{
	memset(bytes_of(0) + sites[site].at, 0x77, 5);
	bytes_of(0)[sites[site].at] = first;
}

/*
 * What the kernel patches itself is told, and told as that, if and only if nothing else was
 * changed in the page.
 */
static void patched_by_the_kernel(void **state)
{
	json_t *lines;

	(void)state;
	look();
	/* Across two cells, from 0x100c to 0x1010. */
	patch(0, 0xe9);
	lines = look();
	assert_string_equal(kinds(lines), "modified:range0");
	assert_string_equal(kit_text(lines, 0, "site"), "label");
	assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201000");
	assert_int_equal(kit_number(lines, 0, "length"), 32);
	assert_string_equal(kit_text(lines, 0, "sha256"), sha256_of(bytes_of(0) + 0x1000, KS_REGION_PAGE));
	/* The same again says nothing; across two units, and another kind. */
	assert_string_equal(kinds(look()), "");
	patch(1, 0x0f);
	assert_string_equal(kit_text(look(), 0, "site"), "label");
	/* What happens all day is no row of a sample. */
	assert_string_equal(kinds(kit_command("records", "memory", "{\"run\": true}")),
			    "sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
	patch(2, 0xe9);
	patch(3, 0xe9);
	patch(4, 0x0f);
	lines = look();
	assert_string_equal(kinds(lines), "modified:range0");
	assert_string_equal(kit_text(lines, 0, "site"), "several");
	assert_int_equal(kit_number(lines, 0, "length"), 0x220);
	assert_string_equal(kit_text(lines, 0, "sha256"), sha256_of(bytes_of(0) + 0x1000, KS_REGION_PAGE));
	for (unsigned int i = 0; i < SITES; i++)
		memcpy(bytes_of(0) + sites[i].at, sites[i].base, 5);
	lines = look();
	assert_string_equal(kinds(lines), "restored:range0");
	assert_null(json_object_get(kit_record(lines, 0), "site"));
}

/*
 * Who patches was in the middle of it, so that nothing explained what was there; when somebody
 * asks again, the same bytes are explained, and no second change is told.
 */
static void explained_later(void **state)
{
	json_t *lines;

	(void)state;
	look();
	sites[2].kind = NULL;
	patch(2, 0xe9);
	lines = look();
	assert_string_equal(kinds(lines), "modified:range0");
	assert_null(json_object_get(kit_record(lines, 0), "site"));
	lines = kit_command("records", "memory", "{\"run\": true}");
	assert_null(json_object_get(kit_record(lines, 0), "site"));
	sites[2].kind = "call";
	assert_string_equal(kinds(look()), "");
	for (int turn = 0; turn < 2; turn++) {
		lines = kit_command("records", "memory", "{\"run\": true}");
		assert_string_equal(kinds(lines),
				    "differs:range0 sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
		assert_string_equal(kit_text(lines, 0, "site"), "call");
		assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201200");
	}
	/* What is explained by what happens all day is no row. */
	patch(2, 0x0f);
	look();
	memcpy(bytes_of(0) + sites[2].at, sites[2].base, 5);
	assert_string_equal(kinds(look()), "restored:range0");
	sites[0].kind = NULL;
	patch(0, 0xe9);
	look();
	sites[0].kind = "label";
	assert_string_equal(kinds(kit_command("records", "memory", "{\"run\": true}")),
			    "sweep:range0 sweep:range1 sweep:range2 sweep:range3 sweep:range4");
}

/* One sweep: what is modified in it, and whether that has a site. */
static const char *sweep(void)
{
	json_t *lines = kit_command("records", "memory", "{\"run\": true}");
	const char *site;

	if (!strcmp(kit_text(lines, 0, "kind"), "sweep") || !strcmp(kit_text(lines, 0, "kind"), "differs"))
		return "";
	if (!strcmp(kit_text(lines, 0, "kind"), "restored")) {
		assert_string_equal(kit_text(lines, 1, "kind"), "sweep");
		return "restored";
	}
	assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201200");
	site = json_string_value(json_object_get(kit_record(lines, 0), "site"));
	/* What the sample says of it is the same. */
	assert_string_equal(kit_text(lines, 1, "kind"), "differs");
	assert_true(json_equal(json_object_get(kit_record(lines, 1), "site"),
			       json_object_get(kit_record(lines, 0), "site")) ||
		    (!site && !json_object_get(kit_record(lines, 1), "site")));
	return site ? site : "nobody's";
}

/*
 * What is put at @at is told as there for a moment, and then stays for as many sweeps as it may.
 */
static void stays_for_moments(uint8_t *at)
{
	*at = 0x0f;
	at[1] ^= 1;
	assert_string_equal(sweep(), "moment");
	for (int i = 2; i < KS_REGION_MOMENTS; i++)
		assert_string_equal(sweep(), "");
}

/*
 * What the kernel puts there for a moment is told as that, and when it stays as what nothing
 * explains.
 */
static void stays_for_more_than_a_moment(void **state)
{
	uint8_t *at = bytes_of(0) + sites[2].at;

	(void)state;
	look();
	sites[2].kind = "moment";
	for (int turn = 0; turn < 2; turn++) {
		stays_for_moments(at);
		/* Gone in time: what comes later is another one. */
		if (!turn) {
			memcpy(at, sites[2].base, 5);
			assert_string_equal(sweep(), "restored");
		}
	}
	assert_string_equal(sweep(), "nobody's");
	assert_string_equal(sweep(), "");
	/*
	 * Another change beside it does not begin it anew; but that the kernel has gone on does.
	 */
	at[2] ^= 1;
	assert_string_equal(sweep(), "nobody's");
	sites[2].kind = "call";
	at[2] ^= 1;
	assert_string_equal(sweep(), "call");
	sites[2].kind = "moment";
	at[2] ^= 1;
	assert_string_equal(sweep(), "moment");
	sites[2].kind = "call";
}

/* What was there in some sweeps before a new baseline does not count for what comes after it. */
static void moments_begin_anew(void **state)
{
	uint8_t *at = bytes_of(0) + sites[2].at;

	(void)state;
	look();
	sites[2].kind = "moment";
	for (int turn = 0; turn < 2; turn++) {
		stays_for_moments(at);
		if (turn)
			break;
		memcpy(at, sites[2].base, 5);
		kit_command("reset", "memory", NULL);
		look();
	}
	assert_string_equal(sweep(), "nobody's");
	sites[2].kind = "call";
}

/*
 * Any one bit of a cell is in its hash, whatever the key: what changed is that cell, and not the
 * page.
 */
static void every_bit_with_every_key(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		kit_stop();
		kit_prepare(types, 1);
		port_random_seed(seed);
		assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
		kit_forget_began();
		look();
		for (unsigned int bit = 0; bit < 8 * KS_REGION_CELL; bit += bit % 64 < 60 ? 20 : 1) {
			json_t *lines;

			bytes_of(0)[0x1230 + bit / 8] ^= (uint8_t)(1U << bit % 8);
			lines = kit_command("records", "memory",
					    "{\"run\": true, \"filter\": {\"kind\": \"modified\"}}");
			assert_string_equal(kinds(lines), "modified:range0");
			assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201230");
			assert_int_equal(kit_number(lines, 0, "length"), KS_REGION_CELL);
			bytes_of(0)[0x1230 + bit / 8] ^= (uint8_t)(1U << bit % 8);
			lines = kit_command("records", "memory",
					    "{\"run\": true, \"filter\": {\"kind\": \"restored\"}}");
			assert_string_equal(kinds(lines), "restored:range0");
		}
	}
}

/*
 * What the kernel rewrites all day is an event, back and forth; with one cell beside it that it
 * does not, an alarm.
 */
static void patched_all_day(void **state)
{
	json_t *lines;

	(void)state;
	look();
	patch(0, 0xe9);
	assert_string_equal(kit_text(look(), 0, "class"), "event");
	memcpy(bytes_of(0) + sites[0].at, sites[0].base, 5);
	lines = look();
	assert_string_equal(kinds(lines), "restored:range0");
	assert_string_equal(kit_text(lines, 0, "class"), "event");
	patch(2, 0xe9);
	lines = look();
	assert_string_not_equal(kit_text(lines, 0, "site"), "label");
	assert_string_equal(kit_text(lines, 0, "class"), "alarm");
	patch(0, 0xe9);
	lines = look();
	assert_string_equal(kit_text(lines, 0, "site"), "several");
	assert_string_equal(kit_text(lines, 0, "class"), "alarm");
	memcpy(bytes_of(0) + sites[2].at, sites[2].base, 5);
	assert_string_equal(kit_text(look(), 0, "class"), "event");
	bytes_of(0)[0x1a08] ^= 1;
	assert_string_equal(kit_text(look(), 0, "class"), "alarm");
	memcpy(bytes_of(0) + sites[0].at, sites[0].base, 5);
	assert_string_equal(kit_text(look(), 0, "class"), "alarm");
	bytes_of(0)[0x1a08] ^= 1;
	lines = look();
	assert_string_equal(kinds(lines), "restored:range0");
	assert_string_equal(kit_text(lines, 0, "class"), "alarm");
}

/*
 * Sixteen kinds of places are remembered.  One more is told as that when it is patched, but a
 * sample does not know of it, and so calls what differs there nobody's.
 */
static void more_kinds_than_are_remembered(void **state)
{
	uint8_t *at = bytes_of(0) + sites[2].at;
	char kinds_of_places[18][8];
	json_t *lines;

	(void)state;
	look();
	patch(2, 0xe9);
	for (uint8_t i = 0; i < 18; i++) {
		snprintf(kinds_of_places[i], sizeof(kinds_of_places[i]), "kind%u", i);
		sites[2].kind = kinds_of_places[i];
		at[2] = i;
		lines = kit_command("records", "memory", "{\"run\": true}");
		assert_string_equal(kit_text(lines, 0, "kind"), "modified");
		assert_string_equal(kit_text(lines, 0, "site"), kinds_of_places[i]);
		assert_string_equal(kit_text(lines, 1, "kind"), "differs");
		if (i < 16)
			assert_string_equal(kit_text(lines, 1, "site"), kinds_of_places[i]);
		else
			assert_null(json_object_get(kit_record(lines, 1), "site"));
	}
	sites[2].kind = "call";
}

static void patched_by_somebody_else(void **state)
{
	json_t *lines;

	(void)state;
	look();
	/* At such a place, but not what the kernel writes. */
	patch(0, 0xcc);
	lines = look();
	assert_string_equal(kinds(lines), "modified:range0");
	assert_null(json_object_get(kit_record(lines, 0), "site"));
	/* In the same cell as the kernel's own patch. */
	patch(0, 0xe9);
	bytes_of(0)[0x1002] ^= 1;
	lines = look();
	assert_string_equal(kinds(lines), "modified:range0");
	assert_null(json_object_get(kit_record(lines, 0), "site"));
	assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201000");
	assert_int_equal(kit_number(lines, 0, "length"), 16);
	/*
	 * Elsewhere in the page: the place that counts is named, though the kernel's own changes
	 * go on around it.
	 */
	bytes_of(0)[0x1002] ^= 1;
	bytes_of(0)[0x1a08] ^= 1;
	patch(2, 0xe9);
	lines = look();
	assert_null(json_object_get(kit_record(lines, 0), "site"));
	assert_string_equal(kit_text(lines, 0, "address"), "0xffff82d040201a00");
	assert_int_equal(kit_number(lines, 0, "length"), 16);
	bytes_of(0)[0x1a08] ^= 1;
	assert_string_equal(kit_text(look(), 0, "site"), "several");
	/* What is kept is of the baseline at hand. */
	patch(3, 0xe9);
	kit_command("reset", "memory", NULL);
	look();
	patch(3, 0x0f);
	assert_string_equal(kit_text(look(), 0, "site"), "label");
	memset(bytes_of(0) + sites[3].at + 1, 0x88, 3);
	assert_string_equal(kit_text(look(), 0, "site"), "label");
}

/*
 * What was patched before the baseline was taken is not made part of it: the SHA-256 is of what is
 * there; the next sweep, here of the same look, tells where it is the kernel's own doing; and
 * nothing is left of it when it is undone.
 */
static void patched_before_the_baseline(void **state)
{
	uint8_t *third = bytes_of(0) + sites[2].at;
	json_t *lines;

	(void)state;
	memset(before_patch, 0x55, 5);
	before_patch[0] = 0x0f;
	patch(2, 0xe9);
	lines = look();
	assert_string_equal(kinds(lines), BASELINES " modified:range0");
	assert_string_equal(kit_text(lines, 0, "sha256"), sha256_of(bytes_of(0), sizes[0]));
	assert_string_equal(kit_text(lines, RANGES, "site"), "call");
	assert_string_equal(kit_text(lines, RANGES, "address"), "0xffff82d040201200");
	memcpy(third, before_patch, 5);
	assert_string_equal(kinds(look()), "restored:range0");
	assert_string_equal(kinds(look()), "");
	memset(before_patch, 0, sizeof(before_patch));
}

/* In one step or in hundreds: the same records. */
static void steps_change_nothing(void **state)
{
	static char whole[100000], stepped[100000];

	(void)state;
	look_ns = 0;
	history(whole, sizeof(whole));
	assert_true(strlen(whole) > 2000);
	for (look_ns = 1000; look_ns <= 100000; look_ns *= 10) {
		history(stepped, sizeof(stepped));
		assert_string_equal(stepped, whole);
	}
}

static void no_memory(void **state)
{
	(void)state;
	for (long left = 0; left < 3 + 2 * RANGES + 2; left++) {
		kit_prepare(types, 1);
		port_allocations_left = left;
		if (!ks_sensor_start(&kit_sensor, &kit_config)) {
			assert_int_equal(kit_sensor.probes[0].on, left >= 4 + 2 * RANGES);
			/* Nobody finds what was given back. */
			assert_int_equal(!kit_sensor.probes[0].data, left < 4 + 2 * RANGES);
		}
		kit_stop();
	}
}

/*
 * For each page two hashes and the place of a change, for each cell two bytes: and no more than
 * that for the bytes that there can be.
 */
static uint64_t one_size;

static unsigned int one_range(struct ks_probe *probe)
{
	(void)probe;
	return 1;
}

static uint64_t one_max(struct ks_probe *probe, unsigned int i)
{
	(void)probe;
	(void)i;
	return one_size;
}

static size_t memory_for(uint64_t bytes)
{
	static const struct ks_region_type one = {
		.ranges = one_range, .bytes_max = one_max, .range = get_range, .read = read_range,
	};
	static const struct ks_probe_type probe = { .name = "memory", KS_REGION_ENGINE(&one) };
	static const struct ks_probe_type *const only[] = { &probe };
	size_t memory_bytes;

	one_size = bytes;
	kit_start(only, 1);
	memory_bytes = kit_sensor.probes[0].memory_bytes;
	kit_stop();
	return memory_bytes;
}

static void memory_for_ranges(void **state)
{
	size_t page = memory_for(8193) - memory_for(8192) - 2;

	(void)state;
	assert_in_range(page, 36, 40);
	assert_int_equal(memory_for(8), memory_for(16));
	assert_int_equal(memory_for(17) - memory_for(16), 2);
	assert_int_equal(memory_for(4095), memory_for(4096));
	assert_int_equal(memory_for(4096) - memory_for(16), 255 * 2);
	assert_int_equal(memory_for(4097) - memory_for(4096), page + 2);
	assert_int_equal(memory_for(16) - memory_for(0), page + 2);
	/* Beside that, what is read at once, and a little. */
	assert_in_range(memory_for(0) - kit_config.ring_bytes, 1024, 2048);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(baseline),
		with_world(every_byte),
		with_world(symbols),
		with_world(changes_upon_changes),
		with_world(asked_for),
		with_world(differs_as_long_as_it_does),
		with_world(explained_later),
		with_world(comes_and_goes),
		with_world(moves_and_grows),
		with_world(modified_pages_are_counted),
		with_world(changed_for_a_moment),
		with_world(read_once),
		with_world(goes_for_good_in_the_middle),
		with_world(other_in_the_middle),
		with_world(read_failure),
		with_world(failure_behind_the_first),
		with_world(failure_in_the_search),
		with_world(reset),
		with_world(bytes_are_shown),
		with_world(patched_by_the_kernel),
		with_world(stays_for_more_than_a_moment),
		with_world(moments_begin_anew),
		with_world(every_bit_with_every_key),
		with_world(patched_all_day),
		with_world(more_kinds_than_are_remembered),
		with_world(patched_by_somebody_else),
		with_world(patched_before_the_baseline),
		cmocka_unit_test(steps_change_nothing),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(memory_for_ranges),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
