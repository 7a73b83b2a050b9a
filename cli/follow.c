// SPDX-License-Identifier: MIT
/*
 * follow.c - records as they come, until interrupted.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ksense.h"

struct follow {
	struct options o;          /* its request's max is what is left of it */
	json_t *seen;              /* with --peek: the last record shown, by probe */
	json_t *lost;              /* with --peek: the last loss shown, by probe */
	uint64_t taken;
	bool poll;                 /* there are no subscriptions here, or they are not wanted */
	bool gone;                 /* it was said that the sensor is not there */
};

/* === Interruption ======================================================= */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = signal;
}

void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool was_interrupted(void)
{
	return interrupted;
}

int interrupted_by(void)
{
	return interrupted;
}

/* The signals come in nowhere but in ppoll(), so that none is missed just before it. */
bool pause_for(double seconds, int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	struct timespec left = { .tv_sec = (time_t)seconds };
	sigset_t both, before;
	bool go_on;

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	go_on = !interrupted && ppoll(&readable, 1, fd < 0 ? &left : NULL, &before) >= 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return go_on && !interrupted;
}

/* === What was shown already ============================================= */

/*
 * With --peek the sensor gives everything each time.  After a reset seq starts again, but time
 * does not.
 */
static bool is_new(struct follow *f, const json_t *record)
{
	const char *kind = json_string_value(json_object_get(record, "kind"));
	const char *probe = json_string_value(json_object_get(record, "probe"));
	const json_t *last;

	if (!f->o.request.peek || !probe)
		return true;
	if (kind && !strcmp(kind, "lost")) {
		json_t *first = json_object_get(record, "first"), *end = json_object_get(record, "last");
		json_t *now = json_pack("[OO]", first, end);
		bool same = json_equal(json_object_get(f->lost, probe), now);

		json_object_set_new(f->lost, probe, now);
		return !same;
	}
	last = json_object_get(f->seen, probe);
	if (last) {
		json_int_t time = json_integer_value(json_object_get(record, "time"));
		json_int_t seen = json_integer_value(json_object_get(last, "time"));

		if (time < seen || (time == seen && json_integer_value(json_object_get(record, "seq")) <=
						    json_integer_value(json_object_get(last, "seq"))))
			return false;
	}
	json_object_set(f->seen, probe, (json_t *)record);
	return true;
}

/* === One look =========================================================== */

static uint64_t taken_by_us(const struct follow *f)
{
	return f->o.request.peek ? 0 : f->taken;
}

static int show(struct follow *f, const struct ksense_line *line)
{
	json_t *record = NULL;

	if (f->o.table || f->o.request.peek) {
		record = parse_body(line);
		if (!record)
			return EXIT_NO_SENSOR;
		if (!is_new(f, record)) {
			json_decref(record);
			return EXIT_DONE;
		}
	}
	if (f->o.table)
		print_record_line(record);
	else
		print_record_json(line);
	json_decref(record);
	f->taken++;
	return EXIT_DONE;
}

/* The sensor can come back: a server that is started again.  Said once. */
static int wait_for_return(struct follow *f, struct ksense *k)
{
	enum ksense_error error = ksense_error(k);

	if (f->o.medium != MEDIUM_SOCKET || (error != KSENSE_GONE && error != KSENSE_NO_SENSOR && error != KSENSE_TIMEOUT))
		return report(k);
	if (!f->gone)
		say("%s; waiting for it to come back", ksense_message(k));
	f->gone = true;
	ksense_close(k);
	return EXIT_DONE;
}

static int look(struct follow *f, struct ksense *k, bool *connected)
{
	uint64_t before = f->taken, max = f->o.request.max;
	struct ksense_line line;
	int got, status = EXIT_DONE;

	if (f->o.request.peek)
		f->o.request.has_max = false; /* it would stop at those that were shown already */
	got = ksense_ask(k, &f->o.request);
	while (!got && !status && (got = ksense_next(k, &line)) > 0) {
		bool enough = max && f->o.request.peek && f->taken - before == max;

		if (line.kind == KSENSE_RECORD && !enough)
			status = show(f, &line);
		got = 0;
		if (!status && !ksense_buffered(k) && flush_output(taken_by_us(f)))
			return EXIT_SAID_ERROR;
	}
	if (flush_output(taken_by_us(f)))
		return EXIT_SAID_ERROR;
	/* A sensor may have given more than it was asked for. */
	f->o.request.max = f->taken - before < max ? max - (f->taken - before) : 0;
	if (status)
		return status;
	if (got < 0) {
		*connected = false;
		return wait_for_return(f, k);
	}
	return report(k);
}

/* === A subscription ===================================================== */

/*
 * Ends the subscription; what was handed over until then is shown, or only counted.  The exit
 * status.
 */
static int unsubscribe(struct follow *f, struct ksense *k, bool shown)
{
	struct ksense_request request = { .command = "unsubscribe", .target = f->o.request.target };
	struct ksense_line line;
	int got = ksense_ask(k, &request), status = EXIT_DONE;

	while (!got && !status && (got = ksense_next(k, &line)) > 0) {
		if (line.kind != KSENSE_PUSHED)
			break;
		if (shown)
			status = show(f, &line);
		else
			f->taken++;
		got = 0;
	}
	/* Where the server is gone as well, there is nothing to end. */
	return status ? status : got < 0 ? EXIT_DONE : report(k);
}

/* The output fails: says so, and how many records are lost by it, those under way among them. */
static int cannot_write(struct follow *f, struct ksense *k)
{
	int error = errno;

	unsubscribe(f, k, false);
	errno = error;
	flush_output(taken_by_us(f));
	return EXIT_SAID_ERROR;
}

/*
 * Subscribes.  False where the server knows no subscriptions; else *@status and the connection say
 * how it went.
 */
static bool subscribe(struct follow *f, struct ksense *k, int *status)
{
	struct ksense_request request = f->o.request;
	struct ksense_line line;

	request.command = "subscribe";
	*status = EXIT_DONE;
	if (ksense_ask(k, &request) || ksense_next(k, &line) < 0)
		*status = wait_for_return(f, k);
	else if (ksense_error(k) == KSENSE_COMMAND || ksense_error(k) == KSENSE_VERSION)
		return false;
	else
		*status = report(k);
	return true;
}

/* Shows what is pushed, until interrupted, or until the server is gone. */
static int listen_to(struct follow *f, struct ksense *k, bool *connected)
{
	struct ksense_line line;
	int status = EXIT_DONE;

	while (!status) {
		if (!ksense_buffered(k)) {
			if (fflush(stdout) || ferror(stdout))
				return cannot_write(f, k);
			if (!pause_for(0, ksense_fd(k)))
				break;
		}
		if (ksense_next(k, &line) < 0) {
			if (flush_output(taken_by_us(f)))
				return EXIT_SAID_ERROR;
			*connected = false;
			return wait_for_return(f, k);
		}
		status = show(f, &line);
	}
	if (!status)
		status = unsubscribe(f, k, true);
	return flush_output(taken_by_us(f)) ? EXIT_SAID_ERROR : status;
}

/* === Interface ========================================================== */

/* The next look; or, where records are pushed, all of them until something happens. */
static int follow_on(struct follow *f, struct ksense *k, bool *connected)
{
	int status;

	if (!*connected && reconnect(k, &f->o))
		return wait_for_return(f, k);
	if (f->gone)
		say("the sensor is back");
	f->gone = false;
	*connected = true;
	if (f->poll || ksense_fd(k) < 0)
		return look(f, k, connected);
	if (!subscribe(f, k, &status)) {
		f->poll = true;
		return look(f, k, connected);
	}
	*connected = ksense_subscribed(k);
	return *connected ? listen_to(f, k, connected) : status;
}

int run_follow(struct ksense *k, const struct options *o)
{
	struct follow f = { .o = *o, .seen = json_object(), .lost = json_object(), .poll = o->poll };
	bool limited = o->request.has_max, connected = true;
	int status;

	f.o.request.filters = f.o.filters;
	catch_signals();
	do {
		status = limited && !f.o.request.max ? EXIT_DONE : follow_on(&f, k, &connected);
	} while (!status && !(limited && !f.o.request.max) && pause_for(o->interval_s, -1));
	json_decref(f.seen);
	json_decref(f.lost);
	return status;
}
