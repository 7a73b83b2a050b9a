// SPDX-License-Identifier: MIT
/*
 * serve.c - from a request line to reply lines.
 */
#include "reply.h"

/* === Targets ============================================================ */

static bool names(const struct ks_request *request, const char *name, size_t len)
{
	return len == request->target_bytes && !memcmp(name, request->target, len);
}

bool ks_target_is_all(const struct ks_sensor *sensor, const struct ks_request *request)
{
	return names(request, "*", 1) || names(request, sensor->config.name, sensor->name_bytes) ||
	       names(request, sensor->uuid, KS_UUID_TEXT - 1);
}

static bool names_uuid(struct ks_probe *probe, const struct ks_request *request)
{
	bool same;

	if (request->target_bytes != KS_UUID_TEXT - 1)
		return false;
	ks_lock(&probe->lock);
	same = names(request, probe->uuid, KS_UUID_TEXT - 1);
	ks_unlock(&probe->lock);
	return same;
}

unsigned int ks_target_next(const struct ks_sensor *sensor, const struct ks_request *request, unsigned int at)
{
	if (ks_target_is_all(sensor, request))
		return at;
	for (; at < sensor->count; at++) {
		struct ks_probe *probe = &sensor->probes[at];

		if (names(request, probe->type->name, probe->name_bytes) || names_uuid(probe, request))
			break;
	}
	return at;
}

bool ks_target_is_uuid(const struct ks_sensor *sensor, const struct ks_request *request)
{
	unsigned int first = ks_target_next(sensor, request, 0);

	return names(request, sensor->uuid, KS_UUID_TEXT - 1) ||
	       (first < sensor->count && names_uuid(&sensor->probes[first], request));
}

const char *ks_target_word(struct ks_sensor *sensor, const struct ks_request *request, bool level)
{
	const char *word = NULL;
	unsigned int i;

	ks_for_each_target(i, sensor, request) {
		struct ks_probe *probe = &sensor->probes[i];
		const char *mine;

		ks_lock(&probe->lock);
		mine = level ? ks_level_names[probe->level] : probe->on ? "on" : "off";
		ks_unlock(&probe->lock);
		if (word && strcmp(word, mine))
			return "mixed";
		word = mine;
	}
	return word ? word : "mixed";
}

/* === Lines ============================================================== */

void ks_put_head(struct ks_writer *out, const struct ks_request *request)
{
	if (request->version == KS_VERSION_0_2)
		ks_write_lit(out, "{\"Virtue-protocol-version\":0.2,\"reply\":[");
	else
		ks_write_lit(out, "{\"Virtue-protocol-version\":0.1,\"reply\":[");
	ks_write_string(out, request->nonce, request->nonce_bytes);
}

enum ks_served ks_reply_word(struct ks_writer *out, const struct ks_request *request, const char *word)
{
	ks_put_head(out, request);
	ks_write_lit(out, ",");
	ks_write_string(out, word, strlen(word));
	ks_put_end(out);
	return KS_SERVED_DONE;
}

enum ks_served ks_reply_error(struct ks_writer *out, const struct ks_request *request, enum ks_error error,
			      const char *message)
{
	const char *code = ks_error_names[error];

	ks_put_head(out, request);
	ks_write_lit(out, ",\"error\",{\"code\":");
	ks_write_string(out, code, strlen(code));
	ks_write_member_str(out, "message", message, strlen(message));
	ks_write_lit(out, "}");
	ks_put_end(out);
	return KS_SERVED_DONE;
}

enum ks_served ks_reply_no_target(struct ks_writer *out, const struct ks_request *request)
{
	return ks_reply_error(out, request, KS_ERR_TARGET, "no probe or sensor of that name or uuid");
}

enum ks_served ks_reply_denied(const struct ks_sensor *sensor, const struct ks_caller *caller,
			       const struct ks_request *request, struct ks_writer *out, const char *why)
{
	if (sensor->config.denied)
		sensor->config.denied(caller, request);
	return ks_reply_error(out, request, KS_ERR_DENIED, why);
}

static enum ks_served reply_session(struct ks_writer *out, const struct ks_request *request)
{
	if (request->version == KS_VERSION_NONE)
		ks_write_lit(out, "{}\n");
	else if (request->version == KS_VERSION_0_2)
		ks_write_lit(out, "{\"Virtue-protocol-version\":0.2}\n");
	else
		ks_write_lit(out, "{\"Virtue-protocol-version\":0.1}\n");
	return KS_SERVED_DONE;
}

/* === discovery ========================================================== */

static void put_pair(struct ks_writer *out, const char *name, size_t name_bytes, const char *uuid)
{
	ks_write_lit(out, "[\"");
	ks_write_put(out, name, name_bytes);
	ks_write_lit(out, "\",\"");
	ks_write_const(out, uuid, KS_UUID_TEXT - 1);
	ks_write_lit(out, "\"]");
}

static enum ks_served serve_discovery(struct ks_sensor *sensor, const struct ks_request *request,
				      struct ks_writer *out)
{
	ks_put_head(out, request);
	ks_write_lit(out, ",\"discovery\",[");
	put_pair(out, sensor->config.name, sensor->name_bytes, sensor->uuid);
	for (unsigned int i = 0; i < sensor->count; i++) {
		struct ks_probe *probe = &sensor->probes[i];

		ks_write_lit(out, ",");
		ks_lock(&probe->lock);
		put_pair(out, probe->type->name, probe->name_bytes, probe->uuid);
		ks_unlock(&probe->lock);
	}
	ks_write_lit(out, "]");
	ks_put_end(out);
	return KS_SERVED_DONE;
}

/* === off, on, levels, reset ============================================= */

/*
 * Whether a probe is to be turned on or reset that got no memory.  For all of them before anything
 * is done to one: an error has changed nothing.
 */
static bool lacks_memory(const struct ks_sensor *sensor, const struct ks_request *request)
{
	unsigned int i;

	if (request->command != KS_CMD_ON && request->command != KS_CMD_RESET)
		return false;
	ks_for_each_target(i, sensor, request)
		if (!sensor->probes[i].equipped)
			return true;
	return false;
}

static enum ks_served serve_control(struct ks_sensor *sensor, const struct ks_caller *caller,
				    const struct ks_request *request, struct ks_writer *out)
{
	unsigned int i, done = 0;

	/* Before anything is done: would the longest reply fit? */
	ks_reply_word(out, request, "adversarial");
	if (out->full)
		return KS_SERVED_NO_ROOM;
	out->len = 0;
	if (lacks_memory(sensor, request))
		return ks_reply_error(out, request, KS_ERR_NO_MEMORY,
				      "there was no memory for a probe as the sensor started; nothing was changed");
	/* By uuid there is one, and turning it on gives it another. */
	ks_for_each_target(i, sensor, request) {
		ks_probe_command(&sensor->probes[i], request->command, caller);
		done++;
	}
	/* It was there when the request was looked at, but another start gave it another uuid. */
	if (!done)
		return ks_reply_no_target(out, request);
	switch (request->command) {
	case KS_CMD_OFF:
	case KS_CMD_ON:
	case KS_CMD_RESET:
		return ks_reply_word(out, request, ks_command_names[request->command]);
	default:
		return ks_reply_word(out, request, ks_target_word(sensor, request, true));
	}
}

/* === add, remove ======================================================== */

/*
 * The one probe among the targets that has a list, if it is one: so an error never leaves half of
 * a change behind.
 */
static struct ks_probe *probe_with_list(struct ks_sensor *sensor, const struct ks_request *request, const char **why)
{
	struct ks_probe *found = NULL;
	unsigned int i;

	*why = "this probe has no list that could be changed";
	ks_for_each_target(i, sensor, request) {
		if (!sensor->probes[i].type->edit)
			continue;
		*why = "more than one probe here has a list: name the probe";
		if (found)
			return NULL;
		found = &sensor->probes[i];
	}
	return found;
}

static enum ks_served serve_edit(struct ks_sensor *sensor, const struct ks_caller *caller,
				 const struct ks_request *request, struct ks_writer *out)
{
	bool add = request->command == KS_CMD_ADD;
	enum ks_error error = KS_ERR_NO_MEMORY;
	const char *why;
	struct ks_probe *probe = probe_with_list(sensor, request, &why);

	if (!probe)
		return ks_reply_error(out, request, KS_ERR_ARGUMENT, why);
	/* Before anything is done: would the reply fit? */
	ks_reply_word(out, request, ks_command_names[request->command]);
	if (out->full)
		return KS_SERVED_NO_ROOM;
	switch (probe->equipped ? probe->type->edit(probe, add, request->item, request->item_bytes) : KS_EDIT_FULL) {
	case KS_EDIT_DONE:
		ks_record_command(probe, request->command, caller, request->item, request->item_bytes);
		return KS_SERVED_DONE;
	case KS_EDIT_BAD:
		error = KS_ERR_ARGUMENT;
		why = add ? probe->type->edit_takes : "that is not in the probe's list";
		break;
	case KS_EDIT_FULL:
		why = probe->equipped ? "the probe's list is full" : "there was no memory for the probe";
		break;
	}
	out->len = 0;
	return ks_reply_error(out, request, error, why);
}

/* === Who may ============================================================ */

static bool changes_state(enum ks_command command)
{
	return (command >= KS_CMD_OFF && command <= KS_CMD_RESET) || command >= KS_CMD_ADD;
}

bool ks_needs_control(const struct ks_request *request)
{
	if (request->line != KS_LINE_REQUEST || request->error != KS_OK)
		return false;
	if (request->command == KS_CMD_SUBSCRIBE)
		return !request->peek;
	return changes_state(request->command) || ks_takes_records(request) || request->run;
}

const char *ks_denied(const struct ks_caller *caller, const struct ks_request *request)
{
	if (caller->control || !ks_needs_control(request))
		return NULL;
	if (request->command == KS_CMD_SUBSCRIBE)
		return "this caller may not take records: subscribe with peek only";
	if (changes_state(request->command))
		return "this caller may not change the state of a probe";
	if (ks_takes_records(request))
		return "this caller may not take records: peek only";
	return "this caller may not have a fresh sample taken: ask without \"run\", or for \"announce\" instead";
}

/* === Interface ========================================================== */

static enum ks_served serve_request(struct ks_sensor *sensor, const struct ks_caller *caller,
				   const struct ks_request *request, struct ks_cursor *cursor, struct ks_writer *out)
{
	bool at_start = cursor->stage == KS_STAGE_START;
	const char *denied;

	if (request->command == KS_CMD_DISCOVERY)
		return serve_discovery(sensor, request, out);
	if (request->command == KS_CMD_SUBSCRIBE || request->command == KS_CMD_UNSUBSCRIBE)
		return ks_reply_error(out, request, KS_ERR_ARGUMENT,
				      "no records are pushed here: poll with \"records\"");
	if (at_start && ks_target_next(sensor, request, 0) >= sensor->count)
		return ks_reply_no_target(out, request);
	denied = ks_denied(caller, request);
	if (denied) {
		/* the caller may have lost the right in the middle of the reply: here it ends */
		*cursor = (struct ks_cursor){ 0 };
		return ks_reply_denied(sensor, caller, request, out, denied);
	}
	switch (request->command) {
	case KS_CMD_RECORDS:
		return ks_serve_records(sensor, caller, request, cursor, out);
	case KS_CMD_STATUS:
		return ks_serve_status(sensor, caller, request, cursor, out);
	case KS_CMD_ADD:
	case KS_CMD_REMOVE:
		return serve_edit(sensor, caller, request, out);
	default:
		return serve_control(sensor, caller, request, out);
	}
}

bool ks_may_go_on(const struct ks_request *request)
{
	return request->line == KS_LINE_REQUEST && request->error == KS_OK &&
	       (request->command == KS_CMD_STATUS || request->command == KS_CMD_RECORDS);
}

/*
 * Whether @cursor is where a reply to @request may be; it waits for a fresh sample only where one
 * was asked for.
 */
static bool goes_on(const struct ks_sensor *sensor, const struct ks_request *request, const struct ks_cursor *cursor)
{
	if (cursor->probe >= sensor->count || cursor->stage >= KS_STAGES || !ks_may_go_on(request))
		return false;
	if (request->command == KS_CMD_STATUS)
		return cursor->stage == KS_STAGE_STATUS;
	return cursor->stage > KS_STAGE_STATUS && (request->run || !(cursor->flags & KS_PASS_WAITED));
}

enum ks_served ks_serve(struct ks_sensor *sensor, const struct ks_caller *caller, const struct ks_request *request,
		       struct ks_cursor *cursor, struct ks_writer *out)
{
	enum ks_served result;

	if (cursor->stage != KS_STAGE_START && !goes_on(sensor, request, cursor))
		return KS_SERVED_CURSOR;
	if (request->line == KS_LINE_EMPTY)
		return KS_SERVED_DONE;
	if (!ks_denied(caller, request) &&
	    !ks_confirm_until(sensor, request, cursor, ks_deadline_ns(caller->began_ns)))
		return KS_SERVED_MORE;
	if (request->error != KS_OK)
		result = ks_reply_error(out, request, request->error, request->message);
	else if (request->line == KS_LINE_SESSION)
		result = reply_session(out, request);
	else
		result = serve_request(sensor, caller, request, cursor, out);
	if (out->full)
		result = KS_SERVED_NO_ROOM;
	if (result == KS_SERVED_NO_ROOM)
		out->len = KS_LINE_MAX;
	return result;
}
