/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.c - that the hypercall's structures are what their header says they are: no
 * code, but it does not compile otherwise.
 */

#include <xen/init.h>
#include <xen/lib.h>

#include <public/sense.h>

#ifdef CONFIG_COMPAT
#include <compat/sense.h>

/* Callers of 32 bits are served by the same function: for them nothing differs. */
CHECK_sense_exchange;
CHECK_sense_lock;
#endif

static void __init __maybe_unused build_assertions(void)
{
    /* Version 1, for good: what comes with another layout is another version. */
    BUILD_BUG_ON(sizeof(xen_sense_exchange_t) != 96);
    BUILD_BUG_ON(offsetof(xen_sense_exchange_t, request_bytes) != 24);
    BUILD_BUG_ON(sizeof(xen_sense_lock_t) != 16);

    BUILD_BUG_ON(XEN_SENSE_NO_DOMAIN != DOMID_INVALID);
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
