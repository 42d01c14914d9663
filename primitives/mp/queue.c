/* queue.c - a ring with a lock for each end.
 *
 * Each end is one word: how many messages have passed it, and where the next
 * one lies.  A message is written behind the tail and exists from the store of
 * the new tail on; it is read at the head and is gone from the store of the new
 * head on.  So a lock whose holder died has nothing to repair.
 *
 * How one gets to be alone at an end: queue-ends.c, queue-wait.c.
 */
#include "mp/queue.h"

#include <assert.h>
#include <errno.h>

#include "mp/queue-ends.h"
#include "mp/shm.h"

static_assert(offsetof(struct mp_queue, tail) % 64 == 0, "a line of its own");
static_assert(offsetof(struct mp_queue, head) % 64 == 0, "a line of its own");
static_assert(offsetof(struct mp_queue, data) % 64 == 0, "records are aligned");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "must work across address spaces");

/* ---- the object ---- */

#define RING_MAX (UINT64_C(1) << 35) /* what an end can name */

/* Every message has a header and is rounded up. */
static uint64_t ring_size(uint32_t items, size_t bytes, uint64_t header)
{
	return mp_ring_round(bytes + items * (header + 7));
}

size_t mp_queue_size(uint32_t items, size_t bytes)
{
	uint64_t header = sizeof(struct mp_owner_node) + MP_QUEUE_LENGTH, ring;

	if (items == 0 || items > MP_QUEUE_ITEMS_MAX || bytes == 0 ||
	    bytes > MP_QUEUE_BYTES_MAX)
		return 0;
	ring = ring_size(items, bytes, header);
	if (ring >= RING_MAX)
		return 0;
	/* The longest message may begin at the ring's end. */
	return sizeof(struct mp_queue) + ring + header + mp_ring_round(bytes);
}

int mp_queue_init(struct mp_queue *q, uint32_t items, size_t bytes,
		  uint32_t flags)
{
	size_t size = mp_queue_size(items, bytes);

	if (size == 0 || (flags & ~(uint32_t)MP_QUEUE_LEASE) ||
	    mp_shm_check(q, size) < 0)
		return -EINVAL;
	memset(q, 0, sizeof(*q));
	q->items = items;
	q->bytes = bytes;
	q->flags = flags;
	q->ring = ring_size(items, bytes, mp_queue_header(q));
	return 0;
}

/* ---- put ---- */

static void copy_in(struct mp_queue *q, uint64_t *tail, const void *data,
		    size_t length)
{
	if (length != 0)
		memcpy(mp_queue_message(q, *tail), data, length);
	mp_queue_finish(q, tail, length);
}

int mp_queue_put(struct mp_queue *q, const void *data, size_t length,
		 int64_t timeout_ns)
{
	uint64_t tail;
	int error = mp_queue_enter_put(q, length, timeout_ns, &tail);

	if (error < 0)
		return error;
	copy_in(q, &tail, data, length);
	mp_queue_leave_put(q, tail, 1);
	return 0;
}

int mp_queue_put_many(struct mp_queue *q, const struct iovec *v, int n,
		      int64_t timeout_ns)
{
	uint64_t tail;
	int error, i = 0;

	if (n < 1)
		return -EINVAL;
	error = mp_queue_enter_put(q, v[0].iov_len, timeout_ns, &tail);
	if (error < 0)
		return error;
	do {
		copy_in(q, &tail, v[i].iov_base, v[i].iov_len);
		i++;
	} while (i < n && v[i].iov_len <= q->bytes &&
		 mp_queue_room(q, tail, v[i].iov_len) == 0);
	mp_queue_leave_put(q, tail, i);
	return i;
}

/* ---- get ---- */

/* 0; -EMSGSIZE.  *size becomes the length in both cases. */
static int copy_out(struct mp_queue *q, uint64_t at, void *buf, size_t *size)
{
	size_t room = *size;

	*size = mp_queue_length(q, at);
	if (*size > room)
		return -EMSGSIZE;
	if (*size != 0)
		memcpy(buf, mp_queue_message(q, at), *size);
	return 0;
}

int mp_queue_get_many(struct mp_queue *q, struct iovec *v, int n,
		      int64_t timeout_ns)
{
	uint64_t at;
	size_t size;
	int error, i = 0;

	if (n < 1)
		return -EINVAL;
	error = mp_queue_enter_get(q, timeout_ns, &at);
	if (error < 0)
		return error;
	do {
		size = v[i].iov_len;
		error = copy_out(q, at, v[i].iov_base, &size);
		if (error == 0 || i == 0)
			v[i].iov_len = size;
		if (error == 0) {
			i++;
			mp_queue_take(q, &at);
		}
	} while (error == 0 && i < n && mp_queue_more(q, &at) == 0);
	mp_queue_leave_get(q, at, i);
	if (i != 0)
		return i;
	/* Somebody with more room may be asleep. */
	mp_gate_open(&q->not_empty, 1, &q->counters);
	return error;
}

int mp_queue_get(struct mp_queue *q, void *buf, size_t size, int64_t timeout_ns,
		 size_t *length)
{
	struct iovec v = { .iov_base = buf, .iov_len = size };
	int n = mp_queue_get_many(q, &v, 1, timeout_ns);

	if (length != NULL && (n > 0 || n == -EMSGSIZE))
		*length = v.iov_len;
	return n < 0 ? n : 0;
}

/* ---- how many ---- */

/* Both ends at one moment: the first did not move while we read the tail. */
static uint64_t both(const struct mp_queue *q, const _Atomic uint64_t *first,
		     uint64_t *tail)
{
	uint64_t end;

	do {
		end = mp_queue_load(first);
		*tail = mp_queue_load(&q->tail);
	} while (end != mp_queue_load(first));
	return end;
}

int mp_queue_qsize(const struct mp_queue *q)
{
	uint64_t tail, head = both(q, &q->head, &tail);

	return (int)(mp_queue_count(tail) - mp_queue_count(head));
}

int mp_queue_empty(const struct mp_queue *q)
{
	return mp_queue_qsize(q) == 0;
}

int mp_queue_full(const struct mp_queue *q)
{
	uint64_t tail, limit = both(q, mp_queue_limit(q), &tail);

	return !mp_queue_fits(q, tail, limit, mp_queue_need(q, 0));
}
