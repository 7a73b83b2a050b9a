// SPDX-License-Identifier: MIT
/*
 * options.c - the command line of ksense.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../canary/canary.h"
#include "../core/json.h"
#include "../core/request.h"
#include "../core/version.h"
#include "../host/host.h"
#include "ksense.h"

/* Where the module listens, if it was not told otherwise. */

enum {
	OPT_XEN = 1, OPT_SOCKET, OPT_HOST, OPT_FOLDER, OPT_RING, OPT_TIMEOUT, OPT_FILTER, OPT_SINCE, OPT_MAX,
	OPT_RECORD,
	OPT_PEEK, OPT_RUN, OPT_RAW, OPT_FOLLOW, OPT_INTERVAL, OPT_TABLE, OPT_JSON, OPT_WIDE, OPT_HELP, OPT_VERSION,
	OPT_ONCE, OPT_WATCH, OPT_CHECKS, OPT_ACCEPT, OPT_REQUIRE, OPT_HEARTBEAT, OPT_STRICT, OPT_NOBODY, OPT_STAMP,
	OPT_EPOCH, OPT_WAIT, OPT_ANNOUNCE,
};

/* Digits are options for their message alone. */
static const char shorts[] = "h0123456789";

static const struct option longs[] = {
	{ "xen", no_argument, NULL, OPT_XEN },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "host", no_argument, NULL, OPT_HOST },
	{ "folder", required_argument, NULL, OPT_FOLDER },
	{ "ring", required_argument, NULL, OPT_RING },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "filter", required_argument, NULL, OPT_FILTER },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "epoch", required_argument, NULL, OPT_EPOCH },
	{ "max", required_argument, NULL, OPT_MAX },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "peek", no_argument, NULL, OPT_PEEK },
	{ "run", no_argument, NULL, OPT_RUN },
	{ "announce", no_argument, NULL, OPT_ANNOUNCE },
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "table", no_argument, NULL, OPT_TABLE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "wide", no_argument, NULL, OPT_WIDE },
	{ "stamp", no_argument, NULL, OPT_STAMP },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "watch", no_argument, NULL, OPT_WATCH },
	{ "checks", required_argument, NULL, OPT_CHECKS },
	{ "accept", required_argument, NULL, OPT_ACCEPT },
	{ "require", required_argument, NULL, OPT_REQUIRE },
	{ "heartbeat", required_argument, NULL, OPT_HEARTBEAT },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "nobody", no_argument, NULL, OPT_NOBODY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* === Errors ============================================================= */

/* The command, as soon as it is known; else NULL. */
static const char *command_given;

static _Noreturn void hint(void)
{
	if (command_given)
		fprintf(stderr, "Try 'ksense %s --help'.\n", command_given);
	else
		fputs("Try 'ksense --help'.\n", stderr);
	exit(EXIT_USAGE);
}

__attribute__((format(printf, 1, 2)))
static _Noreturn void usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_args(format, args);
	va_end(args);
	hint();
}

/* === Values ============================================================= */

static uint64_t read_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || number < min || number > max)
		usage("--%s takes a whole number from %llu to %llu, not '%s'", option, (unsigned long long)min,
		      (unsigned long long)max, text);
	return number;
}

/* Of an option, or of a variable of the environment: named as its user types it. */
static double read_seconds(const char *named, const char *text)
{
	double seconds;
	char *end;

	errno = 0;
	seconds = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(seconds) || seconds < 0.001 || seconds > 1e6)
		usage("%s takes seconds, 0.001 to 1000000, not '%s'", named, text);
	return seconds;
}

const char *const sources_required[] = { "xen", "module", "toolstack", "xenstore", NULL };

/* Its bit. */
static uint32_t read_source(const char *name)
{
	for (uint32_t i = 0; sources_required[i]; i++)
		if (!strcmp(sources_required[i], name))
			return 1U << i;
	usage("--require takes xen, module, toolstack or xenstore, not '%s'", name);
}

/*
 * Which value @text is, as the sensors read it (jansson takes no integers beyond 63 bits);
 * KS_JSON_ERROR: it is no JSON.
 */
static enum ks_json_token text_type(const char *text)
{
	struct ks_json json;
	enum ks_json_token token;

	ks_json_init(&json, text, strlen(text), false);
	token = ks_json_next(&json);
	return ks_json_skip(&json, token) && ks_json_next(&json) == KS_JSON_END ? token : KS_JSON_ERROR;
}

/* @text without the white space of JSON's around it: a newline there would end the request. */
static char *strip(char *text)
{
	static const char white[] = " \t\r\n";
	size_t len;

	text += strspn(text, white);
	len = strlen(text);
	while (len && strchr(white, text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* A string that needs no quotes, with them. */
static const char *quote(const char *member, const char *text)
{
	json_t *string = json_string(text);
	const char *quoted;

	if (!string)
		usage("--filter %s=...: the value is not valid UTF-8", member);
	quoted = json_dumps(string, JSON_ENCODE_ANY);
	if (!quoted)
		usage("no memory");
	json_decref(string);
	return quoted;
}

/* MEMBER=VALUE.  What is allocated here lives as long as the process. */
static struct ksense_filter read_filter(char *text)
{
	struct ksense_filter filter = { .member = text };
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		usage("--filter takes MEMBER=VALUE, not '%s'", text);
	*equals = '\0';
	switch (text_type(equals + 1)) {
	case KS_JSON_OBJECT:
	case KS_JSON_ARRAY:
		usage("--filter %s=%s: a value is a string, a number, true, false or null", filter.member, equals + 1);
	case KS_JSON_ERROR:
		filter.value = quote(filter.member, equals + 1);
		break;
	default:
		filter.value = strip(equals + 1);
		break;
	}
	return filter;
}

/* === Commands =========================================================== */

static const char *command_name(int command)
{
	static const char *const others[COMMANDS - KS_COMMANDS] = { "raw", "compare", "lock" };

	return command < KS_COMMANDS ? ks_command_names[command] : others[command - KS_COMMANDS];
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int distance(const char *a, const char *b)
{
	/* d[i][j]: between the first i characters of @a and the first j of @b */
	unsigned int d[32][32];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > 31 || b_len > 31)
		return UINT_MAX;
	for (unsigned int i = 0; i <= a_len; i++) {
		for (unsigned int j = 0; j <= b_len; j++) {
			d[i][j] = i + j;
			if (!i || !j)
				continue;
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_len][b_len];
}

/*
 * Whether a word that is no command may be answered with this one: not where somebody who meant
 * something else and takes the proposal loses what cannot be had back.
 */
static bool proposable(int command)
{
	return command != CMD_LOCK && command != KS_CMD_RESET && command != KS_CMD_OFF;
}

static int find_command(const char *word)
{
	/* a slip of the finger is nearer than that */
	unsigned int best = strlen(word) < 6 ? 2 : 3;
	int nearest = -1;

	for (int i = 0; i < COMMANDS; i++) {
		unsigned int d = distance(word, command_name(i));

		/* A connection's own business. */
		if (i == KS_CMD_SUBSCRIBE || i == KS_CMD_UNSUBSCRIBE) {
			if (!d)
				usage("'%s' is for programs; did you mean 'records --follow'?", word);
			continue;
		}
		if (!d)
			return i;
		if (d < best || (d == best && !proposable(i))) {
			best = d;
			nearest = i;
		}
	}
	if (nearest >= 0 && proposable(nearest))
		usage("there is no command '%s'; did you mean '%s'?", word, command_name(nearest));
	if (nearest < 0 && distance(word, "help") <= 2)
		usage("there is no command '%s'; did you mean 'help'?", word);
	usage("there is no command '%s'", word);
}

/* getopt() has said that the option @word is none. */
static void propose_option(const char *word)
{
	char name[32];
	unsigned int best;
	const char *nearest = NULL;

	if (strncmp(word, "--", 2) || snprintf(name, sizeof(name), "%s", word + 2) >= (int)sizeof(name))
		return;
	name[strcspn(name, "=")] = '\0';
	/* As with a command.  One with an argument too few, or too many, is what was meant. */
	best = strlen(name) < 6 ? 2 : 3;
	for (const struct option *option = longs; option->name; option++) {
		unsigned int d = distance(name, option->name);

		if (!d)
			return;
		if (d < best && option->val != OPT_NOBODY) {
			best = d;
			nearest = option->name;
		}
	}
	if (nearest)
		say("did you mean '--%s'?", nearest);
}

/* === Help =============================================================== */

/* Of the command called @word, or of all. */
static _Noreturn void show_help(const char *word)
{
	help_show(word && strcmp(word, "help") ? find_command(word) : -1);
	exit(flush_output(0) ? EXIT_SAID_ERROR : EXIT_DONE);
}

/*
 * Shows the help and ends, if -h or --help stands somewhere, whatever else is wrong, or if that is
 * the command.  Else the command, if it is one, is known from here on.
 */
static void help_first(int argc, char **argv)
{
	/* getopt() puts the words behind the options, for good. */
	char **words = calloc((size_t)argc + 1, sizeof(*words));
	bool wanted = false;
	int option;

	if (!words)
		usage("no memory");
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	opterr = 0;
	while ((option = getopt_long(argc, words, shorts, longs, NULL)) != -1)
		wanted |= option == 'h' || option == OPT_HELP;
	opterr = 1;
	if (optind < argc && !strcmp(words[optind], "help")) {
		if (optind + 2 < argc)
			usage("help takes one command: '%s' is one too many", words[optind + 2]);
		show_help(words[optind + 1]);
	}
	if (wanted)
		show_help(words[optind]);
	for (int i = 0; optind < argc && i < COMMANDS; i++)
		if (help_has(i) && !strcmp(words[optind], command_name(i)))
			command_given = command_name(i);
	free(words);
	optind = 0; /* from the start again */
}

/* === Interface ========================================================== */

/* Which options were given, a bit each, to see those that do not go together. */
static uint64_t given;

#define bit(option) (1ULL << (option))
#define records_only \
	(bit(OPT_FILTER) | bit(OPT_SINCE) | bit(OPT_EPOCH) | bit(OPT_MAX) | bit(OPT_RECORD) | bit(OPT_PEEK) | \
	 bit(OPT_RUN) | bit(OPT_ANNOUNCE) | bit(OPT_RAW) | bit(OPT_FOLLOW) | bit(OPT_INTERVAL))
#define compare_only \
	(bit(OPT_ONCE) | bit(OPT_WATCH) | bit(OPT_CHECKS) | bit(OPT_ACCEPT) | bit(OPT_REQUIRE) | bit(OPT_HEARTBEAT) | \
	 bit(OPT_STRICT) | bit(OPT_WAIT))

/* The name of one of the options in @mask that were given, or NULL. */
static const char *given_one(uint64_t mask)
{
	for (const struct option *option = longs; option->name; option++)
		if (given & mask & bit(option->val))
			return option->name;
	return NULL;
}

/* ITEM, the last argument. */
static const char *read_item(const char *command, const char *text)
{
	json_t *item;

	if (!text || !*text)
		usage("%s takes a target and an item", command);
	item = json_string(text);
	if (!item)
		usage("%s: the item is not valid UTF-8", command);
	json_decref(item);
	return text;
}

/*
 * What takes something away wants its target written, and not as an empty word, which a script's
 * variable may have become: nobody is to lose everything because he forgot one.
 */
static void check_target(const struct options *o)
{
	const char *target = o->request.target;
	bool written = target && *target;

	if (o->nobody && target)
		usage("lock takes a domain or --nobody, not both");
	if (o->command == CMD_LOCK && !o->nobody && !written)
		usage("lock takes a domain; to hand the sensor to nobody, write: lock --nobody");
	if ((o->command == KS_CMD_RESET || o->command == KS_CMD_OFF) && !written)
		usage("%s takes a target; for all probes, write: %s '*'", o->request.command, o->request.command);
}

static void check_together(struct options *o)
{
	static const uint64_t media = bit(OPT_XEN) | bit(OPT_SOCKET) | bit(OPT_HOST);
	const char *wrong;

	if ((given & media) & ((given & media) - 1))
		usage("--xen, --socket and --host exclude each other");
	if ((given & bit(OPT_TABLE)) && (given & bit(OPT_JSON)))
		usage("--table and --json exclude each other");
	wrong = given_one(compare_only);
	if (wrong && o->command != CMD_COMPARE)
		usage("--%s goes with the command compare", wrong);
	if (o->nobody && o->command != CMD_LOCK)
		usage("--nobody goes with the command lock");
	if ((given & bit(OPT_ONCE)) && (given & bit(OPT_WATCH)))
		usage("--once and --watch exclude each other");
	if ((given & bit(OPT_HEARTBEAT)) && !o->watch)
		usage("--heartbeat goes with --watch");
	if (o->command == CMD_COMPARE && given_one(bit(OPT_XEN) | bit(OPT_HOST)))
		usage("compare asks Xen and Dom0: no --xen, no --host");
	wrong = given_one(records_only & ~(o->command == CMD_COMPARE ? bit(OPT_INTERVAL) : 0));
	if (wrong && o->command != KS_CMD_RECORDS)
		usage("--%s goes with the command records%s", wrong, strcmp(wrong, "interval") ? "" : ", or compare");
	wrong = given_one(bit(OPT_FOLDER) | bit(OPT_RING));
	if (wrong && o->medium != MEDIUM_HOST)
		usage("--%s goes with --host", wrong);
	wrong = given_one(bit(OPT_FILTER) | bit(OPT_SINCE) | bit(OPT_MAX) | bit(OPT_RUN) | bit(OPT_ANNOUNCE) |
			  bit(OPT_FOLLOW));
	if (wrong && (given & bit(OPT_RECORD)))
		usage("--%s does not go with --record", wrong);
	if (o->request.announce && !o->request.peek)
		usage("--announce goes with --peek: who takes records gets none of that sample");
	if ((given & bit(OPT_EPOCH)) && !o->request.has_since)
		usage("--epoch goes with --since");
	if ((given & bit(OPT_INTERVAL)) && !o->follow && !o->watch)
		usage(o->command == CMD_COMPARE ? "--interval goes with --watch" : "--interval goes with --follow");
	if (o->command == CMD_LOCK && o->medium != MEDIUM_XEN)
		usage("lock is for the sensor in Xen: --xen");
	if (o->command == CMD_RAW && given_one(bit(OPT_TABLE) | bit(OPT_JSON) | bit(OPT_WIDE) | bit(OPT_STAMP)))
		usage("raw passes lines as they are: no --table, --json, --wide or --stamp");
	if ((given & bit(OPT_TABLE)) && o->stamp)
		usage("--stamp goes with --json");
	check_target(o);
}

static void read_option(struct options *o, int option, char *value)
{
	struct ksense_request *r = &o->request;

	switch (option) {
	case OPT_XEN:
		o->medium = MEDIUM_XEN;
		break;
	case OPT_SOCKET:
		if (!*value)
			usage("--socket takes a path");
		o->medium = MEDIUM_SOCKET;
		o->socket = value;
		break;
	case OPT_HOST:
		o->medium = MEDIUM_HOST;
		break;
	case OPT_FOLDER:
		o->folder = value;
		break;
	case OPT_RING:
		o->ring_bytes = (uint32_t)read_number("ring", value, KS_RING_MIN, 1 << 30);
		break;
	case OPT_TIMEOUT:
		o->timeout_ms = (int)(read_seconds("--timeout", value) * 1000);
		break;
	case OPT_FILTER:
		if (r->filters_count == FILTERS_MAX)
			usage("more than %d filters", FILTERS_MAX);
		o->filters[r->filters_count] = read_filter(value);
		for (size_t i = 0; i < r->filters_count; i++)
			if (!strcmp(o->filters[i].member, o->filters[r->filters_count].member))
				usage("two filters for the member '%s', which has one value", o->filters[i].member);
		r->filters_count++;
		break;
	case OPT_SINCE:
		r->has_since = true;
		r->since = read_number("since", value, 0, UINT64_MAX);
		break;
	case OPT_EPOCH:
		r->has_epoch = true;
		r->epoch = (uint32_t)read_number("epoch", value, 0, UINT32_MAX);
		break;
	case OPT_MAX:
		r->has_max = true;
		r->max = read_number("max", value, 0, UINT64_MAX);
		break;
	case OPT_RECORD:
		r->has_record = true;
		r->record = read_number("record", value, 0, UINT64_MAX);
		break;
	case OPT_PEEK:
		r->peek = true;
		break;
	case OPT_RUN:
		r->run = true;
		break;
	case OPT_ANNOUNCE:
		r->announce = true;
		break;
	case OPT_RAW:
		r->raw = true;
		break;
	case OPT_FOLLOW:
		o->follow = true;
		break;
	case OPT_INTERVAL:
		o->interval_s = read_seconds("--interval", value);
		o->poll = true;
		break;
	case OPT_TABLE:
		o->table = true;
		break;
	case OPT_JSON:
		o->table = false;
		break;
	case OPT_WIDE:
		o->wide = true;
		break;
	case OPT_STAMP:
		o->stamp = true;
		break;
	case OPT_ONCE:
		break;
	case OPT_WATCH:
		o->watch = true;
		break;
	case OPT_CHECKS:
		o->checks = value;
		break;
	case OPT_ACCEPT:
		if (o->accept_count == ACCEPTED_MAX)
			usage("more than %d times --accept", ACCEPTED_MAX);
		o->accept[o->accept_count++] = value;
		break;
	case OPT_REQUIRE:
		o->require |= read_source(value);
		break;
	case OPT_HEARTBEAT:
		o->heartbeat_s = read_seconds("--heartbeat", value);
		break;
	case OPT_STRICT:
		o->strict = true;
		break;
	case OPT_WAIT:
		o->wait_ms = (int)(read_seconds("--wait", value) * 1000);
		break;
	case OPT_NOBODY:
		o->nobody = true;
		break;
	case OPT_VERSION:
		puts("ksense " KS_VERSION);
		exit(flush_output(0) ? EXIT_SAID_ERROR : EXIT_DONE);
	case '0' ... '9':
		usage("there is no option '-%c', and no number here is negative; an item that begins so stands behind "
		      "'--'",
		      option);
	default:
		hint(); /* getopt said what is wrong */
	}
	given |= bit(option);
}

void options_read(struct options *o, int argc, char **argv)
{
	const char *socket = getenv("KSENSE_SOCKET"), *timeout = getenv("KSENSE_TIMEOUT");
	static char name[] = "ksense";
	int option;

	*o = (struct options){
		.timeout_ms = KSENSE_TIMEOUT_MS,
		.interval_s = 1,
		.folder = ".",
		.ring_bytes = KS_HOST_RING_BYTES,
	};
	o->request.filters = o->filters;
	if (socket && *socket) {
		o->medium = MEDIUM_SOCKET;
		o->socket = socket;
	}
	o->table = isatty(STDOUT_FILENO);
	help_first(argc, argv);
	/* Its messages begin as all others do, however the command was called. */
	argv[0] = name;
	while ((option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (option == '?')
			propose_option(argv[optind - 1]);
		read_option(o, option, optarg);
	}
	if (timeout && *timeout && !(given & bit(OPT_TIMEOUT)))
		o->timeout_ms = (int)(read_seconds("KSENSE_TIMEOUT", timeout) * 1000);
	if (optind == argc)
		usage("a command is missing");
	o->command = find_command(argv[optind++]);
	o->request.command = command_name(o->command);
	if (optind < argc && o->command == CMD_RAW)
		usage("raw takes no target: it stands in the lines");
	if (optind < argc && o->command == CMD_COMPARE)
		usage("compare takes no target: what is compared stands in the file of --checks");
	if (optind < argc)
		o->request.target = argv[optind++];
	if (o->command == KS_CMD_ADD || o->command == KS_CMD_REMOVE) {
		o->request.item = read_item(o->request.command, optind < argc ? argv[optind] : NULL);
		optind++;
	}
	if (optind < argc)
		usage("one target only: '%s' is one too many", argv[optind]);
	check_together(o);
	if (o->stamp)
		o->table = false;
	if (o->command == CMD_COMPARE && !o->socket)
		o->socket = CANARY_SOCKET;
	/*
	 * Who wants just so many, a fresh sample at each look, or raw bytes, asks for records each
	 * time.
	 */
	if (o->request.has_max || o->request.run || o->request.announce || o->request.raw)
		o->poll = true;
	/* A sensor that has just started has nothing to tell yet. */
	if (o->medium == MEDIUM_HOST && o->command == KS_CMD_RECORDS && !o->request.has_record && !o->follow)
		o->request.run = true;
}
