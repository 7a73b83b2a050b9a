// SPDX-License-Identifier: MIT
/*
 * crowd.c - many clients at once, none of which does what a client should.
 *
 * Usage: crowd SOCKET idle|half|unread|waiting|mixed|nobody NUMBER COMMAND...
 *
 *   idle     they connect, and that is all
 *   half     they send the begin of a request
 *   unread   they ask, again and again, and read nothing of what they are told
 *   waiting  they ask for a fresh sample of everything, of which there is nothing to be told
 *            until it is complete
 *   mixed    each of these in turn
 *   nobody   as "unread"; and behind what they asked they send their end of the connection through
 *            it, and close it: then it is no process's any more
 *
 * Then the command runs, beside them; its status is this one's.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_MAX 1024

#define REQUEST(options) \
	"{\"Virtue-protocol-version\":0.1,\"request\":[\"4f1c0e6a9d2b4c58a7e3\",\"records\",\"*\"," options "]}\n"

static const char half[] = "{\"Virtue-protocol-version\":0.1,\"request\":[";
static const char unread[] = REQUEST("{\"peek\":true}");
static const char waiting[] = REQUEST("{\"run\":true,\"peek\":true,\"filter\":{\"kind\":\"nothing\"}}");

/* So many fit into a connection, with room behind them, and their answers do not. */
#define LEFT_REQUESTS 200

static const char *const hows[] = { "idle", "half", "unread", "waiting" };

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	perror(path);
	return -1;
}

/* False: it did not go out. */
static int say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(text);
}

static void behave(int fd, const char *how)
{
	for (int i = 0; !strcmp(how, "nobody") && i < LEFT_REQUESTS; i++)
		say(fd, unread);
	if (!strcmp(how, "half"))
		say(fd, half);
	if (!strcmp(how, "waiting"))
		say(fd, waiting);
	/* Until what they are not told any more has filled all buffers. */
	for (int i = 0; !strcmp(how, "unread") && i < 1000 && say(fd, unread); i++)
		;
}

/* Sends the socket itself through it, and closes it. */
static int leave(int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec vec = { .iov_base = "\n", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		perror("SCM_RIGHTS");
		return 0;
	}
	close(fd);
	return 1;
}

int main(int argc, char **argv)
{
	struct rlimit files = { FDS_MAX, FDS_MAX };
	int fds[FDS_MAX], status, number;
	pid_t pid;

	if (argc < 5) {
		fprintf(stderr, "usage: crowd SOCKET idle|half|unread|waiting|mixed|nobody NUMBER COMMAND...\n");
		return 125;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	number = atoi(argv[3]);
	for (int i = 0; i < number && i < FDS_MAX; i++) {
		fds[i] = connect_to(argv[1]);
		if (fds[i] < 0)
			return 125;
		behave(fds[i], strcmp(argv[2], "mixed") ? argv[2] : hows[i % 4]);
	}
	for (int i = 0; !strcmp(argv[2], "nobody") && i < number; i++)
		if (!leave(fds[i]))
			return 125;
	pid = fork();
	if (!pid) {
		for (int fd = 3; fd < FDS_MAX; fd++)
			close(fd);
		execvp(argv[4], argv + 4);
		perror(argv[4]);
		_exit(125);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
