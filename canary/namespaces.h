/* SPDX-License-Identifier: MIT */
/*
 * namespaces.h - the network namespaces of this machine, from within each.
 */
#ifndef CANARY_NAMESPACES_H
#define CANARY_NAMESPACES_H

#include "sources.h"

/*
 * Calls @see in each network namespace in which a thread is, or which is mounted somewhere, as "ip
 * netns add" does, with the namespace's inode: in the caller's by the caller, in any other by
 * a thread that is there and nowhere else, while the caller waits.  Where who asks may not go (as
 * root may), it is not called.  @see says in @blind what it could not see; then no others are
 * visited.
 */
void see_namespaces(void (*see)(void *context, json_int_t space, struct blindness *blind), void *context,
		    struct blindness *blind);

#endif /* CANARY_NAMESPACES_H */
