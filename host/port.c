// SPDX-License-Identifier: MIT
/*
 * port.c - what core/port.h asks for, in an ordinary process.
 */
#include "../core/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "host.h"

/* Tests set it: so many allocations succeed, then each fails; negative: none fails. */
long ks_host_allocations_left = -1;

uint64_t ks_port_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void ks_port_random(void *buf, size_t bytes)
{
	/* Up to 256 bytes come whole, once the system's pool is ready: getrandom(2). */
	while (getrandom(buf, bytes, 0) < 0 && errno == EINTR)
		;
}

void ks_port_pause(uint64_t pause_ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)pause_ns }, NULL);
}

void *ks_port_alloc(size_t bytes)
{
	if (!ks_host_allocations_left)
		return NULL;
	if (ks_host_allocations_left > 0)
		ks_host_allocations_left--;
	return calloc(1, bytes);
}

void ks_port_free(void *mem)
{
	free(mem);
}

void ks_port_log(const char *text)
{
	fprintf(stderr, "ksense-host: %s\n", text);
}

/* === Works ============================================================== */

static void wait_until(struct ks_port_work *port, uint64_t due_ns)
{
	struct timespec until = { .tv_sec = (time_t)(due_ns / 1000000000U), .tv_nsec = (long)(due_ns % 1000000000U) };

	if (due_ns == UINT64_MAX)
		pthread_cond_wait(&port->wake, &port->mutex);
	else
		pthread_cond_timedwait(&port->wake, &port->mutex, &until);
}

static void *work_thread(void *arg)
{
	struct ks_work *work = arg;
	struct ks_port_work *port = &work->port;
	uint64_t again, now;

	pthread_mutex_lock(&port->mutex);
	while (!port->stop) {
		if (port->due_ns == UINT64_MAX || ks_port_time_ns() < port->due_ns) {
			wait_until(port, port->due_ns);
			continue;
		}
		port->due_ns = UINT64_MAX;
		pthread_mutex_unlock(&port->mutex);
		again = work->run(work);
		pthread_mutex_lock(&port->mutex);
		now = ks_port_time_ns();
		if (again != KS_WORK_IDLE && now + again < port->due_ns)
			port->due_ns = now + again;
	}
	pthread_mutex_unlock(&port->mutex);
	return NULL;
}

int ks_port_work_init(struct ks_work *work)
{
	struct ks_port_work *port = &work->port;
	pthread_condattr_t attr;
	char name[16];

	pthread_mutex_init(&port->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&port->wake, &attr);
	pthread_condattr_destroy(&attr);
	port->due_ns = UINT64_MAX;
	port->stop = false;
	if (pthread_create(&port->thread, NULL, work_thread, work)) {
		pthread_cond_destroy(&port->wake);
		pthread_mutex_destroy(&port->mutex);
		return -1;
	}
	snprintf(name, sizeof(name), "%s", work->name);
	pthread_setname_np(port->thread, name);
	return 0;
}

void ks_port_work_queue(struct ks_work *work, uint64_t delay_ns)
{
	struct ks_port_work *port = &work->port;
	uint64_t due_ns = ks_port_time_ns() + delay_ns;

	pthread_mutex_lock(&port->mutex);
	if (due_ns < port->due_ns) {
		port->due_ns = due_ns;
		pthread_cond_signal(&port->wake);
	}
	pthread_mutex_unlock(&port->mutex);
}

void ks_port_work_exit(struct ks_work *work)
{
	struct ks_port_work *port = &work->port;

	pthread_mutex_lock(&port->mutex);
	port->stop = true;
	pthread_cond_signal(&port->wake);
	pthread_mutex_unlock(&port->mutex);
	pthread_join(port->thread, NULL);
	pthread_cond_destroy(&port->wake);
	pthread_mutex_destroy(&port->mutex);
}
