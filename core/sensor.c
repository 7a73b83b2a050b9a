// SPDX-License-Identifier: MIT
/*
 * sensor.c - the sensor: parent of the probes.
 *
 * Each probe has a work of its own, which does one step at a time; a caller who wants a fresh
 * sample does steps in its own context. Both go through step(), and probe->busy keeps them apart.
 * The supervisor is a work too.
 */
#include "record.h"

#include "request.h"

/* How often the supervisor looks. */
#define SUPERVISE_NS 1000000000ULL
/*
 * A probe is overdue this long after the moment at which a step should have run; and if its steps
 * were late by so much, at once or in parts of more than LATE_NS, it says so.
 */
#define OVERDUE_NS 5000000000ULL
#define LATE_NS 1000000000ULL
/* So many passes that failed in a row make a restart. */
#define FAILURES_MAX 3
/*
 * A pass that takes so many times as long as usual does not end any more; but it has so long at
 * least, and the first one so long.  Or there is just more to look at than there ever was, which
 * is in the hands of any user: each pass that is cut off gives the next twice as long.
 */
#define PASS_USUAL_TIMES 100
#define PASS_LEAST_NS 10000000000ULL
#define PASS_FIRST_NS 600000000000ULL
#define DOUBLINGS_MAX 16
/*
 * From the second restart in a row on there is a pause before it, twice as long each time up to
 * here.  If it is its passes that fail, it stays off after so many; what somebody can bring about
 * from outside, a machine that is slow or full, never turns it off.
 */
#define RESTARTS_MAX 8
#define RESTART_PAUSE_NS 1000000000ULL
/*
 * For those who may only read, a pass records everything at most so often, and only so long after
 * any other that did: whoever asked for that one has read it by then.
 */
#define ANNOUNCE_OWN_NS 1000000000ULL
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

/* === Steps ============================================================== */

/*
 * At the levels that are to cost little, a probe rests at least so many times as long as its last
 * pass worked: however much there is to look at, it takes one part of 20 of a CPU at most.
 */
static const uint8_t rests[KS_LEVELS] = { [KS_LOW] = 99, [KS_DEFAULT] = 19 };

/*
 * So much of a step counts for that, many times what it may take: one that took longer was kept
 * waiting, for a lock or for the CPU, and who can bring that about must not have the probe rest
 * for it as well.
 */
#define WORK_OF_STEP_MAX (16 * KS_STEP_BUDGET_NS)

/*
 * How long until the next pass; from `high` on nobody can tell: anything from next to nothing to
 * twice the mean.
 */
static uint64_t interval(const struct ks_probe *probe)
{
	uint64_t mean = probe->type->interval_ns[probe->level];
	uint64_t rest = probe->pass_work_ns * rests[probe->level], random;

	if (probe->level < KS_HIGH)
		return rest > mean ? rest : mean;
	ks_port_random(&random, sizeof(random));
	return random % (2 * mean + 1);
}

/*
 * The pass under way, if there is one, is over or given up.  Only now its steps and its beginning
 * are told: whoever knows that a pass has begun knows when to hide, and until when.
 */
static void leave_pass(struct ks_probe *probe)
{
	if (probe->in_pass) {
		probe->ended++;
		probe->ended_start_ns = probe->pass_boot_ns;
	}
	probe->ended_steps = probe->steps;
	probe->in_pass = false;
}

/* It failed, or is cut off; whoever waits for it is told, and everybody when it is news. */
static void pass_failed(struct ks_probe *probe, const char *why)
{
	probe->failures++;
	probe->failed_in_row++;
	if (probe->announce || why != probe->failed_why)
		ks_record_failed(probe, why);
}

static void pass_complete(struct ks_probe *probe, uint64_t now)
{
	uint64_t took = now - probe->pass_start_ns;

	if (probe->failed_in_row)
		ks_record_recovered(probe);
	probe->failed_in_row = probe->restarts_in_row = probe->cut_in_row = 0;
	probe->passes++;
	probe->last_pass_ns = probe->pass_ns;
	if (probe->pass_ns > probe->longest_pass_ns)
		probe->longest_pass_ns = probe->pass_ns;
	probe->usual_pass_ns = probe->usual_pass_ns ? (7 * probe->usual_pass_ns + took) / 8 : took;
	probe->usual_pass_ns += !probe->usual_pass_ns;
	if (!probe->incomplete) {
		probe->whole = probe->ended + 1;
		probe->whole_start_ns = probe->pass_boot_ns;
	}
	if (!probe->incomplete && probe->announce) {
		probe->sample = probe->whole;
		probe->sample_start_ns = probe->whole_start_ns;
		probe->sample_seq = probe->ring.sample_seq;
		probe->sample_end = probe->ring.next_seq;
	}
}

static void pass_over(struct ks_probe *probe, bool complete)
{
	uint64_t now = ks_port_time_ns();

	if (complete)
		pass_complete(probe, now);
	else
		pass_failed(probe, probe->last_error ? probe->last_error : "no reason was given");
	leave_pass(probe);
	probe->due_ns = now + interval(probe);
}

/* With the lock held, as a pass begins: whether it records everything that it sees. */
static bool announces(struct ks_probe *probe, uint64_t now)
{
	bool own = probe->announce_own && (!probe->announced_ns || now - probe->announced_ns >= ANNOUNCE_OWN_NS);

	/* The first sample is everybody's. */
	probe->for_readers = own && !probe->announce_next && probe->passes;
	if (!probe->announce_next && !own)
		return false;
	probe->announce_next = probe->announce_own = false;
	probe->announced_ns = now;
	return true;
}

/*
 * One step, with the lock held and probe->busy false; the lock is dropped in between.  Starts a
 * pass if none is under way.
 */
static void step(struct ks_probe *probe, uint64_t deadline_ns)
{
	bool reset = probe->reset_wanted;
	uint64_t start = ks_port_time_ns(), took;
	enum ks_step result;

	ks_assert_locked(&probe->lock);
	if (reset) {
		probe->reset_wanted = false;
		leave_pass(probe);
	}
	if (!probe->in_pass) {
		probe->in_pass = true;
		probe->first_step = true;
		probe->incomplete = false;
		probe->pass_ns = probe->pass_work_ns = 0;
		probe->pass_start_ns = start;
		probe->pass_boot_ns = ks_port_boot_time_ns();
		probe->announce = announces(probe, start);
		if (probe->announce || !probe->passes)
			ks_ring_begin_sample(&probe->ring);
	}
	probe->busy = true;
	probe->step_start_ns = start;
	ks_unlock(&probe->lock);

	if (reset)
		probe->type->reset(probe);
	if (deadline_ns > start + KS_STEP_BUDGET_NS)
		deadline_ns = start + KS_STEP_BUDGET_NS;
	result = probe->type->step(probe, deadline_ns);

	ks_lock(&probe->lock);
	took = ks_port_time_ns() - start;
	probe->busy = false;
	probe->stuck = false;
	probe->first_step = false;
	probe->steps++;
	probe->pass_ns += took;
	probe->pass_work_ns += took < WORK_OF_STEP_MAX ? took : WORK_OF_STEP_MAX;
	if (took > probe->longest_step_ns)
		probe->longest_step_ns = took;
	/*
	 * If a reset came meanwhile, the next step starts anew; and so it does if the probe was
	 * started anew: then the pass is over already.
	 */
	if (probe->in_pass && !probe->reset_wanted && result != KS_STEP_MORE)
		pass_over(probe, result == KS_STEP_DONE);
}

/*
 * With the lock held, before another moment is expected: a step that should have run long ago has
 * not, or only now.  Somebody kept its CPU for himself, or all of the machine.  True: it is to be
 * told.
 */
static bool count_late(struct ks_probe *probe, uint64_t now)
{
	ks_assert_locked(&probe->lock);
	/* The first step waits for the end of the machine's boot. */
	if (!probe->on || !probe->steps || now < probe->expected_ns || now - probe->expected_ns <= LATE_NS)
		return false;
	probe->lates++;
	probe->late_ns += now - probe->expected_ns;
	probe->late_untold_ns += now - probe->expected_ns;
	return probe->late_untold_ns >= OVERDUE_NS;
}

static void note_late(struct ks_probe *probe, uint64_t now)
{
	if (!count_late(probe, now))
		return;
	ks_record_late(probe);
	probe->late_untold_ns = 0;
}

static uint64_t KS_CB probe_run(struct ks_work *work)
{
	struct ks_probe *probe = container_of(work, struct ks_probe, work);
	uint64_t now, again;

	ks_lock(&probe->lock);
	now = ks_port_time_ns();
	note_late(probe, now);
	if (!probe->on) {
		again = KS_WORK_IDLE;
	} else if (probe->busy) {
		again = BUSY_NS;
	} else if (!probe->in_pass && !probe->reset_wanted && now < probe->due_ns) {
		again = probe->due_ns - now;
	} else {
		step(probe, UINT64_MAX);
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

uint32_t ks_probe_want_pass(struct ks_probe *probe)
{
	uint32_t pass;

	ks_lock(&probe->lock);
	probe->announce_next = true;
	/* A pass that is under way began before the request: it is not fresh. */
	pass = ks_pass_mark(probe->ended + 1 + probe->in_pass);
	ks_unlock(&probe->lock);
	return pass;
}

void ks_probe_announce_own(struct ks_probe *probe)
{
	ks_lock(&probe->lock);
	probe->announce_own = true;
	ks_unlock(&probe->lock);
}

uint32_t ks_probe_no_pass(struct ks_probe *probe, const char *why)
{
	uint32_t pass;

	ks_lock(&probe->lock);
	ks_record_failed(probe, why);
	pass = ks_pass_mark(probe->ended + probe->in_pass);
	ks_unlock(&probe->lock);
	return pass;
}

enum ks_drive ks_probe_drive(struct ks_probe *probe, uint32_t pass, uint64_t deadline_ns)
{
	enum ks_drive drive = KS_DRIVE_NOT;
	bool wake = false;

	ks_lock(&probe->lock);
	if (!ks_pass_reached((uint32_t)probe->ended, pass) && probe->on && !probe->busy) {
		/* Of a call that has used up its time already, no step is a part. */
		if (probe->type->in_work || ks_port_time_ns() >= deadline_ns) {
			probe->due_ns = 0;
			wake = true;
		} else {
			step(probe, deadline_ns);
			drive = KS_DRIVE_MORE;
		}
	}
	if (ks_pass_reached((uint32_t)probe->ended, pass))
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

/* With the lock held. */
static void turn_off(struct ks_probe *probe)
{
	ks_assert_locked(&probe->lock);
	probe->on = false;
	probe->offs++;
	probe->off_since_ns = ks_port_boot_time_ns();
}

/* With the lock held.  A new instance: a new uuid, and the first step at once. */
static void start_probe(struct ks_probe *probe)
{
	ks_assert_locked(&probe->lock);
	if (!probe->on && probe->offs)
		probe->off_ns += ks_port_boot_time_ns() - probe->off_since_ns;
	ks_uuid_new(probe->uuid);
	probe->on = true;
	leave_pass(probe);
	probe->failed_in_row = 0;
	probe->due_ns = ks_port_time_ns();
	probe->expected_ns = probe->due_ns;
}

/* A command heals nothing: what still fails behind it is told once more. */
static void tell_failures_anew(struct ks_probe *probe)
{
	probe->failed_why = NULL;
	probe->stuck = false;
}

static void new_epoch(struct ks_probe *probe)
{
	uint32_t old = probe->epoch;

	do
		ks_port_random(&probe->epoch, sizeof(probe->epoch));
	while (!probe->epoch || probe->epoch == old);
}

static void reset_probe(struct ks_probe *probe, const struct ks_caller *caller)
{
	const struct ks_sensor *sensor = probe->sensor;
	struct ks_count before = {
		.epoch = probe->epoch, .next_seq = probe->ring.next_seq, .unread = probe->ring.held,
		.lost = probe->ring.lost_total,
		.baselines = probe->type->baselines ? probe->type->baselines(probe) : 0,
	};

	probe->level = sensor->config.levels[probe - sensor->probes];
	probe->reset_wanted = true;
	probe->announce_next = probe->announce_own = false;
	probe->passes = probe->steps = probe->ended_steps = 0;
	probe->last_pass_ns = probe->longest_pass_ns = probe->longest_step_ns = 0;
	probe->usual_pass_ns = 0;
	probe->whole = probe->whole_start_ns = 0;
	probe->sample = probe->sample_start_ns = 0;
	probe->sample_seq = probe->sample_end = 0;
	probe->delivered = probe->failures = probe->restarts = 0;
	probe->failed_in_row = probe->restarts_in_row = probe->cut_in_row = 0;
	probe->last_error = NULL;
	tell_failures_anew(probe);
	probe->resets++;
	probe->reset_ns = ks_port_boot_time_ns();
	if (!probe->on)
		start_probe(probe);
	ks_ring_clear(&probe->ring);
	new_epoch(probe);
	ks_record_began(probe, "reset", caller, &before);
}

void *ks_probe_alloc(struct ks_probe *probe, size_t bytes)
{
	void *mem = ks_port_alloc(bytes);

	if (mem)
		probe->memory_bytes += bytes;
	return mem;
}

/*
 * A record is some 300 bytes, and takes three cells of 128; samples have three eighths of the
 * ring.
 */
static uint32_t ring_bytes(const struct ks_probe *probe)
{
	uint32_t bytes = probe->sensor->config.ring_bytes;
	struct ks_size size = { .items = 0 };
	uint64_t wanted;

	if (probe->type->size)
		probe->type->size(probe->type, &size);
	wanted = (uint64_t)size.items * 384 * 8 / 3 + KS_RECORD_MAX;
	if (probe->sensor->config.ring_fixed || wanted <= bytes)
		return bytes;
	return wanted < KS_RING_MAX ? (uint32_t)wanted : KS_RING_MAX;
}

static bool get_memory(struct ks_probe *probe)
{
	uint32_t bytes;
	void *ring;

	if (probe->type->own_bytes) {
		probe->own = ks_probe_alloc(probe, probe->type->own_bytes);
		if (!probe->own)
			return false;
	}
	if (probe->type->init(probe))
		goto no_init;
	bytes = ring_bytes(probe);
	ring = ks_probe_alloc(probe, bytes);
	if (!ring)
		goto no_ring;
	if (ks_port_work_init(&probe->work))
		goto no_work;
	ks_ring_init(&probe->ring, ring, bytes);
	return true;

no_work:
	ks_port_free(ring);
no_ring:
	probe->type->exit(probe);
no_init:
	ks_port_free(probe->own);
	probe->memory_bytes = 0;
	return false;
}

/*
 * What a probe needs it gets as the sensor starts, or not at all: its tables may be many MiB,
 * which are not taken in the bounded time of a call.
 */
static void equip(struct ks_probe *probe)
{
	probe->equipped = get_memory(probe);
	if (!probe->equipped) {
		probe->last_error = "no memory";
		ks_port_log("no memory for a probe: it stays off");
		return;
	}
	ks_lock(&probe->lock);
	new_epoch(probe);
	ks_record_began(probe, "start", NULL, NULL);
	ks_unlock(&probe->lock);
}

void ks_probe_command(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller)
{
	enum ks_level level;
	bool on;

	ks_lock(&probe->lock);
	on = probe->on;
	level = probe->level;
	switch (command) {
	case KS_CMD_OFF:
		if (probe->on)
			turn_off(probe);
		break;
	case KS_CMD_ON:
		probe->restarts_in_row = 0;
		if (!probe->on) {
			start_probe(probe);
			tell_failures_anew(probe);
		}
		break;
	case KS_CMD_INCREASE:
		probe->level += probe->level < KS_ADVERSARIAL;
		break;
	case KS_CMD_DECREASE:
		probe->level -= probe->level > KS_LOW;
		break;
	case KS_CMD_RESET:
		reset_probe(probe, caller);
		break;
	default:
		probe->level = (enum ks_level)(command - KS_CMD_LOW);
		break;
	}
	/* Who has no memory has no ring either. */
	if (caller && command != KS_CMD_RESET && probe->equipped && (on != probe->on || level != probe->level))
		ks_record_command_locked(probe, command, caller);
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
}

/* === Supervisor ========================================================= */

static const char passes_fail[] = "its passes fail", does_not_end[] = "a pass does not end";

/* Why the probe has to be restarted, or NULL; with the lock held. */
static const char *trouble(const struct ks_probe *probe, uint64_t now)
{
	uint64_t patience = PASS_FIRST_NS;
	uint32_t doublings = probe->cut_in_row < DOUBLINGS_MAX ? probe->cut_in_row : DOUBLINGS_MAX;

	if (!probe->on)
		return NULL;
	if (probe->failed_in_row >= FAILURES_MAX)
		return passes_fail;
	if (probe->busy)
		/*
		 * in the middle of a step: nothing that could be taken from it; told
		 * below when it lasts
		 */
		return NULL;
	if (probe->expected_ns != UINT64_MAX && now > probe->expected_ns && now - probe->expected_ns > OVERDUE_NS)
		return "it is overdue";
	if (probe->usual_pass_ns)
		patience = PASS_USUAL_TIMES * probe->usual_pass_ns > PASS_LEAST_NS
				   ? PASS_USUAL_TIMES * probe->usual_pass_ns
				   : PASS_LEAST_NS;
	if (probe->in_pass && now > probe->pass_start_ns && (now - probe->pass_start_ns) >> doublings > patience)
		return does_not_end;
	return NULL;
}

/*
 * With the lock held: a new instance after a pause, which grows as long as none of them gets
 * through a pass; in the end none.
 */
static void restart(struct ks_probe *probe, const char *why)
{
	char old_uuid[KS_UUID_TEXT];
	uint64_t pause_ns = 0;

	ks_assert_locked(&probe->lock);
	memcpy(old_uuid, probe->uuid, sizeof(old_uuid));
	if (probe->in_pass && probe->announce)
		ks_record_failed(probe, why);
	if (!probe->last_error)
		probe->last_error = why;
	probe->cut_in_row += why == does_not_end;
	if (why == passes_fail && probe->restarts_in_row == RESTARTS_MAX) {
		leave_pass(probe);
		turn_off(probe);
		ks_record_restarted(probe, "stopped", why, old_uuid, 0);
		return;
	}
	/* The record of the restart tells that, too. */
	if (count_late(probe, ks_port_time_ns()))
		probe->late_untold_ns = 0;
	if (probe->restarts_in_row)
		pause_ns = RESTART_PAUSE_NS << (probe->restarts_in_row - 1);
	start_probe(probe);
	probe->restarts++;
	probe->restarts_in_row += probe->restarts_in_row < RESTARTS_MAX;
	probe->due_ns += pause_ns;
	probe->expected_ns += pause_ns;
	ks_record_restarted(probe, "restarted", why, old_uuid, pause_ns);
}

/*
 * With the lock held: it is told once, in a record too, which may be the last that this probe
 * makes.  The step's own record is not open, as that is made with the lock held.
 */
static void step_stuck(struct ks_probe *probe)
{
	ks_assert_locked(&probe->lock);
	probe->stuck = true;
	probe->last_error = "a step does not end";
	pass_failed(probe, probe->last_error);
}

/*
 * @gap_ns: for so long nobody ran, the supervisor neither: somebody kept all of the machine for
 * himself.  That is no probe's fault and does not count as time in which it did nothing.
 */
static void supervise(struct ks_probe *probe, uint64_t now, uint64_t gap_ns)
{
	const char *why;
	bool on;

	ks_lock(&probe->lock);
	if (gap_ns) {
		note_late(probe, now);
		/*
		 * What was due meanwhile, is due now; a step under way begins anew to be late, and
		 * the pass took that much less.
		 */
		if (probe->expected_ns < now)
			probe->expected_ns = now;
		if (probe->busy)
			probe->step_start_ns = now;
		if (probe->in_pass && now - probe->pass_start_ns >= gap_ns)
			probe->pass_start_ns += gap_ns;
	}
	why = trouble(probe, now);
	if (why)
		restart(probe, why);
	else if (stuck(probe, now) && !probe->stuck)
		step_stuck(probe);
	on = probe->on;
	ks_unlock(&probe->lock);
	if (why && on)
		ks_port_work_queue(&probe->work, 0);
}

static uint64_t KS_CB sensor_run(struct ks_work *work)
{
	struct ks_sensor *sensor = container_of(work, struct ks_sensor, work);
	uint64_t now = ks_port_time_ns(), late = sensor->supervised_ns + SUPERVISE_NS;
	uint64_t gap_ns = now > late + SUPERVISE_NS ? now - late : 0;

	sensor->supervised++;
	for (unsigned int i = 0; i < sensor->count; i++)
		supervise(&sensor->probes[i], now, gap_ns);
	sensor->supervised_ns = now;
	return SUPERVISE_NS;
}

/* === Start and stop ===================================================== */

static void name_probe(struct ks_probe *probe)
{
	struct ks_writer text;

	probe->name_bytes = (uint8_t)strlen(probe->type->name);
	ks_writer_init(&text, probe->common, sizeof(probe->common));
	ks_write_member_str(&text, "probe", probe->type->name, probe->name_bytes);
	ks_write_lit(&text, ",\"kind\":\"");
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
		equip(probe);
		if (probe->equipped && !config->off[i])
			ks_probe_command(probe, KS_CMD_ON, NULL);
	}
	if (ks_port_work_init(&sensor->work))
		return -1;
	sensor->running = true;
	sensor->supervised_ns = ks_port_time_ns();
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
		ks_probe_command(probe, KS_CMD_OFF, NULL);
		ks_port_work_exit(&probe->work);
		probe->type->exit(probe);
		ks_port_free(probe->own);
		ks_port_free(probe->ring.mem);
	}
	ks_port_free(sensor->probes);
	sensor->probes = NULL;
	sensor->count = 0;
}
