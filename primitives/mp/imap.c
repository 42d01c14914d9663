/* imap.c - a window of chunks: asked of the source, run, and given in turn.
 *
 * Each chunk is one slot of the pool.  `begun` is how many were put into the
 * ring, `given` how many have been taken by the caller to the last item; what
 * is between is the window.
 */
#include "mp/pool-own.h"

#include <stdlib.h>
#include <string.h>

struct mp_imap_state {
	/* Constant. */
	struct mp_pool *pool;
	int (*fn)(struct mp_task *);
	int (*source)(void *arg, void *in);
	void *arg;
	size_t in_size, out_size;
	struct mp_call call;
	uint32_t chunk, chunks; /* items in one, how many are in the window */
	bool unordered;

	uint64_t asked;   /* items taken from the source */
	int end;          /* 1: it may have more; else what it said */
	uint32_t *window; /* slots; ordered: a ring; unordered: in any order */
	uint64_t begun, given;
	uint32_t *done; /* unordered: a ring of chunks that are done */
	uint64_t ndone; /* so far */
	uint32_t item;  /* of the current chunk, the next to give */
	bool asking;
};

/* ---- in ---- */

/* Ask the source for a chunk of items.  How many came. */
static uint32_t ask(struct mp_imap_state *it, unsigned char *in)
{
	uint32_t n = 0;

	it->asking = true;
	while (n < it->chunk && it->end == 1) {
		it->end = it->source(it->arg, in + n * it->in_size);
		n += it->end == 1;
	}
	it->asking = false;
	return n;
}

static bool has_room(const struct mp_imap_state *it)
{
	return it->end == 1 && it->begun - it->given < it->chunks &&
	       !it->pool->closed;
}

/* Fill the window, as far as the pool has slots. */
static void fill(struct mp_imap_state *it)
{
	struct mp_pool *pool = it->pool;
	struct mp_pool_slot *slot;
	uint32_t n;
	int i;

	while (has_room(it)) {
		i = mp_task_take(pool, it->fn, it->in_size, it->out_size,
				 it->chunk, &it->call);
		if (i < 0)
			return;
		slot = mp_pool_slot(pool->s, (uint32_t)i);
		n = ask(it, mp_slot_in(slot));
		if (n == 0) {
			mp_task_free(pool, (uint32_t)i);
			return;
		}
		slot->count = n;
		slot->index = it->asked;
		it->asked += n;
		pool->orders[i].imap = it;
		pool->outstanding++;
		it->window[it->begun++ % it->chunks] = (uint32_t)i;
		mp_task_publish(pool, (uint32_t)i);
	}
}

/* ---- out ---- */

void mp_imap_settle(struct mp_imap_state *it, uint32_t slot)
{
	it->pool->outstanding--;
	it->pool->done++;
	if (it->unordered)
		it->done[it->ndone++ % it->chunks] = slot;
}

/* The slot to give from.  False: it is not done yet. */
static bool current(const struct mp_imap_state *it, uint32_t *slot)
{
	if (it->unordered) {
		*slot = it->done[it->given % it->chunks];
		return it->given < it->ndone;
	}
	*slot = it->window[it->given % it->chunks];
	return it->given < it->begun && it->pool->orders[*slot].settled;
}

static bool ready(const void *arg)
{
	const struct mp_imap_state *it = arg;
	uint32_t slot;

	return current(it, &slot) || it->pool->outstanding == 0 ||
	       (has_room(it) ? mp_task_room(it->pool) : it->given == it->begun);
}

/* One item out of the chunk in this slot. */
static void give(struct mp_imap *imap, uint32_t i, void *out)
{
	struct mp_imap_state *it = imap->state;
	struct mp_pool_slot *slot = mp_pool_slot(it->pool->s, i);
	uint32_t item = it->item++;

	imap->index = slot->index + item;
	imap->status = mp_slot_status(slot)[item];
	imap->size = imap->status != 0 ? 0
		     : it->chunk == 1  ? slot->size
				       : it->out_size;
	if (out != NULL && imap->size > 0)
		memcpy(out, mp_slot_out(slot) + item * it->out_size,
		       imap->size);
	if (it->item < slot->count)
		return;
	it->item = 0;
	it->given++;
	mp_task_free(it->pool, i);
}

int mp_imap_next(struct mp_imap *imap, void *out, int64_t timeout_ns)
{
	struct mp_imap_state *it = imap->state;
	uint32_t slot;
	int error;

	if (it == NULL)
		return -EINVAL;
	error = mp_pool_check(it->pool);
	if (error < 0)
		return error;
	if (it->asking || it->pool->depth > 0)
		return -EDEADLK;
	mp_pool_tend(it->pool);
	for (;;) {
		fill(it);
		if (current(it, &slot)) {
			give(imap, slot, out);
			return 1;
		}
		/* With none under way there are no more, or no slots: then
		 * somebody else's have to become free. */
		if (it->begun == it->given && !has_room(it))
			return it->end < 0 ? it->end : 0;
		error = mp_pool_wait(it->pool, ready, it, timeout_ns);
		if (error < 0)
			return error;
		if (it->begun == it->given && it->pool->outstanding == 0 &&
		    has_room(it) && !mp_task_room(it->pool))
			return -EDEADLK;
	}
}

/* ---- birth and end ---- */

static int check(const struct mp_imap_state *it)
{
	size_t in, out, all = mp_ring_round(it->chunk * sizeof(int32_t));

	if (it->source == NULL)
		return -EINVAL;
	if (__builtin_mul_overflow(it->in_size, it->chunk, &in) ||
	    __builtin_mul_overflow(it->out_size, it->chunk, &out) ||
	    in > it->pool->task_bytes || out > it->pool->task_bytes)
		return -EMSGSIZE;
	all += mp_ring_round(in) + mp_ring_round(out);
	return all > it->pool->task_bytes + 8 ? -EMSGSIZE : 0;
}

/* Chunks ahead for each worker.  With two of them, a creator that is slow to
 * run again finds all workers asleep. */
#define AHEAD 64

static int set_window(struct mp_imap_state *it, uint32_t window)
{
	uint32_t slots = it->pool->s->slots;
	uint32_t most = window != 0 ? slots : (slots + 1) / 2;

	if (window != 0 && window < it->chunk)
		return -EINVAL;
	it->chunks =
		window != 0 ? window / it->chunk : AHEAD * it->pool->s->workers;
	if (it->chunks > most)
		it->chunks = most;
	return 0;
}

int mp_imap_open(struct mp_imap *imap, struct mp_pool *pool,
		 int (*fn)(struct mp_task *),
		 int (*source)(void *arg, void *in), void *arg, size_t in_size,
		 size_t out_size, const struct mp_imap_options *o)
{
	struct mp_imap_state *it;
	int error;

	*imap = (struct mp_imap){ 0 };
	error = mp_pool_open(pool, fn);
	if (error < 0)
		return error;
	it = malloc(sizeof(*it));
	if (it == NULL)
		return -ENOMEM;
	*it = (struct mp_imap_state){ .pool = pool,
				      .fn = fn,
				      .source = source,
				      .arg = arg,
				      .in_size = in_size,
				      .out_size = out_size,
				      .end = 1 };
	if (o != NULL) {
		it->call = o->call;
		it->unordered = o->unordered;
	}
	it->chunk = it->call.chunk > UINT32_MAX ? UINT32_MAX
		    : it->call.chunk == 0       ? 1
						: (uint32_t)it->call.chunk;
	error = check(it);
	if (error == 0)
		error = set_window(it, o == NULL ? 0 : o->window);
	if (error == 0) {
		it->window = calloc(it->chunks, 2 * sizeof(*it->window));
		error = it->window == NULL ? -ENOMEM : 0;
	}
	if (error < 0) {
		free(it);
		return error;
	}
	it->done = it->window + it->chunks;
	imap->state = it;
	return 0;
}

int mp_imap_close(struct mp_imap *imap)
{
	struct mp_imap_state *it = imap->state;
	struct mp_pool *pool;
	int error;

	if (it == NULL)
		return 0;
	pool = it->pool;
	error = mp_pool_check(pool);
	if (error < 0)
		return error;
	if (it->asking)
		return -EDEADLK;
	for (uint32_t i = 0; i < pool->used; i++) {
		if (pool->orders[i].imap != it)
			continue;
		pool->outstanding -= !pool->orders[i].settled;
		if (pool->orders[i].settled)
			mp_task_free(pool, i);
		else if (mp_task_cancel(pool, i) < 0)
			pool->orders[i].imap = NULL;
	}
	free(it->window);
	free(it);
	imap->state = NULL;
	return 0;
}
