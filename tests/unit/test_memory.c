// SPDX-License-Identifier: MIT
/*
 * test_memory.c - who of the probes gets how much of the memory for tables.
 *
 * Each probe of the world says what it needs at least and at most; the verdict is what each may
 * take.
 */
#include "kit.h"

static struct ks_size sizes[4];

/* By its name, "0" to "3". */
static void size_of(const struct ks_probe_type *type, struct ks_size *size)
{
	*size = sizes[type->name[0] - '0'];
}

#define PROBE(name_, size_) { .name = name_, .size = size_ }
static const struct ks_probe_type zero = PROBE("0", size_of), one = PROBE("1", size_of), two = PROBE("2", size_of),
				  none = PROBE("3", NULL);
static const struct ks_probe_type *const types[] = { &zero, &one, &two, &none };

/* With so much for all of them; what the probe @i may take. */
static uint64_t share(unsigned int i, uint64_t memory_bytes)
{
	static struct ks_probe probes[4];
	static struct ks_sensor sensor;

	sensor = (struct ks_sensor){
		.config = { .types = types, .types_count = 4, .memory_bytes = memory_bytes }, .count = 4,
		.probes = probes,
	};
	probes[i].sensor = &sensor;
	return ks_memory_share(&probes[i]);
}

static void need(unsigned int i, uint64_t least, uint64_t most)
{
	sizes[i] = (struct ks_size){ .least_bytes = least, .most_bytes = most };
}

static void check(uint64_t memory_bytes, uint64_t of_zero, uint64_t of_one, uint64_t of_two)
{
	assert_int_equal(share(0, memory_bytes), of_zero);
	assert_int_equal(share(1, memory_bytes), of_one);
	assert_int_equal(share(2, memory_bytes), of_two);
	assert_int_equal(share(3, memory_bytes), 0);
}

/* Where there is enough, each has all that it wants, and no more. */
static void enough(void **state)
{
	(void)state;
	need(0, 10, 100);
	need(1, 20, 200);
	need(2, 30, 300);
	check(600, 100, 200, 300);
	check(100000, 100, 200, 300);
}

/*
 * First each has what it needs, and then all have more in equal shares; what one does not want,
 * others get.
 */
static void least_first(void **state)
{
	(void)state;
	need(0, 10, 100);
	need(1, 20, 1000);
	need(2, 500, 1000);
	check(530, 10, 20, 500);
	check(560, 20, 30, 510);
	check(900, 100, 160, 640);
}

/* Where there is not even that, the small ones have it, and the others share the rest. */
static void too_little(void **state)
{
	(void)state;
	need(0, 10, 100);
	need(1, 1000, 2000);
	need(2, 5000, 9000);
	check(510, 10, 250, 250);
	check(3010, 10, 1000, 2000);
	/* Down to what cannot be shared. */
	check(2, 0, 0, 0);
}

/* Sizes beyond any memory. */
static void large(void **state)
{
	(void)state;
	need(0, UINT64_MAX / 2, UINT64_MAX);
	need(1, UINT64_MAX, UINT64_MAX);
	need(2, 0, 0);
	check(1000, 500, 500, 0);
}

/* No bound: as much as they like. */
static void unbounded(void **state)
{
	(void)state;
	need(0, 10, 100);
	assert_int_equal(share(0, 0), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough),
		cmocka_unit_test(least_first),
		cmocka_unit_test(too_little),
		cmocka_unit_test(large),
		cmocka_unit_test(unbounded),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
