// SPDX-License-Identifier: MIT
/*
 * source_sensor.c - the sensors as sources: Xen's, and the module's behind its socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../core/text.h"
#include "../lib/libksense.h"
#include "sources.h"

struct sensor {
	struct ksense *k;
	bool connected;
	const char *socket;     /* NULL: Xen */
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
	free(sensor);
}

/* What the library says as a reason of ours. */
static const char *reason_of(const struct sensor *sensor)
{
	switch (ksense_error(sensor->k)) {
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
		return strstr(ksense_message(sensor->k), "probe that is off") ? "probe-off" : "unreadable";
	}
}

static bool failed(struct sensor *sensor, const char *probe, struct blindness *blind)
{
	enum ksense_error error = ksense_error(sensor->k);
	const char *reason = reason_of(sensor);

	if (error == KSENSE_TARGET)
		blind_for(blind, reason, "%s%s has no probe %s", sensor->socket ? "the module at " : "Xen", sensor->socket ? sensor->socket : "", probe);
	else if (error == KSENSE_NO_SENSOR && sensor->socket)
		blind_for(blind, reason, "the module is not there: nothing listens at %s", sensor->socket);
	else
		blind_for(blind, reason, "%s%s: %s", sensor->socket ? "the module at " : "Xen", sensor->socket ? sensor->socket : "",
			  ksense_message(sensor->k));
	if (error == KSENSE_NO_SENSOR)
		blind->absent = sensor->socket ? "module" : "xen";
	ksense_close(sensor->k);
	sensor->connected = false;
	return false;
}

static bool sensor_there(void *state, struct blindness *blind)
{
	struct sensor *sensor = state;

	if (!sensor->connected)
		sensor->connected = !(sensor->socket ? ksense_open_socket(sensor->k, sensor->socket) : ksense_open_xen(sensor->k));
	return sensor->connected || failed(sensor, "", blind);
}

json_t *string_as_sensors(const char *text)
{
	size_t bytes = text ? strlen(text) : 0, size = 6 * bytes + sizeof("\"\""); /* each may need an escape */
	char *buffer = text ? malloc(size) : NULL;
	struct ks_text json;
	json_t *string;

	if (!buffer)
		return text ? NULL : json_null();
	ks_text_init(&json, buffer, size);
	ks_text_string(&json, text, bytes);
	string = json_loadb(json.buf, json.len, JSON_DECODE_ANY, NULL);
	free(buffer);
	return string;
}

static json_t *body_of(const struct ksense_line *line)
{
	return json_loadb(line->body, line->body_bytes, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
}

/* What the sensor's clock says. */
static int ask_time(struct sensor *sensor, struct sample *sample)
{
	struct ksense_request request = { .command = "status" };
	struct ksense_line line;
	json_t *status = NULL;

	if (ksense_ask(sensor->k, &request))
		return -1;
	while (ksense_next(sensor->k, &line) > 0)
		if (line.kind == KSENSE_ANSWER && !status)
			status = body_of(&line);
	sample->from = json_integer_value(json_object_get(status, "time"));
	json_decref(status);
	return ksense_error(sensor->k) ? -1 : 0;
}

/* All records of the probe from @since on, behind a fresh sample. */
static int ask_records(struct sensor *sensor, const char *probe, json_int_t since, struct sample *sample, bool *readable)
{
	struct ksense_request request = { .command = "records", .target = probe, .run = true, .peek = true, .has_since = true,
					  .since = (uint64_t)since };
	struct ksense_line line;
	json_t *last;

	sample->records = json_array();
	if (ksense_ask(sensor->k, &request))
		return -1;
	while (ksense_next(sensor->k, &line) > 0)
		if (line.kind == KSENSE_RECORD)
			*readable &= !json_array_append_new(sample->records, body_of(&line));
	if (ksense_error(sensor->k))
		return -1;
	/* None at all: the probe was reset, and counts from 0 again. */
	last = json_array_get(sample->records, json_array_size(sample->records) - 1);
	sample->next = last ? json_integer_value(json_object_get(last, "seq")) + 1 : 0;
	return 0;
}

static bool sensor_take(void *state, const char *probe, json_int_t since, struct sample *sample, struct blindness *blind)
{
	struct sensor *sensor = state;
	bool readable = true;

	if (!sensor_there(state, blind))
		return false;
	if (ask_time(sensor, sample) || ask_records(sensor, probe, since, sample, &readable))
		return failed(sensor, probe, blind);
	if (!readable)
		blind_for(blind, "unreadable", "a record of %s cannot be read", probe);
	return true;
}

const struct source_type source_xen = {
	.name = "xen", .is_sensor = true, .open = xen_open, .close = sensor_close, .there = sensor_there, .take = sensor_take,
};
const struct source_type source_module = {
	.name = "module", .is_sensor = true, .open = module_open, .close = sensor_close, .there = sensor_there, .take = sensor_take,
};
