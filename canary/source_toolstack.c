// SPDX-License-Identifier: MIT
/*
 * source_toolstack.c - the toolstack: what Dom0's kernel passes on of Xen's list of domains.
 *
 * It is asked for as libxenctrl does for xl.  That library speaks one version of Xen's interface,
 * that of its own release; here one program has to do for all.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xencall.h>

#define __XEN_TOOLS__ 1 /* has the sysctls */
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#include "../core/writer.h"
#include "ks_silent.h"
#include "sources.h"

typedef struct xen_domctl_getdomaininfo domain_info;

/*
 * In these versions of the interface the list is as Xen's headers have it: 0x15 is Xen 4.17 to
 * 4.20, 0x16 is Xen 4.21 to 4.23.
 */
#define SYSCTL_FIRST 0x15
#define SYSCTL_LAST 0x16
_Static_assert(sizeof(domain_info) == 112, "headers of a Xen that nobody has read");

/* So many domains are asked for at once. */
#define DOMAINS_MAX 256

#define PAGE_BYTES 4096

struct area {
	struct xen_sysctl call;
	char pad[PAGE_BYTES - sizeof(struct xen_sysctl)];
	domain_info info[DOMAINS_MAX];
};
#define AREA_PAGES (sizeof(struct area) / PAGE_BYTES)
_Static_assert(sizeof(struct area) % PAGE_BYTES == 0, "whole pages");

struct toolstack {
	xencall_handle *xen;
	struct area *area;
	uint32_t version;
};

static void *toolstack_open(const struct canary_options *options)
{
	struct toolstack *toolstack = calloc(1, sizeof(*toolstack));

	(void)options;
	if (toolstack)
		toolstack->version = SYSCTL_LAST;
	return toolstack;
}

static void toolstack_close(void *state)
{
	struct toolstack *toolstack = state;

	if (toolstack->area)
		xencall_free_buffer_pages(toolstack->xen, toolstack->area, AREA_PAGES);
	xencall_close(toolstack->xen);
	free(toolstack);
}

/* Xen refuses calls in a version that is not its own: EACCES, once the device is open. */
static bool failed(bool opened, struct blindness *blind)
{
	const char *reason = errno == ENOMEM ? "no-memory" : "unreadable", *why = strerror(errno);

	if (errno == EPERM || errno == EACCES)
		reason = "denied";
	if (errno == EACCES && opened) {
		reason = "old-toolstack";
		why = "this Xen's interface is of a version that is not known here";
	}
	if (errno == EPROTO)
		why = "it has more than was asked for, or goes back";
	if (errno == ENOENT)
		blind->absent = "toolstack";
	blind_for(blind, reason, "Xen's list of domains: %s", why);
	return false;
}

static bool toolstack_there(void *state, struct blindness *blind)
{
	struct toolstack *toolstack = state;

	if (!toolstack->xen)
		toolstack->xen = xencall_open(&silent, 0);
	if (toolstack->xen && !toolstack->area)
		toolstack->area = xencall_alloc_buffer_pages(toolstack->xen, AREA_PAGES);
	return toolstack->area || failed(false, blind);
}

/* The domains whose ids are @from or more, into info[]: how many; or -1, with errno. */
static int list_domains(struct toolstack *toolstack, uint32_t from)
{
	struct xen_sysctl *call = &toolstack->area->call;
	domain_info *info = toolstack->area->info;
	uint32_t got;

	memset(toolstack->area, 0, sizeof(*toolstack->area));
	call->cmd = XEN_SYSCTL_getdomaininfolist;
	call->interface_version = toolstack->version;
	call->u.getdomaininfolist.first_domain = (domid_t)from;
	call->u.getdomaininfolist.max_domains = DOMAINS_MAX;
	set_xen_guest_handle(call->u.getdomaininfolist.buffer, info);
	if (xencall1(toolstack->xen, __HYPERVISOR_sysctl, (uintptr_t)call) < 0)
		return -1;
	/* Whoever answers may not be Xen. */
	got = call->u.getdomaininfolist.num_domains;
	errno = EPROTO;
	for (uint32_t i = 0; i < got; from = info[i++].domain + 1U)
		if (got > DOMAINS_MAX || info[i].domain < from)
			return -1;
	return (int)got;
}

static int list_in_its_version(struct toolstack *toolstack, uint32_t from)
{
	int got = list_domains(toolstack, from);

	while (got < 0 && errno == EACCES && toolstack->version > SYSCTL_FIRST) {
		toolstack->version--;
		got = list_domains(toolstack, from);
	}
	return got;
}

static const char *domain_type(const domain_info *info)
{
	static const uint32_t pc = XEN_X86_EMU_PIT | XEN_X86_EMU_PIC | XEN_X86_EMU_RTC | XEN_X86_EMU_VGA;

	if (!(info->flags & XEN_DOMINF_hvm_guest))
		return "PV";
	return info->arch_config.emulation_flags & pc ? "HVM" : "PVH";
}

/* A domain that has none yet: the id is all ones. */
static json_int_t vcpus_of(const domain_info *info)
{
	return info->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : (json_int_t)info->max_vcpu_id + 1;
}

static json_t *item_of(const domain_info *info)
{
	char uuid[KS_UUID_TEXT];

	ks_uuid_text(uuid, info->handle);
	return json_pack("{sisssssIsIsI}", "domid", (int)info->domain, "uuid", uuid, "type", domain_type(info),
			 "pages", (json_int_t)info->tot_pages, "max_pages", (json_int_t)info->max_pages, "vcpus",
			 vcpus_of(info));
}

static bool toolstack_take(void *state, struct sample *sample, struct blindness *blind)
{
	struct toolstack *toolstack = state;
	uint32_t from = 0;
	int got = 0;

	if (!toolstack_there(state, blind))
		return false;
	sample->records = json_array();
	while (!blind->reason && from < DOMID_FIRST_RESERVED && (got = list_in_its_version(toolstack, from)) > 0) {
		const domain_info *info = toolstack->area->info;

		for (int i = 0; i < got; i++)
			cannot_read("Xen's list of domains", sample_add(sample, item_of(&info[i])), blind);
		from = info[got - 1].domain + 1U;
	}
	return got >= 0 || failed(true, blind);
}

const struct source_type source_toolstack = {
	.name = "toolstack", .is_apart = true, .open = toolstack_open, .close = toolstack_close,
	.there = toolstack_there, .take = toolstack_take,
};
