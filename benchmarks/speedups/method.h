/* method - a way to do a job with n workers.
 *
 *	sequential	one loop
 *	threads		n threads take turns at one shared index
 *	openmp		n threads, schedule(dynamic)
 *	fork_task	a process for each task, n at a time
 *	fork_block	n processes, a block of the tasks each
 *	fork_stride	n processes, every n-th task each
 *	fork_index	n processes take turns at one shared index
 *	mp_process	the same with our library
 *	mp_pool		n processes that stay (mp/pool.h)
 *	python_*	peers/speedup_peer.py
 *
 * In the time: making the workers, the work, and reaping them, because that is
 * what a user waits for.  Not so for mp_pool, for OpenMP and for Python's pool
 * and executor, whose workers are there already: their best.
 */
#ifndef SPEEDUPS_METHOD_H
#define SPEEDUPS_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "speedups/job.h"

struct method {
	const char *name;
	const char *missing; /* NULL; or what it could not be built without */

	/* Off the clock, before and after; or NULL. */
	int (*begin)(struct job *j, int n, char why[96]);
	void (*end)(void);

	/* CPU time so far, of those who live on and getrusage does not know of;
	 * or NULL. */
	int64_t (*cpu)(void);

	/* 0 and the time; or -errno, and a sentence if there is one to say.
	 * NULL: Python. */
	int (*once)(const struct method *m, struct job *j, int n, int64_t *ns,
		    char why[96]);
	bool apart;                         /* in a process of its own */
	bool threads;                       /* of teams */
	int (*part)(int index, void *team); /* what a worker does */
};

/* Ends with a name of NULL. */
extern const struct method methods[];

/* Once, in a process of its own if it is to be so. */
int method_once(const struct method *m, struct job *j, int n, int64_t *ns,
		char why[96]);

/* In files of their own. */
int openmp_once(const struct method *m, struct job *j, int n, int64_t *ns,
		char why[96]);
extern const bool openmp_built;
int pool_begin(struct job *j, int n, char why[96]);
void pool_end(void);
int64_t pool_cpu(void);
int pool_once(const struct method *m, struct job *j, int n, int64_t *ns,
	      char why[96]);

#endif
