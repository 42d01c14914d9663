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

int64_t mp_backstop_deadline(int64_t deadline_ns)
{
	int64_t ns = atomic_load_explicit(&slice, memory_order_relaxed);
	int64_t look = ns == 0 ? MP_CLOCK_NEVER : mp_clock_deadline(ns);

	return look < deadline_ns ? look : deadline_ns;
}

int mp_backstop_wait(_Atomic uint32_t *word, uint32_t expected,
		     int64_t deadline_ns, struct mp_counters *c)
{
	int64_t until = mp_backstop_deadline(deadline_ns);
	int error = mp_futex_wait(word, expected, until, c);

	return error == -ETIMEDOUT && until < deadline_ns ? MP_BACKSTOP : error;
}
