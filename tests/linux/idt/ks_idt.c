// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_idt.c - gives one CPU an IDT of its own, as a rootkit that wants to be called first; puts it
 * back when it is unloaded.
 *
 * The table is a copy, so that the machine goes on as before.
 */
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/desc.h>

static unsigned int cpu;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "which CPU");

static gate_desc ks_other_table[IDT_ENTRIES] __aligned(PAGE_SIZE);
static struct desc_ptr before;

/* Not load_idt(), which asks the hypervisor where there is one. */
static void load(const struct desc_ptr *idtr)
{
	asm volatile("lidt %0" : : "m"(*idtr));
}

static void redirect(void *unused)
{
	struct desc_ptr other;

	store_idt(&before);
	memcpy(ks_other_table, (const void *)before.address, sizeof(ks_other_table));
	other = before;
	other.address = (unsigned long)ks_other_table;
	load(&other);
}

static void put_back(void *unused)
{
	load(&before);
}

static int __init ks_idt_start(void)
{
	return smp_call_function_single(cpu, redirect, NULL, 1);
}

static void __exit ks_idt_stop(void)
{
	smp_call_function_single(cpu, put_back, NULL, 1);
}

module_init(ks_idt_start);
module_exit(ks_idt_stop);

MODULE_DESCRIPTION("test of ksense: another IDT for one CPU");
MODULE_LICENSE("GPL");
