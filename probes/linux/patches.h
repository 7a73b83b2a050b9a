/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * patches.h - the places at which this kernel rewrites its own code while it runs, and what it
 * writes there.  x86.
 *
 *   jump-label    a static key's branch: a jump to the one target that its entry names, or a no-op
 *   static-call   a call of what its key points to, or one of the forms that stand for "calls
 *                 nothing"
 *   static-call-away  a static call of what is not in the kernel's own code: a module's, or BPF's
 *   ftrace        the begin of a function that is traced: a call of ftrace's or BPF's own code.
 *                 Such hooks, made by the kernel's own means, are also how rootkits hook: the
 *                 place is known, who asked for it is not
 *   kprobe        a breakpoint, or a jump to its detour, that a kprobe put there; or a traced
 *                 function in which a kprobe is
 *   patching      a breakpoint at one of the first two: what the kernel puts there for a moment
 *                 while it rewrites the rest
 *
 * Not known: the switch of lock prefixes when a machine that began with one CPU gets a second.
 */
#ifndef KS_PATCHES_H
#define KS_PATCHES_H

#include "../region.h"

/*
 * Finds the places within [@start, @end), for the other functions.  May sleep.  0, or -1 for no
 * memory.
 */
int ks_patches_init(unsigned long start, unsigned long end);
void ks_patches_exit(void);

/* What ks_patches_init() took. */
size_t ks_patches_memory_bytes(void);

/* What ks_patches_undo() calls a place that the kernel is just rewriting. */
extern const char ks_patching[];

/*
 * Whether what ks_patches_undo() called so is branches and calls that the kernel turns as it needs
 * them, some of them for any user: a socket's option is enough.  Hooks, by ftrace or a kprobe, are
 * somebody's with rights, and how rootkits hook.  A breakpoint is how the kernel begins; one that
 * stays is told by the engine.
 */
bool ks_patches_usual(const char *site);

/* As in struct ks_region_type. */
void ks_patches_keep(uint64_t address, void *bytes, size_t count);
const char *ks_patches_undo(uint64_t address, uint8_t cell[KS_REGION_CELL]);

#endif /* KS_PATCHES_H */
