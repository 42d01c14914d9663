/* See busy.h.  The constants are Knuth's, of MMIX. */
#include "pools/busy.h"

#include "mp/clock.h"

#define MULTIPLIER UINT64_C(6364136223846793005)
#define INCREMENT  UINT64_C(1442695040888963407)

__attribute__((noinline)) void busy(struct busy *b, uint64_t index,
				    uint32_t rounds)
{
	uint64_t x = index + 1 + (b->sum & b->zero);

	for (; rounds > 0; rounds--)
		x = x * MULTIPLIER + INCREMENT;
	b->sum += x;
}

/* The least of several: whatever disturbs makes it longer. */
static double ns_of(uint64_t tasks, uint32_t rounds)
{
	struct busy b = { 0 };
	int64_t least = INT64_MAX;

	for (int k = 0; k < 8; k++) {
		int64_t begin = mp_clock_now(), ns;

		for (uint64_t i = 0; i < tasks; i++)
			busy(&b, i, rounds);
		ns = mp_clock_now() - begin;
		least = ns < least ? ns : least;
	}
	return (double)least / (double)tasks;
}

uint32_t busy_rounds(int64_t ns)
{
	static double call, round; /* ns of each */

	if (round == 0) {
		call = ns_of(2000, 0);
		round = (ns_of(20, 10000) - call) / 10000;
	}
	return (double)ns < call
		       ? 0
		       : (uint32_t)(((double)ns - call) / round + 0.5);
}

uint64_t busy_sum(uint64_t n, uint32_t rounds)
{
	struct busy b = { 0 };

	for (uint64_t i = 0; i < n; i++)
		busy(&b, i, rounds);
	return b.sum;
}
