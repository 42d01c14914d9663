/* grain - family grain: how short may tasks be?
 *
 *	grain/HOW/task_ns:LENGTH/procs:N
 *
 * N workers run tasks of a length (pools/busy.h).  The efficiency is the time
 * of one loop over the same tasks, divided by N times the time taken.  The loop
 * is timed in the same run, before and after.  Efficiency against length shows
 * what a task costs beside its work; where it crosses one half lies METG(50 %),
 * the minimum effective task granularity (Slaughter et al., "Task Bench",
 * 2020), which run.py computes.
 *
 *	sequential	one loop
 *	openmp_dynamic	schedule(dynamic, 1): threads take turns at an index
 *	openmp_static	schedule(static): shares that are fixed beforehand
 *	fork_index	processes take turns at a shared index: the least that
 *			dynamic needs (they are at their start line already)
 *	mp_pool_chunk1	mp_pool_map, one task at a time
 *	mp_pool		mp_pool_map, with the chunk that it chooses
 *	mp_pool_submit	a message for each task, and one for its result
 *	mp_imap		the same by mp_imap_next
 *	python_*	peers/pool_peer.py
 *
 * Workers are there before, are pinned one to a CPU, and have been at work.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/family.h"
#include "harness/openmp.h"
#include "harness/python.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "mp/cpu.h"
#include "mp/imap.h"
#include "mp/result.h"
#include "pools/ours.h"

#define TIMES     5 /* that all tasks are run, in a round */
#define TASKS_MAX 1000000
#define WINDOW    256 /* of messages under way */

/* What is measured now. */
static struct cell {
	const struct how *how;
	int procs;
	uint64_t tasks;
	uint32_t rounds;
	uint64_t sum;          /* of one loop */
	int64_t serial[TIMES]; /* ns; a single figure from Python */
	int nserial;
	struct mp_pool *pool;
	_Atomic uint64_t *next;
} cell;

static int64_t budget = 10000000; /* ns of work for each worker */

/* start and stop: before and after all runs, or NULL.  run: all tasks once; the
 * ns, or < 0, after an error was said; *sum: of the tasks. */
struct how {
	const char *name;
	void (*start)(struct gb_state *st);
	int64_t (*run)(struct gb_state *st, uint64_t *sum);
	void (*stop)(void);
	int64_t shortest; /* the first length that is measured */
	int64_t beside;   /* about what a task costs: for how many there are */
	const char *peer; /* OpenMP's schedule, Python's way */
};

/* ---- one process ---- */

static int64_t sequential(struct gb_state *st, uint64_t *sum)
{
	int64_t begin = mp_clock_now();

	(void)st;
	*sum = busy_sum(cell.tasks, cell.rounds);
	return mp_clock_now() - begin;
}

/* ---- processes with a shared index ---- */

static void index_before(int index, void *arg)
{
	(void)arg;
	place_child(place_spread_cpu(index));
}

static int index_work(int index, void *arg)
{
	struct busy *mine = ours_slot(index);
	uint64_t i;

	(void)arg;
	while ((i = atomic_fetch_add_explicit(
			cell.next, 1, memory_order_relaxed)) < cell.tasks)
		busy(mine, i, cell.rounds);
	return 0;
}

static int64_t fork_index(struct gb_state *st, uint64_t *sum)
{
	struct team t = { .n = cell.procs,
			  .before = index_before,
			  .work = index_work };
	int64_t ns;

	atomic_store_explicit(cell.next, 0, memory_order_relaxed);
	ours_take_sum();
	if (team_run(&t, &ns) < 0) {
		gb_error(st, "%s", t.why);
		return -ECHILD;
	}
	*sum = ours_take_sum();
	return ns;
}

/* ---- ours ---- */

static void pool_start(struct gb_state *st)
{
	cell.pool = ours_start(st, cell.procs, cell.rounds);
}

static void pool_stop(void)
{
	if (cell.pool != NULL)
		ours_stop(cell.pool);
	cell.pool = NULL;
}

static int64_t failed(struct gb_state *st, const char *what, int e)
{
	gb_error(st, "%s: %s", what, e < 0 ? strerror(-e) : "items failed");
	return e < 0 ? e : -EIO;
}

static int64_t map(struct gb_state *st, uint64_t *sum, size_t chunk)
{
	struct mp_call call = { .chunk = chunk };
	int64_t begin = mp_clock_now(), ns;
	int e = mp_pool_map(cell.pool, ours_task, NULL, 0, cell.tasks, NULL, 0,
			    &call);

	ns = mp_clock_now() - begin;
	if (e != 0)
		return failed(st, "mp_pool_map", e);
	*sum = ours_take_sum();
	return ns;
}

static int64_t map_chunk1(struct gb_state *st, uint64_t *sum)
{
	return map(st, sum, 1);
}

static int64_t map_plain(struct gb_state *st, uint64_t *sum)
{
	return map(st, sum, 0);
}

/* Results are taken in the order of the tasks. */
static int64_t submit(struct gb_state *st, uint64_t *sum)
{
	static struct {
		struct mp_result result;
		uint64_t in, out;
	} window[WINDOW];
	int64_t begin = mp_clock_now();
	int e = 0;

	*sum = 0;
	for (uint64_t i = 0; i < cell.tasks + WINDOW && e == 0; i++) {
		size_t w = i % WINDOW;

		if (i >= WINDOW && i - WINDOW < cell.tasks) {
			e = mp_result_get(&window[w].result, -1);
			*sum += window[w].out;
		}
		if (i >= cell.tasks || e != 0)
			continue;
		window[w].in = i;
		e = mp_pool_submit(cell.pool, ours_message, &window[w].in,
				   sizeof(uint64_t), &window[w].out,
				   sizeof(uint64_t), NULL, &window[w].result);
	}
	return e != 0 ? failed(st, "mp_pool_submit", e)
		      : mp_clock_now() - begin;
}

static int numbers(void *arg, void *in)
{
	uint64_t *next = arg;

	if (*next == cell.tasks)
		return 0;
	memcpy(in, next, sizeof(*next));
	++*next;
	return 1;
}

static int64_t imap(struct gb_state *st, uint64_t *sum)
{
	int64_t begin = mp_clock_now();
	uint64_t next = 0, added;
	struct mp_imap it;
	int e = mp_imap_open(&it, cell.pool, ours_message, numbers, &next,
			     sizeof(uint64_t), sizeof(uint64_t), NULL);

	if (e < 0)
		return failed(st, "mp_imap_open", e);
	*sum = 0;
	while ((e = mp_imap_next(&it, &added, -1)) > 0 && it.status == 0)
		*sum += added;
	mp_imap_close(&it);
	return e != 0 ? failed(st, "mp_imap_next", e) : mp_clock_now() - begin;
}

/* ---- the list ---- */

enum { MESSAGE = 400, PYTHON = 20000 };

static const struct how hows[] = {
	{ "sequential", NULL, sequential, NULL, 0, 0, NULL },
	{ "fork_index", NULL, fork_index, NULL, 0, 20, NULL },
	{ "openmp_dynamic", openmp_start, NULL, openmp_stop, 0, 20, "dynamic" },
	{ "openmp_static", openmp_start, NULL, openmp_stop, 0, 0, "static" },
	{ "mp_pool_chunk1", pool_start, map_chunk1, pool_stop, 0, 20, NULL },
	{ "mp_pool", pool_start, map_plain, pool_stop, 0, 0, NULL },
	{ "mp_pool_submit", pool_start, submit, pool_stop, 64, MESSAGE, NULL },
	{ "mp_imap", pool_start, imap, pool_stop, 64, MESSAGE, NULL },
	{ "python_pool_chunk1", python_start, NULL, NULL, 1000, PYTHON,
	  "pool_chunk1" },
	{ "python_pool", python_start, NULL, NULL, 1000, 0, "pool" },
	{ "python_executor", python_start, NULL, NULL, 1000, 4 * PYTHON,
	  "executor" },
};

static bool is_python(const struct how *how)
{
	return how->start == python_start;
}

/* ---- measuring ---- */

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
		cell.serial[cell.nserial++] = sequential(st, &cell.sum);
}

static void prepare_python(struct gb_state *st)
{
	char *answer =
		python_ask(st, "prepare %s %d %" PRId64 " %" PRId64,
			   cell.how->peer, cell.procs, gb_argument(st, 0),
			   gb_argument(st, 0) * (int64_t)cell.tasks);

	if (answer == NULL)
		return;
	cell.rounds = (uint32_t)strtoul(answer, &answer, 10);
	cell.tasks = strtoull(answer, &answer, 10);
	cell.serial[0] = strtoll(answer, &answer, 10);
	cell.nserial = 1;
	cell.sum = busy_sum(cell.tasks, cell.rounds);
}

static void setup(struct gb_state *st)
{
	int64_t task_ns = gb_argument(st, 0), each;
	_Atomic uint64_t *next = cell.next;

	cell = (struct cell){ .how = gb_user(st),
			      .procs = (int)gb_argument(st, 1),
			      .next = next };
	if (cell.procs > mp_cpu_count(MP_CPU_USABLE)) {
		gb_skip(st, "one CPU is allowed, %d workers need as many",
			cell.procs);
		return;
	}
	each = task_ns > cell.how->beside ? task_ns : cell.how->beside;
	cell.tasks = (uint64_t)(budget * cell.procs / each);
	if (cell.tasks > TASKS_MAX)
		cell.tasks = TASKS_MAX;
	if (cell.tasks < 8 * (uint64_t)cell.procs)
		cell.tasks = 8 * (uint64_t)cell.procs;
	cell.rounds = busy_rounds(task_ns);
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
				    cell.how->peer, cell.procs, cell.tasks,
				    cell.rounds, TIMES);
	for (int k = 0; k < TIMES && answer != NULL; k++)
		ns[k] = strtoll(answer, &answer, 10);
	if (answer != NULL && is_python(cell.how))
		believe(st, strtoull(answer, NULL, 10));
}

static void run_all(struct gb_state *st, int64_t ns[TIMES])
{
	int64_t before = cell.pool != NULL ? ours_cpu(cell.pool) : 0;

	for (int k = 0; k < TIMES && !gb_failed(st); k++) {
		uint64_t sum = 0;

		ns[k] = cell.how->run(st, &sum);
		believe(st, sum);
	}
	if (cell.pool != NULL)
		ours_used(st, cell.pool, before);
}

static void grain(struct gb_state *st)
{
	int64_t ns[TIMES], took = 0;
	double tasks, alone;

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
		gb_operations(st, TIMES * cell.tasks);
		gb_time(st, TIMES * took);
	}
	if (gb_failed(st))
		return;
	if (cell.how->stop != NULL)
		cell.how->stop();
	if (!is_python(cell.how))
		loop_alone(st);
	tasks = (double)cell.tasks;
	alone = (double)median(cell.serial, cell.nserial);
	gb_counter(st, "ns_per_task", (double)took / tasks);
	gb_counter(st, "serial_ns", alone / tasks);
	gb_counter(st, "efficiency", alone / cell.procs / (double)took);
}

static void teardown(struct gb_state *st)
{
	(void)st;
	if (cell.how->stop != NULL)
		cell.how->stop();
	place_reset();
}

/* ---- registration ---- */

static const int64_t lengths[] = {
	5,   10,  16,  20,   25,   32,   40,    50,    64,     100,     160,
	250, 400, 640, 1000, 1600, 4000, 16000, 64000, 250000, 1000000,
};
static const int64_t smoke_lengths[] = { 20, 4000 };

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

/* A row for each length from the shortest on, and 2 workers and one for each
 * CPU; one loop has no workers. */
static int rows_of(const struct how *how, int64_t rows[][GB_ARGUMENTS])
{
	const int64_t *all = gb_smoke() ? smoke_lengths : lengths;
	size_t many = gb_smoke() ? 2 : LENGTHS;
	int cpus = mp_cpu_count(MP_CPU_USABLE), n = 0;
	int procs[] = { how->run == sequential ? 1 : 2, 0 };

	if (procs[0] == 2 && cpus > 2 && cpus <= OURS_WORKERS)
		procs[1] = cpus;
	for (int p = 0; p < 2 && procs[p] > 0; p++)
		for (size_t i = 0; i < many; i++)
			if (all[i] >= how->shortest) {
				rows[n][0] = all[i];
				rows[n++][1] = procs[p];
			}
	return n;
}

static void prepare(void)
{
	static const struct gb_argument arguments[] = { { "task_ns", NULL },
							{ "procs", NULL } };
	static int64_t rows[sizeof(hows) / sizeof(hows[0])][2 * LENGTHS]
			   [GB_ARGUMENTS];
	char text[32];

	if (gb_smoke())
		budget = 20000;
	ours_prepare();
	cell.next = family_memory(sizeof(*cell.next));
	snprintf(text, sizeof(text), "%d", mp_cpu_count(MP_CPU_USABLE));
	gb_context("cpus", text);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		const struct how *how = &hows[i];

		family_add(
			"grain", how->name,
			(struct gb_benchmark){
				.run = grain,
				.setup = setup,
				.teardown = teardown,
				.arguments = arguments,
				.narguments = 2,
				.rows = (const int64_t(*)[GB_ARGUMENTS])rows[i],
				.nrows = rows_of(how, rows[i]),
				.clock = GB_MANUAL_TIME,
				.once = true,
				.user = how });
	}
}

static const char *take_ms(const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < 1 || v > 1000)
		return "a number from 1 to 1000 is wanted";
	budget = v * 1000000;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "ms", "N", "work for each worker, in a run (10)", take_ms },
		FAMILY_PYTHON,
		{ 0 },
	};
	static const struct gb_program program = {
		.about = "How short may tasks be?",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "pool_peer.py");
}
