/* barrier - nobody goes on before all have come.
 *
 * Python: multiprocessing.Barrier.  Floor 2.  Any process, any thread; not from
 * a signal handler.
 *
 * Lives in: shared memory.
 *
 *	mp_barrier_init(&s->phase, 4);
 *
 *	for (int step = 0; step < 100; step++) {
 *		compute(s, step);		 in each of four processes
 *		if (mp_barrier_wait(&s->phase, -1) < 0)
 *			break;
 *	}
 *
 * A barrier is whole or broken.  It breaks when one of those who wait runs out
 * of time, when somebody calls abort, and when a party dies: then all who wait,
 * and all who come later, get -ECANCELED, until somebody calls reset.
 *
 * Whose death is a party's?  That of a process that waits, always.  That of one
 * which has not come yet is seen only if it has called mp_barrier_enter before:
 * from then on until mp_barrier_leave its death at any moment breaks the
 * barrier, a normal exit as well.  Who waits notices it a tenth of a second
 * later at most (backstop.h), who comes at once.
 *
 * Illegal: unmapping the memory between enter and leave, or while waiting.
 *
 * Source: Jordan, "A Special Purpose Architecture for Finite Element Analysis",
 * 1978.
 */
#ifndef MP_BARRIER_H
#define MP_BARRIER_H

#include "mp/lock.h"
#include "mp/waiter.h"

#define MP_BARRIER_PARTIES 128

struct mp_barrier {
	struct mp_lock lock;
	_Atomic uint32_t phase; /* states in barrier.c */
	uint32_t parties;       /* constant */
	/* Guarded by the lock. */
	_Atomic uint32_t used; /* waiter[0 … used) have been used */
	uint32_t unused;
	struct mp_counters counters;
	/* Those still leaving the last phase have places too. */
	struct mp_waiter waiter[2 * MP_BARRIER_PARTIES];
};

/* -EINVAL: parties not in 1 … MP_BARRIER_PARTIES, memory that is not shared. */
MP_API int mp_barrier_init(struct mp_barrier *b, uint32_t parties);

/* Wait until all parties have come.  0 … parties - 1, for each party of a phase
 * another; -ETIMEDOUT: the barrier is broken now; -ECANCELED: it was, or was
 * reset; -EINTR: a signal handler ran, and it is as if this party had not come;
 * -ENOSPC: more than 2 * MP_BARRIER_PARTIES threads in it. */
MP_API int mp_barrier_wait(struct mp_barrier *b, int64_t timeout_ns);

/* The same; the last to come calls action(arg) before all go on.  If that
 * returns a negative number the barrier breaks, and it is the result.  action
 * runs with the barrier's lock held: it must not use the barrier, and whoever
 * runs out of time meanwhile returns after it. */
MP_API int mp_barrier_wait_action(struct mp_barrier *b, int (*action)(void *),
				  void *arg, int64_t timeout_ns);

/* The calling thread is a party until it leaves.
 * -EALREADY: it is; -ENOSPC.  leave: -EPERM: it is not. */
MP_API int mp_barrier_enter(struct mp_barrier *b);
MP_API int mp_barrier_leave(struct mp_barrier *b);

/* Break the barrier. */
MP_API int mp_barrier_abort(struct mp_barrier *b);

/* Make it whole and empty again; who waits at this moment gets -ECANCELED. */
MP_API int mp_barrier_reset(struct mp_barrier *b);

MP_API int mp_barrier_broken(const struct mp_barrier *b);
MP_API uint32_t mp_barrier_parties(const struct mp_barrier *b);

/* How many wait.  Old news at once.  A party's death is noticed here too. */
MP_API int mp_barrier_waiting(struct mp_barrier *b);

#endif
