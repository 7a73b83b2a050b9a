/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hooks.h - who is called where somebody has the kernel patch its own code: by kprobes, by ftrace.
 *
 * Of the code, kernel-text tells that it is so, and where.  Who is called is in the kernel's data:
 * in the table of kprobes, in the list of those who trace, and in the table of functions that call
 * somebody directly.
 */
#ifndef KS_PROBES_LINUX_HOOKS_H
#define KS_PROBES_LINUX_HOOKS_H

#include "../set.h"

struct kprobe;

#define KS_HOOK_SYMBOL 48

struct ks_hook {
	uint64_t address;       /* the place; 0: every function, or more than are told */
	uint64_t handler;       /* who is called */
	char by[12];            /* the key ends here */
	char symbol[KS_HOOK_SYMBOL];
	char handler_symbol[KS_HOOK_SYMBOL];
};

/*
 * Finds those tables.  May sleep; when a probe that uses what is below starts.  A second time it
 * finds the same.
 */
void ks_hooks_init(void);

/* Whether the kernel's kprobes, and who traces its functions, were found. */
bool ks_kprobes_known(void);
bool ks_tracers_known(void);

/* Whether there is any kprobe at all: cheaper to ask than of each place. */
bool ks_have_kprobes(void);

/*
 * Where the kprobe at @address is, and in *@copy what it has.  NULL: there is none, or the table
 * cannot be read to there.
 */
const struct kprobe *ks_kprobe_at(uint64_t address, struct kprobe *copy);

/* Whether code that ftrace made for one of its users is at @address. */
bool ks_in_tracer_code(uint64_t address);

/* A pass begins. */
void ks_hooks_begin(void);

/*
 * The walk, which is over @at[0..2], zero at first.  KS_SET_SKIP: none this time; KS_SET_END; 0:
 * *@item is one that is not the kernel's own code.  What a pass could not read, it says in a
 * record.
 */
int ks_next_hook(struct ks_probe *probe, uint64_t at[3], struct ks_hook *item);

#endif /* KS_PROBES_LINUX_HOOKS_H */
