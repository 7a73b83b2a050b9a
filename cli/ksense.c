// SPDX-License-Identifier: MIT
/*
 * ksense.c - the command line tool: finds the sensor, runs a command, says how it went.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/host.h"
#include "ksense.h"

/* With --host: the sensor in this process. */
static struct ks_host *host;

static int connect_to(struct ksense *k, const struct options *o)
{
	int fd;

	switch (o->medium) {
	case MEDIUM_SOCKET:
		return ksense_open_socket(k, o->socket);
	case MEDIUM_HOST:
		fd = ks_host_connect(host);
		if (fd >= 0)
			return ksense_open_fd(k, fd);
		say("cannot connect to the sensor in this process: %s", strerror(errno));
		exit(EXIT_NO_SENSOR);
	default:
		return ksense_open_xen(k);
	}
}

int reconnect(struct ksense *k, const struct options *o)
{
	int got = connect_to(k, o);

	return got || !o->stamp ? got : stamp_sensor(k);
}

int report_with(const struct ksense *k, const char *advice)
{
	enum ksense_error error = ksense_error(k);

	if (error == KSENSE_OK)
		return EXIT_DONE;
	if (error < KSENSE_OTHER)
		say("%s: %s", ksense_error_name(error), ksense_message(k));
	else
		say("%s%s", ksense_message(k), error == KSENSE_TIMEOUT ? "; --timeout waits longer" : advice);
	if (error <= KSENSE_OTHER)
		return EXIT_SAID_ERROR;
	return error == KSENSE_MISUSE ? EXIT_USAGE : EXIT_NO_SENSOR;
}

int report(const struct ksense *k)
{
	return report_with(k, "");
}

int flush_output(uint64_t taken)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	if (taken)
		say("cannot write the output: %s; %llu records were taken from the sensor and may not have been "
		    "written",
		    strerror(errno), (unsigned long long)taken);
	else
		say("cannot write the output: %s", strerror(errno));
	return -1;
}

static int run(struct ksense *k, const struct options *o)
{
	if (reconnect(k, o))
		return report_with(k, o->medium == MEDIUM_XEN && o->command != CMD_LOCK
					      ? "; for a sensor behind a socket: --socket PATH"
					      : "");
	if (o->command == CMD_RAW)
		return run_raw(k, o);
	if (o->command == CMD_LOCK)
		return run_lock(k, o);
	return o->follow ? run_follow(k, o) : run_command(k, o);
}

/*
 * Closed standard descriptors are opened the wrong way round: using them fails, and no socket of
 * ours gets their numbers.
 */
static void hold_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	static struct options o; /* what it points to lives as long as the process */
	struct ksense *k;
	int status;

	hold_standard_fds();
	setlocale(LC_CTYPE, "");
	options_read(&o, argc, argv);
	if (o.command == CMD_COMPARE)
		return run_compare(&o);
	k = ksense_new();
	if (!k) {
		say("no memory");
		return EXIT_NO_SENSOR;
	}
	ksense_set_timeout(k, o.timeout_ms);
	if (o.medium == MEDIUM_HOST) {
		if (!ks_host_can_open(o.folder)) {
			say("cannot look at the folder %s: %s", o.folder, strerror(errno));
			return EXIT_NO_SENSOR;
		}
		host = ks_host_start(o.folder, o.ring_bytes, false);
		if (!host) {
			say("cannot start a sensor in this process: %s", strerror(errno));
			return EXIT_NO_SENSOR;
		}
	}
	status = run(k, &o);
	ksense_free(k);
	if (host)
		ks_host_stop(host);
	return status;
}
