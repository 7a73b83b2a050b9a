// SPDX-License-Identifier: MIT
/*
 * source_sensor.c - the sensors as sources: Xen's, and the module's behind its socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/libksense.h"
#include "body.h"
#include "ks_clock.h"
#include "relay.h"
#include "sources.h"

/*
 * A whole reply may have so many bytes: lines without end keep nobody for ever.  And so many
 * records of it are kept, some 2 KiB each: any user can have half a million sockets.
 */
#define REPLY_BYTES_MAX (256U << 20)
#define RECORDS_MAX (1U << 17)

struct sensor {
	struct ksense *k;
	bool connected;
	int timeout_ms;         /* for each line; negative: as long as it takes */
	int64_t until_ms;       /* when the reply at hand has to be over; INT64_MAX: it need not */
	size_t bytes;           /* that it has had */
	bool is_over;           /* it has had its last line, or there is none at hand */
	const char *socket;     /* NULL: Xen, by the relay */
	struct relay relay;
};

static void *sensor_open(const char *socket, int timeout_ms)
{
	struct sensor *sensor = calloc(1, sizeof(*sensor));

	if (!sensor)
		return NULL;
	sensor->socket = socket;
	sensor->k = ksense_new();
	if (!sensor->k) {
		free(sensor);
		return NULL;
	}
	sensor->timeout_ms = timeout_ms;
	sensor->is_over = true;
	ksense_set_timeout(sensor->k, timeout_ms);
	return sensor;
}

static void *xen_open(const struct canary_options *options)
{
	return sensor_open(NULL, options->timeout_ms);
}

static void *module_open(const struct canary_options *options)
{
	return sensor_open(options->socket, options->timeout_ms);
}

static void sensor_close(void *state)
{
	struct sensor *sensor = state;

	ksense_free(sensor->k);
	relay_close(&sensor->relay);
	free(sensor);
}

/* What went wrong, wherever. */
static enum ksense_error error_of(const struct sensor *sensor)
{
	return sensor->relay.end.error ? sensor->relay.end.error : ksense_error(sensor->k);
}

static const char *message_of(const struct sensor *sensor)
{
	return sensor->relay.end.error ? sensor->relay.end.message : ksense_message(sensor->k);
}

/* That as a reason of ours. */
static const char *reason_of(const struct sensor *sensor)
{
	switch (error_of(sensor)) {
	case KSENSE_NO_SENSOR:
		return sensor->socket ? "no-module" : "no-sensor";
	case KSENSE_TARGET: /* another module, an older Xen */
		return "no-probe";
	case KSENSE_DENIED:
	case KSENSE_NOT_ALLOWED:
		return "denied";
	case KSENSE_TIMEOUT:
		return "timeout";
	case KSENSE_NO_MEMORY:
		return "no-memory";
	default:
		/* A request for one probe alone is refused while that is off. */
		return strstr(message_of(sensor), "probe that is off") ? "probe-off" : "unreadable";
	}
}

static bool begin_reply(struct sensor *sensor, const struct ksense_request *request)
{
	sensor->bytes = 0;
	sensor->is_over = false;
	sensor->until_ms = ks_deadline_ms((int64_t)REPLY_TIMES * sensor->timeout_ms);
	ksense_set_timeout(sensor->k, sensor->timeout_ms);
	return !ksense_ask(sensor->k, request);
}

static bool is_endless(const struct sensor *sensor)
{
	if (sensor->is_over)
		return false;
	return sensor->bytes > REPLY_BYTES_MAX || (sensor->until_ms != INT64_MAX && ks_now_ms() >= sensor->until_ms);
}

/* The next line of the reply; false: it is over, or there is an error, or no end of it. */
static bool next_line(struct sensor *sensor, struct ksense_line *line)
{
	int64_t left_ms = sensor->until_ms == INT64_MAX ? INT64_MAX : sensor->until_ms - ks_now_ms();

	if (sensor->is_over || is_endless(sensor))
		return false;
	if (left_ms < sensor->timeout_ms)
		ksense_set_timeout(sensor->k, (int)left_ms);
	if (ksense_next(sensor->k, line) <= 0)
		return false;
	sensor->bytes += line->bytes + line->raw_bytes;
	sensor->is_over = line->kind != KSENSE_RECORD;
	return true;
}

static bool failed(struct sensor *sensor, const char *probe, struct blindness *blind)
{
	enum ksense_error error;
	const char *reason;

	if (ksense_error(sensor->k) == KSENSE_GONE)
		relay_hear(&sensor->relay);
	error = error_of(sensor);
	reason = reason_of(sensor);
	if (is_endless(sensor))
		blind_for(blind, "timeout", "%s%s: its reply does not end", sensor->socket ? "the module at " : "Xen",
			  sensor->socket ? sensor->socket : "");
	else if (error == KSENSE_TARGET)
		blind_for(blind, reason, "%s%s has no probe %s", sensor->socket ? "the module at " : "Xen",
			  sensor->socket ? sensor->socket : "", probe);
	else if (error == KSENSE_NO_SENSOR && sensor->socket)
		blind_for(blind, reason, "the module is not there: nothing listens at %s", sensor->socket);
	else
		blind_for(blind, reason, "%s%s: %s", sensor->socket ? "the module at " : "Xen",
			  sensor->socket ? sensor->socket : "", message_of(sensor));
	if (error == KSENSE_NO_SENSOR)
		blind->absent = sensor->socket ? "module" : "xen";
	ksense_close(sensor->k);
	relay_close(&sensor->relay);
	sensor->connected = false;
	sensor->is_over = true;
	return false;
}

static bool connect_to(struct sensor *sensor)
{
	int fd;

	if (sensor->socket)
		return !ksense_open_socket(sensor->k, sensor->socket);
	fd = relay_open(&sensor->relay, sensor->timeout_ms);
	return fd >= 0 && !ksense_open_fd(sensor->k, fd);
}

static bool sensor_there(void *state, struct blindness *blind)
{
	struct sensor *sensor = state;

	if (!sensor->connected)
		sensor->connected = connect_to(sensor);
	return sensor->connected || failed(sensor, "", blind);
}

static const json_t *last_of(const json_t *records)
{
	size_t count = json_array_size(records);

	return count ? json_array_get(records, count - 1) : NULL;
}

static char *text_as_json(const char *text)
{
	json_t *string = json_string(text);
	char *json = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	json_decref(string);
	return json;
}

static json_t *sensor_status(void *state, struct blindness *blind)
{
	struct ksense_request request = { .command = "status" };
	struct sensor *sensor = state;
	struct ksense_line line;
	json_t *status = NULL;

	if (!sensor_there(state, blind))
		return NULL;
	if (begin_reply(sensor, &request))
		while (next_line(sensor, &line))
			if (line.kind == KSENSE_ANSWER && !status)
				status = canary_body(&line);
	if (ksense_error(sensor->k) || is_endless(sensor)) {
		json_decref(status);
		failed(sensor, "", blind);
		return NULL;
	}
	if (!status)
		blind_for(blind, "unreadable", "the status of %s%s cannot be read",
			  sensor->socket ? "the module at " : "Xen", sensor->socket ? sensor->socket : "");
	return status;
}

static bool sensor_records(void *state, const struct asking *asking, json_t *records, struct blindness *blind)
{
	struct ksense_request request = {
		.command = "records", .target = asking->probe, .peek = true, .run = asking->how == ASK_FRESH,
		.announce = asking->how == ASK_ANNOUNCE, .has_max = asking->how == ASK_ANNOUNCE, .max = 1,
		.has_since = asking->since > 0, .since = (uint64_t)asking->since,
		.has_epoch = asking->since > 0 && asking->epoch > 0, .epoch = (uint32_t)asking->epoch,
	};
	struct ksense_filter filter = { .member = "kind" };
	struct sensor *sensor = state;
	struct ksense_line line;
	bool readable = true;
	char *kind = NULL;

	if (!sensor_there(state, blind))
		return false;
	if (asking->kind) {
		kind = text_as_json(asking->kind);
		if (!kind) {
			blind_for(blind, "no-memory", "there is no memory");
			return false;
		}
		filter.value = kind;
		request.filters = &filter;
		request.filters_count = 1;
	}
	if (begin_reply(sensor, &request))
		while (json_array_size(records) <= RECORDS_MAX && next_line(sensor, &line))
			if (line.kind == KSENSE_RECORD)
				readable &= !json_array_append_new(
					records, canary_part(&line, asking->members, last_of(records)));
	free(kind);
	if (json_array_size(records) > RECORDS_MAX)
		blind_for(blind, "incomplete", "%s tells of more than %u items%s%s, which is more than is compared",
			  asking->probe ? asking->probe : "a probe", RECORDS_MAX, asking->kind ? " of kind " : "",
			  asking->kind ? asking->kind : "");
	if (asking->how == ASK_ANNOUNCE && ksense_error(sensor->k) == KSENSE_ARGUMENT)
		blind_for(blind, "denied",
			  "you may only read, and a sensor as old as this one tells no more than what has changed");
	if (ksense_error(sensor->k) || is_endless(sensor) || json_array_size(records) > RECORDS_MAX)
		return failed(sensor, asking->probe ? asking->probe : "", blind);
	if (!readable)
		blind_for(blind, "unreadable", "a record of %s cannot be read",
			  asking->probe ? asking->probe : "a probe");
	return true;
}

const struct source_type source_xen = {
	.name = "xen", .is_sensor = true, .open = xen_open, .close = sensor_close, .there = sensor_there,
	.status = sensor_status, .records = sensor_records,
};
const struct source_type source_module = {
	.name = "module", .is_sensor = true, .open = module_open, .close = sensor_close, .there = sensor_there,
	.status = sensor_status, .records = sensor_records,
};
