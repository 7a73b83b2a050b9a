// SPDX-License-Identifier: MIT
/*
 * folder.c - the host port's probe "folder": the entries of a folder.
 *
 * Levels: how often it looks, and from high on at random moments.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../host/host.h"
#include "../set.h"

const char *ks_host_folder_path = ".";

struct entry {
	char name[256];          /* the key; a longer name does not exist: NAME_MAX */
	char type[12];
	uint64_t inode;
	char mode[8];
	uint32_t uid;
	uint64_t size;
	int64_t mtime_ns;
};

static const struct ks_field entry_fields[] = {
	KS_FIELD(struct entry, name, KS_STRING, "without the folder"),
	KS_FIELD(struct entry, type, KS_STRING, "`file`, `folder`, `link`, `socket`, `pipe`, `device`"),
	KS_FIELD(struct entry, inode, KS_HEX, "its number"),
	KS_FIELD(struct entry, mode, KS_STRING, "octal, with set-uid, set-gid and sticky, as `stat -c %a`"),
	KS_FIELD(struct entry, uid, KS_U32, "owner"),
	KS_FIELD(struct entry, size, KS_HEX, "[bytes] as stat has it"),
	KS_FIELD(struct entry, mtime_ns, KS_SIGNED_HEX, "[ns] when the contents were changed, since 1970"),
};

static const struct ks_set_kind kinds[] = {
	KS_KIND("entry", struct entry, entry_fields, name, "An entry of the folder."),
};

/* What the probe has of its own. */
struct folder {
	DIR *dir;                /* open from the first pass on */
};

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "folder";
	case S_IFLNK:
		return "link";
	case S_IFSOCK:
		return "socket";
	case S_IFIFO:
		return "pipe";
	default:
		return "device";
	}
}

/* progress->at[0] is 0 at the start of a pass. */
static int next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct folder *folder = probe->own;
	struct entry *entry = item;
	struct dirent *dirent;
	struct stat stat;

	if (!progress->at[0]) {
		if (!folder->dir)
			folder->dir = opendir(ks_host_folder_path);
		if (!folder->dir) {
			ks_probe_failed(probe, "the folder cannot be opened");
			return KS_SET_FAILED;
		}
		rewinddir(folder->dir);
		progress->at[0] = 1;
	}
	errno = 0;
	dirent = readdir(folder->dir);
	if (!dirent && errno) {
		ks_probe_failed(probe, "the folder cannot be read");
		return KS_SET_FAILED;
	}
	if (!dirent)
		return KS_SET_END;
	if (!strcmp(dirent->d_name, ".") || !strcmp(dirent->d_name, "..") ||
	    fstatat(dirfd(folder->dir), dirent->d_name, &stat, AT_SYMLINK_NOFOLLOW))
		return KS_SET_SKIP; /* not an entry, or gone since */
	memcpy(entry->name, dirent->d_name, strlen(dirent->d_name));
	memcpy(entry->type, type_name(stat.st_mode), strlen(type_name(stat.st_mode)));
	entry->inode = stat.st_ino;
	snprintf(entry->mode, sizeof(entry->mode), "%o", stat.st_mode & 07777);
	entry->uid = stat.st_uid;
	entry->size = (uint64_t)stat.st_size;
	entry->mtime_ns = (int64_t)((uint64_t)stat.st_mtim.tv_sec * 1000000000U + (uint64_t)stat.st_mtim.tv_nsec);
	return 0;
}

bool ks_host_can_open(const char *path)
{
	DIR *dir = opendir(path);

	return dir && !closedir(dir);
}

static void close_folder(struct ks_probe *probe)
{
	struct folder *folder = probe->own;

	if (folder->dir)
		closedir(folder->dir);
}

static const struct ks_set_type set = {
	.kinds = kinds,
	.kinds_count = 1,
	.items_max = 1024,
	.exit = close_folder,
	.next = next,
};

const struct ks_probe_type ks_host_folder = {
	.name = "folder",
	.interval_ns = { 10000000000U, 1000000000U, 200000000U, 20000000U },
	.pause_ns = { 1000000U, 500000U, 100000U, 0 },
	.own_bytes = sizeof(struct folder),
	KS_SET_ENGINE(&set),
};
