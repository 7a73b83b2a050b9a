// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_entries.c - registers other entry points of Dom0's kernel with Xen, as a rootkit does that
 * wants to be entered first.
 *
 *	echo "CPU VECTOR FLAGS ADDRESS" >/sys/module/ks_entries/parameters/trap
 *	echo "CPU TYPE FLAGS ADDRESS" >/sys/module/ks_entries/parameters/callback
 *
 * Numbers are Xen's (xen/interface/xen.h, callback.h), the address is hexadecimal.  Nothing is put
 * back: that is for who asked to do.
 */
#include <linux/module.h>
#include <linux/smp.h>
#include <xen/xen.h>
#include <xen/interface/callback.h>
#include <xen/interface/xen.h>
#include <asm/segment.h>
#include <asm/xen/hypercall.h>

struct entry {
	unsigned int cpu, which, flags;
	unsigned long address;
	int error;
};

/* The tables are those of the vCPU that makes the call. */
static void register_trap(void *data)
{
	struct entry *entry = data;
	struct trap_info traps[2] = {
		{ .vector = entry->which, .flags = entry->flags, .cs = __KERNEL_CS, .address = entry->address },
	};

	entry->error = HYPERVISOR_set_trap_table(traps);
}

static void register_callback(void *data)
{
	struct entry *entry = data;
	struct callback_register callback = { .type = entry->which, .flags = entry->flags, .address = entry->address };

	entry->error = HYPERVISOR_callback_op(CALLBACKOP_register, &callback);
}

static int do_on(const char *text, smp_call_func_t function)
{
	struct entry entry;
	int error;

	if (sscanf(text, "%u %u %u %lx", &entry.cpu, &entry.which, &entry.flags, &entry.address) != 4)
		return -EINVAL;
	error = smp_call_function_single(entry.cpu, function, &entry, 1);
	return error ? error : entry.error;
}

static int set_trap(const char *text, const struct kernel_param *param)
{
	return do_on(text, register_trap);
}

static int set_callback(const char *text, const struct kernel_param *param)
{
	return do_on(text, register_callback);
}

static const struct kernel_param_ops trap_ops = { .set = set_trap }, callback_ops = { .set = set_callback };
module_param_cb(trap, &trap_ops, NULL, 0200);
module_param_cb(callback, &callback_ops, NULL, 0200);

static int __init ks_entries_start(void)
{
	return xen_pv_domain() ? 0 : -ENODEV;
}

static void __exit ks_entries_stop(void)
{
}

module_init(ks_entries_start);
module_exit(ks_entries_stop);

MODULE_DESCRIPTION("test of ksense: other entry points for Dom0's kernel");
MODULE_LICENSE("GPL");
