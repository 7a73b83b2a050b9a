// SPDX-License-Identifier: MIT
/*
 * canary.c - the canary with the sources that there are, and its built-in checks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sources.h"

/* canary/checks.json, put into the program by the linker. */
extern const char built_in[] __asm__("_binary_checks_json_start");
extern const char built_in_end[] __asm__("_binary_checks_json_end");

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
		json = json_loadb(built_in, (size_t)(built_in_end - built_in), JSON_REJECT_DUPLICATES, &wrong);
	if (json)
		return canary_open_with(options, types, json, file, error, size);
	if (json_error_code(&wrong) == json_error_cannot_open_file)
		snprintf(error, size, "%s", wrong.text);
	else if (wrong.line > 0)
		snprintf(error, size, "%s: line %d: %s", file, wrong.line, wrong.text);
	else
		snprintf(error, size, "%s: %s", file, wrong.text);
	errno = json_error_code(&wrong) == json_error_out_of_memory ? ENOMEM : EINVAL;
	return NULL;
}
