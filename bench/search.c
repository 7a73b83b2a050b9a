// SPDX-License-Identifier: MIT
/*
 * search.c - looks for the request that makes one call of the hypercall dearest.
 *
 *	search REQUESTS WEIGHTS FOLDER [SEED...]
 *
 * The core runs here as it does in Xen, behind the same cookies, over rings that are full; a
 * call's work is counted in instructions, without a clock: the compiler tells of each basic block
 * that is entered (-fsanitize-coverage=trace-pc), and WEIGHTS says how many instructions it has
 * (bench/weights).  That count is also the time that the core sees, so that its deadlines are
 * where they are in Xen.  It is the same in each run.
 *
 * REQUESTS of them are made by mutation, and one that costs more than all before it of its class
 * is kept and mutated further.  FOLDER has the worst of each class: they are where the search
 * begins, and are replaced where it finds worse ones.  What is found here, bench/xen.c measures in
 * Xen.
 *
 * A caller may bring a cookie back late, or twice: when its reply is over, others have taken what
 * it stands at, or that was pushed out, or all was reset.  That is tried as well.
 */
#include "../core/cookie.h"
#include "../core/reply.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Of a call, besides what the core does: the way through Dom0's kernel and Xen's entry, the copies
 * of the structure.
 */
#define CALL_UNITS 2500
/* A reply may go on for so many calls that are looked at. */
#define CALLS_MAX 12
/* And for so many with a cookie that is brought back late. */
#define LATE_CALLS 3
/* So many records a probe has made, more than its ring holds. */
#define RECORDS 800
#define RECORDS_FIRST 3000

/* === Work, counted ====================================================== */

static uint64_t units;

/*
 * How many instructions follow this return address up to the end of the block; index: offset from
 * the start of the text.
 */
static uint8_t *weight_at;
static uintptr_t text_start, text_end;

void __sanitizer_cov_trace_pc(void)
{
	uintptr_t at = (uintptr_t)__builtin_return_address(0);

	units += at >= text_start && at < text_end ? weight_at[at - text_start] : 5;
}

static void read_weights(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned long at, count;

	if (!file || fscanf(file, "%lx %lx", &text_start, &text_end) != 2) {
		perror(path);
		exit(1);
	}
	weight_at = calloc(1, text_end - text_start);
	while (fscanf(file, "%lx %lu", &at, &count) == 2)
		weight_at[at - text_start] = count < 255 ? (uint8_t)count : 255;
	fclose(file);
}

/* The library's own are not counted, and are not those of a kernel. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	char *out = to;
	const char *in = from;

	units += 12 + bytes / 8;
	while (bytes--)
		*out++ = *in++;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *left = a, *right = b;

	units += 6;
	for (; bytes; bytes--, left++, right++) {
		units += 5;
		if (*left != *right)
			return *left - *right;
	}
	return 0;
}

void *memchr(const void *s, int c, size_t bytes)
{
	const unsigned char *p = s;

	units += 6;
	for (; bytes; bytes--, p++) {
		units += 5;
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

/* === The port =========================================================== */

uint64_t ks_port_time_ns(void)
{
	units += 40;
	return units;
}

static uint64_t random_state = 1;

/* xorshift64*, Marsaglia and Vigna. */
static uint64_t random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ULL;
}

static size_t below(size_t limit)
{
	return limit ? (size_t)(random64() >> 11) % limit : 0;
}

/* === The sensor ========================================================= */

static int quiet_init(struct ks_probe *probe)
{
	(void)probe;
	return 0;
}

static void quiet(struct ks_probe *probe)
{
	(void)probe;
}

/* A step that takes all the time that it may. */
static enum ks_step step(struct ks_probe *probe, uint64_t deadline_ns)
{
	(void)probe;
	if (units < deadline_ns)
		units = deadline_ns;
	return KS_STEP_DONE;
}

#define PROBE(probe_name)                                                                                \
	{                                                                                                \
		.name = probe_name, .interval_ns = { 80000000, 40000000, 20000000, 10000000 },           \
		.init = quiet_init, .exit = quiet, .reset = quiet, .step = step,                         \
	}

/* Those of Xen, so that what is found here names probes that are there. */
static struct ks_probe_type types_of[] = {
#include "search.probes" /* made by the Makefile: PROBE("NAME"), for each */
};
#define PROBES (sizeof(types_of) / sizeof(*types_of))

static struct ks_sensor sensor;
/* So that each run begins alike: the probes and their rings as they were. */
static struct ks_probe probes_kept[PROBES];
static char *rings_kept[PROBES];

/* The first probe has as much to keep as the largest ring holds. */
static void much(const struct ks_probe_type *type, struct ks_size *size)
{
	(void)type;
	size->items = KS_RING_MAX;
}

/* A name of bytes that are all escaped, in as many members as there is room for. */
static void make_escaped(struct ks_probe *probe, uint64_t i)
{
	struct ks_writer *text = ks_record_begin(probe, KS_EVENT, i % 9, "livepatch");
	char name[100];

	memset(name, i % 16 == 7 ? '\n' : 1, sizeof(name));
	ks_write_member_str(text, "name", name, sizeof(name));
	ks_write_member_str(text, "replaced", name, sizeof(name));
	ks_write_member_str(text, "depends", name, sizeof(name));
	ks_record_end(probe);
}

static void make_records(struct ks_probe *probe, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct ks_writer *text;

		if (i % 8 == 7) {
			make_escaped(probe, i);
			continue;
		}
		text = ks_record_begin(probe, i % 2 ? KS_SAMPLE : KS_EVENT, i % 9, "vcpu");
		ks_write_member_str(text, "event", "changed", 7);
		ks_write_member_count(text, "domid", i % 9);
		ks_write_member_count(text, "vcpu", i % 3);
		ks_write_member_bool(text, "online", true);
		ks_write_member_str(text, "state", "running", 7);
		ks_write_member_count(text, "cpu", 1);
		ks_write_member_ns(text, "runtime_ns", 123456789012ULL * i);
		ks_write_member_str(text, "affinity", "all \"\n\x7f\xc3\xa4", 10);
		ks_write_member_hex(text, "root", 0x34a01);
		ks_write_member_hex(text, "user_root", 0x34a02);
		ks_record_end(probe);
	}
}

static void start_sensor(void)
{
	static const struct ks_probe_type *types[PROBES];
	struct ks_sensor_config config = { .name = "xen", .types = types, .types_count = PROBES, .ring_bytes = 65536 };

	types_of[0].size = much;
	for (size_t i = 0; i < PROBES; i++)
		types[i] = &types_of[i];
	if (ks_sensor_start(&sensor, &config))
		exit(1);
	for (size_t i = 0; i < PROBES; i++) {
		const struct ks_ring *ring = &sensor.probes[i].ring;

		make_records(&sensor.probes[i], types_of[i].size ? RECORDS_FIRST : RECORDS);
		rings_kept[i] = malloc(ring->size);
		memcpy(rings_kept[i], ring->mem, ring->size);
	}
	memcpy(probes_kept, sensor.probes, sizeof(probes_kept));
}

/* Something was done that changes them. */
static bool changed;

static void restore_sensor(void)
{
	if (!changed)
		return;
	changed = false;
	memcpy(sensor.probes, probes_kept, sizeof(probes_kept));
	for (size_t i = 0; i < PROBES; i++) {
		const uint64_t *from = (const uint64_t *)(const void *)rings_kept[i];
		uint64_t *to = (uint64_t *)(void *)sensor.probes[i].ring.mem;

		for (uint32_t at = 0; at < sensor.probes[i].ring.size / 8; at++)
			to[at] = from[at];
	}
}

/* === One request ======================================================== */

/* What others have done by the time at which a cookie comes back late. */
enum { LATE_NOTHING, LATE_TAKEN, LATE_PUSHED_OUT, LATE_RESET, LATE_ALL };

struct input {
	uint64_t units;     /* of its dearest call */
	uint32_t room;      /* in the caller's buffer */
	bool control;
	/* the cookie of this call is brought back late; 0: none */
	unsigned int late;
	unsigned int late_after;
	size_t bytes;
	char line[KS_REQUEST_MAX];
};

enum { C_SYNTAX, C_ERROR, C_DISCOVERY, C_STATUS, C_CONTROL, C_RECORDS, C_PEEK, C_RUN, CLASSES };
static const char *const class_names[CLASSES] = {
	"syntax", "error", "discovery", "status", "control", "records", "peek", "run",
};

static int class_of(const struct ks_request *request)
{
	if (request->error == KS_ERR_SYNTAX)
		return C_SYNTAX;
	if (request->error != KS_OK || request->line != KS_LINE_REQUEST)
		return C_ERROR;
	switch (request->command) {
	case KS_CMD_DISCOVERY:
		return C_DISCOVERY;
	case KS_CMD_STATUS:
		return C_STATUS;
	case KS_CMD_RECORDS:
		return request->run ? C_RUN : request->peek ? C_PEEK : C_RECORDS;
	default:
		return request->command < KS_CMD_SUBSCRIBE ? C_CONTROL : C_ERROR;
	}
}

static const uint64_t key[2] = { 1, 2 };

/* One call, as xen/sense.c makes it; its class.  @cursor and @cookie: where the reply stands. */
static int call(struct input *input, struct ks_cursor *cursor, uint64_t cookie[KS_COOKIE_WORDS], bool *over)
{
	static const struct ks_cookie_caller self = { .id = 0, .instance = 1 };
	static struct ks_request request;
	static char line[KS_REQUEST_MAX], reply[KS_OUT_BYTES];
	struct ks_caller caller = { .control = input->control };
	uint64_t start = units;
	bool goes_on = cursor->stage;
	int class;
	struct ks_siphash bond;
	enum ks_served result;
	struct ks_writer out;

	units += CALL_UNITS;
	caller.began_ns = units;
	memcpy(line, input->line, input->bytes);
	if (goes_on) {
		ks_cookie_bind(&bond, key, &self, line, input->bytes);
		if (!ks_cookie_open(&bond, cookie, cursor))
			abort();
	}
	ks_request_parse(&request, line, input->bytes, KS_VERSION_NONE);
	if (!goes_on && ks_may_go_on(&request))
		ks_cookie_bind(&bond, key, &self, line, input->bytes);
	ks_writer_init(&out, reply, input->room < KS_LINE_MAX ? input->room : KS_LINE_MAX);
	result = ks_serve(&sensor, &caller, &request, cursor, &out);
	class = class_of(&request);
	changed |= class == C_RECORDS || class == C_RUN || class == C_CONTROL;
	units += out.len / 8;
	if (result != KS_SERVED_DONE && cursor->stage)
		ks_cookie_seal(&bond, cursor, cookie);
	if (result == KS_SERVED_DONE)
		ks_confirm(&sensor, &request, cursor);
	if (units - start > input->units)
		input->units = units - start;
	*over = result == KS_SERVED_DONE || result == KS_SERVED_CURSOR || !cursor->stage;
	if (result == KS_SERVED_NO_ROOM)
		input->room = KS_LINE_MAX;
	return class;
}

/* With the records of the probe at which a reply stands. */
static void others_do(unsigned int what, struct ks_probe *probe)
{
	uint32_t place = KS_NOWHERE;

	changed = true;
	switch (what) {
	case LATE_TAKEN:
		for (uint64_t seq = 0; seq < probe->ring.next_seq; seq++)
			ks_ring_deliver(&probe->ring, seq, &place);
		break;
	case LATE_PUSHED_OUT:
		make_records(probe, 200);
		break;
	case LATE_RESET:
		ks_probe_command(probe, KS_CMD_RESET, NULL);
		break;
	}
}

/* A request, call by call.  The class, and the units of the dearest call. */
static int run(struct input *input)
{
	uint64_t cookie[KS_COOKIE_WORDS], late_cookie[KS_COOKIE_WORDS];
	struct ks_cursor cursor = { 0 }, late_cursor = { 0 };
	bool over = false;
	int class = 0;

	restore_sensor();
	units = 1000000000;
	input->units = 0;
	for (unsigned int calls = 1; calls <= CALLS_MAX && !over; calls++) {
		class = call(input, &cursor, cookie, &over);
		if (calls == input->late && !over) {
			late_cursor = cursor;
			memcpy(late_cookie, cookie, sizeof(cookie));
		}
	}
	if (!late_cursor.stage) {
		input->late = 0;
		return class;
	}
	others_do(input->late_after, &sensor.probes[late_cursor.probe]);
	over = false;
	for (unsigned int calls = 0; calls < LATE_CALLS && !over; calls++)
		class = call(input, &late_cursor, late_cookie, &over);
	return class;
}

/* === The search ========================================================= */

static const char *const words[] = {
	"\\n", "\\u0041", "\\u00e4", "\\ud83d\\ude00", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", " ", "\t",
	" \t\n", "x", "xxxxxxxxxxxxxxx\\n", "\"", ",", ":", "{", "}", "[", "]", "[]", "1,", "0", "true", "\"a\":1,",
	"{\"a\":", "peek:true,", "run:true,", "since:0,", "max:99999,", "filter:{kind:vcpu},", "filter:{",
	"\"\\u0073eq\":1,", "domid:3,", "affinity:\"all \\\"\\n\x7f\xc3\xa4\",", "zz:\"\\n\",", "xen-domains", "*",
	"filter:{kind:livepatch,", "name:\"\\n\\n\\n\",", "class:event,", "records", "status", "discovery",
	"reset", "low", "0.1", "0.2", "\"k\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\":1,",
};
#define WORDS (sizeof(words) / sizeof(*words))

#define R(version, rest) "{Virtue-protocol-version:" version ",request:[4f1c0e6a9d2b4c58a7e3," rest "]}"
static const char *const starts[] = {
	R("0.1", "discovery,*"), R("0.2", "status,*"), R("0.2", "status,xen-domains"), R("0.1", "records,*"),
	R("0.1", "records,*,{peek:true}"), R("0.1", "records,*,{filter:{kind:nope}}"),
	R("0.1", "records,*,{peek:true,filter:{a1:1,a2:1,a3:1,a4:1,a5:1,a6:1,a7:1,a8:1}}"),
	R("0.1", "records,xen-domains,{filter:{\"\\u0073eq1\":1,\"\\u0074ime1\":1,\"\\u0070robe1\":1}}"),
	R("0.1", "records,*,{run:true}"), R("0.1", "records,*,{run:true,peek:true,filter:{zz:\"\\n\"}}"),
	R("0.1", "reset,*"), R("0.1", "adversarial,*"), R("0.2", "add,*,\"\\n\""),
};

#define KEPT 6
static struct input best[CLASSES][KEPT];

static void put(struct input *input, size_t at, const char *bytes, size_t len)
{
	if (len > KS_REQUEST_MAX - input->bytes)
		len = KS_REQUEST_MAX - input->bytes;
	memmove(input->line + at + len, input->line + at, input->bytes - at);
	memcpy(input->line + at, bytes, len);
	input->bytes += len;
}

static void cut(struct input *input, size_t at, size_t len)
{
	if (len > input->bytes - at)
		len = input->bytes - at;
	memmove(input->line + at, input->line + at + len, input->bytes - at - len);
	input->bytes -= len;
}

static void mutate(struct input *input)
{
	size_t at = below(input->bytes + 1), len, times;
	const char *word = words[below(WORDS)];
	char slice[128];

	switch (below(10)) {
	case 0:
	case 1:
		put(input, at, word, strlen(word));
		break;
	case 2: /* many times the same, as much as there is room for */
		for (times = 1 + below(8) * below(500); times; times--)
			put(input, at, word, strlen(word));
		break;
	case 3:
		cut(input, at, 1 + below(12));
		break;
	case 4:
		cut(input, at, 1 + below(400));
		break;
	case 5:
		if (at < input->bytes)
			input->line[at] = word[0];
		break;
	case 6: /* a piece of it again and again */
		len = 1 + below(sizeof(slice) - 1);
		len = len > input->bytes - at ? input->bytes - at : len;
		memcpy(slice, input->line + at, len);
		for (times = 1 + below(30); times; times--)
			put(input, at, slice, len);
		break;
	case 7: {
		const struct input *other = &best[below(CLASSES)][below(KEPT)];
		size_t from = below(other->bytes + 1);

		len = other->bytes - from;
		put(input, at, other->line + from,
		    1 + below(len < 300 ? len : 300) < len ? 1 + below(len < 300 ? len : 300) : len);
		break;
	}
	case 8:
		input->late = (unsigned int)below(CALLS_MAX);
		input->late_after = (unsigned int)below(LATE_ALL);
		break;
	default:
		input->room = below(3) ? KS_LINE_MAX : (uint32_t)below(KS_LINE_MAX);
		input->control = below(4);
		break;
	}
	if (!input->bytes)
		put(input, 0, "{}", 2);
}

/* Among the worst of its class, or not.  Whether it is the very worst. */
static bool keep(int class, const struct input *input)
{
	struct input *kept = best[class];
	size_t at = 0;

	while (at < KEPT && kept[at].units >= input->units)
		at++;
	if (at == KEPT || (at && kept[at - 1].units == input->units))
		return false;
	memmove(kept + at + 1, kept + at, (KEPT - 1 - at) * sizeof(*kept));
	kept[at] = *input;
	return !at;
}

static void try(struct input *input)
{
	int class = run(input);

	keep(class, input);
}

static void try_line(const char *line, size_t bytes)
{
	struct input input = { .room = KS_LINE_MAX,
			       .control = true,
			       .bytes = bytes < KS_REQUEST_MAX ? bytes : KS_REQUEST_MAX };

	memcpy(input.line, line, input.bytes);
	if (bytes)
		try(&input);
}

/*
 * What is kept begins with a line of its own: how much room the caller had, whether he may
 * control, which call's cookie comes back late, and after what.
 */
static void read_kept(const char *path)
{
	struct input input = { 0 };
	FILE *file = fopen(path, "rb");
	unsigned int control;

	if (!file)
		return;
	if (fscanf(file, "room %u control %u late %u after %u", &input.room, &control, &input.late,
		   &input.late_after) == 4 && fgetc(file) == '\n') {
		input.control = control;
		input.bytes = fread(input.line, 1, sizeof(input.line), file);
		try(&input);
	}
	fclose(file);
}

static void write_kept(const char *path, const struct input *input)
{
	FILE *file = fopen(path, "wb");

	if (!file || fprintf(file, "room %u control %u late %u after %u\n", input->room, input->control, input->late,
			     input->late_after) < 0 ||
	    fwrite(input->line, 1, input->bytes, file) != input->bytes || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void read_seed(const char *path)
{
	char line[KS_REQUEST_MAX];
	FILE *file = fopen(path, "rb");
	size_t bytes;

	if (!file) {
		perror(path);
		exit(1);
	}
	bytes = fread(line, 1, sizeof(line), file);
	fclose(file);
	try_line(line, bytes);
}

int main(int argc, char **argv)
{
	uint64_t left = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, kept_units[CLASSES];
	char path[4096];

	if (argc < 4) {
		fputs("usage: search REQUESTS WEIGHTS FOLDER [SEED...]\n", stderr);
		return 2;
	}
	read_weights(argv[2]);
	start_sensor();
	for (int i = 0; i < CLASSES; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[3], class_names[i]);
		read_kept(path);
	}
	for (int i = 0; i < CLASSES; i++)
		kept_units[i] = best[i][0].units;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		try_line(starts[i], strlen(starts[i]));
	for (int i = 4; i < argc; i++)
		read_seed(argv[i]);
	while (left--) {
		struct input input = best[below(CLASSES)][below(KEPT)];

		if (!input.bytes)
			continue;
		for (size_t times = 1 + below(4); times; times--)
			mutate(&input);
		try(&input);
	}
	for (int i = 0; i < CLASSES; i++) {
		const struct input *worst = &best[i][0];

		printf("%s\t%llu\tinstructions on the host, %zu bytes\n", class_names[i],
		       (unsigned long long)worst->units, worst->bytes);
		snprintf(path, sizeof(path), "%s/%s", argv[3], class_names[i]);
		/* Not for a few instructions: what is kept changes when something was found. */
		if (worst->units > kept_units[i] + kept_units[i] / 100)
			write_kept(path, worst);
	}
	return 0;
}
