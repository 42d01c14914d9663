/* queue-place.c - messages written and read where they lie.
 *
 * The lock of the end is held from the first call to the second.
 */
#include <errno.h>

#include "mp/queue-ends.h"

/* Has this thread a message in place? */
static int in_place(const struct mp_lock *l, const _Atomic uint32_t *flag)
{
	return mp_lock_mine(l) &&
	       atomic_load_explicit(flag, memory_order_relaxed);
}

int mp_queue_reserve(struct mp_queue *q, size_t length, int64_t timeout_ns,
		     void **where)
{
	uint64_t tail;
	int error = mp_queue_enter_put(q, length, timeout_ns, &tail);

	if (error < 0)
		return error;
	q->reserve = length;
	atomic_store_explicit(&q->reserved, 1, memory_order_relaxed);
	*where = mp_queue_message(q, tail);
	return 0;
}

int mp_queue_commit(struct mp_queue *q, size_t length)
{
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (!in_place(&q->put_lock, &q->reserved))
		return -EPERM;
	if (length > q->reserve)
		return -EMSGSIZE;
	mp_queue_finish(q, &tail, length);
	mp_queue_leave_put(q, tail, 1);
	return 0;
}

int mp_queue_cancel(struct mp_queue *q)
{
	if (!in_place(&q->put_lock, &q->reserved))
		return -EPERM;
	mp_queue_leave_put(q, 0, 0);
	/* Room that another putter was woken for. */
	mp_queue_open_room(q, 1);
	return 0;
}

int mp_queue_peek(struct mp_queue *q, int64_t timeout_ns, const void **where,
		  size_t *length)
{
	uint64_t at;
	int error;

	if (q->flags & MP_QUEUE_LEASE)
		return -EINVAL;
	error = mp_queue_enter_get(q, timeout_ns, &at);
	if (error < 0)
		return error;
	atomic_store_explicit(&q->peeked, 1, memory_order_relaxed);
	*where = mp_queue_message(q, at);
	if (length != NULL)
		*length = mp_queue_length(q, at);
	return 0;
}

int mp_queue_release(struct mp_queue *q)
{
	uint64_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (!in_place(&q->get_lock, &q->peeked))
		return -EPERM;
	head = mp_queue_after(q, head, mp_queue_length(q, head));
	mp_queue_leave_get(q, head, 1);
	return 0;
}

int mp_queue_keep(struct mp_queue *q)
{
	if (!in_place(&q->get_lock, &q->peeked))
		return -EPERM;
	mp_queue_leave_get(q, 0, 0);
	mp_gate_open(&q->not_empty, 1, &q->counters);
	return 0;
}
