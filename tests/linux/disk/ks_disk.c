// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_disk.c - a file system "ks_disk" with one file, "file", which is kept in memory and passes
 * for one on a disk: its sensor's probes trust it that who writes changes its times, as in ext4,
 * for which this machine's kernel has no module.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#define MAGIC 0x6b73646bUL

/* The first who opens it makes it a file of pages. */
static int open_file(struct inode *inode, struct file *file)
{
	inode->i_mapping->a_ops = &ram_aops;
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
	.mount = mount,
	.kill_sb = kill_litter_super,
};

static int __init ks_disk_start(void)
{
	return register_filesystem(&disk);
}

static void __exit ks_disk_end(void)
{
	unregister_filesystem(&disk);
}

module_init(ks_disk_start);
module_exit(ks_disk_end);
MODULE_DESCRIPTION("a file system that passes for one with a disk, for the tests of ksense");
MODULE_LICENSE("GPL");
