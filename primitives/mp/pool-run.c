/* pool-run.c - the end of a run, and what the dead have left of it.
 *
 * The claim of a dead worker says what it had, and how far it was.  Only around
 * the fetch_add it cannot say; then the run is in doubt, and when everybody has
 * left it, the units in nobody's bits are those that were handed out to the
 * dead.
 */
#include "mp/pool-slab.h"

#include <stdlib.h>

/* Handed out to the last unit, and nobody is in it any more? */
static bool over(const struct mp_pool *pool, const struct mp_pool_slab *slab)
{
	struct mp_pool_shared *s = pool->s;
	const struct mp_pool_map *m = mp_slab_map(pool, slab);
	uint64_t position = slab->position;

	if ((slab->result == NULL && !slab->hollow) ||
	    atomic_load_explicit(&m->next, memory_order_relaxed) < m->units)
		return false;
	/* Once head has passed it nobody comes in: pool-help.c. */
	if (atomic_load_explicit(&s->head, memory_order_seq_cst) < position)
		return false;
	atomic_compare_exchange_strong_explicit(
		&s->head, &position, position + 1, memory_order_seq_cst,
		memory_order_relaxed);
	for (uint32_t w = 0; w < s->workers; w++)
		if (atomic_load_explicit(&mp_pool_worker(s, w)->place,
					 memory_order_seq_cst) ==
		    slab->position + 1)
			return false;
	return true;
}

bool mp_map_any_done(struct mp_pool *pool)
{
	for (int i = 0; i < MP_MAPS; i++)
		if (over(pool, &pool->slabs[i]))
			return true;
	return false;
}

/* Keep a span for later; out of memory, its items are lost. */
static void leave(struct mp_pool_slab *slab, size_t first, size_t n,
		  uint32_t tries)
{
	size_t room = slab->room == 0 ? 16 : 2 * slab->room;
	struct mp_pool_span *rest = slab->rest;

	if (n == 0)
		return;
	if (slab->nrest == slab->room) {
		rest = realloc(rest, room * sizeof(*rest));
		if (rest == NULL) {
			mp_slab_fail(slab, first, n, MP_LOST);
			return;
		}
		slab->rest = rest;
		slab->room = room;
	}
	rest[slab->nrest++] = (struct mp_pool_span){ first, n, tries };
}

/* 64 units: which have been done by any worker, or else accounted for? */
static uint64_t marked(const struct mp_pool *pool,
		       const struct mp_pool_slab *slab, size_t word)
{
	const struct mp_pool_shared *s = pool->s;
	uint64_t run = mp_slab_map(pool, slab)->run, bits = 0;
	uint32_t i = mp_slab_number(pool, slab);

	for (uint32_t w = 0; w < s->workers; w++)
		if (mp_pool_load(&mp_pool_progress(s, i, w)->run) == run)
			bits |= mp_pool_bits(s, i, w)[word];
	return bits;
}

/* Nobody has begun the units that nobody has marked. */
static void find_unmarked(struct mp_pool *pool, struct mp_pool_slab *slab)
{
	const struct mp_pool_map *m = mp_slab_map(pool, slab);
	size_t from = 0, to, end = m->units, last;
	uint64_t bits = 0;

	for (to = 0; to <= end; to++) {
		if (to % 64 == 0 && to < end)
			bits = marked(pool, slab, to / 64);
		if (to < end && !(bits >> to % 64 & 1))
			continue;
		last = to * m->unit < m->n ? to * m->unit : m->n;
		if (last > from * m->unit)
			leave(slab, slab->run.first + from * m->unit,
			      last - from * m->unit, slab->run.tries);
		from = to + 1;
	}
}

/* All have left the run.  What the dead left in it makes the next ones. */
void mp_slab_settle(struct mp_pool *pool, struct mp_pool_slab *slab)
{
	const struct mp_pool_map *m = mp_slab_map(pool, slab);
	struct mp_result *r = slab->result;
	const struct mp_pool_progress *p;
	struct mp_pool_span *span;

	for (uint32_t w = 0; w < pool->s->workers; w++) {
		p = mp_pool_progress(pool->s, mp_slab_number(pool, slab), w);
		if (mp_pool_load(&p->run) == m->run)
			slab->failed += mp_pool_load(&p->failed) >> 32;
	}
	if (slab->doubt || mp_map_stopped(m))
		find_unmarked(pool, slab);
	if (mp_map_stopped(m) && !r->cancelled)
		mp_map_cancel(pool, r);
	for (; r->cancelled && slab->nrest > 0; slab->nrest--) {
		span = &slab->rest[slab->nrest - 1];
		mp_slab_fail(slab, span->first, span->n,
			     span->tries > 0 ? MP_LOST : MP_CANCELLED);
	}
	if (slab->nrest == 0) {
		mp_slab_finish(pool, slab);
		return;
	}
	slab->run = slab->rest[--slab->nrest];
	mp_slab_start(pool, slab);
}

void mp_map_collect(struct mp_pool *pool)
{
	struct mp_pool_slab *slab;

	for (int i = 0; i < MP_MAPS; i++) {
		slab = &pool->slabs[i];
		if (!over(pool, slab))
			continue;
		if (slab->hollow)
			slab->hollow = false;
		else
			mp_slab_settle(pool, slab);
	}
	mp_map_issue(pool);
}

/* ---- deaths ---- */

/* The claim of a dead worker, taken apart. */
struct will {
	size_t first, n; /* items of the run */
	uint64_t begun;
	bool ended, revoked;
};

static struct will read_will(const struct mp_pool_map *m,
			     const struct mp_pool_progress *p, uint64_t *bits)
{
	uint64_t claim = mp_pool_load(&p->claim);
	uint32_t unit = MP_CLAIM_FIRST(claim), units = MP_CLAIM_UNITS(claim);
	uint32_t last = unit + units - 1;
	struct will w = { .first = (size_t)unit * m->unit,
			  .n = (size_t)units * m->unit,
			  .begun = MP_CLAIM_BEGUN(claim) };

	if (w.n > m->n - w.first)
		w.n = m->n - w.first;
	w.revoked = atomic_load_explicit(&p->since, memory_order_relaxed) ==
		    MP_REVOKED;
	w.ended = bits[last / 64] >> last % 64 & 1;
	/* A failure is noted when its item has ended, and named. */
	if ((uint32_t)mp_pool_load(&p->failed) == w.first + w.begun) {
		w.first += w.begun;
		w.n -= w.begun;
		w.begun = 0;
	}
	for (; unit <= last; unit++)
		bits[unit / 64] |= UINT64_C(1) << unit % 64;
	return w;
}

/* Run the rest again; and the item that was running, if it may be. */
static void inherit(struct mp_pool *pool, struct mp_pool_slab *slab,
		    const struct will *w)
{
	size_t first = slab->run.first + w->first;
	uint64_t k = w->begun;
	uint32_t tries = slab->run.tries;
	struct mp_pool_map *m = mp_slab_map(pool, slab);

	if (k > 0 && !pool->terminated && !w->revoked &&
	    tries < slab->result->call.retries) {
		leave(slab, first + k - 1, 1, tries + 1);
	} else if (k > 0) {
		mp_slab_fail(slab, first + k - 1, 1,
			     pool->terminated ? MP_CANCELLED
			     : w->revoked     ? MP_TOO_LONG
					      : MP_LOST);
		if (m->fail_fast)
			mp_map_stop(m);
	}
	leave(slab, first + k, w->n - k, tries);
}

/* Worker w died in this run. */
static void recover(struct mp_pool *pool, struct mp_pool_slab *slab, uint32_t w)
{
	struct mp_pool_map *m = mp_slab_map(pool, slab);
	uint32_t i = mp_slab_number(pool, slab);
	struct mp_pool_progress *p = mp_pool_progress(pool->s, i, w);
	uint64_t claim = mp_pool_load(&p->claim);
	struct will will = { .ended = true };

	if (mp_pool_load(&p->run) != m->run || claim == 0)
		return;
	if (claim != MP_CLAIMING)
		will = read_will(m, p, mp_pool_bits(pool->s, i, w));
	if (will.ended)
		slab->doubt = true;
	else
		inherit(pool, slab, &will);
	mp_pool_store(&p->claim, 0);
	atomic_store_explicit(&p->since, INT64_MAX, memory_order_relaxed);
}

void mp_map_recover(struct mp_pool *pool, uint32_t w)
{
	struct mp_pool_worker *worker = mp_pool_worker(pool->s, w);
	uint64_t place = mp_pool_load(&worker->place);

	for (int i = 0; place != 0 && i < MP_MAPS; i++)
		if (pool->slabs[i].result != NULL &&
		    pool->slabs[i].position + 1 == place)
			recover(pool, &pool->slabs[i], w);
	/* Then over() looks: one who left before this has told nobody. */
	atomic_store_explicit(&worker->place, 0, memory_order_seq_cst);
}

/* There are no workers any more. */
void mp_map_abandon(struct mp_pool *pool)
{
	struct mp_pool_slab *slab;

	while (pool->first != NULL)
		mp_map_cancel(pool, pool->first);
	for (int i = 0; i < MP_MAPS; i++) {
		slab = &pool->slabs[i];
		if (slab->result == NULL)
			continue;
		slab->result->cancelled = true;
		mp_map_stop(mp_slab_map(pool, slab));
		mp_slab_settle(pool, slab);
	}
}
