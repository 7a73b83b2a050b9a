// SPDX-License-Identifier: MIT
/*
 * client.c - one client on a stream.
 */
#include "client.h"

const char ks_client_refusal[] = "{\"Virtue-protocol-version\":0.1,\"reply\":[\"\",\"error\","
				 "{\"code\":\"busy\",\"message\":\"too many connections; try again later\"}]}\n";

/* All of a reply; false: the client is gone. */
static bool reply(struct ks_client *client, const struct ks_request *request)
{
	struct ks_cursor cursor = { 0 };
	struct ks_text out;
	enum ks_serve more;

	do {
		ks_text_init(&out, client->out, sizeof(client->out));
		more = ks_serve(client->sensor, &client->caller, request, &cursor, &out);
		if (out.len && !client->send(client, out.buf, out.len))
			return false;
	} while (more == KS_SERVE_MORE);
	ks_confirm(client->sensor, request, &cursor);
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
		    bool (*send)(struct ks_client *client, const char *bytes, size_t len))
{
	client->sensor = sensor;
	client->caller.control = control;
	client->send = send;
	client->session = KS_VERSION_NONE;
	ks_line_init(&client->line);
}

uint64_t ks_client_patience_ns(const struct ks_client *client)
{
	return ks_line_complete(&client->line) ? KS_LINE_PATIENCE_NS : UINT64_MAX;
}

bool ks_client_bytes(struct ks_client *client, const char *bytes, size_t len)
{
	while (len) {
		size_t took = ks_line_feed(&client->line, bytes, len);

		bytes += took;
		len -= took;
		if ((client->line.ready || client->line.too_long) && !serve_line(client))
			return false;
	}
	return true;
}

bool ks_client_quiet(struct ks_client *client)
{
	return !ks_line_complete(&client->line) || serve_line(client);
}

void ks_client_end(struct ks_client *client)
{
	if (ks_line_complete(&client->line))
		serve_line(client);
}
