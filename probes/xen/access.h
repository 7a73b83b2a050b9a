/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access.h - who may ask the sensor inside Xen: the lock (lock.c), and who was refused (access.c).
 */
#ifndef KS_XEN_ACCESS_H
#define KS_XEN_ACCESS_H

#include <public/xen.h>

#include "../../core/serve.h"

struct domain;

/* === lock.c ============================================================= */

enum ks_right { KS_NOTHING, KS_READ, KS_CONTROL };

/* What stands for one of them in records and options. */
extern const char ks_right_names[3][8];

/* What the lock leaves to @d, whatever XSM says of it. */
enum ks_right ks_lock_right(const struct domain *d);

/* XEN_SENSE_OP_lock, by the current domain, which is a control domain that XSM allows to control the sensor: its errors. */
int ks_lock_to(uint32_t domid);

struct ks_lock_state {
	bool locked;
	bool alive;                /* the sensing domain is neither destroyed nor shut down */
	int32_t by, sensing;       /* the domain that locked, and the one that it named; -1: none */
	xen_domain_handle_t uuid;  /* of the sensing domain, as it was then */
	uint64_t locked_ns;        /* since boot; 0: not yet */
	enum ks_right dom0;        /* what a control domain may now */
};

void ks_lock_get(struct ks_lock_state *state);

/* For struct ks_sensor_config: the word "dom0=", and the member "lock" of the status. */
bool ks_lock_option(const char *word, size_t bytes);
void ks_lock_put_status(struct ks_text *out);

/* === access.c =========================================================== */

/*
 * The current domain was refused @op of the hypercall; or, of an exchange, the command @command (KS_COMMANDS: the request was not read).
 * Bounded, whoever that domain is and however often it comes.
 */
void ks_access_denied(unsigned int op, unsigned int command);

/* The same, for struct ks_sensor_config. */
void ks_access_denied_request(const struct ks_caller *caller, const struct ks_request *request);

#endif /* KS_XEN_ACCESS_H */
