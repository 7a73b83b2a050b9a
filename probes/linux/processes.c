// SPDX-License-Identifier: GPL-2.0-only
/*
 * processes.c - the probe "processes": every thread group, as the kernel's table of pids has it.
 *
 * One is copied at a time, under RCU, so processes may come and go between two.  The place is kept as a number: the next pid.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/time64.h>

#include "../set.h"

struct ks_process {
	uint32_t pid;
	uint64_t start_ns;
	uint32_t ppid, uid;
	char comm[TASK_COMM_LEN];
	char state[2];
	uint8_t kernel;      /* a thread of the kernel's own */
	uint32_t threads;
	uint64_t cpu_ns;
};

static const struct ks_field process_fields[] = {
	KS_FIELD(struct ks_process, pid, KS_U32),
	KS_FIELD(struct ks_process, start_ns, KS_U64),
	KS_FIELD(struct ks_process, ppid, KS_U32),
	KS_FIELD(struct ks_process, uid, KS_U32),
	KS_FIELD(struct ks_process, comm, KS_STRING),
	KS_LIVE(struct ks_process, state, KS_STRING),
	KS_FIELD(struct ks_process, kernel, KS_BOOL),
	KS_LIVE(struct ks_process, threads, KS_U32),
	KS_LIVE(struct ks_process, cpu_ns, KS_U64),
};

static const struct ks_set_kind kinds[] = {
	{
		.name = "process",
		.fields = process_fields,
		.fields_count = ARRAY_SIZE(process_fields),
		.key_bytes = sizeof(uint32_t),
		.item_bytes = sizeof(struct ks_process),
	},
};

static void copy_process(struct task_struct *task, struct ks_process *item)
{
	const struct task_struct *parent = rcu_dereference(task->real_parent);

	item->pid = task_tgid_nr(task);
	item->start_ns = task->start_boottime;
	item->ppid = parent ? task_tgid_nr((struct task_struct *)parent) : 0;
	item->uid = from_kuid(&init_user_ns, task_uid(task));
	/* It may be set meanwhile: the copy then mixes two names, as it does in /proc. */
	strscpy_pad(item->comm, task->comm, sizeof(item->comm));
	item->state[0] = task_state_to_char(task);
	item->kernel = !!(task->flags & PF_KTHREAD);
	item->threads = get_nr_threads(task);
	item->cpu_ns = task->se.sum_exec_runtime;
}

static int processes_next(struct ks_probe *probe, struct ks_set_cursor *cursor, void *item)
{
	struct task_struct *task;
	struct pid *pid;
	int kind = KS_SET_END;

	(void)probe;
	rcu_read_lock();
	pid = find_ge_pid(cursor->at[0] + 1, &init_pid_ns);
	if (pid) {
		cursor->at[0] = pid_nr(pid);
		task = pid_task(pid, PIDTYPE_TGID);
		kind = KS_SET_SKIP;
		if (task) {
			copy_process(task, item);
			kind = 0;
		}
	}
	rcu_read_unlock();
	return kind;
}

static const struct ks_set_type processes_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items_max = 4096,
	.next = processes_next,
};

const struct ks_probe_type ks_linux_processes = {
	.name = "processes",
	.interval_ns = {
		[KS_LOW] = 10 * NSEC_PER_SEC,
		[KS_DEFAULT] = 2 * NSEC_PER_SEC,
		[KS_HIGH] = 500 * NSEC_PER_MSEC,
		[KS_ADVERSARIAL] = 100 * NSEC_PER_MSEC,
	},
	.pause_ns = {
		[KS_LOW] = 500 * NSEC_PER_USEC,
		[KS_DEFAULT] = 500 * NSEC_PER_USEC,
		[KS_HIGH] = 250 * NSEC_PER_USEC,
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&processes_set),
};
