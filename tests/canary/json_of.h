/* SPDX-License-Identifier: MIT */
/*
 * json_of.h - what recorded views are written in: JSON is easier to read in C with single quotes.
 */
#ifndef KS_TESTS_JSON_OF_H
#define KS_TESTS_JSON_OF_H

static inline json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *json;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(copy, JSON_ALLOW_NUL, &error);
	if (!json)
		fail_msg("%s: %s", error.text, copy);
	free(copy);
	return json;
}

#endif /* KS_TESTS_JSON_OF_H */
