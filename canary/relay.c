// SPDX-License-Identifier: MIT
/*
 * relay.c - asks Xen's sensor by a process of its own, which passes on what it is asked, and what
 * it is told.
 *
 * It stays for as long as it answers.  Of what fails there, the error goes another way than the
 * answers, which could not say it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "judge.h"
#include "relay.h"

/* === The child ========================================================== */

enum { ASKED = STDERR_FILENO + 1, WHY };

static void say_why(enum ksense_error error, const char *message)
{
	struct relay_end end = { .error = error };

	snprintf(end.message, sizeof(end.message), "%s", message);
	/* Less than a pipe takes at once. */
	if (write(WHY, &end, sizeof(end)) != (ssize_t)sizeof(end))
		_exit(1);
}

/* A line that was asked; its bytes, or 0 at the end. */
static size_t read_request(char line[KSENSE_REQUEST_MAX])
{
	size_t bytes = 0;

	while (bytes < KSENSE_REQUEST_MAX && (!bytes || line[bytes - 1] != '\n')) {
		ssize_t got = recv(ASKED, line + bytes, KSENSE_REQUEST_MAX - bytes, 0);

		if (got <= 0)
			return 0;
		bytes += (size_t)got;
	}
	return bytes;
}

/* All of one reply.  False: it could not be had, or passed on. */
static bool pass_on(struct ksense *k, FILE *to)
{
	struct ksense_line line;
	int got;

	/* Its raw bytes stand behind the newline. */
	while ((got = ksense_next(k, &line)) > 0)
		if (fwrite(line.text, 1, line.bytes + 1 + line.raw_bytes, to) != line.bytes + 1 + line.raw_bytes)
			return false;
	return !got && !fflush(to);
}

static _Noreturn void be_relay(int dead, int asked, int why)
{
	char line[KSENSE_REQUEST_MAX];
	struct ksense *k;
	FILE *to;
	size_t bytes;
	int failed;

	become_apart(dead, (const int[]){ asked, why }, 2);
	k = ksense_new();
	to = fdopen(ASKED, "w");
	if (!k || !to)
		_exit(1);
	/* Who asks knows how long he waits. */
	ksense_set_timeout(k, -1);
	failed = ksense_open_xen(k);
	say_why(ksense_error(k), ksense_message(k));
	while (!failed && (bytes = read_request(line)))
		failed = ksense_send(k, line, bytes) || !pass_on(k, to);
	if (failed && ksense_error(k))
		say_why(ksense_error(k), ksense_message(k));
	_exit(failed);
}

/* === Who asks =========================================================== */

/* So long may the one end of a child that has ended outlive the other. */
#define GOES_MS 1000

/* So long for what the child says of itself; negative: as long as it takes. */
static void hear(struct relay *relay, int timeout_ms)
{
	struct pollfd said = { .fd = relay->why, .events = POLLIN };
	int ready;

	do
		ready = poll(&said, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready > 0 && read(relay->why, &relay->end, sizeof(relay->end)) == (ssize_t)sizeof(relay->end))
		return;
	relay->end = (struct relay_end){ .error = ready ? KSENSE_SYSTEM : KSENSE_TIMEOUT };
	snprintf(relay->end.message, sizeof(relay->end.message), "%s",
		 ready ? "the process that was to ask ended" : "the process that was to ask does not come back");
}

static void cannot(struct relay *relay, const char *what)
{
	relay->end.error = errno == ENOMEM ? KSENSE_NO_MEMORY : KSENSE_SYSTEM;
	snprintf(relay->end.message, sizeof(relay->end.message), "%s: %s", what, strerror(errno));
}

/* What it holds against one that did not come back. */
static bool is_away(struct relay *relay)
{
	if (!relay->child || is_over(relay->child))
		return false;
	relay->end.error = KSENSE_TIMEOUT;
	snprintf(relay->end.message, sizeof(relay->end.message),
		 "process %d went to ask, does not come back, and cannot be ended", (int)relay->child);
	return true;
}

/* False: it could not be begun. */
static bool begin(struct relay *relay, const int ends[2], const int why[2])
{
	relay->child = fork();
	if (!relay->child)
		be_relay(why[0], ends[1], why[1]);
	if (relay->child > 0)
		return true;
	cannot(relay, "a process to ask");
	relay->child = 0;
	return false;
}

int relay_open(struct relay *relay, int timeout_ms)
{
	int ends[2], why[2];
	bool begun;

	if (is_away(relay))
		return -1;
	relay->child = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		cannot(relay, "a socket");
		return -1;
	}
	if (pipe2(why, O_CLOEXEC)) {
		cannot(relay, "a pipe");
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	begun = begin(relay, ends, why);
	close(ends[1]);
	close(why[1]);
	relay->why = why[0];
	if (begun)
		hear(relay, timeout_ms);
	if (begun && !relay->end.error)
		return ends[0];
	close(ends[0]);
	if (begun)
		relay_close(relay);
	else
		close(why[0]);
	return -1;
}

void relay_hear(struct relay *relay)
{
	if (relay->child && relay->why >= 0)
		hear(relay, GOES_MS);
}

void relay_close(struct relay *relay)
{
	/* It was closed before, and the child did not end. */
	if (!relay->child || relay->why < 0)
		return;
	close(relay->why);
	relay->why = -1;
	if (end_apart(relay->child))
		relay->child = 0;
}
