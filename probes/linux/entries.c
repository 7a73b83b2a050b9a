// SPDX-License-Identifier: GPL-2.0-only
/*
 * entries.c - the probe kernel-entries: where this kernel wants to be entered, for a comparison
 * with where Xen enters it (dom0-entries).
 *
 * A paravirtual kernel keeps an IDT that no CPU uses, and registers for each of its gates a
 * function of its own with Xen, which leads to the gate's (arch/x86/xen/enlighten_pv.c,
 * get_trap_addr()).  What belongs to what is found by the functions' names, once, at start.  In a
 * kernel that is not paravirtual one item says so: its IDT is the CPUs', and kernel-text watches
 * that.
 *
 * And who is called where the kernel patches its own code for others (hooks.h), and at its trace
 * events, of which one is at each system call: where more than one function is, the code calls the
 * kernel's own that calls them, and only the list of them in its data says which they are.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <asm/desc.h>
#include <xen/xen.h>

#include "../../linux/symbols.h"
#include "../set.h"
#include "code.h"
#include "hooks.h"
#include "task.h"
#include "walk.h"

/* === Data === */

#define SYMBOL_BYTES 48

struct ks_kernel {
	uint32_t vectors;
	uint32_t tracepoints;
	uint8_t registers;
	uint8_t kprobes;
	uint8_t tracers;
};

static const struct ks_field kernel_fields[] = {
	KS_FIELD(struct ks_kernel, vectors, KS_U32, "of its IDT"),
	KS_FIELD(struct ks_kernel, tracepoints, KS_U32,
		 "its trace events, of which each `listener` is looked for; 0: they were not found"),
	KS_FIELD(struct ks_kernel, registers, KS_BOOL,
		 "it is paravirtual and registers its entry points; `false`: there is no `trap` and no `callback`, "
		 "and `kernel-text` watches the IDT "
		 "that the CPUs use"),
	KS_FIELD(struct ks_kernel, kprobes, KS_BOOL,
		 "its table of kprobes was found; `false`: no `hook` is told of any"),
	KS_FIELD(struct ks_kernel, tracers, KS_BOOL,
		 "the list of those who trace its functions was found; `false`: no `hook` is told of any"),
};

struct ks_trap {
	uint32_t vector, zero; /* without padding, for the key */
	uint64_t address;
	char symbol[SYMBOL_BYTES];
};

static const struct ks_field trap_fields[] = {
	KS_FIELD(struct ks_trap, vector, KS_U32, "0 to 255"),
	KS_FIELD(struct ks_trap, address, KS_HEX, "of the function"),
	KS_FIELD(struct ks_trap, symbol, KS_STRING, "its name"),
};

struct ks_callback {
	char name[10];
	char symbol[SYMBOL_BYTES];
	uint64_t address;
};

static const struct ks_field callback_fields[] = {
	KS_FIELD(struct ks_callback, name, KS_STRING,
		 "as in `dom0-entries`: `event`, `failsafe`, `syscall`, `syscall32`, `sysenter`"),
	KS_FIELD(struct ks_callback, address, KS_HEX, "of the function"),
	KS_FIELD(struct ks_callback, symbol, KS_STRING, "its name"),
};

struct ks_listener {
	char tracepoint[SYMBOL_BYTES];
	uint64_t address;
	char symbol[SYMBOL_BYTES];
};

static const struct ks_field listener_fields[] = {
	KS_FIELD(struct ks_listener, tracepoint, KS_STRING,
		 "the trace event; `sys_enter` and `sys_exit` are at each system call"),
	KS_FIELD(struct ks_listener, address, KS_HEX, "of the function"),
	KS_FIELD(struct ks_listener, symbol, KS_STRING, "its name, and the module that it is in"),
};

static const struct ks_field hook_fields[] = {
	KS_FIELD(struct ks_hook, by, KS_STRING,
		 "by which of the kernel's means: `kprobe`, `kretprobe`, `ftrace`, `fprobe`, or `direct`, a call in "
		 "the place of ftrace's, as BPF has them"),
	KS_FIELD(struct ks_hook, address, KS_HEX, "of the place; 0: every function, or more than 256"),
	KS_FIELD(struct ks_hook, symbol, KS_STRING, "name and offset of the place; `many`, if `address` is 0"),
	KS_FIELD(struct ks_hook, handler, KS_HEX, "of the function that is called there"),
	KS_FIELD(struct ks_hook, handler_symbol, KS_STRING,
		 "its name and offset, and the module that it is in; the address, if it has no name"),
};

enum { KERNEL, TRAP, CALLBACK, LISTENER, HOOK };

static const struct ks_set_kind kinds[] = {
	[KERNEL] = KS_KIND("kernel", struct ks_kernel, kernel_fields, vectors,
			   "One: the kernel, and whether it registers what is below."),
	[TRAP] = KS_STILL("trap", struct ks_trap, trap_fields, address, "What may be registered for a vector."),
	[CALLBACK] = KS_STILL("callback", struct ks_callback, callback_fields, name,
			      "What may be registered beside the vectors."),
	[LISTENER] = KS_ALARMS("listener", struct ks_listener, listener_fields, address,
			       "A finding: a function that is called at a trace event of the kernel's and is not the "
			       "kernel's own code."),
	[HOOK] = KS_ALARMS("hook", struct ks_hook, hook_fields, by,
			   "A finding: a function that is called where the kernel has patched its code for that, and "
			   "is not the kernel's own code."),
};

/*
 * The gate's function, and the one that is registered for it; of Linux 5.10 to 6.12, some had
 * other names.
 */
static const struct {
	const char *gate, *registered;
} trap_names[] = {
	{ "asm_exc_divide_error", "xen_asm_exc_divide_error" },
	{ "asm_exc_debug", "xen_asm_xenpv_exc_debug" },
	{ "asm_exc_debug", "xen_asm_exc_xendebug" },
	{ "asm_exc_nmi", "xen_asm_xenpv_exc_nmi" },
	{ "asm_exc_nmi", "xen_asm_exc_xennmi" },
	{ "asm_exc_int3", "xen_asm_exc_int3" },
	{ "asm_exc_overflow", "xen_asm_exc_overflow" },
	{ "asm_exc_bounds", "xen_asm_exc_bounds" },
	{ "asm_exc_invalid_op", "xen_asm_exc_invalid_op" },
	{ "asm_exc_device_not_available", "xen_asm_exc_device_not_available" },
	{ "asm_exc_double_fault", "xen_asm_xenpv_exc_double_fault" },
	{ "asm_exc_double_fault", "xen_asm_exc_double_fault" },
	{ "asm_exc_coproc_segment_overrun", "xen_asm_exc_coproc_segment_overrun" },
	{ "asm_exc_invalid_tss", "xen_asm_exc_invalid_tss" },
	{ "asm_exc_segment_not_present", "xen_asm_exc_segment_not_present" },
	{ "asm_exc_stack_segment", "xen_asm_exc_stack_segment" },
	{ "asm_exc_general_protection", "xen_asm_exc_general_protection" },
	{ "asm_exc_page_fault", "xen_asm_exc_page_fault" },
	{ "asm_exc_spurious_interrupt_bug", "xen_asm_exc_spurious_interrupt_bug" },
	{ "asm_exc_coprocessor_error", "xen_asm_exc_coprocessor_error" },
	{ "asm_exc_alignment_check", "xen_asm_exc_alignment_check" },
	{ "asm_exc_machine_check", "xen_asm_xenpv_exc_machine_check" },
	{ "asm_exc_machine_check", "xen_asm_exc_machine_check" },
	{ "asm_exc_simd_coprocessor_error", "xen_asm_exc_simd_coprocessor_error" },
	{ "asm_exc_control_protection", "xen_asm_exc_control_protection" },
	{ "asm_int80_emulation", "xen_asm_int80_emulation" },
	{ "asm_int80_emulation", "xen_entry_INT80_compat" },
	{ "entry_INT80_compat", "xen_entry_INT80_compat" },
};
/* For the gates of all others. */
#define UNKNOWN_TRAP "xen_asm_exc_xen_unknown_trap"
/*
 * For the first 32 gates, while the kernel starts.  Those that never get a handler of their own
 * stay so registered, though the code is freed once the kernel has started: seen in 6.1.  One of 8
 * bytes for each vector.
 */
#define EARLY_TRAPS "xen_early_idt_handler_array"
#define EARLY_TRAP_BYTES 8

static const struct {
	char name[10];
	const char *symbol;
} callback_names[] = {
	{ "event", "xen_asm_exc_xen_hypervisor_callback" },
	{ "failsafe", "xen_failsafe_callback" },
	{ "syscall", "xen_entry_SYSCALL_64" },
	{ "syscall32", "xen_entry_SYSCALL_compat" },
	{ "sysenter", "xen_entry_SYSENTER_compat" },
};

/* Addresses, constant from init on; 0: this kernel has none by that name. */
static struct {
	unsigned long gate, registered;
} traps[ARRAY_SIZE(trap_names)];
static unsigned long unknown_trap, early_traps, callbacks[ARRAY_SIZE(callback_names)], idt;
static tracepoint_ptr_t *events, *events_end;

/* === Items === */

static int copy_kernel(struct ks_kernel *item)
{
	item->registers = xen_pv_domain() && idt;
	item->vectors = IDT_ENTRIES;
	item->kprobes = ks_kprobes_known();
	item->tracers = ks_tracers_known();
	item->tracepoints = events ? (uint32_t)(events_end - events) : 0;
	return KERNEL;
}

static int copy_trap(unsigned int vector, struct ks_trap *item)
{
	const char *symbol = UNKNOWN_TRAP;
	unsigned long address = unknown_trap;
	gate_desc gate;

	if (copy_from_kernel_nofault(&gate, (const gate_desc *)idt + vector, sizeof(gate)) || !gate_offset(&gate))
		return KS_SET_SKIP;
	for (unsigned int i = 0; i < ARRAY_SIZE(traps); i++) {
		if (traps[i].gate == gate_offset(&gate) && traps[i].registered) {
			address = traps[i].registered;
			symbol = trap_names[i].registered;
			break;
		}
	}
	if (!address)
		return KS_SET_SKIP;
	item->vector = vector;
	item->address = address;
	strscpy_pad(item->symbol, symbol, sizeof(item->symbol));
	return TRAP;
}

static int copy_early_trap(unsigned int vector, struct ks_trap *item)
{
	struct ks_trap now;

	if (!early_traps || copy_trap(vector, &now) != TRAP || now.address != unknown_trap)
		return KS_SET_SKIP;
	item->vector = vector;
	item->address = early_traps + vector * EARLY_TRAP_BYTES;
	strscpy_pad(item->symbol, EARLY_TRAPS, sizeof(item->symbol));
	return TRAP;
}

static int copy_callback(unsigned int i, struct ks_callback *item)
{
	if (!callbacks[i])
		return KS_SET_SKIP;
	memcpy(item->name, callback_names[i].name, sizeof(item->name));
	item->address = callbacks[i];
	strscpy_pad(item->symbol, callback_names[i].symbol, sizeof(item->symbol));
	return CALLBACK;
}

/* How many functions are looked at in one call, and how many there may be at one event. */
#define AT_ONCE 64
#define LISTENERS_MAX 256
#define EVENT_PREFIX "__tracepoint_"

static void copy_symbol(char out[SYMBOL_BYTES], const void *address)
{
	char symbol[KSYM_SYMBOL_LEN];

	ks_name_at((unsigned long)address, symbol, sizeof(symbol));
	strscpy_pad(out, symbol + (strstarts(symbol, EVENT_PREFIX) ? strlen(EVENT_PREFIX) : 0), SYMBOL_BYTES);
}

/* Of this pass. */
static struct ks_patience patience;
static struct ks_shortfall events_seen = { .view = "listeners" };
/* The list of the event at hand, as it was at its first place. */
static const struct tracepoint_func *at_hand;

/*
 * The function at place @i of @event's list, in *@function; NULL: none.  Who changes the list
 * replaces it as a whole: so what is read is the event's only if that has the same list before
 * and afterwards.  False: it has not, or it is not to be read.
 */
static bool listener(const struct tracepoint *event, unsigned int i, const void **function)
{
	const struct tracepoint_func *functions;

	*function = NULL;
	if (!KS_GET(functions, &event->funcs))
		return false;
	if (!i)
		at_hand = functions;
	if (functions != at_hand)
		return false;
	return !functions || (KS_GET(*function, &functions[i].func) && ks_still(&event->funcs, functions));
}

/* *@event and *@i go on to the next function; one that is not the kernel's own is the item. */
static int next_listener(uint64_t *event, uint64_t *i, struct ks_listener *item)
{
	for (unsigned int looked = 0; looked < AT_ONCE; looked++) {
		const struct tracepoint *at;
		const void *function = NULL;
		bool whole;

		if (events + *event >= events_end)
			break;
		at = tracepoint_ptr_deref(events + *event);
		whole = *i > LISTENERS_MAX || listener(at, (unsigned int)*i, &function);
		if (!whole && ks_is_passing(&patience, *event)) {
			/* From its begin, in the next step. */
			*i = 0;
			return KS_SET_ELSEWHERE;
		}
		if (!whole || !function) {
			events_seen.of++;
			events_seen.looked += whole;
			++*event;
			*i = 0;
			continue;
		}
		/* One beyond all that there may be is told, too, whosever it is. */
		if ((*i)++ < LISTENERS_MAX && ks_in_text((uintptr_t)function))
			continue;
		copy_symbol(item->tracepoint, at);
		item->address = (uintptr_t)function;
		copy_symbol(item->symbol, function);
		return LISTENER;
	}
	return KS_SET_SKIP;
}

/*
 * at[0] is the event and at[1] the place in its list; behind the last event, at[0] goes on with
 * hooks, and all three are theirs.
 */
static int next_called(struct ks_probe *probe, uint64_t at[3], struct ks_hook *hook, struct ks_listener *listener)
{
	uint64_t count = events ? (uint64_t)(events_end - events) : 0;
	int kind;

	if (at[0] < count)
		return next_listener(&at[0], &at[1], listener);
	at[0] -= count;
	kind = ks_next_hook(probe, at, hook);
	if (kind == KS_SET_END)
		ks_tell_shortfall(probe, &events_seen);
	at[0] += count;
	return kind ? kind : HOOK;
}

/*
 * progress->at[0]: the kernel itself, then each vector, each early one, each callback; then at[1]
 * to at[3]: next_called()
 */
static int entries_next(struct ks_probe *probe, struct ks_set_progress *progress, void *item)
{
	unsigned int at = (unsigned int)progress->at[0]++;

	if (!at) {
		ks_hooks_begin();
		events_seen.looked = events_seen.of = 0;
		patience = (struct ks_patience){ };
		return copy_kernel(item);
	}
	at--;
	if (!xen_pv_domain() || !idt)
		return next_called(probe, &progress->at[1], item, item);
	if (at < IDT_ENTRIES)
		return copy_trap(at, item);
	at -= IDT_ENTRIES;
	if (at < NUM_EXCEPTION_VECTORS)
		return copy_early_trap(at, item);
	at -= NUM_EXCEPTION_VECTORS;
	return at < ARRAY_SIZE(callbacks) ? copy_callback(at, item) : next_called(probe, &progress->at[1], item, item);
}

/* === Start === */

static int entries_init(struct ks_probe *probe)
{
	unsigned int i;

	ks_hooks_init();
	events_end = (void *)ks_symbol("__stop___tracepoints_ptrs");
	events = ks_text_known() && events_end ? (void *)ks_symbol("__start___tracepoints_ptrs") : NULL;
	if (!xen_pv_domain())
		return 0;
	for (i = 0; i < ARRAY_SIZE(traps); i++) {
		traps[i].gate = ks_symbol(trap_names[i].gate);
		traps[i].registered = ks_symbol(trap_names[i].registered);
	}
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		callbacks[i] = ks_symbol(callback_names[i].symbol);
	unknown_trap = ks_symbol(UNKNOWN_TRAP);
	early_traps = ks_symbol(EARLY_TRAPS);
	idt = ks_symbol("idt_table");
	return 0;
}

static const struct ks_set_type entries_set = {
	.kinds = kinds,
	.kinds_count = ARRAY_SIZE(kinds),
	.items_max = IDT_ENTRIES + NUM_EXCEPTION_VECTORS + 128,
	.init = entries_init,
	.next = entries_next,
};

const struct ks_probe_type ks_linux_entries = {
	.name = "kernel-entries",
	.interval_ns = {
		[KS_LOW] = 10 * NSEC_PER_SEC,
		[KS_DEFAULT] = 2 * NSEC_PER_SEC,
		[KS_HIGH] = 500 * NSEC_PER_MSEC,
		[KS_ADVERSARIAL] = 100 * NSEC_PER_MSEC,
	},
	.pause_ns = {
		[KS_LOW] = 500 * NSEC_PER_USEC,
		[KS_DEFAULT] = 500 * NSEC_PER_USEC,
		[KS_HIGH] = 250 * NSEC_PER_USEC,
		[KS_ADVERSARIAL] = 0,
	},
	KS_SET_ENGINE(&entries_set),
};
