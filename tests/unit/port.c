// SPDX-License-Identifier: MIT
/*
 * port.c - the port of the unit tests.  One thread; the type of a work is the host port's, of
 * which only due_ns is used.
 */
#include "port.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKS_MAX 64
#define START_NS 1000000000000ULL

uint64_t port_look_ns;
void (*port_on_look)(void);
long port_allocations_left = -1;
bool port_fails_once;
long port_allocated;
long port_threads_left = -1;
char port_logged[256];
unsigned int port_pauses, port_pauses_short;

static uint64_t now_ns = START_NS;
static uint64_t random_state = 1;
static uint8_t random_given[64];
static size_t random_given_at, random_given_end;
static struct ks_work *works[WORKS_MAX];

void port_reset(void)
{
	port_look_ns = 0;
	port_on_look = NULL;
	port_allocations_left = -1;
	port_fails_once = false;
	port_allocated = 0;
	port_threads_left = -1;
	port_logged[0] = '\0';
	port_pauses = port_pauses_short = 0;
	now_ns = START_NS;
	port_random_seed(1);
	port_random_give(NULL, 0);
	memset(works, 0, sizeof(works));
}

uint64_t ks_port_time_ns(void)
{
	if (port_on_look)
		port_on_look();
	now_ns += port_look_ns;
	return now_ns;
}

void port_random_seed(uint64_t seed)
{
	random_state = seed * 2 + 1;
}

int port_rounds(int rounds)
{
	return getenv("KS_SLOW") ? rounds / 20 + 1 : rounds;
}

/* xorshift64*, Marsaglia and Vigna. */
static uint64_t random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ULL;
}

uint64_t port_random_below(uint64_t limit)
{
	return random64() % limit;
}

void port_random_give(const void *bytes, size_t count)
{
	if (count)
		memcpy(random_given, bytes, count);
	random_given_at = 0;
	random_given_end = count;
}

void ks_port_random(void *buf, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)buf)[i] = random_given_at < random_given_end ? random_given[random_given_at++]
									 : (uint8_t)(random64() >> 40);
}

void ks_port_pause(uint64_t pause_ns)
{
	port_pauses++;
	port_pauses_short += pause_ns <= 100000;
	port_advance(pause_ns);
}

void *ks_port_alloc(size_t bytes)
{
	void *mem;

	if (!port_allocations_left) {
		if (port_fails_once)
			port_allocations_left = -1;
		return NULL;
	}
	if (port_allocations_left > 0)
		port_allocations_left--;
	mem = calloc(1, bytes);
	port_allocated += mem != NULL;
	return mem;
}

void ks_port_free(void *mem)
{
	port_allocated -= mem != NULL;
	free(mem);
}

void ks_port_log(const char *text)
{
	snprintf(port_logged, sizeof(port_logged), "%s", text);
}

unsigned int port_works(void)
{
	unsigned int count = 0;

	for (int i = 0; i < WORKS_MAX; i++)
		count += works[i] != NULL;
	return count;
}

int ks_port_work_init(struct ks_work *work)
{
	if (!port_threads_left)
		return -1;
	if (port_threads_left > 0)
		port_threads_left--;
	for (int i = 0; i < WORKS_MAX; i++) {
		if (works[i])
			continue;
		works[i] = work;
		work->port.due_ns = UINT64_MAX;
		return 0;
	}
	return -1;
}

void ks_port_work_queue(struct ks_work *work, uint64_t delay_ns)
{
	if (now_ns + delay_ns < work->port.due_ns)
		work->port.due_ns = now_ns + delay_ns;
}

void ks_port_work_exit(struct ks_work *work)
{
	for (int i = 0; i < WORKS_MAX; i++)
		if (works[i] == work)
			works[i] = NULL;
}

void port_lose(struct ks_work *work)
{
	work->port.due_ns = UINT64_MAX;
}

static struct ks_work *first_due(void)
{
	struct ks_work *first = NULL;

	for (int i = 0; i < WORKS_MAX; i++)
		if (works[i] && (!first || works[i]->port.due_ns < first->port.due_ns))
			first = works[i];
	return first;
}

void port_suspend(uint64_t ns)
{
	now_ns += ns;
}

void port_advance(uint64_t ns)
{
	uint64_t until = now_ns + ns, again;
	struct ks_work *work;

	while ((work = first_due()) && work->port.due_ns <= until) {
		if (work->port.due_ns > now_ns)
			now_ns = work->port.due_ns;
		work->port.due_ns = UINT64_MAX;
		again = work->run(work);
		if (again != KS_WORK_IDLE && now_ns + again < work->port.due_ns)
			work->port.due_ns = now_ns + again;
		now_ns++; /* running takes time */
	}
	if (now_ns < until)
		now_ns = until;
}
