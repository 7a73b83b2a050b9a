/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * works.h - Xen's list of the sensor's works, for the probe that shows them.
 */
#ifndef KS_WORKS_H
#define KS_WORKS_H

#include <xen/types.h>

#define KS_WORK_NAME 24

struct ks_work_info {
    char name[KS_WORK_NAME];  /* padded with NUL; may have no NUL at its end */
    uint64_t runs;
    unsigned int cpu;         /* of the last run */
};

/* Describes the @index'th work, in the order of their start.  False: there is none. */
bool ks_work_info(unsigned int index, struct ks_work_info *info);

#endif /* KS_WORKS_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
