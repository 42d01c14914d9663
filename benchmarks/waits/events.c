/* Events: two flags, a hand-over each. */
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "locks/library.h"
#include "mp/clock.h"
#include "mp/event.h"
#include "mp/futex.h"
#include "waits/ways.h"

static int nothing(struct stage *s, int i)
{
	(void)s;
	(void)i;
	return 0;
}

/* ---- ours ---- */

#define OURS(s, i) ((struct mp_event *)(void *)((s)->object + 128 * (i)))

static int rawmp_init(struct stage *s)
{
	int e = mp_event_init(OURS(s, 0));

	return e < 0 ? e : mp_event_init(OURS(s, 1));
}

static int rawmp_set(struct stage *s, int i)
{
	mp_event_set(OURS(s, i));
	return 0;
}

static int rawmp_clear(struct stage *s, int i)
{
	mp_event_clear(OURS(s, i));
	return 0;
}

static int rawmp_wait(struct stage *s, int i)
{
	return mp_event_wait(OURS(s, i), -1);
}

static int call_init(struct stage *s)
{
	return library() == NULL ? -ENOENT : rawmp_init(s);
}

static int call_set(struct stage *s, int i)
{
	library_calls.event_set(OURS(s, i));
	return 0;
}

static int call_clear(struct stage *s, int i)
{
	library_calls.event_clear(OURS(s, i));
	return 0;
}

static int call_wait(struct stage *s, int i)
{
	return library_calls.event_wait(OURS(s, i), -1);
}

/* ---- the least: a word, and one call of futex to wake ---- */

#define WORD(s, i) ((_Atomic uint32_t *)(void *)((s)->object + 128 * (i)))

static int futex_init(struct stage *s)
{
	(void)s;
	return 0;
}

static int futex_set(struct stage *s, int i)
{
	/* Pairs with the acquire in futex_wait. */
	atomic_store_explicit(WORD(s, i), 1, memory_order_release);
	return mp_futex_wake(WORD(s, i), INT_MAX, NULL) < 0;
}

static int futex_clear(struct stage *s, int i)
{
	atomic_store_explicit(WORD(s, i), 0, memory_order_relaxed);
	return 0;
}

static int futex_wait(struct stage *s, int i)
{
	while (!atomic_load_explicit(WORD(s, i), memory_order_acquire))
		mp_futex_wait(WORD(s, i), 0, MP_CLOCK_NEVER, NULL);
	return 0;
}

/* ---- sem_t: an event that lets one through and is clear again ---- */

#define SEM(s, i) ((sem_t *)(void *)((s)->object + 128 * (i)))

static int posix_init(struct stage *s)
{
	return sem_init(SEM(s, 0), 1, 0) < 0 || sem_init(SEM(s, 1), 1, 0) < 0
		       ? -errno
		       : 0;
}

static int posix_set(struct stage *s, int i)
{
	return sem_post(SEM(s, i));
}

static int posix_wait(struct stage *s, int i)
{
	return sem_wait(SEM(s, i));
}

/* ---- eventfd: the same ---- */

static int eventfd_init(struct stage *s)
{
	for (int i = 0; i < 2; i++) {
		s->fd[i] = eventfd(0, EFD_CLOEXEC);
		if (s->fd[i] < 0)
			return -errno;
	}
	return 0;
}

static int eventfd_set(struct stage *s, int i)
{
	uint64_t one = 1;

	return write(s->fd[i], &one, sizeof(one)) != (ssize_t)sizeof(one);
}

static int eventfd_wait(struct stage *s, int i)
{
	uint64_t n;

	return read(s->fd[i], &n, sizeof(n)) != (ssize_t)sizeof(n);
}

const struct event_way event_ways[] = {
	{ "rawmp", rawmp_init, rawmp_set, rawmp_clear, rawmp_wait },
	{ "rawmp_call", call_init, call_set, call_clear, call_wait },
	{ "sem", posix_init, posix_set, nothing, posix_wait },
	{ "eventfd", eventfd_init, eventfd_set, nothing, eventfd_wait },
	{ "futex", futex_init, futex_set, futex_clear, futex_wait },
	{ 0 },
};
