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
#include "code.h"
#include "root.h"
#include "task.h"

#define NO_ROOT "process 1 has no root directory to look from"
#define NO_STILL_ROOT "a root directory cannot be read"
#define OTHER_ROOT "paths seen from here are not those of process 1"

/* === Whose it is ======================================================== */

/* Whether both halves of @path are what they are called: of one file system. */
static bool is_path(const struct path *path)
{
	return ks_is_object(container_of(path->mnt, struct ks_mount, mnt), sizeof(struct ks_mount)) &&
	       ks_is_object(path->dentry, sizeof(*path->dentry)) && path->mnt->mnt_sb &&
	       path->mnt->mnt_sb == path->dentry->d_sb;
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
	} else if (ks_is_object(fs, sizeof(*fs)) && KS_GET(path, &fs->root) && is_path(&path) &&
		   has_root(task, fs, &path)) {
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
	init = ks_task_numbered(1, PIDTYPE_TGID);
	if (init)
		get_task_struct(init);
	rcu_read_unlock();
	if (!init)
		return NO_ROOT;
	why = get_root(init, root);
	put_task_struct(init);
	return why;
}

/* === The text of a path ================================================= */

/* Constant from ks_paths_init() on. */
static struct {
	bool found;
	bool mounts;                    /* struct ks_mount is as it is here */
} known;

/*
 * The mount that all others are below is mounted on its own root, and each of the others on a
 * folder of the one that it is below: so it is if the pointers are where they are looked for.
 */
static bool are_mounts_known(const struct vfsmount *from)
{
	const struct ks_mount *mount = container_of(from, const struct ks_mount, mnt), *parent;
	const struct super_block *sb;

	for (unsigned int i = 0; i < KS_PATH_STEPS_MAX; i++, mount = parent) {
		if (!ks_is_object(mount, sizeof(*mount)))
			return false;
		parent = mount->parent;
		if (parent == mount)
			return mount->mountpoint == mount->mnt.mnt_root;
		if (!ks_is_object(parent, sizeof(*parent)) || !KS_GET(sb, &mount->mountpoint->d_sb) ||
		    sb != parent->mnt.mnt_sb)
			return false;
	}
	return false;
}

void ks_paths_init(void)
{
	if (known.found)
		return;
	ks_code_init();
	rcu_read_lock();
	known.mounts = are_mounts_known(init_task.fs->root.mnt);
	rcu_read_unlock();
	known.found = true;
}

/* Some that are in no folder have a function that makes their text, of name or inode. */
static bool is_dname_sound(const struct dentry *dentry, const struct vfsmount *mnt)
{
	const struct dentry_operations *ops = READ_ONCE(dentry->d_op);
	const unsigned char *name = READ_ONCE(dentry->d_name.name);
	char *(*dname)(struct dentry *dentry, char *buffer, int bytes) = NULL;
	u8 byte;

	if (ops && !KS_GET(dname, &ops->d_dname))
		return false;
	return !dname || (IS_ROOT(dentry) && dentry == mnt->mnt_root) ||
	       (ks_is_code(dname) && ks_is_object(READ_ONCE(dentry->d_inode), sizeof(struct inode)) &&
		KS_GET(byte, name) && KS_GET(byte, name + READ_ONCE(dentry->d_name.len)));
}

/*
 * Whether d_path() comes to an end of @path after not too many steps, each of which leads to an
 * object, with not too long names.  Under RCU.
 */
static bool is_short(const struct path *path)
{
	const struct ks_mount *mount = container_of(path->mnt, const struct ks_mount, mnt), *below;
	const struct dentry *dentry = path->dentry, *parent;
	uint32_t bytes = 0, name;

	if (!ks_is_object(mount, sizeof(*mount)) || !ks_is_object(dentry, sizeof(*dentry)) ||
	    !is_dname_sound(dentry, path->mnt))
		return false;
	for (unsigned int i = 0; i < KS_PATH_STEPS_MAX; i++) {
		if (dentry == READ_ONCE(mount->mnt.mnt_root)) {
			below = READ_ONCE(mount->parent);
			if (!known.mounts || below == mount)
				return true;
			dentry = READ_ONCE(mount->mountpoint);
			mount = below;
			if (!ks_is_object(mount, sizeof(*mount)))
				return false;
		} else {
			parent = READ_ONCE(dentry->d_parent);
			name = READ_ONCE(dentry->d_name.len);
			if (parent == dentry)
				return true;
			if (name >= PATH_MAX || bytes + name >= PATH_MAX)
				return false;
			bytes += name + 1;
			dentry = parent;
		}
		if (!ks_is_object(dentry, sizeof(*dentry)))
			return false;
	}
	return false;
}

static bool is_near(const struct path *path)
{
	bool near;

	rcu_read_lock();
	near = is_short(path);
	rcu_read_unlock();
	return near;
}

const char *ks_path_text(const struct path *path, char *buffer, int bytes)
{
	const char *text;

	if (!is_near(path))
		return NULL;
	text = d_path(path, buffer, bytes);
	return IS_ERR(text) ? NULL : text;
}

struct ks_path_key ks_path_key(const struct ks_seen_file *file)
{
	const struct dentry *dentry = file->path.dentry;
	const struct inode *inode = file->inode;

	return (struct ks_path_key){
		.file = (uintptr_t)file->file,
		.mount = (uintptr_t)file->path.mnt,
		.dentry = (uintptr_t)dentry,
		.name_hash = READ_ONCE(dentry->d_name.hash_len),
		.renames = read_seqbegin(&rename_lock),
		.inode = inode->i_ino,
		.device_deleted = (uint64_t)inode->i_sb->s_dev << 1 | d_unlinked(dentry),
	};
}

/* === Where it begins ==================================================== */

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
	name = ks_path_text(&root, buffer, bytes);
	/* What is not below its own root directory, d_path() calls "/" as well. */
	sees = name && !strcmp(name, "/") && is_near(&own) && path_is_under(&root, &own);
	path_put(&own);
	path_put(&root);
	return sees ? NULL : OTHER_ROOT;
}

int ks_no_root(struct ks_probe *probe, struct ks_torn *looks, const char *why)
{
	if (!strcmp(why, NO_STILL_ROOT) && !ks_is_torn(looks, false))
		return KS_SET_ELSEWHERE;
	ks_probe_failed(probe, why);
	return KS_SET_FAILED;
}
