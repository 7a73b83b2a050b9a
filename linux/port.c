// SPDX-License-Identifier: GPL-2.0-only
/*
 * port.c - core/port.h for Linux: time, random, memory, log, and works.
 *
 * All locks of the module, none of which is taken while another of them is held: a probe's mutex
 * (struct ks_probe), in which no callback of the probe runs; a work's, a spin lock, as its
 * timer's interrupt takes it; list_lock of `files` and lookup_mutex of symbols.c, mutexes; and
 * suspects_lock of `modules`, a spin lock that the kernel's notifier takes too.  Of the kernel's
 * own, sk_peer_lock is taken for a copy of who the peer is, and inodes' locks where the socket's
 * file is made and removed.  Walks of the kernel's lists take none but RCU.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "../core/port.h"
#include "compat.h"

/* === Works ============================================================== */

/* Sees to it that the work runs at due_ns.  With the lock held, not while it runs. */
static void arm(struct ks_port_work *port)
{
	uint64_t now = ks_port_time_ns();

	if (port->due_ns <= now)
		kthread_queue_work(port->worker, &port->work);
	else
		hrtimer_start(&port->timer, ns_to_ktime(port->due_ns), HRTIMER_MODE_ABS);
}

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct ks_port_work *port = container_of(timer, struct ks_port_work, timer);
	unsigned long flags;

	/* In a real-time kernel a thread does this, and has interrupted nobody. */
	if (in_hardirq()) {
		WRITE_ONCE(port->interrupted_start_ns, current->start_boottime);
		WRITE_ONCE(port->interrupted, current);
	}
	spin_lock_irqsave(&port->lock, flags);
	if (!port->running && !port->dead)
		kthread_queue_work(port->worker, &port->work);
	spin_unlock_irqrestore(&port->lock, flags);
	return HRTIMER_NORESTART;
}

static void run(struct kthread_work *kthread_work)
{
	struct ks_port_work *port = container_of(kthread_work, struct ks_port_work, work);
	struct ks_work *work = container_of(port, struct ks_work, port);
	uint64_t delay_ns, now;

	spin_lock_irq(&port->lock);
	port->running = true;
	port->due_ns = UINT64_MAX;
	spin_unlock_irq(&port->lock);

	delay_ns = work->run(work);
	cond_resched();

	spin_lock_irq(&port->lock);
	port->running = false;
	now = ks_port_time_ns();
	/* Or somebody wants it sooner, since it began to run. */
	if (delay_ns < KTIME_MAX - now && now + delay_ns < port->due_ns)
		port->due_ns = now + delay_ns;
	if (port->due_ns != UINT64_MAX && !port->dead)
		arm(port);
	spin_unlock_irq(&port->lock);
}

int ks_port_work_init(struct ks_work *work)
{
	struct ks_port_work *port = &work->port;

	spin_lock_init(&port->lock);
	port->due_ns = UINT64_MAX;
	port->running = port->dead = false;
	port->interrupted = NULL;
	kthread_init_work(&port->work, run);
	hrtimer_setup(&port->timer, on_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	/* The sensor's own is "ksense", a probe's "ksense/NAME". */
	if (strcmp(work->name, KBUILD_MODNAME))
		port->worker = kthread_run_worker(0, KBUILD_MODNAME "/%s", work->name);
	else
		port->worker = kthread_run_worker(0, KBUILD_MODNAME);
	return IS_ERR(port->worker) ? -1 : 0;
}

void ks_port_work_queue(struct ks_work *work, uint64_t delay_ns)
{
	struct ks_port_work *port = &work->port;
	uint64_t now = ks_port_time_ns();
	unsigned long flags;

	if (delay_ns >= KTIME_MAX - now)
		return;
	spin_lock_irqsave(&port->lock, flags);
	if (now + delay_ns < port->due_ns && !port->dead) {
		port->due_ns = now + delay_ns;
		if (!port->running)
			arm(port);
	}
	spin_unlock_irqrestore(&port->lock, flags);
}

void ks_port_work_exit(struct ks_work *work)
{
	struct ks_port_work *port = &work->port;

	spin_lock_irq(&port->lock);
	port->dead = true;
	spin_unlock_irq(&port->lock);
	/* Nothing arms it any more; each of these waits for what is under way. */
	hrtimer_cancel(&port->timer);
	kthread_cancel_work_sync(&port->work);
	kthread_destroy_worker(port->worker);
}

/* === The rest =========================================================== */

/*
 * The clock of the works' timers: it does not go on while the machine is suspended, and nothing
 * is late then.
 */
uint64_t ks_port_time_ns(void)
{
	return ktime_get_ns();
}

void ks_port_random(void *buf, size_t bytes)
{
	get_random_bytes(buf, bytes);
}

void ks_port_pause(uint64_t pause_ns)
{
	unsigned long pause_us = div_u64(pause_ns, NSEC_PER_USEC);

	usleep_range(pause_us, 2 * pause_us);
}

void *ks_port_alloc(size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL);
}

void ks_port_free(void *mem)
{
	kvfree(mem);
}

void ks_port_log(const char *text)
{
	pr_warn(KBUILD_MODNAME ": %s\n", text);
}
