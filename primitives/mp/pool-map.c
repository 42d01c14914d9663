/* pool-map.c - maps, as their creator sees them: in, and out.
 *
 * A map is cut into slabs: all of it, or, if its memory is private, as much as
 * goes into one part of the window.  A slab is put into the ring as one run of
 * all its items, and again for what the dead leave: pool-run.c.
 */
#include "mp/pool-slab.h"

#include <limits.h>
#include <string.h>

/* Items in a unit: with a chunk just that, but no worker may run more than
 * max_tasks; else as few as there are bits for. */
static size_t unit_of(const struct mp_pool *pool, const struct mp_result *r,
		      size_t n)
{
	size_t unit = r->call.chunk, most = pool->s->max_tasks;

	if (unit == 0)
		unit = (n - 1) / MP_UNITS_MAX + 1;
	if (most > 0 && unit > most)
		unit = most;
	return unit < n ? unit : n;
}

void mp_slab_start(struct mp_pool *pool, struct mp_pool_slab *slab)
{
	struct mp_pool_map *m = mp_slab_map(pool, slab);
	const struct mp_result *r = slab->result;
	const struct mp_pool_span *run = &slab->run;

	m->fn = (uintptr_t)r->fn;
	m->in = (uintptr_t)(slab->in + run->first * r->in_size);
	m->out = (uintptr_t)(slab->out + run->first * r->out_size);
	m->status = slab->status == NULL
			    ? 0
			    : (uintptr_t)(slab->status + run->first);
	m->in_size = r->in_size;
	m->out_size = r->out_size;
	m->n = run->n;
	m->index = slab->first + run->first;
	m->run = ++pool->runs;
	m->unit = (uint32_t)unit_of(pool, r, run->n);
	m->units = (uint32_t)((run->n + m->unit - 1) / m->unit);
	m->guided = r->call.chunk == 0;
	m->timed = r->call.timeout_ns > 0;
	m->fail_fast = r->call.fail_fast;
	atomic_store_explicit(&m->next, 0, memory_order_relaxed);
	atomic_store_explicit(&m->stop, 0, memory_order_relaxed);
	slab->doubt = false;
	slab->position = mp_pool_append(
		pool, MP_ENTRY_MAP | mp_slab_number(pool, slab),
		(int)(m->units < pool->s->workers ? m->units
						  : pool->s->workers));
}

/* How many items of r the next slab can have. */
static size_t cut(const struct mp_pool *pool, const struct mp_result *r)
{
	size_t left = r->n - r->issued, most = MP_CLAIM_ITEMS - 1, each;
	size_t unit = unit_of(pool, r, left);

	if ((r->call.chunk != 0 || pool->s->max_tasks != 0) &&
	    unit <= most / MP_UNITS_MAX)
		most = unit * MP_UNITS_MAX;
	if (!r->call.shared) {
		each = r->in_size + r->out_size + sizeof(int32_t);
		/* The three parts begin at multiples of 8. */
		each = (pool->window_bytes / MP_WINDOWS - 24) / each;
		most = each < most ? each : most;
	}
	return left < most ? left : most;
}

static unsigned char *take_window(struct mp_pool *pool)
{
	for (uint32_t i = 0; i < MP_WINDOWS; i++) {
		if (pool->windows[i])
			continue;
		pool->windows[i] = true;
		return (unsigned char *)mp_pool_at(pool->s, pool->s->window) +
		       i * (pool->window_bytes / MP_WINDOWS);
	}
	return NULL;
}

static void give_window(struct mp_pool *pool, const unsigned char *window)
{
	const unsigned char *base = mp_pool_at(pool->s, pool->s->window);

	pool->windows[(size_t)(window - base) /
		      (pool->window_bytes / MP_WINDOWS)] = false;
}

/* Where a slab's items, results and statuses are. */
static bool place(struct mp_pool *pool, struct mp_pool_slab *slab)
{
	struct mp_result *r = slab->result;
	size_t in = slab->n * r->in_size, out = slab->n * r->out_size;

	if (r->call.shared) {
		slab->in = (unsigned char *)(uintptr_t)r->in +
			   slab->first * r->in_size;
		slab->out = (unsigned char *)r->out + slab->first * r->out_size;
		if (r->call.status != NULL)
			slab->status = r->call.status + slab->first;
		return true;
	}
	slab->window = take_window(pool);
	if (slab->window == NULL)
		return false;
	slab->in = slab->window;
	slab->out = slab->in + mp_ring_round(in);
	slab->status = (int32_t *)(void *)(slab->out + mp_ring_round(out));
	if (in > 0)
		memcpy(slab->in,
		       (const unsigned char *)r->in + slab->first * r->in_size,
		       in);
	return true;
}

static struct mp_pool_slab *free_slab(struct mp_pool *pool)
{
	for (int i = 0; i < MP_MAPS; i++)
		if (pool->slabs[i].result == NULL && !pool->slabs[i].hollow)
			return &pool->slabs[i];
	return NULL;
}

void mp_map_issue(struct mp_pool *pool)
{
	struct mp_pool_slab *slab;
	struct mp_result *r;

	while ((r = pool->first) != NULL) {
		slab = free_slab(pool);
		if (slab == NULL)
			return;
		*slab = (struct mp_pool_slab){ .result = r,
					       .first = r->issued,
					       .n = cut(pool, r),
					       .rest = slab->rest,
					       .room = slab->room };
		if (!place(pool, slab)) {
			slab->result = NULL;
			return;
		}
		r->issued += slab->n;
		if (r->issued == r->n) {
			pool->first = r->next;
			if (pool->first == NULL)
				pool->last = &pool->first;
		}
		mp_pool_timed(pool, &r->call);
		slab->run = (struct mp_pool_span){ 0, slab->n, 0 };
		mp_slab_start(pool, slab);
	}
}

/* ---- out of it ---- */

/* n items of r have a status, and so many of them a bad one. */
static void count(struct mp_pool *pool, struct mp_result *r, size_t n,
		  size_t failed)
{
	size_t all = (size_t)r->status + failed;

	r->settled += n;
	r->status = all > INT_MAX ? INT_MAX : (int32_t)all;
	if (r->settled == r->n)
		mp_pool_finish(pool, r);
}

void mp_slab_finish(struct mp_pool *pool, struct mp_pool_slab *slab)
{
	struct mp_result *r = slab->result;
	size_t out = slab->n * r->out_size;

	if (slab->window != NULL && !r->detached) {
		if (out > 0)
			memcpy((unsigned char *)r->out +
				       slab->first * r->out_size,
			       slab->out, out);
		if (r->call.status != NULL)
			memcpy(r->call.status + slab->first, slab->status,
			       slab->n * sizeof(int32_t));
	}
	if (slab->window != NULL)
		give_window(pool, slab->window);
	pool->timed -= r->call.timeout_ns > 0;
	slab->result = NULL;
	count(pool, r, slab->n, slab->failed);
}

void mp_map_cancel(struct mp_pool *pool, struct mp_result *r)
{
	size_t n = r->n - r->issued;
	struct mp_pool_slab *slab;
	struct mp_result **link;

	r->cancelled = true;
	for (int i = 0; i < MP_MAPS; i++) {
		slab = &pool->slabs[i];
		if (slab->result != r || !mp_map_stop(mp_slab_map(pool, slab)))
			continue;
		/* Nobody has had a unit, and nobody will get one: so it need
		 * not wait until its turn in the ring has come. */
		slab->hollow = true;
		mp_slab_settle(pool, slab);
	}
	if (n == 0)
		return;
	for (link = &pool->first; *link != r; link = &(*link)->next)
		;
	*link = r->next;
	if (*link == NULL)
		pool->last = link;
	for (size_t i = r->issued; r->call.status != NULL && i < r->n; i++)
		if (!r->detached)
			r->call.status[i] = MP_CANCELLED;
	r->issued = r->n;
	count(pool, r, n, n);
}
