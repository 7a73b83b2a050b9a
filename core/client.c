// SPDX-License-Identifier: MIT
/*
 * client.c - one client on a stream.
 */
#include "client.h"

const char ks_client_refusal[] = "{\"Virtue-protocol-version\":0.1,\"reply\":[\"\",\"error\","
				 "{\"code\":\"busy\",\"message\":\"too many connections; try again later\"}]}\n";

const char ks_client_denial[] = "{\"Virtue-protocol-version\":0.1,\"reply\":[\"\",\"error\","
				"{\"code\":\"denied\",\"message\":"
				"\"you may neither control this sensor nor read from it\"}]}\n";

/* All of a reply; false: the client is gone. */
static bool reply(struct ks_client *client, const struct ks_request *request)
{
	struct ks_cursor cursor = { 0 };
	uint64_t pause_ns = KS_CLIENT_PAUSE_MIN_NS;
	struct ks_writer out;
	enum ks_served more;

	if (ks_request_subscribes(request)) {
		ks_writer_init(&out, client->out, KS_LINE_MAX);
		ks_subscribe(&client->subscription, client->sensor, &client->caller, request, &out);
		return client->send(client, out.buf, out.len);
	}
	do {
		ks_writer_init(&out, client->out, KS_LINE_MAX);
		more = ks_serve(client->sensor, &client->caller, request, &cursor, &out);
		if (out.len && !client->send(client, out.buf, out.len))
			return false;
		/*
		 * It may take as long as the pass of a probe, without a byte to send.  What was
		 * sent before the client went, it may have read.
		 */
		if (more != KS_SERVED_DONE && client->gone(client)) {
			ks_confirm(client->sensor, request, &cursor);
			return false;
		}
		if (more == KS_SERVED_WAIT) {
			ks_port_pause(pause_ns);
			if (pause_ns < KS_CLIENT_PAUSE_MAX_NS)
				pause_ns *= 2;
		} else {
			pause_ns = KS_CLIENT_PAUSE_MIN_NS;
		}
	} while (more == KS_SERVED_MORE || more == KS_SERVED_WAIT);
	ks_confirm(client->sensor, request, &cursor);
	return true;
}

/*
 * What is new to the subscription: some of each probe's, so that requests get their turn; false:
 * the client is gone.
 */
static bool push(struct ks_client *client)
{
	struct ks_subscription *subscription = &client->subscription;
	struct ks_writer out;

	client->behind = false;
	for (unsigned int i = 0; subscription->active && i < client->sensor->count; i++) {
		ks_writer_init(&out, client->out, KS_LINE_MAX);
		client->behind |= ks_push(subscription, client->sensor, i, &out);
		if (out.len && !client->send(client, out.buf, out.len))
			return false;
		ks_confirm(client->sensor, &subscription->request, &subscription->cursor);
	}
	return true;
}

static bool serve_line(struct ks_client *client)
{
	struct ks_request *request = &client->request;
	bool go_on;

	if (client->line.too_long)
		ks_request_too_long(request, client->session);
	else
		ks_request_parse(request, client->line.buf, client->line.len, client->session);
	go_on = reply(client, request);
	if (go_on && request->line == KS_LINE_SESSION && request->error == KS_OK) {
		client->session = request->version;
		go_on = request->version != KS_VERSION_NONE;
	}
	ks_line_next(&client->line);
	return go_on;
}

void ks_client_init(struct ks_client *client, struct ks_sensor *sensor, bool control,
		    bool (*send)(struct ks_client *client, const char *bytes, size_t len),
		    bool (*gone)(struct ks_client *client))
{
	client->sensor = sensor;
	client->caller = (struct ks_caller){ .control = control };
	client->send = send;
	client->gone = gone;
	client->session = KS_VERSION_NONE;
	client->heard_ns = 0;
	client->behind = false;
	client->subscription.active = false;
	ks_line_init(&client->line);
}

uint64_t ks_client_patience_ns(const struct ks_client *client)
{
	if (client->subscription.active)
		return client->behind ? 0 : KS_CLIENT_PUSH_NS;
	return ks_line_complete(&client->line) ? KS_LINE_PATIENCE_NS : UINT64_MAX;
}

bool ks_client_bytes(struct ks_client *client, const char *bytes, size_t len)
{
	client->heard_ns = ks_port_time_ns();
	while (len) {
		size_t took = ks_line_feed(&client->line, bytes, len);

		bytes += took;
		len -= took;
		if ((client->line.ready || client->line.too_long) && !serve_line(client))
			return false;
		if (!push(client))
			return false;
	}
	return true;
}

bool ks_client_quiet(struct ks_client *client)
{
	bool complete = ks_line_complete(&client->line);

	/* With a subscription this is called sooner than the end of a line's patience. */
	if (client->subscription.active && ks_port_time_ns() - client->heard_ns < KS_LINE_PATIENCE_NS)
		complete = false;
	return (!complete || serve_line(client)) && push(client);
}

void ks_client_end(struct ks_client *client)
{
	if (ks_line_complete(&client->line))
		serve_line(client);
}
