/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ks_platform.h - the Xen port's part of core/port.h: types, lock, SHA-256, and what a work is
 * made of.
 */
#ifndef KS_PLATFORM_H
#define KS_PLATFORM_H

#include <xen/kernel.h>
#include <xen/lib.h>
#include <xen/list.h>
#include <xen/spinlock.h>
#include <xen/string.h>
#include <xen/tasklet.h>
#include <xen/timer.h>
#include <xen/types.h>

#if __has_include(<xen/sha2.h>)
#include <xen/sha2.h>
#else
#include "sha256.h"
#endif

#ifndef UINT64_MAX
#define UINT64_MAX (~0ULL)
#endif

/* CET-IBT: only what carries this may be the target of an indirect call. */
#define KS_CB cf_check

/*
 * A step is time taken from the guests: no more than 50,000 instructions at one in a nanosecond.
 */
#define KS_STEP_BUDGET_NS 32000

/* Xen has one clock: while the machine is suspended, it stands still, and so do records' times. */
#define ks_port_boot_time_ns() ks_port_time_ns()

/* Taken with interrupts on only: from hypercalls, tasklets and timers. */
struct ks_lock {
    spinlock_t spin;
};

static inline void ks_lock_init(struct ks_lock *lock)
{
    spin_lock_init(&lock->spin);
}

static inline void ks_lock(struct ks_lock *lock)
{
    spin_lock(&lock->spin);
}

static inline void ks_unlock(struct ks_lock *lock)
{
    spin_unlock(&lock->spin);
}

static inline void ks_assert_locked(struct ks_lock *lock)
{
    ASSERT(spin_is_locked(&lock->spin));
}

#if __has_include(<xen/sha2.h>)

struct ks_sha256 {
    struct sha2_256_state state;
};

static inline void ks_sha256_init(struct ks_sha256 *sha)
{
    sha2_256_init(&sha->state);
}

static inline void ks_sha256_update(struct ks_sha256 *sha, const void *data,
                                    size_t bytes)
{
    sha2_256_update(&sha->state, data, bytes);
}

static inline void ks_sha256_final(struct ks_sha256 *sha, uint8_t digest[32])
{
    sha2_256_final(&sha->state, digest);
}

#endif

/*
 * A work is a tasklet of an idle vCPU, Xen's only kind of kernel thread, and
 * the timer that queues it.  Whichever of the two is armed, `when` is its
 * moment; while the work runs, neither is.  @lock guards all below it.
 */
struct ks_port_work {
    struct list_head list;  /* of all works; under the list's own lock */
    struct tasklet tasklet;
    struct timer timer;
    spinlock_t lock;
    s_time_t when;          /* the next run; STIME_MAX: none is wanted */
    s_time_t not_before;    /* until then the CPU belongs to others */
    s_time_t armed;         /* when what brings the run was to do so, */
    unsigned int armed_cpu; /* and on which CPU */
    s_time_t boot_delay;    /* of what was queued while Xen booted */
    bool running, dead, booting;
    unsigned int next_cpu;  /* of the next run, if that is wanted; or NR_CPUS */
    unsigned int cpu;       /* of the last run */
    uint64_t runs;
};

#endif /* KS_PLATFORM_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
