/* chaos.c - a yield in one gap of eight, a short sleep in one of 256. */
#include "mp/chaos.h"

#include <sched.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#ifdef MP_CHAOS
static _Thread_local uint32_t seed;

/* Marsaglia's xorshift, 2003. */
static uint32_t next(void)
{
	if (seed == 0)
		seed = (uint32_t)gettid() * 2654435761u | 1;
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

void mp_chaos(void)
{
	uint32_t n = next();

	if (n % 256 == 0)
		nanosleep(&(struct timespec){ .tv_nsec = n >> 16 }, NULL);
	else if (n % 8 == 0)
		sched_yield();
}
#endif
