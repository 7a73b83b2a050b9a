/* SPDX-License-Identifier: MIT */
/*
 * record.h - inside the core: the records that the sensor makes itself.
 *
 * Each takes the probe's lock as held by the caller, but for ks_record_command() (sensor.h).  A
 * reset that is under way drops what a step records, and none of these.
 *
 *   began       record 0 of each count
 *   command     what a client changed
 *   failed      a pass could not be completed; of one that nobody asked for, when that changes
 *   recovered   the first complete pass after so many that failed
 *   restarted   by the supervisor
 *   stopped     by the supervisor: it does not heal, and stays off
 *   late        its steps ran later than they should
 *   lost        at the head of a reply: records were pushed out before they were delivered
 *
 * They have these members; what has a dot is within another, which need not be there.  docs/schema
 * has both lists from here (scripts/schemas).
 *
 *   why               string             began, failed, restarted, stopped   "start" or "reset";
 *                     what went wrong
 *   by.domain         number, optional   began, command                      on Xen: who did it
 *   by.pid            number, optional   began, command                      on Linux: who did it
 *   by.uid            number, optional   began, command                      on Linux: as whom
 *   before.epoch      number             began                               of the count before
 *   before.next_seq   number             began                               where that ended
 *   before.unread     number             began                               so many of its
 *                     records were still held
 *   before.lost       number             began                               so many it lost
 *   before.baselines  number             began                               items or ranges that
 *                     were known
 *   resets            number             began                               how often it was
 *                     reset
 *   command           string             command                             its name
 *   item              string, optional   command                             what was added or
 *                     removed: 224 bytes
 *   cut               bool, optional     command                             the item is longer
 *   state             string             command                             on or off, then
 *   level             string             command                             the level, then
 *   offs              number, optional   command                             how often it was
 *                     turned off
 *   off_ns            number, optional   command                             for how long in all
 *   in_row            number             failed, restarted, stopped          so many in a row
 *   failed            number             recovered                           so many in a row had
 *                     failed
 *   was               uuid               restarted, stopped                  its uuid until then
 *   uuid              uuid               restarted, stopped                  its uuid now
 *   pause_ns          number             restarted, stopped                  how long it then
 *                     rests
 *   late_ns           number             late                                since it was told
 *                     last
 *   lates             number             late                                how many steps in all
 *   in_all_ns         number             late                                how late they were in
 *                     all
 *   first             number             lost                                the first that is
 *                     missing
 *   last              number             lost                                the last
 *   count             number             lost                                how many are missing
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
void ks_record_began(struct ks_probe *probe, const char *why, const struct ks_caller *caller,
		     const struct ks_count *before);
void ks_record_command_locked(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller);
void ks_record_failed(struct ks_probe *probe, const char *why);
void ks_record_recovered(struct ks_probe *probe);
void ks_record_restarted(struct ks_probe *probe, const char *kind, const char *why, const char *old_uuid,
			 uint64_t pause_ns);
void ks_record_late(struct ks_probe *probe);

#endif /* KS_RECORD_H */
