/* queue-ends - to be alone at one end of a queue, with room or a message.
 *
 * Internal to queue*.c and lease.c.  Floor 3.
 *
 * enter waits and takes the lock of its end; in between, records are written
 * behind the tail (read from the head on); leave publishes and frees the lock.
 */
#ifndef MP_QUEUE_ENDS_H
#define MP_QUEUE_ENDS_H

#include <string.h>

#include "mp/queue.h"
#include "mp/ring.h"

/*  closed     put             get                       leaves by   to
 *  OPEN       yes             yes                       close       CLOSED
 *                                                       shutdown    SHUTDOWN
 *  CLOSED     -ESHUTDOWN      until the queue is empty  shutdown    SHUTDOWN
 *  SHUTDOWN   -ESHUTDOWN      -ESHUTDOWN                -
 */
enum { MP_QUEUE_OPEN, MP_QUEUE_CLOSED, MP_QUEUE_SHUTDOWN };

/* An end in one word: how many messages have passed it, and where the next
 * record begins, in units of 8 bytes. */
static inline uint64_t mp_queue_end(uint32_t count, uint64_t at)
{
	return at << 29 | count; /* at / 8 << 32 */
}

static inline uint32_t mp_queue_count(uint64_t end)
{
	return (uint32_t)end;
}

static inline uint64_t mp_queue_at(uint64_t end)
{
	return end >> 32 << 3;
}

static inline uint64_t mp_queue_load(const _Atomic uint64_t *end)
{
	/* Pairs with the releases in mp_queue_leave_put and _get. */
	return atomic_load_explicit(end, memory_order_acquire);
}

/* A record: with leases a struct mp_owner_node, then the length, the message,
 * and what rounds it up to 8 bytes. */
#define MP_QUEUE_LENGTH sizeof(uint64_t)

static inline uint64_t mp_queue_header(const struct mp_queue *q)
{
	return q->flags & MP_QUEUE_LEASE
		       ? sizeof(struct mp_owner_node) + MP_QUEUE_LENGTH
		       : MP_QUEUE_LENGTH;
}

static inline unsigned char *mp_queue_message(struct mp_queue *q, uint64_t end)
{
	return q->data + mp_queue_at(end) + mp_queue_header(q);
}

static inline size_t mp_queue_length(struct mp_queue *q, uint64_t end)
{
	uint64_t length;

	memcpy(&length, mp_queue_message(q, end) - MP_QUEUE_LENGTH,
	       sizeof(length));
	return length;
}

/* With leases: the word says whose it is (lease.c). */
static inline struct mp_owner_node *mp_queue_node(struct mp_queue *q,
						  uint64_t end)
{
	return (struct mp_owner_node *)(q->data + mp_queue_at(end));
}

/* What a message takes of the ring. */
static inline uint64_t mp_queue_need(const struct mp_queue *q, size_t length)
{
	return mp_queue_header(q) + mp_ring_round(length);
}

/* The end after the record there, if it is `length` long. */
static inline uint64_t mp_queue_after(const struct mp_queue *q, uint64_t end,
				      size_t length)
{
	return mp_queue_end(mp_queue_count(end) + 1,
			    mp_ring_next(mp_queue_at(end),
					 mp_queue_need(q, length), q->ring));
}

/* What frees room: a message taken, with leases a message done. */
static inline const _Atomic uint64_t *mp_queue_limit(const struct mp_queue *q)
{
	return q->flags & MP_QUEUE_LEASE ? &q->freed : &q->head;
}

/* Is there so much room between these two? */
static inline bool mp_queue_fits(const struct mp_queue *q, uint64_t tail,
				 uint64_t limit, uint64_t need)
{
	uint32_t items = mp_queue_count(tail) - mp_queue_count(limit);
	uint64_t from = mp_queue_at(limit), to = mp_queue_at(tail);
	uint64_t used = to - from;

	if (to < from || (to == from && items != 0))
		used += q->ring;
	return items < q->items && need <= q->ring - used;
}

/* ---- putters ---- */

/* Be alone there, with room for a message of this length at *tail.  Errors:
 * queue.h. */
int mp_queue_enter_put(struct mp_queue *q, size_t length, int64_t timeout_ns,
		       uint64_t *tail);

/* Is there room for a message there?  0; -ESHUTDOWN; -EAGAIN. */
int mp_queue_room(struct mp_queue *q, uint64_t tail, size_t length);

/* The message at *tail is written and so long; move *tail behind it. */
void mp_queue_finish(struct mp_queue *q, uint64_t *tail, size_t length);

/* n more messages are in the queue, up to `tail`. */
void mp_queue_leave_put(struct mp_queue *q, uint64_t tail, int n);

/* ---- getters ---- */

/* Be alone there, with a message: *at.  It is the one at the head, or, with
 * leases, one that comes back. */
int mp_queue_enter_get(struct mp_queue *q, int64_t timeout_ns, uint64_t *at);

/* Take the one at *at; it stays where it is until leave.  *at goes on. */
void mp_queue_take(struct mp_queue *q, uint64_t *at);

/* Is there another?  0, and *at; -ESHUTDOWN; -EAGAIN, and *at is where it would
 * be; -ENOSPC. */
int mp_queue_more(struct mp_queue *q, uint64_t *at);

/* n messages were taken, up to `head`. */
void mp_queue_leave_get(struct mp_queue *q, uint64_t head, int n);

/* There is room for n more: wake putters. */
void mp_queue_open_room(struct mp_queue *q, int n);

/* Only the lock of the getters' end.  0; -ESHUTDOWN, -EDEADLK. */
int mp_queue_lock_get(struct mp_queue *q);
void mp_queue_unlock_get(struct mp_queue *q);

/* The same of the putters'. */
int mp_queue_lock_put(struct mp_queue *q);

/* ---- lease.c ---- */

/* With the getters' lock: the next message, one that comes back first.  0;
 * -EAGAIN; -ENOSPC.  And how many are on lease: of this thread, and of others,
 * from whom they may come back. */
int mp_queue_lease_find(struct mp_queue *q, uint64_t *at, int *mine,
			int *others);

/* It is this thread's. */
void mp_queue_lease_take(struct mp_queue *q, uint64_t at);

/* The oldest that this thread has is done.  -EINVAL: it has none. */
int mp_queue_lease_done(struct mp_queue *q);

/* Do what one that was killed in lease_done has left undone; the second one
 * takes the lock for it. */
void mp_queue_lease_reclaim(struct mp_queue *q);
void mp_queue_lease_tidy(struct mp_queue *q);

#endif
