/* semaphore.c - a value, and one bit for "somebody may sleep".
 *
 * A bit, where glibc counts its waiters: one that is killed would stay counted
 * for ever, and every later release would make a system call for nobody.
 */
#include "mp/semaphore.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "mp/backstop.h"
#include "mp/chaos.h"
#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/shm.h"

/*  word        meaning                         leaves by    to
 *  n > 0       tokens, nobody sleeps           acquire      n - 1
 *                                              release      n + 1
 *  0           none, nobody sleeps             release      1
 *                                              a waiter     SLEEPERS
 *  SLEEPERS|n  n tokens, somebody may sleep    acquire      SLEEPERS|n-1
 *                                              release      SLEEPERS|n+1, wakes
 *                                              (wakes none) n+1
 *
 *  A release that woke nobody clears the bit, if the word is still the one that
 *  it wrote.  It may be that one *again*: taken, slept upon and released in the
 *  meantime.  Then the bit is off while somebody sleeps and another release is
 *  on its way to wake one.  So the one woken makes up for it: it sets the bit
 *  when it takes its token, and wakes the next one if it leaves any behind.
 *  (Without the latter two releases can leave a sleeper beside a token.)
 */
#define SLEEPERS 0x80000000u
#define VALUE    0x7fffffffu /* twice MP_SEMAPHORE_MAX */

static_assert(sizeof(struct mp_semaphore) == 64, "one cache line");

static bool replace(struct mp_semaphore *s, uint32_t *old, uint32_t new)
{
	mp_chaos();
	/* Each pairs with the others: who takes a token sees what its giver
	 * did before. */
	return atomic_compare_exchange_strong_explicit(
		&s->word, old, new, memory_order_acq_rel, memory_order_relaxed);
}

int mp_semaphore_init(struct mp_semaphore *s, uint32_t value, uint32_t max)
{
	if (max > MP_SEMAPHORE_MAX ||
	    value > (max == 0 ? MP_SEMAPHORE_MAX : max) ||
	    mp_shm_check(s, sizeof(*s)) < 0)
		return -EINVAL;
	memset(s, 0, sizeof(*s));
	s->max = max;
	atomic_store_explicit(&s->word, value, memory_order_release);
	return 0;
}

static int sleep_on(struct mp_semaphore *s, int64_t deadline)
{
	uint32_t none = 0;
	int error;

	if (!replace(s, &none, SLEEPERS) && none != SLEEPERS)
		return 0;
	error = mp_backstop_wait(&s->word, SLEEPERS, deadline, &s->counters);
	if (error != MP_BACKSTOP)
		return error;
	if (atomic_load_explicit(&s->word, memory_order_relaxed) & VALUE)
		mp_counters_add(&s->counters, MP_RESCUES);
	return 0;
}

int mp_semaphore_acquire(struct mp_semaphore *s, int64_t timeout_ns)
{
	uint32_t old = atomic_load_explicit(&s->word, memory_order_relaxed);
	uint32_t sleepers = 0;
	int64_t deadline = 0;
	int error;

	for (;;) {
		while (old & VALUE) {
			if (!replace(s, &old, (old - 1) | sleepers))
				continue;
			if (sleepers != 0 && (old & VALUE) > 1)
				mp_futex_wake(&s->word, 1, &s->counters);
			return 0;
		}
		if (timeout_ns == 0)
			return -ETIMEDOUT;
		if (sleepers == 0) {
			mp_counters_add(&s->counters, MP_CONTENDED);
			deadline = mp_clock_deadline(timeout_ns);
		}
		error = sleep_on(s, deadline);
		if (error < 0)
			return error;
		sleepers = SLEEPERS;
		old = atomic_load_explicit(&s->word, memory_order_relaxed);
	}
}

int mp_semaphore_release(struct mp_semaphore *s)
{
	uint32_t old;

	if (s->max == 0) {
		mp_chaos();
		/* As in replace.  Faster, because it need not look first; one
		 * too many is taken back, and there is room for it. */
		old = atomic_fetch_add_explicit(&s->word, 1,
						memory_order_acq_rel);
		if ((old & VALUE) >= MP_SEMAPHORE_MAX) {
			mp_chaos();
			atomic_fetch_sub_explicit(&s->word, 1,
						  memory_order_acq_rel);
			return -EOVERFLOW;
		}
	} else {
		old = atomic_load_explicit(&s->word, memory_order_relaxed);
		do {
			if ((old & VALUE) >= s->max)
				return -EOVERFLOW;
		} while (!replace(s, &old, old + 1));
	}
	if (old & SLEEPERS) {
		old++;
		mp_chaos();
		if (mp_futex_wake(&s->word, 1, &s->counters) == 0)
			replace(s, &old, old & VALUE);
	}
	return 0;
}

uint32_t mp_semaphore_value(const struct mp_semaphore *s)
{
	uint32_t n =
		atomic_load_explicit(&s->word, memory_order_relaxed) & VALUE;

	/* What is being taken back was never there. */
	return n > MP_SEMAPHORE_MAX ? MP_SEMAPHORE_MAX : n;
}
