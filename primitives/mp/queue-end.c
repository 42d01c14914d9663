/* queue-end.c - no more messages, and all of them done. */
#include <errno.h>
#include <limits.h>

#include "mp/chaos.h"
#include "mp/queue-wait.h"

static void wake_all(struct mp_queue *q)
{
	mp_gate_open(&q->not_empty, INT_MAX, &q->counters);
	mp_gate_open(&q->not_full, INT_MAX, &q->counters);
	mp_gate_open(&q->all_done, INT_MAX, &q->counters);
}

/* closed only grows. */
static void end(struct mp_queue *q, uint32_t new)
{
	uint32_t old = atomic_load_explicit(&q->closed, memory_order_relaxed);

	while (old < new) {
		mp_chaos();
		/* Pairs with the acquire in mp_queue_closed. */
		if (atomic_compare_exchange_strong_explicit(
			    &q->closed, &old, new, memory_order_acq_rel,
			    memory_order_relaxed))
			break;
	}
	wake_all(q);
}

int mp_queue_close(struct mp_queue *q)
{
	int error = mp_queue_lock_put(q);

	if (error == -ESHUTDOWN)
		return 0;
	if (error < 0)
		return error;
	end(q, MP_QUEUE_CLOSED);
	mp_queue_leave_put(q, 0, 0);
	return 0;
}

int mp_queue_shutdown(struct mp_queue *q)
{
	end(q, MP_QUEUE_SHUTDOWN);
	return 0;
}

int mp_queue_task_done(struct mp_queue *q)
{
	uint32_t old = atomic_load_explicit(&q->done, memory_order_relaxed);
	uint32_t put;

	if (q->flags & MP_QUEUE_LEASE)
		return mp_queue_lease_done(q);
	do {
		put = mp_queue_count(mp_queue_load(&q->tail));
		if (old == put)
			return -EINVAL;
		mp_chaos();
		/* Pairs with the acquire in is_done. */
	} while (!atomic_compare_exchange_weak_explicit(&q->done, &old, old + 1,
							memory_order_acq_rel,
							memory_order_relaxed));
	if (old + 1 == put)
		mp_gate_open(&q->all_done, INT_MAX, &q->counters);
	return 0;
}

static bool is_done(const void *arg)
{
	const struct mp_queue *q = ((const struct mp_queue_wait *)arg)->q;
	uint32_t done =
		q->flags & MP_QUEUE_LEASE
			? mp_queue_count(mp_queue_load(&q->freed))
			: atomic_load_explicit(&q->done, memory_order_acquire);

	return mp_queue_closed(q) == MP_QUEUE_SHUTDOWN ||
	       done == mp_queue_count(mp_queue_load(&q->tail));
}

int mp_queue_join(struct mp_queue *q, int64_t timeout_ns)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = timeout_ns };
	int error = 0;

	while (!is_done(&w) && error == 0)
		error = mp_queue_wait_at(&q->all_done, is_done, &q->get_cpu,
					 &w);
	if (error == 0 && mp_queue_closed(q) == MP_QUEUE_SHUTDOWN)
		return -ESHUTDOWN;
	return error;
}
