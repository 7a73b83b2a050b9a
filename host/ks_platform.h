/* SPDX-License-Identifier: MIT */
/*
 * ks_platform.h - the host port's part of core/port.h: an ordinary process.
 */
#ifndef KS_PLATFORM_H
#define KS_PLATFORM_H

#include <errno.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define KS_CB
#define KS_STEP_BUDGET_NS 35000 /* as in Xen, so that tests see many steps */

/* One clock for everything: tests move it. */
#define ks_port_boot_time_ns() ks_port_time_ns()

struct ks_lock {
	pthread_mutex_t mutex;
};

/*
 * Locks that notice when they are taken twice, or released by who has not taken them: no test
 * passes over that.
 */
static inline void ks_lock_init(struct ks_lock *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&lock->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

static inline void ks_lock(struct ks_lock *lock)
{
	if (pthread_mutex_lock(&lock->mutex))
		abort();
}

static inline void ks_unlock(struct ks_lock *lock)
{
	if (pthread_mutex_unlock(&lock->mutex))
		abort();
}

static inline void ks_assert_locked(struct ks_lock *lock)
{
	if (pthread_mutex_lock(&lock->mutex) != EDEADLK)
		abort();
}

struct ks_sha256 {
	struct sha256_ctx ctx;
};

static inline void ks_sha256_init(struct ks_sha256 *sha)
{
	sha256_init(&sha->ctx);
}

static inline void ks_sha256_update(struct ks_sha256 *sha, const void *data, size_t bytes)
{
	sha256_update(&sha->ctx, bytes, data);
}

static inline void ks_sha256_final(struct ks_sha256 *sha, uint8_t digest[32])
{
	sha256_digest(&sha->ctx, 32, digest);
}

/* A thread for each work; it sleeps on the condition until `due_ns`. */
struct ks_port_work {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	uint64_t due_ns;    /* UINT64_MAX: not queued */
	bool stop;
};

#endif /* KS_PLATFORM_H */
