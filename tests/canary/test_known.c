// SPDX-License-Identifier: MIT
/*
 * What a check names has to be there: a kind of records, a member, a word; and what the built-in
 * ones say to type is for the module that was asked.
 *
 * Wrong in the world if this fails: by a typing error in a file of checks the check agrees for
 * ever, with nothing seen, and whoever wrote it relies on it; or who does what a finding says asks
 * another sensor.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../canary/judge.h"
#include "json_of.h"

/* What is wrong with these checks, behind the check's name; "": nothing. */
static const char *wrong_with(const char *text)
{
	static char error[1024];
	struct checks checks;

	error[0] = '\0';
	if (!checks_read(&checks, json_of(text), "f", error, sizeof(error)) && !error[0])
		snprintf(error, sizeof(error), "%s", strerror(errno));
	checks_free(&checks);
	return strncmp(error, "f: check \"c\": ", 14) ? error : error + 14;
}

#define VIEW "'probe': 'xen-domains', 'kind': 'domain', 'key': ['domid']"
#define MODULE "'source': 'module', 'probe': 'domains', 'kind': 'domain', 'key': ['domid']"
#define RULE "'finding': 'f', 'severity': 'low', 'what': 'w', 'why': 'w', 'next': 'n'"
#define CHECK(xen, dom0, rest) \
	"{'checks': [{'check': 'c', 'xen': {" xen "}, 'dom0': [" dom0 "], " rest "}]}"
#define ONLY_XEN "'only_xen': {" RULE "}"
#define MORE CHECK(VIEW, "{" MODULE "}", ONLY_XEN ", %s")

/* Each place that names something: as it should be, what is misspelt there, and the answer. */
static const struct place {
	const char *format, *right, *misspelt, *says;
} places[] = {
	{ CHECK("'probe': 'xen-domains', 'kind': '%s', 'key': ['domid']", "", ONLY_XEN), "domain", "domian",
	  "\"xen\": xen-domains has no records of the kind \"domian\"; there are " },
	{ CHECK("'probe': 'xen-domains', 'kind': 'domain', 'key': ['%s']", "", ONLY_XEN), "uuid", "uudi",
	  "\"xen\": no such record has a member \"uudi\"; there are " },
	{ CHECK(VIEW ", 'id': ['%s']", "", ONLY_XEN), "uuid", "uudi", "\"xen\": no such record " },
	{ CHECK(VIEW ", 'same': ['%s']", "", ONLY_XEN), "type", "tpye", "\"xen\": no such record " },
	{ CHECK(VIEW ", 'known_by': ['%s']", "", ONLY_XEN), "type", "tpye", "\"xen\": no such record " },
	{ CHECK(VIEW ", 'where': {'%s': {'not': 5}}", "", ONLY_XEN), "pages", "pagse", "\"xen\": no such record " },
	{ CHECK(VIEW ", 'where': {'event': '%s'}", "", ONLY_XEN), "appeared", "appaered",
	  "\"xen\": \"event\" is never \"appaered\"; it is one of present, appeared, " },
	{ CHECK(VIEW ", 'where': {'event': ['present', '%s']}", "", ONLY_XEN), "changed", "chagned",
	  "\"xen\": \"event\" is never \"chagned\"" },
	{ CHECK(VIEW ", 'where': {'event': {'not': '%s'}}", "", ONLY_XEN), "changed", "chagned",
	  "\"xen\": \"event\" is never \"chagned\"" },
	{ CHECK(VIEW, "{'source': 'module', 'probe': 'domains', 'kind': '%s', 'key': ['domid']}", ONLY_XEN),
	  "domain", "doman", "a view of \"dom0\": domains has no records of the kind \"doman\"" },
	{ CHECK(VIEW, "{" MODULE ", 'where': {'%s': 1}}", ONLY_XEN), "domid", "domdi",
	  "a view of \"dom0\": no such record " },
	{ CHECK(VIEW, "", "'only_xen': {" RULE ", 'where': {'%s': true}}"), "sensing", "sesning",
	  "\"only_xen\": no such record " },
	{ CHECK(VIEW, "", "'only_xen': [{" RULE ", 'where': {'domid': 0}}, {" RULE ", 'where': {'%s': true}}]"),
	  "sensing", "sesning", "\"only_xen\": no such record " },
	{ CHECK(VIEW, "{" MODULE "}", "'only_dom0': {" RULE ", 'where': {'%s': true}}"), "uuid", "uudi",
	  "\"only_dom0\": no such record " },
	{ CHECK(VIEW, "{" MODULE "}", "'differs': {" RULE ", 'members': {'%s': 'uuid'}}"), "uuid", "uudi",
	  "\"differs\": no such record " },
	{ CHECK(VIEW, "{" MODULE "}", "'differs': {" RULE ", 'members': {'uuid': '%s'}}"), "uuid", "uudi",
	  "\"differs\": no such record " },
	{ CHECK(VIEW, "", "'changed': {" RULE ", 'members': {'%s': true}}"), "type", "tpye",
	  "\"changed\": no such record " },
	{ MORE, "'among': {'members': ['uuid'], 'words': 'w'}", "'among': {'members': ['uudi'], 'words': 'w'}",
	  "\"among\": no such record " },
	{ MORE, "'near': ['uuid']", "'near': ['uudi']", "\"near\": no such record " },
	{ MORE, "'only_if': {'where': {'kind': 'domain', 'type': 'PV'}, 'otherwise': 'blind', 'words': 'w'}",
	  "'only_if': {'where': {'kind': 'domain', 'tpye': 'PV'}, 'otherwise': 'blind', 'words': 'w'}",
	  "\"only_if\": no such record " },
	{ MORE, "'only_if': {'where': {'vcpu': 1}, 'otherwise': 'blind', 'words': 'w'}",
	  "'only_if': {'where': {'vpcu': 1}, 'otherwise': 'blind', 'words': 'w'}", "\"only_if\": no such record " },
	{ MORE, "'waits': {'where': {'kind': 'work'}, 'words': 'w'}",
	  "'waits': {'where': {'kind': 'wrok'}, 'words': 'w'}",
	  "\"waits\": xen-domains has no records of the kind \"wrok\"" },
	{ MORE, "'not_here': [{'source': 'xenstore', 'words': 'w', 'unless': {'domid': 1}}]",
	  "'not_here': [{'source': 'xenstore', 'words': 'w', 'unless': {'domdi': 1}}]",
	  "\"not_here\": no such record " },
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static void misspelt(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		const struct place *place = &places[i];
		const char *said;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), place->format, place->right);
		assert_string_equal(wrong_with(text), "");
		snprintf(text, sizeof(text), place->format, place->misspelt);
#pragma GCC diagnostic pop
		said = wrong_with(text);
		if (strncmp(said, place->says, strlen(place->says)))
			fail_msg("%s: \"%s\" is not \"%s\"", text, said, place->says);
	}
}

/* Of a probe that is newer than the list nothing is known, nor of what is no sensor's. */
static void not_listed(void **state)
{
	(void)state;
	assert_string_equal(wrong_with(CHECK("'probe': 'xen-new', 'kind': 'k', 'key': ['a'], 'where': {'b': 1}", "",
					     ONLY_XEN ", 'only_if': {'where': {'c': 1}, 'otherwise': 'blind', "
						      "'words': 'w'}")), "");
	assert_string_equal(wrong_with(CHECK(VIEW, "{'source': 'xenstore', 'key': ['domid'], 'where': {'any': 1}}",
					     "'differs': {" RULE ", 'members': {'uuid': 'thing'}}")), "");
}

/* What the built-in checks say, with the module at this socket; the caller's. */
static char *said_of(const char *socket)
{
	json_t *json = built_in_checks(socket);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	assert_non_null(text);
	return text;
}

static size_t times_in(const char *text, const char *what)
{
	size_t times = 0;

	while ((text = strstr(text, what))) {
		times++;
		text++;
	}
	return times;
}

static void socket_in_words(void **state)
{
	static const char *const strange[] = { NULL, "", "/tmp/a b", "/tmp/'", "/tmp/\"", "/tmp/{pid}", "/tmp/\n" };
	char *usual = said_of(CANARY_SOCKET), *other = said_of("/tmp/k.sock");

	(void)state;
	assert_true(times_in(usual, "'ksense --socket " CANARY_SOCKET " ") > 10);
	assert_int_equal(times_in(other, "/tmp/k.sock"), times_in(usual, CANARY_SOCKET));
	assert_int_equal(times_in(other, CANARY_SOCKET), 0);
	free(other);
	/* What could not be typed like that is not said. */
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		other = said_of(strange[i]);
		assert_string_equal(other, usual);
		free(other);
	}
	free(usual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_in_words),
		cmocka_unit_test(misspelt),
		cmocka_unit_test(not_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
