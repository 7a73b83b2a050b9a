// SPDX-License-Identifier: MIT
/*
 * sink.c - the one way to the terminal for text from outside.
 *
 * Whoever runs a program, names a file or starts a domain writes into records, and a sensor may
 * lie altogether: what a terminal obeys, and what a reader does not see, is escaped here, whether
 * it stands in a line of JSON, in a cell of a table, in a finding or in a message.
 */
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ksense.h"

/* An escape has at most so many bytes for each byte that it stands for. */
#define GROWTH 6

/* What is no UTF-8 is shown to a terminal that may take its bytes one by one. */
static unsigned int text_how(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") ? KSENSE_HARMLESS_ASCII : 0;
}

static bool at_terminal(void)
{
	static int is = -1;

	if (is < 0)
		is = isatty(STDOUT_FILENO);
	return is;
}

/* So many of the @bytes bytes at @text that no character is cut. */
static size_t whole_characters(const char *text, size_t bytes, size_t max)
{
	size_t count = bytes < max ? bytes : max, back = count;

	if (count == bytes)
		return bytes;
	while (back && count - back < 4 && ((unsigned char)text[back] & 0xc0) == 0x80)
		back--;
	return back && ((unsigned char)text[back] & 0xc0) != 0x80 ? back : count;
}

static void sink(FILE *out, const char *text, size_t bytes, unsigned int how)
{
	char part[256 * GROWTH + 1];

	while (bytes) {
		size_t count = whole_characters(text, bytes, 256);

		fwrite(part, 1, ksense_harmless(part, sizeof(part), text, count, how), out);
		text += count;
		bytes -= count;
	}
}

/* === Interface ========================================================== */

void put_text(FILE *out, const char *text)
{
	sink(out, text, strlen(text), text_how());
}

void put_json(FILE *out, const char *text, size_t bytes)
{
	sink(out, text, bytes, KSENSE_HARMLESS_JSON | (at_terminal() ? text_how() : 0));
}

void put_bytes(const void *bytes, size_t count)
{
	if (at_terminal())
		sink(stdout, bytes, count, text_how());
	else
		fwrite(bytes, 1, count, stdout);
}

char *harmless(const char *text, size_t bytes)
{
	char *out = malloc(GROWTH * bytes + 1);

	if (out)
		ksense_harmless(out, GROWTH * bytes + 1, text, bytes, text_how());
	return out;
}

char *quoted(const json_t *value)
{
	char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	char *text = json ? harmless(json, strlen(json)) : NULL;

	free(json);
	return text;
}

void put_value(FILE *out, const json_t *value)
{
	char *text = quoted(value);

	fputs(text ? text : "?", out);
	free(text);
}

void say_args(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0) {
		fputs("ksense: no memory\n", stderr);
		return;
	}
	fputs("ksense: ", stderr);
	put_text(stderr, text);
	fputc('\n', stderr);
	free(text);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_args(format, args);
	va_end(args);
}
