/* tasks - ways to run many tasks of a length (busy.h): what grain.c compares.
 *
 * tasks_NAME: all of them once.  The ns, or < 0, after an error was said; *sum:
 * of the tasks.
 */
#ifndef POOLS_TASKS_H
#define POOLS_TASKS_H

#include <stdatomic.h>

#include "harness/gbench.h"
#include "pools/ours.h"

/* What is run now. */
extern struct tasks {
	uint64_t n;
	int procs;
	uint32_t rounds; /* of each */
	struct mp_pool *pool;
	_Atomic uint64_t *next; /* shared, of fork_index */
} tasks;

int64_t tasks_sequential(struct gb_state *st, uint64_t *sum);
int64_t tasks_fork_index(struct gb_state *st, uint64_t *sum);

/* These in a pool. */
void tasks_pool_start(struct gb_state *st);
void tasks_pool_stop(void);
int64_t tasks_map_chunk1(struct gb_state *st, uint64_t *sum);
int64_t tasks_map(struct gb_state *st, uint64_t *sum);
int64_t tasks_submit(struct gb_state *st, uint64_t *sum);
int64_t tasks_imap(struct gb_state *st, uint64_t *sum);

#endif
