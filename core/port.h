/* SPDX-License-Identifier: MIT */
/*
 * port.h - all that a platform supplies to the sensor.
 *
 * The core is freestanding C11 and includes nothing but this.  A port has a header of its own,
 * ks_platform.h, on the include path (xen/, linux/, host/), with
 *
 *   types      uint8_t ... uint64_t, int64_t, uintptr_t, size_t, bool, NULL, UINT32_MAX,
 *              UINT64_MAX
 *   functions  memcpy, memmove, memset, memcmp, memchr, strlen, strcmp
 *   macros     container_of(ptr, type, member), offsetof, KS_CB (what the kernel wants on the
 *              definition of every function that is called through a pointer, cf_check in Xen;
 *              else empty)
 *   budget     KS_STEP_BUDGET_NS: how long a step may take, and one call that answers a request;
 *              what it costs to be put off and taken up again decides, and whether somebody is
 *              kept from running meanwhile
 *   lock       struct ks_lock, ks_lock_init(), ks_lock(), ks_unlock(): short sections, never held
 *              across a callback of the port; any context in which the port calls the core.
 *              ks_assert_locked(): stops a debug build where the lock is not held
 *   time       ks_port_boot_time_ns(): nanoseconds since this kernel booted, those included in
 *              which the machine was suspended: what records say.  It may be a macro for
 *              ks_port_time_ns(), where there is no other clock
 *   SHA-256    struct ks_sha256, ks_sha256_init(s), ks_sha256_update(s, data, bytes),
 *              ks_sha256_final(s, digest[32]): the platform's own, in streaming form
 *   work       struct ks_port_work: the port's part of a struct ks_work
 */
#ifndef KS_PORT_H
#define KS_PORT_H

#include "ks_platform.h"

/*
 * Nanoseconds, monotonic, by the clock of the works' moments: by this it is told when something
 * is due, how long it took, and whether it is late. It stands still while the machine is
 * suspended.
 */
uint64_t ks_port_time_ns(void);

/* Fills @buf with random bytes, the best that the platform has without waiting. */
void ks_port_random(void *buf, size_t bytes);

/*
 * Sleeps for about @pause_ns, in the thread of a client (client.h) that waits for a probe's.  Not
 * asked of a platform without such threads.
 */
void ks_port_pause(uint64_t pause_ns);

/* Zeroed memory, or NULL.  Called when a sensor or a probe starts, never while sensing. */
void *ks_port_alloc(size_t bytes);
void ks_port_free(void *mem);

/* One line for the platform's log; @text has no newline. */
void ks_port_log(const char *text);

/*
 * A work: a function that runs in a thread of its own, to completion, never twice at once.
 *
 * run() returns after how many ns it wants to run again: 0 for as soon as others had their turn,
 * or KS_WORK_IDLE.  A ks_port_work_queue() from outside in the meantime is not lost: the earlier
 * of the two moments counts.
 */
#define KS_WORK_IDLE UINT64_MAX

struct ks_work {
	/* of the thread, where threads have names; the owner's */
	const char *name;
	uint64_t (*run)(struct ks_work *work);
	struct ks_port_work port;
};

/*
 * Makes @work ready to be queued; name and run are set.  0, or -1 if there is no thread to be had.
 */
int ks_port_work_init(struct ks_work *work);

/*
 * Runs @work after @delay_ns, or at the moment for which it is queued already, whichever is
 * sooner.  Any context.
 */
void ks_port_work_queue(struct ks_work *work, uint64_t delay_ns);

/*
 * Takes @work off the queue, waits for the end of a run under way, and frees what init took.  Not
 * from a work.
 */
void ks_port_work_exit(struct ks_work *work);

#endif /* KS_PORT_H */
