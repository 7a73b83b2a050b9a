// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_astray.c - gives threads of the kernel's another root directory, so that tests can show that
 * the sensor does not take what it sees from there for what the machine has.
 *
 *   comm=NAME   of the threads; insmod fails if there is none
 *   root=PATH   the folder that they then call "/"
 *
 * Newer kernels give threads of the kernel's a root directory that holds nothing at all.
 */
#include <linux/fs_struct.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

static char *comm, *root;
module_param(comm, charp, 0);
MODULE_PARM_DESC(comm, "name of the threads");
module_param(root, charp, 0);
MODULE_PARM_DESC(root, "the folder that becomes their root directory");

static int __init astray_start(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name", .flags = KPROBE_FLAG_DISABLED };
	void (*set_root)(struct fs_struct *fs, const struct path *path);
	struct fs_struct *(*copy)(struct fs_struct *fs);
	unsigned long (*lookup)(const char *name);
	struct task_struct *task;
	struct fs_struct *fs;
	int error = register_kprobe(&probe), found = 0;
	struct path path;

	if (error)
		return error;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	copy = (void *)lookup("copy_fs_struct");
	set_root = (void *)lookup("set_fs_root");
	if (!copy || !set_root || !comm || !root)
		return -EINVAL;
	error = kern_path(root, LOOKUP_DIRECTORY, &path);
	if (error)
		return error;
	/* One for all of them; what they had is not given back. */
	fs = copy(current->fs);
	if (!fs)
		return -ENOMEM;
	set_root(fs, &path);
	rcu_read_lock();
	for_each_process(task) {
		if (strcmp(task->comm, comm))
			continue;
		task_lock(task);
		fs->users++;
		task->fs = fs;
		task_unlock(task);
		found++;
	}
	rcu_read_unlock();
	return found ? 0 : -ESRCH;
}

static void __exit astray_stop(void)
{
}

module_init(astray_start);
module_exit(astray_stop);

MODULE_DESCRIPTION("leads threads of the kernel astray, for tests of ksense");
MODULE_LICENSE("GPL");
