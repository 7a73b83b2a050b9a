// SPDX-License-Identifier: GPL-2.0-only
/*
 * handover.c - whom the control domain has handed the sensor over to.
 *
 * Two have a say in who may ask it, and both must say yes: XSM, which the hypercall asks, and the
 * lock.  Until there is one, XSM decides alone.  Then the sensing domain may do everything, a
 * control domain what the command line left it, and nobody else anything; without a sensing
 * domain, nobody may more than read.
 *
 * The sensing domain is known by a flag in its struct domain: neither its id nor its uuid would
 * do, as the first is used again, and the second is what the toolstack says it is.
 */
#include <xen/sched.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <public/sense.h>

#include "../../xen/compat.h"
#include "handover.h"

/* === Data === */

const char ks_right_names[3][8] = {
	[KS_NOTHING] = "nothing",
	[KS_READ] = "read",
	[KS_CONTROL] = "all",
};

/* "sense=dom0=": what a control domain keeps. */
static enum ks_right __read_mostly ks_dom0_keeps = KS_READ;

/* All but alive, paused, dom0, which change: written once, under the lock, `locked` last. */
static struct ks_handover_state ks_state = { .by = -1, .sensing = -1 };
static DEFINE_SPINLOCK(ks_state_lock);

/* === Internals === */

static enum ks_right ks_control_domain_keeps(void)
{
	return ks_state.sensing < 0 ? min_t(enum ks_right, ks_dom0_keeps, KS_READ) : ks_dom0_keeps;
}

/* So many of its vCPUs are asked whether one of them could run. */
#define KS_VCPUS_ASKED 128

/*
 * Whether it stands still by no doing of its own: as a whole, or each of its vCPUs, which a
 * control domain can take down or stop one by one.
 */
static bool ks_is_held(const struct domain *d)
{
	if (ACCESS_ONCE(d->controller_pause_count) > 0)
		return true;
	for (unsigned int i = 0; i < KS_VCPUS_ASKED; i++) {
		const struct vcpu *v = domain_vcpu(d, i);

		if (!v)
			break;
		if (is_vcpu_online(v) && !ACCESS_ONCE(v->controller_pause_count))
			return false;
	}
	return true;
}

/* Of a copy of the state, that names a sensing domain. */
static void ks_look_at_sensing(struct ks_handover_state *state)
{
	struct domain *d = rcu_lock_domain_by_id(state->sensing);

	if (!d)
		return;
	state->alive = is_sensing_domain(d) && !d->is_dying && !domain_shutdown_completed(d);
	state->paused = state->alive && ks_is_held(d);
	rcu_unlock_domain(d);
}

/* With the lock held. */
static int ks_name_domain(uint32_t domid)
{
	struct domain *d;
	int error = 0;

	if (domid == DOMID_SELF)
		return -EINVAL;
	d = domid < DOMID_FIRST_RESERVED ? rcu_lock_domain_by_id(domid) : NULL;
	if (!d)
		return -ESRCH;
	if (d == current->domain || is_control_domain(d)) {
		error = -EINVAL;
	} else if (d->is_dying) {
		error = -ESRCH;
	} else {
		d->is_sensing = true;
		ks_state.sensing = domid;
		memcpy(ks_state.uuid, d->handle, sizeof(ks_state.uuid));
	}
	rcu_unlock_domain(d);
	return error;
}

/* === Interface === */

enum ks_right ks_handover_right(const struct domain *d)
{
	if (!read_atomic(&ks_state.locked))
		return KS_CONTROL;
	smp_rmb(); /* pairs with the one in ks_hand_over() */
	if (is_sensing_domain(d))
		return KS_CONTROL;
	if (is_control_domain(d))
		return ks_control_domain_keeps();
	return ks_state.sensing < 0 ? KS_READ : KS_NOTHING;
}

bool ks_is_handed_over(void)
{
	return read_atomic(&ks_state.locked);
}

bool ks_has_sensing_domain(void)
{
	if (!ks_is_handed_over())
		return false;
	smp_rmb(); /* pairs with the one in ks_hand_over() */
	return ks_state.sensing >= 0;
}

int ks_hand_over(uint32_t domid)
{
	int error = -EBUSY;

	spin_lock(&ks_state_lock);
	if (!ks_state.locked)
		error = domid == XEN_SENSE_NO_DOMAIN ? 0 : ks_name_domain(domid);
	if (!error) {
		ks_state.by = current->domain->domain_id;
		ks_state.locked_ns = NOW();
		smp_wmb();
		write_atomic(&ks_state.locked, true);
	}
	spin_unlock(&ks_state_lock);
	if (!error)
		printk("sense: locked by d%d, with sensing domain %d; dom0 keeps: %s\n", ks_state.by, ks_state.sensing,
		       ks_right_names[ks_control_domain_keeps()]);
	return error;
}

void ks_handover_get(struct ks_handover_state *state)
{
	spin_lock(&ks_state_lock);
	*state = ks_state;
	spin_unlock(&ks_state_lock);
	if (state->sensing >= 0)
		ks_look_at_sensing(state);
	state->dom0 = state->locked ? ks_control_domain_keeps() : KS_CONTROL;
}

bool KS_CB ks_handover_option(const char *word, size_t bytes)
{
	static const char name[] = "dom0=";
	const size_t name_bytes = sizeof(name) - 1;

	if (bytes < name_bytes || memcmp(word, name, name_bytes))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(ks_right_names); i++) {
		if (strlen(ks_right_names[i]) != bytes - name_bytes ||
		    memcmp(ks_right_names[i], word + name_bytes, bytes - name_bytes))
			continue;
		ks_dom0_keeps = i;
		return true;
	}
	return false;
}

void KS_CB ks_handover_put_status(struct ks_writer *out)
{
	struct ks_handover_state state;
	char uuid[KS_UUID_TEXT];
	const char *dom0;

	ks_handover_get(&state);
	dom0 = ks_right_names[state.dom0];
	ks_write_lit(out, ",\"lock\":{\"locked\":");
	ks_write_bool(out, state.locked);
	ks_write_member_str(out, "dom0", dom0, strlen(dom0));
	if (state.locked) {
		ks_write_member_count(out, "by", state.by);
		ks_write_member_ns(out, "locked_ns", state.locked_ns);
	}
	if (state.sensing >= 0) {
		ks_uuid_text(uuid, state.uuid);
		ks_write_member_count(out, "sensing", state.sensing);
		ks_write_member_str(out, "uuid", uuid, KS_UUID_TEXT - 1);
		ks_write_member_bool(out, "alive", state.alive);
		ks_write_member_bool(out, "paused", state.paused);
	}
	ks_write_lit(out, "}");
}
