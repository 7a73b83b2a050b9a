/* SPDX-License-Identifier: MIT */
/*
 * sensor.h - the sensor: parent of the probes.
 *
 * A port fills in a struct ks_sensor_config, starts one sensor, and passes request lines to
 * ks_serve() (serve.h).
 */
#ifndef KS_SENSOR_H
#define KS_SENSOR_H

#include "probe.h"

#define KS_RING_DEFAULT 131072U
#define KS_RING_MAX (1U << 20)

#define KS_PROBES_MAX 16  /* the status of so many fits in KS_STATUS_MAX */

struct ks_request;

/* Who asks, as the transport knows it. */
struct ks_caller {
	/* may do what ks_needs_control() (serve.h) names; else such a request is "denied" */
	bool control;
	bool is_domain;       /* @id is a domain's; else it is a user's, and @pid its process */
	uint32_t id, pid;
	/* when the call began: what it may take is counted from there; 0: from ks_serve() on */
	uint64_t began_ns;
};

struct ks_sensor_config {
	const char *name;                          /* of the sensor: "xen", "linux", "host" */
	const struct ks_probe_type *const *types;  /* the probes, in the order of discovery */
	unsigned int types_count;                  /* at most KS_PROBES_MAX */
	/* of each probe, from KS_RING_MIN to KS_RING_MAX; */
	uint32_t ring_bytes;
	/* and no more where its first sample needs more */
	bool ring_fixed;
	/* for the tables of all probes together; 0: as much as they like */
	uint64_t memory_bytes;
	enum ks_level levels[KS_PROBES_MAX];       /* at start and after "reset" */
	bool off[KS_PROBES_MAX];                   /* registered, but not started */

	/*
	 * The rest is optional, for what one port alone has; called in the context of who reads
	 * the options, or asks.
	 */

	/*
	 * Takes a word of the list of options that the core does not know (options.h).  False: nor
	 * does the port.
	 */
	bool (*option)(const char *word, size_t bytes);
	/* The name of one of these that may stand several times, all of which count; or NULL. */
	const char *option_again;
	/*
	 * Warns of a mistake in that list: the word, which no NUL ends, and what is wrong with it.
	 */
	void (*option_mistake)(const char *word, size_t bytes, const char *why);
	/*
	 * Adds members to the sensor's status: ks_write_member_...(), at most KS_STATUS_OWN_MAX
	 * bytes.
	 */
	void (*put_status)(struct ks_writer *out);
	/* @request was answered "denied". */
	void (*denied)(const struct ks_caller *caller, const struct ks_request *request);
};

/* With so much of the port's own, the sensor's part of the status still fits in KS_LINE_MAX. */
#define KS_STATUS_OWN_MAX 256

struct ks_sensor {
	struct ks_sensor_config config;
	uint8_t name_bytes;
	char uuid[KS_UUID_TEXT];
	struct ks_work work;         /* the supervisor */
	uint64_t supervised;         /* how often it ran, */
	uint64_t supervised_ns;      /* and when last */
	bool running;                /* the supervisor's work is there */
	unsigned int count;
	struct ks_probe *probes;     /* count of them */
};

/* From KS_CMD_STATUS on they are of version 0.2. */
enum ks_command {
	KS_CMD_DISCOVERY,
	KS_CMD_OFF,
	KS_CMD_ON,
	KS_CMD_INCREASE,
	KS_CMD_DECREASE,
	KS_CMD_LOW,
	KS_CMD_DEFAULT,
	KS_CMD_HIGH,
	KS_CMD_ADVERSARIAL,
	KS_CMD_RESET,
	KS_CMD_RECORDS,
	KS_CMD_STATUS,
	KS_CMD_SUBSCRIBE,
	KS_CMD_UNSUBSCRIBE,
	KS_CMD_ADD,
	KS_CMD_REMOVE,
	KS_COMMANDS
};

/*
 * Starts the supervisor and the probes.  0, or -1 when there is no memory or thread for the sensor
 * itself; a probe for which there is none is registered, off for good, and says why in its status.
 * Everything is freed by ks_sensor_stop(), also after -1.
 */
int ks_sensor_start(struct ks_sensor *sensor, const struct ks_sensor_config *config);
void ks_sensor_stop(struct ks_sensor *sensor);

/*
 * Does one of OFF ... RESET to a probe; ON and RESET to one that is equipped.  What that changed
 * is a record that says who did it; @caller is NULL for the sensor itself, which makes none.
 */
void ks_probe_command(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller);

/*
 * A record of what @caller did: kind "command", with @item, which may be NULL.  An alarm, where it
 * takes something out of sight.
 */
void ks_record_command(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller,
		       const char *item, size_t item_bytes);

/*
 * For a fresh sample on request ("run").  _want() returns the mark of the pass that has to be over
 * for it; _drive() works on it in the caller's context, one step at most, until @deadline_ns and
 * no longer than any step; where the probe's work alone may make steps, or that moment has passed
 * already, it sees to it that the work does so now.  A probe that is off is not driven, nor one
 * that is stuck in a step of somebody else's: KS_DRIVE_NOT for ever, so look at probe->on and
 * ks_probe_stuck().
 */
enum ks_drive {
	KS_DRIVE_REACHED,   /* though the pass may have failed */
	KS_DRIVE_MORE,      /* a step was made: call again */
	KS_DRIVE_NOT,       /* somebody else, or its work, is at it: call again a little later */
};
uint32_t ks_probe_want_pass(struct ks_probe *probe);
enum ks_drive ks_probe_drive(struct ks_probe *probe, uint32_t pass, uint64_t deadline_ns);

/*
 * For somebody who may only read: one of the next passes that begin records everything that it
 * sees.  When they begin stays the probe's own affair, and what was asked for a moment ago is not
 * pushed out by it.
 */
void ks_probe_announce_own(struct ks_probe *probe);

/*
 * There is no fresh sample to be had: a record says so.  The number of the pass that it is of;
 * @why is static text.
 */
uint32_t ks_probe_no_pass(struct ks_probe *probe, const char *why);

/*
 * The low half of a pass's number, which stands for it where one is waited for.  Never 0; at the
 * end of the scale one pass more is waited for.
 */
static inline uint32_t ks_pass_mark(uint64_t number)
{
	return (uint32_t)number ? (uint32_t)number : 1;
}

/* Whether the pass @a is @b, or came after it. */
static inline bool ks_pass_reached(uint32_t a, uint32_t b)
{
	return a - b < UINT32_MAX / 2;
}

/* Whether a step is under way that has taken seconds and may never end. */
bool ks_probe_stuck(struct ks_probe *probe);

/* Starts a new uuid. */
void ks_uuid_new(char out[KS_UUID_TEXT]);

#endif /* KS_SENSOR_H */
