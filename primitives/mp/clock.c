/* clock.c - CLOCK_MONOTONIC as one 64-bit number. */
#include "mp/clock.h"

#include <time.h>

int64_t mp_clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t mp_clock_deadline(int64_t timeout_ns)
{
	int64_t now, deadline;

	if (timeout_ns < 0)
		return MP_CLOCK_NEVER;
	now = mp_clock_now();
	if (__builtin_add_overflow(now, timeout_ns, &deadline))
		return MP_CLOCK_NEVER;
	return deadline;
}

int64_t mp_clock_left(int64_t deadline_ns)
{
	int64_t now;

	if (deadline_ns == MP_CLOCK_NEVER)
		return MP_CLOCK_NEVER;
	now = mp_clock_now();
	return deadline_ns > now ? deadline_ns - now : 0;
}
