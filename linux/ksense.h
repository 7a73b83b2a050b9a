/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ksense.h - what the files of the Linux port share.
 */
#ifndef KS_LINUX_KSENSE_H
#define KS_LINUX_KSENSE_H

#include "../core/client.h"

/*
 * Listens on @path, a UNIX stream socket that root alone may open ("@NAME" is an abstract one, where only the peer's credentials say
 * who it is), and serves each client in a thread of its own.  A socket file that nobody listens on is replaced.  0, or -errno.
 */
int ks_server_start(struct ks_sensor *sensor, const char *path);

/* Ends every connection, waits for its threads, and removes the socket file. */
void ks_server_stop(void);

extern const struct ks_probe_type ks_linux_files;
extern const struct ks_probe_type ks_linux_kernel_text;
extern const struct ks_probe_type ks_linux_kernel_entries;
extern const struct ks_probe_type ks_linux_domains;
extern const struct ks_probe_type ks_linux_processes;
extern const struct ks_probe_type ks_linux_open_files;
extern const struct ks_probe_type ks_linux_modules;

#endif /* KS_LINUX_KSENSE_H */
