// SPDX-License-Identifier: GPL-2.0-only
/*
 * running.c - which page tables an HVM Dom0 is found running on: see running.h.
 *
 * With nested paging Xen copies CR3 as the guest is left, whichever the vendor
 * (svm_vmexit_handler(), vmx_vmexit_handler()), so it need not ask the CPU.
 */
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/spinlock.h>
#include <xen/timer.h>

#include "../../core/port.h"
#include "../../xen/works.h"
#include "../set_record.h"
#include "running.h"

#ifdef CONFIG_HVM

/* One of so many that share a place is forgotten for another: the one not seen for longest. */
#define WAYS 8
#define PLACES 256
#define SEEN_NS SECONDS(1)
#define GAP_NS (SEEN_NS / 4)
/* From one pass to the next, at any level; who turns the probe off ends it after that. */
#define GOES_ON_NS SECONDS(30)
#define ASKED_NS SECONDS(3)

/* Between two looks at one CPU; and no two, at whichever, follow each other faster than that. */
static const uint32_t mean_ns[] = {
	[KS_LOW] = MILLISECS(50),
	[KS_DEFAULT] = MILLISECS(10),
	[KS_HIGH] = MILLISECS(1),
	[KS_ADVERSARIAL] = MICROSECS(250),
};
#define MEAN_MIN_NS MICROSECS(50)

/* There is one probe of this kind. */
static struct {
	struct timer timer;
	/* Taken by a pass for a copy; the timer, which may not wait, tries. */
	spinlock_t lock;
	struct ks_running *roots;       /* PLACES of WAYS; one never seen: none */
	s_time_t until, often_until, looked;
	/* Until then the last second is not seen as a whole: there was no room, or no look. */
	s_time_t partly_until;
	uint32_t samples;
} running;

/* With the lock held. */
static void ks_note(const struct vcpu *v, s_time_t now)
{
	const uint64_t frame = (v->arch.hvm.guest_cr[3] & PADDR_MASK) >> PAGE_SHIFT;
	struct ks_running *root = &running.roots[frame % PLACES * WAYS], *oldest = root, *end = root + WAYS;

	running.samples++;
	for (; root < end && root->frame != frame; root++)
		if (root->last_seen_ns < oldest->last_seen_ns)
			oldest = root;
	if (root == end) {
		root = oldest;
		if (now - root->last_seen_ns < SEEN_NS)
			running.partly_until = now + SEEN_NS;
		*root = (struct ks_running){ .frame = frame, .first_seen_ns = now };
	}
	root->last_seen_ns = now;
	root->domid = v->domain->domain_id;
	root->samples++;
}

/* On the CPU, and in the place, of what it has interrupted. */
static KS_CB void ks_look(void *data)
{
	const struct ks_probe *probe = data;
	const struct vcpu *v = current;
	s_time_t now = NOW();
	uint32_t draw, mean = mean_ns[probe->level];

	if (v->domain == hardware_domain && (v->domain->options & XEN_DOMCTL_CDF_hvm) && spin_trylock(&running.lock)) {
		ks_note(v, now);
		spin_unlock(&running.lock);
	}
	/* Who keeps the CPU for himself keeps the timer. */
	if (now - running.looked > GAP_NS)
		running.partly_until = now + SEEN_NS;
	running.looked = now;
	if (now >= running.until)
		return;
	ks_port_random(&draw, sizeof(draw));
	migrate_timer(&running.timer, ks_cpu_behind(smp_processor_id(), &cpu_online_map));
	if (now < running.often_until)
		mean = min(mean, mean_ns[KS_HIGH]);
	mean = max_t(uint32_t, mean / num_online_cpus(), MEAN_MIN_NS);
	set_timer(&running.timer, now + draw % (2 * mean));
}

int ks_running_init(struct ks_probe *probe)
{
	running.roots = ks_probe_alloc(probe, PLACES * WAYS * sizeof(*running.roots));
	if (!running.roots)
		return -1;
	spin_lock_init(&running.lock);
	init_timer(&running.timer, ks_look, probe, smp_processor_id());
	return 0;
}

void ks_running_exit(void)
{
	if (running.roots)
		kill_timer(&running.timer);
	ks_port_free(running.roots);
}

void ks_running_go_on(struct ks_probe *probe)
{
	s_time_t now = NOW();

	running.until = now + GOES_ON_NS;
	if (probe->announce)
		running.often_until = now + ASKED_NS;
	if (!timer_is_active(&running.timer))
		set_timer(&running.timer, now);
}

int ks_running_at(uint64_t place, struct ks_running *item)
{
	s_time_t before = NOW() - SEEN_NS;

	if (place >= PLACES * WAYS)
		return -1;
	spin_lock(&running.lock);
	*item = running.roots[place];
	spin_unlock(&running.lock);
	return item->first_seen_ns < before && item->last_seen_ns >= before;
}

uint32_t ks_running_outcome(struct ks_probe *probe)
{
	s_time_t now = NOW();

	if (now >= running.partly_until && now - running.looked <= GAP_NS)
		return running.samples;
	if (probe->announce)
		ks_set_record_incomplete(probe, 0, 1, false);
	ks_pass_incomplete(probe);
	return running.samples;
}

#endif /* CONFIG_HVM */
