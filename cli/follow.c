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

#include "cursor.h"
#include "ksense.h"

struct follow {
	struct options o;          /* its request's max is what is left of it */
	struct cursors cursors;
	uint64_t taken;
	bool poll;                 /* there are no subscriptions here, or they are not wanted */
	bool gone;                 /* it was said that the sensor is not there */
	bool old;                  /* with --since: nothing says of which count it is */
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

/* === One look =========================================================== */

static uint64_t taken_by_us(const struct follow *f)
{
	return f->o.request.peek ? 0 : f->taken;
}

static int show(struct follow *f, const struct ksense_line *line)
{
	json_t *record = parse_body(line);

	if (!record)
		return EXIT_NO_SENSOR;
	if (f->o.request.peek && !cursor_is_new(&f->cursors, record)) {
		json_decref(record);
		return EXIT_DONE;
	}
	cursor_note(&f->cursors, record);
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

	if (f->o.medium != MEDIUM_SOCKET ||
	    (error != KSENSE_GONE && error != KSENSE_NO_SENSOR && error != KSENSE_TIMEOUT))
		return report(k);
	if (!f->gone)
		say("%s; waiting for it to come back", ksense_message(k));
	f->gone = true;
	ksense_close(k);
	return EXIT_DONE;
}

/* What @request, which is the user's for all probes or for one, gives at the moment. */
static int ask(struct follow *f, struct ksense *k, struct ksense_request *request, bool *connected)
{
	uint64_t before = f->taken, max = f->o.request.max;
	struct ksense_line line;
	int got, status = EXIT_DONE;

	request->max = max;
	if (request->peek)
		request->has_max = false; /* it would stop at those that were shown already */
	got = ksense_ask(k, request);
	while (!got && !status && (got = ksense_next(k, &line)) > 0) {
		bool enough = max && request->peek && f->taken - before == max;

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
	return EXIT_DONE;
}

/* === From where on ====================================================== */

/* The status of each probe that is meant, an array; NULL: the connection says why. */
static json_t *probes_of_target(struct follow *f, struct ksense *k)
{
	struct ksense_request request = { .command = "status", .target = f->o.request.target };
	json_t *status = NULL, *probes;
	struct ksense_line line;
	int got = ksense_ask(k, &request);

	while (!got && (got = ksense_next(k, &line)) > 0) {
		if (line.kind == KSENSE_ANSWER && !status)
			status = parse_body(&line);
		got = 0;
	}
	if (got < 0 || ksense_error(k)) {
		json_decref(status);
		return NULL;
	}
	probes = json_object_get(status, "probes");
	probes = probes ? json_incref(probes) : json_pack("[O*]", status);
	json_decref(status);
	if (probes)
		cursors_begin(&f->cursors, probes);
	return probes;
}

/*
 * There is no status: the server speaks 0.1 only.  Nothing tells then of which count --since is,
 * once the connection was another one.
 */
static bool knows_no_status(struct follow *f, struct ksense *k)
{
	if (ksense_error(k) != KSENSE_COMMAND && ksense_error(k) != KSENSE_VERSION)
		return false;
	f->poll = f->old = true;
	return true;
}

/* Goes on with each probe where it stood: their counts have nothing to do with each other. */
static int ask_each(struct follow *f, struct ksense *k, const json_t *probes, bool *connected)
{
	bool limited = f->o.request.has_max;
	int status = EXIT_DONE;
	const json_t *probe;
	size_t i;

	json_array_foreach(probes, i, probe) {
		const char *name = json_string_value(json_object_get(probe, "name"));
		const char *state = json_string_value(json_object_get(probe, "state"));
		struct ksense_request request = f->o.request;

		request.target = json_string_value(json_object_get(probe, "uuid"));
		if (!name || !request.target || (request.run && state && !strcmp(state, "off")))
			continue;
		cursor_ask(&f->cursors, name, &request);
		status = ask(f, k, &request, connected);
		if (status || !*connected || (limited && !f->o.request.max))
			break;
		/* It has another uuid by now: the next time. */
		if (ksense_error(k) != KSENSE_TARGET)
			status = report(k);
		if (status)
			break;
	}
	return status;
}

/* The status of the probes could not be had. */
static int no_status(struct follow *f, struct ksense *k, bool *connected)
{
	*connected = ksense_error(k) < KSENSE_NO_SENSOR;
	return *connected ? report_reply(k, &f->o) : wait_for_return(f, k);
}

static int look_at_all(struct follow *f, struct ksense *k, bool *connected)
{
	struct ksense_request request = f->o.request;
	int status = ask(f, k, &request, connected);

	return status || !*connected ? status : report_reply(k, &f->o);
}

static int look(struct follow *f, struct ksense *k, bool *connected)
{
	json_t *probes;
	int status;

	if (!f->o.request.has_since || f->old)
		return look_at_all(f, k, connected);
	probes = probes_of_target(f, k);
	if (!probes && knows_no_status(f, k))
		return look_at_all(f, k, connected);
	if (!probes)
		return no_status(f, k, connected);
	status = ask_each(f, k, probes, connected);
	json_decref(probes);
	return status;
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
 * Subscribes.  False where the server knows no subscriptions, or with --since one would not do, as
 * each of several probes goes on elsewhere; else *@status and the connection say how it went.
 */
static bool subscribe(struct follow *f, struct ksense *k, int *status)
{
	struct ksense_request request = f->o.request;
	struct ksense_line line;
	bool connected;

	if (request.has_since) {
		json_t *probes = probes_of_target(f, k);
		const char *name = json_string_value(json_object_get(json_array_get(probes, 0), "name"));
		size_t count = json_array_size(probes);

		if (count == 1 && name)
			cursor_ask(&f->cursors, name, &request);
		json_decref(probes);
		if (!probes && !knows_no_status(f, k)) {
			*status = no_status(f, k, &connected);
			return true;
		}
		if (count != 1)
			return false;
	}
	request.command = "subscribe";
	*status = EXIT_DONE;
	if (ksense_ask(k, &request) || ksense_next(k, &line) < 0)
		*status = wait_for_return(f, k);
	else if (ksense_error(k) == KSENSE_COMMAND || ksense_error(k) == KSENSE_VERSION)
		return false;
	else
		*status = report_reply(k, &f->o);
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
	if (f->gone && f->old && f->o.request.has_since) {
		say("this sensor does not tell of which count its records are: from now on --since does not count");
		f->o.request.has_since = f->o.request.has_epoch = false;
	}
	if (!*connected)
		cursors_resume(&f->cursors);
	f->gone = false;
	*connected = true;
	if (f->poll || ksense_fd(k) < 0)
		return look(f, k, connected);
	if (!subscribe(f, k, &status)) {
		f->poll = true; /* for good: what a status says is asked each time */
		return look(f, k, connected);
	}
	*connected = ksense_subscribed(k);
	return *connected ? listen_to(f, k, connected) : status;
}

int run_follow(struct ksense *k, const struct options *o)
{
	struct follow f = { .o = *o, .poll = o->poll };
	bool limited = o->request.has_max, connected = true;
	int status;

	f.o.request.filters = f.o.filters;
	if (!cursors_init(&f.cursors, &o->request)) {
		say("no memory");
		cursors_free(&f.cursors);
		return EXIT_NO_SENSOR;
	}
	catch_signals();
	do {
		status = limited && !f.o.request.max ? EXIT_DONE : follow_on(&f, k, &connected);
	} while (!status && !(limited && !f.o.request.max) && pause_for(o->interval_s, -1));
	cursors_free(&f.cursors);
	return status;
}
