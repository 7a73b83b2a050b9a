// SPDX-License-Identifier: MIT
/*
 * linger.c - what any user can do to the work that releases files for the kernel's threads.
 *
 * Usage: linger
 *
 * A socket that may not be closed before all is sent, and never is, is given to an io_uring alone.
 * When that goes, a thread of the kernel's has its last reference.  Says "pid N" when it is done,
 * and then does nothing: when it is killed the socket's peer goes, and the work goes on.
 */
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(void)
{
	static const char junk[1 << 16];
	const struct linger forever = { .l_onoff = 1, .l_linger = 1000000 };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	struct io_uring_params params = { 0 };
	int listener = socket(AF_INET, SOCK_STREAM, 0), lingering = socket(AF_INET, SOCK_STREAM, 0), ring;

	if (bind(listener, (struct sockaddr *)&address, bytes) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &bytes))
		return fail("listen");
	if (setsockopt(lingering, SOL_SOCKET, SO_LINGER, &forever, sizeof(forever)) ||
	    connect(lingering, (struct sockaddr *)&address, bytes))
		return fail("connect");
	while (send(lingering, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
	ring = (int)syscall(SYS_io_uring_setup, 8, &params);
	if (ring < 0)
		return fail("io_uring_setup");
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &lingering, 1))
		return fail("io_uring_register");
	close(lingering);
	close(ring);
	printf("pid %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}
