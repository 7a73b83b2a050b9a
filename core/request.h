/* SPDX-License-Identifier: MIT */
/*
 * request.h - one request line, read and checked.
 */
#ifndef KS_REQUEST_H
#define KS_REQUEST_H

#include "json.h"
#include "sensor.h"

#define KS_NONCE_MIN 16
#define KS_NONCE_MAX 40
#define KS_FILTERS_MAX 8
/* Values, keys and brackets in a line: the longest request that means something has 46. */
#define KS_REQUEST_TOKENS_MAX 50
/* Longer than every name and uuid; a longer target names nothing. */
#define KS_TARGET_MAX 64
/* What is added to a probe's list, or removed, without escapes. */
#define KS_ITEM_MAX 1024

/* Protocol versions, as minor numbers of 0.x. */
enum ks_version { KS_VERSION_NONE = 0, KS_VERSION_0_1 = 1, KS_VERSION_0_2 = 2, KS_VERSION_TOO_NEW = 3 };

enum ks_error {
	KS_OK,
	KS_ERR_SYNTAX,
	KS_ERR_VERSION,
	KS_ERR_NONCE,
	KS_ERR_COMMAND,
	KS_ERR_TARGET,
	KS_ERR_ARGUMENT,
	KS_ERR_TOO_LONG,
	KS_ERR_DENIED,
	KS_ERR_BUSY,
	KS_ERR_NO_MEMORY,
	KS_ERRORS
};

enum ks_line_kind {
	KS_LINE_EMPTY,    /* nothing to answer */
	KS_LINE_SESSION,  /* {"Virtue-protocol-version": v} */
	KS_LINE_REQUEST,
};

struct ks_filter {
	struct ks_json_value value;  /* a scalar */
	uint8_t key_bytes;
	char key[KS_JSON_KEY_MAX];
};

struct ks_request {
	enum ks_line_kind line;
	enum ks_error error;        /* KS_OK, or what is wrong with the line */
	const char *message;        /* and how; static text */
	enum ks_version version;    /* in which the reply is written */
	char nonce[KS_NONCE_MAX];
	uint8_t nonce_bytes;        /* 0: could not be read */
	enum ks_command command;
	char target[KS_TARGET_MAX];
	uint8_t target_bytes;
	/* of add and remove */
	uint16_t item_bytes;
	/* of records and subscribe */
	bool has_record, has_since, has_epoch, has_max, peek, run, announce, raw;
	uint64_t record, since, epoch, max;
	unsigned int filters;
	uint64_t filter_keys;       /* a bit for each key, which others may share: key_bit() */
	struct ks_filter filter[KS_FILTERS_MAX];
	char item[KS_ITEM_MAX];
};

/*
 * Reads @line (its end may be \n, \r\n, \r, NUL or nothing).  @session is the version that the
 * connection has agreed on, or KS_VERSION_NONE.  The request points into @line, which must stay.
 * Always answers: what is wrong is in request->error.
 */
void ks_request_parse(struct ks_request *request, const char *line, size_t bytes, enum ks_version session);

/* The request that stands for a line which was longer than KS_REQUEST_MAX. */
void ks_request_too_long(struct ks_request *request, enum ks_version session);

/* Whether the record, the JSON text of an object, has every member that the filter asks for. */
bool ks_request_matches(const struct ks_request *request, const char *record, size_t bytes);

extern const char *const ks_command_names[KS_COMMANDS];
extern const char *const ks_error_names[KS_ERRORS];

#endif /* KS_REQUEST_H */
