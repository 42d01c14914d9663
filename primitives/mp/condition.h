/* condition - wait for something that others change under a lock.
 *
 * Python: multiprocessing.Condition.  Floor 2.  Any process, any thread; not
 * from a signal handler.
 *
 * Lives in: shared memory; all zero bytes are a condition that nobody waits
 * for.  The lock stands beside it and is given to every call: a mp_lock, or a
 * mp_rlock's lock (&r->lock), which is then released from any depth and
 * acquired to the same.  Several conditions may share a lock.
 *
 *	mp_lock_acquire(&s->lock, -1);
 *	while (s->count == 0)
 *		mp_condition_wait(&s->not_empty, &s->lock, -1);
 *	s->count--;
 *	mp_lock_release(&s->lock);
 *
 *	mp_lock_acquire(&s->lock, -1);
 *	s->count++;
 *	mp_condition_notify(&s->not_empty, &s->lock, 1);
 *	mp_lock_release(&s->lock);
 *
 * notify(n) wakes the n that have waited longest, none by mistake and no more.
 * It never blocks; those it notified run when the lock is free.  (Python's
 * notify waits until each has woken, and so for ever for one that was killed.)
 *
 * If a waiter is killed: the next waiter gets its notification, also one that
 * it had got and not yet returned with; in that case at the next notify, or by
 * a look of the waiters' own, a tenth of a second later at most (backstop.h).
 * If a process is killed while it holds the lock: whoever comes back from wait
 * first is told, by MP_OWNER_DIED.
 *
 * Illegal: two different locks with one condition.
 *
 * Source: Hoare, "Monitors", 1974; Lampson and Redell, 1980, for notify.
 */
#ifndef MP_CONDITION_H
#define MP_CONDITION_H

#include "mp/lock.h"
#include "mp/waiter.h"

#define MP_CONDITION_WAITERS 128 /* at one time */

struct mp_condition {
	/* Guarded by the lock that is given with each call. */
	uint64_t tickets;      /* given so far: who has waited longest */
	_Atomic uint32_t used; /* waiter[0 … used) have been used */
	uint32_t unused;
	struct mp_counters counters;
	struct mp_waiter waiter[MP_CONDITION_WAITERS];
};

/* -EINVAL: memory that is not shared. */
MP_API int mp_condition_init(struct mp_condition *c);

/* Release l, wait to be notified, acquire l.
 * 0: notified.  -ETIMEDOUT, -EINTR: not notified, for so long or until a signal
 * handler ran; go on with mp_clock_left(deadline).  MP_OWNER_DIED: the last
 * holder of l died; look at everything.  In all these cases l is held again.
 * -EPERM: this thread does not hold l.  -ENOSPC: too many wait.  l is held as
 * before.  -EINVAL: l broke meanwhile, and is not held. */
MP_API int mp_condition_wait(struct mp_condition *c, struct mp_lock *l,
			     int64_t timeout_ns);

/* Wait until predicate(arg), called with l held, is not 0; timeout_ns is for
 * all waits together.  0: it is positive; a negative result is passed on;
 * otherwise as mp_condition_wait. */
MP_API int mp_condition_wait_for(struct mp_condition *c, struct mp_lock *l,
				 int (*predicate)(void *), void *arg,
				 int64_t timeout_ns);

/* Notify n waiters, or all.  How many were; -EPERM: this thread does not hold
 * l; -EINVAL: n < 0. */
MP_API int mp_condition_notify(struct mp_condition *c, struct mp_lock *l,
			       int n);
MP_API int mp_condition_notify_all(struct mp_condition *c, struct mp_lock *l);

/* How many wait and are not notified yet.  Exact while l is held. */
MP_API int mp_condition_waiters(const struct mp_condition *c);

#endif
