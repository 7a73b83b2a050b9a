// SPDX-License-Identifier: MIT
/*
 * body.c - what a line says, as jansson has it.
 *
 * Not all that the protocol allows fits there: an integer has 64 bits, of which jansson takes 63,
 * and a name may have a NUL.  Such a line is built token by token, and loses nothing but what does
 * not fit; that it does is said where it would stand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/json.h"
#include "body.h"

/* The member that says that another one is missing. */
#define NOT_SHOWN "(not shown)"
/* The member of a part that has the text of the whole. */
#define WHOLE_TEXT "(text)"

/* === What jansson does not take ========================================= */

/* A number that is too large is a string of its digits. */
static json_t *build_scalar(const struct ks_json_value *value)
{
	size_t quote = value->type == KS_JSON_STRING;
	json_t *scalar =
		json_loadb(value->text - quote, value->len + 2 * quote, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	return scalar ? scalar : json_stringn(value->text, value->len);
}

/* An array or object that is not read to its end, and the name of the member at hand. */
struct open_value {
	json_t *value;
	char name[KS_JSON_KEY_MAX + 1];
	bool is_named;          /* jansson takes that name */
};

static void take_name(struct open_value *in, const struct ks_json_value *key)
{
	memcpy(in->name, key->text, key->len);
	in->name[key->len] = '\0';
	in->is_named = strlen(in->name) == key->len;
}

static void put(const struct open_value *in, json_t *value)
{
	if (json_is_array(in->value))
		json_array_append(in->value, value);
	else if (in->is_named)
		json_object_set(in->value, in->name, value);
	else
		json_object_set_new(in->value, NOT_SHOWN, json_string("a member with a NUL in its name"));
}

static json_t *build_one(const struct ks_json *json, enum ks_json_token token)
{
	if (token == KS_JSON_OBJECT)
		return json_object();
	return token == KS_JSON_ARRAY ? json_array() : build_scalar(&json->value);
}

/* The value that starts with @token; of one that cannot be read to its end, what comes before. */
static json_t *build(struct ks_json *json, enum ks_json_token token)
{
	struct open_value open[KS_JSON_DEPTH_MAX];
	unsigned int depth = 0;
	json_t *whole = NULL;

	for (; token != KS_JSON_ERROR; token = ks_json_next(json)) {
		if (token == KS_JSON_KEY) {
			take_name(&open[depth - 1], &json->value);
		} else if (token == KS_JSON_OBJECT_END || token == KS_JSON_ARRAY_END) {
			json_decref(open[--depth].value);
		} else {
			json_t *value = build_one(json, token);

			if (depth)
				put(&open[depth - 1], value);
			else
				whole = json_incref(value);
			if (token == KS_JSON_OBJECT || token == KS_JSON_ARRAY)
				open[depth++].value = value;
			else
				json_decref(value);
		}
		if (!depth)
			break;
	}
	while (depth)
		json_decref(open[--depth].value);
	return whole;
}

static json_t *build_body(const char *text, size_t bytes)
{
	struct ks_json json;
	json_t *body;

	ks_json_init(&json, text, bytes, false);
	body = build(&json, ks_json_next(&json));
	/* The library has read it by the same rules; where it did not, the rest is missing. */
	if (json.error && json_is_object(body))
		json_object_set_new(body, NOT_SHOWN, json_string(json.error));
	return body;
}

/* === Raw bytes ========================================================== */

static json_t *hex_of(const unsigned char *bytes, size_t count)
{
	char *digits = malloc(2 * count + 1);
	json_t *string;

	if (!digits)
		return NULL;
	for (size_t i = 0; i < count; i++)
		snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
	digits[2 * count] = '\0';
	string = json_string(digits);
	free(digits);
	return string;
}

static bool is_raw(const json_t *value)
{
	const char *type = json_string_value(json_object_get(value, "type"));

	return type && !strcmp(type, "raw") && json_is_integer(json_object_get(value, "length"));
}

/* === Parts ============================================================== */

struct part {
	const json_t *members, *previous;
	json_t *object;
};

/* Without jansson's reader, where that is more than the value needs.  @same: what it may be. */
static json_t *plain_scalar(const struct ks_json_value *value, json_t *same)
{
	json_int_t number = 0;

	if (value->type == KS_JSON_STRING && !value->escaped && json_is_string(same) &&
	    json_string_length(same) == value->len && !memcmp(json_string_value(same), value->text, value->len))
		return json_incref(same);
	if (value->type == KS_JSON_STRING && !value->escaped)
		return json_stringn(value->text, value->len);
	/* Of 18 digits, each fits. */
	if (value->type != KS_JSON_NUMBER || value->len > 18)
		return build_scalar(value);
	for (uint32_t i = 0; i < value->len; i++) {
		if (value->text[i] < '0' || value->text[i] > '9')
			return build_scalar(value);
		number = 10 * number + (value->text[i] - '0');
	}
	return json_integer(number);
}

/* Reads the value of a member, and adds it if it is wanted.  False: it could not be. */
static bool add_member(struct ks_json *json, const struct part *part)
{
	char name[KS_JSON_KEY_MAX + 1] = "";
	enum ks_json_token token;

	memcpy(name, json->value.text, json->value.len);
	token = ks_json_next(json);
	if (!json_object_get(part->members, name))
		return ks_json_skip(json, token);
	if (token == KS_JSON_OBJECT || token == KS_JSON_ARRAY)
		return !json_object_set_new(part->object, name, build(json, token));
	return token != KS_JSON_ERROR &&
	       !json_object_set_new(part->object, name,
				    plain_scalar(&json->value, json_object_get(part->previous, name)));
}

static json_t *build_part(const char *text, size_t bytes, const json_t *members, const json_t *previous)
{
	struct part part = { .members = members, .previous = previous, .object = json_object() };
	struct ks_json json;
	bool whole;

	ks_json_init(&json, text, bytes, false);
	whole = part.object && ks_json_next(&json) == KS_JSON_OBJECT;
	while (whole && ks_json_next(&json) == KS_JSON_KEY)
		whole = add_member(&json, &part);
	if (whole && !json.error && !json_object_set_new(part.object, WHOLE_TEXT, json_stringn(text, bytes)))
		return part.object;
	json_decref(part.object);
	return NULL;
}

/* === Interface ========================================================== */

static json_t *read_body(const char *text, size_t bytes)
{
	json_t *body = json_loadb(text, bytes, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);

	return body ? body : build_body(text, bytes);
}

json_t *canary_part(const struct ksense_line *line, const json_t *members, const json_t *previous)
{
	json_t *part = members && !line->has_raw ? build_part(line->body, line->body_bytes, members, previous) : NULL;

	return part ? part : canary_body(line);
}

json_t *canary_whole(json_t *part)
{
	const json_t *text = json_object_get(part, WHOLE_TEXT);

	return json_is_string(text) ? read_body(json_string_value(text), json_string_length(text)) : json_incref(part);
}

json_t *canary_body(const struct ksense_line *line)
{
	json_t *body = read_body(line->body, line->body_bytes);
	const char *name;
	json_t *value;

	if (!line->has_raw)
		return body;
	json_object_foreach(body, name, value) {
		if (is_raw(value)) {
			json_object_set_new(body, name, hex_of(line->raw, line->raw_bytes));
			break;
		}
	}
	return body;
}
