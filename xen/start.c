/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.c - which probes there are in Xen, "sense=" on the command line, and
 * the start of the sensor.
 */

#include <xen/errno.h>
#include <xen/init.h>
#include <xen/lib.h>
#include <xen/param.h>

#include "../core/options.h"
#include "../probes/xen/access.h"
#include "sense.h"
#include "works.h"

/* === Data === */

extern const struct ks_probe_type ks_xen_domains, ks_xen_text, ks_xen_idt,
                                  ks_xen_pagetables, ks_xen_dom0_entries,
                                  ks_xen_dom0_roots, ks_xen_access;

/* The probes, in the order of discovery. */
static const struct ks_probe_type *const ks_types[] = {
    &ks_xen_domains,
    &ks_xen_text,
    &ks_xen_idt,
    &ks_xen_pagetables,
    &ks_xen_dom0_entries,
    &ks_xen_dom0_roots,
    &ks_xen_access,
};

struct ks_sensor *__read_mostly ks_xen_sensor;

static struct ks_sensor ks_sensor;

/* What stands behind each "sense=" of the command line, with commas between. */
static char __initdata ks_list[256];

/* === Internals === */

static int __init cf_check ks_keep_list(const char *s)
{
    if ( ks_list[0] )
        strlcat(ks_list, ",", sizeof(ks_list));

    /* It is read when the sensor starts: now there is no console to warn on. */
    return strlcat(ks_list, s, sizeof(ks_list)) < sizeof(ks_list) ? 0 : -ENOSPC;
}
custom_param("sense", ks_keep_list);

static bool __init cf_check ks_own_option(const char *word, size_t bytes)
{
    return ks_lock_option(word, bytes) || ks_works_option(word, bytes);
}

static void __init ks_warn(const struct ks_options *options,
                           const struct ks_sensor_config *config)
{
    if ( options->bad[0] )
        printk(XENLOG_WARNING "sense: not understood on the command line: %s\n",
               options->bad);
    if ( options->ring_bounded )
        printk(XENLOG_WARNING "sense: ring is out of bounds, taking %uK\n",
               config->ring_bytes >> 10);
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
    struct ks_sensor_config config = {
        .name = "xen",
        .types = ks_types,
        .types_count = ARRAY_SIZE(ks_types),
        .option = ks_own_option,
        .put_status = ks_lock_put_status,
        .denied = ks_access_denied_request,
    };
    struct ks_options options;
    int rc;

    BUILD_BUG_ON(ARRAY_SIZE(ks_types) > KS_PROBES_MAX);

    ks_options_parse(&options, &config, ks_list);
    ks_warn(&options, &config);
    if ( options.off )
    {
        printk("sense: off, as the command line says\n");
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

    ks_xen_sensor = &ks_sensor;
    printk("sense: %u probes, %zu KiB of memory\n",
           ks_sensor.count,
           ks_memory() >> 10);

    return 0;
}
__initcall(ks_start);

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
