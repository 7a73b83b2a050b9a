/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between releases of Linux.  The code elsewhere has no condition on a
 * release.
 */
#ifndef KS_LINUX_COMPAT_H
#define KS_LINUX_COMPAT_H

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kallsyms.h>
#include <linux/kthread.h>
#include <linux/mm_types.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#if __has_include(<linux/hex.h>)
#include <linux/hex.h>
#endif
#include <asm/current.h>

/* === Works ============================================================== */

/* A macro since 6.14, from when on kthread_create_worker() makes one that does not run yet. */
#ifndef kthread_run_worker
#define kthread_run_worker kthread_create_worker
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, call, clock, mode) \
	do { \
		hrtimer_init(timer, clock, mode); \
		(timer)->function = (call); \
	} while (0)
#endif

/* === Modules' memory ==================================================== */

/*
 * The memory in which a module's code is, for good or (@init) while it starts.  Since 6.4 a
 * module has a piece of memory for each purpose; before, it had two, and code was first in each.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
typedef struct module_memory ks_module_memory;

static inline ks_module_memory *ks_module_code(struct module *module, bool init)
{
	return &module->mem[init ? MOD_INIT_TEXT : MOD_TEXT];
}

static inline uint32_t ks_module_code_bytes(const ks_module_memory *code)
{
	return code->size;
}

static inline uint64_t ks_module_bytes(const struct module *module)
{
	uint64_t bytes = 0;

	for_each_mod_mem_type(type)
		bytes += module->mem[type].size;
	return bytes;
}
#else
typedef struct module_layout ks_module_memory;

static inline ks_module_memory *ks_module_code(struct module *module, bool init)
{
	return init ? &module->init_layout : &module->core_layout;
}

static inline uint32_t ks_module_code_bytes(const ks_module_memory *code)
{
	return code->text_size;
}

static inline uint64_t ks_module_bytes(const struct module *module)
{
	return (uint64_t)module->core_layout.size + module->init_layout.size;
}
#endif

/* Until 6.9 vmalloc had one tree of all its areas. */
#define KS_VMAP_IN_ONE_TREE (LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0))

/* === Page tables ======================================================= */

/* Until 6.6 a page that is a page table had no structure of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define ptdesc page
#define pt_list lru
#define virt_to_ptdesc(address) virt_to_page(address)
#endif

/* === Tracing ============================================================ */

/* From 6.14 on an fprobe has no ftrace_ops of its own. */
#define KS_FPROBES (IS_ENABLED(CONFIG_FPROBE) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0))

/* === Symbols ============================================================ */

/* In headers since 6.2, and in some kernels before. */
int kallsyms_on_each_match_symbol(int (*function)(void *data, unsigned long address), const char *name, void *data);

/* === Tasks ============================================================== */

/*
 * Until 6.7 the threads of a process were in a second list, a ring without a head, and that was
 * the one that /proc/PID/task showed.  Where its link is in a task; 0: there is none.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define KS_THREAD_GROUP offsetof(struct task_struct, thread_group)
#else
#define KS_THREAD_GROUP 0UL
#endif

/* === Files and paths ==================================================== */

/*
 * Takes a reference of @file, whose memory is a file's; false: it has just lost its last one.
 * Under RCU.  Since 6.7 the memory of one may be another file's at once: ask again whether it is
 * the one.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
static inline bool ks_try_get_file(struct file *file)
{
	return get_file_active(&file);
}
#else
static inline bool ks_try_get_file(struct file *file)
{
	return get_file_rcu(file);
}
#endif

/*
 * Opens @path for the sensor: whoever watches it (inotify, fanotify) is told nothing, when it is
 * opened, read, or closed; but since 6.14, where modules have no such function, when it is opened.
 */
static inline struct file *ks_open_unnoticed(const struct path *path, int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	struct file *file = dentry_open(path, flags, current_cred());

	if (!IS_ERR(file))
		file->f_mode = (file->f_mode & ~FMODE_NONOTIFY_PERM) | FMODE_NONOTIFY;
	return file;
#else
	return dentry_open(path, flags | __FMODE_NONOTIFY, current_cred());
#endif
}

/*
 * What the kernel keeps of a mount (fs/mount.h), as far as a path leads through it: so since 3.3.
 * Whether this kernel's is like that is asked when the sensor starts (probes/linux/root.c).
 */
struct ks_mount {
	struct hlist_node hash;
	struct ks_mount *parent;        /* itself: it is mounted nowhere */
	struct dentry *mountpoint;
	struct vfsmount mnt;
};

/* Exported for long, and declared where modules see it only lately. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt, const char *name, unsigned int flags,
		    struct path *path);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define ks_mnt_idmap(mnt) mnt_idmap(mnt)
#else
#define ks_mnt_idmap(mnt) mnt_user_ns(mnt)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define start_creating_path kern_path_create
#define end_creating_path done_path_create
#endif

/* Makes the folder @dentry, which start_creating_path() gave with @parent, and ends that. */
static inline bool ks_make_folder(struct path *parent, struct dentry *dentry, umode_t mode)
{
	struct inode *in = d_inode(parent->dentry);
	bool made;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	dentry = vfs_mkdir(ks_mnt_idmap(parent->mnt), in, dentry, mode, NULL);
	made = !IS_ERR(dentry);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	dentry = vfs_mkdir(ks_mnt_idmap(parent->mnt), in, dentry, mode);
	made = !IS_ERR(dentry);
#else
	made = !vfs_mkdir(ks_mnt_idmap(parent->mnt), in, dentry, mode);
#endif
	end_creating_path(parent, dentry);
	return made;
}

/* === x86 ================================================================ */

/*
 * The task that @cpu runs at this moment.  Under RCU: it stays a task until the end of the
 * section.
 */
static inline struct task_struct *ks_running_task(unsigned int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return READ_ONCE(per_cpu(pcpu_hot.current_task, cpu));
#else
	return READ_ONCE(per_cpu(current_task, cpu));
#endif
}

#endif /* KS_LINUX_COMPAT_H */
