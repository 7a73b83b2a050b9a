/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ksense.h - what the files of the Linux port share.
 */
#ifndef KS_LINUX_KSENSE_H
#define KS_LINUX_KSENSE_H

#include "../core/client.h"

/*
 * Listens on @path, a UNIX stream socket, and serves each client in a thread of its own ("@NAME"
 * is an abstract one, without a file and its mode). A socket file that nobody listens on is
 * replaced.  0, or -errno.
 *
 * What a client may do is decided by the credentials with which it connected: everything with
 * CAP_SYS_ADMIN in the initial user namespace, whatever its uid; discovery, status and looking at
 * records as a member of the group @group (none if negative).  Others are told that they are
 * denied.  The file is root's alone, or with @group the group's as well.
 */
int ks_server_start(struct ks_sensor *sensor, const char *path, long group);

/*
 * Ends every connection, whatever its client does, waits for its threads, and removes the socket
 * file.
 */
void ks_server_stop(void);

#endif /* KS_LINUX_KSENSE_H */
