/* ring.c - a ring for one producer and one consumer; whoever must wait sleeps.
 *
 * Build:  cc -O2 -I../exercise -I../../tools -o ring ring.c
 * Try:    ./ring run message
 *         ./ring message C.load C.load C.store P.load P.load P.fill
 *         ./ring count pairs
 *
 * Three functions have a hole; fill them in this order, with the operations of
 * points.h only.  frame.h has the main that tries them out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include "points.h"

/* Put a message if there is room, and wake the consumer if it sleeps.
 * 0; -EAGAIN: the ring is full. */
int ring_try_put(struct ring *r, unsigned message)
{
	/* HOLE 1: the ring is full when r->size messages more were put than
	 * got.  Message number n lies in slot n % r->size.  Publish it by one
	 * store, after it is there; look at r->data.asleep after that. */
	(void)r;
	(void)message;
	return -ENOSYS;
	/* END 1 */
}

/* Get a message if there is one, and wake the producer if it sleeps.
 * 0; -EAGAIN: the ring is empty. */
int ring_try_get(struct ring *r, unsigned *message)
{
	/* HOLE 2: the same from the other end.  The store of r->head allows
	 * the producer to fill the slot again. */
	(void)r;
	(void)message;
	return -ENOSYS;
	/* END 2 */
}

static int empty(struct ring *r)
{
	return load(&r->tail) == load(&r->head);
}

static int full(struct ring *r)
{
	return load(&r->tail) - load(&r->head) == r->size;
}

/* Sleep at the bell while the ring is blocked (empty, or full), at most so many
 * nanoseconds (negative: for ever; 0: not at all).  0: it is not blocked any
 * more.  -ETIMEDOUT. */
static int wait_while(int (*blocked)(struct ring *), struct ring *r,
		      struct bell *b, int64_t timeout_ns)
{
	/* HOLE 3: set the mark, b->asleep, and look again, as long as it is
	 * blocked and the time is not up: sleep, and look.  On each way out
	 * take the mark off; nobody else does.  Call deadline_of once. */
	(void)blocked;
	(void)r;
	(void)b;
	(void)timeout_ns;
	return -ENOSYS;
	/* END 3 */
}

/* Put a message, and wait for room if need be.  0; -ETIMEDOUT. */
int ring_put(struct ring *r, unsigned message, int64_t timeout_ns)
{
	int rc = ring_try_put(r, message);

	if (rc != -EAGAIN)
		return rc;
	rc = wait_while(full, r, &r->room, timeout_ns);
	return rc == 0 ? ring_try_put(r, message) : rc;
}

/* Get a message, and wait for one if need be.  0; -ETIMEDOUT. */
int ring_get(struct ring *r, unsigned *message, int64_t timeout_ns)
{
	int rc = ring_try_get(r, message);

	if (rc != -EAGAIN)
		return rc;
	rc = wait_while(empty, r, &r->data, timeout_ns);
	return rc == 0 ? ring_try_get(r, message) : rc;
}

#include "frame.h"
