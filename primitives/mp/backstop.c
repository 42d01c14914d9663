/* backstop.c - the shorter of two deadlines. */
#include "mp/backstop.h"

#include <errno.h>
#include <stdatomic.h>

#include "mp/clock.h"
#include "mp/futex.h"

static _Atomic int64_t slice = 100000000;

int mp_backstop_set(int64_t ns)
{
	if (ns < 0)
		return -EINVAL;
	atomic_store(&slice, ns);
	return 0;
}

int mp_backstop_wait(_Atomic uint32_t *word, uint32_t expected,
		     int64_t deadline_ns, struct mp_counters *c)
{
	int64_t ns = atomic_load_explicit(&slice, memory_order_relaxed);
	int64_t look = ns == 0 ? MP_CLOCK_NEVER : mp_clock_deadline(ns);
	int error;

	if (look >= deadline_ns)
		return mp_futex_wait(word, expected, deadline_ns, c);
	error = mp_futex_wait(word, expected, look, c);
	return error == -ETIMEDOUT ? MP_BACKSTOP : error;
}
