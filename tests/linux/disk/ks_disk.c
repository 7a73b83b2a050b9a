// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_disk.c - two file systems with one file each, "file", which is kept in memory.  "ks_disk"
 * passes for one on a disk, as ext4, for which this machine's kernel has no module: the sensor
 * trusts it that who writes changes the file's times.  "ks_server" is like one of which somebody
 * else says what the times are, as with NFS: they stay.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#define MAGIC 0x6b73646bUL

/* The first who opens it makes it a file of pages. */
static int open_file(struct inode *inode, struct file *file)
{
	inode->i_mapping->a_ops = &ram_aops;
	if (!(inode->i_sb->s_type->fs_flags & FS_REQUIRES_DEV))
		inode->i_flags |= S_NOCMTIME;
	mapping_set_unevictable(inode->i_mapping);
	return generic_file_open(inode, file);
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = open_file,
	.read_iter = generic_file_read_iter,
	.write_iter = generic_file_write_iter,
	.fsync = noop_fsync,
	.llseek = generic_file_llseek,
};

static int fill(struct super_block *sb, void *data, int silent)
{
	static const struct tree_descr files[] = { [2] = { "file", &operations, 0600 }, [3] = { "" } };
	int error = simple_fill_super(sb, MAGIC, files);

	return error ?: super_setup_bdi(sb);
}

static struct dentry *mount(struct file_system_type *type, int flags, const char *source, void *data)
{
	return mount_nodev(type, flags, data, fill);
}

static struct file_system_type disk = {
	.owner = THIS_MODULE,
	.name = "ks_disk",
	.fs_flags = FS_REQUIRES_DEV,
	.mount = mount,
	.kill_sb = kill_litter_super,
};

static struct file_system_type server = {
	.owner = THIS_MODULE,
	.name = "ks_server",
	.mount = mount,
	.kill_sb = kill_litter_super,
};

static int __init ks_disk_start(void)
{
	int error = register_filesystem(&disk);

	if (error)
		return error;
	error = register_filesystem(&server);
	if (error)
		unregister_filesystem(&disk);
	return error;
}

static void __exit ks_disk_end(void)
{
	unregister_filesystem(&server);
	unregister_filesystem(&disk);
}

module_init(ks_disk_start);
module_exit(ks_disk_end);
MODULE_DESCRIPTION("file systems that pass for one with a disk, and one with a server, for the tests of ksense");
MODULE_LICENSE("GPL");
