// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - what belongs to a task, looked at without its lock: see task.h.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/threads.h>
#include <linux/xarray.h>
#include <linux/sched/signal.h>

#include "../../linux/compat.h"
#include "task.h"

/*
 * How often a search begins anew: behind a node that has nothing, of which the kernel keeps none
 * for long, or where the tree has just become lower.
 */
#define SEARCHES_MAX 32
#define SHIFT_MAX (8 * XA_CHUNK_SHIFT)

/*
 * What the pid table has at *@at, or, if not @exact, at the first place from there on that has
 * anything, which *@at then is; NULL: nothing.  @whole: as far as it could be followed.
 *
 * The table is a tree of nodes (linux/xarray.h), each of which is just one step lower than the one
 * above it: so there is an end to it, wherever a node leads.  Under RCU, which keeps the nodes.
 */
static struct pid *in_table(unsigned long *at, bool exact, bool *whole)
{
	const void *entry;

	*whole = true;
	for (unsigned int i = 0; i < SEARCHES_MAX; i++) {
		unsigned int shift = 0;

		/* The kernel's own table has more than one number, and so a node. */
		if (!KS_GET(entry, &init_pid_ns.idr.idr_rt.xa_head) || !xa_is_node(entry))
			break;
		for (unsigned int above = 0; xa_is_node(entry); above = shift) {
			const struct xa_node *node = xa_to_node(entry);
			unsigned int first, place, last;
			unsigned char own;

			if (!KS_GET(own, &node->shift) || (above ? own + XA_CHUNK_SHIFT != above : own > SHIFT_MAX))
				goto torn;
			shift = own;
			if (!above && *at >> (shift + XA_CHUNK_SHIFT))
				return NULL;
			first = (*at >> shift) & XA_CHUNK_MASK;
			last = exact ? first : XA_CHUNK_MASK;
			entry = NULL;
			for (place = first; place <= last && !entry; place++)
				if (!KS_GET(entry, (const void *const *)&node->slots[place]))
					goto torn;
			place -= !!entry;
			if (place > first)
				*at = (*at & (~0UL << (shift + XA_CHUNK_SHIFT))) + ((unsigned long)place << shift);
			if (!shift)
				break;
		}
		/* What is no node and no pid stands where one is just taken away. */
		if (entry && xa_is_internal(entry))
			continue;
		if (entry && shift)
			break;
		if (entry || exact || *at >= PID_MAX_LIMIT)
			return (struct pid *)entry;
	}
torn:
	*whole = false;
	return NULL;
}

static struct pid *numbered(int nr)
{
	unsigned long at = (unsigned long)nr;
	bool whole;

	return nr > 0 ? in_table(&at, true, &whole) : NULL;
}

struct pid *ks_next_pid(unsigned int *nr, bool *whole)
{
	unsigned long at = max(*nr, 1U);
	struct pid *pid = in_table(&at, false, whole);
	int number;

	if (!pid)
		return NULL;
	*nr = (unsigned int)at;
	*whole = KS_GET(number, &pid->numbers[0].nr) && number == (int)at;
	return pid;
}

/* As much of it as there is in any case: how long the state of its FPU is, is the CPU's affair. */
#define TASK_BYTES offsetof(struct task_struct, thread)

bool ks_task_of(const struct pid *pid, enum pid_type type, struct task_struct **task)
{
	const struct task_struct *known = *task;
	struct hlist_node *first;
	struct task_struct *found;

	*task = NULL;
	if (!KS_GET(first, &pid->tasks[type].first))
		return false;
	if (!first)
		return true;
	found = hlist_entry(first, struct task_struct, pid_links[type]);
	if ((found != known && !ks_is_object(found, TASK_BYTES)) || !ks_still(&found->thread_pid, pid))
		return false;
	*task = found;
	return true;
}

struct task_struct *ks_task_numbered(uint32_t nr, enum pid_type type)
{
	const struct pid *pid = numbered((int)nr);
	struct task_struct *task = NULL;

	return pid && ks_task_of(pid, type, &task) ? task : NULL;
}

bool ks_is_task(const struct task_struct *task, unsigned int *nr)
{
	struct task_struct *found = NULL;
	struct pid *pid;
	int number;

	if (!KS_GET(pid, &task->thread_pid) || !pid || !KS_GET(number, &pid->numbers[0].nr) || number <= 0)
		return false;
	*nr = (unsigned int)number;
	return numbered(number) == pid && ks_task_of(pid, PIDTYPE_PID, &found) && found == task;
}

bool ks_is_process(const struct task_struct *task)
{
	const struct task_struct *leader;
	const struct signal_struct *own, *leaders;
	int exit_signal;
	pid_t tid, tgid;

	/*
	 * What thread_group_leader() asks; its number; and that a thread shares with the first
	 * one, until it is released.
	 */
	return !KS_GET(exit_signal, &task->exit_signal) || exit_signal >= 0 ||
	       !KS_GET(tid, &task->pid) || !KS_GET(tgid, &task->tgid) || tid == tgid ||
	       !KS_GET(leader, &task->group_leader) || leader == task ||
	       !KS_GET(own, &task->signal) || !KS_GET(leaders, &leader->signal) || (own && own != leaders);
}

/*
 * Whether there is memory wherever @file leads at once: all that is asked of one goes on from
 * there.
 */
static bool see(const struct file *file, struct ks_seen_file *seen)
{
	const struct super_block *of_inode, *of_dentry, *of_mount;

	if (!ks_is_object(file, sizeof(*file)))
		return false;
	seen->file = file;
	seen->inode = READ_ONCE(file->f_inode);
	seen->path.mnt = READ_ONCE(file->f_path.mnt);
	seen->path.dentry = READ_ONCE(file->f_path.dentry);
	seen->mode = READ_ONCE(file->f_mode);
	seen->flags = READ_ONCE(file->f_flags);
	seen->position = READ_ONCE(file->f_pos);
	if (!ks_is_object(seen->inode, sizeof(*seen->inode)) ||
	    !ks_is_object(seen->path.dentry, sizeof(*seen->path.dentry)) ||
	    !ks_is_object(seen->path.mnt, sizeof(*seen->path.mnt)))
		return false;
	of_inode = READ_ONCE(seen->inode->i_sb);
	of_mount = READ_ONCE(seen->path.mnt->mnt_sb);
	if (!KS_GET(of_dentry, &seen->path.dentry->d_sb) || of_dentry != of_mount ||
	    !ks_is_object(of_inode, sizeof(*of_inode)) ||
	    (of_inode != of_dentry && !ks_is_object(of_dentry, sizeof(*of_dentry))))
		return false;
	seen->in_folder = of_dentry->s_magic != PIPEFS_MAGIC && of_dentry->s_magic != SOCKFS_MAGIC;
	return true;
}

/* The dentry may be one that RCU does not keep, and be gone by now. */
static bool has_to_be_held(const struct ks_seen_file *seen)
{
	const struct dentry *dentry = seen->path.dentry;
	const struct dentry_operations *ops;
	const void *dname = NULL;
	unsigned int flags;

	return seen->in_folder &&
	       (!KS_GET(flags, &dentry->d_flags) || flags & DCACHE_NORCU || !KS_GET(ops, &dentry->d_op) ||
		(ops && (!KS_GET(dname, (const void *const *)&ops->d_dname) || dname)));
}

/*
 * From the end: a link can be asked for sure only while the one before it holds, and whether that
 * is so is seen behind it.
 */
static bool still_leads(const struct ks_link *way, unsigned int links)
{
	while (links--)
		if (!ks_still(way[links].place, way[links].held))
			return false;
	return true;
}

/*
 * What keeps what, here:
 *
 *   the slot    its table or its mm, which RCU does not keep: the way to it, and that is asked
 *               after the slot was read, before anything is made of what was in it;
 *   the file    so it was open in this section of RCU, which keeps its memory: as it is (until
 *               6.7), or as some file's, which may be another one at once; and that of all that it
 *               led to;
 *   its count   is not 0 while it is open.  Where it has to be held, it is raised, only while it
 *               is not 0, so never in memory that was given back.  Then slot and way are asked
 *               once more whether it is that one still.
 *
 * A slot has one of the file's references, so a file that is still in it after its count was found
 * to be 0 is no file that is just closed; were its memory another's meanwhile (since 6.7), not at
 * each look.
 */
int ks_see_file(struct file *const *slot, const struct ks_link *way, unsigned int links, struct ks_seen_file *seen)
{
	const struct file *dead = NULL;
	unsigned int dead_looks = 0;

	for (unsigned int i = 0; i < KS_FILE_LOOKS; i++) {
		bool readable, hold, there, still;
		struct file *file;

		readable = KS_GET(file, slot) && (!file || see(file, seen));
		/* Else the slot's memory may have been anybody's by then. */
		if (!still_leads(way, links))
			return -EAGAIN;
		if (!readable)
			return -EFAULT;
		if (!file)
			return 0;
		/* Who asks for no more goes by the dentry, whatever it is. */
		hold = seen->more ? seen->more(seen, file) : !seen->in_folder;
		hold |= has_to_be_held(seen);
		there = hold ? ks_try_get_file(file) : file_count(file) > 0;
		still = ks_still(slot, file) && still_leads(way, links);
		seen->held = there && hold ? file : NULL;
		if (there && still)
			return 1;
		ks_done_with_file(seen);
		if (!there && still && (!dead || dead == file)) {
			dead = file;
			dead_looks++;
		}
	}
	return dead_looks == KS_FILE_LOOKS ? -EFAULT : -EBUSY;
}

void ks_done_with_file(struct ks_seen_file *seen)
{
	if (seen->held)
		fput(seen->held);
	seen->held = NULL;
}

int ks_task_mm(const struct task_struct *task, pgd_t **pgd, struct ks_seen_file *exe)
{
	for (unsigned int i = 0; i < KS_TASK_LOOKS; i++) {
		/* Given back at once when its last user goes: it stays while the task has it. */
		struct mm_struct *mm = READ_ONCE(task->mm);
		const struct ks_link way = { &task->mm, mm };
		bool readable;
		int has = 0;

		/* A thread of the kernel may use an mm for a while; it is not its own. */
		if (!mm || READ_ONCE(task->flags) & PF_KTHREAD)
			return 0;
		readable = KS_GET(*pgd, &mm->pgd) && virt_addr_valid(*pgd);
		if (readable)
			has = ks_see_file((struct file *const *)&mm->exe_file, &way, 1, exe);
		if (has <= 0)
			exe->file = NULL;
		/* -EBUSY any user can bring about: what else there is, can be read. */
		if (ks_has(&task->mm, mm) && has != -EAGAIN)
			return readable && has != -EFAULT ? 1 : -EFAULT;
		ks_done_with_file(exe);
		exe->file = NULL;
	}
	return 0;
}
