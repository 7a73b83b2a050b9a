/* SPDX-License-Identifier: MIT */
/*
 * sensor.h - the sensor: parent of the probes.
 *
 * A port fills in a struct ks_sensor_config, starts one sensor, and passes request lines to ks_serve() (serve.h).
 */
#ifndef KS_SENSOR_H
#define KS_SENSOR_H

#include "probe.h"

#define KS_PROBES_MAX 12  /* the status of so many fits in one line of KS_LINE_MAX */

struct ks_caller;
struct ks_request;

struct ks_sensor_config {
	const char *name;                          /* of the sensor: "xen", "linux", "host" */
	const struct ks_probe_type *const *types;  /* the probes, in the order of discovery */
	unsigned int types_count;                  /* at most KS_PROBES_MAX */
	uint32_t ring_bytes;                       /* of each probe; at least KS_RING_MIN */
	enum ks_level levels[KS_PROBES_MAX];       /* at start and after "reset" */
	bool off[KS_PROBES_MAX];                   /* registered, but not started */

	/* The rest is optional, for what one port alone has; called in the context of who reads the options, or asks. */

	/* Takes a word of the list of options that the core does not know (options.h).  False: nor does the port. */
	bool (*option)(const char *word, size_t bytes);
	/* Warns of a mistake in that list: the word, which no NUL ends, and what is wrong with it. */
	void (*option_mistake)(const char *word, size_t bytes, const char *why);
	/* Adds members to the sensor's status: ks_text_member_...(), at most KS_STATUS_OWN_MAX bytes. */
	void (*put_status)(struct ks_text *out);
	/* @request was answered "denied". */
	void (*denied)(const struct ks_caller *caller, const struct ks_request *request);
};

/* With so much of the port's own, the longest status still fits in a line. */
#define KS_STATUS_OWN_MAX 256

struct ks_sensor {
	struct ks_sensor_config config;
	uint8_t name_bytes;
	char uuid[KS_UUID_TEXT];
	struct ks_work work;         /* the supervisor */
	uint64_t supervised;         /* how often it ran */
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
 * Starts the supervisor and the probes.  0, or -1 when there is no memory or thread for the sensor itself; a probe for which
 * there is none is registered, off, and says why in its status.  Everything is freed by ks_sensor_stop(), also after -1.
 */
int ks_sensor_start(struct ks_sensor *sensor, const struct ks_sensor_config *config);
void ks_sensor_stop(struct ks_sensor *sensor);

/*
 * Does one of OFF ... RESET to a probe.  ON and RESET of a probe that got no memory at start try again to get it, and fail
 * if there is none still, or if another caller is at it.
 */
enum ks_done { KS_DONE, KS_NO_MEMORY, KS_BUSY };
enum ks_done ks_probe_command(struct ks_probe *probe, enum ks_command command);

/*
 * For a fresh sample on request ("run").  _want() returns the number that probe->ended must reach for it; _drive() works on it
 * in the caller's context, one step at most; where the probe's work alone may make steps, it sees to it that this is done now.  A probe
 * that is off is not driven, nor one that is stuck in a step of somebody else's: KS_DRIVE_NOT for ever, so look at probe->on and
 * ks_probe_stuck().
 */
enum ks_drive {
	KS_DRIVE_REACHED,   /* though the pass may have failed */
	KS_DRIVE_MORE,      /* a step was made: call again */
	KS_DRIVE_NOT,       /* somebody else, or its work, is at it: call again a little later */
};
uint64_t ks_probe_want_pass(struct ks_probe *probe);
enum ks_drive ks_probe_drive(struct ks_probe *probe, uint64_t pass);

/* Whether a step is under way that has taken seconds and may never end. */
bool ks_probe_stuck(struct ks_probe *probe);

/* Starts a new uuid. */
void ks_uuid_new(char out[KS_UUID_TEXT]);

#endif /* KS_SENSOR_H */
