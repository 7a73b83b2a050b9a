// SPDX-License-Identifier: MIT
/*
 * host.c - a sensor in this process, and its clients.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../core/client.h"

struct client {
	struct ks_host *host;
	struct client *next;
	pthread_t thread;
	int fd;
	bool done;              /* its thread is over and can be joined; host->lock */
	struct ks_client client;
};

struct ks_host {
	struct ks_sensor sensor;
	bool control;           /* clients may change states, and take records */
	pthread_mutex_t lock;
	struct client *clients;
	unsigned int clients_count;
};

#define KS_PROBE(file) extern const struct ks_probe_type ks_host_##file;
#include "../probes/host/probes.h"
#undef KS_PROBE

static const struct ks_probe_type *const probe_types[] = {
#define KS_PROBE(file) &ks_host_##file,
#include "../probes/host/probes.h"
#undef KS_PROBE
};

/* === Clients ============================================================ */

static bool send_all(struct ks_client *ks_client, const char *bytes, size_t len)
{
	const struct client *client = container_of(ks_client, struct client, client);

	while (len) {
		ssize_t n = send(client->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * It has closed its socket, or was shut down from here; one that will send nothing more may still
 * read.
 */
static bool is_gone(struct ks_client *ks_client)
{
	struct client *client = container_of(ks_client, struct client, client);
	struct pollfd poll_fd = { .fd = client->fd };

	return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLHUP | POLLERR);
}

static void *client_thread(void *arg)
{
	struct client *client = arg;
	struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
	bool go_on = true;

	pthread_setname_np(pthread_self(), "client");
	while (go_on) {
		uint64_t patience_ns = ks_client_patience_ns(&client->client);
		int ready = poll(&poll_fd, 1, patience_ns == UINT64_MAX ? -1 : (int)(patience_ns / 1000000));
		char bytes[4096];
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (!ready) {
			go_on = ks_client_quiet(&client->client);
			continue;
		}
		n = recv(client->fd, bytes, sizeof(bytes), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!n)
				ks_client_end(&client->client);
			break;
		}
		go_on = ks_client_bytes(&client->client, bytes, (size_t)n);
	}
	shutdown(client->fd, SHUT_RDWR);
	pthread_mutex_lock(&client->host->lock);
	client->done = true;
	pthread_mutex_unlock(&client->host->lock);
	return NULL;
}

static void free_client(struct client *client)
{
	pthread_join(client->thread, NULL);
	close(client->fd);
	free(client);
}

/*
 * Takes the clients that are done, or all, out of the list; the caller frees them without the
 * lock.
 */
static struct client *take_clients(struct ks_host *host, bool all)
{
	struct client **link = &host->clients, *taken = NULL;

	pthread_mutex_lock(&host->lock);
	while (*link) {
		struct client *client = *link;

		if (!all && !client->done) {
			link = &client->next;
			continue;
		}
		*link = client->next;
		client->next = taken;
		taken = client;
		host->clients_count--;
	}
	pthread_mutex_unlock(&host->lock);
	return taken;
}

static void free_clients(struct ks_host *host, bool all)
{
	struct client *client = take_clients(host, all), *next;

	for (struct client *c = client; c && all; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	for (; client; client = next) {
		next = client->next;
		free_client(client);
	}
}

static void refuse(int fd)
{
	send(fd, ks_client_refusal, strlen(ks_client_refusal), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

/*
 * Who is at the other end, for the records of what he does; what is no socket of a process is
 * nobody's.
 */
static void name_caller(struct ks_caller *caller, int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes))
		return;
	caller->id = peer.uid;
	caller->pid = (uint32_t)peer.pid;
}

void ks_host_tidy(struct ks_host *host)
{
	free_clients(host, false);
}

int ks_host_serve(struct ks_host *host, int fd)
{
	struct client *client;

	ks_host_tidy(host);
	if (host->clients_count >= KS_CLIENTS_MAX) {
		refuse(fd);
		errno = EBUSY;
		return -1;
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return -1;
	}
	client->host = host;
	client->fd = fd;
	ks_client_init(&client->client, &host->sensor, host->control, send_all, is_gone);
	name_caller(&client->client.caller, fd);
	pthread_mutex_lock(&host->lock);
	errno = pthread_create(&client->thread, NULL, client_thread, client);
	if (errno) {
		pthread_mutex_unlock(&host->lock);
		close(fd);
		free(client);
		return -1;
	}
	client->next = host->clients;
	host->clients = client;
	host->clients_count++;
	pthread_mutex_unlock(&host->lock);
	return 0;
}

int ks_host_connect(struct ks_host *host)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	if (ks_host_serve(host, pair[0])) {
		close(pair[1]);
		return -1;
	}
	return pair[1];
}

/* === The sensor ========================================================= */

struct ks_host *ks_host_start(const char *folder, uint32_t ring_bytes, bool read_only)
{
	struct ks_sensor_config config = {
		.name = "host",
		.types = probe_types,
		.types_count = sizeof(probe_types) / sizeof(*probe_types),
		.ring_bytes = ring_bytes,
		.ring_fixed = true,
	};
	struct ks_host *host;

	if (ring_bytes < KS_RING_MIN) {
		errno = EINVAL;
		return NULL;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	ks_host_folder_path = folder;
	host->control = !read_only;
	pthread_mutex_init(&host->lock, NULL);
	for (unsigned int i = 0; i < config.types_count; i++)
		config.levels[i] = KS_DEFAULT;
	if (ks_sensor_start(&host->sensor, &config)) {
		ks_host_stop(host);
		errno = ENOMEM;
		return NULL;
	}
	return host;
}

void ks_host_stop(struct ks_host *host)
{
	free_clients(host, true);
	ks_sensor_stop(&host->sensor);
	pthread_mutex_destroy(&host->lock);
	free(host);
}
