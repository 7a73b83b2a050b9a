/* SPDX-License-Identifier: MIT */
/*
 * sources.h - the sources that there are.
 */
#ifndef CANARY_SOURCES_H
#define CANARY_SOURCES_H

#include "judge.h"

extern const struct source_type source_xen;             /* source_sensor.c: the sensor in Xen */
extern const struct source_type source_module;          /* the same, in Dom0's kernel */
/* Xen's list of domains, as libxenctrl gets it */
extern const struct source_type source_toolstack;
extern const struct source_type source_xenstore;        /* /local/domain */
/* /proc: processes with memory of their own */
extern const struct source_type source_proc;
/* where functions of the kernel's own begin */
extern const struct source_type source_kallsyms;
extern const struct source_type source_proc_modules;    /* /proc/modules */
extern const struct source_type source_sys_module;      /* /sys/module, without what is built in */
/* /proc/net of all network namespaces in use */
extern const struct source_type source_proc_net;
/* The same, as the kernel tells by netlink */
extern const struct source_type source_sock_diag;

/* Blind for what is wrong with the file, by an errno; not where that is 0. */
void cannot_read(const char *path, int wrong, struct blindness *blind);

/* Takes @item.  0, ENOMEM, also where that is NULL, or E2BIG: more than ITEMS_MAX. */
int sample_add(struct sample *sample, json_t *item);

/*
 * Others gave a name: it may be no UTF-8, and is then told as the sensors tell it, so that the two
 * can be compared.  For NULL it is null; NULL: no memory.
 */
json_t *string_as_sensors(const char *text);

#endif /* CANARY_SOURCES_H */
