/* SPDX-License-Identifier: MIT */
/*
 * xenstore.h - whom xenstore knows by a name.
 */
#ifndef CANARY_XENSTORE_H
#define CANARY_XENSTORE_H

#include <stddef.h>
#include <stdint.h>

struct canary_options;

/*
 * How many domains have this name in xenstore; *@domid is the last of them.  A process of its own
 * asks (apart.c), so that no daemon can keep us.  -1: it could not be asked; a sentence about why
 * is in @why then.
 */
int xenstore_find(const struct canary_options *options, const char *name, uint32_t *domid, char *why, size_t size);

#endif /* CANARY_XENSTORE_H */
