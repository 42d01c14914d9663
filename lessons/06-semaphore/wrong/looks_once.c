/* looks_once.c - a wrong semaphore.
 *
 * Mistake: it looks at the value once.  Woken, it takes a place without another
 *         look, and somebody else may have been there before.
 * Caught by: "correct: two wait, two places are given back",
 *            "correct: whoever is overtaken waits on",
 *            "correct: six processes, two places",
 *            "correct: signals neither shorten nor prolong the wait"
 *
 * Build:  cc -O2 -I../exercise -I../../tools -o semaphore looks_once.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include "points.h"

/* Take a place if one is free.  0; -EAGAIN: none is. */
int semaphore_try(struct semaphore *s)
{
	/* HOLE 1: look at s->value; if it is not 0, put one less in its place
	 * by a cas.  The cas tells what it found: if that is not what you
	 * looked at, somebody was faster, and you look again. */
	unsigned old = load(&s->value), found;

	while (old > 0) {
		found = cas(&s->value, old, old - 1);
		if (found == old)
			return 0;
		old = found;
	}
	return -EAGAIN;
	/* END 1 */
}

/* Give a place back, and wake one who waits for it, if somebody does.
 * 0; -EOVERFLOW: s->max are free already, nothing is changed. */
int semaphore_release(struct semaphore *s)
{
	/* HOLE 2: one more by a cas, unless there are s->max; then, and not
	 * before, look at s->waiters. */
	unsigned old, found = load(&s->value);

	do {
		old = found;
		if (old == s->max)
			return -EOVERFLOW;
		found = cas(&s->value, old, old + 1);
	} while (found != old);
	if (load(&s->waiters) > 0)
		futex_wake(&s->value, 1);
	return 0;
	/* END 2 */
}

/* Take a place, and wait until one is free, at most so many nanoseconds
 * (negative: for ever; 0: not at all).  0; -ETIMEDOUT. */
int semaphore_acquire(struct semaphore *s, int64_t timeout_ns)
{
	/* HOLE 3: if a try does not succeed: count yourself in s->waiters, and
	 * from then on try, and sleep while s->value is 0, until a try succeeds
	 * or futex_wait says -ETIMEDOUT.  On each way out count yourself out.
	 * deadline_of is to be called once. */
	int64_t deadline;
	int rc = 0;

	if (semaphore_try(s) == 0)
		return 0;
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	deadline = deadline_of(timeout_ns);
	add(&s->waiters, 1);
	rc = futex_wait(&s->value, 0, deadline);
	if (rc == 0)
		add(&s->value, -1);
	add(&s->waiters, -1);
	return rc;
	/* END 3 */
}

#include "frame.h"
