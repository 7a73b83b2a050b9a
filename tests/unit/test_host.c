// SPDX-License-Identifier: MIT
/*
 * test_host.c - the host port: real threads, real time, the sensor's two real probes, clients on
 * sockets.
 *
 * What could be wrong in the world: more clients than there is room for, memory that runs out, a
 * file with a name that is no text, a constant of this very program that somebody overwrites.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../host/host.h"
#include "judge.h"

#define NONCE "4f1c0e6a9d2b4c58a7e3"
#define CLIENTS_MAX 256

static char folder[] = "/tmp/ksense-test-XXXXXX";
static struct ks_host *host;

static int setup(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	host = ks_host_start(folder, KS_HOST_RING_BYTES, false);
	return host ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	if (host)
		ks_host_stop(host);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void touch(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/* Sends @text; the lines that come, up to one without a record. */
static json_t *ask(int fd, const char *text)
{
	static char buf[1 << 20];
	json_t *lines = json_array();
	size_t len = 0, line_start = 0;

	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		const char *end, *why;
		ssize_t n;

		assert_int_equal(poll(&poll_fd, 1, 60000), 1);
		n = recv(fd, buf + len, sizeof(buf) - len, 0);
		assert_true(n > 0);
		len += (size_t)n;
		while ((end = memchr(buf + line_start, '\n', len - line_start))) {
			size_t line_len = (size_t)(end - buf) + 1 - line_start;
			json_t *line = judge_line(buf + line_start, line_len, &why);
			const json_t *last;

			if (!line)
				fail_msg("%s: %.*s", why, (int)line_len, buf + line_start);
			json_array_append_new(lines, line);
			line_start += line_len;
			last = json_array_get(json_object_get(line, "reply"), 2);
			if (!json_is_object(last) || json_object_get(last, "code"))
				return lines;
		}
	}
}

static json_t *command(int fd, const char *words)
{
	char line[512];

	snprintf(line, sizeof(line), "{Virtue-protocol-version: 0.1, request: [" NONCE ", %s]}\n", words);
	return ask(fd, line);
}

static const json_t *record(const json_t *lines, size_t i)
{
	return json_array_get(json_object_get(json_array_get(lines, i), "reply"), 2);
}

static const char *member(const json_t *lines, size_t i, const char *name)
{
	return json_string_value(json_object_get(record(lines, i), name));
}

static const char *code(const json_t *lines)
{
	const char *text = member(lines, 0, "code");

	assert_int_equal(json_array_size(lines), 1);
	return text ? text : "none";
}

/* 256 clients are served; one more is told "busy", and is served when another has gone. */
static void too_many_clients(void **state)
{
	int fds[CLIENTS_MAX], pair[2];
	json_t *lines;
	char buf[512];
	const char *why;
	ssize_t n;

	(void)state;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		fds[i] = ks_host_connect(host);
		assert_true(fds[i] >= 0);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(ks_host_serve(host, pair[0]), -1);
	assert_int_equal(errno, EBUSY);
	n = recv(pair[1], buf, sizeof(buf), 0);
	lines = json_array();
	json_array_append_new(lines, judge_line(buf, (size_t)n, &why));
	assert_string_equal(code(lines), "busy");
	json_decref(lines);
	assert_int_equal(recv(pair[1], buf, sizeof(buf), 0), 0);
	close(pair[1]);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		lines = command(fds[i], "discovery, *");
		assert_int_equal(json_array_size(lines), 1);
		json_decref(lines);
		close(fds[i]);
	}
	for (int i = 0; i < 1000; i++) {
		int fd = ks_host_connect(host);

		if (fd >= 0) {
			close(fd);
			return;
		}
		usleep(10000);
	}
	fail();
}

/*
 * No memory for a probe at start: the other one works.
 */
static void no_memory(void **state)
{
	json_t *lines;
	int fd;

	(void)state;
	ks_host_stop(host);
	ks_host_allocations_left = 9; /* the table, eight of the folder's, none of memory's */
	host = ks_host_start(folder, KS_HOST_RING_BYTES, false);
	assert_non_null(host);
	fd = ks_host_connect(host);
	lines = command(fd, "on, memory");
	assert_string_equal(code(lines), "no-memory");
	json_decref(lines);
	ks_host_allocations_left = -1;
	lines = command(fd, "records, folder, {run: true}");
	assert_true(json_array_size(lines) > 1);
	json_decref(lines);
	close(fd);
}

/*
 * Whatever bytes a file is called by, its record is a line; the longest names have a record too.
 */
static void any_file_name(void **state)
{
	char name[256];
	json_t *lines;
	unsigned int seen = 0;
	int fd = ks_host_connect(host);

	(void)state;
	touch("plain");
	touch("new\nline \"quoted\" \\ \x01\x7f");
	touch("\xff\xfe invalid \xc3");
	touch("\xc3\xa4\xe2\x82\xac");
	memset(name, 0xff, 255);
	name[255] = '\0';
	touch(name);
	lines = command(fd, "records, folder, {run: true, filter: {kind: entry}}");
	for (size_t i = 0; i + 1 < json_array_size(lines); i++) {
		const char *got = member(lines, i, "name");

		if (!got)
			continue;
		seen += !strcmp(got, "plain") || !strcmp(got, "new\nline \"quoted\" \\ \x01\x7f") ||
			!strcmp(got, "\xc3\xbf\xc3\xbe invalid \xc3\x83") || !strcmp(got, "\xc3\xa4\xe2\x82\xac") ||
			strlen(got) == 510;
	}
	assert_true(seen >= 5);
	json_decref(lines);
	close(fd);
}

/*
 * A folder that is not there: the probe fails; a request for a fresh sample ends with a record
 * that says so, whatever it filters by.
 */
static void folder_that_is_not_there(void **state)
{
	json_t *lines, *record;
	int fd;

	(void)state;
	ks_host_stop(host);
	host = ks_host_start("/nonexistent", KS_HOST_RING_BYTES, false);
	fd = ks_host_connect(host);
	lines = command(fd, "records, folder, {run: true, filter: {kind: entry}}");
	assert_int_equal(json_array_size(lines), 2);
	record = json_array_get(json_object_get(json_array_get(lines, 0), "reply"), 2);
	assert_string_equal(json_string_value(json_object_get(record, "kind")), "failed");
	assert_string_equal(json_string_value(json_object_get(record, "why")), "the folder cannot be opened");
	json_decref(lines);
	lines = ask(fd, "{Virtue-protocol-version: 0.2}\n");
	json_decref(lines);
	close(fd);
}

/* A constant of this program that has a page of its own, so that changing it disturbs nothing. */
#define PAGE 4096
const uint8_t constant[2 * PAGE] __attribute__((aligned(PAGE))) = { 1, 2, 3 };

static void overwrite(size_t at, uint8_t value)
{
	uint8_t *page = (uint8_t *)(uintptr_t)constant + at / PAGE * PAGE;

	assert_int_equal(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
	((volatile uint8_t *)(uintptr_t)constant)[at] = value;
	assert_int_equal(mprotect(page, PAGE, PROT_READ), 0);
}

/*
 * One byte of this program's own constants is overwritten, and put back: told by address, and as
 * restored.
 */
static void own_memory(void **state)
{
	char address[32];
	json_t *lines;
	int fd = ks_host_connect(host);

	(void)state;
	snprintf(address, sizeof(address), "0x%llx", (unsigned long long)(uintptr_t)&constant[0x120]);
	lines = command(fd, "records, memory, {run: true}");
	assert_true(json_array_size(lines) > 1);
	json_decref(lines);
	overwrite(0x123, 0x90);
	lines = command(fd, "records, memory, {run: true, filter: {kind: modified}}");
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(member(lines, 0, "address"), address);
	json_decref(lines);
	overwrite(0x123, 0);
	lines = command(fd, "records, memory, {run: true, filter: {kind: restored}}");
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(member(lines, 0, "address"), address);
	json_decref(lines);
	close(fd);
}

/* Too small a ring is refused. */
static void small_ring(void **state)
{
	(void)state;
	assert_null(ks_host_start(".", KS_RING_MIN - 1, false));
	assert_int_equal(errno, EINVAL);
}

/* The sensor stops while clients are connected, ask, and do not read. */
static void stopped_while_busy(void **state)
{
	int silent = ks_host_connect(host), asking = ks_host_connect(host);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		static const char line[] = "{Virtue-protocol-version: 0.1, request: [" NONCE ", discovery, *]}\n";

		if (send(silent, line, sizeof(line) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	json_decref(command(asking, "adversarial, *"));
	usleep(50000);
	ks_host_stop(host);
	host = NULL;
	close(silent);
	close(asking);
}

#define with_host(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(too_many_clients),  with_host(no_memory),  with_host(any_file_name),
		with_host(folder_that_is_not_there), with_host(own_memory), cmocka_unit_test(small_ring),
		with_host(stopped_while_busy),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
