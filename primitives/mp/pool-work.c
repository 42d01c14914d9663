/* pool-work.c - a worker's life: take what is first in the ring, until the end.
 *
 * A task is taken by one compare-and-swap of its state, which names the worker.
 */
#include "mp/pool-item.h"

#include "mp/bell.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/fence.h"
#include "mp/spin.h"

void mp_work_tell(struct mp_pool_shared *s)
{
	mp_fence_after();
	if (mp_bell_listens(&s->bell))
		mp_bell_ring(&s->bell, s->bell_fd, &s->counters);
}

void mp_work_pass(struct mp_pool_shared *s, uint64_t position)
{
	mp_chaos();
	atomic_compare_exchange_strong_explicit(
		&s->head, &position, position + 1, memory_order_seq_cst,
		memory_order_relaxed);
}

static void run_slot(struct mp_pool_worker *self, struct mp_pool_shared *s,
		     uint64_t position, uint32_t entry)
{
	uint32_t i = MP_ENTRY_SLOT(entry), n;
	struct mp_pool_slot *slot = mp_pool_slot(s, i);
	uint64_t old = mp_work_load(&slot->state);
	uint64_t mine = MP_SLOT_USES(old) | self->index << 8 | MP_SLOT_RUNNING;
	bool taken = mp_pool_ready(entry, old);
	struct mp_batch b;

	mp_chaos();
	/* Acquires what the creator wrote for this use. */
	taken = taken && atomic_compare_exchange_strong_explicit(
				 &slot->state, &old, mine, memory_order_acq_rel,
				 memory_order_relaxed);
	mp_work_pass(s, position);
	if (!taken)
		return;
	/* Who takes something wakes the next, if there is more. */
	if (mp_work_load(&s->tail) > position + 1)
		mp_gate_open(&s->work, 1, &s->counters);
	b = (struct mp_batch){
		.fn = (int (*)(struct mp_task *))(uintptr_t)slot->fn,
		.in = mp_slot_in(slot),
		.out = mp_slot_out(slot),
		.status = mp_slot_status(slot),
		.in_size = slot->in_size,
		.out_size = slot->out_size,
		.index = slot->index,
		.size = &slot->size,
		.progress = &slot->progress,
		.timed = slot->timed,
	};
	n = slot->count - slot->first;
	self->items += n;
	mp_work_run(&b, 0, slot->first, n);
	mp_work_store(&slot->state, MP_SLOT_USES(mine) | MP_SLOT_DONE);
	mp_chaos();
	atomic_fetch_or_explicit(&s->done[i / 64], UINT64_C(1) << i % 64,
				 memory_order_seq_cst);
	mp_chaos();
	mp_work_tell(s);
}

static bool something(const void *arg)
{
	const struct mp_pool_shared *s = arg;

	return mp_work_load(&s->head) != mp_work_load(&s->tail) ||
	       atomic_load_explicit(&s->closed, memory_order_acquire);
}

static void idle(struct mp_pool_worker *self, struct mp_pool_shared *s)
{
	struct mp_spin spin = { 0 };

	/* Against sparing(), pool-tend.c: either it sees that this worker
	 * looks, or this one, once it has marked the gate, sees what was
	 * published. */
	atomic_store_explicit(&self->looking, mp_spin_cpu(),
			      memory_order_relaxed);
	while (!something(s) &&
	       mp_spin(&spin,
		       atomic_load_explicit(&s->cpu, memory_order_relaxed),
		       MP_CLOCK_NEVER))
		;
	atomic_store_explicit(&self->looking, 0, memory_order_relaxed);
	if (!something(s))
		mp_gate_wait(&s->work, something, s, MP_CLOCK_NEVER,
			     &s->counters);
}

/* Take what is first in the ring.  False: there is nothing any more. */
static bool take(struct mp_pool_worker *self, struct mp_pool_shared *s)
{
	uint64_t position = mp_work_load(&s->head);
	uint32_t entry, cpu = mp_spin_cpu();

	if (position == mp_work_load(&s->tail)) {
		if (atomic_load_explicit(&s->closed, memory_order_acquire))
			return false;
		idle(self, s);
		return true;
	}
	entry = atomic_load_explicit(mp_pool_entry(s, position),
				     memory_order_acquire);
	/* While head stands there, that was its entry and no later one's. */
	if (mp_work_load(&s->head) != position)
		return true;
	if (atomic_load_explicit(&s->taken_cpu, memory_order_relaxed) != cpu)
		atomic_store_explicit(&s->taken_cpu, cpu, memory_order_relaxed);
	if (entry & MP_ENTRY_MAP)
		mp_work_help(self, s, position, entry & ~MP_ENTRY_MAP);
	else
		run_slot(self, s, position, entry);
	return s->max_tasks == 0 || self->items < s->max_tasks;
}

static bool begin(struct mp_pool_worker *self, struct mp_pool_shared *s)
{
	int (*initializer)(void *) = (int (*)(void *))(uintptr_t)s->initializer;
	bool fit = initializer == NULL ||
		   initializer((void *)(uintptr_t)s->arg) == 0;

	atomic_store_explicit(&self->state,
			      fit ? MP_WORKER_READY : MP_WORKER_FAILED,
			      memory_order_seq_cst);
	mp_work_tell(s);
	return fit;
}

int mp_pool_work(void *arg)
{
	struct mp_pool_worker *self = arg;
	struct mp_pool_shared *s =
		(struct mp_pool_shared *)(uintptr_t)self->pool;

	if (!begin(self, s))
		return 1;
	while (take(self, s))
		;
	return 0;
}
