/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probes.h - the probes in Xen, in the order of discovery: KS_PROBE(FILE) is ks_xen_FILE, in
 * FILE.c.  What is compiled, and whatever else has to know which probes there are, has it from
 * here (scripts/probes).
 */
KS_PROBE(domains)
KS_PROBE(text)
KS_PROBE(idt)
KS_PROBE(pagetables)
KS_PROBE(entries)
KS_PROBE(roots)
KS_PROBE(access)
