/* Conditions with their lock. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "locks/library.h"
#include "mp/condition.h"
#include "mp/lock.h"
#include "waits/ways.h"

/* ---- ours ---- */

struct ours {
	struct mp_lock lock;
	struct mp_condition condition;
};
#define OURS(s) ((struct ours *)(void *)(s)->object)

_Static_assert(sizeof(struct ours) <= sizeof(((struct stage *)0)->object),
	       "it fits");

static int rawmp_init(struct stage *s)
{
	int e = mp_lock_init(&OURS(s)->lock, 0);

	return e < 0 ? e : mp_condition_init(&OURS(s)->condition);
}

static int rawmp_lock(struct stage *s)
{
	return mp_lock_acquire(&OURS(s)->lock, -1);
}

static int rawmp_unlock(struct stage *s)
{
	return mp_lock_release(&OURS(s)->lock);
}

static int rawmp_wait(struct stage *s)
{
	return mp_condition_wait(&OURS(s)->condition, &OURS(s)->lock, -1);
}

static int rawmp_notify(struct stage *s)
{
	return mp_condition_notify(&OURS(s)->condition, &OURS(s)->lock, 1) < 0;
}

static int call_init(struct stage *s)
{
	return library() == NULL ? -ENOENT : rawmp_init(s);
}

static int call_lock(struct stage *s)
{
	return library_calls.lock_acquire(&OURS(s)->lock, -1);
}

static int call_unlock(struct stage *s)
{
	return library_calls.lock_release(&OURS(s)->lock);
}

static int call_wait(struct stage *s)
{
	return library_calls.condition_wait(&OURS(s)->condition, &OURS(s)->lock,
					    -1);
}

static int call_notify(struct stage *s)
{
	return library_calls.condition_notify(&OURS(s)->condition,
					      &OURS(s)->lock, 1) < 0;
}

/* ---- pthread ---- */

struct posix {
	_Alignas(128) pthread_mutex_t mutex;
	_Alignas(128) pthread_cond_t cond;
};
#define POSIX(s) ((struct posix *)(void *)(s)->object)

static int posix_init(struct stage *s)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;
	int e;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	e = pthread_mutex_init(&POSIX(s)->mutex, &mutex);
	pthread_mutexattr_destroy(&mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	if (e == 0)
		e = pthread_cond_init(&POSIX(s)->cond, &cond);
	pthread_condattr_destroy(&cond);
	return -e;
}

static int posix_lock(struct stage *s)
{
	return pthread_mutex_lock(&POSIX(s)->mutex);
}

static int posix_unlock(struct stage *s)
{
	return pthread_mutex_unlock(&POSIX(s)->mutex);
}

static int posix_wait(struct stage *s)
{
	return pthread_cond_wait(&POSIX(s)->cond, &POSIX(s)->mutex);
}

static int posix_notify(struct stage *s)
{
	return pthread_cond_signal(&POSIX(s)->cond);
}

const struct condition_way condition_ways[] = {
	{ "rawmp", rawmp_init, rawmp_lock, rawmp_unlock, rawmp_wait,
	  rawmp_notify },
	{ "rawmp_call", call_init, call_lock, call_unlock, call_wait,
	  call_notify },
	{ "pthread", posix_init, posix_lock, posix_unlock, posix_wait,
	  posix_notify },
	{ 0 },
};
