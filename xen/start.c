/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.c - which probes there are in Xen, "sense=" on the command line, and
 * the start of the sensor.
 */

#include <xen/errno.h>
#include <xen/init.h>
#include <xen/lib.h>
#include <xen/param.h>

#include "sense.h"

/* === Data === */

extern const struct ks_probe_type ks_xen_domains, ks_xen_text;

/* The probes, in the order of discovery. */
static const struct ks_probe_type *const ks_types[] = {
    &ks_xen_domains,
    &ks_xen_text,
};

#define KS_RING_DEFAULT KB(64)
#define KS_RING_MAX MB(1)

struct ks_sensor *__read_mostly ks_xen_sensor;

static struct ks_sensor ks_sensor;

static bool __initdata ks_off;
static enum ks_level __initdata ks_level = KS_DEFAULT;
static uint64_t __initdata ks_ring_bytes = KS_RING_DEFAULT;

/* The first item that was not understood.  It waits here: when the command line is read, there is no console yet. */
static char __initdata ks_unknown[48];

/* Of each probe; KS_LEVELS: as ks_level. */
static enum ks_level __initdata ks_levels[ARRAY_SIZE(ks_types)] = {
    [0 ... ARRAY_SIZE(ks_types) - 1] = KS_LEVELS
};
static bool __initdata ks_probe_off[ARRAY_SIZE(ks_types)];

/* === Internals === */

/* The level of this name; KS_LEVELS: there is none. */
static enum ks_level __init ks_parse_level(const char *s)
{
    unsigned int i;

    for ( i = 0; i < KS_LEVELS; i++ )
        if ( !cmdline_strcmp(s, ks_level_names[i]) )
            break;

    return i;
}

/* One item of the list, up to its end in @end.  False: not understood. */
static bool __init ks_parse_item(const char *s, const char *end)
{
    enum ks_level level;
    unsigned int i;

    switch ( parse_bool(s, end) )
    {
    case 0:
        ks_off = true;
        return true;

    case 1:
        return true;
    }

    if ( !strncmp(s, "level=", 6) )
    {
        level = ks_parse_level(s + 6);
        if ( level == KS_LEVELS )
            return false;
        ks_level = level;
        return true;
    }

    if ( !strncmp(s, "ring=", 5) )
    {
        const char *rest;
        unsigned long long bytes = parse_size_and_unit(s + 5, &rest);

        if ( rest != end || rest == s + 5 )
            return false;
        ks_ring_bytes = bytes;
        return true;
    }

    for ( i = 0; i < ARRAY_SIZE(ks_types); i++ )
    {
        size_t len = strlen(ks_types[i]->name);

        if ( strncmp(s, ks_types[i]->name, len) || s[len] != '=' )
            continue;

        if ( !cmdline_strcmp(s + len + 1, "off") )
        {
            ks_probe_off[i] = true;
            return true;
        }
        level = ks_parse_level(s + len + 1);
        if ( level == KS_LEVELS )
            return false;
        ks_levels[i] = level;
        ks_probe_off[i] = false;
        return true;
    }

    return false;
}

static int __init cf_check ks_parse_sense(const char *s)
{
    int rc = 0;

    for ( ; ; )
    {
        const char *end = strchr(s, ',') ?: s + strlen(s);

        if ( !ks_parse_item(s, end) )
        {
            if ( !ks_unknown[0] )
                snprintf(ks_unknown, sizeof(ks_unknown), "%.*s",
                         (int)(end - s), s);
            rc = -EINVAL;
        }
        if ( !*end )
            return rc;
        s = end + 1;
    }
}
custom_param("sense", ks_parse_sense);

/* What is wrong with the command line, now that somebody reads it. */
static void __init ks_warn(void)
{
    uint64_t asked = ks_ring_bytes;

    if ( ks_unknown[0] )
        printk(XENLOG_WARNING "sense: not understood on the command line: %s\n",
               ks_unknown);

    ks_ring_bytes = min(max(asked, (uint64_t)KS_RING_MIN),
                        (uint64_t)KS_RING_MAX);
    if ( ks_ring_bytes != asked )
        printk(XENLOG_WARNING "sense: ring is out of bounds, taking %"PRIu64"K\n",
               ks_ring_bytes >> 10);
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
    };
    unsigned int i;
    int rc;

    BUILD_BUG_ON(ARRAY_SIZE(ks_types) > KS_PROBES_MAX);

    if ( ks_off )
    {
        printk("sense: off, as the command line says\n");
        return 0;
    }

    ks_warn();
    config.ring_bytes = ks_ring_bytes;
    for ( i = 0; i < ARRAY_SIZE(ks_types); i++ )
    {
        config.levels[i] = ks_levels[i] == KS_LEVELS ? ks_level : ks_levels[i];
        config.off[i] = ks_probe_off[i];
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
