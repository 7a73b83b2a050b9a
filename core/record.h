/* SPDX-License-Identifier: MIT */
/*
 * record.h - inside the core: the records that the sensor makes itself.
 *
 * Each takes the probe's lock as held by the caller, but for ks_record_command() (sensor.h).  A
 * reset that is under way drops what a step records, and none of these.
 *
 *   began      {why, by, before: {epoch, next_seq, unread, lost, baselines}, resets}; record 0 of each count
 *   command    {command, item, cut, by, state, level}: what a client changed
 *   failed     {why, in_row}: a pass could not be completed; for one that nobody asked for, when that changes
 *   recovered  {failed}: the first complete pass after so many that failed
 *   restarted  {why, was, uuid, in_row, pause_ns}: by the supervisor
 *   stopped    the same: it does not heal, and stays off
 *   late       {late_ns, lates, in_all_ns}: its steps ran so much later than they should, since it was told last
 */
#ifndef KS_RECORD_H
#define KS_RECORD_H

#include "sensor.h"

/* What a count of records came to, as the next one begins. */
struct ks_count {
	uint32_t epoch;
	uint64_t next_seq;
	uint64_t unread;     /* still held */
	uint64_t lost;
	uint64_t baselines;  /* items or ranges that will be looked at as if for the first time */
};

/* @why: "start" or "reset"; @caller and @before are NULL at the start. */
void ks_record_began(struct ks_probe *probe, const char *why, const struct ks_caller *caller, const struct ks_count *before);
void ks_record_command_locked(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller);
void ks_record_failed(struct ks_probe *probe, const char *why);
void ks_record_recovered(struct ks_probe *probe);
void ks_record_restarted(struct ks_probe *probe, const char *kind, const char *why, const char *old_uuid, uint64_t pause_ns);
void ks_record_late(struct ks_probe *probe);

#endif /* KS_RECORD_H */
