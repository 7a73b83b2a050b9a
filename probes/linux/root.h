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

/* The root directory of process 1, with a reference: path_put(). False: it has none. May sleep. */
bool ks_root(struct path *root);

/*
 * Whether the paths that d_path() tells this thread are those that process 1 knows: what the one
 * calls "/" is the other's, too. @buffer of @bytes is used for that. May sleep.
 */
bool ks_sees_root(char *buffer, int bytes);

/* Why a probe that needs that then fails. */
#define KS_OTHER_ROOT "paths seen from here are not those of process 1"

#endif /* KS_PROBES_LINUX_ROOT_H */
