/* kind - one way to lock: a rung of lesson 05's ladder, a peer, or ours.
 *
 * All do the same section, `acquire; counter + 1; release`, on the same memory:
 * the lock alone in its cache lines, the counter in its own.  A kind is two
 * functions of an arena and one line:
 *
 *	static inline int spin_acquire(struct arena *a) { ...; return 0; }
 *	static inline int spin_release(struct arena *a) { ...; return 0; }
 *	KIND_SECTION(spin)
 *	KIND(spin, .init = spin_init)
 *
 * They are compiled into each of the loops below, as a user's program has them:
 * a call through a pointer would cost as much as a third of the fastest lock.
 * Not 0 is an error, which ends the benchmark.
 */
#ifndef LOCKS_KIND_H
#define LOCKS_KIND_H

#include <stdatomic.h>
#include <stdint.h>

#include "harness/contest.h"
#include "harness/gbench.h"
#include "mp/counters.h"

/* Shared memory, zeroed before init. */
struct arena {
	_Alignas(128) unsigned char lock[256];
	_Alignas(128) _Atomic uint64_t counter; /* guarded by the lock */
	_Alignas(128) int fd;                   /* eventfd, flock */
};

struct kind {
	const char *name;
	int (*init)(struct arena *a);   /* NULL: zero bytes will do; -errno */
	int (*attach)(struct arena *a); /* or NULL; in each process; -errno */
	void (*destroy)(struct arena *a);
	const struct mp_counters *(*counters)(struct arena *a); /* ours */

	/* n sections; inside, outside: length of the work; not 0: an error */
	int (*alone)(struct gb_state *st, struct arena *a);
	int (*count)(struct arena *a, int64_t n);
	int (*contend)(struct contest *c, int index, struct arena *a,
		       int inside, int outside);
	int (*acquire)(struct arena *a); /* once, for the killed holder */
	int (*release)(struct arena *a);
};

extern const struct kind kind_fetch_add, kind_spin, kind_futex2, kind_futex3,
	kind_rawmp, kind_rawmp_call, kind_rawmp_any, kind_pthread,
	kind_pthread_adaptive, kind_pthread_robust, kind_pthread_pi,
	kind_pthread_spin, kind_sem, kind_eventfd, kind_flock;

/* ---- the loops ---- */

#define KIND_INLINE static inline __attribute__((always_inline))

/* About 0.3 ns each: work on registers only. */
KIND_INLINE void kind_work(int n)
{
	for (int i = 0; i < n; i++)
		__asm__ volatile("");
}

/* counter++ in two steps, without a locked instruction.  Atomic so that the
 * compiler leaves it where it is. */
KIND_INLINE void kind_increment(struct arena *a)
{
	uint64_t n = atomic_load_explicit(&a->counter, memory_order_relaxed);

	atomic_store_explicit(&a->counter, n + 1, memory_order_relaxed);
}

KIND_INLINE int kind_alone(struct gb_state *st, struct arena *a,
			   int (*section)(struct arena *, int))
{
	int bad = 0;

	GB_LOOP(st)
	bad |= section(a, 0);
	return bad;
}

KIND_INLINE int kind_count(struct arena *a, int64_t n,
			   int (*section)(struct arena *, int))
{
	int bad = 0;

	for (int64_t i = 0; i < n; i++)
		bad |= section(a, 0);
	return bad;
}

KIND_INLINE int kind_contend(struct contest *c, int index, struct arena *a,
			     int inside, int outside,
			     int (*section)(struct arena *, int))
{
	uint64_t n = 0;
	int bad = 0;

	while (contest_on(c)) {
		bad |= section(a, inside);
		contest_count(c, index, ++n);
		kind_work(outside);
	}
	return bad;
}

/* What one worker does inside, if acquire and release are two functions. */
#define KIND_SECTION(NAME)                                        \
	KIND_INLINE int NAME##_section(struct arena *a, int work) \
	{                                                         \
		int bad = NAME##_acquire(a);                      \
                                                                  \
		kind_increment(a);                                \
		kind_work(work);                                  \
		return bad | NAME##_release(a);                   \
	}

#define KIND(NAME, ...)                                                     \
	static int NAME##_alone(struct gb_state *st, struct arena *a)       \
	{                                                                   \
		return kind_alone(st, a, NAME##_section);                   \
	}                                                                   \
	static int NAME##_count(struct arena *a, int64_t n)                 \
	{                                                                   \
		return kind_count(a, n, NAME##_section);                    \
	}                                                                   \
	static int NAME##_contend(struct contest *c, int index,             \
				  struct arena *a, int inside, int outside) \
	{                                                                   \
		return kind_contend(c, index, a, inside, outside,           \
				    NAME##_section);                        \
	}                                                                   \
	const struct kind kind_##NAME = { .name = #NAME,                    \
					  .alone = NAME##_alone,            \
					  .count = NAME##_count,            \
					  .contend = NAME##_contend,        \
					  __VA_ARGS__ };

/* With the functions for one acquire and one release, too. */
#define KIND_BOTH(NAME) .acquire = NAME##_acquire, .release = NAME##_release

#endif
