// SPDX-License-Identifier: MIT
/*
 * canary.c - the canary with the sources that there are, and its built-in checks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sources.h"

static const struct source_type *const types[] = {
	&source_xen, &source_module, &source_toolstack, &source_xenstore, &source_proc, &source_kallsyms,
	&source_proc_modules,
	&source_sys_module, &source_proc_net, &source_sock_diag, NULL,
};

struct canary *canary_open(const struct canary_options *options, char *error, size_t size)
{
	const char *file = options->checks ? options->checks : "the built-in checks";
	json_error_t wrong;
	json_t *json;

	if (options->checks)
		json = json_load_file(options->checks, JSON_REJECT_DUPLICATES, &wrong);
	else
		json = built_in_checks(options->socket);
	if (json)
		return canary_open_with(options, types, json, file, error, size);
	if (!options->checks || json_error_code(&wrong) == json_error_out_of_memory) {
		snprintf(error, size, "no memory for %s", file);
		errno = ENOMEM;
		return NULL;
	}
	if (json_error_code(&wrong) == json_error_cannot_open_file)
		snprintf(error, size, "%s", wrong.text);
	else if (wrong.line > 0)
		snprintf(error, size, "%s: line %d: %s", file, wrong.line, wrong.text);
	else
		snprintf(error, size, "%s: %s", file, wrong.text);
	errno = EINVAL;
	return NULL;
}
