// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_slow.c - what takes as long as somebody likes: a network namespace is made, as it is while
 * very many are, and a process that is to have one is half made until then; or the memory of
 * another process is read, as any user does it who has what he reads go to a file of his own
 * program's (FUSE), for which this machine's kernel has no module.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <net/net_namespace.h>

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "as long as this is true, no namespace is ready");
static int waiting;
module_param(waiting, int, 0444);
MODULE_PARM_DESC(waiting, "for how many namespaces somebody waits");

/* The memory that is being read. */
static struct mm_struct *reading;

static int set_reading(const char *text, const struct kernel_param *param)
{
	struct task_struct *task;
	struct pid *pid;
	int nr, error = kstrtoint(text, 0, &nr);

	(void)param;
	if (error)
		return error;
	if (reading)
		mmput(reading);
	reading = NULL;
	if (!nr)
		return 0;
	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return -ESRCH;
	reading = get_task_mm(task);
	put_task_struct(task);
	return reading ? 0 : -ESRCH;
}

static const struct kernel_param_ops reading_ops = { .set = set_reading };
module_param_cb(reading, &reading_ops, NULL, 0200);
MODULE_PARM_DESC(reading, "whose memory is read, a pid, until there is another; 0: nobody's");

static int __net_init wait_for_it(struct net *net)
{
	waiting++;
	while (READ_ONCE(hold))
		msleep(20);
	waiting--;
	return 0;
}

static struct pernet_operations slow = { .init = wait_for_it };

static int __init ks_slow_start(void)
{
	return register_pernet_subsys(&slow);
}

static void __exit ks_slow_end(void)
{
	unregister_pernet_subsys(&slow);
	if (reading)
		mmput(reading);
}

module_init(ks_slow_start);
module_exit(ks_slow_end);
MODULE_DESCRIPTION("makes network namespaces and reads memory slowly, for the tests of ksense");
MODULE_LICENSE("GPL");
