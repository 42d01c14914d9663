/* waiter - places in shared memory for those who wait.
 *
 * Internal to condition.c and barrier.c; in the headers for the size only.
 * Floor 2.
 *
 * A waiter writes its thread id into the word of a free place, which joins its
 * robust list: if it is killed there, the kernel marks the place, and others
 * see who will never come.  A place is taken with the lock of the object held;
 * it is left by the waiter at any time.
 */
#ifndef MP_WAITER_H
#define MP_WAITER_H

#include <stdbool.h>

#include "mp/owner.h"

/*  word           meaning                   leaves by           to
 *  0              free                      mp_waiter_enter     TID
 *  TID            waits                     mp_waiter_leave     0
 *                                           (condition) notify  TID|NOTIFIED
 *                                           its death           DIED
 *  TID|NOTIFIED   notified, not yet back    mp_waiter_leave     0
 *                                           its death           DIED|NOTIFIED
 *  DIED, DIED|NOTIFIED                      mp_waiter_clear     0
 *
 *  NOTIFIED is the bit that the robust list calls FUTEX_WAITERS and keeps.
 */
#define MP_WAITER_NOTIFIED FUTEX_WAITERS
#define MP_WAITER_DIED     FUTEX_OWNER_DIED

struct mp_waiter {
	struct mp_owner_node node;
	uint64_t ticket; /* condition: its turn; barrier: its phase */
	uint32_t index;  /* barrier: what its wait returns */
	uint32_t stays;  /* barrier: a party between its waits too */
};

static inline uint32_t mp_waiter_word(const struct mp_waiter *w)
{
	/* Pairs with the release of whoever marked it. */
	return atomic_load_explicit(&w->node.word, memory_order_acquire);
}

/* Take a place among n, of which *used have been in use.  NULL: all are.  *used
 * is atomic for those who look without the lock. */
static inline struct mp_waiter *mp_waiter_enter(struct mp_waiter *w, uint32_t n,
						_Atomic uint32_t *used,
						uint64_t ticket)
{
	uint32_t i = 0, end = atomic_load_explicit(used, memory_order_relaxed);

	while (i < end && mp_waiter_word(&w[i]) != 0)
		i++;
	if (i == n)
		return NULL;
	if (i == end)
		atomic_store_explicit(used, end + 1, memory_order_relaxed);
	w[i].ticket = ticket;
	mp_owner_begin(&w[i].node);
	atomic_store_explicit(&w[i].node.word, mp_owner_tid(),
			      memory_order_release);
	mp_owner_add(&w[i].node);
	return &w[i];
}

/* What the word was at last. */
static inline uint32_t mp_waiter_leave(struct mp_waiter *w)
{
	uint32_t old;

	mp_owner_remove(&w->node);
	old = atomic_exchange_explicit(&w->node.word, 0, memory_order_acq_rel);
	mp_owner_end();
	return old;
}

/* Free the place of a dead waiter. */
static inline void mp_waiter_clear(struct mp_waiter *w)
{
	atomic_store_explicit(&w->node.word, 0, memory_order_release);
}

#endif
