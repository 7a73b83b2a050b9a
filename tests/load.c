// SPDX-License-Identifier: MIT
/*
 * load.c - clients of a sensor's socket in numbers, and such as behave badly.
 *
 * Usage: load SOCKET PROBE many CLIENTS REQUESTS
 *                each a process with its own nonces; status 1 when an answer was lost, cut or
 *                mixed
 *        load SOCKET PROBE mute
 *                asks without ever reading; "full" when the server takes no more, then waits to be
 *                killed
 *        load SOCKET PROBE die ROUNDS
 *                asks for all records, reads a part of the answer, and is gone
 *        load SOCKET PROBE churn CLIENTS
 *                like die, all the time and at once, whether the server is there or not, until
 *                killed
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path, *probe;

static int open_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

static int request(char *out, size_t size, const char *nonce, const char *command, const char *options)
{
	return snprintf(out, size, "{\"Virtue-protocol-version\": 0.1, \"request\": [\"%s\", \"%s\", \"%s\"%s]}\n",
			nonce, command, probe, options);
}

static bool ask(int fd, const char *nonce, const char *command, const char *options)
{
	char text[512];
	int len = request(text, sizeof(text), nonce, command, options);

	return send(fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

/* === Many at once ======================================================= */

/* One line without its newline; false at the end of the stream. */
static bool read_line(FILE *in, char *line, int size)
{
	size_t len;

	if (!fgets(line, size, in))
		return false;
	len = strlen(line);
	if (!len || line[len - 1] != '\n')
		return false;
	line[len - 1] = '\0';
	return true;
}

static bool one_request(int fd, FILE *in, unsigned int client, unsigned int number)
{
	static const char *const commands[] = { "discovery", "on", "records" };
	const char *command = commands[number % 3];
	char nonce[40], start[128], last[192], line[8193];
	size_t len;

	snprintf(nonce, sizeof(nonce), "client-%04u-request-%06u", client, number);
	snprintf(start, sizeof(start), "{\"Virtue-protocol-version\":0.1,\"reply\":[\"%s\",\"%s\"", nonce,
		 number % 3 == 2 ? probe : command);
	snprintf(last, sizeof(last), "%s]}", start);
	if (!ask(fd, nonce, command, number % 3 == 2 ? ", {\"peek\": true, \"max\": 3}" : ""))
		return false;
	do {
		if (!read_line(in, line, sizeof(line)))
			return false;
		len = strlen(line);
		if (strncmp(line, start, strlen(start)) || len < 3 || strcmp(line + len - 2, "]}")) {
			fprintf(stderr, "client %u, request %u got: %s\n", client, number, line);
			return false;
		}
	} while (number % 3 == 2 && strcmp(line, last));
	return number % 3 != 1 || !strcmp(line, last);
}

static int many(unsigned int clients, unsigned int requests)
{
	unsigned int failed = 0;
	int status;

	for (unsigned int client = 0; client < clients; client++) {
		if (!fork()) {
			int fd = open_socket();
			FILE *in = fd < 0 ? NULL : fdopen(dup(fd), "r");
			unsigned int i = 0;

			while (in && i < requests && one_request(fd, in, client, i))
				i++;
			if (i < requests)
				fprintf(stderr, "client %u ended after %u requests\n", client, i);
			_exit(i < requests);
		}
	}
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%u clients, %u requests each, %u clients failed\n", clients, requests, failed);
	return failed != 0;
}

/* === Bad behaviour ====================================================== */

static const char nonce[] = "client-that-is-no-good";

static int mute(void)
{
	char text[512];
	int fd = open_socket(), quiet = 0;

	if (fd < 0)
		return 1;
	/*
	 * Until nothing was taken for a second: its answers fill its own queue, and then its
	 * questions the server's.
	 */
	while (quiet < 10) {
		int len = request(text, sizeof(text), nonce, "discovery", "");

		if (send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len)
			quiet = 0;
		else if (errno != EAGAIN)
			return 1;
		else
			quiet++, usleep(100000);
	}
	printf("full\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* Asks, reads @bytes of the answer, and is gone. */
static bool die_after(size_t bytes, const char *options)
{
	char text[4096];
	int fd = open_socket();
	bool asked;

	if (fd < 0)
		return false;
	asked = ask(fd, nonce, "records", options);
	while (asked && bytes) {
		ssize_t n = read(fd, text, bytes < sizeof(text) ? bytes : sizeof(text));

		if (n <= 0)
			break;
		bytes -= (size_t)n;
	}
	close(fd);
	return asked;
}

static int die(unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++)
		if (!die_after((size_t)i * 97, ", {\"run\": true}"))
			return 1;
	return 0;
}

static void __attribute__((noreturn)) churn(unsigned int clients)
{
	for (unsigned int client = 0; client < clients; client++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/*
			 * Every other time it does not read at all, until the server ends it: it
			 * is then within an answer.
			 */
			for (unsigned int i = client;; i++) {
				int fd = i % 2 ? open_socket() : -1;

				if (fd >= 0) {
					for (int n = 0; n < 500 && ask(fd, nonce, "records", ", {\"peek\": true}");
					     n++)
						;
					close(fd);
				} else if (!die_after((i % 50) * 97, ", {\"run\": true, \"peek\": true}")) {
					usleep(2000);
				}
			}
		}
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[3] : "";
	unsigned int first = argc > 4 ? (unsigned int)atoi(argv[4]) : 0;
	unsigned int second = argc > 5 ? (unsigned int)atoi(argv[5]) : 0;

	if (argc > 3) {
		path = argv[1];
		probe = argv[2];
	}
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(what, "many"))
		return many(first, second);
	if (!strcmp(what, "mute"))
		return mute();
	if (!strcmp(what, "die"))
		return die(first);
	if (!strcmp(what, "churn"))
		churn(first);
	fprintf(stderr, "usage: load SOCKET PROBE many CLIENTS REQUESTS | mute | die ROUNDS | churn CLIENTS\n");
	return 2;
}
