/* pool-tend.c - what the creator does for its pool while it waits. */
#include "mp/pool-own.h"

#include <stdlib.h>

#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/fence.h"
#include "mp/owner.h"
#include "mp/spin.h"

void mp_pool_pass(struct mp_pool *pool)
{
	struct mp_pool_shared *s = pool->s;
	uint64_t head = mp_pool_load(&s->head), next;
	const struct mp_pool_slot *slot;
	uint32_t entry;

	for (; head < mp_pool_load(&s->tail); head = mp_pool_load(&s->head)) {
		entry = atomic_load_explicit(mp_pool_entry(s, head),
					     memory_order_relaxed);
		if (entry & MP_ENTRY_MAP)
			return;
		slot = mp_pool_slot(s, MP_ENTRY_SLOT(entry));
		if (mp_pool_ready(entry, mp_pool_load(&slot->state)))
			return;
		next = head + 1;
		mp_chaos();
		atomic_compare_exchange_strong_explicit(&s->head, &head, next,
							memory_order_seq_cst,
							memory_order_relaxed);
	}
}

/* Is somebody awake, on another CPU, who will see what was just published?
 * Against idle(), pool-work.c. */
static bool sparing(const struct mp_pool_shared *s, uint32_t cpu)
{
	uint32_t looking;

	for (uint32_t w = 0; w < s->workers; w++) {
		looking = atomic_load_explicit(&mp_pool_worker(s, w)->looking,
					       memory_order_relaxed);
		if (looking != 0 && looking != cpu)
			return true;
	}
	return false;
}

uint64_t mp_pool_append(struct mp_pool *pool, uint32_t entry, int n)
{
	struct mp_pool_shared *s = pool->s;
	uint64_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
	uint32_t cpu = mp_spin_cpu();

	if (atomic_load_explicit(&s->cpu, memory_order_relaxed) != cpu)
		atomic_store_explicit(&s->cpu, cpu, memory_order_relaxed);
	atomic_store_explicit(mp_pool_entry(s, tail), entry,
			      memory_order_relaxed);
	/* Publishes the entry and all it leads to.  Then, behind a full fence,
	 * a look at who sleeps. */
	atomic_exchange_explicit(&s->tail, tail + 1, memory_order_seq_cst);
	mp_fence_after();
	mp_chaos();
	if (n > 1 || !sparing(s, cpu))
		mp_gate_open(&s->work, n, &s->counters);
	return tail;
}

/* ---- tending ---- */

#define LOOK_EVERY 64
#define LOOK_NS    20000000 /* between two looks at the crew, in a busy pool */

static bool well(const struct mp_result *r)
{
	return r->status == 0;
}

void mp_pool_finish(struct mp_pool *pool, struct mp_result *r)
{
	pool->outstanding--;
	pool->done++;
	if (r->detached) {
		free(r);
		return;
	}
	r->done = true;
	r->order = pool->done;
	r->next = NULL;
	if ((well(r) ? r->call.callback : r->call.error_callback) == NULL)
		return;
	*pool->last_called = r;
	pool->last_called = &r->next;
}

static void call_back(struct mp_pool *pool)
{
	void (*callback)(struct mp_result *, void *);
	struct mp_result *r;

	while ((r = pool->called) != NULL) {
		pool->called = r->next;
		if (pool->called == NULL)
			pool->last_called = &pool->called;
		callback = well(r) ? r->call.callback : r->call.error_callback;
		pool->depth++;
		callback(r, r->call.arg);
		pool->depth--;
	}
}

void mp_pool_tend(struct mp_pool *pool)
{
	mp_task_collect(pool);
	mp_map_collect(pool);
	/* A pool that is always busy never sleeps, where deaths are seen. */
	if (++pool->tended % LOOK_EVERY == 0 &&
	    mp_clock_now() - pool->looked > LOOK_NS) {
		mp_pool_end_late(pool);
		mp_crew_look(pool);
	}
	call_back(pool);
}

bool mp_pool_something(struct mp_pool *pool)
{
	return mp_task_any_done(pool) || mp_map_any_done(pool);
}

/* Where those are for whom the creator waits.  If entries wait in the ring, all
 * workers are busy; and with as many workers as CPUs one of them may want this
 * CPU: then it is as if all of them were here. */
static uint32_t workers_cpu(const struct mp_pool *pool)
{
	const struct mp_pool_shared *s = pool->s;

	if ((int)s->workers >= mp_owner_get()->cpus &&
	    mp_pool_load(&s->head) != mp_pool_load(&s->tail))
		return mp_spin_cpu();
	return atomic_load_explicit(&s->taken_cpu, memory_order_relaxed);
}

int mp_pool_wait(struct mp_pool *pool, bool (*ready)(const void *),
		 const void *arg, int64_t timeout_ns)
{
	int64_t deadline = mp_clock_deadline(timeout_ns);
	struct mp_spin spin = { 0 };
	bool looked = false;
	int error;

	for (;;) {
		mp_pool_tend(pool);
		if (ready(arg))
			return 0;
		if (pool->alive == 0 && mp_crew_broken(pool))
			return -ECHILD;
		while (timeout_ns != 0 && !mp_pool_something(pool) &&
		       mp_spin(&spin, workers_cpu(pool), deadline))
			;
		if (mp_pool_something(pool))
			continue;
		if (looked && mp_clock_left(deadline) == 0)
			return -ETIMEDOUT;
		looked = true;
		error = mp_crew_sleep(pool, ready, arg, deadline);
		if (error < 0)
			return error;
		spin = (struct mp_spin){ 0 };
	}
}
