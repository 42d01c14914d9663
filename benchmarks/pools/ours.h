/* ours - our pool as grain.c and pool.c use it: each worker is pinned to a CPU
 * of its own, as far as there are, and has a sum of its own (busy.h).
 */
#ifndef POOLS_OURS_H
#define POOLS_OURS_H

#include "harness/gbench.h"
#include "mp/pool.h"
#include "pools/busy.h"

#define OURS_WORKERS 256

/* In prepare. */
void ours_prepare(void);

/* A pool of n whose tasks have so many rounds; or it was said why not. */
struct mp_pool *ours_start(struct gb_state *st, int n, uint32_t rounds);
void ours_stop(struct mp_pool *pool);

/* Tasks.  The first knows its index and adds to its worker's sum, the second
 * gets the index as a message and answers with one: what it has added. */
int ours_task(struct mp_task *t);
int ours_message(struct mp_task *t);

/* The sum of all workers since the last time. */
uint64_t ours_take_sum(void);

/* Where to add to, for processes that are not of a pool. */
struct busy *ours_slot(int i);

/* CPU time so far of this process and of the workers, who live on, so that
 * getrusage does not know of them. */
int64_t ours_cpu(const struct mp_pool *pool);

/* In a GB_LOOP: what was used since; the workers' switches are not known. */
void ours_used(struct gb_state *st, const struct mp_pool *pool, int64_t since);

#endif
