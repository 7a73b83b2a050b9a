// SPDX-License-Identifier: GPL-2.0-only
/*
 * modules.c - the probe "modules": what is loaded, and what is loaded and says that it is not.
 *
 * The list of modules is what lsmod shows.  What hides from it is still where it was: in
 * /sys/module's set of objects, in the tree by which the kernel finds the module of an address (it
 * needs that to survive a fault), and in the page tables, which is where code has to be to run.
 * Each of these is gone through and held against the list.
 *
 * The lists are in no order that lasts from one call to the next.  So each call goes through all
 * of one, for the module with the next higher address: a few thousand reads in a pass, and what
 * is there all the time is always seen.
 *
 * Nothing here holds a lock of the kernel's, nor RCU, and nothing is freed later because of it:
 * lists, trees and page tables are read as walk.h says.  A module that goes while it is looked at
 * is nonsense once, and a finding needs more than one look.
 */
#include <linux/kallsyms.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/time64.h>

#include "../../linux/compat.h"
#include "../../linux/symbols.h"
#include "../set.h"
#include "code.h"
#include "walk.h"

#define NAME_BYTES 56
#define SYMBOL_BYTES 64

struct ks_module {
	uint64_t module;
	char name[NAME_BYTES];
	uint64_t base, size_bytes, text_bytes;
	char state[12];
	char taints[20];
	int32_t refcount;
};

struct ks_hidden_module {
	uint64_t module;
	char name[NAME_BYTES];
	uint64_t base, size_bytes, text_bytes;
	char seen[12], missing[12];
};

struct ks_code {
	uint64_t start;
	uint64_t bytes;
	char allocated_by[SYMBOL_BYTES];
	char owner[12];
};

struct ks_view {
	char name[16];
	uint8_t available, waits;
};

static const struct ks_field module_fields[] = {
	KS_FIELD(struct ks_module, name, KS_STRING,
		 "up to 55 bytes, as its structure says; it is the module's to change"),
	KS_FIELD(struct ks_module, module, KS_HEX, "[address] of its struct module"),
	KS_FIELD(struct ks_module, base, KS_HEX, "[address] where its memory begins; its code is first in it"),
	KS_FIELD(struct ks_module, size_bytes, KS_SIZE, "[bytes] all its memory, as in `/proc/modules`"),
	KS_FIELD(struct ks_module, text_bytes, KS_SIZE, "[bytes] of that, code"),
	KS_FIELD(struct ks_module, state, KS_STRING, "`live`, `loading`, `unloading`"),
	KS_FIELD(struct ks_module, taints, KS_STRING,
		 "letters, as in `/proc/modules`: `O` out of tree, `E` unsigned, `P` proprietary ..."),
	KS_LIVE(struct ks_module, refcount, KS_S32, "how many use it"),
};

static const struct ks_field hidden_fields[] = {
	KS_FIELD(struct ks_hidden_module, name, KS_STRING,
		 "what its structure says; it is the module's to change. Empty, and what is said of its memory 0, if "
		 "there is none to be read where the view says"),
	KS_FIELD(struct ks_hidden_module, module, KS_HEX, "[address] of its struct module"),
	KS_FIELD(struct ks_hidden_module, base, KS_HEX, "[address] where its memory begins"),
	KS_FIELD(struct ks_hidden_module, size_bytes, KS_SIZE, "[bytes] all its memory"),
	KS_FIELD(struct ks_hidden_module, text_bytes, KS_SIZE, "[bytes] of that, code"),
	KS_LIVE(struct ks_hidden_module, seen, KS_STRING,
		"the view that has it: `sysfs` or `module-tree`; or `unformed`: the list has it as one that is not "
		"formed yet, which `/proc/modules` "
		"leaves out"),
	KS_FIELD(struct ks_hidden_module, missing, KS_STRING, "the view that has it not: `module-list`"),
};

static const struct ks_field generated_fields[] = {
	KS_FIELD(struct ks_code, start, KS_HEX, "[address] where it begins"),
	KS_FIELD(struct ks_code, bytes, KS_HEX, "[bytes] how much of it there is"),
	KS_FIELD(struct ks_code, owner, KS_STRING,
		 "who made it: `bpf`, `kprobes`, `ftrace` (trampolines, of kprobes and live patches too) or `its` "
		 "(thunks against a flaw of some "
		 "CPUs)"),
	KS_FIELD(struct ks_code, allocated_by, KS_STRING,
		 "the function that took the memory, as in `/proc/vmallocinfo`"),
};

static const struct ks_field unowned_fields[] = {
	KS_FIELD(struct ks_code, start, KS_HEX, "[address] where it begins"),
	KS_FIELD(struct ks_code, bytes, KS_HEX, "[bytes] how much of it there is"),
	KS_FIELD(struct ks_code, allocated_by, KS_STRING,
		 "the function that took the memory, as in `/proc/vmallocinfo`; `load_module` is the loader of "
		 "modules. Empty: it is in no area "
		 "that the kernel knows"),
};

static const struct ks_field view_fields[] = {
	KS_FIELD(struct ks_view, name, KS_STRING,
		 "of the view; `list-head` is where the list begins: without it the list is entered where the "
		 "sensor's own module is in it"),
	KS_FIELD(struct ks_view, available, KS_BOOL, "what it needs was found when the probe was started"),
	KS_LIVE(struct ks_view, waits, KS_BOOL,
		"in this pass it saw what will be a finding if it stays so: it has not been so for long enough to be "
		"told"),
};

enum { MODULE_KIND, HIDDEN_KIND, GENERATED_KIND, UNOWNED_KIND, VIEW_KIND };

enum view { MODULE_LIST, LIST_HEAD, IN_SYSFS, MODULE_TREE, VM_AREAS, VIEWS };
static const char *const view_names[VIEWS] = {
	[MODULE_LIST] = "module-list", [LIST_HEAD] = "list-head", [IN_SYSFS] = "sysfs", [MODULE_TREE] = "module-tree",
	[VM_AREAS] = "vm-areas",
};

static const struct ks_set_kind kinds[] = {
	/* The address is a part of its key, lest one that takes another's name passes for that. */
	[MODULE_KIND] = KS_KIND("module", struct ks_module, module_fields, name, "A module in the kernel's list."),
	[HIDDEN_KIND] = KS_ALARMS("hidden", struct ks_hidden_module, hidden_fields, module,
		 "A finding: a module that is not in the list, or says there that it is none yet."),
	[GENERATED_KIND] = KS_KIND("generated-code", struct ks_code, generated_fields, start,
		 "Code that the kernel makes as it goes, told apart by who took its memory. Told from `default` on."),
	[UNOWNED_KIND] = KS_ALARMS("unowned-code", struct ks_code, unowned_fields, start,
		 "A finding: executable memory that is code of no module, nor of what the kernel is known to make."),
	[VIEW_KIND] = KS_KIND("view", struct ks_view, view_fields, name, "Each view, once in each sample."),
};

/*
 * What is not exported; each may be NULL, and what needs it is left out then, and told as a view
 * that is not available.
 */
static struct {
	const struct list_head *modules;
	struct kset *const *module_kset;
} kernel;

/* === Modules ============================================================ */

/* A copy of the module at hand.  One pass runs at a time, and there is one instance. */
static struct module shadow;

static bool copy_shadow(const struct module *module)
{
	return KS_GET(shadow, module);
}

/* Only where its code is, for it is asked of many in a row. */
static bool copy_code_of(const struct module *module)
{
	for (unsigned int init = 0; init < 2; init++) {
		ks_module_memory *to = ks_module_code(&shadow, init);

		if (!KS_GET(*to, ks_module_code((struct module *)module, init)))
			return false;
	}
	return true;
}

static uintptr_t code_start(const struct module *module, bool init)
{
	return (uintptr_t)ks_module_code((struct module *)module, init)->base;
}

static uint32_t code_bytes(const struct module *module, bool init)
{
	return ks_module_code_bytes(ks_module_code((struct module *)module, init));
}

static bool is_in(uintptr_t address, uintptr_t base, uint64_t bytes)
{
	return address >= base && address - base < bytes;
}

/* === Second looks ======================================================= */

/*
 * What looks wrong is told when it has looked so for a while, in each pass.  A module that goes
 * leaves the list some time before its memory is freed, and one that has come frees its init code:
 * so code has to be without an owner for longer, counted from the last time that a module came or
 * went at this place.
 */
#define HIDDEN_PATIENCE_NS (100 * NSEC_PER_MSEC)
#define UNOWNED_PATIENCE_NS (2 * NSEC_PER_SEC)
/* So long does what a module's init function set off take at most: disks that are looked for. */
#define STARTED_PATIENCE_NS (300 * NSEC_PER_SEC)
/*
 * So long is a module unformed at most while it is loaded: the kernel waits 30 s for another one
 * whose symbols it needs, and then fails.  That may be so of more than one, and memory be short.
 */
#define UNFORMED_PATIENCE_NS (60 * NSEC_PER_SEC)
/*
 * Whoever is in the kernel can say that a module comes, and have a module in the list come and go
 * again and again.  So what was suspect in so many looks in a row, and so many times as long as
 * patience lasts, is told whatever came and went: the gaps in which a real one looks wrong are
 * short, and each look would have to hit one.
 */
#define POSTPONED_LOOKS 32
#define POSTPONED_TIMES 4
#define SUSPECTS_MAX 64

enum suspicion {
	FREE,
	UNLISTED,               /* a module that the list has not */
	UNFORMED,               /* one that says that it is unformed */
	NO_OWNER,               /* code of nothing that has started */
};

static struct suspect {
	enum suspicion what;
	uint64_t address, last; /* what of it has been so in each look */
	uint64_t first_ns;      /* when it was seen first, */
	uint64_t since_ns;      /* or a module last came or went there */
	uint32_t looks;         /* passes in a row that saw it */
	uint32_t pass;          /* in which it was seen last */
} suspects[SUSPECTS_MAX];
static DEFINE_SPINLOCK(suspects_lock);  /* the notifier comes from other threads */
static uint32_t pass;
/* In this pass: what looks wrong in the view is not told yet. */
static bool waits[VIEWS];
/* Those for which there was a place in this pass. */
static struct ks_shortfall placed = { .view = "suspects" };

/*
 * A look at what @address and the next @bytes are suspect of: whether a part of that has been so
 * in every pass for so long.  Who can write the kernel's memory can make more or less of it look
 * so from one pass to the next: what counts is what always does.  @excused: somebody has an excuse
 * for it at the moment, which is good for STARTED_PATIENCE_NS, however often it is taken back.
 */
static bool is_old_suspect(enum suspicion what, uint64_t address, uint64_t bytes, bool excused, uint64_t patience_ns)
{
	struct suspect *place = NULL;
	uint64_t now_ns, last = address + bytes - 1;
	bool known = false, old = false;

	spin_lock(&suspects_lock);
	/* Not before: the notifier may have set a time since, and none is behind this one. */
	now_ns = ktime_get_ns();
	for (struct suspect *i = suspects; i < suspects + SUSPECTS_MAX; i++) {
		if (i->what != FREE && pass - i->pass > 1)
			i->what = FREE;
		if (i->what == FREE)
			place = i;
		if (i->what != what || i->address > last || i->last < address)
			continue;
		known = true;
		i->address = max(i->address, address);
		i->last = min(i->last, last);
		i->looks += i->pass != pass;
		i->pass = pass;
		if (excused) {
			i->since_ns = now_ns;
			i->looks = 0;
		}
		old |= now_ns - i->since_ns >= patience_ns ||
		       (i->looks >= POSTPONED_LOOKS && now_ns - i->first_ns >= POSTPONED_TIMES * patience_ns) ||
		       (what == NO_OWNER && now_ns - i->first_ns >= STARTED_PATIENCE_NS);
	}
	/* With no place left, the others are told first, and that there are more. */
	placed.of++;
	placed.looked += known || place;
	if (!known && place)
		*place = (struct suspect){
			.what = what, .address = address, .last = last,
			.first_ns = now_ns, .since_ns = now_ns, .looks = !excused, .pass = pass,
		};
	spin_unlock(&suspects_lock);
	return old;
}

/* === The list =========================================================== */

/* How long a list may be before it is taken for one that does not end. */
#define LIST_MAX 8192

struct query {
	/* in */
	uintptr_t after;                /* the module with the lowest address above this one */
	const struct module *wanted;    /* whether this one is in the list */
	/* 0, or whose code this is: costs a larger read of each module */
	uintptr_t address;
	/* out */
	struct module *next;
	bool listed;
	const struct module *owner;     /* says that it has the code of which address is part, */
	uintptr_t owner_end;            /* which ends there, */
	bool owner_starts;              /* and is what it needs only until it has started */
};

/*
 * A module that says that it is unformed is shown by nobody.  It is so for a moment while it is
 * loaded or freed.
 */
static bool is_unformed_for_long(const struct module *module)
{
	enum module_state state;

	return KS_GET(state, &module->state) && state == MODULE_STATE_UNFORMED &&
	       is_old_suspect(UNFORMED, (uintptr_t)module, 1, false, UNFORMED_PATIENCE_NS);
}

/* All of @query's that is about the owner, if @module has the code. */
static void ask_owner(struct query *query, const struct module *module)
{
	if (!copy_code_of(module))
		return;
	for (unsigned int init = 0; init < 2; init++) {
		if (!is_in(query->address, code_start(&shadow, init), code_bytes(&shadow, init)) ||
		    is_unformed_for_long(module))
			continue;
		query->owner = module;
		query->owner_end = code_start(&shadow, init) + code_bytes(&shadow, init);
		query->owner_starts = init;
	}
}

static void consider(struct query *query, struct module *module)
{
	if ((uintptr_t)module > query->after && (!query->next || module < query->next))
		query->next = module;
	if (module == query->wanted)
		query->listed = !is_unformed_for_long(module);
	if (query->address)
		ask_owner(query, module);
}

/*
 * Where the list begins.  Without its head the ring is entered where this module is; the head is
 * then told from a module by where it lies.
 */
static const struct list_head *list_head(void)
{
	return kernel.modules ?: &THIS_MODULE->list;
}

/* Goes once round the list.  False: it is no ring, or somebody just changes it. */
static bool ask_list(struct query *query)
{
	const struct list_head *head = list_head(), *at = head;
	struct ks_round round = ks_round(head, LIST_MAX);

	do {
		if (ks_in_module_area((uintptr_t)at))
			consider(query, list_entry(at, struct module, list));
		at = ks_round_next(&round);
	} while (at);
	return round.whole;
}

/* === What comes and goes ================================================ */

/*
 * Whether the list has @module, of which nothing is read; also if somebody just changes the list.
 */
static bool may_be_listed(const struct module *module)
{
	struct ks_round round = ks_round(list_head(), LIST_MAX);
	const struct list_head *at;

	while ((at = ks_round_next(&round)))
		if (at == &module->list)
			return true;
	return !round.whole || module == THIS_MODULE;
}

/* A module that comes is in the list before that is said, and one that goes still is. */
static int on_module(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;

	if ((event != MODULE_STATE_COMING && event != MODULE_STATE_GOING) || !may_be_listed(module))
		return NOTIFY_DONE;
	spin_lock(&suspects_lock);
	for (struct suspect *i = suspects; i < suspects + SUSPECTS_MAX; i++)
		if (is_in(i->address, code_start(module, false), ks_module_bytes(module)) ||
		    is_in(i->address, code_start(module, true), ks_module_bytes(module)))
			i->since_ns = ktime_get_ns();
	spin_unlock(&suspects_lock);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = on_module };

/* Without the list there is nothing to hold the rest against. */
static struct ks_torn list_torn, objects_torn;

/*
 * What to do when the list was no ring: look again in the next step, in which whoever changes it
 * may be done, or give up.
 */
static int torn_list(struct ks_probe *probe)
{
	if (!ks_is_torn(&list_torn, false))
		return KS_SET_ELSEWHERE;
	ks_probe_failed(probe, "the list of modules is no ring");
	return KS_SET_FAILED;
}

static const char *state_of(const struct module *module)
{
	switch (module->state) {
	case MODULE_STATE_LIVE:
		return "live";
	case MODULE_STATE_COMING:
		return "loading";
	default:
		return "unloading";
	}
}

/* The letters of /proc/modules. */
static void put_taints(char *out, size_t size, unsigned long taints)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXTN";

	BUILD_BUG_ON(sizeof(letters) - 1 > TAINT_FLAGS_COUNT);
	for (unsigned int i = 0; i < sizeof(letters) - 1 && size > 1; i++)
		if (taints & 1UL << i) {
			*out++ = letters[i];
			size--;
		}
}

static int copy_module(const struct module *module, struct ks_module *item)
{
	if (!copy_shadow(module))
		return KS_SET_SKIP;
	item->module = (uintptr_t)module;
	strscpy_pad(item->name, shadow.name, sizeof(item->name));
	item->base = code_start(&shadow, false);
	item->size_bytes = ks_module_bytes(&shadow);
	item->text_bytes = code_bytes(&shadow, false);
	strscpy(item->state, state_of(&shadow), sizeof(item->state));
	put_taints(item->taints, sizeof(item->taints), shadow.taints);
#ifdef CONFIG_MODULE_UNLOAD
	item->refcount = atomic_read(&shadow.refcnt) - 1; /* the first is the kernel's own */
#endif
	return MODULE_KIND;
}

/* === Findings =========================================================== */

/*
 * Whether @module may have code from @address to @end that it needs only until it has started.
 * One that has started has waited for whatever its init function set off, and lets its symbols and
 * that code go in one step.
 */
static bool may_have_init_code(const struct module *module, uintptr_t address, uintptr_t end)
{
	if (!copy_shadow(module))
		return false;
	if (shadow.state == MODULE_STATE_COMING || shadow.state == MODULE_STATE_UNFORMED)
		return true;
#ifdef CONFIG_KALLSYMS
	if (rcu_access_pointer(shadow.kallsyms) == &module->core_kallsyms)
		return false;
#endif
	return !is_old_suspect(NO_OWNER, address, end - address, true, STARTED_PATIENCE_NS);
}

/* That it leads to where no module is to be read is no way to hide it. */
static int copy_hidden(const struct module *module, const char *seen, struct ks_hidden_module *item)
{
	item->module = (uintptr_t)module;
	if (copy_shadow(module)) {
		strscpy_pad(item->name, shadow.name, sizeof(item->name));
		item->base = code_start(&shadow, false);
		item->size_bytes = ks_module_bytes(&shadow);
		item->text_bytes = code_bytes(&shadow, false);
	}
	strscpy(item->seen, seen, sizeof(item->seen));
	strscpy(item->missing, "module-list", sizeof(item->missing));
	return HIDDEN_KIND;
}

/* At the place of @bytes at @address, which stays, whatever is said to be there. */
static int copy_unlisted(const struct module *module, enum view seen, uint64_t address, uint64_t bytes,
			 struct ks_hidden_module *item)
{
	if (is_old_suspect(UNLISTED, address, bytes, false, HIDDEN_PATIENCE_NS))
		return copy_hidden(module, view_names[seen], item);
	waits[seen] = true;
	return KS_SET_SKIP;
}

/* Of a module in the list. */
static int copy_listed(const struct module *module, void *item)
{
	enum module_state state;

	if (!KS_GET(state, &module->state))
		return KS_SET_SKIP;
	if (state != MODULE_STATE_UNFORMED)
		return copy_module(module, item);
	if (is_unformed_for_long(module))
		return copy_hidden(module, "unformed", item);
	waits[MODULE_LIST] = true;
	return KS_SET_SKIP;
}

/* === Objects of /sys/module ============================================= */

/*
 * The module with the lowest address above @after that has an object, in *@next; NULL: none.
 * Those without a module are parts of the kernel itself.  False: the objects are no ring, or
 * somebody just changes them.
 */
static bool next_in_sysfs(uintptr_t after, struct module **next)
{
	struct kset *kset;
	struct ks_round round;
	const struct list_head *at;

	*next = NULL;
	if (!KS_GET(kset, kernel.module_kset))
		return false;
	round = ks_round(&kset->list, LIST_MAX);
	while ((at = ks_round_next(&round))) {
		const struct kobject *object = list_entry(at, struct kobject, entry);
		struct module *module;

		if (KS_GET(module, &container_of(object, struct module_kobject, kobj)->mod) &&
		    (uintptr_t)module > after && (!*next || module < *next))
			*next = module;
	}
	return round.whole;
}

/* === Executable memory ================================================== */

/*
 * Code that the kernel makes as it goes.  It is told by the function that took the memory for it,
 * as /proc/vmallocinfo shows it.  Whoever can write the kernel's memory can write that as well: it
 * tells apart, it proves nothing.
 */
static const struct {
	const char *prefix, *owner;
} allocators[] = {
	{ "bpf_", "bpf" },           { "alloc_new_pack", "bpf" },   { "alloc_insn_page", "kprobes" },
	{ "alloc_optinsn_page", "kprobes" }, { "arch_ftrace_update_trampoline", "ftrace" },
	{ "create_trampoline", "ftrace" },
	{ "its_", "its" },
};

static const char *owner_by(const char *symbol)
{
	/* Of a module: it may call its functions what it likes. */
	if (strchr(symbol, '['))
		return NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(allocators); i++)
		if (!strncmp(symbol, allocators[i].prefix, strlen(allocators[i].prefix)))
			return allocators[i].owner;
	return NULL;
}

/*
 * Executable memory at @address that no module owns as code; @in_data: it is in one's memory, of
 * which the rest has an owner.  The progress goes behind it.
 */
static int copy_code(uintptr_t address, uintptr_t bytes, bool in_data, uint64_t *progress, struct ks_code *item)
{
	char symbol[KSYM_SYMBOL_LEN] = "";
	const char *owner;
	struct vm_struct area;

	item->start = address;
	item->bytes = bytes;
	if (ks_vm_area(address, &area)) {
		if (!in_data)
			item->bytes = (uintptr_t)area.addr + get_vm_area_size(&area) - address;
		ks_symbol_at((unsigned long)area.caller, symbol, sizeof(symbol));
	}
	*progress = max_t(uint64_t, *progress, address + item->bytes);
	strscpy(item->allocated_by, symbol, sizeof(item->allocated_by));
	owner = in_data ? NULL : owner_by(symbol);
	if (owner) {
		item->start = (uintptr_t)area.addr;
		item->bytes = get_vm_area_size(&area);
		strscpy(item->owner, owner, sizeof(item->owner));
		return GENERATED_KIND;
	}
	/* Where it begins the page tables say: the area's own word is somebody's to change. */
	if (is_old_suspect(NO_OWNER, item->start, item->bytes, false, UNOWNED_PATIENCE_NS))
		return UNOWNED_KIND;
	waits[VM_AREAS] = true;
	return KS_SET_SKIP;
}

/* How many page tables are looked at in one call. */
#define TABLES_MAX 16

/*
 * Goes on from *@progress to the next executable memory below @end, if it is within reach of this
 * call.  The progress never goes back.
 */
static int next_code(struct ks_probe *probe, uint64_t *progress, uintptr_t end, void *item)
{
	struct query query = { };
	struct module *module;
	uintptr_t address = *progress, bytes;
	bool found = false;

	for (unsigned int i = 0; i < TABLES_MAX && address < end && !found; i++)
		found = ks_next_executable(&address, end, &bytes);
	if (!found || address >= end) {
		*progress = address;
		return KS_SET_SKIP;
	}
	module = ks_module_of(address);
	/* What the tree says may be anything: code of no module that can be read is nobody's. */
	if (module && !copy_shadow(module))
		module = NULL;
	query.wanted = module;
	query.address = module ? 0 : address;
	if (!ask_list(&query))
		return torn_list(probe);
	ks_is_torn(&list_torn, true);
	*progress = address + bytes;
	if (module && !query.listed)
		return copy_unlisted(module, MODULE_TREE, address, bytes, item);
	if (module) {
		query.address = address;
		ask_owner(&query, module);
	}
	if (query.owner &&
	    (!query.owner_starts || may_have_init_code(query.owner, address, PAGE_ALIGN(query.owner_end)))) {
		*progress = max_t(uint64_t, *progress, PAGE_ALIGN(query.owner_end));
		return KS_SET_SKIP;
	}
	return ks_vm_areas_known() ? copy_code(address, bytes, module && !query.owner, progress, item) : KS_SET_SKIP;
}

/* === The walk =========================================================== */

/* What the progress holds; AT_TORN: the objects of /sys/module could not be gone through. */
enum { AT_STAGE, AT_PLACE, AT_TORN };

/* The views last: what they have seen is told with them. */
enum stage { START, LIST, SYSFS, MODULE_AREA, VMALLOC_AREA, TOLD_VIEWS, END };

static void enter(struct ks_set_progress *progress, enum stage stage, uint64_t place)
{
	progress->at[AT_STAGE] = stage;
	progress->at[AT_PLACE] = place;
}

static int next_view(struct ks_set_progress *progress, struct ks_view *item)
{
	const bool available[VIEWS] = {
		[MODULE_LIST] = true, [LIST_HEAD] = kernel.modules, [IN_SYSFS] = kernel.module_kset,
		[MODULE_TREE] = ks_module_tree_known(), [VM_AREAS] = ks_page_tables_known() && ks_vm_areas_known(),
	};
	uint64_t i = progress->at[AT_PLACE]++;

	if (i == VIEWS) {
		enter(progress, END, 0);
		return KS_SET_SKIP;
	}
	strscpy(item->name, view_names[i], sizeof(item->name));
	item->available = available[i];
	item->waits = waits[i];
	return VIEW_KIND;
}

static int next_in_list(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct query query = { .after = progress->at[AT_PLACE] };

	if (!ask_list(&query))
		return torn_list(probe);
	ks_is_torn(&list_torn, true);
	progress->at[AT_PLACE] = (uintptr_t)query.next;
	if (query.next)
		return copy_listed(query.next, item);
	enter(progress, SYSFS, 0);
	return KS_SET_SKIP;
}

/*
 * The rest of the pass is made, whatever this list is like: to tear it is no way to keep the
 * others from being looked at.
 */
static void leave_sysfs(struct ks_probe *probe, struct ks_set_progress *progress)
{
	/* Whoever asks is told all of it, however low the level is. */
	bool searches = probe->level >= KS_DEFAULT || probe->announce;

	if (searches && ks_page_tables_known())
		enter(progress, MODULE_AREA, MODULES_VADDR);
	else
		enter(progress, TOLD_VIEWS, 0);
}

static int next_object(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	struct query query = { };
	struct module *module = NULL;

	if (kernel.module_kset && !next_in_sysfs(progress->at[AT_PLACE], &module)) {
		if (!ks_is_torn(&objects_torn, false))
			return KS_SET_ELSEWHERE;
		progress->at[AT_TORN] = true;
		leave_sysfs(probe, progress);
		return KS_SET_SKIP;
	}
	ks_is_torn(&objects_torn, true);
	if (!module) {
		leave_sysfs(probe, progress);
		return KS_SET_SKIP;
	}
	query.wanted = module;
	if (!ask_list(&query))
		return torn_list(probe);
	ks_is_torn(&list_torn, true);
	progress->at[AT_PLACE] = (uintptr_t)module;
	return query.listed ? KS_SET_SKIP : copy_unlisted(module, IN_SYSFS, (uintptr_t)module, 1, item);
}

static int next_in_memory(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	bool in_modules = progress->at[AT_STAGE] == MODULE_AREA;
	uintptr_t end = in_modules ? MODULES_END : VMALLOC_END;

	if (progress->at[AT_PLACE] < end)
		return next_code(probe, &progress->at[AT_PLACE], end, item);
	if (in_modules && probe->level >= KS_ADVERSARIAL)
		enter(progress, VMALLOC_AREA, VMALLOC_START);
	else
		enter(progress, TOLD_VIEWS, 0);
	return KS_SET_SKIP;
}

static int end_walk(struct ks_probe *probe, const struct ks_set_progress *progress)
{
	ks_tell_shortfall(probe, &placed);
	if (progress->at[AT_TORN]) {
		ks_probe_failed(probe, "the objects of /sys/module are no ring");
		return KS_SET_FAILED;
	}
	if (ks_page_tables_endless()) {
		ks_probe_failed(probe, "more page tables than memory can hold");
		return KS_SET_FAILED;
	}
	return KS_SET_END;
}

static int modules_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	switch ((enum stage)progress->at[AT_STAGE]) {
	case START:
		pass++;
		placed.looked = placed.of = 0;
		memset(waits, 0, sizeof(waits));
		ks_page_tables_begin();
		enter(progress, LIST, 0);
		return KS_SET_SKIP;
	case LIST:
		return next_in_list(probe, progress, item);
	case SYSFS:
		return next_object(probe, progress, item);
	case MODULE_AREA:
	case VMALLOC_AREA:
		return next_in_memory(probe, progress, item);
	case TOLD_VIEWS:
		return next_view(progress, item);
	case END:
		break;
	}
	return end_walk(probe, progress);
}

static int modules_init(struct ks_probe *probe)
{
	(void)probe;
	BUILD_BUG_ON(NAME_BYTES != MODULE_NAME_LEN);
	kernel.modules = (void *)ks_symbol("modules");
	kernel.module_kset = (void *)ks_symbol("module_kset");
	ks_code_init();
	list_torn = objects_torn = (struct ks_torn){ };
	memset(suspects, 0, sizeof(suspects));
	return register_module_notifier(&notifier) ? -1 : 0;
}

static void modules_exit(struct ks_probe *probe)
{
	(void)probe;
	unregister_module_notifier(&notifier);
}

static const struct ks_set_type modules_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items_max = 1024,
	.init = modules_init,
	.exit = modules_exit,
	.next = modules_next,
};

const struct ks_probe_type ks_linux_modules = {
	.name = "modules",
	.interval_ns = {
		[KS_LOW] = 30 * NSEC_PER_SEC,
		[KS_DEFAULT] = 5 * NSEC_PER_SEC,
		[KS_HIGH] = NSEC_PER_SEC,
		[KS_ADVERSARIAL] = 200 * NSEC_PER_MSEC,
	},
	.pause_ns = {
		[KS_LOW] = NSEC_PER_MSEC,
		[KS_DEFAULT] = 500 * NSEC_PER_USEC,
		[KS_HIGH] = 250 * NSEC_PER_USEC,
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&modules_set),
};
