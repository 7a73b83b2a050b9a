// SPDX-License-Identifier: GPL-2.0-only
/*
 * root.c - where a path begins: see root.h.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "../../linux/compat.h"
#include "root.h"

#define NO_ROOT "process 1 has no root directory to look from"
#define ROOT_HELD "the lock of a root directory is held"
#define OTHER_ROOT "paths seen from here are not those of process 1"

/* With a reference.  The task's lock keeps its fs, and that one's lock the path. */
static const char *root_of(struct task_struct *task, struct path *root)
{
	const char *why = NO_ROOT;
	struct fs_struct *fs;
	struct path path;

	if (!ks_try_lock(&task->alloc_lock))
		return ROOT_HELD;
	fs = task->fs;
	if (fs && virt_addr_valid(fs)) {
		why = ROOT_HELD;
		if (ks_try_lock(ks_fs_lock(fs))) {
			why = NO_ROOT;
			path = fs->root;
			if (virt_addr_valid(path.mnt) && virt_addr_valid(path.dentry)) {
				path_get(&path);
				*root = path;
				why = NULL;
			}
			spin_unlock(ks_fs_lock(fs));
		}
	}
	spin_unlock(&task->alloc_lock);
	return why;
}

const char *ks_root(struct path *root)
{
	struct task_struct *init;
	const char *why;

	rcu_read_lock();
	init = pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_TGID);
	if (init)
		get_task_struct(init);
	rcu_read_unlock();
	if (!init)
		return NO_ROOT;
	why = root_of(init, root);
	put_task_struct(init);
	return why;
}

const char *ks_sees_root(char *buffer, int bytes)
{
	struct path root, own;
	const char *name, *why;
	bool sees;

	why = ks_root(&root);
	if (why)
		return why;
	why = root_of(current, &own);
	if (why) {
		path_put(&root);
		return why;
	}
	/* What is not below its own root directory, d_path() calls "/" as well. */
	sees = path_is_under(&root, &own);
	path_put(&own);
	name = d_path(&root, buffer, bytes);
	path_put(&root);
	return sees && !IS_ERR(name) && !strcmp(name, "/") ? NULL : OTHER_ROOT;
}

int ks_no_root(struct ks_probe *probe, struct ks_torn *looks, const char *why)
{
	if (!strcmp(why, ROOT_HELD) && !ks_is_torn(looks, false))
		return KS_SET_ELSEWHERE;
	ks_probe_failed(probe, why);
	return KS_SET_FAILED;
}
