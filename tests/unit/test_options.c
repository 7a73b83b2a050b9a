// SPDX-License-Identifier: MIT
/*
 * test_options.c - what an administrator says at the start.
 *
 * What could be wrong in the world: a probe that was to be off runs, one that was to run is off, or a typing error passes unseen.
 * Each test reads one list for the probes "alpha" and "beta" and looks at what came of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../core/options.h"

static const struct ks_probe_type alpha = { .name = "alpha" }, beta = { .name = "beta" };
static const struct ks_probe_type *const types[] = { &alpha, &beta };

static struct ks_sensor_config config;
static struct ks_options options;

/* What the port says; 0: nothing. */
static uint32_t own_ring_bytes;

/* A word that is the port's alone. */
static unsigned int own_words;

static bool own_option(const char *word, size_t bytes)
{
	bool is_own = bytes == 8 && !memcmp(word, "own=word", 8);

	own_words += is_own;
	return is_own;
}

static void parse(const char *list)
{
	/* Nothing of the former list may stay. */
	memset(&config, 0xee, sizeof(config));
	memset(&options, 0xee, sizeof(options));
	config.types = types;
	config.types_count = 2;
	config.ring_bytes = own_ring_bytes;
	config.memory_bytes = 12345678; /* the port's own */
	config.option = own_option;
	ks_options_parse(&options, &config, list);
}

static void check(const char *list, enum ks_level level_alpha, enum ks_level level_beta, bool off_alpha, bool off_beta)
{
	parse(list);
	assert_string_equal(options.bad, "");
	assert_false(options.off);
	assert_int_equal(config.levels[0], level_alpha);
	assert_int_equal(config.levels[1], level_beta);
	assert_int_equal(config.off[0], off_alpha);
	assert_int_equal(config.off[1], off_beta);
}

static void levels_of_all_and_of_one(void **state)
{
	(void)state;
	check("", KS_DEFAULT, KS_DEFAULT, false, false);
	check("on", KS_DEFAULT, KS_DEFAULT, false, false);
	check("level=high", KS_HIGH, KS_HIGH, false, false);
	check("level=high,beta=low", KS_HIGH, KS_LOW, false, false);
	check("beta=low,level=high", KS_HIGH, KS_LOW, false, false);
	check(",,alpha=adversarial,", KS_ADVERSARIAL, KS_DEFAULT, false, false);
	check("alpha=off", KS_DEFAULT, KS_DEFAULT, true, false);
	check("alpha=off,alpha=low", KS_LOW, KS_DEFAULT, false, false);
	check("alpha=low,alpha=off", KS_LOW, KS_DEFAULT, true, false);
}

static void off_means_no_sensor(void **state)
{
	static const char *const off[] = { "off", "no", "0", "false", "disable", "level=low,off", "on,off" };
	static const char *const on[] = { "", "on", "yes", "1", "true", "enable", "off,on" };

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		parse(off[i]);
		assert_true(options.off);
		assert_string_equal(options.bad, "");
	}
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		parse(on[i]);
		assert_false(options.off);
		assert_string_equal(options.bad, "");
	}
}

static void check_ring(const char *list, uint32_t bytes, bool bounded)
{
	parse(list);
	assert_string_equal(options.bad, "");
	assert_int_equal(config.ring_bytes, bytes);
	assert_int_equal(options.ring_bounded, bounded);
}

static void ring_sizes_and_their_bounds(void **state)
{
	(void)state;
	check_ring("", 131072, false);
	check_ring("ring=16384", 16384, false);
	check_ring("ring=16k", 16384, false);
	check_ring("ring=1M", 1048576, false);
	check_ring("ring=16383", KS_RING_MIN, true);
	check_ring("ring=0", KS_RING_MIN, true);
	check_ring("ring=1048577", KS_RING_MAX, true);
	check_ring("ring=4294967296", KS_RING_MAX, true);
	check_ring("ring=99999999999999999999999999999999999999M", KS_RING_MAX, true);
	check_ring("ring=0,ring=16K", 16384, false);
	own_ring_bytes = KS_RING_MAX;
	check_ring("", KS_RING_MAX, false);
	check_ring("ring=16K", 16384, false);
	own_ring_bytes = 0;
}

static void check_memory(const char *list, uint64_t bytes, bool bounded)
{
	parse(list);
	assert_string_equal(options.bad, "");
	assert_int_equal(config.memory_bytes, bytes);
	assert_int_equal(options.memory_bounded, bounded);
}

static void memory_and_its_bounds(void **state)
{
	(void)state;
	check_memory("", 12345678, false);
	check_memory("memory=4M", 4U << 20, false);
	check_memory("memory=256k", 256U << 10, false);
	check_memory("memory=1024M", 1U << 30, false);
	check_memory("memory=262143", KS_MEMORY_MIN, true);
	check_memory("memory=0", KS_MEMORY_MIN, true);
	check_memory("memory=1025M", KS_MEMORY_MAX, true);
	check_memory("memory=0,ring=8k,memory=5M", 5U << 20, false);
}

/* The first word that is none is told, and the others count all the same. */
static void what_is_not_understood(void **state)
{
	static const char *const bad[] = {
		"gamma=low", "alpha", "alpha=", "alpha=lo", "alpha=lows", "alpha=of", "alph=low", "alphaa=low", "level", "level=",
		"level=off", "ring=", "memory=", "memory=1G", "ring=k", "ring=K8", "ring=8G", "ring=-1", "ring=8 ", "offf", "o", "=", "=low", "ALPHA=low", " on",
	};
	char list[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(list, sizeof(list), "beta=high,%s,other,ring=16K", bad[i]);
		parse(list);
		assert_string_equal(options.bad, bad[i]);
		assert_false(options.off);
		assert_int_equal(config.levels[0], KS_DEFAULT);
		assert_int_equal(config.levels[1], KS_HIGH);
		assert_false(config.off[0]);
		assert_int_equal(config.ring_bytes, 16384);
	}
	assert_int_equal(own_words, 0);
	/* A word longer than there is room to tell it is cut. */
	memset(list, 'x', sizeof(list));
	list[sizeof(list) - 1] = '\0';
	parse(list);
	assert_int_equal(strlen(options.bad), KS_OPTION_BAD - 1);
}

/* What the core does not know may be the port's; a port need not have any. */
static void words_of_the_port(void **state)
{
	(void)state;
	own_words = 0;
	check("own=word", KS_DEFAULT, KS_DEFAULT, false, false);
	check("alpha=low,own=word,beta=off", KS_LOW, KS_DEFAULT, false, true);
	assert_int_equal(own_words, 2);
	parse("own=words");
	assert_string_equal(options.bad, "own=words");
	config.option = NULL;
	ks_options_parse(&options, &config, "own=word");
	assert_string_equal(options.bad, "own=word");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_of_all_and_of_one),
		cmocka_unit_test(off_means_no_sensor),
		cmocka_unit_test(ring_sizes_and_their_bounds),
		cmocka_unit_test(memory_and_its_bounds),
		cmocka_unit_test(what_is_not_understood),
		cmocka_unit_test(words_of_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
