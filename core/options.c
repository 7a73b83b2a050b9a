// SPDX-License-Identifier: MIT
/*
 * options.c - what an administrator says about the sensor at its start.
 */
#include "options.h"

/* One word of the list, or a part of it. */
struct word {
	const char *text;
	size_t len;
};

static bool is(struct word word, const char *name)
{
	return strlen(name) == word.len && !memcmp(word.text, name, word.len);
}

static bool is_one_of(struct word word, const char *const *names)
{
	while (*names && !is(word, *names))
		names++;
	return *names;
}

static const char *const no[] = { "off", "no", "0", "false", "disable", NULL };
static const char *const yes[] = { "on", "yes", "1", "true", "enable", NULL };

/* The word with which @list begins. */
static struct word next_word(const char *list)
{
	struct word word = { .text = list };

	while (list[word.len] && list[word.len] != ',')
		word.len++;
	return word;
}

/* Takes "name=" off the front of @word. */
static bool take_name(struct word *word, const char *name)
{
	size_t len = strlen(name);

	if (word->len <= len || memcmp(word->text, name, len) || word->text[len] != '=')
		return false;
	word->text += len + 1;
	word->len -= len + 1;
	return true;
}

/* === Mistakes === */

static void tell(const struct ks_sensor_config *config, struct word word, const char *why)
{
	if (config->option_mistake)
		config->option_mistake(word.text, word.len, why);
}

/* For a size that is not within its bounds: @taking is the nearest of them. */
static void tell_bounded(const struct ks_sensor_config *config, struct word word, uint64_t taking)
{
	char why[40];
	struct ks_writer text;

	ks_writer_init(&text, why, sizeof(why) - 1);
	ks_write_lit(&text, "out of bounds, taking ");
	ks_write_u64(&text, taking >> 10);
	ks_write_lit(&text, "K");
	why[text.len] = '\0';
	tell(config, word, why);
}

/* What a word is about: its name, or whether there is a sensor at all. */
static struct word subject(struct word word)
{
	size_t len = 0;

	while (len < word.len && word.text[len] != '=')
		len++;
	if (is_one_of(word, no) || is_one_of(word, yes))
		return (struct word){ .text = "on", .len = 2 };
	return (struct word){ .text = word.text, .len = len };
}

/* Whether a word of @list before @word is about the same, and counts no more. */
static bool was_given(const struct ks_sensor_config *config, const char *list, struct word word)
{
	struct word about = subject(word);

	if (config->option_again && is(about, config->option_again))
		return false;
	while (list < word.text) {
		struct word former = next_word(list);
		struct word about_former = subject(former);

		if (former.len && about_former.len == about.len && !memcmp(about_former.text, about.text, about.len))
			return true;
		list = former.text + former.len + 1;
	}
	return false;
}

/* === Reading === */

static bool read_level(struct word word, enum ks_level *level)
{
	for (unsigned int i = 0; i < KS_LEVELS; i++) {
		if (is(word, ks_level_names[i])) {
			*level = (enum ks_level)i;
			return true;
		}
	}
	return false;
}

/*
 * Digits, then K, M or nothing.  What is too large for the type is as large as the type can hold.
 */
static bool read_bytes(struct word word, uint64_t *bytes)
{
	unsigned int shift = 0;

	if (word.len && (word.text[word.len - 1] | 0x20) == 'k')
		shift = 10;
	else if (word.len && (word.text[word.len - 1] | 0x20) == 'm')
		shift = 20;
	word.len -= shift > 0;
	*bytes = 0;
	for (size_t i = 0; i < word.len; i++) {
		unsigned int digit = (unsigned int)word.text[i] - '0';

		if (digit > 9)
			return false;
		*bytes = *bytes > UINT32_MAX ? *bytes : *bytes * 10 + digit;
	}
	*bytes <<= shift;
	return word.len;
}

/* @value is what stands behind "ring=" in @word. */
static bool read_ring(struct word word, struct word value, struct ks_sensor_config *config)
{
	uint64_t bytes;

	if (!read_bytes(value, &bytes))
		return false;
	config->ring_bytes = bytes < KS_RING_MIN ? KS_RING_MIN : bytes > KS_RING_MAX ? KS_RING_MAX : (uint32_t)bytes;
	config->ring_fixed = true;
	if (config->ring_bytes != bytes)
		tell_bounded(config, word, config->ring_bytes);
	return true;
}

/* @value is what stands behind "memory=" in @word. */
static bool read_memory(struct word word, struct word value, struct ks_sensor_config *config)
{
	uint64_t bytes;

	if (!read_bytes(value, &bytes))
		return false;
	config->memory_bytes = bytes < KS_MEMORY_MIN ? KS_MEMORY_MIN : bytes > KS_MEMORY_MAX ? KS_MEMORY_MAX : bytes;
	if (config->memory_bytes != bytes)
		tell_bounded(config, word, config->memory_bytes);
	return true;
}

static bool read_probe_or_own(struct word word, struct ks_options *options, struct ks_sensor_config *config)
{
	for (unsigned int i = 0; i < config->types_count; i++) {
		if (!take_name(&word, config->types[i]->name))
			continue;
		if (!is(word, "off") && !read_level(word, &config->levels[i]))
			return false;
		config->off[i] = is(word, "off");
		if (!config->off[i])
			options->levelled[i] = true;
		return true;
	}
	return config->option && config->option(word.text, word.len);
}

static bool read_word(struct word word, struct ks_options *options, struct ks_sensor_config *config)
{
	struct word value = word;
	enum ks_level level;

	if (is_one_of(word, no) || is_one_of(word, yes)) {
		options->off = is_one_of(word, no);
		return true;
	}
	if (take_name(&value, "ring"))
		return read_ring(word, value, config);
	if (take_name(&value, "memory"))
		return read_memory(word, value, config);
	if (!take_name(&value, "level"))
		return read_probe_or_own(word, options, config);
	if (!read_level(value, &level))
		return false;
	for (unsigned int i = 0; i < config->types_count; i++)
		if (!options->levelled[i])
			config->levels[i] = level;
	return true;
}

void ks_options_parse(struct ks_options *options, struct ks_sensor_config *config, const char *list)
{
	const char *at = list;

	memset(options, 0, sizeof(*options));
	if (!config->ring_bytes)
		config->ring_bytes = KS_RING_DEFAULT;
	for (unsigned int i = 0; i < config->types_count; i++) {
		config->levels[i] = KS_DEFAULT;
		config->off[i] = false;
	}
	while (*at) {
		struct word word = next_word(at);

		if (word.len && !read_word(word, options, config)) {
			options->bad++;
			tell(config, word, "not understood");
		} else if (word.len && was_given(config, list, word)) {
			tell(config, word, "given more than once, the last counts");
		}
		at = word.text + word.len;
		at += *at == ',';
	}
}
