/* semaphore - a number that is never negative: take one, or wait for one.
 *
 * Python: multiprocessing.Semaphore, BoundedSemaphore.  Floor 2.  Any process,
 * any thread; release also from a signal handler.
 *
 * Lives in: shared memory; all zero bytes are a semaphore of value 0 without a
 * bound.
 *
 *	mp_semaphore_init(&s->seats, 2, 2);	 two may be inside
 *
 *	mp_semaphore_acquire(&s->seats, -1);
 *	work();
 *	mp_semaphore_release(&s->seats);
 *
 * A release nobody waits for makes no system call, nor does an acquire that
 * finds a token.  A signal handler ends the wait: see mp_semaphore_acquire.
 *
 * If a process is killed that has acquired and not released: its token is gone.
 * A semaphore has no owner, and whoever wants to give the token back must know
 * of the death (process.h) and release in its place.  If a waiter is killed,
 * also one just woken: the token stays, and another waiter finds it, by a look
 * of its own at the latest (backstop.h).
 *
 * Source: Dijkstra, EWD 123, 1965.
 */
#ifndef MP_SEMAPHORE_H
#define MP_SEMAPHORE_H

#include "mp/api.h"
#include "mp/counters.h"

#define MP_SEMAPHORE_MAX 0x3fffffffu

struct mp_semaphore {
	_Alignas(64) _Atomic uint32_t word; /* states in semaphore.c */
	uint32_t max;                       /* constant; 0: no bound */
	struct mp_counters counters;
};

/* value tokens now, never more than max (0: MP_SEMAPHORE_MAX).
 * -EINVAL: value > max, max > MP_SEMAPHORE_MAX, memory that is not shared. */
MP_API int mp_semaphore_init(struct mp_semaphore *s, uint32_t value,
			     uint32_t max);

/* Take a token.  0; -ETIMEDOUT; -EINTR: a handler ran, no token taken; to go
 * on, call again with mp_clock_left(deadline). */
MP_API int mp_semaphore_acquire(struct mp_semaphore *s, int64_t timeout_ns);

/* Give a token.  -EOVERFLOW: max are there; nothing was given. */
MP_API int mp_semaphore_release(struct mp_semaphore *s);

/* How many tokens there are.  Old news at once. */
MP_API uint32_t mp_semaphore_value(const struct mp_semaphore *s);

#endif
