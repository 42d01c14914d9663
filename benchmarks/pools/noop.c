/* noop.c - maps with nothing to do: what each task costs. */
#include "pools/bench.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/openmp.h"
#include "harness/place.h"
#include "harness/python.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "pools/ours.h"

#define TASKS 1000000

static uint64_t many(void)
{
	return gb_smoke() ? 1000 : TASKS;
}

void pool_noop_ours(struct gb_state *st)
{
	const char *chunk = gb_user(st);
	struct mp_call call = { .chunk = *chunk == '1' };
	uint64_t sum = busy_sum(many(), 0);
	int64_t before;

	mp_pool_map(pool_ours, ours_task, NULL, 0, many() / 8, NULL, 0, &call);
	ours_take_sum();
	before = ours_cpu(pool_ours);
	GB_LOOP(st)
	{
		int64_t begin = mp_clock_now(), ns;
		int e = mp_pool_map(pool_ours, ours_task, NULL, 0, many(), NULL,
				    0, &call);

		ns = mp_clock_now() - begin;
		if (e != 0 || ours_take_sum() != sum) {
			gb_error(st, "mp_pool_map: %s",
				 e < 0 ? strerror(-e) : "wrong results");
			break;
		}
		ours_used(st, pool_ours, before);
		gb_operations(st, many());
		gb_time(st, ns);
	}
}

void pool_noop_openmp(struct gb_state *st)
{
	GB_LOOP(st)
	{
		char *answer = openmp_ask(st, "map dynamic %d %" PRIu64 " 0 1",
					  POOL_WORKERS, many());

		if (answer == NULL)
			break;
		gb_operations(st, many());
		gb_time(st, strtoll(answer, NULL, 10));
	}
}

void pool_noop_python(struct gb_state *st)
{
	const struct question *q = gb_user(st);
	uint64_t tasks = many() / 500;

	GB_LOOP(st)
	{
		char *answer = python_ask(st, "%s %" PRIu64, q->words, tasks);

		if (answer == NULL)
			break;
		gb_operations(st, tasks);
		gb_time(st, strtoll(answer, NULL, 10));
	}
}

static void turns_before(int index, void *arg)
{
	(void)arg;
	place_child(place_spread_cpu(index));
}

static int turns(int index, void *arg)
{
	uint64_t n = many();

	(void)index;
	(void)arg;
	while (atomic_fetch_add_explicit(pool_next, 1, memory_order_relaxed) <
	       n)
		;
	return 0;
}

void pool_noop_fetch_add(struct gb_state *st)
{
	struct team t = { .n = POOL_WORKERS,
			  .before = turns_before,
			  .work = turns };

	GB_LOOP(st)
	{
		int64_t ns;

		atomic_store_explicit(pool_next, 0, memory_order_relaxed);
		if (team_run(&t, &ns) < 0) {
			gb_error(st, "%s", t.why);
			break;
		}
		gb_operations(st, many());
		gb_time(st, ns);
	}
}
