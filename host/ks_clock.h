/* SPDX-License-Identifier: MIT */
/*
 * ks_clock.h - by which the library and the canary wait.
 */
#ifndef KS_CLOCK_H
#define KS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* It is asked for each line, and in a Dom0 the exact clock may be a system call. */
static inline int64_t ks_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In so many ms; INT64_MAX, which never comes, where they are negative. */
static inline int64_t ks_deadline_ms(int64_t ms)
{
	return ms < 0 ? INT64_MAX : ks_now_ms() + ms;
}

#endif /* KS_CLOCK_H */
