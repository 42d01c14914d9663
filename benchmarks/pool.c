/* pool - family pool: what a pool costs beside the work.  Two workers.
 *
 *	pool/noop_map/HOW	a task of a map of many with nothing to do, one
 *				at a time
 *	pool/apply_asleep/HOW	one task there and back, one each millisecond:
 *				all sleep between two
 *	pool/apply_awake/HOW	the same, one after the other
 *	pool/map2/HOW		a map of two tasks, there and back
 *	pool/create/HOW		make a pool, map one task, terminate
 *
 *	mp_pool, mp_pool_auto (with the chunk that it chooses)
 *	openmp_dynamic	a process of its own (harness/openmp.h)
 *	fork		a process for each task; create: one for each worker
 *	fetch_add	two processes that take numbers, and nothing else: the
 *			least that a shared index costs
 *	python_pool, python_executor	peers/pool_peer.py
 */
#include <stdio.h>
#include <string.h>

#include "harness/family.h"
#include "harness/openmp.h"
#include "harness/python.h"
#include "pools/bench.h"
#include "pools/ours.h"

struct histogram *pool_histogram;
struct mp_pool *pool_ours;
_Atomic uint64_t *pool_next;

/* ---- before and after ---- */

/* Pinned, as OpenMP's threads are. */
static void noop_setup(struct gb_state *st)
{
	pool_ours = ours_start(st, POOL_WORKERS, 0);
}

static void pool_setup(struct gb_state *st)
{
	int e = mp_pool_create(&pool_ours, POOL_WORKERS, NULL);

	histogram_reset(pool_histogram);
	if (e < 0)
		gb_error(st, "mp_pool_create: %s", strerror(-e));
}

static void pool_teardown(struct gb_state *st)
{
	(void)st;
	if (pool_ours != NULL)
		ours_stop(pool_ours);
	pool_ours = NULL;
	place_reset();
}

static void openmp_setup(struct gb_state *st)
{
	histogram_reset(pool_histogram);
	openmp_start(st);
}

static void openmp_teardown(struct gb_state *st)
{
	(void)st;
	openmp_stop();
}

static void plain_setup(struct gb_state *st)
{
	(void)st;
	histogram_reset(pool_histogram);
}

static void python_setup(struct gb_state *st)
{
	const struct question *q = gb_user(st);

	histogram_reset(pool_histogram);
	python_start(st);
	if (!gb_failed(st) && q->how != NULL)
		python_ask(st, "open %s %d", q->how, POOL_WORKERS);
}

/* It sleeps, but it need not be there while others are measured. */
static void python_teardown(struct gb_state *st)
{
	if (!gb_failed(st))
		python_ask(st, "close");
}

/* ---- the list ---- */

static void add(const char *what, const char *how, struct gb_benchmark b)
{
	char name[48];

	snprintf(name, sizeof(name), "pool/%s", what);
	b.clock = GB_MANUAL_TIME;
	b.unit = strcmp(what, "noop_map") == 0 ? GB_NS : GB_US;
	family_add(name, how, b);
}

static void add_ours(const char *what, const char *how,
		     void (*run)(struct gb_state *), const char *user)
{
	add(what, how,
	    (struct gb_benchmark){ .run = run,
				   .setup = user != NULL ? noop_setup
							 : pool_setup,
				   .teardown = pool_teardown,
				   .once = user != NULL,
				   .user = user });
}

static void add_openmp(const char *what, void (*run)(struct gb_state *))
{
	add(what, "openmp_dynamic",
	    (struct gb_benchmark){ .run = run,
				   .setup = openmp_setup,
				   .teardown = openmp_teardown,
				   .once = true });
}

/* By Pool, one task at a time, and by the executor. */
static void add_pythons(const char *what, void (*run)(struct gb_state *),
			const struct question questions[2])
{
	static const char *const names[] = { "python_pool", "python_executor" };

	for (int i = 0; i < 2; i++)
		add(what, names[i],
		    (struct gb_benchmark){ .run = run,
					   .setup = python_setup,
					   .teardown = python_teardown,
					   .once = run == pool_noop_python,
					   .user = &questions[i] });
}

static void add_noop_maps(void)
{
	static const struct question questions[] = { { "pool_chunk1", "map" },
						     { "executor", "map" } };

	add_ours("noop_map", "mp_pool", pool_noop_ours, "1");
	add_ours("noop_map", "mp_pool_auto", pool_noop_ours, "auto");
	add_openmp("noop_map", pool_noop_openmp);
	add("noop_map", "fetch_add",
	    (struct gb_benchmark){ .run = pool_noop_fetch_add, .once = true });
	add_pythons("noop_map", pool_noop_python, questions);
}

static void add_applies(void)
{
	static const struct question asleep[] = {
		{ "pool_chunk1", "apply 1000000" },
		{ "executor", "apply 1000000" }
	};
	static const struct question awake[] = { { "pool_chunk1", "apply 0" },
						 { "executor", "apply 0" } };

	add_ours("apply_asleep", "mp_pool", pool_apply_asleep, NULL);
	add_pythons("apply_asleep", pool_python, asleep);
	add_ours("apply_awake", "mp_pool", pool_apply_awake, NULL);
	add_pythons("apply_awake", pool_python, awake);
}

static void add_map2s(void)
{
	static const struct question questions[] = { { "pool_chunk1", "pair" },
						     { "executor", "pair" } };

	add_ours("map2", "mp_pool", pool_map2, NULL);
	add_openmp("map2", pool_map2_openmp);
	add("map2", "fork",
	    (struct gb_benchmark){ .run = pool_forks, .setup = plain_setup });
	add_pythons("map2", pool_python, questions);
}

static void add_creates(void)
{
	static const struct question questions[] = {
		{ NULL, "create pool 2" }, { NULL, "create executor 2" }
	};

	add("create", "mp_pool",
	    (struct gb_benchmark){ .run = pool_create, .setup = plain_setup });
	add("create", "fork",
	    (struct gb_benchmark){ .run = pool_forks, .setup = plain_setup });
	add_pythons("create", pool_python, questions);
}

static void prepare(void)
{
	pool_histogram = histogram_create();
	pool_next = family_memory(sizeof(*pool_next));
	ours_prepare();
	add_noop_maps();
	add_applies();
	add_map2s();
	add_creates();
}

int main(int argc, char **argv)
{
	static const struct gb_option options[] = { FAMILY_PYTHON, { 0 } };
	static const struct gb_program program = {
		.about = "What a pool costs beside the work.",
		.prepare = prepare,
		.options = options,
	};

	return family_main(argc, argv, &program, "pool_peer.py");
}
