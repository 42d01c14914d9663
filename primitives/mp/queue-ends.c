/* queue-ends.c - the two locks, and waiting for what only the other end brings.
 *
 * Nobody holds a lock while he waits.  So who finds nothing frees it, waits,
 * and looks again with it.
 */
#include "mp/queue-ends.h"

#include <errno.h>
#include <limits.h>

#include "mp/chaos.h"
#include "mp/clock.h"
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

static uint32_t closed(const struct mp_queue *q)
{
	/* Pairs with the exchange in mp_queue_close: what was put before it is
	 * seen after it. */
	return atomic_load_explicit(&q->closed, memory_order_acquire);
}

static bool fits(const struct mp_queue *q, uint64_t tail, uint64_t end,
		 uint64_t need)
{
	uint32_t items = mp_queue_count(tail) - mp_queue_count(end);
	uint64_t from = mp_queue_at(end), to = mp_queue_at(tail);
	uint64_t used =
		to > from || items == 0 ? to - from : to - from + q->ring;

	return items < q->items && need <= q->ring - used;
}

static uint64_t need(const struct mp_queue *q, size_t length)
{
	return mp_queue_header(q) + mp_ring_round(length);
}

bool mp_queue_fits(const struct mp_queue *q, uint64_t tail, uint64_t limit,
		   size_t length)
{
	return fits(q, tail, limit, need(q, length));
}

/* ---- what is waited for ---- */

static bool may_put(const void *arg)
{
	const struct mp_queue_wait *w = arg;
	const struct mp_queue *q = w->q;

	return closed(q) != MP_QUEUE_OPEN ||
	       fits(q, mp_queue_load(&q->tail),
		    mp_queue_load(mp_queue_limit(q)), w->need);
}

/* Closed, and, as far as one can see without the lock, nothing can come back
 * from others who have it on lease. */
static bool ended(const struct mp_queue_wait *w)
{
	const struct mp_queue *q = w->q;
	uint32_t end = closed(q);

	return end == MP_QUEUE_SHUTDOWN ||
	       (end == MP_QUEUE_CLOSED &&
		(w->mine != 0 ||
		 mp_queue_count(mp_queue_load(mp_queue_limit(q))) ==
			 mp_queue_count(mp_queue_load(&q->head))));
}

static bool may_get(const void *arg)
{
	const struct mp_queue_wait *w = arg;

	return ended(w) || !mp_queue_empty(w->q);
}

static bool is_done(const void *arg)
{
	const struct mp_queue *q = ((const struct mp_queue_wait *)arg)->q;
	uint32_t done =
		q->flags & MP_QUEUE_LEASE
			? mp_queue_count(mp_queue_load(&q->freed))
			: atomic_load_explicit(&q->done, memory_order_acquire);

	return closed(q) == MP_QUEUE_SHUTDOWN ||
	       done == mp_queue_count(mp_queue_load(&q->tail));
}

static void begin_wait(struct mp_queue_wait *w)
{
	if (w->waited)
		return;
	w->waited = true;
	w->deadline = mp_clock_deadline(w->timeout_ns);
	mp_counters_add(&w->q->counters, MP_CONTENDED);
}

/* 0: look again, with the lock.  -ETIMEDOUT, -EINTR. */
static int wait_at(struct mp_gate *g, bool (*something)(const void *),
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
		if (closed(w->q) == MP_QUEUE_SHUTDOWN)
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

static int lock_end(struct mp_lock *l, _Atomic uint32_t *in_place,
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

static void unlock_end(struct mp_lock *l, _Atomic uint32_t *in_place,
		       _Atomic uint32_t *cpu)
{
	uint32_t here = mp_spin_cpu();

	if (atomic_load_explicit(cpu, memory_order_relaxed) != here)
		atomic_store_explicit(cpu, here, memory_order_relaxed);
	if (atomic_load_explicit(in_place, memory_order_relaxed))
		atomic_store_explicit(in_place, 0, memory_order_relaxed);
	mp_lock_release(l);
}

/* ---- putters ---- */

int mp_queue_lock_put(struct mp_queue *q)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = -1 };

	return lock_end(&q->put_lock, &q->reserved, &q->not_empty, &w);
}

int mp_queue_room(struct mp_queue *q, uint64_t tail, size_t length)
{
	uint64_t bytes = need(q, length);

	if (closed(q) != MP_QUEUE_OPEN)
		return -ESHUTDOWN;
	/* Messages of several sizes: one that is taken may make room for many,
	 * and all sleepers must look. */
	if (q->need != bytes) {
		if (q->need != 0)
			atomic_store_explicit(&q->mixed, 1,
					      memory_order_relaxed);
		q->need = bytes;
	}
	if (fits(q, tail, q->limit_seen, bytes))
		return 0;
	q->limit_seen = mp_queue_load(mp_queue_limit(q));
	return fits(q, tail, q->limit_seen, bytes) ? 0 : -EAGAIN;
}

int mp_queue_enter_put(struct mp_queue *q, size_t length, int64_t timeout_ns,
		       uint64_t *tail)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = timeout_ns };
	int error;

	if (length > q->bytes)
		return -EMSGSIZE;
	w.need = need(q, length);
	do {
		error = lock_end(&q->put_lock, &q->reserved, &q->not_empty, &w);
		if (error < 0)
			break;
		*tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
		error = mp_queue_room(q, *tail, length);
		if (error == 0)
			return 0;
		unlock_end(&q->put_lock, &q->reserved, &q->put_cpu);
		if (error == -EAGAIN)
			error = wait_at(&q->not_full, may_put, &q->get_cpu, &w);
	} while (error == 0);
	/* What woke us is for somebody else. */
	if (w.slept && may_put(&w))
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

void mp_queue_leave_put(struct mp_queue *q, uint64_t tail, int n)
{
	mp_chaos();
	/* Pairs with the acquire in mp_queue_load: the messages exist. */
	if (n != 0)
		atomic_store_explicit(&q->tail, tail, memory_order_release);
	mp_chaos();
	unlock_end(&q->put_lock, &q->reserved, &q->put_cpu);
	mp_chaos();
	if (n != 0)
		mp_gate_open(&q->not_empty, n, &q->counters);
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

	return lock_end(&q->get_lock, &q->peeked, &q->not_full, &w);
}

void mp_queue_unlock_get(struct mp_queue *q)
{
	unlock_end(&q->get_lock, &q->peeked, &q->get_cpu);
}

static int next(struct mp_queue *q, uint64_t *at, int *mine)
{
	/* In this order: close comes after the last put. */
	uint32_t end = closed(q);
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
		error = lock_end(&q->get_lock, &q->peeked, &q->not_full, &w);
		if (error < 0)
			break;
		*at = atomic_load_explicit(&q->head, memory_order_relaxed);
		error = next(q, at, &w.mine);
		if (error == 0)
			return 0;
		mp_queue_unlock_get(q);
		if (error == -EAGAIN)
			error = wait_at(&q->not_empty, may_get, &q->put_cpu,
					&w);
	} while (error == 0);
	if (w.slept && may_get(&w))
		mp_gate_wake(&q->not_empty, 1, &q->counters);
	return error;
}

int mp_queue_take(struct mp_queue *q, uint64_t *at)
{
	int mine = 0;

	if (q->flags & MP_QUEUE_LEASE) {
		mp_queue_lease_take(q, *at);
		*at = atomic_load_explicit(&q->head, memory_order_relaxed);
	} else {
		*at = mp_queue_after(q, *at, mp_queue_length(q, *at));
	}
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

/* ---- the end ---- */

int mp_queue_wait_done(struct mp_queue *q, int64_t timeout_ns)
{
	struct mp_queue_wait w = { .q = q, .timeout_ns = timeout_ns };
	int error = 0;

	while (!is_done(&w) && error == 0)
		error = wait_at(&q->all_done, is_done, &q->get_cpu, &w);
	if (error == 0 && closed(q) == MP_QUEUE_SHUTDOWN)
		return -ESHUTDOWN;
	return error;
}
