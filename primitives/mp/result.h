/* result - what became of a job that was given to a pool.
 *
 * Python: multiprocessing.pool.AsyncResult, concurrent.futures.Future, wait and
 * as_completed.  Floor 4.  The thread that created the pool.
 *
 * Lives in: private memory of the creator, in one place until it is done.
 *
 *	struct mp_result r;
 *	int x = 10, y;
 *
 *	mp_pool_submit(pool, square, &x, sizeof(x), &y, sizeof(y), NULL, &r);
 *	if (mp_result_get(&r, 1000000000) == -ETIMEDOUT)
 *		...
 *
 * A result is done when all its items have a status: pool.h says which there
 * are.  Whatever is killed, it becomes done while its creator waits for it.
 * After that the struct may be dropped, or used for the next job.
 */
#ifndef MP_RESULT_H
#define MP_RESULT_H

#include "mp/pool.h"

struct mp_result {
	/* Constant. */
	struct mp_pool *pool;
	struct mp_call call;
	int (*fn)(struct mp_task *);
	const void *in;
	void *out;
	size_t in_size, out_size, n;

	/* pool-*.c */
	bool is_map, done, cancelled;
	bool died;        /* its worker did */
	bool detached;    /* nobody waits: free it when it is done */
	int32_t status;   /* of a map: how many items failed */
	int32_t exitcode; /* of the worker that died with it */
	uint32_t slot;    /* of a task */
	uint64_t order;   /* in which results were done */
	size_t issued, settled, size;
	struct mp_result *next; /* of those that wait for their turn */
};

/* Wait until it is done.  0.  -ETIMEDOUT, -EINTR, -ECHILD (pool.h). */
MP_API int mp_result_wait(struct mp_result *r, int64_t timeout_ns);

/* Wait, and tell how it went: of a task its status, of a map how many of its
 * items failed.  Errors as in wait; a function's own codes look the same, wait
 * and status keep them apart. */
MP_API int mp_result_get(struct mp_result *r, int64_t timeout_ns);

/* 1 it is done, 0 it is not.  Looks, and does not wait. */
MP_API int mp_result_ready(struct mp_result *r);

/* 1 all is well, 0 not.  -EBUSY: not done yet. */
MP_API int mp_result_successful(struct mp_result *r);

/* As get, without looking; -EBUSY: not done. */
MP_API int mp_result_status(const struct mp_result *r);

/* Bytes of a task's result; 0 until it is done. */
MP_API size_t mp_result_size(const struct mp_result *r);

/* Of a task with the status MP_LOST: how its worker ended, as in
 * mp_process_exitcode.  -ENODATA: it has another status. */
MP_API int mp_result_exitcode(const struct mp_result *r, int *code);

/* Do not begin it.  0: done now, with the status MP_CANCELLED (of a map: what
 * had not begun; it is done when the rest is).  -EBUSY: a task that has begun.
 * -EALREADY: it is done. */
MP_API int mp_result_cancel(struct mp_result *r);

enum mp_result_when { MP_FIRST_COMPLETED, MP_FIRST_FAILED, MP_ALL_COMPLETED };

/* Wait for some of n.  How many are done.  -ETIMEDOUT, -EINTR, -ECHILD.
 * -EINVAL: n < 1, or of different pools. */
MP_API int mp_result_wait_many(struct mp_result *const *v, int n,
			       enum mp_result_when when, int64_t timeout_ns);

/* Wait for the next one: the place of the one that was done first; v[place]
 * becomes NULL.  -ENOENT: all are NULL.  Errors as in wait_many. */
MP_API int mp_result_as_completed(struct mp_result **v, int n,
				  int64_t timeout_ns);

#endif
