/* SPDX-License-Identifier: MIT */
/*
 * ksense.h - inside the command line tool.
 */
#ifndef KSENSE_H
#define KSENSE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "../core/sensor.h"
#include "../lib/libksense.h"

/* Exit statuses; documented in ksense(1). */
enum { EXIT_DONE = 0, EXIT_SAID_ERROR = 1, EXIT_USAGE = 2, EXIT_NO_SENSOR = 3 };

/* The commands of the protocol, and three more. */
enum { CMD_RAW = KS_COMMANDS, CMD_COMPARE, CMD_LOCK, COMMANDS };

#define FILTERS_MAX 64
#define ACCEPTED_MAX 64

/* What compare --require takes; NULL behind the last. */
extern const char *const sources_required[];

struct libscols_line;

struct options {
	enum { MEDIUM_XEN, MEDIUM_SOCKET, MEDIUM_HOST } medium;
	const char *socket;        /* MEDIUM_SOCKET: its path */
	const char *folder;        /* MEDIUM_HOST: what its folder probe looks at */
	uint32_t ring_bytes;       /* MEDIUM_HOST: of each probe */
	int timeout_ms;
	int command;               /* enum ks_command or CMD_... */
	struct ksense_request request;
	struct ksense_filter filters[FILTERS_MAX];
	bool follow;
	double interval_s;
	bool poll;                 /* follow by asking every interval_s, not by a subscription */
	bool table;                /* else JSON */
	bool wide;
	bool stamp;                /* JSON: say of each line when and whose it is */
	bool watch;                /* compare again and again */
	bool nobody;               /* lock: hand the sensor to nobody */
	const char *checks;        /* the file of what is compared; NULL: what is built in */
	/* names of checks, or reasons for which they are blind */
	const char *accept[ACCEPTED_MAX];
	size_t accept_count;
	uint32_t require;          /* a bit for each of sources_required */
	double heartbeat_s;        /* 0: none */
	int wait_ms;               /* 0: as long as the canary likes */
	bool strict;               /* notices count */
};

/* === options.c === */

/* Fills in @o from the command line; exits after --help, --version, and with EXIT_USAGE. */
void options_read(struct options *o, int argc, char **argv);

/*
 * How many single characters are to be changed, added, taken away or exchanged with the next to
 * make the one of the other; UINT_MAX for strings of more than 31 characters.
 */
unsigned int distance(const char *a, const char *b);

/* === help.c === */

/* Of this command, or of all: -1. */
void help_show(int command);
/* Whether there is help of this command: not of those that are for programs. */
bool help_has(int command);

/* === ksense.c === */

/* Connects as the options say.  0 or -1. */
int reconnect(struct ksense *k, const struct options *o);

/* Says on stderr what went wrong with @k.  The exit status for it. */
int report(const struct ksense *k);
/* With @advice behind it, if it was not the sensor that said so. */
int report_with(const struct ksense *k, const char *advice);

/*
 * Says what went wrong with the reply to @o's request, as report() does; of a name that the sensor
 * does not know, which one may be meant.  The exit status for it.
 */
int report_reply(struct ksense *k, const struct options *o);

/*
 * Writes out what stdout holds.  0, or -1 after saying on stderr that it could not be written, and
 * that @taken records were taken from the sensor in the meantime.
 */
int flush_output(uint64_t taken);

/* As canary_body() (../canary/body.h); NULL, with a message, when there is no memory. */
json_t *parse_body(const struct ksense_line *line);

/* === commands.c, follow.c, lock.c, raw.c, compare.c: the exit status === */

int run_command(struct ksense *k, const struct options *o);
int run_follow(struct ksense *k, const struct options *o);
int run_lock(struct ksense *k, const struct options *o);
int run_raw(struct ksense *k, const struct options *o);
int run_compare(const struct options *o);

/* === follow.c: until interrupted === */

/*
 * The first SIGINT or SIGTERM lets what is under way end, so that nothing is taken and not shown;
 * the second kills.
 */
void catch_signals(void);
bool was_interrupted(void);
/* The signal that did it; 0: none did. */
int interrupted_by(void);
/* Sleeps; false when interrupted.  With @fd not -1, until there is something to read. */
bool pause_for(double seconds, int fd);

/* === stamp.c: lines === */

/* A record, or another line, in the form for scripts: as the sensor wrote it. */
void print_record_json(const struct ksense_line *line);
/* A line of this command's own. */
void print_json(const json_t *object);
/*
 * --stamp: from now on each line says that it is of the sensor that @k is connected to.  0, or -1
 * with ksense_error().
 */
int stamp_sensor(struct ksense *k);
/* Of this host, and of the sensor in its Xen, whose status that is; NULL: there is none. */
void stamp_host(const json_t *status);

/* === table.c: forms for a person === */

/* @records: an array of records, perhaps empty. */
void print_records(const json_t *records, bool wide);
/* One record in one line of text. */
void print_record_line(const json_t *record);
/* A value: a string without blanks and such as it is, all else as JSON. */
void print_plain(const json_t *value);
/* The same of a name. */
void print_name(const char *name);
/* Such a text in a cell of a table. */
void cell_set(struct libscols_line *line, size_t column, const char *text);
void print_discovery(const json_t *list);
void print_status(const json_t *status);
/*
 * Who has locked the sensor and for whom, a sentence without its end; @lock is the status's member
 * of that name.  The caller's; NULL: no memory.
 */
char *lock_text(const json_t *lock);

/* === sink.c: text that may be anybody's, made harmless (see ksense_harmless()) === */

void put_text(FILE *out, const char *text);
/* A JSON text, which means the same afterwards. */
void put_json(FILE *out, const char *text, size_t bytes);
void put_value(FILE *out, const json_t *value);
/* Bytes of no kind, to standard output: as they are, if that is no terminal. */
void put_bytes(const void *bytes, size_t count);
/* The text; and the value as JSON.  The caller's; NULL: no memory. */
char *harmless(const char *text, size_t bytes);
char *quoted(const json_t *value);
/* "ksense: ...", a line of its own on stderr: all messages. */
__attribute__((format(printf, 1, 2)))
void say(const char *format, ...);
__attribute__((format(printf, 1, 0)))
void say_args(const char *format, va_list args);

#endif /* KSENSE_H */
