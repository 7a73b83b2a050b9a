// SPDX-License-Identifier: GPL-2.0-only
/*
 * ks_idt.c - gives one CPU an IDT of its own, as a rootkit that wants to be called first; puts it
 * back when it is unloaded.  Does it at once, or (again=1) each time that the CPU comes.
 *
 * The table is a copy, so that the machine goes on as before.
 */
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/desc.h>

static unsigned int cpu;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "which CPU");
static bool again;
module_param(again, bool, 0444);
MODULE_PARM_DESC(again, "not at once, but each time that the CPU comes");

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

static enum cpuhp_state state;

static int cpu_comes(unsigned int which)
{
	if (which == cpu)
		redirect(NULL);
	return 0;
}

static int __init ks_idt_start(void)
{
	int number;

	if (!again)
		return smp_call_function_single(cpu, redirect, NULL, 1);
	number = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ks_idt", cpu_comes, NULL);
	if (number < 0)
		return number;
	state = (enum cpuhp_state)number;
	return 0;
}

static void __exit ks_idt_stop(void)
{
	if (again)
		cpuhp_remove_state_nocalls(state);
	if (before.address)
		smp_call_function_single(cpu, put_back, NULL, 1);
}

module_init(ks_idt_start);
module_exit(ks_idt_stop);

MODULE_DESCRIPTION("test of ksense: another IDT for one CPU");
MODULE_LICENSE("GPL");
