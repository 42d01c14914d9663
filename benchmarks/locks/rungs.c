/* The ladder of lesson 05: from no lock at all to one that sleeps.
 *
 * Peers of the lock in primitives/, and its explanation: each rung cures what
 * the one before it suffers from.
 */
#include <stddef.h>

#include "locks/kind.h"
#include "mp/clock.h"
#include "mp/futex.h"

#define WORD(a) ((_Atomic uint32_t *)(void *)(a)->lock)

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

/* ---- fetch_add: one instruction; no lock can be faster ---- */

KIND_INLINE int fetch_add_section(struct arena *a, int work)
{
	atomic_fetch_add_explicit(&a->counter, 1, memory_order_relaxed);
	kind_work(work);
	return 0;
}

KIND(fetch_add)

/* ---- spin: burns a CPU while it waits ---- */

static inline int spin_acquire(struct arena *a)
{
	/* Pairs with the release in spin_release. */
	while (atomic_exchange_explicit(WORD(a), 1, memory_order_acquire))
		while (atomic_load_explicit(WORD(a), memory_order_relaxed))
			relax();
	return 0;
}

static inline int spin_release(struct arena *a)
{
#ifdef LOCK_FAULT /* for the tests: an update is lost, each time */
	atomic_fetch_sub(&a->counter, 1);
#endif
	atomic_store_explicit(WORD(a), 0, memory_order_release);
	return 0;
}

KIND_SECTION(spin)
KIND(spin)

/* ---- futex2: sleeps; two states, so each release is a system call ---- */

static inline int futex2_acquire(struct arena *a)
{
	/* Pairs with the release in futex2_release. */
	while (atomic_exchange_explicit(WORD(a), 1, memory_order_acquire))
		mp_futex_wait(WORD(a), 1, MP_CLOCK_NEVER, NULL);
	return 0;
}

static inline int futex2_release(struct arena *a)
{
	atomic_store_explicit(WORD(a), 0, memory_order_release);
	return mp_futex_wake(WORD(a), 1, NULL) < 0;
}

KIND_SECTION(futex2)
KIND(futex2)

/* ---- futex3: free, held, held and somebody may sleep ---- */

/* A process that has slept takes the lock as 2: others may sleep still. */
__attribute__((noinline)) static int futex3_slow(struct arena *a)
{
	while (atomic_exchange_explicit(WORD(a), 2, memory_order_acquire))
		mp_futex_wait(WORD(a), 2, MP_CLOCK_NEVER, NULL);
	return 0;
}

static inline int futex3_acquire(struct arena *a)
{
	uint32_t free = 0;

	/* Pairs with the release in futex3_release. */
	if (atomic_compare_exchange_strong_explicit(WORD(a), &free, 1,
						    memory_order_acquire,
						    memory_order_relaxed))
		return 0;
	return futex3_slow(a);
}

static inline int futex3_release(struct arena *a)
{
	if (atomic_exchange_explicit(WORD(a), 0, memory_order_release) == 2)
		mp_futex_wake(WORD(a), 1, NULL);
	return 0;
}

KIND_SECTION(futex3)
KIND(futex3)
