// SPDX-License-Identifier: GPL-2.0-only
/*
 * processes.c - the probe "processes": every process, as the kernel's table of pids has it; and
 * from level "high" on, and whenever somebody asks, what is in one view of them and not in another
 * (views.h).
 *
 * One is copied at a time, under RCU and without a lock (task.h), so processes may come and go
 * between two.  The place is kept as a number: the next pid.  What cannot be read of one is 0, and
 * the pass says that it is incomplete.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ipc_namespace.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <linux/rcupdate.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/threads.h>
#include <linux/time64.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

#include "../../linux/compat.h"
#include "../../linux/symbols.h"
#include "../set.h"
#include "making.h"
#include "path.h"
#include "root.h"
#include "task.h"
#include "views.h"
#include "walk.h"
#include "x86.h"

#define EXE_BYTES 192
/* so that a record of a change, with both, is always short enough */
#define EXE_JSON_BYTES 256
#define THREADS_MAX 64          /* of so many time is added up; so many are asked at once */

struct ks_process {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t ppid, uid, euid;
	uint64_t caps;
	char comm[TASK_COMM_LEN];
	char exe[EXE_BYTES];
	char state[2];
	uint8_t kernel;
	uint32_t threads;
	uint64_t cpu_ns;
	uint64_t root, user_root;
	uint32_t pid_ns, mnt_ns, net_ns, user_ns, uts_ns, ipc_ns, cgroup_ns, time_ns;
	/* Not shown. */
	struct ks_path_key exe_key;
};

static const struct ks_field process_fields[] = {
	KS_FIELD(struct ks_process, pid, KS_U32, "of the process: its first thread's (tgid)"),
	KS_FIELD(struct ks_process, start_ns, KS_NS, "[ns] when it was made, since boot; it stays through exec"),
	KS_FIELD(struct ks_process, ppid, KS_U32, "the parent's pid; 0: made by the kernel itself"),
	KS_FIELD(struct ks_process, uid, KS_U32, "real user, as the initial user namespace numbers them"),
	KS_FIELD(struct ks_process, euid, KS_U32, "effective user, as the initial user namespace numbers them"),
	KS_FIELD(struct ks_process, caps, KS_HEX, "effective capabilities, a bit each"),
	KS_FIELD(struct ks_process, comm, KS_STRING, "its name, any 15 bytes; a process may change it"),
	KS_FIELD(struct ks_process, exe, KS_STRING,
		 "path of the file that it executes, ` (deleted)` behind it when that is so; `\"\"` for kernel "
		 "threads. At most 191 bytes, or "
		 "256 when escaped in JSON; of a longer one the end, behind `...`; "
		 "of one that leads through more than 256 folders and mounts, `.../` and the name"),
	KS_LIVE(struct ks_process, state, KS_STRING, "as in `/proc`: `R`, `S`, `D`, `T`, `t`, `Z`, `X`, `I`"),
	KS_FIELD(struct ks_process, kernel, KS_BOOL, "a thread of the kernel's own"),
	KS_LIVE(struct ks_process, threads, KS_U32, "how many it has"),
	KS_LIVE(struct ks_process, cpu_ns, KS_NS,
		"[ns] time that it ran, of the threads that have ended, too; of more than 64 threads, the first 64"),
	KS_FIELD(struct ks_process, root, KS_HEX,
		 "[frame number] page-table root of the kernel in its memory. As a PV guest of Xen: the machine's "
		 "frame, which the probe "
		 "`xen-domains` shows for a vCPU; else the physical one. `0x0` for kernel threads"),
	KS_FIELD(struct ks_process, user_root, KS_HEX,
		 "[frame number] likewise of user space; `0x0` without page-table isolation, and for kernel threads"),
	KS_FIELD(struct ks_process, pid_ns, KS_U32,
		 "its pid namespace, by the number that `/proc/PID/ns` has; 0: none (it has ended)"),
	KS_FIELD(struct ks_process, mnt_ns, KS_U32,
		 "its mount namespace; 0 as well with a kernel whose mount namespace is laid out in another way"),
	KS_FIELD(struct ks_process, net_ns, KS_U32, "its network namespace"),
	KS_FIELD(struct ks_process, user_ns, KS_U32, "its user namespace"),
	KS_FIELD(struct ks_process, uts_ns, KS_U32, "its namespace of host names"),
	KS_FIELD(struct ks_process, ipc_ns, KS_U32, "its IPC namespace"),
	KS_FIELD(struct ks_process, cgroup_ns, KS_U32, "its cgroup namespace"),
	KS_FIELD(struct ks_process, time_ns, KS_U32, "its time namespace"),
};

struct ks_kernel_root {
	char name[12];
	uint64_t root, user_root;
};

static const struct ks_field kernel_root_fields[] = {
	KS_FIELD(struct ks_kernel_root, name, KS_STRING,
		 "`init_mm` (its master table), `poking_mm` (through which it writes its code), `efi_mm` (calls of "
		 "the firmware)"),
	KS_FIELD(struct ks_kernel_root, root, KS_HEX,
		 "[frame number] page-table root, as in `process`; `0x0`: it has none"),
	KS_FIELD(struct ks_kernel_root, user_root, KS_HEX, "[frame number] of user space, as in `process`"),
};

enum { PROCESS, HIDDEN, KERNEL_ROOT, MAKING, LEFT };

static const struct ks_set_kind kinds[] = {
	[KERNEL_ROOT] = KS_STILL("kernel-root", struct ks_kernel_root, kernel_root_fields, name,
				 "Page tables that are the kernel's own and no process's."),
	[PROCESS] = KS_KIND_BY("process", struct ks_process, process_fields, pid, uid,
			       "A process: one for each thread group."),
	[HIDDEN] = KS_ALARMS_BY("hidden", struct ks_hidden, ks_hidden_fields, tid, uid,
				"From `high` on, and in samples that are asked for: a task that at least one view has "
				"and at least one has not, in two looks, 50 ms and one pass apart."),
	[MAKING] = KS_KIND_BY("making", struct ks_making, ks_making_fields, root, uid,
			      "From `high` on, and in samples that are asked for: a process that is being made. It "
			      "has its memory, and no pid yet, as it waits for what else it is to have: any user can "
			      "make it wait. Whoever writes the kernel's memory can have another look like that."),
	[LEFT] = KS_KIND("left", struct ks_left, ks_left_fields, root,
			 "As a PV guest of Xen, from `high` on, and in samples that are asked for: the memory of a "
			 "process that has ended, or runs another program by now, and that somebody uses still. Any "
			 "user can keep that of a process of his own, by a read of its `/proc/PID/mem` that does not "
			 "end. Whoever writes the kernel's memory can have that of another look like that."),
};

/* === One process ======================================================== */

/* There is one probe of this kind in the kernel, and never two of its steps at once. */
static bool mnt_ns_known;
static char path_buffer[PATH_MAX];

/*
 * A mount namespace is opaque outside of fs/.  It begins with its ns_common (since 5.11), as is
 * seen from the ops that this one points to; were it not so, mnt_ns is 0.
 */
static bool is_mnt_ns_known(void)
{
	const struct ns_common *ns = (const void *)init_task.nsproxy->mnt_ns;
	const struct proc_ns_operations *ops;
	const char *name;
	char mnt[sizeof("mnt")];

	return !copy_from_kernel_nofault(&ops, &ns->ops, sizeof(ops)) &&
	       !copy_from_kernel_nofault(&name, &ops->name, sizeof(name)) &&
	       !copy_from_kernel_nofault(mnt, name, sizeof(mnt)) && !memcmp(mnt, "mnt", sizeof(mnt));
}

/* False: not all could be read. */
static bool read_namespaces(const struct task_struct *task, struct ks_process *item)
{
	for (unsigned int i = 0; i < KS_TASK_LOOKS; i++) {
		const struct nsproxy *nsproxy = READ_ONCE(task->nsproxy);
		uint32_t mnt = 0, net = 0, uts = 0, ipc = 0, cgroup = 0, time = 0;
		struct nsproxy ns;
		bool whole;

		if (!nsproxy)
			return true;
		whole = KS_GET(ns, nsproxy) && KS_GET(net, &ns.net_ns->ns.inum) && KS_GET(uts, &ns.uts_ns->ns.inum) &&
			KS_GET(ipc, &ns.ipc_ns->ns.inum) && KS_GET(cgroup, &ns.cgroup_ns->ns.inum) &&
			KS_GET(time, &ns.time_ns->ns.inum) &&
			(!mnt_ns_known || KS_GET(mnt, &((const struct ns_common *)(const void *)ns.mnt_ns)->inum));
		if (!ks_has(&task->nsproxy, nsproxy))
			continue;
		item->mnt_ns = mnt;
		item->net_ns = net;
		item->uts_ns = uts;
		item->ipc_ns = ipc;
		item->cgroup_ns = cgroup;
		item->time_ns = time;
		return whole;
	}
	return false;
}

/*
 * The next thread of the process @signal belongs to, behind the list's @node, which is its head
 * at first; NULL: no more.  What the list leads to is a thread only if the pid table says so too:
 * only then may it be used as one.  Under RCU, which keeps it.
 */
static struct task_struct *next_thread_of(const struct signal_struct *signal, const struct list_head **node)
{
	struct task_struct *thread;
	unsigned int nr;

	*node = ks_list_next(*node);
	if (!*node || *node == &signal->thread_head)
		return NULL;
	thread = list_entry(*node, struct task_struct, thread_node);
	return ks_is_task(thread, &nr) && READ_ONCE(thread->signal) == signal ? thread : NULL;
}

/*
 * How many threads it has, and what they and those that have ended took.  False: not to be read.
 */
static bool read_threads(const struct task_struct *task, struct ks_process *item)
{
	const struct signal_struct *signal = READ_ONCE(task->signal);
	const struct list_head *node = &signal->thread_head;
	const struct task_struct *thread;
	unsigned long long ended_ns;
	int threads;

	/* It has just been waited for. */
	if (!signal)
		return true;
	if (!KS_GET(threads, &signal->nr_threads) || !KS_GET(ended_ns, &signal->sum_sched_runtime))
		return !ks_has(&task->signal, signal);
	item->threads = (uint32_t)threads;
	item->cpu_ns = ended_ns + task->se.sum_exec_runtime;
	for (unsigned int i = 0; threads > 1 && i < THREADS_MAX && (thread = next_thread_of(signal, &node)); i++)
		if (thread != task)
			item->cpu_ns += thread->se.sum_exec_runtime;
	return true;
}

/*
 * Of a process whose first thread has ended: which of its threads was asked last for its memory,
 * and how many have been.  Any user can have so many that have ended before one that lives, held
 * by whoever traces them, that they are asked in several steps.
 */
struct asked {
	uint32_t pid, tid, threads;
};

#define ASKED_MAX (1U << 16)

enum read_mm { MM_TORN, MM_READ, MM_LATER };

/*
 * The process's page tables, and the file that it executes (exe->file NULL: none).  One whose
 * first thread has ended has them from another.  MM_LATER: ask again.
 */
static enum read_mm read_mm(const struct task_struct *task, struct ks_process *item, struct ks_seen_file *exe,
			    struct asked *asked)
{
	const struct signal_struct *signal = READ_ONCE(task->signal);
	const struct list_head *node = &signal->thread_head;
	const struct task_struct *thread;
	unsigned int i;
	pgd_t *pgd;
	int has = ks_task_mm(task, &pgd, exe);

	if (asked->pid != item->pid)
		*asked = (struct asked){ .pid = item->pid };
	thread = asked->tid ? ks_task_numbered(asked->tid, PIDTYPE_PID) : NULL;
	if (thread && READ_ONCE(thread->signal) == signal)
		node = &thread->thread_node;
	for (i = 0; i < THREADS_MAX && !has && signal && (thread = next_thread_of(signal, &node)); i++) {
		has = ks_task_mm(thread, &pgd, exe);
		asked->tid = (uint32_t)thread->pid;
	}
	asked->threads += i;
	if (!has && i == THREADS_MAX)
		return asked->threads < ASKED_MAX ? MM_LATER : MM_TORN;
	if (has > 0)
		ks_mm_roots(pgd, &item->root, &item->user_root);
	return has >= 0 ? MM_READ : MM_TORN;
}

/* False: not all could be read. */
static bool read_cred(const struct task_struct *task, struct ks_process *item)
{
	/* It stays as it is: who changes his credentials gets others. */
	const struct cred *cred = rcu_access_pointer(task->real_cred);
	const struct user_namespace *ns;
	kuid_t uid, euid;

	BUILD_BUG_ON(sizeof(cred->cap_effective) != sizeof(item->caps));
	if (!KS_GET(uid, &cred->uid) || !KS_GET(euid, &cred->euid) || !KS_GET(item->caps, &cred->cap_effective))
		return false;
	item->uid = from_kuid(&init_user_ns, uid);
	item->euid = from_kuid(&init_user_ns, euid);
	return KS_GET(ns, &cred->user_ns) && KS_GET(item->user_ns, &ns->ns.inum);
}

static bool read_pid_ns(const struct pid *pid, struct ks_process *item)
{
	const struct pid_namespace *ns;
	unsigned int level;

	return KS_GET(level, &pid->level) && KS_GET(ns, &pid->numbers[level].ns) && KS_GET(item->pid_ns, &ns->ns.inum);
}

/* The process of @pid, and what it executes, as read_mm().  MM_TORN: not all could be read. */
static enum read_mm read_process(const struct task_struct *task, const struct pid *pid, struct ks_process *item,
				 struct ks_seen_file *exe, struct asked *asked)
{
	const struct task_struct *parent = rcu_access_pointer(task->real_parent);
	enum read_mm mm;
	bool whole;

	item->pid = (uint32_t)pid_nr((struct pid *)pid);
	item->start_ns = task->start_boottime;
	item->state[0] = task_state_to_char((struct task_struct *)task);
	item->kernel = !!(task->flags & PF_KTHREAD);
	/* It may be set meanwhile: the copy then mixes two names, as it does in /proc. */
	strscpy_pad(item->comm, task->comm, sizeof(item->comm));
	whole = !parent || KS_GET(item->ppid, &parent->tgid);
	whole &= read_cred(task, item);
	whole &= read_pid_ns(pid, item);
	whole &= read_threads(task, item);
	whole &= read_namespaces(task, item);
	mm = read_mm(task, item, exe, asked);
	return mm == MM_READ && !whole ? MM_TORN : mm;
}

/* Of a path that is too long, as one that was cut: ".../NAME".  "": not to be read. */
static const char *last_name(const struct dentry *dentry)
{
	static const char cut[] = ".../";
	char *name = path_buffer + sizeof(cut) - 1;
	size_t bytes;

	rcu_read_lock();
	bytes = min_t(size_t, READ_ONCE(dentry->d_name.len), NAME_MAX);
	memcpy(path_buffer, cut, sizeof(cut));
	if (copy_from_kernel_nofault(name, READ_ONCE(dentry->d_name.name), bytes))
		path_buffer[0] = '\0';
	name[bytes] = '\0';
	rcu_read_unlock();
	return path_buffer;
}

/*
 * As with the path of an open file: it is made anew when the file is another, when anything in the
 * whole system was renamed, and at the levels that trust nothing.
 */
static void copy_exe(struct ks_probe *probe, const struct ks_seen_file *exe, struct ks_process *item)
{
	const struct ks_process *kept = ks_set_kept(probe, PROCESS, item);
	const char *path;

	item->exe_key = ks_path_key(exe);
	if (probe->level < KS_HIGH && kept && !memcmp(&kept->exe_key, &item->exe_key, sizeof(item->exe_key))) {
		memcpy(item->exe, kept->exe, sizeof(item->exe));
	} else {
		path = ks_path_text(&exe->path, path_buffer, sizeof(path_buffer));
		ks_path_copy(item->exe, sizeof(item->exe), EXE_JSON_BYTES, path ?: last_name(exe->path.dentry));
	}
}

/* === The kernel's own page tables ======================================= */

/*
 * init_mm has the kernel's master table; poking_mm (a pointer, since Linux 5.2) a table for
 * writing to the kernel's code; efi_mm, where it is in use, one for calls of the firmware.  A
 * table of a process's that the kernel merely borrows is none of these.
 *
 * One without a table is told, too: were it not, that it has one all of a sudden, as an intruder
 * can give it that of a process that he hides, would be news, and not a change.
 */
static const struct {
	char name[12];
	bool is_pointer;
} kernel_mm_names[] = {
	{ "init_mm", false },
	{ "poking_mm", true },
	{ "efi_mm", false },
};

/* Their addresses, constant from init on; 0: this kernel has none by that name. */
static unsigned long kernel_mms[ARRAY_SIZE(kernel_mm_names)];

static void find_kernel_mms(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(kernel_mms); i++)
		kernel_mms[i] = ks_symbol(kernel_mm_names[i].name);
}

static int copy_kernel_root(unsigned int i, struct ks_kernel_root *item)
{
	unsigned long mm = kernel_mms[i];
	pgd_t *pgd;

	if (!mm)
		return KS_SET_SKIP;
	memcpy(item->name, kernel_mm_names[i].name, sizeof(item->name));
	if (kernel_mm_names[i].is_pointer && copy_from_kernel_nofault(&mm, (const void *)mm, sizeof(mm)))
		return KERNEL_ROOT;
	if (mm && !copy_from_kernel_nofault(&pgd, &((struct mm_struct *)mm)->pgd, sizeof(pgd)) && pgd &&
	    virt_addr_valid(pgd))
		ks_mm_roots(pgd, &item->root, &item->user_root);
	return KERNEL_ROOT;
}

/* === The walk =========================================================== */

/* progress->at[0]: where in the pass */
enum stage { KERNEL, BEGIN, MADE, LIST, TABLE, BELOW, JUDGE, CPUS, FOUND };
/* progress->at[1]: the pid, CPU, suspect or mm at hand */

/*
 * What a pass may not see all of: pids that lead to a task, processes that could be read, and
 * memory of such as are being made.
 */
enum { PIDS, PROCESSES, MAKINGS, SHORTFALLS };

/* What the probe has of its own. */
struct processes {
	bool views;                     /* in this pass */
	struct ks_making_walk making;
	struct asked asked;
	struct ks_torn root_looks;
	struct ks_patience patience;
	struct ks_shortfall shortfalls[SHORTFALLS];
};

/* The next pid that belongs to a process; with views, threads are looked at on the way. */
static int next_pid(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct processes *own = probe->own;
	struct ks_seen_file exe = { };
	struct task_struct *task = NULL, *process;
	struct pid *pid;
	unsigned int nr = (unsigned int)progress->at[1] + 1;
	bool whole, torn, as_thread;
	enum read_mm mm;
	int kind = KS_SET_SKIP;

	rcu_read_lock();
	pid = ks_next_pid(&nr, &whole);
	if (!pid) {
		rcu_read_unlock();
		if (!whole && ks_is_passing(&own->patience, nr))
			return KS_SET_ELSEWHERE;
		own->shortfalls[PIDS].of += !whole;
		progress->at[0] = own->views ? JUDGE : CPUS;
		progress->at[1] = 0;
		return KS_SET_SKIP;
	}
	torn = !ks_task_of(pid, PIDTYPE_PID, &task);
	process = task;
	torn |= !ks_task_of(pid, PIDTYPE_TGID, &process) || !whole;
	/* That the pid has no process is one link alone. */
	as_thread = !process && task && ks_is_process(task);
	if ((torn || as_thread) && ks_is_passing(&own->patience, nr)) {
		rcu_read_unlock();
		return KS_SET_ELSEWHERE;
	}
	if (torn) {
		rcu_read_unlock();
		own->shortfalls[PIDS].of++;
		progress->at[1] = nr;
		return KS_SET_SKIP;
	}
	if (as_thread)
		process = task;
	mm = process ? read_process(process, pid, item, &exe, &own->asked) : MM_READ;
	if (mm == MM_LATER) {
		rcu_read_unlock();
		progress->at[1] = nr - 1;
		return KS_SET_SKIP;
	}
	own->shortfalls[PIDS].of++;
	own->shortfalls[PIDS].looked++;
	progress->at[1] = nr;
	if (process) {
		own->shortfalls[PROCESSES].of++;
		own->shortfalls[PROCESSES].looked += mm == MM_READ;
		if (exe.file)
			copy_exe(probe, &exe, item);
		ks_done_with_file(&exe);
		kind = PROCESS;
	}
	if (!task)
		task = process;
	if (own->views && task && ks_views_task(task))
		progress->at[0] = BELOW;
	rcu_read_unlock();
	return kind;
}

static int processes_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct processes *own = probe->own;
	unsigned int at = (unsigned int)progress->at[1];
	enum ks_made made;
	const char *why;

	switch (progress->at[0]) {
	case KERNEL:
		why = at ? NULL : ks_sees_root(path_buffer, sizeof(path_buffer));
		if (why)
			return ks_no_root(probe, &own->root_looks, why);
		ks_is_torn(&own->root_looks, true);
		if (at < ARRAY_SIZE(kernel_mms)) {
			progress->at[1]++;
			return copy_kernel_root(at, item);
		}
		progress->at[0] = BEGIN;
		progress->at[1] = 0;
		return KS_SET_SKIP;
	case BEGIN:
		own->views = probe->level >= KS_HIGH || probe->announce;
		for (unsigned int i = 0; i < SHORTFALLS; i++)
			own->shortfalls[i].looked = own->shortfalls[i].of = 0;
		own->patience = (struct ks_patience){ };
		own->asked = (struct asked){ };
		progress->at[0] = TABLE;
		if (own->views) {
			ks_views_begin();
			ks_making_begin(&own->making);
			progress->at[0] = MADE;
		}
		return KS_SET_SKIP;
	case MADE:
		/* Before the table of pids: who gets his pid now is in that, or in this. */
		made = ks_making_next(&own->making, item);
		if (made == KS_MADE_END || made == KS_MADE_LOST) {
			own->shortfalls[MAKINGS].looked = own->making.looked;
			own->shortfalls[MAKINGS].of = own->making.looked + (made == KS_MADE_LOST);
			progress->at[0] = LIST;
		}
		return made == KS_MADE_ONE ? MAKING : made == KS_MADE_LEFT ? LEFT : KS_SET_SKIP;
	case LIST:
		if (ks_views_processes())
			progress->at[0] = TABLE;
		return KS_SET_SKIP;
	case TABLE:
		return next_pid(probe, progress, item);
	case BELOW:
		if (ks_views_below(at))
			progress->at[0] = TABLE;
		return KS_SET_SKIP;
	case JUDGE:
		if (ks_views_judge(&at)) {
			progress->at[0] = CPUS;
			at = 0;
		}
		progress->at[1] = at;
		return KS_SET_SKIP;
	case CPUS:
		if (!own->views || ks_views_running(probe, &at)) {
			at = 0;
			progress->at[0] = FOUND;
			/* Who is being made was looked for with the views alone. */
			for (unsigned int i = 0; i < (own->views ? SHORTFALLS : MAKINGS); i++)
				ks_tell_shortfall(probe, &own->shortfalls[i]);
			if (own->views)
				ks_views_end(probe);
		}
		progress->at[1] = at;
		return KS_SET_SKIP;
	default:
		/*
		 * At lower levels, what was found before: nobody has looked whether it still is
		 * so.
		 */
		if (!ks_views_hidden(&at, item))
			return KS_SET_END;
		progress->at[1] = at;
		return HIDDEN;
	}
}

/* === Start and end ====================================================== */

static int processes_init(struct ks_probe *probe)
{
	struct processes *own = probe->own;

	own->shortfalls[PIDS].view = "pids";
	own->shortfalls[PROCESSES].view = "processes";
	own->shortfalls[MAKINGS].view = "making";
	ks_paths_init();
	ks_making_init();
	mnt_ns_known = is_mnt_ns_known();
	find_kernel_mms();
	return ks_views_init(probe);
}

static void processes_exit(struct ks_probe *probe)
{
	(void)probe;
	ks_views_exit();
}

static void processes_reset(struct ks_probe *probe)
{
	ks_views_reset();
	ks_set_reset(probe);
}

#define ITEMS_MIN 4096

static uint32_t processes_items(void)
{
	return ks_processes_most(ITEMS_MIN, PID_MAX_LIMIT);
}

static const struct ks_set_type processes_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items = processes_items,
	.changes_max = 255,
	.init = processes_init,
	.exit = processes_exit,
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
	.own_bytes = sizeof(struct processes),
	.size = ks_set_size,
	.init = ks_set_init,
	.exit = ks_set_exit,
	.reset = processes_reset,
	.baselines = ks_set_baselines,
	.step = ks_set_step,
	.engine = &processes_set,
};
