/* mp_lock: inline from the header, through the shared library, and with release
 * by anybody.
 */
#include <errno.h>

#include "locks/kind.h"
#include "locks/library.h"
#include "mp/lock.h"

#define LOCK(a) ((struct mp_lock *)(void *)(a)->lock)

static const struct mp_counters *counters(struct arena *a)
{
	return &LOCK(a)->counters;
}

static int init(struct arena *a)
{
	return mp_lock_init(LOCK(a), 0);
}

/* ---- as a C program has it that includes mp/lock.h ---- */

static inline int rawmp_acquire(struct arena *a)
{
	return mp_lock_acquire(LOCK(a), -1);
}

static inline int rawmp_release(struct arena *a)
{
	return mp_lock_release(LOCK(a));
}

KIND_SECTION(rawmp)
KIND(rawmp, .init = init, .counters = counters, KIND_BOTH(rawmp))

/* ---- as any other language has it ---- */

static int init_call(struct arena *a)
{
	return library() == NULL ? -ENOENT : init(a);
}

static inline int rawmp_call_acquire(struct arena *a)
{
	return library_calls.lock_acquire(LOCK(a), -1);
}

static inline int rawmp_call_release(struct arena *a)
{
	return library_calls.lock_release(LOCK(a));
}

KIND_SECTION(rawmp_call)
KIND(rawmp_call, .init = init_call, .counters = counters, KIND_BOTH(rawmp_call))

/* ---- Python's rule ---- */

static int init_any(struct arena *a)
{
	return mp_lock_init(LOCK(a), MP_LOCK_ANY);
}

#define rawmp_any_acquire rawmp_acquire
#define rawmp_any_release rawmp_release
KIND_SECTION(rawmp_any)
KIND(rawmp_any, .init = init_any, .counters = counters, KIND_BOTH(rawmp_any))
