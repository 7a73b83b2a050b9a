/* SPDX-License-Identifier: MIT */
/*
 * port.h - the port of the unit tests: time stands still unless a test moves it, works run when a
 * test lets them, and "random" is the same at each run.
 */
#ifndef TESTS_PORT_H
#define TESTS_PORT_H

#include "../../core/port.h"

/* Back to the start: time, random numbers, no works. */
void port_reset(void);

/* Each look at the clock costs this much; 0 at first.  With it, a step's deadline comes. */
extern uint64_t port_look_ns;

/* Called at each look at the clock, if it is set: what another thread does meanwhile. */
extern void (*port_on_look)(void);

/* Time goes on by @ns; the works that are due meanwhile run, in order. */
void port_advance(uint64_t ns);

/* The machine is suspended for @ns: time goes on, and nobody runs until it is over. */
void port_suspend(uint64_t ns);

/*
 * The timer of @work is lost, as by a bug of the platform: it does not run until it is queued
 * again.
 */
void port_lose(struct ks_work *work);

/* So many allocations succeed, then each fails; negative: none fails. */
extern long port_allocations_left;
/* Then one fails, and those after it succeed again. */
extern bool port_fails_once;
/* Blocks that were allocated and not freed. */
extern long port_allocated;

/* So many works can be made, then there is no thread for one more; negative: there is. */
extern long port_threads_left;
/* Works that are there. */
unsigned int port_works(void);

/* The last line of the log. */
extern char port_logged[256];

/* How often a client's thread slept; and how often for no more than 0.1 ms. */
extern unsigned int port_pauses, port_pauses_short;

/* Random numbers for tests, from the same sequence. */
uint64_t port_random_below(uint64_t limit);
/* How many rounds to go; a fraction of @rounds where each takes long (KS_SLOW=1: valgrind). */
int port_rounds(int rounds);
void port_random_seed(uint64_t seed);
/* These are the next that the port has, before it goes on with its sequence; 64 bytes at most. */
void port_random_give(const void *bytes, size_t count);

#endif /* TESTS_PORT_H */
