// SPDX-License-Identifier: MIT
/*
 * medium_socket.c - libksense over a UNIX stream socket.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ks_clock.h"
#include "medium.h"

/* Waits for @events on the socket.  0 or -1. */
static int wait_for(struct ksense *k, short events, int64_t deadline)
{
	struct pollfd p = { .fd = k->fd, .events = events };

	for (;;) {
		int64_t left = deadline == INT64_MAX ? -1 : deadline - ks_now_ms();
		int got;

		if (deadline != INT64_MAX && left < 0)
			left = 0;
		got = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (got > 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return ksense_fail(k, KSENSE_SYSTEM, "poll: %s", strerror(errno));
		if (!got && left <= INT_MAX)
			return ksense_fail(k, KSENSE_TIMEOUT, "the sensor did not answer within %g s",
					   k->timeout_ms / 1000.0);
	}
}

static int socket_send(struct ksense *k, const char *line, size_t bytes)
{
	int64_t deadline = ks_deadline_ms(k->timeout_ms);

	while (bytes) {
		ssize_t sent = send(k->fd, line, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0) {
			line += sent;
			bytes -= (size_t)sent;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (wait_for(k, POLLOUT, deadline))
				return -1;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			/*
			 * Why it does not listen any more, it may have said: that, or the end, is
			 * still to be read.
			 */
			return 0;
		} else if (errno != EINTR) {
			return ksense_fail(k, KSENSE_SYSTEM, "send: %s", strerror(errno));
		}
	}
	return 0;
}

static int socket_fill(struct ksense *k, int64_t deadline)
{
	/* Room is made only by moving: in_size holds the longest line with its raw bytes. */
	if (k->in_start) {
		memmove(k->in, k->in + k->in_start, k->in_end - k->in_start);
		k->in_end -= k->in_start;
		k->in_start = 0;
	}
	for (;;) {
		ssize_t got = recv(k->fd, k->in + k->in_end, k->in_size - k->in_end, MSG_DONTWAIT);

		if (got > 0) {
			k->in_end += (size_t)got;
			return 1;
		}
		if (!got || errno == ECONNRESET)
			return 0;
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (wait_for(k, POLLIN, deadline))
				return -1;
		} else if (errno != EINTR) {
			return ksense_fail(k, KSENSE_SYSTEM, "recv: %s", strerror(errno));
		}
	}
}

static void socket_close(struct ksense *k)
{
	close(k->fd);
	free(k->in);
}

static const struct ksense_medium socket_medium = {
	.send = socket_send,
	.fill = socket_fill,
	.close = socket_close,
};

int ksense_open_fd(struct ksense *k, int fd)
{
	ksense_close(k);
	k->error = KSENSE_OK;
	k->in_size = KSENSE_LINE_MAX + KSENSE_RAW_MAX;
	k->in = malloc(k->in_size);
	if (!k->in) {
		close(fd);
		return ksense_fail(k, KSENSE_SYSTEM, "no memory");
	}
	k->fd = fd;
	k->medium = &socket_medium;
	return 0;
}

/* Linux says of what is no socket that the connection is refused. */
static bool is_something_else(const char *path)
{
	struct stat stat_of;

	return !stat(path, &stat_of) && !S_ISSOCK(stat_of.st_mode);
}

static int connect_failed(struct ksense *k, const char *path, int error)
{
	if (error == ECONNREFUSED && is_something_else(path))
		error = ENOTSOCK;
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return ksense_fail(k, KSENSE_NO_SENSOR,
				   "no sensor listens at %s: load the kernel's module (modprobe ksense), or "
				   "start one in a process (ksense-host --socket %s), or name another with "
				   "--socket or KSENSE_SOCKET",
				   path, path);
	case EACCES:
	case EPERM:
		return ksense_fail(k, KSENSE_NOT_ALLOWED,
				   "%s: you may not connect to it: be root, or have the owner of the "
				   "socket let you in",
				   path);
	case EAGAIN:
		return ksense_fail(k, KSENSE_TIMEOUT, "%s: the sensor took no connection within %g s", path,
				   k->timeout_ms / 1000.0);
	case ENOTSOCK:
	case EPROTOTYPE:
		return ksense_fail(k, KSENSE_NO_SENSOR, "%s is not a UNIX stream socket: give the sensor's with "
				   "--socket or KSENSE_SOCKET, as /run/ksense/kernel.sock", path);
	default:
		return ksense_fail(k, KSENSE_NO_SENSOR, "%s: %s", path, strerror(error));
	}
}

int ksense_open_socket(struct ksense *k, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	struct timeval wait = { .tv_sec = k->timeout_ms / 1000, .tv_usec = k->timeout_ms % 1000 * 1000 };
	socklen_t bytes;
	int fd;

	ksense_close(k);
	if (!len || len >= sizeof(address.sun_path))
		return ksense_fail(k, KSENSE_MISUSE, "a socket's path has 1 to %zu bytes",
				   sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, len);
	/* An abstract name has neither its @ nor a NUL at its end. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ksense_fail(k, KSENSE_SYSTEM, "socket: %s", strerror(errno));
	if (k->timeout_ms > 0)
		/* bounds connect() */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	while (connect(fd, (struct sockaddr *)&address, bytes)) {
		int error = errno;

		if (error == EINTR)
			continue;
		close(fd);
		return connect_failed(k, path, error);
	}
	return ksense_open_fd(k, fd);
}
