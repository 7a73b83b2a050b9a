// SPDX-License-Identifier: MIT
/*
 * sensor.c - the sensor: parent of the probes.
 *
 * Each probe has a work of its own, which does one step at a time; a caller who wants a fresh sample does steps in its own context. Both
 * go through step(), and probe->busy keeps them apart.  The supervisor is a work too.
 */
#include "sensor.h"

/* How often the supervisor looks. */
#define SUPERVISE_NS 1000000000ULL
/* A probe is overdue this long after the moment at which a step should have run. */
#define OVERDUE_NS 5000000000ULL
/* So many passes that failed in a row make a restart. */
#define FAILURES_MAX 3
/* When somebody else is in a step, look again after this. */
#define BUSY_NS 100000ULL

const char *const ks_level_names[KS_LEVELS] = { "low", "default", "high", "adversarial" };

void ks_uuid_new(char out[KS_UUID_TEXT])
{
	uint8_t uuid[16];

	ks_port_random(uuid, sizeof(uuid));
	uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0f)); /* RFC 4122, version 4 */
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
	ks_uuid_text(out, uuid);
}

/* === Records ============================================================ */

struct ks_text *ks_record_begin_kind(struct ks_probe *probe, const char *kind, size_t kind_bytes)
{
	struct ks_text *text = &probe->record;
	struct ks_entry *entry;
	uint64_t now = ks_port_boot_time_ns();

	ks_lock(&probe->lock);
	if (now > probe->last_record_ns)
		probe->last_record_ns = now;
	entry = ks_ring_reserve(&probe->ring);
	entry->raw_at = 0;
	entry->raw_bytes = 0;
	ks_text_init(text, entry->text, KS_RECORD_MAX - KS_RAW_MAX);
	ks_text_lit(text, "{\"seq\":");
	ks_text_u64(text, probe->ring.next_seq);
	ks_text_member_u64(text, "time", probe->last_record_ns);
	ks_text_put(text, probe->common, probe->common_bytes);
	ks_text_put(text, kind, kind_bytes);
	ks_text_lit(text, "\"");
	return text;
}

static struct ks_entry *open_entry(struct ks_probe *probe)
{
	return container_of(probe->record.buf, struct ks_entry, text[0]);
}

void ks_record_raw(struct ks_probe *probe, const char *name, const void *bytes, size_t len)
{
	struct ks_text *text = &probe->record;
	struct ks_entry *entry = open_entry(probe);

	if (len > KS_RAW_MAX) {
		text->full = true;
		return;
	}
	ks_text_lit(text, ",\"");
	ks_text_put(text, name, strlen(name));
	ks_text_lit(text, "\":");
	/* The value is made when it is known how the record is asked for; the bytes wait behind the text until it is complete. */
	entry->raw_at = (uint16_t)text->len;
	entry->raw_bytes = (uint16_t)len;
	memcpy(entry->text + KS_RECORD_MAX - KS_RAW_MAX, bytes, len);
}

void ks_record_end(struct ks_probe *probe)
{
	struct ks_entry *entry = open_entry(probe);

	ks_text_lit(&probe->record, "}");
	if (probe->reset_wanted) {
		/* Of the time before the reset that was already answered: never happened. */
	} else if (probe->record.full) {
		probe->last_error = "a record was too long to keep";
		ks_ring_drop(&probe->ring);
	} else {
		entry->text_bytes = (uint16_t)probe->record.len;
		memmove(entry->text + entry->text_bytes, entry->text + KS_RECORD_MAX - KS_RAW_MAX, entry->raw_bytes);
		ks_ring_commit(&probe->ring, entry);
	}
	ks_unlock(&probe->lock);
}

void ks_probe_failed(struct ks_probe *probe, const char *why)
{
	ks_lock(&probe->lock);
	probe->last_error = why;
	ks_unlock(&probe->lock);
}

/* === Steps ============================================================== */

/* How long until the next pass; from `high` on nobody can tell: anything from next to nothing to twice the mean. */
static uint64_t interval(const struct ks_probe *probe)
{
	uint64_t mean = probe->type->interval_ns[probe->level], random;

	if (probe->level < KS_HIGH)
		return mean;
	ks_port_random(&random, sizeof(random));
	return random % (2 * mean + 1);
}

/* The pass under way, if there is one, is over or given up. */
static void leave_pass(struct ks_probe *probe)
{
	probe->ended += probe->in_pass;
	probe->in_pass = false;
}

static void pass_over(struct ks_probe *probe, bool complete)
{
	leave_pass(probe);
	probe->due_ns = ks_port_time_ns() + interval(probe);
	if (!complete) {
		probe->failures++;
		probe->failed_in_row++;
		return;
	}
	probe->passes++;
	probe->failed_in_row = 0;
	probe->last_pass_ns = probe->pass_ns;
	if (probe->pass_ns > probe->longest_pass_ns)
		probe->longest_pass_ns = probe->pass_ns;
}

/*
 * One step, with the lock held and probe->busy false; the lock is dropped in between.  Starts a pass if none is under way.
 */
static void step(struct ks_probe *probe)
{
	bool reset = probe->reset_wanted;
	uint64_t start = ks_port_time_ns(), took;
	enum ks_step result;

	if (reset) {
		probe->reset_wanted = false;
		leave_pass(probe);
	}
	if (!probe->in_pass) {
		probe->in_pass = true;
		probe->first_step = true;
		probe->pass_ns = 0;
		probe->announce = probe->announce_next;
		probe->announce_next = false;
	}
	probe->busy = true;
	probe->step_start_ns = start;
	ks_unlock(&probe->lock);

	if (reset)
		probe->type->reset(probe);
	result = probe->type->step(probe, start + KS_STEP_BUDGET_NS);

	ks_lock(&probe->lock);
	took = ks_port_time_ns() - start;
	probe->busy = false;
	probe->first_step = false;
	probe->steps++;
	probe->pass_ns += took;
	if (took > probe->longest_step_ns)
		probe->longest_step_ns = took;
	if (probe->reset_wanted)
		leave_pass(probe); /* a reset came meanwhile: the next step starts anew */
	else if (result != KS_STEP_MORE)
		pass_over(probe, result == KS_STEP_DONE);
}

static uint64_t KS_CB probe_run(struct ks_work *work)
{
	struct ks_probe *probe = container_of(work, struct ks_probe, work);
	uint64_t now, again;

	ks_lock(&probe->lock);
	now = ks_port_time_ns();
	if (!probe->on) {
		again = KS_WORK_IDLE;
	} else if (probe->busy) {
		again = BUSY_NS;
	} else if (!probe->in_pass && !probe->reset_wanted && now < probe->due_ns) {
		again = probe->due_ns - now;
	} else {
		step(probe);
		now = ks_port_time_ns();
		if (probe->in_pass)
			again = probe->type->pause_ns[probe->level];
		else
			again = probe->due_ns > now ? probe->due_ns - now : 0;
		if (!probe->on)
			again = KS_WORK_IDLE;
	}
	/* When a step should run next: what the supervisor measures lateness against. */
	probe->expected_ns = again == KS_WORK_IDLE ? UINT64_MAX : now + again;
	ks_unlock(&probe->lock);
	return again;
}

uint64_t ks_probe_want_pass(struct ks_probe *probe)
{
	uint64_t pass;

	ks_lock(&probe->lock);
	probe->announce_next = true;
	/* A pass that is under way began before the request: it is not fresh. */
	pass = probe->ended + 1 + probe->in_pass;
	ks_unlock(&probe->lock);
	return pass;
}

enum ks_drive ks_probe_drive(struct ks_probe *probe, uint64_t pass)
{
	enum ks_drive drive = KS_DRIVE_NOT;
	bool wake = false;

	ks_lock(&probe->lock);
	if (probe->ended < pass && probe->on && !probe->busy) {
		if (probe->type->in_work) {
			probe->due_ns = 0;
			wake = true;
		} else {
			step(probe);
			drive = KS_DRIVE_MORE;
		}
	}
	if (probe->ended >= pass)
		drive = KS_DRIVE_REACHED;
	ks_unlock(&probe->lock);
	if (wake)
		ks_port_work_queue(&probe->work, 0);
	return drive;
}

/* With the lock held. */
static bool stuck(const struct ks_probe *probe, uint64_t now)
{
	return probe->busy && now > probe->step_start_ns && now - probe->step_start_ns > OVERDUE_NS;
}

bool ks_probe_stuck(struct ks_probe *probe)
{
	uint64_t now = ks_port_time_ns();
	bool result;

	ks_lock(&probe->lock);
	result = stuck(probe, now);
	ks_unlock(&probe->lock);
	return result;
}

/* === Commands =========================================================== */

/* With the lock held.  A new instance: a new uuid, and the first step at once. */
static void start_probe(struct ks_probe *probe)
{
	ks_uuid_new(probe->uuid);
	probe->on = true;
	leave_pass(probe);
	probe->failed_in_row = 0;
	probe->due_ns = ks_port_time_ns();
	probe->expected_ns = probe->due_ns;
}

static void reset_probe(struct ks_probe *probe)
{
	const struct ks_sensor *sensor = probe->sensor;

	probe->level = sensor->config.levels[probe - sensor->probes];
	ks_ring_clear(&probe->ring);
	probe->epoch++;
	probe->reset_wanted = true;
	probe->announce_next = false;
	probe->passes = probe->steps = 0;
	probe->last_pass_ns = probe->longest_pass_ns = probe->longest_step_ns = 0;
	probe->delivered = probe->failures = probe->restarts = 0;
	probe->failed_in_row = 0;
	probe->last_error = NULL;
	probe->due_ns = ks_port_time_ns();
	if (!probe->on)
		start_probe(probe);
}

void *ks_probe_alloc(struct ks_probe *probe, size_t bytes)
{
	void *mem = ks_port_alloc(bytes);

	if (mem)
		probe->memory_bytes += bytes;
	return mem;
}

static enum ks_done get_memory(struct ks_probe *probe)
{
	uint32_t ring_bytes = probe->sensor->config.ring_bytes;
	void *ring;

	probe->memory_bytes = 0;
	if (probe->type->init(probe))
		return KS_NO_MEMORY;
	ring = ks_probe_alloc(probe, ring_bytes);
	if (!ring)
		goto no_ring;
	if (ks_port_work_init(&probe->work))
		goto no_work;
	ks_ring_init(&probe->ring, ring, ring_bytes);
	return KS_DONE;

no_work:
	ks_port_free(ring);
no_ring:
	probe->type->exit(probe);
	return KS_NO_MEMORY;
}

/* Memory and work for a probe that has none: at start, or when it is turned on later. */
static enum ks_done equip(struct ks_probe *probe)
{
	enum ks_done done = KS_DONE;
	bool mine;

	ks_lock(&probe->lock);
	mine = !probe->equipped && !probe->equipping;
	if (mine)
		probe->equipping = true;
	else if (!probe->equipped)
		done = KS_BUSY;
	ks_unlock(&probe->lock);
	if (!mine)
		return done;

	done = get_memory(probe);

	ks_lock(&probe->lock);
	probe->equipping = false;
	probe->equipped = done == KS_DONE;
	probe->last_error = done == KS_DONE ? NULL : "no memory";
	ks_unlock(&probe->lock);
	return done;
}

enum ks_done ks_probe_command(struct ks_probe *probe, enum ks_command command)
{
	enum ks_done done = KS_DONE;
	bool on;

	if (command == KS_CMD_ON || command == KS_CMD_RESET)
		done = equip(probe);
	if (done != KS_DONE)
		return done;
	ks_lock(&probe->lock);
	switch (command) {
	case KS_CMD_OFF:
		probe->on = false;
		break;
	case KS_CMD_ON:
		if (!probe->on)
			start_probe(probe);
		break;
	case KS_CMD_INCREASE:
		probe->level += probe->level < KS_ADVERSARIAL;
		break;
	case KS_CMD_DECREASE:
		probe->level -= probe->level > KS_LOW;
		break;
	case KS_CMD_RESET:
		reset_probe(probe);
		break;
	default:
		probe->level = (enum ks_level)(command - KS_CMD_LOW);
		break;
	}
	/* The new level counts from now on, not only after a long interval of the old one. */
	if (command != KS_CMD_OFF && command != KS_CMD_ON && !probe->in_pass) {
		uint64_t due = ks_port_time_ns() + interval(probe);

		if (due < probe->due_ns)
			probe->due_ns = due;
	}
	on = probe->on;
	ks_unlock(&probe->lock);
	if (on)
		ks_port_work_queue(&probe->work, 0);
	return KS_DONE;
}

/* === Supervisor ========================================================= */

/* Why the probe has to be restarted, or NULL; with the lock held. */
static const char *trouble(const struct ks_probe *probe, uint64_t now)
{
	if (!probe->on)
		return NULL;
	if (probe->failed_in_row >= FAILURES_MAX)
		return "its passes fail";
	if (probe->busy)
		return NULL; /* in the middle of a step: nothing that could be taken from it; told below when it lasts */
	if (probe->expected_ns != UINT64_MAX && now > probe->expected_ns && now - probe->expected_ns > OVERDUE_NS)
		return "it is overdue";
	return NULL;
}

static void record_restart(struct ks_probe *probe, const char *why, const char *old_uuid)
{
	struct ks_text *text = ks_record_begin(probe, "restarted");

	ks_text_member_str(text, "why", why, strlen(why));
	ks_text_member_str(text, "was", old_uuid, strlen(old_uuid));
	ks_text_member_str(text, "uuid", probe->uuid, strlen(probe->uuid));
	ks_record_end(probe);
}

static void supervise(struct ks_probe *probe)
{
	uint64_t now = ks_port_time_ns();
	char old_uuid[KS_UUID_TEXT];
	const char *why;

	ks_lock(&probe->lock);
	why = trouble(probe, now);
	if (why) {
		memcpy(old_uuid, probe->uuid, sizeof(old_uuid));
		start_probe(probe);
		probe->restarts++;
		if (!probe->last_error)
			probe->last_error = why;
	} else if (stuck(probe, now)) {
		probe->last_error = "a step does not end";
	}
	ks_unlock(&probe->lock);
	if (!why)
		return;
	record_restart(probe, why, old_uuid);
	ks_port_work_queue(&probe->work, 0);
}

static uint64_t KS_CB sensor_run(struct ks_work *work)
{
	struct ks_sensor *sensor = container_of(work, struct ks_sensor, work);

	sensor->supervised++;
	for (unsigned int i = 0; i < sensor->count; i++)
		supervise(&sensor->probes[i]);
	return SUPERVISE_NS;
}

/* === Start and stop ===================================================== */

static void name_probe(struct ks_probe *probe)
{
	struct ks_text text;

	probe->name_bytes = (uint8_t)strlen(probe->type->name);
	ks_text_init(&text, probe->common, sizeof(probe->common));
	ks_text_member_str(&text, "probe", probe->type->name, probe->name_bytes);
	ks_text_lit(&text, ",\"kind\":\"");
	probe->common_bytes = (uint8_t)text.len;
}

int ks_sensor_start(struct ks_sensor *sensor, const struct ks_sensor_config *config)
{
	memset(sensor, 0, sizeof(*sensor));
	sensor->config = *config;
	sensor->name_bytes = (uint8_t)strlen(config->name);
	ks_uuid_new(sensor->uuid);
	sensor->work.name = config->name;
	sensor->work.run = sensor_run;
	sensor->probes = ks_port_alloc(config->types_count * sizeof(*sensor->probes));
	if (!sensor->probes)
		return -1;
	for (unsigned int i = 0; i < config->types_count; i++) {
		struct ks_probe *probe = &sensor->probes[i];

		ks_lock_init(&probe->lock);
		probe->type = config->types[i];
		probe->sensor = sensor;
		probe->level = config->levels[i];
		probe->work.name = probe->type->name;
		name_probe(probe);
		probe->work.run = probe_run;
		ks_uuid_new(probe->uuid);
		sensor->count++;
		if (equip(probe) != KS_DONE) {
			ks_port_log("no memory for a probe: it stays off");
			continue;
		}
		if (!config->off[i])
			ks_probe_command(probe, KS_CMD_ON);
	}
	if (ks_port_work_init(&sensor->work))
		return -1;
	sensor->running = true;
	ks_port_work_queue(&sensor->work, SUPERVISE_NS);
	return 0;
}

void ks_sensor_stop(struct ks_sensor *sensor)
{
	if (sensor->running)
		ks_port_work_exit(&sensor->work);
	for (unsigned int i = 0; i < sensor->count; i++) {
		struct ks_probe *probe = &sensor->probes[i];

		if (!probe->equipped)
			continue;
		ks_probe_command(probe, KS_CMD_OFF);
		ks_port_work_exit(&probe->work);
		probe->type->exit(probe);
		ks_port_free(probe->ring.mem);
	}
	ks_port_free(sensor->probes);
	sensor->probes = NULL;
	sensor->count = 0;
}
