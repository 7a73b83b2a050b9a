// SPDX-License-Identifier: MIT
/*
 * views.c - what one side says at one moment: a sensor's fresh sample, or what Dom0 says by other
 * ways.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

#include "compare.h"

/* A sensor that is asked again and again. */
struct sensor {
	struct ksense *k;
	bool connected;
	const char *socket;     /* NULL: Xen */
	json_t *since;          /* by probe: the first record that no view of Dom0's has seen */
	/* The last sample: several specs of a view may be of one probe. */
	json_t *records;
	json_int_t time;        /* what was recorded before is no part of it */
	bool whole;
};

struct sources {
	struct sensor xen, module;
	xc_interface *toolstack;
	xentoollog_logger *silent;
	struct xs_handle *xenstore;
	struct view symbols;    /* all that /proc/kallsyms has of the kernel's own, read once for symbols_of: they stay where they are */
	const struct view_spec *symbols_of;
};

__attribute__((format(printf, 3, 4)))
static void not_whole(struct view *view, enum view_state state, const char *format, ...)
{
	va_list args;

	/* What is worse counts. */
	if (view->state >= state && view->state != VIEW_WHOLE)
		return;
	view->state = state;
	va_start(args, format);
	vsnprintf(view->why, sizeof(view->why), format, args);
	va_end(args);
}

/* === Items ============================================================== */

static char *value_text(const json_t *value)
{
	return json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

char *key_text(const json_t *item, const char *const *names)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && names[i]; i++) {
		char *one = value_text(json_object_get(item, names[i]));

		fprintf(out, "%s%s", i ? " " : "", one ? one : "-");
		free(one);
	}
	if (!out || fclose(out)) {
		fputs("ksense: no memory\n", stderr);
		exit(EXIT_NO_SENSOR);
	}
	return text;
}

const struct view_spec *spec_of(const struct pair *pair, const json_t *item)
{
	const char *kind = json_string_value(json_object_get(item, "kind"));

	for (unsigned int i = 1; kind && i < pair->xen_count; i++)
		if (!strcmp(pair->xen[i].kind, kind))
			return &pair->xen[i];
	return &pair->xen[0];
}

char *first_key(const struct view_spec *spec, const json_t *item)
{
	char *id = key_text(item, spec->id), *key;

	if (asprintf(&key, "%s %s", spec->kind, id) < 0) {
		fputs("ksense: no memory\n", stderr);
		exit(EXIT_NO_SENSOR);
	}
	free(id);
	return key;
}

/* Others gave the name: it may be no UTF-8. */
static json_t *string_or_null(const char *text)
{
	json_t *string = text ? json_string(text) : NULL;

	return string ? string : json_null();
}

static bool meets(const json_t *item, json_t *where)
{
	const char *member;
	json_t *value;

	json_object_foreach(where, member, value) {
		json_t *not = json_object_get(value, "not");

		if (json_equal(json_object_get(item, member), not ? not : value) != !not)
			return false;
	}
	return true;
}

/* Takes over @item. */
static void add_item(struct view *view, const struct view_spec *spec, json_t *item)
{
	if (item && meets(item, spec->where)) {
		char *key = key_text(item, spec->key);

		json_object_set(view->by_key, key, item);
		json_array_append(view->items, item);
		free(key);
	}
	json_decref(item);
}

static void view_init(struct view *view)
{
	*view = (struct view){ .items = json_array(), .by_key = json_object() };
}

void view_free(struct view *view)
{
	json_decref(view->items);
	json_decref(view->by_key);
}

/* === Sensors ============================================================ */

/* What the sensor's clock says. */
static int ask_time(struct sensor *sensor)
{
	struct ksense_request request = { .command = "status" };
	struct ksense_line line;
	json_t *status = NULL;

	if (ksense_ask(sensor->k, &request))
		return -1;
	while (ksense_next(sensor->k, &line) > 0)
		if (line.kind == KSENSE_ANSWER && !status)
			status = parse_body(&line);
	sensor->time = json_integer_value(json_object_get(status, "time"));
	json_decref(status);
	return ksense_error(sensor->k) ? -1 : 0;
}

/* All records of the probe from *@since on, after a fresh sample; *@since is what follows then. */
static int ask_records(struct sensor *sensor, const char *probe, json_int_t *since)
{
	struct ksense_request request = { .command = "records", .target = probe, .run = true, .peek = true, .has_since = true,
					  .since = (uint64_t)*since };
	struct ksense_line line;
	json_t *last;

	sensor->records = json_array();
	if (ksense_ask(sensor->k, &request))
		return -1;
	while (ksense_next(sensor->k, &line) > 0) {
		json_t *record = line.kind == KSENSE_RECORD ? parse_body(&line) : NULL;

		if (record)
			json_array_append_new(sensor->records, record);
	}
	if (ksense_error(sensor->k))
		return -1;
	/* None at all: the probe was reset, and counts from 0 again. */
	last = json_array_get(sensor->records, json_array_size(sensor->records) - 1);
	*since = last ? json_integer_value(json_object_get(last, "seq")) + 1 : 0;
	return 0;
}

/* Whether records of the sample are missing.  Those that were lost before it were others. */
static bool is_whole(const struct sensor *sensor)
{
	json_int_t first = INT64_MAX, lost = -1;
	json_t *record;
	size_t i;

	json_array_foreach(sensor->records, i, record) {
		const char *kind = json_string_value(json_object_get(record, "kind"));
		json_int_t seq = json_integer_value(json_object_get(record, "seq"));

		if (json_integer_value(json_object_get(record, "time")) < sensor->time || !kind)
			continue;
		/* A failure, or a reset in the middle of it, is no sample. */
		if (!strcmp(kind, "incomplete") || !strcmp(kind, "failed") || !strcmp(kind, "began"))
			return false;
		if (!strcmp(kind, "lost"))
			lost = json_integer_value(json_object_get(record, "last"));
		else if (seq < first)
			first = seq;
	}
	return lost < first && first != INT64_MAX;
}

/*
 * A fresh sample of @probe, with the records from *@since on.  False, with what is wrong in @view,
 * if there is none.
 */
static bool sample(struct sensor *sensor, const char *probe, json_int_t *since, struct view *view)
{
	enum ksense_error error;

	json_decref(sensor->records);
	sensor->records = NULL;
	if (!sensor->connected)
		sensor->connected = !(sensor->socket ? ksense_open_socket(sensor->k, sensor->socket) : ksense_open_xen(sensor->k));
	if (sensor->connected && !ask_time(sensor) && !ask_records(sensor, probe, since)) {
		sensor->whole = is_whole(sensor);
		if (!sensor->whole)
			not_whole(view, VIEW_PARTIAL, "%s could not give its whole sample", probe);
		return true;
	}
	error = ksense_error(sensor->k);
	if (sensor->socket && error == KSENSE_NO_SENSOR)
		not_whole(view, VIEW_ABSENT, "the module is not there: nothing listens at %s", sensor->socket);
	else if (error == KSENSE_TARGET) /* another module, an older Xen */
		not_whole(view, VIEW_ABSENT, "%s has no probe %s", sensor->socket ? "the module" : "Xen", probe);
	else
		not_whole(view, VIEW_FAILED, "%s: %s", sensor->socket ? "the module" : "Xen", ksense_message(sensor->k));
	ksense_close(sensor->k);
	sensor->connected = false;
	return false;
}

/* What the sample has of the items of @spec: the last that it says of each. */
static void sort_records(const struct sensor *sensor, const struct view_spec *spec, json_t *present)
{
	json_t *record;
	size_t i;

	json_array_foreach(sensor->records, i, record) {
		const char *kind = json_string_value(json_object_get(record, "kind"));
		const char *event = json_string_value(json_object_get(record, "event"));
		char *id;

		if (!kind || strcmp(kind, spec->kind) || json_integer_value(json_object_get(record, "time")) < sensor->time)
			continue;
		id = key_text(record, spec->id);
		if (event && !strcmp(event, "vanished"))
			json_object_del(present, id);
		else
			json_object_set(present, id, record);
		free(id);
	}
}

/*
 * What the records, old ones too, say of how things were before they changed: of one that is told
 * for the first time as well, as of a gate that was like all CPUs' until now.  One that has
 * appeared has "event" there: told by the probe, or in a sample that was asked for by us, where
 * all is "present", but not in our first.
 */
static void keep_first(const struct sensor *sensor, const struct view_spec *spec, json_t *first)
{
	bool again = json_object_get(first, spec->kind);
	json_t *record;
	size_t i;

	json_array_foreach(sensor->records, i, record) {
		const char *kind = json_string_value(json_object_get(record, "kind"));
		const char *event = json_string_value(json_object_get(record, "event"));
		json_t *old = json_object_get(record, "old"), *known;
		char *key;

		if (!kind || !event || strcmp(kind, spec->kind))
			continue;
		key = first_key(spec, record);
		known = json_object_get(first, key);
		if (!strcmp(event, "vanished")) {
			json_object_del(first, key);
		} else if (!strcmp(event, "appeared") || (!known && again && !old)) {
			json_object_set_new(first, key, json_pack("{ss}", "event", "appeared"));
		} else {
			if (!known)
				json_object_set_new(first, key, known = json_object());
			if (old)
				json_object_update_missing(known, old);
		}
		free(key);
	}
	json_object_set_new(first, spec->kind, json_true());
}

static void view_sensor(const struct sensor *sensor, const struct view_spec *spec, struct view *view)
{
	json_t *present = json_object(), *item;
	const char *id;

	sort_records(sensor, spec, present);
	json_object_foreach(present, id, item)
		add_item(view, spec, json_incref(item));
	json_decref(present);
}

/* The same for a view of Dom0's, of which nothing but the present counts. */
static bool sample_dom0(struct sensor *sensor, const char *probe, struct view *view)
{
	json_int_t since = json_integer_value(json_object_get(sensor->since, probe));
	bool sampled = sample(sensor, probe, &since, view);

	json_object_set_new(sensor->since, probe, json_integer(since));
	return sampled;
}

/* Whether the sample has an item with these members. */
static bool sample_has(const struct sensor *sensor, json_t *members)
{
	json_t *record;
	size_t i;

	json_array_foreach(sensor->records, i, record)
		if (meets(record, members))
			return true;
	return false;
}

/* === The toolstack: what Dom0's kernel passes on of Xen's list ========== */

static const char *domain_type(const xc_domaininfo_t *info)
{
	static const uint32_t pc = XEN_X86_EMU_PIT | XEN_X86_EMU_PIC | XEN_X86_EMU_RTC | XEN_X86_EMU_VGA;

	if (!(info->flags & XEN_DOMINF_hvm_guest))
		return "PV";
	return info->arch_config.emulation_flags & pc ? "HVM" : "PVH";
}

/* A domain that has none yet: the id is all ones. */
static json_int_t vcpus_of(const xc_domaininfo_t *info)
{
	return info->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : (json_int_t)info->max_vcpu_id + 1;
}

/* xl's lists are made of the same calls. */
static void view_toolstack(struct sources *sources, const struct view_spec *spec, struct view *view)
{
	static xc_domaininfo_t info[256];
	uint32_t from = 0;
	int got;

	if (!sources->toolstack)
		sources->toolstack = xc_interface_open(sources->silent, sources->silent, 0);
	if (!sources->toolstack) {
		not_whole(view, VIEW_FAILED, "libxenctrl: %s", strerror(errno));
		return;
	}
	while ((got = xc_domain_getinfolist(sources->toolstack, from, 256, info)) > 0) {
		for (int i = 0; i < got; i++) {
			char uuid[KS_UUID_TEXT];

			ks_uuid_text(uuid, info[i].handle);
			add_item(view, spec, json_pack("{sisssssIsIsI}", "domid", (int)info[i].domain, "uuid", uuid, "type", domain_type(&info[i]),
						       "pages", (json_int_t)info[i].tot_pages, "max_pages", (json_int_t)info[i].max_pages,
						       "vcpus", vcpus_of(&info[i])));
		}
		from = info[got - 1].domain + 1U;
		if (from >= DOMID_FIRST_RESERVED)
			break;
	}
	if (got < 0)
		not_whole(view, VIEW_FAILED, "libxenctrl: %s", strerror(errno));
}

static char *xenstore_value(struct xs_handle *xs, const char *domain, const char *name)
{
	char path[128];
	unsigned int bytes;

	snprintf(path, sizeof(path), "/local/domain/%s/%s", domain, name);
	return xs_read(xs, XBT_NULL, path, &bytes);
}

struct xs_handle *xenstore_open(void)
{
	return access("/run/xenstored/socket", R_OK | W_OK) ? NULL : xs_open(0);
}

static void view_xenstore(struct sources *sources, const struct view_spec *spec, struct view *view)
{
	unsigned int count = 0;
	char **domains;

	if (!sources->xenstore)
		sources->xenstore = xenstore_open();
	if (!sources->xenstore) {
		not_whole(view, errno == ENOENT ? VIEW_ABSENT : VIEW_FAILED, "there is no xenstored here: %s", strerror(errno));
		return;
	}
	domains = xs_directory(sources->xenstore, XBT_NULL, "/local/domain", &count);
	if (!domains) {
		not_whole(view, VIEW_FAILED, "xenstore: %s", strerror(errno));
		xs_close(sources->xenstore);
		sources->xenstore = NULL;
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		char *name = xenstore_value(sources->xenstore, domains[i], "name"), *vm = xenstore_value(sources->xenstore, domains[i], "vm");

		add_item(view, spec, json_pack("{sIsoso}", "domid", (json_int_t)strtoul(domains[i], NULL, 10), "name", string_or_null(name), "vm",
					       string_or_null(vm)));
		free(name);
		free(vm);
	}
	free(domains);
}

/* === Dom0 without the module ============================================ */

/* Whether a process has memory of its own; where its first thread has ended, its others tell. */
static bool has_memory(const char *pid)
{
	char path[300];
	unsigned long pages = 0;
	struct dirent *entry;
	DIR *threads;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	threads = opendir(path);
	if (!threads)
		return false;
	while (!pages && (entry = readdir(threads))) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task/%s/statm", pid, entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%lu", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	closedir(threads);
	return pages;
}

/*
 * A process that is not the kernel's own thread, by what tells it from a later one with its pid.
 */
static json_t *proc_item(const char *pid)
{
	char path[64], line[1024], *end, *field = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (!end || !has_memory(pid))
		return NULL;
	*end++ = '\0';
	/* Behind the name stand the fields from the third on; the start is the 22nd. */
	for (int i = 3; i <= 22; i++)
		field = strtok(i == 3 ? end : NULL, " ");
	end = strchr(line, '(');
	return json_pack("{sIsosI}", "pid", (json_int_t)strtoul(pid, NULL, 10), "comm", string_or_null(end ? end + 1 : NULL), "start_ticks",
			 (json_int_t)strtoull(field ? field : "0", NULL, 10));
}

static void view_proc(const struct view_spec *spec, struct view *view)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc) {
		not_whole(view, VIEW_FAILED, "/proc: %s", strerror(errno));
		return;
	}
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name))
			add_item(view, spec, proc_item(entry->d_name));
	closedir(proc);
}

/*
 * Of Linux's handlers while it starts, one for each of the first vectors: those that have no other
 * later stay registered, on all vCPUs.
 */
#define EARLY_HANDLERS "xen_early_idt_handler_array"
#define EARLY_HANDLERS_COUNT 32
#define EARLY_HANDLER_BYTES 8

static void add_symbol(struct view *view, const struct view_spec *spec, unsigned long long at, const char *name)
{
	char address[20];

	snprintf(address, sizeof(address), "0x%llx", at);
	add_item(view, spec, json_pack("{ssss}", "address", address, "symbol", name));
}

/* Where each function of the kernel's own begins; modules' are left out. */
static void read_symbols(struct view *view, const struct view_spec *spec)
{
	char line[512], address[20], type, name[256], module[64];
	FILE *file = fopen("/proc/kallsyms", "re");

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long at;

		if (sscanf(line, "%19s %c %255s %63s", address, &type, name, module) != 3 || tolower((unsigned char)type) != 't')
			continue;
		at = strtoull(address, NULL, 16);
		if (at)
			add_symbol(view, spec, at, name);
		for (int i = 1; at && i < EARLY_HANDLERS_COUNT && !strcmp(name, EARLY_HANDLERS); i++)
			add_symbol(view, spec, at + (unsigned int)i * EARLY_HANDLER_BYTES, name);
	}
	if (file)
		fclose(file);
}

static bool same_symbols(const struct view_spec *a, const struct view_spec *b)
{
	size_t i = 0;

	while (a->key[i] && b->key[i] && !strcmp(a->key[i], b->key[i]))
		i++;
	return !a->key[i] && !b->key[i] && (a->where == b->where || json_equal(a->where, b->where));
}

/*
 * They are a hundred thousand: where nothing else is in the view, it has the very arrays that are
 * kept.
 */
static void view_kallsyms(struct sources *sources, const struct view_spec *spec, bool alone, struct view *view)
{
	if (!sources->symbols_of || !same_symbols(sources->symbols_of, spec)) {
		view_free(&sources->symbols);
		view_init(&sources->symbols);
		read_symbols(&sources->symbols, spec);
		sources->symbols_of = spec;
	}
	if (!json_array_size(sources->symbols.items))
		not_whole(view, VIEW_FAILED, "/proc/kallsyms shows no addresses");
	if (alone) {
		view_free(view);
		view->items = json_incref(sources->symbols.items);
		view->by_key = json_incref(sources->symbols.by_key);
	} else {
		json_array_extend(view->items, sources->symbols.items);
		json_object_update(view->by_key, sources->symbols.by_key);
	}
}

/* === Interface ========================================================== */

void view_xen(struct sources *sources, struct pair *pair, struct view *view)
{
	struct sensor *sensor = strcmp(pair->xen[0].source, "xen") ? &sources->module : &sources->xen;

	view_init(view);
	if (!sample(sensor, pair->xen[0].probe, &pair->since, view))
		return;
	if (!pair->since)
		json_object_clear(pair->first);
	for (unsigned int i = 0; i < pair->xen_count; i++) {
		view_sensor(sensor, &pair->xen[i], view);
		keep_first(sensor, &pair->xen[i], pair->first);
	}
	if (pair->only_if && !sample_has(sensor, pair->only_if))
		not_whole(view, VIEW_ABSENT, "%s says that there is nothing of this kind, or that it cannot see all of it", pair->xen[0].probe);
}

void view_dom0(struct sources *sources, const struct pair *pair, struct view *view)
{
	const char *sampled = NULL;

	view_init(view);
	for (unsigned int i = 0; i < pair->dom0_count; i++) {
		const struct view_spec *spec = &pair->dom0[i];

		switch (*spec->source) {
		case 'm':
			if ((!sampled || strcmp(sampled, spec->probe)) && !sample_dom0(&sources->module, spec->probe, view))
				return;
			sampled = spec->probe;
			view_sensor(&sources->module, spec, view);
			break;
		case 't':
			view_toolstack(sources, spec, view);
			break;
		case 'x':
			view_xenstore(sources, spec, view);
			break;
		case 'p':
			view_proc(spec, view);
			break;
		default:
			view_kallsyms(sources, spec, pair->dom0_count == 1, view);
		}
	}
}

struct sources *sources_open(const struct options *o)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (!sources)
		return NULL;
	sources->module.socket = o->socket;
	for (int i = 0; i < 2; i++) {
		struct sensor *sensor = i ? &sources->module : &sources->xen;

		sensor->k = ksense_new();
		if (!sensor->k)
			return NULL;
		ksense_set_timeout(sensor->k, o->timeout_ms);
		sensor->since = json_object();
	}
	/* What libxenctrl has to say, it says by errno as well. */
	sources->silent = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_CRITICAL, 0);
	return sources;
}

void sources_close(struct sources *sources)
{
	for (int i = 0; i < 2; i++) {
		struct sensor *sensor = i ? &sources->module : &sources->xen;

		ksense_free(sensor->k);
		json_decref(sensor->since);
		json_decref(sensor->records);
	}
	if (sources->toolstack)
		xc_interface_close(sources->toolstack);
	if (sources->xenstore)
		xs_close(sources->xenstore);
	xtl_logger_destroy(sources->silent);
	view_free(&sources->symbols);
	free(sources);
}
