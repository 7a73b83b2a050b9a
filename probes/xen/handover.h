/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover.h - to whom the sensor inside Xen was handed over, and what that leaves to others.
 */
#ifndef KS_XEN_HANDOVER_H
#define KS_XEN_HANDOVER_H

#include <xen/sense.h>
#include <public/xen.h>

#include "../../core/serve.h"

struct domain;

enum ks_right { KS_NOTHING, KS_READ, KS_CONTROL };

/* What stands for one of them in records and options. */
extern const char ks_right_names[3][8];

/* What the lock leaves to @d, whatever XSM says of it. */
enum ks_right ks_handover_right(const struct domain *d);

/* Whether there is a lock already, and so there will never be another. */
bool ks_is_handed_over(void);

/* Whether that named a domain, which may have ended since. */
bool ks_has_sensing_domain(void);

/*
 * XEN_SENSE_OP_lock, by the current domain, which is a control domain that XSM allows to control
 * the sensor: its errors.
 */
int ks_hand_over(uint32_t domid);

struct ks_handover_state {
	bool locked;
	/* The sensing domain is neither destroyed nor shut down; it may get no CPU. */
	bool alive;
	bool paused;               /* it is alive, and paused by a control domain */
	int32_t by, sensing;       /* the domain that locked, and the one it named; -1: none */
	xen_domain_handle_t uuid;  /* of the sensing domain, as it was then */
	uint64_t locked_ns;        /* since boot; 0: not yet */
	enum ks_right dom0;        /* what a control domain may now */
};

void ks_handover_get(struct ks_handover_state *state);

/* For struct ks_sensor_config: the word "dom0=", and the member "lock" of the status. */
bool ks_handover_option(const char *word, size_t bytes);
void ks_handover_put_status(struct ks_writer *out);

#endif /* KS_XEN_HANDOVER_H */
