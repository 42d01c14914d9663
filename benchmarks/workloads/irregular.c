/* irregular - a few long tasks among many short ones, in no order.
 *
 * Twice as long is half as frequent (a power law), from 1 to 512 times the
 * shortest.  The lengths are made from the number of the task, and so are the
 * same in each run.  A task takes that many steps of a random number generator
 * (Knuth's), and leaves where it arrived.
 */
#include <string.h>

#include "workloads/workload.h"

#define TASKS   512
#define LONGEST 8 /* 2^8 times the shortest, and up to as much again */
#define TIMES   6364136223846793005u
#define PLUS    1442695040888963407u

static uint32_t shortest;

static int irregular_open(uint32_t size, struct workload_plan *plan)
{
	shortest = size;
	plan->tasks = TASKS;
	plan->room = sizeof(uint64_t);
	return 0;
}

/* Random bits from a number (splitmix64). */
static uint64_t mix(uint64_t v)
{
	v = (v + 1) * 0x9e3779b97f4a7c15u;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

static int irregular_run(uint32_t task, void *out)
{
	uint64_t bits = mix(task), x = task, steps;

	steps = (uint64_t)shortest << __builtin_ctzll(bits | 1u << LONGEST);
	steps += steps * (bits >> 56) / 256;
	while (steps-- > 0)
		x = x * TIMES + PLUS;
	memcpy(out, &x, sizeof(x));
	return sizeof(x);
}

struct workload workload_irregular = {
	.name = "irregular",
	.words = "512 tasks of very unequal length, from %u steps",
	.methods = "sequential threads openmp fork_task fork_block fork_stride "
		   "fork_index mp_pool python_sequential python_pool "
		   "python_executor",
	.size = 40000,
	.smoke = 20,
	.python = 100,
	.open = irregular_open,
	.run = irregular_run,
};
