/* SPDX-License-Identifier: MIT */
/*
 * options.h - what an administrator says about the sensor at its start, in one list of words for
 * Xen and Linux: "sense=" on Xen's command line, the parameter "sense" of the Linux module.
 *
 *	off | no | 0        no sensor at all
 *	on | yes | 1        a sensor: the default
 *	level=LEVEL         of every probe of which no level of its own is given
 *	ring=BYTES          memory for each probe's records; K and M may follow
 *	memory=BYTES        memory for the tables of all probes together; likewise
 *	PROBE=LEVEL         of this probe
 *	PROBE=off           registered, but not started; its level is that which it would have
 *
 * The order of the words does not matter, but that of two for the same thing the last counts.
 * A port may have words of its own: config->option.
 */
#ifndef KS_OPTIONS_H
#define KS_OPTIONS_H

#include "sensor.h"

#define KS_MEMORY_MIN (1U << 18)
#define KS_MEMORY_MAX (1U << 30)

struct ks_options {
	bool off;                     /* no sensor is wanted */
	unsigned int bad;             /* how many words were not understood */
	bool levelled[KS_PROBES_MAX]; /* this probe has a level of its own */
};

/*
 * Reads @list, words with commas between them, ended by NUL, into levels, off, ring_bytes and
 * memory_bytes of @config.  Levels and off are set to their defaults first, and ring_bytes to
 * KS_RING_DEFAULT if it is 0, else it is the port's own default, as memory_bytes is; name, types,
 * types_count, option and option_mistake must be there already.  A word that is not understood
 * changes nothing.  Each mistake is told to config->option_mistake, in the order of the list: what
 * is not understood, what is out of its bounds, what is given more than once.
 */
void ks_options_parse(struct ks_options *options, struct ks_sensor_config *config, const char *list);

#endif /* KS_OPTIONS_H */
