/* pool-slab - part of a map: as many of its items as are in the ring at once.
 *
 * Internal to pool-map.c and pool-run.c.  Floor 4.  Private memory of the
 * creator.
 */
#ifndef MP_POOL_SLAB_H
#define MP_POOL_SLAB_H

#include "mp/pool-own.h"

static inline uint32_t mp_slab_number(const struct mp_pool *pool,
				      const struct mp_pool_slab *slab)
{
	return (uint32_t)(slab - pool->slabs);
}

static inline struct mp_pool_map *mp_slab_map(const struct mp_pool *pool,
					      const struct mp_pool_slab *slab)
{
	return mp_pool_map_at(pool->s, mp_slab_number(pool, slab));
}

/* These items of the slab have ended badly. */
static inline void mp_slab_fail(struct mp_pool_slab *slab, size_t first,
				size_t n, int status)
{
	slab->failed += n;
	if (slab->status != NULL)
		for (size_t i = first; i < first + n; i++)
			slab->status[i] = status;
}

/* Put it, or what is left of it, into the ring. */
void mp_slab_start(struct mp_pool *pool, struct mp_pool_slab *slab);

/* Nobody is in its run any more: what comes next? */
void mp_slab_settle(struct mp_pool *pool, struct mp_pool_slab *slab);

/* All its items have a status. */
void mp_slab_finish(struct mp_pool *pool, struct mp_pool_slab *slab);

#endif
