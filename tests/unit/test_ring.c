// SPDX-License-Identifier: MIT
/*
 * test_ring.c - records in a fixed piece of memory.
 *
 * What could be wrong in the world: a ring that writes past its end, gives back other bytes than it was given, or forgets to count
 * what it pushed out.  Each test puts records in and takes them out, and compares with what the test itself remembers.
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static struct ks_ring ring;

/* Memory of just the ring's size, from malloc(): a sanitizer sees every byte beyond. */
static void start(uint32_t size)
{
	memset(&ring, 0, sizeof(ring));
	ks_ring_init(&ring, malloc(size), size);
}

static void end(void)
{
	free(ring.mem);
}

/* A record whose bytes can be told from its seq. */
static void put(uint16_t text_bytes, uint16_t raw_bytes)
{
	struct ks_entry *entry = ks_ring_reserve(&ring);

	entry->raw_at = 0;
	entry->text_bytes = text_bytes;
	entry->raw_bytes = raw_bytes;
	/* The whole of what was reserved may be written: records with raw bytes keep them at its end for a while. */
	memset(entry->text, 0x55, KS_RECORD_MAX);
	memset(entry->text, (int)(ring.next_seq & 0xff), (size_t)text_bytes + raw_bytes);
	ks_ring_commit(&ring, entry);
}

static void check_entry(const struct ks_entry *entry)
{
	size_t bytes = (size_t)entry->text_bytes + entry->raw_bytes;

	for (size_t i = 0; i < bytes; i++)
		assert_int_equal((uint8_t)entry->text[i], entry->seq & 0xff);
}

/* Records go in and come out in order, byte for byte. */
static void in_and_out(void **state)
{
	struct ks_entry *entry;
	uint64_t seq = 0;

	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 10; i++)
		put(100, 0);
	for (entry = ks_ring_from(&ring, 0); entry; entry = ks_ring_after(&ring, entry)) {
		assert_int_equal(entry->seq, seq++);
		check_entry(entry);
	}
	assert_int_equal(seq, 10);
	assert_int_equal(ring.held, 10);
	assert_int_equal(ks_ring_from(&ring, 7)->seq, 7);
	assert_null(ks_ring_from(&ring, 10));
	end();
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
	assert_int_equal(ks_ring_from(&ring, 0)->seq, ring.lost_count);
	end();
}

/* What was consumed is gone without being lost, in whatever order. */
static void consumed_is_not_lost(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 10; i++)
		put(100, 0);
	ks_ring_consume(&ring, ks_ring_from(&ring, 5));
	ks_ring_consume(&ring, ks_ring_from(&ring, 0));
	ks_ring_trim(&ring);
	assert_int_equal(ring.held, 8);
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
	ks_ring_drop(&ring);
	put(100, 0);
	assert_int_equal(ks_ring_from(&ring, 1)->seq, 2);
	assert_int_equal(ring.lost_first, 1);
	assert_int_equal(ring.lost_last, 1);
	assert_int_equal(ring.lost_count, 1);
	end();
}

/* Two clients were told of the same losses; more were lost in between: the second confirmation must not hide those. */
static void told_twice_hides_nothing(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	ring.next_seq = 0;
	for (int i = 0; i < 5; i++)
		ks_ring_drop(&ring);
	ks_ring_lost_told(&ring, 4, 5);
	assert_int_equal(ring.lost_count, 0);
	for (int i = 0; i < 3; i++)
		ks_ring_drop(&ring);
	ks_ring_lost_told(&ring, 4, 5); /* the other client's, of before */
	assert_int_equal(ring.lost_count, 3);
	assert_int_equal(ring.lost_first, 5);
	assert_int_equal(ring.lost_last, 7);
	end();
}

/* Losses between the telling and its confirmation are told next time. */
static void told_in_part(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 8; i++)
		ks_ring_drop(&ring);
	ks_ring_lost_told(&ring, 4, 5);
	assert_int_equal(ring.lost_count, 3);
	assert_int_equal(ring.lost_first, 5);
	assert_int_equal(ring.lost_last, 7);
	end();
}

/* Delivered, then pushed out before the confirmation: not lost.  Of what is lost, first and last still say no less than the truth. */
static void delivered_is_not_lost(void **state)
{
	(void)state;
	start(KS_RING_MIN);
	for (int i = 0; i < 8; i++)
		ks_ring_drop(&ring);
	assert_int_equal(ks_ring_not_lost(&ring, 0, 5, 5), 5);
	assert_int_equal(ring.lost_count, 3);
	assert_int_equal(ring.lost_first, 5);
	assert_int_equal(ring.lost_last, 7);
	/* With a filter two of 5..7 were delivered; which one was lost is not known, so the range stays. */
	assert_int_equal(ks_ring_not_lost(&ring, 5, 8, 2), 2);
	assert_int_equal(ring.lost_count, 1);
	assert_true(ring.lost_first <= 5 && ring.lost_last >= 7);
	assert_int_equal(ks_ring_not_lost(&ring, 100, 200, 5), 0);
	end();
}

/*
 * Records of every size, taken out in every order, in rings of every size: nothing is written outside, what is held is whole, and
 * held + lost + consumed is always what was put in.
 */
static void any_order_any_size(void **state)
{
	(void)state;
	port_reset();
	for (uint64_t round = 0; round < (uint64_t)port_rounds(300); round++) {
		uint64_t consumed = 0;

		port_random_seed(round);
		start((uint32_t)(KS_RING_MIN + port_random_below(8192)));
		for (int i = 0; i < 400; i++) {
			uint64_t max = port_random_below(8) ? 300 : KS_RECORD_MAX;
			uint16_t text = (uint16_t)port_random_below(max + 1);
			uint16_t raw = (uint16_t)port_random_below((KS_RECORD_MAX - text < KS_RAW_MAX ? KS_RECORD_MAX - text : KS_RAW_MAX) + 1U);
			uint64_t last = 0, held = 0;

			if (port_random_below(10))
				put(text, raw);
			else if (port_random_below(2))
				ks_ring_reserve(&ring); /* and not committed */
			else
				ks_ring_drop(&ring);
			for (uint64_t n = port_random_below(8) < round % 8 ? port_random_below(3) : 0; n; n--) {
				struct ks_entry *entry = ks_ring_from(&ring, port_random_below(ring.next_seq + 1));

				consumed += entry && !entry->consumed;
				if (entry)
					ks_ring_consume(&ring, entry);
				if (port_random_below(2))
					ks_ring_trim(&ring);
			}
			for (struct ks_entry *entry = ks_ring_from(&ring, 0); entry; entry = ks_ring_after(&ring, entry)) {
				assert_true(!held || entry->seq > last);
				last = entry->seq;
				check_entry(entry);
				held += !entry->consumed;
			}
			assert_int_equal(held, ring.held);
			assert_int_equal(held + consumed + ring.lost_total, ring.next_seq);
		}
		end();
	}
}

/* A seq is found wherever it lies, also behind the seam and among dropped ones. */
static void from_finds_the_first_not_before(void **state)
{
	(void)state;
	port_reset();
	start(128 * 1024);
	for (int i = 0; i < 3000; i++) {
		if (port_random_below(20))
			put((uint16_t)port_random_below(400), 0);
		else
			ks_ring_drop(&ring);
	}
	for (uint64_t seq = 0; seq < 3002; seq += port_random_below(20)) {
		struct ks_entry *found = ks_ring_from(&ring, seq), *want = ks_ring_from(&ring, 0);

		while (want && want->seq < seq)
			want = ks_ring_after(&ring, want);
		assert_ptr_equal(found, want);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_and_out),
		cmocka_unit_test(overrun_is_counted),
		cmocka_unit_test(consumed_is_not_lost),
		cmocka_unit_test(dropped_is_lost),
		cmocka_unit_test(told_twice_hides_nothing),
		cmocka_unit_test(told_in_part),
		cmocka_unit_test(delivered_is_not_lost),
		cmocka_unit_test(any_order_any_size),
		cmocka_unit_test(from_finds_the_first_not_before),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
