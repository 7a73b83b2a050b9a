// SPDX-License-Identifier: MIT
/*
 * A source that may take for ever is asked by a process of its own: what comes of it here.
 *
 * Wrong in the world if this fails: ksense compare hangs for as long as who rules Dom0's kernel
 * likes, and nobody is told that nothing was looked at; or what the other process saw is not what
 * is compared.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../canary/judge.h"
#include "../../host/ks_clock.h"
#include "json_of.h"

/* === Sources ============================================================ */

static bool takes_all(void *state, struct sample *sample, struct blindness *blind)
{
	(void)blind;
	sample->records = json_of(state);
	return true;
}

/* Many times what a pipe holds. */
#define MUCH_BYTES 2000000

static bool takes_much(void *state, struct sample *sample, struct blindness *blind)
{
	static char text[MUCH_BYTES];

	(void)state;
	(void)blind;
	memset(text, 'x', sizeof(text));
	sample->records = json_pack("[s#]", text, MUCH_BYTES);
	return true;
}

static bool takes_part(void *state, struct sample *sample, struct blindness *blind)
{
	sample->records = json_of(state);
	blind_for(blind, "denied", "the rest is \xc3\xbc");
	return true;
}

static bool is_absent(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state;
	(void)sample;
	blind->absent = "played";
	blind_for(blind, "unreadable", "there is none");
	return false;
}

static bool dies(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state;
	(void)sample;
	(void)blind;
	_exit(0);
}

static bool hangs(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state;
	(void)sample;
	(void)blind;
	while (true)
		pause();
	return false;
}

static bool is_not_there(void *state, struct blindness *blind)
{
	return is_absent(state, NULL, blind);
}

/* Writes where the caller's output is, and says whether that went there. */
static bool writes(void *state, struct sample *sample, struct blindness *blind)
{
	(void)state;
	(void)blind;
	sample->records = json_pack("[bb]", write(STDOUT_FILENO, "x", 1) < 0 && errno == EBADF,
				    write(STDERR_FILENO, "x", 1) < 0 && errno == EBADF);
	return true;
}

/* === Who asks =========================================================== */

static bool goes_on = true;

static bool pauses(void *context, double seconds)
{
	(void)context;
	(void)seconds;
	return goes_on;
}

static struct canary_options options = { .pause = pauses };
static struct canary canary = { .options = &options, .begun = 1 };
static struct source_type type = { .name = "played", .is_apart = true };
static struct source source = { .type = &type };
static struct sample sample;
static struct blindness blind;

static bool ask(bool (*take)(void *state, struct sample *sample, struct blindness *blind), const char *says)
{
	json_decref(sample.records);
	sample = (struct sample){ 0 };
	blind = (struct blindness){ 0 };
	type.take = take;
	source.state = (void *)says;
	return take_apart(&canary, &source, &sample, &blind);
}

static int begin(void **state)
{
	(void)state;
	source = (struct source){ .type = &type };
	type.there = NULL;
	canary.interrupted = false;
	canary.begun++;
	goes_on = true;
	options.timeout_ms = 10000;
	return 0;
}

static int leave(void **state)
{
	(void)state;
	json_decref(sample.records);
	sample.records = NULL;
	/* Nobody is left behind. */
	assert_int_equal(source.left, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void says_all(void **state)
{
	const char *says = "[{'a': 1, 'b': '\\u0085 \xc3\xbc'}, {'a': null}]";
	json_t *expected = json_of(says);

	(void)state;
	assert_true(ask(takes_all, says));
	assert_null(blind.reason);
	assert_true(json_equal(sample.records, expected));
	json_decref(expected);
	assert_true(there_apart(&canary, &source, &blind));
}

static void says_much(void **state)
{
	(void)state;
	assert_true(ask(takes_much, NULL));
	assert_int_equal(json_string_length(json_array_get(sample.records, 0)), MUCH_BYTES);
}

static void says_why(void **state)
{
	(void)state;
	assert_true(ask(takes_part, "[1]"));
	assert_string_equal(blind.reason, "denied");
	assert_string_equal(blind.words, "the rest is \xc3\xbc");
	assert_null(blind.absent);
	assert_int_equal(json_array_size(sample.records), 1);
	assert_false(ask(is_absent, NULL));
	assert_string_equal(blind.reason, "unreadable");
	assert_string_equal(blind.absent, "played");
	type.there = is_not_there;
	blind = (struct blindness){ 0 };
	assert_false(there_apart(&canary, &source, &blind));
	assert_string_equal(blind.words, "there is none");
	assert_false(ask(dies, NULL));
	assert_string_equal(blind.reason, "unreadable");
	assert_non_null(strstr(blind.words, "did not come to its end"));
}

static void hangs_for_so_long(void **state)
{
	int64_t begun_ms = ks_now_ms(), took_ms;

	(void)state;
	options.timeout_ms = 20;
	assert_false(ask(hangs, NULL));
	took_ms = ks_now_ms() - begun_ms;
	assert_string_equal(blind.reason, "timeout");
	assert_non_null(strstr(blind.words, "looking at played took more than 0.24 s"));
	assert_true(took_ms >= 12 * 20 - 10);
	assert_true(took_ms < 20000);
	/* Once in a round is enough: who asks next is told at once, whatever would be said now; */
	assert_false(ask(takes_all, "[1]"));
	assert_string_equal(blind.reason, "timeout");
	/* in the next it is asked again. */
	canary.begun++;
	options.timeout_ms = 10000;
	assert_true(ask(takes_all, "[1]"));
	assert_true(ask(takes_all, "[1]"));
	assert_null(blind.reason);
}

static void is_broken_off(void **state)
{
	(void)state;
	goes_on = false;
	assert_false(ask(hangs, NULL));
	assert_string_equal(blind.reason, "interrupted");
	assert_true(canary.interrupted);
}

/* Who went to look and is still away is not followed by others. */
static void is_away(void **state)
{
	pid_t away = fork();

	(void)state;
	if (!away)
		hangs(NULL, NULL, NULL);
	source.left = away;
	assert_false(ask(takes_all, "[1]"));
	assert_string_equal(blind.reason, "timeout");
	assert_non_null(strstr(blind.words, "does not come back"));
	assert_int_equal(source.left, away);
	kill(away, SIGKILL);
	while (!ask(takes_all, "[1]"))
		assert_string_equal(blind.reason, "timeout");
	assert_int_equal(source.left, 0);
}

static void has_no_output(void **state)
{
	(void)state;
	assert_true(ask(writes, NULL));
	assert_true(json_is_true(json_array_get(sample.records, 0)));
	assert_true(json_is_true(json_array_get(sample.records, 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_all, begin, leave),
		cmocka_unit_test_setup_teardown(says_much, begin, leave),
		cmocka_unit_test_setup_teardown(says_why, begin, leave),
		cmocka_unit_test_setup_teardown(hangs_for_so_long, begin, leave),
		cmocka_unit_test_setup_teardown(is_broken_off, begin, leave),
		cmocka_unit_test_setup_teardown(is_away, begin, leave),
		cmocka_unit_test_setup_teardown(has_no_output, begin, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
