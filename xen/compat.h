/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between the releases of Xen that the sensor is for: the code has the
 * names of the newest, and here stands what they are in older ones.  KS_XEN_RELEASE is 417 for
 * 4.17, and so on.
 */
#ifndef KS_XEN_COMPAT_H
#define KS_XEN_COMPAT_H

#include <xen/sched.h>
#include <asm/msr.h>
#include <asm/processor.h>

#if __has_include(<asm/idt.h>)          /* from 4.21 on */
#include <asm/idt.h>
#endif
#if __has_include(<asm/stubs.h>)
#include <asm/stubs.h>
#endif
#if __has_include(<asm/trampoline.h>)   /* from 4.20 on */
#include <asm/trampoline.h>
#endif

#ifndef TRAMPOLINE_SIZE                 /* up to 4.19 */
#define TRAMPOLINE_SIZE (TRAMPOLINE_SPACE + TRAMPOLINE_STACK_SPACE)
#endif

#ifdef TRAP_nr                          /* up to 4.17 */
#define X86_EXC_NUM TRAP_nr
#endif

#ifdef IDT_ENTRIES                      /* up to 4.20 */
#define X86_IDT_VECTORS IDT_ENTRIES
#endif

/* What the MSR has; false: there is none. */
static inline bool ks_read_msr(unsigned int msr, uint64_t *value)
{
#ifdef rdmsr_safe                       /* up to 4.20 */
    return !rdmsr_safe(msr, *value);
#else
    return !rdmsr_safe(msr, value);
#endif
}

/* Xen's own names for this one instruction change. */
static inline unsigned int ks_task_register(void)
{
    unsigned int selector;

    asm volatile ( "str %0" : "=r" (selector) );
    return selector;
}

#if KS_XEN_RELEASE < 423
static inline bool domain_shutdown_completed(const struct domain *d)
{
    return d->is_shut_down;
}
#endif

#endif /* KS_XEN_COMPAT_H */
