/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * works.h - what Xen's probes may know of works: on which CPU they run, and the
 * list of all.
 */
#ifndef KS_WORKS_H
#define KS_WORKS_H

#include <xen/cpumask.h>
#include <xen/types.h>

struct ks_work;

/*
 * From within a run of @work: the next run is to be on @cpu.  A wish: if that
 * CPU goes away before, or works may not be there, the run is on another.  Whoever
 * minds looks at smp_processor_id(), which does not change during a run.
 */
void ks_work_next_cpu(struct ks_work *work, unsigned int cpu);

/*
 * Whether works may be on @cpu where they have to: everywhere, unless the command
 * line names CPUs ("sense=cpus=") and some of those are online; then on these only.
 * Where it makes no difference they keep to those, or else to the CPUs of the pool
 * that Dom0 is in.
 */
bool ks_work_may_be_on(unsigned int cpu);

/*
 * Whether somebody has kept @cpu for himself, inside Xen, for a second: no work runs there until
 * he lets go.
 */
bool ks_cpu_is_held(unsigned int cpu);

/* The next CPU of @among behind @cpu, round and round; not less than nr_cpu_ids: there is none. */
unsigned int ks_cpu_behind(unsigned int cpu, const cpumask_t *among);

/* Takes the word "cpus=", of the command line. */
bool ks_works_option(const char *word, size_t bytes);

/* From now on no work waits long on a CPU that somebody keeps for himself; once, at boot. */
void ks_watches_start(void);

#define KS_WORK_NAME 24

struct ks_work_info {
    char name[KS_WORK_NAME];  /* padded with NUL; may have no NUL at its end */
    uint64_t runs;
    unsigned int cpu;         /* of the last run */
};

/* Describes the @index'th work, in the order of their start.  False: there is none. */
bool ks_work_info(unsigned int index, struct ks_work_info *info);

#endif /* KS_WORKS_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
