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

/* Digits, then K, M or nothing.  What is too large for the type is as large as the type can hold. */
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

static bool read_ring(struct word word, struct ks_options *options, struct ks_sensor_config *config)
{
	uint64_t bytes;

	if (!read_bytes(word, &bytes))
		return false;
	options->ring_bounded = bytes < KS_RING_MIN || bytes > KS_RING_MAX;
	config->ring_bytes = bytes < KS_RING_MIN ? KS_RING_MIN : bytes > KS_RING_MAX ? KS_RING_MAX : (uint32_t)bytes;
	config->ring_fixed = true;
	return true;
}

static bool read_memory(struct word word, struct ks_options *options, struct ks_sensor_config *config)
{
	uint64_t bytes;

	if (!read_bytes(word, &bytes))
		return false;
	options->memory_bounded = bytes < KS_MEMORY_MIN || bytes > KS_MEMORY_MAX;
	config->memory_bytes = bytes < KS_MEMORY_MIN ? KS_MEMORY_MIN : bytes > KS_MEMORY_MAX ? KS_MEMORY_MAX : bytes;
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
		options->named[i] = true;
		return true;
	}
	return config->option && config->option(word.text, word.len);
}

static bool read_word(struct word word, struct ks_options *options, struct ks_sensor_config *config)
{
	static const char *const no[] = { "off", "no", "0", "false", "disable", NULL };
	static const char *const yes[] = { "on", "yes", "1", "true", "enable", NULL };
	enum ks_level level;

	if (is_one_of(word, no) || is_one_of(word, yes)) {
		options->off = is_one_of(word, no);
		return true;
	}
	if (take_name(&word, "ring"))
		return read_ring(word, options, config);
	if (take_name(&word, "memory"))
		return read_memory(word, options, config);
	if (!take_name(&word, "level"))
		return read_probe_or_own(word, options, config);
	if (!read_level(word, &level))
		return false;
	for (unsigned int i = 0; i < config->types_count; i++)
		if (!options->named[i])
			config->levels[i] = level;
	return true;
}

static void keep_bad(struct ks_options *options, struct word word)
{
	size_t len = word.len < KS_OPTION_BAD - 1 ? word.len : KS_OPTION_BAD - 1;

	if (options->bad[0])
		return;
	memcpy(options->bad, word.text, len);
	options->bad[len] = '\0';
}

void ks_options_parse(struct ks_options *options, struct ks_sensor_config *config, const char *list)
{
	memset(options, 0, sizeof(*options));
	if (!config->ring_bytes)
		config->ring_bytes = KS_RING_DEFAULT;
	for (unsigned int i = 0; i < config->types_count; i++) {
		config->levels[i] = KS_DEFAULT;
		config->off[i] = false;
	}
	while (*list) {
		struct word word = { .text = list };

		while (word.text[word.len] && word.text[word.len] != ',')
			word.len++;
		if (word.len && !read_word(word, options, config))
			keep_bad(options, word);
		list = word.text + word.len;
		list += *list == ',';
	}
}
