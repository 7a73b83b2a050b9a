/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ks_platform.h - the Linux port's part of core/port.h: types, lock, SHA-256, and what a work is
 * made of.
 */
#ifndef KS_PLATFORM_H
#define KS_PLATFORM_H

#include <crypto/sha2.h>
#include <linux/container_of.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/version.h>

#ifndef UINT32_MAX
#define UINT32_MAX U32_MAX
#endif
#ifndef UINT64_MAX
#define UINT64_MAX U64_MAX
#endif

#define KS_CB

/*
 * A thread can be put off at any moment, so this keeps nobody waiting for long; to take it up
 * again is some 20,000 instructions (Dom0, in Xen and Linux together), which with shorter steps
 * was half of what a sweep cost.
 */
#define KS_STEP_BUDGET_NS 200000

/* The clock of the tasks' start times. */
static inline uint64_t ks_port_boot_time_ns(void)
{
	return ktime_get_boottime_ns();
}

/* Taken by kernel threads only, which may sleep. */
struct ks_lock {
	struct mutex mutex;
};

static inline void ks_lock_init(struct ks_lock *lock)
{
	mutex_init(&lock->mutex);
}

static inline void ks_lock(struct ks_lock *lock)
{
	mutex_lock(&lock->mutex);
}

static inline void ks_unlock(struct ks_lock *lock)
{
	mutex_unlock(&lock->mutex);
}

static inline void ks_assert_locked(struct ks_lock *lock)
{
	lockdep_assert_held(&lock->mutex);
}

/* Here, as compat.h brings in names that the core has for something else. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define sha256_ctx sha256_state
#endif

struct ks_sha256 {
	struct sha256_ctx ctx;
};

static inline void ks_sha256_init(struct ks_sha256 *sha)
{
	sha256_init(&sha->ctx);
}

static inline void ks_sha256_update(struct ks_sha256 *sha, const void *data, size_t bytes)
{
	sha256_update(&sha->ctx, data, (unsigned int)bytes);
}

static inline void ks_sha256_final(struct ks_sha256 *sha, uint8_t digest[32])
{
	sha256_final(&sha->ctx, digest);
}

/*
 * A work is a kthread_worker of its own with one kthread_work, and the timer that queues it.  A
 * delayed kthread_work would do but for its unit: with 250 jiffies a second, pauses of 100 us
 * would be 4 ms.
 */
struct ks_port_work {
	struct kthread_worker *worker;
	struct kthread_work work;
	struct hrtimer timer;
	spinlock_t lock;        /* guards what follows; taken in the timer's interrupt too */
	uint64_t due_ns;        /* the next run, UINT64_MAX: none is wanted */
	bool running, dead;
	/*
	 * Whom the timer interrupted last, and when that one was made, for a probe that looks at
	 * who runs and finds itself on its own CPU.  Nothing keeps the task: it is an address
	 * where one was.  Without a lock.
	 */
	const struct task_struct *interrupted; /* NULL: nobody since it was taken */
	uint64_t interrupted_start_ns;
};

#endif /* KS_PLATFORM_H */
