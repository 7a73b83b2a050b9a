// SPDX-License-Identifier: MIT
/*
 * test_ring.c - records in a fixed piece of memory.
 *
 * What could be wrong in the world: a ring that writes past its end, gives back other bytes than
 * it was given, or forgets to count what it pushed out.  Each test puts records in and takes them
 * out, and compares with what the test itself remembers.
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct ks_ring ring;

/*
 * Memory of just the ring's size, from malloc(): a sanitizer sees every byte beyond.  What is in
 * it before looks like the beginning of a record that was sent, everywhere.
 */
static void start(uint32_t size)
{
	void *mem = malloc(size);

	memset(mem, 0xff, size);
	memset(&ring, 0, sizeof(ring));
	ks_ring_init(&ring, mem, size);
}

static void end(void)
{
	free(ring.mem);
}

/* A record of @class and @source whose bytes can be told from its seq. */
static void put_of(enum ks_class class, uint32_t source, uint16_t text_bytes, uint16_t raw_bytes)
{
	struct ks_entry entry = { .class = (uint8_t)class, .text_bytes = text_bytes, .raw_bytes = raw_bytes };

	/*
	 * The whole of what is open may be written: records with raw bytes keep them at its end
	 * for a while.
	 */
	memset(ks_ring_open(&ring), 0x55, KS_RECORD_MAX);
	memset(ks_ring_open(&ring), (int)(ring.next_seq & 0xff), (size_t)text_bytes + raw_bytes);
	ks_ring_commit(&ring, &entry, source);
}

static void put(uint16_t text_bytes, uint16_t raw_bytes)
{
	put_of(KS_EVENT, KS_NO_SOURCE, text_bytes, raw_bytes);
}

static bool deliver(uint64_t seq, uint32_t hint)
{
	return ks_ring_deliver(&ring, seq, &hint);
}

/* The first record from @seq on, whose bytes are as they were put; its seq, or UINT64_MAX. */
static uint64_t check_from(uint64_t seq, uint32_t *hint)
{
	uint32_t at = ks_ring_find(&ring, seq, hint ? *hint : KS_NOWHERE);
	char *bytes = malloc(KS_RECORD_MAX);
	struct ks_entry entry;

	if (hint)
		*hint = at;
	if (at != KS_NOWHERE) {
		ks_ring_read(&ring, at, &entry, bytes);
		assert_true(entry.seq >= seq);
		for (size_t i = 0; i < (size_t)entry.text_bytes + entry.raw_bytes; i++)
			assert_int_equal((uint8_t)bytes[i], entry.seq & 0xff);
	}
	free(bytes);
	return at == KS_NOWHERE ? UINT64_MAX : entry.seq;
}

static uint64_t from(uint64_t seq)
{
	return check_from(seq, NULL);
}

/* Records go in and come out in order, byte for byte, whatever number of cells they take. */
static void in_and_out(void **state)
{
	uint64_t seq = 0;
	uint32_t hint = KS_NOWHERE;

	(void)state;
	start(256 * 1024);
	for (uint16_t bytes = 0; bytes < 400; bytes += 3)
		put(bytes, bytes / 4);
	while (check_from(seq, &hint) != UINT64_MAX)
		assert_int_equal(check_from(seq, &hint), seq), seq++;
	assert_int_equal(seq, 134);
	assert_int_equal(ring.held, 134);
	assert_int_equal(from(7), 7);
	assert_int_equal(from(134), UINT64_MAX);
	end();
}

static uint64_t seq_of(uint32_t at)
{
	struct ks_entry entry;

	assert_int_not_equal(at, KS_NOWHERE);
	ks_ring_read(&ring, at, &entry, NULL);
	return entry.seq;
}

/* A full ring gives up the oldest and counts it. */
static void overrun_is_counted(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 1000; i++)
		put(200, 0);
	assert_int_equal(ring.lost_first, 0);
	assert_int_equal(ring.lost_count, 1000 - ring.held);
	assert_int_equal(ring.lost_last, ring.lost_count - 1);
	assert_int_equal(from(0), ring.lost_count);
	end();
}

/*
 * Somebody makes a thousand samples, and a thousand events: the alarm that came before is still
 * there, and so is the event.
 */
static void a_class_pushes_out_its_own(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	put_of(KS_ALARM, 7, 500, 0);
	put_of(KS_EVENT, 7, 500, 0);
	for (int i = 0; i < 1000; i++)
		put_of(KS_SAMPLE, (uint32_t)i, 200, 0);
	assert_int_equal(from(0), 0);
	assert_int_equal(from(1), 1);
	for (int i = 0; i < 1000; i++)
		put_of(KS_EVENT, 7, 200, 0);
	assert_int_equal(from(0), 0);
	assert_true(from(1) > 1);
	assert_int_equal(ring.share[KS_ALARM].lost, 0);
	assert_int_equal(ring.share[KS_EVENT].lost + ring.share[KS_SAMPLE].lost, ring.lost_total);
	end();
}

/* A sample of five kinds, most of the last; it begins with this seq. */
static uint64_t put_sample(void)
{
	static const unsigned int count[] = { 1, 2, 1, 4, 30 };
	uint64_t begin = ring.next_seq;

	ks_ring_begin_sample(&ring);
	for (unsigned int kind = 0; kind < sizeof(count) / sizeof(*count); kind++)
		for (unsigned int n = 0; n < count[kind]; n++)
			put_of(KS_SAMPLE, KS_KIND_SOURCE(kind), 50, 0);
	return begin;
}

/*
 * Somebody asks for samples, each of which fits, again and again, and takes none of their records:
 * he has the newest whole each time.  What was there of few kinds has grown old, and does not take
 * the place of what there are many of.
 */
static void a_sample_that_fits(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	put_of(KS_ALARM, KS_KIND_SOURCE(0), 50, 0);
	put_of(KS_EVENT, KS_KIND_SOURCE(4), 50, 0);
	for (unsigned int round = 0; round < 100; round++) {
		uint64_t begin = put_sample();

		for (uint64_t seq = begin; seq < ring.next_seq; seq++)
			assert_int_equal(from(seq), seq);
		/* And of those before the newest are left: as many as there is room for. */
		assert_int_equal(ring.share[KS_SAMPLE].cells, round ? ring.share[KS_SAMPLE].cells_max : 38);
		if (ring.lost_count) {
			assert_int_equal(ring.lost_first, 2);
			assert_int_equal(ring.lost_last, 1 + ring.lost_count);
			assert_true(ring.lost_last < begin);
		}
	}
	assert_int_equal(from(0), 0);
	assert_int_equal(from(1), 1);
	assert_int_equal(ring.share[KS_SAMPLE].lost, ring.lost_total);
	end();
}

/*
 * A sample that does not fit: first what is older goes, to the last record, and then whoever holds
 * most gives way.  A count that begins anew has no sample behind it.
 */
static void a_sample_that_does_not_fit(void **state)
{
	uint64_t begin;

	(void)state;
	start(KS_RING_MIN);
	for (unsigned int round = 0; round < 2; round++) {
		/* Of more sources than have places of their own. */
		for (uint32_t source = 3; source < 43; source++)
			put_of(KS_SAMPLE, source, 50, 0);
		begin = put_sample();
		for (unsigned int n = 0; n < 100; n++)
			put_of(KS_SAMPLE, KS_KIND_SOURCE(4), 50, 0);
		assert_int_equal(from(0), begin);
		assert_int_equal(from(begin + 7), begin + 7);
		assert_int_equal(from(begin + 8), ring.next_seq - (ring.share[KS_SAMPLE].cells - 8));
		ks_ring_clear(&ring);
		assert_int_equal(ring.sample_seq, 0);
	}
	/* Events have no samples among them. */
	put_of(KS_EVENT, 1, 50, 0);
	ks_ring_begin_sample(&ring);
	for (unsigned int n = 0; n < 100; n++)
		put_of(KS_EVENT, 2, 50, 0);
	assert_int_equal(from(0), 0);
	end();
}

/*
 * A guest floods the ring with events of its own: those of the other guest, of Dom0 and of the
 * kernel itself stay.
 */
static void a_source_pushes_out_its_own(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	put_of(KS_EVENT, 0, 200, 0);
	put_of(KS_EVENT, 2, 200, 0);
	put_of(KS_EVENT, KS_NO_SOURCE, 200, 0);
	for (int i = 0; i < 1000; i++)
		put_of(KS_EVENT, 1, 200, 0);
	for (uint64_t seq = 0; seq < 3; seq++)
		assert_int_equal(from(seq), seq);
	assert_int_equal(ring.lost_first, 3);
	/* And the flood that stands is the newest of it. */
	assert_int_equal(from(3), ring.lost_last + 1);
	end();
}

/*
 * An attacker with a thousand uids: those beyond the table share one place and push out each
 * other; the kernel's own record has its place, and a source that was there before keeps what it
 * has.
 */
static void many_sources_share_a_place(void **state)
{
	(void)state;
	start(64 * 1024);
	put_of(KS_EVENT, KS_NO_SOURCE, 200, 0);
	put_of(KS_EVENT, 5, 200, 0);
	for (uint32_t i = 0; i < 1000; i++)
		put_of(KS_EVENT, 1000 + i, 200, 0);
	assert_int_equal(from(0), 0);
	assert_int_equal(from(1), 1);
	assert_int_equal(from(1001), 1001);
	end();
}

/* What was delivered is gone without being lost, in whatever order; and it is delivered once. */
static void delivered_once(void **state)
{
	uint32_t place;

	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 10; i++)
		put(100, 0);
	assert_true(deliver(5, KS_NOWHERE));
	assert_true(deliver(0, KS_NOWHERE));
	assert_false(deliver(5, KS_NOWHERE));
	assert_false(deliver(100, KS_NOWHERE));
	assert_int_equal(ring.held, 8);
	/* Whoever comes too late is told where those behind it are, as well. */
	place = ks_ring_find(&ring, 1, KS_NOWHERE);
	assert_false(ks_ring_deliver(&ring, 5, &place));
	assert_int_equal(place, ks_ring_find(&ring, 6, KS_NOWHERE));
	assert_int_equal(from(5), 6);
	for (int i = 0; i < 1000; i++)
		put(100, 0);
	assert_int_equal(ring.lost_count + ring.held + 2, 1010);
	end();
}

/* A record that could not be written takes a seq and is counted. */
static void dropped_is_lost(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	put(100, 0);
	ks_ring_drop(&ring, KS_ALARM);
	put(100, 0);
	assert_int_equal(from(1), 2);
	assert_int_equal(ring.lost_first, 1);
	assert_int_equal(ring.lost_last, 1);
	assert_int_equal(ring.lost_count, 1);
	assert_int_equal(ring.share[KS_ALARM].lost, 1);
	end();
}

static void drop(unsigned int count)
{
	while (count--)
		ks_ring_drop(&ring, KS_EVENT);
}

/*
 * Two clients were told of the same losses; more were lost in between: the second confirmation
 * must not hide those.
 */
static void told_twice_hides_nothing(void **state)
{
	uint32_t one, other;

	(void)state;
	start(KS_RING_MIN);
	drop(5);
	one = ks_ring_telling(&ring);
	other = ks_ring_telling(&ring);
	ks_ring_told(&ring, one);
	assert_int_equal(ring.lost_count, 0);
	drop(3);
	ks_ring_told(&ring, other);
	assert_int_equal(ring.lost_count, 3);
	assert_int_equal(ring.lost_first, 5);
	assert_int_equal(ring.lost_last, 7);
	assert_int_equal(ring.lost_total, 8);
	end();
}

/*
 * Losses between the telling and its confirmation are told next time; those that were told, are
 * not.
 */
static void told_in_part(void **state)
{
	uint32_t mark;

	(void)state;
	start(KS_RING_MIN);
	drop(5);
	mark = ks_ring_telling(&ring);
	drop(3);
	assert_int_equal(ring.lost_count, 8);
	assert_int_equal(ring.lost_first, 0);
	ks_ring_told(&ring, mark);
	assert_int_equal(ring.lost_count, 3);
	assert_int_equal(ring.lost_first, 5);
	assert_int_equal(ring.lost_last, 7);
	/* An older telling that is confirmed late takes nothing more. */
	ks_ring_told(&ring, mark);
	assert_int_equal(ring.lost_count, 3);
	end();
}

/*
 * Two tellings overlap: when the first is confirmed last, what the second did not tell still
 * stands.
 */
static void tellings_that_overlap(void **state)
{
	uint32_t first, second;

	(void)state;
	start(KS_RING_MIN);
	drop(2);
	first = ks_ring_telling(&ring);
	drop(2);
	second = ks_ring_telling(&ring);
	drop(1);
	ks_ring_told(&ring, first);
	assert_int_equal(ring.lost_count, 3);
	assert_true(ring.lost_first <= 2 && ring.lost_last == 4);
	ks_ring_told(&ring, second);
	assert_int_equal(ring.lost_count, 1);
	assert_int_equal(ring.lost_first, 4);
	assert_int_equal(ring.lost_last, 4);
	ks_ring_told(&ring, first);
	assert_int_equal(ring.lost_count, 1);
	end();
}

/*
 * Sent, then pushed out before that was confirmed: not lost, once.  What was not sent, or is
 * confirmed a second time (a cookie can be brought back twice), makes no loss undone.
 */
static void delivered_is_not_lost(void **state)
{
	uint64_t lost;

	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 8; i++)
		put(100, 0);
	for (uint64_t seq = 0; seq < 8; seq += 2)
		ks_ring_sent(&ring, ks_ring_find(&ring, seq, KS_NOWHERE));
	while (from(0) < 8)
		put(100, 0);
	lost = ring.lost_total;
	assert_int_equal(ring.lost_first, 0);
	for (int again = 0; again < 2; again++)
		for (uint64_t seq = 0; seq < 8; seq++)
			assert_int_equal(deliver(seq, KS_NOWHERE), !again && !(seq % 2));
	assert_int_equal(ring.lost_total, lost - 4);
	assert_int_equal(ring.lost_count, lost - 4);
	assert_int_equal(ring.lost_first, 1);
	assert_int_equal(ring.lost_last, lost - 1);
	end();
}

/*
 * Told already, and then it turns out to have arrived: it is no longer in the count of all, and
 * what is to be told is as it was.
 */
static void delivered_after_it_was_told(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	put(100, 0);
	ks_ring_sent(&ring, ks_ring_find(&ring, 0, KS_NOWHERE));
	while (from(0) == 0)
		put(100, 0);
	ks_ring_told(&ring, ks_ring_telling(&ring));
	assert_int_equal(ring.lost_count, 0);
	assert_true(deliver(0, KS_NOWHERE));
	assert_int_equal(ring.lost_count, 0);
	assert_int_equal(ring.lost_total, 0);
	end();
}

/* Of each class as many count as lost as were: an alarm that arrived after all is none. */
static void delivered_is_not_lost_of_its_class(void **state)
{
	(void)state;
	for (unsigned int class = 0; class < KS_CLASSES; class++) {
		start(KS_RING_MIN);
		put_of((enum ks_class)class, KS_NO_SOURCE, 100, 0);
		put_of((enum ks_class)class, KS_NO_SOURCE, 100, 0);
		ks_ring_sent(&ring, ks_ring_find(&ring, 0, KS_NOWHERE));
		while (from(0) < 2)
			put_of((enum ks_class)class, KS_NO_SOURCE, 100, 0);
		assert_int_equal(ring.share[class].lost, 2);
		assert_true(deliver(0, KS_NOWHERE));
		assert_false(deliver(1, KS_NOWHERE));
		assert_int_equal(ring.lost_total, 1);
		for (unsigned int i = 0; i < KS_CLASSES; i++)
			assert_int_equal(ring.share[i].lost, i == class);
		end();
	}
}

/*
 * Each class has its part of the ring: of records of one cell, three eighths, three eighths and a
 * quarter of all cells.
 */
static void shares(void **state)
{
	static const struct {
		enum ks_class class;
		uint32_t cells;
	} cases[] = { { KS_SAMPLE, 42 }, { KS_EVENT, 42 }, { KS_ALARM, 28 } };
	uint32_t all = 0;

	(void)state;
	start(KS_RING_MIN); /* 112 cells of 128 bytes, behind the open record */
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int n = 0; n < 100; n++)
			put_of(cases[i].class, KS_NO_SOURCE, 50, 0);
		all += cases[i].cells;
		assert_int_equal(ring.held, all);
		assert_int_equal(ring.used_bytes, all * 128);
		assert_int_equal(ring.share[cases[i].class].cells, cases[i].cells);
		assert_int_equal(ring.share[cases[i].class].lost, 100 - cases[i].cells);
	}
	while (ring.held)
		assert_true(deliver(from(0), KS_NOWHERE));
	assert_int_equal(ring.used_bytes, 0);
	end();
}

/*
 * Two hold as much as each other: the one whose record is older gives it up; and the kernel itself
 * gives way last, to whoever holds as much as it, but not to who holds less.
 */
static void who_holds_as_much(void **state)
{
	(void)state;
	for (uint32_t older = 1; older <= 2; older++) {
		start(KS_RING_MIN);
		for (unsigned int n = 0; n < 42; n++)
			put_of(KS_EVENT, n % 2 ? 3 - older : older, 50, 0);
		put_of(KS_EVENT, 9, 50, 0);
		assert_int_equal(from(0), 1); /* the first record of @older */
		put_of(KS_EVENT, 9, 50, 0);
		assert_int_equal(from(0), 2);
		end();
	}
	for (unsigned int kernel_first = 0; kernel_first < 2; kernel_first++) {
		start(KS_RING_MIN);
		for (unsigned int n = 0; n < 42; n++)
			put_of(KS_EVENT, n % 2 == kernel_first ? 1 : KS_NO_SOURCE, 50, 0);
		put_of(KS_EVENT, 9, 50, 0);
		assert_int_equal(from(0), !kernel_first); /* the first of source 1 */
		assert_int_equal(from(1), kernel_first ? 2 : 1);
		/* Now the kernel holds more. */
		put_of(KS_EVENT, 9, 50, 0);
		assert_int_equal(from(0), 2);
		end();
	}
}

/* The older record is the one that gives way, whoever came first. */
static void the_older_record_of_equals(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (unsigned int n = 0; n < 43; n++) {
		put_of(KS_EVENT, n % 2 ? 2 : 1, 50, 0);
		if (n == 2)
			assert_true(deliver(0, KS_NOWHERE));
	}
	/* 21 of each; 1 of source 2, and 2 of source 1 are the oldest */
	assert_int_equal(ring.share[KS_EVENT].cells, 42);
	put_of(KS_EVENT, 9, 50, 0);
	assert_int_equal(from(0), 2);
	assert_int_equal(ring.lost_first, 1);
	end();
}

/*
 * Each of 30 sources has a place of its own: one of them floods the ring, and what the others have
 * stays.
 */
static void thirty_places(void **state)
{
	(void)state;
	start(64 * 1024);
	for (uint32_t source = 0; source < 30; source++)
		put_of(KS_EVENT, 100 + source, 50, 0);
	for (unsigned int n = 0; n < 1000; n++)
		put_of(KS_EVENT, 105, 50, 0);
	for (uint64_t seq = 0; seq < 30; seq++)
		assert_int_equal(from(seq), seq == 5 ? 6 : seq);
	end();
}

/*
 * What is made to happen to one kind of things floods the ring: what is told of another
 * kind stays, what the sensor says of itself, and what others had made; though there are
 * more of them than places.
 */
static void kinds_have_places(void **state)
{
	(void)state;
	assert_true(KS_OUTCOME_SOURCE < KS_KIND_SOURCE(KS_RING_KINDS - 1) && KS_OUTCOME_SOURCE > KS_OWNER_LAST);
	for (uint32_t flooding = 0; flooding < KS_RING_KINDS; flooding++) {
		start(64 * 1024);
		put_of(KS_ALARM, KS_NO_SOURCE, 50, 0);
		for (uint32_t source = 0; source < 40; source++)
			put_of(KS_ALARM, 100 + source, 50, 0);
		for (uint32_t kind = 0; kind < KS_RING_KINDS; kind++)
			put_of(KS_ALARM, KS_KIND_SOURCE(kind), 50, 0);
		for (unsigned int n = 0; n < 1000; n++)
			put_of(KS_ALARM, KS_KIND_SOURCE(flooding), 50, 0);
		for (uint64_t seq = 0; seq < 41 + KS_RING_KINDS; seq++)
			assert_int_equal(from(seq) == seq, seq != 41 + flooding);
		end();
	}
}

/*
 * How passes ended is told to each who asks for one, as often as he asks: that pushes out itself
 * alone, and nothing else of the sensor's, of a kind, of a domain or user.
 */
static void outcomes_have_a_place(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	put_of(KS_ALARM, KS_NO_SOURCE, 50, 0);
	put_of(KS_ALARM, KS_KIND_SOURCE(KS_RING_KINDS - 1), 50, 0);
	put_of(KS_ALARM, 0, 50, 0);
	put_of(KS_ALARM, KS_OWNER_LAST, 50, 0);
	for (unsigned int n = 0; n < 1000; n++)
		put_of(KS_ALARM, KS_OUTCOME_SOURCE, 50, 0);
	for (uint64_t seq = 0; seq < 4; seq++)
		assert_int_equal(from(seq), seq);
	assert_true(from(4) > 4);
	end();
}

/*
 * Two hold as much as each other, and one of them makes a long record: counted with what it is
 * about to get, it holds more, and pushes out its own.
 */
static void what_is_to_come_counts(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (unsigned int n = 0; n < 42; n++)
		put_of(KS_EVENT, n < 21 ? 1 : 2, 50, 0);
	put_of(KS_EVENT, 2, 1000, 0);
	assert_int_equal(from(0), 0);
	assert_int_equal(from(20), 20);
	assert_int_equal(from(21), 21 + ring.lost_count);
	end();
}

/* So it does with the shortest record. */
static void the_least_to_come_counts(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (unsigned int n = 0; n < 42; n++)
		put_of(KS_EVENT, n < 21 ? 1 : 2, 50, 0);
	put_of(KS_EVENT, 2, 50, 0);
	assert_int_equal(from(0), 0);
	assert_int_equal(from(21), 22);
	end();
}

/*
 * A record takes as many cells as it needs, and none more: 80 of its bytes are in the first, 124
 * in each other.
 */
static void cells_of_a_record(void **state)
{
	static const struct {
		uint16_t bytes, cells;
	} cases[] = { { 0, 1 },	  { 1, 1 },   { 79, 1 },  { 80, 1 },  { 81, 2 },   { 203, 2 },
		      { 204, 2 }, { 205, 3 }, { 328, 3 }, { 329, 4 }, { 2048, 17 } };

	(void)state;
	start(256 * 1024);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t used = ring.used_bytes;

		put(cases[i].bytes, 0);
		assert_int_equal(ring.used_bytes - used, cases[i].cells * 128);
		put(cases[i].bytes / 2, (uint16_t)(cases[i].bytes - cases[i].bytes / 2));
		assert_int_equal(ring.used_bytes - used, cases[i].cells * 256);
	}
	end();
}

/*
 * A place that somebody remembers may be anything by now: of another record, in the middle of one,
 * free, never used, or none that there is.  What is found does not depend on it.
 */
static void hints_of_any_age(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (unsigned int n = 0; n < 12; n++)
		put(n % 3 ? 50 : 300, 0);
	for (uint64_t seq = 1; seq < 12; seq += 4)
		assert_true(deliver(seq, KS_NOWHERE));
	for (uint64_t seq = 0; seq < 14; seq++) {
		uint32_t at = ks_ring_find(&ring, seq, KS_NOWHERE);

		for (uint32_t hint = 0; hint < 130; hint++)
			assert_int_equal(ks_ring_find(&ring, seq, hint), at);
		assert_int_equal(ks_ring_find(&ring, seq, UINT32_MAX / 128), at);
	}
	end();
}

/*
 * A search is done under the probe's lock: it begins at the end that is nearer, and from a place
 * that is remembered at that.  Here most of what is in the middle cannot be read.
 */
static void search_from_the_nearer_end(void **state)
{
	const uint32_t cells = 3 * 8192, first = 20000;
	const size_t bytes = KS_RECORD_MAX + cells * 128;
	uint64_t last;
	uint32_t hint;
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(mem != MAP_FAILED);
	memset(&ring, 0, sizeof(ring));
	ks_ring_init(&ring, mem, (uint32_t)bytes);
	for (unsigned int n = 0; n < first; n++)
		ks_ring_drop(&ring, KS_EVENT);
	for (unsigned int n = 0; n < 8192; n++)
		put(50, 0);
	last = ring.next_seq - 1;
	hint = ks_ring_find(&ring, last - 40, KS_NOWHERE);
	/* Of 32 in a page of memory, the first 100 and the last 100 can still be read. */
	assert_int_equal(mprotect(mem + 4 * 4096, 248 * 4096, PROT_NONE), 0);
	assert_int_equal(seq_of(ks_ring_find(&ring, 0, KS_NOWHERE)), first);
	assert_int_equal(seq_of(ks_ring_find(&ring, first - 1, KS_NOWHERE)), first);
	assert_int_equal(seq_of(ks_ring_find(&ring, first + 40, KS_NOWHERE)), first + 40);
	assert_int_equal(seq_of(ks_ring_find(&ring, last - 40, KS_NOWHERE)), last - 40);
	assert_int_equal(seq_of(ks_ring_find(&ring, last, hint)), last);
	assert_int_equal(seq_of(ks_ring_find(&ring, last, KS_NOWHERE)), last);
	assert_int_equal(ks_ring_find(&ring, last + 1, KS_NOWHERE), KS_NOWHERE);
	assert_int_equal(ks_ring_find(&ring, UINT64_MAX, KS_NOWHERE), KS_NOWHERE);
	munmap(mem, bytes);
}

/* Room in a table of sources is given back with the last record of a source. */
static void places_are_given_back(void **state)
{
	(void)state;
	start(256 * 1024);
	for (uint32_t source = 0; source < 1000; source++) {
		put_of(KS_EVENT, source, 50, 0);
		put_of(KS_EVENT, source, 50, 0);
		assert_true(deliver(2ULL * source, KS_NOWHERE));
		assert_true(deliver(2ULL * source + 1, KS_NOWHERE));
		/* nobody had to share */
		assert_int_equal(ring.share[KS_EVENT].queue[0].oldest, KS_NOWHERE);
		assert_int_equal(ring.share[KS_EVENT].cells, 0);
	}
	end();
}

/* However many others there are, and first, root and Dom0 (source 0) have a place of their own. */
static void place_of_0(void **state)
{
	uint64_t seq;

	(void)state;
	start(64 * 1024);
	for (uint32_t source = 1; source <= 2 * KS_RING_OWNERS; source++)
		put_of(KS_EVENT, source, 50, 0);
	seq = ring.next_seq;
	put_of(KS_EVENT, 0, 50, 0);
	for (unsigned int n = 0; n < 5000; n++)
		put_of(KS_EVENT, 1000 + n % 7, 50, 0);
	assert_true(deliver(seq, KS_NOWHERE));
	end();
}

/*
 * So many that were sent are remembered when they are pushed out: of 65, the first one stays a
 * loss.
 */
static void sent_and_lost(void **state)
{
	uint64_t undone = 0;

	(void)state;
	start(64 * 1024);
	for (unsigned int n = 0; n <= KS_SENT_LOST; n++) {
		put(50, 0);
		ks_ring_sent(&ring, ks_ring_find(&ring, n, KS_NOWHERE));
	}
	while (from(0) <= KS_SENT_LOST)
		put(50, 0);
	assert_int_equal(ring.lost_total, KS_SENT_LOST + 1);
	assert_false(deliver(0, KS_NOWHERE));
	for (uint64_t seq = 1; seq <= KS_SENT_LOST; seq++)
		undone += deliver(seq, KS_NOWHERE);
	assert_int_equal(undone, KS_SENT_LOST);
	assert_int_equal(ring.size, 64 * 1024);
	assert_int_equal(ring.lost_total, 1);
	assert_int_equal(ring.lost_count, 1);
	assert_int_equal(ring.lost_first, 0);
	end();
}

/*
 * What is not lost after all was the first of what is to be told, the last, the only one, or
 * outside of it: the range is as narrow as it is known to be.
 */
static void range_of_what_is_not_lost(void **state)
{
	(void)state;
	for (unsigned int which = 0; which < 3; which++) {
		start(64 * 1024);
		for (unsigned int n = 0; n < 3; n++) {
			put(50, 0);
			ks_ring_sent(&ring, ks_ring_find(&ring, n, KS_NOWHERE));
		}
		while (from(0) < 3)
			put(50, 0);
		assert_true(deliver(which, KS_NOWHERE));
		assert_int_equal(ring.lost_count, 2);
		assert_int_equal(ring.lost_first, which == 0 ? 1 : 0);
		assert_int_equal(ring.lost_last, which == 2 ? 1 : 2);
		assert_true(deliver((which + 1) % 3, KS_NOWHERE));
		assert_true(deliver((which + 2) % 3, KS_NOWHERE));
		assert_int_equal(ring.lost_count, 0);
		assert_int_equal(ring.lost_total, 0);
		end();
	}
	/* Told is 0; to be told is 1: that 0 arrived takes nothing from that. */
	start(64 * 1024);
	put(50, 0);
	ks_ring_sent(&ring, ks_ring_find(&ring, 0, KS_NOWHERE));
	while (from(0) < 1)
		put(50, 0);
	ks_ring_told(&ring, ks_ring_telling(&ring));
	put(50, 0);
	assert_int_equal(ring.lost_count, 1);
	assert_true(deliver(0, KS_NOWHERE));
	assert_int_equal(ring.lost_count, 1);
	assert_int_equal(ring.lost_first, 1);
	assert_int_equal(ring.lost_last, 1);
	assert_int_equal(ring.lost_total, 1);
	end();
}

/*
 * What is lost later may be an older record: once the newer loss is told, the range is that of the
 * older one.
 */
static void older_is_lost_later(void **state)
{
	uint32_t mark;

	(void)state;
	start(KS_RING_MIN);
	put(50, 0);
	drop(3);
	mark = ks_ring_telling(&ring);
	while (from(0) == 0)
		put(50, 0);
	assert_int_equal(ring.lost_first, 0);
	assert_int_equal(ring.lost_last, 3);
	assert_int_equal(ring.lost_count, 4);
	ks_ring_told(&ring, mark);
	assert_int_equal(ring.lost_first, 0);
	assert_int_equal(ring.lost_last, 0);
	assert_int_equal(ring.lost_count, 1);
	end();
}

/*
 * Two losses were told, two came later, and those turn out to have arrived.  When the telling is
 * confirmed, it is not known any more which of them the count is of: rather are two told again
 * than that a wrong range is.
 */
static void confirmed_after_others_arrived(void **state)
{
	uint32_t mark;

	(void)state;
	start(KS_RING_MIN);
	drop(2);
	mark = ks_ring_telling(&ring);
	put(50, 0);
	put(50, 0);
	for (uint64_t seq = 2; seq < 4; seq++)
		ks_ring_sent(&ring, ks_ring_find(&ring, seq, KS_NOWHERE));
	while (from(0) < 4)
		put(50, 0);
	assert_int_equal(ring.lost_count, 4);
	for (uint64_t seq = 2; seq < 4; seq++)
		assert_true(deliver(seq, KS_NOWHERE));
	ks_ring_told(&ring, mark);
	assert_int_equal(ring.lost_count, 2);
	assert_int_equal(ring.lost_first, 0);
	assert_true(ring.lost_last >= 1);
	end();
}

/* Cleared, a ring is as at first: nothing of what was held, lost, sent or told is left. */
static void cleared(void **state)
{
	static struct ks_ring fresh;

	(void)state;
	start(KS_RING_MIN);
	for (unsigned int n = 0; n < 100; n++) {
		put_of((enum ks_class)(n % KS_CLASSES), n % 40, 300, 0);
		ks_ring_sent(&ring, ring.newest);
	}
	ks_ring_told(&ring, ks_ring_telling(&ring));
	ks_ring_drop(&ring, KS_ALARM);
	ks_ring_clear(&ring);
	memset(&fresh, 0, sizeof(fresh));
	ks_ring_init(&fresh, ring.mem, KS_RING_MIN);
	assert_memory_equal(&ring, &fresh, sizeof(ring));
	assert_int_equal(from(0), UINT64_MAX);
	assert_false(deliver(5, KS_NOWHERE));
	put(50, 0);
	assert_int_equal(from(0), 0);
	end();
}

/*
 * Records of every size, class and source, taken out in every order, in rings of every size, found
 * from hints of every age: nothing is written outside, what is held is whole, and held + lost +
 * delivered is always what was put in.
 */
static void any_order_any_size(void **state)
{
	(void)state;
	port_reset();
	for (uint64_t round = 0; round < (uint64_t)port_rounds(300); round++) {
		uint64_t delivered = 0;

		port_random_seed(round);
		start((uint32_t)(KS_RING_MIN + port_random_below(8192)));
		for (int i = 0; i < 300; i++) {
			uint64_t max = port_random_below(8) ? 300 : KS_RECORD_MAX;
			uint16_t text = (uint16_t)port_random_below(max + 1);
			uint16_t raw = (uint16_t)port_random_below(
				(KS_RECORD_MAX - text < KS_RAW_MAX ? KS_RECORD_MAX - text : KS_RAW_MAX) + 1U);
			enum ks_class class = (enum ks_class)port_random_below(KS_CLASSES);
			uint32_t hint = (uint32_t)port_random_below(256), seen = KS_NOWHERE;
			uint64_t held = 0, seq = 0;

			if (!port_random_below(50))
				ks_ring_begin_sample(&ring);
			if (port_random_below(10))
				put_of(class, (uint32_t)port_random_below(40) - 1, text, raw);
			else
				ks_ring_drop(&ring, class);
			if (ring.held && port_random_below(2))
				ks_ring_sent(&ring, ring.oldest);
			for (uint64_t n = port_random_below(8) < round % 8 ? port_random_below(3) : 0; n; n--)
				delivered += deliver(port_random_below(ring.next_seq + 1), hint);
			while ((seq = check_from(seq, &seen)) != UINT64_MAX)
				held++, seq++;
			seq = port_random_below(ring.next_seq + 1);
			assert_int_equal(check_from(seq, &hint), from(seq));
			assert_int_equal(held, ring.held);
			assert_int_equal(held + delivered + ring.lost_total, ring.next_seq);
			assert_true(ring.lost_count <= ring.lost_total);
			assert_int_equal(ring.share[KS_SAMPLE].lost + ring.share[KS_EVENT].lost +
						 ring.share[KS_ALARM].lost,
					 ring.lost_total);
		}
		end();
	}
}

/*
 * A large ring: whoever looks for a record far from where he was gets there in pieces, so that
 * nobody's call takes as long as the ring is large; and what is delivered one behind the other is
 * looked for once, also if the place that was remembered is gone.
 */
static void far_away(void **state)
{
	uint64_t from_here[] = { 0, 5999, 0, 3000 }, to[] = { 3000, 3000, 5999, 3000 };

	(void)state;
	start(KS_RING_MAX * 4);
	for (int i = 0; i < 6000; i++)
		put(10, 0);
	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
		uint32_t place = ks_ring_find(&ring, from_here[i], KS_NOWHERE);
		uint64_t distance = from_here[i] < to[i] ? to[i] - from_here[i] : from_here[i] - to[i];
		unsigned int calls = 1;

		for (; !ks_ring_seek(&ring, to[i], &place); calls++)
			assert_true(calls <= distance / KS_RING_WALK_MAX);
		assert_int_equal(place, ks_ring_find(&ring, to[i], KS_NOWHERE));
		assert_in_range(calls, distance / KS_RING_WALK_MAX, distance / KS_RING_WALK_MAX + 1);
	}
	for (uint32_t seq = 2990, place = 77777; seq < 3000; seq++) {
		assert_true(ks_ring_deliver(&ring, seq, &place));
		assert_int_equal(place, ks_ring_find(&ring, seq + 1, KS_NOWHERE));
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_and_out),
		cmocka_unit_test(overrun_is_counted),
		cmocka_unit_test(a_class_pushes_out_its_own),
		cmocka_unit_test(a_sample_that_fits),
		cmocka_unit_test(a_sample_that_does_not_fit),
		cmocka_unit_test(a_source_pushes_out_its_own),
		cmocka_unit_test(many_sources_share_a_place),
		cmocka_unit_test(kinds_have_places),
		cmocka_unit_test(outcomes_have_a_place),
		cmocka_unit_test(delivered_once),
		cmocka_unit_test(dropped_is_lost),
		cmocka_unit_test(told_twice_hides_nothing),
		cmocka_unit_test(told_in_part),
		cmocka_unit_test(tellings_that_overlap),
		cmocka_unit_test(delivered_is_not_lost),
		cmocka_unit_test(delivered_is_not_lost_of_its_class),
		cmocka_unit_test(delivered_after_it_was_told),
		cmocka_unit_test(shares),
		cmocka_unit_test(who_holds_as_much),
		cmocka_unit_test(the_older_record_of_equals),
		cmocka_unit_test(thirty_places),
		cmocka_unit_test(what_is_to_come_counts),
		cmocka_unit_test(the_least_to_come_counts),
		cmocka_unit_test(cells_of_a_record),
		cmocka_unit_test(hints_of_any_age),
		cmocka_unit_test(search_from_the_nearer_end),
		cmocka_unit_test(older_is_lost_later),
		cmocka_unit_test(confirmed_after_others_arrived),
		cmocka_unit_test(places_are_given_back),
		cmocka_unit_test(place_of_0),
		cmocka_unit_test(sent_and_lost),
		cmocka_unit_test(range_of_what_is_not_lost),
		cmocka_unit_test(cleared),
		cmocka_unit_test(far_away),
		cmocka_unit_test(any_order_any_size),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
