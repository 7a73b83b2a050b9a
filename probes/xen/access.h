/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access.h - who asked the sensor inside Xen and was refused (access.c), what is done to
 * the policy that has a say in it (policy.c), and the live patches that could undo all
 * that (livepatch.c).
 */
#ifndef KS_XEN_ACCESS_H
#define KS_XEN_ACCESS_H

#include <xen/sense.h>
#include <public/xen.h>

#include "../../core/serve.h"
#include "handover.h"

struct domain;

/* === access.c =========================================================== */

/*
 * The current domain was refused @op of the hypercall; or, of an exchange, the command @command
 * (KS_COMMANDS: the request was not read). Bounded, whoever that domain is and however often it
 * comes.
 */
void ks_access_denied(unsigned int op, unsigned int command);

/* The current domain was refused to do @what to the policy of XSM, or with frames. */
void ks_access_denied_policy(enum sense_policy what);
void ks_access_denied_frames(enum sense_frames what);

/* The same of a command, for struct ks_sensor_config. */
void ks_access_denied_request(const struct ks_caller *caller, const struct ks_request *request);

/* === policy.c =========================================================== */

struct ks_policy_state {
	const char *module;        /* of XSM */
	bool enforcing, loaded;    /* what FLASK says; without it false */
	bool frozen;               /* nobody may weaken it any more */
	/* by enum sense_policy: how often it was done since boot */
	uint64_t times[SENSE_POLICY_ACTS];
	int32_t by;                /* the domain that did the last of them; -1: none */
	uint64_t changed_ns;       /* when, since boot; 0: never */
};

void ks_policy_get(struct ks_policy_state *state);

/* What stands for an enum sense_policy in records, and for an enum sense_frames. */
extern const char ks_policy_names[SENSE_POLICY_ACTS][10];
extern const char ks_frames_names[3][7];

/* === livepatch.c ======================================================== */

enum { KS_LIVEPATCH_ACTIONS = 5 };

struct ks_livepatch_state {
	/* by LIVEPATCH_ACTION_*, 0: uploads; how often since boot */
	uint64_t times[KS_LIVEPATCH_ACTIONS];
	char name[64];             /* of the last, its begin */
	int32_t by;                /* the domain that did it; -1: none */
	uint64_t last_ns;          /* when, since boot; 0: never */
};

void ks_livepatch_get(struct ks_livepatch_state *state);

#endif /* KS_XEN_ACCESS_H */
