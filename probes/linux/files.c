// SPDX-License-Identifier: GPL-2.0-only
/*
 * files.c - the probe "files": contents and attributes of chosen paths, entries of /proc and /sys
 * among them.
 *
 * Paths begin at the root directory of process 1 (root.h), looked up as root by a kernel thread.
 * One file is read at a time, a piece in each call of the engine, and stays open from piece to
 * piece.  Unlike the other probes, this one may wait in a step: for the disk or for a server on
 * the network.  It does so in a thread of its own, or in that of the client who asked for a fresh
 * sample.
 */
#include <linux/backing-dev.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/proc_fs.h>
#include <linux/stat.h>
#include <linux/time64.h>

#include "../../core/siphash.h"
#include "../../linux/compat.h"
#include "../set.h"
#include "root.h"

/* === Data === */

#define FILES_MAX 64
/*
 * with NUL: a record of a change still holds it when each byte has to be escaped.  Whoever has a
 * longer one is told how long it may be, by edit_takes.
 */
#define PATH_BYTES 144
/*
 * What is read between two looks at the clock: with SHA-256, which takes 57 instructions a byte,
 * and with the keyed hash alone.
 */
#define PIECE_SHA 512
#define PIECE_BARE 4096
#define CONTENT_MAX (64ULL << 20)          /* more of a file is not read */

struct ks_file {
	char path[PATH_BYTES];
	char state[12];
	uint32_t error;
	uint8_t pseudo;
	uint64_t size;
	char mode[8];
	uint32_t uid, gid;
	char device[16];
	uint64_t inode;
	int64_t mtime;
	uint32_t mtime_ns;
	int64_t ctime;
	uint32_t ctime_ns;
	uint32_t hashed_bytes;
	uint8_t cut, torn;
	char sha256[64];
};

static const struct ks_field file_fields[] = {
	KS_FIELD(struct ks_file, path, KS_STRING,
		 "as it is in the list. Bytes that are no UTF-8 are told as U+0080 to U+00FF"),
	KS_FIELD(struct ks_file, state, KS_STRING,
		 "`file`; `absent`; `directory`, `fifo`, `socket`, `device`: never opened; `error`"),
	KS_FIELD(struct ks_file, error, KS_U32,
		 "with `error`, the kernel's number: 13 refused, or `/proc` shows processes alone (`subset=pid`), "
		 "40 links in circles, 5 the disk, 95 can be read from user space alone"),
	KS_FIELD(struct ks_file, pseudo, KS_BOOL,
		 "of `/proc`, `/sys` or the like: contents are made when they are read. No inode, no times then: they "
		 "mean nothing there"),
	KS_FIELD(struct ks_file, size, KS_HEX, "[bytes] as stat has it: 0 in `/proc`, often 4096 in `/sys`"),
	KS_FIELD(struct ks_file, mode, KS_STRING, "octal, with set-uid, set-gid and sticky, as `stat -c %a`"),
	KS_FIELD(struct ks_file, uid, KS_U32, "owner, in the initial user namespace"),
	KS_FIELD(struct ks_file, gid, KS_U32, "group, in the initial user namespace"),
	KS_FIELD(struct ks_file, device, KS_STRING, "major:minor of the file system"),
	KS_FIELD(struct ks_file, inode, KS_HEX, "its number there"),
	KS_FIELD(struct ks_file, mtime, KS_SIGNED_HEX, "[seconds since 1970] when the contents were changed"),
	KS_FIELD(struct ks_file, mtime_ns, KS_U32, "[ns] the rest of that"),
	KS_FIELD(struct ks_file, ctime, KS_SIGNED_HEX, "[seconds since 1970] when the attributes were changed"),
	KS_FIELD(struct ks_file, ctime_ns, KS_U32, "[ns] the rest of that"),
	KS_FIELD(struct ks_file, hashed_bytes, KS_U32, "[bytes] how much was read"),
	KS_FIELD(struct ks_file, cut, KS_BOOL, "there is more than the 64 MB that are read of a file at most"),
	KS_LIVE(struct ks_file, torn, KS_BOOL, "it changed while it was read"),
	KS_FIELD(struct ks_file, sha256, KS_STRING, "of what was read; empty if nothing was"),
};

static const struct ks_set_kind kinds[] = {
	KS_STILL("file", struct ks_file, file_fields, path, "A path of the list."),
};

/*
 * Accounts, logins, what runs as root and when, what is loaded into every program, and the
 * kernel's switches that lead to root.
 */
#define DEFAULT_FILES \
	"/etc/passwd,/etc/shadow,/etc/group,/etc/sudoers,/etc/crontab,/etc/hosts,/etc/ld.so.preload,/etc/ssh/" \
	"sshd_config," \
	"/etc/pam.d/common-auth,/root/.ssh/authorized_keys,/sbin/init,/bin/sh,/bin/login,/usr/bin/su,/usr/bin/sudo,/" \
	"usr/sbin/sshd," \
	"/lib64/ld-linux-x86-64.so.2,/usr/lib/x86_64-linux-gnu/libc.so.6,/usr/lib/x86_64-linux-gnu/security/" \
	"pam_unix.so," \
	"/proc/version,/proc/cmdline,/proc/sys/kernel/core_pattern,/proc/sys/kernel/modprobe,/proc/sys/kernel/" \
	"modules_disabled," \
	"/proc/sys/kernel/kptr_restrict,/proc/sys/kernel/tainted,/proc/sys/fs/suid_dumpable,/sys/kernel/notes,/sys/" \
	"kernel/uevent_helper"

static char *files = DEFAULT_FILES;
module_param(files, charp, 0444);
MODULE_PARM_DESC(files, "what the probe files looks at: absolute paths with commas between them");

/* The list, with a lock of its own: requests change it beside the steps. */
struct listed {
	bool used;
	bool hashed;            /* `last` is whole: its SHA-256 may be used again */
	bool settled;           /* and no other contents can have the same attributes */
	struct ks_hash hash;    /* of the same bytes, keyed */
	/* of the addition, which tells this path from another that had its place */
	uint32_t number;
	char path[PATH_BYTES];
	struct ks_file last;
};

static DEFINE_MUTEX(list_lock);
static struct listed list[FILES_MAX];
static uint32_t additions;

/* The file at hand; of the steps alone, of which there are never two at once. */
static struct {
	struct file *file;      /* NULL: none */
	unsigned int at;        /* in the list */
	uint32_t number;
	loff_t offset;
	bool bare;              /* without SHA-256, to see whether it is what it was */
	bool settled;           /* at its begin */
	struct ks_siphash hash;
	struct ks_sha256 sha;
	struct ks_file item;
	/* As it was last seen, if it was hashed then. */
	bool hashed, was_settled;
	struct ks_file known;
	struct ks_hash known_hash;
	/* bytes at the start of piece that are in sha and not yet in hash, which takes words */
	unsigned int left;
	char piece[PIECE_BARE] __aligned(8);
} reading;

/*
 * Contents are compared by a keyed hash, as the region engine's pages: SHA-256, twelve times
 * dearer, is taken of what is new.
 */
static uint64_t hash_key[2];

/* === The list === */

/* With the lock held.  NULL: it is not there. */
static struct listed *find(const char *path, size_t bytes)
{
	for (unsigned int i = 0; i < FILES_MAX; i++)
		if (list[i].used && strlen(list[i].path) == bytes && !memcmp(list[i].path, path, bytes))
			return &list[i];
	return NULL;
}

static enum ks_edit add(const char *path, size_t bytes)
{
	if (!bytes || bytes >= PATH_BYTES || path[0] != '/' || memchr(path, '\0', bytes))
		return KS_EDIT_BAD;
	if (find(path, bytes))
		return KS_EDIT_DONE;
	for (unsigned int i = 0; i < FILES_MAX; i++) {
		struct listed *entry = &list[i];

		if (entry->used)
			continue;
		memset(entry, 0, sizeof(*entry));
		memcpy(entry->path, path, bytes);
		entry->number = ++additions;
		entry->used = true;
		return KS_EDIT_DONE;
	}
	return KS_EDIT_FULL;
}

static enum ks_edit remove(const char *path, size_t bytes)
{
	struct listed *entry = find(path, bytes);

	if (!entry)
		return KS_EDIT_BAD;
	entry->used = false;
	return KS_EDIT_DONE;
}

static enum ks_edit files_edit(struct ks_probe *probe, bool to_add, const char *item, size_t bytes)
{
	enum ks_edit result;

	(void)probe;
	mutex_lock(&list_lock);
	result = to_add ? add(item, bytes) : remove(item, bytes);
	mutex_unlock(&list_lock);
	return result;
}

/*
 * In which order this pass goes through the list.  Each has another, or who sees that one file is
 * looked at would know how long another is not.
 */
static uint8_t order[FILES_MAX];

static void choose_order(void)
{
	uint32_t random[FILES_MAX];
	unsigned int to;

	ks_port_random(random, sizeof(random));
	for (unsigned int i = 0; i < FILES_MAX; i++) {
		to = random[i] % (i + 1);
		order[i] = order[to];
		order[to] = i;
	}
}

/*
 * Takes the next of the list, from place *@next of the order on, into the item at hand, and *@next
 * behind it.  False: there is none.
 */
static bool take_next(uint64_t *next)
{
	bool found = false;

	mutex_lock(&list_lock);
	while (*next < FILES_MAX && !found) {
		unsigned int at = order[(*next)++];

		if (!list[at].used)
			continue;
		found = true;
		reading.at = at;
		reading.number = list[at].number;
		memset(&reading.item, 0, sizeof(reading.item));
		memcpy(reading.item.path, list[at].path, PATH_BYTES);
		reading.hashed = list[at].hashed;
		reading.was_settled = list[at].settled;
		reading.known = list[at].last;
		reading.known_hash = list[at].hash;
	}
	mutex_unlock(&list_lock);
	return found;
}

static void keep(bool hashed, bool settled, struct ks_hash hash)
{
	struct listed *entry = &list[reading.at];

	mutex_lock(&list_lock);
	if (entry->used && entry->number == reading.number) {
		entry->last = reading.item;
		entry->hashed = hashed;
		entry->settled = settled;
		entry->hash = hash;
	}
	mutex_unlock(&list_lock);
}

/* === A file === */

static void set_state(struct ks_file *item, const char *state)
{
	strscpy_pad(item->state, state, sizeof(item->state));
}

static void set_error(struct ks_file *item, int error)
{
	if (error == -ENOENT || error == -ENOTDIR) {
		set_state(item, "absent");
		return;
	}
	set_state(item, "error");
	item->error = -error;
}

/*
 * File systems whose files are no stored bytes: what their inodes say of size and times is of no
 * use, and inodes come and go.
 */
static bool is_pseudo(const struct super_block *sb)
{
	switch (sb->s_magic) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case SELINUX_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case BPF_FS_MAGIC:
		return true;
	}
	return false;
}

static const char *state_of(umode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	}
	return "device";
}

static int get_attributes(const struct path *path, struct ks_file *item)
{
	struct kstat stat;
	int error = vfs_getattr(path, &stat, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT);

	if (error)
		return error;
	set_state(item, state_of(stat.mode));
	item->pseudo = is_pseudo(path->dentry->d_sb);
	item->size = stat.size;
	memset(item->mode, 0, sizeof(item->mode));
	snprintf(item->mode, sizeof(item->mode), "%o", stat.mode & 07777);
	item->uid = from_kuid(&init_user_ns, stat.uid);
	item->gid = from_kgid(&init_user_ns, stat.gid);
	memset(item->device, 0, sizeof(item->device));
	snprintf(item->device, sizeof(item->device), "%u:%u", MAJOR(stat.dev), MINOR(stat.dev));
	if (!item->pseudo) {
		item->inode = stat.ino;
		item->mtime = stat.mtime.tv_sec;
		item->mtime_ns = stat.mtime.tv_nsec;
		item->ctime = stat.ctime.tv_sec;
		item->ctime_ns = stat.ctime.tv_nsec;
	}
	return 0;
}

/* Whether two looks saw the same file, as far as its attributes say. */
static bool same_attributes(const struct ks_file *a, const struct ks_file *b)
{
	return a->size == b->size && a->inode == b->inode && a->mtime == b->mtime && a->mtime_ns == b->mtime_ns &&
	       a->ctime == b->ctime && a->ctime_ns == b->ctime_ns && !strcmp(a->device, b->device);
}

/* So long after a change the next one may have the same time: no file system's clock is slower. */
#define SETTLED_SECONDS 2

/*
 * Whether whoever writes to @inode from now on cannot but change its attributes, which are those
 * in @item.  Who has it open to write by now can: a write changes them as it begins, and waits as
 * long as somebody likes for what it is to write.  So he can through a mapping, which may be all
 * that he has of it: the kernel sees the first write to each page, and no other until that page is
 * on the disk.  Where nothing is ever written to a disk, as in tmpfs, it sees none.  And where
 * another than this kernel keeps the file, as with FUSE or NFS, he says what its attributes are.
 */
static bool is_settled(const struct inode *inode, const struct ks_file *item)
{
	const struct super_block *sb = inode->i_sb;

	return sb->s_type->fs_flags & FS_REQUIRES_DEV && sb->s_bdi->capabilities & BDI_CAP_WRITEBACK &&
	       !inode_is_open_for_write(inode) && !mapping_writably_mapped(inode->i_mapping) &&
	       ktime_get_real_seconds() - item->ctime >= SETTLED_SECONDS;
}

/*
 * Of a file that nobody else has: it is released here and now.  fput() of a kernel's thread would
 * leave that to one work of the whole kernel's, behind files of others, and any user can have one
 * released there that keeps it for ever: a socket that lingers.
 */
static void put_own_file(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file); /* rmmod: it is released when that returns to user space */
}

static void close_file(void)
{
	if (reading.file)
		put_own_file(reading.file);
	reading.file = NULL;
}

static void begin_reading(bool bare)
{
	reading.offset = 0;
	reading.left = 0;
	reading.bare = bare;
	ks_siphash_init(&reading.hash, hash_key);
	ks_sha256_init(&reading.sha);
}

/*
 * Opens what was looked at, that very inode, whatever the path means by now.  Nothing but a
 * regular file gets here: no device is woken.
 */
static int open_file(const struct path *path)
{
	struct file *file = ks_open_unnoticed(path, O_RDONLY | O_LARGEFILE | O_NOATIME | O_NONBLOCK);

	if (IS_ERR(file))
		return PTR_ERR(file);
	/*
	 * Entries of /proc that can be read from user space alone: the kernel would refuse, and
	 * write that into its log.
	 */
	if (!file->f_op->read_iter || file->f_op->read) {
		put_own_file(file);
		return -EOPNOTSUPP;
	}
	reading.file = file;
	begin_reading(reading.hashed);
	return 0;
}

/*
 * Whether a path that is not there is one that /proc does not show: mounted with subset=pid, it
 * has processes and nothing else.
 */
static bool is_not_shown(const struct path *root, const char *name)
{
	struct path proc;
	bool partial;

	if (!str_has_prefix(name, "/proc/") || vfs_path_lookup(root->dentry, root->mnt, "/proc", LOOKUP_FOLLOW, &proc))
		return false;
	partial = proc.dentry->d_sb->s_magic == PROC_SUPER_MAGIC &&
		  proc_sb_info(proc.dentry->d_sb)->pidonly == PROC_PIDONLY_ON;
	path_put(&proc);
	return partial;
}

/* Looks at the path at hand, from @root. True: that was all; false: it is open now, to be read. */
static bool begin_file(const struct path *root, bool trust_attributes)
{
	const struct ks_file *known = &reading.known;
	struct ks_file *item = &reading.item;
	struct path path;
	int error = vfs_path_lookup(root->dentry, root->mnt, item->path, LOOKUP_FOLLOW, &path);

	if (error) {
		set_error(item, error == -ENOENT && is_not_shown(root, item->path) ? -EACCES : error);
		return true;
	}
	error = get_attributes(&path, item);
	if (!error && !strcmp(item->state, "file")) {
		reading.settled = is_settled(d_inode(path.dentry), item);
		if (reading.hashed && reading.was_settled && reading.settled && trust_attributes && !item->pseudo &&
		    same_attributes(item, known)) {
			memcpy(item->sha256, known->sha256, sizeof(item->sha256));
			item->hashed_bytes = known->hashed_bytes;
			item->cut = known->cut;
		} else {
			error = open_file(&path);
		}
	}
	path_put(&path);
	if (error)
		set_error(item, error);
	return !reading.file;
}

/* Some more bytes, which lie behind those that are left in the piece. */
static void hash_bytes(size_t bytes)
{
	size_t words;

	if (!reading.bare)
		ks_sha256_update(&reading.sha, reading.piece + reading.left, bytes);
	words = round_down(reading.left + bytes, 8);
	ks_siphash_update(&reading.hash, reading.piece, words);
	reading.left += bytes - words;
	memmove(reading.piece, reading.piece + words, reading.left);
}

/* All bytes are in.  False: it is not what it was, and has to be read anew for its SHA-256. */
static bool end_hash(struct ks_file *item, struct ks_hash *hash)
{
	uint8_t digest[32];

	memset(reading.piece + reading.left, 0, 8 - reading.left);
	ks_siphash_update(&reading.hash, reading.piece, 8);
	*hash = ks_siphash_final(&reading.hash);
	item->hashed_bytes = reading.offset;
	if (reading.bare) {
		memcpy(item->sha256, reading.known.sha256, sizeof(item->sha256));
		return ks_hash_equal(hash, &reading.known_hash) && item->hashed_bytes == reading.known.hashed_bytes;
	}
	ks_sha256_final(&reading.sha, digest);
	bin2hex(item->sha256, digest, sizeof(digest));
	return true;
}

/* One more piece.  True: the file has been read. */
static bool read_piece(void)
{
	struct ks_file *item = &reading.item, before;
	size_t room = (reading.bare ? PIECE_BARE : PIECE_SHA) - reading.left;
	ssize_t got = kernel_read(reading.file, reading.piece + reading.left, room, &reading.offset);
	struct ks_hash hash = { 0 };
	int error;

	if (got > 0) {
		hash_bytes(got);
		if (reading.offset < CONTENT_MAX)
			return false;
		item->cut =
			kernel_read(reading.file, reading.piece + reading.left, 1, &(loff_t){ reading.offset }) > 0;
	}
	if (got >= 0 && !end_hash(item, &hash)) {
		begin_reading(false);
		return false;
	}
	before = *item;
	error = got < 0 ? got : get_attributes(&reading.file->f_path, item);
	if (error) {
		memset(item->sha256, 0, sizeof(item->sha256));
		set_error(item, error);
	} else {
		item->torn = !same_attributes(item, &before);
	}
	keep(!error && !item->torn, reading.settled && is_settled(file_inode(reading.file), item), hash);
	close_file();
	return true;
}

/* === Callbacks of the engine === */

static struct ks_torn root_looks;

/*
 * progress->at[0] is the next place in the order, at[1] whether the pass has begun: one that was
 * given up may have left a file open.
 */
static int files_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct path root;
	bool done;

	if (!progress->at[1]) {
		close_file();
		choose_order();
	}
	progress->at[1] = 1;
	if (reading.file) {
		if (!read_piece())
			return KS_SET_SKIP;
	} else {
		const char *why = ks_root(&root);

		if (why)
			return ks_no_root(probe, &root_looks, why);
		ks_is_torn(&root_looks, true);
		if (!take_next(&progress->at[0])) {
			path_put(&root);
			return KS_SET_END;
		}
		/*
		 * From high on attributes are not trusted: who has the disk, or the clock, can set
		 * them back.
		 */
		done = begin_file(&root, probe->level < KS_HIGH);
		path_put(&root);
		if (!done)
			return KS_SET_SKIP;
	}
	memcpy(item, &reading.item, sizeof(reading.item));
	return 0;
}

static int list_init(struct ks_probe *probe)
{
	const char *path = files;

	(void)probe;
	ks_port_random(hash_key, sizeof(hash_key));
	mutex_lock(&list_lock);
	while (*path) {
		size_t bytes = strcspn(path, ",");

		if (bytes && add(path, bytes) != KS_EDIT_DONE)
			pr_warn(KBUILD_MODNAME ": files=: not absolute, too long, or too many: %.*s\n", (int)bytes,
				path);
		path += bytes;
		path += *path == ',';
	}
	mutex_unlock(&list_lock);
	return 0;
}

static void list_exit(struct ks_probe *probe)
{
	(void)probe;
	close_file();
}

static const struct ks_set_type files_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items_max = FILES_MAX,
	.init = list_init,
	.exit = list_exit,
	.next = files_next,
};

/* The list stays as it is; what was read before does not count any more. */
static void files_reset(struct ks_probe *probe)
{
	mutex_lock(&list_lock);
	for (unsigned int i = 0; i < FILES_MAX; i++)
		list[i].hashed = false;
	mutex_unlock(&list_lock);
	ks_set_reset(probe);
}

/* === Interface === */

const struct ks_probe_type ks_linux_files = {
	.name = "files",
	.interval_ns = {
		[KS_LOW] = 300 * NSEC_PER_SEC,
		[KS_DEFAULT] = 30 * NSEC_PER_SEC,
		[KS_HIGH] = 20 * NSEC_PER_SEC,
		[KS_ADVERSARIAL] = 2 * NSEC_PER_SEC,
	},
	.pause_ns = {
		[KS_LOW] = 2 * NSEC_PER_MSEC,
		[KS_DEFAULT] = NSEC_PER_MSEC,
		[KS_HIGH] = NSEC_PER_MSEC,
		[KS_ADVERSARIAL] = 100 * NSEC_PER_USEC,
	},
	.size = ks_set_size,
	.init = ks_set_init,
	.exit = ks_set_exit,
	.reset = files_reset,
	.baselines = ks_set_baselines,
	.step = ks_set_step,
	.edit = files_edit,
	.edit_takes = "the probe takes absolute paths of at most 143 bytes",
	.engine = &files_set,
};
