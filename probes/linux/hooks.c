// SPDX-License-Identifier: GPL-2.0-only
/*
 * hooks.c - see hooks.h.
 *
 * Layouts that no header has are those of kernel/kprobes.c and kernel/trace/trace.h, the same from
 * Linux 5.11 to 6.12.
 */
#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/string.h>

#include "../../linux/compat.h"
#if KS_FPROBES
#include <linux/fprobe.h>
#endif
#include "../../linux/symbols.h"
#include "code.h"
#include "hooks.h"
#include "walk.h"

/* === Data === */

/* The table of kprobes, by the hash of where they are. */
#define KPROBE_HASH_BITS 6
#define KPROBE_CHAINS (1 << KPROBE_HASH_BITS)
/* A chain, a probe's list of probes, those who trace: no more of each are looked at. */
#define NODES_MAX 1024
/* So many functions that one traces are told one by one. */
#define FUNCTIONS_MAX 256
#define HASH_BITS_MAX 12

struct function_hash {
	unsigned long size_bits;
	struct hlist_head *chains;
	unsigned long count;
};

struct function_entry {
	struct hlist_node node;
	unsigned long address;
	unsigned long direct;
};

/* Constant from init on; NULL: this kernel has none by that name. */
static const struct hlist_head *kprobes;
static struct ftrace_ops *const *tracers;
static const struct ftrace_ops *tracers_end;
static struct function_hash *const *direct_calls;
static unsigned long many_handlers, return_handler, fprobe_handler, shared_fprobe_handler;

/* Of this pass. */
static struct ks_patience patience;
static struct ks_shortfall kprobes_seen = { .view = "kprobes" }, tracers_seen = { .view = "tracers" };

/* Where the walk is, by at[0]: a chain of the table of kprobes, or one of these. */
enum { TRACERS = KPROBE_CHAINS, DIRECT, END };

/* === Chains === */

enum found { FOUND, NONE, TORN };

/*
 * The node that *@from leads to, and then where that one leads on; each says who leads to it.
 */
static enum found next_in_chain(struct hlist_node *const **from, const struct hlist_node **node)
{
	struct hlist_node **back;

	if (!KS_GET(*node, *from))
		return TORN;
	if (!*node)
		return NONE;
	if (!KS_GET(back, &(*node)->pprev) || back != *from)
		return TORN;
	*from = &(*node)->next;
	return FOUND;
}

/* The node at place @i of @head's chain. */
static enum found chain_node(const struct hlist_head *head, uint64_t i, const struct hlist_node **node)
{
	struct hlist_node *const *from = &head->first;
	enum found found = next_in_chain(&from, node);

	for (; found == FOUND && i; i--)
		found = next_in_chain(&from, node);
	return found;
}

/* The function at place @i of the hash at *@hash; and in *@entry what is known of it. */
static enum found hash_entry_at(const struct function_hash *hash, uint64_t i, struct function_entry *entry)
{
	const struct hlist_node *node;

	if (hash->size_bits > HASH_BITS_MAX)
		return TORN;
	for (unsigned long chain = 0; chain < 1UL << hash->size_bits; chain++) {
		for (uint64_t in_chain = 0;; in_chain++, i--) {
			enum found found =
				in_chain > FUNCTIONS_MAX ? TORN : chain_node(hash->chains + chain, in_chain, &node);

			if (found == NONE)
				break;
			if (found == TORN ||
			    !KS_GET(entry->address, &container_of(node, struct function_entry, node)->address) ||
			    !KS_GET(entry->direct, &container_of(node, struct function_entry, node)->direct))
				return TORN;
			if (!i)
				return FOUND;
		}
	}
	return NONE;
}

/* === Items === */

/* One is an item unless the kernel's own code is called. */
static int put_hook(struct ks_hook *item, const char *by, uint64_t address, uint64_t handler)
{
	if (!handler || ks_in_text(handler))
		return KS_SET_SKIP;
	item->address = address;
	item->handler = handler;
	strscpy_pad(item->by, by, sizeof(item->by));
	if (address)
		ks_symbol_at(address, item->symbol, sizeof(item->symbol));
	else
		strscpy_pad(item->symbol, "many", sizeof(item->symbol));
	ks_symbol_at(handler, item->handler_symbol, sizeof(item->handler_symbol));
	return 0;
}

/* Of two that are called, the one that is to be told. */
static uint64_t foreign_of(uint64_t one, uint64_t other)
{
	return one && !ks_in_text(one) ? one : other;
}

/* @before: its first handler. */
static int put_kprobe(struct ks_hook *item, const struct kprobe *probe, uint64_t address, uint64_t before)
{
	uint64_t behind;
#ifdef CONFIG_KRETPROBES
	const struct kretprobe *returns = container_of(probe, struct kretprobe, kp);
	uint64_t at_return, at_entry;

	if (return_handler && before == return_handler && KS_GET(at_return, &returns->handler) &&
	    KS_GET(at_entry, &returns->entry_handler) &&
	    !put_hook(item, "kretprobe", address, foreign_of(at_return, at_entry)))
		return 0;
#endif
	return KS_GET(behind, &probe->post_handler) ? put_hook(item, "kprobe", address, foreign_of(before, behind))
						    : KS_SET_SKIP;
}

/*
 * Of a chain of the table: at[1] is the place in it, and at[2] the place in the list of a probe
 * that stands for more than one at the same address.
 */
static int next_kprobe(uint64_t at[3], struct ks_hook *item, enum found *found)
{
	const struct hlist_node *node;
	const struct kprobe *probe;
	const struct list_head *link;
	struct ks_round round;
	uint64_t address, before;

	*found = at[1] < NODES_MAX ? chain_node(kprobes + at[0], at[1], &node) : TORN;
	if (*found != FOUND)
		return KS_SET_SKIP;
	probe = container_of(node, struct kprobe, hlist);
	if (!KS_GET(address, &probe->addr) || !KS_GET(before, &probe->pre_handler)) {
		*found = TORN;
		return KS_SET_SKIP;
	}
	if (!many_handlers || before != many_handlers) {
		at[1]++;
		return put_kprobe(item, probe, address, before);
	}
	round = ks_round(&probe->list, NODES_MAX);
	for (uint64_t i = 0; (link = ks_round_next(&round)); i++) {
		if (i < at[2])
			continue;
		at[2]++;
		probe = container_of(link, struct kprobe, list);
		if (!KS_GET(before, &probe->pre_handler))
			break;
		return put_kprobe(item, probe, address, before);
	}
	if (!round.whole)
		*found = TORN;
	at[1]++;
	at[2] = 0;
	return KS_SET_SKIP;
}

/* The one that *@from leads to of those who trace, and then where it leads on. */
static enum found next_ops(struct ftrace_ops *const **from, const struct ftrace_ops **ops)
{
	if (!KS_GET(*ops, *from) || !*ops)
		return TORN;
	*from = (struct ftrace_ops *const *)&(*ops)->next;
	return *ops == tracers_end ? NONE : FOUND;
}

/* The one at place @i of them. */
static enum found tracer_at(uint64_t i, const struct ftrace_ops **ops)
{
	struct ftrace_ops *const *from = tracers;
	enum found found = next_ops(&from, ops);

	for (; found == FOUND && i; i--)
		found = next_ops(&from, ops);
	return found;
}

/*
 * Who is called by way of @ops, and how: it is the kernel's own only if no other is.  For some the
 * kernel's own is called first, which then calls them.  False: not to be read.
 */
static bool read_handler(const struct ftrace_ops *ops, uint64_t *handler, const char **by)
{
	uint64_t saved;

	*by = "ftrace";
	if (!KS_GET(*handler, &ops->func) || !KS_GET(saved, &ops->saved_func))
		return false;
	*handler = foreign_of(*handler, saved);
#if KS_FPROBES
	if (*handler && (*handler == fprobe_handler || *handler == shared_fprobe_handler)) {
		const struct fprobe *probe = container_of(ops, struct fprobe, ops);
		uint64_t at_entry, at_exit;

		*by = "fprobe";
		if (!KS_GET(at_entry, &probe->entry_handler) || !KS_GET(at_exit, &probe->exit_handler))
			return false;
		*handler = foreign_of(at_entry, at_exit);
	}
#endif
	return true;
}

static bool copy_hash(struct function_hash *hash, struct function_hash *const *from)
{
	const struct function_hash *at;

	return KS_GET(at, from) && at && ks_read_any(hash, at, sizeof(*hash));
}

/* Who traces: at[1] is the place among them, and at[2] that of a function. */
static int next_tracer(uint64_t at[3], struct ks_hook *item, enum found *found)
{
	const struct ftrace_ops *ops;
	const struct ftrace_ops_hash *functions;
	struct function_hash hash;
	struct function_entry entry;
	uint64_t handler;
	const char *by;

	*found = at[1] < NODES_MAX ? tracer_at(at[1], &ops) : TORN;
	if (*found != FOUND)
		return KS_SET_SKIP;
	if (!read_handler(ops, &handler, &by) || !KS_GET(functions, &ops->func_hash)) {
		*found = TORN;
		return KS_SET_SKIP;
	}
	if (!handler || ks_in_text(handler))
		goto next;
	if (!functions || !copy_hash(&hash, (struct function_hash *const *)&functions->filter_hash)) {
		*found = TORN;
		return KS_SET_SKIP;
	}
	if (!hash.count || hash.count > FUNCTIONS_MAX) {
		at[1]++;
		return put_hook(item, by, 0, handler);
	}
	/* It may have more than it says. */
	*found = at[2] <= FUNCTIONS_MAX ? hash_entry_at(&hash, at[2]++, &entry) : TORN;
	if (*found == FOUND)
		return put_hook(item, by, entry.address, handler);
	if (*found == TORN)
		return KS_SET_SKIP;
	*found = FOUND;
next:
	at[1]++;
	at[2] = 0;
	return KS_SET_SKIP;
}

/* The functions that call somebody without ftrace in between: at[1] is the place among them. */
static int next_direct(uint64_t at[3], struct ks_hook *item, enum found *found)
{
	struct function_hash hash;
	struct function_entry entry;

	if (!copy_hash(&hash, direct_calls)) {
		*found = TORN;
		return KS_SET_SKIP;
	}
	*found = at[1] < NODES_MAX ? hash_entry_at(&hash, at[1], &entry) : TORN;
	if (*found != FOUND)
		return KS_SET_SKIP;
	at[1]++;
	return put_hook(item, "direct", entry.address, entry.direct);
}

/* === Interface === */

void ks_hooks_init(void)
{
	ks_code_init();
	if (!ks_text_known())
		return;
	kprobes = (void *)ks_symbol("kprobe_table");
	many_handlers = ks_symbol("aggr_pre_handler");
	return_handler = ks_symbol("pre_handler_kretprobe");
	tracers = (void *)ks_symbol("ftrace_ops_list");
	tracers_end = (void *)ks_symbol("ftrace_list_end");
	direct_calls = (void *)ks_symbol("direct_functions");
	fprobe_handler = ks_symbol("fprobe_handler");
	shared_fprobe_handler = ks_symbol("fprobe_kprobe_handler");
}

bool ks_kprobes_known(void)
{
	return kprobes;
}

bool ks_tracers_known(void)
{
	return tracers && tracers_end;
}

bool ks_have_kprobes(void)
{
	struct hlist_head heads[KPROBE_CHAINS];

	if (!kprobes)
		return false;
	return copy_from_kernel_nofault(heads, kprobes, sizeof(heads)) || memchr_inv(heads, 0, sizeof(heads));
}

const struct kprobe *ks_kprobe_at(uint64_t address, struct kprobe *copy)
{
	struct hlist_node *const *from;
	const struct hlist_node *node;

	if (!kprobes)
		return NULL;
	from = &kprobes[hash_ptr((void *)address, KPROBE_HASH_BITS)].first;
	for (unsigned int i = 0; i < NODES_MAX && next_in_chain(&from, &node) == FOUND; i++) {
		const struct kprobe *at = container_of(node, struct kprobe, hlist);

		if (!KS_GET(*copy, at))
			return NULL;
		if ((uint64_t)copy->addr == address)
			return at;
	}
	return NULL;
}

bool ks_in_tracer_code(uint64_t address)
{
	struct ftrace_ops *const *from = tracers;
	const struct ftrace_ops *ops;

	if (!ks_tracers_known())
		return false;
	for (unsigned int i = 0; i < NODES_MAX && next_ops(&from, &ops) == FOUND; i++) {
		unsigned long start, bytes;

		if (!KS_GET(start, &ops->trampoline) || !KS_GET(bytes, &ops->trampoline_size))
			return false;
		if (start && address >= start && address - start < bytes)
			return true;
	}
	return false;
}

static void begin_list(uint64_t at[3], uint64_t list)
{
	at[0] = list;
	at[1] = at[2] = 0;
}

void ks_hooks_begin(void)
{
	kprobes_seen.looked = kprobes_seen.of = tracers_seen.looked = tracers_seen.of = 0;
	patience = (struct ks_patience){ 0 };
}

int ks_next_hook(struct ks_probe *probe, uint64_t at[3], struct ks_hook *item)
{
	struct ks_shortfall *seen = at[0] < TRACERS ? &kprobes_seen : &tracers_seen;
	enum found found = NONE;
	int kind = KS_SET_SKIP;

	if (at[0] == END) {
		ks_tell_shortfall(probe, &kprobes_seen);
		ks_tell_shortfall(probe, &tracers_seen);
		return KS_SET_END;
	}
	if (at[0] < TRACERS && kprobes)
		kind = next_kprobe(at, item, &found);
	else if (at[0] == TRACERS && ks_tracers_known())
		kind = next_tracer(at, item, &found);
	else if (at[0] == DIRECT && direct_calls)
		kind = next_direct(at, item, &found);
	if (found == FOUND)
		return kind;
	/* Who changes it may be done in the next step. */
	if (found == TORN && ks_is_passing(&patience, at[0]))
		return KS_SET_ELSEWHERE;
	seen->of++;
	seen->looked += found == NONE;
	begin_list(at, at[0] + 1);
	return KS_SET_SKIP;
}
