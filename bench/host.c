// SPDX-License-Identifier: MIT
/*
 * host.c - what the core costs in an ordinary process, on one core, without threads and sockets.
 *
 * Prints lines "name<TAB>value<TAB>unit<TAB>goal<TAB>note".  Each value is the best of five
 * rounds: what the machine can do when nothing disturbs it.
 *
 *   produce   the set engine walks items of which all changed, and writes a record of each
 *   deliver   ks_serve() writes the lines of a "records" reply into a buffer, and they are
 *             confirmed
 *   reader    our strict reader over every token of JSONL, beside jansson's json_loadb()
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../core/serve.h"
#include "../probes/set.h"

#define ROUNDS 5
#define ITEMS 256
#define RING_BYTES (256 * 1024)
#define RECORDS 1000000
#define JSONL_BYTES (8 << 20)

/* === A port without threads ============================================== */

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t ks_port_time_ns(void)
{
	return clock_ns();
}

/* === A probe like xen-domains ============================================= */

struct vcpu {
	uint32_t domid, vcpu;
	char state[12];
	uint8_t online;
	uint64_t root;
	uint64_t affinity;
	uint64_t run_time_ns;
};

static const struct ks_field fields[] = {
	KS_FIELD(struct vcpu, domid, KS_U32), KS_FIELD(struct vcpu, vcpu, KS_U32),
	KS_FIELD(struct vcpu, state, KS_STRING), KS_FIELD(struct vcpu, online, KS_BOOL),
	KS_FIELD(struct vcpu, root, KS_HEX), KS_FIELD(struct vcpu, affinity, KS_HEX),
	KS_LIVE(struct vcpu, run_time_ns, KS_NS),
};

static const struct ks_set_kind kinds[] = { KS_KIND("vcpu", struct vcpu, fields, vcpu, "a vCPU") };

static uint64_t pass;

static int next(struct ks_probe *probe, struct ks_set_progress *cursor, void *item)
{
	struct vcpu *vcpu = item;
	uint64_t i = cursor->at[0]++;

	(void)probe;
	if (i == ITEMS)
		return KS_SET_END;
	if (!i)
		pass++;
	vcpu->domid = (uint32_t)(i / 4);
	vcpu->vcpu = (uint32_t)(i % 4);
	memcpy(vcpu->state, "blocked", 8);
	vcpu->online = 1;
	vcpu->root = 0x12345000 + (pass << 12); /* changes each time */
	vcpu->affinity = 0xff;
	vcpu->run_time_ns = 81234567890 + pass;
	return 0;
}

static const struct ks_set_type set = { .kinds = kinds, .kinds_count = 1, .items_max = 1024, .next = next };
static const struct ks_probe_type domains = { .name = "xen-domains", KS_SET_ENGINE(&set) };
static const struct ks_probe_type *const types[] = { &domains };

/* === Measuring ============================================================ */

static struct ks_sensor sensor;
static struct ks_request request;
static char jsonl[JSONL_BYTES];
static size_t jsonl_bytes, jsonl_lines;

static void one_pass(void)
{
	uint32_t want = ks_probe_want_pass(&sensor.probes[0]);

	sensor.probes[0].announce_next = false;
	while (ks_probe_drive(&sensor.probes[0], want, UINT64_MAX) != KS_DRIVE_REACHED)
		;
}

/* Delivers what is held; the bytes of it.  Keeps the lines while there is room. */
static size_t deliver(bool keep)
{
	static char buf[KS_OUT_BYTES];
	const struct ks_caller caller = { .control = true };
	struct ks_cursor cursor = { 0 };
	enum ks_served more;
	struct ks_writer out;
	size_t bytes = 0;

	do {
		ks_writer_init(&out, buf, KS_LINE_MAX);
		more = ks_serve(&sensor, &caller, &request, &cursor, &out);
		bytes += out.len;
		if (keep && jsonl_bytes + out.len <= sizeof(jsonl)) {
			memcpy(jsonl + jsonl_bytes, out.buf, out.len);
			jsonl_bytes += out.len;
		}
	} while (more == KS_SERVED_MORE);
	ks_confirm(&sensor, &request, &cursor);
	return bytes;
}

struct speed {
	double produce, deliver, both; /* records a second */
	double bytes;                  /* of a reply line */
	double record_bytes;           /* of the record in it */
};

static struct speed records_speed(bool keep)
{
	struct ks_probe *probe = &sensor.probes[0];
	uint64_t produce_ns = 0, deliver_ns = 0, records = 0, bytes = 0, record_bytes = 0, start, middle;

	while (records < RECORDS) {
		start = clock_ns();
		one_pass();
		middle = clock_ns();
		records += probe->ring.held;
		record_bytes += probe->ring.used_bytes - probe->ring.held * sizeof(struct ks_entry);
		produce_ns += middle - start;
		start = clock_ns();
		bytes += deliver(keep);
		deliver_ns += clock_ns() - start;
	}
	return (struct speed){
		.produce = (double)records * 1e9 / (double)produce_ns,
		.deliver = (double)records * 1e9 / (double)deliver_ns,
		.both = (double)records * 1e9 / (double)(produce_ns + deliver_ns),
		.bytes = (double)bytes / (double)records,
		.record_bytes = (double)record_bytes / (double)records,
	};
}

/* MB/s of reading the lines one by one. */
static double reader_speed(bool ours)
{
	uint64_t start = clock_ns();
	const char *at = jsonl, *end = jsonl + jsonl_bytes;
	struct ks_json json;

	jsonl_lines = 0;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		enum ks_json_token token = KS_JSON_END;
		json_t *value = NULL;

		if (!newline)
			break;
		if (ours) {
			ks_json_init(&json, at, (size_t)(newline - at), false);
			do
				token = ks_json_next(&json);
			while (token != KS_JSON_END && token != KS_JSON_ERROR);
		} else {
			value = json_loadb(at, (size_t)(newline - at), JSON_REJECT_DUPLICATES, NULL);
		}
		if (ours ? token != KS_JSON_END : !value) {
			fprintf(stderr, "a line is no JSON: %.*s\n", (int)(newline - at), at);
			exit(1);
		}
		json_decref(value);
		jsonl_lines++;
		at = newline + 1;
	}
	return (double)(at - jsonl) / 1e6 / ((double)(clock_ns() - start) / 1e9);
}

static void best(double *value, double now)
{
	if (now > *value)
		*value = now;
}

int main(void)
{
	static const char line[] =
		"{\"Virtue-protocol-version\": 0.1, \"request\": [\"4f1c0e6a9d2b4c58a7e3\", \"records\", \"*\"]}";
	const struct ks_sensor_config config = {
		.name = "bench", .types = types, .types_count = 1, .ring_bytes = RING_BYTES
	};
	struct speed speed = { 0 };
	double ours = 0, jansson = 0;

	if (ks_sensor_start(&sensor, &config))
		return 1;
	ks_request_parse(&request, line, sizeof(line) - 1, KS_VERSION_NONE);
	one_pass();
	deliver(false);
	for (int i = 0; i < ROUNDS; i++) {
		struct speed now = records_speed(!i);

		best(&speed.produce, now.produce);
		best(&speed.deliver, now.deliver);
		best(&speed.both, now.both);
		speed.bytes = now.bytes;
		speed.record_bytes = now.record_bytes;
	}
	for (int i = 0; i < ROUNDS; i++) {
		best(&ours, reader_speed(true));
		best(&jansson, reader_speed(false));
	}
	if (sensor.probes[0].ring.lost_total) {
		fprintf(stderr, "records were lost\n");
		return 1;
	}
	printf("records through the core\t%.2f\tM records/s\t>= 1\t"
	       "made by the set engine and delivered by ks_serve()\n",
	       speed.both / 1e6);
	printf("  made\t%.2f\tM records/s\t\tset engine, every item changed\n", speed.produce / 1e6);
	printf("  delivered\t%.2f\tM records/s\t\tks_serve() and ks_confirm()\n", speed.deliver / 1e6);
	printf("record\t%.0f\tbytes\t<= 250\twith what is around it in a reply: %.0f\n", speed.record_bytes,
	       speed.bytes);
	printf("reader on JSONL\t%.0f\tMB/s\t\tevery token of %zu reply lines\n", ours, jsonl_lines);
	printf("  jansson\t%.0f\tMB/s\t\tjson_loadb() of the same lines: ours is %.1f times as fast\n", jansson,
	       ours / jansson);
	ks_sensor_stop(&sensor);
	return 0;
}
