// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_torn.c - tears lists of the kernel's and holds their locks, so that tests can show that the
 * sensor neither goes round in them for ever nor waits.
 *
 * Never load it on a machine that matters.  It takes its orders from writable parameters,
 * /sys/module/ks_torn/parameters/; 1 does, 0 undoes:
 *
 *   ring     the second module of the kernel's list leads back to itself: who follows the list
 *            comes round there for ever, and never to the
 *            head.  Meanwhile nothing may look for a module: no insmod, rmmod, lsmod
 *   kset     the same with this module's object in /sys/module.  No insmod meanwhile
 *   late     a module is said to have come at the place of each suspect, in the moment in which
 *            the sensor is about to look at what it has of them
 *   pages    the last of the kernel's list of page tables, which is of the first process that
 *            there was, leads back to itself
 *   object   the object of the module ks_code in that set is one of a module that is no memory.
 *            Nobody may use its parameters meanwhile
 *   hold     the lock of that set of objects is held, by nobody who would ever give it back
 *   threads  both lists of the threads of the process of this pid, which has several, lead to
 *            memory that is none; 0 undoes.  It must not
 *            end meanwhile
 *   bend     "PID MEMBER": a pointer of that task's leads to no address of the kernel's:
 *            real_parent, real_cred, nsproxy, files, signal or mm; or, "link", what leads from the
 *            pid to the task.  "PID MEMBER hole": to one at which no memory is.  It must neither
 *            run nor end, nor be asked about in /proc, meanwhile
 *   number   "NUMBER OTHER": the pid of that number, which need not be a task's any more, says
 *            that it is OTHER
 *   flags    "PID BITS": that task's flags have these bits as well
 *   alloc    the lock of the task of this pid is held, by nobody who would ever give it back
 *   table    "PID FD": as soon as the sensor looks at that descriptor, the process has another
 *            table of them, in which it is closed, as if it had opened many and closed this one
 *            meanwhile.  It must neither run nor end until 0 has given the first one back.
 *            "PID FD again": each time that it looks, and nothing is closed
 *   count    "PID FD": the file of that descriptor is one that nobody has.  Nobody may use it
 *            meanwhile
 *   flip     "PID FD OTHER": each time that the sensor looks at that descriptor, it gets the other
 *            one's file, or its own back.  The process must neither run nor end meanwhile
 *   loop     "PID FD": what the mount of that descriptor's file is mounted on is mounted on that
 *            one in turn.  Nobody may use a path that leads there meanwhile
 *   socket   "PID FD lock": likewise the lock of that UNIX socket; "PID FD peer": its pointer to
 *            its peer leads to where no memory is; "PID FD inet", "unix", "netlink" or "packet":
 *            its struct sock is one of that family, of which no more than the begin is memory.
 *            Nobody may use the socket meanwhile
 *   event    "hole": the list of who listens at the end of each system call leads to where no
 *            memory is.  Nobody may listen there meanwhile.  "flip": those who listen at the begin
 *            of each are in another order each time that the sensor has told one of them.  They
 *            must stay
 *   crowd    1 has somebody trace who says that it is one function, and has 262,144.  Nobody may
 *            trace anything meanwhile
 *   stub     "NUMBER", which no task has: the pid table has a pid of that number, and of the task
 *            that it leads to there is no memory behind the link that does.  Nobody may go through
 *            the table meanwhile
 */
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/ftrace.h>
#include <linux/idr.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <net/af_unix.h>

static unsigned long (*lookup)(const char *name);

/* === Links ============================================================== */

struct tear {
	struct list_head *(*find)(void);
	struct list_head *node, *next;  /* what was torn, and where it led to */
	struct list_head *to;           /* NULL: to itself */
};

static int tear(struct tear *tear, bool wanted)
{
	if (wanted == !!tear->node)
		return 0;
	if (wanted) {
		tear->node = tear->find();
		if (!tear->node)
			return -ENOENT;
		tear->next = tear->node->next;
		WRITE_ONCE(tear->node->next, tear->to ?: tear->node);
	} else {
		WRITE_ONCE(tear->node->next, tear->next);
		tear->node = NULL;
	}
	return 0;
}

static struct list_head *second_module(void)
{
	struct list_head *modules = (void *)lookup("modules");

	return modules ? modules->next->next : NULL;
}

static struct list_head *own_object(void)
{
	return &THIS_MODULE->mkobj.kobj.entry;
}

/* All that comes is before it. */
static struct list_head *last_page_table(void)
{
	struct list_head *tables = (void *)lookup("pgd_list");

	return tables ? tables->prev : NULL;
}

static struct task_struct *process;

/* Since 6.7 there is only the other list of them. */
static struct list_head *threads_from_process(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return &process->thread_group;
#else
	return NULL;
#endif
}

static struct list_head *threads_from_head(void)
{
	return &process->signal->thread_head;
}

/* Not canonical: no memory is there, and never will be. */
#define NOWHERE ((struct list_head *)0x8000dead0000UL)
/* As good as any other, but that the machine has no 32 TiB. */
#define HOLE ((void *)(PAGE_OFFSET + (1UL << 45)))

static struct tear torn_modules = { .find = second_module };
static struct tear torn_objects = { .find = own_object };
static struct tear torn_tables = { .find = last_page_table };
static struct tear torn_group = { .find = threads_from_process, .to = NOWHERE };
static struct tear torn_threads = { .find = threads_from_head, .to = NOWHERE };

/* === Suspects =========================================================== */

/* As in probes/linux/modules.c. */
static struct suspect {
	int what;
	u64 address, last, first_ns, since_ns;
	u32 looks, pass;
} *suspects;
static void *suspects_lock;
#define SUSPECTS_MAX 64

/* At the begin of spin_lock(lock), before it is taken: as the notifier does that just had it. */
static int say_it_came(struct kprobe *probe, struct pt_regs *regs)
{
	if (regs->di == (unsigned long)suspects_lock)
		for (unsigned int i = 0; i < SUSPECTS_MAX; i++)
			suspects[i].since_ns = ktime_get_ns();
	return 0;
}

static struct kprobe at_a_lock = { .symbol_name = "_raw_spin_lock", .pre_handler = say_it_came };

static int set_late(const char *text, const struct kernel_param *param)
{
	bool wanted;
	int error = kstrtobool(text, &wanted);

	if (error || wanted == !!suspects)
		return error;
	if (!wanted) {
		unregister_kprobe(&at_a_lock);
		suspects = NULL;
		return 0;
	}
	suspects = (void *)lookup("ksense:suspects");
	suspects_lock = (void *)lookup("ksense:suspects_lock");
	at_a_lock.addr = NULL;
	at_a_lock.flags = 0;
	error = suspects && suspects_lock ? register_kprobe(&at_a_lock) : -ENOENT;
	if (error)
		suspects = NULL;
	return error;
}

/* === An object ========================================================== */

static struct module *strayed;

static int set_object(const char *text, const struct kernel_param *param)
{
	struct module *(*find_module_fn)(const char *name) = (void *)lookup("find_module");
	bool wanted;
	int error = kstrtobool(text, &wanted);

	if (error || wanted == !!strayed)
		return error;
	if (!wanted) {
		WRITE_ONCE(strayed->mkobj.mod, strayed);
		strayed = NULL;
		return 0;
	}
	strayed = find_module_fn ? find_module_fn("ks_code") : NULL;
	if (!strayed)
		return -ENOENT;
	WRITE_ONCE(strayed->mkobj.mod, HOLE);
	return 0;
}

/* === The lock =========================================================== */

static bool held;

/*
 * Below lockdep, which would rightly complain, so that nobody has it and it is taken.  With
 * PREEMPT_RT it is a mutex, which somebody owns.
 */
static void take(spinlock_t *lock)
{
#ifdef CONFIG_PREEMPT_RT
	while (cmpxchg(&lock->lock.owner, NULL, &init_task))
		cpu_relax();
#else
	arch_spin_lock(&lock->rlock.raw_lock);
#endif
}

static void give(spinlock_t *lock)
{
#ifdef CONFIG_PREEMPT_RT
	cmpxchg(&lock->lock.owner, &init_task, NULL);
#else
	arch_spin_unlock(&lock->rlock.raw_lock);
#endif
}

static int hold(bool wanted)
{
	struct kset **kset = (void *)lookup("module_kset");
	spinlock_t *lock;

	if (wanted == held)
		return 0;
	if (!kset)
		return -ENOENT;
	lock = &(*kset)->list_lock;
	if (wanted)
		take(lock);
	else
		give(lock);
	held = wanted;
	return 0;
}

static struct task_struct *task_of(int number)
{
	struct pid *pid = find_get_pid(number);
	struct task_struct *task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;

	put_pid(pid);
	return task;
}

static struct task_struct *owner;

static int set_alloc(const char *text, const struct kernel_param *param)
{
	int number, error = kstrtoint(text, 0, &number);

	if (error)
		return error;
	if (number && owner)
		return -EBUSY;
	if (number) {
		owner = task_of(number);
		if (!owner)
			return -ESRCH;
		take(&owner->alloc_lock);
	} else if (owner) {
		give(&owner->alloc_lock);
		put_task_struct(owner);
		owner = NULL;
	}
	return 0;
}

/* === A socket =========================================================== */

static struct file *socket_file;
static struct sock **sock_at, *sock_was;        /* NULL: its lock is held */
static void *sock_page;

static const struct {
	const char *name;
	int number;
} families[] = { { "inet", AF_INET }, { "unix", AF_UNIX }, { "netlink", AF_NETLINK }, { "packet", AF_PACKET } };

/* As much of one as makes its family be seen, and then no memory. */
static struct sock *stub_sock(int family)
{
	struct sock *sk;

	sock_page = vzalloc(PAGE_SIZE);
	if (!sock_page)
		return NULL;
	sk = sock_page + PAGE_SIZE - 32;
	sk->sk_family = family;
	return sk;
}

static struct sock *socket_sk(void)
{
	return sock_from_file(socket_file)->sk;
}

static int set_socket(const char *text, const struct kernel_param *param)
{
	struct file *(*fget_task_fn)(struct task_struct *task, unsigned int fd) = (void *)lookup("fget_task");
	struct task_struct *task;
	struct sock *bent_sock;
	char what[8] = "";
	unsigned int fd;
	int number;

	if (socket_file) {
		if (sock_at)
			WRITE_ONCE(*sock_at, sock_was);
		else
			give(&unix_sk(socket_sk())->lock);
		fput(socket_file);
		vfree(sock_page);
		socket_file = NULL;
		sock_page = NULL;
		sock_at = NULL;
	}
	if (sscanf(text, "%d %u %7s", &number, &fd, what) != 3)
		return number ? -EINVAL : 0;
	task = task_of(number);
	if (!task || !fget_task_fn)
		return -ESRCH;
	socket_file = fget_task_fn(task, fd);
	put_task_struct(task);
	if (!socket_file)
		return -EBADF;
	bent_sock = (struct sock *)NOWHERE;
	if (!strcmp(what, "peer"))
		sock_at = &unix_peer(socket_sk());
	for (unsigned int i = 0; i < ARRAY_SIZE(families); i++)
		if (!strcmp(what, families[i].name)) {
			bent_sock = stub_sock(families[i].number);
			sock_at = &sock_from_file(socket_file)->sk;
		}
	if (!sock_at) {
		take(&unix_sk(socket_sk())->lock);
		return 0;
	}
	sock_was = *sock_at;
	if (bent_sock)
		WRITE_ONCE(*sock_at, bent_sock);
	return bent_sock ? 0 : -ENOMEM;
}

/* === A table of descriptors ============================================= */

static struct files_struct *table_of;
static struct fdtable *first_table, second_table;
static struct file **looked_at, **looked_at_again;

/* At the begin of ks_see_file(slot, ...). */
static int replace_table(struct kprobe *probe, struct pt_regs *regs)
{
	if (regs->di == (unsigned long)looked_at)
		WRITE_ONCE(*(struct fdtable **)&table_of->fdt, &second_table);
	else if (regs->di == (unsigned long)looked_at_again)
		WRITE_ONCE(*(struct fdtable **)&table_of->fdt, first_table);
	return 0;
}

static struct kprobe at_a_file = { .symbol_name = "ks_see_file", .pre_handler = replace_table };

static int set_table(const char *text, const struct kernel_param *param)
{
	struct task_struct *task;
	struct file **slots;
	char how[8] = "";
	unsigned int fd;
	int number, error;

	if (table_of) {
		unregister_kprobe(&at_a_file);
		WRITE_ONCE(*(struct fdtable **)&table_of->fdt, first_table);
		kfree(second_table.fd);
		table_of = NULL;
	}
	if (sscanf(text, "%d %u %7s", &number, &fd, how) < 2)
		return number ? -EINVAL : 0;
	task = task_of(number);
	if (!task)
		return -ESRCH;
	/* They stay, as the process does. */
	table_of = task->files;
	put_task_struct(task);
	first_table = *(struct fdtable **)&table_of->fdt;
	slots = kmemdup(first_table->fd, first_table->max_fds * sizeof(*slots), GFP_KERNEL);
	if (!slots || fd >= first_table->max_fds) {
		kfree(slots);
		table_of = NULL;
		return -EINVAL;
	}
	looked_at_again = *how ? slots + fd : NULL;
	if (!looked_at_again)
		slots[fd] = NULL;
	second_table = *first_table;
	*(struct file ***)&second_table.fd = slots;
	looked_at = (struct file **)first_table->fd + fd;
	at_a_file.addr = NULL;
	at_a_file.flags = 0;
	error = register_kprobe(&at_a_file);
	if (error) {
		kfree(slots);
		table_of = NULL;
	}
	return error;
}

/* === A file ============================================================= */

/* Of a process that stays, and whose lock may be held. */
static struct file **slot_of(int number, unsigned int fd)
{
	struct task_struct *task = task_of(number);
	struct fdtable *table;

	if (!task)
		return NULL;
	table = *(struct fdtable **)&task->files->fdt;
	put_task_struct(task);
	return fd < table->max_fds && table->fd[fd] ? (struct file **)table->fd + fd : NULL;
}

static struct file *dead;
static long count_was;

static int set_count(const char *text, const struct kernel_param *param)
{
	struct file **slot;
	unsigned int fd;
	int number;

	if (dead) {
		atomic_long_set(&dead->f_count, count_was);
		dead = NULL;
	}
	if (sscanf(text, "%d %u", &number, &fd) != 2)
		return number ? -EINVAL : 0;
	slot = slot_of(number, fd);
	if (!slot)
		return -EBADF;
	dead = *slot;
	count_was = atomic_long_xchg(&dead->f_count, 0);
	return 0;
}

static struct file *flipped[2], **flip_at;

/*
 * At the begin of __virt_addr_valid(file), of which the sensor makes use between two
 * reads of the slot.
 */
static int flip(struct kprobe *probe, struct pt_regs *regs)
{
	for (unsigned int i = 0; i < 2; i++)
		if (regs->di == (unsigned long)flipped[i] && cmpxchg(flip_at, flipped[i], flipped[!i]) == flipped[i])
			break;
	return 0;
}

static struct kprobe at_an_address = { .symbol_name = "__virt_addr_valid", .pre_handler = flip };

static int set_flip(const char *text, const struct kernel_param *param)
{
	struct file **slot, **others;
	unsigned int fd, other;
	int number, error;

	if (flip_at) {
		unregister_kprobe(&at_an_address);
		WRITE_ONCE(*flip_at, flipped[0]);
		flip_at = NULL;
	}
	if (sscanf(text, "%d %u %u", &number, &fd, &other) != 3)
		return number ? -EINVAL : 0;
	slot = slot_of(number, fd);
	others = slot_of(number, other);
	if (!slot || !others)
		return -EBADF;
	flipped[0] = *slot;
	flipped[1] = *others;
	flip_at = slot;
	at_an_address.addr = NULL;
	at_an_address.flags = 0;
	error = register_kprobe(&at_an_address);
	if (error)
		flip_at = NULL;
	return error;
}

/* === A mount ============================================================ */

/* The begin of the kernel's own struct mount (fs/mount.h). */
struct mounted {
	struct hlist_node hash;
	struct mounted *parent;
	struct dentry *mountpoint;
	struct vfsmount mnt;
};

static struct mounted *looped, looped_was;

static int set_loop(const char *text, const struct kernel_param *param)
{
	struct mounted *top;
	struct file **slot;
	unsigned int fd;
	int number;

	if (looped) {
		looped->mountpoint = looped_was.mountpoint;
		WRITE_ONCE(looped->parent, looped_was.parent);
		looped = NULL;
	}
	if (sscanf(text, "%d %u", &number, &fd) != 2)
		return number ? -EINVAL : 0;
	slot = slot_of(number, fd);
	if (!slot)
		return -EBADF;
	top = container_of((*slot)->f_path.mnt, struct mounted, mnt);
	if (top->parent == top)
		return -EINVAL;
	looped = top->parent;
	looped_was = *looped;
	looped->mountpoint = top->mnt.mnt_root;
	WRITE_ONCE(looped->parent, top);
	return 0;
}

/* === Pointers =========================================================== */

#define MEMBER(name) { #name, offsetof(struct task_struct, name) }
static const struct {
	const char *name;
	size_t at;
} members[] = { MEMBER(real_parent), MEMBER(real_cred), MEMBER(nsproxy), MEMBER(files), MEMBER(signal), MEMBER(mm) };

static struct task_struct *bent;
static void **bent_at, *bent_was;

static int set_bend(const char *text, const struct kernel_param *param)
{
	char name[16] = "", how[8] = "";
	int number;

	if (bent) {
		WRITE_ONCE(*bent_at, bent_was);
		put_task_struct(bent);
		bent = NULL;
	}
	if (sscanf(text, "%d %15s %7s", &number, name, how) < 2)
		return number ? -EINVAL : 0;
	bent = task_of(number);
	if (!bent)
		return -ESRCH;
	bent_at = (void **)&bent->thread_pid->tasks[PIDTYPE_PID].first;
	for (unsigned int i = 0; i < ARRAY_SIZE(members); i++)
		if (!strcmp(name, members[i].name))
			bent_at = (void **)((char *)bent + members[i].at);
	bent_was = *bent_at;
	WRITE_ONCE(*bent_at, strcmp(how, "hole") ? NOWHERE : HOLE);
	return 0;
}

/* === Who is called ====================================================== */

static struct tracepoint *event;
static struct tracepoint_func *listeners, *reversed;

static void find_event(struct tracepoint *at, void *name)
{
	if (!strcmp(at->name, name))
		event = at;
}

static struct tracepoint_func **list_of_event(void)
{
	return (struct tracepoint_func **)&event->funcs;
}

/* At the begin of ks_name_at(event, ...), as one of them is told. */
static int reverse_listeners(struct kprobe *probe, struct pt_regs *regs)
{
	if (regs->di != (unsigned long)event)
		return 0;
	WRITE_ONCE(*list_of_event(), *list_of_event() == listeners ? reversed : listeners);
	return 0;
}

static struct kprobe at_a_name = { .symbol_name = "ks_name_at", .pre_handler = reverse_listeners };

static int flip_listeners(void)
{
	unsigned int count = 0;
	int error;

	while (listeners && listeners[count].func)
		count++;
	reversed = kcalloc(count + 1, sizeof(*reversed), GFP_KERNEL);
	if (!reversed)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		reversed[i] = listeners[count - 1 - i];
	at_a_name.addr = NULL;
	at_a_name.flags = 0;
	error = count < 2 ? -ENOENT : register_kprobe(&at_a_name);
	if (error) {
		kfree(reversed);
		reversed = NULL;
	}
	return error;
}

static int set_event(const char *text, const struct kernel_param *param)
{
	int error = 0;

	if (event) {
		if (reversed)
			unregister_kprobe(&at_a_name);
		WRITE_ONCE(*list_of_event(), listeners);
		tracepoint_synchronize_unregister();
		kfree(reversed);
		reversed = NULL;
		event = NULL;
	}
	if (sysfs_streq(text, "0"))
		return 0;
	for_each_kernel_tracepoint(find_event, sysfs_streq(text, "flip") ? "sys_enter" : "sys_exit");
	if (!event)
		return -ENOENT;
	listeners = *list_of_event();
	if (sysfs_streq(text, "flip"))
		error = flip_listeners();
	else
		WRITE_ONCE(*list_of_event(), HOLE);
	if (error)
		event = NULL;
	return error;
}

#ifdef CONFIG_DYNAMIC_FTRACE
/* As in kernel/trace/trace.h. */
struct functions {
	unsigned long size_bits;
	struct hlist_head *chains;
	unsigned long count;
};

struct function {
	struct hlist_node node;
	unsigned long address;
	unsigned long direct;
};

#define CROWD_BITS 12
#define CROWD_CHAINS (1UL << CROWD_BITS)
#define CROWD_IN_CHAIN 64

static void trace_crowd(unsigned long at, unsigned long caller, struct ftrace_ops *ops, struct ftrace_regs *regs)
{
}

static struct hlist_head *crowd_chains;
static struct function *crowd_functions;
static struct functions crowd;
static struct ftrace_ops_hash crowd_hash = { .filter_hash = (void *)&crowd };
static struct ftrace_ops crowd_tracer = { .func = trace_crowd, .func_hash = &crowd_hash };

static int set_crowd(const char *text, const struct kernel_param *param)
{
	struct ftrace_ops **ops = (void *)lookup("ftrace_ops_list");
	unsigned long start = lookup("_stext");
	bool wanted;
	int error = kstrtobool(text, &wanted);

	if (error || wanted == !!crowd_chains)
		return error;
	if (!ops)
		return -ENOENT;
	if (!wanted) {
		WRITE_ONCE(*ops, *(struct ftrace_ops **)&crowd_tracer.next);
		vfree(crowd_chains);
		vfree(crowd_functions);
		crowd_chains = NULL;
		return 0;
	}
	crowd_chains = vzalloc(CROWD_CHAINS * sizeof(*crowd_chains));
	crowd_functions = vzalloc(CROWD_CHAINS * CROWD_IN_CHAIN * sizeof(*crowd_functions));
	if (!crowd_chains || !crowd_functions) {
		vfree(crowd_chains);
		vfree(crowd_functions);
		crowd_chains = NULL;
		return -ENOMEM;
	}
	for (unsigned long i = 0; i < CROWD_CHAINS * CROWD_IN_CHAIN; i++) {
		crowd_functions[i].address = start + i;
		hlist_add_head(&crowd_functions[i].node, &crowd_chains[i % CROWD_CHAINS]);
	}
	crowd = (struct functions){ .size_bits = CROWD_BITS, .chains = crowd_chains, .count = 1 };
	*(struct ftrace_ops **)&crowd_tracer.next = *ops;
	smp_store_release(ops, &crowd_tracer);
	return 0;
}
#else
static int set_crowd(const char *text, const struct kernel_param *param)
{
	return sysfs_streq(text, "0") ? 0 : -ENOENT;
}
#endif

/* === A pid ============================================================== */

static struct pid *renumbered;
static int number_was;

static int set_number(const char *text, const struct kernel_param *param)
{
	int number, other;

	if (renumbered) {
		WRITE_ONCE(renumbered->numbers[0].nr, number_was);
		put_pid(renumbered);
		renumbered = NULL;
	}
	if (sscanf(text, "%d %d", &number, &other) != 2)
		return number ? -EINVAL : 0;
	renumbered = find_get_pid(number);
	if (!renumbered)
		return -ESRCH;
	number_was = number;
	WRITE_ONCE(renumbered->numbers[0].nr, other);
	return 0;
}

static void *stub_page;
static int stub_number;

static int set_stub(const char *text, const struct kernel_param *param)
{
	struct task_struct *task;
	struct pid *pid;
	int number, error = kstrtoint(text, 0, &number);

	if (error)
		return error;
	if (stub_page) {
		idr_remove(&init_pid_ns.idr, stub_number);
		synchronize_rcu();
		vfree(stub_page);
		stub_page = NULL;
	}
	if (!number)
		return 0;
	/* The pid at the begin of the page, the task at its end. */
	stub_page = vzalloc(PAGE_SIZE);
	if (!stub_page)
		return -ENOMEM;
	pid = stub_page;
	refcount_set(&pid->count, 1);
	pid->numbers[0].nr = number;
	pid->numbers[0].ns = &init_pid_ns;
	task = stub_page + PAGE_SIZE - offsetof(struct task_struct, pid_links) - sizeof(task->pid_links);
	task->thread_pid = pid;
	pid->tasks[PIDTYPE_PID].first = &task->pid_links[PIDTYPE_PID];
	stub_number = idr_alloc(&init_pid_ns.idr, pid, number, number + 1, GFP_KERNEL);
	if (stub_number >= 0)
		return 0;
	vfree(stub_page);
	stub_page = NULL;
	return stub_number;
}

/* === Flags ============================================================== */

static struct task_struct *flagged;
static unsigned int flags_set;

static int set_flags(const char *text, const struct kernel_param *param)
{
	unsigned int bits;
	int number;

	if (flagged) {
		flagged->flags &= ~flags_set;
		put_task_struct(flagged);
		flagged = NULL;
	}
	if (sscanf(text, "%d %i", &number, &bits) != 2)
		return number ? -EINVAL : 0;
	flagged = task_of(number);
	if (!flagged)
		return -ESRCH;
	flags_set = bits & ~flagged->flags;
	flagged->flags |= bits;
	return 0;
}

/* === Parameters ========================================================= */

static int set_tear(const char *text, const struct kernel_param *param)
{
	bool wanted;
	int error = kstrtobool(text, &wanted);

	return error ?: tear(param->arg, wanted);
}

static int set_threads(const char *text, const struct kernel_param *param)
{
	struct pid *pid;
	int number, error = kstrtoint(text, 0, &number);

	if (error)
		return error;
	if (!number) {
		tear(&torn_threads, false);
		tear(&torn_group, false);
		if (process)
			put_task_struct(process);
		process = NULL;
		return 0;
	}
	if (process)
		return -EBUSY;
	pid = find_get_pid(number);
	process = pid ? get_pid_task(pid, PIDTYPE_TGID) : NULL;
	put_pid(pid);
	if (!process)
		return -ESRCH;
	tear(&torn_group, true);
	return tear(&torn_threads, true);
}

static int set_hold(const char *text, const struct kernel_param *param)
{
	bool wanted;
	int error = kstrtobool(text, &wanted);

	return error ?: hold(wanted);
}

static const struct kernel_param_ops tear_ops = { .set = set_tear };
static const struct kernel_param_ops threads_ops = { .set = set_threads };
static const struct kernel_param_ops hold_ops = { .set = set_hold };
static const struct kernel_param_ops bend_ops = { .set = set_bend };
static const struct kernel_param_ops number_ops = { .set = set_number };
static const struct kernel_param_ops flags_ops = { .set = set_flags };
static const struct kernel_param_ops alloc_ops = { .set = set_alloc };
static const struct kernel_param_ops table_ops = { .set = set_table };
static const struct kernel_param_ops count_ops = { .set = set_count };
static const struct kernel_param_ops flip_ops = { .set = set_flip };
static const struct kernel_param_ops loop_ops = { .set = set_loop };
static const struct kernel_param_ops stub_ops = { .set = set_stub };
static const struct kernel_param_ops object_ops = { .set = set_object };
static const struct kernel_param_ops late_ops = { .set = set_late };
static const struct kernel_param_ops event_ops = { .set = set_event };
static const struct kernel_param_ops crowd_ops = { .set = set_crowd };
static const struct kernel_param_ops socket_ops = { .set = set_socket };

module_param_cb(ring, &tear_ops, &torn_modules, 0200);
module_param_cb(kset, &tear_ops, &torn_objects, 0200);
module_param_cb(object, &object_ops, NULL, 0200);
module_param_cb(late, &late_ops, NULL, 0200);
module_param_cb(pages, &tear_ops, &torn_tables, 0200);
module_param_cb(threads, &threads_ops, NULL, 0200);
module_param_cb(hold, &hold_ops, NULL, 0200);
module_param_cb(bend, &bend_ops, NULL, 0200);
module_param_cb(number, &number_ops, NULL, 0200);
module_param_cb(flags, &flags_ops, NULL, 0200);
module_param_cb(alloc, &alloc_ops, NULL, 0200);
module_param_cb(table, &table_ops, NULL, 0200);
module_param_cb(count, &count_ops, NULL, 0200);
module_param_cb(flip, &flip_ops, NULL, 0200);
module_param_cb(loop, &loop_ops, NULL, 0200);
module_param_cb(stub, &stub_ops, NULL, 0200);
module_param_cb(event, &event_ops, NULL, 0200);
module_param_cb(crowd, &crowd_ops, NULL, 0200);
module_param_cb(socket, &socket_ops, NULL, 0200);
MODULE_PARM_DESC(ring, "the list of modules leads back to its second one");
MODULE_PARM_DESC(kset, "the list of /sys/module's objects leads back to this one's");
MODULE_PARM_DESC(object, "the object of ks_code is one of a module that is no memory");
MODULE_PARM_DESC(late, "modules come at the place of each suspect as the sensor looks at it");
MODULE_PARM_DESC(pages, "the list of page tables leads back to its last one");
MODULE_PARM_DESC(threads, "the lists of threads of this pid lead nowhere");
MODULE_PARM_DESC(hold, "the lock of /sys/module's objects is held");
MODULE_PARM_DESC(bend, "PID MEMBER: that pointer of the task's leads nowhere");
MODULE_PARM_DESC(number, "NUMBER OTHER: that pid says that it is the other");
MODULE_PARM_DESC(flags, "PID BITS: that task's flags have these, too");
MODULE_PARM_DESC(alloc, "the lock of the task of this pid is held");
MODULE_PARM_DESC(table, "PID FD: the process gets another table of descriptors as that one is looked at");
MODULE_PARM_DESC(count, "PID FD: nobody has that descriptor's file");
MODULE_PARM_DESC(flip, "PID FD OTHER: that descriptor changes between its file and the other's at each look");
MODULE_PARM_DESC(loop, "PID FD: the mount of that descriptor's file is mounted in a circle");
MODULE_PARM_DESC(stub, "NUMBER: the pid table leads to a task of which no more than the begin is memory");
MODULE_PARM_DESC(event, "hole: who listens leads nowhere; flip: who listens changes places");
MODULE_PARM_DESC(crowd, "1 has somebody trace more functions than it says");
MODULE_PARM_DESC(
	socket,
	"PID FD lock|peer|FAMILY: that UNIX socket's lock is held, or its peer leads nowhere, or most of its sock");

static int __init torn_start(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name", .flags = KPROBE_FLAG_DISABLED };
	int error = register_kprobe(&probe);

	if (error)
		return error;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static void __exit torn_stop(void)
{
	tear(&torn_modules, false);
	tear(&torn_objects, false);
	tear(&torn_tables, false);
	set_threads("0", NULL);
	hold(false);
	set_bend("0", NULL);
	set_number("0", NULL);
	set_flags("0", NULL);
	set_alloc("0", NULL);
	set_loop("0", NULL);
	set_stub("0", NULL);
	set_socket("0", NULL);
	set_count("0", NULL);
	set_flip("0", NULL);
	set_table("0", NULL);
	set_object("0", NULL);
	set_late("0", NULL);
	set_event("0", NULL);
	set_crowd("0", NULL);
}

module_init(torn_start);
module_exit(torn_stop);

MODULE_DESCRIPTION("tears the kernel's lists, for tests of ksense");
MODULE_LICENSE("GPL");
