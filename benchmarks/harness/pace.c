/* See pace.h. */
#include "harness/pace.h"

#include <time.h>

#include "harness/gbench.h"
#include "mp/clock.h"
#include "mp/spin.h"

static int64_t cpu_now(void)
{
	struct timespec t = { 0 };

	if (!gb_counting())
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t pace_until(int64_t ns)
{
	int64_t begin = cpu_now();

	while (mp_clock_now() < ns)
		mp_spin_relax();
	return cpu_now() - begin;
}
