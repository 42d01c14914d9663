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
#include <stdio.h>

#include "harness/family.h"
#include "harness/openmp.h"
#include "harness/python.h"
#include "mp/cpu.h"
#include "pools/grain.h"

/* ---- the list ---- */

enum { MESSAGE = 400, PYTHON = 20000 };

static const struct grain hows[] = {
	{ "sequential", NULL, tasks_sequential, NULL, 0, 0, NULL },
	{ "fork_index", NULL, tasks_fork_index, NULL, 0, 20, NULL },
	{ "openmp_dynamic", openmp_start, NULL, openmp_stop, 0, 20, "dynamic" },
	{ "openmp_static", openmp_start, NULL, openmp_stop, 0, 0, "static" },
	{ "mp_pool_chunk1", tasks_pool_start, tasks_map_chunk1, tasks_pool_stop,
	  0, 20, NULL },
	{ "mp_pool", tasks_pool_start, tasks_map, tasks_pool_stop, 0, 0, NULL },
	{ "mp_pool_submit", tasks_pool_start, tasks_submit, tasks_pool_stop, 64,
	  MESSAGE, NULL },
	{ "mp_imap", tasks_pool_start, tasks_imap, tasks_pool_stop, 64, MESSAGE,
	  NULL },
	{ "python_pool_chunk1", python_start, NULL, NULL, 1000, PYTHON,
	  "pool_chunk1" },
	{ "python_pool", python_start, NULL, NULL, 1000, 0, "pool" },
	{ "python_executor", python_start, NULL, NULL, 1000, 4 * PYTHON,
	  "executor" },
};

/* ---- registration ---- */

static const int64_t lengths[] = {
	5,   10,  16,  20,   25,   32,   40,    50,    64,     100,     160,
	250, 400, 640, 1000, 1600, 4000, 16000, 64000, 250000, 1000000,
};
static const int64_t smoke_lengths[] = { 20, 4000 };

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

/* A row for each length from the shortest on, and 2 workers and one for each
 * CPU; one loop has no workers. */
static int rows_of(const struct grain *how, int64_t rows[][GB_ARGUMENTS])
{
	const int64_t *all = gb_smoke() ? smoke_lengths : lengths;
	size_t many = gb_smoke() ? 2 : LENGTHS;
	int cpus = mp_cpu_count(MP_CPU_USABLE), n = 0;
	int procs[] = { how->run == tasks_sequential ? 1 : 2, 0 };

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

	ours_prepare();
	tasks.next = family_memory(sizeof(*tasks.next));
	snprintf(text, sizeof(text), "%d", mp_cpu_count(MP_CPU_USABLE));
	gb_context("cpus", text);
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		const struct grain *how = &hows[i];

		family_add(
			"grain", how->name,
			(struct gb_benchmark){
				.run = grain_measure,
				.setup = grain_setup,
				.teardown = grain_teardown,
				.arguments = arguments,
				.narguments = 2,
				.rows = (const int64_t(*)[GB_ARGUMENTS])rows[i],
				.nrows = rows_of(how, rows[i]),
				.clock = GB_MANUAL_TIME,
				.once = true,
				.user = how });
	}
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = {
		{ "ms", "N", "work for each worker, in a run (10)",
		  grain_take_ms },
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
