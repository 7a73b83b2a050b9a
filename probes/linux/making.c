// SPDX-License-Identifier: GPL-2.0-only
/*
 * making.c - memory whose process no list has yet, or has any more: see making.h.
 *
 * What is said here of a task that the kernel has not let run yet, or of memory that is nobody's,
 * is no proof that there is no other task: who writes the kernel's memory may have a hidden one
 * look like that, as long as it does not run.  So it is never an answer: see "unsettled" in
 * ksense-checks(5).
 */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>

#include "../../linux/compat.h"
#include "../../linux/symbols.h"
#include "making.h"
#include "walk.h"
#include "x86.h"

/*
 * How many are looked at in one go; how many in a pass, which is more than a machine has; and how
 * often a walk begins again, where the list was changed under it.
 */
#define AT_ONCE 32
#define LOOKS_MAX (1U << 18)
#define RESTARTS_MAX 64

const struct ks_field ks_making_fields[KS_MAKING_FIELDS] = {
	KS_FIELD(struct ks_making, root, KS_HEX,
		 "[frame number] page-table root of the kernel in its memory, as in `process`"),
	KS_LIVE(struct ks_making, user_root, KS_HEX, "[frame number] likewise of user space"),
	KS_LIVE(struct ks_making, ppid, KS_U32, "the process that makes it"),
	KS_LIVE(struct ks_making, uid, KS_U32, "real user of the process that makes it"),
	KS_LIVE(struct ks_making, comm, KS_STRING, "that one's name, any 15 bytes"),
};

const struct ks_field ks_left_fields[KS_LEFT_FIELDS] = {
	KS_FIELD(struct ks_left, root, KS_HEX,
		 "[frame number] page-table root of the kernel in its memory, as in `process`"),
	KS_LIVE(struct ks_left, user_root, KS_HEX, "[frame number] likewise of user space"),
};

/* The list's head, constant from init on; NULL: this kernel does not say. */
static const struct list_head *list;
/* Where the kernel has the memory by which it writes its code: nobody's from the beginning. */
static const struct mm_struct *const *poking;

/*
 * The memory whose page table this is, and where that is, by what both say of each other; NULL:
 * none.
 */
static const struct mm_struct *mm_of(const struct ptdesc *table, pgd_t **pgd)
{
	const struct mm_struct *mm;

	if (!KS_GET(mm, &table->pt_mm) || !mm || !ks_is_object(mm, sizeof(*mm)) || !KS_GET(*pgd, &mm->pgd) ||
	    !virt_addr_valid(*pgd) || virt_to_ptdesc(*pgd) != table)
		return NULL;
	return mm;
}

/* Whether a task has it that was never let run.  What is read of it may be another's by now. */
static bool is_being_made(const struct mm_struct *mm, struct ks_making *item)
{
#ifdef CONFIG_MEMCG
	const struct task_struct *task;
	const struct mm_struct *own;
	const struct cred *cred;
	unsigned int state;
	u64 ran_ns;
	kuid_t uid;

	/* Its pid is its maker's yet. */
	if (!KS_GET(task, &mm->owner) || !task || !KS_GET(own, &task->mm) || own != mm ||
	    !KS_GET(state, &task->__state) || !(state & TASK_NEW) ||
	    !KS_GET(ran_ns, &task->se.sum_exec_runtime) || ran_ns || !KS_GET(item->ppid, &task->tgid) ||
	    !KS_GET(cred, &task->real_cred) || !KS_GET(uid, &cred->uid) || !KS_GET(item->comm, &task->comm))
		return false;
	item->uid = from_kuid(&init_user_ns, uid);
	item->comm[sizeof(item->comm) - 1] = '\0';
	return true;
#else
	return false;
#endif
}

/* Whether a CPU runs a task with this memory: who runs has not ended. */
static bool __maybe_unused is_running(const struct mm_struct *mm)
{
	const struct mm_struct *own;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		const struct task_struct *task = ks_running_task(cpu);

		if (task && KS_GET(own, &task->mm) && own == mm)
			return true;
	}
	return false;
}

/*
 * Whether all that had it have ended, or run another program by now: the kernel then takes its
 * owner away (mm_update_next_owner()), and its page tables stay with Xen until nobody uses it any
 * more.  Once they are not pinned (xen_exit_mmap()), Xen does not tell of them.
 */
static bool is_left(const struct mm_struct *mm, const pgd_t *pgd)
{
#ifdef CONFIG_MEMCG
	const struct mm_struct *kernels = NULL;
	const struct task_struct *task;

	return PagePinned(virt_to_page(pgd)) && KS_GET(task, &mm->owner) && !task &&
	       (!poking || (KS_GET(kernels, poking) && kernels != mm)) && !is_running(mm);
#else
	return false;
#endif
}

void ks_making_init(void)
{
	list = (const struct list_head *)ks_symbol("pgd_list");
	poking = (const struct mm_struct *const *)ks_symbol("poking_mm");
}

void ks_making_begin(struct ks_making_walk *walk)
{
	*walk = (struct ks_making_walk){ .at = list };
}

enum ks_made ks_making_next(struct ks_making_walk *walk, struct ks_making *item)
{
	enum ks_made made = list ? KS_MADE_ON : KS_MADE_END;

	rcu_read_lock();
	for (unsigned int i = 0; made == KS_MADE_ON && i < AT_ONCE; i++) {
		const struct list_head *next = ks_list_next(walk->at);
		const struct mm_struct *mm;
		pgd_t *pgd;

		mm = next && next != list ? mm_of(list_entry(next, struct ptdesc, pt_list), &pgd) : NULL;
		if (mm)
			walk->at = next;
		if (next == list) {
			made = KS_MADE_END;
		} else if (walk->looked++ == LOOKS_MAX) {
			made = KS_MADE_LOST;
		} else if (mm && is_being_made(mm, item)) {
			ks_mm_roots(pgd, &item->root, &item->user_root);
			made = KS_MADE_ONE;
		} else if (mm && is_left(mm, pgd)) {
			ks_mm_roots(pgd, &item->root, &item->user_root);
			made = KS_MADE_LEFT;
		} else if (!mm) {
			/* It was given back meanwhile, or the one before it. */
			walk->at = list;
			if (walk->restarts++ == RESTARTS_MAX)
				made = KS_MADE_LOST;
		}
	}
	rcu_read_unlock();
	return made;
}
