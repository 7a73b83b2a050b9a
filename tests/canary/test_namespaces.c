// SPDX-License-Identifier: MIT
/*
 * Network namespaces: each in which somebody is is gone to, also where that is one thread of a
 * process whose others are elsewhere.
 *
 * Wrong in the world if this fails: any user has the checks of sockets blind for ever, by a thread
 * of his that has a socket in a namespace of its own; and so has whoever runs containers by a
 * program whose threads go into them.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../canary/namespaces.h"

static json_int_t space_of_thread(void)
{
	struct stat stat_of;

	return stat("/proc/thread-self/ns/net", &stat_of) ? 0 : (json_int_t)stat_of.st_ino;
}

/* === A thread that is elsewhere ========================================= */

static pthread_barrier_t barrier;
static json_int_t elsewhere;            /* 0: it may not go there */

static void *be_elsewhere(void *context)
{
	(void)context;
	if (!unshare(CLONE_NEWNET))
		elsewhere = space_of_thread();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* === Tests ============================================================== */

static json_int_t wanted;
static unsigned int times;

static void see(void *context, json_int_t space, struct blindness *blind)
{
	(void)context;
	(void)blind;
	/* It is seen from within. */
	if (space == wanted && space_of_thread() == space)
		times++;
}

static unsigned int times_seen(json_int_t space)
{
	struct blindness blind = { 0 };

	wanted = space;
	times = 0;
	see_namespaces(see, NULL, &blind);
	assert_null(blind.reason);
	return times;
}

static void of_a_thread(void **state)
{
	json_int_t here = space_of_thread();
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, be_elsewhere, NULL), 0);
	pthread_barrier_wait(&barrier);
	if (elsewhere) {
		assert_true(elsewhere != here);
		assert_int_equal(times_seen(elsewhere), 1);
		assert_int_equal(times_seen(here), 1);
	}
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	if (!elsewhere)
		skip();
	assert_int_equal(times_seen(elsewhere), 0);
	assert_int_equal(space_of_thread(), here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
