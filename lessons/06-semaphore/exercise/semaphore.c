/* semaphore.c - a semaphore that makes no system call unless somebody waits.
 *
 * Build:  cc -O2 -I../exercise -I../../tools -o semaphore semaphore.c
 * Try:    ./semaphore run waiter
 *         ./semaphore waiter A.load A.add A.load B.load B.cas B.load B.wake
 *         ./semaphore count pairs
 *
 * Three functions have a hole; fill them in this order, with the operations of
 * points.h only.  frame.h has the main that tries them out.
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
	(void)s;
	return -ENOSYS;
	/* END 1 */
}

/* Give a place back, and wake one who waits for it, if somebody does.
 * 0; -EOVERFLOW: s->max are free already, nothing is changed. */
int semaphore_release(struct semaphore *s)
{
	/* HOLE 2: one more by a cas, unless there are s->max; then, and not
	 * before, look at s->waiters. */
	(void)s;
	return -ENOSYS;
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
	(void)s;
	(void)timeout_ns;
	return -ENOSYS;
	/* END 3 */
}

#include "frame.h"
