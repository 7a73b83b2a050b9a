/* SPDX-License-Identifier: MIT */
/*
 * xenstore.h - how xenstore is reached.
 */
#ifndef CANARY_XENSTORE_H
#define CANARY_XENSTORE_H

struct xs_handle;

/*
 * Xenstore by its daemon's socket, once that has given an answer; or NULL with errno, ETIMEDOUT if
 * there was none in time.  libxenstore would wait for ever: for a daemon that stands still, and,
 * without one, for the kernel's device.
 */
struct xs_handle *xenstore_open(int timeout_ms);

#endif /* CANARY_XENSTORE_H */
