/* points.h - what a ring is made of; changed by nobody.
 *
 *	load(word)			what the word holds
 *	store(word, new)		it holds new now
 *	xchg(word, new)			the same; returns what it held before
 *	fill(ring, slot, message)	the slot holds the message now
 *	take(ring, slot)		the message that it holds
 *	bell_wait(bell, deadline)	sleep until it is rung, also if it was
 *					rung before: 0, look again.  (A signal
 *					ends the sleep too.)  -ETIMEDOUT: the
 *					deadline has passed
 *	bell_ring(bell)			ring it; it stays rung until a bell_wait
 *	deadline_of(timeout_ns)		the deadline that a timeout means, from
 *					now on; negative: NEVER
 *
 * Words are atomic.  A bell is an eventfd, with a mark beside it that somebody
 * waits for it, or is about to.  Under a script each operation but the last is
 * also a point: the process, P or C, stops before it until the script says
 * P.load, C.wait, and so on.  Without a script there is nobody to wait for, and
 * each is its instruction or its system call.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum op { LOAD, STORE, XCHG, FILL, TAKE, WAIT, RING, KILL, OPS };
#include "actor.h"

struct bell {
	atomic_uint asleep; /* the mark: 0 or 1 */
	int fd;
};

#define SLOTS_MAX 64

struct ring {
	atomic_uint head,
		tail;  /* messages got, messages put; from 2^32-1 to 0 */
	unsigned size; /* slots in use: a power of two; constant */
	struct bell data, room; /* C waits for data, P waits for room */
	unsigned slots[SLOTS_MAX];
};
static struct ring *ring; /* the one that there is */

static inline const char *name_of(const atomic_uint *word)
{
	return word == &ring->head          ? "head"
	       : word == &ring->tail        ? "tail"
	       : word == &ring->data.asleep ? "data.asleep"
					    : "room.asleep";
}

static inline const char *bell_name(const struct bell *b)
{
	return b == &ring->data ? "data" : "room";
}

static inline unsigned load(atomic_uint *word)
{
	unsigned old;

	point(LOAD);
	old = atomic_load(word);
	SAY("%s is %u", name_of(word), old);
	return old;
}

static inline void store(atomic_uint *word, unsigned new)
{
	point(STORE);
	atomic_store(word, new);
	SAY("%s is %u now", name_of(word), new);
}

static inline unsigned xchg(atomic_uint *word, unsigned new)
{
	unsigned old;

	point(XCHG);
	old = atomic_exchange(word, new);
	SAY("%s was %u, is %u", name_of(word), old, new);
	return old;
}

/* A place outside of the ring would hit somebody else's memory. */
static inline unsigned *slot_of(struct ring *r, unsigned slot)
{
	if (slot >= r->size) {
		dprintf(2, "there is no slot %u: they are 0 to %u\n", slot,
			r->size - 1);
		_exit(1);
	}
	return &r->slots[slot];
}

static inline void fill(struct ring *r, unsigned slot, unsigned message)
{
	point(FILL);
	*(volatile unsigned *)slot_of(r, slot) = message;
	SAY("slot %u holds %u now", slot, message);
}

static inline unsigned take(struct ring *r, unsigned slot)
{
	unsigned message;

	point(TAKE);
	message = *(volatile unsigned *)slot_of(r, slot);
	SAY("slot %u holds %u", slot, message);
	return message;
}

static inline int bell_wait(struct bell *b, int64_t deadline)
{
	struct pollfd p = { .fd = b->fd, .events = POLLIN };
	int64_t left = deadline - deadline_of(0);
	struct timespec t = { 0, 0 };
	uint64_t times;
	int rc;

	point(WAIT);
	SAY("asleep at %s", bell_name(b));
	if (left > 0)
		t = (struct timespec){ left / 1000000000, left % 1000000000 };
	rc = ppoll(&p, 1, deadline == NEVER ? NULL : &t, NULL);
	if (rc == 0)
		return -ETIMEDOUT;
	if (rc > 0 && read(b->fd, &times, sizeof(times)) > 0)
		SAY("%s: was rung", bell_name(b));
	return 0;
}

static inline void bell_ring(struct bell *b)
{
	uint64_t one = 1;

	point(RING);
	SAY("%s: rung", bell_name(b));
	if (write(b->fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		_exit(1);
}
