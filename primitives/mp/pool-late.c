/* pool-late.c - items that run longer than they may.
 *
 * Each step of a worker in a timed job changes `since`.  So a compare-and-swap
 * from a moment that is too long ago hits the item of that moment or none: the
 * worker finds it at its next step, goes no further, and is killed.
 */
#include "mp/pool-own.h"

#include "mp/clock.h"

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The moment at which what worker w runs is late.  If it is: kill. */
static int64_t revoke(struct mp_pool *pool, struct mp_pool_progress *p,
		      uint32_t w, int64_t timeout_ns, int64_t now)
{
	int64_t since = atomic_load_explicit(&p->since, memory_order_acquire);

	if (since == MP_REVOKED || since > INT64_MAX - timeout_ns)
		return MP_CLOCK_NEVER;
	if (since + timeout_ns > now)
		return since + timeout_ns;
	if (!atomic_compare_exchange_strong_explicit(
		    &p->since, &since, MP_REVOKED, memory_order_acq_rel,
		    memory_order_relaxed))
		return now;
	mp_process_kill(&pool->members[w].process);
	return MP_CLOCK_NEVER;
}

/* Has it begun anything?  Whether that still runs, `since` tells. */
static bool begun(const struct mp_pool_progress *p)
{
	uint64_t claim = mp_pool_load(&p->claim);

	return claim != MP_CLAIMING && MP_CLAIM_BEGUN(claim) > 0;
}

static int64_t late_tasks(struct mp_pool *pool, int64_t now)
{
	int64_t next = MP_CLOCK_NEVER;
	struct mp_pool_slot *slot;
	uint64_t state;

	for (uint32_t i = 0; i < pool->used; i++) {
		slot = mp_pool_slot(pool->s, i);
		state = mp_pool_load(&slot->state);
		if (MP_SLOT_KIND(state) == MP_SLOT_RUNNING && slot->timed &&
		    begun(&slot->progress))
			next = min(next,
				   revoke(pool, &slot->progress,
					  MP_SLOT_WORKER(state),
					  pool->orders[i].timeout_ns, now));
	}
	return next;
}

static int64_t late_maps(struct mp_pool *pool, int64_t now)
{
	int64_t next = MP_CLOCK_NEVER;
	const struct mp_pool_slab *slab;
	const struct mp_pool_map *m;
	struct mp_pool_progress *p;

	for (uint32_t i = 0; i < MP_MAPS; i++) {
		slab = &pool->slabs[i];
		m = mp_pool_map_at(pool->s, i);
		if (slab->result == NULL || !m->timed)
			continue;
		for (uint32_t w = 0; w < pool->s->workers; w++) {
			p = mp_pool_progress(pool->s, i, w);
			if (mp_pool_load(&p->run) == m->run && begun(p))
				next = min(next,
					   revoke(pool, p, w,
						  slab->result->call.timeout_ns,
						  now));
		}
	}
	return next;
}

int64_t mp_pool_end_late(struct mp_pool *pool)
{
	int64_t now;

	if (pool->timed == 0)
		return MP_CLOCK_NEVER;
	now = mp_clock_now();
	/* What is begun later is late later; look again by then. */
	return min(min(late_tasks(pool, now), late_maps(pool, now)),
		   now + pool->shortest_ns);
}
