// SPDX-License-Identifier: MIT
/*
 * json.c - a reader for one JSON text in memory, strict (RFC 8259) or relaxed.
 */
#include "json.h"
#include "writer.h"

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

/*
 * Who sends a text chooses what is in it, so the dearest byte is what counts.  Strings and words
 * are read by a table: a byte is of one of few kinds, and the kind leads from one state to the
 * next, at the same price for each byte whatever it is.
 */
enum {
	B_PLAIN,
	B_SLASH,
	B_NRT,         /* n r t: an escape behind a backslash, and no hex digit */
	B_U,
	B_OCTAL,       /* 0 to 7 */
	B_89,
	B_A,           /* a A B */
	B_B,           /* b, an escape too */
	B_CE,          /* c C e E F */
	B_F,           /* f, an escape too */
	B_D,           /* d D: with it begin the two halves of a character beyond U+FFFF */
	B_PUNCT,       /* , : [ ] { } */
	B_DEL,
	B_SPACE,
	B_WHITE,       /* of RFC 8259, and a control character */
	B_CONTROL,
	B_QUOTE,
	B_BACKSLASH,
	B_TAIL_80,     /* 80 to 8f: what follows a first byte; from here on, not ASCII */
	B_TAIL_90,
	B_TAIL_A0,     /* a0 to bf */
	/*
	 * the first byte of a character of so many; RFC 3629, section 4, limits what
	 * follows some of them
	 */
	B_LEAD_2,
	B_LEAD_E0,
	B_LEAD_3,
	B_LEAD_ED,
	B_LEAD_F0,
	B_LEAD_4,
	B_LEAD_F4,
	B_NONE,        /* not in UTF-8 */
	BYTES
};

/*
 * States of a reader of strings and words.  From the first two there is no way out, so that
 * several bytes can be read before anybody looks.
 */
enum {
	S_ERROR,      /* no way on */
	/* behind the closing quotation mark, or the first byte that is no part of the word */
	S_END,
	S_TEXT,       /* in a string */
	S_TAIL_1,     /* a character is complete with so many bytes more */
	S_TAIL_2,
	S_TAIL_3,
	S_E0,         /* behind this byte, which limits the next */
	S_ED,
	S_F0,
	S_F4,
	S_ESCAPE,     /* behind a backslash */
	S_HEX_4,      /* so many hex digits are to come */
	S_HEX_D,      /* three, and a D was the first */
	S_HEX_3,
	S_HEX_2,
	S_HEX_1,
	S_HIGH_2,     /* so many of the first half of a character beyond U+FFFF */
	S_HIGH_1,
	S_LOW,        /* the backslash of its second half, then u, D, C to F, and two more */
	S_LOW_U,
	S_LOW_D,
	S_LOW_C,
	S_WORD,       /* in a word; and with it what S_TAIL_1 and so on are in a string */
	S_WORD_TAIL_1,
	S_WORD_TAIL_2,
	S_WORD_TAIL_3,
	S_WORD_E0,
	S_WORD_ED,
	S_WORD_F0,
	S_WORD_F4,
	STATES = 32   /* or two fewer: a power of two */
};

/* What each kind has: where a string or word has ended it stays so. */
#define ENDED [S_END] = S_END
#define IN_BOTH [S_TEXT] = S_TEXT, [S_WORD] = S_WORD
#define HEX_DIGIT \
	IN_BOTH, [S_HEX_3] = S_HEX_2, [S_HEX_2] = S_HEX_1, [S_HEX_1] = S_TEXT, [S_HIGH_2] = S_HIGH_1, \
	[S_HIGH_1] = S_LOW
#define TAIL \
	[S_TAIL_1] = S_TEXT, [S_TAIL_2] = S_TAIL_1, [S_TAIL_3] = S_TAIL_2, [S_WORD_TAIL_1] = S_WORD, \
	[S_WORD_TAIL_2] = S_WORD_TAIL_1, [S_WORD_TAIL_3] = S_WORD_TAIL_2
/* Behind @limit, which is E0, ED, F0 or F4, so many bytes are to come after this one. */
#define AFTER(limit, tail) [S_##limit] = S_TAIL_##tail, [S_WORD_##limit] = S_WORD_TAIL_##tail
#define LEADS_TO(state) [S_TEXT] = S_##state, [S_WORD] = S_WORD_##state

/* A kind, by where it leads from each state: to an error where nothing else is said. */
static const uint8_t leads[BYTES][STATES] = {
	[B_PLAIN] = { ENDED, IN_BOTH },
	[B_SLASH] = { ENDED, IN_BOTH, [S_ESCAPE] = S_TEXT },
	[B_NRT] = { ENDED, IN_BOTH, [S_ESCAPE] = S_TEXT },
	[B_U] = { ENDED, IN_BOTH, [S_ESCAPE] = S_HEX_4, [S_LOW_U] = S_LOW_D },
	[B_OCTAL] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_3, [S_HEX_D] = S_HEX_2 },
	[B_89] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_3, [S_HEX_D] = S_HIGH_2 },
	[B_A] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_3, [S_HEX_D] = S_HIGH_2 },
	[B_B] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_3, [S_HEX_D] = S_HIGH_2, [S_ESCAPE] = S_TEXT },
	[B_CE] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_3, [S_LOW_C] = S_HEX_2 },
	[B_F] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_3, [S_LOW_C] = S_HEX_2, [S_ESCAPE] = S_TEXT },
	[B_D] = { ENDED, HEX_DIGIT, [S_HEX_4] = S_HEX_D, [S_LOW_C] = S_HEX_2, [S_LOW_D] = S_LOW_C },
	[B_PUNCT] = { ENDED, [S_TEXT] = S_TEXT, [S_WORD] = S_END },
	[B_DEL] = { ENDED, [S_TEXT] = S_TEXT, [S_WORD] = S_END },
	[B_SPACE] = { ENDED, [S_TEXT] = S_TEXT, [S_WORD] = S_END },
	[B_WHITE] = { ENDED, [S_WORD] = S_END },
	[B_CONTROL] = { ENDED, [S_WORD] = S_END },
	[B_QUOTE] = { ENDED, [S_TEXT] = S_END, [S_WORD] = S_END, [S_ESCAPE] = S_TEXT },
	[B_BACKSLASH] = { ENDED, [S_TEXT] = S_ESCAPE, [S_WORD] = S_WORD, [S_ESCAPE] = S_TEXT, [S_LOW] = S_LOW_U },
	[B_TAIL_80] = { ENDED, TAIL, AFTER(ED, 1), AFTER(F4, 2) },
	[B_TAIL_90] = { ENDED, TAIL, AFTER(ED, 1), AFTER(F0, 2) },
	[B_TAIL_A0] = { ENDED, TAIL, AFTER(E0, 1), AFTER(F0, 2) },
	[B_LEAD_2] = { ENDED, LEADS_TO(TAIL_1) },
	[B_LEAD_E0] = { ENDED, LEADS_TO(E0) },
	[B_LEAD_3] = { ENDED, LEADS_TO(TAIL_2) },
	[B_LEAD_ED] = { ENDED, LEADS_TO(ED) },
	[B_LEAD_F0] = { ENDED, LEADS_TO(F0) },
	[B_LEAD_4] = { ENDED, LEADS_TO(TAIL_3) },
	[B_LEAD_F4] = { ENDED, LEADS_TO(F4) },
	[B_NONE] = { ENDED },
};

/*
 * What a byte is.  Pointers take more room than numbers, and save an addition for each byte: a
 * fifth of what the dearest line takes.
 */
#define IS(kind) leads[B_##kind]
static const uint8_t *const kind_of[256] = {
	[0 ... 8] = IS(CONTROL),
	['\t' ... '\n'] = IS(WHITE),
	[11 ... 12] = IS(CONTROL),
	['\r'] = IS(WHITE),
	[14 ... 31] = IS(CONTROL),
	[' '] = IS(SPACE),
	['!'] = IS(PLAIN),
	['"'] = IS(QUOTE),
	['#' ... '+'] = IS(PLAIN),
	[','] = IS(PUNCT),
	['-' ... '.'] = IS(PLAIN),
	['/'] = IS(SLASH),
	['0' ... '7'] = IS(OCTAL),
	['8' ... '9'] = IS(89),
	[':'] = IS(PUNCT),
	[';' ... '@'] = IS(PLAIN),
	['A' ... 'B'] = IS(A), ['C'] = IS(CE), ['D'] = IS(D), ['E' ... 'F'] = IS(CE),
	['G' ... 'Z'] = IS(PLAIN),
	['['] = IS(PUNCT),
	['\\'] = IS(BACKSLASH),
	[']'] = IS(PUNCT),
	['^' ... '`'] = IS(PLAIN),
	['a'] = IS(A), ['b'] = IS(B), ['c'] = IS(CE), ['d'] = IS(D), ['e'] = IS(CE), ['f'] = IS(F),
	['g' ... 'm'] = IS(PLAIN),
	['n'] = IS(NRT),
	['o' ... 'q'] = IS(PLAIN),
	['r'] = IS(NRT),
	['s'] = IS(PLAIN),
	['t'] = IS(NRT),
	['u'] = IS(U),
	['v' ... 'z'] = IS(PLAIN),
	['{'] = IS(PUNCT),
	['|'] = IS(PLAIN),
	['}'] = IS(PUNCT),
	['~'] = IS(PLAIN),
	[0x7f] = IS(DEL),
	[0x80 ... 0x8f] = IS(TAIL_80),
	[0x90 ... 0x9f] = IS(TAIL_90),
	[0xa0 ... 0xbf] = IS(TAIL_A0),
	[0xc0 ... 0xc1] = IS(NONE),
	[0xc2 ... 0xdf] = IS(LEAD_2),
	[0xe0] = IS(LEAD_E0),
	[0xe1 ... 0xec] = IS(LEAD_3),
	[0xed] = IS(LEAD_ED),
	[0xee ... 0xef] = IS(LEAD_3),
	[0xf0] = IS(LEAD_F0),
	[0xf1 ... 0xf3] = IS(LEAD_4),
	[0xf4] = IS(LEAD_F4),
	[0xf5 ... 0xff] = IS(NONE),
};

static inline const uint8_t *kind_at(const char *p)
{
	return kind_of[(uint8_t)*p];
}

static inline bool is_space(const char *p)
{
	return *p == ' ' || kind_at(p) == IS(WHITE);
}

/* What a backslash and this byte stand for; 0: more bytes belong to it, or it is none. */
static const char escape_of[256] = {
	['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

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
	json->tokens_left = UINT32_MAX;
	json->keys = 0;
	json->alike = 0;
	if (bytes > KS_JSON_BYTES_MAX) {
		json->error = "the text is too long";
		json->expect = EXPECT_FAILED;
	}
}

/* === Strings ============================================================ */

/*
 * Reads from @p on, from the state @first.  The byte that led to S_END or S_ERROR, or @end; @state
 * is then S_END, or the state from which there was no way on, or the one at @end.
 */
static const char *read_states(unsigned int first, unsigned int *state, const char *p, const char *end)
{
	size_t at = first, next;

#define STEP(n) next = kind_at(p + (n))[next]
	for (; end - p >= 16; p += 16, at = next) {
		next = at;
		STEP(0), STEP(1), STEP(2), STEP(3), STEP(4), STEP(5), STEP(6), STEP(7);
		STEP(8), STEP(9), STEP(10), STEP(11), STEP(12), STEP(13), STEP(14), STEP(15);
		if (next <= S_END)
			break;
	}
	for (; p < end; p++, at = next) {
		next = at;
		STEP(0);
		if (next <= S_END) {
			*state = (unsigned int)(next == S_END ? next : at);
			return p;
		}
	}
#undef STEP
	*state = (unsigned int)at;
	return end;
}

/*
 * What four hex digits stand for, all at once: of each, the low half of its byte, and nine more if
 * it is a letter.
 */
static inline uint32_t hex4(const char *p)
{
	uint32_t word = (uint32_t)(uint8_t)p[0] << 24 | (uint32_t)(uint8_t)p[1] << 16 | (uint32_t)(uint8_t)p[2] << 8 |
			(uint8_t)p[3];

	word = (word & 0x0f0f0f0f) + (word >> 6 & 0x01010101) * 9;
	word |= word >> 4;
	return (word >> 8 & 0xff00) | (word & 0xff);
}

/*
 * The character that the escape sequence at @p, which is known to be one, stands for; its length
 * goes to @len.
 */
static uint32_t escape_code(const char *p, size_t *len)
{
	char one = escape_of[(uint8_t)p[1]];
	uint32_t code;

	*len = 2;
	if (one)
		return (uint32_t)one;
	*len = 6;
	code = hex4(p + 2);
	if (code < 0xd800 || code > 0xdfff)
		return code;
	*len = 12;
	return 0x10000 + ((code - 0xd800) << 10) + (hex4(p + 8) - 0xdc00);
}

/* A character that is not ASCII, which is put as it is. */
static unsigned int utf8_put(char out[4], uint32_t code)
{
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
	size_t len;

	if (it->held_at < it->held_len)
		return (uint8_t)it->held[it->held_at++];
	if (it->p == it->end)
		return -1;
	if (!it->escaped || *it->p != '\\')
		return (uint8_t)*it->p++;
	code = escape_code(it->p, &len);
	it->p += len;
	if (code < 0x80)
		return (int)code;
	it->held_len = (uint8_t)utf8_put(it->held, code);
	it->held_at = 1;
	return (uint8_t)it->held[0];
}

int ks_json_string(const struct ks_json_value *value, char *out, size_t size)
{
	const char *p = value->text, *end = p + value->len;
	char *to = out, *full = out + size;

	if (!value->escaped) {
		if (value->len > size)
			return -1;
		memcpy(out, p, value->len);
		return (int)value->len;
	}
	while (p < end) {
		char bytes[4];
		uint32_t code;
		size_t len;

		if (to == full)
			return -1;
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		*to = escape_of[(uint8_t)p[1]];
		if (*to) {
			to++;
			p += 2;
			continue;
		}
		code = escape_code(p, &len);
		p += len;
		if (code < 0x80) {
			*to++ = (char)code;
			continue;
		}
		len = utf8_put(bytes, code);
		if (len > (size_t)(full - to))
			return -1;
		memcpy(to, bytes, len);
		to += len;
	}
	return (int)(to - out);
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

/* === Scalars ============================================================ */

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
	const char *p = json->pos, *end = json->end;
	unsigned int state;

	json->value.text = p;
	/* Mostly that is all of it: no byte has a meaning of its own. */
	p += ks_plain_len(p, (size_t)(end - p));
	json->value.escaped = p < end && *p != '"';
	if (json->value.escaped) {
		p = read_states(S_TEXT, &state, p, end);
		if (p < end && state == S_TEXT && kind_at(p) < IS(TAIL_80))
			return fail(json, "a string has a control character"), false;
		if (p < end && state >= S_ESCAPE)
			return fail(json, "a string has an escape that is none"), false;
		if (p < end && state != S_END)
			return fail(json, "a string is not valid UTF-8"), false;
	}
	if (p == end)
		return fail(json, "a string does not end"), false;
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

/* Whether what begins as a number goes on like one for longer than numbers do. */
static bool is_endless(const char *p, size_t len)
{
	const char *end = p + KS_JSON_NUMBER_MAX + 1;

	if (len <= KS_JSON_NUMBER_MAX)
		return false;
	while (p < end && ((*p >= '0' && *p <= '9') || *p == '.' || *p == '-' || *p == '+' || (*p | 0x20) == 'e'))
		p++;
	return p == end;
}

/* A run of bytes that is no string: a literal, a number, or a bare word. */
static bool read_run(struct ks_json *json)
{
	struct ks_json_value *value = &json->value;
	unsigned int state;
	const char *p = read_states(S_WORD, &state, json->pos, json->end);

	if (state != S_END && !(state == S_WORD && p == json->end))
		return fail(json, "a word is not valid UTF-8"), false;
	value->text = json->pos;
	value->len = (uint32_t)(p - json->pos);
	value->escaped = false;
	if (!value->len)
		return fail(json, "a control character between values"), false;
	if (is_endless(value->text, value->len))
		return fail(json, "a number is too long"), false;
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

/* === Keys =============================================================== */

/*
 * A hash of the bytes of a key, eight at a time: keys are compared only where it is the same, so
 * that a line full of keys costs little.
 */
static uint32_t hash_of(const char *p, size_t len)
{
	uint64_t hash = 0, word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, p, len);
	hash = (hash ^ word ^ len) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 32);
}

/* Whether the key just read is this one. */
static bool is_key(const struct ks_json *json, const struct ks_json_key *key)
{
	const char *text = json->start + key->at;
	struct ks_json_value other = { .type = KS_JSON_STRING, .text = text, .len = key->len };

	other.escaped = text > json->start && text[-1] == '"';
	return ks_json_same(&other, &json->value);
}

/*
 * Notes the key that stands at @at in the text, @len bytes with its escapes; false if the object
 * has it already.
 *
 * The hash has no key of its own, so that whoever wants to can make keys of one hash.  Not by
 * chance: of all the members that can be open, two that differ have the same hash in one text of
 * two millions.  So few such pairs are compared, and then the text is refused.
 */
static bool note_key(struct ks_json *json, const char *at, size_t len)
{
	const struct ks_json_value *value = &json->value;
	uint32_t hash = hash_of(value->text, value->len);

	if (json->keys == KS_JSON_KEYS_MAX)
		return fail(json, "too many members"), false;
	for (unsigned int i = json->keys_below[json->depth]; i < json->keys; i++) {
		if (json->key[i].hash != hash)
			continue;
		if (is_key(json, &json->key[i]))
			return fail(json, "a key stands twice"), false;
		if (++json->alike > KS_JSON_ALIKE_MAX)
			return fail(json, "keys that were made to look alike"), false;
	}
	json->key[json->keys++] = (struct ks_json_key){
		.hash = hash,
		.at = (uint16_t)(at - json->start),
		.len = (uint16_t)len,
	};
	return true;
}

/* The key just read: without its escapes from now on, and known to be new. */
static bool settle_key(struct ks_json *json)
{
	struct ks_json_value *value = &json->value;
	const char *at = value->text;
	size_t len = value->len;

	if (value->escaped) {
		int plain = len > KS_JSON_KEY_TEXT_MAX
				    ? -1
				    : ks_json_string(value, json->plain_key, sizeof(json->plain_key));

		value->text = json->plain_key;
		value->len = plain < 0 ? KS_JSON_KEY_MAX + 1 : (uint32_t)plain;
		value->escaped = false;
	}
	if (value->len > KS_JSON_KEY_MAX)
		return fail(json, "a key is too long"), false;
	return note_key(json, at, len);
}

/* === Tokens ============================================================= */

/* Whether the eight bytes at @p are white space, or, with @nul, NULs. */
static inline bool are_blank(const char *p, bool nul)
{
	uint64_t word, others;

	memcpy(&word, p, 8);
	/* Where one is not below 0x80, its own bit says so, whatever the sums are. */
	others = KS_EIGHT_OTHERS(word, ' ') & KS_EIGHT_OTHERS(word, '\t') & KS_EIGHT_OTHERS(word, '\n') &
		 KS_EIGHT_OTHERS(word, '\r');
	if (nul)
		others &= KS_EIGHT_OTHERS(word, '\0');
	return !((others | word) & KS_EIGHT * 0x80);
}

size_t ks_json_trim(const char *text, size_t bytes)
{
	while (bytes >= 8 && are_blank(text + bytes - 8, true))
		bytes -= 8;
	while (bytes && (is_space(text + bytes - 1) || !text[bytes - 1]))
		bytes--;
	return bytes;
}

static void skip_white(struct ks_json *json)
{
	const char *p = json->pos, *end = json->end;

	while (end - p >= 8 && are_blank(p, false))
		p += 8;
	while (p < end && is_space(p))
		p++;
	json->pos = p;
}

static inline void skip_space(struct ks_json *json)
{
	if (json->pos < json->end && is_space(json->pos))
		skip_white(json);
}

static enum ks_json_token read_key(struct ks_json *json)
{
	if (*json->pos == '"') {
		json->pos++;
		if (!read_string(json))
			return KS_JSON_ERROR;
	} else {
		if (!json->relaxed || kind_at(json->pos) == IS(PUNCT))
			return fail(json, "a key was expected");
		if (!read_run(json))
			return KS_JSON_ERROR;
	}
	if (!settle_key(json))
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

/*
 * Past white space; false at the end of the text, which is an error unless the text is complete.
 */
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
	if (!json->tokens_left--)
		return fail(json, "too many values");
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
