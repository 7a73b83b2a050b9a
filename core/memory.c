// SPDX-License-Identifier: MIT
/*
 * memory.c - who of the probes gets how much of the memory for tables.
 */
#include "sensor.h"

/*
 * Hands out @left: to each until it has what it wants, in equal shares, and what one does not want
 * to the others.  @got has what each has already.  Returns what is left.
 */
static uint64_t hand_out(uint64_t left, unsigned int count, uint64_t got[], const uint64_t wanted[])
{
	unsigned int wanting;
	uint64_t share;

	do {
		wanting = 0;
		for (unsigned int i = 0; i < count; i++)
			wanting += got[i] < wanted[i];
		share = wanting ? left / wanting : 0;
		for (unsigned int i = 0; i < count; i++) {
			uint64_t more = got[i] < wanted[i] ? wanted[i] - got[i] : 0;

			if (more > share)
				more = share;
			got[i] += more;
			left -= more;
		}
	} while (share);
	return left;
}

uint64_t ks_memory_share(const struct ks_probe *probe)
{
	const struct ks_sensor_config *config = &probe->sensor->config;
	uint64_t got[KS_PROBES_MAX] = { 0 }, least[KS_PROBES_MAX], most[KS_PROBES_MAX], left = config->memory_bytes;

	if (!left)
		return UINT64_MAX;
	for (unsigned int i = 0; i < config->types_count; i++) {
		const struct ks_probe_type *type = config->types[i];
		struct ks_size size = { 0 };

		if (type->size)
			type->size(type, &size);
		least[i] = size.least_bytes;
		most[i] = size.most_bytes;
	}
	left = hand_out(left, config->types_count, got, least);
	hand_out(left, config->types_count, got, most);
	return got[probe - probe->sensor->probes];
}
