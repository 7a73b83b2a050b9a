// SPDX-License-Identifier: MIT
/*
 * raw.c - protocol lines from stdin to the sensor, its replies to stdout, both unchanged.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ksense.h"

/* Prints a line of a reply as it came; on a terminal, harmless. */
static void print_line(const struct ksense_line *line)
{
	put_bytes(line->text, line->bytes);
	putchar('\n');
	if (line->raw_bytes)
		put_bytes(line->raw, line->raw_bytes);
}

static int cannot_read(void)
{
	say("cannot read stdin: %s", strerror(errno));
	return EXIT_SAID_ERROR;
}

/* === Xen: one line, its reply, the next line ============================= */

/*
 * A line with its end, \n or \r, into @line.  Its length, 0 at the end of the input; of a line
 * that is too long one byte more than is allowed, and the rest is skipped.
 */
static size_t get_line(char line[KSENSE_REQUEST_MAX + 1])
{
	size_t bytes = 0;
	int byte;

	while ((byte = getc_unlocked(stdin)) != EOF) {
		if (bytes <= KSENSE_REQUEST_MAX)
			line[bytes++] = (char)byte;
		if (byte == '\n' || byte == '\r')
			break;
	}
	return bytes;
}

static int pass_lines(struct ksense *k)
{
	char text[KSENSE_REQUEST_MAX + 1];
	struct ksense_line line;
	int status = EXIT_DONE;
	size_t bytes;

	while ((bytes = get_line(text)) > 0) {
		int got = ksense_send(k, text, bytes);

		while (!got && (got = ksense_next(k, &line)) > 0) {
			print_line(&line);
			if (line.kind == KSENSE_REFUSED)
				status = EXIT_SAID_ERROR;
			got = 0;
			if (!ksense_buffered(k) && flush_output(0))
				return EXIT_SAID_ERROR;
			if (line.kind != KSENSE_RECORD)
				break;
		}
		if (flush_output(0))
			return EXIT_SAID_ERROR;
		if (got < 0)
			return report(k);
	}
	return ferror(stdin) ? cannot_read() : status;
}

/* === Socket: both ways at once ========================================== */

struct stream {
	struct ksense *k;
	char out[65536];           /* from stdin, not sent yet: out[start .. end) */
	size_t start, end;
	bool input_ended, sending_ended;
	bool content;              /* the line that is being passed is not empty */
	/* the session: the server closes, and may do so before the input has ended */
	bool refused;
	uint64_t requests, replies;
	int status;
};

/* Counts requests, to notice a server that leaves without having answered all. */
static void count_requests(struct stream *s, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char c = bytes[i];

		if (c == '\n' || c == '\r') {
			s->requests += s->content;
			s->content = false;
		} else if (c != ' ' && c != '\t' && c != '\0') {
			s->content = true;
		}
	}
}

/* 0 or an exit status. */
static int take_input(struct stream *s)
{
	ssize_t got = read(STDIN_FILENO, s->out, sizeof(s->out));

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : cannot_read();
	s->start = 0;
	s->end = (size_t)got;
	if (!got) {
		s->input_ended = true;
		if (s->content)
			s->out[s->end++] = '\n';
	}
	count_requests(s, s->out, s->end);
	return 0;
}

static int send_some(struct stream *s)
{
	int fd = ksense_fd(s->k);
	ssize_t sent;

	if (s->start < s->end) {
		sent = send(fd, s->out + s->start, s->end - s->start, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			s->start += (size_t)sent;
		else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			/* reading will tell that the server is gone */
			s->start = s->end = 0, s->sending_ended = true;
	}
	if (s->start == s->end && s->input_ended && !s->sending_ended) {
		shutdown(fd, SHUT_WR);
		s->sending_ended = true;
	}
	return 0;
}

/* Prints what has come.  1: more may come; 0: all has come; -1: an error, in s->status. */
static int take_replies(struct stream *s)
{
	struct ksense_line line;
	int got;

	while ((got = ksense_next_any(s->k, &line)) > 0) {
		print_line(&line);
		s->replies += line.kind != KSENSE_RECORD;
		if (line.kind == KSENSE_REFUSED) {
			s->status = EXIT_SAID_ERROR;
			s->refused |= !line.word;
		}
	}
	if (flush_output(0)) {
		s->status = EXIT_SAID_ERROR;
		return -1;
	}
	if (got < 0 && ksense_error(s->k) == KSENSE_TIMEOUT)
		return 1;
	if (got < 0) {
		s->status = report(s->k);
		return -1;
	}
	if (!s->refused && (!s->sending_ended || s->replies < s->requests)) {
		say("the server closed the connection before it had answered everything");
		s->status = EXIT_NO_SENSOR;
		return -1;
	}
	return 0;
}

static int pass_stream(struct ksense *k, int timeout_ms)
{
	static struct stream stream;
	struct stream *s = &stream;

	s->k = k;
	ksense_set_timeout(k, 0);
	for (;;) {
		bool pending = s->start < s->end;
		struct pollfd p[2] = {
			{ .fd = s->input_ended || pending ? -1 : STDIN_FILENO, .events = POLLIN },
			{ .fd = ksense_fd(k), .events = (short)(pending ? POLLIN | POLLOUT : POLLIN) },
		};
		/* While there may be more to ask, silence is no fault. */
		int ready = poll(p, 2, s->input_ended || s->requests > s->replies ? timeout_ms : -1);

		if (ready < 0 && errno != EINTR) {
			say("poll: %s", strerror(errno));
			return EXIT_NO_SENSOR;
		}
		if (!ready) {
			say("the sensor did not answer within %g s", timeout_ms / 1000.0);
			return EXIT_NO_SENSOR;
		}
		if (ready > 0 && p[0].revents && take_input(s))
			return EXIT_SAID_ERROR;
		if (ready > 0 && p[1].revents & ~POLLOUT && take_replies(s) <= 0)
			return s->status;
		send_some(s);
	}
}

int run_raw(struct ksense *k, const struct options *o)
{
	return ksense_fd(k) < 0 ? pass_lines(k) : pass_stream(k, o->timeout_ms);
}
