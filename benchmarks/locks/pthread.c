/* glibc's locks, all of them shared between processes. */
#include <errno.h>
#include <pthread.h>

#include "locks/kind.h"

#define MUTEX(a) ((pthread_mutex_t *)(void *)(a)->lock)

/* Type, robustness and protocol in one function: 0 is the default of each. */
static int mutex_init(struct arena *a, int type, int robust, int protocol)
{
	pthread_mutexattr_t attr;
	int e;

	pthread_mutexattr_init(&attr);
	e = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (e == 0)
		e = pthread_mutexattr_settype(&attr, type);
	if (e == 0)
		e = pthread_mutexattr_setrobust(&attr, robust);
	if (e == 0)
		e = pthread_mutexattr_setprotocol(&attr, protocol);
	if (e == 0)
		e = pthread_mutex_init(MUTEX(a), &attr);
	pthread_mutexattr_destroy(&attr);
	return -e;
}

static int normal_init(struct arena *a)
{
	return mutex_init(a, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED,
			  PTHREAD_PRIO_NONE);
}

static int adaptive_init(struct arena *a)
{
	return mutex_init(a, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED,
			  PTHREAD_PRIO_NONE);
}

static int robust_init(struct arena *a)
{
	return mutex_init(a, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST,
			  PTHREAD_PRIO_NONE);
}

static int pi_init(struct arena *a)
{
	return mutex_init(a, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED,
			  PTHREAD_PRIO_INHERIT);
}

static inline int pthread_acquire(struct arena *a)
{
	return pthread_mutex_lock(MUTEX(a));
}

static inline int pthread_release(struct arena *a)
{
	return pthread_mutex_unlock(MUTEX(a));
}

/* One call for all: the kind stands in the mutex. */
KIND_SECTION(pthread)
#define pthread_adaptive_section pthread_section
#define pthread_robust_section   pthread_section
#define pthread_pi_section       pthread_section

KIND(pthread, .init = normal_init)
KIND(pthread_adaptive, .init = adaptive_init)
KIND(pthread_robust, .init = robust_init, KIND_BOTH(pthread))
KIND(pthread_pi, .init = pi_init)

/* ---- spin lock ---- */

#define SPIN(a) ((pthread_spinlock_t *)(void *)(a)->lock)

static int spin_init(struct arena *a)
{
	return -pthread_spin_init(SPIN(a), PTHREAD_PROCESS_SHARED);
}

static inline int pthread_spin_acquire(struct arena *a)
{
	return pthread_spin_lock(SPIN(a));
}

static inline int pthread_spin_release(struct arena *a)
{
	return pthread_spin_unlock(SPIN(a));
}

KIND_SECTION(pthread_spin)
KIND(pthread_spin, .init = spin_init)
