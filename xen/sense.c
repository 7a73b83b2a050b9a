/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sense.c - the hypercall sense_op.
 *
 * One call takes one request line and gives as many reply lines as fit the
 * caller's buffer, in chunks: serve one into a buffer of ours, copy it out,
 * say so in the caller's structure, go on.  Nothing of a caller stays here
 * between two calls: where its reply stands is in the cookie it brings back.
 *
 * What must hold: a record is consumed only if the caller can know that it got
 * it.  ks_serve() consumes what the chunk before was made of, as soon as it is
 * called for the next.  So a chunk counts as given only when its bytes and the
 * structure that tells of them are both with the caller; what fails later leaves
 * the caller's structure telling the truth about what came before, and it is
 * returned as that: 0, with XEN_SENSE_MORE.  The next call then meets the
 * failure as its first chunk, and reports it.
 */

#include <xen/cpumask.h>
#include <xen/errno.h>
#include <xen/event.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/spinlock.h>
#include <xen/xmalloc.h>

#include <public/sense.h>
#include <xsm/xsm.h>

#include "sense.h"

/* === Data === */

/* The most that one call returns, whatever the caller's buffer. */
#define KS_CALL_BYTES KB(64)

/* How often in one call a chunk may be empty: work was done, but no line yet. */
#define KS_CALL_EMPTY 8

/*
 * Buffers too large for Xen's stack.  A caller holds the slot of its CPU for the
 * time of its call, with the lock over copies from and to the guest, as domctl
 * does: these do not sleep, but for a control domain under memory paging,
 * which is not supported there either.
 */
#define KS_SLOTS_MAX 8

struct ks_slot {
    spinlock_t lock;
    struct ks_request request;
    char line[KS_REQUEST_MAX];
    char reply[KS_LINE_MAX];
};

static struct ks_slot *__read_mostly ks_slots;
static unsigned int __read_mostly ks_slots_count;

/* === Internals === */

/*
 * A range as the caller can have meant it.  Guests with 32-bit addresses have
 * nothing above 4 GiB, but Xen lets calls of theirs reach a scratch area of its
 * own up there, for its own use.
 */
static bool ks_range_okay(uint64_t addr, uint64_t bytes)
{
    if ( addr + bytes < addr || addr != (unsigned long)addr )
        return false;
#ifdef CONFIG_COMPAT
    if ( current->hcall_compat && addr + bytes > GB(4) )
        return false;
#endif
    return true;
}

static bool ks_copy_in(void *to, uint64_t from, size_t bytes)
{
    return !copy_from_guest((char *)to,
                            guest_handle_from_ptr((unsigned long)from, char),
                            bytes);
}

static bool ks_copy_out(uint64_t to, const void *from, size_t bytes)
{
    return !copy_to_guest(guest_handle_from_ptr((unsigned long)to, char),
                          (const char *)from, bytes);
}

static bool ks_cookie_is_zero(const struct xen_sense_exchange *x)
{
    uint64_t any = 0;
    unsigned int i;

    for ( i = 0; i < ARRAY_SIZE(x->cookie); i++ )
        any |= x->cookie[i];

    return !any;
}

static int ks_exchange_check(const struct xen_sense_exchange *x)
{
    if ( x->version != XEN_SENSE_VERSION || (x->flags & ~XEN_SENSE_MORE) )
        return -EINVAL;
    if ( !(x->flags & XEN_SENSE_MORE) && !ks_cookie_is_zero(x) )
        return -EINVAL;
    if ( !x->request_bytes || x->request_bytes > XEN_SENSE_REQUEST_MAX )
        return -EMSGSIZE;
    if ( !ks_range_okay(x->request, x->request_bytes) ||
         !ks_range_okay(x->reply, x->reply_bytes) )
        return -EFAULT;

    return 0;
}

/* One call, with a slot's buffers.  @arg is the caller's structure, @x our copy of it. */
static int ks_exchange_serve(struct ks_slot *slot,
                             XEN_GUEST_HANDLE_PARAM(void) arg,
                             struct xen_sense_exchange *x)
{
    static const struct ks_caller caller = { .control = true };
    uint32_t size = min(x->reply_bytes, (uint32_t)KS_CALL_BYTES);
    uint32_t written = 0;
    unsigned int empty = 0;
    bool told = false;  /* the caller's structure tells of a chunk of this call */
    struct ks_cursor cursor;

    BUILD_BUG_ON(sizeof(cursor) != sizeof(x->cookie));
    BUILD_BUG_ON(KS_REQUEST_MAX != XEN_SENSE_REQUEST_MAX);
    BUILD_BUG_ON(KS_LINE_MAX != XEN_SENSE_LINE_MAX);

    if ( !ks_copy_in(slot->line, x->request, x->request_bytes) )
        return -EFAULT;

    ks_request_parse(&slot->request, slot->line, x->request_bytes,
                     KS_VERSION_NONE);
    memcpy(&cursor, x->cookie, sizeof(cursor));

    for ( ; ; )
    {
        struct ks_text out;
        enum ks_serve more;

        ks_text_init(&out, slot->reply,
                     min(size - written, (uint32_t)KS_LINE_MAX));
        more = ks_serve(ks_xen_sensor, &caller, &slot->request, &cursor, &out);

        if ( more == KS_SERVE_ROOM )
        {
            if ( told )
                return 0;
            x->reply_bytes = out.len;
            return copy_to_guest(arg, x, 1) ? -EFAULT : -ENOBUFS;
        }
        if ( more == KS_SERVE_CURSOR )
            return told ? 0 : -EINVAL;

        if ( !out.len && more == KS_SERVE_MORE && ++empty < KS_CALL_EMPTY &&
             !hypercall_preempt_check() )
            continue;

        if ( out.len && !ks_copy_out(x->reply + written, slot->reply, out.len) )
            return told ? 0 : -EFAULT;

        written += out.len;
        x->reply_bytes = written;
        if ( more == KS_SERVE_DONE )
        {
            x->flags = 0;
            memset(x->cookie, 0, sizeof(x->cookie));
        }
        else
        {
            x->flags = XEN_SENSE_MORE;
            memcpy(x->cookie, &cursor, sizeof(cursor));
        }
        if ( copy_to_guest(arg, x, 1) )
            return told ? 0 : -EFAULT;
        told = true;

        if ( more == KS_SERVE_DONE )
        {
            ks_confirm(ks_xen_sensor, &slot->request, &cursor);
            return 0;
        }
        if ( written == size || empty >= KS_CALL_EMPTY ||
             hypercall_preempt_check() )
            return 0;
    }
}

static int ks_exchange(XEN_GUEST_HANDLE_PARAM(void) arg)
{
    struct xen_sense_exchange x;
    struct ks_slot *slot;
    int rc;

    if ( !ks_xen_sensor )
        return -ENODEV;
    if ( copy_from_guest(&x, arg, 1) )
        return -EFAULT;
    rc = ks_exchange_check(&x);
    if ( rc )
        return rc;

    slot = &ks_slots[smp_processor_id() % ks_slots_count];
    spin_lock(&slot->lock);
    rc = ks_exchange_serve(slot, arg, &x);
    spin_unlock(&slot->lock);

    return rc;
}

/* === Interface === */

long do_sense_op(unsigned int op, XEN_GUEST_HANDLE_PARAM(void) arg)
{
    int rc = xsm_sense_op(XSM_PRIV);

    if ( rc )
        return rc;

    switch ( op )
    {
    case XEN_SENSE_OP_version:
        return guest_handle_is_null(arg) ? XEN_SENSE_VERSION : -EINVAL;

    case XEN_SENSE_OP_exchange:
        return ks_exchange(arg);
    }

    return -EOPNOTSUPP;
}

int ks_exchange_init(void)
{
    unsigned int i;

    ks_slots_count = min_t(unsigned int, num_present_cpus(), KS_SLOTS_MAX);
    ks_slots = xzalloc_array(struct ks_slot, ks_slots_count);
    if ( !ks_slots )
        return -ENOMEM;

    for ( i = 0; i < ks_slots_count; i++ )
        spin_lock_init(&ks_slots[i].lock);

    return 0;
}

size_t ks_exchange_memory(void)
{
    return ks_slots_count * sizeof(*ks_slots);
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
