// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_code.c - hides code as rootkits do, so that tests can show that the sensor finds it.
 *
 * Never load it on a machine that matters.  Orders are parameters of insmod:
 *
 *   orphan=N   leaves N pages of code behind that belong to no module, and refuses to be loaded.
 *              Found as "unowned-code".
 *   owned=1    the same, and says that it is code of the module ksense from before that started.
 *              Found as "unowned-code".
 *   disowned=1  takes that back, and refuses to be loaded.  From 6.4 on the kernel stumbles over
 *              it as ksense is unloaded
 *   drift=1    leaves a page of code behind, and changes where its area is said to begin, again
 *              and again.  Found as "unowned-code".
 *   claim=1    the same, and says for 10 s, and then not for 1.2 s, that it is code of this module
 *              from before that started.  Found as "unowned-code", after 5 minutes.
 *   far=GB     the same, so many GiB behind the begin of the area of vmalloc.  Found at
 *              "adversarial".
 *   data=1     makes a page of this module's data executable, and runs code there.  Found as
 *              "unowned-code".
 *   deep=1     takes this module out of the list of modules and out of /sys/module.  It cannot be
 *              unloaded any more.  Found as "hidden", seen in the "module-tree".
 *   lost=1     the same, and the tree by which the kernel finds the module of an address leads to
 *              where no module is.  Found as "unowned-code".
 *   poke       while it is loaded, /sys/module/ks_code/parameters/poke: "ADDRESS BYTES", both in
 *              hex, writes up to 8 bytes of the kernel's image there, in one page, whatever its
 *              page tables allow; "0" puts back what was there before the first such write
 *   listen=1   has two of its functions called at each system call, by way of the trace event.
 *              "kernel-entries" has each as a "listener".
 *   leave      while it is loaded, /sys/module/ks_code/parameters/leave: 1 leaves a page of code
 *              that is nobody's, as orphan=1; 0 takes it away again
 *   hook=HOW   has functions of its own called by the kernel's means that a rootkit has: "ftrace",
 *              at getdents64, where it may change where the function returns to; "kprobes", two at
 *              one place, at kill; "kretprobe"; "fprobe", at vfs_fsync, where the kernel has such;
 *              or "all".  "kernel-entries" has each as a "hook".
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#if IS_ENABLED(CONFIG_FPROBE)
#include <linux/fprobe.h>
#endif

static bool owned, disowned, drift, claim, data, deep, lost, listen;
static unsigned long orphan, far;
static char *hook;
module_param(orphan, ulong, 0400);
MODULE_PARM_DESC(orphan, "leave so many pages of code behind");
module_param(owned, bool, 0400);
MODULE_PARM_DESC(owned, "leave a page of code behind, and say that it is ksense's");
module_param(disowned, bool, 0400);
MODULE_PARM_DESC(disowned, "take back what owned=1 said");
module_param(drift, bool, 0400);
MODULE_PARM_DESC(drift, "leave a page of code behind whose area drifts");
module_param(claim, bool, 0400);
MODULE_PARM_DESC(claim, "leave a page of code behind that this module claims, but for moments");
module_param(far, ulong, 0400);
MODULE_PARM_DESC(far, "leave a page of code behind, so many GiB into the area of vmalloc");
module_param(data, bool, 0400);
MODULE_PARM_DESC(data, "make a page of this module's data executable");
module_param(deep, bool, 0400);
MODULE_PARM_DESC(deep, "take this module out of the list and out of /sys/module");
module_param(lost, bool, 0400);
MODULE_PARM_DESC(lost, "the same, and the tree of modules leads nowhere");
module_param(listen, bool, 0400);
MODULE_PARM_DESC(listen, "have two functions called at each system call");
module_param(hook, charp, 0400);
MODULE_PARM_DESC(hook, "have functions called by ftrace, kprobes, kretprobe, fprobe or all");

static unsigned long (*lookup)(const char *name);

static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name", .flags = KPROBE_FLAG_DISABLED };
	int error = register_kprobe(&probe);

	if (error)
		return error;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

#define POKE_MAX 8U

static unsigned long poked_at;
static u8 poked_was[POKE_MAX];
static size_t poked_bytes;

/* By another mapping of the page, which may be written. */
static int write_image(unsigned long at, const u8 *bytes, size_t count)
{
	struct page *page = pfn_to_page(__pa(at) >> PAGE_SHIFT);
	void *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	if (!alias)
		return -ENOMEM;
	memcpy(alias + offset_in_page(at), bytes, count);
	vunmap(alias);
	return 0;
}

static int set_poke(const char *text, const struct kernel_param *param)
{
	char hex[2 * POKE_MAX + 1];
	u8 bytes[POKE_MAX];
	unsigned long at;
	size_t count;
	int error;

	if (sysfs_streq(text, "0")) {
		error = poked_bytes ? write_image(poked_at, poked_was, poked_bytes) : -ENOENT;
		poked_bytes = 0;
		return error;
	}
	if (poked_bytes)
		return -EBUSY;
	if (sscanf(text, "%lx %16s", &at, hex) != 2 || at < __START_KERNEL_map)
		return -EINVAL;
	count = strlen(hex) / 2;
	if (!count || hex2bin(bytes, hex, count) || offset_in_page(at) + count > PAGE_SIZE)
		return -EINVAL;
	memcpy(poked_was, (const void *)at, count);
	error = write_image(at, bytes, count);
	if (error)
		return error;
	poked_at = at;
	poked_bytes = count;
	return 0;
}

static const struct kernel_param_ops poke_ops = { .set = set_poke };
module_param_cb(poke, &poke_ops, NULL, 0200);
MODULE_PARM_DESC(poke, "write bytes into the kernel's image");

/* Where modules' code lies. */
static void *alloc_page_of_code(void)
{
	void *(*module_alloc_fn)(unsigned long bytes) = (void *)lookup("module_alloc");
	/* Since 6.10; its first type is a module's code. */
	void *(*execmem_alloc_fn)(int type, size_t bytes) = (void *)lookup("execmem_alloc");

	if (execmem_alloc_fn)
		return execmem_alloc_fn(0, PAGE_SIZE);
	return module_alloc_fn ? module_alloc_fn(PAGE_SIZE) : NULL;
}

static void set_init_code(struct module *module, void *code)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	module->mem[MOD_INIT_TEXT].size = code ? PAGE_SIZE : 0;
	WRITE_ONCE(module->mem[MOD_INIT_TEXT].base, code);
#else
	module->init_layout.text_size = code ? PAGE_SIZE : 0;
	WRITE_ONCE(module->init_layout.base, code);
#endif
}

static void *page;      /* of code, the last that was left behind */

/* Not to be written any more, as a kernel warns of what may be written and executed, too. */
static int make_code(void *at)
{
	int (*set_memory_ro_fn)(unsigned long address, int pages) = (void *)lookup("set_memory_ro");
	int (*set_memory_x_fn)(unsigned long address, int pages) = (void *)lookup("set_memory_x");

	if (!set_memory_ro_fn || !set_memory_x_fn)
		return -ENOENT;
	return set_memory_ro_fn((unsigned long)at, 1) || set_memory_x_fn((unsigned long)at, 1) ? -EIO : 0;
}

static int leave_page(const char *what)
{
	int error;

	page = alloc_page_of_code();
	if (!page)
		return -ENOMEM;
	memset(page, 0xc3, PAGE_SIZE); /* RET */
	error = make_code(page);
	if (error)
		return error;
	pr_info("ks_code: %s at %lx\n", what, (unsigned long)page);
	return 0;
}

static bool left;

/* Without the right to execute it is memory as any other. */
static int take_page_away(void)
{
	int (*set_memory_nx_fn)(unsigned long address, int pages) = (void *)lookup("set_memory_nx");

	if (!set_memory_nx_fn || set_memory_nx_fn((unsigned long)page, 1))
		return -EIO;
	vfree(page);
	return 0;
}

static int set_leave(const char *text, const struct kernel_param *param)
{
	bool leave;
	int error = kstrtobool(text, &leave);

	if (error || leave == left)
		return error;
	error = leave ? leave_page("left") : take_page_away();
	if (!error)
		left = leave;
	return error;
}

static const struct kernel_param_ops leave_ops = { .set = set_leave };
module_param_cb(leave, &leave_ops, NULL, 0200);
MODULE_PARM_DESC(leave, "1 leaves a page of code that is nobody's, 0 takes it away");

static struct vm_struct *area;
static void *area_start;
static unsigned long area_bytes;

static void move_area(struct work_struct *work)
{
	static unsigned int pages;

	pages = (pages + 1) % 4;
	area->size = area_bytes + pages * PAGE_SIZE;
	WRITE_ONCE(area->addr, area_start - pages * PAGE_SIZE);
	schedule_delayed_work(to_delayed_work(work), 12 * HZ / 10);
}

static DECLARE_DELAYED_WORK(moving, move_area);

static int start_drifting(void)
{
	struct vm_struct *(*find_vm_area_fn)(const void *address) = (void *)lookup("find_vm_area");
	int error = leave_page("drifts");

	area = find_vm_area_fn && !error ? find_vm_area_fn(page) : NULL;
	if (!area)
		return error ?: -ENOENT;
	area_start = area->addr;
	area_bytes = area->size;
	schedule_delayed_work(&moving, 0);
	return 0;
}

static void stop_drifting(void)
{
	if (!area)
		return;
	cancel_delayed_work_sync(&moving);
	area->addr = area_start;
	area->size = area_bytes;
}

#ifdef CONFIG_KALLSYMS
static void claim_page(struct work_struct *work)
{
	static struct mod_kallsyms symbols;
	static bool claimed;

	claimed = !claimed;
	symbols = THIS_MODULE->core_kallsyms;
	rcu_assign_pointer(THIS_MODULE->kallsyms, claimed ? &symbols : &THIS_MODULE->core_kallsyms);
	set_init_code(THIS_MODULE, claimed ? page : NULL);
	schedule_delayed_work(to_delayed_work(work), claimed ? 10 * HZ : 12 * HZ / 10);
}

static DECLARE_DELAYED_WORK(claiming, claim_page);

static int start_claiming(void)
{
	int error = leave_page("claimed");

	/* The module lets its real code of that kind go when it has started. */
	if (!error)
		schedule_delayed_work(&claiming, 2 * HZ);
	return error;
}

static void stop_claiming(void)
{
	if (!claim)
		return;
	cancel_delayed_work_sync(&claiming);
	set_init_code(THIS_MODULE, NULL);
	rcu_assign_pointer(THIS_MODULE->kallsyms, &THIS_MODULE->core_kallsyms);
}
#else
static int start_claiming(void)
{
	return -ENOENT;
}

static void stop_claiming(void)
{
}
#endif

static int leave_orphan(void)
{
	return leave_page("orphan") ?: -ECANCELED;
}

/* As code of ksense's; NULL: it has none. */
static int give_ksense(void *code)
{
	struct module *(*find_module_fn)(const char *name) = (void *)lookup("find_module");
	struct module *ksense = find_module_fn ? find_module_fn("ksense") : NULL;

	if (!ksense)
		return -ENOENT;
	set_init_code(ksense, code);
	return -ECANCELED;
}

static int leave_owned(void)
{
	return leave_page("owned") ?: give_ksense(page);
}

static int leave_far(void)
{
	void *(*alloc)(unsigned long bytes, unsigned long align, unsigned long start, unsigned long end, gfp_t gfp,
		       pgprot_t prot, unsigned long vm_flags, int node, const void *caller);

	alloc = (void *)lookup("__vmalloc_node_range");
	if (!alloc)
		alloc = (void *)lookup("__vmalloc_node_range_noprof");
	if (!alloc)
		return -ENOENT;
	page = alloc(PAGE_SIZE, 1, VMALLOC_START + (far << 30), VMALLOC_END, GFP_KERNEL, PAGE_KERNEL_EXEC, 0,
		     NUMA_NO_NODE, leave_far);
	if (!page)
		return -ENOMEM;
	memset(page, 0xc3, PAGE_SIZE); /* RET */
	pr_info("ks_code: far at %lx\n", (unsigned long)page);
	return -ECANCELED;
}

static u8 data_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* What calls it may be built with a check of where it calls. */
static __nocfi int run_data(void)
{
	static const u8 return_1[] = { 0xb8, 1, 0, 0, 0, 0xc3 }; /* MOV $1, %eax; RET */
	int (*code)(void) = (void *)data_page;
	int error;

	memcpy(data_page, return_1, sizeof(return_1));
	error = make_code(data_page);
	if (error || code() != 1)
		return error ?: -EIO;
	pr_info("ks_code: data at %lx\n", (unsigned long)data_page);
	return 0;
}

static int hide_deep(void)
{
	struct mutex *modules_mutex = (void *)lookup("module_mutex");

	if (!modules_mutex)
		return -ENOENT;
	kobject_del(&THIS_MODULE->mkobj.kobj);
	mutex_lock(modules_mutex);
	list_del_rcu(&THIS_MODULE->list);
	mutex_unlock(modules_mutex);
	return 0;
}

#ifdef CONFIG_MODULES_TREE_LOOKUP
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define own_code mem[MOD_TEXT]
#else
#define own_code core_layout
#endif

static int get_lost(void)
{
	int error = hide_deep();

	if (error)
		return error;
	WRITE_ONCE(THIS_MODULE->own_code.mtn.mod, (struct module *)PAGE_SIZE);
	pr_info("ks_code: lost at %lx\n", (unsigned long)THIS_MODULE->own_code.base);
	return 0;
}
#else
static int get_lost(void)
{
	return -ENOENT;
}
#endif

#ifdef CONFIG_TRACEPOINTS
static struct tracepoint *event;

static void find_event(struct tracepoint *at, void *name)
{
	if (!strcmp(at->name, name))
		event = at;
}

static void ks_listener(void *data, struct pt_regs *regs, long number)
{
}

static void ks_other_listener(void *data, struct pt_regs *regs, long number)
{
}

static int start_listening(void)
{
	int error;

	for_each_kernel_tracepoint(find_event, "sys_enter");
	if (!event)
		return -ENOENT;
	error = tracepoint_probe_register(event, ks_listener, NULL);
	return error ?: tracepoint_probe_register(event, ks_other_listener, NULL);
}

static void stop_listening(void)
{
	if (!event)
		return;
	tracepoint_probe_unregister(event, ks_listener, NULL);
	tracepoint_probe_unregister(event, ks_other_listener, NULL);
	tracepoint_synchronize_unregister();
}
#else
static int start_listening(void)
{
	return -ENOENT;
}

static void stop_listening(void)
{
}
#endif

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_REGS
static void ks_tracer(unsigned long at, unsigned long caller, struct ftrace_ops *ops, struct ftrace_regs *regs)
{
}

static struct ftrace_ops tracer = { .func = ks_tracer, .flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY };

static int start_tracing(void)
{
	int error = ftrace_set_filter_ip(&tracer, lookup("__x64_sys_getdents64"), 0, 0);

	return error ?: register_ftrace_function(&tracer);
}

static void stop_tracing(void)
{
	unregister_ftrace_function(&tracer);
}
#else
static int start_tracing(void)
{
	return -ENOENT;
}

static void stop_tracing(void)
{
}
#endif

static int ks_before(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

static int ks_also(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

static int ks_at_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return 0;
}

static struct kprobe before = { .symbol_name = "__x64_sys_kill", .pre_handler = ks_before };
static struct kprobe also = { .symbol_name = "__x64_sys_kill", .pre_handler = ks_also };
static struct kretprobe at_return = { .kp.symbol_name = "vfs_statx", .handler = ks_at_return };

#if IS_ENABLED(CONFIG_FPROBE)
static void ks_fprobe_exit(struct fprobe *probe, unsigned long at,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
			   unsigned long returns_to,
#endif
			   struct pt_regs *regs, void *data)
{
}

static struct fprobe fprobe = { .exit_handler = ks_fprobe_exit };

static int start_fprobe(void)
{
	return register_fprobe(&fprobe, "vfs_fsync", NULL);
}

static void stop_fprobe(void)
{
	unregister_fprobe(&fprobe);
}
#else
static int start_fprobe(void)
{
	return 0;
}

static void stop_fprobe(void)
{
}
#endif

static bool hooks_by(const char *means)
{
	return !strcmp(hook, means) || !strcmp(hook, "all");
}

static int start_hooks(void)
{
	int error = hooks_by("ftrace") ? start_tracing() : 0;

	if (!error && hooks_by("kprobes"))
		error = register_kprobe(&before) ?: register_kprobe(&also);
	if (!error && hooks_by("kretprobe"))
		error = register_kretprobe(&at_return);
	if (!error && hooks_by("fprobe"))
		error = start_fprobe();
	return error;
}

static void stop_hooks(void)
{
	if (hooks_by("fprobe"))
		stop_fprobe();
	if (hooks_by("kretprobe"))
		unregister_kretprobe(&at_return);
	if (hooks_by("kprobes")) {
		unregister_kprobe(&also);
		unregister_kprobe(&before);
	}
	if (hooks_by("ftrace"))
		stop_tracing();
}

static int __init code_start(void)
{
	int error = find_lookup();

	if (!error && owned)
		error = leave_owned();
	if (!error && disowned)
		error = give_ksense(NULL);
	for (unsigned long i = 0; i < orphan && (!error || error == -ECANCELED); i++)
		error = leave_orphan();
	if (!error && drift)
		error = start_drifting();
	if (!error && claim)
		error = start_claiming();
	if (!error && far)
		error = leave_far();
	if (!error && data)
		error = run_data();
	if (!error && deep)
		error = hide_deep();
	if (!error && lost)
		error = get_lost();
	if (!error && listen)
		error = start_listening();
	if (!error && hook)
		error = start_hooks();
	return error;
}

static void __exit code_stop(void)
{
	stop_drifting();
	stop_claiming();
	stop_listening();
	if (hook)
		stop_hooks();
}

module_init(code_start);
module_exit(code_stop);

MODULE_DESCRIPTION("hides code, for tests of ksense");
MODULE_LICENSE("GPL");
