/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.h - what belongs to a task, looked at without its lock.
 *
 * A task's alloc_lock guards which mm, files and namespaces it has.  Whoever can write the
 * kernel's memory can keep it for ever, and so does a thread that died in the kernel with it; and
 * who waits for it under RCU then stops the whole machine.  So it is not taken: a pointer of the
 * task's is read, then what is behind it, with reads that may fault, then the pointer again.  If
 * it is still the same, the task had it all the time, and what was read is what the task has.
 *
 * All of this under RCU, which keeps the task, the memory of a file that was just closed, and that
 * of a table of descriptors that was just replaced.
 */
#ifndef KS_PROBES_LINUX_TASK_H
#define KS_PROBES_LINUX_TASK_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "walk.h"

/* In so many looks, somebody who changes it on another CPU is done. */
#define KS_TASK_LOOKS 3
/* A look at a descriptor costs next to nothing, and any user can change one all the time. */
#define KS_FILE_LOOKS 16

/* Whether a task still has what it had at @place in it: after the reads of what is behind it. */
static inline bool ks_has(const void *place, const void *held)
{
	smp_rmb();
	return READ_ONCE(*(const void *const *)place) == held;
}

/* The same of any place. */
static inline bool ks_still(const void *place, const void *held)
{
	const void *now;

	smp_rmb();
	return KS_GET(now, (const void *const *)place) && now == held;
}

/*
 * The first pid of the pid table at *@nr or behind, and *@nr its place there; NULL: none.  @whole:
 * it says that it has that number; or, with NULL, the table was followed to its end.  What it says
 * may be anything: nobody goes on by it, or one pid that says another number hides those between.
 * Under RCU.
 */
struct pid *ks_next_pid(unsigned int *nr, bool *whole);

/*
 * *@task: the one that @pid leads to, as that type; NULL: none.  False: what it leads to is none.
 * What *@task was before is known to be one already, or NULL.  Under RCU, which keeps it; @pid may
 * be anything.
 */
bool ks_task_of(const struct pid *pid, enum pid_type type, struct task_struct **task);

/*
 * The task that the pid table has under that number, likewise; NULL: none, or what
 * it leads to is none.
 */
struct task_struct *ks_task_numbered(uint32_t nr, enum pid_type type);

/*
 * Whether what a link leads to is a task: the pid table has it, under the number that it says,
 * which is *@nr.  RCU then keeps it.  Any address may be asked for.
 */
bool ks_is_task(const struct task_struct *task, unsigned int *nr);

/*
 * Whether @task, which may be any readable memory, is a process: the first of its threads.  It is
 * one if anything at all says so, for whoever hides one then has to change all of it.
 */
bool ks_is_process(const struct task_struct *task);

/*
 * How many processes the machine's memory has room for, within these bounds: one that does next to
 * nothing has 64 KiB of it in the kernel alone.
 */
static inline unsigned long ks_processes_most(unsigned long min, unsigned long max)
{
	return clamp(totalram_pages() / (SZ_64K / PAGE_SIZE), min, max);
}

/*
 * A pointer on the way to something, as it was read: what is behind it stays only as long as
 * @place leads to @held.  A way begins in what RCU keeps, and each link is in what the one before
 * holds.
 */
struct ks_link {
	const void *place, *held;
};

/*
 * An open file as it was at one moment: what stays as it is while it is open, and what it leads
 * to, all of which RCU keeps to the end of the section, whoever closes it.
 *
 * It is not held, where that can be helped.  Who holds a file may come to be the last who does.
 * Then a thread of the kernel's leaves the release to one work of the whole kernel's, and some
 * files are not released before another user wants it: a socket that lingers.  All that is to be
 * released there waits for it then.
 *
 * It has to be held where RCU keeps no dentry, or where a function of the file system's makes its
 * text: some of those that are in no folder.  A pipe's or a socket's dentry says nothing; of those
 * who asks for more does without.
 */
struct ks_seen_file {
	const struct file *file;        /* by its address it is told from others: not to be used */
	struct path path;
	const struct inode *inode;
	fmode_t mode;
	unsigned int flags;
	loff_t position;
	bool in_folder;                 /* no pipe and no socket */
	struct file *held;              /* with a reference, or NULL */
	/*
	 * NULL, or copies what else is wanted while the file is there, with reads that may fault:
	 * it counts if the file is there after it.  True: the file has to be held.  Called again
	 * if it is to be copied anew.
	 */
	bool (*more)(struct ks_seen_file *seen, struct file *file);
};

/*
 * Looks at the file at @slot, to which so many @links lead.  1: ks_done_with_file() when it is no
 * longer used, before RCU ends.  0: there is none.  -EAGAIN, the way has changed; -EFAULT, what
 * the slot leads to is no file, or one that is said to be nobody's; -EBUSY, it was another one at
 * each look.
 */
int ks_see_file(struct file *const *slot, const struct ks_link *way, unsigned int links, struct ks_seen_file *seen);
void ks_done_with_file(struct ks_seen_file *seen);

/*
 * 1: *@pgd is a valid address, of what stays no longer than the mm: not to be read; and if
 * exe->file is not NULL, @exe is what it executes, as ks_see_file() has it (NULL: nothing, or
 * another file at each look).  0: the task has no mm of its own; -EFAULT: what it has is none.
 */
int ks_task_mm(const struct task_struct *task, pgd_t **pgd, struct ks_seen_file *exe);

#endif /* KS_PROBES_LINUX_TASK_H */
