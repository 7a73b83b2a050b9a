// SPDX-License-Identifier: MIT
/*
 * still_port.c - what a port has to have, for programs in which nothing runs by itself: those that
 * measure the core add a clock.
 */
#include "../core/port.h"

#include <stdio.h>
#include <stdlib.h>

void ks_port_random(void *buf, size_t bytes)
{
	static uint8_t next; /* never the same twice: the core asks until an epoch is another */

	memset(buf, ++next, bytes);
}

void ks_port_pause(uint64_t pause_ns)
{
	(void)pause_ns;
}

void *ks_port_alloc(size_t bytes)
{
	return calloc(1, bytes);
}

void ks_port_free(void *mem)
{
	free(mem);
}

void ks_port_log(const char *text)
{
	fprintf(stderr, "%s\n", text);
}

int ks_port_work_init(struct ks_work *work)
{
	(void)work;
	return 0;
}

void ks_port_work_queue(struct ks_work *work, uint64_t delay_ns)
{
	(void)work;
	(void)delay_ns;
}

void ks_port_work_exit(struct ks_work *work)
{
	(void)work;
}
