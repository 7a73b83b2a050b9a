/* SPDX-License-Identifier: MIT */
/*
 * relay.h - Xen's sensor, asked by a process of its own: that the driver of /dev/xen/privcmd does
 * not return keeps that process, and not us.
 */
#ifndef CANARY_RELAY_H
#define CANARY_RELAY_H

#include <sys/types.h>

#include "../lib/libksense.h"

struct relay {
	pid_t child;            /* 0: there is none */
	int why;                /* where it says what became of it; -1: nobody listens any more */
	/* what that is; KSENSE_OK: it is connected, or has not said why it went */
	struct relay_end {
		enum ksense_error error;
		char message[512];
	} end;
};

/*
 * A socket at which a child answers as Xen's sensor does; the caller's.  -1: there is none, as is
 * in relay->end: of a child that does not say anything for so long, KSENSE_TIMEOUT.
 */
int relay_open(struct relay *relay, int timeout_ms);

/* The child has closed its socket: why, goes to relay->end. */
void relay_hear(struct relay *relay);

/* Ends the child.  One that does not come back stays, and relay_open() gives none as long. */
void relay_close(struct relay *relay);

#endif /* CANARY_RELAY_H */
