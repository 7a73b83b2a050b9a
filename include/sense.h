/* SPDX-License-Identifier: MIT */
/*
 * sense.h - the hypercall of the sensor inside Xen.
 *
 *   long HYPERVISOR_sense_op(unsigned int op, void *arg)
 *
 * Hypercall number 47.  Allowed to whom the XSM hook "sense_op" allows it (default: the control
 * domain, and the sensing domain that it has named), and as far as XEN_SENSE_OP_lock has left it;
 * every other caller gets -EPERM, whatever it passes.
 *
 * There are two rights: to read, and to control.  Who has only the first asks, and what he asks
 * for is answered, but not what takes records from others or changes anything: that, the reply
 * refuses ("denied").
 *
 * All structures have fixed size and layout, the same for 32-bit and 64-bit callers, PV and HVM:
 * every member is at a multiple of its own size, and addresses are numbers of 64 bits.
 */
#ifndef __XEN_PUBLIC_SENSE_H__
#define __XEN_PUBLIC_SENSE_H__

#ifdef __XEN__
#include "xen.h"
#else
/* Usable by itself, or behind Xen's own headers. */
#include <stdint.h>
#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif
#endif

/*
 * XEN_SENSE_OP_version: which version of this interface Xen speaks.
 *
 * arg: NULL.
 * Returns XEN_SENSE_VERSION, or -EINVAL (arg not NULL), -EPERM.
 */
#define XEN_SENSE_OP_version   0
#define XEN_SENSE_VERSION      1

/*
 * XEN_SENSE_OP_exchange: one request line in, reply lines out.
 *
 * arg: struct xen_sense_exchange.
 *
 * Xen keeps no state for a caller.  A reply that does not fit the caller's buffer, or that would
 * take long, goes on: while XEN_SENSE_MORE is set in `flags` on return, the caller takes the
 * reply_bytes that came (there may be none), and calls again with the same request and the cookie
 * as Xen left it.  Records count as delivered when that next call, or the end of the reply, shows
 * that they arrived; a caller that stops early leaves them for the next.  What all calls bring is
 * the reply: a call's bytes end with a line, but for a reply to "status", which may go on within
 * its line.  The cookie is sealed with a key of this boot, over the request line, byte by byte,
 * and the calling domain.
 *
 * Returns 0, or
 *  -EPERM       the caller may not
 *  -EINVAL      version, flags, or a cookie that Xen did not make for this caller and this request
 *               since it booted
 *  -EMSGSIZE    request_bytes is 0 or greater than XEN_SENSE_REQUEST_MAX
 *  -ENOBUFS     reply_bytes is too small for what comes next; it then holds the number of bytes
 *               that are enough
 *  -EFAULT      one of the buffers cannot be read or written; nothing counts as delivered, and
 *               nothing was changed, unless the buffer could be written as the call began
 *  -ENODEV      the sensor is off (sense=off), or could not start
 *  -EOPNOTSUPP  unknown op
 * What is wrong within the request line is answered in the reply, by the protocol; so is what
 * needs the right to control ("denied"), also in the middle of a reply, if the caller lost that
 * right meanwhile.
 */
#define XEN_SENSE_OP_exchange  1
#define XEN_SENSE_REQUEST_MAX  4096  /* bytes, newline included if there is one */
/* Bytes: no reply line is longer, newline included; nor, of "status", any one probe's part. */
#define XEN_SENSE_LINE_MAX     8192

#define XEN_SENSE_MORE         (1U << 0)  /* OUT: call again with this cookie */

struct xen_sense_exchange {
    uint32_t version;            /* IN: XEN_SENSE_VERSION */
    uint32_t flags;              /* IN: 0 or what came back; OUT: XEN_SENSE_* */
    uint64_aligned_t request;    /* IN: address of the request line, UTF-8; needs no terminator */
    uint64_aligned_t reply;      /* IN: address of the buffer for reply lines */
    uint32_t request_bytes;      /* IN: length of the request line */
    uint32_t reply_bytes;        /* IN: size of the buffer; OUT: bytes written */
    uint64_aligned_t cookie[8];  /* IN: zero at first, else as it came; OUT: how to go on */
};
typedef struct xen_sense_exchange xen_sense_exchange_t;
#ifdef __XEN__
DEFINE_XEN_GUEST_HANDLE(xen_sense_exchange_t);
#endif

/*
 * XEN_SENSE_OP_lock: the sensor is handed over to a domain of its own, or to nobody.  Once, until
 * the host reboots.
 *
 * arg: struct xen_sense_lock.
 *
 * With a domain id, that domain is the sensing domain: from now on it has both rights, and every
 * control domain has what "sense=dom0=" on Xen's command line leaves it (by default, to read);
 * nobody else has any.  It is this one instance: when it is destroyed nobody takes its place,
 * neither a domain with the same id nor one with the same uuid, and it does not live on in a
 * restored or migrated copy of itself.  The sensor goes on all the same, and stays locked.
 *
 * With XEN_SENSE_NO_DOMAIN nobody has the right to control any more; who may read, reads.
 *
 * Only a control domain may do this.  Who is locked out, and whom, is told in the sensor's status
 * and by the probe xen-access.
 *
 * Returns 0, or
 *  -EPERM       the caller may not
 *  -EBUSY       it is locked already, whatever the structure says
 *  -EINVAL      version, flags, pad; or the domain is the caller itself, or another control domain
 *  -ESRCH       there is no such domain, or it is being destroyed
 *  -EFAULT      the structure cannot be read
 *  -ENODEV      the sensor is off (sense=off), or could not start
 */
#define XEN_SENSE_OP_lock      2
#define XEN_SENSE_NO_DOMAIN    0x7ff4U  /* DOMID_INVALID */

struct xen_sense_lock {
    uint32_t version;        /* IN: XEN_SENSE_VERSION */
    uint32_t domid;          /* IN: the sensing domain, or XEN_SENSE_NO_DOMAIN */
    uint32_t flags;          /* IN: 0 */
    uint32_t pad;            /* IN: 0 */
};
typedef struct xen_sense_lock xen_sense_lock_t;
#ifdef __XEN__
DEFINE_XEN_GUEST_HANDLE(xen_sense_lock_t);
#endif

#endif /* __XEN_PUBLIC_SENSE_H__ */
