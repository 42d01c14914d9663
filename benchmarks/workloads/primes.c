/* primes - how many primes lie below N?  By trial division.
 *
 * 256 tasks, a range of the numbers each.  A later range costs more, because
 * its primes are divided by more numbers: the last ten times the first, and the
 * second half together 1.6 times the first.  What a task leaves is how many
 * primes it found.
 */
#include <stdbool.h>
#include <string.h>

#include "workloads/workload.h"

#define TASKS 256

static uint32_t limit;

static bool is_prime(uint32_t n)
{
	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return false;
	for (uint32_t d = 3; d <= n / d; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

static int primes_open(uint32_t size, struct workload_plan *plan)
{
	limit = size;
	plan->tasks = TASKS;
	plan->room = sizeof(uint32_t);
	return 0;
}

static int primes_run(uint32_t task, void *out)
{
	uint32_t n = (uint32_t)((uint64_t)limit * task / TASKS);
	uint32_t end = (uint32_t)((uint64_t)limit * (task + 1) / TASKS);
	uint32_t found = 0;

	for (; n < end; n++)
		found += is_prime(n);
	memcpy(out, &found, sizeof(found));
	return sizeof(found);
}

struct workload workload_primes = {
	.name = "primes",
	.words = "primes below %u",
	.methods = "sequential threads openmp fork_task fork_block fork_stride "
		   "fork_index mp_pool python_sequential python_pool "
		   "python_executor",
	.size = 1500000,
	.smoke = 5000,
	.python = 10,
	.open = primes_open,
	.run = primes_run,
};
