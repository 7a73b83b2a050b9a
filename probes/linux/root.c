// SPDX-License-Identifier: GPL-2.0-only
/*
 * root.c - where a path begins: see root.h.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "../../linux/compat.h"
#include "root.h"
#include "task.h"

#define NO_ROOT "process 1 has no root directory to look from"
#define NO_STILL_ROOT "a root directory cannot be read"
#define OTHER_ROOT "paths seen from here are not those of process 1"

/* Whether both halves of @path are what they are called: of one file system. */
static bool is_path(const struct path *path)
{
	const struct super_block *of_mnt, *of_dentry;

	return virt_addr_valid(path->mnt) && virt_addr_valid(path->dentry) && KS_GET(of_mnt, &path->mnt->mnt_sb) &&
	       KS_GET(of_dentry, &path->dentry->d_sb) && of_mnt && of_mnt == of_dentry;
}

static bool has_root(const struct task_struct *task, const struct fs_struct *fs, const struct path *path)
{
	struct path now;

	return ks_has(&task->fs, fs) && KS_GET(now, &fs->root) && now.mnt == path->mnt && now.dentry == path->dentry &&
	       ks_has(&task->fs, fs);
}

/*
 * With a reference, and without a lock: any user can keep others waiting for that of process 1.
 * A mount and a dentry stay memory under RCU.  If the task has them as its root directory after
 * the mount's count was raised, it was raised of what is alive: who leaves a root directory says
 * so, and then gives his reference back and adds the counts up, with a full barrier between.  Only
 * then the dentry, whose file system the mount keeps.
 *
 * Else the last one may have been given back already, and the mount is going whatever its count:
 * whether that is so is to be seen under a lock of the kernel's own alone.  It may then not be
 * given back, as it is no memory any more outside of RCU, where a last reference has to be.  So
 * the count stays raised: a mount that process 1 left in that moment, if it is one still, is kept.
 */
static const char *root_of(const struct task_struct *task, struct path *root, struct path *stale)
{
	const char *why = NO_STILL_ROOT;
	const struct fs_struct *fs;
	struct path path;

	rcu_read_lock();
	fs = READ_ONCE(task->fs);
	if (!fs) {
		why = NO_ROOT;
	} else if (virt_addr_valid(fs) && KS_GET(path, &fs->root) && is_path(&path) && has_root(task, fs, &path)) {
		mntget(path.mnt);
		smp_mb();
		if (has_root(task, fs, &path)) {
			if (lockref_get_not_dead(&path.dentry->d_lockref)) {
				*root = path;
				why = NULL;
			} else {
				stale->mnt = path.mnt;
			}
		}
	}
	rcu_read_unlock();
	return why;
}

static const char *get_root(const struct task_struct *task, struct path *root)
{
	const char *why = NO_STILL_ROOT;

	for (unsigned int i = 0; i < KS_TASK_LOOKS && why; i++) {
		struct path stale = { };

		why = root_of(task, root, &stale);
		path_put(&stale);
	}
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
	why = get_root(init, root);
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
	why = get_root(current, &own);
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
	if (!strcmp(why, NO_STILL_ROOT) && !ks_is_torn(looks, false))
		return KS_SET_ELSEWHERE;
	ks_probe_failed(probe, why);
	return KS_SET_FAILED;
}
