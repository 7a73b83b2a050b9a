/* SPDX-License-Identifier: MIT */
/*
 * host.h - the host port: a sensor in this process, for tests, fuzzing and trying out.
 */
#ifndef KS_HOST_H
#define KS_HOST_H

#include <stdint.h>

#include "../core/sensor.h"

#define KS_HOST_RING_BYTES (64 * 1024)

struct ks_host;

/*
 * Starts a sensor with the probes "folder" (the entries of @folder) and "memory" (this process's
 * read-only memory).  One at a time in a process.  NULL: errno says why.
 */
struct ks_host *ks_host_start(const char *folder, uint32_t ring_bytes, bool read_only);

/*
 * Whether @folder can be looked at now, for whoever is to be told before the first sample fails.
 * False: errno says why.
 */
bool ks_host_can_open(const char *folder);

/*
 * Serves a client on @fd, a stream socket, in a thread of its own, until it closes; the fd is the
 * host's from now on.  -1: errno.
 */
int ks_host_serve(struct ks_host *host, int fd);

/* One end of a pair of sockets, the other is served.  -1: errno. */
int ks_host_connect(struct ks_host *host);

/*
 * Gives back what clients had that are gone.  ks_host_serve() begins with that; it is for whoever
 * waits until there is a descriptor, or memory, for the next one.
 */
void ks_host_tidy(struct ks_host *host);

/* Ends every connection and the sensor. */
void ks_host_stop(struct ks_host *host);

/* The folder that the probe looks at; set before its start. */
extern const char *ks_host_folder_path;

/* For tests: so many allocations succeed, then each fails; negative: none fails. */
extern long ks_host_allocations_left;

#endif /* KS_HOST_H */
