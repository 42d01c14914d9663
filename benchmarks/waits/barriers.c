/* Barriers. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>

#include "locks/library.h"
#include "mp/barrier.h"
#include "mp/clock.h"
#include "mp/futex.h"
#include "waits/ways.h"

/* ---- ours ---- */

#define OURS(s) ((struct mp_barrier *)(void *)(s)->object)

_Static_assert(sizeof(struct mp_barrier) <= sizeof(((struct stage *)0)->object),
	       "it fits");

static int rawmp_init(struct stage *s, uint32_t parties)
{
	return mp_barrier_init(OURS(s), parties);
}

static int rawmp_wait(struct stage *s)
{
	return mp_barrier_wait(OURS(s), -1) < 0;
}

static int call_init(struct stage *s, uint32_t parties)
{
	return library() == NULL ? -ENOENT : rawmp_init(s, parties);
}

static int call_wait(struct stage *s)
{
	return library_calls.barrier_wait(OURS(s), -1) < 0;
}

/* ---- pthread ---- */

#define POSIX(s) ((pthread_barrier_t *)(void *)(s)->object)

static int posix_init(struct stage *s, uint32_t parties)
{
	pthread_barrierattr_t attr;
	int e;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	e = pthread_barrier_init(POSIX(s), &attr, parties);
	pthread_barrierattr_destroy(&attr);
	return -e;
}

static int posix_wait(struct stage *s)
{
	return pthread_barrier_wait(POSIX(s)) > 0;
}

/* ---- the least: a count, and a phase to sleep on ---- */

struct least {
	_Alignas(128) _Atomic uint32_t come;
	uint32_t parties;
	_Alignas(128) _Atomic uint32_t phase;
};
#define LEAST(s) ((struct least *)(void *)(s)->object)

static int futex_init(struct stage *s, uint32_t parties)
{
	LEAST(s)->parties = parties;
	return 0;
}

static int futex_wait(struct stage *s)
{
	struct least *b = LEAST(s);
	uint32_t phase = atomic_load_explicit(&b->phase, memory_order_acquire);

	if (atomic_fetch_add(&b->come, 1) == b->parties - 1) {
		atomic_store(&b->come, 0);
		/* Pairs with the acquire below. */
		atomic_store_explicit(&b->phase, phase + 1,
				      memory_order_release);
		mp_futex_wake(&b->phase, INT_MAX, NULL);
		return 0;
	}
#ifdef WAITING_FAULT /* for the tests: lets everybody through */
	return 0;
#endif
	while (atomic_load_explicit(&b->phase, memory_order_acquire) == phase)
		mp_futex_wait(&b->phase, phase, MP_CLOCK_NEVER, NULL);
	return 0;
}

const struct barrier_way barrier_ways[] = {
	{ "rawmp", rawmp_init, rawmp_wait },
	{ "rawmp_call", call_init, call_wait },
	{ "pthread", posix_init, posix_wait },
	{ "futex", futex_init, futex_wait },
	{ 0 },
};
