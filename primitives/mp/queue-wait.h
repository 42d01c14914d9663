/* queue-wait - a call that may have to wait at one end of a queue.
 *
 * Internal to queue-*.c.  Floor 3.
 */
#ifndef MP_QUEUE_WAIT_H
#define MP_QUEUE_WAIT_H

#include "mp/queue-ends.h"
#include "mp/spin.h"

/* One call that may have to wait. */
struct mp_queue_wait {
	struct mp_queue *q;
	uint64_t need; /* of a putter */
	int64_t timeout_ns, deadline;
	struct mp_spin spin;
	bool waited, slept;
	int mine; /* on lease */
};

static inline uint32_t mp_queue_closed(const struct mp_queue *q)
{
	/* Pairs with the compare-and-swap in end(), queue-end.c: what was put
	 * before it is seen after it. */
	return atomic_load_explicit(&q->closed, memory_order_acquire);
}

/* What putters wait for, and getters; arg is a struct mp_queue_wait. */
bool mp_queue_may_put(const void *arg);
bool mp_queue_may_get(const void *arg);

/* 0: look again, with the lock.  -ETIMEDOUT, -EINTR. */
int mp_queue_wait_at(struct mp_gate *g, bool (*something)(const void *),
		     const _Atomic uint32_t *other_cpu,
		     struct mp_queue_wait *w);

/* The lock of an end, which is held for a copy, or, if *in_place, for long.  If
 * its holder died, `others` are woken: it may have published, and no more. */
int mp_queue_lock_end(struct mp_lock *l, _Atomic uint32_t *in_place,
		      struct mp_gate *others, struct mp_queue_wait *w);

/* cpu: where this thread runs, for those who wait. */
void mp_queue_unlock_end(struct mp_lock *l, _Atomic uint32_t *in_place,
			 _Atomic uint32_t *cpu);

#endif
