// SPDX-License-Identifier: MIT
/*
 * medium_xen.c - libksense over Xen's hypercall sense_op.
 *
 * One buffer that the hypercall may reach holds the argument, the request and the reply, and is
 * kept: an exchange is one ioctl and nothing else.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <xencall.h>

#include "../include/sense.h"
#include "ks_clock.h"
#include "ks_silent.h"
#include "medium.h"

#define HYPERCALL_SENSE_OP 47

#define PAGE_BYTES 4096
#define REPLY_BYTES 65536
/* A buffer's page can be on its way elsewhere when Xen looks for it. */
#define FAULTS_MAX 100

struct area {
	struct xen_sense_exchange call;
	char pad[PAGE_BYTES - sizeof(struct xen_sense_exchange)];
	char request[XEN_SENSE_REQUEST_MAX];
	char reply[REPLY_BYTES];
};

#define AREA_PAGES (sizeof(struct area) / PAGE_BYTES)

struct xen {
	xencall_handle *handle;
	struct area *area;
	uint32_t request_bytes;
	bool pending;           /* a call is to be made for the reply, or the rest of it */
};

static int no_device(struct ksense *k, int error)
{
	if (error == EACCES || error == EPERM)
		return ksense_fail(k, KSENSE_NOT_ALLOWED, "/dev/xen/privcmd: %s: be root in Dom0", strerror(error));
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return ksense_fail(k, KSENSE_NO_SENSOR,
				   "there is no /dev/xen/privcmd: this is not a Xen host, or the module "
				   "xen-privcmd is not loaded (modprobe xen-privcmd)");
	return ksense_fail(k, KSENSE_NO_SENSOR, "/dev/xen/privcmd: %s", strerror(error));
}

static int call_failed(struct ksense *k, int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return ksense_fail(
			k, KSENSE_NOT_ALLOWED,
			"Xen refused, or Linux refused to ask it: only the control domain "
			"(Dom0) may, as far as it has not handed the sensor over, and the sensing domain that it "
			"named, or who Xen's security policy names; outside of Dom0 today's Linux lets no "
			"hypercall pass unless xen-privcmd is loaded with unrestricted=1");
	case ENOSYS:
	case EOPNOTSUPP:
		return ksense_fail(k, KSENSE_NO_SENSOR, "this Xen has no sensor: it was built without CONFIG_SENSE");
	case ENODEV:
		return ksense_fail(k, KSENSE_NO_SENSOR,
				   "Xen's sensor is off: it was booted with sense=off, or the sensor could "
				   "not start (xl dmesg says why)");
	default:
		return ksense_fail(k, KSENSE_SYSTEM, "the hypercall sense_op failed: %s", strerror(error));
	}
}

static int xen_send(struct ksense *k, const char *line, size_t bytes)
{
	static const char too_long[] =
		"{\"Virtue-protocol-version\": 0.1, \"reply\": [\"\", \"error\", {\"code\": \"too-long\", "
		"\"message\": \"a request line has at most 4096 bytes\"}]}\n";
	struct xen *xen = k->private;

	k->in_start = k->in_end = 0;
	xen->pending = false;
	if (bytes > XEN_SENSE_REQUEST_MAX) {
		k->in_end = sizeof(too_long) - 1;
		memcpy(k->in, too_long, k->in_end);
		return 0;
	}
	if (!bytes)
		return 0;
	memcpy(xen->area->request, line, bytes);
	memset(&xen->area->call, 0, sizeof(xen->area->call));
	xen->request_bytes = (uint32_t)bytes;
	xen->pending = true;
	return 0;
}

/* One exchange.  0 or -1. */
static int exchange(struct ksense *k)
{
	struct xen *xen = k->private;
	struct xen_sense_exchange *call = &xen->area->call;
	size_t had = k->in_end - k->in_start;

	/* The begin of a line that goes on. */
	if (had > REPLY_BYTES - XEN_SENSE_LINE_MAX)
		return ksense_fail(k, KSENSE_GARBLED, "Xen's reply has a line that does not end");
	memmove(k->in, k->in + k->in_start, had);
	k->in_start = 0;
	k->in_end = had;
	for (unsigned int faults = 0;; faults++) {
		call->version = XEN_SENSE_VERSION;
		call->request = (uintptr_t)xen->area->request;
		call->request_bytes = xen->request_bytes;
		call->reply = (uintptr_t)(xen->area->reply + had);
		call->reply_bytes = (uint32_t)(REPLY_BYTES - had);
		if (xencall2(xen->handle, HYPERCALL_SENSE_OP, XEN_SENSE_OP_exchange, (uintptr_t)call) >= 0)
			break;
		if (errno != EFAULT || faults == FAULTS_MAX)
			return call_failed(k, errno);
		/* Nothing counts as delivered. */
		sched_yield();
	}
	if (call->reply_bytes > REPLY_BYTES - had)
		return ksense_fail(k, KSENSE_GARBLED, "Xen claims to have written more than there is room for");
	k->in_end += call->reply_bytes;
	xen->pending = call->flags & XEN_SENSE_MORE;
	return 0;
}

static int xen_fill(struct ksense *k, int64_t deadline)
{
	struct xen *xen = k->private;

	while (xen->pending) {
		size_t had = k->in_end - k->in_start;

		if (exchange(k)) {
			xen->pending = false;
			return -1;
		}
		if (k->in_end > had)
			return 1;
		if (xen->pending && deadline != INT64_MAX && ks_now_ms() > deadline)
			return ksense_fail(k, KSENSE_TIMEOUT, "the sensor did not answer within %g s",
					   k->timeout_ms / 1000.0);
		if (xen->pending)
			sched_yield();
	}
	return 0;
}

static int lock_failed(struct ksense *k, uint32_t domid, int error)
{
	switch (error) {
	case EBUSY:
		return ksense_fail(k, KSENSE_BUSY, "the sensor is locked already");
	case ESRCH:
		return ksense_fail(k, KSENSE_TARGET, "there is no domain %u, or it is being destroyed", domid);
	case EINVAL:
		return ksense_fail(k, KSENSE_ARGUMENT, "domain %u controls the host: the sensing domain is another",
				   domid);
	case EOPNOTSUPP:
		return ksense_fail(k, KSENSE_NO_SENSOR, "the sensor in this Xen is older than the lock");
	default:
		return call_failed(k, error);
	}
}

static int xen_lock(struct ksense *k, uint32_t domid)
{
	struct xen *xen = k->private;
	struct xen_sense_lock *lock = (struct xen_sense_lock *)(void *)xen->area->request;

	for (unsigned int faults = 0;; faults++) {
		*lock = (struct xen_sense_lock){ .version = XEN_SENSE_VERSION, .domid = domid };
		if (xencall2(xen->handle, HYPERCALL_SENSE_OP, XEN_SENSE_OP_lock, (uintptr_t)lock) >= 0)
			return 0;
		if (errno != EFAULT || faults == FAULTS_MAX)
			return lock_failed(k, domid, errno);
		sched_yield();
	}
}

static void xen_close(struct ksense *k)
{
	struct xen *xen = k->private;

	if (xen->area)
		xencall_free_buffer_pages(xen->handle, xen->area, AREA_PAGES);
	xencall_close(xen->handle);
	free(xen);
}

static const struct ksense_medium xen_medium = {
	.send = xen_send,
	.fill = xen_fill,
	.lock = xen_lock,
	.close = xen_close,
};

int ksense_open_xen(struct ksense *k)
{
	struct xen *xen;
	int version;

	ksense_close(k);
	k->error = KSENSE_OK;
	xen = calloc(1, sizeof(*xen));
	if (!xen)
		return ksense_fail(k, KSENSE_SYSTEM, "no memory");
	xen->handle = xencall_open(&silent, 0);
	if (!xen->handle) {
		int error = errno;

		free(xen);
		return no_device(k, error);
	}
	k->private = xen;
	k->medium = &xen_medium;
	version = xencall2(xen->handle, HYPERCALL_SENSE_OP, XEN_SENSE_OP_version, 0);
	if (version < 0) {
		call_failed(k, errno);
		goto failed;
	}
	if (version < XEN_SENSE_VERSION) {
		ksense_fail(k, KSENSE_NO_SENSOR, "Xen's sense_op speaks version %d, this program %d", version,
			    XEN_SENSE_VERSION);
		goto failed;
	}
	xen->area = xencall_alloc_buffer_pages(xen->handle, AREA_PAGES);
	if (!xen->area) {
		ksense_fail(k, KSENSE_SYSTEM, "no memory for the hypercall's buffer: %s", strerror(errno));
		goto failed;
	}
	memset(xen->area, 0, sizeof(*xen->area)); /* so that each page is there */
	k->in = xen->area->reply;
	k->in_size = REPLY_BYTES;
	return 0;
failed:
	ksense_close(k);
	return -1;
}
