// SPDX-License-Identifier: MIT
/*
 * What xenstore says of domains, with a daemon of ours at its socket.
 *
 * Wrong in the world if this fails: a domain has no entry, and somebody passes another off as its;
 * or "ksense lock NAME" hangs for as long as who rules xenstored likes, or means another domain.
 */
#include <errno.h>
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
#include <xen/io/xs_wire.h>

#include "../../canary/sources.h"
#include "../../canary/xenstore.h"
#include "../../host/ks_clock.h"

/* === The daemon ========================================================= */

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static pid_t daemon_pid;

static void tell(int to, const struct xsd_sockmsg *asked, uint32_t type, const char *text, size_t bytes)
{
	struct xsd_sockmsg head = { .type = type, .req_id = asked->req_id, .tx_id = asked->tx_id };

	head.len = (uint32_t)bytes;
	/* Who asks only whether it is there goes as soon as something comes. */
	if (send(to, &head, sizeof(head), MSG_NOSIGNAL) > 0)
		send(to, text, bytes, MSG_NOSIGNAL);
}

/* Each domain has a name by its first digit; false: there is no more to be had. */
static bool answer(int to, const struct xsd_sockmsg *asked, const char *path, unsigned int answers)
{
	static const char domains[] = "0\0" "3\0" "4\0" "5\0" "7x\0" "07\0" "99999";
	static const char *const names[] = { "Domain-0", NULL, NULL, "web", "db", "db", NULL, "seven", NULL, "nine" };
	static unsigned int given;
	unsigned int domain;

	if (given++ >= answers)
		return false;
	if (!strcmp(path, "/")) {
		tell(to, asked, XS_READ, "", 0);
	} else if (asked->type == XS_DIRECTORY) {
		tell(to, asked, XS_DIRECTORY, domains, sizeof(domains));
	} else if (sscanf(path, "/local/domain/0%1u/name", &domain) == 1 ||
		   sscanf(path, "/local/domain/%1u", &domain) == 1) {
		const char *name = strstr(path, "/name") ? names[domain] : "/vm/x";

		tell(to, asked, XS_READ, name, strlen(name));
	} else {
		tell(to, asked, XS_ERROR, "ENOENT", sizeof("ENOENT"));
	}
	return true;
}

static void serve(int from, unsigned int answers)
{
	struct xsd_sockmsg asked;
	char path[256];

	while (recv(from, &asked, sizeof(asked), MSG_WAITALL) == sizeof(asked)) {
		if (asked.len >= sizeof(path) || recv(from, path, asked.len, MSG_WAITALL) != (ssize_t)asked.len)
			_exit(1);
		path[asked.len] = '\0';
		if (!answer(from, &asked, path, answers))
			pause();
	}
}

/* One that gives so many answers, and then none. */
static void begin_daemon(unsigned int answers)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client;

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/test-xenstored-%d", (int)getpid());
	unlink(address.sun_path);
	assert_false(bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 5) ||
		     setenv("XENSTORED_PATH", address.sun_path, 1));
	daemon_pid = fork();
	if (!daemon_pid) {
		alarm(60);
		while ((client = accept(listener, NULL, NULL)) >= 0) {
			serve(client, answers);
			close(client);
		}
		_exit(1);
	}
	close(listener);
}

static int end_daemon(void **state)
{
	(void)state;
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGKILL);
		waitpid(daemon_pid, NULL, 0);
	}
	daemon_pid = 0;
	unlink(address.sun_path);
	return 0;
}

/* === Who asks =========================================================== */

static bool goes_on(void *context, double seconds)
{
	(void)context;
	(void)seconds;
	return true;
}

static struct canary_options options = { .pause = goes_on };
static char why[256];

/* On a busy machine a daemon may be slow that does answer. */
static int find(const char *name, uint32_t *domid, int timeout_ms)
{
	options.timeout_ms = timeout_ms;
	*domid = ~0U;
	return xenstore_find(&options, name, domid, why, sizeof(why));
}

static void names(void **state)
{
	uint32_t domid;

	(void)state;
	begin_daemon(1000);
	assert_int_equal(find("web", &domid, 20000), 1);
	assert_int_equal(domid, 3);
	assert_int_equal(find("db", &domid, 20000), 2);
	assert_int_equal(find("none", &domid, 20000), 0);
}

/* A domain 7 has no entry, though two begin like one; and there can be no domain 99999. */
static void no_domains(void **state)
{
	uint32_t domid;

	(void)state;
	begin_daemon(1000);
	assert_int_equal(find("seven", &domid, 20000), 0);
	assert_int_equal(find("nine", &domid, 20000), 0);
}

static void stands_still(void **state)
{
	uint32_t domid;

	(void)state;
	/* "Is it there", the list, and the names and more of some. */
	for (unsigned int answers = 0; answers < 5; answers++) {
		int64_t begun_ms = ks_now_ms();

		begin_daemon(answers);
		assert_int_equal(find("web", &domid, 50), -1);
		assert_in_range(ks_now_ms() - begun_ms, 10, 20000);
		/* That it is there may take it too long as well. */
		if (!answers || !strstr(why, "xenstore took more than"))
			assert_non_null(strstr(why, "xenstored: Connection timed out"));
		end_daemon(state);
	}
}

static void is_not_there(void **state)
{
	uint32_t domid;

	(void)state;
	setenv("XENSTORED_PATH", "/nowhere", 1);
	assert_int_equal(find("web", &domid, 50), -1);
	assert_non_null(strstr(why, "there is no xenstored here"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(names, end_daemon),
		cmocka_unit_test_teardown(no_domains, end_daemon),
		cmocka_unit_test_teardown(stands_still, end_daemon),
		cmocka_unit_test(is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
