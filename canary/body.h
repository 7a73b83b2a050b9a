/* SPDX-License-Identifier: MIT */
/*
 * body.h - what a line of a sensor's says, for whoever has jansson: the judge and the command.
 */
#ifndef CANARY_BODY_H
#define CANARY_BODY_H

#include <jansson.h>

#include "../lib/libksense.h"

/*
 * A line's body as jansson has it; NULL: no memory.  A number that jansson does not take is a
 * string of its digits, and what it does not take at all is left out, which a member
 * "(not shown)" says.  Raw bytes become hex digits.
 */
json_t *canary_body(const struct ksense_line *line);

#endif /* CANARY_BODY_H */
