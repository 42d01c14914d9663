/* goes_around.c - a wrong ring.
 *
 * Mistake: the counters are slot numbers, from 0 to size - 1, so that a full
 *         ring looks as an empty one does.
 * Caught by: "correct: a ring holds as many messages as it has slots",
 *            "correct: two messages, one after the other",
 *            "correct: a full ring, and a producer that waits for room",
 *            "correct: more than once around",
 *            "correct: the counters pass 4294967295",
 *            "correct: a producer is killed, at any point",
 *            "correct: a consumer is killed, at any point",
 *            "correct: 5000 messages through four slots",
 *            "correct: a timeout of 0, of 50 ms, and none",
 *            "correct: signals neither shorten nor prolong the wait"
 *
 * Build:  cc -O2 -I../exercise -I../../tools -o ring goes_around.c
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
	unsigned tail = load(&r->tail) % r->size;

	if (tail + 1 == load(&r->head))
		return -EAGAIN;
	fill(r, tail, message);
	store(&r->tail, (tail + 1) % r->size);
	if (load(&r->data.asleep))
		bell_ring(&r->data);
	return 0;
	/* END 1 */
}

/* Get a message if there is one, and wake the producer if it sleeps.
 * 0; -EAGAIN: the ring is empty. */
int ring_try_get(struct ring *r, unsigned *message)
{
	/* HOLE 2: the same from the other end.  The store of r->head allows
	 * the producer to fill the slot again. */
	unsigned head = load(&r->head) % r->size;

	if (head == load(&r->tail) % r->size)
		return -EAGAIN;
	*message = take(r, head);
	store(&r->head, (head + 1) % r->size);
	if (load(&r->room.asleep))
		bell_ring(&r->room);
	return 0;
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
	int64_t deadline = deadline_of(timeout_ns);
	int rc = 0;

	store(&b->asleep, 1);
	while (rc == 0 && blocked(r))
		rc = bell_wait(b, deadline);
	store(&b->asleep, 0);
	return rc;
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
