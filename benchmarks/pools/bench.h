/* bench - what the files of the family pool share.  See pool.c. */
#ifndef POOLS_BENCH_H
#define POOLS_BENCH_H

#include "harness/gbench.h"
#include "harness/histogram.h"
#include "mp/pool.h"

#define POOL_WORKERS 2

extern struct histogram *pool_histogram;
extern struct mp_pool *pool_ours;   /* made in setup */
extern _Atomic uint64_t *pool_next; /* shared by processes */

/* What Python is asked. */
struct question {
	const char *how; /* of a pool that is there before, or NULL */
	const char *words;
};

/* noop.c: a map with nothing to do. */
void pool_noop_ours(struct gb_state *st); /* user: "1", or the pool's chunk */
void pool_noop_openmp(struct gb_state *st);
void pool_noop_python(struct gb_state *st);
void pool_noop_fetch_add(struct gb_state *st);

/* trips.c: one task, or two, there and back; a pool for one task. */
void pool_apply_asleep(struct gb_state *st);
void pool_apply_awake(struct gb_state *st);
void pool_map2(struct gb_state *st);
void pool_map2_openmp(struct gb_state *st);
void pool_create(struct gb_state *st);
void pool_forks(struct gb_state *st);
void pool_python(struct gb_state *st);

#endif
