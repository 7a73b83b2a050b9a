/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root.h - where a path begins.
 *
 * A path means something only from a root directory. A thread of the kernel's has one of its own,
 * which need not be that of the machine's programs: then everything is absent, or is another file.
 * So paths begin at the root directory of process 1.
 */
#ifndef KS_PROBES_LINUX_ROOT_H
#define KS_PROBES_LINUX_ROOT_H

#include <linux/fs.h>
#include <linux/path.h>

#include "../set.h"
#include "task.h"
#include "walk.h"

/*
 * The root directory of process 1, with a reference: path_put().  NULL, or why it is not to be had
 * (ks_no_root()).  May sleep.
 */
const char *ks_root(struct path *root);

/*
 * Whether the paths that d_path() tells this thread are those that process 1 knows: what the one
 * calls "/" is the other's, too. @buffer of @bytes is used for that.  NULL, or
 * why not.  May sleep.
 */
const char *ks_sees_root(char *buffer, int bytes);

/*
 * For a next() that cannot begin, because of @why: what to return.  Somebody may be just changing
 * a root directory, which is read without its lock; so the pass fails when it has been so for a
 * while, in @looks of the probe's own.
 */
int ks_no_root(struct ks_probe *probe, struct ks_torn *looks, const char *why);

/*
 * Finds what the functions below need.  May sleep; to be called when a probe starts, any number of
 * times.
 */
void ks_paths_init(void);

/*
 * The text of @path, which is held, or was seen by ks_see_file() in this section of RCU, in
 * @buffer, as d_path() makes it.  NULL: it is too long, or leads to where no memory is.
 *
 * d_path() goes through every folder and every mount on the way, however many there are, and again
 * with the kernel's locks of all paths if anything is renamed meanwhile.  Any user can stack tens
 * of thousands of mounts on one folder.  So they are counted first, and it is not asked for more
 * than KS_PATH_STEPS_MAX: a path of a real machine has a tenth of that.
 */
#define KS_PATH_STEPS_MAX 256
const char *ks_path_text(const struct path *path, char *buffer, int bytes);

/*
 * By what it is seen that the path of a file is still as it was, without making it: if all of this
 * is the same.  That a mount was moved is not seen.
 */
struct ks_path_key {
	uint64_t file, mount, dentry, name_hash, renames, inode, device_deleted;
};

struct ks_path_key ks_path_key(const struct ks_seen_file *file);

#endif /* KS_PROBES_LINUX_ROOT_H */
