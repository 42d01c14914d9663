/* condition.c - each waiter sleeps on a word of its own, and notify moves it to
 * the word of the lock.
 *
 * So a notification has an address: nobody steals it, nobody wakes by mistake,
 * and what a dead waiter had got can be passed on.  Woken at once, the waiter
 * would find the lock held by the notifier; moved to the lock's word, it is
 * woken by the release.
 */
#include "mp/condition.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/shm.h"

static_assert(MP_WAITER_NOTIFIED == FUTEX_WAITERS, "one bit, two meanings");

static bool waits(uint32_t word)
{
	return (word & FUTEX_TID_MASK) != 0 && !(word & MP_WAITER_NOTIFIED);
}

static uint32_t used(const struct mp_condition *c)
{
	return atomic_load_explicit(&c->used, memory_order_relaxed);
}

static struct mp_waiter *longest(struct mp_condition *c)
{
	struct mp_waiter *best = NULL, *w = c->waiter;

	for (uint32_t i = 0, n = used(c); i < n; i++, w++)
		if (waits(mp_waiter_word(w)) &&
		    (best == NULL || w->ticket < best->ticket))
			best = w;
	return best;
}

/* How many of n were there to be notified. */
static int notify(struct mp_condition *c, struct mp_lock *l, int n)
{
	struct mp_waiter *w;
	uint32_t old;
	int i = 0;

	while (i < n && (w = longest(c)) != NULL) {
		old = mp_waiter_word(w);
		mp_chaos();
		/* Fails if it has died by now. */
		if (!waits(old) ||
		    !atomic_compare_exchange_strong_explicit(
			    &w->node.word, &old, old | MP_WAITER_NOTIFIED,
			    memory_order_release, memory_order_relaxed))
			continue;
		mp_chaos();
		/* The mark first: our death here must find whom to wake. */
		atomic_fetch_or_explicit(&l->node.word, FUTEX_WAITERS,
					 memory_order_relaxed);
		mp_futex_requeue(&w->node.word, &l->node.word, &c->counters);
		i++;
	}
	return i;
}

/* Free the places of the dead, and pass on what they were notified of. */
static void tidy(struct mp_condition *c, struct mp_lock *l)
{
	struct mp_waiter *w = c->waiter;
	uint32_t word;

	for (uint32_t i = 0, n = used(c); i < n; i++, w++) {
		word = mp_waiter_word(w);
		if (!(word & MP_WAITER_DIED))
			continue;
		/* In this order: killed in between, we leave it to the next. */
		if (word & MP_WAITER_NOTIFIED)
			notify(c, l, 1);
		mp_waiter_clear(w);
	}
}

static bool notified_died(const struct mp_condition *c)
{
	for (uint32_t i = 0, n = used(c); i < n; i++)
		if (mp_waiter_word(&c->waiter[i]) ==
		    (MP_WAITER_DIED | MP_WAITER_NOTIFIED))
			return true;
	return false;
}

/* Sleep until notified (0), or MP_BACKSTOP: a notification wants passing on. */
static int sleep_in(struct mp_condition *c, struct mp_waiter *w,
		    int64_t deadline)
{
	uint32_t tid = mp_owner_tid();
	int error;

	while (mp_waiter_word(w) == tid) {
		error = mp_backstop_wait(&w->node.word, tid, deadline,
					 &c->counters);
		if (error < 0)
			return error;
		if (error == MP_BACKSTOP && notified_died(c))
			return MP_BACKSTOP;
	}
	return 0;
}

int mp_condition_init(struct mp_condition *c)
{
	if (mp_shm_check(c, sizeof(*c)) < 0)
		return -EINVAL;
	memset(c, 0, sizeof(*c));
	return 0;
}

int mp_condition_wait(struct mp_condition *c, struct mp_lock *l,
		      int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	uint32_t depth = l->depth;
	struct mp_waiter *w;
	uint32_t moved;
	int error, lock;

	if (!mp_lock_mine(l))
		return -EPERM;
	tidy(c, l);
	w = mp_waiter_enter(c->waiter, MP_CONDITION_WAITERS, &c->used,
			    c->tickets++);
	if (w == NULL)
		return -ENOSPC;
	do {
		mp_lock_release(l);
		error = sleep_in(c, w, deadline);
		/* Notified, it may have slept on the lock's word, and others
		 * may still do so. */
		moved = mp_waiter_word(w) & MP_WAITER_NOTIFIED;
		lock = mp_lock_acquire_slow(l, -1, moved);
		if (error == MP_BACKSTOP && lock >= 0) {
			mp_counters_add(&c->counters, MP_RESCUES);
			tidy(c, l);
		}
	} while (error == MP_BACKSTOP && lock == 0 &&
		 mp_waiter_word(w) == mp_owner_tid());
	if (mp_waiter_leave(w) & MP_WAITER_NOTIFIED)
		error = 0;
	if (lock >= 0)
		l->depth = depth;
	return lock != 0 ? lock : error;
}

int mp_condition_wait_for(struct mp_condition *c, struct mp_lock *l,
			  int (*predicate)(void *), void *arg,
			  int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	int error = 0, result;

	if (!mp_lock_mine(l))
		return -EPERM;
	/* The predicate has the last word, after a timeout too. */
	while ((result = predicate(arg)) == 0 && error == 0) {
		error = mp_condition_wait(c, l, mp_clock_left(deadline));
		if (error == MP_OWNER_DIED || error == -EINVAL)
			return error;
	}
	if (result != 0)
		return result < 0 ? result : 0;
	return error;
}

int mp_condition_notify(struct mp_condition *c, struct mp_lock *l, int n)
{
	if (n < 0)
		return -EINVAL;
	if (!mp_lock_mine(l))
		return -EPERM;
	tidy(c, l);
	return notify(c, l, n);
}

int mp_condition_notify_all(struct mp_condition *c, struct mp_lock *l)
{
	return mp_condition_notify(c, l, INT32_MAX);
}

int mp_condition_waiters(const struct mp_condition *c)
{
	int waiting = 0;

	for (uint32_t i = 0, n = used(c); i < n; i++)
		waiting += waits(mp_waiter_word(&c->waiter[i]));
	return waiting;
}
