/* pool-work - the parts of a worker's life.
 *
 * Internal to pool-work.c, pool-help.c and pool-item.h.  Floor 4.  A worker.
 */
#ifndef MP_POOL_WORK_H
#define MP_POOL_WORK_H

#include "mp/pool-shared.h"

static inline uint64_t mp_work_load(const _Atomic uint64_t *word)
{
	/* Pairs with the release with which its writer stored it. */
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void mp_work_store(_Atomic uint64_t *word, uint64_t value)
{
	/* Read by the creator when this worker is dead: only the order of the
	 * stores counts. */
	atomic_store_explicit(word, value, memory_order_release);
}

/* Something was published by a read-modify-write; tell the creator, if it
 * sleeps. */
void mp_work_tell(struct mp_pool_shared *s);

/* Nothing is left at this place of the ring: go on to the next. */
void mp_work_pass(struct mp_pool_shared *s, uint64_t position);

/* Help with the map that was read at this place. */
void mp_work_help(struct mp_pool_worker *self, struct mp_pool_shared *s,
		  uint64_t position, uint32_t map);

#endif
