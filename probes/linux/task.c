// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - what belongs to a task, looked at without its lock: see task.h.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "../../linux/compat.h"
#include "task.h"

/* Of the kernel's ids a pid is neither 0 nor more than its numbers can say. */
struct pid *ks_next_pid(unsigned int *nr, bool *whole)
{
	unsigned long at = max(*nr, 1U);
	struct pid *pid = idr_get_next_ul(&init_pid_ns.idr, &at);
	int number;

	if (!pid || at > INT_MAX)
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
	const struct pid *pid = find_pid_ns((int)nr, &init_pid_ns);
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
	return find_pid_ns(number, &init_pid_ns) == pid && ks_task_of(pid, PIDTYPE_PID, &found) && found == task;
}

bool ks_is_process(const struct task_struct *task)
{
	const struct task_struct *leader;
	const struct signal_struct *own, *leaders;
	int exit_signal;
	pid_t tid, tgid;

	/*
	 * What thread_group_leader() asks; its number; and that a thread shares with the first one,
	 * until it is released.
	 */
	return !KS_GET(exit_signal, &task->exit_signal) || exit_signal >= 0 ||
	       !KS_GET(tid, &task->pid) || !KS_GET(tgid, &task->tgid) || tid == tgid ||
	       !KS_GET(leader, &task->group_leader) || leader == task ||
	       !KS_GET(own, &task->signal) || !KS_GET(leaders, &leader->signal) || (own && own != leaders);
}

/*
 * Whether there is memory wherever a file leads at once: all that is asked of one goes on from
 * there.
 */
static bool is_file(const struct file *file)
{
	const struct super_block *of_inode, *of_dentry;
	const struct inode *inode;
	struct path path;

	if (!ks_is_object(file, sizeof(*file)))
		return false;
	inode = READ_ONCE(file->f_inode);
	path.mnt = READ_ONCE(file->f_path.mnt);
	path.dentry = READ_ONCE(file->f_path.dentry);
	if (!ks_is_object(inode, sizeof(*inode)) || !ks_is_object(path.dentry, sizeof(*path.dentry)) || !ks_is_object(path.mnt, sizeof(*path.mnt)))
		return false;
	of_inode = READ_ONCE(inode->i_sb);
	of_dentry = READ_ONCE(path.dentry->d_sb);
	return of_dentry == READ_ONCE(path.mnt->mnt_sb) && ks_is_object(of_inode, sizeof(*of_inode)) &&
	       (of_inode == of_dentry || ks_is_object(of_dentry, sizeof(*of_dentry)));
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
 *               6.7), or as some file's, which may be another one at once;
 *   its count   is raised only while it is not 0, so never in memory that was given back.  Then
 *               the file stays, and slot and way are asked once more whether it is that one still.
 *
 * A slot has one of the file's references, so a file that is still in it after its count was found
 * to be 0 is no file that is just closed; were its memory another's meanwhile (since 6.7), not at
 * each look.
 */
struct file *ks_get_file(struct file *const *slot, const struct ks_link *way, unsigned int links)
{
	const struct file *dead = NULL;
	unsigned int dead_looks = 0;

	for (unsigned int i = 0; i < KS_FILE_LOOKS; i++) {
		bool readable, there, still;
		struct file *file;

		readable = KS_GET(file, slot) && (!file || is_file(file));
		/* Else the slot's memory may have been anybody's by then. */
		if (!still_leads(way, links))
			return ERR_PTR(-EAGAIN);
		if (!readable)
			return ERR_PTR(-EFAULT);
		if (!file)
			return NULL;
		there = ks_try_get_file(file);
		still = ks_still(slot, file) && still_leads(way, links);
		if (there && still)
			return file;
		if (there) {
			fput(file);
		} else if (still && (!dead || dead == file)) {
			dead = file;
			dead_looks++;
		}
	}
	return ERR_PTR(dead_looks == KS_FILE_LOOKS ? -EFAULT : -EBUSY);
}

int ks_task_mm(const struct task_struct *task, struct ks_task_mm *out)
{
	for (unsigned int i = 0; i < KS_TASK_LOOKS; i++) {
		/* Given back at once when its last user goes: it stays while the task has it. */
		struct mm_struct *mm = READ_ONCE(task->mm);
		const struct ks_link way = { &task->mm, mm };
		bool readable;

		/* A thread of the kernel may use an mm for a while; it is not its own. */
		if (!mm || READ_ONCE(task->flags) & PF_KTHREAD)
			return 0;
		readable = KS_GET(out->pgd, &mm->pgd) && virt_addr_valid(out->pgd);
		out->exe = readable ? ks_get_file((struct file *const *)&mm->exe_file, &way, 1) : NULL;
		/* Any user can bring that about: what else there is, can be read. */
		if (out->exe == ERR_PTR(-EBUSY))
			out->exe = NULL;
		if (ks_has(&task->mm, mm) && out->exe != ERR_PTR(-EAGAIN))
			return readable && !IS_ERR(out->exe) ? 1 : -EFAULT;
		if (!IS_ERR_OR_NULL(out->exe))
			fput(out->exe);
	}
	return 0;
}
