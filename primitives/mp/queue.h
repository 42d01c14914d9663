/* queue - messages from many processes to many, first in, first out.
 *
 * Python: multiprocessing.Queue, SimpleQueue, JoinableQueue.  Floor 3.  Any
 * process, any thread; not from a signal handler.
 *
 * Lives in: memory that its users share (shm.h), at any address in each:
 * mp_queue_size bytes of it, of which only what is used is ever touched.
 *
 *	size_t size = mp_queue_size(1024, 65536);
 *
 *	mp_shm_create(&m, NULL, size);
 *	q = m.addr;
 *	mp_queue_init(q, 1024, 65536, 0);
 *
 *	mp_queue_put(q, "hello", 5, -1);
 *	mp_queue_get(q, buf, sizeof(buf), -1, &length);		 length == 5
 *
 * A message is any number of bytes up to `bytes`.  `items` messages that have
 * `bytes` bytes together always fit; of fewer messages somewhat more bytes may.
 * The queue is full for a message when there is no room for it.  When put has
 * returned, the message can be got; nothing is left to do, and its sender may
 * end.  (Python hands it to a thread of the sender, which therefore cannot end
 * before somebody has read it all.)  All messages are in one order; get gives
 * them in that order, so those of one putter come as they were put.
 *
 * One putter at a time is in the queue, and one getter: a lock for each side,
 * held for a copy.  reserve and peek hold it until commit and release: no copy,
 * but nobody else can put (get) meanwhile.
 *
 * Who waits for less than half a microsecond, in a stream, then lets the other
 * side get ahead, for at most 5 microseconds: batches are cheaper.
 *
 * If a user is killed: a message is in the queue from the one store that
 * publishes it.  Killed before, it was never put; killed after, it was.  A
 * getter takes it out by one store; killed before, somebody else gets it;
 * killed after, the message died with it.  Nobody else is held up.  (A sleeper
 * that should have been woken by the dead looks by itself, at most a tenth of a
 * second later: backstop.h.)
 *
 * MP_QUEUE_LEASE: a getter has the message on lease until mp_queue_task_done.
 * If it is killed before, the message comes back and the next getter gets it,
 * before newer ones.  So each message is done once or more often, and join ends
 * although workers die.  Room is free again when all older messages are done:
 * a getter that waits for more while it has the oldest may wait for ever.
 *
 * Illegal: unmapping the memory while this thread holds a message in place or
 * on lease; two threads that get in turn with one lease.
 *
 * Source: Michael and Scott, "Simple, Fast, and Practical ... Queue
 * Algorithms", 1996: a lock for each end.
 */
#ifndef MP_QUEUE_H
#define MP_QUEUE_H

#include <stddef.h>
#include <sys/uio.h>

#include "mp/gate.h"
#include "mp/lock.h"

#define MP_QUEUE_ITEMS_MAX 0x3fffffff
#define MP_QUEUE_BYTES_MAX ((size_t)1 << 34)

enum mp_queue_flags {
	MP_QUEUE_LEASE = 1 /* what a dead getter had comes back */
};

/* What lies ahead of the ring.  Each side writes to its own lines. */
struct mp_queue {
	/* Constant after init. */
	_Alignas(64) uint64_t bytes; /* longest message */
	uint64_t ring;               /* bytes from one lap to the next */
	uint32_t items;
	uint32_t flags;
	/* Hardly ever written. */
	_Atomic uint32_t closed;
	_Atomic uint32_t mixed;   /* messages have needed different room */
	struct mp_gate not_empty; /* getters sleep here */
	struct mp_gate not_full;
	struct mp_gate all_done;
	_Alignas(64) struct mp_counters counters;

	/* Guarded by put_lock. */
	struct mp_lock put_lock;
	_Alignas(64) _Atomic uint64_t tail; /* where and which is the next */
	uint64_t limit_seen;                /* of head or freed */
	uint64_t need;    /* of the last message, in bytes of the ring */
	uint64_t reserve; /* bytes that were reserved */
	_Atomic uint32_t put_cpu;
	_Atomic uint32_t reserved; /* put_lock is held for long */

	/* Guarded by get_lock. */
	struct mp_lock get_lock;
	_Alignas(64) _Atomic uint64_t head;
	uint64_t tail_seen;
	_Atomic uint64_t freed; /* with leases: the oldest not done */
	_Atomic uint32_t get_cpu;
	_Atomic uint32_t peeked;
	uint32_t ticket; /* of the next lease */

	_Alignas(64) _Atomic uint32_t done; /* task_done, without leases */
	_Alignas(64) unsigned char data[];
};

/* The bytes of shared memory that a queue needs for at most `items` messages
 * of together `bytes` bytes.  0: items or bytes are 0, or more than
 * MP_QUEUE_ITEMS_MAX, MP_QUEUE_BYTES_MAX. */
MP_API size_t mp_queue_size(uint32_t items, size_t bytes);

/* An empty queue.  flags: 0 or MP_QUEUE_LEASE.
 * -EINVAL: as above, other flags, or memory that is not shared. */
MP_API int mp_queue_init(struct mp_queue *q, uint32_t items, size_t bytes,
			 uint32_t flags);

/* ---- messages ----
 *
 * They wait for at most timeout_ns (negative: for ever, 0: try) while the queue
 * is full (empty).  With 0, -ETIMEDOUT means that it *was* full (empty).
 * All of them:
 * -ETIMEDOUT.  -EINTR: a signal handler ran; nothing was put (got), call again.
 * -ESHUTDOWN: closed (for get: and empty), or shut down.  -EBUSY (only with 0):
 * somebody has a message in place.  -EDEADLK: this thread has. */

/* Copy a message in.  -EMSGSIZE: longer than `bytes`; it never fits. */
MP_API int mp_queue_put(struct mp_queue *q, const void *data, size_t length,
			int64_t timeout_ns);

/* Copy the next message out; *length, which may be NULL, is how long it is.
 * -EMSGSIZE: longer than size.  It stays in the queue, and *length tells.
 * -ENOSPC: with leases, this thread has MP_QUEUE_LEASES already. */
MP_API int mp_queue_get(struct mp_queue *q, void *buf, size_t size,
			int64_t timeout_ns, size_t *length);

/* Put up to n messages at once: wait for room for the first, then put as many
 * as fit.  How many that were; a getter sees all of them or none.
 * -EINVAL: n < 1.  -EMSGSIZE: the first is too long; a later one that is ends
 * the batch before it. */
MP_API int mp_queue_put_many(struct mp_queue *q, const struct iovec *v, int n,
			     int64_t timeout_ns);

/* Get up to n messages at once: wait for the first, then take what is there.
 * v[i].iov_len becomes the length.  How many that were.
 * -EINVAL: n < 1.  -EMSGSIZE: v[0] is too small, and v[0].iov_len tells; a
 * later one that is ends the batch before it. */
MP_API int mp_queue_get_many(struct mp_queue *q, struct iovec *v, int n,
			     int64_t timeout_ns);

/* ---- in place ---- */

/* Room for a message of up to `length` bytes, 8-byte aligned: write it there,
 * then commit.  Nobody else puts before.  Killed before commit: never put. */
MP_API int mp_queue_reserve(struct mp_queue *q, size_t length,
			    int64_t timeout_ns, void **where);

/* Publish the first `length` bytes of what was reserved.
 * -EPERM: nothing is reserved by this thread.  -EMSGSIZE: more than that. */
MP_API int mp_queue_commit(struct mp_queue *q, size_t length);

/* Give the room back.  -EPERM. */
MP_API int mp_queue_cancel(struct mp_queue *q);

/* The next message where it lies.  Nobody else gets before release (it is
 * taken) or keep (it stays).  Killed before release: it stays.
 * -EINVAL: a queue with leases; see mp_queue_lease. */
MP_API int mp_queue_peek(struct mp_queue *q, int64_t timeout_ns,
			 const void **where, size_t *length);
MP_API int mp_queue_release(struct mp_queue *q);
MP_API int mp_queue_keep(struct mp_queue *q);

/* ---- how many ---- */

/* Messages in the queue: exact at one moment, old news at once. */
MP_API int mp_queue_qsize(const struct mp_queue *q);
MP_API int mp_queue_empty(const struct mp_queue *q); /* 1 or 0 */

/* 1: it holds `items` messages, or not even an empty one more fits. */
MP_API int mp_queue_full(const struct mp_queue *q);

/* ---- the end ---- */

/* The end of the input: put says -ESHUTDOWN from now on, get only when the
 * queue is empty.  Waits for a putter that has a message in place.  All
 * sleepers learn of it.  With leases, get waits while another thread has a
 * message that may come back, unless this thread has one itself: do that first.
 * (Python's close is for the calling process; a process that puts no more need
 * not tell anybody here.)  Again: nothing.  -EDEADLK: this thread has one in
 * place. */
MP_API int mp_queue_close(struct mp_queue *q);

/* The end of everything: put, get and join say -ESHUTDOWN from now on, also
 * those that wait.  Waits for nobody; what is in the queue stays there. */
MP_API int mp_queue_shutdown(struct mp_queue *q);

/* ---- what has been got must be done ---- */

/* One message that was got is done.  With leases: the one that this thread took
 * first.  -EINVAL: more often than messages were put; with leases: this thread
 * has none. */
MP_API int mp_queue_task_done(struct mp_queue *q);

/* Wait until all messages ever put are done.  Without leases a message that
 * died with its getter is never done.  -ETIMEDOUT.  -EINTR.  -ESHUTDOWN. */
MP_API int mp_queue_join(struct mp_queue *q, int64_t timeout_ns);

#define MP_QUEUE_LEASES 1024 /* of one thread at one time, in one queue */

/* Take the next message on lease where it lies, until task_done.  Others go on
 * meanwhile.  -EINVAL: a queue without leases. */
MP_API int mp_queue_lease(struct mp_queue *q, int64_t timeout_ns,
			  const void **where, size_t *length);

/* How many messages are on lease.  -ESHUTDOWN, -EDEADLK; -EINVAL: a queue
 * without leases. */
MP_API int mp_queue_leased(struct mp_queue *q);

#endif
