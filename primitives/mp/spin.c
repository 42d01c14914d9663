/* spin.c - first only look, then let others run between the looks. */
#include "mp/spin.h"

#include <sched.h>

#include "mp/clock.h"
#include "mp/owner.h"

#define TOTAL_NS 50000 /* about two wake-ups */

uint32_t mp_spin_cpu(void)
{
	return (uint32_t)sched_getcpu() + 1;
}

bool mp_spin_alone(uint32_t other_cpu)
{
	return other_cpu != 0 ? other_cpu == mp_spin_cpu()
			      : mp_owner_get()->cpus < 2;
}

bool mp_spin_slow(struct mp_spin *s, int64_t deadline_ns)
{
	int64_t now;

	if (s->looks++ < MP_SPIN_LOOKS)
		return true;
	now = mp_clock_now();
	if (s->until == 0)
		s->until = now + TOTAL_NS;
	/* Somebody else may need this CPU. */
	return now < s->until && now < deadline_ns && sched_yield() == 0;
}
