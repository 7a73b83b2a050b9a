// SPDX-License-Identifier: MIT
/*
 * request.c - one request line, read and checked.
 *
 * The whole line is read before anything is judged: what is wrong with its syntax is said first,
 * then version, nonce, command, target and arguments, so that a line never has half an effect.
 */
#include "request.h"

const char *const ks_command_names[KS_COMMANDS] = {
	"discovery", "off",  "on",          "increase", "decrease",  "low",         "default", "high",
	"adversarial", "reset", "records",  "status",   "subscribe", "unsubscribe", "add",     "remove",
};

const char *const ks_error_names[KS_ERRORS] = {
	"",         "syntax",   "version", "nonce",  "command", "target",
	"argument", "too-long", "denied",  "busy",   "no-memory",
};

/* The elements of the request's array. */
enum { NONCE, COMMAND, TARGET, OPTIONS, ELEMENTS };

/* What was found in the line, before it is judged. */
struct parts {
	bool has_version, has_request, has_unknown;
	struct ks_json_value version;
	unsigned int elements;
	struct ks_json_value element[ELEMENTS];
	const char *bad_option; /* what is wrong with the options, or NULL */
};

/* The first fault is the one that is told. */
static void wrong(struct ks_request *request, enum ks_error error, const char *message)
{
	if (request->error != KS_OK)
		return;
	request->error = error;
	request->message = message;
}

#define is(value, literal) ks_json_is(value, literal, sizeof(literal) - 1)

/* === Reading ============================================================ */

static bool is_scalar(enum ks_json_token token)
{
	return token >= KS_JSON_STRING;
}

/*
 * By its length and its first byte, which for an empty one is what follows: of a record's members,
 * most are like no filter's.
 */
static uint64_t key_bit(const char *key, size_t bytes)
{
	return 1ULL << (((uint8_t)*key + bytes) & 63);
}

static const char *read_filter(struct ks_json *json, struct ks_request *request)
{
	const char *bad = NULL;

	for (;;) {
		enum ks_json_token token = ks_json_next(json);
		struct ks_filter *filter = &request->filter[request->filters];

		if (token != KS_JSON_KEY)
			return bad;
		if (request->filters == KS_FILTERS_MAX) {
			bad = "too many filters: at most 8";
			filter = NULL;
		} else {
			filter->key_bytes = (uint8_t)json->value.len;
			memcpy(filter->key, json->value.text, json->value.len);
			request->filter_keys |= key_bit(json->value.text, json->value.len);
		}
		token = ks_json_next(json);
		if (filter)
			filter->value = json->value;
		if (!ks_json_skip(json, token))
			return bad;
		if (!is_scalar(token))
			bad = "a filter's value is a string, a number, true, false or null";
		else if (filter)
			request->filters++;
	}
}

/* What "records" and "subscribe" take, but for the filter. */
static const struct option {
	const char *name;
	uint8_t bytes;
	/* in the request: what it sets, or what says that its number is there */
	uint16_t flag_at;
	uint16_t number_at;     /* 0: it is true or false */
} options[] = {
#define AT(name) offsetof(struct ks_request, name)
#define FLAG(name) { #name, sizeof(#name) - 1, AT(name), 0 }
#define NUMBER(name) { #name, sizeof(#name) - 1, AT(has_##name), AT(name) }
	FLAG(peek), FLAG(run), FLAG(announce), FLAG(raw), NUMBER(record), NUMBER(since), NUMBER(epoch), NUMBER(max),
};

static const struct option *find_option(const struct ks_json_value *key)
{
	for (const struct option *option = options; option < options + sizeof(options) / sizeof(*options); option++)
		if (ks_json_is(key, option->name, option->bytes))
			return option;
	return NULL;
}

/* What is wrong with the value of an option that is no filter, or NULL. */
static const char *read_option(struct ks_request *request, const struct option *option,
			       const struct ks_json_value *value)
{
	bool *flag = option ? (bool *)((char *)request + option->flag_at) : NULL;

	if (!option)
		return "an option that is none: record, filter, since, epoch, max, peek, run, announce, raw";
	if (option->number_at) {
		*flag = true;
		return ks_json_u64(value, (uint64_t *)(void *)((char *)request + option->number_at)) ? NULL :
			       "record, since, epoch and max are whole numbers from 0 on";
	}
	*flag = value->type == KS_JSON_TRUE;
	return *flag || value->type == KS_JSON_FALSE ? NULL : "peek, run, announce and raw are true or false";
}

static const char *read_options(struct ks_json *json, struct ks_request *request)
{
	const char *bad = NULL;

	for (;;) {
		enum ks_json_token token = ks_json_next(json);
		const struct option *option;
		const char *wrong_here;
		bool filter;

		if (token != KS_JSON_KEY)
			return bad;
		option = find_option(&json->value);
		filter = is(&json->value, "filter");
		token = ks_json_next(json);
		if (filter && token == KS_JSON_OBJECT) {
			wrong_here = read_filter(json, request); /* and that to its end */
		} else {
			wrong_here = filter ? "filter is an object" : read_option(request, option, &json->value);
			if (!ks_json_skip(json, token))
				return bad;
		}
		bad = bad ? bad : wrong_here;
	}
}

static void read_request(struct ks_json *json, struct ks_request *request, struct parts *parts)
{
	for (;;) {
		enum ks_json_token token = ks_json_next(json);
		unsigned int at = parts->elements;

		if (token == KS_JSON_ARRAY_END || token == KS_JSON_ERROR)
			return;
		if (at < ELEMENTS)
			parts->element[at] = json->value;
		parts->elements++;
		if (at == OPTIONS && token == KS_JSON_OBJECT)
			parts->bad_option = read_options(json, request);
		else if (!ks_json_skip(json, token))
			return;
	}
}

/* False: a syntax error. */
static bool read_line(struct ks_json *json, struct ks_request *request, struct parts *parts)
{
	enum ks_json_token token = ks_json_next(json);

	if (token == KS_JSON_ERROR)
		return false;
	if (token != KS_JSON_OBJECT) {
		json->error = "a request is an object";
		return false;
	}
	for (;;) {
		const struct ks_json_value *key = &json->value;
		bool version, names_request;

		token = ks_json_next(json);
		if (token != KS_JSON_KEY)
			break;
		version = is(key, "Virtue-protocol-version") || is(key, "Virtue-protocol-verion");
		names_request = is(key, "request");
		token = ks_json_next(json);
		if (version && parts->has_version) {
			json->error = "the version stands twice";
			return false;
		}
		if (version) {
			parts->has_version = true;
			parts->version = json->value;
		} else if (names_request) {
			parts->has_request = true;
			if (token == KS_JSON_ARRAY) {
				read_request(json, request, parts);
				continue;
			}
		} else {
			parts->has_unknown = true;
		}
		if (!ks_json_skip(json, token))
			return false;
	}
	return token == KS_JSON_OBJECT_END && ks_json_next(json) == KS_JSON_END;
}

/* === Judging ============================================================ */

/*
 * The version that a number stands for: 0.1, 0.2, later ones are too new, what is below 0.1 is
 * none.
 */
static enum ks_version version_of(const struct ks_json_value *value)
{
	const char *p = value->text, *end = p + value->len;
	bool newer = false, zero = true;

	if (value->type != KS_JSON_NUMBER || *p == '-' || memchr(p, 'e', value->len) || memchr(p, 'E', value->len))
		return KS_VERSION_NONE;
	for (; p < end && *p != '.'; p++)
		newer |= *p != '0';
	if (newer)
		return KS_VERSION_TOO_NEW;
	if (p == end || *++p == '0')
		return KS_VERSION_NONE;
	for (const char *q = p + 1; q < end; q++)
		zero &= *q == '0';
	/* What lies between 0.1 and 0.2 is spoken as 0.1; nobody asked for it yet. */
	if (*p == '1')
		return KS_VERSION_0_1;
	return *p == '2' && zero ? KS_VERSION_0_2 : KS_VERSION_TOO_NEW;
}

static void judge_session(struct ks_request *request, const struct parts *parts)
{
	request->line = KS_LINE_SESSION;
	request->version = version_of(&parts->version);
	if (request->version == KS_VERSION_TOO_NEW)
		request->version = KS_VERSION_0_2;
	if (parts->has_unknown)
		wrong(request, KS_ERR_ARGUMENT, "a member that is neither Virtue-protocol-version nor request");
}

static void judge_version(struct ks_request *request, const struct parts *parts, enum ks_version session)
{
	enum ks_version version = parts->has_version ? version_of(&parts->version) : session;

	if (version == KS_VERSION_0_1 || version == KS_VERSION_0_2) {
		request->version = version;
		return;
	}
	if (!parts->has_version)
		wrong(request, KS_ERR_VERSION, "Virtue-protocol-version is missing");
	else
		wrong(request, KS_ERR_VERSION, "versions spoken here: 0.1 and 0.2");
}

/* Keeps the nonce if it can be read, for error replies too. */
static void judge_nonce(struct ks_request *request, const struct parts *parts)
{
	const struct ks_json_value *nonce = &parts->element[NONCE];
	int len;

	if (parts->elements <= NONCE)
		wrong(request, KS_ERR_NONCE, "the nonce is missing");
	/* A bare number's own text is the nonce; true, false and null are too short to be one. */
	len = nonce->type == KS_JSON_STRING || nonce->type == KS_JSON_NUMBER ?
		      ks_json_string(nonce, request->nonce, KS_NONCE_MAX) : 0;
	if (len >= KS_NONCE_MIN)
		request->nonce_bytes = (uint8_t)len;
	else
		wrong(request, KS_ERR_NONCE, "the nonce is a string of 16 to 40 bytes");
}

static bool find_command(struct ks_request *request, const struct ks_json_value *word)
{
	if (word->type != KS_JSON_STRING)
		return false;
	for (unsigned int i = 0; i < KS_COMMANDS; i++) {
		const char *name = ks_command_names[i];

		/* The first letter tells most of them apart. */
		if (!word->escaped && (!word->len || *word->text != *name))
			continue;
		if (!ks_json_is(word, name, strlen(name)))
			continue;
		if (i >= KS_CMD_STATUS && request->version < KS_VERSION_0_2)
			return false;
		request->command = (enum ks_command)i;
		return true;
	}
	return false;
}

/* The published form of asking for one record: [nonce, id, "record 17"]. */
static bool find_published_record(struct ks_request *request, const struct parts *parts)
{
	static const char word[] = "record ";
	const struct ks_json_value *text = &parts->element[TARGET];
	struct ks_json_value number = { .type = KS_JSON_NUMBER };

	if (parts->elements != TARGET + 1 || text->type != KS_JSON_STRING || text->len < sizeof(word) ||
	    memcmp(text->text, word, sizeof(word) - 1))
		return false;
	number.text = text->text + sizeof(word) - 1;
	number.len = text->len - (uint32_t)(sizeof(word) - 1);
	if (!ks_json_u64(&number, &request->record))
		return false;
	request->command = KS_CMD_RECORDS;
	request->has_record = true;
	return true;
}

static void judge_target(struct ks_request *request, const struct ks_json_value *target)
{
	int len = -1;

	if (target->type == KS_JSON_STRING)
		len = ks_json_string(target, request->target, KS_TARGET_MAX);
	else
		wrong(request, KS_ERR_TARGET, "the target is a string: a name, a uuid, or *");
	/*
	 * What is longer than every name is known to name nothing; to discovery and unsubscribe it
	 * is all the same.
	 */
	request->target_bytes = len < 0 ? 0 : (uint8_t)len;
	if (len < 0 && request->command != KS_CMD_DISCOVERY && request->command != KS_CMD_UNSUBSCRIBE)
		wrong(request, KS_ERR_TARGET, "no probe or sensor of that name or uuid");
}

/* What stands in the options' place of add and remove. */
static void judge_item(struct ks_request *request, const struct parts *parts)
{
	const struct ks_json_value *item = &parts->element[OPTIONS];
	int len = -1;

	if (parts->elements <= OPTIONS)
		wrong(request, KS_ERR_ARGUMENT, "the item is missing: what to add or to remove");
	if (item->type == KS_JSON_STRING)
		len = ks_json_string(item, request->item, KS_ITEM_MAX);
	if (len <= 0)
		wrong(request, KS_ERR_ARGUMENT, "the item is a string of 1 to 1024 bytes");
	else
		request->item_bytes = (uint16_t)len;
}

static void judge_options(struct ks_request *request, const struct parts *parts)
{
	bool has_item = request->command >= KS_CMD_ADD;

	if (parts->has_unknown)
		wrong(request, KS_ERR_ARGUMENT, "a member that is neither Virtue-protocol-version nor request");
	if (has_item)
		judge_item(request, parts);
	if (parts->elements > ELEMENTS)
		wrong(request, KS_ERR_ARGUMENT, "a request has at most four elements");
	if (has_item || parts->elements <= OPTIONS)
		return;
	if (request->command != KS_CMD_RECORDS && request->command != KS_CMD_SUBSCRIBE)
		wrong(request, KS_ERR_ARGUMENT, "only records and subscribe take options");
	if (parts->element[OPTIONS].type != KS_JSON_OBJECT)
		wrong(request, KS_ERR_ARGUMENT, "the options are an object");
	if (parts->bad_option)
		wrong(request, KS_ERR_ARGUMENT, parts->bad_option);
	if (request->has_record && (request->filters || request->has_since || request->has_epoch || request->has_max ||
				    request->run || request->announce))
		wrong(request, KS_ERR_ARGUMENT, "record goes with raw and peek only");
	if (request->has_epoch && !request->has_since)
		wrong(request, KS_ERR_ARGUMENT, "epoch says of which count since is: it goes with since only");
	if (request->command == KS_CMD_SUBSCRIBE &&
	    (request->has_record || request->has_max || request->run || request->announce || request->raw))
		wrong(request, KS_ERR_ARGUMENT, "subscribe takes filter, since, epoch and peek only");
}

static void judge_request(struct ks_request *request, const struct parts *parts, enum ks_version session)
{
	const struct ks_json_value *target = &parts->element[TARGET];

	judge_version(request, parts, session);
	judge_nonce(request, parts);
	if (parts->elements <= COMMAND) {
		wrong(request, KS_ERR_COMMAND, "the command is missing");
	} else if (!find_command(request, &parts->element[COMMAND])) {
		if (find_published_record(request, parts))
			target = &parts->element[COMMAND];
		else
			wrong(request, KS_ERR_COMMAND, "no such command");
	} else if (parts->elements <= TARGET) {
		wrong(request, KS_ERR_TARGET, "the target is missing");
	}
	judge_target(request, target);
	judge_options(request, parts);
}

/* === Interface ========================================================== */

static void begin(struct ks_request *request, enum ks_version session)
{
	/* filters counts those that are filled in */
	memset(request, 0, offsetof(struct ks_request, filter));
	request->line = KS_LINE_REQUEST;
	request->version = session == KS_VERSION_NONE ? KS_VERSION_0_1 : session;
}

void ks_request_parse(struct ks_request *request, const char *line, size_t bytes, enum ks_version session)
{
	struct ks_json json;
	struct parts parts = { .elements = 0 };

	begin(request, session);
	bytes = ks_json_trim(line, bytes);
	if (!bytes) {
		request->line = KS_LINE_EMPTY;
		return;
	}
	ks_json_init(&json, line, bytes, true);
	json.tokens_left = KS_REQUEST_TOKENS_MAX;
	if (!read_line(&json, request, &parts)) {
		judge_nonce(request, &parts);
		request->error = KS_ERR_SYNTAX;
		request->message = json.error;
		return;
	}
	if (!parts.has_request && parts.has_version)
		judge_session(request, &parts);
	else if (!parts.has_request)
		wrong(request, KS_ERR_SYNTAX, "neither Virtue-protocol-version nor request in it");
	else
		judge_request(request, &parts, session);
}

void ks_request_too_long(struct ks_request *request, enum ks_version session)
{
	begin(request, session);
	wrong(request, KS_ERR_TOO_LONG, "a request line has at most 4096 bytes");
}

/* === Filters ============================================================ */

/*
 * A member of a record, which the core itself has written: without white space, its keys without
 * escapes.  A reader of any JSON (json.h) takes three times as long, and as a record is looked at
 * in each call, however long the request was, that counts.
 */
struct member {
	const char *key;
	size_t key_bytes;
	struct ks_json_value value;   /* of an object or an array the type alone */
};

/* Behind the string whose first byte is at @p; whether there may be escapes in it. */
static const char *string_end(const char *p, const char *end, bool *escaped)
{
	for (*escaped = false; p < end; *escaped = true) {
		p += ks_plain_len(p, (size_t)(end - p));
		if (p == end || *p == '"')
			break;
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	}
	return p;
}

/* Behind the object or the array that begins at @p. */
static const char *nested_end(const char *p, const char *end)
{
	unsigned int depth = 0;
	bool escaped;

	for (; p < end; p++) {
		if (*p == '"')
			p = string_end(p + 1, end, &escaped);
		else if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && !--depth)
			return p + 1;
	}
	return end;
}

static enum ks_json_token type_of(char first)
{
	switch (first) {
	case '{':
		return KS_JSON_OBJECT;
	case '[':
		return KS_JSON_ARRAY;
	case '"':
		return KS_JSON_STRING;
	case 't':
		return KS_JSON_TRUE;
	case 'f':
		return KS_JSON_FALSE;
	case 'n':
		return KS_JSON_NULL;
	default:
		return KS_JSON_NUMBER;
	}
}

/* The member behind the bracket or comma at @p; behind it, or NULL if there is none. */
static const char *next_member(const char *p, const char *end, struct member *member)
{
	struct ks_json_value *value = &member->value;

	if (end - p < 2 || p[1] != '"')
		return NULL;
	member->key = p + 2;
	p = member->key + ks_plain_len(member->key, (size_t)(end - member->key));
	member->key_bytes = (size_t)(p - member->key);
	if (end - p < 3)
		return NULL;
	p += 2;
	*value = (struct ks_json_value){ .type = type_of(*p), .text = p };
	if (value->type == KS_JSON_OBJECT || value->type == KS_JSON_ARRAY)
		return nested_end(p, end);
	if (value->type == KS_JSON_STRING) {
		value->text++;
		p = string_end(value->text, end, &value->escaped);
		value->len = (uint32_t)(p - value->text);
		return p < end ? p + 1 : end;
	}
	while (p < end && *p != ',' && *p != '}')
		p++;
	value->len = (uint32_t)(p - value->text);
	return p;
}

/* Numbers are those of the sensor and whole: what has other digits is another one. */
static bool scalar_same(const struct ks_json_value *a, const struct ks_json_value *b)
{
	return a->type == b->type && ks_json_same(a, b);
}

/* The filter, of which there is one at most, that asks for this member. */
static const struct ks_filter *find_filter(const struct ks_request *request, const struct member *member)
{
	if (!(request->filter_keys & key_bit(member->key, member->key_bytes)))
		return NULL;
	for (unsigned int i = 0; i < request->filters; i++) {
		const struct ks_filter *filter = &request->filter[i];

		if (filter->key_bytes == member->key_bytes && !memcmp(filter->key, member->key, filter->key_bytes))
			return filter;
	}
	return NULL;
}

bool ks_request_matches(const struct ks_request *request, const char *record, size_t bytes)
{
	const char *p = record, *end = record + bytes;
	struct member member;
	unsigned int matched = 0;

	while (matched < request->filters && (p = next_member(p, end, &member))) {
		const struct ks_filter *filter = find_filter(request, &member);

		/* An object is no scalar: no filter has its type. */
		if (filter && !scalar_same(&filter->value, &member.value))
			return false;
		matched += filter != NULL;
	}
	return matched == request->filters;
}
