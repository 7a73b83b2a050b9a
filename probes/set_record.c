// SPDX-License-Identifier: MIT
/*
 * set_record.c - inside the set engine: the records that it makes, of which class each is, and how
 * many changes of whose.
 */
#include "set_record.h"

/* === Records ============================================================ */

static void put_field(struct ks_writer *text, const struct ks_field *field, const void *item)
{
	const uint8_t *at = (const uint8_t *)item + field->offset;
	char uuid[KS_UUID_TEXT];
	const void *end;
	uint64_t number = 0;

	ks_write_put(text, field->member, field->member_bytes);
	switch (field->type) {
	case KS_STRING:
		end = memchr(at, '\0', field->size);
		ks_write_string(text, (const char *)at, end ? (size_t)((const uint8_t *)end - at) : field->size);
		return;
	case KS_UUID:
		ks_uuid_text(uuid, at);
		ks_write_string(text, uuid, KS_UUID_TEXT - 1);
		return;
	case KS_BOOL:
		ks_write_bool(text, *at);
		return;
	default:
		break;
	}
	switch (field->size) {
	case 1:
		number = *at;
		break;
	case 2:
		number = *(const uint16_t *)(const void *)at;
		break;
	case 4:
		number = *(const uint32_t *)(const void *)at;
		break;
	case 8:
		number = *(const uint64_t *)(const void *)at;
		break;
	}
	if (field->type == KS_HEX)
		ks_write_hex(text, number);
	else if (field->type == KS_SIGNED_HEX)
		ks_write_signed_hex(text, (int64_t)number);
	else if (field->type == KS_S32)
		ks_write_s64(text, (int32_t)number);
	else
		ks_write_u64(text, number);
}

static bool same_field(const struct ks_field *field, const void *a, const void *b)
{
	const char *left = (const char *)a + field->offset, *right = (const char *)b + field->offset;

	/* Sizes that are known cost a load and a compare. */
	switch (field->size) {
	case 1:
		return *left == *right;
	case 4:
		return !memcmp(left, right, 4);
	case 8:
		return !memcmp(left, right, 8);
	case 16:
		return !memcmp(left, right, 16);
	default:
		return !memcmp(left, right, field->size);
	}
}

bool ks_set_same(const struct ks_set_kind *kind, const void *a, const void *b)
{
	for (unsigned int i = 0; i < kind->fields_count; i++)
		if (kind->fields[i].role != KS_SHOWN && !same_field(&kind->fields[i], a, b))
			return false;
	return true;
}

#define EVENT(name) { KS_MEMBER("event") "\"" name "\"", sizeof(KS_MEMBER("event") "\"" name "\"") - 1 }
static const struct {
	const char *text;
	size_t bytes;
} event_members[] = {
	[KS_PRESENT] = EVENT("present"),
	[KS_APPEARED] = EVENT("appeared"),
	[KS_VANISHED] = EVENT("vanished"),
	[KS_CHANGED] = EVENT("changed"),
};

static bool is_true(const struct ks_field *field, const void *item)
{
	return field->type == KS_BOOL && *((const uint8_t *)item + field->offset);
}

/* Of one of the fields of that role: it changed; or without @old: it is true. */
static bool has_field(const struct ks_set_kind *kind, enum ks_field_role role, const void *item, const void *old)
{
	for (unsigned int i = 0; i < kind->fields_count; i++) {
		const struct ks_field *field = &kind->fields[i];

		if (field->role == role && (old ? !same_field(field, item, old) : is_true(field, item)))
			return true;
	}
	return false;
}

static bool has_guard(const struct ks_set_kind *kind)
{
	for (unsigned int i = 0; i < kind->fields_count; i++)
		if (kind->fields[i].role == KS_GUARDED)
			return true;
	return false;
}

static bool is_as_at_first(const struct ks_table *table, const struct ks_set_kind *kind,
			   const struct ks_happening *what)
{
	return !what->whole || !what->whole->changed_ns ||
	       ks_set_same(kind, what->item, ks_table_first(table, what->whole));
}

static enum ks_class class_of(const struct ks_table *table, const struct ks_set_kind *kind,
			      const struct ks_happening *what)
{
	bool has_item = !what->is_print || what->event != KS_VANISHED, guarded;

	if (what->event == KS_PRESENT && !what->is_new)
		return KS_SAMPLE;
	if (kind->flags & KS_IS_ALARM || (has_item && has_field(kind, KS_RAISING, what->item, NULL)))
		return KS_ALARM;
	if (what->event == KS_CHANGED) {
		/* Of a fingerprint it is not known which field it was. */
		guarded = what->old ? has_field(kind, KS_GUARDED, what->item, what->old) : has_guard(kind);
		return guarded || (kind->flags & KS_HOLDS_STILL && !what->is_settling) ? KS_ALARM : KS_EVENT;
	}
	if (what->in_first_sample)
		return KS_SAMPLE;
	if (kind->flags & KS_NONE_COMES && !what->is_settling)
		return KS_ALARM;
	if (what->event != KS_VANISHED &&
	    (has_field(kind, KS_GUARDED, what->item, NULL) || !is_as_at_first(table, kind, what)))
		return KS_ALARM;
	return KS_EVENT;
}

/* The watched fields of @former that @item has not, as members of an object. */
static void put_former(struct ks_writer *text, const struct ks_set_kind *kind, const void *item, const void *former)
{
	size_t start = text->len;

	for (unsigned int i = 0; i < kind->fields_count; i++)
		if (kind->fields[i].role != KS_SHOWN && !same_field(&kind->fields[i], item, former))
			put_field(text, &kind->fields[i], former);
	/* Each member begins with a comma; the first has none before it. */
	if (text->len > start && !text->full) {
		memmove(text->buf + start, text->buf + start + 1, text->len - start - 1);
		text->len--;
	}
	ks_write_lit(text, "}");
}

/* That it was another stays, also when it is as at first again. */
static void put_changes(struct ks_writer *text, const struct ks_table *table, struct ks_whole *whole)
{
	ks_write_member_ns(text, "changed_ns", whole->changed_ns);
	ks_write_member_count(text, "changes", *ks_table_changes(table, whole));
}

static void put_first(struct ks_writer *text, const struct ks_table *table, const struct ks_set_kind *kind,
		      const struct ks_happening *what)
{
	size_t start = text->len;
	bool differs;

	if (!what->whole || !what->whole->changed_ns || text->full)
		return;
	differs = !is_as_at_first(table, kind, what);
	if (differs) {
		ks_write_lit(text, ",\"first\":{");
		put_former(text, kind, what->item, ks_table_first(table, what->whole));
	}
	put_changes(text, table, what->whole);
	if (!text->full)
		return;
	text->len = start;
	text->full = false;
	if (differs)
		ks_write_lit(text, ",\"first\":null");
	put_changes(text, table, what->whole);
}

static void put_item(struct ks_writer *text, const struct ks_set_kind *kind, const struct ks_happening *what)
{
	for (unsigned int i = 0; i < kind->fields_count; i++) {
		const struct ks_field *field = &kind->fields[i];

		if (!what->is_print || what->event != KS_VANISHED || field->offset + field->size <= kind->key_bytes)
			put_field(text, field, what->item);
	}
	if (what->is_print)
		ks_write_lit(text, ",\"fingerprint\":true");
}

/* === Limits ============================================================= */

static void record_limited(struct ks_probe *probe, const struct ks_table *table, struct ks_limit *limit)
{
	const struct ks_set_kind *kind = &table->kinds[limit->kind];
	struct ks_writer *text = ks_record_begin(probe, KS_EVENT, limit->source, "limited");
	char uuid[KS_UUID_TEXT];

	ks_write_member_str(text, "of", kind->name, strlen(kind->name));
	if (kind->source_bytes == sizeof(limit->uuid)) {
		/* It need not be one of the fields. */
		ks_uuid_text(uuid, limit->uuid);
		ks_write_member_str(text, "uuid", uuid, KS_UUID_TEXT - 1);
	}
	for (unsigned int i = 0; i < kind->fields_count && kind->source_bytes != sizeof(limit->uuid); i++) {
		if (kind->fields[i].offset != kind->source_at)
			continue;
		ks_write_put(text, kind->fields[i].member, kind->fields[i].member_bytes);
		ks_write_u64(text, limit->source);
	}
	ks_write_member_count(text, "count", limit->left_out);
	ks_write_member_ns(text, "since_ns", limit->since_ns);
	ks_record_end(probe);
	limit->told = limit->left_out;
}

static bool is_limit_of(const struct ks_limit *limit, uint8_t kind, uint64_t of)
{
	return limit->made && limit->kind == kind && limit->of == of;
}

/* By what the changes of @item are counted together. */
static uint64_t who_changes(const struct ks_set_kind *kind, uint32_t source, const void *item)
{
	uint64_t self;

	if (!kind->has_self)
		return source;
	memcpy(&self, (const char *)item + kind->self_at, sizeof(self));
	return self;
}

/* Whether @a rather than @b gives way to who has no row: the free one, or what counted less. */
static bool is_less(const struct ks_limit *a, const struct ks_limit *b)
{
	uint64_t changes = (uint64_t)a->made + a->left_out, others = (uint64_t)b->made + b->left_out;

	return changes != others ? changes < others : a->since_ns < b->since_ns;
}

/*
 * The row for what @source changes in this kind; where there is none, in the place of the least:
 * so whoever changes much has his for as long as he does, however many come.
 */
static struct ks_limit *limit_of(struct ks_probe *probe, const struct ks_table *table, struct ks_limit limits[],
				 uint8_t kind, uint32_t source, const void *item)
{
	const struct ks_set_kind *is = &table->kinds[kind];
	uint64_t now = ks_port_time_ns(), of = who_changes(is, source, item);
	struct ks_limit *found = &limits[0];

	for (struct ks_limit *i = limits; i < limits + KS_LIMITS && !is_limit_of(found, kind, of); i++)
		if (is_limit_of(i, kind, of) || is_less(i, found))
			found = i;
	if (is_limit_of(found, kind, of) && now - found->since_ns < KS_CHANGES_NS)
		return found;
	if (found->left_out != found->told)
		record_limited(probe, table, found);
	*found = (struct ks_limit){ .since_ns = now, .kind = kind, .of = of, .source = source };
	if (is->source_bytes == sizeof(found->uuid))
		memcpy(found->uuid, (const char *)item + is->source_at, sizeof(found->uuid));
	return found;
}

/* Whether a change that is no alarm is recorded, or only counted. */
static bool is_within_limit(struct ks_probe *probe, const struct ks_table *table, struct ks_limit limits[],
			    uint8_t kind, uint32_t source, const void *item)
{
	const struct ks_set_type *type = probe->type->engine;
	struct ks_limit *limit = limit_of(probe, table, limits, kind, source, item);

	if (limit->made < (type->changes_max ? type->changes_max : KS_CHANGES_MAX)) {
		limit->made++;
		return true;
	}
	limit->left_out++;
	return false;
}

bool ks_set_tell_limit(struct ks_probe *probe, const struct ks_table *table, struct ks_limit *limit)
{
	bool over = limit->made && ks_port_time_ns() - limit->since_ns >= KS_CHANGES_NS;
	bool is_news = limit->left_out != limit->told && (over || !limit->told);

	if (is_news)
		record_limited(probe, table, limit);
	if (over)
		*limit = (struct ks_limit){ 0 };
	return is_news;
}

/* === Interface ========================================================== */

void ks_set_record(struct ks_probe *probe, const struct ks_table *table, struct ks_limit limits[KS_LIMITS],
		   struct ks_happening what)
{
	const struct ks_set_kind *kind = &table->kinds[what.kind];
	bool has_source =
		!what.is_print || what.event != KS_VANISHED || kind->source_at + kind->source_bytes <= kind->key_bytes;
	uint32_t source = has_source ? ks_set_source(table, kind, what.item) : KS_NO_SOURCE;
	enum ks_class class = class_of(table, kind, &what);
	struct ks_writer *text;

	if (what.event == KS_CHANGED && class == KS_EVENT && source != KS_NO_SOURCE &&
	    !is_within_limit(probe, table, limits, what.kind, source, what.item)) {
		if (!probe->announce)
			return;
		what.event = KS_PRESENT;
		what.old = NULL;
		class = KS_SAMPLE;
	}
	text = ks_record_begin(probe, class, source == KS_NO_SOURCE ? KS_KIND_SOURCE(what.kind) : source, kind->name);
	ks_write_put(text, event_members[what.event].text, event_members[what.event].bytes);
	put_item(text, kind, &what);
	if (what.old) {
		ks_write_lit(text, ",\"old\":{");
		put_former(text, kind, what.item, what.old);
	}
	put_first(text, table, kind, &what);
	ks_record_end(probe);
}

void ks_set_record_incomplete(struct ks_probe *probe, uint64_t looked, uint64_t of, bool so_far)
{
	struct ks_writer *text = ks_record_begin(probe, KS_ALARM, KS_OUTCOME_SOURCE, "incomplete");

	if (looked != of)
		ks_record_outcome(probe);
	ks_write_member_count(text, "looked", looked);
	ks_write_member_count(text, "of", of);
	if (so_far)
		ks_write_lit(text, ",\"so_far\":true");
	ks_record_end(probe);
}
