/* lock.c - a word that names its holder, a bit for sleepers, a bit for death.
 *
 * The fast paths stand in lock.h.  The word is touched twice by each holder, by
 * one compare-and-swap and one exchange; all else that a holder writes, but for
 * `turns`, lies on another cache line.
 */
#include "mp/lock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/shm.h"
#include "mp/spin.h"

/*  word                meaning                    leaves by       to
 *  0                   free                       acquire         TID
 *  TID                 held, nobody sleeps        release         0
 *                                                 a waiter        TID|SLEEPERS
 *                                                 holder's death  DIED
 *  TID|SLEEPERS        held, somebody may sleep   release         0, wakes one
 *                                                 holder's death  DIED|SLEEPERS
 *                                                 (the kernel wakes one)
 *  DIED, DIED|SLEEPERS free, its holder died      acquire         TID, bit kept
 *  FREE_ANY            free, with MP_LOCK_ANY     acquire         TID
 *  FREE_ANY|SLEEPERS   the same, released while   acquire         TID|SLEEPERS
 *                      its holder was in notify
 *
 *  A process that has slept takes the lock as TID|SLEEPERS: it cannot know
 *  whether others still sleep.  One that finds DIED|SLEEPERS keeps the bit for
 *  the same reason.
 *
 *  FREE_ANY is not 0 so that the fast path of acquire, which would put the lock
 *  into the holder's list, never takes such a lock.
 */
#define SLEEPERS FUTEX_WAITERS
#define DIED     FUTEX_OWNER_DIED
#define TID      FUTEX_TID_MASK
#define FREE_ANY TID
#define TID_MAX  0x3fffffu /* the kernel gives no higher id */

static_assert(sizeof(struct mp_lock) == 128, "two cache lines");
static_assert(offsetof(struct mp_lock, node.prev) == 64, "links on the second");

static int is_free(uint32_t word)
{
	return (word & TID) == 0 || (word & ~SLEEPERS) == FREE_ANY;
}

static int is_state(const struct mp_lock *l, uint32_t word)
{
	if ((word & ~SLEEPERS) == FREE_ANY)
		return l->flags & MP_LOCK_ANY;
	return (word & TID) == 0 || ((word & TID) <= TID_MAX && !(word & DIED));
}

/* ---- waiting ---- */

/* While one section goes on, looks cost nobody anything: the cache line stays
 * here.  So look again at once, or nearly: who comes late makes the others wait
 * too.  But each look at a lock that goes on takes the line from its holder,
 * and where nothing is done but the sections, turns go on by the dozen: then
 * looks are rare. */
#define SPIN_TURN_NS  30 /* where turns take less than this, */
#define SPIN_RARE_NS  800
#define SPIN_TOTAL_NS 5000 /* about the price of a sleep and a wake-up */

struct spin {
	int64_t step, total;
	uint32_t turns; /* at the last look */
};

static struct spin spin_start(const struct mp_lock *l)
{
	return (struct spin){ .turns = atomic_load_explicit(
				      &l->turns, memory_order_relaxed) };
}

/* Wait a little; 0 when it is time to sleep.  With one CPU the holder cannot
 * run while this thread spins. */
static int spin(struct spin *s, const struct mp_lock *l)
{
	uint32_t turns = s->turns;
	int64_t start, passed;

	if (mp_owner_get()->cpus < 2 || s->total >= SPIN_TOTAL_NS)
		return 0;
	start = mp_clock_now();
	do {
		mp_spin_relax();
		passed = mp_clock_now() - start;
	} while (passed < s->step);
	s->total += passed;
	s->turns = atomic_load_explicit(&l->turns, memory_order_relaxed);
	s->step = (int64_t)(s->turns - turns) * SPIN_TURN_NS > passed
			  ? SPIN_RARE_NS
			  : 0;
	return 1;
}

/* Sleep until the word changes.  0, -ETIMEDOUT, -EINTR. */
static int sleep_on(struct mp_lock *l, uint32_t old, int64_t deadline)
{
	_Atomic uint32_t *word = &l->node.word;
	uint32_t marked = old | SLEEPERS;
	int error;

	mp_chaos();
	if (old != marked && !atomic_compare_exchange_strong_explicit(
				     word, &old, marked, memory_order_relaxed,
				     memory_order_relaxed))
		return 0;
	error = mp_backstop_wait(word, marked, deadline, &l->counters);
	if (error != MP_BACKSTOP)
		return error;
	/* Nobody would have woken us, or the holder is no more. */
	if (!(atomic_load_explicit(word, memory_order_relaxed) & SLEEPERS) ||
	    (mp_owner_gone(marked & TID) &&
	     atomic_compare_exchange_strong_explicit(
		     word, &marked, DIED | SLEEPERS, memory_order_relaxed,
		     memory_order_relaxed)))
		mp_counters_add(&l->counters, MP_RESCUES);
	return 0;
}

/* The word is ours by this: 1, or 0 when it has changed. */
static int take(struct mp_lock *l, uint32_t old, uint32_t sleepers)
{
	uint32_t new = mp_owner_tid() | (old & SLEEPERS) | sleepers;

	mp_chaos();
	/* Pairs with the release in mp_lock_release. */
	if (!atomic_compare_exchange_strong_explicit(&l->node.word, &old, new,
						     memory_order_acquire,
						     memory_order_relaxed))
		return 0;
	if (l->flags & MP_LOCK_ANY)
		mp_owner_end();
	else
		mp_owner_add(&l->node);
	mp_lock_turn(l);
	return 1;
}

/* Only the holder changes this count.  A locked instruction would wait for the
 * second cache line, and everybody for the lock. */
static void count_contended(struct mp_lock *l)
{
	_Atomic uint64_t *count = &l->counters.n[MP_CONTENDED];
	uint64_t n = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, n + 1, memory_order_relaxed);
}

/* sleepers: SLEEPERS if this thread may have been asleep on the word before. */
int mp_lock_acquire_slow(struct mp_lock *l, int64_t timeout_ns,
			 uint32_t sleepers)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct spin s = spin_start(l);
	int contended = 0, error = 0;
	uint32_t old;

	while (error != -ETIMEDOUT) {
		/* Every time: a handler may have run in between.  Set also
		 * while asleep, so that the kernel hands on a wake-up that this
		 * thread got and died of. */
		mp_owner_begin(&l->node);
		old = atomic_load_explicit(&l->node.word, memory_order_relaxed);
		if (!is_state(l, old)) {
			error = -EINVAL;
			break;
		}
		if (is_free(old)) {
			if (!take(l, old, sleepers))
				continue;
			if (contended)
				count_contended(l);
			return old & DIED ? MP_OWNER_DIED : 0;
		}
		if ((old & TID) == mp_owner_tid() &&
		    !(l->flags & MP_LOCK_ANY)) {
			error = -EDEADLK;
			break;
		}
		contended = 1;
		if (timeout_ns == 0) {
			error = -ETIMEDOUT;
		} else if (!spin(&s, l)) {
			error = sleep_on(l, old, deadline);
			sleepers = SLEEPERS;
			s = spin_start(l);
		}
	}
	mp_owner_end();
	return error;
}

/* ---- release ---- */

/* The word held `old`, not just our id: wake, or say that it was no state.
 * Still pending, so that the kernel wakes instead if we are killed here. */
int mp_lock_release_wake(struct mp_lock *l, uint32_t old)
{
	int bad = (old & TID) != mp_owner_tid() || (old & DIED);

	mp_chaos();
	if (old & SLEEPERS)
		mp_futex_wake(&l->node.word, 1, &l->counters);
	mp_owner_end();
	return bad ? -EINVAL : 0;
}

static int release_any(struct mp_lock *l)
{
	uint32_t old =
		atomic_load_explicit(&l->node.word, memory_order_relaxed);

	do {
		if (is_free(old))
			return -EPERM;
		mp_chaos();
		/* Pairs with the acquire in take. */
	} while (!atomic_compare_exchange_weak_explicit(
		&l->node.word, &old, FREE_ANY, memory_order_release,
		memory_order_relaxed));
	mp_chaos();
	if (old & SLEEPERS)
		mp_futex_wake(&l->node.word, 1, &l->counters);
	return is_state(l, old) ? 0 : -EINVAL;
}

int mp_lock_release_slow(struct mp_lock *l)
{
	uint32_t old;

	if (l->flags & MP_LOCK_ANY)
		return release_any(l);
	if (!mp_owner_holds(&l->node))
		return -EPERM;
	mp_owner_remove(&l->node);
	old = atomic_exchange_explicit(&l->node.word, 0, memory_order_release);
	return mp_lock_release_wake(l, old);
}

/* ---- the rest ---- */

int mp_lock_init(struct mp_lock *l, uint32_t flags)
{
	int error = mp_shm_check(l, sizeof(*l));

	if (error < 0 || (flags & ~(uint32_t)MP_LOCK_ANY))
		return -EINVAL;
	memset(l, 0, sizeof(*l));
	l->flags = flags;
	if (flags & MP_LOCK_ANY)
		atomic_store_explicit(&l->node.word, FREE_ANY,
				      memory_order_release);
	return 0;
}

int mp_lock_locked(const struct mp_lock *l)
{
	return !is_free(
		atomic_load_explicit(&l->node.word, memory_order_relaxed));
}

int mp_lock_mine(const struct mp_lock *l)
{
	return (atomic_load_explicit(&l->node.word, memory_order_relaxed) &
		TID) == mp_owner_tid();
}

extern inline void mp_lock_turn(struct mp_lock *l);
extern inline int mp_lock_acquire(struct mp_lock *l, int64_t timeout_ns);
extern inline int mp_lock_release(struct mp_lock *l);
