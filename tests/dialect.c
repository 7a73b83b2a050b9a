// SPDX-License-Identifier: MIT
/*
 * dialect.c - clients as they were published: each way in which they put a request into a stream,
 * by name.
 *
 * Usage: dialect SOCKET PROBE ("@NAME" is an abstract socket).  Of each way, prints "WAY LINE" for
 * each line that came, and "WAY end" when the server had closed behind it; status 1 when it did
 * not, or less came than has to.  The test judges the lines.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define STRICT  "{\"Virtue-protocol-version\": 0.1, \"request\": [\"4f1c0e6a9d2b4c58a7e3\", \"on\", \"%s\"]}"
#define RELAXED "{Virtue-protocol-version: 0.1, request: [4f1c0e6a9d2b4c58a7e3, on, %s]}"
#define WRONG   "{Virtue-protocol-verion: 0.1, request: [4f1c0e6a9d2b4c58a7e3, on, %s]}"

/* How a way of asking ends its line, and cuts what it has to say into writes. */
static const struct way {
	const char *name, *form, *end;
	size_t end_bytes;
	int times;             /* the request is said so often, */
	size_t piece_bytes;    /* in writes of this size, 0: one, */
	unsigned int pause_ms; /* with this pause between two */
	bool open_end;         /* and the last of them without its end */
} ways[] = {
	{ .name = "newline", .form = STRICT, .end = "\n", .end_bytes = 1, .times = 1 },
	{ .name = "no-newline", .form = STRICT, .end = "", .times = 1 },
	{ .name = "nul-behind", .form = STRICT, .end = "\n\0", .end_bytes = 2, .times = 1 },
	{ .name = "nul-instead", .form = STRICT, .end = "\0", .end_bytes = 1, .times = 1 },
	{ .name = "return", .form = STRICT, .end = "\r\n", .end_bytes = 2, .times = 1 },
	{ .name = "unquoted", .form = RELAXED, .end = "\n", .end_bytes = 1, .times = 1 },
	{ .name = "unquoted-no-newline", .form = RELAXED, .end = "", .times = 1 },
	{ .name = "misspelt", .form = WRONG, .end = "\n", .end_bytes = 1, .times = 1 },
	{ .name = "several", .form = RELAXED, .end = "\n", .end_bytes = 1, .times = 5 },
	{ .name = "several-no-newline", .form = STRICT, .end = "\n", .end_bytes = 1, .times = 5, .open_end = true },
	{ .name = "several-nul", .form = STRICT, .end = "\n\0", .end_bytes = 2, .times = 5 },
	{ .name = "byte-by-byte", .form = STRICT, .end = "\n", .end_bytes = 1, .times = 1, .piece_bytes = 1 },
	{ .name = "pauses-within", .form = RELAXED, .end = "", .times = 1, .piece_bytes = 30, .pause_ms = 150 },
};

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval half_second = { .tv_usec = 500000 };
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &half_second, sizeof(half_second));
	return fd;
}

/*
 * Prints what comes until there were @lines, or the stream ends.  How many there were; -1: nothing
 * for a minute.
 */
static int hear(const char *name, int fd, int lines)
{
	char byte, line[8192];
	size_t len = 0;
	int heard = 0, quiet = 0;

	while (heard < lines) {
		ssize_t n = read(fd, &byte, 1);

		if (n < 0 && errno == EAGAIN && ++quiet < 120)
			continue; /* its half second is over, and it asks again */
		if (n < 0)
			return -1;
		if (!n)
			break;
		if (byte == '\n') {
			printf("%s %.*s\n", name, (int)len, line);
			heard++;
			len = 0;
		} else if (len < sizeof(line)) {
			line[len++] = byte;
		}
	}
	return heard;
}

static int ask(const struct way *way, const char *path, const char *probe)
{
	char bytes[4096];
	size_t len = 0, done = 0;
	int fd = open_socket(path), extra;

	if (fd < 0) {
		perror(path);
		return 1;
	}
	for (int i = 0; i < way->times; i++) {
		len += (size_t)snprintf(bytes + len, sizeof(bytes) - len, way->form, probe);
		if (way->open_end && i == way->times - 1)
			break;
		memcpy(bytes + len, way->end, way->end_bytes);
		len += way->end_bytes;
	}
	while (done < len) {
		size_t piece = way->piece_bytes && way->piece_bytes < len - done ? way->piece_bytes : len - done;

		if (write(fd, bytes + done, piece) != (ssize_t)piece)
			return 1;
		done += piece;
		usleep(way->pause_ms * 1000);
	}
	if (hear(way->name, fd, way->times) != way->times)
		return 1;
	/* Nothing more must come, which is sure when the server has closed. */
	shutdown(fd, SHUT_WR);
	extra = hear(way->name, fd, 1000);
	printf("%s end\n", way->name);
	close(fd);
	return extra != 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: dialect SOCKET PROBE\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		bad |= ask(&ways[i], argv[1], argv[2]);
	return bad;
}
