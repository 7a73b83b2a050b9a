/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sense.h - what the files of the Xen port share.
 */
#ifndef KS_XEN_SENSE_H
#define KS_XEN_SENSE_H

#include "../core/serve.h"

/* The one sensor; NULL when it is off, or could not start. */
extern struct ks_sensor *ks_xen_sensor;

/* Takes the hypercall's buffers, at start.  0 or -ENOMEM. */
int ks_exchange_init(void);

/* Bytes that they take. */
size_t ks_exchange_memory(void);

#endif /* KS_XEN_SENSE_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
