// SPDX-License-Identifier: MIT
/*
 * findings.c - a difference that persisted, reported so that a person understands it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nettle/sha2.h>

#include "judge.h"

static void time_text(time_t seconds, long ns, char text[32])
{
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, 32 - len, ".%03dZ", (int)(ns / 1000000));
}

void canary_time(char text[32])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time_text(now.tv_sec, now.tv_nsec, text);
}

/*
 * The members of a record that say what it is, without those that say where it stood among
 * records, and without its former values, which the finding has as "old".
 */
static json_t *item_copy(json_t *item)
{
	static const char *const common[] = {
		"seq", "time", "probe", "kind", "class", "epoch", "pass", "event", "old", "first",
	};
	json_t *copy;

	if (!json_is_object(item))
		return json_null();
	copy = copy_of(item);
	for (size_t i = 0; copy && i < sizeof(common) / sizeof(common[0]); i++)
		json_object_del(copy, common[i]);
	return copy;
}

/* === Texts ============================================================== */

/* A member of whichever side has it; NULL: none has. */
static json_t *member_of(const json_t *xen, const json_t *dom0, const char *name)
{
	json_t *value = json_object_get(xen, name);

	if (!value || json_is_null(value))
		value = json_object_get(dom0, name);
	return json_is_null(value) ? NULL : value;
}

/* What stands for "{member}" or "{member|other words}"; @inside is what the braces hold. */
static int put_member(FILE *out, const char *inside, size_t bytes, const json_t *xen, const json_t *dom0)
{
	const char *bar = memchr(inside, '|', bytes);
	size_t name_bytes = bar ? (size_t)(bar - inside) : bytes;
	char *name = strndup(inside, name_bytes), *text;
	json_t *value = name ? member_of(xen, dom0, name) : NULL;
	bool there = name;

	free(name);
	if (!value && bar)
		return fwrite(bar + 1, 1, bytes - name_bytes - 1, out) == bytes - name_bytes - 1 ? 0 : -1;
	text = there ? value_text(value) : NULL;
	if (text)
		fputs(text, out);
	free(text);
	return text ? 0 : -1;
}

json_t *fill_in(const char *template, const json_t *xen, const json_t *dom0)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *string = NULL;
	int failed = 0;

	while (out && *template && !failed) {
		size_t plain = strcspn(template, "{"), name = template[plain] ? strcspn(template + plain, "}") : 0;

		fwrite(template, 1, plain, out);
		template += plain;
		if (name && template[name]) {
			failed = put_member(out, template + 1, name - 1, xen, dom0);
			template += name + 1;
		} else if (*template) {
			fputc(*template++, out);
		}
	}
	if (out && !fclose(out) && !failed)
		string = json_string(text);
	free(text);
	return string;
}

/* === Making one ========================================================= */

void id_of(const char *identity, char id[ID_TEXT])
{
	uint8_t digest[(ID_TEXT - 1) / 2];
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, strlen(identity), (const uint8_t *)identity);
	sha256_digest(&hash, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(id + 2 * i, 3, "%02x", digest[i]);
}

/* Of the members by which an item is known: where it is. */
static json_t *where_of(const json_t *item, const struct spec *spec)
{
	json_t *where = json_object();

	for (size_t i = 0; spec->id[i]; i++)
		json_object_set(where, spec->id[i], json_object_get(item, spec->id[i]));
	return where;
}

/* What the sensor says, or its records told, of how the item was first.  NULL: no memory. */
static json_t *first_of(const struct check *check, const struct spec *spec, json_t *xen)
{
	json_t *first = json_object(), *own = json_object_get(xen, "first"), *told;
	char *key = first_key(spec, xen);
	int failed = !key || !first;

	told = key ? json_object_get(check->first, key) : NULL;
	if (!failed && json_is_object(own))
		failed = json_object_update(first, own);
	if (!failed && json_is_object(told))
		failed = json_object_update_missing(first, told);
	free(key);
	if (!failed)
		return first;
	json_decref(first);
	return NULL;
}

/* What Xen saw change, as far as it still tells: @old and @new are NULL where it does not. */
static int changes_of(const struct check *check, const struct spec *spec, json_t *xen, json_t **old, json_t **new)
{
	json_t *first = xen ? first_of(check, spec, xen) : NULL, *value;
	const char *name;

	if (xen && !first)
		return -1;
	json_object_foreach(first, name, value) {
		json_t *now = json_object_get(xen, name);

		if (!strcmp(name, "event") || json_equal(value, now))
			continue;
		if (!*old) {
			*old = json_object();
			*new = json_object();
		}
		json_object_set(*old, name, value);
		json_object_set(*new, name, now ? now : json_null());
	}
	json_decref(first);
	return 0;
}

/* What to do next, and which page says more.  NULL: no memory. */
static json_t *next_of(const struct check *check, const char *finding, const char *next, const json_t *xen,
		       const json_t *dom0)
{
	json_t *filled = fill_in(next, xen, dom0), *both;

	if (!filled || !check->pages)
		return filled;
	both = json_sprintf("%s See %s/%s.md.", json_string_value(filled), check->pages, finding);
	json_decref(filled);
	return both;
}

/* === Times ============================================================== */

/* Members of records that are a moment, in ns since that kernel booted; 0 is never. */
static const char *const moments[] = {
	"start_ns", "first_seen_ns", "last_seen_ns", "since_ns", "looked_ns",
	"first_ns", "last_ns", "changed_ns", "locked_ns",
};

#define NS_PER_S 1000000000

bool moment_of(const struct source *source, json_int_t since_boot_ns, char text[32])
{
	json_int_t at_ns;

	if (!source->boot_ns || since_boot_ns <= 0 ||
	    __builtin_add_overflow(source->boot_ns, since_boot_ns, &at_ns) || at_ns <= 0)
		return false;
	time_text((time_t)(at_ns / NS_PER_S), (long)(at_ns % NS_PER_S), text);
	return true;
}

/* The item's moments as times of day.  NULL: no memory. */
static json_t *times_of_item(const struct source *source, const json_t *item)
{
	json_t *times = json_object();
	char text[32];

	for (size_t i = 0; times && source && i < sizeof(moments) / sizeof(moments[0]); i++)
		if (moment_of(source, number_of(item, moments[i]), text))
			json_object_set_new(times, moments[i], json_string(text));
	return times;
}

/*
 * Each kernel counts from its own boot.  Their sensors' clocks are known by the same clock here,
 * so that what the two sides say can be put in order.
 */
static json_t *times_of(struct canary *c, const struct check *check, const json_t *xen, const json_t *dom0)
{
	const char *dom0_source = NULL;

	for (unsigned int i = 0; i < check->dom0_count; i++)
		if (check->dom0[i].probe)
			dom0_source = check->dom0[i].source;
	return json_pack("{soso}", check->xen[0].source, times_of_item(source_called(c, check->xen[0].source), xen),
			 "dom0", times_of_item(dom0_source ? source_called(c, dom0_source) : NULL, dom0));
}

json_t *report_new(struct canary *c, const struct check *check, const char *identity, const json_t *difference,
		   const char *first_seen)
{
	const struct rule *rule = rule_of(check, json_integer_value(json_object_get(difference, "rule")));
	json_t *xen = json_object_get(difference, "xen"), *dom0 = json_object_get(difference, "dom0"), *old = NULL,
	       *new = NULL;
	const struct spec *spec;
	char id[ID_TEXT];

	xen = json_is_object(xen) ? xen : NULL;
	dom0 = json_is_object(dom0) ? dom0 : NULL;
	spec = xen ? spec_of(check, xen) : &check->dom0[0];
	id_of(identity, id);
	if (changes_of(check, spec, xen, &old, &new))
		return NULL;
	return json_pack("{ssssssss sosososo so?so? so sssi ssso}", "finding", rule->finding, "id", id, "severity",
			 rule->severity, "check", check->name, "what", fill_in(rule->what, xen, dom0), "where",
			 where_of(xen ? xen : dom0, spec), check->xen[0].source, item_copy(xen), "dom0",
			 item_copy(dom0), "old", old, "new", new, "times", times_of(c, check, xen, dom0), "first_seen",
			 first_seen, "looks", (int)check->looked, "why", rule->why, "next",
			 next_of(check, rule->finding, rule->next, xen, dom0));
}

json_t *report_blinded(const struct check *check, const char *identity)
{
	static const char next[] = "Find out who did it: 'ksense status', the records of kind 'command' of the probe, "
		"and, for the module, 'lsmod'. If it was you, --accept takes it out of the status.";
	json_t *what = json_sprintf("the check %s could look until %s, and cannot since %s: %s (%s)", check->name,
				    check->last_whole, check->blind_since, check->words, check->reason);
	char id[ID_TEXT];

	id_of(identity, id);
	return json_pack("{ssssssss sos{ss}snsn snsn sssssi ssso}", "finding", "blinded", "id", id, "severity", "high",
			 "check", check->name, "what", what, "where", "reason", check->reason, "xen", "dom0", "old",
			 "new", "first_seen", check->blind_since, "last_whole", check->last_whole, "looks",
			 (int)check->blind_rounds, "why",
			 "Whoever hides something on this host has to blind what would see it. A sensor, a probe or a "
			 "source that has answered "
			 "and does not answer any more is what that looks like.",
			 "next", next_of(check, "blinded", next, NULL, NULL));
}

bool report_grew(const struct check *check, const json_t *report, const json_t *difference)
{
	const json_t *xen = json_object_get(difference, "xen"), *dom0 = json_object_get(difference, "dom0");
	const json_t *told_xen = json_object_get(report, check->xen[0].source),
		     *told_dom0 = json_object_get(report, "dom0");
	const char *at = rule_of(check, json_integer_value(json_object_get(difference, "rule")))->what;
	bool grew = false;

	while (!grew && (at = strchr(at, '{'))) {
		char *name = strndup(at + 1, strcspn(at + 1, "|}"));
		const json_t *was = name ? member_of(told_xen, told_dom0, name) : NULL,
			     *is = name ? member_of(xen, dom0, name) : NULL;

		grew = json_is_integer(was) && json_is_integer(is) &&
		       json_integer_value(is) > json_integer_value(was) &&
		       json_integer_value(is) / 2 >= json_integer_value(was);
		free(name);
		at++;
	}
	return grew;
}

/* === Which deed ========================================================= */

/* One that is nothing, as a kernel thread's page tables, is none that two have in common. */
static bool says_nothing(const json_t *value)
{
	const char *text = json_string_value(value);

	return !value || (text && (!*text || !strcmp(text, "0x0")));
}

/*
 * The text of "member", or of "member/N", where it is how often N is in it: a place, and what is
 * near it, have that in common.  *@text NULL: it says nothing.  -1: no memory.
 */
static int text_of_member(const char *name, const json_t *xen, const json_t *dom0, char **text)
{
	const char *slash = strrchr(name, '/');
	char *plain = slash ? strndup(name, (size_t)(slash - name)) : strdup(name), *end;
	json_t *value = plain ? member_of(xen, dom0, plain) : NULL;
	unsigned long long number;

	*text = NULL;
	if (!plain)
		return -1;
	free(plain);
	if (says_nothing(value))
		return 0;
	*text = escaped(value_text(value));
	number = *text && slash ? strtoull(*text, &end, 0) : 0;
	/* One that is no number is what it is. */
	if (number && !*end) {
		free(*text);
		if (asprintf(text, "%#llx", number / strtoull(slash + 1, NULL, 0)) < 0)
			*text = NULL;
	}
	return *text ? 0 : -1;
}

static int add_keys(json_t *keys, const char *what, const json_t *members, const json_t *xen, const json_t *dom0)
{
	json_t *member;
	size_t i;

	json_array_foreach(members, i, member) {
		char *text, *name;
		int failed = text_of_member(json_string_value(member), xen, dom0, &text);

		if (failed)
			return -1;
		if (!text)
			continue;
		name = escaped(strdup(what));
		failed = !text || !name || json_array_append_new(keys, json_sprintf("%s %s", name, text));
		free(text);
		free(name);
		if (failed)
			return -1;
	}
	return 0;
}

json_t *deed_keys(const struct check *check, const json_t *difference)
{
	const struct rule *rule = rule_of(check, json_integer_value(json_object_get(difference, "rule")));
	const json_t *xen = json_object_get(difference, "xen"), *dom0 = json_object_get(difference, "dom0");
	json_t *keys, *members;
	const char *what;

	if (check->sensor && rule == &check->gone)
		return deed_keys_of_absence(check->sensor);
	if (check->sensor && (rule == &check->reset || rule == &check->removed))
		return deed_keys_of_baseline(check->sensor, string_of(xen, "probe"));
	if (check->sensor && rule == &check->restarted && json_object_get(xen, "sensor"))
		return deed_keys_of_baseline(check->sensor, NULL);
	keys = json_array();
	json_object_foreach(rule->deed, what, members) {
		if (add_keys(keys, what, members, xen, dom0)) {
			json_decref(keys);
			return NULL;
		}
	}
	return keys;
}

/* What a check has in common is escaped, and never begins with a blank: these are not its own. */
json_t *deed_keys_of_absence(const char *source)
{
	return source ? json_pack("[s+]", " absent ", source) : json_array();
}

json_t *deed_keys_of_baseline(const char *source, const char *probe)
{
	return json_pack("[s+++]", " baseline ", source, " ", probe ? probe : "*");
}
