/* See tasks.h. */
#include "pools/tasks.h"

#include <errno.h>
#include <string.h>

#include "harness/place.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "mp/imap.h"
#include "mp/result.h"

#define WINDOW 256 /* of messages under way */

struct tasks tasks;

/* ---- one process ---- */

int64_t tasks_sequential(struct gb_state *st, uint64_t *sum)
{
	int64_t begin = mp_clock_now();

	(void)st;
	*sum = busy_sum(tasks.n, tasks.rounds);
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
	while ((i = atomic_fetch_add_explicit(tasks.next, 1,
					      memory_order_relaxed)) < tasks.n)
		busy(mine, i, tasks.rounds);
	return 0;
}

int64_t tasks_fork_index(struct gb_state *st, uint64_t *sum)
{
	struct team t = { .n = tasks.procs,
			  .before = index_before,
			  .work = index_work };
	int64_t ns;

	atomic_store_explicit(tasks.next, 0, memory_order_relaxed);
	ours_take_sum();
	if (team_run(&t, &ns) < 0) {
		gb_error(st, "%s", t.why);
		return -ECHILD;
	}
	*sum = ours_take_sum();
	return ns;
}

/* ---- ours ---- */

void tasks_pool_start(struct gb_state *st)
{
	tasks.pool = ours_start(st, tasks.procs, tasks.rounds);
}

void tasks_pool_stop(void)
{
	if (tasks.pool != NULL)
		ours_stop(tasks.pool);
	tasks.pool = NULL;
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
	int e = mp_pool_map(tasks.pool, ours_task, NULL, 0, tasks.n, NULL, 0,
			    &call);

	ns = mp_clock_now() - begin;
	if (e != 0)
		return failed(st, "mp_pool_map", e);
	*sum = ours_take_sum();
	return ns;
}

int64_t tasks_map_chunk1(struct gb_state *st, uint64_t *sum)
{
	return map(st, sum, 1);
}

int64_t tasks_map(struct gb_state *st, uint64_t *sum)
{
	return map(st, sum, 0);
}

/* Results are taken in the order of the tasks. */
int64_t tasks_submit(struct gb_state *st, uint64_t *sum)
{
	static struct {
		struct mp_result result;
		uint64_t in, out;
	} window[WINDOW];
	int64_t begin = mp_clock_now();
	int e = 0;

	*sum = 0;
	for (uint64_t i = 0; i < tasks.n + WINDOW && e == 0; i++) {
		size_t w = i % WINDOW;

		if (i >= WINDOW && i - WINDOW < tasks.n) {
			e = mp_result_get(&window[w].result, -1);
			*sum += window[w].out;
		}
		if (i >= tasks.n || e != 0)
			continue;
		window[w].in = i;
		e = mp_pool_submit(tasks.pool, ours_message, &window[w].in,
				   sizeof(uint64_t), &window[w].out,
				   sizeof(uint64_t), NULL, &window[w].result);
	}
	return e != 0 ? failed(st, "mp_pool_submit", e)
		      : mp_clock_now() - begin;
}

static int numbers(void *arg, void *in)
{
	uint64_t *next = arg;

	if (*next == tasks.n)
		return 0;
	memcpy(in, next, sizeof(*next));
	++*next;
	return 1;
}

int64_t tasks_imap(struct gb_state *st, uint64_t *sum)
{
	int64_t begin = mp_clock_now();
	uint64_t next = 0, added;
	struct mp_imap it;
	int e = mp_imap_open(&it, tasks.pool, ours_message, numbers, &next,
			     sizeof(uint64_t), sizeof(uint64_t), NULL);

	if (e < 0)
		return failed(st, "mp_imap_open", e);
	*sum = 0;
	while ((e = mp_imap_next(&it, &added, -1)) > 0 && it.status == 0)
		*sum += added;
	mp_imap_close(&it);
	return e != 0 ? failed(st, "mp_imap_next", e) : mp_clock_now() - begin;
}
