// SPDX-License-Identifier: MIT
/*
 * test_options.c - what an administrator says at the start.
 *
 * What could be wrong in the world: a probe that was to be off runs, one that was to run is off,
 * or a typing error passes unseen. Each test reads one list for the probes "alpha" and "beta" and
 * looks at what came of it.
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

/* The mistakes that were told: "WORD: what is wrong", each on a line of its own. */
static char told[4096];

static void tell(const char *word, size_t bytes, const char *why)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%.*s: %s\n", (int)bytes, word, why);
}

#define UNKNOWN ": not understood\n"
#define AGAIN ": given more than once, the last counts\n"

/* Words that are the port's alone. */
static unsigned int own_words;

static bool own_option(const char *word, size_t bytes)
{
	bool is_own = bytes == 8 && (!memcmp(word, "own=word", 8) || !memcmp(word, "add=word", 8));

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
	config.option_again = "add";
	config.option_mistake = tell;
	told[0] = '\0';
	ks_options_parse(&options, &config, list);
}

/* @list has the mistakes @mistakes, so many of which are words that mean nothing. */
static void check_mistakes(const char *list, unsigned int bad, const char *mistakes)
{
	parse(list);
	assert_string_equal(told, mistakes);
	assert_int_equal(options.bad, bad);
}

static void check_levels(enum ks_level level_alpha, enum ks_level level_beta, bool off_alpha, bool off_beta)
{
	assert_int_equal(options.bad, 0);
	assert_false(options.off);
	assert_int_equal(config.levels[0], level_alpha);
	assert_int_equal(config.levels[1], level_beta);
	assert_int_equal(config.off[0], off_alpha);
	assert_int_equal(config.off[1], off_beta);
}

static void check(const char *list, enum ks_level level_alpha, enum ks_level level_beta, bool off_alpha, bool off_beta)
{
	check_mistakes(list, 0, "");
	check_levels(level_alpha, level_beta, off_alpha, off_beta);
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
	check("level=high,alpha=off", KS_HIGH, KS_HIGH, true, false);
	check("alpha=off,level=high", KS_HIGH, KS_HIGH, true, false);
}

/*
 * Of two words for the same thing the last counts, as with all of Xen's options, so that a boot
 * loader's list can be added to.  That there are two is told: one of them does nothing.
 */
static void one_thing_given_twice(void **state)
{
	(void)state;
	check_mistakes("alpha=off,alpha=low", 0, "alpha=low" AGAIN);
	check_levels(KS_LOW, KS_DEFAULT, false, false);
	check_mistakes("alpha=low,alpha=off", 0, "alpha=off" AGAIN);
	check_levels(KS_LOW, KS_DEFAULT, true, false);
	check_mistakes("alpha=low,level=high,alpha=off", 0, "alpha=off" AGAIN);
	check_levels(KS_LOW, KS_HIGH, true, false);
	check_mistakes("level=high,beta=low,level=adversarial", 0, "level=adversarial" AGAIN);
	check_levels(KS_ADVERSARIAL, KS_LOW, false, false);
	check_mistakes("own=word,,own=word", 0, "own=word" AGAIN);
	/* Where each of them counts there is nothing to tell. */
	check_mistakes("add=word,own=word,add=word", 0, "");
	check_mistakes("on,yes", 0, "yes" AGAIN);
	/* What is about the same thing, also where the first was not understood. */
	check_mistakes("alpha=lo,alpha=low", 1, "alpha=lo" UNKNOWN "alpha=low" AGAIN);
	check_mistakes("on=1,on", 1, "on=1" UNKNOWN "on" AGAIN);
	check_mistakes("ring=16K,ring=32K,ring=16K", 0, "ring=32K" AGAIN "ring=16K" AGAIN);
	/* Different things with a common beginning are different things. */
	check_mistakes("alpha=low,alphabet=low,level=low", 1, "alphabet=low" UNKNOWN);
}

static void off_means_no_sensor(void **state)
{
	static const char *const off[] = { "off", "no", "0", "false", "disable", "level=low,off" };
	static const char *const on[] = { "", "on", "yes", "1", "true", "enable" };

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		check_mistakes(off[i], 0, "");
		assert_true(options.off);
	}
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		check_mistakes(on[i], 0, "");
		assert_false(options.off);
	}
	check_mistakes("off,on", 0, "on" AGAIN);
	assert_false(options.off);
	check_mistakes("enable,level=low,no", 0, "no" AGAIN);
	assert_true(options.off);
}

/* @taking: instead of what the list says, as it is told; NULL: nothing is wrong with that. */
static void check_ring(const char *list, uint32_t bytes, const char *taking)
{
	char mistakes[128] = "";

	if (taking)
		snprintf(mistakes, sizeof(mistakes), "%s: out of bounds, taking %s\n", list, taking);
	check_mistakes(list, 0, mistakes);
	assert_int_equal(config.ring_bytes, bytes);
	/* A size that was asked for holds for each probe, however much its first sample is. */
	if (*list)
		assert_int_equal(*(const uint8_t *)&config.ring_fixed, true);
}

static void ring_sizes_and_their_bounds(void **state)
{
	(void)state;
	check_ring("", 131072, NULL);
	check_ring("ring=16384", 16384, NULL);
	check_ring("ring=16k", 16384, NULL);
	check_ring("ring=1M", 1048576, NULL);
	check_ring("ring=16383", KS_RING_MIN, "16K");
	check_ring("ring=0", KS_RING_MIN, "16K");
	check_ring("ring=1048577", KS_RING_MAX, "1024K");
	check_ring("ring=4294967296", KS_RING_MAX, "1024K");
	check_ring("ring=99999999999999999999", KS_RING_MAX, "1024K");
	check_ring("ring=99999999999999999999999999999999999999M", KS_RING_MAX, "1024K");
	/* What is put right later in the list was wrong all the same. */
	check_mistakes("ring=0,ring=32K", 0, "ring=0: out of bounds, taking 16K\nring=32K" AGAIN);
	assert_int_equal(config.ring_bytes, 32768);
	own_ring_bytes = KS_RING_MAX;
	check_ring("", KS_RING_MAX, NULL);
	check_ring("ring=16K", 16384, NULL);
	own_ring_bytes = 0;
}

static void check_memory(const char *list, uint64_t bytes, const char *taking)
{
	char mistakes[128] = "";

	if (taking)
		snprintf(mistakes, sizeof(mistakes), "%s: out of bounds, taking %s\n", list, taking);
	check_mistakes(list, 0, mistakes);
	assert_int_equal(config.memory_bytes, bytes);
}

static void memory_and_its_bounds(void **state)
{
	(void)state;
	check_memory("", 12345678, NULL);
	check_memory("memory=4M", 4U << 20, NULL);
	check_memory("memory=256k", 256U << 10, NULL);
	check_memory("memory=1024M", 1U << 30, NULL);
	check_memory("memory=262143", KS_MEMORY_MIN, "256K");
	check_memory("memory=0", KS_MEMORY_MIN, "256K");
	check_memory("memory=1025M", KS_MEMORY_MAX, "1048576K");
	check_mistakes("memory=0,ring=16k,memory=5M", 0, "memory=0: out of bounds, taking 256K\nmemory=5M" AGAIN);
	assert_int_equal(config.memory_bytes, 5U << 20);
}

/* A word that means nothing is told, and the others count all the same. */
static void what_is_not_understood(void **state)
{
	static const char *const bad[] = {
		"gamma=low", "alpha", "alpha=", "alpha=lo", "alpha=lows", "alpha=of", "alph=low", "alphaa=low",
		"level", "level=", "level=off", "ring=", "memory=", "memory=1G", "ring=k", "ring=K8", "ring=8G",
		"ring=-1", "ring=0x10", "ring=8 ", "offf", "o", "=", "=low",
		"ALPHA=low", " on",
	};
	char list[512], mistakes[sizeof(list) + sizeof(UNKNOWN)];

	(void)state;
	own_words = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(list, sizeof(list), "%s,beta=high", bad[i]);
		snprintf(mistakes, sizeof(mistakes), "%s" UNKNOWN, bad[i]);
		check_mistakes(list, 1, mistakes);
		assert_false(options.off);
		assert_int_equal(config.levels[0], KS_DEFAULT);
		assert_int_equal(config.levels[1], KS_HIGH);
		assert_false(config.off[0]);
		assert_int_equal(config.ring_bytes, 131072);
	}
	assert_int_equal(own_words, 0);
	/* However long it is. */
	memset(list, 'x', sizeof(list));
	list[300] = '\0';
	snprintf(mistakes, sizeof(mistakes), "%s" UNKNOWN, list);
	check_mistakes(list, 1, mistakes);
}

/*
 * Each mistake of a list is told, in its order, and not only the first: who mends one must not
 * find the next at his next boot.
 */
static void every_mistake(void **state)
{
	(void)state;
	check_mistakes("gamma=low,level=high,ring=1,beta,level=,alpha=off,ofF,level=low,alpha=,ring=2M", 5,
		       "gamma=low" UNKNOWN "ring=1: out of bounds, taking 16K\nbeta" UNKNOWN "level=" UNKNOWN
		       "ofF" UNKNOWN "level=low" AGAIN "alpha=" UNKNOWN
		       "ring=2M: out of bounds, taking 1024K\nring=2M" AGAIN);
	assert_int_equal(config.levels[1], KS_LOW);
	assert_true(config.off[0]);
	/* Who does not want to hear of them is not told. */
	config.option_mistake = NULL;
	ks_options_parse(&options, &config, "gamma=low,beta,ring=1");
	assert_int_equal(options.bad, 2);
}

/* A word that is not understood changes nothing, not even for the words behind it. */
static void what_is_not_understood_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"ring=8J", "ring=8j", "ring=8L", "ring=8l", "ring=8kk", "ring=8mk", "ring=8:", "ring=/8", "ring=8k8",
		"ring=M", "ring", "ring:8k", "level=highh", "level=hig", "level:low", "alpha=offf", "alpha=o",
		"alpha:low", "alpha=low=", "beta=", "0n", "of", "1ff", "ye", "yess",
	};
	char list[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(list, sizeof(list), "ring=32K,alpha=low,%s,level=high", bad[i]);
		parse(list);
		assert_int_equal(options.bad, 1);
		assert_int_equal(config.ring_bytes, 32768);
		assert_int_equal(config.levels[0], KS_LOW);
		assert_int_equal(config.levels[1], KS_HIGH);
		assert_false(config.off[0] || config.off[1] || options.off);
	}
	/* "level" is still of those that no word was understood for. */
	parse("alpha=lo,level=high");
	assert_int_equal(config.levels[0], KS_HIGH);
	assert_int_equal(config.levels[1], KS_HIGH);
	parse("off,offf");
	assert_true(options.off);
	parse("beta=off");
	assert_true(!config.off[0] && config.off[1]);
	/* Each level, by its name. */
	check("alpha=low,beta=default", KS_LOW, KS_DEFAULT, false, false);
	check("alpha=high,beta=adversarial", KS_HIGH, KS_ADVERSARIAL, false, NULL);
	check_ring("ring=19000", 19000, NULL);
	check_ring("ring=1023K", 1023 * 1024, NULL);
	check_ring("ring=1024k", 1048576, NULL);
	check_ring("ring=1m", 1048576, NULL);
	check_ring("ring=2m", 1048576, "1024K");
	check_ring("ring=4294967295", KS_RING_MAX, "1024K");
}

/* What the core does not know may be the port's; a port need not have any. */
static void words_of_the_port(void **state)
{
	(void)state;
	own_words = 0;
	check("own=word", KS_DEFAULT, KS_DEFAULT, false, false);
	check("alpha=low,own=word,beta=off", KS_LOW, KS_DEFAULT, false, true);
	assert_int_equal(own_words, 2);
	check_mistakes("own=words", 1, "own=words" UNKNOWN);
	config.option = NULL;
	told[0] = '\0';
	ks_options_parse(&options, &config, "own=word");
	assert_string_equal(told, "own=word" UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_of_all_and_of_one),
		cmocka_unit_test(one_thing_given_twice),
		cmocka_unit_test(off_means_no_sensor),
		cmocka_unit_test(ring_sizes_and_their_bounds),
		cmocka_unit_test(memory_and_its_bounds),
		cmocka_unit_test(what_is_not_understood),
		cmocka_unit_test(what_is_not_understood_changes_nothing),
		cmocka_unit_test(every_mistake),
		cmocka_unit_test(words_of_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
