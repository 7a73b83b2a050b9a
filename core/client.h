/* SPDX-License-Identifier: MIT */
/*
 * client.h - one client on a stream: bytes in, reply lines out.
 *
 * The port has a thread for each client that reads from its socket:
 *
 *	ks_client_init(client, sensor, control, send, gone);
 *	client->caller.id, .pid = who it is
 *	for (;;) {
 *		wait for bytes, ks_client_patience_ns(client) at most
 *		go_on = some came ? ks_client_bytes(client, bytes, len) : ks_client_quiet(client);
 *		if (!go_on) break;
 *	}
 *	at the end of the stream: ks_client_end(client);
 *
 * The end of the stream ends a subscription too.
 *
 * One that does not read keeps its own thread waiting in send() and nobody else.  One that goes
 * away while its reply waits for a probe is noticed by gone(), which the port also says when it
 * wants the thread to end.  All of it is called from that thread.
 */
#ifndef KS_CLIENT_H
#define KS_CLIENT_H

#include "line.h"
#include "subscribe.h"

/* More clients than this at once are told so with ks_client_refusal. */
#define KS_CLIENTS_MAX 256

/* How often a subscription looks for new records. */
#define KS_CLIENT_PUSH_NS 25000000ULL

/*
 * A request that waits for another thread looks again after so long, then after twice that, and so
 * on: many that wait long cost little.
 */
#define KS_CLIENT_PAUSE_MIN_NS 100000ULL
#define KS_CLIENT_PAUSE_MAX_NS 10000000ULL

struct ks_client {
	struct ks_sensor *sensor;
	struct ks_caller caller;
	/* Hands all of @bytes to the client, however long it takes.  False: it is gone. */
	bool (*send)(struct ks_client *client, const char *bytes, size_t len);
	/*
	 * Whether nobody is there any more to read a reply, or the port is being stopped.  Asked
	 * often while a reply is made; waits for nothing.
	 */
	bool (*gone)(struct ks_client *client);
	enum ks_version session;
	struct ks_line line;
	struct ks_request request;  /* the one being served; points into line */
	uint64_t heard_ns;          /* when bytes came last */
	bool behind;                /* there are more records to push right now */
	struct ks_subscription subscription;
	char out[KS_OUT_BYTES];
};

void ks_client_init(struct ks_client *client, struct ks_sensor *sensor, bool control,
		    bool (*send)(struct ks_client *client, const char *bytes, size_t len),
		    bool (*gone)(struct ks_client *client));

/*
 * After so long without a byte ks_client_quiet() is due; 0: if there is none right now;
 * UINT64_MAX: never.
 */
uint64_t ks_client_patience_ns(const struct ks_client *client);

/* False: the connection is over. */
bool ks_client_bytes(struct ks_client *client, const char *bytes, size_t len);
bool ks_client_quiet(struct ks_client *client);

/*
 * The client will send nothing more, but may still read: the answer to a last line without its
 * newline.
 */
void ks_client_end(struct ks_client *client);

/*
 * The lines for one client too many, and for one that may not even read; ended by a newline and a
 * NUL.
 */
extern const char ks_client_refusal[];
extern const char ks_client_denial[];

#endif /* KS_CLIENT_H */
