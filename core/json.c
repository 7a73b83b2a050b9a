// SPDX-License-Identifier: MIT
/*
 * json.c - a reader for one JSON text in memory, strict (RFC 8259) or relaxed.
 */
#include "json.h"
#include "text.h"

/* What may come next. */
enum {
	EXPECT_VALUE,        /* a value */
	EXPECT_FIRST_ITEM,   /* the first item of an array, or its end */
	EXPECT_FIRST_KEY,    /* the first key of an object, or its end */
	EXPECT_KEY,          /* a key, after a comma */
	EXPECT_COMMA_OR_END, /* after a value within something */
	EXPECT_NOTHING,      /* after the outermost value */
	EXPECT_FAILED,
};

/* Character classes. */
enum {
	C_SPACE = 1,   /* white space of RFC 8259 */
	C_PUNCT = 2,   /* , : [ ] { } " */
	C_CTRL = 4,
};

static const uint8_t class_of[256] = {
	[0 ... 8] = C_CTRL,
	['\t'] = C_SPACE | C_CTRL,
	['\n'] = C_SPACE | C_CTRL,
	[11 ... 12] = C_CTRL,
	['\r'] = C_SPACE | C_CTRL,
	[14 ... 31] = C_CTRL,
	[' '] = C_SPACE,
	['"'] = C_PUNCT,
	[','] = C_PUNCT,
	[':'] = C_PUNCT,
	['['] = C_PUNCT,
	[']'] = C_PUNCT,
	['{'] = C_PUNCT,
	['}'] = C_PUNCT,
	[0x7f] = C_CTRL,
};

static inline uint8_t class_at(const char *p)
{
	return class_of[(uint8_t)*p];
}

void ks_json_init(struct ks_json *json, const char *text, size_t bytes, bool relaxed)
{
	json->start = text;
	json->pos = text;
	json->end = text + bytes;
	json->relaxed = relaxed;
	json->depth = 0;
	json->expect = EXPECT_VALUE;
	json->is_object = 0;
	json->error = NULL;
	json->value = (struct ks_json_value){ .type = KS_JSON_ERROR, .text = text };
	json->keys = 0;
	json->keys_below[0] = 0;
	if (bytes > KS_JSON_BYTES_MAX) {
		json->error = "the text is too long";
		json->expect = EXPECT_FAILED;
	}
}

/* === Strings ============================================================ */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The 16 bits behind "\u" at @p, or -1. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* The length of the escape sequence at @p, a backslash; 0 if it is none.  Its character goes to @code. */
static size_t escape_len(const char *p, const char *end, uint32_t *code)
{
	static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
	int32_t high, low;

	if (end - p < 2)
		return 0;
	if (p[1] != 'u') {
		const char *found = p[1] ? memchr(names, p[1], sizeof(names) - 1) : NULL;

		if (!found)
			return 0;
		*code = (uint8_t)codes[found - names];
		return 2;
	}
	high = hex4(p, end);
	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return 0;
	*code = (uint32_t)high;
	if (high < 0xd800 || high > 0xdbff)
		return 6;
	low = hex4(p + 6, end);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*code = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
	return 12;
}

static unsigned int utf8_put(char out[4], uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* A walk over the bytes that a string stands for, its escapes resolved. */
struct bytes {
	const char *p, *end;
	bool escaped;
	char held[4];
	uint8_t held_at, held_len;
};

static inline void bytes_start(struct bytes *it, const char *text, size_t len, bool escaped)
{
	it->p = text;
	it->end = text + len;
	it->escaped = escaped;
	it->held_at = 0;
	it->held_len = 0;
}

/* The next byte, or -1 at the end.  The escapes are known to be valid. */
static int bytes_next(struct bytes *it)
{
	uint32_t code;

	if (it->held_at < it->held_len)
		return (uint8_t)it->held[it->held_at++];
	if (it->p == it->end)
		return -1;
	if (!it->escaped || *it->p != '\\')
		return (uint8_t)*it->p++;
	it->p += escape_len(it->p, it->end, &code);
	it->held_len = (uint8_t)utf8_put(it->held, code);
	it->held_at = 1;
	return (uint8_t)it->held[0];
}

int ks_json_string(const struct ks_json_value *value, char *out, size_t size)
{
	struct bytes it;
	size_t len = 0;
	int byte;

	if (!value->escaped) {
		if (value->len > size)
			return -1;
		memcpy(out, value->text, value->len);
		return (int)value->len;
	}
	bytes_start(&it, value->text, value->len, value->escaped);
	while ((byte = bytes_next(&it)) >= 0) {
		if (len == size)
			return -1;
		out[len++] = (char)byte;
	}
	return (int)len;
}

bool ks_json_same(const struct ks_json_value *a, const struct ks_json_value *b)
{
	struct bytes left, right;
	int byte;

	if (!a->escaped && !b->escaped)
		return a->len == b->len && !memcmp(a->text, b->text, a->len);
	bytes_start(&left, a->text, a->len, a->escaped);
	bytes_start(&right, b->text, b->len, b->escaped);
	do {
		byte = bytes_next(&left);
		if (byte != bytes_next(&right))
			return false;
	} while (byte >= 0);
	return true;
}

bool ks_json_u64(const struct ks_json_value *value, uint64_t *out)
{
	uint64_t number = 0;

	if (value->type != KS_JSON_NUMBER || !value->len)
		return false;
	for (uint32_t i = 0; i < value->len; i++) {
		unsigned int digit = (uint8_t)value->text[i] - '0';

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*out = number;
	return true;
}

/* === Tokens ============================================================= */

static enum ks_json_token fail(struct ks_json *json, const char *why)
{
	json->error = why;
	json->expect = EXPECT_FAILED;
	json->value = (struct ks_json_value){ .type = KS_JSON_ERROR, .text = json->pos };
	return KS_JSON_ERROR;
}

/* After the opening quote.  The value's text is what is between the quotes. */
static bool read_string(struct ks_json *json)
{
	const char *p = json->pos;

	json->value.text = p;
	json->value.escaped = false;
	for (;;) {
		uint32_t code;
		size_t step;

		p += ks_plain_len(p, (size_t)(json->end - p));
		if (p == json->end)
			return fail(json, "a string does not end"), false;
		if (*p == '"')
			break;
		if (*p == '\\') {
			json->value.escaped = true;
			step = escape_len(p, json->end, &code);
			if (!step)
				return fail(json, "a string has an escape that is none"), false;
		} else if ((uint8_t)*p < 0x20) {
			return fail(json, "a string has a control character"), false;
		} else {
			step = ks_utf8_len(p, (size_t)(json->end - p)); /* DEL too: one byte */
			if (!step)
				return fail(json, "a string is not valid UTF-8"), false;
		}
		p += step;
	}
	json->value.type = KS_JSON_STRING;
	json->value.len = (uint32_t)(p - json->value.text);
	json->pos = p + 1;
	return true;
}

static const char *digits_end(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* RFC 8259, section 6. */
static bool is_number(const char *p, const char *end)
{
	const char *q;

	if (p < end && *p == '-')
		p++;
	q = digits_end(p, end);
	if (q == p || (*p == '0' && q - p > 1))
		return false;
	p = q;
	if (p < end && *p == '.') {
		q = digits_end(++p, end);
		if (q == p)
			return false;
		p = q;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		q = digits_end(p, end);
		if (q == p)
			return false;
		p = q;
	}
	return p == end;
}

/* A run of bytes that is no string: a literal, a number, or a bare word. */
static bool read_run(struct ks_json *json)
{
	const char *p = json->pos;
	struct ks_json_value *value = &json->value;

	while (p < json->end && !(class_at(p) & (C_SPACE | C_PUNCT | C_CTRL))) {
		size_t step = ks_utf8_len(p, (size_t)(json->end - p));

		if (!step)
			return fail(json, "a word is not valid UTF-8"), false;
		p += step;
	}
	value->text = json->pos;
	value->len = (uint32_t)(p - json->pos);
	value->escaped = false;
	if (!value->len)
		return fail(json, "a control character between values"), false;
	if (ks_json_is(value, "true", 4))
		value->type = KS_JSON_TRUE;
	else if (ks_json_is(value, "false", 5))
		value->type = KS_JSON_FALSE;
	else if (ks_json_is(value, "null", 4))
		value->type = KS_JSON_NULL;
	else if (is_number(value->text, p))
		value->type = KS_JSON_NUMBER;
	else if (json->relaxed)
		value->type = KS_JSON_STRING;
	else
		return fail(json, "a word that is no value"), false;
	json->pos = p;
	return true;
}

/*
 * A hash of the bytes that a key stands for, eight at a time: keys are compared only where it is the same, so that a line full of
 * keys costs little.
 */
static uint32_t key_hash(const struct ks_json_value *key)
{
	uint64_t hash = 0, word = 0;
	const char *p = key->text;
	unsigned int held = 0;
	struct bytes it;
	int byte;

	if (!key->escaped) {
		for (held = key->len; held >= 8; held -= 8, p += 8) {
			memcpy(&word, p, 8);
			hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
			hash ^= hash >> 32;
		}
		word = 0;
		memcpy(&word, p, held);
	} else {
		bytes_start(&it, p, key->len, true);
		while ((byte = bytes_next(&it)) >= 0) {
			/* As a load of eight bytes has them, on either kind of machine. */
			((uint8_t *)&word)[held++] = (uint8_t)byte;
			if (held < 8)
				continue;
			hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
			hash ^= hash >> 32;
			word = held = 0;
		}
	}
	hash = (hash ^ word ^ held) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 32);
}

/* Notes the key just read; false if the object has it already. */
static bool note_key(struct ks_json *json)
{
	struct ks_json_value *value = &json->value;
	uint32_t hash = key_hash(value);

	if (json->keys == KS_JSON_KEYS_MAX)
		return fail(json, "too many members"), false;
	for (unsigned int i = json->keys_below[json->depth]; i < json->keys; i++) {
		const struct ks_json_key *key = &json->key[i];
		const char *text = json->start + key->at;
		struct ks_json_value other = { .type = KS_JSON_STRING, .text = text, .len = key->len };

		if (key->hash != hash)
			continue;
		other.escaped = memchr(text, '\\', key->len) != NULL && text[-1] == '"';
		if (ks_json_same(&other, value))
			return fail(json, "a key stands twice"), false;
	}
	json->key[json->keys++] = (struct ks_json_key){
		.hash = hash,
		.at = (uint16_t)(value->text - json->start),
		.len = (uint16_t)value->len,
	};
	return true;
}

static void skip_space(struct ks_json *json)
{
	while (json->pos < json->end && (class_at(json->pos) & C_SPACE))
		json->pos++;
}

static enum ks_json_token read_key(struct ks_json *json)
{
	if (*json->pos == '"') {
		json->pos++;
		if (!read_string(json))
			return KS_JSON_ERROR;
	} else {
		if (!json->relaxed || (class_at(json->pos) & C_PUNCT))
			return fail(json, "a key was expected");
		if (!read_run(json))
			return KS_JSON_ERROR;
	}
	if (!note_key(json))
		return KS_JSON_ERROR;
	skip_space(json);
	if (json->pos == json->end || *json->pos != ':')
		return fail(json, "a colon was expected");
	json->pos++;
	json->expect = EXPECT_VALUE;
	json->value.type = KS_JSON_STRING;
	return KS_JSON_KEY;
}

static enum ks_json_token open_value(struct ks_json *json, bool object)
{
	if (json->depth == KS_JSON_DEPTH_MAX)
		return fail(json, "nested too deeply");
	json->pos++;
	json->is_object &= ~(1U << json->depth);
	json->is_object |= (uint32_t)object << json->depth;
	json->depth++;
	json->keys_below[json->depth] = json->keys;
	json->expect = object ? EXPECT_FIRST_KEY : EXPECT_FIRST_ITEM;
	json->value.type = object ? KS_JSON_OBJECT : KS_JSON_ARRAY;
	return json->value.type;
}

static enum ks_json_token close_value(struct ks_json *json)
{
	bool object = json->is_object >> (json->depth - 1) & 1;

	if (*json->pos != (object ? '}' : ']'))
		return fail(json, "a bracket that does not match");
	json->pos++;
	json->keys = json->keys_below[json->depth];
	json->depth--;
	json->expect = json->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
	json->value.type = object ? KS_JSON_OBJECT_END : KS_JSON_ARRAY_END;
	return json->value.type;
}

static enum ks_json_token read_value(struct ks_json *json)
{
	bool ok;

	switch (*json->pos) {
	case '{':
		return open_value(json, true);
	case '[':
		return open_value(json, false);
	case '"':
		json->pos++;
		ok = read_string(json);
		break;
	case ',':
	case ':':
	case ']':
	case '}':
		return fail(json, "a value was expected");
	default:
		ok = read_run(json);
		break;
	}
	if (!ok)
		return KS_JSON_ERROR;
	json->expect = json->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
	return json->value.type;
}

/* Past white space; false at the end of the text, which is an error unless the text is complete. */
static bool at_something(struct ks_json *json)
{
	skip_space(json);
	if (json->pos < json->end)
		return true;
	if (json->expect == EXPECT_NOTHING)
		json->value.type = KS_JSON_END;
	else
		fail(json, "the line ends too early");
	return false;
}

enum ks_json_token ks_json_next(struct ks_json *json)
{
	if (json->expect == EXPECT_FAILED)
		return KS_JSON_ERROR;
	if (!at_something(json))
		return json->value.type;
	if (json->expect == EXPECT_COMMA_OR_END) {
		if (*json->pos == ']' || *json->pos == '}')
			return close_value(json);
		if (*json->pos != ',')
			return fail(json, "a comma was expected");
		json->pos++;
		json->expect = json->is_object >> (json->depth - 1) & 1 ? EXPECT_KEY : EXPECT_VALUE;
		if (!at_something(json))
			return json->value.type;
	}
	switch (json->expect) {
	case EXPECT_FIRST_ITEM:
		return *json->pos == ']' ? close_value(json) : read_value(json);
	case EXPECT_FIRST_KEY:
		return *json->pos == '}' ? close_value(json) : read_key(json);
	case EXPECT_KEY:
		return read_key(json);
	case EXPECT_VALUE:
		return read_value(json);
	default:
		return fail(json, "something follows the end");
	}
}

bool ks_json_skip(struct ks_json *json, enum ks_json_token token)
{
	unsigned int depth = json->depth;

	if (token != KS_JSON_OBJECT && token != KS_JSON_ARRAY)
		return token != KS_JSON_ERROR;
	while (json->depth >= depth)
		if (ks_json_next(json) == KS_JSON_ERROR)
			return false;
	return true;
}
