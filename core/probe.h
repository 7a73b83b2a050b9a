/* SPDX-License-Identifier: MIT */
/*
 * probe.h - what the author of a probe needs.
 *
 * A probe is one constant struct ks_probe_type in a file of its own, probes/KERNEL/FILE.c, and one
 * line in probes/KERNEL/probes.h: scripts/new-probe makes both.  Most have no step() of their own:
 * they are a table for one of the two engines in probes/ (set.h, region.h).
 */
#ifndef KS_PROBE_H
#define KS_PROBE_H

#include "port.h"
#include "ring.h"
#include "writer.h"

enum ks_level { KS_LOW, KS_DEFAULT, KS_HIGH, KS_ADVERSARIAL, KS_LEVELS };

/*
 * An engine asks ks_port_time_ns() after each small unit of work, and ends the step when
 * KS_STEP_BUDGET_NS (port.h) are over.
 */
enum ks_step {
	KS_STEP_MORE,    /* the pass goes on in another step */
	KS_STEP_DONE,    /* the pass is complete */
	KS_STEP_FAILED,  /* the pass is given up; ks_probe_failed() said why */
};

/* What became of a change of a probe's list. */
enum ks_edit {
	KS_EDIT_DONE,
	/* no such thing can be looked at, or there is none in the list to remove */
	KS_EDIT_BAD,
	KS_EDIT_FULL,    /* the list has no room */
};

struct ks_probe;

/* How much a probe would hold on this machine. */
struct ks_size {
	uint32_t items;          /* so many records its first sample makes */
	uint64_t least_bytes;    /* memory to see of each that it comes, changes and goes */
	uint64_t most_bytes;     /* memory to keep each as a whole */
};

struct ks_probe_type {
	const char *name;
	/*
	 * Mean time from the end of one pass to the start of the next; from KS_HIGH on the moments
	 * are random.  Below, it is longer where a pass takes long, so that it is no more than a
	 * twentieth of a CPU at KS_DEFAULT, and a hundredth at KS_LOW.
	 */
	uint64_t interval_ns[KS_LEVELS];
	/* Pause between two steps of one pass: what a pass leaves to others. */
	uint64_t pause_ns[KS_LEVELS];
	/*
	 * Its steps are made by its work alone, never by a caller who wants a fresh sample: for a
	 * probe that looks at the CPU it is on, which has a caller's state then, or that has to
	 * choose the CPU.
	 */
	bool in_work;
	/*
	 * So much memory is there in probe->own, zero at init() and until after exit(): what the
	 * probe's functions keep from one call to the next when it is an engine that calls them.
	 */
	size_t own_bytes;
	/*
	 * Optional, for a probe whose tables are as large as its share of the memory: *@size,
	 * which is zero.  Before init().
	 */
	void (*size)(const struct ks_probe_type *type, struct ks_size *size);
	/* Takes the probe's memory into probe->data.  0, or -1: no memory. */
	int (*init)(struct ks_probe *probe);
	/* Gives back what init() took; only after init() succeeded. */
	void (*exit)(struct ks_probe *probe);
	/*
	 * Forgets samples and baselines: the next pass is the first.  It is the beginning of that
	 * pass's first step, and counts as a part of it.
	 */
	void (*reset)(struct ks_probe *probe);
	/*
	 * Optional: how many items or ranges it compares with, and would forget at a reset.
	 * Beside step(), so the number may be of any moment.
	 */
	uint32_t (*baselines)(const struct ks_probe *probe);
	/*
	 * Works until @deadline_ns at the latest.  Allocates nothing, waits for nothing, holds no
	 * lock on return.
	 */
	enum ks_step (*step)(struct ks_probe *probe, uint64_t deadline_ns);
	/*
	 * Optional, for a probe that looks at what it is told to (files by their paths): puts
	 * @item, @bytes long and not terminated, into its list, or takes it out.  The item comes
	 * from a client: 1 to 1024 bytes of any value.  In a caller's context, which may be beside
	 * step(), and where the probe is off too: the list has a lock of the probe's own.
	 */
	enum ks_edit (*edit)(struct ks_probe *probe, bool add, const char *item, size_t bytes);
	/* With edit: what is said where an item to add is KS_EDIT_BAD, "the probe takes ...". */
	const char *edit_takes;
	/* The engine's own table: struct ks_set_type or struct ks_region_type. */
	const void *engine;
};

/*
 * One running instance.  Probes read type, own, data, level, first_step and announce; the rest is
 * the sensor's.
 *
 * Constant: written before the probe can be found.
 * Of the step: who has set @busy, under the lock, has them alone until @busy is false again.
 * Under the lock: all the rest.  A step may read @level beside that, as it may change in a step.
 */
struct ks_probe {
	/* --- constant */
	const struct ks_probe_type *type;
	struct ks_sensor *sensor;
	struct ks_work work;
	void *own;               /* the probe's: type->own_bytes of it */
	void *data;              /* its engine's, or the probe's without one: init() to exit() */
	size_t memory_bytes;     /* taken with ks_probe_alloc(), and for the ring */
	char common[80];         /* what is the same in all records:  ,"probe":"NAME","kind":"  */
	uint8_t common_bytes, name_bytes;
	/*
	 * It got its memory and its work when the sensor started; else it stays off, and has no
	 * ring
	 */
	bool equipped;

	/* --- of the step; between steps, under the lock */
	bool first_step;         /* the step under way begins a pass */
	/* this pass records everything it sees: somebody asked for a fresh sample */
	bool announce;
	/* one who may only read: how things are, it tells those alone who take nothing */
	bool for_readers;
	bool incomplete;         /* the pass under way could not see all: ks_record_outcome() */

	/* --- under the lock */
	struct ks_lock lock;
	char uuid[KS_UUID_TEXT];
	enum ks_level level;
	bool on;
	bool busy;               /* a step runs, here or in a caller's context */
	bool stuck;              /* it has for so long that this was told */
	bool in_pass;            /* between the first and the last step of a pass */
	bool announce_next;      /* the next pass records everything it sees */
	bool announce_own;       /* or one of the next: somebody who may only read waits for it */
	/* before the next step: engine's reset(), and records of the step under way are dropped */
	bool reset_wanted;
	/* tells this count of records from every other: random, drawn as it begins */
	uint32_t epoch;
	struct ks_ring ring;
	struct ks_writer record;   /* the open record, */
	struct ks_entry entry;   /* what else is known of it, */
	uint32_t source;         /* and whose it is */
	/* clocks of two CPUs differ a little; the time of records does not go back */
	uint64_t last_record_ns;
	uint64_t announced_ns;   /* when the last pass that records all began; 0: none did */
	uint64_t due_ns;         /* when the next pass starts */
	uint64_t expected_ns;    /* when the work should run next, UINT64_MAX: not at all */
	uint64_t step_start_ns;  /* of the step under way, if busy */
	uint64_t pass_ns;        /* time spent in the steps of this pass */
	uint64_t pass_work_ns;   /* the same, without what they were kept waiting for */
	/*
	 * Passes are numbered from 1 on: with so many ended, the one under way has the next
	 * number.  It never goes back, not at a reset either.
	 */
	uint64_t ended;          /* passes that are over, complete or not */
	uint64_t ended_start_ns; /* when the last of them started, since boot; */
	uint64_t ended_steps;    /* steps at its end */
	uint64_t pass_start_ns;  /* of the pass under way, or of the last one, */
	/*
	 * and since boot, for others: the clock of moments stands still while the
	 * machine is suspended
	 */
	uint64_t pass_boot_ns;
	/* from start to end, as the last complete ones took; 0: not known yet */
	uint64_t usual_pass_ns;
	/* number of the last pass that was complete and saw all, 0: none */
	uint64_t whole;
	uint64_t whole_start_ns; /* when it started */
	uint64_t sample;         /* the same of the last one that recorded everything, too */
	uint64_t sample_start_ns;
	uint64_t sample_seq, sample_end; /* its records: from this seq on, and before that */
	/* counters, told by "status" */
	uint64_t passes;         /* completed */
	uint64_t steps;
	uint64_t last_pass_ns;
	uint64_t longest_pass_ns;
	uint64_t longest_step_ns;
	uint64_t delivered;
	uint64_t failures;
	uint64_t restarts;
	uint64_t resets;         /* since the sensor started */
	uint64_t removes;        /* items that were taken out of its list, likewise */
	uint64_t reset_ns;       /* when it was reset last, since boot; 0: never */
	uint64_t offs;           /* how often it was turned off, likewise, */
	/* and for how long in all, but for the last time while it is off, */
	uint64_t off_ns;
	uint64_t off_since_ns;   /* which began then */
	/* how often a step ran more than a second later than it should, likewise, */
	uint64_t lates;
	uint64_t late_ns;        /* by how much in all, */
	uint64_t late_untold_ns; /* and how much of it is in no record yet */
	uint32_t failed_in_row;
	/* without a complete pass in between; no more are counted than make a difference */
	uint32_t restarts_in_row;
	uint32_t cut_in_row;     /* passes that did not end, without a complete one in between */
	const char *last_error;  /* static text, or NULL */
	const char *failed_why;  /* as the last `failed` record told it */
};

/*
 * Records.  begin takes the probe's lock, writes the common members and returns the text to which
 * the caller adds members (ks_write_member_...); end closes the object, keeps it in the ring and
 * drops the lock.  Between the two: nothing but writing.
 */
struct ks_writer *ks_record_begin(struct ks_probe *probe, enum ks_class class, uint32_t source, const char *kind);

void ks_record_end(struct ks_probe *probe);

/*
 * The open record says that this pass did not see all there is.  Whoever asked for the pass gets
 * it, whatever he filters by, and the pass does not count as whole.
 */
void ks_record_outcome(struct ks_probe *probe);

/*
 * The same without a record: this pass does not see all there is, which was told before and asked
 * for by nobody.  In a step.
 */
static inline void ks_pass_incomplete(struct ks_probe *probe)
{
	probe->incomplete = true;
}

/*
 * A member with raw bytes in the open record, at most one a record, at most KS_RAW_MAX bytes:
 * delivered as a string of hex digits, or as they are behind the line to whom asks for "raw".
 */
#define KS_RAW_MAX 256
void ks_record_raw(struct ks_probe *probe, const char *name, const void *bytes, size_t len);

/*
 * What @probe may take of the memory that is there for the tables of all (config.memory_bytes,
 * sensor.h): first each probe gets what is needed to see all, and then to keep all, in equal
 * shares; what one does not need, others get.  UINT64_MAX: as much as it likes.  For init()
 * (memory.c).
 */
uint64_t ks_memory_share(const struct ks_probe *probe);

/* Memory for init(): zeroed, or NULL.  Give it back with ks_port_free(). */
void *ks_probe_alloc(struct ks_probe *probe, size_t bytes);

/*
 * Says why a step fails; @why is static text of at most 64 bytes, so that every status fits in a
 * line.  The supervisor restarts a probe that goes on failing.
 */
void ks_probe_failed(struct ks_probe *probe, const char *why);

extern const char *const ks_level_names[KS_LEVELS];

#endif /* KS_PROBE_H */
