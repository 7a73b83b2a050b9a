/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sense.c - the hypercall sense_op.
 *
 * One call takes one request line and gives some of its reply lines: one chunk,
 * made in a buffer of ours and copied out.  That bounds the time of a call too.
 * Nothing of a caller stays here between two calls: where its reply stands is in
 * the cookie it brings back, which nobody but us can make.
 *
 * What must hold: a record is consumed only if the caller has got it.  ks_serve()
 * consumes what the chunk before was made of: that a caller comes back with the
 * cookie of a chunk shows that the chunk has arrived.  The last chunk counts as
 * arrived when its bytes and the structure that tells of them have been copied.
 */

#include <xen/cpumask.h>
#include <xen/errno.h>
#include <xen/event.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/nospec.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <xen/xmalloc.h>

#include <public/sense.h>
#include <xsm/xsm.h>

#include "../core/cookie.h"
#include "../probes/xen/access.h"
#include "../probes/xen/domains.h"
#include "sense.h"

/* === Data === */

/*
 * Buffers too large for Xen's stack.  A call holds one of them to its end, over
 * the copies from and to the guest as well, as domctl does: these do not sleep,
 * but for a caller under memory paging: a control domain cannot be, and a sensing
 * domain, which others trust, is not to be.
 *
 * Nobody waits for a slot.  Mostly that of the own CPU is free; where all are
 * taken, as there can be on a machine of more CPUs than slots, the call returns to
 * the guest and is made again from its beginning: what the caller may is looked at
 * anew then, and the CPU was free for others in between.
 */
#define KS_SLOTS_MAX 8

struct ks_slot {
    spinlock_t lock;
    struct ks_request request;
    char line[KS_REQUEST_MAX];
    char reply[KS_OUT_BYTES];
};

static struct ks_slot *__read_mostly ks_slots;
static unsigned int __read_mostly ks_slots_count;

/* Of this boot: cookies are ours if they are made with it. */
static uint64_t __read_mostly ks_cookie_key[2];

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

/*
 * Of an HVM guest's address, Xen looks only at the bits that select entries of its
 * page tables: any other bits, and it would still find the guest's page.
 */
static bool ks_canonical(uint64_t addr, size_t bytes)
{
#ifdef CONFIG_X86
    return is_canonical_address(addr) && is_canonical_address(addr + bytes - 1);
#else
    return true;
#endif
}

static bool ks_copy_in(void *to, uint64_t from, size_t bytes)
{
    return ks_canonical(from, bytes) &&
           !copy_from_guest((char *)to,
                            guest_handle_from_ptr((unsigned long)from, char),
                            bytes);
}

static bool ks_copy_out(uint64_t to, const void *from, size_t bytes)
{
    return ks_canonical(to, bytes) &&
           !copy_to_guest(guest_handle_from_ptr((unsigned long)to, char),
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

/* What the caller's cookies for the request in the slot are bound to. */
static void ks_bind(struct ks_siphash *bond, const struct ks_slot *slot,
                    const struct xen_sense_exchange *x)
{
    struct ks_cookie_caller caller = {
        .id = current->domain->domain_id,
        .instance = ks_domain_instance(current->domain),
    };

    ks_cookie_bind(bond, ks_cookie_key, &caller, slot->line, x->request_bytes);
}

/*
 * What the caller may do now: with the slot held, so that ks_lock_op() can wait
 * for whoever found that he might.  XSM logs what it refuses only where the request
 * needs it: "status" says what the caller may, and he may not want to.
 */
static bool ks_may_control(const struct ks_request *request)
{
    return ks_handover_right(current->domain) == KS_CONTROL &&
           !xsm_sense_op(XSM_OTHER, true, ks_needs_control(request));
}

/*
 * Whether the caller can be told what comes of the call: a byte of each page of his
 * that will be written, and the structure as it is.
 */
static bool ks_can_answer(XEN_GUEST_HANDLE_PARAM(void) arg,
                          const struct xen_sense_exchange *x)
{
    uint32_t bytes = min(x->reply_bytes, (uint32_t)KS_LINE_MAX), at;

    for ( at = 0; at < bytes; at += PAGE_SIZE - ((x->reply + at) & ~PAGE_MASK) )
        if ( !ks_copy_out(x->reply + at, "", 1) )
            return false;

    return !copy_to_guest(arg, x, 1);
}

/*
 * One call, with a slot's buffers, by somebody who may read at least.  @arg is
 * the caller's structure, @x our copy of it.
 */
static int ks_exchange_serve(struct ks_slot *slot,
                             XEN_GUEST_HANDLE_PARAM(void) arg,
                             struct xen_sense_exchange *x)
{
    bool more = x->flags & XEN_SENSE_MORE;
    struct ks_cursor cursor = { 0 };
    /* What the copies and the cookie take is a part of the call's time. */
    struct ks_caller caller = { .is_domain = true, .began_ns = NOW() };
    struct ks_siphash bond;
    enum ks_served result;
    struct ks_writer out;

    BUILD_BUG_ON(sizeof(x->cookie) != KS_COOKIE_WORDS * sizeof(uint64_t));
    BUILD_BUG_ON(KS_REQUEST_MAX != XEN_SENSE_REQUEST_MAX);
    BUILD_BUG_ON(KS_LINE_MAX != XEN_SENSE_LINE_MAX);

    if ( !ks_copy_in(slot->line, x->request, x->request_bytes) )
        return -EFAULT;

    if ( more )
    {
        ks_bind(&bond, slot, x);
        /*
         * What is in it is an index or becomes one, in several places: a forged one
         * must not be used while the CPU still guesses that the seal is right.
         */
        if ( !evaluate_nospec(ks_cookie_open(&bond, x->cookie, &cursor)) )
            return -EINVAL;
    }

    ks_request_parse(&slot->request, slot->line, x->request_bytes,
                     KS_VERSION_NONE);
    /* Before the work, so that what it takes is a part of the call's time. */
    if ( !more && ks_may_go_on(&slot->request) )
        ks_bind(&bond, slot, x);
    caller.control = ks_may_control(&slot->request);
    caller.id = current->domain->domain_id;

    /* What changes something is not done if the caller would hear that it failed. */
    if ( caller.control && ks_needs_control(&slot->request) &&
         !ks_may_go_on(&slot->request) && !ks_can_answer(arg, x) )
        return -EFAULT;

    ks_writer_init(&out, slot->reply,
                 min(x->reply_bytes, (uint32_t)KS_LINE_MAX));
    result = ks_serve(ks_xen_sensor, &caller, &slot->request, &cursor, &out);

    if ( result == KS_SERVED_CURSOR )
        return -EINVAL;
    if ( result != KS_SERVED_NO_ROOM && out.len &&
         !ks_copy_out(x->reply, slot->reply, out.len) )
        return -EFAULT;

    x->reply_bytes = out.len;
    x->flags = 0;
    memset(x->cookie, 0, sizeof(x->cookie));
    if ( result != KS_SERVED_DONE && cursor.stage )
    {
        ks_cookie_seal(&bond, &cursor, x->cookie);
        x->flags = XEN_SENSE_MORE;
    }
    if ( copy_to_guest(arg, x, 1) )
        return -EFAULT;
    if ( result == KS_SERVED_NO_ROOM )
        return -ENOBUFS;
    if ( result == KS_SERVED_DONE )
        ks_confirm(ks_xen_sensor, &slot->request, &cursor);

    return 0;
}

/* A slot that nobody has, locked; NULL if there is none. */
static struct ks_slot *ks_take_slot(void)
{
    unsigned int first = smp_processor_id(), i;

    for ( i = 0; i < ks_slots_count; i++ )
    {
        struct ks_slot *slot = &ks_slots[(first + i) % ks_slots_count];

        if ( spin_trylock(&slot->lock) )
            return slot;
    }

    return NULL;
}

static long ks_exchange(XEN_GUEST_HANDLE_PARAM(void) arg)
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

    slot = ks_take_slot();
    if ( !slot )
        return hypercall_create_continuation(__HYPERVISOR_sense_op, "ih",
                                             XEN_SENSE_OP_exchange, arg);
    /* With it, as ks_await_calls() waits for those alone that have one. */
    if ( ks_handover_right(current->domain) == KS_NOTHING )
    {
        ks_access_denied(XEN_SENSE_OP_exchange, KS_COMMANDS);
        rc = -EPERM;
    }
    else
        rc = ks_exchange_serve(slot, arg, &x);
    spin_unlock(&slot->lock);

    return rc;
}

/*
 * Until all calls are over that had begun before: each of them may have been
 * allowed what nobody may any more.  As long as the longest of them lasts, no
 * longer, as others that come meanwhile are not waited for.
 */
static void ks_await_calls(void)
{
    unsigned int i;

    for ( i = 0; i < ks_slots_count; i++ )
        spin_barrier(&ks_slots[i].lock);
}

/* By somebody who may read at least. */
static int ks_lock_op(XEN_GUEST_HANDLE_PARAM(void) arg)
{
    struct xen_sense_lock lock;
    int rc;

    if ( !is_control_domain(current->domain) || xsm_sense_op(XSM_OTHER, true, true) )
        rc = -EPERM;
    else if ( !ks_xen_sensor )
        rc = -ENODEV;
    /* Before his mistakes: what he was refused is counted, whatever he got wrong. */
    else if ( ks_is_handed_over() )
        rc = -EBUSY;
    else if ( copy_from_guest(&lock, arg, 1) )
        rc = -EFAULT;
    else if ( lock.version != XEN_SENSE_VERSION || lock.flags || lock.pad )
        rc = -EINVAL;
    else
        rc = ks_hand_over(lock.domid);

    if ( !rc )
        ks_await_calls();
    if ( rc == -EPERM || rc == -EBUSY )
        ks_access_denied(XEN_SENSE_OP_lock, KS_COMMANDS);

    return rc;
}

/* === Interface === */

long do_sense_op(unsigned int op, XEN_GUEST_HANDLE_PARAM(void) arg)
{
    /* FLASK says -EACCES, the default policy -EPERM: to callers it is one. */
    if ( ks_handover_right(current->domain) == KS_NOTHING ||
         xsm_sense_op(XSM_OTHER, false, true) )
    {
        ks_access_denied(op, KS_COMMANDS);
        return -EPERM;
    }

    switch ( op )
    {
    case XEN_SENSE_OP_version:
        return guest_handle_is_null(arg) ? XEN_SENSE_VERSION : -EINVAL;

    case XEN_SENSE_OP_exchange:
        return ks_exchange(arg);

    case XEN_SENSE_OP_lock:
        return ks_lock_op(arg);
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
    ks_port_random(ks_cookie_key, sizeof(ks_cookie_key));

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
