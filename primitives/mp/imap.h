/* imap - results one by one, of inputs that come one by one.
 *
 * Python: Pool.imap, Pool.imap_unordered, which read their whole input at once.
 * Floor 4.  The thread that created the pool.
 *
 * Lives in: private memory of the creator, in one place from open to close,
 * which comes before the end of the pool.
 *
 *	static int numbers(void *arg, void *in)
 *	{
 *		int *next = arg;
 *
 *		*(int *)in = (*next)++;
 *		return 1;			 there is always another
 *	}
 *
 *	mp_imap_open(&it, pool, square, numbers, &next, sizeof(int),
 *		     sizeof(int), NULL);
 *	while (mp_imap_next(&it, &y, -1) > 0 && y < 1000)
 *		printf("%d\n", y);
 *	mp_imap_close(&it);
 *
 * The source is asked only when there is room in the window, by the creator in
 * mp_imap_next: an endless one takes constant memory.  Deaths, timeouts and
 * retries are as in pool.h.  Once the pool is closed the source is not asked
 * any more, and what was taken from it is done.  A chunk that is done and not
 * taken still is one of the pool's `tasks`.
 */
#ifndef MP_IMAP_H
#define MP_IMAP_H

#include "mp/pool.h"

struct mp_imap_options {
	struct mp_call call; /* chunk, timeout_ns, retries; no more */
	bool unordered;      /* as they are done */
	uint32_t window; /* items under way, or done and not taken; 0: 64 chunks
			  * for each worker, up to half of the `tasks` */
};

struct mp_imap {
	/* Of the result that mp_imap_next gave last. */
	uint64_t index; /* of its item */
	int32_t status;
	size_t size;

	/* imap.c */
	struct mp_imap_state *state;
};

/* source(arg, in): write the next item to in and return 1; 0: there is none
 * more; negative: nor is there, and mp_imap_next returns this after the results
 * of the items before.
 * -EINVAL: no fn or source, or a window below the chunk.  -EMSGSIZE: a chunk of
 * items and results does not fit into task_bytes.  -ESHUTDOWN, -ENOMEM. */
MP_API int mp_imap_open(struct mp_imap *it, struct mp_pool *pool,
			int (*fn)(struct mp_task *),
			int (*source)(void *arg, void *in), void *arg,
			size_t in_size, size_t out_size,
			const struct mp_imap_options *o);

/* 1: the next result is in out (which may be NULL), and it->status says whether
 * it is one.  0: there are no more.  -ETIMEDOUT, -EINTR: nothing was taken;
 * call again.  -ECHILD.  -EDEADLK: from a callback or from the source, or
 * others' results, which only the caller can take, fill all `tasks`.  -EINVAL:
 * not open. */
MP_API int mp_imap_next(struct mp_imap *it, void *out, int64_t timeout_ns);

/* Begin no further item, and forget the rest; what is under way ends unseen.
 * Twice does nothing. */
MP_API int mp_imap_close(struct mp_imap *it);

#endif
