/* pool-item - run some items, one after the other, and keep book.
 *
 * Internal to pool-work.c and pool-help.c.  Floor 4.  A worker.
 *
 * Before each item stands in shared memory that it is about to begin: so if
 * this worker dies, its creator knows which one died with it.  Here, and not in
 * a .c file, because an item may be shorter than a call.
 */
#ifndef MP_POOL_ITEM_H
#define MP_POOL_ITEM_H

#include <unistd.h>

#include "mp/clock.h"
#include "mp/pool-work.h"

/* What a run of items is about. */
struct mp_batch {
	int (*fn)(struct mp_task *);
	const unsigned char *in; /* of item 0 */
	unsigned char *out;
	int32_t *status; /* or NULL */
	size_t in_size, out_size;
	uint64_t index; /* of item 0 */
	uint32_t *size; /* of the last result, or NULL */
	struct mp_pool_progress *progress;
	struct mp_pool_map *map; /* or NULL */
	bool timed, traced;
};

/* `since` goes ahead: from then on the item before is over, or the creator has
 * taken it away, against revoke() in pool-late.c, and is about to kill. */
static inline void mp_work_retime(const struct mp_batch *b, int64_t *since,
				  int64_t now)
{
	if (!atomic_compare_exchange_strong_explicit(&b->progress->since, since,
						     now, memory_order_acq_rel,
						     memory_order_relaxed))
		for (;;)
			pause();
	*since = now;
}

static inline int mp_work_item(const struct mp_batch *b, size_t i)
{
	struct mp_task t = { .in = b->in + i * b->in_size,
			     .in_size = b->in_size,
			     .out = b->out + i * b->out_size,
			     .out_size = b->out_size,
			     .index = b->index + i };
	int error = b->fn(&t);

	if (t.out_size > b->out_size)
		return -EMSGSIZE;
	if (b->size != NULL)
		*b->size = (uint32_t)t.out_size;
	return error;
}

static inline void mp_work_failed(const struct mp_batch *b, size_t i)
{
	uint64_t n = (mp_work_load(&b->progress->failed) >> 32) + 1;

	mp_work_store(&b->progress->failed, n << 32 | (i + 1));
	if (b->map != NULL && b->map->fail_fast)
		mp_map_stop(b->map);
}

/* Run n items; claim is what the worker's claim says, without k. */
static inline void mp_work_items(const struct mp_batch *b, uint64_t claim,
				 size_t first, size_t n)
{
	int64_t since = INT64_MAX;
	int error;

	for (size_t i = first; i < first + n; i++) {
		if (b->timed)
			mp_work_retime(b, &since, mp_clock_now());
		claim += MP_CLAIM_ITEM;
		mp_work_store(&b->progress->claim, claim);
		error = b->map != NULL && mp_map_stopped(b->map)
				? MP_CANCELLED
				: mp_work_item(b, i);
		if (b->status != NULL)
			b->status[i] = error;
		if (__builtin_expect(error != 0, 0))
			mp_work_failed(b, i);
	}
	if (b->timed)
		mp_work_retime(b, &since, INT64_MAX);
}

/* The same with a span in the trace, if there is one. */
void mp_work_run(const struct mp_batch *b, uint64_t claim, size_t first,
		 size_t n);

#endif
