// SPDX-License-Identifier: GPL-2.0-only
/*
 * module.c - the module's parameters, its start and its end.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "../core/options.h"
#include "../core/version.h"
#include "ksense.h"

static char *sense = "";
module_param(sense, charp, 0444);
MODULE_PARM_DESC(sense, "levels and memory: a list of level=LEVEL, ring=SIZE, memory=SIZE, PROBE=LEVEL, PROBE=off");

static char *socket = "/run/ksense/kernel.sock";
module_param(socket, charp, 0444);
MODULE_PARM_DESC(socket, "where to listen; @NAME is an abstract socket (default /run/ksense/kernel.sock). "
			 "Who has CAP_SYS_ADMIN may control the sensor there");

static long group = -1;
module_param(group, long, 0444);
MODULE_PARM_DESC(group, "number of a group that may read: discovery, status, and records with peek (default: none)");

#define KS_PROBE(file) extern const struct ks_probe_type ks_linux_##file;
#include "../probes/linux/probes.h"
#undef KS_PROBE

static const struct ks_probe_type *const types[] = {
#define KS_PROBE(file) &ks_linux_##file,
#include "../probes/linux/probes.h"
#undef KS_PROBE
};

static struct ks_sensor sensor;

static void warn_option(const char *word, size_t bytes, const char *why)
{
	pr_warn(KBUILD_MODNAME ": sense=: %s: %.*s\n", why, (int)bytes, word);
}

static int __init ks_start(void)
{
	struct ks_sensor_config config = {
		.name = KBUILD_MODNAME,
		.types = types,
		.types_count = ARRAY_SIZE(types),
		/*
		 * For the probes' tables: so much that a machine which is full of small processes,
		 * with eleven descriptors each, has a place for each of these, too.
		 */
		.memory_bytes = clamp_t(u64, (u64)totalram_pages() * PAGE_SIZE / 256, SZ_4M, SZ_64M),
		/* So that a whole sample of what processes have open can be held. */
		.ring_bytes = KS_RING_MAX,
		.option_mistake = warn_option,
	};
	struct ks_options options;
	int error;

	BUILD_BUG_ON(ARRAY_SIZE(types) > KS_PROBES_MAX);
	if (group < -1 || group >= U32_MAX) {
		pr_err(KBUILD_MODNAME ": group=%ld: no group has that number\n", group);
		return -EINVAL;
	}
	ks_options_parse(&options, &config, sense);
	if (options.bad)
		return -EINVAL;
	if (options.off) {
		pr_err(KBUILD_MODNAME ": sense=off: there is nothing to load the module for\n");
		return -ENODEV;
	}
	error = ks_sensor_start(&sensor, &config) ? -ENOMEM : 0;
	if (!error)
		error = ks_server_start(&sensor, socket, group);
	if (error) {
		ks_sensor_stop(&sensor);
		return error;
	}
	pr_info(KBUILD_MODNAME ": %u probes, listening on %s\n", sensor.count, socket);
	return 0;
}

static void __exit ks_stop(void)
{
	ks_server_stop();
	ks_sensor_stop(&sensor);
}

module_init(ks_start);
module_exit(ks_stop);

MODULE_DESCRIPTION("ksense: sensors inside kernels");
MODULE_AUTHOR("ksense");
MODULE_LICENSE("GPL");
MODULE_VERSION(KS_VERSION);
