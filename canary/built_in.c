// SPDX-License-Identifier: MIT
/*
 * built_in.c - the built-in checks, with the module's socket in what they say to type.
 */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

/* canary/checks.json, put into the program by the linker. */
extern const char checks[] __asm__("_binary_checks_json_start");
extern const char checks_end[] __asm__("_binary_checks_json_end");

/* One that is as it stands in JSON, in a sentence, and in a shell. */
static bool is_plain(const char *path)
{
	return *path && !path[strspn(path, "/._-+,:@%=0123456789abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

json_t *built_in_checks(const char *socket)
{
	static const char usual[] = CANARY_SOCKET;
	const char *from = checks, *at;
	char *text, *to;
	size_t times = 0;
	json_t *json;

	if (!socket || !is_plain(socket))
		socket = usual;
	for (at = checks; (at = memmem(at, (size_t)(checks_end - at), usual, strlen(usual))); at++)
		times++;
	text = to = malloc((size_t)(checks_end - checks) + times * strlen(socket) + 1);
	if (!text)
		return NULL;
	while ((at = memmem(from, (size_t)(checks_end - from), usual, strlen(usual)))) {
		to = stpcpy(mempcpy(to, from, (size_t)(at - from)), socket);
		from = at + strlen(usual);
	}
	to = mempcpy(to, from, (size_t)(checks_end - from));
	json = json_loadb(text, (size_t)(to - text), JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return json;
}
