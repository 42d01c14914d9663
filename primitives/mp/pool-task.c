/* pool-task.c - slots: filled in, put into the ring, taken back when done. */
#include "mp/pool-own.h"

#include <string.h>

#include "mp/chaos.h"

static uint32_t kind(const struct mp_pool_slot *slot)
{
	return MP_SLOT_KIND(mp_pool_load(&slot->state));
}

/* Slots that were cancelled are free once the ring has passed them: so no slot
 * stands there twice, and the ring is never too small. */
bool mp_task_room(struct mp_pool *pool)
{
	uint64_t head;

	if (pool->nfree > 0 || pool->ncancelled == 0)
		return pool->nfree > 0;
	mp_pool_pass(pool);
	head = mp_pool_load(&pool->s->head);
	for (uint32_t i = 0; i < pool->used; i++) {
		if (!pool->orders[i].cancelled ||
		    pool->orders[i].position >= head)
			continue;
		pool->ncancelled--;
		pool->orders[i].cancelled = false;
		pool->free_slots[pool->nfree++] = i;
	}
	return pool->nfree > 0;
}

int mp_task_take(struct mp_pool *pool, int (*fn)(struct mp_task *),
		 size_t in_size, size_t out_size, uint32_t count,
		 const struct mp_call *call)
{
	struct mp_pool_slot *slot;
	uint32_t i;

	if (!mp_task_room(pool))
		return -EAGAIN;
	i = pool->free_slots[--pool->nfree];
	if (i >= pool->used)
		pool->used = i + 1;
	slot = mp_pool_slot(pool->s, i);
	slot->fn = (uintptr_t)fn;
	slot->index = 0;
	slot->count = slot->room = count;
	slot->first = 0;
	slot->in_size = (uint32_t)in_size;
	slot->out_size = (uint32_t)out_size;
	slot->size = 0;
	slot->timed = call->timeout_ns > 0;
	mp_pool_timed(pool, call);
	pool->orders[i] = (struct mp_pool_order){
		.retries = call->retries,
		.timeout_ns = call->timeout_ns,
	};
	return (int)i;
}

void mp_task_publish(struct mp_pool *pool, uint32_t i)
{
	struct mp_pool_slot *slot = mp_pool_slot(pool->s, i);
	uint64_t state = MP_SLOT_USES(mp_pool_load(&slot->state)) +
			 MP_SLOT_USE + MP_SLOT_READY;

	atomic_store_explicit(&slot->progress.claim, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->progress.since, INT64_MAX,
			      memory_order_relaxed);
	mp_pool_store(&slot->state, state);
	pool->orders[i].position = mp_pool_append(pool, MP_ENTRY(i, state), 1);
}

static void clear(struct mp_pool *pool, uint32_t i)
{
	pool->timed -= mp_pool_slot(pool->s, i)->timed != 0;
	pool->orders[i] =
		(struct mp_pool_order){ .position = pool->orders[i].position };
}

void mp_task_free(struct mp_pool *pool, uint32_t i)
{
	struct mp_pool_slot *slot = mp_pool_slot(pool->s, i);

	mp_pool_store(&slot->state,
		      MP_SLOT_USES(mp_pool_load(&slot->state)) | MP_SLOT_FREE);
	clear(pool, i);
	pool->free_slots[pool->nfree++] = i;
}

static bool take_back(struct mp_pool *pool, uint32_t i)
{
	struct mp_pool_slot *slot = mp_pool_slot(pool->s, i);
	uint64_t old = mp_pool_load(&slot->state);

	/* Against the worker that is about to take it. */
	return MP_SLOT_KIND(old) == MP_SLOT_READY &&
	       atomic_compare_exchange_strong_explicit(
		       &slot->state, &old, MP_SLOT_USES(old) | MP_SLOT_FREE,
		       memory_order_acq_rel, memory_order_relaxed);
}

int mp_task_cancel(struct mp_pool *pool, uint32_t i)
{
	if (!take_back(pool, i))
		return -EBUSY;
	clear(pool, i);
	pool->orders[i].cancelled = true;
	pool->ncancelled++;
	return 0;
}

/* ---- what is done ---- */

bool mp_task_any_done(const struct mp_pool *pool)
{
	const struct mp_pool_shared *s = pool->s;

	for (uint32_t i = 0; i < pool->used; i += 64)
		if (atomic_load_explicit(&s->done[i / 64],
					 memory_order_relaxed) != 0)
			return true;
	return false;
}

/* A result that is done goes to its place, and the slot is free. */
static void deliver(struct mp_pool *pool, uint32_t i, struct mp_result *r)
{
	struct mp_pool_slot *slot = mp_pool_slot(pool->s, i);

	r->status = mp_slot_status(slot)[0];
	r->size = r->status == 0 ? slot->size : 0;
	if (r->size > 0)
		memcpy(r->out, mp_slot_out(slot), r->size);
	mp_task_free(pool, i);
	mp_pool_finish(pool, r);
}

static void settle(struct mp_pool *pool, uint32_t i)
{
	struct mp_pool_order *order = &pool->orders[i];

	if (kind(mp_pool_slot(pool->s, i)) != MP_SLOT_DONE || order->settled)
		return;
	if (order->result != NULL) {
		deliver(pool, i, order->result);
	} else if (order->imap != NULL) {
		order->settled = true;
		mp_imap_settle(order->imap, i);
	} else {
		mp_task_free(pool, i);
	}
}

void mp_task_collect(struct mp_pool *pool)
{
	struct mp_pool_shared *s = pool->s;
	uint64_t bits;

	for (uint32_t i = 0; i < pool->used; i += 64) {
		if (atomic_load_explicit(&s->done[i / 64],
					 memory_order_relaxed) == 0)
			continue;
		/* Acquires what the workers wrote before they set the bits. */
		bits = atomic_exchange_explicit(&s->done[i / 64], 0,
						memory_order_acq_rel);
		for (; bits != 0; bits &= bits - 1)
			settle(pool, i + (uint32_t)__builtin_ctzll(bits));
	}
}

/* ---- deaths ---- */

/* The worker died in item k - 1 of those from `first` on.  Begin that one once
 * more, or give it up; then go on with the rest. */
static void resume(struct mp_pool *pool, uint32_t i, uint32_t w)
{
	struct mp_pool_order *order = &pool->orders[i];
	struct mp_pool_slot *slot = mp_pool_slot(pool->s, i);
	uint64_t k = MP_CLAIM_BEGUN(mp_pool_load(&slot->progress.claim));
	int32_t lost = pool->terminated ? MP_CANCELLED : MP_LOST;

	if (atomic_load_explicit(&slot->progress.since, memory_order_relaxed) ==
	    MP_REVOKED)
		lost = MP_TOO_LONG;
	if (k > 1)
		order->tries = 0;
	if (k > 0)
		slot->first += (uint32_t)k - 1;
	if (k > 0 && (lost != MP_LOST || order->tries++ >= order->retries)) {
		if (order->result != NULL) {
			order->result->died = true;
			order->result->exitcode = pool->members[w].exitcode;
		}
		mp_slot_status(slot)[slot->first++] = lost;
		order->tries = 0;
	}
	while (pool->terminated && slot->first < slot->count)
		mp_slot_status(slot)[slot->first++] = MP_CANCELLED;
	if (slot->first < slot->count) {
		/* It may still stand there, taken and not passed. */
		mp_pool_pass(pool);
		mp_task_publish(pool, i);
		return;
	}
	mp_pool_store(&slot->state,
		      MP_SLOT_USES(mp_pool_load(&slot->state)) | MP_SLOT_DONE);
	settle(pool, i);
}

void mp_task_recover(struct mp_pool *pool, uint32_t w)
{
	uint64_t state;

	for (uint32_t i = 0; i < pool->used; i++) {
		state = mp_pool_load(&mp_pool_slot(pool->s, i)->state);
		if (MP_SLOT_KIND(state) == MP_SLOT_RUNNING &&
		    MP_SLOT_WORKER(state) == w)
			resume(pool, i, w);
		else if (MP_SLOT_KIND(state) == MP_SLOT_DONE)
			settle(pool, i); /* the bit may be missing */
	}
}

/* There are no workers any more: whatever stands there will not be run. */
void mp_task_abandon(struct mp_pool *pool)
{
	struct mp_pool_slot *slot;

	for (uint32_t i = 0; i < pool->used; i++) {
		slot = mp_pool_slot(pool->s, i);
		if (!take_back(pool, i))
			continue;
		while (slot->first < slot->count)
			mp_slot_status(slot)[slot->first++] = MP_CANCELLED;
		mp_pool_store(&slot->state,
			      MP_SLOT_USES(mp_pool_load(&slot->state)) |
				      MP_SLOT_DONE);
		settle(pool, i);
	}
}
