// SPDX-License-Identifier: MIT
/*
 * chosen.c - runs some tests of a program alone: those that KS_TESTS names, with commas between
 * them, in that order.  scripts/mutate links it to the test programs, in front of cmocka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TESTS_MAX 512

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown)
{
	struct CMUnitTest chosen[TESTS_MAX];
	char *names = getenv("KS_TESTS");
	size_t n = 0;

	if (!names)
		return __real__cmocka_run_group_tests(name, tests, count, setup, teardown);
	for (char *one = strtok(names, ","); one; one = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < count && strcmp(tests[i].name, one))
			i++;
		if (i == count || n == TESTS_MAX) {
			fprintf(stderr, "KS_TESTS: no such test, or too many: %s\n", one);
			return 1;
		}
		chosen[n++] = tests[i];
	}
	return __real__cmocka_run_group_tests(name, chosen, n, setup, teardown);
}
