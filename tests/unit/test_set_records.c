// SPDX-License-Identifier: MIT
/*
 * test_set_records.c - the engine for things that exist: which class its records are of, whose,
 * how many, and what it remembers from the first.
 *
 * The world is a machine with guests: their vCPUs come and go as they like, the gates of its CPUs
 * must not change, of its slots none may come or go, and of hidden things there must be none.  The
 * verdict is the list of records, written as "class event kind:id".
 */
#include "kit.h"

#include <stdio.h>

#include "../../probes/set_record.h"

#define THINGS_MAX 4000

/* One thing of any kind.  Not each kind shows all of it. */
struct thing {
	uint32_t id;            /* the key */
	uint32_t owner;
	uint8_t online;
	uint8_t powerful;
	uint8_t weight;
	uint64_t target;
	char symbol[500];
	uint8_t uuid[16];
	uint64_t instance;
};

static const struct ks_field vcpu_fields[] = {
	KS_FIELD(struct thing, id, KS_U32),
	KS_FIELD(struct thing, owner, KS_U32),
	KS_FIELD(struct thing, online, KS_BOOL),
	KS_GUARD(struct thing, powerful, KS_BOOL),
	KS_FIELD(struct thing, weight, KS_U8),
};

static const struct ks_field denied_fields[] = {
	KS_FIELD(struct thing, id, KS_U32),
	KS_RAISE(struct thing, powerful, KS_BOOL),
	KS_FIELD(struct thing, target, KS_COUNT),
};

static const struct ks_field gate_fields[] = {
	KS_FIELD(struct thing, id, KS_U32),
	KS_FIELD(struct thing, target, KS_HEX),
	KS_FIELD(struct thing, symbol, KS_STRING),
};

static const struct ks_field mode_fields[] = {
	KS_GUARD(struct thing, powerful, KS_BOOL),
	KS_FIELD(struct thing, id, KS_U32),
};

static const struct ks_field guest_fields[] = {
	KS_FIELD(struct thing, id, KS_U32),
	KS_LIVE(struct thing, uuid, KS_UUID),
	KS_FIELD(struct thing, weight, KS_U8),
};

static const struct ks_field renamed_fields[] = {
	KS_FIELD(struct thing, id, KS_U32),
	KS_FIELD(struct thing, uuid, KS_UUID),
};

/* Whose it is, it shows first. */
static const struct ks_field domain_fields[] = {
	KS_FIELD(struct thing, id, KS_U32),
	KS_FIELD(struct thing, weight, KS_U8),
};

enum { VCPU, DENIED, GATE, SLOT, HIDDEN, MODE, GUEST, RENAMED, DOMAIN, KINDS };

static const struct ks_set_kind kinds[] = {
	[VCPU] = KS_KIND_BY("vcpu", struct thing, vcpu_fields, id, owner, ""),
	[DENIED] = KS_KIND_BY("denied", struct thing, denied_fields, id, owner, ""),
	[GATE] = KS_STILL("gate", struct thing, gate_fields, id, ""),
	[SLOT] = KS_SEALED("slot", struct thing, gate_fields, id, ""),
	[HIDDEN] = KS_ALARMS_BY("hidden", struct thing, vcpu_fields, id, owner, ""),
	[MODE] = KS_KIND_BY("mode", struct thing, mode_fields, id, owner, ""),
	[GUEST] = KS_KIND_BY("guest", struct thing, guest_fields, id, uuid, ""),
	[RENAMED] = KS_KIND_BY_SELF("renamed", struct thing, renamed_fields, id, uuid, instance, ""),
	[DOMAIN] = KS_KIND_BY("domain", struct thing, domain_fields, id, id, ""),
};

static struct world {
	struct {
		int kind;
		struct thing thing;
	} things[THINGS_MAX];
	unsigned int count;
} world;

static int next(struct ks_probe *probe, struct ks_set_progress *cursor, void *item)
{
	uint64_t at = cursor->at[0]++;

	(void)probe;
	if (at == world.count)
		return KS_SET_END;
	memcpy(item, &world.things[at].thing, sizeof(struct thing));
	return world.things[at].kind;
}

/* A gate usually leads to 0x1000 times its number. */
static bool usual(struct ks_probe *probe, unsigned int kind, void *item)
{
	struct thing *thing = item;

	(void)probe;
	if (kind != GATE)
		return false;
	thing->target = 0x1000U * thing->id;
	return true;
}

static const struct ks_set_type set = { .kinds = kinds, .kinds_count = KINDS, .items_max = THINGS_MAX, .next = next };
static const struct ks_set_type usual_set = {
	.kinds = kinds, .kinds_count = KINDS, .items_max = THINGS_MAX, .next = next, .usual = usual,
};
/* The clock of these tests begins 1000 s after boot. */
static const struct ks_set_type settling_set = {
	.kinds = kinds, .kinds_count = KINDS, .items_max = THINGS_MAX, .next = next, .settled_ns = 1060 * SECOND,
};

/* Of the changes of each source in each kind, two are recorded in five minutes. */
static const struct ks_set_type strict_set = {
	.kinds = kinds, .kinds_count = KINDS, .items_max = THINGS_MAX, .next = next, .changes_max = 2,
};

#define MACHINE(engine) \
	{ \
		.name = "machine", .interval_ns = { 4 * SECOND, 4 * SECOND, SECOND, SECOND }, KS_SET_ENGINE(engine) \
	}
static const struct ks_probe_type machine = MACHINE(&set), usual_machine = MACHINE(&usual_set),
				  settling_machine = MACHINE(&settling_set), strict_machine = MACHINE(&strict_set);
static const struct ks_probe_type *const types[] = { &machine }, *const usual_types[] = { &usual_machine },
		*const settling_types[] = { &settling_machine }, *const strict_types[] = { &strict_machine };

/*
 * Big enough for all that is recorded in a test, so that nothing but the engine decides what there
 * is.
 */
static void start(const struct ks_probe_type *const *of, uint64_t memory_bytes)
{
	memset(&world, 0, sizeof(world));
	kit_prepare(of, 1);
	kit_config.ring_bytes = 8U << 20;
	kit_config.memory_bytes = memory_bytes;
	assert_int_equal(ks_sensor_start(&kit_sensor, &kit_config), 0);
	kit_forget_began();
}

static int setup(void **state)
{
	(void)state;
	start(types, 0);
	return 0;
}

static int usual_setup(void **state)
{
	(void)state;
	start(usual_types, 0);
	return 0;
}

static int settling_setup(void **state)
{
	(void)state;
	start(settling_types, 0);
	return 0;
}

static int strict_setup(void **state)
{
	(void)state;
	start(strict_types, 0);
	return 0;
}

/* Memory for a thing in ten as a whole, or for half of all by their fingerprints. */
static int small_setup(void **state)
{
	(void)state;
	start(types, 300000);
	return 0;
}

/* Memory for far less than that. */
static int tiny_setup(void **state)
{
	(void)state;
	start(types, 60000);
	return 0;
}

static struct thing *put(int kind, uint32_t id, uint32_t owner)
{
	struct thing *thing = &world.things[world.count].thing;

	world.things[world.count++].kind = kind;
	*thing = (struct thing){ .id = id, .owner = owner, .target = 0x1000U * id };
	return thing;
}

static void take(unsigned int i)
{
	memmove(&world.things[i], &world.things[i + 1], (--world.count - i) * sizeof(world.things[0]));
}

static json_t *passed(const char *options)
{
	uint64_t passes = kit_sensor.probes[0].passes;

	while (kit_sensor.probes[0].passes == passes)
		port_advance(SECOND / 10);
	return kit_command("records", "machine", options);
}

/*
 * What a record says of the first value: " first(target=0x1) x1", " first(null) x2", " x3" when it
 * is as at first again after three changes, and nothing where it says nothing.
 */
static size_t put_first(char *out, const json_t *record)
{
	const json_t *first = json_object_get(record, "first"), *value;
	const char *key;
	size_t len = 0;

	if (!json_object_get(record, "changed_ns")) {
		assert_null(first);
		assert_null(json_object_get(record, "changes"));
		return 0;
	}
	assert_true(json_integer_value(json_object_get(record, "changed_ns")) > 0);
	if (first && json_is_null(first)) {
		len += (size_t)sprintf(out + len, " first(null)");
	} else if (first) {
		len += (size_t)sprintf(out + len, " first(");
		json_object_foreach((json_t *)first, key, value)
			len += (size_t)sprintf(out + len, "%s=%s", key, json_string_value(value));
		len += (size_t)sprintf(out + len, ")");
	}
	return len + (size_t)sprintf(out + len, " x%lld", json_integer_value(json_object_get(record, "changes")));
}

static const char *as_text(const json_t *lines)
{
	static char text[65536];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < kit_count(lines); i++) {
		const json_t *record = kit_record(lines, i);
		const char *kind = kit_text(lines, i, "kind");

		/* What the sensor says of itself is not what these tests are about. */
		if (!strcmp(kind, "reset") || !strcmp(kind, "began"))
			continue;
		len += (size_t)sprintf(text + len, "%s%s ", len ? ", " : "", kit_text(lines, i, "class"));
		if (!strcmp(kind, "limited"))
			len += (size_t)sprintf(text + len, "limited %s of %u:%u", kit_text(lines, i, "of"),
					       (unsigned int)kit_number(lines, i, "owner"),
					       (unsigned int)kit_number(lines, i, "count"));
		else if (!strcmp(kind, "incomplete"))
			len += (size_t)sprintf(text + len, "incomplete");
		else
			len += (size_t)sprintf(text + len, "%s %s:%u", kit_text(lines, i, "event"), kind,
					       (unsigned int)kit_number(lines, i, "id"));
		len += put_first(text + len, record);
		assert_true(len < sizeof(text) - 2000);
	}
	return text;
}

/* What one more pass recorded; and all that is there, as a fresh sample has it. */
static const char *seen(void)
{
	return as_text(passed(NULL));
}

static const char *fresh(void)
{
	return as_text(kit_command("records", "machine", "{\"run\": true}"));
}

/* How many records of one more pass there are with this member. */
static unsigned int count_of(const json_t *lines, const char *member, const char *value)
{
	unsigned int count = 0;

	for (size_t i = 0; i < kit_count(lines); i++)
		count += !strcmp(kit_text(lines, i, member), value);
	return count;
}

/* === Classes ============================================================ */

/*
 * How things are is a sample; that they come, change and go an event; and an alarm what must not
 * be, or not change.
 */
static void classes(void **state)
{
	(void)state;
	put(VCPU, 1, 7)->powerful = 1; /* it is one since before we looked */
	put(GATE, 2, 0);
	put(SLOT, 3, 0);
	assert_string_equal(seen(), "sample present vcpu:1, sample present gate:2, sample present slot:3");

	put(VCPU, 11, 7);
	put(GATE, 12, 0);
	put(SLOT, 13, 0);
	assert_string_equal(seen(), "event appeared vcpu:11, event appeared gate:12, alarm appeared slot:13");
	world.things[3].thing.online = 1;
	world.things[4].thing.target = 5;
	assert_string_equal(seen(), "event changed vcpu:11, alarm changed gate:12 first(target=0xc000) x1");
	assert_string_equal(
		fresh(),
		"sample present vcpu:1, sample present gate:2, sample present slot:3, sample present vcpu:11, "
		"sample present gate:12 first(target=0xc000) x1, sample present slot:13");
	world.count = 3;
	assert_string_equal(
		seen(),
		"event vanished vcpu:11, event vanished gate:12 first(target=0xc000) x1, alarm vanished slot:13");
}

/*
 * A field that is guarded: its change is an alarm, and so is that a thing comes for which it is
 * true.
 */
static void guarded(void **state)
{
	(void)state;
	put(VCPU, 1, 7);
	seen();
	world.things[0].thing.powerful = 1;
	world.things[0].thing.online = 1;
	assert_string_equal(seen(), "alarm changed vcpu:1");
	world.things[0].thing.online = 0;
	assert_string_equal(seen(), "event changed vcpu:1");
	put(VCPU, 2, 7)->powerful = 1;
	assert_string_equal(seen(), "alarm appeared vcpu:2");
	put(VCPU, 3, 7)->powerful = 1;
	assert_string_equal(fresh(), "sample present vcpu:1, sample present vcpu:2, alarm present vcpu:3");
}

/* Also where that field is the first. */
static void guarded_first(void **state)
{
	json_t *lines;

	(void)state;
	put(MODE, 5, 7);
	seen();
	world.things[0].thing.powerful = 1;
	lines = passed(NULL);
	assert_string_equal(as_text(lines), "alarm changed mode:5");
	assert_true(json_is_false(json_object_get(json_object_get(kit_record(lines, 0), "old"), "powerful")));
	put(MODE, 6, 7)->powerful = 1;
	assert_string_equal(seen(), "alarm appeared mode:6");
}

/* That a powerful one goes is an event, as of any other; and a field of one byte is a number. */
static void goes_and_weighs(void **state)
{
	json_t *lines;

	(void)state;
	put(VCPU, 1, 7)->powerful = 1;
	put(VCPU, 2, 7)->weight = 200;
	seen();
	world.things[1].thing.weight = 255;
	lines = passed(NULL);
	assert_int_equal(kit_number(lines, 0, "weight"), 255);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(kit_record(lines, 0), "old"), "weight")),
			 200);
	take(0);
	assert_string_equal(seen(), "event vanished vcpu:1");
}

/* A thing by which alarms are raised: all that happens to it is one, from the first sample on. */
static void raising(void **state)
{
	(void)state;
	put(DENIED, 1, 7);
	put(DENIED, 2, 0)->powerful = 1;
	assert_string_equal(seen(), "sample present denied:1, alarm present denied:2");
	world.things[0].thing.target++;
	world.things[1].thing.target++;
	assert_string_equal(seen(), "event changed denied:1, alarm changed denied:2");
	world.count = 0;
	assert_string_equal(seen(), "event vanished denied:1, alarm vanished denied:2");
}

/*
 * That there is one at all is an alarm; when somebody asks again, and it is still as it was, it is
 * a sample.
 */
static void alarms(void **state)
{
	(void)state;
	put(HIDDEN, 1, 7);
	assert_string_equal(seen(), "alarm present hidden:1");
	assert_string_equal(fresh(), "sample present hidden:1");
	put(HIDDEN, 2, 7);
	assert_string_equal(fresh(), "sample present hidden:1, alarm present hidden:2");
	world.count = 0;
	assert_string_equal(seen(), "alarm vanished hidden:1, alarm vanished hidden:2");
}

/* === Limits ============================================================= */

/*
 * A guest takes its vCPUs down and up, for an hour.  It gets some records in each five minutes,
 * and one that says how many there were beside these; another guest's change is recorded as ever,
 * and so is an alarm in the midst of it.
 */
static void flapping(void **state)
{
	unsigned int changed = 0, limited = 0, other = 0, alarm = 0, left_out = 0;

	(void)state;
	for (uint32_t id = 1; id <= 15; id++)
		put(VCPU, id, 7);
	put(VCPU, 100, 8);
	passed(NULL);
	for (unsigned int round = 0; round < 900; round++) {
		json_t *lines;

		for (unsigned int i = 0; i < 15; i++)
			world.things[i].thing.online ^= 1;
		world.things[15].thing.online ^= round % 60 == 59;
		world.things[3].thing.powerful ^= round % 100 == 99;
		lines = passed(NULL);
		changed += count_of(lines, "event", "changed");
		limited += count_of(lines, "kind", "limited");
		alarm += count_of(lines, "class", "alarm");
		for (size_t i = 0; i < kit_count(lines); i++) {
			bool is_limited = !strcmp(kit_text(lines, i, "kind"), "limited");

			other += kit_number(lines, i, "owner") == 8;
			if (is_limited)
				assert_int_equal(kit_number(lines, i, "owner"), 7);
			if (is_limited && kit_number(lines, i, "count") > 1000)
				left_out += (unsigned int)kit_number(lines, i, "count");
		}
	}
	assert_int_equal(other, 15);
	assert_int_equal(alarm, 9);
	/* 3600 s are 12 times five minutes, and some more. */
	assert_in_range(changed, 12 * 32 + 15 + 9, 13 * 32 + 15 + 9);
	assert_in_range(limited, 12, 26);
	/* Each change is told, or counted. */
	assert_in_range(left_out + changed, 15 * 900 * 9 / 10, 15 * 900 + 15 + 9);
}

/*
 * Where a fresh sample is asked for, each thing is shown as it is, though its change is only
 * counted.
 */
static void limited_and_asked(void **state)
{
	json_t *lines;

	(void)state;
	put(VCPU, 1, 7);
	passed(NULL);
	for (unsigned int round = 0; round < 32; round++) {
		world.things[0].thing.online ^= 1;
		assert_string_equal(seen(), "event changed vcpu:1");
	}
	world.things[0].thing.online ^= 1;
	assert_string_equal(seen(), "event limited vcpu of 7:1");
	world.things[0].thing.online ^= 1;
	lines = kit_command("records", "machine", "{\"run\": true}");
	assert_string_equal(as_text(lines), "sample present vcpu:1");
	assert_null(json_object_get(kit_record(lines, 0), "old"));
	/* It comes and goes as it likes: that is never left out. */
	world.count = 0;
	assert_string_equal(seen(), "event vanished vcpu:1");
	put(VCPU, 1, 7);
	assert_string_equal(seen(), "event appeared vcpu:1");
}

/* Of three bytes beside each other, each is a field by itself, and one of them is guarded. */
static void fields_of_one_byte(void **state)
{
	struct thing *vcpu = put(VCPU, 1, 7);

	(void)state;
	passed(NULL);
	for (unsigned int i = 0; i < 3; i++) {
		const json_t *old;
		json_t *lines;

		(i == 0 ? &vcpu->online : i == 1 ? &vcpu->powerful : &vcpu->weight)[0] ^= 1;
		lines = passed("{\"peek\": true}");
		old = json_object_get(kit_record(lines, 0), "old");
		assert_int_equal(json_object_size(old), 1);
		assert_non_null(json_object_get(old, i == 0 ? "online" : i == 1 ? "powerful" : "weight"));
		assert_string_equal(as_text(kit_command("records", "machine", NULL)),
				    i == 1 ? "alarm changed vcpu:1" : "event changed vcpu:1");
	}
}

/* Nothing runs before; that this is told, too, is not what the test is about. */
static void until(uint64_t time_ns)
{
	port_suspend(time_ns - ks_port_time_ns());
	kit_sensor.work.run(&kit_sensor.work);
	kit_command("records", "machine", "{\"filter\": {\"kind\": \"late\"}}");
}

/*
 * Changes that are too many are told as they begin, and how many they were when the five minutes
 * since the first change are over: not a moment before.
 */
static void limits_end(void **state)
{
	uint64_t since_ns;
	json_t *lines;

	(void)state;
	put(VCPU, 1, 7);
	put(DENIED, 2, 7);
	passed(NULL);
	for (unsigned int round = 0; round < 2; round++) {
		world.things[0].thing.online ^= 1;
		world.things[1].thing.target++;
		assert_string_equal(seen(), "event changed vcpu:1, event changed denied:2");
	}
	/* Each kind by itself. */
	world.things[0].thing.online ^= 1;
	lines = passed("{\"peek\": true}");
	since_ns = kit_number(lines, 0, "since_ns");
	assert_string_equal(seen(), "event limited vcpu of 7:1");
	for (unsigned int round = 0; round < 2; round++) {
		world.things[0].thing.online ^= 1;
		assert_string_equal(seen(), "");
	}
	until(since_ns + 300 * SECOND - 1);
	world.things[0].thing.online ^= 1;
	assert_string_equal(fresh(), "sample present vcpu:1, sample present denied:2");
	port_suspend(1);
	world.things[0].thing.online ^= 1;
	world.things[1].thing.target++;
	assert_string_equal(fresh(), "event limited vcpu of 7:4, event changed vcpu:1, event changed denied:2");
	world.things[0].thing.online ^= 1;
	assert_string_equal(seen(), "event changed vcpu:1");
	world.things[0].thing.online ^= 1;
	lines = passed("{\"peek\": true}");
	assert_int_equal(kit_number(lines, 0, "since_ns"), since_ns + 300 * SECOND);
	assert_string_equal(seen(), "event limited vcpu of 7:1");
	/* The same where nothing changes any more, so that the last count is told. */
	world.things[0].thing.online ^= 1;
	assert_string_equal(seen(), "");
	until(since_ns + 600 * SECOND - 1);
	assert_string_equal(fresh(), "sample present vcpu:1, sample present denied:2");
	port_suspend(1);
	assert_string_equal(fresh(), "sample present vcpu:1, sample present denied:2, event limited vcpu of 7:2");
	port_advance(1000 * SECOND);
	assert_string_equal(seen(), "");
}

/*
 * More sources than there are rows: the one that changed least gives up its row, the oldest of
 * those.  Who changes much is limited as before, however many others there are.
 */
static void limits_of_many(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 40; id++)
		put(VCPU, id, id);
	passed(NULL);
	for (unsigned int round = 0; round < 2; round++) {
		world.things[0].thing.online ^= 1;
		assert_string_equal(seen(), "event changed vcpu:1");
	}
	world.things[0].thing.online ^= 1;
	assert_string_equal(seen(), "event limited vcpu of 1:1");
	for (unsigned int i = 1; i < 40; i++) {
		world.things[0].thing.online ^= 1;
		world.things[i].thing.online ^= 1;
		assert_int_equal(count_of(passed(NULL), "event", "changed"), 1);
	}
	/* The 33rd came for the second, and has its row by now. */
	world.things[32].thing.online ^= 1;
	assert_string_equal(seen(), "event changed vcpu:33");
	world.things[32].thing.online ^= 1;
	assert_string_equal(seen(), "event limited vcpu of 33:1");
	for (unsigned int round = 0; round < 2; round++) {
		world.things[1].thing.online ^= 1;
		assert_string_equal(seen(), "event changed vcpu:2");
	}
}

/*
 * Where each changes much, the least of them gives way, and what of it was not told yet is told
 * then.
 */
static void limit_gives_way(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 33; id++)
		put(VCPU, id, id);
	passed(NULL);
	for (unsigned int round = 0; round < 6; round++) {
		for (unsigned int i = 0; i < 32; i++)
			world.things[i].thing.online ^= i != 4 || round < 4;
		passed(NULL);
	}
	world.things[32].thing.online ^= 1;
	assert_string_equal(seen(), "event limited vcpu of 5:2, event changed vcpu:33");
	world.things[3].thing.online ^= 1;
	world.things[32].thing.online ^= 1;
	assert_string_equal(seen(), "event changed vcpu:33");
	world.things[4].thing.online ^= 1;
	assert_string_equal(seen(), "event changed vcpu:5");
}

/*
 * Who gets another uuid before each look is the same all the same, and another one with the uuid
 * that he had is not.
 */
static void limits_of_renamed(void **state)
{
	json_t *lines;

	(void)state;
	put(RENAMED, 1, 0)->instance = 100;
	put(RENAMED, 2, 0)->instance = 200;
	passed(NULL);
	for (uint8_t round = 1; round <= 2; round++) {
		world.things[0].thing.uuid[0] = round;
		assert_string_equal(seen(), "event changed renamed:1");
	}
	world.things[0].thing.uuid[0] = 3;
	lines = passed(NULL);
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "limited");
	assert_string_equal(kit_text(lines, 0, "of"), "renamed");
	/* As he was called at the first of them. */
	assert_string_equal(kit_text(lines, 0, "uuid"), "01000000-0000-0000-0000-000000000000");
	for (uint8_t round = 4; round <= 50; round++) {
		world.things[0].thing.uuid[0] = round;
		assert_string_equal(seen(), "");
	}
	world.things[1].thing.uuid[0] = 1;
	assert_string_equal(seen(), "event changed renamed:2");
}

/* Whose changes are too many is told by the member that says it in the item, the first as well. */
static void limits_name_the_source(void **state)
{
	json_t *lines;

	(void)state;
	put(DOMAIN, 7, 0);
	passed(NULL);
	for (unsigned int round = 0; round < 2; round++) {
		world.things[0].thing.weight++;
		assert_string_equal(seen(), "event changed domain:7");
	}
	world.things[0].thing.weight++;
	lines = passed(NULL);
	assert_int_equal(kit_count(lines), 1);
	assert_string_equal(kit_text(lines, 0, "kind"), "limited");
	assert_string_equal(kit_text(lines, 0, "of"), "domain");
	assert_int_equal(kit_number(lines, 0, "id"), 7);
	assert_null(json_object_get(kit_record(lines, 0), "owner"));
}

/* A guest is the same by its uuid, whatever domain it is. */
static void limits_by_uuid(void **state)
{
	json_t *lines;

	(void)state;
	put(GUEST, 1, 0)->uuid[0] = 0xab;
	passed(NULL);
	/* It reboots again and again, and is another domain each time, which changes once. */
	for (uint32_t id = 2; id < 6; id++) {
		take(0);
		put(GUEST, id, 0)->uuid[0] = 0xab;
		passed(NULL);
		world.things[0].thing.weight++;
		lines = passed(NULL);
		assert_int_equal(count_of(lines, "event", "changed"), id < 4);
		if (id != 4)
			continue;
		assert_int_equal(count_of(lines, "kind", "limited"), 1);
		assert_string_equal(kit_text(lines, kit_count(lines) - 1, "uuid"),
				    "ab000000-0000-0000-0000-000000000000");
	}
	put(GUEST, 7, 0)->uuid[0] = 0xcd;
	passed(NULL);
	world.things[1].thing.weight++;
	assert_string_equal(seen(), "event changed guest:7");
}

/*
 * As many sources as there are rows change too much in the same pass, as whoever controls them can
 * arrange: each is told, in that pass, and not all of them in one step.  Each row is over in its
 * time.
 */
static void change_all(void)
{
	for (unsigned int i = 0; i < world.count; i++)
		world.things[i].thing.online ^= 1;
}

static void limits_of_all_rows(void **state)
{
	struct ks_probe *probe = &kit_sensor.probes[0];

	(void)state;
	for (uint32_t id = 1; id <= KS_LIMITS; id++)
		put(VCPU, id, id);
	passed(NULL);
	for (unsigned int round = 0; round < 2; round++) {
		change_all();
		assert_int_equal(count_of(passed(NULL), "event", "changed"), KS_LIMITS);
	}
	change_all();
	port_look_ns = KS_STEP_BUDGET_NS;
	probe->due_ns = 0;
	do {
		uint64_t seq = probe->ring.next_seq;

		probe->work.run(&probe->work);
		assert_in_range(probe->ring.next_seq - seq, 0, 1);
	} while (probe->in_pass);
	port_look_ns = 0;
	assert_int_equal(count_of(kit_command("records", "machine", NULL), "kind", "limited"), KS_LIMITS);
	port_suspend(KS_CHANGES_NS);
	passed(NULL);
	change_all();
	assert_int_equal(count_of(passed(NULL), "event", "changed"), KS_LIMITS);
}

/* After a reset, whoever changed too much has all of his changes again. */
static void limits_after_a_reset(void **state)
{
	(void)state;
	put(VCPU, 1, 7);
	passed(NULL);
	for (unsigned int turn = 0; turn < 2; turn++) {
		for (unsigned int round = 0; round < 2; round++) {
			world.things[0].thing.online ^= 1;
			assert_string_equal(seen(), "event changed vcpu:1");
		}
		world.things[0].thing.online ^= 1;
		assert_string_equal(seen(), "event limited vcpu of 7:1");
		kit_command("reset", "machine", NULL);
		assert_string_equal(seen(), "sample present vcpu:1");
	}
}

/*
 * What raises an alarm does so in the first sample after a reset as well, also where so many had
 * left the table before that nobody knew who is new.
 */
static void alarms_after_a_reset(void **state)
{
	(void)state;
	put(DENIED, 1, 7)->powerful = 1;
	for (uint32_t id = 2; id <= THINGS_MAX; id++)
		put(VCPU, id, 9);
	for (unsigned int turn = 0; turn < 2; turn++) {
		json_t *lines = passed("{\"filter\": {\"kind\": \"denied\"}}");

		assert_string_equal(as_text(lines), "alarm present denied:1");
		kit_command("reset", "machine", NULL);
	}
}

/* === First values ======================================================= */

/*
 * A gate is changed, and somebody takes the record.  Each fresh sample still says that it is not
 * as at first, until it is, or a reset.
 */
static void first_value(void **state)
{
	uint64_t changed_ns;
	json_t *lines;

	(void)state;
	put(GATE, 1, 0);
	passed(NULL);
	world.things[0].thing.target = 0xbad;
	lines = passed(NULL);
	assert_string_equal(as_text(lines), "alarm changed gate:1 first(target=0x1000) x1");
	changed_ns = kit_number(lines, 0, "changed_ns");
	port_advance(1000 * SECOND);
	world.things[0].thing.target = 0xdead;
	assert_string_equal(seen(), "alarm changed gate:1 first(target=0x1000) x2");
	lines = kit_command("records", "machine", "{\"run\": true}");
	assert_string_equal(as_text(lines), "sample present gate:1 first(target=0x1000) x2");
	assert_int_equal(kit_number(lines, 0, "changed_ns"), changed_ns);
	world.things[0].thing.target = 0x1000;
	assert_string_equal(seen(), "alarm changed gate:1 x3");
	/* As it was, for a fresh look; that it was another is not forgotten. */
	lines = kit_command("records", "machine", "{\"run\": true}");
	assert_string_equal(as_text(lines), "sample present gate:1 x3");
	assert_int_equal(kit_number(lines, 0, "changed_ns"), changed_ns);

	world.things[0].thing.target = 0xbad;
	passed(NULL);
	kit_command("reset", "machine", NULL);
	kit_forget_began();
	assert_string_equal(seen(), "sample present gate:1");
	assert_string_equal(fresh(), "sample present gate:1");
}

/* One that goes and comes back is still held against what it was at first. */
static void gone_and_back(void **state)
{
	const struct ks_probe *probe = &kit_sensor.probes[0];
	const struct thing second = { .id = 2 };

	(void)state;
	put(GATE, 1, 0);
	put(GATE, 2, 0);
	passed(NULL);
	assert_int_equal(ks_set_baselines(probe), 2);
	assert_int_equal(((const struct thing *)ks_set_kept(probe, GATE, &second))->target, 0x2000);
	assert_null(ks_set_kept(probe, VCPU, &second));
	take(1);
	assert_string_equal(seen(), "event vanished gate:2");
	assert_int_equal(ks_set_baselines(probe), 1);
	assert_null(ks_set_kept(probe, GATE, &second));
	assert_string_equal(fresh(), "sample present gate:1");
	put(GATE, 2, 0)->target = 0xbad;
	assert_string_equal(seen(), "alarm appeared gate:2 first(target=0x2000) x1");
	assert_int_equal(ks_set_baselines(probe), 2);
	assert_string_equal(fresh(), "sample present gate:1, sample present gate:2 first(target=0x2000) x1");
	take(1);
	assert_string_equal(seen(), "event vanished gate:2 first(target=0x2000) x1");
	put(GATE, 2, 0);
	assert_string_equal(seen(), "event appeared gate:2 x2");
	assert_string_equal(fresh(), "sample present gate:1, sample present gate:2 x2");
	/* Back again when somebody asks: that it came is not hidden by that he did. */
	take(1);
	seen();
	put(GATE, 2, 0);
	assert_string_equal(fresh(), "sample present gate:1, event present gate:2 x3");
}

/*
 * Passes are counted in 16 bits: one that went, and comes back as the number comes again of the
 * pass that saw it last, has not been seen in this one.
 */
static void back_as_a_number_comes_again(void **state)
{
	const struct ks_probe *probe = &kit_sensor.probes[0];
	uint64_t seen_last;

	(void)state;
	put(GATE, 1, 0);
	put(GATE, 2, 0);
	passed(NULL);
	seen_last = probe->ended;
	take(1);
	assert_string_equal(seen(), "event vanished gate:2");
	while (probe->ended < seen_last + 65534)
		port_advance(SECOND);
	put(GATE, 2, 0)->target = 0xbad;
	assert_string_equal(seen(), "alarm appeared gate:2 first(target=0x2000) x1");
	assert_int_equal(probe->ended, seen_last + 65535);
}

/*
 * CPUs are turned off and on, and each time they are others: what they left behind, kept for its
 * first value, takes nobody's place who is there, however much of it there is.
 */
static void gone_takes_no_place(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 20; id++)
		put(GATE, id, 0);
	passed(NULL);
	for (uint32_t turn = 1; turn <= 10; turn++) {
		for (uint32_t id = 1; id <= THINGS_MAX / 5; id++)
			put(GATE, 1000 * turn + id, 0);
		assert_int_equal(count_of(passed(NULL), "kind", "incomplete"), 0);
		world.count = 20;
		passed(NULL);
	}
	assert_int_equal(ks_set_baselines(&kit_sensor.probes[0]), 20);
	world.things[0].thing.target = 0xbad;
	assert_string_equal(seen(), "alarm changed gate:1 first(target=0x1000) x1");
	/* Those that were there last are known for longest. */
	put(GATE, 10001, 0)->target = 0xbad;
	put(GATE, 1001, 0)->target = 0xbad;
	assert_string_equal(seen(), "alarm appeared gate:10001 first(target=0x2711000) x1, event appeared gate:1001");
}

/*
 * Nobody can look at it now: it is not said to be as it was, nor to be gone; and when it can be
 * looked at again, it is held against what it was before.
 */
static void passed_by(void **state)
{
	(void)state;
	put(GATE, 1, 0);
	put(VCPU, 2, 9);
	put(VCPU, 3, 9);
	passed(NULL);
	put(GATE, 4, 0);
	seen();
	take(3); /* it is gone, and kept for its first value */
	assert_string_equal(seen(), "event vanished gate:4");

	world.things[0].kind = GATE + KS_SET_UNSEEN;
	world.things[0].thing.target = 0xbad;
	assert_string_equal(seen(), "");
	assert_string_equal(fresh(), "sample present vcpu:2, sample present vcpu:3");
	/* Nor is one that was not there before, or had gone. */
	put(VCPU + KS_SET_UNSEEN, 5, 9);
	put(GATE + KS_SET_UNSEEN, 4, 0);
	/* Met twice it hides nothing. */
	put(GATE + KS_SET_UNSEEN, 1, 0);
	put(VCPU + KS_SET_UNSEEN, 2, 9);
	take(2);
	assert_string_equal(seen(), "event vanished vcpu:3");
	assert_int_equal(ks_set_baselines(&kit_sensor.probes[0]), 2);

	world.things[0].kind = GATE;
	assert_string_equal(seen(), "alarm changed gate:1 first(target=0x1000) x1");
	world.count = 0;
	put(GATE, 4, 0);
	put(VCPU + KS_SET_UNSEEN, 2, 9);
	assert_string_equal(seen(), "event appeared gate:4 x1, event vanished gate:1 first(target=0x1000) x1");
}

/* Of one that becomes an item when it is no longer as usual, what is usual is the first value. */
static void usual_is_first(void **state)
{
	(void)state;
	put(GATE, 1, 0);
	passed(NULL);
	put(GATE, 2, 0)->target = 0xbad;
	assert_string_equal(seen(), "alarm changed gate:2 first(target=0x2000) x1");
	assert_string_equal(fresh(), "sample present gate:1, sample present gate:2 first(target=0x2000) x1");
	world.things[1].thing.target = 0x2000;
	assert_string_equal(seen(), "alarm changed gate:2 x2");
}

/* What does not fit into the record of the change stands in the next sample. */
static void first_too_long(void **state)
{
	struct thing *gate = put(GATE, 1, 0);

	(void)state;
	memset(gate->symbol, 'a', 499);
	passed(NULL);
	memset(gate->symbol, '\1', 120);
	memset(gate->symbol + 120, 0, 380);
	passed(NULL);
	memset(gate->symbol, 'b', 499);
	assert_string_equal(seen(), "alarm changed gate:1 first(null) x2");
	assert_non_null(strstr(fresh(), "sample present gate:1 first(symbol=aaaa"));
}

/*
 * An item that is too long to stand in a record at all is a loss, whatever else there would be to
 * say of it.
 */
static void too_long_to_record(void **state)
{
	struct thing *gate = put(GATE, 1, 0);

	(void)state;
	memset(gate->symbol, 'a', 499);
	passed(NULL);
	memset(gate->symbol, '\1', 499);
	assert_int_equal(count_of(passed(NULL), "kind", "lost"), 1);
	assert_string_equal(kit_sensor.probes[0].last_error, "a record was too long to keep");
	memset(gate->symbol, 'b', 499);
	/* what it was is too long as well */
	assert_int_equal(count_of(passed(NULL), "kind", "lost"), 1);
	assert_non_null(strstr(fresh(), "sample present gate:1 first(symbol=aaaa"));
}

/*
 * What is looked at is still being set up: what it is in the end is first, and no change until
 * then an alarm.
 */
static void settling(void **state)
{
	(void)state;
	put(GATE, 1, 0);
	passed(NULL);
	world.things[0].thing.target = 2;
	put(SLOT, 2, 0);
	assert_string_equal(seen(), "event changed gate:1, event appeared slot:2");
	assert_string_equal(fresh(), "sample present gate:1, sample present slot:2");
	port_advance(60 * SECOND);
	world.things[0].thing.target = 3;
	assert_string_equal(seen(), "alarm changed gate:1 first(target=0x2) x1");
}

/*
 * One that goes while it is set up is not held against what it was; and it is set up until the
 * nanosecond that its probe says, and no longer.
 */
static void settled(void **state)
{
	struct ks_probe *probe = &kit_sensor.probes[0];

	(void)state;
	put(GATE, 1, 0);
	put(GATE, 2, 0);
	put(SLOT, 3, 0);
	passed(NULL);
	take(0);
	assert_string_equal(seen(), "event vanished gate:1");
	put(GATE, 1, 0)->target = 5;
	assert_string_equal(seen(), "event appeared gate:1");
	take(1);
	assert_string_equal(seen(), "event vanished slot:3");

	port_suspend(1060 * SECOND - 1 - ks_port_time_ns());
	probe->expected_ns = ks_port_time_ns(); /* nobody was to run meanwhile */
	world.things[0].thing.target = 6;
	probe->due_ns = 0;
	probe->work.run(&probe->work);
	assert_string_equal(as_text(kit_command("records", "machine", NULL)), "event changed gate:2");
	port_suspend(1);
	world.things[0].thing.target = 7;
	probe->due_ns = 0;
	probe->work.run(&probe->work);
	assert_string_equal(as_text(kit_command("records", "machine", NULL)),
			    "alarm changed gate:2 first(target=0x6) x1");
}

/* === Who gives way ====================================================== */

/*
 * Somebody has very many things: an alarm has a slot nevertheless, is told once, and told again
 * when it goes.
 */
static void alarm_in_a_full_table(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 3900; id++)
		put(VCPU, id, 7);
	passed(NULL);
	put(HIDDEN, 1, 7);
	assert_string_equal(seen(), "alarm appeared hidden:1");
	put(VCPU, 5000, 7);
	assert_non_null(strstr(seen(), "event appeared vcpu:5000"));
	take(3900);
	assert_non_null(strstr(seen(), "alarm vanished hidden:1"));
}

/*
 * Whoever has the most gives way: the few things of others are still seen as a whole, or at least
 * to change and to go.
 */
static void others_stay(void **state)
{
	json_t *lines;

	(void)state;
	for (uint32_t id = 1; id <= 20; id++)
		put(VCPU, id, 0);
	passed(NULL);
	for (uint32_t id = 1001; id <= 4900; id++)
		put(VCPU, id, 7);
	passed(NULL);
	passed(NULL);
	for (unsigned int i = 0; i < 20; i++)
		world.things[i].thing.online = 1;
	lines = passed(NULL);
	assert_int_equal(count_of(lines, "event", "changed"), 20);
	world.things[5].thing.online = 0;
	assert_non_null(strstr(seen(), "event changed vcpu:6"));
	take(5);
	assert_non_null(strstr(seen(), "event vanished vcpu:6"));
}

/*
 * Of what has but a fingerprint nobody knows which field changed: where the kind has one whose
 * change is an alarm, it may have been that one.
 */
static void fingerprints_of_guarded(void **state)
{
	json_t *lines;

	(void)state;
	put(VCPU, 1, 7);
	put(DENIED, 2, 7);
	put(MODE, 3, 7);
	for (uint32_t id = 1001; id <= 2500; id++)
		put(VCPU, id, 7);
	passed(NULL);
	world.things[0].thing.online = 1;
	world.things[1].thing.target++;
	world.things[2].thing.powerful = 1;
	lines = passed(NULL);
	assert_int_equal(kit_count(lines), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(json_is_true(json_object_get(kit_record(lines, i), "fingerprint")));
	assert_string_equal(as_text(lines), "alarm changed vcpu:1, event changed denied:2, alarm changed mode:3");
}

/* Whose the newest record is, as the ring has it. */
static uint32_t source_of_newest(void)
{
	const struct ks_ring *ring = &kit_sensor.probes[0].ring;

	for (unsigned int class = 0; class < KS_CLASSES; class++)
		for (unsigned int i = 2; i < KS_RING_SOURCES; i++)
			if (ring->share[class].queue[i].newest == ring->newest)
				return i < 2 + KS_RING_KINDS	? KS_KIND_SOURCE(i - 2)
				       : i == 2 + KS_RING_KINDS ? KS_OUTCOME_SOURCE
								: ring->share[class].queue[i].source;
	return KS_NO_SOURCE;
}

/*
 * A fingerprint of one by which alarms are raised: that it changed is an alarm.  Of one that
 * vanished nothing is known but its key, so neither whether it was such a one, nor whose.
 */
static void fingerprints_of_others(void **state)
{
	uint64_t passes;
	json_t *lines;

	(void)state;
	put(DENIED, 2, 9)->powerful = 1;
	put(DENIED, 3, 9)->powerful = 1;
	for (uint32_t id = 1001; id <= 2500; id++)
		put(VCPU, id, 9);
	passed(NULL);
	world.things[0].thing.target++;
	assert_string_equal(seen(), "alarm changed denied:2");
	take(1);
	passes = kit_sensor.probes[0].passes;
	while (kit_sensor.probes[0].passes == passes)
		port_advance(SECOND / 10);
	assert_int_equal(source_of_newest(), KS_KIND_SOURCE(DENIED));
	lines = kit_command("records", "machine", NULL);
	assert_true(json_is_true(json_object_get(kit_record(lines, 0), "fingerprint")));
	assert_string_equal(as_text(lines), "event vanished denied:3");
	put(VCPU, 5000, 9);
	passes = kit_sensor.probes[0].passes;
	while (kit_sensor.probes[0].passes == passes)
		port_advance(SECOND / 10);
	assert_int_equal(source_of_newest(), 9);
}

/* Where the key says whose it is, that is known of a fingerprint that vanished, too. */
static void fingerprints_by_their_key(void **state)
{
	uint64_t passes;
	json_t *lines;

	(void)state;
	for (uint32_t id = 1; id <= 1500; id++)
		put(DOMAIN, id, 0);
	passed(NULL);
	take(4);
	passes = kit_sensor.probes[0].passes;
	while (kit_sensor.probes[0].passes == passes)
		port_advance(SECOND / 10);
	assert_int_equal(source_of_newest(), 5);
	lines = kit_command("records", "machine", NULL);
	assert_true(json_is_true(json_object_get(kit_record(lines, 0), "fingerprint")));
	assert_string_equal(as_text(lines), "event vanished domain:5");
}

int main(void)
{
#define with(test, how) cmocka_unit_test_setup_teardown(test, how, kit_teardown)
	const struct CMUnitTest tests[] = {
		with(classes, setup),
		with(guarded, setup),
		with(raising, setup),
		with(guarded_first, setup),
		with(goes_and_weighs, setup),
		with(alarms, setup),
		with(flapping, setup),
		with(limited_and_asked, setup),
		with(fields_of_one_byte, setup),
		with(limits_end, strict_setup),
		with(limits_of_many, strict_setup), with(limit_gives_way, strict_setup),
		with(limits_of_renamed, strict_setup),
		with(limits_name_the_source, strict_setup),
		with(limits_by_uuid, strict_setup),
		with(limits_of_all_rows, strict_setup),
		with(limits_after_a_reset, strict_setup),
		with(first_value, setup),
		with(gone_and_back, setup),
		with(back_as_a_number_comes_again, setup),
		with(gone_takes_no_place, setup),
		with(passed_by, setup),
		with(usual_is_first, usual_setup),
		with(first_too_long, setup),
		with(too_long_to_record, setup),
		with(settling, settling_setup),
		with(settled, settling_setup),
		with(alarm_in_a_full_table, small_setup),
		with(others_stay, small_setup),
		with(alarms_after_a_reset, tiny_setup),
		with(fingerprints_of_guarded, small_setup),
		with(fingerprints_of_others, small_setup),
		with(fingerprints_by_their_key, small_setup),
	};

	return cmocka_run_group_tests_name("set records", tests, NULL, NULL);
}
