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
#include <sys/syscall.h>
#include <unistd.h>

enum op { LOAD, STORE, CAS, XCHG, ADD, WAIT, WAKE, KILL, OPS };
enum state { RUNS, AT_POINT, FINISHED };

/* One of A, B, C; shared with the one who directs them. */
struct process {
	atomic_uint state; /* the director waits while RUNS, the process else */
	enum op op;        /* where it stands, or what it did last */
	int inside;        /* whether it holds the lock, as it thinks */
	int leaving;       /* inside until its next point */
	int woken;         /* by its calls of futex_wake, in all */
	char said[48];     /* what came of the last operation */
};
static struct process *self; /* NULL: no script */

static inline long futex_call(atomic_uint *word, int what, unsigned value)
{
	return syscall(SYS_futex, word, what, value, NULL, NULL, 0);
}

/* Tell the director, and wait until it says RUNS. */
static inline void stop_as(unsigned state)
{
	atomic_store(&self->state, state);
	futex_call(&self->state, FUTEX_WAKE, 1);
	while (atomic_load(&self->state) != RUNS)
		futex_call(&self->state, FUTEX_WAIT, state);
}

static inline void point(enum op op)
{
	if (__builtin_expect(self == NULL, 1))
		return;
	self->op = op;
	stop_as(AT_POINT);
	if (self->leaving)
		self->inside = self->leaving = 0;
}

#define SAY(...)                                                               \
	do                                                                     \
		if (__builtin_expect(self != NULL, 0))                         \
			snprintf(self->said, sizeof(self->said), __VA_ARGS__); \
	while (0)

static inline unsigned load(atomic_uint *word)
{
	unsigned old;

	point(LOAD);
	old = atomic_load(word);
	SAY("the word is %u", old);
	return old;
}

static inline void store(atomic_uint *word, unsigned new)
{
	point(STORE);
	atomic_store(word, new);
	SAY("the word is %u", new);
}

static inline unsigned xchg(atomic_uint *word, unsigned new)
{
	unsigned old;

	point(XCHG);
	old = atomic_exchange(word, new);
	SAY("%u out, %u in", old, new);
	return old;
}

static inline unsigned cas(atomic_uint *word, unsigned old, unsigned new)
{
	unsigned found = old;

	point(CAS);
	if (atomic_compare_exchange_strong(word, &found, new))
		SAY("%u out, %u in", old, new);
	else
		SAY("the word is %u, not %u", found, old);
	return found;
}

static inline unsigned add(atomic_uint *word, unsigned n)
{
	unsigned old;

	point(ADD);
	old = atomic_fetch_add(word, n);
	SAY("%u out, %u in", old, old + n);
	return old;
}

static inline void futex_wait(atomic_uint *word, unsigned expected)
{
	point(WAIT);
	SAY("asleep");
	if (futex_call(word, FUTEX_WAIT, expected) < 0)
		SAY("the word is not %u: no sleep", expected);
}

static inline int futex_wake(atomic_uint *word, int n)
{
	int woken;

	point(WAKE);
	woken = (int)futex_call(word, FUTEX_WAKE, (unsigned)n);
	SAY("%d woken", woken);
	if (self)
		self->woken += woken;
	return woken;
}
