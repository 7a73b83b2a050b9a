/* SPDX-License-Identifier: MIT */
/*
 * probes.h - the probes of the host port, in the order of discovery: KS_PROBE(FILE) is
 * ks_host_FILE, in FILE.c.
 */
KS_PROBE(folder)
KS_PROBE(memory)
