// SPDX-License-Identifier: MIT
/*
 * Xen's sensor is asked by a process of its own: what comes of it here, with a server of ours in
 * Xen's place.
 *
 * Wrong in the world if this fails: whoever rules the driver of /dev/xen/privcmd keeps ksense
 * compare for ever, and nobody is told that nothing was looked at; or what Xen says is not what is
 * compared, or why it says nothing is not what is told.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../canary/relay.h"
#include "../../canary/sources.h"
#include "../../host/ks_clock.h"
#include "../../lib/libksense.h"

/* === Xen ================================================================ */

static enum { ANSWERS, IS_NONE, DOES_NOT_OPEN, STANDS_STILL, GOES, BABBLES, DIES } xen;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static pid_t server;

/* In the place of the library's. */
int ksense_open_xen(struct ksense *k)
{
	while (xen == DOES_NOT_OPEN)
		pause();
	if (xen == DIES)
		_exit(0);
	return ksense_open_socket(k, xen == IS_NONE ? "/nowhere" : address.sun_path);
}

#define RAW "\0\n\xff"

/* Two records, the second with raw bytes. */
static void answer(FILE *to, const char *nonce, const char *request)
{
	static const char head[] = "{\"Virtue-protocol-version\":0.2,\"reply\":[";

	if (strstr(request, "\"status\"")) {
		fprintf(to, "%s\"%s\",\"status\",{\"name\":\"x\",\"time\":7}]}\n", head, nonce);
	} else {
		fprintf(to, "%s\"%s\",\"p\",{\"seq\":1,\"kind\":\"k\"}]}\n", head, nonce);
		fprintf(to, "%s\"%s\",\"p\",{\"seq\":2,\"kind\":\"k\",\"b\":{\"type\":\"raw\",\"length\":3}}]}\n",
			head, nonce);
		fwrite(RAW, 1, 3, to);
		fprintf(to, "%s\"%s\",\"p\"]}\n", head, nonce);
	}
}

static void serve(int from)
{
	FILE *in = fdopen(from, "r"), *to = fdopen(dup(from), "w");
	char line[4096], nonce[40];

	while (fgets(line, sizeof(line), in) && sscanf(line, "{\"Virtue-protocol-version\": %*f, \"request\": [\"%32s",
						       nonce) == 1) {
		while (xen == STANDS_STILL)
			pause();
		if (xen == GOES)
			break;
		if (xen == BABBLES)
			fputs("what?\n", to);
		else
			answer(to, nonce, line);
		fflush(to);
	}
	fclose(in);
	fclose(to);
}

static void *state;
static struct blindness blind;

static void begin(int how)
{
	/* On a busy machine, who answers may be slow. */
	struct canary_options options = { .timeout_ms = how == DOES_NOT_OPEN || how == STANDS_STILL ? 1000 : 20000 };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client;

	xen = how;
	blind = (struct blindness){ 0 };
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/test-relay-%d", (int)getpid());
	unlink(address.sun_path);
	assert_false(bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 5));
	server = fork();
	if (!server) {
		alarm(60);
		while ((client = accept(listener, NULL, NULL)) >= 0)
			serve(client);
		_exit(1);
	}
	close(listener);
	state = source_xen.open(&options);
	assert_non_null(state);
}

static int end(void **unused)
{
	(void)unused;
	if (state)
		source_xen.close(state);
	state = NULL;
	kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
	unlink(address.sun_path);
	/* And nobody else is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return 0;
}

/* === What is told ======================================================= */

static void is_blind(const char *reason, const char *words)
{
	assert_string_equal(blind.reason, reason);
	if (!strstr(blind.words, words))
		fail_msg("it says: %s", blind.words);
	blind = (struct blindness){ 0 };
}

static void all_is_passed_on(void **unused)
{
	const struct asking asking = { .probe = "p" };
	json_t *status, *records = json_array();

	(void)unused;
	begin(ANSWERS);
	for (int times = 0; times < 2; times++) {
		status = source_xen.status(state, &blind);
		assert_int_equal(number_of(status, "time"), 7);
		json_decref(status);
		assert_true(source_xen.records(state, &asking, records, &blind));
	}
	assert_int_equal(json_array_size(records), 4);
	assert_int_equal(number_of(json_array_get(records, 0), "seq"), 1);
	assert_string_equal(string_of(json_array_get(records, 1), "b"), "000aff");
	assert_null(blind.reason);
	json_decref(records);
}

static void why_there_is_none(void **unused)
{
	(void)unused;
	begin(IS_NONE);
	assert_false(source_xen.there(state, &blind));
	assert_string_equal(blind.absent, "xen");
	is_blind("no-sensor", "Xen: no sensor listens at /nowhere");
}

static void does_not_return(void **unused)
{
	int64_t begun_ms = ks_now_ms();

	(void)unused;
	begin(DOES_NOT_OPEN);
	assert_false(source_xen.there(state, &blind));
	assert_null(blind.absent);
	is_blind("timeout", "Xen: the process that was to ask does not come back");
	end(NULL);
	begin(STANDS_STILL);
	assert_true(source_xen.there(state, &blind));
	assert_null(source_xen.status(state, &blind));
	is_blind("timeout", "Xen: the sensor did not answer within 1 s");
	/* It is asked anew, though. */
	assert_true(source_xen.there(state, &blind));
	assert_in_range(ks_now_ms() - begun_ms, 500, 20000);
}

/* No other is sent while one is away, and nothing is closed that is somebody else's by now. */
static void cannot_be_ended(void **unused)
{
	struct relay relay = { .child = fork(), .why = -1 };
	int fd;

	(void)unused;
	while (!relay.child)
		pause();
	begin(ANSWERS);
	for (int times = 0; times < 2; times++) {
		assert_int_equal(relay_open(&relay, 300), -1);
		assert_int_equal(relay.end.error, KSENSE_TIMEOUT);
		assert_non_null(strstr(relay.end.message, "cannot be ended"));
		relay_hear(&relay);
		relay_close(&relay);
		assert_true(relay.child > 0);
	}
	kill(relay.child, SIGKILL);
	while (!is_over(relay.child))
		usleep(1000);
	fd = relay_open(&relay, 10000);
	assert_true(fd >= 0);
	close(fd);
	relay_close(&relay);
	assert_int_equal(relay.child, 0);
}

/* Who looks for weeks has no more descriptors open in the end, whatever failed. */
static void nothing_is_left_open(void **unused)
{
	int before, after;

	(void)unused;
	begin(GOES);
	before = dup(STDIN_FILENO);
	for (int times = 0; times < 20; times++) {
		assert_null(source_xen.status(state, &blind));
		blind = (struct blindness){ 0 };
	}
	after = dup(STDIN_FILENO);
	assert_int_equal(after, before + 1);
	close(before);
	close(after);
}

static void why_it_failed(void **unused)
{
	(void)unused;
	begin(BABBLES);
	assert_null(source_xen.status(state, &blind));
	is_blind("unreadable", "Xen: what came is no reply to this request: what?");
	end(NULL);
	begin(GOES);
	assert_null(source_xen.status(state, &blind));
	is_blind("unreadable", "Xen: the server closed the connection before the end of its reply");
	end(NULL);
	begin(DIES);
	assert_false(source_xen.there(state, &blind));
	is_blind("unreadable", "Xen: the process that was to ask ended");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(all_is_passed_on, end),
		cmocka_unit_test_teardown(why_there_is_none, end),
		cmocka_unit_test_teardown(does_not_return, end),
		cmocka_unit_test_teardown(cannot_be_ended, end),
		cmocka_unit_test_teardown(nothing_is_left_open, end),
		cmocka_unit_test_teardown(why_it_failed, end),
	};

	signal(SIGCHLD, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
