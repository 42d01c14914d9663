/* wakes_all.c - a wrong lock.
 *
 * Mistake: it wakes all who sleep, though only one of them can have the lock;
 *         the others have been woken to go to sleep again.
 * Caught by: "counted: a release wakes one of two sleepers"
 *
 * Build:  cc -O2 -I../exercise -I../../tools -o futex_lock wakes_all.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include "points.h"

/* Take the lock if it is free.  0: taken; else what the word holds. */
int lock_try(atomic_uint *word)
{
	/* HOLE 1: one operation that puts 1 in place of a 0, and leaves
	 * anything else alone.  It also returns what was there. */
	return (int)cas(word, 0, 1);
	/* END 1 */
}

/* Free the lock; wake one of those who sleep for it, if somebody may.  0. */
int lock_release(atomic_uint *word)
{
	/* HOLE 2: put a 0 there and learn, by the same operation, what was
	 * there before.  Only one of the values asks for a futex_wake. */
	if (xchg(word, 0) == 2)
		futex_wake(word, INT_MAX);
	return 0;
	/* END 2 */
}

/* Hold the lock when this returns, however long it takes.  0. */
int lock_acquire(atomic_uint *word)
{
	int old = lock_try(word);

	if (old == 0)
		return 0;

	/* HOLE 3: leave the mark, and sleep as long as it is there; woken, try
	 * again.  The operation that leaves the mark may find the lock free:
	 * then it is yours.  As what do you take it, as 1 or as 2?  You cannot
	 * know whether somebody else sleeps.  (`old` saves an operation if the
	 * mark is there already; it can be left unused.) */
	while (xchg(word, 2) != 0)
		futex_wait(word, 2);
	return 0;
	/* END 3 */
}

#include "frame.h"
