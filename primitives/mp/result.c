/* result.c - looking at jobs, and waiting for them. */
#include "mp/pool-own.h"

static bool is_done(const void *result)
{
	return ((const struct mp_result *)result)->done;
}

int mp_result_wait(struct mp_result *r, int64_t timeout_ns)
{
	int error;

	/* The pool may be gone. */
	if (r->done)
		return 0;
	error = mp_pool_check(r->pool);
	return error < 0 ? error
			 : mp_pool_wait(r->pool, is_done, r, timeout_ns);
}

int mp_result_get(struct mp_result *r, int64_t timeout_ns)
{
	int error = mp_result_wait(r, timeout_ns);

	return error < 0 ? error : r->status;
}

int mp_result_ready(struct mp_result *r)
{
	int error = mp_result_wait(r, 0);

	return error == -ETIMEDOUT ? 0 : error < 0 ? error : 1;
}

int mp_result_status(const struct mp_result *r)
{
	return r->done ? r->status : -EBUSY;
}

int mp_result_successful(struct mp_result *r)
{
	return r->done ? r->status == 0 : -EBUSY;
}

size_t mp_result_size(const struct mp_result *r)
{
	return r->done ? r->size : 0;
}

int mp_result_exitcode(const struct mp_result *r, int *code)
{
	if (!r->done || r->is_map || r->status != MP_LOST || !r->died)
		return -ENODATA;
	*code = r->exitcode;
	return 0;
}

int mp_result_cancel(struct mp_result *r)
{
	int error;

	if (r->done)
		return -EALREADY;
	error = mp_pool_check(r->pool);
	if (error < 0)
		return error;
	mp_pool_tend(r->pool);
	if (r->done)
		return -EALREADY;
	if (r->is_map) {
		mp_map_cancel(r->pool, r);
	} else {
		if (mp_task_cancel(r->pool, r->slot) < 0)
			return -EBUSY;
		r->cancelled = true;
		r->status = MP_CANCELLED;
		mp_pool_finish(r->pool, r);
	}
	mp_pool_tend(r->pool);
	return 0;
}

/* ---- several ---- */

struct several {
	struct mp_result *const *v;
	int n;
	enum mp_result_when when;
};

/* Places without a result are none. */
static bool enough(const void *arg)
{
	const struct several *s = arg;
	int done = 0, left = 0, failed = 0;

	for (int i = 0; i < s->n; i++) {
		if (s->v[i] == NULL)
			continue;
		left += !s->v[i]->done;
		done += s->v[i]->done;
		failed += s->v[i]->done && s->v[i]->status != 0;
	}
	return left == 0 || (s->when == MP_FIRST_COMPLETED && done > 0) ||
	       (s->when == MP_FIRST_FAILED && failed > 0);
}

/* The pool that all of them are of.  NULL: of several. */
static struct mp_pool *pool_of(struct mp_result *const *v, int n, int *error)
{
	struct mp_pool *pool = NULL;

	*error = 0;
	for (int i = 0; i < n; i++) {
		if (v[i] == NULL || v[i]->done)
			continue;
		if (pool != NULL && v[i]->pool != pool)
			*error = -EINVAL;
		pool = v[i]->pool;
	}
	if (*error == 0 && pool != NULL)
		*error = mp_pool_check(pool);
	return pool;
}

static int wait_for(const struct several *s, int64_t timeout_ns)
{
	struct mp_pool *pool;
	int error;

	if (s->v == NULL || s->n < 1)
		return -EINVAL;
	pool = pool_of(s->v, s->n, &error);
	if (error < 0 || pool == NULL || enough(s))
		return error;
	return mp_pool_wait(pool, enough, s, timeout_ns);
}

int mp_result_wait_many(struct mp_result *const *v, int n,
			enum mp_result_when when, int64_t timeout_ns)
{
	struct several s = { v, n, when };
	int error = wait_for(&s, timeout_ns), done = 0;

	for (int i = 0; error == 0 && i < n; i++)
		done += v[i] != NULL && v[i]->done;
	return error < 0 ? error : done;
}

/* Of those that are done, the one that was first; -1: none. */
static int earliest(struct mp_result *const *v, int n)
{
	int first = -1;

	for (int i = 0; i < n; i++)
		if (v[i] != NULL && v[i]->done &&
		    (first < 0 || v[i]->order < v[first]->order))
			first = i;
	return first;
}

int mp_result_as_completed(struct mp_result **v, int n, int64_t timeout_ns)
{
	struct several s = { v, n, MP_FIRST_COMPLETED };
	int place, left = 0, error;

	if (v == NULL || n < 1)
		return -EINVAL;
	for (int i = 0; i < n; i++)
		left += v[i] != NULL;
	if (left == 0)
		return -ENOENT;
	place = earliest(v, n);
	if (place < 0) {
		error = wait_for(&s, timeout_ns);
		if (error < 0)
			return error;
		place = earliest(v, n);
	}
	v[place] = NULL;
	return place;
}
