/* queue-ends.c - to be alone at one end, with what one came for. */
#include "mp/queue-ends.h"

#include <errno.h>
#include <limits.h>

#include "mp/chaos.h"
#include "mp/queue-wait.h"

/* ---- putters ---- */

int mp_queue_lock_put(struct mp_queue *q)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = -1 };

	return mp_queue_lock_end(&q->put_lock, &q->reserved, &q->not_empty, &w);
}

int mp_queue_room(struct mp_queue *q, uint64_t tail, size_t length)
{
	uint64_t bytes = mp_queue_need(q, length);

	if (mp_queue_closed(q) != MP_QUEUE_OPEN)
		return -ESHUTDOWN;
	/* Messages of several sizes: one that is taken may make room for many,
	 * and all sleepers must look. */
	if (q->need != bytes) {
		if (q->need != 0)
			atomic_store_explicit(&q->mixed, 1,
					      memory_order_relaxed);
		q->need = bytes;
	}
	if (mp_queue_fits(q, tail, q->limit_seen, bytes))
		return 0;
	q->limit_seen = mp_queue_load(mp_queue_limit(q));
	return mp_queue_fits(q, tail, q->limit_seen, bytes) ? 0 : -EAGAIN;
}

int mp_queue_enter_put(struct mp_queue *q, size_t length, int64_t timeout_ns,
		       uint64_t *tail)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = timeout_ns };
	int error;

	if (length > q->bytes)
		return -EMSGSIZE;
	w.need = mp_queue_need(q, length);
	do {
		error = mp_queue_lock_end(&q->put_lock, &q->reserved,
					  &q->not_empty, &w);
		if (error < 0)
			break;
		*tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
		error = mp_queue_room(q, *tail, length);
		if (error == 0)
			return 0;
		mp_queue_unlock_end(&q->put_lock, &q->reserved, &q->put_cpu);
		if (error == -EAGAIN)
			error = mp_queue_wait_at(&q->not_full, mp_queue_may_put,
						 &q->get_cpu, &w);
	} while (error == 0);
	/* What woke us is for somebody else. */
	if (w.slept && mp_queue_may_put(&w))
		mp_gate_wake(&q->not_full, 1, &q->counters);
	return error;
}

void mp_queue_finish(struct mp_queue *q, uint64_t *tail, size_t length)
{
	unsigned char *message = mp_queue_message(q, *tail);
	uint64_t size = length;

	memcpy(message - MP_QUEUE_LENGTH, &size, sizeof(size));
	if (q->flags & MP_QUEUE_LEASE)
		atomic_store_explicit(&mp_queue_node(q, *tail)->word, 0,
				      memory_order_relaxed);
	*tail = mp_queue_after(q, *tail, length);
}

#define AHEAD_BYTES 256 /* the getter has this line still */

void mp_queue_leave_put(struct mp_queue *q, uint64_t tail, int n)
{
	mp_chaos();
	/* Pairs with the acquire in mp_queue_load: the messages exist. */
	if (n != 0)
		atomic_store_explicit(&q->tail, tail, memory_order_release);
	mp_chaos();
	mp_queue_unlock_end(&q->put_lock, &q->reserved, &q->put_cpu);
	mp_chaos();
	if (n != 0) {
		mp_gate_open(&q->not_empty, n, &q->counters);
		mp_ring_fetch(q->data + mp_ring_next(mp_queue_at(tail),
						     AHEAD_BYTES, q->ring));
	}
}

/* ---- getters ---- */

void mp_queue_open_room(struct mp_queue *q, int n)
{
	mp_gate_open(&q->not_full, n, &q->counters);
	/* Afterwards: the one just woken may be who made it so. */
	if (atomic_load_explicit(&q->mixed, memory_order_relaxed))
		mp_gate_open(&q->not_full, INT_MAX, &q->counters);
}

int mp_queue_lock_get(struct mp_queue *q)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = -1 };

	return mp_queue_lock_end(&q->get_lock, &q->peeked, &q->not_full, &w);
}

void mp_queue_unlock_get(struct mp_queue *q)
{
	mp_queue_unlock_end(&q->get_lock, &q->peeked, &q->get_cpu);
}

static int next(struct mp_queue *q, uint64_t *at, int *mine)
{
	/* In this order: close comes after the last put. */
	uint32_t end = mp_queue_closed(q);
	int others = 0, error = 0;

	if (end == MP_QUEUE_SHUTDOWN)
		return -ESHUTDOWN;
	if (mp_queue_count(q->tail_seen) == mp_queue_count(*at))
		q->tail_seen = mp_queue_load(&q->tail);
	if (q->flags & MP_QUEUE_LEASE)
		error = mp_queue_lease_find(q, at, mine, &others);
	else if (mp_queue_count(q->tail_seen) == mp_queue_count(*at))
		error = -EAGAIN;
	if (error == -EAGAIN && end == MP_QUEUE_CLOSED &&
	    (others == 0 || *mine != 0))
		return -ESHUTDOWN;
	return error;
}

int mp_queue_enter_get(struct mp_queue *q, int64_t timeout_ns, uint64_t *at)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = timeout_ns };
	int error;

	do {
		error = mp_queue_lock_end(&q->get_lock, &q->peeked,
					  &q->not_full, &w);
		if (error < 0)
			break;
		*at = atomic_load_explicit(&q->head, memory_order_relaxed);
		error = next(q, at, &w.mine);
		if (error == 0)
			return 0;
		mp_queue_unlock_get(q);
		if (error == -EAGAIN)
			error = mp_queue_wait_at(&q->not_empty,
						 mp_queue_may_get, &q->put_cpu,
						 &w);
	} while (error == 0);
	if (w.slept && mp_queue_may_get(&w))
		mp_gate_wake(&q->not_empty, 1, &q->counters);
	return error;
}

void mp_queue_take(struct mp_queue *q, uint64_t *at)
{
	if (q->flags & MP_QUEUE_LEASE) {
		mp_queue_lease_take(q, *at);
		*at = atomic_load_explicit(&q->head, memory_order_relaxed);
	} else {
		*at = mp_queue_after(q, *at, mp_queue_length(q, *at));
	}
}

int mp_queue_more(struct mp_queue *q, uint64_t *at)
{
	int mine = 0;

	return next(q, at, &mine);
}

void mp_queue_leave_get(struct mp_queue *q, uint64_t head, int n)
{
	bool frees = n != 0 && !(q->flags & MP_QUEUE_LEASE);

	mp_chaos();
	/* Pairs with the acquire in mp_queue_load: the room may be used. */
	if (frees)
		atomic_store_explicit(&q->head, head, memory_order_release);
	mp_chaos();
	mp_queue_unlock_get(q);
	mp_chaos();
	if (frees)
		mp_queue_open_room(q, n);
}
