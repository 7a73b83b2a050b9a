// SPDX-License-Identifier: MIT
/*
 * test_set.c - the engine for things that exist.
 *
 * What is in the world here is an array of things that the test changes between two passes, or in
 * the middle of one.  The verdict is the list of records, written as "event:id" with what changed.
 * A record that was made from a fingerprint has a "*".
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../probes/set_table.h"

#define THINGS_MAX 400

struct thing {
	uint32_t id;        /* the key */
	char name[12];
	uint8_t up;
	int32_t target;
	uint64_t root;
	uint64_t run_time;  /* live */
	uint8_t uuid[16];
	int64_t offset;
};

/* Of another kind, with the same keys and another size. */
struct part {
	uint32_t id;
	uint16_t state;
};

static const struct ks_field thing_fields[] = {
	KS_FIELD(struct thing, id, KS_U32), KS_FIELD(struct thing, name, KS_STRING),
	KS_FIELD(struct thing, up, KS_BOOL),
	KS_FIELD(struct thing, root, KS_HEX), KS_LIVE(struct thing, run_time, KS_COUNT),
	KS_FIELD(struct thing, uuid, KS_UUID), KS_FIELD(struct thing, offset, KS_SIGNED_HEX),
	KS_FIELD(struct thing, target, KS_S32),
};

static const struct ks_field part_fields[] = {
	KS_FIELD(struct part, id, KS_U32),
	KS_FIELD(struct part, state, KS_U16),
};

static const struct ks_set_kind kinds[] = {
	KS_KIND("thing", struct thing, thing_fields, id, ""),
	KS_KIND("part", struct part, part_fields, id, ""),
};

static struct world {
	struct thing things[THINGS_MAX];
	unsigned int count;
	struct part parts[THINGS_MAX];
	unsigned int parts_count;
	bool fails;
	/* finds roots out only where the last sample does not have them */
	bool thrifty;
	unsigned int found_out;     /* how often */
	uint64_t elsewhere;         /* this item is not to be had in the step that comes to it */
	bool there;
	bool unseen;                /* nothing can be looked at */
	void (*meanwhile)(uint64_t at); /* called before each item */
} world;

static int next(struct ks_probe *probe, struct ks_set_progress *cursor, void *item)
{
	uint64_t at = cursor->at[0]++;

	/* It is zeroed, however large the item before was. */
	for (size_t i = 0; i < sizeof(struct thing); i++)
		assert_int_equal(((uint8_t *)item)[i], 0);
	if (world.meanwhile)
		world.meanwhile(at);
	if (world.elsewhere && at == world.elsewhere) {
		world.there = !world.there;
		if (world.there) {
			cursor->at[0]--;
			return KS_SET_ELSEWHERE;
		}
	}
	if (world.fails && at == 3) {
		ks_probe_failed(probe, "the world fell apart");
		return KS_SET_FAILED;
	}
	if (at < world.count) {
		if (!world.things[at].id)
			return KS_SET_SKIP;
		memcpy(item, &world.things[at], sizeof(struct thing));
		if (world.thrifty) {
			const struct thing *kept = ks_set_kept(probe, 0, item);

			if (kept)
				((struct thing *)item)->root = kept->root;
			else
				world.found_out++;
		}
		return world.unseen ? KS_SET_UNSEEN : 0;
	}
	at -= world.count;
	if (at < world.parts_count) {
		memcpy(item, &world.parts[at], sizeof(struct part));
		return 1;
	}
	return KS_SET_END;
}

static const struct ks_set_type set = { .kinds = kinds, .kinds_count = 2, .items_max = 100, .next = next };

static const struct ks_probe_type things = {
	.name = "things",
	.interval_ns = { 4 * SECOND, 4 * SECOND, SECOND, SECOND },
	KS_SET_ENGINE(&set),
};

static const struct ks_probe_type *const types[] = { &things };

static void put(uint32_t id)
{
	struct thing *thing = &world.things[world.count++];

	*thing = (struct thing){ .id = id, .up = 1, .root = 0x1000U * id, .offset = -(int64_t)id };
	snprintf(thing->name, sizeof(thing->name), "n%u", id);
}

/* An empty world, and a sensor with the one probe of @only that looks at it. */
static int start(const struct ks_probe_type *const *only)
{
	memset(&world, 0, sizeof(world));
	kit_start(only, 1);
	kit_forget_began();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start(types);
}

/* The records since the last look: "present:1 changed:2(up=true) ...". */
static const char *seen(void)
{
	static char text[16384];
	json_t *lines = kit_command("records", "things", NULL);
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < kit_count(lines); i++) {
		const json_t *old = json_object_get(kit_record(lines, i), "old"), *value;
		const char *key, *kind = kit_text(lines, i, "kind");

		/*
		 * What the sensor says of itself (began, failed, ...) is not what these tests are
		 * about.
		 */
		if (!json_object_get(kit_record(lines, i), "event") && strcmp(kind, "incomplete") &&
		    strcmp(kind, "lost"))
			continue;
		if (len)
			text[len++] = ' ';
		if (!strcmp(kind, "incomplete") || !strcmp(kind, "lost")) {
			len += (size_t)sprintf(text + len, "%s", kind);
			if (*kind == 'i')
				len += (size_t)sprintf(text + len, ":%u/%u",
						       (unsigned int)kit_number(lines, i, "looked"),
						       (unsigned int)kit_number(lines, i, "of"));
			continue;
		}
		len += (size_t)sprintf(text + len, "%s%s:%u%s", strcmp(kind, "part") ? "" : "part-",
				       kit_text(lines, i, "event"), (unsigned int)kit_number(lines, i, "id"),
				       json_is_true(json_object_get(kit_record(lines, i), "fingerprint")) ? "*" : "");
		json_object_foreach((json_t *)old, key, value) {
			char *dump = json_dumps(value, JSON_ENCODE_ANY);

			len += (size_t)sprintf(text + len, "(%s=%s)", key, dump);
			free(dump);
		}
		assert_true(len < sizeof(text) - 500);
	}
	return text;
}

/* A little less than the interval, so that it is one pass each time. */
static void pass(void)
{
	port_advance(4 * SECOND - 20000000);
}

/* Present, appeared, vanished, changed with the old values; what did not change says nothing. */
static void life(void **state)
{
	(void)state;
	put(1);
	put(2);
	pass();
	assert_string_equal(seen(), "present:1 present:2");
	pass();
	assert_string_equal(seen(), "");
	put(3);
	pass();
	assert_string_equal(seen(), "appeared:3");
	world.things[0].up = 0;
	world.things[0].root = 0xffff830000000000;
	pass();
	assert_string_equal(seen(), "changed:1(up=true)(root=\"0x1000\")");
	world.things[1] = world.things[2];
	world.count = 2;
	pass();
	assert_string_equal(seen(), "vanished:2");
	put(2);
	pass();
	assert_string_equal(seen(), "appeared:2");
}

/* The record shows each field in its own form; a vanished thing as it was last seen. */
static void fields(void **state)
{
	json_t *lines;

	(void)state;
	put(7);
	memcpy(world.things[0].name, "a\"b\n\xff" "fghijkl", 12); /* the whole field, no NUL */
	memcpy(world.things[0].uuid, "\x12\x3e\x45\x67\xe8\x9b\x42\xd3\xa4\x56\x42\x66\x14\x17\x40\x00", 16);
	world.things[0].root = UINT64_MAX;
	world.things[0].offset = INT64_MIN;
	world.things[0].target = INT32_MIN;
	world.things[0].run_time = 5;
	pass();
	world.things[0].run_time = 6; /* live: no event, but seen */
	pass();
	world.count = 0;
	pass();
	lines = kit_command("records", "things", NULL);
	assert_int_equal(kit_count(lines), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(kit_text(lines, i, "event"), i ? "vanished" : "present");
		assert_string_equal(kit_text(lines, i, "name"), "a\"b\n\xc3\xbf" "fghijkl");
		assert_string_equal(kit_text(lines, i, "root"), "0xffffffffffffffff");
		assert_string_equal(kit_text(lines, i, "uuid"), "123e4567-e89b-42d3-a456-426614174000");
		assert_true(json_is_true(json_object_get(kit_record(lines, i), "up")));
		assert_string_equal(kit_text(lines, i, "offset"), "-0x8000000000000000");
		assert_int_equal(json_integer_value(json_object_get(kit_record(lines, i), "target")), INT32_MIN);
		assert_int_equal(kit_number(lines, i, "run_time"), 5 + i);
	}
}

/* Things of two kinds with the same key are two things. */
static void kinds_are_apart(void **state)
{
	(void)state;
	put(1);
	world.parts[0] = (struct part){ .id = 1, .state = 3 };
	world.parts_count = 1;
	pass();
	assert_string_equal(seen(), "present:1 part-present:1");
	world.parts[0].state = 4;
	pass();
	assert_string_equal(seen(), "part-changed:1(state=3)");
	world.count = 0;
	pass();
	assert_string_equal(seen(), "vanished:1");
	world.parts_count = 0;
	pass();
	assert_string_equal(seen(), "part-vanished:1");
}

/* "run": everything that is there, and what changed meanwhile as a change. */
static void asked_for(void **state)
{
	(void)state;
	put(1);
	put(2);
	pass();
	seen();
	world.things[1].up = 0;
	put(3);
	assert_int_equal(kit_count(kit_command("records", "things", "{\"run\": true, \"peek\": true}")), 3);
	assert_string_equal(seen(), "present:1 changed:2(up=true) present:3");
	assert_int_equal(kit_count(kit_command("records", "things", "{\"run\": true}")), 3);
	pass();
	pass();
	assert_string_equal(seen(), "");
}

/* After a reset the next sample is the first. */
static void reset(void **state)
{
	(void)state;
	put(1);
	pass();
	seen();
	world.things[0].up = 0;
	put(2);
	kit_command("reset", "things", NULL);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(kit_record(kit_command("records", "things", NULL), 0), "before"),
				 "baselines")),
			 1);
	pass();
	assert_string_equal(seen(), "present:1 present:2");
}

/* What was told of a full table before a reset is told again after it. */
static void reset_of_a_full_table(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 102; id++)
		put(id);
	pass();
	seen();
	kit_command("reset", "things", NULL);
	pass();
	assert_non_null(strstr(seen(), "present:101 incomplete:100/101 present:102 incomplete:100/102"));
}

/* A change is told with the former value of what changed, and of nothing that lies beside it. */
static void each_field_alone(void **state)
{
	static const struct {
		size_t at;
		const char *member;
	} cases[] = {
		{ offsetof(struct thing, name), "name" }, { offsetof(struct thing, name) + 11, "name" },
		{ offsetof(struct thing, up), "up" }, { offsetof(struct thing, root), "root" },
		{ offsetof(struct thing, root) + 7, "root" }, { offsetof(struct thing, uuid), "uuid" },
		{ offsetof(struct thing, uuid) + 15, "uuid" }, { offsetof(struct thing, offset), "offset" },
	};

	(void)state;
	put(1);
	memset(world.things[0].name, 'x', sizeof(world.things[0].name));
	pass();
	seen();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const json_t *old;

		((uint8_t *)&world.things[0])[cases[i].at] ^= 1;
		pass();
		old = json_object_get(kit_record(kit_command("records", "things", NULL), 0), "old");
		assert_int_equal(json_object_size(old), 1);
		assert_non_null(json_object_get(old, cases[i].member));
	}
}

/* Whoever makes nobody in particular responsible for it has each change of it recorded. */
static void changes_of_nobody(void **state)
{
	(void)state;
	put(1);
	pass();
	seen();
	for (unsigned int n = 0; n < 100; n++) {
		world.things[0].root++;
		pass();
		assert_memory_equal(seen(), "changed:1", 9);
	}
}

/*
 * Passes are numbered, in 16 bits for each item: where these begin anew, an item that comes or
 * goes is seen as ever.
 */
static void many_passes(void **state)
{
	struct ks_probe *probe = &kit_sensor.probes[0];

	(void)state;
	put(1);
	pass();
	seen();
	while (probe->passes < 65520) {
		probe->due_ns = 0;
		probe->work.run(&probe->work);
	}
	for (unsigned int n = 0; n < 30; n++) {
		world.count = n % 2;
		probe->due_ns = 0;
		probe->work.run(&probe->work);
		assert_string_equal(seen(), n % 2 ? "appeared:1" : "vanished:1");
	}
}

/*
 * How much is done in a step, where a look at the clock takes as long as a step may: one part of
 * the table is emptied, one item is looked at, one that vanished is told, or 64 places are gone
 * through in search of one.
 */
static void work_of_a_step(void **state)
{
	const struct ks_probe *probe = &kit_sensor.probes[0];
	uint64_t steps;

	(void)state;
	for (uint32_t id = 1; id <= 5; id++)
		put(id);
	port_look_ns = KS_STEP_BUDGET_NS;
	pass();
	assert_string_equal(seen(), "present:1 present:2 present:3 present:4 present:5");
	/* the items, that there are no more, and the end */
	assert_int_equal(probe->steps, 5 + 1 + 1);
	steps = probe->steps;
	pass();
	/* and before them a look at what there is to be emptied */
	assert_int_equal(probe->steps - steps, 1 + 7);
	steps = probe->steps;
	world.count = 2;
	pass();
	assert_string_equal(seen(), "vanished:3 vanished:4 vanished:5");
	/* and who is left is all that was seen: no more is gone through */
	assert_int_equal(probe->steps - steps, 1 + 2 + 1 + 3 + 1);
	kit_command("reset", "things", NULL);
	pass();
	assert_int_equal(probe->steps, 16 + 2 + 1 + 1); /* 4096 places, 256 of them at once */
	port_look_ns = 0;
	world.count = 0;
	kit_command("reset", "things", NULL);
	for (uint32_t id = 1; id <= 257; id++)
		put(id);
	pass();
	seen();
	world.count = 256;
	port_look_ns = KS_STEP_BUDGET_NS;
	steps = probe->steps;
	pass();
	assert_string_equal(seen(), "vanished:257");
	assert_int_equal(probe->steps - steps, 1 + 256 + 1 + 4 + 1 + 1);
}

static const struct ks_set_type large_set = { .kinds = kinds, .kinds_count = 2, .items_max = 4096, .next = next };

static const struct ks_probe_type large = {
	.name = "things",
	.interval_ns = { 4 * SECOND, 4 * SECOND, SECOND, SECOND },
	KS_SET_ENGINE(&large_set),
};

static const struct ks_probe_type *const large_types[] = { &large };

static int large_setup(void **state)
{
	(void)state;
	return start(large_types);
}

/*
 * A large table is not emptied in one step, which would keep a CPU from others for too long, but
 * in as many as it takes, a part of it in each; each look at the clock is the end of a step here.
 * A reset in the middle of that begins anew.  The sample after it is the first, as ever.
 */
static void reset_in_steps(void **state)
{
	const struct ks_probe *probe = &kit_sensor.probes[0];
	uint64_t steps;

	(void)state;
	for (uint32_t id = 1; id <= 5; id++)
		put(id);
	port_look_ns = KS_STEP_BUDGET_NS;
	pass();
	assert_string_equal(seen(), "present:1 present:2 present:3 present:4 present:5");
	steps = probe->steps;

	kit_command("reset", "things", NULL);
	while (probe->steps < 3)
		port_advance(1000000);
	world.things[0] = world.things[4];
	world.count = 4;
	assert_false(probe->passes);
	kit_command("reset", "things", NULL);
	pass();
	assert_string_equal(seen(), "present:5 present:2 present:3 present:4");
	assert_true(probe->steps >= steps + 4096 / 512);
	put(6);
	pass();
	assert_string_equal(seen(), "appeared:6");
}

/*
 * More things than the table holds: the newest are those that are kept.  The sample says that it
 * is incomplete as soon as that is so, and at its end how many of how many were looked at; again
 * when that changes, or when it is asked for.
 */
static void full_table(void **state)
{
	json_t *lines;

	(void)state;
	for (uint32_t id = 1; id <= 103; id++)
		put(id);
	pass();
	lines = kit_command("records", "things", NULL);
	assert_int_equal(kit_count(lines), 105);
	assert_string_equal(kit_text(lines, 101, "kind"), "incomplete");
	assert_true(json_is_true(json_object_get(kit_record(lines, 101), "so_far")));
	assert_int_equal(kit_number(lines, 101, "looked"), 100);
	assert_int_equal(kit_number(lines, 101, "of"), 101);
	assert_string_equal(kit_text(lines, 104, "kind"), "incomplete");
	assert_null(json_object_get(kit_record(lines, 104), "so_far"));
	assert_int_equal(kit_number(lines, 104, "looked"), 100);
	assert_int_equal(kit_number(lines, 104, "of"), 103);
	pass();
	assert_string_equal(seen(), "");
	assert_int_equal(kit_sensor.probes[0].passes, 2);
	/* which is so, though it is not told again */
	assert_int_equal(kit_sensor.probes[0].whole, 0);
	put(104);
	pass();
	assert_string_equal(seen(), "appeared:104 incomplete:100/104");
	lines = kit_command("records", "things", "{\"run\": true}");
	assert_int_equal(kit_count(lines), 106);
	for (size_t i = 0; i < 106; i++)
		assert_true(!strcmp(kit_text(lines, i, "kind"), "incomplete") ||
			    !strcmp(kit_text(lines, i, "event"), "present"));
	/* Whoever asked is told, whatever he filters by. */
	lines = kit_command("records", "things", "{\"run\": true, \"filter\": {\"kind\": \"none\"}}");
	assert_int_equal(kit_count(lines), 2);
	assert_string_equal(kit_text(lines, 1, "kind"), "incomplete");
	kit_command("records", "things", NULL);
	/* The newest are watched; of the oldest, nobody knows. */
	world.things[3].up = 0;
	world.things[4].up = 0;
	world.things[103].up = 0;
	pass();
	pass(); /* the one on request came in between */
	assert_string_equal(seen(), "changed:5(up=true) changed:104(up=true)");
	/* With room again, each has its place. */
	world.count = 100;
	pass();
	assert_string_equal(seen(), "vanished:101 vanished:102 vanished:103 vanished:104");
	pass();
	assert_string_equal(seen(), "present:1 present:2 present:3 present:4 incomplete:100/100");
	assert_int_equal(kit_sensor.probes[0].whole, kit_sensor.probes[0].ended);
}

/*
 * In a full table, in which some have no slot, those that go are told in the
 * pass that misses them.
 */
static void gone_from_a_full_table(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 103; id++)
		put(id);
	pass();
	seen();
	pass();
	assert_string_equal(seen(), "");
	world.count = 97;
	pass();
	/* In the order of their places. */
	assert_string_equal(seen(), "vanished:101 vanished:102 vanished:103 vanished:98 vanished:99 vanished:100");
}

/* Those that nobody can look at now are there all the same, and counted. */
static void full_table_unseen(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 60; id++)
		put(id);
	pass();
	seen();
	world.unseen = true;
	for (uint32_t id = 1; id <= 45; id++)
		world.parts[world.parts_count++] = (struct part){ .id = id };
	pass();
	assert_non_null(strstr(seen(), " incomplete:100/105"));
}

/*
 * A thing that had no slot and gets one later was there all the time, as far as anybody knows: it
 * did not appear.
 */
static void slot_for_one_that_was_there(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 101; id++)
		put(id);
	pass();
	seen();
	world.count = 100;
	pass();
	assert_string_equal(seen(), "vanished:101");
	pass();
	assert_string_equal(seen(), "present:1 incomplete:100/100");
	world.count = 99;
	pass();
	assert_string_equal(seen(), "vanished:100");
	put(102);
	pass();
	assert_string_equal(seen(), "appeared:102");
}

/*
 * Who left a full table is forgotten as soon as all have a place; when it is full again, those of
 * that time are new, if they come back.
 */
static void left_long_ago(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 110; id++)
		put(id);
	pass();
	memmove(&world.things[0], &world.things[20], 90 * sizeof(world.things[0]));
	world.count = 90;
	pass();
	pass();
	seen();
	for (uint32_t id = 201; id <= 212; id++)
		put(id);
	put(5);
	pass();
	assert_non_null(strstr(seen(), "appeared:212 appeared:5 incomplete:100/103"));
}

/* One has left a full table; another kind's, by the same key, is another, and new. */
static void left_by_kind(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 101; id++)
		put(id);
	pass();
	seen();
	world.parts[world.parts_count++] = (struct part){ .id = 1 };
	pass();
	assert_string_equal(seen(), "part-appeared:1 incomplete:100/102");
}

static const struct ks_set_type tiny_set = { .kinds = kinds, .kinds_count = 2, .items_max = 3, .next = next };

static const struct ks_probe_type tiny = {
	.name = "things",
	.interval_ns = { 4 * SECOND, 4 * SECOND, SECOND, SECOND },
	KS_SET_ENGINE(&tiny_set),
};

static const struct ks_probe_type *const tiny_types[] = { &tiny };

static int tiny_setup(void **state)
{
	(void)state;
	return start(tiny_types);
}

/*
 * So many have left that nobody can say of whom: then none is said to be new, until all have a
 * place again.
 */
static void left_too_many(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 150; id++)
		put(id);
	pass();
	seen();
	put(151);
	pass();
	assert_null(strstr(seen(), "appeared"));
	world.count = 3;
	pass();
	seen();
	pass();
	seen();
	put(200);
	world.things[0] = world.things[3];
	world.count = 3;
	pass();
	assert_string_equal(seen(), "appeared:200");
}

/* So little memory that of 200 things less than a tenth can be kept as a whole. */
static int small_setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	kit_prepare(large_types, 1);
	kit_config.memory_bytes = 10000;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	kit_forget_began();
	assert_true(kit_sensor.probes[0].memory_bytes - kit_config.ring_bytes < 16384);
	return 0;
}

/*
 * Of most things there is but a fingerprint: that one comes, changes or goes is seen all the same,
 * and what the record cannot show, it says.  One that has changed is kept as a whole from then on,
 * and so is what is new.
 */
static void fingerprints(void **state)
{
	const json_t *gone;

	(void)state;
	for (uint32_t id = 1; id <= 200; id++)
		put(id);
	pass();
	assert_int_equal(kit_count(kit_command("records", "things", NULL)), 200);
	pass();
	assert_string_equal(seen(), "");

	world.things[4].root = 5;
	world.things[199].root = 5;
	pass();
	assert_string_equal(seen(), "changed:5* changed:200(root=\"0xc8000\")");
	world.things[4].root = 6;
	pass();
	assert_string_equal(seen(), "changed:5(root=\"0x5\")");

	world.things[9] = world.things[199];
	world.count = 199;
	put(201);
	pass();
	gone = kit_record(kit_command("records", "things", "{\"peek\": true, \"filter\": {\"event\": \"vanished\"}}"),
			  0);
	assert_int_equal(json_integer_value(json_object_get(gone, "id")), 10);
	assert_null(json_object_get(gone, "name"));
	assert_string_equal(seen(), "appeared:201 vanished:10*");

	/* Nothing can be looked at for a while. */
	world.unseen = true;
	world.things[30].root = 8;
	pass();
	assert_string_equal(seen(), "");
	world.unseen = false;
	pass();
	assert_string_equal(seen(), "changed:31*");

	/* Its run time may change all day. */
	world.things[20].run_time = 77;
	pass();
	assert_string_equal(seen(), "");
	assert_int_equal(kit_count(kit_command("records", "things", "{\"run\": true}")), 200);
}

/* Of one that has but a fingerprint nothing is kept that could be taken over. */
static void kept_as_fingerprints(void **state)
{
	(void)state;
	world.thrifty = true;
	for (uint32_t id = 1; id <= 200; id++)
		put(id);
	pass();
	assert_int_equal(world.found_out, 200);
	seen();
	pass();
	assert_string_equal(seen(), "");
	assert_in_range(world.found_out, 200 + 150, 399);
}

/*
 * Any one byte of what is watched is in the fingerprint, and where one string ends and the next
 * begins.
 */
static void fingerprint_of_all(void **state)
{
	static const unsigned int bytes[] = {
		offsetof(struct thing, name), offsetof(struct thing, name) + 11, offsetof(struct thing, up),
		offsetof(struct thing, root) + 7, offsetof(struct thing, uuid), offsetof(struct thing, uuid) + 15,
		offsetof(struct thing, offset), offsetof(struct thing, offset) + 7,
	};

	(void)state;
	for (uint32_t id = 1; id <= 200; id++) {
		put(id);
		memset(world.things[id - 1].name, 'x', sizeof(world.things[id - 1].name));
	}
	pass();
	seen();
	for (unsigned int i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		char want[32];

		((uint8_t *)&world.things[i])[bytes[i]] ^= 1;
		pass();
		snprintf(want, sizeof(want), "changed:%u*", i + 1);
		assert_string_equal(seen(), want);
	}
}

/*
 * More than there are places even for fingerprints: the oldest have none, and what is new is seen,
 * however often that happens.
 */
static void beyond_fingerprints(void **state)
{
	uint64_t passes;

	(void)state;
	for (uint32_t id = 1; id <= 390; id++)
		put(id);
	pass();
	seen();
	passes = kit_sensor.probes[0].passes;
	for (uint32_t round = 0; round < 300; round++) {
		char appeared[32], present[32];
		const char *got;

		world.things[389] = (struct thing){ .id = 1000 + round, .up = 1 };
		for (passes++; kit_sensor.probes[0].passes < passes;)
			port_advance(SECOND / 10);
		got = seen();
		snprintf(appeared, sizeof(appeared), "appeared:%u", 1000 + round);
		/* Now and then so many have left the table that it is forgotten who. */
		snprintf(present, sizeof(present), "present:%u", 1000 + round);
		assert_true(strstr(got, appeared) || strstr(got, present));
		for (passes++; kit_sensor.probes[0].passes < passes;)
			port_advance(SECOND / 10);
		/* Those that have no place are not told to be new. */
		assert_null(strstr(seen(), "appeared"));
	}
}

/*
 * A walk that cannot be completed: nothing is said to have vanished, and the next goes on from
 * what was known.
 */
static void failed_walk(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 6; id++)
		put(id);
	pass();
	assert_string_equal(seen(), "present:1 present:2 present:3 present:4 present:5 present:6");
	world.fails = true;
	pass();
	pass();
	assert_string_equal(seen(), "");
	assert_string_equal(kit_sensor.probes[0].last_error, "the world fell apart");
	world.fails = false;
	world.count = 5;
	pass();
	assert_string_equal(seen(), "vanished:6");
}

static void swap_behind_the_walk(uint64_t at)
{
	struct thing thing;

	/*
	 * At the fourth the first changes places with the fifth: the walk meets it twice, and the
	 * fifth not at all.
	 */
	if (at != 3)
		return;
	thing = world.things[0];
	world.things[0] = world.things[4];
	world.things[4] = thing;
	world.meanwhile = NULL;
}

/* A thing that moves while the walk goes on is seen twice, and is one. */
static void moved_during_the_walk(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 6; id++)
		put(id);
	world.meanwhile = swap_behind_the_walk;
	pass();
	assert_string_equal(seen(), "present:1 present:2 present:3 present:4 present:6");
	pass();
	assert_string_equal(seen(), "appeared:5");
}

/* Empty places in the walk are no things. */
static void skipped(void **state)
{
	(void)state;
	put(1);
	put(0);
	put(2);
	pass();
	assert_string_equal(seen(), "present:1 present:2");
}

static uint64_t look_ns;

/* A world that changes at random between passes; the records in a text. */
static size_t history(char *text, size_t size)
{
	size_t len = 0;

	setup(NULL);
	for (int round = 0; round < 30; round++) {
		port_random_seed((uint64_t)round);
		world.count = 0;
		for (uint32_t id = 1; id <= 90; id++) {
			if (port_random_below(3) == 0)
				continue;
			put(id);
			world.things[world.count - 1].up = port_random_below(10) > 0;
		}
		port_look_ns = look_ns;
		port_advance(8 * SECOND);
		len += (size_t)snprintf(text + len, size - len, "%s\n", seen());
		assert_true(len < size);
	}
	kit_stop();
	return len;
}

/* In one step or in hundreds: the same records. */
static void steps_change_nothing(void **state)
{
	static char whole[300000], stepped[300000];
	size_t whole_len, stepped_len;

	(void)state;
	look_ns = 0;
	whole_len = history(whole, sizeof(whole));
	for (look_ns = 1000; look_ns <= 100000; look_ns *= 10) {
		stepped_len = history(stepped, sizeof(stepped));
		assert_int_equal(stepped_len, whole_len);
		assert_string_equal(stepped, whole);
	}
	assert_true(whole_len > 5000);
}

/*
 * A fresh sample that is more than the ring holds comes whole to whoever asked for it, as it is
 * sent while it is made; whether he takes the records or leaves them, which then push each other
 * out.
 */
static void sample_larger_than_the_ring(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	kit_prepare(types, 1);
	kit_config.ring_bytes = 64 * 1024;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	kit_forget_began();
	for (uint32_t id = 1; id <= 100; id++)
		put(id);
	port_look_ns = 1000;
	for (int peek = 0; peek < 2; peek++) {
		json_t *lines =
			kit_command("records", "things", peek ? "{\"run\": true, \"peek\": true}" : "{\"run\": true}");
		size_t count = kit_count(lines);

		assert_true(kit_sensor.probes[0].ring.next_seq > 2 * kit_sensor.probes[0].ring.held || !peek);
		assert_int_equal(count, 100);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(kit_number(lines, i, "id"), i + 1);
	}
	port_look_ns = 0;
	kit_stop();
}

/*
 * Very many things take long to look at: then the next look is later, so that at `low` it takes no
 * more than a hundredth of a CPU.
 */
static void rests(void **state)
{
	const struct ks_probe *probe = &kit_sensor.probes[0];
	uint64_t passes, start, took;

	(void)state;
	for (uint32_t id = 1; id <= 100; id++)
		put(id);
	kit_command("low", "things", NULL);
	port_look_ns = 180000; /* three of which are no more than counts of a step */
	while (!probe->passes)
		port_advance(SECOND / 100);
	port_look_ns = 0;
	took = probe->last_pass_ns;
	assert_true(100 * took > 5 * SECOND);
	passes = probe->passes;
	start = ks_port_time_ns();
	while (probe->passes == passes)
		port_advance(SECOND / 100);
	assert_in_range(ks_port_time_ns() - start, 98 * took, 100 * took);
	/* Now it took next to nothing again. */
	passes = probe->passes;
	port_advance(5 * SECOND);
	assert_true(probe->passes > passes);
}

static const struct ks_probe_type *const usual_types[1];

/* Wherever memory ends at the start, what was taken is given back, and the probe stays off. */
static void no_memory(void **state)
{
	(void)state;
	for (long left = 0; left < 2 * 9; left++) {
		kit_prepare(types, 1);
		port_allocations_left = left / 2;
		port_fails_once = left % 2;
		if (!ks_sensor_start(&kit_sensor, &kit_config))
			assert_int_equal(kit_sensor.probes[0].on, left / 2 == 8);
		kit_stop();
	}
	for (long left = 0; left < 2 * 10; left++) {
		kit_prepare(usual_types, 1);
		port_allocations_left = left / 2;
		port_fails_once = left % 2;
		if (!ks_sensor_start(&kit_sensor, &kit_config))
			assert_int_equal(kit_sensor.probes[0].on, left / 2 == 9);
		kit_stop();
	}
}

/*
 * The probe's own init() comes when the engine has what it needs, and when that fails, all is
 * given back; its exit() only if it had succeeded.
 */
static int init_result;
static unsigned int inits, exits;

static int count_init(struct ks_probe *probe)
{
	assert_non_null(probe->data);
	inits++;
	return init_result;
}

static void count_exit(struct ks_probe *probe)
{
	assert_non_null(probe->data);
	exits++;
}

static void init_and_exit(void **state)
{
	static const struct ks_set_type own_set = {
		.kinds = kinds, .kinds_count = 2, .items_max = 100, .next = next, .init = count_init,
		.exit = count_exit,
	};
	static const struct ks_probe_type own = {
		.name = "things", .interval_ns = { SECOND, SECOND, SECOND, SECOND }, KS_SET_ENGINE(&own_set),
	};
	static const struct ks_probe_type *const own_types[] = { &own };

	(void)state;
	memset(&world, 0, sizeof(world));
	for (init_result = -1; init_result <= 0; init_result++) {
		inits = exits = 0;
		kit_start(own_types, 1);
		assert_int_equal(kit_sensor.probes[0].on, !init_result);
		assert_int_equal(inits, 1);
		kit_stop();
		assert_int_equal(exits, !init_result);
	}
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, setup, kit_teardown)

/*
 * A probe may look at what the last sample has of an item, and take over what it knows to be the
 * same.
 */
static void kept(void **state)
{
	(void)state;
	world.thrifty = true;
	put(1);
	put(2);
	world.parts[world.parts_count++] = (struct part){ .id = 3 };
	pass();
	assert_int_equal(world.found_out, 2);
	world.things[0].root = 5;
	put(3); /* the part by that key is another kind's */
	seen();
	pass();
	assert_string_equal(seen(), "appeared:3");
	assert_int_equal(world.found_out, 3);
	world.things[1] = world.things[2];
	world.count = 2;
	pass();
	put(2);
	pass();
	assert_int_equal(world.found_out, 4);
	kit_command("reset", "things", NULL);
	pass();
	assert_int_equal(world.found_out, 7);
}

/*
 * An item that is to be had elsewhere only: the walk goes on with it in another step, and the
 * sample is the same.
 */
static void elsewhere(void **state)
{
	uint64_t steps;

	(void)state;
	put(1);
	put(2);
	put(3);
	pass();
	seen();
	steps = kit_sensor.probes[0].steps;
	world.elsewhere = 1;
	world.things[2].up = 0;
	pass();
	assert_string_equal(seen(), "changed:3(up=true)");
	assert_int_equal(kit_sensor.probes[0].steps, steps + 2);
}

/* === Items that are known by what they usually are ======================== */

/* A thing's usual root is as put() made it; a part has nothing usual. */
static bool usual(struct ks_probe *probe, unsigned int kind, void *item)
{
	struct thing *thing = item;

	(void)probe;
	if (kind)
		return false;
	thing->root = 0x1000U * thing->id;
	return true;
}

static const struct ks_set_type usual_set = {
	.kinds = kinds, .kinds_count = 2, .items_max = 3, .next = next, .usual = usual,
};

static const struct ks_probe_type usual_things = {
	.name = "things",
	.interval_ns = { 4 * SECOND, 4 * SECOND, SECOND, SECOND },
	KS_SET_ENGINE(&usual_set),
};

static const struct ks_probe_type *const usual_types[1] = { &usual_things };

static int usual_setup(void **state)
{
	(void)state;
	return start(usual_types);
}

/*
 * One that the last sample had not has changed from what it usually is; from then on it is as any
 * other.
 */
static void unusual(void **state)
{
	(void)state;
	put(1);
	pass();
	/* in the first sample nobody knows since when it is so */
	assert_string_equal(seen(), "present:1");
	put(2);
	world.things[1].root = 5;
	world.parts[world.parts_count++] = (struct part){ .id = 2 };
	pass();
	assert_string_equal(seen(), "changed:2(root=\"0x2000\") part-appeared:2");
	pass();
	assert_string_equal(seen(), "");
	world.things[1].root = 0x2000;
	pass();
	assert_string_equal(seen(), "changed:2(root=\"0x5\")");
	/* It became usual again while it was looked at. */
	put(3);
	world.things[0] = world.things[2];
	world.count = 2;
	pass();
	assert_string_equal(seen(), "changed:3");
	pass();
	assert_string_equal(seen(), "");
}

/* In a full table, too: the oldest gives way to it, and the same change is not told each time. */
static void unusual_in_a_full_table(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 3; id++)
		put(id);
	pass();
	seen();
	put(4);
	world.things[3].root = 5;
	pass();
	assert_string_equal(seen(), "changed:4(root=\"0x4000\") incomplete:3/4 incomplete:3/4");
	pass();
	assert_string_equal(seen(), "");
}

/* === The table by itself ================================================= */

/*
 * Two strings beside each other: where one ends and the other begins is told from the fingerprint,
 * too.
 */
struct pair {
	uint32_t id;
	char a[8], b[8];
};

static const struct ks_field pair_fields[] = {
	KS_FIELD(struct pair, id, KS_U32),
	KS_FIELD(struct pair, a, KS_STRING),
	KS_FIELD(struct pair, b, KS_STRING),
};

static void contents(void **state)
{
	static const struct ks_set_kind pairs[] = { KS_KIND("pair", struct pair, pair_fields, id, "") };
	static const struct pair one = { .id = 1, .a = "", .b = "x" }, other = { .id = 1, .a = "x", .b = "" };
	static const struct pair third = { .id = 3, .a = "", .b = "x\0y" };
	struct ks_table of_pairs = { .kinds = pairs, .key = { 5, 7 } };
	uint64_t content, hash;

	(void)state;
	assert_true(ks_table_content(&of_pairs, pairs, &one) != ks_table_content(&of_pairs, pairs, &other));
	/* The key is known otherwise, and what lies behind a string's end is nothing. */
	assert_true(ks_table_content(&of_pairs, pairs, &one) == ks_table_content(&of_pairs, pairs, &third));
	assert_true(ks_table_hash(&of_pairs, 0, &one) != ks_table_hash(&of_pairs, 0, &third));
	content = ks_table_content(&of_pairs, pairs, &one);
	hash = ks_table_hash(&of_pairs, 0, &one);
	of_pairs.key[0]++;
	/* Nobody outside can aim at one: all of them are of the key. */
	assert_true(ks_table_content(&of_pairs, pairs, &one) != content);
	assert_true(ks_table_hash(&of_pairs, 0, &one) != hash);
	assert_true(ks_table_content(&of_pairs, pairs, &one) != ks_table_content(&of_pairs, pairs, &other));
}

/* All of a key counts, whatever its length. */
static void keys_of_all_lengths(void **state)
{
	(void)state;
	for (uint16_t bytes = 1; bytes <= 40; bytes++) {
		struct ks_set_kind kind = { .key_bytes = bytes };
		struct ks_table of_kind = { .kinds = &kind, .key = { 5, 7 } };
		uint8_t key[48] = { 0 };
		uint64_t hash = ks_table_hash(&of_kind, 0, key);

		key[bytes] = 1;
		assert_true(ks_table_hash(&of_kind, 0, key) == hash);
		for (uint16_t i = 0; i < bytes; i++) {
			key[i] = 1;
			assert_true(ks_table_hash(&of_kind, 0, key) != hash);
			key[i] = 0;
		}
	}
}

/* Who makes an item come and go, by a number of 16 or of 32 bits. */
static void sources(void **state)
{
	struct {
		uint8_t pad[8];
		uint16_t narrow, other;
		uint32_t wide;
		uint8_t uuid[16];
	} item = { .narrow = 0x7ff0, .other = 0xeeee, .wide = 0x12345678 };
	struct ks_set_kind kind = { .source_at = 8, .source_bytes = 2 };
	struct ks_table table = { .key = { 1, 2 } };
	uint32_t number;

	(void)state;
	assert_int_equal(ks_set_source(&table, &kind, &item), 0x7ff0);
	kind.source_at = 12;
	kind.source_bytes = 4;
	assert_int_equal(ks_set_source(&table, &kind, &item), 0x12345678);
	/* No user, whatever his number, has the place of a kind of things or of the sensor. */
	item.wide = KS_OWNER_LAST - 1;
	assert_int_equal(ks_set_source(&table, &kind, &item), item.wide);
	for (item.wide = KS_OWNER_LAST; item.wide; item.wide++)
		assert_int_equal(ks_set_source(&table, &kind, &item), KS_OWNER_LAST);
	for (uint32_t i = 0; i < KS_RING_KINDS; i++)
		assert_true(KS_KIND_SOURCE(i) > KS_OWNER_LAST && KS_KIND_SOURCE(i) < KS_NO_SOURCE);
	/*
	 * A uuid is any number, the same for the same one, by a key that nobody knows; that
	 * of zeros is Dom0's.
	 */
	kind.source_at = 16;
	kind.source_bytes = 16;
	assert_int_equal(ks_set_source(&table, &kind, &item), 0);
	for (unsigned int i = 0; i < 16; i++) {
		item.uuid[i] = 1;
		number = ks_set_source(&table, &kind, &item);
		assert_in_range(number, 1, KS_OWNER_LAST);
		assert_int_equal(ks_set_source(&table, &kind, &item), number);
		table.key[0]++;
		assert_int_not_equal(ks_set_source(&table, &kind, &item), number);
		table.key[0]--;
		item.uuid[i] = 0;
		item.uuid[(i + 1) % 16] = 1;
		assert_int_not_equal(ks_set_source(&table, &kind, &item), number);
		item.uuid[(i + 1) % 16] = 0;
	}
	kind.source_bytes = 0;
	assert_int_equal(ks_set_source(&table, &kind, &item), KS_NO_SOURCE);
}

/*
 * Half full, the filter takes one of 256 for one of those that have left; empty, none; with more
 * than that in it, it is of no use.
 */
static void filter(void **state)
{
	static uint64_t bits[64];
	struct ks_table filtered = { .filter = bits, .filter_bits = 4096 };
	unsigned int taken = 0;

	(void)state;
	port_reset();
	while (filtered.filter_set < 2048) {
		uint64_t bit = port_random_below(4096);

		filtered.filter_set += !(bits[bit / 64] >> (bit % 64) & 1);
		bits[bit / 64] |= 1ULL << (bit % 64);
	}
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t hash;

		ks_port_random(&hash, sizeof(hash));
		taken += ks_table_has_left(&filtered, hash);
	}
	assert_in_range(taken, 300, 480);
	assert_false(ks_table_left_too_many(&filtered));
	filtered.filter_set++;
	assert_true(ks_table_left_too_many(&filtered));
	memset(bits, 0xff, sizeof(bits));
	assert_true(ks_table_has_left(&filtered, 5));
	filtered.filter_set = 0;
	assert_false(ks_table_has_left(&filtered, 5));
	/* A bit that happens to be set is not enough. */
	memset(bits, 0, sizeof(bits));
	bits[0] = 1ULL << 3;
	filtered.filter_set = 1;
	assert_false(ks_table_has_left(&filtered, 3ULL << 32));
}

/*
 * A table of its own, of a probe that is there for no more than that: all fields of it that the
 * engine does not set are zero.
 */
static struct ks_table table;
static struct ks_probe table_probe;

static void make_table(const struct ks_set_type *type, uint64_t memory_bytes)
{
	static struct ks_sensor sensor;
	static struct ks_probe_type probe_type;
	static const struct ks_probe_type *const only[] = { &probe_type };

	port_reset();
	probe_type = (struct ks_probe_type){ .size = ks_set_size, .engine = type };
	sensor = (struct ks_sensor){ .config = { .types = only, .types_count = 1, .memory_bytes = memory_bytes },
				     .count = 1,
				     .probes = &table_probe };
	memset(&table_probe, 0, sizeof(table_probe));
	table_probe.type = &probe_type;
	table_probe.sensor = &sensor;
	memset(&table, 0, sizeof(table));
	assert_int_equal(ks_table_init(&table, &table_probe), 0);
	table.pass = 1;
}

static void end_table(void)
{
	ks_table_exit(&table);
	assert_int_equal(port_allocated, 0);
}

/*
 * So small that a fingerprint would save nothing; of the second kind nobody in particular makes
 * any, the third must not change.
 */
struct owned {
	uint32_t id, owner;
};

static const struct ks_field owned_fields[] = {
	KS_FIELD(struct owned, id, KS_U32), KS_FIELD(struct owned, owner, KS_U32),
};

static const struct ks_set_kind owned_kinds[] = {
	KS_KIND_BY("owned", struct owned, owned_fields, id, owner, ""),
	KS_KIND("nobody's", struct owned, owned_fields, id, ""),
};

static const struct ks_set_kind still_kinds[] = { KS_STILL("still", struct thing, thing_fields, id, "") };
static const struct ks_set_kind alarm_kinds[] = {
	KS_KIND("part", struct part, part_fields, id, ""),
	KS_ALARMS("thing", struct thing, thing_fields, id, ""),
};

static const struct ks_set_type twenty = { .kinds = owned_kinds, .kinds_count = 2, .items_max = 20 };
static const struct ks_set_type twenty_still = { .kinds = still_kinds, .kinds_count = 1, .items_max = 20 };

/* What a start without memory says. */
static void minus_one(void **state)
{
	(void)state;
	make_table(&twenty, 0);
	end_table();
	for (long n = 0; n < 2 * 6; n++) {
		long left = n / 2;

		port_fails_once = n % 2;
		port_allocations_left = left;
		assert_int_equal(ks_set_init(&table_probe), -1);
		assert_null(table_probe.data);
		port_allocations_left = left;
		memset(&table, 0, sizeof(table));
		assert_int_equal(ks_table_init(&table, &table_probe), left < 4 ? -1 : 0);
		ks_table_exit(&table);
		assert_int_equal(port_allocated, 0);
	}
}

/* How many blocks, chains, bits and bytes a table has. */
static void shapes(void **state)
{
	static const struct ks_set_type of_256 = { .kinds = kinds, .kinds_count = 2, .items_max = 256 };
	static const struct ks_set_type of_257 = { .kinds = kinds, .kinds_count = 2, .items_max = 260 };
	static const struct ks_set_type with_alarms = { .kinds = alarm_kinds, .kinds_count = 2, .items_max = 200 };
	static const struct ks_set_type few_alarms = { .kinds = alarm_kinds, .kinds_count = 2, .items_max = 3 };
	static const struct {
		const struct ks_set_type *type;
		uint64_t memory_bytes;
		uint32_t alarm_blocks, blocks, prints, wholes_min, chains, bits, block_bytes[KS_PARTS];
	} cases[] = {
		{ &large_set, 0, 0, 4096, 0, 256, 1024, 16384, { 16, 80 } },
		{ &large_set, 10000, 0, 99, 3, 7, 128, 2048, { 16, 80 } },
		{ &large_set, 100 * 101, 0, 100, 3, 7, 128, 2048, { 16, 80 } },
		{ &large_set, 4095 * 101, 0, 4095, 3, 256, 4096, 65536, { 16, 80 } },
		{ &large_set, 1, 0, 16, 3, 1, 16, 512, { 16, 80 } },
		{ &of_256, 0, 0, 256, 0, 16, 64, 1024, { 16, 80 } },
		{ &of_257, 0, 0, 260, 0, 17, 128, 2048, { 16, 80 } },
		{ &tiny_set, 0, 0, 3, 0, 1, 16, 512, { 16, 80 } },
		{ &tiny_set, 1, 0, 3, 0, 1, 16, 512, { 16, 80 } },
		{ &with_alarms, 0, 128, 328, 0, 13, 128, 2048, { 80, 24 } },
		{ &with_alarms, 128 * 95 + 50 * 39, 128, 178, 0, 4, 64, 1024, { 80, 24 } },
		{ &with_alarms, 128 * 95, 128, 144, 0, 1, 64, 1024, { 80, 24 } },
		{ &few_alarms, 0, 3, 6, 0, 1, 16, 512, { 80, 24 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t alarms = cases[i].alarm_blocks, all = cases[i].blocks;

		make_table(cases[i].type, cases[i].memory_bytes);
		assert_int_equal(table.alarm_blocks, alarms);
		assert_int_equal(table.blocks_count, all);
		assert_int_equal(table.prints, cases[i].prints);
		assert_int_equal(table.wholes_min, cases[i].wholes_min);
		assert_int_equal(table.wholes, all - alarms);
		assert_int_equal(table.chains_count, cases[i].chains);
		assert_int_equal(table.filter_bits, cases[i].bits);
		assert_int_equal(table.item_bytes, 64);
		for (unsigned int part = 0; part < KS_PARTS; part++)
			assert_int_equal(table.block_bytes[part], cases[i].block_bytes[part]);
		assert_int_equal(table_probe.memory_bytes, all * 12 + alarms * table.block_bytes[0] +
								   (all - alarms) * table.block_bytes[1] +
								   cases[i].chains * 4 + cases[i].bits / 8);
		end_table();
	}
}

static void keep(uint8_t kind, uint32_t id, uint32_t owner)
{
	struct owned item = { .id = id, .owner = owner };

	ks_table_keep(&table, kind, &item, ks_table_hash(&table, kind, &item));
}

static uint32_t find(uint8_t kind, uint32_t id)
{
	return ks_table_find(&table, ks_table_hash(&table, kind, &id), kind, &id);
}

/* Of ids 1 to 20, the one that gave way to another; it has left, and no other. */
static uint32_t gone(void)
{
	uint32_t id = 0;

	for (uint32_t i = 1; i <= 20; i++) {
		bool is_there = find(0, i) != KS_NO_SLOT || find(1, i) != KS_NO_SLOT;

		if (is_there)
			continue;
		assert_int_equal(id, 0);
		id = i;
	}
	assert_true(ks_table_has_left(&table, ks_table_hash(&table, 0, &id)) ||
		    ks_table_has_left(&table, ks_table_hash(&table, 1, &id)));
	assert_int_equal(table.used, 20);
	return id;
}

/*
 * Who gives way in a full table: the oldest of whoever has the most; 16 are asked, the oldest, and
 * where these are all of others, some anywhere.
 */
static void the_oldest_of_most(void **state)
{
	static const struct {
		/* so many come first, of that owner or of one each; and who gives way */
		uint32_t few, few_owner, gone;
		uint8_t kind;                  /* of those */
		bool each;                     /* the rest is of one each, too */
	} cases[] = {
		{ 0, 8, 1, 0, false }, { 5, 8, 6, 0, false }, { 9, 8, 10, 0, false }, { 10, 8, 1, 0, false },
		{ 15, 0, 16, 0, false },
		{ 16, 0, 17, 0, false }, { 10, 8, 11, 1, false }, { 15, 8, 16, 1, false }, { 5, 8, 6, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_table(&twenty, 0);
		for (uint32_t id = 1; id <= 20; id++) {
			bool few = id <= cases[i].few;

			keep(few ? cases[i].kind : 0, id,
			     few && cases[i].few_owner ? cases[i].few_owner : few || cases[i].each ? 100 + id : 7);
		}
		assert_true(ks_table_is_full(&table, owned_kinds));
		keep(0, 21, 9);
		assert_int_equal(gone(), cases[i].gone);
		assert_int_equal(table.unkept, 1); /* which was seen in this pass */
		assert_int_equal(table.filter_set, 8);
		table.pass++;
		keep(0, 22, 9);
		assert_int_equal(table.unkept, 1);
		/* Who has left is forgotten at once, and all of it in the end. */
		memset(table.filter, 0xff, table.filter_bits / 8);
		ks_table_forget_left(&table);
		assert_false(ks_table_has_left(&table, 0));
		while (!ks_table_forget(&table))
			;
		assert_int_equal(table.filter_set, 0);
		for (uint32_t n = 0; n < table.filter_bits / 64; n++)
			assert_int_equal(table.filter[n], 0);
		/* And by a reset. */
		memset(table.filter, 0xff, table.filter_bits / 8);
		ks_table_reset(&table);
		while (!ks_table_forget(&table))
			;
		for (uint32_t n = 0; n < table.filter_bits / 64; n++)
			assert_int_equal(table.filter[n], 0);
		end_table();
	}
}

/* Which of 255 places counts the items of whom is by the key, too: also of user or domain 0. */
static void places_of_sources(void **state)
{
	(void)state;
	for (uint32_t owner = 0; owner < 3; owner++) {
		bool used[KS_SET_SOURCES] = { false };
		unsigned int places = 0;

		make_table(&twenty, 0);
		for (uint64_t n = 0; n < 2000; n++) {
			uint8_t place;

			ks_port_random(table.key, sizeof(table.key));
			keep(0, 1, owner);
			place = ks_table_slot(&table, find(0, 1))->source;
			assert_int_not_equal(place, 0);
			assert_int_equal(table.sources[place], 1);
			places += !used[place];
			used[place] = true;
			ks_table_drop(&table, find(0, 1));
		}
		assert_in_range(places, 240, 255);
		keep(1, 2, owner);
		assert_int_equal(table.sources[0], 1); /* whose items nobody in particular makes */
		keep(0, 3, owner);
		ks_table_reset(&table);
		for (unsigned int i = 0; i < KS_SET_SOURCES; i++)
			assert_int_equal(table.sources[i], 0);
		end_table();
	}
}

/* Of fingerprints that are alike, each gives way in its turn, round and round over all of them. */
static void prints_in_turn(void **state)
{
	(void)state;
	make_table(&large_set, 1);
	assert_int_equal(table.prints * (table.blocks_count - 1), 45);
	for (uint32_t id = 1; id <= 46; id++) {
		struct thing thing = { .id = id };

		ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
	}
	assert_int_equal(table.used, 46);
	for (uint32_t n = 1; n <= 90; n++) {
		struct thing thing = { .id = 100 + n };
		uint32_t left = 0;

		ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
		for (uint32_t id = 1; id <= 46; id++)
			left += find(0, id) != KS_NO_SLOT;
		assert_int_equal(left, n < 46 ? 46 - n : 0);
		assert_int_equal(table.used, 46);
	}
	end_table();
}

/*
 * The next that gives way is in a block whose last item goes: the block is no longer one for
 * fingerprints, and the round begins anew.  That another block goes is nothing to it.
 */
static void round_over_what_is_left(void **state)
{
	uint32_t hand, block;

	(void)state;
	make_table(&large_set, 1);
	for (uint32_t id = 1; id <= 50; id++) {
		struct thing thing = { .id = id };

		ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
	}
	hand = table.print_hand;
	assert_int_not_equal(hand, KS_NO_SLOT);
	for (int turn = 0; turn < 2; turn++) {
		block = turn ? hand / KS_PLACES : table.used_prints.newest;
		assert_int_equal(block == hand / KS_PLACES, turn);
		for (uint32_t id = 1; id <= 50; id++)
			if (find(0, id) != KS_NO_SLOT && find(0, id) / KS_PLACES == block)
				ks_table_drop(&table, find(0, id));
		assert_int_equal(table.blocks[block].use, KS_BLOCK_FREE);
		assert_int_equal(table.print_hand, turn ? KS_NO_SLOT : hand);
	}
	end_table();
}

/* A kind that is large enough for fingerprints, and whose items somebody makes. */
struct owned_large {
	uint32_t id, owner;
	uint8_t rest[56];
};

static const struct ks_field owned_large_fields[] = {
	KS_FIELD(struct owned_large, id, KS_U32), KS_FIELD(struct owned_large, owner, KS_U32),
};
static const struct ks_set_kind owned_large_kinds[] = {
	KS_KIND_BY("owned", struct owned_large, owned_large_fields, id, owner, ""),
};
static const struct ks_set_type owned_large = { .kinds = owned_large_kinds, .kinds_count = 1, .items_max = 4096 };
static const struct ks_set_type large_160 = { .kinds = owned_large_kinds, .kinds_count = 1, .items_max = 160 };

static void keep_large(uint32_t id, uint32_t owner)
{
	struct owned_large item = { .id = id, .owner = owner };

	ks_table_keep(&table, 0, &item, ks_table_hash(&table, 0, &item));
}

/*
 * Of fingerprints, too, those of whoever has the most give way, and not those of others; also
 * where the next sixteen are all of others.
 */
static void prints_of_most(void **state)
{
	(void)state;
	for (uint32_t few = 15; few <= 16; few++) {
		uint32_t id = 100;

		make_table(&owned_large, 1);
		assert_int_equal(table.prints * (table.blocks_count - 1), 45);
		for (unsigned int n = 0; n < 46; n++)
			keep_large(id++, 77);
		/* One each, and one beside the other. */
		for (uint32_t i = 1; i <= few; i++)
			keep_large(i, i);
		for (unsigned int n = 0; n < 200; n++) {
			keep_large(id++, 77);
			for (uint32_t i = 1; i <= few; i++)
				assert_int_not_equal(find(0, i), KS_NO_SLOT);
		}
		assert_int_equal(table.used, 46);
		end_table();
	}
}

/*
 * Nor have others to be few, or to lie among what is asked next: who comes later, and with more
 * than there is room for, pushes out himself.
 */
static void who_comes_later(void **state)
{
	static const struct ks_set_type *const types[] = { &large_160, &owned_large };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		uint32_t room, others, lost = 0;

		make_table(types[i], 20000);
		assert_int_equal(!table.prints, !i);
		room = table.prints ? (table.blocks_count - table.wholes_min) * table.prints : table.blocks_count;
		others = room / 4;
		for (uint32_t id = 1; id <= others; id++)
			keep_large(id, 100 + id);
		for (uint32_t id = 1; id <= 4 * room; id++)
			keep_large(100000 + id, 77);
		for (uint32_t id = 1; id <= others; id++)
			lost += find(0, id) == KS_NO_SLOT;
		assert_int_equal(lost, 0);
		assert_true(table.used >= room);
		end_table();
	}
}

/* What has vanished gives way first, and last what is known to have been another at first. */
static void first_values_stay(void **state)
{
	struct thing thing = { .id = 0 };
	struct ks_whole *wholes[21];

	(void)state;
	make_table(&twenty_still, 0);
	for (uint32_t id = 1; id <= 20; id++) {
		thing.id = id;
		wholes[id] = ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
		assert_int_equal(wholes[id]->changed_ns, 0);
	}
	thing.root = 5;
	ks_table_changed(&table, wholes[1], &thing);
	assert_int_equal(wholes[1]->changed_ns, ks_port_time_ns());
	assert_memory_equal(ks_table_first(&table, wholes[1]), &thing, sizeof(thing));
	assert_int_equal(*ks_table_changes(&table, wholes[1]), 1);
	thing.root = 6;
	port_suspend(1);
	ks_table_changed(&table, wholes[1], &thing);
	assert_int_equal(*ks_table_changes(&table, wholes[1]), 2);
	thing.root = 5;
	assert_memory_equal(ks_table_first(&table, wholes[1]), &thing, sizeof(thing));
	assert_int_equal(wholes[1]->changed_ns, ks_port_time_ns() - 1);
	/* Wherever it is among the others. */
	ks_table_gone(&table, find(0, 20));
	assert_int_equal(table.used, 19);
	assert_false(ks_table_is_full(&table, still_kinds));
	thing.id = 21;
	ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
	assert_int_equal(find(0, 20), KS_NO_SLOT);
	assert_int_equal(table.used, 20);
	assert_int_equal(table.filter_set, 0); /* it had gone by itself */
	assert_true(ks_table_is_full(&table, still_kinds));
	thing.id = 22;
	ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
	assert_int_equal(find(0, 2), KS_NO_SLOT);
	assert_int_not_equal(find(0, 1), KS_NO_SLOT);
	/* All are such: the oldest. */
	for (uint32_t id = 1; id <= 22; id++)
		if (find(0, id) != KS_NO_SLOT)
			ks_table_changed(&table, ks_whole_of(ks_table_slot(&table, find(0, id))), &thing);
	thing.id = 23;
	wholes[0] = ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
	assert_int_equal(find(0, 1), KS_NO_SLOT);
	/* Whoever comes to its place has changed as often as he has himself. */
	assert_ptr_equal(wholes[0], wholes[1]);
	ks_table_changed(&table, wholes[0], &thing);
	assert_int_equal(*ks_table_changes(&table, wholes[0]), 1);
	end_table();
}

/* What is in the table, looked at from all sides: what is counted is what there is. */
static void check_table(uint32_t ids)
{
	uint32_t found = 0, prints = 0, whole_blocks = 0, free_blocks = 0, walked = 0, by_source = 0, in_filter = 0;

	for (uint32_t id = 1; id <= ids; id++) {
		uint32_t i = find(0, id);

		if (i == KS_NO_SLOT) {
			continue;
		}
		found++;
		prints += ks_table_is_print(&table, i);
		assert_int_equal(*(const uint32_t *)(const void *)ks_table_key(&table, i), id);
		assert_int_equal(ks_table_slot(&table, i)->kind, 0);
		assert_int_not_equal(ks_table_slot(&table, i)->pass, 0);
	}
	assert_int_equal(table.used, found);
	for (uint32_t i = 0; i < table.filter_bits / 64; i++)
		in_filter += (uint32_t)__builtin_popcountll(table.filter[i]);
	assert_int_equal(table.filter_set, in_filter);
	for (unsigned int i = 0; i < KS_SET_SOURCES; i++)
		by_source += table.sources[i];
	assert_int_equal(by_source, found);
	for (uint32_t i = 0; i < table.blocks_count; i++) {
		whole_blocks += table.blocks[i].use == KS_BLOCK_WHOLE;
		free_blocks += table.blocks[i].use == KS_BLOCK_FREE;
		if (table.blocks[i].use < KS_BLOCK_WHOLE)
			prints -= table.blocks[i].use;
	}
	assert_int_equal(prints, 0);
	assert_int_equal(table.wholes, whole_blocks + free_blocks);
	assert_true(table.wholes >= table.wholes_min);
	/* Each slot once, by a walk over all. */
	for (uint32_t i = 0; i < table.blocks_count * KS_PLACES; i = ks_table_after(&table, i))
		walked += table.blocks[i / KS_PLACES].use != KS_BLOCK_FREE && ks_table_slot(&table, i)->pass;
	assert_int_equal(walked, found);
}

/*
 * Items come and go at random, in a table that is too small for all as a whole, and too small for
 * all.
 */
static void sound_at_random(void **state)
{
	enum { IDS = 400 };
	static bool is_there[IDS + 1];

	(void)state;
	for (uint64_t round = 0; round < (uint64_t)port_rounds(40) * 2; round++) {
		make_table(&large_set, 16 * 101 + round * 1000);
		port_random_seed(round);
		memset(is_there, 0, sizeof(is_there));
		for (unsigned int n = 0; n < 3000; n++) {
			uint32_t id = 1 + (uint32_t)port_random_below(IDS), i = find(0, id);
			struct thing thing = { .id = id, .root = id };

			/* It fills, it empties, and it fills again. */
			if (i != KS_NO_SLOT && port_random_below(n / 1000 % 2 ? 1 : 4) == 0) {
				assert_true(is_there[id]);
				ks_table_drop(&table, i);
				is_there[id] = false;
				assert_int_equal(find(0, id), KS_NO_SLOT);
			} else if (i == KS_NO_SLOT && n / 1000 % 2 == 0) {
				struct ks_whole *whole;

				if (is_there[id])
					assert_true(ks_table_has_left(&table, ks_table_hash(&table, 0, &thing)));
				whole = ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
				assert_memory_equal(whole->item, &thing, sizeof(thing));
				is_there[id] = true;
				assert_int_not_equal(find(0, id), KS_NO_SLOT);
			}
			if (n % 10 == 0)
				check_table(IDS);
		}
		/* All of it can be had back. */
		for (uint32_t id = 1; id <= IDS; id++)
			if (find(0, id) != KS_NO_SLOT)
				ks_table_drop(&table, find(0, id));
		check_table(IDS);
		assert_int_equal(table.wholes, table.blocks_count);
		assert_int_equal(table.free_print, KS_NO_SLOT);
		assert_int_equal(table.used_prints.oldest, KS_NO_BLOCK);
		end_table();
	}
}

/*
 * Items come, go, are kept for their first value and come back: no more than 20 are there at once,
 * so none of these has to leave.
 */
static void gone_at_random(void **state)
{
	enum { IDS = 40, MOST = 20 };

	(void)state;
	for (uint64_t round = 0; round < (uint64_t)port_rounds(40); round++) {
		bool is_there[IDS + 1] = { false };
		uint32_t there = 0;

		make_table(&twenty_still, 0);
		port_random_seed(round);
		for (unsigned int n = 0; n < 2000; n++) {
			uint32_t id = 1 + (uint32_t)port_random_below(IDS), i = find(0, id), found = 0, by_source = 0;
			struct thing thing = { .id = id };

			if (is_there[id] && port_random_below(4)) {
				ks_table_gone(&table, i);
			} else if (is_there[id]) {
				ks_table_drop(&table, i);
				assert_int_equal(find(0, id), KS_NO_SLOT);
			} else if (there == MOST) {
				continue;
			} else if (i != KS_NO_SLOT) {
				ks_table_back(&table, i);
			} else {
				assert_false(ks_table_is_full(&table, still_kinds));
				ks_table_keep(&table, 0, &thing, ks_table_hash(&table, 0, &thing));
			}
			is_there[id] = !is_there[id];
			there += is_there[id] ? 1 : (uint32_t)-1;
			for (id = 1; id <= IDS; id++) {
				i = find(0, id);
				assert_true(i != KS_NO_SLOT || !is_there[id]);
				if (i == KS_NO_SLOT)
					continue;
				found++;
				assert_int_equal(ks_table_slot(&table, i)->kind, is_there[id] ? 0 : KS_GONE);
			}
			for (unsigned int place = 0; place < KS_SET_SOURCES; place++)
				by_source += table.sources[place];
			assert_int_equal(by_source, found);
			assert_int_equal(table.used, there);
			assert_int_equal(table.filter_set, 0);
			assert_int_equal(ks_table_is_full(&table, still_kinds), there == MOST);
		}
		end_table();
	}
}

/* === Memory ============================================================= */

struct small {
	uint32_t id;
	uint32_t value;
};

/* Its key is 64 bytes, the longest of which there are fingerprints; or one byte longer. */
struct keyed {
	char name[64], more[1], rest[135];
};

static const struct ks_field small_fields[] = {
	KS_FIELD(struct small, id, KS_U32), KS_FIELD(struct small, value, KS_U32),
};
static const struct ks_field keyed_fields[] = {
	KS_FIELD(struct keyed, name, KS_STRING), KS_FIELD(struct keyed, rest, KS_STRING),
};

static uint32_t fifty(void)
{
	return 50;
}

static uint32_t seven(void)
{
	return 7;
}

/*
 * What a probe asks for: to keep all as a whole, a block for each; to see all, a block for so many
 * fingerprints as fit in it, and one of 16 for whole items; and for alarms, 128 blocks of their
 * own.  A block has 12 bytes beside it, and each of its slots 3.
 */
static void sizes(void **state)
{
	/*
	 * Item 8, so block 24, fingerprint 24: none of them.  Item 64 and key 4: block 80,
	 * fingerprint 24, 3 in a block.  Item 200 and key 64: 216, 80, 2.
	 */
	static const struct ks_set_kind small = KS_KIND("small", struct small, small_fields, id, "");
	static const struct ks_set_kind keyed = KS_KIND("keyed", struct keyed, keyed_fields, name, "");
	static const struct ks_set_kind too_long = KS_KIND("keyed", struct keyed, keyed_fields, more, "");
	static const struct ks_set_kind one = KS_ONE("one", struct thing, thing_fields, "");
	static const struct ks_set_kind still = KS_STILL("still", struct thing, thing_fields, id, "");
	static const struct ks_set_kind mixed[] = { KS_KIND("small", struct small, small_fields, id, ""),
						    KS_ALARMS("alarm", struct thing, thing_fields, id, "") };
	static const struct {
		struct ks_set_type type;
		struct ks_size size;
	} cases[] = {
		{ { .kinds = &small, .kinds_count = 1, .items_max = 100 }, { 100, 100 * 39, 100 * 39 } },
		{ { .kinds = kinds, .kinds_count = 2, .items_max = 100 }, { 100, 36 * 101, 100 * 101 } },
		{ { .kinds = kinds, .kinds_count = 2, .items_max = 9, .items = fifty, .first_items = seven },
		  { 7, 18 * 101, 50 * 101 } },
		{ { .kinds = &keyed, .kinds_count = 1, .items_max = 300 }, { 300, 161 * 234, 300 * 234 } },
		{ { .kinds = &too_long, .kinds_count = 1, .items_max = 300 }, { 300, 300 * 231, 300 * 231 } },
		/* Without a key: fingerprint 16, 5 in a block. */
		{ { .kinds = &one, .kinds_count = 1, .items_max = 1 }, { 1, 107, 107 } },
		/*
		 * The first value beside each: and how often it changed: block
		 * 152, 6 fingerprints.
		 */
		{ { .kinds = &still, .kinds_count = 1, .items_max = 60 }, { 60, 11 * 182, 60 * 182 } },
		{ { .kinds = mixed, .kinds_count = 2, .items_max = 1000 },
		  { 1000, 128 * 95 + 1000 * 39, 128 * 95 + 1000 * 39 } },
		{ { .kinds = mixed, .kinds_count = 2, .items_max = 127 },
		  { 127, 127 * 95 + 127 * 39, 127 * 95 + 127 * 39 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ks_probe_type type = { .engine = &cases[i].type };
		struct ks_size size = { 0 };

		ks_set_size(&type, &size);
		assert_int_equal(size.items, cases[i].size.items);
		assert_int_equal(size.least_bytes, cases[i].size.least_bytes);
		assert_int_equal(size.most_bytes, cases[i].size.most_bytes);
	}
}

/*
 * How many things can be looked at with so much memory: all that have a place, and with one more
 * the sample is incomplete.
 */
static void capacity(void **state)
{
	static const struct {
		uint64_t memory_bytes;
		uint32_t items;
	} cases[] = {
		/*
		 * 99 blocks, of which 7 stay for whole items, and the others have
		 * 3 fingerprints each
		 */
		{ 10000, 7 + 92 * 3 },
		{ 9999, 7 + 92 * 3 },
		{ 101 * 97, 7 + 90 * 3 },
		{ 101 * 96, 6 + 90 * 3 },
		{ 101 * 96 - 1, 6 + 89 * 3 },
		{ 1, 1 + 15 * 3 },          /* there are 16 blocks at least */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memset(&world, 0, sizeof(world));
		kit_prepare(large_types, 1);
		kit_config.memory_bytes = cases[i].memory_bytes;
		assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
		for (uint32_t id = 1; id <= cases[i].items; id++)
			put(id);
		pass();
		assert_null(strstr(seen(), "incomplete"));
		assert_int_equal(ks_set_baselines(&kit_sensor.probes[0]), cases[i].items);
		put(cases[i].items + 1);
		pass();
		assert_non_null(strstr(seen(), "incomplete"));
		assert_int_equal(ks_set_baselines(&kit_sensor.probes[0]), cases[i].items);
		/* All of them go, and all of the memory is there again. */
		world.count = 0;
		pass();
		pass();
		seen();
		assert_int_equal(ks_set_baselines(&kit_sensor.probes[0]), 0);
		for (uint32_t id = 1001; id <= 1000 + cases[i].items; id++)
			put(id);
		pass();
		assert_null(strstr(seen(), "incomplete"));
		kit_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(life),
		with_world(fields),
		with_world(kinds_are_apart),
		with_world(asked_for),
		with_world(reset),
		with_world(reset_of_a_full_table),
		with_world(each_field_alone),
		with_world(changes_of_nobody),
		with_world(many_passes),
		cmocka_unit_test_setup_teardown(work_of_a_step, large_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(reset_in_steps, large_setup, kit_teardown),
		with_world(full_table),
		with_world(full_table_unseen),
		with_world(gone_from_a_full_table),
		with_world(slot_for_one_that_was_there),
		with_world(left_long_ago),
		with_world(left_by_kind),
		cmocka_unit_test_setup_teardown(left_too_many, tiny_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(fingerprints, small_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(kept_as_fingerprints, small_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(fingerprint_of_all, small_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(beyond_fingerprints, small_setup, kit_teardown),
		with_world(failed_walk),
		with_world(moved_during_the_walk),
		with_world(skipped),
		with_world(rests),
		with_world(kept),
		with_world(elsewhere),
		cmocka_unit_test_setup_teardown(unusual, usual_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(unusual_in_a_full_table, usual_setup, kit_teardown),
		cmocka_unit_test(steps_change_nothing),
		cmocka_unit_test(sample_larger_than_the_ring),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(init_and_exit),
		cmocka_unit_test(minus_one),
		cmocka_unit_test(contents),
		cmocka_unit_test(keys_of_all_lengths),
		cmocka_unit_test(sources),
		cmocka_unit_test(filter),
		cmocka_unit_test(shapes),
		cmocka_unit_test(the_oldest_of_most),
		cmocka_unit_test(places_of_sources),
		cmocka_unit_test(prints_in_turn),
		cmocka_unit_test(round_over_what_is_left),
		cmocka_unit_test(prints_of_most),
		cmocka_unit_test(who_comes_later),
		cmocka_unit_test(first_values_stay),
		cmocka_unit_test(sound_at_random),
		cmocka_unit_test(gone_at_random),
		cmocka_unit_test(sizes),
		cmocka_unit_test(capacity),
	};

	return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
