/* See grain.h. */
#include "pools/grain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "harness/openmp.h"
#include "harness/place.h"
#include "harness/python.h"
#include "mp/cpu.h"

#define TIMES     5 /* that all tasks are run, in a round */
#define TASKS_MAX 1000000

/* What is measured now, beside `tasks`. */
static struct cell {
	const struct grain *how;
	uint64_t sum;          /* of one loop */
	int64_t serial[TIMES]; /* ns; a single figure from Python */
	int nserial;
} cell;

static int64_t budget = 10000000; /* ns of work for each worker */

const char *grain_take_ms(const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < 1 || v > 1000)
		return "a number from 1 to 1000 is wanted";
	budget = v * 1000000;
	return NULL;
}

static bool is_python(const struct grain *how)
{
	return how->start == python_start;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t median(int64_t *v, int n)
{
	qsort(v, (size_t)n, sizeof(v[0]), by_size);
	return (v[n / 2] + v[(n - 1) / 2]) / 2;
}

/* Two more times of one loop. */
static void loop_alone(struct gb_state *st)
{
	for (int k = 0; k < 2; k++)
		cell.serial[cell.nserial++] = tasks_sequential(st, &cell.sum);
}

static void prepare_python(struct gb_state *st)
{
	char *answer =
		python_ask(st, "prepare %s %d %" PRId64 " %" PRId64,
			   cell.how->peer, tasks.procs, gb_argument(st, 0),
			   gb_argument(st, 0) * (int64_t)tasks.n);

	if (answer == NULL)
		return;
	tasks.rounds = (uint32_t)strtoul(answer, &answer, 10);
	tasks.n = strtoull(answer, &answer, 10);
	cell.serial[0] = strtoll(answer, &answer, 10);
	cell.nserial = 1;
	cell.sum = busy_sum(tasks.n, tasks.rounds);
}

void grain_setup(struct gb_state *st)
{
	int64_t task_ns = gb_argument(st, 0), each;
	_Atomic uint64_t *next = tasks.next;

	cell = (struct cell){ .how = gb_user(st) };
	tasks = (struct tasks){ .procs = (int)gb_argument(st, 1),
				.next = next };
	if (tasks.procs > mp_cpu_count(MP_CPU_USABLE)) {
		gb_skip(st, "one CPU is allowed, %d workers need as many",
			tasks.procs);
		return;
	}
	each = task_ns > cell.how->beside ? task_ns : cell.how->beside;
	tasks.n =
		(uint64_t)((gb_smoke() ? 20000 : budget) * tasks.procs / each);
	if (tasks.n > TASKS_MAX)
		tasks.n = TASKS_MAX;
	if (tasks.n < 8 * (uint64_t)tasks.procs)
		tasks.n = 8 * (uint64_t)tasks.procs;
	tasks.rounds = busy_rounds(task_ns);
	if (!is_python(cell.how))
		loop_alone(st);
	if (cell.how->start != NULL)
		cell.how->start(st);
	if (is_python(cell.how) && !gb_failed(st))
		prepare_python(st);
}

static void believe(struct gb_state *st, uint64_t sum)
{
	if (sum != cell.sum && !gb_failed(st))
		gb_error(st, "wrong results: the sum of the tasks is not that "
			     "of one loop");
}

/* Of a peer: all runs in one question. */
static void ask(struct gb_state *st, int64_t ns[TIMES])
{
	char *answer;

	if (is_python(cell.how))
		answer = python_ask(st, "grain %d", TIMES);
	else /* it compares the sums itself */
		answer = openmp_ask(st, "map %s %d %" PRIu64 " %" PRIu32 " %d",
				    cell.how->peer, tasks.procs, tasks.n,
				    tasks.rounds, TIMES);
	for (int k = 0; k < TIMES && answer != NULL; k++)
		ns[k] = strtoll(answer, &answer, 10);
	if (answer != NULL && is_python(cell.how))
		believe(st, strtoull(answer, NULL, 10));
}

static void run_all(struct gb_state *st, int64_t ns[TIMES])
{
	int64_t before = tasks.pool != NULL ? ours_cpu(tasks.pool) : 0;

	for (int k = 0; k < TIMES && !gb_failed(st); k++) {
		uint64_t sum = 0;

		ns[k] = cell.how->run(st, &sum);
		believe(st, sum);
	}
	if (tasks.pool != NULL)
		ours_used(st, tasks.pool, before);
}

void grain_measure(struct gb_state *st)
{
	int64_t ns[TIMES], took = 0;
	double n, alone;

	if (cell.how->run != NULL) { /* once, so that all is warm */
		uint64_t sum;

		cell.how->run(st, &sum);
	}
	GB_LOOP(st)
	{
		if (cell.how->run != NULL)
			run_all(st, ns);
		else
			ask(st, ns);
		if (gb_failed(st))
			break;
		took = median(ns, TIMES);
		gb_operations(st, TIMES * tasks.n);
		gb_time(st, TIMES * took);
	}
	if (gb_failed(st))
		return;
	if (cell.how->stop != NULL)
		cell.how->stop();
	if (!is_python(cell.how))
		loop_alone(st);
	n = (double)tasks.n;
	alone = (double)median(cell.serial, cell.nserial);
	gb_counter(st, "ns_per_task", (double)took / n);
	gb_counter(st, "serial_ns", alone / n);
	gb_counter(st, "efficiency", alone / tasks.procs / (double)took);
}

void grain_teardown(struct gb_state *st)
{
	(void)st;
	if (cell.how->stop != NULL)
		cell.how->stop();
	place_reset();
}
