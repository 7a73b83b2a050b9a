// SPDX-License-Identifier: GPL-2.0-only
/*
 * root.c - where a path begins: see root.h.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "root.h"

bool ks_root(struct path *root)
{
	struct task_struct *init;
	bool found;

	rcu_read_lock();
	init = pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_TGID);
	if (init)
		get_task_struct(init);
	rcu_read_unlock();
	if (!init)
		return false;
	task_lock(init);
	found = init->fs;
	if (found)
		get_fs_root(init->fs, root);
	task_unlock(init);
	put_task_struct(init);
	return found;
}

bool ks_sees_root(char *buffer, int bytes)
{
	struct path root, own;
	const char *name;
	bool sees;

	if (!ks_root(&root))
		return false;
	get_fs_root(current->fs, &own);
	/* What is not below its own root directory, d_path() calls "/" as well. */
	sees = path_is_under(&root, &own);
	path_put(&own);
	name = d_path(&root, buffer, bytes);
	path_put(&root);
	return sees && !IS_ERR(name) && !strcmp(name, "/");
}
