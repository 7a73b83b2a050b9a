// SPDX-License-Identifier: MIT
/*
 * answer.c - a server that gives the same answer to each line.
 *
 * Usage: answer SOCKET LINE
 *
 * "NONCE" in the line is replaced by the request's own nonce, which is what stands between the
 * third and the fourth quotation mark behind "request".
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void answer(FILE *client, int fd, const char *line)
{
	const char *nonce = strstr(line, "NONCE");
	char request[65536];

	while (fgets(request, sizeof(request), client)) {
		char *at = strstr(request, "\"request\""),
		     *begin = at ? strchr(at + strlen("\"request\""), '"') : NULL;
		int bytes = begin ? (int)strcspn(begin + 1, "\"") : 0;

		if (nonce)
			dprintf(fd, "%.*s%.*s%s\n", (int)(nonce - line), line, bytes, begin ? begin + 1 : "",
				nonce + strlen("NONCE"));
		else
			dprintf(fd, "%s\n", line);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 3)
		return 2;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 8)) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		FILE *client = fd >= 0 ? fdopen(fd, "r") : NULL;

		if (!client)
			return 1;
		answer(client, fd, argv[2]);
		fclose(client);
	}
}
