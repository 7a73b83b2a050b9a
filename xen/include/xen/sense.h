/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of Xen has to do with the sensor inside it (CONFIG_SENSE).
 */
#ifndef __XEN_SENSE_H__
#define __XEN_SENSE_H__

#include <xen/types.h>

struct domain;

/* What a domain can do to the policy of XSM. */
enum sense_policy {
    SENSE_POLICY_ENFORCE,       /* have it enforced */
    SENSE_POLICY_PERMIT,        /* no longer have it enforced */
    SENSE_POLICY_LOAD,          /* load another one */
    SENSE_POLICY_SET_BOOLEANS,  /* change the values of its booleans */
    SENSE_POLICY_LABEL,         /* change the label of a resource: add_ocontext */
    SENSE_POLICY_ACTS,          /* how many there are */
};

/* What gives a domain frames by their numbers, whoever they belong to. */
enum sense_frames {
    SENSE_FRAMES_PERMIT,        /* XEN_DOMCTL_iomem_permission */
    SENSE_FRAMES_MAP,           /* XEN_DOMCTL_memory_mapping */
    SENSE_FRAMES_DEBUG,         /* XEN_DOMCTL_gdbsx_guestmemio */
};

/* What FLASK says of its policy (flask_op.c). */
void flask_policy_state(bool *enforcing, bool *loaded);

#ifdef CONFIG_SENSE

/*
 * Whether the current domain may do @what, as far as the sensor is concerned: 0, or
 * -EPERM, which is put on record.  Once there is a sensing domain, the policy may be
 * all that keeps a control domain from its memory.
 */
int sense_policy_check(enum sense_policy what);

/* The current domain did @what. */
void sense_policy_changed(enum sense_policy what);

/*
 * The same as sense_policy_check(), of @what with the frames @first to @last: once
 * there is a sensing domain, memory is not to be had as if it were a device's.
 */
int sense_frames_check(enum sense_frames what, unsigned long first,
                       unsigned long last);

/*
 * The current domain is about to do @action (LIVEPATCH_ACTION_*; 0: the upload) with
 * the live patch @name.
 */
void sense_livepatch(unsigned int action, const char *name);

/*
 * Domain @d, which nobody finds any more, is about to be freed: one that had its life, or
 * one that could not be made as a whole.
 */
void sense_domain_freed(const struct domain *d);

/*
 * Takes from the rights of @d, a domain that has all of the machine, what would have it
 * write to what Xen itself is brought up from.  0, or what rangesets say.
 */
int sense_dom0_permissions(struct domain *d);

#else

static inline int sense_policy_check(enum sense_policy what)
{
    return 0;
}

static inline void sense_policy_changed(enum sense_policy what)
{
}

static inline int sense_frames_check(enum sense_frames what,
                                     unsigned long first, unsigned long last)
{
    return 0;
}

static inline void sense_livepatch(unsigned int action, const char *name)
{
}

static inline void sense_domain_freed(const struct domain *d)
{
}

static inline int sense_dom0_permissions(struct domain *d)
{
    return 0;
}

#endif

#endif /* __XEN_SENSE_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
