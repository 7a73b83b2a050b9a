/* SPDX-License-Identifier: MIT */
/*
 * libksense.h - a client of the kernel sensors: of the one in Xen, by hypercall, and of those
 * behind a UNIX stream socket.
 *
 *	struct ksense *k = ksense_new();
 *	struct ksense_request request = { .command = "records", .target = "xen-domains" };
 *	struct ksense_line line;
 *	int got;
 *
 *	if (ksense_open_xen(k) || ksense_ask(k, &request))
 *		errx(1, "%s", ksense_message(k));
 *	while ((got = ksense_next(k, &line)) > 0)
 *		if (line.kind == KSENSE_RECORD)
 *			printf("%.*s\n", (int)line.body_bytes, line.body);
 *	if (got < 0 || ksense_error(k))
 *		errx(1, "%s", ksense_message(k));
 *	ksense_free(k);
 *
 * A handle is for one thread at a time.  The library starts no threads, installs no signal
 * handlers, prints nothing, and never raises SIGPIPE.  It does not take records from the sensor
 * behind your back: on Xen the records of one call (some KiB) count as delivered when
 * ksense_next() has handed them all out and is called again, the last ones of a reply when they
 * arrive; on a socket when the server has written them.
 */
#ifndef LIBKSENSE_H
#define LIBKSENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library is compiled with everything else hidden. */
#pragma GCC visibility push(default)

/* A request line, its newline included, is not longer. */
#define KSENSE_REQUEST_MAX 4096
/* A reply line, its newline included; and the raw bytes behind one. */
#define KSENSE_LINE_MAX 65536
#define KSENSE_RAW_MAX 65536
#define KSENSE_TIMEOUT_MS 10000

/* What went wrong last, see ksense_error(). */
enum ksense_error {
	KSENSE_OK,

	/* The sensor said so, in an error reply. */
	KSENSE_SYNTAX,
	KSENSE_VERSION,
	KSENSE_NONCE,
	KSENSE_COMMAND,
	KSENSE_TARGET,
	KSENSE_ARGUMENT,
	KSENSE_TOO_LONG,
	KSENSE_DENIED,
	KSENSE_BUSY,
	KSENSE_NO_MEMORY,
	/* with a code that this library does not know; the message starts with it */
	KSENSE_OTHER,

	/* There is no talking to a sensor. */
	/* none there: no Xen, Xen has none, it is off, nobody listens at the socket */
	KSENSE_NO_SENSOR,
	KSENSE_NOT_ALLOWED,  /* by the file's mode, by Linux, or by Xen */
	/* nothing came in time; nothing is lost by it, ksense_next() may be called again */
	KSENSE_TIMEOUT,
	/* the server closed the connection in the middle of a reply, or before it */
	KSENSE_GONE,
	KSENSE_GARBLED,      /* what came is not the protocol */

	/* On this side. */
	KSENSE_MISUSE,       /* of this library, or a request that cannot be built */
	KSENSE_SYSTEM,       /* a system call failed, or there is no memory */
};

struct ksense;

/* === Connection ========================================================= */

/* A handle that is not connected, or NULL: no memory. */
struct ksense *ksense_new(void);

/* Closes and frees everything; NULL is fine. */
void ksense_free(struct ksense *k);

/*
 * Connects: to the sensor of the Xen that runs this machine; to the UNIX stream socket at @path
 * ("@name": an abstract one); or to @fd, the client's end of a connected stream socket, which the
 * handle owns from then on.  0, or -1 with ksense_error() and ksense_message().  A handle that is
 * connected already is closed first.
 */
int ksense_open_xen(struct ksense *k);
int ksense_open_socket(struct ksense *k, const char *path);
int ksense_open_fd(struct ksense *k, int fd);
void ksense_close(struct ksense *k);

/*
 * How long to wait for the next line, and for room to send; negative: for ever.  At first
 * KSENSE_TIMEOUT_MS.
 */
void ksense_set_timeout(struct ksense *k, int ms);

/* The socket, for poll(); -1 on Xen and when closed. */
int ksense_fd(const struct ksense *k);

/*
 * The last error of this handle, and a sentence about it, for a person: what is wrong and what to
 * do.  It is harmless in the sense of ksense_harmless(), whatever a server said.  Each of the
 * functions that can fail starts by forgetting it; so ksense_next() at the end of a reply does
 * not.
 */
enum ksense_error ksense_error(const struct ksense *k);
const char *ksense_message(const struct ksense *k);

/*
 * The protocol's name of a code that a sensor says ("too-long"), or one of this library's for the
 * others ("no-sensor").
 */
const char *ksense_error_name(enum ksense_error error);

/* === Requests =========================================================== */

/* A member that a record must have.  At most 8 in one request, the sensors say. */
struct ksense_filter {
	const char *member;
	/*
	 * JSON text of a string (with its quotes), a number, true, false or null,
	 * and nothing around it
	 */
	const char *value;
};

/* All zero but for what is wanted. */
struct ksense_request {
	/* "discovery", ..., "records", "status", "subscribe", ... */
	const char *command;
	const char *target;                   /* a name or uuid; NULL: "*" */
	const char *item;                     /* for "add" and "remove", in UTF-8 */
	/* for "records"; filters, since and peek for "subscribe" too */
	const struct ksense_filter *filters;
	size_t filters_count;
	bool has_since, has_max, has_record, has_epoch;
	uint64_t since;                       /* records with this seq and later ones */
	uint64_t max;                         /* at most so many */
	/* this one, if it is still held; it is not consumed */
	uint64_t record;
	bool peek;                            /* do not consume */
	bool run;                             /* after a fresh sample */
	bool raw;                             /* raw bytes as such, behind their line */
	bool announce;                        /* one of the probe's own passes is to record all */
	uint32_t epoch;                       /* with since: of which count it is */
};

/*
 * Writes the request line for @request, newline included, with a new random nonce of 32 hex
 * digits.  The number of bytes, or -1: KSENSE_MISUSE (longer than @size, a filter's value that is
 * no JSON scalar) or KSENSE_SYSTEM (no random bytes).
 */
int ksense_build(struct ksense *k, const struct ksense_request *request, char *line, size_t size);

/* Builds and sends @request.  0 or -1.  The reply is then read with ksense_next(). */
int ksense_ask(struct ksense *k, const struct ksense_request *request);

/*
 * Sends @bytes bytes as they are: one request line, with or without newline.  For those who have
 * lines of their own; the reply is then read with ksense_next().  On Xen, a line that is longer
 * than KSENSE_REQUEST_MAX is answered "too-long" here, as a server on a socket does it.  0 or -1.
 *
 * Like ksense_ask() this fails, KSENSE_MISUSE, while the reply to the last request has not been
 * read to its end: on a socket the two would mix.  Who does not want the rest reads it, or calls
 * ksense_close().
 */
int ksense_send(struct ksense *k, const char *line, size_t bytes);

/* === Replies ============================================================ */

enum ksense_kind {
	KSENSE_RECORD,   /* [nonce, id, record]: more lines follow */
	KSENSE_PUSHED,   /* the same, of a subscription: belongs to no reply */
	/* [nonce, word, value], the reply to discovery and status: the last line */
	KSENSE_ANSWER,
	/*
	 * [nonce, word]: the last line; word is the new state or level, or the target of records
	 */
	KSENSE_DONE,
	/*
	 * [nonce, "error", {...}], or {} to a session line: the last line; ksense_error() tells it
	 */
	KSENSE_REFUSED,
	KSENSE_SESSION,  /* not a reply but the answer to a session line: the last line */
};

/*
 * All pointers are into the handle's memory and good until the next call with it; nothing is
 * NUL-terminated.
 */
struct ksense_line {
	enum ksense_kind kind;
	const char *text;        /* the whole line as it came, without its newline */
	size_t bytes;
	/* the second element of the reply, a string: what stands between its quotes */
	const char *word;
	size_t word_bytes;
	/* JSON text of the third element as it came: a record, or an answer's value */
	const char *body;
	size_t body_bytes;
	bool has_raw;            /* the line holds {"type": "raw", "length": n}, ... */
	const void *raw;         /* ... and these are the bytes that followed it */
	size_t raw_bytes;
};

/*
 * While the connection is subscribed (from the KSENSE_DONE of "subscribe" to that of
 * "unsubscribe"; sockets only), ksense_next() hands out what is pushed as well: between replies,
 * and it waits for it when no reply is due.  Then a time-out only says that there was nothing new.
 *
 * The next line of the reply: 1, with *@line filled in; 0 after the last one; -1 on an error.
 * That the sensor refused is not an error of this call: the line that says so is handed out like
 * any other.  Every line was seen to be strict JSON, and to answer the nonce of the request (of
 * ksense_ask(); after ksense_send() the nonce is not looked at).
 */
int ksense_next(struct ksense *k, struct ksense_line *line);

/*
 * For whoever sends by himself on ksense_fd(), many requests ahead: the next line of whatever
 * reply; 0 when the server has closed the connection after a whole line.  Sockets only.
 */
int ksense_next_any(struct ksense *k, struct ksense_line *line);

/* Whether the connection is subscribed. */
bool ksense_subscribed(const struct ksense *k);

/*
 * Whether the next ksense_next() gives a line without asking the sensor or waiting: output may
 * stay buffered until then.
 */
bool ksense_buffered(const struct ksense *k);

/* === Showing it ========================================================= */

/*
 * What a sensor says may hold what others chose: the name of a process, of a file, of a domain.  A
 * terminal obeys control characters, and a reader is deceived by characters that are not seen.
 * Writes @text with an escape, backslash, u and four hex digits (two such beyond U+FFFF), in the
 * place of each control character (C0, DEL, C1), each one that is invisible or turns the direction
 * of writing (Unicode's Default_Ignorable_Code_Point, U+2028 and U+2029, U+FFF9 to U+FFFB), and
 * each byte that is no valid UTF-8, as U+0080 to U+00FF.  All else is as it was; a text that went
 * through is not changed by going through again.
 *
 * @how: 0, or some of the flags.  The text is not cut within a character or an escape, and ends
 * with a NUL if @size is not 0.  The number of bytes that all of it has, without the NUL, as
 * snprintf() does it.
 */
enum {
	/* @text is a JSON text, and means the same afterwards. */
	KSENSE_HARMLESS_JSON = 1,
	/* Escape all that is not ASCII, for a terminal that knows no UTF-8. */
	KSENSE_HARMLESS_ASCII = 2,
};
size_t ksense_harmless(char *out, size_t size, const char *text, size_t bytes, unsigned int how);

/* === The lock of Xen's sensor =========================================== */

/*
 * Hands the sensor over to the domain @domid: from now on that one may do everything, and this one
 * what "sense=dom0=" on Xen's command line left to it.  With KSENSE_NO_DOMAIN to nobody: then
 * nobody can change a state or take records any more.  Once, until the host reboots: there is no
 * way back. Only Dom0 may, and not while the reply to a request is being read.
 *
 * 0, or -1: KSENSE_BUSY (it is locked already; its status tells to whom), KSENSE_TARGET (there is
 * no such domain, or it is being destroyed), KSENSE_ARGUMENT (that is this domain itself, or
 * another that controls the host), KSENSE_NOT_ALLOWED, KSENSE_NO_SENSOR (also: one that has no
 * lock yet), KSENSE_MISUSE (the sensor is behind a socket).
 */
#define KSENSE_NO_DOMAIN 0x7ff4U
int ksense_lock(struct ksense *k, uint32_t domid);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* LIBKSENSE_H */
