/* OpenMP's side of benchmarks/grain.c and pool.c: an answer for each line.
 *
 *	map SCHEDULE THREADS TASKS ROUNDS TIMES
 *			-> usage (4 words), ns of each; the sum of each must be
 *			   that of the tasks, or it is an error
 *	loops THREADS N -> usage, ns of N loops of as many tasks as threads, ns
 *			   of each
 *
 * SCHEDULE: dynamic or static, which are the loop's own, with chunk 1 and
 * without.  Each thread is pinned to a CPU of its own, as far as there are.
 * Threads are there from the first loop on, which is not timed.
 */
#include <omp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/place.h"
#include "harness/usage.h"
#include "mp/clock.h"
#include "pools/busy.h"

#define THREADS 256
#define TIMES   1000000

static struct busy threads[THREADS];
static int64_t times[TIMES];

static void dynamic(int64_t tasks, uint32_t rounds)
{
#pragma omp parallel
	{
		struct busy *mine = &threads[omp_get_thread_num()];

#pragma omp for schedule(dynamic, 1)
		for (int64_t i = 0; i < tasks; i++)
			busy(mine, (uint64_t)i, rounds);
	}
}

static void fixed(int64_t tasks, uint32_t rounds)
{
#pragma omp parallel
	{
		struct busy *mine = &threads[omp_get_thread_num()];

#pragma omp for schedule(static)
		for (int64_t i = 0; i < tasks; i++)
			busy(mine, (uint64_t)i, rounds);
	}
}

/* What all have done; and back to zero. */
static uint64_t take_sum(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < THREADS; i++)
		sum += threads[i].sum;
	memset(threads, 0, sizeof(threads));
	return sum;
}

static bool begin(int n)
{
	if (n < 1 || n > THREADS) {
		printf("error from 1 to %d threads are wanted\n", THREADS);
		return false;
	}
	place_reset(); /* so that it knows the CPUs before threads ask */
	omp_set_dynamic(0);
	omp_set_num_threads(n);
#pragma omp parallel
	place_child(place_spread_cpu(omp_get_thread_num()));
	return true;
}

static void answer(const struct usage *before, int n)
{
	struct usage now, u;

	usage_now(&now);
	u = usage_between(before, &now);
	printf("ok %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, u.cpu_ns,
	       u.voluntary, u.involuntary, u.faults);
	for (int i = 0; i < n; i++)
		printf(" %" PRId64, times[i]);
	printf("\n");
}

static void map(const char *schedule, int n, int64_t tasks, uint32_t rounds,
		int count)
{
	void (*loop)(int64_t, uint32_t) =
		strcmp(schedule, "dynamic") == 0 ? dynamic : fixed;
	uint64_t expected = busy_sum((uint64_t)tasks, rounds), sum = expected;
	struct usage before;

	if (!begin(n))
		return;
	loop(tasks, rounds);
	take_sum();
	usage_now(&before);
	for (int k = 0; k < count && sum == expected; k++) {
		int64_t from = mp_clock_now();

		loop(tasks, rounds);
		times[k] = mp_clock_now() - from;
		sum = take_sum();
	}
	if (sum != expected)
		printf("error wrong results: the sum of the tasks is not that "
		       "of one loop\n");
	else
		answer(&before, count);
}

static void loops(int n, int count)
{
	struct usage before;
	int64_t all;

	if (!begin(n))
		return;
	dynamic(n, 0);
	usage_now(&before);
	all = mp_clock_now();
	for (int k = 1; k <= count; k++) {
		int64_t from = mp_clock_now();

		dynamic(n, 0);
		times[k] = mp_clock_now() - from;
	}
	times[0] = mp_clock_now() - all;
	answer(&before, count + 1);
}

int main(void)
{
	char line[256], schedule[16];
	int n, count;
	int64_t tasks;
	uint32_t rounds;

	printf("ok OpenMP %d\n", _OPENMP);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "map %15s %d %" SCNd64 " %" SCNu32 " %d",
			   schedule, &n, &tasks, &rounds, &count) == 5 &&
		    count > 0 && count <= TIMES)
			map(schedule, n, tasks, rounds, count);
		else if (sscanf(line, "loops %d %d", &n, &count) == 2 &&
			 count > 0 && count < TIMES)
			loops(n, count);
		else
			printf("error not a question: %s", line);
		fflush(stdout);
	}
	return 0;
}
