/* queue-wait.c - the two locks, and waiting for what only the other end brings.
 *
 * Nobody holds a lock while he waits.  So who finds nothing frees it, waits,
 * and looks again with it.
 */
#include "mp/queue-wait.h"

#include <errno.h>
#include <limits.h>

#include "mp/clock.h"

/* ---- what is waited for ---- */

bool mp_queue_may_put(const void *arg)
{
	const struct mp_queue_wait *w = arg;
	const struct mp_queue *q = w->q;

	return mp_queue_closed(q) != MP_QUEUE_OPEN ||
	       mp_queue_fits(q, mp_queue_load(&q->tail),
			     mp_queue_load(mp_queue_limit(q)), w->need);
}

/* Closed, and, as far as one can see without the lock, nothing can come back
 * from others who have it on lease. */
static bool ended(const struct mp_queue_wait *w)
{
	const struct mp_queue *q = w->q;
	uint32_t end = mp_queue_closed(q);

	return end == MP_QUEUE_SHUTDOWN ||
	       (end == MP_QUEUE_CLOSED &&
		(w->mine != 0 ||
		 mp_queue_count(mp_queue_load(mp_queue_limit(q))) ==
			 mp_queue_count(mp_queue_load(&q->head))));
}

bool mp_queue_may_get(const void *arg)
{
	const struct mp_queue_wait *w = arg;

	return ended(w) || !mp_queue_empty(w->q);
}

/* Two that go on at the same pace, one just behind the other, hand over message
 * by message, and each takes the other's cache lines: ten times as slow as a
 * batch.  Whose wait was short therefore lets the other one get ahead, by about
 * half of the queue and while he goes on; whose wait was long, as in a round
 * trip, goes on at once. */
#define SHORT_LOOKS   8
#define AHEAD_ITEM_NS 24
#define AHEAD_LOOK_NS 700 /* look whether he goes on: it takes his line */
#define AHEAD_MOST_NS 5000

static void pass(int64_t ns)
{
	int64_t start = mp_clock_now();

	while (mp_clock_now() - start < ns)
		mp_spin_relax();
}

static void let_ahead(const struct mp_queue_wait *w,
		      const _Atomic uint32_t *other_cpu)
{
	const struct mp_queue *q = w->q;
	const _Atomic uint64_t *other_end =
		other_cpu == &q->put_cpu ? &q->tail : mp_queue_limit(q);
	int64_t left = (int64_t)q->items * AHEAD_ITEM_NS, ns;
	uint64_t old, new;

	if (w->spin.alone || w->spin.looks == 0 || w->spin.looks >= SHORT_LOOKS)
		return;
	if (left > AHEAD_MOST_NS)
		left = AHEAD_MOST_NS;
	new = mp_queue_load(other_end);
	do {
		ns = left < AHEAD_LOOK_NS ? left : AHEAD_LOOK_NS;
		pass(ns);
		left -= ns;
		old = new;
		new = mp_queue_load(other_end);
	} while (left > 0 && new != old);
}

static void begin_wait(struct mp_queue_wait *w)
{
	if (w->waited)
		return;
	w->waited = true;
	w->deadline = mp_clock_deadline(w->timeout_ns);
	mp_counters_add(&w->q->counters, MP_CONTENDED);
}

int mp_queue_wait_at(struct mp_gate *g, bool (*something)(const void *),
		     const _Atomic uint32_t *other_cpu, struct mp_queue_wait *w)
{
	bool lease = w->q->flags & MP_QUEUE_LEASE;
	int error;

	if (w->timeout_ns == 0) {
		if (lease)
			mp_queue_lease_tidy(w->q);
		return lease && something(w) ? 0 : -ETIMEDOUT;
	}
	begin_wait(w);
	while (!something(w)) {
		if (mp_spin(&w->spin,
			    atomic_load_explicit(other_cpu,
						 memory_order_relaxed),
			    w->deadline))
			continue;
		w->slept = true;
		error = mp_gate_wait(g, something, w, w->deadline,
				     &w->q->counters);
		w->spin = (struct mp_spin){ 0 };
		if (error < 0)
			return error;
		/* A message that comes back is seen with the lock only. */
		if (lease) {
			if (!something(w))
				mp_queue_lease_tidy(w->q);
			return 0;
		}
	}
	let_ahead(w, other_cpu);
	return 0;
}

/* ---- locks ---- */

#define LOOK_NS     100000000 /* waiting for a lock, look around so often */
#define LOOK_TRY_NS 1000000

/* The lock of an end is held for a copy, or, if *in_place, for long. */
static int lock(struct mp_lock *l, const _Atomic uint32_t *in_place,
		struct mp_queue_wait *w)
{
	int64_t ns = w->timeout_ns == 0 ? LOOK_TRY_NS : LOOK_NS, left;
	int error = mp_lock_acquire(l, w->timeout_ns < 0 ? ns : 0);

	while (error == -ETIMEDOUT) {
		if (mp_queue_closed(w->q) == MP_QUEUE_SHUTDOWN)
			return -ESHUTDOWN;
		begin_wait(w);
		left = ns;
		if (w->timeout_ns != 0)
			left = mp_clock_left(w->deadline);
		else if (atomic_load_explicit(in_place, memory_order_relaxed))
			return -EBUSY;
		if (left == 0)
			return -ETIMEDOUT;
		error = mp_lock_acquire(l, left < ns ? left : ns);
	}
	return error;
}

int mp_queue_lock_end(struct mp_lock *l, _Atomic uint32_t *in_place,
		      struct mp_gate *others, struct mp_queue_wait *w)
{
	int error = lock(l, in_place, w);

	if (error != MP_OWNER_DIED)
		return error;
	/* It may have published, and woken nobody. */
	atomic_store_explicit(in_place, 0, memory_order_relaxed);
	mp_gate_wake(others, INT_MAX, &w->q->counters);
	if (l == &w->q->get_lock && w->q->flags & MP_QUEUE_LEASE)
		mp_queue_lease_reclaim(w->q);
	return 0;
}

void mp_queue_unlock_end(struct mp_lock *l, _Atomic uint32_t *in_place,
			 _Atomic uint32_t *cpu)
{
	uint32_t here = mp_spin_cpu();

	if (atomic_load_explicit(cpu, memory_order_relaxed) != here)
		atomic_store_explicit(cpu, here, memory_order_relaxed);
	if (atomic_load_explicit(in_place, memory_order_relaxed))
		atomic_store_explicit(in_place, 0, memory_order_relaxed);
	mp_lock_release(l);
}
