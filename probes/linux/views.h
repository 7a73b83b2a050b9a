/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * views.h - second views of the kernel's tasks: who is in one and not in another.
 *
 * A task is to be found in several ways, each with links of its own: in the pid table, which /proc
 * shows and kill() asks; in the list of all processes; in its process's list of threads; among its
 * parent's children; and on the CPU that runs it, or where that is the sensor's own, among those
 * whom the sensor's timer interrupts.  What is hidden is out of some of them, and has to be in the
 * last one if it does anything.
 *
 * A pass of the probe "processes" walks each, and marks whom it meets.  Of whatever it comes
 * across it then asks whether the others have it too: for its neighbours in a list may be of the
 * hider's making, it has to have been met, or to lead to the list's head.  What is missing
 * somewhere is a suspect, known by its address, start and number of execs; it is told when the
 * next look, 50 ms later at least and in another pass, misses it in the same view.  If start or
 * number are others by then, it may be another task, caught in a moment of its own: then it takes
 * eight such looks in a row.
 *
 * tasklist_lock, which guards all of that, is not for modules.  So: RCU, under which a task that
 * was found in a list remains a task; what may be anything, because it was found through links
 * that may have been tampered with, is read so that a fault is an answer; and no place in a list
 * outlives a step, but as a few tasks by pid, of which one is likely to be there still when the
 * walk goes on.
 */
#ifndef KS_PROBES_LINUX_VIEWS_H
#define KS_PROBES_LINUX_VIEWS_H

#include <linux/sched.h>

#include "../set.h"

/* A task that is missing somewhere: an item of the kind "hidden". */
struct ks_hidden {
	uint64_t task;
	uint64_t start_ns;
	uint32_t tid;
	uint32_t pid;
	uint32_t ppid, uid;
	char comm[TASK_COMM_LEN];
	char exe[32];
	char missing[48], seen[48];
	uint64_t since_ns, looked_ns;
	uint64_t root, user_root;
};

#define KS_HIDDEN_FIELDS 14
extern const struct ks_field ks_hidden_fields[KS_HIDDEN_FIELDS];

/* Memory for all of this, of the one probe that uses it.  0, or -1: none. */
int ks_views_init(struct ks_probe *probe);
void ks_views_exit(void);
void ks_views_reset(void);

/* A pass begins. */
void ks_views_begin(void);

/*
 * Walks on in the list of all processes: some of them.  True: that is done, or had to be given up.
 */
bool ks_views_processes(void);

/*
 * @task, found in the pid table.  Under RCU.  True: there are lists below it (its threads, the
 * children of each), to be walked with ks_views_below().
 */
bool ks_views_task(struct task_struct *task);

/* Walks on in the lists below the task of pid @nr: some of them.  True: that is done. */
bool ks_views_below(unsigned int nr);

/*
 * All lists were walked: asks of some tasks of the pid table, from *@nr on, whether they were met.
 * True: those were the last.
 */
bool ks_views_judge(unsigned int *nr);

/*
 * Looks at what CPUs run: some of them, from *@cpu on; before CPU 0, at whom @probe's timer
 * interrupted.  True: that was the last.
 */
bool ks_views_running(struct ks_probe *probe, unsigned int *cpu);

/*
 * The pass is over: judges. Makes the record of what could not be walked to its end; not under
 * RCU.
 */
void ks_views_end(struct ks_probe *probe);

/* The next hidden task, from *@at on, copied to @item; false: no more. */
bool ks_views_hidden(unsigned int *at, struct ks_hidden *item);

#endif /* KS_PROBES_LINUX_VIEWS_H */
