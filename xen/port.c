/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port.c - core/port.h for Xen: time, random, memory, log, and works.
 *
 * Xen has no kernel threads but the idle vCPUs, one a CPU, and what these run
 * is tasklets.  A work is a tasklet with a timer before it; and where somebody
 * keeps their CPU for himself, watches take both away to another.
 *
 * CPUs that go away: cpu_online_map shrinks in stop_machine only, which waits
 * until every CPU runs its own tasklet for it.  Hypercalls, tasklets and timers
 * run to completion before that, so a CPU that one of them found online stays
 * so until it returns.  (As the machine resumes from suspend, it is otherwise with
 * CPUs that were off: docs/xen-lifetimes.md.)  What is queued on a CPU that goes
 * away later, Xen moves to another at CPU_DEAD, timers and tasklets alike.
 *
 * All locks of the sensor in Xen, outer to inner:
 *  - a slot's (sense.c), by trylock alone, from the begin of an exchange to its end;
 *  - a probe's (struct ks_probe): no callback of the probe or of the port runs in it;
 *  - what hypercalls leave for a probe: ks_state_lock, ks_rows_lock, ks_policy_lock,
 *    ks_livepatch_lock, ks_instances_lock, ks_unseen_lock.  Each is the last one taken, for
 *    a copy of what it guards;
 *  - of works: ks_works_lock, the list's; a work's own; ks_cpus_lock; then those of Xen's
 *    tasklets and timers.  None of those above is held.
 * None is taken in an interrupt.  Of Xen's own locks one is taken, a scheduler's, by
 * xen-domains, for a copy and alone.
 */

#include <xen/cpumask.h>
#include <xen/ctype.h>
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/random.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/time.h>
#include <xen/xmalloc.h>
#include <asm/atomic.h>

#include "../core/port.h"
#include "../probes/xen/domains.h"
#include "works.h"

/* === Data === */

/*
 * What works leave to others between two runs, on each CPU: as long as the run
 * took, within these bounds.  All schedulers of Xen prefer tasklets to guests:
 * works that were queued one behind the other would keep the CPU for themselves,
 * and so would one that was queued again at once.
 */
#define KS_REST_MIN MICROSECS(50)
#define KS_REST_MAX MILLISECS(1)
/* So many CPUs are asked whether they will do, when one is needed. */
#define KS_TRIES 16

/*
 * While Xen boots nothing runs: what a probe would see is not final yet.  Delays
 * count from the end of boot on, so that the supervisor finds nobody overdue.
 */
#define KS_BOOT_POLL MILLISECS(10)

/*
 * Some of Xen's own calls last as long as a control domain likes, and what waits on
 * the CPU of one, a tasklet or a timer, would wait so long.  So there are watches: timers
 * that go round over the CPUs, each on one of its own, and look for what is late, be it
 * another watch.  That is moved, and its CPU is shunned until it has run a tasklet,
 * and for some time after that.  They do not keep to Dom0's pool, as works do, unless
 * CPUs were named: who holds all of the pool would hold all of them.
 */
#define KS_LATE MILLISECS(100)
#define KS_WATCH_EVERY MILLISECS(200)
#define KS_SHUNNED SECONDS(2)
/* Who has kept all CPUs of Dom0's pool for so long has us work on others. */
#define KS_HELD SECONDS(1)
#define KS_WATCHES_MAX 8

static LIST_HEAD(ks_works);
static DEFINE_SPINLOCK(ks_works_lock);

/* Under the same lock. */
static struct ks_watch {
    struct timer timer;
    s_time_t due;
} ks_watches[KS_WATCHES_MAX];
static unsigned int ks_watches_count;

/*
 * Where works may run.  Under the lock: the CPUs as they were found last, all of
 * them online since; the moment from which on they are looked for anew, so that
 * a change of Dom0's pool is followed; and where the last run was queued.
 */
#define KS_CPUS_EVERY MILLISECS(100)

static DEFINE_SPINLOCK(ks_cpus_lock);
static cpumask_t ks_cpus;
static s_time_t ks_cpus_until;
static unsigned int ks_last_cpu;

/*
 * Of each CPU, online or not, as a tasklet may wait on one that goes away.  Under the
 * same lock.
 */
static struct ks_cpu_state {
    s_time_t rest_until;   /* it belongs to others, whichever work kept it from them */
    /* KS_HELD_SINCE(when): somebody keeps it for himself, as far as we know */
    s_time_t shun_until;
    struct tasklet knock;  /* runs as soon as he lets go */
} ks_cpu_states[NR_CPUS];

/* Farther than any time, and the farther the longer; and back. */
#define KS_HELD_SINCE(when) (STIME_MAX - (when))

/* "sense=cpus=", written at boot only. */
static cpumask_t __read_mostly ks_cpus_named;

/* === CPUs === */

static bool ks_has_named(void)
{
    return cpumask_intersects(&ks_cpus_named, &cpu_online_map);
}

/*
 * The CPUs of the pool that the hardware domain is in; none, where there is no such domain.
 *
 * Nothing that we could hold keeps the pool, which is freed as soon as the last domain
 * and the last CPU have left it; so it is not followed: cpupool_has_cpu() holds the
 * domain's pointer to it against the CPU's.
 */
static void ks_find_dom0_pool(cpumask_t *cpus)
{
    struct domain *d = ks_lock_hardware_domain();
    unsigned int cpu;

    cpumask_clear(cpus);
    if ( !d )
        return;

    for_each_online_cpu ( cpu )
        if ( cpupool_has_cpu(d, cpu) )
            __cpumask_set_cpu(cpu, cpus);
    rcu_unlock_domain(d);
}

/* Not inlined: there are several users, and it is a loop over words. */
unsigned int noinline ks_cpu_behind(unsigned int cpu, const cpumask_t *among)
{
    return cpumask_cycle(cpu, among);
}

bool ks_cpu_is_held(unsigned int cpu)
{
    return NOW() - KS_HELD_SINCE(read_atomic(&ks_cpu_states[cpu].shun_until)) >= KS_HELD;
}

/* True of none. */
static bool ks_all_held(const cpumask_t *cpus)
{
    unsigned int cpu;

    for_each_cpu ( cpu, cpus )
        if ( !ks_cpu_is_held(cpu) )
            return false;

    return true;
}

/* With the lock held. */
static void ks_find_cpus(s_time_t now)
{
    if ( now < ks_cpus_until && cpumask_subset(&ks_cpus, &cpu_online_map) )
        return;

    if ( ks_has_named() )
        cpumask_and(&ks_cpus, &ks_cpus_named, &cpu_online_map);
    else
        ks_find_dom0_pool(&ks_cpus);
    /* Who keeps all of Dom0's CPUs for himself does not keep us from the others. */
    if ( ks_all_held(&ks_cpus) && !ks_has_named() )
        cpumask_copy(&ks_cpus, &cpu_online_map);
    ks_cpus_until = now + KS_CPUS_EVERY;
}

static bool ks_has_wish(const struct ks_port_work *p)
{
    return p->next_cpu < nr_cpu_ids && cpu_online(p->next_cpu) &&
           ks_work_may_be_on(p->next_cpu);
}

/*
 * With the lock held: the next CPU of @among behind @cpu that is not in @taken (or NULL)
 * nor, if @later is given, at rest.  A shunned one only where there is no other, at rest
 * or not.  NR_CPUS: there is none, not before *@later.
 */
static unsigned int ks_find_cpu(unsigned int cpu, const cpumask_t *among,
                                const cpumask_t *taken, s_time_t *later)
{
    unsigned int found = NR_CPUS, tries;
    s_time_t now = NOW();

    for ( tries = min_t(unsigned int, cpumask_weight(among), KS_TRIES); tries; tries-- )
    {
        cpu = ks_cpu_behind(cpu, among);
        if ( taken && cpumask_test_cpu(cpu, taken) )
            continue;
        if ( ks_cpu_states[cpu].shun_until > now )
        {
            /* Of those that are held it may just have been slow that is so last. */
            if ( found == NR_CPUS || ks_cpu_states[cpu].shun_until <
                                     ks_cpu_states[found].shun_until )
                found = cpu;
        }
        else if ( later && ks_cpu_states[cpu].rest_until > now )
            *later = min(*later, ks_cpu_states[cpu].rest_until);
        else
            return cpu;
    }
    if ( later && *later == STIME_MAX && ks_cpu_states[found].rest_until > now )
        *later = ks_cpu_states[found].rest_until;

    return later && *later != STIME_MAX ? NR_CPUS : found;
}

/*
 * A CPU on which the work can run now: the one that it wants, or the next.  It is
 * taken: nobody else gets it until the run is over, and its rest.  NR_CPUS: there is
 * none before *@later.
 */
static unsigned int ks_take_cpu(const struct ks_port_work *p, s_time_t now,
                                s_time_t *later)
{
    unsigned int cpu = p->next_cpu;

    *later = STIME_MAX;
    spin_lock(&ks_cpus_lock);
    if ( !ks_has_wish(p) )
    {
        ks_find_cpus(now);
        cpu = ks_find_cpu(ks_last_cpu, &ks_cpus, NULL, later);
    }
    else if ( ks_cpu_states[cpu].rest_until > now )
    {
        *later = ks_cpu_states[cpu].rest_until;
        cpu = NR_CPUS;
    }
    if ( cpu != NR_CPUS )
    {
        ks_last_cpu = cpu;
        ks_cpu_states[cpu].rest_until = now + 2 * KS_REST_MIN;
    }
    spin_unlock(&ks_cpus_lock);

    return cpu;
}

/*
 * For a timer, or what cannot wait.  For a watch: one of @taken (or NULL: it is no watch)
 * only where all CPUs are.
 */
static unsigned int ks_next_cpu(unsigned int cpu, const cpumask_t *taken)
{
    const cpumask_t *among;
    unsigned int next;

    spin_lock(&ks_cpus_lock);
    ks_find_cpus(NOW());
    among = taken && !ks_has_named() ? &cpu_online_map : &ks_cpus;
    next = ks_find_cpu(cpu, among, taken, NULL);
    if ( next == NR_CPUS )
        next = ks_find_cpu(cpu, among, NULL, NULL);
    spin_unlock(&ks_cpus_lock);

    return next;
}

/* What waits there is late. */
static void ks_shun(unsigned int cpu, s_time_t now)
{
    struct ks_cpu_state *state = &ks_cpu_states[cpu];

    spin_lock(&ks_cpus_lock);
    if ( cpu_online(cpu) && state->shun_until < KS_HELD_SINCE(now) )
    {
        state->shun_until = KS_HELD_SINCE(now);
        tasklet_schedule_on_cpu(&state->knock, cpu);
    }
    spin_unlock(&ks_cpus_lock);
}

static void cf_check ks_let_go(void *data)
{
    struct ks_cpu_state *state = data;

    spin_lock(&ks_cpus_lock);
    state->shun_until = NOW() + KS_SHUNNED;
    spin_unlock(&ks_cpus_lock);
}

bool ks_work_may_be_on(unsigned int cpu)
{
    return !ks_has_named() || cpumask_test_cpu(cpu, &ks_cpus_named);
}

/*
 * Behind the number at @word.  One without digits, or that is that of no CPU, is NR_CPUS,
 * however many digits there are.
 */
static const char *__init ks_read_cpu(const char *word, unsigned int *cpu)
{
    *cpu = isdigit(*word) ? 0 : NR_CPUS;
    for ( ; isdigit(*word); word++ )
        *cpu = min(*cpu * 10 + *word - '0', NR_CPUS + 0U);

    return word;
}

bool __init cf_check ks_works_option(const char *word, size_t bytes)
{
    static const char __initconst name[] = "cpus=";
    const char *end = word + bytes;
    unsigned int first, last;

    if ( bytes <= sizeof(name) - 1 || memcmp(word, name, sizeof(name) - 1) )
        return false;
    word = ks_read_cpu(word + sizeof(name) - 1, &first);
    last = first;
    if ( *word == '-' )
        word = ks_read_cpu(word + 1, &last);
    if ( word != end || first > last || last >= NR_CPUS )
        return false;

    for ( ; first <= last; first++ )
        __cpumask_set_cpu(first, &ks_cpus_named);

    return true;
}

/* === Works: internals === */

/* The timer's interrupt is to be where a run may be. */
static void ks_set_timer(struct ks_port_work *p, s_time_t now, s_time_t when)
{
    unsigned int cpu = p->timer.cpu;

    if ( !cpumask_test_cpu(cpu, &ks_cpus) || ks_cpu_states[cpu].shun_until > now )
        migrate_timer(&p->timer, ks_next_cpu(cpu, NULL));
    set_timer(&p->timer, when);
    p->armed = when;
    p->armed_cpu = p->timer.cpu;
}

static void ks_set_tasklet(struct ks_port_work *p, s_time_t now, unsigned int cpu)
{
    tasklet_schedule_on_cpu(&p->tasklet, cpu);
    p->armed = now;
    p->armed_cpu = cpu;
}

/* Arms what brings the run at work->port.when.  Under the lock, not while it runs. */
static void ks_work_arm(struct ks_work *work, s_time_t now)
{
    struct ks_port_work *p = &work->port;
    s_time_t when = p->when;
    unsigned int cpu;

    if ( system_state < SYS_STATE_active )
    {
        p->booting = true;
        ks_set_timer(p, now, now + KS_BOOT_POLL);
        return;
    }
    if ( p->booting )
    {
        p->booting = false;
        p->not_before = now + p->boot_delay;
    }
    if ( when < p->not_before )
        when = p->not_before;

    if ( when <= now )
    {
        /* Once it is queued, it stays where it is, unless it is late. */
        if ( tasklet_is_scheduled(&p->tasklet) )
            return;
        cpu = ks_take_cpu(p, now, &when);
        if ( cpu != NR_CPUS )
        {
            stop_timer(&p->timer);
            ks_set_tasklet(p, now, cpu);
            return;
        }
    }
    ks_set_timer(p, now, when);
}

static void cf_check ks_work_timer(void *data)
{
    struct ks_work *work = data;
    struct ks_port_work *p = &work->port;

    spin_lock(&p->lock);
    if ( !p->running && !p->dead && p->when != STIME_MAX )
        ks_work_arm(work, NOW());
    spin_unlock(&p->lock);
}

static void cf_check ks_work_run(void *data)
{
    struct ks_work *work = data;
    struct ks_port_work *p = &work->port;
    s_time_t start, end, rest_until, next;
    uint64_t delay;

    spin_lock(&p->lock);
    p->running = true;
    p->when = STIME_MAX;
    p->next_cpu = NR_CPUS;
    p->cpu = smp_processor_id();
    p->runs++;
    stop_timer(&p->timer);
    spin_unlock(&p->lock);

    start = NOW();
    delay = work->run(work);
    end = NOW();
    rest_until = end + min(max(end - start, KS_REST_MIN), KS_REST_MAX);

    spin_lock(&ks_cpus_lock);
    ks_cpu_states[smp_processor_id()].rest_until = rest_until;
    spin_unlock(&ks_cpus_lock);

    spin_lock(&p->lock);
    p->running = false;
    p->not_before = rest_until;
    if ( delay < STIME_MAX - end )
    {
        next = end + delay;
        /* Or somebody wants it sooner, since it began to run. */
        if ( next < p->when )
            p->when = next;
    }
    if ( p->when != STIME_MAX && !p->dead )
        ks_work_arm(work, end);
    spin_unlock(&p->lock);
}

/* === Watches === */

/* Under the list's lock. */
static void ks_move_if_late(struct ks_work *work, s_time_t now)
{
    struct ks_port_work *p = &work->port;

    spin_lock(&p->lock);
    if ( !p->running && !p->dead && p->when != STIME_MAX &&
         now > p->armed + KS_LATE )
    {
        ks_shun(p->armed_cpu, now);
        if ( !tasklet_is_scheduled(&p->tasklet) )
            ks_work_arm(work, now);
        else if ( !ks_has_wish(p) || ks_cpu_is_held(p->armed_cpu) )
            /* Whoever is late does not wait for a rest as well. */
            ks_set_tasklet(p, now, ks_next_cpu(p->armed_cpu, NULL));
    }
    spin_unlock(&p->lock);
}

/* Under the list's lock: it goes on on a CPU that no other watch is on, if there is one. */
static void ks_set_watch(struct ks_watch *watch, s_time_t due)
{
    static cpumask_t taken;
    unsigned int i;

    cpumask_clear(&taken);
    for ( i = 0; i < ks_watches_count; i++ )
        if ( watch != &ks_watches[i] )
            __cpumask_set_cpu(ks_watches[i].timer.cpu, &taken);
    migrate_timer(&watch->timer, ks_next_cpu(watch->timer.cpu, &taken));
    watch->due = due;
    set_timer(&watch->timer, due);
}

static void cf_check ks_watch(void *data)
{
    s_time_t now = NOW();
    struct ks_work *work;
    unsigned int i;

    spin_lock(&ks_works_lock);
    ks_set_watch(data, now + KS_WATCH_EVERY);
    /* The CPU that Xen boots on runs no tasklets meanwhile: nobody holds that one. */
    if ( system_state < SYS_STATE_active )
        goto out;
    for ( i = 0; i < ks_watches_count; i++ )
        if ( now > ks_watches[i].due + KS_LATE )
        {
            ks_shun(ks_watches[i].timer.cpu, now);
            ks_set_watch(&ks_watches[i], now + KS_WATCH_EVERY);
        }
    list_for_each_entry ( work, &ks_works, port.list )
        ks_move_if_late(work, now);

 out:
    spin_unlock(&ks_works_lock);
}

void __init ks_watches_start(void)
{
    unsigned int count = min_t(unsigned int, num_online_cpus(), KS_WATCHES_MAX), i;
    unsigned int cpu = smp_processor_id();
    s_time_t now = NOW();

    for ( i = 0; i < nr_cpu_ids; i++ )
        tasklet_init(&ks_cpu_states[i].knock, ks_let_go, &ks_cpu_states[i]);
    spin_lock(&ks_works_lock);
    for ( i = 0; i < count; i++ )
    {
        cpu = ks_cpu_behind(cpu, &cpu_online_map);
        init_timer(&ks_watches[i].timer, ks_watch, &ks_watches[i], cpu);
        ks_watches_count = i + 1;
        /* By turns. */
        ks_set_watch(&ks_watches[i], now + (i + 1) * KS_WATCH_EVERY / count);
    }
    spin_unlock(&ks_works_lock);
}

/* === Works: interface === */

int ks_port_work_init(struct ks_work *work)
{
    struct ks_port_work *p = &work->port;

    spin_lock_init(&p->lock);
    p->when = STIME_MAX;
    p->not_before = 0;
    p->running = p->dead = p->booting = false;
    p->next_cpu = NR_CPUS;
    p->cpu = p->armed_cpu = smp_processor_id();
    p->armed = 0;
    p->runs = 0;
    tasklet_init(&p->tasklet, ks_work_run, work);
    init_timer(&p->timer, ks_work_timer, work, smp_processor_id());

    spin_lock(&ks_works_lock);
    list_add_tail(&p->list, &ks_works);
    spin_unlock(&ks_works_lock);

    return 0;
}

void ks_port_work_queue(struct ks_work *work, uint64_t delay_ns)
{
    struct ks_port_work *p = &work->port;
    s_time_t now = NOW(), when;

    BUILD_BUG_ON(KS_WORK_IDLE < STIME_MAX);

    if ( delay_ns >= STIME_MAX - now )
        return;
    /* Not right behind the call of whoever asks for it: he has been kept long enough. */
    when = now + max_t(uint64_t, delay_ns, KS_REST_MIN);

    spin_lock(&p->lock);
    if ( when < p->when && !p->dead )
    {
        p->when = when;
        p->boot_delay = delay_ns;
        if ( !p->running )
            ks_work_arm(work, now);
    }
    spin_unlock(&p->lock);
}

void ks_port_work_exit(struct ks_work *work)
{
    struct ks_port_work *p = &work->port;

    spin_lock(&ks_works_lock);
    list_del(&p->list);
    spin_unlock(&ks_works_lock);

    spin_lock(&p->lock);
    p->dead = true;
    spin_unlock(&p->lock);

    /* Neither is armed any more; each of these waits for what is under way. */
    kill_timer(&p->timer);
    tasklet_kill(&p->tasklet);
}

void ks_work_next_cpu(struct ks_work *work, unsigned int cpu)
{
    struct ks_port_work *p = &work->port;

    spin_lock(&p->lock);
    p->next_cpu = cpu;
    spin_unlock(&p->lock);
}

bool ks_work_info(unsigned int index, struct ks_work_info *info)
{
    const struct ks_work *work;
    bool found = false;

    spin_lock(&ks_works_lock);
    list_for_each_entry ( work, &ks_works, port.list )
    {
        size_t i;

        if ( index-- )
            continue;

        for ( i = 0; i < sizeof(info->name) && work->name[i]; i++ )
            info->name[i] = work->name[i];
        memset(info->name + i, 0, sizeof(info->name) - i);
        info->runs = work->port.runs;
        info->cpu = work->port.cpu;
        found = true;
        break;
    }
    spin_unlock(&ks_works_lock);

    return found;
}

/* === The rest === */

uint64_t ks_port_time_ns(void)
{
    return NOW();
}

/*
 * get_random() is RDRAND where there is one: as good as the CPU's maker says.
 * Without it, it is a linear generator that starts from the time: each draw is
 * then mixed with the cycle counter, which differs in some bits from one boot
 * to the next and is no secret to who sees the machine boot.  Keys and moments
 * drawn from that keep out guests that guess, not somebody who works at it.
 */
void ks_port_random(void *buf, size_t bytes)
{
    static uint64_t mix;
    uint8_t *out = buf;

    while ( bytes )
    {
        size_t n = min(bytes, sizeof(uint32_t));
        uint64_t x = read_atomic(&mix) ^ get_cycles();
        uint32_t draw;

        /* The finalizer of splitmix64: every bit of x reaches every bit. */
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
        x ^= x >> 31;
        write_atomic(&mix, x + 0x9e3779b97f4a7c15ULL);

        draw = get_random() ^ (x >> 32);
        memcpy(out, &draw, n);
        out += n;
        bytes -= n;
    }
}

void *ks_port_alloc(size_t bytes)
{
    /* What is larger than a page comes in whole pages, from the Xen heap. */
    return xzalloc_bytes(bytes);
}

void ks_port_free(void *mem)
{
    xfree(mem);
}

void ks_port_log(const char *text)
{
    printk(XENLOG_WARNING "sense: %s\n", text);
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
