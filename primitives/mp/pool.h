/* pool - workers that stay, and the jobs they are given.
 *
 * Python: multiprocessing.Pool, concurrent.futures.ProcessPoolExecutor.
 * Floor 4.  The thread that created the pool; every other one, and every child
 * that inherited it, is told -EPERM.  Not from a signal handler.
 *
 * Lives in: private memory of its creator; what the workers see of it, in
 * anonymous shared memory that they inherit.
 *
 *	static int square(struct mp_task *t)
 *	{
 *		const int *x = t->in;
 *		int *y = t->out;
 *
 *		*y = *x * *x;
 *		return 0;
 *	}
 *
 *	int in[] = { 1, 2, 3, 4, 5 }, out[5];
 *
 *	mp_pool_create(&pool, 4, NULL);
 *	mp_pool_map(pool, square, in, sizeof(int), 5, out, sizeof(int), NULL);
 *	mp_pool_destroy(pool);			 out: 1 4 9 16 25
 *
 * An item is in_size bytes, its result out_size bytes.  Python's starmap is a
 * map over structs.  A worker is forked by mp_pool_create, or later in place of
 * a dead one: it knows every function of the program and all memory as it was
 * then.
 *
 * Nobody helps behind the creator's back: no thread, no server.  While it is in
 * one of the calls below it hands out work, takes results, runs callbacks,
 * replaces the dead and ends items that take too long.  Meanwhile the workers
 * go on with what they have.
 *
 * If a worker is killed, crashes or calls exit: the item that it was running is
 * lost, and its status is -EOWNERDEAD; or it is begun again, as often as
 * `retries` allows, and may then have been run in part more than once.  What
 * the worker had claimed and not begun is given to others.  The worker is
 * replaced.  Nobody else is held up, whoever is killed at whatever instruction.
 * If the creator is killed, so are the workers, by the kernel (process.h).
 *
 * Workers ignore SIGINT: Ctrl-C reaches the creator, which decides.  A worker
 * may have children and a pool of its own.
 *
 * Illegal: a task that forks by itself and lets the child return.
 *
 * Source: the shared index is OpenMP's schedule(dynamic); chunks that shrink
 * with what is left, Polychronopoulos and Kuck, "Guided Self-Scheduling", 1987;
 * announcing a place before using it, Michael, "Hazard Pointers", 2004.
 */
#ifndef MP_POOL_H
#define MP_POOL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "mp/api.h"

#define MP_POOL_WORKERS_MAX 1024
#define MP_POOL_TASKS_MAX   4096

struct mp_pool;
struct mp_result; /* result.h */
struct mp_forkserver;

/* What a function gets.  It returns 0, or anything else for "failed", which
 * becomes the status of the item; keep rawmp's own codes, below, apart. */
struct mp_task {
	const void *in;
	size_t in_size;
	void *out;
	/* Room for the result; set it if the result is shorter.  More than the
	 * room: its status is -EMSGSIZE. */
	size_t out_size;
	uint64_t index; /* of the item; 0 for apply and submit */
};

/* Statuses that no function returned. */
#define MP_LOST      (-EOWNERDEAD) /* its worker died */
#define MP_TOO_LONG  (-ETIME)      /* it ran longer than it may */
#define MP_CANCELLED (-ECANCELED)  /* never begun */

struct mp_pool_options {
	/* Run by each worker first.  Not 0: this worker cannot work. */
	int (*initializer)(void *arg);
	void *arg;

	uint32_t max_tasks; /* items until a worker is replaced; 0: no limit */

	/* Of apply, submit and imap.  How many may be under way at once (0:
	 * 256), and how long item and result may be, together (0: 4032). */
	uint32_t tasks;
	size_t task_bytes;

	/* Through which a map of private memory goes; 0: 4 MiB. */
	size_t window_bytes;

	/* Start workers from there; NULL: fork.  They know the memory as it was
	 * when the server began, and `shared` needs what was mapped by then. */
	struct mp_forkserver *server;
};

/* How to run one job; NULL or zeroes: plainly. */
struct mp_call {
	/* Items claimed at once.  0: for map one, and then as many as take some
	 * 50 µs, and never more than half of a fair share of what is left; for
	 * imap one. */
	size_t chunk;

	int64_t timeout_ns; /* the longest that one item may run; 0: any */
	uint32_t retries;   /* for an item whose worker died */
	bool fail_fast;     /* map: after a failure begin no further item */
	bool nowait;        /* submit: -EAGAIN instead of waiting for room */

	/* map: in, out and status lie in shared memory (shm.h) that was mapped
	 * before the pool was created, and are used where they are. */
	bool shared;

	int32_t *status; /* map: what became of each item; or NULL */

	/* Called when it is done and all is well, or not; by the creator, in
	 * whatever call it is in then.  It may submit, and wait.  A map is well
	 * if all its items are.  NULL: none. */
	void (*callback)(struct mp_result *r, void *arg);
	void (*error_callback)(struct mp_result *r, void *arg);
	void *arg;
};

/* Fork the workers, all or none, and wait for their initializers.
 * -EINVAL: workers below 1 or above MP_POOL_WORKERS_MAX, tasks above
 * MP_POOL_TASKS_MAX, sizes that overflow.  -ECANCELED: an initializer failed.
 * -EAGAIN: process limit.  -ENOMEM, -EMFILE, -ENFILE.  -EINTR. */
MP_API int mp_pool_create(struct mp_pool **pool, int workers,
			  const struct mp_pool_options *o);

/* ---- jobs ----
 *
 * All of them:
 * -ESHUTDOWN: the pool was closed.  -EINVAL: no function, or sizes that
 * overflow.  -EPERM: as above.  -EINTR: a signal handler ran.  -ECHILD: no
 * worker can be started any more (initializers fail, or workers die before they
 * begin, again and again). */

/* Run fn on each of n items.  How many have another status than 0, INT_MAX if
 * there are more; or an error of the map itself.
 * in may be NULL with in_size 0, out with out_size 0; fn then knows the index.
 * A result is written to its place whoever computed it, so the order is that of
 * the input; where an item failed, out holds nothing of use.
 * -EINTR: what has not begun is cancelled; out and call->status hold nothing of
 * use (map_async keeps them).  With `shared`, items under way still write
 * there.
 * -EMSGSIZE: item and result do not fit into a quarter of the window.
 * -EINVAL: also `shared` with memory that is not. */
MP_API int mp_pool_map(struct mp_pool *pool, int (*fn)(struct mp_task *),
		       const void *in, size_t in_size, size_t n, void *out,
		       size_t out_size, const struct mp_call *call);

/* The same, and do not wait.  r, in, out and call->status must stay until it is
 * done.  A map that does not fit into the window (or, with an explicit chunk,
 * has more than a million chunks) goes on when the creator is in a call. */
MP_API int mp_pool_map_async(struct mp_pool *pool, int (*fn)(struct mp_task *),
			     const void *in, size_t in_size, size_t n,
			     void *out, size_t out_size,
			     const struct mp_call *call, struct mp_result *r);

/* Run fn on one item, which is copied; r and out must stay until it is done.
 * Waits for room while `tasks` are under way.
 * -EMSGSIZE: in_size + out_size is more than task_bytes.  -EAGAIN: nowait.
 * -EDEADLK: all `tasks` are results of imaps that only the caller can take. */
MP_API int mp_pool_submit(struct mp_pool *pool, int (*fn)(struct mp_task *),
			  const void *in, size_t in_size, void *out,
			  size_t out_size, const struct mp_call *call,
			  struct mp_result *r);

/* Submit, wait, and return its status: what fn returned, or one of the above.
 * Submit tells the two apart.  -EINTR: it is cancelled if it has not begun;
 * what has begun is of no interest to anybody. */
MP_API int mp_pool_apply(struct mp_pool *pool, int (*fn)(struct mp_task *),
			 const void *in, size_t in_size, void *out,
			 size_t out_size, const struct mp_call *call);

/* ---- the pool ---- */

/* Be helpful (see above) for up to timeout_ns, or until something is done; 0:
 * one look.  How many jobs were done since; callbacks have run.  -EINTR,
 * -ECHILD. */
MP_API int mp_pool_collect(struct mp_pool *pool, int64_t timeout_ns);

/* No further jobs; what there is will be done.  Twice is once. */
MP_API int mp_pool_close(struct mp_pool *pool);

/* Kill the workers.  What was not done has the status -ECANCELED. */
MP_API int mp_pool_terminate(struct mp_pool *pool);

/* After close or terminate: wait until all jobs are done and all workers gone.
 * -EBUSY: neither was called.  -EDEADLK: from a callback.  -ETIMEDOUT.
 * -EINTR. */
MP_API int mp_pool_join(struct mp_pool *pool, int64_t timeout_ns);

/* Terminate, join, and free all of it.  NULL does nothing.
 * -EBUSY: from a callback; nothing happened. */
MP_API int mp_pool_destroy(struct mp_pool *pool);

/* How many workers there are, fewer for a moment when some have died; their
 * pids, i from 0 (0: being replaced); how many were replaced so far. */
MP_API int mp_pool_workers(const struct mp_pool *pool);
MP_API pid_t mp_pool_worker_pid(const struct mp_pool *pool, int i);
MP_API uint64_t mp_pool_replaced(const struct mp_pool *pool);

/* Sleeps and wakes of creator and workers: counters.h. */
MP_API const struct mp_counters *mp_pool_counters(const struct mp_pool *pool);

#endif
