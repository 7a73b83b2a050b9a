// SPDX-License-Identifier: MIT
/*
 * fuzz_request.c - a request line of any bytes.
 *
 * Holds always: there is an answer; an error has a code and a message; a request without error has
 * all that its command needs, within the limits; where it stands and how it ends makes no
 * difference; matching any record reads nothing beyond.
 */
#include "../../core/request.h"
#include "fuzz.h"

static const char record[] = "{\"seq\":7,\"time\":1,\"probe\":\"p\",\"kind\":\"domain\",\"domid\":3,\"up\":true,"
			     "\"old\":{\"domid\":4},\"name\":\"a\\\"b\"}";

static void check(const struct ks_request *request)
{
	CHECK(request->error < KS_ERRORS && request->error != KS_ERR_DENIED && request->error != KS_ERR_BUSY);
	CHECK(!request->error == !request->message);
	CHECK(request->nonce_bytes == 0 ||
	      (request->nonce_bytes >= KS_NONCE_MIN && request->nonce_bytes <= KS_NONCE_MAX));
	CHECK(request->target_bytes <= KS_TARGET_MAX && request->filters <= KS_FILTERS_MAX);
	if (request->line != KS_LINE_REQUEST || request->error)
		return;
	CHECK(request->nonce_bytes && request->command < KS_COMMANDS);
	CHECK(request->version == KS_VERSION_0_1 || request->version == KS_VERSION_0_2);
	CHECK(request->command < KS_CMD_STATUS || request->version == KS_VERSION_0_2);
	if (request->command != KS_CMD_RECORDS)
		CHECK(!request->has_record && !request->has_max && !request->run);
	if (request->command != KS_CMD_RECORDS && request->command != KS_CMD_SUBSCRIBE)
		CHECK(!request->filters && !request->has_since);
	CHECK(request->item_bytes <= KS_ITEM_MAX);
	CHECK((request->item_bytes > 0) == (request->command == KS_CMD_ADD || request->command == KS_CMD_REMOVE));
	CHECK(!request->has_record || !request->filters);
	ks_request_matches(request, record, sizeof(record) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char ends[][3] = { "\n", "\r\n", "\r", " \n" };
	struct ks_request plain, ended, in_session;
	const char *line = (const char *)data;
	char *copy;

	ks_request_parse(&plain, line, size, KS_VERSION_NONE);
	check(&plain);
	ks_request_parse(&in_session, line, size, KS_VERSION_0_2);
	check(&in_session);
	/* A session changes what a line means only where it says no version. */
	if (plain.error == KS_OK && plain.line != KS_LINE_EMPTY)
		CHECK(in_session.error == KS_OK && in_session.version == plain.version);
	copy = malloc(size + 3);
	for (size_t i = 0; i < 4; i++) {
		size_t len = strlen(ends[i]);

		memcpy(copy, data, size);
		memcpy(copy + size, ends[i], len);
		ks_request_parse(&ended, copy, size + len, KS_VERSION_NONE);
		CHECK(ended.line == plain.line && ended.error == plain.error && ended.command == plain.command);
		CHECK(ended.item_bytes == plain.item_bytes && !memcmp(ended.item, plain.item, plain.item_bytes));
		CHECK(ended.target_bytes == plain.target_bytes &&
		      !memcmp(ended.target, plain.target, plain.target_bytes));
	}
	free(copy);
	return 0;
}
