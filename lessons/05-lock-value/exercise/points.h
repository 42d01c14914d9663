/* points.h - the operations that a lock is made of; changed by nobody.
 *
 *	load(word)			what the word holds
 *	store(word, new)		it holds new now
 *	xchg(word, new)			the same; returns what it held before
 *	cas(word, old, new)		if it holds old, it holds new now;
 *					returns what it held before in any case
 *	add(word, n)			n more; returns what it held before
 *	futex_wait(word, expected)	if it holds expected, sleep until woken;
 *					if not, return at once
 *	futex_wake(word, n)		wake n of those who sleep, at most
 *
 * Each is atomic.  Under a script each is also a point: the process, A, B or C,
 * stops before it until the script says A.load, B.wait, and so on.  Without a
 * script there is nobody to wait for, and each is its instruction or its
 * system call.
 */
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum op { LOAD, STORE, CAS, XCHG, ADD, WAIT, WAKE, KILL, OPS };
#include "actor.h"

/* What a process under a script thinks; shared with the one who directs it. */
struct mind {
	int inside;  /* it holds the lock */
	int leaving; /* inside until the first point of its release */
};
static struct mind *mind;

/* Go in or out, after the operation that was the last one; and say so. */
static inline void go(int inside)
{
	size_t length = strlen(self->said);

	mind->inside = inside;
	mind->leaving = 0;
	snprintf(self->said + length, sizeof(self->said) - length,
		 inside ? ", inside" : ", outside");
}

static inline long futex_call(atomic_uint *word, int what, unsigned value)
{
	return syscall(SYS_futex, word, what, value, NULL, NULL, 0);
}

/* Say what came of an operation. */
#define TELL(...)                                               \
	do {                                                    \
		SAY(__VA_ARGS__);                               \
		if (__builtin_expect(self && mind->leaving, 0)) \
			go(0);                                  \
	} while (0)

static inline unsigned load(atomic_uint *word)
{
	unsigned old;

	point(LOAD);
	old = atomic_load(word);
	TELL("the word is %u", old);
	return old;
}

static inline void store(atomic_uint *word, unsigned new)
{
	point(STORE);
	atomic_store(word, new);
	TELL("the word is %u", new);
}

static inline unsigned xchg(atomic_uint *word, unsigned new)
{
	unsigned old;

	point(XCHG);
	old = atomic_exchange(word, new);
	TELL("%u out, %u in", old, new);
	return old;
}

static inline unsigned cas(atomic_uint *word, unsigned old, unsigned new)
{
	unsigned found = old;

	point(CAS);
	if (atomic_compare_exchange_strong(word, &found, new))
		TELL("%u out, %u in", old, new);
	else
		TELL("the word is %u, not %u", found, old);
	return found;
}

static inline unsigned add(atomic_uint *word, unsigned n)
{
	unsigned old;

	point(ADD);
	old = atomic_fetch_add(word, n);
	TELL("%u out, %u in", old, old + n);
	return old;
}

static inline void futex_wait(atomic_uint *word, unsigned expected)
{
	point(WAIT);
	TELL("asleep");
	if (futex_call(word, FUTEX_WAIT, expected) < 0)
		TELL("the word is not %u: no sleep", expected);
}

static inline int futex_wake(atomic_uint *word, int n)
{
	int woken;

	point(WAKE);
	woken = (int)futex_call(word, FUTEX_WAKE, (unsigned)n);
	TELL("%d woken", woken);
	return woken;
}
