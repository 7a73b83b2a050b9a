// SPDX-License-Identifier: MIT
/*
 * record.c - making records: what is the same in all of them, and those that the sensor makes
 * itself.
 */
#include "record.h"
#include "request.h"

/* === Making one ========================================================== */

#define CLASS_MEMBER(name) \
	{ \
		"\"" KS_MEMBER("class") "\"" name "\"", sizeof("\"" KS_MEMBER("class") "\"" name "\"") - 1 \
	}
static const struct {
	const char *text;
	size_t bytes;
} class_members[KS_CLASSES] = {
	/* Each closes the kind's string. */
	[KS_SAMPLE] = CLASS_MEMBER("sample"),
	[KS_EVENT] = CLASS_MEMBER("event"),
	[KS_ALARM] = CLASS_MEMBER("alarm"),
};

/* With the lock held. */
static struct ks_writer *begin(struct ks_probe *probe, enum ks_class class, uint32_t source, const char *kind)
{
	struct ks_writer *text = &probe->record;
	uint64_t now = ks_port_boot_time_ns();

	ks_assert_locked(&probe->lock);
	if (now > probe->last_record_ns)
		probe->last_record_ns = now;
	probe->entry = (struct ks_entry){ .class = class, .for_readers = class == KS_SAMPLE && probe->for_readers };
	probe->source = source;
	ks_writer_init(text, ks_ring_open(&probe->ring), KS_RECORD_MAX - KS_RAW_MAX);
	ks_write_lit(text, "{\"seq\":");
	ks_write_u64(text, probe->ring.next_seq);
	ks_write_member_ns(text, "time", probe->last_record_ns);
	ks_write_put(text, probe->common, probe->common_bytes);
	ks_write_put(text, kind, strlen(kind));
	ks_write_put(text, class_members[class].text, class_members[class].bytes);
	ks_write_member_count(text, "epoch", probe->epoch);
	ks_write_member_count(text, "pass", probe->ended + probe->in_pass);
	return text;
}

/* With the lock held. */
static void end(struct ks_probe *probe)
{
	struct ks_entry *entry = &probe->entry;

	ks_assert_locked(&probe->lock);
	ks_write_lit(&probe->record, "}");
	if (probe->record.full) {
		probe->last_error = "a record was too long to keep";
		ks_ring_drop(&probe->ring, entry->class);
		return;
	}
	entry->text_bytes = (uint16_t)probe->record.len;
	memmove(probe->record.buf + entry->text_bytes, probe->record.buf + KS_RECORD_MAX - KS_RAW_MAX,
		entry->raw_bytes);
	ks_ring_commit(&probe->ring, entry, probe->source);
}

struct ks_writer *ks_record_begin(struct ks_probe *probe, enum ks_class class, uint32_t source, const char *kind)
{
	ks_lock(&probe->lock);
	return begin(probe, class, source, kind);
}

void ks_record_raw(struct ks_probe *probe, const char *name, const void *bytes, size_t len)
{
	struct ks_writer *text = &probe->record;

	if (len > KS_RAW_MAX) {
		text->full = true;
		return;
	}
	ks_write_lit(text, ",\"");
	ks_write_put(text, name, strlen(name));
	ks_write_lit(text, "\":");
	/*
	 * The value is made when it is known how the record is asked for; the bytes wait behind
	 * the text until it is complete.
	 */
	probe->entry.raw_at = (uint16_t)text->len;
	probe->entry.raw_bytes = (uint16_t)len;
	memcpy(text->buf + KS_RECORD_MAX - KS_RAW_MAX, bytes, len);
}

void ks_record_outcome(struct ks_probe *probe)
{
	probe->entry.outcome = ks_pass_mark(probe->ended + probe->in_pass);
	ks_pass_incomplete(probe);
}

void ks_record_end(struct ks_probe *probe)
{
	/* What the step under way saw before a reset that was already answered: never happened. */
	if (!probe->reset_wanted)
		end(probe);
	ks_unlock(&probe->lock);
}

void ks_probe_failed(struct ks_probe *probe, const char *why)
{
	ks_lock(&probe->lock);
	probe->last_error = why;
	ks_unlock(&probe->lock);
}

/* === The sensor's own ==================================================== */

static void member_text(struct ks_writer *text, const char *value)
{
	ks_write_string(text, value, strlen(value));
}

/* Who did it, for the records and as their source. */
static uint32_t put_by(struct ks_writer *text, const struct ks_caller *caller)
{
	if (caller->is_domain) {
		ks_write_lit(text, ",\"by\":{\"domain\":");
		ks_write_u64(text, caller->id);
	} else {
		ks_write_lit(text, ",\"by\":{\"pid\":");
		ks_write_u64(text, caller->pid);
		ks_write_member_count(text, "uid", caller->id);
	}
	ks_write_lit(text, "}");
	return caller->id;
}

void ks_record_began(struct ks_probe *probe, const char *why, const struct ks_caller *caller,
		     const struct ks_count *before)
{
	struct ks_writer *text = begin(probe, caller ? KS_ALARM : KS_EVENT, KS_NO_SOURCE, "began");

	ks_write_lit(text, KS_MEMBER("why"));
	member_text(text, why);
	if (caller)
		put_by(text, caller);
	if (before) {
		ks_write_lit(text, ",\"before\":{\"epoch\":");
		ks_write_u64(text, before->epoch);
		ks_write_member_count(text, "next_seq", before->next_seq);
		ks_write_member_count(text, "unread", before->unread);
		ks_write_member_count(text, "lost", before->lost);
		ks_write_member_count(text, "baselines", before->baselines);
		ks_write_lit(text, "}");
	}
	ks_write_member_count(text, "resets", probe->resets);
	end(probe);
}

/* As much of an item as fits, however many of its bytes have to be escaped. */
#define ITEM_SHOWN 224

/* What takes something out of sight must not be pushed out by what does not. */
static bool takes_sight(enum ks_command command)
{
	return command == KS_CMD_OFF || command == KS_CMD_ON || command == KS_CMD_REMOVE;
}

static void record_command(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller,
			   const char *item, size_t item_bytes)
{
	struct ks_writer *text = begin(probe, takes_sight(command) ? KS_ALARM : KS_EVENT, caller->id, "command");

	probe->removes += command == KS_CMD_REMOVE;
	ks_write_lit(text, KS_MEMBER("command"));
	member_text(text, ks_command_names[command]);
	if (item) {
		ks_write_member_str(text, "item", item, item_bytes < ITEM_SHOWN ? item_bytes : ITEM_SHOWN);
		ks_write_member_bool(text, "cut", item_bytes > ITEM_SHOWN);
	}
	put_by(text, caller);
	ks_write_lit(text, KS_MEMBER("state"));
	member_text(text, probe->on ? "on" : "off");
	ks_write_lit(text, KS_MEMBER("level"));
	member_text(text, ks_level_names[probe->level]);
	/* It outlives the records of the single times. */
	if (command == KS_CMD_ON) {
		ks_write_member_count(text, "offs", probe->offs);
		ks_write_member_ns(text, "off_ns", probe->off_ns);
	}
	end(probe);
}

void ks_record_command_locked(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller)
{
	record_command(probe, command, caller, NULL, 0);
}

void ks_record_command(struct ks_probe *probe, enum ks_command command, const struct ks_caller *caller,
		       const char *item, size_t item_bytes)
{
	ks_lock(&probe->lock);
	record_command(probe, command, caller, item, item_bytes);
	ks_unlock(&probe->lock);
}

void ks_record_failed(struct ks_probe *probe, const char *why)
{
	struct ks_writer *text = begin(probe, KS_ALARM, KS_OUTCOME_SOURCE, "failed");

	probe->entry.outcome = ks_pass_mark(probe->ended + probe->in_pass);
	probe->failed_why = why;
	ks_write_lit(text, KS_MEMBER("why"));
	member_text(text, why);
	ks_write_member_count(text, "in_row", probe->failed_in_row);
	end(probe);
}

void ks_record_recovered(struct ks_probe *probe)
{
	struct ks_writer *text = begin(probe, KS_EVENT, KS_NO_SOURCE, "recovered");

	ks_write_member_count(text, "failed", probe->failed_in_row);
	probe->failed_why = NULL;
	end(probe);
}

void ks_record_restarted(struct ks_probe *probe, const char *kind, const char *why, const char *old_uuid,
			 uint64_t pause_ns)
{
	struct ks_writer *text = begin(probe, KS_ALARM, KS_NO_SOURCE, kind);

	ks_write_lit(text, KS_MEMBER("why"));
	member_text(text, why);
	ks_write_lit(text, KS_MEMBER("was"));
	member_text(text, old_uuid);
	ks_write_lit(text, KS_MEMBER("uuid"));
	member_text(text, probe->uuid);
	ks_write_member_count(text, "in_row", probe->restarts_in_row);
	ks_write_member_ns(text, "pause_ns", pause_ns);
	end(probe);
}

/* The sums outlive what tells of single times. */
void ks_record_late(struct ks_probe *probe)
{
	struct ks_writer *text = begin(probe, KS_ALARM, KS_NO_SOURCE, "late");

	ks_write_member_ns(text, "late_ns", probe->late_untold_ns);
	ks_write_member_count(text, "lates", probe->lates);
	ks_write_member_ns(text, "in_all_ns", probe->late_ns);
	end(probe);
}
