// SPDX-License-Identifier: MIT
/*
 * test_client.c - one client on a stream, and its subscription.
 *
 * What could be wrong in the world: a record is pushed twice, or to nobody; records break into the
 * lines of a reply; a client that has unsubscribed gets more; a loss is not told; a probe that is
 * restarted, or reset, is silent from then on.  Each test plays the port's part: bytes go in, time
 * passes, and what came out is compared as text, as in "subscribe alpha:0 alpha:1".
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../core/client.h"

static struct ks_client client;

/*
 * What the client got since the last heard(), item by item: word, error:code, id:seq,
 * id:lost(first-last:count).
 */
static char got[16384];
static json_t *last_line;
/* So many calls of send() succeed; then the client is gone. */
static int sends_left;
/* So many bytes came in one turn at most. */
static size_t turn_bytes;

static void put(const char *text)
{
	assert_true(strlen(got) + strlen(text) + 2 < sizeof(got));
	if (*got)
		strcat(got, " ");
	strcat(got, text);
}

static void hear(const char *text, size_t len)
{
	const char *why, *word, *kind;
	const json_t *reply, *body;
	char item[256];

	json_decref(last_line);
	last_line = judge_line(text, len, &why);
	if (!last_line)
		fail_msg("%s: %.*s", why, (int)len, text);
	reply = json_object_get(last_line, "reply");
	body = json_array_get(reply, 2);
	word = json_string_value(json_array_get(reply, 1));
	kind = json_string_value(json_object_get(body, "kind"));
	if (!reply)
		snprintf(item, sizeof(item), "session");
	else if (!strcmp(word, "error"))
		snprintf(item, sizeof(item), "error:%s", json_string_value(json_object_get(body, "code")));
	else if (!kind)
		snprintf(item, sizeof(item), "%s", word);
	else if (!strcmp(kind, "lost"))
		snprintf(item, sizeof(item), "%s:lost(%lld-%lld:%lld)", word,
			 json_integer_value(json_object_get(body, "first")),
			 json_integer_value(json_object_get(body, "last")),
			 json_integer_value(json_object_get(body, "count")));
	else
		snprintf(item, sizeof(item), "%s:%lld", word, json_integer_value(json_object_get(body, "seq")));
	put(item);
}

static bool send_to_client(struct ks_client *c, const char *bytes, size_t len)
{
	assert_ptr_equal(c, &client);
	if (sends_left >= 0 && !sends_left--)
		return false;
	turn_bytes += len;
	while (len) {
		const char *end = memchr(bytes, '\n', len);

		assert_non_null(end); /* whole lines only */
		hear(bytes, (size_t)(end + 1 - bytes));
		len -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	return true;
}

/* After so many more looks at the client it is gone; negative: never. */
static int looks_left;

static bool is_gone(struct ks_client *c)
{
	assert_ptr_equal(c, &client);
	return looks_left >= 0 && !looks_left--;
}

static void connect_client(void)
{
	sends_left = looks_left = -1;
	got[0] = '\0';
	/* Nothing of the client before may stay. */
	memset(&client, 0xee, sizeof(client));
	client.session = KS_VERSION_0_2;
	client.behind = true;
	ks_client_init(&client, &kit_sensor, kit_caller.control, send_to_client, is_gone);
}

static int setup(void **state)
{
	kit_setup(state);
	connect_client();
	return 0;
}

static int teardown(void **state)
{
	json_decref(last_line);
	last_line = NULL;
	return kit_teardown(state);
}

/* === The port's part ==================================================== */

static bool say(const char *text)
{
	return ks_client_bytes(&client, text, strlen(text));
}

/* Nothing comes for as long as the client's patience, @turns times. */
static bool wait_turns(unsigned int turns)
{
	bool go_on = true;

	while (turns-- && go_on) {
		uint64_t patience = ks_client_patience_ns(&client);

		assert_true(patience <= 50000000);
		port_advance(patience);
		go_on = ks_client_quiet(&client);
	}
	return go_on;
}

/* What came, and forgets it. */
static const char *heard(void)
{
	static char copy[sizeof(got)];

	memcpy(copy, got, sizeof(got));
	got[0] = '\0';
	return copy;
}

#define request_0_2(rest) "{Virtue-protocol-version: 0.2, request: [" NONCE ", " rest "]}\n"
#define other_nonce "ffffffffffffffffffff"

static struct ks_probe *alpha(void)
{
	return &kit_sensor.probes[0];
}

static struct ks_probe *beta(void)
{
	return &kit_sensor.probes[1];
}

/* === Subscriptions ====================================================== */

/* What is held comes at once, what appears later comes within a turn, once, and is consumed. */
static void pushed_as_they_appear(void **state)
{
	const char *nonce;

	(void)state;
	kit_records(0, 2, "x");
	assert_true(ks_client_patience_ns(&client) == UINT64_MAX);
	assert_true(say(request_0_2("subscribe, alpha")));
	assert_string_equal(heard(), "subscribe alpha:0 alpha:1");
	nonce = json_string_value(json_array_get(json_object_get(last_line, "reply"), 0));
	assert_string_equal(nonce, NONCE);
	assert_true(json_number_value(json_object_get(last_line, "Virtue-protocol-version")) == 0.2);
	assert_true(wait_turns(3));
	assert_string_equal(heard(), "");
	kit_records(0, 1, "x");
	kit_records(1, 1, "not asked for");
	assert_true(wait_turns(1));
	assert_string_equal(heard(), "alpha:2");
	assert_int_equal(alpha()->delivered, 3);
	assert_int_equal(alpha()->ring.held, 0);
	assert_string_equal(kit_seqs(kit_command("records", "*", NULL)), "0");
}

/* After the answer to unsubscribe nothing is pushed, and what appears then is there for others. */
static void unsubscribed(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, *")));
	kit_records(0, 1, "x");
	assert_true(say(request_0_2("unsubscribe, whatever")));
	assert_string_equal(heard(), "subscribe unsubscribe");
	kit_records(1, 1, "x");
	assert_true(ks_client_patience_ns(&client) == UINT64_MAX);
	assert_true(ks_client_quiet(&client) && say("\n"));
	assert_string_equal(heard(), "");
	assert_string_equal(kit_seqs(kit_command("records", "*", NULL)), "0 0");
	/* And another one can begin. */
	assert_true(say(request_0_2("subscribe, beta")));
	kit_records(0, 1, "x");
	kit_records(1, 1, "x");
	assert_true(wait_turns(1));
	assert_string_equal(heard(), "subscribe beta:1");
}

static void errors(void **state)
{
	(void)state;
	kit_records(0, 1, "x");
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", subscribe, alpha]}\n"));
	assert_string_equal(heard(), "error:command");
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", unsubscribe, alpha]}\n"));
	assert_string_equal(heard(), "error:command");
	assert_true(say(request_0_2("unsubscribe, alpha")));
	assert_string_equal(heard(), "error:argument");
	assert_true(say(request_0_2("subscribe, nobody")));
	assert_string_equal(heard(), "error:target");
	assert_true(say(request_0_2("subscribe, alpha, {max: 1}")));
	assert_string_equal(heard(), "error:argument");
	assert_true(wait_turns(0) && ks_client_patience_ns(&client) == UINT64_MAX);
	/* A second one is refused, and the first goes on. */
	assert_true(say(request_0_2("subscribe, alpha")));
	assert_string_equal(heard(), "subscribe alpha:0");
	assert_true(say(request_0_2("subscribe, *")));
	assert_string_equal(heard(), "error:busy");
	assert_non_null(strstr(
		json_string_value(json_object_get(json_array_get(json_object_get(last_line, "reply"), 2), "message")),
		"unsubscribe first"));
	kit_records(0, 1, "x");
	kit_records(1, 1, "x");
	assert_true(wait_turns(1));
	assert_string_equal(heard(), "alpha:1");
}

/* Who may not take records may look on, and takes none. */
static void denied(void **state)
{
	(void)state;
	kit_caller.control = false;
	connect_client();
	kit_records(0, 2, "x");
	assert_true(say(request_0_2("subscribe, alpha")));
	assert_string_equal(heard(), "error:denied");
	assert_true(say(request_0_2("subscribe, alpha, {peek: true}")));
	assert_string_equal(heard(), "subscribe alpha:0 alpha:1");
	assert_true(say(request_0_2("add, alpha, /x")));
	assert_string_equal(heard(), "error:denied");
	assert_int_equal(alpha()->delivered, 0);
	kit_caller.control = true;
	assert_string_equal(kit_seqs(kit_command("records", "alpha", NULL)), "0 1");
}

/* With peek each record comes once, and stays. */
static void peek(void **state)
{
	(void)state;
	kit_records(0, 2, "x");
	assert_true(say(request_0_2("subscribe, *, {peek: true}")));
	kit_records(1, 1, "x");
	assert_true(wait_turns(3));
	assert_string_equal(heard(), "subscribe alpha:0 alpha:1 beta:0");
	assert_string_equal(kit_seqs(kit_command("records", "*", NULL)), "0 1 0");
	kit_records(0, 1, "x");
	assert_true(wait_turns(3));
	assert_string_equal(heard(), "alpha:2");
}

/* What a filter, or since, leaves out stays for others. */
static void filter_and_since(void **state)
{
	(void)state;
	kit_records(0, 3, "x");
	kit_records(0, 1, "y");
	assert_true(say(request_0_2("subscribe, *, {filter: {kind: \"\\u0079\"}}")));
	/* The filter is the subscription's own: the line that it came in is used for others. */
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" other_nonce
			", records, beta, {filter: {kind: zzzzzz}}]}\n"));
	assert_string_equal(heard(), "subscribe alpha:3 beta");
	kit_records(0, 1, "x");
	kit_records(0, 1, "y");
	kit_records(1, 1, "y");
	assert_true(wait_turns(2));
	assert_string_equal(heard(), "alpha:5 beta:0");
	assert_string_equal(kit_seqs(kit_command("records", "*", "{\"peek\": true}")), "0 1 2 4");
	assert_true(say(request_0_2("unsubscribe, *")));
	assert_true(say(request_0_2("subscribe, alpha, {since: 2, filter: {kind: x, n: 4}}")));
	assert_string_equal(heard(), "unsubscribe subscribe alpha:4");
	assert_true(say(request_0_2("unsubscribe, *")));
	assert_true(say(request_0_2("subscribe, alpha, {since: 2}")));
	assert_string_equal(heard(), "unsubscribe subscribe alpha:2");
	assert_true(say(request_0_2("unsubscribe, *")));
	assert_true(say(request_0_2("subscribe, alpha, {since: 6}"))); /* that are not there yet */
	kit_records(0, 3, "x");
	assert_true(wait_turns(2));
	assert_string_equal(heard(), "unsubscribe subscribe alpha:6 alpha:7 alpha:8");
	assert_string_equal(kit_seqs(kit_command("records", "*", NULL)), "0 1");
}

/* Other requests are served in between, each reply whole, and then come records again. */
static void requests_in_between(void **state)
{
	(void)state;
	kit_records(1, 60, "long reply"); /* of more than one call */
	assert_true(say(request_0_2("subscribe, alpha")));
	kit_records(0, 2, "x");
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" other_nonce ", records, beta, {max: 3}]}\n"
			"{Virtue-protocol-version: 0.1, request: [" other_nonce ", on, beta]}\n"));
	assert_string_equal(heard(), "subscribe beta:0 beta:1 beta:2 beta alpha:0 alpha:1 on");
	kit_records(0, 1, "x");
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" other_nonce ", records, beta]}\n"));
	assert_null(strstr(strchr(got, 'a'), "alpha:2 beta:")); /* not within it */
	assert_non_null(strstr(heard(), "beta:59 beta alpha:2"));
	/* The nonce tells which is which. */
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" other_nonce ", high, beta]}\n"));
	assert_string_equal(heard(), "high");
	assert_string_equal(json_string_value(json_array_get(json_object_get(last_line, "reply"), 0)), other_nonce);
}

/*
 * A request without its newline is served after 50 ms, as without a subscription, though there are
 * turns in between.
 */
static void no_newline(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, alpha")));
	heard();
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", on, alpha]}"));
	kit_records(0, 1, "x");
	port_advance(25000000);
	assert_true(ks_client_quiet(&client));
	assert_string_equal(heard(), "alpha:0");
	port_advance(25000000);
	assert_true(ks_client_quiet(&client));
	assert_string_equal(heard(), "on");
	/* A byte now and then, and records come all the same. */
	for (int i = 0; i < 5; i++) {
		kit_records(0, 1, "x");
		assert_true(say("{"));
	}
	assert_string_equal(heard(), "alpha:1 alpha:2 alpha:3 alpha:4 alpha:5");
}

/* === Requests =========================================================== */

#define request_0_1(rest) "{Virtue-protocol-version: 0.1, request: [" NONCE ", " rest "]}\n"

/*
 * Records that went out whole are consumed by that, of each reply as of each push: they do not
 * come again, and do not count as lost.
 */
static void replies_consume(void **state)
{
	(void)state;
	kit_records(0, 3, "x");
	assert_true(say(request_0_1("records, alpha")));
	assert_string_equal(heard(), "alpha:0 alpha:1 alpha:2 alpha");
	assert_int_equal(alpha()->delivered, 3);
	assert_int_equal(alpha()->ring.held, 0);
	assert_true(say(request_0_1("records, alpha")));
	assert_string_equal(heard(), "alpha");
	kit_records(0, 1, "x");
	assert_true(say(request_0_1("records, alpha, {peek: true}")));
	assert_true(say(request_0_1("records, alpha")));
	assert_string_equal(heard(), "alpha:3 alpha alpha:3 alpha");
}

/*
 * A client that goes when it has read a part of a reply: what it was handed is not there again for
 * the next.
 */
static void gone_after_a_part(void **state)
{
	unsigned int handed = 0;

	(void)state;
	kit_records(0, 300, "x"); /* more than one call hands over */
	looks_left = 2;
	assert_false(say(request_0_1("records, alpha")));
	for (const char *at = strstr(heard(), "alpha:"); at; at = strstr(at + 1, "alpha:"))
		handed++;
	assert_true(handed > 2 && handed < 300);
	assert_int_equal(alpha()->delivered, handed);
	assert_int_equal(alpha()->ring.held, 300 - handed);
}

/*
 * A client that goes in the middle of a reply: what it was not handed is still there, and it is
 * served no further.
 */
static void gone_in_a_reply(void **state)
{
	unsigned int got_whole = 0;
	char first[32];

	(void)state;
	kit_records(0, 3, "x");
	sends_left = 0;
	assert_false(say(request_0_1("records, alpha") request_0_1("off, alpha")));
	assert_string_equal(heard(), "");
	assert_int_equal(alpha()->delivered, 0);
	assert_true(alpha()->on);
	assert_string_equal(kit_seqs(kit_command("records", "alpha", "{\"peek\": true}")), "0 1 2");
	kit_records(0, 297, "x"); /* more than one call hands over */
	connect_client();
	sends_left = 2;
	assert_false(say(request_0_1("records, alpha")));
	for (const char *at = strstr(heard(), "alpha:"); at; at = strstr(at + 1, "alpha:"))
		got_whole++;
	assert_true(got_whole > 2 && got_whole < 300);
	assert_int_equal(alpha()->ring.lost_total, 0);
	assert_true(alpha()->delivered <= got_whole);
	snprintf(first, sizeof(first), "%u", (unsigned int)alpha()->delivered);
	assert_string_equal(kit_seqs(kit_command("records", "alpha", "{\"max\": 1}")), first);
	/* A subscription, too, is answered first; who does not hear that is gone. */
	connect_client();
	sends_left = 0;
	assert_false(say(request_0_2("subscribe, alpha")));
	/* So is who hears that, and not the first push behind it. */
	connect_client();
	sends_left = 1;
	assert_false(say(request_0_2("subscribe, alpha") request_0_1("off, alpha")));
	assert_string_equal(heard(), "subscribe");
	assert_true(alpha()->on);
}

/*
 * The session's version is that of the requests after it, until the client says otherwise; one
 * that is refused ends the connection.
 */
static void sessions(void **state)
{
	(void)state;
	assert_true(say("{request: [" NONCE ", on, alpha]}\n"));
	assert_string_equal(heard(), "error:version");
	/* A line that is wrong agrees on nothing, and ends nothing. */
	assert_true(say("{Virtue-protocol-version: 0.2, more: 1}\n{request: [" NONCE ", on, alpha]}\n"));
	assert_string_equal(heard(), "error:argument error:version");
	/* Nor does a request's own version. */
	assert_true(say(request_0_2("on, alpha") "{request: [" NONCE ", on, alpha]}\n"));
	assert_string_equal(heard(), "on error:version");
	assert_true(say("{Virtue-protocol-version: 0.2}\n{request: [" NONCE ", status, alpha]}\n"));
	assert_memory_equal(got, "session ", 8);
	assert_null(strstr(heard(), "error"));
	assert_true(json_number_value(json_object_get(last_line, "Virtue-protocol-version")) == 0.2);
	/* A new client begins without. */
	connect_client();
	assert_true(say("{request: [" NONCE ", on, alpha]}\n"));
	assert_string_equal(heard(), "error:version");
	assert_false(say("{Virtue-protocol-version: 0}\n" request_0_1("on, alpha")));
	assert_string_equal(heard(), "session");
}

/*
 * Without a subscription: a request that is complete waits 50 ms for its newline, one that is not
 * waits for the client.
 */
static void patience(void **state)
{
	(void)state;
	assert_true(ks_client_patience_ns(&client) == UINT64_MAX);
	assert_true(!client.behind && !client.heard_ns);
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", on, alpha]"));
	assert_true(ks_client_patience_ns(&client) == UINT64_MAX);
	assert_true(ks_client_quiet(&client));
	assert_string_equal(heard(), "");
	assert_true(say("}"));
	assert_int_equal(ks_client_patience_ns(&client), 50000000);
	assert_string_equal(heard(), "");
	assert_true(ks_client_quiet(&client));
	assert_string_equal(heard(), "on");
	assert_true(ks_client_patience_ns(&client) == UINT64_MAX);
	assert_true(ks_client_quiet(&client));
	assert_string_equal(heard(), "");
	/* Gone when the answer comes, or when a push does. */
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", on, alpha]}"));
	sends_left = 0;
	assert_false(ks_client_quiet(&client));
}

/*
 * A request without its newline behind others in one piece, and a line that is too long, are
 * answered, and the connection goes on.
 */
static void lines_of_all_lengths(void **state)
{
	static char endless[5000];

	(void)state;
	memset(endless, 'x', sizeof(endless));
	assert_true(ks_client_bytes(&client, endless, sizeof(endless)));
	assert_string_equal(heard(), "error:too-long");
	assert_true(say(
		"\n" request_0_1("on, alpha") "\r\n\n" request_0_1("high, beta") "{Virtue-protocol-version: 0.1}"));
	assert_string_equal(heard(), "on high");
	ks_client_end(&client);
	assert_string_equal(heard(), "session");
	/* What is not complete at the end is no request. */
	connect_client();
	assert_true(say("{Virtue-protocol-version: 0.1"));
	ks_client_end(&client);
	assert_string_equal(heard(), "");
}

/* === Losses ============================================================= */

/* A client that reads too slowly is told exactly what it did not get. */
static void losses_are_told(void **state)
{
	char want[128];
	uint64_t first;

	(void)state;
	assert_true(say(request_0_2("subscribe, alpha")));
	kit_records(0, 2, "x");
	assert_true(wait_turns(1));
	assert_string_equal(heard(), "subscribe alpha:0 alpha:1");
	kit_records(0, 2000, "x");
	first = kit_first_held(0);
	assert_true(wait_turns(1));
	snprintf(want, sizeof(want), "alpha:lost(2-%u:%u) alpha:%u ", (unsigned int)first - 1, (unsigned int)first - 2,
		 (unsigned int)first);
	assert_memory_equal(got, want, strlen(want));
	while (client.behind)
		assert_true(wait_turns(1));
	assert_null(strstr(heard() + strlen(want), "lost")); /* once */
	assert_int_equal(alpha()->delivered + alpha()->ring.lost_total, 2002);
	assert_int_equal(alpha()->ring.held, 0);
	assert_string_equal(kit_seqs(kit_command("records", "alpha", NULL)), "");
}

/* With peek a loss is told once too, and stays to be told to whom takes the records. */
static void losses_with_peek(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, alpha, {peek: true}")));
	kit_records(0, 2000, "x");
	do {
		assert_true(wait_turns(1));
	} while (client.behind);
	assert_memory_equal(got, "subscribe alpha:lost(0-", 23);
	assert_null(strstr(heard() + 20, "lost"));
	kit_records(0, 1, "x"); /* pushes out some that were seen: no loss to this client */
	assert_true(wait_turns(2));
	assert_string_equal(heard(), "alpha:2000");
	assert_memory_equal(kit_seqs(kit_command("records", "alpha", "{\"max\": 1}")), "lost(0-", 7);
}

/* A record that could not be kept is a loss in the middle. */
static void too_long_to_keep(void **state)
{
	static const bool peeks[] = { false, true };
	char name[2000];

	(void)state;
	memset(name, 'x', sizeof(name));
	for (size_t i = 0; i < 2; i++) {
		struct ks_writer *text;

		kit_word(kit_command("reset", "alpha", NULL));
		port_advance(1);
		connect_client();
		assert_true(say(peeks[i] ? request_0_2("subscribe, alpha, {peek: true}")
					 : request_0_2("subscribe, alpha")));
		kit_records(0, 1, "x");
		text = ks_record_begin(alpha(), KS_EVENT, KS_NO_SOURCE, "x");
		ks_write_member_str(text, "name", name, sizeof(name));
		ks_record_end(alpha());
		kit_records(0, 1, "x");
		port_look_ns = 1000000; /* one record in each turn */
		assert_true(wait_turns(3));
		port_look_ns = 0;
		assert_string_equal(heard(), "subscribe alpha:0 alpha:lost(2-2:1) alpha:1 alpha:3");
	}
}

/* Records that were handed over to nobody, for the client was gone, are still there. */
static void gone_client(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, *")));
	heard();
	kit_records(0, 3, "x");
	kit_records(1, 3, "x");
	sends_left = 1;
	assert_false(wait_turns(1));
	assert_string_equal(heard(), "alpha:0 alpha:1 alpha:2");
	assert_int_equal(alpha()->delivered, 3);
	assert_int_equal(kit_sensor.probes[1].delivered, 0);
	assert_string_equal(kit_seqs(kit_command("records", "alpha", NULL)), "");
	assert_string_equal(kit_seqs(kit_command("records", "beta", NULL)), "0 1 2");
}

/* The end of the client's stream: its last line is answered, and nothing more is pushed. */
static void end_of_stream(void **state)
{
	(void)state;
	kit_records(0, 1, "x");
	assert_true(say("{Virtue-protocol-version: 0.2, request: [" NONCE ", subscribe, alpha]}"));
	ks_client_end(&client);
	assert_string_equal(heard(), "subscribe");
	assert_string_equal(kit_seqs(kit_command("records", "*", NULL)), "0");
}

/* However much there is, a turn is bounded, so that a request gets its answer soon. */
static void turns_are_bounded(void **state)
{
	unsigned int turns = 0;

	(void)state;
	kit_records(0, 300, "x");
	kit_records(1, 300, "x");
	turn_bytes = 0;
	assert_true(say(request_0_2("subscribe, *")));
	assert_true(turn_bytes <= 3 * KS_LINE_MAX);
	assert_true(client.behind && ks_client_patience_ns(&client) == 0);
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" other_nonce ", on, *]}\n"));
	assert_non_null(strstr(got, " on "));
	while (client.behind) {
		turn_bytes = 0;
		assert_true(wait_turns(1));
		assert_true(turn_bytes <= 2 * KS_LINE_MAX);
		assert_true(turns++ < 100);
	}
	assert_int_equal(alpha()->delivered, 300);
	assert_int_equal(kit_sensor.probes[1].delivered, 300);
	/* A machine on which each record takes a whole turn's time gets there too. */
	heard();
	kit_records(0, 5, "x");
	port_look_ns = 1000000;
	do {
		assert_true(wait_turns(1));
	} while (client.behind);
	port_look_ns = 0;
	assert_string_equal(heard(), "alpha:300 alpha:301 alpha:302 alpha:303 alpha:304");
}

/* === What was asked for ================================================= */

/* The request is kept, filters and all, whatever lines come on the connection after it. */
static void filter_outlives_its_line(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, alpha, {filter: {kind: wanted, n: 2}, peek: true}")));
	assert_true(say(request_0_2(
		"status, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", {xxxxxx: {xxxx: xxxxxx, x: 5}, xxxx: true}")));
	heard();
	kit_records(0, 2, "wanted");
	kit_records(0, 1, "wanted");
	kit_records(0, 1, "other");
	assert_true(wait_turns(2));
	assert_string_equal(heard(), "alpha:2");
}

/*
 * From a seq on: of the count that is meant, where that is said; else, and where it is ahead, from
 * the beginning of this one; each record once.
 */
static void since_and_epoch(void **state)
{
	char line[256];

	(void)state;
	kit_records(0, 4, "x");
	for (int is_other = 0; is_other < 2; is_other++) {
		connect_client();
		snprintf(line, sizeof(line), request_0_2("subscribe, alpha, {since: 2, epoch: %u, peek: true}"),
			 alpha()->epoch + is_other);
		assert_true(say(line));
		assert_true(wait_turns(2));
		assert_string_equal(heard(), is_other ? "subscribe alpha:0 alpha:1 alpha:2 alpha:3"
						      : "subscribe alpha:2 alpha:3");
	}
	connect_client();
	assert_true(say(request_0_2("subscribe, alpha, {since: 4, peek: true}")));
	assert_string_equal(heard(), "subscribe");
	connect_client();
	assert_true(say(request_0_2("subscribe, alpha, {since: 5, peek: true}")));
	assert_string_equal(heard(), "subscribe alpha:0 alpha:1 alpha:2 alpha:3");
	/* A reset of a probe whose epoch was named. */
	connect_client();
	snprintf(line, sizeof(line), request_0_2("subscribe, alpha, {since: 2, epoch: %u, peek: true}"),
		 alpha()->epoch);
	assert_true(say(line));
	kit_word(kit_command("reset", "alpha", NULL));
	port_advance(1);
	heard();
	for (unsigned int n = 1; n < 3; n++) {
		char want[32];

		kit_records(0, 1, "x");
		assert_true(wait_turns(2));
		snprintf(want, sizeof(want), n == 1 ? "alpha:0 alpha:1" : "alpha:%u", n);
		assert_string_equal(heard(), want);
	}
}

/*
 * Another client resets the probe while its records are looked at: the new count comes, each
 * record of it once.
 */
static unsigned int looks;

static void reset_at_the_third_look(void)
{
	/* the client's, that of the call's end, and the one behind the first record */
	if (++looks != 3)
		return;
	port_on_look = NULL;
	ks_probe_command(alpha(), KS_CMD_RESET, &kit_caller);
	kit_records(0, 2, "x");
	alpha()->reset_wanted = false; /* its first step was made */
	kit_records(0, 2, "x");
}

static void reset_in_a_push(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, alpha, {filter: {kind: x}, peek: true}")));
	kit_records(0, 3, "y");
	heard();
	looks = 0;
	port_on_look = reset_at_the_third_look;
	while (port_on_look)
		ks_client_quiet(&client);
	assert_true(wait_turns(3));
	assert_string_equal(heard(), "alpha:0 alpha:1 alpha:2");
	kit_records(0, 1, "x");
	assert_true(wait_turns(2));
	assert_string_equal(heard(), "alpha:3");
}

/*
 * Where there is no news of a probe, a turn costs next to nothing: it does not even look at the
 * clock; also behind losses that are not for this client.
 */
static void no_news_no_work(void **state)
{
	char buf[KS_OUT_BYTES];
	struct ks_writer out;

	(void)state;
	for (int i = 0; i < 3; i++)
		ks_ring_drop(&alpha()->ring, KS_EVENT);
	kit_records(0, 1, "x");
	assert_true(say(request_0_2("subscribe, alpha, {since: 3, peek: true}")));
	assert_string_equal(heard(), "subscribe alpha:3");
	for (int turn = 0; turn < 2; turn++) {
		uint64_t now;

		port_look_ns = 1000;
		now = ks_port_time_ns();
		ks_writer_init(&out, buf, KS_LINE_MAX);
		assert_false(ks_push(&client.subscription, &kit_sensor, 0, &out));
		/* nor of one that was not asked for */
		assert_false(ks_push(&client.subscription, &kit_sensor, 1, &out));
		assert_int_equal(ks_port_time_ns() - now, 1000);
		assert_int_equal(out.len, 0);
		port_look_ns = 0;
		if (turn)
			break;
		kit_records(0, 1, "x");
		kit_records(1, 1, "x");
		ks_ring_drop(&alpha()->ring, KS_EVENT);
		assert_true(wait_turns(1));
		assert_string_equal(heard(), "alpha:lost(0-5:4) alpha:4");
	}
}

/* === Probes that change ================================================= */

/*
 * Off, and on with another uuid: the subscription is to the probe, and the id is the uuid that it
 * has then.
 */
static void off_and_on(void **state)
{
	char uuid[KS_UUID_TEXT], line[256], want[256];

	(void)state;
	memcpy(uuid, alpha()->uuid, sizeof(uuid));
	snprintf(line, sizeof(line), request_0_2("subscribe, \"%s\""), uuid);
	assert_true(say(line));
	kit_records(0, 1, "x");
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", off, *]}\n"));
	assert_true(say("{Virtue-protocol-version: 0.1, request: [" NONCE ", on, *]}\n"));
	kit_records(0, 1, "x");
	assert_true(wait_turns(1));
	assert_string_not_equal(alpha()->uuid, uuid);
	snprintf(want, sizeof(want), "subscribe off %s:0 %s:1 on %s:2 %s:3", uuid, uuid, alpha()->uuid, alpha()->uuid);
	assert_string_equal(heard(), want);
	snprintf(line, sizeof(line), request_0_2("unsubscribe, \"%s\""), uuid);
	assert_true(say(line));
	assert_string_equal(heard(), "unsubscribe");
	/* By the sensor's uuid the ids are uuids as well. */
	snprintf(line, sizeof(line), request_0_2("subscribe, \"%s\""), kit_sensor.uuid);
	assert_true(say(line));
	kit_records(1, 1, "x");
	assert_true(wait_turns(1));
	/* Record 0 and 1 say who turned it off and on. */
	snprintf(want, sizeof(want), "subscribe %s:0 %s:1 %s:2", kit_sensor.probes[1].uuid, kit_sensor.probes[1].uuid,
		 kit_sensor.probes[1].uuid);
	assert_string_equal(heard(), want);
}

/* A reset: seq starts anew, and so does the subscription, since or not. */
static void reset(void **state)
{
	static const char *const lines[] = { request_0_2("subscribe, alpha"),
					     request_0_2("subscribe, alpha, {peek: true}"),
					     request_0_2("subscribe, *, {since: 3}") };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		kit_word(kit_command("reset", "*", NULL));
		port_advance(1);
		kit_forget_began();
		connect_client();
		kit_records(0, 5, "x");
		assert_true(say(lines[i]));
		assert_string_equal(heard(), i == 2 ? "subscribe alpha:3 alpha:4"
						    : "subscribe alpha:0 alpha:1 alpha:2 alpha:3 alpha:4");
		kit_records(0, 1, "x");
		kit_word(kit_command("reset", "alpha", NULL));
		port_advance(1);
		kit_records(0, 2, "x");
		assert_true(wait_turns(2));
		/* The first record of the new count says who reset it. */
		assert_string_equal(heard(), "alpha:0 alpha:1 alpha:2");
		assert_int_equal(alpha()->delivered, i == 1 ? 0 : 3);
	}
}

/*
 * A probe that the supervisor restarts goes on in its ring: the record that says so comes, and
 * those after it.
 */
static void restarted(void **state)
{
	(void)state;
	assert_true(say(request_0_2("subscribe, alpha")));
	kit_records(0, 1, "x");
	port_lose(&alpha()->work);
	port_advance(12 * SECOND);
	kit_records(0, 1, "x");
	assert_true(wait_turns(1));
	assert_int_equal(alpha()->restarts, 1);
	assert_string_equal(heard(), "subscribe alpha:0 alpha:1 alpha:2");
}

/*
 * Nothing is missed or given twice, whatever happens in whatever order: the seqs and losses told
 * account for every record.
 */
static void nothing_is_unaccounted(void **state)
{
	uint64_t next = 0;
	const char *at;

	(void)state;
	assert_true(say(request_0_2("subscribe, alpha")));
	heard();
	for (int round = 0; round < 200; round++) {
		kit_records(0, (unsigned int)port_random_below(round % 20 ? 30 : 1200), "x");
		if (port_random_below(3) == 0)
			assert_true(say(request_0_2("status, *")));
		else
			assert_true(wait_turns((unsigned int)port_random_below(3)));
		for (at = strstr(heard(), "alpha:"); at; at = strstr(at + 1, "alpha:")) {
			unsigned long long first, last, count;

			if (sscanf(at, "alpha:lost(%llu-%llu:%llu)", &first, &last, &count) == 3) {
				assert_int_equal(first, next);
				assert_int_equal(count, last - first + 1);
				next = last + 1;
			} else {
				assert_int_equal(strtoull(at + 6, NULL, 10), next++);
			}
		}
	}
	assert_true(next > 2000);
}

/*
 * Another thread is in a step of the probe, and does not come out for a while: who asks for a
 * fresh sample sleeps, and does not spin.
 */
static void sleeps_while_another_works(void **state)
{
	(void)state;
	kit_records(0, 1, "x");
	alpha()->busy = true;
	alpha()->step_start_ns = ks_port_time_ns();
	assert_true(say(request_0_2("records, alpha, {run: true}")));
	/* That the step does not end, and that there was no sample. */
	assert_string_equal(heard(), "alpha:0 alpha:1 alpha:2 alpha");
	/*
	 * Until the step is given up after five seconds: it looks again soon, and then less and
	 * less often.
	 */
	assert_in_range(port_pauses, 300, 600);
	assert_int_equal(port_pauses_short, 1);
	alpha()->busy = false;
}

/* Once there is more to send, it looks again as soon as at first. */
static void sleeps_twice(void **state)
{
	(void)state;
	alpha()->busy = beta()->busy = true;
	alpha()->step_start_ns = ks_port_time_ns();
	/* In a step that it has just begun when the other one is given up. */
	beta()->step_start_ns = alpha()->step_start_ns + 5000000000ULL;
	assert_true(say(request_0_2("records, *, {run: true}")));
	assert_int_equal(port_pauses_short, 2);
	alpha()->busy = beta()->busy = false;
}

/*
 * The client goes while its reply waits for that: its connection ends at once, and takes nothing.
 */
static void gone_while_it_waits(void **state)
{
	(void)state;
	kit_records(0, 1, "x");
	alpha()->busy = true;
	alpha()->step_start_ns = ks_port_time_ns();
	looks_left = 3;
	assert_false(say(request_0_2("records, alpha, {run: true, filter: {n: 77}}")));
	assert_string_equal(heard(), "");
	assert_in_range(port_pauses, 1, 3);
	alpha()->busy = false;
	looks_left = -1;
	connect_client();
	assert_true(say(request_0_2("records, alpha")));
	assert_string_equal(heard(), "alpha:0 alpha");
}

#define with_client(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_client(pushed_as_they_appear), with_client(unsubscribed),    with_client(errors),
		with_client(denied),                with_client(peek),            with_client(filter_and_since),
		with_client(requests_in_between),   with_client(no_newline),      with_client(losses_are_told),
		with_client(losses_with_peek),      with_client(too_long_to_keep), with_client(gone_client),
		with_client(end_of_stream),         with_client(turns_are_bounded), with_client(off_and_on),
		with_client(filter_outlives_its_line), with_client(since_and_epoch), with_client(no_news_no_work),
		with_client(reset_in_a_push),
		with_client(reset),                 with_client(restarted),       with_client(nothing_is_unaccounted),
		with_client(sleeps_while_another_works), with_client(sleeps_twice), with_client(gone_while_it_waits),
		with_client(replies_consume), with_client(gone_in_a_reply), with_client(gone_after_a_part),
		with_client(sessions),              with_client(patience),        with_client(lines_of_all_lengths),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
