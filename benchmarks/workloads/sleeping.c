/* sleeping - tasks that only sleep, as those do that wait for a network.
 *
 * No CPU is needed, so the speedup is the number of workers, however few CPUs
 * there are.  What a task leaves is twice its number.
 */
#include <string.h>
#include <time.h>

#include "workloads/workload.h"

#define TASKS 16

static uint32_t ms;

static int sleeping_open(uint32_t size, struct workload_plan *plan)
{
	ms = size;
	plan->tasks = TASKS;
	plan->room = sizeof(uint32_t);
	return 0;
}

static int sleeping_run(uint32_t task, void *out)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };
	uint32_t twice = 2 * task;

	while (nanosleep(&left, &left) < 0)
		;
	memcpy(out, &twice, sizeof(twice));
	return sizeof(twice);
}

struct workload workload_sleeping = {
	.name = "sleeping",
	.words = "16 tasks that sleep %u ms",
	.methods = "sequential threads openmp fork_task fork_index mp_pool "
		   "python_sequential python_pool python_executor",
	.size = 10,
	.smoke = 1,
	.python = 1,
	.open = sleeping_open,
	.run = sleeping_run,
};
