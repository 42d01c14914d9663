/* pool-help.c - a worker's part in a map.
 *
 * All workers take units by fetch_add until there are none.  Before and after
 * each step stands in shared memory what this one is about to do: see
 * pool-shared.h.
 */
#include "mp/pool-item.h"

#include <string.h>

#include "mp/chaos.h"
#include "mp/owner.h"
#include "mp/trace.h"

/* A worker's own bits.  Stored in this order: the last one says that all of
 * these units have ended. */
static void mark(uint64_t *bits, uint64_t first, uint64_t n)
{
	uint64_t room, some;

	for (; n > 0; first += some, n -= some) {
		room = 64 - first % 64;
		some = n < room ? n : room;
		mp_owner_point();
		bits[first / 64] |= UINT64_MAX >> (64 - some) << first % 64;
	}
	mp_owner_point();
}

static void join(const struct mp_pool_map *m, struct mp_pool_progress *p,
		 uint64_t *bits)
{
	if (mp_work_load(&p->run) == m->run)
		return;
	mp_work_store(&p->claim, 0);
	memset(bits, 0, ((size_t)m->units + 63) / 64 * sizeof(*bits));
	mp_work_store(&p->failed, 0);
	atomic_store_explicit(&p->since, INT64_MAX, memory_order_relaxed);
	mp_work_store(&p->run, m->run);
}

#define CHUNK_NS 50000 /* of work: a claim costs a thousandth of it */

/* How many units to claim after `got` took ns, with `left` not handed out. */
static uint64_t guess(const struct mp_pool_shared *s, uint64_t got, int64_t ns,
		      uint64_t left)
{
	uint64_t want = got * CHUNK_NS / (uint64_t)(ns < 1 ? 1 : ns);
	uint64_t share = left / (2 * (uint64_t)s->workers);

	if (want > 8 * got)
		want = 8 * got;
	if (want > share)
		want = share;
	return want < 1 ? 1 : want;
}

static struct mp_batch batch_of(struct mp_pool_map *m,
				struct mp_pool_progress *p)
{
	return (struct mp_batch){
		.fn = (int (*)(struct mp_task *))(uintptr_t)m->fn,
		.in = (const unsigned char *)(uintptr_t)m->in,
		.out = (unsigned char *)(uintptr_t)m->out,
		.status = (int32_t *)(uintptr_t)m->status,
		.in_size = m->in_size,
		.out_size = m->out_size,
		.index = m->index,
		.progress = p,
		.map = m,
		.timed = m->timed,
		.traced = mp_trace_on(),
	};
}

/* Run units; how many items that were. */
static size_t run_units(const struct mp_batch *b, uint64_t first,
			uint64_t units)
{
	const struct mp_pool_map *m = b->map;
	uint64_t item = first * m->unit, n = units * m->unit;

	if (n > m->n - item)
		n = m->n - item;
	if (b->traced)
		mp_work_run(b, MP_CLAIM(first, units), item, n);
	else
		mp_work_items(b, MP_CLAIM(first, units), item, n);
	return n;
}

/* How many units a worker may still run that has run so many items. */
static uint64_t allowance(const struct mp_pool_shared *s,
			  const struct mp_pool_map *m, uint32_t items)
{
	return s->max_tasks == 0 ? m->units : (s->max_tasks - items) / m->unit;
}

/* Run one item at a time, with nothing else to look after, until there are
 * none: a loop in which the compiler knows that, for items that are shorter
 * than the questions. */
static void run_singly(struct mp_pool_map *m, struct mp_pool_progress *p,
		       uint64_t *bits)
{
	struct mp_batch b = batch_of(m, p);
	uint64_t i, n = m->n;

	b.timed = false;
	while ((i = atomic_fetch_add_explicit(&m->next, 1,
					      memory_order_relaxed)) < n) {
		mp_chaos();
		mp_work_items(&b, MP_CLAIM(i, 1), i, 1);
		mp_owner_point();
		bits[i / 64] |= UINT64_C(1) << i % 64;
		mp_owner_point();
		mp_chaos();
	}
	mp_work_store(&p->claim, 0);
}

/* Run units until there are no more (true), or this worker has run enough.
 *
 * The store of a claim is also what ends the one before: from the last bit of a
 * claim on, it may be that the next fetch_add has been made. */
static bool run_map(struct mp_pool_worker *self, struct mp_pool_shared *s,
		    uint32_t i)
{
	struct mp_pool_map *m = mp_pool_map_at(s, i);
	struct mp_pool_progress *p = mp_pool_progress(s, i, self->index);
	uint64_t *bits = mp_pool_bits(s, i, self->index);
	struct mp_batch b = batch_of(m, p);
	uint64_t want = 1, first = 0, most;
	uint32_t items = self->items;
	int64_t start = 0;

	join(m, p, bits);
	mp_work_store(&p->claim, MP_CLAIMING);
	if (m->unit == 1 && !m->guided && !m->timed && !b.traced &&
	    s->max_tasks == 0) {
		run_singly(m, p, bits);
		return true;
	}
	while ((most = allowance(s, m, items)) > 0) {
		if (want > most)
			want = most;
		mp_chaos();
		first = atomic_fetch_add_explicit(&m->next, want,
						  memory_order_relaxed);
		mp_chaos();
		if (first >= m->units)
			break;
		if (want > m->units - first)
			want = m->units - first;
		if (m->guided)
			start = mp_clock_now();
		items += (uint32_t)run_units(&b, first, want);
		mark(bits, first, want);
		if (m->guided)
			want = guess(s, want, mp_clock_now() - start,
				     m->units - first - want);
	}
	mp_work_store(&p->claim, 0);
	/* Not enough left for a unit: time to go. */
	self->items = most == 0 ? s->max_tasks : items;
	return first >= m->units;
}

/* This worker is in no map any more.  The last one to say so about a map tells
 * the creator: of two that leave at once, the later exchange sees the other. */
static void leave(struct mp_pool_worker *self, struct mp_pool_shared *s)
{
	uint64_t place =
		atomic_exchange_explicit(&self->place, 0, memory_order_seq_cst);

	mp_chaos();
	for (uint32_t w = 0; w < s->workers; w++)
		if (atomic_load_explicit(&mp_pool_worker(s, w)->place,
					 memory_order_seq_cst) == place)
			return;
	mp_work_tell(s);
}

/* Who has said where it is going, and then still finds head there, knows that
 * the map stays until it leaves. */
void mp_work_help(struct mp_pool_worker *self, struct mp_pool_shared *s,
		  uint64_t position, uint32_t map)
{
	atomic_exchange_explicit(&self->place, position + 1,
				 memory_order_seq_cst);
	mp_chaos();
	if (atomic_load_explicit(&s->head, memory_order_seq_cst) == position) {
		mp_gate_open(&s->work, 1, &s->counters);
		if (run_map(self, s, map))
			mp_work_pass(s, position);
	}
	leave(self, s);
}
