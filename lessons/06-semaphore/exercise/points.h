/* points.h - what a semaphore is made of; changed by nobody.
 *
 *	load(word)			what the word holds
 *	store(word, new)		it holds new now
 *	xchg(word, new)			the same; returns what it held before
 *	cas(word, old, new)		if it holds old, it holds new now;
 *					returns what it held before in any case
 *	add(word, n)			n more; returns what it held before
 *	futex_wait(word, expected, deadline)
 *					if it holds expected, sleep until woken,
 *					else return at once: 0, look again.
 *					-ETIMEDOUT: the deadline has passed
 *	futex_wake(word, n)		wake at most n of those who sleep on it;
 *					returns how many
 *	deadline_of(timeout_ns)		the deadline that a timeout means, from
 *					now on; negative: NEVER
 *
 * Each is atomic.  Under a script each but the last is also a point: the
 * process, A, B or C, stops before it until the script says A.load, B.wait, and
 * so on.  Without a script there is nobody to wait for, and each is its
 * instruction or its system call.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum op { LOAD, STORE, CAS, XCHG, ADD, WAIT, WAKE, KILL, OPS };
#include "actor.h"

struct semaphore {
	atomic_uint value;   /* the places that are free */
	atomic_uint waiters; /* who sleeps, or is about to */
	unsigned max;        /* the value never exceeds it; constant */
};
static struct semaphore *semaphore; /* the one that there is */

static inline long futex_call(atomic_uint *word, int op, unsigned value,
			      const struct timespec *deadline)
{
	return syscall(SYS_futex, word, op, value, deadline, NULL,
		       FUTEX_BITSET_MATCH_ANY);
}

static inline const char *name_of(const atomic_uint *word)
{
	return word == &semaphore->value ? "value" : "waiters";
}

static inline unsigned load(atomic_uint *word)
{
	unsigned old;

	point(LOAD);
	old = atomic_load(word);
	SAY("%s is %d", name_of(word), (int)old);
	return old;
}

static inline void store(atomic_uint *word, unsigned new)
{
	point(STORE);
	atomic_store(word, new);
	SAY("%s is %d now", name_of(word), (int)new);
}

static inline unsigned xchg(atomic_uint *word, unsigned new)
{
	unsigned old;

	point(XCHG);
	old = atomic_exchange(word, new);
	SAY("%s was %d, is %d", name_of(word), (int)old, (int)new);
	return old;
}

static inline unsigned cas(atomic_uint *word, unsigned old, unsigned new)
{
	unsigned found = old;

	point(CAS);
	if (atomic_compare_exchange_strong(word, &found, new))
		SAY("%s was %d, is %d", name_of(word), (int)old, (int)new);
	else
		SAY("%s is %d, not %d", name_of(word), (int)found, (int)old);
	return found;
}

static inline unsigned add(atomic_uint *word, int n)
{
	unsigned old;

	point(ADD);
	old = atomic_fetch_add(word, (unsigned)n);
	SAY("%s was %d, is %d", name_of(word), (int)old, (int)old + n);
	return old;
}

static inline int futex_wait(atomic_uint *word, unsigned expected,
			     int64_t deadline)
{
	struct timespec t = { deadline / 1000000000, deadline % 1000000000 };
	long rc;

	point(WAIT);
	SAY("asleep on %s", name_of(word));
	rc = futex_call(word, FUTEX_WAIT_BITSET, expected,
			deadline == NEVER ? NULL : &t);
	if (rc < 0 && errno == ETIMEDOUT)
		return -ETIMEDOUT;
	if (rc < 0)
		SAY("%s is not %d: no sleep", name_of(word), (int)expected);
	return 0;
}

static inline int futex_wake(atomic_uint *word, int n)
{
	int woken;

	point(WAKE);
	woken = (int)futex_call(word, FUTEX_WAKE, (unsigned)n, NULL);
	SAY("%d woken", woken);
	return woken;
}
