/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.c - "sense=" on the command line, and the start of the sensor.
 */

#include <xen/cpumask.h>
#include <xen/errno.h>
#include <xen/init.h>
#include <xen/iocap.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/pfn.h>
#include <xen/sense.h>
#include <asm/pv/shim.h>

#include "../core/options.h"
#include "../probes/xen/access.h"
#include "compat.h"
#include "sense.h"
#include "works.h"

/* === Data === */

#define KS_PROBE(file) extern const struct ks_probe_type ks_xen_##file;
#include "../probes/xen/probes.h"
#undef KS_PROBE

static const struct ks_probe_type *const ks_types[] = {
#define KS_PROBE(file) &ks_xen_##file,
#include "../probes/xen/probes.h"
#undef KS_PROBE
};

struct ks_sensor *__read_mostly ks_xen_sensor;

static struct ks_sensor ks_sensor;

/*
 * What stands behind each "sense=" of the command line, with commas between.  Where
 * something was cut off, KS_CUT is the end of the last word: it may be half a word
 * that means something else, and so it is one that is not understood.
 */
#define KS_CUT "..."
static char __initdata ks_list[1024];
static bool __initdata ks_list_cut;

/* === Internals === */

/* It is read when the sensor starts: now there is no console to warn on. */
static int __init cf_check ks_keep_list(const char *s)
{
    /* Of an option, its name included, Xen keeps so many bytes and drops the rest. */
    bool cut = strlen("sense=") + strlen(s) >= MAX_PARAM_SIZE - 1;

    if ( ks_list[0] )
        strlcat(ks_list, ",", sizeof(ks_list));
    strlcat(ks_list, s, sizeof(ks_list));
    if ( cut && strlcat(ks_list, KS_CUT, sizeof(ks_list)) < sizeof(ks_list) )
    {
        ks_list_cut = true;
        return 0;
    }
    if ( strlen(ks_list) < sizeof(ks_list) - 1 )
        return 0;

    strlcpy(ks_list + sizeof(ks_list) - sizeof(KS_CUT), KS_CUT, sizeof(KS_CUT));
    ks_list_cut = true;

    return -ENOSPC;
}
custom_param("sense", ks_keep_list);

static bool __init cf_check ks_own_option(const char *word, size_t bytes)
{
    return ks_handover_option(word, bytes) || ks_works_option(word, bytes);
}

static void cf_check ks_warn(const char *word, size_t bytes, const char *why)
{
    printk(XENLOG_WARNING "sense: %s: %.*s\n", why, (int)bytes, word);
}

/*
 * For the tables of the probes: what a small machine needs, what each CPU has
 * that must not change, and one byte of 16 KiB for what domains have.
 */
static uint64_t __init ks_table_memory(void)
{
    uint64_t bytes = MB(4) + nr_cpu_ids * KB(32) +
                     ((uint64_t)total_pages << PAGE_SHIFT) / KB(16);

    return min_t(uint64_t, bytes, MB(64));
}

static size_t __init ks_memory(void)
{
    size_t bytes = ks_exchange_memory();
    unsigned int i;

    bytes += ks_sensor.count * sizeof(*ks_sensor.probes);
    for ( i = 0; i < ks_sensor.count; i++ )
        bytes += ks_sensor.probes[i].memory_bytes;

    return bytes;
}

static int __init cf_check ks_start(void)
{
    static struct ks_sensor_config __initdata config = {
        .name = "xen",
        .types = ks_types,
        .types_count = ARRAY_SIZE(ks_types),
        .option = ks_own_option,
        .option_again = "cpus",
        .option_mistake = ks_warn,
        .put_status = ks_handover_put_status,
        .denied = ks_access_denied_request,
    };
    struct ks_options options;
    int rc;

    BUILD_BUG_ON(ARRAY_SIZE(ks_types) > KS_PROBES_MAX);
    config.memory_bytes = ks_table_memory();

    ks_options_parse(&options, &config, ks_list);
    if ( ks_list_cut )
        printk(XENLOG_WARNING
               "sense: too long, and cut at \"" KS_CUT "\": use several of %u bytes at most\n",
               MAX_PARAM_SIZE - 2);
    /* In a PV shim the one domain is a guest like any other, of the Xen below. */
    if ( options.off || pv_shim )
    {
        printk("sense: off, as %s\n",
               options.off ? "the command line says" : "this Xen is a PV shim");
        return 0;
    }

    /* Works wait for the end of boot (port.c), so all that starts now is memory. */
    rc = ks_exchange_init();
    if ( !rc && ks_sensor_start(&ks_sensor, &config) )
    {
        ks_sensor_stop(&ks_sensor);
        rc = -ENOMEM;
    }
    if ( rc )
    {
        printk(XENLOG_ERR "sense: off: no memory\n");
        return 0;
    }

    ks_watches_start();
    ks_xen_sensor = &ks_sensor;
    printk("sense: %u probes, %zu KiB of memory\n",
           ks_sensor.count,
           ks_memory() >> 10);

    return 0;
}
__initcall(ks_start);

/* === Interface === */

/* The trampoline, in the first MiB: what a CPU runs first, in Xen's name. */
int __init sense_dom0_permissions(struct domain *d)
{
    return iomem_deny_access(d, PFN_DOWN(trampoline_phys),
                             PFN_DOWN(trampoline_phys + TRAMPOLINE_SIZE - 1));
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
