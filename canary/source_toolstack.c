// SPDX-License-Identifier: MIT
/*
 * source_toolstack.c - the toolstack: what Dom0's kernel passes on of Xen's list of domains.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

#include "../core/writer.h"
#include "sources.h"

struct toolstack {
	xc_interface *xc;
	xentoollog_logger *silent;
	xc_domaininfo_t info[256];
};

static void *toolstack_open(const struct canary_options *options)
{
	struct toolstack *toolstack = calloc(1, sizeof(*toolstack));

	(void)options;
	/* What libxenctrl has to say, it says by errno as well. */
	if (toolstack)
		toolstack->silent = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_CRITICAL, 0);
	return toolstack;
}

static void toolstack_close(void *state)
{
	struct toolstack *toolstack = state;

	if (toolstack->xc)
		xc_interface_close(toolstack->xc);
	xtl_logger_destroy(toolstack->silent);
	free(toolstack);
}

/*
 * Xen refuses calls of a toolstack that was made for another version: EACCES, once
 * the device is open.
 */
static bool failed(bool opened, struct blindness *blind)
{
	const char *reason = errno == ENOMEM ? "no-memory" : "unreadable", *why = strerror(errno);

	if (errno == EPERM || errno == EACCES)
		reason = "denied";
	if (errno == EACCES && opened) {
		reason = "old-toolstack";
		why = "it was made for another version of Xen";
	}
	if (errno == ENOENT)
		blind->absent = "toolstack";
	blind_for(blind, reason, "libxenctrl: %s", why);
	return false;
}

static bool toolstack_there(void *state, struct blindness *blind)
{
	struct toolstack *toolstack = state;

	if (!toolstack->xc)
		toolstack->xc = xc_interface_open(toolstack->silent, toolstack->silent, 0);
	return toolstack->xc || failed(false, blind);
}

static const char *domain_type(const xc_domaininfo_t *info)
{
	static const uint32_t pc = XEN_X86_EMU_PIT | XEN_X86_EMU_PIC | XEN_X86_EMU_RTC | XEN_X86_EMU_VGA;

	if (!(info->flags & XEN_DOMINF_hvm_guest))
		return "PV";
	return info->arch_config.emulation_flags & pc ? "HVM" : "PVH";
}

/* A domain that has none yet: the id is all ones. */
static json_int_t vcpus_of(const xc_domaininfo_t *info)
{
	return info->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : (json_int_t)info->max_vcpu_id + 1;
}

static json_t *item_of(const xc_domaininfo_t *info)
{
	char uuid[KS_UUID_TEXT];

	ks_uuid_text(uuid, info->handle);
	return json_pack("{sisssssIsIsI}", "domid", (int)info->domain, "uuid", uuid, "type", domain_type(info),
			 "pages", (json_int_t)info->tot_pages, "max_pages", (json_int_t)info->max_pages, "vcpus",
			 vcpus_of(info));
}

/* xl's lists are made of the same calls. */
static bool toolstack_take(void *state, struct sample *sample, struct blindness *blind)
{
	struct toolstack *toolstack = state;
	uint32_t from = 0;
	int got = 0;

	if (!toolstack_there(state, blind))
		return false;
	sample->records = json_array();
	while (!blind->reason && from < DOMID_FIRST_RESERVED &&
	       (got = xc_domain_getinfolist(toolstack->xc, from, 256, toolstack->info)) > 0) {
		for (int i = 0; i < got; i++)
			cannot_read("libxenctrl", sample_add(sample, item_of(&toolstack->info[i])), blind);
		from = toolstack->info[got - 1].domain + 1U;
	}
	return got >= 0 || failed(true, blind);
}

const struct source_type source_toolstack = {
	.name = "toolstack", .is_apart = true, .open = toolstack_open, .close = toolstack_close,
	.there = toolstack_there, .take = toolstack_take,
};
