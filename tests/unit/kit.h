/* SPDX-License-Identifier: MIT */
/*
 * kit.h - what the tests share: a sensor with test probes, a client that asks it and has every
 * line judged, and probes to order.
 */
#ifndef TESTS_KIT_H
#define TESTS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../core/line.h"
#include "../../core/serve.h"
#include "judge.h"
#include "port.h"

#define SECOND 1000000000ULL
#define NONCE "4f1c0e6a9d2b4c58a7e3"

/* === A sensor =========================================================== */

extern struct ks_sensor kit_sensor;
extern struct ks_caller kit_caller;

/*
 * Starts the sensor "test" with @count probes; kit_config is what it is started with and may be
 * changed before.
 */
extern struct ks_sensor_config kit_config;
void kit_prepare(const struct ks_probe_type *const *types, unsigned int count);
void kit_start(const struct ks_probe_type *const *types, unsigned int count);
/*
 * Takes away each probe's record 0 of how its count began, for tests that are about other records:
 * they count from 0 on.
 */
void kit_forget_began(void);
/* Stops it; everything that was allocated must be free again, and no work left. */
void kit_stop(void);

/* For cmocka: a sensor with two quiet probes, "alpha" and "beta", and no record yet. */
int kit_setup(void **state);
int kit_teardown(void **state);

/* A probe that does nothing by itself: the test makes its records. */
extern const struct ks_probe_type kit_alpha, kit_beta;

/* Makes @count records {..., "kind": @kind, "n": seq} of probe @i. */
void kit_records(unsigned int i, unsigned int count, const char *kind);

/* The seq of the oldest record that probe @i holds; it has one. */
uint64_t kit_first_held(unsigned int i);

/* === A client =========================================================== */

/*
 * Memory for one call of ks_serve() that may write @bytes, and the check that it wrote no more;
 * free() it.
 */
char *kit_out(size_t bytes);
void kit_out_check(const char *buf, size_t bytes);

/* The bytes that one call of ks_serve() may write; KS_LINE_MAX at first. */
extern size_t kit_out_bytes;
/* How many calls the last answer took. */
extern unsigned int kit_calls;
/* The version that the connection has agreed on; none at first. */
extern enum ks_version kit_session;

/* What came back: an array of lines, each judged.  Good until the next kit_ask(). */
json_t *kit_ask(const char *text);
json_t *kit_ask_bytes(const char *text, size_t len);
/* The raw bytes that came with the last answer, one behind the other. */
extern char kit_raw[65536];
extern size_t kit_raw_bytes;

/*
 * Asks in version 0.1 or 0.2 with NONCE: kit_command("records", "alpha", "{\"peek\": true}"); the
 * third may be NULL.
 */
json_t *kit_command(const char *command, const char *target, const char *options);
json_t *kit_command_0_2(const char *command, const char *target);

/*
 * The word of a reply of one line: kit_word(kit_command("on", "alpha", NULL)); "error:CODE" for an
 * error.
 */
const char *kit_word(const json_t *lines);

/* The records of an answer to "records": how many, and the i-th. */
size_t kit_count(const json_t *lines);
const json_t *kit_record(const json_t *lines, size_t i);
/* A member of the i-th record. */
const char *kit_text(const json_t *lines, size_t i, const char *member);
uint64_t kit_number(const json_t *lines, size_t i, const char *member);

/*
 * The seqs of an answer to "records", as in "0 1 2"; a record of kind "lost" as in "lost(0-4:5)".
 */
const char *kit_seqs(const json_t *lines);

/*
 * Feeds @text as a stream in pieces of @piece bytes to the line reader and serves what comes out:
 * the server's loop.
 */
json_t *kit_stream(const char *text, size_t len, size_t piece);

#endif /* TESTS_KIT_H */
