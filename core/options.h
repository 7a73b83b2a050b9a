/* SPDX-License-Identifier: MIT */
/*
 * options.h - what an administrator says about the sensor at its start, in one list of words for every platform: "sense=" on Xen's
 * command line, the parameter "sense" of the Linux module, --sense of the host port.
 *
 *	off | no | 0        no sensor at all
 *	on | yes | 1        a sensor: the default
 *	level=LEVEL         of every probe that is not named
 *	ring=BYTES          memory for each probe's records; K and M may follow
 *	memory=BYTES        memory for the tables of all probes together; likewise
 *	PROBE=LEVEL         of this probe, wherever "level=" stands in the list
 *	PROBE=off           registered, but not started
 *
 * A port may have words of its own: config->option.
 */
#ifndef KS_OPTIONS_H
#define KS_OPTIONS_H

#include "sensor.h"

#define KS_MEMORY_MIN (1U << 18)
#define KS_MEMORY_MAX (1U << 30)
#define KS_OPTION_BAD 48

struct ks_options {
	bool off;                  /* no sensor is wanted */
	char bad[KS_OPTION_BAD];   /* the first word that was not understood, cut to what fits; "" if there is none */
	bool ring_bounded;         /* ring= was out of bounds, and is the nearest bound now */
	bool memory_bounded;       /* likewise memory= */
	bool named[KS_PROBES_MAX]; /* there was a word for this probe */
};

/*
 * Reads @list, words with commas between them, ended by NUL, into levels, off, ring_bytes and memory_bytes of @config.  Levels and off are set to their
 * defaults first, and ring_bytes to KS_RING_DEFAULT if it is 0, else it is the port's own default, as memory_bytes is; name, types, types_count and option must
 * be there already.  A word that is not understood changes nothing.
 */
void ks_options_parse(struct ks_options *options, struct ks_sensor_config *config, const char *list);

#endif /* KS_OPTIONS_H */
