/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path.h - a path in a record.
 *
 * A path has up to 4095 bytes, any but NUL, and up to six times as many in JSON: a record must
 * take it however it was chosen, or choosing it were a way not to be recorded.
 */
#ifndef KS_PROBES_LINUX_PATH_H
#define KS_PROBES_LINUX_PATH_H

#include "../../core/writer.h"

/*
 * Copies @path to @out, a string of at most @bytes with its NUL, which is padded with NULs, and of
 * at most @json_bytes between the quotes in JSON.  Of one that does not fit, the end is kept,
 * behind "...": the file's name.
 */
void ks_path_copy(char *out, size_t bytes, size_t json_bytes, const char *path);

#endif /* KS_PROBES_LINUX_PATH_H */
