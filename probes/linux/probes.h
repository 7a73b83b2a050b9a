/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probes.h - the probes in Linux, in the order of discovery: KS_PROBE(FILE) is ks_linux_FILE, in
 * FILE.c.  What is compiled, and whatever else has to know which probes there are, has it from
 * here (scripts/probes).
 */
KS_PROBE(processes)
KS_PROBE(open_files)
KS_PROBE(files)
KS_PROBE(modules)
KS_PROBE(kernel_text)
KS_PROBE(entries)
KS_PROBE(domains)
