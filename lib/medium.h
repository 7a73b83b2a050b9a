/* SPDX-License-Identifier: MIT */
/*
 * medium.h - inside libksense: the handle, and what a medium (Xen, socket) supplies.
 */
#ifndef KSENSE_MEDIUM_H
#define KSENSE_MEDIUM_H

#include "libksense.h"

struct ksense_medium {
	/* Sends one request line.  0 or -1. */
	int (*send)(struct ksense *k, const char *line, size_t bytes);
	/*
	 * Appends what has come to k->in, by that time of ks_clock.h.  1: something; 0: nothing
	 * more will come; -1.
	 */
	int (*fill)(struct ksense *k, int64_t deadline_ms);
	/* Optional: ksense_lock(). */
	int (*lock)(struct ksense *k, uint32_t domid);
	void (*close)(struct ksense *k);
};

struct ksense {
	const struct ksense_medium *medium;  /* NULL: closed */
	void *private;                       /* the medium's own */
	int fd;                              /* a socket, or -1 */
	int timeout_ms;

	/* What came and has not been handed out: in[in_start .. in_end). */
	char *in;
	size_t in_start, in_end, in_size;

	bool in_reply;                       /* the end of the reply has not been seen */
	char nonce[33];                      /* of the request sent, or "" for any */
	bool subscribing, unsubscribing;     /* the request sent */
	char subscription[33];               /* the nonce under which records are pushed, or "" */

	enum ksense_error error;
	char message[512];
};

/* Notes an error; always returns -1. */
__attribute__((format(printf, 3, 4)))
int ksense_fail(struct ksense *k, enum ksense_error error, const char *format, ...);

#endif /* KSENSE_MEDIUM_H */
