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

/*
 * The same with those members alone whose names are in @members, an object, and with the text of
 * the rest: a whole record takes several KiB, of which little is needed to compare it.  NULL
 * @members: all.  Strings that are the same in @previous, if that is not NULL, are shared.
 */
json_t *canary_part(const struct ksense_line *line, const json_t *members, const json_t *previous);

/* The whole of what may be a part: the caller's; NULL: no memory, or NULL was given. */
json_t *canary_whole(json_t *part);

#endif /* CANARY_BODY_H */
