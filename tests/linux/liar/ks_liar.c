// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_liar.c - says of itself what is not so, so that tests can show that the sensor goes by what
 * it can read and what the kernel has.
 *
 * Never load it on a machine that matters.  Its orders are writable parameters,
 * /sys/module/ks_liar/parameters/, of which 0 takes back what 1 did; all have to be 0 before
 * rmmod:
 *
 *   symbols=1  says that its table of symbols is where no memory is.  Whoever asks the kernel for
 *              a name then, of an address in this module or by one that the kernel itself has not,
 *              is killed by a fault.
 *   listen=1   has a function of its own called at each system call, by way of the trace event.
 *              Found by "kernel-entries" as "listener".
 *   table=1    has the pid table lead from its highest free place to itself.  Whoever asks the
 *              kernel for all pids does not come back.  "processes" says that it could not follow
 *              it.
 *   idle=1     starts a thread that is in no pid table and no list of tasks, and says that it is a
 *              CPU's idle task, which are in none.  Found by "processes" as "hidden".
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <linux/xarray.h>

/* === Symbols ============================================================ */

#define NO_MEMORY 0xffff888fdead0000UL

static bool lie;
static Elf_Sym *symbols;

static int set_symbols(const char *text, const struct kernel_param *param)
{
	struct mod_kallsyms *own = rcu_dereference_raw(THIS_MODULE->kallsyms);
	bool had = lie;
	int error = param_set_bool(text, param);

	if (error || lie == had)
		return error;
	if (lie)
		symbols = own->symtab;
	WRITE_ONCE(own->symtab, lie ? (Elf_Sym *)NO_MEMORY : symbols);
	return 0;
}

static const struct kernel_param_ops symbols_ops = { .set = set_symbols, .get = param_get_bool };
module_param_cb(symbols, &symbols_ops, &lie, 0600);
MODULE_PARM_DESC(symbols, "1 leads who looks for this module's symbols astray");

/* === Trace events ======================================================= */

static struct tracepoint *sys_enter;
static bool listening;

static void find_event(struct tracepoint *event, void *data)
{
	if (!strcmp(event->name, "sys_enter"))
		sys_enter = event;
}

static void ks_liar_listener(void *data, struct pt_regs *regs, long number)
{
}

static int set_listen(const char *text, const struct kernel_param *param)
{
	bool had = listening;
	int error = param_set_bool(text, param);

	if (error || listening == had)
		return error;
	return listening ? tracepoint_probe_register(sys_enter, ks_liar_listener, NULL) :
			   tracepoint_probe_unregister(sys_enter, ks_liar_listener, NULL);
}

static const struct kernel_param_ops listen_ops = { .set = set_listen, .get = param_get_bool };
module_param_cb(listen, &listen_ops, &listening, 0600);
MODULE_PARM_DESC(listen, "1 has a function called at each system call");

/* === A thread =========================================================== */

static rwlock_t *tasks_lock;            /* tasklist_lock */
static struct task_struct *thread;
static pid_t number;

static int run(void *data)
{
	while (!kthread_should_stop())
		msleep(10);
	return 0;
}

static void hide(struct task_struct *task)
{
	write_lock_irq(tasks_lock);
	list_del_rcu(&task->tasks);
	hlist_del_rcu(&task->pid_links[PIDTYPE_PID]);
	hlist_del_rcu(&task->pid_links[PIDTYPE_TGID]);
	number = task->pid;
	task->pid = 0;
	task->flags |= PF_IDLE;
	write_unlock_irq(tasks_lock);
}

static void show(struct task_struct *task)
{
	write_lock_irq(tasks_lock);
	task->flags &= ~PF_IDLE;
	task->pid = number;
	hlist_add_head_rcu(&task->pid_links[PIDTYPE_TGID], &task->signal->pids[PIDTYPE_TGID]->tasks[PIDTYPE_TGID]);
	hlist_add_head_rcu(&task->pid_links[PIDTYPE_PID], &task->thread_pid->tasks[PIDTYPE_PID]);
	list_add_tail_rcu(&task->tasks, &init_task.tasks);
	write_unlock_irq(tasks_lock);
}

static int set_idle(const char *text, const struct kernel_param *param)
{
	bool on;
	int error = kstrtobool(text, &on);

	if (error || on == !!thread)
		return error;
	if (!on) {
		show(thread);
		kthread_stop(thread);
		thread = NULL;
		return 0;
	}
	thread = kthread_run(run, NULL, "ks_liar");
	if (IS_ERR(thread)) {
		error = PTR_ERR(thread);
		thread = NULL;
		return error;
	}
	hide(thread);
	return 0;
}

static int get_idle(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%d\n", thread ? number : 0);
}

static const struct kernel_param_ops idle_ops = { .set = set_idle, .get = get_idle };
module_param_cb(idle, &idle_ops, NULL, 0600);
MODULE_PARM_DESC(idle, "1 starts a thread that hides and says that it is idle; its pid, when read");

/* === The pid table ====================================================== */

static void __rcu **place;

static int set_table(const char *text, const struct kernel_param *param)
{
	struct xa_node *top = xa_to_node(rcu_dereference_raw(init_pid_ns.idr.idr_rt.xa_head));
	bool on;
	int error = kstrtobool(text, &on);

	if (error || on == !!place)
		return error;
	if (!on) {
		rcu_assign_pointer(*place, NULL);
		place = NULL;
		return 0;
	}
	place = &top->slots[XA_CHUNK_MASK];
	if (*place || !top->shift) {
		place = NULL;
		return -EBUSY;
	}
	rcu_assign_pointer(*place, xa_mk_node(top));
	return 0;
}

static const struct kernel_param_ops table_ops = { .set = set_table };
module_param_cb(table, &table_ops, NULL, 0200);
MODULE_PARM_DESC(table, "1 has the pid table lead to itself");

/* === Start and end ====================================================== */

static int __init ks_liar_start(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name", .flags = KPROBE_FLAG_DISABLED };
	unsigned long (*lookup)(const char *name);
	int error = register_kprobe(&probe);

	if (error)
		return error;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	tasks_lock = (void *)lookup("tasklist_lock");
	for_each_kernel_tracepoint(find_event, NULL);
	return tasks_lock && sys_enter ? 0 : -ENOENT;
}

static void __exit ks_liar_stop(void)
{
}

module_init(ks_liar_start);
module_exit(ks_liar_stop);

MODULE_DESCRIPTION("test of ksense: says of itself what is not so");
MODULE_LICENSE("GPL");
