/* lease.c - messages that come back when the one who has them is killed.
 *
 * The word of a record names who has it, and the record is in his robust list:
 * the kernel marks it when he dies.  Records stay in the ring until they are
 * done, and room is free again up to the oldest that is not.
 *
 *	freed               head               tail
 *	  | DONE  TID  DONE  DIED | 0   0   0   |
 */
#include <errno.h>
#include <limits.h>

#include "mp/chaos.h"
#include "mp/queue-ends.h"

/*  word   meaning                          leaves by                 to
 *  0      in the queue                     mp_queue_lease_take       TID
 *  TID    on lease                         mp_queue_task_done        DONE
 *                                          its death                 DIED
 *  DIED   comes back: next to be got       mp_queue_lease_take       TID
 *  DONE   done                             the next message put there
 *
 *  DONE is no thread's id, and not 0, which the kernel takes for "free".
 *  A taker killed before the head moved leaves TID, then DIED, at the head.
 */
#define DIED FUTEX_OWNER_DIED
#define DONE FUTEX_TID_MASK

#define TICKET 0 /* of a node's spare words: taken in which order */

static uint32_t word(struct mp_queue *q, uint64_t at)
{
	return atomic_load_explicit(&mp_queue_node(q, at)->word,
				    memory_order_relaxed);
}

static uint64_t after(struct mp_queue *q, uint64_t at)
{
	return mp_queue_after(q, at, mp_queue_length(q, at));
}

static uint64_t freed(const struct mp_queue *q)
{
	return atomic_load_explicit(&q->freed, memory_order_relaxed);
}

static uint64_t head(const struct mp_queue *q)
{
	return atomic_load_explicit(&q->head, memory_order_relaxed);
}

int mp_queue_lease_find(struct mp_queue *q, uint64_t *at, int *mine,
			int *others)
{
	uint64_t to = head(q), i;

	*at = to;
	*mine = *others = 0;
	for (i = freed(q); i != to; i = after(q, i)) {
		if (word(q, i) == mp_owner_tid())
			++*mine;
		else if (!(word(q, i) & DIED))
			*others += word(q, i) != DONE;
		else if (*at == to)
			*at = i;
	}
	if (*at == to && mp_queue_count(to) == mp_queue_count(q->tail_seen))
		return -EAGAIN;
	return *mine < MP_QUEUE_LEASES ? 0 : -ENOSPC;
}

void mp_queue_lease_take(struct mp_queue *q, uint64_t at)
{
	struct mp_owner_node *node = mp_queue_node(q, at);

	node->spare[TICKET] = q->ticket++;
	mp_owner_begin(node);
	atomic_store_explicit(&node->word, mp_owner_tid(),
			      memory_order_relaxed);
	mp_owner_add(node);
	mp_chaos();
	if (at == head(q))
		atomic_store_explicit(&q->head, after(q, at),
				      memory_order_release);
}

/* Room is free up to the oldest record that is not done.  How many were
 * passed. */
static int reclaim(struct mp_queue *q)
{
	uint64_t to = freed(q);
	int n = 0;

	for (; to != head(q) && word(q, to) == DONE; n++)
		to = after(q, to);
	mp_chaos();
	/* Pairs with the acquire in mp_queue_load; and is the fence that
	 * mp_gate_open wants. */
	if (n != 0)
		atomic_exchange_explicit(&q->freed, to, memory_order_seq_cst);
	return n;
}

/* n more are done: wake those to whom that is something. */
static void tell(struct mp_queue *q, int n)
{
	/* Getters may have waited for what could come back. */
	if (atomic_load_explicit(&q->closed, memory_order_relaxed))
		mp_gate_open(&q->not_empty, INT_MAX, &q->counters);
	if (n == 0)
		return;
	mp_queue_open_room(q, n);
	if (mp_queue_count(mp_queue_load(&q->freed)) ==
	    mp_queue_count(mp_queue_load(&q->tail)))
		mp_gate_open(&q->all_done, INT_MAX, &q->counters);
}

int mp_queue_lease(struct mp_queue *q, int64_t timeout_ns, const void **where,
		   size_t *length)
{
	uint64_t at;
	int error;

	if (!(q->flags & MP_QUEUE_LEASE))
		return -EINVAL;
	error = mp_queue_enter_get(q, timeout_ns, &at);
	if (error < 0)
		return error;
	*where = mp_queue_message(q, at);
	if (length != NULL)
		*length = mp_queue_length(q, at);
	mp_queue_lease_take(q, at);
	mp_queue_leave_get(q, at, 1);
	return 0;
}

/* The one that this thread took first; NULL: none. */
static struct mp_owner_node *oldest(struct mp_queue *q)
{
	struct mp_owner_node *best = NULL, *node;

	for (uint64_t i = freed(q), to = head(q); i != to; i = after(q, i)) {
		node = mp_queue_node(q, i);
		if (word(q, i) == mp_owner_tid() &&
		    (best == NULL ||
		     (int32_t)(node->spare[TICKET] - best->spare[TICKET]) < 0))
			best = node;
	}
	return best;
}

int mp_queue_lease_done(struct mp_queue *q)
{
	int error = mp_queue_lock_get(q), n = 0;
	struct mp_owner_node *node;

	if (error < 0)
		return error;
	node = oldest(q);
	if (node != NULL) {
		mp_owner_remove(node);
		/* Killed before this, it comes back. */
		atomic_store_explicit(&node->word, DONE, memory_order_relaxed);
		mp_owner_end();
		n = reclaim(q);
	}
	mp_queue_unlock_get(q);
	tell(q, n);
	return node != NULL ? 0 : -EINVAL;
}

/* One who was killed between "done" and this left it to others. */
void mp_queue_lease_reclaim(struct mp_queue *q)
{
	tell(q, reclaim(q));
}

void mp_queue_lease_tidy(struct mp_queue *q)
{
	if (mp_queue_lock_get(q) < 0)
		return;
	mp_queue_lease_reclaim(q);
	mp_queue_unlock_get(q);
}

int mp_queue_leased(struct mp_queue *q)
{
	int error, n = 0;

	if (!(q->flags & MP_QUEUE_LEASE))
		return -EINVAL;
	error = mp_queue_lock_get(q);
	if (error < 0)
		return error;
	for (uint64_t i = freed(q), to = head(q); i != to; i = after(q, i))
		n += !(word(q, i) & DIED) && word(q, i) != DONE;
	mp_queue_unlock_get(q);
	return n;
}
