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

#include <linux/path.h>

#include "../set.h"
#include "walk.h"

/*
 * The root directory of process 1, with a reference: path_put().  NULL, or why it is not to be had
 * (ks_no_root()).  May sleep.
 */
const char *ks_root(struct path *root);

/*
 * Whether the paths that d_path() tells this thread are those that process 1 knows: what the one
 * calls "/" is the other's, too. @buffer of @bytes is used for that.  NULL, or why not.  May sleep.
 */
const char *ks_sees_root(char *buffer, int bytes);

/*
 * For a next() that cannot begin, because of @why: what to return.  Somebody may be just changing
 * a root directory, which is read without its lock; so the pass fails when it has been so for a
 * while, in @looks of the probe's own.
 */
int ks_no_root(struct ks_probe *probe, struct ks_torn *looks, const char *why);

#endif /* KS_PROBES_LINUX_ROOT_H */
