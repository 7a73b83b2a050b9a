/* SPDX-License-Identifier: MIT */
/*
 * xenstore.h - how xenstore is reached.
 */
#ifndef CANARY_XENSTORE_H
#define CANARY_XENSTORE_H

struct xs_handle;

/*
 * Xenstore by its daemon's socket, or NULL with errno: without one libxenstore would turn to the
 * kernel's device, and wait there for ever.
 */
struct xs_handle *xenstore_open(void);

#endif /* CANARY_XENSTORE_H */
