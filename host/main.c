// SPDX-License-Identifier: MIT
/*
 * main.c - ksense-host: serves a sensor of the host port on a UNIX socket, in the foreground.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../core/version.h"
#include "host.h"

static const char usage[] =
	"Usage: ksense-host --socket PATH [--folder DIR] [--ring BYTES] [--read-only]\n"
	"Serves a ksense sensor of this process on a UNIX stream socket, until a signal ends it.\n"
	"\n"
	"  --socket PATH   where to listen; @NAME is an abstract socket\n"
	"  --folder DIR    what the probe \"folder\" looks at (default: the current folder)\n"
	"  --ring BYTES    memory for each probe's records (default 65536, at least 16384)\n"
	"  --read-only     refuse clients what changes a state, takes records or makes new ones\n"
	"  --help, --version\n"
	"\n"
	"Try: ksense --socket PATH discovery\n";

/* Each mistake of a command line is told, and then how it is done right. */
static void wrong(int *mistakes, const char *what, const char *which)
{
	fprintf(stderr, "ksense-host: %s%s\n", what, which);
	++*mistakes;
}

/* The address of @path; its length, or 0 when the path is too long for one. */
static socklen_t address_of(const char *path, struct sockaddr_un *address)
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!len || len >= sizeof(address->sun_path))
		return 0;
	memcpy(address->sun_path, path, len);
	if (*path == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*path != '@'));
}

/*
 * A socket file that nobody listens on any more is in the way, and is removed; a live one is
 * somebody else's, and so is whatever is no socket.
 */
static bool remove_stale(const char *path, const struct sockaddr_un *address, socklen_t len)
{
	struct stat stat;
	int fd, result;

	if (*path == '@' || lstat(path, &stat))
		return true;
	if (!S_ISSOCK(stat.st_mode)) {
		errno = EEXIST;
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	result = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, len);
	if (fd >= 0)
		close(fd);
	if (result && errno == ECONNREFUSED)
		return !unlink(path);
	errno = EADDRINUSE;
	return false;
}

static int listen_on(const char *path)
{
	struct sockaddr_un address;
	socklen_t len = address_of(path, &address);
	mode_t mask;
	int fd, error;

	if (!len) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (!remove_stale(path, &address, len))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, len) || listen(fd, 64) ? errno : 0;
	umask(mask);
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/*
 * Until there is something to read in @signals.  That a signal came is looked for before each
 * client is taken on: however many come, and whether they can be taken on or not, none is missed.
 */
static int serve(struct ks_host *host, int listener, int signals)
{
	struct pollfd poll_fds[] = { { .fd = signals, .events = POLLIN }, { .fd = listener, .events = POLLIN } };
	bool full = false;

	for (;;) {
		int fd;

		/* For want of descriptors or memory nobody is taken on until a client goes. */
		if (poll(poll_fds, full ? 1 : 2, full ? 100 : -1) < 0 && errno != EINTR) {
			fprintf(stderr, "ksense-host: cannot wait for clients: %s\n", strerror(errno));
			return 1;
		}
		if (poll_fds[0].revents)
			return 0;
		ks_host_tidy(host);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		full = fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS);
		if (fd < 0 && !full && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			fprintf(stderr, "ksense-host: cannot take connections: %s\n", strerror(errno));
			return 1;
		}
		if (fd >= 0)
			ks_host_serve(host, fd);
	}
}

int main(int argc, char **argv)
{
	enum { SOCKET = 's', FOLDER = 'f', RING = 'r', READ_ONLY = 'o', HELP = 'h', VERSION = 'V' };
	static const struct option options[] = {
		{ "socket", required_argument, NULL, SOCKET }, { "folder", required_argument, NULL, FOLDER },
		{ "ring", required_argument, NULL, RING },     { "read-only", no_argument, NULL, READ_ONLY },
		{ "help", no_argument, NULL, HELP },           { "version", no_argument, NULL, VERSION },
		{ 0 },
	};
	const char *path = NULL, *folder = ".";
	unsigned long ring = KS_HOST_RING_BYTES;
	bool read_only = false, unknown = false;
	int mistakes = 0;
	struct ks_host *host;
	int option, listener, signals_fd, result;
	sigset_t signals;
	char *end;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case SOCKET:
			path = optarg;
			break;
		case FOLDER:
			folder = optarg;
			break;
		case RING:
			errno = 0;
			ring = strtoul(optarg, &end, 10);
			if (errno || *end || *optarg < '0' || *optarg > '9' || ring < KS_RING_MIN || ring > 1 << 30)
				wrong(&mistakes, "--ring is a number of bytes from 16384 to 1073741824, not ", optarg);
			break;
		case READ_ONLY:
			read_only = true;
			break;
		case HELP:
			fputs(usage, stdout);
			return 0;
		case VERSION:
			puts("ksense-host " KS_VERSION);
			return 0;
		default:
			mistakes++; /* getopt has told it */
			unknown = true;
		}
	}
	while (optind < argc)
		wrong(&mistakes, "this is no option: ", argv[optind++]);
	/* One that is misspelt may have been it. */
	if (!path && !unknown)
		wrong(&mistakes, "--socket PATH is missing", "");
	if (mistakes) {
		fputs("Try: ksense-host --help\n", stderr);
		return 2;
	}

	if (!ks_host_can_open(folder)) {
		fprintf(stderr, "ksense-host: cannot look at the folder %s: %s\n", folder, strerror(errno));
		return 1;
	}
	/* The sensor's and the clients' threads inherit the mask. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signals_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (signals_fd < 0) {
		fprintf(stderr, "ksense-host: cannot wait for signals: %s\n", strerror(errno));
		return 1;
	}
	listener = listen_on(path);
	if (listener < 0) {
		fprintf(stderr, "ksense-host: cannot listen on %s: %s\n", path, strerror(errno));
		return 1;
	}
	host = ks_host_start(folder, (uint32_t)ring, read_only);
	if (!host)
		fprintf(stderr, "ksense-host: cannot start the sensor: %s\n", strerror(errno));
	result = host ? serve(host, listener, signals_fd) : 1;
	close(listener);
	if (*path != '@')
		unlink(path);
	if (host)
		ks_host_stop(host);
	return result;
}
