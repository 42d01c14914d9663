/* pool-call.c - jobs: what was asked for is checked, noted and begun. */
#include "mp/pool-own.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct mp_call plainly;

static void note(struct mp_pool *pool, struct mp_result *r,
		 int (*fn)(struct mp_task *), const struct mp_call *call)
{
	*r = (struct mp_result){ .pool = pool,
				 .fn = fn,
				 .call = call == NULL ? plainly : *call };
	pool->outstanding++;
}

static bool is_done(const void *result)
{
	return ((const struct mp_result *)result)->done;
}

/* ---- maps ---- */

/* Is it shared?  Asked once for each array, as it takes some microseconds. */
static int check_shared(struct mp_pool *pool, int which, const void *addr,
			size_t size)
{
	int error;

	if (size == 0 || addr == NULL ||
	    (pool->checked[which].addr == addr &&
	     pool->checked[which].size >= size))
		return 0;
	error = mp_shm_check(addr, size);
	if (error == 0) {
		pool->checked[which].addr = addr;
		pool->checked[which].size = size;
	}
	return error;
}

static int check_map(struct mp_pool *pool, const struct mp_result *r)
{
	size_t in, out, status, each;
	int error;

	if (__builtin_mul_overflow(r->n, r->in_size, &in) ||
	    __builtin_mul_overflow(r->n, r->out_size, &out) ||
	    __builtin_mul_overflow(r->n, sizeof(int32_t), &status) ||
	    (in > 0 && r->in == NULL) || (out > 0 && r->out == NULL))
		return -EINVAL;
	if (!r->call.shared) {
		each = pool->window_bytes / MP_WINDOWS - 24 - sizeof(int32_t);
		return r->in_size > each || r->out_size > each - r->in_size
			       ? -EMSGSIZE
			       : 0;
	}
	error = check_shared(pool, 0, r->in, in);
	if (error == 0)
		error = check_shared(pool, 1, r->out, out);
	if (error == 0)
		error = check_shared(pool, 2, r->call.status, status);
	return error;
}

int mp_pool_map_async(struct mp_pool *pool, int (*fn)(struct mp_task *),
		      const void *in, size_t in_size, size_t n, void *out,
		      size_t out_size, const struct mp_call *call,
		      struct mp_result *r)
{
	int error = mp_pool_open(pool, fn);

	if (error < 0)
		return error;
	if (r == NULL)
		return -EINVAL;
	note(pool, r, fn, call);
	r->is_map = true;
	r->in = in;
	r->in_size = in_size;
	r->n = n;
	r->out = out;
	r->out_size = out_size;
	error = check_map(pool, r);
	if (error < 0) {
		pool->outstanding--;
		return error;
	}
	if (n == 0) {
		mp_pool_finish(pool, r);
	} else {
		*pool->last = r;
		pool->last = &r->next;
	}
	mp_pool_tend(pool);
	return 0;
}

int mp_pool_map(struct mp_pool *pool, int (*fn)(struct mp_task *),
		const void *in, size_t in_size, size_t n, void *out,
		size_t out_size, const struct mp_call *call)
{
	/* Not on the stack: after -EINTR workers are still at it. */
	struct mp_result *r = malloc(sizeof(*r));
	int error;

	if (r == NULL)
		return -ENOMEM;
	error = mp_pool_map_async(pool, fn, in, in_size, n, out, out_size, call,
				  r);
	if (error == 0)
		error = mp_pool_wait(pool, is_done, r, -1);
	else
		r->done = true;
	if (error == 0)
		error = r->status;
	if (r->done) {
		free(r);
	} else {
		r->detached = true;
		mp_map_cancel(pool, r);
	}
	return error;
}

/* ---- tasks ---- */

static bool room_or_stuck(const void *arg)
{
	struct mp_pool *pool = (struct mp_pool *)(uintptr_t)arg;

	return mp_task_room(pool) || pool->outstanding == 0;
}

int mp_pool_submit(struct mp_pool *pool, int (*fn)(struct mp_task *),
		   const void *in, size_t in_size, void *out, size_t out_size,
		   const struct mp_call *call, struct mp_result *r)
{
	bool nowait = call != NULL && call->nowait;
	int error = mp_pool_open(pool, fn), i;

	if (error < 0)
		return error;
	if (r == NULL || (in_size > 0 && in == NULL) ||
	    (out_size > 0 && out == NULL))
		return -EINVAL;
	if (in_size > pool->options.task_bytes ||
	    out_size > pool->options.task_bytes - in_size)
		return -EMSGSIZE;
	for (;;) {
		i = mp_task_take(pool, fn, in_size, out_size, 1,
				 call == NULL ? &plainly : call);
		if (i >= 0)
			break;
		error = mp_pool_wait(pool, room_or_stuck, pool,
				     nowait ? 0 : -1);
		if (error < 0)
			return error == -ETIMEDOUT ? -EAGAIN : error;
		if (!mp_task_room(pool))
			return -EDEADLK;
	}
	note(pool, r, fn, call);
	r->n = 1;
	r->out = out;
	r->slot = (uint32_t)i;
	pool->orders[i].result = r;
	if (in_size > 0)
		memcpy(mp_slot_in(mp_pool_slot(pool->s, r->slot)), in, in_size);
	mp_task_publish(pool, r->slot);
	return 0;
}

int mp_pool_apply(struct mp_pool *pool, int (*fn)(struct mp_task *),
		  const void *in, size_t in_size, void *out, size_t out_size,
		  const struct mp_call *call)
{
	struct mp_result r;
	int error =
		mp_pool_submit(pool, fn, in, in_size, out, out_size, call, &r);

	if (error < 0)
		return error;
	error = mp_pool_wait(pool, is_done, &r, -1);
	if (error == 0)
		return r.status;
	/* Interrupted: r and out are not ours for longer. */
	if (!r.done) {
		mp_task_cancel(pool, r.slot);
		pool->orders[r.slot].result = NULL;
		pool->outstanding--;
	}
	return error;
}
