// SPDX-License-Identifier: GPL-2.0-only
/*
 * views.c - second views of the kernel's tasks: see views.h.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/time64.h>

#include "../../linux/compat.h"
#include "../../linux/symbols.h"
#include "task.h"
#include "views.h"
#include "walk.h"
#include "x86.h"

/* THREAD_GROUP is a part of THREADS. */
enum view { PID_TABLE, TASK_LIST, THREADS, TREE, RUNNING, VIEWS, THREAD_GROUP = VIEWS };
static const char *const view_names[VIEWS] = { "pid-table", "task-list", "threads", "tree", "running" };
#define BIT_OF(view) (1U << (view))

/*
 * How many tasks of a list are looked at in one go; how many are remembered to go on from; and how
 * often a walk begins again.
 */
#define AT_ONCE 8
#define ANCHORS 8
#define RESTARTS_MAX 8
/* No list has so many: it was made to run in a circle. */
#define LIST_MAX (1U << 18)
/*
 * As far from a list's end one is looked for that no walk has met: who came
 * meanwhile is close to it.
 */
#define NEWCOMERS_MAX 1024
/* How many tasks below a hidden one are looked at with it. */
#define BELOW_HIDDEN_MAX 32

/* A task is suspect until the second look, so much later at least. */
#define SECOND_LOOK_NS (50 * NSEC_PER_MSEC)
/*
 * Who executes a program, or writes another start into it, is another one by what tells tasks
 * apart; and so is who has the memory of one that is gone.  What is missing at an address in so
 * many looks in a row hides, whoever that is: each task that comes and goes is in all views in
 * between, but for moments, and a look that finds it there begins anew.
 */
#define LOOKS_OF_ANYBODY 8
#define SUSPECTS 64
/*
 * It is forgotten when it was not seen in so many passes: one that only a CPU knows is seen when
 * it happens to run.
 */
#define FORGET_PASSES 4
#define FORGET_RUNNING_PASSES 64

/* Of so many tasks, at least, it is remembered which lists have them. */
#define MARKS_MIN 8192

const struct ks_field ks_hidden_fields[KS_HIDDEN_FIELDS] = {
	KS_FIELD(struct ks_hidden, tid, KS_U32, "the thread, as the task itself says"),
	KS_FIELD(struct ks_hidden, pid, KS_U32, "the process that it belongs to, as the task itself says"),
	KS_FIELD(struct ks_hidden, start_ns, KS_NS, "[ns] when it was made, since boot"),
	KS_FIELD(struct ks_hidden, missing, KS_STRING, "the views that have it not, with commas between them"),
	KS_LIVE(struct ks_hidden, seen, KS_STRING, "the views that have it, or had in an earlier look"),
	KS_LIVE(struct ks_hidden, since_ns, KS_NS, "[ns] time of the first look that missed it"),
	KS_LIVE(struct ks_hidden, looked_ns, KS_NS, "[ns] time of the last look that missed it"),
	KS_FIELD(struct ks_hidden, ppid, KS_U32, "the parent's pid"),
	KS_FIELD(struct ks_hidden, uid, KS_U32, "real user"),
	KS_FIELD(struct ks_hidden, comm, KS_STRING, "its name, any 15 bytes"),
	KS_FIELD(struct ks_hidden, exe, KS_STRING,
		 "the name of the file that it executes, without folder, at most 31 bytes"),
	KS_FIELD(struct ks_hidden, root, KS_HEX,
		 "[frame number] page-table root of the kernel in its memory, as in `process`"),
	KS_FIELD(struct ks_hidden, user_root, KS_HEX, "[frame number] likewise of user space"),
	KS_FIELD(struct ks_hidden, task, KS_HEX, "[address] of its `task_struct`, for who looks at a memory image"),
};

/* === Data =============================================================== */

/* That the walks of this pass have met @task, in the lists of these views. */
struct mark {
	const struct task_struct *task;
	uint32_t pass;
	uint32_t views;
};

/* A task by which a walk goes on, if it still is what it was. */
struct anchor {
	const struct task_struct *task;
	uint64_t start_ns;
	unsigned int nr;
};

/* A walk through one list of tasks. */
struct walk {
	/* the last that were passed, pushed % ANCHORS the oldest */
	struct anchor anchors[ANCHORS];
	unsigned int pushed;
	unsigned int looked;
	unsigned int restarts;
};

enum walked { WALK_ON, WALK_DONE, WALK_LOST };

/* One for an address. */
struct suspect {
	struct ks_hidden item;
	/* grows when another thread takes the process over, and with it start and pid */
	uint64_t exec_id;
	uint64_t base_ns;       /* of the look that the next one is compared with */
	uint32_t pass;          /* of the last look; 0: free */
	bool same;              /* it was the same task since that look */
	uint8_t missing;        /* in that look, and in all since */
	uint8_t looks;          /* so many in a row, whoever it was, missed it ... */
	uint8_t always;         /* ... in these */
	uint8_t told;           /* missing in two looks: what is told */
	uint8_t seen;
	bool process;           /* the first thread of one */
};

/* What a pass may not get to the end of. */
enum { SHORT_LIST, SHORT_BELOW, SHORT_HIDDEN, SHORT_SUSPECTS, SHORTFALLS };

/* There is one probe of this kind in the kernel, and never two of its steps at once. */
static struct views {
	uint32_t pass;
	uint64_t began_ns;              /* of this pass */
	struct mark *marks;
	uint32_t marks_slots;           /* a power of two, twice as many as are used */
	uint32_t marked, listed;        /* of those, in the list of processes */
	struct walk list, below;
	bool list_complete;             /* so a process that is not marked is not in the list */
	const struct task_struct *below_task;
	/* at its children, then its threads, then their other list */
	enum view below_view;
	uint32_t processes;             /* found in the pid table in this pass */
	uint32_t lists, lists_lost;     /* walked below tasks, */
	uint32_t hidden, hidden_lost;   /* and below those that the pid table has not */
	uint32_t suspected;             /* for which there was no room */
	struct suspect suspects[SUSPECTS];
	unsigned int suspects_count;
	struct ks_shortfall shortfalls[SHORTFALLS];
} v = {
	.shortfalls = {
		[SHORT_LIST] = { .view = "task-list" },
		[SHORT_BELOW] = { .view = "tree and threads" },
		[SHORT_HIDDEN] = { .view = "below hidden" },
		[SHORT_SUSPECTS] = { .view = "suspects" },
	},
};

/* === Reading ============================================================ */

/* Whether the pid table has it: one that says that it is a process, as that, too. */
static bool in_pid_table(const struct task_struct *task, bool process, unsigned int *nr)
{
	struct task_struct *found = NULL;

	return ks_is_task(task, nr) &&
	       (!process || (ks_task_of(READ_ONCE(task->thread_pid), PIDTYPE_TGID, &found) && found == task));
}

/* The link at @offset in @task. */
static const struct list_head *link_at(const struct task_struct *task, size_t offset)
{
	return (const void *)((const char *)task + offset);
}

/* === Marks ============================================================== */

static struct mark *mark_of(const struct task_struct *task)
{
	uint32_t i = (uint32_t)(((uintptr_t)task >> 6) * 0x9e3779b97f4a7c15ULL >> 32);

	/* Those of older passes are free; there always are some. */
	for (;; i++) {
		struct mark *mark = &v.marks[i & (v.marks_slots - 1)];

		if (mark->pass != v.pass || mark->task == task)
			return mark;
	}
}

/* False: no room. */
static bool set_mark(const struct task_struct *task, enum view view)
{
	struct mark *mark = mark_of(task);

	if (mark->pass != v.pass) {
		if (v.marked == v.marks_slots / 2)
			return false;
		v.marked++;
		*mark = (struct mark){ .task = task, .pass = v.pass };
	}
	mark->views |= BIT_OF(view);
	return true;
}

/*
 * Whether the list @head has @task, by its link @node.  That its neighbours have it proves no more
 * than that they do: they may be a list that nobody else knows.  So a walk has to have met it; or
 * it leads to the head itself, as one does that came behind the walk.
 */
static bool is_in_list(const struct task_struct *task, enum view view, const struct list_head *node,
		       const struct list_head *head)
{
	const struct mark *mark = mark_of(task);
	struct ks_round round = ks_round(node, NEWCOMERS_MAX);
	const struct list_head *at;

	if (mark->pass == v.pass && mark->views & BIT_OF(view))
		return true;
	while ((at = ks_round_next(&round)))
		if (at == head)
			return true;
	/* Of a list that is longer, only the walks can say it. */
	return !round.left && (view == TASK_LIST ? !v.list_complete : v.lists_lost || v.hidden);
}

/* === Suspects =========================================================== */

/* What is known of a task when it is looked at. */
struct sight {
	const struct task_struct *task;
	uint64_t start_ns, exec_id;
	int tid, pid;
	unsigned int flags;
	int exit_state, exit_signal;
	const struct mm_struct *mm;
	const struct task_struct *parent, *leader;
	const struct signal_struct *signal;
	bool process;
};

/* Each CPU's idle task: per CPU, and as an address 0 where this kernel has none by that name. */
static struct task_struct *const __percpu *idle_tasks;

/*
 * Whether @task is the idle task of a CPU's that it says it is.  Anybody may say so of himself,
 * and is believed only where the kernel does not tell whom it has for that.
 */
static bool is_idle(const struct task_struct *task)
{
	const struct task_struct *idle;
	unsigned int cpu;

	if (!idle_tasks)
		return true;
	return KS_GET(cpu, &task_thread_info((struct task_struct *)task)->cpu) && cpu < nr_cpu_ids &&
	       cpu_possible(cpu) && KS_GET(idle, per_cpu_ptr(idle_tasks, cpu)) && idle == task;
}

/*
 * Its last moments, in which it leaves one view after the other, it spends without memory; but the
 * first thread of a process has to be there as long as another lives.  Anybody may say so of
 * himself, but who is at his end does not run for long.
 */
static bool is_ending(const struct sight *sight)
{
	atomic_t live;

	return !sight->mm && sight->exit_state &&
	       (!sight->process || !KS_GET(live, &sight->signal->live) || !atomic_read(&live));
}

static bool take_sight(struct sight *sight, const struct task_struct *task)
{
	sight->task = task;
	sight->process = ks_is_process(task);
	return KS_GET(sight->start_ns, &task->start_boottime) && KS_GET(sight->exec_id, &task->self_exec_id) &&
	       KS_GET(sight->tid, &task->pid) && KS_GET(sight->pid, &task->tgid) &&
	       KS_GET(sight->flags, &task->flags) && KS_GET(sight->exit_state, &task->exit_state) &&
	       KS_GET(sight->exit_signal, &task->exit_signal) && KS_GET(sight->mm, &task->mm) &&
	       KS_GET(sight->parent, &task->real_parent) && KS_GET(sight->leader, &task->group_leader) &&
	       KS_GET(sight->signal, &task->signal);
}

static struct suspect *find_suspect(const struct sight *sight)
{
	for (unsigned int i = 0; i < SUSPECTS; i++) {
		struct suspect *suspect = &v.suspects[i];

		if (suspect->pass && suspect->item.task == (uintptr_t)sight->task)
			return suspect;
	}
	return NULL;
}

static void forget(struct suspect *suspect)
{
	memset(suspect, 0, sizeof(*suspect));
	v.suspects_count--;
}

static struct suspect *new_suspect(void)
{
	struct suspect *oldest = NULL;

	for (unsigned int i = 0; i < SUSPECTS; i++) {
		struct suspect *suspect = &v.suspects[i];

		if (!suspect->pass) {
			v.suspects_count++;
			return suspect;
		}
		if (!suspect->told && suspect->pass != v.pass && (!oldest || suspect->pass < oldest->pass))
			oldest = suspect;
	}
	if (oldest)
		memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

static void view_words(char *out, size_t bytes, unsigned int views)
{
	size_t len = 0;

	memset(out, 0, bytes);
	for (unsigned int i = 0; i < VIEWS; i++)
		if (views & BIT_OF(i))
			len += (size_t)scnprintf(out + len, bytes - len, "%s%s", len ? "," : "", view_names[i]);
}

static void end_string(char *string, size_t bytes)
{
	size_t len = strnlen(string, bytes - 1);

	memset(string + len, 0, bytes - len);
}

/* Who it is, as far as it can be read.  What cannot stays 0. */
static void describe(struct ks_hidden *item, const struct sight *sight)
{
	const struct task_struct *task = sight->task, *parent;
	const struct dentry *dentry;
	const struct cred *cred;
	const struct file *file;
	const unsigned char *name;
	char exe[sizeof(item->exe)];
	pgd_t *pgd;
	int ppid;
	kuid_t uid;

	/* What is behind the end of a name would make a difference where there is none. */
	if (!KS_GET(item->comm, &task->comm))
		item->comm[0] = '\0';
	end_string(item->comm, sizeof(item->comm));
	item->task = (uintptr_t)task;
	item->start_ns = sight->start_ns;
	item->tid = (uint32_t)sight->tid;
	item->pid = (uint32_t)sight->pid;
	item->looked_ns = ks_port_boot_time_ns();
	if (KS_GET(parent, &task->real_parent) && KS_GET(ppid, &parent->tgid))
		item->ppid = (uint32_t)ppid;
	if (KS_GET(cred, &task->real_cred) && KS_GET(uid, &cred->uid))
		item->uid = from_kuid(&init_user_ns, uid);
	if (!sight->mm)
		return;
	if (KS_GET(pgd, &sight->mm->pgd) && virt_addr_valid(pgd))
		ks_mm_roots(pgd, &item->root, &item->user_root);
	if (KS_GET(file, &sight->mm->exe_file) && KS_GET(dentry, &file->f_path.dentry) &&
	    KS_GET(name, &dentry->d_name.name) && KS_GET(exe, name)) {
		memcpy(item->exe, exe, sizeof(item->exe));
		end_string(item->exe, sizeof(item->exe));
	}
}

/*
 * A look at a task, by way of @view, that some views did not have.  What is missing in this look
 * and was in an earlier one, long enough ago, and in none between was found, is told; but if it
 * was not the same task in both, only after so many more.
 */
static void note(const struct sight *sight, unsigned int missing, enum view view)
{
	struct suspect *suspect = find_suspect(sight);
	uint64_t now = ks_port_time_ns();

	if (!missing) {
		if (suspect)
			forget(suspect);
		return;
	}
	if (suspect && suspect->pass == v.pass) {
		suspect->seen |= BIT_OF(view);
		suspect->missing &= missing;
		suspect->always &= missing;
		return;
	}
	if (!suspect) {
		suspect = new_suspect();
		if (!suspect) {
			v.suspected++;
			return;
		}
		suspect->item.since_ns = ks_port_boot_time_ns();
		suspect->base_ns = now;
		suspect->missing = suspect->always = (uint8_t)missing;
		suspect->looks = 1;
		suspect->same = true;
	} else {
		/* Who is ending may be met so twice, on a CPU that somebody took from him. */
		suspect->same &= suspect->item.start_ns == sight->start_ns && suspect->exec_id == sight->exec_id &&
				 !is_ending(sight);
		suspect->missing &= missing;
		suspect->always &= missing;
		if (now - suspect->base_ns >= SECOND_LOOK_NS) {
			suspect->looks = suspect->always ? min(suspect->looks + 1, LOOKS_OF_ANYBODY) : 1;
			suspect->told = suspect->looks == LOOKS_OF_ANYBODY ? suspect->always : 0;
			if (suspect->same)
				suspect->told |= suspect->missing;
			if (!suspect->always)
				suspect->always = (uint8_t)missing;
			suspect->missing = (uint8_t)missing;
			suspect->same = true;
			suspect->base_ns = now;
		}
	}
	suspect->exec_id = sight->exec_id;
	suspect->pass = v.pass;
	suspect->process = sight->process;
	suspect->seen |= BIT_OF(view) | BIT_OF(PID_TABLE) | BIT_OF(THREADS);
	if (suspect->process)
		suspect->seen |= BIT_OF(TASK_LIST) | BIT_OF(TREE);
	suspect->seen &= ~missing;
	describe(&suspect->item, sight);
}

/* === Looking at one task ================================================ */

/* A CPU's idle task has neither memory nor pid. */
static bool has_a_right_to_be_missing(const struct sight *sight, enum view view)
{
	if (is_ending(sight))
		return view != RUNNING;
	return !sight->mm && !sight->exit_state && !sight->tid && sight->flags & PF_IDLE && is_idle(sight->task);
}

/* Asks all views for @task, which came by way of @view.  Under RCU. */
static void examine(const struct task_struct *task, enum view view)
{
	struct sight sight, after;
	unsigned int missing = 0, nr;

	if (!take_sight(&sight, task) || has_a_right_to_be_missing(&sight, view))
		return;
	if (!in_pid_table(task, sight.process, &nr))
		missing |= BIT_OF(PID_TABLE);
	if (!is_in_list(task, THREADS, &task->thread_node, &sight.signal->thread_head) ||
	    (!sight.process && KS_THREAD_GROUP &&
	     !is_in_list(task, THREAD_GROUP, link_at(task, KS_THREAD_GROUP), link_at(sight.leader, KS_THREAD_GROUP))))
		missing |= BIT_OF(THREADS);
	if (sight.process) {
		if (view != TASK_LIST && !is_in_list(task, TASK_LIST, &task->tasks, &init_task.tasks))
			missing |= BIT_OF(TASK_LIST);
		if (!is_in_list(task, TREE, &task->sibling, &sight.parent->children))
			missing |= BIT_OF(TREE);
	}
	/*
	 * It may have gone, got another parent, or become the first thread of its process, between
	 * one question and the next.
	 */
	if (missing && (!take_sight(&after, task) || after.exit_state != sight.exit_state ||
			after.exit_signal != sight.exit_signal || after.process != sight.process ||
			after.parent != sight.parent || after.leader != sight.leader ||
			after.exec_id != sight.exec_id || after.start_ns != sight.start_ns))
		return;
	if (missing || v.suspects_count)
		note(&sight, missing, view);
}

/*
 * The task behind @task in the tree below @top, in which those that the pid table has are leaves;
 * NULL: none.
 */
static const struct task_struct *next_below(const struct task_struct *task, const struct task_struct *top)
{
	const struct task_struct *parent;
	const struct list_head *node = NULL;
	unsigned int nr;

	if (task == top || !ks_is_task(task, &nr))
		node = ks_list_next(&task->children);
	if (node && node != &task->children)
		return container_of(node, struct task_struct, sibling);
	for (unsigned int up = 0; task != top && up < BELOW_HIDDEN_MAX; up++) {
		node = ks_list_next(&task->sibling);
		if (!node || !KS_GET(parent, &task->real_parent))
			return NULL;
		if (node != &parent->children)
			return container_of(node, struct task_struct, sibling);
		task = parent;
	}
	return NULL;
}

/*
 * What hangs below a task that the pid table has not: its threads, its children, and theirs where
 * the table has not these either.
 */
static void examine_below(const struct task_struct *top)
{
	const struct task_struct *task = top;
	const struct signal_struct *signal;
	const struct list_head *node;
	unsigned int budget = BELOW_HIDDEN_MAX;

	if (!KS_GET(signal, &top->signal))
		return;
	node = &signal->thread_head;
	while (budget && (node = ks_list_next(node)) && node != &signal->thread_head) {
		examine(container_of(node, struct task_struct, thread_node), THREADS);
		budget--;
	}
	while (budget && (task = next_below(task, top))) {
		examine(task, TREE);
		budget--;
	}
	v.hidden++;
	v.hidden_lost += !budget;
}

/*
 * @task, or what a list says is one, came up in another view.  Under RCU.  True: the pid table has
 * it, as @nr; so it will come up there.
 */
static bool found(const struct task_struct *task, enum view view, unsigned int *nr)
{
	if (ks_is_task(task, nr))
		return true;
	examine(task, view);
	examine_below(task);
	return false;
}

/* === Walking a list ===================================================== */

static void begin_walk(struct walk *walk)
{
	walk->pushed = walk->looked = walk->restarts = 0;
}

static enum walked restart(struct walk *walk)
{
	walk->pushed = 0;
	return walk->restarts++ < RESTARTS_MAX ? WALK_ON : WALK_LOST;
}

/*
 * Where to go on: the last task that still is one and still in a list, or the list's head.  NULL:
 * the place is lost.
 */
static const struct list_head *resume(struct walk *walk, const struct list_head *head, size_t offset)
{
	if (!walk->pushed)
		return head;
	for (unsigned int i = 0; i < ANCHORS && i < walk->pushed; i++) {
		const struct anchor *anchor = &walk->anchors[(walk->pushed - 1 - i) % ANCHORS];
		const struct task_struct *task = ks_task_numbered(anchor->nr, PIDTYPE_PID);
		const struct list_head *node;

		if (!task || task != anchor->task || task->start_boottime != anchor->start_ns)
			continue;
		node = link_at(task, offset);
		if (ks_list_linked(node))
			return node;
	}
	return NULL;
}

/*
 * Some more of the list @head, whose nodes are at @offset in the tasks.  @owner: of the children,
 * whose they are; of threads, their signal_struct.  A child that has another parent now would lead
 * into that one's list.  Under RCU.
 */
static enum walked walk_on(struct walk *walk, const struct list_head *head, size_t offset, enum view view,
			   const void *owner)
{
	const struct list_head *node = resume(walk, head, offset);

	if (!node)
		return restart(walk);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		const struct task_struct *task;
		const void *has;
		unsigned int nr;

		node = ks_list_next(node);
		if (!node)
			return restart(walk);
		if (node == head)
			return WALK_DONE;
		if (++walk->looked > LIST_MAX)
			return WALK_LOST;
		task = (const void *)((const char *)node - offset);
		if (view == TREE && (!KS_GET(has, &task->real_parent) || has != owner))
			return restart(walk);
		if ((view == THREADS || view == THREAD_GROUP) && (!KS_GET(has, &task->signal) || has != owner))
			return restart(walk);
		if (!set_mark(task, view))
			return WALK_LOST;
		v.listed += view == TASK_LIST;
		if (found(task, view == THREAD_GROUP ? THREADS : view, &nr))
			walk->anchors[walk->pushed++ % ANCHORS] = (struct anchor){ task, task->start_boottime, nr };
	}
	return WALK_ON;
}

/* === The walks of a pass ================================================ */

void ks_views_begin(void)
{
	v.pass++;
	v.pass += !v.pass;
	v.began_ns = ks_port_boot_time_ns();
	v.marked = v.listed = 0;
	v.list_complete = false;
	v.processes = v.lists = v.lists_lost = v.hidden = v.hidden_lost = v.suspected = 0;
	begin_walk(&v.list);
}

bool ks_views_processes(void)
{
	enum walked walked;

	rcu_read_lock();
	walked = walk_on(&v.list, &init_task.tasks, offsetof(struct task_struct, tasks), TASK_LIST, NULL);
	rcu_read_unlock();
	v.list_complete = walked == WALK_DONE;
	return walked != WALK_ON;
}

/* Whether its list has more than one. */
static bool has_threads(const struct task_struct *task)
{
	const struct signal_struct *signal = READ_ONCE(task->signal);
	struct list_head threads;

	return !KS_GET(threads, &signal->thread_head) || threads.next != threads.prev;
}

bool ks_views_task(struct task_struct *task)
{
	const struct task_struct *parent;
	bool process = ks_is_process(task);
	unsigned int nr;

	v.processes += process;
	if (!process)
		found(READ_ONCE(task->group_leader), THREADS, &nr);
	parent = READ_ONCE(task->real_parent);
	if (parent != &init_task)
		found(parent, TREE, &nr);
	/* Most have neither children nor threads. */
	if (list_empty(&task->children) && !(process && has_threads(task)))
		return false;
	v.below_task = task;
	v.below_view = TREE;
	begin_walk(&v.below);
	return true;
}

bool ks_views_below(unsigned int nr)
{
	const struct signal_struct *signal;
	struct task_struct *task;
	enum walked walked;

	rcu_read_lock();
	task = ks_task_numbered(nr, PIDTYPE_PID);
	/*
	 * One that ends has its children until it gives them away, all at once; that it says so is
	 * not asked, as anything may be written there.
	 */
	if (!task || task != v.below_task) {
		rcu_read_unlock();
		return true;
	}
	signal = READ_ONCE(task->signal);
	if (v.below_view == TREE)
		walked = walk_on(&v.below, &task->children, offsetof(struct task_struct, sibling), TREE, task);
	else if (v.below_view == THREADS)
		walked = walk_on(&v.below, &signal->thread_head, offsetof(struct task_struct, thread_node), THREADS,
				 signal);
	else
		walked = walk_on(&v.below, link_at(task, KS_THREAD_GROUP), KS_THREAD_GROUP, THREAD_GROUP, signal);
	if (walked != WALK_ON) {
		v.lists++;
		v.lists_lost += walked == WALK_LOST;
		if ((v.below_view == TREE && ks_is_process(task) && has_threads(task)) ||
		    (v.below_view == THREADS && KS_THREAD_GROUP)) {
			v.below_view = v.below_view == TREE ? THREADS : THREAD_GROUP;
			begin_walk(&v.below);
			walked = WALK_ON;
		}
	}
	rcu_read_unlock();
	return walked != WALK_ON;
}

bool ks_views_judge(unsigned int *nr)
{
	struct task_struct *task;
	struct pid *pid = NULL;
	bool whole;

	rcu_read_lock();
	for (unsigned int i = 0; i < AT_ONCE; i++, ++*nr) {
		pid = ks_next_pid(nr, &whole);
		if (!pid)
			break;
		task = NULL;
		/*
		 * One that was taken out of the table may still be there as the other of the two.
		 */
		if (!ks_task_of(pid, PIDTYPE_PID, &task) || (!task && !ks_task_of(pid, PIDTYPE_TGID, &task)))
			continue;
		if (task)
			examine(task, PID_TABLE);
	}
	rcu_read_unlock();
	return !pid;
}

/*
 * The thread that does this finds itself on its own CPU.  Whom it has that CPU from is who was
 * interrupted by the timer that woke it.  That one may be gone by now, and its memory be anything:
 * so it has to have the start that it had then, and not to have ended: where processes come and go
 * all the time, those that have ended lie at the same few addresses.
 */
static void examine_interrupted(struct ks_port_work *work)
{
	const struct task_struct *task = READ_ONCE(work->interrupted);
	struct sight sight;

	if (!task)
		return;
	WRITE_ONCE(work->interrupted, NULL);
	if (take_sight(&sight, task) && sight.start_ns == READ_ONCE(work->interrupted_start_ns) &&
	    (sight.mm || !sight.exit_state))
		examine(task, RUNNING);
}

bool ks_views_running(struct ks_probe *probe, unsigned int *cpu)
{
	rcu_read_lock();
	if (!*cpu)
		examine_interrupted(&probe->work.port);
	for (unsigned int i = 0; i < AT_ONCE && *cpu < nr_cpu_ids; i++, ++*cpu) {
		const struct task_struct *task = cpu_online(*cpu) ? ks_running_task(*cpu) : NULL;

		if (task)
			examine(task, RUNNING);
	}
	rcu_read_unlock();
	return *cpu >= nr_cpu_ids;
}

/* === What came of it ==================================================== */

void ks_views_end(struct ks_probe *probe)
{
	for (unsigned int i = 0; i < SUSPECTS; i++) {
		struct suspect *suspect = &v.suspects[i];
		bool running_only =
			suspect->process && !(suspect->seen & (BIT_OF(PID_TABLE) | BIT_OF(TASK_LIST) | BIT_OF(TREE)));

		if (suspect->pass && v.pass - suspect->pass >= (running_only ? FORGET_RUNNING_PASSES : FORGET_PASSES))
			forget(suspect);
	}
	v.shortfalls[SHORT_LIST].looked = v.list_complete ? v.processes : min(v.listed, v.processes - 1);
	v.shortfalls[SHORT_LIST].of = v.processes;
	v.shortfalls[SHORT_BELOW].looked = v.lists - v.lists_lost;
	v.shortfalls[SHORT_BELOW].of = v.lists;
	v.shortfalls[SHORT_HIDDEN].looked = v.hidden - v.hidden_lost;
	v.shortfalls[SHORT_HIDDEN].of = v.hidden;
	v.shortfalls[SHORT_SUSPECTS].looked = SUSPECTS;
	v.shortfalls[SHORT_SUSPECTS].of = SUSPECTS + v.suspected;
	for (unsigned int i = 0; i < SHORTFALLS; i++)
		ks_tell_shortfall(probe, &v.shortfalls[i]);
}

bool ks_views_hidden(unsigned int *at, struct ks_hidden *item)
{
	while (*at < SUSPECTS) {
		const struct suspect *suspect = &v.suspects[(*at)++];

		if (!suspect->told)
			continue;
		*item = suspect->item;
		view_words(item->missing, sizeof(item->missing), suspect->told);
		view_words(item->seen, sizeof(item->seen), suspect->seen);
		return true;
	}
	return false;
}

/* === Start and end ====================================================== */

void ks_views_reset(void)
{
	memset(v.suspects, 0, sizeof(v.suspects));
	v.suspects_count = 0;
}

int ks_views_init(struct ks_probe *probe)
{
	idle_tasks = (void *)ks_symbol("idle_threads");
	v.marks_slots = 2 * roundup_pow_of_two(ks_processes_most(MARKS_MIN, LIST_MAX));
	v.marks = ks_probe_alloc(probe, v.marks_slots * sizeof(*v.marks));
	if (!v.marks)
		return -1;
	ks_views_reset();
	return 0;
}

void ks_views_exit(void)
{
	ks_port_free(v.marks);
	v.marks = NULL;
}
