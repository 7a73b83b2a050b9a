/* SPDX-License-Identifier: MIT */
/*
 * compare.h - how "ksense compare" shows what the canary says.
 */
#ifndef KSENSE_COMPARE_H
#define KSENSE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>

/* One JSON object in one line. */
void line_show(const json_t *line);

/* A finding, that one has changed, and that one is gone. */
void finding_show(const json_t *finding, bool table);
void changed_show(const json_t *line, bool table);
void gone_show(const json_t *gone, bool table);

/* That a check is blind from now on, or unconfirmed for long, or sees again. */
void blind_show(const json_t *line, bool table);
void unconfirmed_show(const json_t *line, bool table);
void sees_show(const json_t *line, bool table);

/* What was looked at, and what could not be. */
void coverage_show(const json_t *coverage, bool table);

#endif /* KSENSE_COMPARE_H */
