/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * place.h - what the probes of Xen's own code and tables share: a name for an address, and a
 * number for a CPU's time online.
 */
#ifndef KS_PROBES_XEN_PLACE_H
#define KS_PROBES_XEN_PLACE_H

#include <xen/types.h>

/*
 * Names @address: function+0x12, _etext+0x12 behind the last function, _srodata+0x12 for
 * constants, trampoline+0x12 for the code that starts a CPU, stub-cpu3+0x12 for a CPU's entry
 * stub, stub-page-cpu3+0x12 beside it in its page, or nothing.  At most @bytes with the NUL at its
 * end; cut to fit.  Some 10,000 instructions for code.
 */
void ks_place(uint64_t address, char *out, size_t bytes);

/*
 * A number of its own for each time that a CPU came up, from 1 on: what Xen makes per CPU is made
 * anew then, and may be elsewhere.  @cpu is online, and stays so during the call.
 */
uint32_t ks_cpu_instance(unsigned int cpu);

#endif /* KS_PROBES_XEN_PLACE_H */
