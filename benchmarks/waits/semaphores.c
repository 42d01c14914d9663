/* Semaphores: one pair of acquire and release, and the throttle. */
#include <errno.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "locks/library.h"
#include "mp/clock.h"
#include "mp/semaphore.h"
#include "waits/ways.h"

#define INLINE static inline __attribute__((always_inline))

static void work(int64_t ns)
{
	int64_t end = mp_clock_now() + ns;

	while (mp_clock_now() < end)
		;
}

INLINE int pairs(struct gb_state *st, struct stage *s,
		 int (*acquire)(struct stage *), int (*release)(struct stage *))
{
	int bad = 0;

	GB_LOOP(st)
	{
		bad |= acquire(s);
		bad |= release(s);
	}
	return bad;
}

INLINE int throttled(struct contest *c, int index, struct stage *s,
		     int (*acquire)(struct stage *),
		     int (*release)(struct stage *))
{
	uint64_t n = 0;
	int bad = 0;

	while (contest_on(c)) {
		bad |= acquire(s);
		bad |= atomic_fetch_add(&s->inside, 1) >= THROTTLE_TOKENS;
		work(THROTTLE_NS);
		atomic_fetch_sub(&s->inside, 1);
		bad |= release(s);
		contest_count(c, index, ++n);
		work(THROTTLE_NS);
	}
	return bad;
}

#define LOOPS(NAME)                                                            \
	static int NAME##_pair(struct gb_state *st, struct stage *s)           \
	{                                                                      \
		return pairs(st, s, NAME##_acquire, NAME##_release);           \
	}                                                                      \
	static int NAME##_throttle(struct contest *c, int index,               \
				   struct stage *s)                            \
	{                                                                      \
		return throttled(c, index, s, NAME##_acquire, NAME##_release); \
	}

/* ---- ours ---- */

#define OURS(s) ((struct mp_semaphore *)(void *)(s)->object)

static int rawmp_init(struct stage *s, uint32_t value)
{
	return mp_semaphore_init(OURS(s), value, 0);
}

static inline int rawmp_acquire(struct stage *s)
{
	return mp_semaphore_acquire(OURS(s), -1);
}

static inline int rawmp_release(struct stage *s)
{
	return mp_semaphore_release(OURS(s));
}

LOOPS(rawmp)

static int call_init(struct stage *s, uint32_t value)
{
	return library() == NULL ? -ENOENT : rawmp_init(s, value);
}

static inline int call_acquire(struct stage *s)
{
	return library_calls.semaphore_acquire(OURS(s), -1);
}

static inline int call_release(struct stage *s)
{
	return library_calls.semaphore_release(OURS(s));
}

LOOPS(call)

/* ---- POSIX ---- */

#define SEM(s) ((sem_t *)(void *)(s)->object)

static int posix_init(struct stage *s, uint32_t value)
{
	return sem_init(SEM(s), 1, value) < 0 ? -errno : 0;
}

static inline int posix_acquire(struct stage *s)
{
	return sem_wait(SEM(s));
}

static inline int posix_release(struct stage *s)
{
	return sem_post(SEM(s));
}

LOOPS(posix)

/* ---- eventfd ---- */

static int eventfd_init(struct stage *s, uint32_t value)
{
#ifdef WAITING_FAULT /* for the tests: one too many */
	value++;
#endif
	s->fd[0] = eventfd(value, EFD_SEMAPHORE | EFD_CLOEXEC);
	return s->fd[0] < 0 ? -errno : 0;
}

static inline int eventfd_acquire(struct stage *s)
{
	uint64_t one;

	return read(s->fd[0], &one, sizeof(one)) != (ssize_t)sizeof(one);
}

static inline int eventfd_release(struct stage *s)
{
	uint64_t one = 1;

	return write(s->fd[0], &one, sizeof(one)) != (ssize_t)sizeof(one);
}

LOOPS(eventfd)

/* ---- two atomic instructions: no semaphore can be faster ---- */

#define VALUE(s) ((_Atomic uint32_t *)(void *)(s)->object)

static int atomics_init(struct stage *s, uint32_t value)
{
	atomic_store(VALUE(s), value);
	return 0;
}

static inline int atomics_acquire(struct stage *s)
{
	return atomic_fetch_sub_explicit(VALUE(s), 1, memory_order_acquire) ==
	       0;
}

static inline int atomics_release(struct stage *s)
{
	atomic_fetch_add_explicit(VALUE(s), 1, memory_order_release);
	return 0;
}

static int atomics_pair(struct gb_state *st, struct stage *s)
{
	return pairs(st, s, atomics_acquire, atomics_release);
}

const struct semaphore_way semaphore_ways[] = {
	{ "rawmp", rawmp_init, rawmp_pair, rawmp_throttle },
	{ "rawmp_call", call_init, call_pair, call_throttle },
	{ "sem", posix_init, posix_pair, posix_throttle },
	{ "eventfd", eventfd_init, eventfd_pair, eventfd_throttle },
	{ "atomics", atomics_init, atomics_pair, NULL },
	{ 0 },
};
